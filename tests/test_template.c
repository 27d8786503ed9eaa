/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Templates and the frames made from them. The oracle recomputes lengths and
 * checksums of every frame from its bytes and knows nothing of the plan. What
 * is logged is caught here: this program's log_print() goes before log.c's.
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "log.h"
#include "source_template.h"
#include "stamp.h"

#define LAYERS_MAX 8
#define SEED 7

enum log_level log_level = LOG_LEVEL_ERROR;

static struct {
	char text[2048];
	unsigned int lines;
} logged;

void log_print(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	vsnprintf(logged.text, sizeof(logged.text), fmt, ap);
	va_end(ap);
	logged.lines++;
}

/* What a user types: layers, in pairs of option and text. */
struct typed {
	const char *layer[LAYERS_MAX][2];
	const char *size;
	bool stamp;
};

/* The first step that fails is the result. */
static int make(const struct typed *typed, struct template **tp)
{
	struct template *t;
	int r = 0;

	logged.lines = 0;
	assert_int_equal(template_new(&t, SEED), 0);
	for (int i = 0; i < LAYERS_MAX && typed->layer[i][0] && !r; i++)
		r = template_add(t, typed->layer[i][0], typed->layer[i][1]);
	if (!r && typed->size)
		r = template_set_size(t, typed->size);
	if (!r)
		r = template_finish(t, typed->stamp);
	*tp = t;
	return r;
}

static struct source *source_of(const struct typed *typed)
{
	struct template *t;
	struct source *source;

	if (make(typed, &t))
		fail_msg("%s", logged.text);
	assert_int_equal(logged.lines, 0);
	assert_int_equal(source_template_new(&source, t), 0);
	return source;
}

static void draw(struct source *source, struct burst *b)
{
	struct lane_stats s = { 0 };
	uint64_t bytes = 0;

	b->n = 0;
	assert_int_equal(source_draw(source, b, &s), SOURCE_MORE);
	assert_int_equal(b->n, BURST_RX);
	for (uint32_t i = 0; i < b->n; i++)
		bytes += b->frame[i].len;
	assert_int_equal(s.received_frames, b->n);
	assert_int_equal(s.received_bytes, bytes);
}

static uint64_t get(const uint8_t *p, int n)
{
	uint64_t value = 0;

	for (int i = 0; i < n; i++)
		value = value << 8 | p[i];
	return value;
}

