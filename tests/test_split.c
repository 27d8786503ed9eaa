/* SPDX-License-Identifier: BSD-2-Clause */
/* split.c: by which port each frame of a conversation leaves. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rng.h"
#include "split.h"

#define LEFT 0
#define RIGHT 1
#define SEED 7
#define FRAME_BYTES 200
#define ICMP6 58

/* ---- frames ---- */

enum shape {
	DONE, /* the end of a table */
	TCP4, TCP6, UDP4, UDP6, SCTP4, ESP4, GRE4,
	ECHO4, REPLY4, ECHO6, REPLY6, /* the id is the first port */
	ERROR4, ERROR6,
	ASK, ANSWER, SOLICIT, ADVERTISE, /* ARP; ICMPv6 */
	FIRST4, LATER4, FIRST6, LATER6,	 /* fragments of UDP */
	RAW,				 /* neither IP nor ARP */
	SHAPES,
};

/* Hosts are numbers: MAC 02:00:00:00:00:N, 10.0.0.N, 2001:db8::N. */
enum host { NOBODY, A, B, C, D, ALL = 255 };

enum flag {
	FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, /* of TCP */
	TAG = 64, QINQ = 128,
};

struct step {
	enum shape shape;
	unsigned int from, to; /* host */
	uint16_t from_port, to_port;
	unsigned int flags;
	uint8_t want; /* its side */
};

struct draft {
	uint8_t byte[FRAME_BYTES];
	uint32_t len;
};

static void put(struct draft *d, uint32_t value, uint32_t bytes)
{
	while (bytes--)
		d->byte[d->len++] = (uint8_t)(value >> 8 * bytes);
}

static void put_mac(struct draft *d, unsigned int host)
{
	put(d, host == ALL ? 0xffff : 0x0200, 2);
	put(d, host == ALL ? 0xffffffff : host, 4);
}

static void put_ip4(struct draft *d, unsigned int host)
{
	put(d, host == ALL ? 0xffffffff : host ? 0x0a000000 | host : 0, 4);
}

static void put_ip6(struct draft *d, unsigned int host)
{
	put(d, host == ALL ? 0xff020000 : host ? 0x20010db8 : 0, 4);
	put(d, 0, 4);
	put(d, 0, 4);
	put(d, host == ALL ? 1 : host, 4);
}

static void put_header4(struct draft *d, const struct step *s, uint8_t protocol,
			uint16_t fragment)
{
	put(d, 0x0800, 2);
	put(d, 0x4500, 2);
	put(d, 20 + 40, 2);
	put(d, 0, 2);
	put(d, fragment, 2);
	put(d, 64u << 8 | protocol, 2);
	put(d, 0, 2);
	put_ip4(d, s->from);
	put_ip4(d, s->to);
}

static void put_header6(struct draft *d, const struct step *s, uint8_t protocol,
			int fragment)
{
	put(d, 0x86dd, 2);
	put(d, 0x60000000, 4);
	put(d, fragment < 0 ? 40 : 48, 2);
	put(d, (fragment < 0 ? protocol : 44u) << 8 | 64, 2);
	put_ip6(d, s->from);
	put_ip6(d, s->to);
	if (fragment >= 0) {
		put(d, (uint32_t)protocol << 24 | (uint32_t)fragment, 4);
		put(d, 77, 4);
	}
}

static void put_ports(struct draft *d, const struct step *s)
{
	put(d, s->from_port, 2);
	put(d, s->to_port, 2);
	put(d, 0x01020304, 4);
	put(d, 0x05060708, 4);
	put(d, 0x5000 | (s->flags & 0x3f), 2);
	d->len += 26;
}

static void put_icmp(struct draft *d, uint8_t type, uint16_t id)
{
	put(d, (uint32_t)type << 24, 4);
	put(d, id, 2);
	put(d, 1, 2);
	d->len += 32;
}

static void put_arp(struct draft *d, const struct step *s, uint16_t operation)
{
	put(d, 0x0806, 2);
	put(d, 0x00010800, 4);
	put(d, 0x0604, 2);
	put(d, operation, 2);
	put_mac(d, s->from);
	put_ip4(d, s->from_port ? NOBODY : s->from); /* a probe */
	put_mac(d, NOBODY);
	put_ip4(d, s->to_port ? s->to_port : s->to);
}

/* Of ICMPv6; to_port is whom it is about. */
static void put_neighbour(struct draft *d, const struct step *s, uint8_t type)
{
	struct step ip = *s;

	ip.from = s->from_port ? NOBODY : s->from;
	put_header6(d, &ip, ICMP6, -1);
	put(d, (uint32_t)type << 24, 4);
	put(d, 0, 4);
	put_ip6(d, type == 136 ? s->from : s->to_port);
	d->len += 16;
}

