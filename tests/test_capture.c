/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading captures, whole and broken: both formats in both byte orders, their
 * clocks to the nanosecond, packed or not; and whatever is wrong with a file,
 * what came before it is read, and the message names file and offset.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "capture.h"
#include "clock.h"
#include "log.h"

#define FILE_MAX (1u << 16)

/* What was logged last, in place of stderr. */
static char said[2048];
static unsigned int n_said;

enum log_level log_level = LOG_LEVEL_INFO;

void log_print(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
	n_said++;
}

/* ---- files ---- */

/* A file that is being made, in either byte order. */
struct draft {
	bool swapped;
	uint32_t n;
	uint8_t byte[FILE_MAX];
};

static struct draft d;
static char path[64];

static void raw(const void *from, uint32_t n)
{
	memcpy(d.byte + d.n, from, n);
	d.n += n;
}

static void u16(uint16_t v)
{
	v = d.swapped ? __builtin_bswap16(v) : v;
	raw(&v, sizeof(v));
}

static void u32(uint32_t v)
{
	v = d.swapped ? __builtin_bswap32(v) : v;
	raw(&v, sizeof(v));
}

static void u64(uint64_t v)
{
	v = d.swapped ? __builtin_bswap64(v) : v;
	raw(&v, sizeof(v));
}

static void start(bool swapped)
{
	d.n = 0;
	d.swapped = swapped;
	n_said = 0;
	*said = '\0';
}

