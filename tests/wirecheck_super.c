/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wirecheck super send: GSO super-frames as a host's stack makes them, with
 * the checksum unfinished, through a PACKET_VNET_HDR socket.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "wirecheck_super.h"

static const uint8_t super_sink[6] = { 0x02, 0xbb, 0, 0, 4, 2 };
const uint8_t super_source[6] = { 0x02, 0xbb, 0, 0, 4, 1 };

struct kind {
	const char *name;
	uint8_t gso_type, protocol, ip_bytes, l4_bytes;
};

static const struct kind kinds[] = {
	{ "tcp4", VIRTIO_NET_HDR_GSO_TCPV4, IPPROTO_TCP, 20, 20 },
	{ "tcp6", VIRTIO_NET_HDR_GSO_TCPV6, IPPROTO_TCP, 40, 20 },
	{ "udp4", VIRTIO_NET_HDR_GSO_UDP_L4, IPPROTO_UDP, 20, 8 },
	{ "udp6", VIRTIO_NET_HDR_GSO_UDP_L4, IPPROTO_UDP, 40, 8 },
};

uint8_t super_byte(uint64_t flow, uint64_t offset)
{
	return (uint8_t)(mix(flow << 48 ^ offset / 8) >> offset % 8 * 8);
}

uint64_t super_sum(const uint8_t *p, uint32_t n)
{
	uint64_t s = 0;

	for (; n > 1; n -= 2, p += 2)
		s += get16(p);
	return n ? s + ((uint64_t)*p << 8) : s;
}

uint16_t super_fold(uint64_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

uint64_t super_pseudo_sum(const uint8_t *ip, uint8_t protocol, uint32_t n)
{
	uint64_t addresses = ip[0] >> 4 == 4 ? super_sum(ip + 12, 8) :
					       super_sum(ip + 8, 32);

	return addresses + protocol + n;
}

struct super_send {
	const char *ifname, *kind_name;
	uint64_t count, size, segment, flow, pps;
	struct tags tags;
	const struct kind *kind;
	uint64_t offset;
	uint8_t buffer[FRAME_BYTES_MAX];
};

static void put_ip(const struct super_send *s, uint8_t *ip, uint32_t bytes)
{
	const struct kind *k = s->kind;

	memset(ip, 0, k->ip_bytes);
	if (k->ip_bytes == 20) {
		ip[0] = 0x45;
		put16(ip + 2, bytes);
		put16(ip + 6, 0x4000);
		ip[8] = 64;
		ip[9] = k->protocol;
		put32(ip + 12, 0xc0000201);
		put32(ip + 16, 0xc0000202);
		put16(ip + 10, (uint16_t)~super_fold(super_sum(ip, 20)));
		return;
	}
	ip[0] = 0x60;
	put16(ip + 4, bytes - 40);
	ip[6] = k->protocol;
	ip[7] = 64;
	put32(ip + 8, 0x20010db8);
	ip[23] = 1;
	put32(ip + 24, 0x20010db8);
	ip[39] = 2;
}

static void put_l4(const struct super_send *s, const uint8_t *ip, uint8_t *l4,
		   uint32_t bytes)
{
	uint16_t port = (uint16_t)(SUPER_PORT + s->flow);
	uint64_t pseudo = super_pseudo_sum(ip, s->kind->protocol, bytes);

	memset(l4, 0, s->kind->l4_bytes);
	put16(l4, port);
	put16(l4 + 2, port);
	if (s->kind->protocol == IPPROTO_UDP) {
		put16(l4 + 4, bytes);
		put16(l4 + 6, super_fold(pseudo));
		return;
	}
	put32(l4 + 4, (uint32_t)s->offset);
	put32(l4 + 8, 1);
	l4[12] = 5 << 4;
	l4[13] = 0x10; /* ACK */
	put16(l4 + 14, 0xffff);
	put16(l4 + 16, super_fold(pseudo));
}

static void put_payload(struct super_send *s, uint8_t *to)
{
	bool udp = s->kind->protocol == IPPROTO_UDP;

	for (uint64_t i = 0; i < s->size; i++)
		to[i] = super_byte(s->flow, s->offset + i);
	for (uint64_t i = 0; udp && i + 8 <= s->size; i += s->segment)
		put64(to + i, s->offset + i);
}

/* The vnet header and the frame; their length. */
static uint32_t make_super(struct super_send *s)
{
	const struct kind *k = s->kind;
	uint8_t *frame = s->buffer + VNET_BYTES;
	uint32_t at = 2 + header_make(frame, super_sink, super_source,
				      &s->tags);
	uint32_t l4_at = at + k->ip_bytes, data_at = l4_at + k->l4_bytes;
	uint32_t bytes = data_at + (uint32_t)s->size;
	struct virtio_net_hdr vnet = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = s->size > s->segment ? k->gso_type :
						   VIRTIO_NET_HDR_GSO_NONE,
		.gso_size = (uint16_t)s->segment,
		.hdr_len = (uint16_t)data_at,
		.csum_start = (uint16_t)l4_at,
		.csum_offset = k->protocol == IPPROTO_TCP ? 16 : 6,
	};

	memcpy(s->buffer, &vnet, sizeof(vnet));
	put16(frame + at - 2, k->ip_bytes == 20 ? ETH_P_IP : ETH_P_IPV6);
	put_ip(s, frame + at, bytes - at);
	put_l4(s, frame + at, frame + l4_at, bytes - l4_at);
	put_payload(s, frame + data_at);
	s->offset += s->size;
	return bytes + VNET_BYTES;
}

