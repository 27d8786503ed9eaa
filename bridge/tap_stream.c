/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See tap_stream.h. A block is laid out in the buffer, or not at all, and what
 * is in the buffer is written from its beginning: so the stream has whole
 * blocks but for the last one, if its reader stops for good.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "capture_blocks.h"
#include "clock.h"
#include "log.h"
#include "tap_health.h"
#include "tap_stream.h"

#define BUFFER_BYTES (512 << 10)
#define BATCH_BYTES (64 << 10) /* worth a system call */
#define WAIT_MS 100
#define QUIET_NS NS_PER_SEC
#define END_NS (200 * NS_PER_MS)
#define END_ASKED_NS NS_PER_SEC /* less than bumpctl waits for it */
#define SIDES 2

struct tap_stream {
	struct tap_sink sink;
	struct tap_health health;
	int fd;
	bool is_socket;
	bool stuck; /* waiting was in vain, and nothing has been read since */
	bool ends;  /* its reader has asked for the end, and reads up to it */
	int error;  /* -EPIPE: it is over */
	uint64_t opened_ns;         /* since 1970 */
	uint64_t lost[SIDES];       /* by interface, since its last frame */
	uint32_t from, to;          /* what is buffered */
	uint8_t buffer[BUFFER_BYTES];
};

static struct tap_stream *stream_of(struct tap_sink *sink)
{
	return container_of(sink, struct tap_stream, sink);
}

/* ---- the stream ---- */

static ssize_t put(const struct tap_stream *s)
{
	const uint8_t *from = s->buffer + s->from;
	size_t n = s->to - s->from;

	return s->is_socket ? send(s->fd, from, n, MSG_NOSIGNAL | MSG_DONTWAIT) :
			      write(s->fd, from, n);
}

/* Whoever has gone reads no more: that is no mistake, and said as it is. */
static int end(struct tap_stream *s, int error)
{
	if (error == -ECONNRESET)
		error = -EPIPE;
	if (error == -EPIPE)
		log_info("%s: its reader has gone", s->health.name);
	else
		log_err("%s: %s: it ends", s->health.name, strerror(-error));
	return s->error = -EPIPE;
}

/* As much as goes without waiting. 0, -EAGAIN or -EPIPE. */
static int drain(struct tap_stream *s)
{
	if (s->error)
		return s->error;
	while (s->from < s->to) {
		ssize_t n = put(s);

		if (n >= 0)
			s->from += (uint32_t)n;
		else if (errno == EAGAIN)
			return -EAGAIN;
		else if (errno != EINTR)
			return end(s, -errno);
		s->stuck = false;
	}
	s->from = s->to = 0;
	return 0;
}

/* Wait for a reader who is slow, but not again for one who has stopped. */
static int drain_patiently(struct tap_stream *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLOUT };
	int r = drain(s);

	if (r != -EAGAIN || s->stuck)
		return r;
	s->stuck = poll(&p, 1, WAIT_MS) <= 0;
	return s->stuck ? r : drain(s);
}

static void drain_until(struct tap_stream *s, uint64_t until_ns)
{
	struct pollfd p = { .fd = s->fd, .events = POLLOUT };

	while (drain(s) == -EAGAIN && clock_now_ns() < until_ns)
		poll(&p, 1, WAIT_MS);
}

/* Room for so many bytes, at most BUFFER_BYTES. */
static uint8_t *reserve(struct tap_stream *s, uint32_t bytes)
{
	if (BUFFER_BYTES - s->to < bytes && s->from) {
		memmove(s->buffer, s->buffer + s->from, s->to - s->from);
		s->to -= s->from;
		s->from = 0;
	}
	return BUFFER_BYTES - s->to < bytes ? NULL : s->buffer + s->to;
}

/* ---- the sink ---- */

static int stream_write(struct tap_sink *sink, struct tap_record *record)
{
	struct tap_stream *s = stream_of(sink);
	struct frame *f = &record->frame;
	uint64_t *lost = &s->lost[record->interface % SIDES];
	struct capture_record r;
	uint8_t *to;

	if (unlikely(s->error))
		return s->error;
	*lost += record->lost_before;
	to = reserve(s, f->len + CAPTURE_FRAME_MORE);
	if (unlikely(!to)) {
		if (drain_patiently(s) == -EPIPE)
			return -EPIPE;
		to = reserve(s, f->len + CAPTURE_FRAME_MORE);
	}
	if (unlikely(!to)) {
		tap_health_lost(&s->health, -ENOBUFS,
				"its reader does not keep up");
		++*lost;
		return -ENOBUFS;
	}
	frame_finish_checksum(f);
	r = (struct capture_record){
		.time_ns = record->frame.time_ns,
		.data = f->data,
		.caplen = f->len,
		.len = record->len,
		.interface = record->interface,
		.direction = record->direction,
	};
	s->to += capture_put_frame(to, true, &r, *lost);
	*lost = 0;
	return s->to - s->from < BATCH_BYTES || drain(s) != -EPIPE ? 0 : -EPIPE;
}

