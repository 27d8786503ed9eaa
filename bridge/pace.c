/* SPDX-License-Identifier: BSD-2-Clause */
/* See pace.h. Counts are doubles: exact to 2^53, a nanosecond in 104 days. */
#include "config.h"

#include <math.h>

#include "clock.h"
#include "pace.h"

#define NS_PER_SEC_D 1e9

void pace_init(struct pace *pace, const struct pace_params *params)
{
	memset(pace, 0, sizeof(*pace));
	pace->params = *params;
}

/* Begin to count anew where the schedule stands now. */
static void restart(struct pace *pace, uint64_t base_ns)
{
	pace->base_ns = base_ns;
	pace->done = 0;
}

static uint64_t due_capture(struct pace *pace, const struct frame *f)
{
	const struct pace_params *p = &pace->params;
	double gap_ns = pace->began ? (double)(f->time_ns - pace->last_ns) : 0;

	if (p->max_gap_ns && gap_ns > (double)p->max_gap_ns * p->factor)
		gap_ns = (double)p->max_gap_ns * p->factor;
	pace->done += gap_ns;
	return pace->base_ns + (uint64_t)(pace->done / p->factor);
}

static uint64_t due_frames(struct pace *pace, double rate)
{
	uint64_t due_ns = pace->base_ns +
			  (uint64_t)(pace->done * NS_PER_SEC_D / rate);

	pace->done++;
	return due_ns;
}

static uint64_t due_bits(struct pace *pace, const struct frame *f)
{
	uint64_t due_ns = pace->base_ns + (uint64_t)(pace->done * NS_PER_SEC_D /
						     pace->params.rate);
	uint32_t bytes = f->len;

	if (pace->params.layer1)
		bytes = (bytes < 60 ? 60 : bytes) + PACE_LAYER1_BYTES;
	pace->done += 8.0 * bytes;
	return due_ns;
}

/* The last rate goes on; none is the end. */
static uint64_t due_after_ramp(struct pace *pace)
{
	double rate = pace->params.step[pace->params.n_steps - 1].to_pps;

	return rate > 0 ? due_frames(pace, rate) : PACE_NEVER;
}

/*
 * From rate a to b in T seconds, a t + k t^2 / 2 frames have left after t, with
 * k = (b - a) / T; so frame n is due at t = 2 n / (a + sqrt(a^2 + 2 k n)),
 * which is right for k = 0, too.
 */
static uint64_t due_ramp(struct pace *pace)
{
	const struct pace_step *step;
	double seconds, frames, k, square, t;

	for (;; pace->step++) {
		if (pace->step == pace->params.n_steps)
			return due_after_ramp(pace);
		step = &pace->params.step[pace->step];
		seconds = (double)step->duration_ns / NS_PER_SEC_D;
		frames = (step->from_pps + step->to_pps) / 2 * seconds;
		if (pace->done < frames)
			break;
		pace->done -= frames;
		pace->base_ns += step->duration_ns;
	}
	k = (step->to_pps - step->from_pps) / seconds;
	square = step->from_pps * step->from_pps + 2 * k * pace->done;
	t = pace->done <= 0 ? 0 : 2 * pace->done /
			(step->from_pps + sqrt(fmax(0, square)));
	pace->done++;
	return pace->base_ns + (uint64_t)(t * NS_PER_SEC_D);
}

static uint64_t due(struct pace *pace, const struct frame *f)
{
	switch (pace->params.mode) {
	case PACE_CAPTURE:
		return due_capture(pace, f);
	case PACE_FRAMES:
		return due_frames(pace, pace->params.rate);
	case PACE_BITS:
		return due_bits(pace, f);
	case PACE_GAP:
		return pace->base_ns +
		       (uint64_t)(pace->done++ * (double)pace->params.gap_ns);
	case PACE_RAMP:
		return due_ramp(pace);
	case PACE_TOPSPEED:
		break;
	}
	return pace->base_ns; /* what was waited between passes */
}

uint64_t pace_due(struct pace *pace, const struct frame *f)
{
	uint64_t due_ns = due(pace, f);

	pace->last_ns = f->time_ns;
	pace->began = true;
	if (pace->in_burst)
		due_ns = pace->due_ns;
	if (++pace->in_burst >= pace->params.burst)
		pace->in_burst = 0;
	if (due_ns > pace->due_ns)
		pace->due_ns = due_ns;
	return pace->due_ns;
}

void pace_pass(struct pace *pace, uint64_t delay_ns)
{
	pace->began = false;
	/* Rates go on counting, so that passes do not round them. */
	if (pace->params.mode == PACE_CAPTURE)
		restart(pace, pace->due_ns + delay_ns);
	else
		pace->base_ns += delay_ns;
}
