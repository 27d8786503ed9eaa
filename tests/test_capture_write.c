/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capture files that are written: byte for byte what was worked out by hand,
 * and what is said and counted if there is no room.
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
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "capture_write.h"
#include "rng.h"
#include "test_log.h"

#define DIR_TEMPLATE "/tmp/test_capture_write.XXXXXX"

struct fixture {
	char dir[sizeof(DIR_TEMPLATE)];
	char path[64];
	struct test_log log;
};

static struct fixture fixture;

static int setup(void **state)
{
	strcpy(fixture.dir, DIR_TEMPLATE);
	*state = &fixture;
	fixture.path[0] = '\0';
	return mkdtemp(fixture.dir) ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	test_log_abandon(&x->log);
	if (*x->path)
		unlink(x->path);
	return rmdir(x->dir);
}

/* One file a test. */
static const char *file_in(struct fixture *x, const char *name)
{
	snprintf(x->path, sizeof(x->path), "%s/%s", x->dir, name);
	return x->path;
}

/* ---- files that are expected ---- */

#define WANT_MAX (4 << 20)

struct want {
	uint32_t n;
	uint8_t bytes[WANT_MAX];
};

static struct want want;

static void want_bytes(const void *from, size_t n)
{
	assert_true(want.n + n <= WANT_MAX);
	memcpy(want.bytes + want.n, from, n);
	want.n += (uint32_t)n;
}

static void want_32(uint32_t value)
{
	const uint8_t bytes[] = { (uint8_t)value, (uint8_t)(value >> 8),
				  (uint8_t)(value >> 16),
				  (uint8_t)(value >> 24) };

	want_bytes(bytes, sizeof(bytes));
}

static void want_padding(size_t n)
{
	want_bytes("\0\0\0", -n % 4);
}

static void want_pcap_header(void)
{
	static const uint8_t header[] = {
		0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 4, 0, 1, 0, 0, 0,
	};

	want.n = 0;
	want_bytes(header, sizeof(header));
}

static void want_section(void)
{
	static const uint8_t head[] = { 0x0a, 0x0d, 0x0d, 0x0a };
	static const uint8_t middle[] = {
		0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 4, 0,
	};
	size_t n = strlen(PACKAGE_STRING);
	uint32_t total = 24 + 4 + (uint32_t)(n + -n % 4) + 4 + 4;

	want.n = 0;
	want_bytes(head, sizeof(head));
	want_32(total);
	want_bytes(middle, sizeof(middle));
	want_bytes((uint8_t[]){ (uint8_t)n, 0 }, 2);
	want_bytes(PACKAGE_STRING, n);
	want_padding(n);
	want_32(0);
	want_32(total);
	assert_int_equal(want.n, total);
}

static const char *const two_names[] = { "left", "eth10" };

static void want_two_interfaces(void)
{
	static const uint8_t blocks[] = {
		/* "left": 20 + (4 + 4) + (4 + 4) + 4 + 4 bytes */
		1, 0, 0, 0, 40, 0, 0, 0, 1, 0, 0, 0, 0, 0, 4, 0,
		2, 0, 4, 0, 'l', 'e', 'f', 't',
		9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0,
		/* "eth10": 4 more for its padding */
		1, 0, 0, 0, 44, 0, 0, 0, 1, 0, 0, 0, 0, 0, 4, 0,
		2, 0, 5, 0, 'e', 't', 'h', '1', '0', 0, 0, 0,
		9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 44, 0, 0, 0,
	};

	want_bytes(blocks, sizeof(blocks));
}

static void want_frame(bool pcapng, const struct frame *f, uint64_t time_ns,
		       uint32_t interface)
{
	uint32_t total = 32 + f->len + -f->len % 4;

	if (pcapng) {
		want_32(6);
		want_32(total);
		want_32(interface);
		want_32((uint32_t)(time_ns >> 32));
		want_32((uint32_t)time_ns);
	} else {
		want_32((uint32_t)(time_ns / 1000000000));
		want_32((uint32_t)(time_ns % 1000000000));
	}
	want_32(f->len);
	want_32(f->len);
	want_bytes(f->data, f->len);
	if (pcapng) {
		want_padding(f->len);
		want_32(total);
	}
}

