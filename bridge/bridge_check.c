/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether interfaces can be bridged: what is refused, what is warned of. */
#include "config.h"

#include <errno.h>
#include <net/if_arp.h>
#include <string.h>

#include "bridge.h"

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
			       const struct link_info *link,
			       struct link_monitor *m)
{
	const char *mend = "", *why = refusal(link, conf->force, &mend);
	char address[80];

	if (why) {
		log_err("pair %s: %s: %s %s%s%s: %s", conf->name,
			side_name[side], conf->port[side], why,
			link->master_index ? " " : "", link->master, mend);
		return 1;
	}
	if (link_has_address(m, link->index, address, sizeof(address)) > 0)
		log_warn("pair %s: %s: %s has the address %s: this host will "
			 "answer there, too (ip addr del %s dev %s)",
			 conf->name, side_name[side], link->name, address,
			 address, link->name);
	return 0;
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
		return check_link(conf, side, link, m);
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

unsigned int bridge_check(const struct conf_pair *conf, struct link_monitor *m)
{
	struct link_info link[SIDES];
	unsigned int mistakes = 0;

	for (int side = 0; side < SIDES; side++)
		mistakes += check_side(conf, (enum side)side, &link[side], m);
	if (mistakes || !link[SIDE_LEFT].index || !link[SIDE_RIGHT].index)
		return mistakes;
	if (link[SIDE_LEFT].index == link[SIDE_RIGHT].index) {
		log_err("pair %s: %s and %s are the same interface: a wire "
			"needs two ends", conf->name, conf->port[SIDE_LEFT],
			conf->port[SIDE_RIGHT]);
		return 1;
	}
	if (link[SIDE_LEFT].mtu != link[SIDE_RIGHT].mtu)
		log_warn("pair %s: MTU %u on %s, %u on %s: frames over the "
			 "smaller one are dropped as oversize", conf->name,
			 link[SIDE_LEFT].mtu, link[SIDE_LEFT].name,
			 link[SIDE_RIGHT].mtu, link[SIDE_RIGHT].name);
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
