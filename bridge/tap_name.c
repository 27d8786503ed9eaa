/* SPDX-License-Identifier: BSD-2-Clause */
/* See tap_name.h. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tap_name.h"

#define DIGITS_MIN 5

void tap_name_split(const char *base, struct tap_name_form *form)
{
	const char *dot = strrchr(base, '.');

	strcpy(form->stem, base);
	form->suffix = base + strlen(base);
	if (dot && dot != base) {
		form->suffix = dot;
		form->stem[dot - base] = '\0';
	}
}

void tap_name_date(char date[TAP_DATE_BYTES + 1], time_t when)
{
	struct tm tm = { 0 };

	localtime_r(&when, &tm);
	strftime(date, TAP_DATE_BYTES + 1, "%Y%m%d%H%M%S", &tm);
}

void tap_name_write(const struct tap_name_form *form,
		    const struct tap_name *name, char to[TAP_NAME_BYTES])
{
	snprintf(to, TAP_NAME_BYTES, "%s_%05u_%s%s", form->stem, name->number,
		 name->date, form->suffix);
}

static bool all_digits(const char *text, size_t n)
{
	return strspn(text, "0123456789") >= n;
}

bool tap_name_read(const struct tap_name_form *form, const char *entry,
		   struct tap_name *name, bool *is_part)
{
	size_t n = strlen(form->stem), m = strlen(form->suffix);
	char *end;
	unsigned long number;

	if (strncmp(entry, form->stem, n) || entry[n] != '_' ||
	    !all_digits(entry + n + 1, DIGITS_MIN))
		return false;
	number = strtoul(entry + n + 1, &end, 10);
	if (*end != '_' || number >= UINT32_MAX ||
	    !all_digits(end + 1, TAP_DATE_BYTES))
		return false;
	memcpy(name->date, end + 1, TAP_DATE_BYTES);
	name->date[TAP_DATE_BYTES] = '\0';
	end += 1 + TAP_DATE_BYTES;
	if (strncmp(end, form->suffix, m))
		return false;
	end += m;
	name->number = (uint32_t)number;
	*is_part = !strcmp(end, TAP_NAME_PART);
	return *is_part || !*end;
}

void tap_name_part(const char *name, char part[TAP_NAME_BYTES])
{
	snprintf(part, TAP_NAME_BYTES, "%.*s" TAP_NAME_PART,
		 (int)(TAP_NAME_BYTES - sizeof(TAP_NAME_PART)), name);
}

int tap_name_compare(const void *a, const void *b)
{
	const struct tap_name *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return strcmp(x->date, y->date);
}
