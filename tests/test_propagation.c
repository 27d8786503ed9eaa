/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * propagation.c: each rule by a fake clock, and then bridges on simulated
 * cables, in chains and rings, where cables are pulled at random.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "propagation.h"
#include "rng.h"

#define MS NS_PER_MS
#define SEC NS_PER_SEC
#define BOOT (1000 * SEC) /* any time will do */

/* ---- one pair, told by hand ---- */

struct pair {
	struct propagation p;
	uint64_t now;
};

static void tell(struct pair *t, int side, bool up, bool carrier)
{
	propagation_tell(&t->p, side, up, carrier, t->now);
}

static void expect_nothing(struct pair *t)
{
	int side;

	assert_int_equal(propagation_next(&t->p, t->now, &side),
			 PROPAGATION_NOTHING);
	assert_true(propagation_due_ns(&t->p) > t->now);
}

/* It is to be done now, and nothing else; the kernel's event follows. */
static void expect(struct pair *t, enum propagation_act act, int side)
{
	int which = -1;

	assert_int_equal(propagation_next(&t->p, t->now, &which), act);
	assert_int_equal(which, side);
	assert_int_equal(propagation_holds(&t->p, side),
			 act == PROPAGATION_DOWN);
	expect_nothing(t);
	tell(t, side, act == PROPAGATION_UP, false);
	expect_nothing(t);
}

/* Nothing happens for so long, and a timer would have woken nobody. */
static void quiet(struct pair *t, uint64_t ns)
{
	assert_true(propagation_due_ns(&t->p) > t->now + ns);
	t->now += ns;
	expect_nothing(t);
}

/* The timer ends after so long, not earlier. */
static void wake(struct pair *t, uint64_t ns)
{
	assert_int_equal(propagation_due_ns(&t->p), t->now + ns);
	t->now += ns - 1;
	expect_nothing(t);
	t->now++;
}

/* Two ports, lit for a while. */
static void setup(struct pair *t)
{
	t->now = BOOT;
	propagation_init(&t->p, t->now);
	expect_nothing(t);
	tell(t, 0, true, true);
	expect_nothing(t);
	tell(t, 1, true, true);
	expect_nothing(t);
	assert_int_equal(propagation_due_ns(&t->p), UINT64_MAX);
	t->now += 100 * SEC;
}

/* Side a is dark, and the other one held for it. */
static void setup_held(struct pair *t, int a)
{
	setup(t);
	tell(t, a, true, false);
	expect(t, PROPAGATION_DOWN, !a);
}

static void test_loss_and_return(void **state)
{
	(void)state;
	for (int a = 0; a < 2; a++) {
		struct pair t;

		setup_held(&t, a);
		assert_false(propagation_holds(&t.p, a));
		quiet(&t, 3 * SEC);
		tell(&t, a, true, true);
		expect(&t, PROPAGATION_UP, !a);
		t.now += 2 * SEC; /* negotiation */
		tell(&t, !a, true, true);
		expect_nothing(&t);
		assert_int_equal(propagation_due_ns(&t.p), UINT64_MAX);
	}
}

static void test_set_down_or_gone(void **state)
{
	struct pair t;

	(void)state;
	setup(&t);
	tell(&t, 0, false, false);
	expect(&t, PROPAGATION_DOWN, 1);
	tell(&t, 0, true, false);
	expect_nothing(&t);
	tell(&t, 0, true, true);
	expect(&t, PROPAGATION_UP, 1);

	setup(&t);
	propagation_gone(&t.p, 1, t.now);
	expect(&t, PROPAGATION_DOWN, 0);
	quiet(&t, 1 * SEC);
	tell(&t, 1, true, true); /* made again */
	expect(&t, PROPAGATION_UP, 0);

	/* Some drivers leave it on when they are set down. */
	setup(&t);
	tell(&t, 0, false, true);
	expect(&t, PROPAGATION_DOWN, 1);
}

/* What fell with it is not held, and nothing is to be done. */
static void test_both_dark(void **state)
{
	struct pair t;

	(void)state;
	setup(&t);
	tell(&t, 0, true, false);
	tell(&t, 1, true, false);
	expect_nothing(&t);
	assert_int_equal(propagation_due_ns(&t.p), UINT64_MAX);
	t.now += 1000 * SEC;
	tell(&t, 0, true, true);
	wake(&t, PROPAGATION_SETTLE_MIN_NS);
	expect(&t, PROPAGATION_DOWN, 0);
	tell(&t, 1, true, true);
	expect(&t, PROPAGATION_UP, 0);
}

