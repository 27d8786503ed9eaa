/* SPDX-License-Identifier: BSD-2-Clause */
/* stats.c: the names of the reasons, the balance, and the snapshot. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <string.h>

#include "stats.h"

#define COUNTERS (sizeof(struct lane_stats) / sizeof(uint64_t))

/* Reports and JSON name them, so each has a name of its own, in few letters. */
static void test_reasons(void **state)
{
	(void)state;
	for (int i = 0; i < REASONS; i++) {
		assert_non_null(reason_info[i].name);
		assert_non_null(reason_info[i].help);
		assert_true(*reason_info[i].name);
		assert_true(*reason_info[i].help);
		for (const char *c = reason_info[i].name; *c; c++)
			assert_true(islower((unsigned char)*c) || *c == '_');
		for (int k = 0; k < i; k++) {
			assert_string_not_equal(reason_info[i].name,
						reason_info[k].name);
			assert_string_not_equal(reason_info[i].help,
						reason_info[k].help);
		}
	}
}

/* What the world calls them must not change by a row that is moved. */
static void test_reason_names(void **state)
{
	static const struct {
		enum reason why;
		const char *name;
	} row[] = {
		{ REASON_FILTERED, "filtered" },
		{ REASON_TRUNCATED, "truncated" },
		{ REASON_OVERSIZE, "oversize" },
		{ REASON_UNSEGMENTABLE, "unsegmentable" },
		{ REASON_TX_FULL, "tx_full" },
		{ REASON_TX_ERROR, "tx_error" },
		{ REASON_LINK_DOWN, "link_down" },
		{ REASON_PAUSED, "paused" },
		{ REASON_STALE, "stale" },
		{ REASON_IMPAIRED, "impaired" },
		{ REASON_QUEUE_FULL, "queue_full" },
		{ REASON_AGED, "aged" },
	};

	(void)state;
	assert_int_equal(ARRAY_SIZE(row), REASONS);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		assert_string_equal(reason_info[row[i].why].name, row[i].name);
}

static void test_drop(void **state)
{
	struct lane_stats s = { 0 };

	(void)state;
	for (int why = 0; why < REASONS; why++) {
		stats_drop(&s, (enum reason)why, 1u << why);
		stats_drop(&s, (enum reason)why, 0);
	}
	for (int why = 0; why < REASONS; why++)
		assert_int_equal(s.dropped_frames[why], 1u << why);
	assert_int_equal(stats_dropped(&s), (1u << REASONS) - 1);
	stats_drop(&s, REASON_FILTERED, UINT32_MAX);
	stats_drop(&s, REASON_FILTERED, UINT32_MAX);
	assert_int_equal(s.dropped_frames[REASON_FILTERED],
			 2 * (uint64_t)UINT32_MAX + 1);
}

/* Which counters stand on which side of the balance. */
static void test_balance(void **state)
{
	static const struct {
		size_t offset;
		int sign;
	} row[] = {
#define COUNTER(member, sign) { offsetof(struct lane_stats, member), sign }
		COUNTER(received_frames, 1),
		COUNTER(received_bytes, 0),
		COUNTER(forwarded_frames, -1),
		COUNTER(forwarded_bytes, 0),
		COUNTER(duplicated_frames, 1),
		COUNTER(split_frames, 1),
		COUNTER(held_frames, -1),
		COUNTER(offered_frames, 0),
		COUNTER(ring_full_frames, 0),
		COUNTER(bypassed_frames, 0),
		COUNTER(bypassed_bytes, 0),
		COUNTER(bypass_filtered_frames, 0),
#undef COUNTER
	};
	struct lane_stats s = { 0 };

	(void)state;
	assert_int_equal(ARRAY_SIZE(row) + REASONS, COUNTERS);
	assert_int_equal(stats_unaccounted(&s), 0);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		uint64_t *counter = (uint64_t *)((char *)&s + row[i].offset);

		*counter = 1000;
		assert_int_equal(stats_unaccounted(&s), 1000 * row[i].sign);
		assert_int_equal(stats_dropped(&s), 0);
		*counter = 0;
	}
	for (int why = 0; why < REASONS; why++) {
		s.dropped_frames[why] = 1000;
		assert_int_equal(stats_unaccounted(&s), -1000);
		s.dropped_frames[why] = 0;
	}
}

static void test_balance_closes(void **state)
{
	struct lane_stats s = {
		.received_frames = 1000, .duplicated_frames = 20,
		.split_frames = 300, .forwarded_frames = 1200,
		.held_frames = 13,
	};

	(void)state;
	for (int why = 0; why < REASONS; why++)
		s.dropped_frames[why] = (uint64_t)(why + 1);
	s.dropped_frames[0] += 107 - REASONS * (REASONS + 1) / 2;
	assert_int_equal(stats_dropped(&s), 107);
	assert_int_equal(stats_unaccounted(&s), 0);
	s.received_frames++;
	assert_int_equal(stats_unaccounted(&s), 1);
	s.forwarded_frames += 2;
	assert_int_equal(stats_unaccounted(&s), -1);
}

/* Counters are 64 bits wide everywhere. */
static void test_balance_of_years(void **state)
{
	const uint64_t many = UINT64_C(1) << 63;
	struct lane_stats s = { .received_frames = many + 5,
				.forwarded_frames = many };

	(void)state;
	s.dropped_frames[REASON_TX_FULL] = 4;
	assert_int_equal(stats_unaccounted(&s), 1);
	s.dropped_frames[REASON_TX_FULL] = 6;
	assert_int_equal(stats_unaccounted(&s), -1);
}

static void test_snapshot(void **state)
{
	struct lane_stats from, before, to;
	uint64_t *counter = (uint64_t *)&from;

	(void)state;
	for (size_t i = 0; i < COUNTERS; i++)
		counter[i] = (i + 1) * UINT64_C(0x100000001);
	before = from;
	memset(&to, 0xff, sizeof(to));
	stats_snapshot(&from, &to);
	assert_memory_equal(&to, &before, sizeof(to));
	assert_memory_equal(&from, &before, sizeof(from));
	from.received_frames++;
	assert_memory_equal(&to, &before, sizeof(to));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_reason_names),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_balance),
		cmocka_unit_test(test_balance_closes),
		cmocka_unit_test(test_balance_of_years),
		cmocka_unit_test(test_snapshot),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