static void put_inside(struct draft *d, const struct step *s)
{
	bool is_first = s->shape == FIRST4 || s->shape == FIRST6;

	switch (s->shape) {
	case TCP4: put_header4(d, s, 6, 0x4000); break;
	case UDP4: put_header4(d, s, 17, 0); break;
	case SCTP4: put_header4(d, s, 132, 0); break;
	case FIRST4: put_header4(d, s, 17, 0x2000); break;
	case TCP6: put_header6(d, s, 6, -1); break;
	case UDP6: put_header6(d, s, 17, -1); break;
	case FIRST6: put_header6(d, s, 17, 1); break;
	case LATER4: put_header4(d, s, 17, 100); break;
	case LATER6: put_header6(d, s, 17, 800); break;
	case ESP4: put_header4(d, s, 50, 0); break;
	case GRE4: put_header4(d, s, 47, 0); break;
	default: put(d, 0x88b5, 2);
	}
	if (s->shape <= SCTP4 || is_first)
		put_ports(d, s);
	else
		d->len += 40;
}

static void draw(struct draft *d, const struct step *s)
{
	memset(d, 0, sizeof(*d));
	put_mac(d, s->to);
	put_mac(d, s->from);
	if (s->flags & QINQ)
		put(d, 0x88a80064, 4);
	if (s->flags & (TAG | QINQ))
		put(d, 0x8100000a, 4);
	switch (s->shape) {
	case ECHO4: case REPLY4: case ERROR4:
		put_header4(d, s, 1, 0);
		put_icmp(d, s->shape == ECHO4 ? 8 : s->shape == ERROR4 ? 3 : 0,
			 s->from_port);
		break;
	case ECHO6: case REPLY6: case ERROR6:
		put_header6(d, s, ICMP6, -1);
		put_icmp(d, s->shape == ECHO6 ? 128 : s->shape == ERROR6 ? 1 :
									   129,
			 s->from_port);
		break;
	case ASK: put_arp(d, s, 1); break;
	case ANSWER: put_arp(d, s, 2); break;
	case SOLICIT: put_neighbour(d, s, 135); break;
	case ADVERTISE: put_neighbour(d, s, 136); break;
	default: put_inside(d, s);
	}
	if (d->len < 60)
		d->len = 60;
}

/* ---- asking ---- */

static struct split *make(const char *text)
{
	struct split_params p;
	struct split *s = NULL;

	if (split_parse(&p, text))
		fail_msg("refused: %s", text);
	assert_int_equal(split_new(&s, &p), 0);
	return s;
}

/* In memory of exactly its length, so that a read behind it is found. */
static uint8_t side_of_bytes(struct split *s, const uint8_t *byte, uint32_t len)
{
	uint8_t *copy = malloc(len), side;
	const struct split_input in = { .data = copy, .len = len };

	assert_non_null(copy);
	memcpy(copy, byte, len);
	side = split_side(s, &in);
	free(copy);
	return side;
}

static uint8_t side_of(struct split *s, const struct step *step)
{
	struct draft d;

	draw(&d, step);
	return side_of_bytes(s, d.byte, d.len);
}

struct story {
	const char *name;
	struct step step[10];
};

static void tell(const char *mode, const struct story *story)
{
	struct split *s = make(mode);

	for (size_t i = 0; i < ARRAY_SIZE(story->step); i++) {
		if (story->step[i].shape == DONE)
			break;
		if (side_of(s, &story->step[i]) != story->step[i].want)
			fail_msg("%s: frame %zu is not %s", story->name, i + 1,
				 story->step[i].want ? "right" : "left");
	}
	split_free(s);
}

/* ---- client ---- */

