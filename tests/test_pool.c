/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool.c: what is kept is whole until it is given back, whatever its size and
 * in whatever order; memory that is full says so, and is good for anything
 * again once it is empty. What a frame costs is printed.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "clock.h"
#include "pool.h"
#include "rng.h"

#define SMALL_POOL (4u << 20)
#define LARGE_POOL (64u << 20)

static uint8_t bytes[FRAME_HEADROOM + FRAME_MAX_BYTES];

/* A frame of bytes that depend on the key, borrowed until the next call. */
static struct frame borrowed(uint32_t len, uint32_t key)
{
	struct frame f = { .data = bytes + FRAME_HEADROOM, .len = len };

	for (uint32_t i = 0; i < len; i++)
		f.data[i] = (uint8_t)(key * 7 + i + (i >> 8));
	f.time_ns = key;
	f.vnet.gso_size = (uint16_t)key;
	return f;
}

static void check_whole(const struct frame *f, uint32_t len, uint32_t key)
{
	uint8_t wrong = 0;

	assert_int_equal(f->len, len);
	assert_int_equal(f->time_ns, key);
	assert_int_equal(f->vnet.gso_size, (uint16_t)key);
	for (uint32_t i = 0; i < len; i++)
		wrong |= f->data[i] ^ (uint8_t)(key * 7 + i + (i >> 8));
	assert_int_equal(wrong, 0);
}

static struct pool *make(size_t size)
{
	struct pool *pool;

	assert_int_equal(pool_new(&pool, size), 0);
	assert_int_equal(pool_used_bytes(pool), 0);
	return pool;
}

static void free_empty(struct pool *pool)
{
	assert_int_equal(pool_used_bytes(pool), 0);
	pool_free(pool);
}

/* ---- */

static void every_size(void **state)
{
	struct pool *pool = make(SMALL_POOL);
	struct held *held[8];
	struct frame f;

	(void)state;
	for (uint32_t len = FRAME_MIN_BYTES; len <= FRAME_MAX_BYTES;
	     len += len < 2400 ? 1 : 499) {
		uint32_t size = len > FRAME_MAX_BYTES - 499 ?
					FRAME_MAX_BYTES : len;

		for (uint32_t i = 0; i < ARRAY_SIZE(held); i++) {
			f = borrowed(size, len + i);
			held[i] = pool_keep(pool, &f);
			assert_non_null(held[i]);
			assert_int_equal((uintptr_t)held[i] % 8, 0);
			/* The headroom is its own. */
			memset(held[i]->frame.data - FRAME_HEADROOM, 0xff,
			       FRAME_HEADROOM);
		}
		for (uint32_t i = 0; i < ARRAY_SIZE(held); i++) {
			pool_lend(pool, held[i], &f);
			check_whole(&f, size, len + i);
		}
		pool_release(pool);
	}
	free_empty(pool);
}

static uint32_t fill(struct pool *pool, uint32_t len, struct held **list)
{
	struct frame f = borrowed(len, 1);
	struct held *held;
	uint32_t n = 0;

	while ((held = pool_keep(pool, &f))) {
		held->mine.next = *list;
		*list = held;
		n++;
	}
	return n;
}

static void empty(struct pool *pool, struct held **list)
{
	struct held *next;

	for (; *list; *list = next) {
		next = (*list)->mine.next;
		pool_drop(pool, *list);
	}
}

/* Full for one size, it is full; emptied, it holds as many of any other as a
 * fresh one does. */
static void is_full_and_good_again(void **state)
{
	static const uint32_t size[] = { 60, 300, 600, 1000, 1514, 2000, 3000,
					 4500, 6000, 9018, 13000, 16000, 20000,
					 33000, FRAME_MAX_BYTES };
	uint32_t first[ARRAY_SIZE(size)], n;
	struct pool *pool = make(SMALL_POOL);
	struct held *list = NULL;
	struct frame f;

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(size); i++) {
			n = fill(pool, size[i], &list);
			first[i] = round ? first[i] : n;
			assert_int_equal(n, first[i]);
			/* It is used for frames, and not for itself. */
			assert_true((uint64_t)n * size[i] >= SMALL_POOL / 4);
			assert_true(pool_used_bytes(pool) <=
				    pool_size_bytes(pool));
			f = borrowed(FRAME_MAX_BYTES, 1);
			assert_null(pool_keep(pool, &f));
			empty(pool, &list);
			assert_int_equal(pool_used_bytes(pool), 0);
		}
	}
	printf("# frames in 4 MiB: %u of 60 bytes, %u of 1514, %u of 9018, "
	       "%u of 64 KiB\n", first[0], first[4], first[9],
	       first[ARRAY_SIZE(size) - 1]);
	assert_true(first[4] * 1514ull >= SMALL_POOL * 8ull / 10);
	free_empty(pool);
}

