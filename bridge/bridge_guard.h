/* SPDX-License-Identifier: BSD-2-Clause */
/* How a bridge has its guard: when it stands, and what is counted of it. For
 * bridge*.c, but for the first and the last. */
#ifndef BUMPWIRE_BRIDGE_GUARD_H
#define BUMPWIRE_BRIDGE_GUARD_H

#include "bridge.h"

/* Whether the rules of another configuration, compiled for each side, can hold
 * in the kernel, if they are to. 0 or -EINVAL (logged). */
int bridge_guard_check_rules(const struct bridge *b,
			     const struct conf_pair *conf,
			     const struct bridge_chain chain[SIDES]);

/* Let those hold that the bridge has, or none. */
void bridge_guard_take_rules(struct bridge *b);

/* Attach it, before the ports are opened; lanes that are to start then know it.
 * 0 or -errno (logged, except -ENODEV). */
int bridge_guard_attach(struct bridge *b);

/* The lanes turn. */
void bridge_guard_begin(struct bridge *b);

/* The kernel goes on from here: each lane forwards what it has, and then takes
 * no more. A lane that hangs is passed over. */
void bridge_guard_hand_over(struct bridge *b);

/* The same of one lane, where the kernel forwards when we do not, so that order
 * holds over what is done to its ring meanwhile; and the end of that. */
void bridge_guard_pass_on(struct bridge *b, enum side side);
void bridge_guard_take_back(struct bridge *b, enum side side);

/* Before the lanes end: what arrives meanwhile goes nowhere. */
void bridge_guard_part(struct bridge *b);

/* Take it off the ports. */
void bridge_guard_detach(struct bridge *b);

/* Now and then: it may have been taken away. */
void bridge_guard_look_after(struct bridge *b);

/* Bring the lanes' counts of what went over in the kernel up to date. */
void bridge_guard_count(struct bridge *b);

/* Begin to count from 0. */
void bridge_guard_reset(struct bridge *b, enum side side);

/* Take over what another configuration says that needs no attaching. */
void bridge_guard_set_conf(struct bridge *b);

#endif
