/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where an injector's frames come from: captures, a template. A source knows
 * the order of its frames and their distance in time, but no clock and no
 * port: the feed (feed.h) draws from it and says when each may leave.
 */
#ifndef BUMPWIRE_SOURCE_H
#define BUMPWIRE_SOURCE_H

#include "frame.h"
#include "stats.h"

/* Writable bytes before each frame of a source: room for tags. */
#define SOURCE_HEADROOM 16

#define SOURCE_END 0
#define SOURCE_MORE 1

struct source;

struct source_ops {
	const char *name;
	/*
	 * Lend up to BURST_RX frames, which are borrowed and may be changed in
	 * place until the next draw; b->n is 0 before. `time_ns` counts from
	 * the first frame of the pass and never runs backwards. Each frame that
	 * was read is counted as received; those that the source leaves out
	 * are counted as dropped, too.
	 *
	 * SOURCE_MORE; SOURCE_END when the pass ends with this burst (which
	 * may hold frames); -errno (logged) when it ends so by a fault.
	 */
	int (*draw)(struct source *source, struct burst *b,
		    struct lane_stats *s);
	/* Begin pass 1, 2, ...; pass 0 needs no call. 0, or -errno (logged). */
	int (*rewind)(struct source *source, uint64_t pass);
	/* Whoever waits in draw() for bytes that do not come gives up; from
	 * another thread. NULL: it never waits. */
	void (*stop)(struct source *source);
	/* How much of this pass was drawn, 0 to 1; below 0 if unknown. */
	double (*progress)(const struct source *source);
	void (*close)(struct source *source);
};

struct source {
	const struct source_ops *ops;
};

static inline int source_draw(struct source *source, struct burst *b,
			      struct lane_stats *s)
{
	return source->ops->draw(source, b, s);
}

static inline int source_rewind(struct source *source, uint64_t pass)
{
	return source->ops->rewind(source, pass);
}

static inline double source_progress(const struct source *source)
{
	return source->ops->progress(source);
}

static inline void source_stop(struct source *source)
{
	if (source->ops->stop)
		source->ops->stop(source);
}

static inline void source_close(struct source *source)
{
	if (source)
		source->ops->close(source);
}

#endif
