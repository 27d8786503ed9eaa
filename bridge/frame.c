/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a frame needs above layer 2: of a super-frame, whether its header can be
 * believed and how long its segments will be; and a checksum that is not done.
 */
#include "config.h"

#include <netinet/in.h>

#include "be.h"
#include "checksum.h"
#include "frame.h"

#define IP6_EXTENSIONS_MAX 8

struct l4 {
	uint32_t offset; /* from the frame's first byte */
	uint8_t protocol;
};

/* Offset of the network header behind any number of tags. */
static uint32_t network_offset(const struct frame *f, uint16_t *type)
{
	uint32_t at = 12;

	while (at + 2 <= f->len) {
		*type = be16_get(f->data + at);
		at += 2;
		if (*type != 0x8100 && *type != 0x88a8)
			return at;
		at += 2;
	}
	return f->len;
}

static int l4_of_ipv4(const struct frame *f, uint32_t at, struct l4 *l4)
{
	if (at + 20 > f->len || (f->data[at] & 0x0f) < 5)
		return -1;
	l4->protocol = f->data[at + 9];
	l4->offset = at + 4u * (f->data[at] & 0x0f);
	return 0;
}

static int l4_of_ipv6(const struct frame *f, uint32_t at, struct l4 *l4)
{
	uint8_t next;

	if (at + 40 > f->len)
		return -1;
	next = f->data[at + 6];
	at += 40;
	for (int i = 0; i < IP6_EXTENSIONS_MAX; i++) {
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING &&
		    next != IPPROTO_DSTOPTS)
			break;
		if (at + 8 > f->len)
			return -1;
		next = f->data[at];
		at += 8u * (f->data[at + 1] + 1u);
	}
	l4->protocol = next;
	l4->offset = at;
	return 0;
}

static int frame_l4(const struct frame *f, struct l4 *l4)
{
	uint16_t type = 0;
	uint32_t at = network_offset(f, &type);

	switch (type) {
	case 0x0800:
		return l4_of_ipv4(f, at, l4);
	case 0x86dd:
		return l4_of_ipv6(f, at, l4);
	}
	return -1;
}

/*
 * The kernel tells of an encapsulated super-frame only its inner half
 * (virtio_net_hdr_from_skb() has no word for tunnels before 6.17): the header
 * says TCP, but the first layer 4 in the frame is the tunnel's UDP. So the
 * header is believed only if the outermost layer 4 is the one it speaks of.
 */
uint32_t frame_segment_bytes(const struct frame *f)
{
	uint32_t start = f->vnet.csum_start;
	uint32_t header;
	struct l4 l4;

	if (!(f->vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return 0;
	if (frame_l4(f, &l4) || l4.offset != start)
		return 0;

	switch (f->vnet.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
		if (l4.protocol != IPPROTO_TCP || start + 20 > f->len)
			return 0;
		header = 4u * (f->data[start + 12] >> 4);
		if (header < 20)
			return 0;
		break;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		if (l4.protocol != IPPROTO_UDP)
			return 0;
		header = 8;
		break;
	default:
		return 0;
	}
	if (!f->vnet.gso_size || start + header > f->len)
		return 0;
	return start + header + f->vnet.gso_size;
}

void frame_write_checksum(const struct frame *f, uint8_t *copy, uint32_t bytes)
{
	uint32_t start = f->vnet.csum_start;
	uint32_t at = start + f->vnet.csum_offset, sum;

	if (!(f->vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || at + 2 > bytes)
		return;
	sum = ~checksum_sum(f->data + start, f->len - start) & 0xffff;
	if (!sum)
		sum = 0xffff; /* to UDP 0 says that there is none */
	be16_put(copy + at, sum);
}

void frame_finish_checksum(struct frame *f)
{
	frame_write_checksum(f, f->data, f->len);
	f->vnet.flags &= (uint8_t)~VIRTIO_NET_HDR_F_NEEDS_CSUM;
}
