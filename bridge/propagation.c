/* SPDX-License-Identifier: BSD-2-Clause */
/* See propagation.h: the rules. Times are all that it remembers of the past. */
#include "config.h"

#include "propagation.h"

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Twice `from` for each time in vain, up to `to`. */
static uint64_t doubled(uint64_t from, uint64_t to, unsigned int vain)
{
	while (from < to && vain--)
		from *= 2;
	return from < to ? from : to;
}

static uint64_t look_interval(const struct propagation *p)
{
	return doubled(PROPAGATION_LOOK_MIN_NS, PROPAGATION_LOOK_MAX_NS,
		       p->vain);
}

static uint64_t settle_time(const struct propagation *p,
			    const struct propagation_side *s)
{
	if (s->by_hand)
		return PROPAGATION_HAND_NS;
	return doubled(PROPAGATION_SETTLE_MIN_NS, PROPAGATION_SETTLE_MAX_NS,
		       p->vain);
}

static bool is_flapping(const struct propagation_side *s, uint64_t now_ns)
{
	if (s->n_losses < PROPAGATION_FLAPS)
		return false;
	/* The oldest of those that are kept. */
	return now_ns - s->loss_ns[s->n_losses % PROPAGATION_FLAPS] <
	       PROPAGATION_FLAP_NS;
}

static void light(struct propagation *p, struct propagation_side *s,
		  struct propagation_side *other, uint64_t now_ns)
{
	s->lit = true;
	s->stable_ns = now_ns;
	if (is_flapping(s, now_ns))
		s->stable_ns += PROPAGATION_STABLE_NS;
	if (other->lit) {
		s->settle_ns = 0;
		other->settle_ns = 0;
		s->by_hand = false;
		other->by_hand = false;
	} else {
		s->settle_ns = now_ns + settle_time(p, s);
	}
}

/* It has lost its carrier, and not because of us. */
static void darken(struct propagation *p, struct propagation_side *s,
		   struct propagation_side *other, uint64_t now_ns)
{
	s->lit = false;
	s->loss_ns[s->n_losses++ % PROPAGATION_FLAPS] = now_ns;
	/* A slot is found by the remainder: let it not jump at the overflow. */
	if (s->n_losses == 2 * PROPAGATION_FLAPS)
		s->n_losses = PROPAGATION_FLAPS;
	s->grace_ns = now_ns;
	if (other->lit)
		p->vain = 0; /* the wire did work */
	/* While one flaps the other is not looked at: that would be to raise
	 * it in spite of the hold-down. */
	if (other->held)
		other->look_ns = now_ns + look_interval(p);
}

/* Is it lit now, and has that changed? While a change is on its way what was
 * told is old. */
static void judge(struct propagation *p, int side, uint64_t now_ns)
{
	struct propagation_side *s = &p->side[side];
	struct propagation_side *other = &p->side[!side];
	bool lit = s->up && s->carrier && !s->held && !s->pending;

	if (lit && !s->lit)
		light(p, s, other, now_ns);
	else if (!lit && s->lit)
		darken(p, s, other, now_ns);
}

void propagation_init(struct propagation *p, uint64_t now_ns)
{
	*p = (struct propagation){ 0 };
	for (int side = 0; side < 2; side++)
		p->side[side].grace_ns = now_ns + PROPAGATION_GRACE_NS;
}

void propagation_tell(struct propagation *p, int side, bool up, bool carrier,
		      uint64_t now_ns)
{
	struct propagation_side *s = &p->side[side];
	bool changed = up != s->up;

	s->up = up;
	s->carrier = carrier;
	if (changed && s->pending) {
		s->pending--; /* ours */
	} else if (changed) {
		s->by_hand = up && s->held;
		s->held = false;
		s->grace_ns = up ? now_ns + PROPAGATION_GRACE_NS : now_ns;
	}
	judge(p, side, now_ns);
}

