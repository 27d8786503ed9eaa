/* SPDX-License-Identifier: BSD-2-Clause */
/* The bridges of a process: made, attached, looked after. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "bridge_port.h"
#include "bridge_propagate.h"
#include "clock.h"
#include "control_state.h"
#include "log.h"
#include "watch.h"

/* After a failure that is no missing interface. */
#define RETRY_NS (NS_PER_SEC * 9 / 10)

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

static bool holds(const struct bridge *b, int index, enum side *side)
{
	*side = b->side[SIDE_RIGHT].link.index == index ? SIDE_RIGHT : SIDE_LEFT;
	return b->attached && b->side[*side].link.index == index;
}

/* Interfaces that are its own no more; it waits for others. */
static void give_up_ports(struct bridge *b)
{
	bridge_propagate_end(b);
	bridge_detach(b);
	bridge_propagate_init(b);
}

/* A port that was renamed goes on; if it has the name now that is another
 * pair's, it is that one's. 0, or -EBUSY: it is not. */
static int let_go(struct control *c, const struct bridge *b, const char *port)
{
	struct link_info link;
	enum side side;

	if (link_get(c->monitor, port, &link))
		return 0;
	for (size_t i = 0; i < c->n_bridges; i++) {
		struct bridge *other = c->bridge[i];

		if (other == b || !holds(other, link.index, &side))
			continue;
		if (!strcmp(other->conf->port[side], link.name))
			return -EBUSY;
		log_warn("port %s: by its name it is pair %s's: pair %s waits "
			 "for its own", link.name, b->conf->name,
			 other->conf->name);
		give_up_ports(other);
	}
	return 0;
}

static int attach(struct control *c, struct bridge *b)
{
	for (int side = 0; side < SIDES; side++) {
		if (!let_go(c, b, b->conf->port[side]))
			continue;
		if (!b->refused)
			log_err("pair %s: %s: %s is another pair's port by "
				"another name", b->conf->name, side_name[side],
				b->conf->port[side]);
		b->refused = true;
		return BRIDGE_REFUSED;
	}
	return bridge_attach(b, c->monitor);
}

void control_attach(struct control *c)
{
	for (size_t i = 0; i < c->n_bridges && !c->stopping; i++) {
		struct bridge *b = c->bridge[i];
		bool was = b->announced;
		int r;

		if (!b->attached && clock_now_ns() < b->retry_ns)
			continue;
		r = b->attached ? 0 : attach(c, b);
		/* Opening a port makes events of its own. */
		if (r < 0 && r != -ENODEV)
			b->retry_ns = clock_now_ns() + RETRY_NS;
		if (b->attached)
			b->lasting = true;
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
	control_propagate(c);
	control_tell_status(c);
}

void control_propagate(struct control *c)
{
	uint64_t due_ns = UINT64_MAX;

	for (size_t i = 0; i < c->n_bridges && !c->stopping; i++) {
		uint64_t one_ns = bridge_propagate(c->bridge[i]);

		if (one_ns < due_ns)
			due_ns = one_ns;
	}
	watch_set_alarm(&c->fd[SOURCE_PROPAGATION], due_ns);
}

void control_attach_again(struct control *c)
{
	for (size_t i = 0; i < c->n_bridges; i++) {
		const struct bridge *b = c->bridge[i];

		if (b->attached || !(b->lasting || b->conf->wait))
			continue;
		control_attach(c);
		return;
	}
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

/* Frames that went over in the kernel since the last tick, or before we were
 * there. */
static void tell_bypass(struct control *c, struct bridge *b)
{
	for (int side = 0; side < SIDES; side++) {
		const struct lane *lane = &b->lane[side];
		long long n = (long long)(lane->stats.bypassed_frames -
					  b->told_bypassed[side]);

		if (!n)
			continue;
		b->told_bypassed[side] = lane->stats.bypassed_frames;
		log_warn("lane %s: bypassed: the kernel itself forwarded %lld "
			 "frames, while nobody here did", lane->name, n);
		events_write(c->events, "bypass", "{sssssssI}", "pair",
			     b->conf->name, "side", side_name[side], "port",
			     b->conf->port[side], "frames", n);
	}
}

void control_tick(struct control *c)
{
	for (size_t i = 0; i < c->n_bridges; i++) {
		struct bridge *b = c->bridge[i];
		int r = bridge_tick(b);

		if (r)
			log_warn("pair %s: tried again in a second",
				 b->conf->name);
		tell_overflow(c, b);
		tell_bypass(c, b);
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
static void tell_link(struct control *c, struct bridge *b,
		      const struct link_event *event)
{
	for (int side = 0; side < SIDES; side++) {
		const struct link_info *link = &b->side[side].link;

		if (link->index != event->info.index)
			continue;
		if ((!event->gone && !link_differs(link, &event->info)) ||
		    !quota_take(&b->side[side].event_quota, clock_now_ns()))
			continue;
		events_write(c->events, "link", "{sssssssbsbsbsi}", "pair",
			     b->conf->name, "side", side_name[side], "port",
			     event->info.name, "gone", event->gone, "up",
			     event->info.up && !event->gone, "carrier",
			     event->info.carrier && !event->gone, "mtu",
			     (int)event->info.mtu);
	}
}

/* Names are the configuration's: a port that is renamed goes on, until another
 * one has its name. */
static void follow_name(struct bridge *b, const struct link_event *event)
{
	for (int side = 0; b->attached && side < SIDES; side++) {
		const struct link_info *link = &b->side[side].link;

		if (event->gone || event->info.index == link->index ||
		    strcmp(event->info.name, b->conf->port[side]))
			continue;
		log_warn("port %s: this is the name of another interface now, "
			 "which is taken instead of %s", event->info.name,
			 link->name);
		give_up_ports(b);
	}
}

static void say_missing(const struct control *c, const struct bridge *b)
{
	struct link_info link;

	for (int side = 0; side < SIDES; side++)
		if (link_get(c->monitor, b->conf->port[side], &link) == -ENODEV)
			log_info("pair %s: waiting for its interface %s",
				 b->conf->name, b->conf->port[side]);
}

void control_on_link(const struct link_event *event, void *arg)
{
	struct control *c = arg;

	for (size_t i = 0; i < c->n_bridges; i++) {
		struct bridge *b = c->bridge[i];

		if (b->attached)
			tell_link(c, b, event);
		bridge_propagate_event(b, event);
		follow_name(b, event);
		if (bridge_link_event(b, event) != -ENODEV)
			continue;
		bridge_detach(b);
		say_missing(c, b);
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
