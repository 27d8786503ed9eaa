/* SPDX-License-Identifier: BSD-2-Clause */
/* See checksum.h. */
#include "config.h"

#include <arpa/inet.h>
#include <string.h>

#include "be.h"
#include "checksum.h"

/*
 * The order of bytes does not matter until the end (RFC 1071, 2 B), so that
 * words of the machine can be added: halves of 64 bits, whose carries gather
 * above them, two at a time where the machine can (SSE2, NEON); elsewhere the
 * compiler takes the pairs apart.
 */
typedef uint64_t words __attribute__((vector_size(16)));

#define STEP_BYTES 32

/* Add 32 bytes. */
static inline words add_words(words sum, words a, words b)
{
	const words low = { UINT32_MAX, UINT32_MAX };

	return sum + (a & low) + (a >> 32) + (b & low) + (b >> 32);
}

/* Add less than STEP_BYTES, the last ones. */
static uint64_t add_rest(uint64_t sum, const uint8_t *data, uint32_t len)
{
	uint32_t word = 0;

	for (; len >= 4; data += 4, len -= 4) {
		memcpy(&word, data, 4);
		sum += word;
	}
	word = 0;
	memcpy(&word, data, len);
	return sum + word;
}

static uint32_t fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ntohs((uint16_t)sum);
}

uint32_t checksum_sum(const uint8_t *data, uint32_t len)
{
	words sum = { 0, 0 }, a, b;

	for (; len >= STEP_BYTES; data += STEP_BYTES, len -= STEP_BYTES) {
		memcpy(&a, data, 16);
		memcpy(&b, data + 16, 16);
		sum = add_words(sum, a, b);
	}
	return fold(add_rest(sum[0] + sum[1], data, len));
}

uint32_t checksum_copy(uint8_t *to, const uint8_t *from, uint32_t len)
{
	words sum = { 0, 0 }, a, b;

	for (; len >= STEP_BYTES; len -= STEP_BYTES) {
		memcpy(&a, from, 16);
		memcpy(&b, from + 16, 16);
		memcpy(to, &a, 16);
		memcpy(to + 16, &b, 16);
		sum = add_words(sum, a, b);
		from += STEP_BYTES;
		to += STEP_BYTES;
	}
	memcpy(to, from, len);
	return fold(add_rest(sum[0] + sum[1], from, len));
}

uint32_t checksum_delta(const uint8_t *from, const uint8_t *to, uint32_t len)
{
	uint32_t delta = 0;

	for (uint32_t i = 0; i + 1 < len; i += 2) {
		delta = checksum_join(delta, (uint16_t)~be16_get(from + i));
		delta = checksum_join(delta, be16_get(to + i));
	}
	return delta;
}

void checksum_mend(uint8_t *field, uint32_t delta)
{
	uint16_t sum = (uint16_t)~be16_get(field);

	be16_put(field, ~checksum_join(sum, delta));
}

/* Loose and strict source route: type, length, pointer, addresses. */
static uint32_t route_of_ipv4(const uint8_t *data, const struct dissect *d)
{
	uint32_t at = d->network + 20;
	uint32_t end = d->network + 4u * (data[d->network] & 0x0f);

	while (at + 3 <= end && data[at]) {
		uint32_t len = data[at + 1];

		if (data[at] == 1) { /* no operation */
			at++;
			continue;
		}
		if (len < 2 || at + len > end)
			break;
		if ((data[at] == 131 || data[at] == 137) && len >= 7 &&
		    data[at + 2] + 3u <= len)
			return at + len - 4;
		at += len;
	}
	return d->network + 16;
}

/* The last address of a routing header that has segments left: of type 0 and
 * of type 2 it stands last, of type 4 (segment routing) first. */
static uint32_t route_end(const uint8_t *data, uint32_t at, uint32_t bytes)
{
	if (!data[at + 3] || bytes < 24)
		return 0;
	switch (data[at + 2]) {
	case 0:
	case 2:
		return at + (bytes - 8) / 16 * 16 - 8;
	case 4:
		return at + 8;
	}
	return 0;
}

