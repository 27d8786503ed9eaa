/* SPDX-License-Identifier: BSD-2-Clause */
/* See impair_draw.h. */
#include "config.h"

#include <math.h>

#include "impair_draw.h"

/* Further than any lane gets; a double that is larger would not fit. */
#define DISTANCE_MAX 0x1p62

struct odds odds_of(double share)
{
	struct odds odds = { .last = UINT64_MAX, .possible = share > 0 };
	uint64_t draws;

	/* Of 2^64 draws. Had the struct their number, 1 would not fit. */
	if (share < 1) {
		draws = share > 0 ? (uint64_t)(share * 0x1p64) : 0;
		odds.last = draws ? draws - 1 : 0;
	}
	return odds;
}

static inline bool odds_hit(const struct odds *odds, uint64_t draw)
{
	return odds->possible & (draw <= odds->last);
}

void chance_draw(struct chance *c, uint8_t *fate, uint32_t n, uint8_t what)
{
	struct rng rng = c->rng;

	if (!c->odds.possible)
		return;
	for (uint32_t i = 0; i < n; i++)
		fate[i] |= odds_hit(&c->odds, rng_next(&rng)) ? what : 0;
	c->rng = rng;
}

void gemodel_draw(struct gemodel *ge, uint8_t *fate, uint32_t n, uint8_t what)
{
	for (uint32_t i = 0; i < n; i++) {
		if (odds_hit(&ge->hit[ge->bad], rng_next(&ge->hit_rng)))
			fate[i] |= what;
		ge->bad ^= odds_hit(&ge->leave[ge->bad],
				    rng_next(&ge->leave_rng));
	}
}

void pattern_draw(struct pattern *p, uint8_t *fate, uint32_t n, uint8_t what)
{
	for (uint32_t i = 0; i < n; i++) {
		if (p->letters[p->at] == '1')
			fate[i] |= what;
		if (++p->at == p->n)
			p->at = 0;
	}
}

void noise_init(struct noise *noise, double share)
{
	/* log(1 - share) without the loss of what is small beside 1. A share
	 * of 1 makes it minus infinity, and all ways 0. */
	noise->log_good = log1p(-share);
	noise->ahead = noise_distance(noise);
}

/* Geometric, of mean (1-p)/p. */
uint64_t noise_distance(struct noise *noise)
{
	/* In (0, 1], so that the logarithm is a number. */
	double u = (double)((rng_next(&noise->rng) >> 11) + 1) * 0x1p-53;
	double distance = log(u) / noise->log_good;

	return distance < DISTANCE_MAX ? (uint64_t)distance :
					 (uint64_t)DISTANCE_MAX;
}
