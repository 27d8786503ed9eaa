/* SPDX-License-Identifier: BSD-2-Clause */
/* One side of a bridge: its port, and what was counted there. For bridge*.c. */
#ifndef BUMPWIRE_BRIDGE_PORT_H
#define BUMPWIRE_BRIDGE_PORT_H

#include "bridge.h"

static inline enum side side_other(enum side side)
{
	return side == SIDE_LEFT ? SIDE_RIGHT : SIDE_LEFT;
}

static inline bool link_is_ready(const struct link_info *link)
{
	return link->up && link->carrier;
}

/* In name, MTU, up or carrier. */
bool link_differs(const struct link_info *a, const struct link_info *b);

/* A link that flaps without end must not fill a disk: say by and by how often it
 * did. */
void bridge_port_say_kept_back(struct bridge_port *bp, uint64_t now_ns);

/* Open a port for this side as `conf` has it; an idle one receives nothing yet.
 * The bridge is not changed. 0 or -errno (logged). */
int bridge_port_open(struct bridge *b, enum side side,
		     const struct conf_pair *conf, bool idle,
		     struct port **portp);

/* End its reception; a failure is logged. */
void bridge_port_stop_rx(struct port *port);

/* Bring the lane's counts of what the kernel offered up to date. */
void bridge_port_count(struct bridge *b, enum side side);

/* Count, and close; the counts go on with the next port of this side. */
void bridge_port_close(struct bridge *b, enum side side);

/*
 * Take another port, opened idle, for the one of this side: the lanes go on,
 * what is in the old ring is forwarded, and what arrives in the RCU grace period
 * between the two, 20 to 40 ms, is not received. 0, or -errno (logged): then the old one
 * stays and `port` is closed.
 */
int bridge_port_replace(struct bridge *b, enum side side, struct port *port);

#endif
