/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TCP frame that is too long into frames that are not, and a super-frame of
 * TCP or UDP, encapsulated or not, into the frames that it stands for: as the
 * kernel's GSO does it (net/ipv4/tcp_offload.c, udp_offload.c, af_inet.c, and
 * their like of IPv6 and GRE). IPv4's identifications count up, within and
 * without; TCP's sequence number goes on, PSH and FIN stand on the last one
 * only, options on all; lengths and checksums are computed anew. Pure.
 */
#ifndef BUMPWIRE_SEGMENT_H
#define BUMPWIRE_SEGMENT_H

#include "frame.h"
#include "tunnel.h"

struct segment_job {
	const uint8_t *data;    /* of the frame; must stay until the end */
	struct tunnel t;
	uint32_t sum[TUNNEL_LAYERS_MAX]; /* of each layer, what is constant */
	uint32_t pseudo;        /* sum of layer 4's pseudo-header, no length */
	uint32_t header_bytes;  /* from the frame's start, in each segment */
	uint32_t mss_bytes;
	uint32_t payload_bytes; /* of all segments */
	uint32_t done_bytes;    /* of these, handed out */
	uint32_t n;             /* segments handed out */
	bool cwr_on_all;
};

/*
 * The TCP payload of a segment that fits into a port of this MTU by the rule
 * of frame_limit(): the IP packet is at most the MTU; less by what a second
 * tag takes. 0: the headers alone do not fit, or segment_start() would refuse
 * the frame.
 */
uint32_t segment_mss(const struct frame *f, uint32_t mtu);

/*
 * Begin to cut a frame into pieces of at most `mss_bytes` of payload. 0, or
 * -EINVAL: it cannot be cut. It is no TCP in IPv4 or IPv6, a fragment, not
 * all here (the capture cut it), a jumbogram, has SYN, RST or URG, which one
 * segment alone can say; or mss_bytes is 0. DF is no hindrance. CWR is then
 * on the first one only.
 */
int segment_start(struct segment_job *job, const struct frame *f,
		  uint32_t mss_bytes);

/*
 * Begin to cut a super-frame as the header beside it says. 0, or -EINVAL: it
 * is none, of another kind, or its headers are not understood (tunnel.h) or
 * contradict what stands beside them.
 *
 * CWR is on the first segment only where the sender keeps to RFC 3168, of
 * which VIRTIO_NET_HDR_GSO_ECN tells; else it is a bit of AccECN's counter,
 * and on all (SKB_GSO_TCP_ACCECN, of which that header has no word).
 */
int segment_start_super(struct segment_job *job, const struct frame *f);

/* How many there will be, at least 1. */
uint32_t segment_count(const struct segment_job *job);

/* Bytes of the longest of them, tags and headers counted. */
uint32_t segment_bytes(const struct segment_job *job);

/* The next one into `out`, of `room` bytes, which does not overlap the frame.
 * False: there is none left, or no room for it; then *len is 0. */
bool segment_next(struct segment_job *job, uint8_t *out, uint32_t room,
		  uint32_t *len);

#endif
