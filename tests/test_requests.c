/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * requests.c: whatever line a client sends, the answer is one line of JSON that
 * says ok or why not. Two pairs that wait for interfaces there are not; a
 * corpus of good requests is mutated for a while. BUMPWIRE_SEED=N repeats it.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "log.h"
#include "requests.h"
#include "rng.h"

#define FUZZ_NS (2 * NS_PER_SEC)
#define LINE_MAX_BYTES 4096

struct fixture {
	struct control control;
	struct control_params params;
	bool broken; /* what is read again has a mistake */
	bool one_way; /* it is the left's alone */
	struct server_heir heir; /* that the last answer named */
};

static void fill(struct conf *conf)
{
	static const char *const name[] = { "wan", "lan" };
	static const char *const port[] = { "no-l", "no-r" };

	conf_init(conf);
	for (int i = 0; i < 2; i++) {
		struct conf_pair *pair = conf_add_pair(conf, name[i]);
		char text[IF_NAMESIZE];

		for (int side = 0; side < SIDES; side++) {
			snprintf(text, sizeof(text), "%s%d", port[side], i);
			assert_int_equal(conf_set(conf, pair, "", side_name[side],
						  text), 0);
		}
		assert_int_equal(conf_set(conf, pair, "", "wait", "yes"), 0);
		assert_int_equal(conf_set(conf, pair, "x.conf:7: drop.web",
					  "drop.web", "tcp port 80"), 0);
	}
}

static int read_again(struct conf *conf, void *arg)
{
	const struct fixture *f = arg;

	conf_fini(conf);
	fill(conf);
	if (f->one_way)
		conf_set(conf, &conf->pair[0], "", "one_way", "left");
	if (!f->broken)
		return 0;
	return conf_set(conf, &conf->pair[0], "x.conf:9: spin", "spin", "x");
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct control *c = &f->control;

	log_level = LOG_LEVEL_ERROR;
	f->params = (struct control_params){ .read = read_again, .arg = f };
	c->params = &f->params;
	c->notify.fd = -1;
	for (int i = 0; i < SOURCES; i++)
		c->fd[i] = -1;
	c->name = strdup("test");
	c->user = strdup("nobody");
	c->conf = malloc(sizeof(*c->conf));
	fill(c->conf);
	assert_int_equal(conf_clone(&c->configured, c->conf), 0);
	assert_int_equal(link_monitor_open(&c->monitor), 0);
	assert_int_equal(control_make_pairs(c), 0);
	*state = f;
	return 0;
}

/* Who is named gets to know that there is nothing. */
static void disinherit(struct fixture *f)
{
	if (f->heir.take)
		f->heir.take(f->heir.arg, -1);
	f->heir.take = NULL;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct control *c = &f->control;

	disinherit(f);
	for (size_t i = 0; i < c->n_bridges; i++)
		bridge_free(c->bridge[i]);
	free(c->bridge);
	for (int i = 0; i < SOURCES; i++)
		close_fd(&c->fd[i]);
	link_monitor_close(c->monitor);
	conf_free(c->configured);
	conf_free(c->conf);
	free(c->name);
	free(c->user);
	free(f);
	return 0;
}

/* What errors are logged is of no interest here, and there are many. */
static char *ask_quietly(struct fixture *f, const char *line, size_t len)
{
	FILE *real = stderr, *null = fopen("/dev/null", "we");
	char *answer;

	assert_non_null(null);
	stderr = null;
	disinherit(f);
	answer = requests_answer(&f->control, line, len, &f->heir);
	stderr = real;
	fclose(null);
	return answer;
}

/* The answer, which is one line, an object with ok, and its result or why. */
static json_t *ask_bytes(struct fixture *f, const char *line, size_t len)
{
	char *text = ask_quietly(f, line, len);
	json_t *answer;

	assert_non_null(text);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	answer = json_loads(text, 0, NULL);
	if (!json_is_object(answer))
		fail_msg("'%s' answers '%s'", line, text);
	assert_true(json_is_boolean(json_object_get(answer, "ok")));
	if (json_is_true(json_object_get(answer, "ok")))
		assert_true(json_is_object(json_object_get(answer, "result")));
	else
		assert_true(*json_string_value(json_object_get(answer,
							       "error")));
	free(text);
	return answer;
}

