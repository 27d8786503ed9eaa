/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tap.c and tap_writer.c: what goes into the queue comes out of it, in order
 * and unharmed, and what does not is counted; the wire's frames stay as they
 * are; and what the thread makes of it, before a sink in memory.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "checksum.h"
#include "clock.h"
#include "rng.h"
#include "tap.h"
#include "tap_dev.h"
#include "tap_file.h"
#include "tap_stream.h"
#include "tap_vxlan.h"
#include "tap_writer.h"

#define HEADER 14
#define NUMBER_AT HEADER /* of a frame, four bytes; then what follows from it */

/* ---- frames ---- */

static void fill(uint8_t *data, uint32_t len, uint32_t number)
{
	memset(data, 2, 12);
	data[12] = 0x88;
	data[13] = 0xb5;
	memcpy(data + NUMBER_AT, &number, sizeof(number));
	for (uint32_t i = NUMBER_AT + 4; i < len; i++)
		data[i] = (uint8_t)(number + i);
}

static uint32_t number_of(const uint8_t *data)
{
	uint32_t number;

	memcpy(&number, data + NUMBER_AT, sizeof(number));
	return number;
}

/* Every byte is as it was made. */
static void check_bytes(const uint8_t *data, uint32_t len)
{
	uint32_t number = number_of(data);

	for (uint32_t i = NUMBER_AT + 4; i < len; i++)
		if (data[i] != (uint8_t)(number + i))
			fail_msg("frame %" PRIu32 ": byte %" PRIu32, number, i);
}

static struct burst *new_burst(void)
{
	struct burst *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	return b;
}

static void add(struct burst *b, uint8_t *data, uint32_t len, uint64_t time_ns)
{
	b->frame[b->n++] = (struct frame){
		.data = data, .len = len, .time_ns = time_ns
	};
}

static void push(struct tap *tap, struct burst *b)
{
	struct lane_stats s = { 0 };

	assert_false(stage_push(tap_stage(tap), b, &s, 0));
	assert_int_equal(s.held_frames + stats_dropped(&s), 0);
}

static struct tap_bell bell = { .fd = -1 };

static struct tap *new_tap(struct tap_stage_params p)
{
	struct tap *tap = NULL;

	p.bell = &bell;
	assert_int_equal(tap_new(&tap, &p), 0);
	return tap;
}

/* ---- the queue ---- */

/* Frames of all lengths, while the reader is now behind and now is not. */
static void test_wrap(void **state)
{
	static uint8_t data[BURST_MAX][2000], big[FRAME_MAX_BYTES];
	struct tap *tap = new_tap((struct tap_stage_params){ .queue_bytes = 1 });
	struct burst *b = new_burst();
	struct rng rng = { 1 };
	uint64_t lost = 0;
	uint32_t made = 0, got = 0, len;
	struct frame f;

	(void)state;
	for (int round = 0; round < 4000; round++) {
		uint32_t reads = (uint32_t)rng_below(&rng, round / 500 % 2 ?
						     80 : 20);

		b->n = 0;
		for (uint32_t i = (uint32_t)rng_below(&rng, 40); i; i--) {
			uint8_t *at = made % 500 ? data[i] : big;
			uint32_t n = made % 500 ? 18 + (uint32_t)rng_below(&rng,
					1900) : FRAME_MAX_BYTES;

			fill(at, n, made);
			add(b, at, n, made++);
		}
		push(tap, b);
		for (; reads && tap_peek(tap, &f, &len, &lost); reads--) {
			assert_int_equal(len, f.len);
			assert_int_equal(f.time_ns, number_of(f.data));
			/* None is missing but those that are told of. */
			assert_int_equal(number_of(f.data), got + lost);
			check_bytes(f.data, f.len);
			memset(f.data - FRAME_HEADROOM, 0xff,
			       FRAME_HEADROOM + f.len);
			tap_next(tap);
			got++;
		}
	}
	while (tap_peek(tap, &f, &len, &lost)) {
		tap_next(tap);
		got++;
	}
	assert_true(made - got > 1000 && got > 10000);
	assert_int_equal(tap_counts(tap).taken_frames, made);
	assert_int_equal(tap_counts(tap).lost_frames, made - got);
	free(b);
	tap_free(tap);
}

