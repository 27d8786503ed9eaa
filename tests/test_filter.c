/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The filter stage: which rule wins and counts, what a program file may be,
 * what is said of a bad one; and for frames by the thousand the verdict that
 * libpcap itself gives.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>
#include <sys/stat.h>

#include "filter.h"
#include "log.h"

#define SEED UINT64_C(0x66696c746572)
#define RANDOM_FRAMES 10000
#define TYPE_IP4 0x0800
#define TYPE_IP6 0x86dd
#define TYPE_ARP 0x0806
#define TYPE_CTAG 0x8100
#define TYPE_STAG 0x88a8
#define TCP 6
#define UDP 17

/* splitmix64 */
static uint64_t rng_next(uint64_t *rng)
{
	uint64_t z = *rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint32_t rng_below(uint64_t *rng, uint32_t n)
{
	return (uint32_t)(rng_next(rng) % n);
}

/* ---- what is logged and printed ---- */

struct capture {
	FILE **stream; /* stderr or stdout */
	FILE *real, *file;
	char text[16384];
};

static void capture_begin(struct capture *c, FILE **stream)
{
	c->file = tmpfile();
	assert_non_null(c->file);
	setvbuf(c->file, NULL, _IONBF, 0);
	c->stream = stream;
	c->real = *stream;
	*stream = c->file;
}

static const char *capture_end(struct capture *c)
{
	size_t n;

	*c->stream = c->real;
	rewind(c->file);
	n = fread(c->text, 1, sizeof(c->text) - 1, c->file);
	c->text[n] = '\0';
	fclose(c->file);
	return c->text;
}

static void assert_has(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("'%s' is not in: %s", what, text);
}

/* ---- frames ---- */

struct draft {
	uint8_t byte[128];
	uint32_t len;
};

static void put16(struct draft *d, unsigned int value)
{
	d->byte[d->len++] = (uint8_t)(value >> 8);
	d->byte[d->len++] = (uint8_t)value;
}

static void put_tag(struct draft *d, uint16_t tpid, uint16_t tci)
{
	put16(d, tpid);
	put16(d, tci);
}

static void put_addresses(struct draft *d)
{
	*d = (struct draft){ .byte = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 },
			     .len = 12 };
}

/* IPv4 and ports, enough of them for an expression to look at. */
static void put_ip4(struct draft *d, uint8_t protocol, uint16_t source,
		    uint16_t destination)
{
	static const uint8_t header[20] = { 0x45, 0, 0, 60, 0, 0, 0, 0, 64, 0,
					    0, 0, 192, 0, 2, 1, 192, 0, 2, 2 };

	put16(d, TYPE_IP4);
	memcpy(d->byte + d->len, header, sizeof(header));
	d->byte[d->len + 9] = protocol;
	d->len += sizeof(header);
	put16(d, source);
	put16(d, destination);
	d->len += 36;
}

static struct draft frame_ip4(const uint16_t *tag, size_t n, uint8_t protocol,
			      uint16_t port)
{
	struct draft d;

	put_addresses(&d);
	for (size_t i = 0; i < n; i++)
		put_tag(&d, tag[2 * i], tag[2 * i + 1]);
	put_ip4(&d, protocol, 40000, port);
	return d;
}

/* A stage of rules and what it has done; a file for a program. */
struct fixture {
	struct stage *stage;
	struct lane_stats stats;
	struct burst burst;
	char path[64];
};

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	if (!f)
		return -1;
	snprintf(f->path, sizeof(f->path), "%.40s/filter-XXXXXX",
		 tmp && strlen(tmp) <= 40 ? tmp : "/tmp");
	fd = mkstemp(f->path);
	if (fd >= 0)
		close(fd);
	*state = f;
	return fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	stage_free(f->stage);
	unlink(f->path);
	free(f);
	return 0;
}

static void make(struct fixture *f, const struct filter_rule *rule, size_t n)
{
	stage_free(f->stage);
	f->stage = NULL;
	memset(&f->stats, 0, sizeof(f->stats));
	assert_int_equal(filter_new(&f->stage, rule, n, NULL), 0);
	assert_non_null(f->stage);
	assert_string_equal(f->stage->ops->name, "filter");
	assert_null(f->stage->next);
}

/* Push one frame in memory of its own size; whether it is still there. */
static bool passes(struct fixture *f, const struct draft *d)
{
	uint8_t *data = malloc(d->len);
	struct frame *frame = &f->burst.frame[0];
	uint64_t dropped = f->stats.dropped_frames[REASON_FILTERED];

	assert_non_null(data);
	memcpy(data, d->byte, d->len);
	*frame = (struct frame){ .data = data, .len = d->len };
	f->burst.n = 1;
	stage_push(f->stage, &f->burst, &f->stats, 0);
	assert_int_equal(f->burst.n + f->stats.dropped_frames[REASON_FILTERED],
			 1 + dropped);
	assert_memory_equal(data, d->byte, d->len);
	free(data);
	return f->burst.n;
}

