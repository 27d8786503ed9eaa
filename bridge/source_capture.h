/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames from capture files, one after another, as if they were one. Only
 * Ethernet is lent; a frame of another link type ends the source with an error
 * that names the type.
 *
 * Time runs on from file to file: a file that begins within a second after the
 * one before ended (as those of a ring do) keeps that gap, any other follows
 * at once. Within a file a step back of up to a second holds the clock until
 * it is made up for; after a larger one time goes on from there.
 */
#ifndef BUMPWIRE_SOURCE_CAPTURE_H
#define BUMPWIRE_SOURCE_CAPTURE_H

#include "ranges.h"
#include "reel.h"
#include "source.h"
#include "split.h"

struct source_capture_params {
	const char *const *path; /* kept by the caller; "-" is stdin */
	size_t n_paths;
	bool preload;  /* read all into memory first, and say how much it is */
	bool strict;   /* refuse before the first frame what is not sound */
	bool pad;      /* zeros for what the capture cut off */
	bool changed;  /* somebody will change frames in place */
	const struct ranges *frames;     /* of all files together; NULL: all */
	const struct split_params *split; /* NULL: one port */
};

struct source_capture_facts {
	uint64_t first_ns; /* of the frames lent: as captured, since 1970 */
	uint64_t last_ns;
	uint64_t memory_bytes; /* preloaded */
	const char *split;     /* how sides were chosen; NULL: not at all */
};

/* 0, or -errno (logged): a file cannot be read, is not a capture, ... */
int source_capture_new(struct source **sp,
		       const struct source_capture_params *params);

void source_capture_facts(const struct source *source,
			  struct source_capture_facts *facts);

/* The i-th interface that frames came from; NULL behind the last. */
const struct reel_interface *
source_capture_interface(const struct source *source, size_t i);

#endif