/* The held port turns out to be dark: it stays up, its peer is held. */
static void test_other_fell_meanwhile(void **state)
{
	struct pair t;

	(void)state;
	setup_held(&t, 0);
	t.now += 1 * SEC;
	tell(&t, 0, true, true);
	expect(&t, PROPAGATION_UP, 1);
	wake(&t, PROPAGATION_GRACE_NS);
	expect(&t, PROPAGATION_DOWN, 0);
	assert_false(propagation_holds(&t.p, 1));
	tell(&t, 1, true, true);
	expect(&t, PROPAGATION_UP, 0);
}

/* A grace for one that was raised; none for a carrier that it had. */
static void test_grace(void **state)
{
	struct pair t;

	(void)state;
	setup_held(&t, 0);
	tell(&t, 0, true, true);
	expect(&t, PROPAGATION_UP, 1);
	quiet(&t, PROPAGATION_GRACE_NS - 2 * MS);
	tell(&t, 1, true, true);
	expect_nothing(&t);
	quiet(&t, 1 * MS);
	tell(&t, 1, true, false);
	expect(&t, PROPAGATION_DOWN, 0);

	/* Set up by hand: the same. Set down by hand within it: at once. */
	setup(&t);
	tell(&t, 0, true, false);
	tell(&t, 1, true, false);
	tell(&t, 0, false, false);
	t.now += 100 * SEC;
	tell(&t, 0, true, false);
	tell(&t, 1, true, true);
	quiet(&t, 1 * SEC);
	tell(&t, 0, false, false);
	expect(&t, PROPAGATION_DOWN, 1);
	assert_false(propagation_holds(&t.p, 0));
}

/* At the start nobody knows for how long the dark port has been up. */
static void test_start(void **state)
{
	struct pair t = { .now = BOOT };

	(void)state;
	propagation_init(&t.p, t.now);
	tell(&t, 0, true, false);
	tell(&t, 1, true, true);
	wake(&t, PROPAGATION_GRACE_NS);
	expect(&t, PROPAGATION_DOWN, 1);

	/* Down by hand, before or after: never raised by us. */
	t = (struct pair){ .now = BOOT };
	propagation_init(&t.p, t.now);
	tell(&t, 1, false, false);
	tell(&t, 0, true, true);
	wake(&t, PROPAGATION_GRACE_NS);
	expect(&t, PROPAGATION_DOWN, 0);
	assert_false(propagation_holds(&t.p, 1));
	for (int i = 0; i < 20; i++) {
		t.now = propagation_due_ns(&t.p);
		expect(&t, PROPAGATION_UP, 0);
		tell(&t, 0, true, true);
		t.now = propagation_due_ns(&t.p);
		expect(&t, PROPAGATION_DOWN, 0);
	}
}

/* Twice at once, the third time only when it has lasted. */
static void test_hold_down(void **state)
{
	struct pair t;

	(void)state;
	setup(&t);
	for (int i = 1; i < PROPAGATION_FLAPS; i++) {
		tell(&t, 0, true, false);
		expect(&t, PROPAGATION_DOWN, 1);
		t.now += 1 * SEC;
		tell(&t, 0, true, true);
		expect(&t, PROPAGATION_UP, 1);
		tell(&t, 1, true, true);
		t.now += 1 * SEC;
	}
	tell(&t, 0, true, false);
	expect(&t, PROPAGATION_DOWN, 1);
	for (int i = 0; i < 40; i++) {
		tell(&t, 0, true, true);
		quiet(&t, PROPAGATION_STABLE_NS - 1 * MS);
		tell(&t, 0, true, false);
		quiet(&t, 1 * SEC);
	}
	tell(&t, 0, true, true);
	wake(&t, PROPAGATION_STABLE_NS);
	expect(&t, PROPAGATION_UP, 1);
	tell(&t, 1, true, true);
	/* It is forgiven. */
	quiet(&t, PROPAGATION_FLAP_NS);
	tell(&t, 0, true, false);
	expect(&t, PROPAGATION_DOWN, 1);
	tell(&t, 0, true, true);
	expect(&t, PROPAGATION_UP, 1);
}

