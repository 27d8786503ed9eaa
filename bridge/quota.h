/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often something may be said: so many times in a while, and then only how
 * many times it was not. Pure; one owner.
 */
#ifndef BUMPWIRE_QUOTA_H
#define BUMPWIRE_QUOTA_H

#include <stdbool.h>

#include "base.h"

#define QUOTA_TIMES 30
#define QUOTA_NS UINT64_C(10000000000)

struct quota {
	uint64_t since_ns; /* when the while began */
	unsigned int taken;
	unsigned int kept_back;
};

/* May it be said now? What may not is counted. */
static inline bool quota_take(struct quota *q, uint64_t now_ns)
{
	if (now_ns - q->since_ns >= QUOTA_NS) {
		q->since_ns = now_ns;
		q->taken = 0;
	}
	if (q->taken < QUOTA_TIMES) {
		q->taken++;
		return true;
	}
	q->kept_back++;
	return false;
}

/* Once the while is over: how many were kept back since this was asked last. */
static inline unsigned int quota_kept_back(struct quota *q, uint64_t now_ns)
{
	unsigned int n = q->kept_back;

	if (!n || now_ns - q->since_ns < QUOTA_NS)
		return 0;
	q->kept_back = 0;
	return n;
}

#endif
