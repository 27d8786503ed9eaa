/* SPDX-License-Identifier: BSD-2-Clause */
/* See web_address.h. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "web.h"
#include "web_address.h"

#define HOST_BYTES 64

/* Digits and nothing else; 0 is no mistake here. */
static bool parse_port(const char *text, uint16_t *port)
{
	unsigned long n = 0;

	if (!*text || strlen(text) > 5)
		return false;
	for (; *text >= '0' && *text <= '9'; text++)
		n = n * 10 + (unsigned long)(*text - '0');
	*port = htons((uint16_t)n);
	return !*text && n <= UINT16_MAX;
}

/* A name or an address of loopback, the one of IPv6 in brackets. "localhost" is
 * not looked up: it is one (RFC 6761, 6.3). */
static bool parse_host(const char *host, struct web_address *a)
{
	memset(a, 0, sizeof(*a));
	if (!strcmp(host, "[::1]")) {
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_addr = in6addr_loopback;
		a->len = sizeof(a->v6);
		return true;
	}
	a->v4.sin_family = AF_INET;
	a->len = sizeof(a->v4);
	if (!strcasecmp(host, "localhost"))
		host = "127.0.0.1";
	return inet_pton(AF_INET, host, &a->v4.sin_addr) == 1 &&
	       ntohl(a->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* HOST or HOST:PORT; the port is 0 if it is not there. */
bool web_parse_host(const char *text, struct web_address *a)
{
	const char *port = strrchr(text, ':');
	char host[HOST_BYTES];
	uint16_t number = 0;
	size_t len;

	if (port && strchr(port, ']')) /* a colon of the address */
		port = NULL;
	len = port ? (size_t)(port - text) : strlen(text);
	if (len >= sizeof(host) || (port && !parse_port(port + 1, &number)))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (!parse_host(host, a))
		return false;
	if (a->any.sa_family == AF_INET6)
		a->v6.sin6_port = number;
	else
		a->v4.sin_port = number;
	return true;
}

/* The same, but it may be a port alone, and there must be one. */
bool web_parse_listen(const char *text, struct web_address *a)
{
	uint16_t port;

	if (parse_port(text, &port)) {
		parse_host("localhost", a);
		a->v4.sin_port = port;
		return true;
	}
	/* A port is behind the last colon, and ends the text. */
	return *text && strchr("0123456789", text[strlen(text) - 1]) &&
	       strchr(text, ':') && web_parse_host(text, a);
}

unsigned int web_address_port(const struct web_address *a)
{
	return ntohs(a->any.sa_family == AF_INET6 ? a->v6.sin6_port :
						    a->v4.sin_port);
}

int web_check_listen(const char *listen)
{
	struct web_address a;

	return web_parse_listen(listen, &a) && web_address_port(&a) ? 0 : -EINVAL;
}
