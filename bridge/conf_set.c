/* SPDX-License-Identifier: BSD-2-Clause */
/* How one key of a configuration is set; see conf.h. How a value is read stands
 * in conf_value.c. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "conf.h"
#include "conf_value.h"
#include "lane.h"
#include "link.h"
#include "stage_params.h"
#include "units.h"
#include "web.h"

static int set_string(char **to, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

/* ---- keys ---- */

/* A key in pieces: [left.|right.]NAME[.ID] */
struct key_parts {
	const struct conf_key *key;
	enum side side;
	const char *id; /* NULL: none */
};

static bool key_split(enum conf_section section, const char *text,
		      struct key_parts *parts)
{
	const char *name = text;

	parts->side = SIDE_BOTH;
	for (int side = 0; side < SIDES; side++) {
		size_t n = strlen(side_name[side]);

		if (!strncmp(text, side_name[side], n) && text[n] == '.') {
			parts->side = (enum side)side;
			name = text + n + 1;
		}
	}
	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *key = &conf_key[i];
		size_t n = strlen(key->name);
		bool rule = key->type == CONF_RULE ||
			    key->type == CONF_RULE_FILE;

		if (key->section != section || strncmp(name, key->name, n) ||
		    (parts->side != SIDE_BOTH && !key->sided))
			continue;
		parts->key = key;
		parts->id = NULL;
		if (!name[n])
			return true;
		parts->id = name + n + 1;
		if (rule && name[n] == '.' && name[n + 1])
			return true;
	}
	return false;
}

static int add_rule(struct conf_pair *pair, const struct key_parts *parts,
		    const char *where, const char *key, const char *value)
{
	const struct conf_rule rule = {
		.side = parts->side,
		.where = (char *)where,
		.rule = {
			.id = parts->id ? parts->id : key,
			.text = value,
			.is_file = parts->key->type == CONF_RULE_FILE,
			.action = parts->key->action,
		},
	};

	return conf_add_rule(pair, &rule);
}

/* Does a key that is set mean this side? One that knows no sides has its value
 * where the left one's would be. */
static bool means(const struct key_parts *parts, int side)
{
	if (!parts->key->sided)
		return side == 0;
	return parts->side == SIDE_BOTH || parts->side == (enum side)side;
}

static int set_sided(const struct key_parts *parts, void *field, uint64_t n)
{
	uint64_t *to = field;

	for (int side = 0; side < SIDES; side++)
		if (means(parts, side))
			to[side] = n;
	return 0;
}

static int set_choice(const struct key_parts *parts, void *field,
		      const char *value)
{
	int *to = field, n;

	if (value_choice(value, parts->key->choice, &n))
		return -EINVAL;
	for (int side = 0; side < SIDES; side++)
		if (means(parts, side))
			to[side] = n;
	return 0;
}

/* What its own parser takes, kept as it was typed. */
static int set_text(const struct key_parts *parts, char **field,
		    const char *name, const char *value)
{
	union stage_params scratch = { 0 };
	bool none = !strcmp(value, "no");
	int r = 0;

	if (!none && (!*value || !value_can_be_written(name, value) ||
		      (parts->key->parse &&
		       parts->key->parse(value, &scratch))))
		return -EINVAL;
	for (int side = 0; side < SIDES && !r; side++) {
		if (!means(parts, side))
			continue;
		if (!none) {
			r = set_string(&field[side], value);
		} else {
			free(field[side]);
			field[side] = NULL;
		}
	}
	return r;
}

static int set_value(struct conf_pair *pair, const struct key_parts *parts,
		     void *base, const char *where, const char *name,
		     const char *value)
{
	const struct conf_key *key = parts->key;
	void *field = (char *)base + key->offset;
	uint64_t n = 0;

	switch (key->type) {
	case CONF_BOOL:
		return value_bool(value, field);
	case CONF_NUMBER:
		if (value_number(value, &n) || n < key->min || n > key->max)
			return -EINVAL;
		return set_sided(parts, field, n);
	case CONF_CPU:
		if (!strcmp(value, "none"))
			n = (uint64_t)LANE_NO_CPU;
		else if (value_number(value, &n) || n > key->max)
			return -EINVAL;
		return set_sided(parts, field, n);
	case CONF_SECONDS:
		if (value_seconds(value, &n) || n > key->max * NS_PER_SEC ||
		    (n ? n < key->least_ns : key->never_zero))
			return -EINVAL;
		*(uint64_t *)field = n;
		return 0;
	case CONF_BYTES:
		if (units_bytes(value, &n) || n > key->max ||
		    (n ? n < key->min : key->never_zero))
			return -EINVAL;
		*(uint64_t *)field = n;
		return 0;
	case CONF_CHOICE:
		return set_choice(parts, field, value);
	case CONF_TEXT:
		return set_text(parts, field, name, value);
	case CONF_IFNAME:
		return link_name_is_valid(value) &&
				       value_can_be_written(name, value) ?
			       set_string(field, value) : -EINVAL;
	case CONF_NAME:
		return value_name_is_valid(value) ? set_string(field, value) :
						    -EINVAL;
	case CONF_PATH:
		return *value && value_can_be_written(name, value) ?
			       set_string(field, value) : -EINVAL;
	case CONF_LISTEN:
		return web_check_listen(value) ? -EINVAL :
						 set_string(field, value);
	case CONF_RULE:
	case CONF_RULE_FILE:
		return *value && value_can_be_written(name, value) ?
			       add_rule(pair, parts, where, name, value) : -EINVAL;
	}
	return -EINVAL;
}

static void unknown_key(enum conf_section section, const char *where,
			const char *key)
{
	struct key_parts parts;
	const char *near;

	for (int other = 0; other < CONF_SECTIONS; other++) {
		if (other == (int)section ||
		    !key_split((enum conf_section)other, key, &parts))
			continue;
		log_err("%s: no such key here: it belongs into [%s%s]", where,
			conf_section_name[other],
			other == CONF_PAIR ? " NAME" : "");
		return;
	}
	near = conf_suggest(key);
	log_err("%s: no such key%s%s%s", where, near ? "; did you mean " : "",
		near ? near : "", near ? "?" : "");
}

const struct conf_key *conf_find_key(enum conf_section section,
				     const char *text)
{
	struct key_parts parts;

	return key_split(section, text, &parts) ? parts.key : NULL;
}

int conf_unset(struct conf *conf, struct conf_pair *pair, const char *where,
	       const char *name)
{
	const struct conf_key *key = conf_find_key(CONF_PAIR, name);

	return conf_set(conf, pair, where, name,
			key && key->fallback ? key->fallback : "no");
}

int conf_set(struct conf *conf, struct conf_pair *pair, const char *where,
	     const char *key, const char *value)
{
	return conf_set_in(conf, pair ? CONF_PAIR : CONF_PROGRAM, pair, where,
			   key, value);
}

int conf_set_in(struct conf *conf, enum conf_section section,
		struct conf_pair *pair, const char *where, const char *key,
		const char *value)
{
	struct key_parts parts;
	char buf[256];
	int r;

	if (!key_split(section, key, &parts)) {
		unknown_key(section, where, key);
		conf->n_mistakes++;
		return -EINVAL;
	}
	r = set_value(pair, &parts, pair ? (void *)pair : conf, where, key,
		      value);
	if (!r)
		return 0;
	conf->n_mistakes++;
	if (r == -ENOMEM)
		log_err("%s: %s", where, strerror(ENOMEM));
	else
		log_err("%s: '%s': allowed is %s", where, value,
			value_allowed(parts.key, buf, sizeof(buf)));
	return r;
}
