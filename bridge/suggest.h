/* SPDX-License-Identifier: BSD-2-Clause */
/* "Did you mean ...?" for names that people type. */
#ifndef BUMPWIRE_SUGGEST_H
#define BUMPWIRE_SUGGEST_H

#include <stdbool.h>

struct suggest {
	const char *wrong;
	const char *best; /* NULL: nothing is near enough */
	unsigned int distance;
};

/* Offer one right name; the nearest offered so far is in s->best. */
void suggest_offer(struct suggest *s, const char *name);

#endif