static void save_bytes(const uint8_t *byte, size_t n)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(byte, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

static void save(void)
{
	save_bytes(d.byte, d.n);
}

static void pcap_header(uint32_t magic, uint32_t snaplen, uint32_t linktype)
{
	u32(magic);
	u16(2);
	u16(4);
	u64(0);
	u32(snaplen);
	u32(linktype);
}

static void pcap_record(uint32_t sec, uint32_t part, uint32_t caplen,
			uint32_t len)
{
	u32(sec);
	u32(part);
	u32(caplen);
	u32(len);
	for (uint32_t i = 0; i < caplen; i++)
		d.byte[d.n++] = (uint8_t)i;
}

static uint32_t block_begin(uint32_t type)
{
	u32(type);
	u32(0);
	return d.n - 8;
}

static void block_end(uint32_t at)
{
	uint32_t bytes, end;

	while (d.n % 4)
		d.byte[d.n++] = 0;
	bytes = d.n - at + 4;
	u32(bytes);
	end = d.n;
	d.n = at + 4;
	u32(bytes);
	d.n = end;
}

static void option(uint16_t code, const void *value, uint16_t n)
{
	u16(code);
	u16(n);
	raw(value, n);
	while (d.n % 4)
		d.byte[d.n++] = 0;
}

static void section(void)
{
	uint32_t at = block_begin(0x0a0d0d0a);

	u32(0x1a2b3c4d);
	u16(1);
	u16(0);
	u64(UINT64_MAX);
	block_end(at);
}

/* tsresol, below 0: not told. */
static void interface(uint16_t linktype, uint32_t snaplen, int tsresol,
		      const char *name)
{
	uint32_t at = block_begin(1);
	uint8_t byte = (uint8_t)tsresol;

	u16(linktype);
	u16(0);
	u32(snaplen);
	if (name)
		option(2, name, (uint16_t)strlen(name));
	if (tsresol >= 0)
		option(9, &byte, 1);
	block_end(at);
}

/* flags, below 0: none. */
static void packet(uint32_t id, uint64_t time, uint32_t caplen, uint32_t len,
		   int64_t flags)
{
	uint32_t at = block_begin(6);

	u32(id);
	u32((uint32_t)(time >> 32));
	u32((uint32_t)time);
	u32(caplen);
	u32(len);
	for (uint32_t i = 0; i < caplen; i++)
		d.byte[d.n++] = (uint8_t)i;
	while (d.n % 4)
		d.byte[d.n++] = 0;
	if (flags >= 0) {
		u16(2);
		u16(4);
		u32((uint32_t)flags);
	}
	block_end(at);
}

/* ---- reading ---- */

static struct capture *open_it(void)
{
	struct capture *c = NULL;

	assert_int_equal(capture_open(&c, path, -1), 0);
	return c;
}

static struct capture_record next(struct capture *c)
{
	struct capture_record r;

	assert_int_equal(capture_next(c, &r), 1);
	for (uint32_t i = 0; i < r.caplen; i++)
		assert_int_equal(r.data[i], (uint8_t)i);
	return r;
}

static void assert_end(struct capture *c, int r)
{
	struct capture_record record;

	assert_int_equal(capture_next(c, &record), r);
	capture_close(c);
}

/* How many records come before the end, or before what is wrong. */
static uint64_t count_all(int *r)
{
	struct capture_record record;
	struct capture *c;
	uint64_t n = 0;

	*r = capture_open(&c, path, -1);
	if (*r)
		return 0;
	while ((*r = capture_next(c, &record)) == 1)
		n++;
	capture_close(c);
	return n;
}

static void assert_said(const char *what)
{
	if (strstr(said, what) && strstr(said, path))
		return;
	fail_msg("'%s' does not say '%s' of %s", said, what, path);
}

/* ---- pcap ---- */

static void test_pcap(void **state)
{
	(void)state;
	for (int swapped = 0; swapped < 2; swapped++)
		for (int nano = 0; nano < 2; nano++) {
			struct capture_record r;
			struct capture *c;

			start(swapped);
			pcap_header(nano ? 0xa1b23c4d : 0xa1b2c3d4, 65535, 1);
			pcap_record(1700000000, 123456, 60, 1514);
			pcap_record(4000000000, 5, 0, 0);
			save();
			c = open_it();
			r = next(c);
			assert_int_equal(r.time_ns,
					 1700000000 * NS_PER_SEC +
						 (nano ? 123456 : 123456000));
			assert_int_equal(r.caplen, 60);
			assert_int_equal(r.len, 1514);
			assert_int_equal(r.linktype, 1);
			assert_int_equal(r.offset, 24);
			assert_int_equal(r.number, 1);
			r = next(c);
			/* seconds have 32 bits without a sign */
			assert_int_equal(r.time_ns / NS_PER_SEC, 4000000000);
			assert_int_equal(r.offset, 24 + 16 + 60);
			assert_int_equal(capture_n_interfaces(c), 1);
			assert_end(c, 0);
			assert_int_equal(n_said, 0);
		}
}

/* libpcap would cut it, and not say so. */
static void test_pcap_above_snaplen(void **state)
{
	struct capture *c;

	(void)state;
	start(false);
	pcap_header(0xa1b2c3d4, 100, 1);
	pcap_record(1, 1, 100, 100);
	pcap_record(1, 2, 3000, 3000);
	pcap_record(1, 3, 200, 200);
	save();
	c = open_it();
	next(c);
	assert_int_equal(n_said, 0);
	assert_int_equal(next(c).caplen, 3000);
	assert_said("offset 140: frame 2 has more bytes than the snap length");
	assert_int_equal(next(c).caplen, 200);
	assert_int_equal(n_said, 1);
	assert_int_equal(capture_n_oddities(c), 2);
	assert_end(c, 0);
}

static void test_above_length(void **state)
{
	struct capture *c;

	(void)state;
	start(false);
	pcap_header(0xa1b2c3d4, 65535, 1);
	pcap_record(1, 1, 100, 60);
	save();
	c = open_it();
	assert_int_equal(next(c).len, 100);
	assert_said("offset 24: frame 1 has more bytes than its length");
	assert_end(c, 0);
}

static void test_backwards(void **state)
{
	struct capture *c;

	(void)state;
	start(false);
	pcap_header(0xa1b2c3d4, 65535, 1);
	for (uint32_t i = 0; i < 5; i++)
		pcap_record(100 - i, 0, 0, 0);
	save();
	c = open_it();
	for (int i = 0; i < 5; i++)
		next(c);
	assert_said("frame 2 is earlier");
	assert_int_equal(n_said, 1);
	assert_int_equal(capture_n_oddities(c), 4);
	assert_end(c, 0);
}

/* ---- pcapng ---- */

static void test_pcapng(void **state)
{
	(void)state;
	for (int swapped = 0; swapped < 2; swapped++) {
		struct capture_record r;
		struct capture *c;

		start(swapped);
		section();
		interface(1, 0, -1, "eth0");
		interface(1, 96, 9, "a name that is rather long, but not too");
		packet(0, 1700000000123456, 60, 60, -1);
		packet(1, 1700000000123456789, 61, 1514, 1);
		packet(0, 1700000001000000, 62, 62, 2);
		d.swapped = !d.swapped; /* a section has its own order */
		section();
		interface(113, 0, 9, "any");
		packet(0, 1700000002000000000, 5, 5, 4 << 5);
		save();
		c = open_it();
		r = next(c);
		assert_int_equal(r.time_ns, 1700000000123456000);
		assert_int_equal(r.direction, DIRECTION_UNKNOWN);
		assert_int_equal(r.interface, 0);
		r = next(c);
		assert_int_equal(r.time_ns, 1700000000123456789);
		assert_int_equal(r.direction, DIRECTION_IN);
		assert_int_equal(r.interface, 1);
		assert_int_equal(r.len, 1514);
		assert_int_equal(next(c).direction, DIRECTION_OUT);
		assert_int_equal(capture_n_interfaces(c), 2);
		r = next(c);
		assert_int_equal(r.interface, 2);
		assert_int_equal(r.linktype, 113);
		assert_int_equal(r.fcs_bytes, 4);
		assert_int_equal(r.number, 4);
		assert_string_equal(capture_interface(c, 0)->name, "eth0");
		assert_string_equal(capture_interface(c, 2)->name, "any");
		assert_int_equal(capture_interface(c, 1)->snaplen, 96);
		assert_end(c, 0);
		assert_int_equal(n_said, 0);
	}
}

/* if_tsresol: 10^-n and 2^-n, and the offset in seconds, either sign. */
static void test_clocks(void **state)
{
	static const struct {
		int tsresol;
		int64_t offset_s;
		uint64_t time, ns;
	} row[] = {
		{ -1, 0, 1, 1000 },
		{ 0, 0, 7, 7 * NS_PER_SEC },
		{ 3, 0, 1001, 1001000000 },
		{ 6, 0, 123, 123000 },
		{ 9, 0, 123456789012, 123456789012 },
		{ 12, 0, 1999, 1 },
		{ 19, 0, 10000000000, 1 },
		{ 0x80, 0, 3, 3 * NS_PER_SEC },
		{ 0x81, 0, 3, 1500000000 },
		{ 0x80 | 20, 0, 1048576 / 4, 250000000 },
		{ 0x80 | 63, 0, UINT64_C(1) << 62, 500000000 },
		{ 9, 10, 5, 10 * NS_PER_SEC + 5 },
		{ 6, -1, 3000000, 2 * NS_PER_SEC },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		uint8_t tsresol = (uint8_t)row[i].tsresol;
		struct capture *c;
		uint32_t at;

		start(i % 2);
		section();
		at = block_begin(1);
		u16(1);
		u16(0);
		u32(0);
		if (row[i].tsresol >= 0)
			option(9, &tsresol, 1);
		u16(14);
		u16(8);
		u64((uint64_t)row[i].offset_s);
		block_end(at);
		packet(0, row[i].time, 14, 14, -1);
		save();
		c = open_it();
		assert_int_equal(next(c).time_ns, row[i].ns);
		assert_end(c, 0);
	}
}

/* A simple packet has no time: that of the one before. It is cut at the snap
 * length of interface 0. */
static void test_simple_packets(void **state)
{
	struct capture_record r;
	struct capture *c;
	uint32_t at;

	(void)state;
	start(false);
	section();
	interface(1, 20, -1, NULL);
	packet(0, 5, 10, 10, -1);
	at = block_begin(3);
	u32(60);
	for (int i = 0; i < 20; i++)
		d.byte[d.n++] = (uint8_t)i;
	block_end(at);
	save();
	c = open_it();
	next(c);
	r = next(c);
	assert_int_equal(r.caplen, 20);
	assert_int_equal(r.len, 60);
	assert_int_equal(r.time_ns, 5000);
	assert_end(c, 0);
	assert_int_equal(n_said, 0);
}

/* Blocks that nobody knows are passed over, and the old packet block read. */
static void test_other_blocks(void **state)
{
	struct capture *c;
	uint32_t at;

	(void)state;
	start(true);
	section();
	interface(1, 0, -1, NULL);
	at = block_begin(5);
	u64(0);
	block_end(at);
	at = block_begin(0x80000bad);
	block_end(at);
	at = block_begin(2);
	u16(0);
	u16(3);
	u64(0);
	u32(8);
	u32(8);
	for (int i = 0; i < 8; i++)
		d.byte[d.n++] = (uint8_t)i;
	block_end(at);
	save();
	c = open_it();
	assert_int_equal(next(c).len, 8);
	assert_end(c, 0);
}

/* ---- broken ---- */

/* Each is damage: so many records before it, and these words. */
static void assert_broken(uint64_t n, const char *what)
{
	int r;

	save();
	assert_int_equal(count_all(&r), n);
	assert_int_equal(r, -EBADMSG);
	assert_said("offset ");
	assert_said(what);
}

static void begin_broken(void)
{
	start(false);
	section();
	interface(1, 0, -1, NULL);
	packet(0, 1, 60, 60, -1);
}

static void test_broken_blocks(void **state)
{
	static const struct {
		uint32_t length;
		const char *what;
	} row[] = {
		{ 0, "less than 12" }, { 8, "less than 12" },
		{ 13, "multiple of 4" }, { 0xfffffffc, "more than 16 MiB" },
		{ 4096, "middle of a block" },
	};
	uint32_t at;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		begin_broken();
		u32(6);
		u32(row[i].length);
		for (int k = 0; k < 10; k++)
			u32(0);
		assert_broken(1, row[i].what);
		assert_said("offset 140"); /* 28 + 20 + 92 */
	}
	begin_broken();
	packet(0, 1, 60, 60, -1);
	d.byte[d.n - 4] ^= 4;
	assert_broken(1, "two lengths differ");
	begin_broken();
	packet(1, 1, 60, 60, -1);
	assert_broken(1, "interface that was not described");
	begin_broken();
	at = d.n;
	packet(0, 1, 60, 60, -1);
	d.byte[at + 20] = 0xff; /* captured bytes */
	assert_broken(1, "longer than its block");
	begin_broken();
	at = block_begin(6);
	u32(0);
	block_end(at);
	assert_broken(1, "too short");
	begin_broken();
	interface(1, 0, 255, NULL);
	assert_broken(1, "if_tsresol");
	begin_broken();
	interface(1, 0, 20, NULL);
	assert_broken(1, "if_tsresol");
	begin_broken();
	interface(1, 0, 0, NULL);
	packet(1, UINT64_MAX, 0, 0, -1);
	assert_broken(1, "out of range");
	begin_broken();
	at = block_begin(0x0a0d0d0a);
	u32(0x12345678);
	u16(1);
	u16(0);
	u64(0);
	block_end(at);
	assert_broken(1, "byte-order magic");
	start(false);
	at = d.n;
	section();
	d.byte[at + 12] = 2;
	assert_broken(0, "version");
}