static void check_file(const char *path)
{
	static uint8_t got[WANT_MAX + 1];
	FILE *file = fopen(path, "r");
	size_t n;

	assert_non_null(file);
	n = fread(got, 1, sizeof(got), file);
	fclose(file);
	assert_int_equal(n, want.n);
	assert_memory_equal(got, want.bytes, n);
}

static struct frame frame_of(uint8_t *data, uint32_t len)
{
	return (struct frame){ .data = data, .len = len };
}

static struct capture_writer *open_writer(const char *path,
					  const char *const *name, uint32_t n)
{
	struct capture_writer *w = NULL;

	assert_int_equal(capture_write_open(&w, path, name, n), 0);
	assert_non_null(w);
	return w;
}

/* ---- what is written ---- */

static void test_pcap(void **state)
{
	static const uint8_t records[] = {
		/* 1700000000.123456789 s, 15 bytes of 15 */
		0x00, 0xf1, 0x53, 0x65, 0x15, 0xcd, 0x5b, 0x07,
		15, 0, 0, 0, 15, 0, 0, 0,
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		/* the last moment that fits, 14 bytes */
		0xff, 0xff, 0xff, 0xff, 0xff, 0xc9, 0x9a, 0x3b,
		14, 0, 0, 0, 14, 0, 0, 0,
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	};
	const char *path = file_in(*state, "a.pcap");
	struct capture_writer *w = open_writer(path, two_names, 2);
	uint8_t data[15];
	struct frame f = frame_of(data, 15);

	for (uint8_t i = 0; i < 15; i++)
		data[i] = i + 1;
	assert_int_equal(capture_write_frame(w, &f, 1700000000123456789, 0), 0);
	f.len = 14;
	assert_int_equal(capture_write_frame(w, &f, 4294967295999999999, 1), 0);
	assert_int_equal(capture_write_close(w), 0);
	want_pcap_header();
	want_bytes(records, sizeof(records));
	check_file(path);
	assert_int_equal(capture_write_close(NULL), 0);
}

static void test_pcapng(void **state)
{
	static const uint8_t blocks[] = {
		/* of the second: 0x1797a7ce8a0b5d15 ns, 15 bytes and 1 */
		6, 0, 0, 0, 48, 0, 0, 0, 1, 0, 0, 0,
		0xce, 0xa7, 0x97, 0x17, 0x15, 0x5d, 0x0b, 0x8a,
		15, 0, 0, 0, 15, 0, 0, 0,
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0,
		48, 0, 0, 0,
		/* of the first, at the end of time: 16 bytes, no padding */
		6, 0, 0, 0, 48, 0, 0, 0, 0, 0, 0, 0,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		16, 0, 0, 0, 16, 0, 0, 0,
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
		48, 0, 0, 0,
	};
	const char *path = file_in(*state, "a.pcapng");
	struct capture_writer *w = open_writer(path, two_names, 2);
	uint8_t data[16];
	struct frame f = frame_of(data, 15);

	for (uint8_t i = 0; i < 16; i++)
		data[i] = i + 1;
	assert_int_equal(capture_write_frame(w, &f, 0x1797a7ce8a0b5d15, 1), 0);
	f.len = 16;
	assert_int_equal(capture_write_frame(w, &f, UINT64_MAX, 0), 0);
	assert_int_equal(capture_write_close(w), 0);
	want_section();
	want_two_interfaces();
	want_bytes(blocks, sizeof(blocks));
	check_file(path);
}

/* A file without frames is a file, and an old one is gone. */
static void test_empty(void **state)
{
	const char *path = file_in(*state, "pcapng");
	FILE *old = fopen(path, "w");

	assert_non_null(old);
	assert_true(fputs("something that is longer than a header", old) > 0);
	assert_int_equal(fclose(old), 0);
	assert_int_equal(capture_write_close(open_writer(path, two_names, 1)),
			 0);
	want_pcap_header();
	check_file(path);
}

