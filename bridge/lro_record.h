/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state file of a port whose LRO is off, for offload.c: what it says, and
 * whether its owner still lives. Where the files lie, who may touch them when,
 * and what follows from them, is offload's matter; see offload.h.
 */
#ifndef BUMPWIRE_LRO_RECORD_H
#define BUMPWIRE_LRO_RECORD_H

#include <stdbool.h>

#include "base.h"

/* What the name of a state file begins with; the interface's name follows. */
#define LRO_RECORD_PREFIX "lro-"

struct lro_record {
	int index; /* of the interface */
	unsigned long long netns; /* inode of the network namespace */
	int pid; /* of the owner */
	unsigned long long start; /* of the owner, in clock ticks of boot */
};

/* A record that this process owns, in the network namespace of the calling
 * thread. 0, or -errno (not logged) where /proc does not tell. */
int lro_record_init(struct lro_record *record, int index);

/*
 * Read the file of this name in the directory. 0; -EBADMSG when it is none that
 * lro_record_write() writes; other -errno. Nothing is logged.
 */
int lro_record_read(int dir, const char *file, struct lro_record *record);

/*
 * Write the file of an interface, whole or not at all: a reader finds the old
 * one or the new one. 0, or -errno (not logged).
 */
int lro_record_write(int dir, const char *ifname,
		     const struct lro_record *record);

/* Remove the file of an interface, if there is one. */
void lro_record_remove(int dir, const char *ifname);

/* Is it of the calling thread's network namespace, and its owner no more? */
bool lro_record_is_orphan(const struct lro_record *record);

#endif
