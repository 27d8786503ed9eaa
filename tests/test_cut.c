/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cut.c: super-frames of a burst become the frames that they stand for, in
 * their places and complete, however many there are; each is counted, and the
 * others pass as they came.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "clock.h"
#include "cut.h"
#include "super_frames.h"

#define SEED UINT64_C(0x637574)
#define ROUNDS 60
#define BENCH_ROUNDS 2000

static const char *const words[] = {
	"eth ip4 tcp",
	"eth ip6 udp",
	"eth vlan ip4 udp vxlan eth ip4 tcp",
	"eth ip6 udpc geno ip6 tcpo",
	"eth ip4 grek ip4 udp",
	"eth ip4 grekcs ip4 tcp",
};

#define CARRIED 2 /* so many can go on as they are */
#define UNCUTTABLE 5

struct rig {
	struct stage *stage;
	struct lane_stats s;
	struct burst b;
	struct super super[BURST_MAX];
	size_t word[BURST_MAX];
	uint32_t n;
};

static struct rig *rig_new(enum cut_what what)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	assert_int_equal(cut_new(&rig->stage, what), 0);
	assert_string_equal(rig->stage->ops->name,
			    what == CUT_ALL ? "cut" : "cut_rest");
	return rig;
}

static void rig_clear(struct rig *rig)
{
	for (uint32_t i = 0; i < rig->n; i++)
		super_free(&rig->super[i]);
	rig->n = 0;
}

static void rig_free(struct rig *rig)
{
	rig_clear(rig);
	stage_free(rig->stage);
	free(rig);
}

/* One frame more in the burst; a plain one if `super` is false. */
static void rig_add(struct rig *rig, size_t word, bool super, uint32_t bytes,
		    uint16_t gso_size, struct rng *rng)
{
	struct super *s = &rig->super[rig->n];

	super_make(s, words[word], bytes, gso_size, rng);
	if (!super)
		memset(&s->f.vnet, 0, sizeof(s->f.vnet));
	s->f.egress = (uint8_t)rng_below(rng, 2);
	s->f.time_ns = rng_next(rng);
	rig->word[rig->n++] = word;
}

static uint64_t count(const struct rig *rig, const char *name)
{
	struct stage_count c;

	for (size_t i = 0; rig->stage->ops->count(rig->stage, i, &c); i++)
		if (!strcmp(c.name, name))
			return c.value;
	fail_msg("no count %s", name);
	return 0;
}

/* ---- the judge of a burst ---- */

struct judge {
	const struct rig *rig;
	enum cut_what what;
	uint32_t at;    /* the frame whose turn it is */
	uint32_t i;     /* segments of it so far */
	uint32_t bytes; /* of payload in them */
	uint64_t seen;
	uint64_t split;
	uint64_t dropped;
};

static bool is_super(const struct super *s)
{
	return frame_is_super(&s->f);
}

/* Past those that can only be dropped. */
static void judge_skip(struct judge *j)
{
	while (j->at < j->rig->n && is_super(&j->rig->super[j->at]) &&
	       j->rig->word[j->at] == UNCUTTABLE) {
		j->dropped++;
		j->at++;
	}
}

static void assert_plain(const struct frame *f)
{
	static const struct virtio_net_hdr none;

	assert_memory_equal(&f->vnet, &none, sizeof(none));
	assert_null(f->held);
}

/* As push_tag() and stages behind do. */
static void scribble(struct frame *f)
{
	memset(f->data - FRAME_HEADROOM, 0x5a, FRAME_HEADROOM);
}

static void judge_frame(struct judge *j, struct frame *f)
{
	const struct super *s;
	uint32_t n;

	judge_skip(j);
	assert_true(j->at < j->rig->n);
	s = &j->rig->super[j->at];
	j->seen++;
	assert_int_equal(f->egress, s->f.egress);
	assert_int_equal(f->time_ns, s->f.time_ns);
	if (!is_super(s) ||
	    (j->what == CUT_UNCARRIED && j->rig->word[j->at] < CARRIED)) {
		assert_ptr_equal(f->data, s->f.data);
		assert_memory_equal(&f->vnet, &s->f.vnet, sizeof(f->vnet));
		j->at++;
		return;
	}
	assert_plain(f);
	n = s->f.len - s->payload_at;
	n = n / s->f.vnet.gso_size + (n % s->f.vnet.gso_size != 0);
	j->bytes += super_judge(s, f->data, f->len, j->i, n, j->bytes);
	j->split += j->i > 0;
	if (++j->i >= n) {
		j->i = j->bytes = 0;
		j->at++;
	}
}

/* Through the stage as a lane does it. Returns how often it was pushed. */
static uint32_t pass(struct rig *rig, enum cut_what what)
{
	struct judge j = { .rig = rig, .what = what };
	struct lane_stats before = rig->s;
	struct burst *b = &rig->b;
	uint32_t pushes = 0;
	bool more = true;

	b->n = rig->n;
	for (uint32_t i = 0; i < rig->n; i++)
		b->frame[i] = rig->super[i].f;
	while (more) {
		more = stage_push(rig->stage, b, &rig->s, 0);
		assert_true(b->n <= BURST_MAX);
		for (uint32_t i = 0; i < b->n; i++)
			judge_frame(&j, &b->frame[i]);
		for (uint32_t i = 0; i < b->n; i++)
			scribble(&b->frame[i]);
		b->n = 0;
		pushes++;
		assert_true(pushes < 100000);
	}
	judge_skip(&j);
	assert_int_equal(j.at, rig->n);
	assert_int_equal(rig->s.split_frames - before.split_frames, j.split);
	assert_int_equal(rig->s.dropped_frames[REASON_UNSEGMENTABLE] -
				 before.dropped_frames[REASON_UNSEGMENTABLE],
			 j.dropped);
	/* What came and what was added is what went. */
	assert_int_equal(rig->n + j.split, j.seen + j.dropped);
	return pushes;
}

