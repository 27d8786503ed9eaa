/* SPDX-License-Identifier: BSD-2-Clause */
/* See bridge_taps.h. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "bridge_stages.h"
#include "bridge_taps.h"
#include "conf_diff.h"
#include "log.h"

struct bridge_tap {
	struct bridge_tap *next;
	char *id;
	char *to;
	enum tap_at at[SIDES];
	bool runtime;
	struct tap_writer *writer;
};

static void tap_free(struct bridge_tap *tap)
{
	if (!tap)
		return;
	tap_writer_free(tap->writer);
	free(tap->id);
	free(tap->to);
	free(tap);
}

/* Not in any lane yet. */
static int tap_new(struct bridge_tap **tapp, const struct tap_params *params,
		   bool runtime)
{
	struct bridge_tap *tap = calloc(1, sizeof(*tap));
	int r = -ENOMEM;

	if (tap) {
		tap->id = strdup(params->id);
		tap->to = strdup(params->to ? params->to : "-");
	}
	if (!tap || !tap->id || !tap->to) {
		log_err("tap %s: %s", params->id, strerror(ENOMEM));
		close_fd(&params->fd);
		goto fail;
	}
	tap->runtime = runtime;
	memcpy(tap->at, params->at, sizeof(tap->at));
	r = tap_writer_new(&tap->writer, params);
	if (r)
		goto fail;
	*tapp = tap;
	return 0;
fail:
	tap_free(tap);
	return r;
}

static struct bridge_tap **find(struct bridge *b, const char *id)
{
	struct bridge_tap **tap = &b->taps;

	while (*tap && strcmp((*tap)->id, id))
		tap = &(*tap)->next;
	return tap;
}

/* Have the lanes go by the list as it is now. */
static int relink(struct bridge *b)
{
	int r = bridge_chain_relink(b, SIDE_LEFT);

	return r ? r : bridge_chain_relink(b, SIDE_RIGHT);
}

/* Into the lanes, behind those that are there; or freed. */
static int tap_join(struct bridge *b, struct bridge_tap *tap)
{
	struct bridge_tap **end = &b->taps;
	int r;

	while (*end)
		end = &(*end)->next;
	*end = tap;
	r = relink(b);
	if (!r)
		return 0;
	*end = NULL;
	/* What a lane that hangs may come back to is better not freed. */
	if (!relink(b))
		tap_free(tap);
	return r;
}

/* Out of the lanes, and freed. */
static int tap_part(struct bridge *b, struct bridge_tap **at)
{
	struct bridge_tap *tap = *at;
	int r;

	*at = tap->next;
	r = relink(b);
	if (r) {
		tap->next = *at;
		*at = tap;
		return r;
	}
	tap_free(tap);
	return 0;
}

static size_t count(const struct bridge *b)
{
	size_t n = 0;

	for (const struct bridge_tap *tap = b->taps; tap; tap = tap->next)
		n++;
	return n;
}

int bridge_tap_start(struct bridge *b, const struct tap_params *from)
{
	struct tap_params params = *from;
	struct bridge_tap *tap;
	int r = 0;

	if (*find(b, params.id))
		r = -EEXIST;
	else if (count(b) >= BRIDGE_TAPS_MAX)
		r = -ENOSPC;
	if (r) {
		close_fd(&params.fd);
		return r;
	}
	for (int side = 0; side < SIDES; side++)
		params.port[side] = b->conf->port[side];
	r = tap_new(&tap, &params, true);
	return r ? r : tap_join(b, tap);
}

int bridge_tap_stop(struct bridge *b, const char *id)
{
	struct bridge_tap **at = find(b, id);
	bool runtime;
	int r;

	if (!*at)
		return -ENOENT;
	runtime = (*at)->runtime;
	r = tap_part(b, at);
	b->tap_stopped |= !r && !runtime;
	return r;
}

static const struct bridge_tap *tap_at(const struct bridge *b, size_t i)
{
	const struct bridge_tap *tap = b->taps;

	while (tap && i--)
		tap = tap->next;
	return tap;
}

bool bridge_tap_at(const struct bridge *b, size_t i,
		   struct bridge_tap_info *info)
{
	const struct bridge_tap *tap = tap_at(b, i);

	if (!tap)
		return false;
	*info = (struct bridge_tap_info){
		.id = tap->id,
		.to = tap->to,
		.at = { tap->at[SIDE_LEFT], tap->at[SIDE_RIGHT] },
		.runtime = tap->runtime,
	};
	tap_writer_figures(tap->writer, &info->figures);
	return true;
}

struct stage *bridge_tap_stage(const struct bridge *b, size_t i, int side)
{
	return tap_writer_stage(tap_at(b, i)->writer, side);
}

