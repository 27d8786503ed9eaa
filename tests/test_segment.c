/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cutting TCP frames, and the checksums computed for them, against a plain
 * computation of its own; and random bytes in memory of their own size. Of
 * super-frames test_segment_super knows.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "checksum.h"
#include "plain_sum.h"
#include "rng.h"
#include "segment.h"

#define SEED UINT64_C(0x7365676d656e74)
#define ROUNDS 3000
#define BYTES_MAX 20000

struct draft {
	uint8_t byte[BYTES_MAX];
	uint32_t len, network, transport, payload, end;
	bool v6;
};

/* Sum of the segment and its pseudo-header; 0xffff if the checksum is right. */
static uint32_t layer4_sum(const uint8_t *data, const struct draft *d,
			   uint32_t end, uint32_t protocol)
{
	uint8_t tail[4] = { 0, (uint8_t)protocol };
	uint32_t sum = plain_sum(0, data + d->network + (d->v6 ? 8 : 12),
				 d->v6 ? 32 : 8);

	put16(tail + 2, end - d->transport);
	sum = plain_sum(sum, tail, 4);
	return plain_sum(sum, data + d->transport, end - d->transport);
}

static void assert_right(const uint8_t *data, const struct draft *d,
			 uint32_t end, uint32_t protocol)
{
	if (!d->v6)
		assert_int_equal(plain_sum(0, data + d->network,
					   4u * (data[d->network] & 15)),
				 0xffff);
	assert_int_equal(layer4_sum(data, d, end, protocol), 0xffff);
}

/* All bytes random, then what must not be so. */
static void make(struct draft *d, struct rng *rng, uint32_t payload,
		 uint8_t protocol)
{
	static const uint16_t tpid[] = { 0x8100, 0x88a8, 0x9100 };
	uint32_t at = 12, options = 4 * (uint32_t)rng_below(rng, 11);
	uint8_t *ip;

	for (uint32_t i = 0; i < BYTES_MAX; i++)
		d->byte[i] = (uint8_t)rng_next(rng);
	d->v6 = rng_below(rng, 2);
	for (uint64_t n = rng_below(rng, 3); n; n--, at += 4)
		put16(d->byte + at, tpid[rng_below(rng, 3)]);
	put16(d->byte + at, d->v6 ? 0x86dd : 0x0800);
	d->network = at + 2;
	ip = d->byte + d->network;
	if (d->v6) {
		bool extension = rng_below(rng, 2);

		ip[0] = 0x60;
		ip[6] = extension ? 60 : protocol;
		ip[40] = protocol;
		ip[41] = 1;
		d->transport = d->network + 40 + (extension ? 16 : 0);
	} else {
		ip[0] = (uint8_t)(0x45 + options / 4);
		memset(ip + 20, 1, options);
		put16(ip + 6, rng_below(rng, 2) << 14);
		ip[9] = protocol;
		d->transport = d->network + 20 + options;
	}
	d->payload = d->transport + 8;
	if (protocol == 6) {
		options = 4 * (uint32_t)rng_below(rng, 11);
		d->byte[d->transport + 12] = (uint8_t)((5 + options / 4) << 4);
		d->byte[d->transport + 13] &= 0xd9; /* no SYN, RST, URG */
		d->payload = d->transport + 20 + options;
	}
	d->end = d->payload + payload;
	d->len = d->end + (uint32_t)rng_below(rng, 7); /* Ethernet pads */
	if (d->v6)
		put16(ip + 4, d->end - d->network - 40);
	else
		put16(ip + 2, d->end - d->network);
	if (protocol == 17)
		put16(d->byte + d->transport + 4, d->end - d->transport);
}

/* Of its own size, so that a sanitizer sees each byte too far. */
static uint8_t *copy(const uint8_t *data, uint32_t len)
{
	uint8_t *to = malloc(len);

	assert_non_null(to);
	return memcpy(to, data, len);
}

