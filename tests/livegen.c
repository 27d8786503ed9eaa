/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A load generator for the benchmark: XDP live frames. The kernel makes the
 * frames itself and redirects them into an interface (BPF_PROG_TEST_RUN with
 * BPF_F_TEST_XDP_LIVE_FRAMES, since 5.18), about three times as fast as any
 * packet socket. A call has a high price and a frame none, so one call makes
 * all frames of a run, and the program itself waits until each is due.
 *
 * Frames leave in batches: all of a batch at once, when its last one is due. A
 * batch covers at most 16 us of the schedule and 16 frames, so at 1 Mpps it is
 * 16 frames, at 500 kpps 8, below 125 kpps one. (--batch says otherwise.)
 *
 * The schedule is absolute: a frame is due at start + i / rate, and a late one
 * does not move those behind it. Only who is more than 250 us late (this
 * processor was taken away) starts over from now, because the burst that would
 * catch up is a load that nobody asked for; it is counted in late=.
 *
 * Onto a veth the far end needs a NAPI: ethtool -K FAR gro on. Without BPF, and
 * for rates that the program cannot wait for, a socket and sendmmsg().
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base.h"
#include "clock.h"

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES (1U << 1)
#endif
#ifndef ENOTSUPP
#define ENOTSUPP 524 /* the kernel's own, which bpf() lets out */
#endif

#define FRACTION_BITS 10 /* due times in 1/1024 ns: a gap need not be whole */
#define WAIT_TURNS 4000	 /* clock reads that the program waits at most */
#define LIVE_PPS_MIN 20000 /* ... which must outlast the gap between frames */
#define LATE_NS (250 * NS_PER_US)
#define BATCH_MAX 256 /* TEST_XDP_MAX_BATCH */
#define FRAME_MAX 1514
#define LIVE_FRAMES_REFUSED 1

struct job {
	const char *name;
	int index;
	uint64_t count;
	double pps; /* 0: as fast as it goes */
	double seconds;
	uint32_t batch;
	uint32_t size;
	uint8_t frame[FRAME_MAX];
};

/* The schedule and what came of it, shared with the program: offsets there. */
struct pace {
	uint64_t next;	   /* 0: 1/1024 ns */
	uint64_t gap;	   /* 8: 1/1024 ns */
	uint64_t first_ns; /* 16: when the first frame was made; 0: not yet */
	uint64_t last_ns;  /* 24 */
	uint64_t lag_max_ns; /* 32 */
	uint64_t late;	   /* 40: how often the schedule started over */
};

/* ---- live frames ---- */

static long bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int map_new(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = sizeof(uint32_t),
		.value_size = sizeof(struct pace),
		.max_entries = 1,
	};

	return (int)bpf(BPF_MAP_CREATE, &attr);
}

static int map_do(int cmd, int map, struct pace *pace)
{
	uint32_t key = 0;
	union bpf_attr attr = {
		.map_fd = (uint32_t)map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)pace,
	};

	return (int)bpf(cmd, &attr);
}

#define INSN(c, d, s, o, i) \
	{ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) }
#define IMM(op, d, i) INSN(BPF_ALU64 | (op) | BPF_K, d, 0, 0, i)
#define REG(op, d, s) INSN(BPF_ALU64 | (op) | BPF_X, d, s, 0, 0)
#define JUMP_IMM(op, d, i, o) INSN(BPF_JMP | (op) | BPF_K, d, 0, o, i)
#define JUMP_REG(op, d, s, o) INSN(BPF_JMP | (op) | BPF_X, d, s, o, 0)
#define LOAD(d, s, o) INSN(BPF_LDX | BPF_MEM | BPF_DW, d, s, o, 0)
#define STORE(d, o, s) INSN(BPF_STX | BPF_MEM | BPF_DW, d, s, o, 0)
#define CALL(f) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, f)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/*
 *	p = lookup(map, 0)
 *	if (!p->first_ns) { p->first_ns = now(); p->next = p->first_ns << 10 }
 *	due = p->next >> 10
 *	for (i = WAIT_TURNS; (t = now()) < due && --i;)
 *		;
 *	p->last_ns = t
 *	p->lag_max_ns = max(p->lag_max_ns, t - due)
 *	if (t - due > LATE_NS) { p->next = t << 10; p->late++ }
 *	p->next += p->gap
 *	return redirect(index, 0)
 */
