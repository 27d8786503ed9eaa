/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wirecheck random: what a filter may meet. IPv4, IPv6, ARP, UDP, TCP, ICMP,
 * tags, fragments, options, cut-off headers and garbage, with addresses and
 * ports from small sets, so that rules match often. Also written to a file,
 * from which tcpdump gives its own verdict.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "wirecheck.h"

#define BYTES_MAX 400

struct craft {
	struct rng rng;
	uint8_t frame[BYTES_MAX];
	uint32_t at; /* where the next header goes */
};

static uint32_t pick(struct craft *c, uint32_t n)
{
	return rng_below(&c->rng, n);
}

static void random_bytes(struct craft *c, uint32_t n)
{
	pattern_fill(c->frame + c->at, n, rng_next(&c->rng));
	c->at += n;
}

static uint16_t port(struct craft *c)
{
	static const uint16_t common[] = { 22, 53, 67, 80, 123, 443, 4789,
					   5353 };
	uint32_t i = pick(c, ARRAY_SIZE(common) + 2);

	return i < ARRAY_SIZE(common) ? common[i] :
					(uint16_t)pick(c, 65536);
}

static void addresses(struct craft *c)
{
	static const uint8_t group[4][6] = {
		{ 255, 255, 255, 255, 255, 255 },
		{ 0x01, 0, 0x5e, 0, 0, 0xfb },
		{ 0x33, 0x33, 0, 0, 0, 1 },
		{ 0x01, 0x80, 0xc2, 0, 0, 0x0e },
	};
	uint8_t mac[6] = { 0x02, 0xbb, 0, 0, 3, 0 };

	mac[5] = (uint8_t)pick(c, 4);
	memcpy(c->frame + 6, mac, 6);
	mac[5] = (uint8_t)(8 + pick(c, 4));
	memcpy(c->frame, pick(c, 8) ? mac : group[pick(c, 4)], 6);
	c->at = 12;
}

static void type(struct craft *c, uint16_t ethertype)
{
	put16(c->frame + c->at, ethertype);
	c->at += 2;
}

static void tags(struct craft *c)
{
	static const uint16_t tpid[] = { 0x8100, 0x8100, 0x8100, 0x88a8,
					 0x9100 };
	uint32_t n = pick(c, 10);

	/* none: 6 of 10, one: 2, two: 1, three: 1 */
	for (n = n < 6 ? 0 : n < 8 ? 1 : n - 6; n; n--) {
		type(c, tpid[pick(c, ARRAY_SIZE(tpid))]);
		type(c, (uint16_t)(pick(c, 16) << 12 | pick(c, 8) * 100));
	}
}

static void layer4(struct craft *c, uint8_t protocol)
{
	uint8_t *p = c->frame + c->at;

	switch (protocol) {
	case IPPROTO_UDP:
		put16(p, port(c));
		put16(p + 2, port(c));
		put16(p + 4, 8 + 32);
		put16(p + 6, 0);
		c->at += 8;
		break;
	case IPPROTO_TCP:
		random_bytes(c, 20);
		put16(p, port(c));
		put16(p + 2, port(c));
		p[12] = 5 << 4;
		p[13] = (uint8_t)pick(c, 64);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		random_bytes(c, 8);
		p[0] = (uint8_t)(protocol == IPPROTO_ICMP ? pick(c, 16) :
							    128 + pick(c, 16));
		break;
	}
	random_bytes(c, 32);
}

static uint16_t ip_sum(const uint8_t *p, uint32_t n)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < n; i += 2)
		sum += get16(p + i);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~((sum & 0xffff) + (sum >> 16));
}

static void ip4(struct craft *c)
{
	static const uint8_t protocol[] = { IPPROTO_UDP, IPPROTO_UDP,
					    IPPROTO_TCP, IPPROTO_TCP,
					    IPPROTO_ICMP, IPPROTO_GRE,
					    IPPROTO_SCTP };
	uint8_t *p = c->frame + c->at;
	uint32_t words = pick(c, 6) ? 5 : 6 + pick(c, 10), start = c->at;
	uint8_t l4 = protocol[pick(c, ARRAY_SIZE(protocol))];

	random_bytes(c, words * 4);
	p[0] = (uint8_t)(0x40 | words);
	p[8] = (uint8_t)(1 + pick(c, 255));
	p[9] = l4;
	put16(p + 6, pick(c, 8) ? 0x4000 : pick(c, 0x4000));
	put32(p + 12, 0xc0000200 + pick(c, 4));
	put32(p + 16, 0xc0000200 + pick(c, 4));
	layer4(c, l4);
	put16(p + 2, c->at - start);
	put16(p + 10, 0);
	put16(p + 10, ip_sum(p, words * 4));
}