static const struct story connections[] = {
	{ "TCP opens", { { TCP4, A, B, 40000, 80, SYN, LEFT },
			 { TCP4, B, A, 80, 40000, SYN | ACK, RIGHT },
			 { TCP4, A, B, 40000, 80, ACK, LEFT },
			 { TCP4, B, A, 80, 40000, ACK | PSH, RIGHT },
			 { TCP4, B, A, 80, 40000, FIN | ACK, RIGHT },
			 { TCP4, A, B, 40000, 80, RST, LEFT } } },
	{ "TCP over IPv6, from the higher address",
	  { { TCP6, B, A, 40000, 8080, SYN, LEFT },
	    { TCP6, A, B, 8080, 40000, SYN | ACK, RIGHT },
	    { TCP6, B, A, 40000, 8080, ACK, LEFT } } },
	{ "the SYN was missed", { { TCP4, B, A, 9000, 40000, SYN | ACK, RIGHT },
				  { TCP4, A, B, 40000, 9000, ACK, LEFT },
				  { TCP4, B, A, 9000, 40000, ACK, RIGHT } } },
	{ "SYN from a low port", { { TCP4, A, B, 1023, 40000, SYN, LEFT },
				   { TCP4, B, A, 40000, 1023, ACK, RIGHT } } },
	{ "from amid it, the server first",
	  { { TCP4, B, A, 443, 40000, ACK, RIGHT },
	    { TCP4, A, B, 40000, 443, ACK, LEFT } } },
	{ "from amid it, the client first",
	  { { TCP4, A, B, 40000, 443, ACK, LEFT },
	    { TCP4, B, A, 443, 40000, ACK, RIGHT } } },
	{ "the last low port and the first high one",
	  { { TCP4, B, A, 1023, 1024, ACK, RIGHT },
	    { TCP4, A, C, 1024, 1025, ACK, LEFT },
	    { TCP4, A, D, 1022, 1023, ACK, LEFT } } },
	{ "from amid it, neither port says anything",
	  { { TCP4, B, A, 9000, 40000, ACK, LEFT },
	    { TCP4, A, B, 40000, 9000, ACK, RIGHT },
	    { TCP4, A, B, 40000, 9000, SYN, RIGHT } } }, /* it keeps it */
	{ "a connection each way", { { TCP4, A, B, 40000, 80, SYN, LEFT },
				     { TCP4, B, A, 40000, 80, SYN, LEFT },
				     { TCP4, B, A, 80, 40000, ACK, RIGHT },
				     { TCP4, A, B, 80, 40000, ACK, RIGHT },
				     { TCP4, A, B, 40000, 80, ACK, LEFT } } },
	{ "tags", { { TCP4, A, B, 40000, 8080, SYN | TAG, LEFT },
		    { TCP4, B, A, 8080, 40000, ACK | TAG, RIGHT },
		    { TCP6, B, A, 40000, 8080, SYN | QINQ, LEFT },
		    { TCP6, A, B, 8080, 40000, ACK | QINQ, RIGHT },
		    { TCP4, A, B, 40000, 8080, ACK, LEFT } } },
	{ "to oneself", { { TCP4, A, A, 80, 80, SYN, LEFT },
			  { TCP4, A, A, 80, 80, ACK, LEFT } } },
	{ "DNS", { { UDP4, A, B, 40000, 53, 0, LEFT },
		   { UDP4, B, A, 53, 40000, 0, RIGHT },
		   { UDP6, C, D, 53, 40000, 0, RIGHT },
		   { UDP6, D, C, 40000, 53, 0, LEFT } } },
	{ "UDP and TCP of the same ports are two",
	  { { UDP4, A, B, 5000, 6000, 0, LEFT },
	    { TCP4, B, A, 6000, 5000, ACK, LEFT },
	    { UDP4, B, A, 6000, 5000, 0, RIGHT } } },
	{ "UDP with SYN's bit in it", { { UDP4, B, A, 80, 5000, SYN, RIGHT } } },
	{ "SCTP", { { SCTP4, A, B, 2905, 3868, 0, LEFT },
		    { SCTP4, B, A, 3868, 2905, 0, RIGHT } } },
	{ "no ports", { { ESP4, A, B, 0, 0, 0, LEFT },
			{ ESP4, B, A, 0, 0, 0, RIGHT },
			{ GRE4, B, A, 0, 0, 0, LEFT },
			{ GRE4, A, B, 0, 0, 0, RIGHT } } },
};

