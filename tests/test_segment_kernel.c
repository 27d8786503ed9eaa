/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * segment.c against the kernel: a super-frame goes by a bridge to a device
 * that cuts nothing itself, so that the kernel cuts it, and each byte of what
 * comes out there has to be in what we cut of what a packet socket was given.
 *
 *   (vx0 --) va ==== vb -- bridge -- vc ==== vd
 *                    |                       |
 *          what we are given        what the kernel made of it
 *
 * Tunnels are those of a vxlan device and, where BPF may be loaded, of a
 * program on va that puts the outer headers before a plain super-frame and
 * tells the kernel what they are, as tunnel devices do.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "segment.h"
#include "super_frames.h"

#define SEED UINT64_C(0x6b65726e656c)
#define SKIPPED 77
#define PATIENCE_MS 5000
#define FRAME_ROOM (FRAME_MAX_BYTES + 64)
#define INSTRUCTIONS_MAX 600
#define STACK_BYTES 512
#define BPF_TCX_OUT 47 /* BPF_TCX_EGRESS, since 6.6 */

struct ends {
	int into; /* the socket that sends: on va or vx0 */
	int given, made; /* those on vb and vd */
};

/* ---- sockets ---- */

static int open_socket(const char *ifname, uint16_t protocol)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = (int)if_nametoindex(ifname),
	};
	int one = 1, bytes = 8 << 20;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one,
				    sizeof(one)), 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one,
				    sizeof(one)), 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING,
				    &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (void *)&to, sizeof(to)), 0);
	return fd;
}

static void put_tag_back(struct frame *f, struct msghdr *m)
{
	struct tpacket_auxdata aux;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_PACKET ||
		    c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (aux.tp_status & TP_STATUS_VLAN_VALID)
			frame_push_tag(f, aux.tp_vlan_tpid, aux.tp_vlan_tci);
	}
}

/* The next frame, into `room`; false: there is none in time. */
static bool next_frame(int fd, struct frame *f, uint8_t *room)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char control[256];
	struct iovec iov[2] = {
		{ &f->vnet, sizeof(f->vnet) },
		{ room + FRAME_HEADROOM, FRAME_ROOM - FRAME_HEADROOM },
	};
	struct msghdr m = {
		.msg_iov = iov, .msg_iovlen = 2,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t n;

	if (poll(&p, 1, PATIENCE_MS) <= 0)
		return false;
	n = recvmsg(fd, &m, 0);
	assert_true(n > (ssize_t)sizeof(f->vnet));
	f->data = room + FRAME_HEADROOM;
	f->len = (uint32_t)n - (uint32_t)sizeof(f->vnet);
	put_tag_back(f, &m);
	return true;
}

static void drain(int fd)
{
	uint8_t byte;

	while (recv(fd, &byte, 1, MSG_DONTWAIT) >= 0)
		;
}

/* False: this kernel's packet sockets do not take such (UDP before 6.2). */
static bool send_super(int fd, const uint8_t *data, uint32_t len,
		       const struct virtio_net_hdr *vnet)
{
	struct virtio_net_hdr head = *vnet;
	struct iovec iov[2] = {
		{ &head, sizeof(head) }, { (void *)(uintptr_t)data, len },
	};
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	if (sendmsg(fd, &m, 0) == (ssize_t)(sizeof(head) + len))
		return true;
	if (errno != EINVAL || head.gso_type != VIRTIO_NET_HDR_GSO_UDP_L4)
		fail_msg("sendmsg: %s", strerror(errno));
	return false;
}

/* ---- comparing ---- */

/* Of the frames on vd those between the same two stations. */
static void assert_kernel_made(int fd, const uint8_t *want, uint32_t len)
{
	uint8_t *room = malloc(FRAME_ROOM);
	struct frame f;

	assert_non_null(room);
	do
		assert_true(next_frame(fd, &f, room));
	while (memcmp(f.data, want, 12));
	assert_true(frame_is_plain(&f));
	assert_int_equal(f.len, len);
	assert_memory_equal(f.data, want, len);
	free(room);
}

/* What is on its way is cut here as by the kernel. */
static void compare(const struct ends *ends)
{
	uint8_t *room = malloc(FRAME_ROOM), *out;
	struct segment_job job;
	uint32_t len;
	struct frame f;

	assert_non_null(room);
	do
		assert_true(next_frame(ends->given, &f, room));
	while (!frame_is_super(&f));
	assert_int_equal(segment_start_super(&job, &f), 0);
	out = malloc(segment_bytes(&job));
	assert_non_null(out);
	while (segment_next(&job, out, segment_bytes(&job), &len))
		assert_kernel_made(ends->made, out, len);
	assert_true(job.n > 1);
	free(out);
	free(room);
}

