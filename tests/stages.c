/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each stage costs: nanoseconds of CPU a frame in user space, of a lane
 * between two ports that take none, less those of a lane without stages. The
 * chains are made by configurations, as those of a bridge are.
 *
 *	stages [BYTES...]	lengths of frames, instead of 60, 1514 and those
 *				of super-frames
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bridge.h"
#include "bridge_taps.h"
#include "clock.h"
#include "tx.h"
#include "units.h"

#define FRAMES 4096 /* that go round, more than a cache of level 1 */
#define SUPER_FRAMES 64
#define FRAME_NS 1000 /* of simulated time between two of them */
#define RUN_NS (300 * NS_PER_MS)
#define WARM_BREATHS 2000
#define SUPER_BYTES 65226 /* 45 segments of 1448 bytes */
#define SUPER_MSS 1448
#define LEAST_BYTES 60
#define HEADER_BYTES 66
#define ROUNDS 3

/* Keys and values, in pairs. */
static const struct row {
	const char *name;
	const char *key[8];
} rows[] = {
	{ "nothing", { NULL } },
	{ "drop 'udp port 53'", { "drop", "udp port 53" } },
	{ "vlan_push", { "vlan_push", "10" } },
	{ "vlan_map", { "vlan_map", "10=20 30=40" } },
	{ "loss 1%", { "loss", "1%" } },
	{ "loss gemodel", { "loss", "gemodel 1% 20%" } },
	{ "bit_errors 1e-7", { "bit_errors", "1e-7" } },
	{ "duplicate 1%", { "duplicate", "1%" } },
	{ "reorder 1% 3", { "reorder", "1% 3" } },
	{ "delay 10ms", { "delay", "10ms" } },
	{ "delay, jitter", { "delay", "10ms", "jitter", "2ms" } },
	{ "the same, reordering", { "delay", "10ms", "jitter", "2ms",
				    "jitter_reorder", "yes" } },
	{ "rate 400gbit", { "rate", "400gbit" } },
	{ "rate, queued", { "rate", "380mbit", "queue", "1mb" } },
	{ "tap, to nowhere", { "tap", "out", "tap_to", "/dev/null",
			       "tap_filter", "udp port 1" } },
};

/* ---- the ports ---- */

struct mill {
	struct port rx, tx;
	uint8_t *memory;
	uint32_t room_bytes; /* of a frame */
	uint32_t at, n_frames;
	/* As each of them is, but for its data. Without a time of arrival they
	 * came when the lane says that it is now. */
	struct frame frame;
};

static void mill_rx(struct port *port, struct burst *b, struct lane_stats *s)
{
	struct mill *m = container_of(port, struct mill, rx);
	/* Copies of super-frames come eight at a time. */
	uint32_t n = frame_is_super(&m->frame) ? 8 : BURST_RX;

	for (uint32_t i = 0; i < n; i++) {
		struct frame *f = &b->frame[b->n++];

		*f = m->frame;
		f->data = m->memory + (size_t)m->at * m->room_bytes +
			  FRAME_HEADROOM;
		m->at = (m->at + 1) % m->n_frames;
	}
	counter_add(&s->received_frames, n);
	counter_add(&s->received_bytes, (uint64_t)n * m->frame.len);
}

static void mill_release(struct port *port)
{
	(void)port;
}

static void mill_tx(struct port *port, const struct frame *f, uint32_t n,
		    struct lane_stats *s)
{
	(void)port;
	tx_count(s, f, n);
}

static const struct port_ops mill_ops = {
	.name = "mill",
	.rx = mill_rx,
	.release = mill_release,
	.tx = mill_tx,
};

