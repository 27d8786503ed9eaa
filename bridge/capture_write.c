/* SPDX-License-Identifier: BSD-2-Clause */
/* See capture_write.h. A block is laid out in the buffer, or not at all; the
 * buffer holds more than the largest one. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "capture_write.h"
#include "clock.h"
#include "log.h"
#include "tx.h"

#define BUFFER_BYTES (256 << 10)

struct capture_writer {
	struct port port;
	char *path; /* as in messages */
	int fd;
	int error; /* 0, or the -errno that ended it */
	bool pcapng;
	bool patient; /* and the file is not ours to close */
	uint32_t n_interfaces;
	uint32_t used;
	uint64_t written_bytes;
	uint8_t buffer[BUFFER_BYTES];
};

/* ---- bytes ---- */

/* A writer that is patient gives up this one call, others all. */
static int fail(struct capture_writer *w, int error, const char *why)
{
	if (w->patient)
		return -error;
	log_err("%s: %s: the file is not whole", w->path, why);
	return w->error = -error;
}

/*
 * The kernel took so many bytes and no more. The file is to end with a whole
 * block, whatever happens to us until there is room; should ftruncate() fail,
 * the rest is written over at least.
 */
static void settle(struct capture_writer *w, uint32_t done)
{
	uint32_t whole = capture_whole_bytes(w->buffer, done, w->pcapng,
					     !w->written_bytes);

	w->written_bytes += whole;
	w->used -= whole;
	memmove(w->buffer, w->buffer + whole, w->used);
	if (whole == done)
		return;
	if (ftruncate(w->fd, (off_t)w->written_bytes) ||
	    lseek(w->fd, (off_t)w->written_bytes, SEEK_SET) < 0)
		log_debug("%s: %s", w->path, strerror(errno));
}

static int drain(struct capture_writer *w)
{
	uint32_t done = 0;
	int r = 0;

	if (w->error)
		return w->error;
	while (done < w->used && !r) {
		ssize_t n = write(w->fd, w->buffer + done, w->used - done);

		if (n >= 0)
			done += (uint32_t)n;
		else if (errno != EINTR)
			r = errno;
	}
	if (r && w->patient)
		settle(w, done);
	if (r)
		return fail(w, r, strerror(r));
	w->written_bytes += w->used;
	w->used = 0;
	return 0;
}

/* Room for a block of so many bytes, at most BUFFER_BYTES. */
static int reserve(struct capture_writer *w, uint32_t bytes)
{
	if (likely(bytes <= BUFFER_BYTES - w->used))
		return 0;
	return drain(w);
}

static uint8_t *end(struct capture_writer *w)
{
	return w->buffer + w->used;
}

/* ---- what is written ---- */

static int put_source(struct capture_writer *w,
		      const struct capture_source *source, uint32_t snap_bytes)
{
	int r = reserve(w, CAPTURE_SOURCE_MAX);

	if (!r)
		w->used += capture_put_source(end(w), source, snap_bytes);
	return r;
}

int capture_write_record(struct capture_writer *w,
			 const struct capture_record *r, uint64_t lost)
{
	int rc;

	if (unlikely(w->error))
		return w->error;
	if (unlikely(r->interface >= w->n_interfaces))
		return fail(w, EINVAL, "a frame of an unknown interface");
	if (unlikely(r->caplen > FRAME_MAX_BYTES))
		return fail(w, EMSGSIZE, "a frame longer than frames can be");
	if (unlikely(!w->pcapng && r->time_ns / NS_PER_SEC > UINT32_MAX))
		return fail(w, EOVERFLOW, "a time beyond the year 2106 goes "
			    "into pcapng only");
	rc = reserve(w, r->caplen + CAPTURE_FRAME_MORE);
	if (likely(!rc))
		w->used += capture_put_frame(end(w), w->pcapng, r, lost);
	return rc;
}

int capture_write_frame(struct capture_writer *w, const struct frame *f,
			uint64_t time_ns, uint32_t interface)
{
	const struct capture_record r = {
		.time_ns = time_ns,
		.data = f->data,
		.caplen = f->len,
		.len = f->len,
		.interface = interface,
	};

	return capture_write_record(w, &r, 0);
}

int capture_write_statistics(struct capture_writer *w,
			     const struct capture_statistics *s)
{
	int r;

	if (!w->pcapng)
		return 0;
	r = reserve(w, CAPTURE_STATISTICS_MAX);
	if (!r)
		w->used += capture_put_statistics(end(w), s);
	return r;
}

