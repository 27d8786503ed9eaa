/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * impair.c, impair_draw.c and impair_parse.c: the same seed does the same
 * whatever the bursts, shares are what was asked for (within six standard
 * deviations of a fixed seed), and each frame is where it should be. The test
 * stands for the lane: frames die with their breath, each in its own memory.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "impair.h"
#include "rng.h"

#define FRAME_BYTES 60
#define FRAME_BITS (8 * FRAME_BYTES)
#define MANY 100000
#define SEEN_MAX (4 * MANY)
#define POOL_BYTES (8 << 20)
#define NOW_NS (5 * NS_PER_SEC)
#define TIME_NS(number) (UINT64_C(1700000000) * NS_PER_SEC + (number) * 1000)

/* A frame that came out. */
struct seen {
	uint64_t number; /* of the frame, as its bytes say */
	uint64_t time_ns;
	const uint8_t *data;
	uint8_t bytes[FRAME_BYTES];
};

struct fixture {
	struct pool *pool;
	struct stage *stage;
	struct lane_stats s;
	struct burst b;
	uint64_t next, now_ns;
	uint32_t rounds; /* bursts that the last push gave */
	uint32_t n;
	struct seen seen[SEEN_MAX];
};

static struct fixture *start_with(const struct impair_params *p, size_t pool)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(pool_new(&f->pool, pool), 0);
	assert_int_equal(impair_new(&f->stage, p, f->pool), 0);
	f->now_ns = NOW_NS;
	return f;
}

static struct fixture *start(const struct impair_params *p)
{
	return start_with(p, POOL_BYTES);
}

/* No frame is missing, and none too many. */
static void check_balance(const struct fixture *f)
{
	struct lane_stats s = f->s;

	s.received_frames = f->next;
	s.forwarded_frames = f->n;
	assert_int_equal(stats_unaccounted(&s), 0);
}

static void end(struct fixture *f)
{
	check_balance(f);
	stage_free(f->stage);
	pool_free(f->pool);
	free(f);
}

static void frame_fill(uint8_t *bytes, uint64_t number)
{
	struct rng rng = { number };

	memcpy(bytes, &number, 8);
	for (int i = 8; i < FRAME_BYTES; i++)
		bytes[i] = (uint8_t)rng_next(&rng);
}

static void take_burst(struct fixture *f)
{
	assert_true(f->b.n <= BURST_MAX);
	for (uint32_t i = 0; i < f->b.n; i++) {
		const struct frame *frame = &f->b.frame[i];
		struct seen *seen = &f->seen[f->n++];

		assert_int_equal(frame->len, FRAME_BYTES);
		memcpy(&seen->number, frame->data, 8);
		memcpy(seen->bytes, frame->data, FRAME_BYTES);
		seen->time_ns = frame->time_ns;
		seen->data = frame->data;
	}
	pool_release(f->pool);
	f->rounds++;
}

/* A breath with n frames that arrive; 0 is a tick. */
static void breathe(struct fixture *f, uint32_t n)
{
	uint8_t *memory[BURST_MAX];
	bool more = true;

	memset(&f->b, 0, sizeof(f->b));
	for (uint32_t i = 0; i < n; i++) {
		memory[i] = malloc(FRAME_BYTES);
		frame_fill(memory[i], f->next);
		f->b.frame[i].data = memory[i];
		f->b.frame[i].len = FRAME_BYTES;
		f->b.frame[i].time_ns = TIME_NS(f->next++);
	}
	f->b.n = n;
	for (f->rounds = 0; more; f->b.n = 0) {
		more = stage_push(f->stage, &f->b, &f->s, f->now_ns);
		take_burst(f);
	}
	for (uint32_t i = 0; i < n; i++)
		free(memory[i]);
}

static void feed(struct fixture *f, uint32_t n, uint32_t burst)
{
	for (; n > burst; n -= burst)
		breathe(f, burst);
	breathe(f, n);
}

static void flush(struct fixture *f)
{
	bool more = true;

	while (more) {
		f->b.n = 0;
		more = f->stage->ops->flush(f->stage, &f->b, &f->s);
		take_burst(f);
	}
	assert_int_equal(f->s.held_frames, 0);
	assert_int_equal(pool_used_bytes(f->pool), 0);
}

