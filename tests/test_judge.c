/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The judge against a model: numbers that are lost, doubled, overtaken and
 * altered by a seeded wire, and an array of all of them that knows.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "judge.h"
#include "rng.h"
#include "stamp.h"

#define PAYLOAD_AT (14 + 20 + 8) /* Ethernet, IPv4, UDP */
#define PAYLOAD_BYTES 40
#define FRAME_BYTES (PAYLOAD_AT + PAYLOAD_BYTES)
#define START_NS UINT64_C(1700000000000000000)

static struct judge *new_judge(bool from_zero, uint64_t expected,
			       uint32_t window)
{
	struct judge_params params = { from_zero, expected, window };
	struct judge *j = NULL;

	assert_int_equal(judge_new(&j, &params), 0);
	assert_non_null(j);
	return j;
}

/* IPv4 and UDP, checksum of UDP left out. */
static void make_headers(uint8_t *data, uint32_t payload_bytes)
{
	uint32_t udp = 8 + payload_bytes, ip = 20 + udp;
	const uint8_t headers[PAYLOAD_AT] = {
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0,
		0x45, 0, (uint8_t)(ip >> 8), (uint8_t)ip, 0, 0, 0, 0, 64, 17,
		0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
		0, 9, 0, 9, (uint8_t)(udp >> 8), (uint8_t)udp, 0, 0,
	};

	memcpy(data, headers, sizeof(headers));
}

static void put_stamp(uint8_t *payload, uint32_t n, uint64_t number,
		      uint64_t time_ns)
{
	const struct stamp stamp = { number, time_ns };

	stamp_put(payload, stamp_rest_sum(payload, n), &stamp);
}

static void send_frame(struct judge *j, uint8_t *data, uint32_t len,
		       uint64_t arrival_ns)
{
	const struct frame f = {
		.data = data, .len = len, .time_ns = arrival_ns,
	};
	struct lane_stats s = { 0 };

	port_tx(judge_port(j), &f, 1, &s);
	assert_int_equal(s.forwarded_frames, 1);
	assert_int_equal(s.forwarded_bytes, len);
	assert_int_equal(stats_dropped(&s), 0);
}

/* It left at START_NS + number us and took latency_ns. */
static void send_number(struct judge *j, uint64_t number, int64_t latency_ns)
{
	uint64_t left_ns = START_NS + number * 1000;
	uint8_t data[FRAME_BYTES] = { 0 };

	make_headers(data, PAYLOAD_BYTES);
	put_stamp(data + PAYLOAD_AT, PAYLOAD_BYTES, number, left_ns);
	send_frame(j, data, FRAME_BYTES, left_ns + (uint64_t)latency_ns);
}

static void send_altered(struct judge *j, uint64_t number, uint32_t bit)
{
	uint8_t data[FRAME_BYTES] = { 0 };

	make_headers(data, PAYLOAD_BYTES);
	put_stamp(data + PAYLOAD_AT, PAYLOAD_BYTES, number, 0);
	data[PAYLOAD_AT + bit / 8] ^= (uint8_t)(1 << bit % 8);
	send_frame(j, data, FRAME_BYTES, START_NS);
}

/* What holds at each moment. */
static void check_sums(const struct judge_figures *f)
{
	assert_int_equal(f->frames, f->delivered + f->duplicated +
			 f->late_unknown + f->corrupted + f->foreign);
	if (f->delivered + f->lost)
		assert_int_equal(f->delivered + f->lost,
				 f->last_expected - f->first_expected + 1);
	assert_true(f->reordered <= f->delivered);
}

static struct judge_figures figures_of(const struct judge *j)
{
	struct judge_figures f;

	memset(&f, 0xff, sizeof(f));
	judge_figures(j, &f);
	check_sums(&f);
	assert_int_equal(hist_count(judge_hist(j)) + f.early, f.delivered);
	return f;
}

/* ---- the model ---- */

#define NUMBERS 20000

struct arrival {
	uint64_t when;
	uint64_t number;
	bool altered;
};

struct model {
	uint8_t arrived[NUMBERS];
	uint64_t delivered, duplicated, reordered, late_unknown, corrupted;
	uint64_t first, end; /* numbers seen: [first, end) */
};

struct wire {
	uint32_t window;
	bool from_zero;
	uint64_t expected;
	uint64_t delay; /* at most so many numbers late */
	uint32_t lost, doubled, late, altered; /* of 1000 */
};

