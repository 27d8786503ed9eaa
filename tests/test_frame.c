/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame.h and frame.c: tags put back, lengths that may leave, and how long the
 * segments of a super-frame will be. Every frame that is looked at lies in
 * memory of exactly its size, so that a sanitizer hears of a byte beyond it.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>

#include "frame.h"

#define SEED UINT64_C(0x6672616d65)
#define TYPE_IP4 0x0800
#define TYPE_IP6 0x86dd
#define TYPE_CTAG 0x8100
#define TYPE_STAG 0x88a8
#define GSO_BYTES 1448

/* splitmix64 */
static uint64_t rng_next(uint64_t *rng)
{
	uint64_t z = *rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint32_t rng_below(uint64_t *rng, uint32_t n)
{
	return (uint32_t)(rng_next(rng) % n);
}

/* ---- making frames ---- */

/* A frame that is written from the front. */
struct draft {
	uint8_t byte[512];
	uint32_t len;
	struct virtio_net_hdr vnet;
};

static void put(struct draft *d, const void *data, uint32_t len)
{
	assert_true(d->len + len <= sizeof(d->byte));
	memcpy(d->byte + d->len, data, len);
	d->len += len;
}

static void put8(struct draft *d, unsigned int value)
{
	uint8_t byte = (uint8_t)value;

	put(d, &byte, 1);
}

static void put16(struct draft *d, unsigned int value)
{
	put8(d, value >> 8);
	put8(d, value);
}

static void put_zeros(struct draft *d, uint32_t n)
{
	while (n--)
		put8(d, 0);
}

static void put_addresses(struct draft *d)
{
	for (unsigned int i = 1; i <= 12; i++)
		put8(d, i);
}

/* Addresses and tags, up to the ethertype that is to follow. */
static void put_ethernet(struct draft *d, const uint16_t *tpid, int n_tags)
{
	put_addresses(d);
	for (int i = 0; i < n_tags; i++) {
		put16(d, tpid[i]);
		put16(d, 0x2000u + 10u * (unsigned int)(i + 1));
	}
}

static void put_ip4(struct draft *d, uint8_t protocol, uint32_t option_bytes)
{
	put16(d, TYPE_IP4);
	put8(d, 0x40 | (5 + option_bytes / 4));
	put_zeros(d, 8);
	put8(d, protocol);
	put_zeros(d, 10 + option_bytes);
}

static void put_ip6(struct draft *d, uint8_t next)
{
	put16(d, TYPE_IP6);
	put8(d, 0x60);
	put_zeros(d, 5);
	put8(d, next);
	put_zeros(d, 33);
}

static void put_ip6_extension(struct draft *d, uint8_t next, uint32_t units)
{
	put8(d, next);
	put8(d, units);
	put_zeros(d, 6 + 8 * units);
}

static void unfinished(struct draft *d, uint8_t gso_type, uint16_t gso_size)
{
	d->vnet = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = gso_type,
		.gso_size = gso_size,
		.csum_start = (uint16_t)d->len,
	};
}

/* From here on TCP, with its options, and then what TCP carries. */
static void put_tcp(struct draft *d, uint8_t gso_type, uint32_t option_bytes)
{
	unfinished(d, gso_type, GSO_BYTES);
	put_zeros(d, 12);
	put8(d, (5 + option_bytes / 4) << 4);
	put_zeros(d, 7 + option_bytes);
	d->vnet.hdr_len = (uint16_t)d->len;
	d->vnet.csum_offset = 16;
	put_zeros(d, 64);
}

static void put_udp(struct draft *d, uint16_t gso_size)
{
	unfinished(d, VIRTIO_NET_HDR_GSO_UDP_L4, gso_size);
	put_zeros(d, 8);
	d->vnet.hdr_len = (uint16_t)d->len;
	d->vnet.csum_offset = 6;
	put_zeros(d, 64);
}