static uint64_t count_of(const struct fixture *f, const char *id)
{
	struct filter_count count;

	for (size_t i = 0; filter_counts(f->stage, i, &count); i++)
		if (!strcmp(count.id, id))
			return count.frames;
	fail_msg("no rule %s", id);
	return 0;
}

#define DROP(id_, text_) { .id = id_, .text = text_, .action = FILTER_DROP }
#define PASS(id_, text_) \
	{ .id = id_, .text = text_, .action = FILTER_PASS_ONLY }
#define DROP_FILE(id_, path_)                          \
	{ .id = id_, .text = path_, .is_file = true, \
	  .action = FILTER_DROP }

/* ---- which rule wins ---- */

static void test_no_rules(void **state)
{
	struct fixture *f = *state;
	struct draft d = frame_ip4(NULL, 0, TCP, 80);
	struct filter_count count;

	make(f, NULL, 0);
	assert_true(passes(f, &d));
	assert_false(filter_counts(f->stage, 0, &count));
	assert_int_equal(filter_unmatched(f->stage), 0);
}

static void test_drop(void **state)
{
	static const struct filter_rule rule[] = { DROP("a", "udp"),
						   DROP("b", "port 80") };
	struct fixture *f = *state;
	struct draft udp = frame_ip4(NULL, 0, UDP, 80);
	struct draft web = frame_ip4(NULL, 0, TCP, 80);
	struct draft other = frame_ip4(NULL, 0, TCP, 22);

	make(f, rule, ARRAY_SIZE(rule));
	for (int i = 0; i < 3; i++)
		assert_false(passes(f, &udp)); /* the first of both counts */
	assert_false(passes(f, &web));
	assert_true(passes(f, &other));
	assert_int_equal(count_of(f, "a"), 3);
	assert_int_equal(count_of(f, "b"), 1);
	assert_int_equal(filter_unmatched(f->stage), 0);
	assert_int_equal(f->stats.dropped_frames[REASON_FILTERED], 4);
	assert_int_equal(stats_dropped(&f->stats), 4);
}

static void test_pass_only(void **state)
{
	static const struct filter_rule rule[] = { PASS("a", "tcp"),
						   PASS("b", "port 80") };
	struct fixture *f = *state;
	struct draft tcp = frame_ip4(NULL, 0, TCP, 80);
	struct draft udp = frame_ip4(NULL, 0, UDP, 80);
	struct draft other = frame_ip4(NULL, 0, UDP, 53);

	make(f, rule, ARRAY_SIZE(rule));
	assert_true(passes(f, &tcp));
	assert_true(passes(f, &tcp));
	assert_true(passes(f, &udp));
	assert_false(passes(f, &other));
	assert_int_equal(count_of(f, "a"), 2);
	assert_int_equal(count_of(f, "b"), 1);
	assert_int_equal(filter_unmatched(f->stage), 1);
	assert_int_equal(f->stats.dropped_frames[REASON_FILTERED], 1);
}

/* Wherever they are written, drop rules are asked first. */
static void file_write(const struct fixture *f, const char *text,
		       size_t len)
{
	FILE *out = fopen(f->path, "we");

	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
}

/* Who takes a filter's place goes on with the counts of the rules that both
 * have, whichever of the two is freed first. */
static void test_successor(void **state)
{
	const struct filter_rule old[] = {
		DROP("web", "tcp port 80"), DROP("dns", "udp port 53"),
		PASS("ip", "ip"),
	};
	const struct filter_rule new[] = {
		DROP("web", "tcp port 80"), DROP("dns", "udp"),
		DROP("ssh", "tcp port 22"), PASS("ip", "ip"),
	};
	struct draft web = frame_ip4(NULL, 0, TCP, 80);
	struct draft dns = frame_ip4(NULL, 0, UDP, 53);
	struct fixture *f = *state;
	struct stage *before;

	for (int freed_first = 0; freed_first < 2; freed_first++) {
		make(f, old, ARRAY_SIZE(old));
		assert_false(passes(f, &web));
		assert_false(passes(f, &web));
		assert_false(passes(f, &dns));
		before = f->stage;
		assert_int_equal(filter_new(&f->stage, new, ARRAY_SIZE(new),
					    before), 0);
		if (freed_first)
			stage_free(before);
		assert_int_equal(count_of(f, "web"), 2);
		assert_int_equal(count_of(f, "dns"), 0); /* another text */
		assert_int_equal(count_of(f, "ssh"), 0);
		assert_false(passes(f, &web));
		assert_int_equal(count_of(f, "web"), 3);
		f->stage->ops->reset(f->stage);
		assert_int_equal(count_of(f, "web"), 0);
		assert_false(passes(f, &web));
		assert_int_equal(count_of(f, "web"), 1);
		if (!freed_first)
			stage_free(before);
		assert_false(passes(f, &dns));
	}
}

