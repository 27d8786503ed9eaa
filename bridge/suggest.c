/* SPDX-License-Identifier: BSD-2-Clause */
/* See suggest.h: Levenshtein's distance, in one row. */
#include "config.h"

#include <string.h>

#include "suggest.h"

#define NAME_MAX_LEN 32
#define FAR 3 /* edits, and no more than half of the name */

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

static unsigned int distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned int row[NAME_MAX_LEN + 1];

	if (n > NAME_MAX_LEN || m > NAME_MAX_LEN)
		return NAME_MAX_LEN;
	for (size_t j = 0; j <= m; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned int above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1,
				      diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[m];
}

void suggest_offer(struct suggest *s, const char *name)
{
	unsigned int d = distance(s->wrong, name);

	if (d > FAR || 2 * d > strlen(name) || (s->best && d >= s->distance))
		return;
	s->best = name;
	s->distance = d;
}
