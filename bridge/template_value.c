/* SPDX-License-Identifier: BSD-2-Clause */
/* See template_value.h. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "template_value.h"

#define ATOM_MAX 64 /* characters of one value, with its end */
#define MAC_BITS 48
#define MAC_LOCAL ((unsigned __int128)0x02 << 40)
#define MAC_LOCAL_PREFIX 8

static const struct template_name flag_names[] = {
	{ "fin", 0x001 }, { "syn", 0x002 }, { "rst", 0x004 }, { "psh", 0x008 },
	{ "ack", 0x010 }, { "urg", 0x020 }, { "ece", 0x040 }, { "cwr", 0x080 },
	{ "ns", 0x100 },  { "none", 0 },    { NULL, 0 },
};

static const char flag_letters[] = "FSRPAUECN"; /* from bit 0 */

static bool find_name(const struct template_name *names, const char *text,
		      unsigned __int128 *value)
{
	for (; names && names->name; names++) {
		if (!strcasecmp(names->name, text)) {
			*value = names->value;
			return true;
		}
	}
	return false;
}

static int digit_of(char c, unsigned int base)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) :
			     NULL;

	return at && at - digits < (int)base ? (int)(at - digits) : -1;
}

/* Digits to the end of the text, at most 64 bits of them. */
static bool read_digits(const char *text, unsigned int base,
			unsigned __int128 *value)
{
	unsigned __int128 n = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		int digit = digit_of(*text, base);

		if (digit < 0)
			return false;
		n = n * base + (unsigned int)digit;
		if (n > UINT64_MAX)
			return false;
	}
	*value = n;
	return true;
}

static bool read_number(const char *text, unsigned __int128 *value)
{
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return read_digits(text + 2, 16, value);
	return read_digits(text, 10, value);
}

static bool read_mac(const char *text, unsigned __int128 *value)
{
	unsigned __int128 n = 0;

	for (int i = 0; i < 6; i++) {
		int high, low;

		if (i && *text++ != ':')
			return false;
		high = digit_of(*text, 16);
		if (high < 0)
			return false;
		low = digit_of(*++text, 16);
		if (low < 0)
			n = n << 8 | (unsigned int)high;
		else
			n = n << 8 | (unsigned int)(high << 4 | low);
		text += low >= 0;
	}
	*value = n;
	return !*text;
}

static bool read_address(int family, size_t bytes, const char *text,
			 unsigned __int128 *value)
{
	uint8_t address[16];

	if (inet_pton(family, text, address) != 1)
		return false;
	*value = 0;
	for (size_t i = 0; i < bytes; i++)
		*value = *value << 8 | address[i];
	return true;
}

static bool read_ip4(const char *text, unsigned __int128 *value)
{
	return read_address(AF_INET, 4, text, value);
}

static bool read_ip6(const char *text, unsigned __int128 *value)
{
	return read_address(AF_INET6, 16, text, value);
}

static bool read_letters(const char *word, unsigned __int128 *value)
{
	if (!*word)
		return false;
	for (; *word; word++) {
		const char *at = strchr(flag_letters, *word);

		if (!at)
			return false;
		*value |= 1u << (at - flag_letters);
	}
	return true;
}

static bool read_flags(const char *text, unsigned __int128 *value)
{
	char words[ATOM_MAX], *rest = words, *word;
	unsigned __int128 flag;

	if (digit_of(*text, 10) >= 0)
		return read_number(text, value);
	*value = 0;
	snprintf(words, sizeof(words), "%s", text);
	while ((word = strsep(&rest, ",+|"))) {
		if (find_name(flag_names, word, &flag))
			*value |= flag;
		else if (!read_letters(word, value))
			return false;
	}
	return true;
}

static const struct {
	bool (*read)(const char *text, unsigned __int128 *value);
	bool is_address; /* A/N is a prefix */
	const char *noun;
	const char *more;
} type_info[] = {
	[TEMPLATE_NUMBER] = { read_number, false, NULL,
			      "A-B, A-B/STEP, A+STEP, random or random:A-B" },
	[TEMPLATE_MAC] = { read_mac, true, "a MAC address as 02:00:00:00:00:01",
			   "A-B, A-B/STEP, A+STEP, A/BITS, random, "
			   "random:A-B or random:A/BITS" },
	[TEMPLATE_IP4] = { read_ip4, true, "an IPv4 address",
			   "A-B, A-B/STEP, A+STEP, A/BITS, random, "
			   "random:A-B or random:A/BITS" },
	[TEMPLATE_IP6] = { read_ip6, true, "an IPv6 address",
			   "A-B, A-B/STEP, A+STEP, A/BITS, random, "
			   "random:A-B or random:A/BITS" },
	[TEMPLATE_FLAGS] = { read_flags, false,
			     "letters of FSRPAUECN, names as syn,ack, "
			     "a number from 0 to 511",
			     "A-B, A-B/STEP, A+STEP, random or random:A-B" },
};

