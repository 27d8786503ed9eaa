/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See bridge_stages.h. What a stage is asked for stands in the table of keys:
 * a key names the stages that it is for, and how its text is read.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "bridge_stages.h"
#include "bridge_taps.h"
#include "clock.h"
#include "conf_diff.h"
#include "conf_value.h"
#include "cut.h"
#include "log.h"
#include "rng.h"
#include "stage_params.h"

/* What a stage is made by. */
struct making {
	const struct bridge *b;
	const struct conf_pair *conf;
	enum side side;
	enum stage_kind kind;
	struct pool *pool;
	union stage_params params;
};

static const char *text_of(const struct conf_key *key,
			   const struct conf_pair *conf, enum side side)
{
	return value_text(key, conf, side, NULL, 0);
}

static bool is_for(const struct conf_key *key, enum stage_kind kind)
{
	return key->type == CONF_TEXT && key->parse &&
	       key->stages & 1u << kind;
}

/* What is asked of a stage. A file that a key names may have gone meanwhile. */
static int read_params(struct making *m)
{
	memset(&m->params, 0, sizeof(m->params));
	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *key = &conf_key[i];
		const char *text;

		if (!is_for(key, m->kind))
			continue;
		text = text_of(key, m->conf, m->side);
		if (!*text || !key->parse(text, &m->params))
			continue;
		log_err("pair %s: %s.%s: '%s': allowed is %s", m->conf->name,
			side_name[m->side], key->name, text, key->allowed);
		return -EINVAL;
	}
	return 0;
}

/* Is anything asked of it? A loss of 0% is not. */
static bool is_wanted(const struct conf_pair *conf, enum side side,
		      enum stage_kind kind)
{
	struct making m = { .conf = conf, .side = side, .kind = kind };

	if (read_params(&m))
		return true; /* for whoever makes it to say so */
	switch (kind) {
	case STAGE_EDIT:
		return edit_is_wanted(&m.params.edit);
	case STAGE_IMPAIR:
		return impair_is_wanted(&m.params.impair);
	case STAGE_DELAY:
		return delay_is_wanted(&m.params.delay);
	case STAGE_RATE:
		return m.params.rate.bps;
	default:
		return false;
	}
}

/* Each lane and each stage draws its own numbers. */
static uint64_t seed_of(const struct making *m)
{
	uint64_t seed = m->conf->seed ? m->conf->seed : m->b->seed;
	struct rng of_lane = { 2 * seed + m->side };
	struct rng of_stage = { rng_next(&of_lane) };

	if (m->kind == STAGE_DELAY)
		rng_next(&of_stage);
	return rng_next(&of_stage);
}

/* Must super-frames be cut before they come to a stage? */
static bool wants_frames(const struct bridge *b, const struct conf_pair *conf,
			 enum side side)
{
	struct making m = { .b = b, .conf = conf, .side = side };

	if (is_wanted(conf, side, STAGE_IMPAIR))
		return true;
	m.kind = STAGE_DELAY;
	if (is_wanted(conf, side, m.kind) && !read_params(&m) &&
	    delay_wants_frames(&m.params.delay))
		return true;
	m.kind = STAGE_RATE;
	return is_wanted(conf, side, m.kind) && !read_params(&m) &&
	       rate_wants_frames(&m.params.rate);
}

/* ---- the table ---- */

static int make_filter(struct making *m, struct stage **stage)
{
	const struct stage *before =
		m->b->chain[m->side].stage[STAGE_FILTER];
	autoclean(free_ptr) struct filter_rule *rule = NULL;
	size_t n;

	rule = conf_rules(m->conf, m->side, &n);
	if (!rule)
		return -ENOMEM;
	return n ? filter_new(stage, rule, n, before) : 0;
}

static int make_edit(struct making *m, struct stage **stage)
{
	return edit_new(stage, &m->params.edit);
}

static int make_impair(struct making *m, struct stage **stage)
{
	m->params.impair.seed = seed_of(m);
	return impair_new(stage, &m->params.impair, m->pool);
}

static int make_delay(struct making *m, struct stage **stage)
{
	m->params.delay.seed = seed_of(m);
	return delay_new(stage, &m->params.delay, m->pool);
}

