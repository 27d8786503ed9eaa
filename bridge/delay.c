/* SPDX-License-Identifier: BSD-2-Clause */
/* See delay.h; how people type it is in delay_parse.c. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "clock.h"
#include "delay.h"
#include "log.h"

/* A frame waits in its ring for a breath or two. What seems to be older, or to
 * come from the future, tells that somebody has set the clock. */
#define AGE_MAX_NS (100 * NS_PER_MS)
#define LATE_NS (100 * NS_PER_US)
/* Full bursts in a row. Thousands of frames may be due at once, and between
 * breaths the lane looks at its port and tells its guard that it lives. */
#define ROW_MAX 8

/* The least that a frame takes in a pool: more than so many are never held. */
#define HELD_MIN_BYTES (sizeof(struct held) + FRAME_HEADROOM + FRAME_MIN_BYTES)

/* What is sorted by; beside the frames, for one look at each of them would be
 * a wait for memory. */
struct entry {
	uint64_t due_ns;
	uint64_t number; /* the order in which they came */
	struct held *held;
};

/* Four children each: half the levels of two, and a line of memory or two. */
#define CHILDREN 4

struct heap {
	struct entry *entry;
	size_t n, size;
};

struct delay {
	struct stage stage;
	struct pool *pool;
	struct jitter *jitter; /* NULL: none */
	uint64_t delay_ns;
	bool reorders;
	uint64_t n_held;
	uint64_t number;  /* of the next frame */
	uint64_t last_ns; /* when the frame before is due */
	uint64_t late_frames;
	uint32_t row; /* full bursts that were given in this breath */
	struct held_queue queue; /* of frames in order, or */
	struct heap heap;
};

/* ---- a heap ---- */

static bool is_before(const struct entry *a, const struct entry *b)
{
	return a->due_ns < b->due_ns ||
	       (a->due_ns == b->due_ns && a->number < b->number);
}

static void heap_push(struct heap *heap, const struct entry *e)
{
	size_t i = heap->n++, parent;

	for (; i; i = parent) {
		parent = (i - 1) / CHILDREN;
		if (!is_before(e, &heap->entry[parent]))
			break;
		heap->entry[i] = heap->entry[parent];
	}
	heap->entry[i] = *e;
}

/* The first of an entry's children, or n. */
static size_t heap_child(const struct heap *heap, size_t i)
{
	size_t best = i * CHILDREN + 1, end = best + CHILDREN;

	if (best >= heap->n)
		return heap->n;
	end = end < heap->n ? end : heap->n;
	for (size_t k = best + 1; k < end; k++)
		if (is_before(&heap->entry[k], &heap->entry[best]))
			best = k;
	return best;
}

static struct held *heap_pop(struct heap *heap)
{
	struct held *held = heap->entry[0].held;
	const struct entry last = heap->entry[--heap->n];
	size_t i = 0, child;

	while ((child = heap_child(heap, i)) < heap->n) {
		if (!is_before(&heap->entry[child], &last))
			break;
		heap->entry[i] = heap->entry[child];
		i = child;
	}
	heap->entry[i] = last;
	return held;
}

/* As much as the pool may ever need, had from the kernel page by page as it is
 * used: a lane does not ask for memory. */
