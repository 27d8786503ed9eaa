/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See rate.h. What waits is a list; from its head go, at each push, as many
 * frames as are due by now, and stand ready until the burst has room for them.
 * So frames that have come find the room of those that have left meanwhile,
 * though both happen in one push.
 *
 * Time that was lost: the lane is late at times, for its thread sleeps and
 * shares its CPU. While frames wait the wire would have been busy, and what it
 * missed is sent at once when the lane comes back; else each late wake-up would
 * lower the rate. That is so for 50 ms. A lane that was away for longer was
 * stopped, or its machine was; a line that was cut does not hand over later
 * what it could have carried, and a burst that long would only overrun what is
 * behind us. While nothing waits the wire is idle, and saves up `burst`.
 */
#include "config.h"

#include <errno.h>

#include "clock.h"
#include "codel.h"
#include "log.h"
#include "rate.h"

#define ARREARS_NS (50 * NS_PER_MS)
#define BURST_NS (2 * NS_PER_MS)
#define QUEUE_NS (100 * NS_PER_MS)
#define FULL_FRAME_BYTES 1538 /* 1500 of MTU, a header, and layer 1 */
#define QUEUE_MIN_BYTES (4 * FULL_FRAME_BYTES) /* where a time gives less */
#define SUPER_MIN 4           /* super-frames that a queue must be good for */
#define LAYER1_BYTES 24       /* preamble 8, FCS 4, gap 12 (IEEE 802.3) */
#define LAYER1_MIN_BYTES 60   /* what is shorter is padded */
#define BITS_NS (8 * NS_PER_SEC)

struct rate {
	struct stage stage;
	struct pool *pool;
	uint64_t bps;
	uint64_t burst_ns;
	uint64_t limit_bytes;
	bool layer1;
	bool ages;
	struct codel codel;
	/* When the wire is free, and the fraction of a nanosecond behind it, in
	 * parts of 1 / bps. */
	uint64_t free_ns;
	uint64_t free_rest;
	/* The time that frames of this length take, to divide seldom. */
	uint64_t bytes, bytes_ns, bytes_rest;
	/* Of these, mine.number is bytes, mine.due_ns since when. */
	struct held_queue waiting;
	struct held_queue ready; /* due, and paid for */
	uint64_t biggest_bytes; /* of all frames that have waited */
	uint64_t queued_bytes, queued_max_bytes;
	uint64_t lost_ns;
};

static struct rate *rate_of(struct stage *stage)
{
	return container_of(stage, struct rate, stage);
}

/* ---- what a frame takes of the wire ---- */

static uint64_t single_bytes(const struct rate *rate, uint64_t len)
{
	if (!rate->layer1)
		return len;
	return (len < LAYER1_MIN_BYTES ? LAYER1_MIN_BYTES : len) + LAYER1_BYTES;
}

/* As many frames of full length as there are, and the one with the rest. What
 * nobody can cut will not leave, and is taken for one. */
static uint64_t super_bytes(const struct rate *rate, const struct frame *f)
{
	uint32_t segment = frame_segment_bytes(f);
	uint32_t header, payload, last;
	uint64_t n;

	if (!segment || segment >= f->len)
		return single_bytes(rate, f->len);
	header = segment - f->vnet.gso_size;
	payload = f->len - header;
	n = payload / f->vnet.gso_size;
	last = payload % f->vnet.gso_size;
	return n * single_bytes(rate, segment) +
	       (last ? single_bytes(rate, header + last) : 0);
}

static uint64_t wire_bytes(const struct rate *rate, const struct frame *f)
{
	if (unlikely(frame_is_super(f)))
		return super_bytes(rate, f);
	return single_bytes(rate, f->len);
}

static void hold_wire(struct rate *rate, uint64_t bytes)
{
	if (bytes != rate->bytes) {
		rate->bytes = bytes;
		rate->bytes_ns = bytes * BITS_NS / rate->bps;
		rate->bytes_rest = bytes * BITS_NS % rate->bps;
	}
	rate->free_ns += rate->bytes_ns;
	rate->free_rest += rate->bytes_rest;
	if (rate->free_rest >= rate->bps) {
		rate->free_rest -= rate->bps;
		rate->free_ns++;
	}
}

/* ---- the queue ---- */

static void count_queued(struct rate *rate, uint64_t bytes)
{
	shared_write(&rate->queued_bytes, bytes);
	if (bytes > rate->queued_max_bytes)
		shared_write(&rate->queued_max_bytes, bytes);
}

