/* SPDX-License-Identifier: BSD-2-Clause */
/* How a list of options is printed: for --help, and in man(7). */
#ifndef BUMPWIRE_MANUAL_H
#define BUMPWIRE_MANUAL_H

#include <stdio.h>

struct manual {
	void (*head)(FILE *out, const char *title);
	/* An option as it is typed, indented, and what it does, without a
	 * full stop. */
	void (*row)(FILE *out, const char *option, const char *what);
};

extern const struct manual manual_help;
extern const struct manual manual_man;

#endif
