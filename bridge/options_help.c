/* SPDX-License-Identifier: BSD-2-Clause */
/* What is printed of the options: --help, and a section of bumpwire(8). */
#include "config.h"

#include <string.h>

#include "options.h"

const struct options_verb options_verb[] = {
	{ "config", OPTIONS_CONFIG_LETTER, ACTION_RUN, "FILE",
	  "Read the wires from this file; see bumpwire.conf" },
	{ "check", 0, ACTION_CHECK, NULL,
	  "Check everything, print the effective configuration, exit" },
	{ "list", 0, ACTION_LIST, NULL,
	  "List the interfaces and whether they can be bridged" },
	{ "dump-config", 0, ACTION_DUMP_CONFIG, NULL,
	  "Print the file that equals this command line" },
	{ "example-config", 0, ACTION_EXAMPLE_CONFIG, NULL,
	  "Print every key with its default" },
	{ "dump-filter", 0, ACTION_DUMP_FILTER, "EXPR",
	  "Print the program of a filter as tcpdump -d does" },
	{ "help", 'h', ACTION_HELP, NULL, "Print this" },
	{ "version", 'V', ACTION_VERSION, NULL, "Print the version" },
};

const size_t options_n_verbs = ARRAY_SIZE(options_verb);

#define HELP_COLUMN 27
#define HELP_WIDTH 79

/* How a row is printed: an option as it is typed, and what it does. */
struct printer {
	void (*head)(FILE *out, const char *title);
	void (*row)(FILE *out, const char *left, const char *help);
};

static void help_head(FILE *out, const char *title)
{
	fprintf(out, "\n%s:\n", title);
}

static void help_row(FILE *out, const char *left, const char *help)
{
	int column = fprintf(out, "%s", left);

	if (column >= HELP_COLUMN) {
		fprintf(out, "\n");
		column = 0;
	}
	column += fprintf(out, "%*s", HELP_COLUMN - column, "");
	while (*help) {
		int n = (int)strcspn(help, " ");

		if (column + 1 + n > HELP_WIDTH)
			column = fprintf(out, "\n%*s", HELP_COLUMN, "") - 1;
		column += fprintf(out, " %.*s", n, help);
		help += n + (help[n] == ' ');
	}
	fprintf(out, "\n");
}

static void man_head(FILE *out, const char *title)
{
	fprintf(out, ".SS %s\n", title);
}

/* In man(7) a dash that is typed is an escaped one. */
static void man_text(FILE *out, const char *text)
{
	for (; *text; text++)
		fprintf(out, *text == '-' ? "\\-" : "%c", *text);
}

static void man_row(FILE *out, const char *left, const char *help)
{
	fprintf(out, ".TP\n.B ");
	man_text(out, left + strspn(left, " "));
	fprintf(out, "\n");
	man_text(out, help);
	fprintf(out, ".\n");
}

static void print_key(FILE *out, const struct printer *printer,
		      const struct conf_key *key)
{
	char left[64], name[32], help[320];
	size_t n;

	snprintf(name, sizeof(name), "%s", key->name);
	for (char *c = name; *c; c++)
		if (*c == '_')
			*c = '-';
	snprintf(left, sizeof(left), "      --%s%s%s", name,
		 key->arg ? " " : "", key->arg ? key->arg : "");
	n = (size_t)snprintf(help, sizeof(help), "%s", key->help);
	for (int i = 0; key->type == CONF_CHOICE && key->choice[i]; i++)
		n += (size_t)snprintf(help + n, sizeof(help) - n, "%s%s",
				      i ? ", " : ": ", key->choice[i]);
	if (key->sided)
		n += (size_t)snprintf(help + n, sizeof(help) - n,
				      "; --left-%s, --right-%s for what "
				      "arrives there", name, name);
	if (key->fallback && key->type != CONF_BOOL)
		snprintf(help + n, sizeof(help) - n, " [%s]", key->fallback);
	printer->row(out, left, help);
}

static void print_verb(FILE *out, const struct printer *printer,
		       const struct options_verb *verb)
{
	char left[64], letter[8] = "    ";

	if (verb->letter)
		snprintf(letter, sizeof(letter), "-%c, ", verb->letter);
	snprintf(left, sizeof(left), "  %s--%s%s%s", letter, verb->name,
		 verb->arg ? " " : "", verb->arg ? verb->arg : "");
	printer->row(out, left, verb->help);
}

static void print_options(FILE *out, const struct printer *printer)
{
	static const struct {
		enum conf_section section;
		const char *title;
	} group[] = {
		{ CONF_PAIR, "The wire" },
		{ CONF_PROGRAM, "The run" },
	};

	for (size_t g = 0; g < ARRAY_SIZE(group); g++) {
		printer->head(out, group[g].title);
		for (size_t i = 0; i < conf_n_keys; i++)
			if (conf_key[i].section == group[g].section &&
			    conf_key[i].type != CONF_IFNAME)
				print_key(out, printer, &conf_key[i]);
	}
	printer->head(out, "Things to do");
	for (size_t i = 0; i < options_n_verbs; i++)
		print_verb(out, printer, &options_verb[i]);
}

void options_print_help(FILE *out)
{
	static const struct printer help = { help_head, help_row };

	fprintf(out,
		"Usage: bumpwire [OPTIONS] LEFT RIGHT\n"
		"       bumpwire [OPTIONS] -c FILE\n"
		"\n"
		"Bridge two Ethernet interfaces, exactly and fast. Ctrl-C ends "
		"it, with a report.\n");
	print_options(out, &help);
	fprintf(out, "\nExit: 0 stopped well, 1 failed, 2 usage or "
		     "configuration.\n");
}

void options_print_man(FILE *out)
{
	static const struct printer man = { man_head, man_row };

	print_options(out, &man);
}
