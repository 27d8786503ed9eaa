/* SPDX-License-Identifier: BSD-2-Clause */
/* See feed.h. */
#include "config.h"

#include <errno.h>

#include "clock.h"
#include "feed.h"
#include "log.h"
#include "segment.h"

/* One more than are lent at once: for the frame that waits to be due. */
#define CUT_BUFFERS (BURST_RX + 1)
#define CUT_HEADROOM 64 /* keeps buffers apart by cache lines, too */

struct feed {
	struct port port;
	struct feed_params params;
	bool paces, races; /* by a schedule, at top speed; neither: rehearses */
	struct feed_figures figures;
	struct pace pace;
	struct hist *late;

	struct burst drawn; /* what the source lent, behind the stages */
	uint32_t at;        /* the next of these */
	bool pass_over;     /* nothing more behind them in this pass */
	uint64_t pass_lent; /* frames that this pass gave */

	struct segment_job job; /* a frame that is being cut */
	uint32_t n_cuts;        /* pieces that are still to come */
	struct frame whole;
	uint8_t *cut_buffer;
	size_t cut_bytes; /* of one buffer */
	uint32_t cut_at;

	struct frame next; /* the one that waits to be due */
	bool has_next;
	uint64_t next_due_ns; /* monotonic */

	uint64_t due_ns[BURST_RX]; /* of the frames that are lent */
	uint32_t n_lent;
	uint64_t n_lent_ever;

	uint64_t start_ns;      /* monotonic; 0: not yet */
	uint64_t start_real_ns; /* the same moment by the real-time clock */
	uint64_t hold_ns;       /* at top speed nothing leaves before */
	bool over;
	bool stopping; /* shared */
	bool expired;  /* shared: the duration is over */
};

static struct feed *feed_of(struct port *port)
{
	return container_of(port, struct feed, port);
}

void feed_start_at(struct feed *feed, uint64_t start_ns)
{
	uint64_t real_ns = clock_real_ns();

	feed->start_ns = feed->hold_ns = start_ns;
	feed->start_real_ns = real_ns + (start_ns - clock_now_ns());
}

/* Whether so much time after the start is beyond the duration. */
static bool is_beyond(const struct feed *feed, uint64_t offset_ns)
{
	return feed->params.duration_ns &&
	       offset_ns >= feed->params.duration_ns;
}

/* ---- from the source to the next frame ---- */

static void feed_end(struct feed *feed, int fault)
{
	feed->over = true;
	if (fault)
		shared_write(&feed->figures.fault, (uint64_t)-fault);
	shared_write(&feed->figures.complete, (uint64_t)!feed->figures.fault);
}

/* The next pass, or the end of all. */
static void feed_pass(struct feed *feed)
{
	uint64_t pass = feed->figures.pass + 1;
	int r;

	/* All of the last one has left; a schedule has the delay in it. */
	if (feed->params.pass_delay_ns && feed->races)
		feed->hold_ns = clock_now_ns() + feed->params.pass_delay_ns;
	/* A source that gives nothing would give nothing for ever. */
	if (pass == feed->params.passes || !feed->pass_lent ||
	    is_beyond(feed, feed->hold_ns - feed->start_ns)) {
		feed_end(feed, 0);
		return;
	}
	r = source_rewind(feed->params.source, pass);
	if (r) {
		feed_end(feed, r);
		return;
	}
	shared_write(&feed->figures.pass, pass);
	pace_pass(&feed->pace, feed->params.pass_delay_ns);
	if (feed->params.on_pass)
		feed->params.on_pass(feed->params.arg, pass);
	feed->pass_over = false;
	feed->pass_lent = 0;
}

static void feed_draw(struct feed *feed, struct lane_stats *s)
{
	struct burst *b = &feed->drawn;
	int r;

	if (feed->pass_over) {
		feed_pass(feed);
		return;
	}
	b->n = feed->at = 0;
	r = source_draw(feed->params.source, b, s);
	for (struct stage *st = feed->params.stages; st; st = st->next)
		stage_push(st, b, s, 0);
	if (r < 0) { /* what came before the fault is still lent */
		if (r != -ECANCELED || !shared_read(&feed->expired))
			shared_write(&feed->figures.fault, (uint64_t)-r);
		feed->params.passes = feed->figures.pass + 1;
	}
	feed->pass_over = r != SOURCE_MORE;
}

/* A frame over the MTU of its port: true if it will leave in pieces. */
static bool feed_cut(struct feed *feed, const struct frame *f, uint32_t mtu,
		     struct lane_stats *s)
{
	uint32_t n;

	shared_write(&feed->figures.oversize_frames,
		     feed->figures.oversize_frames + 1);
	if (feed->params.oversize == FEED_OVERSIZE_SEGMENT &&
	    !segment_start(&feed->job, f, segment_mss(f, mtu))) {
		n = segment_count(&feed->job);
		feed->n_cuts = n;
		counter_add(&s->split_frames, n - 1);
		return true;
	}
	stats_drop(s, REASON_OVERSIZE, 1);
	if (feed->params.oversize == FEED_OVERSIZE_FAIL) {
		log_err("a frame of %u bytes is longer than MTU %u allows: "
			"stopping", f->len, mtu);
		feed_end(feed, -EMSGSIZE);
	}
	return false;
}

