/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See tap_file.h. What was lost is told twice in a pcapng file: at the next
 * frame of that interface (epb_dropcount), and at the end by a block of
 * statistics for each interface. There is one of those a file and no more, for
 * Wireshark shows the first one that it finds.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "capture_write.h"
#include "clock.h"
#include "log.h"
#include "tap_file.h"
#include "tap_folder.h"
#include "tap_sink.h"

#define END_BYTES (2 * CAPTURE_STATISTICS_MAX)
#define WAITING_MAX 16384 /* more frames than a buffer holds */

/* Of an interface. */
struct story {
	uint64_t lost;          /* so far */
	uint64_t passed;        /* of these, before the frame that is next */
	uint64_t told;          /* of these, in frames */
	uint64_t lost_before;   /* as of when the file began */
	uint64_t frames;        /* in the file */
};

struct tap_file {
	struct tap_sink sink;
	struct tap_folder *folder; /* NULL: it is a device */
	struct capture_writer *writer;
	const struct tap_params *params; /* the tap's */
	struct capture_source source[2];
	char description[2][64];
	struct capture_head head;
	int fd;      /* of the file; -1: there is none */
	bool ending; /* it has its statistics */
	int error;   /* why nothing can be written just now; or 0 */
	uint64_t failed_frames; /* since then */
	uint64_t began_ns;  /* the file, since 1970 */
	uint64_t age_ns;    /* its beginning, and */
	uint64_t now_ns;    /* the last tick, both monotonic */
	uint64_t frames;    /* in the file */
	struct story story[2];
	uint8_t interface[WAITING_MAX]; /* of the last frames */
};

static const char *file_path(const struct tap_file *t)
{
	return t->folder ? tap_folder_path(t->folder) : t->params->to;
}

/* ---- what is wrong, once ---- */

static int fails(struct tap_file *t, int r)
{
	if (!t->error)
		log_warn("tap: %s: %s: copies are lost until it can be written "
			 "again", file_path(t), strerror(-r));
	t->error = r;
	return r;
}

static void works(struct tap_file *t)
{
	if (t->error)
		log_info("tap: %s: is written again, after %" PRIu64 " lost "
			 "copies", file_path(t), t->failed_frames);
	t->error = 0;
	t->failed_frames = 0;
}

/* ---- a file's beginning and end ---- */

