/* SPDX-License-Identifier: BSD-2-Clause */
/* A set of numbers as people write it: 1-100,200,300- */
#ifndef BUMPWIRE_RANGES_H
#define BUMPWIRE_RANGES_H

#include <stdbool.h>

#include "base.h"

#define RANGES_ALLOWED "numbers from 1 and ranges of them, such as 1-100,200,300-"

struct range {
	uint64_t first, last;
};

/* Sorted, and apart from each other. All zero: an empty set. */
struct ranges {
	struct range *range;
	size_t n;
};

/* Numbers up to 2^64 - 2; order and overlaps do not matter. 0, -EINVAL (not
 * logged) or -ENOMEM; then the set is empty. */
int ranges_parse(struct ranges *r, const char *text);
void ranges_fini(struct ranges *r);

bool ranges_has(const struct ranges *r, uint64_t number);

/* The highest number; UINT64_MAX: there is no end. 0 of an empty set. */
uint64_t ranges_last(const struct ranges *r);

#endif
