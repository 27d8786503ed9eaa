/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints what the shells complete from the tables of options, for `make docs`
 * and for the test that compares: print_completion bash|zsh. A program's list
 * is taken down as a struct manual prints it, a line a row, and cut up again.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../tools/ctl_options.h"
#include "../tools/inject_options.h"
#include "../tools/replay_options.h"
#include "base.h"
#include "conf.h"
#include "manual.h"
#include "options.h"

#define ROWS_MAX 192
#define WORDS_BYTES 1024
#define BUMPCTL 1 /* in program[]: it alone has requests */
#define WORD "abcdefghijklmnopqrstuvwxyz0123456789-"
#define WIDTH 76 /* of what is printed for bash */

/* An option, or a request of bumpctl. */
struct row {
	char name[64];	/* --pps; filter add */
	char letter[4]; /* -p, or "" */
	char value[64]; /* RATE; "": takes none; a request's arguments */
	char help[WORDS_BYTES];
	char choice[WORDS_BYTES]; /* the words that are allowed, or "" */
};

struct rows {
	struct row row[ROWS_MAX];
	size_t n;
};

/* ---- taking lists down ---- */

static void note_head(FILE *out, const char *title)
{
	(void)out;
	(void)title;
}

static void note_row(FILE *out, const char *option, const char *what)
{
	fprintf(out, "%s\t%s\n", option, what);
}

static const struct manual note = { note_head, note_row };

static void note_key(FILE *out, const struct conf_key *key, const char *side)
{
	bool no = options_say_no(key);
	char name[OPTIONS_NAME_BYTES];

	options_spell(key, side, name, sizeof(name));
	fprintf(out, "--%s%s%s\t%s%s", name, key->arg ? " " : "",
		key->arg ? key->arg : "", side, *side ? ": " : "");
	fprintf(out, "%s%c%s", no ? "Do not " : "",
		no ? key->help[0] | 0x20 : key->help[0], key->help + 1);
	for (int i = 0; key->type == CONF_CHOICE && key->choice[i]; i++)
		fprintf(out, "%s%s", i ? ", " : ": ", key->choice[i]);
	fprintf(out, "\n");
}

static void note_bumpwire(const struct manual *manual, FILE *out)
{
	(void)manual;
	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *key = &conf_key[i];

		if (key->type == CONF_IFNAME)
			continue;
		note_key(out, key, "");
		for (int side = 0; key->sided && side < SIDES; side++)
			note_key(out, key, side_name[side]);
	}
	for (size_t i = 0; i < options_n_verbs; i++) {
		const struct options_verb *verb = &options_verb[i];

		if (verb->letter)
			fprintf(out, "-%c, ", verb->letter);
		fprintf(out, "--%s%s%s\t%s\n", verb->name,
			verb->arg ? " " : "", verb->arg ? verb->arg : "",
			verb->help);
	}
}

static const struct program {
	const char *name;
	void (*print)(const struct manual *manual, FILE *out);
} program[] = {
	{ "bumpwire", note_bumpwire },
	[BUMPCTL] = { "bumpctl", ctl_options_print },
	{ "bumpreplay", replay_options_print },
	{ "bumpinject", inject_options_print },
};

/* ---- cutting them up ---- */

/* Choices stand behind the last colon, two at least, each a plain word: so
 * args_print() and note_key() put them. They are cut off the help. */
static void cut_choice(struct row *row)
{
	char *colon = NULL, *to = row->choice;

	for (char *at = row->help; (at = strstr(at, ": ")); at++)
		colon = at;
	if (!colon || !strstr(colon, ", ") ||
	    colon[2 + strspn(colon + 2, WORD ", ")])
		return;
	for (const char *c = colon + 2; *c; c++)
		if (*c == ' ' && c[-1] != ',') {
			*row->choice = '\0';
			return;
		} else if (*c != ',') {
			*to++ = *c;
		}
	*to = '\0';
	*colon = '\0';
}

