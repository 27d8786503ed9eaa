/* SPDX-License-Identifier: BSD-2-Clause */
/* See requests_tap.h. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "log.h"
#include "requests_tap.h"
#include "tap_target.h"

static const char *const side_text[] = { "left", "right", "both", NULL };
static const char *const at_text[] = { "in", "out", NULL };

/* Is it one of what only capture files have? */
static bool is_of_files(enum tap_option option)
{
	return option >= TAP_OPTION_ROTATE_BYTES;
}

/* A member as text; numbers are taken, too. false: it is not there, or with an
 * error it is neither. */
static bool option_text(struct request *r, enum tap_option option, char *buf,
			size_t size, const char **textp)
{
	const char *name = tap_option_name[option];
	const json_t *value = json_object_get(r->ask, name);

	if (!value || json_is_null(value))
		return false;
	if (json_is_integer(value)) {
		snprintf(buf, size, "%lld",
			 (long long)json_integer_value(value));
		*textp = buf;
	} else {
		*textp = request_text(r, name, NULL);
	}
	return *textp;
}

/* Where it copies: left.tap = in, and so on. */
static int set_sides(struct request *r, struct conf *conf, const char *id)
{
	const char *side = "both", *at = "out";
	char where[160], key[16];

	if (json_object_get(r->ask, "side"))
		side = request_text(r, "side", side_text);
	if (side && json_object_get(r->ask, "at"))
		at = request_text(r, "at", at_text);
	if (!side || !at)
		return -EINVAL;
	snprintf(where, sizeof(where), "tap %.80s: at", id);
	snprintf(key, sizeof(key), "%s%stap",
		 strcmp(side, "both") ? side : "",
		 strcmp(side, "both") ? "." : "");
	return conf_set(conf, &conf->pair[0], where, key, at);
}

/* Each mistake is logged, or is the request's error. */
static int set_options(struct request *r, struct conf *conf, const char *id,
		       bool to_file)
{
	int result = 0;

	for (enum tap_option i = TAP_OPTION_FILTER; i < TAP_OPTIONS; i++) {
		char where[160], key[64], number[24];
		const char *text = NULL;

		if (!option_text(r, i, number, sizeof(number), &text)) {
			if (*r->error)
				return -EINVAL;
			continue;
		}
		snprintf(key, sizeof(key), "tap_%s", tap_option_name[i]);
		snprintf(where, sizeof(where), "tap %.80s: %s", id,
			 tap_option_name[i]);
		if (is_of_files(i) && !to_file) {
			log_err("%s: is for a tap to a file", where);
			result = -EINVAL;
		} else if (conf_set(conf, &conf->pair[0], where, key, text)) {
			result = -EINVAL;
		}
	}
	return result;
}

static int check_filter(const struct conf_pair *pair, const char *id)
{
	const struct filter_rule rule = { .id = id, .text = pair->tap_filter };
	char why[256];

	if (!rule.text || !filter_check(&rule, why, sizeof(why)))
		return 0;
	log_err("tap %s: filter: '%s': %s", id, rule.text, why);
	return -EINVAL;
}

int request_tap_read(struct request *r, struct conf *conf, const char *id,
		     const char *to)
{
	struct tap_target target = { .kind = TAP_DEV };
	struct conf_pair *pair;
	char where[160];
	int result = 0, bad;

	conf_init(conf);
	pair = conf_add_pair(conf, id);
	if (!pair)
		return -ENOMEM;
	if (to) {
		snprintf(where, sizeof(where), "tap %.80s: to", id);
		result = tap_target_parse(to, &target) ? -EINVAL :
			 conf_set(conf, pair, where, "tap_to", to);
		if (result && !conf->n_mistakes)
			log_err("%s: '%.160s': allowed is %s", where, to,
				TAP_TARGET_ALLOWED);
	}
	bad = set_options(r, conf, id, to && target.kind == TAP_FILE);
	if (!bad)
		bad = set_sides(r, conf, id);
	if (!bad)
		bad = check_filter(pair, id);
	return result ? result : bad;
}
