/* SPDX-License-Identifier: BSD-2-Clause */
/* feed.c, in a lane with ports in memory: every frame of the source leaves
 * once, in order, by its port and at its time, and the balance closes however
 * the run ends. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/eventfd.h>

#include "clock.h"
#include "feed.h"
#include "lane.h"
#include "log.h"
#include "port_mem.h"

#define FRAME_BYTES 80
#define NUMBER_AT 20

/* So many numbered frames a pass, a microsecond apart. */
struct numbers {
	struct source source;
	uint64_t n;
	uint64_t next;
	uint64_t fault_at; /* ends with a fault before this one; 0: not */
	int fault;         /* EIO; ECANCELED: waits until it is stopped */
	bool stopped;
	uint64_t rewinds;
	uint32_t len;
	uint8_t egress_mask; /* number & mask ? 1 : 0 */
	uint8_t bytes[BURST_RX][SOURCE_HEADROOM + 10000];
	bool closed;
};

static struct numbers numbers; /* a source that the feed frees outlives it */

static int numbers_draw(struct source *source, struct burst *b,
			struct lane_stats *s)
{
	struct numbers *no = container_of(source, struct numbers, source);

	while (b->n < BURST_RX && no->next < no->n) {
		uint8_t *data = no->bytes[b->n] + SOURCE_HEADROOM;

		if (no->fault_at && no->next == no->fault_at)
			return no->fault == EIO || no->stopped ? -no->fault :
								 SOURCE_MORE;
		memset(data, 0, no->len);
		memcpy(data + NUMBER_AT, &no->next, sizeof(no->next));
		b->frame[b->n++] = (struct frame){
			.data = data,
			.len = no->len,
			.time_ns = no->next * 1000,
			.egress = (no->next & no->egress_mask) != 0,
		};
		no->next++;
		counter_add(&s->received_frames, 1);
	}
	return no->next < no->n ? SOURCE_MORE : SOURCE_END;
}

static int numbers_rewind(struct source *source, uint64_t pass)
{
	struct numbers *no = container_of(source, struct numbers, source);

	no->rewinds++;
	assert_int_equal(pass, no->rewinds);
	no->next = 0;
	return 0;
}

static void numbers_stop(struct source *source)
{
	container_of(source, struct numbers, source)->stopped = true;
}

static double numbers_progress(const struct source *source)
{
	const struct numbers *no = container_of(source, struct numbers, source);

	return (double)no->next / (double)no->n;
}

static void numbers_close(struct source *source)
{
	container_of(source, struct numbers, source)->closed = true;
}

static const struct source_ops numbers_ops = {
	.name = "numbers",
	.draw = numbers_draw,
	.rewind = numbers_rewind,
	.stop = numbers_stop,
	.progress = numbers_progress,
	.close = numbers_close,
};

/* A lane from a feed to two ports in memory. */
struct rig {
	struct feed_params params;
	struct feed *feed;
	struct lane lane;
	struct port *port[2];
};

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	memset(&numbers, 0, sizeof(numbers));
	numbers.source.ops = &numbers_ops;
	numbers.len = FRAME_BYTES;
	numbers.fault = EIO;
	rig->params = (struct feed_params){
		.source = &numbers.source,
		.pace = { .mode = PACE_TOPSPEED, .factor = 1 },
		.passes = 1,
		.mtu = { 1500, 1500 },
	};
	lane_init(&rig->lane, "test");
	rig->port[0] = port_mem_new("left");
	rig->port[1] = port_mem_new("right");
	rig->lane.tx = rig->port[0];
	rig->lane.tx_other = rig->port[1];
	log_level = LOG_LEVEL_ERROR;
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	if (rig->feed)
		port_close(feed_port(rig->feed));
	assert_true(numbers.closed || !rig->feed);
	port_close(rig->port[0]);
	port_close(rig->port[1]);
	lane_fini(&rig->lane);
	free(rig);
	return 0;
}

static void make(struct rig *rig, uint64_t n)
{
	numbers.n = n;
	assert_int_equal(feed_new(&rig->feed, &rig->params), 0);
	rig->lane.rx = feed_port(rig->feed);
}

static uint64_t due(const struct rig *rig)
{
	return rig->lane.rx->ops->due_ns(rig->lane.rx);
}

/* Breathe to the end, as the lane's thread does, without its sleep. */
static void run(struct rig *rig)
{
	for (int i = 0; due(rig) != PORT_ENDED; i++) {
		assert_in_range(i, 0, 100000000);
		lane_breathe(&rig->lane, 0);
		assert_int_equal(stats_unaccounted(&rig->lane.stats), 0);
	}
}

