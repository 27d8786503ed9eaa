/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stage of a lane edits the burst in place. To drop a frame it takes it out
 * and counts the reason. A stage never sees a port.
 */
#ifndef BUMPWIRE_STAGE_H
#define BUMPWIRE_STAGE_H

#include "frame.h"
#include "stats.h"

struct stage;

struct stage_ops {
	const char *name;
	void (*push)(struct stage *stage, struct burst *b, struct lane_stats *s,
		     uint64_t now_ns);
	void (*free)(struct stage *stage);
};

struct stage {
	const struct stage_ops *ops;
	struct stage *next;
};

static inline void stage_push(struct stage *stage, struct burst *b,
			      struct lane_stats *s, uint64_t now_ns)
{
	stage->ops->push(stage, b, s, now_ns);
}

static inline void stage_free(struct stage *stage)
{
	if (stage)
		stage->ops->free(stage);
}

#endif
