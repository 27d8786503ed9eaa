/* SPDX-License-Identifier: BSD-2-Clause */
/* See top_plain.h. */
#include "config.h"

#include <inttypes.h>

#include "top_plain.h"
#include "top_units.h"

#define RULES_MAX 8 /* in a line; more are only counted */

void top_plain_stamp(char stamp[TOP_STAMP_SIZE], const struct timespec *at)
{
	char date[24], zone[8];
	struct tm tm;

	localtime_r(&at->tv_sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	snprintf(stamp, TOP_STAMP_SIZE, "%s.%03ld%s", date,
		 at->tv_nsec / 1000000, zone);
}

/* "12 (34 in all)": the last turn, and since it counts. */
static void print_count(const struct top_count *c, const char *label, FILE *out)
{
	fprintf(out, ", %s", label);
	if (!c->known)
		fprintf(out, " -");
	else if (c->compared)
		fprintf(out, " %" PRIu64, c->since);
	else
		fprintf(out, " -");
	if (c->known && c->total)
		fprintf(out, " (%" PRIu64 " in all)", c->total);
}

static void print_rates(const struct top_view *view, const struct top_count *c,
			FILE *out)
{
	char frames[TOP_TEXT_SIZE], bits[TOP_TEXT_SIZE];

	top_rate_plain(frames, top_view_rate(view, &c[TOP_FORWARDED_FRAMES]),
		       "pps");
	top_rate_plain(bits, top_view_rate(view, &c[TOP_FORWARDED_BYTES]) * 8,
		       "bit/s");
	fprintf(out, " %s, %s", frames, bits);
}

static void print_rows(const struct top_row *row, size_t n, int side, FILE *out)
{
	for (size_t i = 0; i < n; i++) {
		const struct top_count *c = &row[i].frames[side];

		if (c->compared && c->since)
			fprintf(out, ", %s %" PRIu64, row[i].name, c->since);
	}
}

/* What has happened in this turn, and the rules that matched in it. */
static void print_turn(const struct top_pair *pair, int side, FILE *out)
{
	size_t n = 0;

	print_rows(pair->reason, pair->n_reasons, side, out);
	print_rows(pair->stage, pair->n_stages, side, out);
	print_rows(pair->tap, pair->n_taps, side, out);
	for (size_t i = 0; i < pair->n_rules; i++) {
		const struct top_count *c = &pair->rule[i].frames[side];

		if (!c->compared || !c->since || n++ >= RULES_MAX)
			continue;
		fprintf(out, ", rule %s %" PRIu64, pair->rule[i].id, c->since);
	}
	if (n > RULES_MAX)
		fprintf(out, ", %zu more rules", n - RULES_MAX);
}

static void print_fill(const struct top_fill *fill, const char *label,
		       FILE *out)
{
	if (fill->known)
		fprintf(out, ", %s %" PRIu64 "/%" PRIu64 " %u %%", label,
			fill->used, fill->size, fill->percent);
}

static void print_lane(const struct top_view *view, const struct top_pair *pair,
		       int side, FILE *out)
{
	const struct top_lane *lane = &pair->lane[side];
	int far = side == SIDE_LEFT ? SIDE_RIGHT : SIDE_LEFT;

	fprintf(out, "; %s -> %s", pair->port[side].name,
		pair->port[far].name);
	print_rates(view, lane->count, out);
	if (lane->began_anew)
		fprintf(out, ", began anew");
	print_count(&lane->count[TOP_DROPPED_FRAMES], "dropped", out);
	print_turn(pair, side, out);
	if (lane->count[TOP_RING_FULL_FRAMES].total)
		print_count(&lane->count[TOP_RING_FULL_FRAMES], "ring full",
			    out);
	if (lane->held)
		fprintf(out, ", held %" PRIu64, lane->held);
	print_fill(&lane->queue, "queue", out);
	print_fill(&lane->ring, "ring", out);
}

static void print_port(const struct top_port *port, FILE *out)
{
	if (port->up_known && !port->up)
		fprintf(out, ", %s down", port->name);
	else if (port->up_known && !port->carrier)
		fprintf(out, ", %s no carrier", port->name);
}

void top_plain_print(const struct top_view *view, const char *stamp, FILE *out)
{
	for (size_t i = 0; i < view->n_pairs; i++) {
		const struct top_pair *pair = &view->pair[i];

		fprintf(out, "%s %s: %s%s", stamp, pair->name, pair->state,
			pair->is_new ? ", new" : "");
		for (int side = 0; side < SIDES; side++)
			print_port(&pair->port[side], out);
		for (int side = 0; side < SIDES; side++)
			if (pair->lane[side].exists)
				print_lane(view, pair, side, out);
		fprintf(out, "\n");
	}
	if (!view->n_pairs)
		fprintf(out, "%s no pairs\n", stamp);
}
