/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One direction of a wire: frames that arrive on one port go through the
 * stages and leave by the other. A lane has one thread, which alone writes its
 * counters. It never waits inside a breath.
 */
#ifndef BUMPWIRE_LANE_H
#define BUMPWIRE_LANE_H

#include <pthread.h>
#include <stdbool.h>

#include "frame.h"
#include "guard.h"
#include "pool.h"
#include "port.h"
#include "stage.h"
#include "stats.h"

#define LANE_NO_CPU (-1)

/* What a lane spends from when a run is to end after so many frames. */
struct lane_budget {
	int64_t frames; /* shared by the lanes */
	int fd;         /* eventfd, told once when they are spent */
};

struct lane_order;

struct lane {
	const char *name; /* "left -> right" */
	struct port *rx;
	struct port *tx;
	struct port *tx_other; /* for frames of egress 1, or NULL */
	struct stage *stages;
	struct pool *pool; /* what the stages hold is in it; or NULL */
	uint32_t spin_us; /* how long to look before sleeping, and before a frame
			   * of a port that paces is due */
	int cpu;          /* LANE_NO_CPU: wherever */
	struct lane_budget *budget; /* or NULL */
	struct guard_side *guard; /* takes over when this lane hangs; or NULL */
	uint64_t hang_ns; /* shared: that is when it has not turned for so long */

	struct burst burst;
	struct lane_stats stats;
	uint64_t turns; /* of the thread: a lane that lives has more by and by */
	uint64_t beat_ns; /* when the guard was last told */
	bool started;
	bool stopping; /* shared: end with the first empty breath */
	bool paused;   /* shared: drop what arrives */
	int wake_fd;
	const struct lane_order *order; /* shared: see lane_do() */
	int done_fd;
	int ended_fd; /* told when a port that paces has ended; the owner's, or -1 */
	pthread_t thread;
};

/* A lane with an empty chain of stages and no ports yet; the name is kept by
 * the caller. 0 or -errno. */
int lane_init(struct lane *lane, const char *name);
/* The thread must have ended. The stages are the owner's. */
void lane_fini(struct lane *lane);

/*
 * Take what has arrived through the stages and out: the whole data path.
 * Returns the frames received; 0 says that there is nothing to do.
 */
uint32_t lane_breathe(struct lane *lane, uint64_t now_ns);

/* Start the thread between two ports; the counters go on. -errno (logged) if
 * the thread or its CPU cannot be had. */
int lane_start(struct lane *lane, struct port *rx, struct port *tx);

/*
 * Have something done in the lane's thread between two breaths, so that it may
 * change what a breath uses: ports, stages, counters. Without a thread it is
 * done at once; a lane whose port paces takes no orders. Returns when it is
 * done: 0; -ETIMEDOUT (logged) if the thread did not turn within seconds: then
 * it was not done and will not be.
 */
int lane_do(struct lane *lane, void (*what)(struct lane *lane, void *arg),
	    void *arg);

/* Run on this CPU, or with LANE_NO_CPU on any that the process may use: a
 * thread that runs moves at once. */
void lane_set_cpu(struct lane *lane, int cpu);

/* Let a lane that sleeps turn once. */
void lane_wake(struct lane *lane);

/*
 * In the lane's thread: put all that the stages from `first` on hold onto the
 * wire, in order, due or not, past those behind that would hold it. NULL:
 * nothing is held. A full queue is waited for, for some seconds in all. Of
 * so many bursts at most; true: there is more, and it is to be called again.
 */
#define LANE_FLUSH_ALL UINT32_MAX

bool lane_flush(struct lane *lane, struct stage *first, uint32_t bursts);

/* End the thread, if there is one, once its port has nothing more to give: stop
 * that port's reception first. The lane then has no ports. */
void lane_stop(struct lane *lane);

#endif
