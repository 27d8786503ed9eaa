/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer target for bridge/ini.c. Whatever the strict scan accepts has to
 * be read alike by iniparser: the logger below stands in for log.c, keeps the
 * run quiet, and ends it when iniparser disagrees.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ini.h"
#include "log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum log_level log_level = LOG_LEVEL_ERROR;

void log_print(enum log_level level, const char *fmt, ...)
{
	char line[4096];
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* The format, as line may quote anything. */
	if (strstr(fmt, "iniparser re") || strstr(fmt, "a copy for")) {
		fprintf(stderr, "%s\n", line);
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ini *ini = NULL;

	if (!ini_parse("fuzz", (const char *)data, size, &ini))
		ini_free(ini);
	else if (ini)
		abort();
	return 0;
}
