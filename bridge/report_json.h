/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports for programs. "schema" grows when a name changes its meaning or
 * goes; new names may come any time.
 */
#ifndef BUMPWIRE_REPORT_JSON_H
#define BUMPWIRE_REPORT_JSON_H

#include <jansson.h>

#include "report.h"

#define REPORT_SCHEMA 1

/* A string, or where it is no UTF-8 a word about that. */
json_t *report_json_text(const char *s);

/* The report as an object, which the caller owns, as below. */
json_t *report_json_object(const struct report *r);

/* The taps of a bridge, and what they have seen. */
json_t *report_json_taps(const struct bridge *b);

/* What is asked of the stages of a lane: {"loss": "1%", ...} by keys that are
 * set. */
json_t *report_json_settings(const struct bridge *b, enum side side);

/* A port, without its link's counters, and these. */
json_t *report_json_port(const struct bridge *b, enum side side);
json_t *report_json_link(const struct link_counters *c);

/* One object, {"schema": 1, "event": "report", ...}, and a newline. */
void report_json(const struct report *r, FILE *out);

/* One object on one line, {"schema": 1, "event": "stats", ...}. */
void report_json_rates(const struct report *r, double seconds, FILE *out);

#endif
