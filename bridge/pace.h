/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When each frame may leave: pure arithmetic on an absolute schedule. A frame
 * is due at an offset from the start of the run that follows from its number,
 * its bytes or its time in the capture, never from when the one before left;
 * so nothing adds up to a drift, over hours and over passes.
 */
#ifndef BUMPWIRE_PACE_H
#define BUMPWIRE_PACE_H

#include <stdbool.h>

#include "frame.h"

#define PACE_STEPS_MAX 16
#define PACE_NEVER UINT64_MAX
#define PACE_LAYER1_BYTES 24 /* preamble 8, FCS 4, gap 12 (IEEE 802.3) */

enum pace_mode {
	PACE_CAPTURE,  /* as the capture has it, `factor` times as fast */
	PACE_FRAMES,   /* `rate` frames a second */
	PACE_BITS,     /* `rate` bits a second */
	PACE_GAP,      /* `gap_ns` from frame to frame */
	PACE_RAMP,     /* the steps one after another, then the last rate */
	PACE_TOPSPEED, /* all of a pass are due at once */
};

/* From one rate to another, evenly in time. */
struct pace_step {
	double from_pps;
	double to_pps;
	uint64_t duration_ns;
};

struct pace_params {
	enum pace_mode mode;
	double factor;       /* above 0 */
	double rate;         /* above 0 */
	bool layer1;         /* bits: as long as the frame holds the wire */
	uint32_t burst;      /* so many leave together, at the time of the
				first: 0 or 1 each alone */
	uint64_t gap_ns;
	uint64_t max_gap_ns; /* PACE_CAPTURE: 0 or the longest wait there is */
	struct pace_step step[PACE_STEPS_MAX];
	size_t n_steps;
};

struct pace {
	struct pace_params params;
	uint64_t base_ns;  /* offset at which this count began */
	double done;       /* frames, bits, or ns of the capture, since then */
	uint64_t due_ns;   /* of the last frame */
	uint64_t last_ns;  /* PACE_CAPTURE: its time in the capture */
	bool began;        /* this pass has had its first frame */
	uint32_t in_burst;
	size_t step;
};

void pace_init(struct pace *pace, const struct pace_params *params);

/* When this frame, the next one, is due: nanoseconds from the start of the
 * run. Never less than for the frame before. PACE_NEVER: the
 * schedule has ended. */
uint64_t pace_due(struct pace *pace, const struct frame *f);

/* Another pass over the source begins, `delay_ns` later than it would. */
void pace_pass(struct pace *pace, uint64_t delay_ns);

#endif
