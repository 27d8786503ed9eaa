/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rate stage with a clock of the test's own: what leaves when, what waits,
 * what is dropped. Times are compared with sums in 128 bits.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>

#include "clock.h"
#include "rate.h"
#include "rng.h"

#define START_NS (1000 * NS_PER_SEC)
#define POOL_BYTES (64u << 20)
#define KBIT UINT64_C(1000)
#define MBIT UINT64_C(1000000)
#define GBIT UINT64_C(1000000000)
#define HOUR_NS (3600 * NS_PER_SEC)

/* ---- a stage, and what came out of it ---- */

struct rig {
	struct pool *pool;
	struct stage *stage;
	struct lane_stats s;
	struct burst b;
	uint64_t in, out;    /* frames */
	uint64_t out_bytes;
	uint32_t overhead;   /* bytes a frame that count beside its own */
	uint32_t next_out;   /* no frame with a lower number may follow */
	uint32_t last_count; /* frames that the last push let through */
};

static uint8_t memory[BURST_MAX][FRAME_HEADROOM + 2048];

static struct rig *rig_new(const struct rate_params *p, size_t pool_bytes)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	assert_int_equal(pool_new(&rig->pool, pool_bytes), 0);
	assert_int_equal(rate_new(&rig->stage, p, rig->pool), 0);
	return rig;
}

static uint64_t rig_dropped(const struct rig *rig)
{
	return stats_dropped(&rig->s);
}

static void check_balance(const struct rig *rig)
{
	assert_int_equal(rig->in, rig->out + rig_dropped(rig) +
					  rig->s.held_frames);
	assert_int_equal(rig->s.dropped_frames[REASON_QUEUE_FULL] +
			 rig->s.dropped_frames[REASON_AGED], rig_dropped(rig));
	if (!rig->s.held_frames)
		assert_int_equal(pool_used_bytes(rig->pool), 0);
}

static void rig_free(struct rig *rig)
{
	check_balance(rig);
	stage_free(rig->stage);
	pool_free(rig->pool);
	free(rig);
}

static uint32_t number_of(const struct frame *f)
{
	uint32_t number;

	memcpy(&number, f->data, sizeof(number));
	return number;
}

/* The next frame of the burst that is to come. */
static struct frame *add(struct rig *rig, uint32_t len)
{
	struct frame *f = &rig->b.frame[rig->b.n];
	uint32_t number = (uint32_t)rig->in++;

	*f = (struct frame){ .data = memory[rig->b.n] + FRAME_HEADROOM,
			     .len = len };
	memcpy(f->data, &number, sizeof(number));
	rig->b.n++;
	return f;
}

/* What has come out is in order. */
static void take_out(struct rig *rig)
{
	for (uint32_t i = 0; i < rig->b.n; i++) {
		uint32_t number = number_of(&rig->b.frame[i]);

		assert_in_range(number, rig->next_out, UINT32_MAX);
		rig->next_out = number + 1;
		rig->out_bytes += rig->b.frame[i].len + rig->overhead;
	}
	rig->out += rig->b.n;
	rig->last_count += rig->b.n;
	pool_release(rig->pool);
	rig->b.n = 0;
}

/* A breath; how many frames have left in it. */
static uint32_t push(struct rig *rig, uint64_t now_ns)
{
	bool more = true;

	rig->last_count = 0;
	while (more) {
		more = stage_push(rig->stage, &rig->b, &rig->s, now_ns);
		if (more)
			assert_int_equal(rig->b.n, BURST_MAX);
		take_out(rig);
	}
	return rig->last_count;
}

static uint32_t push_n(struct rig *rig, uint32_t n, uint32_t len,
		       uint64_t now_ns)
{
	while (n--)
		add(rig, len);
	return push(rig, now_ns);
}

static uint64_t due(const struct rig *rig)
{
	return rig->stage->ops->due_ns(rig->stage);
}

static uint64_t count_of(const struct rig *rig, const char *name)
{
	struct stage_count count;

	for (size_t i = 0; rig->stage->ops->count(rig->stage, i, &count); i++)
		if (!strcmp(count.name, name))
			return count.value;
	fail_msg("no count %s", name);
	return 0;
}

