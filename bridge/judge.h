/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The judge is a port at the end of a lane that keeps nothing: it reads the
 * stamp (stamp.h) of each frame that is sent to it and tells what became of
 * the frames that somebody sent with numbers from 0. One thread sends to it,
 * others may read the figures meanwhile.
 *
 * A super-frame of TCP or UDP is judged piece by piece, as it was on the wire.
 *
 * Memory is bounded: of which numbers arrived it knows those of a window up to
 * the highest one. A number from before the window may be a copy or a very
 * late frame, nobody can tell: it is counted as late_unknown, and its number
 * remains lost if it was.
 */
#ifndef BUMPWIRE_JUDGE_H
#define BUMPWIRE_JUDGE_H

#include "hist.h"
#include "port.h"

#define JUDGE_WINDOW (UINT32_C(1) << 20)
#define JUDGE_WINDOW_MIN 64
#define JUDGE_WINDOW_MAX (UINT32_C(1) << 30)

struct judge_params {
	/* The first number is 0, whatever arrives first. Else the lowest is:
	 * the one that arrives first, or one below it within the window. */
	bool expect_from_zero;
	uint64_t expected_frames; /* numbers that were sent; 0: unknown */
	uint32_t window_numbers;  /* a power of two; 0: JUDGE_WINDOW */
};

/*
 * frames = delivered + duplicated + late_unknown + corrupted + foreign
 * delivered + lost = last_expected - first_expected + 1
 *
 * While frames arrive the figures may miss each other by a burst.
 */
struct judge_figures {
	uint64_t frames;       /* all that were judged */
	uint64_t delivered;    /* distinct numbers that arrived whole */
	uint64_t lost;         /* expected ones that did not */
	uint64_t duplicated;   /* copies of delivered ones */
	uint64_t reordered;    /* of the delivered: below the highest by then */
	uint64_t late_unknown; /* older than the window */
	/* Altered on the way. What number they had is not known, so each is
	 * lost, too, unless another copy of it arrives. */
	uint64_t corrupted;
	uint64_t foreign;      /* carry no stamp */

	/* All below: of delivered frames; 0 if there are none. */
	uint64_t bytes;          /* of frames, without FCS */
	uint64_t first_number;   /* of the one that arrived first */
	uint64_t last_number;    /* of the one that arrived last */
	uint64_t highest_number;
	uint64_t first_ns;       /* arrival of the first, since 1970 */
	uint64_t last_ns;
	uint64_t duration_ns;    /* from the first to the last */
	/* Arrived before they were to leave: the clocks of two machines differ
	 * and such a latency says nothing. Not in the histogram. */
	uint64_t early;

	/* Meaningful if delivered + lost is not 0. */
	uint64_t first_expected;
	uint64_t last_expected; /* the highest, or what expected_frames tells */
};

struct judge;

/* 0, -ENOMEM, or -EINVAL for a window that is none, or more frames expected
 * than there are numbers, 2^48. Not logged. */
int judge_new(struct judge **judgep, const struct judge_params *params);
/* port_close() of its port does the same. */
void judge_free(struct judge *judge);

/* Ready, of any MTU. All that is sent to it counts as forwarded. */
struct port *judge_port(struct judge *judge);

void judge_figures(const struct judge *judge, struct judge_figures *figures);

/* Arrival less the time in the stamp, in nanoseconds, of the delivered frames
 * that were not early. Lives as long as the judge. */
const struct hist *judge_hist(const struct judge *judge);

#endif
