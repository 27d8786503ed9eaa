/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A copy on its way to a socket, as single frames: a super-frame is cut into
 * what its wire would have carried, for who reads copies wants frames.
 */
#ifndef BUMPWIRE_TAP_BATCH_H
#define BUMPWIRE_TAP_BATCH_H

#include "frame.h"

#define TAP_BATCH_UNCUT "cannot be cut into what its wire would carry"

struct tap_batch;

/* What became of the frames of a copy. */
struct tap_sent {
	uint32_t frames;        /* that went out */
	uint32_t refused_bytes; /* of the one that did not; 0: none */
	bool refused_tagged;    /* and whether its first tag does not count */
};

/*
 * `header` stands before each frame, and must stay; NULL: none. Of each frame
 * no more than snap_bytes are sent, but what makes it a frame; 0: all.
 * 0 or -ENOMEM (logged).
 */
int tap_batch_new(struct tap_batch **batchp, const void *header,
		  size_t header_bytes, uint32_t snap_bytes);
void tap_batch_free(struct tap_batch *batch);

/* So long a frame goes out that has so many bytes. */
uint32_t tap_batch_cut(const struct tap_batch *batch, uint32_t bytes);

/*
 * Send a copy; its checksum is finished if it is not yet, and its length is
 * less if less went out. Waits a tenth of a second at most if the socket has
 * no room.
 * 0; -ENOBUFS: there was no room; -EBADMSG: a super-frame that cannot be cut;
 * other -errno of sendmmsg(2), at the first frame that it refuses: the rest of
 * that copy stays back. Nothing is logged.
 */
int tap_batch_send(struct tap_batch *batch, int fd, struct frame *f,
		   struct tap_sent *sent);

#endif
