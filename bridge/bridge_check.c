/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether interfaces can be bridged: what is refused, what is warned of. */
#include "config.h"

#include <errno.h>
#include <libgen.h>
#include <net/if_arp.h>
#include <sched.h>
#include <string.h>

#include "bridge.h"
#include "bridge_guard.h"
#include "clock.h"
#include "tap_target.h"

#define HANG_DEFAULT_NS (50 * NS_PER_MS) /* as in conf_keys.c */

/* Why a link can be no port of ours, or NULL; *mend: what to do about it. */
static const char *refusal(const struct link_info *link, bool force,
			   const char **mend)
{
	if (!link_is_ethernet(link)) {
		*mend = "only Ethernet interfaces can be bridged, see --list";
		return link->loopback ? "is the loopback" :
					"is no Ethernet interface";
	}
	if (link->master_index && !force) {
		*mend = "take it out (ip link set dev IFACE nomaster), or say "
			"force";
		return "belongs to";
	}
	return NULL;
}

/* 0 if the link can be a port, else one mistake. */
static unsigned int check_link(const struct conf_pair *conf, enum side side,
			       const struct link_info *link)
{
	const char *mend = "", *why = refusal(link, conf->force, &mend);

	if (!why)
		return 0;
	log_err("pair %s: %s: %s %s%s%s: %s", conf->name, side_name[side],
		conf->port[side], why, link->master_index ? " " : "",
		link->master, mend);
	return 1;
}

/* An alternative name may name the same one. */
static unsigned int check_two_ends(const struct conf_pair *conf,
				   const struct link_info *left,
				   const struct link_info *right)
{
	if (left->index != right->index)
		return 0;
	log_err("pair %s: %s and %s are the same interface: a wire needs two "
		"ends", conf->name, conf->port[SIDE_LEFT],
		conf->port[SIDE_RIGHT]);
	return 1;
}

static void warn_of_address(const struct conf_pair *conf, enum side side,
			    const struct link_info *link,
			    struct link_monitor *m, bool isolates)
{
	char address[80];

	if (link_has_address(m, link->index, address, sizeof(address)) <= 0)
		return;
	log_warn("pair %s: %s: %s has the address %s: %s (ip addr del %s dev "
		 "%s)", conf->name, side_name[side], link->name, address,
		 isolates ? "nobody reaches this host by it while the port is "
			    "isolated" :
			    "this host will answer there, too",
		 address, link->name);
}

static void warn_of_bypass(const struct conf_pair *conf)
{
	if (conf->bypass_filter && !conf_bypasses(conf))
		log_warn("pair %s: bypass_filter: without on_fail or on_stop = "
			 "bypass it does nothing", conf->name);
	if (conf->hang_ns != HANG_DEFAULT_NS && conf->on_fail != END_BYPASS)
		log_warn("pair %s: hang_after: without on_fail = bypass it "
			 "does nothing", conf->name);
	if (conf->n_rules && conf_bypasses(conf) && !conf->bypass_filter)
		log_warn("pair %s: its rules do not hold while it is bypassed: "
			 "everything passes then (bypass_filter = yes lets "
			 "them)", conf->name);
}

static void warn_of_mtus(const struct conf_pair *conf,
			 const struct link_info *left,
			 const struct link_info *right)
{
	if (left->mtu != right->mtu)
		log_warn("pair %s: MTU %u on %s, %u on %s: frames over the "
			 "smaller one are dropped as oversize", conf->name,
			 left->mtu, left->name, right->mtu, right->name);
}

/* Asked for it, the kernel may give one beyond those that we run on now
 * (taskset), if the cpuset allows. */
static bool cpu_can_be_had(int cpu)
{
	cpu_set_t now, wanted;
	bool had;

	if (sched_getaffinity(0, sizeof(now), &now))
		return true; /* more CPUs than we know: lane_start() will see */
	if (CPU_ISSET((size_t)cpu, &now))
		return true;
	CPU_ZERO(&wanted);
	CPU_SET((size_t)cpu, &wanted);
	had = !sched_setaffinity(0, sizeof(wanted), &wanted);
	if (had)
		sched_setaffinity(0, sizeof(now), &now);
	return had;
}

/* The CPU of the lane for what arrives on this side, where there is one. */
static unsigned int check_cpu(const struct conf_pair *conf, enum side side)
{
	int cpu = (int)conf->cpu[side];

	if ((conf->one_way != SIDE_BOTH && conf->one_way != (int)side) ||
	    cpu == LANE_NO_CPU || cpu_can_be_had(cpu))
		return 0;
	log_err("pair %s: %s.cpu: %d: not one that this process may use",
		conf->name, side_name[side], cpu);
	return 1;
}

static unsigned int check_side(const struct conf_pair *conf, enum side side,
			       struct link_info *link, struct link_monitor *m)
{
	int r;

