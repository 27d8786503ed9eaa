/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line. Every key of the configuration is an option, too: a dash
 * for an underscore or a dot, so left.drop is --left-drop. What is no key, a
 * thing to do instead of bridging, stands in a table of its own.
 */
#ifndef BUMPWIRE_OPTIONS_H
#define BUMPWIRE_OPTIONS_H

#include <stdio.h>

#include "conf.h"

enum action {
	ACTION_RUN,
	ACTION_HELP,
	ACTION_VERSION,
	ACTION_LIST,           /* what could be bridged */
	ACTION_CHECK,          /* everything but run */
	ACTION_DOCTOR,         /* what could stand in the way */
	ACTION_DUMP_CONFIG,    /* the file that equals the command line */
	ACTION_EXAMPLE_CONFIG, /* every key with its default */
	ACTION_DUMP_FILTER,    /* a filter's program */
	ACTION_UNBYPASS,       /* take away what a crash has left */
};

struct options {
	enum action action;
	const char *argument; /* of the action */
};

/* Options that are no keys. */
struct options_verb {
	const char *name;
	int letter; /* 0: none */
	enum action action;
	const char *arg;  /* NULL: takes none */
	const char *help; /* what it does, one sentence */
};

#define OPTIONS_CONFIG_LETTER 'c'
#define OPTIONS_NAME_BYTES 32 /* of an option, with its end */

extern const struct options_verb options_verb[];
extern const size_t options_n_verbs;

/*
 * Fill the configuration from the command line and, with -c, from a file; not
 * checked as a whole yet. 0 or -EINVAL (each mistake logged).
 */
int options_parse(int argc, char **argv, struct conf *conf,
		  struct options *options);

/*
 * How a key is spelt as an option, without the dashes: left-drop,
 * metrics-file; `side` is "", "left" or "right". A switch that is on is there
 * to be switched off: no-control.
 */
void options_spell(const struct conf_key *key, const char *side, char *name,
		   size_t size);
bool options_say_no(const struct conf_key *key);

void options_print_help(FILE *out);

/* The same list as the OPTIONS section of the manual page, in man(7). */
void options_print_man(FILE *out);

#endif
