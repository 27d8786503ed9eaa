/* SPDX-License-Identifier: BSD-2-Clause */
/* What is asked of a bridge while it runs; see bridge.h. */
#include "config.h"

#include <string.h>

#include "bridge_guard.h"
#include "bridge_port.h"

const char *bridge_state(const struct bridge *b)
{
	if (!b->attached)
		return b->guarded ? "bypassed" :
		       b->refused ? "refused" : "waiting";
	for (int side = 0; side < SIDES; side++)
		if (!b->side[side].link.up)
			return "down";
	for (int side = 0; side < SIDES; side++)
		if (!b->side[side].link.carrier)
			return "no carrier";
	return b->paused ? "paused" : "forwarding";
}

void bridge_pause(struct bridge *b, bool paused)
{
	b->paused = paused;
	for (int side = 0; side < SIDES; side++)
		shared_write(&b->lane[side].paused, paused);
}

/* In the lane's thread; what it had counted is left in `arg`. What it holds
 * just now counts as received. */
static void take_stats(struct lane *lane, void *arg)
{
	struct lane_stats *before = arg;
	uint64_t held = lane->stats.held_frames;

	*before = lane->stats;
	memset(&lane->stats, 0, sizeof(lane->stats));
	lane->stats.held_frames = lane->stats.received_frames = held;
	for (struct stage *st = lane->stages; st; st = st->next)
		if (st->ops->reset)
			st->ops->reset(st);
}

/* Frames that are in the ring just now will be received, and so they are not
 * among those that were offered before; nor are those that are held. */
static int reset_side(struct bridge *b, enum side side)
{
	struct port_counters *base = &b->side[side].before;
	struct lane_stats before;
	int r;

	bridge_port_count(b, side);
	r = lane_do(&b->lane[side], take_stats, &before);
	if (r)
		return r;
	base->ring_full_frames -= before.ring_full_frames;
	base->offered_frames -= before.received_frames - before.held_frames +
				before.ring_full_frames;
	memset(&b->printed[side], 0, sizeof(b->printed[side]));
	b->told_ring_full[side] = 0;
	b->told_bypassed[side] = 0;
	bridge_guard_reset(b, side);
	bridge_port_count(b, side);
	return 0;
}

int bridge_reset(struct bridge *b)
{
	int r = reset_side(b, SIDE_LEFT);

	return r ? r : reset_side(b, SIDE_RIGHT);
}

bool bridge_ring_fill(const struct bridge *b, enum side side, uint32_t *used,
		      uint32_t *slots)
{
	struct port *port = b->side[side].port;

	if (!port || !port->ops->fill || !b->has_lane[side])
		return false;
	port->ops->fill(port, used, slots);
	return true;
}

bool bridge_has_turned(struct bridge *b)
{
	bool all = true;

	for (int side = 0; side < SIDES; side++) {
		struct lane *lane = &b->lane[side];
		uint64_t turns = counter_read(&lane->turns);

		if (lane->started && turns == b->seen_turns[side])
			all = false;
		b->seen_turns[side] = turns;
		if (lane->started)
			lane_wake(lane);
	}
	return all;
}
