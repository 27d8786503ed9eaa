/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a frame carries of its own story: a number, when it was to leave, and a
 * check of the bytes behind. Whoever receives it can tell whether it was lost,
 * doubled, overtaken or altered, and how long it took.
 *
 * All in network order, at the first byte of the payload: behind the header of
 * layer 4, or of layer 3 where there is no layer 4 that we know, or behind the
 * ethertype. 18 bytes, so that UDP in IPv4 holds it in 60 bytes.
 *
 *	magic 2 | check 2 | number 6 | time 8 | the rest of the payload
 *
 * `check` makes the ones' complement sum over stamp and payload 0xffff, what
 * RFC 1071 calls zero. So a checksum of UDP, TCP or ICMP over the payload is
 * the same for every stamp, and nobody has to mend it.
 */
#ifndef BUMPWIRE_STAMP_H
#define BUMPWIRE_STAMP_H

#include "base.h"

#define STAMP_BYTES 18
#define STAMP_MAGIC 0xb57e
#define STAMP_NUMBER_MAX ((UINT64_C(1) << 48) - 1)

struct stamp {
	uint64_t number;  /* 48 bits, from 0 */
	uint64_t time_ns; /* when it was to leave: since 1970, real-time clock */
};

/* The sum of a payload behind its stamp, to be kept for stamp_put(): it is the
 * same for all frames that differ in their stamps alone. At least STAMP_BYTES. */
uint32_t stamp_rest_sum(const uint8_t *payload, uint32_t payload_bytes);

/* Write a stamp over the first STAMP_BYTES of a payload. */
void stamp_put(uint8_t *payload, uint32_t rest_sum, const struct stamp *stamp);

enum stamp_verdict {
	STAMP_NONE,    /* too short, or other bytes: not one of ours */
	STAMP_WRONG,   /* ours, and altered on its way */
	STAMP_RIGHT,
};

enum stamp_verdict stamp_get(const uint8_t *payload, uint32_t payload_bytes,
			     struct stamp *stamp);

#endif
