/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The AF_PACKET port on one end of a veth pair, a plain raw socket on the
 * other, in a network namespace of the test's own: what the one sends the
 * other has to see, byte for byte and in order.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "bridge.h"
#include "clock.h"
#include "link.h"
#include "log.h"
#include "port.h"
#include "test_log.h"
#include "test_netns.h"
#include "tx.h"

#define SEED UINT64_C(0x72696e6773)
#define PATIENCE_NS (10 * NS_PER_SEC)
#define WATCHDOG_SECONDS 150
#define SAMPLES_MAX 256
#define TYPE_TEST 0x88b5 /* for experiments, IEEE 802 */
#define SETTLE_EVERY 64 /* frames sent at most before they have arrived */
#define OPENINGS 200
#define OPENERS 20

/* splitmix64 */
static uint64_t rng = SEED;

static uint64_t rng_next(void)
{
	uint64_t z = rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* ---- frames ---- */

struct sample {
	uint8_t *data;
	uint32_t len;
	struct virtio_net_hdr vnet;
};

/* The port on va, the socket on vb, and what passes between them. */
struct wire {
	struct port *port;
	struct lane_stats stats;
	struct burst burst;
	int peer;
	bool peer_vnet;
	uint64_t sent; /* by the peer, while the port was open */
	struct sample sample[SAMPLES_MAX];
	size_t n;
};

static void put16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

/* A frame of random bytes that nobody is the addressee of. */
static struct sample *add(struct wire *w, uint32_t len)
{
	struct sample *s = &w->sample[w->n];

	assert_true(w->n < SAMPLES_MAX);
	*s = (struct sample){ .data = malloc(len), .len = len };
	assert_non_null(s->data);
	for (uint32_t i = 0; i < len; i++)
		s->data[i] = (uint8_t)rng_next();
	s->data[0] = 2;
	s->data[6] = 2;
	put16(s->data + 12, TYPE_TEST);
	w->n++;
	return s;
}

struct tag {
	uint16_t tpid, tci;
};

static struct sample *add_tagged(struct wire *w, uint32_t len,
				 const struct tag *tag, size_t n)
{
	struct sample *s = add(w, len);

	for (size_t i = 0; i < n; i++) {
		put16(s->data + 12 + 4 * i, tag[i].tpid);
		put16(s->data + 14 + 4 * i, tag[i].tci);
	}
	put16(s->data + 12 + 4 * n, TYPE_TEST);
	return s;
}

/* IPv4 and TCP in front; its checksum is to be finished. */
static struct sample *add_unfinished(struct wire *w, uint32_t len,
				     const struct tag *tag)
{
	struct sample *s = add_tagged(w, len, tag, tag ? 1 : 0);
	uint32_t at = tag ? 16 : 12, l4 = at + 22;

	put16(s->data + at, ETH_P_IP);
	memset(s->data + at + 2, 0, 40);
	s->data[at + 2] = 0x45;
	put16(s->data + at + 4, len - at - 2);
	s->data[at + 10] = 64;
	s->data[at + 11] = IPPROTO_TCP;
	s->data[l4 + 12] = 5 << 4;
	s->vnet = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = (uint16_t)l4,
		.csum_offset = 16,
	};
	return s;
}

static struct sample *add_super(struct wire *w, uint32_t len,
				const struct tag *tag)
{
	struct sample *s = add_unfinished(w, len, tag);

	s->vnet.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	s->vnet.gso_size = 1400;
	s->vnet.hdr_len = (uint16_t)(s->vnet.csum_start + 20);
	return s;
}

static void forget(struct wire *w)
{
	while (w->n)
		free(w->sample[--w->n].data);
}

/* ---- the wire ---- */

static bool is_running(const char *name)
{
	struct ifreq req = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r;

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	r = ioctl(fd, SIOCGIFFLAGS, &req);
	close(fd);
	return !r && (req.ifr_flags & IFF_UP) && (req.ifr_flags & IFF_RUNNING);
}

