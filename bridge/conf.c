/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See conf.h: a configuration as an object, and who owns what in it. The table
 * of keys stands in conf_keys.c, how one is set in conf_set.c, what is printed
 * from the table in conf_print.c, the file in conf_read.c, how two differ in
 * conf_diff.c.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "conf.h"

static void set_defaults(struct conf *conf, struct conf_pair *pair)
{
	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *key = &conf_key[i];

		if (key->fallback && (key->section == CONF_PAIR) == !!pair)
			conf_set_in(conf, key->section, pair, "default",
				    key->name, key->fallback);
	}
}

/* ---- the whole ---- */

static bool is_string(const struct conf_key *key)
{
	return key->type == CONF_IFNAME || key->type == CONF_NAME ||
	       key->type == CONF_PATH || key->type == CONF_LISTEN ||
	       key->type == CONF_TEXT;
}

/* The i-th string of the program's keys, or of a pair's; NULL behind the last.
 * One that is sided is two. */
static char **string_at(void *base, bool pair, size_t i)
{
	for (size_t k = 0; k < conf_n_keys; k++) {
		const struct conf_key *key = &conf_key[k];
		size_t n = key->sided ? SIDES : 1;

		if (!is_string(key) || (key->section == CONF_PAIR) != pair)
			continue;
		if (i < n)
			return (char **)((char *)base + key->offset) + i;
		i -= n;
	}
	return NULL;
}

static void free_strings(void *base, bool pair)
{
	char **field;

	for (size_t i = 0; (field = string_at(base, pair, i)); i++)
		free(*field);
}

/* All at once, so that none is shared if there is no memory for another. */
static int own_strings(void *base, bool pair)
{
	char **field;
	int r = 0;

	for (size_t i = 0; (field = string_at(base, pair, i)); i++) {
		if (!*field)
			continue;
		*field = strdup(*field);
		if (!*field)
			r = -ENOMEM;
	}
	return r;
}

void conf_init(struct conf *conf)
{
	memset(conf, 0, sizeof(*conf));
	set_defaults(conf, NULL);
}

static void rule_fini(struct conf_rule *rule)
{
	free((char *)rule->rule.id);
	free((char *)rule->rule.text);
	free(rule->where);
	if (rule->covered)
		rule_fini(rule->covered);
	free(rule->covered);
}

void conf_fini(struct conf *conf)
{
	for (size_t i = 0; i < conf->n_pairs; i++) {
		struct conf_pair *pair = &conf->pair[i];

		for (size_t k = 0; k < pair->n_rules; k++)
			rule_fini(&pair->rule[k]);
		free(pair->rule);
		free_strings(pair, true);
		free(pair->name);
		free(pair->where);
	}
	free_strings(conf, false);
	free(conf->path);
	free(conf->pair);
	memset(conf, 0, sizeof(*conf));
}

struct conf_pair *conf_add_pair(struct conf *conf, const char *name)
{
	struct conf_pair *pair;
	char *copy = strdup(name);

	pair = realloc(conf->pair, (conf->n_pairs + 1) * sizeof(*pair));
	if (pair)
		conf->pair = pair;
	if (!pair || !copy) {
		log_err("pair %s: %s", name, strerror(ENOMEM));
		free(copy);
		conf->n_mistakes++;
		return NULL;
	}
	pair += conf->n_pairs++;
	memset(pair, 0, sizeof(*pair));
	pair->name = copy;
	set_defaults(conf, pair);
	return pair;
}

static int copy_pair(struct conf *to, const struct conf_pair *from)
{
	struct conf_pair *pair = conf_add_pair(to, from->name);
	char *name;
	int r;

	if (!pair)
		return -ENOMEM;
	name = pair->name;
	*pair = *from;
	pair->name = name;
	pair->where = from->where ? strdup(from->where) : NULL;
	pair->rule = NULL;
	pair->n_rules = 0;
	r = own_strings(pair, true);
	for (size_t i = 0; !r && i < from->n_rules; i++)
		r = conf_add_rule(pair, &from->rule[i]);
	return r;
}

int conf_copy(struct conf *to, const struct conf *from)
{
	int r;

	*to = *from;
	to->pair = NULL;
	to->n_pairs = 0;
	r = own_strings(to, false);
	to->path = from->path ? strdup(from->path) : NULL;
	if (from->path && !to->path)
		r = -ENOMEM;
	for (size_t i = 0; !r && i < from->n_pairs; i++)
		r = copy_pair(to, &from->pair[i]);
	if (r) {
		log_err("configuration: %s", strerror(-r));
		conf_fini(to);
	}
	return r;
}