/* Memory for a million interfaces is not given. */
static void test_too_many_interfaces(void **state)
{
	FILE *file = fopen(path, "we");
	int r;

	(void)state;
	start(false);
	section();
	assert_int_equal(fwrite(d.byte, 1, d.n, file), d.n);
	d.n = 0;
	for (int i = 0; i < 1000; i++)
		interface(1, 0, -1, NULL);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(fwrite(d.byte, 1, d.n, file), d.n);
	fclose(file);
	assert_int_equal(count_all(&r), 0);
	assert_int_equal(r, -EBADMSG);
	assert_said("65536 interfaces");
}

/* A prefix of any length: what is whole in it is read, the rest is told. */
static void cut_everywhere(const uint32_t *end, uint32_t n_ends,
			   uint32_t least)
{
	for (uint32_t n = 1; n < d.n; n++) {
		uint64_t whole = 0;
		bool between = n == least;
		int r;

		for (uint32_t i = 0; i < n_ends; i++) {
			whole += end[i] <= n;
			between |= end[i] == n;
		}
		n_said = 0;
		save_bytes(d.byte, n);
		assert_int_equal(count_all(&r), whole);
		assert_int_equal(r, between ? 0 : -EBADMSG);
		assert_int_equal(n_said, !between);
		if (!between)
			assert_said(n < 4 ? "neither" : "offset ");
	}
}

