/* SPDX-License-Identifier: BSD-2-Clause */
/* See bridge_propagate.h. */
#include "config.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "bridge_port.h"
#include "bridge_propagate.h"
#include "clock.h"
#include "link_facts.h"
#include "log.h"
#include "port_record.h"
#include "state_dir.h"

#define HELD_PREFIX "held-" /* of a state file's name */

/* ---- the note ---- */

static void note(struct bridge_port *bp)
{
	const struct link_info *link = &bp->link;
	autoclean(close_fd) int dir = state_dir_open(BRIDGE_STATE_DIR);
	struct port_record record;
	int r = dir < 0 ? dir : 0;

	if (!r)
		r = port_record_init(&record, link->index);
	if (!r) {
		port_record_name(&record, bp->held_note);
		r = port_record_write(dir, HELD_PREFIX, bp->held_note, &record);
	}
	if (r)
		log_warn("port %s: a note in %s: %s: if this process is "
			 "killed, the port stays down", link->name,
			 BRIDGE_STATE_DIR, strerror(-r));
}

static void drop_note(struct bridge_port *bp)
{
	autoclean(close_fd) int dir = -1;

	if (!*bp->held_note)
		return;
	dir = state_dir_open(BRIDGE_STATE_DIR);
	if (dir >= 0)
		state_dir_remove(dir, HELD_PREFIX, bp->held_note);
	*bp->held_note = '\0';
}

static int recover_one(const char *note_name, const struct port_record *record,
		       void *arg)
{
	char ifname[IF_NAMESIZE] = "?";
	int r = link_set_up(record->index, true);

	(void)note_name;
	(void)arg;
	if_indextoname((unsigned int)record->index, ifname);
	if (!r)
		log_info("port %s: set up: process %d, which has ended, held "
			 "it down", ifname, record->pid);
	else if (r != -ENODEV)
		log_err("port %s: setting it up: %s", ifname, strerror(-r));
	return r;
}

/* The note of a port; false: there is none. */
static bool find_note(const struct link_info *link, struct port_record *record)
{
	autoclean(close_fd) int dir = state_dir_open(BRIDGE_STATE_DIR);

	return dir >= 0 &&
	       !port_record_find(dir, HELD_PREFIX, link->index, record);
}

int bridge_propagate_holder(const struct link_info *link)
{
	struct port_record record;

	return !link->up && find_note(link, &record) ? record.pid : 0;
}

static void adopt_side(struct bridge *b, int side, struct link_monitor *m)
{
	struct bridge_port *bp = &b->side[side];
	struct port_record record;

	if (!b->propagates || link_get(m, b->conf->port[side], &bp->link) ||
	    bp->link.up || !find_note(&bp->link, &record) ||
	    !port_record_is_orphan(&record))
		return;
	note(bp);
	bp->adopted = true;
}

void bridge_propagate_adopt(struct bridge *b, struct link_monitor *m)
{
	for (int side = 0; side < SIDES; side++)
		adopt_side(b, side, m);
}

void bridge_propagate_recover(void)
{
	port_record_recover(BRIDGE_STATE_DIR, HELD_PREFIX, recover_one, NULL);
}

/* ---- what is done ---- */

static void set_port(struct bridge *b, int side, bool up)
{
	struct bridge_port *bp = &b->side[side];
	int r;

	/* Rather a note too many than a port that stays down. */
	if (!up)
		note(bp);
	r = link_set_up(bp->link.index, up);
	if (up ? !r || r == -ENODEV : r != 0)
		drop_note(bp);
	if (r == -ENODEV || !quota_take(&bp->log_quota, clock_now_ns()))
		return;
	if (r)
		log_warn("port %s: setting it %s: %s", bp->link.name,
			 up ? "up" : "down", strerror(-r));
	else
		log_info("port %s: set %s: link propagation from %s",
			 bp->link.name, up ? "up" : "down",
			 b->conf->port[side_other((enum side)side)]);
}

uint64_t bridge_propagate(struct bridge *b)
{
	enum propagation_act act;
	int side;

	if (!b->propagates)
		return UINT64_MAX;
	while ((act = propagation_next(&b->propagation, clock_now_ns(),
				       &side)) != PROPAGATION_NOTHING)
		set_port(b, side, act == PROPAGATION_UP);
	return propagation_due_ns(&b->propagation);
}

/* ---- what is told ---- */

void bridge_propagate_init(struct bridge *b)
{
	b->propagates = b->conf->link_propagation;
	propagation_init(&b->propagation, clock_now_ns());
}

static void tell(struct bridge *b, int side)
{
	const struct link_info *link = &b->side[side].link;

	propagation_tell(&b->propagation, side, link->up, link->carrier,
			 clock_now_ns());
}

void bridge_propagate_attach(struct bridge *b)
{
	/* Of one that we have set down, events may be under way still, and each
	 * is to be told in its turn. */
	for (int side = 0; b->propagates && side < SIDES; side++) {
		if (!propagation_holds(&b->propagation, side))
			tell(b, side);
		if (b->side[side].adopted)
			propagation_adopt(&b->propagation, side,
					  clock_now_ns());
		b->side[side].adopted = false;
	}
}

void bridge_propagate_missing(struct bridge *b, struct link_monitor *m)
{
	for (int side = 0; b->propagates && side < SIDES; side++)
		if (!link_get(m, b->conf->port[side], &b->side[side].link) &&
		    !propagation_holds(&b->propagation, side))
			tell(b, side);
}

bool bridge_propagate_holds(const struct bridge *b, int side)
{
	return b->propagates && (b->side[side].adopted ||
				 propagation_holds(&b->propagation, side));
}

void bridge_propagate_event(struct bridge *b, const struct link_event *event)
{
	for (int side = 0; b->propagates && side < SIDES; side++) {
		if (event->info.index != b->side[side].link.index)
			continue;
		if (event->gone)
			drop_note(&b->side[side]);
		if (event->gone)
			propagation_gone(&b->propagation, side, clock_now_ns());
		else
			propagation_tell(&b->propagation, side, event->info.up,
					 event->info.carrier, clock_now_ns());
	}
}

void bridge_propagate_end(struct bridge *b)
{
	for (int side = 0; b->propagates && side < SIDES; side++)
		if (bridge_propagate_holds(b, side))
			set_port(b, side, true);
	b->propagates = false;
}

void bridge_propagate_change(struct bridge *b, const struct conf_pair *to)
{
	bool begins = to->link_propagation && !b->propagates;

	if (!to->link_propagation)
		bridge_propagate_end(b);
	if (!begins)
		return;
	b->propagates = true;
	propagation_init(&b->propagation, clock_now_ns());
	if (b->attached)
		bridge_propagate_attach(b);
}
