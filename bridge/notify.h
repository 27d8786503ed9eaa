/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a service manager wants to hear: sd_notify(3)'s protocol, datagrams to
 * the socket that NOTIFY_SOCKET names. Without one every call does nothing.
 */
#ifndef BUMPWIRE_NOTIFY_H
#define BUMPWIRE_NOTIFY_H

#include "base.h"

struct notify {
	int fd; /* connected; -1: nobody listens */
	/* WATCHDOG=1 is expected that often, so send it twice as often; 0:
	 * it is not asked for. */
	uint64_t watchdog_ns;
};

/*
 * Take NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment and
 * connect. Call it before the privileges go: later the socket may be out of
 * reach, while what is connected stays so. An address that cannot be used is
 * warned of. Not with other threads about: it changes the environment.
 */
void notify_open(struct notify *n);

/*
 * Each sends one datagram and never waits longer than a second for room;
 * `status` is one line for people, or NULL. What cannot be sent is lost, which
 * the debug log tells.
 */
void notify_ready(struct notify *n, const char *status);
void notify_status(struct notify *n, const char *status);
/* A reload begins; notify_ready() ends it. With MONOTONIC_USEC, which
 * Type=notify-reload wants (systemd 253). */
void notify_reloading(struct notify *n);
void notify_stopping(struct notify *n, const char *status);
/* All is well; only once every lane has turned. */
void notify_watchdog(struct notify *n);

void notify_close(struct notify *n);

#endif
