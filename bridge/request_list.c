/* SPDX-License-Identifier: BSD-2-Clause */
/* See request_list.h. */
#include "config.h"

#include "request_list.h"

const struct request_info request_info[REQUESTS] = {
	[REQUEST_STATUS] = { "status", "",
		"Which pairs there are, how they are, what is done to "
		"their frames and what of that was set while it runs" },
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
	[REQUEST_SET] = { "set", "[PAIR] KEY VALUE",
		"Change a pair's key, if that needs no port opened anew, until "
		"a reload has the configuration's again" },
	[REQUEST_UNSET] = { "unset", "[PAIR] KEY",
		"Give a pair's key its default, until a reload has the "
		"configuration's again" },
	[REQUEST_TAP_LIST] = { "tap_list", "[PAIR]",
		"The taps, and what they copied" },
	[REQUEST_TAP_START] = { "tap_start", "[PAIR] NAME TO",
		"Copy frames until it is stopped or the process ends; TO is a "
		"path, dev:INTERFACE or vxlan:ADDRESS[:PORT][/VNI]" },
	[REQUEST_TAP_STOP] = { "tap_stop", "[PAIR] NAME",
		"Stop a tap; the configuration's own, called tap, stays so "
		"until its keys change or a reload" },
	[REQUEST_TAP_STREAM] = { "tap_stream", "[PAIR] FILE",
		"Copy frames as pcapng to FILE, made anew, or with - to standard "
		"output, as long as this runs" },
	[REQUEST_PAUSE] = { "pause", "[PAIR]",
		"Drop all that arrives, until resumed" },
	[REQUEST_RESUME] = { "resume", "[PAIR]", "Forward again" },
	[REQUEST_RESET] = { "reset", "[PAIR]",
		"Count from 0 again; frames that are held just now count as "
		"received, but not their bytes" },
	[REQUEST_LOG] = { "log", "LEVEL",
		"Log error, warning, info or debug, until the process ends" },
	[REQUEST_STOP] = { "stop", "", "Stop, with a report" },
	[REQUEST_COMMANDS] = { "commands", "", "This list" },
};

const char *const tap_option_name[TAP_OPTIONS] = {
	[TAP_OPTION_SIDE] = "side",
	[TAP_OPTION_AT] = "at",
	[TAP_OPTION_FILTER] = "filter",
	[TAP_OPTION_SNAP] = "snap",
	[TAP_OPTION_QUEUE] = "queue",
	[TAP_OPTION_ROTATE_BYTES] = "rotate_bytes",
	[TAP_OPTION_ROTATE_TIME] = "rotate_time",
	[TAP_OPTION_ROTATE_FRAMES] = "rotate_frames",
	[TAP_OPTION_FILES] = "files",
};