static void ends_open(struct ends *ends, const char *into)
{
	ends->into = open_socket(into, 0);
	ends->given = open_socket("vb", ETH_P_ALL);
	ends->made = open_socket("vd", ETH_P_ALL);
	drain(ends->given);
	drain(ends->made);
}

static void ends_close(const struct ends *ends)
{
	close(ends->into);
	close(ends->given);
	close(ends->made);
}

/* ---- super-frames as a host makes them ---- */

static const struct {
	uint32_t payload_bytes;
	uint16_t gso_size;
} sizes[] = { { 2401, 1200 }, { 2896, 1448 }, { 30001, 1000 },
	      { 60000, 1400 }, { 500, 9 } };

/* CWR beside no ECN is AccECN's; a sender has no word for that, and so the
 * kernel would take it for a mistake. */
static void make(struct super *s, const char *words, size_t size,
		 struct rng *rng)
{
	super_make(s, words, sizes[size].payload_bytes, sizes[size].gso_size,
		   rng);
	if (s->f.vnet.csum_offset == 16 &&
	    !(s->f.vnet.gso_type & VIRTIO_NET_HDR_GSO_ECN))
		s->f.data[s->layer[s->n - 1].at + 13] &= 0x7f;
}

static void send_each(const struct ends *ends, const char *const *words,
		      size_t n, struct rng *rng)
{
	struct super s;

	for (size_t i = 0; i < n * ARRAY_SIZE(sizes); i++) {
		make(&s, words[i % n], i / n, rng);
		if (send_super(ends->into, s.f.data, s.f.len, &s.f.vnet))
			compare(ends);
		super_free(&s);
	}
}

static void test_plain(void **state)
{
	static const char *const words[] = {
		"eth ip4 tcp", "eth ip6 tcpo", "eth ip4o tcpo", "eth ip6x tcp",
		"eth ip4 udp", "eth ip6 udp", "eth vlan ip4 tcp",
		"eth vlan ip6 udp", "eth qinq ip4 udp", "eth qinq vlan ip4 tcp",
	};
	struct rng rng = { SEED };
	struct ends ends;

	(void)state;
	ends_open(&ends, "va");
	send_each(&ends, words, ARRAY_SIZE(words), &rng);
	ends_close(&ends);
}

/* ---- a vxlan device ---- */

static void run(const char *command)
{
	if (system(command))
		fail_msg("%s", command);
}

static void test_vxlan(void **state)
{
	static const char *const devices[] = {
		"remote 198.18.0.2 local 198.18.0.1 noudpcsum",
		"remote 198.18.0.2 local 198.18.0.1 udpcsum",
		"remote 198.18.0.2 local 198.18.0.1 udpcsum gbp df set",
		"remote fd00:bb::2 local fd00:bb::1 udp6zerocsumtx",
		"remote fd00:bb::2 local fd00:bb::1 noudp6zerocsumtx",
	};
	static const char *const words[] = {
		"eth ip4 tcpo", "eth ip6 tcp", "eth vlan ip4 tcp",
		"eth ip4 udp", "eth ip6 udp",
	};
	struct rng rng = { SEED };
	char command[256];
	struct ends ends;

	(void)state;
	if (system("ip link add vx0 type vxlan id 1 dstport 4789 2>/dev/null"))
		skip();
	run("ip link del vx0");
	for (size_t d = 0; d < ARRAY_SIZE(devices); d++) {
		snprintf(command, sizeof(command), "ip link add vx0 mtu 1800 "
			 "type vxlan id 7 dstport %d dev va %s",
			 d % 2 ? 4789 : 8472, devices[d]);
		run(command);
		run("ip link set vx0 up");
		ends_open(&ends, "vx0");
		send_each(&ends, words, ARRAY_SIZE(words), &rng);
		ends_close(&ends);
		run("ip link del vx0");
	}
}

/* ---- tunnels by BPF ---- */

struct program {
	struct bpf_insn insn[INSTRUCTIONS_MAX];
	uint32_t n;
};

