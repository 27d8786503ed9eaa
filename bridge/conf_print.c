/* SPDX-License-Identifier: BSD-2-Clause */
/* What is printed from the table of keys and from a configuration. */
#include "config.h"

#include <string.h>

#include "conf.h"
#include "conf_value.h"

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
	if (!*value ||
	    (!defaults && key->fallback && !strcmp(value, key->fallback)))
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
	if (rule->runtime)
		fprintf(out, "# added while it runs\n");
	fprintf(out, "%s", key);
	if (strcmp(key, rule->rule.id))
		fprintf(out, ".%s", rule->rule.id);
	fprintf(out, " = ");
	print_value(rule->rule.text, true, out);
}

static void print_keys(enum conf_section section, const void *base,
		       bool defaults, FILE *out)
{
	for (size_t i = 0; i < conf_n_keys; i++)
		if (conf_key[i].section == section &&
		    conf_key[i].type != CONF_RULE &&
		    conf_key[i].type != CONF_RULE_FILE)
			print_key(&conf_key[i], base, defaults, out);
}

/* One of the program's; its head only if something stands below it, but the
 * first section always. */
static void print_section(enum conf_section section, const struct conf *conf,
			  bool defaults, FILE *out)
{
	autoclean(free_ptr) char *text = NULL;
	size_t len = 0;
	FILE *lines = open_memstream(&text, &len);

	if (!lines)
		return;
	print_keys(section, conf, defaults, lines);
	fclose(lines);
	if (section != CONF_PROGRAM && !len)
		return;
	fprintf(out, "%s[%s]\n%s", section == CONF_PROGRAM ? "" : "\n",
		conf_section_name[section], text);
}

void conf_print(const struct conf *conf, bool defaults, FILE *out)
{
	for (int section = 0; section < CONF_PAIR; section++)
		print_section((enum conf_section)section, conf, defaults, out);
	for (size_t p = 0; p < conf->n_pairs; p++) {
		const struct conf_pair *pair = &conf->pair[p];

		fprintf(out, "\n[pair %s]\n", pair->name);
		print_keys(CONF_PAIR, pair, defaults, out);
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
	bool rule = key->type == CONF_RULE || key->type == CONF_RULE_FILE;

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
		fprintf(out, "#%s%s = %s\n", key->name, rule ? ".name" : "",
			key->sample);
}

void conf_print_example(FILE *out)
{
	fprintf(out, "# bumpwire.conf: every key with its default. See "
		     "bumpwire.conf(5).\n"
		     "# Check it with: bumpwire --check -c FILE\n");
	for (int section = 0; section < CONF_SECTIONS; section++) {
		fprintf(out, "\n[%s%s]\n", conf_section_name[section],
			section == CONF_PAIR ? " wan" : "");
		for (size_t i = 0; i < conf_n_keys; i++)
			if (conf_key[i].section == (enum conf_section)section)
				print_example_key(&conf_key[i], out);
	}
}