static uint64_t number_of(const struct frame *f)
{
	uint64_t number;

	memcpy(&number, f->data + NUMBER_AT, sizeof(number));
	return number;
}

/* Sent by a port: first, first + step, ... in passes of n. */
static void assert_sent(struct port *port, uint64_t n, uint64_t first,
			uint64_t step, uint64_t pass)
{
	assert_int_equal(port_mem_sent(port), n);
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal(number_of(port_mem_sent_frame(port, i)),
				 (first + i * step) % pass);
}

/* Of any number of frames, also where bursts end. */
static void test_all_once(void **state)
{
	static const uint64_t n[] = { 1, 63, 64, 65, 128, 1000 };
	struct rig *rig;

	for (size_t i = 0; i < ARRAY_SIZE(n); i++) {
		rig = *state;
		make(rig, n[i]);
		run(rig);
		assert_sent(rig->port[0], n[i], 0, 1, n[i]);
		assert_int_equal(feed_figures(rig->feed)->complete, 1);
		assert_int_equal(rig->lane.stats.held_frames, 0);
		assert_true(feed_progress(rig->feed) == 1);
		teardown(state);
		setup(state);
	}
}

static void test_empty_source(void **state)
{
	struct rig *rig = *state;

	rig->params.passes = 0; /* would be for ever */
	make(rig, 0);
	run(rig);
	assert_int_equal(port_mem_sent(rig->port[0]), 0);
	assert_int_equal(feed_figures(rig->feed)->complete, 1);
}

static void on_pass(void *arg, uint64_t pass)
{
	uint64_t *last = arg;

	assert_int_equal(pass, *last + 1);
	*last = pass;
}

static void test_passes(void **state)
{
	struct rig *rig = *state;
	uint64_t last = 0;

	rig->params.passes = 7;
	rig->params.on_pass = on_pass;
	rig->params.arg = &last;
	make(rig, 100);
	run(rig);
	assert_sent(rig->port[0], 700, 0, 1, 100);
	assert_int_equal(last, 6);
	assert_int_equal(numbers.rewinds, 6);
}

static void test_limit(void **state)
{
	struct rig *rig = *state;

	rig->params.passes = 0;
	rig->params.limit_frames = 250;
	make(rig, 100);
	run(rig);
	assert_sent(rig->port[0], 250, 0, 1, 100);
	assert_int_equal(feed_figures(rig->feed)->complete, 1);
	assert_false(feed_is_endless(rig->feed));
}

/* Once the last frame is lent nobody asks for another, which may not come. */
static void test_limit_draws_no_more(void **state)
{
	struct rig *rig = *state;

	rig->params.limit_frames = BURST_RX;
	make(rig, 1000);
	run(rig);
	assert_sent(rig->port[0], BURST_RX, 0, 1, 1000);
	assert_int_equal(numbers.next, BURST_RX);
	assert_int_equal(feed_figures(rig->feed)->complete, 1);
}

/* A source that waits when the time is over: that is no fault, and the end. */
static void test_expire(void **state)
{
	struct rig *rig = *state;

	rig->params.duration_ns = 3600 * NS_PER_SEC;
	numbers.fault_at = 30;
	numbers.fault = ECANCELED;
	make(rig, 100);
	for (int i = 0; i < 10; i++)
		lane_breathe(&rig->lane, 0);
	assert_sent(rig->port[0], 30, 0, 1, 100);
	assert_int_not_equal(due(rig), PORT_ENDED);
	feed_expire(rig->feed);
	run(rig);
	assert_sent(rig->port[0], 30, 0, 1, 100);
	assert_int_equal(feed_figures(rig->feed)->complete, 1);
	assert_int_equal(feed_figures(rig->feed)->fault, 0);
}

/* Top speed knows no schedule, but a start, delays and an end. */
static void test_topspeed_waits(void **state)
{
	struct rig *rig = *state;
	uint64_t start_ns;

	rig->params.passes = 2;
	rig->params.pass_delay_ns = 5 * NS_PER_MS;
	rig->params.duration_ns = NS_PER_SEC;
	make(rig, 100);
	start_ns = clock_now_ns() + 5 * NS_PER_MS;
	feed_start_at(rig->feed, start_ns);
	lane_breathe(&rig->lane, 0);
	assert_int_equal(port_mem_sent(rig->port[0]), 0);
	assert_int_equal(due(rig), start_ns);
	while (port_mem_sent(rig->port[0]) < 100)
		lane_breathe(&rig->lane, 0);
	assert_true(clock_now_ns() >= start_ns);
	while (!due(rig))
		lane_breathe(&rig->lane, 0);
	assert_in_range(due(rig), start_ns + 5 * NS_PER_MS, PORT_ENDED - 1);
	run(rig);
	assert_true(clock_now_ns() >= start_ns + 5 * NS_PER_MS);
	assert_sent(rig->port[0], 200, 0, 1, 100);
	assert_int_equal(feed_figures(rig->feed)->complete, 1);
}