static const struct story questions[] = {
	{ "ping", { { ECHO4, A, B, 7, 0, 0, LEFT },
		    { REPLY4, B, A, 7, 0, 0, RIGHT },
		    { ECHO4, B, A, 8, 0, 0, LEFT },
		    { REPLY4, A, B, 8, 0, 0, RIGHT } } },
	{ "ping over IPv6", { { ECHO6, A, B, 7, 0, 0, LEFT },
			      { REPLY6, B, A, 7, 0, 0, RIGHT },
			      { ECHO6, B, A, 8, 0, 0, LEFT },
			      { REPLY6, A, B, 8, 0, 0, RIGHT } } },
	{ "the question was missed", { { REPLY4, B, A, 7, 0, 0, RIGHT },
				       { ECHO4, A, B, 7, 0, 0, LEFT },
				       { REPLY6, B, A, 7, 0, 0, RIGHT },
				       { ECHO6, A, B, 7, 0, 0, LEFT } } },
	{ "an error follows what it is about",
	  { { UDP4, A, B, 5000, 6000, 0, LEFT },
	    { ERROR4, B, A, 0, 0, 0, RIGHT },
	    { UDP6, D, C, 5000, 6000, 0, LEFT },
	    { UDP6, C, D, 6000, 5000, 0, RIGHT },
	    { ERROR6, D, C, 0, 0, 0, LEFT } } },
	{ "an error about nothing known", { { ERROR4, B, A, 0, 0, 0, RIGHT },
					    { ERROR6, B, A, 0, 0, 0, RIGHT } } },
	{ "ARP", { { ASK, A, ALL, 0, B, 0, LEFT },
		   { ANSWER, B, A, 0, 0, 0, RIGHT },
		   { ASK, B, A, 0, 0, 0, RIGHT }, /* the same two */
		   { ANSWER, A, B, 0, 0, 0, LEFT } } },
	{ "ARP, the question was missed", { { ANSWER, B, A, 0, 0, 0, RIGHT },
					    { ASK, A, ALL, 0, B, 0, LEFT } } },
	{ "ARP from a server's side", { { TCP4, A, B, 40000, 80, SYN, LEFT },
					{ TCP4, B, A, 80, 40000, ACK, RIGHT },
					{ ASK, B, ALL, 0, A, 0, RIGHT },
					{ ANSWER, A, B, 0, 0, 0, LEFT } } },
	{ "ARP probe and announcement", { { ASK, A, ALL, 1, A, 0, LEFT },
					  { ASK, A, ALL, 0, A, 0, LEFT },
					  { ANSWER, B, A, 0, NOBODY, 0, RIGHT },
					  { ASK, B, ALL, 0, B, 0, RIGHT } } },
	{ "neighbours", { { SOLICIT, A, ALL, 0, B, 0, LEFT },
			  { ADVERTISE, B, A, 0, 0, 0, RIGHT },
			  { SOLICIT, B, A, 0, A, 0, RIGHT },
			  { ADVERTISE, A, B, 0, 0, 0, LEFT } } },
	{ "neighbours, the question was missed",
	  { { ADVERTISE, B, A, 0, 0, 0, RIGHT },
	    { SOLICIT, A, ALL, 0, B, 0, LEFT } } },
	{ "is this address taken", { { SOLICIT, A, ALL, 1, A, 0, LEFT },
				     { ADVERTISE, A, ALL, 0, 0, 0, LEFT } } },
};

static const struct story others[] = {
	{ "fragments", { { FIRST4, A, B, 5000, 53, 0, LEFT },
			 { LATER4, A, B, 0, 0, 0, LEFT },
			 { FIRST4, B, A, 53, 5000, 0, RIGHT },
			 { LATER4, B, A, 0, 0, 0, RIGHT },
			 { LATER4, B, A, 0, 0, 0, RIGHT } } },
	{ "only the answer is in fragments",
	  { { UDP6, A, B, 5000, 53, 0, LEFT },
	    { FIRST6, B, A, 53, 5000, 0, RIGHT },
	    { LATER6, B, A, 0, 0, 0, RIGHT },
	    { UDP4, C, D, 5000, 6000, 0, LEFT },
	    { LATER4, D, C, 0, 0, 0, RIGHT }, /* the last one first */
	    { FIRST4, D, C, 6000, 5000, 0, RIGHT } } },
	{ "fragments of two, each way", { { FIRST4, A, B, 5000, 53, 0, LEFT },
					  { FIRST4, B, A, 5000, 53, 0, LEFT },
					  { LATER4, B, A, 0, 0, 0, LEFT },
					  { FIRST4, A, B, 5000, 53, 0, LEFT },
					  { LATER4, A, B, 0, 0, 0, LEFT },
					  { LATER4, B, A, 0, 0, 0, RIGHT } } },
	{ "fragments without a first", { { LATER4, A, B, 0, 0, 0, LEFT },
					 { LATER4, B, A, 0, 0, 0, RIGHT } } },
	{ "not IP", { { RAW, A, B, 0, 0, 0, LEFT },
		      { RAW, B, A, 0, 0, 0, RIGHT },
		      { RAW, B, C, 0, 0, 0, LEFT },
		      { RAW, C, B, 0, 0, TAG, RIGHT } } },
	{ "a multicast leaves where its sender was",
	  { { RAW, B, ALL, 0, 0, 0, LEFT },
	    { TCP4, A, B, 40000, 80, SYN, LEFT },
	    { TCP4, B, A, 80, 40000, ACK, RIGHT },
	    { RAW, B, ALL, 0, 0, 0, RIGHT },
	    { UDP4, B, ALL, 5353, 5353, 0, RIGHT },
	    { UDP6, A, ALL, 5353, 5353, 0, LEFT },
	    { UDP6, C, ALL, 5353, 5353, 0, LEFT } } },
	{ "DHCP, all of it broadcast", { { UDP4, A, ALL, 68, 67, 0, LEFT },
					 { UDP4, B, ALL, 67, 68, 0, RIGHT },
					 { UDP4, A, ALL, 68, 67, 0, LEFT },
					 { UDP4, B, ALL, 67, 68, 0, RIGHT } } },
	{ "DHCP, the offer to one", { { UDP4, A, ALL, 68, 67, 0, LEFT },
				      { UDP4, B, A, 67, 68, 0, RIGHT },
				      { UDP6, C, ALL, 546, 547, 0, LEFT },
				      { UDP6, D, C, 547, 546, 0, RIGHT },
				      { UDP6, C, D, 546, 547, 0, LEFT } } },
};

