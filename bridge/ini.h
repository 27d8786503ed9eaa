/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A strict reader of INI files around iniparser. It knows line numbers and
 * refuses what iniparser would cut, merge or misread in silence; what it
 * accepts is read by iniparser too, and both have to find the same. What
 * keys and values mean is conf's matter. The only room that knows iniparser.
 *
 * The language:
 *   - text in UTF-8; LF or CRLF; a byte order mark at the start is accepted;
 *     comments may hold bytes that are not UTF-8; no control bytes but tab
 *   - at most 1 MiB, 1022 bytes a line, 255 bytes a name, 4096 names
 *   - [section]: lower case letters, digits, '_', '-', '.', single blanks
 *   - key = value: a key likewise, without blanks; each once in its section
 *   - a value is trimmed; "..." and '...' keep everything between the quotes
 *     but cannot hold a backslash; without quotes it holds no quotes, and
 *     no ';' or '#'
 *   - '#' and ';' begin a comment at the start of a line and, after a blank,
 *     behind a value
 */
#ifndef BUMPWIRE_INI_H
#define BUMPWIRE_INI_H

#include <stddef.h>

struct ini_section {
	char *name;
	unsigned int line;
};

/* In the order of the file; section is the name in ini_section, not a copy. */
struct ini_entry {
	char *section;
	char *key;
	char *value; /* "" when there is none */
	unsigned int line;
};

struct ini {
	char *path;
	struct ini_entry *entry;
	size_t n_entries;
	struct ini_section *section;
	size_t n_sections;
};

/*
 * Read a file, pipe or /dev/stdin. All mistakes of the file are logged in one
 * run, `path:line: what is wrong: what is allowed`; from the 21st on they are
 * counted only. On 0 the caller owns *inip; else it is left alone.
 * -EINVAL: mistakes; -EFBIG: over 1 MiB; another -errno: could not be read.
 * Each is logged.
 */
int ini_read(const char *path, struct ini **inip);

/* The same for a text in memory, len bytes; path is for the messages. */
int ini_parse(const char *path, const char *text, size_t len,
	      struct ini **inip);

void ini_free(struct ini *ini);

#endif