/* Of the first len bytes of a draft, in memory of that size. */
static uint32_t segment_bytes_of(const struct draft *d, uint32_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct frame f = { .data = copy, .len = len, .vnet = d->vnet };
	uint32_t bytes;

	assert_non_null(copy);
	memcpy(copy, d->byte, len);
	bytes = frame_segment_bytes(&f);
	assert_memory_equal(copy, d->byte, len);
	assert_memory_equal(&f.vnet, &d->vnet, sizeof(f.vnet));
	free(copy);
	return bytes;
}

/*
 * A super-frame is believed as soon as its headers are there, and at no length
 * before; every length is tried.
 */
static void assert_segments(const struct draft *d)
{
	uint32_t headers = d->vnet.hdr_len;

	for (uint32_t len = 0; len <= d->len; len++) {
		uint32_t want = len < headers ? 0 : headers + d->vnet.gso_size;

		if (segment_bytes_of(d, len) != want)
			fail_msg("%u bytes of %u: segments of %u, not %u", len,
				 d->len, segment_bytes_of(d, len), want);
	}
}

static void assert_unsegmentable(const struct draft *d)
{
	for (uint32_t len = 0; len <= d->len; len++)
		assert_int_equal(segment_bytes_of(d, len), 0);
}

/* ---- tags ---- */

struct tag {
	uint16_t tpid, tci;
};

static const struct tag tags[] = {
	{ TYPE_CTAG, 10 },
	{ TYPE_STAG, 10 },
	{ TYPE_CTAG, 0 },	     /* a priority tag */
	{ TYPE_CTAG, 0xe000 },	     /* PCP 7, VID 0 */
	{ TYPE_CTAG, 0x1000 },	     /* DEI alone */
	{ TYPE_STAG, 0xffff },	     /* all bits */
	{ TYPE_STAG, 0xb123 },	     /* PCP 5, DEI, VID 0x123 */
	{ 0x9100, 0x0fff },	     /* whatever the kernel says it was */
};

/* Push a tag on a frame that lies behind a headroom of just its size. */
static void push(const struct tag *tag, const struct draft *d,
		 struct draft *tagged)
{
	uint8_t *memory = malloc(FRAME_TAG_BYTES + d->len);
	struct frame f = { .data = memory + FRAME_TAG_BYTES, .len = d->len,
			   .vnet = d->vnet };

	assert_non_null(memory);
	memcpy(f.data, d->byte, d->len);
	frame_push_tag(&f, tag->tpid, tag->tci);
	assert_ptr_equal(f.data, memory);
	assert_int_equal(f.len, d->len + 4);
	*tagged = (struct draft){ .len = f.len, .vnet = f.vnet };
	memcpy(tagged->byte, f.data, f.len);
	free(memory);
}

static void test_push_tag(void **state)
{
	struct draft d = { .len = 0 }, tagged;

	(void)state;
	put_addresses(&d);
	put16(&d, TYPE_IP4);
	for (unsigned int i = 0; i < 50; i++)
		put8(&d, 0x80 + i);
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		struct draft want = { .len = 0 };

		put(&want, d.byte, 12);
		put16(&want, tags[i].tpid);
		put16(&want, tags[i].tci);
		put(&want, d.byte + 12, d.len - 12);
		push(&tags[i], &d, &tagged);
		assert_int_equal(tagged.len, want.len);
		assert_memory_equal(tagged.byte, want.byte, want.len);
	}
}

/* A frame of addresses and a type alone has room for a tag, too. */
static void test_push_tag_on_runt(void **state)
{
	static const uint8_t want[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
					0x88, 0xa8, 0xe0, 0x07, 0x12, 0x34 };
	const struct tag tag = { TYPE_STAG, 0xe007 };
	struct draft d = { .len = 0 }, tagged;

	(void)state;
	put_addresses(&d);
	put16(&d, 0x1234);
	push(&tag, &d, &tagged);
	assert_int_equal(tagged.len, sizeof(want));
	assert_memory_equal(tagged.byte, want, sizeof(want));
}

