/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A terminal that shows a view: the only file that draws with curses. It draws
 * what it is given and reads keys; it never waits. What it needs from who
 * waits: SIGWINCH blocked, except while waiting (ppoll(2)), so that no change
 * of size is missed.
 */
#ifndef BUMPWIRE_TOP_SCREEN_H
#define BUMPWIRE_TOP_SCREEN_H

#include "top_view.h"

enum top_key {
	TOP_KEY_NONE,   /* no more keys */
	TOP_KEY_QUIT,
	TOP_KEY_FREEZE,
	TOP_KEY_SLOWER, /* a longer interval */
	TOP_KEY_FASTER,
	TOP_KEY_DRAW,   /* it looks different now: draw again */
};

struct top_scene {
	const struct top_view *view; /* NULL: none yet */
	uint64_t interval_ns;
	bool is_frozen;
	const char *gone; /* why the view is old; NULL: it is not */
};

/*
 * Take the terminal of stdin and stdout. -ENOTTY: there is none, or TERM does
 * not say one on which a cursor can be moved; -ENOMEM. Neither is logged: plain
 * lines will do. Who has opened it must close it, or the terminal is left so.
 */
struct top_screen;
int top_screen_open(struct top_screen **screen);
void top_screen_close(struct top_screen *screen);

/* 0 or -ENOMEM (logged). */
int top_screen_draw(struct top_screen *screen, const struct top_scene *scene);

/* The next key that was pressed; scrolling, totals and help it keeps itself and
 * says TOP_KEY_DRAW. */
enum top_key top_screen_key(struct top_screen *screen);

#endif
