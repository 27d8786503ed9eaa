/* SPDX-License-Identifier: BSD-2-Clause */
/* See stats.h: the table of reasons, and the balance. */
#include "config.h"

#include "stats.h"

const struct reason_info reason_info[REASONS] = {
	[REASON_FILTERED] = { "filtered", "matched a drop rule, or no pass rule",
		.ordered = true },
	[REASON_TRUNCATED] = { "truncated",
		"larger than its slot and the copy found no room: raise slot_bytes" },
	[REASON_OVERSIZE] = { "oversize",
		"longer than the egress port's MTU: make the MTUs equal" },
	[REASON_UNSEGMENTABLE] = { "unsegmentable",
		"super-frame of a kind that nobody here can cut" },
	[REASON_TX_FULL] = { "tx_full", "the egress port's queue was full" },
	[REASON_TX_ERROR] = { "tx_error", "the kernel refused to send it" },
	[REASON_LINK_DOWN] = { "link_down",
		"the egress port was down or had no carrier" },
	[REASON_PAUSED] = { "paused", "forwarding was paused: bumpctl resume",
		.ordered = true },
	[REASON_STALE] = { "stale",
		"the lane hung, and the kernel went on with later frames" },
	[REASON_IMPAIRED] = { "impaired", "lost on purpose, as loss says",
		.ordered = true },
	[REASON_QUEUE_FULL] = { "queue_full",
		"no room to hold it: raise queue, or hold" },
	[REASON_AGED] = { "aged",
		"waited too long for its rate, as ageing says",
		.ordered = true },
};

void stats_snapshot(const struct lane_stats *from, struct lane_stats *to)
{
	const uint64_t *src = (const uint64_t *)from;
	uint64_t *dst = (uint64_t *)to;

	_Static_assert(sizeof(*from) % sizeof(uint64_t) == 0,
		       "lane_stats is an array of 64-bit counters");
	for (size_t i = 0; i < sizeof(*from) / sizeof(uint64_t); i++)
		dst[i] = counter_read(&src[i]);
}

uint64_t stats_dropped(const struct lane_stats *s)
{
	uint64_t sum = 0;

	for (int why = 0; why < REASONS; why++)
		sum += s->dropped_frames[why];
	return sum;
}

int64_t stats_unaccounted(const struct lane_stats *s)
{
	uint64_t in = s->received_frames + s->duplicated_frames + s->split_frames;
	uint64_t out = s->forwarded_frames + stats_dropped(s) + s->held_frames;

	return (int64_t)(in - out);
}
