/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies in VXLAN, over the loopback of a network namespace of the test's own:
 * the kernel's vxlan device has to give them out as they were. And what is
 * said and returned while the collector is not there.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "log.h"
#include "rng.h"
#include "segment.h"
#include "tap_vxlan.h"
#include "test_log.h"
#include "test_netns.h"

#define SEED 0x7678
#define PATIENCE_MS 5000
#define ROOM 70000

struct fixture {
	struct tap_sink *sink;
	uint64_t now_ns;
	struct test_log log;
	struct rng rng;
	uint8_t sent[ROOM], got[ROOM];
};

static struct fixture fixture;

static int setup(void **state)
{
	*state = &fixture;
	fixture.rng = (struct rng){ SEED };
	fixture.sink = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	test_log_abandon(&fixture.log);
	return system("for l in va d0 vx4 vx6; do "
		      "ip link delete $l 2>/dev/null; done; "
		      "ip link set lo mtu 65536");
}

/* ---- the sink ---- */

static void open_sink(struct fixture *x, const char *to, const char *port,
		      uint32_t snap_bytes)
{
	const struct tap_params params = {
		.id = "t", .port = { port, NULL }, .to = to, .fd = -1,
		.snap_bytes = snap_bytes,
	};
	struct tap_target target;

	assert_int_equal(tap_target_parse(to, &target), 0);
	assert_int_equal(tap_vxlan_open(&x->sink, &params, &target), 0);
	x->now_ns = clock_now_ns();
}

static void close_sink(struct fixture *x)
{
	const struct tap_counts count[2] = { { 0 } };

	x->sink->ops->close(x->sink, count);
}

static int write_vnet(struct fixture *x, uint32_t len,
		      const struct virtio_net_hdr *vnet)
{
	struct tap_record record = {
		.frame = { .data = x->sent, .len = len },
		.len = len,
		.direction = DIRECTION_IN,
	};

	if (vnet)
		record.frame.vnet = *vnet;
	return x->sink->ops->write(x->sink, &record);
}

static int write_plain(struct fixture *x, uint32_t len)
{
	return write_vnet(x, len, NULL);
}

/* So much later. */
static void tick(struct fixture *x, uint64_t ms)
{
	const struct tap_counts count[2] = { { 0 } };

	for (; ms >= 100; ms -= 100) {
		x->now_ns += 100 * NS_PER_MS;
		assert_int_equal(x->sink->ops->tick(x->sink, x->now_ns, count),
				 0);
	}
}

/* ---- frames ---- */

static void put16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static void fill(struct fixture *x, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		x->sent[i] = (uint8_t)rng_next(&x->rng);
	x->sent[0] = 2; /* of one station, and local */
	x->sent[6] = 2;
	put16(x->sent + 12, 0x88b5); /* for experiments, IEEE 802 */
}

/* IPv4 and UDP. */
static void fill_flow(struct fixture *x, const char *from, uint16_t sport,
		      const char *to, uint16_t dport)
{
	uint8_t *ip4 = x->sent + 14;

	memset(x->sent, 0, 100);
	x->sent[0] = x->sent[6] = 2;
	put16(x->sent + 12, ETH_P_IP);
	ip4[0] = 0x45;
	put16(ip4 + 2, 86);
	ip4[9] = IPPROTO_UDP;
	inet_pton(AF_INET, from, ip4 + 12);
	inet_pton(AF_INET, to, ip4 + 16);
	put16(ip4 + 20, sport);
	put16(ip4 + 22, dport);
}

/* TCP of IPv4: headers of 54 bytes. */
static void fill_tcp(struct fixture *x, uint32_t len)
{
	uint8_t *ip4 = x->sent + 14, *tcp = x->sent + 34;

	fill(x, len);
	put16(x->sent + 12, ETH_P_IP);
	memset(ip4, 0, 40);
	ip4[0] = 0x45;
	put16(ip4 + 2, len - 14);
	ip4[8] = 64;
	ip4[9] = IPPROTO_TCP;
	inet_pton(AF_INET, "198.18.0.1", ip4 + 12);
	inet_pton(AF_INET, "198.18.0.2", ip4 + 16);
	tcp[12] = 0x50;
	tcp[13] = 0x18; /* PSH, ACK */
}

/* ---- the far end ---- */

static int listen_raw(const char *name)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, 0), on = 1, room = 4 << 20;

	assert_true(fd >= 0 && address.sll_ifindex);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on,
				    sizeof(on)), 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on,
				    sizeof(on)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	assert_int_equal(bind(fd, (const void *)&address, sizeof(address)), 0);
	return fd;
}

