/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a run has counted, for people as text and for programs as JSON. The
 * link counters beside it are asked from the kernel when a report is printed.
 */
#ifndef BUMPWIRE_REPORT_H
#define BUMPWIRE_REPORT_H

#include <stdio.h>

#include "bridge.h"

struct report {
	struct bridge *const *bridge;
	size_t n_bridges;
	uint64_t elapsed_ns;
	bool final; /* the lanes have ended: the balance closes */
};

/*
 * The report at the end, or so far: balance, reasons, rules, link counters.
 * Waits for room on `out`, but a signal that is pending to end the program ends
 * that wait: -EINTR; a report that is not final gives up soon: -ETIMEDOUT. 0,
 * or -errno if it could not be written (logged).
 */
int report_print(const struct report *r, bool json, FILE *out);

/* What a line of statistics needs to remember of the one before. */
struct report_rates {
	uint64_t at_ns;
};

/* One line a pair: rates since the last line; none if `out` has no room, then
 * the next covers this time, too. As report_print() otherwise, but not
 * logged. */
int report_print_rates(const struct report *r, struct report_rates *rates,
		       bool json, FILE *out);

/* Log why one of these could not write: what they returned, and what follows
 * from it. */
void report_say_failed(int r, const char *what_then);

#endif