#define wait_until(condition)                                                  \
	do {                                                                   \
		uint64_t until_ns_ = clock_now_ns() + PATIENCE_NS;             \
		while (!(condition)) {                                         \
			if (clock_now_ns() > until_ns_)                        \
				fail_msg("waited in vain: %s", #condition);    \
			sched_yield();                                         \
		}                                                              \
	} while (0)

static void set_mtu(unsigned int mtu)
{
	ip("link set va mtu %u", mtu);
	ip("link set vb mtu %u", mtu);
}

static int setup(void **state)
{
	struct wire *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	w->peer = -1;
	*state = w;
	ip("link add va type veth peer name vb");
	ip("link set va up");
	ip("link set vb up");
	wait_until(is_running("va") && is_running("vb"));
	return 0;
}

static int teardown(void **state)
{
	struct wire *w = *state;

	port_close(w->port);
	close_fd(&w->peer);
	forget(w);
	free(w);
	return system("ip link delete va");
}

static struct port_packet_params params(uint32_t mtu)
{
	return (struct port_packet_params){
		.name = "va", .index = (int)if_nametoindex("va"), .mtu = mtu,
		.ready = true, .rx = true, .tx = true, .filter_fd = -1,
		.rx_slots = 64,
		.tx_slots = 16, .tx_mode = TX_AUTO, .driver = "veth",
	};
}

static void open_port(struct wire *w, const struct port_packet_params *p)
{
	assert_int_equal(port_packet_open(&w->port, p), 0);
	assert_non_null(w->port);
	assert_int_equal(w->port->mtu, p->mtu);
	assert_int_equal(w->port->ready, p->ready);
	assert_string_equal(w->port->ops->name, "packet");
	w->sent = 0;
	memset(&w->stats, 0, sizeof(w->stats));
}

static void close_port(struct wire *w)
{
	port_close(w->port);
	w->port = NULL;
}

/* A socket that sees what arrives at vb, with what stands beside it. */
static void open_peer(struct wire *w, bool vnet)
{
	struct sockaddr_ll sll = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex("vb"),
	};
	int one = 1, bytes = 64 << 20;

	close_fd(&w->peer);
	w->peer_vnet = vnet;
	w->peer = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	assert_true(w->peer >= 0);
	setsockopt(w->peer, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	assert_int_equal(setsockopt(w->peer, SOL_PACKET, PACKET_IGNORE_OUTGOING,
				    &one, sizeof(one)), 0);
	assert_int_equal(setsockopt(w->peer, SOL_PACKET, PACKET_AUXDATA, &one,
				    sizeof(one)), 0);
	if (vnet)
		assert_int_equal(setsockopt(w->peer, SOL_PACKET,
					    PACKET_VNET_HDR, &one,
					    sizeof(one)), 0);
	assert_int_equal(bind(w->peer, (struct sockaddr *)&sll, sizeof(sll)),
			 0);
}

static int peer_send(struct wire *w, const struct sample *s)
{
	struct iovec iov[2] = {
		{ (void *)&s->vnet, sizeof(s->vnet) }, { s->data, s->len },
	};
	ssize_t n = w->peer_vnet ? writev(w->peer, iov, 2) :
				   write(w->peer, s->data, s->len);

	if (n < 0)
		return -errno;
	w->sent++;
	return 0;
}

static uint64_t offered(struct wire *w)
{
	struct port_counters c;

	w->port->ops->counters(w->port, &c);
	return c.offered_frames;
}

static uint64_t ring_full(struct wire *w)
{
	struct port_counters c;

	w->port->ops->counters(w->port, &c);
	return c.ring_full_frames;
}

/* The peer sends all samples; they are at the port when this returns. */
static void send_all(struct wire *w)
{
	for (size_t i = 0; i < w->n; i++) {
		int r = peer_send(w, &w->sample[i]);

		if (r)
			fail_msg("sample %zu of %u bytes: %s", i,
				 w->sample[i].len, strerror(-r));
		if (w->sent % SETTLE_EVERY == 0)
			wait_until(offered(w) == w->sent);
	}
	wait_until(offered(w) == w->sent);
}

static void assert_same(const struct sample *want, const uint8_t *data,
			uint32_t len, size_t i)
{
	if (len != want->len)
		fail_msg("sample %zu: %u bytes, not %u", i, len, want->len);
	for (uint32_t k = 0; k < len; k++)
		if (data[k] != want->data[k])
			fail_msg("sample %zu of %u: byte %u is %02x, not %02x",
				 i, len, k, data[k], want->data[k]);
}

/* hdr_len is the kernel's guess of what it has in one piece. */
static void assert_same_vnet(const struct virtio_net_hdr *want,
			     const struct virtio_net_hdr *have)
{
	assert_int_equal(have->flags, want->flags);
	assert_int_equal(have->gso_type, want->gso_type);
	assert_int_equal(have->gso_size, want->gso_size);
	assert_int_equal(have->csum_start, want->csum_start);
	assert_int_equal(have->csum_offset, want->csum_offset);
}

/* Take a burst from the port and compare it with samples from `first` on. */
static uint32_t take(struct wire *w, size_t first)
{
	struct burst *b = &w->burst;

	b->n = 0;
	port_rx(w->port, b, &w->stats);
	assert_true(b->n <= BURST_RX);
	for (uint32_t i = 0; i < b->n; i++) {
		const struct frame *f = &b->frame[i];

		assert_true(first + i < w->n);
		assert_same(&w->sample[first + i], f->data, f->len, first + i);
		assert_same_vnet(&w->sample[first + i].vnet, &f->vnet);
	}
	port_release(w->port);
	return b->n;
}

/* The port has all samples, in order, and nothing else. */
static void take_all(struct wire *w)
{
	uint64_t before = w->stats.received_frames;
	size_t taken = 0;
	uint32_t n;

	while ((n = take(w, taken)))
		taken += n;
	assert_int_equal(taken, w->n);
	assert_int_equal(w->stats.received_frames - before, w->n);
}

/* ---- a queue that is full ---- */

/*
 * These stand before the C library's: while `full` is set, a super-frame is
 * refused like a full queue refuses it (where parts of it may be out), and how
 * often one was submitted is counted.
 */
static struct {
	bool on;
	unsigned int super_frames;
} full;

static bool is_super(const struct msghdr *m)
{
	const struct virtio_net_hdr *vnet = m->msg_iov[0].iov_base;

	return m->msg_iovlen == 2 && vnet->gso_type;
}

int sendmmsg(int fd, struct mmsghdr *msg, unsigned int n, int flags)
{
	unsigned int fine = 0;
	long r;

	while (fine < n && !(full.on && is_super(&msg[fine].msg_hdr)))
		fine++;
	full.super_frames += fine < n;
	if (fine || !n) {
		r = syscall(SYS_sendmmsg, fd, msg, fine, flags);
		return (int)r;
	}
	errno = ENOBUFS;
	return -1;
}

/* Of all that a program sends, only the kick of a TX ring has no bytes. */
ssize_t send(int fd, const void *data, size_t len, int flags)
{
	if (!full.on || data)
		return syscall(SYS_sendto, fd, data, len, flags, NULL, 0);
	full.super_frames++;
	errno = ENOBUFS;
	return -1;
}

/* ---- receiving ---- */

static void test_rx_exact(void **state)
{
	static const uint32_t bytes[] = { 14, 15, 16, 17, 18, 42, 59, 60, 61,
					  64, 65, 100, 127, 128, 512, 1499,
					  1500, 1501, 1513, 1514 };
	static const uint16_t type[] = { 0, 3, 46, 1500, 1501, 1535, 0x600,
					 0x800, 0x806, 0x86dd, 0x8808, 0x888e,
					 0x88cc, 0x8906, 0x9100, 0x9200,
					 0xffff };
	struct port_packet_params p = params(1500);
	struct wire *w = *state;
	uint64_t total = 0;

	open_port(w, &p);
	open_peer(w, false);
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++)
		add(w, bytes[i]);
	for (size_t i = 0; i < ARRAY_SIZE(type); i++)
		put16(add(w, 60)->data + 12, type[i]);
	for (size_t i = 0; i < w->n; i++)
		total += w->sample[i].len;
	send_all(w);
	take_all(w);
	assert_int_equal(w->stats.received_bytes, total);
	assert_int_equal(stats_dropped(&w->stats), 0);
	assert_int_equal(ring_full(w), 0);
}

/* Addresses that a bridge in the kernel keeps to itself, and strangers'. */
static void test_rx_any_address(void **state)
{
	struct port_packet_params p = params(1500);
	struct wire *w = *state;

	open_port(w, &p);
	open_peer(w, false);
	for (uint8_t i = 0; i < 16; i++) {
		static const uint8_t local[5] = { 1, 0x80, 0xc2, 0, 0 };
		struct sample *s = add(w, 60);

		memcpy(s->data, local, sizeof(local));
		s->data[5] = i;
	}
	memset(add(w, 60)->data, 0xff, 6);
	memset(add(w, 60)->data, 0x00, 12);
	memset(add(w, 60)->data, 0xff, 12);
	memcpy(add(w, 60)->data, "\x33\x33\0\0\0\1", 6);
	send_all(w);
	take_all(w);
}

static const struct tag tags[][3] = {
	{ { 0x8100, 10 } },
	{ { 0x88a8, 10 } },
	{ { 0x8100, 0 } },      /* a priority tag */
	{ { 0x8100, 0xe000 } },
	{ { 0x88a8, 0 } },
	{ { 0x8100, 0x1000 } }, /* DEI */
	{ { 0x88a8, 0xffff } },
	{ { 0x8100, 0xbfff } },
	{ { 0x88a8, 20 }, { 0x8100, 10 } },
	{ { 0x8100, 20 }, { 0x8100, 0 } },
	{ { 0x8100, 0 }, { 0x88a8, 0x7123 } },
	{ { 0x88a8, 1 }, { 0x88a8, 2 }, { 0x8100, 3 } },
	{ { 0x8100, 0 }, { 0x8100, 0 }, { 0x8100, 0 } },
	{ { 0x9100, 5 }, { 0x8100, 6 } }, /* not one to the kernel */
};

