/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames that the kernel makes itself: a BPF program writes each one, and XDP's
 * live frames (BPF_PROG_TEST_RUN with BPF_F_TEST_XDP_LIVE_FRAMES, Linux 5.18)
 * carry it into an interface past sockets, skbs and qdiscs: several times as
 * fast as any packet socket. One frame of a fixed length, fields in it that
 * walk, checksums kept right, a stamp (stamp.h).
 *
 * Needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, or CAP_SYS_ADMIN. Onto a veth
 * the far end needs a NAPI: ethtool -K FAR gro on. Built without BPF,
 * live_none.c stands in for live.c and refuses.
 *
 * The signal LIVE_SIGNAL of the process is taken for good by the first
 * live_run(): a handler that does nothing, as only a signal ends a test run.
 */
#ifndef BUMPWIRE_LIVE_H
#define BUMPWIRE_LIVE_H

#include <signal.h>
#include <stdbool.h>

#include "base.h"

#define LIVE_FIELDS_MAX 8
#define LIVE_FRAME_MAX 4096 /* the kernel's limit is lower: see live_new() */
#define LIVE_PPS_MIN 20000
#define LIVE_BATCH_MAX 256 /* TEST_XDP_MAX_BATCH */
#define LIVE_SIGNAL (SIGRTMIN + 9)

/* Checksums that a field takes part in. */
#define LIVE_SUM_IP 1
#define LIVE_SUM_L4 2

enum live_kind {
	LIVE_WALK,  /* first, by step, up to last; then first again */
	LIVE_COUNT, /* first, by step, modulo the field's width */
};

/* Big-endian bytes of a frame, and what they hold from frame to frame. */
struct live_field {
	uint32_t offset;
	uint8_t width; /* bytes, 1 to 8 */
	uint8_t bits;  /* so many bits of them; 0: all */
	uint8_t shift; /* this far from the last one */
	uint8_t sums;  /* LIVE_SUM_* */
	enum live_kind kind;
	uint64_t first; /* in the first frame */
	uint64_t last;  /* LIVE_WALK */
	uint64_t step;
};

struct live_params {
	const char *name; /* of the interface, for messages */
	int index;
	/* A whole frame, with a stamp if there is one: its checksums right. */
	uint8_t base[LIVE_FRAME_MAX];
	uint32_t len; /* 14 at least */
	bool stamp;
	uint32_t payload;  /* where the stamp goes; behind all fields */
	uint32_t rest_sum; /* stamp_rest_sum() of the payload there */
	struct live_field field[LIVE_FIELDS_MAX];
	uint32_t n_fields;
	/* Offsets of checksums to keep right while fields change; even, and 0:
	 * none. What is wrong in base stays wrong by as much. */
	uint32_t ip_csum;
	uint32_t l4_csum;
	bool udp; /* layer 4's 0 is sent as 0xffff (RFC 768) */
	double pps; /* 0: as fast as possible; LIVE_PPS_MIN at least */
	uint64_t count;       /* frames made; 0: no limit */
	uint64_t duration_ns; /* 0: no limit */
	/* Frames that leave at once, when the last of them is due. 0: as many
	 * as cover 16 us of the schedule, 16 at most. */
	uint32_t batch;
	/* Who is later than this has its schedule begin anew from now; 0:
	 * never, catch up whatever it takes. */
	uint64_t slip_ns;
};

/* Written while it runs, to be read by anybody; monotonic nanoseconds. */
struct live_figures {
	uint64_t made;    /* sent, refused, or on the way (a batch at most) */
	uint64_t sent;    /* taken by the device */
	uint64_t refused; /* not taken */
	uint64_t first_ns; /* when the first frame was made; 0: not yet */
	uint64_t last_ns;  /* when the device had taken the last ones */
	uint64_t late_max_ns; /* behind the schedule */
	uint64_t slips;       /* how often the schedule began anew */
};

struct live;

/*
 * Whether this kernel and this user can: loads the program and has it make a
 * frame that goes nowhere. Nothing is sent, nothing logged. 0, or -ENOTSUP and
 * the reason as text.
 */
int live_probe(int index, char *why, size_t size);

/*
 * Load the program for these frames; `params` is not kept. 0, or (logged)
 * -ENOTSUP as live_probe(); -ERANGE below LIVE_PPS_MIN; -EMSGSIZE if the kernel
 * does not make frames of this length (a page less its own needs: 3408 bytes
 * on x86-64); -EINVAL for what does not lie in the frame; -ENOMEM.
 */
int live_new(struct live **livep, const struct live_params *params);

/*
 * Send, in the calling thread, until count, duration or live_stop(). Once.
 * 0; -ENXIO (logged) if the device takes none of the first frames; or other
 * -errno (logged). An interface that goes away or down later shows in
 * `refused`.
 *
 * The program waits for a frame's time on this processor, with softirqs held
 * off: a gap, or a batch, at a time.
 */
int live_run(struct live *live);

/* End a run, or one that is about to begin; from any thread or from a signal
 * handler. It takes some milliseconds. */
void live_stop(struct live *live);

void live_figures(const struct live *live, struct live_figures *figures);

/* Not while it runs. */
void live_free(struct live *live);

#endif
