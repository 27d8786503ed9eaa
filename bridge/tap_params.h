/* SPDX-License-Identifier: BSD-2-Clause */
/* What a tap is asked for: for its thread (tap_writer.h), and its sinks. */
#ifndef BUMPWIRE_TAP_PARAMS_H
#define BUMPWIRE_TAP_PARAMS_H

#include "tap_sink.h"

/* What it copies: what arrives, before anything is done to it, or what goes
 * out, when all has been done. */
enum tap_at { TAP_NO, TAP_IN, TAP_OUT };

struct tap_params {
	const char *id;
	const char *port[2];  /* interface names, left and right */
	enum tap_at at[2];    /* by the side where frames arrive */
	const char *to;       /* see tap_target.h; NULL: to `fd` */
	int fd;               /* a stream, which is the tap's then; or -1 */
	const char *filter;   /* pcap-filter(7); NULL or "": all */
	uint32_t snap_bytes;  /* 0: whole frames */
	uint64_t queue_bytes; /* of each lane */
	/* Of files, 0 where there is no limit: a file is finished when it has
	 * so many bytes or frames, or is so old; and so many are kept. */
	uint64_t rotate_bytes;
	uint64_t rotate_frames;
	uint64_t rotate_ns;
	uint32_t files;
};

/* With strings of its own, or NULL where there was no memory for one: 0 or
 * -ENOMEM. The fd is the same. */
int tap_params_copy(struct tap_params *to, const struct tap_params *from);
void tap_params_fini(struct tap_params *p);

/* The sink that `to` or the fd stands for: 0 or -errno (logged). */
int tap_params_open(const struct tap_params *p, struct tap_sink **sinkp);

/* That sink takes super-frames apart, and cuts by itself: what is copied for
 * it are whole frames, whatever the snap length. */
bool tap_params_want_whole(const struct tap_params *p);

#endif
