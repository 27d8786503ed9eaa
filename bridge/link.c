/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See link.h. Requests and events have a
 * socket each: an answer is never behind a queue of events.
 *
 * Of a message only that is used which libnl's parsed object offers.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/rtnl.h>

#include "link.h"
#include "link_ask.h"
#include "link_table.h"
#include "log.h"

/* An event weighs 2-4 KiB of this: room for a few hundred. */
#define EVENT_BUFFER_BYTES (1 << 20)
#define DISPATCH_MAX 1024 /* messages a call */
#define DUMP_TRIES 16 /* while links come and go */

struct link_monitor {
	struct nl_sock *requests;
	struct nl_sock *events;
	void (*fn)(const struct link_event *event, void *arg);
	void *arg;
	struct link_table known; /* after the last event that was reported */
	bool overrun; /* events were lost, known is not to be trusted */
};

static int log_failure(const char *what, int nle)
{
	log_err("netlink: %s: %s", what, nl_geterror(nle));
	return link_errno(nle);
}

static void copy_name(char *to, size_t size, const char *from)
{
	if (from)
		snprintf(to, size, "%s", from);
}

static void counters_from_link(struct link_counters *c, struct rtnl_link *link)
{
	c->rx_frames = rtnl_link_get_stat(link, RTNL_LINK_RX_PACKETS);
	c->rx_bytes = rtnl_link_get_stat(link, RTNL_LINK_RX_BYTES);
	c->rx_dropped = rtnl_link_get_stat(link, RTNL_LINK_RX_DROPPED);
	c->rx_errors = rtnl_link_get_stat(link, RTNL_LINK_RX_ERRORS);
	c->tx_frames = rtnl_link_get_stat(link, RTNL_LINK_TX_PACKETS);
	c->tx_bytes = rtnl_link_get_stat(link, RTNL_LINK_TX_BYTES);
	c->tx_dropped = rtnl_link_get_stat(link, RTNL_LINK_TX_DROPPED);
	c->tx_errors = rtnl_link_get_stat(link, RTNL_LINK_TX_ERRORS);
}

/* All but the master's name. */
static void info_from_link(struct nl_object *object, void *arg)
{
	struct rtnl_link *link = (struct rtnl_link *)object;
	struct link_info *info = arg;
	unsigned int flags = rtnl_link_get_flags(link);
	struct nl_addr *address = rtnl_link_get_addr(link);

	memset(info, 0, sizeof(*info));
	copy_name(info->name, sizeof(info->name), rtnl_link_get_name(link));
	copy_name(info->kind, sizeof(info->kind), rtnl_link_get_type(link));
	info->index = rtnl_link_get_ifindex(link);
	info->arptype = rtnl_link_get_arptype(link);
	info->mtu = rtnl_link_get_mtu(link);
	info->up = flags & IFF_UP;
	/* Reads as 0 where the kernel sent no IFLA_CARRIER; LOWER_UP is set
	 * for a link that is up with carrier (dev_get_flags()). */
	info->carrier = rtnl_link_get_carrier(link) || (flags & IFF_LOWER_UP);
	info->loopback = flags & IFF_LOOPBACK;
	info->operstate = rtnl_link_get_operstate(link);
	if (address && nl_addr_get_len(address) == sizeof(info->address))
		memcpy(info->address, nl_addr_get_binary_addr(address),
		       sizeof(info->address));
	info->master_index = rtnl_link_get_master(link);
	info->promiscuity = rtnl_link_get_promiscuity(link);
	counters_from_link(&info->counters, link);
}

/*
 * Two messages look like news of a link and are not. A bridge tells of its
 * ports as family AF_BRIDGE, and RTM_DELLINK of these means only that the port
 * left the bridge. Wireless extensions send name and flags alone: no MTU, no
 * master (rtnetlink_ifinfo_prep() in net/wireless/wext-core.c).
 */
static bool parse_link(struct nl_msg *msg, struct link_info *info)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	const struct ifinfomsg *ifi;
	int r;

	if (h->nlmsg_type != RTM_NEWLINK && h->nlmsg_type != RTM_DELLINK)
		return false;
	if (!nlmsg_valid_hdr(h, sizeof(*ifi)))
		return false;
	ifi = nlmsg_data(h);
	if (ifi->ifi_family != AF_UNSPEC ||
	    nlmsg_find_attr(h, sizeof(*ifi), IFLA_WIRELESS))
		return false;
	r = nl_msg_parse(msg, info_from_link, info);
	if (r < 0)
		log_debug("netlink: link %d: %s", ifi->ifi_index,
			  nl_geterror(r));
	return r >= 0;
}

static int on_dumped_link(struct nl_msg *msg, void *arg)
{
	struct link_table *t = arg;
	struct link_info info;

	if (parse_link(msg, &info) && link_table_put(t, &info))
		t->error = true;
	return NL_OK; /* the rest must be read, or the next answer is mixed */
}