static void test_cut(void **state)
{
	uint32_t end[3];

	(void)state;
	start(false);
	pcap_header(0xa1b2c3d4, 65535, 1);
	for (uint32_t i = 0; i < 3; i++) {
		pcap_record(i, 0, 20 + i, 60);
		end[i] = d.n;
	}
	cut_everywhere(end, 3, 24);
}

static void test_cut_pcapng(void **state)
{
	uint32_t end[3], head;
	int r;

	(void)state;
	start(true);
	section();
	interface(1, 0, 9, "x");
	head = d.n;
	for (uint32_t i = 0; i < 3; i++) {
		packet(0, i, 20 + i, 60, 1);
		end[i] = d.n;
	}
	/* Behind the section alone there is nothing wrong either. */
	save_bytes(d.byte, 28);
	assert_int_equal(count_all(&r), 0);
	assert_int_equal(r, 0);
	memmove(d.byte, d.byte, d.n);
	for (uint32_t n = 29; n < head; n++) {
		save_bytes(d.byte, n);
		assert_int_equal(count_all(&r), 0);
		assert_int_equal(r, -EBADMSG);
	}
	for (uint32_t n = head; n < d.n; n++) {
		uint64_t whole = 0;
		bool between = n == head;

		for (int i = 0; i < 3; i++) {
			whole += end[i] <= n;
			between |= end[i] == n;
		}
		save_bytes(d.byte, n);
		assert_int_equal(count_all(&r), whole);
		assert_int_equal(r, between ? 0 : -EBADMSG);
	}
}