static int make_rate(struct making *m, struct stage **stage)
{
	return rate_new(stage, &m->params.rate, m->pool);
}

static int make_cut(struct making *m, struct stage **stage)
{
	if (!wants_frames(m->b, m->conf, m->side))
		return 0;
	return cut_new(stage, CUT_ALL);
}

/* Always there: frames that are held may come from when nothing was cut. */
static int make_cut_rest(struct making *m, struct stage **stage)
{
	(void)m;
	return cut_new(stage, CUT_UNCARRIED);
}

/* By STAGE_*; taps are no rows, for there may be several of them. */
static const struct {
	int (*make)(struct making *m, struct stage **stage);
	bool by_keys; /* its keys say whether there is one, and another one */
	bool holds;
} row[STAGE_KINDS] = {
	[STAGE_FILTER] = { make_filter, false, false },
	[STAGE_EDIT] = { make_edit, true, false },
	[STAGE_CUT] = { make_cut, false, false },
	[STAGE_IMPAIR] = { make_impair, true, true },
	[STAGE_DELAY] = { make_delay, true, true },
	[STAGE_RATE] = { make_rate, true, true },
	[STAGE_CUT_REST] = { make_cut_rest, false, false },
};

/* ---- make ---- */

/* Can the stage that is there, or that there is none, stay? */
static bool stays(const struct making *m)
{
	const struct bridge_chain *now = &m->b->chain[m->side];

	if (!now->is_made)
		return false;
	if (m->kind == STAGE_CUT_REST)
		return true;
	if (m->kind == STAGE_CUT)
		return wants_frames(m->b, m->conf, m->side) ==
		       (now->stage[STAGE_CUT] != NULL);
	return row[m->kind].by_keys &&
	       !conf_stage_differs(m->b->conf, m->conf, m->side, m->kind);
}

static int make_stage(struct making *m, struct bridge_chain *chain)
{
	int r = 0;

	chain->stage[m->kind] = NULL;
	if (stays(m)) {
		chain->stage[m->kind] = m->b->chain[m->side].stage[m->kind];
		return 0;
	}
	chain->fresh[m->kind] = true;
	if (row[m->kind].by_keys) {
		if (!is_wanted(m->conf, m->side, m->kind))
			return 0;
		r = read_params(m);
	}
	return r ? r : row[m->kind].make(m, &chain->stage[m->kind]);
}

/* The memory that is there, as long as it is as large as is wanted. */
static int make_pool(const struct bridge *b, const struct conf_pair *conf,
		     enum side side, struct bridge_chain *chain)
{
	const struct bridge_chain *now = &b->chain[side];
	bool wanted = false;

	for (int kind = 0; kind < STAGE_KINDS; kind++)
		wanted |= row[kind].holds &&
			  is_wanted(conf, side, (enum stage_kind)kind);
	chain->pool = now->pool;
	if (wanted && now->pool && b->conf->hold_bytes == conf->hold_bytes)
		return 0;
	chain->pool = NULL;
	chain->fresh_pool = true;
	return wanted ? pool_new(&chain->pool, conf->hold_bytes) : 0;
}

int bridge_chain_make(const struct bridge *b, const struct conf_pair *conf,
		      enum side side, struct bridge_chain *chain)
{
	struct making m = { .b = b, .conf = conf, .side = side };
	int r;

	memset(chain, 0, sizeof(*chain));
	chain->is_made = conf_has_lane(conf, side);
	if (!chain->is_made) /* nothing goes this way */
		return 0;
	r = make_pool(b, conf, side, chain);
	m.pool = chain->pool;
	for (int kind = 0; !r && kind < STAGE_KINDS; kind++) {
		m.kind = (enum stage_kind)kind;
		if (row[kind].make)
			r = make_stage(&m, chain);
	}
	if (r)
		bridge_chain_abandon(chain);
	return r;
}

void bridge_chain_abandon(struct bridge_chain *chain)
{
	for (int kind = 0; kind < STAGE_KINDS; kind++)
		if (chain->fresh[kind])
			stage_free(chain->stage[kind]);
	if (chain->fresh_pool)
		pool_free(chain->pool);
	memset(chain, 0, sizeof(*chain));
}

