/* SPDX-License-Identifier: BSD-2-Clause */
/* See bridge_guard.h. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "bridge_guard.h"
#include "bridge_port.h"
#include "clock.h"
#include "link_tc.h"
#include "log.h"

/* A lane under load may never see its ring empty. */
#define DRAIN_BREATHS 1000

/* In the lane's thread. */
static void beat(struct lane *lane, void *arg)
{
	(void)arg;
	lane->beat_ns = clock_now_ns();
	guard_beat(lane->guard, lane->beat_ns);
}

void bridge_guard_set_conf(struct bridge *b)
{
	bool bypass = b->conf->on_fail == END_BYPASS;

	/* Nobody hangs while it changes: lanes that sleep wake up by what was
	 * said before. */
	if (b->guard)
		guard_set_hang(b->guard, INT64_MAX);
	for (int side = 0; side < SIDES; side++) {
		shared_write(&b->lane[side].hang_ns, b->conf->hang_ns);
		if (b->lane[side].guard)
			lane_do(&b->lane[side], beat, NULL);
	}
	if (b->guard && bypass)
		guard_set_hang(b->guard, b->conf->hang_ns);
}

/* ---- rules ---- */

/* As the guard wants them, to be freed; NULL: no memory. */
static struct guard_rule *rules_of(const struct stage *filter, size_t *n)
{
	struct filter_program program;
	struct guard_rule *rule;

	for (*n = 0; filter && filter_program(filter, *n, &program);)
		++*n;
	rule = calloc(*n + 1, sizeof(*rule)); /* never for nothing */
	for (size_t i = 0; rule && i < *n; i++) {
		filter_program(filter, i, &program);
		rule[i] = (struct guard_rule){
			program.insn, program.n_insns,
			program.action == FILTER_PASS_ONLY,
		};
	}
	return rule;
}

int bridge_guard_check_rules(const struct bridge *b,
			     const struct conf_pair *conf,
			     const struct bridge_chain chain[SIDES])
{
	char why[160] = "";

	if (!b->guard || !conf_bypasses(conf) || !conf->bypass_filter)
		return 0;
	for (int side = 0; side < SIDES; side++) {
		autoclean(free_ptr) struct guard_rule *rule = NULL;
		size_t n;

		rule = rules_of(chain[side].stage[STAGE_FILTER], &n);
		if (rule && !guard_check_rules(b->guard, rule, n, why,
					       sizeof(why)))
			continue;
		log_err("pair %s: bypass_filter: %s: %s", conf->name,
			side_name[side], rule ? why : strerror(ENOMEM));
		return -EINVAL;
	}
	return 0;
}

static void take_rules_of(struct bridge *b, enum side side)
{
	autoclean(free_ptr) struct guard_rule *rule = NULL;
	char why[160] = "";
	size_t n;

	rule = rules_of(bridge_stage(b, side, STAGE_FILTER), &n);
	if (!rule || guard_set_rules(b->guard, side, rule, n, why,
				     sizeof(why)))
		log_err("pair %s: bypass_filter: %s: %s: the rules before stay",
			b->conf->name, side_name[side],
			rule ? why : strerror(ENOMEM));
}

void bridge_guard_take_rules(struct bridge *b)
{
	bool hold = conf_bypasses(b->conf) && b->conf->bypass_filter;

	if (!b->guard)
		return;
	for (int side = 0; hold && side < SIDES; side++)
		take_rules_of(b, (enum side)side);
	guard_filter_while_joined(b->guard, hold);
}

/* ---- its course ---- */

/* Without a guard of our own, one that forwards would double what we do. */
static int clear_ports(const struct bridge *b)
{
	for (int side = 0; side < SIDES; side++) {
		const struct link_info *link = &b->side[side].link;
		int tid = guard_living(link->index), r;
		struct link_tc tc;

		if (tid) {
			log_err("port %s: another bumpwire (thread %d) has it",
				link->name, tid);
			return -EBUSY;
		}
		if (!link_tc_get(link->index, &tc))
			link_tc_part(link->index, link->name, &tc,
				     b->side[!side].link.index);
		r = link_tc_detach(link->index, link->name, 0);
		if (r < 0)
			return r;
		if (r)
			log_info("port %s: the guard of a bumpwire that has "
				 "ended is taken away", link->name);
	}
	return 0;
}

