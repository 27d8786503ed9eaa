/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A frame is a view of bytes that somebody else owns, exactly as they stand on
 * the wire: tags in place, without the frame check sequence. A burst is what a
 * lane carries in one breath.
 *
 * Who owns the bytes: a frame that a port lent is borrowed; it dies when that
 * port is told to release. One that a stage has kept is the pool's (pool.h). It
 * has writable bytes before it: FRAME_HEADROOM in all, of which a tag that the
 * kernel had taken out has used its own.
 */
#ifndef BUMPWIRE_FRAME_H
#define BUMPWIRE_FRAME_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <string.h>

#include "base.h"
#include "be.h"

#define FRAME_MIN_BYTES 14  /* a bare Ethernet header */
#define FRAME_TAG_BYTES 4   /* one 802.1Q or 802.1ad tag */
/* Room for the tag that the kernel took out, and two that a stage may push. */
#define FRAME_HEADROOM (3 * FRAME_TAG_BYTES)
#define FRAME_MAX_BYTES (65535 + 14 + 2 * FRAME_TAG_BYTES)

#define BURST_RX 64   /* frames that a port lends at most in a breath */
#define BURST_MAX 256 /* room for what stages add */

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5 /* since kernel 6.2 */
#endif

struct held;

struct frame {
	uint8_t *data; /* first byte of the destination address */
	uint32_t len;  /* bytes, tags counted, FCS not */
	/*
	 * What is left undone by the sending host: a checksum to finish, a
	 * super-frame to cut. Offsets count from `data`. All zero for a frame
	 * that is complete. (include/uapi/linux/virtio_net.h)
	 */
	struct virtio_net_hdr vnet;
	/* Which of the lane's ports it leaves by; 0 where there is one. */
	uint8_t egress;
	/*
	 * When it arrived, in nanoseconds since 1970 by the kernel's clock. From
	 * a source: when it is to leave, counted from the first of its pass.
	 */
	uint64_t time_ns;
	struct held *held; /* what the pool knows of it; NULL: borrowed */
};

struct burst {
	uint32_t n;
	struct frame frame[BURST_MAX];
};

/* Nothing is left undone in it: it can leave by any socket. */
static inline bool frame_is_plain(const struct frame *f)
{
	return f->vnet.gso_type == VIRTIO_NET_HDR_GSO_NONE &&
	       !(f->vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
}

/* It stands for several frames, which the sending device is to cut. */
static inline bool frame_is_super(const struct frame *f)
{
	return f->vnet.gso_type != VIRTIO_NET_HDR_GSO_NONE;
}

/* Ethertype or length of the outermost header, host order. */
static inline uint16_t frame_ethertype(const struct frame *f)
{
	return be16_get(f->data + 12);
}

/* The outermost header is a tag that the kernel knows as one. */
static inline bool frame_is_tagged(const struct frame *f)
{
	uint16_t type = frame_ethertype(f);

	return type == 0x8100 || type == 0x88a8;
}

/*
 * The longest frame that may leave a port of this MTU: 14 bytes of header and,
 * if it carries one, 4 of a tag do not count.
 */
static inline uint32_t frame_limit(const struct frame *f, uint32_t mtu)
{
	return mtu + 14 + (frame_is_tagged(f) ? FRAME_TAG_BYTES : 0);
}

/*
 * Put the tag that the kernel keeps beside the frame back where it was on the
 * wire: the address bytes move into the headroom, and the offsets of the
 * unfinished work grow with it.
 */
static inline void frame_push_tag(struct frame *f, uint16_t tpid, uint16_t tci)
{
	uint8_t *to = f->data - FRAME_TAG_BYTES;

	memmove(to, f->data, 12);
	be16_put(to + 12, tpid);
	be16_put(to + 14, tci);
	f->data = to;
	f->len += FRAME_TAG_BYTES;
	if (f->vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		f->vnet.csum_start += FRAME_TAG_BYTES;
	if (f->vnet.hdr_len)
		f->vnet.hdr_len += FRAME_TAG_BYTES;
}

/*
 * Bytes of the longest segment that a super-frame is cut into, its headers and
 * tags counted; 0 if the header beside it does not describe it, as for
 * encapsulated ones: then nobody can cut it right.
 */
uint32_t frame_segment_bytes(const struct frame *f);

/*
 * Finish the checksum that the sender has left to its device, in place, as the
 * kernel's skb_checksum_help() does: the bytes are as they will be on the wire.
 * In a super-frame it is then that of the whole, and of no segment.
 */
void frame_finish_checksum(struct frame *f);

/* The same checksum, written into a copy of the frame's first bytes alone, if
 * there is one to be finished and its field is among them. */
void frame_write_checksum(const struct frame *f, uint8_t *copy, uint32_t bytes);

#endif
