/* SPDX-License-Identifier: BSD-2-Clause */
/* See ranges.h. */
#include "config.h"

#include <errno.h>

#include "ranges.h"

/* Digits; *text moves behind them. */
static bool take_number(const char **text, uint64_t *number)
{
	uint64_t n = 0;
	const char *c = *text;

	for (; *c >= '0' && *c <= '9'; c++) {
		uint64_t digit = (uint64_t)(*c - '0');

		if (n > (UINT64_MAX - 1 - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*number = n;
	if (c == *text || !n)
		return false;
	*text = c;
	return true;
}

static bool take_range(const char **text, struct range *range)
{
	if (!take_number(text, &range->first))
		return false;
	range->last = range->first;
	if (**text != '-')
		return true;
	(*text)++;
	range->last = UINT64_MAX;
	if (!**text || **text == ',')
		return true;
	return take_number(text, &range->last) && range->last >= range->first;
}

static int by_first(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Join what touches or overlaps. */
static void join(struct ranges *r)
{
	size_t kept = 0;

	qsort(r->range, r->n, sizeof(*r->range), by_first);
	for (size_t i = 1; i < r->n; i++) {
		struct range *last = &r->range[kept];

		if (r->range[i].first - 1 > last->last)
			r->range[++kept] = r->range[i];
		else if (r->range[i].last > last->last)
			last->last = r->range[i].last;
	}
	r->n = kept + 1;
}

int ranges_parse(struct ranges *r, const char *text)
{
	size_t n = 1;

	for (const char *c = text; *c; c++)
		n += *c == ',';
	r->n = 0;
	r->range = calloc(n, sizeof(*r->range));
	if (!r->range)
		return -ENOMEM;
	do {
		if (!take_range(&text, &r->range[r->n++]) ||
		    (*text && *text != ',')) {
			ranges_fini(r);
			return -EINVAL;
		}
	} while (*text++);
	join(r);
	return 0;
}

void ranges_fini(struct ranges *r)
{
	free(r->range);
	*r = (struct ranges){ 0 };
}

bool ranges_has(const struct ranges *r, uint64_t number)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (r->range[middle].last < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < r->n && r->range[low].first <= number;
}

uint64_t ranges_last(const struct ranges *r)
{
	return r->n ? r->range[r->n - 1].last : 0;
}
