/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line: each option of the table does what its key does, mistakes
 * are named, and the help tells of all of them.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "conf.h"
#include "options.h"
#include "test_log.h"

#define WORDS_MAX 64
#define HELP_COLUMNS 80
#define TEXT_MAX 65536

struct fixture {
	struct conf conf;
	struct options options;
	char path[64];
	struct test_log log;
};

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	if (!f)
		return -1;
	snprintf(f->path, sizeof(f->path), "%.40s/options-XXXXXX",
		 tmp && strlen(tmp) <= 40 ? tmp : "/tmp");
	fd = mkstemp(f->path);
	if (fd >= 0)
		close(fd);
	conf_init(&f->conf);
	*state = f;
	return fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	test_log_abandon(&f->log);
	conf_fini(&f->conf);
	unlink(f->path);
	free(f);
	return 0;
}

/* Parse words of a command line, up to NULL, into a fresh configuration. */
static int parse(struct fixture *f, const char *word, ...)
{
	char *argv[WORDS_MAX] = { (char *)"bumpwire" };
	int argc = 1, r;
	va_list ap;

	va_start(ap, word);
	for (; word; word = va_arg(ap, const char *)) {
		assert_true(argc < WORDS_MAX - 1);
		argv[argc++] = (char *)word;
	}
	va_end(ap);
	conf_fini(&f->conf);
	conf_init(&f->conf);
	memset(&f->options, 0xff, sizeof(f->options));
	test_log_begin(&f->log);
	r = options_parse(argc, argv, &f->conf, &f->options);
	test_log_end(&f->log);
	assert_int_equal(r, f->conf.n_mistakes ? -EINVAL : 0);
	assert_int_equal(!r, !*f->log.text);
	return r;
}

/* It is refused, with this one message and no other. */
#define assert_refused(f, message, ...)                                  \
	do {                                                             \
		assert_int_equal(parse(f, __VA_ARGS__, NULL), -EINVAL);  \
		assert_logged(&f->log, message);                         \
		assert_int_equal(test_log_lines(&f->log), 1);            \
	} while (0)

#define assert_parses(f, ...)                               \
	do {                                                \
		if (parse(f, __VA_ARGS__, NULL))            \
			fail_msg("%s", (f)->log);           \
	} while (0)

static char *printed(const struct conf *conf)
{
	char *text = calloc(1, TEXT_MAX);
	FILE *out = fmemopen(text, TEXT_MAX, "w");

	assert_non_null(text);
	assert_non_null(out);
	conf_print(conf, true, out);
	fclose(out);
	return text;
}

static void assert_same(const struct conf *a, const struct conf *b)
{
	char *x = printed(a), *y = printed(b);

	assert_string_equal(x, y);
	free(x);
	free(y);
}

