/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control thread: it owns the bridges of a process and waits, never on a
 * frame's way, for signals, link events and timers.
 */
#ifndef BUMPWIRE_CONTROL_H
#define BUMPWIRE_CONTROL_H

#include "conf.h"

/*
 * Check the system against a configuration that is checked in itself: each
 * pair's interfaces. 0 or -EINVAL (all mistakes logged).
 */
int control_check(const struct conf *conf);

/* Print the interfaces of the system. 0 or -errno. */
int control_list(void);

/* Print what stands in the way of each pair, and what to do about it. 0; -EBUSY
 * if something would keep it from forwarding; other -errno (logged). */
int control_doctor(const struct conf *conf);

/* Take away what processes that died have left at the ports of all pairs; says
 * what it found. 0 or -errno (logged). */
int control_unbypass(const struct conf *conf);

struct control_params {
	const struct conf *conf; /* checked in itself; copied */
	/* Read the same again, as it is by now, into a fresh one. 0, or -errno
	 * (mistakes logged and counted in it). */
	int (*read)(struct conf *conf, void *arg);
	void *arg;
};

/*
 * Run the wires until a signal, a request, the duration or the count ends them,
 * and print the report. 0 stopped well; -EINVAL refused (see control_check());
 * other -errno failed (logged).
 */
int control_run(const struct control_params *params);

#endif