	link->index = 0;
	if (!conf->port[side]) /* conf_finish() has said so */
		return 0;
	r = link_get(m, conf->port[side], link);
	if (!r)
		return check_link(conf, side, link);
	link->index = 0;
	if (r == -ENODEV && conf->wait) {
		log_info("pair %s: %s: waiting for interface %s", conf->name,
			 side_name[side], conf->port[side]);
		return 0;
	}
	if (r == -ENODEV)
		log_err("pair %s: %s: no such interface: %s; --list shows "
			"what there is, with wait it is waited for",
			conf->name, side_name[side], conf->port[side]);
	return 1;
}

/* Where a tap is to write: what can be told without writing there. */
static unsigned int check_tap(const struct conf_pair *conf,
			      struct link_monitor *m)
{
	autoclean(free_ptr) char *path = NULL;
	struct tap_target target;
	struct link_info link;
	const char *why = NULL;

	if ((!conf->tap[SIDE_LEFT] && !conf->tap[SIDE_RIGHT]) ||
	    tap_target_parse(conf->tap_to, &target))
		return 0;
	if (target.kind == TAP_DEV) {
		for (int side = 0; side < SIDES; side++)
			if (!strcmp(target.name, conf->port[side]))
				why = "it is a port of this wire";
		if (!why && link_get(m, target.name, &link))
			why = "no such interface";
	} else if (target.kind == TAP_FILE) {
		path = strdup(target.name);
		if (path && access(dirname(path), F_OK))
			why = strerror(errno);
	}
	if (!why)
		return 0;
	log_err("pair %s: tap_to: %s: %s", conf->name, conf->tap_to, why);
	return 1;
}

unsigned int bridge_check(const struct conf_pair *conf, struct link_monitor *m,
			  bool warn)
{
	struct link_info link[SIDES];
	unsigned int mistakes = 0;
	bool both;

	for (int side = 0; side < SIDES; side++)
		mistakes += check_side(conf, (enum side)side, &link[side], m) +
			    check_cpu(conf, (enum side)side);
	mistakes += check_tap(conf, m);
	both = link[SIDE_LEFT].index && link[SIDE_RIGHT].index;
	if (!mistakes && both)
		mistakes = check_two_ends(conf, &link[SIDE_LEFT],
					  &link[SIDE_RIGHT]);
	if (mistakes || !warn)
		return mistakes;
	for (int side = 0; side < SIDES; side++)
		if (link[side].index)
			warn_of_address(conf, (enum side)side, &link[side], m,
					conf_wants_guard(conf));
	warn_of_bypass(conf);
	if (both)
		warn_of_mtus(conf, &link[SIDE_LEFT], &link[SIDE_RIGHT]);
	return 0;
}

unsigned int bridge_check_links(struct bridge *b, struct link_monitor *m)
{
	const struct link_info *left = &b->side[SIDE_LEFT].link;
	const struct link_info *right = &b->side[SIDE_RIGHT].link;
	unsigned int mistakes = 0;
	bool is_new[SIDES], any_new = false;
	const char *mend;

	for (int side = 0; side < SIDES; side++) {
		struct bridge_port *bp = &b->side[side];

		is_new[side] = bp->checked_index != bp->link.index ||
			       bp->checked_master != bp->link.master_index;
		any_new |= is_new[side];
		bp->checked_index = bp->link.index;
		bp->checked_master = bp->link.master_index;
		if (is_new[side])
			mistakes += check_link(b->conf, (enum side)side,
					       &bp->link);
		else if (refusal(&bp->link, b->conf->force, &mend))
			mistakes++;
	}
	if (!mistakes && any_new)
		mistakes = check_two_ends(b->conf, left, right);
	if (mistakes || left->index == right->index)
		return 1;
	for (int side = 0; side < SIDES; side++)
		if (is_new[side])
			warn_of_address(b->conf, (enum side)side,
					&b->side[side].link, m,
					b->guard && conf_wants_guard(b->conf));
	if (any_new)
		warn_of_bypass(b->conf);
	if (any_new)
		warn_of_mtus(b->conf, left, right);
	return 0;
}

static int list_link(const struct link_info *link, void *arg)
{
	const char *mend = "", *why = refusal(link, false, &mend);
	char driver[BRIDGE_DRIVER_BYTES];
	FILE *out = arg;

	if (offload_driver(link->name, driver, sizeof(driver)) || !*driver)
		snprintf(driver, sizeof(driver), "-");
	fprintf(out, "%-16s %-12s %6u  %-8s %s%s%s\n", link->name, driver,
		link->mtu, !link->up ? "down" : link->carrier ? "up" :
							 "no cable",
		why ? "no: " : "yes", why ? why : "",
		why && link->master_index ? link->master : "");
	return 0;
}

int bridge_list(struct link_monitor *m, FILE *out)
{
	fprintf(out, "%-16s %-12s %6s  %-8s %s\n", "interface", "driver", "MTU",
		"link", "can be bridged");
	return link_each(m, list_link, out);
}
