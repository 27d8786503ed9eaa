/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tap_file.c and tap_folder.c: files that libpcap and our own reader read, that
 * tell what is missing in them, follow one another as was asked for, and are
 * whole to the last block whatever becomes of the disk or of us.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "capture_write.h"
#include "clock.h"
#include "tap_file.h"
#include "tap_sink.h"
#include "test_log.h"

#define DIR_TEMPLATE "/tmp/test_tap_file.XXXXXX"
#define NAMES_MAX 64
#define START_NS UINT64_C(1700000000123456789)

struct fixture {
	char dir[sizeof(DIR_TEMPLATE)];
	char path[160];
	struct tap_params params;
	struct tap_sink *sink;
	struct tap_counts count[2];
	uint64_t lost_before[2]; /* for the next record */
	struct tap_arrears arrears;
	uint64_t now_ns;
	struct test_log log;
	char name[NAMES_MAX][80]; /* what list() found, in order */
	int n_names;
};

static struct fixture fixture;
static struct rlimit limit_before;

static int setup(void **state)
{
	struct fixture *x = &fixture;

	getrlimit(RLIMIT_FSIZE, &limit_before);
	memset(x, 0, sizeof(*x));
	strcpy(x->dir, DIR_TEMPLATE);
	*state = x;
	x->now_ns = clock_now_ns();
	x->params = (struct tap_params){
		.id = "wan", .port = { "eth0", "eth1" }, .fd = -1,
	};
	return mkdtemp(x->dir) ? 0 : -1;
}

/* ---- the folder ---- */

static void list(struct fixture *x)
{
	struct dirent **entry;
	int n = scandir(x->dir, &entry, NULL, alphasort);

	x->n_names = 0;
	for (int i = 0; i < n; i++) {
		if (*entry[i]->d_name != '.') {
			assert_true(x->n_names < NAMES_MAX);
			snprintf(x->name[x->n_names++], sizeof(x->name[0]),
				 "%.79s", entry[i]->d_name);
		}
		free(entry[i]);
	}
	free(entry);
}

static const char *in_dir(struct fixture *x, const char *name)
{
	snprintf(x->path, sizeof(x->path), "%s/%s", x->dir, name);
	return x->path;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	setrlimit(RLIMIT_FSIZE, &limit_before);
	test_log_abandon(&x->log);
	list(x);
	for (int i = 0; i < x->n_names; i++)
		unlink(in_dir(x, x->name[i]));
	return rmdir(x->dir);
}

/* The names are these, with @ for five digits, a date or both. */
static void check_names(struct fixture *x, int n, ...)
{
	va_list args;

	list(x);
	va_start(args, n);
	for (int i = 0; i < n && i < x->n_names; i++) {
		const char *want = va_arg(args, const char *);
		const char *got = x->name[i];

		for (; *want && *got; want++) {
			if (*want == '@')
				got += strspn(got, "0123456789");
			else if (*want == *got)
				got++;
			else
				break;
		}
		if (*want || *got)
			fail_msg("file %d of %d is %s", i, n, x->name[i]);
	}
	va_end(args);
	assert_int_equal(x->n_names, n);
}

