/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much later or earlier than its delay a frame leaves: draws from a
 * distribution that was made into a table at the start, by a generator of its
 * own, so that the n-th draw depends on the seed and on n alone.
 */
#ifndef BUMPWIRE_JITTER_H
#define BUMPWIRE_JITTER_H

#include <stdbool.h>

#include "base.h"
#include "rng.h"

/*
 * With j the jitter:
 *
 * uniform  evenly from -j to +j, as netem(8) without a distribution.
 * normal   j is the standard deviation; cut at -4 j and +4 j.
 * pareto   4/3 j (X - 3/2), X of the Pareto distribution with scale 1 and
 *	    shape 3, whose mean is 3/2: most frames a little early, at the least
 *	    -2/3 j, a long tail of late ones, and the 1.1 % that would be later
 *	    cut to +4 j. The mean is 0 but for the cut. This is netem's pareto
 *	    (netem/pareto.c of iproute2).
 * table	    from a file, of one of two kinds; each entry is as likely as another:
 *	    whole numbers, in 1/8192 of j, as the files of tc(8) in /usr/lib/tc
 *	    and what maketable of iproute2 prints; or times with units, measured
 *	    somewhere: these are added as they stand, whatever j is.
 */
enum jitter_shape {
	JITTER_UNIFORM,
	JITTER_NORMAL,
	JITTER_PARETO,
	JITTER_TABLE,
};

#define JITTER_SCALE 8192       /* of j in a table: NETEM_DIST_SCALE */
#define JITTER_MAX_VALUES 65536 /* of a table; the kernel's has 16384 */
#define JITTER_FILE_BYTES (4u << 20)
#define JITTER_MAX_NS UINT64_C(10000000000) /* of j, and of a time in a file */

struct jitter {
	struct rng rng;
	uint64_t n;      /* what is drawn from: intervals, or entries */
	bool smooth;     /* the entries are the ends of intervals */
	int64_t value[]; /* ns, 0 after the last */
};

struct jitter_params {
	uint64_t jitter_ns; /* j */
	enum jitter_shape shape;
	const char *table; /* path; the caller's */
	uint64_t seed;
};

/*
 * 0 or -errno, logged: of a file, with its line and value. j may be 0: then
 * only a file with times makes a difference.
 */
int jitter_new(struct jitter **jitterp, const struct jitter_params *params);
void jitter_free(struct jitter *jitter);

/*
 * The next deviation in ns, below 0 for earlier. One draw of the generator: its
 * upper digits in base n are the place, the lower ones how far in it.
 */
static inline int64_t jitter_draw(struct jitter *jitter)
{
	unsigned __int128 r =
		(unsigned __int128)rng_next(&jitter->rng) * jitter->n;
	const int64_t *at = &jitter->value[(uint64_t)(r >> 64)];

	if (!jitter->smooth)
		return at[0];
	/* 24 bits: at most 2^36 ns apart, so that the product fits. */
	return at[0] + ((at[1] - at[0]) * (int64_t)((uint64_t)r >> 40) >> 24);
}

#endif
