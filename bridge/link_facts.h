/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * More about a link than forwarding needs to know, for who looks whether it can
 * be forwarded at all: programs and queues on it, its addresses, what stands on
 * it. Each call asks the kernel anew, over a socket of its own, in the network
 * namespace of the calling thread. Errors are logged, except -ENODEV.
 */
#ifndef BUMPWIRE_LINK_FACTS_H
#define BUMPWIRE_LINK_FACTS_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>

#include "base.h"

/* How an XDP program is attached, as ip(8) calls it in `ip link set`. */
enum link_xdp {
	LINK_XDP_NONE,
	LINK_XDP_DRIVER,
	LINK_XDP_GENERIC,
	LINK_XDP_OFFLOAD,
	LINK_XDP_MODES
};

struct link_facts {
	bool promiscuous; /* set by the administrator (ip link promisc on) */
	bool all_multicast; /* likewise */
	unsigned int mtu_max; /* 0: not told */
	uint32_t xdp_id[LINK_XDP_MODES]; /* of the program; 0: none */
	char qdisc[16];   /* the root's kind, or "" */
	char ingress[16]; /* ingress, clsact, or "" */
};

/* 0, -ENODEV or other -errno. */
int link_facts_get(int index, struct link_facts *facts);

struct link_address {
	char text[INET6_ADDRSTRLEN + 4]; /* with the prefix's length */
	bool is_ipv6;
	bool is_link_local; /* of IPv6 */
	bool is_kernels;    /* known to be made by the kernel itself; Linux
			     * before 5.18 does not tell */
};

/* Call fn for each address of a link; a result other than 0 ends the walk and
 * is returned. */
int link_each_address(int index,
		      int (*fn)(const struct link_address *address, void *arg),
		      void *arg);

/* Is there an IPv6 route by this link that the kernel did not make by itself
 * or by a router's word? 1, 0 or -errno. */
int link_has_ipv6_route(int index);

/* Call fn for each link that stands on this one: vlan, macvlan, ... */
int link_each_upper(int index,
		    int (*fn)(const char *name, const char *kind, void *arg),
		    void *arg);

/* Set the link up or down; set the flag that makes it promiscuous also without
 * a socket that asks for it (CAP_NET_ADMIN). 0 or -errno (not logged). */
int link_set_up(int index, bool up);
int link_set_promisc(int index, bool on);

#endif
