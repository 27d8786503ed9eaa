/* SPDX-License-Identifier: BSD-2-Clause */
/* See ctl_print.h. Counts are ctl_print_stats.c's, `status` is
 * ctl_print_status.c's. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "ctl_print.h"
#include "manual.h"
#include "request_list.h"

/* ---- members ---- */

const char *ctl_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

int64_t ctl_integer(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

bool ctl_is_true(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

/* The i-th object of a list, or NULL behind the last. */
static const json_t *item(const struct ctl_answer *a, const char *list,
			  size_t i)
{
	return json_array_get(json_object_get(a->result, list), i);
}

/* ---- links ---- */

const char *ctl_link_state(const json_t *port)
{
	if (ctl_is_true(port, "held"))
		return "held down";
	if (!ctl_is_true(port, "up"))
		return "down";
	return ctl_is_true(port, "carrier") ? "up" : "no carrier";
}

static void print_counters(const json_t *link, const char *way, FILE *out)
{
	static const char *const counter[] = { "frames", "bytes", "dropped",
					       "errors" };
	char name[16];

	fprintf(out, "  %s", way);
	for (size_t i = 0; i < ARRAY_SIZE(counter); i++) {
		snprintf(name, sizeof(name), "%s_%s", way, counter[i]);
		fprintf(out, "%s %" PRId64 " %s", i ? "," : "",
			ctl_integer(link, name), counter[i]);
	}
	fprintf(out, "\n");
}

static void print_link(const json_t *link, FILE *out)
{
	const char *master = ctl_text(link, "master");
	const char *kind = ctl_text(link, "kind");

	fprintf(out, "%s: %s of pair %s, %s, operstate %s\n",
		ctl_text(link, "name"), ctl_text(link, "side"),
		ctl_text(link, "pair"), ctl_link_state(link),
		ctl_text(link, "operstate"));
	fprintf(out, "  address %s, MTU %" PRId64 ", index %" PRId64
		", driver %s", ctl_text(link, "address"),
		ctl_integer(link, "mtu"), ctl_integer(link, "index"),
		ctl_text(link, "driver"));
	if (*kind)
		fprintf(out, ", kind %s", kind);
	if (*master)
		fprintf(out, ", belongs to %s", master);
	fprintf(out, ", promiscuity %" PRId64 "\n",
		ctl_integer(link, "promiscuity"));
	print_counters(json_object_get(link, "link"), "rx", out);
	print_counters(json_object_get(link, "link"), "tx", out);
}

void ctl_print_links(const struct ctl_answer *a, FILE *out)
{
	const json_t *link;

	for (size_t i = 0; (link = item(a, "links", i)); i++)
		print_link(link, out);
}

/* ---- the configuration ---- */

void ctl_print_text(const struct ctl_answer *a, FILE *out)
{
	fprintf(out, "%s", ctl_text(a->result, "text"));
}

/* A pair as a whole has no key; what was not there is an empty text. */
static void print_change(const json_t *change, FILE *out)
{
	const char *pair = ctl_text(change, "pair");
	const char *key = ctl_text(change, "key");
	const char *from = ctl_text(change, "from");
	const char *to = ctl_text(change, "to");

	if (*pair)
		fprintf(out, "pair %s: ", pair);
	if (*key)
		fprintf(out, "%s: ", key);
	if (*from && *to)
		fprintf(out, "%s -> %s: ", from, to);
	else if (*to)
		fprintf(out, "now %s: ", to);
	else if (*from)
		fprintf(out, "no more, was %s: ", from);
	fprintf(out, "%s\n", ctl_text(change, "effect"));
}

void ctl_print_reload(const struct ctl_answer *a, FILE *out)
{
	const json_t *change;
	size_t i;

	for (i = 0; (change = item(a, "changes", i)); i++)
		print_change(change, out);
	if (!i)
		fprintf(out, "nothing changed\n");
}

/* ---- rules ---- */

static int longer(int width, const json_t *rule, const char *name)
{
	int length = (int)strlen(ctl_text(rule, name));

	return length > width ? length : width;
}

/* A side on which the rule is not, or has not been yet, has no count. */
static void print_hits(const json_t *rule, const char *name, FILE *out)
{
	const json_t *frames = json_object_get(rule, name);

	if (json_is_integer(frames))
		fprintf(out, " %12" PRId64, (int64_t)json_integer_value(frames));
	else
		fprintf(out, " %12s", "-");
}

static void print_rule(const json_t *rule, int pair, int id, FILE *out)
{
	fprintf(out, "%-*s %-*s %-5s %-9s", pair, ctl_text(rule, "pair"), id,
		ctl_text(rule, "id"), ctl_text(rule, "side"),
		ctl_text(rule, "action"));
	print_hits(rule, "left_frames", out);
	print_hits(rule, "right_frames", out);
	fprintf(out, "  %s%s%s\n",
		ctl_is_true(rule, "file") ? "file " : "",
		ctl_text(rule, "text"),
		ctl_is_true(rule, "runtime") ? "  (run time)" : "");
}

static void print_rule_head(int pair, int id, FILE *out)
{
	fprintf(out, "%-*s %-*s %-5s %-9s %12s %12s  %s\n", pair, "pair", id,
		"id", "side", "action", "left hits", "right hits",
		"expression");
}

void ctl_print_rules(const struct ctl_answer *a, FILE *out)
{
	int pair = (int)strlen("pair"), id = (int)strlen("id");
	const json_t *rule;

	for (size_t i = 0; (rule = item(a, "rules", i)); i++) {
		pair = longer(pair, rule, "pair");
		id = longer(id, rule, "id");
	}
	if (!item(a, "rules", 0)) {
		fprintf(out, "no rules\n");
		return;
	}
	print_rule_head(pair, id, out);
	for (size_t i = 0; (rule = item(a, "rules", i)); i++)
		print_rule(rule, pair, id, out);
}

void ctl_print_rule(const struct ctl_answer *a, FILE *out)
{
	const json_t *rule = json_object_get(a->result, "rule");
	int pair = longer((int)strlen("pair"), rule, "pair");
	int id = longer((int)strlen("id"), rule, "id");

	print_rule_head(pair, id, out);
	print_rule(rule, pair, id, out);
}

void ctl_print_removed(const struct ctl_answer *a, FILE *out)
{
	fprintf(out, "rule %s: removed\n", ctl_text(a->request, "id"));
}

/* ---- what has been done ---- */

void ctl_print_pairs(const struct ctl_answer *a, FILE *out)
{
	const json_t *pair;

	for (size_t i = 0; (pair = item(a, "pairs", i)); i++)
		fprintf(out, "pair %s: %s\n", ctl_text(pair, "name"),
			ctl_is_true(pair, "paused") ? "paused" : "forwards");
}

void ctl_print_reset(const struct ctl_answer *a, FILE *out)
{
	const char *pair = ctl_text(a->request, "pair");

	fprintf(out, "%s%s: counts from 0 again\n",
		*pair ? "pair " : "all pairs", pair);
}

void ctl_print_level(const struct ctl_answer *a, FILE *out)
{
	fprintf(out, "log level %s\n", ctl_text(a->request, "level"));
}

void ctl_print_stop(const struct ctl_answer *a, FILE *out)
{
	(void)a;
	fprintf(out, "it stops\n");
}

/* As they are typed: two words, and no underscore between them; a tap's stream
 * is one word and a file. */
void ctl_print_commands(const struct ctl_answer *a, FILE *out)
{
	const json_t *command;
	char typed[96];

	for (size_t i = 0; (command = item(a, "commands", i)); i++) {
		const char *arguments = ctl_text(command, "arguments");

		snprintf(typed, sizeof(typed), "  %s%s%s",
			 ctl_text(command, "name"), *arguments ? " " : "",
			 arguments);
		if (!strcmp(ctl_text(command, "name"),
			    request_info[REQUEST_TAP_STREAM].name))
			snprintf(typed, sizeof(typed), "  tap %s", arguments);
		for (char *c = typed; *c && *c != '['; c++)
			if (*c == '_')
				*c = ' ';
		manual_help.row(out, typed, ctl_text(command, "help"));
	}
}