static void feed_take_cut(struct feed *feed)
{
	uint8_t *to = feed->cut_buffer + feed->cut_at * feed->cut_bytes +
		      CUT_HEADROOM;
	uint32_t room = (uint32_t)feed->cut_bytes - CUT_HEADROOM;

	feed->cut_at = (feed->cut_at + 1) % CUT_BUFFERS;
	feed->next = feed->whole;
	feed->next.data = to;
	memset(&feed->next.vnet, 0, sizeof(feed->next.vnet));
	feed->has_next = segment_next(&feed->job, to, room, &feed->next.len);
	feed->n_cuts--;
}

static void feed_take(struct feed *feed, const struct frame *f,
		      struct lane_stats *s)
{
	uint32_t mtu = feed->params.mtu[f->egress];

	if (unlikely(f->len > frame_limit(f, mtu))) {
		feed->whole = *f;
		feed_cut(feed, f, mtu, s);
		return;
	}
	feed->next = *f;
	feed->has_next = true;
}

/* Say when the next frame is due, or that the run ends before it. */
static void feed_schedule(struct feed *feed)
{
	uint64_t offset_ns = pace_due(&feed->pace, &feed->next);

	if (offset_ns == PACE_NEVER || is_beyond(feed, offset_ns)) {
		feed_end(feed, 0);
		return;
	}
	shared_write(&feed->figures.planned_ns, offset_ns);
	feed->next_due_ns = feed->start_ns + offset_ns +
			    feed->figures.slipped_ns;
}

/* Have a next frame, if there is one now. What is lent lives in the drawn
 * burst, so another one is drawn only when nothing is. */
static bool feed_next(struct feed *feed, bool may_draw, struct lane_stats *s)
{
	while (!feed->has_next) {
		if (feed->over)
			return false;
		if (feed->n_cuts) {
			feed_take_cut(feed);
		} else if (feed->at < feed->drawn.n) {
			feed_take(feed, &feed->drawn.frame[feed->at++], s);
		} else if (may_draw) {
			feed_draw(feed, s);
			may_draw = false; /* others want their turn */
		} else {
			return false;
		}
		if (feed->has_next)
			feed_schedule(feed);
	}
	return !feed->over;
}

/* ---- lending ---- */

/* Whether the next frame may leave; the clock is read when it matters. */
static bool feed_is_due(struct feed *feed, uint64_t *now_ns)
{
	uint64_t late_ns;

	if (!feed->paces)
		return !feed->races || feed->hold_ns <= *now_ns;
	if (feed->next_due_ns > *now_ns) {
		*now_ns = clock_now_ns();
		if (feed->next_due_ns > *now_ns)
			return false;
	}
	late_ns = *now_ns - feed->next_due_ns;
	if (unlikely(late_ns > FEED_LATE_NS)) {
		counter_add(&feed->figures.late_frames, 1);
		if (feed->params.late == FEED_SLIP) {
			counter_add(&feed->figures.slipped_ns, late_ns);
			feed->next_due_ns += late_ns;
		}
	}
	return true;
}

static void feed_lend(struct feed *feed, struct burst *b, uint64_t now_ns)
{
	struct frame *f = &b->frame[b->n++];
	uint64_t due_ns = feed->next_due_ns;

	*f = feed->next;
	feed->has_next = false;
	if (feed->races)
		due_ns = now_ns;
	f->time_ns = feed->start_real_ns + (due_ns - feed->start_ns);
	if (feed->params.on_due)
		feed->params.on_due(feed->params.arg, f);
	feed->due_ns[feed->n_lent++] = due_ns;
	feed->pass_lent++;
	/* Not when the next one is there: for that somebody may have to wait. */
	if (++feed->n_lent_ever == feed->params.limit_frames)
		feed_end(feed, 0);
	counter_add(&feed->figures.lent_frames[f->egress], 1);
}

static void feed_rx(struct port *port, struct burst *b, struct lane_stats *s)
{
	struct feed *feed = feed_of(port);
	uint64_t now_ns = 0;

	if (!feed->start_ns)
		feed_start_at(feed, clock_now_ns());
	if (feed->races) {
		now_ns = clock_now_ns();
		if (now_ns > feed->start_ns &&
		    is_beyond(feed, now_ns - feed->start_ns))
			feed_end(feed, 0);
	}
	while (b->n < BURST_RX && feed_next(feed, !b->n, s) &&
	       feed_is_due(feed, &now_ns))
		feed_lend(feed, b, now_ns);
	if (unlikely(!feed->figures.first_ns) && b->n)
		shared_write(&feed->figures.first_ns, clock_now_ns());
	shared_write(&s->held_frames, (uint64_t)(feed->drawn.n - feed->at) +
					      feed->n_cuts + feed->has_next);
}

