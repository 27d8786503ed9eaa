/* SPDX-License-Identifier: BSD-2-Clause */
/* See args.h. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "args.h"
#include "conf_value.h"
#include "log.h"
#include "manual.h"
#include "suggest.h"
#include "units.h"

#define OPTION_BASE 256 /* getopt's value of the first long option */
#define ALLOWED_BYTES 256

/* All rows of all groups, as one list. */
struct rows {
	const struct arg *arg[ARGS_MAX];
	size_t n;
};

static int take_number(const struct arg *arg, const char *value, void *to)
{
	uint64_t n;

	if (value_number(value, &n) || n < arg->min || n > arg->max)
		return -EINVAL;
	*(uint64_t *)to = n;
	return 0;
}

static int take_real(const struct arg *arg, const char *value, void *to)
{
	double n;
	int r = arg->type == ARG_RATE ? units_rate(value, &n) :
					units_real(value, &n);

	if (r || n <= 0)
		return -EINVAL;
	*(double *)to = n;
	return 0;
}

static int take_ms(const char *value, void *to)
{
	uint64_t n;

	if (value_number(value, &n) || n > UINT64_MAX / 1000000)
		return -EINVAL;
	*(uint64_t *)to = n * 1000000;
	return 0;
}

/* What would be right, in words. */
static const char *allowed(const struct arg *arg, char *buf, size_t size)
{
	size_t n = 0;

	switch (arg->type) {
	case ARG_NUMBER:
		if (arg->max == UINT64_MAX)
			snprintf(buf, size, "a whole number, at least %llu",
				 (unsigned long long)arg->min);
		else
			snprintf(buf, size, "a whole number from %llu to %llu",
				 (unsigned long long)arg->min,
				 (unsigned long long)arg->max);
		return buf;
	case ARG_REAL:
		return UNITS_REAL ", above 0";
	case ARG_RATE:
		return UNITS_RATE ", above 0";
	case ARG_DURATION:
		return UNITS_DURATION;
	case ARG_MS:
		return "a whole number of milliseconds";
	case ARG_CHOICE:
		for (int i = 0; arg->choice[i] && n < size; i++)
			n += (size_t)snprintf(buf + n, size - n, "%s%s",
					      i ? ", " : "one of ",
					      arg->choice[i]);
		return buf;
	case ARG_FLAG:
	case ARG_TEXT:
	case ARG_CALL:
		break;
	}
	return "something else";
}

static int take(const struct arg *arg, const char *value, void *target,
		const char **right)
{
	void *to = (char *)target + arg->offset;

	switch (arg->type) {
	case ARG_FLAG:
		*(bool *)to = true;
		return 0;
	case ARG_NUMBER:
		return take_number(arg, value, to);
	case ARG_REAL:
	case ARG_RATE:
		return take_real(arg, value, to);
	case ARG_DURATION:
		return units_duration(value, to);
	case ARG_MS:
		return take_ms(value, to);
	case ARG_TEXT:
		*(const char **)to = value;
		return 0;
	case ARG_CHOICE:
		return value_choice(value, arg->choice, to);
	case ARG_CALL:
		return arg->take(target, value, right);
	}
	return -EINVAL;
}

static int take_or_complain(const struct arg *arg, const char *value,
			    void *target)
{
	char buf[ALLOWED_BYTES];
	const char *right = allowed(arg, buf, sizeof(buf));
	int r = take(arg, value, target, &right);

	if (r && right)
		log_err("option --%s: %s: expected %s", arg->name,
			value ? value : "given", right);
	return r;
}

/* What getopt_long() refused: the word, without what is behind its '='. */
static void complain(const struct rows *rows, int what, char **argv)
{
	const char *word = argv[optind - 1];
	int length = (int)strcspn(word, "=");
	char name[64] = "";
	struct suggest s = { .wrong = name };

	if (what == ':') {
		log_err("option %s: needs a value", word);
	} else if (optopt >= OPTION_BASE) {
		log_err("option %.*s: takes no value", length, word);
	} else if (optopt) {
		log_err("option -%c: no such option; see --help", optopt);
	} else {
		snprintf(name, sizeof(name), "%.*s",
			 length - (int)strspn(word, "-"),
			 word + strspn(word, "-"));
		for (size_t i = 0; i < rows->n; i++)
			suggest_offer(&s, rows->arg[i]->name);
		log_err("option %.*s: no such option%s%s%s", length, word,
			s.best ? "; did you mean --" : "; see --help",
			s.best ? s.best : "", s.best ? "?" : "");
	}
}

static void collect(struct rows *rows, const struct arg_group *group, size_t n)
{
	rows->n = 0;
	for (; n--; group++)
		for (size_t i = 0; i < group->n && rows->n < ARGS_MAX; i++)
			rows->arg[rows->n++] = &group->arg[i];
}

/* getopt's two tables; row i of ours is OPTION_BASE + i there. */
static void build(const struct rows *rows, struct option *option, char *letters)
{
	*letters++ = ':';
	for (size_t i = 0; i < rows->n; i++) {
		const struct arg *arg = rows->arg[i];

		*option++ = (struct option){
			.name = arg->name,
			.has_arg = arg->value ? required_argument :
						no_argument,
			.val = OPTION_BASE + (int)i,
		};
		if (!arg->letter)
			continue;
		*letters++ = (char)arg->letter;
		if (arg->value)
			*letters++ = ':';
	}
	*letters = '\0';
	memset(option, 0, sizeof(*option));
}

static const struct arg *row_of(const struct rows *rows, int c)
{
	if (c >= OPTION_BASE)
		return rows->arg[c - OPTION_BASE];
	for (size_t i = 0; i < rows->n; i++)
		if (rows->arg[i]->letter == c)
			return rows->arg[i];
	return NULL;
}

int args_parse(const struct arg_group *group, size_t n, int argc, char **argv,
	       void *target)
{
	struct option option[ARGS_MAX + 1];
	char letters[2 * ARGS_MAX + 2];
	struct rows rows;
	int bad = 0, c;

	collect(&rows, group, n);
	build(&rows, option, letters);
	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, letters, option, NULL)) != -1) {
		if (c == '?' || c == ':') {
			complain(&rows, c, argv);
			bad = -EINVAL;
		} else if (take_or_complain(row_of(&rows, c), optarg,
					    target)) {
			bad = -EINVAL;
		}
	}
	return bad ? bad : optind;
}

static void print_row(const struct arg *arg, const struct manual *manual,
		      FILE *out)
{
	char option[96], letter[8] = "    ", help[512];
	size_t used;

	if (arg->letter)
		snprintf(letter, sizeof(letter), "-%c, ", arg->letter);
	snprintf(option, sizeof(option), "  %s--%s%s%s", letter, arg->name,
		 arg->value ? " " : "", arg->value ? arg->value : "");
	used = (size_t)snprintf(help, sizeof(help), "%s", arg->help);
	for (int i = 0; arg->type == ARG_CHOICE && arg->choice[i]; i++)
		used += (size_t)snprintf(help + used, sizeof(help) - used,
					 "%s%s", i ? ", " : ": ",
					 arg->choice[i]);
	manual->row(out, option, help);
}

void args_print(const struct arg_group *group, size_t n,
		const struct manual *manual, FILE *out)
{
	for (; n--; group++) {
		if (group->title)
			manual->head(out, group->title);
		for (size_t i = 0; i < group->n; i++)
			if (group->arg[i].help)
				print_row(&group->arg[i], manual, out);
	}
}
