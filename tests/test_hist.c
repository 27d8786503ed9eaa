/* SPDX-License-Identifier: BSD-2-Clause */
/* The histogram against a sorted array of the same values. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "hist.h"
#include "rng.h"

#define VALUES 20011 /* a prime: ranks fall between numbers */

/* In thousandths of a percent, so that ranks can be told by whole numbers. */
static const uint32_t percents[] = {
	0, 1, 10, 100, 1000, 5000, 10000, 25000, 33333, 50000, 66667, 75000,
	90000, 95000, 99000, 99900, 99990, 99999, 100000,
};

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void check_percentiles(const struct hist *h, const uint64_t *sorted,
			      uint64_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(percents); i++) {
		uint64_t rank = (percents[i] * n + 99999) / 100000;
		uint64_t true_one = sorted[rank ? rank - 1 : 0];
		uint64_t told = hist_percentile(h, percents[i] / 1000.0);

		assert_true(told >= true_one);
		assert_true(told <= sorted[n - 1]);
		assert_true(told - true_one <= true_one / 1000);
	}
	assert_int_equal(hist_percentile(h, 0), sorted[0]);
	assert_int_equal(hist_percentile(h, 100), sorted[n - 1]);
}

/* Sorts the values. */
static void check_against(const struct hist *h, uint64_t *value, uint64_t n)
{
	long double sum = 0;

	qsort(value, n, sizeof(*value), by_value);
	for (uint64_t i = 0; i < n; i++)
		sum += (long double)value[i];
	sum /= (long double)n;
	assert_int_equal(hist_count(h), n);
	assert_int_equal(hist_min(h), value[0]);
	assert_int_equal(hist_max(h), value[n - 1]);
	assert_true(fabsl((long double)hist_mean(h) - sum) <= sum * 1e-9L);
	check_percentiles(h, value, n);
}

/* ---- shapes ---- */

static double unit(struct rng *rng)
{
	return (double)(rng_next(rng) >> 11) * 0x1p-53;
}

static uint64_t small(struct rng *rng)
{
	return rng_below(rng, 3000);
}

static uint64_t whole_range(struct rng *rng)
{
	return rng_next(rng);
}

/* As many of each magnitude. */
static uint64_t magnitudes(struct rng *rng)
{
	return rng_next(rng) >> rng_below(rng, 64);
}

static uint64_t exponential(struct rng *rng)
{
	return (uint64_t)(-50000 * log(1 - unit(rng)));
}

/* Mostly 3 us, now and then a second: what a sleep too long looks like. */
static uint64_t two_hills(struct rng *rng)
{
	return rng_below(rng, 1000) ? 3000 + rng_below(rng, 100) :
				      1000000000 + rng_below(rng, 1000000);
}

static uint64_t constant(struct rng *rng)
{
	(void)rng;
	return 123456789;
}

/* Where a row of cells ends and the next begins. */
static uint64_t edges(struct rng *rng)
{
	return (UINT64_C(1) << rng_below(rng, 64)) - 1 + rng_below(rng, 3);
}

static uint64_t (*const shapes[])(struct rng *) = {
	small, whole_range, magnitudes, exponential, two_hills, constant, edges,
};

static void test_shapes(void **state)
{
	static uint64_t value[VALUES];
	static const uint64_t sizes[] = { 1, 2, 3, 10, 1000, VALUES };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shapes) * ARRAY_SIZE(sizes); i++) {
		uint64_t n = sizes[i % ARRAY_SIZE(sizes)];
		struct rng rng = { i };
		struct hist *h = hist_new();

		assert_non_null(h);
		for (uint64_t k = 0; k < n; k++) {
			value[k] = shapes[i / ARRAY_SIZE(sizes)](&rng);
			hist_add(h, value[k]);
		}
		check_against(h, value, n);
		hist_free(h);
	}
}

/* ---- single ones ---- */

static void test_nothing(void **state)
{
	struct hist *h = hist_new();

	(void)state;
	assert_non_null(h);
	assert_int_equal(hist_count(h), 0);
	assert_int_equal(hist_min(h), 0);
	assert_int_equal(hist_max(h), 0);
	assert_true(hist_mean(h) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(percents); i++)
		assert_int_equal(hist_percentile(h, percents[i] / 1000.0), 0);
	hist_free(h);
	hist_free(NULL);
}

/* Whatever stands alone is told as itself, at 100 % and below. A second, much
 * larger value takes the maximum away, and leaves what the cell knows. */
static void test_each_magnitude(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 64 * 3; i++) {
		uint64_t value = (UINT64_C(1) << i / 3) - 1 + i % 3;
		struct hist *h = hist_new();
		uint64_t told;

		assert_non_null(h);
		hist_add(h, value);
		assert_int_equal(hist_percentile(h, 50), value);
		hist_add(h, UINT64_MAX);
		told = hist_percentile(h, 50);
		assert_true(told >= value && told - value <= value / 1000);
		assert_int_equal(hist_percentile(h, 50.1), UINT64_MAX);
		assert_int_equal(hist_percentile(h, 100), UINT64_MAX);
		hist_free(h);
	}
}

/* Below 2048 nothing is rounded: the rank can be seen itself. */
static void test_rank(void **state)
{
	static const struct {
		double percent;
		uint64_t rank;
	} row[] = {
		{ -1, 1 }, { 0, 1 }, { 0.001, 1 }, { 0.1, 1 }, { 0.101, 2 },
		{ 0.7, 7 }, { 29, 290 }, { 50, 500 }, { 50.01, 501 },
		{ 56.1, 561 }, { 99, 990 }, { 99.9, 999 }, { 99.91, 1000 },
		{ 99.99, 1000 }, { 100, 1000 }, { 101, 1000 },
	};
	struct hist *h = hist_new();

	(void)state;
	assert_non_null(h);
	for (uint64_t i = 1000; i; i--)
		hist_add(h, i);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		assert_int_equal(hist_percentile(h, row[i].percent),
				 row[i].rank);
	/* Each tenth of a percent is a rank, though no fraction of two. */
	for (uint64_t i = 1; i <= 1000; i++)
		assert_int_equal(hist_percentile(h, (double)i / 10), i);
	assert_int_equal(hist_percentile(h, NAN), 1);
	assert_true(hist_mean(h) == 500.5);
	hist_free(h);
}

static void test_merge(void **state)
{
	static uint64_t value[VALUES];
	struct rng rng = { 7 };
	struct hist *part[2] = { hist_new(), hist_new() };
	struct hist *all = hist_new();

	(void)state;
	assert_true(part[0] && part[1] && all);
	hist_merge(all, part[0]); /* nothing to nothing */
	assert_int_equal(hist_count(all), 0);
	assert_int_equal(hist_min(all), 0);
	assert_int_equal(hist_max(all), 0);
	for (uint64_t i = 0; i < VALUES; i++) {
		value[i] = i % 3 ? exponential(&rng) : magnitudes(&rng);
		hist_add(part[i % 3 == 0], value[i]);
	}
	hist_merge(all, part[1]);
	hist_merge(all, part[0]);
	check_against(all, value, VALUES);
	hist_free(part[0]);
	part[0] = hist_new();
	assert_non_null(part[0]);
	hist_merge(all, part[0]); /* nothing to something */
	check_against(all, value, VALUES);
	for (int i = 0; i < 2; i++)
		hist_free(part[i]);
	hist_free(all);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_each_magnitude),
		cmocka_unit_test(test_rank),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_merge),
	};

	return cmocka_run_group_tests_name("hist", tests, NULL, NULL);
}
