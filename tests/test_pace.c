/* SPDX-License-Identifier: BSD-2-Clause */
/* pace.c: when each frame is due, to the nanosecond, over hours and passes. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "clock.h"
#include "pace.h"

/* When a frame of this time and length is due. */
static uint64_t due(struct pace *pace, uint64_t time_ns, uint32_t len)
{
	const struct frame f = { .time_ns = time_ns, .len = len };

	return pace_due(pace, &f);
}

static struct pace pace_of(struct pace_params params)
{
	struct pace pace;

	if (!params.factor)
		params.factor = 1;
	pace_init(&pace, &params);
	return pace;
}

/* Not one nanosecond is lost in a day of frames 1.000001 ms apart. */
static void test_capture(void **state)
{
	struct pace pace = pace_of((struct pace_params){ .mode = PACE_CAPTURE });
	const uint64_t gap_ns = 1000001, n = 86400000;

	(void)state;
	for (uint64_t i = 0; i < n; i += 1000)
		assert_int_equal(due(&pace, 5000 + i * gap_ns, 60), i * gap_ns);
}

static void test_capture_factor(void **state)
{
	static const struct {
		double factor;
		uint64_t due_ns; /* of a frame one second after the first */
	} row[] = {
		{ 2, 500000000 }, { 0.5, 2000000000 }, { 10, 100000000 },
		{ 0.1, 10000000000 }, { 3, 333333333 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct pace pace = pace_of((struct pace_params){
			.mode = PACE_CAPTURE, .factor = row[i].factor });

		assert_int_equal(due(&pace, 0, 60), 0);
		assert_in_range(due(&pace, NS_PER_SEC, 60),
				row[i].due_ns - 1, row[i].due_ns + 1);
	}
}

/* The longest wait is one of real time, whatever the factor. */
static void test_max_gap(void **state)
{
	struct pace pace = pace_of((struct pace_params){
		.mode = PACE_CAPTURE, .factor = 4, .max_gap_ns = 1000 });

	(void)state;
	assert_int_equal(due(&pace, 0, 60), 0);
	assert_int_equal(due(&pace, 2000, 60), 500);
	assert_int_equal(due(&pace, 1002000, 60), 1500);
	assert_int_equal(due(&pace, 1002400, 60), 1600);
}

/* The next pass begins when the last frame left, plus the delay; its own first
 * time does not matter. */
static void test_capture_passes(void **state)
{
	struct pace pace = pace_of((struct pace_params){ .mode = PACE_CAPTURE });

	(void)state;
	for (uint64_t pass = 0; pass < 1000; pass++) {
		uint64_t base_ns = pass * (700 + 300);

		assert_int_equal(due(&pace, 100, 60), base_ns);
		assert_int_equal(due(&pace, 300, 60), base_ns + 200);
		assert_int_equal(due(&pace, 800, 60), base_ns + 700);
		pace_pass(&pace, 300);
	}
}

/* Frame n is due at n / rate, from one in four seconds to half a million in
 * one, and passes do not round it. */
static void test_frames(void **state)
{
	static const double rate[] = { 0.25, 1, 3, 7.5, 1000, 500000, 1488095 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rate); i++) {
		struct pace pace = pace_of((struct pace_params){
			.mode = PACE_FRAMES, .rate = rate[i] });

		for (uint64_t n = 0; n < 3000000; n++) {
			uint64_t due_ns = due(&pace, 0, 60);
			double wanted = (double)n * 1e9 / rate[i];

			if (n % 997 == 0)
				pace_pass(&pace, 0);
			assert_true((double)due_ns <= wanted + 0.5 &&
				    (double)due_ns >= wanted - 1.5);
		}
	}
}

