/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lane whose stages hold frames, or make more of them than fit into a burst:
 * what leaves when, in which order, and what becomes of it all at the end.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "lane.h"
#include "port_mem.h"

#define POOL_BYTES (1 << 20)
#define PATIENCE_NS (20 * NS_PER_SEC)
#define FRAME_BYTES 60
#define COPIES 700 /* of each frame: more than two bursts */

/* ---- two stages ---- */

/* Keeps every frame for so long. */
struct keeper {
	struct stage stage;
	struct pool *pool;
	uint64_t hold_ns;
	struct held_queue queue;
};

static struct keeper *keeper_of(const struct stage *stage)
{
	return container_of((struct stage *)stage, struct keeper, stage);
}

/* What is due, as far as it fits; true: there is more. */
static bool give(struct keeper *k, struct burst *b, struct lane_stats *s,
		 uint64_t now_ns)
{
	while (k->queue.first && k->queue.first->mine.due_ns <= now_ns) {
		if (b->n == BURST_MAX)
			return true;
		pool_lend(k->pool, held_queue_pop(&k->queue),
			  &b->frame[b->n++]);
		stats_unhold(s, 1);
	}
	return false;
}

static bool keeper_push(struct stage *stage, struct burst *b,
			struct lane_stats *s, uint64_t now_ns)
{
	struct keeper *k = keeper_of(stage);

	for (uint32_t i = 0; i < b->n; i++) {
		struct held *held = pool_keep(k->pool, &b->frame[i]);

		if (!held) {
			stats_drop(s, REASON_QUEUE_FULL, 1);
			continue;
		}
		held->mine.due_ns = now_ns + k->hold_ns;
		held_queue_push(&k->queue, held);
		stats_hold(s, 1);
	}
	b->n = 0;
	return give(k, b, s, now_ns);
}

static uint64_t keeper_due_ns(const struct stage *stage)
{
	const struct keeper *k = keeper_of(stage);

	return k->queue.first ? k->queue.first->mine.due_ns : STAGE_NEVER;
}

static bool keeper_flush(struct stage *stage, struct burst *b,
			 struct lane_stats *s)
{
	return give(keeper_of(stage), b, s, UINT64_MAX);
}

static const struct stage_ops keeper_ops = {
	.name = "keeper",
	.push = keeper_push,
	.due_ns = keeper_due_ns,
	.flush = keeper_flush,
};

/* Makes COPIES of each frame, which do not fit into one burst. */
struct copier {
	struct stage stage;
	struct burst came;
	uint32_t at, copies;
};

static bool copier_push(struct stage *stage, struct burst *b,
			struct lane_stats *s, uint64_t now_ns)
{
	struct copier *c = container_of(stage, struct copier, stage);

	(void)now_ns;
	if (b->n) {
		c->came = *b;
		c->at = c->copies = 0;
	}
	b->n = 0;
	while (c->at < c->came.n) {
		if (b->n == BURST_MAX)
			return true;
		b->frame[b->n++] = c->came.frame[c->at];
		if (c->copies)
			counter_add(&s->duplicated_frames, 1);
		if (++c->copies < COPIES)
			continue;
		c->copies = 0;
		c->at++;
	}
	return false;
}

static const struct stage_ops copier_ops = {
	.name = "copier",
	.push = copier_push,
};

/* ---- a lane ---- */

struct fixture {
	struct lane lane;
	struct port *rx, *tx;
	struct keeper keeper[2];
	struct copier copier;
	uint32_t next; /* number of the next frame */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || lane_init(&f->lane, "a -> b") ||
	    pool_new(&f->lane.pool, POOL_BYTES))
		return -1;
	f->lane.rx = f->rx = port_mem_new("a");
	f->lane.tx = f->tx = port_mem_new("b");
	for (size_t i = 0; i < ARRAY_SIZE(f->keeper); i++) {
		f->keeper[i].stage.ops = &keeper_ops;
		f->keeper[i].pool = f->lane.pool;
	}
	f->copier.stage.ops = &copier_ops;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct lane_stats *s = &f->lane.stats;
	uint64_t violations, used;

	lane_stop(&f->lane);
	lane_flush(&f->lane, f->lane.stages, LANE_FLUSH_ALL);
	violations = port_mem_calls(f->rx).violations + s->held_frames +
		     (uint64_t)(stats_unaccounted(s) != 0);
	used = pool_used_bytes(f->lane.pool);
	pool_free(f->lane.pool);
	lane_fini(&f->lane);
	port_close(f->rx);
	port_close(f->tx);
	free(f);
	return violations || used ? -1 : 0;
}

static void add_stage(struct fixture *f, struct stage *stage)
{
	struct stage **last = &f->lane.stages;

	while (*last)
		last = &(*last)->next;
	*last = stage;
}

