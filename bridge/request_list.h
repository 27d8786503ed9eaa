/* SPDX-License-Identifier: BSD-2-Clause */
/* What a running bridge can be asked for, as a list: for who answers
 * (requests.c) and for who asks (bumpctl). */
#ifndef BUMPWIRE_REQUEST_LIST_H
#define BUMPWIRE_REQUEST_LIST_H

enum request_id {
	REQUEST_STATUS,
	REQUEST_STATS,
	REQUEST_LINKS,
	REQUEST_CONFIG,
	REQUEST_CHECK,
	REQUEST_RELOAD,
	REQUEST_FILTER_LIST,
	REQUEST_FILTER_ADD,
	REQUEST_FILTER_DEL,
	REQUEST_FILTER_SET,
	REQUEST_SET,
	REQUEST_UNSET,
	REQUEST_TAP_LIST,
	REQUEST_TAP_START,
	REQUEST_TAP_STOP,
	REQUEST_TAP_STREAM,
	REQUEST_PAUSE,
	REQUEST_RESUME,
	REQUEST_RESET,
	REQUEST_LOG,
	REQUEST_STOP,
	REQUEST_COMMANDS,
	REQUESTS,
};

struct request_info {
	const char *name; /* filter_add; on a command line: filter add */
	/* Words in order, those in brackets may be left out: PAIR, SIDE,
	 * ACTION, ID, FILE, LEVEL, KEY, NAME, TO, and EXPR or VALUE, which is
	 * all the rest. */
	const char *arguments;
	const char *help; /* one sentence without a full stop */
};

extern const struct request_info request_info[REQUESTS];

/* What may be said of a tap that is started: members of a request, and options
 * of bumpctl. */
enum tap_option {
	TAP_OPTION_SIDE,
	TAP_OPTION_AT,
	TAP_OPTION_FILTER,
	TAP_OPTION_SNAP,
	TAP_OPTION_QUEUE,
	TAP_OPTION_ROTATE_BYTES,
	TAP_OPTION_ROTATE_TIME,
	TAP_OPTION_ROTATE_FRAMES,
	TAP_OPTION_FILES,
	TAP_OPTIONS,
};

extern const char *const tap_option_name[TAP_OPTIONS]; /* rotate_bytes */

#endif