/* Memory full of small frames serves large ones as the small ones leave in
 * turn, while small ones keep coming as far as there is room. */
static void sizes_change(void **state)
{
	struct pool *pool = make(SMALL_POOL);
	struct held *list = NULL, *old = NULL, *next, *large = NULL;
	struct frame f;
	uint32_t n = fill(pool, 60, &list), got = 0, all;

	(void)state;
	while (list) { /* the oldest first */
		next = list->mine.next;
		list->mine.next = old;
		old = list;
		list = next;
	}
	for (uint32_t i = 0; i < n; i++) {
		next = old->mine.next;
		pool_drop(pool, old);
		old = next;
		f = borrowed(1514, i);
		list = pool_keep(pool, &f);
		if (!list)
			continue;
		list->mine.next = large;
		large = list;
		got++;
	}
	empty(pool, &large);
	/* But for the place that was free last, and its neighbours. */
	all = fill(pool, 1514, &large);
	assert_in_range(got, all - 50, all);
	empty(pool, &large);
	free_empty(pool);
}

/* What was lent and is kept again is the same place, as it is by now. */
static void kept_again(void **state)
{
	struct pool *pool = make(SMALL_POOL);
	struct frame f = borrowed(1000, 3), lent;
	struct held *held = pool_keep(pool, &f), *other;
	size_t used = pool_used_bytes(pool);
	uint8_t stack[200] = { 0 };
	uint8_t *const elsewhere[] = { bytes, stack };

	(void)state;
	for (int stages = 0; stages < 3; stages++) {
		pool_lend(pool, held, &lent);
		frame_push_tag(&lent, 0x8100, (uint16_t)stages);
		assert_ptr_equal(pool_keep(pool, &lent), held);
		assert_int_equal(pool_used_bytes(pool), used);
		pool_release(pool);
		assert_int_equal(pool_used_bytes(pool), used);
	}
	assert_int_equal(held->frame.len, 1012);
	assert_int_equal(held->frame.data[15], 2);
	/* Two frames with the same bytes: a copy for the second. */
	pool_lend(pool, held, &f);
	lent = f;
	assert_ptr_equal(pool_keep(pool, &f), held);
	other = pool_keep(pool, &lent);
	assert_non_null(other);
	assert_ptr_not_equal(other, held);
	assert_ptr_not_equal(other->frame.data, held->frame.data);
	assert_memory_equal(other->frame.data, held->frame.data, 1012);
	assert_ptr_equal(other->frame.held, other);
	pool_release(pool);
	pool_drop(pool, other);
	/* A stage has put the bytes elsewhere, below the pool's memory or above
	 * it: a copy, and the old one goes. */
	for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++) {
		f = borrowed(1000, 3);
		held = i ? pool_keep(pool, &f) : held;
		pool_lend(pool, held, &f);
		f.data = elsewhere[i];
		f.len = 200;
		other = pool_keep(pool, &f);
		assert_ptr_not_equal(other, held);
		pool_release(pool);
		assert_true(pool_used_bytes(pool) < used);
		pool_drop(pool, other);
	}
	free_empty(pool);
}

/* Any number may be lent in a breath; what is kept again of them stays. */
static void lent_by_thousands(void **state)
{
	enum { N = 5000 };
	static struct held *held[N];
	static struct frame lent[N];
	struct pool *pool = make(SMALL_POOL);
	struct frame f;

	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		f = borrowed(60, i);
		held[i] = pool_keep(pool, &f);
		pool_lend(pool, held[i], &lent[i]);
	}
	for (uint32_t i = 0; i < N; i += 3)
		assert_ptr_equal(pool_keep(pool, &lent[i]), held[i]);
	for (uint32_t i = 0; i < N; i++)
		check_whole(&lent[i], 60, i);
	pool_release(pool);
	f = borrowed(60, N);
	for (uint32_t i = 0; i < N; i++)
		if (i % 3)
			held[i] = pool_keep(pool, &f);
	for (uint32_t i = 0; i < N; i++) {
		check_whole(&held[i]->frame, 60, i % 3 ? N : i);
		pool_drop(pool, held[i]);
	}
	free_empty(pool);
}

