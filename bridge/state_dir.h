/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The folder in which processes leave each other notes of what they have
 * changed, and the lock under which they read and write them.
 */
#ifndef BUMPWIRE_STATE_DIR_H
#define BUMPWIRE_STATE_DIR_H

#define STATE_DIR_LOCK "lock" /* its file's name */

/* The folder's descriptor, or -errno (not logged). */
int state_dir_open(const char *path);

/*
 * Wait for the lock and hold it until the descriptor that is returned is
 * closed; -errno (not logged). The file is its owner's alone, and whoever holds
 * it does so for moments: nobody can hold us up.
 */
int state_dir_lock(int dir);

/*
 * Call fn, under the lock, for each file whose name begins with the prefix. It
 * may remove that. A folder that is not there has none. 0, or the last -errno:
 * logged, but those of fn.
 */
int state_dir_each(const char *path, const char *prefix,
		   int (*fn)(int dir, const char *file, void *arg), void *arg);

#endif
