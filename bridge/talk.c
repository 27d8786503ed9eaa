/* SPDX-License-Identifier: BSD-2-Clause */
/* See talk.h. */
#include "config.h"

#include <netinet/in.h>
#include <string.h>

#include "be.h"
#include "talk.h"

static void talk_ends(struct talk *t, const uint8_t *from, const uint8_t *to,
		      uint32_t bytes)
{
	memset(&t->from, 0, sizeof(t->from));
	memset(&t->to, 0, sizeof(t->to));
	memcpy(t->from.address, from, bytes);
	memcpy(t->to.address, to, bytes);
}

/* The low ports are the servers'; those of DHCP are both low. */
static bool ports_of_answer(uint16_t from, uint16_t to)
{
	return (from < 1024 && to >= 1024) || (from == 67 && to == 68) ||
	       (from == 547 && to == 546);
}

static void talk_ports(struct talk *t, const uint8_t *l4, uint32_t left)
{
	if (left < 4)
		return;
	t->from.port = be16_get(l4);
	t->to.port = be16_get(l4 + 2);
	t->from_server = ports_of_answer(t->from.port, t->to.port);
	if (t->protocol == IPPROTO_TCP && left >= 14) {
		bool syn = l4[13] & 0x02, ack = l4[13] & 0x10;

		if (syn)
			t->from_server = ack;
	}
}

bool talk_is_zero(const uint8_t *address, uint32_t bytes)
{
	static const uint8_t zero[16];

	return !memcmp(address, zero, bytes);
}

/* A question goes to all and yet means one. A probe (from nobody: RFC 5227;
 * RFC 4862, 5.4) and an announcement (of the own address) mean nobody. */
static void talk_neighbours(struct talk *t, const uint8_t *from,
			    const uint8_t *to, uint32_t bytes, bool is_answer)
{
	t->from_server = is_answer;
	if (talk_is_zero(from, bytes) || talk_is_zero(to, bytes) ||
	    !memcmp(from, to, bytes))
		return;
	talk_ends(t, from, to, bytes);
	t->kind = KIND_NEIGHBOURS;
	t->protocol = 0;
	t->alone = false;
}

/* RFC 792, RFC 4443. Echoes are told apart by their ids; an error is an answer;
 * of ICMPv6, 135 and 136 ask for neighbours and answer (RFC 4861, 4.3). */
static void talk_icmp(struct talk *t, const uint8_t *ip, const uint8_t *l4,
		      uint32_t left)
{
	static const bool is_error4[UINT8_MAX + 1] = {
		[3] = true, [4] = true, [5] = true, [11] = true, [12] = true,
	};
	bool v6 = t->kind == 6;
	uint8_t type = left < 8 ? UINT8_MAX : l4[0];

	if (type == (v6 ? 128 : 8) || type == (v6 ? 129 : 0)) {
		t->from.port = t->to.port = be16_get(l4 + 4);
		t->from_server = type == (v6 ? 129 : 0);
	} else if (v6 ? type < 128 : is_error4[type]) {
		t->is_error = t->from_server = true;
	} else if (v6 && type == 135 && left >= 24) {
		talk_neighbours(t, ip + 8, l4 + 8, 16, false);
	} else if (v6 && type == 136 && left >= 24 && ip[24] != 0xff) {
		talk_neighbours(t, l4 + 8, ip + 24, 16, true);
	}
}

static void talk_ip(struct talk *t, const uint8_t *data,
		    const struct dissect *d)
{
	const uint8_t *ip = data + d->network, *l4 = data + d->transport;
	uint32_t bytes = d->version == 4 ? 4 : 16;
	uint32_t at = d->version == 4 ? 12 : 8;
	uint32_t left = d->end - d->transport;

	t->kind = d->version;
	talk_ends(t, ip + at, ip + at + bytes, bytes);
	if (!d->transport)
		return; /* a later fragment: it follows its addresses */
	t->protocol = d->protocol;
	t->fragment = d->fragment;
	if (d->protocol == IPPROTO_TCP || d->protocol == IPPROTO_UDP ||
	    d->protocol == IPPROTO_SCTP)
		talk_ports(t, l4, left);
	else if (d->protocol == (d->version == 4 ? IPPROTO_ICMP :
						   IPPROTO_ICMPV6))
		talk_icmp(t, ip, l4, left);
}

bool talk_is_arp(const uint8_t *data, uint32_t len, const struct dissect *d)
{
	return d->type == 0x0806 && d->network + 28 <= len &&
	       data[d->network + 4] == 6 && data[d->network + 5] == 4;
}

void talk_of(struct talk *t, const uint8_t *data, uint32_t len)
{
	const uint8_t *arp;
	struct dissect d;

	dissect(data, len, &d);
	memset(t, 0, sizeof(*t));
	t->alone = data[0] & 1;
	talk_ends(t, data + 6, data, 6);
	arp = data + d.network;
	if (d.version)
		talk_ip(t, data, &d);
	else if (talk_is_arp(data, len, &d))
		talk_neighbours(t, arp + 14, arp + 24, 4,
				be16_get(arp + 6) == 2);
}
