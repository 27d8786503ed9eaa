/* SPDX-License-Identifier: BSD-2-Clause */
/* See super_frames.h. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "plain_sum.h"
#include "super_frames.h"

#define HEADERS_MAX 512

/* What a word is: its header's length, and how the one before names it. */
static const struct kind {
	const char *word;
	uint32_t bytes;
	uint16_t ethertype;
	uint8_t protocol;
	uint16_t port; /* of UDP that carries it */
} kinds[] = {
	{ "eth", 14, 0x6558, 0, 0 },	{ "vlan", 4, 0x8100, 0, 0 },
	{ "qinq", 4, 0x88a8, 0, 0 },	{ "mpls", 8, 0x8847, 0, 0 },
	{ "ip4", 20, 0x0800, 4, 5555 }, { "ip4o", 32, 0x0800, 4, 5555 },
	{ "ip6", 40, 0x86dd, 41, 5555 }, { "ip6x", 56, 0x86dd, 41, 5555 },
	{ "udp", 8, 0, 17, 0 },		{ "udpc", 8, 0, 17, 0 },
	{ "vxlan", 8, 0, 0, 4789 },	{ "gpe", 8, 0, 0, 4790 },
	{ "geneve", 8, 0, 0, 6081 },	{ "geno", 24, 0, 0, 6081 },
	{ "gre", 4, 0, 47, 0 },		{ "grek", 8, 0, 47, 0 },
	{ "grec", 8, 0, 47, 0 },	{ "greck", 12, 0, 47, 0 },
	{ "grekcs", 16, 0, 47, 0 },	{ "tcp", 20, 0, 6, 0 },
	{ "tcpo", 32, 0, 6, 0 },
};

static const struct kind *kind_of(const struct super_layer *layer)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].word, layer->word))
			return &kinds[i];
	fail_msg("no word: %s", layer->word);
	return NULL;
}

static bool is(const struct super_layer *layer, const char *word)
{
	return !strncmp(layer->word, word, strlen(word));
}

/* Of the IP header at `ip` for a layer 4 of `bytes`. */
static uint32_t pseudo_sum(const struct super_layer *ip, const uint8_t *data,
			   uint32_t protocol, uint32_t bytes)
{
	uint8_t tail[4] = { 0, (uint8_t)protocol };

	put16(tail + 2, bytes);
	return plain_sum(plain_sum(0, tail, 4),
			 data + ip->at + (is(ip, "ip4") ? 12 : 8),
			 is(ip, "ip4") ? 8 : 32);
}

/* The last IP header before it; MPLS and the like stand between none. */
static const struct super_layer *ip_before(const struct super *s, size_t i)
{
	while (!is(&s->layer[--i], "ip"))
		;
	return &s->layer[i];
}

/* ---- making ---- */

static void make_ip4(const struct super *s, size_t i, uint8_t *ip,
		     struct rng *rng)
{
	ip[0] = (uint8_t)(0x40 | s->layer[i].bytes / 4);
	memset(ip + 20, 1, s->layer[i].bytes - 20);
	put16(ip + 2, s->f.len - s->layer[i].at);
	put16(ip + 6, rng_below(rng, 2) << 14);
	ip[9] = kind_of(&s->layer[i + 1])->protocol;
	ip[12] = 10;
	ip[16] = 11;
	put16(ip + 10, 0);
	put16(ip + 10, ~plain_sum(0, ip, s->layer[i].bytes));
}

static void make_ip6(const struct super *s, size_t i, uint8_t *ip)
{
	uint8_t *next = ip + 6;

	ip[0] = 0x60;
	put16(ip + 4, s->f.len - s->layer[i].at - 40);
	ip[8] = ip[24] = 0xfd;
	if (is(&s->layer[i], "ip6x")) {
		*next = 60;
		ip[41] = 1;
		memset(ip + 42, 0, 14);
		ip[42] = 1;
		ip[43] = 12;
		next = ip + 40;
	}
	*next = kind_of(&s->layer[i + 1])->protocol;
}

/* The length counted, the checksum left to the device. */
static void make_l4(const struct super *s, size_t i, uint8_t *l4,
		    struct rng *rng)
{
	const struct super_layer *layer = &s->layer[i];
	uint32_t bytes = s->f.len - layer->at;
	bool tcp = is(layer, "tcp"), last = i + 1 == s->n;
	uint32_t sum = pseudo_sum(ip_before(s, i), s->f.data, tcp ? 6 : 17,
				  bytes);