static uint64_t count_of(const struct fixture *f, const char *name)
{
	struct stage_count c;

	for (size_t i = 0; f->stage->ops->count(f->stage, i, &c); i++)
		if (!strcmp(c.name, name))
			return c.value;
	fail_msg("no count %s", name);
	return 0;
}

/* How many bits of a frame are not as they were. */
static uint32_t flipped(const struct seen *seen, uint64_t number)
{
	uint8_t was[FRAME_BYTES];
	uint32_t n = 0;

	frame_fill(was, number);
	for (int i = 0; i < FRAME_BYTES; i++)
		n += (uint32_t)__builtin_popcount(was[i] ^ seen->bytes[i]);
	return n;
}

static void assert_near(double got, double mean, double deviation)
{
	if (fabs(got - mean) > 6 * deviation)
		fail_msg("%g is not %g within 6 * %g", got, mean, deviation);
}

static void assert_binomial(uint64_t got, double n, double p)
{
	assert_near((double)got, n * p, sqrt(n * p * (1 - p)));
}

static struct impair_params everything(void)
{
	return (struct impair_params){
		.loss_model = IMPAIR_LOSS_RANDOM, .loss = 0.05,
		.duplicate = 0.1, .corrupt = 0.05, .bit_errors = 1e-4,
		.reorder = 0.2, .reorder_gap = 3, .seed = 7,
	};
}

/* ---- repeats ---- */

static bool same(const struct fixture *a, const struct fixture *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (memcmp(a->seen[i].bytes, b->seen[i].bytes, FRAME_BYTES))
			return false;
	return true;
}

static void check_repeats(struct impair_params p)
{
	static const uint32_t bursts[] = { 1, 7, 63, 256 };
	struct fixture *first = start(&p), *f;

	feed(first, 20000, 64);
	flush(first);
	for (size_t i = 0; i < ARRAY_SIZE(bursts); i++) {
		f = start(&p);
		feed(f, 20000, bursts[i]);
		flush(f);
		assert_true(same(first, f));
		end(f);
	}
	p.seed++;
	f = start(&p);
	feed(f, 20000, 64);
	flush(f);
	assert_false(same(first, f));
	end(f);
	end(first);
}

static void test_repeats(void **state)
{
	struct impair_params p = everything();

	(void)state;
	check_repeats(p);
	p.loss_model = IMPAIR_LOSS_GEMODEL;
	p.to_bad = 0.01;
	p.to_good = 0.2;
	p.bad_loss = 0.9;
	p.good_loss = 0.001;
	check_repeats(p);
}

/* What one does is the same whether another is on or not. */
static void test_independent(void **state)
{
	struct impair_params p = everything(), q;
	struct fixture *with, *without;
	uint32_t k = 0, i;

	(void)state;
	p.reorder = 0;
	q = p;
	q.loss_model = IMPAIR_LOSS_NONE;
	with = start(&p);
	without = start(&q);
	feed(with, 20000, 64);
	feed(without, 20000, 64);
	assert_in_range(with->n, 20000, without->n - 500);
	/* In order, with some taken out; a copy goes with its frame. */
	for (i = 0; i < with->n; i++, k++)
		while (memcmp(with->seen[i].bytes, without->seen[k].bytes,
			      FRAME_BYTES))
			assert_true(++k < without->n);
	end(with);
	end(without);
}

/* Each has its seed, and another one does something else. */
static void test_seeds(void **state)
{
	static const struct impair_params one[] = {
		{ .loss_model = IMPAIR_LOSS_RANDOM, .loss = 0.1 },
		{ .loss_model = IMPAIR_LOSS_GEMODEL, .to_bad = 0.1,
		  .to_good = 0.5, .bad_loss = 1 },
		{ .loss_model = IMPAIR_LOSS_GEMODEL, .bad_loss = 1,
		  .good_loss = 0.1 },
		{ .corrupt = 0.1 }, { .corrupt = 1 }, { .bit_errors = 1e-4 },
		{ .duplicate = 0.1 }, { .reorder = 0.1 },
	};
	struct fixture *f[3];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(one); i++) {
		for (uint64_t k = 0; k < 3; k++) {
			struct impair_params p = one[i];

			p.seed = k ? 2 : 1;
			f[k] = start(&p);
			feed(f[k], 2000, 64);
			flush(f[k]);
		}
		assert_false(same(f[0], f[1]));
		assert_true(same(f[1], f[2]));
		for (int k = 0; k < 3; k++)
			end(f[k]);
	}
}

