/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See top_terminal.h. Apart from top_screen.c because <term.h> takes names such
 * as `lines` and `columns` away, and asked first because newterm() leaks where
 * it fails.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>

#include "top_terminal.h"

bool top_terminal_can_move(void)
{
	const char *name = getenv("TERM");
	const char *move;
	int error;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return false;
	if (!name || !*name || setupterm(name, STDOUT_FILENO, &error) != OK)
		return false;
	move = tigetstr("cup");
	del_curterm(cur_term);
	return move && move != (char *)-1;
}
