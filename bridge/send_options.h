/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options that all injecting tools have, as groups of rows (args.h). A
 * tool's own options begin with this struct, so that one target serves both.
 */
#ifndef BUMPWIRE_SEND_OPTIONS_H
#define BUMPWIRE_SEND_OPTIONS_H

#include "args.h"
#include "feed.h"
#include "sender.h"

struct send_options {
	struct sender_params sender;
	const char *second; /* interface, that -I names; or NULL */
	struct pace_params pace;
	bool has_pace; /* one of the ways to pace was chosen */
	uint64_t limit_frames;
	uint64_t duration_ns;
	int late;  /* enum feed_late */
	int layer; /* index: 0 is layer 1 */
	uint64_t spin_us;
	bool no_progress;
	int log; /* enum log_level */
	bool help, version;
};

extern const struct arg_group send_args_ports;
extern const struct arg_group send_args_time;
extern const struct arg_group send_args_print;

/* As struct arg has it: for the tool that has a capture's own time. */
int send_take_factor(void *target, const char *value, const char **allowed);

void send_options_init(struct send_options *o);

/* Follow what options say of each other. 0 or -EINVAL (logged). */
int send_options_finish(struct send_options *o);

#endif
