/* SPDX-License-Identifier: BSD-2-Clause */
/* See dissect.h. */
#include "config.h"

#include <netinet/in.h>
#include <string.h>

#include "be.h"
#include "dissect.h"

#define EXTENSIONS_MAX 16
#define ADDRESSES_BYTES 12

static bool is_tag(uint16_t type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

/* RFC 791. */
static void dissect_ipv4(const uint8_t *data, uint32_t len, struct dissect *d)
{
	const uint8_t *ip = data + d->network;
	uint32_t header, total, fragment;

	if (d->network + 20 > len || ip[0] >> 4 != 4)
		return;
	header = 4u * (ip[0] & 0x0f);
	if (header < 20 || d->network + header > len)
		return;
	d->version = 4;
	d->protocol = ip[9];
	total = be16_get(ip + 2);
	if (total >= header && d->network + total < len)
		d->end = d->network + total;
	fragment = be16_get(ip + 6) & 0x3fff;
	d->fragment = fragment != 0;
	d->first_fragment = fragment == 0x2000;
	d->payload = d->network + header;
	if (!d->fragment || d->first_fragment)
		d->transport = d->payload;
}

/* The length of an extension header, or 0: it is none (RFC 8200, 4). */
static uint32_t extension_bytes(uint8_t protocol, const uint8_t *at)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		return 8u * (at[1] + 1u);
	case IPPROTO_FRAGMENT:
		return 8;
	case IPPROTO_AH:
		return 4u * (at[1] + 2u); /* RFC 4302, 2.2 */
	}
	return 0;
}

/* It was not walked over: cut, or one too many. */
static bool is_extension(uint8_t protocol)
{
	static const uint8_t none[2];

	return extension_bytes(protocol, none) != 0;
}

static void dissect_ipv6(const uint8_t *data, uint32_t len, struct dissect *d)
{
	const uint8_t *ip = data + d->network;
	uint32_t at = d->network + 40, bytes;

	if (at > len || ip[0] >> 4 != 6)
		return;
	d->version = 6;
	d->protocol = ip[6];
	/* A length of 0 is a jumbogram, or a super-frame: what there is. */
	if ((be16_get(ip + 4) || ip[6] == IPPROTO_NONE) &&
	    at + be16_get(ip + 4) < len)
		d->end = at + be16_get(ip + 4);
	for (int i = 0; i < EXTENSIONS_MAX && at + 8 <= d->end; i++) {
		bytes = extension_bytes(d->protocol, data + at);
		if (!bytes || at + bytes > d->end)
			break;
		if (d->protocol == IPPROTO_FRAGMENT) {
			uint16_t fragment = be16_get(data + at + 2) & 0xfff9;

			d->fragment = fragment != 0;
			d->first_fragment = fragment == 1;
		}
		d->protocol = data[at];
		at += bytes;
		if (d->fragment && !d->first_fragment)
			break; /* what follows is from amid the packet */
	}
	d->payload = at;
	if ((!d->fragment || d->first_fragment) && !is_extension(d->protocol))
		d->transport = at;
}

/* What of a known layer 4 stands before its payload; 0: no whole header. */
static uint32_t transport_bytes(const uint8_t *data, const struct dissect *d)
{
	uint32_t left = d->end - d->transport, bytes = 0;

	switch (d->protocol) {
	case IPPROTO_TCP:
		if (left < 20)
			return 0;
		bytes = 4u * (data[d->transport + 12] >> 4);
		return bytes >= 20 && bytes <= left ? bytes : 0;
	case IPPROTO_UDP:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		bytes = 8;
		break;
	}
	return bytes <= left ? bytes : 0;
}

void dissect(const uint8_t *data, uint32_t len, struct dissect *d)
{
	uint32_t at = ADDRESSES_BYTES;

	memset(d, 0, sizeof(*d));
	d->end = len;
	d->type = be16_get(data + at);
	while (is_tag(d->type) && at + 6 <= len && d->n_tags < UINT8_MAX) {
		at += 4;
		d->n_tags++;
		d->type = be16_get(data + at);
	}
	d->network = d->payload = at + 2;
	if (d->type == 0x0800)
		dissect_ipv4(data, len, d);
	else if (d->type == 0x86dd)
		dissect_ipv6(data, len, d);
	if (d->transport > d->end || d->payload > d->end) {
		d->transport = 0;
		d->payload = d->end;
	}
	if (d->transport && !d->fragment)
		d->payload += transport_bytes(data, d);
}
