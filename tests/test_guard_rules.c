/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules in the kernel: for every rule and every frame the guard's program gives
 * the verdict that the filter stage gives in user space. The programs run by
 * BPF_PROG_TEST_RUN; frames with a tag go through a program first that takes it
 * out of the bytes, as the kernel does for a frame that arrives.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "filter.h"
#include "guard.h"
#include "link_tc.h"
#include "log.h"

#define SKIPPED 77
#define SEED UINT64_C(0x6775617264)
#define FRAMES 600
#define PROGRAMS 400
#define FRAMES_EACH 40
#define INSNS_MAX 48
#define FRAME_BYTES 3000
#define COST_RUNS 200000

/* splitmix64 */
static uint64_t rng_next(uint64_t *rng)
{
	uint64_t z = *rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint32_t below(uint64_t *rng, uint32_t n)
{
	return (uint32_t)(rng_next(rng) % n);
}

/* ---- frames ---- */

struct draft {
	uint8_t byte[FRAME_BYTES];
	uint32_t len;
};

static void put16(struct draft *d, uint32_t value)
{
	d->byte[d->len++] = (uint8_t)(value >> 8);
	d->byte[d->len++] = (uint8_t)value;
}

static void put_random(struct draft *d, uint64_t *rng, uint32_t n)
{
	while (n--)
		d->byte[d->len++] = (uint8_t)rng_next(rng);
}

static uint32_t protocol(uint64_t *rng)
{
	static const uint8_t some[] = { 1, 2, 6, 6, 17, 17, 50, 51, 58, 89,
					132 };

	return some[below(rng, ARRAY_SIZE(some))];
}

static void put_ports(struct draft *d, uint64_t *rng)
{
	static const uint16_t some[] = { 22, 53, 80, 443, 4789, 50000 };

	for (int i = 0; i < 2; i++)
		put16(d, some[below(rng, ARRAY_SIZE(some))]);
	put_random(d, rng, 24);
}

static void put_ip4(struct draft *d, uint64_t *rng)
{
	uint32_t words = below(rng, 4) ? 5 : below(rng, 16);

	put16(d, 0x4000 | words << 8);
	put_random(d, rng, 4);
	put16(d, below(rng, 4) ? 0x4000 : (uint32_t)rng_next(rng) & 0xffff);
	put16(d, 64 << 8 | protocol(rng));
	put16(d, 0);
	for (int i = 0; i < 2; i++) {
		put16(d, 0xc000);
		put16(d, 0x0200 + below(rng, 4));
	}
	if (words > 5)
		put_random(d, rng, 4 * (words - 5));
	put_ports(d, rng);
}

static void put_ip6(struct draft *d, uint64_t *rng)
{
	static const uint8_t extension[] = { 0, 43, 60, 44 };
	uint32_t next = below(rng, 3) ? protocol(rng) : extension[below(rng, 4)];

	put16(d, 0x6000);
	put_random(d, rng, 4);
	put16(d, next << 8 | 64);
	for (int i = 0; i < 2; i++) {
		put16(d, 0xfd00);
		put_random(d, rng, 13);
		d->byte[d->len++] = (uint8_t)below(rng, 4);
	}
	while (next == 0 || next == 43 || next == 60 || next == 44) {
		next = below(rng, 2) ? protocol(rng) :
				       extension[below(rng, 4)];
		put16(d, next << 8);
		put_random(d, rng, 6);
		if (d->len > 400)
			break;
	}
	put_ports(d, rng);
}

static void put_body(struct draft *d, uint64_t *rng)
{
	static const uint16_t types[] = { 0x0806, 0x8847, 0x8864, 0x88cc, 0x0026,
					  0x8100, 0x88a8, 0x05dc };

	switch (below(rng, 4)) {
	case 0:
	case 1:
		put16(d, 0x0800);
		put_ip4(d, rng);
		break;
	case 2:
		put16(d, 0x86dd);
		put_ip6(d, rng);
		break;
	default:
		put16(d, types[below(rng, ARRAY_SIZE(types))]);
		put_random(d, rng, 2 + below(rng, 80));
	}
}

/* Of any kind and with up to three tags, whole or cut off anywhere. */
static void make_frame(struct draft *d, uint64_t *rng)
{
	static const uint8_t group[] = { 0xff, 0x01, 0x33, 0x02, 0x02 };
	uint32_t tags = below(rng, 2) ? below(rng, 4) : 0;

	d->len = 0;
	memset(d->byte, group[below(rng, ARRAY_SIZE(group))], 6);
	d->len = 6;
	put_random(d, rng, 6);
	for (uint32_t i = 0; i < tags; i++) {
		put16(d, below(rng, 3) ? 0x8100 : 0x88a8);
		put16(d, (below(rng, 8) << 13) + (below(rng, 3) ? 100 :
						  below(rng, 4096)));
	}
	put_body(d, rng);
	if (!below(rng, 4))
		put_random(d, rng, below(rng, FRAME_BYTES - d->len));
	if (d->len < 18)
		put_random(d, rng, 18 - d->len);
	if (!below(rng, 4))
		d->len = 18 + below(rng, d->len - 17);
}

/* ---- both filters ---- */

struct fixture {
	struct guard *guard;
	struct stage *stage; /* user space's */
	struct burst burst;
	struct lane_stats stats;
	int joiner_fd;
	int tagger_fd;
	int tail_fd; /* the map by which the tagger goes on */
	char path[64];
};

static void ip(const char *arguments)
{
	char command[256];

	snprintf(command, sizeof(command), "ip %s", arguments);
	if (system(command))
		fail_msg("%s", command);
}

/*
 * eBPF, by hand: the type that is given in `priority` is written into the frame
 * (a test run refuses IP that is cut off), a tag that is given in `mark` is put
 * beside it, and then the program in the map runs.
 */
static int load_tagger(int map_fd)
{
#define INSN(c, d, s, o, i) \
	{ .code = c, .dst_reg = d, .src_reg = s, .off = o, .imm = i }
	const struct bpf_insn insn[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_W, 7, 6,
		     offsetof(struct __sk_buff, priority), 0),
		INSN(BPF_STX | BPF_MEM | BPF_H, 10, 7, -8, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, 12),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 3, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, -8),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 4, 0, 0, 2),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 5, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_skb_store_bytes),
		INSN(BPF_LDX | BPF_MEM | BPF_W, 7, 6,
		     offsetof(struct __sk_buff, mark), 0),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 7, 0, 7, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 1, 6, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 7, 0, 0),
		INSN(BPF_ALU64 | BPF_RSH | BPF_K, 2, 0, 0, 16),
		INSN(BPF_ALU | BPF_END | BPF_TO_BE, 2, 0, 0, 16),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 3, 7, 0, 0),
		INSN(BPF_ALU64 | BPF_AND | BPF_K, 3, 0, 0, 0xffff),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_skb_vlan_push),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 1, 6, 0, 0),
		INSN(BPF_LD | BPF_DW | BPF_IMM, 2, BPF_PSEUDO_MAP_FD, 0,
		     map_fd),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_tail_call),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, -2),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "tagger", "Dual BSD/GPL",
			     insn, ARRAY_SIZE(insn), NULL);
}

