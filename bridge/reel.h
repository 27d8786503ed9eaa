/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capture files one after another as one: their records in order, numbered
 * from 1, on one clock that never runs backwards (see source_capture.h).
 */
#ifndef BUMPWIRE_REEL_H
#define BUMPWIRE_REEL_H

#include "capture.h"

#define REEL_INTERFACES_MAX 64 /* told apart in the facts; more are as one */

struct reel_interface {
	const char *path;
	char name[64];
	uint16_t linktype;
	uint64_t frames;
};

struct reel {
	const char *const *path; /* the caller's */
	size_t n_paths;
	int stop_fd;
	size_t at;               /* the file that is open, or comes next */
	struct capture *capture; /* NULL: between files */
	uint64_t number;         /* records so far in this pass */
	uint64_t play_ns;        /* of the last record, from the first */
	uint64_t high_ns;        /* the latest capture time in this file */
	bool file_began;
	struct reel_interface interface[REEL_INTERFACES_MAX];
	size_t n_interfaces;
	size_t file_interface; /* the first of this file, in `interface` */
	bool strict; /* what is odd, though it can be sent, is damage, too */
	bool counted; /* the first pass is over: interfaces are not counted */
};

/*
 * Open the first file, and find out whether each other one is there and is a
 * capture; pipes are left alone until it is their turn. stop_fd as for
 * capture_open(). 0 or -errno (logged); then close it, too.
 */
int reel_open(struct reel *reel, const char *const *path, size_t n_paths,
	      int stop_fd);
void reel_close(struct reel *reel);

/* The next record, valid until the next call; *play_ns on the common clock.
 * 1, 0 behind the last one, or -errno (logged): damage ends the reel. */
int reel_next(struct reel *reel, struct capture_record *record,
	      uint64_t *play_ns);

/* Whether one of them can be read only once. */
bool reel_has_pipe(const char *const *path, size_t n_paths);

/* Begin again. 0, or -ESPIPE (logged): a pipe is gone by. */
int reel_rewind(struct reel *reel);

/* The next record has to be waited for. */
bool reel_is_idle(const struct reel *reel);

/* Part of the files that was read, 0 to 1; below 0: unknown. */
double reel_progress(const struct reel *reel);

/* The number of interfaces in the file that is open. */
uint32_t reel_file_interfaces(const struct reel *reel);

#endif
