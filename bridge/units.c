/* SPDX-License-Identifier: BSD-2-Clause */
/* See units.h. */
#include "config.h"

#include <errno.h>
#include <string.h>

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

static int take_with_unit(const char *text, const struct unit *unit, size_t n,
			  double *value)
{
	const char *end = take_real(text, value);

	for (size_t i = 0; end && i < n; i++) {
		if (strcmp(end, unit[i].name))
			continue;
		*value *= unit[i].factor;
		return 0;
	}
	return -EINVAL;
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
