/* SPDX-License-Identifier: BSD-2-Clause */
/* See ctl_requests.h. What words become is ctl_make.c's matter. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "ctl_make.h"
#include "ctl_requests.h"
#include "log.h"
#include "suggest.h"

/* ---- the table ---- */

/* What follows the answer is for a file: see ctl_tap.h. */
static void print_nothing(const struct ctl_answer *answer, FILE *out)
{
	(void)answer;
	(void)out;
}

const struct ctl_request ctl_request[REQUESTS] = {
	[REQUEST_STATUS] = { .print = ctl_print_status },
	[REQUEST_STATS] = { .print = ctl_print_stats },
	[REQUEST_LINKS] = { .print = ctl_print_links },
	[REQUEST_CONFIG] = { .print = ctl_print_text },
	[REQUEST_CHECK] = { ctl_make_check, .print = ctl_print_text },
	[REQUEST_RELOAD] = { .print = ctl_print_reload },
	[REQUEST_FILTER_LIST] = { .print = ctl_print_rules },
	[REQUEST_FILTER_ADD] = { ctl_make_filter_add, .print = ctl_print_rule },
	[REQUEST_FILTER_DEL] = { ctl_make_filter_del, .print = ctl_print_removed },
	[REQUEST_FILTER_SET] = { ctl_make_filter_set, ctl_settle_filter_set,
				 ctl_print_rule },
	[REQUEST_SET] = { ctl_make_set, ctl_settle_set, ctl_print_reload },
	[REQUEST_UNSET] = { ctl_make_unset, .print = ctl_print_reload },
	[REQUEST_TAP_LIST] = { .print = ctl_print_taps },
	[REQUEST_TAP_START] = { ctl_make_tap_start, .print = ctl_print_taps },
	[REQUEST_TAP_STOP] = { ctl_make_tap_stop,
			       .print = ctl_print_tap_stopped },
	[REQUEST_TAP_STREAM] = { ctl_make_tap_stream, .print = print_nothing },
	[REQUEST_PAUSE] = { .print = ctl_print_pairs },
	[REQUEST_RESUME] = { .print = ctl_print_pairs },
	[REQUEST_RESET] = { .print = ctl_print_reset },
	[REQUEST_LOG] = { ctl_make_log, .print = ctl_print_level },
	[REQUEST_STOP] = { .print = ctl_print_stop },
	[REQUEST_COMMANDS] = { .print = ctl_print_commands },
};

const struct request_info *ctl_request_info(int request)
{
	static const struct request_info top = {
		"top", "[PAIR]", "Show rates, drops, rings, stages and rules as "
				 "they change, on the whole terminal",
	};

	return request == CTL_TOP ? &top : &request_info[request];
}

const char *ctl_request_name(int request, char buf[CTL_NAME_BYTES])
{
	const char *name = ctl_request_info(request)->name;

	/* One word, and then a file. */
	snprintf(buf, CTL_NAME_BYTES, "%s",
		 request == REQUEST_TAP_STREAM ? "tap" : name);
	for (char *c = buf; *c; c++)
		if (*c == '_')
			*c = ' ';
	return buf;
}

/* ---- finding a row ---- */

/* How many of the words are this name: 0, 1 or 2. */
static int matches(const char *name, char *const *word, int n)
{
	const char *blank = strchr(name, ' ');
	size_t first = blank ? (size_t)(blank - name) : strlen(name);

	if (strlen(word[0]) != first || memcmp(word[0], name, first))
		return 0;
	if (!blank)
		return 1;
	return n > 1 && !strcmp(word[1], blank + 1) ? 2 : 0;
}

/* Names of one word are near to the first one, others to two. */
static void no_such(char *const *word, int n)
{
	char name[REQUESTS + 1][CTL_NAME_BYTES], both[128];
	struct suggest one = { .wrong = word[0] }, two = { .wrong = both };

	snprintf(both, sizeof(both), "%s %s", word[0], n > 1 ? word[1] : "");
	for (int i = 0; i <= CTL_TOP; i++) {
		ctl_request_name(i, name[i]);
		suggest_offer(strchr(name[i], ' ') ? &two : &one, name[i]);
	}
	if (n > 1 && two.best)
		log_err("no such request: '%s'; did you mean %s?", both,
			two.best);
	else if (!strcmp(word[0], "filter"))
		log_err("%s%s: expected filter list, add, del or set", word[0],
			n > 1 ? both + strlen(word[0]) : "");
	else
		log_err("no such request: '%s'%s%s%s", word[0],
			one.best ? "; did you mean " : "; --help lists them",
			one.best ? one.best : "", one.best ? "?" : "");
}

int ctl_request_find(char *const *word, int n, int *used)
{
	char name[CTL_NAME_BYTES];

	for (int i = 0; i <= CTL_TOP; i++) {
		*used = matches(ctl_request_name(i, name), word, n);
		if (*used)
			return i;
	}
	no_such(word, n);
	return -EINVAL;
}

/* By the words that stand for arguments: how many there must be and, where the
 * last one is not all the rest, can be. */
static void count_words(const char *arguments, int *least, int *most)
{
	*least = *most = 0;
	while (*arguments) {
		size_t len = strcspn(arguments, " ");

		*least += *arguments != '[';
		*most += 1;
		if (!strcmp(arguments, "EXPR") || !strcmp(arguments, "VALUE"))
			*most = INT_MAX;
		arguments += len;
		arguments += strspn(arguments, " ");
	}
}

int ctl_request_check(int request, char *const *word, int n)
{
	const char *arguments = ctl_request_info(request)->arguments;
	char name[CTL_NAME_BYTES];
	int least, most;

	count_words(arguments, &least, &most);
	if (n >= least && n <= most)
		return 0;
	ctl_request_name(request, name);
	if (n < least)
		log_err("%s: more is needed: bumpctl %s %s", name, name,
			arguments);
	else
		log_err("%s: '%s': nothing more is expected: bumpctl %s%s%s",
			name, word[most], name, *arguments ? " " : "",
			arguments);
	return -EINVAL;
}

int ctl_request_make(const struct ctl_options *o, json_t **requestp)
{
	const struct ctl_request *row = &ctl_request[o->request];
	json_t *request = json_pack("{ss}", "request",
				    request_info[o->request].name);
	int r = request ? 0 : -ENOMEM;

	if (!r && row->make)
		r = row->make(o, request);
	else if (!r && o->n_words)
		r = ctl_make_pair(o, request);
	if (r)
		json_decref(request);
	else
		*requestp = request;
	return r;
}