/* The next frame, with the tag that the kernel keeps beside it. */
static uint32_t take(struct fixture *x, int fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct iovec iov = { x->got, sizeof(x->got) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct tpacket_auxdata aux;
	uint32_t len;

	if (poll(&p, 1, PATIENCE_MS) <= 0)
		fail_msg("nothing arrives");
	len = (uint32_t)recvmsg(fd, &msg, 0);
	memcpy(&aux, CMSG_DATA(&control.head), sizeof(aux));
	if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
		return len;
	memmove(x->got + 16, x->got + 12, len - 12);
	put16(x->got + 12, aux.tp_vlan_tpid);
	put16(x->got + 14, aux.tp_vlan_tci);
	return len + 4;
}

static void check_arrives(struct fixture *x, int fd, uint32_t len)
{
	assert_int_equal(write_plain(x, len), 0);
	assert_int_equal(take(x, fd), len);
	assert_memory_equal(x->got, x->sent, len);
}

/* A collector that only listens. */
static int listen_udp(uint16_t port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(bind(fd, (const void *)&address, sizeof(address)), 0);
	return fd;
}

/* Returns the port that it came from. */
static uint16_t take_udp(struct fixture *x, int fd, uint32_t *len)
{
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, PATIENCE_MS) <= 0)
		fail_msg("nothing arrives");
	*len = (uint32_t)recvfrom(fd, x->got, sizeof(x->got), 0,
				  (struct sockaddr *)&from, &from_len);
	return ntohs(from.sin_port);
}

/* ---- the tests ---- */

static void through(struct fixture *x, const char *to, const char *device)
{
	static const uint16_t tpid[] = { 0x8100, 0x88a8 };
	int fd;

	open_sink(x, to, NULL, 0);
	fd = listen_raw(device);
	for (uint32_t len = 14; len < 9000; len += 1 + len / 3) {
		fill(x, len);
		check_arrives(x, fd, len);
	}
	for (size_t i = 0; i < ARRAY_SIZE(tpid); i++) {
		fill(x, 1518);
		put16(x->sent + 12, tpid[i]);
		put16(x->sent + 14, 0x6064);
		put16(x->sent + 16, 0x88b5);
		check_arrives(x, fd, 1518);
	}
	fill(x, 60);
	memset(x->sent, 0xff, 6); /* for all stations */
	check_arrives(x, fd, 60);
	memcpy(x->sent, "\x01\x80\xc2\0\0\x0e", 6); /* link-local: LLDP */
	check_arrives(x, fd, 60);
	close(fd);
	close_sink(x);
}

/* Over a loopback of 1500 bytes, so that the longer ones are fragmented. */
static void test_equal(void **state)
{
	struct fixture *x = *state;

	ip("link set lo mtu 1500");
	ip("link add vx4 type vxlan id 42 dstport 4789 local 127.0.0.1");
	ip("link set vx4 up mtu 9100");
	test_log_begin(&x->log);
	through(x, "vxlan:127.0.0.1/42", "vx4");
	test_log_check(&x->log,
		       "collector 127.0.0.1:4789: underlay MTU 1500: frames over "
		       "1464 bytes are fragmented; raise it to ", 1);
	ip("link delete vx4");

	ip("link add vx4 type vxlan id 0 dstport 4790 local 127.0.0.1");
	ip("link set vx4 up mtu 9100");
	test_log_begin(&x->log);
	through(x, "vxlan:127.0.0.1:4790", "vx4");
	test_log_check(&x->log, "fragmented", 1);

	if (access("/proc/net/if_inet6", F_OK))
		skip();
	ip("link add vx6 type vxlan id 16777215 dstport 4789 local ::1");
	ip("link set vx6 up mtu 9100");
	test_log_begin(&x->log);
	through(x, "vxlan:[::1]/16777215", "vx6");
	test_log_check(&x->log,
		       "collector [::1]:4789: underlay MTU 1500: frames over "
		       "1444 bytes are fragmented; raise it to ", 1);
}

/* As the segments that the sending device would have made, of which a snap
 * length leaves some of each. */