/* One frame may wait, however small the queue is. */
static bool has_room(const struct rate *rate, uint64_t bytes)
{
	return !rate->waiting.first ||
	       rate->queued_bytes + bytes <= rate->limit_bytes;
}

static void enqueue(struct rate *rate, const struct frame *f,
		    struct lane_stats *s, uint64_t now_ns)
{
	uint64_t bytes = wire_bytes(rate, f);
	struct held *held =
		has_room(rate, bytes) ? pool_keep(rate->pool, f) : NULL;

	if (!held) {
		stats_drop(s, REASON_QUEUE_FULL, 1);
		return;
	}
	stats_hold(s, 1);
	held->mine.number = bytes;
	held->mine.due_ns = now_ns;
	held_queue_push(&rate->waiting, held);
	count_queued(rate, rate->queued_bytes + bytes);
	if (bytes > rate->biggest_bytes)
		rate->biggest_bytes = bytes;
}

/* A wait is what the rate makes it: that we look late is not the queue's. */
static bool is_aged(struct rate *rate, const struct held *held)
{
	uint64_t came_ns = held->mine.due_ns;
	uint64_t leaves_ns = rate->free_ns > came_ns ? rate->free_ns : came_ns;

	return rate->ages &&
	       codel_drops(&rate->codel, leaves_ns, leaves_ns - came_ns,
			   rate->queued_bytes > rate->biggest_bytes);
}

/* Whatever is due by now is ready, and the wire is held for it. */
static void make_ready(struct rate *rate, struct lane_stats *s, uint64_t now_ns)
{
	while (rate->waiting.first && rate->free_ns <= now_ns) {
		struct held *held = held_queue_pop(&rate->waiting);

		count_queued(rate, rate->queued_bytes - held->mine.number);
		if (is_aged(rate, held)) {
			pool_drop(rate->pool, held);
			stats_unhold(s, 1);
			stats_drop(s, REASON_AGED, 1);
			continue;
		}
		hold_wire(rate, held->mine.number);
		held_queue_push(&rate->ready, held);
	}
}

static void lend(struct rate *rate, struct held_queue *queue, struct burst *b,
		 struct lane_stats *s)
{
	uint32_t before = b->n;

	while (queue->first && b->n < BURST_MAX)
		pool_lend(rate->pool, held_queue_pop(queue), &b->frame[b->n++]);
	if (b->n != before)
		stats_unhold(s, b->n - before);
}

/* ---- the stage ---- */

/* The wire has not been free for longer than it may save up. */
static void forget_old_times(struct rate *rate, uint64_t now_ns)
{
	uint64_t most_ns = rate->waiting.first ? ARREARS_NS : rate->burst_ns;

	if (now_ns < most_ns || rate->free_ns >= now_ns - most_ns)
		return;
	if (rate->waiting.first)
		counter_add(&rate->lost_ns, now_ns - most_ns - rate->free_ns);
	rate->free_ns = now_ns - most_ns;
	rate->free_rest = 0;
}

/* Of what is before, too. */
static bool is_free(const struct rate *rate, uint64_t now_ns)
{
	return rate->free_ns <= now_ns && !rate->waiting.first &&
	       !rate->ready.first;
}

/* What is not free for one frame is not for those behind it: a push lets the
 * first few through as they lie, and queues the others. */
static bool rate_push(struct stage *stage, struct burst *b,
		      struct lane_stats *s, uint64_t now_ns)
{
	struct rate *rate = rate_of(stage);
	uint32_t n = b->n, i;

	forget_old_times(rate, now_ns);
	make_ready(rate, s, now_ns);
	for (i = 0; i < n && is_free(rate, now_ns); i++)
		hold_wire(rate, wire_bytes(rate, &b->frame[i]));
	b->n = i;
	for (; i < n; i++) {
		enqueue(rate, &b->frame[i], s, now_ns);
		make_ready(rate, s, now_ns);
	}
	lend(rate, &rate->ready, b, s);
	return rate->ready.first != NULL;
}

static uint64_t rate_due_ns(const struct stage *stage)
{
	const struct rate *rate = container_of(stage, struct rate, stage);

	return rate->waiting.first ? rate->free_ns : STAGE_NEVER;
}

static bool rate_flush(struct stage *stage, struct burst *b,
		       struct lane_stats *s)
{
	struct rate *rate = rate_of(stage);

