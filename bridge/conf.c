/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See conf.h: the table of keys, and how one is set. How a value is read stands
 * in conf_value.c, what is printed from the table in conf_print.c, the file in
 * conf_read.c.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "conf.h"
#include "conf_value.h"
#include "lane.h"

const char *const side_name[SIDES] = { "left", "right" };

static const char *const log_choice[] = { "error", "warning", "info", "debug",
					   NULL };
static const char *const side_choice[] = { "left", "right", "no", NULL };
static const char *const tx_choice[] = { "auto", "ring", "direct", NULL };

#define IN(type, member) .offset = offsetof(struct type, member)

const struct conf_key conf_key[] = {
	{ CONF_PROGRAM, "log", CONF_CHOICE, IN(conf, log), .fallback = "info",
	  .choice = log_choice, .arg = "LEVEL",
	  .help = "How much to say on stderr" },
	{ CONF_PROGRAM, "stats", CONF_SECONDS, IN(conf, stats_ns),
	  .fallback = "0", .max = 86400, .least_ns = 10 * NS_PER_MS,
	  .arg = "SECONDS",
	  .help = "Print a line of rates this often (0: never)" },
	{ CONF_PROGRAM, "json", CONF_BOOL, IN(conf, json), .fallback = "no",
	  .help = "Print results as JSON" },
	{ CONF_PROGRAM, "duration", CONF_SECONDS, IN(conf, duration_ns),
	  .fallback = "0", .max = 31536000, .arg = "SECONDS",
	  .help = "Stop after this long (0: run on)" },
	{ CONF_PROGRAM, "count", CONF_NUMBER, IN(conf, count), .fallback = "0",
	  .max = INT64_MAX, .arg = "FRAMES",
	  .help = "Stop once this many frames were received, both ways and all "
		  "pairs together, and what is in the rings is drained (0: run "
		  "on)" },

	{ CONF_PAIR, "left", CONF_IFNAME, IN(conf_pair, port[SIDE_LEFT]),
	  .help = "Interface on the left" },
	{ CONF_PAIR, "right", CONF_IFNAME, IN(conf_pair, port[SIDE_RIGHT]),
	  .help = "Interface on the right" },
	{ CONF_PAIR, "drop", CONF_RULE, .sided = true, .action = FILTER_DROP,
	  .arg = "EXPR",
	  .help = "Drop frames that match this pcap-filter expression" },
	{ CONF_PAIR, "pass_only", CONF_RULE, .sided = true,
	  .action = FILTER_PASS_ONLY, .arg = "EXPR",
	  .help = "Drop frames that match none of the pass_only expressions" },
	{ CONF_PAIR, "drop_file", CONF_RULE_FILE, .sided = true,
	  .action = FILTER_DROP, .arg = "FILE",
	  .help = "Drop frames that match this BPF program, as tcpdump -ddd "
		  "prints it" },
	{ CONF_PAIR, "one_way", CONF_CHOICE, IN(conf_pair, one_way),
	  .fallback = "no", .choice = side_choice, .arg = "SIDE",
	  .help = "Forward only what arrives on this side" },
	{ CONF_PAIR, "tx", CONF_CHOICE, IN(conf_pair, tx), .fallback = "auto",
	  .choice = tx_choice, .arg = "HOW",
	  .help = "How frames leave: by a TX ring, by sendmmsg straight from "
		  "the RX ring, or as the driver likes it" },
	{ CONF_PAIR, "rx_slots", CONF_NUMBER, IN(conf_pair, rx_slots),
	  .fallback = "8192", .min = 64, .max = 1 << 20, .arg = "N",
	  .help = "Slots of an RX ring, rounded up to a power of two" },
	{ CONF_PAIR, "slot_bytes", CONF_NUMBER, IN(conf_pair, slot_bytes),
	  .fallback = "0", .max = 65536, .arg = "BYTES",
	  .help = "Size of an RX slot, rounded up to a power of two from 2048 "
		  "(0: follows the MTU); larger frames are copied" },
	{ CONF_PAIR, "tx_slots", CONF_NUMBER, IN(conf_pair, tx_slots),
	  .fallback = "256", .min = 16, .max = 65536, .arg = "N",
	  .help = "Slots of a TX ring, rounded up to a power of two" },
	{ CONF_PAIR, "spin", CONF_NUMBER, true, IN(conf_pair, spin_us),
	  .fallback = "50", .max = 1000000000, .arg = "USEC",
	  .help = "Look for frames this long before sleeping" },
	{ CONF_PAIR, "cpu", CONF_CPU, true, IN(conf_pair, cpu),
	  .fallback = "none", .max = 4095, .arg = "CPU",
	  .help = "Run the lane on this CPU" },
	{ CONF_PAIR, "qdisc_bypass", CONF_BOOL, IN(conf_pair, qdisc_bypass),
	  .fallback = "no",
	  .help = "Send past the qdisc; tcpdump does not see such frames "
		  "leave" },
	{ CONF_PAIR, "wait", CONF_BOOL, IN(conf_pair, wait), .fallback = "no",
	  .help = "Wait for an interface that does not exist yet, or that is "
		  "deleted meanwhile (without it: stop)" },
	{ CONF_PAIR, "force", CONF_BOOL, IN(conf_pair, force),
	  .fallback = "no",
	  .help = "Take a port even if it belongs to a bridge or bond" },
};

