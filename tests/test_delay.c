/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * delay.c: each frame leaves when it is due and not before, whole, in the order
 * of a plain sorted list; what finds no room is counted; and a run repeats with
 * its seed however the frames are cut into bursts. The clock is the test's own,
 * but where stamps are compared with the real ones.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "clock.h"
#include "delay.h"

#define START_NS (1000 * NS_PER_SEC)
#define POOL_BYTES (64u << 20)
#define MS NS_PER_MS

static uint8_t memory[BURST_MAX][FRAME_HEADROOM + FRAME_MAX_BYTES];

/* A stage, and all that has left it. */
struct rig {
	struct stage *stage;
	struct pool *pool;
	struct lane_stats s;
	uint64_t now_ns;
	uint32_t n_out;
	uint32_t *out;       /* numbers, as they left */
	uint64_t *out_ns;    /* when */
	uint32_t room;
	bool copied;         /* what left was not where it came from */
};

static struct burst burst;

static void rig_init(struct rig *rig, const struct delay_params *params,
		     size_t pool_bytes, uint32_t room)
{
	memset(rig, 0, sizeof(*rig));
	assert_int_equal(pool_new(&rig->pool, pool_bytes), 0);
	assert_int_equal(delay_new(&rig->stage, params, rig->pool), 0);
	rig->now_ns = START_NS;
	rig->room = room;
	rig->out = calloc(room, sizeof(*rig->out));
	rig->out_ns = calloc(room, sizeof(*rig->out_ns));
	burst.n = 0;
}

static void rig_fini(struct rig *rig)
{
	assert_int_equal(rig->s.held_frames, 0);
	assert_int_equal(pool_used_bytes(rig->pool), 0);
	stage_free(rig->stage);
	pool_free(rig->pool);
	free(rig->out);
	free(rig->out_ns);
}

/* Sizes of all kinds, by the number of the frame. */
static uint32_t len_of(uint32_t number, bool mixed)
{
	if (!mixed)
		return 60;
	return number % 50 == 7 ? FRAME_MAX_BYTES - number % 40000 :
				  60 + number * 31 % 1455;
}

static void frame_make(struct frame *f, uint8_t *at, uint32_t number,
		       bool mixed)
{
	*f = (struct frame){ .data = at + FRAME_HEADROOM,
			     .len = len_of(number, mixed) };
	f->vnet.gso_size = (uint16_t)number;
	memset(f->data, (int)(number & 0xff), f->len);
	memcpy(f->data + 14, &number, sizeof(number));
}

static void take_out(struct rig *rig)
{
	uint32_t number;

	for (uint32_t i = 0; i < burst.n; i++) {
		const struct frame *f = &burst.frame[i];
		uint32_t len = f->len;

		assert_true(rig->n_out < rig->room);
		memcpy(&number, f->data + 14, sizeof(number));
		assert_true(len == len_of(number, false) ||
			    len == len_of(number, true));
		assert_int_equal(f->vnet.gso_size, (uint16_t)number);
		for (uint32_t k = 18; k < len; k++)
			if (f->data[k] != (number & 0xff))
				fail_msg("%u: byte %u", number, k);
		rig->copied |= f->held != NULL;
		rig->out_ns[rig->n_out] = rig->now_ns;
		rig->out[rig->n_out++] = number;
	}
	burst.n = 0;
	pool_release(rig->pool);
}

/* As the lane does it, with what is in the burst. */
static void breathe(struct rig *rig)
{
	bool more = true;

	while (more) {
		more = stage_push(rig->stage, &burst, &rig->s, rig->now_ns);
		assert_true(burst.n <= BURST_MAX);
		if (more)
			assert_int_equal(burst.n, BURST_MAX);
		take_out(rig);
	}
}

static void offer(struct rig *rig, uint32_t first, uint32_t n, bool mixed)
{
	for (uint32_t i = 0; i < n; i++)
		frame_make(&burst.frame[i], memory[i], first + i, mixed);
	burst.n = n;
	breathe(rig);
}

/* Until nothing is held: from one time that is due to the next. */
static void run_out(struct rig *rig)
{
	uint64_t due_ns;

	while ((due_ns = rig->stage->ops->due_ns(rig->stage)) != STAGE_NEVER) {
		uint32_t before = rig->n_out;

		assert_true(due_ns >= rig->now_ns);
		if (due_ns > rig->now_ns) {
			rig->now_ns = due_ns - 1;
			breathe(rig);
			assert_int_equal(rig->n_out, before);
		}
		rig->now_ns = due_ns;
		breathe(rig);
		assert_true(rig->n_out > before);
	}
}