/* Frames of all lengths, several buffers full. */
static void check_many(const char *path, bool pcapng)
{
	static uint8_t data[FRAME_MAX_BYTES];
	struct capture_writer *w = open_writer(path, two_names, 2);
	struct rng rng = { pcapng };

	for (uint32_t i = 0; i < FRAME_MAX_BYTES; i++)
		data[i] = (uint8_t)rng_next(&rng);
	for (uint32_t i = 0; i < 300; i++) {
		uint32_t room = i % 10 ? 1500 : FRAME_MAX_BYTES - 14;
		uint32_t len = 14 + (uint32_t)rng_below(&rng, room + 1);
		uint64_t time_ns = i * UINT64_C(700000000);
		struct frame f;

		if (i == 150)
			len = FRAME_MAX_BYTES;
		f = frame_of(data + FRAME_MAX_BYTES - len, len);
		assert_int_equal(capture_write_frame(w, &f, time_ns, i % 2), 0);
		want_frame(pcapng, &f, time_ns, i % 2);
		if (i % 100 == 50) {
			assert_int_equal(capture_write_flush(w), 0);
			check_file(path);
		}
	}
	assert_true(want.n > 3 * 262144);
	assert_int_equal(capture_write_close(w), 0);
	check_file(path);
}

static void test_many_pcap(void **state)
{
	want_pcap_header();
	check_many(file_in(*state, "many"), false);
}

static void test_many_pcapng(void **state)
{
	want_section();
	want_two_interfaces();
	check_many(file_in(*state, "many.pcapng"), true);
}

/* Where the buffer ends: to the byte, and around it. */
static void check_edge(const char *path, bool pcapng, uint32_t k)
{
	static uint8_t data[FRAME_MAX_BYTES];
	struct capture_writer *w = open_writer(path, two_names, 2);
	struct frame f = frame_of(data, 65000);

	for (uint32_t i = 0; i < 6; i++) {
		/* The fifth ends near 256 Ki. */
		if (i == 4)
			f.len = 262144 - want.n - (pcapng ? 32 : 16) - 6 + k;
		assert_int_equal(capture_write_frame(w, &f, i, 0), 0);
		want_frame(pcapng, &f, i, 0);
	}
	assert_int_equal(capture_write_close(w), 0);
	check_file(path);
}

static void test_edges(void **state)
{
	for (uint32_t k = 0; k < 16; k++) {
		const char *path = file_in(*state, "edge.pcapng");

		want_section();
		want_two_interfaces();
		check_edge(path, true, k);
		unlink(path);
		want_pcap_header();
		check_edge(file_in(*state, "edge"), false, k);
	}
}

/* ---- who reads slowly ---- */

struct reader {
	const char *path;
	pthread_t writer;
	uint32_t n;
	uint8_t bytes[WANT_MAX];
};

static void on_signal(int number)
{
	(void)number;
}

/* The pipe is filled first, so that the writer stands in a write. Then it is
 * told of something now and again: a write ends with a part, or with EINTR. */
static void *read_slowly(void *arg)
{
	struct reader *r = arg;
	int fd = open(r->path, O_RDONLY);
	int size = fcntl(fd, F_GETPIPE_SZ);
	int waiting = 0;
	ssize_t n;

	while (waiting < size && !ioctl(fd, FIONREAD, &waiting))
		sched_yield();
	do {
		pthread_kill(r->writer, SIGUSR1);
		n = read(fd, r->bytes + r->n, 10000);
		if (n > 0)
			r->n += (uint32_t)n;
	} while (n > 0);
	close(fd);
	return NULL;
}

