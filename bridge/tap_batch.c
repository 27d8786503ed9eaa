/* SPDX-License-Identifier: BSD-2-Clause */
/* See tap_batch.h. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "log.h"
#include "segment.h"
#include "tap_batch.h"

#define MESSAGES 64
#define BUFFER_BYTES (4 * FRAME_MAX_BYTES)
#define WAIT_NS (100 * NS_PER_MS)

struct tap_batch {
	uint32_t n;
	uint32_t used; /* of the buffer */
	uint32_t snap_bytes;
	uint32_t bytes; /* of frames of this copy */
	uint64_t until_ns; /* this copy waits; 0: it has not waited */
	struct mmsghdr msg[MESSAGES];
	struct iovec iov[MESSAGES][2]; /* header and frame */
	uint8_t buffer[BUFFER_BYTES];
};

int tap_batch_new(struct tap_batch **batchp, const void *header,
		  size_t header_bytes, uint32_t snap_bytes)
{
	struct tap_batch *b = malloc(sizeof(*b));

	if (!b) {
		log_err("tap: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	memset(b, 0, offsetof(struct tap_batch, buffer));
	b->snap_bytes = !snap_bytes ? UINT32_MAX :
			snap_bytes < FRAME_MIN_BYTES ? FRAME_MIN_BYTES :
						       snap_bytes;
	for (uint32_t i = 0; i < MESSAGES; i++) {
		b->iov[i][0].iov_base = (void *)header;
		b->iov[i][0].iov_len = header_bytes;
		b->msg[i].msg_hdr.msg_iov = &b->iov[i][header ? 0 : 1];
		b->msg[i].msg_hdr.msg_iovlen = header ? 2 : 1;
	}
	*batchp = b;
	return 0;
}

void tap_batch_free(struct tap_batch *batch)
{
	free(batch);
}

uint32_t tap_batch_cut(const struct tap_batch *batch, uint32_t bytes)
{
	return bytes < batch->snap_bytes ? bytes : batch->snap_bytes;
}

static void add(struct tap_batch *b, uint8_t *data, uint32_t len)
{
	len = tap_batch_cut(b, len);
	b->iov[b->n][1].iov_base = data;
	b->iov[b->n][1].iov_len = len;
	b->bytes += len;
	b->n++;
}

/* So long for a copy; whoever is slow for longer loses it. */
static bool wait_for_room(struct tap_batch *b, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	uint64_t now_ns = clock_now_ns();

	if (!b->until_ns)
		b->until_ns = now_ns + WAIT_NS;
	return now_ns < b->until_ns &&
	       poll(&p, 1, (int)((b->until_ns - now_ns) / NS_PER_MS) + 1) > 0;
}

static void refuse(const struct tap_batch *b, uint32_t i, struct tap_sent *sent)
{
	struct frame f = { .data = b->iov[i][1].iov_base };

	sent->refused_bytes = (uint32_t)b->iov[i][1].iov_len;
	sent->refused_tagged = sent->refused_bytes >= FRAME_MIN_BYTES &&
			       frame_is_tagged(&f);
}

/* sendmmsg() tells how many went out, and why it stopped only if that was at
 * the first: the one that it stopped at is tried again in front. */
static int drain(struct tap_batch *b, int fd, struct tap_sent *sent)
{
	uint32_t done = 0;

	while (done < b->n) {
		int n = sendmmsg(fd, b->msg + done, b->n - done,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			done += (uint32_t)n;
			sent->frames += (uint32_t)n;
		} else if (errno == EAGAIN) {
			if (!wait_for_room(b, fd))
				return -ENOBUFS;
		} else if (errno != EINTR) {
			refuse(b, done, sent);
			return -errno;
		}
	}
	b->n = b->used = 0;
	return 0;
}

static int send_segments(struct tap_batch *b, int fd, const struct frame *f,
			 struct tap_sent *sent)
{
	struct segment_job job;
	uint32_t len;
	int r = segment_start_super(&job, f) ? -EBADMSG : 0;

	while (!r && segment_next(&job, b->buffer + b->used,
				  BUFFER_BYTES - b->used, &len)) {
		add(b, b->buffer + b->used, len);
		b->used += len;
		if (b->n == MESSAGES ||
		    segment_bytes(&job) > BUFFER_BYTES - b->used)
			r = drain(b, fd, sent);
	}
	return r ? r : drain(b, fd, sent);
}

int tap_batch_send(struct tap_batch *batch, int fd, struct frame *f,
		   struct tap_sent *sent)
{
	int r;

	*sent = (struct tap_sent){ 0 };
	batch->n = batch->used = batch->bytes = 0;
	batch->until_ns = 0;
	if (frame_is_super(f)) {
		r = send_segments(batch, fd, f, sent);
	} else {
		frame_finish_checksum(f);
		add(batch, f->data, f->len);
		r = drain(batch, fd, sent);
	}
	if (!r && batch->bytes < f->len)
		f->len = batch->bytes;
	return r;
}