static void offer(struct fixture *f, uint32_t n)
{
	uint8_t data[FRAME_BYTES] = { [12] = 0x08 };

	while (n--) {
		memcpy(data + 16, &f->next, sizeof(f->next));
		f->next++;
		assert_true(port_mem_offer(f->rx, data, sizeof(data), NULL));
	}
}

static uint32_t sent_number(const struct fixture *f, uint64_t i)
{
	uint32_t number;

	memcpy(&number, port_mem_sent_frame(f->tx, i)->data + 16,
	       sizeof(number));
	return number;
}

static void assert_sent(const struct fixture *f, uint32_t n)
{
	assert_int_equal(port_mem_sent(f->tx), n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(sent_number(f, i), i);
}

/* Wait until a thread's counter has come so far. */
static void await(const uint64_t *counter, uint64_t value)
{
	uint64_t until_ns = clock_now_ns() + PATIENCE_NS;

	while (counter_read(counter) < value) {
		assert_true(clock_now_ns() < until_ns);
		usleep(100);
	}
}

/* ---- tests ---- */

/* More than fits comes in bursts one after another, in one breath. */
static void test_more(void **state)
{
	struct fixture *f = *state;

	add_stage(f, &f->copier.stage);
	offer(f, 3);
	assert_int_equal(lane_breathe(&f->lane, 1), 3);
	assert_int_equal(port_mem_sent(f->tx), 3 * COPIES);
	for (uint32_t i = 0; i < 3 * COPIES; i++)
		assert_int_equal(sent_number(f, i), i / COPIES);
	assert_int_equal(lane_breathe(&f->lane, 2), 0);
	assert_int_equal(port_mem_sent(f->tx), 3 * COPIES);
}

/* The same before a stage that keeps what it is given: what it copied is its
 * own, whatever becomes of the frames that arrived. */
static void test_more_is_held(void **state)
{
	struct fixture *f = *state;

	f->keeper[0].hold_ns = 10;
	add_stage(f, &f->copier.stage);
	add_stage(f, &f->keeper[0].stage);
	offer(f, 2);
	assert_int_equal(lane_breathe(&f->lane, 100), 2);
	assert_int_equal(port_mem_sent(f->tx), 0);
	assert_int_equal(f->lane.stats.held_frames, 2 * COPIES);
	assert_int_equal(lane_breathe(&f->lane, 109), 0);
	assert_int_equal(port_mem_sent(f->tx), 0);
	assert_int_equal(lane_breathe(&f->lane, 110), 0);
	assert_int_equal(port_mem_sent(f->tx), 2 * COPIES);
	for (uint32_t i = 0; i < 2 * COPIES; i++)
		assert_int_equal(sent_number(f, i), i / COPIES);
	assert_int_equal(f->lane.stats.held_frames, 0);
	assert_int_equal(pool_used_bytes(f->lane.pool), 0);
}

/* A frame goes from one that holds to another without a copy. */
static void test_two_hold(void **state)
{
	struct fixture *f = *state;
	size_t used;

	f->keeper[0].hold_ns = 10;
	f->keeper[1].hold_ns = 20;
	add_stage(f, &f->keeper[0].stage);
	add_stage(f, &f->keeper[1].stage);
	offer(f, 50);
	lane_breathe(&f->lane, 100);
	used = pool_used_bytes(f->lane.pool);
	assert_true(used > 0);
	lane_breathe(&f->lane, 110);
	assert_int_equal(f->lane.stats.held_frames, 50);
	assert_int_equal(pool_used_bytes(f->lane.pool), used);
	lane_breathe(&f->lane, 129);
	assert_int_equal(port_mem_sent(f->tx), 0);
	lane_breathe(&f->lane, 130);
	assert_sent(f, 50);
	assert_int_equal(pool_used_bytes(f->lane.pool), 0);
}

/* What is further on its way is older, and goes first. */
static void test_flush_order(void **state)
{
	struct fixture *f = *state;

	f->keeper[0].hold_ns = 10;
	f->keeper[1].hold_ns = 1000;
	add_stage(f, &f->keeper[0].stage);
	add_stage(f, &f->keeper[1].stage);
	offer(f, 60);
	lane_breathe(&f->lane, 100);
	lane_breathe(&f->lane, 110); /* these are with the second one */
	offer(f, 60);
	lane_breathe(&f->lane, 115);
	assert_int_equal(f->lane.stats.held_frames, 120);
	lane_flush(&f->lane, f->lane.stages, LANE_FLUSH_ALL);
	assert_sent(f, 120);
	assert_int_equal(f->lane.stats.held_frames, 0);
}

/* Of a chain's end alone what that holds goes. */
static void test_flush_from(void **state)
{
	struct fixture *f = *state;

	f->keeper[0].hold_ns = 10;
	f->keeper[1].hold_ns = 1000;
	add_stage(f, &f->keeper[0].stage);
	add_stage(f, &f->keeper[1].stage);
	offer(f, 5);
	lane_breathe(&f->lane, 100);
	lane_breathe(&f->lane, 110);
	offer(f, 5);
	lane_breathe(&f->lane, 115);
	assert_false(lane_flush(&f->lane, &f->keeper[1].stage,
				LANE_FLUSH_ALL));
	assert_sent(f, 5);
	assert_int_equal(f->lane.stats.held_frames, 5);
}

/* A little now, and the rest later; what comes meanwhile is behind it. */
static void test_flush_some(void **state)
{
	struct fixture *f = *state;
	int calls = 1;

	f->keeper[0].hold_ns = 1000;
	f->keeper[1].hold_ns = 1000;
	add_stage(f, &f->keeper[0].stage);
	add_stage(f, &f->keeper[1].stage);
	offer(f, 2000);
	while (lane_breathe(&f->lane, 100))
		;
	lane_breathe(&f->lane, 1100); /* to the second one */
	offer(f, 2000);
	while (lane_breathe(&f->lane, 1200))
		;
	while (lane_flush(&f->lane, f->lane.stages, 2)) {
		offer(f, 10);
		lane_breathe(&f->lane, 1300);
		calls++;
	}
	assert_in_range(calls, 8, 20);
	assert_sent(f, f->next);
}

/* Also what does not fit into a burst. */
static void test_stop_flushes(void **state)
{
	struct fixture *f = *state;

	f->keeper[0].hold_ns = 3600 * NS_PER_SEC;
	add_stage(f, &f->keeper[0].stage);
	assert_int_equal(lane_start(&f->lane, f->rx, f->tx), 0);
	offer(f, 1000);
	await(&f->lane.stats.held_frames, 1000);
	assert_int_equal(counter_read(&f->lane.stats.forwarded_frames), 0);
	lane_stop(&f->lane);
	assert_sent(f, 1000);
	assert_int_equal(f->lane.stats.held_frames, 0);
}

/* A lane that sleeps wakes by itself when a frame is due, not before. */
static void test_wakes_when_due(void **state)
{
	struct fixture *f = *state;
	uint64_t began_ns = clock_now_ns();

	f->lane.spin_us = 0;
	f->keeper[0].hold_ns = 50 * NS_PER_MS;
	add_stage(f, &f->keeper[0].stage);
	assert_int_equal(lane_start(&f->lane, f->rx, f->tx), 0);
	offer(f, 3);
	await(&f->lane.stats.forwarded_frames, 3);
	assert_true(clock_now_ns() - began_ns >= 50 * NS_PER_MS);
	lane_stop(&f->lane);
	/* It slept: a breath or some for frames that come, and for the due. */
	assert_true(counter_read(&f->lane.turns) < 1000);
	assert_sent(f, 3);
}

/* The memory is all there is; what finds no room is counted. */
static void test_no_room(void **state)
{
	struct fixture *f = *state;
	uint64_t held;

	f->keeper[0].hold_ns = 100;
	add_stage(f, &f->keeper[0].stage);
	for (int i = 0; i < 1000; i++) {
		offer(f, BURST_RX);
		lane_breathe(&f->lane, 1);
	}
	held = f->lane.stats.held_frames;
	assert_true(held > POOL_BYTES / 300 && held < 1000 * BURST_RX);
	assert_int_equal(f->lane.stats.dropped_frames[REASON_QUEUE_FULL],
			 1000 * BURST_RX - held);
	lane_breathe(&f->lane, 101);
	assert_sent(f, (uint32_t)held);
}

/* A frame that is dropped behind a stage that lent it goes back, too. */
static void test_dropped_goes_back(void **state)
{
	struct fixture *f = *state;

	f->keeper[0].hold_ns = 10;
	add_stage(f, &f->keeper[0].stage);
	offer(f, 20);
	lane_breathe(&f->lane, 100);
	f->tx->ready = false;
	lane_breathe(&f->lane, 110);
	assert_int_equal(f->lane.stats.dropped_frames[REASON_LINK_DOWN], 20);
	assert_int_equal(pool_used_bytes(f->lane.pool), 0);
	f->tx->ready = true;
	f->tx->mtu = 20;
	offer(f, 20);
	lane_breathe(&f->lane, 200);
	lane_breathe(&f->lane, 210);
	assert_int_equal(f->lane.stats.dropped_frames[REASON_OVERSIZE], 20);
	assert_int_equal(pool_used_bytes(f->lane.pool), 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_more),
		TEST(test_more_is_held),
		TEST(test_two_hold),
		TEST(test_flush_order),
		TEST(test_flush_from),
		TEST(test_flush_some),
		TEST(test_stop_flushes),
		TEST(test_wakes_when_due),
		TEST(test_no_room),
		TEST(test_dropped_goes_back),
	};

	alarm(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
