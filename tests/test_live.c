/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Live frames from one end of a veth pair, a raw socket on the other, in a
 * network namespace of the test's own: each frame is compared, byte for byte,
 * with one that is made here from its number, checksums from all bytes.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "clock.h"
#include "live.h"
#include "stamp.h"

#define SKIPPED 77
#define PATIENCE_S 5
#define LEN_MAX 2048
#define IP_AT 14
#define L4_AT 34
#define PAYLOAD_AT 42

/* ---- a wire ---- */

static void ip(const char *arguments)
{
	char command[256];

	snprintf(command, sizeof(command), "ip %s", arguments);
	if (system(command))
		fail_msg("%s", command);
}

static void set_gro(const char *name, uint32_t on)
{
	struct ethtool_value value = { .cmd = ETHTOOL_SGRO, .data = on };
	struct ifreq ifr = { .ifr_data = (void *)&value };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	assert_int_equal(ioctl(fd, SIOCETHTOOL, &ifr), 0);
	close(fd);
}

static int setup(void **state)
{
	(void)state;
	ip("link add va type veth peer name vb");
	ip("link set va up");
	ip("link set vb up");
	set_gro("vb", 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return system("ip link delete va");
}

static uint64_t received(const char *name)
{
	char line[512];
	FILE *file = fopen("/proc/net/dev", "re");
	size_t n = strlen(name);
	uint64_t frames = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		const char *at = line + strspn(line, " ");

		if (!strncmp(at, name, n) && at[n] == ':')
			sscanf(at + n + 1, "%*u %" SCNu64, &frames);
	}
	fclose(file);
	return frames;
}

/* ---- the frame that should be ---- */

static void put(uint8_t *p, unsigned int bytes, uint64_t value)
{
	for (unsigned int i = bytes; i--; value >>= 8)
		p[i] = (uint8_t)value;
}

/* RFC 1071, all carries at the end. */
static uint32_t sum_of(const uint8_t *p, uint32_t n, uint32_t sum)
{
	for (uint32_t i = 0; i < n; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* `at` is that of IPv4's header, whichever tags are before it. */
static void finish(uint8_t *frame, uint32_t len, uint32_t at, bool udp)
{
	uint8_t *l3 = frame + at, *l4 = frame + at + 20;
	uint32_t n = len - at - 20, sum;

	put(l3 + 10, 2, 0);
	put(l3 + 10, 2, ~sum_of(l3, 20, 0));
	put(l4 + 6, 2, 0);
	sum = sum_of(l4, n, sum_of(l3 + 12, 8, 17 + n)) ^ 0xffff;
	put(l4 + 6, 2, sum || !udp ? sum : 0xffff);
}

/* Addressed to nobody, in IPv4 and UDP. */
static void base(struct live_params *p, uint32_t len, uint32_t at)
{
	static const uint8_t ethernet[12] = { 2, 0, 0, 0, 0, 2,
					      2, 0, 0, 0, 0, 1 };
	static const uint8_t header[28] = {
		0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 198, 18, 0, 1,
		198, 18, 0, 2, 0x30, 0x39, 0, 9,
	};

	*p = (struct live_params){ .name = "va", .len = len, .udp = true };
	p->index = (int)if_nametoindex("va");
	memcpy(p->base, ethernet, sizeof(ethernet));
	put(p->base + at - 2, 2, ETH_P_IP);
	memcpy(p->base + at, header, sizeof(header));
	put(p->base + at + 2, 2, len - at);
	put(p->base + at + 24, 2, len - at - 20);
	for (uint32_t i = at + 28; i < len; i++)
		p->base[i] = (uint8_t)(i * 7);
	p->ip_csum = at + 10;
	p->l4_csum = at + 26;
}

static void add(struct live_params *p, struct live_field f)
{
	assert_true(p->n_fields < LIVE_FIELDS_MAX);
	p->field[p->n_fields++] = f;
}

static uint64_t value_of(const struct live_field *f, uint64_t number)
{
	if (f->kind == LIVE_COUNT)
		return f->first + number * f->step;
	return f->first + number % ((f->last - f->first) / f->step + 1) *
				  f->step;
}

/* One bit at a time: another way than the program's. */
static void write_field(uint8_t *frame, const struct live_field *f,
			uint64_t value)
{
	uint32_t bits = f->bits ? f->bits : 8u * f->width;

	for (uint32_t i = 0; i < bits; i++) {
		uint32_t k = i + f->shift;
		uint8_t *p = frame + f->offset + f->width - 1 - k / 8;
		uint8_t bit = (uint8_t)(1u << k % 8);

		*p = (uint8_t)(value >> i & 1 ? *p | bit : *p & ~bit);
	}
}

static void expect(const struct live_params *p, uint32_t at, uint64_t number,
		   uint8_t *frame)
{
	memcpy(frame, p->base, p->len);
	for (uint32_t i = 0; i < p->n_fields; i++)
		write_field(frame, &p->field[i],
			    value_of(&p->field[i], number));
	if (at)
		finish(frame, p->len, at, p->udp);
}

/* ---- the other end ---- */

struct peer {
	int fd;
	const struct live_params *params;
	uint32_t ip_at;   /* 0: no checksums */
	uint64_t want;    /* frames; an idle second ends it sooner */
	uint64_t n;
	uint64_t wrong;   /* the first frame that was, plus 1 */
	uint64_t time_ns; /* of the last stamp */
	uint64_t times_back;
	pthread_t thread;
};

/* With its tag, which the kernel takes out. */
static ssize_t receive(int fd, uint8_t *frame)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct iovec iov = { frame + 4, LEN_MAX };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &msg, 0);
	struct tpacket_auxdata aux = { 0 };
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	if (c && c->cmsg_type == PACKET_AUXDATA)
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
	if (n > 0 && aux.tp_status & TP_STATUS_VLAN_VALID) {
		memmove(frame, frame + 4, 12);
		put(frame + 12, 2, aux.tp_vlan_tpid);
		put(frame + 14, 2, aux.tp_vlan_tci);
		return n + 4;
	}
	if (n > 0)
		memmove(frame, frame + 4, (size_t)n);
	return n;
}

