/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection to a running bridge: a request goes out, its answer comes back. */
#ifndef BUMPWIRE_CTL_CLIENT_H
#define BUMPWIRE_CTL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

struct ctl_client;

/*
 * Connect to a socket: a path, with a '/' in it, or a bridge's name, or NULL for
 * the only bridge there is. The folder of the sockets is /run/bumpwire, or
 * BUMPWIRE_RUN of the environment. 0, or -errno (logged).
 */
int ctl_client_open(struct ctl_client **clientp, const char *socket);

/*
 * Ask, and wait for the answer; `request` stays the caller's. 0: *result is the
 * caller's; -EPROTO: the bridge says no, which was logged with its mistakes;
 * other -errno (logged): no answer. Then the next one connects anew.
 */
int ctl_client_ask(struct ctl_client *client, const json_t *request,
		   json_t **result);

/* The same, where what follows the answer is no answer: the descriptor that it
 * is read from, from its first byte on. It stays the client's, which is not
 * asked again. */
int ctl_client_stream(struct ctl_client *client, const json_t *request);

/* Log nothing of what goes wrong from now on. */
void ctl_client_hush(struct ctl_client *client);

/* NULL is fine. */
void ctl_client_close(struct ctl_client *client);

#endif
