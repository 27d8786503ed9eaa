/* SPDX-License-Identifier: BSD-2-Clause */
/* What stages and taps bring into a view that is being made. */
#ifndef BUMPWIRE_TOP_STAGES_H
#define BUMPWIRE_TOP_STAGES_H

#include "top_view.h"

/* What is asked of the stages of a lane. */
void top_take_asked(char asked[TOP_ASKED_SIZE], const json_t *lane);

/* What they have counted, and what waits. False: no memory. */
bool top_take_stages(struct top_pair *pair, int side, const json_t *now,
		     const json_t *before);

/* The same of a pair's taps. */
bool top_take_taps(struct top_pair *pair, const json_t *now,
		   const json_t *before);

#endif
