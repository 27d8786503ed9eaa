/* SPDX-License-Identifier: BSD-2-Clause */
/* See stamp.h. */
#include "config.h"

#include <endian.h>
#include <string.h>

#include "be.h"
#include "stamp.h"

#define CHECK_AT 2
#define NUMBER_AT 4
#define TIME_AT 10

static uint32_t sum_words(const uint8_t *p, uint32_t n, uint32_t sum)
{
	uint64_t total = sum, word;
	uint32_t last;

	for (; n >= 4; p += 4, n -= 4) {
		memcpy(&last, p, 4);
		word = be32toh(last);
		total += (word >> 16) + (word & 0xffff);
	}
	if (n >= 2)
		total += be16_get(p);
	if (n & 1)
		total += (uint32_t)p[n - 1] << 8;
	total = (total >> 32) + (total & 0xffffffff);
	total = (total >> 16) + (total & 0xffff);
	total = (total >> 16) + (total & 0xffff);
	return (uint32_t)((total >> 16) + (total & 0xffff));
}

static uint64_t get_be(const uint8_t *p, int n)
{
	uint64_t value = 0;

	for (int i = 0; i < n; i++)
		value = value << 8 | p[i];
	return value;
}

static void put_be(uint8_t *p, int n, uint64_t value)
{
	for (int i = n; i--; value >>= 8)
		p[i] = (uint8_t)value;
}

uint32_t stamp_rest_sum(const uint8_t *payload, uint32_t payload_bytes)
{
	return sum_words(payload + STAMP_BYTES, payload_bytes - STAMP_BYTES, 0);
}

void stamp_put(uint8_t *payload, uint32_t rest_sum, const struct stamp *stamp)
{
	put_be(payload, 2, STAMP_MAGIC);
	put_be(payload + CHECK_AT, 2, 0);
	put_be(payload + NUMBER_AT, 6, stamp->number);
	put_be(payload + TIME_AT, 8, stamp->time_ns);
	put_be(payload + CHECK_AT, 2,
	       ~sum_words(payload, STAMP_BYTES, rest_sum) & 0xffff);
}

enum stamp_verdict stamp_get(const uint8_t *payload, uint32_t payload_bytes,
			     struct stamp *stamp)
{
	if (payload_bytes < STAMP_BYTES || get_be(payload, 2) != STAMP_MAGIC)
		return STAMP_NONE;
	stamp->number = get_be(payload + NUMBER_AT, 6);
	stamp->time_ns = get_be(payload + TIME_AT, 8);
	if (sum_words(payload, payload_bytes, 0) != 0xffff)
		return STAMP_WRONG;
	return STAMP_RIGHT;
}
