/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link loss forwarding: what a cable would do that joined the two far ends. A
 * port without carrier takes the other port down with it, and brings it up
 * again. This is the part that thinks: it is told what the ports are like and
 * what time it is, and says which port to set up or down. Whoever calls it does
 * so, and keeps the timer.
 *
 * A port that is down shows no carrier of its own. So whoever holds one cannot
 * know when both cables were pulled, or when the far end waits for this very
 * port: two such bridges in a ring would wait for each other for ever. Hence a
 * held port is raised now and then to look.
 *
 * A port is lit when it is up and has carrier. The rules:
 *
 * - One side is dark, the other is lit: the lit one is set down, and is held.
 *   At once, if it was lit while the dark one lost its carrier.
 * - The dark side is lit again: the held port is raised. At once, but when
 *   carrier was lost PROPAGATION_FLAPS times within PROPAGATION_FLAP_NS, only
 *   once it has lasted for PROPAGATION_STABLE_NS.
 * - A port that was set up, by whomever, has PROPAGATION_GRACE_NS to find a
 *   carrier before its want of one is forwarded.
 * - The dark side stays dark: the held port is raised after
 *   PROPAGATION_LOOK_MIN_NS, and after twice the time each time this was in
 *   vain, up to PROPAGATION_LOOK_MAX_NS.
 * - A port that is lit when the other one is dark already is left up for
 *   PROPAGATION_SETTLE_MIN_NS, and for twice the time each time this was in
 *   vain, up to PROPAGATION_SETTLE_MAX_NS: so long a look lasts. One that stays
 *   dark itself is not held, and stays up.
 * - Someone else sets a held port up: a look that lasts PROPAGATION_HAND_NS.
 *   Someone else sets a port down: it is dark, and theirs to raise.
 *
 * Never are both held.
 */
#ifndef BUMPWIRE_PROPAGATION_H
#define BUMPWIRE_PROPAGATION_H

#include <stdbool.h>

#include "base.h"
#include "clock.h"

/* Copper negotiates in 1 to 3 s (IEEE 802.3 clause 28 and 40: a second of
 * silence to break the old link, then pages, then training); switches add
 * some. */
#define PROPAGATION_GRACE_NS (5 * NS_PER_SEC)

/* One bounce or two are how a plug goes in. More is a bad cable, and each up
 * costs the far end a negotiation, its addresses and its routes. */
#define PROPAGATION_FLAPS 3
#define PROPAGATION_FLAP_NS (10 * NS_PER_SEC)
#define PROPAGATION_STABLE_NS (2 * NS_PER_SEC)

/* Doubled each time, so that a cable that is pulled for days shows the far end
 * a link a minute, and one that is pulled for a moment is not waited for. */
#define PROPAGATION_LOOK_MIN_NS (5 * NS_PER_SEC)
#define PROPAGATION_LOOK_MAX_NS (60 * NS_PER_SEC)

/* A second is enough where carrier comes at once. It grows up to what another
 * such bridge takes at worst to answer: its hold-down, and a negotiation. */
#define PROPAGATION_SETTLE_MIN_NS (1 * NS_PER_SEC)
#define PROPAGATION_SETTLE_MAX_NS (8 * NS_PER_SEC)

/* Who sets a port up by hand wants to see something. */
#define PROPAGATION_HAND_NS (60 * NS_PER_SEC)

/* What was asked for and has not happened is asked for again: a driver may
 * refuse to open, and then open. */
#define PROPAGATION_RETRY_NS (5 * NS_PER_SEC)

enum propagation_act { PROPAGATION_NOTHING, PROPAGATION_DOWN, PROPAGATION_UP };

struct propagation_side {
	bool up;      /* as last told */
	bool carrier; /* as last told */
	bool held;
	bool by_hand; /* someone else set it up while it was held */
	bool lit;     /* as far as we know */
	unsigned int pending; /* changes asked for, and not told yet */
	uint64_t asked_ns;    /* the last of them */
	uint64_t grace_ns;    /* dark: forwarded from then on */
	uint64_t settle_ns;   /* lit: left up until then; 0: no matter */
	uint64_t stable_ns;   /* lit: raises the other one from then on */
	uint64_t look_ns;     /* held: raised then */
	uint64_t loss_ns[PROPAGATION_FLAPS];
	unsigned int n_losses; /* all, the last ones in loss_ns */
};

struct propagation {
	struct propagation_side side[2];
	unsigned int vain; /* how often a port was left up for nothing */
};

/* Both ports unknown: dark, with the grace of one that was just set up. */
void propagation_init(struct propagation *p, uint64_t now_ns);

/*
 * What a port (side 0 or 1) is like: administratively up, has carrier. Tell the
 * kernel's events, each of them and in their order, for a change that was not
 * asked for is somebody else's. Telling the same again does no harm.
 */
void propagation_tell(struct propagation *p, int side, bool up, bool carrier,
		      uint64_t now_ns);

/* The interface is gone, deleted or moved away: dark, and held no longer. The
 * next one of its name was never held. */
void propagation_gone(struct propagation *p, int side, uint64_t now_ns);

/*
 * What is to be done now, at most one thing a call: do it and call again, until
 * it says PROPAGATION_NOTHING. *side is the port to set down or up (ip link set
 * down, ip link set up). That it was done is told by the kernel's event; if it
 * failed there is none, and it is asked for again after PROPAGATION_RETRY_NS.
 */
enum propagation_act propagation_next(struct propagation *p, uint64_t now_ns,
				      int *side);

/* When propagation_next() must be called though nothing happens, in the time of
 * its now_ns; UINT64_MAX: never. After a call that said NOTHING it is later
 * than that call. */
uint64_t propagation_due_ns(const struct propagation *p);

/* Is it down because of us? Whoever stops must then set it up. */
bool propagation_holds(const struct propagation *p, int side);

/* A port that another process of ours held when it ended: it is held by us now.
 * Not one that was told to be up. */
void propagation_adopt(struct propagation *p, int side, uint64_t now_ns);

#endif