/* One value without ways to change, of the first n characters. */
static bool read_atom(const struct template_syntax *syntax, const char *from,
		      size_t n, unsigned __int128 *value)
{
	char text[ATOM_MAX];

	if (!n || n >= sizeof(text))
		return false;
	memcpy(text, from, n);
	text[n] = '\0';
	return find_name(syntax->names, text, value) ||
	       (type_info[syntax->type].read(text, value) &&
		*value <= template_mask(syntax->bits));
}

static bool read_step(const struct template_syntax *syntax, const char *text,
		      unsigned __int128 *step)
{
	return read_number(text, step) && *step &&
	       *step <= template_mask(syntax->bits);
}

/* A-B or, where a step makes sense, A-B/STEP. */
static int read_range(const struct template_syntax *syntax, const char *text,
		      const char *dash, bool steps,
		      struct template_value *value)
{
	const char *slash = strchr(dash, '/');
	size_t n = slash ? (size_t)(slash - dash - 1) : strlen(dash + 1);

	value->step = 1;
	if (!read_atom(syntax, text, (size_t)(dash - text), &value->first) ||
	    !read_atom(syntax, dash + 1, n, &value->last))
		return -EINVAL;
	if (slash && (!steps || !read_step(syntax, slash + 1, &value->step)))
		return -EINVAL;
	return value->last < value->first ? -ERANGE : 0;
}

/* A/BITS: all addresses that begin like A. */
static int read_prefix(const struct template_syntax *syntax, const char *text,
		       const char *slash, struct template_value *value)
{
	unsigned __int128 length, rest;

	if (!type_info[syntax->type].is_address ||
	    !read_atom(syntax, text, (size_t)(slash - text), &value->first) ||
	    !read_digits(slash + 1, 10, &length) || length > syntax->bits)
		return -EINVAL;
	rest = length == syntax->bits ?
		       0 :
		       template_mask(syntax->bits - (unsigned int)length);
	value->first &= ~rest;
	value->last = value->first | rest;
	value->step = 1;
	return 0;
}

static int read_random(const struct template_syntax *syntax, const char *text,
		       struct template_value *value)
{
	const char *at;

	value->kind = TEMPLATE_RANDOM;
	value->step = 0;
	value->first = 0;
	value->last = template_mask(syntax->bits);
	if (!*text && syntax->type == TEMPLATE_MAC) {
		value->first = MAC_LOCAL;
		value->last = MAC_LOCAL |
			      template_mask(MAC_BITS - MAC_LOCAL_PREFIX);
	}
	if (!*text)
		return 0;
	if (*text++ != ':')
		return -EINVAL;
	at = strchr(text, '-');
	if (at)
		return read_range(syntax, text, at, false, value);
	at = strchr(text, '/');
	return at ? read_prefix(syntax, text, at, value) : -EINVAL;
}

static int read_count(const struct template_syntax *syntax, const char *text,
		      const char *plus, struct template_value *value)
{
	value->kind = TEMPLATE_COUNT;
	value->last = template_mask(syntax->bits);
	if (!read_atom(syntax, text, (size_t)(plus - text), &value->first) ||
	    !read_step(syntax, plus + 1, &value->step))
		return -EINVAL;
	return 0;
}

int template_value_parse(const struct template_syntax *syntax,
			 const char *text, struct template_value *value)
{
	const char *at;

	*value = (struct template_value){ .kind = TEMPLATE_FIXED };
	if (read_atom(syntax, text, strlen(text), &value->first)) {
		value->last = value->first;
		return 0;
	}
	if (!strncmp(text, "random", 6))
		return read_random(syntax, text + 6, value);
	value->kind = TEMPLATE_WALK;
	at = strchr(text, '-');
	if (at)
		return read_range(syntax, text, at, true, value);
	at = strchr(text, '+');
	if (at)
		return read_count(syntax, text, at, value);
	at = strchr(text, '/');
	return at ? read_prefix(syntax, text, at, value) : -EINVAL;
}

void template_value_allowed(const struct template_syntax *syntax, char *text,
			    size_t size)
{
	const char *more = type_info[syntax->type].more;
	size_t n = 0;

	for (const struct template_name *name = syntax->names;
	     name && name->name && n < size; name++)
		n += (size_t)snprintf(text + n, size - n, "%s, ", name->name);
	if (n >= size)
		return;
	if (syntax->type == TEMPLATE_NUMBER)
		snprintf(text + n, size - n, "a number from 0 to %llu, %s",
			 (unsigned long long)template_mask(syntax->bits), more);
	else
		snprintf(text + n, size - n, "%s, %s",
			 type_info[syntax->type].noun, more);
}