/* What a port loses because we set it down is no flap of its own. */
static void test_own_downs_are_no_flaps(void **state)
{
	struct pair t;

	(void)state;
	setup(&t);
	for (int i = 0; i < 2; i++) {
		tell(&t, 0, true, false);
		expect(&t, PROPAGATION_DOWN, 1);
		tell(&t, 0, true, true);
		expect(&t, PROPAGATION_UP, 1);
		tell(&t, 1, true, true);
	}
	for (int i = 0; i < 2; i++) {
		tell(&t, 1, true, false);
		expect(&t, PROPAGATION_DOWN, 0);
		tell(&t, 1, true, true);
		expect(&t, PROPAGATION_UP, 0);
		tell(&t, 0, true, true);
	}
}

/* 5, 10, 20, 40, 60, 60 s; a look of 1, 2, 4, 8, 8 s. */
static void test_looks(void **state)
{
	uint64_t look = PROPAGATION_LOOK_MIN_NS;
	uint64_t settle = PROPAGATION_SETTLE_MIN_NS;
	struct pair t;

	(void)state;
	setup_held(&t, 0);
	for (int i = 0; i < 10; i++) {
		wake(&t, look);
		expect(&t, PROPAGATION_UP, 1);
		t.now += 2 * SEC; /* negotiation is no part of it */
		tell(&t, 1, true, true);
		wake(&t, settle);
		expect(&t, PROPAGATION_DOWN, 1);
		look = look * 2 < PROPAGATION_LOOK_MAX_NS ?
			look * 2 : PROPAGATION_LOOK_MAX_NS;
		settle = settle * 2 < PROPAGATION_SETTLE_MAX_NS ?
			settle * 2 : PROPAGATION_SETTLE_MAX_NS;
	}
	/* A real recovery, and it starts anew at the next loss. */
	tell(&t, 0, true, true);
	expect(&t, PROPAGATION_UP, 1);
	tell(&t, 1, true, true);
	t.now += 1 * SEC;
	tell(&t, 0, true, false);
	expect(&t, PROPAGATION_DOWN, 1);
	wake(&t, PROPAGATION_LOOK_MIN_NS);
	expect(&t, PROPAGATION_UP, 1);
	tell(&t, 1, true, true);
	wake(&t, PROPAGATION_SETTLE_MIN_NS);
}

/* During a look the other side comes back; and falls again. */
static void test_look_succeeds(void **state)
{
	struct pair t;

	(void)state;
	setup_held(&t, 0);
	wake(&t, PROPAGATION_LOOK_MIN_NS);
	expect(&t, PROPAGATION_UP, 1);
	tell(&t, 1, true, true);
	t.now += 500 * MS;
	tell(&t, 0, true, true);
	expect_nothing(&t);
	assert_int_equal(propagation_due_ns(&t.p), UINT64_MAX);
	t.now += 100 * MS;
	tell(&t, 0, true, false);
	expect(&t, PROPAGATION_DOWN, 1);
}

/* A look shows that the held port has no carrier either: it stays up. */
static void test_look_at_the_dark(void **state)
{
	struct pair t;

	(void)state;
	setup_held(&t, 0);
	wake(&t, PROPAGATION_LOOK_MIN_NS);
	expect(&t, PROPAGATION_UP, 1);
	assert_false(propagation_holds(&t.p, 1));
	quiet(&t, 3600 * SEC - PROPAGATION_RETRY_NS);
	assert_int_equal(propagation_due_ns(&t.p), UINT64_MAX);
}

static void test_hand_raises_what_is_held(void **state)
{
	struct pair t;

	(void)state;
	setup_held(&t, 0);
	t.now += 1 * SEC;
	tell(&t, 1, true, true);
	assert_false(propagation_holds(&t.p, 1));
	wake(&t, PROPAGATION_HAND_NS);
	expect(&t, PROPAGATION_DOWN, 1);
	/* And down by hand: it is theirs. */
	tell(&t, 1, true, true);
	tell(&t, 1, false, false);
	tell(&t, 0, true, true);
	t.now += PROPAGATION_GRACE_NS;
	expect(&t, PROPAGATION_DOWN, 0);
	assert_false(propagation_holds(&t.p, 1));
	tell(&t, 1, true, true);
	expect(&t, PROPAGATION_UP, 0);
	tell(&t, 0, true, true);
	/* The rules as ever. */
	tell(&t, 0, true, false);
	expect(&t, PROPAGATION_DOWN, 1);
}

