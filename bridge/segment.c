/* SPDX-License-Identifier: BSD-2-Clause */
/* See segment.h. */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "be.h"
#include "checksum.h"
#include "segment.h"

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_URG 0x20
#define TCP_CWR 0x80

#define TCP_CHECK 16 /* where in their headers the checksums are */
#define UDP_CHECK 6

/* Of GSO over UDP tunnels, where a device has negotiated it (since 6.17);
 * packet sockets do not tell. */
#define GSO_TUNNEL_BITS 0x60

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* ---- a frame of TCP ---- */

/* All of the packet is in the frame. A length of 0 is that of a super-frame
 * above 64 KiB, which counts as all there is; with IPv6's jumbo payload option
 * it could not be copied to what is shorter. */
static bool is_whole(const struct frame *f, const struct dissect *d)
{
	const uint8_t *ip = f->data + d->network;
	uint32_t header = 4u * (ip[0] & 0x0f), total = be16_get(ip + 2);

	if (d->version == 6)
		return d->network + 40 + be16_get(ip + 4) <= f->len &&
		       (be16_get(ip + 4) || ip[6] != IPPROTO_HOPOPTS);
	return (!total || total >= header) && d->network + total <= f->len;
}

static bool can_cut(const struct frame *f, struct dissect *d)
{
	const uint8_t *tcp;

	if (f->len < FRAME_MIN_BYTES)
		return false;
	dissect(f->data, f->len, d);
	if (!d->version || d->protocol != IPPROTO_TCP || d->fragment ||
	    !d->transport || !is_whole(f, d))
		return false;
	/* No payload offset behind the ports: no whole header of TCP. */
	if (d->payload < d->transport + 20)
		return false;
	tcp = f->data + d->transport;
	return !(tcp[13] & (TCP_SYN | TCP_RST | TCP_URG));
}

uint32_t segment_mss(const struct frame *f, uint32_t mtu)
{
	uint32_t limit;
	struct dissect d;

	if (!can_cut(f, &d))
		return 0;
	limit = frame_limit(f, mtu);
	return limit > d.payload ? limit - d.payload : 0;
}

/* ---- what all segments have in common ---- */

/* What of a layer's checksum no segment changes. A UDP header without one has
 * 0 here, which no pseudo-header sums up to. */
static uint32_t layer_sum(const struct segment_job *job, uint32_t i)
{
	const struct tunnel_layer *layer = &job->t.layer[i];
	const uint8_t *head = job->data + layer->at;
	struct dissect d = { .protocol = IPPROTO_UDP, .transport = layer->at };

	switch (layer->kind) {
	case TUNNEL_IPV4: /* all but length, identification and checksum */
		return checksum_join(
			checksum_join(be16_get(head),
				      checksum_sum(head + 6, 4)),
			checksum_sum(head + 12, 4u * (head[0] & 0x0f) - 12));
	case TUNNEL_UDP:
		if (!be16_get(head + UDP_CHECK))
			return 0;
		d.network = layer[-1].at;
		d.version = layer[-1].kind == TUNNEL_IPV4 ? 4 : 6;
		return checksum_pseudo(job->data, &d, 0);
	case TUNNEL_IPV6:
	case TUNNEL_GRE:
		break;
	}
	return 0;
}

static void begin(struct segment_job *job, uint32_t header_bytes,
		  uint32_t end, uint32_t mss_bytes)
{
	for (uint32_t i = 0; i < job->t.n; i++)
		job->sum[i] = layer_sum(job, i);
	job->header_bytes = header_bytes;
	job->mss_bytes = mss_bytes;
	job->payload_bytes = end - header_bytes;
	job->done_bytes = 0;
	job->n = 0;
}

int segment_start(struct segment_job *job, const struct frame *f,
		  uint32_t mss_bytes)
{
	struct dissect d;

	if (!mss_bytes || !can_cut(f, &d))
		return -EINVAL;
	job->data = f->data;
	job->t.layer[0].kind = d.version == 4 ? TUNNEL_IPV4 : TUNNEL_IPV6;
	job->t.layer[0].at = d.network;
	job->t.n = 1;
	job->t.protocol = IPPROTO_TCP;
	job->t.transport = d.transport;
	job->pseudo = checksum_pseudo(f->data, &d, 0);
	job->cwr_on_all = false;
	begin(job, d.payload, d.end, mss_bytes);
	return 0;
}

