/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The receiving port of an injector: it draws frames from a source, has stages
 * choose and change them, cuts what is too long if it may, and lends each when
 * it is due. One feed serves one lane, and so one order for both of its ports.
 *
 * The lane's thread uses it as a port; what it tells (struct feed_figures) is
 * read by others.
 */
#ifndef BUMPWIRE_FEED_H
#define BUMPWIRE_FEED_H

#include "hist.h"
#include "pace.h"
#include "port.h"
#include "source.h"
#include "stage.h"

#define FEED_EGRESSES 2

/* Who comes later than this is behind its schedule. */
#define FEED_LATE_NS 1000000

enum feed_late { FEED_CATCH_UP, FEED_SLIP };
enum feed_oversize { FEED_OVERSIZE_SKIP, FEED_OVERSIZE_FAIL,
		     FEED_OVERSIZE_SEGMENT };

struct feed_params {
	struct source *source; /* these two are the feed's from then on */
	struct stage *stages;
	struct pace_params pace;
	uint64_t passes;         /* over the source; 0: for ever */
	uint64_t pass_delay_ns;
	uint64_t limit_frames;   /* 0: none */
	uint64_t duration_ns;    /* 0: none */
	enum feed_late late;
	enum feed_oversize oversize;
	uint32_t mtu[FEED_EGRESSES];
	/* Nobody waits: frames come at once, with the time at which they would
	 * have left. */
	bool rehearse;
	/* Both may be NULL. Pass 1, 2, ... begins; a frame's time_ns, at which
	 * it is to leave by the real-time clock, is known. */
	void (*on_pass)(void *arg, uint64_t pass);
	void (*on_due)(void *arg, struct frame *f);
	void *arg;
};

/* All by the lane's thread; others read it relaxed. */
struct feed_figures {
	uint64_t first_ns;     /* when the first frame left, monotonic; 0 */
	uint64_t last_ns;      /* when the last one had left */
	uint64_t planned_ns;   /* offset at which the last one was due */
	uint64_t late_frames;  /* more than FEED_LATE_NS */
	uint64_t slipped_ns;   /* by how much the schedule was moved */
	uint64_t pass;         /* over the source, from 0 */
	uint64_t lent_frames[FEED_EGRESSES];
	uint64_t oversize_frames; /* longer than the MTU, whatever was done */
	uint64_t fault;        /* -errno that ended the source, negated; or 0 */
	uint64_t complete;     /* 1: all that was asked for was lent */
};

struct feed;

/* Nothing is taken over unless this succeeds. 0 or -ENOMEM (logged). */
int feed_new(struct feed **fp, const struct feed_params *params);

/* port_close() of this frees the feed, its source and its stages. */
struct port *feed_port(struct feed *feed);

/* The schedule begins at this monotonic time; before the lane starts. Without
 * it, when the lane asks first. */
void feed_start_at(struct feed *feed, uint64_t start_ns);

const struct feed_figures *feed_figures(const struct feed *feed);

/*
 * Its duration (0: none) is over, says who has a clock while the source waits
 * for bytes: it waits no longer. The feed ends by itself, and is complete.
 */
void feed_expire(struct feed *feed);
uint64_t feed_duration_ns(const struct feed *feed);

/* It goes on until somebody stops it. */
bool feed_is_endless(const struct feed *feed);

/* How late each frame left, in nanoseconds: from when it was due to when the
 * kernel had taken it. Empty at top speed. */
const struct hist *feed_lateness(const struct feed *feed);

/* 0 to 1 of the whole run, or below 0 if nobody knows. */
double feed_progress(const struct feed *feed);

#endif
