/* SPDX-License-Identifier: BSD-2-Clause */
/* See conf_value.h. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "conf.h"
#include "conf_value.h"
#include "lane.h"
#include "units.h"
#include "web.h"

#define LINE_BYTES_MAX 1022 /* of a file: see ini_scan.c */

int value_number(const char *text, uint64_t *value)
{
	uint64_t n = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		unsigned int digit = (unsigned int)(*text - '0');

		if (digit > 9 || n > (UINT64_MAX - digit) / 10)
			return -EINVAL;
		n = n * 10 + digit;
	}
	*value = n;
	return 0;
}

/* Seconds with up to nine decimals, exactly; or with a unit. */
int value_seconds(const char *text, uint64_t *ns)
{
	char whole[24] = "";
	size_t n = strcspn(text, ".");
	uint64_t seconds, unit = NS_PER_SEC / 10;

	if (*text && strchr("smh", text[strlen(text) - 1]))
		return units_duration(text, ns);
	if (n >= sizeof(whole))
		return -EINVAL;
	memcpy(whole, text, n);
	if (value_number(whole, &seconds) || seconds >= UINT64_MAX / NS_PER_SEC)
		return -EINVAL;
	*ns = seconds * NS_PER_SEC;
	if (!text[n])
		return 0;
	for (text += n + 1; *text >= '0' && *text <= '9' && unit; text++) {
		*ns += (uint64_t)(*text - '0') * unit;
		unit /= 10;
	}
	return *text || unit == NS_PER_SEC / 10 ? -EINVAL : 0;
}

int value_bool(const char *text, bool *value)
{
	static const struct {
		const char *text;
		bool value;
	} word[] = { { "yes", true }, { "no", false } };

	for (size_t i = 0; i < ARRAY_SIZE(word); i++) {
		if (strcmp(text, word[i].text))
			continue;
		*value = word[i].value;
		return 0;
	}
	return -EINVAL;
}

int value_choice(const char *text, const char *const *choice, int *value)
{
	for (int i = 0; choice[i]; i++) {
		if (strcmp(text, choice[i]))
			continue;
		*value = i;
		return 0;
	}
	return -EINVAL;
}

bool value_can_be_written(const char *key, const char *text)
{
	size_t n = strlen(text);

	if (strlen(key) + strlen(" = \"\"") + n > LINE_BYTES_MAX)
		return false;
	for (const char *c = text; *c; c++)
		if (((unsigned char)*c < ' ' && *c != '\t') || *c == '\177')
			return false;
	if (strchr(text, '"') && strchr(text, '\''))
		return false;
	if (!strchr(text, '\\'))
		return true;
	return !strpbrk(text, ";#'\"") && *text != ' ' && text[n - 1] != ' ' &&
	       text[n - 1] != '\\';
}

bool value_name_is_valid(const char *text)
{
	size_t n = strlen(text);

	return n && n <= 64 && *text != '.' &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == n;
}

/* What a key allows, in words. */
const char *value_allowed(const struct conf_key *key, char *buf, size_t size)
{
	size_t n = 0;

	switch (key->type) {
	case CONF_BOOL:
		return "yes or no";
	case CONF_NUMBER:
		snprintf(buf, size, "a whole number from %llu to %llu",
			 (unsigned long long)key->min,
			 (unsigned long long)key->max);
		return buf;
	case CONF_CPU:
		return "the number of a CPU, or none";
	case CONF_SECONDS:
		if (key->least_ns)
			snprintf(buf, size, "%sseconds from %g to %llu, "
				 "such as 10%s", key->never_zero ? "" : "0, or ",
				 (double)key->least_ns / NS_PER_SEC,
				 (unsigned long long)key->max,
				 key->least_ns < NS_PER_SEC / 5 ?
					 ", 0.5 or 20ms" : " or 60");
		else
			snprintf(buf, size,
				 "seconds from 0 to %llu, such as 10, 0.5 or "
				 "20ms",
				 (unsigned long long)key->max);
		return buf;
	case CONF_CHOICE:
		for (int i = 0; key->choice[i] && n < size; i++)
			n += (size_t)snprintf(buf + n, size - n, "%s%s",
					      i ? ", " : "one of ",
					      key->choice[i]);
		return buf;
	case CONF_BYTES:
		snprintf(buf, size, "%sa size from %llu to %llu bytes, such as "
			 "1514, 32kb or 10mb",
			 key->min && !key->never_zero ? "0, or " : "",
			 (unsigned long long)key->min,
			 (unsigned long long)key->max);
		return buf;
	case CONF_TEXT:
		snprintf(buf, size, "%s; or no", key->allowed);
		return buf;
	case CONF_IFNAME:
		return "the name of an interface, of 1 to 15 characters";
	case CONF_NAME:
		return "1 to 64 letters, digits, '-', '_' and '.', and no '.' "
		       "first";
	case CONF_PATH:
		return "the name of a file";
	case CONF_LISTEN:
		return WEB_LISTEN_ALLOWED;
	case CONF_RULE:
		return "a pcap-filter expression that fits on a line of the "
		       "file (at most 1022 bytes in all, no control bytes)";
	case CONF_RULE_FILE:
		return "the name of a file that fits on a line of the file "
		       "(at most 1022 bytes in all, no control bytes)";
	}
	return "";
}

static void print_seconds(uint64_t ns, char *buf, size_t size)
{
	int n = snprintf(buf, size, "%" PRIu64 ".%09" PRIu64, ns / NS_PER_SEC,
			 ns % NS_PER_SEC);

	while (n > 0 && (buf[n - 1] == '0' || buf[n - 1] == '.')) {
		bool dot = buf[--n] == '.';

		buf[n] = '\0';
		if (dot)
			break;
	}
}

/* In the largest unit that is exact. */
static void print_bytes(uint64_t bytes, char *buf, size_t size)
{
	bool mb = bytes && !(bytes & 0xfffff);
	bool kb = bytes && !(bytes & 0x3ff);

	snprintf(buf, size, "%" PRIu64 "%s", bytes >> (mb ? 20 : kb ? 10 : 0),
		 mb ? "mb" : kb ? "kb" : "");
}

const char *value_text(const struct conf_key *key, const void *base,
			      int side, char *buf, size_t size)
{
	const void *field = (const char *)base + key->offset;
	const char *text;
	uint64_t n;

	switch (key->type) {
	case CONF_BOOL:
		return *(const bool *)field ? "yes" : "no";
	case CONF_CHOICE:
		return key->choice[((const int *)field)[key->sided ? side : 0]];
	case CONF_TEXT:
		text = ((char *const *)field)[key->sided ? side : 0];
		return text ? text : "";
	case CONF_BYTES:
		print_bytes(*(const uint64_t *)field, buf, size);
		return buf;
	case CONF_IFNAME:
	case CONF_NAME:
	case CONF_PATH:
	case CONF_LISTEN:
		return *(char *const *)field ? *(char *const *)field : "";
	case CONF_SECONDS:
		print_seconds(*(const uint64_t *)field, buf, size);
		return buf;
	case CONF_CPU:
	case CONF_NUMBER:
		n = ((const uint64_t *)field)[key->sided ? side : 0];
		if (key->type == CONF_CPU && n == (uint64_t)LANE_NO_CPU)
			return "none";
		snprintf(buf, size, "%" PRIu64, n);
		return buf;
	case CONF_RULE:
	case CONF_RULE_FILE:
		break;
	}
	return "";
}
