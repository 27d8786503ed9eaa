/* SPDX-License-Identifier: BSD-2-Clause */
/* See top_page.h. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "top_page.h"
#include "top_pen.h"
#include "top_units.h"

#define LABEL_WIDTH 18
#define CELL_WIDTH 21 /* a mark or a blank, and a value */

/* ---- a row of the lanes ---- */

static size_t cell_column(const struct pen *p, int side)
{
	return LABEL_WIDTH + (size_t)side * CELL_WIDTH * (p->wide ? 2 : 1);
}

/* The count of a row in one lane, as a rate or in all, and if there is room the
 * last turn's. */
static void put_count(const struct pen *p, int side, const struct top_count *c,
		      bool is_bytes, bool is_bad)
{
	enum top_look look = is_bad && c->compared && c->since ?
				     TOP_LOOK_BAD : TOP_LOOK_PLAIN;
	size_t column = cell_column(p, side);
	double rate = top_view_rate(p->view, c);
	char text[TOP_TEXT_SIZE];

	if (p->totals && c->known)
		top_count(text, c->total, TOP_COUNT_WIDTH);
	else if (p->totals)
		snprintf(text, sizeof(text), "-");
	else if (is_bytes)
		top_rate(text, rate * 8, "bit/s");
	else
		top_rate(text, rate, "pps");
	pen_put_right(p, column, CELL_WIDTH, look, text);
	if (!p->wide)
		return;
	snprintf(text, sizeof(text), "-");
	if (c->compared)
		top_count(text, c->since, TOP_COUNT_WIDTH);
	pen_put_right(p, column + CELL_WIDTH, CELL_WIDTH, look, text);
}

static void put_counter(struct pen *p, const struct top_pair *pair,
			const char *label, enum top_counter counter,
			bool is_bytes, bool is_bad)
{
	pen_next_line(p);
	pen_put(p, 2, LABEL_WIDTH - 2, TOP_LOOK_PLAIN, label);
	for (int side = 0; side < SIDES; side++)
		if (pair->lane[side].exists)
			put_count(p, side, &pair->lane[side].count[counter],
				  is_bytes, is_bad);
}

static bool counts_any(const struct top_pair *pair, enum top_counter counter)
{
	return pair->lane[SIDE_LEFT].count[counter].total ||
	       pair->lane[SIDE_RIGHT].count[counter].total;
}

/* What never happened has no row. */
static void put_rows(struct pen *p, const struct top_row *rows, size_t n,
		     size_t indent)
{
	for (size_t i = 0; i < n; i++) {
		const struct top_row *row = &rows[i];

		if (!row->frames[SIDE_LEFT].total &&
		    !row->frames[SIDE_RIGHT].total)
			continue;
		pen_next_line(p);
		pen_put(p, indent, LABEL_WIDTH - indent, TOP_LOOK_PLAIN,
			row->name);
		for (int side = 0; side < SIDES; side++)
			if (row->frames[side].known)
				put_count(p, side, &row->frames[side], false,
					  row->is_bad);
	}
}

static void put_fill(const struct pen *p, int side, const struct top_fill *fill,
		     bool is_bad)
{
	char text[TOP_TEXT_SIZE * 2] = "-";

	if (fill->known)
		snprintf(text, sizeof(text), "%" PRIu64 "/%" PRIu64 " %3u %%",
			 fill->used, fill->size, fill->percent);
	pen_put_right(p, cell_column(p, side), CELL_WIDTH,
		      is_bad ? TOP_LOOK_BAD : TOP_LOOK_PLAIN, text);
}

static void put_ring(struct pen *p, const struct top_pair *pair)
{
	pen_next_line(p);
	pen_put(p, 2, LABEL_WIDTH - 2, TOP_LOOK_PLAIN, "ring");
	for (int side = 0; side < SIDES; side++) {
		const struct top_fill *ring = &pair->lane[side].ring;

		if (pair->lane[side].exists)
			put_fill(p, side, ring, ring->known && ring->percent >
							TOP_RING_BAD_PERCENT);
	}
}

/* A rate's queue is full whenever there is more than it lets pass. */
static void put_queue(struct pen *p, const struct top_pair *pair)
{
	if (!pair->lane[SIDE_LEFT].queue.known &&
	    !pair->lane[SIDE_RIGHT].queue.known)
		return;
	pen_next_line(p);
	pen_put(p, 2, LABEL_WIDTH - 2, TOP_LOOK_PLAIN, "queue, bytes");
	for (int side = 0; side < SIDES; side++)
		if (pair->lane[side].queue.known)
			put_fill(p, side, &pair->lane[side].queue, false);
}

