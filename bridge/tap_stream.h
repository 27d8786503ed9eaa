/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies go to who reads a stream: pcapng into a pipe or a stream socket, as
 * `tshark -i -` reads it. The reader may stop, and may be gone.
 */
#ifndef BUMPWIRE_TAP_STREAM_H
#define BUMPWIRE_TAP_STREAM_H

#include "tap_params.h"
#include "tap_sink.h"

/*
 * params->fd is the sink's then, also on error, and becomes non-blocking.
 * SIGPIPE is for the caller to block or ignore. 0 or -errno (logged).
 *
 * Blocks are written whole and in order: copies are lost, with -ENOBUFS, while
 * a reader has stopped and the buffer is full, and the next one tells how many.
 * -EPIPE, by write or tick: there is no reader any more.
 */
int tap_stream_open(struct tap_sink **sinkp, const struct tap_params *params);

#endif
