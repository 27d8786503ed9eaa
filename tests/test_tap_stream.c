/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies as a stream: whole blocks whatever the reader does, and no call that
 * hangs when it does nothing.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "capture_blocks.h"
#include "clock.h"
#include "log.h"
#include "tap_stream.h"

#define READ_MAX (8 << 20)
#define FRAME_BYTES 1000
/* No call may wait longer than a tenth of a second; machines are noisy. */
#define PATIENCE_NS (2 * NS_PER_SEC)

struct fixture {
	bool socket;
	int reader;
	struct tap_sink *sink;
	uint64_t now_ns;
	uint64_t slowest_ns;
	uint64_t written, lost;
	uint64_t lost_before; /* for the next record */
	uint32_t n; /* read */
	uint8_t frame[65535];
	uint8_t read[READ_MAX];
};

static struct fixture fixture;
static const struct tap_counts none[2];

static int open_stream(void **state, bool socket)
{
	struct fixture *x = &fixture;
	struct tap_params params = {
		.id = "t", .port = { "eth1", "eth2" }, .filter = "ip",
	};
	int fd[2];

	memset(x, 0, offsetof(struct fixture, frame));
	if (socket ? socketpair(AF_UNIX, SOCK_STREAM, 0, fd) : pipe(fd))
		return -1;
	x->socket = socket;
	x->reader = fd[0];
	params.fd = fd[1];
	*state = x;
	fcntl(x->reader, F_SETFL, O_NONBLOCK);
	return tap_stream_open(&x->sink, &params);
}

static int setup_pipe(void **state)
{
	return open_stream(state, false);
}

static int setup_socket(void **state)
{
	return open_stream(state, true);
}

static void timed(struct fixture *x, uint64_t from_ns)
{
	uint64_t took_ns = clock_now_ns() - from_ns;

	if (took_ns > x->slowest_ns)
		x->slowest_ns = took_ns;
}

static void finish(struct fixture *x)
{
	uint64_t from_ns = clock_now_ns();

	x->sink->ops->close(x->sink, none);
	x->sink = NULL;
	timed(x, from_ns);
	if (x->slowest_ns > PATIENCE_NS)
		fail_msg("a call took %d ms", (int)(x->slowest_ns / NS_PER_MS));
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	if (x->sink)
		x->sink->ops->close(x->sink, none);
	if (x->reader >= 0)
		close(x->reader);
	return 0;
}

static int put(struct fixture *x, uint32_t len)
{
	struct tap_record record = {
		.frame = { .data = x->frame, .len = len, .time_ns = 1 },
		.len = len, .interface = 1, .direction = DIRECTION_OUT,
		.lost_before = x->lost_before,
	};
	uint64_t from_ns = clock_now_ns();
	int r = x->sink->ops->write(x->sink, &record);

	timed(x, from_ns);
	x->lost += x->lost_before;
	x->lost_before = 0;
	if (r)
		x->lost++;
	else
		x->written++;
	return r;
}

static int tick(struct fixture *x)
{
	uint64_t from_ns = clock_now_ns();
	int r;

	x->now_ns += 100 * NS_PER_MS;
	r = x->sink->ops->tick(x->sink, x->now_ns, none);
	timed(x, from_ns);
	return r;
}

/* All that is there now. */
static void read_all(struct fixture *x)
{
	ssize_t n;

	while ((n = read(x->reader, x->read + x->n, READ_MAX - x->n)) > 0)
		x->n += (uint32_t)n;
}

