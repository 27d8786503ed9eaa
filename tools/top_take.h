/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single values of an answer, for a view that is being made. What is missing,
 * of another type or absurd is not known; see top_view.h.
 */
#ifndef BUMPWIRE_TOP_TAKE_H
#define BUMPWIRE_TOP_TAKE_H

#include "top_view.h"

/* Names come from files and from the kernel: no byte of them may move a
 * cursor, and each takes one column. */
void top_take_text(char *to, size_t size, const char *from);
void top_take_member(char to[TOP_NAME_SIZE], const json_t *object,
		     const char *member);

bool top_take_number(uint64_t *to, const json_t *object, const char *member);

/* Negative: not known. */
double top_take_seconds(const json_t *object, const char *member);

struct top_count top_take_count(const json_t *now, const json_t *before,
				const char *member);

void top_take_fill(struct top_fill *fill, const json_t *object,
		   const char *used, const char *size);

/* The object of an array whose member `key` is this name, or NULL. */
const json_t *top_find_named(const json_t *array, const char *key,
			     const char *name);

/* The row of this name, made if there is none. NULL: no memory. */
struct top_row *top_row(struct top_row **rows, size_t *n, const char *name);

/* Room for one more of `size` bytes, zeroed; NULL: no memory. */
void *top_grow(void *array, size_t *n, size_t size);

#endif