/* ---- shares ---- */

static void check_share(double share)
{
	struct impair_params p = { .loss_model = IMPAIR_LOSS_RANDOM,
				   .loss = share, .seed = 11 };
	struct fixture *f = start(&p);

	feed(f, MANY, 64);
	assert_binomial(count_of(f, "lost"), MANY, share);
	assert_int_equal(f->s.dropped_frames[REASON_IMPAIRED],
			 count_of(f, "lost"));
	end(f);
	p = (struct impair_params){ .duplicate = share, .corrupt = share,
				    .seed = 12 };
	f = start(&p);
	feed(f, MANY, 64);
	assert_binomial(count_of(f, "duplicated"), MANY, share);
	assert_int_equal(f->s.duplicated_frames, count_of(f, "duplicated"));
	assert_binomial(count_of(f, "corrupted"), MANY, share);
	end(f);
	if (share >= 1)
		return;
	p = (struct impair_params){ .reorder = share, .seed = 13 };
	f = start(&p);
	feed(f, MANY, 64);
	breathe(f, 0);
	assert_binomial(count_of(f, "reordered") + f->s.held_frames, MANY,
			share);
	flush(f);
	end(f);
}

static void test_shares(void **state)
{
	/* Of 0 and 1 the deviation is 0. */
	static const double shares[] = { 0, 1e-30, 1e-6, 0.001, 0.1,
					 0.5, 0.9, 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shares); i++)
		check_share(shares[i]);
}

/* ---- models of loss ---- */

/* Frames lost, and in how many bursts. */
static void losses(const struct fixture *f, uint64_t *lost, uint64_t *bursts)
{
	uint64_t expected = 0;

	*lost = *bursts = 0;
	for (uint32_t i = 0; i < f->n; expected = f->seen[i++].number + 1) {
		*lost += f->seen[i].number - expected;
		*bursts += f->seen[i].number != expected;
	}
}

static struct fixture *lose(const char *text)
{
	struct impair_params p = { .seed = 3 };
	struct fixture *f;

	assert_int_equal(impair_parse_loss(text, &p), 0);
	f = start(&p);
	feed(f, MANY, 64);
	return f;
}

static void test_gemodel(void **state)
{
	uint64_t lost, bursts;
	struct fixture *f;

	(void)state;
	/* Simple Gilbert: of mean length 1/r, and one in 1/p + 1/r frames. */
	f = lose("gemodel 1% 20%");
	losses(f, &lost, &bursts);
	assert_near((double)bursts, MANY / 105.0, 31);
	assert_near((double)lost / (double)bursts, 5, 0.15);
	end(f);
	/* Gilbert-Elliot: what is lost in each state. */
	f = lose("gemodel 1% 4% 50% 5%");
	losses(f, &lost, &bursts);
	assert_near((double)lost / MANY, 0.2 * 0.5 + 0.8 * 0.05, 0.005);
	end(f);
	/* p alone: independent, of a share of p. */
	f = lose("gemodel 10%");
	losses(f, &lost, &bursts);
	assert_binomial(lost, MANY, 0.1);
	assert_near((double)lost / (double)bursts, 1 / 0.9, 0.004);
	end(f);
	f = lose("gemodel 0% 100% 100% 0%");
	assert_int_equal(f->n, MANY);
	end(f);
	/* The first frame finds the good state. */
	f = lose("gemodel 100%");
	assert_int_equal(f->n, 1);
	end(f);
	/* Good and bad in turn. */
	f = lose("gemodel 100% 100%");
	assert_int_equal(f->n, MANY / 2);
	for (uint32_t i = 0; i < f->n; i++)
		assert_int_equal(f->seen[i].number, 2 * i);
	end(f);
}

static void check_pattern(const char *letters)
{
	char text[600];
	struct fixture *f;
	uint32_t k = 0;

	snprintf(text, sizeof(text), "pattern %s", letters);
	f = lose(text);
	for (uint32_t i = 0; i < MANY; i++)
		if (letters[i % strlen(letters)] == '0')
			assert_int_equal(f->seen[k++].number, i);
	assert_int_equal(f->n, k);
	end(f);
}