/* RFC 1071, byte by byte. */
static uint32_t words(const uint8_t *p, uint32_t n)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static uint16_t csum_of(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

struct packet {
	const uint8_t *ip, *l4, *payload;
	uint32_t l4_bytes, payload_bytes;
};

/* Recompute the transport checksum with its own bytes as 0. */
static void check_l4(const struct packet *p, uint8_t protocol, uint32_t pseudo)
{
	uint32_t at = protocol == 17 ? 6 : protocol == 6 ? 16 : 2;
	uint32_t rest = p->l4_bytes - at - 2;
	uint16_t csum;

	csum = csum_of(pseudo + words(p->l4, at) +
		       words(p->l4 + at + 2, rest));
	if (protocol == 17) {
		assert_int_equal(get(p->l4 + 4, 2), p->l4_bytes);
		csum = csum ? csum : 0xffff;
	}
	assert_int_equal(get(p->l4 + at, 2), csum);
}

static uint32_t l4_header(uint8_t protocol)
{
	return protocol == 6 ? 20 :
	       protocol == 17 || protocol == 1 || protocol == 58 ? 8 : 0;
}

/* Lengths and checksums of one frame; `padding` bytes follow its packet. */
static void check_frame(const struct frame *f, uint32_t padding,
			struct packet *p)
{
	uint32_t at = 12, end = f->len - padding, bytes, pseudo;
	uint8_t protocol;

	while (get(f->data + at, 2) == 0x8100 || get(f->data + at, 2) == 0x88a8)
		at += 4;
	*p = (struct packet){ .payload = f->data + at + 2,
			      .payload_bytes = f->len - at - 2 };
	p->ip = f->data + at + 2;
	bytes = end - at - 2;
	if (get(f->data + at, 2) == 0x0800) {
		protocol = p->ip[9];
		p->l4 = p->ip + 20;
		assert_int_equal(p->ip[0], 0x45);
		assert_int_equal(get(p->ip + 2, 2), bytes);
		assert_int_equal(get(p->ip + 10, 2),
				 csum_of(words(p->ip, 10) +
					 words(p->ip + 12, 8)));
		pseudo = words(p->ip + 12, 8);
	} else if (get(f->data + at, 2) == 0x86dd) {
		protocol = p->ip[6];
		p->l4 = p->ip + 40;
		assert_int_equal(p->ip[0] >> 4, 6);
		assert_int_equal(get(p->ip + 4, 2), bytes - 40);
		pseudo = words(p->ip + 8, 32);
	} else {
		return;
	}
	p->l4_bytes = (uint32_t)(f->data + end - p->l4);
	p->payload = p->l4 + l4_header(protocol);
	p->payload_bytes = p->l4_bytes - l4_header(protocol);
	pseudo += protocol + p->l4_bytes;
	if (l4_header(protocol))
		check_l4(p, protocol, protocol == 1 ? 0 : pseudo);
}

static void test_presets(void **state)
{
	struct template_value value;

	(void)state;
	for (size_t i = 0; i < template_n_layers; i++) {
		const struct template_layer_info *info = &template_layers[i];

		assert_true(info->n_fields <= TEMPLATE_FIELDS_MAX);
		for (size_t k = 0; k < info->n_fields; k++) {
			const struct template_field *f = &info->field[k];

			assert_ptr_equal(template_field_find(info, f->name), f);
			assert_true(f->at + f->bytes <= info->bytes);
			assert_true(f->syntax.bits + f->shift <= 8 * f->bytes);
			assert_true(*f->help);
			if (f->preset)
				assert_int_equal(
					template_value_parse(&f->syntax,
							     f->preset, &value),
					0);
		}
	}
}

/* Whole frames; tshark finds all of their checksums good. */
static void test_bytes(void **state)
{
	static const struct {
		struct typed typed;
		const char *hex;
	} row[] = {
		{ { { { "udp", "" } }, NULL, false },
		  "020000000002020000000001 0800"
		  "4500002e0000 4000 4011ae97 c6120001c6120002"
		  "00090009001a2b2f 000102030405060708090a0b0c0d0e0f1011" },
		{ { { { "eth", "dst=ff:ff:ff:ff:ff:ff" },
		      { "vlan", "id=100,prio=3,proto=802.1ad" },
		      { "vlan", "id=5, dei=1" },
		      { "arp", "op=reply,tpa=1.2.3.4" } }, NULL, false },
		  "ffffffffffff020000000001 88a86064 81001005 0806"
		  "0001080006040002 020000000001c6120001"
		  "00000000000001020304 0000000000000000 0000" },
		{ { { { "ip6", "class=0x12,flow=0xabcde" },
		      { "tcp", "flags=syn,ack,window=5" },
		      { "payload", "hi\\x00\\n" } }, NULL, false },
		  "020000000002020000000001 86dd"
		  "612abcde00180640 20010002000000000000000000000001"
		  "20010002000000000000000000000002"
		  "0009000900000000000000005012 0005 073c0000 6869000a" },
		{ { { { "icmp", "" } }, NULL, true },
		  "020000000002020000000001 0800"
		  "4500002e0000 4000 4001aea7 c6120001c6120002"
		  "0800f7fe00010000 b57e4a81 0000000000000000000000000000" },
		{ { { { "ip6", "" }, { "icmp", "seq=1+1" } }, NULL, false },
		  "020000000002020000000001 86dd"
		  "6000000000083a40 20010002000000000000000000000001"
		  "20010002000000000000000000000002 80003fb200010001" },
		{ { { { "arp", "" } }, NULL, false },
		  "ffffffffffff020000000001 0806"
		  "0001080006040001 020000000001c6120001"
		  "000000000000c6120002 00000000 00000000 00000000 00000000"
		  "0000" },
		{ { { { "eth", "type=0x1234" }, { "hex", "de:ad be ef" } },
		    "20", false },
		  "020000000002020000000001 1234 deadbeef0405" },
		{ { { { "hex", "00112233 4455 66778899aabb 0800 45" } }, NULL,
		    false },
		  "00112233445566778899aabb080045" },
		{ { { { "ip", "src=10.0.0.1,dst=10.0.0.2,ttl=1,tos=0xb8,id=7,"
			      "df=0,mf=1,frag=3,proto=gre,len=99,csum=0x1234" },
		      { "payload", "x" } }, NULL, false },
		  "020000000002020000000001 0800"
		  "45b8006300072003012f1234 0a0000010a000002 78"
		  "00000000000000000000 00000000000000000000 00000000 00" },
		{ { { { "ip", "" }, { "udp", "csum=0,len=9,sport=1,dport=2" },
		      { "payload", "x" } }, "43", false },
		  "020000000002020000000001 0800"
		  "4500001d0000 4000 4011aea8 c6120001c6120002"
		  "0001000200090000 78" },
		{ { { { "tcp", "sport=1,dport=2,seq=0x01020304,ack=5,off=6,"
			       "flags=FPN,window=9,urg=3,csum=1" } },
		    "54", false },
		  "020000000002020000000001 0800"
		  "450000280000 4000 4006aea8 c6120001c6120002"
		  "00010002010203040000000561090009 0001 0003" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct source *source = source_of(&row[i].typed);
		struct burst b;
		char hex[256] = "", want[256];
		size_t n = 0;

		draw(source, &b);
		for (uint32_t k = 0; k < b.frame[0].len; k++)
			snprintf(hex + 2 * k, 3, "%02x", b.frame[0].data[k]);
		for (const char *c = row[i].hex; *c; c++) {
			if (*c != ' ')
				want[n++] = *c;
		}
		want[n] = '\0';
		assert_string_equal(hex, want);
		source_close(source);
	}
}

/* A field's place, so that its values can be followed. */
struct place {
	uint32_t at, bytes;
};

static void test_walks(void **state)
{
	static const struct {
		const char *layer, *text;
		struct place place;
		uint64_t want[6];
	} row[] = {
		{ "udp", "sport=80", { 34, 2 }, { 80, 80, 80, 80, 80, 80 } },
		{ "udp", "sport=1000-1002", { 34, 2 },
		  { 1000, 1001, 1002, 1000, 1001, 1002 } },
		{ "udp", "sport=1000-1010/4", { 34, 2 },
		  { 1000, 1004, 1008, 1000, 1004, 1008 } },
		{ "udp", "sport=65534-65535", { 34, 2 },
		  { 65534, 65535, 65534, 65535, 65534, 65535 } },
		{ "udp", "dport=65530+5", { 36, 2 },
		  { 65530, 65535, 4, 9, 14, 19 } },
		{ "udp", "dport=0x10-0x20/0x10", { 36, 2 },
		  { 16, 32, 16, 32, 16, 32 } },
		{ "tcp", "seq=0xfffffffe+1", { 38, 4 },
		  { 0xfffffffe, 0xffffffff, 0, 1, 2, 3 } },
		{ "vlan", "id=4094+1", { 14, 2 },
		  { 0xffe, 0xfff, 0, 1, 2, 3 } },
		{ "vlan", "prio=6+1,id=3", { 14, 2 },
		  { 0xc003, 0xe003, 3, 0x2003, 0x4003, 0x6003 } },
		{ "eth", "src=02:00:00:00:00:fe+1", { 6, 6 },
		  { 0x0200000000fe, 0x0200000000ff, 0x020000000100,
		    0x020000000101, 0x020000000102, 0x020000000103 } },
		{ "eth", "dst=2:0:0:0:0:1-02:00:00:00:00:03/2", { 0, 6 },
		  { 0x020000000001, 0x020000000003, 0x020000000001,
		    0x020000000003, 0x020000000001, 0x020000000003 } },
		{ "ip", "src=10.0.0.254-10.0.1.1", { 26, 4 },
		  { 0x0a0000fe, 0x0a0000ff, 0x0a000100, 0x0a000101, 0x0a0000fe,
		    0x0a0000ff } },
		{ "ip", "dst=10.0.0.7/30", { 30, 4 },
		  { 0x0a000004, 0x0a000005, 0x0a000006, 0x0a000007, 0x0a000004,
		    0x0a000005 } },
		{ "ip", "dst=10.0.0.7/32", { 30, 4 },
		  { 0x0a000007, 0x0a000007, 0x0a000007, 0x0a000007, 0x0a000007,
		    0x0a000007 } },
		{ "ip", "dst=255.255.255.255+1", { 30, 4 },
		  { 0xffffffff, 0, 1, 2, 3, 4 } },
		{ "ip6", "src=fd00::ffff:ffff:ffff:ffff+1", { 22, 8 },
		  { 0xfd00000000000000, 0xfd00000000000001, 0xfd00000000000001,
		    0xfd00000000000001, 0xfd00000000000001,
		    0xfd00000000000001 } },
		{ "ip6", "dst=fd00::/126", { 46, 8 }, { 0, 1, 2, 3, 0, 1 } },
		{ "arp", "op=request-reply", { 20, 2 }, { 1, 2, 1, 2, 1, 2 } },
		{ "arp", "spa=10.0.0.1+1", { 28, 4 },
		  { 0x0a000001, 0x0a000002, 0x0a000003, 0x0a000004, 0x0a000005,
		    0x0a000006 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct typed typed = { .layer = { { row[i].layer,
						    row[i].text } } };
		struct source *source = source_of(&typed);
		struct burst b;

		for (int pass = 0; pass < 2; pass++) {
			draw(source, &b);
			for (size_t k = 0; k < ARRAY_SIZE(row[i].want); k++)
				assert_int_equal(
					get(b.frame[k].data + row[i].place.at,
					    (int)row[i].place.bytes),
					row[i].want[k]);
			assert_int_equal(source_rewind(source, 1), 0);
		}
		source_close(source);
	}
}

/* A walk goes on over bursts. */
static void test_walk_goes_on(void **state)
{
	static const struct typed typed = {
		.layer = { { "udp", "sport=1000-1099" } },
	};
	struct source *source = source_of(&typed);
	struct burst b;

	(void)state;
	for (uint32_t n = 0; n < 100 * BURST_RX; n++) {
		if (!(n % BURST_RX))
			draw(source, &b);
		assert_int_equal(get(b.frame[n % BURST_RX].data + 34, 2),
				 1000 + n % 100);
	}
	assert_true(source_progress(source) < 0);
	source_close(source);
}

/* Random values stay inside, reach both ends, and repeat with the seed. */
static void test_random(void **state)
{
	static const struct typed typed = {
		.layer = { { "eth", "src=random" }, { "vlan", "id=random" },
			   { "ip", "src=random:10.1.0.0/30,dst=random" },
			   { "udp", "sport=random:1000-1003,dport=random" } },
	};
	struct source *source = source_of(&typed);
	unsigned int seen = 0, dst_bits = 0, vlan_bits = 0;
	uint8_t first[64];
	struct burst b;

	(void)state;
	for (int n = 0; n < 10; n++) {
		draw(source, &b);
		if (!n)
			memcpy(first, b.frame[9].data, b.frame[9].len);
		for (uint32_t i = 0; i < b.n; i++) {
			const uint8_t *p = b.frame[i].data;
			uint64_t port = get(p + 38, 2);

			assert_int_equal(p[6], 2);
			assert_int_equal(get(p + 30, 4) >> 2, 0x0a010000 >> 2);
			assert_in_range(port, 1000, 1003);
			seen |= 1u << (p[33] & 3) | 16u << (port - 1000);
			dst_bits |= (unsigned int)get(p + 34, 4);
			vlan_bits |= (unsigned int)get(p + 14, 2);
		}
	}
	assert_int_equal(seen, 0xff);
	assert_int_equal(dst_bits, 0xffffffff);
	assert_int_equal(vlan_bits, 0x0fff);
	source_rewind(source, 0);
	draw(source, &b);
	assert_memory_equal(first, b.frame[9].data, b.frame[9].len);
	draw(source, &b);
	assert_memory_not_equal(first, b.frame[9].data, b.frame[9].len);
	source_close(source);
}

/* Of 128 bits: a prefix, an odd range, and all. */
static void test_random_ip6(void **state)
{
	static const struct typed typed = {
		.layer = { { "ip6", "src=random:2001:db8::/32,"
				    "dst=random:fd00::-fd00:0:0:2::5" } },
	};
	struct source *source = source_of(&typed);
	uint64_t low = 0, middle = 0;
	struct burst b;

	(void)state;
	for (int n = 0; n < 10; n++) {
		draw(source, &b);
		for (uint32_t i = 0; i < b.n; i++) {
			const uint8_t *p = b.frame[i].data;

			assert_int_equal(get(p + 22, 4), 0x20010db8);
			low |= get(p + 30, 8);
			middle |= get(p + 26, 4);
			assert_in_range(get(p + 38, 8), 0xfd00000000000000,
					0xfd00000000000002);
		}
	}
	assert_int_equal(low, UINT64_MAX);
	assert_int_equal(middle, UINT32_MAX);
	source_close(source);
}

static void test_sizes(void **state)
{
	static const struct {
		const char *size;
		uint32_t want[6];
	} row[] = {
		{ "42", { 42, 42, 42, 42, 42, 42 } },
		{ "64-66", { 64, 65, 66, 64, 65, 66 } },
		{ "64-73/4", { 64, 68, 72, 64, 68, 72 } },
		{ "imix", { 60, 590, 60, 590, 60, 60 } },
		{ "9018", { 9018, 9018, 9018, 9018, 9018, 9018 } },
		{ "65549", { 65549, 65549, 65549, 65549, 65549, 65549 } },
	};
	uint32_t imix[3] = { 0 }, lowest = 1518, highest = 0;
	struct typed typed = { .layer = { { "udp", "" } } };
	struct source *source;
	struct packet p;
	struct burst b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		typed.size = row[i].size;
		source = source_of(&typed);
		draw(source, &b);
		for (uint32_t k = 0; k < b.n; k++)
			check_frame(&b.frame[k], 0, &p);
		for (size_t k = 0; k < ARRAY_SIZE(row[i].want); k++)
			assert_int_equal(b.frame[k].len, row[i].want[k]);
		source_close(source);
	}
	typed.size = "imix";
	source = source_of(&typed);
	draw(source, &b);
	for (uint32_t k = 0; k < 60; k++)
		imix[(b.frame[k].len > 60) + (b.frame[k].len > 590)]++;
	assert_int_equal(imix[0], 35);
	assert_int_equal(imix[1], 20);
	assert_int_equal(imix[2], 5);
	source_close(source);
	typed.size = "random:64-1518";
	source = source_of(&typed);
	for (int n = 0; n < 200; n++) {
		draw(source, &b);
		for (uint32_t k = 0; k < b.n; k++) {
			if (b.frame[k].len < lowest)
				lowest = b.frame[k].len;
			if (b.frame[k].len > highest)
				highest = b.frame[k].len;
		}
	}
	assert_int_equal(lowest, 64);
	assert_int_equal(highest, 1518);
	source_close(source);
}

#define IP_ALL "src=random,dst=10.0.0.0/8,ttl=random,tos=random,id=1+257," \
	       "df=random"
#define IP6_ALL "src=random,dst=random:fd00::/9,class=random,flow=random," \
		"hops=random"
#define TCP_ALL "sport=random,dport=1-60000/7,seq=random,ack=1+1000000," \
		"flags=random,window=random,urg=random"

static const struct typed everything[] = {
	{ { { "ip", IP_ALL } }, "random:34-200", false },
	{ { { "ip", IP_ALL }, { "udp", "sport=random,dport=random" } },
	  "random:42-1514", false },
	{ { { "vlan", "id=random,prio=random,dei=random" }, { "ip", IP_ALL },
	    { "tcp", TCP_ALL } }, "random:58-1518", false },
	{ { { "ip", IP_ALL },
	    { "icmp", "type=random,code=random,id=random,seq=0+1" } },
	  "42-199", false },
	{ { { "eth", "src=random,dst=random" }, { "ip6", IP6_ALL },
	    { "udp", "sport=random,dport=1+1" } }, "random:62-1514", false },
	{ { { "vlan", "" }, { "vlan", "id=1+1" }, { "ip6", IP6_ALL },
	    { "tcp", TCP_ALL }, { "payload", "odd" } }, "random:85-300",
	  false },
	{ { { "ip6", IP6_ALL }, { "icmp", "id=random,seq=random" } },
	  "random:62-301", false },
	{ { { "ip6", IP6_ALL } }, "random:54-301", false },
	{ { { "udp", "sport=0+1" } }, "60", false },
	{ { { "udp", "sport=0+1" } }, "65549", false },
	{ { { "ip", "dst=random" }, { "udp", "" } }, "imix", false },
	{ { { "ip", IP_ALL }, { "udp", "sport=random,dport=random" } },
	  "random:60-1514", true },
	{ { { "ip", IP_ALL }, { "tcp", TCP_ALL }, { "payload", "odd" } },
	  "random:75-1514", true },
	{ { { "vlan", "id=random" }, { "ip6", IP6_ALL },
	    { "udp", "dport=random" } }, "random:84-1514", true },
	{ { { "ip6", IP6_ALL }, { "icmp", "seq=0+1" } }, "80-1000/13", true },
	{ { { "icmp", "seq=0+1" } }, "imix", true },
	{ { { "udp", "sport=random" } }, NULL, true },
	{ { { "ip", IP_ALL } }, "random:60-90", true },
	{ { { "vlan", "id=random" } }, "random:60-90", true },
};

/* One burst, as the oracle sees it; from `number` on if they are stamped. */
static void check_burst(const struct typed *typed, struct source *source,
			struct burst *b, uint64_t number)
{
	struct packet p;
	struct stamp stamp;

	for (uint32_t i = 0; i < b->n; i++) {
		struct frame *f = &b->frame[i];
		uint64_t time_ns = rand() * UINT64_C(0x100000001);

		assert_int_equal(f->time_ns, 0);
		assert_true(frame_is_plain(f));
		source_template_stamp(source, f, time_ns);
		check_frame(f, 0, &p);
		if (!typed->stamp)
			continue;
		assert_int_equal(stamp_get(p.payload, p.payload_bytes, &stamp),
				 STAMP_RIGHT);
		assert_int_equal(stamp.number, number + i);
		assert_int_equal(stamp.time_ns, time_ns);
	}
}

static void test_oracle(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(everything); i++) {
		struct source *source = source_of(&everything[i]);
		struct burst b;

		for (uint64_t n = 0; n < 100; n++) {
			draw(source, &b);
			check_burst(&everything[i], source, &b, n * BURST_RX);
		}
		source_close(source);
	}
}

/* A computed 0 is sent as 0xffff by UDP, and only by UDP. */
static void test_zero_checksum(void **state)
{
	static const struct {
		const char *transport;
		uint32_t at, zero, ones;
	} row[] = {
		{ "udp", 40, 0, 1 }, { "tcp", 50, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct typed typed = {
			.layer = { { row[i].transport, "sport=0+1" } },
		};
		struct source *source = source_of(&typed);
		uint32_t zero = 0, ones = 0;
		struct burst b;

		for (uint32_t n = 0; n < 65535; n++) {
			if (!(n % BURST_RX))
				draw(source, &b);
			zero += !get(b.frame[n % BURST_RX].data + row[i].at, 2);
			ones += get(b.frame[n % BURST_RX].data + row[i].at,
				    2) == 0xffff;
		}
		assert_int_equal(zero, row[i].zero);
		assert_int_equal(ones, row[i].ones);
		source_close(source);
	}
}

/* Who edits frames in place finds them whole again. */
static void test_edits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(everything); i++) {
		struct source *plain = source_of(&everything[i]);
		struct source *edited = source_of(&everything[i]);
		struct burst a, b;

		source_template_expect_edits(edited);
		for (int n = 0; n < 4; n++) {
			draw(plain, &a);
			draw(edited, &b);
			for (uint32_t k = 0; k < a.n; k++) {
				struct frame *f = &b.frame[k];

				source_template_stamp(plain, &a.frame[k], 5);
				source_template_stamp(edited, f, 5);
				assert_int_equal(a.frame[k].len, f->len);
				assert_memory_equal(a.frame[k].data, f->data,
						    f->len);
				memset(f->data - SOURCE_HEADROOM, 0x5a,
				       f->len + SOURCE_HEADROOM);
			}
		}
		source_close(plain);
		source_close(edited);
	}
}

/* A payload that was given is not made longer: Ethernet's padding is none of
 * the packet's. Behind no IP, nobody can tell. */
static void test_padding(void **state)
{
	static const struct {
		struct typed typed;
		uint32_t padding;
	} row[] = {
		{ { { { "udp", "sport=0+1" }, { "payload", "hello" } }, NULL,
		    false }, 13 },
		{ { { { "ip", "ttl=random" }, { "payload", "x" } }, NULL,
		    true }, 7 },
		{ { { { "vlan", "id=0+1" }, { "payload", "x" } }, NULL, true },
		  0 },
	};
	struct packet p;
	struct stamp stamp;
	struct burst b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct source *source = source_of(&row[i].typed);

		draw(source, &b);
		for (uint32_t k = 0; k < b.n; k++) {
			struct frame *f = &b.frame[k];

			source_template_stamp(source, f, 1);
			assert_int_equal(f->len, 60);
			check_frame(f, row[i].padding, &p);
			for (uint32_t n = 1; n <= row[i].padding; n++)
				assert_int_equal(f->data[60 - n], 0);
			if (row[i].typed.stamp)
				assert_int_equal(stamp_get(p.payload,
							   p.payload_bytes,
							   &stamp),
						 STAMP_RIGHT);
		}
		source_close(source);
	}
}

