/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CoDel against the control law worked out by hand, and against a queue that
 * follows RFC 8289's pseudocode step by step.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "codel.h"
#include "rng.h"

#define MS UINT64_C(1000000)
#define START_NS (1000 * MS)

static struct codel codel_start(void)
{
	return (struct codel){ .target_ns = CODEL_TARGET_NS,
			       .interval_ns = CODEL_INTERVAL_NS };
}

/*
 * A frame leaves each millisecond and has waited for 20. Dropping begins an
 * interval after that is first seen; the k-th drop of the cycle sets the next
 * one 100 ms / sqrt(k) later: 100, 70.7, 57.7, 50, 44.7, 40.8, 37.8, 35.4.
 */
static void test_law(void **state)
{
	static const uint32_t drop_ms[] = { 100, 200, 271, 329, 379, 424, 464,
					    502, 538 };
	struct codel c = codel_start();
	size_t n = 0;

	(void)state;
	for (uint32_t ms = 0; ms < 540; ms++)
		while (codel_drops(&c, START_NS + ms * MS, 20 * MS, true)) {
			assert_in_range(n, 0, sizeof(drop_ms) / 4 - 1);
			assert_int_equal(ms, drop_ms[n]);
			n++;
		}
	assert_int_equal(n, sizeof(drop_ms) / 4);
}

/* A burst that is gone within an interval is nothing to drop for, nor is a
 * wait below the target, nor the only frame however old it is. */
static void test_left_alone(void **state)
{
	struct codel c = codel_start();

	(void)state;
	for (uint32_t ms = 0; ms < 5000; ms++)
		assert_false(codel_drops(&c, START_NS + ms * MS,
					 ms % 100 ? 90 * MS : 4 * MS, true));
	for (uint32_t ms = 5000; ms < 9000; ms++)
		assert_false(codel_drops(&c, START_NS + ms * MS, 5 * MS - 1,
					 true));
	for (uint32_t ms = 9000; ms < 9500; ms++)
		assert_false(codel_drops(&c, START_NS + ms * MS, 90 * MS,
					 false));
	/* The target itself is too long. */
	assert_false(codel_drops(&c, START_NS + 9500 * MS, 5 * MS, true));
	assert_true(codel_drops(&c, START_NS + 9600 * MS, 5 * MS, true));
}

/* One good frame ends a cycle; a bad interval soon after begins anew with the
 * drops that the last one had grown by, and a late one with 1. */
static void test_begins_again(void **state)
{
	(void)state;
	for (int late = 0; late < 2; late++) {
		struct codel c = codel_start();
		uint64_t now_ns = START_NS, end_ns = START_NS + 540 * MS;
		uint32_t drops = 0;

		for (; now_ns < end_ns; now_ns += MS)
			while (codel_drops(&c, now_ns, 20 * MS, true))
				drops++;
		assert_int_equal(drops, 9);
		assert_false(codel_drops(&c, now_ns, 1 * MS, true));
		assert_false(c.dropping);
		now_ns += late ? 1700 * MS : 300 * MS;
		assert_false(codel_drops(&c, now_ns, 20 * MS, true));
		now_ns += 100 * MS;
		assert_true(codel_drops(&c, now_ns, 20 * MS, true));
		assert_int_equal(c.count, late ? 1 : 8);
		assert_int_equal(c.next_ns - now_ns,
				 (uint64_t)(100e6 / sqrt(late ? 1 : 8)));
		assert_false(codel_drops(&c, now_ns, 20 * MS, true));
	}
}

/* ---- the pseudocode, with a queue ---- */

#define ROOM 4096
#define BIGGEST 1500

struct packet {
	uint64_t came_ns;
	uint32_t bytes, number;
};

/* The names are the RFC's. */
struct reference {
	struct packet packet[ROOM];
	uint32_t head, n, bytes;
	uint64_t first_above_time, drop_next;
	uint32_t count, lastcount;
	bool dropping;
	uint32_t dropped[ROOM], n_dropped;
};

