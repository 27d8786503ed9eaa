/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What live.c and the program in the kernel, live.bpf.c, share: the plan of
 * the frames, the schedule, and what came of it. For both compilers, so it
 * includes nothing and has the kernel's names of types.
 */
#ifndef BUMPWIRE_LIVE_SHARED_H
#define BUMPWIRE_LIVE_SHARED_H

#define LIVE_FIELDS_MAX 8
#define LIVE_FRACTION_BITS 10 /* due times in 1/1024 ns: no gap is rounded */
#define LIVE_SUM_IP 1
#define LIVE_SUM_L4 2

/* A field that changes: (value << shift | keep) in network order. */
struct live_field {
	__u64 at;   /* the next value */
	__u64 step;
	__u64 last; /* behind it comes first; all bits: only the width wraps */
	__u64 first;
	__u64 mask; /* of the width */
	__u32 keep; /* the other bits of its bytes */
	__u32 offset;
	__u32 bytes;     /* 1, 2 or 4 */
	__u32 shift;
	__u32 sum_shift; /* 8 if it ends in the high byte of a word */
	__u32 sums;      /* LIVE_SUM_* that count it */
};

struct live_shared {
	/* Set before the run. */
	struct live_field field[LIVE_FIELDS_MAX];
	__u32 n_fields;
	__u32 ifindex;
	__u32 stamp;      /* offset; 0: none */
	__u32 rest_sum;   /* of the payload behind it */
	__u32 ip_check;   /* offset; 0: none, or nothing in it changes */
	__u32 l4_check;
	__u32 ip_sum;     /* without what changes */
	__u32 l4_sum;
	__u32 udp;        /* a check of 0 is sent as 0xffff */
	__u64 gap;        /* 1/1024 ns; 0: as fast as it goes */
	__u64 late_ns;    /* who is later than this starts over from now */
	__u64 real_ns;    /* the real-time clock less the monotonic one */
	/* By the program; others read it while it runs. */
	__u64 next;       /* 1/1024 ns */
	__u64 made;       /* frames given to the device */
	__u64 first_ns;   /* monotonic; 0: none yet */
	__u64 last_ns;
	__u64 late_max_ns;
	__u64 started_over;
	__u32 stop;       /* by others: make no more */
};

#endif
