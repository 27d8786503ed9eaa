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

#include <string.h>

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
	assert_int_equal(link_monitor_open(&c->monitor), 0);
	assert_int_equal(control_make_pairs(c), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct control *c = &f->control;

	for (size_t i = 0; i < c->n_bridges; i++)
		bridge_free(c->bridge[i]);
	free(c->bridge);
	for (int i = 0; i < SOURCES; i++)
		close_fd(&c->fd[i]);
	link_monitor_close(c->monitor);
	conf_fini(c->conf);
	free(c->conf);
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
	answer = requests_answer(&f->control, line, len);
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
		TEST(test_deep), TEST(test_fuzz),
	};

	return cmocka_run_group_tests_name("requests", tests, NULL, NULL);
}
