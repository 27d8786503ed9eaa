/* SPDX-License-Identifier: BSD-2-Clause */
/* The bridges of a process: made, attached, looked after. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "control_state.h"
#include "log.h"

int control_make_pairs(struct control *c)
{
	struct lane_budget *budget = c->conf->count ? &c->budget : NULL;
	int r = 0;

	c->bridge = calloc(c->conf->n_pairs, sizeof(struct bridge *));
	if (!c->bridge) {
		log_err("%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	while (!r && c->n_bridges < c->conf->n_pairs) {
		r = bridge_new(&c->bridge[c->n_bridges],
			       &c->conf->pair[c->n_bridges], budget);
		if (!r)
			c->n_bridges++;
	}
	return r;
}

void control_attach(struct control *c)
{
	for (size_t i = 0; i < c->n_bridges && !c->stopping; i++) {
		struct bridge *b = c->bridge[i];
		bool was = b->announced;
		int r = b->attached ? 0 : bridge_attach(b, c->monitor);

		if (b->attached)
			b->lasting = false;
		else if (b->lasting)
			b->refused = r != -ENODEV; /* and said so */
		else if (r == BRIDGE_REFUSED && !b->conf->wait)
			control_stop(c, -EINVAL);
		else if (r < 0 && r != -ENODEV)
			control_stop(c, r);
		c->has_run |= b->attached;
		bridge_announce(b);
		if (b->announced && !was)
			events_write(c->events, "ready", "{ssssss}", "pair",
				     b->conf->name, "left",
				     b->conf->port[SIDE_LEFT], "right",
				     b->conf->port[SIDE_RIGHT]);
	}
	control_tell_status(c);
}

/* Frames that found no slot since the last tick. */
static void tell_overflow(struct control *c, struct bridge *b)
{
	for (int side = 0; side < SIDES; side++) {
		uint64_t now = b->lane[side].stats.ring_full_frames;
		uint64_t was = b->told_ring_full[side];

		if (now > was)
			events_write(c->events, "overflow", "{sssssssI}",
				     "pair", b->conf->name, "side",
				     side_name[side], "port",
				     b->conf->port[side], "frames",
				     (long long)(now - was));
		b->told_ring_full[side] = now;
	}
}

/* A link that is gone has an event of its own. */
void control_tick(struct control *c)
{
	for (size_t i = 0; i < c->n_bridges; i++) {
		struct bridge *b = c->bridge[i];
		int r = bridge_tick(b);

		if (r && !(r == -ENODEV && b->conf->wait))
			control_stop(c, r);
		tell_overflow(c, b);
	}
}

void control_refresh_links(struct control *c)
{
	struct link_info link;

	for (size_t i = 0; i < c->n_bridges; i++)
		for (int side = 0; side < SIDES; side++) {
			struct bridge_port *bp = &c->bridge[i]->side[side];

			if (bp->link.index &&
			    !link_get_index(c->monitor, bp->link.index, &link))
				bp->link.counters = link.counters;
		}
}

void control_refresh(struct control *c)
{
	control_tick(c);
	control_refresh_links(c);
}

/* Of a port of ours, as it is now. */
static void tell_link(struct control *c, const struct bridge *b,
		      const struct link_event *event)
{
	for (int side = 0; side < SIDES; side++) {
		const struct link_info *link = &b->side[side].link;

		if (link->index != event->info.index)
			continue;
		if (!event->gone && link->up == event->info.up &&
		    link->carrier == event->info.carrier &&
		    link->mtu == event->info.mtu &&
		    !strcmp(link->name, event->info.name))
			continue; /* a change of what is no matter to us */
		events_write(c->events, "link", "{sssssssbsbsbsi}", "pair",
			     b->conf->name, "side", side_name[side], "port",
			     event->info.name, "gone", event->gone, "up",
			     event->info.up && !event->gone, "carrier",
			     event->info.carrier && !event->gone, "mtu",
			     (int)event->info.mtu);
	}
}

void control_on_link(const struct link_event *event, void *arg)
{
	struct control *c = arg;

	for (size_t i = 0; i < c->n_bridges; i++) {
		struct bridge *b = c->bridge[i];

		if (b->attached)
			tell_link(c, b, event);
		if (bridge_link_event(b, event) != -ENODEV)
			continue;
		bridge_detach(b);
		if (b->conf->wait) {
			log_info("pair %s: waiting for its interface",
				 b->conf->name);
		} else {
			log_err("pair %s: stopping; with wait it would wait "
				"for its interface", b->conf->name);
			control_stop(c, -ENODEV);
		}
	}
}

struct bridge *control_next_pair(const struct control *c, const char *name,
				 size_t *i)
{
	while (*i < c->n_bridges) {
		struct bridge *b = c->bridge[(*i)++];

		if (!name || !strcmp(name, b->conf->name))
			return b;
	}
	return NULL;
}