/* ---- how fast ---- */

/* When the wire is free if it has been held since then. */
static uint64_t free_ns(const struct rig *rig, uint64_t since_ns, uint64_t bps)
{
	return since_ns + (uint64_t)((unsigned __int128)rig->out_bytes * 8 *
				     NS_PER_SEC / bps);
}

/*
 * Frames always wait. Each leaves when the bits of all before it have had
 * their time, to the nanosecond, after hours too.
 */
static void run_full(uint64_t bps, bool layer1, const uint32_t *len, size_t n,
		     uint64_t frames)
{
	struct rate_params p = { .bps = bps, .layer1 = layer1,
				 .burst_bytes = 1 };
	struct rig *rig = rig_new(&p, 1u << 20);
	uint64_t saved_ns = 8 * NS_PER_SEC / bps; /* the time of one byte */
	uint64_t now_ns = START_NS;

	rig->overhead = layer1 ? 24 : 0;
	while (rig->out < frames) {
		while (rig->s.held_frames < 2)
			push_n(rig, 1, len[rig->in % n], now_ns);
		now_ns = due(rig);
		assert_int_equal(now_ns,
				 free_ns(rig, START_NS - saved_ns, bps));
		assert_int_equal(push(rig, now_ns - 1), 0);
		assert_in_range(push(rig, now_ns), 1, 2);
	}
	assert_int_equal(rig_dropped(rig), 0);
	print_message("%12" PRIu64 " bit/s: %" PRIu64 " frames, %.1f s\n", bps,
		      rig->out, (double)(now_ns - START_NS) / 1e9);
	while (due(rig) != STAGE_NEVER)
		push(rig, due(rig));
	rig_free(rig);
}

static void test_exact(void **state)
{
	static const uint32_t odd[] = { 1514, 60, 61, 777, 1023, 1499 };
	static const uint32_t full[] = { 1514 }, small[] = { 64 };

	(void)state;
	run_full(64 * KBIT, false, full, 1, 40000); /* two hours */
	run_full(1 * KBIT, false, small, 1, 20000);
	run_full(1000003, false, odd, 6, 300000);
	run_full(9999991, true, odd, 6, 300000);
	run_full(10 * GBIT, true, odd, 6, 500000);
	run_full(400 * GBIT, false, small, 1, 500000);
	run_full(UINT64_C(3333333337), false, odd, 6, 500000);
}

/*
 * The lane is woken late, by up to a few milliseconds each time: over an hour
 * that costs nothing.
 */
static void test_late_wakes_lose_nothing(void **state)
{
	struct rate_params p = { .bps = 10 * MBIT, .burst_bytes = 1 };
	struct rig *rig = rig_new(&p, POOL_BYTES);
	uint64_t now_ns = START_NS, end_ns = START_NS + HOUR_NS / 4;
	struct rng rng = { 5 };
	int64_t off;

	(void)state;
	while (now_ns < end_ns) {
		push_n(rig, rig->s.held_frames < 60 ? 30 : 0, 1000, now_ns);
		now_ns = due(rig) + rng_below(&rng, 20 * NS_PER_MS);
		push(rig, now_ns);
	}
	assert_int_equal(rig_dropped(rig), 0);
	off = (int64_t)rig->out_bytes * 800 - (int64_t)(now_ns - START_NS);
	print_message("off by %.6f s in a quarter of an hour\n",
		      (double)off / 1e9);
	assert_true(off > -2000000 && off < 2000000); /* a frame or two */
	assert_int_equal(count_of(rig, "lost_us"), 0);
	while (due(rig) != STAGE_NEVER)
		push(rig, due(rig));
	rig_free(rig);
}

/* 50 ms of the rate come at once; what was missed before is lost, and the
 * schedule goes on from there. */