	if (tcp) {
		l4[12] = (uint8_t)(layer->bytes / 4 << 4);
		l4[13] = (uint8_t)(0x10 | (rng_next(rng) & 0xe9));
		memset(l4 + 20, 1, layer->bytes - 20);
		put16(l4 + 16, sum);
		return;
	}
	put16(l4 + 4, bytes);
	put16(l4 + 6, last || is(layer, "udpc") ? sum : 0);
	if (!last)
		put16(l4 + 2, kind_of(layer + 1)->port);
}

static void make_gre(const struct super_layer *layer, uint8_t *gre)
{
	const char *with = layer->word + 3;

	put16(gre, (strchr(with, 'c') ? 0x8000 : 0) |
			   (strchr(with, 'k') ? 0x2000 : 0) |
			   (strchr(with, 's') ? 0x1000 : 0));
	put16(gre + 2, kind_of(layer + 1)->ethertype);
}

static void make_tunnel(const struct super_layer *layer, uint8_t *to)
{
	if (is(layer, "vxlan")) {
		memcpy(to, "\x08\0\0", 4);
		to[7] = 0;
	} else if (is(layer, "gpe")) {
		memcpy(to, "\x0c\0\0", 3);
		to[3] = is(layer + 1, "ip4") ? 1 : is(layer + 1, "ip6") ? 2 : 3;
		to[7] = 0;
	} else if (is(layer, "gen")) {
		to[0] = (uint8_t)((layer->bytes - 8) / 4);
		to[1] = 0;
		put16(to + 2, kind_of(layer + 1)->ethertype);
		to[7] = 0;
	}
}

static void make_layer(const struct super *s, size_t i, struct rng *rng)
{
	const struct super_layer *layer = &s->layer[i];
	uint8_t *at = s->f.data + layer->at;

	if (is(layer, "eth")) {
		at[0] = at[6] = 2;
		put16(at + 12, kind_of(layer + 1)->ethertype);
	} else if (is(layer, "vlan") || is(layer, "qinq")) {
		put16(at + 2, kind_of(layer + 1)->ethertype);
	} else if (is(layer, "mpls")) {
		at[2] &= 0xfe;
		at[6] |= 1;
	} else if (is(layer, "ip4")) {
		make_ip4(s, i, at, rng);
	} else if (is(layer, "ip6")) {
		make_ip6(s, i, at);
	} else if (is(layer, "gre")) {
		make_gre(layer, at);
	} else if (is(layer, "udp") || is(layer, "tcp")) {
		make_l4(s, i, at, rng);
	} else {
		make_tunnel(layer, at);
	}
}

static void make_vnet(struct super *s, uint16_t gso_size)
{
	const struct super_layer *l4 = &s->layer[s->n - 1];
	bool tcp = is(l4, "tcp"), v4 = is(ip_before(s, s->n - 1), "ip4");

	s->f.vnet = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = !tcp ? VIRTIO_NET_HDR_GSO_UDP_L4 :
			    v4   ? VIRTIO_NET_HDR_GSO_TCPV4 :
				   VIRTIO_NET_HDR_GSO_TCPV6,
		.hdr_len = (uint16_t)s->payload_at,
		.gso_size = gso_size,
		.csum_start = (uint16_t)l4->at,
		.csum_offset = tcp ? 16 : 6,
	};
	if (tcp && s->f.data[l4->at + 13] & 0x80)
		s->f.vnet.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
}

void super_make(struct super *s, const char *words, uint32_t payload_bytes,
		uint16_t gso_size, struct rng *rng)
{
	uint32_t at = 0;
	int used;

	memset(s, 0, sizeof(*s));
	for (; sscanf(words, " %7s%n", s->layer[s->n].word, &used) == 1;
	     words += used) {
		struct super_layer *layer = &s->layer[s->n++];

		assert_true(s->n < SUPER_LAYERS_MAX);
		layer->at = at;
		layer->bytes = kind_of(layer)->bytes;
		at += layer->bytes;
	}
	s->payload_at = at;
	s->f.len = at + payload_bytes;
	s->memory = malloc(SUPER_HEADROOM + s->f.len);
	assert_non_null(s->memory);
	s->f.data = s->memory + SUPER_HEADROOM;
	for (uint32_t i = 0; i < s->f.len; i++)
		s->f.data[i] = (uint8_t)rng_next(rng);
	/* The outermost last: it tells of those within. */
	for (size_t i = s->n; i--;)
		if (!is(&s->layer[i], "udp") && !is(&s->layer[i], "tcp"))
			make_layer(s, i, rng);
	for (size_t i = 0; i < s->n; i++)
		if (is(&s->layer[i], "udp") || is(&s->layer[i], "tcp"))
			make_layer(s, i, rng);
	make_vnet(s, gso_size);
}

