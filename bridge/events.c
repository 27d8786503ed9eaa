/* SPDX-License-Identifier: BSD-2-Clause */
/* See events.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "clock.h"
#include "events.h"
#include "log.h"

struct events {
	int fd;
	char *path;
	char *name;
	bool failed; /* and said so */
	bool torn;   /* half a line stands at the end */
};

/* Whoever wrote here before may have found no room for a whole line. */
static bool is_torn(int fd, const char *path)
{
	char last = '\n';
	struct stat st;
	int in;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size)
		return false;
	in = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (in < 0)
		return false;
	if (pread(in, &last, 1, st.st_size - 1) != 1)
		last = '\n';
	close(in);
	return last != '\n';
}

int events_open(struct events **eventsp, const char *path, const char *name)
{
	struct events *events = calloc(1, sizeof(*events));
	int r = -ENOMEM;

	if (!events)
		return r;
	events->path = strdup(path);
	events->name = strdup(name);
	/* Without waiting: it may be a FIFO. */
	events->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
					O_NONBLOCK | O_NOCTTY, 0640);
	if (events->fd < 0) {
		r = -errno;
		log_err("events.file: %s: %s", path, strerror(-r));
	} else if (events->path && events->name) {
		events->torn = is_torn(events->fd, path);
		*eventsp = events;
		return 0;
	}
	events_close(events);
	return r;
}

static void time_text(char *text, size_t size)
{
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, size - n, ".%06ldZ", now.tv_nsec / 1000);
}

static void write_line(struct events *events, char *line)
{
	size_t len = strlen(line);
	ssize_t n;

	if (events->torn && write(events->fd, "\n", 1) == 1)
		events->torn = false;
	line[len] = '\n'; /* in place of the end */
	n = write(events->fd, line, len + 1);
	if (n == (ssize_t)len + 1) {
		events->failed = false;
		return;
	}
	events->torn |= n > 0;
	if (!events->failed)
		log_warn("events.file: %s: %s: events are lost", events->path,
			 n < 0 ? strerror(errno) : "no room");
	events->failed = true;
}

void events_write(struct events *events, const char *event, const char *fields,
		  ...)
{
	json_t *head, *rest;
	char when[64], *line;
	va_list ap;

	if (!events)
		return;
	time_text(when, sizeof(when));
	head = json_pack("{ssssss}", "time", when, "event", event, "name",
			 events->name);
	va_start(ap, fields);
	rest = json_vpack_ex(NULL, 0, fields, ap);
	va_end(ap);
	json_object_update(head, rest);
	line = json_dumps(head, JSON_COMPACT);
	if (line)
		write_line(events, line);
	else
		log_warn("events.file: %s: an event %s is lost", events->path,
			 event);
	free(line);
	json_decref(rest);
	json_decref(head);
}

void events_close(struct events *events)
{
	if (!events)
		return;
	close_fd(&events->fd);
	free(events->path);
	free(events->name);
	free(events);
}