static int attached_fd(const char *port)
{
	struct link_tc tc;

	assert_int_equal(link_tc_get((int)if_nametoindex(port), &tc), 0);
	assert_true(tc.is_attached);
	return bpf_prog_get_fd_by_id(tc.program_id);
}

/* The program that frames meet from now on. */
static void aim(struct fixture *f, const char *port)
{
	int zero = 0;

	close_fd(&f->joiner_fd);
	f->joiner_fd = attached_fd(port);
	assert_true(f->joiner_fd >= 0);
	assert_int_equal(bpf_map_update_elem(f->tail_fd, &zero, &f->joiner_fd,
					     0), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct guard_port port[] = { { .name = "ga", .carries = true },
				     { .name = "gb", .carries = true } };
	char why[160];

	assert_non_null(f);
	ip("link add ga type veth peer name gb");
	for (int side = 0; side < 2; side++)
		port[side].index = (int)if_nametoindex(port[side].name);
	assert_int_equal(guard_new(&f->guard, why, sizeof(why)), 0);
	assert_int_equal(guard_filter_while_joined(f->guard, true), 0);
	assert_int_equal(guard_attach(f->guard, port, true, true), 0);
	guard_join(f->guard, true);
	f->tail_fd = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "tail", 4, 4, 1,
				    NULL);
	f->joiner_fd = -1;
	aim(f, "ga");
	f->tagger_fd = load_tagger(f->tail_fd);
	assert_true(f->tagger_fd >= 0);
	snprintf(f->path, sizeof(f->path), "/tmp/rules-%d", (int)getpid());
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	stage_free(f->stage);
	guard_detach(f->guard);
	guard_free(f->guard);
	close(f->joiner_fd);
	close(f->tagger_fd);
	close(f->tail_fd);
	unlink(f->path);
	free(f);
	ip("link delete ga");
	return 0;
}

/* The stage's programs, for the guard. Free it. */
static struct guard_rule *rules_of(const struct stage *stage, size_t *n)
{
	struct guard_rule *rule = NULL;
	struct filter_program program;

	for (*n = 0; filter_program(stage, *n, &program); ++*n) {
		rule = reallocarray(rule, *n + 1, sizeof(*rule));
		assert_non_null(rule);
		rule[*n] = (struct guard_rule){
			program.insn, program.n_insns,
			program.action == FILTER_PASS_ONLY,
		};
	}
	return rule;
}

