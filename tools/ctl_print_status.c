/* SPDX-License-Identifier: BSD-2-Clause */
/* `status` as text; see ctl_print.h. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "ctl_print.h"

#define MINUTE 60
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* ---- the process ---- */

/* A time that has passed, in the two units that matter: "3 h 5 min". */
static void print_time(double seconds, FILE *out)
{
	uint64_t s = seconds > 0 ? (uint64_t)seconds : 0;

	if (s >= DAY)
		fprintf(out, "%" PRIu64 " d %" PRIu64 " h", s / DAY,
			s % DAY / HOUR);
	else if (s >= HOUR)
		fprintf(out, "%" PRIu64 " h %" PRIu64 " min", s / HOUR,
			s % HOUR / MINUTE);
	else if (s >= MINUTE)
		fprintf(out, "%" PRIu64 " min %" PRIu64 " s", s / MINUTE,
			s % MINUTE);
	else
		fprintf(out, "%" PRIu64 " s", s);
}

static double seconds_of(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

static void print_reloads(const json_t *status, FILE *out)
{
	const json_t *last = json_object_get(status, "last_reload");
	int64_t n = ctl_integer(status, "reloads");

	if (n || json_is_object(last))
		fprintf(out, "reloaded %" PRId64 " time%s", n,
			n == 1 ? "" : "s");
	else
		fprintf(out, "never reloaded");
	if (json_is_object(last)) {
		fprintf(out, "; the last try, ");
		print_time(seconds_of(last, "seconds_ago"), out);
		fprintf(out, " ago, %s", ctl_is_true(last, "ok") ? "went well" :
			"FAILED: what was in force still is");
	}
	fprintf(out, "\n");
}

/* ---- a pair ---- */

static void print_port(const json_t *pair, const char *side, FILE *out)
{
	const json_t *port = json_object_get(pair, side);

	fprintf(out, "  %-6s %-16s %-10s  MTU %-5" PRId64 "  %s\n", side,
		ctl_text(port, "name"), ctl_link_state(port),
		ctl_integer(port, "mtu"), ctl_text(port, "driver"));
}

/* "no": frames go both ways; else they come from this side alone. */
static void print_way(const json_t *pair, FILE *out)
{
	const char *from = ctl_text(pair, "one_way");

	if (!strcmp(from, "left") || !strcmp(from, "right"))
		fprintf(out, ", one way, from %s", from);
}

/* "left -> right: loss 1%, delay 20ms", where anything is asked for. */
static void print_settings_of(const char *side, json_t *lane, FILE *out)
{
	const char *before = !strcmp(side, "left") ? "  left -> right: " :
						     "  right -> left: ";
	const char *key;
	json_t *value;

	json_object_foreach(lane, key, value) {
		fprintf(out, "%s%s %s", before, key, ctl_text(lane, key));
		before = ", ";
	}
	if (json_object_size(lane))
		fprintf(out, "\n");
}

static void print_settings(const json_t *pair, FILE *out)
{
	json_t *settings = json_object_get(pair, "settings"), *lane;
	const char *side;

	json_object_foreach(settings, side, lane)
		print_settings_of(side, lane, out);
	if (json_is_integer(json_object_get(pair, "seed")))
		fprintf(out, "  seed %" PRId64 " repeats it\n",
			ctl_integer(pair, "seed"));
}

/* What is the same on both sides is one. */
static bool is_pair_of_keys(const json_t *left, const json_t *right)
{
	const char *l = ctl_text(left, "key"), *r = ctl_text(right, "key");

	return right && !strncmp(l, "left.", 5) && !strncmp(r, "right.", 6) &&
	       !strcmp(l + 5, r + 6) &&
	       !strcmp(ctl_text(left, "from"), ctl_text(right, "from")) &&
	       !strcmp(ctl_text(left, "to"), ctl_text(right, "to"));
}

static void print_changes(const json_t *pair, FILE *out)
{
	const json_t *all = json_object_get(pair, "changes"), *change;

	for (size_t i = 0; (change = json_array_get(all, i)); i++) {
		const char *key = ctl_text(change, "key");
		const char *from = ctl_text(change, "from");
		const char *to = ctl_text(change, "to");

		if (is_pair_of_keys(change, json_array_get(all, i + 1))) {
			key += strlen("left.");
			i++;
		}
		fprintf(out, "  set while it runs: %s %s", key,
			*to ? to : "unset");
		if (*from)
			fprintf(out, ", configured %s", from);
		fprintf(out, "\n");
	}
}

static void print_rules(const json_t *pair, FILE *out)
{
	const json_t *rules = json_object_get(pair, "rules");
	int64_t n = ctl_integer(rules, "number");
	int64_t added = ctl_integer(rules, "runtime");

	if (!n)
		return;
	fprintf(out, "  %" PRId64 " filter rule%s", n, n == 1 ? "" : "s");
	if (added)
		fprintf(out, ", %" PRId64 " added while it runs", added);
	fprintf(out, " (bumpctl filter list)\n");
}

static void print_pair(const json_t *pair, FILE *out)
{
	const char *state = ctl_text(pair, "state");

	fprintf(out, "pair %s: %s", ctl_text(pair, "name"), state);
	/* It may be both, and a person who looks must see it. */
	if (ctl_is_true(pair, "paused") && strcmp(state, "paused"))
		fprintf(out, ", paused");
	print_way(pair, out);
	fprintf(out, "\n");
	print_port(pair, "left", out);
	print_port(pair, "right", out);
	print_settings(pair, out);
	print_changes(pair, out);
	print_rules(pair, out);
	ctl_print_tap_lines(pair, out);
	if (ctl_is_true(pair, "tap_stopped"))
		fprintf(out, "  tap tap: stopped while it runs, until a "
			     "reload\n");
}

/* ---- all ---- */

void ctl_print_status(const struct ctl_answer *a, FILE *out)
{
	const json_t *status = a->result, *pair;
	const json_t *pairs = json_object_get(status, "pairs");
	const char *config = ctl_text(status, "config");

	fprintf(out, "%s %s '%s', process %" PRId64 ", running for ",
		ctl_text(status, "program"), ctl_text(status, "version"),
		ctl_text(status, "name"), ctl_integer(status, "pid"));
	print_time(seconds_of(status, "uptime_seconds"), out);
	fprintf(out, "\nas user %s, %s a sandbox\n", ctl_text(status, "user"),
		ctl_is_true(status, "sandbox") ? "in" : "without");
	fprintf(out, "configured by %s, log level %s, ",
		*config ? config : "its command line", ctl_text(status, "log"));
	print_reloads(status, out);
	for (size_t i = 0; (pair = json_array_get(pairs, i)); i++)
		print_pair(pair, out);
}