static void put_held(struct pen *p, const struct top_pair *pair)
{
	if (!*pair->lane[SIDE_LEFT].asked && !*pair->lane[SIDE_RIGHT].asked &&
	    !pair->lane[SIDE_LEFT].held && !pair->lane[SIDE_RIGHT].held)
		return;
	pen_next_line(p);
	pen_put(p, 2, LABEL_WIDTH - 2, TOP_LOOK_PLAIN, "held");
	for (int side = 0; side < SIDES; side++) {
		char text[TOP_TEXT_SIZE];

		if (!pair->lane[side].exists)
			continue;
		top_count(text, pair->lane[side].held, TOP_COUNT_WIDTH);
		pen_put_right(p, cell_column(p, side), CELL_WIDTH,
			      TOP_LOOK_PLAIN, text);
	}
}

static void put_rules(struct pen *p, const struct top_pair *pair)
{
	for (size_t i = 0; i < pair->n_rules; i++) {
		const struct top_rule *rule = &pair->rule[i];
		char label[TOP_NAME_SIZE * 2];

		pen_next_line(p);
		snprintf(label, sizeof(label), "%s%s %s",
			 rule->pass_only ? "pass" : "drop",
			 rule->runtime ? "+" : "", rule->id);
		pen_put(p, 2, LABEL_WIDTH - 2, TOP_LOOK_PLAIN, label);
		for (int side = 0; side < SIDES; side++)
			if (rule->on[side])
				put_count(p, side, &rule->frames[side], false,
					  false);
	}
}

/* ---- a pair ---- */

static void put_port(struct pen *p, const struct top_port *port, int side)
{
	bool is_bad = port->up_known && !(port->up && port->carrier);
	const char *link = !port->up_known ? "-" : !port->up ? "down" :
			   !port->carrier ? "no carrier" : "carrier";

	pen_next_line(p);
	pen_put(p, 2, 6, TOP_LOOK_PLAIN, side_name[side]);
	pen_put(p, 8, 16, TOP_LOOK_PLAIN, *port->name ? port->name : "-");
	if (is_bad)
		pen_put(p, 25, 1, TOP_LOOK_BAD, "!");
	pen_put(p, 27, 11, is_bad ? TOP_LOOK_BAD : TOP_LOOK_GOOD, link);
	if (port->mtu)
		pen_put_format(p, 38, TOP_LOOK_PLAIN, "mtu %" PRIu64,
			       port->mtu);
	else
		pen_put(p, 38, 12, TOP_LOOK_PLAIN, "mtu -");
	pen_put(p, 49, TOP_COLUMNS_MAX, TOP_LOOK_PLAIN, port->driver);
}

/* What is done to its frames, as it was asked for. */
static void put_asked(struct pen *p, const struct top_pair *pair)
{
	for (int side = 0; side < SIDES; side++) {
		const struct top_lane *lane = &pair->lane[side];

		if (!*lane->asked)
			continue;
		pen_next_line(p);
		pen_put_format(p, 2, TOP_LOOK_PLAIN, "%s -> %s: %s",
			       side_name[side], side_name[!side], lane->asked);
	}
}

/* Where the names are too long for a column, the sides are said. */
static void put_lane_names(struct pen *p, const struct top_pair *pair)
{
	size_t width = CELL_WIDTH * (p->wide ? 2 : 1) - 1;

	pen_next_line(p);
	for (int side = 0; side < SIDES; side++) {
		int far = side == SIDE_LEFT ? SIDE_RIGHT : SIDE_LEFT;
		char text[TOP_NAME_SIZE * 3];

		snprintf(text, sizeof(text), "%s -> %s", pair->port[side].name,
			 pair->port[far].name);
		if (strlen(text) > width)
			snprintf(text, sizeof(text), "%s -> %s",
				 side_name[side], side_name[far]);
		pen_put_right(p, cell_column(p, side) + 1, width,
			      TOP_LOOK_TITLE, text);
	}
}

static void put_heads(struct pen *p, const struct top_pair *pair)
{
	pen_next_line(p);
	for (int side = 0; side < SIDES; side++) {
		const struct top_lane *lane = &pair->lane[side];
		const char *head = p->totals ? "in all" : "rate  ";

		if (!lane->exists)
			head = "one way";
		else if (lane->began_anew)
			head = "began anew";
		pen_put_right(p, cell_column(p, side), CELL_WIDTH,
			      TOP_LOOK_TITLE, head);
		if (p->wide && lane->exists)
			pen_put_right(p, cell_column(p, side) + CELL_WIDTH,
				      CELL_WIDTH, TOP_LOOK_TITLE, "last turn");
	}
}