/* A pass that would begin behind the end is not waited for. */
static void test_topspeed_duration(void **state)
{
	struct rig *rig = *state;
	const struct timespec nap = { .tv_nsec = 30 * NS_PER_MS };

	rig->params.passes = 0;
	rig->params.pass_delay_ns = 80 * NS_PER_MS;
	rig->params.duration_ns = 100 * NS_PER_MS;
	make(rig, 100);
	lane_breathe(&rig->lane, 0);
	nanosleep(&nap, NULL); /* why: so long the first pass takes */
	run(rig);
	assert_sent(rig->port[0], 100, 0, 1, 100);
	assert_int_equal(numbers.rewinds, 0);
	assert_int_equal(feed_figures(rig->feed)->complete, 1);
}

/* 100 frames a pass, a microsecond apart: those before 250 us, at their time;
 * the next pass follows at once. */
static void test_duration_and_schedule(void **state)
{
	struct rig *rig = *state;
	uint64_t start_ns;

	rig->params.passes = 0;
	rig->params.pace.mode = PACE_CAPTURE;
	rig->params.duration_ns = 250000;
	make(rig, 100);
	start_ns = clock_now_ns() + 5 * NS_PER_MS;
	feed_start_at(rig->feed, start_ns);
	lane_breathe(&rig->lane, 0);
	assert_int_equal(port_mem_sent(rig->port[0]), 0);
	assert_int_equal(due(rig), start_ns);
	run(rig);
	assert_in_range(clock_now_ns(), start_ns + 249000, UINT64_MAX - 1);
	/* 0 to 99 us, 99 to 198 us, 198 to 249 us */
	assert_sent(rig->port[0], 252, 0, 1, 100);
	assert_int_equal(hist_count(feed_lateness(rig->feed)), 252);
	assert_int_equal(feed_figures(rig->feed)->planned_ns, 249000);
}

/* Nobody waits, and frames know when they would have left. */
static void on_due_record(void *arg, struct frame *f)
{
	uint64_t *time_ns = arg;

	assert_true(!*time_ns || f->time_ns == *time_ns + NS_PER_SEC);
	*time_ns = f->time_ns;
}

static void test_rehearse(void **state)
{
	struct rig *rig = *state;
	uint64_t before_ns = clock_now_ns(), time_ns = 0;

	rig->params.rehearse = true;
	rig->params.pace.mode = PACE_GAP;
	rig->params.pace.gap_ns = NS_PER_SEC;
	rig->params.on_due = on_due_record;
	rig->params.arg = &time_ns;
	make(rig, 1000);
	run(rig);
	assert_sent(rig->port[0], 1000, 0, 1, 1000);
	assert_true(clock_now_ns() - before_ns < 100 * NS_PER_SEC);
	assert_int_equal(feed_figures(rig->feed)->planned_ns,
			 999 * NS_PER_SEC);
	assert_int_equal(hist_count(feed_lateness(rig->feed)), 0);
}

/* What came before the fault is sent, and then no more passes. */
static void test_fault(void **state)
{
	struct rig *rig = *state;

	rig->params.passes = 3;
	numbers.fault_at = 130;
	make(rig, 1000);
	run(rig);
	assert_sent(rig->port[0], 130, 0, 1, 1000);
	assert_int_equal(feed_figures(rig->feed)->fault, EIO);
	assert_int_equal(feed_figures(rig->feed)->complete, 0);
}

static void test_stop(void **state)
{
	struct rig *rig = *state;

	rig->params.passes = 0;
	make(rig, 100);
	for (int i = 0; i < 10; i++)
		lane_breathe(&rig->lane, 0);
	assert_int_equal(rig->lane.rx->ops->stop_rx(rig->lane.rx), 0);
	assert_int_equal(due(rig), PORT_ENDED);
	assert_int_equal(feed_figures(rig->feed)->complete, 0);
	assert_true(feed_is_endless(rig->feed));
	assert_int_equal(stats_unaccounted(&rig->lane.stats), 0);
}