static void ip6(struct craft *c)
{
	static const uint8_t next[] = { IPPROTO_UDP, IPPROTO_TCP,
					IPPROTO_ICMPV6, IPPROTO_SCTP };
	static const uint8_t prefix[4] = { 0x20, 0x01, 0x0d, 0xb8 };
	uint8_t *p = c->frame + c->at;
	uint8_t l4 = next[pick(c, ARRAY_SIZE(next))];
	bool options = !pick(c, 6);

	memset(p, 0, 40);
	p[0] = 0x60;
	p[6] = options ? IPPROTO_HOPOPTS : l4;
	p[7] = 64;
	for (int i = 8; i <= 24; i += 16) {
		memcpy(p + i, prefix, 4);
		p[i + 15] = (uint8_t)pick(c, 4);
	}
	c->at += 40;
	if (options) {
		random_bytes(c, 8);
		p[40] = l4;
		p[41] = 0;
	}
	layer4(c, l4);
	put16(p + 4, (uint32_t)(c->frame + c->at - p) - 40);
}

static void arp(struct craft *c)
{
	static const uint8_t head[7] = { 0, 1, 8, 0, 6, 4, 0 };
	uint8_t *p = c->frame + c->at;

	random_bytes(c, 28);
	memcpy(p, head, sizeof(head));
	p[7] = (uint8_t)(1 + pick(c, 2));
	put32(p + 14, 0xc0000200 + pick(c, 4));
	put32(p + 24, 0xc0000200 + pick(c, 4));
}

/* Its length. */
static uint32_t craft(struct craft *c)
{
	static const uint16_t other[] = { 0x88cc, 0x8847, 0x8864, 0x888e };
	uint32_t kind = pick(c, 16);

	addresses(c);
	tags(c);
	if (kind < 8) {
		type(c, 0x0800);
		ip4(c);
	} else if (kind < 12) {
		type(c, 0x86dd);
		ip6(c);
	} else if (kind < 13) {
		type(c, 0x0806);
		arp(c);
	} else if (kind < 14) { /* garbage where IP is announced */
		type(c, pick(c, 2) ? 0x0800 : 0x86dd);
		random_bytes(c, 20 + pick(c, 60));
	} else if (kind < 15) {
		type(c, other[pick(c, ARRAY_SIZE(other))]);
		random_bytes(c, 60);
	} else {
		type(c, (uint16_t)pick(c, 1500));
		random_bytes(c, 46 + pick(c, 100));
	}
	/* Now and then the frame ends within its headers. */
	if (!pick(c, 12))
		c->at = 32 + pick(c, c->at > 32 ? c->at - 32 : 1);
	return c->at;
}

struct random_run {
	const char *ifname, *path;
	uint64_t count, seed, pps;
	int fd;
};

static int run(struct random_run *s, struct pcap_writer *w)
{
	struct craft c = { .rng = { mix(s->seed) } };
	uint64_t start_ns = clock_now_ns(), i;
	int r = 0;

	for (i = 0; !r && i < s->count && !stop_asked(); i++) {
		struct iovec iov = { c.frame, craft(&c) };
		struct mmsghdr message = {
			.msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 },
		};
		uint64_t due_ns = start_ns + i * NS_PER_SEC / s->pps;
		struct timespec at = { (time_t)(due_ns / NS_PER_SEC),
				       (long)(due_ns % NS_PER_SEC) };

		if (w)
			pcap_write(w, i * NS_PER_US, c.frame, c.at);
		if (s->fd < 0)
			continue;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		r = wire_send(s->fd, &message, 1);
	}
	printf("sent=%" PRIu64 "\n", i);
	return r;
}

static int random_command(int argc, char **argv, int operands)
{
	struct random_run s = { .count = 10000, .seed = 1, .pps = 20000,
				.fd = -1 };
	const struct opt opt[] = {
		{ "count", "N", "frames, default 10000", OPT_NUMBER, &s.count,
		  1, UINT32_MAX },
		{ "seed", "S", "default 1", OPT_NUMBER, &s.seed, 0,
		  UINT64_MAX },
		{ "pps", "R", "frames a second, default 20000", OPT_NUMBER,
		  &s.pps, 1, 10000000 },
		{ "pcap", "FILE", "write them here, too", OPT_TEXT, &s.path, 0,
		  0 },
	};
	struct pcap_writer *w = NULL;
	int r = opts_parse(argc, argv, opt, ARRAY_SIZE(opt), &s.ifname,
			   operands);

	if (r)
		return r;
	if (!operands && !s.path)
		return complain(EXIT_USAGE, "--pcap FILE is needed");
	if (operands) {
		s.fd = wire_open(s.ifname, 0);
		if (s.fd < 0)
			return s.fd;
	}
	if (s.path)
		w = pcap_writer_new(s.path);
	r = s.path && !w ? -EIO : run(&s, w);
	if (pcap_writer_free(w) && !r)
		r = -EIO;
	close_fd(&s.fd);
	return r;
}

int command_random_send(int argc, char **argv)
{
	return random_command(argc, argv, 1);
}

int command_random_write(int argc, char **argv)
{
	return random_command(argc, argv, 0);
}
