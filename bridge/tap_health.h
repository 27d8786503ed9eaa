/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a sink works, told once when it ceases to, and once when it has
 * worked again for a while: a sink that fails now and then has not recovered.
 */
#ifndef BUMPWIRE_TAP_HEALTH_H
#define BUMPWIRE_TAP_HEALTH_H

#include <stdbool.h>

#include "base.h"

struct tap_health {
	char name[128];    /* in messages */
	uint64_t quiet_ns; /* without a failure, after which it is well */
	uint64_t now_ns;   /* of the last tick; the owner sets it */
	uint64_t first_ns, last_ns; /* when it failed */
	uint64_t lost_frames; /* since it fails */
	int error;            /* since then, or 0 */
	const char *why;
	bool told;
	bool odd_told;
};

/* Why a sink fails, by its -errno. */
const char *tap_health_text(int error);

/* A name of a tap and of where its copies go, and a time. */
void tap_health_init(struct tap_health *h, const char *id, const char *to,
		     uint64_t quiet_ns);

/* It fails, for a -errno; `why`, which stays, or NULL: as errno(3) has it. A
 * queue that is full, -ENOBUFS, may be so for a moment, or be the first to be
 * noticed of something worse: it is told of later. */
void tap_health_fails(struct tap_health *h, int error, const char *why);

/* The same, and it has cost a copy. */
void tap_health_lost(struct tap_health *h, int error, const char *why);

/* It works, but not for a copy of this kind; told of the first one. */
void tap_health_odd(struct tap_health *h, uint32_t bytes, const char *what);

/* Last in a tick; tells when it is well again. True: it fails still. */
bool tap_health_tick(struct tap_health *h);

#endif
