/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a tap's capture files lie, and what they are called.
 *
 * While it is written a file is called NAME.part; when it is finished it is
 * renamed to NAME, so that what has its name is whole. NAME is the path that
 * was asked for, or, where one file follows another, that with a number and
 * the local time of its beginning before the suffix, in order when sorted:
 *
 *   wan.pcapng    wan_00001_20261121171500.pcapng
 *
 * Nothing is overwritten, by whatever else writes there. A file that has the
 * path's own name when another one is finished is given a number and its time
 * first; so is a .part that a crash has left, at the next start. Numbers go on
 * from the highest that is there, and one that is taken is passed over.
 * A number of files to keep counts all that have one, those of runs before,
 * too; the oldest is removed when another one is finished.
 *
 * Nothing is logged but by tap_folder_open(). Files have mode 0640.
 */
#ifndef BUMPWIRE_TAP_FOLDER_H
#define BUMPWIRE_TAP_FOLDER_H

#include <stdbool.h>

#include "base.h"

struct tap_folder;

/*
 * `numbered`: each file gets a number. keep: so many finished ones with a
 * number; 0: all. 0 or -errno (logged); -EBUSY: somebody writes there.
 */
int tap_folder_open(struct tap_folder **folderp, const char *path,
		    bool numbered, uint32_t keep);
/* A .part that was not finished stays. */
void tap_folder_close(struct tap_folder *folder);

/* Begin a file: an fd, whose lock says that it is being written; or -errno. */
int tap_folder_create(struct tap_folder *folder);

/* Has somebody taken the file away that is written, or put another there? */
bool tap_folder_is_lost(const struct tap_folder *folder);

/* The file is as it shall be. 0 or -errno; then it is a .part still, and
 * another call tries again. -ESTALE: it is lost. */
int tap_folder_finish(struct tap_folder *folder);

/* The file that was begun last is not wanted. */
void tap_folder_discard(struct tap_folder *folder);

/* The whole path of the file that was begun last, as it will be called. */
const char *tap_folder_path(const struct tap_folder *folder);

#endif
