/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a field of a template holds from frame to frame, and how people write
 * it:
 *
 *	80                    always that
 *	1000-2000             walks: one up a frame, then from the first again
 *	1000-2000/5           the same in steps of 5
 *	1000+5                counts: 5 up a frame, wraps at the field's width
 *	random                any value of the field's width
 *	random:1000-2000      any of these
 *	10.0.0.0/24           addresses: walks through the prefix
 *	random:10.0.0.0/8     addresses: any of the prefix
 *
 * Numbers are decimal or 0x and hexadecimal. `random` of a MAC address is
 * random:02:00:00:00:00:00/8: local, and of one station.
 */
#ifndef BUMPWIRE_TEMPLATE_VALUE_H
#define BUMPWIRE_TEMPLATE_VALUE_H

#include "base.h"

enum template_kind {
	TEMPLATE_FIXED,  /* first */
	TEMPLATE_WALK,   /* first, by step, up to last; then first again */
	TEMPLATE_COUNT,  /* first, by step, modulo the width */
	TEMPLATE_RANDOM, /* first to last */
};

/* As numbers in host order; an IPv6 address needs them as wide as this. */
struct template_value {
	enum template_kind kind;
	unsigned __int128 first;
	unsigned __int128 last;
	unsigned __int128 step;
};

enum template_type {
	TEMPLATE_NUMBER,
	TEMPLATE_MAC,
	TEMPLATE_IP4,
	TEMPLATE_IP6,
	TEMPLATE_FLAGS, /* of TCP: SA, or syn,ack with , + | between */
};

/* A word for a number; a list of them ends with a name of NULL. */
struct template_name {
	const char *name;
	uint32_t value;
};

/* What may be written for a field. */
struct template_syntax {
	enum template_type type;
	uint8_t bits;
	const struct template_name *names; /* or NULL */
};

/*
 * Read one value, of the whole text. 0; -EINVAL if it is none; -ERANGE for a
 * range that runs downwards. Logs nothing.
 */
int template_value_parse(const struct template_syntax *syntax,
			 const char *text, struct template_value *value);

/* What is allowed, for an error message. */
void template_value_allowed(const struct template_syntax *syntax, char *text,
			    size_t size);

/* The highest value of this many bits, 1 to 128. */
static inline unsigned __int128 template_mask(unsigned int bits)
{
	return ~(unsigned __int128)0 >> (128 - bits);
}

#endif