/* Each frame by its own port, and the order between the two kept. */
static void test_two_ports(void **state)
{
	struct rig *rig = *state;

	numbers.egress_mask = 1;
	make(rig, 1000);
	run(rig);
	assert_sent(rig->port[0], 500, 0, 2, 1000);
	assert_sent(rig->port[1], 500, 1, 2, 1000);
	assert_int_equal(feed_figures(rig->feed)->lent_frames[0], 500);
	assert_int_equal(feed_figures(rig->feed)->lent_frames[1], 500);
}

static void test_oversize_skip(void **state)
{
	struct rig *rig = *state;

	numbers.len = 1515;
	make(rig, 100);
	run(rig);
	assert_int_equal(port_mem_sent(rig->port[0]), 0);
	assert_int_equal(rig->lane.stats.dropped_frames[REASON_OVERSIZE], 100);
	assert_int_equal(feed_figures(rig->feed)->oversize_frames, 100);
	assert_int_equal(feed_figures(rig->feed)->complete, 1);
}

static void test_oversize_fail(void **state)
{
	struct rig *rig = *state;

	rig->params.oversize = FEED_OVERSIZE_FAIL;
	numbers.len = 1515;
	make(rig, 100);
	run(rig);
	assert_int_equal(rig->lane.stats.dropped_frames[REASON_OVERSIZE], 1);
	assert_int_equal(feed_figures(rig->feed)->fault, EMSGSIZE);
}

/* What cannot be cut is counted, like what may not be. */
static void test_oversize_segment_not_tcp(void **state)
{
	struct rig *rig = *state;

	rig->params.oversize = FEED_OVERSIZE_SEGMENT;
	numbers.len = 1515;
	make(rig, 10);
	run(rig);
	assert_int_equal(rig->lane.stats.dropped_frames[REASON_OVERSIZE], 10);
	assert_int_equal(rig->lane.stats.split_frames, 0);
}

/* Late by 20 ms: caught up with, or the schedule moves for all that follow. */
static void test_late(void **state)
{
	struct rig *rig = *state;
	const struct feed_figures *f;

	rig->params.pace.mode = PACE_CAPTURE;
	rig->params.late = FEED_SLIP;
	make(rig, 500);
	feed_start_at(rig->feed, clock_now_ns() - 20 * NS_PER_MS);
	run(rig);
	f = feed_figures(rig->feed);
	assert_int_equal(port_mem_sent(rig->port[0]), 500);
	assert_in_range(f->slipped_ns, 20 * NS_PER_MS, NS_PER_SEC);
	assert_true(f->late_frames >= 1);

	teardown(state);
	setup(state);
	rig = *state;
	rig->params.pace.mode = PACE_CAPTURE;
	make(rig, 500);
	feed_start_at(rig->feed, clock_now_ns() - 20 * NS_PER_MS);
	run(rig);
	f = feed_figures(rig->feed);
	assert_int_equal(f->slipped_ns, 0);
	assert_int_equal(f->late_frames, 500);
}

/* The lane's own thread ends with the feed, and says so. */
static void test_thread_ends(void **state)
{
	struct rig *rig = *state;
	eventfd_t told = 0;

	rig->params.pace.mode = PACE_CAPTURE;
	make(rig, 2000);
	rig->lane.ended_fd = eventfd(0, EFD_CLOEXEC);
	rig->lane.spin_us = 120;
	assert_int_equal(lane_start(&rig->lane, feed_port(rig->feed),
				    rig->port[0]), 0);
	assert_int_equal(eventfd_read(rig->lane.ended_fd, &told), 0);
	lane_stop(&rig->lane);
	close(rig->lane.ended_fd);
	assert_int_equal(told, 1);
	assert_sent(rig->port[0], 2000, 0, 1, 2000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_all_once),
		TEST(test_empty_source),
		TEST(test_passes),
		TEST(test_limit),
		TEST(test_limit_draws_no_more),
		TEST(test_expire),
		TEST(test_topspeed_waits),
		TEST(test_topspeed_duration),
		TEST(test_duration_and_schedule),
		TEST(test_rehearse),
		TEST(test_fault),
		TEST(test_stop),
		TEST(test_two_ports),
		TEST(test_oversize_skip),
		TEST(test_oversize_fail),
		TEST(test_oversize_segment_not_tcp),
		TEST(test_late),
		TEST(test_thread_ends),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