/* An empty queue goes on at its beginning, and has all its room there. */
static void test_restart(void **state)
{
	struct tap *tap = new_tap((struct tap_stage_params){
		.queue_bytes = 1 << 20 });
	struct burst *b = new_burst();
	static uint8_t data[992]; /* 1 KiB in the queue */
	uint32_t len, number = 0, want = 0;
	const uint8_t *first;
	uint64_t lost;
	struct frame f;

	(void)state;
	add(b, data, sizeof(data), 0);
	for (int round = 0; round < 5; round++) {
		uint32_t n = round % 2 ? 1024 : 300 + (uint32_t)round;

		for (uint32_t i = 0; i < n; i++) {
			fill(data, sizeof(data), number++);
			push(tap, b);
		}
		assert_int_equal(tap_counts(tap).lost_frames, 0);
		assert_int_equal(tap_is_half_full(tap), round % 2);
		assert_true(tap_peek(tap, &f, &len, &lost));
		if (!round)
			first = f.data;
		assert_ptr_equal(f.data, first);
		for (; tap_peek(tap, &f, &len, &lost); want++) {
			assert_int_equal(number_of(f.data), want);
			check_bytes(f.data, f.len);
			tap_next(tap);
		}
		assert_int_equal(want, number);
		assert_false(tap_is_half_full(tap));
	}
	free(b);
	tap_free(tap);
}

static void test_full(void **state)
{
	struct tap *tap = new_tap((struct tap_stage_params){ .queue_bytes = 1 });
	struct stage_count count[2];
	struct burst *b = new_burst();
	static uint8_t data[1000];
	uint32_t len, got = 0;
	uint64_t lost;
	struct frame f;

	(void)state;
	fill(data, sizeof(data), 7);
	add(b, data, sizeof(data), 0);
	assert_false(tap_is_half_full(tap));
	for (int i = 0; i < 1000; i++)
		push(tap, b);
	assert_true(tap_is_half_full(tap));
	/* 1032 bytes each in 256 KiB. */
	assert_int_equal(tap_counts(tap).lost_frames, 1000 - 254);
	assert_true(tap_peek(tap, &f, &len, &lost));
	assert_int_equal(lost, 0);
	tap_next(tap);
	push(tap, b); /* finds room again */
	while (tap_peek(tap, &f, &len, &lost)) {
		tap_next(tap);
		got++;
	}
	assert_int_equal(got, 254);
	assert_int_equal(lost, 1000 - 254);
	for (size_t i = 0; i < 2; i++)
		assert_true(tap_stage(tap)->ops->count(tap_stage(tap), i,
						       &count[i]));
	assert_string_equal(count[0].name, "taken");
	assert_int_equal(count[0].value, 1001);
	assert_int_equal(count[1].value, 1000 - 254);
	tap_stage(tap)->ops->reset(tap_stage(tap));
	push(tap, b);
	tap_stage(tap)->ops->count(tap_stage(tap), 0, &count[0]);
	assert_int_equal(count[0].value, 1);
	assert_int_equal(tap_counts(tap).taken_frames, 1002);
	tap_shut(tap);
	push(tap, b);
	assert_int_equal(tap_counts(tap).taken_frames, 1002);
	free(b);
	tap_free(tap);
}

/* It rings once, and only if there is somebody to wake. */
static void test_bell(void **state)
{
	static const struct {
		enum tap_sleep sleep;
		uint32_t pushes, rings;
	} row[] = {
		{ TAP_AWAKE, 200, 0 }, { TAP_SLEEPS, 3, 1 },
		{ TAP_DOZES, 50, 0 }, { TAP_DOZES, 80, 1 },
	};
	struct burst *b = new_burst();
	static uint8_t data[992];

	(void)state;
	bell.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	fill(data, sizeof(data), 1);
	add(b, data, sizeof(data), 0);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct tap *tap = new_tap((struct tap_stage_params){ 0 });
		eventfd_t rings = 0;

		bell.sleep = row[i].sleep;
		for (uint32_t j = 0; j < row[i].pushes; j++)
			push(tap, b);
		eventfd_read(bell.fd, &rings);
		assert_int_equal(rings, row[i].rings);
		assert_int_equal(bell.sleep, rings ? TAP_AWAKE : row[i].sleep);
		tap_free(tap);
	}
	close(bell.fd);
	bell = (struct tap_bell){ .fd = -1 };
	free(b);
}

/* The burst, and the bytes of its frames, are as they were. */
static void test_untouched(void **state)
{
	struct filter_match *match = NULL;
	struct burst *b = new_burst(), *was = new_burst();
	static uint8_t data[4][200], before[4][200];

	(void)state;
	assert_int_equal(filter_match_new(&match, "tap", "len > 20"), 0);
	for (uint32_t i = 0; i < 4; i++) {
		fill(data[i], sizeof(data[i]), i);
		add(b, data[i], i ? 200 : 18, 5);
	}
	b->frame[2].vnet = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = 34, .csum_offset = 16,
	};
	memcpy(before, data, sizeof(data));
	memcpy(was, b, sizeof(*b));
	for (uint32_t snap = 0; snap < 100; snap += 60) {
		struct tap *tap = new_tap((struct tap_stage_params){
			.snap_bytes = snap, .match = match, .leaving = snap });

		push(tap, b);
		assert_memory_equal(b, was, sizeof(*b));
		assert_memory_equal(data, before, sizeof(data));
		assert_int_equal(tap_counts(tap).taken_frames, 3);
		stage_free(tap_stage(tap)); /* does nothing */
		tap_free(tap);
	}
	filter_match_free(match);
	free(b);
	free(was);
}

