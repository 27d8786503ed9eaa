/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * edit.c and edit_parse.c: what is changed is what was asked for and nothing
 * else; a right checksum stays right and a wrong one as wrong as it was, by a
 * plain computation; and nothing is touched outside a frame and its headroom.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "dissect.h"
#include "edit.h"
#include "rng.h"
#include "source_template.h"

#define ROUNDS 40 /* bursts of each template */

/* A frame in memory of its own size. */
struct piece {
	uint8_t *memory;
	struct frame f;
};

static struct piece piece_new(const struct frame *from)
{
	struct piece p = { malloc(EDIT_HEADROOM + from->len), *from };

	p.f.data = p.memory + EDIT_HEADROOM;
	memcpy(p.f.data, from->data, from->len);
	return p;
}

static void apply(struct stage *stage, struct frame *f)
{
	struct burst *b = calloc(1, sizeof(*b));
	struct lane_stats s = { 0 };

	b->n = 1;
	b->frame[0] = *f;
	stage_push(stage, b, &s, 0);
	assert_int_equal(b->n, 1);
	*f = b->frame[0];
	free(b);
}

/* ---- checksums, plainly ---- */

static uint32_t plain_sum(uint32_t sum, const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		sum = sum > 0xffff ? sum - 0xffff : sum;
	}
	return sum;
}

/* What IPv4's header and layer 4 with its pseudo header sum up to: 0xffff each
 * if they are right. */
static void sums(const struct frame *f, uint32_t *ip_sum, uint32_t *l4_sum)
{
	const uint8_t *ip;
	struct dissect d;
	uint8_t tail[4];
	bool v4;

	dissect(f->data, f->len, &d);
	v4 = d.version == 4;
	ip = f->data + d.network;
	tail[0] = 0;
	tail[1] = d.protocol;
	tail[2] = (uint8_t)((d.end - d.transport) >> 8);
	tail[3] = (uint8_t)(d.end - d.transport);
	*ip_sum = v4 ? plain_sum(0, ip, 4u * (ip[0] & 15)) : 0xffff;
	*l4_sum = plain_sum(0, ip + (v4 ? 12 : 8), v4 ? 8 : 32);
	*l4_sum = plain_sum(*l4_sum, tail, sizeof(tail));
	if (v4 && d.protocol == IPPROTO_ICMP)
		*l4_sum = 0; /* it has no pseudo header */
	*l4_sum = plain_sum(*l4_sum, f->data + d.transport,
			    d.end - d.transport);
}

/* ---- frames of all kinds, by templates ---- */

static const struct {
	const char *name;
	const char *layer[5][2];
} kinds[] = {
	{ "udp4", { { "ip", "src=random,dst=random,ttl=random" },
		    { "udp", "sport=random,dport=random" } } },
	{ "tcp4", { { "ip", "src=random,dst=random,id=random" },
		    { "tcp", "seq=random,sport=random" } } },
	{ "icmp4", { { "ip", "src=random,dst=random" },
		     { "icmp", "id=random" } } },
	{ "udp6", { { "ip6", "src=random,dst=random,hops=random" },
		    { "udp", "sport=random,dport=random" } } },
	{ "tcp6", { { "vlan", "id=random" }, { "ip6", "src=random" },
		    { "tcp", "seq=random,sport=random" } } },
	{ "icmp6", { { "vlan", "id=5,proto=802.1ad" }, { "vlan", "id=7" },
		     { "ip6", "src=random,dst=random" },
		     { "icmp", "type=136,code=0" },
		     { "hex", "fd000000000000000000000000000009" } } },
};

static struct source *make_source(size_t kind, const char *size)
{
	struct source *source;
	struct template *t;

	assert_int_equal(template_new(&t, kind + 1), 0);
	for (int i = 0; i < 5 && kinds[kind].layer[i][0]; i++)
		assert_int_equal(template_add(t, kinds[kind].layer[i][0],
					      kinds[kind].layer[i][1]), 0);
	assert_int_equal(template_set_size(t, size), 0);
	assert_int_equal(template_finish(t, false), 0);
	assert_int_equal(source_template_new(&source, t), 0);
	return source;
}