/* The stamp goes to its place when a tag has been pushed. */
static void test_stamp_behind_tag(void **state)
{
	static const struct typed typed = {
		.layer = { { "udp", "sport=1+1" } }, .stamp = true,
	};
	struct source *source = source_of(&typed);
	struct burst b;

	(void)state;
	source_template_expect_edits(source);
	draw(source, &b);
	for (uint32_t i = 0; i < b.n; i++) {
		for (int tags = 0; tags < 4; tags++)
			frame_push_tag(&b.frame[i], 0x8100, 5);
		assert_int_equal(b.frame[i].len, 76);
	}
	check_burst(&typed, source, &b, 0);
	draw(source, &b);
	assert_int_equal(b.frame[0].len, 60);
	check_burst(&typed, source, &b, BURST_RX);
	source_rewind(source, 1);
	draw(source, &b);
	check_burst(&typed, source, &b, 0);
	source_close(source);
}

static void test_constant(void **state)
{
	static const struct typed typed = { .layer = { { "udp", "" } } };
	struct source *source = source_of(&typed);
	struct burst a, b;

	(void)state;
	draw(source, &a);
	draw(source, &b);
	for (uint32_t i = 0; i < a.n; i++) {
		assert_ptr_equal(a.frame[i].data, b.frame[i].data);
		assert_memory_equal(a.frame[0].data, b.frame[i].data, 60);
	}
	source_close(source);
}

