/* SPDX-License-Identifier: BSD-2-Clause */
/* What is printed from the table of keys and from a configuration. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "conf.h"
#include "lane.h"

static const char *const section_head[CONF_SECTIONS] = {
	[CONF_PROGRAM] = "[bumpwire]",
	[CONF_PAIR] = "[pair wan]",
};

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

/* The value of a key, of one side of it if it is sided. */
static const char *value_text(const struct conf_key *key, const void *base,
			      int side, char *buf, size_t size)
{
	const void *field = (const char *)base + key->offset;
	uint64_t n;

	switch (key->type) {
	case CONF_BOOL:
		return *(const bool *)field ? "yes" : "no";
	case CONF_CHOICE:
		return key->choice[*(const int *)field];
	case CONF_IFNAME:
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

/* In quotes where the file needs them; a backslash stands only without. */
static void print_value(const char *value, bool quoted, FILE *out)
{
	const char *quote = strchr(value, '"') ? "'" : "\"";

	quoted = (quoted || strpbrk(value, ";#'\"")) && !strchr(value, '\\');
	fprintf(out, "%s%s%s\n", quoted ? quote : "", value,
		quoted ? quote : "");
}

static void print_line(const struct conf_key *key, const char *prefix,
		       const char *value, bool defaults, FILE *out)
{
	if (!defaults && key->fallback && !strcmp(value, key->fallback))
		return;
	fprintf(out, "%s%s = ", prefix, key->name);
	print_value(value, false, out);
}

static void print_key(const struct conf_key *key, const void *base,
		      bool defaults, FILE *out)
{
	char left[64], right[64];
	const char *l = value_text(key, base, SIDE_LEFT, left, sizeof(left));
	const char *r;

	if (!key->sided) {
		print_line(key, "", l, defaults, out);
		return;
	}
	r = value_text(key, base, SIDE_RIGHT, right, sizeof(right));
	if (!strcmp(l, r)) {
		print_line(key, "", l, defaults, out);
		return;
	}
	print_line(key, "left.", l, defaults, out);
	print_line(key, "right.", r, defaults, out);
}

/* The words of a rule's key, whatever its id: left.drop_file */
static void rule_key(const struct conf_rule *rule, char *buf, size_t size)
{
	const char *name = "";

	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *key = &conf_key[i];

		if (key->type == (rule->rule.is_file ? CONF_RULE_FILE :
						       CONF_RULE) &&
		    key->action == rule->rule.action)
			name = key->name;
	}
	snprintf(buf, size, "%s%s%s",
		 rule->side == SIDE_BOTH ? "" : side_name[rule->side],
		 rule->side == SIDE_BOTH ? "" : ".", name);
}

static void print_rule(const struct conf_rule *rule, FILE *out)
{
	char key[64];

	rule_key(rule, key, sizeof(key));
	fprintf(out, "%s", key);
	if (strcmp(key, rule->rule.id))
		fprintf(out, ".%s", rule->rule.id);
	fprintf(out, " = ");
	print_value(rule->rule.text, true, out);
}

void conf_print(const struct conf *conf, bool defaults, FILE *out)
{
	fprintf(out, "%s\n", section_head[CONF_PROGRAM]);
	for (size_t i = 0; i < conf_n_keys; i++)
		if (conf_key[i].section == CONF_PROGRAM)
			print_key(&conf_key[i], conf, defaults, out);
	for (size_t p = 0; p < conf->n_pairs; p++) {
		const struct conf_pair *pair = &conf->pair[p];

		fprintf(out, "\n[pair %s]\n", pair->name);
		for (size_t i = 0; i < conf_n_keys; i++)
			if (conf_key[i].section == CONF_PAIR &&
			    conf_key[i].type != CONF_RULE &&
			    conf_key[i].type != CONF_RULE_FILE)
				print_key(&conf_key[i], pair, defaults, out);
		for (size_t i = 0; i < pair->n_rules; i++)
			print_rule(&pair->rule[i], out);
	}
}

/* A comment of at most 76 columns. */
static void print_comment(const char *text, FILE *out)
{
	int column = 0;

	while (*text) {
		int n = (int)strcspn(text, " ");

		if (!column || column + 1 + n > 76) {
			fprintf(out, "%s#", column ? "\n" : "");
			column = 1;
		}
		fprintf(out, " %.*s", n, text);
		column += 1 + n;
		text += n + (text[n] == ' ');
	}
	fprintf(out, "\n");
}

static void print_example_key(const struct conf_key *key, FILE *out)
{
	static const char *const sample[] = {
		[CONF_IFNAME] = "", [CONF_RULE] = "\"udp port 53\"",
		[CONF_RULE_FILE] = "/etc/bumpwire/drop.bpf",
	};

	fprintf(out, "\n");
	print_comment(key->help, out);
	for (int i = 0; key->type == CONF_CHOICE && key->choice[i]; i++)
		fprintf(out, "%s%s%s", i ? " | " : "# ", key->choice[i],
			key->choice[i + 1] ? "" : "\n");
	if (key->sided)
		fprintf(out, "# left.%s, right.%s: frames that arrive there\n",
			key->name, key->name);
	if (key->type == CONF_IFNAME)
		fprintf(out, "%s = %s\n", key->name,
			strcmp(key->name, "left") ? "eth2" : "eth1");
	else if (key->fallback)
		fprintf(out, "#%s = %s\n", key->name, key->fallback);
	else
		fprintf(out, "#%s.name = %s\n", key->name, sample[key->type]);
}

void conf_print_example(FILE *out)
{
	fprintf(out, "# bumpwire.conf: every key with its default. See "
		     "bumpwire(8).\n"
		     "# Check it with: bumpwire --check -c FILE\n");
	for (int section = 0; section < CONF_SECTIONS; section++) {
		fprintf(out, "\n%s\n", section_head[section]);
		for (size_t i = 0; i < conf_n_keys; i++)
			if (conf_key[i].section == (enum conf_section)section)
				print_example_key(&conf_key[i], out);
	}
}
