/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See tap_writer.h. The thread takes what is in the two queues in order of
 * time. A queue that is empty may be about to get what is older, so the other
 * one's copies wait until they are a little old, or fill their queue. A lane
 * that lags behind its port by more than that is out of order in the file.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

#include "clock.h"
#include "log.h"
#include "tap.h"
#include "tap_writer.h"

#define BATCH 256 /* copies between two looks at the clock */
#define TICK_NS (100 * NS_PER_MS)
#define ORDER_NS (2 * NS_PER_MS) /* how long a copy waits for older ones */
/* While there is traffic no lane has to wake us: we look so often, and until
 * there was none for a while. */
#define DOZE_NS NS_PER_MS
#define QUIET_NS (3 * NS_PER_MS)
#define DRAIN_NS NS_PER_SEC

/* The C library keeps stacks of threads that have ended; the usual 8 MiB would
 * look like a leak. */
#define STACK_BYTES (256 << 10)
#define END_SECONDS 5 /* for what is queued, and for a slow disk */

/* Of the frames that arrive on one side. */
struct side {
	struct tap *tap; /* or NULL: it is not tapped */
	uint32_t interface;
	enum direction direction;
	uint64_t taken;  /* out of the queue */
	uint64_t lost;   /* before those */
	uint64_t told;   /* of these, in records */
	uint64_t failed; /* shared: taken, and not where they were to go */
};

struct tap_writer {
	struct tap_params params; /* strings are ours */
	struct filter_match *match;
	struct side side[2];
	struct tap_bell bell;
	struct tap_sink *sink;
	struct tap_arrears arrears; /* the sink's */
	pthread_t thread;
	enum { RUNS, HAS_ENDED, IS_LEFT_BEHIND } state;
	bool stopping; /* shared, as are those below */
	bool ended;
	int error;
	uint64_t written_frames;
	uint64_t written_bytes;

	/* the thread's */
	uint64_t given_frames; /* to the sink, and it took them */
	uint64_t failed_frames[2]; /* of arrears.lost_frames, counted */
	uint64_t tick_ns;   /* the last one */
	uint64_t busy_ns;   /* when there was something to write */
	uint64_t real_ns;   /* since 1970, of this turn */
	bool asked_to_end;  /* by who reads it */
	bool has_news;      /* for a tick */
	bool has_failed;    /* since the last tick */
};

/* ---- one copy after another ---- */

/* In the order of the interfaces, not of the sides. */
static void count_all(const struct tap_writer *w, struct tap_counts count[2])
{
	memset(count, 0, 2 * sizeof(count[0]));
	for (int i = 0; i < 2; i++) {
		const struct side *s = &w->side[i];

		count[s->interface].taken_frames += s->taken + s->lost;
		count[s->interface].lost_frames +=
			s->lost + counter_read(&s->failed);
	}
}

/* What the sink took is not written for that. */
static void count_written(struct tap_writer *w)
{
	const struct tap_arrears *a = &w->arrears;

	for (uint32_t i = 0; i < 2; i++) {
		struct side *s = &w->side[w->side[0].tap &&
					  w->side[0].interface == i ? 0 : 1];

		counter_add(&s->failed, a->lost_frames[i] - w->failed_frames[i]);
		w->failed_frames[i] = a->lost_frames[i];
	}
	shared_write(&w->written_frames,
		     w->given_frames - a->waiting_frames - a->lost_frames[0] -
			     a->lost_frames[1]);
}

static void heed(struct tap_writer *w, int r)
{
	if (r == -ESHUTDOWN) {
		for (int i = 0; i < 2; i++)
			if (w->side[i].tap)
				tap_shut(w->side[i].tap);
		shared_write(&w->stopping, true);
		w->asked_to_end = true;
		return;
	}
	if (r == -EPIPE)
		shared_write(&w->ended, true);
	if (r)
		w->has_failed = true;
	if (unlikely(w->error != r))
		shared_write(&w->error, r);
}

/* False: there is none. */
static bool side_peek(struct side *s, struct tap_record *record)
{
	uint64_t lost;

	if (!s->tap || !tap_peek(s->tap, &record->frame, &record->len, &lost))
		return false;
	if (lost > s->lost)
		s->lost = lost;
	record->interface = s->interface;
	record->direction = s->direction;
	return true;
}

static bool may_wait(const struct tap_writer *w, const struct side *s,
		     uint64_t time_ns)
{
	if (w->real_ns - time_ns + ORDER_NS >= 2 * ORDER_NS)
		return false; /* old enough; or a clock has gone astray */
	return !tap_is_half_full(s->tap) && !shared_read(&w->stopping);
}

