/* SPDX-License-Identifier: BSD-2-Clause */
/* See top_units.h. */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "top_units.h"

#define SECONDS_MAX 1e11 /* three thousand years: nobody's uptime */

static const char prefix[] = { ' ', 'k', 'M', 'G', 'T', 'P', 'E' };

/* In which unit it is written with at most three figures before the point,
 * once it is rounded: 999.96 is 1.000 of the next. */
static size_t scale(double *value)
{
	size_t i = 0;

	while (*value >= (i ? 999.95 : 999.5) && i + 1 < ARRAY_SIZE(prefix)) {
		*value /= 1000;
		i++;
	}
	return i;
}

/* Four figures, in five characters. */
static void figures(char text[8], double value, size_t scaled)
{
	int behind = value < 9.9995 ? 3 : value < 99.995 ? 2 : 1;

	if (value > 999.95)
		snprintf(text, 8, ">999");
	else if (!scaled && value > 0 && value < 0.05)
		snprintf(text, 8, "<0.1");
	else if (!scaled && value < 99.95 && value > 0)
		snprintf(text, 8, "%.1f", value);
	else if (!scaled)
		snprintf(text, 8, "%.0f", value);
	else
		snprintf(text, 8, "%.*f", behind, value);
}

/* Blanks stand for a prefix that is not there only in a table. */
static void rate(char *text, double per_second, const char *unit, bool table)
{
	double value = per_second;
	char number[8], name[8];
	size_t i;

	if (!isfinite(value) || value < 0) {
		snprintf(text, TOP_TEXT_SIZE, table ? "%5s %-6s" : "%s", "-",
			 "");
		return;
	}
	i = scale(&value);
	figures(number, value, i);
	if (i)
		snprintf(name, sizeof(name), "%c%.6s", prefix[i], unit);
	else
		snprintf(name, sizeof(name), "%.6s", unit);
	snprintf(text, TOP_TEXT_SIZE, table ? "%5s %-6s" : "%s %s", number,
		 name);
}

void top_rate(char text[TOP_TEXT_SIZE], double per_second, const char *unit)
{
	rate(text, per_second, unit, true);
}

void top_rate_plain(char text[TOP_TEXT_SIZE], double per_second,
		    const char *unit)
{
	rate(text, per_second, unit, false);
}

void top_count(char text[TOP_TEXT_SIZE], uint64_t n, size_t width)
{
	char digits[24];
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n);
	size_t blanks = (len - 1) / 3, at = 0;

	if (len + blanks > width)
		blanks = 0;
	for (size_t i = 0; i < len; i++) {
		if (blanks && i && (len - i) % 3 == 0)
			text[at++] = ' ';
		text[at++] = digits[i];
	}
	text[at] = '\0';
}

void top_uptime(char text[TOP_TEXT_SIZE], double seconds)
{
	uint64_t s;

	if (!isfinite(seconds) || seconds < 0 || seconds > SECONDS_MAX) {
		snprintf(text, TOP_TEXT_SIZE, "-");
		return;
	}
	s = (uint64_t)seconds;
	if (s >= 86400)
		snprintf(text, TOP_TEXT_SIZE,
			 "%" PRIu64 " d %02u:%02u:%02u", s / 86400,
			 (unsigned int)(s / 3600 % 24),
			 (unsigned int)(s / 60 % 60), (unsigned int)(s % 60));
	else
		snprintf(text, TOP_TEXT_SIZE, "%02u:%02u:%02u",
			 (unsigned int)(s / 3600), (unsigned int)(s / 60 % 60),
			 (unsigned int)(s % 60));
}
