/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel's side of live.c: make_frame() writes one frame and redirects it,
 * the other two see what became of it.
 *
 * What a run is like stands in constants (.rodata): the verifier knows their
 * values, so that it removes what a run does not need, and lets through offsets
 * that it could not prove otherwise. The frame is put together in `image`, by
 * the fields that change, and copied whole: a page of the pool comes back as
 * its receiver left it (the far end of a veth moves the addresses of a tagged
 * frame, a router counts a TTL down).
 */
#include "config.h"

#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define FIELDS_MAX 8
#define FRAME_MAX 4096
#define LEAD 8 /* room before the image: a field is the end of 8 bytes */

#define STAMP_MAGIC 0xb57e
#define WAIT_TURNS (1 << 14) /* clock reads: at 5 ns 80 us, a gap is 50 */
#define CLOCK_EVERY 16	     /* at top speed: frames of a flush */
#define HOPELESS_FRAMES 64
#define NO_ERROR_KNOWN (-6) /* ENXIO */

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* ---- the run: live.c writes these before the program is loaded ---- */

const volatile __u32 target_index = 1;
const volatile __u32 frame_bytes = 14;
const volatile bool paced = false;
const volatile __u64 gap_ns = 0;
const volatile __u32 gap_fraction = 0; /* 2^-32 ns */
const volatile __u64 slip_ns = 0;
const volatile __u64 duration_ns = 0;
const volatile __u32 end_signal = 0;

const volatile __u32 n_fields = 0;
const volatile __u32 field_at[FIELDS_MAX] = {}; /* of its 8 bytes, in image */
const volatile __u64 field_keep[FIELDS_MAX] = {}; /* bits of others */
const volatile __u32 field_shift[FIELDS_MAX] = {};
const volatile bool field_odd[FIELDS_MAX] = {}; /* ends at an odd offset */
const volatile __u32 field_sums[FIELDS_MAX] = {};
const volatile bool field_counts[FIELDS_MAX] = {};
const volatile __u64 field_first[FIELDS_MAX] = {};
const volatile __u64 field_last[FIELDS_MAX] = {}; /* counting: a mask */
const volatile __u64 field_step[FIELDS_MAX] = {};

/* IPv4's and layer 4's checksum, where in image, at 0: none; and what they
 * cover without the fields that change. */
const volatile __u32 sum_at[2] = {};
const volatile __u32 sum_rest[2] = {};
const volatile bool sum_udp = false;

const volatile bool stamped = false;
const volatile __u32 stamp_at = 0;
const volatile __u32 stamp_rest = 0;
const volatile __u64 realtime_ns = 0; /* real-time clock less monotonic one */

/* ---- what changes, shared with live.c ---- */

__u64 made = 0;
__u64 sent = 0;
__u64 refused = 0;
__u64 first_ns = 0;
__u64 last_ns = 0;
__u64 late_max_ns = 0;
__u64 slips = 0;
__u32 ended = 0; /* make no more, whoever says so */
__s32 error = 0; /* -errno: why the device did not take a frame */

__u64 due_ns = 0;
__u32 due_fraction = 0;
__u64 field_next[FIELDS_MAX] = {};

/* Frames that were redirected and not yet flushed. Softirqs are off until they
 * are, so what the tracepoints below see meanwhile in this task is ours. */
__u64 pending = 0;
__u64 runner = 0; /* its task_struct: thread ids depend on the namespace */

__u8 image[LEAD + FRAME_MAX] __attribute__((aligned(64))) = {};

/* ---- when ---- */

struct wait {
	__u64 due_ns;
	__u64 now_ns;
};

static long wait_turn(__u32 turn, struct wait *wait)
{
	(void)turn;
	wait->now_ns = bpf_ktime_get_ns();
	return wait->now_ns >= wait->due_ns;
}

/* Wait for the next frame's time, which is returned; 0: it has not come. */
static __always_inline __u64 schedule(void)
{
	struct wait wait = { .due_ns = due_ns };
	__u64 due, fraction, late;

	if (!first_ns) {
		wait.due_ns = bpf_ktime_get_ns();
		first_ns = wait.due_ns;
		due_ns = wait.due_ns;
	}
	due = wait.due_ns;
	if (duration_ns && due - first_ns >= duration_ns) {
		ended = 1;
		return 0;
	}
	bpf_loop(WAIT_TURNS, wait_turn, &wait, 0);
	if (wait.now_ns < due)
		return 0;
	late = wait.now_ns - due;
	if (late > late_max_ns)
		late_max_ns = late;
	if (slip_ns && late > slip_ns) {
		due_ns = wait.now_ns;
		slips++;
	}
	fraction = (__u64)due_fraction + gap_fraction;
	due_fraction = (__u32)fraction;
	due_ns += gap_ns + (fraction >> 32);
	return due;
}