static size_t count_tags(const struct tag *tag)
{
	size_t n = 1;

	while (n < 3 && tag[n].tpid)
		n++;
	return n;
}

static void test_rx_tags(void **state)
{
	struct port_packet_params p = params(1500);
	struct wire *w = *state;

	open_port(w, &p);
	open_peer(w, false);
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		size_t n = count_tags(tags[i]);

		/* Below 20 bytes the kernel takes no tag, and no frame. */
		add_tagged(w, 16 + 4 * (uint32_t)n, tags[i], n);
		add(w, 60);
		add_tagged(w, 61, tags[i], n);
		add_tagged(w, 1514, tags[i], n);
		if (tags[i][0].tpid == 0x8100)
			add_tagged(w, 1518, tags[i], n);
	}
	send_all(w);
	take_all(w);
	assert_int_equal(stats_dropped(&w->stats), 0);
}

/* Many times around, at every phase of bursts and slots. */
static void test_rx_wraps(void **state)
{
	struct port_packet_params p = params(1500);
	struct wire *w = *state;

	open_port(w, &p);
	open_peer(w, false);
	for (int i = 0; i < 60; i++) {
		for (uint64_t n = 1 + rng_next() % 64; n; n--)
			add_tagged(w, 60 + (uint32_t)(rng_next() % 1000),
				   tags[rng_next() % ARRAY_SIZE(tags)],
				   (size_t)(rng_next() % 2));
		send_all(w);
		take_all(w);
		forget(w);
	}
	assert_int_equal(w->stats.received_frames, w->sent);
	assert_true(w->sent > 1000);
	assert_int_equal(offered(w), w->sent);
	assert_int_equal(ring_full(w), 0);
}

/* More frames than slots: the first ones stay, the rest is counted. */
static void test_rx_overflow(void **state)
{
	struct port_packet_params p = params(1500);
	struct wire *w = *state;

	open_port(w, &p);
	open_peer(w, false);
	for (uint32_t i = 0; i < 200; i++)
		add(w, 60 + i);
	send_all(w);
	assert_int_equal(ring_full(w), 200 - 64);
	assert_int_equal(take(w, 0), 64);
	assert_int_equal(take(w, 0), 0);
	forget(w);
	for (uint32_t i = 0; i < 64; i++)
		add(w, 60 + i);
	send_all(w);
	take_all(w);
	assert_int_equal(offered(w), 264);
	assert_int_equal(ring_full(w), 136);
	assert_int_equal(w->stats.received_frames, 128);
}

/* Slots are powers of two, at least as many as were asked for. */
static void test_rx_slots(void **state)
{
	static const struct {
		uint32_t asked, have;
	} row[] = { { 64, 64 }, { 65, 128 }, { 100, 128 }, { 1, 64 } };
	struct wire *w = *state;

	open_peer(w, false);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct port_packet_params p = params(1500);

		p.rx_slots = row[i].asked;
		open_port(w, &p);
		for (int k = 0; k < 200; k++)
			add(w, 60);
		send_all(w);
		assert_int_equal(offered(w) - ring_full(w), row[i].have);
		forget(w);
		close_port(w);
	}
}

/* Poll tells of frames, and of none when all are taken. */
static void test_rx_poll(void **state)
{
	struct port_packet_params p = params(1500);
	struct wire *w = *state;
	struct pollfd pfd = { .events = POLLIN };

	open_port(w, &p);
	open_peer(w, false);
	pfd.fd = w->port->ops->rx_fd(w->port);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	add(w, 60);
	assert_int_equal(peer_send(w, &w->sample[0]), 0);
	assert_int_equal(poll(&pfd, 1, 5000), 1);
	assert_int_equal(pfd.revents, POLLIN);
	take_all(w);
	assert_int_equal(poll(&pfd, 1, 0), 0);
}

/* What the port itself sends does not come back, nor what its host sends. */
static void test_rx_not_outgoing(void **state)
{
	struct port_packet_params p = params(1500);
	struct wire *w = *state;
	struct sample *s;

	open_port(w, &p);
	open_peer(w, false);
	s = add(w, 100);
	for (int i = 0; i < 10; i++) {
		w->burst.frame[0] = (struct frame){ s->data, s->len, s->vnet };
		w->burst.n = 1;
		port_tx(w->port, w->burst.frame, w->burst.n, &w->stats);
	}
	assert_int_equal(w->stats.forwarded_frames, 10);
	send_all(w);
	take_all(w);
	assert_int_equal(w->stats.received_frames, 1);
}

/* ---- frames larger than a slot ---- */

static void test_copy_path(void **state)
{
	static const uint32_t bytes[] = { 60,	1514, 1900, 2000, 2048, 2100,
					  4000, 8999, 9000, 9014 };
	struct port_packet_params p = params(9000);
	struct wire *w = *state;

	set_mtu(9000);
	p.slot_bytes = 2048;
	open_port(w, &p);
	open_peer(w, false);
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 24; i++) {
			uint32_t len = bytes[rng_next() % ARRAY_SIZE(bytes)];

			add_tagged(w, len, tags[i % 12], i % 2);
		}
		send_all(w);
		take_all(w);
		forget(w);
	}
	assert_int_equal(stats_dropped(&w->stats), 0);
	assert_int_equal(ring_full(w), 0);
}

/* More of them than are lent at once (16): several bursts, none is lost. */
static void test_copy_path_only(void **state)
{
	struct port_packet_params p = params(9000);
	struct wire *w = *state;

	set_mtu(9000);
	p.slot_bytes = 2048;
	open_port(w, &p);
	open_peer(w, false);
	for (uint32_t i = 0; i < 20; i++)
		add_tagged(w, 9014 - i, tags[i % 12], i % 3 == 0);
	send_all(w);
	take_all(w);
	assert_int_equal(stats_dropped(&w->stats), 0);
}

/* The default: slots that hold a frame at full MTU with two tags. */
static void test_jumbo_slots(void **state)
{
	struct port_packet_params p = params(9000);
	struct wire *w = *state;

	set_mtu(9000);
	open_port(w, &p);
	open_peer(w, false);
	for (uint32_t i = 0; i < 64; i++)
		add_tagged(w, 9014 + 4 * (i % 2), tags[0], i % 2);
	send_all(w);
	take_all(w);
}

static void shrink_receive_buffer(struct wire *w)
{
	int bytes = 1; /* the kernel makes a little more of it */

	assert_int_equal(setsockopt(w->port->ops->rx_fd(w->port), SOL_SOCKET,
				    SO_RCVBUF, &bytes, sizeof(bytes)), 0);
}

