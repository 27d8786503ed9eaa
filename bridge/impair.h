/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stage that makes a wire worse: it loses frames, flips bits in them, sends
 * them twice and out of order, in this order: loss, corruption, duplication,
 * reordering.
 *
 * A run repeats to the frame with its seed. Each of them has a generator of its
 * own, which goes on by one with each frame that arrives, also with one that
 * another of them has lost; so to switch one on changes nothing of what the
 * others choose. Which copies are reordered has one more; and which bit is
 * flipped, and where bit errors are, as many draws as there are of these.
 *
 * A super-frame should have been cut before. One that comes is lost, copied and
 * reordered as the one frame that it is, and never corrupted: its checksums are
 * made when it is cut, and would make the damage right.
 */
#ifndef BUMPWIRE_IMPAIR_H
#define BUMPWIRE_IMPAIR_H

#include "clock.h"
#include "pool.h"
#include "stage.h"

/*
 * A frame that is held back waits at most so long for others to overtake it:
 * the last of a burst must come, and before a TCP sends it again (after 1 s by
 * RFC 6298, 2.4; after 200 ms by Linux). So of 100%, which overtake nobody,
 * each only comes this much later. While frames come closer together than this
 * a run repeats with reordering, too.
 */
#define IMPAIR_WAIT_NS (100 * NS_PER_MS)

#define IMPAIR_GAP_MAX 1000
#define IMPAIR_PATTERN_MAX 512

enum impair_loss {
	IMPAIR_LOSS_NONE,
	IMPAIR_LOSS_RANDOM,
	IMPAIR_LOSS_GEMODEL,
	IMPAIR_LOSS_PATTERN,
};

/* Shares are from 0 to 1. All zero: the wire is as it was. */
struct impair_params {
	enum impair_loss loss_model;
	double loss; /* random: of all frames */
	/*
	 * Gilbert-Elliot, as tc-netem(8) has it: from good to bad (p), back
	 * (r), and what is lost in the bad state (1-h) and the good (1-k).
	 * The first frame finds the good state; a frame is lost by the state
	 * that it finds, and then the state may change.
	 */
	double to_bad, to_good, bad_loss, good_loss;
	char pattern[IMPAIR_PATTERN_MAX + 1]; /* of 0 and 1; 1: lost */
	double duplicate;
	double corrupt;    /* of all frames: one bit is flipped */
	double bit_errors; /* of all bits */
	double reorder; /* of all frames and copies */
	uint32_t reorder_gap; /* that overtake one that is held back; 0 is 1 */
	uint64_t seed;
};

/* Would it do anything to any frame; and by chance? */
bool impair_is_wanted(const struct impair_params *params);
bool impair_is_random(const struct impair_params *params);

/*
 * Copies the parameters; frames that are held back are kept in the pool, and
 * one that finds no room there is not. 0 or -ENOMEM (logged).
 *
 * It counts what was lost, duplicated, corrupted (frames that go on, whether
 * one bit was flipped or more) and reordered (overtaken by one at least).
 */
int impair_new(struct stage **stagep, const struct impair_params *params,
	       struct pool *pool);

/* ---- what people type (impair_parse.c): 0 or -EINVAL, not logged; `params`
 * is a struct impair_params, and untouched if it is wrong ---- */

#define IMPAIR_LOSS_ALLOWED \
	"0% to 100%, gemodel P [R [1-H [1-K]]] (each 0% to 100%), or " \
	"pattern and up to 512 letters 0 and 1 (1 = lost)"
#define IMPAIR_DUPLICATE_ALLOWED "a share of frames from 0% to 100%"
#define IMPAIR_CORRUPT_ALLOWED "a share of frames from 0% to 100%"
#define IMPAIR_BIT_ERRORS_ALLOWED \
	"0, or a share of bits from 1e-15 to 1, such as 1e-6"
#define IMPAIR_REORDER_ALLOWED \
	"a share of frames from 0% to 100%, and a gap of 1 to 1000 frames"

int impair_parse_loss(const char *text, void *params);
int impair_parse_duplicate(const char *text, void *params);
int impair_parse_corrupt(const char *text, void *params);
int impair_parse_bit_errors(const char *text, void *params);
int impair_parse_reorder(const char *text, void *params);

#endif