/* The side whose copy is next; NULL: nothing is to be written yet. */
static struct side *next_copy(struct tap_writer *w, struct tap_record *record)
{
	struct tap_record other;
	bool has = side_peek(&w->side[0], record);
	bool has_other = side_peek(&w->side[1], &other);
	struct side *s = &w->side[0];

	if (has_other && (!has || other.frame.time_ns < record->frame.time_ns)) {
		*record = other;
		s = &w->side[1];
	}
	if (!has && !has_other)
		return NULL;
	if (has != has_other && w->side[has].tap &&
	    may_wait(w, s, record->frame.time_ns))
		return NULL;
	return s;
}

static void write_copy(struct tap_writer *w, struct side *s,
		       struct tap_record *record)
{
	int r;

	/* Of a super-frame it tells where the layer is that is to be cut. */
	if (likely(!frame_is_super(&record->frame)))
		frame_finish_checksum(&record->frame);
	record->lost_before = s->lost - s->told;
	s->told = s->lost;
	r = w->sink->ops->write(w->sink, record);
	tap_next(s->tap);
	s->taken++;
	if (likely(!r)) {
		w->given_frames++;
		counter_add(&w->written_bytes, record->frame.len);
	} else {
		counter_add(&s->failed, 1);
	}
	heed(w, r);
}

/* Copies that were written, or failed. */
static uint32_t writer_turn(struct tap_writer *w)
{
	struct tap_record record;
	struct side *s;
	uint32_t n = 0;

	w->real_ns = clock_real_ns();
	while (n < BATCH && !w->ended && (s = next_copy(w, &record))) {
		write_copy(w, s, &record);
		n++;
	}
	return n;
}

/* ---- the clock ---- */

/* What was lost behind the last copy shows in no copy. */
static void look_for_losses(struct side *s)
{
	struct tap_record record;
	uint64_t lost;

	if (!s->tap)
		return;
	lost = tap_counts(s->tap).lost_frames;
	if (!side_peek(s, &record) && lost > s->lost)
		s->lost = lost;
}

static void writer_tick(struct tap_writer *w, uint64_t now_ns)
{
	struct tap_counts count[2];
	int r;

	for (int i = 0; i < 2; i++)
		look_for_losses(&w->side[i]);
	count_all(w, count);
	r = w->sink->ops->tick(w->sink, now_ns, count);
	count_written(w);
	if (r || !w->has_failed)
		heed(w, r);
	w->has_failed = false;
	w->has_news = false;
	w->tick_ns = now_ns;
}

static void writer_rest(struct tap_writer *w, uint64_t now_ns)
{
	struct tap *left = w->side[0].tap, *right = w->side[1].tap;
	bool dozes = now_ns - w->busy_ns < QUIET_NS || !tap_is_empty(left) ||
		     !tap_is_empty(right);

	tap_bell_sleep(&w->bell, dozes ? TAP_DOZES : TAP_SLEEPS,
		       dozes ? DOZE_NS : TICK_NS, left, right);
}

/* ---- the thread ---- */

/* What is still in the queues nobody writes any more. */
static void writer_end(struct tap_writer *w)
{
	struct tap_counts count[2];

	for (int i = 0; i < 2; i++) {
		struct side *s = &w->side[i];
		struct tap_counts all;

		if (!s->tap)
			continue;
		tap_shut(s->tap);
		all = tap_counts(s->tap);
		s->lost = all.lost_frames;
		counter_add(&s->failed,
			    all.taken_frames - all.lost_frames - s->taken);
		s->taken = all.taken_frames - all.lost_frames;
	}
	count_all(w, count);
	w->sink->ops->close(w->sink, count);
	w->sink = NULL;
	count_written(w);
}

static void *writer_run(void *arg)
{
	struct tap_writer *w = arg;
	uint64_t end_ns = 0;

	prctl(PR_SET_NAME, "tap");
	while (!w->ended) {
		bool stopping = shared_read(&w->stopping);
		uint64_t now_ns = clock_now_ns();
		uint32_t n = writer_turn(w);

		if (n) {
			w->busy_ns = now_ns;
			w->has_news = true;
		}
		if ((!n && w->has_news) || now_ns - w->tick_ns >= TICK_NS)
			writer_tick(w, now_ns);
		if (stopping && !end_ns)
			end_ns = now_ns + DRAIN_NS;
		if (stopping && (!n || now_ns > end_ns))
			break;
		if (!n)
			writer_rest(w, now_ns);
	}
	writer_end(w);
	shared_write(&w->ended, w->ended || w->asked_to_end);
	return NULL;
}

