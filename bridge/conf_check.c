/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checks of a configuration that need more than one key. What needs the
 * system, such as whether an interface exists, is bridge_check().
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "conf.h"
#include "delay.h"
#include "guard.h"
#include "suggest.h"
#include "tap_target.h"

/* Before a message: where the thing stands, if that is known. */
#define WHERE(thing) (thing)->where ? (thing)->where : "", \
		     (thing)->where ? ": " : ""

static void mistake(struct conf *conf)
{
	conf->n_mistakes++;
}

static void check_ports(struct conf *conf, const struct conf_pair *pair)
{
	for (int side = 0; side < SIDES; side++) {
		if (pair->port[side])
			continue;
		log_err("%s%spair %s: no %s port: say %s = INTERFACE",
			WHERE(pair), pair->name, side_name[side],
			side_name[side]);
		mistake(conf);
	}
}

/* An interface can be on one wire only, and only at one end of it. */
static void check_port_once(struct conf *conf, size_t a, enum side a_side)
{
	const char *name = conf->pair[a].port[a_side];

	for (size_t b = 0; b <= a && name; b++)
		for (int side = 0; side < SIDES; side++) {
			const char *other = conf->pair[b].port[side];

			if (b == a && side >= (int)a_side)
				return;
			if (!other || strcmp(name, other))
				continue;
			log_err("%s%spair %s: %s: port %s is already the %s "
				"port of pair %s: a wire needs two ends",
				WHERE(&conf->pair[a]), conf->pair[a].name,
				side_name[a_side], name, side_name[side],
				conf->pair[b].name);
			mistake(conf);
			return;
		}
}

static const char *rule_place(const struct conf_pair *pair, size_t i, char *buf,
			      size_t size)
{
	const struct conf_rule *rule = &pair->rule[i];

	if (rule->where && *rule->where)
		return rule->where;
	snprintf(buf, size, "pair %s: rule %s", pair->name, rule->rule.id);
	return buf;
}

static bool is_known(const struct conf_rule *rule,
		     const struct conf_pair *before)
{
	const struct conf_rule *was =
		before ? conf_find_rule(before, rule->rule.id) : NULL;

	return was && !was->rule.is_file && !rule->rule.is_file &&
	       !strcmp(was->rule.text, rule->rule.text);
}

static void check_rules(struct conf *conf, const struct conf_pair *pair,
			const struct conf_pair *before)
{
	char why[256], buf[256];

	for (size_t i = 0; i < pair->n_rules; i++) {
		const struct filter_rule *rule = &pair->rule[i].rule;
		const char *place = rule_place(pair, i, buf, sizeof(buf));

		if (!is_known(&pair->rule[i], before) &&
		    filter_check(rule, why, sizeof(why))) {
			log_err("%s: '%s': %s", place, rule->text, why);
			mistake(conf);
		}
		for (size_t k = 0; k < i; k++)
			if (!strcmp(rule->id, pair->rule[k].rule.id)) {
				log_err("%s: two rules are called %s: give one "
					"another name", place, rule->id);
				mistake(conf);
				break;
			}
	}
}

/* What a tap needs beside each other. */
static void check_tap(struct conf *conf, const struct conf_pair *pair)
{
	const struct filter_rule rule = { "tap_filter", pair->tap_filter,
					  false, FILTER_PASS_ONLY };
	bool taps = pair->tap[SIDE_LEFT] || pair->tap[SIDE_RIGHT];
	char why[256];

	if (taps && !pair->tap_to) {
		log_err("%s%spair %s: tap: say tap_to, too: %s", WHERE(pair),
			pair->name, TAP_TARGET_ALLOWED);
		mistake(conf);
	}
	if (pair->tap_filter && filter_check(&rule, why, sizeof(why))) {
		log_err("%s%spair %s: tap_filter: '%s': %s", WHERE(pair),
			pair->name, pair->tap_filter, why);
		mistake(conf);
	}
}

/* A table of delays is read, to see whether it can be. */
static void check_jitter(struct conf *conf, const struct conf_pair *pair)
{
	for (int side = 0; side < SIDES; side++) {
		struct delay_params params = { 0 };

		if (!pair->jitter_shape[side] ||
		    delay_parse_shape(pair->jitter_shape[side], &params) ||
		    !delay_check(&params))
			continue;
		mistake(conf); /* and said so */
		return;
	}
}

