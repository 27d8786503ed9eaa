/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TCP frame that is too long, or a super-frame, into frames that are not:
 * as the kernel's TSO does it (net/ipv4/tcp_offload.c, tcp_gso_segment()).
 * IPv4's identification counts up, the sequence number goes on, PSH and FIN
 * stand on the last one only, CWR on the first, options on all; lengths and
 * checksums are computed anew, whatever they were. Pure.
 */
#ifndef BUMPWIRE_SEGMENT_H
#define BUMPWIRE_SEGMENT_H

#include "dissect.h"
#include "frame.h"

struct segment_job {
	const uint8_t *data;    /* of the frame; must stay until the end */
	struct dissect d;
	uint32_t mss_bytes;
	uint32_t payload_bytes; /* of all segments */
	uint32_t done_bytes;    /* of these, handed out */
	uint32_t n;             /* segments handed out */
};

/*
 * The TCP payload of a segment that fits into a port of this MTU by the rule
 * of frame_limit(): the IP packet is at most the MTU; less by what a second
 * tag takes. 0: the headers alone do not fit, or segment_start() would refuse
 * the frame. For a super-frame take vnet.gso_size instead.
 */
uint32_t segment_mss(const struct frame *f, uint32_t mtu);

/*
 * Begin to cut a frame into pieces of at most `mss_bytes` of payload. 0, or
 * -EINVAL: it cannot be cut. It is no TCP in IPv4 or IPv6, a fragment, not
 * all here (the capture cut it), a jumbogram, has SYN, RST or URG, which one
 * segment alone can say; or mss_bytes is 0. DF is no hindrance.
 */
int segment_start(struct segment_job *job, const struct frame *f,
		  uint32_t mss_bytes);

/* How many there will be, at least 1. */
uint32_t segment_count(const struct segment_job *job);

/* Bytes of the longest of them, tags and headers counted. */
uint32_t segment_bytes(const struct segment_job *job);

/* The next one into `out`, of `room` bytes, which does not overlap the frame.
 * False: there is none left, or no room for it; then *len is 0. */
bool segment_next(struct segment_job *job, uint8_t *out, uint32_t room,
		  uint32_t *len);

#endif
