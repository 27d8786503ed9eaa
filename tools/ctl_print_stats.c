/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts as text; see ctl_print.h. The look is that of bridge/report.c. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "ctl_print.h"

#define LABEL_WIDTH 30
#define VALUE_WIDTH 20
#define SIDES_SHOWN 2

static const char *const side_name[SIDES_SHOWN] = { "left", "right" };

/* The lanes of a pair that exist, as columns of a table. */
struct columns {
	const json_t *lane[SIDES_SHOWN]; /* NULL: there is none */
	FILE *out;
};

static void lane_name(const json_t *lane, char *buf, size_t size)
{
	snprintf(buf, size, "%s -> %s", ctl_text(lane, "from"),
		 ctl_text(lane, "to"));
}

static void print_head(const struct columns *c)
{
	char name[64];

	fprintf(c->out, "%*s", LABEL_WIDTH, "");
	for (int side = 0; side < SIDES_SHOWN; side++) {
		if (!c->lane[side])
			continue;
		lane_name(c->lane[side], name, sizeof(name));
		fprintf(c->out, " %*s", VALUE_WIDTH, name);
	}
	fprintf(c->out, "\n");
}

static void print_row(const struct columns *c, const char *label,
		      const int64_t value[SIDES_SHOWN], bool always)
{
	if (!always && !value[0] && !value[1])
		return;
	fprintf(c->out, "%-*s", LABEL_WIDTH, label);
	for (int side = 0; side < SIDES_SHOWN; side++)
		if (c->lane[side])
			fprintf(c->out, " %*" PRId64, VALUE_WIDTH, value[side]);
	fprintf(c->out, "\n");
}

/* Reasons, in the bridge's order and with its names. */
static void print_reasons(const struct columns *c)
{
	const json_t *reasons[SIDES_SHOWN];
	json_t *any; /* jansson walks through what might be changed only */
	const char *name;
	json_t *count;
	char label[64];

	for (int side = 0; side < SIDES_SHOWN; side++)
		reasons[side] = json_object_get(c->lane[side], "dropped");
	any = json_object_get(c->lane[0] ? c->lane[0] : c->lane[1], "dropped");
	json_object_foreach(any, name, count) {
		const int64_t value[SIDES_SHOWN] = {
			ctl_integer(reasons[0], name),
			ctl_integer(reasons[1], name),
		};

		snprintf(label, sizeof(label), "  %s", name);
		print_row(c, label, value, false);
	}
}

