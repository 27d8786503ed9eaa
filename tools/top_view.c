/* SPDX-License-Identifier: BSD-2-Clause */
/* See top_view.h. */
#include "config.h"

#include <math.h>
#include <string.h>

#include "top_stages.h"
#include "top_take.h"

#define TURN_S_MAX 1e9

static const char *const counter_name[TOP_COUNTERS] = {
	[TOP_RECEIVED_FRAMES] = "received_frames",
	[TOP_RECEIVED_BYTES] = "received_bytes",
	[TOP_FORWARDED_FRAMES] = "forwarded_frames",
	[TOP_FORWARDED_BYTES] = "forwarded_bytes",
	[TOP_DUPLICATED_FRAMES] = "duplicated_frames",
	[TOP_SPLIT_FRAMES] = "split_frames",
	[TOP_RING_FULL_FRAMES] = "ring_full_frames",
	[TOP_DROPPED_FRAMES] = "dropped_frames",
};

/* A pair, a turn ago and now, while its view is made. */
struct pair_answers {
	const json_t *now, *before; /* of `stats` */
	const json_t *status;
	bool restarted;
};

/* ---- where things stand ---- */

static bool went_back(const json_t *now, const json_t *before,
		      const char *member)
{
	uint64_t is, was;

	return top_take_number(&is, now, member) &&
	       top_take_number(&was, before, member) && is < was;
}

static const json_t *lane_of(const json_t *pair, int side)
{
	return json_object_get(json_object_get(pair, "lanes"),
			       side_name[side]);
}

/* ---- a pair ---- */

/* If one counter began anew the others did, too, also those that have passed
 * by now what they were. */
static bool lane_began_anew(const json_t *now, const json_t *before)
{
	for (int i = 0; i < TOP_COUNTERS; i++)
		if (went_back(now, before, counter_name[i]))
			return true;
	return false;
}

static void take_lane(struct top_lane *lane, const json_t *now,
		      const json_t *before)
{
	for (int i = 0; i < TOP_COUNTERS; i++)
		lane->count[i] = top_take_count(now, before, counter_name[i]);
	top_take_fill(&lane->ring, now, "ring_used_slots", "ring_slots");
	lane->ring.known &= lane->ring.used <= lane->ring.size;
}

static void take_port(struct top_port *port, const json_t *stats,
		      const json_t *status)
{
	const json_t *from = stats ? stats : status;
	const json_t *up = json_object_get(from, "up");

	top_take_member(port->name, from, "name");
	top_take_member(port->driver, from, "driver");
	if (!top_take_number(&port->mtu, from, "mtu") || port->mtu > UINT32_MAX)
		port->mtu = 0;
	port->up_known = json_is_boolean(up);
	port->up = json_is_true(up);
	port->carrier = json_is_true(json_object_get(from, "carrier"));
}

static bool take_reasons(struct top_pair *pair, int side, const json_t *now,
			 const json_t *before)
{
	json_t *reasons = json_object_get(now, "dropped");
	const json_t *old = json_object_get(before, "dropped");

	for (void *i = json_object_iter(reasons); i;
	     i = json_object_iter_next(reasons, i)) {
		const char *name = json_object_iter_key(i);
		struct top_row *reason = top_row(&pair->reason,
						 &pair->n_reasons, name);

		if (!reason)
			return false;
		reason->is_bad = top_reason_is_bad(name);
		reason->frames[side] = top_take_count(reasons, old, name);
	}
	return true;
}

/* The lanes count a rule of both apart; it is one row. */
static struct top_rule *rule_row(struct top_pair *pair, int side,
				 const json_t *now)
{
	struct top_rule one = { .runtime = json_is_true(
					json_object_get(now, "runtime")) };
	struct top_rule *rule;
	char action[TOP_NAME_SIZE];

	top_take_member(one.id, now, "id");
	top_take_member(action, now, "action");
	one.pass_only = !strcmp(action, "pass_only");
	for (size_t i = 0; i < pair->n_rules; i++) {
		rule = &pair->rule[i];
		if (!rule->on[side] && rule->pass_only == one.pass_only &&
		    !strcmp(rule->id, one.id))
			return rule;
	}
	rule = top_grow(&pair->rule, &pair->n_rules, sizeof(*rule));
	if (rule)
		*rule = one;
	return rule;
}

static bool take_rules(struct top_pair *pair, int side, const json_t *now,
		       const json_t *before)
{
	const json_t *rules = json_object_get(now, "rules");
	const json_t *old = json_object_get(before, "rules");

	for (size_t i = 0; i < json_array_size(rules); i++) {
		const json_t *it = json_array_get(rules, i);
		const char *id = json_string_value(json_object_get(it, "id"));
		struct top_rule *rule;

		if (!id)
			continue;
		rule = rule_row(pair, side, it);
		if (!rule)
			return false;
		rule->on[side] = true;
		rule->frames[side] = top_take_count(
			it, top_find_named(old, "id", id), "frames");
	}
	return true;
}