/* ---- what a file says, and what is meant ---- */

/* Frames of two interfaces cross on their way into a file. */
static void test_times_of_interfaces(void **state)
{
	struct capture *c;

	(void)state;
	start(false);
	section();
	interface(1, 0, -1, "a");
	interface(1, 0, -1, "b");
	packet(0, 10, 14, 14, -1);
	packet(1, 5, 14, 14, -1);
	packet(0, 11, 14, 14, -1);
	packet(1, 6, 14, 14, -1);
	section();
	interface(1, 0, -1, "c");
	packet(0, 1, 14, 14, -1);
	packet(0, 0, 14, 14, -1);
	save();
	c = open_it();
	for (int i = 0; i < 5; i++)
		next(c);
	assert_int_equal(n_said, 0);
	assert_int_equal(capture_n_oddities(c), 0);
	next(c);
	assert_said("frame 6 is earlier");
	assert_int_equal(capture_n_oddities(c), 1);
	assert_end(c, 0);
}

/* if_fcslen is met in bits and in bytes; a frame's own flags are in bytes, and
 * go before it. */
static void test_fcs(void **state)
{
	static const struct {
		uint8_t told;
		uint32_t bytes;
	} row[] = { { 0, 0 }, { 4, 4 }, { 2, 2 }, { 16, 2 }, { 32, 4 },
		    { 13, 0 }, { 255, 0 } };
	struct capture *c;
	uint32_t at;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		start(i % 2);
		section();
		at = block_begin(1);
		u16(1);
		u16(0);
		u32(0);
		option(13, &row[i].told, 1);
		block_end(at);
		packet(0, 1, 64, 64, -1);
		packet(0, 1, 64, 64, 2 << 5);
		save();
		c = open_it();
		assert_int_equal(next(c).fcs_bytes, row[i].bytes);
		assert_int_equal(next(c).fcs_bytes, 2);
		assert_end(c, 0);
	}
}

/* The header of pcap tells it in words of 2 bytes, where it is known. */
static void test_fcs_of_pcap(void **state)
{
	struct capture *c;

	(void)state;
	for (int known = 0; known < 2; known++) {
		start(known);
		pcap_header(0xa1b2c3d4, 65535,
			    0x20000001 | (known ? 0x04000000 : 0));
		pcap_record(1, 0, 64, 64);
		save();
		c = open_it();
		assert_int_equal(next(c).fcs_bytes, known ? 4 : 0);
		assert_int_equal(capture_interface(c, 0)->linktype, 1);
		assert_end(c, 0);
	}
}

/* A name goes to terminals: nothing in it that they would obey, and an end. */
static void test_names(void **state)
{
	static const char bad[] = "e\33[2J\n\x7f" "\xc3\xa9";
	char name[200];
	struct capture *c;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	start(false);
	section();
	interface(1, 0, -1, bad);
	interface(1, 0, -1, name);
	packet(0, 1, 14, 14, -1);
	save();
	c = open_it();
	next(c);
	assert_string_equal(capture_interface(c, 0)->name, "e?[2J??\xc3\xa9");
	assert_int_equal(strlen(capture_interface(c, 1)->name), 63);
	assert_end(c, 0);
}

