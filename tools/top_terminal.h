/* SPDX-License-Identifier: BSD-2-Clause */
/* What terminfo knows of the terminal, before curses takes it. */
#ifndef BUMPWIRE_TOP_TERMINAL_H
#define BUMPWIRE_TOP_TERMINAL_H

#include <stdbool.h>

/* stdin and stdout are a terminal, and TERM says one on which a cursor can be
 * moved: not dumb, not one that terminfo does not know. */
bool top_terminal_can_move(void);

#endif