/* Each frame of each kind, before and after. */
static void for_all(const struct edit_params *params, uint64_t pass,
		    void (*check)(const struct frame *before,
				  const struct frame *after))
{
	static struct burst b;
	struct lane_stats s = { 0 };
	struct stage *stage;

	assert_int_equal(edit_new(&stage, params), 0);
	edit_set_pass(stage, pass);
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct source *source = make_source(k, "random:90-400");

		for (int round = 0; round < ROUNDS; round++) {
			b.n = 0;
			source_draw(source, &b, &s);
			for (uint32_t i = 0; i < b.n; i++) {
				struct piece p = piece_new(&b.frame[i]);

				apply(stage, &p.f);
				check(&b.frame[i], &p.f);
				free(p.memory);
			}
		}
		source_close(source);
	}
	stage_free(stage);
}

static void check_sums(const struct frame *before, const struct frame *after)
{
	uint32_t ip, l4;

	sums(before, &ip, &l4);
	assert_int_equal(ip, 0xffff);
	assert_int_equal(l4, 0xffff);
	sums(after, &ip, &l4);
	assert_int_equal(ip, 0xffff);
	assert_int_equal(l4, 0xffff);
}

/* Every address, at random prefix lengths: 0 as well. */
static void test_maps_keep_checksums(void **state)
{
	static const char *const map[] = {
		"0.0.0.0/0=10.11.12.13/32", "0.0.0.0/0=10.0.0.0/8",
		"0.0.0.0/1=192.168.0.0/16", "128.0.0.0/1=1.2.3.0/23",
		"0.0.0.0/0=255.255.255.255/32", "::/0=fd00::/64",
		"::/0=fd00::1/128", "::/1=2001:db8::/33",
		"::/0=ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		for (int which = 1; which < 4; which++) {
			struct edit_params p = { .n_maps = 1 };

			assert_int_equal(edit_parse_map(map[i], &p.map[0]), 0);
			p.map[0].src = which & 1;
			p.map[0].dst = which & 2;
			for_all(&p, 0, check_sums);
		}
}

static void test_others_keep_checksums(void **state)
{
	static const char *const ttl[] = { "1", "255", "+7", "-200" };
	struct edit_params p = { .unique_ip = true };

	(void)state;
	for (uint64_t pass = 0; pass < 70000; pass += 6999)
		for_all(&p, pass, check_sums);
	for (size_t i = 0; i < ARRAY_SIZE(ttl); i++) {
		p = (struct edit_params){ 0 };
		assert_int_equal(edit_parse_ttl(ttl[i], &p), 0);
		for_all(&p, 0, check_sums);
	}
}

/* Layer 4 that a template knows not, with the pseudo header in its checksum. */
static void test_rare_protocols(void **state)
{
	static const struct {
		const char *ip, *text;
		uint32_t at;
	} kind[] = {
		{ "ip", "src=random,proto=33", 6 },   /* DCCP: RFC 4340 */
		{ "ip6", "src=random,proto=33", 6 },
		{ "ip", "src=random,proto=136", 6 },  /* UDP-Lite: RFC 3828 */
		{ "ip6", "src=random,proto=136", 6 },
		{ "ip6", "src=random,proto=89", 12 }, /* OSPF: RFC 5340 */
		{ "ip6", "src=random,proto=103", 2 }, /* PIM: RFC 7761 */
		{ "ip6", "src=random,proto=135", 4 }, /* mobility: RFC 6275 */
	};
	struct edit_params p = { .unique_ip = true };
	static struct burst b;
	struct lane_stats s = { 0 };
	struct source *source;
	struct stage *stage;
	struct template *t;
	struct piece piece;
	uint32_t ip, l4;

	(void)state;
	assert_int_equal(edit_new(&stage, &p), 0);
	edit_set_pass(stage, 77);
	for (size_t i = 0; i < ARRAY_SIZE(kind); i++) {
		uint8_t *check;

		assert_int_equal(template_new(&t, 1), 0);
		assert_int_equal(template_add(t, kind[i].ip, kind[i].text), 0);
		assert_int_equal(template_set_size(t, "100"), 0);
		assert_int_equal(template_finish(t, false), 0);
		assert_int_equal(source_template_new(&source, t), 0);
		b.n = 0;
		source_draw(source, &b, &s);
		piece = piece_new(&b.frame[0]);
		check = piece.f.data + 14 + (kind[i].ip[2] ? 40 : 20) +
			kind[i].at;
		sums(&piece.f, &ip, &l4);
		l4 = (check[0] << 8 | check[1]) + 0xffffu - l4;
		l4 = l4 > 0xffff ? l4 - 0xffff : l4;
		check[0] = (uint8_t)(l4 >> 8);
		check[1] = (uint8_t)l4;
		check_sums(&piece.f, &piece.f);
		apply(stage, &piece.f);
		check_sums(&piece.f, &piece.f);
		free(piece.memory);
		source_close(source);
	}
	stage_free(stage);
}

