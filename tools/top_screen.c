/* SPDX-License-Identifier: BSD-2-Clause */
/* See top_screen.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include <curses.h>

#include "clock.h"
#include "log.h"
#include "top_page.h"
#include "top_screen.h"
#include "top_terminal.h"

#define ESCAPE_MS 25 /* for the rest of an arrow key */
#define HELP "q quit  r totals  + - interval  space freeze  arrows scroll"

struct top_screen {
	SCREEN *curses;
	chtype look[TOP_LOOKS];
	bool totals;
	bool help;
	size_t first; /* line of the page that is shown */
	size_t rows;  /* for lines of the page, when last drawn */
	size_t lines; /* of it */
};

/* ---- open and close ---- */

/* https://no-color.org: what it is set to does not matter, unless to nothing. */
static bool wants_colours(void)
{
	const char *no = getenv("NO_COLOR");

	return has_colors() && !(no && *no);
}

static void choose_looks(struct top_screen *s)
{
	s->look[TOP_LOOK_PLAIN] = A_NORMAL;
	s->look[TOP_LOOK_TITLE] = A_BOLD;
	s->look[TOP_LOOK_GOOD] = A_NORMAL;
	s->look[TOP_LOOK_BAD] = A_BOLD | A_REVERSE;
	if (!wants_colours() || start_color() == ERR)
		return;
	use_default_colors();
	if (init_pair(1, COLOR_GREEN, -1) == ERR ||
	    init_pair(2, COLOR_RED, -1) == ERR)
		return;
	s->look[TOP_LOOK_GOOD] = (chtype)COLOR_PAIR(1);
	s->look[TOP_LOOK_BAD] = A_BOLD | (chtype)COLOR_PAIR(2);
}

int top_screen_open(struct top_screen **screen)
{
	struct top_screen *s;

	if (!top_terminal_can_move())
		return -ENOTTY;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	/* Not initscr(): that one ends the program where it fails. */
	s->curses = newterm(NULL, stdout, stdin);
	if (!s->curses) {
		free(s);
		return -ENOTTY;
	}
	set_term(s->curses);
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	choose_looks(s);
	*screen = s;
	return 0;
}

void top_screen_close(struct top_screen *screen)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen->curses);
	free(screen);
}

/* ---- draw ---- */

static void draw_text(const struct top_screen *s, int row, int column,
		      enum top_look look, const char *text)
{
	attrset(s->look[look]);
	mvaddnstr(row, column, text, COLS - column);
	attrset(A_NORMAL);
}

static void draw_line(const struct top_screen *s, int row,
		      const struct top_line *line, size_t columns)
{
	move(row, 0);
	for (size_t i = 0; i < columns; i++)
		addch((chtype)(unsigned char)line->text[i] |
		      s->look[line->look[i]]);
}

static void draw_foot(const struct top_screen *s, const struct top_scene *scene)
{
	static const char keys[] = "? help  q quit";
	char text[128];
	int n, row = LINES - 1;

	if (scene->gone) {
		snprintf(text, sizeof(text), "! %s; waiting", scene->gone);
		draw_text(s, row, 0, TOP_LOOK_BAD, text);
	} else {
		n = snprintf(text, sizeof(text), "%s%s, every %g s",
			     scene->is_frozen ? "frozen, " : "",
			     s->totals ? "totals" : "rates",
			     (double)scene->interval_ns / (double)NS_PER_SEC);
		if (s->lines > s->rows && s->rows)
			snprintf(text + n, sizeof(text) - (size_t)n,
				 ", lines %zu-%zu of %zu", s->first + 1,
				 s->first + s->rows, s->lines);
		draw_text(s, row, 0, scene->is_frozen ? TOP_LOOK_TITLE :
							TOP_LOOK_PLAIN, text);
	}
	draw_text(s, row, COLS - (int)sizeof(keys), TOP_LOOK_PLAIN, keys);
	if (s->help && row > 1)
		draw_text(s, row - 1, 0, TOP_LOOK_TITLE, HELP);
}

/* As many lines as there is room for between the title and the foot. */
static void draw_page(struct top_screen *s, const struct top_page *page)
{
	int rows = LINES - 2 - (s->help ? 1 : 0);
	size_t last;

	s->rows = rows > 0 ? (size_t)rows : 0;
	s->lines = page->n_lines;
	last = s->lines > s->rows ? s->lines - s->rows : 0;
	if (s->first > last)
		s->first = last;
	draw_line(s, 0, &page->title, page->columns);
	for (size_t i = 0; i < s->rows && s->first + i < s->lines; i++)
		draw_line(s, (int)i + 1, &page->line[s->first + i],
			  page->columns);
}

static void draw_too_narrow(const struct top_screen *s)
{
	char text[64];

	snprintf(text, sizeof(text), "%d columns; %d are needed", COLS,
		 TOP_COLUMNS_MIN);
	draw_text(s, 0, 0, TOP_LOOK_BAD, text);
	draw_text(s, 1, 0, TOP_LOOK_PLAIN, "q quit");
}

int top_screen_draw(struct top_screen *screen, const struct top_scene *scene)
{
	struct top_page_params params = { .columns = (size_t)COLS,
					  .totals = screen->totals };
	struct top_page *page;

	erase();
	if (COLS < TOP_COLUMNS_MIN) {
		draw_too_narrow(screen);
	} else if (scene->view) {
		page = top_page_new(scene->view, &params);
		if (!page) {
			log_err("the page: no memory");
			return -ENOMEM;
		}
		draw_page(screen, page);
		top_page_free(page);
		draw_foot(screen, scene);
	}
	refresh();
	return 0;
}

/* ---- keys ---- */

static enum top_key scroll_to(struct top_screen *s, long first)
{
	s->first = first > 0 ? (size_t)first : 0; /* drawing knows the end */
	return TOP_KEY_DRAW;
}

static enum top_key toggle(bool *what)
{
	*what = !*what;
	return TOP_KEY_DRAW;
}

enum top_key top_screen_key(struct top_screen *screen)
{
	const long at = (long)screen->first, page = (long)screen->rows;
	int key;

	for (;;) {
		key = getch();
		switch (key) {
		case ERR: return TOP_KEY_NONE;
		case 'q': case 'Q': return TOP_KEY_QUIT;
		case ' ': return TOP_KEY_FREEZE;
		case '+': case '=': return TOP_KEY_SLOWER;
		case '-': return TOP_KEY_FASTER;
		case 'r': case 'R': return toggle(&screen->totals);
		case '?': case 'h': return toggle(&screen->help);
		case KEY_UP: case 'k': return scroll_to(screen, at - 1);
		case KEY_DOWN: case 'j': return scroll_to(screen, at + 1);
		case KEY_PPAGE: return scroll_to(screen, at - page);
		case KEY_NPAGE: return scroll_to(screen, at + page);
		case KEY_HOME: return scroll_to(screen, 0);
		case KEY_END: return scroll_to(screen, (long)screen->lines);
		case KEY_RESIZE: return TOP_KEY_DRAW;
		case 'L' - '@': /* as elsewhere: all anew */
			clearok(curscr, TRUE);
			return TOP_KEY_DRAW;
		default: break; /* another key: says nothing */
		}
	}
}
