/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stage that lets through so many bits a second and no more, with a bounded
 * queue before it.
 *
 * A frame leaves as soon as the wire is free, and then holds the wire for as
 * long as its bits take: its time is charged behind it, not before. So a frame
 * that meets an idle wire is not delayed at all. That is a shaper at the head
 * of a faster line, such as a provider's for its subscribers (or tc's tbf); a
 * slow line itself would hold each frame back for its own time as well: give
 * that to a delay.
 *
 * While frames wait, the schedule is absolute: each is due when those before
 * it have had their time, to the fraction of a nanosecond, however late it was
 * looked at. See rate.c for what becomes of lost time.
 */
#ifndef BUMPWIRE_RATE_H
#define BUMPWIRE_RATE_H

#include "pool.h"
#include "stage.h"

/* All zero: no rate is asked for. Of each other one 0 is the default. */
struct rate_params {
	uint64_t bps;           /* bits a second */
	bool layer1;            /* a frame is as long as it holds the wire:
				 * preamble, FCS and gap are counted, and what
				 * is short is padded; else its own bytes */
	uint64_t burst_bytes;   /* what an idle wire saves up beyond the first
				 * frame: 2 ms of the rate */
	uint64_t queue_bytes;   /* what may wait, counted as the rate counts; */
	uint64_t queue_ns;      /* or so many at this rate: 100 ms */
	bool ages;              /* drop what has waited too long, by CoDel */
	uint64_t age_target_ns; /* the wait that CoDel aims at: 5 ms */
};

/* ---- what people type: 0 or -EINVAL, not logged, into struct rate_params ---- */

#define RATE_RATE_ALLOWED \
	"a rate from 1kbit to 400gbit, such as 10mbit, 1.5gbit or 64kbit"
#define RATE_LAYER_ALLOWED \
	"2 (the bytes of each frame) or 1 (and 24 for preamble, FCS and gap)"
#define RATE_BURST_ALLOWED "a size from 1 to 64mb, such as 32kb"
#define RATE_QUEUE_ALLOWED \
	"a time from 100us to 60s, such as 100ms, or a size from 64 to 1gb, " \
	"such as 64kb"
#define RATE_AGEING_ALLOWED \
	"no, yes (5ms), or the time that frames may wait for long, from 100us " \
	"to 10s"

int rate_parse_rate(const char *text, void *params);
int rate_parse_layer(const char *text, void *params);
int rate_parse_burst(const char *text, void *params);
int rate_parse_queue(const char *text, void *params);
int rate_parse_ageing(const char *text, void *params);

/*
 * Super-frames must be cut before they come here. One holds the wire for 43
 * frames' time, in which nothing else gets through: below 1 Gbit/s that is
 * longer than half a millisecond; and a small queue could not hold a few. A
 * faster rate counts one as the frames that it carries.
 */
bool rate_wants_frames(const struct rate_params *params);

/*
 * Copies the parameters; without bps there is no stage: NULL. The pool stays
 * the caller's and must outlive the stage. 0 or -ENOMEM (logged). Counts:
 * queued_bytes, queued_max_bytes, queue_bytes (what it may be), lost_us (time
 * of the rate that was lost because the lane did not run).
 */
int rate_new(struct stage **stagep, const struct rate_params *params,
	     struct pool *pool);

#endif