static void assert_flags(const struct draft *d, const uint8_t *out,
			 uint32_t i, bool last)
{
	uint8_t want = d->byte[d->transport + 13];

	if (i)
		want &= 0x7f;
	if (!last)
		want &= 0xf6;
	assert_int_equal(out[d->transport + 13], want);
	assert_memory_equal(out + d->transport + 20,
			    d->byte + d->transport + 20,
			    d->payload - d->transport - 20);
	if (!d->v6)
		assert_int_equal(get16(out + d->network + 4),
				 (get16(d->byte + d->network + 4) + i) &
					 0xffff);
}

static void cut(const struct draft *d, uint32_t mtu)
{
	struct frame f = { .data = copy(d->byte, d->len), .len = d->len };
	uint32_t at = d->payload, i = 0, n, room, len, mss;
	struct segment_job job;
	uint8_t *out;

	mss = segment_mss(&f, mtu);
	assert_int_equal(segment_start(&job, &f, mss), 0);
	n = segment_count(&job);
	room = segment_bytes(&job);
	assert_true(room <= frame_limit(&f, mtu));
	out = malloc(room);
	assert_false(segment_next(&job, out, d->payload - 1, &len));
	while (segment_next(&job, out, room, &len)) {
		uint32_t bytes = len - d->payload;

		assert_right(out, d, len, 6);
		assert_flags(d, out, i, i + 1 == n);
		assert_int_equal(get16(out + d->network + (d->v6 ? 4 : 2)),
				 len - d->network - (d->v6 ? 40 : 0));
		assert_int_equal(get32(out + d->transport + 4),
				 get32(d->byte + d->transport + 4) + at -
					 d->payload);
		assert_memory_equal(out + d->payload, d->byte + at, bytes);
		assert_true(bytes == mss || i + 1 == n);
		at += bytes;
		i++;
	}
	assert_int_equal(len, 0);
	assert_int_equal(i, n);
	assert_int_equal(at, d->end);
	free(out);
	free(f.data);
}

static void test_cut(void **state)
{
	static const uint32_t mtu[] = { 576, 1280, 1500, 9000 };
	struct rng rng = { SEED };
	struct draft d;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		make(&d, &rng, (uint32_t)rng_below(&rng, 19000), 6);
		cut(&d, mtu[i % 4]);
	}
}

static void test_fits_exactly(void **state)
{
	struct rng rng = { SEED };
	struct frame f;
	struct draft d;

	(void)state;
	do
		make(&d, &rng, 8000, 6);
	while (d.network != 14);
	f = (struct frame){ .data = d.byte, .len = d.len };
	assert_int_equal(segment_mss(&f, 1500), 1514 - d.payload);
	assert_int_equal(segment_mss(&f, d.payload - 14), 0);
	assert_int_equal(segment_mss(&f, d.payload - 13), 1);
	assert_int_equal(segment_mss(&f, 0), 0);
}

static void assert_refused(const struct draft *d)
{
	struct frame f = { .data = copy(d->byte, d->len), .len = d->len };
	struct segment_job job;

	assert_int_equal(segment_start(&job, &f, 100), -EINVAL);
	assert_int_equal(segment_mss(&f, 1500), 0);
	free(f.data);
}

static void test_refused(void **state)
{
	static const uint8_t flag[] = { 0x02, 0x04, 0x20 };
	struct rng rng = { SEED };
	struct segment_job job;
	struct frame f;
	struct draft d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(flag); i++) {
		make(&d, &rng, 3000, 6);
		d.byte[d.transport + 13] |= flag[i];
		assert_refused(&d);
	}
	make(&d, &rng, 3000, 17);
	assert_refused(&d);
	make(&d, &rng, 3000, 6);
	f = (struct frame){ .data = d.byte, .len = d.len };
	assert_int_equal(segment_start(&job, &f, 0), -EINVAL);
	for (d.len = d.end - 1; d.len >= FRAME_MIN_BYTES;
	     d.len -= 1 + d.len / 50)
		assert_refused(&d);
	do
		make(&d, &rng, 3000, 6);
	while (d.v6);
	put16(d.byte + d.network + 6, 0x2000);
	assert_refused(&d);
	put16(d.byte + d.network + 6, 1);
	assert_refused(&d);
}