static void test_adopt(void **state)
{
	struct pair t = { .now = BOOT };

	(void)state;
	propagation_init(&t.p, t.now);
	propagation_adopt(&t.p, 1, t.now);
	assert_true(propagation_holds(&t.p, 1));
	tell(&t, 1, false, false);
	expect_nothing(&t);
	tell(&t, 0, true, true);
	expect(&t, PROPAGATION_UP, 1);

	/* The other one is still dark: as if it had been held now. */
	propagation_init(&t.p, t.now);
	propagation_adopt(&t.p, 0, t.now);
	tell(&t, 0, false, false);
	tell(&t, 1, true, false);
	wake(&t, PROPAGATION_LOOK_MIN_NS);
	expect(&t, PROPAGATION_UP, 0);

	/* Both: nobody could ever raise the other. */
	propagation_init(&t.p, t.now);
	propagation_adopt(&t.p, 0, t.now);
	propagation_adopt(&t.p, 1, t.now);
	expect(&t, PROPAGATION_UP, 0);
	tell(&t, 0, true, true);
	expect(&t, PROPAGATION_UP, 1);

	/* Raised since. */
	propagation_init(&t.p, t.now);
	tell(&t, 0, true, true);
	propagation_adopt(&t.p, 0, t.now);
	assert_false(propagation_holds(&t.p, 0));
}

/* Carrier comes back before the events of our own changes are read. */
static void test_events_are_late(void **state)
{
	struct pair t;
	int side;

	(void)state;
	setup(&t);
	tell(&t, 0, true, false);
	assert_int_equal(propagation_next(&t.p, t.now, &side),
			 PROPAGATION_DOWN);
	tell(&t, 0, true, true);
	assert_int_equal(propagation_next(&t.p, t.now, &side), PROPAGATION_UP);
	assert_int_equal(side, 1);
	expect_nothing(&t);
	tell(&t, 1, true, true); /* older than both */
	expect_nothing(&t);
	tell(&t, 1, false, false);
	expect_nothing(&t);
	tell(&t, 1, true, true);
	expect_nothing(&t);
	assert_int_equal(propagation_due_ns(&t.p), UINT64_MAX);
}

/* No event comes, for it was not done, or they were lost on the way. */
static void test_refused_or_lost(void **state)
{
	struct pair t;
	int side;

	(void)state;
	setup(&t);
	tell(&t, 0, true, false);
	assert_int_equal(propagation_next(&t.p, t.now, &side),
			 PROPAGATION_DOWN);
	wake(&t, PROPAGATION_RETRY_NS);
	expect_nothing(&t); /* it is up, and so it is looked at */
	assert_false(propagation_holds(&t.p, 1));
	wake(&t, PROPAGATION_SETTLE_MIN_NS);
	expect(&t, PROPAGATION_DOWN, 1);
	tell(&t, 0, true, true);
	/* A port that cannot be raised is tried again, and is dark. */
	assert_int_equal(propagation_next(&t.p, t.now, &side), PROPAGATION_UP);
	wake(&t, PROPAGATION_RETRY_NS);
	assert_int_equal(propagation_next(&t.p, t.now, &side), PROPAGATION_UP);
	assert_int_equal(side, 1);
	expect(&t, PROPAGATION_DOWN, 0);
	t.now += PROPAGATION_RETRY_NS / 2;
	tell(&t, 1, true, true);
	expect(&t, PROPAGATION_UP, 0);
	tell(&t, 0, true, true);

	/* Down and up, and of both no event. */
	setup(&t);
	tell(&t, 0, true, false);
	assert_int_equal(propagation_next(&t.p, t.now, &side),
			 PROPAGATION_DOWN);
	tell(&t, 0, true, true);
	assert_int_equal(propagation_next(&t.p, t.now, &side), PROPAGATION_UP);
	wake(&t, PROPAGATION_RETRY_NS);
	expect_nothing(&t);
	assert_int_equal(propagation_due_ns(&t.p), UINT64_MAX);
}

