/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the guard's programs in the kernel and the bridge share: one page that
 * both write. It outlives the process, with the programs that hold it.
 *
 * For guard.bpf.c and guard.c, and inlined in a lane's turn.
 */
#ifndef BUMPWIRE_GUARD_STATE_H
#define BUMPWIRE_GUARD_STATE_H

#include <linux/types.h>

#define GUARD_MAGIC 0x626d7067 /* of this layout: another gets another one */
#define GUARD_SIDES 2
#define GUARD_OWNER_BYTES 64 /* room for a pthread_mutex_t */

/*
 * Rules, as the kernel interprets them: two sets a side, left first, one that
 * holds and one to be written. A set is the rules in order, each one
 * GUARD_RULE_BEGINS (its length in k, in jt whether it drops what matches) and
 * its instructions of classic BPF; then GUARD_RULES_END (in jt whether what no
 * rule matched is dropped). Both have codes that libpcap does not know.
 */
#define GUARD_RULE_SETS (2 * GUARD_SIDES)
#define GUARD_RULE_INSNS 4096 /* of all rules of a side together */
#define GUARD_RULES_MAX 1023
#define GUARD_RULE_SLOTS (GUARD_RULE_INSNS + GUARD_RULES_MAX + 1)
#define GUARD_RULE_BEGINS 0x8007
#define GUARD_RULES_END 0x8107
/* A program may loop: "ip6 protochain" takes up to this for a frame of 64 KiB. */
#define GUARD_STEPS (1 << 20)

/*
 * A robust mutex that a thread holds for as long as it lives. Its first word is
 * the futex: the thread's id, and with FUTEX_OWNER_DIED once the kernel has
 * seen that thread die, which it does before the process's files are closed
 * (exit_robust_list(), kernel/futex/core.c). glibc keeps the word first.
 */
struct guard_owner {
	__u32 futex;
	__u8 rest[GUARD_OWNER_BYTES - 4];
} __attribute__((aligned(64)));

/* Frames that arrive on one side. */
struct guard_side {
	struct guard_owner owner; /* the lane's thread, while it forwards */
	__u64 beat_ns; /* when it last turned, by CLOCK_MONOTONIC */
	__u32 tripped; /* it did not turn: the kernel has taken over, until the
			* lane has dropped what had been taken before */
	__u32 index; /* of the interface */
	__u32 carries; /* such frames go to the other side */
	__u32 filters; /* which of both sets of rules holds: 1, 2; 0: none */
	/* Counted by the kernel. */
	__u64 trips __attribute__((aligned(64)));
	__u64 bypassed_frames;
	__u64 bypassed_bytes;
	__u64 filtered_frames; /* dropped by rules while bypassed */
	/* Of these, reported by a process that has ended well. */
	__u64 told_frames;
	__u64 told_bytes;
	__u64 told_filtered;
};

struct guard_state {
	__u32 magic;
	__u32 joined; /* what the process does not take goes over in the
		       * kernel */
	__u64 hang_ns; /* a lane that has not turned for this long hangs */
	struct guard_owner owner; /* the process, while it isolates */
	struct guard_side side[GUARD_SIDES];
};

#endif