static void test_connections(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(connections); i++)
		tell("client", &connections[i]);
}

static void test_questions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
		tell("client", &questions[i]);
}

static void test_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		tell("client", &others[i]);
}

/* Whatever comes first, in whatever order: two ends, two sides, for good. */
static void test_opposite(void **state)
{
	enum { FLOWS = 500, FRAMES = 30000 };
	static const enum shape shape[] = { TCP4, TCP6, UDP4, UDP6, SCTP4,
					    RAW, ECHO4, ECHO6, ESP4 };
	struct rng rng = { SEED };
	struct step flow[FLOWS];
	uint8_t side[FLOWS];
	uint64_t lefts = 0;
	struct split *s = make("client");

	(void)state;
	memset(side, 2, sizeof(side));
	for (unsigned int i = 0; i < FLOWS; i++)
		flow[i] = (struct step){
			shape[i % ARRAY_SIZE(shape)], 300 + i, 1000 + i / 9,
			(uint16_t)rng_below(&rng, 3000),
			(uint16_t)rng_below(&rng, 3000), 0, 0
		};
	for (int i = 0; i < FRAMES; i++) {
		uint64_t n = rng_below(&rng, FLOWS);
		struct step step = flow[n];
		bool is_back = rng_below(&rng, 2);
		uint8_t got;

		step.flags = (unsigned int)rng_below(&rng, 256);
		if (is_back) {
			step.from = flow[n].to;
			step.to = flow[n].from;
			step.to_port = flow[n].from_port;
			step.from_port = flow[n].to_port;
		}
		if (step.shape == ECHO4 || step.shape == ECHO6) {
			step.from_port = flow[n].from_port;
			step.shape += rng_below(&rng, 2); /* a reply */
		}
		got = side_of(s, &step) ^ is_back;
		if (side[n] == 2)
			side[n] = got;
		if (side[n] != got)
			fail_msg("frame %d of flow %u", i, (unsigned int)n);
		lefts += got == LEFT;
	}
	split_free(s);
	assert_in_range(lefts, FRAMES / 5, FRAMES - FRAMES / 5);
}

/* A hundred thousand others come; who keeps talking is not forgotten, who
 * does not is, at last: or memory would grow for ever. */
static void test_forgets(void **state)
{
	static const struct step busy = { TCP4, A, B, 9000, 9001, SYN, LEFT };
	static const struct step idle = { TCP4, A, B, 9000, 9002, SYN, LEFT };
	static const struct step busy_answer = { TCP4, B, A, 9001, 9000, ACK,
						 RIGHT };
	static const struct step idle_answer = { TCP4, B, A, 9002, 9000, ACK,
						 RIGHT };
	struct split *s = make("client");

	(void)state;
	side_of(s, &busy);
	side_of(s, &idle);
	assert_int_equal(side_of(s, &idle_answer), RIGHT);
	for (unsigned int i = 0; i < 200000; i++) {
		const struct step other = { UDP4, 1000 + i, 500000 + i, 5000,
					    5000, 0, LEFT };

		assert_int_equal(side_of(s, &other), LEFT);
		assert_int_equal(side_of(s, &busy_answer), RIGHT);
		if (i == 1000)
			assert_int_equal(side_of(s, &idle_answer), RIGHT);
	}
	assert_int_equal(side_of(s, &idle_answer), LEFT); /* as if the first */
	split_free(s);
}

/* Tens of thousands at once are known: the table is not a bucket or two. */
static void test_remembers(void **state)
{
	enum { FLOWS = 4000 };
	struct split *s = make("client");
	unsigned int known = 0;

	(void)state;
	for (unsigned int i = 0; i < FLOWS; i++) {
		const struct step step = { TCP4, 1000 + i, B,
					   (uint16_t)(2000 + i), 9000, SYN, 0 };

		assert_int_equal(side_of(s, &step), LEFT);
	}
	for (unsigned int i = 0; i < FLOWS; i++) {
		const struct step step = { TCP4, B, 1000 + i, 9000,
					   (uint16_t)(2000 + i), ACK, 0 };

		known += side_of(s, &step) == RIGHT;
	}
	split_free(s);
	assert_in_range(known, FLOWS - FLOWS / 50, FLOWS);
}

