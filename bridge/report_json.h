/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports for programs. "schema" grows when a name changes its meaning or
 * goes; new names may come any time.
 */
#ifndef BUMPWIRE_REPORT_JSON_H
#define BUMPWIRE_REPORT_JSON_H

#include "report.h"

#define REPORT_SCHEMA 1

/* One object, {"schema": 1, "event": "report", ...}, and a newline. */
void report_json(const struct report *r, FILE *out);

/* One object on one line, {"schema": 1, "event": "stats", ...}. */
void report_json_rates(const struct report *r, const struct report_rates *rates,
		       double seconds, FILE *out);

#endif