uint32_t capture_write_waiting(const struct capture_writer *w)
{
	return capture_count_frames(w->buffer, w->used, w->pcapng,
				    !w->written_bytes);
}

uint64_t capture_write_bytes(const struct capture_writer *w)
{
	return w->written_bytes + w->used;
}

/* ---- the port ---- */

struct capture_writer *capture_write_of_port(struct port *port)
{
	return container_of(port, struct capture_writer, port);
}

static void writer_tx(struct port *port, const struct frame *f, uint32_t n,
		      struct lane_stats *s)
{
	struct capture_writer *w = capture_write_of_port(port);
	uint32_t done = 0;

	while (done < n && !capture_write_frame(w, &f[done], f[done].time_ns,
						f[done].egress))
		done++;
	tx_count(s, f, done);
	stats_drop(s, REASON_TX_ERROR, n - done);
}

static void writer_close(struct port *port)
{
	capture_write_close(capture_write_of_port(port));
}

static const struct port_ops writer_ops = {
	.name = "capture file",
	.tx = writer_tx,
	.close = writer_close,
};

struct port *capture_write_port(struct capture_writer *w)
{
	return &w->port;
}

/* ---- open and close ---- */

bool capture_write_is_pcapng(const char *path)
{
	static const char suffix[] = ".pcapng";
	size_t n = strlen(path), m = sizeof(suffix) - 1;

	return n >= m && !strcmp(path + n - m, suffix);
}

int capture_write_new(struct capture_writer **writerp, const char *name)
{
	struct capture_writer *w = malloc(sizeof(*w));

	if (w)
		memset(w, 0, offsetof(struct capture_writer, buffer));
	if (!w || !(w->path = strdup(name))) {
		free(w);
		log_err("%s: %s", name, strerror(ENOMEM));
		return -ENOMEM;
	}
	w->fd = -1;
	w->patient = true;
	*writerp = w;
	return 0;
}

void capture_write_begin(struct capture_writer *w, int fd,
			 const struct capture_head *head)
{
	w->fd = fd;
	w->pcapng = head->pcapng;
	w->n_interfaces = head->n_sources;
	w->written_bytes = 0;
	w->used = capture_put_head(w->buffer, head->pcapng, head->snap_bytes);
	for (uint32_t i = 0; head->pcapng && i < head->n_sources; i++)
		put_source(w, &head->source[i], head->snap_bytes);
}

/* -errno (logged). */
static int open_file(struct capture_writer *w, const char *path, bool to_stdout)
{
	int r;

	w->fd = to_stdout ? STDOUT_FILENO :
			    open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
				 0666);
	if (w->fd >= 0)
		return 0;
	r = -errno;
	log_err("%s: %s", path, strerror(-r));
	return r;
}

int capture_write_open(struct capture_writer **writerp, const char *path,
		       const char *const *interface_names,
		       uint32_t n_interfaces)
{
	const struct capture_head head = {
		.pcapng = capture_write_is_pcapng(path),
	};
	bool to_stdout = !strcmp(path, "-");
	struct capture_writer *w;
	int r = capture_write_new(&w, to_stdout ? "standard output" : path);

	if (r)
		return r;
	w->patient = false;
	r = open_file(w, path, to_stdout);
	if (!r)
		capture_write_begin(w, w->fd, &head);
	w->n_interfaces = n_interfaces;
	for (uint32_t i = 0; !r && w->pcapng && i < n_interfaces; i++) {
		const struct capture_source it = { .name = interface_names[i] };

		r = put_source(w, &it, 0);
	}
	if (r) {
		w->used = 0;
		capture_write_close(w);
		return r;
	}
	w->port = (struct port){
		.ops = &writer_ops,
		.name = w->path,
		.mtu = FRAME_MAX_BYTES,
		.ready = true,
	};
	*writerp = w;
	return 0;
}

int capture_write_flush(struct capture_writer *w)
{
	return drain(w);
}

int capture_write_close(struct capture_writer *w)
{
	int r;

	if (!w)
		return 0;
	r = w->fd >= 0 ? drain(w) : 0;
	/* Some file systems find only now that there was no room. Linux closes
	 * it on EINTR, too (close(2)). */
	if (w->fd >= 0 && w->fd != STDOUT_FILENO && !w->patient &&
	    close(w->fd) && !r && errno != EINTR)
		r = fail(w, errno, strerror(errno));
	free(w->path);
	free(w);
	return r;
}
