/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all ways out of a port share: which one a driver likes, how long a full
 * queue is asked, and how a send is counted.
 */
#ifndef BUMPWIRE_TX_H
#define BUMPWIRE_TX_H

#include "port.h"

/* How often a full queue is asked again before a frame is given up. A failing
 * call takes about half a microsecond, so this bounds a breath. */
#define TX_TRIES 100

/* What `tx = auto` means for a driver, as ethtool -i names it ("" unknown). */
enum tx_mode tx_mode_auto(const char *driver);

/* A bridge gives up then; an injector waits, about a second in all. */
#define TX_TRIES_PATIENT 10000

/*
 * A queue is full, or a call was interrupted: whether to ask again. *tries
 * counts from 0 and is the caller's; who is patient sleeps a little.
 */
bool tx_again(int err, bool patient, int *tries);

/* What an errno of a send means for the frame. */
enum reason tx_reason(int err);

/* Count n frames as forwarded. */
static inline void tx_count(struct lane_stats *s, const struct frame *f,
			    uint32_t n)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < n; i++)
		bytes += f[i].len;
	counter_add(&s->forwarded_frames, n);
	counter_add(&s->forwarded_bytes, bytes);
}

#endif