/* A program from a file is read again: the file is another by now. */
static void test_successor_of_file(void **state)
{
	struct fixture *f = *state;
	const struct filter_rule rule = {
		.id = "f", .text = f->path, .is_file = true,
		.action = FILTER_DROP,
	};
	struct draft web = frame_ip4(NULL, 0, TCP, 80);
	struct stage *before;

	file_write(f, "1\n6 0 0 65535\n", strlen("1\n6 0 0 65535\n"));
	make(f, &rule, 1);
	assert_false(passes(f, &web));
	file_write(f, "1\n6 0 0 0\n", strlen("1\n6 0 0 0\n"));
	before = f->stage;
	assert_int_equal(filter_new(&f->stage, &rule, 1, before), 0);
	stage_free(before);
	assert_true(passes(f, &web));
	assert_int_equal(count_of(f, "f"), 1);
}

static void test_drop_wins(void **state)
{
	static const struct filter_rule rule[] = {
		PASS("pass-ip", "ip"), DROP("drop-80", "port 80"),
		PASS("pass-arp", "arp"), DROP("drop-tcp", "tcp"),
	};
	static const char *const order[] = { "drop-80", "drop-tcp", "pass-ip",
					     "pass-arp" };
	struct fixture *f = *state;
	struct draft web = frame_ip4(NULL, 0, TCP, 80);
	struct draft ssh = frame_ip4(NULL, 0, TCP, 22);
	struct draft dns = frame_ip4(NULL, 0, UDP, 53);
	struct draft ip6;
	struct filter_count count;

	make(f, rule, ARRAY_SIZE(rule));
	put_addresses(&ip6);
	put16(&ip6, TYPE_IP6);
	ip6.len += 46;
	assert_false(passes(f, &web));
	assert_false(passes(f, &ssh));
	assert_false(passes(f, &ssh));
	assert_true(passes(f, &dns));
	assert_false(passes(f, &ip6));
	assert_int_equal(count_of(f, "drop-80"), 1);
	assert_int_equal(count_of(f, "drop-tcp"), 2);
	assert_int_equal(count_of(f, "pass-ip"), 1);
	assert_int_equal(count_of(f, "pass-arp"), 0);
	assert_int_equal(filter_unmatched(f->stage), 1);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		assert_true(filter_counts(f->stage, i, &count));
		assert_string_equal(count.id, order[i]);
		assert_int_equal(count.action,
				 i < 2 ? FILTER_DROP : FILTER_PASS_ONLY);
	}
	assert_false(filter_counts(f->stage, ARRAY_SIZE(order), &count));
}

/* Of a whole burst the right ones stay, in order, with all that is theirs. */
static void test_burst(void **state)
{
	static const struct filter_rule rule[] = { DROP("udp", "udp") };
	struct fixture *f = *state;
	struct draft d[BURST_MAX];
	uint32_t kept = 0;

	make(f, rule, 1);
	for (uint32_t i = 0; i < BURST_MAX; i++) {
		d[i] = frame_ip4(NULL, 0, i % 3 ? TCP : UDP, (uint16_t)i);
		f->burst.frame[i] = (struct frame){
			.data = d[i].byte, .len = d[i].len,
			.vnet = { .gso_size = (uint16_t)i },
		};
	}
	f->burst.n = BURST_MAX;
	stage_push(f->stage, &f->burst, &f->stats, 0);
	for (uint32_t i = 0; i < BURST_MAX; i++) {
		const struct frame *frame = &f->burst.frame[kept];

		if (i % 3 == 0)
			continue;
		assert_ptr_equal(frame->data, d[i].byte);
		assert_int_equal(frame->len, d[i].len);
		assert_int_equal(frame->vnet.gso_size, i);
		kept++;
	}
	assert_int_equal(f->burst.n, kept);
	assert_int_equal(f->stats.dropped_frames[REASON_FILTERED],
			 BURST_MAX - kept);
	assert_int_equal(count_of(f, "udp"), BURST_MAX - kept);
	f->burst.n = 0;
	stage_push(f->stage, &f->burst, &f->stats, 0);
	assert_int_equal(f->burst.n, 0);
}

