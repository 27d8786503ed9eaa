/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doctor looks where this host itself takes part in what is on the wire. A
 * wire has no addresses: whatever the host sends or answers there is a
 * stranger's frame to both ends.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "doctor_look.h"
#include "doctor_proc.h"

/* A bit of /proc/sys/net/FAMILY/conf/IFACE/KEY; -1: there is none. */
static int conf_value(const char *family, const char *ifname, const char *key)
{
	long long value;

	return doctor_proc_number(&value, "/proc/sys/net/%s/conf/%s/%s", family,
				  ifname, key) ? -1 : (int)value;
}

/* ---- addresses ---- */

struct address_walk {
	struct doctor *d;
	const struct doctor_port *p;
	unsigned int found;
	char link_local[sizeof(((struct link_address *)0)->text)];
};

static int tell_address(const struct link_address *a, void *arg)
{
	struct address_walk *walk = arg;

	if (a->is_link_local)
		return 0; /* told with IPv6 */
	walk->found++;
	doctor_find(walk->d, DOCTOR_WARNING, walk->p->name,
		    "has the address %s: this host answers there, too",
		    a->text);
	doctor_mend(walk->d, "ip addr del %s dev %s", a->text, walk->p->name);
	return 0;
}

void doctor_check_addresses(struct doctor *d, const struct doctor_port *p)
{
	struct address_walk walk = { .d = d, .p = p };

	if (!link_each_address(p->link.index, tell_address, &walk) &&
	    !walk.found)
		doctor_find(d, DOCTOR_OK, p->name, "no addresses of this host");
}

static int keep_link_local(const struct link_address *a, void *arg)
{
	struct address_walk *walk = arg;

	if (a->is_link_local)
		snprintf(walk->link_local, sizeof(walk->link_local), "%s",
			 a->text);
	return 0;
}

/*
 * A port that is up with IPv6 solicits routers, reports groups and looks for
 * its own address; and what a router says there configures this host.
 */
void doctor_check_ipv6(struct doctor *d, const struct doctor_port *p)
{
	static const char *const key[] = { "accept_ra", "autoconf",
					   "addr_gen_mode" };
	struct address_walk walk = { .link_local = "no address yet" };
	int off = conf_value("ipv6", p->name, "disable_ipv6");
	int value[ARRAY_SIZE(key)];

	if (off) {
		doctor_find(d, DOCTOR_OK, p->name, "IPv6 of this host is %s",
			    off > 0 ? "off here" : "not there");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(key); i++)
		value[i] = conf_value("ipv6", p->name, key[i]);
	link_each_address(p->link.index, keep_link_local, &walk);
	doctor_find(d, DOCTOR_WARNING, p->name, "IPv6 on (%s; accept_ra %d, "
		    "autoconf %d, addr_gen_mode %d): this host itself speaks "
		    "and listens on the wire", walk.link_local, value[0],
		    value[1], value[2]);
	doctor_mend(d, "sysctl -w net/ipv6/conf/%s/disable_ipv6=1", p->name);
}

/* ---- forwarding ---- */

/* The value of the port decides, also where `all` says otherwise: ip_forward
 * only sets them all. */
static void check_forwards(struct doctor *d, const struct doctor_port *p,
			   const char *family, bool has_address)
{
	if (conf_value(family, p->name, "forwarding") <= 0)
		return;
	doctor_find(d, has_address ? DOCTOR_WARNING : DOCTOR_NOTE, p->name,
		    "%s forwarding on: frames to this port's own address are "
		    "routed as well%s", family, has_address ?
		    ", and arrive twice" : "");
	doctor_mend(d, "sysctl -w net/%s/conf/%s/forwarding=0", family,
		    p->name);
}

void doctor_check_forwarding(struct doctor *d, const struct doctor_port *p)
{
	char text[80];
	bool has_address = link_has_address(d->monitor, p->link.index, text,
					    sizeof(text)) > 0;

	check_forwards(d, p, "ipv4", has_address);
	if (!conf_value("ipv6", p->name, "disable_ipv6"))
		check_forwards(d, p, "ipv6", has_address);
	for (int all = 0; all < 2; all++) {
		const char *name = all ? "all" : p->name;

		if (conf_value("ipv4", name, "proxy_arp") <= 0)
			continue;
		doctor_find(d, DOCTOR_WARNING, p->name, "proxy_arp of %s is "
			    "1: this host answers ARP for others", name);
		doctor_mend(d, "sysctl -w net/ipv4/conf/%s/proxy_arp=0", name);
	}
}

/* ---- links on the port ---- */

static int tell_upper(const char *name, const char *kind, void *arg)
{
	struct address_walk *walk = arg;

	doctor_find(walk->d, DOCTOR_WARNING, walk->p->name, "%s (%s) stands on "
		    "it: this host takes part through that", name, kind);
	doctor_mend(walk->d, "ip link delete dev %s", name);
	return 0;
}

void doctor_check_uppers(struct doctor *d, const struct doctor_port *p)
{
	struct address_walk walk = { .d = d, .p = p };

	link_each_upper(p->link.index, tell_upper, &walk);
}

/* ---- who configures the port ---- */

static void mend_network_manager(struct doctor *d, const char *ifname)
{
	doctor_mend(d, "nmcli device set %s managed no", ifname);
}

/* Until the next boot. */
static void mend_networkd(struct doctor *d, const char *ifname)
{
	doctor_mend(d, "mkdir -p /run/systemd/network && printf "
		    "'[Match]\\nName=%s\\n[Link]\\nUnmanaged=yes\\n' "
		    ">/run/systemd/network/00-bumpwire-%s.network && "
		    "networkctl reload", ifname, ifname);
}

static const struct manager {
	const char *comm; /* as in /proc/PID/comm */
	const char *name;
	const char *state; /* its file about the link of an index */
	const char *key;
	const char *unmanaged; /* the value that says so */
	void (*mend)(struct doctor *d, const char *ifname);
} managers[] = {
	{ "NetworkManager", "NetworkManager", "/run/NetworkManager/devices",
	  "managed", "false", mend_network_manager },
	{ "systemd-network", "systemd-networkd", "/run/systemd/netif/links",
	  "ADMIN_STATE", "unmanaged", mend_networkd },
};

void doctor_check_managers(struct doctor *d, const struct doctor_port *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(managers); i++) {
		const struct manager *m = &managers[i];
		int pid = doctor_proc_find(m->comm);
		char text[4096], value[32] = "";

		if (!pid || doctor_proc_text(text, sizeof(text), "%s/%d",
					     m->state, p->link.index) < 0)
			continue;
		doctor_proc_value(text, m->key, '=', value, sizeof(value));
		if (!strcmp(value, m->unmanaged)) {
			doctor_find(d, DOCTOR_OK, p->name, "left alone by %s",
				    m->name);
			continue;
		}
		doctor_find(d, DOCTOR_WARNING, p->name, "%s (process %d) "
			    "minds it (%s=%s): it may give it addresses, or "
			    "take it down", m->name, pid, m->key, value);
		m->mend(d, p->name);
	}
}
