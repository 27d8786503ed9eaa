/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Internet checksum (RFC 1071), its mending by the difference (RFC 1624),
 * and all checksums of a frame computed from its bytes. Pure.
 *
 * A "sum" is the ones' complement sum of 16-bit words, 0 to 0xffff, not yet
 * inverted; a "delta" is a sum, too: of what changed words add to it.
 */
#ifndef BUMPWIRE_CHECKSUM_H
#define BUMPWIRE_CHECKSUM_H

#include "dissect.h"

/* Two sums in one. */
static inline uint32_t checksum_join(uint32_t a, uint32_t b)
{
	uint32_t sum = a + b;

	return (sum & 0xffff) + (sum >> 16);
}

/* Sum of the bytes; an odd last one is the high half of a word. */
uint32_t checksum_sum(const uint8_t *data, uint32_t len);

/* The same while the bytes are copied; the two do not overlap. */
uint32_t checksum_copy(uint8_t *to, const uint8_t *from, uint32_t len);

/* What replacing words adds to a sum. Both lie at an even distance from where
 * the sum began; `len` is even. (RFC 1624, equation 3) */
uint32_t checksum_delta(const uint8_t *from, const uint8_t *to, uint32_t len);

/* Mend a checksum field: right stays right, wrong stays wrong by as much. */
void checksum_mend(uint8_t *field, uint32_t delta);

/* Offset of the destination address that layer 4's checksum counts: that of
 * IP's header, or the last one of a source route that is not yet gone
 * (RFC 791 3.1, RFC 8200 8.1, RFC 8754 2). d->version and d->transport must
 * not be 0. */
uint32_t checksum_destination(const uint8_t *data, const struct dissect *d);

/* Sum of the pseudo-header (RFC 9293 3.1, RFC 8200 8.1) for a layer 4 of
 * `len` bytes. d as above. */
uint32_t checksum_pseudo(const uint8_t *data, const struct dissect *d,
			 uint32_t len);

/* The header of IPv4; nothing in other frames. */
void checksum_fix_network(uint8_t *data, const struct dissect *d);

/*
 * Put right, from the bytes of a whole frame of at least FRAME_MIN_BYTES,
 * behind any tags: IPv4's header, TCP, UDP (also where it had none; what comes
 * out as 0 is 0xffff), ICMP, ICMPv6, IGMP. Of a fragment, or of a packet that
 * the capture cut, only IPv4's header: the rest of the bytes is not here.
 */
void checksum_fix(uint8_t *data, uint32_t len);

#endif