/* The same rules for both. */
static void make(struct fixture *f, const struct filter_rule *text, size_t n)
{
	struct guard_rule *rule;
	char why[160] = "";

	stage_free(f->stage);
	f->stage = NULL;
	assert_int_equal(filter_new(&f->stage, text, n, NULL), 0);
	rule = rules_of(f->stage, &n);
	assert_int_equal(guard_set_rules(f->guard, 0, rule, n, why,
					 sizeof(why)), 0);
	assert_string_equal(why, "");
	free(rule);
}

static bool user_passes(struct fixture *f, const struct draft *d)
{
	uint8_t *data = malloc(d->len);

	assert_non_null(data);
	memcpy(data, d->byte, d->len);
	f->burst.frame[0] = (struct frame){ .data = data, .len = d->len };
	f->burst.n = 1;
	stage_push(f->stage, &f->burst, &f->stats, 0);
	free(data);
	return f->burst.n;
}

/* What clsact's program says of it. */
static uint32_t run_tagged(const struct fixture *f, const struct draft *d)
{
	uint32_t type = (uint32_t)d->byte[12] << 8 | d->byte[13];
	bool tagged = (type == 0x8100 || type == 0x88a8) && d->len >= 18;
	struct __sk_buff ctx = { 0 };
	uint8_t data[FRAME_BYTES];
	uint16_t bytes;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = data,
		    .data_size_in = d->len - (tagged ? 4 : 0), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx));

	memcpy(data, d->byte, d->len);
	if (tagged) {
		ctx.mark = type << 16 | (uint32_t)d->byte[14] << 8 | d->byte[15];
		memcpy(data + 12, d->byte + 16, d->len - 16);
	}
	memcpy(&bytes, data + 12, 2);
	ctx.priority = bytes;
	memcpy(data + 12, (uint8_t[]){ 0x88, 0xb5 }, 2);
	assert_int_equal(bpf_prog_test_run_opts(f->tagger_fd, &opts), 0);
	return opts.retval;
}

/* Of many runs the last, without a tag. */
static uint32_t run_often(const struct fixture *f, const struct draft *d,
			  int repeat, uint32_t *ns)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = d->byte,
		    .data_size_in = d->len, .repeat = repeat);

	assert_int_equal(bpf_prog_test_run_opts(f->joiner_fd, &opts), 0);
	*ns = opts.duration;
	return opts.retval;
}

static bool kernel_passes(const struct fixture *f, const struct draft *d)
{
	uint32_t verdict = run_tagged(f, d);

	assert_true(verdict == TC_ACT_REDIRECT || verdict == TC_ACT_STOLEN);
	return verdict == TC_ACT_REDIRECT;
}

static void say_frame(const struct draft *d)
{
	print_message("%u bytes:", d->len);
	for (uint32_t i = 0; i < d->len && i < 96; i++)
		print_message(" %02x", d->byte[i]);
	print_message("\n");
}

/* 1 if it passes. */
static uint32_t same(struct fixture *f, const struct draft *d, const char *what)
{
	bool user = user_passes(f, d), kernel = kernel_passes(f, d);

	if (user == kernel)
		return user;
	say_frame(d);
	fail_msg("'%s': user space %s it, the kernel does not", what,
		 user ? "passes" : "drops");
	return 0;
}

#define DROP(text_) { .id = text_, .text = text_, .action = FILTER_DROP }
#define PASS(text_) { .id = text_, .text = text_, .action = FILTER_PASS_ONLY }

/* ---- expressions ---- */

