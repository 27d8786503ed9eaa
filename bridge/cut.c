/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See cut.h. A burst's super-frames may become more frames than a burst has
 * room for, and more bytes than there are here, so the burst is remembered and
 * given on in parts.
 */
#include "config.h"

#include <errno.h>

#include "cut.h"
#include "log.h"
#include "segment.h"

/* For a burst of the usual 1514 bytes; at least one of the longest. */
#define ROOM_BYTES (BURST_MAX * 2048)

struct cut {
	struct stage stage;
	enum cut_what what;
	uint8_t *room;      /* the segments of one push */
	uint32_t used_bytes; /* of it */
	struct segment_job job;
	bool busy;          /* with the job: it is cut in the middle */
	uint32_t next;      /* of the frames that are to be given on */
	uint32_t n;
	uint64_t super_frames;
	uint64_t segments;
	struct frame frame[BURST_MAX];
};

_Static_assert(ROOM_BYTES >= FRAME_MAX_BYTES + FRAME_HEADROOM,
	       "a segment has room");

static struct cut *cut_of(const struct stage *stage)
{
	return container_of(stage, struct cut, stage);
}

static bool is_for_us(const struct cut *cut, const struct frame *f)
{
	return unlikely(frame_is_super(f)) &&
	       (cut->what == CUT_ALL || !frame_segment_bytes(f));
}

static bool job_begin(struct cut *cut, const struct frame *f,
		      struct lane_stats *s)
{
	uint32_t n;

	if (segment_start_super(&cut->job, f)) {
		stats_drop(s, REASON_UNSEGMENTABLE, 1);
		return false;
	}
	n = segment_count(&cut->job);
	counter_add(&s->split_frames, n - 1);
	counter_add(&cut->super_frames, 1);
	counter_add(&cut->segments, n);
	cut->busy = true;
	return true;
}

/* As many segments as there is room for. False: there was too little. */
static bool job_go_on(struct cut *cut, const struct frame *f, struct burst *b)
{
	uint32_t left = segment_count(&cut->job) - cut->job.n;

	while (left && b->n < BURST_MAX) {
		uint32_t at = cut->used_bytes + FRAME_HEADROOM, len;

		if (at >= ROOM_BYTES ||
		    !segment_next(&cut->job, cut->room + at, ROOM_BYTES - at,
				  &len))
			return false;
		b->frame[b->n++] = (struct frame){
			.data = cut->room + at,
			.len = len,
			.egress = f->egress,
			.time_ns = f->time_ns,
		};
		cut->used_bytes = (at + len + 7) & ~7u;
		left--;
	}
	cut->busy = left;
	return !left;
}

/* Give on what fits; true: there is more. */
static bool give_on(struct cut *cut, struct burst *b, struct lane_stats *s)
{
	cut->used_bytes = 0;
	while (cut->next < cut->n) {
		const struct frame *f = &cut->frame[cut->next];

		if (cut->busy || is_for_us(cut, f)) {
			if ((cut->busy || job_begin(cut, f, s)) &&
			    !job_go_on(cut, f, b))
				return true;
		} else if (b->n < BURST_MAX) {
			b->frame[b->n++] = *f;
		} else {
			return true;
		}
		cut->next++;
	}
	return false;
}

static bool cut_push(struct stage *stage, struct burst *b,
		     struct lane_stats *s, uint64_t now_ns)
{
	struct cut *cut = cut_of(stage);
	uint32_t i = 0;

	(void)now_ns;
	if (cut->next < cut->n)
		return give_on(cut, b, s);
	while (i < b->n && !is_for_us(cut, &b->frame[i]))
		i++;
	if (likely(i == b->n))
		return false;
	cut->next = 0;
	cut->n = b->n - i;
	memcpy(cut->frame, b->frame + i, cut->n * sizeof(*cut->frame));
	b->n = i;
	return give_on(cut, b, s);
}

static bool cut_count(const struct stage *stage, size_t i,
		      struct stage_count *count)
{
	const struct cut *cut = cut_of(stage);

	switch (i) {
	case 0:
		count->name = "super_frames";
		count->value = counter_read(&cut->super_frames);
		return true;
	case 1:
		count->name = "segments";
		count->value = counter_read(&cut->segments);
		return true;
	}
	return false;
}

static void cut_reset(struct stage *stage)
{
	struct cut *cut = cut_of(stage);

	shared_write(&cut->super_frames, 0);
	shared_write(&cut->segments, 0);
}

static void cut_free(struct stage *stage)
{
	struct cut *cut = cut_of(stage);

	free(cut->room);
	free(cut);
}

static const struct stage_ops cut_ops[] = {
	[CUT_ALL] = {
		.name = "cut",
		.push = cut_push,
		.count = cut_count,
		.reset = cut_reset,
		.free = cut_free,
	},
	[CUT_UNCARRIED] = {
		.name = "cut_rest",
		.push = cut_push,
		.count = cut_count,
		.reset = cut_reset,
		.free = cut_free,
	},
};

int cut_new(struct stage **stagep, enum cut_what what)
{
	struct cut *cut = calloc(1, sizeof(*cut));

	if (cut)
		cut->room = malloc(ROOM_BYTES);
	if (!cut || !cut->room) {
		log_err("cut: %s", strerror(ENOMEM));
		free(cut);
		return -ENOMEM;
	}
	cut->stage.ops = &cut_ops[what];
	cut->what = what;
	*stagep = &cut->stage;
	return 0;
}