static void make_file(struct fixture *x, const char *name, const char *text)
{
	FILE *file = fopen(in_dir(x, name), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void check_text(struct fixture *x, const char *name, const char *text)
{
	FILE *file = fopen(in_dir(x, name), "r");
	char got[100] = "";

	assert_non_null(file);
	got[fread(got, 1, sizeof(got) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(got, text);
}

/* ---- the sink ---- */

static void open_tap(struct fixture *x, const char *name)
{
	static char path[80];

	snprintf(path, sizeof(path), "%s/%s", x->dir, name);
	x->params.to = path;
	assert_int_equal(tap_file_open(&x->sink, &x->params), 0);
	memset(&x->arrears, 0, sizeof(x->arrears));
	x->sink->arrears = &x->arrears;
}

static int put(struct fixture *x, uint32_t number, uint32_t bytes, uint32_t len)
{
	uint8_t data[2000];
	struct tap_record r = {
		.frame = { .data = data, .len = bytes,
			   .time_ns = START_NS + number },
		.len = len,
		.interface = number % 2,
		.direction = number % 4 / 2 ? DIRECTION_OUT : DIRECTION_IN,
	};
	int rc;

	memset(data, (int)number, sizeof(data));
	memcpy(data, &number, sizeof(number));
	r.lost_before = x->lost_before[r.interface];
	x->lost_before[r.interface] = 0;
	x->count[r.interface].taken_frames++;
	rc = x->sink->ops->write(x->sink, &r);
	if (rc)
		x->count[r.interface].lost_frames++;
	return rc;
}

static void put_many(struct fixture *x, uint32_t from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(put(x, from + i, 100, 100), 0);
}

static int tick(struct fixture *x)
{
	return x->sink->ops->tick(x->sink, x->now_ns, x->count);
}

static void close_tap(struct fixture *x)
{
	x->sink->ops->close(x->sink, x->count);
}

/* ---- reading ---- */

/* Frames from..from+n-1, by our own reader. */
static void check_capture(struct fixture *x, const char *name, uint32_t from,
			  uint32_t n)
{
	struct capture_record r;
	struct capture *c = NULL;
	uint32_t number;

	assert_int_equal(capture_open(&c, in_dir(x, name), -1), 0);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(capture_next(c, &r), 1);
		memcpy(&number, r.data, sizeof(number));
		assert_int_equal(number, from + i);
		assert_int_equal(r.time_ns, START_NS + number);
		if (strstr(name, "pcapng")) {
			assert_int_equal(r.interface, number % 2);
			assert_int_equal(r.direction, number % 4 / 2 ?
					 DIRECTION_OUT : DIRECTION_IN);
		}
	}
	assert_int_equal(capture_next(c, &r), 0);
	assert_int_equal(capture_n_oddities(c), 0);
	if (strstr(name, "pcapng")) {
		assert_int_equal(capture_n_interfaces(c), 2);
		assert_string_equal(capture_interface(c, 0)->name, "eth0");
		assert_string_equal(capture_interface(c, 1)->name, "eth1");
	}
	capture_close(c);
}

static void check_libpcap(struct fixture *x, const char *name, uint32_t n,
			  uint32_t bytes, uint32_t len)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline_with_tstamp_precision(
		in_dir(x, name), PCAP_TSTAMP_PRECISION_NANO, why);
	struct pcap_pkthdr *header;
	const u_char *data;
	int r;

	if (!pcap)
		fail_msg("%s", why);
	assert_int_equal(pcap_datalink(pcap), DLT_EN10MB);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(pcap_next_ex(pcap, &header, &data), 1);
		assert_int_equal(header->caplen, bytes);
		assert_int_equal(header->len, len);
		assert_int_equal((uint64_t)header->ts.tv_sec * NS_PER_SEC +
				 (uint64_t)header->ts.tv_usec, START_NS + i);
	}
	r = pcap_next_ex(pcap, &header, &data);
	if (r != PCAP_ERROR_BREAK)
		fail_msg("%d: %s", r, pcap_geterr(pcap));
	pcap_close(pcap);
}

/* What a file says of what is missing; blocks are walked, and must be whole. */
struct told {
	uint64_t in_frames;      /* sum of epb_dropcount */
	uint32_t at_frame;       /* the last one that has it, from 1 */
	uint64_t received, lost, delivered; /* sums of the statistics */
	int n_statistics;
};

static uint32_t word(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The option's eight bytes, or 0. */
static uint64_t option_64(const uint8_t *at, const uint8_t *end, uint16_t code)
{
	while (at + 4 <= end && (word(at) & 0xffff)) {
		uint32_t len = word(at) >> 16;

		if ((word(at) & 0xffff) == code && len == 8)
			return word(at + 4) | (uint64_t)word(at + 8) << 32;
		at += 4 + ((len + 3) & ~3u);
	}
	return 0;
}

static struct told tell(struct fixture *x, const char *name)
{
	static uint8_t file[8 << 20];
	FILE *f = fopen(in_dir(x, name), "r");
	struct told told = { 0 };
	uint32_t frame = 0;
	size_t n;

	assert_non_null(f);
	n = fread(file, 1, sizeof(file), f);
	fclose(f);
	for (uint8_t *at = file; at < file + n; at += word(at + 4)) {
		uint8_t *end = at + word(at + 4) - 4;

		assert_true(end + 4 <= file + n && end > at);
		assert_int_equal(word(end), word(at + 4));
		if (word(at) == 6) {
			uint32_t caplen = (word(at + 20) + 3) & ~3u;
			uint64_t lost = option_64(at + 28 + caplen, end, 4);

			frame++;
			told.in_frames += lost;
			if (lost)
				told.at_frame = frame;
		} else if (word(at) == 5) {
			told.received += option_64(at + 20, end, 4);
			told.lost += option_64(at + 20, end, 5);
			told.delivered += option_64(at + 20, end, 8);
			told.n_statistics++;
		}
	}
	return told;
}

/* ---- one file ---- */

static void test_one(void **state)
{
	struct fixture *x = *state;
	struct stat st;
	struct told told;

	x->params.snap_bytes = 64;
	open_tap(x, "a.pcapng");
	check_names(x, 1, "a.pcapng.part");
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(put(x, i, 64, 1500), 0);
	assert_int_equal(tick(x), 0);
	/* What is there now is whole already. */
	check_libpcap(x, "a.pcapng.part", 1000, 64, 1500);
	close_tap(x);
	check_names(x, 1, "a.pcapng");
	check_capture(x, "a.pcapng", 0, 1000);
	check_libpcap(x, "a.pcapng", 1000, 64, 1500);
	assert_int_equal(stat(in_dir(x, "a.pcapng"), &st), 0);
	assert_int_equal(st.st_mode & 0777 & ~0640u, 0);
	told = tell(x, "a.pcapng");
	assert_int_equal(told.n_statistics, 2);
	assert_int_equal(told.received, 1000);
	assert_int_equal(told.delivered, 1000);
	assert_int_equal(told.lost, 0);
}

static void test_pcap(void **state)
{
	struct fixture *x = *state;

	open_tap(x, "a.pcap");
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(put(x, i, 60, 1514), 0);
	close_tap(x);
	check_names(x, 1, "a.pcap");
	check_capture(x, "a.pcap", 0, 100);
	check_libpcap(x, "a.pcap", 100, 60, 1514);
}

/* What the queue lost shows at the next frame of the same interface, not only
 * after a tick, and at the end. */
static void test_lost(void **state)
{
	struct fixture *x = *state;
	struct told told;

	open_tap(x, "a.pcapng");
	put_many(x, 0, 10);
	x->count[1].taken_frames += 5;
	x->count[1].lost_frames += 5;
	assert_int_equal(tick(x), 0);
	put_many(x, 10, 1); /* of the other one */
	x->lost_before[1] = 2;
	put_many(x, 11, 1);
	x->lost_before[1] = 3;
	put_many(x, 12, 8);
	x->count[0].taken_frames += 3;
	x->count[0].lost_frames += 3;
	close_tap(x);
	told = tell(x, "a.pcapng");
	assert_int_equal(told.in_frames, 5);
	assert_int_equal(told.at_frame, 14);
	assert_int_equal(told.lost, 8);
	assert_int_equal(told.delivered, 20);
	assert_int_equal(told.received, 28);
	/* With no tick at all. */
	open_tap(x, "b.pcapng");
	x->lost_before[0] = 4;
	put_many(x, 0, 3);
	memset(x->count, 0, sizeof(x->count));
	x->count[0].lost_frames = 4;
	close_tap(x);
	told = tell(x, "b.pcapng");
	assert_int_equal(told.in_frames, 4);
	assert_int_equal(told.at_frame, 1);
	assert_int_equal(told.lost, 4);
}

/* ---- one after another ---- */

static void test_rotate_frames(void **state)
{
	struct fixture *x = *state;

	x->params.rotate_frames = 100;
	open_tap(x, "a.pcapng");
	check_names(x, 1, "a_@_@.pcapng.part");
	put_many(x, 0, 100);
	tick(x);
	check_names(x, 2, "a_00001_@.pcapng", "a_00002_@.pcapng.part");
	put_many(x, 100, 250);
	close_tap(x);
	check_names(x, 4, "a_00001_@.pcapng", "a_00002_@.pcapng",
		    "a_00003_@.pcapng", "a_00004_@.pcapng");
	for (uint32_t i = 0; i < 4; i++) {
		char name[80];

		strcpy(name, x->name[i]);
		check_capture(x, name, i * 100, i < 3 ? 100 : 50);
		assert_int_equal(tell(x, name).delivered, i < 3 ? 100 : 50);
		assert_int_equal(tell(x, name).n_statistics, 2);
	}
}

/* None is larger than it may be. */
static void test_rotate_bytes(void **state)
{
	struct fixture *x = *state;
	uint32_t from = 0;

	x->params.rotate_bytes = 20000;
	open_tap(x, "a.b.pcapng");
	put_many(x, 0, 1000);
	close_tap(x);
	list(x);
	assert_true(x->n_names > 7 && x->n_names < 12);
	for (int i = 0; i < x->n_names; i++) {
		struct stat st;
		char name[80];
		uint32_t n;

		strcpy(name, x->name[i]);
		assert_int_equal(strncmp(name, "a.b_0000", 8) &&
				 strncmp(name, "a.b_0001", 8), 0);
		assert_int_equal(stat(in_dir(x, name), &st), 0);
		assert_in_range(st.st_size, i + 1 < x->n_names ? 19000 : 500,
				20000);
		n = (uint32_t)tell(x, name).delivered;
		check_capture(x, name, from, n);
		from += n;
	}
	assert_int_equal(from, 1000);
}

static void test_rotate_time(void **state)
{
	struct fixture *x = *state;

	x->params.rotate_ns = 10 * NS_PER_SEC;
	open_tap(x, "a");
	x->now_ns += 30 * NS_PER_SEC; /* nothing came: one file is enough */
	tick(x);
	check_names(x, 1, "a_00001_@.part");
	put_many(x, 0, 5);
	tick(x);
	check_names(x, 1, "a_00001_@.part");
	x->now_ns += 10 * NS_PER_SEC;
	tick(x);
	check_names(x, 2, "a_00001_@", "a_00002_@.part");
	put_many(x, 5, 5);
	x->now_ns += 9 * NS_PER_SEC;
	tick(x);
	check_names(x, 2, "a_00001_@", "a_00002_@.part");
	x->now_ns += 2 * NS_PER_SEC;
	tick(x);
	check_names(x, 3, "a_00001_@", "a_00002_@", "a_00003_@.part");
	close_tap(x);
	check_capture(x, x->name[0], 0, 5);
	check_capture(x, x->name[1], 5, 5);
}

/* So many are kept, those of earlier runs counted, and numbers go on. */
static void test_ring(void **state)
{
	struct fixture *x = *state;

	x->params.rotate_frames = 10;
	x->params.files = 3;
	make_file(x, "a_00007_20200101000000.pcapng", "old");
	make_file(x, "a_00009_20200101000000.pcapng", "old");
	make_file(x, "a_00001_2020.pcapng", "not ours");
	make_file(x, "b_00001_20200101000000.pcapng", "not ours");
	make_file(x, "a_00001_20200101000000.pcap", "not ours");
	open_tap(x, "a.pcapng");
	put_many(x, 0, 11); /* one is finished */
	check_names(x, 7, "a_00001_2020.pcapng", "a_00001_20200101000000.pcap",
		    "a_00007_20200101000000.pcapng",
		    "a_00009_20200101000000.pcapng", "a_00010_@.pcapng",
		    "a_00011_@.pcapng.part", "b_00001_20200101000000.pcapng");
	put_many(x, 11, 10);
	check_names(x, 7, "a_00001_2020.pcapng", "a_00001_20200101000000.pcap",
		    "a_00009_20200101000000.pcapng", "a_00010_@.pcapng",
		    "a_00011_@.pcapng", "a_00012_@.pcapng.part",
		    "b_00001_20200101000000.pcapng");
	put_many(x, 21, 100);
	close_tap(x);
	check_names(x, 6, "a_00001_2020.pcapng", "a_00001_20200101000000.pcap",
		    "a_00020_@.pcapng", "a_00021_@.pcapng", "a_00022_@.pcapng",
		    "b_00001_20200101000000.pcapng");
	check_capture(x, x->name[4], 120, 1);
}

/* ---- what was there before ---- */

static void test_existing(void **state)
{
	struct fixture *x = *state;

	make_file(x, "a.pcapng", "of yesterday");
	open_tap(x, "a.pcapng");
	check_names(x, 2, "a.pcapng", "a.pcapng.part");
	put_many(x, 0, 3);
	close_tap(x);
	check_names(x, 2, "a.pcapng", "a_00001_@.pcapng");
	check_capture(x, "a.pcapng", 0, 3);
	check_text(x, x->name[1], "of yesterday");
}

static void test_leftover(void **state)
{
	struct fixture *x = *state;

	make_file(x, "a.pcapng.part", "of a crash");
	make_file(x, "a_00004_20200101000000.pcapng.part", "of another");
	test_log_begin(&x->log);
	open_tap(x, "a.pcapng");
	test_log_check(&x->log,
		       "a.pcapng.part: was left unfinished; it is kept", 2);
	check_names(x, 3, "a.pcapng.part", "a_00004_@.pcapng",
		    "a_00005_@.pcapng");
	check_text(x, x->name[1], "of another");
	check_text(x, x->name[2], "of a crash");
	put_many(x, 0, 1);
	close_tap(x);
	check_names(x, 3, "a.pcapng", "a_00004_@.pcapng", "a_00005_@.pcapng");
	check_capture(x, "a.pcapng", 0, 1);
}

/* One without a frame leaves nothing, and costs no other its name or place. */
static void test_nothing(void **state)
{
	struct fixture *x = *state;

	make_file(x, "a.pcapng", "of yesterday");
	make_file(x, "a_00001_20200101000000.pcapng", "old");
	make_file(x, "a_00002_20200101000000.pcapng", "old");
	x->params.files = 2;
	for (uint64_t frames = 0; frames < 6; frames++) {
		x->params.rotate_frames = frames % 2;
		open_tap(x, "a.pcapng");
		x->count[0].taken_frames++;
		x->count[0].lost_frames++;
		assert_int_equal(tick(x), 0);
		close_tap(x);
		check_names(x, 3, "a.pcapng", "a_00001_@.pcapng",
			    "a_00002_@.pcapng");
		check_text(x, "a.pcapng", "of yesterday");
	}
	open_tap(x, "a.pcapng");
	put_many(x, 0, 1);
	tick(x); /* another one is begun, and has none */
	close_tap(x);
	check_names(x, 3, "a.pcapng", "a_00002_@.pcapng", "a_00003_@.pcapng");
	check_capture(x, x->name[2], 0, 1);
}

/* ---- two at once ---- */

/* Stands for the C library's. */
static struct {
	bool ignorant; /* the file system does not know of flags */
	struct fixture *x;
	struct tap_sink *other; /* opened when the first file is finished */
	bool opens;
} renames;

static int renamed(int r)
{
	if (!r && renames.opens) {
		renames.opens = false;
		assert_int_equal(tap_file_open(&renames.other,
					       &renames.x->params), 0);
	}
	return r;
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to,
	      unsigned int flags)
{
	long r = -1;

	if (renames.ignorant && flags)
		errno = EINVAL;
	else
		r = syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
	return renamed((int)r);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	return renamed((int)syscall(SYS_renameat2, from_fd, from, to_fd, to,
				    0));
}

/* That of a tap that came while another one was between two files: each frame
 * of both is there. */
static void test_two(void **state)
{
	struct fixture *x = *state;
	struct tap_sink *sink[2];
	uint64_t frames = 0;

	for (int i = 0; i < 2; i++) {
		memset(&renames, 0, sizeof(renames));
		renames.x = x;
		renames.ignorant = i;
		renames.opens = true;
		x->params.rotate_frames = 10;
		open_tap(x, i ? "b.pcapng" : "a.pcapng");
		put_many(x, 0, 11);
		assert_non_null(renames.other);
		sink[0] = x->sink;
		sink[1] = renames.other;
		for (uint32_t n = 0; n < 200; n++) {
			x->sink = sink[n / 7 % 2];
			put_many(x, n, 1);
		}
		for (int j = 0; j < 2; j++) {
			x->sink = sink[j];
			close_tap(x);
		}
	}
	memset(&renames, 0, sizeof(renames));
	list(x);
	for (int i = 0; i < x->n_names; i++) {
		assert_null(strstr(x->name[i], ".part"));
		frames += tell(x, x->name[i]).delivered;
	}
	assert_int_equal(frames, 2 * 211);
}

/* What is there of all times that it could be given is left as it is. */
static void test_taken(void **state)
{
	struct fixture *x = *state;
	time_t now = time(NULL);
	char name[80], date[20];

	for (uint64_t i = 0; i < 4; i++) {
		renames.ignorant = i & 1;
		x->params.rotate_frames = i & 2;
		make_file(x, "a.pcapng", "of yesterday");
		open_tap(x, "a.pcapng");
		put_many(x, 0, 1);
		for (time_t t = now - 1; t < now + 10; t++) {
			strftime(date, sizeof(date), "%Y%m%d%H%M%S",
				 localtime(&t));
			snprintf(name, sizeof(name), "a_00001_%s.pcapng", date);
			if (access(in_dir(x, name), F_OK))
				make_file(x, name, "another's");
		}
		close_tap(x);
		list(x);
		for (int j = 0; j < x->n_names; j++)
			if (!strncmp(x->name[j], "a_00001", 7))
				check_text(x, x->name[j], "another's");
		assert_int_equal(x->n_names, 13);
		for (int j = 0; j < x->n_names; j++)
			unlink(in_dir(x, x->name[j]));
	}
	renames.ignorant = false;
}

/* Two taps do not write one file, nor one row of them. */
static void test_busy(void **state)
{
	struct fixture *x = *state;
	struct tap_sink *other = NULL;

	for (uint64_t frames = 0; frames < 2; frames++) {
		x->params.rotate_frames = frames;
		open_tap(x, "a.pcapng");
		test_log_begin(&x->log);
		assert_int_equal(tap_file_open(&other, &x->params), -EBUSY);
		test_log_check(&x->log, "a.pcapng: another tap writes there",
			       1);
		assert_null(other);
		put_many(x, 0, 1);
		close_tap(x);
	}
	check_names(x, 2, "a.pcapng", "a_00001_@.pcapng");
	open_tap(x, "b.pcapng"); /* another name is free */
	close_tap(x);
}

/* ---- the disk is full ---- */

static void limit_files(rlim_t bytes)
{
	struct rlimit limit = limit_before;

	if (bytes)
		limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void full_begin(void)
{
	signal(SIGXFSZ, SIG_IGN);
}

static void full_end(void)
{
	limit_files(0);
	signal(SIGXFSZ, SIG_DFL);
}

static void test_full(void **state)
{
	struct fixture *x = *state;
	struct stat st;
	uint32_t n = 0;
	struct told told;

	full_begin();
	open_tap(x, "a.pcapng");
	test_log_begin(&x->log);
	limit_files(100000);
	while (n < 2000 && !put(x, n, 500, 500))
		n++;
	assert_true(n > 400 && n < 600); /* a buffer */
	/* Of what the kernel took, the whole blocks are left. */
	assert_int_equal(stat(in_dir(x, "a.pcapng.part"), &st), 0);
	assert_in_range(st.st_size, 99000, 99999);
	told = tell(x, "a.pcapng.part");
	assert_int_equal(told.n_statistics, 0);
	for (uint32_t i = 0; i < 9; i++)
		assert_int_equal(put(x, n, 500, 500), -EFBIG);
	assert_int_equal(tick(x), -EFBIG);
	tell(x, "a.pcapng.part");
	limit_files(0);
	assert_int_equal(tick(x), 0);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(put(x, n + i, 500, 500), 0);
	test_log_check(&x->log, "File too large: copies are lost", 2);
	assert_logged(&x->log, "is written again, after 10 lost");
	full_end();
	close_tap(x);
	check_capture(x, "a.pcapng", 0, n + 10);
	told = tell(x, "a.pcapng");
	assert_int_equal(told.in_frames, 10);
	assert_int_equal(told.lost, 10);
	assert_int_equal(told.received, n + 20);
}

/* The same while it should begin another one, and with pcap's records. */
static void test_full_rotate(void **state)
{
	static const char *const names[] = { "a.pcapng", "b.pcap" };
	struct fixture *x = *state;

	full_begin();
	x->params.rotate_frames = 300;
	for (int i = 0; i < 2; i++) {
		open_tap(x, names[i]);
		for (uint32_t j = 0; j < 300; j++)
			assert_int_equal(put(x, j, 500, 500), 0);
		limit_files(100001);
		test_log_begin(&x->log);
		assert_int_equal(put(x, 300, 500, 500), -EFBIG);
		assert_int_equal(tick(x), -EFBIG);
		limit_files(0);
		assert_int_equal(tick(x), 0);
		test_log_check(&x->log, "is written again", 2);
		put_many(x, 300, 10);
		close_tap(x);
	}
	full_end();
	check_names(x, 4, "a_00001_@.pcapng", "a_00002_@.pcapng",
		    "b_00001_@.pcap", "b_00002_@.pcap");
	for (int i = 0; i < 4; i++) {
		char name[80];

		strcpy(name, x->name[i]);
		check_capture(x, name, i % 2 ? 300 : 0, i % 2 ? 10 : 300);
	}
	assert_int_equal(tell(x, x->name[0]).n_statistics, 2);
}

static void test_full_to_the_end(void **state)
{
	struct fixture *x = *state;
	uint64_t waiting;

	full_begin();
	for (int i = 0; i < 2; i++) {
		limit_files(0);
		open_tap(x, i ? "a.pcap" : "a.pcapng");
		put_many(x, 0, 1000);
		limit_files(10000);
		test_log_begin(&x->log);
		assert_int_equal(tick(x), -EFBIG);
		test_log_check(&x->log, "copies are lost", 1);
		/* Each of the others is in the file. */
		waiting = x->arrears.waiting_frames;
		assert_in_range(waiting, 900, 950);
		test_log_begin(&x->log);
		close_tap(x);
		test_log_check(&x->log, "File too large: its end is missing, 9",
			       1);
		check_names(x, 1, i ? "a.pcap" : "a.pcapng");
		check_capture(x, x->name[0], 0, (uint32_t)(1000 - waiting));
		assert_int_equal(x->arrears.waiting_frames, 0);
		assert_int_equal(x->arrears.lost_frames[0], waiting / 2);
		assert_int_equal(x->arrears.lost_frames[1],
				 waiting - waiting / 2);
		unlink(in_dir(x, x->name[0]));
	}
	full_end();
}

/* From the start: there is no frame, and no file. */
static void test_full_from_the_start(void **state)
{
	struct fixture *x = *state;

	full_begin();
	limit_files(200); /* less than a file begins with */
	open_tap(x, "a.pcapng");
	put_many(x, 0, 20);
	test_log_begin(&x->log);
	close_tap(x);
	full_end();
	test_log_check(&x->log, "its end is missing, 20 frames", 1);
	assert_int_equal(x->arrears.lost_frames[0], 10);
	assert_int_equal(x->arrears.lost_frames[1], 10);
	check_names(x, 0);
}

/* ---- what cannot be ---- */

static void test_refused(void **state)
{
	struct fixture *x = *state;
	static const struct {
		const char *to, *what;
		int r;
	} row[] = {
		{ "/nowhere/at/all.pcapng",
		  "tap: /nowhere/at/all.pcapng: No such file or directory",
		  -ENOENT },
		{ "/tmp", "tap: /tmp: Is a directory", -EISDIR },
		{ "/nowhere/", "tap: /nowhere/: Is a directory", -EISDIR },
		{ "/proc/x.pcapng", "tap: /proc/x.pcapng: No such file or",
		  -ENOENT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		x->params.to = row[i].to;
		test_log_begin(&x->log);
		assert_int_equal(tap_file_open(&x->sink, &x->params), row[i].r);
		test_log_check(&x->log, row[i].what, 1);
		assert_null(x->sink);
	}
	assert_int_equal(mkfifo(in_dir(x, "pipe"), 0600), 0);
	x->params.to = x->path;
	test_log_begin(&x->log);
	assert_int_equal(tap_file_open(&x->sink, &x->params), -ESPIPE);
	test_log_check(&x->log, "is neither a file nor /dev/null", 1);
}

/* A device is written as it is, and is there afterwards. */
static void test_device(void **state)
{
	struct fixture *x = *state;
	struct stat st;

	x->params.to = "/dev/null";
	x->params.rotate_frames = 2;
	assert_int_equal(tap_file_open(&x->sink, &x->params), 0);
	put_many(x, 0, 10);
	close_tap(x);
	assert_int_equal(lstat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	x->params.to = "/dev/full";
	assert_int_equal(tap_file_open(&x->sink, &x->params), 0);
	put_many(x, 0, 10);
	test_log_begin(&x->log);
	assert_int_equal(tick(x), -ENOSPC);
	assert_int_equal(put(x, 0, 100, 100), -ENOSPC);
	assert_int_equal(tick(x), -ENOSPC);
	test_log_check(&x->log, "/dev/full: No space left on device", 1);
	test_log_begin(&x->log);
	close_tap(x);
	test_log_check(&x->log, "its end is missing", 1);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_one), TEST(test_pcap), TEST(test_lost),
		TEST(test_rotate_frames), TEST(test_rotate_bytes),
		TEST(test_rotate_time), TEST(test_ring),
		TEST(test_existing), TEST(test_leftover), TEST(test_nothing),
		TEST(test_two), TEST(test_taken), TEST(test_busy),
		TEST(test_full), TEST(test_full_rotate),
		TEST(test_full_to_the_end), TEST(test_full_from_the_start),
		TEST(test_refused),
		TEST(test_device),
	};

	return cmocka_run_group_tests_name("tap_file", tests, NULL, NULL);
}