static const char *const expressions[] = {
	"ip", "ip6", "arp", "rarp", "tcp", "udp", "icmp", "icmp6", "sctp",
	"igmp", "ah", "esp", "vrrp", "stp", "aarp", "iso", "llc", "netbeui",
	"broadcast", "multicast", "ether broadcast", "ip multicast",
	"ip6 multicast", "tcp port 80", "port 53", "src port 53",
	"udp dst port 4789", "portrange 20-100", "not port 22",
	"tcp portrange 400-500", "host 192.0.2.1", "src host 192.0.2.2",
	"net 192.0.0.0/16", "dst net 192.0.2.0 mask 255.255.255.254",
	"ip6 host fd00::1", "ip6 net fd00::/8", "ip proto 89",
	"ip6 proto 58", "proto 6", "ether proto 0x88cc",
	"ether host 02:02:02:02:02:02", "ether dst ff:ff:ff:ff:ff:ff",
	"ether src 01:02:03:04:05:06", "ether[0] & 1 != 0",
	"vlan", "vlan 100", "not vlan", "vlan and ip", "vlan 100 and tcp",
	"vlan and vlan", "vlan 100 and vlan 100", "vlan and vlan and vlan",
	"vlan and udp port 53", "not vlan or vlan and ip6",
	"vlan and vlan and tcp port 80", "vlan and not ip",
	"(vlan 100 or vlan 200) and icmp", "ip or vlan and ip",
	"mpls", "mpls 3", "mpls and ip", "pppoed", "pppoes", "pppoes and ip",
	"geneve", "vlan and pppoes", "len > 100", "len <= 64", "greater 60",
	"less 1000", "len = 18", "ip[0] & 0xf != 5", "ip[6:2] & 0x1fff != 0",
	"ip[2:2] - ((ip[0] & 0xf) << 2) > 20", "tcp[tcpflags] & tcp-syn != 0",
	"tcp[13] & 2 != 0 and tcp[13] & 16 == 0",
	"tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420",
	"udp[8:4] > 0x80000000", "icmp[icmptype] = icmp-echo",
	"icmp6[icmp6type] = icmp6-neighborsolicit", "ip6[6] = 17",
	"ip6[40:2] = 53", "ether[12:2] = 0x8100", "ether[12:4] & 0xfff = 100",
	"ether[10:4] > 0x7fffffff", "ether[11:2] & 0xff = 0x81",
	"ether[11:4] & 1 = 1", "ether[13:2] & 0xf > 3", "ether[14:2] & 0xfff = 100",
	"ether[14:4] > 0x00640000", "ether[15:4] & 0x80 != 0",
	"ether[15] = 100", "ether[15:2] & 8 = 8", "ether[16:2] = 0x0800",
	"ether[9:4] & 0x8100 != 0", "ether[8:4] > 1000",
	"ether[118:4] > 0x80000000", "ether[119:4] > 0x80000000",
	"ether[120:4] > 0x80000000", "ether[121:4] > 0x80000000",
	"ether[122:4] > 0x80000000", "ether[123:2] > 0x8000",
	"ether[124:4] > 0x80000000", "ether[125] > 128", "ether[126] > 128",
	"ether[127:2] > 0x8000", "ether[128] > 128", "ether[1000:4] > 0x8000000",
	"ether[1513] > 127", "ether[2900:4] > 1",
	"ether[ether[14]] > 100", "ether[ether[14] * 8:4] > 0x80000000",
	"ether[6] / ether[7] > 2", "ether[6] % ether[7] = 3",
	"ether[6] ^ ether[7] > 100", "(ether[6] | ether[7]) & 3 = 1",
	"ether[6] << ether[7] > 100", "ether[6:4] >> (ether[10] & 0x3f) > 7",
	"ether[6:4] * ether[8:4] > 0x80000000", "-ether[6] > 5",
	"ether[6] - ether[7] > 5", "ether[len - 1] > 127",
	"ether[len - 4:4] > 0x80000000", "ether[len - 3:4] > 0",
	"ip protochain 6", "ip6 protochain 17", "ip6 protochain 58",
	"ip6 protochain 6 and len > 100", "inbound or not inbound",
	"tcp port 80 or tcp port 443 or udp port 53 or icmp or arp",
	"host 192.0.2.1 and (port 22 or port 53) and not vlan",
	"ip6 and (tcp port 22 or udp portrange 4000-60000)",
};

static void test_expressions(void **state)
{
	struct fixture *f = *state;
	uint64_t rng = SEED;
	uint32_t compiled = 0, deciding = 0;
	struct draft *d = calloc(FRAMES, sizeof(*d));
	char why[256];

	assert_non_null(d);
	for (uint32_t i = 0; i < FRAMES; i++)
		make_frame(&d[i], &rng);
	for (size_t i = 0; i < ARRAY_SIZE(expressions); i++) {
		const struct filter_rule rule = DROP(expressions[i]);
		uint32_t passed = 0;

		if (filter_check(&rule, why, sizeof(why))) {
			print_message("%s: %s\n", expressions[i], why);
			continue; /* this libpcap does not know it */
		}
		compiled++;
		make(f, &rule, 1);
		for (uint32_t k = 0; k < FRAMES; k++)
			passed += same(f, &d[k], expressions[i]);
		deciding += passed && passed < FRAMES;
	}
	free(d);
	print_message("%u expressions, %u of them drop some of %d frames\n",
		      compiled, deciding, FRAMES);
	assert_true(compiled > ARRAY_SIZE(expressions) - 10);
	assert_true(deciding > compiled / 2);
}

/* A frame of each length: which load is the last one in it? */
static void test_ends(void **state)
{
	static const char *const what[] = { "", ":2", ":4" };
	struct fixture *f = *state;
	uint64_t rng = SEED + 1;
	struct draft d;
	char text[64];

	for (uint32_t at = 0; at < 150; at += at > 30 && at < 110 ? 7 : 1)
		for (size_t i = 0; i < ARRAY_SIZE(what); i++) {
			const struct filter_rule rule = DROP(text);

			snprintf(text, sizeof(text), "ether[%u%s] >= 0", at,
				 what[i]);
			make(f, &rule, 1);
			for (uint32_t len = at < 18 ? 18 : at; len < at + 8;
			     len++)
				for (int tagged = 0; tagged < 2; tagged++) {
					d.len = 0;
					put_random(&d, &rng, len);
					d.byte[12] = tagged ? 0x81 : 0x08;
					d.byte[13] = 0;
					same(f, &d, text);
				}
		}
}

