/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A load generator for the benchmark: XDP live frames. The kernel makes the
 * frames itself and redirects them into an interface (BPF_PROG_TEST_RUN with
 * BPF_F_TEST_XDP_LIVE_FRAMES, since 5.18), about three times as fast as any
 * packet socket. A call has a high price and a frame none, so one call makes
 * all frames of a run, and the program itself waits until each is due.
 *
 * Onto a veth the far end needs a NAPI: ethtool -K FAR gro on.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "base.h"
#include "clock.h"

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES (1U << 1)
#endif

/* The schedule, shared with the program: times in 1/1024 ns, so that a gap
 * need not be whole. */
struct schedule {
	uint64_t next;
	uint64_t gap;
	uint64_t first_ns; /* when the first frame was made; 0: not yet */
	uint64_t last_ns;
};

#define FRACTION_BITS 10
#define WAIT_TURNS 4000 /* clock reads a frame waits at most: about 100 us, so
			   rates below 20 kpps come out too high */
#define FRAME_MAX 1514

struct job {
	const char *name;
	int index;
	uint64_t count;
	double pps; /* 0: as fast as it goes */
	uint32_t size;
	uint32_t batch;
};

static long bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int map_new(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = sizeof(uint32_t),
		.value_size = sizeof(struct schedule),
		.max_entries = 1,
	};

	return (int)bpf(BPF_MAP_CREATE, &attr);
}

static int map_do(int cmd, int map, struct schedule *schedule)
{
	uint32_t key = 0;
	union bpf_attr attr = {
		.map_fd = (uint32_t)map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)schedule,
	};

	return (int)bpf(cmd, &attr);
}

#define INSN(c, d, s, o, i) \
	{ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) }
#define MOV_IMM(d, i) INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define MOV_REG(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define ADD_IMM(d, i) INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define ADD_REG(d, s) INSN(BPF_ALU64 | BPF_ADD | BPF_X, d, s, 0, 0)
#define SHR_IMM(d, i) INSN(BPF_ALU64 | BPF_RSH | BPF_K, d, 0, 0, i)
#define LOAD(d, s, o) INSN(BPF_LDX | BPF_MEM | BPF_DW, d, s, o, 0)
#define STORE(d, s, o) INSN(BPF_STX | BPF_MEM | BPF_DW, d, s, o, 0)
#define CALL(f) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, f)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/*
 *	s = lookup(map, 0)
 *	if (!s->first_ns) { s->first_ns = ktime; s->next = ktime << 10 }
 *	for (i = WAIT_TURNS; i && ktime < s->next >> 10; i--)
 *		;
 *	s->last_ns = ktime
 *	s->next += s->gap
 *	return redirect(index, 0)
 */
static int program_load(const struct job *job, int map)
{
	const struct bpf_insn insn[] = {
		INSN(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 0),
		MOV_REG(2, 10),
		ADD_IMM(2, -4),
		INSN(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map),
		INSN(0, 0, 0, 0, 0),
		CALL(BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 22, 0), /* to exit */
		MOV_REG(7, 0),
		LOAD(8, 7, 16),
		INSN(BPF_JMP | BPF_JNE | BPF_K, 8, 0, 4, 0), /* to started */
		CALL(BPF_FUNC_ktime_get_ns),
		STORE(7, 0, 16),
		INSN(BPF_ALU64 | BPF_LSH | BPF_K, 0, 0, 0, FRACTION_BITS),
		STORE(7, 0, 0),
		LOAD(8, 7, 0), /* started: */
		SHR_IMM(8, FRACTION_BITS),
		MOV_IMM(9, WAIT_TURNS),
		CALL(BPF_FUNC_ktime_get_ns), /* loop: */
		INSN(BPF_JMP | BPF_JGE | BPF_X, 0, 8, 2, 0), /* to due */
		ADD_IMM(9, -1),
		INSN(BPF_JMP | BPF_JNE | BPF_K, 9, 0, -4, 0), /* to loop */
		STORE(7, 0, 24), /* due: */
		LOAD(1, 7, 0),
		LOAD(2, 7, 8),
		ADD_REG(1, 2),
		STORE(7, 1, 0),
		MOV_IMM(1, job->index),
		MOV_IMM(2, 0),
		CALL(BPF_FUNC_redirect),
		EXIT(),
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.insns = (uintptr_t)insn,
		.insn_cnt = ARRAY_SIZE(insn),
		.license = (uintptr_t)"Dual BSD/GPL",
	};

	return (int)bpf(BPF_PROG_LOAD, &attr);
}

static int run(const struct job *job, int program)
{
	uint8_t frame[FRAME_MAX] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1,
				     0x88, 0xb5 };
	struct xdp_md ctx = { .data_end = job->size };
	union bpf_attr attr;
	int r;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (uint32_t)program;
	attr.test.data_in = (uintptr_t)frame;
	attr.test.data_size_in = job->size;
	attr.test.ctx_in = (uintptr_t)&ctx;
	attr.test.ctx_size_in = sizeof(ctx);
	attr.test.repeat = (uint32_t)job->count;
	attr.test.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
	attr.test.batch_size = job->batch;
	do
		r = (int)bpf(BPF_PROG_TEST_RUN, &attr);
	while (r && errno == EAGAIN);
	return r;
}

static int generate(const struct job *job)
{
	struct schedule schedule = { 0 };
	int map, program;
	double seconds;

	map = map_new();
	program = map < 0 ? -1 : program_load(job, map);
	if (program < 0) {
		fprintf(stderr, "livegen: bpf: %s\n", strerror(errno));
		return 1;
	}
	if (job->pps > 0)
		schedule.gap = (uint64_t)((double)NS_PER_SEC *
					  (1 << FRACTION_BITS) / job->pps);
	if (map_do(BPF_MAP_UPDATE_ELEM, map, &schedule) ||
	    run(job, program) ||
	    map_do(BPF_MAP_LOOKUP_ELEM, map, &schedule)) {
		fprintf(stderr, "livegen: %s: %s\n", job->name,
			strerror(errno));
		return 1;
	}
	seconds = (double)(schedule.last_ns - schedule.first_ns) / 1e9;
	printf("sent=%" PRIu64 " seconds=%.6f pps=%.0f\n", job->count, seconds,
	       (double)(job->count - 1) / seconds);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option option[] = {
		{ "pps", required_argument, NULL, 'p' },
		{ "count", required_argument, NULL, 'n' },
		{ "size", required_argument, NULL, 's' },
		{ "batch", required_argument, NULL, 'b' },
		{ NULL, 0, NULL, 0 },
	};
	struct job job = { .count = 1000000, .size = 60, .batch = 16 };
	int c;

	while ((c = getopt_long(argc, argv, "", option, NULL)) != -1) {
		switch (c) {
		case 'p':
			job.pps = atof(optarg);
			break;
		case 'n':
			job.count = strtoull(optarg, NULL, 10);
			break;
		case 's':
			job.size = (uint32_t)atoi(optarg);
			break;
		case 'b':
			job.batch = (uint32_t)atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	job.name = argv[optind];
	job.index = job.name ? (int)if_nametoindex(job.name) : 0;
	if (!job.index || job.size < 14 || job.size > FRAME_MAX ||
	    job.count > INT32_MAX) {
		fprintf(stderr, "usage: livegen [--pps R] [--count N] "
				"[--size BYTES] [--batch N] IFACE\n");
		return 2;
	}
	return generate(&job);
}
