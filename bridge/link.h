/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network interfaces as the kernel knows them, and what happens to them. Behind
 * this header, and nowhere else, stands netlink (libnl-3, libnl-route-3).
 *
 * A monitor belongs to the network namespace in which it was opened and to one
 * thread.
 */
#ifndef BUMPWIRE_LINK_H
#define BUMPWIRE_LINK_H

#include <net/if.h>
#include <stdbool.h>

#include "base.h"

/* IFLA_STATS64: since the interface was made, as `ip -s link` shows them. */
struct link_counters {
	uint64_t rx_frames, rx_bytes, rx_dropped, rx_errors;
	uint64_t tx_frames, tx_bytes, tx_dropped, tx_errors;
};

struct link_info {
	char name[IF_NAMESIZE];
	int index;
	unsigned int arptype; /* ARPHRD_* of <net/if_arp.h> */
	unsigned int mtu;     /* bytes, without the Ethernet header */
	bool up;              /* IFF_UP: what the administrator wants */
	bool carrier;         /* what the other end of the cable gives */
	bool loopback;
	uint8_t operstate; /* IF_OPER_*, see link_operstate_name() */
	uint8_t address[6]; /* zero if it is not six bytes long */
	int master_index;  /* the bridge, bond, ... it is enslaved to, or 0 */
	char master[IF_NAMESIZE]; /* its name, or "" */
	char kind[32];            /* veth, bridge, ...; "" for a plain NIC */
	unsigned int promiscuity; /* how many asked for it */
	struct link_counters counters;
};

struct link_event {
	bool gone; /* deleted, or moved to another network namespace */
	struct link_info info; /* of a link that is gone: as it was last */
};

struct link_monitor;

/* 1 to 15 bytes that the kernel takes for a name (dev_valid_name() of
 * net/core/dev.c), but for control characters, which it takes. */
bool link_name_is_valid(const char *name);

/*
 * Open a socket for requests and one that is subscribed to link events. The
 * subscription stands first and all links are read after it, so that whatever
 * link_get() or link_each() tell, each later change is reported as an event.
 * 0, or -errno (logged).
 */
int link_monitor_open(struct link_monitor **mp);
void link_monitor_close(struct link_monitor *m);

/*
 * Ask the kernel, now. 0; -ENODEV when there is no such link (not logged, the
 * caller knows what that means); other -errno (logged).
 *
 * An alternative name (ip link property add altname) of up to 15 characters
 * finds its link too: info->name is the name that events will carry.
 */
int link_get(struct link_monitor *m, const char *name, struct link_info *info);
int link_get_index(struct link_monitor *m, int index, struct link_info *info);

/*
 * Call fn for each link, by ascending index, from a consistent dump. What fn
 * returns other than 0 ends the walk and is returned. -errno of the dump is
 * logged.
 */
int link_each(struct link_monitor *m,
	      int (*fn)(const struct link_info *info, void *arg), void *arg);

/*
 * Does the host have an address on this link? 1 and the first of them as text
 * ("192.0.2.1/24"); 0 and "" when there is none; -errno (logged, but -ENOSPC
 * for a text of less than INET6_ADDRSTRLEN + 4 bytes is not). The IPv6
 * link-local address that the kernel makes by itself does not count.
 */
int link_has_address(struct link_monitor *m, int index, char *text,
		     size_t size);

/*
 * fn is called by link_monitor_dispatch(), for each RTM_NEWLINK (a new link, or
 * any change of one) and RTM_DELLINK, in the kernel's order. It may use
 * link_get() and its like, but not dispatch or close. NULL: nobody listens.
 */
void link_set_event_handler(struct link_monitor *m,
			    void (*fn)(const struct link_event *event,
				       void *arg),
			    void *arg);

/* Poll this for POLLIN; POLLERR tells of an overrun and asks for dispatch just
 * the same. The monitor owns it. */
int link_monitor_fd(const struct link_monitor *m);

/*
 * Report the events that wait, without waiting for more. 0 when all are
 * reported; 1 when this has lasted long enough and more may wait: call again
 * before sleeping in poll; -errno (logged): call again later.
 *
 * When events came faster than they were taken, the kernel drops some and says
 * so once. Then the rest of the queue is reported, all links are read anew, and
 * each is reported as if it had changed; links that vanished meanwhile are
 * reported as gone, before those that are there. Steps between are lost, the
 * outcome is not: the last event of a link is always its present state. (A link
 * deleted and made again under the same index is then one change of that
 * index; the kernel reuses an index only where it is asked to.)
 */
int link_monitor_dispatch(struct link_monitor *m);

/* "up", "down", "lowerlayerdown", ...: as in /sys/class/net/NAME/operstate */
const char *link_operstate_name(uint8_t operstate);

/* Carries Ethernet frames, and is not the loopback that only looks so. */
bool link_is_ethernet(const struct link_info *info);

#endif
