/* SPDX-License-Identifier: BSD-2-Clause */
/* See bridge_claim.h. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "bridge_claim.h"
#include "log.h"
#include "port_record.h"
#include "state_dir.h"

#define CLAIM_PREFIX "port-" /* of a state file's name */

/* The process that has a port and lives, or 0. */
static int find_owner(int dir, int index)
{
	struct port_record record;

	if (port_record_find(dir, CLAIM_PREFIX, index, &record) ||
	    port_record_is_orphan(&record) || record.pid == getpid())
		return 0;
	return record.pid;
}

static int claim_side(struct bridge *b, int side, int dir, bool told)
{
	struct bridge_port *bp = &b->side[side];
	struct port_record record;
	int owner, r = port_record_init(&record, bp->link.index);

	if (r)
		return 0;
	port_record_name(&record, bp->claim);
	owner = find_owner(dir, bp->link.index);
	if (!owner)
		r = port_record_write(dir, CLAIM_PREFIX, bp->claim, &record);
	if (owner || r)
		*bp->claim = '\0';
	if (r)
		log_debug("port %s: a note in %s: %s", bp->link.name,
			  BRIDGE_STATE_DIR, strerror(-r));
	if (owner && !told)
		log_err("pair %s: %s is a port of another bumpwire (process "
			"%d): stop that one", b->conf->name, bp->link.name,
			owner);
	return owner ? -EBUSY : 0;
}

int bridge_claim(struct bridge *b, bool told)
{
	autoclean(close_fd) int dir = state_dir_open(BRIDGE_STATE_DIR);
	autoclean(close_fd) int lock = dir < 0 ? -1 : state_dir_lock(dir);
	int r = 0;

	if (lock < 0)
		return 0;
	for (int side = 0; !r && side < SIDES; side++)
		r = claim_side(b, side, dir, told);
	if (r)
		bridge_unclaim(b);
	return r;
}

void bridge_unclaim(struct bridge *b)
{
	autoclean(close_fd) int dir = -1;

	for (int side = 0; side < SIDES; side++) {
		char *claim = b->side[side].claim;

		if (!*claim)
			continue;
		if (dir < 0)
			dir = state_dir_open(BRIDGE_STATE_DIR);
		if (dir >= 0)
			state_dir_remove(dir, CLAIM_PREFIX, claim);
		*claim = '\0';
	}
}
