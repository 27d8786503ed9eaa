/* SPDX-License-Identifier: BSD-2-Clause */
/* See link_table.h. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "link_table.h"

/* Where the index is in the table, or where it would go. */
static size_t table_slot(const struct link_table *t, int index)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (t->link[mid].index < index)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct link_info *link_table_find(const struct link_table *t, int index)
{
	size_t at = table_slot(t, index);

	if (at < t->count && t->link[at].index == index)
		return &t->link[at];
	return NULL;
}

int link_table_put(struct link_table *t, const struct link_info *info)
{
	size_t at = table_slot(t, info->index);

	if (at < t->count && t->link[at].index == info->index) {
		t->link[at] = *info;
		return 0;
	}
	if (t->count == t->room) {
		size_t room = t->room ? 2 * t->room : 16;
		void *bigger = reallocarray(t->link, room, sizeof(*t->link));

		if (!bigger)
			return -ENOMEM;
		t->link = bigger;
		t->room = room;
	}
	memmove(t->link + at + 1, t->link + at,
		(t->count - at) * sizeof(*t->link));
	t->link[at] = *info;
	t->count++;
	return 0;
}

void link_table_remove(struct link_table *t, int index)
{
	struct link_info *info = link_table_find(t, index);

	if (!info)
		return;
	t->count--;
	memmove(info, info + 1,
		(size_t)(t->link + t->count - info) * sizeof(*info));
}

void link_table_name_master(const struct link_table *t,
			    struct link_info *info)
{
	const struct link_info *master = link_table_find(t, info->master_index);

	if (master)
		memcpy(info->master, master->name, sizeof(info->master));
}

void link_table_fini(struct link_table *t)
{
	free(t->link);
}