/* The stamp verifies, and what is left is as expected. */
static bool unstamp(struct peer *p, uint8_t *frame)
{
	const struct live_params *params = p->params;
	uint8_t *payload = frame + params->payload;
	struct stamp stamp;

	if (stamp_get(payload, params->len - params->payload, &stamp) !=
	    STAMP_RIGHT || stamp.number != p->n)
		return false;
	p->times_back += stamp.time_ns < p->time_ns;
	p->time_ns = stamp.time_ns;
	return true;
}

static bool judge(struct peer *p, uint8_t *frame, ssize_t n)
{
	const struct live_params *params = p->params;
	uint8_t want[LEN_MAX];

	if (n != (ssize_t)params->len)
		return false;
	expect(params, 0, p->n, want);
	if (params->stamp) {
		if (!unstamp(p, frame))
			return false;
		memcpy(want + params->payload, frame + params->payload,
		       STAMP_BYTES);
	}
	if (p->ip_at)
		finish(want, params->len, p->ip_at, params->udp);
	return !memcmp(frame, want, params->len);
}

static void *peer_main(void *arg)
{
	struct peer *p = arg;
	uint8_t frame[LEN_MAX + 4];
	ssize_t n;

	while (p->n < p->want && (n = receive(p->fd, frame)) > 0) {
		if (!judge(p, frame, n) && !p->wrong)
			p->wrong = p->n + 1;
		p->n++;
	}
	return NULL;
}

static void peer_start(struct peer *p, const struct live_params *params,
		       uint32_t ip_at, uint64_t want)
{
	struct sockaddr_ll sll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex("vb"),
	};
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int bytes = 256 << 20, on = 1;

	*p = (struct peer){ .params = params, .ip_at = ip_at, .want = want };
	p->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	assert_true(p->fd >= 0);
	assert_int_equal(setsockopt(p->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
				    sizeof(bytes)), 0);
	assert_int_equal(setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
				    sizeof(patience)), 0);
	assert_int_equal(setsockopt(p->fd, SOL_PACKET, PACKET_AUXDATA, &on,
				    sizeof(on)), 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&sll, sizeof(sll)), 0);
	assert_int_equal(pthread_create(&p->thread, NULL, peer_main, p), 0);
}

