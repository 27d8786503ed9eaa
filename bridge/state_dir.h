/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The folder in which processes leave each other notes of what they have
 * changed, and the lock under which they read and write them.
 */
#ifndef BUMPWIRE_STATE_DIR_H
#define BUMPWIRE_STATE_DIR_H

#include <stddef.h>

#define STATE_DIR_LOCK "lock" /* its file's name */
#define STATE_DIR_PREFIX_BYTES 8 /* of a note's name, at most */

/* The folder's descriptor, or -errno (not logged). */
int state_dir_open(const char *path);

/*
 * Wait for the lock and hold it until the descriptor that is returned is
 * closed; -errno (not logged). The file is its owner's alone, and whoever holds
 * it does so for moments: nobody can hold us up.
 */
int state_dir_lock(int dir);

/* Read a small file as a string, by its path from a folder or AT_FDCWD. 0;
 * -EBADMSG when it is no plain one, or larger; other -errno. Nothing is
 * logged. */
int state_dir_read(int dir, const char *path, char *text, size_t size);

/*
 * Write the note PREFIX-IFNAME, whole or not at all: a reader finds the old one
 * or the new one. 0, or -errno (not logged). And remove it, if there is one.
 */
int state_dir_write(int dir, const char *prefix, const char *ifname,
		    const char *text);
void state_dir_remove(int dir, const char *prefix, const char *ifname);

/*
 * Call fn, under the lock, for each file whose name begins with the prefix. It
 * may remove that. A folder that is not there has none. 0, or the last -errno:
 * logged, but those of fn.
 */
int state_dir_each(const char *path, const char *prefix,
		   int (*fn)(int dir, const char *file, void *arg), void *arg);

#endif