static int by_time(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;

	if (x->when != y->when)
		return x->when > y->when ? 1 : -1;
	if (x->number != y->number)
		return x->number > y->number ? 1 : -1;
	return x->altered - y->altered;
}

static uint64_t run_wire(const struct wire *w, struct rng *rng,
			 struct arrival *arrival)
{
	uint64_t n = 0;

	for (uint64_t number = 0; number < NUMBERS; number++) {
		uint64_t copies = rng_below(rng, 1000) >= w->lost;

		while (copies && rng_below(rng, 1000) < w->doubled &&
		       copies < 4)
			copies++;
		for (; copies; copies--) {
			uint64_t when = 4 * number;

			if (rng_below(rng, 1000) < w->late)
				when += rng_below(rng, 4 * w->delay);
			arrival[n++] = (struct arrival){
				.when = when,
				.number = number,
				.altered = rng_below(rng, 1000) < w->altered,
			};
		}
	}
	qsort(arrival, n, sizeof(*arrival), by_time);
	return n;
}

static void model_take(struct model *m, const struct wire *w,
		       const struct arrival *a)
{
	if (a->altered) {
		m->corrupted++;
		return;
	}
	if (!m->end) {
		m->first = w->from_zero ? 0 : a->number;
	} else if (m->end > a->number && m->end - a->number > w->window) {
		m->late_unknown++;
		return;
	}
	if (m->arrived[a->number]++) {
		m->duplicated++;
		return;
	}
	m->delivered++;
	if (a->number < m->end)
		m->reordered++;
	if (a->number < m->first)
		m->first = a->number;
	if (a->number >= m->end)
		m->end = a->number + 1;
}

static void check_model(const struct judge *j, const struct wire *w,
			const struct model *m)
{
	struct judge_figures f = figures_of(j);
	uint64_t end = m->end, missing = 0;

	if (w->expected && m->first + w->expected > end)
		end = m->first + w->expected;
	for (uint64_t i = m->first; i < end; i++)
		missing += i >= NUMBERS || !m->arrived[i];
	assert_int_equal(f.delivered, m->delivered);
	assert_int_equal(f.lost, missing);
	assert_int_equal(f.duplicated, m->duplicated);
	assert_int_equal(f.reordered, m->reordered);
	assert_int_equal(f.late_unknown, m->late_unknown);
	assert_int_equal(f.corrupted, m->corrupted);
	assert_int_equal(f.foreign, 0);
	assert_int_equal(f.bytes, m->delivered * FRAME_BYTES);
	assert_int_equal(f.highest_number, m->end ? m->end - 1 : 0);
	assert_int_equal(f.first_expected, m->first);
}

static void test_model(void **state)
{
	static const struct wire wires[] = {
		/* window, zero, expected, delay, lost, doubled, late, alt. */
		{ 64, true, 0, 1, 0, 0, 0, 0 },
		{ 64, true, 0, 50, 30, 50, 200, 10 },
		{ 64, false, 0, 200, 100, 300, 500, 10 },
		{ 128, false, NUMBERS, 60, 900, 200, 500, 50 },
		{ 256, true, NUMBERS, 600, 10, 10, 1000, 0 },
		{ 1024, true, NUMBERS + 77, 1000, 500, 500, 300, 100 },
		{ 0, true, 0, NUMBERS, 50, 50, 1000, 1 },
		{ 0, false, 10, 30, 50, 50, 300, 1 },
		{ 64, true, NUMBERS, 10, 0, 0, 0, 1000 },
	};
	static struct arrival arrival[4 * NUMBERS];
	static struct model m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wires); i++) {
		struct wire w = wires[i];
		struct judge *j = new_judge(w.from_zero, w.expected, w.window);
		struct rng rng = { i };
		uint64_t n = run_wire(&w, &rng, arrival);

		if (!w.window)
			w.window = JUDGE_WINDOW;
		memset(&m, 0, sizeof(m));
		for (uint64_t k = 0; k < n; k++) {
			if (arrival[k].altered)
				send_altered(j, arrival[k].number,
					     16 + (uint32_t)(k % 128));
			else
				send_number(j, arrival[k].number, 500);
			model_take(&m, &w, &arrival[k]);
			if (k % 1000 == 0)
				check_model(j, &w, &m);
		}
		check_model(j, &w, &m);
		/* The wire did what it was to do. */
		assert_true(!w.late || w.altered == 1000 || m.reordered > 100);
		assert_true(w.delay <= 2 * w.window || m.late_unknown > 100);
		judge_free(j);
	}
}

/* ---- single cases ---- */

