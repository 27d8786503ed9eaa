/* SPDX-License-Identifier: BSD-2-Clause */
/* live.h where the program is built without BPF: it says so. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "live.h"

int live_check(const struct template_plan *plan,
	       const struct live_params *params, char *why, size_t size)
{
	(void)plan;
	(void)params;
	snprintf(why, size, "this program was built without BPF");
	return -ENOTSUP;
}

int live_new(struct live **lp, const struct template_plan *plan,
	     const struct live_params *params)
{
	(void)lp;
	(void)plan;
	(void)params;
	return -ENOTSUP;
}

void live_free(struct live *live)
{
	(void)live;
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