/* "-p, --pps RATE", "--pad" or "filter add [PAIR] ID": a name is in small
 * letters, what follows is not. */
static void cut_option(struct row *row, char *option)
{
	size_t n = strlen(option), name = 0;

	option += strspn(option, " ");
	if (option[0] == '-' && option[1] != '-') {
		snprintf(row->letter, sizeof(row->letter), "%.2s", option);
		option += strlen("-p, ");
	}
	n = strlen(option);
	while (name < n && !(option[name] == ' ' &&
			     !(*option != '-' && option[name + 1] >= 'a' &&
			       option[name + 1] <= 'z')))
		name++;
	snprintf(row->name, sizeof(row->name), "%.*s", (int)name, option);
	if (name < n)
		snprintf(row->value, sizeof(row->value), "%s",
			 option + name + 1);
}

/* In few words: up to what explains. */
static void cut_help(struct row *row, const char *help)
{
	static const char *const end[] = { "; ", " (", " [" };

	snprintf(row->help, sizeof(row->help), "%s", help);
	cut_choice(row);
	for (size_t i = 0; i < ARRAY_SIZE(end); i++) {
		char *at = strstr(row->help, end[i]);

		if (at)
			*at = '\0';
	}
}

static int take_rows(struct rows *rows, const struct program *from)
{
	autoclean(free_ptr) char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	char *rest = NULL;

	rows->n = 0;
	if (!out)
		return -1;
	from->print(&note, out);
	fclose(out);
	for (char *line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *tab = strchr(line, '\t');

		if (rows->n == ROWS_MAX || !tab)
			return -1;
		*tab = '\0';
		cut_option(&rows->row[rows->n], line);
		cut_help(&rows->row[rows->n], tab + 1);
		rows->n++;
	}
	return 0;
}

static bool is_option(const struct row *row)
{
	return *row->name == '-';
}

/* What a value can be, by how it is called. */
static const struct kind {
	const char *value;
	const char *bash; /* as the script there knows it */
	const char *zsh;  /* an action of _arguments */
} kinds[] = {
	{ "FILE", "file", "_files" },
	{ "IFACE", "interface", "_bumpwire_interfaces" },
	{ "SOCKET", "socket", "_bumpwire_sockets" },
	{ "USER", "user", "_users" },
	{ "", "text", " " }, /* any other */
};

static const struct kind *kind_of(const struct row *row)
{
	const struct kind *kind = kinds;

	while (*kind->value && strcmp(kind->value, row->value))
		kind++;
	return kind;
}

/* ---- requests ---- */

/* Append a word unless it is there. Each has a blank before it. */
static void add_word(char *words, const char *word)
{
	size_t used = strlen(words), n = strlen(word);

	for (const char *at = words; (at = strchr(at, ' ')); at++)
		if (!strncmp(at + 1, word, n) &&
		    (!at[n + 1] || at[n + 1] == ' '))
			return;
	snprintf(words + used, WORDS_BYTES - used, " %s", word);
}

static void add_levels(char *words)
{
	for (size_t i = 0; i < conf_n_keys; i++)
		for (int c = 0; !strcmp(conf_key[i].name, "log") &&
				conf_key[i].choice[c]; c++)
			add_word(words, conf_key[i].choice[c]);
}

static void add_sides(char *words)
{
	for (int side = 0; side < SIDES; side++)
		add_word(words, side_name[side]);
	add_word(words, "both");
}

/* What a rule does, as options spell it. */
static void add_actions(char *words)
{
	char name[OPTIONS_NAME_BYTES];

	for (size_t i = 0; i < conf_n_keys; i++) {
		if (conf_key[i].type != CONF_RULE)
			continue;
		options_spell(&conf_key[i], "", name, sizeof(name));
		add_word(words, name);
	}
}

