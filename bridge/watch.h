/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the first thread of a tool does while others work: it waits for their
 * end, for signals, for link events and for the time to say something.
 */
#ifndef BUMPWIRE_WATCH_H
#define BUMPWIRE_WATCH_H

#include "base.h"

struct watch_params {
	int ended_fd;         /* readable: the work is done */
	int link_fd;          /* readable: on_link(); -1: none */
	uint64_t duration_ns; /* 0: none */
	uint64_t stats_ns;    /* between two on_stats(); 0: never */
	uint64_t progress_ns; /* between two on_progress(); 0: never */
	void (*on_link)(void *arg);
	void (*on_figures)(void *arg); /* SIGUSR1 */
	void (*on_stats)(void *arg);
	void (*on_progress)(void *arg);
	void *arg;
};

/*
 * Have a timer tell every so often by *fd, which is made if it is -1; 0: never.
 * One that does so already goes on undisturbed.
 */
void watch_set_timer(int *fd, uint64_t ns);

/* Have it tell once, at this time of the monotonic clock; UINT64_MAX: not. */
void watch_set_alarm(int *fd, uint64_t at_ns);

enum watch_end { WATCH_ENDED, WATCH_DURATION, WATCH_SIGNAL };

/*
 * Block SIGINT, SIGTERM, SIGHUP and SIGUSR1 for this thread and those that it
 * starts, and have them told by a descriptor: call it before any thread is
 * started. The fd, or -errno (logged).
 */
int watch_signals(void);

/* Until the end: enum watch_end, or -errno (logged). */
int watch_run(const struct watch_params *params, int signal_fd);

#endif
