/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bridge that runs gets another configuration, by difference. First all that
 * can fail is made beside what runs, ports opened and filters compiled, for
 * all pairs; then it takes its place. So a change is made wholly or not at all.
 *
 * Filters, spin, CPUs: between two breaths, without the loss of a frame. Rings
 * and what else a port is opened with: the new port takes over from the old
 * one. The ports' names and the directions: both are closed and opened.
 */
#ifndef BUMPWIRE_BRIDGE_CHANGE_H
#define BUMPWIRE_BRIDGE_CHANGE_H

#include "bridge.h"

struct bridge_change;

/* Make what the new configuration needs; the bridge is not changed. It keeps
 * `conf` for bridge_commit(). 0 or -errno (logged). */
int bridge_prepare(struct bridge *b, const struct conf_pair *conf,
		   struct bridge_change **changep);

/*
 * Have it. What cannot be done after all, because a lane hangs, is logged and
 * stays as it was. A pair of other ports is detached: the caller attaches it.
 */
void bridge_commit(struct bridge_change *change);

/* Have it not. NULL is fine. */
void bridge_abandon(struct bridge_change *change);

#endif
