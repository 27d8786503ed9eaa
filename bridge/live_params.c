/* SPDX-License-Identifier: BSD-2-Clause */
/* See live_params.h. */
#include "config.h"

#include <endian.h>
#include <errno.h>

#include "be.h"
#include "checksum.h"
#include "clock.h"
#include "live_params.h"
#include "log.h"
#include "stamp.h"

#define FRAME_MIN 14 /* ETH_HLEN: the kernel takes no less */
#define BATCH_NS 16000.0
#define BATCH_PACED 16
#define BATCH_TOPSPEED 64
#define FRAMES_MANY 1e15 /* beyond: nobody sees the end of it */
#define FRAMES_ROUNDED 1e-3

static uint32_t field_bits(const struct live_field *f)
{
	return f->bits ? f->bits : 8u * f->width;
}

uint64_t live_field_mask(const struct live_field *f)
{
	return UINT64_MAX >> (64 - field_bits(f));
}

bool live_field_is_odd(const struct live_field *f)
{
	return (f->offset + f->width) % 2;
}

static bool lies_within(const struct live_params *p, uint32_t offset,
			uint32_t bytes)
{
	return offset <= p->len && bytes <= p->len - offset;
}

static bool field_is_valid(const struct live_params *p,
			   const struct live_field *f)
{
	return f->width >= 1 && f->width <= 8 &&
	       lies_within(p, f->offset, f->width) &&
	       (!p->stamp || f->offset + f->width <= p->payload) &&
	       field_bits(f) + f->shift <= 8u * f->width &&
	       f->first <= live_field_mask(f) &&
	       (f->kind == LIVE_COUNT ||
		(f->first <= f->last && f->last <= live_field_mask(f)));
}

static bool params_are_valid(const struct live_params *p)
{
	if (p->index <= 0 || p->len < FRAME_MIN || !(p->pps >= 0) ||
	    p->n_fields > LIVE_FIELDS_MAX || p->batch > LIVE_BATCH_MAX ||
	    p->ip_csum % 2 || !lies_within(p, p->ip_csum, 2) ||
	    p->l4_csum % 2 || !lies_within(p, p->l4_csum, 2) ||
	    (p->stamp && !lies_within(p, p->payload, STAMP_BYTES)))
		return false;
	for (uint32_t i = 0; i < p->n_fields; i++)
		if (!field_is_valid(p, &p->field[i]))
			return false;
	return true;
}

int live_params_check(const struct live_params *p)
{
	if (p->len > LIVE_FRAME_MAX) {
		log_err("%s: live frames: %u bytes: more than a page holds",
			p->name, p->len);
		return -EMSGSIZE;
	}
	if (p->pps > 0 && p->pps < LIVE_PPS_MIN) {
		log_err("%s: live frames: %g frames a second: %d at least; "
			"slower ones need another engine", p->name, p->pps,
			LIVE_PPS_MIN);
		return -ERANGE;
	}
	if (params_are_valid(p))
		return 0;
	log_err("%s: live frames: fields, checksums or stamp do not lie in a "
		"frame of %u bytes", p->name, p->len);
	return -EINVAL;
}

/* What a field holds in base, as it adds to a sum. */
static uint32_t field_sum(const struct live_params *p,
			  const struct live_field *f)
{
	uint64_t value = 0, words;

	for (uint32_t i = 0; i < f->width; i++)
		value = value << 8 | p->base[f->offset + i];
	value &= live_field_mask(f) << f->shift;
	if (live_field_is_odd(f))
		value = value << 8 | value >> 56;
	words = htobe64(value);
	return checksum_sum((const uint8_t *)&words, sizeof(words));
}

/* What a checksum covers, less the fields. Never 0: nobody sums up zeroes. */
uint32_t live_params_rest(const struct live_params *p, uint32_t offset,
			 uint8_t which)
{
	uint32_t sum = 0xffff ^ be16_get(p->base + offset);

	for (uint32_t i = 0; i < p->n_fields; i++)
		if (p->field[i].sums & which)
			sum = checksum_join(
				sum, 0xffff ^ field_sum(p, &p->field[i]));
	return sum ? sum : 0xffff;
}

uint32_t live_params_batch(const struct live_params *p)
{
	double frames = p->pps * BATCH_NS / (double)NS_PER_SEC;

	if (p->batch)
		return p->batch;
	if (!(p->pps > 0))
		return BATCH_TOPSPEED;
	return frames < 1 ? 1 : frames > BATCH_PACED ? BATCH_PACED :
						       (uint32_t)frames;
}

uint64_t live_params_count(const struct live_params *p)
{
	double frames = (double)p->duration_ns * p->pps / (double)NS_PER_SEC;

	if (!(frames > 0) || frames > FRAMES_MANY ||
	    (p->count && (double)p->count <= frames))
		return p->count;
	return (uint64_t)(frames + 1 - FRAMES_ROUNDED);
}