/* Keys of a pair that are changed live. */
static void add_keys(char *words)
{
	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *key = &conf_key[i];

		if (key->section != CONF_PAIR || key->effect != EFFECT_LIVE ||
		    key->type == CONF_RULE || key->type == CONF_RULE_FILE)
			continue;
		add_word(words, key->name);
	}
}

/* Of the requests that begin with these words: what comes next. */
static void add_next(char *words, const struct rows *rows, const char *begin)
{
	size_t n = strlen(begin);

	for (size_t i = 0; i < rows->n; i++) {
		const char *name = rows->row[i].name;
		char word[64];

		if (is_option(&rows->row[i]) || strncmp(name, begin, n) ||
		    (n && name[n] != ' '))
			continue;
		name += n + (n > 0);
		snprintf(word, sizeof(word), "%.*s", (int)strcspn(name, " "),
			 name);
		add_word(words, word);
	}
}

/* Over several lines, which echo joins. */
static void print_next(const char *begin, const char *words, FILE *out)
{
	int column = 24 + (int)strlen(begin);

	if (!*words)
		return;
	fprintf(out, "\t'%s') echo 'words", begin);
	while (*words) {
		int n = 1 + (int)strcspn(words + 1, " ");

		if (column + n > WIDTH + 8) {
			fprintf(out, "' \\\n\t\t'%.*s", n - 1, words + 1);
			column = 16;
		} else {
			fprintf(out, "%.*s", n, words);
		}
		column += n;
		words += n;
	}
	fprintf(out, "' ;;\n");
}

/* The words behind a request's first one, if its name has two; once. */
static void print_second(const struct rows *rows, size_t i, FILE *out)
{
	char first[64], words[WORDS_BYTES] = "";
	const char *name = rows->row[i].name;

	snprintf(first, sizeof(first), "%.*s", (int)strcspn(name, " "), name);
	for (size_t k = 0; k < i; k++)
		if (!strncmp(rows->row[k].name, name, strlen(first) + 1))
			return;
	if (strchr(name, ' '))
		add_next(words, rows, first);
	print_next(first, words, out);
}

/* [PAIR] [SIDE] ACTION ...: what a pair is called is not known here. */
static void print_rule(const struct row *row, FILE *out)
{
	char words[WORDS_BYTES] = "", sides[WORDS_BYTES] = "", begin[192];
	char *rest = NULL;

	add_sides(sides);
	strcpy(words, sides);
	add_actions(words);
	print_next(row->name, words, out);
	*words = '\0';
	add_actions(words);
	for (char *side = strtok_r(sides, " ", &rest); side;
	     side = strtok_r(NULL, " ", &rest)) {
		snprintf(begin, sizeof(begin), "%s %s", row->name, side);
		print_next(begin, words, out);
	}
}

static void print_arguments(const struct row *row, FILE *out)
{
	char words[WORDS_BYTES] = "";

	if (!strcmp(row->value, "FILE"))
		fprintf(out, "\t'%s') echo file ;;\n", row->name);
	if (strstr(row->value, "ACTION"))
		print_rule(row, out);
	if (strstr(row->value, "LEVEL"))
		add_levels(words);
	if (strstr(row->value, "KEY"))
		add_keys(words);
	print_next(row->name, words, out);
}

/* What may come behind the words so far. */
static void print_requests(const struct rows *rows, FILE *out)
{
	char words[WORDS_BYTES] = "";

	add_next(words, rows, "");
	fprintf(out, "\n_bumpwire_request() {\n\tcase $1 in\n");
	print_next("", words, out);
	for (size_t i = 0; i < rows->n; i++) {
		if (is_option(&rows->row[i]))
			continue;
		print_second(rows, i, out);
		print_arguments(&rows->row[i], out);
	}
	fprintf(out, "\tesac\n}\n");
}

/* ---- bash ---- */

