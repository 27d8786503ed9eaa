/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of keys as bumpwire.conf(5) shows it. */
#ifndef BUMPWIRE_CONF_MANUAL_H
#define BUMPWIRE_CONF_MANUAL_H

#include <stdio.h>

/* The sections and their keys, in man(7). */
void conf_print_man(FILE *out);

#endif
