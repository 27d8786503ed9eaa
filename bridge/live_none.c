/* SPDX-License-Identifier: BSD-2-Clause */
/* live.h of a build without BPF: it refuses. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "live.h"
#include "log.h"

#define REASON "this program was built without BPF"

int live_probe(int index, char *why, size_t size)
{
	(void)index;
	snprintf(why, size, "%s", REASON);
	return -ENOTSUP;
}

int live_new(struct live **livep, const struct live_params *params)
{
	(void)livep;
	log_err("%s: live frames: %s", params->name, REASON);
	return -ENOTSUP;
}

int live_run(struct live *live)
{
	(void)live;
	return -ENOTSUP;
}

void live_stop(struct live *live)
{
	(void)live;
}

void live_figures(const struct live *live, struct live_figures *figures)
{
	(void)live;
	memset(figures, 0, sizeof(*figures));
}

void live_free(struct live *live)
{
	(void)live;
}
