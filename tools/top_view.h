/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What there is to see of a bridge at one moment, out of what it answered to
 * `stats` and `status`, beside what it answered a turn ago. Pure: nothing is
 * asked or shown here. The answers are not trusted: a member that is missing,
 * of another type or absurd is not known, and unknown members are passed over.
 */
#ifndef BUMPWIRE_TOP_VIEW_H
#define BUMPWIRE_TOP_VIEW_H

#include <stdbool.h>

#include <jansson.h>

#include "conf.h"
#include "stats.h"

/* Printable ASCII only; what else came stands as '?', and long ones are cut. */
#define TOP_NAME_SIZE 64
#define TOP_ASKED_SIZE 160 /* as wide as a page */

struct top_count {
	bool known;
	bool compared;  /* `since` holds: there is one before, not above it */
	uint64_t total;
	uint64_t since; /* the last turn */
};

enum top_counter {
	TOP_RECEIVED_FRAMES,
	TOP_RECEIVED_BYTES,
	TOP_FORWARDED_FRAMES,
	TOP_FORWARDED_BYTES,
	TOP_DUPLICATED_FRAMES,
	TOP_SPLIT_FRAMES,
	TOP_RING_FULL_FRAMES,
	TOP_DROPPED_FRAMES,
	TOP_COUNTERS,
};

struct top_rule {
	char id[TOP_NAME_SIZE];
	bool pass_only;
	bool runtime;
	bool on[SIDES]; /* the lane has it */
	struct top_count frames[SIDES];
};

/* What is counted by names: reasons, stages, taps. One that this program does
 * not know yet has a row, too. */
struct top_row {
	char name[TOP_NAME_SIZE];
	bool is_bad; /* nobody has ordered it: it is news */
	struct top_count frames[SIDES];
};

/* How full something is. A queue takes one frame, however small it is. */
struct top_fill {
	bool known;
	uint64_t used, size;
	unsigned int percent; /* at most 100 */
};

struct top_lane {
	bool exists; /* false: the pair is one_way */
	bool began_anew; /* a counter went back: a reset, or a restart */
	struct top_count count[TOP_COUNTERS];
	struct top_fill ring;  /* slots */
	struct top_fill queue; /* of a rate, bytes */
	uint64_t held; /* frames */
	char asked[TOP_ASKED_SIZE]; /* of stages: "loss 1%, delay 20ms" */
};

struct top_port {
	char name[TOP_NAME_SIZE];
	char driver[TOP_NAME_SIZE];
	uint64_t mtu;   /* 0: not known */
	bool up_known, up, carrier;
};

struct top_pair {
	char name[TOP_NAME_SIZE];
	char state[TOP_NAME_SIZE];
	bool is_new; /* it was not there a turn ago, though others were */
	struct top_port port[SIDES];
	struct top_lane lane[SIDES];
	struct top_row *reason;
	size_t n_reasons;
	struct top_row *stage; /* "impair lost" */
	size_t n_stages;
	struct top_row *tap; /* what it took, and what it lost, by its id */
	size_t n_taps;
	struct top_rule *rule;
	size_t n_rules;
};

struct top_view {
	char program[TOP_NAME_SIZE];
	char version[TOP_NAME_SIZE];
	char name[TOP_NAME_SIZE];
	uint64_t pid;    /* 0: not known */
	double uptime_s; /* negative: not known */
	double turn_s;   /* from the answer before to this one; 0: none */
	bool restarted;  /* another process than a turn ago */
	struct top_pair *pair;
	size_t n_pairs;
};

/* The results (not the whole answers) of one turn; either may be NULL. */
struct top_answers {
	const json_t *stats;
	const json_t *status;
};

/* NULL: no memory. `before` is NULL in the first turn. */
struct top_view *top_view_new(const struct top_answers *now,
			      const struct top_answers *before);
void top_view_free(struct top_view *view);

/* A second's share of a count; negative: not known. */
double top_view_rate(const struct top_view *view, const struct top_count *c);

/* A drop that nobody ordered, as rules, a pause and losses are: it is news. */
bool top_reason_is_bad(const char *name);

/* The state in which a pair does what it is there for. */
bool top_state_is_good(const char *state);

#define TOP_RING_BAD_PERCENT 80 /* above, a ring is about to overflow */

#endif