/* ---- the configuration's ---- */

static bool is_wanted(const struct conf_pair *conf)
{
	return conf->tap[SIDE_LEFT] || conf->tap[SIDE_RIGHT];
}

static const struct bridge_tap *configured(const struct bridge *b)
{
	const struct bridge_tap *tap = b->taps;

	while (tap && tap->runtime)
		tap = tap->next;
	return tap;
}

static int make_configured(struct bridge_tap **tap,
			   const struct conf_pair *conf)
{
	const struct tap_params params = {
		.id = BRIDGE_TAP_ID,
		.port = { conf->port[SIDE_LEFT], conf->port[SIDE_RIGHT] },
		.at = { (enum tap_at)conf->tap[SIDE_LEFT],
			(enum tap_at)conf->tap[SIDE_RIGHT] },
		.to = conf->tap_to,
		.fd = -1,
		.filter = conf->tap_filter,
		.snap_bytes = (uint32_t)conf->tap_snap_bytes,
		.queue_bytes = conf->tap_queue_bytes,
		.rotate_bytes = conf->tap_rotate_bytes,
		.rotate_frames = conf->tap_rotate_frames,
		.rotate_ns = conf->tap_rotate_ns,
		.files = (uint32_t)conf->tap_files,
	};

	return tap_new(tap, &params, false);
}

static bool differs(const struct bridge *b, const struct conf_pair *conf)
{
	if (b->tap_outdated ||
	    (is_wanted(conf) && !configured(b) && !b->tap_stopped))
		return true; /* it failed */
	for (int side = 0; side < SIDES; side++)
		if (conf_stage_differs(b->conf, conf, (enum side)side,
				       STAGE_TAP_OUT) ||
		    strcmp(b->conf->port[side], conf->port[side]))
			return true;
	return false;
}

int bridge_tap_begin(struct bridge *b)
{
	struct bridge_tap *tap;
	int r;

	if (!is_wanted(b->conf))
		return 0;
	r = make_configured(&tap, b->conf);
	return r ? r : tap_join(b, tap);
}

int bridge_tap_prepare(const struct bridge *b, const struct conf_pair *conf,
		       struct bridge_tap_change *change)
{
	const struct bridge_tap *now = configured(b);

	*change = (struct bridge_tap_change){ .differs = differs(b, conf) };
	if (!change->differs || !is_wanted(conf) ||
	    (now && !strcmp(now->to, conf->tap_to)))
		return 0;
	return make_configured(&change->tap, conf);
}

/* To the same place as the one that was: if it cannot be had, that goes on. */
static int make_again(struct bridge *b, const struct conf_pair *conf, bool had,
		      struct bridge_tap **tap)
{
	int r = make_configured(tap, conf);

	if (r && had && !make_configured(tap, b->conf)) {
		b->tap_outdated = true;
		log_err("pair %s: its tap goes on as it was", b->conf->name);
	}
	return r;
}

int bridge_tap_commit(struct bridge *b, const struct conf_pair *conf,
		      struct bridge_tap_change *change)
{
	struct bridge_tap *tap = change->tap;
	bool had = configured(b) != NULL;
	int r = 0, joined = 0;

	change->tap = NULL;
	if (!change->differs)
		return 0;
	/* Where both can be had, no frame goes by between them. */
	if (tap)
		joined = tap_join(b, tap);
	if (had) /* the first of this name */
		r = bridge_tap_stop(b, BRIDGE_TAP_ID);
	b->tap_stopped = b->tap_outdated = false;
	if (r || tap || !is_wanted(conf))
		return r ? r : joined;
	r = make_again(b, conf, had, &tap);
	if (tap)
		joined = tap_join(b, tap);
	return r ? r : joined;
}

void bridge_tap_resume(struct bridge *b)
{
	b->tap_stopped = false;
}

void bridge_tap_abandon(struct bridge_tap_change *change)
{
	tap_free(change->tap);
	change->tap = NULL;
}

void bridge_taps_look_after(struct bridge *b)
{
	struct bridge_tap **at = &b->taps;

	while (*at) {
		struct tap_figures figures;
		struct bridge_tap *tap = *at;

		tap_writer_figures(tap->writer, &figures);
		if (!figures.ended || tap_part(b, at))
			at = &tap->next;
	}
}

void bridge_taps_finish(struct bridge *b)
{
	for (struct bridge_tap *tap = b->taps; tap; tap = tap->next)
		tap_writer_end(tap->writer);
}

void bridge_taps_end(struct bridge *b)
{
	while (b->taps && !tap_part(b, &b->taps))
		;
}