/* ---- tags, as tcpdump means them ---- */

struct tagged_case {
	const char *expression;
	bool match[6];
};

static void test_tags(void **state)
{
	static const uint16_t c10[] = { TYPE_CTAG, 10 };
	static const uint16_t c10_pcp[] = { TYPE_CTAG, 0xf00a };
	static const uint16_t c0[] = { TYPE_CTAG, 0 };
	static const uint16_t qinq[] = { TYPE_STAG, 20, TYPE_CTAG, 10 };
	static const uint16_t cc[] = { TYPE_CTAG, 10, TYPE_CTAG, 20 };
	const struct draft frame[] = {
		frame_ip4(NULL, 0, TCP, 80), frame_ip4(c10, 1, TCP, 80),
		frame_ip4(c10_pcp, 1, UDP, 80), frame_ip4(c0, 1, TCP, 22),
		frame_ip4(qinq, 2, TCP, 80), frame_ip4(cc, 2, TCP, 80),
	};
	/* none   c10/tcp c10/udp c0/22  s20.c10 c10.c20 */
	static const struct tagged_case row[] = {
		{ "vlan", { false, true, true, true, true, true } },
		{ "vlan 10", { false, true, true, false, false, true } },
		{ "vlan 0", { false, false, false, true, false, false } },
		{ "vlan 20", { false, false, false, false, true, false } },
		{ "vlan and tcp port 80",
		  { false, true, false, false, false, false } },
		{ "tcp port 80", { true, false, false, false, false, false } },
		{ "vlan and vlan", { false, false, false, false, true, true } },
		{ "vlan 20 and vlan 10",
		  { false, false, false, false, true, false } },
		{ "vlan 10 and vlan 20 and tcp port 80",
		  { false, false, false, false, false, true } },
		{ "ether proto 0x88a8",
		  { false, false, false, false, true, false } },
		{ "tcp port 80 or (vlan and tcp port 80)",
		  { true, true, false, false, false, false } },
		{ "not vlan", { true, false, false, false, false, false } },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		const struct filter_rule drop = DROP("x", row[i].expression);
		const struct filter_rule pass = PASS("x", row[i].expression);

		make(f, &drop, 1);
		for (size_t k = 0; k < ARRAY_SIZE(frame); k++)
			if (passes(f, &frame[k]) == row[i].match[k])
				fail_msg("drop %s: frame %zu",
					 row[i].expression, k);
		make(f, &pass, 1);
		for (size_t k = 0; k < ARRAY_SIZE(frame); k++)
			if (passes(f, &frame[k]) != row[i].match[k])
				fail_msg("pass_only %s: frame %zu",
					 row[i].expression, k);
	}
}

/* ---- programs in files ---- */

static void compile(const char *expression, struct bpf_program *program)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 262144);

	assert_non_null(pcap);
	if (pcap_compile(pcap, program, expression, 1, PCAP_NETMASK_UNKNOWN))
		fail_msg("%s: %s", expression, pcap_geterr(pcap));
	pcap_close(pcap);
}

static bool reference(const struct bpf_program *program, const struct draft *d)
{
	const struct pcap_pkthdr header = { .caplen = d->len, .len = d->len };

	return pcap_offline_filter(program, &header, d->byte);
}

/* As tcpdump -ddd prints it. */
static void print_program(const struct bpf_program *program, FILE *out)
{
	fprintf(out, "%u\n", program->bf_len);
	for (u_int i = 0; i < program->bf_len; i++)
		fprintf(out, "%u %u %u %u\n", program->bf_insns[i].code,
			program->bf_insns[i].jt, program->bf_insns[i].jf,
			program->bf_insns[i].k);
}

static int file_check(const struct fixture *f, char *why, size_t size)
{
	const struct filter_rule rule = DROP_FILE("f", f->path);

	return filter_check(&rule, why, size);
}

static char *program_text(const char *expression, size_t *len)
{
	struct bpf_program program;
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	assert_non_null(out);
	compile(expression, &program);
	print_program(&program, out);
	pcap_freecode(&program);
	fclose(out);
	return text;
}

static const char *const filed[] = { "udp port 53", "vlan and tcp port 80",
				     "udp", "less 64", "" };

