/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens, for programs: a file to which a line of JSON is appended for
 * each event, `{"time": RFC 3339 in UTC, "event": NAME, ...}`. What is fit for
 * people goes to the log beside it.
 */
#ifndef BUMPWIRE_EVENTS_H
#define BUMPWIRE_EVENTS_H

struct events;

/*
 * Append to this file, which is made with mode 0640 when missing; `name` is the
 * process's, in each event. 0, or -errno (logged).
 */
int events_open(struct events **eventsp, const char *path, const char *name);

/*
 * Write an event; `fields` is json_pack()'s format of an object, its arguments
 * follow. Written at once, whole, and without waiting: what finds no room is
 * lost, with a warning the first time. NULL: nobody wants them.
 */
void events_write(struct events *events, const char *event, const char *fields,
		  ...);

/* NULL is fine. */
void events_close(struct events *events);

#endif
