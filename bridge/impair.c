/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See impair.h. A push has three steps: what is to happen to each frame is
 * drawn, for a whole burst at a time; then frames are corrupted and lost where
 * they stand; and only if some are to be sent twice or late, or wait to be given
 * back, the burst is put aside and made anew.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "impair.h"
#include "impair_draw.h"
#include "log.h"

/* What is to happen to a frame. */
enum fate {
	FATE_LOST = 1,
	FATE_CORRUPT = 2,
	FATE_TWICE = 4,
	FATE_LATE = 8,
	FATE_COPY_LATE = 16,
};

struct impair {
	struct stage stage;
	struct impair_params params;
	struct pool *pool;

	struct chance lose;
	struct gemodel ge;
	struct pattern pattern;
	struct chance corrupt;
	struct rng place; /* which bit of a frame */
	struct noise noise;
	struct chance duplicate;
	struct chance reorder, reorder_copy;
	bool corrupts, rearranges; /* some of it may happen */

	/* Those that wait to be overtaken, in order of arrival. */
	struct held_queue late;
	uint64_t passed;    /* frames that went on while there were any */
	uint64_t passed_ns; /* when the last of these had arrived */

	/* The burst at hand: what is left of it, and what is to happen. */
	uint32_t n, at;
	struct frame frame[BURST_MAX];
	uint8_t fate[BURST_MAX];

	uint64_t lost, corrupted, duplicated, reordered;
};

/* ---- draws ---- */

static void draw(struct impair *im, uint32_t n)
{
	uint8_t *fate = im->fate;

	memset(fate, 0, n);
	switch (im->params.loss_model) {
	case IMPAIR_LOSS_NONE:
		break;
	case IMPAIR_LOSS_RANDOM:
		chance_draw(&im->lose, fate, n, FATE_LOST);
		break;
	case IMPAIR_LOSS_GEMODEL:
		gemodel_draw(&im->ge, fate, n, FATE_LOST);
		break;
	case IMPAIR_LOSS_PATTERN:
		pattern_draw(&im->pattern, fate, n, FATE_LOST);
		break;
	}
	chance_draw(&im->corrupt, fate, n, FATE_CORRUPT);
	chance_draw(&im->duplicate, fate, n, FATE_TWICE);
	chance_draw(&im->reorder, fate, n, FATE_LATE);
	chance_draw(&im->reorder_copy, fate, n, FATE_COPY_LATE);
}

/* ---- corruption ---- */

/* The receiver is to notice: whoever vouches for the checksum, or was to make
 * it, is taken out before a bit is flipped. */
static void frame_settle(struct frame *f)
{
	frame_finish_checksum(f);
	memset(&f->vnet, 0, sizeof(f->vnet));
}

static void flip(struct frame *f, uint64_t bit)
{
	f->data[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
}

/* Flip the bits of a frame that are bad; whether there were any. */
static bool noise_corrupt(struct noise *noise, struct frame *f)
{
	uint64_t bits = (uint64_t)f->len * 8, at = noise->ahead;

	if (likely(at >= bits)) {
		noise->ahead = at - bits;
		return false;
	}
	frame_settle(f);
	while (at < bits) {
		flip(f, at);
		at += 1 + noise_distance(noise);
	}
	noise->ahead = at - bits;
	return true;
}

/* Frames that are lost are corrupted, too: nobody sees it, and the generators
 * go the same way whether they are lost or not. */
static void corrupt(struct impair *im, struct burst *b)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		struct frame *f = &b->frame[i];
		bool hit = im->fate[i] & FATE_CORRUPT;

		if (unlikely(frame_is_super(f)))
			continue;
		if (unlikely(hit)) {
			frame_settle(f);
			flip(f, rng_below(&im->place, (uint64_t)f->len * 8));
		}
		if (im->params.bit_errors > 0)
			hit |= noise_corrupt(&im->noise, f);
		n += hit && !(im->fate[i] & FATE_LOST);
	}
	counter_add(&im->corrupted, n);
}

/* ---- loss ---- */

static void lose(struct impair *im, struct burst *b, struct lane_stats *s)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		if (unlikely(im->fate[i] & FATE_LOST))
			continue;
		if (unlikely(kept != i)) {
			b->frame[kept] = b->frame[i];
			im->fate[kept] = im->fate[i];
		}
		kept++;
	}
	if (kept != b->n) {
		counter_add(&im->lost, b->n - kept);
		stats_drop(s, REASON_IMPAIRED, b->n - kept);
	}
	b->n = kept;
}

