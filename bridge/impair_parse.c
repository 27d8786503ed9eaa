/* SPDX-License-Identifier: BSD-2-Clause */
/* How people type what impair.c does; see impair.h. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "impair.h"
#include "units.h"

#define BLANKS " \t"
#define WORD_BYTES (IMPAIR_PATTERN_MAX + 1)
#define BIT_ERRORS_MIN 1e-15

/* The next word, and *text behind it; empty: there is none. False: it is too
 * long to be one of ours. */
static bool take_word(const char **text, char word[WORD_BYTES])
{
	const char *at = *text + strspn(*text, BLANKS);
	size_t n = strcspn(at, BLANKS);

	if (n >= WORD_BYTES)
		return false;
	memcpy(word, at, n);
	word[n] = '\0';
	*text = at + n;
	return true;
}

static bool is_at_end(const char *text)
{
	return !text[strspn(text, BLANKS)];
}

/* One share and nothing else. */
static int parse_share(const char *text, double *share)
{
	char word[WORD_BYTES];

	if (!take_word(&text, word) || !is_at_end(text))
		return -EINVAL;
	return units_share(word, share);
}

/* What follows `gemodel`. tc-netem(8): r = 1-p, 1-h = 100%, 1-k = 0%, so that
 * p alone loses a share of p. (tc itself takes r = 100% then.) */
static int parse_gemodel(const char *text, struct impair_params *p)
{
	double value[] = { -1, -1, 1, 0 };
	char word[WORD_BYTES];

	for (size_t i = 0; i < ARRAY_SIZE(value); i++) {
		if (i && is_at_end(text))
			break;
		if (!take_word(&text, word) || units_share(word, &value[i]))
			return -EINVAL;
	}
	if (!is_at_end(text))
		return -EINVAL;
	p->to_bad = value[0];
	p->to_good = value[1] < 0 ? 1 - value[0] : value[1];
	p->bad_loss = value[2];
	p->good_loss = value[3];
	p->loss_model = IMPAIR_LOSS_GEMODEL;
	return 0;
}

static int parse_pattern(const char *text, struct impair_params *p)
{
	char word[WORD_BYTES];

	if (!take_word(&text, word) || !is_at_end(text) || !*word ||
	    word[strspn(word, "01")])
		return -EINVAL;
	strcpy(p->pattern, word);
	p->loss_model = IMPAIR_LOSS_PATTERN;
	return 0;
}

int impair_parse_loss(const char *text, void *params)
{
	struct impair_params *p = params;
	const char *rest = text;
	char word[WORD_BYTES];
	double share;

	if (!take_word(&rest, word))
		return -EINVAL;
	if (!strcmp(word, "gemodel"))
		return parse_gemodel(rest, p);
	if (!strcmp(word, "pattern"))
		return parse_pattern(rest, p);
	if (parse_share(text, &share))
		return -EINVAL;
	p->loss = share;
	p->loss_model = share > 0 ? IMPAIR_LOSS_RANDOM : IMPAIR_LOSS_NONE;
	return 0;
}

int impair_parse_duplicate(const char *text, void *params)
{
	struct impair_params *p = params;

	return parse_share(text, &p->duplicate);
}

int impair_parse_corrupt(const char *text, void *params)
{
	struct impair_params *p = params;

	return parse_share(text, &p->corrupt);
}

/*
 * A bit error rate is written as 1e-6, and never in percent. strtod() would
 * take nan, inf, 0x1p-3 and a sign, and it takes what the locale calls a point;
 * so its text is looked at first. (No program here sets a locale.)
 */
int impair_parse_bit_errors(const char *text, void *params)
{
	struct impair_params *p = params;
	char word[WORD_BYTES];
	double value;
	char *end;

	if (!take_word(&text, word) || !is_at_end(text) ||
	    word[strspn(word, "0123456789.eE+-")] ||
	    !strspn(word, "0123456789."))
		return -EINVAL;
	value = strtod(word, &end);
	if (end == word || *end || value > 1)
		return -EINVAL;
	/* 1e-400 is 0 to strtod(), but no 0 to whoever typed it. */
	if (value < BIT_ERRORS_MIN &&
	    strcspn(word, "123456789") < strcspn(word, "eE"))
		return -EINVAL;
	p->bit_errors = value;
	return 0;
}

static int parse_gap(const char *word, uint32_t *gap)
{
	uint32_t n = 0;

	for (; *word; word++) {
		if (*word < '0' || *word > '9')
			return -EINVAL;
		n = n * 10 + (uint32_t)(*word - '0');
		if (n > IMPAIR_GAP_MAX)
			return -EINVAL;
	}
	if (!n)
		return -EINVAL;
	*gap = n;
	return 0;
}

int impair_parse_reorder(const char *text, void *params)
{
	struct impair_params *p = params;
	char word[WORD_BYTES];
	uint32_t gap = 1;
	double share;

	if (!take_word(&text, word) || units_share(word, &share))
		return -EINVAL;
	if (!is_at_end(text) &&
	    (!take_word(&text, word) || parse_gap(word, &gap) ||
	     !is_at_end(text)))
		return -EINVAL;
	p->reorder = share;
	p->reorder_gap = gap;
	return 0;
}
