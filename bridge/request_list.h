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
	 * ACTION, ID, FILE, LEVEL, and EXPR, which is all the rest. */
	const char *arguments;
	const char *help; /* one sentence without a full stop */
};

extern const struct request_info request_info[REQUESTS];

#endif