/* ---- several rules ---- */

static void test_sets(void **state)
{
	static const struct filter_rule rule[] = {
		DROP("udp"), DROP("vlan 100"), DROP("ether[500] > 9"),
		PASS("ip"), PASS("ip6"), PASS("vlan and arp"), PASS("len > 70"),
	};
	struct fixture *f = *state;
	uint64_t rng = SEED + 2;
	struct filter_rule some[ARRAY_SIZE(rule)];
	struct draft d;

	for (uint32_t set = 0; set < 1u << ARRAY_SIZE(rule); set++) {
		char name[16];
		size_t n = 0;

		snprintf(name, sizeof(name), "set %x", set);
		for (size_t i = ARRAY_SIZE(rule); i--;)
			if (set >> i & 1)
				some[n++] = rule[i];
		make(f, some, n);
		for (int i = 0; i < 40; i++) {
			make_frame(&d, &rng);
			same(f, &d, name);
		}
	}
}

/* What is dropped is counted so, and nothing else is. */
static void test_counts(void **state)
{
	const struct filter_rule rule = DROP("ip");
	struct fixture *f = *state;
	struct guard_counters c;
	uint64_t rng = SEED + 3, passed = 0, bytes = 0;
	struct draft d;

	make(f, &rule, 1);
	for (int i = 0; i < 300; i++) {
		uint32_t passes;

		make_frame(&d, &rng);
		passes = same(f, &d, "ip");
		passed += passes;
		bytes += passes * d.len;
	}
	guard_count(f->guard, 0, &c);
	assert_int_equal(c.bypassed_frames, passed);
	assert_int_equal(c.bypassed_bytes, bytes);
	assert_int_equal(c.filtered_frames, 300 - passed);
	guard_count(f->guard, 1, &c);
	assert_int_equal(c.bypassed_frames + c.filtered_frames, 0);
}

static void test_sides(void **state)
{
	const struct filter_rule rule = DROP("len > 0");
	struct fixture *f = *state;
	struct guard_rule *rules;
	struct draft d;
	uint64_t rng = SEED;
	char why[160];
	size_t n;

	make_frame(&d, &rng);
	make(f, &rule, 1);
	assert_false(kernel_passes(f, &d));
	aim(f, "gb");
	assert_true(kernel_passes(f, &d));
	rules = rules_of(f->stage, &n);
	assert_int_equal(guard_set_rules(f->guard, 1, rules, n, why,
					 sizeof(why)), 0);
	assert_false(kernel_passes(f, &d));
	assert_int_equal(guard_set_rules(f->guard, 0, NULL, 0, why,
					 sizeof(why)), 0);
	assert_false(kernel_passes(f, &d));
	aim(f, "ga");
	assert_true(kernel_passes(f, &d));
	free(rules);
}

/* Whoever does not want rules has programs that do not know them. */
static void test_switch(void **state)
{
	const struct filter_rule rule = DROP("len > 0");
	struct fixture *f = *state;
	struct draft d;
	uint64_t rng = SEED;

	make_frame(&d, &rng);
	make(f, &rule, 1);
	for (int round = 0; round < 4; round++) {
		bool on = round % 2;

		assert_int_equal(guard_filter_while_joined(f->guard, on), 0);
		aim(f, "ga");
		assert_int_equal(kernel_passes(f, &d), !on);
	}
}

/* ---- programs ---- */

static void write_program(const struct fixture *f,
			  const struct sock_filter *insn, uint32_t n)
{
	FILE *out = fopen(f->path, "we");

	assert_non_null(out);
	fprintf(out, "%u\n", n);
	for (uint32_t i = 0; i < n; i++)
		fprintf(out, "%u %u %u %u\n", insn[i].code, insn[i].jt,
			insn[i].jf, insn[i].k);
	assert_int_equal(fclose(out), 0);
}

/* Small, or about a frame's length, or of any size. */
static uint32_t number(uint64_t *rng)
{
	switch (below(rng, 8)) {
	case 0:
		return below(rng, FRAME_BYTES);
	case 1:
		return (uint32_t)rng_next(rng);
	case 2:
		return below(rng, 256);
	default:
		return below(rng, 40);
	}
}