/* The file is a program that drops what the expression would. */
static void assert_file_means(struct fixture *f, const char *expression)
{
	const struct filter_rule rule[] = { DROP_FILE("file", f->path),
					    DROP("text", expression) };
	uint64_t rng = SEED, matched = 0;
	struct bpf_program program;

	make(f, rule, ARRAY_SIZE(rule));
	compile(expression, &program);
	for (int i = 0; i < 1000; i++) {
		const uint16_t tag[] = { TYPE_CTAG, 10 };
		struct draft d = frame_ip4(tag, i % 2, i % 3 ? TCP : UDP,
					   i % 4 ? 80 : 53);

		d.len -= rng_below(&rng, 30);
		matched += reference(&program, &d);
		passes(f, &d);
	}
	pcap_freecode(&program);
	assert_int_equal(count_of(f, "text"), 0); /* nothing is left over */
	assert_int_equal(count_of(f, "file"), matched);
	assert_int_equal(f->stats.dropped_frames[REASON_FILTERED], matched);
	assert_in_range(matched, 1, 1000);
}

static void test_drop_file(void **state)
{
	struct fixture *f = *state;
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(filed); i++) {
		char *text = program_text(filed[i], &len);

		file_write(f, text, len);
		free(text);
		assert_file_means(f, filed[i]);
	}
}

/* What tcpdump itself prints, where there is one. */
static void test_tcpdump_file(void **state)
{
	static const char expression[] = "vlan and tcp port 80";
	struct fixture *f = *state;
	char command[160];

	snprintf(command, sizeof(command),
		 "tcpdump -y EN10MB -ddd '%s' 2>/dev/null > %s", expression,
		 f->path);
	if (system(command))
		skip();
	assert_file_means(f, expression);
}

/* Cut at any byte it is refused, unless what is left means the same. */
static void test_cut_file(void **state)
{
	struct fixture *f = *state;
	char why[256];
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(filed); i++) {
		char *text = program_text(filed[i], &len);
		size_t last = len - 2; /* the last line's number may be cut */

		while (text[last] != ' ')
			last--;
		for (size_t cut = 0; cut <= len; cut++) {
			int r;

			file_write(f, text, cut);
			memset(why, 0, sizeof(why));
			r = file_check(f, why, sizeof(why));
			if (cut <= last + 1)
				assert_int_equal(r, -EINVAL);
			else
				assert_int_equal(r, 0);
			if (r)
				assert_has(why, "not a BPF program");
		}
		free(text);
	}
}

static void test_broken_files(void **state)
{
	static const char *const text[] = {
		"", "\n", "x", "1", "1\n", "0\n", "0", "-1\n6 0 0 0\n",
		"2\n6 0 0 0\n",			  /* one too few */
		"1\n6 0 0 0\n6 0 0 0\n",	  /* one too many */
		"1\n6 0 0 0 0\n", "1\n6 0 0 0 x\n", "1\n6 0 0 0\nx\n",
		"1\n6 0 0 0\n#\n", "1\n6 0 0 0,\n", "1\n6 0 0 0\n\177ELF",
		"1\n6 0 0\n", "1\n6 0 0 x\n", "1\nx 0 0 0\n", "1\n6,0,0,0\n",
		"1,6 0 0 0\n",			  /* the kernel's own form */
		"1\n0x6 0 0 0\n", "1\n{ 0x6, 0, 0, 0x00000000 },\n",
		"1\n(000) ret      #0\n",	  /* tcpdump -d */
		"1\n65542 0 0 0\n",		  /* 0x10006: over 16 bits */
		"1\n6 256 0 0\n", "1\n6 0 256 0\n",
		"1\n65535 0 0 0\n",		  /* no such instruction */
		"1\n7 0 0 0\n",			  /* tax: does not return */
		"1\n14 0 0 0\n",		  /* ret x: nobody knows it */
		"2\n96 0 0 3\n22 0 0 0\n",	  /* ld M[3]: never written */
		"4\n21 1 0 0\n2 0 0 3\n96 0 0 3\n22 0 0 0\n", /* one way */
		"1\n21 0 0 0\n",		  /* jeq at the end */
		"2\n21 1 0 0\n6 0 0 0\n",	  /* jumps beyond */
		"2\n21 0 200 0\n6 0 0 0\n",
		"2\n5 0 0 1\n6 0 0 0\n",	  /* ja beyond */
		"2\n52 0 0 0\n6 0 0 0\n",	  /* division by zero */
		"2\n148 0 0 0\n6 0 0 0\n",	  /* the rest of it */
		"2\n2 0 0 16\n6 0 0 0\n",	  /* st: no such cell */
		"2\n96 0 0 4294967295\n6 0 0 0\n", /* ld: no such cell */
	};
	struct fixture *f = *state;
	char why[256];

	for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
		file_write(f, text[i], strlen(text[i]));
		if (file_check(f, why, sizeof(why)) != -EINVAL)
			fail_msg("accepted: %s", text[i]);
		assert_has(why, "not a BPF program as tcpdump -ddd prints it");
	}
	file_write(f, "1\n6 0 0 0\n\0", 11);
	assert_int_equal(file_check(f, why, sizeof(why)), -EINVAL);
}