/* Fill an empty table. 0, or -errno (logged); then it is still empty. */
static int dump_links(struct link_monitor *m, struct link_table *t)
{
	int r;

	nl_socket_modify_cb(m->requests, NL_CB_VALID, NL_CB_CUSTOM,
			    on_dumped_link, t);
	for (int i = 0; i < DUMP_TRIES; i++) {
		t->count = 0;
		r = nl_rtgen_request(m->requests, RTM_GETLINK, AF_UNSPEC,
				     NLM_F_DUMP);
		if (r >= 0)
			r = nl_recvmsgs_default(m->requests);
		if (r != -NLE_DUMP_INTR)
			break;
	}
	if (r >= 0 && t->error)
		r = -NLE_NOMEM;
	if (r < 0) {
		link_table_fini(t);
		*t = (struct link_table){ 0 };
		return log_failure("list of links", r);
	}
	for (size_t i = 0; i < t->count; i++)
		link_table_name_master(t, &t->link[i]);
	return 0;
}

static void report(struct link_monitor *m, bool gone,
		   const struct link_info *info)
{
	struct link_event event = { .gone = gone, .info = *info };

	if (m->fn)
		m->fn(&event, m->arg);
}

static int on_event(struct nl_msg *msg, void *arg)
{
	struct link_monitor *m = arg;
	struct link_info info;

	if (!parse_link(msg, &info))
		return NL_OK;
	link_table_name_master(&m->known, &info);
	if (nlmsg_hdr(msg)->nlmsg_type == RTM_DELLINK) {
		link_table_remove(&m->known, info.index);
		report(m, true, &info);
		return NL_OK;
	}
	if (link_table_put(&m->known, &info))
		m->overrun = true; /* as good as lost */
	report(m, false, &info);
	return NL_OK;
}

/* What was known is compared with a new dump, see link_monitor_dispatch(). */
static int resync(struct link_monitor *m)
{
	struct link_table now = { 0 }, old = m->known;
	int r = dump_links(m, &now);

	if (r)
		return r;
	log_debug("netlink: link events were lost, %zu links read anew",
		  now.count);
	m->known = now;
	m->overrun = false;
	for (size_t i = 0; i < old.count; i++)
		if (!link_table_find(&now, old.link[i].index))
			report(m, true, &old.link[i]);
	for (size_t i = 0; i < now.count; i++)
		report(m, false, &now.link[i]);
	link_table_fini(&old);
	return 0;
}

static int events_open(struct link_monitor *m)
{
	int bytes = EVENT_BUFFER_BYTES;
	int fd, r;

	nl_socket_disable_seq_check(m->events);
	r = nl_socket_modify_cb(m->events, NL_CB_VALID, NL_CB_CUSTOM, on_event,
				m);
	if (r >= 0)
		r = nl_connect(m->events, NETLINK_ROUTE);
	if (r >= 0)
		r = nl_socket_set_nonblocking(m->events);
	if (r < 0)
		return r;
	/* libnl asks for 32 KiB: an overrun waiting to happen. */
	fd = nl_socket_get_fd(m->events);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return nl_socket_add_membership(m->events, RTNLGRP_LINK);
}

int link_monitor_open(struct link_monitor **mp)
{
	struct link_monitor *m = calloc(1, sizeof(*m));
	int r = -NLE_NOMEM;

	if (m) {
		m->requests = nl_socket_alloc();
		m->events = nl_socket_alloc();
	}
	if (m && m->requests && m->events)
		r = nl_connect(m->requests, NETLINK_ROUTE);
	if (r >= 0)
		r = events_open(m);
	r = r < 0 ? log_failure("open", r) : dump_links(m, &m->known);
	if (r) {
		link_monitor_close(m);
		return r;
	}
	*mp = m;
	return 0;
}

void link_monitor_close(struct link_monitor *m)
{
	if (!m)
		return;
	nl_socket_free(m->requests);
	nl_socket_free(m->events);
	link_table_fini(&m->known);
	free(m);
}

static int fetch(struct link_monitor *m, int index, const char *name,
		 struct link_info *info)
{
	struct rtnl_link *link = NULL;
	int r = rtnl_link_get_kernel(m->requests, index, name, &link);

	if (r < 0 && link_errno(r) == -ENODEV)
		return -ENODEV;
	if (r < 0)
		return log_failure(name ? name : "link", r);
	info_from_link((struct nl_object *)link, info);
	rtnl_link_put(link);
	return 0;
}

static int get(struct link_monitor *m, int index, const char *name,
	       struct link_info *info)
{
	struct link_info master;
	int r = fetch(m, index, name, info);