static json_t *ask(struct fixture *f, const char *line)
{
	return ask_bytes(f, line, strlen(line));
}

static void assert_ok(struct fixture *f, const char *line)
{
	json_t *answer = ask(f, line);

	if (!json_is_true(json_object_get(answer, "ok")))
		fail_msg("%s: %s", line, json_string_value(
				 json_object_get(answer, "error")));
	json_decref(answer);
}

static void assert_refused(struct fixture *f, const char *line,
			   const char *why)
{
	json_t *answer = ask(f, line);
	const char *error = json_string_value(json_object_get(answer, "error"));

	if (!error || !strstr(error, why))
		fail_msg("%s: '%s' is not in '%s'", line, why,
			 error ? error : "");
	json_decref(answer);
}

/* ---- each request ---- */

static const char *const good[] = {
	"{\"request\":\"status\"}",
	"{\"request\":\"stats\"}",
	"{\"request\":\"stats\",\"pair\":\"lan\"}",
	"{\"request\":\"links\"}",
	"{\"request\":\"config\"}",
	"{\"request\":\"reload\"}",
	"{\"request\":\"filter_list\"}",
	"{\"request\":\"filter_add\",\"pair\":\"wan\",\"side\":\"left\","
	"\"action\":\"drop\",\"id\":\"r\",\"text\":\"udp\"}",
	"{\"request\":\"filter_set\",\"pair\":\"wan\",\"id\":\"r\","
	"\"text\":\"tcp\"}",
	"{\"request\":\"filter_del\",\"pair\":\"wan\",\"id\":\"r\"}",
	"{\"request\":\"pause\"}",
	"{\"request\":\"resume\",\"pair\":\"wan\"}",
	"{\"request\":\"reset\"}",
	"{\"request\":\"log\",\"level\":\"error\"}",
	"{\"request\":\"commands\"}",
	"{\"request\":\"set\",\"pair\":\"wan\",\"key\":\"left.delay\","
	"\"value\":\"20ms\"}",
	"{\"request\":\"set\",\"pair\":\"wan\",\"key\":\"loss\","
	"\"value\":\"gemodel 1% 20%\"}",
	"{\"request\":\"unset\",\"pair\":\"wan\",\"key\":\"delay\"}",
	"{\"request\":\"tap_list\",\"pair\":\"lan\"}",
	"{\"request\":\"tap_stream\",\"pair\":\"wan\"}",
	"{\"request\":\"tap_stream\",\"pair\":\"wan\",\"side\":\"left\","
	"\"at\":\"in\",\"filter\":\"tcp port 80\",\"snap\":128,"
	"\"queue\":\"1mb\"}",
};

static void test_good(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_ok(f, good[i]);
	assert_false(f->control.stopping);
	assert_ok(f, "{\"request\":\"stop\"}");
	assert_true(f->control.stopping);
}

