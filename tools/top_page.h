/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A view as lines of a given width, each column of which has a look. Pure: a
 * terminal is top_screen.c's matter. What is bad has a '!' before it, too, for
 * those who see no colours.
 */
#ifndef BUMPWIRE_TOP_PAGE_H
#define BUMPWIRE_TOP_PAGE_H

#include "top_view.h"

#define TOP_COLUMNS_MIN 60 /* below, nothing is shown */
#define TOP_COLUMNS_WIDE 104 /* from here, the last turn stands beside */
#define TOP_COLUMNS_MAX 160 /* more are left empty */

enum top_look {
	TOP_LOOK_PLAIN,
	TOP_LOOK_TITLE,
	TOP_LOOK_GOOD,
	TOP_LOOK_BAD,
	TOP_LOOKS,
};

/* As wide as the page, ASCII only: a byte is a column. */
struct top_line {
	char text[TOP_COLUMNS_MAX + 1];
	unsigned char look[TOP_COLUMNS_MAX]; /* enum top_look */
};

struct top_page_params {
	size_t columns; /* of the terminal; at least TOP_COLUMNS_MIN */
	bool totals;    /* not rates */
};

struct top_page {
	size_t columns;
	struct top_line title; /* stays when the lines below are scrolled */
	struct top_line *line;
	size_t n_lines;
};

/* NULL: no memory. */
struct top_page *top_page_new(const struct top_view *view,
			      const struct top_page_params *params);
void top_page_free(struct top_page *page);

#endif
