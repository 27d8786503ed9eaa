/* SPDX-License-Identifier: BSD-2-Clause */
/* See metrics_sample.h. */
#include "config.h"

#include <errno.h>

#include "metrics_sample.h"

/* What a frame ends with is read first: see metrics.h. */
static void read_stats(const struct lane_stats *from, struct lane_stats *to)
{
	static const size_t order[] = {
#define COUNTER(member) offsetof(struct lane_stats, member)
		COUNTER(forwarded_bytes), COUNTER(forwarded_frames),
		COUNTER(dropped_frames),  COUNTER(held_frames),
		COUNTER(duplicated_frames), COUNTER(split_frames),
		COUNTER(received_bytes),  COUNTER(received_frames),
		COUNTER(offered_frames),  COUNTER(ring_full_frames),
		COUNTER(bypassed_frames), COUNTER(bypassed_bytes),
		COUNTER(bypass_filtered_frames),
#undef COUNTER
	};

	_Static_assert(sizeof(*from) == (ARRAY_SIZE(order) - 1 + REASONS) *
						sizeof(uint64_t),
		       "each counter stands in the order");
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		size_t at = order[i];
		size_t n = at == offsetof(struct lane_stats, dropped_frames) ?
				   REASONS : 1;

		/* Acquire: the next one is read after this one. */
		for (size_t k = 0; k < n; k++, at += sizeof(uint64_t))
			*(uint64_t *)((char *)to + at) = __atomic_load_n(
				(const uint64_t *)((const char *)from + at),
				__ATOMIC_ACQUIRE);
	}
}

static void read_lane(const struct bridge *b, enum side side,
		      struct lane_sample *to)
{
	const struct stage *filter = bridge_stage(b, side, STAGE_FILTER);
	uint32_t used, slots;

	if (filter)
		to->unmatched_frames = filter_unmatched(filter);
	read_stats(&b->lane[side].stats, &to->stats);
	if (bridge_ring_fill(b, side, &used, &slots)) {
		to->ring_used_slots = used;
		to->ring_slots = slots;
	}
}

/* An interface that is gone is neither up nor has it a carrier; what it was
 * last stays in the link. */
static void read_port(const struct bridge *b, enum side side,
		      struct port_sample *to)
{
	const struct link_info *link = &b->side[side].link;

	to->up = b->attached && link->up;
	to->carrier = b->attached && link->up && link->carrier;
	to->mtu_bytes = link->mtu;
	to->link = link->counters;
}

static void read_pair(const struct metrics *m, const struct bridge *b,
		      struct pair_sample *to)
{
	to->bridge = b;
	to->attached = b->attached;
	to->paused = m->paused;
	for (int side = 0; side < SIDES; side++) {
		if (shared_read(&b->lane[side].paused))
			to->paused = 1;
		read_lane(b, (enum side)side, &to->lane[side]);
		read_port(b, (enum side)side, &to->port[side]);
	}
}

int metrics_sample_init(struct metrics_sample *s, const struct metrics *m)
{
	*s = (struct metrics_sample){
		.metrics = m,
		.process = {
			.one = 1,
			.start_time_s = m->start_time_s,
			/* No reload, no failure. */
			.last_reload_ok = m->last_reload_ok ||
					  !m->last_reload_s,
			.last_reload_s = m->last_reload_s,
			.reloads = { m->reloads_total,
				     m->failed_reloads_total },
		},
		/* One more: calloc() may give NULL for none. */
		.pair = calloc(m->report.n_bridges + 1, sizeof(*s->pair)),
		.n_pairs = m->report.n_bridges,
	};
	if (!s->pair)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_pairs; i++)
		read_pair(m, m->report.bridge[i], &s->pair[i]);
	return 0;
}

void metrics_sample_fini(struct metrics_sample *s)
{
	free(s->pair);
}
