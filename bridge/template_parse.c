/* SPDX-License-Identifier: BSD-2-Clause */
/* See template_parse.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "suggest.h"
#include "template_parse.h"

#define ITEM_MAX 256 /* characters of one field=value with its end */
#define BLANKS " \t\r\n"

void template_layer_init(struct template_layer *layer,
			 const struct template_layer_info *info)
{
	*layer = (struct template_layer){ .info = info };
	for (size_t i = 0; i < info->n_fields; i++) {
		const struct template_field *field = &info->field[i];

		if (field->preset)
			template_value_parse(&field->syntax, field->preset,
					     &layer->value[i]);
	}
}

struct template_value *template_layer_value(struct template_layer *layer,
					    const char *name, bool *given)
{
	const struct template_field *field =
		template_field_find(layer->info, name);
	size_t i = (size_t)(field - layer->info->field);

	*given = layer->given >> i & 1;
	return &layer->value[i];
}

/* Where the item ends: at a comma, but flags may have commas between them, as
 * long as no = follows. */
static size_t item_length(const struct template_layer_info *info,
			  const char *text)
{
	size_t n = strcspn(text, ","), name = strcspn(text, "=,");
	bool flags = false;

	for (size_t i = 0; i < info->n_fields; i++) {
		const struct template_field *field = &info->field[i];

		if (field->syntax.type == TEMPLATE_FLAGS &&
		    strlen(field->name) == name &&
		    !strncmp(field->name, text, name))
			flags = true;
	}
	while (flags && text[n]) {
		const char *next = text + n + 1;

		if (next[strcspn(next, "=,")] == '=')
			break;
		n += 1 + strcspn(next, ",");
	}
	return n;
}

/* Cut blanks off both ends, in place. */
static char *trim(char *text)
{
	size_t n;

	text += strspn(text, BLANKS);
	n = strlen(text);
	while (n && strchr(BLANKS, text[n - 1]))
		n--;
	text[n] = '\0';
	return text;
}

static int refuse_name(const struct template_layer_info *info, const char *name)
{
	struct suggest s = { .wrong = name };
	char list[ITEM_MAX];
	size_t n = 0;

	for (size_t i = 0; i < info->n_fields && n < sizeof(list); i++) {
		suggest_offer(&s, info->field[i].name);
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s",
				      i ? ", " : "", info->field[i].name);
	}
	if (s.best)
		log_err("--%s %s: no such field; did you mean %s?", info->name,
			name, s.best);
	else
		log_err("--%s %s: no such field; it has %s", info->name, name,
			list);
	return -EINVAL;
}

static int set_field(struct template_layer *layer,
		     const struct template_field *field, const char *text)
{
	size_t i = (size_t)(field - layer->info->field);
	struct template_value value;
	char allowed[ITEM_MAX];
	int r;

	if (layer->given >> i & 1) {
		log_err("--%s %s: %s: it is given twice", layer->info->name,
			field->name, text);
		return -EINVAL;
	}
	r = template_value_parse(&field->syntax, text, &value);
	if (r == -ERANGE) {
		log_err("--%s %s: %s: a range goes from the lower value to the "
			"higher", layer->info->name, field->name, text);
		return -EINVAL;
	}
	if (r) {
		template_value_allowed(&field->syntax, allowed,
				       sizeof(allowed));
		log_err("--%s %s: %s: %s", layer->info->name, field->name,
			*text ? text : "nothing", allowed);
		return r;
	}
	layer->value[i] = value;
	layer->given |= 1u << i;
	return 0;
}

static int parse_item(struct template_layer *layer, char *item)
{
	const struct template_layer_info *info = layer->info;
	const struct template_field *field;
	char *text = strchr(item, '='), *name;

	if (text)
		*text++ = '\0';
	name = trim(item);
	if (!*name) {
		log_err("--%s: %s%s: a field=value is missing here", info->name,
			text ? "=" : ",", text ? text : "");
		return -EINVAL;
	}
	field = template_field_find(info, name);
	if (!field)
		return refuse_name(info, name);
	if (!text) {
		log_err("--%s %s: it needs a value: %s=...", info->name, name,
			name);
		return -EINVAL;
	}
	return set_field(layer, field, trim(text));
}

int template_parse_fields(struct template_layer *layer, const char *text)
{
	char item[ITEM_MAX];

	text += strspn(text, BLANKS);
	while (*text) {
		size_t n = item_length(layer->info, text);
		int r;

		if (n >= sizeof(item)) {
			log_err("--%s: %.40s...: a field and its value have up "
				"to %d characters", layer->info->name, text,
				ITEM_MAX - 1);
			return -EINVAL;
		}
		memcpy(item, text, n);
		item[n] = '\0';
		r = parse_item(layer, item);
		if (r)
			return r;
		text += n;
		if (!*text)
			break;
		text++;
		if (!text[strspn(text, BLANKS)]) {
			log_err("--%s: a field and its value have to follow "
				"the last comma", layer->info->name);
			return -EINVAL;
		}
	}
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Room for n more; they are not counted yet. */
static int make_room(struct template_bytes *bytes, const char *layer, size_t n,
		     uint32_t max)
{
	uint8_t *data;

	if (n > max - bytes->n) {
		log_err("--%s: %zu bytes: a frame holds %u in all", layer,
			n + bytes->n, max);
		return -EINVAL;
	}
	data = realloc(bytes->data, bytes->n + n + 1);
	if (!data)
		return -ENOMEM;
	bytes->data = data;
	return 0;
}

/* Behind a backslash: the byte, and *text moves on to the escape's last
 * character; below 0 if it is none. */
static int read_escape(const char **text)
{
	static const char letter[] = "nrt0\\", stands_for[] = "\n\r\t\0\\";
	const char *c = *text;
	const char *at;

	if (*c == 'x' && hex_digit(c[1]) >= 0 && hex_digit(c[2]) >= 0) {
		*text += 2;
		return hex_digit(c[1]) << 4 | hex_digit(c[2]);
	}
	at = *c ? strchr(letter, *c) : NULL;
	return at ? stands_for[at - letter] : -1;
}

int template_parse_text(struct template_bytes *bytes, const char *text,
			uint32_t max)
{
	uint32_t n = bytes->n;
	int r = make_room(bytes, "payload", strlen(text), max);

	if (r)
		return r;
	for (; *text; text++) {
		int byte = (uint8_t)*text;

		if (*text == '\\') {
			const char *from = text++;

			byte = read_escape(&text);
			if (byte < 0) {
				log_err("--payload: %.4s: of escapes there are "
					"\\xNN, \\n, \\r, \\t, \\0 and \\\\",
					from);
				return -EINVAL;
			}
		}
		bytes->data[n++] = (uint8_t)byte;
	}
	bytes->n = n;
	return 0;
}

int template_parse_hex(struct template_bytes *bytes, const char *text,
		       uint32_t max)
{
	uint32_t n = bytes->n;
	size_t digits = 0;
	int r;

	for (const char *c = text; *c; c++)
		digits += hex_digit(*c) >= 0;
	r = make_room(bytes, "hex", digits / 2, max);
	if (r)
		return r;
	while (*text) {
		if (strchr(BLANKS ":", *text)) {
			text++;
			continue;
		}
		if (hex_digit(text[0]) < 0 || hex_digit(text[1]) < 0) {
			log_err("--hex: %.8s: pairs of hexadecimal digits, "
				"with blanks or colons between them", text);
			return -EINVAL;
		}
		bytes->data[n++] = (uint8_t)(hex_digit(text[0]) << 4 |
					     hex_digit(text[1]));
		text += 2;
	}
	bytes->n = n;
	return 0;
}