void bridge_chain_forget(struct bridge_chain *chain)
{
	for (int kind = 0; kind < STAGE_KINDS; kind++)
		chain->fresh[kind] = true;
	chain->fresh_pool = true;
	bridge_chain_abandon(chain);
}

bool bridge_chain_is_random(const struct conf_pair *conf)
{
	for (int side = 0; side < SIDES; side++) {
		struct making m = { .conf = conf, .side = (enum side)side,
				    .kind = STAGE_IMPAIR };

		if (!conf_has_lane(conf, m.side))
			continue;
		if (!read_params(&m) && impair_is_random(&m.params.impair))
			return true;
		m.kind = STAGE_DELAY;
		if (!read_params(&m) && delay_wants_frames(&m.params.delay))
			return true;
	}
	return false;
}

/* ---- in the lane's thread ---- */

/* What is given back between two breaths, and how long before the rest goes at
 * once: a lane that gets as much as it can give would never come to an end, and
 * a way out that is stuck takes nothing. */
#define FLUSH_BURSTS 8
#define FLUSH_NS (3 * NS_PER_SEC)

struct swap {
	struct bridge *b;
	enum side side;
	struct bridge_chain *chain; /* NULL: link the one that is there anew */
	bool more; /* is held by what goes */
};

static struct stage **link_taps(const struct bridge *b, enum side side,
				enum tap_at at, struct stage **end)
{
	struct bridge_tap_info info;

	for (size_t i = 0; bridge_tap_at(b, i, &info); i++) {
		if (info.at[side] != at)
			continue;
		*end = bridge_tap_stage(b, i, side);
		end = &(*end)->next;
	}
	return end;
}

static void link_stages(const struct bridge *b, enum side side,
			struct lane *lane)
{
	struct stage **end = link_taps(b, side, TAP_IN, &lane->stages);

	for (int kind = 0; kind < STAGE_KINDS; kind++) {
		struct stage *stage = b->chain[side].stage[kind];

		if (!stage)
			continue;
		*end = stage;
		end = &stage->next;
	}
	end = link_taps(b, side, TAP_OUT, end);
	*end = NULL;
}

/* The first stage that holds and goes, or NULL: what those behind it hold goes
 * with what it holds, for that is older. */
static struct stage *first_to_go(const struct bridge_chain *old,
				 const struct bridge_chain *new)
{
	for (int kind = 0; kind < STAGE_KINDS; kind++)
		if (row[kind].holds && old->stage[kind] &&
		    old->stage[kind] != new->stage[kind])
			return old->stage[kind];
	return NULL;
}

/* Some of it, so that the ring does not fill up meanwhile. */
static void give_some_back(struct lane *lane, void *arg)
{
	struct swap *swap = arg;
	struct stage *first = first_to_go(&swap->b->chain[swap->side],
					  swap->chain);

	swap->more = lane_flush(lane, first, FLUSH_BURSTS);
}

static void take_chain(struct lane *lane, void *arg)
{
	struct swap *swap = arg;
	struct bridge_chain *now = &swap->b->chain[swap->side];
	struct bridge_chain old = *now;

	if (swap->chain) {
		lane_flush(lane, first_to_go(now, swap->chain),
			   LANE_FLUSH_ALL);
		*now = *swap->chain;
		for (int kind = 0; kind < STAGE_KINDS; kind++)
			old.fresh[kind] = old.stage[kind] != now->stage[kind];
		old.fresh_pool = old.pool != now->pool;
		*swap->chain = old;
		lane->pool = now->pool;
	}
	link_stages(swap->b, swap->side, lane);
}

int bridge_chain_swap(struct bridge *b, enum side side,
		      struct bridge_chain *chain)
{
	uint64_t until_ns = clock_now_ns() + FLUSH_NS;
	struct swap swap = { b, side, chain, true };
	int r = 0;

	while (!r && swap.more && clock_now_ns() < until_ns)
		r = lane_do(&b->lane[side], give_some_back, &swap);
	if (!r)
		r = lane_do(&b->lane[side], take_chain, &swap);
	/* What the next change compares with is not what is there. */
	if (r)
		b->chain[side].is_made = false;
	return r;
}

int bridge_chain_relink(struct bridge *b, enum side side)
{
	struct swap swap = { b, side, NULL, false };

	return lane_do(&b->lane[side], take_chain, &swap);
}
