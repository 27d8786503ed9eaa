/* SPDX-License-Identifier: BSD-2-Clause */
/* What is printed of the options: --help, and a section of bumpwire(8). */
#include "config.h"

#include <string.h>

#include "manual.h"
#include "options.h"

const struct options_verb options_verb[] = {
	{ "config", OPTIONS_CONFIG_LETTER, ACTION_RUN, "FILE",
	  "Read the wires from this file; see bumpwire.conf" },
	{ "check", 0, ACTION_CHECK, NULL,
	  "Check everything, print the effective configuration, exit" },
	{ "doctor", 0, ACTION_DOCTOR, NULL,
	  "Look for what could stand in the way, and say what mends it" },
	{ "unbypass", 0, ACTION_UNBYPASS, NULL,
	  "Take away what a process that died has left at the ports" },
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

bool options_say_no(const struct conf_key *key)
{
	return key->type == CONF_BOOL && !strcmp(key->fallback, "yes");
}

void options_spell(const struct conf_key *key, const char *side, char *name,
		   size_t size)
{
	bool program = key->section == CONF_PAIR ||
		       key->section == CONF_PROGRAM;

	snprintf(name, size, "%s%s%s%s%s%s", options_say_no(key) ? "no-" : "",
		 side, *side ? "-" : "",
		 program ? "" : conf_section_name[key->section],
		 program ? "" : "-", key->name);
	for (char *c = name; *c; c++)
		if (*c == '_')
			*c = '-';
}

static void print_key(FILE *out, const struct manual *manual,
		      const struct conf_key *key)
{
	char left[64], name[OPTIONS_NAME_BYTES], help[320];
	size_t n;

	options_spell(key, "", name, sizeof(name));
	snprintf(left, sizeof(left), "      --%s%s%s", name,
		 key->arg ? " " : "", key->arg ? key->arg : "");
	n = (size_t)snprintf(help, sizeof(help), "%s%s",
			     options_say_no(key) ? "Do not " : "", key->help);
	if (options_say_no(key)) /* one sentence */
		help[strlen("Do not ")] |= 0x20;
	for (int i = 0; key->type == CONF_CHOICE && key->choice[i]; i++)
		n += (size_t)snprintf(help + n, sizeof(help) - n, "%s%s",
				      i ? ", " : ": ", key->choice[i]);
	if (key->sided)
		n += (size_t)snprintf(help + n, sizeof(help) - n,
				      "; --left-%s, --right-%s for what "
				      "arrives there", name, name);
	if (key->fallback && key->type != CONF_BOOL)
		snprintf(help + n, sizeof(help) - n, " [%s]", key->fallback);
	manual->row(out, left, help);
}

static void print_verb(FILE *out, const struct manual *manual,
		       const struct options_verb *verb)
{
	char left[64], letter[8] = "    ";

	if (verb->letter)
		snprintf(letter, sizeof(letter), "-%c, ", verb->letter);
	snprintf(left, sizeof(left), "  %s--%s%s%s", letter, verb->name,
		 verb->arg ? " " : "", verb->arg ? verb->arg : "");
	manual->row(out, left, verb->help);
}

static void print_options(FILE *out, const struct manual *manual)
{
	static const struct {
		enum conf_section section;
		const char *title;
	} group[] = {
		{ CONF_PAIR, "The wire" },
		{ CONF_PROGRAM, "The run" },
		{ CONF_METRICS, "Metrics" },
		{ CONF_EVENTS, "Events" },
	};

	for (size_t g = 0; g < ARRAY_SIZE(group); g++) {
		manual->head(out, group[g].title);
		for (size_t i = 0; i < conf_n_keys; i++)
			if (conf_key[i].section == group[g].section &&
			    conf_key[i].type != CONF_IFNAME)
				print_key(out, manual, &conf_key[i]);
	}
	manual->head(out, "Things to do");
	for (size_t i = 0; i < options_n_verbs; i++)
		print_verb(out, manual, &options_verb[i]);
}

void options_print_help(FILE *out)
{
	fprintf(out,
		"Usage: bumpwire [OPTIONS] LEFT RIGHT\n"
		"       bumpwire [OPTIONS] -c FILE [LEFT RIGHT]\n"
		"\n"
		"Bridge two Ethernet interfaces, exactly and fast. Ctrl-C ends "
		"it, with a report.\n");
	print_options(out, &manual_help);
	fprintf(out, "\nExit: 0 stopped well, 1 failed, 2 usage or "
		     "configuration.\n");
}

void options_print_man(FILE *out)
{
	print_options(out, &manual_man);
}