static bool dodequeue(struct reference *q, uint64_t now, struct packet *p,
		      bool *ok_to_drop)
{
	*ok_to_drop = false;
	if (!q->n) {
		q->first_above_time = 0;
		return false;
	}
	*p = q->packet[q->head++ % ROOM];
	q->n--;
	q->bytes -= p->bytes;
	if (now - p->came_ns < CODEL_TARGET_NS || q->bytes <= BIGGEST)
		q->first_above_time = 0;
	else if (!q->first_above_time)
		q->first_above_time = now + CODEL_INTERVAL_NS;
	else
		*ok_to_drop = now >= q->first_above_time;
	return true;
}

static uint64_t control_law(uint64_t t, uint32_t count)
{
	return t + (uint64_t)((double)CODEL_INTERVAL_NS / sqrt(count));
}

static void dequeue(struct reference *q, uint64_t now)
{
	struct packet p;
	bool ok_to_drop;
	uint32_t delta;

	if (!dodequeue(q, now, &p, &ok_to_drop)) {
		q->dropping = false;
		return;
	}
	if (q->dropping) {
		if (!ok_to_drop)
			q->dropping = false;
		while (q->dropping && now >= q->drop_next) {
			q->dropped[q->n_dropped++] = p.number;
			q->count++;
			dodequeue(q, now, &p, &ok_to_drop);
			if (!ok_to_drop)
				q->dropping = false;
			else
				q->drop_next = control_law(q->drop_next,
							   q->count);
		}
	} else if (ok_to_drop) {
		q->dropped[q->n_dropped++] = p.number;
		dodequeue(q, now, &p, &ok_to_drop);
		q->dropping = true;
		delta = q->count - q->lastcount;
		q->count = 1;
		if (delta > 1 && now - q->drop_next < 16 * CODEL_INTERVAL_NS)
			q->count = delta;
		q->drop_next = control_law(now, q->count);
		q->lastcount = q->count;
	}
}

/* The same queue, asked as a stage asks. */
static void take(struct reference *q, struct codel *c, uint64_t now_ns)
{
	while (q->n) {
		struct packet p = q->packet[q->head++ % ROOM];

		q->n--;
		q->bytes -= p.bytes;
		if (!codel_drops(c, now_ns, now_ns - p.came_ns,
				 q->bytes > BIGGEST))
			return;
		q->dropped[q->n_dropped++] = p.number;
	}
}

static void put(struct reference *q, const struct packet *p)
{
	q->packet[(q->head + q->n++) % ROOM] = *p;
	q->bytes += p->bytes;
}

/* Load comes and goes, so that cycles begin, grow, end and begin again. */
static void compare(uint64_t seed, uint32_t *n_dropped)
{
	static struct reference theirs, ours;
	struct codel c = codel_start();
	struct rng rng = { seed };
	uint64_t now_ns = START_NS;
	uint32_t number = 0, load = 1;

	theirs = ours = (struct reference){ 0 };
	for (int i = 0; i < 40000; i++) {
		struct packet p = { now_ns, 0, 0 };

		if (!rng_below(&rng, 300))
			load = (uint32_t)rng_below(&rng, 5);
		for (uint64_t k = rng_below(&rng, load + 1);
		     k && theirs.n < 400; k--) {
			p.number = number++;
			p.bytes = 60 + (uint32_t)rng_below(&rng, 1441);
			put(&theirs, &p);
			put(&ours, &p);
		}
		now_ns += rng_below(&rng, 2 * MS);
		dequeue(&theirs, now_ns);
		take(&ours, &c, now_ns);
		assert_int_equal(ours.n, theirs.n);
		if (ours.n_dropped > ROOM / 2)
			break;
	}
	assert_int_equal(ours.n_dropped, theirs.n_dropped);
	assert_memory_equal(ours.dropped, theirs.dropped,
			    ours.n_dropped * sizeof(*ours.dropped));
	*n_dropped += ours.n_dropped;
}

static void test_as_the_pseudocode(void **state)
{
	uint32_t n_dropped = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 25; seed++)
		compare(seed, &n_dropped);
	assert_in_range(n_dropped, 5000, UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_law),
		cmocka_unit_test(test_left_alone),
		cmocka_unit_test(test_begins_again),
		cmocka_unit_test(test_as_the_pseudocode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
