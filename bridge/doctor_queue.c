/* SPDX-License-Identifier: BSD-2-Clause */
/* The doctor looks how frames come from the card to the processors. */
#include "config.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "doctor_look.h"
#include "doctor_proc.h"
#include "lane.h"
#include "offload_facts.h"

static void check_card_ring(struct doctor *d, const struct doctor_port *p)
{
	uint32_t now, most;

	if (offload_rx_slots(p->name, &now, &most) || now >= most)
		return;
	doctor_find(d, DOCTOR_NOTE, p->name, "the card's own rx ring has %u of "
		    "%u slots: bursts may be lost before they are seen", now,
		    most);
	doctor_mend(d, "ethtool -G %s rx %u", p->name, most);
}

/* Receive packet steering spreads one queue over processors. */
static void check_steering(struct doctor *d, const struct doctor_port *p,
			   unsigned int queues)
{
	for (unsigned int q = 0; p->sysfs && q < queues; q++) {
		char path[80], mask[256];

		snprintf(path, sizeof(path),
			 "/sys/class/net/%s/queues/rx-%u/rps_cpus", p->name, q);
		if (doctor_proc_text(mask, sizeof(mask), "%s", path) <= 0 ||
		    !mask[strspn(mask, "0,\n")])
			continue;
		mask[strcspn(mask, "\n")] = '\0';
		doctor_find(d, DOCTOR_NOTE, p->name, "RPS of rx queue %u is "
			    "%s: frames of different flows may leave in "
			    "another order", q, mask);
		doctor_mend(d, "echo 0 >%s", path);
	}
}

void doctor_check_queues(struct doctor *d, const struct doctor_port *p)
{
	struct offload_queues queues;

	check_card_ring(d, p);
	if (offload_queues(p->name, &queues))
		queues = (struct offload_queues){ .rx = 1 };
	if (queues.rx > 1) {
		doctor_find(d, DOCTOR_NOTE, p->name, "%u rx queues: frames of "
			    "different flows may leave in another order than "
			    "they came; one queue keeps it", queues.rx);
		doctor_mend(d, "ethtool -L %s %s 1", p->name,
			    queues.combined ? "combined" : "rx");
	}
	check_steering(d, p, queues.rx);
}

/* ---- interrupts ---- */

/* virtio's are its parent's. */
static DIR *open_interrupts(const struct doctor_port *p)
{
	static const char *const where[] = { "device", "device/.." };
	DIR *list = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(where) && !list; i++) {
		char path[80];

		snprintf(path, sizeof(path), "/sys/class/net/%s/%s/msi_irqs",
			 p->name, where[i]);
		list = opendir(path);
	}
	return list;
}

static void tell_interrupt(struct doctor *d, const struct doctor_port *p,
			   int irq, const char *cpus)
{
	int side = p == &d->port[SIDE_LEFT] ? SIDE_LEFT : SIDE_RIGHT;
	long long cpu = d->conf->cpu[side];
	char pinned[32];

	if (cpu == LANE_NO_CPU || !doctor_has_lane(d, (enum side)side))
		return;
	snprintf(pinned, sizeof(pinned), "%lld", cpu);
	if (strcmp(cpus, pinned))
		return;
	doctor_find(d, DOCTOR_NOTE, p->name, "interrupt %d comes to CPU %s, "
		    "where its lane is to run: they take turns", irq, cpus);
	doctor_mend(d, "echo %d >/proc/irq/%d/smp_affinity_list", cpu ? 0 : 1,
		    irq);
}

void doctor_check_interrupts(struct doctor *d, const struct doctor_port *p)
{
	DIR *list = p->sysfs ? open_interrupts(p) : NULL;
	const struct dirent *entry;
	char text[256] = "";
	size_t len = 0;

	while (list && (entry = readdir(list))) {
		int irq = atoi(entry->d_name);
		char cpus[64];

		if (irq <= 0 ||
		    (doctor_proc_text(cpus, sizeof(cpus), "/proc/irq/%d/"
				      "effective_affinity_list", irq) <= 1 &&
		     doctor_proc_text(cpus, sizeof(cpus), "/proc/irq/%d/"
				      "smp_affinity_list", irq) <= 1))
			continue;
		cpus[strcspn(cpus, "\n")] = '\0';
		tell_interrupt(d, p, irq, cpus);
		if (len < sizeof(text))
			len += (size_t)snprintf(text + len, sizeof(text) - len,
						"%s%d on %s", len ? ", " : "",
						irq, cpus);
	}
	if (list)
		closedir(list);
	if (len)
		doctor_find(d, DOCTOR_OK, p->name, "interrupts: %s", text);
}

/* ---- processors ---- */

static void check_governor(struct doctor *d, const cpu_set_t *set)
{
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		char text[64];

		if (!CPU_ISSET(cpu, set) ||
		    doctor_proc_text(text, sizeof(text), "/sys/devices/system/"
				     "cpu/cpu%zu/cpufreq/scaling_governor",
				     cpu) <= 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		if (!strcmp(text, "performance"))
			continue;
		doctor_find(d, DOCTOR_NOTE, "cpus", "governor %s of CPU %zu: "
			    "it is slow to wake for the first frames of a "
			    "burst", text, cpu);
		doctor_mend(d, "cpupower frequency-set -g performance");
		return;
	}
}

void doctor_check_cpus(struct doctor *d)
{
	unsigned int lanes = doctor_has_lane(d, SIDE_LEFT) +
			     doctor_has_lane(d, SIDE_RIGHT);
	bool spins = (doctor_has_lane(d, SIDE_LEFT) &&
		      d->conf->spin_us[SIDE_LEFT]) ||
		     (doctor_has_lane(d, SIDE_RIGHT) &&
		      d->conf->spin_us[SIDE_RIGHT]);
	cpu_set_t set;
	int n;

	if (sched_getaffinity(0, sizeof(set), &set))
		return; /* more CPUs than a set holds: enough */
	n = CPU_COUNT(&set);
	if ((unsigned int)n < lanes && spins) {
		doctor_find(d, DOCTOR_WARNING, "cpus", "%d for %u lanes that "
			    "spin: they keep each other waiting", n, lanes);
		doctor_mend(d, "bumpwire --spin 0 %s %s",
			    d->port[SIDE_LEFT].name, d->port[SIDE_RIGHT].name);
	} else {
		doctor_find(d, DOCTOR_OK, "cpus", "%d for %u lane%s", n, lanes,
			    lanes == 1 ? "" : "s");
	}
	check_governor(d, &set);
}