static void test_nothing(void **state)
{
	struct judge *j = new_judge(false, 0, 0);
	struct judge_figures f = figures_of(j);
	const struct judge_figures zero = { 0 };

	(void)state;
	assert_memory_equal(&f, &zero, sizeof(f));
	assert_true(judge_port(j)->ready);
	assert_int_equal(judge_port(j)->mtu, FRAME_MAX_BYTES);
	judge_free(j);
	judge_free(NULL);
	/* All are lost of those that are known to have been sent. */
	j = new_judge(false, 10, 0);
	f = figures_of(j);
	assert_int_equal(f.lost, 10);
	assert_int_equal(f.last_expected, 9);
	port_close(judge_port(j));
}

static void test_params(void **state)
{
	static const struct {
		uint64_t expected;
		uint32_t window;
		int r;
	} row[] = {
		{ 0, 1, -EINVAL }, { 0, 32, -EINVAL }, { 0, 63, -EINVAL },
		{ 0, 100, -EINVAL }, { 0, 3u << 20, -EINVAL },
		{ 0, 1u << 31, -EINVAL }, { 0, UINT32_MAX, -EINVAL },
		{ STAMP_NUMBER_MAX + 2, 64, -EINVAL },
		{ STAMP_NUMBER_MAX + 1, 64, 0 }, { 0, JUDGE_WINDOW_MIN, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct judge_params params = { true, row[i].expected,
					       row[i].window };
		struct judge *j = NULL;

		assert_int_equal(judge_new(&j, &params), row[i].r);
		assert_int_equal(!j, row[i].r != 0);
		judge_free(j);
	}
}

static void test_expected(void **state)
{
	static const struct {
		bool from_zero;
		uint64_t expected;
		uint64_t number[4];
		uint64_t delivered, lost, reordered, first, last;
	} row[] = {
		/* The last ones are missing. */
		{ true, 10, { 0, 1, 2, 3 }, 4, 6, 0, 0, 9 },
		{ true, 0, { 0, 1, 2, 3 }, 4, 0, 0, 0, 3 },
		/* The first ones are. */
		{ true, 0, { 5, 6, 7, 8 }, 4, 5, 0, 0, 8 },
		{ false, 0, { 5, 6, 7, 8 }, 4, 0, 0, 5, 8 },
		{ false, 6, { 5, 6, 7, 8 }, 4, 2, 0, 5, 10 },
		/* One below the first moves it. */
		{ false, 0, { 5, 8, 2, 9 }, 4, 4, 1, 2, 9 },
		{ false, 4, { 5, 6, 4, 3 }, 4, 0, 2, 3, 6 },
		/* More than were told of. */
		{ true, 2, { 0, 1, 2, 4 }, 4, 1, 0, 0, 4 },
		/* The largest number there is. */
		{ false, 0, { STAMP_NUMBER_MAX, STAMP_NUMBER_MAX - 3,
			      STAMP_NUMBER_MAX - 1, STAMP_NUMBER_MAX - 2 },
		  4, 0, 3, STAMP_NUMBER_MAX - 3, STAMP_NUMBER_MAX },
		{ true, STAMP_NUMBER_MAX + 1, { 0, 1, 2, 3 }, 4,
		  STAMP_NUMBER_MAX - 3, 0, 0, STAMP_NUMBER_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct judge *j = new_judge(row[i].from_zero, row[i].expected,
					    64);
		struct judge_figures f;

		for (int k = 0; k < 4; k++)
			send_number(j, row[i].number[k], 0);
		f = figures_of(j);
		assert_int_equal(f.delivered, row[i].delivered);
		assert_int_equal(f.lost, row[i].lost);
		assert_int_equal(f.reordered, row[i].reordered);
		assert_int_equal(f.first_expected, row[i].first);
		assert_int_equal(f.last_expected, row[i].last);
		assert_int_equal(f.first_number, row[i].number[0]);
		assert_int_equal(f.last_number, row[i].number[3]);
		judge_free(j);
	}
}

/*
 * Fill a window, jump, then let all numbers of the window arrive once more:
 * those of before the jump are copies, those that were jumped over are late,
 * and none that was forgotten is remembered.
 */
static void test_jump(void **state)
{
	static const uint64_t windows[] = { 64, 256, 4096 };
	static const uint64_t far[] = { 1, 2, 63, 64, 65, 100, 127, 128, 129 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(windows) * 13; i++) {
		uint64_t window = windows[i / 13], jump, low, copies, last;
		uint64_t begin = 1000 + i;
		struct judge *j = new_judge(false, 0, (uint32_t)window);
		struct judge_figures f;

		jump = i % 13 < 9 ? far[i % 13] : window + i % 13 - 10;
		last = begin + window - 1 + jump;
		for (uint64_t k = 0; k < window; k++)
			send_number(j, begin + k, 0);
		send_number(j, last, 0);
		low = last - window + 1;
		for (uint64_t k = low; k <= last; k++)
			send_number(j, k, 0);
		f = figures_of(j);
		copies = jump < window ? window - jump : 0;
		assert_int_equal(f.duplicated, copies + 1);
		assert_int_equal(f.reordered, window - copies - 1);
		assert_int_equal(f.late_unknown, 0);
		send_number(j, low - 1, 0);
		assert_int_equal(figures_of(j).late_unknown, 1);
		assert_int_equal(figures_of(j).delivered, f.delivered);
		judge_free(j);
	}
}

/* As far as numbers go, and often: it must not count its way there. */
static void test_far_jumps(void **state)
{
	struct judge *j = new_judge(true, 0, 64);
	struct judge_figures f;
	uint64_t number = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		send_number(j, number, 0);
		number += STAMP_NUMBER_MAX / 1000;
	}
	send_number(j, STAMP_NUMBER_MAX, 0);
	send_number(j, 1, 0);
	f = figures_of(j);
	assert_int_equal(f.delivered, 1001);
	assert_int_equal(f.late_unknown, 1);
	assert_int_equal(f.lost, STAMP_NUMBER_MAX - 1000);
	judge_free(j);
}

static void test_times(void **state)
{
	struct judge *j = new_judge(true, 0, 0);
	const struct hist *h = judge_hist(j);
	struct judge_figures f;

	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		send_number(j, i, 1 + (int64_t)i);
	send_number(j, 999, 1000000); /* a copy tells nothing of latency */
	f = figures_of(j);
	assert_int_equal(f.early, 0);
	assert_int_equal(f.first_ns, START_NS + 1);
	assert_int_equal(f.last_ns, START_NS + 999 * 1000 + 1000);
	assert_int_equal(f.duration_ns, f.last_ns - f.first_ns);
	assert_int_equal(hist_min(h), 1);
	assert_int_equal(hist_max(h), 1000);
	assert_int_equal(hist_percentile(h, 50), 500);
	assert_int_equal(hist_percentile(h, 99.9), 999);
	send_number(j, 1000, -1);
	send_number(j, 1001, -1000000000000);
	send_number(j, 1002, 0);
	f = figures_of(j);
	assert_int_equal(f.early, 2);
	assert_int_equal(f.delivered, 1003);
	assert_int_equal(hist_count(h), 1001);
	assert_int_equal(hist_min(h), 0);
	/* A clock that was set back: no length, but no huge one either. */
	send_number(j, 1003, -2000000000000);
	assert_int_equal(figures_of(j).duration_ns, 0);
	judge_free(j);
}

/* Not ours: no stamp, cut in the headers, shorter than a frame. */
static void test_foreign(void **state)
{
	struct judge *j = new_judge(true, 0, 0);
	uint8_t data[FRAME_BYTES] = { 0 };
	uint64_t n = 0;

	(void)state;
	make_headers(data, PAYLOAD_BYTES);
	send_frame(j, data, FRAME_BYTES, 0);
	n++;
	put_stamp(data + PAYLOAD_AT, PAYLOAD_BYTES, 7, 0);
	for (uint32_t len = 0; len < PAYLOAD_AT + STAMP_BYTES; len++, n++) {
		/* Of that size exactly: a sanitizer hears of reading on. */
		uint8_t *only = malloc(len + !len);

		assert_non_null(only);
		memcpy(only, data, len);
		send_frame(j, only, len, 0);
		free(only);
	}
	assert_int_equal(figures_of(j).foreign, n);
	assert_int_equal(figures_of(j).delivered, 0);
	assert_int_equal(figures_of(j).bytes, 0);
	/* Cut behind the stamp it is one of ours that was altered. */
	data[PAYLOAD_AT + PAYLOAD_BYTES - 1] = 1;
	put_stamp(data + PAYLOAD_AT, PAYLOAD_BYTES, 7, 0);
	send_frame(j, data, FRAME_BYTES - 1, 0);
	assert_int_equal(figures_of(j).corrupted, 1);
	assert_int_equal(figures_of(j).foreign, n);
	judge_free(j);
}

/* Where the payload is depends on the headers, and Ethernet pads behind. */
static void test_places(void **state)
{
	static const uint8_t raw[] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1,
				       0x88, 0xb5 };
	static const uint8_t tag[] = { 0x81, 0, 0, 5 };
	struct judge *j = new_judge(true, 0, 0);
	uint8_t data[128] = { 0 };

	(void)state;
	memcpy(data, raw, sizeof(raw));
	put_stamp(data + 14, 46, 0, 0);
	send_frame(j, data, 60, 0);
	memmove(data + 16, data + 12, 48);
	memcpy(data + 12, tag, sizeof(tag));
	put_stamp(data + 18, 46, 1, 0);
	send_frame(j, data, 64, 0);
	/* Behind the end that IP tells lies what is no payload. */
	make_headers(data, STAMP_BYTES);
	put_stamp(data + PAYLOAD_AT, STAMP_BYTES, 2, 0);
	memset(data + PAYLOAD_AT + STAMP_BYTES, 0xee, 20);
	send_frame(j, data, PAYLOAD_AT + STAMP_BYTES + 20, 0);
	assert_int_equal(figures_of(j).delivered, 3);
	assert_int_equal(figures_of(j).lost, 0);
	judge_free(j);
}

