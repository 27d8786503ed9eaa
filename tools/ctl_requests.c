/* SPDX-License-Identifier: BSD-2-Clause */
/* See ctl_requests.h. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "ctl_requests.h"
#include "log.h"
#include "suggest.h"

/* ---- words ---- */

/* 0, or -EINVAL (logged): JSON holds UTF-8 alone. */
static int put(json_t *request, const char *name, const char *text)
{
	if (!json_object_set_new(request, name, json_string(text)))
		return 0;
	log_err("%s: '%s': not UTF-8", name, text);
	return -EINVAL;
}

/* The words of an expression, with blanks between them. */
static int put_text(json_t *request, char *const *word, int n)
{
	autoclean(free_ptr) char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return -ENOMEM;
	for (int i = 0; i < n; i++)
		fprintf(out, "%s%s", i ? " " : "", word[i]);
	if (fclose(out))
		return -ENOMEM;
	return put(request, "text", text);
}

static const char *find_word(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(word, *list))
			return *list;
	return NULL;
}

/* ---- requests with words of their own ---- */

/* The bridge has another working directory. */
static int make_check(const struct ctl_options *o, json_t *request)
{
	autoclean(free_ptr) char *here = NULL, *whole = NULL;
	const char *file = o->word[0];

	if (*file == '/')
		return put(request, "file", file);
	here = getcwd(NULL, 0);
	if (!here) {
		log_err("the working directory: %s: give the whole path of %s",
			strerror(errno), file);
		return -EINVAL;
	}
	if (asprintf(&whole, "%s/%s", strcmp(here, "/") ? here : "", file) < 0) {
		whole = NULL;
		return -ENOMEM;
	}
	return put(request, "file", whole);
}

static int make_log(const struct ctl_options *o, json_t *request)
{
	return put(request, "level", o->word[0]);
}

static const char *const side_word[] = { "left", "right", "both", NULL };
static const char *const action_word[] = { "drop", "pass-only", "pass_only",
					   NULL };

static bool is_rule_word(const char *word)
{
	return find_word(word, side_word) || find_word(word, action_word);
}

static int no_action(const char *word)
{
	struct suggest s = { .wrong = word };

	for (size_t i = 0; side_word[i]; i++)
		suggest_offer(&s, side_word[i]);
	for (size_t i = 0; i < 2; i++)
		suggest_offer(&s, action_word[i]);
	log_err("filter add: '%s': expected drop or pass-only, behind left or "
		"right if it is for one side%s%s%s", word,
		s.best ? "; did you mean " : "", s.best ? s.best : "",
		s.best ? "?" : "");
	return -EINVAL;
}

/* [PAIR] [SIDE] ACTION ID EXPR...: what is neither side nor action is a pair,
 * and so is what looks like one but stands before a side. */
static int make_filter_add(const struct ctl_options *o, json_t *request)
{
	char *const *word = o->word, *const *end = word + o->n_words;
	const char *side = "both";
	int r = 0;

	if ((!is_rule_word(word[0]) && is_rule_word(word[1])) ||
	    (!find_word(word[0], action_word) && find_word(word[1], side_word)))
		r = put(request, "pair", *word++);
	if (find_word(*word, side_word))
		side = *word++;
	if (!r && !find_word(*word, action_word))
		r = no_action(*word);
	if (r)
		return r;
	if (end - word < 3) {
		log_err("filter add: %s: an id and an expression are needed, "
			"such as: %s web tcp port 80", *word, *word);
		return -EINVAL;
	}
	r = put(request, "side", side);
	if (!r)
		r = put(request, "action", *word[0] == 'd' ? "drop" :
							     "pass_only");
	if (!r)
		r = put(request, "id", word[1]);
	return r ? r : put_text(request, word + 2, (int)(end - word) - 2);
}

static int make_filter_del(const struct ctl_options *o, json_t *request)
{
	int r = 0;

	if (o->n_words == 2)
		r = put(request, "pair", o->word[0]);
	return r ? r : put(request, "id", o->word[o->n_words - 1]);
}

static int put_set(const struct ctl_options *o, json_t *request, bool has_pair)
{
	char *const *word = o->word;
	int n = o->n_words;
	int r = 0;

	if (has_pair) {
		r = put(request, "pair", *word++);
		n--;
	}
	if (!r)
		r = put(request, "id", word[0]);
	return r ? r : put_text(request, word + 1, n - 1);
}

