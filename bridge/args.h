/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line of a tool, as a table: a row an option, which says how it
 * is spelt, what it takes, where the value goes, and what it does. Parsing,
 * --help and the manual page all read the same rows.
 */
#ifndef BUMPWIRE_ARGS_H
#define BUMPWIRE_ARGS_H

#include <stdbool.h>
#include <stdio.h>

#include "base.h"

#define ARGS_MAX 96

enum arg_type {
	ARG_FLAG,     /* bool: true; takes no value */
	ARG_NUMBER,   /* uint64_t, from min to max */
	ARG_REAL,     /* double above 0 */
	ARG_RATE,     /* double above 0, a second: see units.h */
	ARG_DURATION, /* uint64_t ns: see units.h */
	ARG_MS,       /* uint64_t ns, given as whole milliseconds */
	ARG_TEXT,     /* const char *: the word on the command line */
	ARG_CHOICE,   /* int: the index in `choice` */
	ARG_CALL,     /* take() has it */
};

struct arg {
	enum arg_type type;
	const char *name;  /* without the dashes */
	int letter;        /* 0: none */
	const char *value; /* how the value is called; NULL: takes none */
	const char *help;  /* one sentence without a full stop; NULL: another
			    * spelling of the row before, not listed */
	size_t offset;     /* of the member, in what the table fills */
	uint64_t min, max;
	const char *const *choice; /* NULL-terminated */
	/* 0, or -EINVAL; a text in *allowed says what would be right, NULL
	 * that the mistake is logged. */
	int (*take)(void *target, const char *value, const char **allowed);
};

/* Rows that stand together; several groups make a command line. */
struct arg_group {
	const char *title; /* NULL: they go on with the group before */
	const struct arg *arg;
	size_t n;
};

/*
 * Fill `target` from the command line. All mistakes in one run, each logged.
 * The index of the first operand in argv, operands last, or -EINVAL.
 */
int args_parse(const struct arg_group *group, size_t n, int argc, char **argv,
	       void *target);

struct manual;

void args_print(const struct arg_group *group, size_t n, const struct manual *manual, FILE *out);

#endif
