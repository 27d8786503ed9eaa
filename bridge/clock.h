/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clocks in nanoseconds. A bridge reads the monotonic one once a breath and
 * hands the value on as `now_ns`; nothing per frame reads a clock.
 */
#ifndef BUMPWIRE_CLOCK_H
#define BUMPWIRE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_SEC UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_US UINT64_C(1000)

static inline uint64_t clock_read_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

static inline uint64_t clock_now_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

/* Since 1970: the clock of stamps and of captures. It may be set. */
static inline uint64_t clock_real_ns(void)
{
	return clock_read_ns(CLOCK_REALTIME);
}

#endif