static uint32_t at_32(const struct fixture *x, uint32_t at)
{
	const uint8_t *p = x->read + at;

	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

/* Blocks of a type. Those of frames are all ours, and say which are missing. */
static uint32_t blocks(const struct fixture *x, uint32_t type, uint64_t *lost)
{
	uint32_t n = 0, at = 0;

	while (at + 12 <= x->n && at + at_32(x, at + 4) <= x->n) {
		uint32_t total = at_32(x, at + 4), len = at_32(x, at + 20);
		uint32_t options = at + 28 + ((len + 3) & ~3u) + 8;

		assert_int_equal(at_32(x, at + total - 4), total);
		n += at_32(x, at) == type;
		if (at_32(x, at) == 6) {
			assert_int_equal(at_32(x, at + 8), 1);
			assert_memory_equal(x->read + at + 28, x->frame, len);
			assert_int_equal(at_32(x, options - 8), 2 | 4 << 16);
			assert_int_equal(at_32(x, options - 4), 2);
			if (lost && at_32(x, options) == (4 | 8 << 16))
				*lost += at_32(x, options + 4);
		}
		at += total;
	}
	return n;
}

static uint32_t whole(const struct fixture *x)
{
	return capture_whole_bytes(x->read, x->n, true, true);
}

/* What is written is there with the next tick, and the head at once. */
static void test_at_once(void **state)
{
	struct fixture *x = *state;

	read_all(x);
	assert_int_equal(blocks(x, 0x0a0d0d0a, NULL), 1);
	assert_int_equal(blocks(x, 1, NULL), 2);
	for (uint32_t i = 1; i <= 50; i++) {
		assert_int_equal(put(x, 14 + 37 * i), 0);
		assert_int_equal(tick(x), 0);
		read_all(x);
		assert_int_equal(whole(x), x->n);
		assert_int_equal(blocks(x, 6, NULL), i);
	}
	finish(x);
	read_all(x);
	assert_int_equal(whole(x), x->n);
	assert_int_equal(blocks(x, 5, NULL), 2); /* statistics, as the last */
}

/* It stops for a while: what was taken arrives, and what was not is told. */
static void test_stops(void **state)
{
	struct fixture *x = *state;
	uint64_t told = 0;

	for (int turn = 0; turn < 3; turn++) {
		while (put(x, FRAME_BYTES) != -ENOBUFS)
			assert_true(x->written < 10000);
		for (int i = 0; i < 500; i++) {
			x->lost_before = 2; /* in the queue, too */
			assert_int_equal(put(x, FRAME_BYTES), -ENOBUFS);
		}
		/* It takes a little, and then all. */
		x->n += (uint32_t)read(x->reader, x->read + x->n, 3000);
		for (int i = 0; i < 30; i++) {
			assert_int_equal(tick(x), 0);
			read_all(x);
		}
		assert_int_equal(whole(x), x->n);
		assert_int_equal(blocks(x, 6, NULL), x->written);
	}
	x->lost_before = 10;
	assert_int_equal(put(x, FRAME_BYTES), 0);
	finish(x);
	read_all(x);
	assert_int_equal(whole(x), x->n);
	assert_int_equal(blocks(x, 6, &told), x->written);
	assert_int_equal(told, x->lost);
	assert_in_range(x->lost, 4500, 4700);
}

/* For good: the end does not wait for it. */
static void test_stops_for_good(void **state)
{
	struct fixture *x = *state;

	while (put(x, FRAME_BYTES) != -ENOBUFS)
		assert_true(x->written < 10000);
	finish(x);
	read_all(x);
	/* Whole blocks, and at most the last one cut. */
	assert_true(x->n - whole(x) < FRAME_BYTES + CAPTURE_FRAME_MORE);
	assert_in_range(blocks(x, 6, NULL), 20, x->written);
}

static void test_gone(void **state)
{
	struct fixture *x = *state;

	assert_int_equal(put(x, FRAME_BYTES), 0);
	assert_int_equal(tick(x), 0);
	close(x->reader);
	x->reader = -1;
	/* With nothing to write, too. */
	assert_int_equal(tick(x), -EPIPE);
	assert_int_equal(put(x, FRAME_BYTES), -EPIPE);
	assert_int_equal(tick(x), -EPIPE);
	finish(x);
}

static void test_gone_while_writing(void **state)
{
	struct fixture *x = *state;
	int r = 0;

	close(x->reader);
	x->reader = -1;
	while (!r && x->written < 10000)
		r = put(x, 60000);
	assert_int_equal(r, -EPIPE);
	finish(x);
}

/* A peer that says no more asks for the end, and gets all there is. */
static void test_half_closed(void **state)
{
	struct fixture *x = *state;

	if (!x->socket)
		skip();
	assert_int_equal(put(x, FRAME_BYTES), 0);
	assert_int_equal(tick(x), 0);
	shutdown(x->reader, SHUT_WR);
	assert_int_equal(put(x, FRAME_BYTES), 0);
	assert_int_equal(tick(x), -ESHUTDOWN);
	assert_int_equal(put(x, FRAME_BYTES), 0); /* what is queued */
	finish(x);
	read_all(x);
	assert_int_equal(whole(x), x->n);
	assert_int_equal(blocks(x, 6, NULL), 3);
	assert_int_equal(blocks(x, 5, NULL), 2);
	assert_int_equal(read(x->reader, x->read, 1), 0);
}

/* And goes: that is no mistake. */
static void test_half_closed_and_gone(void **state)
{
	struct fixture *x = *state;

	shutdown(x->reader, SHUT_WR);
	close(x->reader);
	x->reader = -1;
	assert_int_equal(put(x, FRAME_BYTES), 0);
	assert_int_equal(tick(x), -EPIPE);
	finish(x);
}

static void *read_slowly(void *arg)
{
	const struct timespec nap = { .tv_nsec = 2 * NS_PER_MS };
	struct fixture *x = arg;
	ssize_t n;

	while ((n = read(x->reader, x->read + x->n, 20000)) > 0) {
		x->n += (uint32_t)n;
		nanosleep(&nap, NULL);
	}
	return NULL;
}

/* Who asked for it gets it, also if it takes some rounds to bring it out. */
static void test_half_closed_and_full(void **state)
{
	struct fixture *x = *state;
	pthread_t reader;

	while (put(x, FRAME_BYTES) != -ENOBUFS)
		assert_true(x->written < 10000);
	fcntl(x->reader, F_SETFL, 0);
	shutdown(x->reader, SHUT_WR);
	assert_int_equal(tick(x), -ESHUTDOWN);
	assert_int_equal(pthread_create(&reader, NULL, read_slowly, x), 0);
	finish(x);
	pthread_join(reader, NULL);
	assert_int_equal(whole(x), x->n);
	assert_int_equal(blocks(x, 6, NULL), x->written);
	assert_int_equal(blocks(x, 5, NULL), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_at_once, setup_pipe,
						teardown),
		cmocka_unit_test_setup_teardown(test_at_once, setup_socket,
						teardown),
		cmocka_unit_test_setup_teardown(test_stops, setup_pipe,
						teardown),
		cmocka_unit_test_setup_teardown(test_stops, setup_socket,
						teardown),
		cmocka_unit_test_setup_teardown(test_stops_for_good, setup_pipe,
						teardown),
		cmocka_unit_test_setup_teardown(test_stops_for_good,
						setup_socket, teardown),
		cmocka_unit_test_setup_teardown(test_gone, setup_pipe,
						teardown),
		cmocka_unit_test_setup_teardown(test_gone, setup_socket,
						teardown),
		cmocka_unit_test_setup_teardown(test_gone_while_writing,
						setup_pipe, teardown),
		cmocka_unit_test_setup_teardown(test_gone_while_writing,
						setup_socket, teardown),
		cmocka_unit_test_setup_teardown(test_half_closed, setup_socket,
						teardown),
		cmocka_unit_test_setup_teardown(test_half_closed_and_gone,
						setup_socket, teardown),
		cmocka_unit_test_setup_teardown(test_half_closed_and_full,
						setup_socket, teardown),
	};

	signal(SIGPIPE, SIG_IGN); /* as the tap's thread has it */
	log_level = LOG_LEVEL_ERROR;
	for (size_t i = 0; i < sizeof(fixture.frame); i++)
		fixture.frame[i] = (uint8_t)(i * 7 + i / 256);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