/* What says how something is done that nobody asks for. */
static void warn_idle(const struct conf_pair *pair, int side)
{
	const struct {
		const char *name;
		const char *text;
		bool idle;
		const char *needs;
	} row[] = {
		{ "rate_layer", pair->rate_layer[side], !pair->rate[side], "rate" },
		{ "burst", pair->burst[side], !pair->rate[side], "rate" },
		{ "queue", pair->queue[side], !pair->rate[side], "rate" },
		{ "ageing", pair->ageing[side], !pair->rate[side], "rate" },
		{ "jitter_reorder", pair->jitter_reorder[side],
		  !pair->jitter[side] && !pair->jitter_shape[side], "jitter" },
		{ "jitter_shape", pair->jitter_shape[side],
		  !pair->jitter[side] && pair->jitter_shape[side] &&
			  *pair->jitter_shape[side] != '/', "jitter" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		if (row[i].text && row[i].idle)
			log_warn("%s%spair %s: %s.%s: does nothing without %s",
				 WHERE(pair), pair->name, side_name[side],
				 row[i].name, row[i].needs);
}

static void check_guard(struct conf *conf, const struct conf_pair *pair)
{
	bool bypass = conf_bypasses(pair);

	if (bypass && pair->isolate == ISOLATE_NO) {
		log_err("%s%spair %s: isolate: no: bypass isolates the host, "
			"too", WHERE(pair), pair->name);
		mistake(conf);
	}
	if (!guard_is_built() && (bypass || pair->isolate == ISOLATE_YES)) {
		log_err("%s%spair %s: %s: this program was built without BPF",
			WHERE(pair), pair->name,
			bypass ? "bypass" : "isolate");
		mistake(conf);
	}
}

int conf_finish(struct conf *conf)
{
	return conf_finish_after(conf, NULL);
}

int conf_finish_after(struct conf *conf, const struct conf *before)
{
	if (!conf->n_pairs && !conf->n_mistakes) {
		log_err("no pair of ports given: say LEFT RIGHT, or -c FILE");
		mistake(conf);
	}
	for (size_t i = 0; i < conf->n_pairs; i++) {
		check_ports(conf, &conf->pair[i]);
		check_port_once(conf, i, SIDE_LEFT);
		check_port_once(conf, i, SIDE_RIGHT);
		check_guard(conf, &conf->pair[i]);
		check_tap(conf, &conf->pair[i]);
		check_jitter(conf, &conf->pair[i]);
		warn_idle(&conf->pair[i], SIDE_LEFT);
		warn_idle(&conf->pair[i], SIDE_RIGHT);
		check_rules(conf, &conf->pair[i],
			    before ? conf_find_pair(before,
						    conf->pair[i].name) :
				     NULL);
	}
	return conf->n_mistakes ? -EINVAL : 0;
}

/* What may not stand in a name becomes '_'. */
static void make_plain(char *name)
{
	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
			*c = '_';
	if (*name == '.')
		*name = '_';
}

char *conf_name(const struct conf *conf)
{
	const char *base, *suffix = ".conf";
	char *name;
	size_t n;

	if (conf->name)
		return strdup(conf->name);
	if (!conf->path)
		return strdup(conf->n_pairs ? conf->pair[0].name : "");
	base = strrchr(conf->path, '/');
	base = base ? base + 1 : conf->path;
	n = strlen(base);
	if (n > strlen(suffix) && !strcmp(base + n - strlen(suffix), suffix))
		n -= strlen(suffix);
	name = strndup(base, n);
	if (name)
		make_plain(name);
	return name;
}

char *conf_pair_name(const char *left, const char *right)
{
	size_t n = strlen(left) + strlen(right) + 2;
	char *name = malloc(n);

	if (!name)
		return NULL;
	snprintf(name, n, "%s-%s", left, right);
	make_plain(name);
	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return name;
}

const char *conf_suggest(const char *name)
{
	struct suggest s = { .wrong = name };

	for (int side = 0; side < SIDES; side++) {
		size_t n = strlen(side_name[side]);

		if (!strncmp(name, side_name[side], n) && name[n] == '.')
			s.wrong = name + n + 1;
	}
	for (size_t i = 0; i < conf_n_keys; i++)
		suggest_offer(&s, conf_key[i].name);
	return s.best;
}
