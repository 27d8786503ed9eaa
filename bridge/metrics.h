/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process has counted, for Prometheus: text in the exposition format
 * 0.0.4, with the names that OpenMetrics asks for. One table lists the
 * families; each series carries the process's NAME, so that the files of many
 * processes can lie in one folder.
 *
 * Lanes go on while they are read. A lane's counters are read against the way
 * that a frame takes, what it ends with first, and all of them before the first
 * is printed: forwarded + dropped + held is never ahead of received +
 * duplicated + split, and is behind by what was under way. (Where the CPU may
 * show one thread's stores to another in another order, as Arm does, it can be
 * ahead by what one breath moves.) A rule's matches and the kernel's link
 * counters are from a moment later or earlier than the lane's. Counters begin
 * anew after a reset, which Prometheus takes for a restart.
 */
#ifndef BUMPWIRE_METRICS_H
#define BUMPWIRE_METRICS_H

#include <stdbool.h>
#include <stdio.h>

#include "report.h"

struct metrics {
	struct report report; /* the bridges; the links as last asked for */
	const char *name;     /* the process's NAME */
	const char *version;
	uint64_t start_time_s; /* unix */
	bool paused;           /* all pairs; one by one the lanes know it */
	bool last_reload_ok;
	uint64_t last_reload_s;	       /* unix; 0: there was none */
	uint64_t reloads_total;	       /* that were applied */
	uint64_t failed_reloads_total; /* that changed nothing: a mistake */
};

/* Print all families: a HELP and a TYPE line, then the samples. Nothing at all
 * if there is no memory. */
void metrics_print(const struct metrics *m, FILE *out);

/* Print the names, a line each: NAME TYPE LABEL,LABEL... */
void metrics_list(FILE *out);

/*
 * Write the same to a file that appears whole or not at all: to a hidden one
 * beside it (.NAME.PID.tmp, which node_exporter's textfile collector does not
 * take), then by rename. Mode 0644, whatever the umask. 0 or -errno (not
 * logged): then the old file stands as it was, and the hidden one is gone.
 * -EISDIR, -EINVAL: the path is there and no file; it is not replaced.
 */
int metrics_write(const struct metrics *m, const char *path);

#endif