static void check_super(struct fixture *x, uint32_t snap_bytes)
{
	static const struct virtio_net_hdr vnet = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = 54, .gso_size = 100, .csum_start = 34,
		.csum_offset = 16,
	};
	const uint32_t len = 54 + 100 * 100 + 7;
	struct frame f = { .data = x->sent, .len = len, .vnet = vnet };
	uint8_t want[1514];
	struct segment_job job;
	uint32_t n = 0, bytes;
	int fd;

	ip("link add vx4 type vxlan id 42 dstport 4789 local 127.0.0.1");
	ip("link set vx4 up");
	open_sink(x, "vxlan:127.0.0.1/42", NULL, snap_bytes);
	fd = listen_raw("vx4");
	fill_tcp(x, len);
	assert_int_equal(write_vnet(x, len, &vnet), 0);
	assert_int_equal(segment_start_super(&job, &f), 0);
	while (segment_next(&job, want, sizeof(want), &bytes)) {
		if (snap_bytes && bytes > snap_bytes)
			bytes = snap_bytes;
		assert_int_equal(take(x, fd), bytes);
		assert_memory_equal(x->got, want, bytes);
		n++;
	}
	assert_int_equal(n, 101);
	/* One that nobody can cut is lost, and told of. */
	test_log_begin(&x->log);
	put16(x->sent + 12, 0x88b5);
	assert_int_equal(write_vnet(x, len, &vnet), -EBADMSG);
	assert_int_equal(write_vnet(x, len, &vnet), -EBADMSG);
	test_log_check(&x->log, "a frame of 10061 bytes cannot be cut", 1);
	close(fd);
	close_sink(x);
	ip("link delete vx4");
}

static void test_super(void **state)
{
	check_super(*state, 0);
	check_super(*state, 100);
}

/* No frame is shorter than its header. */
static void test_snap(void **state)
{
	static const uint32_t snap_bytes[] = { 1, 14, 15, 100, 2000 };
	struct fixture *x = *state;
	int fd;

	ip("link add vx4 type vxlan id 42 dstport 4789 local 127.0.0.1");
	ip("link set vx4 up");
	for (size_t i = 0; i < ARRAY_SIZE(snap_bytes); i++) {
		uint32_t want = snap_bytes[i];
		struct tap_record record = {
			.frame = { .data = x->sent, .len = 200 }, .len = 200,
		};

		want = want < 14 ? 14 : want > 200 ? 200 : want;
		open_sink(x, "vxlan:127.0.0.1/42", NULL, snap_bytes[i]);
		fd = listen_raw("vx4");
		fill(x, 200);
		assert_int_equal(x->sink->ops->write(x->sink, &record), 0);
		assert_int_equal(record.frame.len, want);
		assert_int_equal(take(x, fd), want);
		assert_memory_equal(x->got, x->sent, want);
		close(fd);
		close_sink(x);
	}
}

static void test_header_and_ports(void **state)
{
	static const uint8_t header[8] = { 8, 0, 0, 0, 0x12, 0x34, 0x56, 0 };
	struct fixture *x = *state;
	int fd = listen_udp(4789), n = 0;
	bool used[UINT16_MAX + 1] = { false };
	uint16_t port, back;
	uint32_t len;

	open_sink(x, "vxlan:127.0.0.1/1193046", NULL, 0);
	for (uint16_t i = 0; i < 64; i++) {
		fill_flow(x, "198.18.0.1", (uint16_t)(1000 + i), "198.18.0.2",
			  80);
		assert_int_equal(write_plain(x, 100), 0);
		port = take_udp(x, fd, &len);
		assert_int_equal(len, 108);
		assert_memory_equal(x->got, header, 8);
		assert_memory_equal(x->got + 8, x->sent, 100);
		fill_flow(x, "198.18.0.2", 80, "198.18.0.1",
			  (uint16_t)(1000 + i));
		assert_int_equal(write_plain(x, 100), 0);
		back = take_udp(x, fd, &len);
		assert_int_equal(back, port);
		n += !used[port];
		used[port] = true;
	}
	assert_in_range(n, 4, 8);
	close(fd);
	close_sink(x);
}

static void test_refused(void **state)
{
	struct fixture *x = *state;
	int fd, refused = 0;

	open_sink(x, "vxlan:127.0.0.1", NULL, 0);
	fill(x, 60);
	log_level = LOG_LEVEL_INFO;
	test_log_begin(&x->log);
	for (int i = 0; i < 20; i++) {
		int r = write_plain(x, 60);

		assert_true(!r || r == -ECONNREFUSED);
		refused += r != 0;
	}
	/* All but the first, which nobody had answered yet. */
	assert_int_equal(refused, 19);
	test_log_check(&x->log,
		       "tap t: collector 127.0.0.1:4789: Connection refused: "
		       "copies are lost until it works again", 1);

	/* It is back: after a while without a refusal. */
	test_log_begin(&x->log);
	fd = listen_udp(4789);
	write_plain(x, 60); /* fetches the last of the refusals */
	assert_int_equal(write_plain(x, 60), -ECONNREFUSED);
	tick(x, 5000);
	assert_int_equal(write_plain(x, 60), 0);
	test_log_check(&x->log, "works again, after 21 lost copies", 1);
	log_level = LOG_LEVEL_WARN;
	close(fd);
	close_sink(x);
}