	lend(rate, &rate->ready, b, s);
	lend(rate, &rate->waiting, b, s);
	if (rate->ready.first || rate->waiting.first)
		return true;
	count_queued(rate, 0);
	return false;
}

static bool rate_count(const struct stage *stage, size_t i,
		       struct stage_count *count)
{
	const struct rate *rate = container_of(stage, struct rate, stage);
	const struct stage_count all[] = {
		{ "queued_bytes", counter_read(&rate->queued_bytes) },
		{ "queued_max_bytes", counter_read(&rate->queued_max_bytes) },
		{ "queue_limit_bytes", rate->limit_bytes },
		{ "lost_us", counter_read(&rate->lost_ns) / NS_PER_US },
	};

	if (i >= ARRAY_SIZE(all))
		return false;
	*count = all[i];
	return true;
}

static void rate_reset(struct stage *stage)
{
	struct rate *rate = rate_of(stage);

	shared_write(&rate->queued_max_bytes, rate->queued_bytes);
	shared_write(&rate->lost_ns, 0);
}

static void rate_free(struct stage *stage)
{
	free(rate_of(stage));
}

static const struct stage_ops rate_ops = {
	.name = "rate",
	.push = rate_push,
	.due_ns = rate_due_ns,
	.flush = rate_flush,
	.count = rate_count,
	.reset = rate_reset,
	.free = rate_free,
};

/* ---- make ---- */

/* Neither product fits 64 bits for all that may be asked for. */
static uint64_t bytes_in(uint64_t bps, uint64_t ns)
{
	return (uint64_t)((unsigned __int128)bps * ns / BITS_NS);
}

static uint64_t ns_of(uint64_t bps, uint64_t bytes)
{
	return (uint64_t)((unsigned __int128)bytes * BITS_NS / bps);
}

static uint64_t queue_bytes(const struct rate_params *p)
{
	uint64_t bytes = bytes_in(p->bps, p->queue_ns ? p->queue_ns : QUEUE_NS);

	if (p->queue_bytes)
		return p->queue_bytes;
	return bytes > QUEUE_MIN_BYTES ? bytes : QUEUE_MIN_BYTES;
}

bool rate_wants_frames(const struct rate_params *p)
{
	return p->bps && (p->bps < UINT64_C(1000000000) ||
			  queue_bytes(p) < SUPER_MIN * FRAME_MAX_BYTES);
}

/* The default leaves a stage before this one its share of the memory. */
static uint64_t limit_bytes(const struct rate_params *p,
			    const struct pool *pool)
{
	uint64_t bytes = queue_bytes(p), half = pool_size_bytes(pool) / 2;

	return !p->queue_bytes && !p->queue_ns && bytes > half ? half : bytes;
}

/*
 * A target below the time of a frame and a half would be missed with no queue
 * at all; and it is to be a twentieth to a tenth of the interval (RFC 8289, 4).
 */
static void codel_init(struct codel *codel, const struct rate_params *p)
{
	uint64_t least_ns = ns_of(p->bps, FULL_FRAME_BYTES * 3 / 2);

	codel->target_ns = p->age_target_ns ? p->age_target_ns :
					      CODEL_TARGET_NS;
	if (codel->target_ns < least_ns)
		codel->target_ns = least_ns;
	codel->interval_ns = 10 * codel->target_ns;
	if (codel->interval_ns < CODEL_INTERVAL_NS)
		codel->interval_ns = CODEL_INTERVAL_NS;
}

int rate_new(struct stage **stagep, const struct rate_params *params,
	     struct pool *pool)
{
	struct rate *rate;

	*stagep = NULL;
	if (!params->bps)
		return 0; /* how long the queue of no rate may be, and so on */
	rate = calloc(1, sizeof(*rate));
	if (!rate) {
		log_err("rate: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	rate->stage.ops = &rate_ops;
	rate->pool = pool;
	rate->bps = params->bps;
	rate->layer1 = params->layer1;
	rate->burst_ns = params->burst_bytes ?
			 ns_of(params->bps, params->burst_bytes) : BURST_NS;
	rate->limit_bytes = limit_bytes(params, pool);
	if (pool && rate->limit_bytes > pool_size_bytes(pool))
		log_warn("rate: its queue may have %llu bytes, but hold is "
			 "%zu in all: raise hold",
			 (unsigned long long)rate->limit_bytes,
			 pool_size_bytes(pool));
	rate->ages = params->ages;
	codel_init(&rate->codel, params);
	*stagep = &rate->stage;
	return 0;
}
