/* SPDX-License-Identifier: BSD-2-Clause */
/* See hist.h. */
#include "config.h"

#include <math.h>

#include "hist.h"

#define PART_BITS 10
#define PARTS (1u << PART_BITS)
/* Values below 2 * PARTS stand each alone; above, a row a power of two. */
#define CELLS ((64 - PART_BITS + 1) * PARTS)

/*
 * 99.9 is no number of base two, so 99.9 % of 1000 can come out as a bit more
 * than 999, which is not to mean the 1000th. A rank so near to a whole number
 * is that number.
 */
#define RANK_SLACK 1e-12

struct hist {
	uint64_t count;
	uint64_t min, max; /* of nothing: UINT64_MAX, 0 */
	double sum;
	uint64_t cell[CELLS];
};

struct hist *hist_new(void)
{
	struct hist *h = calloc(1, sizeof(*h));

	if (h)
		h->min = UINT64_MAX;
	return h;
}

void hist_free(struct hist *h)
{
	free(h);
}

/* Cells follow each other without a gap from row to row: the leading bit of
 * the part is what a row more adds. */
static uint32_t cell_of(uint64_t value)
{
	uint32_t shift = 63 - PART_BITS -
			 (uint32_t)__builtin_clzll(value | PARTS);

	return shift * PARTS + (uint32_t)(value >> shift);
}

/* The largest value of a cell. */
static uint64_t cell_end(uint32_t cell)
{
	uint32_t shift = cell < 2 * PARTS ? 0 : cell / PARTS - 1;
	uint64_t part = cell - shift * PARTS;

	return (part << shift) + ((UINT64_C(1) << shift) - 1);
}

static void widen(struct hist *h, uint64_t min, uint64_t max, double sum)
{
	sum += h->sum;
	__atomic_store(&h->sum, &sum, __ATOMIC_RELAXED);
	if (min < h->min)
		shared_write(&h->min, min);
	if (max > h->max)
		shared_write(&h->max, max);
}

void hist_add(struct hist *h, uint64_t value)
{
	widen(h, value, value, (double)value);
	counter_add(&h->cell[cell_of(value)], 1);
	counter_add(&h->count, 1);
}

void hist_merge(struct hist *to, const struct hist *from)
{
	widen(to, from->min, from->max, from->sum);
	for (uint32_t i = 0; i < CELLS; i++)
		counter_add(&to->cell[i], from->cell[i]);
	counter_add(&to->count, from->count);
}

uint64_t hist_count(const struct hist *h)
{
	return counter_read(&h->count);
}

uint64_t hist_min(const struct hist *h)
{
	return hist_count(h) ? shared_read(&h->min) : 0;
}

uint64_t hist_max(const struct hist *h)
{
	return shared_read(&h->max);
}

double hist_mean(const struct hist *h)
{
	uint64_t count = hist_count(h);
	double sum;

	__atomic_load(&h->sum, &sum, __ATOMIC_RELAXED);
	return count ? sum / (double)count : 0;
}

uint64_t hist_percentile(const struct hist *h, double percent)
{
	uint64_t count = hist_count(h), max = hist_max(h), seen = 0;
	double rank = percent * (double)count / 100;

	if (!(rank > 0))
		return hist_min(h);
	rank = ceil(rank * (1 - RANK_SLACK));
	for (uint32_t i = 0; i < CELLS && rank < (double)count; i++) {
		seen += counter_read(&h->cell[i]);
		if ((double)seen >= rank)
			return cell_end(i) < max ? cell_end(i) : max;
	}
	return max;
}
