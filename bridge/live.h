/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames that the kernel makes itself: XDP live frames, a program that runs
 * once a frame and redirects it into an interface (BPF_PROG_TEST_RUN with
 * BPF_F_TEST_XDP_LIVE_FRAMES, since 5.18). About three times as fast as any
 * packet socket, for there is no system call and no socket buffer for each.
 *
 * A call of the kernel has a high price, about 10 ms, and a frame none; so one
 * call makes all frames of a run, and the program itself waits until each is
 * due. Onto a veth the far end needs a NAPI: ethtool -K FAR gro on.
 *
 * Built without BPF, live_none.c stands in: nothing is possible then.
 */
#ifndef BUMPWIRE_LIVE_H
#define BUMPWIRE_LIVE_H

#include "template.h"

/* A slower rate the program cannot wait for. */
#define LIVE_PPS_MIN 20000

struct live_params {
	const char *name; /* of the interface; kept by the caller */
	int index;
	uint32_t mtu;
	double pps;       /* 0: as fast as it goes */
	uint64_t frames;  /* at least 1, at most LIVE_FRAMES_MAX */
};

#define LIVE_FRAMES_MAX INT32_MAX

/* All but `refused_frames` change while it runs. */
struct live_figures {
	uint64_t made_frames;
	uint64_t refused_frames; /* of these, not taken by the interface */
	uint64_t first_ns;       /* monotonic */
	uint64_t last_ns;
	uint64_t late_max_ns;
	uint64_t started_over;   /* how often it was too late to catch up */
};

struct live;

/*
 * Whether live frames can make what this template and these parameters ask
 * for, here: 0, or -ENOTSUP and why not in words, not logged. It needs whole
 * fields that walk or count, one size, and the kernel's leave.
 */
int live_check(const struct template_plan *plan,
	       const struct live_params *params, char *why, size_t size);

/* The plan must outlive it. 0 or -errno (logged). */
int live_new(struct live **lp, const struct template_plan *plan,
	     const struct live_params *params);
void live_free(struct live *live);

/*
 * Make all frames, in this thread. 0; -ENXIO (not logged, nothing was sent)
 * if the interface takes none, as LIVE_NO_TAKER says; other -errno (logged).
 */
#define LIVE_NO_TAKER \
	"the interface takes no live frames; on a veth the far end needs " \
	"`ethtool -K FAR gro on`"
int live_run(struct live *live);

/* End live_run() in that other thread, within some milliseconds. */
void live_stop(struct live *live);

void live_figures(const struct live *live, struct live_figures *figures);

#endif