static void feed_release(struct port *port)
{
	struct feed *feed = feed_of(port);
	uint64_t now_ns;

	if (!feed->n_lent)
		return;
	now_ns = clock_now_ns();
	for (uint32_t i = 0; feed->paces && i < feed->n_lent; i++)
		hist_add(feed->late, now_ns - feed->due_ns[i]);
	feed->n_lent = 0;
	shared_write(&feed->figures.last_ns, now_ns);
}

static uint64_t feed_due_ns(struct port *port)
{
	const struct feed *feed = feed_of(port);

	if (feed->over || shared_read(&feed->stopping))
		return PORT_ENDED;
	if (!feed->has_next || feed->params.rehearse)
		return 0;
	return feed->races ? feed->hold_ns : feed->next_due_ns;
}

static int feed_stop(struct port *port)
{
	shared_write(&feed_of(port)->stopping, true);
	source_stop(feed_of(port)->params.source);
	return 0;
}

void feed_expire(struct feed *feed)
{
	shared_write(&feed->expired, true);
	source_stop(feed->params.source);
}

uint64_t feed_duration_ns(const struct feed *feed)
{
	return feed->params.duration_ns;
}

static void feed_counters(struct port *port, struct port_counters *c)
{
	(void)port;
	memset(c, 0, sizeof(*c)); /* no kernel stands before a source */
}

static void feed_close(struct port *port)
{
	struct feed *feed = feed_of(port);
	struct stage *next;

	for (struct stage *st = feed->params.stages; st; st = next) {
		next = st->next;
		stage_free(st);
	}
	source_close(feed->params.source);
	hist_free(feed->late);
	free(feed->cut_buffer);
	free(feed);
}

static const struct port_ops feed_ops = {
	.name = "feed",
	.rx = feed_rx,
	.release = feed_release,
	.due_ns = feed_due_ns,
	.stop_rx = feed_stop,
	.counters = feed_counters,
	.close = feed_close,
};

/* ---- the object ---- */

/* Room for pieces as long as the larger MTU allows. */
static int alloc_cuts(struct feed *feed)
{
	uint32_t mtu = feed->params.mtu[0];

	if (feed->params.oversize != FEED_OVERSIZE_SEGMENT)
		return 0;
	if (feed->params.mtu[1] > mtu)
		mtu = feed->params.mtu[1];
	feed->cut_bytes = CUT_HEADROOM + mtu + 14 + 2 * FRAME_TAG_BYTES;
	feed->cut_buffer = malloc(feed->cut_bytes * CUT_BUFFERS);
	return feed->cut_buffer ? 0 : -ENOMEM;
}

int feed_new(struct feed **fp, const struct feed_params *params)
{
	struct feed *feed = calloc(1, sizeof(*feed));

	if (!feed)
		goto fail;
	feed->port.ops = &feed_ops;
	feed->port.name = params->source->ops->name;
	feed->params = *params;
	feed->races = params->pace.mode == PACE_TOPSPEED && !params->rehearse;
	feed->paces = !feed->races && !params->rehearse;
	pace_init(&feed->pace, &params->pace);
	feed->late = hist_new();
	if (!feed->late || alloc_cuts(feed))
		goto fail;
	*fp = feed;
	return 0;
fail:
	if (feed)
		hist_free(feed->late);
	free(feed);
	log_err("feed: %s", strerror(ENOMEM));
	return -ENOMEM;
}

struct port *feed_port(struct feed *feed)
{
	return &feed->port;
}

const struct feed_figures *feed_figures(const struct feed *feed)
{
	return &feed->figures;
}

const struct hist *feed_lateness(const struct feed *feed)
{
	return feed->late;
}

/* Of the source, of the frames, or of the time: whichever ends first. */
double feed_progress(const struct feed *feed)
{
	const struct feed_params *p = &feed->params;
	uint64_t pass = shared_read(&feed->figures.pass);
	uint64_t lent = shared_read(&feed->figures.lent_frames[0]) +
			shared_read(&feed->figures.lent_frames[1]);
	double drawn = source_progress(p->source);
	double done = -1, part;

	if (p->passes && drawn >= 0)
		done = ((double)pass + drawn) / (double)p->passes;
	if (p->limit_frames) {
		part = (double)lent / (double)p->limit_frames;
		done = part > done ? part : done;
	}
	if (p->duration_ns && feed->start_ns) {
		part = (double)(shared_read(&feed->figures.last_ns) -
				feed->start_ns) / (double)p->duration_ns;
		done = part > done ? part : done;
	}
	return done > 1 ? 1 : done;
}

bool feed_is_endless(const struct feed *feed)
{
	const struct feed_params *p = &feed->params;

	return !p->passes && !p->limit_frames && !p->duration_ns;
}