/* The file of a patched tcpdump has 8 bytes more before each frame. */
static void test_patched_pcap(void **state)
{
	struct capture *c;

	(void)state;
	start(true);
	pcap_header(0xa1b2cd34, 65535, 1);
	for (int i = 0; i < 2; i++) {
		u32(1);
		u32(0);
		u32(8);
		u32(8);
		u64(0);
		for (int k = 0; k < 8; k++)
			d.byte[d.n++] = (uint8_t)k;
	}
	save();
	c = open_it();
	assert_int_equal(next(c).offset, 24);
	assert_int_equal(next(c).offset, 24 + 24 + 8);
	assert_end(c, 0);
}

/* More than a second of microseconds: no time of 1970 becomes one of 2554. */
static void test_lying_microseconds(void **state)
{
	struct capture *c;

	(void)state;
	for (int nano = 0; nano < 2; nano++) {
		start(false);
		pcap_header(nano ? 0xa1b23c4d : 0xa1b2c3d4, 65535, 1);
		pcap_record(0, UINT32_MAX, 14, 14);
		save();
		c = open_it();
		assert_int_equal(next(c).time_ns,
				 UINT64_C(4294967295) * (nano ? 1 : 1000));
		assert_end(c, 0);
	}
}

static void test_lying_pcap(void **state)
{
	(void)state;
	start(false);
	pcap_header(0xa1b2c3d4, 65535, 1);
	pcap_record(1, 0, 14, 14);
	u32(1);
	u32(0);
	u32(0x7fffffff);
	u32(14);
	assert_broken(1, "offset 54");
	start(false);
	pcap_header(0xa1b2c3d4, 65535, 1);
	pcap_record(1, 0, 14, 14);
	u32(1);
	u32(0);
	u32(UINT32_MAX);
	u32(14);
	assert_broken(1, "offset 54");
}

/* Whoever goes on asking gets the same answer, and nothing more is said. */
static void test_damage_stays(void **state)
{
	struct capture_record r;
	struct capture *c;

	(void)state;
	begin_broken();
	packet(7, 1, 60, 60, -1);
	packet(0, 1, 60, 60, -1);
	save();
	c = open_it();
	next(c);
	assert_int_equal(capture_next(c, &r), -EBADMSG);
	assert_said("block type 0x6, length 92");
	assert_int_equal(capture_next(c, &r), -EBADMSG);
	assert_int_equal(n_said, 1);
	assert_end(c, -EBADMSG);
}

static void test_no_capture(void **state)
{
	struct capture *c;

	(void)state;
	start(false);
	save();
	assert_true(capture_open(&c, path, -1) < 0);
	assert_said("is empty");
	raw("#!/bin/sh\n", 10);
	save();
	assert_int_equal(capture_open(&c, path, -1), -EBADMSG);
	assert_said("neither pcap nor pcapng");
	assert_int_equal(capture_open(&c, "/", -1), -EISDIR);
	assert_non_null(strstr(said, "/: is a directory"));
	assert_int_equal(capture_open(&c, "/nosuch", -1), -ENOENT);
	assert_non_null(strstr(said, "/nosuch: No such file"));
}

/* ---- packed ---- */

static void make_long(void)
{
	start(false);
	pcap_header(0xa1b2c3d4, 65535, 1);
	for (uint32_t i = 0; i < 500; i++)
		pcap_record(i, 0, 100, 100);
}

/* Two members, as `cat a.gz b.gz` makes them. */
static size_t gzip_twice(uint8_t *to, size_t room)
{
	size_t done = 0, half = d.n / 2;

	for (int i = 0; i < 2; i++) {
		z_stream z = { .next_in = d.byte + i * half,
			       .avail_in = (uInt)(i ? d.n - half : half),
			       .next_out = to + done,
			       .avail_out = (uInt)(room - done) };

		assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, 0), 0);
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		done = room - z.avail_out;
		deflateEnd(&z);
	}
	return done;
}