/* A held interface is deleted; what takes its name is not ours. */
static void test_held_is_gone(void **state)
{
	struct pair t;

	(void)state;
	setup_held(&t, 0);
	propagation_gone(&t.p, 1, t.now);
	assert_false(propagation_holds(&t.p, 1));
	assert_int_equal(propagation_due_ns(&t.p), UINT64_MAX);
	tell(&t, 1, false, false);
	tell(&t, 0, true, true);
	t.now += PROPAGATION_SETTLE_MIN_NS;
	expect(&t, PROPAGATION_DOWN, 0);
	tell(&t, 1, true, true);
	expect(&t, PROPAGATION_UP, 0);
}

/* ---- bridges on cables ---- */

#define TICK (10 * MS)
#define BRIDGES 4
#define EVENTS 64

struct port {
	bool up, carrier;
	bool user_down;
	bool held_before;
	struct {
		uint64_t at;
		bool up, carrier;
	} event[EVENTS]; /* not told yet */
	unsigned int head, tail;
	unsigned int n_raised;
	uint64_t raised_ns[EVENTS];
};

struct cable {
	int port[2]; /* -1: a host, always up */
	bool whole;
	bool lit;
	uint64_t negotiation_ns, since_ns;
};

/* Bridge i has ports 2i and 2i + 1. */
struct world {
	int n_bridges, n_cables;
	struct propagation bridge[BRIDGES];
	struct port port[2 * BRIDGES];
	struct cable cable[BRIDGES + 1];
	uint64_t now;
	uint64_t latency_ns; /* of events, at most */
	unsigned int n_acts;
	struct rng rng;
};

static void port_event(struct world *w, int i)
{
	struct port *p = &w->port[i];
	unsigned int slot = p->head % EVENTS;
	uint64_t at = w->now + rng_below(&w->rng, w->latency_ns + 1);

	assert_true(p->head - p->tail < EVENTS);
	if (p->head != p->tail && p->event[(p->head - 1) % EVENTS].at > at)
		at = p->event[(p->head - 1) % EVENTS].at;
	p->event[slot].at = at;
	p->event[slot].up = p->up;
	p->event[slot].carrier = p->carrier;
	p->head++;
}

static void cable_light(struct world *w, struct cable *c, bool lit)
{
	c->lit = lit;
	c->since_ns = w->now;
	for (int end = 0; end < 2; end++) {
		int i = c->port[end];

		if (i < 0 || w->port[i].carrier == (lit && w->port[i].up))
			continue;
		w->port[i].carrier = lit && w->port[i].up;
		port_event(w, i);
	}
}

static void port_set(struct world *w, int i, bool up)
{
	struct port *p = &w->port[i];

	if (p->up == up)
		return;
	p->up = up;
	if (!up)
		p->carrier = false;
	port_event(w, i);
	/* The far end sees it go, however short that is. */
	for (int k = 0; !up && k < w->n_cables; k++)
		if (w->cable[k].port[0] == i || w->cable[k].port[1] == i)
			cable_light(w, &w->cable[k], false);
}

static void cable_step(struct world *w, struct cable *c)
{
	bool can = c->whole;

	for (int end = 0; end < 2; end++)
		can &= c->port[end] < 0 || w->port[c->port[end]].up;
	if (!can)
		c->since_ns = w->now;
	if (c->lit && !can)
		cable_light(w, c, false);
	else if (!c->lit && can && w->now - c->since_ns >= c->negotiation_ns)
		cable_light(w, c, true);
}

/* No more than one a second and a half on average, over a minute. */
static void count_raise(struct world *w, struct port *p)
{
	unsigned int oldest = p->n_raised % 40;

	if (p->n_raised >= 40)
		assert_true(w->now - p->raised_ns[oldest] >= 60 * SEC);
	p->raised_ns[oldest] = w->now;
	p->n_raised++;
}

static void bridge_act(struct world *w, int b)
{
	enum propagation_act act;
	int side;

	for (int i = 0;; i++) {
		act = propagation_next(&w->bridge[b], w->now, &side);
		if (act == PROPAGATION_NOTHING)
			break;
		assert_true(i < 4);
		w->n_acts++;
		if (act == PROPAGATION_UP) {
			assert_true(w->port[2 * b + side].held_before);
			count_raise(w, &w->port[2 * b + side]);
		}
		w->port[2 * b + side].held_before = act == PROPAGATION_DOWN;
		port_set(w, 2 * b + side, act == PROPAGATION_UP);
		assert_false(propagation_holds(&w->bridge[b], 0) &&
			     propagation_holds(&w->bridge[b], 1));
	}
	assert_true(propagation_due_ns(&w->bridge[b]) > w->now);
}

