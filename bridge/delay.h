/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stage that holds frames back: each leaves when its delay and what jitter
 * adds have passed since it arrived, by the kernel's stamp. It never leaves
 * earlier; a total below 0 counts as 0.
 *
 * In order (unless told otherwise), a frame is due at the earliest with the one
 * before it. Then jitter only ever adds: while frames come closer together than
 * jitter is wide, each waits for the latest before it, and the delay grows
 * towards its upper end. That is what a queue does, and a path with one queue
 * does not reorder. When frames may overtake, each has its own delay, and
 * frames that are due at the same time leave in the order in which they came.
 *
 * Which frame gets which deviation depends on the seed and on its number alone.
 */
#ifndef BUMPWIRE_DELAY_H
#define BUMPWIRE_DELAY_H

#include <stdbool.h>

#include "jitter.h"
#include "pool.h"
#include "stage.h"

#define DELAY_MAX_NS UINT64_C(10000000000)

#define DELAY_DELAY_ALLOWED \
	"a time from 0 to 10s with its unit, such as 20ms, 150us or 1.5s"
#define DELAY_JITTER_ALLOWED \
	"a time from 0 to 10s with its unit, such as 5ms, 150us or 1.5s"
#define DELAY_SHAPE_ALLOWED \
	"uniform, normal, pareto, or the path of a table, from / on"
#define DELAY_REORDER_ALLOWED "yes" /* or no, which is what it is without */

/* All 0: nothing is asked for. */
struct delay_params {
	uint64_t delay_ns;
	uint64_t jitter_ns;
	enum jitter_shape shape;
	const char *table; /* of JITTER_TABLE: its path; the caller keeps it */
	bool reorders;     /* frames may overtake each other */
	uint64_t seed;
};

/* The text of a key into struct delay_params: 0, or -EINVAL and nothing is
 * touched. A path is kept as the pointer that it is, and not looked at. */
int delay_parse_delay(const char *text, void *params);
int delay_parse_jitter(const char *text, void *params);
int delay_parse_shape(const char *text, void *params);
int delay_parse_reorder(const char *text, void *params);

/* Frames have delays of their own: super-frames must be cut before. */
bool delay_is_wanted(const struct delay_params *params);
bool delay_wants_frames(const struct delay_params *params);

/* Read the table, if there is one, and forget it: 0 or -errno, logged. */
int delay_check(const struct delay_params *params);

/*
 * What is held is in the pool, which must live longer; a frame that finds no
 * room there is dropped (queue_full). It counts `late`: frames that left more
 * than 100 microseconds after they were due, for the lane was busy or not
 * woken. 0 or -errno, logged.
 */
int delay_new(struct stage **stagep, const struct delay_params *params,
	      struct pool *pool);

#endif