/* dissect() went this way before and found all of it in the frame. */
static uint32_t route_of_ipv6(const uint8_t *data, const struct dissect *d)
{
	uint32_t at = d->network + 40, bytes, final;
	uint8_t next = data[d->network + 6];

	for (; at + 8 <= d->transport; at += bytes) {
		bytes = 8u * (data[at + 1] + 1u);
		if (next == IPPROTO_FRAGMENT)
			bytes = 8;
		else if (next == IPPROTO_AH)
			bytes = 4u * (data[at + 1] + 2u);
		if (next == IPPROTO_ROUTING) {
			final = route_end(data, at, bytes);
			if (final)
				return final;
		}
		next = data[at];
	}
	return d->network + 24;
}

uint32_t checksum_destination(const uint8_t *data, const struct dissect *d)
{
	return d->version == 4 ? route_of_ipv4(data, d) :
				 route_of_ipv6(data, d);
}

uint32_t checksum_pseudo(const uint8_t *data, const struct dissect *d,
			 uint32_t len)
{
	uint32_t bytes = d->version == 4 ? 4 : 16;
	uint32_t source = d->network + (d->version == 4 ? 12 : 8);
	uint32_t sum = checksum_sum(data + source, bytes);

	sum = checksum_join(sum, checksum_sum(data +
					      checksum_destination(data, d),
					      bytes));
	sum = checksum_join(sum, d->protocol);
	sum = checksum_join(sum, len >> 16);
	return checksum_join(sum, len & 0xffff);
}

/* Where a layer 4 has its checksum, and what it is taken over. */
struct layer4 {
	uint8_t version; /* of the IP below it; 0: any */
	uint8_t protocol;
	uint8_t field;
	uint8_t min_bytes;
	bool pseudo; /* the pseudo-header counts */
};

static const struct layer4 layer4[] = {
	{ 0, IPPROTO_TCP, 16, 20, true },  { 0, IPPROTO_UDP, 6, 8, true },
	{ 4, IPPROTO_ICMP, 2, 4, false },  { 6, IPPROTO_ICMPV6, 2, 4, true },
	{ 4, IPPROTO_IGMP, 2, 8, false },
};

static void fix_layer4(uint8_t *data, const struct dissect *d,
		       const struct layer4 *l4)
{
	uint8_t *start = data + d->transport, *field = start + l4->field;
	uint32_t len = d->end - d->transport, sum = 0;

	if (len < l4->min_bytes)
		return;
	if (l4->protocol == IPPROTO_UDP && be16_get(start + 4)) {
		/* It has a length of its own; 0 is a jumbogram's (RFC 2675). */
		if (be16_get(start + 4) < 8 || be16_get(start + 4) > len)
			return;
		len = be16_get(start + 4);
	}
	be16_put(field, 0);
	if (l4->pseudo)
		sum = checksum_pseudo(data, d, len);
	sum = checksum_join(sum, checksum_sum(start, len));
	if (l4->protocol == IPPROTO_UDP && sum == 0xffff)
		sum = 0;
	be16_put(field, ~sum);
}

void checksum_fix_network(uint8_t *data, const struct dissect *d)
{
	uint8_t *ip = data + d->network;

	if (d->version != 4)
		return;
	be16_put(ip + 10, 0);
	be16_put(ip + 10, ~checksum_sum(ip, 4u * (ip[0] & 0x0f)));
}

/* The packet is longer than the frame: the capture cut it. */
static bool is_cut(const uint8_t *data, uint32_t len, const struct dissect *d)
{
	const uint8_t *ip = data + d->network;
	uint32_t bytes = d->version == 4 ? be16_get(ip + 2) :
					   40u + be16_get(ip + 4);

	return d->network + bytes > len;
}

void checksum_fix(uint8_t *data, uint32_t len)
{
	struct dissect d;

	dissect(data, len, &d);
	checksum_fix_network(data, &d);
	if (!d.version || !d.transport || d.fragment || is_cut(data, len, &d))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(layer4); i++)
		if (layer4[i].protocol == d.protocol &&
		    (!layer4[i].version || layer4[i].version == d.version))
			fix_layer4(data, &d, &layer4[i]);
}
