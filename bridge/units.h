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

#define UNITS_TIME "a time with its unit, such as 20ms, 150us or 1.5s"
#define UNITS_BITS "a rate such as 10mbit, 1.5gbit, 64kbit or 1mbps (bytes)"
#define UNITS_BYTES "a size such as 1514, 32kb or 10mb"
#define UNITS_SHARE "a share from 0% to 100%, such as 1% or 0.05%"

/* Digits with at most one point in or before them; no sign, no exponent. */
int units_real(const char *text, double *value);

/* ns, us, ms, s, m, h; seconds without a unit. In nanoseconds. */
int units_duration(const char *text, uint64_t *ns);

/* k, M and G are 10^3, 10^6 and 10^9; `pps` may stand behind. Frames a second. */
int units_rate(const char *text, double *per_second);

/*
 * As tc(8) writes them, in upper or lower case: the units that users of
 * netem(8) and tbf(8) know. A time needs its unit unless it is 0, for tc's bare
 * numbers are microseconds and everybody else's are seconds.
 */
int units_time(const char *text, uint64_t *ns);
int units_bits(const char *text, uint64_t *bits_per_second);
int units_bytes(const char *text, uint64_t *bytes);

/* With its % unless it is 0; 1 is all. */
int units_share(const char *text, double *share);

#endif