/* ---- a super-frame ---- */

/*
 * Where the kernel says that layer 4 is: for an encapsulated one, the inner.
 * A list of frames that GRO has merely chained has no unfinished checksum, and
 * so nothing is said; it is never encapsulated.
 */
static uint32_t transport_of(const struct frame *f)
{
	struct dissect d;

	if (f->vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		return f->vnet.csum_start;
	if (f->len < FRAME_MIN_BYTES)
		return 0;
	dissect(f->data, f->len, &d);
	return d.transport;
}

/* The innermost headers are those that the vnet header tells of. */
static bool is_as_told(const struct tunnel *t,
		       const struct virtio_net_hdr *vnet)
{
	enum tunnel_kind ip = t->layer[t->n - 1].kind;
	bool tcp = t->protocol == IPPROTO_TCP;

	if (vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM &&
	    vnet->csum_offset != (tcp ? TCP_CHECK : UDP_CHECK))
		return false;
	switch (vnet->gso_type & ~(VIRTIO_NET_HDR_GSO_ECN | GSO_TUNNEL_BITS)) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return tcp && ip == TUNNEL_IPV4;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return tcp && ip == TUNNEL_IPV6;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		return !tcp;
	}
	return false;
}

/* First byte behind all headers; 0: they are not all here. */
static uint32_t payload_of(const struct frame *f, const struct tunnel *t)
{
	uint32_t bytes = t->protocol == IPPROTO_TCP ? 20 : 8;

	if (t->transport + bytes > f->len)
		return 0;
	if (t->protocol == IPPROTO_TCP) {
		bytes = 4u * (f->data[t->transport + 12] >> 4);
		if (bytes < 20 || t->transport + bytes > f->len)
			return 0;
	}
	return t->transport + bytes;
}

/*
 * The pseudo-header, less the length. It stands in an unfinished checksum, and
 * what the kernel makes of that goes by it, not by the addresses; the length
 * in it is that of all there is.
 */
