/* SPDX-License-Identifier: BSD-2-Clause */
/* See ctl_make.h. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "conf.h"
#include "ctl_make.h"
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

/* Words, with blanks between them. */
static int put_words(json_t *request, const char *name, char *const *word,
		     int n)
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
	return put(request, name, text);
}

/* [PAIR] WORD, as a member of this name. */
static int put_last(const struct ctl_options *o, json_t *request,
		    const char *name)
{
	int r = 0;

	if (o->n_words == 2)
		r = put(request, "pair", o->word[0]);
	return r ? r : put(request, name, o->word[o->n_words - 1]);
}

static const char *find_word(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(word, *list))
			return *list;
	return NULL;
}

int ctl_make_pair(const struct ctl_options *o, json_t *request)
{
	return put(request, "pair", o->word[0]);
}

/* ---- requests with words of their own ---- */

/* The bridge has another working directory. */
int ctl_make_check(const struct ctl_options *o, json_t *request)
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

int ctl_make_log(const struct ctl_options *o, json_t *request)
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
int ctl_make_filter_add(const struct ctl_options *o, json_t *request)
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
	return r ? r : put_words(request, "text", word + 2,
				 (int)(end - word) - 2);
}

int ctl_make_filter_del(const struct ctl_options *o, json_t *request)
{
	return put_last(o, request, "id");
}

/* [PAIR] FIRST REST... */
static int put_two(const struct ctl_options *o, json_t *request, bool has_pair,
		   const char *first, const char *rest)
{
	char *const *word = o->word;
	int n = o->n_words;
	int r = 0;

	if (has_pair) {
		r = put(request, "pair", *word++);
		n--;
	}
	if (!r)
		r = put(request, first, word[0]);
	return r ? r : put_words(request, rest, word + 1, n - 1);
}

static int put_set(const struct ctl_options *o, json_t *request, bool has_pair)
{
	return put_two(o, request, has_pair, "id", "text");
}

/* Without a pair, unless ctl_settle_filter_set() sees one. */
int ctl_make_filter_set(const struct ctl_options *o, json_t *request)
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

static int ask(struct ctl_client *client, enum request_id what,
	       json_t **result)
{
	json_t *request = json_pack("{ss}", "request", request_info[what].name);
	int r = request ? ctl_client_ask(client, request, result) : -ENOMEM;

	json_decref(request);
	return r;
}

/* Is there such a pair? */
static int ask_pair(struct ctl_client *client, const char *name, bool *is_pair)
{
	json_t *status;
	const json_t *pairs;
	int r = ask(client, REQUEST_STATUS, &status);

	if (r)
		return r;
	pairs = json_object_get(status, "pairs");
	for (size_t i = 0; i < json_array_size(pairs); i++)
		if (is_text(json_array_get(pairs, i), "name", name))
			*is_pair = true;
	json_decref(status);
	return 0;
}

/* [PAIR] ID EXPR...: where the first word names both a pair and a rule, it is
 * the pair if that has a rule of the second word. */
int ctl_settle_filter_set(const struct ctl_options *o,
			  struct ctl_client *client, json_t *request)
{
	char *const *word = o->word;
	json_t *list;
	const json_t *rules;
	bool is_pair = false;
	int r;

	if (o->n_words < 3)
		return 0;
	r = ask_pair(client, word[0], &is_pair);
	if (r || !is_pair)
		return r;
	r = ask(client, REQUEST_FILTER_LIST, &list);
	if (r)
		return r;
	rules = json_object_get(list, "rules");
	is_pair = has_rule(rules, word[0], word[1]) ||
		  !has_rule(rules, NULL, word[0]);
	json_decref(list);
	return is_pair ? put_set(o, request, true) : 0;
}

/* ---- keys ---- */

static bool is_key(const char *word)
{
	return conf_find_key(CONF_PAIR, word);
}

static int put_key(const struct ctl_options *o, json_t *request, bool has_pair)
{
	return put_two(o, request, has_pair, "key", "value");
}

/* [PAIR] KEY VALUE...: before a key there stands a pair. What is no key here
 * may be one in a younger bridge. */
int ctl_make_set(const struct ctl_options *o, json_t *request)
{
	return put_key(o, request, o->n_words > 2 && is_key(o->word[1]));
}

int ctl_settle_set(const struct ctl_options *o, struct ctl_client *client,
		   json_t *request)
{
	bool is_pair = false;
	int r;

	if (o->n_words < 3 || is_key(o->word[0]) || is_key(o->word[1]))
		return 0;
	r = ask_pair(client, o->word[0], &is_pair);
	return r || !is_pair ? r : put_key(o, request, true);
}

int ctl_make_unset(const struct ctl_options *o, json_t *request)
{
	return put_last(o, request, "key");
}

/* ---- taps ---- */

static int put_tap_options(const struct ctl_options *o, json_t *request)
{
	int r = 0;

	for (int i = 0; !r && i < TAP_OPTIONS; i++)
		if (o->tap[i])
			r = put(request, tap_option_name[i], o->tap[i]);
	return r;
}

int ctl_make_tap_start(const struct ctl_options *o, json_t *request)
{
	char *const *word = o->word;
	int r = 0;

	if (o->n_words == 3)
		r = put(request, "pair", *word++);
	if (!r)
		r = put(request, "id", word[0]);
	if (!r)
		r = put(request, "to", word[1]);
	return r ? r : put_tap_options(o, request);
}

int ctl_make_tap_stop(const struct ctl_options *o, json_t *request)
{
	return put_last(o, request, "id");
}

/* A word alone is rather a mistake than the name of a capture. */
int ctl_make_tap_stream(const struct ctl_options *o, json_t *request)
{
	const char *file = o->word[o->n_words - 1];
	struct suggest s = { .wrong = file };
	int r = 0;

	if (!strpbrk(file, "./") && strcmp(file, "-")) {
		suggest_offer(&s, "list");
		suggest_offer(&s, "start");
		suggest_offer(&s, "stop");
		log_err("tap: '%s': expected list, start or stop, - for "
			"standard output, or a file such as %s.pcapng%s%s%s",
			file, file, s.best ? "; did you mean tap " : "",
			s.best ? s.best : "", s.best ? "?" : "");
		return -EINVAL;
	}
	if (o->n_words == 2)
		r = put(request, "pair", o->word[0]);
	return r ? r : put_tap_options(o, request);
}
