/* SPDX-License-Identifier: BSD-2-Clause */
/* tools/top_*.c without a terminal: what two answers make of a view, and how
 * it stands in a page and in plain lines. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../tools/top_page.h"
#include "../tools/top_plain.h"
#include "../tools/top_units.h"
#include "../tools/top_view.h"

#define STAMP "2026-11-21T11:35:18.123+0000"

/* ---- answers ---- */

/* A lane that counted `n` of each thing, more or less. */
static json_t *lane(json_int_t n)
{
	json_t *object = json_pack(
		"{sI sI sI sI sI sI sI sI}", "received_frames", n * 10,
		"received_bytes", n * 1000, "forwarded_frames", n * 8,
		"forwarded_bytes", n * 800, "duplicated_frames", (json_int_t)0,
		"split_frames", (json_int_t)0, "ring_full_frames", n / 2,
		"dropped_frames", n * 2);

	json_object_set_new(object, "dropped",
			    json_pack("{sI sI sI}", "filtered", n, "tx_full", n,
				      "oversize", (json_int_t)0));
	json_object_set_new(object, "ring_slots", json_integer(8192));
	json_object_set_new(object, "ring_used_slots", json_integer(41));
	json_object_set_new(object, "rules",
			    json_pack("[{ss ss ss sb sI}]", "id", "web", "action",
				      "drop", "text", "tcp port 80", "runtime",
				      0, "frames", n));
	return object;
}

static json_t *port(const char *name)
{
	return json_pack("{sssssisbsb}", "name", name, "driver", "veth", "mtu",
			 1500, "up", 1, "carrier", 1);
}

static json_t *pair(const char *name, json_t *left, json_t *right)
{
	json_t *lanes = json_object();

	if (left)
		json_object_set_new(lanes, "left", left);
	if (right)
		json_object_set_new(lanes, "right", right);
	return json_pack("{ss ss so so so}", "name", name, "state",
			 "forwarding", "left", port("eth1"), "right",
			 port("eth2"), "lanes", lanes);
}

static json_t *stats(double seconds, json_t *first, json_t *second)
{
	json_t *pairs = json_array();

	json_array_append_new(pairs, first);
	if (second)
		json_array_append_new(pairs, second);
	return json_pack("{ss ss sf so}", "program", "bumpwire", "version",
			 "1.2", "seconds", seconds, "pairs", pairs);
}

static json_t *status(int pid)
{
	return json_pack("{ss si sf s[]}", "name", "w", "pid", pid,
			 "uptime_seconds", 90061.5, "pairs");
}

/* What two turns show; takes the answers. */
static struct top_view *view(json_t *before, json_t *now)
{
	struct top_view *v = top_view_new(&(struct top_answers){ now, NULL },
					  &(struct top_answers){ before, NULL });

	assert_non_null(v);
	json_decref(before);
	json_decref(now);
	return v;
}

/* The same from texts, as they came by the socket. */
static struct top_view *view_of(const char *before, const char *now)
{
	json_t *old = before ? json_loads(before, 0, NULL) : NULL;
	json_t *new = json_loads(now, 0, NULL);

	assert_true(!before || old);
	assert_non_null(new);
	return view(old, new);
}

static char *plain(const struct top_view *v)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	top_plain_print(v, STAMP, out);
	fclose(out);
	return text;
}

/* The whole page as a text, blanks at the ends of lines left out. */
static char *page(const struct top_view *v, size_t columns, bool totals)
{
	struct top_page_params params = { columns, totals };
	struct top_page *p = top_page_new(v, &params);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(p);
	fprintf(out, "%s\n", p->title.text);
	for (size_t i = 0; i < p->n_lines; i++) {
		assert_int_equal(strlen(p->line[i].text), p->columns);
		for (size_t k = 0; k < p->columns; k++) {
			assert_in_range(p->line[i].text[k], 0x20, 0x7e);
			assert_in_range(p->line[i].look[k], 0, TOP_LOOKS - 1);
		}
		fprintf(out, "%s\n", p->line[i].text);
	}
	fclose(out);
	top_page_free(p);
	return text;
}