static void test_plan(void **state)
{
	static const struct typed typed = {
		.layer = { { "vlan", "id=7-9,prio=2-2" }, { "ip6", "" },
			   { "udp", "dport=80+3" } },
		.size = "100-102",
	};
	const struct template_plan *plan;
	struct template *t;
	struct source *source;
	struct burst b;

	(void)state;
	assert_int_equal(make(&typed, &t), 0);
	plan = template_plan(t);
	assert_int_equal(plan->payload, 66);
	assert_int_equal(plan->base_bytes, 102);
	assert_int_equal(plan->n_sizes, 3);
	assert_int_equal(plan->n_changes, 2);
	assert_string_equal(plan->change[0].field, "id");
	assert_int_equal(plan->change[0].offset, 14);
	assert_int_equal(plan->change[0].bits, 12);
	assert_int_equal(plan->change[0].sums, 0);
	assert_string_equal(plan->change[1].layer, "udp");
	assert_int_equal(plan->change[1].offset, 60);
	assert_int_equal(plan->change[1].bytes, 2);
	assert_int_equal(plan->change[1].value.kind, TEMPLATE_COUNT);
	assert_int_equal(plan->change[1].value.first, 80);
	assert_int_equal(plan->change[1].value.step, 3);
	assert_int_equal(plan->change[1].sums, TEMPLATE_SUM_L4);
	assert_int_equal(source_template_new(&source, t), 0);
	draw(source, &b);
	assert_memory_equal(plan->base, b.frame[0].data, 100);
	source_close(source);
}

