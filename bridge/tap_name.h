/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the capture files of a tap are called: a number and the local time
 * before the suffix, in order when sorted, and .part behind all while one is
 * written. Pure.
 */
#ifndef BUMPWIRE_TAP_NAME_H
#define BUMPWIRE_TAP_NAME_H

#include <limits.h>
#include <stdbool.h>
#include <time.h>

#include "base.h"

#define TAP_NAME_PART ".part"
#define TAP_DATE_BYTES 14
/* More than NAME_MAX: what can be too long is a path that was asked for, and
 * tap_folder_open() refuses that. */
#define TAP_NAME_BYTES (2 * NAME_MAX + 64)

/* What a name that was asked for is made of. */
struct tap_name_form {
	char stem[NAME_MAX + 1]; /* without its suffix */
	const char *suffix;      /* ".pcapng", or "" */
};

struct tap_name {
	uint32_t number;
	char date[TAP_DATE_BYTES + 1];
};

/* `base`, of at most NAME_MAX bytes, must stay. */
void tap_name_split(const char *base, struct tap_name_form *form);

void tap_name_date(char date[TAP_DATE_BYTES + 1], time_t when);

void tap_name_write(const struct tap_name_form *form,
		    const struct tap_name *name, char to[TAP_NAME_BYTES]);

/* Whether an entry of a folder is one of ours with a number. */
bool tap_name_read(const struct tap_name_form *form, const char *entry,
		   struct tap_name *name, bool *is_part);

/* What it is called while it is written. */
void tap_name_part(const char *name, char part[TAP_NAME_BYTES]);

/* For qsort(3): the oldest first. */
int tap_name_compare(const void *a, const void *b);

#endif
