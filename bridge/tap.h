/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stage of a tap: it copies the frames that pass it into a queue, which the
 * tap's thread empties (tap_writer.h), and leaves them as they are. It waits
 * for nobody: a copy that finds no room is lost, and counted.
 *
 * The queue is a ring of bytes with one thread at each end: that of the lane,
 * and that of the tap.
 */
#ifndef BUMPWIRE_TAP_H
#define BUMPWIRE_TAP_H

#include "filter.h"
#include "stage.h"
#include "tap_sink.h"

#define TAP_QUEUE_BYTES_MIN (256 << 10)

struct tap;

/* How the stages wake the tap's thread: at a word that says how deep it sleeps,
 * so that a lane makes a syscall only if there is somebody to wake. */
enum tap_sleep {
	TAP_AWAKE, /* it will look again */
	TAP_DOZES, /* it will look again in a moment: for a queue that fills */
	TAP_SLEEPS /* for the next copy */
};

struct tap_bell {
	int fd;      /* eventfd */
	int sleep;   /* shared: enum tap_sleep */
};

struct tap_stage_params {
	bool leaving;         /* the frames leave: read the clock, for their time
			       * of arrival is not their own */
	uint32_t snap_bytes;  /* 0: whole frames */
	uint64_t queue_bytes; /* is made a power of two, and not too small */
	const struct filter_match *match; /* the caller's, or NULL: all */
	struct tap_bell *bell;
};

/* All the memory there will be is had here. 0 or -ENOMEM (logged). */
int tap_new(struct tap **tapp, const struct tap_stage_params *params);

/* Its stage must be in no lane any more. */
void tap_free(struct tap *tap);

/* For the lane; stage_free() leaves it alone. */
struct stage *tap_stage(struct tap *tap);

/* Copy nothing any more, and count nothing: by any thread. */
void tap_shut(struct tap *tap);

/* Frames so far that the filter matched, and those of them for which there was
 * no room: by any thread. */
struct tap_counts tap_counts(const struct tap *tap);

/* ---- for the thread that empties the queue ---- */

/*
 * Look at the oldest copy: false if there is none. `frame` is writable, with
 * FRAME_HEADROOM before it, until tap_next(). `lost` becomes how many of the
 * stage's frames had been lost before this one, in all.
 */
bool tap_peek(struct tap *tap, struct frame *frame, uint32_t *len,
	      uint64_t *lost);

/* Done with what tap_peek() showed. */
void tap_next(struct tap *tap);

/* NULL: true. */
bool tap_is_empty(struct tap *tap);

/* Sleep so long, or until a stage rings; not TAP_SLEEPS if there is a copy in
 * one of these. */
void tap_bell_sleep(struct tap_bell *bell, enum tap_sleep how, uint64_t ns,
		    struct tap *left, struct tap *right);

/* Half of the queue waits. */
bool tap_is_half_full(struct tap *tap);

#endif
