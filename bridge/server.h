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

/* Some people, a live view each, an exporter: and whoever connects in a loop
 * has no more of the process's descriptors and memory than these. */
#define SERVER_CLIENTS_MAX 32
/* With its newline: a filter expression is far shorter. */
#define SERVER_REQUEST_BYTES 65536

struct server;

/*
 * Who has a connection once the answer is out, for something else than requests.
 * take() is called once: with the descriptor, which stays non-blocking and is
 * the heir's own then; or with -1, if the client or the server went away before.
 */
struct server_heir {
	void (*take)(void *arg, int fd); /* NULL: there is none */
	void *arg;
};

struct server_params {
	const char *path;  /* of the socket; kept by the caller, until closed */
	unsigned int mode; /* of the socket: who may connect */
	/* Answer a line of len bytes, which may hold anything but a newline and
	 * ends with a NUL: an allocated line with its newline, which the server
	 * frees; NULL: no memory, and no heir. An answer may name an heir. */
	char *(*answer)(void *arg, const char *line, size_t len,
			struct server_heir *heir);
	void *arg;
};

/*
 * Listen. A socket that nobody listens on any more is replaced; anything else
 * that stands there is left alone. 0; -EADDRINUSE (not logged): somebody
 * listens there; other -errno (logged).
 */
int server_open(struct server **serverp, const struct server_params *p);

/* Poll this for reading; it stands for all connections. While no descriptor is
 * left for a client that waits, it keeps quiet until the next tick. */
int server_fd(const struct server *server);

/* Do what can be done now, never wait; each client gets at most one answer, so
 * that whoever sends a lot cannot keep the caller from its other work. */
void server_run(struct server *server);

/* Once a second or so: end clients that are in the middle of something for too
 * long. `now_ns` by the monotonic clock. */
void server_tick(struct server *server, uint64_t now_ns);

/* Send the answers that are under way, for 200 ms at most, and remove the
 * socket if it still is ours. params.answer is not called any more. NULL is
 * fine. */
void server_close(struct server *server);

#endif