static int heap_init(struct heap *heap, const struct pool *pool)
{
	void *memory;

	heap->size = pool_size_bytes(pool) / HELD_MIN_BYTES + 1;
	memory = mmap(NULL, heap->size * sizeof(*heap->entry),
		      PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return -errno;
	heap->entry = memory;
	return 0;
}

static void heap_fini(struct heap *heap)
{
	if (heap->entry)
		munmap(heap->entry, heap->size * sizeof(*heap->entry));
}

/* ---- heap or queue ---- */

static void store(struct delay *delay, struct held *held, uint64_t due_ns)
{
	const struct entry e = { due_ns, delay->number, held };

	held->mine.due_ns = due_ns;
	if (delay->reorders)
		heap_push(&delay->heap, &e);
	else
		held_queue_push(&delay->queue, held);
	delay->n_held++;
}

static uint64_t first_due_ns(const struct delay *delay)
{
	if (!delay->n_held)
		return STAGE_NEVER;
	return delay->reorders ? delay->heap.entry[0].due_ns :
				 delay->queue.first->mine.due_ns;
}

/* ---- when ---- */

/* The two clocks of a breath, read together. */
struct now {
	uint64_t ns;          /* of the breath, monotonic */
	uint64_t arriving_ns; /* monotonic */
	uint64_t real_ns;     /* at the same time, since 1970 */
};

/*
 * Stages before may have worked since the breath began, so the monotonic clock
 * is read again; but then a breath without stamps does not depend on it.
 */
static struct now read_clocks(uint64_t now_ns)
{
	struct now now = { .ns = now_ns, .arriving_ns = clock_now_ns() };

	now.real_ns = clock_real_ns();
	return now;
}

static uint64_t arrival_ns(const struct frame *f, const struct now *now)
{
	uint64_t age_ns = now->real_ns - f->time_ns;

	return age_ns <= AGE_MAX_NS ? now->arriving_ns - age_ns : now->ns;
}

/* What a frame waits from its arrival on. */
static uint64_t draw_delay_ns(struct delay *delay)
{
	int64_t total_ns = (int64_t)delay->delay_ns;

	if (!delay->jitter)
		return delay->delay_ns;
	total_ns += jitter_draw(delay->jitter);
	return total_ns > 0 ? (uint64_t)total_ns : 0;
}

/* ---- the stage ---- */

/*
 * Keep the frames of a burst, but for the first ones of those that need not
 * wait while nothing else does: they stay where they are. Returns how many were
 * kept.
 */
static uint64_t take(struct delay *delay, struct burst *b, struct lane_stats *s,
		     uint64_t now_ns)
{
	const struct now now = read_clocks(now_ns);
	uint64_t due_ns, wait_ns, before = delay->n_held;
	uint32_t passed = 0, dropped = 0;
	struct held *held;

	for (uint32_t i = 0; i < b->n; i++, delay->number++) {
		const struct frame *f = &b->frame[i];

		wait_ns = draw_delay_ns(delay);
		due_ns = arrival_ns(f, &now) + wait_ns;
		if (!delay->reorders && due_ns < delay->last_ns)
			due_ns = delay->last_ns;
		if (!delay->n_held &&
		    (!wait_ns || (!delay->reorders && due_ns <= now_ns))) {
			b->frame[passed++] = *f;
		} else if ((held = pool_keep(delay->pool, f))) {
			store(delay, held, due_ns);
		} else {
			dropped++;
			continue;
		}
		delay->last_ns = due_ns;
	}
	b->n = passed;
	if (unlikely(dropped))
		stats_drop(s, REASON_QUEUE_FULL, dropped);
	return delay->n_held - before;
}

/* Fill the burst with what is due until then; whether there is more. */
static bool give(struct delay *delay, struct burst *b, uint64_t until_ns,
		 uint64_t *late)
{
	uint64_t due_ns;
	struct held *held;

	while ((due_ns = first_due_ns(delay)) <= until_ns && delay->n_held) {
		if (b->n == BURST_MAX)
			return true;
		held = delay->reorders ? heap_pop(&delay->heap) :
					 held_queue_pop(&delay->queue);
		delay->n_held--;
		*late += until_ns - due_ns > LATE_NS;
		pool_lend(delay->pool, held, &b->frame[b->n++]);
	}
	return false;
}

static bool delay_push(struct stage *stage, struct burst *b,
		       struct lane_stats *s, uint64_t now_ns)
{
	struct delay *delay = container_of(stage, struct delay, stage);
	uint64_t kept = 0, late = 0, given;

	if (b->n)
		kept = take(delay, b, s, now_ns);
	given = delay->n_held;
	if (give(delay, b, now_ns, &late) && delay->row < ROW_MAX)
		delay->row++;
	else
		delay->row = 0;
	given -= delay->n_held;
	if (kept != given)
		stats_hold(s, kept - given);
	if (unlikely(late))
		counter_add(&delay->late_frames, late);
	return delay->row; /* if not, what is due is due in the next breath */
}

static uint64_t delay_due_ns(const struct stage *stage)
{
	return first_due_ns(container_of(stage, struct delay, stage));
}

static bool delay_flush(struct stage *stage, struct burst *b,
			struct lane_stats *s)
{
	struct delay *delay = container_of(stage, struct delay, stage);
	uint64_t held = delay->n_held, late = 0;
	bool more = give(delay, b, STAGE_NEVER, &late);

	stats_unhold(s, held - delay->n_held);
	return more;
}

static bool delay_count(const struct stage *stage, size_t i,
			struct stage_count *count)
{
	const struct delay *delay = container_of(stage, struct delay, stage);

	if (i)
		return false;
	*count = (struct stage_count){ "late_frames",
				       counter_read(&delay->late_frames) };
	return true;
}

static void delay_reset(struct stage *stage)
{
	shared_write(&container_of(stage, struct delay, stage)->late_frames, 0);
}

static void delay_free(struct stage *stage)
{
	struct delay *delay = container_of(stage, struct delay, stage);

	heap_fini(&delay->heap);
	jitter_free(delay->jitter);
	free(delay);
}

static const struct stage_ops delay_ops = {
	.name = "delay",
	.push = delay_push,
	.due_ns = delay_due_ns,
	.flush = delay_flush,
	.count = delay_count,
	.reset = delay_reset,
	.free = delay_free,
};

/* ---- make ---- */

bool delay_is_wanted(const struct delay_params *params)
{
	return params->delay_ns || delay_wants_frames(params);
}

/* A table may hold times of its own. */
bool delay_wants_frames(const struct delay_params *params)
{
	return params->jitter_ns || params->shape == JITTER_TABLE;
}

static int make_jitter(struct jitter **jitterp,
		       const struct delay_params *params)
{
	const struct jitter_params jitter = {
		.jitter_ns = params->jitter_ns,
		.shape = params->shape,
		.table = params->table,
		.seed = params->seed,
	};

	return jitter_new(jitterp, &jitter);
}

int delay_check(const struct delay_params *params)
{
	struct jitter *jitter = NULL;
	int r = make_jitter(&jitter, params);

	jitter_free(jitter);
	return r;
}

int delay_new(struct stage **stagep, const struct delay_params *params,
	      struct pool *pool)
{
	struct delay *delay = calloc(1, sizeof(*delay));
	int r = delay ? 0 : -ENOMEM;

	if (!r && params->reorders)
		r = heap_init(&delay->heap, pool);
	if (r) {
		log_err("delay: %s", strerror(-r));
		free(delay);
		return r;
	}
	delay->stage.ops = &delay_ops;
	delay->pool = pool;
	delay->delay_ns = params->delay_ns;
	delay->reorders = params->reorders;
	if (delay_wants_frames(params))
		r = make_jitter(&delay->jitter, params);
	if (r) {
		delay_free(&delay->stage);
		return r;
	}
	*stagep = &delay->stage;
	return 0;
}
