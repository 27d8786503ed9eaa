/* SPDX-License-Identifier: BSD-2-Clause */
/* See tap_params.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tap_params.h"

#define STRINGS 5

static const char **string_of(struct tap_params *p, size_t i)
{
	const char **string[STRINGS] = { &p->id, &p->port[0], &p->port[1],
					 &p->to, &p->filter };

	return string[i];
}

int tap_params_copy(struct tap_params *to, const struct tap_params *from)
{
	int r = 0;

	*to = *from;
	for (size_t i = 0; i < STRINGS; i++) {
		const char **text = string_of(to, i);

		if (*text && !(*text = strdup(*text)))
			r = -ENOMEM;
	}
	return r;
}

void tap_params_fini(struct tap_params *p)
{
	for (size_t i = 0; i < STRINGS; i++)
		free((char *)*string_of(p, i));
}
