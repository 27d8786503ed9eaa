/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages for people, on stderr, one line each. The origin of an error logs
 * it once, with the object and the value; everybody else forwards -errno.
 * Nothing on a frame's way logs.
 */
#ifndef BUMPWIRE_LOG_H
#define BUMPWIRE_LOG_H

#include <stdio.h>

#include "base.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* What they are called, by level; NULL-terminated. */
extern const char *const log_level_name[];

/* The one setting that is not kept in an object: what is worth printing. */
extern enum log_level log_level;

/* What this thread logs as an error is also written to `copy`, without the program's name:
 * for an answer to who asked for it. NULL: no more. */
void log_copy_to(FILE *copy);

/* Print one line, "PROGRAM: warning: text"; newlines are the logger's. */
void log_print(enum log_level level, const char *fmt, ...) printf_like(2, 3);

/* The level is tested before the arguments are evaluated. */
#define log_at(level, ...)                              \
	do {                                            \
		if ((level) <= log_level)               \
			log_print((level), __VA_ARGS__); \
	} while (0)

#define log_err(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
