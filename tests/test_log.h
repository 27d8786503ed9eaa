/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the code under test logs, as text. Only the stream is exchanged (glibc
 * allows that), so that sanitizers can still be heard; and it leads to memory,
 * for tests that have no file or descriptor left.
 */
#ifndef BUMPWIRE_TEST_LOG_H
#define BUMPWIRE_TEST_LOG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct test_log {
	FILE *real; /* stderr, from begin to end */
	char text[65536];
};

static inline void test_log_begin(struct test_log *log)
{
	FILE *file;

	memset(log->text, 0, sizeof(log->text));
	file = fmemopen(log->text, sizeof(log->text), "w");
	assert_non_null(file);
	setvbuf(file, NULL, _IONBF, 0);
	log->real = stderr;
	stderr = file;
}

static inline void test_log_end(struct test_log *log)
{
	fclose(stderr);
	stderr = log->real;
	log->real = NULL;
}

static inline unsigned int test_log_lines(const struct test_log *log)
{
	unsigned int n = 0;

	for (const char *c = log->text; *c; c++)
		n += *c == '\n';
	return n;
}

static inline void assert_logged(const struct test_log *log, const char *what)
{
	if (!strstr(log->text, what))
		fail_msg("'%s' was not logged, but: '%s'", what, log->text);
}

/* End it: as many lines, and this among them. */
static inline void test_log_check(struct test_log *log, const char *what,
				  unsigned int lines)
{
	test_log_end(log);
	assert_logged(log, what);
	if (test_log_lines(log) != lines)
		fail_msg("not %u lines: '%s'", lines, log->text);
}

/* In a teardown: where a check has failed meanwhile, show what there is. */
static inline void test_log_abandon(struct test_log *log)
{
	if (!log->real)
		return;
	test_log_end(log);
	fputs(log->text, stderr);
}

#endif