static void test_source_mac(void **state)
{
	static const uint8_t mac[6] = { 2, 1, 2, 3, 4, 5 };
	struct template *t;

	(void)state;
	assert_int_equal(template_new(&t, SEED), 0);
	template_set_source(t, mac);
	assert_int_equal(template_add(t, "arp", ""), 0);
	assert_null(template_plan(t));
	assert_int_equal(template_finish(t, false), 0);
	assert_memory_equal(template_plan(t)->base + 6, mac, 6);
	assert_memory_equal(template_plan(t)->base + 22, mac, 6);
	template_free(t);
	assert_int_equal(template_new(&t, SEED), 0);
	assert_int_equal(template_add(t, "eth", "src=02:09:09:09:09:09"), 0);
	template_set_source(t, mac);
	assert_int_equal(template_finish(t, false), 0);
	assert_int_equal(template_plan(t)->base[7], 9);
	template_free(t);
}

/* Frames made by templates, taken as captured ones, and stamped. */
static void test_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(everything); i++) {
		struct typed typed = everything[i];
		struct source *from, *source;
		struct burst a, b;
		struct template *t;

		typed.stamp = false;
		from = source_of(&typed);
		draw(from, &a);
		for (uint32_t k = 0; k < a.n; k += 7) {
			struct frame *f = &a.frame[k];
			int r;

			assert_int_equal(template_new(&t, SEED), 0);
			assert_int_equal(template_from_bytes(t, f->data,
							     f->len), 0);
			assert_int_equal(template_finish(t, false), 0);
			assert_memory_equal(template_plan(t)->base, f->data,
					    f->len);
			template_free(t);
			assert_int_equal(template_new(&t, SEED), 0);
			template_from_bytes(t, f->data, f->len);
			logged.lines = 0;
			r = template_finish(t, true);
			if (r) {
				assert_int_equal(logged.lines, 1);
				assert_non_null(strstr(logged.text,
						       "needs 18"));
				template_free(t);
				continue;
			}
			typed.stamp = true;
			assert_int_equal(source_template_new(&source, t), 0);
			draw(source, &b);
			check_burst(&typed, source, &b, 0);
			source_close(source);
		}
		source_close(from);
	}
}