/* Whatever was in the fields; UDP's 0 is 0xffff. */
static void test_checksum_fix(void **state)
{
	static const uint8_t protocol[] = { 6, 17 };
	struct rng rng = { SEED };
	struct draft d;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		uint8_t *data;

		make(&d, &rng, (uint32_t)rng_below(&rng, 300), protocol[i % 2]);
		data = copy(d.byte, d.len);
		checksum_fix(data, d.len);
		assert_right(data, &d, d.end, protocol[i % 2]);
		/* Words that bring the sum to 0xffff: it comes out as 0. */
		if (i % 2 && d.end - d.payload >= 2) {
			uint32_t sum;

			put16(data + d.transport + 6, 0);
			put16(data + d.payload, 0);
			sum = layer4_sum(data, &d, d.end, 17);
			put16(data + d.payload, 0xffff - sum);
			checksum_fix(data, d.len);
			assert_int_equal(get16(data + d.transport + 6), 0xffff);
		}
		free(data);
	}
}

/* A sum by words of the machine is that by words of the network, and what is
 * mended is what would have been computed. */
static void test_sum_and_mend(void **state)
{
	struct rng rng = { SEED };
	uint8_t old[256], new[256], copied[256], field[2];

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t len = 2 + 2 * (uint32_t)rng_below(&rng, 126);

		for (uint32_t k = 0; k < sizeof(old); k++) {
			old[k] = (uint8_t)rng_next(&rng);
			new[k] = (uint8_t)rng_next(&rng);
		}
		assert_int_equal(checksum_sum(old, len - 1),
				 plain_sum(0, old, len - 1));
		assert_int_equal(checksum_copy(copied, old, len - 1),
				 plain_sum(0, old, len - 1));
		assert_memory_equal(copied, old, len - 1);
		put16(field, ~plain_sum(0, old, len));
		checksum_mend(field, checksum_delta(old, new, len));
		assert_int_equal(get16(field),
				 0xffff - plain_sum(0, new, len));
	}
}

/* Nothing reaches beyond the frame, and all that is named lies in it. */
static void test_broken(void **state)
{
	static const uint8_t next[] = { 0, 6, 17, 43, 44, 51, 58, 60 };
	struct rng rng = { SEED };
	struct draft d;

	(void)state;
	for (int i = 0; i < 10 * ROUNDS; i++) {
		struct segment_job job;
		struct dissect x;
		struct frame f;
		uint32_t len;

		if (i % 50 == 0)
			make(&d, &rng, 100, 6);
		f.len = 14 + (uint32_t)rng_below(&rng, d.end - 13);
		f = (struct frame){ .data = copy(d.byte, f.len), .len = f.len };
		for (uint64_t n = rng_below(&rng, 4); n; n--)
			f.data[12 + rng_below(&rng, f.len - 12)] =
				next[rng_below(&rng, ARRAY_SIZE(next))];
		dissect(f.data, f.len, &x);
		assert_true(x.network <= f.len && x.transport <= x.end);
		assert_true(x.payload <= x.end && x.end <= f.len);
		checksum_fix(f.data, f.len);
		if (!segment_start(&job, &f, 30)) {
			uint32_t room = segment_bytes(&job);
			uint8_t *out = malloc(room);

			while (segment_next(&job, out, room, &len))
				assert_true(len <= room);
			free(out);
		}
		free(f.data);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_fits_exactly),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_checksum_fix),
		cmocka_unit_test(test_sum_and_mend),
		cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests_name("segment", tests, NULL, NULL);
}
