/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The chains of stages that configurations make, between ports in memory and
 * with a clock of the test's own: any change at any moment, under traffic that
 * holds back, loses, doubles and cuts. Nothing is altered, nothing overtakes
 * but where that was asked for, and each frame is accounted for.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "bridge.h"
#include "bridge_change.h"
#include "clock.h"
#include "port_mem.h"
#include "rng.h"
#include "super_frames.h"

#define SEED UINT64_C(0x737461676573)
#define STEPS 300
#define FRAMES_MAX (1 << 18)
#define NUMBER_AT 20
#define TYPE_HIGH 0x88
#define TYPE_LOW 0xb5

/* ---- a wire ---- */

struct fixture {
	struct conf *conf;
	struct bridge *bridge;
	struct lane *lane; /* from left to right */
	struct port *rx, *tx;
	uint64_t now_ns;
};

static void set(struct conf *conf, const char *key, const char *value)
{
	assert_int_equal(conf_set(conf, &conf->pair[0], "test", key, value), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->conf = malloc(sizeof(*f->conf));
	conf_init(f->conf);
	conf_add_pair(f->conf, "wan");
	set(f->conf, "left", "pl");
	set(f->conf, "right", "pr");
	set(f->conf, "hold", "2mb");
	assert_int_equal(conf_finish(f->conf), 0);
	assert_int_equal(bridge_new(&f->bridge, &f->conf->pair[0], NULL), 0);
	f->lane = &f->bridge->lane[SIDE_LEFT];
	f->lane->rx = f->rx = port_mem_new("pl");
	f->lane->tx = f->tx = port_mem_new("pr");
	f->now_ns = 1000 * NS_PER_SEC;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	uint64_t violations = port_mem_calls(f->rx).violations;

	f->lane->tx = NULL;
	bridge_free(f->bridge);
	port_close(f->rx);
	port_close(f->tx);
	conf_free(f->conf);
	free(f);
	return violations ? -1 : 0;
}

/* Another configuration: the one in force with these keys, of which the last
 * is NULL. */
static void change(struct fixture *f, const char *const *key)
{
	struct conf *conf;
	struct bridge_change *todo;

	assert_int_equal(conf_clone(&conf, f->conf), 0);
	for (; *key; key += 2)
		set(conf, key[0], key[1]);
	assert_int_equal(conf_finish(conf), 0);
	assert_int_equal(bridge_prepare(f->bridge, &conf->pair[0], &todo), 0);
	bridge_commit(todo);
	conf_free(f->conf);
	f->conf = conf;
}

#define CHANGE(f, ...) change(f, (const char *const[]){ __VA_ARGS__, NULL })

static void breathe_until(struct fixture *f, uint64_t now_ns)
{
	f->now_ns = now_ns;
	while (lane_breathe(f->lane, now_ns))
		;
}

static const struct lane_stats *stats(const struct fixture *f)
{
	return &f->lane->stats;
}

static void offer_super(struct fixture *f, const char *layers, uint32_t bytes,
			uint32_t mss, struct rng *rng)
{
	struct super super;

	super_make(&super, layers, bytes, mss, rng);
	port_mem_offer(f->rx, super.f.data, super.f.len, &super.f.vnet);
	super_free(&super);
}

/* ---- changes that have to be minded ---- */

/* Super-frames that were held whole meet what cuts them, though another chain
 * holds them now. */
static void test_held_supers_are_cut(void **state)
{
	static const char *const change_to[][2] = {
		{ "loss", "0%" }, { "rate", "500mbit" }, { "jitter", "1ms" },
		{ "delay", "no" }, { "hold", "4mb" },
	};
	struct fixture *f = *state;
	struct rng rng = { SEED };

	for (size_t i = 0; i < ARRAY_SIZE(change_to); i++) {
		uint64_t before = stats(f)->forwarded_frames;

		CHANGE(f, "delay", "1s", "loss", "no", "rate", "no", "jitter",
		       "no", "queue", "10s");
		for (int k = 0; k < 10; k++)
			offer_super(f, "eth ip4 udp vxlan eth ip4 tcp", 14000,
				    1400, &rng);
		breathe_until(f, f->now_ns + 1);
		assert_int_equal(stats(f)->held_frames, 10);
		CHANGE(f, change_to[i][0], change_to[i][1]);
		for (int k = 0; k < 2000; k++)
			breathe_until(f, f->now_ns + 5 * NS_PER_MS);
		assert_int_equal(stats(f)->held_frames, 0);
		assert_int_equal(stats_dropped(stats(f)), 0);
		assert_int_equal(stats(f)->forwarded_frames - before, 100);
		assert_int_equal(stats_unaccounted(stats(f)), 0);
	}
}

/* A stage that goes while the pair has no ports, and so holds nothing. */
static void test_change_without_ports(void **state)
{
	struct fixture *f = *state;

	CHANGE(f, "delay", "1s", "rate", "1mbit");
	assert_int_equal(lane_start(f->lane, f->rx, f->tx), 0);
	lane_stop(f->lane);
	port_close(f->tx); /* as when an interface is gone */
	assert_null(f->lane->tx);
	CHANGE(f, "delay", "2s", "rate", "no");
	CHANGE(f, "delay", "no");
	f->tx = port_mem_new("pr");
	f->lane->rx = f->rx;
}

/* What stays as it is keeps what it holds. */
static void test_others_stay(void **state)
{
	uint8_t data[60] = { [12] = TYPE_HIGH, TYPE_LOW };
	struct fixture *f = *state;
	const struct stage *delay;

	CHANGE(f, "delay", "1s");
	delay = bridge_stage(f->bridge, SIDE_LEFT, STAGE_DELAY);
	for (int i = 0; i < 20; i++)
		port_mem_offer(f->rx, data, sizeof(data), NULL);
	breathe_until(f, f->now_ns + 1);
	CHANGE(f, "drop", "udp port 53", "vlan_push", "7", "loss", "1%");
	CHANGE(f, "right.delay", "3s", "tap_snap", "64");
	assert_ptr_equal(bridge_stage(f->bridge, SIDE_LEFT, STAGE_DELAY), delay);
	assert_int_equal(stats(f)->held_frames, 20);
	assert_int_equal(port_mem_sent(f->tx), 0);
	CHANGE(f, "left.delay", "2s");
	assert_int_equal(stats(f)->held_frames, 0);
	assert_int_equal(port_mem_sent(f->tx), 20);
}

/* A lane that does not turn keeps its chain; the next change has it all. */
static struct port_ops slow_ops;
static void (*quick_rx)(struct port *port, struct burst *b,
			struct lane_stats *s);
static bool hangs;

static void slow_rx(struct port *port, struct burst *b, struct lane_stats *s)
{
	if (shared_read(&hangs)) {
		shared_write(&hangs, false);
		usleep(4000000);
	}
	quick_rx(port, b, s);
}

static void test_lane_hangs(void **state)
{
	struct fixture *f = *state;

	slow_ops = *f->rx->ops;
	quick_rx = slow_ops.rx;
	slow_ops.rx = slow_rx;
	f->rx->ops = &slow_ops;
	assert_int_equal(lane_start(f->lane, f->rx, f->tx), 0);
	shared_write(&hangs, true);
	lane_wake(f->lane);
	while (shared_read(&hangs))
		usleep(1000);
	CHANGE(f, "loss", "50%");
	assert_null(bridge_stage(f->bridge, SIDE_LEFT, STAGE_IMPAIR));
	assert_non_null(bridge_stage(f->bridge, SIDE_RIGHT, STAGE_IMPAIR));
	usleep(2000000);
	CHANGE(f, "drop", "udp port 53");
	assert_non_null(bridge_stage(f->bridge, SIDE_LEFT, STAGE_IMPAIR));
	lane_stop(f->lane);
	f->lane->rx = f->rx;
	f->lane->tx = f->tx;
}

/* ---- any change at any moment ---- */

static const struct {
	const char *key;
	const char *value[6];
} choices[] = {
	{ "left.loss", { "no", "1%", "50%", "gemodel 1% 20%", "pattern 0001" } },
	{ "left.duplicate", { "no", "10%", "100%" } },
	{ "left.reorder", { "no", "no", "10% 3", "100% 1000", "50% 1" } },
	{ "left.delay", { "no", "1ms", "100ms", "3s", "0" } },
	{ "left.jitter", { "no", "1ms", "200ms" } },
	{ "left.jitter_reorder", { "no", "no", "yes" } },
	{ "left.jitter_shape", { "no", "normal", "pareto" } },
	{ "left.rate", { "no", "1mbit", "100mbit", "2gbit", "64kbit" } },
	{ "left.queue", { "no", "64", "100us", "10s", "1mb" } },
	{ "left.ageing", { "no", "yes" } },
	{ "left.rate_layer", { "no", "1" } },
	{ "left.vlan_push", { "no", "5" } },
	{ "left.vlan_pop", { "no", "1" } },
	{ "hold", { "1mb", "2mb", "16mb" } },
	{ "seed", { "0", "7" } },
};

/* What has been seen of the numbered frames. */
struct seen {
	uint8_t *times;  /* by number */
	uint32_t next;   /* number of the next frame */
	uint32_t latest; /* the highest that came out */
	bool ordered;    /* nothing has asked for another order */
	bool doubled;    /* something has asked for that */
};

static void offer_some(struct fixture *f, struct seen *seen, struct rng *rng)
{
	static const char *const layers[] = {
		"eth ip4 tcp", "eth ip4 udp vxlan eth ip4 tcp", "eth ip6 udp",
	};
	uint64_t n = rng_below(rng, rng_below(rng, 4) ? 70 : 400);
	uint8_t data[1514] = { [12] = TYPE_HIGH, TYPE_LOW };

	while (n-- && seen->next < FRAMES_MAX - 1) {
		uint32_t len = 60 + (uint32_t)(rng_below(rng, 3) ? 0 :
					       rng_below(rng, 1400));

		if (!rng_below(rng, 40)) {
			offer_super(f, layers[rng_below(rng, 3)],
				    1000 + (uint32_t)rng_below(rng, 60000),
				    200 + (uint32_t)rng_below(rng, 1200), rng);
			continue;
		}
		memcpy(data + NUMBER_AT, &seen->next, 4);
		seen->next++;
		memset(data + NUMBER_AT + 4, (int)seen->next,
		       len - NUMBER_AT - 4);
		port_mem_offer(f->rx, data, len, NULL);
	}
}

static void judge_frame(struct seen *seen, const struct frame *frame)
{
	const uint8_t *data = frame->data;
	uint32_t at = NUMBER_AT, number;

	while (data[at - 8] == 0x81) /* tags of vlan_push */
		at += 4;
	if (data[at - 8] != TYPE_HIGH || data[at - 7] != TYPE_LOW)
		return; /* of a super-frame */
	memcpy(&number, data + at, 4);
	assert_true(number < seen->next);
	for (uint32_t i = at + 4; i < frame->len; i++)
		assert_int_equal(data[i], (uint8_t)(number + 1));
	assert_true(++seen->times[number] <= (seen->doubled ? 2 : 1));
	if (seen->ordered)
		assert_true(number >= seen->latest);
	if (number > seen->latest)
		seen->latest = number;
}

static void judge(struct fixture *f, struct seen *seen)
{
	for (uint64_t i = 0; i < port_mem_sent(f->tx); i++)
		judge_frame(seen, port_mem_sent_frame(f->tx, i));
	port_mem_forget(f->tx);
	assert_int_equal(stats_unaccounted(stats(f)), 0);
}

static bool is_set(char *const text[SIDES])
{
	return text[SIDE_LEFT] && *text[SIDE_LEFT];
}

static void change_some(struct fixture *f, struct seen *seen, struct rng *rng)
{
	const char *key[8] = { NULL };
	size_t n = 1 + rng_below(rng, 3);
	const struct conf_pair *pair;

	for (size_t i = 0; i < n; i++) {
		size_t k = rng_below(rng, ARRAY_SIZE(choices)), values = 0;

		while (values < 6 && choices[k].value[values])
			values++;
		key[2 * i] = choices[k].key;
		key[2 * i + 1] = choices[k].value[rng_below(rng, values)];
	}
	change(f, key);
	pair = &f->conf->pair[0];
	/* What goes out by the change itself was ordered by the old chain. */
	judge(f, seen);
	seen->doubled |= is_set(pair->duplicate);
	if (is_set(pair->reorder) || is_set(pair->jitter_reorder))
		seen->ordered = false;
	else if (!stats(f)->held_frames)
		seen->ordered = true;
}

/* One walk: its seed repeats it. */
static void walk(struct fixture *f, uint64_t seed)
{
	struct seen seen = { .times = calloc(FRAMES_MAX, 1), .ordered = true };
	struct rng rng = { seed };

	for (int step = 0; step < STEPS; step++) {
		offer_some(f, &seen, &rng);
		breathe_until(f, f->now_ns + rng_below(&rng, 3 * NS_PER_MS) +
			      (rng_below(&rng, 50) ? 0 : NS_PER_SEC));
		judge(f, &seen);
		if (!rng_below(&rng, 12))
			f->lane->paused = !f->lane->paused;
		if (!rng_below(&rng, 12))
			f->tx->ready = !f->tx->ready;
		if (!rng_below(&rng, 20))
			assert_int_equal(bridge_reset(f->bridge), 0);
		if (!rng_below(&rng, 6))
			change_some(f, &seen, &rng);
	}
	for (int i = 0; i < 5000 && stats(f)->held_frames; i++)
		breathe_until(f, f->now_ns + NS_PER_SEC);
	judge(f, &seen);
	assert_int_equal(stats(f)->held_frames, 0);
	if (f->lane->pool)
		assert_int_equal(pool_used_bytes(f->lane->pool), 0);
	free(seen.times);
}

static void test_walks(void **state)
{
	for (uint64_t i = 0; i < 12; i++) {
		print_message("walk %llu\n", (unsigned long long)i);
		walk(*state, SEED + i);
		teardown(state);
		setup(state);
	}
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_held_supers_are_cut),
		TEST(test_change_without_ports),
		TEST(test_others_stay),
		TEST(test_lane_hangs),
		TEST(test_walks),
	};

	log_level = LOG_LEVEL_ERROR;
	alarm(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
