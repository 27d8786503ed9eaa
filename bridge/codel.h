/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CoDel (RFC 8289): which frames to drop at the head of a queue so that a
 * queue that stands, and does no more than delay, melts away; a burst that the
 * queue swallows within an interval is left alone. Pure: the caller says what
 * time it is and drops.
 */
#ifndef BUMPWIRE_CODEL_H
#define BUMPWIRE_CODEL_H

#include <stdbool.h>

#include "base.h"

/* What RFC 8289 recommends for the Internet (4). */
#define CODEL_TARGET_NS UINT64_C(5000000)
#define CODEL_INTERVAL_NS UINT64_C(100000000)

/* All zero but for the first two is the start. */
struct codel {
	uint64_t target_ns;   /* a wait that is good enough */
	uint64_t interval_ns; /* how long it may be worse */
	uint64_t above_ns;    /* it is worse; drop from then on. 0: it is not */
	uint64_t next_ns;     /* of the next drop, while dropping */
	uint32_t count;       /* drops since dropping began */
	uint32_t last_count;  /* the count that dropping began with */
	bool dropping;
	bool goes_on; /* the frame before was dropped, and not as the first */
};

/*
 * Is the frame at the head of the queue to be dropped? If so, take it out and
 * ask for the one behind it, and so on until one may leave.
 *
 * now_ns: the time at which it would leave, never going back. waited_ns: its
 * time in the queue. backlog: more waits behind it than one frame of full size;
 * without, it is never dropped.
 */
bool codel_drops(struct codel *codel, uint64_t now_ns, uint64_t waited_ns,
		 bool backlog);

#endif
