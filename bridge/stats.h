/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a lane counts. Every frame is accounted for:
 *
 *   received + duplicated + split = forwarded + dropped{each reason} + held
 *
 * and, once the port has been asked, received + ring_full = offered. Each
 * counter is written by the lane's thread alone, those of the kernel by the
 * control thread alone; others read them relaxed.
 */
#ifndef BUMPWIRE_STATS_H
#define BUMPWIRE_STATS_H

#include <stdbool.h>

#include "base.h"

enum reason {
	REASON_FILTERED,      /* a rule said so */
	REASON_TRUNCATED,     /* larger than its slot, and no copy was kept */
	REASON_OVERSIZE,      /* it, or its segments, over the egress MTU */
	REASON_UNSEGMENTABLE, /* a super-frame that cannot be cut */
	REASON_TX_FULL,       /* the egress queue stayed full */
	REASON_TX_ERROR,      /* the kernel refused it for another cause */
	REASON_LINK_DOWN,     /* the egress port is down or has no carrier */
	REASON_PAUSED,        /* somebody has paused the pair */
	REASON_STALE,         /* the kernel has taken over meanwhile */
	REASON_IMPAIRED,      /* the loss that was asked for */
	REASON_QUEUE_FULL,    /* a delay or a rate had no room for it */
	REASON_AGED,          /* it waited too long for its rate */
	REASONS,
};

struct reason_info {
	const char *name; /* as in reports and in JSON */
	const char *help; /* what a person should make of it */
	bool ordered;     /* somebody asked for it: no news, and no loss */
};

extern const struct reason_info reason_info[REASONS];

struct lane_stats {
	uint64_t received_frames;
	uint64_t received_bytes;
	uint64_t forwarded_frames;
	uint64_t forwarded_bytes;
	uint64_t duplicated_frames; /* copies that stages made */
	uint64_t split_frames;      /* frames that segmenting added */
	uint64_t held_frames;       /* kept by stages just now */
	uint64_t dropped_frames[REASONS];
	uint64_t offered_frames;   /* the kernel's count for the RX ring */
	uint64_t ring_full_frames; /* of these, found no free slot */
	uint64_t bypassed_frames;  /* that the guard forwarded instead */
	uint64_t bypassed_bytes;
	uint64_t bypass_filtered_frames; /* that it dropped by the rules */
};

/* Read all counters of a running lane into `to`. */
void stats_snapshot(const struct lane_stats *from, struct lane_stats *to);

/* Sum of all reasons. */
uint64_t stats_dropped(const struct lane_stats *s);

/* Frames that the balance misses (positive) or has too many of: a bug if not 0
 * in a lane that stands still. */
int64_t stats_unaccounted(const struct lane_stats *s);

/* Stages keep n frames, or give as many on. */
static inline void stats_hold(struct lane_stats *s, uint64_t n)
{
	counter_add(&s->held_frames, n);
}

static inline void stats_unhold(struct lane_stats *s, uint64_t n)
{
	counter_add(&s->held_frames, -n);
}

static inline void stats_drop(struct lane_stats *s, enum reason why, uint64_t n)
{
	counter_add(&s->dropped_frames[why], n);
}

#endif
