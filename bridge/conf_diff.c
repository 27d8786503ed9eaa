/* SPDX-License-Identifier: BSD-2-Clause */
/* How two configurations differ, key by key from the table. */
#include "config.h"

#include <string.h>

#include "conf_diff.h"
#include "conf_value.h"

struct walk {
	void (*fn)(const struct conf_change *change, void *arg);
	void *arg;
	const char *pair; /* NULL: the program */
};

static void tell(const struct walk *w, const char *key, const char *from,
		 const char *to, enum conf_effect effect)
{
	const struct conf_change change = {
		.pair = w->pair, .key = key, .from = from, .to = to,
		.effect = effect,
	};

	w->fn(&change, w->arg);
}

static bool is_rule(const struct conf_key *key)
{
	return key->type == CONF_RULE || key->type == CONF_RULE_FILE;
}

/* One side of a key, or all of it. */
static bool key_differs(const struct conf_key *key, const void *old,
			const void *new, int side, char *from, char *to,
			size_t size)
{
	const char *was = value_text(key, old, side, from, size);
	const char *is = value_text(key, new, side, to, size);

	if (was != from)
		snprintf(from, size, "%s", was);
	if (is != to)
		snprintf(to, size, "%s", is);
	return strcmp(was, is);
}

static void diff_key(const struct walk *w, const struct conf_key *key,
		     const void *old, const void *new)
{
	bool program = !w->pair && key->section != CONF_PROGRAM;
	char name[64], from[CONF_CHANGE_BYTES], to[CONF_CHANGE_BYTES];

	for (int side = 0; side < (key->sided ? SIDES : 1); side++) {
		if (!key_differs(key, old, new, side, from, to, sizeof(to)))
			continue;
		snprintf(name, sizeof(name), "%s%s%s",
			 program ? conf_section_name[key->section] :
			 key->sided ? side_name[side] : "",
			 program || key->sided ? "." : "", key->name);
		tell(w, name, from, to, key->effect);
	}
}

static bool rules_are_equal(const struct conf_rule *a,
			    const struct conf_rule *b)
{
	return a->side == b->side && a->runtime == b->runtime &&
	       a->rule.is_file == b->rule.is_file &&
	       a->rule.action == b->rule.action &&
	       !strcmp(a->rule.id, b->rule.id) &&
	       !strcmp(a->rule.text, b->rule.text);
}

static void diff_rules(const struct walk *w, const struct conf_pair *old,
		       const struct conf_pair *new)
{
	for (size_t i = 0; i < old->n_rules; i++) {
		const struct conf_rule *was = &old->rule[i];
		const struct conf_rule *is =
			conf_find_rule(new, was->rule.id);

		if (!is)
			tell(w, was->rule.id, was->rule.text, "",
			     EFFECT_LIVE);
		else if (!rules_are_equal(was, is))
			tell(w, was->rule.id, was->rule.text, is->rule.text,
			     EFFECT_LIVE);
	}
	for (size_t i = 0; i < new->n_rules; i++)
		if (!conf_find_rule(old, new->rule[i].rule.id))
			tell(w, new->rule[i].rule.id, "",
			     new->rule[i].rule.text, EFFECT_LIVE);
}

static void diff_keys(const struct walk *w, const struct conf_pair *old,
		      const struct conf_pair *new)
{
	for (size_t i = 0; i < conf_n_keys; i++)
		if (conf_key[i].section == CONF_PAIR && !is_rule(&conf_key[i]))
			diff_key(w, &conf_key[i], old, new);
}

void conf_diff_keys(const struct conf_pair *old, const struct conf_pair *new,
		    void (*fn)(const struct conf_change *change, void *arg),
		    void *arg)
{
	const struct walk w = { .fn = fn, .arg = arg, .pair = new->name };

	diff_keys(&w, old, new);
}

void conf_diff(const struct conf *old, const struct conf *new,
	       void (*fn)(const struct conf_change *change, void *arg),
	       void *arg)
{
	struct walk w = { .fn = fn, .arg = arg };

	for (size_t i = 0; i < conf_n_keys; i++)
		if (conf_key[i].section != CONF_PAIR)
			diff_key(&w, &conf_key[i], old, new);
	for (size_t i = 0; i < old->n_pairs; i++) {
		const struct conf_pair *pair =
			conf_find_pair(new, old->pair[i].name);

		w.pair = old->pair[i].name;
		if (pair) {
			diff_keys(&w, &old->pair[i], pair);
			diff_rules(&w, &old->pair[i], pair);
		} else {
			tell(&w, "", "", "", EFFECT_REMOVED);
		}
	}
	for (size_t i = 0; i < new->n_pairs; i++) {
		w.pair = new->pair[i].name;
		if (!conf_find_pair(old, w.pair))
			tell(&w, "", "", "", EFFECT_ADDED);
	}
}

static size_t field_bytes(const struct conf_key *key)
{
	switch (key->type) {
	case CONF_BOOL:
		return sizeof(bool);
	case CONF_CHOICE:
		return sizeof(int);
	case CONF_NUMBER:
	case CONF_CPU:
	case CONF_SECONDS:
		return sizeof(uint64_t);
	default:
		return sizeof(char *);
	}
}

void conf_keep_fixed(struct conf *old, struct conf *new)
{
	uint64_t value;

	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *key = &conf_key[i];
		size_t n = field_bytes(key);
		char *was = (char *)old + key->offset;
		char *is = (char *)new + key->offset;

		if (key->section == CONF_PAIR || key->effect != EFFECT_RESTART)
			continue;
		memcpy(&value, is, n);
		memcpy(is, was, n);
		memcpy(was, &value, n);
	}
}

bool conf_stage_differs(const struct conf_pair *old,
			const struct conf_pair *new, enum side side,
			enum stage_kind kind)
{
	char from[CONF_CHANGE_BYTES], to[CONF_CHANGE_BYTES];

	for (size_t i = 0; i < conf_n_keys; i++)
		if (conf_key[i].stages & 1u << kind &&
		    key_differs(&conf_key[i], old, new, side, from, to,
				sizeof(to)))
			return true;
	return false;
}

enum conf_effect conf_pair_effect(const struct conf_pair *old,
				  const struct conf_pair *new, enum side side)
{
	enum conf_effect most = EFFECT_LIVE;
	char from[CONF_CHANGE_BYTES], to[CONF_CHANGE_BYTES];

	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *key = &conf_key[i];

		if (key->section == CONF_PAIR && !is_rule(key) &&
		    key->effect > most &&
		    key_differs(key, old, new, side, from, to, sizeof(to)))
			most = key->effect;
	}
	return most;
}
