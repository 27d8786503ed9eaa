/* SPDX-License-Identifier: BSD-2-Clause */
/* See link_facts.h. Of the files that know route netlink, see link_ask.h. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include "link_ask.h"
#include "link_facts.h"

/* linux/if_addr.h has these since 5.18. */
#define ATTR_IFA_PROTO 11
#define PROTO_KERNEL_LL 3

/* ---- the link itself ---- */

/* IFLA_XDP_PROG_ID is one of the others, or there where there is but one. */
static void take_xdp(struct link_facts *facts, struct nlattr *attr)
{
	static const enum link_xdp by_attached[] = {
		[XDP_ATTACHED_DRV] = LINK_XDP_DRIVER,
		[XDP_ATTACHED_SKB] = LINK_XDP_GENERIC,
		[XDP_ATTACHED_HW] = LINK_XDP_OFFLOAD,
		[XDP_ATTACHED_MULTI] = LINK_XDP_NONE,
	};
	struct nlattr *tb[IFLA_XDP_MAX + 1];
	unsigned int attached = XDP_ATTACHED_NONE;

	if (!attr || nla_parse_nested(tb, IFLA_XDP_MAX, attr, NULL) < 0)
		return;
	facts->xdp_id[LINK_XDP_DRIVER] = link_attr_u32(tb[IFLA_XDP_DRV_PROG_ID]);
	facts->xdp_id[LINK_XDP_GENERIC] = link_attr_u32(tb[IFLA_XDP_SKB_PROG_ID]);
	facts->xdp_id[LINK_XDP_OFFLOAD] = link_attr_u32(tb[IFLA_XDP_HW_PROG_ID]);
	if (tb[IFLA_XDP_ATTACHED])
		attached = nla_get_u8(tb[IFLA_XDP_ATTACHED]);
	if (attached < ARRAY_SIZE(by_attached) && by_attached[attached])
		facts->xdp_id[by_attached[attached]] =
			link_attr_u32(tb[IFLA_XDP_PROG_ID]);
}

static int on_link(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct nlattr *tb[IFLA_MAX + 1];
	struct link_facts *facts = arg;
	const struct ifinfomsg *ifi;

	if (h->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(h, sizeof(*ifi), tb, IFLA_MAX, NULL) < 0)
		return NL_OK;
	ifi = nlmsg_data(h);
	/* What the kernel does by itself is not in these: dev_get_flags(). */
	facts->promiscuous = ifi->ifi_flags & IFF_PROMISC;
	facts->all_multicast = ifi->ifi_flags & IFF_ALLMULTI;
	facts->mtu_max = link_attr_u32(tb[IFLA_MAX_MTU]);
	take_xdp(facts, tb[IFLA_XDP]);
	return NL_OK;
}

struct qdiscs {
	int index;
	struct link_facts *facts;
};

static int on_qdisc(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct nlattr *tb[TCA_MAX + 1];
	const struct qdiscs *q = arg;
	const struct tcmsg *tcm;

	if (h->nlmsg_type != RTM_NEWQDISC ||
	    nlmsg_parse(h, sizeof(*tcm), tb, TCA_MAX, NULL) < 0)
		return NL_OK;
	tcm = nlmsg_data(h);
	if (tcm->tcm_ifindex != q->index)
		return NL_OK;
	/* clsact has the same parent. */
	if (tcm->tcm_parent == TC_H_INGRESS)
		link_attr_text(q->facts->ingress, sizeof(q->facts->ingress),
			  tb[TCA_KIND]);
	else if (tcm->tcm_parent == TC_H_ROOT)
		link_attr_text(q->facts->qdisc, sizeof(q->facts->qdisc),
			  tb[TCA_KIND]);
	return NL_OK;
}

int link_facts_get(int index, struct link_facts *facts)
{
	struct ifinfomsg ifi = { .ifi_index = index };
	struct tcmsg tcm = { .tcm_family = AF_UNSPEC };
	struct qdiscs qdiscs = { index, facts };
	const struct link_question link = { RTM_GETLINK, 0, &ifi, sizeof(ifi),
				       on_link, facts };
	const struct link_question qdisc = { RTM_GETQDISC, NLM_F_DUMP, &tcm,
					sizeof(tcm), on_qdisc, &qdiscs };
	int r;

	*facts = (struct link_facts){ 0 };
	r = link_ask(&link, "link");
	return r ? r : link_ask(&qdisc, "list of qdiscs");
}

/* ---- addresses ---- */

struct address_walk {
	int index;
	int (*fn)(const struct link_address *address, void *arg);
	void *arg;
	int result;
};

static bool parse_address(struct nlmsghdr *h, int index,
			  struct link_address *address)
{
	struct nlattr *tb[ATTR_IFA_PROTO + 1], *host;
	const struct ifaddrmsg *ifa;
	char text[INET6_ADDRSTRLEN];