void propagation_gone(struct propagation *p, int side, uint64_t now_ns)
{
	struct propagation_side *s = &p->side[side];

	s->up = false;
	s->carrier = false;
	s->held = false;
	s->by_hand = false;
	s->pending = 0;
	s->grace_ns = now_ns;
	judge(p, side, now_ns);
}

static void hold(struct propagation *p, struct propagation_side *s,
		 uint64_t now_ns)
{
	if (s->settle_ns)
		p->vain++;
	s->held = true;
	s->by_hand = false;
	s->lit = false;
	s->settle_ns = 0;
	s->pending++;
	s->asked_ns = now_ns;
	s->look_ns = now_ns + look_interval(p);
}

static void raise_port(struct propagation_side *s, uint64_t now_ns)
{
	s->held = false;
	s->pending++;
	s->asked_ns = now_ns;
	s->grace_ns = now_ns + PROPAGATION_GRACE_NS;
}

static uint64_t retry_due(const struct propagation_side *s)
{
	return s->pending ? s->asked_ns + PROPAGATION_RETRY_NS : UINT64_MAX;
}

/* When a held port is to be raised. Both are held only if another process
 * left them so. */
static uint64_t raise_due(const struct propagation_side *s,
			  const struct propagation_side *other)
{
	if (!s->held)
		return UINT64_MAX;
	if (other->held)
		return 0;
	return other->lit ? other->stable_ns : s->look_ns;
}

/* When a port that is lit is to be set down. */
static uint64_t hold_due(const struct propagation_side *s,
			 const struct propagation_side *other)
{
	if (!s->lit || other->lit || other->held)
		return UINT64_MAX;
	return later(other->grace_ns, s->settle_ns);
}

/* What was asked for was not told in time. True: set it up, once more. */
static bool retry(struct propagation *p, int side, uint64_t now_ns)
{
	struct propagation_side *s = &p->side[side];

	if (now_ns < retry_due(s))
		return false;
	s->pending = 0;
	if (!s->held && !s->up) {
		/* Its grace is not renewed: a port that cannot be raised is
		 * dark. */
		s->pending = 1;
		s->asked_ns = now_ns;
		return true;
	}
	if (s->held && s->up)
		s->held = false; /* and is judged as if it had come up */
	judge(p, side, now_ns);
	return false;
}

enum propagation_act propagation_next(struct propagation *p, uint64_t now_ns,
				      int *side)
{
	/* First, for it may be news: a change of which the event was lost. */
	for (*side = 0; *side < 2; ++*side)
		if (retry(p, *side, now_ns))
			return PROPAGATION_UP;
	for (int i = 0; i < 2; i++) {
		struct propagation_side *s = &p->side[i];
		struct propagation_side *other = &p->side[!i];

		*side = i;
		if (now_ns >= raise_due(s, other)) {
			raise_port(s, now_ns);
			return PROPAGATION_UP;
		}
		if (now_ns >= hold_due(s, other)) {
			hold(p, s, now_ns);
			return PROPAGATION_DOWN;
		}
	}
	return PROPAGATION_NOTHING;
}

uint64_t propagation_due_ns(const struct propagation *p)
{
	uint64_t due = UINT64_MAX;

	for (int i = 0; i < 2; i++) {
		const struct propagation_side *s = &p->side[i];
		const struct propagation_side *other = &p->side[!i];
		const uint64_t each[] = { retry_due(s), raise_due(s, other),
					  hold_due(s, other) };

		for (size_t k = 0; k < ARRAY_SIZE(each); k++)
			if (each[k] < due)
				due = each[k];
	}
	return due;
}

bool propagation_holds(const struct propagation *p, int side)
{
	return p->side[side].held;
}

void propagation_adopt(struct propagation *p, int side, uint64_t now_ns)
{
	struct propagation_side *s = &p->side[side];

	if (s->up)
		return;
	s->held = true;
	s->look_ns = now_ns + look_interval(p);
}
