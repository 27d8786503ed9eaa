/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers that look random and repeat with their seed; one generator an object
 * (splitmix64: Steele, Lea, Flood 2014; passes BigCrush). Not for secrets.
 */
#ifndef BUMPWIRE_RNG_H
#define BUMPWIRE_RNG_H

#include <stdint.h>

struct rng {
	uint64_t state; /* the seed, before the first draw */
};

static inline uint64_t rng_next(struct rng *rng)
{
	uint64_t v = rng->state += UINT64_C(0x9e3779b97f4a7c15);

	v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
	return v ^ v >> 31;
}

/* 0 to n - 1, n at least 1, evenly to within 2^-64 n. */
static inline uint64_t rng_below(struct rng *rng, uint64_t n)
{
	return (uint64_t)((unsigned __int128)rng_next(rng) * n >> 64);
}

#endif