static void put16(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

/* IPv4 and TCP with a time stamp, whatever the length. */
static void write_frame(uint8_t *data, uint32_t len)
{
	static const uint8_t head[HEADER_BYTES] = {
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0,
		0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, 6, 0, 0,
		10, 0, 0, 1, 10, 0, 0, 2,
		0x30, 0x39, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x80, 0x10, 2, 0,
		0, 0, 0, 0, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1,
	};

	memcpy(data, head, len < sizeof(head) ? len : sizeof(head));
	put16(data + 16, len - 14);
}

/* 0 or -ENOMEM. */
static int mill_init(struct mill *m, uint32_t len)
{
	bool super = len > 9000;

	memset(m, 0, sizeof(*m));
	m->n_frames = super ? SUPER_FRAMES : FRAMES;
	m->room_bytes = FRAME_HEADROOM + len + 4;
	m->memory = calloc(m->n_frames, m->room_bytes);
	if (!m->memory)
		return -ENOMEM;
	m->frame.len = len;
	if (super)
		m->frame.vnet = (struct virtio_net_hdr){
			.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
			.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
			.hdr_len = HEADER_BYTES,
			.gso_size = SUPER_MSS,
			.csum_start = 34,
			.csum_offset = 16,
		};
	for (uint32_t i = 0; i < m->n_frames; i++)
		write_frame(m->memory + (size_t)i * m->room_bytes +
			    FRAME_HEADROOM, len);
	m->rx = (struct port){ .ops = &mill_ops, .name = "rx", .mtu = 9000,
			       .ready = true };
	m->tx = (struct port){ .ops = &mill_ops, .name = "tx", .mtu = 9000,
			       .ready = true };
	return 0;
}

/* ---- measure ---- */

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* Nanoseconds a frame through the left lane, or below 0. */
static double measure(struct bridge *b, struct mill *m)
{
	struct lane *lane = &b->lane[SIDE_LEFT];
	uint64_t now_ns = clock_now_ns(), began_ns = 0, frames = 0, n = 0;

	lane->rx = &m->rx;
	lane->tx = &m->tx;
	while (n++ < WARM_BREATHS || cpu_ns() - began_ns < RUN_NS) {
		frames = lane->stats.received_frames;
		if (n == WARM_BREATHS) {
			began_ns = cpu_ns();
			lane->stats.received_frames = frames = 0;
		}
		lane_breathe(lane, now_ns);
		frames = lane->stats.received_frames - frames;
		now_ns += frames * FRAME_NS;
	}
	frames = lane->stats.received_frames;
	frames = frames ? frames : 1;
	began_ns = cpu_ns() - began_ns;
	lane_flush(lane, lane->stages, LANE_FLUSH_ALL);
	return (double)began_ns / (double)frames;
}

/* 0 or -errno; *ns is the best of some rounds. */
static int measure_row(const struct row *row, struct mill *m, double *ns)
{
	struct conf conf;
	struct conf_pair *pair;
	struct bridge *b = NULL;
	int r;

	conf_init(&conf);
	pair = conf_add_pair(&conf, "wire");
	conf_set(&conf, pair, "left", "left", "l");
	conf_set(&conf, pair, "right", "right", "r");
	conf_set(&conf, pair, "one_way", "one_way", "left");
	conf_set(&conf, pair, "seed", "seed", "7");
	for (size_t i = 0; row->key[i]; i += 2)
		conf_set(&conf, pair, row->key[i], row->key[i],
			 row->key[i + 1]);
	r = conf_finish(&conf);
	if (!r)
		r = bridge_new(&b, &conf.pair[0], NULL);
	if (!r)
		r = bridge_tap_begin(b);
	*ns = 1e9;
	for (int i = 0; !r && i < ROUNDS; i++) {
		double one = measure(b, m);

		*ns = one < *ns ? one : *ns;
	}
	bridge_free(b);
	conf_fini(&conf);
	return r;
}

static int measure_all(uint32_t len)
{
	struct mill m;
	double nothing = 0, ns;
	int r = mill_init(&m, len);

	printf("%u bytes%*s ns a frame\n", len, len > 9999 ? 17 : 21, "");
	for (size_t i = 0; !r && i < ARRAY_SIZE(rows); i++) {
		r = measure_row(&rows[i], &m, &ns);
		if (r)
			break;
		if (!i)
			nothing = ns;
		printf("  %-24s %10.1f\n", rows[i].name,
		       i ? ns - nothing : ns);
		fflush(stdout);
	}
	free(m.memory);
	return r;
}

static int measure_word(const char *word)
{
	uint64_t bytes;

	if (!units_bytes(word, &bytes) && bytes >= LEAST_BYTES &&
	    bytes <= SUPER_BYTES)
		return measure_all((uint32_t)bytes);
	fprintf(stderr, "stages: '%s': not a length from %d to %d bytes\n", word,
		LEAST_BYTES, SUPER_BYTES);
	return -EINVAL;
}

int main(int argc, char **argv)
{
	static const uint32_t usual[] = { LEAST_BYTES, 1514, SUPER_BYTES };
	int r = 0;

	log_level = LOG_LEVEL_WARN;
	for (int i = 1; !r && i < argc; i++)
		r = measure_word(argv[i]);
	for (size_t i = 0; !r && argc == 1 && i < ARRAY_SIZE(usual); i++)
		r = measure_all(usual[i]);
	if (r)
		fprintf(stderr, "stages: %s\n", strerror(-r));
	return r ? 1 : 0;
}