/* Where the socket has no room for the whole frame, it is counted. */
static void test_truncated(void **state)
{
	struct port_packet_params p = params(9000);
	struct wire *w = *state;

	set_mtu(9000);
	p.slot_bytes = 2048;
	p.rx_slots = 256;
	open_port(w, &p);
	open_peer(w, false);
	shrink_receive_buffer(w);
	for (uint32_t i = 0; i < 20; i++)
		add(w, 5000 + i);
	send_all(w);
	assert_int_equal(take(w, 0), 1); /* one copy there was room for */
	assert_int_equal(w->stats.received_frames, 20);
	assert_int_equal(w->stats.dropped_frames[REASON_TRUNCATED], 19);
	assert_int_equal(stats_dropped(&w->stats), 19);
	assert_int_equal(take(w, 0), 0);
	/* And on it goes. */
	forget(w);
	for (uint32_t i = 0; i < 50; i++)
		add(w, 60 + i);
	send_all(w);
	take_all(w);
	assert_int_equal(w->stats.dropped_frames[REASON_TRUNCATED], 19);
	assert_int_equal(ring_full(w), 0);
}

/* What a child says of a full ring of frames without a copy. */
static int take_truncated(struct wire *w)
{
	w->burst.n = 0;
	port_rx(w->port, &w->burst, &w->stats);
	port_release(w->port);
	while (w->stats.received_frames < 64) {
		uint64_t before = w->stats.received_frames;

		w->burst.n = 0;
		port_rx(w->port, &w->burst, &w->stats);
		port_release(w->port);
		if (w->stats.received_frames == before)
			return 1;
	}
	return w->stats.received_frames == 64 &&
	       w->stats.dropped_frames[REASON_TRUNCATED] == 63 ? 0 : 2;
}

/*
 * All slots hold frames that cannot be lent: a breath must not go round the
 * ring, to slots that it has not given back yet. In a child, for it could be
 * without end.
 */
static void test_truncated_ring(void **state)
{
	struct port_packet_params p = params(9000);
	struct wire *w = *state;
	uint64_t until_ns;
	int status = 0;
	pid_t child, ended = 0;

	set_mtu(9000);
	p.slot_bytes = 2048;
	open_port(w, &p);
	open_peer(w, false);
	shrink_receive_buffer(w);
	for (uint32_t i = 0; i < 100; i++)
		add(w, 5000 + i);
	send_all(w);
	assert_int_equal(ring_full(w), 100 - 64);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		_exit(take_truncated(w));
	until_ns = clock_now_ns() + 3 * NS_PER_SEC;
	while (!ended && clock_now_ns() < until_ns) {
		ended = waitpid(child, &status, WNOHANG);
		sched_yield();
	}
	if (!ended) {
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		fail_msg("port_rx() did not return");
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- offloads ---- */

static void add_offloads(struct wire *w)
{
	static const struct tag c = { 0x8100, 0x2064 };
	static const struct tag priority = { 0x8100, 0 };

	add(w, 60);
	add_unfinished(w, 200, NULL);
	add_unfinished(w, 200, &c);
	add_super(w, 3000, NULL);
	add(w, 1514);
	add_super(w, 60000, &c);
	add_unfinished(w, 1514, NULL);
	add_super(w, 65535, NULL); /* the most that veth does not cut */
	add_super(w, 30000, &priority);
	add(w, 61);
}

static void test_rx_offloads(void **state)
{
	static const uint32_t slot_bytes[] = { 0, 2048, 65536 };
	struct wire *w = *state;

	open_peer(w, true);
	add_offloads(w);
	for (size_t i = 0; i < ARRAY_SIZE(slot_bytes); i++) {
		struct port_packet_params p = params(1500);

		p.slot_bytes = slot_bytes[i];
		open_port(w, &p);
		send_all(w);
		take_all(w);
		assert_int_equal(stats_dropped(&w->stats), 0);
		close_port(w);
	}
}

/* ---- stopping ---- */

/* Nothing arrives once it is told to stop, of no type, and what had arrived is
 * there. */
static void test_stop_is_final(void **state)
{
	static const uint16_t type[] = { TYPE_TEST, 0, 0x00f8, 0x05ff, 0x0600,
					 ETH_P_IP, ETH_P_ARP, ETH_P_IPV6,
					 ETH_P_LOOPBACK, 0xffff };
	struct port_packet_params p = params(1500);
	struct wire *w = *state;
	struct port_counters c;

	open_port(w, &p);
	open_peer(w, false);
	for (size_t i = 0; i < ARRAY_SIZE(type); i++)
		put16(add(w, 60)->data + 12, type[i]);
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		add_tagged(w, 100, tags[i], count_tags(tags[i]));
	send_all(w);
	assert_int_equal(w->port->ops->stop_rx(w->port), 0);
	for (size_t i = 0; i < w->n; i++)
		assert_int_equal(peer_send(w, &w->sample[i]), 0);
	take_all(w);
	w->port->ops->counters(w->port, &c);
	assert_int_equal(c.offered_frames, w->n);
	assert_int_equal(c.ring_full_frames, 0);
}

struct sender {
	struct wire *w;
	bool stop; /* shared */
	uint64_t sent; /* shared */
};

static void *keep_sending(void *arg)
{
	struct sender *s = arg;
	uint8_t data[60] = { 2 };

	put16(data + 12, TYPE_TEST);
	while (!shared_read(&s->stop)) {
		if (write(s->w->peer, data, sizeof(data)) < 0)
			continue;
		shared_write(&s->sent, s->sent + 1);
	}
	return NULL;
}

static void receive(struct wire *w)
{
	w->burst.n = 0;
	port_rx(w->port, &w->burst, &w->stats);
	port_release(w->port);
}

/* Stopped while frames come in: what was taken on is drained, and all that
 * the kernel offered is accounted for. */
static void test_stop(void **state)
{
	struct wire *w = *state;

	open_peer(w, false);
	for (int round = 0; round < 10; round++) {
		struct port_packet_params p = params(1500);
		struct sender sender = { .w = w };
		struct port_counters c;
		pthread_t thread;
		uint64_t sent, received;

		p.rx_slots = round % 2 ? 64 : 1024;
		open_port(w, &p);
		assert_int_equal(pthread_create(&thread, NULL, keep_sending,
						&sender), 0);
		wait_until((receive(w), w->stats.received_frames > 2000));
		/* Behind by now, so that there is something to drain. */
		wait_until(offered(w) - ring_full(w) >
			   w->stats.received_frames + 20);
		assert_int_equal(w->port->ops->stop_rx(w->port), 0);
		w->port->ops->counters(w->port, &c);
		sent = shared_read(&sender.sent);
		wait_until(shared_read(&sender.sent) > sent + 1000);
		received = w->stats.received_frames;
		do
			receive(w);
		while (w->burst.n);
		assert_true(w->stats.received_frames > received);
		assert_int_equal(w->stats.received_frames + c.ring_full_frames,
				 c.offered_frames);
		assert_int_equal(offered(w), c.offered_frames);
		shared_write(&sender.stop, true);
		pthread_join(thread, NULL);
		receive(w);
		assert_int_equal(w->burst.n, 0);
		close_port(w);
	}
}

/* An interface that is gone delivers nothing: stopped already. */
static void test_stop_without_link(void **state)
{
	struct port_packet_params p = params(1500);
	struct wire *w = *state;

	open_port(w, &p);
	ip("link delete va");
	assert_int_equal(w->port->ops->stop_rx(w->port), 0);
	receive(w);
	assert_int_equal(w->burst.n, 0);
	close_port(w);
	ip("link add va type veth peer name vb"); /* for the teardown */
}

/* ---- sending ---- */

/* Receive one frame at vb with its tag back in place; 0: none came. */
static uint32_t peer_receive(struct wire *w, uint8_t *data, size_t size,
			     struct virtio_net_hdr *vnet)
{
	struct pollfd pfd = { .fd = w->peer, .events = POLLIN };
	char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct iovec iov[2] = { { vnet, sizeof(*vnet) }, { data, size } };
	struct msghdr msg = {
		.msg_iov = w->peer_vnet ? iov : iov + 1,
		.msg_iovlen = w->peer_vnet ? 2 : 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct tpacket_auxdata aux;
	ssize_t n;

	memset(vnet, 0, sizeof(*vnet));
	if (poll(&pfd, 1, 5000) != 1)
		return 0;
	n = recvmsg(w->peer, &msg, MSG_DONTWAIT);
	assert_true(n > 0 && !(msg.msg_flags & MSG_TRUNC));
	n -= w->peer_vnet ? (ssize_t)sizeof(*vnet) : 0;
	memcpy(&aux, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(aux));
	if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
		return (uint32_t)n;
	memmove(data + 16, data + 12, (size_t)n - 12);
	put16(data + 12, aux.tp_vlan_tpid);
	put16(data + 14, aux.tp_vlan_tci);
	if (vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		vnet->csum_start += 4;
	return (uint32_t)n + 4;
}

/* Send all samples by the port, in bursts of this many. */
static void tx_all(struct wire *w, uint32_t burst)
{
	for (size_t i = 0; i < w->n;) {
		struct burst *b = &w->burst;

		for (b->n = 0; b->n < burst && i < w->n; i++)
			b->frame[b->n++] = (struct frame){
				w->sample[i].data, w->sample[i].len,
				w->sample[i].vnet,
			};
		port_tx(w->port, b->frame, b->n, &w->stats);
	}
}

/* All samples, and nothing else, have arrived at vb in their order. */
static void assert_peer_has_all(struct wire *w)
{
	static uint8_t data[70000];
	struct virtio_net_hdr vnet;
	struct pollfd pfd = { .fd = w->peer, .events = POLLIN };

	for (size_t i = 0; i < w->n; i++) {
		uint32_t len = peer_receive(w, data, sizeof(data), &vnet);

		if (!len)
			fail_msg("sample %zu did not arrive", i);
		assert_same(&w->sample[i], data, len, i);
		if (w->peer_vnet)
			assert_same_vnet(&w->sample[i].vnet, &vnet);
	}
	assert_int_equal(poll(&pfd, 1, 0), 0);
}

/* How a port may be told to send. */
static const struct {
	enum tx_mode mode;
	bool bypass;
} tx_way[] = {
	{ TX_AUTO, false },   { TX_DIRECT, false }, { TX_RING, false },
	{ TX_DIRECT, true },
};

static void open_way(struct wire *w, size_t i, uint32_t mtu)
{
	struct port_packet_params p = params(mtu);

	p.tx_mode = tx_way[i].mode;
	p.qdisc_bypass = tx_way[i].bypass;
	open_port(w, &p);
}

static uint64_t sample_bytes(const struct wire *w)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < w->n; i++)
		bytes += w->sample[i].len;
	return bytes;
}

static void test_tx_exact(void **state)
{
	static const uint32_t bytes[] = { 14, 15, 59, 60, 61, 100, 1513, 1514 };
	static const uint32_t burst[] = { 1, 7, BURST_RX, BURST_MAX };
	struct wire *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++)
		add(w, bytes[i]);
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		size_t n = count_tags(tags[i]);
		bool counts = tags[i][0].tpid != 0x9100;

		add_tagged(w, 16 + 4 * (uint32_t)n, tags[i], n);
		add_tagged(w, 1514, tags[i], n);
		/* One tag beyond the MTU; by sendmsg 802.1ad has no room. */
		add_tagged(w, counts ? 1518 : 1514, tags[i], n);
		add(w, 60);
	}
	open_peer(w, false);
	for (size_t i = 0; i < ARRAY_SIZE(tx_way); i++) {
		open_way(w, i, 1500);
		for (size_t k = 0; k < ARRAY_SIZE(burst); k++) {
			memset(&w->stats, 0, sizeof(w->stats));
			tx_all(w, burst[k]);
			assert_int_equal(w->stats.forwarded_frames, w->n);
			assert_int_equal(w->stats.forwarded_bytes,
					 sample_bytes(w));
			assert_int_equal(stats_dropped(&w->stats), 0);
			assert_peer_has_all(w);
		}
		close_port(w);
	}
}