static int file_begin(struct tap_file *t)
{
	int fd = t->folder ? tap_folder_create(t->folder) :
			     open(t->params->to, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return t->folder ? fd : -errno;
	t->fd = fd;
	t->began_ns = clock_real_ns();
	t->age_ns = t->now_ns;
	t->frames = 0;
	t->ending = false;
	for (int i = 0; i < 2; i++) {
		t->story[i].lost_before = t->story[i].lost;
		t->story[i].frames = 0;
	}
	capture_write_begin(t->writer, fd, &t->head);
	return 0;
}

static void put_statistics(struct tap_file *t)
{
	uint64_t now_ns = clock_real_ns();

	for (uint32_t i = 0; i < 2; i++) {
		const struct story *s = &t->story[i];
		uint64_t lost = s->lost - s->lost_before;
		const struct capture_statistics end = {
			.interface = i,
			.from_ns = t->began_ns,
			.to_ns = now_ns,
			.received_frames = s->frames + lost,
			.lost_frames = lost,
			.delivered_frames = s->frames,
		};

		capture_write_statistics(t->writer, &end);
	}
}

/* Its last bytes, and that they are in the file. With an empty buffer there is
 * room for the statistics. */
static int file_end(struct tap_file *t)
{
	int r = capture_write_flush(t->writer);

	if (r || t->ending)
		return r;
	put_statistics(t);
	t->ending = true;
	return capture_write_flush(t->writer);
}

static bool is_ring(const struct tap_file *t)
{
	const struct tap_params *p = t->params;

	return p->rotate_bytes || p->rotate_frames || p->rotate_ns;
}

/* One that has no frame would cost another one its name, or its place. */
static int file_finish(struct tap_file *t)
{
	int r = 0;

	if (t->folder && !t->frames)
		tap_folder_discard(t->folder);
	else if (t->folder)
		r = tap_folder_finish(t->folder);
	close_fd(&t->fd);
	t->fd = -1;
	return r;
}

/* Frames that are not in the file, by interface: the last ones. */
static uint64_t waiting(const struct tap_file *t, uint64_t by[2])
{
	uint64_t n = t->frames ? capture_write_waiting(t->writer) : 0;

	by[0] = by[1] = 0;
	for (uint64_t i = 1; i <= n; i++)
		by[t->interface[(t->frames - i) % WAITING_MAX]]++;
	return n;
}

/* They will never be: nothing more is written to it. Returns how many. */
static uint64_t give_up_waiting(struct tap_file *t)
{
	uint64_t by[2], n = waiting(t, by);

	for (int i = 0; i < 2; i++) {
		t->story[i].passed += by[i];
		if (t->sink.arrears)
			t->sink.arrears->lost_frames[i] += by[i];
	}
	if (t->sink.arrears)
		t->sink.arrears->waiting_frames = 0;
	t->frames -= n;
	capture_write_begin(t->writer, t->fd, &t->head);
	return n;
}

/* The next file, once the last byte of this one is written. */
static int file_rotate(struct tap_file *t)
{
	int r = t->fd >= 0 ? file_end(t) : 0;

	if (t->fd >= 0 && !r)
		r = file_finish(t);
	return r ? r : file_begin(t);
}

/* ---- the sink ---- */

static struct tap_file *file_of(struct tap_sink *sink)
{
	return container_of(sink, struct tap_file, sink);
}

static bool is_done(const struct tap_file *t, uint32_t more_bytes)
{
	const struct tap_params *p = t->params;

	if (t->ending)
		return true;
	if (!t->folder || !t->frames)
		return false;
	if (p->rotate_frames && t->frames >= p->rotate_frames)
		return true;
	if (p->rotate_ns && t->now_ns - t->age_ns >= p->rotate_ns)
		return true;
	return p->rotate_bytes && capture_write_bytes(t->writer) + more_bytes +
					  END_BYTES > p->rotate_bytes;
}

static int put_record(struct tap_file *t, const struct tap_record *record)
{
	struct story *s = &t->story[record->interface];
	const struct capture_record r = {
		.time_ns = record->frame.time_ns,
		.data = record->frame.data,
		.caplen = record->frame.len,
		.len = record->len,
		.interface = record->interface,
		.direction = record->direction,
	};
	int rc = capture_write_record(t->writer, &r, s->passed - s->told);

	if (rc)
		return rc;
	s->told = s->passed;
	s->frames++;
	t->interface[t->frames++ % WAITING_MAX] = (uint8_t)record->interface;
	return 0;
}

static void pass_lost(struct story *s, uint64_t n)
{
	s->passed += n;
	if (s->lost < s->passed)
		s->lost = s->passed;
}

/* While nothing can be written only a tick tries. */
static int file_write(struct tap_sink *sink, struct tap_record *record)
{
	struct tap_file *t = file_of(sink);
	int r = t->error;

	frame_finish_checksum(&record->frame); /* of a super-frame */
	if (!r && is_done(t, record->frame.len + CAPTURE_FRAME_MORE))
		r = file_rotate(t);
	pass_lost(&t->story[record->interface], record->lost_before);
	if (!r)
		r = put_record(t, record);
	if (likely(!r))
		return 0;
	pass_lost(&t->story[record->interface], 1);
	t->failed_frames++;
	return fails(t, r);
}

/* The frames in it are gone, though they were written. */
static void forget_if_lost(struct tap_file *t)
{
	if (t->fd < 0 || !t->folder || !tap_folder_is_lost(t->folder))
		return;
	give_up_waiting(t);
	log_warn("tap: %s: somebody took its .part away: %" PRIu64 " copies "
		 "went with it", file_path(t), t->frames);
	close_fd(&t->fd);
	t->fd = -1;
}

static int file_tick(struct tap_sink *sink, uint64_t now_ns,
		     const struct tap_counts count[2])
{
	struct tap_file *t = file_of(sink);
	uint64_t by[2];
	int r;

	t->now_ns = now_ns;
	for (int i = 0; i < 2; i++)
		t->story[i].lost = count[i].lost_frames;
	/* An empty file is good for another while. */
	if (!t->frames && now_ns - t->age_ns >= t->params->rotate_ns)
		t->age_ns = now_ns;
	forget_if_lost(t);
	if (t->fd < 0 || is_done(t, 0))
		r = file_rotate(t);
	else
		r = capture_write_flush(t->writer);
	if (sink->arrears)
		sink->arrears->waiting_frames = r ? waiting(t, by) : 0;
	if (r)
		return fails(t, r);
	works(t);
	return 0;
}

static void file_free(struct tap_file *t)
{
	close_fd(&t->fd);
	tap_folder_close(t->folder);
	if (t->writer) {
		/* What it has is written, or will not be. */
		capture_write_begin(t->writer, -1, &t->head);
		capture_write_close(t->writer);
	}
	free(t);
}

static void file_close(struct tap_sink *sink, const struct tap_counts count[2])
{
	struct tap_file *t = file_of(sink);
	uint64_t n;
	int r = 0;

	for (int i = 0; i < 2; i++)
		t->story[i].lost = count[i].lost_frames;
	if (t->fd >= 0) {
		r = file_end(t);
		n = r ? give_up_waiting(t) : 0;
		if (n)
			log_err("tap: %s: %s: its end is missing, %" PRIu64
				" frames", file_path(t), strerror(-r), n);
		forget_if_lost(t);
		r = t->fd >= 0 ? file_finish(t) : 0;
		if (r)
			log_err("tap: %s: %s: it is called .part still",
				file_path(t), strerror(-r));
	}
	file_free(t);
}

static const struct tap_sink_ops file_ops = {
	.name = "file",
	.write = file_write,
	.tick = file_tick,
	.close = file_close,
};

/* ---- open ---- */

/* /dev/null and /dev/full are written as they are, but no other device: a
 * terminal that nobody reads would hold the tap for ever. 0, or -errno if it is
 * neither that nor a file, or nothing yet. */
static int look(const char *path, bool *is_device)
{
	struct stat st;

	*is_device = false;
	if (lstat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	*is_device = S_ISCHR(st.st_mode) && (st.st_rdev == makedev(1, 3) ||
					     st.st_rdev == makedev(1, 7));
	return S_ISREG(st.st_mode) || *is_device ? 0 : -ESPIPE;
}

/* Logs. */
static int open_folder(struct tap_file *t)
{
	const struct tap_params *p = t->params;
	bool is_device;
	int r = look(p->to, &is_device);

	if (r)
		log_err("tap: %s: %s", p->to, r == -ESPIPE ?
			"is neither a file nor /dev/null" : r == -ELOOP ?
			"is a link: name what it points to" : strerror(-r));
	if (r || is_device)
		return r;
	return tap_folder_open(&t->folder, p->to, is_ring(t), p->files);
}

static void describe(struct tap_file *t)
{
	static const char *const side[] = { "left", "right" };
	const struct tap_params *p = t->params;

	for (int i = 0; i < 2; i++) {
		snprintf(t->description[i], sizeof(t->description[i]),
			 "%s port%s%.40s", side[i], p->id ? " of " : "",
			 p->id ? p->id : "");
		t->source[i] = (struct capture_source){
			.name = p->port[i] ? p->port[i] : side[i],
			.description = t->description[i],
			.filter = p->filter,
		};
	}
	t->head = (struct capture_head){
		.pcapng = capture_write_is_pcapng(p->to),
		.snap_bytes = p->snap_bytes,
		.source = t->source,
		.n_sources = 2,
	};
}

int tap_file_open(struct tap_sink **sinkp, const struct tap_params *params)
{
	struct tap_file *t = calloc(1, sizeof(*t));
	int r;

	if (!t) {
		log_err("tap: %s: %s", params->to, strerror(ENOMEM));
		return -ENOMEM;
	}
	t->sink.ops = &file_ops;
	t->params = params;
	t->fd = -1;
	t->now_ns = clock_now_ns();
	describe(t);
	r = open_folder(t);
	if (!r)
		r = capture_write_new(&t->writer, params->to);
	if (!r) {
		r = file_begin(t);
		if (r)
			log_err("tap: %s: %s", params->to, strerror(-r));
	}
	if (r) {
		file_free(t);
		return r;
	}
	*sinkp = &t->sink;
	return 0;
}
