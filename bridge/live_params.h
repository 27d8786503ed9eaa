/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What struct live_params (live.h) amounts to: whether it can be done at all,
 * and what follows from it. Pure, and so without BPF.
 */
#ifndef BUMPWIRE_LIVE_PARAMS_H
#define BUMPWIRE_LIVE_PARAMS_H

#include "live.h"

/* 0, or -EMSGSIZE, -ERANGE, -EINVAL as live_new() says (logged). */
int live_params_check(const struct live_params *p);

/* The field's bits, not yet shifted. */
uint64_t live_field_mask(const struct live_field *f);

/* It ends at an odd offset, in the high byte of a word. */
bool live_field_is_odd(const struct live_field *f);

/* What the checksum at `offset` covers in base, less the fields that take part
 * in `which`: a sum as of checksum.h. */
uint32_t live_params_rest(const struct live_params *p, uint32_t offset,
			  uint8_t which);

/* Frames of a batch, 1 to LIVE_BATCH_MAX. */
uint32_t live_params_batch(const struct live_params *p);

/* Frames to make, or 0: no limit. A duration's frames are known when they have
 * a schedule; one that slips ends sooner, which the program sees to. */
uint64_t live_params_count(const struct live_params *p);

#endif