int bridge_guard_attach(struct bridge *b)
{
	struct guard_port port[SIDES];
	int r;

	if (!b->guard || !conf_wants_guard(b->conf)) {
		bridge_guard_detach(b);
		return clear_ports(b);
	}
	for (int side = 0; side < SIDES; side++)
		port[side] = (struct guard_port){
			.index = b->side[side].link.index,
			.name = b->side[side].link.name,
			.carries = b->has_lane[side],
		};
	bridge_guard_take_rules(b);
	r = guard_attach(b->guard, port, conf_bypasses(b->conf),
			 b->conf->on_fail == END_BYPASS);
	if (r && r != -ENODEV && !conf_needs_guard(b->conf)) {
		guard_detach(b->guard);
		r = clear_ports(b);
		if (r)
			return r;
		log_warn("pair %s: it goes without isolate: this host's own "
			 "stack sees what arrives, too", b->conf->name);
		return 0;
	}
	if (r)
		return r;
	b->guarded = true;
	bridge_guard_set_conf(b);
	for (int side = 0; side < SIDES; side++)
		b->lane[side].guard = guard_lane(b->guard, side);
	return 0;
}

void bridge_guard_begin(struct bridge *b)
{
	if (!b->guarded)
		return;
	/* Not before they do: what nobody takes nor joins is lost. */
	for (int side = 0; side < SIDES; side++)
		if (b->lane[side].guard && b->has_lane[side])
			lane_do(&b->lane[side], beat, NULL);
	guard_join(b->guard, b->conf->on_fail == END_BYPASS);
	guard_carry_over(b->guard);
}

/* In the lane's thread. With an empty ring, and nothing held, nothing of ours is
 * behind what the kernel forwards next. */
static void hand_over(struct lane *lane, void *arg)
{
	uint32_t frames = 1;

	(void)arg;
	if (!lane->guard)
		return;
	for (int i = 0; frames && i < DRAIN_BREATHS; i++) {
		frames = lane_breathe(lane, clock_now_ns());
		lane_flush(lane, lane->stages, LANE_FLUSH_ALL);
	}
	guard_hand_over(lane->guard);
}

void bridge_guard_hand_over(struct bridge *b)
{
	guard_keep_joined(b->guard);
	guard_join(b->guard, true);
	for (int side = 0; side < SIDES; side++)
		if (b->lane[side].started)
			lane_do(&b->lane[side], hand_over, NULL);
}

static bool fails_open(const struct bridge *b, enum side side)
{
	return b->guarded && b->lane[side].guard &&
	       b->conf->on_fail == END_BYPASS;
}

void bridge_guard_pass_on(struct bridge *b, enum side side)
{
	if (fails_open(b, side))
		lane_do(&b->lane[side], hand_over, NULL);
}

static void take_back(struct lane *lane, void *arg)
{
	(void)arg;
	guard_take_over(lane->guard, clock_now_ns());
}

void bridge_guard_take_back(struct bridge *b, enum side side)
{
	if (fails_open(b, side))
		lane_do(&b->lane[side], take_back, NULL);
}

void bridge_guard_part(struct bridge *b)
{
	if (b->guarded)
		guard_join(b->guard, false);
}

void bridge_guard_detach(struct bridge *b)
{
	bridge_guard_count(b);
	if (b->guarded)
		guard_detach(b->guard);
	b->guarded = false;
	for (int side = 0; side < SIDES; side++)
		b->lane[side].guard = NULL;
}

void bridge_guard_look_after(struct bridge *b)
{
	if (b->guarded && guard_look_after(b->guard) > 0)
		log_warn("pair %s: somebody took the guard off a port (tc "
			 "qdisc del?): it is back", b->conf->name);
}

void bridge_guard_count(struct bridge *b)
{
	for (int side = 0; b->guard && side < SIDES; side++) {
		const struct guard_counters *from = &b->side[side].guard_from;
		struct lane_stats *s = &b->lane[side].stats;
		struct guard_counters c;

		guard_count(b->guard, side, &c);
		shared_write(&s->bypassed_frames,
			     c.bypassed_frames - from->bypassed_frames);
		shared_write(&s->bypassed_bytes,
			     c.bypassed_bytes - from->bypassed_bytes);
		shared_write(&s->bypass_filtered_frames,
			     c.filtered_frames - from->filtered_frames);
	}
}

void bridge_guard_reset(struct bridge *b, enum side side)
{
	if (b->guard)
		guard_count(b->guard, side, &b->side[side].guard_from);
}
