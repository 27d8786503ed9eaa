/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The taps of a bridge: one that its configuration asks for, and any that are
 * started while it runs. A tap outlives the wire's being detached.
 */
#ifndef BUMPWIRE_BRIDGE_TAPS_H
#define BUMPWIRE_BRIDGE_TAPS_H

#include "bridge.h"
#include "tap_writer.h"

#define BRIDGE_TAP_ID "tap" /* of the configuration's */
#define BRIDGE_TAPS_MAX 16  /* of one wire */

struct bridge_tap_info {
	const char *id;
	const char *to; /* "-": a reader */
	enum tap_at at[SIDES];
	bool runtime; /* not of the configuration */
	struct tap_figures figures;
};

/* Start one; strings are copied, params->fd is the tap's, whatever comes of
 * it; params->port is the bridge's to say. 0; -EEXIST: the id is taken, or
 * -ENOSPC: there are too many (neither logged); -errno (logged). */
int bridge_tap_start(struct bridge *b, const struct tap_params *params);

/* End one: what is queued is written. 0, -ENOENT (not logged), or -ETIMEDOUT
 * (logged) if a lane did not turn. */
int bridge_tap_stop(struct bridge *b, const char *id);

/* The i-th tap; false behind the last. Strings live as long as the tap. */
bool bridge_tap_at(const struct bridge *b, size_t i,
		   struct bridge_tap_info *info);

/* Its stage in a lane, or NULL: for bridge_stages.c. */
struct stage *bridge_tap_stage(const struct bridge *b, size_t i, int side);

/* The tap that the configuration asks for, if it does, once the process may do
 * no more than it will be allowed to. 0 or -errno (logged). */
int bridge_tap_begin(struct bridge *b);

/*
 * The configuration's tap, where it is to be another than the one that there
 * is. What can fail is made first, beside that, unless both write to the same
 * place. One that was stopped by hand stays so until its keys change, or
 * bridge_tap_resume(). 0 or -errno (logged); then commit or abandon.
 */
struct bridge_tap_change {
	struct bridge_tap *tap; /* NULL: to be made late, or not at all */
	bool differs;
};

int bridge_tap_prepare(const struct bridge *b, const struct conf_pair *conf,
		       struct bridge_tap_change *change);
/* -errno (logged): the wire goes on without it. */
int bridge_tap_commit(struct bridge *b, const struct conf_pair *conf,
		      struct bridge_tap_change *change);
void bridge_tap_abandon(struct bridge_tap_change *change);

/* The next change starts the configuration's tap, if somebody stopped it. */
void bridge_tap_resume(struct bridge *b);

/* Now and then: end taps whose reader has gone. */
void bridge_taps_look_after(struct bridge *b);

/* Once no lane turns any more: write what is queued and close the sinks, so that
 * what is counted is final. */
void bridge_taps_finish(struct bridge *b);

/* End all. */
void bridge_taps_end(struct bridge *b);

#endif