static void file_write(const struct fixture *f, const char *text)
{
	FILE *out = fopen(f->path, "we");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

/* ---- keys as options ---- */

static void to_option(const struct conf_key *key, const char *text, char *name,
		      size_t size)
{
	static const char *const prefix[CONF_SECTIONS] = {
		[CONF_METRICS] = "metrics-", [CONF_EVENTS] = "events-",
	};
	bool on = key->type == CONF_BOOL && !strcmp(key->fallback, "yes");

	snprintf(name, size, "--%s%s%s", on ? "no-" : "",
		 prefix[key->section] ? prefix[key->section] : "", text);
	for (char *c = name + 2; *c; c++)
		if (*c == '_' || *c == '.')
			*c = '-';
}

/* A value that is not the default. */
static const char *value_for(const struct conf_key *key)
{
	switch (key->type) {
	case CONF_BOOL:
		return strcmp(key->fallback, "yes") ? "yes" : "no";
	case CONF_NAME:
		return "abc";
	case CONF_PATH:
		return "/tmp/file";
	case CONF_LISTEN:
		return "127.0.0.1:9118";
	case CONF_CPU:
		return "1";
	case CONF_SECONDS:
		return "1.5";
	case CONF_NUMBER:
		return "128";
	case CONF_CHOICE:
		return key->choice[!strcmp(key->choice[0], key->fallback)];
	case CONF_RULE:
		return "tcp port 80";
	case CONF_RULE_FILE:
		return "/etc/x.bpf";
	case CONF_BYTES:
		return key->max < 2 << 20 ? "1kb" : "2mb";
	case CONF_TEXT:
		return key->sample;
	case CONF_IFNAME:
		break;
	}
	return "";
}

/* The option sets what the key sets, written in either way. */
static void assert_sets(struct fixture *f, const struct conf_key *key,
			const char *name)
{
	char option[80], joined[128];
	const char *value = value_for(key);
	struct conf want;
	struct conf_pair *pair;

	conf_init(&want);
	pair = conf_add_pair(&want, "eth0-eth1");
	assert_int_equal(conf_set(&want, pair, "", "left", "eth0"), 0);
	assert_int_equal(conf_set(&want, pair, "", "right", "eth1"), 0);
	assert_int_equal(conf_set_in(&want, key->section,
				     key->section == CONF_PAIR ? pair : NULL,
				     "", name, value), 0);
	to_option(key, name, option, sizeof(option));
	snprintf(joined, sizeof(joined), "%s=%s", option, value);
	if (key->type == CONF_BOOL) {
		assert_parses(f, option, "eth0", "eth1");
		assert_same(&want, &f->conf);
		assert_parses(f, "eth0", option, "eth1");
		assert_same(&want, &f->conf);
	} else {
		assert_parses(f, option, value, "eth0", "eth1");
		assert_same(&want, &f->conf);
		assert_parses(f, joined, "eth0", "eth1");
		assert_same(&want, &f->conf);
		assert_parses(f, "eth0", "eth1", option, value);
		assert_same(&want, &f->conf);
	}
	assert_int_equal(f->options.action, ACTION_RUN);
	conf_fini(&want);
}

static void test_every_key(void **state)
{
	struct fixture *f = *state;
	char name[64];

	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *key = &conf_key[i];

		if (key->type == CONF_IFNAME)
			continue;
		assert_sets(f, key, key->name);
		for (int side = 0; key->sided && side < SIDES; side++) {
			snprintf(name, sizeof(name), "%s.%s", side_name[side],
				 key->name);
			assert_sets(f, key, name);
		}
	}
}

/* What a value may be is the key's matter; the message names the option. */
static void test_bad_values(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, "error: option --spin: '10k': allowed is a whole",
		       "--spin", "10k", "a", "b");
	assert_refused(f, "error: option --left-spin: '-1': allowed is",
		       "--left-spin=-1", "a", "b");
	assert_refused(f, "error: option --rx-slots: '1': allowed is",
		       "--rx-slots", "1", "a", "b");
	assert_refused(f, "error: option --tx: 'fast': allowed is one of",
		       "--tx", "fast", "a", "b");
	assert_refused(f, "error: option --log: '': allowed is one of",
		       "--log", "", "a", "b");
	assert_refused(f, "error: option --drop: '': allowed is a pcap-filter",
		       "--drop=", "a", "b");
}

static void test_last_wins(void **state)
{
	struct fixture *f = *state;

	assert_parses(f, "--spin", "1", "--spin", "2", "--left-spin", "3", "a",
		      "b");
	assert_int_equal(f->conf.pair[0].spin_us[SIDE_LEFT], 3);
	assert_int_equal(f->conf.pair[0].spin_us[SIDE_RIGHT], 2);
	assert_parses(f, "--left-spin", "3", "--spin", "2", "a", "b");
	assert_int_equal(f->conf.pair[0].spin_us[SIDE_LEFT], 2);
}

/* ---- ports ---- */