static void test_arrears(void **state)
{
	struct rate_params p = { .bps = 8 * MBIT, .burst_bytes = 1,
				 .queue_ns = NS_PER_SEC };
	struct rig *rig = rig_new(&p, POOL_BYTES);
	uint64_t due_ns;

	(void)state;
	/* Each 1000 bytes take 1 ms. The first leaves, the last is due then. */
	push_n(rig, 200, 1000, START_NS);
	push_n(rig, 200, 1000, START_NS);
	due_ns = due(rig);
	assert_in_range(due_ns, START_NS + 998000, START_NS + 1000000);
	assert_int_equal(push(rig, due_ns + 29 * NS_PER_MS), 30);
	assert_int_equal(count_of(rig, "lost_us"), 0);
	due_ns += 30 * NS_PER_MS;
	assert_int_equal(due(rig), due_ns);
	assert_int_equal(push(rig, due_ns + 150 * NS_PER_MS), 51);
	assert_int_equal(count_of(rig, "lost_us"), 100000);
	assert_int_equal(due(rig), due_ns + 151 * NS_PER_MS);
	rig->stage->ops->reset(rig->stage);
	assert_int_equal(count_of(rig, "lost_us"), 0);
	while (due(rig) != STAGE_NEVER)
		push(rig, due(rig));
	rig_free(rig);
}

/* An idle wire saves up the burst, however long it was idle; then the first
 * frame leaves at once, and as many as the burst pays for. */
static void test_burst(void **state)
{
	static const struct {
		uint64_t burst_bytes;
		uint32_t leave;
	} row[] = {
		{ 1, 1 }, { 999, 1 }, { 1000, 2 }, { 32 << 10, 33 },
		{ 0, 3 }, /* 2 ms */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct rate_params p = { .bps = 8 * MBIT,
					 .burst_bytes = row[i].burst_bytes };
		struct rig *rig = rig_new(&p, POOL_BYTES);
		uint64_t now_ns = START_NS;

		for (int k = 0; k < 3; k++) {
			assert_int_equal(push_n(rig, 64, 1000, now_ns),
					 row[i].leave);
			assert_int_equal(push_n(rig, 1, 1000, now_ns), 0);
			while (due(rig) != STAGE_NEVER) {
				now_ns = due(rig);
				push(rig, now_ns);
			}
			now_ns += NS_PER_SEC << k;
		}
		rig_free(rig);
	}
}

/* In no stretch of time does more leave than the rate, the burst and a frame,
 * and while frames wait no less. */
static void test_never_faster(void **state)
{
	struct rate_params p = { .bps = 20 * MBIT, .burst_bytes = 5000 };
	struct rig *rig = rig_new(&p, POOL_BYTES);
	uint64_t now_ns = START_NS, in_time = 0;
	int64_t tokens = 5000 * 400, before_ns = START_NS;
	struct rng rng = { 6 };

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint64_t out_bytes = rig->out_bytes, next_ns;
		uint32_t n = (uint32_t)rng_below(&rng, 4);

		for (uint32_t k = 0; k < n; k++)
			add(rig, 60 + (uint32_t)rng_below(&rng, 1455));
		push(rig, now_ns);
		/* Tokens are nanoseconds here; one byte takes 400. */
		tokens += (int64_t)now_ns - before_ns;
		if (tokens > 5000 * 400)
			tokens = 5000 * 400;
		tokens -= (int64_t)(rig->out_bytes - out_bytes) * 400;
		assert_true(tokens >= -1514 * 400);
		before_ns = (int64_t)now_ns;
		next_ns = now_ns + rng_below(&rng, 2 * NS_PER_MS);
		if (due(rig) < next_ns) {
			next_ns = due(rig);
			in_time++;
		}
		now_ns = next_ns;
	}
	assert_in_range(in_time, 10000, UINT32_MAX);
	while (due(rig) != STAGE_NEVER)
		push(rig, due(rig));
	rig_free(rig);
}

/* ---- what counts as how long ---- */

/* The time that the wire is held by a frame: when the next one is due. */
static uint64_t held_ns(const struct rate_params *p, const struct frame *f)
{
	struct rig *rig = rig_new(p, POOL_BYTES);
	uint64_t due_ns;

	add(rig, 0);
	rig->b.frame[0].len = f->len;
	rig->b.frame[0].vnet = f->vnet;
	memcpy(rig->b.frame[0].data + 12, f->data + 12, f->len - 12);
	push_n(rig, 1, 60, START_NS);
	due_ns = due(rig);
	push(rig, due_ns);
	rig_free(rig);
	return due_ns - START_NS;
}