/* Without a pair, unless settle_filter_set() sees one. */
static int make_filter_set(const struct ctl_options *o, json_t *request)
{
	return put_set(o, request, false);
}

static bool is_text(const json_t *object, const char *name, const char *text)
{
	const char *is = json_string_value(json_object_get(object, name));

	return is && !strcmp(is, text);
}

/* Is there such a rule? pair NULL: of any pair */
static bool has_rule(const json_t *rules, const char *pair, const char *id)
{
	for (size_t i = 0; i < json_array_size(rules); i++) {
		const json_t *rule = json_array_get(rules, i);

		if (is_text(rule, "id", id) &&
		    (!pair || is_text(rule, "pair", pair)))
			return true;
	}
	return false;
}

static bool has_pair(const json_t *pairs, const char *name)
{
	for (size_t i = 0; i < json_array_size(pairs); i++)
		if (is_text(json_array_get(pairs, i), "name", name))
			return true;
	return false;
}

static int ask(struct ctl_client *client, enum request_id what,
	       json_t **result)
{
	json_t *request = json_pack("{ss}", "request", request_info[what].name);
	int r = request ? ctl_client_ask(client, request, result) : -ENOMEM;

	json_decref(request);
	return r;
}

/* [PAIR] ID EXPR...: where the first word names both a pair and a rule, it is
 * the pair if that has a rule of the second word. */
static int settle_filter_set(const struct ctl_options *o,
			     struct ctl_client *client, json_t *request)
{
	char *const *word = o->word;
	json_t *status, *list;
	const json_t *rules;
	bool is_pair;
	int r;

	if (o->n_words < 3)
		return 0;
	r = ask(client, REQUEST_STATUS, &status);
	if (r)
		return r;
	is_pair = has_pair(json_object_get(status, "pairs"), word[0]);
	json_decref(status);
	if (!is_pair)
		return 0;
	r = ask(client, REQUEST_FILTER_LIST, &list);
	if (r)
		return r;
	rules = json_object_get(list, "rules");
	is_pair = has_rule(rules, word[0], word[1]) ||
		  !has_rule(rules, NULL, word[0]);
	json_decref(list);
	return is_pair ? put_set(o, request, true) : 0;
}

/* ---- the table ---- */

const struct ctl_request ctl_request[REQUESTS] = {
	[REQUEST_STATUS] = { .print = ctl_print_status },
	[REQUEST_STATS] = { .print = ctl_print_stats },
	[REQUEST_LINKS] = { .print = ctl_print_links },
	[REQUEST_CONFIG] = { .print = ctl_print_text },
	[REQUEST_CHECK] = { make_check, .print = ctl_print_text },
	[REQUEST_RELOAD] = { .print = ctl_print_reload },
	[REQUEST_FILTER_LIST] = { .print = ctl_print_rules },
	[REQUEST_FILTER_ADD] = { make_filter_add, .print = ctl_print_rule },
	[REQUEST_FILTER_DEL] = { make_filter_del, .print = ctl_print_removed },
	[REQUEST_FILTER_SET] = { make_filter_set, settle_filter_set,
				 ctl_print_rule },
	[REQUEST_PAUSE] = { .print = ctl_print_pairs },
	[REQUEST_RESUME] = { .print = ctl_print_pairs },
	[REQUEST_RESET] = { .print = ctl_print_reset },
	[REQUEST_LOG] = { make_log, .print = ctl_print_level },
	[REQUEST_STOP] = { .print = ctl_print_stop },
	[REQUEST_COMMANDS] = { .print = ctl_print_commands },
};

const struct request_info *ctl_request_info(int request)
{
	static const struct request_info top = {
		"top", "[PAIR]", "Show rates, drops, rings and rules as they "
				 "change, on the whole terminal",
	};

	return request == CTL_TOP ? &top : &request_info[request];
}

const char *ctl_request_name(int request, char buf[CTL_NAME_BYTES])
{
	snprintf(buf, CTL_NAME_BYTES, "%s", ctl_request_info(request)->name);
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
 * last one is no expression, can be. */
static void count_words(const char *arguments, int *least, int *most)
{
	*least = *most = 0;
	while (*arguments) {
		size_t len = strcspn(arguments, " ");

		*least += *arguments != '[';
		*most += 1;
		if (len == 4 && !memcmp(arguments, "EXPR", len))
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
		r = put(request, "pair", o->word[0]);
	if (r)
		json_decref(request);
	else
		*requestp = request;
	return r;
}