/* UDP that sends no checksum goes on so. */
static void test_whole_no_checksum(void **state)
{
	static const struct typed typed = {
		.layer = { { "udp", "csum=0" } }, .size = "100",
	};
	struct source *from = source_of(&typed);
	struct template *t;
	struct burst a;

	(void)state;
	draw(from, &a);
	assert_int_equal(template_new(&t, SEED), 0);
	assert_int_equal(template_from_bytes(t, a.frame[0].data, 100), 0);
	assert_int_equal(template_finish(t, true), 0);
	assert_int_equal(get(template_plan(t)->base + 40, 2), 0);
	template_free(t);
	source_close(from);
}

static void test_errors(void **state)
{
	static const struct {
		struct typed typed;
		const char *say[4];
	} row[] = {
#define BAD(layer, text, ...) \
	{ { { { layer, text } }, NULL, false }, { __VA_ARGS__ } }
		BAD("udp", "dport=70000", "--udp dport: 70000:", "0 to 65535"),
		BAD("udp", "dprt=7", "--udp dprt:", "did you mean dport?"),
		BAD("udp", "zzz=7", "--udp zzz:", "sport, dport, len, csum"),
		BAD("udp", "dport", "--udp dport:", "dport=..."),
		BAD("udp", "dport=", "--udp dport:", "nothing", "65535"),
		BAD("udp", "dport=1,dport=2", "--udp dport: 2", "twice"),
		BAD("udp", "dport=1,", "--udp", "last comma"),
		BAD("udp", "dport=1,,sport=2", "--udp: ,:", "missing"),
		BAD("udp", "=2", "--udp: =2:", "missing"),
		BAD("udp", "dport=340282366920938463463374607431768211536",
		    "--udp dport: 34"),
		BAD("udp", "dport=5-3", "--udp dport: 5-3:", "lower"),
		BAD("udp", "dport=1-", "--udp dport: 1-:", "A-B"),
		BAD("udp", "dport=1-5/0", "1-5/0"),
		BAD("udp", "dport=1-5/x", "1-5/x"),
		BAD("udp", "dport=1/5", "1/5"),
		BAD("udp", "dport=1+0", "1+0"),
		BAD("udp", "dport=1+65536", "1+65536"),
		BAD("udp", "dport=-1", "--udp dport: -1:"),
		BAD("udp", "dport=0x", "0x:"),
		BAD("udp", "dport=random:", "random:"),
		BAD("udp", "dport=random:5", "random:5"),
		BAD("udp", "dport=random:1-5/2", "random:1-5/2"),
		BAD("udp", "dport=randomly", "randomly"),
		BAD("udp", "dport=99999999999999999999999999", "9999:"),
		BAD("vlan", "id=4096", "--vlan id: 4096:", "0 to 4095"),
		BAD("vlan", "prio=8", "0 to 7"),
		BAD("vlan", "proto=802.1z", "--vlan proto: 802.1z:",
		    "802.1q, 802.1ad"),
		BAD("eth", "src=02:00:00:00:00", "--eth src:", "a MAC address"),
		BAD("eth", "src=02:00:00:00:00:001", "a MAC address"),
		BAD("eth", "src=02:00:00:00:00:01/49", "a MAC address"),
		BAD("ip", "src=10.0.0", "--ip src: 10.0.0:", "an IPv4 address"),
		BAD("ip", "src=10.0.0.0/33", "10.0.0.0/33"),
		BAD("ip", "src=10.0.0.0/", "10.0.0.0/"),
		BAD("ip6", "src=10.0.0.1", "an IPv6 address"),
		BAD("arp", "op=ask", "--arp op: ask:", "request, reply"),
		BAD("tcp", "flags=SX", "--tcp flags: SX:", "FSRPAUECN"),
		BAD("tcp", "flags=syn,akc,seq=1", "--tcp flags: syn,akc:"),
		BAD("ipv4", "", "--ipv4:"),
		BAD("payload", "a\\q", "--payload: \\q", "\\xNN"),
		BAD("payload", "a\\x4", "--payload: \\x4"),
		BAD("payload", "a\\", "--payload: \\"),
		BAD("hex", "123", "--hex: 3:"),
		BAD("hex", "12 3x", "--hex: 3x:"),
		BAD("hex", "1234", "2 bytes", "14"),
#undef BAD
#define BAD(...) { __VA_ARGS__ }
		{ { { { "arp", "" }, { "udp", "" } }, NULL, false },
		  BAD("--udp: it cannot follow --arp") },
		{ { { { "udp", "" }, { "ip", "" } }, NULL, false },
		  BAD("--ip: behind --udp", "eth, vlan, arp") },
		{ { { { "ip", "" }, { "ip6", "" } }, NULL, false },
		  BAD("--ip6: behind --ip;", "one of them") },
		{ { { { "ip", "" }, { "eth", "" } }, NULL, false },
		  BAD("--eth: behind --ip") },
		{ { { { "hex", "00" }, { "udp", "" } }, NULL, false },
		  BAD("--udp: behind --hex") },
		{ { { { "udp", "" } }, "41", false },
		  BAD("--size: 41 bytes", "42 to 65549") },
		{ { { { "udp", "" } }, "59", true },
		  BAD("--size: 59", "60 to", "stamp") },
		{ { { { "udp", "" }, { "payload", "hello" } }, "46-50", false },
		  BAD("--size: 46", "47 to") },
		{ { { { "ip6", "" }, { "tcp", "" } }, "imix", false },
		  BAD("--size: 60", "74 to") },
		{ { { { "udp", "" } }, "60-65550", false },
		  BAD("--size: 65550", "65549") },
		{ { { { "udp", "" } }, "imx", false }, BAD("--size: imx:") },
		{ { { { "udp", "" } }, "60+1", false }, BAD("--size: 60+1:") },
		{ { { { "udp", "" } }, "random", false }, BAD("--size: ran") },
		{ { { { "hex", "0011223344556677889900112233" } }, "60",
		    false }, BAD("--size:", "whole frame", "14") },
		{ { { { "arp", "" } }, NULL, true }, BAD("--arp:", "stamp") },
		{ { { { "ip", "proto=random" } }, NULL, true },
		  BAD("--ip proto:", "may not change") },
		{ { { { "ip", "proto=udp" } }, NULL, true },
		  BAD("would not be found") },
		{ { { { "ip", "mf=1" }, { "udp", "" } }, NULL, true },
		  BAD("would not be found") },
		{ { { { "ip", "len=46" } }, "60-61", true },
		  BAD("--ip len:", "filled in") },
		{ { { { "hex", "0011223344556677889900112233" } }, NULL, true },
		  BAD("0 bytes of payload", "needs 18") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct template *t;

		if (make(&row[i].typed, &t) != -EINVAL)
			fail_msg("row %zu: not refused", i);
		assert_int_equal(logged.lines, 1);
		for (int k = 0; k < 4 && row[i].say[k]; k++) {
			if (!strstr(logged.text, row[i].say[k]))
				fail_msg("row %zu: %s", i, logged.text);
		}
		assert_null(template_plan(t));
		template_free(t);
	}
	template_free(NULL);
}

/* What was refused leaves no trace, what is finished stays so. */
static void test_calls(void **state)
{
	static const uint8_t frame[FRAME_MIN_BYTES];
	struct template *t;

	(void)state;
	assert_int_equal(template_new(&t, SEED), 0);
	assert_int_equal(template_add(t, "payload", "ab\\q"), -EINVAL);
	assert_int_equal(template_add(t, "udp", "dport=1,sport=x"), -EINVAL);
	assert_int_equal(template_add(t, "arp", ""), 0);
	assert_int_equal(template_from_bytes(t, frame, 14), -EINVAL);
	for (int i = 0; i < 2; i++)
		assert_int_equal(template_finish(t, false), i ? -EINVAL : 0);
	assert_int_equal(template_add(t, "payload", "x"), -EINVAL);
	assert_int_equal(get(template_plan(t)->base + 12, 2), 0x0806);
	template_free(t);
	assert_int_equal(template_new(&t, SEED), 0);
	assert_int_equal(template_from_bytes(t, frame, 13), 0);
	assert_int_equal(template_add(t, "udp", ""), -EINVAL);
	assert_int_equal(template_finish(t, false), -EINVAL);
	template_free(t);
	assert_int_equal(template_new(&t, SEED), 0);
	for (int i = 0; i < 9; i++)
		assert_int_equal(template_add(t, "vlan", ""),
				 i < 8 ? 0 : -EINVAL);
	template_free(t);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_presets),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_walks),
		cmocka_unit_test(test_walk_goes_on),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_random_ip6),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_oracle),
		cmocka_unit_test(test_zero_checksum),
		cmocka_unit_test(test_edits),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_stamp_behind_tag),
		cmocka_unit_test(test_constant),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_source_mac),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_whole_no_checksum),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
