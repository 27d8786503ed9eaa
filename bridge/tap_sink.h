/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a tap's copies go: a file, an interface, a collector, a reader. A sink
 * is one .c file behind a const ops struct. The tap's thread alone uses it, and
 * may wait for it: what does not fit into the tap's queue meanwhile is lost to
 * the tap, and counted there.
 */
#ifndef BUMPWIRE_TAP_SINK_H
#define BUMPWIRE_TAP_SINK_H

#include "capture_record.h"
#include "frame.h"

struct tap_sink;

/*
 * A copy. Its checksum is finished; a super-frame is one still (frame.vnet), if
 * it is whole, and its checksum is the sink's to finish. frame.len are the
 * bytes that are here, which a snap length may have cut, and frame.time_ns is
 * when it arrived, or left, since 1970. The sink may change the bytes, and
 * makes frame.len less if it writes less.
 */
struct tap_record {
	struct frame frame;
	uint32_t len; /* bytes that the frame had */
	uint32_t interface; /* 0: the left port, 1: the right one */
	enum direction direction; /* as seen from that port */
	/* Of what passed the tap there, lost since the record before. */
	uint64_t lost_before;
};

/* What the tap has seen on each port so far, for who writes that down. */
struct tap_counts {
	uint64_t taken_frames; /* that passed its filter */
	uint64_t lost_frames;  /* of these: no room in the queue, or the sink
				* failed */
};

/* What a sink says of copies after it took them. */
struct tap_arrears {
	uint64_t waiting_frames; /* are not where they go, for what is there is
				  * full or the like */
	uint64_t lost_frames[2]; /* by interface: will not be there */
};

struct tap_sink_ops {
	const char *name;
	/* Take a copy, which dies afterwards. 0; -EPIPE: nobody reads any
	 * more, and the tap ends; -ESHUTDOWN (of tick): nobody wants more, and
	 * the tap ends with what is queued; other -errno: this one is lost.
	 * What is wrong is logged by the sink, once until it is right again. */
	int (*write)(struct tap_sink *sink, struct tap_record *record);
	/* The queue is empty, or a tenth of a second has gone by: bring out
	 * what is buffered, and do what is due by the clock (monotonic).
	 * Returns as write does. */
	int (*tick)(struct tap_sink *sink, uint64_t now_ns,
		    const struct tap_counts count[2]);
	void (*close)(struct tap_sink *sink, const struct tap_counts count[2]);
};

struct tap_sink {
	const struct tap_sink_ops *ops;
	/* The owner's, who reads it after tick and close; or NULL. */
	struct tap_arrears *arrears;
};

#endif