/* The line of a page that begins so. */
static const char *row(char *text, const char *start)
{
	static char line[TOP_COLUMNS_MAX + 1];
	size_t len = strlen(start);

	for (const char *at = text; at && *at;
	     at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (!strncmp(at, start, len)) {
			snprintf(line, sizeof(line), "%.*s",
				 (int)strcspn(at, "\n"), at);
			return line;
		}
	return "";
}

#define assert_has(text, part) \
	do { \
		if (!strstr(text, part)) \
			fail_msg("no '%s' in:\n%s", part, text); \
	} while (0)
#define assert_has_not(text, part) assert_null(strstr(text, part))

/* ---- the view ---- */

static void test_rates(void **state)
{
	struct top_view *v = view(stats(10, pair("wan", lane(100), lane(0)), NULL),
				  stats(12, pair("wan", lane(200), lane(0)), NULL));
	const struct top_lane *l = &v->pair[0].lane[SIDE_LEFT];

	(void)state;
	assert_int_equal(v->n_pairs, 1);
	assert_false(v->restarted);
	assert_true(v->turn_s > 1.99 && v->turn_s < 2.01);
	assert_int_equal(l->count[TOP_RECEIVED_FRAMES].total, 2000);
	assert_int_equal(l->count[TOP_RECEIVED_FRAMES].since, 1000);
	assert_true(fabs(top_view_rate(v, &l->count[TOP_RECEIVED_FRAMES]) -
			 500) < 0.01);
	assert_int_equal(l->count[TOP_FORWARDED_BYTES].since, 80000);
	assert_int_equal(l->count[TOP_RING_FULL_FRAMES].since, 50);
	assert_false(l->began_anew);
	assert_true(l->ring.known);
	assert_int_equal(l->ring.percent, 0);
	assert_int_equal(v->pair[0].n_reasons, 3);
	assert_string_equal(v->pair[0].reason[1].name, "tx_full");
	assert_int_equal(v->pair[0].reason[1].frames[SIDE_LEFT].since, 100);
	assert_int_equal(v->pair[0].reason[1].frames[SIDE_RIGHT].since, 0);
	assert_int_equal(v->pair[0].n_rules, 1);
	assert_int_equal(v->pair[0].rule[0].frames[SIDE_LEFT].since, 100);
	assert_true(v->pair[0].rule[0].on[SIDE_RIGHT]);
	assert_true(v->pair[0].port[SIDE_RIGHT].carrier);
	assert_int_equal(v->pair[0].port[SIDE_LEFT].mtu, 1500);
	top_view_free(v);
}

static void test_first_turn(void **state)
{
	struct top_view *v = view(NULL, stats(1, pair("wan", lane(5), NULL), NULL));
	const struct top_count *c =
		&v->pair[0].lane[SIDE_LEFT].count[TOP_RECEIVED_FRAMES];

	(void)state;
	assert_true(c->known);
	assert_false(c->compared);
	assert_true(top_view_rate(v, c) < 0);
	assert_false(v->restarted);
	assert_false(v->pair[0].is_new);
	assert_false(v->pair[0].lane[SIDE_LEFT].began_anew);
	top_view_free(v);
}

/* A reset: one counter is already above what it was, and is no less new. */
static void test_reset(void **state)
{
	json_t *now = lane(3);
	struct top_view *v;
	const struct top_lane *l;

	(void)state;
	json_object_set_new(now, "split_frames", json_integer(9));
	v = view(stats(10, pair("wan", lane(100), lane(7)), NULL),
		 stats(11, pair("wan", now, lane(9)), NULL));
	l = &v->pair[0].lane[SIDE_LEFT];
	assert_true(l->began_anew);
	assert_false(v->restarted);
	for (int i = 0; i < TOP_COUNTERS; i++) {
		assert_false(l->count[i].compared);
		assert_true(top_view_rate(v, &l->count[i]) < 0);
	}
	assert_int_equal(l->count[TOP_SPLIT_FRAMES].total, 9);
	assert_false(v->pair[0].reason[0].frames[SIDE_LEFT].compared);
	assert_false(v->pair[0].lane[SIDE_RIGHT].began_anew);
	assert_int_equal(v->pair[0].lane[SIDE_RIGHT]
				 .count[TOP_RECEIVED_FRAMES].since, 20);
	top_view_free(v);
}

/* Another process, though it counted more and runs longer than the last. */
static void test_restart(void **state)
{
	json_t *old = stats(10, pair("wan", lane(1), NULL), NULL);
	json_t *new = stats(20, pair("wan", lane(2), NULL), NULL);
	json_t *was = status(7), *is = status(8);
	struct top_view *v = top_view_new(&(struct top_answers){ new, is },
					  &(struct top_answers){ old, was });

	(void)state;
	assert_true(v->restarted);
	assert_true(v->pair[0].lane[SIDE_LEFT].began_anew);
	assert_false(v->pair[0].lane[SIDE_LEFT].count[0].compared);
	assert_int_equal(v->pid, 8);
	assert_string_equal(v->name, "w");
	top_view_free(v);
	json_decref(was);
	json_decref(is);
	json_decref(old);
	json_decref(new);
	/* Without a pid the clock tells. */
	v = view(stats(10, pair("wan", lane(1), NULL), NULL),
		 stats(2, pair("wan", lane(2), NULL), NULL));
	assert_true(v->restarted);
	top_view_free(v);
}

static void test_one_way(void **state)
{
	struct top_view *v = view(stats(1, pair("wan", NULL, lane(1)), NULL),
				  stats(2, pair("wan", NULL, lane(2)), NULL));
	char *text = page(v, 80, false);

	(void)state;
	assert_false(v->pair[0].lane[SIDE_LEFT].exists);
	assert_true(v->pair[0].lane[SIDE_RIGHT].exists);
	assert_false(v->pair[0].rule[0].on[SIDE_LEFT]);
	assert_has(text, "one way");
	free(text);
	text = plain(v);
	assert_has_not(text, "eth1 -> eth2");
	assert_has(text, "eth2 -> eth1");
	free(text);
	top_view_free(v);
}

static void test_pairs_come_and_go(void **state)
{
	struct top_view *v = view(
		stats(1, pair("wan", lane(1), lane(1)), NULL),
		stats(2, pair("lan", lane(5), NULL), pair("wan", lane(3), lane(1))));

	(void)state;
	assert_int_equal(v->n_pairs, 2);
	assert_true(v->pair[0].is_new);
	assert_false(v->pair[0].lane[SIDE_LEFT].began_anew);
	assert_false(v->pair[0].lane[SIDE_LEFT].count[0].compared);
	assert_false(v->pair[1].is_new);
	assert_int_equal(v->pair[1].lane[SIDE_LEFT]
				 .count[TOP_RECEIVED_FRAMES].since, 20);
	top_view_free(v);
	v = view(stats(1, pair("lan", lane(1), NULL), pair("wan", lane(1), NULL)),
		 stats(2, pair("wan", lane(2), NULL), NULL));
	assert_int_equal(v->n_pairs, 1);
	assert_int_equal(v->pair[0].lane[SIDE_LEFT].count[0].since, 10);
	top_view_free(v);
}

/* A row of two cells; no row where `left` is NULL. */
static void assert_row(char *text, const char *label, const char *left,
		       const char *right)
{
	char start[24], want[96];

	snprintf(start, sizeof(start), "  %-16s", label);
	snprintf(want, sizeof(want), "%s%21s%21s", start, left ? left : "",
		 right);
	if (left)
		assert_has(row(text, start), want);
	else
		assert_string_equal(row(text, start), "");
}

/* What is asked of stages stands with the ports; their counts and the taps'
 * below, of each lane that has them; sizes and times are no counts. */
static void test_stages_and_taps(void **state)
{
#define LANE(lost, queued) "{\"received_frames\":1,\"held_frames\":3," \
	"\"settings\":{\"loss\":\"1%\",\"delay\":\"2\\u001b[Jms\"}," \
	"\"stages\":{\"impair\":{\"lost\":" #lost ",\"corrupted\":0}," \
	"\"rate\":{\"queued_bytes\":" #queued ",\"queue_limit_bytes\":200," \
	"\"lost_us\":7}}}"
#define TAP(taken, lost) "{\"id\":\"ids\",\"left\":{\"taken_frames\":" #taken \
	",\"lost_frames\":" #lost "},\"right\":{\"taken_frames\":0}}," \
	"{\"id\":\"one\",\"left\":{\"at\":\"in\",\"taken_frames\":" #taken \
	"},\"right\":{\"at\":\"no\",\"taken_frames\":0}}"
#define STATS(second, lane, tap) "{\"seconds\":" #second ",\"pairs\":[{" \
	"\"name\":\"p\",\"lanes\":{\"left\":" lane ",\"right\":{" \
	"\"received_frames\":1}},\"taps\":[" tap "]}]}"
	struct top_view *v = view_of(STATS(1, LANE(5, 0), TAP(10, 0)),
				     STATS(2, LANE(9, 250), TAP(30, 2)));
	char *text;

	(void)state;
	assert_string_equal(v->pair[0].lane[SIDE_LEFT].asked,
			    "loss 1%, delay 2?[Jms");
	assert_int_equal(v->pair[0].n_stages, 2);
	text = page(v, 80, false);
	assert_has(text, "\n  left -> right: loss 1%, delay 2?[Jms ");
	assert_has_not(text, "  right -> left:");
	assert_row(text, "held", "3", "0");
	assert_row(text, "queue, bytes", "250/200 100 %", "");
	assert_row(text, "impair lost", "4.0 pps   ", "");
	assert_row(text, "impair corrupted", NULL, NULL);
	assert_row(text, "tap ids", "20.0 pps   ", "0 pps   ");
	assert_row(text, "tap ids lost", "! 2.0 pps   ", "");
	assert_row(text, "tap one", "20.0 pps   ", "");
	free(text);
	text = plain(v);
	assert_has(text, ", impair lost 4, tap ids 20, tap ids lost 2, "
			 "tap one 20, held 3, queue 250/200 100 %");
	free(text);
	top_view_free(v);
}

/* A rule was added at run time, another came to the front, one began anew. */
static void test_rules(void **state)
{
	static const char before[] =
		"{\"seconds\":1,\"pairs\":[{\"name\":\"p\",\"lanes\":{\"left\":{"
		"\"rules\":[{\"id\":\"a\",\"frames\":5},"
		"{\"id\":\"b\",\"frames\":50}]}}}]}";
	static const char now[] =
		"{\"seconds\":2,\"pairs\":[{\"name\":\"p\",\"lanes\":{\"left\":{"
		"\"rules\":[{\"id\":\"n\",\"frames\":1,\"runtime\":true},"
		"{\"id\":\"b\",\"frames\":7},{\"id\":\"a\",\"frames\":9,"
		"\"action\":\"pass_only\"},{\"frames\":3},7]},\"right\":{"
		"\"rules\":[{\"id\":\"a\",\"frames\":2,"
		"\"action\":\"pass_only\"}]}}}]}";
	struct top_view *v = view_of(before, now);
	const struct top_rule *rule = v->pair[0].rule;

	(void)state;
	assert_int_equal(v->pair[0].n_rules, 3);
	assert_true(rule[0].runtime);
	assert_false(rule[0].frames[SIDE_LEFT].compared);
	assert_false(rule[1].frames[SIDE_LEFT].compared);
	assert_int_equal(rule[1].frames[SIDE_LEFT].total, 7);
	assert_int_equal(rule[2].frames[SIDE_LEFT].since, 4);
	assert_true(rule[2].pass_only);
	assert_true(rule[2].on[SIDE_RIGHT]);
	assert_false(rule[2].frames[SIDE_RIGHT].compared);
	assert_int_equal(rule[2].frames[SIDE_RIGHT].total, 2);
	top_view_free(v);
	v = view_of(NULL, "{\"pairs\":[{\"name\":\"p\",\"lanes\":{\"left\":{"
			  "\"rules\":[{\"id\":\"a\"},{\"id\":\"a\"}]}}}]}");
	assert_int_equal(v->pair[0].n_rules, 2);
	top_view_free(v);
}

/* ---- answers that are odd ---- */

static void test_unknown(void **state)
{
	static const char dropped[] =
		"{\"pairs\":[{\"name\":\"p\",\"lanes\":{\"left\":{\"dropped\":"
		"{\"a\":{},\"b\":-1,\"c\":1.5}}}}]}";
	const char *odd[] = {
		"{}", "[]", "7", "null", "\"text\"",
		"{\"pairs\":{}}", "{\"pairs\":[7,null,[],{}]}",
		"{\"pairs\":[{\"name\":7}]}", "{\"pairs\":[{\"name\":\"\"}]}",
		"{\"seconds\":\"x\",\"pairs\":[{\"name\":\"p\",\"lanes\":7}]}",
		"{\"pairs\":[{\"name\":\"p\",\"lanes\":{\"left\":7}}]}",
		"{\"pairs\":[{\"name\":\"p\",\"lanes\":{\"left\":{}}}]}",
		"{\"pairs\":[{\"name\":\"p\",\"lanes\":{\"up\":{\"x\":1}}}]}",
		"{\"pairs\":[{\"name\":\"p\",\"left\":7,\"state\":[]}]}",
		"{\"pairs\":[{\"name\":\"p\",\"lanes\":{\"left\":{\"rules\":{}}}}]}",
		"{\"pairs\":[{\"name\":\"p\",\"lanes\":{\"left\":{\"rules\":[[]]}}}]}",
		"{\"pairs\":[{\"name\":\"p\",\"lanes\":{\"left\":{\"dropped\":[]}}}]}",
		NULL,
	};

	(void)state;
	odd[ARRAY_SIZE(odd) - 1] = dropped;
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
		for (size_t k = 0; k < ARRAY_SIZE(odd); k++) {
			struct top_view *v;
			json_t *now = json_loads(odd[i], JSON_DECODE_ANY, NULL);
			json_t *old = json_loads(odd[k], JSON_DECODE_ANY, NULL);
			char *text;

			assert_non_null(now);
			assert_non_null(old);
			v = view(old, now);
			assert_true(v->turn_s == 0);
			text = page(v, 60, k % 2);
			assert_has_not(text, "1844674407");
			free(text);
			text = plain(v);
			assert_has_not(text, "1844674407");
			free(text);
			top_view_free(v);
		}
}

static void test_passed_over(void **state)
{
	json_t *before = lane(1), *now = lane(2);
	struct top_view *v;

	(void)state;
	json_object_set_new(now, "colour", json_string("blue"));
	json_object_set_new(now, "forwarded_frames", json_string("many"));
	json_object_set_new(now, "received_bytes", json_real(2.5));
	json_object_set_new(json_object_get(now, "dropped"), "cosmic",
			    json_integer(4));
	v = view(stats(1, pair("wan", before, NULL), NULL),
		 stats(2, pair("wan", now, NULL), NULL));
	assert_false(v->pair[0].lane[0].count[TOP_FORWARDED_FRAMES].known);
	assert_false(v->pair[0].lane[0].count[TOP_RECEIVED_BYTES].known);
	assert_true(v->pair[0].lane[0].count[TOP_RECEIVED_FRAMES].compared);
	assert_int_equal(v->pair[0].n_reasons, 4);
	assert_string_equal(v->pair[0].reason[3].name, "cosmic");
	assert_int_equal(v->pair[0].reason[3].frames[SIDE_LEFT].total, 4);
	assert_true(top_reason_is_bad("cosmic"));
	assert_false(top_reason_is_bad("filtered"));
	assert_false(top_reason_is_bad("paused"));
	assert_false(top_reason_is_bad("impaired"));
	assert_false(top_reason_is_bad("aged"));
	assert_true(top_reason_is_bad("queue_full"));
	top_view_free(v);
}

static void test_absurd(void **state)
{
	static const char before[] =
		"{\"seconds\":1,\"pairs\":[{\"name\":\"p\",\"lanes\":{\"left\":{"
		"\"received_frames\":0,\"received_bytes\":-5}}}]}";
	static const char now[] =
		"{\"seconds\":1.000000001,\"pairs\":[{\"name\":\"p\",\"left\":{"
		"\"name\":\"x\",\"mtu\":9223372036854775807,\"up\":1},\"right\":{"
		"\"mtu\":-1},\"lanes\":{\"left\":{"
		"\"received_frames\":9223372036854775807,\"received_bytes\":-9,"
		"\"forwarded_frames\":9223372036854775807,"
		"\"ring_slots\":8192,\"ring_used_slots\":9000},\"right\":{"
		"\"ring_slots\":0,\"ring_used_slots\":0}}}]}";
	struct top_view *v = view_of(before, now);
	char *text = page(v, 60, false);

	(void)state;
	assert_int_equal(v->pair[0].port[SIDE_LEFT].mtu, 0);
	assert_int_equal(v->pair[0].port[SIDE_RIGHT].mtu, 0);
	assert_false(v->pair[0].port[SIDE_LEFT].up_known);
	assert_false(v->pair[0].lane[SIDE_LEFT].ring.known);
	assert_false(v->pair[0].lane[SIDE_RIGHT].ring.known);
	assert_false(v->pair[0].lane[0].count[TOP_RECEIVED_BYTES].known);
	assert_has(text, ">999 Epps");
	free(text);
	text = page(v, 60, true);
	assert_has(row(text, "  received"), "9223372036854775807"); /* too wide to group */
	free(text);
	top_view_free(v);
}

/* Neither a cursor nor a column moves for a name. */
static void test_names(void **state)
{
	static const char now[] =
		"{\"seconds\":1,\"pairs\":[{\"name\":\"\\u001b[31m\\u00e9\\n\","
		"\"state\":\"a\\tb\",\"left\":{\"name\":\"eth\\u0007\"},"
		"\"lanes\":{\"left\":{\"dropped\":{\"\\u001b]0;x\":1}}}}]}";
	char huge[5000];
	struct top_view *v = view_of(NULL, now);
	char *text = page(v, 60, true); /* which looks at each byte */

	(void)state;
	assert_string_equal(v->pair[0].name, "?[31m??");
	assert_string_equal(v->pair[0].port[SIDE_LEFT].name, "eth?");
	free(text);
	text = plain(v);
	for (const char *c = text; *c; c++)
		assert_true(*c == '\n' || (*c >= 0x20 && *c < 0x7f));
	free(text);
	top_view_free(v);
	memset(huge, 'x', sizeof(huge));
	huge[sizeof(huge) - 1] = '\0';
	v = view(NULL, stats(1, pair(huge, lane(1), NULL), NULL));
	assert_int_equal(strlen(v->pair[0].name), TOP_NAME_SIZE - 1);
	text = page(v, 60, true);
	assert_has(text, "x~");
	free(text);
	top_view_free(v);
}

/* ---- units ---- */

static void test_units(void **state)
{
	static const struct {
		double value;
		const char *text;
	} rate_row[] = {
		{ 0, "    0 pps   " },	      { 0.01, " <0.1 pps   " },
		{ 0.05, "  0.1 pps   " },     { 9.96, " 10.0 pps   " },
		{ 99.94, " 99.9 pps   " },    { 99.96, "  100 pps   " },
		{ 999.4, "  999 pps   " },    { 999.6, "1.000 kpps  " },
		{ 1234, "1.234 kpps  " },     { 9999.6, "10.00 kpps  " },
		{ 99996, "100.0 kpps  " },    { 999940, "999.9 kpps  " },
		{ 999960, "1.000 Mpps  " },   { 14.88e6, "14.88 Mpps  " },
		{ 1e10, "10.00 Gpps  " },     { 999.9e18, "999.9 Epps  " },
		{ 1e22, " >999 Epps  " },     { -1, "    -       " },
		{ NAN, "    -       " },      { INFINITY, "    -       " },
	};
	static const struct {
		uint64_t n;
		const char *text;
	} count_row[] = {
		{ 0, "0" }, { 999, "999" }, { 1000, "1 000" },
		{ 1234567, "1 234 567" },
		{ UINT64_C(999999999999999), "999 999 999 999 999" },
		{ UINT64_C(1000000000000000), "1000000000000000" },
		{ UINT64_MAX, "18446744073709551615" },
	};
	char text[TOP_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rate_row); i++) {
		top_rate(text, rate_row[i].value, "pps");
		assert_string_equal(text, rate_row[i].text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(count_row); i++) {
		top_count(text, count_row[i].n, TOP_COUNT_WIDTH);
		assert_string_equal(text, count_row[i].text);
	}
	top_rate_plain(text, 98.7e9, "bit/s");
	assert_string_equal(text, "98.70 Gbit/s");
	top_rate_plain(text, -1, "bit/s");
	assert_string_equal(text, "-");
	top_uptime(text, 59.9);
	assert_string_equal(text, "00:00:59");
	top_uptime(text, 86400.0 * 400 + 3661);
	assert_string_equal(text, "400 d 01:01:01");
	top_uptime(text, 1e300);
	assert_string_equal(text, "-");
	top_uptime(text, -1);
	assert_string_equal(text, "-");
}

/* Each unit's end stands in one column, whatever the number. */
static void test_columns_stay(void **state)
{
	char text[TOP_TEXT_SIZE];
	double value = 0.001;

	(void)state;
	for (int i = 0; i < 4000; i++, value *= 1.0173) {
		top_rate(text, value, "bit/s");
		assert_int_equal(strlen(text), TOP_RATE_WIDTH);
		assert_int_equal(text[5], ' ');
		assert_int_equal(strcspn(text + 6, " "),
				 text[6] == 'b' ? 5 : 6);
	}
}

/* ---- plain lines ---- */

static void test_plain(void **state)
{
	json_t *old = pair("wan", lane(100), lane(0));
	json_t *now = pair("wan", lane(200), lane(0));
	struct top_view *v;
	char *text;

	(void)state;
	json_object_set_new(json_object_get(now, "right"), "carrier",
			    json_false());
	json_object_set_new(now, "state", json_string("no carrier"));
	v = view(stats(10, old, NULL), stats(12, now, NULL));
	text = plain(v);
	assert_string_equal(
		text,
		STAMP " wan: no carrier, eth2 no carrier; "
		"eth1 -> eth2 400 pps, 320.0 kbit/s, dropped 200 (400 in all), "
		"filtered 100, tx_full 100, rule web 100, "
		"ring full 50 (100 in all), ring 41/8192 0 %; "
		"eth2 -> eth1 0 pps, 0 bit/s, dropped 0, ring 41/8192 0 %\n");
	free(text);
	top_view_free(v);
}

static void test_plain_anew(void **state)
{
	struct top_view *v = view(stats(10, pair("wan", lane(9), NULL), NULL),
				  stats(11, pair("wan", lane(4), NULL), NULL));
	char *text = plain(v);

	(void)state;
	assert_string_equal(
		text, STAMP " wan: forwarding; eth1 -> eth2 -, -, began anew, "
			    "dropped - (8 in all), ring full - (2 in all), "
			    "ring 41/8192 0 %\n");
	free(text);
	top_view_free(v);
	v = view_of(NULL, "{\"seconds\":1,\"pairs\":[]}");
	text = plain(v);
	assert_string_equal(text, STAMP " no pairs\n");
	free(text);
	top_view_free(v);
	v = view(NULL, stats(1, pair("a", NULL, NULL), pair("b", NULL, NULL)));
	text = plain(v);
	assert_string_equal(text, STAMP " a: forwarding\n" STAMP
					" b: forwarding\n");
	free(text);
	top_view_free(v);
}

static void test_plain_many_rules(void **state)
{
	json_t *old = lane(0), *now = lane(0);
	struct top_view *v;
	char *text;

	(void)state;
	for (int i = 0; i < 20; i++) {
		char id[8];

		snprintf(id, sizeof(id), "r%d", i);
		json_array_append_new(json_object_get(old, "rules"),
				      json_pack("{sssi}", "id", id, "frames", 0));
		json_array_append_new(json_object_get(now, "rules"),
				      json_pack("{sssi}", "id", id, "frames", i));
	}
	v = view(stats(1, pair("wan", old, NULL), NULL),
		 stats(2, pair("wan", now, NULL), NULL));
	text = plain(v);
	assert_has(text, "rule r8 8, 11 more rules, ring");
	assert_has_not(text, "rule r9");
	free(text);
	top_view_free(v);
}

static void test_stamp(void **state)
{
	const struct timespec at = { .tv_sec = 1795260918,
				     .tv_nsec = 7000000 };
	char stamp[TOP_STAMP_SIZE];

	(void)state;
	setenv("TZ", "UTC0", 1);
	tzset();
	top_plain_stamp(stamp, &at);
	assert_string_equal(stamp, "2026-11-21T11:35:18.007+0000");
	setenv("TZ", "XYZ-05:30", 1);
	tzset();
	top_plain_stamp(stamp, &at);
	assert_string_equal(stamp, "2026-11-21T17:05:18.007+0530");
}

/* ---- the page ---- */

static void test_page(void **state)
{
	struct top_view *v = view(stats(10, pair("wan", lane(1000), lane(0)), NULL),
				  stats(12, pair("wan", lane(4000), lane(0)), NULL));
	char *text = page(v, 60, false);

	(void)state;
	assert_string_equal(row(text, "  received"), "  received      "
			    "           15.00 kpps               0 pps   ");
	assert_has(row(text, "    tx_full"), "! 1.500 kpps ");
	assert_has_not(row(text, "    filtered"), "!");
	assert_string_equal(row(text, "    oversize"), "");
	assert_has(row(text, "  ring full"), "! 750 pps");
	assert_has(row(text, "  drop web"), "1.500 kpps");
	assert_has(text, "carrier    mtu 1500   veth");
	assert_has_not(text, "in all");
	free(text);
	text = page(v, 60, true);
	assert_string_equal(row(text, "  received"), "  received      "
			    "                 40 000                    0");
	assert_has(row(text, "    bytes"), "4 000 000");
	free(text);
	text = page(v, TOP_COLUMNS_WIDE, false);
	assert_has(row(text, "    tx_full"), "! 1.500 kpps                ! 3 000 ");
	assert_has(row(text, "    bits, bytes"), "12.00 Mbit/s            3 000 000 ");
	free(text);
	text = page(v, 1000, true);
	assert_has(row(text, "    tx_full"), "! 4 000              ! 3 000 ");
	free(text);
	top_view_free(v);
}

/* What is bad is so without colours, too, and has its look on each column. */
static void test_page_bad(void **state)
{
	json_t *before = pair("wan", lane(1), lane(1));
	json_t *now = pair("wan", lane(1), lane(1));
	json_t *left = json_object_get(json_object_get(now, "lanes"), "left");
	json_t *right = json_object_get(json_object_get(now, "lanes"), "right");
	struct top_page_params params = { 60, false };
	struct top_page *p;
	struct top_view *v;
	char *text;

	(void)state;
	json_object_set_new(left, "ring_used_slots", json_integer(6636));
	json_object_set_new(right, "ring_used_slots", json_integer(6635));
	json_object_set_new(now, "state", json_string("no carrier"));
	json_object_set_new(json_object_get(now, "left"), "up", json_false());
	json_object_set_new(json_object_get(now, "right"), "carrier",
			    json_false());
	v = view(stats(1, before, NULL), stats(2, now, NULL));
	text = page(v, 60, false);
	assert_has(text, "wan  ! no carrier");
	assert_has(row(text, "  left"), "! down ");
	assert_has(row(text, "  right"), "! no carrier ");
	assert_string_equal(row(text, "  ring  "), "  ring         "
			    "       ! 6636/8192  81 %      6635/8192  80 %");
	assert_has_not(row(text, "    tx_full"), "!"); /* it is long ago */
	free(text);
	p = top_page_new(v, &params);
	assert_int_equal(p->line[0].look[5], TOP_LOOK_BAD);
	assert_int_equal(p->line[0].look[16], TOP_LOOK_BAD);
	assert_int_equal(p->line[0].look[17], TOP_LOOK_PLAIN);
	assert_int_equal(p->line[1].look[27], TOP_LOOK_BAD);
	top_page_free(p);
	top_view_free(v);
}

static void test_page_title(void **state)
{
	json_t *now = stats(1, pair("wan", lane(1), lane(1)), NULL);
	json_t *is = status(4711);
	struct top_view *v = top_view_new(&(struct top_answers){ now, is }, NULL);
	char *text = page(v, 60, false);

	(void)state;
	assert_has(text, "bumpwire w  1.2  up 1 d 01:01:01  pid 4711 ");
	free(text);
	top_view_free(v);
	json_decref(now);
	json_decref(is);
}

static void test_page_long_names(void **state)
{
	json_t *now = pair("wan", lane(1), lane(1));
	struct top_view *v;
	char *text;

	(void)state;
	json_object_set_new(json_object_get(now, "left"), "name",
			    json_string("abcdefghijklmno"));
	v = view(NULL, stats(1, now, NULL));
	text = page(v, 60, false);
	assert_has(text, "left -> right        right -> left\n");
	free(text);
	text = page(v, TOP_COLUMNS_WIDE, false);
	assert_has(text, "abcdefghijklmno -> eth2");
	free(text);
	top_view_free(v);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_first_turn),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_one_way),
		cmocka_unit_test(test_pairs_come_and_go),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_stages_and_taps),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_passed_over),
		cmocka_unit_test(test_absurd),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_columns_stay),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_plain_anew),
		cmocka_unit_test(test_plain_many_rules),
		cmocka_unit_test(test_stamp),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_page_bad),
		cmocka_unit_test(test_page_title),
		cmocka_unit_test(test_page_long_names),
	};

	return cmocka_run_group_tests_name("top", tests, NULL, NULL);
}