/* What is cut has the checksum of the whole; what is not has it unfinished. */
static void test_snap(void **state)
{
	static const uint32_t snaps[] = { 0, 14, 51, 52, 100, 199, 200, 300 };
	uint8_t data[200], finished[200];
	struct burst *b = new_burst();
	struct frame f, whole;

	(void)state;
	fill(data, sizeof(data), 77);
	memcpy(finished, data, sizeof(data));
	add(b, data, sizeof(data), 9);
	b->frame[0].vnet = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 60,
		.csum_start = 34, .csum_offset = 16,
	};
	whole = b->frame[0];
	whole.data = finished;
	frame_finish_checksum(&whole);
	assert_memory_not_equal(data, finished, sizeof(data));
	for (size_t i = 0; i < ARRAY_SIZE(snaps); i++) {
		struct tap *tap = new_tap((struct tap_stage_params){
			.snap_bytes = snaps[i] });
		bool is_cut = snaps[i] && snaps[i] < 200;
		uint32_t len;
		uint64_t lost;

		push(tap, b);
		assert_true(tap_peek(tap, &f, &len, &lost));
		assert_int_equal(len, 200);
		assert_int_equal(f.len, is_cut ? snaps[i] : 200);
		assert_int_equal(f.time_ns, 9);
		assert_int_equal(frame_is_plain(&f), is_cut);
		frame_finish_checksum(&f);
		/* 51 bytes have but a half of it: that stays undone. */
		assert_memory_equal(f.data, snaps[i] == 51 ? data : finished,
				    f.len);
		tap_free(tap);
	}
	free(b);
}

/* As on the wire: `vlan` and what is behind a tag. */
static void test_filter(void **state)
{
	static const struct {
		const char *filter;
		uint64_t taken;
	} row[] = {
		{ "vlan 100", 2 }, { "vlan and udp", 1 }, { "udp", 1 },
		{ "not vlan", 2 }, { "ether proto 0x88b5", 1 },
	};
	static uint8_t data[4][64];
	struct burst *b = new_burst();

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		fill(data[i], 64, 0);
		add(b, data[i], 64, 0);
	}
	for (uint32_t i = 0; i < 2; i++) { /* UDP in IPv4, with a tag and not */
		memcpy(data[i] + 12, "\x08\x00\x45", 3);
		data[i][23] = 17;
		memset(data[i] + 20, 0, 2);
	}
	memmove(data[1] + 16, data[1] + 12, 40);
	memcpy(data[1] + 12, "\x81\x00\x00\x64", 4);
	memcpy(data[2] + 12, "\x81\x00\x00\x64\x88\xb5", 6);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct filter_match *match = NULL;
		struct tap *tap;

		assert_int_equal(filter_match_new(&match, "t", row[i].filter),
				 0);
		tap = new_tap((struct tap_stage_params){ .match = match });
		push(tap, b);
		if (tap_counts(tap).taken_frames != row[i].taken)
			fail_msg("%s: %" PRIu64, row[i].filter,
				 tap_counts(tap).taken_frames);
		tap_free(tap);
		filter_match_free(match);
	}
	filter_match_free(NULL);
	free(b);
}

/* ---- two threads ---- */

struct lane_end {
	struct stage *stage;
	uint32_t bursts;
};

static void *lane_run(void *arg)
{
	const struct lane_end *end = arg;
	static uint8_t data[32][256];
	struct burst *b = calloc(1, sizeof(*b));
	struct lane_stats s = { 0 };
	uint32_t made = 0;

	for (uint32_t n = 0; n < end->bursts; n++) {
		b->n = 0;
		for (uint32_t i = 0; i < 32; i++, made++) {
			fill(data[i], 20 + made % 200, made);
			add(b, data[i], 20 + made % 200, made);
		}
		stage_push(end->stage, b, &s, 0);
		if (n % 64 == 0)
			sched_yield();
	}
	free(b);
	return NULL;
}

static void test_threads(void **state)
{
	struct tap *tap = new_tap((struct tap_stage_params){ .queue_bytes = 1 });
	struct lane_end end = { tap_stage(tap), 20000 };
	uint64_t lost = 0, idle_ns = clock_now_ns();
	uint32_t len, got = 0;
	pthread_t thread;
	struct frame f;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, lane_run, &end), 0);
	while (got + tap_counts(tap).lost_frames < end.bursts * 32u) {
		if (!tap_peek(tap, &f, &len, &lost)) {
			sched_yield();
			assert_true(clock_now_ns() - idle_ns < 20 * NS_PER_SEC);
			continue;
		}
		assert_int_equal(number_of(f.data), got + lost);
		assert_int_equal(f.len, 20 + number_of(f.data) % 200);
		check_bytes(f.data, f.len);
		tap_next(tap);
		got++;
	}
	pthread_join(thread, NULL);
	assert_int_equal(tap_counts(tap).taken_frames, end.bursts * 32u);
	print_message("%" PRIu32 " read, %" PRIu64 " lost\n", got,
		      tap_counts(tap).lost_frames);
	tap_free(tap);
}