/* Numbers with a sign, or too large, which scanf() would take and wrap. */
static void test_wrapped_numbers(void **state)
{
	static const char *const text[] = {
		"4294967297\n6 0 0 0\n", "18446744073709551617\n6 0 0 0\n",
		"1\n4294967302 0 0 0\n", "1\n6 4294967296 0 0\n",
		"1\n6 0 4294967296 0\n", "1\n6 0 0 4294967296\n",
		"1\n6 0 0 99999999999999999999\n", "1\n6 0 0 -1\n",
		"1\n6 -0 0 0\n", "+1\n6 0 0 0\n", "-4294967295\n6 0 0 0\n",
	};
	struct fixture *f = *state;
	char why[256];

	for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
		file_write(f, text[i], strlen(text[i]));
		if (file_check(f, why, sizeof(why)) != -EINVAL)
			fail_msg("accepted: %s", text[i]);
	}
}

/*
 * libpcap's bpf_validate() allows jumps back in user space (it makes them for
 * protochain), so that a lane could hang in a loop. The kernel refuses them.
 * These are only loaded here, not run.
 */
static void test_endless_file(void **state)
{
	static const char *const text[] = {
		"2\n5 0 0 4294967295\n6 0 0 0\n",
		"3\n0 0 0 0\n5 0 0 4294967294\n6 0 0 0\n",
	};
	struct fixture *f = *state;
	char why[256];

	for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
		file_write(f, text[i], strlen(text[i]));
		if (file_check(f, why, sizeof(why)) != -EINVAL)
			fail_msg("accepted: %s", text[i]);
	}
}

/*
 * Loads of what the kernel keeps beside a frame, from SKF_AD_OFF on: what
 * `tcpdump -i eth0 -ddd vlan` prints. They would match nothing here.
 */
static void test_kernel_file(void **state)
{
	static const char *const text[] = {
		"4\n48 0 0 4294963248\n21 0 1 1\n6 0 0 262144\n6 0 0 0\n",
		"2\n40 0 0 4294963244\n22 0 0 0\n", /* the tag */
		"2\n32 0 0 4294963204\n22 0 0 0\n", /* the protocol */
		"2\n32 0 0 4293918720\n22 0 0 0\n", /* SKF_NET_OFF */
		"2\n32 0 0 4292870144\n22 0 0 0\n", /* SKF_LL_OFF */
		"2\n32 0 0 4294967295\n22 0 0 0\n",
	};
	struct fixture *f = *state;
	char why[256];

	for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
		file_write(f, text[i], strlen(text[i]));
		if (file_check(f, why, sizeof(why)) != -EINVAL)
			fail_msg("accepted: %s", text[i]);
		assert_has(why, "make it with: tcpdump -y EN10MB -ddd");
	}
}

static void test_good_files(void **state)
{
	static const char *const text[] = {
		"1\n6 0 0 0\n", "1\n6 0 0 262144\n", "1\n6 0 0 4294967295\n",
		"1\n6 0 0 0", "1\n6 0 0 0\n\n \t\n", "1\r\n6 0 0 0\r\n",
		"4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n",
		"2\n0 0 0 4294963248\n22 0 0 0\n", /* a number, no load */
	};
	struct fixture *f = *state;
	char why[256];

	for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
		file_write(f, text[i], strlen(text[i]));
		if (file_check(f, why, sizeof(why)))
			fail_msg("refused: %s: %s", text[i], why);
	}
}

/* As long as the kernel takes them, and not one longer. */
static void test_long_files(void **state)
{
	static const struct {
		unsigned int n;
		int r;
	} row[] = { { 4095, 0 }, { 4096, 0 }, { 4097, -EINVAL },
		    { 1000000, -EINVAL } };
	struct fixture *f = *state;
	char why[256];

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		FILE *out = fopen(f->path, "we");

		assert_non_null(out);
		fprintf(out, "%u\n", row[i].n);
		for (unsigned int k = 1; k < row[i].n; k++)
			fprintf(out, "7 0 0 0\n");
		fprintf(out, "6 0 0 0\n");
		fclose(out);
		assert_int_equal(file_check(f, why, sizeof(why)), row[i].r);
	}
}

