/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Quantities as people type them, strictly: the whole text is a number with
 * at most one unit, and nothing is guessed. Each returns 0, or -EINVAL and
 * touches nothing.
 */
#ifndef BUMPWIRE_UNITS_H
#define BUMPWIRE_UNITS_H

#include "base.h"

#define UNITS_DURATION "a time such as 10, 0.5s, 20ms, 5us, 2m or 1h"
#define UNITS_RATE "a rate such as 0.25, 1000, 10k or 1.5Mpps"
#define UNITS_REAL "a number such as 2 or 0.5"

/* Digits with at most one point in or before them; no sign, no exponent. */
int units_real(const char *text, double *value);

/* ns, us, ms, s, m, h; seconds without a unit. In nanoseconds. */
int units_duration(const char *text, uint64_t *ns);

/* k, M and G are 10^3, 10^6 and 10^9; `pps` may stand behind. Frames a second. */
int units_rate(const char *text, double *per_second);

#endif
