/* SPDX-License-Identifier: BSD-2-Clause */
/* See top_pen.h. */
#include "config.h"

#include <stdarg.h>
#include <string.h>

#include "top_pen.h"

void pen_clear_line(const struct pen *p, struct top_line *line)
{
	memset(line->text, ' ', p->page->columns);
	memset(line->look, TOP_LOOK_PLAIN, sizeof(line->look));
	line->text[p->page->columns] = '\0';
}

void pen_next_line(struct pen *p)
{
	struct top_page *page = p->page;
	struct top_line *more = reallocarray(page->line, page->n_lines + 1,
					     sizeof(*more));

	p->line = &page->title;
	if (more) {
		page->line = more;
		p->line = &more[page->n_lines++];
	} else {
		p->failed = true;
	}
	pen_clear_line(p, p->line);
}

void pen_put(const struct pen *p, size_t column, size_t width,
	     enum top_look look, const char *text)
{
	size_t len = strlen(text), room;

	if (column >= p->page->columns)
		return;
	room = p->page->columns - column;
	if (room > width)
		room = width;
	if (len > room)
		len = room;
	memcpy(p->line->text + column, text, len);
	memset(p->line->look + column, (int)look, len);
	if (text[len] && len)
		p->line->text[column + len - 1] = '~';
}

void pen_put_right(const struct pen *p, size_t column, size_t width,
		   enum top_look look, const char *text)
{
	size_t len = strlen(text), first = strspn(text, " ");
	size_t start = len < width ? column + width - len : column;
	size_t mark = start + first;

	pen_put(p, start, width, look, text);
	mark = mark >= column + 2 ? mark - 2 : column;
	if (look == TOP_LOOK_BAD && mark < start + first)
		pen_put(p, mark, 1, look, "!");
}

size_t pen_put_format(const struct pen *p, size_t column, enum top_look look,
		      const char *fmt, ...)
{
	char text[TOP_COLUMNS_MAX * 2];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pen_put(p, column, TOP_COLUMNS_MAX, look, text);
	return column + (n > 0 ? (size_t)n : 0);
}