/* Frames come and go in any order, against a plain list of what is kept. */
static void at_random(void **state)
{
	enum { N = 2000 };
	static struct held *held[N];
	static uint32_t len[N];
	struct rng rng = { 1 };
	struct pool *pool = make(SMALL_POOL / 4);
	struct frame f;
	uint32_t full = 0;

	(void)state;
	for (uint32_t turn = 0; turn < 200000; turn++) {
		uint32_t i = (uint32_t)rng_below(&rng, N);

		if (!held[i]) {
			len[i] = 14 + (uint32_t)rng_below(&rng,
				rng_below(&rng, 50) ? 1600 : FRAME_MAX_BYTES - 14);
			f = borrowed(len[i], i);
			held[i] = pool_keep(pool, &f);
			full += !held[i];
			continue;
		}
		check_whole(&held[i]->frame, len[i], i);
		if (rng_below(&rng, 2)) {
			pool_drop(pool, held[i]);
			held[i] = NULL;
			continue;
		}
		pool_lend(pool, held[i], &f);
		if (rng_below(&rng, 2))
			assert_ptr_equal(pool_keep(pool, &f), held[i]);
		else
			held[i] = NULL;
		pool_release(pool);
	}
	for (uint32_t i = 0; i < N; i++)
		if (held[i])
			pool_drop(pool, held[i]);
	assert_true(full > 100); /* that was tried, too */
	free_empty(pool);
}

static void sizes_of_pools(void **state)
{
	struct frame f = borrowed(FRAME_MAX_BYTES, 1);
	struct pool *pool = make(1);
	struct held *held = pool_keep(pool, &f);

	(void)state;
	assert_non_null(held);
	assert_null(pool_keep(pool, &f));
	pool_drop(pool, held);
	free_empty(pool);
	pool = make(1000000);
	assert_true(pool_size_bytes(pool) <= 1000000);
	free_empty(pool);
	assert_int_equal(pool_new(&pool, SIZE_MAX), -ENOMEM);
	pool_free(NULL);
}

/* ---- what it costs ---- */

/* Through a queue of so many frames that all of the memory is used. */
static void measure(struct pool *pool, uint32_t len)
{
	struct held *first, *last, *held = NULL;
	struct frame f = borrowed(len, 1), lent;
	uint32_t n = fill(pool, len, &held), turns;
	uint64_t ns;

	last = held; /* it is the order of places backwards: as good as any */
	for (first = NULL; held; held = last) {
		last = held->mine.next;
		held->mine.next = first;
		first = held;
	}
	for (last = first; last->mine.next;)
		last = last->mine.next;
	turns = len > 10000 ? 5000 : 300000;
	ns = clock_now_ns();
	for (uint32_t i = 0; i < turns; i++) {
		held = first;
		first = first->mine.next;
		pool_lend(pool, held, &lent);
		pool_release(pool);
		held = pool_keep(pool, &f);
		held->mine.next = NULL;
		last->mine.next = held;
		last = held;
	}
	ns = clock_now_ns() - ns;
	printf("# %5u bytes: %u held, %.1f ns to keep, lend and release one\n",
	       len, n, (double)ns / turns);
	empty(pool, &first);
	/* A hundred times what it takes: it may be a debug build. */
	assert_true(ns / turns < 20000 + len * 20ull);
}

static void costs(void **state)
{
	uint64_t ns = clock_now_ns();
	struct pool *pool = make(LARGE_POOL);

	(void)state;
	printf("# 64 MiB are there after %.1f ms\n",
	       (double)(clock_now_ns() - ns) / 1e6);
	measure(pool, 60);
	measure(pool, 1514);
	measure(pool, 9018);
	measure(pool, FRAME_MAX_BYTES);
	free_empty(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size),
		cmocka_unit_test(is_full_and_good_again),
		cmocka_unit_test(sizes_change),
		cmocka_unit_test(kept_again),
		cmocka_unit_test(lent_by_thousands),
		cmocka_unit_test(at_random),
		cmocka_unit_test(sizes_of_pools),
		cmocka_unit_test(costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
