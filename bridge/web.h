/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Metrics by HTTP, for this host alone, and a page that shows the wire live.
 *
 *	GET /		the page (page.html)
 *	GET /metrics	the text that Prometheus reads
 *	GET /stats.json	the report, as JSON
 *
 * There is no thread here: the control thread polls one descriptor. Nothing
 * waits, and a client can cost no more than its limits: so many connections,
 * one request each, so much memory, so much patience. Who listens on loopback
 * is still reached by pages that a browser on this host shows, so a request
 * must also name a loopback host (RFC 9110, 7.2), which is what a DNS name that
 * was pointed here afterwards does not.
 */
#ifndef BUMPWIRE_WEB_H
#define BUMPWIRE_WEB_H

#include <stdio.h>

#include "base.h"

#define WEB_CONNECTIONS_MAX 16

/* For messages about an address that web_check_listen() refuses. */
#define WEB_LISTEN_ALLOWED                                                 \
	"PORT, 127.0.0.1:PORT, [::1]:PORT or localhost:PORT (loopback only), " \
	"with a port from 1 to 65535"

struct web;

struct web_params {
	const char *listen; /* as WEB_LISTEN_ALLOWED says; needed by
			     * web_open() alone */
	/* What is to be answered now, written to `out`, which is memory. */
	void (*metrics)(void *arg, FILE *out);
	void (*stats)(void *arg, FILE *out);
	void *arg;
};

/* Is that an address to listen on? 0 or -EINVAL (not logged: who asks knows
 * where it stands, and has WEB_LISTEN_ALLOWED). */
int web_check_listen(const char *listen);

/* Listen. Port 0, which is for tests, takes one that is free. 0, -EINVAL or
 * other -errno (logged). */
int web_open(struct web **webp, const struct web_params *p);

/* Poll this for reading; it stands for all connections. */
int web_fd(const struct web *web);

/* Call web_run() after at most so many milliseconds; -1: only when web_fd() is
 * ready. */
int web_timeout_ms(struct web *web);

/* Do what can be done now. */
void web_run(struct web *web);

/* The TCP port. */
unsigned int web_port(const struct web *web);

/* Ends all connections. NULL is fine. */
void web_close(struct web *web);

#endif
