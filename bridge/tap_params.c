/* SPDX-License-Identifier: BSD-2-Clause */
/* See tap_params.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "tap_dev.h"
#include "tap_file.h"
#include "tap_params.h"
#include "tap_stream.h"
#include "tap_target.h"
#include "tap_vxlan.h"

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

int tap_params_open(const struct tap_params *p, struct tap_sink **sinkp)
{
	struct tap_target target;

	if (!p->to)
		return tap_stream_open(sinkp, p);
	if (tap_target_parse(p->to, &target)) {
		log_err("tap: '%s': %s", p->to, TAP_TARGET_ALLOWED);
		return -EINVAL;
	}
	if (target.kind == TAP_DEV)
		return tap_dev_open(sinkp, p, &target);
	if (target.kind == TAP_VXLAN)
		return tap_vxlan_open(sinkp, p, &target);
	return tap_file_open(sinkp, p);
}

bool tap_params_want_whole(const struct tap_params *p)
{
	struct tap_target target;

	return p->to && !tap_target_parse(p->to, &target) &&
	       target.kind != TAP_FILE;
}
