/* SPDX-License-Identifier: BSD-2-Clause */
/* What a page is written with: texts at columns of its lines, cut where there is
 * no room. */
#ifndef BUMPWIRE_TOP_PEN_H
#define BUMPWIRE_TOP_PEN_H

#include "top_page.h"

/* Of a page that is being written. */
struct pen {
	const struct top_view *view;
	bool totals;
	bool wide;
	struct top_page *page;
	struct top_line *line;
	bool failed; /* no memory */
};

/* Go on with a new line. One that no memory was left for is written into the
 * title, and the page thrown away at the end. */
void pen_next_line(struct pen *p);
void pen_clear_line(const struct pen *p, struct top_line *line);

/* Text from this column on, at most `width` of it, cut with a '~'. */
void pen_put(const struct pen *p, size_t column, size_t width,
	     enum top_look look, const char *text);

/* The same, right in its width; what is bad with a mark before it. */
void pen_put_right(const struct pen *p, size_t column, size_t width,
		   enum top_look look, const char *text);

/* Returns the column behind it. */
size_t pen_put_format(const struct pen *p, size_t column, enum top_look look,
		      const char *fmt, ...) printf_like(4, 5);

#endif