/* A pipe without readers is POLLERR, a socket whose peer has closed POLLHUP;
 * one that only sends no more is neither (poll(2)): it asks for the end. */
static int stream_tick(struct tap_sink *sink, uint64_t now_ns,
		       const struct tap_counts count[2])
{
	struct tap_stream *s = stream_of(sink);
	struct pollfd p = {
		.fd = s->fd, .events = s->is_socket ? POLLRDHUP : 0,
	};

	(void)count;
	s->health.now_ns = now_ns;
	tap_health_tick(&s->health);
	if (drain(s) == -EPIPE)
		return -EPIPE;
	if (poll(&p, 1, 0) > 0 && p.revents & (POLLERR | POLLHUP | POLLNVAL))
		return end(s, -EPIPE);
	s->ends = p.revents & POLLRDHUP;
	return s->ends ? -ESHUTDOWN : 0;
}

static void put_statistics(struct tap_stream *s,
			   const struct tap_counts count[2])
{
	struct capture_statistics statistics = {
		.from_ns = s->opened_ns,
		.to_ns = clock_real_ns(),
	};
	uint8_t *to;

	for (uint32_t i = 0; i < SIDES; i++) {
		to = reserve(s, CAPTURE_STATISTICS_MAX);
		if (!to)
			return;
		statistics.interface = i;
		statistics.received_frames = count[i].taken_frames;
		statistics.lost_frames = count[i].lost_frames;
		statistics.delivered_frames =
			count[i].taken_frames - count[i].lost_frames;
		s->to += capture_put_statistics(to, &statistics);
	}
}

static void stream_close(struct tap_sink *sink,
			 const struct tap_counts count[2])
{
	struct tap_stream *s = stream_of(sink);
	uint64_t until_ns = clock_now_ns() + (s->ends ? END_ASKED_NS : END_NS);

	if (s->fd >= 0 && !s->error) {
		drain_until(s, until_ns);
		put_statistics(s, count);
		drain_until(s, until_ns);
	}
	close_fd(&s->fd);
	free(s);
}

static const struct tap_sink_ops stream_ops = {
	.name = "stream",
	.write = stream_write,
	.tick = stream_tick,
	.close = stream_close,
};

/* ---- open ---- */

static void put_head(struct tap_stream *s, const struct tap_params *params)
{
	static const char *const side[SIDES] = { "left", "right" };

	s->to += capture_put_head(s->buffer, true, params->snap_bytes);
	for (int i = 0; i < SIDES; i++) {
		const struct capture_source source = {
			.name = params->port[i] ? params->port[i] : side[i],
			.description = side[i],
			.filter = params->filter,
		};

		s->to += capture_put_source(s->buffer + s->to, &source,
					    params->snap_bytes);
	}
}

/* A socket can be asked not to wait at each call; a pipe's description may be
 * another process's, too, but is given away with it. */
static int set_up(struct tap_stream *s)
{
	struct stat st;
	int flags, r = 0;

	if (fstat(s->fd, &st))
		r = -errno;
	else
		s->is_socket = S_ISSOCK(st.st_mode);
	if (!r && !s->is_socket) {
		flags = fcntl(s->fd, F_GETFL);
		if (flags < 0 || fcntl(s->fd, F_SETFL, flags | O_NONBLOCK))
			r = -errno;
	}
	if (r)
		log_err("%s: %s", s->health.name, strerror(-r));
	return r;
}

int tap_stream_open(struct tap_sink **sinkp, const struct tap_params *params)
{
	struct tap_stream *s = malloc(sizeof(*s));
	int r;

	if (!s) {
		log_err("tap: %s", strerror(ENOMEM));
		close(params->fd);
		return -ENOMEM;
	}
	memset(s, 0, offsetof(struct tap_stream, buffer));
	s->sink.ops = &stream_ops;
	s->fd = params->fd;
	s->opened_ns = clock_real_ns();
	tap_health_init(&s->health, params->id, "stream", QUIET_NS);
	r = set_up(s);
	if (r) {
		close_fd(&s->fd);
		free(s);
		return r;
	}
	put_head(s, params);
	/* Whoever reads it learns at once that there is something to read. */
	drain(s);
	*sinkp = &s->sink;
	return 0;
}
