/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel's side of guard.c: it joins two ports while nobody else does, and
 * keeps the host's own stack out of the wire.
 *
 * Each frame is decided once, by take_*(), the filter of the RX socket: it
 * takes the frame for the process and marks it, or leaves it. Packet sockets
 * come first; next, in the same softirq and with the same skb, comes join_*()
 * at clsact's ingress, and there a marked frame ends and any other goes to the
 * other port. The mark travels in the skb's control block, so it does not
 * matter on which processor that is, nor who else listens: the block stays as
 * it is from a socket filter to the classifier (bpf_skb_cb(),
 * include/linux/filter.h), and a filter that uses it finds it zeroed.
 *
 * A frame that packet sockets do not get at all (made from the kernel's memory
 * reserve, skb_pfmemalloc()) has no mark either and is not lost.
 */
#include "config.h"

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/futex.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "guard_state.h"

#define MARK 0x62756d70
#define TAKE_ALL 0xffffffff /* bytes of a frame that the socket is given */
#define TAG_BYTES 4

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct guard_state state = { .magic = GUARD_MAGIC };

#include "guard_rules.bpf.h"

static __always_inline bool lives(const struct guard_owner *owner)
{
	__u32 futex = *(const volatile __u32 *)&owner->futex;

	return (futex & FUTEX_TID_MASK) && !(futex & FUTEX_OWNER_DIED);
}

/* The clock of the last tick is one memory access, and good enough by a few
 * milliseconds; Linux 5.11 gave it to programs. */
const volatile bool coarse_clock = true;

static __always_inline __u64 now_ns(void)
{
	return coarse_clock ? bpf_ktime_get_coarse_ns() : bpf_ktime_get_ns();
}

static __always_inline bool hangs(const struct guard_side *side)
{
	__u64 beat_ns = *(const volatile __u64 *)&side->beat_ns;

	return (__s64)(now_ns() - beat_ns) > (__s64)state.hang_ns;
}

static __always_inline int take(struct __sk_buff *skb, struct guard_side *side,
				__u32 mark)
{
	if (!lives(&side->owner) || *(volatile __u32 *)&side->tripped)
		return 0;
	if (hangs(side)) {
		side->tripped = 1;
		__sync_fetch_and_add(&side->trips, 1);
		return 0;
	}
	skb->cb[0] = MARK;
	skb->cb[1] = mark;
	return TAKE_ALL;
}

/* STOLEN is no drop to those who look for lost frames. */
static __always_inline int keep_from_host(void)
{
	return lives(&state.owner) ? TC_ACT_STOLEN : TC_ACT_UNSPEC;
}

static __always_inline int join(struct __sk_buff *skb, struct guard_side *side,
				const struct guard_side *to, __u32 mark,
				bool filtered)
{
	if (!state.joined)
		return keep_from_host();
	if (skb->cb[0] == MARK && skb->cb[1] == mark)
		return TC_ACT_STOLEN;
	if (!side->carries)
		return TC_ACT_STOLEN;
	if (filtered && rules_drop(skb, mark, side)) {
		__sync_fetch_and_add(&side->filtered_frames, 1);
		return TC_ACT_STOLEN;
	}
	__sync_fetch_and_add(&side->bypassed_frames, 1);
	__sync_fetch_and_add(&side->bypassed_bytes,
			     skb->len + (skb->vlan_present ? TAG_BYTES : 0));
	return (int)bpf_redirect((int)to->index, 0);
}

/*
 * At egress: once the kernel has taken over, what a lane that was stopped in
 * the middle of a burst sends when it goes on comes late, and is no longer
 * sent. The lane is told so (ENOBUFS). What the kernel forwards has an ingress.
 */
static __always_inline int hold(struct __sk_buff *skb,
				const struct guard_side *from)
{
	if (*(const volatile __u32 *)&from->tripped && !skb->ingress_ifindex &&
	    lives(&from->owner))
		return TC_ACT_SHOT;
	return TC_ACT_UNSPEC;
}

SEC("socket")
int take_left(struct __sk_buff *skb)
{
	return take(skb, &state.side[0], 0);
}

SEC("socket")
int take_right(struct __sk_buff *skb)
{
	return take(skb, &state.side[1], 1);
}

SEC("tc")
int join_left(struct __sk_buff *skb)
{
	return join(skb, &state.side[0], &state.side[1], 0, false);
}

SEC("tc")
int join_right(struct __sk_buff *skb)
{
	return join(skb, &state.side[1], &state.side[0], 1, false);
}

/* These are attached instead where rules are to hold; bpf_loop() came with
 * Linux 5.17. */
SEC("tc")
int join_left_filtered(struct __sk_buff *skb)
{
	return join(skb, &state.side[0], &state.side[1], 0, true);
}

SEC("tc")
int join_right_filtered(struct __sk_buff *skb)
{
	return join(skb, &state.side[1], &state.side[0], 1, true);
}

SEC("tc")
int hold_left(struct __sk_buff *skb)
{
	return hold(skb, &state.side[1]);
}

SEC("tc")
int hold_right(struct __sk_buff *skb)
{
	return hold(skb, &state.side[0]);
}
