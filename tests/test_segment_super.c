/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cutting super-frames, encapsulated ones, too: each length, checksum and
 * number against a plain computation of its own (super_frames.c); and headers
 * with random bytes in them, in memory of their own size.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "segment.h"
#include "super_frames.h"

#define SEED UINT64_C(0x7375706572)
#define ROUNDS 60000

static const char *const supers[] = {
	"eth ip4 tcp",
	"eth ip6 tcpo",
	"eth ip4o udp",
	"eth ip6x udp",
	"eth vlan ip4 tcpo",
	"eth qinq vlan ip6 udp",
	"eth mpls ip4 tcp",
	"eth ip4 udp vxlan eth ip4 tcpo",
	"eth ip4 udpc vxlan eth ip6 tcp",
	"eth vlan ip6 udp vxlan eth vlan ip4 tcp",
	"eth ip6x udpc vxlan eth ip4 udp",
	"eth ip4o udpc gpe ip6 udp",
	"eth ip4 udp gpe ip4 tcp",
	"eth ip6 udp gpe eth ip4 tcp",
	"eth ip4 udp geneve eth ip4 tcp",
	"eth ip6 udpc geno eth vlan ip4o tcpo",
	"eth ip4 udpc geno ip6 udp",
	"eth ip4 udpc ip6 tcp",
	"eth ip6 udp ip4 tcp",
	"eth ip4 gre ip4 tcp",
	"eth ip4 grek eth ip4 tcpo",
	"eth ip6 grec eth vlan ip6 tcp",
	"eth qinq ip4 greck ip4 udp",
	"eth ip4 ip4 tcp",
	"eth ip4 ip6x tcpo",
	"eth ip6x ip4 udp",
	"eth ip6 ip6 tcp",
	"eth ip4 ip4o udpc vxlan eth mpls ip4 udp",
};

static void cut_super(const struct super *s)
{
	uint32_t at = 0, i = 0, n, room, len;
	struct segment_job job;
	uint8_t *out;

	assert_int_equal(segment_start_super(&job, &s->f), 0);
	n = segment_count(&job);
	room = segment_bytes(&job);
	out = malloc(room);
	assert_non_null(out);
	assert_false(segment_next(&job, out, room - 1, &len));
	while (segment_next(&job, out, room, &len))
		at += super_judge(s, out, len, i++, n, at);
	assert_int_equal(i, n);
	assert_int_equal(at, s->f.len - s->payload_at);
	free(out);
}

static void test_super(void **state)
{
	struct rng rng = { SEED };
	struct super s;

	(void)state;
	for (int i = 0; i < 40; i++)
		for (size_t k = 0; k < ARRAY_SIZE(supers); k++) {
			super_make(&s, supers[k],
				   (uint32_t)rng_below(&rng, 4 << i % 14),
				   (uint16_t)(8 + rng_below(&rng, 3000)), &rng);
			cut_super(&s);
			super_free(&s);
		}
}

/* CWR that no ECN stands beside is AccECN's, and on all. */
static void test_super_cwr(void **state)
{
	struct rng rng = { SEED };
	struct super s;

	(void)state;
	super_make(&s, "eth ip4 tcp", 5000, 1000, &rng);
	s.f.data[s.layer[2].at + 13] |= 0x80;
	s.f.vnet.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	cut_super(&s);
	s.f.vnet.gso_type &= (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
	cut_super(&s);
	super_free(&s);
}

/* What GRO has chained has no unfinished checksum. */
static void test_super_chained(void **state)
{
	static const char *const words[] = {
		"eth ip4 udp", "eth vlan ip6x udp", "eth ip4o tcpo",
	};
	struct rng rng = { SEED };
	struct super s;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(words); k++) {
		super_make(&s, words[k], 5000, 1000, &rng);
		s.f.data[s.f.vnet.csum_start + s.f.vnet.csum_offset] ^= 1;
		s.f.vnet.flags = VIRTIO_NET_HDR_F_DATA_VALID;
		s.f.vnet.csum_start = s.f.vnet.csum_offset = 0;
		cut_super(&s);
		super_free(&s);
	}
}