/* No way there when it is opened, then one, then the cable is out. */
static void test_unreachable(void **state)
{
	struct fixture *x = *state;

	log_level = LOG_LEVEL_INFO;
	fill(x, 60);
	test_log_begin(&x->log);
	open_sink(x, "vxlan:192.0.2.7", NULL, 0);
	assert_int_equal(write_plain(x, 60), -ENETUNREACH);
	tick(x, 3000);
	assert_int_equal(write_plain(x, 60), -ENETUNREACH);
	test_log_check(&x->log, "Network is unreachable", 1);

	ip("link add va type veth peer name vb");
	ip("link set va up");
	ip("link set vb up");
	ip("addr add 192.0.2.1/24 dev va");
	ip("neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev va");
	test_log_begin(&x->log);
	tick(x, 5000);
	assert_int_equal(write_plain(x, 60), 0);
	test_log_check(&x->log, "works again, after 2 lost copies", 1);

	test_log_begin(&x->log);
	ip("link set vb down");
	tick(x, 200);
	assert_int_equal(write_plain(x, 60), -ENETDOWN);
	ip("link set vb up");
	tick(x, 1000);
	assert_int_equal(write_plain(x, 60), 0);
	test_log_check(&x->log, "the interface that leads there is down", 2);
	assert_logged(&x->log, "works again, after 1 lost copies");

	/* Its address changes: the sockets follow. */
	test_log_begin(&x->log);
	ip("addr del 192.0.2.1/24 dev va");
	ip("addr add 192.0.2.2/24 dev va");
	ip("neigh replace 192.0.2.7 lladdr 02:00:00:00:00:07 dev va");
	write_plain(x, 60);
	tick(x, 3000);
	assert_int_equal(write_plain(x, 60), 0);
	test_log_check(&x->log, "", 2);
	log_level = LOG_LEVEL_WARN;
	close_sink(x);
}

/* What is told of the MTU, and when. */
static void test_mtu(void **state)
{
	static const char need[] = "underlay MTU 1500: frames over 1464 bytes "
				   "are fragmented; raise it to 1554";
	struct fixture *x = *state;
	int fd = listen_udp(4789);

	ip("link add d0 type veth");
	ip("link set d0 mtu 1500");
	ip("link set lo mtu 1500");
	test_log_begin(&x->log);
	open_sink(x, "vxlan:127.0.0.1", "d0", 0);
	fill(x, 1514);
	assert_int_equal(write_plain(x, 1514), 0);
	tick(x, 2000);
	test_log_check(&x->log, need, 1);
	close_sink(x);

	test_log_begin(&x->log);
	open_sink(x, "vxlan:127.0.0.1", "d0", 1464);
	assert_int_equal(write_plain(x, 1464), 0);
	test_log_check(&x->log, "", 0);
	close_sink(x);

	/* Enough at first, and then not: seen within a second. */
	ip("link set lo mtu 1550");
	test_log_begin(&x->log);
	open_sink(x, "vxlan:127.0.0.1", "d0", 0);
	assert_int_equal(write_plain(x, 1514), 0);
	tick(x, 2000);
	test_log_check(&x->log, "", 0);
	ip("link set lo mtu 1500");
	test_log_begin(&x->log);
	tick(x, 2000);
	test_log_check(&x->log, need, 1);
	/* Longer than a datagram can be. */
	test_log_begin(&x->log);
	fill(x, 65520);
	assert_int_equal(write_plain(x, 65520), -EMSGSIZE);
	fill(x, 60);
	assert_int_equal(write_plain(x, 60), 0);
	test_log_check(&x->log, "a frame of 65520 bytes is too long", 1);
	close(fd);
	close_sink(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_equal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_super, setup, teardown),
		cmocka_unit_test_setup_teardown(test_snap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_header_and_ports, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unreachable, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_mtu, setup, teardown),
	};

	if (!enter_netns()) {
		perror("test_tap_vxlan: network namespace");
		return 77;
	}
	if (system("ip link set lo up && ip link add vx4 type vxlan id 1 "
		   "dstport 4789 && ip link delete vx4"))
		return 77; /* no vxlan here */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