static void test_layers(void **state)
{
	static const struct {
		uint32_t len, layer2, layer1;
	} row[] = {
		{ 14, 14, 84 }, { 59, 59, 84 }, { 60, 60, 84 },
		{ 61, 61, 85 }, { 1514, 1514, 1538 },
	};
	static uint8_t bytes[2048];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct frame f = { .data = bytes, .len = row[i].len };
		/* 8 bit in 1 us; one byte is saved up */
		struct rate_params p = { .bps = 8 * MBIT, .burst_bytes = 1 };

		assert_int_equal(held_ns(&p, &f), (row[i].layer2 - 1) * 1000);
		p.layer1 = true;
		assert_int_equal(held_ns(&p, &f), (row[i].layer1 - 1) * 1000);
	}
}

/* A super-frame is as long as the frames that it carries. */
static void test_super_frames(void **state)
{
	static const struct {
		uint32_t tags, payload, mss, layer2, layer1;
	} row[] = {
		{ 0, 1448, 1448, 1502, 1526 },
		{ 0, 1449, 1448, 1502 + 55, 1526 + 84 },
		{ 0, 1454, 1448, 1502 + 60, 1526 + 84 },
		{ 0, 1455, 1448, 1502 + 61, 1526 + 85 },
		{ 1, 1600, 500, 3 * 558 + 158, 3 * 582 + 182 },
		{ 0, 1900, 100, 19 * 154, 19 * 178 },
	};
	static uint8_t bytes[2048];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct frame f = { .data = bytes };
		struct rate_params p = { .bps = 8 * MBIT, .burst_bytes = 1 };
		uint32_t at = 12;

		memset(bytes, 0, sizeof(bytes));
		for (uint32_t k = 0; k < row[i].tags; k++, at += 4)
			bytes[at] = 0x81;
		bytes[at] = 0x08; /* IPv4, 20 bytes; TCP, 20 bytes */
		bytes[at + 2] = 0x45;
		bytes[at + 11] = 6;
		bytes[at + 34] = 5 << 4;
		f.len = at + 42 + row[i].payload;
		f.vnet = (struct virtio_net_hdr){
			.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
			.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
			.gso_size = (uint16_t)row[i].mss,
			.csum_start = (uint16_t)(at + 22), .csum_offset = 16,
		};
		assert_int_equal(held_ns(&p, &f), (row[i].layer2 - 1) * 1000);
		p.layer1 = true;
		assert_int_equal(held_ns(&p, &f), (row[i].layer1 - 1) * 1000);
		/* One that nobody can cut: it will not leave. */
		f.vnet.csum_start += 2;
		p.layer1 = false;
		assert_int_equal(held_ns(&p, &f), (f.len - 1) * 1000);
	}
}

static void test_no_rate(void **state)
{
	struct rate_params p = { .queue_ns = NS_PER_SEC, .ages = true };
	struct stage *stage;

	(void)state;
	assert_false(rate_wants_frames(&p));
	assert_int_equal(rate_new(&stage, &p, NULL), 0);
	assert_null(stage);
}

static void test_wants_frames(void **state)
{
	struct rate_params p = { 0 };

	(void)state;
	p.bps = GBIT - 1;
	assert_true(rate_wants_frames(&p));
	p.bps = GBIT;
	assert_false(rate_wants_frames(&p));
	p.queue_bytes = 64 << 10;
	assert_true(rate_wants_frames(&p));
	p.queue_bytes = 512 << 10;
	assert_false(rate_wants_frames(&p));
	p.queue_bytes = 0;
	p.queue_ns = NS_PER_MS;
	assert_true(rate_wants_frames(&p));
}

/* ---- the queue ---- */