/* ---- what it costs ---- */

static void measure(const char *what, uint32_t bytes, uint64_t queue_bytes,
		    const char *filter)
{
	static uint8_t data[BURST_RX][FRAME_MAX_BYTES];
	struct filter_match *match = NULL;
	struct burst *b = new_burst();
	uint64_t lost, start_ns, spent_ns = 0, frames = 0;
	struct tap *tap;
	uint32_t len;
	struct frame f;

	if (filter)
		assert_int_equal(filter_match_new(&match, "t", filter), 0);
	tap = new_tap((struct tap_stage_params){ .queue_bytes = queue_bytes,
						 .match = match });
	for (uint32_t i = 0; i < (bytes > 2000 ? 8 : BURST_RX); i++) {
		fill(data[i], bytes, i);
		add(b, data[i], bytes, 1);
	}
	while (frames < (bytes > 2000 ? 20000 : 1000000)) {
		/* As much as the writer leaves while it dozes. */
		for (int i = 0; i < 8; i++) {
			start_ns = clock_now_ns();
			push(tap, b);
			spent_ns += clock_now_ns() - start_ns;
			frames += b->n;
		}
		while (tap_peek(tap, &f, &len, &lost))
			tap_next(tap);
	}
	assert_int_equal(tap_counts(tap).lost_frames, 0);
	print_message("%s: %.1f ns a frame, %.1f Gbit/s\n", what,
		      (double)spent_ns / (double)frames,
		      (double)frames * bytes * 8 / (double)spent_ns);
	tap_free(tap);
	filter_match_free(match);
	free(b);
}

static void test_cost(void **state)
{
	(void)state;
	measure("60 bytes", 60, 16 << 20, NULL);
	measure("60 bytes, 'udp port 53'", 60, 16 << 20, "udp port 53");
	measure("1514 bytes", 1514, 16 << 20, NULL);
	measure("64 KiB", 65000, 16 << 20, NULL);
}

/* ---- the thread, before a sink in memory ---- */

#define SEEN_MAX 200000

struct seen {
	uint32_t number, interface, bytes, len;
	uint64_t time_ns;
	enum direction direction;
	bool plain;
};

struct memory {
	struct tap_sink sink;
	pthread_mutex_t lock;
	pthread_cond_t turned;
	bool stopped; /* write waits */
	bool waits;   /* it does */
	int error;    /* of write */
	int tick_error;
	struct tap_arrears arrears;
	uint64_t lost_before[2];
	uint32_t n, ticks, closed;
	struct tap_counts count[2];
	struct seen seen[SEEN_MAX];
};

static struct memory *memory;

static int memory_write(struct tap_sink *sink, struct tap_record *r)
{
	struct memory *m = container_of(sink, struct memory, sink);
	int rc;

	pthread_mutex_lock(&m->lock);
	m->waits = m->stopped;
	while (m->stopped)
		pthread_cond_wait(&m->turned, &m->lock);
	rc = m->error;
	m->lost_before[r->interface] += r->lost_before;
	if (!rc && m->n < SEEN_MAX) {
		check_bytes(r->frame.data, r->frame.len);
		m->seen[m->n++] = (struct seen){
			number_of(r->frame.data), r->interface, r->frame.len,
			r->len, r->frame.time_ns, r->direction,
			!(r->frame.vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM),
		};
	}
	pthread_mutex_unlock(&m->lock);
	return rc;
}

static int memory_tick(struct tap_sink *sink, uint64_t now_ns,
		       const struct tap_counts count[2])
{
	struct memory *m = container_of(sink, struct memory, sink);
	int rc;

	(void)now_ns;
	pthread_mutex_lock(&m->lock);
	memcpy(m->count, count, sizeof(m->count));
	m->ticks++;
	if (m->sink.arrears)
		*m->sink.arrears = m->arrears;
	rc = m->tick_error;
	pthread_mutex_unlock(&m->lock);
	return rc;
}

static void memory_close(struct tap_sink *sink,
			 const struct tap_counts count[2])
{
	memory_tick(sink, 0, count);
	__atomic_add_fetch(&memory->closed, 1, __ATOMIC_RELEASE);
}

static const struct tap_sink_ops memory_ops = {
	"memory", memory_write, memory_tick, memory_close,
};

/* These stand for the real ones. */
int tap_stream_open(struct tap_sink **sinkp, const struct tap_params *params)
{
	(void)params;
	*sinkp = &memory->sink;
	return 0;
}

int tap_file_open(struct tap_sink **sinkp, const struct tap_params *params)
{
	(void)sinkp;
	(void)params;
	return -EACCES;
}

