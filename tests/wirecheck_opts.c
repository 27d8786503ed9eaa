/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of a subcommand, from one table. See wirecheck.h. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>

#include "wirecheck.h"

#define OPTS_MAX 32
#define VID_MAX 4095
#define PCP_MAX 7

/* Reads digits up to one of `ends`; the end is left in *text. */
static bool take_number(const char **text, int base, const char *ends,
			uint64_t min, uint64_t max, uint64_t *number)
{
	char *end;

	if (**text == '-' || **text == '+' || **text == ' ')
		return false;
	errno = 0;
	*number = strtoull(*text, &end, base);
	if (errno || end == *text || !strchr(ends, *end))
		return false;
	*text = end;
	return *number >= min && *number <= max;
}

static bool take_range(const char *text, const struct opt *o)
{
	struct range *range = o->into;

	if (!take_number(&text, 10, "-", o->min, o->max, &range->from))
		return false;
	range->to = range->from;
	if (*text == '-') {
		text++;
		if (!take_number(&text, 10, "", o->min, o->max, &range->to))
			return false;
	}
	return range->from <= range->to;
}

/* Goes over `c` if it comes next. */
static bool take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	++*text;
	return true;
}

/* [TPID/]VID[:PCP[:DEI]], the TPID in hexadecimal */
static bool take_tag(const char *text, struct tags *tags)
{
	uint64_t tpid = 0x8100, vid, pcp = 0, dei = 0;

	if (tags->n == TAGS_MAX)
		return false;
	if (strchr(text, '/') &&
	    !(take_number(&text, 16, "/", 0x600, 0xffff, &tpid) &&
	      take_char(&text, '/')))
		return false;
	if (!take_number(&text, 10, ":", 0, VID_MAX, &vid))
		return false;
	if (take_char(&text, ':') &&
	    !take_number(&text, 10, ":", 0, PCP_MAX, &pcp))
		return false;
	if (take_char(&text, ':') && !take_number(&text, 10, "", 0, 1, &dei))
		return false;
	tags->tag[tags->n++] = (struct tag){
		.tpid = (uint16_t)tpid,
		.tci = (uint16_t)(pcp << 13 | dei << 12 | vid),
	};
	return true;
}

static bool take(const struct opt *o, const char *text)
{
	switch (o->type) {
	case OPT_NUMBER:
		return take_number(&text, 10, "", o->min, o->max, o->into);
	case OPT_RANGE:
		return take_range(text, o);
	case OPT_TEXT:
		*(const char **)o->into = text;
		return true;
	case OPT_TAG:
		return take_tag(text, o->into);
	}
	return false;
}

void opts_print(FILE *out, const struct opt *opt, size_t n_opts)
{
	for (size_t i = 0; i < n_opts; i++) {
		int column = fprintf(out, "  --%s %s", opt[i].name, opt[i].arg);

		fprintf(out, "%*s %s\n", column < 24 ? 24 - column : 0, "",
			opt[i].help);
	}
}

int opts_parse(int argc, char **argv, const struct opt *opt, size_t n_opts,
	       const char **operand, int n_operands)
{
	struct option option[OPTS_MAX + 2] = { { 0 } };
	int i;

	for (size_t k = 0; k < n_opts; k++)
		option[k] = (struct option){ opt[k].name, required_argument,
					     NULL, 256 + (int)k };
	option[n_opts] = (struct option){ "help", no_argument, NULL, 'h' };
	optind = 0;
	while ((i = getopt_long(argc, argv, "h", option, NULL)) != -1) {
		if (i == 'h') {
			opts_print(stdout, opt, n_opts);
			exit(EXIT_SUCCESS);
		}
		if (i == '?')
			return EXIT_USAGE;
		if (!take(&opt[i - 256], optarg))
			return complain(EXIT_USAGE, "--%s %s: not allowed",
					opt[i - 256].name, optarg);
	}
	if (argc - optind != n_operands)
		return complain(EXIT_USAGE, "expected %d operands, got %d",
				n_operands, argc - optind);
	for (i = 0; i < n_operands; i++)
		operand[i] = argv[optind + i];
	return 0;
}