static void test_packed(void **state)
{
	static uint8_t packed[FILE_MAX * 2];
	size_t n;
	int r;

	(void)state;
	for (int zstd = 0; zstd < 2; zstd++) {
		make_long();
		if (zstd)
			n = ZSTD_compress(packed, sizeof(packed), d.byte, d.n, 3);
		else
			n = gzip_twice(packed, sizeof(packed));
		save_bytes(packed, n);
		assert_int_equal(count_all(&r), 500);
		assert_int_equal(r, 0);
		assert_int_equal(n_said, 0);
		/* Cut: some are read, and the end is no good one. */
		save_bytes(packed, n - 9);
		assert_in_range(count_all(&r), 0, 500);
		assert_int_equal(r, -EBADMSG);
		assert_said("packed");
		if (zstd)
			continue; /* it has no check of its own */
		/* Altered in the middle. */
		packed[n / 3] ^= 0x55;
		packed[n / 3 + 1] ^= 0xaa;
		save_bytes(packed, n);
		assert_in_range(count_all(&r), 0, 500);
		assert_int_equal(r, -EBADMSG);
	}
}

/* Either format, packed either way and cut at every byte: it is said once, and
 * no record comes that is not whole. */
static void test_packed_cut(void **state)
{
	static uint8_t packed[FILE_MAX];
	uint64_t n_last;
	size_t n;
	int r;

	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		start(false);
		if (kind & 1)
			pcap_header(0xa1b2c3d4, 65535, 1);
		else
			begin_broken();
		for (uint32_t i = 0; i < 20; i++)
			if (kind & 1)
				pcap_record(i, i * 7, 14 + i, 60);
			else
				packet(0, i * 999 + 1, 14 + i, 60, -1);
		if (kind & 2)
			n = ZSTD_compress(packed, sizeof(packed), d.byte,
					  d.n, 3);
		else
			n = gzip_twice(packed, sizeof(packed));
		n_last = 0;
		for (size_t cut = 4; cut < n; cut++) {
			uint64_t got;

			n_said = 0;
			save_bytes(packed, cut);
			got = count_all(&r);
			assert_true(got >= n_last && got <= 21);
			n_last = got;
			/* the first member may end between two records */
			if (r == 0)
				continue;
			assert_int_equal(r, -EBADMSG);
			assert_int_equal(n_said, 1);
			assert_said("offset ");
		}
		save_bytes(packed, n);
		assert_int_equal(count_all(&r), kind & 1 ? 20 : 21);
		assert_int_equal(r, 0);
	}
}

/* Garbled bytes come before the fault is found that garbled them: one line says
 * both. A block is stored as it is, and the next is of no type. */
static void test_packed_garbled(void **state)
{
	static uint8_t packed[FILE_MAX * 2];
	static const uint8_t stored[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3,
					  0, 0, 0, 0, 0 };
	uint32_t n = sizeof(stored);
	int r;

	(void)state;
	begin_broken();
	packet(9, 1, 60, 60, -1); /* what the garbled bytes are */
	memcpy(packed, stored, n);
	packed[11] = (uint8_t)d.n;
	packed[12] = (uint8_t)(d.n >> 8);
	packed[13] = (uint8_t)~d.n;
	packed[14] = (uint8_t)(~d.n >> 8);
	memcpy(packed + n, d.byte, d.n);
	n += d.n;
	packed[n++] = 7; /* the last block, of the type that is none */
	packed[n++] = 0;
	save_bytes(packed, n);
	assert_int_equal(count_all(&r), 1);
	assert_int_equal(r, -EBADMSG);
	assert_int_equal(n_said, 1);
	assert_said("offset 140: a packet of an interface");
	assert_said("of the packed file: invalid block type");
}

/* Pieces of one byte, a piece to skip in front, and nothing at all. */
static void test_packed_pieces(void **state)
{
	static const uint8_t skip[] = { 0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0,
					1, 2, 3 };
	static uint8_t packed[FILE_MAX];
	struct capture *c = NULL;
	size_t n = sizeof(skip);
	int r;

	(void)state;
	begin_broken();
	memcpy(packed, skip, n);
	for (uint32_t i = 0; i < d.n; i++)
		n += ZSTD_compress(packed + n, sizeof(packed) - n,
				   d.byte + i, 1, 1);
	save_bytes(packed, n);
	assert_int_equal(count_all(&r), 1);
	assert_int_equal(r, 0);
	save_bytes(packed, ZSTD_compress(packed, sizeof(packed), d.byte, 0, 1));
	assert_int_equal(capture_open(&c, path, -1), -EBADMSG);
	assert_said("is empty");
}

