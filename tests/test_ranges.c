/* SPDX-License-Identifier: BSD-2-Clause */
/* ranges.c: what is read as a set of numbers, and what is in it. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ranges.h"
#include "rng.h"

#define END UINT64_MAX
#define SEED 20

struct reading {
	const char *text;
	struct range want[4]; /* up to the first that is all zero */
};

static const struct reading reading[] = {
	{ "1", { { 1, 1 } } },
	{ "007", { { 7, 7 } } },
	{ "1-", { { 1, END } } },
	{ "5-5", { { 5, 5 } } },
	{ "1-100,200,300-", { { 1, 100 }, { 200, 200 }, { 300, END } } },
	{ "300-,200,1-100", { { 1, 100 }, { 200, 200 }, { 300, END } } },
	{ "1,2,3", { { 1, 3 } } },
	{ "3,1,2", { { 1, 3 } } },
	{ "1-3,4-6", { { 1, 6 } } },
	{ "1-3,5-6", { { 1, 3 }, { 5, 6 } } },
	{ "1-10,2-3", { { 1, 10 } } },
	{ "1-10,2-3,11", { { 1, 11 } } },
	{ "2-3,1-10,12", { { 1, 10 }, { 12, 12 } } },
	{ "9,9,9-9", { { 9, 9 } } },
	{ "4-,6-,8", { { 4, END } } },
	{ "4-,1-3", { { 1, END } } },
	{ "4-,1-2", { { 1, 2 }, { 4, END } } },
	{ "18446744073709551614", { { END - 1, END - 1 } } },
	{ "18446744073709551613-18446744073709551614,1",
	  { { 1, 1 }, { END - 2, END - 1 } } },
	{ "4294967296-4294967297,4294967295", { { 4294967295, 4294967297 } } },
};

static void test_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reading); i++) {
		const struct reading *row = &reading[i];
		struct ranges r;
		size_t n = 0;

		while (n < ARRAY_SIZE(row->want) && row->want[n].first)
			n++;
		print_message("%s\n", row->text);
		assert_int_equal(ranges_parse(&r, row->text), 0);
		assert_int_equal(r.n, n);
		for (size_t k = 0; k < n; k++) {
			assert_int_equal(r.range[k].first, row->want[k].first);
			assert_int_equal(r.range[k].last, row->want[k].last);
		}
		assert_true(ranges_last(&r) == row->want[n - 1].last);
		ranges_fini(&r);
	}
}

static void test_refused(void **state)
{
	static const char *const text[] = {
		"", ",", "-", "0", "00", "0-5", "1-0", "5-4", "-5", "--", "1--",
		"1--2", "1-2-3", "1,", ",1", "1,,2", "1-,", "1-,,", "1 ", " 1",
		"1, 2", "1 -2", "1- 2", "+1", "1-+2", "0x10", "1e3", "1.", "1.5",
		"a", "1a", "1-a", "1-2a", "1;2", "1..2", "1:2", "1\n", "all",
		"18446744073709551615", "18446744073709551616",
		"18446744073709551617", "1-18446744073709551615",
		"1-18446744073709551617", "99999999999999999999999",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
		struct ranges r;

		if (ranges_parse(&r, text[i]) != -EINVAL)
			fail_msg("accepted: '%s'", text[i]);
		assert_null(r.range);
		assert_int_equal(r.n, 0);
		assert_false(ranges_has(&r, 1));
		assert_int_equal(ranges_last(&r), 0);
		ranges_fini(&r);
	}
}

static void test_bounds(void **state)
{
	static const struct {
		uint64_t number;
		bool has;
	} row[] = {
		{ 0, false },	{ 1, true },	{ 2, true },	{ 100, true },
		{ 101, false }, { 199, false }, { 200, true },	{ 201, false },
		{ 299, false }, { 300, true },	{ END - 1, true },
		{ END, true },
	};
	struct ranges r;

	(void)state;
	assert_int_equal(ranges_parse(&r, "200,1-100,300-"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		assert_int_equal(ranges_has(&r, row[i].number), row[i].has);
	ranges_fini(&r);
	assert_false(ranges_has(&r, 1));
	ranges_fini(&r); /* twice is fine */
	assert_int_equal(ranges_parse(&r, "18446744073709551614"), 0);
	assert_true(ranges_has(&r, END - 1));
	assert_false(ranges_has(&r, END));
	ranges_fini(&r);
}

/* Against a row of flags, for sets made at random. */
static void test_random(void **state)
{
	struct rng rng = { SEED };

	(void)state;
	for (int round = 0; round < 2000; round++) {
		uint64_t n = 1 + rng_below(&rng, 12), most = 0;
		bool in[64] = { false };
		char text[256] = "";
		struct ranges r;

		while (n--) {
			uint64_t first = 1 + rng_below(&rng, 60);
			uint64_t last = first + rng_below(&rng, 64 - first);
			size_t at = strlen(text);

			if (first == last)
				snprintf(text + at, sizeof(text) - at, "%u%s",
					 (unsigned int)first, n ? "," : "");
			else
				snprintf(text + at, sizeof(text) - at,
					 "%u-%u%s", (unsigned int)first,
					 (unsigned int)last, n ? "," : "");
			for (uint64_t k = first; k <= last; k++)
				in[k] = true;
			most = last > most ? last : most;
		}
		assert_int_equal(ranges_parse(&r, text), 0);
		for (uint64_t k = 0; k < 64; k++)
			if (ranges_has(&r, k) != in[k])
				fail_msg("%s: %u", text, (unsigned int)k);
		assert_int_equal(ranges_last(&r), most);
		for (size_t k = 1; k < r.n; k++)
			assert_true(r.range[k].first > r.range[k - 1].last + 1);
		ranges_fini(&r);
	}
}

/* A list as a script makes it: as many numbers as an argument can hold. */
static void test_long_list(void **state)
{
	const size_t n = 10000;
	char *text = malloc(n * 8), *to = text;
	struct ranges r;

	(void)state;
	assert_non_null(text);
	for (size_t i = n; i; i--)
		to += sprintf(to, "%zu%s", 2 * i, i > 1 ? "," : "");
	assert_int_equal(ranges_parse(&r, text), 0);
	free(text);
	assert_int_equal(r.n, n);
	for (size_t i = 1; i <= n; i++) {
		assert_true(ranges_has(&r, 2 * i));
		assert_false(ranges_has(&r, 2 * i - 1));
	}
	ranges_fini(&r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),	  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounds),	  cmocka_unit_test(test_random),
		cmocka_unit_test(test_long_list),
	};

	return cmocka_run_group_tests_name("ranges", tests, NULL, NULL);
}