/* Far more frames than slots. */
static void test_tx_wraps(void **state)
{
	struct wire *w = *state;

	open_peer(w, false);
	for (size_t i = 0; i < ARRAY_SIZE(tx_way); i++) {
		open_way(w, i, 1500);
		for (int round = 0; round < 20; round++) {
			for (int k = 0; k < 100; k++)
				add(w, 60 + (uint32_t)(rng_next() % 1000));
			tx_all(w, 1 + (uint32_t)(rng_next() % BURST_MAX));
			assert_peer_has_all(w);
			forget(w);
		}
		assert_int_equal(w->stats.forwarded_frames, 2000);
		assert_int_equal(stats_dropped(&w->stats), 0);
		close_port(w);
	}
}

/* Plain, unfinished and super-frames by whatever way each needs, in order. */
static void test_tx_offloads(void **state)
{
	struct wire *w = *state;

	open_peer(w, true);
	add_offloads(w);
	for (size_t i = 0; i < ARRAY_SIZE(tx_way); i++) {
		open_way(w, i, 1500);
		/* No more at once than a receive buffer of 208 KiB takes. */
		for (uint32_t round = 1; round <= 3; round++) {
			tx_all(w, round == 1 ? BURST_MAX : round);
			assert_int_equal(w->stats.forwarded_frames,
					 round * w->n);
			assert_int_equal(w->stats.forwarded_bytes,
					 round * sample_bytes(w));
			assert_int_equal(stats_dropped(&w->stats), 0);
			assert_peer_has_all(w);
		}
		close_port(w);
	}
}

/* Of a super-frame that a full queue refused, parts may be out: it is never
 * submitted again, wherever in a burst it stands, and however patient one is. */
