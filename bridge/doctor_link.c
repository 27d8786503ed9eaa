/* SPDX-License-Identifier: BSD-2-Clause */
/* The doctor looks at the interfaces themselves. */
#include "config.h"

#include <string.h>

#include "bridge_propagate.h"
#include "doctor_look.h"
#include "doctor_proc.h"
#include "offload_facts.h"

static bool both_exist(const struct doctor *d)
{
	return d->port[SIDE_LEFT].exists && d->port[SIDE_RIGHT].exists;
}

static void check_missing(struct doctor *d, const struct doctor_port *p)
{
	if (d->conf->wait)
		doctor_find(d, DOCTOR_NOTE, p->name,
			    "no such interface yet: it is waited for");
	else
		doctor_find(d, DOCTOR_ERROR, p->name, "no such interface");
	doctor_mend(d, "bumpwire --list");
}

void doctor_check_interfaces(struct doctor *d)
{
	const struct doctor_port *left = &d->port[SIDE_LEFT];

	for (int side = 0; side < SIDES; side++) {
		struct doctor_port *p = &d->port[side];

		if (!p->exists) {
			check_missing(d, p);
		} else if (!link_is_ethernet(&p->link)) {
			doctor_find(d, DOCTOR_ERROR, p->name, "%s: only "
				    "Ethernet interfaces can be bridged",
				    p->link.loopback ? "is the loopback" :
						       "is no Ethernet");
			doctor_mend(d, "bumpwire --list");
			/* What else is so on it may have to be so. */
			p->exists = false;
		}
	}
	if (both_exist(d) && left->link.index == d->port[SIDE_RIGHT].link.index)
		doctor_find(d, DOCTOR_ERROR, left->name,
			    "both ends are this interface: a wire needs two");
}

void doctor_check_link(struct doctor *d, const struct doctor_port *p)
{
	int holder = bridge_propagate_holder(&p->link);

	if (holder) {
		doctor_find(d, DOCTOR_ERROR, p->name, "is held down by the "
			    "link_propagation of bumpwire (process %d), for "
			    "the other port has no carrier", holder);
		doctor_mend(d, "bumpwire --unbypass %s %s",
			    d->conf->port[SIDE_LEFT], d->conf->port[SIDE_RIGHT]);
	} else if (!p->link.up) {
		doctor_find(d, DOCTOR_ERROR, p->name,
			    "is down: nothing passes until it is up");
		doctor_mend(d, "ip link set dev %s up", p->name);
	} else if (!p->link.carrier) {
		doctor_find(d, DOCTOR_WARNING, p->name,
			    "no carrier: nothing passes until its cable is in "
			    "and the other end is up");
	} else {
		doctor_find(d, DOCTOR_OK, p->name, "up, with carrier, "
			    "driver %s", p->driver[0] ? p->driver : "unknown");
	}
}

void doctor_check_master(struct doctor *d, const struct doctor_port *p)
{
	long long filtered = 0;

	if (!p->link.master_index)
		return;
	doctor_find(d, d->conf->force ? DOCTOR_WARNING : DOCTOR_ERROR, p->name,
		    "belongs to %s, which forwards its frames, too%s",
		    p->link.master, d->conf->force ? "" :
			    ": refused without force");
	doctor_mend(d, "ip link set dev %s nomaster", p->name);
	/* br_netfilter is there if these files are. */
	if (!doctor_proc_number(&filtered, "/proc/sys/net/bridge/"
				"bridge-nf-call-iptables") && filtered) {
		doctor_find(d, DOCTOR_NOTE, p->name, "bridge-nf-call-iptables "
			    "1: what %s forwards passes iptables, what "
			    "bumpwire forwards does not", p->link.master);
		doctor_mend(d, "sysctl -w net/bridge/bridge-nf-call-iptables=0");
	}
}

/* Make them equal, upwards if the smaller one can. */
void doctor_check_mtu(struct doctor *d)
{
	const struct doctor_port *small = &d->port[SIDE_LEFT];
	const struct doctor_port *large = &d->port[SIDE_RIGHT];

	if (!both_exist(d))
		return;
	if (small->link.mtu == large->link.mtu) {
		doctor_find(d, DOCTOR_OK, "mtu", "%u on both: frames to %u "
			    "bytes, tagged ones to %u", small->link.mtu,
			    small->link.mtu + 14, small->link.mtu + 18);
		return;
	}
	if (small->link.mtu > large->link.mtu) {
		small = large;
		large = &d->port[SIDE_LEFT];
	}
	doctor_find(d, DOCTOR_WARNING, "mtu", "%u on %s, %u on %s: longer "
		    "frames to %s are dropped as oversize", small->link.mtu,
		    small->name, large->link.mtu, large->name, small->name);
	if (!small->facts.mtu_max || small->facts.mtu_max >= large->link.mtu)
		doctor_mend(d, "ip link set dev %s mtu %u", small->name,
			    large->link.mtu);
	else
		doctor_mend(d, "ip link set dev %s mtu %u", large->name,
			    small->link.mtu);
}

void doctor_check_speed(struct doctor *d)
{
	struct offload_speed speed[SIDES] = { 0 };
	const struct doctor_port *port = d->port;

	for (int side = 0; side < SIDES; side++) {
		if (!port[side].exists ||
		    offload_speed(port[side].name, &speed[side]) ||
		    !speed[side].half_duplex)
			continue;
		doctor_find(d, DOCTOR_WARNING, port[side].name, "half duplex: "
			    "one way at a time, with collisions; mostly one "
			    "end has autonegotiation off");
		doctor_mend(d, "ethtool -s %s autoneg on", port[side].name);
	}
	if (speed[SIDE_LEFT].mbps && speed[SIDE_RIGHT].mbps &&
	    speed[SIDE_LEFT].mbps != speed[SIDE_RIGHT].mbps)
		doctor_find(d, DOCTOR_NOTE, "speed", "%u Mb/s on %s, %u Mb/s "
			    "on %s: what is more than the slower one takes is "
			    "dropped", speed[SIDE_LEFT].mbps,
			    port[SIDE_LEFT].name, speed[SIDE_RIGHT].mbps,
			    port[SIDE_RIGHT].name);
}

/* Where somebody beyond this host decides about foreign addresses. */
void doctor_check_media(struct doctor *d, const struct doctor_port *p)
{
	static const char *const virtual_nic[] = { "virtio_net", "vmxnet3",
						   "hv_netvsc", "xen_netfront",
						   "vif", "ena", "gve" };
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/net/%s/phy80211", p->name);
	if (p->sysfs && !access(path, F_OK))
		doctor_find(d, DOCTOR_WARNING, p->name, "is Wi-Fi: an access "
			    "point refuses frames with foreign source "
			    "addresses; take a cable");
	for (size_t i = 0; i < ARRAY_SIZE(virtual_nic); i++)
		if (!strcmp(p->driver, virtual_nic[i]))
			doctor_find(d, DOCTOR_NOTE, p->name, "%s: the "
				    "hypervisor's switch must allow "
				    "promiscuous mode and foreign source "
				    "addresses (forged transmits)", p->driver);
}