static void peer_end(struct peer *p)
{
	pthread_join(p->thread, NULL);
	close(p->fd);
}

/* All of these frames, as they should be, and figures that say so. */
static void check_run(struct live_params *p, uint32_t ip_at)
{
	struct live_figures figures;
	struct live *live;
	struct peer peer;
	uint8_t first[LEN_MAX];

	if (p->stamp) {
		uint8_t *payload = p->base + p->payload;

		p->rest_sum = stamp_rest_sum(payload, p->len - p->payload);
		stamp_put(payload, p->rest_sum, &(struct stamp){ 0 });
	}
	expect(p, ip_at, 0, first);
	memcpy(p->base, first, p->len);
	peer_start(&peer, p, ip_at, p->count);
	assert_int_equal(live_new(&live, p), 0);
	assert_int_equal(live_run(live), 0);
	live_figures(live, &figures);
	live_free(live);
	peer_end(&peer);
	assert_int_equal(figures.made, p->count);
	assert_int_equal(figures.sent, p->count);
	assert_int_equal(figures.refused, 0);
	assert_true(figures.first_ns && figures.last_ns > figures.first_ns);
	assert_int_equal(peer.n, p->count);
	assert_int_equal(peer.wrong, 0);
	assert_int_equal(peer.times_back, 0);
}

/* ---- frames ---- */

static void test_plain(void **state)
{
	static const uint32_t len[] = { 14, 15, 60, 61, 590, 1514 };
	struct live_params p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(len); i++) {
		base(&p, 1514, IP_AT);
		p.len = len[i];
		p.count = 1000;
		p.ip_csum = p.l4_csum = 0;
		check_run(&p, 0);
	}
}

/* Of every width, at both parities, of some bits; their sums all the time. */
static void test_fields(void **state)
{
	static const struct live_field field[] = {
		{ 6, 6, 0, 0, 0, LIVE_COUNT, 0x02fffffffff0, 0, 3 },
		{ 22, 1, 0, 0, 1, LIVE_WALK, 1, 255, 2 }, /* TTL */
		{ 26, 4, 0, 0, 3, LIVE_WALK, 0xc6120000, 0xc61201ff, 7 },
		{ 15, 1, 6, 2, 1, LIVE_COUNT, 60, 0, 1 }, /* DSCP */
		{ 34, 2, 0, 0, 2, LIVE_WALK, 65000, 65535, 1 },
		{ 45, 8, 0, 0, 2, LIVE_COUNT, UINT64_MAX - 5000, 0, 123 },
		{ 55, 3, 0, 0, 2, LIVE_WALK, 5, 0xffffff, 0xfffff },
		{ 61, 5, 33, 3, 2, LIVE_COUNT, 0x1ffffff00, 0, 11 },
	}, more[] = {
		{ 0, 1, 3, 5, 0, LIVE_COUNT, 0, 0, 1 },
		{ 42, 7, 0, 0, 2, LIVE_COUNT, 1, 0, UINT64_C(1) << 43 },
		{ 50, 8, 0, 0, 2, LIVE_WALK, 0, UINT64_MAX, UINT64_MAX / 3 },
		{ 59, 1, 0, 0, 2, LIVE_COUNT, 0, 0, 255 },
		{ 64, 2, 0, 0, 2, LIVE_WALK, 7, 7, 1 },
		{ 66, 1, 4, 4, 2, LIVE_COUNT, 1, 0, 1 },
		{ 66, 1, 4, 0, 2, LIVE_COUNT, 2, 0, 3 },
		{ 68, 1, 0, 0, 2, LIVE_WALK, 0, 9, 4 },
	};
	struct live_params p;

	(void)state;
	for (int stamp = 0; stamp < 2; stamp++) {
		base(&p, 69 + 30, IP_AT);
		for (size_t i = 0; i < ARRAY_SIZE(field); i++)
			add(&p, field[i]);
		p.stamp = stamp;
		p.payload = 70;
		p.count = 3000;
		check_run(&p, IP_AT);
	}
	base(&p, 69, IP_AT);
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		add(&p, more[i]);
	p.count = 3000;
	check_run(&p, IP_AT);
}

