/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stamp: its bytes as the header tells, sums that a second way of counting
 * agrees with, and no changed bit that goes unseen.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "rng.h"
#include "stamp.h"

#define PAYLOAD_MAX 9000

/* RFC 1071, all carries at the end. */
static uint16_t sum_of(const uint8_t *p, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += i % 2 ? p[i] : (uint64_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void fill(struct rng *rng, uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		p[i] = (uint8_t)rng_next(rng);
}

static struct stamp random_stamp(struct rng *rng)
{
	return (struct stamp){
		.number = rng_next(rng) & STAMP_NUMBER_MAX,
		.time_ns = rng_next(rng),
	};
}

static void check_get(const uint8_t *payload, uint32_t n,
		      const struct stamp *stamp)
{
	struct stamp got = { ~stamp->number, ~stamp->time_ns };

	assert_int_equal(stamp_get(payload, n, &got), STAMP_RIGHT);
	assert_int_equal(got.number, stamp->number);
	assert_int_equal(got.time_ns, stamp->time_ns);
}

/* Worked out by hand. */
static void test_bytes(void **state)
{
	static const struct {
		struct stamp stamp;
		uint8_t rest[3];
		uint32_t bytes;
		uint8_t want[STAMP_BYTES];
	} row[] = {
		{ { 0, 0 }, { 0 }, 18,
		  { 0xb5, 0x7e, 0x4a, 0x81 } },
		{ { 0x010203040506, 0x1112131415161718 },
		  { 0xaa, 0xbb, 0xcc }, 21,
		  { 0xb5, 0x7e, 0x7a, 0x64, 1, 2, 3, 4, 5, 6, 0x11, 0x12, 0x13,
		    0x14, 0x15, 0x16, 0x17, 0x18 } },
		{ { STAMP_NUMBER_MAX, UINT64_MAX }, { 0 }, 18,
		  { 0xb5, 0x7e, 0x4a, 0x81, 255, 255, 255, 255, 255, 255, 255,
		    255, 255, 255, 255, 255, 255, 255 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		uint8_t payload[21] = { 0 };

		memcpy(payload + STAMP_BYTES, row[i].rest, 3);
		stamp_put(payload, stamp_rest_sum(payload, row[i].bytes),
			  &row[i].stamp);
		assert_memory_equal(payload, row[i].want, STAMP_BYTES);
		assert_memory_equal(payload + STAMP_BYTES, row[i].rest, 3);
		check_get(payload, row[i].bytes, &row[i].stamp);
	}
}

/* The sum is what RFC 1071 calls zero, for each stamp over the same rest: so
 * checksums over the payload need no mending. */
static void test_sum(void **state)
{
	static uint8_t payload[PAYLOAD_MAX + 1];
	struct rng rng = { 1 };

	(void)state;
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t n = STAMP_BYTES;
		uint32_t rest;

		n += i < 100 ? i : (uint32_t)rng_below(&rng, PAYLOAD_MAX - n);
		fill(&rng, payload, n);
		if (i % 10 == 0)
			memset(payload, i % 20 ? 0xff : 0, n);
		payload[n] = 0x5a;
		rest = stamp_rest_sum(payload, n);
		for (int k = 0; k < 3; k++) {
			struct stamp stamp = random_stamp(&rng);

			stamp_put(payload, rest, &stamp);
			assert_int_equal(sum_of(payload, n), 0xffff);
			assert_int_equal(stamp_rest_sum(payload, n), rest);
			check_get(payload, n, &stamp);
		}
		assert_int_equal(payload[n], 0x5a);
	}
}

/* A number is cut to 48 bits and does not run into its neighbours. */
static void test_number_too_large(void **state)
{
	const struct stamp large = { UINT64_C(0xabcd) << 48 | 7, 0 };
	const struct stamp cut = { 7, 0 };
	uint8_t payload[STAMP_BYTES] = { 0 };

	(void)state;
	stamp_put(payload, 0, &large);
	check_get(payload, STAMP_BYTES, &cut);
}

static void test_each_bit(void **state)
{
	uint8_t payload[65];
	struct rng rng = { 2 };
	struct stamp stamp, got;

	(void)state;
	for (uint32_t n = STAMP_BYTES; n <= sizeof(payload); n++) {
		fill(&rng, payload, n);
		stamp = random_stamp(&rng);
		stamp_put(payload, stamp_rest_sum(payload, n), &stamp);
		for (uint32_t bit = 0; bit < 8 * n; bit++) {
			payload[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(stamp_get(payload, n, &got),
					 bit < 16 ? STAMP_NONE : STAMP_WRONG);
			payload[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		check_get(payload, n, &stamp);
	}
}

/* A burst of errors within 16 bits is seen, too, but for 0 against 0xffff. */
static void test_each_word(void **state)
{
	uint8_t payload[40];
	struct rng rng = { 3 };
	struct stamp stamp = random_stamp(&rng), got;

	(void)state;
	fill(&rng, payload, sizeof(payload));
	stamp_put(payload, stamp_rest_sum(payload, sizeof(payload)), &stamp);
	for (uint32_t at = 2; at < sizeof(payload); at += 2) {
		uint8_t was[2] = { payload[at], payload[at + 1] };

		for (uint32_t word = 0; word < 0x10000; word++) {
			bool same = word == (uint32_t)(was[0] << 8 | was[1]);

			payload[at] = (uint8_t)(word >> 8);
			payload[at + 1] = (uint8_t)word;
			assert_int_equal(stamp_get(payload, sizeof(payload),
						   &got),
					 same ? STAMP_RIGHT : STAMP_WRONG);
		}
		memcpy(payload + at, was, 2);
	}
}

/* Too short for a stamp, though it begins like one; cut behind it; padded. */
static void test_length(void **state)
{
	uint8_t payload[64];
	struct rng rng = { 4 };
	struct stamp stamp = random_stamp(&rng), got;
	uint8_t *only;

	(void)state;
	fill(&rng, payload, 40);
	memset(payload + 40, 0, 24);
	stamp_put(payload, stamp_rest_sum(payload, 40), &stamp);
	for (uint32_t n = 0; n < STAMP_BYTES; n++) {
		/* Of that size exactly: a sanitizer hears of reading on. */
		only = malloc(n + !n);
		assert_non_null(only);
		memcpy(only, payload, n);
		assert_int_equal(stamp_get(only, n, &got), STAMP_NONE);
		free(only);
	}
	for (uint32_t n = STAMP_BYTES; n < 40; n++)
		assert_int_equal(stamp_get(payload, n, &got), STAMP_WRONG);
	/* Zeros behind it, as Ethernet pads, do not count. */
	for (uint32_t n = 40; n <= 64; n++)
		check_get(payload, n, &stamp);
}

static void test_foreign(void **state)
{
	uint8_t payload[64];
	struct rng rng = { 5 };
	struct stamp got;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		fill(&rng, payload, sizeof(payload));
		if (payload[0] == STAMP_MAGIC >> 8)
			payload[0] ^= 1;
		assert_int_equal(stamp_get(payload, sizeof(payload), &got),
				 STAMP_NONE);
	}
	for (int i = 0; i < 256; i += 255) {
		memset(payload, i, sizeof(payload));
		assert_int_equal(stamp_get(payload, sizeof(payload), &got),
				 STAMP_NONE);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_number_too_large),
		cmocka_unit_test(test_each_bit),
		cmocka_unit_test(test_each_word),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests_name("stamp", tests, NULL, NULL);
}
