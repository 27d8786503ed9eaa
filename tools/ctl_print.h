/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers as text for people. What an answer lacks, for it comes from another
 * version, is left out or 0: nothing here fails.
 */
#ifndef BUMPWIRE_CTL_PRINT_H
#define BUMPWIRE_CTL_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "base.h"
#include "ctl_client.h"

/* A request, and what came for it: the "result". */
struct ctl_answer {
	const json_t *request;
	const json_t *result;
};

void ctl_print_links(const struct ctl_answer *answer, FILE *out);
void ctl_print_text(const struct ctl_answer *answer, FILE *out);
void ctl_print_reload(const struct ctl_answer *answer, FILE *out);
void ctl_print_rules(const struct ctl_answer *answer, FILE *out);
void ctl_print_rule(const struct ctl_answer *answer, FILE *out);
void ctl_print_removed(const struct ctl_answer *answer, FILE *out);
void ctl_print_pairs(const struct ctl_answer *answer, FILE *out);
void ctl_print_reset(const struct ctl_answer *answer, FILE *out);
void ctl_print_level(const struct ctl_answer *answer, FILE *out);
void ctl_print_stop(const struct ctl_answer *answer, FILE *out);
void ctl_print_commands(const struct ctl_answer *answer, FILE *out);

/* "up", "no carrier", ... */
const char *ctl_link_state(const json_t *port);

/* ---- ctl_print_status.c ---- */

void ctl_print_status(const struct ctl_answer *answer, FILE *out);

/* ---- ctl_print_stats.c ---- */

/* As report_print() has it. */
void ctl_print_stats(const struct ctl_answer *answer, FILE *out);

/* A line a pair, as report_print_rates() has it: what was counted between two
 * results of `stats`. Where a count has become less all began anew at 0. */
void ctl_print_rates(const json_t *was, const json_t *now, FILE *out);

/* ---- ctl_print_taps.c ---- */

void ctl_print_taps(const struct ctl_answer *answer, FILE *out);
void ctl_print_tap_stopped(const struct ctl_answer *answer, FILE *out);

/* Where it writes to, in words. */
const char *ctl_tap_to(const json_t *tap);

/* Of the taps of a pair a line each, for `status`. */
void ctl_print_tap_lines(const json_t *pair, FILE *out);

/* ---- members of an object ---- */

/* "" if there is no such text. */
const char *ctl_text(const json_t *object, const char *name);

/* 0 if there is no such number. */
int64_t ctl_integer(const json_t *object, const char *name);

bool ctl_is_true(const json_t *object, const char *name);

#endif