/* Through all ports: one of them has UDP's checksum come out as 0. */
static void test_udp_zero(void **state)
{
	struct live_params p;

	(void)state;
	for (int udp = 0; udp < 2; udp++) {
		base(&p, 60, IP_AT);
		add(&p, (struct live_field){ 34, 2, 0, 0, 2, LIVE_COUNT, 0, 0,
					     1 });
		p.udp = udp;
		p.pps = 100000;
		p.count = 65536 + 10;
		check_run(&p, IP_AT);
	}
}

/* The far end moves the addresses in the page, which comes back so. */
static void test_tagged(void **state)
{
	struct live_params p;

	(void)state;
	for (int changes = 0; changes < 2; changes++) {
		base(&p, 100, IP_AT + 4);
		put(p.base + 12, 2, ETH_P_8021Q);
		if (changes)
			add(&p, (struct live_field){ 14, 2, 12, 0, 0, LIVE_WALK,
						     1, 4094, 1 });
		p.stamp = changes;
		p.payload = PAYLOAD_AT + 4;
		p.pps = 50000;
		p.count = 10000;
		check_run(&p, IP_AT + 4);
	}
}

/* At an odd offset, too; and when: intended times, from now on. */
static void test_stamp(void **state)
{
	struct live_params p;

	(void)state;
	for (uint32_t payload = 42; payload <= 45; payload++) {
		base(&p, payload + STAMP_BYTES, IP_AT);
		p.stamp = true;
		p.payload = payload;
		p.pps = payload % 2 ? 0 : 40000;
		p.count = 2000;
		check_run(&p, IP_AT);
	}
}

static void test_stamp_time(void **state)
{
	struct live_params p;
	struct timespec ts;
	struct peer peer;
	struct live *live;
	uint64_t before, after;

	(void)state;
	base(&p, 60, IP_AT);
	p.stamp = true;
	p.payload = PAYLOAD_AT;
	p.rest_sum = 0; /* nothing is behind it */
	stamp_put(p.base + PAYLOAD_AT, 0, &(struct stamp){ 0 });
	finish(p.base, p.len, IP_AT, true);
	p.pps = 20000;
	p.count = 1001;
	clock_gettime(CLOCK_REALTIME, &ts);
	before = (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
	peer_start(&peer, &p, IP_AT, p.count);
	assert_int_equal(live_new(&live, &p), 0);
	assert_int_equal(live_run(live), 0);
	live_free(live);
	peer_end(&peer);
	clock_gettime(CLOCK_REALTIME, &ts);
	after = (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
	assert_int_equal(peer.n, p.count);
	assert_int_equal(peer.wrong, 0);
	/* The last one is due 50 ms after the first. */
	assert_true(peer.time_ns >= before + 50 * NS_PER_MS);
	assert_true(peer.time_ns < after);
}

/* ---- counts ---- */

static void test_duration(void **state)
{
	struct live_figures figures;
	struct live_params p;
	struct live *live;

	(void)state;
	base(&p, 60, IP_AT);
	p.pps = 30000;
	p.duration_ns = 100 * NS_PER_MS;
	assert_int_equal(live_new(&live, &p), 0);
	assert_int_equal(live_run(live), 0);
	live_figures(live, &figures);
	assert_int_equal(figures.made, 3000);
	assert_int_equal(figures.sent, 3000);
	live_free(live);
	p.pps = 0;
	assert_int_equal(live_new(&live, &p), 0);
	assert_int_equal(live_run(live), 0);
	live_figures(live, &figures);
	assert_true(figures.sent > 1000);
	assert_int_equal(figures.made, figures.sent + figures.refused);
	assert_int_equal(received("vb"), 3000 + figures.sent);
	assert_true(figures.last_ns - figures.first_ns > p.duration_ns / 2);
	live_free(live);
}

static void *run_main(void *arg)
{
	return (void *)(intptr_t)live_run(arg);
}

static int join(pthread_t thread)
{
	void *result;

	pthread_join(thread, &result);
	return (int)(intptr_t)result;
}

static void wait_for(const struct live *live, bool refused)
{
	uint64_t until_ns = clock_now_ns() + PATIENCE_S * NS_PER_SEC;
	struct live_figures f;

	do {
		live_figures(live, &f);
		assert_true(clock_now_ns() < until_ns);
	} while (!(refused ? f.refused : f.sent));
}

/* Without an end; the calls that remain would last for minutes. */
static void test_stop(void **state)
{
	static const double pps[] = { 0, 20000, 500000 };
	struct live_figures figures;
	struct live_params p;
	struct live *live;
	pthread_t thread;
	uint64_t at_ns, sent = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pps); i++) {
		base(&p, 60, IP_AT);
		p.pps = pps[i];
		assert_int_equal(live_new(&live, &p), 0);
		assert_int_equal(pthread_create(&thread, NULL, run_main, live),
				 0);
		wait_for(live, false);
		at_ns = clock_now_ns();
		live_stop(live);
		assert_int_equal(join(thread), 0);
		at_ns = clock_now_ns() - at_ns;
		print_message("stopped after %.1f ms\n", (double)at_ns / 1e6);
		assert_true(at_ns < NS_PER_SEC);
		live_figures(live, &figures);
		assert_int_equal(figures.made, figures.sent + figures.refused);
		sent += figures.sent;
		assert_int_equal(received("vb"), sent);
		live_free(live);
	}
}