/* As fast as possible: now, or 0 if the time is over. */
static __always_inline __u64 at_once(void)
{
	__u64 now;

	if (!stamped && made % CLOCK_EVERY)
		return 1;
	now = bpf_ktime_get_ns();
	if (!first_ns)
		first_ns = now;
	if (duration_ns && now - first_ns >= duration_ns) {
		ended = 1;
		return 0;
	}
	return now;
}

/* ---- what ---- */

static __always_inline __u64 load64(__u32 at)
{
	return bpf_be64_to_cpu(*(__u64 *)(image + at));
}

static __always_inline void store64(__u32 at, __u64 value)
{
	*(__u64 *)(image + at) = bpf_cpu_to_be64(value);
}

static __always_inline void store16(__u32 at, __u16 value)
{
	*(__u16 *)(image + at) = bpf_htons(value);
}

/* Ones' complement: 2^32 counts as 1. */
static __always_inline __u64 halves(__u64 value)
{
	return (value >> 32) + (value & 0xffffffff);
}

static __always_inline __u16 fold(__u64 sum)
{
	sum = halves(sum);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (__u16)((sum >> 16) + (sum & 0xffff));
}

/* Write field i, have it move on, and return what it adds to a sum. */
static __always_inline __u64 walk(__u32 i)
{
	__u64 value = field_next[i], last = field_last[i], step = field_step[i];
	__u64 bits = value << field_shift[i];
	__u32 at = field_at[i];

	store64(at, (load64(at) & field_keep[i]) | bits);
	if (field_counts[i])
		field_next[i] = (value + step) & last;
	else
		field_next[i] = last - value < step ? field_first[i] :
						      value + step;
	if (field_odd[i])
		bits = bits << 8 | bits >> 56;
	return halves(bits);
}

static __always_inline void put_fields(void)
{
	__u64 sum[2] = { sum_rest[0], sum_rest[1] };
	__u16 check;

#pragma clang loop unroll(full)
	for (__u32 i = 0; i < FIELDS_MAX; i++) {
		__u64 bits;

		if (i >= n_fields)
			break;
		bits = walk(i);
		if (field_sums[i] & 1)
			sum[0] += bits;
		if (field_sums[i] & 2)
			sum[1] += bits;
	}
	if (sum_at[0])
		store16(sum_at[0], ~fold(sum[0]));
	if (sum_at[1]) {
		check = ~fold(sum[1]);
		store16(sum_at[1], check || !sum_udp ? check : 0xffff);
	}
}

/* As stamp_put() does. */
static __always_inline void put_stamp(__u64 number, __u64 time_ns)
{
	__u64 sum = (__u64)stamp_rest + STAMP_MAGIC;
	__u32 at = stamp_at;
	__u16 check;

	number &= ((__u64)1 << 48) - 1;
	sum += halves(number) + halves(time_ns);
	check = ~fold(sum);
	store64(at, (__u64)STAMP_MAGIC << 48 | (__u64)check << 32 |
			    number >> 16);
	store64(at + 8, number << 48 | time_ns >> 16);
	store16(at + 16, (__u16)time_ns);
}

SEC("xdp")
int make_frame(struct xdp_md *ctx)
{
	__u64 time;

	if (ended)
		return XDP_DROP;
	time = paced ? schedule() : at_once();
	if (!time)
		return XDP_DROP;
	if (n_fields)
		put_fields();
	if (stamped)
		put_stamp(made, time + realtime_ns);
	if (bpf_xdp_store_bytes(ctx, 0, image + LEAD, frame_bytes))
		return XDP_ABORTED;
	if (!pending)
		runner = bpf_get_current_task();
	pending++;
	made++;
	return bpf_redirect(target_index, 0);
}

/* ---- what became of it ---- */

static __always_inline bool is_ours(void)
{
	return pending && bpf_get_current_task() == runner;
}

/* Frames are lost; if that is how it began, nobody wants the rest of them. */
static __always_inline void refuse(__u64 frames, __s32 why)
{
	error = why < 0 ? why : NO_ERROR_KNOWN;
	refused += frames;
	pending -= frames < pending ? frames : pending;
	if (!sent && !ended && refused >= HOPELESS_FRAMES) {
		ended = 1;
		bpf_send_signal_thread(end_signal);
	}
}

/* from_dev, to_dev, sent, drops, err (include/trace/events/xdp.h) */
SEC("raw_tp/xdp_devmap_xmit")
int flushed(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 taken = (__u32)ctx->args[2], lost = (__u32)ctx->args[3];

	if (!is_ours())
		return 0;
	if (taken) {
		sent += taken;
		pending -= taken < pending ? taken : pending;
		last_ns = bpf_ktime_get_ns();
	}
	if (lost)
		refuse(lost, (__s32)ctx->args[4]);
	return 0;
}

/* dev, program, target, err, ...: no device, or none for such frames */
SEC("raw_tp/xdp_redirect_err")
int turned_down(struct bpf_raw_tracepoint_args *ctx)
{
	if (is_ours())
		refuse(1, (__s32)ctx->args[3]);
	return 0;
}
