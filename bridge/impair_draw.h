/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What impair.c draws: which frames something happens to, a burst at a time,
 * and where the next bit error is. Pure: a generator each, and no frames.
 */
#ifndef BUMPWIRE_IMPAIR_DRAW_H
#define BUMPWIRE_IMPAIR_DRAW_H

#include <stdbool.h>

#include "base.h"
#include "rng.h"

/* Something happens when a draw is not above `last`; never if not possible. */
struct odds {
	uint64_t last;
	bool possible;
};

/* Of each frame alone. */
struct chance {
	struct odds odds;
	struct rng rng;
};

/* Gilbert-Elliot: [0] is the good state, [1] the bad one. */
struct gemodel {
	struct odds hit[2], leave[2];
	struct rng hit_rng, leave_rng;
	bool bad;
};

/* Letters 0 and 1, over and over. */
struct pattern {
	const char *letters;
	size_t n, at;
};

/* Bit errors: the way to the next one is drawn, and not each bit. */
struct noise {
	double log_good; /* of the probability that a bit is not flipped */
	uint64_t ahead;  /* good bits before the next bad one */
	struct rng rng;
};

/* 0 (or less) is never and 1 always, exactly. */
struct odds odds_of(double share);

/* Add `what` to the fate of each of n frames that is hit. */
void chance_draw(struct chance *c, uint8_t *fate, uint32_t n, uint8_t what);
void gemodel_draw(struct gemodel *ge, uint8_t *fate, uint32_t n, uint8_t what);
void pattern_draw(struct pattern *p, uint8_t *fate, uint32_t n, uint8_t what);

/* The share is above 0; the generator is seeded already. */
void noise_init(struct noise *noise, double share);

/* Good bits from a bad one to the next, at most 2^62. */
uint64_t noise_distance(struct noise *noise);

#endif