static void mixed(enum cut_what what)
{
	struct rig *rig = rig_new(what);
	struct rng rng = { SEED };

	for (int r = 0; r < ROUNDS; r++) {
		for (uint64_t n = rng_below(&rng, BURST_RX + 1); n; n--)
			rig_add(rig, rng_below(&rng, ARRAY_SIZE(words)),
				rng_below(&rng, 3),
				1 + (uint32_t)rng_below(&rng, 2 << r % 16),
				(uint16_t)(8 + rng_below(&rng, 3000)), &rng);
		pass(rig, what);
		rig_clear(rig);
	}
	assert_int_equal(count(rig, "segments") - count(rig, "super_frames"),
			 rig->s.split_frames);
	assert_true(count(rig, "super_frames") > 0);
	rig->stage->ops->reset(rig->stage);
	assert_int_equal(count(rig, "segments"), 0);
	assert_int_equal(count(rig, "super_frames"), 0);
	rig_free(rig);
}

static void test_all(void **state)
{
	(void)state;
	mixed(CUT_ALL);
}

static void test_uncarried(void **state)
{
	(void)state;
	mixed(CUT_UNCARRIED);
}

/* A burst of the largest, cut finest, between two that pass. */
static void test_many(void **state)
{
	struct rig *rig = rig_new(CUT_ALL);
	struct rng rng = { SEED };

	(void)state;
	rig_add(rig, 0, false, 50, 100, &rng);
	for (int i = 0; i < BURST_RX - 2; i++)
		rig_add(rig, 0, true, 65000, 50, &rng);
	rig_add(rig, 0, false, 50, 100, &rng);
	assert_int_equal(pass(rig, CUT_ALL), (62 * 1300 + 2 + 255) / 256);
	rig_free(rig);
}

/* Segments so long that bytes run out before places do. */
static void test_long(void **state)
{
	struct rig *rig = rig_new(CUT_ALL);
	struct rng rng = { SEED };

	(void)state;
	for (int i = 0; i < BURST_RX; i++)
		rig_add(rig, (size_t)i % 5, true, 65400, 30000 + i * 550, &rng);
	assert_true(pass(rig, CUT_ALL) > 5);
	rig_free(rig);
}

/* A full burst with one to cut at its end. */
static void test_full(void **state)
{
	struct rig *rig = rig_new(CUT_ALL);
	struct rng rng = { SEED };

	(void)state;
	for (int i = 0; i < BURST_MAX - 1; i++)
		rig_add(rig, 0, false, 50, 100, &rng);
	rig_add(rig, 0, true, 3000, 1000, &rng);
	assert_int_equal(pass(rig, CUT_ALL), 2);
	rig_free(rig);
}

/* Without a super-frame nothing is touched, and nothing was remembered. */
static void test_none(void **state)
{
	struct rig *rig = rig_new(CUT_ALL);
	struct rng rng = { SEED };

	(void)state;
	assert_int_equal(pass(rig, CUT_ALL), 1);
	for (int i = 0; i < BURST_RX; i++)
		rig_add(rig, 0, false, 50, 100, &rng);
	assert_int_equal(pass(rig, CUT_ALL), 1);
	assert_int_equal(count(rig, "super_frames"), 0);
	rig_free(rig);
}

/* ---- what it costs: printed, not judged ---- */

/* Of this thread, for the machine may have more to do. */
static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static void time_burst(struct rig *rig, const char *what)
{
	uint64_t start_ns, segments = 0, bytes = 0, ns;
	struct burst *b = &rig->b;
	bool more;

	start_ns = cpu_ns();
	for (int r = 0; r < BENCH_ROUNDS; r++) {
		b->n = rig->n;
		for (uint32_t i = 0; i < rig->n; i++)
			b->frame[i] = rig->super[i].f;
		do {
			more = stage_push(rig->stage, b, &rig->s, 0);
			for (uint32_t i = 0; i < b->n; i++)
				bytes += b->frame[i].len;
			segments += b->n;
			b->n = 0;
		} while (more);
	}
	ns = cpu_ns() - start_ns;
	print_message("%s: %.1f ns a frame, %.1f Gbit/s\n", what,
		      (double)ns / (double)segments,
		      8.0 * (double)bytes / (double)ns);
}

static void test_cost(void **state)
{
	struct rig *rig = rig_new(CUT_ALL);
	struct rng rng = { SEED };

	(void)state;
	for (int i = 0; i < 4; i++)
		rig_add(rig, 0, true, 64240, 1460, &rng);
	time_burst(rig, "TCP segments of 1514 bytes");
	rig_clear(rig);
	for (int i = 0; i < 4; i++)
		rig_add(rig, 2, true, 60900, 1406, &rng);
	time_burst(rig, "TCP segments of 1514 bytes in VXLAN");
	rig_clear(rig);
	for (int i = 0; i < BURST_RX; i++)
		rig_add(rig, 0, false, 50, 100, &rng);
	time_burst(rig, "plain frames");
	rig_free(rig);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_uncarried),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_cost),
	};

	return cmocka_run_group_tests_name("cut", tests, NULL, NULL);
}
