/* SPDX-License-Identifier: BSD-2-Clause */
/* See manual.h. */
#include "config.h"

#include <string.h>

#include "manual.h"

#define HELP_COLUMN 27
#define HELP_WIDTH 79

static void help_head(FILE *out, const char *title)
{
	fprintf(out, "\n%s:\n", title);
}

static void help_row(FILE *out, const char *option, const char *what)
{
	int column = fprintf(out, "%s", option);

	if (column >= HELP_COLUMN) {
		fprintf(out, "\n");
		column = 0;
	}
	column += fprintf(out, "%*s", HELP_COLUMN - column, "");
	while (*what) {
		int n = (int)strcspn(what, " ");

		if (column + 1 + n > HELP_WIDTH)
			column = fprintf(out, "\n%*s", HELP_COLUMN, "") - 1;
		column += fprintf(out, " %.*s", n, what);
		what += n + (what[n] == ' ');
	}
	fprintf(out, "\n");
}

static void man_head(FILE *out, const char *title)
{
	fprintf(out, ".SS %s\n", title);
}

/* In man(7) a dash that is typed is an escaped one, and so is a backslash. */
static void man_text(FILE *out, const char *text)
{
	for (; *text; text++)
		fprintf(out, *text == '-' ? "\\-" : *text == '\\' ? "\\e" :
			"%c", *text);
}

static void man_row(FILE *out, const char *option, const char *what)
{
	fprintf(out, ".TP\n.B ");
	man_text(out, option + strspn(option, " "));
	fprintf(out, "\n");
	man_text(out, what);
	fprintf(out, ".\n");
}

const struct manual manual_help = { help_head, help_row };
const struct manual manual_man = { man_head, man_row };