static void test_stop_early(void **state)
{
	struct live_figures figures;
	struct live_params p;
	struct live *live;

	(void)state;
	base(&p, 60, IP_AT);
	assert_int_equal(live_new(&live, &p), 0);
	live_stop(live);
	assert_int_equal(live_run(live), 0);
	live_figures(live, &figures);
	assert_int_equal(figures.made, 0);
	assert_int_equal(received("vb"), 0);
	live_free(live);
}

/* Signals that ask for nothing end calls, and no frame is lost or doubled. */
static void test_interrupted(void **state)
{
	struct live_figures figures = { 0 };
	struct live_params p;
	struct live *live;
	struct peer peer;
	pthread_t thread;

	(void)state;
	base(&p, 60, IP_AT);
	p.stamp = true;
	p.payload = PAYLOAD_AT;
	stamp_put(p.base + PAYLOAD_AT, 0, &(struct stamp){ 0 });
	finish(p.base, p.len, IP_AT, true);
	p.pps = 50000;
	p.count = 10000;
	peer_start(&peer, &p, IP_AT, p.count);
	assert_int_equal(live_new(&live, &p), 0);
	assert_int_equal(pthread_create(&thread, NULL, run_main, live), 0);
	wait_for(live, false);
	for (uint64_t at = 2000; at <= 8000; at += 2000) {
		while (figures.made < at)
			live_figures(live, &figures);
		pthread_kill(thread, LIVE_SIGNAL);
	}
	assert_int_equal(join(thread), 0);
	live_figures(live, &figures);
	assert_int_equal(figures.sent, p.count);
	live_free(live);
	peer_end(&peer);
	assert_int_equal(peer.n, p.count);
	assert_int_equal(peer.wrong, 0);
}

/* The port goes down and comes back: what it took, and what it did not. */
static void test_refused(void **state)
{
	struct live_figures figures;
	struct live_params p;
	struct live *live;
	pthread_t thread;

	(void)state;
	base(&p, 60, IP_AT);
	p.pps = 50000;
	assert_int_equal(live_new(&live, &p), 0);
	assert_int_equal(pthread_create(&thread, NULL, run_main, live), 0);
	wait_for(live, false);
	ip("link set va down");
	wait_for(live, true);
	ip("link set va up");
	live_stop(live);
	assert_int_equal(join(thread), 0);
	live_figures(live, &figures);
	assert_true(figures.refused);
	assert_int_equal(figures.made, figures.sent + figures.refused);
	assert_int_equal(received("vb"), figures.sent);
	live_free(live);
}