int tap_dev_open(struct tap_sink **sinkp, const struct tap_params *params,
		 const struct tap_target *target)
{
	if (!strcmp(target->name, "eth8"))
		return tap_stream_open(sinkp, params);
	assert_string_equal(target->name, "eth9");
	return tap_file_open(sinkp, params);
}

int tap_vxlan_open(struct tap_sink **sinkp, const struct tap_params *params,
		   const struct tap_target *target)
{
	assert_int_equal(target->vni, 5);
	return tap_file_open(sinkp, params);
}

static int setup(void **state)
{
	(void)state;
	memory = calloc(1, sizeof(*memory));
	memory->sink.ops = &memory_ops;
	pthread_mutex_init(&memory->lock, NULL);
	pthread_cond_init(&memory->turned, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(memory);
	return 0;
}

static struct tap_writer *new_writer(enum tap_at left, enum tap_at right)
{
	const struct tap_params p = {
		.id = "t", .port = { "l", "r" }, .at = { left, right },
		.fd = -1, .queue_bytes = 1 << 20, .filter = "",
	};
	struct tap_writer *w = NULL;

	assert_int_equal(tap_writer_new(&w, &p), 0);
	return w;
}

static void writer_push(struct tap_writer *w, int side, struct burst *b)
{
	struct lane_stats s = { 0 };

	stage_push(tap_writer_stage(w, side), b, &s, 0);
}

static uint64_t real_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

static uint32_t n_seen(void)
{
	uint32_t n;

	pthread_mutex_lock(&memory->lock);
	n = memory->n;
	pthread_mutex_unlock(&memory->lock);
	return n;
}

/* Within seconds. */
static void wait_seen(uint32_t n)
{
	uint64_t start_ns = clock_now_ns();

	while (n_seen() < n && clock_now_ns() - start_ns < 10 * NS_PER_SEC)
		sched_yield();
	assert_int_equal(n_seen(), n);
}

static void set_memory(bool stopped, int error)
{
	pthread_mutex_lock(&memory->lock);
	memory->stopped = stopped;
	memory->error = error;
	pthread_cond_broadcast(&memory->turned);
	pthread_mutex_unlock(&memory->lock);
}

/* Two lanes, whose frames lie between one another in time. The sink stands
 * still until both queues have them. */
static void test_order(void **state)
{
	struct tap_writer *w = new_writer(TAP_IN, TAP_IN);
	struct burst *b = new_burst();
	static uint8_t data[64][64];
	uint32_t made = 0;
	struct tap_figures figures;

	(void)state;
	set_memory(true, 0);
	for (uint64_t round = 0; round < 300; round++) {
		/* The right lane's were first, but come second. */
		for (int side = 0; side < 2; side++) {
			b->n = 0;
			for (uint32_t i = 0; i < 10; i++) {
				fill(data[i], 64, made++);
				add(b, data[i], 64, 300 * round + 20 * i +
				    (round && !side ? 10 : 0));
			}
			writer_push(w, side, b);
		}
	}
	set_memory(false, 0);
	wait_seen(made);
	for (uint32_t i = 0; i < made; i++) {
		const struct seen *s = &memory->seen[i];

		assert_int_equal(s->interface, s->number % 20 / 10);
		assert_int_equal(s->direction, DIRECTION_IN);
		/* The first may have been taken before all were there. */
		if (i > 1 && s->time_ns < s[-1].time_ns)
			fail_msg("%" PRIu32 " of %" PRIu32 " is out of order",
				 i, made);
	}
	tap_writer_figures(w, &figures);
	assert_int_equal(figures.count[0].taken_frames, made / 2);
	assert_int_equal(figures.count[1].taken_frames, made / 2);
	assert_int_equal(figures.count[0].lost_frames, 0);
	/* Counted after the sink has it. */
	while (figures.written_frames < made)
		tap_writer_figures(w, &figures);
	assert_int_equal(figures.written_bytes, made * 64);
	assert_false(figures.ended);
	assert_int_equal(figures.error, 0);
	tap_writer_free(w);
	assert_int_equal(memory->closed, 1);
	assert_int_equal(memory->count[0].taken_frames, made / 2);
	free(b);
}

/* A copy waits for what the other lane may have that is older; not if there is
 * no other lane, and not if its time is out of the question. */
static void test_patience(void **state)
{
	static const struct {
		enum tap_at other;
		uint64_t ahead_ns;
		bool waits;
	} row[] = {
		{ TAP_IN, NS_PER_MS, true }, { TAP_NO, NS_PER_MS, false },
		{ TAP_IN, 3600 * NS_PER_SEC, false },
	};
	struct burst *b = new_burst();
	uint8_t data[64];

	fill(data, sizeof(data), 1);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		uint64_t time_ns;
		struct tap_writer *w;

		if (i)
			assert_int_equal(setup(state), 0);
		w = new_writer(TAP_IN, row[i].other);
		time_ns = real_now_ns() + row[i].ahead_ns;
		b->n = 0;
		add(b, data, sizeof(data), time_ns);
		writer_push(w, 0, b);
		wait_seen(1);
		if (row[i].waits)
			assert_true(real_now_ns() >= time_ns + 2 * NS_PER_MS);
		else
			print_message("seen %" PRId64 " us after its time\n",
				      (int64_t)(real_now_ns() - time_ns) / 1000);
		tap_writer_free(w);
		if (i + 1 < ARRAY_SIZE(row))
			teardown(state);
	}
	free(b);
}