static void test_missing_file(void **state)
{
	static const struct filter_rule rule[] = {
		DROP("good", "tcp"), DROP_FILE("gone", "/nonexistent/x.bpf")
	};
	static const struct filter_rule directory = DROP_FILE("dir", "/tmp");
	struct capture c;
	struct stage *stage = NULL;
	char why[256];

	(void)state;
	assert_int_equal(filter_check(&rule[1], why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "No such file or directory");
	capture_begin(&c, &stderr);
	assert_int_equal(filter_new(&stage, rule, 2, NULL), -EINVAL);
	capture_end(&c);
	assert_null(stage);
	assert_has(c.text, "error: filter gone '/nonexistent/x.bpf': "
			   "No such file or directory\n");
	assert_int_equal(filter_check(&directory, why, sizeof(why)), -EINVAL);
}

/* ---- expressions that do not compile ---- */

static void test_bad_expressions(void **state)
{
	static const char *const bad[] = {
		"tcp prot 80", "and", "(tcp", "net 192.0.2.1/33", "port 70000",
		"vlan 5000", "\\", "tcp and", "ether host 1:2:3",
		"ip[0", "len >", "greater x", "tcp port 80 'x'",
	};
	struct capture c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct filter_rule rule[] = {
			PASS("fine", "arp"), DROP("web", bad[i]),
			DROP("fine-too", "ip6"),
		};
		pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 262144);
		struct bpf_program program;
		struct stage *stage = NULL;
		char why[PCAP_ERRBUF_SIZE];

		assert_true(pcap_compile(pcap, &program, bad[i], 1,
					 PCAP_NETMASK_UNKNOWN));
		assert_int_equal(filter_check(&rule[1], why, sizeof(why)),
				 -EINVAL);
		assert_string_equal(why, pcap_geterr(pcap));
		capture_begin(&c, &stderr);
		assert_int_equal(filter_new(&stage, rule, ARRAY_SIZE(rule), NULL),
				 -EINVAL);
		capture_end(&c);
		assert_null(stage);
		assert_has(c.text, "error: filter web '");
		assert_has(c.text, bad[i]);
		assert_has(c.text, pcap_geterr(pcap));
		pcap_close(pcap);
	}
}

static void test_why_fits(void **state)
{
	static const struct filter_rule rule = DROP("x", "tcp prot 80");
	char whole[256], why[256];

	(void)state;
	assert_int_equal(filter_check(&rule, whole, sizeof(whole)), -EINVAL);
	for (size_t size = 1; size < strlen(whole) + 1; size++) {
		memset(why, 'x', sizeof(why));
		assert_int_equal(filter_check(&rule, why, size), -EINVAL);
		assert_int_equal(strlen(why), size - 1);
		assert_memory_equal(why, whole, size - 1);
		assert_int_equal(why[size], 'x');
	}
}

static void test_check_good(void **state)
{
	static const struct filter_rule rule = DROP("x", "tcp port 80");
	char why[] = "as it was";

	(void)state;
	assert_int_equal(filter_check(&rule, why, sizeof(why)), 0);
	assert_string_equal(why, "as it was");
}

static void test_dump(void **state)
{
	static const char expression[] = "vlan 10 and tcp port 80";
	struct capture ours, theirs;
	struct bpf_program program;

	(void)state;
	compile(expression, &program);
	capture_begin(&theirs, &stdout);
	for (u_int i = 0; i < program.bf_len; i++)
		printf("%s\n", bpf_image(&program.bf_insns[i], (int)i));
	capture_end(&theirs);
	pcap_freecode(&program);
	capture_begin(&ours, &stdout);
	assert_int_equal(filter_dump(expression), 0);
	capture_end(&ours);
	assert_true(strlen(ours.text) > 100);
	assert_string_equal(ours.text, theirs.text);

	capture_begin(&ours, &stderr);
	assert_int_equal(filter_dump("tcp prot 80"), -EINVAL);
	capture_end(&ours);
	assert_has(ours.text, "error: filter 'tcp prot 80': ");
}

/* ---- frames by the thousand ---- */

static const char *const asked[] = {
	"arp", "ip6", "udp port 53", "vlan and tcp port 80", "vlan 10",
	"vlan 20 and vlan 10", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
	"ip[6:2] & 0x1fff != 0", "ether multicast", "less 40",
	"src net 192.0.2.0/25 and not udp", "ether proto 0x88a8",
	"ip proto 6 and greater 60", "not ip and not ip6 and not vlan",
};

static struct draft random_frame(uint64_t *rng)
{
	static const uint16_t tpid[] = { TYPE_CTAG, TYPE_CTAG, TYPE_STAG,
					 0x9100 };
	static const uint16_t vid[] = { 10, 20, 0, 4095 };
	static const uint16_t port[] = { 80, 53, 443, 22 };
	struct draft d;

