/* SPDX-License-Identifier: BSD-2-Clause */
/* See tap_target.h. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "link.h"
#include "tap_target.h"

#define DEV "dev:"
#define VXLAN "vxlan:"
#define VNI_MAX 0xffffff
#define HOST_BYTES (INET6_ADDRSTRLEN + 2)

/* Digits and nothing else, at most `max`. */
static bool parse_number(const char *text, size_t len, uint32_t max,
			 uint32_t *value)
{
	uint32_t n = 0;

	if (!len || len > 8)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		n = n * 10 + (uint32_t)(text[i] - '0');
	}
	*value = n;
	return n <= max;
}

static int parse_dev(const char *text, struct tap_target *t)
{
	if (!link_name_is_valid(text))
		return -EINVAL;
	t->kind = TAP_DEV;
	t->name = text;
	return 0;
}

static bool parse_ipv4(const char *host, uint32_t port, struct tap_target *t)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&t->address;

	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)port);
	t->address_len = sizeof(*v4);
	return inet_pton(AF_INET, host, &v4->sin_addr) == 1 &&
	       v4->sin_addr.s_addr != INADDR_ANY &&
	       v4->sin_addr.s_addr != INADDR_BROADCAST;
}

/* A link-local address says nothing without its interface, and an IPv4 one in
 * IPv6's clothes is to be written as what it is. */
static bool parse_ipv6(const char *host, uint32_t port, struct tap_target *t)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&t->address;

	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)port);
	t->address_len = sizeof(*v6);
	return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1 &&
	       !IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr) &&
	       !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) &&
	       !IN6_IS_ADDR_MC_LINKLOCAL(&v6->sin6_addr) &&
	       !IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
}

/* ADDRESS[:PORT][/VNI], an address of IPv6 in brackets. */
static int parse_vxlan(const char *text, struct tap_target *t)
{
	bool is_v6 = *text == '[';
	const char *end = text + strcspn(text, is_v6 ? "]" : ":/");
	uint32_t port = TAP_VXLAN_PORT;
	char host[HOST_BYTES];
	size_t n;

	text += is_v6;
	if ((is_v6 && *end != ']') || (size_t)(end - text) >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, (size_t)(end - text));
	host[end - text] = '\0';
	end += is_v6;
	if (*end == ':') {
		n = strcspn(++end, "/");
		if (!parse_number(end, n, UINT16_MAX, &port) || !port)
			return -EINVAL;
		end += n;
	}
	if (*end == '/') {
		end++;
		if (!parse_number(end, strlen(end), VNI_MAX, &t->vni))
			return -EINVAL;
	} else if (*end) {
		return -EINVAL;
	}
	t->kind = TAP_VXLAN;
	return (is_v6 ? parse_ipv6 : parse_ipv4)(host, port, t) ? 0 : -EINVAL;
}

static int parse_file(const char *text, struct tap_target *t)
{
	if (text[strlen(text) - 1] == '/')
		return -EINVAL;
	t->kind = TAP_FILE;
	t->name = text;
	return 0;
}

int tap_target_parse(const char *text, struct tap_target *target)
{
	struct tap_target t = { .kind = TAP_FILE };
	int r = -EINVAL;

	if (*text == '/')
		r = parse_file(text, &t);
	else if (!strncmp(text, DEV, sizeof(DEV) - 1))
		r = parse_dev(text + sizeof(DEV) - 1, &t);
	else if (!strncmp(text, VXLAN, sizeof(VXLAN) - 1))
		r = parse_vxlan(text + sizeof(VXLAN) - 1, &t);
	if (!r)
		*target = t;
	return r;
}
