/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the text of a value becomes one, for conf.c: strictly, so that nothing
 * is cut, wrapped or guessed. Each returns 0, or -EINVAL and touches nothing
 * that counts.
 */
#ifndef BUMPWIRE_CONF_VALUE_H
#define BUMPWIRE_CONF_VALUE_H

#include "conf.h"

/* Decimal digits alone; no sign, no unit, no octal. */
int value_number(const char *text, uint64_t *value);

/* Seconds with up to nine decimals, exactly, in nanoseconds. */
int value_seconds(const char *text, uint64_t *ns);

/* yes or no. */
int value_bool(const char *text, bool *value);

/* The index of a word in a NULL-terminated list. */
int value_choice(const char *text, const char *const *choice, int *value);

/* 1 to 64 letters, digits, '-', '_' and '.', no dot first: a file's name. */
bool value_name_is_valid(const char *text);

/* The value of a key as text, of one side of it if it is sided; "": not set.
 * May use `buf`. */
const char *value_text(const struct conf_key *key, const void *base, int side,
		       char *buf, size_t size);

/*
 * Whether a file can say `key = text`: in quotes there is no backslash
 * (iniparser 4.1 and 4.2 read it differently), and some text needs quotes; no
 * control bytes; no line longer than iniparser reads.
 */
bool value_can_be_written(const char *key, const char *text);

/* What a key allows, in words; may use `buf`. */
const char *value_allowed(const struct conf_key *key, char *buf, size_t size);

#endif