static struct sock_filter load_or_alu(uint64_t *rng)
{
	static const uint16_t loads[] = {
		BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_H | BPF_ABS,
		BPF_LD | BPF_B | BPF_ABS, BPF_LD | BPF_W | BPF_IND,
		BPF_LD | BPF_H | BPF_IND, BPF_LD | BPF_B | BPF_IND,
		BPF_LD | BPF_W | BPF_LEN, BPF_LD | BPF_IMM,
		BPF_LD | BPF_MEM, BPF_LDX | BPF_W | BPF_IMM,
		BPF_LDX | BPF_W | BPF_MEM, BPF_LDX | BPF_W | BPF_LEN,
		BPF_LDX | BPF_B | BPF_MSH, BPF_ST, BPF_STX,
		BPF_MISC | BPF_TAX, BPF_MISC | BPF_TXA,
	};
	static const uint16_t ops[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV,
					BPF_MOD, BPF_AND, BPF_OR, BPF_XOR,
					BPF_LSH, BPF_RSH, BPF_NEG };
	struct sock_filter insn = { .k = number(rng) };
	uint16_t op;

	if (below(rng, 5) < 3) {
		insn.code = loads[below(rng, ARRAY_SIZE(loads))];
		if (BPF_CLASS(insn.code) == BPF_ST ||
		    BPF_CLASS(insn.code) == BPF_STX ||
		    (BPF_MODE(insn.code) == BPF_MEM &&
		     BPF_CLASS(insn.code) <= BPF_LDX))
			insn.k %= BPF_MEMWORDS;
		if (BPF_MODE(insn.code) == BPF_ABS)
			insn.k &= INT32_MAX; /* or it is refused */
		return insn;
	}
	op = ops[below(rng, ARRAY_SIZE(ops))];
	insn.code = BPF_ALU | op;
	if (op != BPF_NEG && below(rng, 2))
		insn.code |= BPF_X;
	else if (op == BPF_LSH || op == BPF_RSH)
		insn.k %= 32; /* more is nobody's promise */
	else if (op == BPF_DIV || op == BPF_MOD)
		insn.k |= 1;
	return insn;
}

static struct sock_filter jump(uint64_t *rng, uint32_t behind)
{
	static const uint16_t ops[] = { BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET };
	struct sock_filter insn = { .k = number(rng) };

	if (!below(rng, 8)) {
		insn.code = BPF_JMP | BPF_JA;
		insn.k = below(rng, behind);
		return insn;
	}
	insn.code = (uint16_t)(BPF_JMP | ops[below(rng, ARRAY_SIZE(ops))] |
			       (below(rng, 2) ? BPF_X : BPF_K));
	insn.jt = (uint8_t)below(rng, behind);
	insn.jf = (uint8_t)below(rng, behind);
	return insn;
}

/* All cells are written first: libpcap reads what lies on its stack else. */
static uint32_t make_program(struct sock_filter *insn, uint64_t *rng)
{
	uint32_t n = 0, all = BPF_MEMWORDS + 4 + below(rng, INSNS_MAX - 24);

	for (; n < BPF_MEMWORDS; n++)
		insn[n] = (struct sock_filter){ .code = BPF_ST, .k = n };
	insn[n++] = (struct sock_filter){ .code = BPF_LDX | BPF_W | BPF_IMM,
					  .k = number(rng) };
	for (; n < all - 1; n++)
		insn[n] = below(rng, 5) ? load_or_alu(rng) :
					  jump(rng, all - 1 - n);
	insn[n++] = (struct sock_filter){
		.code = BPF_RET | (below(rng, 3) ? BPF_A : BPF_K),
		.k = below(rng, 2),
	};
	return n;
}

static void say_program(const struct sock_filter *insn, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		print_message("(%03u) %04x %u %u %u\n", i, insn[i].code,
			      insn[i].jt, insn[i].jf, insn[i].k);
}

static void test_programs(void **state)
{
	struct fixture *f = *state;
	const struct filter_rule rule = { .id = "p", .text = f->path,
					  .is_file = true,
					  .action = FILTER_DROP };
	struct sock_filter insn[INSNS_MAX];
	uint32_t n, passed = 0;
	uint64_t rng = SEED + 4;
	struct draft d;

	for (uint32_t i = 0; i < PROGRAMS; i++) {
		n = make_program(insn, &rng);
		write_program(f, insn, n);
		make(f, &rule, 1);
		for (int k = 0; k < FRAMES_EACH; k++) {
			make_frame(&d, &rng);
			if (user_passes(f, &d) != kernel_passes(f, &d))
				say_program(insn, n);
			passed += same(f, &d, "a random program");
		}
	}
	n = PROGRAMS * FRAMES_EACH;
	print_message("%d random programs pass %u of %u frames\n", PROGRAMS,
		      passed, n);
	assert_true(passed > n / 10 && passed < n - n / 10);
}