/* As the real one: an event or the timer wakes it, nothing else. */
static void bridge_step(struct world *w, int b)
{
	for (int side = 0; side < 2; side++) {
		struct port *p = &w->port[2 * b + side];

		while (p->tail != p->head &&
		       p->event[p->tail % EVENTS].at <= w->now) {
			unsigned int slot = p->tail++ % EVENTS;

			propagation_tell(&w->bridge[b], side,
					 p->event[slot].up,
					 p->event[slot].carrier, w->now);
			bridge_act(w, b);
		}
	}
	if (w->now >= propagation_due_ns(&w->bridge[b]))
		bridge_act(w, b);
}

static void world_run(struct world *w, uint64_t ns)
{
	for (uint64_t until = w->now + ns; w->now < until; w->now += TICK) {
		for (int i = 0; i < w->n_cables; i++)
			cable_step(w, &w->cable[i]);
		for (int b = 0; b < w->n_bridges; b++)
			bridge_step(w, b);
	}
}

static bool all_lit(const struct world *w)
{
	for (int i = 0; i < 2 * w->n_bridges; i++)
		if (!w->port[i].up || !w->port[i].carrier)
			return false;
	return true;
}

/* Until all ports are lit, and not for the length of a look: how long that took
 * from now. Then no port is touched any more. */
static uint64_t world_recovers(struct world *w, uint64_t most_ns)
{
	uint64_t from = w->now, lit_ns = 0;
	unsigned int n_acts;

	for (; !lit_ns || w->now - lit_ns < PROPAGATION_SETTLE_MAX_NS;
	     world_run(w, TICK)) {
		assert_true(w->now - from < most_ns);
		if (!all_lit(w))
			lit_ns = 0;
		else if (!lit_ns)
			lit_ns = w->now;
	}
	n_acts = w->n_acts;
	world_run(w, 100 * SEC);
	assert_true(all_lit(w));
	assert_int_equal(w->n_acts, n_acts);
	return lit_ns - from;
}

/* A chain has a host at each end; in a ring the last cable joins them. */
static void world_make(struct world *w, int n_bridges, bool ring, uint64_t seed,
		       uint64_t most_negotiation_ns)
{
	*w = (struct world){ .n_bridges = n_bridges, .now = BOOT,
			     .latency_ns = 30 * MS,
			     .n_cables = n_bridges + !ring,
			     .rng = { seed } };
	for (int i = 0; i < w->n_cables; i++) {
		struct cable *c = &w->cable[i];

		c->port[0] = 2 * i - 1;
		c->port[1] = i < n_bridges ? 2 * i : -1;
		if (ring && !i)
			c->port[0] = 2 * n_bridges - 1;
		c->whole = true;
		c->since_ns = w->now;
		c->negotiation_ns = rng_below(&w->rng, most_negotiation_ns + 1);
	}
	for (int b = 0; b < n_bridges; b++) {
		propagation_init(&w->bridge[b], w->now);
		port_set(w, 2 * b, true);
		port_set(w, 2 * b + 1, true);
	}
	world_recovers(w, 30 * SEC);
}

static void user_acts(struct world *w)
{
	int i = (int)rng_below(&w->rng, 2 * (unsigned int)w->n_bridges);
	struct port *p = &w->port[i];

	if (!p->up) { /* by hand, or held: who knows */
		p->user_down = false;
		p->held_before = false;
		port_set(w, i, true);
	} else {
		p->user_down = true;
		port_set(w, i, false);
	}
}

/* Pull and mend; in a burst, or now and then. */
static void havoc(struct world *w, int steps, bool with_user)
{
	for (int i = 0; i < steps; i++) {
		struct cable *c = &w->cable[rng_below(&w->rng, (unsigned int)
						      w->n_cables)];
		uint64_t most = rng_below(&w->rng, 4) ? 2 * SEC : 40 * SEC;

		c->whole = !c->whole;
		if (with_user && !rng_below(&w->rng, 8))
			user_acts(w);
		world_run(w, rng_below(&w->rng, most));
	}
	for (int i = 0; i < w->n_cables; i++)
		w->cable[i].whole = true;
	for (int i = 0; i < 2 * w->n_bridges; i++)
		if (w->port[i].user_down) {
			w->port[i].user_down = false;
			port_set(w, i, true);
		}
}

