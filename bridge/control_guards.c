/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guards of a process. All programs are loaded at the start, for the right
 * to load them is given up then: those of the pairs, and some spare ones for
 * pairs that a reload adds.
 */
#include "config.h"

#include <errno.h>

#include "bridge_guard.h"
#include "bridge_propagate.h"
#include "control_state.h"
#include "link_tc.h"
#include "log.h"

static void ports_of(const struct control *c, const struct conf_pair *pair,
		     struct guard_port port[SIDES])
{
	struct link_info link;

	for (int side = 0; side < SIDES; side++) {
		port[side] = (struct guard_port){ .name = pair->port[side] };
		if (!link_get(c->monitor, pair->port[side], &link))
			port[side].index = link.index;
	}
}

/* A thread of a process that lives has these ports. */
static int say_busy(const struct conf_pair *pair, int tid)
{
	log_err("pair %s: another bumpwire (thread %d) has %s or %s already: "
		"stop it first", pair->name, tid, pair->port[SIDE_LEFT],
		pair->port[SIDE_RIGHT]);
	return -EBUSY;
}

static void say_without(struct control *c, const struct conf_pair *pair,
			const char *why)
{
	if (!c->told_unguarded)
		log_info("isolate: %s: this host's own stack sees what arrives "
			 "on the ports, too", why);
	else
		log_debug("pair %s: isolate: %s", pair->name, why);
	c->told_unguarded = true;
}

static int give_loaded(struct control *c, struct bridge *b)
{
	struct guard_port port[SIDES];
	struct guard *guard;
	char why[160];
	int tid, r;

	if (!conf_wants_guard(b->conf))
		return 0;
	r = guard_new(&guard, why, sizeof(why));
	if (r && conf_needs_guard(b->conf)) {
		log_err("pair %s: %s: %s", b->conf->name,
			conf_bypasses(b->conf) ? "bypass" : "isolate", why);
		return r;
	}
	if (r) {
		say_without(c, b->conf, why);
		return 0;
	}
	bridge_give_guard(b, guard);
	ports_of(c, b->conf, port);
	for (int side = 0; side < SIDES; side++)
		if (port[side].index && guard_is_preceded(port[side].index))
			log_warn("port %s: a tcx program runs before the "
				 "guard: isolate and bypass do not hold for "
				 "what it takes or passes on (bpftool net)",
				 port[side].name);
	r = guard_inherit(guard, port, &tid);
	if (r == -EBUSY && !b->conf->wait)
		return say_busy(b->conf, tid);
	if (r == -EBUSY)
		r = 0; /* until it gives them up */
	return r ? r : bridge_guard_check_rules(b, b->conf, b->chain);
}

/* A pair that could do without will have to. */
static void load_spares(struct control *c)
{
	char why[160];

	while (c->n_spares < SPARE_GUARDS &&
	       !guard_new(&c->spare[c->n_spares], why, sizeof(why)))
		c->n_spares++;
}

int control_make_guards(struct control *c)
{
	int r = 0;

	for (size_t i = 0; !r && i < c->n_bridges; i++)
		r = give_loaded(c, c->bridge[i]);
	if (!r)
		load_spares(c);
	return r;
}

void control_take_guard(struct control *c, struct bridge *b)
{
	struct guard *guard = bridge_take_guard(b);

	if (guard && c->n_spares < SPARE_GUARDS)
		c->spare[c->n_spares++] = guard;
	else
		guard_free(guard);
}

int control_give_guard(struct control *c, struct bridge *b,
		       const struct conf_pair *conf)
{
	if (b->guard || !conf_wants_guard(conf))
		return 0;
	if (c->n_spares) {
		bridge_give_guard(b, c->spare[--c->n_spares]);
		return 0;
	}
	if (conf_needs_guard(conf)) {
		log_err("pair %s: its guard can be loaded only at the start: "
			"restart", conf->name);
		return -EINVAL;
	}
	say_without(c, conf, "more pairs than were foreseen at the start");
	return 0;
}

void control_free_guards(struct control *c)
{
	while (c->n_spares)
		guard_free(c->spare[--c->n_spares]);
}

static int unbypass_port(struct link_monitor *m, const char *name)
{
	struct link_info link;
	int tid, r = link_get(m, name, &link);

	if (!r) {
		tid = guard_living(link.index);
		if (tid) {
			log_err("port %s: a bumpwire that lives (thread %d) "
				"has it: stop that one", name, tid);
			return -EBUSY;
		}
		r = link_tc_detach(link.index, name, 0);
	}
	if (r == -ENODEV)
		log_err("port %s: no such interface", name);
	else if (r >= 0)
		printf("port %s: %s\n", name,
		       r ? "the guard is taken away" : "no guard was there");
	return r < 0 ? r : 0;
}

int control_unbypass(const struct conf *conf)
{
	struct link_monitor *monitor = NULL;
	int result = link_monitor_open(&monitor);

	/* What it held down, too. */
	bridge_propagate_recover();
	for (size_t i = 0; monitor && i < conf->n_pairs; i++)
		for (int side = 0; side < SIDES; side++) {
			const char *name = conf->pair[i].port[side];
			int r = unbypass_port(monitor, name);

			if (r)
				result = r;
		}
	link_monitor_close(monitor);
	return result;
}
