/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What metrics are printed from: all numbers of a process, read at once into
 * flat arrays of 64-bit numbers. metrics.c alone uses it; metrics.h tells in
 * which order lanes are read.
 */
#ifndef BUMPWIRE_METRICS_SAMPLE_H
#define BUMPWIRE_METRICS_SAMPLE_H

#include "metrics.h"

struct process_sample {
	uint64_t one; /* the value of an info metric */
	uint64_t start_time_s;
	uint64_t last_reload_ok;
	uint64_t last_reload_s;
	uint64_t reloads[2]; /* applied, failed */
};

struct lane_sample {
	struct lane_stats stats;
	uint64_t ring_used_slots;
	uint64_t ring_slots; /* 0: there is no ring now */
	uint64_t unmatched_frames;
};

struct port_sample {
	uint64_t up;
	uint64_t carrier;
	uint64_t mtu_bytes;
	struct link_counters link;
};

struct pair_sample {
	const struct bridge *bridge;
	uint64_t attached;
	uint64_t paused;
	struct lane_sample lane[SIDES];
	struct port_sample port[SIDES];
};

struct metrics_sample {
	const struct metrics *metrics;
	struct process_sample process;
	struct pair_sample *pair; /* an element a bridge */
	size_t n_pairs;
};

/* Read all; what it reads from is to live as long. 0 or -ENOMEM. */
int metrics_sample_init(struct metrics_sample *s, const struct metrics *m);
void metrics_sample_fini(struct metrics_sample *s);

#endif