static void test_pattern(void **state)
{
	char longest[IMPAIR_PATTERN_MAX + 1];

	(void)state;
	check_pattern("00010");
	check_pattern("0");
	check_pattern("1");
	check_pattern("10");
	memset(longest, '0', IMPAIR_PATTERN_MAX);
	longest[IMPAIR_PATTERN_MAX] = '\0';
	longest[IMPAIR_PATTERN_MAX - 1] = '1';
	check_pattern(longest);
}

/* ---- corruption ---- */

static void test_one_bit(void **state)
{
	struct impair_params p = { .corrupt = 1, .seed = 5 };
	struct fixture *f = start(&p);
	uint32_t at[FRAME_BITS] = { 0 };
	uint8_t was[FRAME_BYTES];

	(void)state;
	feed(f, MANY, 64);
	assert_int_equal(f->n, MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		assert_int_equal(flipped(&f->seen[i], i), 1);
		frame_fill(was, i);
		for (uint32_t k = 0; k < FRAME_BITS; k++)
			at[k] += (was[k / 8] ^ f->seen[i].bytes[k / 8]) >>
					 (7 - k % 8) & 1;
	}
	for (uint32_t k = 0; k < FRAME_BITS; k++)
		assert_binomial(at[k], MANY, 1.0 / FRAME_BITS);
	assert_int_equal(count_of(f, "corrupted"), MANY);
	end(f);
	/* What is lost does not count. */
	p.loss_model = IMPAIR_LOSS_RANDOM;
	p.loss = 0.5;
	f = start(&p);
	feed(f, 1000, 64);
	assert_int_equal(count_of(f, "corrupted"), f->n);
	end(f);
}

static void check_bit_errors(double rate)
{
	struct impair_params p = { .bit_errors = rate, .seed = 6 };
	struct fixture *f = start(&p);
	uint64_t bits = 0, frames = 0;
	uint32_t n;

	feed(f, MANY, 64);
	for (uint32_t i = 0; i < MANY; i++) {
		n = flipped(&f->seen[i], i);
		bits += n;
		frames += n > 0;
	}
	assert_binomial(bits, (double)MANY * FRAME_BITS, rate);
	assert_binomial(frames, MANY, 1 - pow(1 - rate, FRAME_BITS));
	assert_int_equal(count_of(f, "corrupted"), frames);
	end(f);
}

static void test_bit_errors(void **state)
{
	(void)state;
	check_bit_errors(0);
	check_bit_errors(1e-15); /* hardly ever */
	check_bit_errors(1e-6);
	check_bit_errors(1e-3);
	check_bit_errors(0.5);
	check_bit_errors(1); /* all of them */
}

/* UDP in IPv4, whose checksum is the pseudo header's sum so far. */
static void frame_unfinished(struct frame *f, uint8_t *bytes)
{
	frame_fill(bytes, 1);
	*f = (struct frame){ .data = bytes, .len = FRAME_BYTES };
	f->vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	f->vnet.csum_start = 34;
	f->vnet.csum_offset = 6;
}

static void push_one(struct fixture *f, const struct frame *frame)
{
	f->b.n = 1;
	f->b.frame[0] = *frame;
	f->next++;
	assert_false(stage_push(f->stage, &f->b, &f->s, f->now_ns));
}

static void test_checksum_is_finished(void **state)
{
	static const struct impair_params one[] = {
		{ .corrupt = 1 }, { .bit_errors = 1 },
	};
	static const struct virtio_net_hdr none;
	uint8_t bytes[FRAME_BYTES], plain[FRAME_BYTES];
	struct frame frame, finished;
	uint32_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(one); i++) {
		struct fixture *f = start(&one[i]);

		frame_unfinished(&finished, plain);
		frame_finish_checksum(&finished);
		frame_unfinished(&frame, bytes);
		frame.vnet.flags |= VIRTIO_NET_HDR_F_DATA_VALID;
		push_one(f, &frame);
		n = 0;
		for (int k = 0; k < FRAME_BYTES; k++)
			n += (uint32_t)__builtin_popcount(plain[k] ^ bytes[k]);
		assert_int_equal(n, i ? FRAME_BITS : 1);
		assert_memory_equal(&f->b.frame[0].vnet, &none, sizeof(none));
		take_burst(f);
		end(f);
	}
}

/* One that is not corrupted keeps what was left undone, and a super-frame what
 * it is. */