/* Which port a copy is of, and which way it went there. */
static void test_sides(void **state)
{
	static const struct {
		enum tap_at at[2];
		uint32_t interface;
		enum direction direction;
	} row[] = {
		{ { TAP_IN, TAP_NO }, 0, DIRECTION_IN },
		{ { TAP_NO, TAP_IN }, 1, DIRECTION_IN },
		{ { TAP_OUT, TAP_NO }, 1, DIRECTION_OUT },
		{ { TAP_NO, TAP_OUT }, 0, DIRECTION_OUT },
	};
	struct burst *b = new_burst();
	uint8_t data[100];

	fill(data, sizeof(data), 1);
	add(b, data, sizeof(data), 12345);
	b->frame[0].vnet = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = 98, .csum_offset = 50,
	};
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		bool right = row[i].at[1] != TAP_NO;
		uint64_t from_ns = real_now_ns();
		struct tap_writer *w;
		struct seen *s;

		if (i)
			assert_int_equal(setup(state), 0);
		s = &memory->seen[0];
		w = new_writer(row[i].at[0], row[i].at[1]);
		assert_null(tap_writer_stage(w, !right));
		writer_push(w, right, b);
		wait_seen(1);
		tap_writer_free(w);
		assert_int_equal(s->interface, row[i].interface);
		assert_int_equal(s->direction, row[i].direction);
		assert_true(s->plain);
		assert_int_equal(memory->count[s->interface].taken_frames, 1);
		assert_int_equal(memory->count[!s->interface].taken_frames, 0);
		if (s->direction == DIRECTION_IN)
			assert_int_equal(s->time_ns, 12345);
		else
			assert_true(s->time_ns >= from_ns);
		if (i + 1 < ARRAY_SIZE(row))
			teardown(state);
	}
	free(b);
}

/* A sink that stands still costs copies, and who waits for it is the thread. */
static void test_stopped(void **state)
{
	struct tap_writer *w = new_writer(TAP_IN, TAP_NO);
	struct burst *b = new_burst();
	static uint8_t data[64][1000];
	struct tap_figures figures;
	uint64_t longest_ns = 0;
	uint32_t made = 0;

	(void)state;
	set_memory(true, 0);
	for (int round = 0; round < 100; round++) {
		uint64_t start_ns = clock_now_ns();

		b->n = 0;
		for (uint32_t i = 0; i < 64; i++) {
			fill(data[i], 1000, made++);
			add(b, data[i], 1000, start_ns);
		}
		start_ns = clock_now_ns();
		writer_push(w, 0, b);
		start_ns = clock_now_ns() - start_ns;
		longest_ns = start_ns > longest_ns ? start_ns : longest_ns;
	}
	tap_writer_figures(w, &figures);
	assert_int_equal(figures.count[0].taken_frames, made);
	assert_true(figures.count[0].lost_frames > made / 2);
	assert_int_equal(figures.written_frames, 0);
	print_message("a burst waited for %" PRIu64 " us at most\n",
		      longest_ns / NS_PER_US);
	assert_true(longest_ns < NS_PER_SEC);
	set_memory(false, 0);
	wait_seen(made - (uint32_t)figures.count[0].lost_frames);
	tap_writer_free(w);
	/* What lies in the queue is whole and in order. */
	for (uint32_t i = 1; i < memory->n; i++)
		assert_int_equal(memory->seen[i].number, i);
	assert_int_equal(memory->count[0].taken_frames, made);
	assert_int_equal(memory->count[0].lost_frames,
			 figures.count[0].lost_frames);
	free(b);
}

/* What the queue lost, at the next copy. */
static void test_lost_before(void **state)
{
	struct tap_writer *w = new_writer(TAP_IN, TAP_OUT);
	struct burst *b = new_burst();
	static uint8_t data[64][1000];
	struct tap_figures figures;

	(void)state;
	for (uint32_t i = 0; i < 64; i++) {
		fill(data[i], 1000, i);
		add(b, data[i], 1000, real_now_ns());
	}
	set_memory(true, 0);
	/* Both are of the same port. */
	for (int i = 0; i < 100; i++)
		writer_push(w, i % 2, b);
	set_memory(false, 0);
	tap_writer_figures(w, &figures);
	wait_seen(6400 - (uint32_t)(figures.count[0].lost_frames +
				    figures.count[1].lost_frames));
	b->n = 1;
	writer_push(w, 0, b);
	writer_push(w, 1, b);
	tap_writer_free(w);
	assert_true(figures.count[0].lost_frames > 100);
	assert_true(figures.count[1].lost_frames > 100);
	assert_int_equal(memory->lost_before[0],
			 figures.count[0].lost_frames +
				 figures.count[1].lost_frames);
	assert_int_equal(memory->lost_before[1], 0);
	free(b);
}

