/* SPDX-License-Identifier: BSD-2-Clause */
/* See top_take.h. */
#include "config.h"

#include <string.h>

#include "top_take.h"

void top_take_text(char *to, size_t size, const char *from)
{
	size_t at = 0;

	for (; from && *from && at + 1 < size; from++) {
		const unsigned char c = (unsigned char)*from;

		if (c >= 0x80 && c < 0xc0)
			continue; /* goes on with a character */
		to[at++] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	to[at] = '\0';
}

void top_take_member(char to[TOP_NAME_SIZE], const json_t *object,
		     const char *member)
{
	top_take_text(to, TOP_NAME_SIZE,
		      json_string_value(json_object_get(object, member)));
}

bool top_take_number(uint64_t *to, const json_t *object, const char *member)
{
	const json_t *value = json_object_get(object, member);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*to = (uint64_t)json_integer_value(value);
	return true;
}

double top_take_seconds(const json_t *object, const char *member)
{
	const json_t *value = json_object_get(object, member);

	return json_is_number(value) ? json_number_value(value) : -1;
}

struct top_count top_take_count(const json_t *now, const json_t *before,
				const char *member)
{
	struct top_count c = { 0 };
	uint64_t was;

	c.known = top_take_number(&c.total, now, member);
	if (!c.known || !top_take_number(&was, before, member) || was > c.total)
		return c;
	c.compared = true;
	c.since = c.total - was;
	return c;
}

void top_take_fill(struct top_fill *fill, const json_t *object,
		   const char *used, const char *size)
{
	double share;

	fill->known = top_take_number(&fill->used, object, used) &&
		      top_take_number(&fill->size, object, size) && fill->size;
	if (!fill->known)
		return;
	share = (double)fill->used / (double)fill->size;
	fill->percent = share < 1 ? (unsigned int)(share * 100) : 100;
}

struct top_row *top_row(struct top_row **rows, size_t *n, const char *name)
{
	char clean[TOP_NAME_SIZE];
	struct top_row *row;

	top_take_text(clean, sizeof(clean), name);
	for (size_t i = 0; i < *n; i++)
		if (!strcmp((*rows)[i].name, clean))
			return &(*rows)[i];
	row = top_grow(rows, n, sizeof(*row));
	if (row)
		memcpy(row->name, clean, sizeof(clean));
	return row;
}

void *top_grow(void *array, size_t *n, size_t size)
{
	char *more = *n < SIZE_MAX / size - 1 ?
			     realloc(*(void **)array, (*n + 1) * size) : NULL;

	if (!more)
		return NULL;
	*(void **)array = more;
	return memset(more + (*n)++ * size, 0, size);
}

const json_t *top_find_named(const json_t *array, const char *key,
			     const char *name)
{
	for (size_t i = 0; name && i < json_array_size(array); i++) {
		const json_t *it = json_array_get(array, i);
		const char *text = json_string_value(json_object_get(it, key));

		if (text && !strcmp(text, name))
			return it;
	}
	return NULL;
}
