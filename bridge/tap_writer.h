/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tap: a stage in one or both lanes of a wire that copies frames into a queue
 * of its own, and a thread that writes what is in the queues to a sink. What a
 * slow disk, a stopped reader or a lost collector costs is the tap's alone.
 */
#ifndef BUMPWIRE_TAP_WRITER_H
#define BUMPWIRE_TAP_WRITER_H

#include "stage.h"
#include "tap_params.h"
#include "tap_sink.h"

/* All but `error` by any thread at any time. */
struct tap_figures {
	struct tap_counts count[2]; /* by the side where frames arrive */
	/* As of a moment ago, a tenth of a second at most. While a file cannot
	 * be written, up to its buffer (256 KiB) wait for that, and are neither
	 * written nor lost. */
	uint64_t written_frames;
	uint64_t written_bytes; /* and of those that wait */
	bool ended; /* its reader has gone: it may be freed */
	int error;  /* the last -errno of its sink while it fails; or 0; in
		     * words: tap_health_text() */
};

struct tap_writer;

/* Open the sink and start the thread; strings are copied. 0 or -errno
 * (logged). */
int tap_writer_new(struct tap_writer **writerp, const struct tap_params *params);

/* The stage for the lane of frames that arrive on `side`; NULL: none. It
 * belongs to the writer: stage_free() does nothing. */
struct stage *tap_writer_stage(struct tap_writer *writer, int side);

void tap_writer_figures(const struct tap_writer *writer,
			struct tap_figures *figures);

/* Nothing is to come any more: write what is queued, for a second at most,
 * close the sink, end the thread. From then on taken is lost and written. */
void tap_writer_end(struct tap_writer *writer);

/* Once its stages are in no lane; ends it first. */
void tap_writer_free(struct tap_writer *writer);

#endif