/* X and k together are more than 32 bits: outside, not at the beginning. */
static void test_wrap(void **state)
{
	static const uint16_t size[] = { BPF_B, BPF_H, BPF_W };
	struct fixture *f = *state;
	const struct filter_rule rule = { .id = "p", .text = f->path,
					  .is_file = true,
					  .action = FILTER_DROP };
	uint64_t rng = SEED + 6;
	struct draft d;

	make_frame(&d, &rng);
	for (size_t i = 0; i < ARRAY_SIZE(size); i++) {
		const struct sock_filter insn[] = {
			{ .code = BPF_LDX | BPF_W | BPF_IMM, .k = UINT32_MAX },
			{ .code = BPF_LD | size[i] | BPF_IND, .k = 3 },
			{ .code = BPF_RET | BPF_K, .k = 1 },
		};

		write_program(f, insn, ARRAY_SIZE(insn));
		make(f, &rule, 1);
		assert_int_equal(same(f, &d, "X wraps"), 1);
	}
}

/* ---- limits ---- */

static void test_limits(void **state)
{
	struct fixture *f = *state;
	struct sock_filter *insn = calloc(GUARD_RULE_INSNS + 1, sizeof(*insn));
	struct guard_rule *rule = calloc(GUARD_RULES_MAX + 1, sizeof(*rule));
	uint64_t rng = SEED + 5;
	struct draft d;
	char why[160];

	assert_non_null(insn);
	assert_non_null(rule);
	make_frame(&d, &rng);
	for (uint32_t i = 0; i < GUARD_RULE_INSNS; i++)
		insn[i] = (struct sock_filter){ .code = BPF_ALU | BPF_ADD,
						.k = 1 };
	/* Does not match if all were run. */
	insn[GUARD_RULE_INSNS - 2] = (struct sock_filter){
		.code = BPF_ALU | BPF_SUB, .k = GUARD_RULE_INSNS - 2 };
	insn[GUARD_RULE_INSNS - 1].code = BPF_RET | BPF_A;
	rule[0] = (struct guard_rule){ insn, GUARD_RULE_INSNS, false };
	for (int side = 0; side < 2; side++)
		for (int set = 0; set < 2; set++)
			assert_int_equal(guard_set_rules(f->guard, side, rule, 1,
							 why, sizeof(why)), 0);
	assert_true(kernel_passes(f, &d));
	insn[GUARD_RULE_INSNS - 2].k = GUARD_RULE_INSNS - 1;
	assert_int_equal(guard_set_rules(f->guard, 0, rule, 1, why,
					 sizeof(why)), 0);
	assert_false(kernel_passes(f, &d));
	rule[0].n_insns++;
	assert_int_equal(guard_set_rules(f->guard, 0, rule, 1, why,
					 sizeof(why)), -E2BIG);
	assert_non_null(strstr(why, "4096 instructions"));
	assert_false(kernel_passes(f, &d)); /* the ones before hold */

	for (size_t i = 0; i <= GUARD_RULES_MAX; i++)
		rule[i] = (struct guard_rule){ insn, 1, false };
	insn[0] = (struct sock_filter){ .code = BPF_RET | BPF_K };
	assert_int_equal(guard_check_rules(f->guard, rule, GUARD_RULES_MAX + 1,
					   why, sizeof(why)), -E2BIG);
	assert_int_equal(guard_set_rules(f->guard, 0, rule, GUARD_RULES_MAX,
					 why, sizeof(why)), 0);
	assert_true(kernel_passes(f, &d));
	rule[GUARD_RULES_MAX - 1].pass_only = true;
	assert_int_equal(guard_set_rules(f->guard, 0, rule, GUARD_RULES_MAX,
					 why, sizeof(why)), 0);
	assert_false(kernel_passes(f, &d));
	free(insn);
	free(rule);
}

/* What never ends is ended, and what it would have let pass is not known. */
static void test_endless(void **state)
{
	static const struct sock_filter insn[] = {
		{ .code = BPF_JMP | BPF_JA, .k = UINT32_MAX },
		{ .code = BPF_RET | BPF_K },
	};
	const struct guard_rule rule = { insn, ARRAY_SIZE(insn), false };
	struct fixture *f = *state;
	uint64_t rng = SEED;
	struct draft d;
	char why[160];

	make_frame(&d, &rng);
	assert_int_equal(guard_set_rules(f->guard, 0, &rule, 1, why,
					 sizeof(why)), 0);
	assert_false(kernel_passes(f, &d));
}

/* ---- while frames go through ---- */

struct changer {
	struct guard *guard;
	struct guard_rule rule[2][1];
	bool done;
	uint32_t changes;
};

static void *change(void *arg)
{
	struct changer *c = arg;
	char why[160];

	while (!shared_read(&c->done)) {
		guard_set_rules(c->guard, 0, c->rule[c->changes++ % 2], 1, why,
				sizeof(why));
		usleep(1000);
	}
	return NULL;
}