	put_addresses(&d);
	d.byte[0] = (uint8_t)(rng_below(rng, 4) ? 2 : 1);
	for (uint32_t n = rng_below(rng, 3); n; n--)
		put_tag(&d, tpid[rng_below(rng, 4)],
			(uint16_t)(vid[rng_below(rng, 4)] |
				   rng_below(rng, 16) << 12));
	switch (rng_below(rng, 5)) {
	case 0:
		put16(&d, TYPE_ARP);
		d.len += 46;
		break;
	case 1:
		put16(&d, TYPE_IP6);
		d.byte[d.len] = 0x60;
		d.byte[d.len + 6] = rng_below(rng, 2) ? TCP : UDP;
		d.len += 40;
		put16(&d, port[rng_below(rng, 4)]);
		put16(&d, port[rng_below(rng, 4)]);
		d.len += 30;
		break;
	default:
		put_ip4(&d, rng_below(rng, 2) ? TCP : UDP,
			port[rng_below(rng, 4)], port[rng_below(rng, 4)]);
	}
	for (uint32_t n = rng_below(rng, 4); n; n--)
		d.byte[rng_below(rng, d.len)] = (uint8_t)rng_next(rng);
	if (!rng_below(rng, 3))
		d.len = 14 + rng_below(rng, d.len - 13);
	return d;
}

/* Each expression alone, and what it counts. */
static void test_verdicts(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		const struct filter_rule rule = DROP("x", asked[i]);
		struct bpf_program program;
		uint64_t rng = SEED, matched = 0;

		compile(asked[i], &program);
		make(f, &rule, 1);
		for (int k = 0; k < RANDOM_FRAMES; k++) {
			struct draft d = random_frame(&rng);
			bool match = reference(&program, &d);

			matched += match;
			if (passes(f, &d) == match)
				fail_msg("%s: frame %d", asked[i], k);
		}
		pcap_freecode(&program);
		assert_in_range(matched, 10, RANDOM_FRAMES - 10);
		assert_int_equal(count_of(f, "x"), matched);
	}
}

/* All together, of both kinds: the first that matches counts. */
static void test_verdicts_together(void **state)
{
	struct filter_rule rule[ARRAY_SIZE(asked)];
	struct bpf_program program[ARRAY_SIZE(asked)];
	uint64_t want[ARRAY_SIZE(asked)] = { 0 }, unmatched = 0, rng = SEED + 1;
	struct fixture *f = *state;
	uint64_t passed = 0, want_passed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		rule[i] = (struct filter_rule){
			.id = asked[i], .text = asked[i],
			.action = i % 3 ? FILTER_PASS_ONLY : FILTER_DROP,
		};
		compile(asked[i], &program[i]);
	}
	make(f, rule, ARRAY_SIZE(rule));
	for (int k = 0; k < RANDOM_FRAMES; k++) {
		struct draft d = random_frame(&rng);
		size_t first = ARRAY_SIZE(asked);

		/* Backwards, pass-only rules before the stronger drop rules. */
		for (size_t i = ARRAY_SIZE(asked); i--;)
			if (i % 3 && reference(&program[i], &d))
				first = i;
		for (size_t i = ARRAY_SIZE(asked); i--;)
			if (i % 3 == 0 && reference(&program[i], &d))
				first = i;
		if (first < ARRAY_SIZE(asked))
			want[first]++;
		else
			unmatched++;
		want_passed += first < ARRAY_SIZE(asked) && first % 3;
		passed += passes(f, &d);
	}
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		assert_int_equal(count_of(f, asked[i]), want[i]);
		assert_true(want[i]);
		pcap_freecode(&program[i]);
	}
	assert_int_equal(filter_unmatched(f->stage), unmatched);
	assert_true(unmatched);
	assert_int_equal(passed, want_passed);
	assert_int_equal(f->stats.dropped_frames[REASON_FILTERED],
			 RANDOM_FRAMES - passed);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_no_rules),
		TEST(test_drop),
		TEST(test_pass_only),
		TEST(test_successor),
		TEST(test_successor_of_file),
		TEST(test_drop_wins),
		TEST(test_burst),
		TEST(test_tags),
		TEST(test_drop_file),
		TEST(test_tcpdump_file),
		TEST(test_cut_file),
		TEST(test_broken_files),
		TEST(test_wrapped_numbers),
		TEST(test_endless_file),
		TEST(test_kernel_file),
		TEST(test_good_files),
		TEST(test_long_files),
		TEST(test_missing_file),
		TEST(test_bad_expressions),
		TEST(test_why_fits),
		TEST(test_check_good),
		TEST(test_dump),
		TEST(test_verdicts),
		TEST(test_verdicts_together),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
