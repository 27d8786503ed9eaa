/* SPDX-License-Identifier: BSD-2-Clause */
/* What stages and taps bring into a view; see top_stages.h. */
#include "config.h"

#include <string.h>

#include "top_stages.h"
#include "top_take.h"

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

void top_take_asked(char asked[TOP_ASKED_SIZE], const json_t *lane)
{
	json_t *settings = json_object_get(lane, "settings");
	char text[TOP_ASKED_SIZE];
	const char *key;
	json_t *value;
	size_t n = 0;

	*text = '\0';
	json_object_foreach(settings, key, value) {
		if (n >= sizeof(text) || !json_is_string(value))
			continue;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %s",
				      n ? ", " : "", key,
				      json_string_value(value));
	}
	top_take_text(asked, TOP_ASKED_SIZE, text);
}

/* Frames and events are counted; sizes and times are not. */
static bool is_count(const char *name)
{
	return !ends_with(name, "_bytes") && !ends_with(name, "_us");
}

/* "delay late", of late_frames */
static void name_row(char text[TOP_NAME_SIZE], const char *stage,
		     const char *name)
{
	size_t n;

	snprintf(text, TOP_NAME_SIZE, "%s %s", stage, name);
	if (ends_with(text, "_frames")) {
		n = strlen(text) - strlen("_frames");
		text[n] = '\0';
	}
	for (; *text; text++)
		if (*text == '_')
			*text = ' ';
}

static bool take_stage(struct top_pair *pair, int side, const char *stage,
		       json_t *now, const json_t *before)
{
	const char *name;
	json_t *value;

	json_object_foreach(now, name, value) {
		char text[TOP_NAME_SIZE];
		struct top_row *row;

		if (!is_count(name) || !json_is_integer(value))
			continue;
		name_row(text, stage, name);
		row = top_row(&pair->stage, &pair->n_stages, text);
		if (!row)
			return false;
		row->frames[side] = top_take_count(now, before, name);
	}
	return true;
}

bool top_take_stages(struct top_pair *pair, int side, const json_t *now,
		     const json_t *before)
{
	struct top_lane *lane = &pair->lane[side];
	json_t *stages = json_object_get(now, "stages"), *stage;
	const json_t *old = json_object_get(before, "stages");
	const char *name;

	top_take_number(&lane->held, now, "held_frames");
	top_take_fill(&lane->queue, json_object_get(stages, "rate"),
		      "queued_bytes", "queue_limit_bytes");
	json_object_foreach(stages, name, stage)
		if (!take_stage(pair, side, name, stage,
				json_object_get(old, name)))
			return false;
	return true;
}

/* It copies what goes this way. */
static bool is_on(const struct top_pair *pair, int side, const json_t *tap)
{
	const char *at = json_string_value(json_object_get(
		json_object_get(tap, side_name[side]), "at"));

	return pair->lane[side].exists && (!at || strcmp(at, "no") != 0);
}

/* A row of what it took, and one of what was lost to it. */
static bool take_tap(struct top_pair *pair, const char *id, const json_t *now,
		     const json_t *before)
{
	static const char *const member[] = { "taken_frames", "lost_frames" };
	char text[TOP_NAME_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(member); i++) {
		struct top_row *row;

		snprintf(text, sizeof(text), "tap %.40s%s", id,
			 i ? " lost" : "");
		row = top_row(&pair->tap, &pair->n_taps, text);
		if (!row)
			return false;
		row->is_bad = i;
		for (int side = 0; side < SIDES; side++)
			if (is_on(pair, side, now))
				row->frames[side] = top_take_count(
					json_object_get(now, side_name[side]),
					json_object_get(before,
							side_name[side]),
					member[i]);
	}
	return true;
}

bool top_take_taps(struct top_pair *pair, const json_t *now,
		   const json_t *before)
{
	const json_t *taps = json_object_get(now, "taps");
	const json_t *old = json_object_get(before, "taps");

	for (size_t i = 0; i < json_array_size(taps); i++) {
		const json_t *tap = json_array_get(taps, i);
		const char *id = json_string_value(json_object_get(tap, "id"));

		if (id && !take_tap(pair, id, tap, top_find_named(old, "id", id)))
			return false;
	}
	return true;
}