static uint32_t pseudo_of(const struct frame *f, const struct tunnel *t)
{
	bool tcp = t->protocol == IPPROTO_TCP;
	const uint8_t *l4 = f->data + t->transport;
	uint32_t bytes = tcp ? f->len - t->transport : be16_get(l4 + 4);
	struct dissect d = { .protocol = t->protocol };

	if (f->vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		return checksum_join(
			be16_get(l4 + (tcp ? TCP_CHECK : UDP_CHECK)),
			~bytes & 0xffff);
	d.network = t->layer[t->n - 1].at;
	d.version = t->layer[t->n - 1].kind == TUNNEL_IPV4 ? 4 : 6;
	d.transport = t->transport;
	return checksum_pseudo(f->data, &d, 0);
}

int segment_start_super(struct segment_job *job, const struct frame *f)
{
	uint32_t transport, payload;

	if (!frame_is_super(f) || !f->vnet.gso_size)
		return -EINVAL;
	transport = transport_of(f);
	if (!transport || transport > f->len ||
	    tunnel_walk(&job->t, f->data, transport) ||
	    !is_as_told(&job->t, &f->vnet))
		return -EINVAL;
	payload = payload_of(f, &job->t);
	if (!payload)
		return -EINVAL;
	job->data = f->data;
	job->pseudo = pseudo_of(f, &job->t);
	job->cwr_on_all = !(f->vnet.gso_type & VIRTIO_NET_HDR_GSO_ECN);
	begin(job, payload, f->len, f->vnet.gso_size);
	return 0;
}

/* ---- the segments ---- */

uint32_t segment_count(const struct segment_job *job)
{
	uint32_t n = job->payload_bytes / job->mss_bytes;

	n += job->payload_bytes % job->mss_bytes != 0;
	return n ? n : 1;
}

uint32_t segment_bytes(const struct segment_job *job)
{
	return job->header_bytes + smaller(job->mss_bytes, job->payload_bytes);
}

static void put_tcp(const struct segment_job *job, uint8_t *tcp, bool last)
{
	be32_put(tcp + 4, be32_get(tcp + 4) + job->done_bytes);
	if (job->n && !job->cwr_on_all)
		tcp[13] &= (uint8_t)~TCP_CWR;
	if (!last)
		tcp[13] &= (uint8_t)~(TCP_PSH | TCP_FIN);
}

/* To UDP a checksum of 0 says that there is none (RFC 768). */
static void put_check(uint8_t *field, uint32_t sum, bool udp)
{
	be16_put(field, udp && sum == 0xffff ? 0xffff : ~sum);
}

/* `payload_sum` is that of the segment's payload. Returns what layer 4 sums up
 * to, its checksum counted: the complement of its pseudo-header. */
static uint32_t put_transport(const struct segment_job *job, uint8_t *out,
			      uint32_t len, uint32_t payload_sum, bool last)
{
	bool udp = job->t.protocol == IPPROTO_UDP;
	uint8_t *l4 = out + job->t.transport;
	uint8_t *field = l4 + (udp ? UDP_CHECK : TCP_CHECK);
	uint32_t bytes = len - job->t.transport;
	uint32_t pseudo = checksum_join(job->pseudo, bytes & 0xffff), sum;

	if (udp)
		be16_put(l4 + 4, bytes);
	else
		put_tcp(job, l4, last);
	be16_put(field, 0);
	sum = checksum_sum(l4, job->header_bytes - job->t.transport);
	sum = checksum_join(checksum_join(sum, payload_sum), pseudo);
	put_check(field, sum, udp);
	return ~pseudo & 0xffff;
}

/* `inner_sum` is that of layer 4, which begins an even number of bytes behind
 * each of these headers. */
static void put_layer(const struct segment_job *job, uint32_t i, uint8_t *out,
		      uint32_t len, uint32_t inner_sum)
{
	const struct tunnel_layer *layer = &job->t.layer[i];
	uint8_t *head = out + layer->at;
	uint32_t bytes = len - layer->at, sum = job->sum[i];

	switch (layer->kind) {
	case TUNNEL_IPV4:
		be16_put(head + 2, bytes);
		be16_put(head + 4, be16_get(head + 4) + job->n);
		sum = checksum_join(sum, checksum_sum(head + 2, 4));
		be16_put(head + 10, ~sum);
		return;
	case TUNNEL_IPV6:
		be16_put(head + 4, bytes - 40);
		return;
	case TUNNEL_UDP:
		be16_put(head + 4, bytes);
		if (!sum)
			return;
		sum = checksum_join(sum, bytes & 0xffff);
		head += UDP_CHECK;
		break;
	case TUNNEL_GRE: /* RFC 2784, 2.5: the checksum, and 2 bytes of 0 */
		be16_put(head + 6, 0);
		head += 4;
		break;
	}
	be16_put(head, 0);
	sum = checksum_join(sum, checksum_sum(out + layer->at,
					      job->t.transport - layer->at));
	put_check(head, checksum_join(sum, inner_sum),
		  layer->kind == TUNNEL_UDP);
}

bool segment_next(struct segment_job *job, uint8_t *out, uint32_t room,
		  uint32_t *len)
{
	uint32_t header = job->header_bytes;
	uint32_t left = job->payload_bytes - job->done_bytes;
	uint32_t bytes = smaller(left, job->mss_bytes), sum;

	*len = 0;
	if ((job->n && !left) || header + bytes > room)
		return false;
	memcpy(out, job->data, header);
	sum = checksum_copy(out + header,
			    job->data + header + job->done_bytes, bytes);
	*len = header + bytes;
	sum = put_transport(job, out, *len, sum, bytes == left);
	for (uint32_t i = job->t.n; i--;)
		put_layer(job, i, out, *len, sum);
	job->done_bytes += bytes;
	job->n++;
	return true;
}