static void put_title(struct pen *p, const struct top_pair *pair)
{
	bool is_good = top_state_is_good(pair->state);
	size_t column;

	pen_next_line(p);
	column = pen_put_format(p, 0, TOP_LOOK_TITLE, "%s", pair->name) + 2;
	column = pen_put_format(p, column,
				is_good ? TOP_LOOK_GOOD : TOP_LOOK_BAD, "%s%s",
				is_good ? "" : "! ", pair->state) +
		 2;
	if (pair->is_new)
		pen_put_format(p, column, TOP_LOOK_TITLE, "new");
}

static void put_pair(struct pen *p, const struct top_pair *pair)
{
	/* Beside a rate in bits stand the bytes of the last turn. */
	const char *unit = p->totals ? "  bytes" : p->wide ? "  bits, bytes" :
							     "  bits";

	put_title(p, pair);
	for (int side = 0; side < SIDES; side++)
		put_port(p, &pair->port[side], side);
	put_asked(p, pair);
	if (!pair->lane[SIDE_LEFT].exists && !pair->lane[SIDE_RIGHT].exists)
		return;
	put_lane_names(p, pair);
	put_heads(p, pair);
	put_counter(p, pair, "received", TOP_RECEIVED_FRAMES, false, false);
	put_counter(p, pair, unit, TOP_RECEIVED_BYTES, true, false);
	put_counter(p, pair, "forwarded", TOP_FORWARDED_FRAMES, false, false);
	put_counter(p, pair, unit, TOP_FORWARDED_BYTES, true, false);
	if (counts_any(pair, TOP_DUPLICATED_FRAMES))
		put_counter(p, pair, "duplicated", TOP_DUPLICATED_FRAMES,
			    false, false);
	if (counts_any(pair, TOP_SPLIT_FRAMES))
		put_counter(p, pair, "split", TOP_SPLIT_FRAMES, false, false);
	put_counter(p, pair, "dropped", TOP_DROPPED_FRAMES, false, false);
	put_rows(p, pair->reason, pair->n_reasons, 4);
	put_counter(p, pair, "ring full", TOP_RING_FULL_FRAMES, false, true);
	put_ring(p, pair);
	put_held(p, pair);
	put_queue(p, pair);
	put_rows(p, pair->stage, pair->n_stages, 2);
	put_rows(p, pair->tap, pair->n_taps, 2);
	put_rules(p, pair);
}

/* ---- all ---- */

static void put_page_title(struct pen *p)
{
	const struct top_view *view = p->view;
	char uptime[TOP_TEXT_SIZE];
	size_t column;

	p->line = &p->page->title;
	pen_clear_line(p, p->line);
	top_uptime(uptime, view->uptime_s);
	column = pen_put_format(p, 0, TOP_LOOK_TITLE, "%s %s",
				*view->program ? view->program : "bridge",
				view->name);
	column = pen_put_format(p, column + 2, TOP_LOOK_PLAIN, "%s  up %s",
				view->version, uptime);
	if (view->pid)
		column = pen_put_format(p, column + 2, TOP_LOOK_PLAIN,
					"pid %" PRIu64, view->pid);
	if (view->restarted)
		pen_put_format(p, column + 2, TOP_LOOK_TITLE, "restarted");
}

struct top_page *top_page_new(const struct top_view *view,
			      const struct top_page_params *params)
{
	struct pen pen = { .view = view, .totals = params->totals,
			   .wide = params->columns >= TOP_COLUMNS_WIDE };

	pen.page = calloc(1, sizeof(*pen.page));
	if (!pen.page)
		return NULL;
	pen.page->columns = params->columns < TOP_COLUMNS_MAX ?
				    params->columns : TOP_COLUMNS_MAX;
	put_page_title(&pen);
	for (size_t i = 0; i < view->n_pairs; i++) {
		if (i)
			pen_next_line(&pen);
		put_pair(&pen, &view->pair[i]);
	}
	if (!view->n_pairs) {
		pen_next_line(&pen);
		pen_put_format(&pen, 0, TOP_LOOK_PLAIN, "no pairs");
	}
	if (!pen.failed)
		return pen.page;
	top_page_free(pen.page);
	return NULL;
}

void top_page_free(struct top_page *page)
{
	if (!page)
		return;
	free(page->line);
	free(page);
}
