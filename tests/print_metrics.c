/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For tests/metrics.sh: the names and labels of the metrics, or with `example`
 * the text of a process with one pair, for others to check.
 */
#include "config.h"

#include <string.h>

#include "metrics.h"

static char left[] = "eth0", right[] = "eth1", pair[] = "wan";

int main(int argc, char **argv)
{
	struct conf_pair conf = { .name = pair, .port = { left, right } };
	struct bridge bridge = { .conf = &conf, .has_lane = { true, true } };
	struct bridge *const list[] = { &bridge };
	struct metrics m = { .report = { .bridge = list, .n_bridges = 1 },
			     .name = "example", .version = "0" };

	bridge.side[SIDE_LEFT].link.index = 1;
	if (argc > 1 && !strcmp(argv[1], "example"))
		metrics_print(&m, stdout);
	else
		metrics_list(stdout);
	return fflush(stdout) ? 1 : 0;
}