static void test_pipe(void **state)
{
	static struct reader r;
	static uint8_t data[1000];
	struct sigaction action = { .sa_handler = on_signal }, before;
	struct capture_writer *w;
	pthread_t thread;
	struct rng rng = { 9 };

	r = (struct reader){ .path = file_in(*state, "fifo"),
			     .writer = pthread_self() };
	assert_int_equal(mkfifo(r.path, 0600), 0);
	assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
	assert_int_equal(pthread_create(&thread, NULL, read_slowly, &r), 0);
	w = open_writer(r.path, two_names, 1);
	want_pcap_header();
	for (uint32_t i = 0; i < 3000; i++) {
		struct frame f = frame_of(data, sizeof(data));

		for (uint32_t k = 0; k < sizeof(data); k += 8)
			data[k] = (uint8_t)rng_next(&rng);
		assert_int_equal(capture_write_frame(w, &f, i, 0), 0);
		want_frame(false, &f, i, 0);
	}
	assert_int_equal(capture_write_close(w), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
	assert_int_equal(r.n, want.n);
	assert_memory_equal(r.bytes, want.bytes, want.n);
}

static void test_stdout(void **state)
{
	const char *path = file_in(*state, "out");
	int to = open(path, O_WRONLY | O_CREAT, 0600);
	int real;
	struct capture_writer *w;

	assert_true(to >= 0);
	fflush(stdout);
	real = dup(STDOUT_FILENO);
	assert_true(real >= 0 && dup2(to, STDOUT_FILENO) == STDOUT_FILENO);
	w = open_writer("-", two_names, 1);
	assert_int_equal(capture_write_close(w), 0);
	/* It is not ours to close. */
	assert_int_equal(fcntl(STDOUT_FILENO, F_GETFD), 0);
	assert_int_equal(dup2(real, STDOUT_FILENO), STDOUT_FILENO);
	close(real);
	close(to);
	want_pcap_header();
	check_file(path);
}

/* ---- as a port ---- */

static void test_port(void **state)
{
	const char *path = file_in(*state, "port.pcapng");
	struct capture_writer *w = open_writer(path, two_names, 2);
	struct port *port = capture_write_port(w);
	uint8_t data[64] = { 7 };
	struct frame f[3] = { frame_of(data, 64), frame_of(data, 20),
			      frame_of(data, 16) };
	struct lane_stats s = { 0 };

	assert_ptr_equal(capture_write_of_port(port), w);
	assert_true(port->ready);
	assert_int_equal(port->mtu, FRAME_MAX_BYTES);
	want_section();
	want_two_interfaces();
	for (uint8_t i = 0; i < 3; i++) {
		f[i].egress = i % 2;
		f[i].time_ns = 0x0102030405060700 + i;
		want_frame(true, &f[i], f[i].time_ns, i % 2);
	}
	port_tx(port, f, 3, &s);
	assert_int_equal(s.forwarded_frames, 3);
	assert_int_equal(s.forwarded_bytes, 100);
	assert_int_equal(stats_dropped(&s), 0);
	assert_int_equal(capture_write_flush(w), 0);
	port_close(port);
	check_file(path);
}

/* ---- what goes wrong ---- */

static void test_open_fails(void **state)
{
	struct fixture *x = *state;
	static const struct {
		const char *path, *what;
		int r;
	} row[] = {
		{ "/nowhere/at/all.pcap",
		  "/nowhere/at/all.pcap: No such file or directory", -ENOENT },
		{ "/tmp", "/tmp: Is a directory", -EISDIR },
		{ "", ": No such file or directory", -ENOENT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct capture_writer *w = NULL;
		int r;

		test_log_begin(&x->log);
		r = capture_write_open(&w, row[i].path, two_names, 2);
		test_log_check(&x->log, row[i].what, 1);
		assert_int_equal(r, row[i].r);
		assert_null(w);
	}
}

/* No room at all: it shows when the buffer is written. */
static void test_full(void **state)
{
	struct fixture *x = *state;
	static uint8_t data[1500];
	struct capture_writer *w = open_writer("/dev/full", two_names, 1);
	struct frame f[100];
	struct lane_stats s = { 0 };
	int flushed;

	for (int i = 0; i < 100; i++)
		f[i] = frame_of(data, sizeof(data));
	test_log_begin(&x->log);
	port_tx(capture_write_port(w), f, 100, &s);
	assert_int_equal(s.forwarded_frames, 100);
	port_tx(capture_write_port(w), f, 100, &s);
	port_tx(capture_write_port(w), f, 100, &s);
	flushed = capture_write_flush(w);
	assert_int_equal(capture_write_frame(w, f, 0, 0), -ENOSPC);
	assert_int_equal(capture_write_close(w), -ENOSPC);
	test_log_check(&x->log, "/dev/full: No space left on device", 1);
	assert_int_equal(flushed, -ENOSPC);
	/* 24 + 1516 n bytes fit into 256 KiB for n up to 172. */
	assert_int_equal(s.forwarded_frames, 172);
	assert_int_equal(s.forwarded_bytes, 172 * 1500);
	assert_int_equal(s.dropped_frames[REASON_TX_ERROR], 128);
	assert_int_equal(stats_dropped(&s), 128);
}

static void test_full_at_close(void **state)
{
	struct fixture *x = *state;
	struct capture_writer *w = open_writer("/dev/full", two_names, 1);

	test_log_begin(&x->log);
	assert_int_equal(capture_write_close(w), -ENOSPC);
	test_log_check(&x->log, "/dev/full: No space left on device", 1);
	/* port_close() has no way to tell, but it logs. */
	w = open_writer("/dev/full", two_names, 1);
	test_log_begin(&x->log);
	port_close(capture_write_port(w));
	test_log_check(&x->log, "/dev/full: No space left on device", 1);
}

/* Room for a part: the kernel takes that first, then refuses the rest. */
static void test_part(void **state)
{
	struct fixture *x = *state;
	const char *path = file_in(*state, "part.pcap");
	struct capture_writer *w = open_writer(path, two_names, 1);
	uint8_t data[100] = { 0 };
	struct frame f = frame_of(data, sizeof(data));
	struct rlimit before, limit;
	int r;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 1000;
	signal(SIGXFSZ, SIG_IGN);
	want_pcap_header();
	for (uint32_t i = 0; i < 20; i++) {
		assert_int_equal(capture_write_frame(w, &f, i, 0), 0);
		want_frame(false, &f, i, 0);
	}
	test_log_begin(&x->log);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	r = capture_write_close(w);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	test_log_check(&x->log, "part.pcap: File too large", 1);
	assert_int_equal(r, -EFBIG);
	signal(SIGXFSZ, SIG_DFL);
	want.n = 1000;
	check_file(path);
}

/* What no file can hold is told, and what came before it is kept. */
static void test_unwritable(void **state)
{
	struct fixture *x = *state;
	static uint8_t data[FRAME_MAX_BYTES + 1];
	static const struct {
		const char *name, *what;
		uint64_t time_ns;
		uint32_t len, interface;
		int r;
	} row[] = {
		{ "a.pcap", "2106", 4294967296000000000, 60, 0, -EOVERFLOW },
		{ "a.pcap", "interface", 0, 60, 2, -EINVAL },
		{ "a.pcapng", "interface", 0, 60, 2, -EINVAL },
		{ "a.pcapng", "longer", 0, FRAME_MAX_BYTES + 1, 0, -EMSGSIZE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		const char *path = file_in(*state, row[i].name);
		struct capture_writer *w = open_writer(path, two_names, 2);
		struct frame good = frame_of(data, 60);
		struct frame bad = frame_of(data, row[i].len);

		test_log_begin(&x->log);
		assert_int_equal(capture_write_frame(w, &bad, row[i].time_ns,
						     row[i].interface),
				 row[i].r);
		assert_int_equal(capture_write_frame(w, &good, 0, 0), row[i].r);
		assert_int_equal(capture_write_close(w), row[i].r);
		test_log_check(&x->log, row[i].what, 1);
		unlink(path);
	}
	(*(struct fixture **)state)->path[0] = '\0';
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_pcap),
		TEST(test_pcapng),
		TEST(test_empty),
		TEST(test_many_pcap),
		TEST(test_many_pcapng),
		TEST(test_edges),
		TEST(test_pipe),
		TEST(test_stdout),
		TEST(test_port),
		TEST(test_open_fails),
		TEST(test_full),
		TEST(test_full_at_close),
		TEST(test_part),
		TEST(test_unwritable),
	};

	return cmocka_run_group_tests_name("capture_write", tests, NULL, NULL);
}
