/* SPDX-License-Identifier: BSD-2-Clause */
/* See conf_manual.h. A sentence stands on a line of its own. */
#include "config.h"

#include <string.h>

#include "conf.h"
#include "conf_manual.h"
#include "conf_value.h"
#include "manual.h"

/* In the words of `bumpctl reload`; the page explains them. */
static const char *const effect_text[] = {
	[EFFECT_LIVE] = "live",
	[EFFECT_PORT] = "port reopened",
	[EFFECT_PAIR] = "pair reopened",
	[EFFECT_RESTART] = "needs a restart",
};

/* What the page calls a value that --help does not need to name. */
static const char *value_name(const struct conf_key *key)
{
	if (key->type == CONF_BOOL)
		return "yes|no";
	return key->type == CONF_IFNAME ? "INTERFACE" : key->arg;
}

static void describe(const struct conf_key *key, FILE *out)
{
	bool rule = key->type == CONF_RULE || key->type == CONF_RULE_FILE;
	const char *id = rule ? ".ID" : "";
	char buf[256];

	fprintf(out, "%s.\n", key->help);
	if (rule)
		fprintf(out, "%s.ID names the rule; without a name it is "
			"called as its key.\n", key->name);
	if (key->sided)
		fprintf(out, "left.%s%s and right.%s%s are for what arrives "
			"there.\n", key->name, id, key->name, id);
	fprintf(out, "Value: %s.\n", value_allowed(key, buf, sizeof(buf)));
	if (key->fallback)
		fprintf(out, "Default: %s.\n", key->fallback);
	fprintf(out, "Reload: %s", effect_text[key->effect]);
}

static void print_key(const struct conf_key *key, FILE *out)
{
	bool rule = key->type == CONF_RULE || key->type == CONF_RULE_FILE;
	autoclean(free_ptr) char *text = NULL;
	char typed[64];
	size_t len = 0;
	FILE *lines = open_memstream(&text, &len);

	if (!lines)
		return;
	describe(key, lines);
	fclose(lines);
	snprintf(typed, sizeof(typed), "%s%s = %s", key->name,
		 rule ? "[.ID]" : "", value_name(key));
	manual_man.row(out, typed, text);
}

void conf_print_man(FILE *out)
{
	char title[64];

	for (int section = 0; section < CONF_SECTIONS; section++) {
		snprintf(title, sizeof(title), "[%s%s]",
			 conf_section_name[section],
			 section == CONF_PAIR ? " NAME" : "");
		manual_man.head(out, title);
		for (size_t i = 0; i < conf_n_keys; i++)
			if (conf_key[i].section == (enum conf_section)section)
				print_key(&conf_key[i], out);
	}
}