static void add(struct program *p, uint8_t code, uint8_t dst, uint8_t src,
		int16_t off, int32_t imm)
{
	assert_true(p->n < INSTRUCTIONS_MAX);
	p->insn[p->n++] = (struct bpf_insn){
		.code = code, .dst_reg = dst & 15, .src_reg = src & 15,
		.off = off, .imm = imm,
	};
}

static void add_call(struct program *p, int32_t function)
{
	add(p, BPF_JMP | BPF_CALL, 0, 0, 0, function);
}

static void add_number(struct program *p, uint8_t dst, uint64_t value)
{
	add(p, BPF_LD | BPF_DW | BPF_IMM, dst, 0, 0, (int32_t)value);
	add(p, 0, 0, 0, 0, (int32_t)(value >> 32));
}

/* Store `n` bytes at `at` of the frame. */
static void add_store(struct program *p, uint32_t at, const uint8_t *bytes,
		      uint32_t n)
{
	int16_t from = (int16_t)-(int)((n + 7) / 8 * 8);

	assert_true(n <= STACK_BYTES);
	for (uint32_t i = 0; i < n; i++)
		add(p, BPF_ST | BPF_MEM | BPF_B, BPF_REG_10, 0,
		    (int16_t)(from + (int)i), bytes[i]);
	add(p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_6, 0, 0);
	add_number(p, BPF_REG_2, at);
	add(p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_10, 0, 0);
	add(p, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_3, 0, 0, from);
	add_number(p, BPF_REG_4, n);
	add_number(p, BPF_REG_5, 0);
	add_call(p, BPF_FUNC_skb_store_bytes);
}

/* Make room behind the Ethernet header, and fill it in. */
static void program_make(struct program *p, const struct super *s,
			 uint32_t inner_at, uint64_t flags)
{
	p->n = 0;
	add(p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_1, 0, 0);
	add_number(p, BPF_REG_2, inner_at - 14);
	add_number(p, BPF_REG_3, BPF_ADJ_ROOM_MAC);
	add_number(p, BPF_REG_4, flags | BPF_F_ADJ_ROOM_FIXED_GSO);
	add_call(p, BPF_FUNC_skb_adjust_room);
	/* Where that was refused, drop: the test hears of it. */
	add(p, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 2, 0);
	add(p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 2);
	add(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	add_store(p, 12, s->f.data + 12, inner_at - 12);
	add(p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0);
	add(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static long bpf(int command, union bpf_attr *attr, uint32_t bytes)
{
	return syscall(SYS_bpf, command, attr, bytes);
}

/* Attached until the link is closed; -1: not here. */
static int program_attach(const struct program *p)
{
	/* union bpf_attr of a kernel that knows TCX */
	struct {
		uint32_t prog_fd, target_ifindex, attach_type, flags;
		uint64_t more[4];
	} create = {
		.target_ifindex = if_nametoindex("va"),
		.attach_type = BPF_TCX_OUT,
	};
	static char log[65536];
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_SCHED_CLS,
		.insn_cnt = p->n,
		.insns = (uintptr_t)p->insn,
		.license = (uintptr_t)"GPL",
		.log_buf = (uintptr_t)log,
		.log_size = sizeof(log),
		.log_level = 1,
	};
	long fd = bpf(BPF_PROG_LOAD, &load, sizeof(load)), link;

	if (fd < 0 && *log)
		fail_msg("the verifier: %s", log);
	if (fd < 0)
		return -1;
	create.prog_fd = (uint32_t)fd;
	link = bpf(BPF_LINK_CREATE, (union bpf_attr *)&create, sizeof(create));
	close((int)fd);
	return (int)link;
}

/* Ethernet and the innermost packet, as it was before the tunnel. */
static void send_inner(int fd, const struct super *s, uint32_t inner_at)
{
	uint32_t less = inner_at - 14;
	struct virtio_net_hdr vnet = s->f.vnet;
	uint8_t *data = malloc(s->f.len);
	bool v4 = s->f.data[inner_at] >> 4 == 4;

	assert_non_null(data);
	memcpy(data, s->f.data, 12);
	data[12] = v4 ? 0x08 : 0x86;
	data[13] = v4 ? 0x00 : 0xdd;
	memcpy(data + 14, s->f.data + inner_at, s->f.len - inner_at);
	vnet.csum_start = (uint16_t)(vnet.csum_start - less);
	vnet.hdr_len = (uint16_t)(vnet.hdr_len - less);
	send_super(fd, data, s->f.len - less, &vnet);
	free(data);
}

static bool has_word(const struct super *s, const char *word)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strncmp(s->layer[i].word, word, strlen(word)))
			return true;
	return false;
}

