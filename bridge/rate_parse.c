/* SPDX-License-Identifier: BSD-2-Clause */
/* How people type what rate.c does; see rate.h. */
#include "config.h"

#include <errno.h>

#include "clock.h"
#include "rate.h"
#include "units.h"

static bool is_within(uint64_t value, uint64_t least, uint64_t most)
{
	return value >= least && value <= most;
}

int rate_parse_rate(const char *text, void *params)
{
	struct rate_params *p = params;
	uint64_t bps;

	if (units_bits(text, &bps) ||
	    !is_within(bps, 1000, UINT64_C(400000000000)))
		return -EINVAL;
	p->bps = bps;
	return 0;
}

int rate_parse_layer(const char *text, void *params)
{
	struct rate_params *p = params;

	if (strcmp(text, "1") && strcmp(text, "2"))
		return -EINVAL;
	p->layer1 = *text == '1';
	return 0;
}

int rate_parse_burst(const char *text, void *params)
{
	struct rate_params *p = params;
	uint64_t bytes;

	if (units_bytes(text, &bytes) || !is_within(bytes, 1, 64u << 20))
		return -EINVAL;
	p->burst_bytes = bytes;
	return 0;
}

/* No unit of time is one of size. */
int rate_parse_queue(const char *text, void *params)
{
	struct rate_params *p = params;
	uint64_t ns = 0, bytes = 0;

	if (!units_time(text, &ns)) {
		if (!is_within(ns, 100 * NS_PER_US, 60 * NS_PER_SEC))
			return -EINVAL;
	} else if (units_bytes(text, &bytes) ||
		   !is_within(bytes, 64, 1u << 30)) {
		return -EINVAL;
	}
	p->queue_ns = ns;
	p->queue_bytes = bytes;
	return 0;
}

int rate_parse_ageing(const char *text, void *params)
{
	struct rate_params *p = params;
	bool is_no = !strcmp(text, "no");
	uint64_t ns = 0;

	if (!is_no && strcmp(text, "yes") &&
	    (units_time(text, &ns) ||
	     !is_within(ns, 100 * NS_PER_US, 10 * NS_PER_SEC)))
		return -EINVAL;
	p->ages = !is_no;
	p->age_target_ns = ns;
	return 0;
}
