/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers for people, in columns that do not move when the numbers grow: a
 * value stands right, at most five characters of four figures, its unit left
 * behind it. Pure.
 */
#ifndef BUMPWIRE_TOP_UNITS_H
#define BUMPWIRE_TOP_UNITS_H

#include "base.h"

#define TOP_RATE_WIDTH 12  /* "1.234 Gbit/s" */
#define TOP_COUNT_WIDTH 20 /* of 2^64 - 1 */
#define TOP_TEXT_SIZE 48   /* holds whatever is printed here */

/* "1.234 Mpps ", "  0   pps  ": `unit` is at most five letters. */
void top_rate(char text[TOP_TEXT_SIZE], double per_second, const char *unit);

/* The same without blanks before and behind, for a line of a log. */
void top_rate_plain(char text[TOP_TEXT_SIZE], double per_second,
		    const char *unit);

/* Exact, in groups of three with a blank between; without blanks where `width`
 * is too small for them. */
void top_count(char text[TOP_TEXT_SIZE], uint64_t n, size_t width);

/* "12:03:04", "3 d 12:03:04" */
void top_uptime(char text[TOP_TEXT_SIZE], double seconds);

#endif