const size_t conf_n_keys = ARRAY_SIZE(conf_key);

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
		    const char *key, const char *value)
{
	struct conf_rule *rule;
	autoclean(free_ptr) char *id = strdup(parts->id ? parts->id : key);
	autoclean(free_ptr) char *text = strdup(value);

	rule = realloc(pair->rule, (pair->n_rules + 1) * sizeof(*rule));
	if (rule)
		pair->rule = rule;
	if (!rule || !id || !text)
		return -ENOMEM;
	pair->rule[pair->n_rules++] = (struct conf_rule){
		.side = parts->side,
		.rule = {
			.id = id,
			.text = text,
			.is_file = parts->key->type == CONF_RULE_FILE,
			.action = parts->key->action,
		},
	};
	id = text = NULL; /* the pair's now */
	return 0;
}

/* Store into both sides, or into the one that the key names. */
static int set_sided(const struct key_parts *parts, void *field, uint64_t n)
{
	uint64_t *to = field;

	if (!parts->key->sided) {
		*to = n;
		return 0;
	}
	for (int side = 0; side < SIDES; side++)
		if (parts->side == SIDE_BOTH || parts->side == (enum side)side)
			to[side] = n;
	return 0;
}

static int set_value(struct conf_pair *pair, const struct key_parts *parts,
		     void *base, const char *name, const char *value)
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
		    (n && n < key->least_ns))
			return -EINVAL;
		*(uint64_t *)field = n;
		return 0;
	case CONF_CHOICE:
		return value_choice(value, key->choice, field);
	case CONF_IFNAME:
		return conf_ifname_is_valid(value) &&
				       value_can_be_written(name, value) ?
			       set_string(field, value) : -EINVAL;
	case CONF_RULE:
	case CONF_RULE_FILE:
		return *value && value_can_be_written(name, value) ?
			       add_rule(pair, parts, name, value) : -EINVAL;
	}
	return -EINVAL;
}

static void unknown_key(const struct conf_pair *pair, const char *where,
			const char *key)
{
	struct key_parts parts;
	const char *near;

	if (key_split(pair ? CONF_PROGRAM : CONF_PAIR, key, &parts)) {
		log_err("%s: no such key here: it belongs into %s", where,
			pair ? "[bumpwire]" : "[pair NAME]");
		return;
	}
	near = conf_suggest(key);
	log_err("%s: no such key%s%s%s", where, near ? "; did you mean " : "",
		near ? near : "", near ? "?" : "");
}

int conf_set(struct conf *conf, struct conf_pair *pair, const char *where,
	     const char *key, const char *value)
{
	struct key_parts parts;
	char buf[160];
	int r;

	if (!key_split(pair ? CONF_PAIR : CONF_PROGRAM, key, &parts)) {
		unknown_key(pair, where, key);
		conf->n_mistakes++;
		return -EINVAL;
	}
	r = set_value(pair, &parts, pair ? (void *)pair : conf, key, value);
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

static void set_defaults(struct conf *conf, struct conf_pair *pair)
{
	for (size_t i = 0; i < conf_n_keys; i++)
		if (conf_key[i].fallback &&
		    conf_key[i].section == (pair ? CONF_PAIR : CONF_PROGRAM))
			conf_set(conf, pair, "default", conf_key[i].name,
				 conf_key[i].fallback);
}

/* ---- the whole ---- */

void conf_init(struct conf *conf)
{
	memset(conf, 0, sizeof(*conf));
	set_defaults(conf, NULL);
}

void conf_fini(struct conf *conf)
{
	for (size_t i = 0; i < conf->n_pairs; i++) {
		struct conf_pair *pair = &conf->pair[i];

		for (size_t k = 0; k < pair->n_rules; k++) {
			free((char *)pair->rule[k].rule.id);
			free((char *)pair->rule[k].rule.text);
		}
		free(pair->rule);
		free(pair->port[SIDE_LEFT]);
		free(pair->port[SIDE_RIGHT]);
		free(pair->name);
	}
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