/* As wrong as it was; and all right when they are computed anew. */
static void test_wrong_checksum(void **state)
{
	struct edit_params p = { .n_maps = 1 };
	struct source *source = make_source(1, "100");
	static struct burst b;
	struct lane_stats s = { 0 };
	struct stage *stage;
	uint32_t ip[2], l4[2];
	struct piece piece;

	(void)state;
	source_draw(source, &b, &s);
	assert_int_equal(edit_parse_map("0.0.0.0/0=10.0.0.0/8", &p.map[0]), 0);
	p.map[0].src = p.map[0].dst = true;
	for (int fix = 0; fix < 2; fix++) {
		p.fix_checksums = fix;
		piece = piece_new(&b.frame[3]);
		piece.f.data[14 + 10] ^= 0x12;
		piece.f.data[14 + 20 + 16] ^= 0x34;
		sums(&piece.f, &ip[0], &l4[0]);
		assert_int_equal(edit_new(&stage, &p), 0);
		apply(stage, &piece.f);
		stage_free(stage);
		sums(&piece.f, &ip[1], &l4[1]);
		assert_int_equal(ip[1], fix ? 0xffff : ip[0]);
		assert_int_equal(l4[1], fix ? 0xffff : l4[0]);
		free(piece.memory);
	}
	source_close(source);
}

/* ---- what exactly changes ---- */

static struct frame frame_of(uint8_t *memory, const char *hex)
{
	struct frame f = { .data = memory + EDIT_HEADROOM };
	unsigned int byte;

	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2 + (hex[2] == ' '))
		f.data[f.len++] = (uint8_t)byte;
	return f;
}

static void assert_frame(const struct frame *f, const char *hex)
{
	uint8_t memory[256];
	struct frame wanted = frame_of(memory, hex);

	assert_int_equal(f->len, wanted.len);
	assert_memory_equal(f->data, wanted.data, f->len);
}

#define MACS "020000000001 020000000002 "

