/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A view as plain lines, one a pair, for a log or a pipe: a time, how the pair
 * is, and each lane's last turn. No escape codes, no blanks to align.
 */
#ifndef BUMPWIRE_TOP_PLAIN_H
#define BUMPWIRE_TOP_PLAIN_H

#include <stdio.h>
#include <time.h>

#include "top_view.h"

#define TOP_STAMP_SIZE 64

/* Local time as "2026-11-21T11:35:18.123+0000", for grep and for sort. */
void top_plain_stamp(char stamp[TOP_STAMP_SIZE], const struct timespec *at);

void top_plain_print(const struct top_view *view, const char *stamp, FILE *out);

#endif