static void test_tx_super_once(void **state)
{
	struct wire *w = *state;

	open_peer(w, true);
	for (int patient = 0; patient < 2; patient++) {
		struct port_packet_params p = params(1500);

		p.tx_mode = TX_DIRECT;
		p.patient = patient;
		open_port(w, &p);
		add_unfinished(w, 100, NULL);
		add_super(w, 5000, NULL);
		add_unfinished(w, 101, NULL);
		full.on = true;
		full.super_frames = 0;
		tx_all(w, BURST_MAX);
		full.on = false;
		assert_int_equal(full.super_frames, 1);
		assert_int_equal(w->stats.forwarded_frames, 2);
		assert_int_equal(w->stats.dropped_frames[REASON_TX_FULL], 1);
		free(w->sample[1].data);
		w->sample[1] = w->sample[--w->n];
		assert_peer_has_all(w);
		forget(w);
		close_port(w);
	}
}

/* Nor by the ring. */
static void test_tx_ring_super_once(void **state)
{
	struct wire *w = *state;

	set_mtu(9000); /* it fits a slot */
	open_peer(w, true);
	for (int patient = 0; patient < 2; patient++) {
		struct port_packet_params p = params(9000);

		p.tx_mode = TX_RING;
		p.patient = patient;
		open_port(w, &p);
		add_super(w, 5000, NULL);
		full.on = true;
		full.super_frames = 0;
		tx_all(w, BURST_MAX);
		full.on = false;
		assert_int_equal(full.super_frames, 1);
		assert_int_equal(w->stats.dropped_frames[REASON_TX_FULL], 1);
		forget(w);
		add(w, 60);
		tx_all(w, 1);
		assert_peer_has_all(w);
		forget(w);
		close_port(w);
	}
}

/* A qdisc that holds frames: odd ones wait for it as all others do. */
static void test_tx_held(void **state)
{
	static const struct tag tag = { 0x88a8, 5 };
	struct port_packet_params p = params(1500);
	struct wire *w = *state;

	if (system("tc qdisc add dev va root tbf rate 20mbit burst 32kb "
		   "latency 1s 2>/dev/null"))
		skip(); /* no tc, or no tbf */
	p.tx_mode = TX_DIRECT;
	open_peer(w, false);
	open_port(w, &p);
	for (int i = 0; i < 200; i++)
		add_tagged(w, 1518, &tag, 1);
	tx_all(w, BURST_RX);
	assert_int_equal(w->stats.forwarded_frames, w->n);
	assert_peer_has_all(w);
}

/* A ring that stays full costs little: one wait, not one for each run. */
static void test_tx_held_long(void **state)
{
	static const struct tag tag = { 0x88a8, 5 };
	struct port_packet_params p = params(1500);
	struct wire *w = *state;
	uint64_t before_ns;

	if (system("tc qdisc add dev va root tbf rate 8kbit burst 32kb "
		   "limit 1000000 2>/dev/null"))
		skip();
	p.tx_mode = TX_RING;
	p.tx_slots = 16;
	open_port(w, &p);
	for (int i = 0; i < 100; i++)
		add_tagged(w, 1518, &tag, 1);
	tx_all(w, BURST_RX);
	before_ns = clock_now_ns();
	for (int i = 0; i < 200; i++)
		tx_all(w, 1);
	assert_true(clock_now_ns() - before_ns < 2 * NS_PER_SEC);
	assert_true(w->stats.dropped_frames[REASON_TX_FULL] > 20000);
	assert_int_equal(w->stats.forwarded_frames + stats_dropped(&w->stats),
			 201 * w->n);
}

/* One that the kernel refuses does not keep back those behind it. */
static void test_tx_refused(void **state)
{
	static const uint32_t bytes[] = { 60, 13, 61, 3000, 62, 1, 63, 64 };
	struct wire *w = *state;

	open_peer(w, false);
	for (size_t i = 0; i < ARRAY_SIZE(tx_way); i++) {
		size_t kept = 0;

		for (size_t k = 0; k < ARRAY_SIZE(bytes); k++)
			add(w, 3000)->len = bytes[k];
		open_way(w, i, 1500);
		tx_all(w, BURST_MAX);
		assert_int_equal(w->stats.forwarded_frames, 5);
		assert_int_equal(w->stats.dropped_frames[REASON_TX_ERROR], 2);
		assert_int_equal(w->stats.dropped_frames[REASON_OVERSIZE], 1);
		assert_int_equal(stats_dropped(&w->stats), 3);
		for (size_t k = 0; k < w->n; k++) {
			if (bytes[k] >= 60 && bytes[k] < 100)
				w->sample[kept++] = w->sample[k];
			else
				free(w->sample[k].data);
		}
		w->n = kept;
		assert_peer_has_all(w);
		forget(w);
		close_port(w);
	}
}

static void test_tx_jumbo(void **state)
{
	struct wire *w = *state;

	set_mtu(9000);
	open_peer(w, false);
	add(w, 9014);
	add_tagged(w, 9018, tags[0], 1);
	add_tagged(w, 9018, tags[1], 1);
	add(w, 60);
	for (size_t i = 0; i < ARRAY_SIZE(tx_way); i++) {
		open_way(w, i, 9000);
		tx_all(w, BURST_MAX);
		assert_int_equal(w->stats.forwarded_frames, w->n);
		assert_peer_has_all(w);
		close_port(w);
	}
}

/* A link that was set down: counted frame by frame, and up again it sends. */
static void test_tx_link_down(void **state)
{
	struct wire *w = *state;

	open_peer(w, false);
	for (uint32_t i = 0; i < 40; i++)
		add(w, 60 + i);
	for (size_t i = 0; i < ARRAY_SIZE(tx_way); i++) {
		open_way(w, i, 1500);
		ip("link set va down");
		tx_all(w, BURST_RX);
		assert_int_equal(w->stats.dropped_frames[REASON_LINK_DOWN],
				 40);
		assert_int_equal(stats_dropped(&w->stats), 40);
		assert_int_equal(w->stats.forwarded_frames, 0);
		ip("link set va up");
		wait_until(is_running("va") && is_running("vb"));
		tx_all(w, BURST_RX);
		assert_int_equal(w->stats.forwarded_frames, 40);
		assert_int_equal(stats_dropped(&w->stats), 40);
		assert_peer_has_all(w);
		close_port(w);
	}
}

/* Super-frames, too, each once. */
static void test_tx_offloads_link_down(void **state)
{
	struct wire *w = *state;

	open_peer(w, true);
	add_offloads(w);
	for (size_t i = 0; i < ARRAY_SIZE(tx_way); i++) {
		open_way(w, i, 1500);
		ip("link set va down");
		tx_all(w, BURST_RX);
		assert_int_equal(w->stats.dropped_frames[REASON_LINK_DOWN],
				 w->n);
		assert_int_equal(stats_dropped(&w->stats), w->n);
		ip("link set va up");
		wait_until(is_running("va") && is_running("vb"));
		close_port(w);
	}
}

/* The link is gone for good. */
static void test_tx_link_gone(void **state)
{
	struct wire *w = *state;

	for (uint32_t i = 0; i < 40; i++)
		add(w, 60 + i);
	add_super(w, 20000, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(tx_way); i++) {
		open_way(w, i, 1500);
		ip("link delete va");
		tx_all(w, BURST_RX);
		assert_int_equal(w->stats.dropped_frames[REASON_LINK_DOWN],
				 w->n);
		assert_int_equal(stats_dropped(&w->stats), w->n);
		close_port(w);
		ip("link add va type veth peer name vb");
		ip("link set va up");
		ip("link set vb up");
		wait_until(is_running("va") && is_running("vb"));
	}
}