/* What a sink took and could not bring out is lost in the end. */
static void test_arrears(void **state)
{
	struct tap_writer *w = new_writer(TAP_IN, TAP_IN);
	struct burst *b = new_burst();
	struct tap_figures figures = { 0 };
	uint8_t data[64];

	(void)state;
	fill(data, sizeof(data), 1);
	for (int i = 0; i < 10; i++)
		add(b, data, sizeof(data), 1);
	pthread_mutex_lock(&memory->lock);
	memory->arrears.waiting_frames = 7;
	pthread_mutex_unlock(&memory->lock);
	writer_push(w, 0, b);
	writer_push(w, 1, b);
	wait_seen(20);
	while (figures.written_frames != 13) /* or it never ends */
		tap_writer_figures(w, &figures);
	assert_int_equal(figures.count[0].lost_frames, 0);
	pthread_mutex_lock(&memory->lock);
	memory->arrears = (struct tap_arrears){ .lost_frames = { 3, 4 } };
	pthread_mutex_unlock(&memory->lock);
	tap_writer_end(w);
	assert_int_equal(memory->closed, 1);
	tap_writer_figures(w, &figures);
	assert_int_equal(figures.written_frames, 13);
	assert_int_equal(figures.count[0].taken_frames, 10);
	assert_int_equal(figures.count[0].lost_frames, 3);
	assert_int_equal(figures.count[1].lost_frames, 4);
	tap_writer_free(w);
	assert_int_equal(memory->closed, 1);
	free(b);
}

/* Whose reader wants no more ends with what is queued. */
static void test_asked_to_end(void **state)
{
	struct tap_writer *w = new_writer(TAP_IN, TAP_NO);
	struct burst *b = new_burst();
	struct tap_figures figures = { 0 };
	bool waits = false;
	uint8_t data[64];

	(void)state;
	fill(data, sizeof(data), 1);
	for (int i = 0; i < 50; i++)
		add(b, data, sizeof(data), 1);
	set_memory(true, 0);
	writer_push(w, 0, b);
	while (!waits) {
		pthread_mutex_lock(&memory->lock);
		waits = memory->waits;
		memory->tick_error = waits ? -ESHUTDOWN : 0;
		pthread_mutex_unlock(&memory->lock);
	}
	for (int i = 0; i < 19; i++)
		writer_push(w, 0, b);
	set_memory(false, 0);
	while (!figures.ended)
		tap_writer_figures(w, &figures);
	assert_int_equal(memory->closed, 1);
	assert_int_equal(memory->n, 1000);
	assert_int_equal(figures.error, 0);
	assert_int_equal(figures.written_frames, 1000);
	writer_push(w, 0, b); /* is not taken */
	tap_writer_figures(w, &figures);
	assert_int_equal(figures.count[0].taken_frames, 1000);
	assert_int_equal(figures.count[0].lost_frames, 0);
	tap_writer_free(w);
	free(b);
}

/* A sink that takes super-frames apart gets them whole, and cuts itself. */
static void test_whole(void **state)
{
	static const char *const to[] = { NULL, "dev:eth8" };
	struct burst *b = new_burst();
	uint8_t data[200];

	fill(data, sizeof(data), 1);
	add(b, data, sizeof(data), 1);
	for (int i = 0; i < 2; i++) {
		const struct tap_params p = {
			.id = "t", .at = { TAP_IN, TAP_NO }, .to = to[i],
			.fd = -1, .snap_bytes = 50,
		};
		struct tap_writer *w = NULL;

		if (i)
			assert_int_equal(setup(state), 0);
		assert_int_equal(tap_writer_new(&w, &p), 0);
		writer_push(w, 0, b);
		tap_writer_free(w);
		assert_int_equal(memory->n, 1);
		assert_int_equal(memory->seen[0].bytes, i ? 200 : 50);
		if (!i)
			teardown(state);
	}
	free(b);
}