static void test_ports(void **state)
{
	struct fixture *f = *state;

	assert_parses(f, "Eth0", "br-lan");
	assert_int_equal(f->conf.n_pairs, 1);
	assert_string_equal(f->conf.pair[0].name, "eth0-br-lan");
	assert_string_equal(f->conf.pair[0].port[SIDE_LEFT], "Eth0");
	assert_string_equal(f->conf.pair[0].port[SIDE_RIGHT], "br-lan");
	assert_parses(f, "--wait", "--", "-x", "--drop");
	assert_string_equal(f->conf.pair[0].port[SIDE_LEFT], "-x");
	assert_string_equal(f->conf.pair[0].port[SIDE_RIGHT], "--drop");
	assert_true(f->conf.pair[0].wait);
	assert_refused(f, "error: eth0: expected two ports, LEFT and RIGHT",
		       "eth0");
	assert_refused(f, "error: eth2: expected two ports, LEFT and RIGHT",
		       "eth0", "eth1", "eth2", "eth3");
	assert_refused(f, "error: LEFT: 'a/b': allowed is the name of an "
		       "interface", "a/b", "eth1");
	assert_refused(f, "error: RIGHT: '': allowed is the name", "a", "");
}

/* Nothing at all: it is conf_finish() that asks for ports. */
static void test_no_words(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, NULL), 0);
	assert_int_equal(f->options.action, ACTION_RUN);
	assert_int_equal(f->conf.n_pairs, 0);
	test_log_begin(&f->log);
	assert_int_equal(conf_finish(&f->conf), -EINVAL);
	test_log_end(&f->log);
	assert_logged(&f->log, "no pair of ports given");
}

/* ---- rules ---- */

static void test_repeated_rules(void **state)
{
	static const struct {
		const char *id, *text;
		enum side side;
		enum filter_action action;
	} want[] = {
		{ "drop", "tcp port 1", SIDE_BOTH, FILTER_DROP },
		{ "rule-2", "tcp port 2", SIDE_BOTH, FILTER_DROP },
		{ "left.drop", "tcp port 3", SIDE_LEFT, FILTER_DROP },
		{ "rule-4", "tcp port 4", SIDE_BOTH, FILTER_DROP },
		{ "rule-5", "tcp port 5", SIDE_LEFT, FILTER_DROP },
		{ "pass_only", "tcp port 6", SIDE_BOTH, FILTER_PASS_ONLY },
		{ "right.pass_only", "tcp port 7", SIDE_RIGHT,
		  FILTER_PASS_ONLY },
		{ "rule-8", "tcp port 8", SIDE_BOTH, FILTER_PASS_ONLY },
	};
	struct fixture *f = *state;
	const struct conf_pair *pair;

	assert_parses(f, "--drop", "tcp port 1", "--drop", "tcp port 2",
		      "--left-drop", "tcp port 3", "eth0", "--drop",
		      "tcp port 4", "--left-drop=tcp port 5", "eth1",
		      "--pass-only", "tcp port 6", "--right-pass-only",
		      "tcp port 7", "--pass-only", "tcp port 8");
	pair = &f->conf.pair[0];
	assert_int_equal(pair->n_rules, ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_string_equal(pair->rule[i].rule.id, want[i].id);
		assert_string_equal(pair->rule[i].rule.text, want[i].text);
		assert_int_equal(pair->rule[i].side, want[i].side);
		assert_int_equal(pair->rule[i].rule.action, want[i].action);
		assert_false(pair->rule[i].rule.is_file);
	}
	assert_int_equal(conf_finish(&f->conf), 0);
}

/* ---- a file ---- */

