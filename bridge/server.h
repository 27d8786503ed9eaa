/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: a UNIX stream socket on which clients send lines and get
 * a line for each. What is in them is requests.c's matter.
 *
 * Nothing here ever waits, and a client can cost no more than its limits: so
 * many clients, so long a request, one answer under way, so much patience.
 */
#ifndef BUMPWIRE_SERVER_H
#define BUMPWIRE_SERVER_H

#include "base.h"

#define SERVER_CLIENTS_MAX 32
#define SERVER_REQUEST_BYTES 65536 /* with its newline */

struct server;

struct server_params {
	const char *path;  /* of the socket; kept by the caller */
	unsigned int mode; /* of the socket: who may connect */
	/* Answer a line of len bytes, which may hold anything but a newline and
	 * ends with a NUL: an allocated line with its newline, which the server
	 * frees; NULL: no memory. */
	char *(*answer)(void *arg, const char *line, size_t len);
	void *arg;
};

/*
 * Listen. A socket that nobody listens on any more is replaced; anything else
 * that stands there is left alone. 0; -EADDRINUSE (not logged): somebody
 * listens there; other -errno (logged).
 */
int server_open(struct server **serverp, const struct server_params *p);

/* Poll this for reading; it stands for all connections. */
int server_fd(const struct server *server);

/* Do what can be done now; each client gets at most one answer. */
void server_run(struct server *server);

/* Once a second or so: end clients that are in the middle of something for too
 * long. `now_ns` by the monotonic clock. */
void server_tick(struct server *server, uint64_t now_ns);

/* Send what is under way, for a fraction of a second, remove the socket. NULL
 * is fine. */
void server_close(struct server *server);

#endif