/* ---- */

static void constant(void **state)
{
	const struct delay_params params = { .delay_ns = 20 * MS };
	struct rig rig;

	(void)state;
	rig_init(&rig, &params, POOL_BYTES, 1000);
	assert_true(rig.stage->ops->due_ns(rig.stage) == STAGE_NEVER);
	for (uint32_t i = 0; i < 10; i++) {
		rig.now_ns = START_NS + i * MS;
		offer(&rig, i * 64, 64, false);
	}
	assert_int_equal(rig.n_out, 0);
	assert_int_equal(rig.s.held_frames, 640);
	assert_int_equal(rig.stage->ops->due_ns(rig.stage),
			 START_NS + 20 * MS);
	run_out(&rig);
	assert_int_equal(rig.n_out, 640);
	for (uint32_t i = 0; i < 640; i++) {
		assert_int_equal(rig.out[i], i);
		assert_int_equal(rig.out_ns[i], START_NS + (20 + i / 64) * MS);
	}
	rig_fini(&rig);
}

static uint64_t real_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* By the clocks of this machine: between what they said before and after. */
static void by_its_stamp(void **state)
{
	const struct delay_params params = { .delay_ns = 50 * MS };
	static const struct {
		int64_t age_ns;
		bool believed;
	} known[] = {
		{ 0, true }, { 5 * (int64_t)MS, true },
		{ 90 * (int64_t)MS, true }, { 200 * (int64_t)MS, false },
		{ -1000 * (int64_t)MS, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		uint64_t mono[2], real[2], stamp_ns, due_ns;
		struct rig rig;

		rig_init(&rig, &params, POOL_BYTES, 1);
		mono[0] = clock_now_ns();
		real[0] = real_ns();
		stamp_ns = real[0] - (uint64_t)known[i].age_ns;
		frame_make(&burst.frame[0], memory[0], 1, false);
		burst.frame[0].time_ns = stamp_ns;
		burst.n = 1;
		/* Long ago, so that what is older than its delay stays. */
		rig.now_ns = mono[0] - 60 * MS;
		breathe(&rig);
		mono[1] = clock_now_ns();
		real[1] = real_ns();
		due_ns = rig.stage->ops->due_ns(rig.stage) - params.delay_ns;
		if (known[i].believed)
			assert_in_range(due_ns,
					mono[0] - (real[1] - stamp_ns),
					mono[1] - (real[0] - stamp_ns));
		else
			assert_int_equal(due_ns, rig.now_ns);
		run_out(&rig);
		assert_int_equal(rig.n_out, 1);
		rig_fini(&rig);
	}
}

static void nothing_to_do(void **state)
{
	const struct delay_params params = { .seed = 1 };
	struct rig rig;

	(void)state;
	rig_init(&rig, &params, POOL_BYTES, 64);
	for (uint32_t i = 0; i < 64; i++)
		frame_make(&burst.frame[i], memory[i], i, true);
	burst.frame[5].time_ns = real_ns() - 10 * MS;
	burst.frame[9].time_ns = real_ns() + 1; /* after the breath began */
	burst.n = 64;
	rig.now_ns = clock_now_ns() - MS;
	breathe(&rig);
	assert_int_equal(rig.n_out, 64);
	assert_false(rig.copied);
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(rig.out[i], i);
	rig_fini(&rig);
}

/* ---- against a plain list ---- */

struct plan {
	uint64_t due_ns;
	uint32_t number;
};

static int by_due(const void *a, const void *b)
{
	const struct plan *x = a, *y = b;

	if (x->due_ns != y->due_ns)
		return x->due_ns < y->due_ns ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

/* What should happen to n frames of which one arrives every gap_ns. */
static struct plan *plan_new(const struct delay_params *params, uint32_t n,
			     uint64_t gap_ns)
{
	const struct jitter_params jp = { params->jitter_ns, params->shape,
					  params->table, params->seed };
	struct plan *plan = calloc(n, sizeof(*plan));
	struct jitter *jitter;
	uint64_t last_ns = 0;

	assert_int_equal(jitter_new(&jitter, &jp), 0);
	for (uint32_t i = 0; i < n; i++) {
		int64_t wait_ns = (int64_t)params->delay_ns;

		if (delay_wants_frames(params))
			wait_ns += jitter_draw(jitter);
		wait_ns = wait_ns < 0 ? 0 : wait_ns;
		plan[i].number = i;
		plan[i].due_ns = START_NS + i * gap_ns + (uint64_t)wait_ns;
		if (!params->reorders && plan[i].due_ns < last_ns)
			plan[i].due_ns = last_ns;
		last_ns = plan[i].due_ns;
	}
	qsort(plan, n, sizeof(*plan), by_due);
	jitter_free(jitter);
	return plan;
}

/* Breaths when frames arrive, and when some are due. */
static void run_plan(const struct delay_params *params, uint32_t n,
		     uint64_t gap_ns, bool mixed)
{
	struct plan *plan = plan_new(params, n, gap_ns);
	struct stage_count late;
	uint64_t due_ns;
	struct rig rig;

	rig_init(&rig, params, POOL_BYTES, n);
	for (uint32_t i = 0; i < n; i++) {
		while ((due_ns = rig.stage->ops->due_ns(rig.stage)) <
		       START_NS + i * gap_ns) {
			rig.now_ns = due_ns;
			breathe(&rig);
		}
		rig.now_ns = START_NS + i * gap_ns;
		offer(&rig, i, 1, mixed);
	}
	run_out(&rig);
	assert_int_equal(rig.n_out, n);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(rig.out[i], plan[i].number);
		assert_int_equal(rig.out_ns[i], plan[i].due_ns);
	}
	/* No frame waited for a time that was not its own. */
	assert_true(rig.stage->ops->count(rig.stage, 0, &late));
	assert_int_equal(late.value, 0);
	free(plan);
	rig_fini(&rig);
}

static void as_planned(void **state)
{
	static const uint64_t gap_ns[] = { 0, 1000, 20000, 10 * MS };
	static const uint64_t jitter_ns[] = { 0, 100, 5 * MS, 50 * MS };

	(void)state;
	for (size_t g = 0; g < ARRAY_SIZE(gap_ns); g++)
		for (size_t j = 0; j < ARRAY_SIZE(jitter_ns); j++)
			for (int k = 0; k < 2; k++) {
				const struct delay_params params = {
					.delay_ns = 20 * MS,
					.jitter_ns = jitter_ns[j],
					.shape = JITTER_NORMAL,
					.reorders = k,
					.seed = g + 10 * j,
				};

				run_plan(&params, 3000, gap_ns[g], false);
				run_plan(&params, 600, gap_ns[g], true);
			}
}

/* Far apart, each frame has a delay of its own: its mean and deviation. */
static void statistics(void **state)
{
	enum { N = 20000 };
	const struct delay_params params = {
		.delay_ns = 100 * MS, .jitter_ns = 5 * MS,
		.shape = JITTER_NORMAL, .seed = 5,
	};
	double sum = 0, squares = 0, ms;
	struct rig rig;

	(void)state;
	rig_init(&rig, &params, POOL_BYTES, N);
	for (uint32_t i = 0; i < N; i++) {
		rig.now_ns = START_NS + i * NS_PER_SEC;
		offer(&rig, i, 1, false);
		run_out(&rig);
		ms = (double)(rig.out_ns[i] - START_NS - i * NS_PER_SEC) / 1e6;
		sum += ms;
		squares += ms * ms;
	}
	ms = sqrt(squares / N - sum / N * sum / N);
	printf("# delay 100ms, jitter 5ms: mean %.3f, deviation %.3f\n",
	       sum / N, ms);
	assert_true(sum / N > 99.5 && sum / N < 100.5);
	assert_true(ms > 4.5 && ms < 5.5);
	rig_fini(&rig);
}

/* The order and the times are the same, whatever the bursts. */
static void any_bursts(void **state)
{
	enum { N = 4096 };
	static const uint32_t size[] = { 1, 7, 64, 256 };
	struct rig first, rig;

	(void)state;
	for (int k = 0; k < 2; k++) {
		const struct delay_params params = {
			.delay_ns = MS, .jitter_ns = 5 * MS,
			.shape = JITTER_PARETO, .reorders = k, .seed = 9,
		};

		for (size_t b = 0; b < ARRAY_SIZE(size); b++) {
			rig_init(&rig, &params, POOL_BYTES, N);
			for (uint32_t i = 0; i < N; i += size[b])
				offer(&rig, i, i + size[b] > N ? N - i : size[b],
				      false);
			run_out(&rig);
			assert_int_equal(rig.n_out, N);
			if (!b) {
				first = rig;
				continue;
			}
			assert_memory_equal(rig.out, first.out,
					    N * sizeof(*rig.out));
			assert_memory_equal(rig.out_ns, first.out_ns,
					    N * sizeof(*rig.out_ns));
			rig_fini(&rig);
		}
		rig_fini(&first);
	}
}

/* ---- */

static void flush(struct rig *rig)
{
	bool more = true;

	while (more) {
		more = rig->stage->ops->flush(rig->stage, &burst, &rig->s);
		if (more)
			assert_int_equal(burst.n, BURST_MAX);
		take_out(rig);
	}
}

static void flushed(void **state)
{
	enum { N = 1000 };
	struct plan *plan;
	struct rig rig;

	(void)state;
	for (int k = 0; k < 2; k++) {
		const struct delay_params params = {
			.delay_ns = 2000 * MS, .jitter_ns = 500 * MS,
			.reorders = k, .seed = 3,
		};

		plan = plan_new(&params, N, 0);
		rig_init(&rig, &params, POOL_BYTES, N);
		for (uint32_t i = 0; i < N; i += 50)
			offer(&rig, i, 50, true);
		assert_int_equal(rig.s.held_frames, N);
		flush(&rig);
		assert_int_equal(rig.n_out, N);
		for (uint32_t i = 0; i < N; i++)
			assert_int_equal(rig.out[i], plan[i].number);
		flush(&rig);
		assert_int_equal(rig.n_out, N);
		free(plan);
		rig_fini(&rig);
	}
}

/* More that is due than a burst has room for, and new frames behind it. */
static void more_than_a_burst(void **state)
{
	const struct delay_params params = { .delay_ns = MS };
	struct rig rig;

	(void)state;
	rig_init(&rig, &params, POOL_BYTES, 2000);
	for (uint32_t i = 0; i < 1000; i += 250)
		offer(&rig, i, 250, false);
	rig.now_ns += 5 * MS;
	offer(&rig, 1000, 64, false);
	assert_int_equal(rig.n_out, 1000);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(rig.out[i], i);
	assert_int_equal(rig.s.held_frames, 64);
	run_out(&rig);
	assert_int_equal(rig.n_out, 1064);
	rig_fini(&rig);
}

/* A breath ends, however many are due; the next one follows at once. */
static void a_breath_ends(void **state)
{
	enum { N = 20000 };
	const struct delay_params params = { .delay_ns = MS };
	uint32_t breaths = 0, before;
	struct rig rig;

	(void)state;
	rig_init(&rig, &params, POOL_BYTES, N);
	for (uint32_t i = 0; i < N; i += 250)
		offer(&rig, i, 250, false);
	rig.now_ns += MS;
	for (; rig.stage->ops->due_ns(rig.stage) <= rig.now_ns; breaths++) {
		before = rig.n_out;
		breathe(&rig);
		assert_in_range(rig.n_out - before, 1, 10 * BURST_MAX);
	}
	assert_true(breaths > 5);
	assert_int_equal(rig.n_out, N);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(rig.out[i], i);
	rig_fini(&rig);
}

static void no_room(void **state)
{
	struct rig rig;
	uint64_t full;

	(void)state;
	for (int k = 0; k < 2; k++) {
		const struct delay_params params = { .delay_ns = MS,
						     .reorders = k };

		rig_init(&rig, &params, 1, 1000);
		for (uint32_t i = 0; i < 1000; i += 100)
			offer(&rig, i, 100, false);
		full = rig.s.dropped_frames[REASON_QUEUE_FULL];
		assert_in_range(full, 500, 900);
		assert_int_equal(rig.s.held_frames, 1000 - full);
		assert_int_equal(stats_dropped(&rig.s), full);
		run_out(&rig);
		/* The first ones, for they came first. */
		assert_int_equal(rig.n_out, 1000 - full);
		for (uint32_t i = 0; i < rig.n_out; i++)
			assert_int_equal(rig.out[i], i);
		/* And there is room again. */
		rig.n_out = 0;
		offer(&rig, 5, 100, false);
		run_out(&rig);
		assert_int_equal(rig.n_out, 100);
		rig_fini(&rig);
	}
}

/* Ten seconds of all that 64 MiB can hold, and what it costs a frame. */
static void for_long(void **state)
{
	enum { N = 330000, BURST = 30 };
	struct rig rig;
	uint64_t ns;

	(void)state;
	for (int k = 0; k < 2; k++) {
		const struct delay_params params = {
			.delay_ns = 10 * NS_PER_SEC,
			.jitter_ns = k * 1000 * MS,
			.reorders = k, .seed = 2,
		};

		rig_init(&rig, &params, POOL_BYTES, 2 * N);
		ns = clock_now_ns();
		for (uint32_t i = 0; i < 2 * N; i += BURST) {
			rig.now_ns = START_NS + i * 10 * NS_PER_SEC / N;
			offer(&rig, i, BURST, false);
		}
		ns = clock_now_ns() - ns;
		assert_int_equal(stats_dropped(&rig.s), 0);
		assert_in_range(rig.s.held_frames, N - BURST, N * 11 / 10);
		printf("# %" PRIu64 " held, %s: %.0f ns a frame\n",
		       rig.s.held_frames, k ? "reordering" : "in order",
		       (double)ns / (2 * N));
		flush(&rig);
		assert_int_equal(rig.n_out, 2 * N);
		rig_fini(&rig);
	}
}

static void late_ones(void **state)
{
	const struct delay_params params = { .delay_ns = MS };
	struct stage_count count;
	struct rig rig;

	(void)state;
	rig_init(&rig, &params, POOL_BYTES, 100);
	offer(&rig, 0, 10, false);
	rig.now_ns += MS + 100 * NS_PER_US;
	breathe(&rig);
	offer(&rig, 10, 10, false);
	rig.now_ns += MS + 101 * NS_PER_US;
	breathe(&rig);
	offer(&rig, 20, 10, false);
	flush(&rig);
	assert_int_equal(rig.n_out, 30);
	assert_true(rig.stage->ops->count(rig.stage, 0, &count));
	assert_string_equal(count.name, "late_frames");
	assert_int_equal(count.value, 10);
	assert_false(rig.stage->ops->count(rig.stage, 1, &count));
	rig.stage->ops->reset(rig.stage);
	assert_true(rig.stage->ops->count(rig.stage, 0, &count));
	assert_int_equal(count.value, 0);
	rig_fini(&rig);
}

static void bad_table(void **state)
{
	const struct delay_params params = {
		.jitter_ns = MS, .shape = JITTER_TABLE, .table = "/nowhere",
	};
	struct stage *stage = NULL;
	struct pool *pool;

	(void)state;
	assert_int_equal(pool_new(&pool, 1), 0);
	assert_int_equal(delay_check(&params), -EINVAL);
	assert_int_equal(delay_new(&stage, &params, pool), -EINVAL);
	assert_null(stage);
	pool_free(pool);
}

static void as_typed(void **state)
{
	static const struct {
		int (*parse)(const char *text, void *params);
		const char *text;
		bool good;
	} known[] = {
		{ delay_parse_delay, "20ms", true },
		{ delay_parse_delay, "0", true },
		{ delay_parse_delay, "10s", true },
		{ delay_parse_delay, "10.1s", false },
		{ delay_parse_delay, "20", false },
		{ delay_parse_delay, "-1ms", false },
		{ delay_parse_delay, "", false },
		{ delay_parse_jitter, "150us", true },
		{ delay_parse_jitter, "11s", false },
		{ delay_parse_shape, "pareto", true },
		{ delay_parse_shape, "/a/b", true },
		{ delay_parse_shape, "paret", false },
		{ delay_parse_shape, "a/b", false },
		{ delay_parse_shape, "", false },
		{ delay_parse_reorder, "yes", true },
		{ delay_parse_reorder, "no", true },
		{ delay_parse_reorder, "maybe", false },
	};
	struct delay_params p, before;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		memset(&p, 7, sizeof(p));
		memset(&before, 7, sizeof(before));
		assert_int_equal(known[i].parse(known[i].text, &p),
				 known[i].good ? 0 : -EINVAL);
		if (!known[i].good)
			assert_memory_equal(&p, &before, sizeof(p));
	}
	memset(&p, 0, sizeof(p));
	delay_parse_delay("1.5s", &p);
	assert_int_equal(p.delay_ns, 1500 * MS);
	assert_false(delay_wants_frames(&p));
	delay_parse_jitter("5ms", &p);
	assert_int_equal(p.jitter_ns, 5 * MS);
	assert_true(delay_wants_frames(&p));
	delay_parse_shape("normal", &p);
	assert_int_equal(p.shape, JITTER_NORMAL);
	delay_parse_jitter("0", &p);
	delay_parse_shape("/a/b", &p);
	assert_string_equal(p.table, "/a/b");
	assert_true(delay_wants_frames(&p));
	delay_parse_reorder("yes", &p);
	assert_true(p.reorders);
	delay_parse_reorder("no", &p);
	assert_false(p.reorders);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constant),
		cmocka_unit_test(by_its_stamp),
		cmocka_unit_test(nothing_to_do),
		cmocka_unit_test(as_planned),
		cmocka_unit_test(statistics),
		cmocka_unit_test(any_bursts),
		cmocka_unit_test(flushed),
		cmocka_unit_test(more_than_a_burst),
		cmocka_unit_test(a_breath_ends),
		cmocka_unit_test(no_room),
		cmocka_unit_test(for_long),
		cmocka_unit_test(late_ones),
		cmocka_unit_test(bad_table),
		cmocka_unit_test(as_typed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
