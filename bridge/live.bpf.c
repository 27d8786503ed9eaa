/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The program that makes live frames, one a turn, on a page that already holds
 * the template: it waits until the frame is due, writes what changes, and
 * sends it out of the interface. See live.h.
 *
 * A page comes back after use as the last frame left it, so all that changes
 * is written each time from what this frame's number says.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "live_shared.h"

#define WAIT_TURNS 4000 /* clock reads that a turn waits at most */
#define OFFSET_MASK 0x7ff /* frames are shorter than 2048 bytes */
#define STAMP_MAGIC 0xb57e

struct live_shared live;

static __always_inline __u64 fold(__u64 sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (sum >> 16) + (sum & 0xffff);
}

/* Room for `bytes` at an offset, or NULL: for the verifier. */
static __always_inline void *at(struct xdp_md *ctx, __u32 offset, __u32 bytes)
{
	void *end = (void *)(long)ctx->data_end;
	void *p = (void *)(long)ctx->data + (offset & OFFSET_MASK);

	return p + bytes <= end ? p : (void *)0;
}

/* Wait for the frame's time; what the clock said then. */
static __always_inline __u64 wait(void)
{
	__u64 now = bpf_ktime_get_ns(), due;

	if (!live.first_ns) {
		live.first_ns = now;
		live.next = now << LIVE_FRACTION_BITS;
	}
	if (!live.gap) {
		live.last_ns = now;
		return now;
	}
	due = live.next >> LIVE_FRACTION_BITS;
	for (int i = 0; now < due && i < WAIT_TURNS; i++)
		now = bpf_ktime_get_ns();
	live.last_ns = now;
	if (now > due && now - due > live.late_max_ns)
		live.late_max_ns = now - due;
	if (now > due + live.late_ns) {
		live.next = now << LIVE_FRACTION_BITS;
		live.started_over++;
		due = now;
	}
	live.next += live.gap;
	return due;
}

static __always_inline void put_check(struct xdp_md *ctx, __u32 offset,
				      __u64 sum, int udp)
{
	__u16 check = (__u16)~fold(sum);
	__u16 *p = at(ctx, offset, 2);

	if (udp && !check)
		check = 0xffff;
	if (p)
		*p = bpf_htons(check);
}

/* The value of this frame, and on to the next one's. */
static __always_inline __u64 advance(struct live_field *f)
{
	__u64 value = f->at;

	f->at = (value + f->step) & f->mask;
	if (value + f->step > f->last)
		f->at = f->first;
	return value << f->shift;
}

static __always_inline void put_fields(struct xdp_md *ctx)
{
	__u64 ip_sum = live.ip_sum, l4_sum = live.l4_sum, value, sum;

	for (__u32 i = 0; i < LIVE_FIELDS_MAX && i < live.n_fields; i++) {
		struct live_field *f = &live.field[i];
		__u8 *p;

		value = advance(f);
		sum = value << f->sum_shift;
		sum = (sum >> 32) + (sum >> 16 & 0xffff) + (sum & 0xffff);
		if (f->sums & LIVE_SUM_IP)
			ip_sum += sum;
		if (f->sums & LIVE_SUM_L4)
			l4_sum += sum;
		value |= f->keep;
		if (f->bytes == 4 && (p = at(ctx, f->offset, 4)))
			*(__u32 *)p = bpf_htonl((__u32)value);
		else if (f->bytes == 2 && (p = at(ctx, f->offset, 2)))
			*(__u16 *)p = bpf_htons((__u16)value);
		else if (f->bytes == 1 && (p = at(ctx, f->offset, 1)))
			*p = (__u8)value;
	}
	if (live.ip_check)
		put_check(ctx, live.ip_check, ip_sum, 0);
	if (live.l4_check)
		put_check(ctx, live.l4_check, l4_sum, live.udp);
}

/* Magic, check, number, time: see stamp.h. */
static __always_inline void put_stamp(struct xdp_md *ctx, __u64 time_ns)
{
	__u64 n = live.made, sum;
	__u16 *p = at(ctx, live.stamp, 18);

	if (!p)
		return;
	sum = STAMP_MAGIC + live.rest_sum + (n >> 32 & 0xffff) +
	      (n >> 16 & 0xffff) + (n & 0xffff) + (time_ns >> 48) +
	      (time_ns >> 32 & 0xffff) + (time_ns >> 16 & 0xffff) +
	      (time_ns & 0xffff);
	p[0] = bpf_htons(STAMP_MAGIC);
	p[1] = bpf_htons((__u16)~fold(sum));
	p[2] = bpf_htons((__u16)(n >> 32));
	p[3] = bpf_htons((__u16)(n >> 16));
	p[4] = bpf_htons((__u16)n);
	p[5] = bpf_htons((__u16)(time_ns >> 48));
	p[6] = bpf_htons((__u16)(time_ns >> 32));
	p[7] = bpf_htons((__u16)(time_ns >> 16));
	p[8] = bpf_htons((__u16)time_ns);
}

SEC("xdp")
int live_frame(struct xdp_md *ctx)
{
	__u64 now;

	if (live.stop)
		return XDP_DROP;
	now = wait();
	if (live.n_fields)
		put_fields(ctx);
	if (live.stamp)
		put_stamp(ctx, now + live.real_ns);
	live.made++;
	return (int)bpf_redirect(live.ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