	if (h->nlmsg_type != RTM_NEWADDR ||
	    nlmsg_parse(h, sizeof(*ifa), tb, ATTR_IFA_PROTO, NULL) < 0)
		return false;
	ifa = nlmsg_data(h);
	/* On a link with a peer IFA_ADDRESS is the other end's. */
	host = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
	if ((int)ifa->ifa_index != index || !host ||
	    nla_len(host) < (ifa->ifa_family == AF_INET6 ? 16 : 4) ||
	    !inet_ntop(ifa->ifa_family, nla_data(host), text, sizeof(text)))
		return false;
	*address = (struct link_address){
		.is_ipv6 = ifa->ifa_family == AF_INET6,
		.is_link_local = ifa->ifa_family == AF_INET6 &&
				 ifa->ifa_scope == RT_SCOPE_LINK,
		.is_kernels = tb[ATTR_IFA_PROTO] &&
			      nla_get_u8(tb[ATTR_IFA_PROTO]) == PROTO_KERNEL_LL,
	};
	snprintf(address->text, sizeof(address->text), "%s/%u", text,
		 ifa->ifa_prefixlen);
	return true;
}

static int on_address(struct nl_msg *msg, void *arg)
{
	struct address_walk *walk = arg;
	struct link_address address;

	if (!walk->result &&
	    parse_address(nlmsg_hdr(msg), walk->index, &address))
		walk->result = walk->fn(&address, walk->arg);
	return NL_OK;
}

int link_each_address(int index,
		      int (*fn)(const struct link_address *address, void *arg),
		      void *arg)
{
	struct address_walk walk = { index, fn, arg, 0 };
	struct ifaddrmsg ifa = { .ifa_family = AF_UNSPEC };
	const struct link_question q = { RTM_GETADDR, NLM_F_DUMP, &ifa, sizeof(ifa),
				    on_address, &walk };
	int r = link_ask(&q, "list of addresses");

	return r ? r : walk.result;
}

/* ---- routes ---- */

struct route_walk {
	int index;
	int found;
};

static int on_route(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct nlattr *tb[RTA_MAX + 1];
	struct route_walk *walk = arg;
	const struct rtmsg *rtm;

	if (h->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse(h, sizeof(*rtm), tb, RTA_MAX, NULL) < 0)
		return NL_OK;
	rtm = nlmsg_data(h);
	if ((int)link_attr_u32(tb[RTA_OIF]) == walk->index &&
	    rtm->rtm_protocol != RTPROT_KERNEL &&
	    rtm->rtm_protocol != RTPROT_REDIRECT &&
	    rtm->rtm_protocol != RTPROT_RA)
		walk->found = 1;
	return NL_OK;
}

int link_has_ipv6_route(int index)
{
	struct rtmsg rtm = { .rtm_family = AF_INET6 };
	struct route_walk walk = { .index = index };
	const struct link_question q = { RTM_GETROUTE, NLM_F_DUMP, &rtm, sizeof(rtm),
				    on_route, &walk };
	int r = link_ask(&q, "list of routes");

	return r ? r : walk.found;
}

/* ---- links on the link ---- */

struct upper_walk {
	int index;
	int (*fn)(const char *name, const char *kind, void *arg);
	void *arg;
	int result;
};

/* IFLA_LINK is the link below, or for veth and its like the other end. */
static bool stands_on(struct nlattr **tb, int index, char *kind, size_t size)
{
	static const char *const stacked[] = { "vlan", "macvlan", "macvtap",
					       "ipvlan", "ipvtap", "macsec",
					       "vxlan" };
	struct nlattr *info[IFLA_INFO_MAX + 1];

	if (!tb[IFLA_LINK] || (int)link_attr_u32(tb[IFLA_LINK]) != index ||
	    tb[IFLA_LINK_NETNSID] || !tb[IFLA_IFNAME] || !tb[IFLA_LINKINFO] ||
	    nla_parse_nested(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO], NULL) < 0)
		return false;
	link_attr_text(kind, size, info[IFLA_INFO_KIND]);
	for (size_t i = 0; i < ARRAY_SIZE(stacked); i++)
		if (!strcmp(kind, stacked[i]))
			return true;
	return false;
}

static int on_upper(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct nlattr *tb[IFLA_MAX + 1];
	struct upper_walk *walk = arg;
	char kind[32] = "";

	if (walk->result || h->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(h, sizeof(struct ifinfomsg), tb, IFLA_MAX, NULL) < 0)
		return NL_OK;
	if (stands_on(tb, walk->index, kind, sizeof(kind)))
		walk->result = walk->fn(nla_data(tb[IFLA_IFNAME]), kind,
					walk->arg);
	return NL_OK;
}

int link_each_upper(int index,
		    int (*fn)(const char *name, const char *kind, void *arg),
		    void *arg)
{
	struct upper_walk walk = { index, fn, arg, 0 };
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	const struct link_question q = { RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi),
				    on_upper, &walk };
	int r = link_ask(&q, "list of links");

	return r ? r : walk.result;
}

/* ---- changes ---- */

static int set_flag(int index, unsigned int flag, bool on)
{
	struct ifinfomsg ifi = {
		.ifi_index = index,
		.ifi_flags = on ? flag : 0,
		.ifi_change = flag,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWLINK, 0);

	if (msg && nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return link_order(msg);
}

int link_set_up(int index, bool up)
{
	return set_flag(index, IFF_UP, up);
}

int link_set_promisc(int index, bool on)
{
	return set_flag(index, IFF_PROMISC, on);
}