/* Frames put together by the receiving kernel: the sums of all pieces are
 * zero, so the sum of the whole is, too. */
static void test_super(void **state)
{
	struct judge *j = new_judge(true, 0, 0);
	uint8_t data[PAYLOAD_AT + 100] = { 0 };
	struct frame f = {
		.data = data,
		.len = sizeof(data),
		.time_ns = START_NS,
		.vnet = { .gso_type = VIRTIO_NET_HDR_GSO_UDP_L4,
			  .gso_size = 40 },
	};
	struct lane_stats s = { 0 };
	struct judge_figures g;

	(void)state;
	make_headers(data, 100);
	put_stamp(data + PAYLOAD_AT, 40, 0, 0);
	put_stamp(data + PAYLOAD_AT + 40, 40, 2, 0);
	put_stamp(data + PAYLOAD_AT + 80, 20, 1, 0);
	port_tx(judge_port(j), &f, 1, &s);
	g = figures_of(j);
	assert_int_equal(g.frames, 3);
	assert_int_equal(g.delivered, 3);
	assert_int_equal(g.reordered, 1);
	assert_int_equal(g.bytes, 3 * PAYLOAD_AT + 100);
	assert_int_equal(s.forwarded_frames, 1);
	data[PAYLOAD_AT + 60] ^= 1;
	port_tx(judge_port(j), &f, 1, &s);
	g = figures_of(j);
	assert_int_equal(g.corrupted, 1);
	assert_int_equal(g.duplicated, 2);
	/* A size that cannot be: one piece then, and no endless loop. */
	data[PAYLOAD_AT + 60] ^= 1;
	f.vnet.gso_size = 0;
	port_tx(judge_port(j), &f, 1, &s);
	assert_int_equal(figures_of(j).frames, 7);
	judge_free(j);
}