static void test_tags(void **state)
{
	static const struct {
		enum edit_vlan_verb verb;
		const char *text;
		const char *before, *after;
	} row[] = {
		{ EDIT_VLAN_PUSH, "100", MACS "0800 aabb",
		  MACS "8100 0064 0800 aabb" },
		{ EDIT_VLAN_PUSH, "vid=4095,prio=7,dei=1,proto=802.1ad",
		  MACS "8100 0001 0800", MACS "88a8 ffff 8100 0001 0800" },
		{ EDIT_VLAN_POP, NULL, MACS "8100 0064 0800 aa",
		  MACS "0800 aa" },
		{ EDIT_VLAN_POP, NULL, MACS "88a8 0064 8100 0065 0800 aa",
		  MACS "8100 0065 0800 aa" },
		{ EDIT_VLAN_POP, NULL, MACS "0800 aa", MACS "0800 aa" },
		{ EDIT_VLAN_SET, "5", MACS "8100 ffff 0800",
		  MACS "8100 f005 0800" },
		{ EDIT_VLAN_SET, "prio=2", MACS "8100 f123 0800",
		  MACS "8100 5123 0800" },
		{ EDIT_VLAN_SET, "dei=0,proto=802.1ad", MACS "8100 f123 0800",
		  MACS "88a8 e123 0800" },
		{ EDIT_VLAN_SET, "5", MACS "0800 aa", MACS "0800 aa" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct edit_params p = { .n_vlans = 1 };
		struct stage *stage;
		uint8_t memory[256];
		struct frame f = frame_of(memory, row[i].before);

		p.vlan[0].verb = row[i].verb;
		if (row[i].text)
			assert_int_equal(edit_parse_vlan(row[i].text,
							 &p.vlan[0]), 0);
		assert_int_equal(edit_new(&stage, &p), 0);
		apply(stage, &f);
		assert_frame(&f, row[i].after);
		stage_free(stage);
	}
}

static void test_macs_by_egress(void **state)
{
	struct edit_params p = { 0 };
	struct stage *stage;

	(void)state;
	assert_int_equal(edit_parse_macs("0a:00:00:00:00:01,0a:00:00:00:00:02",
					 p.dst), 0);
	assert_int_equal(edit_parse_macs("0A:0b:00:00:00:03", p.src), 0);
	assert_int_equal(edit_new(&stage, &p), 0);
	for (uint8_t egress = 0; egress < 2; egress++) {
		uint8_t memory[256];
		struct frame f = frame_of(memory, MACS "88b5 01");

		f.egress = egress;
		apply(stage, &f);
		assert_frame(&f, egress ?
				 "0a0000000002 0a0b00000003 88b5 01" :
				 "0a0000000001 0a0b00000003 88b5 01");
	}
	stage_free(stage);
}

/* The first map that fits counts, host bits stay, ARP is mapped, and a probe
 * from nobody stays one in every pass. */
static void test_arp(void **state)
{
	static const char before[] = "ffffffffffff 020000000002 0806 "
		"0001 0800 06 04 0001 020000000002 0a010203 000000000000 "
		"00000000";
	static const char after[] = "ffffffffffff 020000000002 0806 "
		"0001 0800 06 04 0001 020000000002 c0a80206 000000000000 "
		"00000000";
	struct edit_params p = { .n_maps = 2, .unique_ip = true };
	struct stage *stage;
	uint8_t memory[256];
	struct frame f = frame_of(memory, before);

	(void)state;
	assert_int_equal(edit_parse_map("10.0.0.0/8=192.168.0.0/16",
					&p.map[0]), 0);
	assert_int_equal(edit_parse_map("10.1.0.0/16=1.1.0.0/16",
					&p.map[1]), 0);
	p.map[0].src = p.map[1].src = true;
	assert_int_equal(edit_new(&stage, &p), 0);
	edit_set_pass(stage, 3);
	apply(stage, &f);
	assert_frame(&f, after);
	stage_free(stage);
}

static void test_ttl_stays_in_range(void **state)
{
	static const struct {
		const char *text;
		uint8_t before, after;
	} row[] = {
		{ "64", 3, 64 },  { "+1", 254, 255 }, { "+1", 255, 255 },
		{ "-1", 2, 1 },   { "-1", 1, 1 },     { "-255", 255, 1 },
		{ "+255", 1, 255 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		uint8_t memory[256];
		struct frame f = frame_of(memory, MACS "0800 4500 0014 0000 "
			"0000 0011 0000 01020304 05060708");
		struct edit_params p = { 0 };
		struct stage *stage;

		f.data[22] = row[i].before;
		assert_int_equal(edit_parse_ttl(row[i].text, &p), 0);
		assert_int_equal(edit_new(&stage, &p), 0);
		apply(stage, &f);
		assert_int_equal(f.data[22], row[i].after);
		stage_free(stage);
	}
}

/* Whatever the bytes are: nothing outside is touched (sanitizers look). */
static void test_random_bytes(void **state)
{
	struct edit_params p = { .n_maps = 2, .unique_ip = true, .has_ttl = true,
				 .ttl = 9, .fix_checksums = true,
				 .n_vlans = 3 };
	struct rng rng = { 77 };
	struct stage *stage;

	(void)state;
	assert_int_equal(edit_parse_map("0.0.0.0/0=1.0.0.0/7", &p.map[0]), 0);
	assert_int_equal(edit_parse_map("::/0=fd00::/9", &p.map[1]), 0);
	p.map[0].src = p.map[0].dst = p.map[1].src = p.map[1].dst = true;
	p.vlan[0] = (struct edit_vlan){ EDIT_VLAN_POP, -1, -1, -1, -1 };
	p.vlan[1] = (struct edit_vlan){ EDIT_VLAN_PUSH, 5, -1, -1, -1 };
	p.vlan[2] = (struct edit_vlan){ EDIT_VLAN_PUSH, 6, -1, -1, -1 };
	assert_int_equal(edit_new(&stage, &p), 0);
	for (int i = 0; i < 20000; i++) {
		static const uint16_t type[] = { 0x0800, 0x86dd, 0x0806,
						 0x8100, 0x88a8 };
		struct piece piece;
		uint8_t bytes[128];
		struct frame f = { .data = bytes };

		f.len = 14 + (uint32_t)rng_below(&rng, 114);
		for (uint32_t k = 0; k < f.len; k++)
			bytes[k] = (uint8_t)rng_next(&rng);
		bytes[12] = (uint8_t)(type[i % 5] >> 8);
		bytes[13] = (uint8_t)type[i % 5];
		if (f.len > 14 && i % 5 < 2)
			bytes[14] = i % 5 ? 0x60 : 0x45;
		if (f.len > 23 && i % 3)
			bytes[i % 5 ? 20 : 23] = i % 3 == 1 ? 17 : 58;
		piece = piece_new(&f);
		edit_set_pass(stage, (uint64_t)i);
		apply(stage, &piece.f);
		assert_in_range(piece.f.len, f.len, f.len + 8);
		free(piece.memory);
	}
	stage_free(stage);
}

/* ---- what people type ---- */

static void test_refused(void **state)
{
	static const char *const map[] = {
		"", "10.0.0.0/8", "10.0.0.0/33=1.0.0.0/8", "10.0.0/8=1.0.0.0/8",
		"10.0.0.0/8=fd00::/8", "10.0.0.0/8=1.0.0.0/8=", "=", "x=y",
		"10.0.0.0/=1.0.0.0/8", "10.0.0.0/8 =1.0.0.0/8",
		"::/129=::/1", "10.0.0.0/+8=1.0.0.0/8",
	};
	static const char *const vlan[] = {
		"", "4096", "-1", "1,", "1,prio=8", "1,dei=2", "1,proto=802.3",
		"1,colour=red", "0x10", "1 ", "prio=",
	};
	static const char *const mac[] = {
		"", "02:00:00:00:00", "02:00:00:00:00:0g", "2:0:0:0:0:0:0",
		"02:00:00:00:00:01,", "02:00:00:00:00:01,02:00:00:00:00:02,",
		"02-00-00-00-00-01", " 02:00:00:00:00:01",
	};
	static const char *const ttl[] = { "", "0", "256", "+", "-", "+256",
					   "--1", "1x", "+-1" };
	struct edit_params p = { 0 };
	struct edit_vlan push = { .verb = EDIT_VLAN_PUSH };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		assert_int_equal(edit_parse_map(map[i], &p.map[0]), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(vlan); i++)
		assert_int_equal(edit_parse_vlan(vlan[i], &push), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(mac); i++)
		assert_int_equal(edit_parse_macs(mac[i], p.src), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(ttl); i++)
		assert_int_equal(edit_parse_ttl(ttl[i], &p), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maps_keep_checksums),
		cmocka_unit_test(test_others_keep_checksums),
		cmocka_unit_test(test_rare_protocols),
		cmocka_unit_test(test_wrong_checksum),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_macs_by_egress),
		cmocka_unit_test(test_arp),
		cmocka_unit_test(test_ttl_stays_in_range),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