void super_free(struct super *s)
{
	free(s->memory);
}

/* ---- judging ---- */

static void judge_ip4(const struct super_layer *layer, const uint8_t *data,
		      const uint8_t *was, uint32_t len, uint32_t i)
{
	const uint8_t *ip = data + layer->at;

	assert_int_equal(get16(ip + 2), len - layer->at);
	assert_int_equal(get16(ip + 4), (get16(was + 4) + i) & 0xffff);
	assert_int_equal(plain_sum(0, ip, layer->bytes), 0xffff);
	assert_memory_equal(ip, was, 2);
	assert_memory_equal(ip + 6, was + 6, 4);
	assert_memory_equal(ip + 12, was + 12, layer->bytes - 12);
}

static void judge_udp(const struct super *s, size_t k, const uint8_t *data,
		      const uint8_t *was, uint32_t len)
{
	uint32_t at = s->layer[k].at;

	assert_memory_equal(data + at, was, 4);
	assert_int_equal(get16(data + at + 4), len - at);
	if (!get16(was + 6)) {
		assert_int_equal(get16(data + at + 6), 0);
		return;
	}
	assert_int_not_equal(get16(data + at + 6), 0);
	assert_int_equal(plain_sum(pseudo_sum(ip_before(s, k), data, 17,
					      len - at),
				   data + at, len - at), 0xffff);
}

static void judge_tcp(const struct super *s, const uint8_t *data, uint32_t len,
		      uint32_t i, uint32_t n, uint32_t done)
{
	const struct super_layer *layer = &s->layer[s->n - 1];
	const uint8_t *was = s->f.data + layer->at, *tcp = data + layer->at;
	uint8_t flags = was[13];

	if (i && s->f.vnet.gso_type & VIRTIO_NET_HDR_GSO_ECN)
		flags &= 0x7f;
	if (i + 1 < n)
		flags &= 0xf6;
	assert_int_equal(tcp[13], flags);
	assert_int_equal(get32(tcp + 4), get32(was + 4) + done);
	assert_memory_equal(tcp, was, 4);
	assert_memory_equal(tcp + 8, was + 8, 5);
	assert_memory_equal(tcp + 14, was + 14, 2);
	assert_memory_equal(tcp + 18, was + 18, layer->bytes - 18);
	assert_int_equal(plain_sum(pseudo_sum(ip_before(s, s->n - 1), data, 6,
					      len - layer->at),
				   tcp, len - layer->at), 0xffff);
}

static void judge_gre(const struct super_layer *layer, const uint8_t *data,
		      const uint8_t *was, uint32_t len)
{
	const uint8_t *gre = data + layer->at;
	uint32_t same = 0;

	if (gre[0] & 0x80) {
		assert_int_equal(plain_sum(0, gre, len - layer->at), 0xffff);
		assert_int_equal(get16(gre + 6), 0);
		same = 8;
	}
	assert_memory_equal(gre, was, 4);
	assert_memory_equal(gre + same, was + same, layer->bytes - same);
}

uint32_t super_judge(const struct super *s, const uint8_t *data, uint32_t len,
		     uint32_t i, uint32_t n, uint32_t at)
{
	uint32_t left = s->f.len - s->payload_at - at;
	uint32_t want = left < s->f.vnet.gso_size ? left : s->f.vnet.gso_size;

	assert_int_equal(len, s->payload_at + want);
	for (size_t k = 0; k < s->n; k++) {
		const struct super_layer *layer = &s->layer[k];
		const uint8_t *was = s->f.data + layer->at;

		if (is(layer, "ip4")) {
			judge_ip4(layer, data, was, len, i);
		} else if (is(layer, "ip6")) {
			assert_int_equal(get16(data + layer->at + 4),
					 len - layer->at - 40);
			assert_memory_equal(data + layer->at, was, 4);
			assert_memory_equal(data + layer->at + 6, was + 6,
					    layer->bytes - 6);
		} else if (is(layer, "udp")) {
			judge_udp(s, k, data, was, len);
		} else if (is(layer, "tcp")) {
			judge_tcp(s, data, len, i, n, at);
		} else if (is(layer, "gre")) {
			judge_gre(layer, data, was, len);
		} else {
			assert_memory_equal(data + layer->at, was,
					    layer->bytes);
		}
	}
	assert_memory_equal(data + s->payload_at,
			    s->f.data + s->payload_at + at, want);
	return want;
}
