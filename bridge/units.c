/* SPDX-License-Identifier: BSD-2-Clause */
/* See units.h. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "units.h"

struct unit {
	const char *name;
	double factor;
};

/* The number that a text begins with; where it ends, or NULL. */
static const char *take_real(const char *text, double *value)
{
	double n = 0, place = 1;
	const char *c;
	int digits = 0;

	for (c = text; *c >= '0' && *c <= '9'; c++, digits++)
		n = n * 10 + (*c - '0');
	if (*c == '.')
		for (c++; *c >= '0' && *c <= '9'; c++, digits++) {
			n = n * 10 + (*c - '0');
			place *= 10;
		}
	*value = n / place;
	return digits && digits <= 18 ? c : NULL;
}

static int take_unit(const char *text, const struct unit *unit, size_t n,
		     int (*compare)(const char *a, const char *b),
		     double *value)
{
	const char *end = take_real(text, value);

	for (size_t i = 0; end && i < n; i++) {
		if (compare(end, unit[i].name))
			continue;
		*value *= unit[i].factor;
		return 0;
	}
	return -EINVAL;
}

static int take_with_unit(const char *text, const struct unit *unit, size_t n,
			  double *value)
{
	return take_unit(text, unit, n, strcmp, value);
}

/* tc(8) minds no case. */
static int take_as_tc(const char *text, const struct unit *unit, size_t n,
		      double *value)
{
	return take_unit(text, unit, n, strcasecmp, value);
}

/* A whole number of what counts, or -EINVAL. */
static int to_whole(double value, uint64_t *whole)
{
	if (value >= 9e18)
		return -EINVAL;
	*whole = (uint64_t)(value + 0.5);
	return 0;
}

int units_real(const char *text, double *value)
{
	static const struct unit none[] = { { "", 1 } };
	double n;

	if (take_with_unit(text, none, ARRAY_SIZE(none), &n))
		return -EINVAL;
	*value = n;
	return 0;
}

int units_duration(const char *text, uint64_t *ns)
{
	static const struct unit unit[] = {
		{ "", 1e9 }, { "s", 1e9 }, { "ms", 1e6 }, { "us", 1e3 },
		{ "ns", 1 }, { "m", 60e9 }, { "h", 3600e9 },
	};
	double n;

	if (take_with_unit(text, unit, ARRAY_SIZE(unit), &n) || n >= 9e18)
		return -EINVAL;
	*ns = (uint64_t)(n + 0.5);
	return 0;
}

int units_rate(const char *text, double *per_second)
{
	static const struct unit unit[] = {
		{ "", 1 }, { "k", 1e3 }, { "M", 1e6 }, { "G", 1e9 },
		{ "pps", 1 }, { "kpps", 1e3 }, { "Mpps", 1e6 },
		{ "Gpps", 1e9 },
	};
	double n;

	if (take_with_unit(text, unit, ARRAY_SIZE(unit), &n))
		return -EINVAL;
	*per_second = n;
	return 0;
}

int units_time(const char *text, uint64_t *ns)
{
	static const struct unit unit[] = {
		{ "s", 1e9 }, { "sec", 1e9 }, { "secs", 1e9 },
		{ "ms", 1e6 }, { "msec", 1e6 }, { "msecs", 1e6 },
		{ "us", 1e3 }, { "usec", 1e3 }, { "usecs", 1e3 },
		{ "ns", 1 }, { "nsec", 1 }, { "nsecs", 1 },
	};
	double n;

	if (!strcmp(text, "0")) {
		*ns = 0;
		return 0;
	}
	return take_as_tc(text, unit, ARRAY_SIZE(unit), &n) ? -EINVAL :
							      to_whole(n, ns);
}

int units_bits(const char *text, uint64_t *bits_per_second)
{
	static const struct unit unit[] = {
		{ "", 1 }, { "bit", 1 }, { "kbit", 1e3 }, { "mbit", 1e6 },
		{ "gbit", 1e9 }, { "tbit", 1e12 }, { "kibit", 0x1p10 },
		{ "mibit", 0x1p20 }, { "gibit", 0x1p30 }, { "tibit", 0x1p40 },
		{ "bps", 8 }, { "kbps", 8e3 }, { "mbps", 8e6 },
		{ "gbps", 8e9 }, { "tbps", 8e12 }, { "kibps", 0x1p13 },
		{ "mibps", 0x1p23 }, { "gibps", 0x1p33 }, { "tibps", 0x1p43 },
	};
	double n;

	return take_as_tc(text, unit, ARRAY_SIZE(unit), &n) ?
		       -EINVAL : to_whole(n, bits_per_second);
}

int units_bytes(const char *text, uint64_t *bytes)
{
	static const struct unit unit[] = {
		{ "", 1 }, { "b", 1 }, { "k", 0x1p10 }, { "kb", 0x1p10 },
		{ "m", 0x1p20 }, { "mb", 0x1p20 }, { "g", 0x1p30 },
		{ "gb", 0x1p30 }, { "kbit", 0x1p7 }, { "mbit", 0x1p17 },
		{ "gbit", 0x1p27 },
	};
	double n;

	return take_as_tc(text, unit, ARRAY_SIZE(unit), &n) ?
		       -EINVAL : to_whole(n, bytes);
}

int units_share(const char *text, double *share)
{
	static const struct unit unit[] = { { "%", 0.01 } };
	double n = 0;

	if (strcmp(text, "0") &&
	    take_with_unit(text, unit, ARRAY_SIZE(unit), &n))
		return -EINVAL;
	if (n > 1)
		return -EINVAL;
	*share = n;
	return 0;
}