/* ---- the other ways ---- */

static void test_mac(void **state)
{
	static const struct story story = {
		"mac", { { TCP4, A, B, 1, 2, SYN, LEFT },
			 { TCP4, B, A, 2, 1, SYN | ACK, RIGHT },
			 { RAW, C, ALL, 0, 0, TAG, LEFT },
			 { ASK, D, ALL, 0, A, 0, RIGHT },
			 { RAW, B, A, 0, 0, 0, RIGHT } }
	};

	(void)state;
	tell("mac=02:00:00:00:00:01,02:00:00:00:00:03", &story);
	tell("mac=02:00:00:00:00:03,2:0:0:0:0:1", &story);
}

static const struct story nets[] = {
	{ "net=10.0.0.1", { { TCP4, A, B, 1, 2, SYN, LEFT },
			    { TCP4, B, A, 2, 1, ACK, RIGHT },
			    { ASK, A, ALL, 0, B, TAG, LEFT },
			    { ANSWER, B, A, 0, 0, 0, RIGHT },
			    { TCP6, A, B, 1, 2, SYN, RIGHT },
			    { RAW, A, B, 0, 0, 0, RIGHT }, /* as the last */
			    { LATER4, A, B, 0, 0, QINQ, LEFT },
			    { RAW, A, B, 0, 0, 0, LEFT },
			    { RAW, D, B, 0, 0, 0, LEFT } } },
	{ "net=10.0.0.2/31", { { UDP4, A, B, 1, 2, 0, RIGHT },
			       { UDP4, B, A, 1, 2, 0, LEFT },
			       { UDP4, C, A, 1, 2, 0, LEFT },
			       { UDP4, D, A, 1, 2, 0, RIGHT } } },
	{ "net=10.0.0.0/8", { { UDP4, A, B, 1, 2, 0, LEFT },
			      { UDP6, B, A, 1, 2, 0, RIGHT } } },
	{ "net=10.128.0.0/9", { { UDP4, A, B, 1, 2, 0, RIGHT } } },
	{ "net=0.0.0.0/0", { { UDP4, A, B, 1, 2, 0, LEFT },
			     { UDP6, A, B, 1, 2, 0, RIGHT } } },
	{ "net=::/0", { { UDP4, A, B, 1, 2, 0, RIGHT },
			{ UDP6, A, B, 1, 2, 0, LEFT } } },
	{ "net=192.0.2.0/24,2001:db8::2/127", { { UDP6, A, B, 1, 2, 0, RIGHT },
						{ UDP6, B, A, 1, 2, 0, LEFT },
						{ UDP6, C, A, 1, 2, 0, LEFT },
						{ UDP4, B, A, 1, 2, 0, RIGHT } } },
	{ "net=10.0.0.1,2001:db8::1",
	  { { ASK, A, ALL, 1, A, 0, LEFT }, /* probes, as yet unknown */
	    { SOLICIT, C, ALL, 1, C, 0, LEFT },
	    { UDP4, B, A, 1, 2, 0, RIGHT },
	    { ASK, B, ALL, 1, B, 0, RIGHT }, /* known */
	    { SOLICIT, B, ALL, 1, B, 0, RIGHT },
	    { UDP4, A, B, 1, 2, 0, LEFT } } },
};

static void test_net(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nets); i++)
		tell(nets[i].name, &nets[i]);
}

/* Link-local addresses are on both sides; unless they are asked for. */
static void test_net_link_local(void **state)
{
	static const struct step from[] = { { UDP6, A, B, 1, 2, 0, 0 },
					    { UDP6, B, A, 1, 2, 0, 0 } };
	struct split *s = make("net=2001:db8::1");
	struct split *listed = make("net=fe80::/10");
	struct draft d;

	(void)state;
	for (uint8_t i = 0; i < 2; i++) {
		draw(&d, &from[i]);
		assert_int_equal(side_of_bytes(s, d.byte, d.len), i);
		assert_int_equal(side_of_bytes(listed, d.byte, d.len), RIGHT);
		d.byte[22] = 0xfe;
		d.byte[23] = 0xbf;
		assert_int_equal(side_of_bytes(s, d.byte, d.len), i);
		assert_int_equal(side_of_bytes(listed, d.byte, d.len), LEFT);
		d.byte[23] = 0xc0;
		assert_int_equal(side_of_bytes(s, d.byte, d.len), RIGHT);
		assert_int_equal(side_of_bytes(listed, d.byte, d.len), RIGHT);
	}
	split_free(s);
	split_free(listed);
}