static uint64_t room_flags(const struct super *s, size_t inner)
{
	uint64_t flags = !strcmp(s->layer[1].word, "ip4") ?
				 BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 :
				 BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;

	if (has_word(s, "udp"))
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
	if (has_word(s, "gre"))
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_GRE;
	if (!strcmp(s->layer[inner - 1].word, "eth"))
		flags |= BPF_F_ADJ_ROOM_ENCAP_L2(14) |
			 BPF_F_ADJ_ROOM_ENCAP_L2_ETH;
	return flags;
}

/* False: there are no such programs here. */
static bool by_program(const struct ends *ends, const char *words, size_t k,
		       struct rng *rng)
{
	struct program *p = malloc(sizeof(*p));
	struct super s;
	uint32_t inner_at;
	int link;

	assert_non_null(p);
	make(&s, words, 2 + k % 2, rng);
	inner_at = s.layer[s.n - 2].at;
	program_make(p, &s, inner_at, room_flags(&s, s.n - 2));
	link = program_attach(p);
	if (link >= 0) {
		send_inner(ends->into, &s, inner_at);
		compare(ends);
		close(link);
	}
	super_free(&s);
	free(p);
	return link >= 0;
}

static void test_bpf(void **state)
{
	static const char *const words[] = {
		"eth ip4 gre ip4 tcp",
		"eth ip4 grek eth ip4 tcpo",
		"eth ip6 grek ip6 tcp",
		"eth ip6 gre eth ip6 tcpo",
		"eth ip4 ip4 tcp",
		"eth ip4 ip6 tcpo",
		"eth ip6 ip4o tcp",
		"eth ip6 ip6 tcp",
		"eth ip4 udp vxlan eth ip6 tcp",
		"eth ip4 udp geneve eth ip4 tcp",
		"eth ip6 udp geno eth ip4 tcpo",
		"eth ip4 udp geno ip6 tcp",
		"eth ip4 udp gpe ip4 tcp",
		"eth ip4 udp ip4 tcp",
		"eth ip6 udp ip4 tcp",
	};
	struct rng rng = { SEED };
	struct ends ends;
	bool here = true;

	(void)state;
	ends_open(&ends, "va");
	for (size_t k = 0; here && k < ARRAY_SIZE(words); k++)
		here = by_program(&ends, words[k], k, &rng);
	ends_close(&ends);
	if (!here)
		skip();
}

/* ---- the wire ---- */

static bool enter_netns(void)
{
	char map[32];
	uid_t uid = getuid();
	FILE *f;

	if (!unshare(CLONE_NEWNET))
		return true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", (unsigned int)uid);
	f = fopen("/proc/self/uid_map", "w");
	return f && fputs(map, f) >= 0 && !fclose(f);
}

static bool wire(void)
{
	return !system(
		"PATH=$PATH:/usr/sbin:/sbin && set -e\n"
		"ip link add name va address 02:bb:00:00:00:01 type veth \\\n"
		"	peer name vb\n"
		"ip link add name vc type veth peer name vd\n"
		"ip link add name bri type bridge mcast_snooping 0\n"
		"for d in vb vc vd bri; do\n"
		"	sysctl -qw net.ipv6.conf.$d.disable_ipv6=1\n"
		"done\n"
		"ip link set vb master bri\n"
		"ip link set vc master bri\n"
		"ethtool -K vc tx off sg off tso off gso off \\\n"
		"	tx-udp-segmentation off >/dev/null\n"
		"for d in va vb vc vd bri; do\n"
		"	ip link set $d mtu 2000 up\n"
		"done\n"
		"sysctl -qw net.ipv6.conf.default.disable_ipv6=1\n" /* vx0's */
		"ip addr add 198.18.0.1/24 dev va\n"
		"ip addr add fd00:bb::1/64 dev va nodad\n"
		"ip neigh add 198.18.0.2 lladdr 02:bb:00:00:00:02 dev va\n"
		"ip neigh add fd00:bb::2 lladdr 02:bb:00:00:00:02 dev va\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_vxlan),
		cmocka_unit_test(test_bpf),
	};

	if (!enter_netns()) {
		printf("no network namespace: %s\n", strerror(errno));
		return SKIPPED;
	}
	if (!wire()) {
		printf("no wire: veth, bridge or ethtool is missing\n");
		return SKIPPED;
	}
	return cmocka_run_group_tests_name("segment and the kernel", tests,
					   NULL, NULL);
}
