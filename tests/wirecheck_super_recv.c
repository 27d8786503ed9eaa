/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wirecheck super recv: takes super-frames and segments alike, checks that the
 * payload of each flow is whole and in order and that the checksums hold, and
 * tells the largest frame that a wire would have carried.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "wirecheck_super.h"

#define RECEIVE_BUFFER (64 << 20)

struct super_recv {
	const char *ifname;
	uint64_t expect;
	struct patience patience;
	uint64_t frames, supers, bytes, bad_sum, damaged, disordered;
	uint32_t largest;
	uint64_t next[SUPER_FLOWS]; /* the offset that is due */
	bool broken[SUPER_FLOWS];
	uint8_t buffer[FRAME_BYTES_MAX];
};

/* A frame of ours, taken apart. */
struct parts {
	uint8_t *ip, *l4, *data;
	uint32_t l4_bytes; /* header and data */
	uint32_t data_bytes;
	uint8_t protocol;
	unsigned flow;
};

static bool take_apart(uint8_t *frame, uint32_t len, struct parts *p)
{
	uint32_t at = header_skip(frame, len), ip_bytes, header;
	uint16_t type;

	if (at + 2 + 40 > len || memcmp(frame + 6, super_source, 6))
		return false;
	type = get16(frame + at);
	p->ip = frame + at + 2;
	len -= at + 2;
	ip_bytes = type == ETH_P_IP ? 20 : 40;
	p->protocol = p->ip[type == ETH_P_IP ? 9 : 6];
	p->l4 = p->ip + ip_bytes;
	p->l4_bytes = (type == ETH_P_IP ? get16(p->ip + 2) - 20u :
					  get16(p->ip + 4));
	header = p->protocol == IPPROTO_TCP ? 20 : 8;
	if (ip_bytes + p->l4_bytes > len || p->l4_bytes < header)
		return false;
	p->flow = get16(p->l4) - SUPER_PORT;
	p->data = p->l4 + header;
	p->data_bytes = p->l4_bytes - header;
	return p->flow < SUPER_FLOWS;
}

static bool sums_good(const struct parts *p, const struct virtio_net_hdr *vnet)
{
	uint64_t pseudo = super_pseudo_sum(p->ip, p->protocol, p->l4_bytes);
	const uint8_t *field = p->l4 + (p->protocol == IPPROTO_TCP ? 16 : 6);

	if (p->ip[0] >> 4 == 4 && super_fold(super_sum(p->ip, 20)) != 0xffff)
		return false;
	if (vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		return get16(field) == super_fold(pseudo);
	return super_fold(pseudo + super_sum(p->l4, p->l4_bytes)) == 0xffff;
}

/* One segment's payload, which should continue its flow. */
static void take_segment(struct super_recv *s, const struct parts *p,
			 const uint8_t *data, uint32_t n, uint64_t offset)
{
	bool udp = p->protocol == IPPROTO_UDP;
	uint32_t start = udp && n >= 8 ? 8 : 0;

	if (udp)
		offset = start ? get64(data) : s->next[p->flow];
	if (offset != s->next[p->flow]) {
		s->disordered++;
		s->broken[p->flow] = true;
	}
	for (uint32_t i = start; i < n; i++)
		if (data[i] != super_byte(p->flow, offset + i)) {
			s->damaged++;
			s->broken[p->flow] = true;
			break;
		}
	s->next[p->flow] = offset + n;
	s->bytes += n;
}

static void take_frame(struct super_recv *s, uint8_t *frame, uint32_t len,
		       uint32_t tag_bytes, const struct virtio_net_hdr *vnet)
{
	bool super = vnet->gso_type != VIRTIO_NET_HDR_GSO_NONE;
	struct parts p;
	uint32_t wire, step;

	if (!take_apart(frame, len, &p))
		return;
	patience_heard(&s->patience);
	s->frames++;
	s->supers += super;
	if (!sums_good(&p, vnet)) {
		s->bad_sum++;
		s->broken[p.flow] = true;
	}
	step = super && vnet->gso_size ? vnet->gso_size : p.data_bytes;
	wire = (uint32_t)(p.data - frame) + tag_bytes +
	       (step < p.data_bytes ? step : p.data_bytes);
	if (wire > s->largest)
		s->largest = wire;
	for (uint32_t at = 0; at < p.data_bytes; at += step) {
		uint32_t n = p.data_bytes - at < step ? p.data_bytes - at :
							step;

		take_segment(s, &p, p.data + at, n, get32(p.l4 + 4) + at);
	}
}

/* Bytes of the tag that the kernel took out. */
static uint32_t aux_tag_bytes(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET ||
		    c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		return aux.tp_status & TP_STATUS_VLAN_VALID ? 4 : 0;
	}
	return 0;
}

static void receive(struct super_recv *s, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	patience_start(&s->patience);
	while (!patience_over(&s->patience, clock_now_ns())) {
		char control[256];
		struct virtio_net_hdr vnet;
		struct iovec iov = { s->buffer, sizeof(s->buffer) };
		struct msghdr m = {
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		ssize_t n;

		if (poll(&p, 1, 10) <= 0)
			continue;
		n = recvmsg(fd, &m, MSG_DONTWAIT);
		if (n <= (ssize_t)sizeof(vnet))
			continue;
		memcpy(&vnet, s->buffer, sizeof(vnet));
		take_frame(s, s->buffer + sizeof(vnet),
			   (uint32_t)n - VNET_BYTES, aux_tag_bytes(&m), &vnet);
		patience_hope(&s->patience, s->expect, s->bytes);
	}
}

static void print(const struct super_recv *s, int fd)
{
	struct tpacket_stats stats = { 0 };
	socklen_t size = sizeof(stats);
	unsigned ok = 0;

	for (int i = 0; i < SUPER_FLOWS; i++)
		ok += s->next[i] && !s->broken[i];
	getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
	printf("streams_ok=%u bytes=%" PRIu64 " largest=%u frames=%" PRIu64
	       " supers=%" PRIu64 " bad_sum=%" PRIu64 " damaged=%" PRIu64
	       " disordered=%" PRIu64 " kernel_drops=%u\n",
	       ok, s->bytes, s->largest, s->frames, s->supers, s->bad_sum,
	       s->damaged, s->disordered, stats.tp_drops);
}

static int prepare(int fd)
{
	int one = 1, bytes = RECEIVE_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)))
		return complain(-errno, "packet socket: %s", strerror(errno));
	return 0;
}

int command_super_recv(int argc, char **argv)
{
	struct super_recv *s = calloc(1, sizeof(*s));
	const struct opt opt[] = {
		{ "expect", "BYTES", "of payload, of all flows", OPT_NUMBER,
		  &s->expect, 1, UINT64_MAX },
		OPT_PATIENCE(s->patience),
	};
	int fd = -1, r;

	if (!s)
		return -ENOMEM;
	s->patience = (struct patience)PATIENCE;
	r = opts_parse(argc, argv, opt, ARRAY_SIZE(opt), &s->ifname, 1);
	if (!r) {
		fd = wire_open(s->ifname, ETH_P_ALL);
		r = fd < 0 ? fd : prepare(fd);
	}
	if (!r) {
		receive(s, fd);
		print(s, fd);
	}
	close_fd(&fd);
	free(s);
	return r;
}