/* ---- duplication and reordering ---- */

/* Keep a frame back until others have overtaken it. False: there is no room;
 * then it goes on as if it had not been chosen. */
static bool keep_back(struct impair *im, const struct frame *f,
		      struct lane_stats *s, uint64_t now_ns)
{
	struct held *held = pool_keep(im->pool, f);

	if (!held)
		return false;
	held->mine.number = im->passed;
	held->mine.due_ns = now_ns + IMPAIR_WAIT_NS;
	held_queue_push(&im->late, held);
	stats_hold(s, 1);
	return true;
}

static uint32_t overtaken_by(const struct impair *im, const struct held *held)
{
	uint64_t n = im->passed - held->mine.number;

	return n < im->params.reorder_gap ? (uint32_t)n :
					    im->params.reorder_gap;
}

/*
 * The first of those that wait goes on. A delay that stands behind counts from
 * a frame's arrival, and would undo what is done here: so that is now the one
 * of the frame which it follows, or the end of its waiting.
 */
static void give_first(struct impair *im, struct burst *b, struct lane_stats *s)
{
	struct held *held = held_queue_pop(&im->late);
	uint32_t n = overtaken_by(im, held);
	uint64_t end_ns = held->frame.time_ns + IMPAIR_WAIT_NS;

	held->frame.time_ns = im->passed_ns;
	if (n < im->params.reorder_gap && end_ns > im->passed_ns)
		held->frame.time_ns = end_ns;
	if (n)
		counter_add(&im->reordered, 1);
	pool_lend(im->pool, held, &b->frame[b->n++]);
	stats_unhold(s, 1);
}

/* Those that have been overtaken, or have waited until now. False: there is no
 * room for more. */
static bool give_back(struct impair *im, struct burst *b, struct lane_stats *s,
		      uint64_t now_ns)
{
	while (im->late.first) {
		if (overtaken_by(im, im->late.first) < im->params.reorder_gap &&
		    now_ns < im->late.first->mine.due_ns)
			break;
		if (b->n == BURST_MAX)
			return false;
		give_first(im, b, s);
	}
	return true;
}

static void pass(struct impair *im, struct burst *b, const struct frame *f)
{
	b->frame[b->n++] = *f;
	im->passed++;
	im->passed_ns = f->time_ns;
}

/* A frame, and its copy right behind it. The copy is borrowed whosever the
 * frame is: its bytes live as long, for both are in one burst, or kept. */
static void pass_or_wait(struct impair *im, struct burst *b,
			 struct lane_stats *s, uint64_t now_ns)
{
	struct frame f = im->frame[im->at];
	uint8_t fate = im->fate[im->at++];

	if (!(fate & FATE_LATE) || !keep_back(im, &f, s, now_ns))
		pass(im, b, &f);
	if (!(fate & FATE_TWICE))
		return;
	counter_add(&im->duplicated, 1);
	counter_add(&s->duplicated_frames, 1);
	f.held = NULL;
	if (!(fate & FATE_COPY_LATE) || !keep_back(im, &f, s, now_ns))
		pass(im, b, &f);
}

/*
 * Make the burst anew, as far as it has room. Who has waited long enough goes
 * behind what is here: had the lane been late, and not the frames, a run would
 * not repeat.
 */
static bool rearrange(struct impair *im, struct burst *b, struct lane_stats *s,
		      uint64_t now_ns)
{
	b->n = 0;
	for (; im->at < im->n; pass_or_wait(im, b, s, now_ns))
		if (!give_back(im, b, s, 0) ||
		    b->n + (im->fate[im->at] & FATE_TWICE ? 2 : 1) > BURST_MAX)
			return true;
	if (!give_back(im, b, s, now_ns))
		return true;
	im->at = im->n = 0;
	return false;
}

/* The burst can go on as it is. */
static bool is_in_order(const struct impair *im, const struct burst *b)
{
	uint8_t any = 0;

	if (!im->rearranges)
		return true;
	for (uint32_t i = 0; i < b->n; i++)
		any |= im->fate[i];
	return !im->late.first && !(any & (FATE_TWICE | FATE_LATE));
}

/* ---- the stage ---- */

static bool impair_push(struct stage *stage, struct burst *b,
			struct lane_stats *s, uint64_t now_ns)
{
	struct impair *im = container_of(stage, struct impair, stage);