static void test_bad(void **state)
{
	static const struct {
		const char *line, *why;
	} row[] = {
		{ "", "no request" }, { "[]", "a JSON object" },
		{ "{}", "request: missing" }, { "{\"request\":7}", "missing" },
		{ "{\"request\":\"stat\"}", "did you mean stats?" },
		{ "{\"request\":\"stats\",\"pair\":\"x\"}", "no such pair: 'x'" },
		{ "{\"request\":\"stats\",\"pair\":null}", "pair: missing" },
		{ "{\"request\":\"stats\",\"request\":\"stop\"}", "duplicate" },
		{ "{\"request\":\"log\",\"level\":\"loud\"}",
		  "allowed is one of error, warning, info, debug" },
		{ "{\"request\":\"check\",\"file\":\"x\"}", "whole path" },
		{ "{\"request\":\"check\",\"file\":\"/dev/zero\"}", "not a file" },
		{ "{\"request\":\"check\",\"file\":\"/nonexistent\"}", "No such" },
		{ "{\"request\":\"filter_add\"}", "there are 2 pairs" },
		{ "{\"request\":\"filter_add\",\"pair\":\"wan\",\"side\":\"up\","
		  "\"action\":\"drop\",\"id\":\"a\",\"text\":\"udp\"}",
		  "allowed is one of left, right, both" },
		{ "{\"request\":\"filter_add\",\"pair\":\"wan\",\"side\":\"left\","
		  "\"action\":\"drop\",\"id\":\"a b\",\"text\":\"udp\"}",
		  "id: 'a b'" },
		{ "{\"request\":\"filter_add\",\"pair\":\"wan\",\"side\":\"left\","
		  "\"action\":\"drop\",\"id\":\"web\",\"text\":\"udp\"}",
		  "has a rule web" },
		{ "{\"request\":\"filter_add\",\"pair\":\"wan\",\"side\":\"left\","
		  "\"action\":\"drop\",\"id\":\"a\",\"text\":\"udp prt\"}",
		  "nothing was changed" },
		{ "{\"request\":\"filter_add\",\"pair\":\"wan\",\"side\":\"left\","
		  "\"action\":\"drop\",\"id\":\"a\",\"text\":\"udp\\u0000x\"}",
		  "is not allowed" },
		{ "{\"request\":\"filter_del\",\"pair\":\"wan\",\"id\":\"web\"}",
		  "is the configuration's" },
		{ "{\"request\":\"filter_del\",\"pair\":\"wan\",\"id\":\"x\"}",
		  "has no rule 'x'" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		assert_refused(f, row[i].line, row[i].why);
	assert_null(f->heir.take);
}

/* ---- keys ---- */

#define SET(key, value) "{\"request\":\"set\",\"pair\":\"wan\",\"key\":\"" \
	key "\",\"value\":\"" value "\"}"
#define UNSET(key) "{\"request\":\"unset\",\"pair\":\"wan\",\"key\":\"" \
	key "\"}"

/* What changed, as "left.spin: 50 -> 7 live; ..." */
static void assert_changes(struct fixture *f, const char *line,
			   const char *want)
{
	json_t *answer = ask(f, line), *change;
	const json_t *changes = json_object_get(
		json_object_get(answer, "result"), "changes");
	char got[512] = "";

	for (size_t i = 0; i < json_array_size(changes); i++) {
		size_t n = strlen(got);
		const char *pair, *key, *from, *to, *effect;

		change = json_array_get(changes, i);
		assert_int_equal(json_unpack(change, "{ssssssssss}", "pair",
					     &pair, "key", &key, "from", &from,
					     "to", &to, "effect", &effect), 0);
		snprintf(got + n, sizeof(got) - n, "%s%s %s: %s -> %s %s",
			 n ? "; " : "", pair, key, from, to, effect);
	}
	assert_string_equal(got, want);
	json_decref(answer);
}

static void test_set(void **state)
{
	struct fixture *f = *state;
	const struct conf *before;

	assert_changes(f, SET("spin", "7"), "wan left.spin: 50 -> 7 live; "
		       "wan right.spin: 50 -> 7 live");
	assert_changes(f, SET("right.spin", "8"),
		       "wan right.spin: 7 -> 8 live");
	assert_changes(f, SET("right.spin", "8"), "");
	assert_int_equal(f->control.conf->pair[0].spin_us[SIDE_LEFT], 7);
	assert_int_equal(f->control.conf->pair[1].spin_us[SIDE_LEFT], 50);
	/* What stages take is text. */
	assert_changes(f, SET("left.delay", "20ms"),
		       "wan left.delay:  -> 20ms live");
	assert_changes(f, UNSET("delay"), "wan left.delay: 20ms ->  live");
	assert_null(f->control.conf->pair[0].delay[SIDE_LEFT]);
	assert_changes(f, UNSET("delay"), "");
	assert_changes(f, UNSET("left.spin"), "wan left.spin: 7 -> 50 live");
	before = f->control.conf;
	assert_refused(f, SET("spin", "x"), "spin: nothing was changed");
	assert_ptr_equal(f->control.conf, before);
	/* And all is the file's again. */
	assert_changes(f, "{\"request\":\"reload\"}",
		       "wan right.spin: 8 -> 50 live");
}

/* A member of the first pair of `status`, as JSON. */
static void assert_status(struct fixture *f, const char *member,
			  const char *want)
{
	json_t *answer = ask(f, "{\"request\":\"status\",\"pair\":\"wan\"}");
	const json_t *pair = json_array_get(
		json_object_get(json_object_get(answer, "result"), "pairs"), 0);
	char *text = json_dumps(json_object_get(pair, member),
				JSON_COMPACT | JSON_ENCODE_ANY);

	assert_non_null(text);
	assert_string_equal(text, want);
	free(text);
	json_decref(answer);
}

/* What is asked for, and what of it since the configuration was read. */
static void test_status_of_settings(void **state)
{
	struct fixture *f = *state;

	assert_status(f, "settings", "{\"left\":{},\"right\":{}}");
	assert_status(f, "changes", "[]");
	assert_status(f, "seed", "null");
	assert_ok(f, SET("seed", "7"));
	assert_status(f, "seed", "null"); /* of nothing */
	assert_ok(f, SET("left.loss", "2%"));
	assert_ok(f, SET("right.spin", "9"));
	assert_status(f, "settings",
		      "{\"left\":{\"loss\":\"2%\"},\"right\":{}}");
	assert_status(f, "seed", "7");
	assert_status(f, "changes", "[{\"key\":\"right.spin\",\"from\":"
		      "\"50\",\"to\":\"9\"},{\"key\":\"left.loss\","
		      "\"from\":\"\",\"to\":\"2%\"},{\"key\":\"seed\","
		      "\"from\":\"0\",\"to\":\"7\"}]");
	/* A reload that fails leaves both. */
	f->broken = true;
	assert_refused(f, "{\"request\":\"reload\"}", "nothing was changed");
	f->broken = false;
	assert_ok(f, UNSET("seed"));
	assert_ok(f, UNSET("spin"));
	assert_status(f, "changes", "[{\"key\":\"left.loss\",\"from\":\"\","
		      "\"to\":\"2%\"}]");
	assert_ok(f, "{\"request\":\"reload\"}");
	assert_status(f, "settings", "{\"left\":{},\"right\":{}}");
	assert_status(f, "changes", "[]");
}

/* Of a direction that nothing takes nothing is told. */
static void test_status_one_way(void **state)
{
	struct fixture *f = *state;

	f->one_way = true;
	assert_ok(f, "{\"request\":\"reload\"}");
	assert_ok(f, SET("right.loss", "2%"));
	assert_status(f, "settings", "{\"left\":{}}");
	assert_status(f, "seed", "null");
	assert_ok(f, SET("delay", "5ms"));
	assert_status(f, "settings", "{\"left\":{\"delay\":\"5ms\"}}");
}

static void test_status_of_rules(void **state)
{
	struct fixture *f = *state;

	assert_status(f, "rules", "{\"number\":1,\"runtime\":0}");
	assert_ok(f, "{\"request\":\"filter_add\",\"pair\":\"wan\",\"side\":"
		     "\"both\",\"id\":\"dns\",\"action\":\"drop\",\"text\":\"udp\"}");
	assert_status(f, "rules", "{\"number\":2,\"runtime\":1}");
}

/* The mistake is told with its key, and what is allowed. */
static void test_set_mistakes(void **state)
{
	static const struct {
		const char *line, *why;
	} row[] = {
		{ SET("spin", "x"), "pair wan: spin: 'x': allowed is a whole "
				    "number from 0 to 1000000000" },
		{ SET("left.delay", "1h"), "pair wan: left.delay: '1h': "
					   "allowed is " },
		{ SET("dealy", "20ms"), "did you mean delay?" },
		{ SET("left.wait", "yes"), "no such key" },
		{ SET("json", "yes"), "it belongs into [bumpwire]" },
		{ SET("left.delay", "20ms\\u0000"), "" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		json_t *answer = ask(f, row[i].line);
		const char *mistake = json_string_value(json_array_get(
			json_object_get(answer, "mistakes"), 0));

		if (json_is_true(json_object_get(answer, "ok")) ||
		    (*row[i].why && (!mistake || !strstr(mistake, row[i].why))))
			fail_msg("%s: '%s' is not in '%s'", row[i].line,
				 row[i].why, mistake ? mistake : "");
		json_decref(answer);
	}
	assert_refused(f, "{\"request\":\"set\",\"key\":\"spin\","
			  "\"value\":\"1\"}", "there are 2 pairs");
	assert_refused(f, "{\"request\":\"set\",\"pair\":\"wan\"}",
		       "value: missing");
	assert_refused(f, "{\"request\":\"unset\",\"pair\":\"wan\"}",
		       "key: missing");
}

/* What would lose frames is refused with what it takes. */
static void test_set_not_live(void **state)
{
	struct fixture *f = *state;
	const struct conf *before = f->control.conf;

	assert_refused(f, SET("tx", "ring"),
		       "tx: is not changed so, for the port would be opened "
		       "anew: start the bridge with it");
	f->control.conf->path = strdup("/etc/x.conf");
	assert_refused(f, SET("left.rx_slots", "64"),
		       "in /etc/x.conf and reload");
	assert_refused(f, UNSET("left"), "both ports would be opened anew");
	assert_refused(f, SET("drop.x", "udp"), "`filter add`");
	assert_refused(f, UNSET("drop.web"), "`filter add`");
	assert_ptr_equal(f->control.conf, before);
}

/* Every key of a pair, by whatever type it has: its default can be set, and is
 * what is there once it is unset. */
static void test_set_all(void **state)
{
	struct fixture *f = *state;
	char line[512];

	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *key = &conf_key[i];
		const char *text = key->fallback ? key->fallback : "no";
		json_t *answer;

		if (key->section != CONF_PAIR)
			continue;
		snprintf(line, sizeof(line), "{\"request\":\"set\",\"pair\":"
			 "\"lan\",\"key\":\"%s\",\"value\":\"%s\"}",
			 key->name, text);
		answer = ask(f, line);
		assert_int_equal(json_is_true(json_object_get(answer, "ok")),
				 key->effect == EFFECT_LIVE &&
				 key->type != CONF_RULE &&
				 key->type != CONF_RULE_FILE &&
				 strcmp(key->name, "wait"));
		json_decref(answer);
		snprintf(line, sizeof(line), "{\"request\":\"unset\",\"pair\":"
			 "\"lan\",\"key\":\"%s\"}", key->name);
		json_decref(ask(f, line));
	}
}

/* ---- taps ---- */

#define STREAM(rest) "{\"request\":\"tap_stream\",\"pair\":\"wan\"" rest "}"
#define START(id, to, rest) "{\"request\":\"tap_start\",\"pair\":\"wan\"," \
	"\"id\":\"" id "\",\"to\":\"" to "\"" rest "}"
#define STOP(id) "{\"request\":\"tap_stop\",\"pair\":\"wan\",\"id\":\"" \
	id "\"}"

static size_t count_taps(struct fixture *f)
{
	json_t *answer = ask(f, "{\"request\":\"tap_list\"}");
	size_t n = json_array_size(json_object_get(
		json_object_get(answer, "result"), "taps"));

	json_decref(answer);
	return n;
}

static void test_tap_mistakes(void **state)
{
	static const struct {
		const char *line, *why;
	} row[] = {
		{ STREAM(",\"snap\":\"x\""), "tap stream: snap: 'x': allowed" },
		{ STREAM(",\"queue\":\"1\""), "tap stream: queue: '1': "
		  "allowed" },
		{ STREAM(",\"filter\":\"udp prt\""), "filter: 'udp prt': " },
		{ STREAM(",\"files\":3"), "files: is for a tap to a file" },
		{ START("x", "eth3", ""), "tap x: to: 'eth3': allowed is " },
		{ START("x", "no", ""), "tap x: to: 'no': allowed is " },
		{ START("x", "dev:eth3", ",\"rotate_time\":\"1h\""),
		  "rotate_time: is for a tap to a file" },
		{ START("x", "/tmp/x", ",\"rotate_bytes\":\"1\""),
		  "rotate_bytes: '1': allowed" },
		{ START("x", "/nonexistent/x.pcapng", ""), "No such file" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		json_t *answer = ask(f, row[i].line);
		const char *mistake = json_string_value(json_array_get(
			json_object_get(answer, "mistakes"), 0));

		if (!mistake || !strstr(mistake, row[i].why))
			fail_msg("%s: '%s' is not in '%s'", row[i].line,
				 row[i].why, mistake ? mistake : "");
		json_decref(answer);
	}
	assert_refused(f, STREAM(",\"side\":\"up\""),
		       "side: 'up': allowed is one of left, right, both");
	assert_refused(f, STREAM(",\"at\":7"), "at: missing");
	assert_refused(f, STREAM(",\"snap\":[1]"), "snap: missing");
	assert_refused(f, START("a b", "/tmp/x", ""), "id: 'a b'");
	assert_refused(f, START("tap", "/tmp/x", ""),
		       "the configuration's own");
	assert_refused(f, STOP("x"), "has no tap 'x'");
	assert_null(f->heir.take);
	assert_int_equal(count_taps(f), 0);
}

static void test_tap_start(void **state)
{
	struct fixture *f = *state;
	char folder[] = "/tmp/test_requests.XXXXXX", path[64], line[256];

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/x.pcapng", folder);
	snprintf(line, sizeof(line), START("x", "%s", ",\"side\":\"left\","
		 "\"snap\":64"), path);
	assert_ok(f, line);
	assert_refused(f, line, "has a tap x");
	assert_int_equal(count_taps(f), 1);
	assert_ok(f, "{\"request\":\"stats\"}");
	assert_ok(f, STOP("x"));
	assert_int_equal(count_taps(f), 0);
	assert_int_equal(rmdir(folder), 0); /* without a frame there is no file */
}

/* The heir of the last answer gets an end of a connection. */
static int inherit(struct fixture *f)
{
	int end[2];

	assert_non_null(f->heir.take);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
				    SOCK_CLOEXEC, 0, end), 0);
	f->heir.take(f->heir.arg, end[0]);
	f->heir.take = NULL;
	return end[1];
}

static bool is_closed(int fd)
{
	char byte;

	return !recv(fd, &byte, 1, 0);
}

/* Not before the connection is there, and no more than there may be. */
static void test_tap_stream(void **state)
{
	struct fixture *f = *state;
	int fd[32], n = 0, last;

	assert_ok(f, STREAM(""));
	assert_int_equal(count_taps(f), 0);
	for (; n < 32; n++) {
		json_t *answer = ask(f, STREAM(",\"filter\":\"arp\""));
		bool ok = json_is_true(json_object_get(answer, "ok"));

		json_decref(answer);
		if (!ok)
			break;
		fd[n] = inherit(f);
		assert_false(is_closed(fd[n]));
	}
	assert_in_range(n, 1, 31);
	assert_int_equal(count_taps(f), n);
	assert_refused(f, STREAM(""), "at most so many");
	/* One that was promised, and for which there is no room any more. */
	assert_ok(f, STOP("stream1"));
	assert_ok(f, STREAM(""));
	last = dup(fd[1]);
	close(fd[0]);
	fd[0] = inherit(f);
	assert_ok(f, STOP("stream2"));
	while (!is_closed(last))
		assert_int_equal(recv(last, &(char[4096]){ 0 }, 4096, 0) > 0, 1);
	close(last);
	assert_int_equal(count_taps(f), n - 1);
	while (n)
		close(fd[--n]);
}

/* The pair is gone meanwhile. */
static void test_tap_stream_late(void **state)
{
	struct fixture *f = *state;
	struct server_heir heir;
	int fd;

	assert_ok(f, STREAM(""));
	heir = f->heir;
	f->heir.take = NULL;
	free(f->control.conf->pair[0].name);
	f->control.conf->pair[0].name = strdup("other");
	f->heir = heir;
	fd = inherit(f);
	assert_true(is_closed(fd));
	close(fd);
	assert_int_equal(count_taps(f), 0);
}

/* The mistakes come with the answer, with their place. */
static void test_broken_reload(void **state)
{
	struct fixture *f = *state;
	const struct conf *before = f->control.conf;
	json_t *answer;
	const char *mistake;

	f->broken = true;
	answer = ask(f, "{\"request\":\"reload\"}");
	mistake = json_string_value(json_array_get(
		json_object_get(answer, "mistakes"), 0));
	assert_non_null(mistake);
	assert_non_null(strstr(mistake, "x.conf:9: spin: 'x': allowed is"));
	assert_ptr_equal(f->control.conf, before);
	assert_int_equal(f->control.n_failed_reloads, 1);
	json_decref(answer);
}

/* ---- any bytes ---- */

static void test_deep(void **state)
{
	struct fixture *f = *state;
	char line[8000];

	memset(line, '[', sizeof(line));
	json_decref(ask_bytes(f, line, sizeof(line)));
	memset(line, 0xff, sizeof(line));
	json_decref(ask_bytes(f, line, sizeof(line)));
	memset(line, 0, sizeof(line));
	json_decref(ask_bytes(f, line, sizeof(line)));
}

/* One small thing after another, in a line that was good. */
static size_t mutate(struct rng *rng, char *line, size_t len)
{
	static const char *const piece[] = {
		"\"", "{", "}", "\\", "\\u0000", "null", "1e999", "\xff", ":",
		"\"pair\":\"wan\",", "web", "tcp port 80", "and (", ",",
		"\"key\":\"tap_to\",", "\"side\":\"right\",", "20ms", "%",
		"\"id\":\"stream1\",",
	};
	size_t at = rng_below(rng, len + 1), n;
	const char *p = piece[rng_below(rng, ARRAY_SIZE(piece))];

	switch (rng_below(rng, 4)) {
	case 0: /* another byte */
		if (at < len)
			line[at] = (char)rng_below(rng, 256);
		break;
	case 1: /* some are gone */
		n = rng_below(rng, 8);
		if (at + n < len) {
			memmove(line + at, line + at + n, len - at - n);
			len -= n;
		}
		break;
	case 2: /* cut off */
		len = rng_below(rng, 8) ? len : at;
		break;
	default:
		n = strlen(p);
		if (len + n < LINE_MAX_BYTES) {
			memmove(line + at + n, line + at, len - at);
			memcpy(line + at, p, n);
			len += n;
		}
	}
	return len;
}

static void test_fuzz(void **state)
{
	struct fixture *f = *state;
	const char *seed = getenv("BUMPWIRE_SEED");
	struct rng rng;
	uint64_t end_ns = clock_now_ns() + FUZZ_NS;
	char line[LINE_MAX_BYTES + 1];
	unsigned int n = 0;

	rng.state = seed ? strtoull(seed, NULL, 10) : end_ns;
	if (!seed)
		print_message("seed %llu\n", (unsigned long long)end_ns);
	while (clock_now_ns() < end_ns) {
		const char *from = good[rng_below(&rng, ARRAY_SIZE(good))];
		size_t len = strlen(from);

		memcpy(line, from, len);
		for (uint64_t i = rng_below(&rng, 6); i; i--)
			len = mutate(&rng, line, len);
		line[len] = '\0';
		json_decref(ask_bytes(f, line, len));
		n++;
	}
	print_message("%u requests\n", n);
	assert_int_equal(f->control.n_bridges, 2);
	assert_false(f->control.stopping);
}

/* What is quoted is cut between two characters, not within one. */
static void test_utf8_cut(void **state)
{
	struct fixture *f = *state;
	char line[256], name[101];

	for (int shift = 0; shift < 2; shift++) {
		memset(name, 'x', sizeof(name));
		for (int i = shift; i + 1 < 100; i += 2)
			memcpy(name + i, "\303\244", 2);
		name[98 + shift] = '\0';
		snprintf(line, sizeof(line), "{\"request\":\"%s\"}", name);
		assert_refused(f, line, "no such request: '");
		snprintf(line, sizeof(line),
			 "{\"request\":\"stats\",\"pair\":\"%s\"}", name);
		assert_refused(f, line, "no such pair: '");
	}
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_utf8_cut), TEST(test_good), TEST(test_bad), TEST(test_broken_reload),
		TEST(test_set), TEST(test_status_of_settings),
		TEST(test_status_one_way), TEST(test_status_of_rules),
		TEST(test_set_mistakes),
		TEST(test_set_not_live), TEST(test_set_all),
		TEST(test_tap_mistakes), TEST(test_tap_start),
		TEST(test_tap_stream), TEST(test_tap_stream_late),
		TEST(test_deep), TEST(test_fuzz),
	};

	return cmocka_run_group_tests_name("requests", tests, NULL, NULL);
}