static const struct {
	const char *text;
	uint32_t interface, n_interfaces;
	enum direction direction;
	uint8_t want;
	enum split_mode mode;
} chosen[] = {
	{ "interface", 0, 1, DIRECTION_OUT, LEFT, SPLIT_INTERFACE },
	{ "interface", 1, 2, DIRECTION_IN, RIGHT, SPLIT_INTERFACE },
	{ "interface", 2, 3, DIRECTION_IN, RIGHT, SPLIT_INTERFACE },
	{ "interface", 65536, 65537, 0, RIGHT, SPLIT_INTERFACE },
	{ "direction", 1, 2, DIRECTION_IN, LEFT, SPLIT_DIRECTION },
	{ "direction", 0, 1, DIRECTION_OUT, RIGHT, SPLIT_DIRECTION },
	{ "direction", 1, 2, DIRECTION_UNKNOWN, LEFT, SPLIT_DIRECTION },
	{ "client", 1, 2, DIRECTION_OUT, LEFT, SPLIT_CLIENT },
	{ "auto", 0, 2, DIRECTION_OUT, LEFT, SPLIT_INTERFACE },
	{ "auto", 1, 2, DIRECTION_IN, RIGHT, SPLIT_INTERFACE },
	{ "auto", 0, 1, DIRECTION_OUT, RIGHT, SPLIT_DIRECTION },
	{ "auto", 0, 1, DIRECTION_IN, LEFT, SPLIT_DIRECTION },
	{ "auto", 0, 1, DIRECTION_UNKNOWN, LEFT, SPLIT_CLIENT },
	{ "auto", 0, 0, DIRECTION_UNKNOWN, LEFT, SPLIT_CLIENT },
};

static void test_chosen(void **state)
{
	static const struct step step = { TCP4, A, B, 40000, 80, SYN, 0 };
	struct draft d;

	(void)state;
	draw(&d, &step);
	for (size_t i = 0; i < ARRAY_SIZE(chosen); i++) {
		struct split *s = make(chosen[i].text);
		struct split_input in = {
			d.byte, d.len, chosen[i].interface,
			chosen[i].n_interfaces, chosen[i].direction
		};

		if (!strcmp(chosen[i].text, "auto"))
			assert_int_equal(split_mode_of(s), SPLIT_AUTO);
		if (split_side(s, &in) != chosen[i].want)
			fail_msg("row %zu", i);
		assert_int_equal(split_mode_of(s), chosen[i].mode);
		/* What comes later does not change the way. */
		in.n_interfaces = 9;
		in.direction = DIRECTION_OUT;
		split_side(s, &in);
		in.n_interfaces = 1;
		in.direction = DIRECTION_UNKNOWN;
		split_side(s, &in);
		assert_int_equal(split_mode_of(s), chosen[i].mode);
		split_free(s);
	}
}

/* ---- what is broken ---- */

static const char *const modes[] = { "client", "net=10.0.0.1,2001:db8::/64",
				     "mac=02:00:00:00:00:01", "auto" };

/* Cut anywhere, nothing behind the cut is read (with a sanitizer). */
static void test_cut(void **state)
{
	static const unsigned int flags[] = { 0, TAG, QINQ };

	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(modes); m++) {
		struct split *s = make(modes[m]);

		for (int shape = DONE + 1; shape < SHAPES; shape++) {
			const struct step step = { (enum shape)shape, A, B, 1,
						   2, flags[shape % 3], 0 };
			struct draft d;

			draw(&d, &step);
			for (uint32_t len = 14; len <= d.len; len++)
				assert_in_range(side_of_bytes(s, d.byte, len),
						LEFT, RIGHT);
		}
		split_free(s);
	}
}

/* Bytes changed at random; and what two objects say is the same. */
static void test_garbled(void **state)
{
	struct rng rng = { SEED };

	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(modes); m++) {
		struct split *one = make(modes[m]), *two = make(modes[m]);

		for (int i = 0; i < 20000; i++) {
			const struct step step = {
				(enum shape)(1 + rng_below(&rng, SHAPES - 1)),
				A + (unsigned int)rng_below(&rng, 4), B, 1, 2,
				(unsigned int)rng_below(&rng, 256), 0
			};
			struct draft d;
			uint8_t side;

			draw(&d, &step);
			for (uint64_t n = rng_below(&rng, 6); n; n--)
				d.byte[rng_below(&rng, d.len)] =
					(uint8_t)rng_next(&rng);
			d.len = 14 + (uint32_t)rng_below(&rng, d.len - 13);
			side = side_of_bytes(one, d.byte, d.len);
			assert_in_range(side, LEFT, RIGHT);
			assert_int_equal(side_of_bytes(two, d.byte, d.len),
					 side);
		}
		split_free(one);
		split_free(two);
	}
	split_free(NULL);
}