static void bash_names(const struct rows *rows, const char *name, FILE *out)
{
	const char *between = "";
	int column = 22;

	fprintf(out, "\t%s)\n\t\techo '", name);
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *row = &rows->row[i];
		int n = (int)(strlen(row->letter) + strlen(row->name)) + 2;
		bool new_line = column + n > WIDTH;

		if (!is_option(row))
			continue;
		fprintf(out, "%s%s%s%s", new_line ? "\n\t\t" : between,
			row->letter, *row->letter ? " " : "", row->name);
		column = (new_line ? 16 : column) + n;
		between = " ";
	}
	fprintf(out, "' ;;\n");
}

static void bash_values(const struct rows *rows, const char *name, FILE *out)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *row = &rows->row[i];

		if (!is_option(row) || !*row->value)
			continue;
		fprintf(out, "\t");
		if (*row->letter)
			fprintf(out, "%s:%s | ", name, row->letter);
		fprintf(out, "%s:%s) ", name, row->name);
		if (*row->choice)
			fprintf(out, "echo 'words %s' ;;\n", row->choice);
		else
			fprintf(out, "echo %s ;;\n", kind_of(row)->bash);
	}
}

static void print_bash(const struct rows *rows, FILE *out)
{
	fprintf(out, "_bumpwire_options() {\n\tcase $1 in\n");
	for (size_t i = 0; i < ARRAY_SIZE(program); i++)
		bash_names(&rows[i], program[i].name, out);
	fprintf(out, "\tesac\n}\n\n_bumpwire_value() {\n\tcase $1:$2 in\n");
	for (size_t i = 0; i < ARRAY_SIZE(program); i++)
		bash_values(&rows[i], program[i].name, out);
	fprintf(out, "\tesac\n}\n");
}

/* ---- zsh ---- */

/* For _arguments, between single quotes. */
static void zsh_text(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (strchr("[]:\\", *text))
			fprintf(out, "\\");
		fprintf(out, *text == '\'' ? "'\\''" : "%c", *text);
	}
}

static void zsh_action(const struct row *row, FILE *out)
{
	fprintf(out, ":");
	zsh_text(row->value, out);
	if (*row->choice)
		fprintf(out, ":(%s)", row->choice);
	else
		fprintf(out, ":%s", kind_of(row)->zsh);
}

static void zsh_option(const struct row *row, const char *name, FILE *out)
{
	bool is_long = name[1] == '-';

	/* What has a value may be given again; a long one may have '='. */
	fprintf(out, "\t\t'%s%s%s[", *row->value ? "*" : "", name,
		!*row->value ? "" : is_long ? "=" : "+");
	zsh_text(row->help, out);
	fprintf(out, "]");
	if (*row->value)
		zsh_action(row, out);
	fprintf(out, "'\n");
}

static void print_zsh(const struct rows *rows, FILE *out)
{
	fprintf(out, "_bumpwire_options() {\n\tcase $1 in\n");
	for (size_t i = 0; i < ARRAY_SIZE(program); i++) {
		fprintf(out, "\t%s) options=(\n", program[i].name);
		for (size_t k = 0; k < rows[i].n; k++) {
			const struct row *row = &rows[i].row[k];

			if (is_option(row) && *row->letter)
				zsh_option(row, row->letter, out);
			if (is_option(row))
				zsh_option(row, row->name, out);
		}
		fprintf(out, "\t) ;;\n");
	}
	fprintf(out, "\tesac\n}\n");
}

int main(int argc, char **argv)
{
	static struct rows rows[ARRAY_SIZE(program)];
	const char *shell = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < ARRAY_SIZE(program); i++)
		if (take_rows(&rows[i], &program[i]))
			return 1;
	if (!strcmp(shell, "bash"))
		print_bash(rows, stdout);
	else if (!strcmp(shell, "zsh"))
		print_zsh(rows, stdout);
	else
		return 2;
	print_requests(&rows[BUMPCTL], stdout);
	return fflush(stdout) ? 1 : 0;
}