/* Two long programs that drop all; whoever runs half of each would let pass. */
static void test_change(void **state)
{
	static struct sock_filter insn[2][GUARD_RULE_INSNS];
	struct fixture *f = *state;
	struct changer c = { .guard = f->guard };
	uint64_t rng = SEED, dropped = 0;
	struct guard_counters before, after;
	pthread_t thread;
	struct draft d;
	char why[160];
	uint32_t ns;

	do
		make_frame(&d, &rng);
	while (d.len < 100 || d.byte[12] > 8);
	for (uint32_t p = 0; p < 2; p++) {
		for (uint32_t i = 0; i < GUARD_RULE_INSNS; i += 2) {
			insn[p][i] = (struct sock_filter){
				.code = BPF_LD | BPF_IMM, .k = p };
			insn[p][i + 1] = (struct sock_filter){
				.code = BPF_JMP | BPF_JEQ, .k = p,
				.jf = 255 };
			if (GUARD_RULE_INSNS - i < 300)
				insn[p][i + 1].jf =
					(uint8_t)(GUARD_RULE_INSNS - i - 3);
		}
		insn[p][GUARD_RULE_INSNS - 2] = (struct sock_filter){
			.code = BPF_RET | BPF_K, .k = 1 };
		insn[p][GUARD_RULE_INSNS - 1] = (struct sock_filter){
			.code = BPF_RET | BPF_K, .k = 0 };
		c.rule[p][0] = (struct guard_rule){ insn[p], GUARD_RULE_INSNS,
						    false };
	}
	assert_int_equal(guard_set_rules(f->guard, 0, c.rule[0], 1, why,
					 sizeof(why)), 0);
	guard_count(f->guard, 0, &before);
	assert_int_equal(pthread_create(&thread, NULL, change, &c), 0);
	for (int i = 0; i < 60; i++) {
		assert_int_equal(run_often(f, &d, 1000, &ns), TC_ACT_STOLEN);
		dropped += 1000;
	}
	shared_write(&c.done, true);
	pthread_join(thread, NULL);
	guard_count(f->guard, 0, &after);
	assert_int_equal(after.filtered_frames - before.filtered_frames,
			 dropped);
	assert_int_equal(after.bypassed_frames, before.bypassed_frames);
	print_message("%u changes\n", c.changes);
	assert_true(c.changes > 2);
}

/* ---- what it costs ---- */

static void test_cost(void **state)
{
	static const char *const what[] = {
		NULL, "tcp port 80",
		"tcp port 80 or tcp port 443 or udp port 53 or icmp or arp",
		"(net 192.0.2.0/24 and tcp port 80 or portrange 20-25) or "
		"(vlan and ip6 net fd00::/8 and udp port 53)",
	};
	struct fixture *f = *state;
	struct filter_program program = { 0 };
	struct draft d = { .len = 12, .byte = { 2, 0, 0, 0, 0, 1, 2 } };
	uint64_t rng = SEED;
	uint32_t ns;

	put16(&d, 0x0800);
	put_ip4(&d, &rng);
	memcpy(d.byte + 14, (uint8_t[]){ 0x45, 0, 0, 64, 0, 0, 0, 0, 64, 6 },
	       10);
	memcpy(d.byte + 34, (uint8_t[]){ 0x9c, 0x40, 0x9c, 0x41 }, 4);
	d.len = 64;
	for (size_t i = 0; i < ARRAY_SIZE(what); i++) {
		const struct filter_rule rule = DROP(what[i]);

		make(f, &rule, !!what[i]);
		assert_int_equal(run_often(f, &d, COST_RUNS, &ns),
				 TC_ACT_REDIRECT);
		filter_program(f->stage, 0, &program);
		print_message("%s (%u instructions): %u ns\n",
			      what[i] ? what[i] : "no rule", program.n_insns, ns);
	}
}

int main(void)
{
#define RULES_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	static const struct CMUnitTest tests[] = {
		RULES_TEST(test_expressions),
		RULES_TEST(test_ends),
		RULES_TEST(test_sets),
		RULES_TEST(test_counts),
		RULES_TEST(test_sides),
		RULES_TEST(test_switch),
		RULES_TEST(test_programs),
		RULES_TEST(test_wrap),
		RULES_TEST(test_limits),
		RULES_TEST(test_endless),
		RULES_TEST(test_change),
		RULES_TEST(test_cost),
	};
	struct guard *guard;
	char why[160];

	if (unshare(CLONE_NEWNET)) {
		printf("no network namespace: %s\n", strerror(errno));
		return SKIPPED;
	}
	if (guard_new(&guard, why, sizeof(why)) ||
	    guard_check_rules(guard, NULL, 0, why, sizeof(why))) {
		printf("no rules in the kernel: %s\n", why);
		return SKIPPED;
	}
	guard_free(guard);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
