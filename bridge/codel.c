/* SPDX-License-Identifier: BSD-2-Clause */
/* See codel.h. The names of RFC 8289's pseudocode (5.) stand beside the steps. */
#include "config.h"

#include <math.h>

#include "codel.h"

/* A cycle that begins so soon after the last one goes on where that ended. */
#define SOON_INTERVALS 16

/* control_law(): the drops come closer by the square root of their number,
 * which makes TCP's rate fall in proportion. */
static uint64_t next_drop(const struct codel *c, uint64_t from_ns)
{
	return from_ns + (uint64_t)((double)c->interval_ns / sqrt(c->count));
}

/* The half of dodequeue() that decides: ok_to_drop. */
static bool is_too_old(struct codel *c, uint64_t now_ns, uint64_t waited_ns,
		       bool backlog)
{
	if (waited_ns < c->target_ns || !backlog) {
		c->above_ns = 0;
		return false;
	}
	if (!c->above_ns) {
		c->above_ns = now_ns + c->interval_ns;
		return false;
	}
	return now_ns >= c->above_ns;
}

/*
 * If the last cycle is not long past, the rate of drops that it ended with is
 * a good one to begin with; counted from where that began, so that one bad
 * cycle does not stay for ever.
 */
static void begin(struct codel *c, uint64_t now_ns)
{
	uint32_t grown = c->count - c->last_count;
	bool soon = now_ns - c->next_ns < SOON_INTERVALS * c->interval_ns;

	c->dropping = true;
	c->count = grown > 1 && soon ? grown : 1;
	c->next_ns = next_drop(c, now_ns);
	c->last_count = c->count;
}

bool codel_drops(struct codel *c, uint64_t now_ns, uint64_t waited_ns,
		 bool backlog)
{
	bool too_old = is_too_old(c, now_ns, waited_ns, backlog);
	bool goes_on = c->goes_on;

	c->goes_on = false;
	if (!c->dropping) {
		if (too_old)
			begin(c, now_ns);
		return too_old;
	}
	c->dropping = too_old;
	if (!too_old)
		return false;
	if (goes_on)
		c->next_ns = next_drop(c, c->next_ns);
	if (now_ns < c->next_ns)
		return false;
	c->count++;
	c->goes_on = true;
	return true;
}
