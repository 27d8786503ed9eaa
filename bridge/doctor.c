/* SPDX-License-Identifier: BSD-2-Clause */
/* See doctor.h: the table of checks, and how findings are told. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/utsname.h>

#include "doctor.h"
#include "doctor_look.h"
#include "doctor_proc.h"
#include "offload.h"

/* In the order in which they are told; those of a port once for each. */
static const struct check {
	void (*pair)(struct doctor *d);
	void (*port)(struct doctor *d, const struct doctor_port *p);
} checks[] = {
	{ .pair = doctor_check_interfaces },
	{ .port = doctor_check_link },
	{ .port = doctor_check_master },
	{ .pair = doctor_check_mtu },
	{ .pair = doctor_check_speed },
	{ .port = doctor_check_media },
	{ .port = doctor_check_addresses },
	{ .port = doctor_check_ipv6 },
	{ .port = doctor_check_forwarding },
	{ .port = doctor_check_uppers },
	{ .port = doctor_check_managers },
	{ .port = doctor_check_promiscuity },
	{ .pair = doctor_check_sockets },
	{ .port = doctor_check_programs },
	{ .port = doctor_check_qdiscs },
	{ .port = doctor_check_offloads },
	{ .port = doctor_check_queues },
	{ .port = doctor_check_interrupts },
	{ .pair = doctor_check_cpus },
	{ .pair = doctor_check_memory },
	{ .pair = doctor_check_privileges },
	{ .pair = doctor_check_kernel },
};

const char *const doctor_level_name[DOCTOR_LEVELS] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_NOTE] = "note",
	[DOCTOR_WARNING] = "warning",
	[DOCTOR_ERROR] = "error",
};

void doctor_find(struct doctor *d, enum doctor_level level, const char *subject,
		 const char *fmt, ...)
{
	va_list ap;

	d->n[level]++;
	fprintf(d->out, "%-8s %s: ", doctor_level_name[level], subject);
	va_start(ap, fmt);
	vfprintf(d->out, fmt, ap);
	va_end(ap);
	fputc('\n', d->out);
}

void doctor_mend(struct doctor *d, const char *fmt, ...)
{
	va_list ap;

	fputs(DOCTOR_INDENT, d->out);
	va_start(ap, fmt);
	vfprintf(d->out, fmt, ap);
	va_end(ap);
	fputc('\n', d->out);
}

bool doctor_has_lane(const struct doctor *d, enum side side)
{
	return conf_has_lane(d->conf, side);
}

/*
 * A /sys mount shows the namespace in which it was made (nsenter --net brings
 * none along), and there another interface may have this name.
 */
static bool sysfs_is_ours(const char *name, int index)
{
	long long shown;

	return !doctor_proc_number(&shown, "/sys/class/net/%s/ifindex", name) &&
	       shown == index;
}

static void meet_port(struct doctor *d, enum side side)
{
	struct doctor_port *p = &d->port[side];

	p->name = d->conf->port[side] ? d->conf->port[side] : side_name[side];
	if (!d->conf->port[side] ||
	    link_get(d->monitor, p->name, &p->link) ||
	    link_facts_get(p->link.index, &p->facts))
		return;
	p->exists = true;
	p->name = p->link.name; /* not an alternative one */
	p->sysfs = sysfs_is_ours(p->name, p->link.index);
	if (offload_driver(p->name, p->driver, sizeof(p->driver)))
		p->driver[0] = '\0';
}

static void say_sum(const struct doctor *d)
{
	unsigned int errors = d->n[DOCTOR_ERROR];
	unsigned int warnings = d->n[DOCTOR_WARNING];
	unsigned int notes = d->n[DOCTOR_NOTE];

	fprintf(d->out, "%u error%s, %u warning%s, %u note%s\n", errors,
		errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s",
		notes, notes == 1 ? "" : "s");
}

unsigned int doctor_look(const struct conf_pair *conf, struct link_monitor *m,
			 FILE *out)
{
	struct doctor d = { .conf = conf, .monitor = m, .out = out };
	struct utsname host;

	if (!uname(&host))
		d.kernel = doctor_proc_version(host.release);
	for (int side = 0; side < SIDES; side++)
		meet_port(&d, (enum side)side);
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		if (checks[i].pair)
			checks[i].pair(&d);
		for (int side = 0; checks[i].port && side < SIDES; side++)
			if (d.port[side].exists)
				checks[i].port(&d, &d.port[side]);
	}
	say_sum(&d);
	return d.n[DOCTOR_ERROR];
}
