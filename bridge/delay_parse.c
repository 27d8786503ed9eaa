/* SPDX-License-Identifier: BSD-2-Clause */
/* How people type what delay.c does; see delay.h. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "delay.h"
#include "units.h"

static int parse_time(const char *text, uint64_t max_ns, uint64_t *ns)
{
	uint64_t n;

	if (units_time(text, &n) || n > max_ns)
		return -EINVAL;
	*ns = n;
	return 0;
}

int delay_parse_delay(const char *text, void *params)
{
	struct delay_params *p = params;

	return parse_time(text, DELAY_MAX_NS, &p->delay_ns);
}

int delay_parse_jitter(const char *text, void *params)
{
	struct delay_params *p = params;

	return parse_time(text, JITTER_MAX_NS, &p->jitter_ns);
}

int delay_parse_shape(const char *text, void *params)
{
	static const char *const name[] = {
		[JITTER_UNIFORM] = "uniform",
		[JITTER_NORMAL] = "normal",
		[JITTER_PARETO] = "pareto",
	};
	struct delay_params *p = params;

	if (*text == '/') {
		p->shape = JITTER_TABLE;
		p->table = text;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(name); i++) {
		if (strcmp(text, name[i]))
			continue;
		p->shape = (enum jitter_shape)i;
		p->table = NULL;
		return 0;
	}
	return -EINVAL;
}

int delay_parse_reorder(const char *text, void *params)
{
	struct delay_params *p = params;

	if (strcmp(text, "yes") && strcmp(text, "no"))
		return -EINVAL;
	p->reorders = *text == 'y';
	return 0;
}