int conf_clone(struct conf **confp, const struct conf *from)
{
	struct conf *conf = malloc(sizeof(*conf));

	*confp = NULL;
	if (!conf)
		log_err("configuration: %s", strerror(ENOMEM));
	if (!conf || conf_copy(conf, from)) {
		free(conf);
		return -ENOMEM;
	}
	*confp = conf;
	return 0;
}

void conf_free(struct conf *conf)
{
	if (conf)
		conf_fini(conf);
	free(conf);
}

struct conf_pair *conf_find_pair(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_pairs; i++)
		if (!strcmp(conf->pair[i].name, name))
			return &conf->pair[i];
	return NULL;
}

/* ---- what a pair asks for ---- */

bool conf_has_lane(const struct conf_pair *conf, enum side side)
{
	return conf->one_way == SIDE_BOTH || conf->one_way == (int)side;
}

bool conf_bypasses(const struct conf_pair *conf)
{
	return conf->on_fail == END_BYPASS || conf->on_stop == END_BYPASS;
}

bool conf_wants_guard(const struct conf_pair *conf)
{
	return conf->isolate != ISOLATE_NO || conf_bypasses(conf);
}

bool conf_needs_guard(const struct conf_pair *conf)
{
	return conf->isolate == ISOLATE_YES || conf_bypasses(conf);
}

/* ---- rules ---- */

/* Of the same values, which covers nothing. */
static int copy_rule(struct conf_rule *to, const struct conf_rule *from)
{
	autoclean(free_ptr) char *id = strdup(from->rule.id);
	autoclean(free_ptr) char *text = strdup(from->rule.text);

	if (!id || !text)
		return -ENOMEM;
	*to = *from;
	to->where = from->where ? strdup(from->where) : NULL;
	to->rule.id = id;
	to->rule.text = text;
	to->covered = NULL;
	id = text = NULL; /* its own now */
	return 0;
}

int conf_add_rule(struct conf_pair *pair, const struct conf_rule *from)
{
	struct conf_rule *rule;

	rule = realloc(pair->rule, (pair->n_rules + 1) * sizeof(*rule));
	if (!rule)
		return -ENOMEM;
	pair->rule = rule;
	rule += pair->n_rules;
	if (copy_rule(rule, from))
		return -ENOMEM;
	pair->n_rules++;
	if (!from->covered)
		return 0;
	rule->covered = malloc(sizeof(*rule));
	if (rule->covered && !copy_rule(rule->covered, from->covered))
		return 0;
	free(rule->covered);
	rule->covered = NULL;
	return -ENOMEM;
}

int conf_cover_rule(struct conf_pair *pair, const struct conf_rule *rule)
{
	struct conf_rule *own = conf_find_rule(pair, rule->rule.id);
	struct conf_rule cover = *rule;
	struct conf_pair before = { 0 };
	int r;

	cover.runtime = true;
	cover.covered = own && !own->runtime ? own : own ? own->covered : NULL;
	/* A copy: what it covers goes with the one that is removed. */
	r = conf_add_rule(&before, &cover);
	if (!r) {
		conf_remove_rule(pair, rule->rule.id);
		r = conf_add_rule(pair, &before.rule[0]);
		rule_fini(&before.rule[0]);
	}
	free(before.rule);
	return r;
}

bool conf_uncover_rule(struct conf_pair *pair, const char *id)
{
	struct conf_rule *rule = conf_find_rule(pair, id);
	struct conf_rule *covered;

	if (!rule || !rule->runtime)
		return false;
	covered = rule->covered;
	rule->covered = NULL;
	if (!covered)
		return conf_remove_rule(pair, id);
	rule_fini(rule);
	*rule = *covered;
	free(covered);
	return true;
}

struct conf_rule *conf_find_rule(const struct conf_pair *pair, const char *id)
{
	for (size_t i = 0; i < pair->n_rules; i++)
		if (!strcmp(pair->rule[i].rule.id, id))
			return &pair->rule[i];
	return NULL;
}

bool conf_remove_rule(struct conf_pair *pair, const char *id)
{
	struct conf_rule *rule = conf_find_rule(pair, id);
	size_t i = (size_t)(rule - pair->rule);

	if (!rule)
		return false;
	rule_fini(rule);
	memmove(rule, rule + 1, (pair->n_rules - i - 1) * sizeof(*rule));
	pair->n_rules--;
	return true;
}

struct filter_rule *conf_rules(const struct conf_pair *pair, enum side side,
			       size_t *n)
{
	struct filter_rule *rule;

	rule = malloc((pair->n_rules + 1) * sizeof(*rule));
	*n = 0;
	for (size_t i = 0; rule && i < pair->n_rules; i++)
		if (pair->rule[i].side == SIDE_BOTH ||
		    pair->rule[i].side == side)
			rule[(*n)++] = pair->rule[i].rule;
	return rule;
}
