/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A histogram of 64-bit values, in nanoseconds or whatever, with three
 * significant decimal digits over the whole range: values below 2048 stand
 * each alone, above each power of two is cut into 1024 equal parts, so a value
 * is known to 1/1024 of itself. 440 KiB, whatever is added.
 *
 * One thread adds; others may look meanwhile: what they see may lack the last
 * values added.
 */
#ifndef BUMPWIRE_HIST_H
#define BUMPWIRE_HIST_H

#include "base.h"

struct hist;

/* NULL: no memory. */
struct hist *hist_new(void);
void hist_free(struct hist *h);

/* A few nanoseconds. */
void hist_add(struct hist *h, uint64_t value);

/* Add to `to` all that was added to `from`. */
void hist_merge(struct hist *to, const struct hist *from);

uint64_t hist_count(const struct hist *h);
uint64_t hist_min(const struct hist *h); /* exact; 0 of nothing */
uint64_t hist_max(const struct hist *h); /* exact; 0 of nothing */
double hist_mean(const struct hist *h);  /* of the values; 0 of nothing */

/*
 * The least value that at least so many percent, 0 to 100, of all values do
 * not exceed: of n values sorted, number ceil(percent * n / 100), nothing in
 * between. Never below the true one, at most 0.1 % above it and never above
 * the maximum: exact at 0 and 100, and below 2048. 0 of nothing.
 */
uint64_t hist_percentile(const struct hist *h, double percent);

#endif