/* Its socket says once that it went down, and receives again when it is up. */
static void test_rx_link_down(void **state)
{
	struct port_packet_params p = params(1500);
	struct wire *w = *state;
	struct pollfd pfd = { .events = POLLIN };

	open_port(w, &p);
	open_peer(w, false);
	add(w, 60);
	ip("link set va down");
	pfd.fd = w->port->ops->rx_fd(w->port);
	assert_int_equal(poll(&pfd, 1, 5000), 1);
	assert_true(pfd.revents & POLLERR);
	assert_int_equal(w->port->ops->take_error(w->port), -ENETDOWN);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	assert_int_equal(w->port->ops->take_error(w->port), 0);
	receive(w);
	assert_int_equal(w->burst.n, 0);
	ip("link set va up");
	wait_until(is_running("va") && is_running("vb"));
	send_all(w);
	take_all(w);
}

static void test_tx_nothing(void **state)
{
	struct wire *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(tx_way); i++) {
		open_way(w, i, 1500);
		w->burst.n = 0;
		port_tx(w->port, w->burst.frame, w->burst.n, &w->stats);
		assert_int_equal(w->stats.forwarded_frames, 0);
		assert_int_equal(stats_dropped(&w->stats), 0);
		close_port(w);
	}
}

/* ---- what stands beside ---- */

