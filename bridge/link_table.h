/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Links that are known, for link.c: what a dump brought, and what was last
 * reported of each.
 */
#ifndef BUMPWIRE_LINK_TABLE_H
#define BUMPWIRE_LINK_TABLE_H

#include "link.h"

/* In ascending order of index; all zero is an empty table. */
struct link_table {
	struct link_info *link;
	size_t count, room;
	bool error; /* a link of the dump did not fit */
};

void link_table_fini(struct link_table *t);

/* The link of this index, or NULL; valid until the table changes. */
struct link_info *link_table_find(const struct link_table *t, int index);

/* Add a link, or replace the one of its index. 0 or -ENOMEM. */
int link_table_put(struct link_table *t, const struct link_info *info);
void link_table_remove(struct link_table *t, int index);

/* Fill in the name of a link's master, if the table has it. */
void link_table_name_master(const struct link_table *t, struct link_info *info);

#endif