static void test_others_are_left_alone(void **state)
{
	struct impair_params p = { .corrupt = 1, .bit_errors = 0.5 }, off = p;
	struct fixture *f = start(&p);
	uint8_t bytes[FRAME_BYTES], was[FRAME_BYTES];
	struct frame frame;

	(void)state;
	frame_fill(was, 1);
	frame_unfinished(&frame, bytes);
	frame.vnet.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
	push_one(f, &frame);
	assert_memory_equal(bytes, was, FRAME_BYTES);
	assert_memory_equal(&f->b.frame[0].vnet, &frame.vnet,
			    sizeof(frame.vnet));
	take_burst(f);
	end(f);

	off.corrupt = 1e-12;
	off.bit_errors = 1e-15;
	f = start(&off);
	frame_unfinished(&frame, bytes);
	push_one(f, &frame);
	assert_memory_equal(bytes, was, FRAME_BYTES);
	assert_int_equal(f->b.frame[0].vnet.flags, frame.vnet.flags);
	take_burst(f);
	end(f);
}

/* ---- duplication ---- */

static void test_duplicates_are_neighbours(void **state)
{
	struct impair_params p = { .duplicate = 1 };
	struct fixture *f = start(&p);

	(void)state;
	breathe(f, BURST_MAX); /* twice what there is room for */
	assert_int_equal(f->rounds, 2);
	breathe(f, BURST_MAX / 2);
	assert_int_equal(f->rounds, 1);
	feed(f, 1000, 64);
	assert_int_equal(f->n, 2 * f->next);
	for (uint32_t i = 0; i < f->n; i++)
		assert_int_equal(f->seen[i].number, i / 2);
	for (uint32_t i = 0; i < f->n; i += 2)
		assert_ptr_equal(f->seen[i].data, f->seen[i + 1].data);
	assert_int_equal(count_of(f, "duplicated"), f->next);
	end(f);
}

/* ---- reordering ---- */

/* Who comes behind one with a higher number has been held back: behind exactly
 * as many as the gap that were not, and with the time of the last of these. */
static void check_gap(uint32_t gap, double share)
{
	struct impair_params p = { .reorder = share, .reorder_gap = gap,
				   .seed = gap };
	struct fixture *f = start(&p);
	uint64_t passed_to[20000] = { 0 }, highest = 0, passed = 0, late = 0;
	const struct seen *before = NULL;
	uint32_t live;

	feed(f, ARRAY_SIZE(passed_to), 64);
	live = f->n;
	for (uint32_t i = 0; i < live; i++) {
		const struct seen *seen = &f->seen[i];

		if (!before || seen->number > highest) {
			for (; highest < seen->number; highest++)
				passed_to[highest + 1] = passed;
			before = seen;
			passed++;
			continue;
		}
		late++;
		assert_int_equal(passed - passed_to[seen->number],
				 gap ? gap : 1);
		assert_int_equal(seen->time_ns, before->time_ns);
	}
	assert_int_equal(count_of(f, "reordered"), late);
	assert_true(late > 1000);
	flush(f);
	end(f);
}

static void test_gap(void **state)
{
	(void)state;
	check_gap(0, 0.1);
	check_gap(1, 0.25);
	check_gap(3, 0.5);
	check_gap(100, 0.9);
	check_gap(IMPAIR_GAP_MAX, 0.5);
}

static uint64_t due_ns(const struct fixture *f)
{
	return f->stage->ops->due_ns(f->stage);
}

/* Nobody comes behind it: it has waited long enough some time. */
static void test_waits_no_longer(void **state)
{
	struct impair_params p = { .reorder = 1, .reorder_gap = 2 };
	struct fixture *f = start(&p);

	(void)state;
	assert_int_equal(due_ns(f), STAGE_NEVER);
	breathe(f, 1);
	f->now_ns += 5;
	breathe(f, 2);
	assert_int_equal(f->n, 0);
	assert_int_equal(f->s.held_frames, 3);
	assert_int_equal(due_ns(f), NOW_NS + IMPAIR_WAIT_NS);
	f->now_ns = NOW_NS + IMPAIR_WAIT_NS - 1;
	breathe(f, 0);
	assert_int_equal(f->n, 0);
	f->now_ns++;
	breathe(f, 0);
	assert_int_equal(f->n, 1);
	assert_int_equal(due_ns(f), NOW_NS + IMPAIR_WAIT_NS + 5);
	f->now_ns += 5;
	breathe(f, 0);
	assert_int_equal(f->n, 3);
	assert_int_equal(due_ns(f), STAGE_NEVER);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(f->seen[i].number, i);
		assert_int_equal(f->seen[i].time_ns,
				 TIME_NS(i) + IMPAIR_WAIT_NS);
	}
	assert_int_equal(f->s.held_frames, 0);
	/* No one has overtaken them. */
	assert_int_equal(count_of(f, "reordered"), 0);
	end(f);
}