static void print_lane_counters(const struct columns *c)
{
	static const struct {
		const char *label;
		const char *name;
		enum { IF_NOT_0, IF_THERE, ALWAYS } when;
	} row[] = {
		{ "received frames", "received_frames", ALWAYS },
		{ "received bytes", "received_bytes", ALWAYS },
		{ "duplicated frames", "duplicated_frames", IF_NOT_0 },
		{ "split frames", "split_frames", IF_NOT_0 },
		{ "forwarded frames", "forwarded_frames", ALWAYS },
		{ "forwarded bytes", "forwarded_bytes", ALWAYS },
		{ "held frames", "held_frames", IF_NOT_0 },
		{ "dropped frames", "dropped_frames", ALWAYS },
		{ "unaccounted", "unaccounted_frames", IF_THERE },
		{ "ring full (never received)", "ring_full_frames", ALWAYS },
		{ "ring slots in use", "ring_used_slots", IF_NOT_0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		const int64_t value[SIDES_SHOWN] = {
			ctl_integer(c->lane[0], row[i].name),
			ctl_integer(c->lane[1], row[i].name),
		};
		bool is_there = json_object_get(c->lane[0], row[i].name) ||
				json_object_get(c->lane[1], row[i].name);

		print_row(c, row[i].label, value, row[i].when == ALWAYS ||
			  (row[i].when == IF_THERE && is_there));
		if (!strcmp(row[i].name, "dropped_frames"))
			print_reasons(c);
	}
}

/* ---- what stages count of their own: impair lost ---- */

static const json_t *stages_of(const struct columns *c, int side)
{
	return json_object_get(c->lane[side], "stages");
}

/* A stage that both lanes have is shown with the first one. */
static void print_stage(const struct columns *c, const char *stage, int first)
{
	const json_t *counts[SIDES_SHOWN];
	json_t *all, *count; /* jansson walks through what might be changed */
	const char *name;
	char label[96];

	for (int side = 0; side < SIDES_SHOWN; side++)
		counts[side] = json_object_get(stages_of(c, side), stage);
	all = json_object_get(stages_of(c, first), stage);
	json_object_foreach(all, name, count) {
		const int64_t value[SIDES_SHOWN] = {
			ctl_integer(counts[0], name),
			ctl_integer(counts[1], name),
		};

		snprintf(label, sizeof(label), "%s %s", stage, name);
		for (char *at = label; *at; at++)
			if (*at == '_')
				*at = ' ';
		print_row(c, label, value, false);
	}
}

static void print_stages(const struct columns *c)
{
	for (int side = 0; side < SIDES_SHOWN; side++) {
		json_t *stages = json_object_get(c->lane[side], "stages");
		json_t *counts;
		const char *name;

		json_object_foreach(stages, name, counts)
			if (!side || !json_object_get(stages_of(c, 0), name))
				print_stage(c, name, side);
	}
}

/* ---- taps ---- */

static void print_tap(const struct columns *c, const json_t *tap)
{
	static const char *const name[] = { "taken_frames", "lost_frames" };

	fprintf(c->out, "tap %s to %s\n", ctl_text(tap, "id"), ctl_tap_to(tap));
	for (size_t i = 0; i < ARRAY_SIZE(name); i++) {
		int64_t value[SIDES_SHOWN];

		for (int side = 0; side < SIDES_SHOWN; side++)
			value[side] = ctl_integer(
				json_object_get(tap, side_name[side]), name[i]);
		print_row(c, i ? "  lost frames" : "  taken frames", value,
			  true);
	}
	fprintf(c->out, "%-*s %*" PRId64 "\n", LABEL_WIDTH,
		"  written frames", VALUE_WIDTH,
		ctl_integer(tap, "written_frames"));
}

static void print_taps(const struct columns *c, const json_t *pair)
{
	const json_t *taps = json_object_get(pair, "taps");

	for (size_t i = 0; i < json_array_size(taps); i++)
		print_tap(c, json_array_get(taps, i));
}

/* The rules of a lane, a line each: how many frames each was the first to
 * match. */
static void print_lane_rules(const json_t *lane, FILE *out)
{
	const json_t *rules = json_object_get(lane, "rules"), *rule = NULL;
	char name[64];

	for (size_t i = 0; i < json_array_size(rules); i++) {
		rule = json_array_get(rules, i);
		if (!i) {
			lane_name(lane, name, sizeof(name));
			fprintf(out, "rules for %s\n", name);
		}
		fprintf(out, "  %-*s %*" PRId64 "  %s\n", LABEL_WIDTH - 2,
			ctl_text(rule, "id"), VALUE_WIDTH,
			ctl_integer(rule, "frames"), ctl_text(rule, "text"));
	}
	if (!strcmp(ctl_text(rule, "action"), "pass_only"))
		fprintf(out, "  %-*s %*" PRId64 "\n", LABEL_WIDTH - 2,
			"no pass_only matched", VALUE_WIDTH,
			ctl_integer(lane, "unmatched_frames"));
}

static void print_link_counters(const json_t *pair, FILE *out)
{
	static const char *const name[] = {
		"rx_frames", "rx_bytes", "rx_dropped", "rx_errors",
		"tx_frames", "tx_bytes", "tx_dropped", "tx_errors",
	};
	const json_t *port[SIDES_SHOWN], *link[SIDES_SHOWN];

	for (int side = 0; side < SIDES_SHOWN; side++) {
		port[side] = json_object_get(pair, side_name[side]);
		link[side] = json_object_get(port[side], "link");
	}
	fprintf(out, "%-*s %*s %*s\n", LABEL_WIDTH,
		"link counters, by the kernel", VALUE_WIDTH,
		ctl_text(port[0], "name"), VALUE_WIDTH,
		ctl_text(port[1], "name"));
	for (size_t i = 0; i < ARRAY_SIZE(name); i++)
		fprintf(out, "  %.2s %-*s %*" PRId64 " %*" PRId64 "\n", name[i],
			LABEL_WIDTH - 5, name[i] + 3, VALUE_WIDTH,
			ctl_integer(link[0], name[i]), VALUE_WIDTH,
			ctl_integer(link[1], name[i]));
}

static struct columns columns_of(const json_t *pair, FILE *out)
{
	const json_t *lanes = json_object_get(pair, "lanes");

	return (struct columns){
		.lane = { json_object_get(lanes, side_name[0]),
			  json_object_get(lanes, side_name[1]) },
		.out = out,
	};
}

static double seconds_of(const json_t *stats)
{
	return json_number_value(json_object_get(stats, "seconds"));
}

void ctl_print_stats(const struct ctl_answer *a, FILE *out)
{
	const json_t *pairs = json_object_get(a->result, "pairs");

	for (size_t i = 0; i < json_array_size(pairs); i++) {
		const json_t *pair = json_array_get(pairs, i);
		const struct columns c = columns_of(pair, out);
		uint64_t tenths = (uint64_t)(seconds_of(a->result) * 10);

		fprintf(out, "pair %s, %" PRIu64 ".%" PRIu64 " s\n",
			ctl_text(pair, "name"), tenths / 10, tenths % 10);
		print_head(&c);
		print_lane_counters(&c);
		print_stages(&c);
		for (int side = 0; side < SIDES_SHOWN; side++)
			print_lane_rules(c.lane[side], out);
		print_taps(&c, pair);
		print_link_counters(pair, out);
	}
}

/* ---- rates ---- */

static const json_t *find_pair(const json_t *stats, const char *name)
{
	const json_t *pairs = json_object_get(stats, "pairs");

	for (size_t i = 0; i < json_array_size(pairs); i++) {
		const json_t *pair = json_array_get(pairs, i);

		if (!strcmp(ctl_text(pair, "name"), name))
			return pair;
	}
	return NULL;
}

static int64_t growth(const json_t *was, const json_t *now, const char *name)
{
	return ctl_integer(now, name) - ctl_integer(was, name);
}

/* All of a lane's counts, if one of them has become less. */
static bool began_anew(const json_t *was, const json_t *now)
{
	return growth(was, now, "received_frames") < 0 ||
	       growth(was, now, "forwarded_frames") < 0 ||
	       growth(was, now, "forwarded_bytes") < 0 ||
	       growth(was, now, "dropped_frames") < 0 ||
	       growth(was, now, "ring_full_frames") < 0;
}

static void print_lane_rates(const json_t *was, const json_t *now,
			     double seconds, FILE *out)
{
	char name[64];

	if (began_anew(was, now))
		was = NULL;
	lane_name(now, name, sizeof(name));
	fprintf(out,
		"  %s %.0f pps %.3f Mbit/s dropped %" PRId64
		" ring full %" PRId64, name,
		(double)growth(was, now, "forwarded_frames") / seconds,
		(double)growth(was, now, "forwarded_bytes") * 8 / seconds / 1e6,
		growth(was, now, "dropped_frames"),
		growth(was, now, "ring_full_frames"));
}

void ctl_print_rates(const json_t *was, const json_t *now, FILE *out)
{
	const json_t *pairs = json_object_get(now, "pairs");
	double seconds = seconds_of(now) - seconds_of(was);

	/* Another process answers now than did before. */
	if (seconds <= 0) {
		was = NULL;
		seconds = seconds_of(now) > 0 ? seconds_of(now) : 1;
	}
	for (size_t i = 0; i < json_array_size(pairs); i++) {
		const json_t *pair = json_array_get(pairs, i);
		const char *name = ctl_text(pair, "name");
		const struct columns after = columns_of(pair, out);
		const struct columns before =
			columns_of(find_pair(was, name), out);

		fprintf(out, "%.1f s %s:", seconds_of(now), name);
		for (int side = 0; side < SIDES_SHOWN; side++)
			if (after.lane[side])
				print_lane_rates(before.lane[side],
						 after.lane[side], seconds,
						 out);
		fprintf(out, "\n");
	}
}