/* Memory is bounded: a window of 64 MiB is refused, one of 32 MiB is not. */
static void test_zstd_window(void **state)
{
	static uint8_t packed[FILE_MAX];
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	int r;

	(void)state;
	for (int log = 25; log <= 26; log++) {
		ZSTD_inBuffer in = { d.byte, 0, 0 };
		ZSTD_outBuffer out = { packed, sizeof(packed), 0 };

		begin_broken();
		in.size = d.n;
		ZSTD_CCtx_reset(zstd, ZSTD_reset_session_and_parameters);
		ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, log);
		/* flushed first: else the size is known, and is the window */
		ZSTD_compressStream2(zstd, &out, &in, ZSTD_e_flush);
		assert_int_equal(ZSTD_compressStream2(zstd, &out, &in,
						      ZSTD_e_end), 0);
		save_bytes(packed, out.pos);
		assert_int_equal(count_all(&r), log == 25 ? 1 : 0);
		assert_int_equal(r, log == 25 ? 0 : -EBADMSG);
	}
	assert_said("too much memory");
	ZSTD_freeCCtx(zstd);
}

/* From a pipe, a byte at a time; how much is left nobody knows. */
static void test_pipe(void **state)
{
	int fd[2], was = dup(STDIN_FILENO);
	struct capture_record r;
	struct capture *c = NULL;

	(void)state;
	begin_broken();
	packet(9, 1, 60, 60, -1);
	assert_int_equal(pipe(fd), 0);
	for (uint32_t i = 0; i < d.n; i++)
		assert_int_equal(write(fd[1], d.byte + i, 1), 1);
	close(fd[1]);
	assert_int_equal(dup2(fd[0], STDIN_FILENO), STDIN_FILENO);
	close(fd[0]);
	assert_int_equal(capture_open(&c, "-", -1), 0);
	next(c);
	assert_true(capture_progress(c) < 0);
	assert_int_equal(capture_next(c, &r), -EBADMSG);
	assert_non_null(strstr(said, "standard input: offset 140"));
	capture_close(c);
	dup2(was, STDIN_FILENO);
	close(was);
}

static void test_progress(void **state)
{
	struct capture *c;
	double before = 0;

	(void)state;
	begin_broken(); /* of pcap, stdio has the next 64 KiB */
	for (int i = 1; i < 500; i++)
		packet(0, 1, 60, 60, -1);
	save();
	c = open_it();
	for (int i = 0; i < 500; i++) {
		next(c);
		assert_true(capture_progress(c) >= before);
		before = capture_progress(c);
		assert_true(i || before < 0.1); /* what is read, not ahead */
	}
	assert_true(before > 0.99 && before <= 1);
	assert_end(c, 0);
}

static void test_linktype_names(void **state)
{
	(void)state;
	assert_string_equal(capture_linktype_name(1), "EN10MB");
	assert_string_equal(capture_linktype_name(113), "LINUX_SLL");
	assert_string_equal(capture_linktype_name(101), "RAW");
	assert_string_equal(capture_linktype_name(65000), "unknown");
}

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_capture.%d", (int)getpid());
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pcap),
		cmocka_unit_test(test_pcap_above_snaplen),
		cmocka_unit_test(test_above_length),
		cmocka_unit_test(test_backwards),
		cmocka_unit_test(test_pcapng),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_simple_packets),
		cmocka_unit_test(test_other_blocks),
		cmocka_unit_test(test_broken_blocks),
		cmocka_unit_test(test_too_many_interfaces),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_cut_pcapng),
		cmocka_unit_test(test_no_capture),
		cmocka_unit_test(test_packed),
		cmocka_unit_test(test_times_of_interfaces),
		cmocka_unit_test(test_fcs),
		cmocka_unit_test(test_fcs_of_pcap),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_patched_pcap),
		cmocka_unit_test(test_lying_microseconds),
		cmocka_unit_test(test_lying_pcap),
		cmocka_unit_test(test_damage_stays),
		cmocka_unit_test(test_packed_cut),
		cmocka_unit_test(test_packed_garbled),
		cmocka_unit_test(test_packed_pieces),
		cmocka_unit_test(test_zstd_window),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_linktype_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