/* Only offsets that mean something move, and nothing else does. */
static void test_push_tag_moves_offsets(void **state)
{
	static const struct {
		struct virtio_net_hdr before, after;
	} row[] = {
		{ { 0 }, { 0 } },
		{ { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34,
		    .csum_offset = 16 },
		  { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 38,
		    .csum_offset = 16 } },
		{ { .flags = VIRTIO_NET_HDR_F_DATA_VALID, .csum_start = 34 },
		  { .flags = VIRTIO_NET_HDR_F_DATA_VALID, .csum_start = 34 } },
		{ { .flags = VIRTIO_NET_HDR_F_DATA_VALID |
			     VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 54 },
		  { .flags = VIRTIO_NET_HDR_F_DATA_VALID |
			     VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 58 } },
		{ { .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .hdr_len = 66,
		    .gso_size = 1448 },
		  { .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .hdr_len = 70,
		    .gso_size = 1448 } },
		{ { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		    .gso_type = VIRTIO_NET_HDR_GSO_TCPV6, .hdr_len = 86,
		    .gso_size = 1428, .csum_start = 54, .csum_offset = 16 },
		  { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		    .gso_type = VIRTIO_NET_HDR_GSO_TCPV6, .hdr_len = 90,
		    .gso_size = 1428, .csum_start = 58, .csum_offset = 16 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct draft d = { .vnet = row[i].before }, tagged;

		put_addresses(&d);
		put_ip4(&d, IPPROTO_TCP, 0);
		push(&tags[i % ARRAY_SIZE(tags)], &d, &tagged);
		assert_memory_equal(&tagged.vnet, &row[i].after,
				    sizeof(tagged.vnet));
	}
}

/* The tag is one that the rest of the house finds again. */
static void test_pushed_tag_is_seen(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		struct draft d = { .len = 0 }, tagged;
		bool known = tags[i].tpid == TYPE_CTAG ||
			     tags[i].tpid == TYPE_STAG;
		struct frame f;

		put_addresses(&d);
		put_ip4(&d, IPPROTO_TCP, 0);
		put_tcp(&d, VIRTIO_NET_HDR_GSO_TCPV4, 12);
		push(&tags[i], &d, &tagged);
		f = (struct frame){ .data = tagged.byte, .len = tagged.len };
		assert_int_equal(frame_ethertype(&f), tags[i].tpid);
		assert_int_equal(frame_is_tagged(&f), known);
		if (known)
			assert_segments(&tagged);
		else
			assert_unsegmentable(&tagged);
	}
}

/* ---- what may leave ---- */

static void test_frame_limit(void **state)
{
	static const struct {
		uint16_t type;
		uint32_t over_mtu;
	} row[] = {
		{ TYPE_IP4, 14 }, { TYPE_IP6, 14 }, { 0, 14 }, { 0xffff, 14 },
		{ 0x9100, 14 },	  { 0x0081, 14 },   { 0xa888, 14 },
		{ 0x8101, 14 },	  { 0x8200, 14 },   { 0x88a9, 14 },
		{ TYPE_CTAG, 18 }, { TYPE_STAG, 18 },
	};
	static const uint32_t mtu[] = { 68, 1500, 9000, 65535 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct draft d = { .len = 0 };
		struct frame f = { .data = d.byte };

		put_addresses(&d);
		put16(&d, row[i].type);
		f.len = d.len;
		assert_int_equal(frame_ethertype(&f), row[i].type);
		assert_int_equal(frame_is_tagged(&f), row[i].over_mtu == 18);
		for (size_t k = 0; k < ARRAY_SIZE(mtu); k++)
			assert_int_equal(frame_limit(&f, mtu[k]),
					 mtu[k] + row[i].over_mtu);
	}
}

static void test_plain_and_super(void **state)
{
	static const struct {
		uint8_t flags, gso_type;
		bool plain, super;
	} row[] = {
		{ 0, VIRTIO_NET_HDR_GSO_NONE, true, false },
		{ VIRTIO_NET_HDR_F_DATA_VALID, VIRTIO_NET_HDR_GSO_NONE, true,
		  false },
		{ VIRTIO_NET_HDR_F_NEEDS_CSUM, VIRTIO_NET_HDR_GSO_NONE, false,
		  false },
		{ VIRTIO_NET_HDR_F_NEEDS_CSUM, VIRTIO_NET_HDR_GSO_TCPV4, false,
		  true },
		{ 0, VIRTIO_NET_HDR_GSO_TCPV4, false, true },
		{ 0, VIRTIO_NET_HDR_GSO_TCPV6, false, true },
		{ 0, VIRTIO_NET_HDR_GSO_UDP_L4, false, true },
		{ 0, VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN, false,
		  true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct frame f = { .vnet = { .flags = row[i].flags,
					     .gso_type = row[i].gso_type } };

		assert_int_equal(frame_is_plain(&f), row[i].plain);
		assert_int_equal(frame_is_super(&f), row[i].super);
	}
}

/* ---- segments ---- */

static const uint16_t tpids[][3] = {
	{ TYPE_CTAG, TYPE_CTAG, TYPE_CTAG },
	{ TYPE_STAG, TYPE_CTAG, TYPE_CTAG },
	{ TYPE_STAG, TYPE_STAG, TYPE_CTAG },
	{ TYPE_CTAG, TYPE_STAG, TYPE_STAG },
};

#define for_each_tagging(tpid_, n_)                                  \
	for (size_t t_ = 0; t_ < ARRAY_SIZE(tpids); t_++)            \
		for (int n_ = 0; n_ <= 3; n_++)                      \
			for (const uint16_t *tpid_ = tpids[t_]; tpid_; \
			     tpid_ = NULL)

static void test_tcp4(void **state)
{
	(void)state;
	for_each_tagging(tpid, n)
		for (uint32_t option_bytes = 0; option_bytes <= 40;
		     option_bytes += 4) {
			struct draft d = { .len = 0 };

			put_ethernet(&d, tpid, n);
			put_ip4(&d, IPPROTO_TCP, option_bytes);
			put_tcp(&d, VIRTIO_NET_HDR_GSO_TCPV4,
				40 - option_bytes);
			assert_int_equal(d.vnet.hdr_len,
					 14 + 4 * n + 20 + 20 + 40);
			assert_segments(&d);
		}
}

static void test_tcp6(void **state)
{
	(void)state;
	for_each_tagging(tpid, n) {
		struct draft d = { .len = 0 };

		put_ethernet(&d, tpid, n);
		put_ip6(&d, IPPROTO_TCP);
		put_tcp(&d, VIRTIO_NET_HDR_GSO_TCPV6, 12);
		assert_int_equal(d.vnet.hdr_len, 14 + 4 * n + 40 + 32);
		assert_segments(&d);
	}
}

static void test_tcp6_extensions(void **state)
{
	(void)state;
	for_each_tagging(tpid, n) {
		struct draft d = { .len = 0 };

		put_ethernet(&d, tpid, n);
		put_ip6(&d, IPPROTO_HOPOPTS);
		put_ip6_extension(&d, IPPROTO_ROUTING, 0);
		put_ip6_extension(&d, IPPROTO_DSTOPTS, 2);
		put_ip6_extension(&d, IPPROTO_TCP, 1);
		put_tcp(&d, VIRTIO_NET_HDR_GSO_TCPV6, 12);
		assert_int_equal(d.vnet.hdr_len, 14 + 4 * n + 40 + 48 + 32);
		assert_segments(&d);
	}
}

static void test_udp(void **state)
{
	(void)state;
	for_each_tagging(tpid, n) {
		struct draft four = { .len = 0 }, six = { .len = 0 };

		put_ethernet(&four, tpid, n);
		put_ip4(&four, IPPROTO_UDP, 8);
		put_udp(&four, 1200);
		assert_segments(&four);

		put_ethernet(&six, tpid, n);
		put_ip6(&six, IPPROTO_DSTOPTS);
		put_ip6_extension(&six, IPPROTO_UDP, 0);
		put_udp(&six, 1);
		assert_segments(&six);
	}
}

/* TCP with CWR set: a bit beside the type. */
static void test_ecn(void **state)
{
	struct draft d = { .len = 0 };

	(void)state;
	put_addresses(&d);
	put_ip4(&d, IPPROTO_TCP, 0);
	put_tcp(&d, VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN, 0);
	assert_segments(&d);
	d.vnet.gso_type = VIRTIO_NET_HDR_GSO_TCPV6 | VIRTIO_NET_HDR_GSO_ECN;
	assert_segments(&d);
}

/* The largest that 16 bits can say must not wrap. */
static void test_large_segments(void **state)
{
	struct draft d = { .len = 0 };

	(void)state;
	put_addresses(&d);
	put_ip4(&d, IPPROTO_TCP, 0);
	put_tcp(&d, VIRTIO_NET_HDR_GSO_TCPV4, 40);
	d.vnet.gso_size = UINT16_MAX;
	assert_segments(&d);
}

/* A VXLAN header and an inner frame; the header speaks of the inner one. */
static void put_vxlan(struct draft *d, bool inner_is_tcp)
{
	put_zeros(d, 8 + 8);
	put_addresses(d);
	put_ip4(d, inner_is_tcp ? IPPROTO_TCP : IPPROTO_UDP, 0);
	if (inner_is_tcp)
		put_tcp(d, VIRTIO_NET_HDR_GSO_TCPV4, 12);
	else
		put_udp(d, 1200);
}

static void test_encapsulated(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct draft four = { .len = 0 }, six = { .len = 0 };
		struct draft ipip = { .len = 0 }, gre = { .len = 0 };

		put_addresses(&four);
		put_ip4(&four, IPPROTO_UDP, 0);
		put_vxlan(&four, i);
		assert_unsegmentable(&four);

		put_addresses(&six);
		put_ip6(&six, IPPROTO_UDP);
		put_vxlan(&six, i);
		assert_unsegmentable(&six);

		put_addresses(&ipip);
		put_ip4(&ipip, IPPROTO_IPIP, 0);
		put_zeros(&ipip, 20);
		put_tcp(&ipip, VIRTIO_NET_HDR_GSO_TCPV4, 0);
		assert_unsegmentable(&ipip);

		put_addresses(&gre);
		put_ip4(&gre, IPPROTO_GRE, 0);
		put_zeros(&gre, 4 + 20);
		put_tcp(&gre, VIRTIO_NET_HDR_GSO_TCPV4, 0);
		assert_unsegmentable(&gre);
	}
}

/* One thing at a time that does not fit the rest. */
static void test_disbelieved(void **state)
{
	struct draft good = { .len = 0 }, d;

	(void)state;
	put_addresses(&good);
	put_ip4(&good, IPPROTO_TCP, 0);
	put_tcp(&good, VIRTIO_NET_HDR_GSO_TCPV4, 0);
	assert_segments(&good);

	d = good;
	d.vnet.flags = 0; /* nobody said where the transport begins */
	assert_unsegmentable(&d);
	d = good;
	d.vnet.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	assert_unsegmentable(&d);
	d = good;
	d.vnet.gso_size = 0;
	assert_unsegmentable(&d);
	d = good;
	d.vnet.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	assert_unsegmentable(&d);
	d = good;
	d.vnet.gso_type = VIRTIO_NET_HDR_GSO_UDP; /* fragments, not segments */
	assert_unsegmentable(&d);
	d = good;
	d.vnet.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4; /* but it is TCP */
	assert_unsegmentable(&d);
	d = good;
	d.vnet.gso_type = 0x7f;
	assert_unsegmentable(&d);
	for (int shift = -34; shift <= 64; shift++) {
		d = good;
		d.vnet.csum_start = (uint16_t)(34 + shift);
		if (shift)
			assert_unsegmentable(&d);
	}
	d = good;
	d.vnet.csum_start = UINT16_MAX;
	assert_unsegmentable(&d);
	for (unsigned int protocol = 0; protocol < 256; protocol++) {
		d = good;
		d.byte[23] = (uint8_t)protocol;
		if (protocol != IPPROTO_TCP)
			assert_unsegmentable(&d);
	}
	for (unsigned int type = 0; type <= UINT16_MAX; type++) {
		d = good;
		d.byte[12] = (uint8_t)(type >> 8);
		d.byte[13] = (uint8_t)type;
		if (type != TYPE_IP4)
			assert_int_equal(segment_bytes_of(&d, d.len), 0);
	}
}

/* Header lengths that cannot be. */
static void test_impossible_headers(void **state)
{
	struct draft good = { .len = 0 }, d;

	(void)state;
	put_addresses(&good);
	put_ip4(&good, IPPROTO_TCP, 0);
	put_tcp(&good, VIRTIO_NET_HDR_GSO_TCPV4, 0);
	for (uint8_t ihl = 0; ihl < 5; ihl++) {
		d = good;
		d.byte[14] = 0x40 | ihl;
		assert_unsegmentable(&d);
		d.vnet.csum_start = (uint16_t)(14 + 4 * ihl);
		assert_unsegmentable(&d);
	}
	/* Options that reach beyond the frame. */
	d = good;
	d.byte[34 + 12] = 0xf0;
	d.len = 34 + 59;
	assert_unsegmentable(&d);
}

/*
 * A TCP data offset below 5: headers + gso_size would come out too short, and
 * tcp_gso_segment() refuses such a frame.
 */
static void test_short_tcp_header(void **state)
{
	struct draft good = { .len = 0 }, d;

	(void)state;
	put_addresses(&good);
	put_ip4(&good, IPPROTO_TCP, 0);
	put_tcp(&good, VIRTIO_NET_HDR_GSO_TCPV4, 0);
	for (uint8_t words = 0; words < 5; words++) {
		d = good;
		d.byte[34 + 12] = (uint8_t)(words << 4);
		assert_unsegmentable(&d);
	}
}

/* A chain of extensions is followed so far and no further. */
static void test_many_extensions(void **state)
{
	uint32_t longest = 0;

	(void)state;
	for (uint32_t n = 0; n <= 20; n++) {
		struct draft d = { .len = 0 };
		uint32_t bytes;

		put_addresses(&d);
		put_ip6(&d, n ? IPPROTO_DSTOPTS : IPPROTO_TCP);
		for (uint32_t i = 1; i <= n; i++)
			put_ip6_extension(&d, i < n ? IPPROTO_DSTOPTS :
						      IPPROTO_TCP, 0);
		put_tcp(&d, VIRTIO_NET_HDR_GSO_TCPV6, 0);
		bytes = segment_bytes_of(&d, d.len);
		if (bytes) {
			assert_segments(&d);
			assert_int_equal(longest, n ? n - 1 : 0);
			longest = n;
		} else {
			assert_unsegmentable(&d);
		}
	}
	assert_in_range(longest, 4, 19);
}

/* A tag that is cut short, and nothing behind a tag. */
static void test_truncated_tags(void **state)
{
	(void)state;
	for (int n = 1; n <= 40; n++) {
		struct draft d = { .len = 0 };

		put_addresses(&d);
		for (int i = 0; i < n; i++) {
			put16(&d, TYPE_CTAG);
			put16(&d, 10);
		}
		unfinished(&d, VIRTIO_NET_HDR_GSO_TCPV4, 1448);
		assert_unsegmentable(&d);
	}
}

/* ---- garbage ---- */

/* A good frame to start from. */
static void random_draft(uint64_t *rng, struct draft *d)
{
	int n_tags = (int)rng_below(rng, 4);

	*d = (struct draft){ .len = 0 };
	put_ethernet(d, tpids[rng_below(rng, ARRAY_SIZE(tpids))], n_tags);
	switch (rng_below(rng, 3)) {
	case 0:
		put_ip4(d, IPPROTO_TCP, 4 * rng_below(rng, 11));
		put_tcp(d, VIRTIO_NET_HDR_GSO_TCPV4, 4 * rng_below(rng, 11));
		break;
	case 1:
		put_ip6(d, IPPROTO_HOPOPTS);
		put_ip6_extension(d, IPPROTO_TCP, rng_below(rng, 4));
		put_tcp(d, VIRTIO_NET_HDR_GSO_TCPV6, 0);
		break;
	default:
		put_ip4(d, IPPROTO_UDP, 0);
		put_udp(d, 1200);
	}
}

/* Whatever the bytes say, no header ends behind the frame's last byte. */
static void assert_sane(const struct draft *d, uint32_t len)
{
	uint32_t bytes = segment_bytes_of(d, len);

	if (!bytes)
		return;
	assert_true(d->vnet.gso_size);
	assert_in_range(bytes - d->vnet.gso_size, d->vnet.csum_start + 8u, len);
	assert_in_range(d->vnet.csum_start, 34, len - 8);
}

static void test_damaged_frames(void **state)
{
	uint64_t rng = SEED;
	uint32_t believed = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct draft d;
		uint8_t *vnet = (uint8_t *)&d.vnet;
		uint32_t n = rng_below(&rng, 4);

		random_draft(&rng, &d);
		while (n--) {
			if (rng_below(&rng, 4))
				d.byte[rng_below(&rng, d.len)] =
					(uint8_t)rng_next(&rng);
			else
				vnet[rng_below(&rng, sizeof(d.vnet))] =
					(uint8_t)rng_next(&rng);
		}
		believed += !!segment_bytes_of(&d, d.len);
		assert_sane(&d, d.len);
		assert_sane(&d, rng_below(&rng, d.len + 1));
	}
	assert_in_range(believed, 30000, 99999);
}