static int send_supers(struct super_send *s, int fd)
{
	uint64_t start_ns = clock_now_ns(), i;
	int r = 0;

	for (i = 0; !r && i < s->count && !stop_asked(); i++) {
		struct iovec iov = { s->buffer, make_super(s) };
		struct mmsghdr message = {
			.msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 },
		};
		uint64_t due_ns = start_ns + i * NS_PER_SEC / s->pps;
		struct timespec at = { (time_t)(due_ns / NS_PER_SEC),
				       (long)(due_ns % NS_PER_SEC) };

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		r = wire_send(fd, &message, 1);
	}
	printf("sent=%" PRIu64 " bytes=%" PRIu64 "\n", i, s->offset);
	return r;
}

static int choose_kind(struct super_send *s)
{
	uint32_t room;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, s->kind_name))
			s->kind = &kinds[i];
	if (!s->kind)
		return complain(EXIT_USAGE, "--kind %s: tcp4, tcp6, udp4, udp6",
				s->kind_name);
	room = 65535u - s->kind->l4_bytes -
	       (s->kind->ip_bytes == 20 ? 20u : 0u);
	if (s->size > room)
		return complain(EXIT_USAGE, "--size: at most %u", room);
	if (s->size * s->count > UINT32_MAX) /* TCP numbers would wrap */
		return complain(EXIT_USAGE, "--count: at most 4 GiB in all");
	return 0;
}

int command_super_send(int argc, char **argv)
{
	struct super_send *s = calloc(1, sizeof(*s));
	const struct opt opt[] = {
		{ "kind", "KIND", "tcp4 (default), tcp6, udp4, udp6", OPT_TEXT,
		  &s->kind_name, 0, 0 },
		{ "size", "BYTES", "payload of each, default 32768",
		  OPT_NUMBER, &s->size, 64, 65535 },
		{ "segment", "BYTES", "gso_size, default 1400", OPT_NUMBER,
		  &s->segment, 64, 65535 },
		{ "count", "N", "super-frames, default 100", OPT_NUMBER,
		  &s->count, 1, 1000000 },
		{ "pps", "R", "super-frames a second, default 1000",
		  OPT_NUMBER, &s->pps, 1, 1000000 },
		{ "flow", "ID", "default 0", OPT_NUMBER, &s->flow, 0,
		  SUPER_FLOWS - 1 },
		{ "vlan", "TAG", "[TPID/]VID[:PCP[:DEI]]", OPT_TAG, &s->tags,
		  0, 0 },
	};
	int one = 1, fd = -1, r;

	if (!s)
		return -ENOMEM;
	s->kind_name = "tcp4";
	s->size = 32768;
	s->segment = 1400;
	s->count = 100;
	s->pps = 1000;
	r = opts_parse(argc, argv, opt, ARRAY_SIZE(opt), &s->ifname, 1);
	if (!r)
		r = choose_kind(s);
	if (!r) {
		fd = wire_open(s->ifname, 0);
		r = fd < 0 ? fd : 0;
	}
	if (!r && setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one,
			     sizeof(one)))
		r = complain(-errno, "PACKET_VNET_HDR: %s", strerror(errno));
	if (!r)
		r = send_supers(s, fd);
	close_fd(&fd);
	free(s);
	return r;
}
