/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link loss forwarding for a bridge: propagation.h thinks, here it is done. A
 * port that is held down is noted in a state file, so that it is set up again
 * if we are killed. For bridge*.c and control*.c.
 */
#ifndef BUMPWIRE_BRIDGE_PROPAGATE_H
#define BUMPWIRE_BRIDGE_PROPAGATE_H

#include "bridge.h"

/* Begin where the configuration says so; the ports are dark until told. */
void bridge_propagate_init(struct bridge *b);

/* Another configuration is to be in force: where it does not want this any
 * more, what is held is set up; where it does now, it begins. */
void bridge_propagate_change(struct bridge *b, const struct conf_pair *to);

/* What both ports are like when they are attached. */
void bridge_propagate_attach(struct bridge *b);

/* The same where one is missing. */
void bridge_propagate_missing(struct bridge *b, struct link_monitor *m);

/* What has happened to a link, whether the bridge is attached or not. */
void bridge_propagate_event(struct bridge *b, const struct link_event *event);

/* Set ports down and up as is due. Returns when to call again though nothing
 * happens, by the monotonic clock; UINT64_MAX: never. */
uint64_t bridge_propagate(struct bridge *b);

/* Set up what is held. */
void bridge_propagate_end(struct bridge *b);

/* Is the port down because of us? */
bool bridge_propagate_holds(const struct bridge *b, int side);

/* The process that noted that it holds this port down, or 0. */
int bridge_propagate_holder(const struct link_info *link);

/* What a process that has died held of this pair is held on: the far end need
 * not see a link while it stays as it was. At the start, before: */
void bridge_propagate_adopt(struct bridge *b, struct link_monitor *m);

/* Set up what a process that has died held otherwise. */
void bridge_propagate_recover(void);

#endif