/* A frame is due when all bits before it have passed. */
static void test_bits(void **state)
{
	struct pace two = pace_of((struct pace_params){
		.mode = PACE_BITS, .rate = 1e6 });
	struct pace one = pace_of((struct pace_params){
		.mode = PACE_BITS, .rate = 1e6, .layer1 = true });

	(void)state;
	assert_int_equal(due(&two, 0, 125), 0);
	assert_int_equal(due(&two, 0, 1500), 1000000);
	assert_int_equal(due(&two, 0, 60), 13000000);
	assert_int_equal(due(&one, 0, 101), 0);
	/* Preamble, FCS and gap are 24 bytes; a runt is padded to 60. */
	assert_int_equal(due(&one, 0, 14), 1000000);
	assert_int_equal(due(&one, 0, 60), 1000000 + 84 * 8000);
}

static void test_gap(void **state)
{
	struct pace pace = pace_of((struct pace_params){
		.mode = PACE_GAP, .gap_ns = 12345 });

	(void)state;
	for (uint64_t n = 0; n < 100000; n++)
		assert_int_equal(due(&pace, 0, 60), n * 12345);
}

static void test_burst(void **state)
{
	struct pace pace = pace_of((struct pace_params){
		.mode = PACE_FRAMES, .rate = 1000, .burst = 10 });

	(void)state;
	for (uint64_t n = 0; n < 10000; n++)
		assert_int_equal(due(&pace, 0, 60), n / 10 * 10000000);
}

/*
 * From 0 to 1000 in one second 500 frames leave, the first half of them in
 * sqrt(1/2) seconds; then 1000 a second for one; then down to 0, and no more.
 */
static void test_ramp(void **state)
{
	struct pace pace = pace_of((struct pace_params){
		.mode = PACE_RAMP, .n_steps = 3,
		.step = { { 0, 1000, NS_PER_SEC }, { 1000, 1000, NS_PER_SEC },
			  { 1000, 0, NS_PER_SEC } } });
	uint64_t at[2001], n;

	(void)state;
	for (n = 0; n < 2001; n++) {
		at[n] = due(&pace, 0, 60);
		if (at[n] == PACE_NEVER)
			break;
		assert_true(!n || at[n] >= at[n - 1]);
	}
	assert_int_equal(n, 2000);
	assert_in_range(at[250], 707106000, 707107500);
	assert_in_range(at[500], 1000000000, 1000000001);
	assert_in_range(at[1000], 1500000000, 1500000001);
	assert_in_range(at[1500], 2000000000, 2000000001);
	assert_in_range(at[1875], 2499999000, 2500001000);
}

/* The last rate goes on. */
static void test_ramp_goes_on(void **state)
{
	struct pace pace = pace_of((struct pace_params){
		.mode = PACE_RAMP, .n_steps = 1,
		.step = { { 100, 200, NS_PER_SEC } } });
	uint64_t at[351];

	(void)state;
	for (int n = 0; n < 351; n++)
		at[n] = due(&pace, 0, 60);
	assert_in_range(at[150], 1000000000, 1000000001);
	assert_in_range(at[350], 1999999999, 2000000001);
}

static void test_topspeed(void **state)
{
	struct pace pace = pace_of((struct pace_params){
		.mode = PACE_TOPSPEED });

	(void)state;
	assert_int_equal(due(&pace, 0, 60), 0);
	assert_int_equal(due(&pace, NS_PER_SEC, 60), 0);
}

/* Whatever happens, nothing is due before what was due before it. */
static void test_order(void **state)
{
	static const enum pace_mode mode[] = { PACE_CAPTURE, PACE_FRAMES,
					       PACE_BITS, PACE_GAP };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mode); i++) {
		struct pace pace = pace_of((struct pace_params){
			.mode = mode[i], .rate = 1e5, .gap_ns = 10,
			.burst = (uint32_t)i });
		uint64_t last = 0;

		for (uint64_t n = 0; n < 10000; n++) {
			uint64_t now = due(&pace, n / 3 * 1000, 60 + n % 1000);

			assert_true(now >= last);
			last = now;
			if (n % 1234 == 0)
				pace_pass(&pace, n);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capture),
		cmocka_unit_test(test_capture_factor),
		cmocka_unit_test(test_max_gap),
		cmocka_unit_test(test_capture_passes),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_ramp),
		cmocka_unit_test(test_ramp_goes_on),
		cmocka_unit_test(test_topspeed),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
