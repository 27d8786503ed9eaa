/* SPDX-License-Identifier: BSD-2-Clause */
/* See bridge_change.h. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "bridge_change.h"
#include "bridge_guard.h"
#include "bridge_port.h"
#include "bridge_propagate.h"
#include "bridge_stages.h"
#include "bridge_taps.h"
#include "conf_diff.h"
#include "log.h"

struct bridge_change {
	struct bridge *bridge;
	const struct conf_pair *conf;
	bool reattach;
	struct bridge_chain chain[SIDES];
	struct bridge_tap_change tap;
	struct port *port[SIDES]; /* idle; NULL: the old one stays */
};

static int prepare_side(struct bridge_change *change, enum side side)
{
	struct bridge *b = change->bridge;
	enum conf_effect effect = conf_pair_effect(b->conf, change->conf, side);
	int r = bridge_chain_make(b, change->conf, side, &change->chain[side]);

	change->reattach |= effect == EFFECT_PAIR;
	if (!r && effect == EFFECT_PORT && b->attached)
		r = bridge_port_open(b, side, change->conf, true,
				     &change->port[side]);
	return r;
}

int bridge_prepare(struct bridge *b, const struct conf_pair *conf,
		   struct bridge_change **changep)
{
	struct bridge_change *change = calloc(1, sizeof(*change));
	int r;

	if (!change) {
		log_err("pair %s: %s", conf->name, strerror(ENOMEM));
		return -ENOMEM;
	}
	change->bridge = b;
	change->conf = conf;
	r = prepare_side(change, SIDE_LEFT);
	if (!r)
		r = prepare_side(change, SIDE_RIGHT);
	if (!r)
		r = bridge_guard_check_rules(b, conf, change->chain);
	if (!r)
		r = bridge_tap_prepare(b, conf, &change->tap);
	if (r)
		bridge_abandon(change);
	else
		*changep = change;
	return r;
}

static void commit_side(struct bridge_change *change, enum side side)
{
	struct bridge *b = change->bridge;

	if (bridge_chain_swap(b, side, &change->chain[side]))
		log_err("pair %s: what arrives on %s goes on as before: change "
			"it once more", b->conf->name, change->conf->port[side]);
	if (change->port[side] && !change->reattach)
		bridge_port_replace(b, side, change->port[side]);
	else
		port_close(change->port[side]);
	change->port[side] = NULL;
}

static bool same_ports(const struct conf_pair *a, const struct conf_pair *b)
{
	return !strcmp(a->port[SIDE_LEFT], b->port[SIDE_LEFT]) &&
	       !strcmp(a->port[SIDE_RIGHT], b->port[SIDE_RIGHT]);
}

void bridge_commit(struct bridge_change *change)
{
	struct bridge *b = change->bridge;

	if (change->reattach) {
		if (!same_ports(b->conf, change->conf))
			bridge_propagate_end(b);
		if (same_ports(b->conf, change->conf) &&
		    b->conf->one_way == change->conf->one_way)
			bridge_step_back(b);
		else
			bridge_detach(b);
		b->lasting = true;
	}
	commit_side(change, SIDE_LEFT);
	commit_side(change, SIDE_RIGHT);
	bridge_tap_commit(b, change->conf, &change->tap);
	bridge_propagate_change(b, change->conf);
	bridge_set_conf(b, change->conf);
	bridge_guard_take_rules(b);
	bridge_abandon(change);
}

void bridge_abandon(struct bridge_change *change)
{
	if (!change)
		return;
	for (int side = 0; side < SIDES; side++) {
		bridge_chain_abandon(&change->chain[side]);
		port_close(change->port[side]);
	}
	bridge_tap_abandon(&change->tap);
	free(change);
}
