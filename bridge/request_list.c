/* SPDX-License-Identifier: BSD-2-Clause */
/* See request_list.h. */
#include "config.h"

#include "request_list.h"

const struct request_info request_info[REQUESTS] = {
	[REQUEST_STATUS] = { "status", "",
		"Which pairs there are and how they are" },
	[REQUEST_STATS] = { "stats", "[PAIR]",
		"Counts since the start, or the last reset" },
	[REQUEST_LINKS] = { "links", "[PAIR]",
		"The interfaces as the kernel knows them" },
	[REQUEST_CONFIG] = { "config", "", "The configuration in force" },
	[REQUEST_CHECK] = { "check", "FILE",
		"Whether a file could be run with" },
	[REQUEST_RELOAD] = { "reload", "",
		"Read the configuration again and apply what changed" },
	[REQUEST_FILTER_LIST] = { "filter_list", "[PAIR]",
		"The rules, and what they matched" },
	[REQUEST_FILTER_ADD] = { "filter_add", "[PAIR] [SIDE] ACTION ID EXPR",
		"Add a rule until it is removed or the process ends; SIDE is "
		"left, right or both, ACTION drop or pass_only" },
	[REQUEST_FILTER_DEL] = { "filter_del", "[PAIR] ID",
		"Remove a rule that was added so" },
	[REQUEST_FILTER_SET] = { "filter_set", "[PAIR] ID EXPR",
		"Give a rule another expression, until it is removed or the "
		"process ends" },
	[REQUEST_PAUSE] = { "pause", "[PAIR]",
		"Drop all that arrives, until resumed" },
	[REQUEST_RESUME] = { "resume", "[PAIR]", "Forward again" },
	[REQUEST_RESET] = { "reset", "[PAIR]", "Count from 0 again" },
	[REQUEST_LOG] = { "log", "LEVEL",
		"Log error, warning, info or debug, until the process ends" },
	[REQUEST_STOP] = { "stop", "", "Stop, with a report" },
	[REQUEST_COMMANDS] = { "commands", "", "This list" },
};