static void test_reasons(void **state)
{
	static const struct {
		int err;
		enum reason why;
	} row[] = {
		{ EAGAIN, REASON_TX_FULL },    { ENOBUFS, REASON_TX_FULL },
		{ ENOMEM, REASON_TX_FULL },    { EMSGSIZE, REASON_OVERSIZE },
		{ ENETDOWN, REASON_LINK_DOWN }, { ENXIO, REASON_LINK_DOWN },
		{ ENODEV, REASON_LINK_DOWN },  { EINVAL, REASON_TX_ERROR },
		{ EPERM, REASON_TX_ERROR },    { EIO, REASON_TX_ERROR },
		{ 0, REASON_TX_ERROR },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		assert_int_equal(tx_reason(row[i].err), row[i].why);
}

static void test_mode_auto(void **state)
{
	static const char *const driver[] = { "veth", "tun", "", "e1000e",
					      "no such driver" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(driver); i++)
		assert_in_set(tx_mode_auto(driver[i]),
			      ((LargestIntegralType[]){ TX_RING, TX_DIRECT }),
			      2);
	assert_int_equal(tx_mode_auto("veth"), TX_DIRECT);
}

/* ---- opening and closing ---- */

static size_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static unsigned int promiscuity(void)
{
	struct link_monitor *m;
	struct link_info info;

	assert_int_equal(link_monitor_open(&m), 0);
	assert_int_equal(link_get(m, "va", &info), 0);
	link_monitor_close(m);
	return info.promiscuity;
}

/* What was logged by an attempt that has to fail. */
static int open_logged(const struct port_packet_params *p,
		       struct test_log *log)
{
	struct port *port = (struct port *)log; /* to be left alone */
	int r;

	test_log_begin(log);
	r = port_packet_open(&port, p);
	test_log_end(log);
	assert_ptr_equal(port, (struct port *)log);
	return r;
}

static void test_no_such_index(void **state)
{
	size_t fds = count_fds();
	struct test_log log;

	(void)state;
	for (int i = 1; i < 4; i++)
		for (size_t k = 0; k < ARRAY_SIZE(tx_way); k++) {
			struct port_packet_params p = params(1500);

			p.index = 99999;
			p.rx = i & 1;
			p.tx = i & 2;
			p.tx_mode = tx_way[k].mode;
			assert_int_equal(open_logged(&p, &log), -ENODEV);
			assert_logged(&log, ": error: port va: ");
			assert_int_equal(test_log_lines(&log), 1);
			assert_int_equal(count_fds(), fds);
		}
}

/* A port that only receives, or only sends, asks for no more than that. */
static void test_one_way(void **state)
{
	struct port_packet_params p = params(1500);
	struct wire *w = *state;
	size_t fds = count_fds();

	p.tx = false;
	open_port(w, &p);
	assert_int_equal(count_fds(), fds + 1);
	assert_int_equal(promiscuity(), 1);
	open_peer(w, false);
	add(w, 60);
	send_all(w);
	take_all(w);
	close_port(w);
	p.tx = true;
	p.rx = false;
	open_port(w, &p);
	assert_int_equal(promiscuity(), 0);
	tx_all(w, 1);
	assert_int_equal(w->stats.forwarded_frames, 1);
	close_port(w);
}

struct opener {
	pthread_t thread;
	size_t way;
	int failed; /* openings */
};

static void *open_and_close(void *arg)
{
	struct opener *o = arg;

	for (int i = 0; i < OPENINGS / OPENERS; i++) {
		struct port_packet_params p = params(1500);
		struct port *port = NULL;

		p.tx_mode = tx_way[o->way].mode;
		p.qdisc_bypass = tx_way[o->way].bypass;
		if (port_packet_open(&port, &p))
			o->failed++;
		else
			port_close(port);
	}
	return NULL;
}

/* By several threads, since closing a packet socket waits for RCU, 20 ms. */
static void test_open_close(void **state)
{
	struct opener opener[OPENERS];
	struct wire *w = *state;
	size_t fds = count_fds();

	assert_int_equal(promiscuity(), 0);
	for (size_t i = 0; i < OPENERS; i++) {
		opener[i] = (struct opener){ .way = i % ARRAY_SIZE(tx_way) };
		assert_int_equal(pthread_create(&opener[i].thread, NULL,
						open_and_close, &opener[i]),
				 0);
	}
	for (size_t i = 0; i < OPENERS; i++) {
		pthread_join(opener[i].thread, NULL);
		assert_int_equal(opener[i].failed, 0);
	}
	assert_int_equal(count_fds(), fds);
	assert_int_equal(promiscuity(), 0);
	for (size_t i = 0; i < ARRAY_SIZE(tx_way); i++) {
		open_way(w, i, 1500);
		assert_int_equal(promiscuity(), 1);
		close_port(w);
		assert_int_equal(promiscuity(), 0);
		assert_int_equal(count_fds(), fds);
	}
}

/* Two ports on one link, as when a pair is attached anew: the link is
 * promiscuous until both are closed. */
static void test_promiscuity_is_counted(void **state)
{
	struct port_packet_params p = params(1500);
	struct wire *w = *state;
	struct port *other;

	open_port(w, &p);
	assert_int_equal(port_packet_open(&other, &p), 0);
	assert_int_equal(promiscuity(), 2);
	close_port(w);
	assert_int_equal(promiscuity(), 1);
	port_close(other);
	assert_int_equal(promiscuity(), 0);
}

/* ---- a ring that the kernel holds ---- */

/* A device that gives the kernel whatever super-frames it is told to. */
static int open_tap(void)
{
	struct ifreq req = {
		.ifr_name = "tap",
		.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
	};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return fd;
	if (ioctl(fd, TUNSETIFF, &req)) {
		close(fd);
		return -1;
	}
	ip("link set tap up");
	wait_until(is_running("tap"));
	return fd;
}

static void tap_send(int fd, const struct sample *s)
{
	struct iovec iov[2] = {
		{ (void *)&s->vnet, sizeof(s->vnet) }, { s->data, s->len },
	};

	assert_int_equal(writev(fd, iov, 2), sizeof(s->vnet) + s->len);
}

/* UDP as a device with UFO would have it: no packet socket can be told. */
static struct sample *add_ufo(struct wire *w)
{
	struct sample *s = add_unfinished(w, 4042, NULL);

	s->data[23] = IPPROTO_UDP;
	put16(s->data + 38, 4008);
	s->vnet.csum_offset = 6;
	s->vnet.gso_type = VIRTIO_NET_HDR_GSO_UDP;
	s->vnet.gso_size = 1472;
	s->vnet.hdr_len = 42;
	return s;
}

static uint64_t received_on_left(const struct bridge *b)
{
	return counter_read(&b->lane[SIDE_LEFT].stats.received_frames);
}

/* Frames arrive, and the bridge ticks, until it has received this many. */
static void flow_until(struct bridge *b, int tap, const struct sample *s,
		       uint64_t n)
{
	static const struct timespec pause = { .tv_nsec = 50000000 };

	uint64_t until_ns = clock_now_ns() + PATIENCE_NS;

	while (received_on_left(b) < n) {
		tap_send(tap, s);
		nanosleep(&pause, NULL);
		assert_int_equal(bridge_tick(b), 0);
		assert_true(clock_now_ns() < until_ns);
	}
}

static void test_held_ring(void **state)
{
	struct lane_stats *s;
	struct link_monitor *m;
	struct wire *w = *state;
	struct conf_pair *pair;
	struct bridge *b;
	struct conf conf;
	int tap = open_tap();
	uint64_t lost;

	if (tap < 0)
		skip();
	conf_init(&conf);
	pair = conf_add_pair(&conf, "wan");
	assert_int_equal(conf_set(&conf, pair, "", "left", "tap"), 0);
	assert_int_equal(conf_set(&conf, pair, "", "right", "va"), 0);
	assert_int_equal(link_monitor_open(&m), 0);
	assert_int_equal(bridge_new(&b, pair, NULL), 0);
	assert_int_equal(bridge_attach(b, m), 0);
	s = &b->lane[SIDE_LEFT].stats;
	add(w, 60);
	add_ufo(w);
	flow_until(b, tap, &w->sample[0], 10);
	/* Whether this kernel holds the ring then or not, frames flow again. */
	tap_send(tap, &w->sample[1]);
	flow_until(b, tap, &w->sample[0], 30);
	bridge_detach(b);
	lost = s->ring_full_frames;
	assert_int_equal(s->offered_frames, s->received_frames + lost);
	assert_int_equal(s->forwarded_frames, s->received_frames);
	assert_int_equal(stats_unaccounted(s), 0);
	assert_int_equal(b->side[SIDE_LEFT].told_held, lost > 1);
	bridge_free(b);
	link_monitor_close(m);
	conf_fini(&conf);
	close(tap);
}

/* A ring that is only too small for a while is not taken for held. */
static void test_full_ring_is_not_held(void **state)
{
	struct link_monitor *m;
	struct wire *w = *state;
	struct conf_pair *pair;
	struct bridge *b;
	struct conf conf;
	uint64_t until_ns = clock_now_ns() + NS_PER_SEC * 3 / 2;

	conf_init(&conf);
	pair = conf_add_pair(&conf, "wan");
	assert_int_equal(conf_set(&conf, pair, "", "left", "va"), 0);
	assert_int_equal(conf_set(&conf, pair, "", "rx_slots", "64"), 0);
	ip("link add right type veth peer name far");
	ip("link set right up");
	assert_int_equal(conf_set(&conf, pair, "", "right", "right"), 0);
	assert_int_equal(link_monitor_open(&m), 0);
	assert_int_equal(bridge_new(&b, pair, NULL), 0);
	assert_int_equal(bridge_attach(b, m), 0);
	lane_stop(&b->lane[SIDE_LEFT]); /* nobody empties the ring */
	open_peer(w, false);
	add(w, 60);
	while (clock_now_ns() < until_ns) {
		for (int i = 0; i < 100; i++)
			peer_send(w, &w->sample[0]);
		assert_int_equal(bridge_tick(b), 0);
	}
	assert_true(b->lane[SIDE_LEFT].stats.ring_full_frames > 1000);
	assert_false(b->side[SIDE_LEFT].told_held);
	bridge_free(b);
	link_monitor_close(m);
	conf_fini(&conf);
	ip("link delete right");
}

int main(void)
{
#define RING_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	static const struct CMUnitTest tests[] = {
		RING_TEST(test_rx_exact),
		RING_TEST(test_rx_any_address),
		RING_TEST(test_rx_tags),
		RING_TEST(test_rx_wraps),
		RING_TEST(test_rx_overflow),
		RING_TEST(test_rx_slots),
		RING_TEST(test_rx_poll),
		RING_TEST(test_rx_not_outgoing),
		RING_TEST(test_copy_path),
		RING_TEST(test_copy_path_only),
		RING_TEST(test_jumbo_slots),
		RING_TEST(test_truncated),
		RING_TEST(test_truncated_ring),
		RING_TEST(test_rx_offloads),
		RING_TEST(test_stop_is_final),
		RING_TEST(test_stop),
		RING_TEST(test_stop_without_link),
		RING_TEST(test_tx_exact),
		RING_TEST(test_tx_wraps),
		RING_TEST(test_tx_offloads),
		RING_TEST(test_tx_super_once),
		RING_TEST(test_tx_ring_super_once),
		RING_TEST(test_tx_held),
		RING_TEST(test_tx_held_long),
		RING_TEST(test_tx_refused),
		RING_TEST(test_tx_jumbo),
		RING_TEST(test_tx_link_down),
		RING_TEST(test_tx_offloads_link_down),
		RING_TEST(test_tx_link_gone),
		RING_TEST(test_rx_link_down),
		RING_TEST(test_tx_nothing),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_mode_auto),
		RING_TEST(test_no_such_index),
		RING_TEST(test_one_way),
		RING_TEST(test_open_close),
		RING_TEST(test_promiscuity_is_counted),
		RING_TEST(test_held_ring),
		RING_TEST(test_full_ring_is_not_held),
	};

	if (!enter_netns()) {
		perror("test_rings: network namespace");
		return 77;
	}
	/* Nobody speaks on these links but the test. */
	write_text("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	alarm(WATCHDOG_SECONDS); /* an endless breath ends the test */
	return cmocka_run_group_tests_name("rings", tests, NULL, NULL);
}
