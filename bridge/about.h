/* SPDX-License-Identifier: BSD-2-Clause */
/* What this program was built with and runs on, for --version and reports of
 * bugs. (Not features.h, which is the C library's own.) */
#ifndef BUMPWIRE_ABOUT_H
#define BUMPWIRE_ABOUT_H

#include <stdio.h>

/* A few lines, indented. Asks the kernel what it has; as root that includes
 * loading a BPF program, which is dropped at once. */
void about_print(FILE *out);

#endif
