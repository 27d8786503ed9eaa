/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for the frames that a lane's stages hold, all of it had at the start.
 * One thread uses a pool: that of its lane.
 *
 * Who owns a frame's bytes: a port that lent it, until the breath is over, or
 * the pool. pool_keep() makes the pool the owner, and whoever keeps it must
 * lend or drop it; what was lent goes back with pool_release(), when the burst
 * that it was put into has gone through all stages behind, unless one of these
 * has kept it anew.
 */
#ifndef BUMPWIRE_POOL_H
#define BUMPWIRE_POOL_H

#include "frame.h"

struct pool;

/* A frame that the pool owns. What is `mine` is for the stage that keeps it. */
struct held {
	struct frame frame;
	struct {
		uint64_t due_ns; /* monotonic */
		uint64_t number;
		struct held *next; /* of a held_queue */
	} mine;
	uint32_t lent_at; /* where the pool has it while it is lent, + 1; or 0 */
	uint32_t slab;
};

/* What is kept, in order. Empty where `first` is NULL, as it is when zeroed. */
struct held_queue {
	struct held *first, *last; /* by mine.next */
};

static inline void held_queue_push(struct held_queue *queue, struct held *held)
{
	held->mine.next = NULL;
	if (queue->first)
		queue->last->mine.next = held;
	else
		queue->first = held;
	queue->last = held;
}

/* Of one that is not empty. What is next was written long ago, and is asked of
 * memory before it is looked at. */
static inline struct held *held_queue_pop(struct held_queue *queue)
{
	struct held *held = queue->first;

	queue->first = held->mine.next;
	__builtin_prefetch(queue->first);
	return held;
}

/* At most so many bytes for frames and what is kept beside them. 0 or -ENOMEM
 * (logged). */
int pool_new(struct pool **poolp, size_t bytes);
void pool_free(struct pool *pool);

/* Own a frame of a burst: its bytes are copied, unless it is one that was lent
 * by this pool, which is then kept as it is. NULL: there is no room. */
struct held *pool_keep(struct pool *pool, const struct frame *f);

/* Put it into a burst. */
void pool_lend(struct pool *pool, struct held *held, struct frame *f);

/* Give it back without having lent it. */
void pool_drop(struct pool *pool, struct held *held);

/* Take back what was lent and is not kept again. */
void pool_release(struct pool *pool);

/* Bytes that frames take now, and that there are; any thread may ask. */
size_t pool_used_bytes(const struct pool *pool);
size_t pool_size_bytes(const struct pool *pool);

#endif
