/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a tap's thread wants to know of an interface that is none of the
 * bridge's: asked now, by ioctl (netdevice(7)), with nothing to subscribe to.
 */
#ifndef BUMPWIRE_TAP_LINK_H
#define BUMPWIRE_TAP_LINK_H

#include <stdbool.h>

#include "base.h"

struct tap_link {
	int index;
	uint32_t mtu;
	unsigned int arptype; /* ARPHRD_* of <net/if_arp.h> */
	bool running;         /* up, and frames can leave */
};

/* Any socket does for `fd`. 0; -ENODEV: there is none; or other -errno (not
 * logged). */
int tap_link_look(int fd, const char *name, struct tap_link *link);

/* The larger MTU of two interfaces; 0: neither is there. */
uint32_t tap_link_mtu(int fd, const char *const name[2]);

#endif