/* ---- words ---- */

static void test_words(void **state)
{
	static const char *const good[] = {
		"auto", "interface", "direction", "client",
		"mac=02:00:00:00:00:01", "mac=aA:Bb:0:1:2:3,ff:ff:ff:ff:ff:ff",
		"net=10.0.0.0/8", "net=10.1.2.3/8,::1,fd00::/8,192.0.2.1",
		"net=0.0.0.0/0", "net=::/0", "net=::/128", "net=1.2.3.4/32",
		"net=::ffff:10.0.0.1/100",
	};
	struct split_params p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		const char *name;

		if (split_parse(&p, good[i]))
			fail_msg("refused: %s", good[i]);
		name = split_mode_name(p.mode);
		assert_memory_equal(good[i], name, strlen(name));
	}
	assert_int_equal(split_parse(&p, "net=10.1.2.3/8,fd00::1,::/0"), 0);
	assert_int_equal(p.n, 3);
	assert_int_equal(p.net[0].version, 4);
	assert_int_equal(p.net[0].bits, 8);
	assert_int_equal(p.net[1].version, 6);
	assert_int_equal(p.net[1].bits, 128);
	assert_int_equal(p.net[1].address[0], 0xfd);
	assert_int_equal(p.net[1].address[15], 1);
	assert_int_equal(p.net[2].bits, 0);
	/* A second time: the lists are not joined. */
	assert_int_equal(split_parse(&p, "mac=2:0:0:0:0:fe"), 0);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.mac[0][5], 0xfe);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"", "=", " ", "aut", "autos", "Auto", "auto ", "auto=",
		"interface=1", "client=", "direction,", "mac", "mac=", "net",
		"net=", "first", "mac =1:2:3:4:5:6", "mac=1:2:3:4:5",
		"mac=1:2:3:4:5:6:7", "mac=1:2:3:4:5:6,", "mac=,1:2:3:4:5:6",
		"mac=1:2:3:4:5:g", "mac=1:2:3:4:5:-6", "mac=1:2:3:4:5: 6",
		"mac=1:2:3:4:5:+6", "mac=0x1:2:3:4:5:6", "mac=100:2:3:4:5:6",
		"mac=1:2:3:4:5:600", "mac=1-2-3-4-5-6", "mac=1:2:3:4:5:",
		"mac=10.0.0.1", "net=1:2:3:4:5:6", "net=10", "net=10.0.0",
		"net=10.0.0.256", "net=10.0.0.1/33", "net=10.0.0.1/",
		"net=10.0.0.1/-1", "net=10.0.0.1/+8", "net=10.0.0.1/ 8",
		"net=10.0.0.1/8 ", "net=10.0.0.1/8/8", "net=10.0.0.1/0x8",
		"net=10.0.0.1/1000", "net=10.0.0.1/4294967304", "net=::/129",
		"net=10.0.0.1/8,", "net=,10.0.0.1", "net=10.0.0.1,,::1",
		"net=10.0.0.1,example.org", "net=fe80::1%eth0", "net= ::1",
		"net=/8", "net=10.0.0.1/255.0.0.0",
		"net=10.0.0.1/000000000000000000000000000000000000000000000008",
	};
	struct split_params p, before;

	(void)state;
	memset(&p, 0x5a, sizeof(p));
	before = p;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (split_parse(&p, bad[i]) != -EINVAL)
			fail_msg("accepted: '%s'", bad[i]);
		assert_memory_equal(&p, &before, sizeof(p));
	}
}

static void test_long_lists(void **state)
{
	char text[SPLIT_LIST_MAX * 40] = "net=";
	struct split_params p;

	(void)state;
	for (unsigned int i = 1; i <= SPLIT_LIST_MAX + 1; i++) {
		size_t at = strlen(text);

		snprintf(text + at, sizeof(text) - at, "%s2001:db8::%x",
			 i > 1 ? "," : "", i);
		if (i > SPLIT_LIST_MAX) {
			assert_int_equal(split_parse(&p, text), -EINVAL);
			continue;
		}
		assert_int_equal(split_parse(&p, text), 0);
		assert_int_equal(p.n, i);
		assert_int_equal(p.net[i - 1].address[15], i);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_opposite),
		cmocka_unit_test(test_forgets),
		cmocka_unit_test(test_remembers),
		cmocka_unit_test(test_mac),
		cmocka_unit_test(test_net),
		cmocka_unit_test(test_net_link_local),
		cmocka_unit_test(test_chosen),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_garbled),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_long_lists),
	};

	return cmocka_run_group_tests_name("split", tests, NULL, NULL);
}
