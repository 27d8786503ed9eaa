/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The strict scan of an INI text, the first of the two readings: ini's own
 * half, for ini.c only. It knows nothing of iniparser but its limits.
 */
#ifndef BUMPWIRE_INI_SCAN_H
#define BUMPWIRE_INI_SCAN_H

#include "ini.h"

/* iniparser_getstring() cuts "section:key" at 1024 bytes. */
#define INI_NAME_BYTES_MAX 255

/*
 * Fill ini, which has its path and nothing else yet. copy has room for
 * len + 1 bytes and gets the text without byte order mark and CR, each line
 * with an LF. -EINVAL: mistakes, all logged; -ENOMEM is not logged. What ini
 * holds then is the caller's to free.
 */
int ini_scan(struct ini *ini, const char *text, size_t len, char *copy,
	     size_t *copy_bytes);

#endif