/* A lane that was late does what it would have done in time. */
static void test_late_breaths(void **state)
{
	struct impair_params p = { .reorder = 0.3, .reorder_gap = 2 };
	struct fixture *late = start(&p), *f = start(&p);

	(void)state;
	for (int i = 0; i < 100; i++) {
		breathe(late, 64);
		late->now_ns += NS_PER_SEC;
	}
	feed(f, 6400, 64);
	flush(late);
	flush(f);
	assert_true(same(late, f));
	end(late);
	end(f);
}

static void test_flush_in_order(void **state)
{
	struct impair_params p = { .reorder = 1, .reorder_gap = 1000 };
	struct fixture *f = start(&p);

	(void)state;
	feed(f, 700, 64);
	assert_int_equal(f->s.held_frames, 700);
	f->rounds = 0;
	flush(f);
	assert_int_equal(f->rounds, 3);
	for (uint32_t i = 0; i < 700; i++)
		assert_int_equal(f->seen[i].number, i);
	assert_int_equal(due_ns(f), STAGE_NEVER);
	/* And it goes on as before. */
	feed(f, 3, 64);
	f->now_ns += IMPAIR_WAIT_NS;
	breathe(f, 0);
	assert_int_equal(f->n, 703);
	end(f);
}

/* All that were held back are due at a time, more than a burst has room for. */
static void test_many_due(void **state)
{
	struct impair_params p = { .reorder = 1, .duplicate = 1,
				   .reorder_gap = 1000 };
	struct fixture *f = start(&p);

	(void)state;
	for (int i = 0; i < 3; i++)
		breathe(f, BURST_MAX);
	assert_int_equal(f->s.held_frames, 6 * BURST_MAX);
	f->now_ns += IMPAIR_WAIT_NS;
	breathe(f, BURST_MAX);
	assert_int_equal(f->n, 6 * BURST_MAX);
	for (uint32_t i = 0; i < f->n; i++)
		assert_int_equal(f->seen[i].number, i / 2);
	flush(f);
	end(f);
}

/* What finds no room is not held back, and never lost for that. */
static void test_no_room(void **state)
{
	struct impair_params p = { .reorder = 1, .reorder_gap = 1000 };
	struct fixture *f = start_with(&p, 1);
	uint64_t held;

	(void)state;
	feed(f, 900, 64);
	held = f->s.held_frames;
	assert_in_range(held, 10, 800);
	assert_int_equal(f->n, 900 - held);
	assert_int_equal(f->seen[0].number, held);
	flush(f);
	assert_int_equal(f->n, 900);
	end(f);
}

/* Each frame comes out as often as it should, whatever happens to it. */
static void test_nothing_is_missing(void **state)
{
	struct impair_params p = { .duplicate = 1, .reorder = 0.5,
				   .reorder_gap = 300 };
	struct fixture *f = start(&p);
	uint8_t times[20000] = { 0 };

	(void)state;
	feed(f, ARRAY_SIZE(times), BURST_MAX);
	flush(f);
	for (uint32_t i = 0; i < f->n; i++) {
		assert_int_equal(flipped(&f->seen[i], f->seen[i].number), 0);
		times[f->seen[i].number]++;
	}
	for (uint32_t i = 0; i < ARRAY_SIZE(times); i++)
		assert_int_equal(times[i], 2);
	end(f);
}