/* A sink that fails is asked again; one whose reader has gone is not. */
static void test_errors(void **state)
{
	struct tap_writer *w = new_writer(TAP_IN, TAP_IN);
	struct burst *b = new_burst();
	struct tap_figures figures = { 0 };
	uint64_t start_ns = clock_now_ns();
	uint8_t data[64];

	(void)state;
	fill(data, sizeof(data), 1);
	add(b, data, sizeof(data), 1);
	set_memory(false, -ENOSPC);
	writer_push(w, 1, b);
	while (!figures.count[1].lost_frames) {
		assert_true(clock_now_ns() - start_ns < 10 * NS_PER_SEC);
		tap_writer_figures(w, &figures);
	}
	while (!figures.error)
		tap_writer_figures(w, &figures);
	assert_int_equal(figures.error, -ENOSPC);
	assert_int_equal(figures.count[1].lost_frames, 1);
	set_memory(false, 0);
	writer_push(w, 0, b);
	wait_seen(1);
	while (figures.error || !figures.written_frames)
		tap_writer_figures(w, &figures);
	set_memory(false, -EPIPE);
	writer_push(w, 0, b);
	while (!figures.ended)
		tap_writer_figures(w, &figures);
	while (!__atomic_load_n(&memory->closed, __ATOMIC_ACQUIRE))
		sched_yield();
	writer_push(w, 0, b); /* does no harm */
	tap_writer_figures(w, &figures);
	assert_int_equal(figures.count[0].taken_frames, 2);
	assert_int_equal(figures.count[0].lost_frames, 1);
	tap_writer_free(w);
	assert_int_equal(memory->closed, 1);
	assert_int_equal(memory->count[0].lost_frames, 1);
	assert_int_equal(memory->count[1].lost_frames, 1);
	free(b);
}

/* At the end all is written that is queued, if it does not take too long. */
static void test_drain(void **state)
{
	struct tap_writer *w = new_writer(TAP_IN, TAP_IN);
	struct burst *b = new_burst();
	static uint8_t data[100][64];

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		fill(data[i], 64, i);
		add(b, data[i], 64, real_now_ns());
	}
	for (int i = 0; i < 50; i++)
		writer_push(w, i % 2, b);
	tap_writer_free(w);
	assert_int_equal(memory->n, 5000);
	assert_int_equal(memory->count[0].lost_frames, 0);
	tap_writer_free(NULL);
	free(b);
}

/* A thread that sleeps deeply is woken, and ticks all the same. */
static void test_wake(void **state)
{
	struct tap_writer *w = new_writer(TAP_IN, TAP_NO);
	struct burst *b = new_burst();
	uint64_t shortest_ns = UINT64_MAX, start_ns;
	uint32_t ticks = 0;
	uint8_t data[64];

	(void)state;
	fill(data, sizeof(data), 1);
	add(b, data, sizeof(data), 1);
	for (uint32_t i = 0; i < 20; i++) {
		const struct timespec nap = { .tv_nsec = 10000000 };

		nanosleep(&nap, NULL);
		start_ns = clock_now_ns();
		writer_push(w, 0, b);
		wait_seen(i + 1);
		start_ns = clock_now_ns() - start_ns;
		if (start_ns < shortest_ns)
			shortest_ns = start_ns;
	}
	print_message("woken after %" PRIu64 " us\n", shortest_ns / NS_PER_US);
	/* By itself it wakes 80 ms later. */
	assert_true(shortest_ns < 50 * NS_PER_MS);
	start_ns = clock_now_ns();
	while (ticks < 25) { /* 20 for the copies, and others by the clock */
		assert_true(clock_now_ns() - start_ns < 10 * NS_PER_SEC);
		pthread_mutex_lock(&memory->lock);
		ticks = memory->ticks;
		pthread_mutex_unlock(&memory->lock);
	}
	tap_writer_free(w);
	free(b);
}

static void test_refused(void **state)
{
	static const struct {
		const char *to, *filter;
		int r;
	} row[] = {
		{ "/x.pcapng", NULL, -EACCES }, { "dev:eth9", NULL, -EACCES },
		{ "vxlan:192.0.2.1/5", NULL, -EACCES },
		{ "x.pcapng", NULL, -EINVAL }, { NULL, "udp prt 5", -EINVAL },
	};
	FILE *real = stderr, *quiet = fopen("/dev/null", "w");

	(void)state;
	assert_non_null(quiet);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		const struct tap_params p = {
			.to = row[i].to, .filter = row[i].filter, .fd = -1,
			.at = { TAP_IN, TAP_IN },
		};
		struct tap_writer *w = NULL;
		int r;

		stderr = quiet;
		r = tap_writer_new(&w, &p);
		stderr = real;
		assert_int_equal(r, row[i].r);
		assert_null(w);
	}
	fclose(quiet);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrap), cmocka_unit_test(test_restart),
		cmocka_unit_test(test_full), cmocka_unit_test(test_bell),
		cmocka_unit_test(test_untouched), cmocka_unit_test(test_snap),
		cmocka_unit_test(test_filter), cmocka_unit_test(test_threads),
		cmocka_unit_test(test_cost),
		TEST(test_order), TEST(test_patience), TEST(test_sides),
		TEST(test_stopped), TEST(test_lost_before), TEST(test_arrears),
		TEST(test_asked_to_end), TEST(test_whole),
		TEST(test_errors), TEST(test_drain), TEST(test_wake),
		TEST(test_refused),
	};

	return cmocka_run_group_tests_name("tap", tests, NULL, NULL);
}
