/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the headers of a frame lie: tags, IPv4 or IPv6, and what they carry.
 * Pure, and it believes nothing: each offset that it names lies in the frame.
 */
#ifndef BUMPWIRE_DISSECT_H
#define BUMPWIRE_DISSECT_H

#include <stdbool.h>

#include "base.h"

struct dissect {
	uint16_t type;      /* ethertype, or length, behind all tags */
	uint8_t n_tags;     /* 802.1Q and 802.1ad, outermost at byte 12 */
	uint8_t version;    /* of IP: 4 or 6, or 0: no IP header, or no whole one */
	uint8_t protocol;   /* of layer 4, behind IPv6's extension headers */
	bool fragment;      /* one of several: no whole layer 4 in it */
	bool first_fragment; /* the one with the header of layer 4 */
	uint32_t network;   /* first byte behind the ethertype */
	uint32_t transport; /* first byte behind IP's headers; 0 if there are none
			     * or this fragment has none of layer 4 */
	uint32_t payload;   /* first byte behind all headers that are known (TCP,
			     * UDP, ICMP, ICMPv6); else where layer 4, or 3, is */
	uint32_t end;       /* behind the last byte of the IP packet as its header
			     * tells, at most the frame's; Ethernet may pad behind */
};

/* A frame of `len` bytes, at least FRAME_MIN_BYTES. Never fails: what is not
 * understood is payload. */
void dissect(const uint8_t *data, uint32_t len, struct dissect *d);

#endif
