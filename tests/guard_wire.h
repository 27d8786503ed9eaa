/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the guard stand on: two veth pairs in a network namespace
 * of the test's own. Frames go in at the far end of one, and come out at the
 * far end of the other or do not; a packet socket with the guard's filter
 * stands for the lane.
 */
#ifndef GUARD_WIRE_H
#define GUARD_WIRE_H

#include "guard.h"
#include "link_tc.h"

#define GUARD_WIRE_FRAME_BYTES 60
#define GUARD_WIRE_NEVER INT64_MAX /* as the time after which a lane hangs */

struct guard_wire {
	int far[GUARD_SIDES];  /* sockets at the ends of the wire: fl, fr */
	int lane[GUARD_SIDES]; /* and at the ports, pl and pr, or -1 */
	struct guard_port port[GUARD_SIDES];
	struct guard *guard; /* or NULL; freed with the wire */
};

extern struct guard_wire wire;

/* cmocka's: a wire for each test. */
int guard_wire_setup(void **state);
int guard_wire_teardown(void **state);

/* Into a namespace of our own, where guards can be had: 0, or 77 to skip
 * (said why). */
int guard_wire_enter(void);

/* Run a command, which must succeed. */
void run(const char *fmt, ...) printf_like(1, 2);

/* ---- frames ---- */

void send_from(int side, int number);

/* The number of the next frame of ours, or -1 if none comes that long. */
int next_frame(int fd, int timeout_ms);

/* Send one frame, and see where it arrives, and that it does nowhere else. */
enum way { NOWHERE, TO_LANE, OVER };
void check_way(int side, enum way way, const char *file, int line);
#define goes(side, way) check_way(side, way, __FILE__, __LINE__)

/* ---- the guard ---- */

struct guard *make_guard(void);

/* Lanes of this guard: their sockets have its filters. */
void open_lanes(struct guard *guard);

/* This thread is the lane. */
void take_over(struct guard *guard, int side);

/* A guard that bypasses and joins, with both lanes in this thread. */
void start_guard(void);

struct link_tc tc_of(int side);
bool is_promiscuous(int side);
struct guard_counters counts(int side);

#endif