static bool take_pair(struct top_pair *pair, const struct pair_answers *a)
{
	const json_t *paused = json_object_get(a->status, "paused");

	top_take_member(pair->name, a->now, "name");
	top_take_member(pair->state, a->now, "state");
	if (!*pair->state)
		top_take_member(pair->state, a->status, "state");
	if (!*pair->state)
		strcpy(pair->state, json_is_true(paused) ? "paused" :
							   "unknown");
	for (int side = 0; side < SIDES; side++) {
		const json_t *now = lane_of(a->now, side);
		const json_t *before = a->restarted ?
					       NULL : lane_of(a->before, side);
		struct top_lane *lane = &pair->lane[side];

		take_port(&pair->port[side],
			  json_object_get(a->now, side_name[side]),
			  json_object_get(a->status, side_name[side]));
		if (!json_is_object(now))
			continue;
		lane->exists = true;
		top_take_asked(lane->asked, now);
		lane->began_anew = a->restarted ||
				   lane_began_anew(now, before);
		if (lane->began_anew)
			before = NULL;
		take_lane(lane, now, before);
		if (!take_reasons(pair, side, now, before) ||
		    !top_take_stages(pair, side, now, before) ||
		    !take_rules(pair, side, now, before))
			return false;
	}
	return top_take_taps(pair, a->now, a->restarted ? NULL : a->before);
}

/* ---- all ---- */

static bool take_pairs(struct top_view *view, const struct top_answers *now,
		       const struct top_answers *before)
{
	const json_t *pairs = json_object_get(now->stats, "pairs");
	const json_t *old = json_object_get(before->stats, "pairs");
	const json_t *status = json_object_get(now->status, "pairs");

	view->pair = calloc(json_array_size(pairs) + 1, sizeof(*view->pair));
	for (size_t i = 0; view->pair && i < json_array_size(pairs); i++) {
		struct pair_answers a = { .now = json_array_get(pairs, i),
					  .restarted = view->restarted };
		const char *name = json_string_value(
			json_object_get(a.now, "name"));

		if (!name)
			continue;
		a.before = top_find_named(old, "name", name);
		a.status = top_find_named(status, "name", name);
		view->pair[view->n_pairs].is_new = old && !a.before;
		/* It is counted first: what it has is freed with the view. */
		if (!take_pair(&view->pair[view->n_pairs++], &a))
			return false;
	}
	return view->pair;
}

/* Its own clock tells how long a turn was, whoever was late here. */
static double turn_of(const struct top_answers *now,
		      const struct top_answers *before)
{
	double is = top_take_seconds(now->stats, "seconds");
	double was = top_take_seconds(before->stats, "seconds");
	double turn = is - was;

	return is >= 0 && was >= 0 && turn > 0 && turn < TURN_S_MAX ? turn : 0;
}

static bool is_another(const struct top_answers *now,
		       const struct top_answers *before)
{
	uint64_t pid, was;

	if (!before->stats)
		return false;
	if (top_take_number(&pid, now->status, "pid") &&
	    top_take_number(&was, before->status, "pid") && pid != was)
		return true;
	return top_take_seconds(now->stats, "seconds") <
	       top_take_seconds(before->stats, "seconds");
}

struct top_view *top_view_new(const struct top_answers *now,
			      const struct top_answers *before)
{
	static const struct top_answers none;
	struct top_view *view = calloc(1, sizeof(*view));

	if (!view)
		return NULL;
	if (!before)
		before = &none;
	top_take_member(view->program, now->stats, "program");
	top_take_member(view->version, now->stats, "version");
	top_take_member(view->name, now->status, "name");
	if (!top_take_number(&view->pid, now->status, "pid"))
		view->pid = 0;
	view->uptime_s = top_take_seconds(now->status, "uptime_seconds");
	view->restarted = is_another(now, before);
	view->turn_s = view->restarted ? 0 : turn_of(now, before);
	if (take_pairs(view, now, before))
		return view;
	top_view_free(view);
	return NULL;
}

void top_view_free(struct top_view *view)
{
	if (!view)
		return;
	for (size_t i = 0; i < view->n_pairs; i++) {
		free(view->pair[i].reason);
		free(view->pair[i].stage);
		free(view->pair[i].tap);
		free(view->pair[i].rule);
	}
	free(view->pair);
	free(view);
}

double top_view_rate(const struct top_view *view, const struct top_count *c)
{
	if (!c->compared || view->turn_s <= 0)
		return -1;
	return (double)c->since / view->turn_s;
}

bool top_reason_is_bad(const char *name)
{
	for (int why = 0; why < REASONS; why++)
		if (!strcmp(name, reason_info[why].name))
			return !reason_info[why].ordered;
	return true; /* whatever it is */
}

bool top_state_is_good(const char *state)
{
	return !strcmp(state, "forwarding");
}
