/* SPDX-License-Identifier: BSD-2-Clause */
/* What bumpreplay can be told: tables of bridge/args.h. */
#ifndef BUMPWIRE_REPLAY_OPTIONS_H
#define BUMPWIRE_REPLAY_OPTIONS_H

#include "edit.h"
#include "filter.h"
#include "ranges.h"
#include "send_options.h"
#include "split.h"

#define REPLAY_RULES_MAX 32

struct manual;

struct replay_options {
	struct send_options send; /* first: the common rows fill it */
	const char *const *path;
	size_t n_paths;
	uint64_t passes;
	uint64_t pass_delay_ns;
	int oversize; /* enum feed_oversize */
	struct split_params split;
	bool has_split;
	struct ranges frames;
	bool has_frames;
	struct filter_rule rule[REPLAY_RULES_MAX];
	size_t n_rules;
	struct edit_params edit;
	bool edits; /* there is something in edit */
	bool preload, strict, pad, fix_checksums, unique_ip;
	uint64_t mtu; /* 0: the interface's */
	const char *write_path;
	bool dry_run;
};

/* Fill it from the command line, with defaults. 0, or -EINVAL (logged). */
int replay_options_parse(struct replay_options *o, int argc, char **argv);
void replay_options_fini(struct replay_options *o);

void replay_options_print(const struct manual *manual, FILE *out);

#endif