static void test_garbage(void **state)
{
	static const uint8_t gso_type[] = {
		VIRTIO_NET_HDR_GSO_TCPV4, VIRTIO_NET_HDR_GSO_TCPV6,
		VIRTIO_NET_HDR_GSO_UDP_L4
	};
	static const uint16_t type[] = { TYPE_IP4, TYPE_IP6, TYPE_CTAG,
					 TYPE_STAG };
	uint64_t rng = SEED + 1;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct draft d = { .len = rng_below(&rng, 200) };

		for (uint32_t k = 0; k < d.len; k++)
			d.byte[k] = (uint8_t)rng_next(&rng);
		d.byte[12] = (uint8_t)(type[i & 3] >> 8);
		d.byte[13] = (uint8_t)type[i & 3];
		unfinished(&d, gso_type[rng_below(&rng, 3)],
			   (uint16_t)rng_next(&rng));
		d.vnet.csum_start = (uint16_t)rng_below(&rng, 220);
		assert_sane(&d, d.len);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_push_tag),
		cmocka_unit_test(test_push_tag_on_runt),
		cmocka_unit_test(test_push_tag_moves_offsets),
		cmocka_unit_test(test_pushed_tag_is_seen),
		cmocka_unit_test(test_frame_limit),
		cmocka_unit_test(test_plain_and_super),
		cmocka_unit_test(test_tcp4),
		cmocka_unit_test(test_tcp6),
		cmocka_unit_test(test_tcp6_extensions),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_ecn),
		cmocka_unit_test(test_large_segments),
		cmocka_unit_test(test_encapsulated),
		cmocka_unit_test(test_disbelieved),
		cmocka_unit_test(test_impossible_headers),
		cmocka_unit_test(test_short_tcp_header),
		cmocka_unit_test(test_many_extensions),
		cmocka_unit_test(test_truncated_tags),
		cmocka_unit_test(test_damaged_frames),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
