/* SPDX-License-Identifier: BSD-2-Clause */
/* Who speaks to whom in a frame, and who of them looks like the client. Pure. */
#ifndef BUMPWIRE_TALK_H
#define BUMPWIRE_TALK_H

#include "dissect.h"

/* Whose addresses a conversation's ends have; else the version of IP. */
#define KIND_MACS 0       /* what is neither of the others */
#define KIND_STATION 1    /* one MAC address, and the side it was seen on */
#define KIND_NEIGHBOURS 2 /* who asks for an address, by ARP or ICMPv6, whom */

struct end {
	uint8_t address[16];
	uint16_t port;
};

/* A frame's two ends and who, as far as one frame tells, is the client. */
struct talk {
	struct end from, to;
	uint8_t kind, protocol;
	bool alone;       /* it names no other end: it goes to a group */
	bool fragment;    /* others, without ports, follow it */
	bool from_server; /* so it looks, where nothing is known */
	bool is_error;    /* about what else these two say */
};

/* A frame of `len` bytes, at least FRAME_MIN_BYTES. */
void talk_of(struct talk *t, const uint8_t *data, uint32_t len);

/* Whether it is ARP for IPv4 over Ethernet (RFC 826), all 28 bytes of it. */
bool talk_is_arp(const uint8_t *data, uint32_t len, const struct dissect *d);

/* At most 16 bytes. */
bool talk_is_zero(const uint8_t *address, uint32_t bytes);

#endif
