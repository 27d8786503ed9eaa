/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See log.h. A line is built whole and written once, so that lines of several
 * threads, or of several processes on one terminal, do not mix.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base.h"
#include "log.h"

/* How long a reader of stderr that takes nothing is waited for, the first time:
 * whoever logs has a wire to look after. A line finds room in a pipe as a whole
 * where poll() says so, for it is shorter than PIPE_BUF (pipe(7)). */
#define PATIENCE_MS 500

static unsigned int lost_lines; /* since one was written last */

enum log_level log_level = LOG_LEVEL_INFO;

const char *const log_level_name[] = { "error", "warning", "info", "debug",
				       NULL };

static _Thread_local FILE *log_copy;

static const char *const level_prefix[] = {
	[LOG_LEVEL_ERROR] = "error: ",
	[LOG_LEVEL_WARN] = "warning: ",
	[LOG_LEVEL_INFO] = "",
	[LOG_LEVEL_DEBUG] = "debug: ",
};

void log_copy_to(FILE *copy)
{
	log_copy = copy;
}

static bool has_room(void)
{
	struct pollfd pfd = { .fd = fileno(stderr), .events = POLLOUT };

	return pfd.fd < 0 || /* a stream in memory */
	       poll(&pfd, 1, shared_read(&lost_lines) ? 0 : PATIENCE_MS);
}

/* stderr is unbuffered: one call, one write. */
static void put_line(const char *line, size_t len)
{
	unsigned int lost;

	if (!has_room()) {
		__atomic_fetch_add(&lost_lines, 1, __ATOMIC_RELAXED);
		return;
	}
	lost = __atomic_exchange_n(&lost_lines, 0, __ATOMIC_RELAXED);
	if (lost)
		fprintf(stderr, "%s: warning: %u lines were lost here: nobody "
			"read them\n", program_invocation_short_name, lost);
	fwrite(line, 1, len, stderr);
}

void log_print(enum log_level level, const char *fmt, ...)
{
	int saved_errno = errno;
	char line[2048], *text;
	va_list ap;
	size_t len, room;
	int n;

	n = snprintf(line, sizeof(line), "%s: %s",
		     program_invocation_short_name, level_prefix[level]);
	len = (size_t)n < sizeof(line) - 1 ? (size_t)n : sizeof(line) - 2;
	text = line + len;
	room = sizeof(line) - 1 - len;
	va_start(ap, fmt);
	n = vsnprintf(line + len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		len += (size_t)n < room ? (size_t)n : room - 1;
	line[len++] = '\n';
	put_line(line, len);
	if (log_copy && level == LOG_LEVEL_ERROR)
		fwrite(text, 1, len - (size_t)(text - line), log_copy);
	errno = saved_errno;
}