	if (b->n) {
		draw(im, b->n);
		if (im->corrupts)
			corrupt(im, b);
		if (im->params.loss_model != IMPAIR_LOSS_NONE)
			lose(im, b, s);
		if (is_in_order(im, b))
			return false;
		im->n = b->n;
		memcpy(im->frame, b->frame, b->n * sizeof(*b->frame));
	}
	return rearrange(im, b, s, now_ns);
}

static uint64_t impair_due_ns(const struct stage *stage)
{
	const struct impair *im = container_of(stage, struct impair, stage);

	return im->late.first ? im->late.first->mine.due_ns : STAGE_NEVER;
}

static bool impair_flush(struct stage *stage, struct burst *b,
			 struct lane_stats *s)
{
	struct impair *im = container_of(stage, struct impair, stage);

	while (im->late.first && b->n < BURST_MAX)
		give_first(im, b, s);
	return im->late.first;
}

static bool impair_count(const struct stage *stage, size_t i,
			 struct stage_count *count)
{
	const struct impair *im = container_of(stage, struct impair, stage);
	const struct {
		const char *name;
		const uint64_t *value;
	} counts[] = {
		{ "lost", &im->lost },
		{ "duplicated", &im->duplicated },
		{ "corrupted", &im->corrupted },
		{ "reordered", &im->reordered },
	};

	if (i >= ARRAY_SIZE(counts))
		return false;
	count->name = counts[i].name;
	count->value = counter_read(counts[i].value);
	return true;
}

static void impair_reset(struct stage *stage)
{
	struct impair *im = container_of(stage, struct impair, stage);

	shared_write(&im->lost, 0);
	shared_write(&im->corrupted, 0);
	shared_write(&im->duplicated, 0);
	shared_write(&im->reordered, 0);
}

static void impair_free(struct stage *stage)
{
	free(container_of(stage, struct impair, stage));
}

static const struct stage_ops impair_ops = {
	.name = "impair",
	.push = impair_push,
	.due_ns = impair_due_ns,
	.flush = impair_flush,
	.count = impair_count,
	.reset = impair_reset,
	.free = impair_free,
};

/* In this order for ever: a seed means the same in the next release. */
static void impair_seed(struct impair *im)
{
	struct rng rng = { im->params.seed };
	struct rng *const one[] = {
		&im->lose.rng, &im->ge.hit_rng, &im->ge.leave_rng,
		&im->corrupt.rng, &im->place, &im->noise.rng,
		&im->duplicate.rng, &im->reorder.rng, &im->reorder_copy.rng,
	};

	for (size_t i = 0; i < ARRAY_SIZE(one); i++)
		one[i]->state = rng_next(&rng);
}

static void impair_set_odds(struct impair *im)
{
	const struct impair_params *p = &im->params;

	im->lose.odds = odds_of(p->loss);
	im->ge.hit[0] = odds_of(p->good_loss);
	im->ge.hit[1] = odds_of(p->bad_loss);
	im->ge.leave[0] = odds_of(p->to_bad);
	im->ge.leave[1] = odds_of(p->to_good);
	im->pattern.letters = p->pattern;
	im->pattern.n = strlen(p->pattern);
	im->corrupt.odds = odds_of(p->corrupt);
	im->duplicate.odds = odds_of(p->duplicate);
	im->reorder.odds = odds_of(p->reorder);
	if (p->duplicate > 0)
		im->reorder_copy.odds = im->reorder.odds;
	if (p->bit_errors > 0)
		noise_init(&im->noise, p->bit_errors);
	im->corrupts = p->corrupt > 0 || p->bit_errors > 0;
	im->rearranges = p->duplicate > 0 || p->reorder > 0;
}

bool impair_is_random(const struct impair_params *p)
{
	return p->loss_model == IMPAIR_LOSS_GEMODEL || p->loss > 0 ||
	       p->duplicate > 0 || p->corrupt > 0 || p->bit_errors > 0 ||
	       p->reorder > 0;
}

bool impair_is_wanted(const struct impair_params *p)
{
	return p->loss_model == IMPAIR_LOSS_PATTERN || impair_is_random(p);
}

int impair_new(struct stage **stagep, const struct impair_params *params,
	       struct pool *pool)
{
	struct impair *im = calloc(1, sizeof(*im));

	if (!im) {
		log_err("impair: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	im->stage.ops = &impair_ops;
	im->pool = pool;
	im->params = *params;
	if (!im->params.reorder_gap)
		im->params.reorder_gap = 1;
	impair_seed(im);
	impair_set_odds(im);
	*stagep = &im->stage;
	return 0;
}
