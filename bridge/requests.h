/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a running bridge can be asked for: one table of requests. A request is
 * a line, a JSON object {"request": NAME, ...}; so is the answer, {"ok": true,
 * "result": {...}} or {"ok": false, "error": TEXT, "mistakes": [TEXT, ...]}.
 */
#ifndef BUMPWIRE_REQUESTS_H
#define BUMPWIRE_REQUESTS_H

#include <jansson.h>

#include "control_state.h"
#include "request_list.h"
#include "server.h"

#define REQUEST_ERROR_BYTES 256

/*
 * What a request says, and what becomes of it. Who answers returns 0, or -errno
 * with an error that says why, or with what was logged meanwhile as the reason.
 */
struct request {
	struct control *control;
	json_t *ask;
	struct server_heir *heir; /* of the connection, if there is to be one */
	const char *pair; /* NULL: all */
	json_t *result;   /* an object */
	char error[REQUEST_ERROR_BYTES];
};

/* Answer a line of `len` bytes: an allocated line with its newline; NULL: no
 * memory. For struct server_params; arg is the struct control. */
char *requests_answer(void *arg, const char *line, size_t len,
		      struct server_heir *heir);

/* Say why not. Returns -EINVAL. */
int request_refuse(struct request *r, const char *fmt, ...) printf_like(2, 3);

/* A text of the request; NULL, with an error set, if there is none. With
 * `choice`, NULL-terminated, it is one of these. */
const char *request_text(struct request *r, const char *name,
			 const char *const *choice);

/* The pair that a request means: the one it names, or the only one there is.
 * NULL, with an error set, if that is none or not clear. */
const struct conf_pair *request_pair(struct request *r);

/* For control_apply(): a change, as an object more in the array `arg`. */
void request_note_change(const struct conf_change *change, void *arg);

/* ---- requests_show.c, requests_filter.c, requests_set.c ---- */

int request_status(struct request *r);
int request_stats(struct request *r);
int request_links(struct request *r);
int request_filter_list(struct request *r);
int request_filter_add(struct request *r);
int request_filter_del(struct request *r);
int request_filter_set(struct request *r);
int request_set(struct request *r);
int request_unset(struct request *r);

/* ---- requests_tap.c ---- */

int request_tap_list(struct request *r);
int request_tap_start(struct request *r);
int request_tap_stop(struct request *r);
int request_tap_stream(struct request *r);

#endif