/* As the lanes' threads, it leaves signals to the main one; and a file that
 * is too large for a limit is an error, not the end (SIGXFSZ). */
static int start_thread(struct tap_writer *w)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&w->thread, &attr, writer_run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (r)
		log_err("tap: thread: %s", strerror(r));
	return -r;
}

/* ---- new and free ---- */

static int make_sides(struct tap_writer *w)
{
	const struct tap_params *p = &w->params;
	bool whole = tap_params_want_whole(p);
	int r = 0;

	for (uint32_t i = 0; i < 2 && !r; i++) {
		bool leaving = p->at[i] == TAP_OUT;
		const struct tap_stage_params stage = {
			.leaving = leaving,
			.snap_bytes = whole ? 0 : p->snap_bytes,
			.queue_bytes = p->queue_bytes,
			.match = w->match,
			.bell = &w->bell,
		};

		w->side[i].interface = leaving ? !i : i;
		w->side[i].direction = leaving ? DIRECTION_OUT : DIRECTION_IN;
		if (p->at[i] != TAP_NO)
			r = tap_new(&w->side[i].tap, &stage);
	}
	return r;
}

/* No thread has it. */
static void writer_free(struct tap_writer *w)
{
	if (w->sink)
		writer_end(w);
	for (int i = 0; i < 2; i++)
		tap_free(w->side[i].tap);
	filter_match_free(w->match);
	close_fd(&w->bell.fd);
	tap_params_fini(&w->params);
	free(w);
}

int tap_writer_new(struct tap_writer **writerp, const struct tap_params *params)
{
	struct tap_writer *w = calloc(1, sizeof(*w));
	int fd = params->to ? -1 : params->fd;
	int r;

	if (!w) {
		log_err("tap: %s", strerror(ENOMEM));
		close_fd(&fd);
		return -ENOMEM;
	}
	r = tap_params_copy(&w->params, params);
	w->bell.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!r && w->bell.fd < 0)
		r = -errno;
	if (r)
		log_err("tap: %s", strerror(-r));
	if (!r && w->params.filter && *w->params.filter)
		r = filter_match_new(&w->match, "tap", w->params.filter);
	if (!r)
		r = make_sides(w);
	if (!r) {
		fd = -1; /* the sink has it, whatever comes of that */
		r = tap_params_open(&w->params, &w->sink);
	}
	if (!r) {
		w->sink->arrears = &w->arrears;
		r = start_thread(w);
	}
	if (r) {
		close_fd(&fd);
		writer_free(w);
		return r;
	}
	*writerp = w;
	return 0;
}

struct stage *tap_writer_stage(struct tap_writer *writer, int side)
{
	return writer->side[side].tap ? tap_stage(writer->side[side].tap) : NULL;
}

void tap_writer_figures(const struct tap_writer *writer,
			struct tap_figures *figures)
{
	memset(figures, 0, sizeof(*figures));
	for (int i = 0; i < 2; i++) {
		const struct side *s = &writer->side[i];

		if (!s->tap)
			continue;
		figures->count[i] = tap_counts(s->tap);
		figures->count[i].lost_frames += counter_read(&s->failed);
	}
	figures->written_frames = counter_read(&writer->written_frames);
	figures->written_bytes = counter_read(&writer->written_bytes);
	figures->ended = shared_read(&writer->ended);
	figures->error = shared_read(&writer->error);
}

void tap_writer_end(struct tap_writer *writer)
{
	struct timespec until;

	if (writer->state != RUNS)
		return;
	shared_write(&writer->stopping, true);
	eventfd_write(writer->bell.fd, 1);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += END_SECONDS;
	if (!pthread_timedjoin_np(writer->thread, NULL, &until)) {
		writer->state = HAS_ENDED;
		return;
	}
	/* A disk may hang for ever; the wire, and whoever looks after it, not.
	 * What the thread has stays with it. */
	writer->state = IS_LEFT_BEHIND;
	log_err("tap %s: %s: does not come to an end: it is left behind",
		writer->params.id, writer->params.to ? writer->params.to : "-");
	pthread_detach(writer->thread);
}

void tap_writer_free(struct tap_writer *writer)
{
	if (!writer)
		return;
	tap_writer_end(writer);
	if (writer->state == HAS_ENDED)
		writer_free(writer);
}
