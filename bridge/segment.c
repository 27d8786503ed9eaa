/* SPDX-License-Identifier: BSD-2-Clause */
/* See segment.h. */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "checksum.h"
#include "segment.h"

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_URG 0x20
#define TCP_CWR 0x80

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static void put16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static void put32(uint8_t *p, uint32_t value)
{
	put16(p, value >> 16);
	put16(p + 2, value);
}

/* All of the packet is in the frame. A length of 0 is that of a super-frame
 * above 64 KiB, which counts as all there is; with IPv6's jumbo payload option
 * it could not be copied to what is shorter. */
static bool is_whole(const struct frame *f, const struct dissect *d)
{
	const uint8_t *ip = f->data + d->network;
	uint32_t header = 4u * (ip[0] & 0x0f), total = be16(ip + 2);

	if (d->version == 6)
		return d->network + 40 + be16(ip + 4) <= f->len &&
		       (be16(ip + 4) || ip[6] != IPPROTO_HOPOPTS);
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

int segment_start(struct segment_job *job, const struct frame *f,
		  uint32_t mss_bytes)
{
	if (!mss_bytes || !can_cut(f, &job->d))
		return -EINVAL;
	job->data = f->data;
	job->mss_bytes = mss_bytes;
	job->payload_bytes = job->d.end - job->d.payload;
	job->done_bytes = 0;
	job->n = 0;
	return 0;
}

uint32_t segment_count(const struct segment_job *job)
{
	uint32_t n = job->payload_bytes / job->mss_bytes;

	n += job->payload_bytes % job->mss_bytes != 0;
	return n ? n : 1;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

uint32_t segment_bytes(const struct segment_job *job)
{
	return job->d.payload + smaller(job->mss_bytes, job->payload_bytes);
}

static void put_network(const struct segment_job *job, uint8_t *out,
			uint32_t len)
{
	uint8_t *ip = out + job->d.network;

	if (job->d.version == 6) {
		put16(ip + 4, len - job->d.network - 40);
		return;
	}
	put16(ip + 2, len - job->d.network);
	put16(ip + 4, be16(ip + 4) + job->n);
	checksum_fix_network(out, &job->d);
}

static void put_transport(const struct segment_job *job, uint8_t *out,
			  uint32_t len, bool last)
{
	uint8_t *tcp = out + job->d.transport;
	uint32_t bytes = len - job->d.transport, sum;

	put32(tcp + 4, be32(tcp + 4) + job->done_bytes);
	if (job->n)
		tcp[13] &= (uint8_t)~TCP_CWR;
	if (!last)
		tcp[13] &= (uint8_t)~(TCP_PSH | TCP_FIN);
	put16(tcp + 16, 0);
	sum = checksum_pseudo(out, &job->d, bytes);
	put16(tcp + 16, ~checksum_join(sum, checksum_sum(tcp, bytes)));
}

bool segment_next(struct segment_job *job, uint8_t *out, uint32_t room,
		  uint32_t *len)
{
	uint32_t header = job->d.payload;
	uint32_t left = job->payload_bytes - job->done_bytes;
	uint32_t bytes = smaller(left, job->mss_bytes);

	*len = 0;
	if ((job->n && !left) || header + bytes > room)
		return false;
	memcpy(out, job->data, header);
	memcpy(out + header, job->data + header + job->done_bytes, bytes);
	*len = header + bytes;
	put_network(job, out, *len);
	put_transport(job, out, *len, bytes == left);
	job->done_bytes += bytes;
	job->n++;
	return true;
}
