/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stage of a lane edits the burst in place. To drop a frame it takes it out
 * and counts the reason. A stage never sees a port.
 *
 * A stage may add frames as far as the burst has room, and hold some: what it
 * keeps beyond a push it owns, by pool_keep(), and what it gives back it lends,
 * by pool_lend(). Held frames are counted in lane_stats.held_frames.
 */
#ifndef BUMPWIRE_STAGE_H
#define BUMPWIRE_STAGE_H

#include <stdbool.h>

#include "frame.h"
#include "stats.h"

#define STAGE_NEVER UINT64_MAX

struct stage;

/* The stages of a lane, in order. */
enum stage_kind {
	STAGE_TAP_IN,
	STAGE_FILTER,
	STAGE_EDIT,
	STAGE_CUT, /* super-frames into frames, for those that come next */
	STAGE_IMPAIR,
	STAGE_DELAY,
	STAGE_RATE,
	STAGE_CUT_REST, /* those that could not leave otherwise */
	STAGE_TAP_OUT,
	STAGE_KINDS,
};

/* Something that a stage counts, beside the balance of its lane. */
struct stage_count {
	const char *name; /* as in reports and in JSON */
	uint64_t value;
};

struct stage_ops {
	const char *name;
	/*
	 * Take the burst and leave in it what goes on; an empty one is a tick.
	 * True: there is more that is due, but did not fit: pass this on, and
	 * push an empty burst again. Frames of the burst stay valid until the
	 * whole breath is over.
	 */
	bool (*push)(struct stage *stage, struct burst *b, struct lane_stats *s,
		     uint64_t now_ns);
	/* When it has something to give, by the monotonic clock; STAGE_NEVER.
	 * NULL: it holds no frames, here as below. */
	uint64_t (*due_ns)(const struct stage *stage);
	/* Put frames that are held into the burst, which is empty, due or not,
	 * in the order in which they would leave. True: there are more. */
	bool (*flush)(struct stage *stage, struct burst *b,
		      struct lane_stats *s);
	/* The i-th of its counts; false behind the last. Any thread may ask.
	 * NULL: there are none. */
	bool (*count)(const struct stage *stage, size_t i,
		      struct stage_count *count);
	/* Count from 0 again: in the thread that has the stage. NULL: nothing
	 * is counted. */
	void (*reset)(struct stage *stage);
	/* What is held goes with the pool, uncounted: flush before. */
	void (*free)(struct stage *stage);
};

struct stage {
	const struct stage_ops *ops;
	struct stage *next;
};

static inline bool stage_push(struct stage *stage, struct burst *b,
			      struct lane_stats *s, uint64_t now_ns)
{
	return stage->ops->push(stage, b, s, now_ns);
}

static inline void stage_free(struct stage *stage)
{
	if (stage)
		stage->ops->free(stage);
}

#endif