/* ---- somebody looks while frames arrive ---- */

struct reader {
	const struct judge *judge;
	bool stop;
	uint64_t looks;
};

static void *look(void *arg)
{
	struct reader *reader = arg;
	struct judge_figures f;
	uint64_t before = 0;

	while (!shared_read(&reader->stop)) {
		judge_figures(reader->judge, &f);
		hist_percentile(judge_hist(reader->judge), 99.99);
		if (f.delivered < before || f.lost > 100000)
			return arg;
		before = f.delivered;
		reader->looks++;
	}
	return NULL;
}

static void test_reader(void **state)
{
	struct judge *j = new_judge(true, 0, 0);
	struct reader reader = { .judge = j };
	void *bad = NULL;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, look, &reader), 0);
	for (uint64_t i = 0; i < 100000; i++)
		send_number(j, i ^ 1, 10);
	shared_write(&reader.stop, true);
	assert_int_equal(pthread_join(thread, &bad), 0);
	assert_null(bad);
	assert_int_equal(figures_of(j).delivered, 100000);
	assert_int_equal(figures_of(j).reordered, 50000);
	assert_int_equal(figures_of(j).lost, 0);
	judge_free(j);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_expected),
		cmocka_unit_test(test_jump),
		cmocka_unit_test(test_far_jumps),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_super),
		cmocka_unit_test(test_reader),
	};

	return cmocka_run_group_tests_name("judge", tests, NULL, NULL);
}