/* The pool owns what comes, and somebody behind keeps all of it. */
static void test_frames_of_the_pool(void **state)
{
	struct impair_params p = { .duplicate = 0.5, .reorder = 0.5 };
	struct fixture *f = start(&p);
	uint8_t bytes[FRAME_BYTES];
	struct held *held, *kept[BURST_MAX];
	struct frame frame = { .data = bytes, .len = FRAME_BYTES };
	uint64_t number;
	uint32_t n;

	(void)state;
	for (int round = 0; round < 100; round++) {
		for (f->b.n = 0; f->b.n < 64; f->b.n++) {
			frame_fill(bytes, f->next++);
			held = pool_keep(f->pool, &frame);
			pool_lend(f->pool, held, &f->b.frame[f->b.n]);
		}
		assert_false(stage_push(f->stage, &f->b, &f->s, f->now_ns));
		n = f->b.n;
		for (uint32_t i = 0; i < n; i++)
			kept[i] = pool_keep(f->pool, &f->b.frame[i]);
		pool_release(f->pool);
		for (uint32_t i = 0; i < n; i++) {
			memcpy(&number, kept[i]->frame.data, 8);
			frame_fill(bytes, number);
			assert_memory_equal(kept[i]->frame.data, bytes,
					    FRAME_BYTES);
			pool_drop(f->pool, kept[i]);
		}
		f->n += n;
	}
	flush(f);
	end(f);
}

static void test_counts(void **state)
{
	static const char *const names[] = { "lost", "duplicated", "corrupted",
					     "reordered" };
	struct impair_params p = everything();
	struct fixture *f = start(&p);
	struct stage_count c;

	(void)state;
	feed(f, 1000, 64);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_true(count_of(f, names[i]) > 10);
	f->stage->ops->reset(f->stage);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_true(f->stage->ops->count(f->stage, i, &c));
		assert_string_equal(c.name, names[i]);
		assert_int_equal(c.value, 0);
	}
	assert_false(f->stage->ops->count(f->stage, 4, &c));
	flush(f);
	end(f);
}

/* ---- what people type ---- */

static void check_refused(int (*parse)(const char *text, void *params),
			  const char *const *text, size_t n)
{
	struct impair_params p, was;

	memset(&p, 0xa5, sizeof(p));
	was = p;
	for (size_t i = 0; i < n; i++) {
		if (parse(text[i], &p) != -EINVAL)
			fail_msg("'%s' is not refused", text[i]);
		assert_memory_equal(&p, &was, sizeof(p));
	}
}

static void test_parse_shares(void **state)
{
	static const struct {
		const char *text;
		double share;
	} good[] = {
		{ "0", 0 }, { "0%", 0 }, { "1%", 0.01 }, { "0.0001%", 1e-6 },
		{ "100%", 1 }, { "100.0%", 1 }, { ".5%", 0.005 },
		{ " 25% ", 0.25 },
	};
	static const char *const bad[] = {
		"", " ", "1", "0.5", "101%", "100.0001%", "-1%", "+1%", "-0",
		"%", "1 %", "1%%", "1% 2%", "1%x", "nan", "nan%", "inf%",
		"1e-6", "1e-6%", "1e400", "0x1%", "1,5%", "gemodel", "yes",
		"pattern", "1..2%", "1pct",
	};
	static int (*const parse[])(const char *, void *) = {
		impair_parse_loss, impair_parse_duplicate,
		impair_parse_corrupt, impair_parse_reorder,
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(parse); k++) {
		for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
			struct impair_params p = { 0 };
			const double *share[] = { &p.loss, &p.duplicate,
						  &p.corrupt, &p.reorder };

			assert_int_equal(parse[k](good[i].text, &p), 0);
			assert_near(*share[k], good[i].share, 1e-15);
		}
		check_refused(parse[k], bad, ARRAY_SIZE(bad));
	}
}