static void test_file(void **state)
{
	static const char *const spelling[] = { "-c", "--config" };
	struct fixture *f = *state;
	char joined[96];

	file_write(f, "[bumpwire]\nlog = error\nstats = 3\n"
		      "[pair one]\nleft = a\nright = b\n"
		      "[pair two]\nleft = c\nright = d\n");
	for (size_t i = 0; i < ARRAY_SIZE(spelling); i++) {
		assert_parses(f, spelling[i], f->path);
		assert_int_equal(f->conf.n_pairs, 2);
		assert_int_equal(f->conf.log, LOG_LEVEL_ERROR);
		assert_int_equal(f->options.action, ACTION_RUN);
	}
	snprintf(joined, sizeof(joined), "-c%s", f->path);
	assert_parses(f, joined);
	assert_int_equal(f->conf.n_pairs, 2);
	/* What is typed wins over the file, wherever it stands. */
	assert_parses(f, "--log", "debug", "-c", f->path, "--json");
	assert_int_equal(f->conf.log, LOG_LEVEL_DEBUG);
	assert_int_equal(f->conf.stats_ns, 3 * NS_PER_SEC);
	assert_true(f->conf.json);
	assert_parses(f, "-c", f->path, "--check");
	assert_int_equal(f->options.action, ACTION_CHECK);
	assert_int_equal(f->conf.n_pairs, 2);
}

static void test_file_and_ports(void **state)
{
	struct fixture *f = *state;

	/* A profile leaves its ports to the command line, which also has the
	 * last word about all else. */
	file_write(f, "[pair one]\nleft.spin = 7\nright.spin = 8\n");
	assert_parses(f, "-c", f->path, "eth0", "eth1", "--left-spin", "9");
	assert_int_equal(f->conf.n_pairs, 1);
	assert_string_equal(f->conf.pair[0].name, "one");
	assert_string_equal(f->conf.pair[0].port[SIDE_LEFT], "eth0");
	assert_string_equal(f->conf.pair[0].port[SIDE_RIGHT], "eth1");
	assert_int_equal(f->conf.pair[0].spin_us[SIDE_LEFT], 9);
	assert_int_equal(f->conf.pair[0].spin_us[SIDE_RIGHT], 8);
	assert_refused(f, "error: eth0: expected two ports, LEFT and RIGHT",
		       "eth0", "-c", f->path);
	assert_refused(f, "error: eth2: expected two ports, LEFT and RIGHT",
		       "eth0", "eth1", "eth2", "-c", f->path);
	file_write(f, "[pair one]\n[pair two]\n");
	assert_refused(f, "error: eth0: ports are for a file of one pair; ",
		       "-c", f->path, "eth0", "eth1");
}

static void test_file_and_pair_options(void **state)
{
	struct fixture *f = *state;
	char option[80], name[64], want[160];

	file_write(f, "[pair one]\nleft = a\nright = b\n");
	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *key = &conf_key[i];
		const char *value = value_for(key);

		if (key->section != CONF_PAIR || key->type == CONF_IFNAME)
			continue;
		snprintf(name, sizeof(name), "%s%s", key->sided ? "left." : "",
			 key->name);
		to_option(key, name, option, sizeof(option));
		snprintf(want, sizeof(want), "error: option %s: belongs into "
			 "the file, as a key of its pair\n", option);
		if (key->type == CONF_BOOL)
			assert_refused(f, want, option, "-c", f->path);
		else
			assert_refused(f, want, "-c", f->path, option, value);
	}
}

static void test_bad_file(void **state)
{
	struct fixture *f = *state;
	char want[128];

	file_write(f, "[pair one]\nleft = a\nspni = 1\n");
	snprintf(want, sizeof(want), "error: %s:3: pair one.spni: no such key",
		 f->path);
	assert_refused(f, want, "-c", f->path);
	assert_refused(f, "error: /nonexistent/x: No such file or directory",
		       "-c", "/nonexistent/x");
}

/* ---- things to do ---- */