static void check_nothing_goes(uint64_t count)
{
	struct live_figures figures;
	struct live_params p;
	struct live *live;

	base(&p, 60, IP_AT);
	p.count = count;
	assert_int_equal(live_new(&live, &p), 0);
	assert_int_equal(live_run(live), -ENXIO);
	live_figures(live, &figures);
	assert_int_equal(figures.sent, 0);
	assert_true(figures.made && figures.made < 1000);
	assert_int_equal(figures.refused, figures.made);
	live_free(live);
}

static void test_nothing_goes(void **state)
{
	(void)state;
	set_gro("vb", 0);
	check_nothing_goes(1);
	check_nothing_goes(0);
	set_gro("vb", 1);
	ip("link set va down");
	check_nothing_goes(0);
}

/* ---- what is refused ---- */

static void test_params(void **state)
{
	static const struct {
		struct live_field field;
		uint32_t len, payload, ip_csum, n_fields, batch;
		double pps;
		int result;
	} row[] = {
		{ .len = 60, .pps = 19999, .result = -ERANGE },
		{ .len = 60, .pps = -1, .result = -EINVAL },
		{ .len = 13, .result = -EINVAL },
		{ .len = 4097, .result = -EMSGSIZE },
		{ .len = 4096, .result = -EMSGSIZE },
		{ .len = 60, .payload = 43, .result = -EINVAL },
		{ { 41, 2, .last = 1 }, 60, 42, .n_fields = 1,
		  .result = -EINVAL }, /* its sum is the stamp's */
		{ .len = 60, .ip_csum = 59, .result = -EINVAL },
		{ .len = 60, .ip_csum = 60, .result = -EINVAL },
		{ .len = 60, .n_fields = 9, .result = -EINVAL },
		{ .len = 60, .batch = 257, .result = -EINVAL },
		{ { 59, 2, .last = 1 }, 60, .n_fields = 1, .result = -EINVAL },
		{ { 60, 1, .last = 1 }, 60, .n_fields = 1, .result = -EINVAL },
		{ { .width = 0 }, 60, .n_fields = 1, .result = -EINVAL },
		{ { .width = 9 }, 60, .n_fields = 1, .result = -EINVAL },
		{ { .width = 1, .bits = 7, .shift = 2 }, 60, .n_fields = 1,
		  .result = -EINVAL },
		{ { 0, 1, .last = 256 }, 60, .n_fields = 1,
		  .result = -EINVAL },
		{ { 0, 1, .first = 2, .last = 1 }, 60, .n_fields = 1,
		  .result = -EINVAL },
		{ { UINT32_MAX, 2, .last = 1 }, 60, .n_fields = 1,
		  .result = -EINVAL },
	};
	struct live_params p;
	struct live *live = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		base(&p, 60, IP_AT);
		p.len = row[i].len;
		p.stamp = row[i].payload;
		p.payload = row[i].payload;
		p.ip_csum = row[i].ip_csum;
		p.field[0] = row[i].field;
		p.n_fields = row[i].n_fields;
		p.batch = row[i].batch;
		p.pps = row[i].pps;
		assert_int_equal(live_new(&live, &p), row[i].result);
		assert_null(live);
	}
	live_free(NULL);
}

int main(void)
{
#define LIVE_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	static const struct CMUnitTest tests[] = {
		LIVE_TEST(test_plain),
		LIVE_TEST(test_fields),
		LIVE_TEST(test_udp_zero),
		LIVE_TEST(test_tagged),
		LIVE_TEST(test_stamp),
		LIVE_TEST(test_stamp_time),
		LIVE_TEST(test_duration),
		LIVE_TEST(test_stop),
		LIVE_TEST(test_stop_early),
		LIVE_TEST(test_interrupted),
		LIVE_TEST(test_refused),
		LIVE_TEST(test_nothing_goes),
		LIVE_TEST(test_params),
	};
	char why[256];

	if (unshare(CLONE_NEWNET)) {
		printf("no network namespace: %s\n", strerror(errno));
		return SKIPPED;
	}
	if (live_probe(1, why, sizeof(why))) {
		printf("no live frames: %s\n", why);
		return SKIPPED;
	}
	if (system("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 "
		   "net.ipv6.conf.default.disable_ipv6=1"))
		print_message("no sysctl\n");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