static void test_queue_bounds(void **state)
{
	static const struct {
		struct rate_params p;
		uint64_t bytes;
		uint32_t wait; /* frames of 1000 bytes */
	} row[] = {
		{ { .bps = 8 * MBIT }, 100000, 100 },
		{ { .bps = 8 * MBIT, .queue_ns = 30 * NS_PER_MS }, 30000, 30 },
		{ { .bps = 8 * MBIT, .queue_bytes = 64 << 10 }, 65536, 65 },
		/* at least four frames of full size */
		{ { .bps = 64 * KBIT }, 6152, 6 },
		{ { .bps = 64 * KBIT, .queue_ns = NS_PER_MS }, 6152, 6 },
		/* one, whatever its size */
		{ { .bps = 8 * MBIT, .queue_bytes = 64 }, 64, 1 },
		/* layer 1 counts in the queue as on the wire */
		{ { .bps = 8 * MBIT, .layer1 = true,
		    .queue_bytes = 10240 }, 10240, 10 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct rate_params p = row[i].p;
		struct rig *rig;
		uint32_t wait = row[i].wait;

		p.burst_bytes = 1;
		rig = rig_new(&p, POOL_BYTES);
		assert_int_equal(count_of(rig, "queue_limit_bytes"),
				 row[i].bytes);
		assert_int_equal(push_n(rig, BURST_MAX, 1000, START_NS), 1);
		assert_int_equal(rig->s.held_frames, wait);
		assert_int_equal(rig->s.dropped_frames[REASON_QUEUE_FULL],
				 BURST_MAX - 1 - wait);
		assert_int_equal(count_of(rig, "queued_bytes"),
				 wait * (p.layer1 ? 1024 : 1000));
		/* Room is what has left by then, in the same push. */
		assert_int_equal(push_n(rig, 3, 1000, due(rig)), 1);
		assert_int_equal(rig->s.held_frames, wait);
		check_balance(rig);
		while (due(rig) != STAGE_NEVER)
			push(rig, due(rig));
		assert_int_equal(count_of(rig, "queued_bytes"), 0);
		assert_int_equal(count_of(rig, "queued_max_bytes"),
				 wait * (p.layer1 ? 1024 : 1000));
		rig_free(rig);
	}
}

/* The default leaves half of the memory; what is asked for may take it all. */
static void test_small_pool(void **state)
{
	struct rate_params p = { .bps = 10 * GBIT, .burst_bytes = 1 };
	struct rig *rig = rig_new(&p, 1 << 20);

	(void)state;
	assert_in_range(count_of(rig, "queue_limit_bytes"), 1 << 18,
			1 << 19 | 1 << 18);
	rig_free(rig);
	p.queue_bytes = 1 << 30;
	rig = rig_new(&p, 1 << 18);
	assert_int_equal(count_of(rig, "queue_limit_bytes"), 1 << 30);
	for (int i = 0; i < 10; i++)
		push_n(rig, 200, 1500, START_NS);
	assert_in_range(rig->s.held_frames, 100, 200);
	assert_int_equal(rig->s.dropped_frames[REASON_QUEUE_FULL],
			 2000 - rig->out - rig->s.held_frames);
	while (due(rig) != STAGE_NEVER)
		push(rig, due(rig));
	rig_free(rig);
}

/* More is due than a burst holds, and what comes with it stays behind it. */
static void test_more(void **state)
{
	struct rate_params p = { .bps = GBIT, .burst_bytes = 1 };
	struct rig *rig = rig_new(&p, POOL_BYTES);

	(void)state;
	for (int i = 0; i < 10; i++)
		push_n(rig, BURST_MAX, 100, START_NS);
	assert_int_equal(rig->out, 1);
	for (int i = 0; i < 64; i++)
		add(rig, 100);
	assert_true(stage_push(rig->stage, &rig->b, &rig->s,
			       START_NS + 49 * NS_PER_MS));
	assert_int_equal(rig->b.n, BURST_MAX);
	assert_int_equal(rig->s.held_frames, 2560 - 1 + 64 - BURST_MAX);
	take_out(rig);
	check_balance(rig);
	push(rig, START_NS + 49 * NS_PER_MS);
	assert_int_equal(rig->out, 2560 + 64);
	assert_int_equal(rig->next_out, 2560 + 64); /* each, and in order */
	assert_int_equal(due(rig), STAGE_NEVER);
	rig_free(rig);
}

/* In order, at once, to the last; and the stage goes on afterwards. */
static void test_flush(void **state)
{
	struct rate_params p = { .bps = MBIT, .queue_ns = NS_PER_SEC };
	struct rig *rig = rig_new(&p, POOL_BYTES);
	uint32_t bursts = 0;
	bool more = true;

	(void)state;
	for (int i = 0; i < 5; i++)
		push_n(rig, BURST_MAX, 64, START_NS);
	assert_int_equal(rig_dropped(rig), 0);
	for (; more; bursts++) {
		more = rig->stage->ops->flush(rig->stage, &rig->b, &rig->s);
		take_out(rig);
	}
	assert_in_range(bursts, 5, 6);
	assert_int_equal(rig->out, rig->in);
	assert_int_equal(rig->s.held_frames, 0);
	assert_int_equal(due(rig), STAGE_NEVER);
	assert_int_equal(count_of(rig, "queued_bytes"), 0);
	assert_false(rig->stage->ops->flush(rig->stage, &rig->b, &rig->s));
	assert_int_equal(rig->b.n, 0);
	push_n(rig, 100, 64, START_NS + NS_PER_SEC);
	assert_in_range(rig->s.held_frames, 90, 99);
	while (due(rig) != STAGE_NEVER)
		push(rig, due(rig));
	rig_free(rig);
}

/* Even between two pushes of a breath. */
static void test_flush_between(void **state)
{
	struct rate_params p = { .bps = GBIT, .burst_bytes = 1 };
	struct rig *rig = rig_new(&p, POOL_BYTES);

	(void)state;
	for (int i = 0; i < 4; i++)
		push_n(rig, 200, 1000, START_NS);
	/* 500 and one are due by then; 8 us each */
	assert_true(stage_push(rig->stage, &rig->b, &rig->s,
			       START_NS + 500 * 8000));
	take_out(rig);
	for (bool more = true; more;) {
		more = rig->stage->ops->flush(rig->stage, &rig->b, &rig->s);
		take_out(rig);
	}
	assert_int_equal(rig->out, 800);
	rig_free(rig);
}

/* What may leave at once is not touched, and what the pool has lent already is
 * kept as it lies. */
static void test_no_copy(void **state)
{
	struct rate_params p = { .bps = 8 * MBIT, .burst_bytes = 1 };
	struct rig *rig = rig_new(&p, POOL_BYTES);
	struct held *held;
	uint8_t *first, *second;
	size_t used;

	(void)state;
	first = add(rig, 1000)->data;
	assert_false(stage_push(rig->stage, &rig->b, &rig->s, START_NS));
	assert_int_equal(rig->b.n, 1);
	assert_ptr_equal(rig->b.frame[0].data, first);
	assert_int_equal(pool_used_bytes(rig->pool), 0);
	take_out(rig);

	held = pool_keep(rig->pool, add(rig, 1000));
	second = held->frame.data;
	used = pool_used_bytes(rig->pool);
	pool_lend(rig->pool, held, &rig->b.frame[0]);
	assert_int_equal(push(rig, START_NS), 0);
	assert_int_equal(pool_used_bytes(rig->pool), used);
	assert_false(stage_push(rig->stage, &rig->b, &rig->s, due(rig)));
	assert_int_equal(rig->b.n, 1);
	assert_ptr_equal(rig->b.frame[0].data, second);
	take_out(rig);
	rig_free(rig);
}

/* Any arrivals, any wake-ups: none lost, none twice, none out of order. */
static void test_balance(void **state)
{
	struct rng rng = { 7 };

	(void)state;
	for (int round = 0; round < 40; round++) {
		struct rate_params p = {
			.bps = KBIT << rng_below(&rng, 28),
			.layer1 = round & 1, .ages = round & 2,
			.queue_bytes = rng_below(&rng, 2) ?
				100 + rng_below(&rng, 100000) : 0,
		};
		struct rig *rig = rig_new(&p, 4 << 20);
		uint64_t now_ns = START_NS;

		for (int i = 0; i < 1000; i++) {
			uint32_t n = (uint32_t)rng_below(&rng, 65);

			while (n--)
				add(rig, 14 + (uint32_t)rng_below(&rng, 2000));
			push(rig, now_ns);
			check_balance(rig);
			now_ns += rng_below(&rng, rng_below(&rng, 9) ?
						  NS_PER_MS : 90 * NS_PER_MS);
		}
		while (due(rig) != STAGE_NEVER)
			push(rig, due(rig));
		assert_int_equal(rig->s.held_frames, 0);
		rig_free(rig);
	}
}

/* ---- ageing ---- */

/* Eleven frames come in the time of ten, and slow down for nothing; the
 * longest wait in the last of 30 seconds. */
static uint64_t overload_ns(const struct rate_params *p, uint64_t *aged)
{
	struct rig *rig = rig_new(p, POOL_BYTES);
	uint64_t now_ns = START_NS, worst_bytes = 0;

	for (int ms = 0; ms < 30000; ms++, now_ns += NS_PER_MS) {
		push_n(rig, ms % 10 ? 1 : 2, 1000, now_ns);
		if (ms > 29000 && count_of(rig, "queued_bytes") > worst_bytes)
			worst_bytes = count_of(rig, "queued_bytes");
	}
	*aged = rig->s.dropped_frames[REASON_AGED];
	while (due(rig) != STAGE_NEVER)
		push(rig, due(rig));
	rig_free(rig);
	return worst_bytes * 1000; /* a byte takes a microsecond */
}

static void test_ageing(void **state)
{
	struct rate_params p = { .bps = 8 * MBIT, .burst_bytes = 1,
				 .queue_ns = NS_PER_SEC };
	uint64_t aged, later, ns;

	(void)state;
	ns = overload_ns(&p, &aged);
	assert_int_equal(aged, 0);
	assert_in_range(ns, 990 * NS_PER_MS, NS_PER_SEC);
	p.ages = true;
	ns = overload_ns(&p, &aged);
	assert_in_range(aged, 2500, 3200);
	assert_in_range(ns, NS_PER_MS, 100 * NS_PER_MS);
	p.age_target_ns = 400 * NS_PER_MS;
	overload_ns(&p, &later);
	assert_in_range(later, 1, aged - 1);
}

/* What the stage drops when `n` frames of 1500 bytes come at a time. */
static uint64_t aged_of(const struct rate_params *p, uint32_t n,
			uint64_t every_ns)
{
	struct rig *rig = rig_new(p, POOL_BYTES);
	uint64_t now_ns = START_NS, aged;

	push_n(rig, 2, 1500, now_ns);
	for (int i = 0; i < 500; i++, now_ns += every_ns) {
		while (due(rig) < now_ns)
			push(rig, due(rig));
		push_n(rig, n, 1500, now_ns);
	}
	aged = rig->s.dropped_frames[REASON_AGED];
	assert_int_equal(aged, rig_dropped(rig));
	while (due(rig) != STAGE_NEVER)
		push(rig, due(rig));
	rig_free(rig);
	return aged;
}

/* Where a frame takes longer than the target, the target is longer; and where
 * one frame waits behind another, it is no queue. */
static void test_ageing_slow(void **state)
{
	/* 1500 bytes take 187.5 ms; 10 ms. */
	struct rate_params slow = { .bps = 64 * KBIT, .ages = true,
				    .queue_ns = 5 * NS_PER_SEC };
	struct rate_params p = { .bps = 1200 * KBIT, .ages = true,
				 .queue_ns = 5 * NS_PER_SEC };

	(void)state;
	assert_int_equal(aged_of(&slow, 5, 1100 * NS_PER_MS), 0);
	assert_in_range(aged_of(&slow, 6, 1100 * NS_PER_MS), 10, 500);
	assert_int_equal(aged_of(&p, 1, 10 * NS_PER_MS), 0);
	assert_in_range(aged_of(&p, 2, 19 * NS_PER_MS), 1, 100);
}

/* ---- what people type ---- */

static void test_parse(void **state)
{
	static const struct {
		int (*parse)(const char *text, void *params);
		const char *text;
		struct rate_params p;
	} row[] = {
		{ rate_parse_rate, "10mbit", { .bps = 10 * MBIT } },
		{ rate_parse_rate, "1kbit", { .bps = 1000 } },
		{ rate_parse_rate, "400gbit", { .bps = 400 * GBIT } },
		{ rate_parse_rate, "1mbps", { .bps = 8 * MBIT } },
		{ rate_parse_layer, "1", { .layer1 = true } },
		{ rate_parse_layer, "2", { .layer1 = false } },
		{ rate_parse_burst, "32kb", { .burst_bytes = 32768 } },
		{ rate_parse_queue, "100ms", { .queue_ns = 100 * NS_PER_MS } },
		{ rate_parse_queue, "60s", { .queue_ns = 60 * NS_PER_SEC } },
		{ rate_parse_queue, "64kb", { .queue_bytes = 65536 } },
		{ rate_parse_queue, "1000", { .queue_bytes = 1000 } },
		{ rate_parse_queue, "2m", { .queue_bytes = 2 << 20 } },
		{ rate_parse_ageing, "yes", { .ages = true } },
		{ rate_parse_ageing, "no", { .ages = false } },
		{ rate_parse_ageing, "20ms",
		  { .ages = true, .age_target_ns = 20 * NS_PER_MS } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct rate_params p;

		memset(&p, 0, sizeof(p));
		assert_int_equal(row[i].parse(row[i].text, &p), 0);
		assert_int_equal(p.bps, row[i].p.bps);
		assert_int_equal(p.layer1, row[i].p.layer1);
		assert_int_equal(p.burst_bytes, row[i].p.burst_bytes);
		assert_int_equal(p.queue_bytes, row[i].p.queue_bytes);
		assert_int_equal(p.queue_ns, row[i].p.queue_ns);
		assert_int_equal(p.ages, row[i].p.ages);
		assert_int_equal(p.age_target_ns, row[i].p.age_target_ns);
		/* The last word counts: nothing of another is left. */
		assert_int_equal(rate_parse_queue("9kb", &p), 0);
		assert_int_equal(rate_parse_queue("9ms", &p), 0);
		assert_int_equal(p.queue_bytes, 0);
		assert_int_equal(rate_parse_queue("9kb", &p), 0);
		assert_int_equal(p.queue_ns, 0);
		assert_int_equal(rate_parse_ageing("9ms", &p), 0);
		assert_int_equal(rate_parse_ageing("yes", &p), 0);
		assert_int_equal(p.age_target_ns, 0);
	}
}

/* Refused, and nothing is touched. */
static void test_refused(void **state)
{
	static const struct {
		int (*parse)(const char *text, void *params);
		const char *text;
	} row[] = {
		{ rate_parse_rate, "" }, { rate_parse_rate, "0" },
		{ rate_parse_rate, "999" }, { rate_parse_rate, "401gbit" },
		{ rate_parse_rate, "-1mbit" }, { rate_parse_rate, "10 mbit" },
		{ rate_parse_rate, "fast" }, { rate_parse_layer, "" },
		{ rate_parse_layer, "3" }, { rate_parse_layer, "12" },
		{ rate_parse_burst, "0" }, { rate_parse_burst, "65mb" },
		{ rate_parse_burst, "10ms" }, { rate_parse_queue, "0" },
		{ rate_parse_queue, "61s" }, { rate_parse_queue, "99us" },
		{ rate_parse_queue, "63" }, { rate_parse_queue, "2gb" },
		{ rate_parse_queue, "5" }, { rate_parse_queue, "x" },
		{ rate_parse_ageing, "" }, { rate_parse_ageing, "YES" },
		{ rate_parse_ageing, "0" }, { rate_parse_ageing, "11s" },
		{ rate_parse_ageing, "5" }, { rate_parse_ageing, "50us" },
	};
	struct rate_params p, before;

	(void)state;
	memset(&p, 0x5a, sizeof(p));
	before = p;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		assert_int_equal(row[i].parse(row[i].text, &p), -EINVAL);
		assert_memory_equal(&p, &before, sizeof(p));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_late_wakes_lose_nothing),
		cmocka_unit_test(test_arrears),
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_never_faster),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_super_frames),
		cmocka_unit_test(test_no_rate),
		cmocka_unit_test(test_wants_frames),
		cmocka_unit_test(test_queue_bounds),
		cmocka_unit_test(test_small_pool),
		cmocka_unit_test(test_more),
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_flush_between),
		cmocka_unit_test(test_no_copy),
		cmocka_unit_test(test_balance),
		cmocka_unit_test(test_ageing),
		cmocka_unit_test(test_ageing_slow),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