	/* Not looked up in m->known: that is as old as the last dispatch. */
	if (!r && info->master_index &&
	    !fetch(m, info->master_index, NULL, &master))
		copy_name(info->master, sizeof(info->master), master.name);
	return r;
}

int link_get(struct link_monitor *m, const char *name, struct link_info *info)
{
	/* The kernel calls these invalid. They are names of no link. */
	if (!name[0] || strlen(name) >= IF_NAMESIZE)
		return -ENODEV;
	return get(m, 0, name, info);
}

int link_get_index(struct link_monitor *m, int index, struct link_info *info)
{
	if (index <= 0)
		return -ENODEV;
	return get(m, index, NULL, info);
}

int link_each(struct link_monitor *m,
	      int (*fn)(const struct link_info *info, void *arg), void *arg)
{
	autoclean(link_table_fini) struct link_table t = { 0 };
	int r = dump_links(m, &t);

	for (size_t i = 0; !r && i < t.count; i++)
		r = fn(&t.link[i], arg);
	return r;
}

static int address_text(struct rtnl_addr *a, char *text, size_t size)
{
	char host[INET6_ADDRSTRLEN];
	int n;

	/* nl_addr2str() would leave out a prefix of full length. */
	if (!inet_ntop(rtnl_addr_get_family(a),
		       nl_addr_get_binary_addr(rtnl_addr_get_local(a)), host,
		       sizeof(host)))
		return -errno;
	n = snprintf(text, size, "%s/%d", host, rtnl_addr_get_prefixlen(a));
	return (size_t)n < size ? 1 : -ENOSPC;
}

static bool address_counts(struct rtnl_addr *a)
{
	switch (rtnl_addr_get_family(a)) {
	case AF_INET:
		return rtnl_addr_get_local(a);
	case AF_INET6:
		return rtnl_addr_get_local(a) &&
		       rtnl_addr_get_scope(a) != RT_SCOPE_LINK;
	}
	return false;
}

int link_has_address(struct link_monitor *m, int index, char *text, size_t size)
{
	struct nl_cache *all = NULL;
	int r = rtnl_addr_alloc_cache(m->requests, &all);
	struct nl_object *o;

	if (r < 0)
		return log_failure("list of addresses", r);
	r = 0;
	if (size)
		text[0] = '\0';
	for (o = nl_cache_get_first(all); o && !r; o = nl_cache_get_next(o)) {
		struct rtnl_addr *a = (struct rtnl_addr *)o;

		if (rtnl_addr_get_ifindex(a) == index && address_counts(a))
			r = address_text(a, text, size);
	}
	nl_cache_free(all);
	return r;
}

void link_set_event_handler(struct link_monitor *m,
			    void (*fn)(const struct link_event *event,
				       void *arg),
			    void *arg)
{
	m->fn = fn;
	m->arg = arg;
}

int link_monitor_fd(const struct link_monitor *m)
{
	return nl_socket_get_fd(m->events);
}

/*
 * An overrun is told once (ENOBUFS, which libnl calls NLE_NOMEM), before what
 * is still queued, and until the queue has been read empty the kernel drops
 * whatever comes, in silence (NETLINK_S_CONGESTED in net/netlink/af_netlink.c).
 * So the dump must wait for the end of the queue: before, it would be followed
 * by older news, and by losses of which no one tells.
 */
int link_monitor_dispatch(struct link_monitor *m)
{
	for (int i = 0; i < DISPATCH_MAX; i++) {
		int r = nl_recvmsgs_default(m->events);

		if (r == -NLE_AGAIN)
			return m->overrun ? resync(m) : 0;
		if (r >= 0)
			continue;
		m->overrun = true;
		if (r != -NLE_NOMEM)
			return log_failure("link events", r);
	}
	return 1;
}

bool link_name_is_valid(const char *name)
{
	size_t n = strlen(name);

	if (!n || n >= IF_NAMESIZE || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (; *name; name++)
		if (strchr("/: \t\n\v\f\r", *name) ||
		    (unsigned char)*name < ' ')
			return false;
	return true;
}

const char *link_operstate_name(uint8_t operstate)
{
	static const char *const name[] = {
		[IF_OPER_UNKNOWN] = "unknown",
		[IF_OPER_NOTPRESENT] = "notpresent",
		[IF_OPER_DOWN] = "down",
		[IF_OPER_LOWERLAYERDOWN] = "lowerlayerdown",
		[IF_OPER_TESTING] = "testing",
		[IF_OPER_DORMANT] = "dormant",
		[IF_OPER_UP] = "up",
	};

	return operstate < ARRAY_SIZE(name) ? name[operstate] : "unknown";
}

bool link_is_ethernet(const struct link_info *info)
{
	return info->arptype == ARPHRD_ETHER && !info->loopback;
}