static void test_actions(void **state)
{
	static const struct {
		const char *word;
		enum action action;
	} row[] = {
		{ "--help", ACTION_HELP },
		{ "-h", ACTION_HELP },
		{ "--version", ACTION_VERSION },
		{ "-V", ACTION_VERSION },
		{ "--doctor", ACTION_DOCTOR }, { "--list", ACTION_LIST },
		{ "--check", ACTION_CHECK },
		{ "--dump-config", ACTION_DUMP_CONFIG },
		{ "--example-config", ACTION_EXAMPLE_CONFIG },
		{ "--unbypass", ACTION_UNBYPASS },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		assert_parses(f, row[i].word);
		assert_int_equal(f->options.action, row[i].action);
		assert_null(f->options.argument);
		assert_parses(f, row[i].word, row[i].word); /* again is fine */
		assert_int_equal(f->options.action, row[i].action);
	}
	assert_parses(f, "--dump-filter", "tcp port 80");
	assert_int_equal(f->options.action, ACTION_DUMP_FILTER);
	assert_string_equal(f->options.argument, "tcp port 80");
	assert_parses(f, "--dump-filter=");
	assert_string_equal(f->options.argument, "");
	assert_int_equal(options_n_verbs, ARRAY_SIZE(row) - 2 + 2);
}

static void test_two_actions(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, "error: option --list: cannot be combined",
		       "--check", "--list", "a", "b");
	assert_refused(f, "error: option --dump-config: cannot be combined",
		       "--dump-filter", "ip", "--dump-config");
}

/* Who asks for help gets it, whatever else is missing. */
static void test_help_is_lenient(void **state)
{
	struct fixture *f = *state;

	assert_parses(f, "--help", "eth0");
	assert_parses(f, "--version", "eth0", "eth1", "eth2");
	assert_parses(f, "-h", "-c", "/nonexistent");
	assert_parses(f, "-h", "--spin", "10k");
}

/* ---- mistakes ---- */

static void test_unknown_options(void **state)
{
	static const struct {
		const char *word, *near;
	} row[] = {
		{ "--dorp", "drop" },	      { "--left-dorp", "left-drop" },
		{ "--pass_only", "pass-only" }, { "--rx_slots", "rx-slots" },
		{ "--hlep", "help" },	      { "--verison", "version" },
		{ "--jsno", "json" },	      { "--right-spni", "right-spin" },
		{ "--chekc", "check" },	      { "--dump-confg", "dump-config" },
	};
	struct fixture *f = *state;
	char want[160];

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		snprintf(want, sizeof(want), "error: option %s: no such "
			 "option; did you mean --%s?\n", row[i].word,
			 row[i].near);
		assert_refused(f, want, row[i].word, "a", "b");
		assert_refused(f, want, "a", "b", row[i].word);
	}
	assert_refused(f, "error: option --frobnicate: no such option; see "
		       "--help\n", "--frobnicate", "a", "b");
	assert_refused(f, "error: option -x: no such option; see --help\n",
		       "-x", "a", "b");
	assert_refused(f, "error: option -l: no such option; see --help\n",
		       "a", "-l", "b");
	assert_int_equal(parse(f, "-xy", "a", "b", NULL), -EINVAL);
	assert_int_equal(test_log_lines(&f->log), 2);
}

/* What is written behind '=' is not part of the name. */
static void test_unknown_option_with_value(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, "did you mean --drop?", "--dorp=tcp port 80", "a",
		       "b");
	assert_refused(f, "did you mean --left-spin?", "--left-spni=5", "a",
		       "b");
}

/* An option that takes no value, given one: it exists. */
static void test_value_not_wanted(void **state)
{
	static const char *const word[] = { "--json=yes", "--wait=no",
					    "--help=x", "--list=" };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(word); i++) {
		assert_int_equal(parse(f, word[i], "a", "b", NULL), -EINVAL);
		if (strstr(f->log.text, "no such option"))
			fail_msg("%s", f->log.text);
		assert_logged(&f->log, "value");
	}
}

