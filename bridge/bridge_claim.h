/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port is one bumpwire's: a note in the folder of all says whose, so that two
 * processes do not forward each frame twice. For bridge.c.
 */
#ifndef BUMPWIRE_BRIDGE_CLAIM_H
#define BUMPWIRE_BRIDGE_CLAIM_H

#include "bridge.h"

/* Claim both ports. 0, also where no note can be written; -EBUSY: another
 * process that lives has one (logged, unless that has been told); then none is
 * claimed. */
int bridge_claim(struct bridge *b, bool told);

/* Give up what is claimed. */
void bridge_unclaim(struct bridge *b);

#endif