/* All cables whole: in the end all ports are lit, and nothing more is done. */
static void prove(int n_bridges, bool ring, uint64_t negotiation_ns,
		  bool with_user)
{
	uint64_t longest = 0;

	for (uint64_t seed = 1; seed <= 25; seed++) {
		struct world w;

		world_make(&w, n_bridges, ring, seed, negotiation_ns);
		for (int round = 0; round < 4; round++) {
			uint64_t took;

			havoc(&w, 20, with_user);
			took = world_recovers(&w, 300 * SEC);
			longest = took > longest ? took : longest;
		}
	}
	print_message("%s of %d, negotiation to %u ms%s: %u s at most\n",
		      ring ? "ring" : "chain", n_bridges,
		      (unsigned int)(negotiation_ns / MS),
		      with_user ? ", and a user" : "",
		      (unsigned int)(longest / SEC));
}

/* From a host through three bridges to the other one. */
static void test_forwarded_along_a_chain(void **state)
{
	struct world w;

	(void)state;
	world_make(&w, 3, false, 1, 0);
	w.cable[0].whole = false;
	world_run(&w, 3 * (w.latency_ns + TICK) + TICK);
	assert_false(w.cable[w.n_cables - 1].lit);
	for (int b = 0; b < 3; b++)
		assert_true(propagation_holds(&w.bridge[b], 1));
	world_run(&w, 1 * SEC);
	w.cable[0].whole = true;
	world_run(&w, 3 * (w.latency_ns + TICK) + TICK);
	assert_true(all_lit(&w));
}

/* Faster and slower than the hold-down: count_raise() is the judge. */
static void test_flapping_is_bounded(void **state)
{
	static const unsigned int period_ms[] = { 20, 100, 1000, 1990, 2100,
						  3000, 4900, 5100, 7000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(period_ms); i++) {
		unsigned int dark_ms[] = { 10, period_ms[i] / 2,
					   period_ms[i] - 10 };

		for (size_t k = 0; k < ARRAY_SIZE(dark_ms); k++) {
			struct world w;

			world_make(&w, 2, false, 1, 0);
			for (int n = 0; w.now < BOOT + 600 * SEC; n++) {
				w.cable[0].whole = n % 2;
				world_run(&w, MS * (n % 2 ?
					period_ms[i] - dark_ms[k] : dark_ms[k]));
			}
			w.cable[0].whole = true;
			world_recovers(&w, 60 * SEC);
		}
	}
}

static void test_chains(void **state)
{
	(void)state;
	for (int n = 1; n <= 3; n++) {
		prove(n, false, 0, false);
		prove(n, false, 3 * SEC, false);
		prove(n, false, 3 * SEC, true);
	}
}

static void test_rings(void **state)
{
	(void)state;
	for (int n = 2; n <= 4; n++) {
		prove(n, true, 0, false);
		prove(n, true, 3 * SEC, false);
		prove(n, true, 3 * SEC, true);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loss_and_return),
		cmocka_unit_test(test_set_down_or_gone),
		cmocka_unit_test(test_both_dark),
		cmocka_unit_test(test_other_fell_meanwhile),
		cmocka_unit_test(test_grace),
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_hold_down),
		cmocka_unit_test(test_own_downs_are_no_flaps),
		cmocka_unit_test(test_looks),
		cmocka_unit_test(test_look_succeeds),
		cmocka_unit_test(test_look_at_the_dark),
		cmocka_unit_test(test_hand_raises_what_is_held),
		cmocka_unit_test(test_adopt),
		cmocka_unit_test(test_events_are_late),
		cmocka_unit_test(test_refused_or_lost),
		cmocka_unit_test(test_held_is_gone),
		cmocka_unit_test(test_forwarded_along_a_chain),
		cmocka_unit_test(test_flapping_is_bounded),
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_rings),
	};

	return cmocka_run_group_tests_name("propagation", tests, NULL, NULL);
}