static void test_missing_values(void **state)
{
	struct fixture *f = *state;
	char option[80], want[160];

	for (size_t i = 0; i < conf_n_keys; i++) {
		if (conf_key[i].type == CONF_IFNAME ||
		    conf_key[i].type == CONF_BOOL)
			continue;
		to_option(&conf_key[i], conf_key[i].name,
			  option, sizeof(option));
		snprintf(want, sizeof(want), "error: option %s: needs a "
			 "value\n", option);
		assert_refused(f, want, "a", "b", option);
	}
	assert_refused(f, "error: option -c: needs a value\n", "-c");
	assert_refused(f, "error: option --config: needs a value\n",
		       "--config");
	assert_refused(f, "error: option --dump-filter: needs a value\n",
		       "--dump-filter");
}

/* All in one run. */
static void test_all_mistakes(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, "--dorp", "--spin", "10k", "--tx-slots", "1",
			       "a:b", "b", "--left-cpu", "x", "--drop", NULL),
			 -EINVAL);
	assert_int_equal(test_log_lines(&f->log), 6);
	assert_logged(&f->log, "option --dorp: no such option");
	assert_logged(&f->log, "option --spin: '10k'");
	assert_logged(&f->log, "option --tx-slots: '1'");
	assert_logged(&f->log, "LEFT: 'a:b'");
	assert_logged(&f->log, "option --left-cpu: 'x'");
	assert_logged(&f->log, "option --drop: needs a value");
}

/* ---- the file that equals the command line ---- */

static void test_dump_config(void **state)
{
	struct fixture *f = *state;
	struct conf back;
	FILE *out;

	assert_parses(f, "--drop", "tcp port 80", "--drop", "udp port 53",
		      "--left-drop", "vlan and tcp port 22", "--pass-only",
		      "ip or arp", "--right-drop", "ether[0] & 1 = 1",
		      "--right-drop", "ip6", "--drop-file", "/tmp/a b.bpf",
		      "--left-spin", "7", "--right-cpu", "1", "--tx", "ring",
		      "--rx-slots", "512", "--slot-bytes", "4096",
		      "--one-way", "left", "--wait", "--force",
		      "--qdisc-bypass", "--json", "--log", "warning",
		      "--stats", "0.5", "--duration", "12.25", "--count",
		      "9000000000", "--dump-config", "Eth0", "eth1.7");
	assert_int_equal(f->options.action, ACTION_DUMP_CONFIG);
	out = fopen(f->path, "we");
	assert_non_null(out);
	conf_print(&f->conf, false, out);
	assert_int_equal(fclose(out), 0);
	conf_init(&back);
	assert_int_equal(conf_read(&back, f->path), 0);
	assert_same(&f->conf, &back);
	assert_int_equal(back.pair[0].n_rules, 7);
	assert_string_equal(back.pair[0].name, "eth0-eth1.7");
	assert_int_equal(back.count, UINT64_C(9000000000));
	conf_fini(&back);
	/* And by way of -c. */
	assert_parses(f, "-c", f->path);
}

/* ---- help ---- */

static char *text_of(void (*print)(FILE *out))
{
	char *text = calloc(1, TEXT_MAX);
	FILE *out = fmemopen(text, TEXT_MAX, "w");

	assert_non_null(text);
	assert_non_null(out);
	print(out);
	fclose(out);
	return text;
}

/* Each run of white space as one blank, in place. */
static void flatten(char *text)
{
	char *to = text;

	for (const char *c = text; *c; c++) {
		bool blank = *c == ' ' || *c == '\n' || *c == '\t';

		if (!blank)
			*to++ = *c;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	}
	*to = '\0';
}

static void assert_in(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("'%s' is not in:\n%s", what, text);
}