static int program_load(const struct job *job, int map)
{
	const struct bpf_insn insn[] = {
		INSN(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 0),
		REG(BPF_MOV, 2, 10),
		IMM(BPF_ADD, 2, -4),
		INSN(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map),
		INSN(0, 0, 0, 0, 0),
		CALL(BPF_FUNC_map_lookup_elem),
		JUMP_IMM(BPF_JEQ, 0, 0, 33), /* to exit, XDP_ABORTED */
		REG(BPF_MOV, 7, 0),
		LOAD(8, 7, 16),
		JUMP_IMM(BPF_JNE, 8, 0, 4), /* to started */
		CALL(BPF_FUNC_ktime_get_ns),
		STORE(7, 16, 0),
		IMM(BPF_LSH, 0, FRACTION_BITS),
		STORE(7, 0, 0),
		LOAD(8, 7, 0), /* started: */
		IMM(BPF_RSH, 8, FRACTION_BITS),
		IMM(BPF_MOV, 9, WAIT_TURNS),
		CALL(BPF_FUNC_ktime_get_ns), /* wait: */
		JUMP_REG(BPF_JGE, 0, 8, 2), /* to due */
		IMM(BPF_ADD, 9, -1),
		JUMP_IMM(BPF_JNE, 9, 0, -4), /* to wait */
		STORE(7, 24, 0), /* due: */
		REG(BPF_MOV, 1, 0),
		REG(BPF_SUB, 1, 8),
		LOAD(2, 7, 32),
		JUMP_REG(BPF_JSLE, 1, 2, 1), /* to noted */
		STORE(7, 32, 1),
		JUMP_IMM(BPF_JSLE, 1, LATE_NS, 5), /* noted: to on time */
		IMM(BPF_LSH, 0, FRACTION_BITS),
		STORE(7, 0, 0),
		LOAD(2, 7, 40),
		IMM(BPF_ADD, 2, 1),
		STORE(7, 40, 2),
		LOAD(1, 7, 0), /* on time: */
		LOAD(2, 7, 8),
		REG(BPF_ADD, 1, 2),
		STORE(7, 0, 1),
		IMM(BPF_MOV, 1, job->index),
		IMM(BPF_MOV, 2, 0),
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

/* The frames of a run, by one call; it returns when all of them are made. */
static int program_run(const struct job *job, int program)
{
	struct xdp_md ctx = { .data_end = job->size };
	union bpf_attr attr;
	int r;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (uint32_t)program;
	attr.test.data_in = (uintptr_t)job->frame;
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

/* LIVE_FRAMES_REFUSED: this kernel, or this user, cannot. */
static int live_frames(const struct job *job, struct pace *pace)
{
	autoclean(close_fd) int map = map_new();
	autoclean(close_fd) int program =
		map < 0 ? -1 : program_load(job, map);

	if (program < 0)
		return LIVE_FRAMES_REFUSED;
	if (map_do(BPF_MAP_UPDATE_ELEM, map, pace))
		return -errno;
	if (program_run(job, program))
		return errno == EINVAL || errno == ENOTSUPP ||
				       errno == EOPNOTSUPP ?
			       LIVE_FRAMES_REFUSED :
			       -errno;
	return map_do(BPF_MAP_LOOKUP_ELEM, map, pace) ? -errno : 0;
}

/* ---- a socket ---- */

/* Wait until the next frame is due; as the program above. */
static void pace_wait(struct pace *pace)
{
	uint64_t now_ns, due_ns;

	if (!pace->first_ns) {
		pace->first_ns = clock_now_ns();
		pace->next = pace->first_ns << FRACTION_BITS;
	}
	due_ns = pace->next >> FRACTION_BITS;
	while ((now_ns = clock_now_ns()) < due_ns)
		cpu_relax();
	pace->last_ns = now_ns;
	if (now_ns - due_ns > pace->lag_max_ns)
		pace->lag_max_ns = now_ns - due_ns;
	if (now_ns - due_ns > LATE_NS) {
		pace->next = now_ns << FRACTION_BITS;
		pace->late++;
	}
	pace->next += pace->gap;
}

static int socket_frames(struct job *job, struct pace *pace)
{
	struct sockaddr_ll sll = { .sll_family = AF_PACKET,
				   .sll_ifindex = job->index };
	struct iovec iov = { job->frame, job->size };
	struct mmsghdr msg[BATCH_MAX];
	autoclean(close_fd) int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sll, sizeof(sll)))
		return -errno;
	memset(msg, 0, sizeof(msg));
	for (size_t i = 0; i < BATCH_MAX; i++) {
		msg[i].msg_hdr.msg_iov = &iov;
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	for (uint64_t left = job->count; left;) {
		uint64_t want = left < job->batch ? left : job->batch;
		int r;

		for (uint64_t i = 0; i < want; i++)
			pace_wait(pace);
		while (want) {
			r = sendmmsg(fd, msg, (unsigned int)want, 0);
			/* ENOBUFS: that one is lost on the way out */
			if (r < 0 && errno != ENOBUFS && errno != EAGAIN)
				return -errno;
			want -= r > 0 ? (uint64_t)r : 0;
			left -= r > 0 ? (uint64_t)r : 0;
		}
	}
	return 0;
}

/* ---- the run ---- */

/* How many frames the interface says that it sent; no counter: 0. /proc, for
 * /sys shows the namespace that it was mounted in. */
static uint64_t tx_counter(const char *name)
{
	autoclean(free_ptr) char *line = NULL;
	FILE *file = fopen("/proc/net/dev", "re");
	size_t length = strlen(name), room = 0;
	uint64_t sent = 0;

	while (file && getline(&line, &room, file) > 0) {
		const char *at = line + strspn(line, " ");

		if (!strncmp(at, name, length) && at[length] == ':')
			sscanf(at + length + 1,
			       "%*u %*u %*u %*u %*u %*u %*u %*u %*u %" SCNu64,
			       &sent);
	}
	if (file)
		fclose(file);
	return sent;
}

static int generate(struct job *job)
{
	struct pace pace = { 0 };
	uint64_t before = tx_counter(job->name);
	bool live = !job->pps || job->pps >= LIVE_PPS_MIN;
	double seconds;
	int r;

	if (job->pps > 0)
		pace.gap = (uint64_t)((double)NS_PER_SEC *
				      (1 << FRACTION_BITS) / job->pps);
	r = live ? live_frames(job, &pace) : LIVE_FRAMES_REFUSED;
	if (r == LIVE_FRAMES_REFUSED) {
		if (live)
			fprintf(stderr, "livegen: no live frames here (%s): "
				"by sendmmsg, far slower\n", strerror(errno));
		r = socket_frames(job, &pace);
	}
	if (r) {
		fprintf(stderr, "livegen: %s: %s\n", job->name, strerror(-r));
		return 1;
	}
	if (tx_counter(job->name) == before) {
		fprintf(stderr, "livegen: %s: nothing went out; the far end of "
			"a veth needs `ethtool -K FAR gro on`\n", job->name);
		return 1;
	}
	seconds = (double)(pace.last_ns - pace.first_ns) / 1e9;
	printf("sent=%" PRIu64 " seconds=%.6f pps=%.0f", job->count, seconds,
	       seconds > 0 ? (double)(job->count - 1) / seconds : 0);
	if (job->pps > 0)
		printf(" lag_max_us=%.1f late=%" PRIu64,
		       (double)pace.lag_max_ns / 1e3, pace.late);
	printf("\n");
	return 0;
}

/* ---- options ---- */

static const char usage[] =
	"usage: livegen [OPTIONS] IFACE\n"
	"  --pps R      frames a second (as fast as it goes)\n"
	"  --count N    frames (1000000)\n"
	"  --seconds S  frames for so long at --pps, in place of --count\n"
	"  --size N     bytes of a frame, without FCS (60)\n"
	"  --batch N    frames that leave at once (up to 16, see the source)\n"
	"  --udp        IPv4 and UDP (otherwise ethertype 0x88b5)\n";

/* Addressed to nobody: the far end's stack throws it away at once. */
static void frame_make(struct job *job, bool udp)
{
	static const uint8_t ethernet[] = { 2, 0, 0, 0, 0, 2, 2,
					    0, 0, 0, 0, 1, 0x88, 0xb5 };
	uint32_t ip_bytes = job->size - sizeof(ethernet);
	uint8_t *ip = job->frame + sizeof(ethernet);
	const uint8_t ipv4_udp[] = {
		0x45, 0, (uint8_t)(ip_bytes >> 8), (uint8_t)ip_bytes,
		0, 0, 0, 0, 64, 17, 0, 0, /* checksum: below */
		198, 18, 0, 1, 198, 18, 0, 2, 0x30, 0x39, 0, 9,
		(uint8_t)((ip_bytes - 20) >> 8), (uint8_t)(ip_bytes - 20), 0, 0
	};
	uint32_t sum = 0;

	memcpy(job->frame, ethernet, sizeof(ethernet));
	if (!udp)
		return;
	job->frame[12] = 0x08;
	job->frame[13] = 0x00;
	memcpy(ip, ipv4_udp, sizeof(ipv4_udp));
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16));
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

/* false: not a job that can be done */
static bool job_complete(struct job *job, bool udp)
{
	double batch = job->pps > 0 ? job->pps * 16e-6 : 16;

	job->index = job->name ? (int)if_nametoindex(job->name) : 0;
	if (job->seconds > 0)
		job->count = (uint64_t)(job->seconds * job->pps + 0.5);
	if (!job->batch)
		job->batch = batch < 1 ? 1 : batch > 16 ? 16 : (uint32_t)batch;
	if (!job->index || job->size < (udp ? 42 : 14) ||
	    job->size > FRAME_MAX || job->batch > BATCH_MAX || !job->count ||
	    job->count > INT32_MAX || job->pps < 0)
		return false;
	frame_make(job, udp);
	return true;
}

int main(int argc, char **argv)
{
	static const struct option option[] = {
		{ "pps", required_argument, NULL, 'p' },
		{ "count", required_argument, NULL, 'n' },
		{ "seconds", required_argument, NULL, 't' },
		{ "size", required_argument, NULL, 's' },
		{ "batch", required_argument, NULL, 'b' },
		{ "udp", no_argument, NULL, 'u' },
		{ NULL, 0, NULL, 0 },
	};
	struct job job = { .count = 1000000, .size = 60 };
	bool udp = false;
	int c;

	while ((c = getopt_long(argc, argv, "", option, NULL)) != -1) {
		switch (c) {
		case 'p':
			job.pps = atof(optarg);
			break;
		case 'n':
			job.count = strtoull(optarg, NULL, 10);
			break;
		case 't':
			job.seconds = atof(optarg);
			break;
		case 's':
			job.size = (uint32_t)atoi(optarg);
			break;
		case 'b':
			job.batch = (uint32_t)atoi(optarg);
			break;
		case 'u':
			udp = true;
			break;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	job.name = optind == argc - 1 ? argv[optind] : NULL;
	if (!job_complete(&job, udp)) {
		fputs(usage, stderr);
		return 2;
	}
	return generate(&job);
}