static void test_parse_loss(void **state)
{
	static const struct {
		const char *text;
		double value[4];
	} good[] = {
		{ "gemodel 1%", { 0.01, 0.99, 1, 0 } },
		{ "gemodel 1% 20%", { 0.01, 0.2, 1, 0 } },
		{ "gemodel 1% 20% 80%", { 0.01, 0.2, 0.8, 0 } },
		{ "gemodel  1%\t20% 80% 0.1% ", { 0.01, 0.2, 0.8, 0.001 } },
		{ "gemodel 0 0 0 0", { 0, 0, 0, 0 } },
	};
	static const char *const bad[] = {
		"gemodel 1", "gemodel 101%", "gemodel 1% 2% 3% 4% 5%",
		"gemodel 1% x", "gemodel 1% -2%", "gemodel1%", "Gemodel 1%",
		"1% gemodel", "pattern ", "pattern 012", "pattern 00 10",
		"pattern 0%", "pattern -1", "00010", "random", "state 1%",
		"none",
	};
	char text[1000] = "pattern ";
	struct impair_params p = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(impair_parse_loss(good[i].text, &p), 0);
		assert_int_equal(p.loss_model, IMPAIR_LOSS_GEMODEL);
		assert_near(p.to_bad, good[i].value[0], 1e-15);
		assert_near(p.to_good, good[i].value[1], 1e-15);
		assert_near(p.bad_loss, good[i].value[2], 1e-15);
		assert_near(p.good_loss, good[i].value[3], 1e-15);
	}
	check_refused(impair_parse_loss, bad, ARRAY_SIZE(bad));
	memset(text + 8, '1', IMPAIR_PATTERN_MAX);
	assert_int_equal(impair_parse_loss(text, &p), 0);
	assert_int_equal(p.loss_model, IMPAIR_LOSS_PATTERN);
	assert_int_equal(strlen(p.pattern), IMPAIR_PATTERN_MAX);
	text[8 + IMPAIR_PATTERN_MAX] = '1';
	check_refused(impair_parse_loss, (const char *[]){ text }, 1);
	assert_int_equal(impair_parse_loss("0%", &p), 0);
	assert_int_equal(p.loss_model, IMPAIR_LOSS_NONE);
}

static void test_parse_bit_errors(void **state)
{
	static const struct {
		const char *text;
		double share;
	} good[] = {
		{ "0", 0 }, { "0.0", 0 }, { "0e5", 0 }, { "1", 1 },
		{ "1e-6", 1e-6 }, { "1E-6", 1e-6 }, { "2.5e-7", 2.5e-7 },
		{ "0.000001", 1e-6 }, { ".5", 0.5 }, { "1e-15", 1e-15 },
		{ "1e+0", 1 }, { " 1e-6 ", 1e-6 },
	};
	static const char *const bad[] = {
		"", " ", "1e-16", "1e-400", "1e400", "1.1", "2", "-1e-6",
		"+1e-6", "nan", "inf", "0x1p-3", "1e", "1e-", "e-6", "1%",
		"1e-6%", "1e-6 1", "1 e-6", ".", "1-6", "1,5", "1e-6x", "1e-6e",
		"gemodel",
	};
	struct impair_params p = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(impair_parse_bit_errors(good[i].text, &p), 0);
		assert_true(fabs(p.bit_errors - good[i].share) <=
			    good[i].share * 1e-12);
	}
	check_refused(impair_parse_bit_errors, bad, ARRAY_SIZE(bad));
}

static void test_parse_gap(void **state)
{
	static const char *const bad[] = {
		"25% 0", "25% 1001", "25% -1", "25% 1.5", "25% x", "25% 5%",
		"25% 1 2", "25% 99999999999999999999", "5 25%", "25% +1",
	};
	struct impair_params p = { 0 };

	(void)state;
	assert_int_equal(impair_parse_reorder("25%", &p), 0);
	assert_int_equal(p.reorder_gap, 1);
	assert_int_equal(impair_parse_reorder("25% 5", &p), 0);
	assert_int_equal(p.reorder_gap, 5);
	assert_int_equal(impair_parse_reorder("100% 1000", &p), 0);
	assert_int_equal(p.reorder_gap, 1000);
	check_refused(impair_parse_reorder, bad, ARRAY_SIZE(bad));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_independent),
		cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_gemodel),
		cmocka_unit_test(test_pattern),
		cmocka_unit_test(test_one_bit),
		cmocka_unit_test(test_bit_errors),
		cmocka_unit_test(test_checksum_is_finished),
		cmocka_unit_test(test_others_are_left_alone),
		cmocka_unit_test(test_duplicates_are_neighbours),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_waits_no_longer),
		cmocka_unit_test(test_late_breaths),
		cmocka_unit_test(test_flush_in_order),
		cmocka_unit_test(test_many_due),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_nothing_is_missing),
		cmocka_unit_test(test_frames_of_the_pool),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_parse_shares),
		cmocka_unit_test(test_parse_loss),
		cmocka_unit_test(test_parse_bit_errors),
		cmocka_unit_test(test_parse_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