static void test_help(void **state)
{
	char *text = text_of(options_print_help);
	char option[80], line[512];

	(void)state;
	flatten(text);
	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *key = &conf_key[i];

		if (key->type == CONF_IFNAME)
			continue;
		to_option(key, key->name, option, sizeof(option));
		snprintf(line, sizeof(line), " %s%s%s %s%s", option,
			 key->arg ? " " : "", key->arg ? key->arg : "",
			 strncmp(option, "--no-", 5) ? "" : "Do not ",
			 key->help);
		if (!strncmp(option, "--no-", 5)) /* all one sentence */
			line[strlen(line) - strlen(key->help)] |= 0x20;
		assert_in(text, line);
		if (key->sided) {
			snprintf(line, sizeof(line), "--left-%s, --right-%s",
				 option + 2, option + 2);
			assert_in(text, line);
		}
		for (int c = 0; key->type == CONF_CHOICE && key->choice[c]; c++)
			assert_in(strstr(text, option), key->choice[c]);
		snprintf(line, sizeof(line), " [%s]",
			 key->fallback ? key->fallback : "");
		if (key->fallback && key->type != CONF_BOOL)
			assert_in(strstr(text, option), line);
	}
	for (size_t i = 0; i < options_n_verbs; i++) {
		const struct options_verb *verb = &options_verb[i];

		snprintf(line, sizeof(line), "--%s%s%s %s", verb->name,
			 verb->arg ? " " : "", verb->arg ? verb->arg : "",
			 verb->help);
		assert_in(text, line);
		snprintf(line, sizeof(line), " -%c, --%s", verb->letter,
			 verb->name);
		if (verb->letter)
			assert_in(text, line);
	}
	assert_in(text, "Usage: bumpwire [OPTIONS] LEFT RIGHT");
	assert_in(text, "-c FILE");
	free(text);
}

static void test_help_is_narrow(void **state)
{
	char *text = text_of(options_print_help);
	size_t n;

	(void)state;
	assert_true(strlen(text) > 1000);
	for (const char *line = text; *line; line += n + 1) {
		n = strcspn(line, "\n");
		if (n > HELP_COLUMNS || !line[n] || (n && line[n - 1] == ' ') ||
		    memchr(line, '\t', n))
			fail_msg("%zu: '%.*s'", n, (int)n, line);
	}
	free(text);
}

static void test_man(void **state)
{
	char *text = text_of(options_print_man);
	size_t options = 0, n;
	char line[128], option[80];

	(void)state;
	for (const char *c = text; (c = strstr(c, ".TP\n.B ")); c++)
		options++;
	assert_int_equal(options, conf_n_keys - 2 + options_n_verbs);
	for (size_t i = 0; i < conf_n_keys; i++) {
		if (conf_key[i].type == CONF_IFNAME)
			continue;
		to_option(&conf_key[i], conf_key[i].name,
			  option, sizeof(option));
		n = 0;
		for (const char *c = option; *c; c++)
			n += (size_t)snprintf(line + n, sizeof(line) - n,
					      *c == '-' ? "\\-" : "%c", *c);
		assert_in(text, line);
	}
	/* Each dash is escaped, and no line of text begins like a request. */
	for (const char *c = text; (c = strchr(c, '-')); c++)
		assert_true(c > text && c[-1] == '\\');
	for (const char *l = text; *l; l += strcspn(l, "\n") + 1)
		assert_true(!strncmp(l, ".TP\n", 4) || !strncmp(l, ".B ", 3) ||
			    !strncmp(l, ".SS ", 4) || !strchr(".'", *l));
	free(text);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_every_key),
		TEST(test_bad_values),
		TEST(test_last_wins),
		TEST(test_ports),
		TEST(test_no_words),
		TEST(test_repeated_rules),
		TEST(test_file),
		TEST(test_file_and_ports),
		TEST(test_file_and_pair_options),
		TEST(test_bad_file),
		TEST(test_actions),
		TEST(test_two_actions),
		TEST(test_help_is_lenient),
		TEST(test_unknown_options),
		TEST(test_unknown_option_with_value),
		TEST(test_value_not_wanted),
		TEST(test_missing_values),
		TEST(test_all_mistakes),
		TEST(test_dump_config),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_help_is_narrow),
		cmocka_unit_test(test_man),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
