/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The chain of stages of a lane: made by the configuration, and swapped in the
 * lane's thread. A stage whose keys stay as they are stays, with what it holds;
 * what one that goes holds goes to the wire first, in order. For bridge*.c.
 */
#ifndef BUMPWIRE_BRIDGE_STAGES_H
#define BUMPWIRE_BRIDGE_STAGES_H

#include "bridge.h"

/*
 * Make what a configuration asks for on a side: the stages that the bridge has
 * already, where they can stay, and fresh ones. 0 or -errno (logged).
 */
int bridge_chain_make(const struct bridge *b, const struct conf_pair *conf,
		      enum side side, struct bridge_chain *chain);

/* Have a chain in the lane; `chain` has what it took the place of then. 0, or
 * -ETIMEDOUT (logged): the lane is as it was, and the next change makes all of
 * it anew. */
int bridge_chain_swap(struct bridge *b, enum side side,
		      struct bridge_chain *chain);

/* Free what is fresh in it. */
void bridge_chain_abandon(struct bridge_chain *chain);

/* Free all of it: its lane has ended, or has none of it. */
void bridge_chain_forget(struct bridge_chain *chain);

/* Link a lane's stages anew, for a tap has come or gone. As above. */
int bridge_chain_relink(struct bridge *b, enum side side);

/* Are losses or delays drawn at random? */
bool bridge_chain_is_random(const struct conf_pair *conf);

#endif
