/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names and addresses of loopback, as they stand in a configuration and in the
 * requests of HTTP. Nothing is looked up: "localhost" is 127.0.0.1.
 */
#ifndef BUMPWIRE_WEB_ADDRESS_H
#define BUMPWIRE_WEB_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>

#include "base.h"

struct web_address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t len;
};

/* HOST or HOST:PORT of a request; the port is 0 if it is not there. False: that
 * is not loopback, or not an address. */
bool web_parse_host(const char *text, struct web_address *a);

/* HOST:PORT or PORT to listen on; port 0 is no mistake here. */
bool web_parse_listen(const char *text, struct web_address *a);

unsigned int web_address_port(const struct web_address *a);

#endif