static bool is_refused(const struct frame *f)
{
	struct segment_job job;

	return segment_start_super(&job, f) == -EINVAL;
}

static void test_super_refused(void **state)
{
	static const char *const words[] = {
		"eth ip4 grekcs eth ip4 tcp",
		"eth gre ip4 tcp",
		"eth ip4 ip4 ip4 ip4 ip4 ip4 ip4 ip4 ip4 tcp",
	};
	struct rng rng = { SEED };
	struct frame f;
	struct super s;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(words); k++) {
		super_make(&s, words[k], 5000, 1000, &rng);
		assert_true(is_refused(&s.f));
		super_free(&s);
	}
	super_make(&s, "eth ip4 udp vxlan eth ip4 tcp", 5000, 1000, &rng);
	assert_false(is_refused(&s.f));
#define REFUSED(what) \
	do { \
		f = s.f; \
		f.what; \
		assert_true(is_refused(&f)); \
	} while (0)
	REFUSED(vnet.gso_type = VIRTIO_NET_HDR_GSO_NONE);
	REFUSED(vnet.gso_type = VIRTIO_NET_HDR_GSO_UDP);
	REFUSED(vnet.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4);
	REFUSED(vnet.gso_type = VIRTIO_NET_HDR_GSO_TCPV6);
	REFUSED(vnet.gso_size = 0);
	REFUSED(vnet.csum_offset = 6);
	REFUSED(vnet.csum_start += 1);
	REFUSED(vnet.csum_start = 34); /* the outer UDP's */
	REFUSED(vnet.csum_start = 0xffff);
	REFUSED(len = s.f.vnet.csum_start + 19u);
	REFUSED(len = 3);
	super_free(&s);
}

/* A byte of the headers is another: what is then cut stays inside. */
static void test_super_broken(void **state)
{
	static const uint8_t byte[] = { 0, 1, 4, 6, 8, 17, 41, 43, 44, 47,
					50, 51, 60, 132, 255 };
	struct rng rng = { SEED };
	struct segment_job job;
	uint32_t len;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct super s;
		uint8_t *out;

		super_make(&s, supers[rng_below(&rng, ARRAY_SIZE(supers))],
			   (uint32_t)rng_below(&rng, 200), 30, &rng);
		for (uint64_t n = rng_below(&rng, 4); n; n--)
			s.f.data[12 + rng_below(&rng, s.payload_at - 12)] =
				rng_below(&rng, 2) ?
					byte[rng_below(&rng, sizeof(byte))] :
					(uint8_t)rng_next(&rng);
		if (!rng_below(&rng, 4))
			s.f.vnet.csum_start =
				(uint16_t)rng_below(&rng, s.f.len + 30);
		if (!rng_below(&rng, 4))
			s.f.vnet.flags = 0;
		if (!rng_below(&rng, 4)) {
			/* The end of memory is the end of the frame. */
			uint32_t less = (uint32_t)rng_below(&rng, s.f.len);

			memmove(s.f.data + less, s.f.data, s.f.len - less);
			s.f.data += less;
			s.f.len -= less;
		}
		if (!segment_start_super(&job, &s.f)) {
			uint32_t room = segment_bytes(&job);

			assert_true(room <= s.f.len);
			out = malloc(room);
			while (segment_next(&job, out, room, &len))
				assert_true(len <= room);
			assert_int_equal(job.n, segment_count(&job));
			free(out);
		}
		super_free(&s);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_super),
		cmocka_unit_test(test_super_cwr),
		cmocka_unit_test(test_super_chained),
		cmocka_unit_test(test_super_refused),
		cmocka_unit_test(test_super_broken),
	};

	return cmocka_run_group_tests_name("super-frames", tests, NULL, NULL);
}
