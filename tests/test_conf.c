/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of keys: what each takes and refuses, what is wrong only in the
 * whole, and that what is printed reads back to the same.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "conf.h"
#include "lane.h"
#include "link.h"
#include "log.h"
#include "test_log.h"

#define SEED UINT64_C(0x636f6e66)
#define ROUND_TRIPS 300

/* splitmix64 */
static uint64_t rng_next(uint64_t *rng)
{
	uint64_t z = *rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint32_t rng_below(uint64_t *rng, uint32_t n)
{
	return (uint32_t)(rng_next(rng) % n);
}

/* A configuration with one pair, a file, and what was logged last. */
struct fixture {
	struct conf conf;
	struct conf_pair *pair;
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
	snprintf(f->path, sizeof(f->path), "%.40s/conf-XXXXXX",
		 tmp && strlen(tmp) <= 40 ? tmp : "/tmp");
	fd = mkstemp(f->path);
	if (fd >= 0)
		close(fd);
	conf_init(&f->conf);
	f->pair = conf_add_pair(&f->conf, "wan");
	*state = f;
	return fd < 0 || !f->pair ? -1 : 0;
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

static struct conf_pair *pair_for(struct fixture *f, const struct conf_key *key)
{
	return key->section == CONF_PAIR ? f->pair : NULL;
}

static int set_in(struct fixture *f, enum conf_section section,
		  struct conf_pair *pair, const char *key, const char *value)
{
	int r;

	test_log_begin(&f->log);
	r = conf_set_in(&f->conf, section, pair, "x.conf:7: here", key, value);
	test_log_end(&f->log);
	return r;
}

static int set(struct fixture *f, struct conf_pair *pair, const char *key,
	       const char *value)
{
	return set_in(f, pair ? CONF_PAIR : CONF_PROGRAM, pair, key, value);
}

static void assert_accepts(struct fixture *f, const struct conf_key *key,
			   const char *name, const char *value)
{
	unsigned int before = f->conf.n_mistakes;

	if (set_in(f, key->section, pair_for(f, key), name, value) ||
	    *f->log.text)
		fail_msg("%s = '%s': %s", name, value, f->log.text);
	assert_int_equal(f->conf.n_mistakes, before);
}

/* It says so once, with place and value; nothing of the configuration moves. */
static void assert_refuses(struct fixture *f, const struct conf_key *key,
			   const char *name, const char *value)
{
	unsigned int before = f->conf.n_mistakes;
	struct conf_pair pair = *f->pair;
	struct conf conf = f->conf;
	char want[256];

	if (set_in(f, key->section, pair_for(f, key), name, value) != -EINVAL)
		fail_msg("%s = '%s' was accepted", name, value);
	assert_int_equal(f->conf.n_mistakes, before + 1);
	assert_int_equal(test_log_lines(&f->log), 1);
	snprintf(want, sizeof(want),
		 ": error: x.conf:7: here: '%s': allowed is ", value);
	assert_logged(&f->log, want);
	conf.n_mistakes++;
	assert_memory_equal(&f->conf, &conf, sizeof(conf));
	assert_memory_equal(f->pair, &pair, sizeof(pair));
}

static const struct conf_key *key_named(const char *name)
{
	for (size_t i = 0; i < conf_n_keys; i++)
		if (!strcmp(conf_key[i].name, name))
			return &conf_key[i];
	fail_msg("no key %s", name);
	return NULL;
}

static uint64_t number_of(struct fixture *f, const struct conf_key *key,
			  int side)
{
	const char *base = key->section == CONF_PAIR ? (char *)f->pair :
						       (char *)&f->conf;

	return ((const uint64_t *)(base + key->offset))[side];
}

#define for_each_key(key_, type_)                                      \
	for (const struct conf_key *key_ = conf_key;                   \
	     key_ < conf_key + conf_n_keys; key_++)                    \
		if (key_->type == (type_))

/* ---- the table itself ---- */

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *key = &conf_key[i];

		assert_non_null(key->name);
		assert_true(key->help && *key->help);
		assert_true(key->section < CONF_SECTIONS);
		/* The help's full stop is the printer's. */
		assert_true(key->help[strlen(key->help) - 1] != '.');
		assert_int_equal(strspn(key->name,
					"abcdefghijklmnopqrstuvwxyz_"),
				 strlen(key->name));
		if (key->type == CONF_CHOICE)
			assert_true(key->choice && key->choice[0]);
		if (key->type != CONF_BOOL && key->type != CONF_IFNAME)
			assert_true(key->arg && *key->arg);
		for (size_t k = 0; k < i; k++)
			if (conf_key[k].section == key->section)
				assert_string_not_equal(key->name,
							conf_key[k].name);
		/* The example shows a value of each. */
		assert_true(key->fallback || key->sample ||
			    key->type == CONF_IFNAME);
	}
}

static void test_defaults(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->conf.n_mistakes, 0);
	assert_int_equal(f->conf.n_pairs, 1);
	assert_false(f->conf.json);
	assert_int_equal(f->conf.log, LOG_LEVEL_INFO);
	assert_int_equal(f->conf.stats_ns, 0);
	assert_int_equal(f->conf.duration_ns, 0);
	assert_int_equal(f->conf.count, 0);
	assert_string_equal(f->pair->name, "wan");
	assert_int_equal(f->pair->one_way, SIDE_BOTH);
	assert_int_equal(f->pair->tx, TX_AUTO);
	assert_int_equal(f->pair->tx_slots, 256);
	assert_false(f->pair->qdisc_bypass);
	assert_false(f->pair->wait);
	assert_false(f->pair->force);
	assert_int_equal(f->pair->n_rules, 0);
	for (int side = 0; side < SIDES; side++) {
		assert_null(f->pair->port[side]);
		assert_int_equal(f->pair->spin_us[side], 50);
		assert_int_equal(f->pair->cpu[side], LANE_NO_CPU);
	}
}

/* ---- values ---- */

static const char *const no_number[] = {
	"", " ", "x", "10k", "10K", "1M", "10 ", " 10", "-1", "-0", "+1",
	"0x10", "0X10", "1e3", "1.0", "1,000", "1_000", "1 000", "10x", "yes",
	"none ", "NaN", "inf", "18446744073709551616", "18446744073709551626",
	"340282366920938463463374607431768211456", "\331\241", "1\t",
	"99999999999999999999999999999999999999999999999999999999999999999",
};

static void assert_range(struct fixture *f, const struct conf_key *key)
{
	char text[24];

	for (int i = 0; i < 2; i++) {
		uint64_t n = i ? key->max : key->min;

		snprintf(text, sizeof(text), "%" PRIu64, n);
		assert_accepts(f, key, key->name, text);
		assert_int_equal(number_of(f, key, 0), n);
		snprintf(text, sizeof(text), "0%" PRIu64, n);
		assert_accepts(f, key, key->name, text); /* never octal */
		assert_int_equal(number_of(f, key, 0), n);
	}
	snprintf(text, sizeof(text), "%" PRIu64, key->max + 1);
	assert_refuses(f, key, key->name, text);
	if (key->min) {
		snprintf(text, sizeof(text), "%" PRIu64, key->min - 1);
		assert_refuses(f, key, key->name, text);
		assert_refuses(f, key, key->name, "0");
	}
	assert_refuses(f, key, key->name, "18446744073709551615");
	for (size_t i = 0; i < ARRAY_SIZE(no_number); i++)
		assert_refuses(f, key, key->name, no_number[i]);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *key;
		uint64_t min, max;
	} row[] = {
		{ "count", 0, INT64_MAX },   { "rx_slots", 64, 1 << 20 },
		{ "slot_bytes", 0, 65536 },  { "tx_slots", 16, 65536 },
		{ "spin", 0, 1000000000 },   { "seed", 0, INT64_MAX },
		{ "tap_rotate_frames", 0, INT64_MAX },
		{ "tap_files", 0, 100000 },
	};
	struct fixture *f = *state;
	size_t n = 0;
	char want[80];

	for_each_key(key, CONF_NUMBER) {
		assert_range(f, key);
		assert_refuses(f, key, key->name, "none");
		n++;
	}
	assert_int_equal(n, ARRAY_SIZE(row));
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		const struct conf_key *key = key_named(row[i].key);

		assert_int_equal(key->min, row[i].min);
		assert_int_equal(key->max, row[i].max);
		assert_refuses(f, key, key->name, "x");
		snprintf(want, sizeof(want),
			 "allowed is a whole number from %" PRIu64
			 " to %" PRIu64 "\n", row[i].min, row[i].max);
		assert_logged(&f->log, want);
	}
}

static void test_cpu(void **state)
{
	struct fixture *f = *state;
	const struct conf_key *key = key_named("cpu");

	assert_range(f, key);
	assert_accepts(f, key, "cpu", "0");
	assert_accepts(f, key, "cpu", "4095");
	assert_refuses(f, key, "cpu", "4096");
	assert_logged(&f->log, "allowed is the number of a CPU, or none\n");
	assert_accepts(f, key, "cpu", "none");
	assert_int_equal(f->pair->cpu[SIDE_LEFT], LANE_NO_CPU);
	assert_int_equal(f->pair->cpu[SIDE_RIGHT], LANE_NO_CPU);
	assert_refuses(f, key, "cpu", "None");
	assert_refuses(f, key, "cpu", "no");
}

static void test_seconds(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "0", 0 },
		{ "1", NS_PER_SEC },
		{ "010", 10 * NS_PER_SEC },
		{ "0.5", NS_PER_SEC / 2 },
		{ "0.01", 10 * NS_PER_MS },
		{ "1.000000001", NS_PER_SEC + 1 },
		{ "2.100000000", 2100000000 },
		{ "59.999999999", 60 * NS_PER_SEC - 1 },
		{ "86400", 86400 * NS_PER_SEC },
		{ "86400.0", 86400 * NS_PER_SEC },
		{ "1s", NS_PER_SEC },
		{ "50ms", 50 * NS_PER_MS },
		{ "0.5m", 30 * NS_PER_SEC },
		{ "24h", 86400 * NS_PER_SEC },
	};
	static const char *const bad[] = {
		"", " ", ".", ".5", "5.", "-1", "-0.5", "+1", "1sec", "s",
		"ms", "1 s", "-1s", "1.5.s", "1S", "1d", "31536001s", "1e3",
		"1,5", "1.5.", "1.5.5", "1..5", "1. 5", "0.5 ", " 0.5",
		"1.0000000001", "0x1", "1.0x", "inf", "nan", "86400.000000001",
		"31536000.000000001", "31536001", "18446744073",
		"18446744074", "18446744073709551615",
		"18446744073709551616", "0000000000000000000000000001",
		"99999999999999999999999999999999999999999",
	};
	static const char *const keys[] = { "stats", "duration" };
	struct fixture *f = *state;

	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		const struct conf_key *key = key_named(keys[k]);

		assert_int_equal(key->type, CONF_SECONDS);
		for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
			assert_accepts(f, key, key->name, good[i].text);
			assert_int_equal(number_of(f, key, 0), good[i].ns);
		}
		for (size_t i = k; i < ARRAY_SIZE(bad); i++)
			if (!k || strncmp(bad[i], "86400", 5))
				assert_refuses(f, key, key->name, bad[i]);
	}
	assert_accepts(f, key_named("duration"), "duration", "31536000");
	assert_refuses(f, key_named("stats"), "stats", "86401");
	assert_logged(&f->log,
		      "allowed is 0, or seconds from 0.01 to 86400, such as "
			 "10, 0.5 or 20ms\n");
	/* Rates at every turn would be a flood; a short run is a run. */
	assert_refuses(f, key_named("stats"), "stats", "0.000000001");
	assert_refuses(f, key_named("stats"), "stats", "0.009999999");
	assert_accepts(f, key_named("duration"), "duration", "0.000000001");
	assert_refuses(f, key_named("duration"), "duration", "31536001");
	assert_logged(&f->log,
		      "seconds from 0 to 31536000, such as 10, 0.5 or 20ms\n");
}

/* Seconds that fit 64 bits of nanoseconds, but not with their decimals. */
static void test_seconds_wrap(void **state)
{
	static const char *const bad[] = {
		"18446744073.709551616", "18446744073.8",
		"18446744073.999999999",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_refuses(f, key_named("stats"), "stats", bad[i]);
}

static void test_bools(void **state)
{
	static const char *const bad[] = { "", "true", "false", "1", "0", "on",
					   "off", "Yes", "NO", "y", "n",
					   "yes ", " no", "yesno" };
	struct fixture *f = *state;
	size_t n = 0;

	for_each_key(key, CONF_BOOL) {
		const char *base = key->section == CONF_PAIR ?
					   (char *)f->pair : (char *)&f->conf;
		const bool *field = (const bool *)(base + key->offset);

		assert_accepts(f, key, key->name, "yes");
		assert_true(*field);
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
			assert_refuses(f, key, key->name, bad[i]);
		assert_logged(&f->log, "allowed is yes or no\n");
		assert_true(*field);
		assert_accepts(f, key, key->name, "no");
		assert_false(*field);
		n++;
	}
	assert_int_equal(n, 9); /* so many there are */
}

static void test_choices(void **state)
{
	static const struct {
		const char *key, *text;
		int value;
	} row[] = {
		{ "log", "error", LOG_LEVEL_ERROR },
		{ "log", "warning", LOG_LEVEL_WARN },
		{ "log", "info", LOG_LEVEL_INFO },
		{ "log", "debug", LOG_LEVEL_DEBUG },
		{ "one_way", "left", SIDE_LEFT },
		{ "one_way", "right", SIDE_RIGHT },
		{ "one_way", "no", SIDE_BOTH },
		{ "tx", "auto", TX_AUTO },
		{ "tx", "ring", TX_RING },
		{ "tx", "direct", TX_DIRECT },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		const struct conf_key *key = key_named(row[i].key);
		const char *base = key->section == CONF_PAIR ?
					   (char *)f->pair : (char *)&f->conf;

		assert_accepts(f, key, key->name, row[i].text);
		assert_int_equal(*(const int *)(base + key->offset),
				 row[i].value);
	}
	for_each_key(key, CONF_CHOICE) {
		assert_refuses(f, key, key->name, "");
		assert_refuses(f, key, key->name, "0");
		assert_refuses(f, key, key->name, "Auto");
		assert_refuses(f, key, key->name, "righ");
		assert_refuses(f, key, key->name, "left ");
		assert_refuses(f, key, key->name, "infoo");
		for (int i = 0; key->choice[i]; i++)
			assert_logged(&f->log, key->choice[i]);
	}
	assert_refuses(f, key_named("tx"), "tx", "x");
	assert_logged(&f->log, "allowed is one of auto, ring, direct\n");
}

static void test_ifnames(void **state)
{
	static const char *const good[] = {
		"eth0", "a", "abcdefghijklmno", "eth0.100", "br-lan", "veth_1",
		"A0", "...", "-", "x@if2", "#", "a;b", "[x]", "a=b", "\"x\"",
		"a\\b", "it's",
	};
	static const char *const bad[] = {
		"", ".", "..", "abcdefghijklmnop", "a/b", "/", "a:b", "eth0:1",
		"a b", " a", "a ", "a\tb", "\t", "a\013b", "\001",
		"0123456789012345678901234567890123456789",
	};
	static const char *const side[] = { "left", "right" };
	struct fixture *f = *state;

	for (int s = 0; s < SIDES; s++) {
		const struct conf_key *key = key_named(side[s]);

		for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
			assert_true(link_name_is_valid(good[i]));
			assert_accepts(f, key, side[s], good[i]);
			assert_string_equal(f->pair->port[s], good[i]);
		}
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
			assert_false(link_name_is_valid(bad[i]));
			assert_refuses(f, key, side[s], bad[i]);
		}
		assert_logged(&f->log, "the name of an interface, of 1 to 15 "
				 "characters\n");
		assert_string_equal(f->pair->port[s], "it's");
	}
}

/*
 * The kernel takes bytes above 0x7f: dev_valid_name() refuses white space, '/'
 * and ':'. They must not depend on whether char has a sign.
 */
static void test_ifnames_beyond_ascii(void **state)
{
	(void)state;
	assert_true(link_name_is_valid("\303\266"));
	assert_true(link_name_is_valid("br-\342\202\254"));
}

/* ---- keys ---- */

static void test_sides(void **state)
{
	struct fixture *f = *state;
	const struct conf_key *spin = key_named("spin");
	const struct conf_key *cpu = key_named("cpu");

	assert_accepts(f, spin, "spin", "7");
	assert_int_equal(f->pair->spin_us[SIDE_LEFT], 7);
	assert_int_equal(f->pair->spin_us[SIDE_RIGHT], 7);
	assert_accepts(f, spin, "left.spin", "8");
	assert_int_equal(f->pair->spin_us[SIDE_LEFT], 8);
	assert_int_equal(f->pair->spin_us[SIDE_RIGHT], 7);
	assert_accepts(f, spin, "right.spin", "9");
	assert_int_equal(f->pair->spin_us[SIDE_LEFT], 8);
	assert_int_equal(f->pair->spin_us[SIDE_RIGHT], 9);
	assert_accepts(f, spin, "spin", "0");
	assert_int_equal(f->pair->spin_us[SIDE_LEFT], 0);
	assert_int_equal(f->pair->spin_us[SIDE_RIGHT], 0);
	assert_accepts(f, cpu, "right.cpu", "3");
	assert_int_equal(f->pair->cpu[SIDE_LEFT], LANE_NO_CPU);
	assert_int_equal(f->pair->cpu[SIDE_RIGHT], 3);
	assert_refuses(f, cpu, "left.cpu", "-1");
	assert_accepts(f, cpu, "right.cpu", "none");
	assert_int_equal(f->pair->cpu[SIDE_RIGHT], LANE_NO_CPU);
}

static void test_rules(void **state)
{
	static const struct {
		const char *key, *text;
		enum side side;
		const char *id;
		bool is_file;
		enum filter_action action;
	} row[] = {
		{ "drop", "tcp", SIDE_BOTH, "drop", false, FILTER_DROP },
		{ "drop.web", "tcp", SIDE_BOTH, "web", false, FILTER_DROP },
		{ "left.drop", "udp", SIDE_LEFT, "left.drop", false,
		  FILTER_DROP },
		{ "right.drop.a.b-c_d", "udp", SIDE_RIGHT, "a.b-c_d", false,
		  FILTER_DROP },
		{ "pass_only", "arp", SIDE_BOTH, "pass_only", false,
		  FILTER_PASS_ONLY },
		{ "left.pass_only.x", "arp", SIDE_LEFT, "x", false,
		  FILTER_PASS_ONLY },
		{ "drop_file", "/a b", SIDE_BOTH, "drop_file", true,
		  FILTER_DROP },
		{ "right.drop_file.y", "z", SIDE_RIGHT, "y", true,
		  FILTER_DROP },
		{ "drop.drop", "ip", SIDE_BOTH, "drop", false, FILTER_DROP },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		const struct conf_rule *rule;

		assert_accepts(f, key_named("drop"), row[i].key, row[i].text);
		assert_int_equal(f->pair->n_rules, i + 1);
		rule = &f->pair->rule[i];
		assert_int_equal(rule->side, row[i].side);
		assert_string_equal(rule->rule.id, row[i].id);
		assert_string_equal(rule->rule.text, row[i].text);
		assert_int_equal(rule->rule.is_file, row[i].is_file);
		assert_int_equal(rule->rule.action, row[i].action);
	}
	assert_refuses(f, key_named("drop"), "drop", "");
	assert_logged(&f->log, "allowed is a pcap-filter expression that");
	assert_refuses(f, key_named("drop"), "left.drop_file.q", "");
	assert_logged(&f->log, "allowed is the name of a file that");
	assert_int_equal(f->pair->n_rules, ARRAY_SIZE(row));
}

/* The rules that a lane gets, in their order. */
static void test_rules_of_a_side(void **state)
{
	static const char *const keys[] = {
		"right.drop.a", "drop.b", "left.pass_only.c", "left.drop.d",
		"pass_only.e", "right.drop_file.f",
	};
	static const char *const want[SIDES] = { "bcde", "abef" };
	struct fixture *f = *state;
	struct filter_rule *rule;
	size_t n = 99;

	rule = conf_rules(f->pair, SIDE_LEFT, &n);
	assert_non_null(rule);
	assert_int_equal(n, 0);
	free(rule);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		assert_accepts(f, key_named("drop"), keys[i], "ip");
	for (int side = 0; side < SIDES; side++) {
		rule = conf_rules(f->pair, (enum side)side, &n);
		assert_non_null(rule);
		assert_int_equal(n, strlen(want[side]));
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(rule[i].id[0], want[side][i]);
			assert_int_equal(rule[i].is_file, rule[i].id[0] == 'f');
		}
		free(rule);
	}
}

/* An unknown key, and the name that is offered for it. */
struct unknown {
	const char *key, *near;
};

static void assert_unknown(struct fixture *f, struct conf_pair *pair,
			   const struct unknown *u)
{
	unsigned int before = f->conf.n_mistakes;
	char want[128];

	assert_int_equal(set(f, pair, u->key, "1"), -EINVAL);
	assert_int_equal(f->conf.n_mistakes, before + 1);
	if (u->near)
		snprintf(want, sizeof(want), ": error: x.conf:7: here: no such "
			 "key; did you mean %s?\n", u->near);
	else
		snprintf(want, sizeof(want), ": error: x.conf:7: here: no such "
			 "key\n");
	if (!strstr(f->log.text, want))
		fail_msg("%s: %s", u->key, f->log.text);
}

static void test_unknown_keys(void **state)
{
	static const struct unknown in_pair[] = {
		{ "spni", "spin" },	   { "left.spni", "spin" },
		{ "rx-slots", "rx_slots" }, { "rxslots", "rx_slots" },
		{ "dorp", "drop" },	   { "right.dorp", "drop" },
		{ "pass-only", "pass_only" }, { "wiat", "wait" },
		{ "oneway", "one_way" },   { "qdisc_bypas", "qdisc_bypass" },
		{ "lef", "left" },	   { "rihgt", "right" },
		{ "drop_fil", "drop_file" },
		{ "xyzzy", NULL },	   { "", NULL }, { "q", NULL },
		{ "drop/web", NULL },
		{ "a-name-that-is-longer-than-any-of-ours-and-not-near", NULL },
	};
	static const struct unknown in_program[] = {
		{ "lg", "log" },	{ "duraton", "duration" },
		{ "jsno", "json" },	{ "cuont", "count" },
		{ "verbosity", NULL },
	};
	/* Names that are right but for what stands around them. */
	static const char *const malformed[] = {
		"drop.", "left.drop.", "left.left", "left.right", "left.tx",
		"right.tx_slots", "left.wait", "spin.x", "cpu.0", "left.cpu.x",
		"tx.ring", "left.", "left.right.drop", "middle.drop", "Drop",
		"DROP", " drop", "drop ", "left .drop", "dropx", "drops.x",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(in_pair); i++)
		assert_unknown(f, f->pair, &in_pair[i]);
	for (size_t i = 0; i < ARRAY_SIZE(in_program); i++)
		assert_unknown(f, NULL, &in_program[i]);
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
		if (set(f, f->pair, malformed[i], "1") != -EINVAL)
			fail_msg("accepted: %s", malformed[i]);
		assert_logged(&f->log, "error: x.conf:7: here: no such key");
	}
	assert_int_equal(f->pair->n_rules, 0);
}

/* A key in the wrong section is not offered itself: "did you mean spin?" */
static void test_wrong_section(void **state)
{
	static const char *const of_pair[] = { "spin", "drop", "left", "tx" };
	static const char *const of_program[] = { "log", "count", "json" };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(of_pair); i++) {
		assert_int_equal(set(f, NULL, of_pair[i], "1"), -EINVAL);
		assert_logged(&f->log, "no such key");
		if (strstr(f->log.text, "did you mean"))
			fail_msg("%s: %s", of_pair[i], f->log.text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(of_program); i++) {
		assert_int_equal(set(f, f->pair, of_program[i], "1"), -EINVAL);
		assert_logged(&f->log, "no such key");
		if (strstr(f->log.text, "did you mean"))
			fail_msg("%s: %s", of_program[i], f->log.text);
	}
}

static void test_suggest(void **state)
{
	(void)state;
	assert_string_equal(conf_suggest("spni"), "spin");
	assert_string_equal(conf_suggest("left.spni"), "spin");
	assert_string_equal(conf_suggest("tx_slot"), "tx_slots");
	assert_string_equal(conf_suggest("rx_slot"), "rx_slots");
	assert_string_equal(conf_suggest("drop_fil"), "drop_file");
	assert_null(conf_suggest("xyzzy"));
	assert_null(conf_suggest(""));
	assert_null(conf_suggest("left."));
}

/* ---- the whole ---- */

static int finish(struct fixture *f)
{
	int r;

	test_log_begin(&f->log);
	r = conf_finish(&f->conf);
	test_log_end(&f->log);
	return r;
}

static void set_ports(struct fixture *f, size_t i, const char *left,
		      const char *right)
{
	struct conf_pair *pair = &f->conf.pair[i];

	assert_int_equal(set(f, pair, "left", left), 0);
	assert_int_equal(set(f, pair, "right", right), 0);
}

static void add_pair(struct fixture *f, const char *name, const char *left,
		     const char *right)
{
	assert_non_null(conf_add_pair(&f->conf, name));
	f->pair = &f->conf.pair[0]; /* they may have moved */
	set_ports(f, f->conf.n_pairs - 1, left, right);
}

static void test_finish_good(void **state)
{
	struct fixture *f = *state;

	set_ports(f, 0, "eth0", "eth1");
	add_pair(f, "lan", "eth2", "eth3");
	assert_accepts(f, key_named("drop"), "drop.web", "tcp port 80");
	assert_accepts(f, key_named("drop"), "left.drop", "udp");
	assert_int_equal(finish(f), 0);
	assert_string_equal(f->log.text, "");
	assert_int_equal(f->conf.n_mistakes, 0);
}

static void test_no_pair(void **state)
{
	struct fixture *f = *state;

	conf_fini(&f->conf);
	conf_init(&f->conf);
	assert_int_equal(finish(f), -EINVAL);
	assert_int_equal(f->conf.n_mistakes, 1);
	assert_logged(&f->log, "error: no pair of ports given: ");
}

static void test_missing_ports(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(finish(f), -EINVAL);
	assert_int_equal(f->conf.n_mistakes, 2);
	assert_logged(&f->log, "error: pair wan: no left port: ");
	assert_logged(&f->log, "error: pair wan: no right port: ");
	assert_int_equal(set(f, f->pair, "right", "eth1"), 0);
	f->conf.n_mistakes = 0;
	assert_int_equal(finish(f), -EINVAL);
	assert_int_equal(f->conf.n_mistakes, 1);
	assert_logged(&f->log, "no left port");
}

static void test_port_twice(void **state)
{
	static const struct {
		const char *port[2 * SIDES]; /* of pair wan, of pair lan */
		const char *mistake; /* NULL: none */
	} row[] = {
		{ { "a", "b", "c", "d" }, NULL },
		{ { "a", "b", "A", "B" }, NULL },
		{ { "a", "a", "c", "d" },
		  "pair wan: right: port a is already the left port of pair "
		  "wan" },
		{ { "a", "b", "a", "d" },
		  "pair lan: left: port a is already the left port of pair "
		  "wan" },
		{ { "a", "b", "c", "a" },
		  "pair lan: right: port a is already the left port of pair "
		  "wan" },
		{ { "a", "b", "b", "d" },
		  "pair lan: left: port b is already the right port of pair "
		  "wan" },
		{ { "a", "b", "c", "b" },
		  "pair lan: right: port b is already the right port of pair "
		  "wan" },
		{ { "a", "b", "c", "c" },
		  "pair lan: right: port c is already the left port of pair "
		  "lan" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		conf_fini(&f->conf);
		conf_init(&f->conf);
		add_pair(f, "wan", row[i].port[0], row[i].port[1]);
		add_pair(f, "lan", row[i].port[2], row[i].port[3]);
		assert_int_equal(finish(f), row[i].mistake ? -EINVAL : 0);
		assert_int_equal(f->conf.n_mistakes, !!row[i].mistake);
		if (row[i].mistake)
			assert_logged(&f->log, row[i].mistake);
	}
}

static void test_duplicate_rules(void **state)
{
	struct fixture *f = *state;

	set_ports(f, 0, "a", "b");
	assert_accepts(f, key_named("drop"), "drop.web", "tcp port 80");
	assert_accepts(f, key_named("drop"), "drop.dns", "udp port 53");
	assert_int_equal(finish(f), 0);
	assert_accepts(f, key_named("drop"), "left.pass_only.web", "tcp");
	assert_int_equal(finish(f), -EINVAL);
	assert_int_equal(f->conf.n_mistakes, 1);
	assert_logged(&f->log,
		      "error: x.conf:7: here: two rules are called web: ");
	/* A third one is one more mistake, not two. */
	assert_accepts(f, key_named("drop"), "right.drop.web", "tcp");
	f->conf.n_mistakes = 0;
	assert_int_equal(finish(f), -EINVAL);
	assert_int_equal(f->conf.n_mistakes, 2);
	/* In another pair it is another rule. */
	conf_fini(&f->conf);
	conf_init(&f->conf);
	add_pair(f, "wan", "a", "b");
	add_pair(f, "lan", "c", "d");
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(set(f, &f->conf.pair[i], "drop.web", "tcp"),
				 0);
	assert_int_equal(finish(f), 0);
}

static void test_bad_filters(void **state)
{
	struct fixture *f = *state;

	set_ports(f, 0, "a", "b");
	assert_accepts(f, key_named("drop"), "drop.good", "tcp port 80");
	assert_accepts(f, key_named("drop"), "drop.bad", "tcp prot 80");
	assert_accepts(f, key_named("drop"), "drop_file.gone", "/nonexistent");
	assert_int_equal(finish(f), -EINVAL);
	assert_int_equal(f->conf.n_mistakes, 2);
	assert_logged(&f->log, "error: x.conf:7: here: 'tcp prot 80': ");
	assert_logged(&f->log, "syntax error");
	assert_logged(&f->log, "error: x.conf:7: here: '/nonexistent': No such "
			 "file or directory\n");
}

/* Everything that is wrong is said in one run. */
static void test_all_mistakes(void **state)
{
	struct fixture *f = *state;

	conf_fini(&f->conf);
	conf_init(&f->conf);
	add_pair(f, "wan", "a", "a");
	add_pair(f, "lan", "a", "c");
	assert_int_equal(set(f, &f->conf.pair[0], "drop.x", "tcp prot"), 0);
	assert_int_equal(set(f, &f->conf.pair[1], "drop.x", "ip"), 0);
	assert_int_equal(set(f, &f->conf.pair[1], "drop.x", "ip6"), 0);
	assert_non_null(conf_add_pair(&f->conf, "third"));
	f->pair = &f->conf.pair[0];
	assert_int_equal(finish(f), -EINVAL);
	assert_int_equal(test_log_lines(&f->log), 6);
	assert_int_equal(f->conf.n_mistakes, 6);
}

static void test_pair_name(void **state)
{
	static const struct {
		const char *left, *right, *name;
	} row[] = {
		{ "eth0", "eth1", "eth0-eth1" },
		{ "ETH0", "Br-Lan", "eth0-br-lan" },
		{ "eth0.100", "a_b", "eth0.100-a_b" },
		{ "x@y", "a;b#c", "x_y-a_b_c" },
		{ "\303\266", "\"'", "__-__" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		char *name = conf_pair_name(row[i].left, row[i].right);

		assert_string_equal(name, row[i].name);
		free(name);
	}
}

/* ---- files ---- */

static void file_write(const struct fixture *f, const char *text)
{
	FILE *out = fopen(f->path, "we");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

static int read_file(struct fixture *f, struct conf *conf)
{
	int r;

	conf_init(conf);
	test_log_begin(&f->log);
	r = conf_read(conf, f->path);
	test_log_end(&f->log);
	return r;
}

static void test_read(void **state)
{
	static const char text[] = "[bumpwire]\n"
				   "log = debug\n"
				   "stats = 0.25\n"
				   "[pair one]\n"
				   "left = eth0 # the world\n"
				   "right = eth1\n"
				   "right.spin = 9\n"
				   "drop.web = \"tcp port 80\"\n"
				   "[pair two.x-y_z]\n"
				   "left = eth2\n"
				   "right = eth3\n"
				   "one_way = right\n";
	struct fixture *f = *state;
	struct conf conf;

	file_write(f, text);
	assert_int_equal(read_file(f, &conf), 0);
	assert_string_equal(f->log.text, "");
	assert_int_equal(conf.log, LOG_LEVEL_DEBUG);
	assert_int_equal(conf.stats_ns, NS_PER_SEC / 4);
	assert_int_equal(conf.n_pairs, 2);
	assert_string_equal(conf.pair[0].name, "one");
	assert_string_equal(conf.pair[0].port[SIDE_LEFT], "eth0");
	assert_string_equal(conf.pair[0].port[SIDE_RIGHT], "eth1");
	assert_int_equal(conf.pair[0].spin_us[SIDE_LEFT], 50);
	assert_int_equal(conf.pair[0].spin_us[SIDE_RIGHT], 9);
	assert_int_equal(conf.pair[0].n_rules, 1);
	assert_string_equal(conf.pair[0].rule[0].rule.text, "tcp port 80");
	assert_string_equal(conf.pair[1].name, "two.x-y_z");
	assert_string_equal(conf.pair[1].port[SIDE_LEFT], "eth2");
	assert_int_equal(conf.pair[1].one_way, SIDE_RIGHT);
	assert_int_equal(conf.pair[1].n_rules, 0);
	conf_fini(&conf);
}

/* All mistakes of a file in one run, each with its line. */
static void test_read_mistakes(void **state)
{
	static const char text[] = "[bumpwire]\n"
				   "logg = info\n"
				   "stats = 10x\n"
				   "[wan]\n"
				   "left = eth0\n"
				   "[pair wan]\n"
				   "spin = 10k\n"
				   "left = eth0/1\n"
				   "left.dorp = tcp\n"
				   "[pairs]\n"
				   "[pair]\n";
	static const char *const want[] = {
		":2: bumpwire.logg: no such key; did you mean log?\n",
		":3: bumpwire.stats: '10x': allowed is 0, or seconds",
		":4: no such section: [wan]: allowed are [bumpwire], "
		"[metrics], [events] and [pair "
		"NAME]\n",
		":7: pair wan.spin: '10k': allowed is a whole number from 0 to "
		"1000000000\n",
		":8: pair wan.left: 'eth0/1': allowed is the name of an inter",
		":9: pair wan.left.dorp: no such key; did you mean drop?\n",
		":10: no such section: [pairs]", ":11: no such section: [pair]",
	};
	struct fixture *f = *state;
	struct conf conf;

	file_write(f, text);
	assert_int_equal(read_file(f, &conf), -EINVAL);
	assert_int_equal(test_log_lines(&f->log), ARRAY_SIZE(want));
	assert_int_equal(conf.n_mistakes, ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		char line[160];

		snprintf(line, sizeof(line), ": error: %s%s", f->path, want[i]);
		assert_logged(&f->log, line);
	}
	conf_fini(&conf);
}

static void test_read_nothing(void **state)
{
	struct fixture *f = *state;
	struct conf conf;

	unlink(f->path);
	assert_int_equal(read_file(f, &conf), -ENOENT);
	assert_int_equal(conf.n_mistakes, 1);
	assert_int_equal(test_log_lines(&f->log), 1);
	assert_logged(&f->log, ": No such file or directory\n");
	conf_fini(&conf);
	file_write(f, "");
	assert_int_equal(read_file(f, &conf), 0);
	assert_int_equal(conf.n_pairs, 0);
	conf_fini(&conf);
	file_write(f, "[pair a]\nleft = x\nleft = y\n"); /* ini's matter */
	assert_int_equal(read_file(f, &conf), -EINVAL);
	assert_int_equal(conf.n_mistakes, 1);
	conf_fini(&conf);
}

/* ---- printed and read back ---- */

static void assert_same_string(const char *a, const char *b)
{
	assert_int_equal(!a, !b);
	if (a)
		assert_string_equal(a, b);
}

static void assert_same_pair(const struct conf_pair *a,
			     const struct conf_pair *b)
{
	assert_string_equal(a->name, b->name);
	for (int side = 0; side < SIDES; side++) {
		assert_same_string(a->port[side], b->port[side]);
		assert_int_equal(a->spin_us[side], b->spin_us[side]);
		assert_int_equal(a->rx_slots[side], b->rx_slots[side]);
		assert_int_equal(a->slot_bytes[side], b->slot_bytes[side]);
		assert_int_equal(a->cpu[side], b->cpu[side]);
	}
	assert_int_equal(a->one_way, b->one_way);
	assert_int_equal(a->tx, b->tx);
	assert_int_equal(a->tx_slots, b->tx_slots);
	assert_int_equal(a->qdisc_bypass, b->qdisc_bypass);
	assert_int_equal(a->wait, b->wait);
	assert_int_equal(a->force, b->force);
	assert_int_equal(a->n_rules, b->n_rules);
	for (size_t i = 0; i < a->n_rules; i++) {
		const struct conf_rule *x = &a->rule[i], *y = &b->rule[i];

		assert_int_equal(x->side, y->side);
		assert_string_equal(x->rule.id, y->rule.id);
		assert_string_equal(x->rule.text, y->rule.text);
		assert_int_equal(x->rule.is_file, y->rule.is_file);
		assert_int_equal(x->rule.action, y->rule.action);
	}
}

static void assert_same(const struct conf *a, const struct conf *b)
{
	assert_int_equal(a->json, b->json);
	assert_int_equal(a->log, b->log);
	assert_int_equal(a->stats_ns, b->stats_ns);
	assert_int_equal(a->duration_ns, b->duration_ns);
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->n_pairs, b->n_pairs);
	for (size_t i = 0; i < a->n_pairs; i++)
		assert_same_pair(&a->pair[i], &b->pair[i]);
}

static void print_file(struct fixture *f, bool defaults)
{
	FILE *out = fopen(f->path, "we");

	assert_non_null(out);
	conf_print(&f->conf, defaults, out);
	assert_int_equal(fclose(out), 0);
}

static char *file_text(const struct fixture *f)
{
	static char text[65536];
	FILE *in = fopen(f->path, "re");
	size_t n;

	assert_non_null(in);
	n = fread(text, 1, sizeof(text) - 1, in);
	text[n] = '\0';
	fclose(in);
	return text;
}

static void assert_reads_back(struct fixture *f)
{
	struct conf back;

	for (int defaults = 0; defaults < 2; defaults++) {
		print_file(f, defaults);
		if (read_file(f, &back))
			fail_msg("%s\nof:\n%s", f->log.text, file_text(f));
		assert_same(&f->conf, &back);
		conf_fini(&back);
	}
}

/* Keys that stand at their default are printed if asked for, and only then. */
static void test_print_defaults(void **state)
{
	struct fixture *f = *state;
	char line[128];

	set_ports(f, 0, "eth0", "eth1");
	print_file(f, false);
	assert_string_equal(file_text(f), "[bumpwire]\n\n[pair wan]\n"
					  "left = eth0\nright = eth1\n");
	print_file(f, true);
	for (size_t i = 0; i < conf_n_keys; i++) {
		if (!conf_key[i].fallback)
			continue;
		snprintf(line, sizeof(line), "\n%s = %s\n", conf_key[i].name,
			 conf_key[i].fallback);
		if (!strstr(file_text(f), line))
			fail_msg("not printed:%s", line);
	}
	assert_reads_back(f);
}

static void random_value(uint64_t *rng, const struct conf_key *key, char *text,
			 size_t size)
{
	uint64_t n = rng_next(rng);
	int choices = 0;

	switch (key->type) {
	case CONF_BOOL:
		snprintf(text, size, "%s", n & 1 ? "yes" : "no");
		break;
	case CONF_CPU:
	case CONF_NUMBER:
		n >>= n & 63; /* small ones and large ones */
		snprintf(text, size, "%" PRIu64,
			 key->min + n % (key->max - key->min + 1));
		break;
	case CONF_NAME:
	case CONF_LISTEN:
		snprintf(text, size, "%u", 1 + rng_below(rng, 65535));
		break;
	case CONF_PATH:
		snprintf(text, size, " /tmp/%" PRIx64 " 'x' ; y ", n);
		break;
	case CONF_SECONDS:
		snprintf(text, size, "%" PRIu64 ".%.*s", 1 + n % (key->max - 1),
			 (int)(1 + n % 9), "102030401");
		break;
	case CONF_CHOICE:
		while (key->choice[choices])
			choices++;
		snprintf(text, size, "%s", key->choice[n % (unsigned)choices]);
		break;
	case CONF_IFNAME:
		snprintf(text, size, "e%" PRIx64 ".%u", n & 0xffffff,
			 rng_below(rng, 4096));
		break;
	case CONF_RULE:
		snprintf(text, size, "tcp port %u and 'x' # ; y",
			 rng_below(rng, 65536));
		break;
	case CONF_RULE_FILE:
		snprintf(text, size, " /tmp/%" PRIx64 " \"q\".bpf ", n);
		break;
	case CONF_BYTES:
		n >>= n & 63;
		snprintf(text, size, "%" PRIu64,
			 key->min + n % (key->max - key->min + 1));
		break;
	case CONF_TEXT:
		snprintf(text, size, "%s", n & 1 ? key->sample : "no");
		break;
	}
}

/* Set each key of a section or leave it, with a side and an id or without. */
static void randomize(struct fixture *f, uint64_t *rng, struct conf_pair *pair)
{
	char text[128], name[128];

	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *key = &conf_key[i];
		bool rule = key->type == CONF_RULE ||
			    key->type == CONF_RULE_FILE;
		const char *side = "";

		if ((key->section == CONF_PAIR) != !!pair ||
		    (key->type != CONF_IFNAME && !rng_below(rng, 3)))
			continue;
		if (key->sided && rng_below(rng, 2))
			side = rng_below(rng, 2) ? "left." : "right.";
		snprintf(name, sizeof(name), "%s%s", side, key->name);
		if (rule && rng_below(rng, 2))
			snprintf(name, sizeof(name), "%s%s.r%u", side,
				 key->name, rng_below(rng, 1000));
		random_value(rng, key, text, sizeof(text));
		if (set_in(f, key->section, pair, name, text))
			fail_msg("%s", f->log.text);
	}
}

static void test_random_round_trips(void **state)
{
	struct fixture *f = *state;
	uint64_t rng = SEED;

	for (int i = 0; i < ROUND_TRIPS; i++) {
		conf_fini(&f->conf);
		conf_init(&f->conf);
		randomize(f, &rng, NULL);
		for (uint32_t n = rng_below(&rng, 4); n; n--) {
			char name[32];

			snprintf(name, sizeof(name), "p.%u-x_%u", n,
				 rng_below(&rng, 100));
			assert_non_null(conf_add_pair(&f->conf, name));
			randomize(f, &rng,
				  &f->conf.pair[f->conf.n_pairs - 1]);
		}
		assert_reads_back(f);
	}
	f->pair = NULL;
}

/* Every second and every nanosecond of it comes back. */
static void test_seconds_round_trip(void **state)
{
	static const uint64_t ns[] = {
		0, 10000000, 10000001, 100000000, 123456789, NS_PER_SEC - 1, NS_PER_SEC,
		NS_PER_SEC + 1, 10 * NS_PER_SEC, 100 * NS_PER_SEC,
		1000 * NS_PER_SEC + 500000000, 86400 * NS_PER_SEC,
	};
	static const char *const text[] = {
		NULL, "0.01", "0.010000001", "0.1", "0.123456789",
		"0.999999999", "1", "1.000000001", "10", "100", "1000.5",
		"86400",
	};
	struct fixture *f = *state;
	char line[64];

	set_ports(f, 0, "a", "b");
	for (size_t i = 0; i < ARRAY_SIZE(ns); i++) {
		f->conf.stats_ns = ns[i];
		assert_reads_back(f);
		print_file(f, false);
		snprintf(line, sizeof(line), "\nstats = %s\n", text[i]);
		if (text[i] && !strstr(file_text(f), line))
			fail_msg("no%sin:\n%s", line, file_text(f));
	}
}

static void test_quotes_round_trip(void **state)
{
	static const char *const text[] = {
		"tcp port 80", " tcp ", "tcp # and", "tcp ; and", "a = b",
		"[x]", "it's", "say \"x\"", "'", "\"", "'tcp'", "#", ";", "=",
		"ether[0] & 1 = 1", "tcp[tcpflags] & (tcp-syn) != 0", "\ttab",
		"\303\266", "yes", "none", "%s%n",
	};
	struct fixture *f = *state;

	set_ports(f, 0, "a", "b");
	for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
		char key[32];

		snprintf(key, sizeof(key), "%sdrop%s.q%zu",
			 i % 3 ? "left." : "", i % 2 ? "_file" : "", i);
		assert_accepts(f, key_named("drop"), key, text[i]);
		assert_reads_back(f);
	}
}

/* What iniparser reads on a line and not a byte more, and no byte that a line
 * cannot hold. */
static void test_lines_round_trip(void **state)
{
	static const char head[] = "left.drop_file.x = \"\"";
	static const char *const bad[] = { "a\r", "a\001b", "\033[m",
					   "a\177", "a\fb", "\v" };
	struct fixture *f = *state;
	char text[1024];

	set_ports(f, 0, "a", "b");
	memset(text, 'x', sizeof(text));
	text[1022 - strlen(head) + 1] = '\0';
	assert_refuses(f, key_named("drop"), "left.drop_file.x", text);
	assert_logged(&f->log, "1022 bytes");
	text[1022 - strlen(head)] = '\0';
	assert_accepts(f, key_named("drop"), "left.drop_file.x", text);
	assert_reads_back(f);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_refuses(f, key_named("drop"), "drop_file.y", bad[i]);
	assert_int_equal(set(f, f->pair, "drop_file.y", "a\nb"), -EINVAL);
}

/*
 * The file's quotes hold no backslash, and pcap-filter(7) escapes names of
 * protocols by it where they are keywords, too.
 */
static void test_backslash_round_trip(void **state)
{
	struct fixture *f = *state;

	set_ports(f, 0, "a", "b");
	assert_accepts(f, key_named("drop"), "drop", "ether proto \\ip");
	assert_reads_back(f);
}

/* Names that the kernel takes, and the file only in quotes. */
static void test_odd_ifnames_round_trip(void **state)
{
	static const char *const name[] = { "a;b", "a#b", "#a", ";", "'x'",
					    "\"x\"", "it's", "\"" };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(name); i++) {
		set_ports(f, 0, name[i], "b");
		assert_reads_back(f);
	}
}

/*
 * The file has no way to write these,
 * a backslash beside what needs quotes. What is printed then may be refused
 * when it is read, but here it reads back, without a word, as something else:
 * as a comment begins, or blanks are trimmed. Best refused where it is set.
 */
static void test_inexpressible(void **state)
{
	static const char *const text[] = { "x\\y #z", "x\\y ;z", " x\\y",
					    "x\\y ", "x\\#y", "x\\'y",
					    "x\\" };
	struct fixture *f = *state;
	struct conf back;
	bool other;

	for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
		conf_fini(&f->conf);
		conf_init(&f->conf);
		add_pair(f, "wan", "a", "b");
		if (set(f, f->pair, "drop_file", text[i]))
			continue; /* refused at once: as well */
		print_file(f, false);
		other = !read_file(f, &back) &&
			strcmp(back.pair[0].rule[0].rule.text, text[i]);
		conf_fini(&back);
		if (other)
			fail_msg("'%s' reads back as another, of:\n%s",
				 text[i], file_text(f));
	}
}

static void test_ifnames_round_trip(void **state)
{
	static const char *const name[] = { "a=b", "[x]", "a\\b", "a,b", "@",
					    "a%d", "...", "UPPER", "-", "=",
					    "abcdefghijklmno" };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(name); i++) {
		set_ports(f, 0, "x", name[i]);
		assert_reads_back(f);
	}
}

/* ---- the example ---- */

static void print_example(struct fixture *f)
{
	FILE *out = fopen(f->path, "we");

	assert_non_null(out);
	conf_print_example(out);
	assert_int_equal(fclose(out), 0);
}

static void test_example(void **state)
{
	struct fixture *f = *state;
	struct conf conf;

	set_ports(f, 0, "eth1", "eth2");
	print_example(f);
	assert_int_equal(read_file(f, &conf), 0);
	assert_string_equal(f->log.text, "");
	assert_same(&f->conf, &conf);
	conf_fini(&conf);
}

/* Take the '#' from the line of a key; NULL: there is none. */
static char *uncomment(char *text, const char *name)
{
	char line[64], *at;

	snprintf(line, sizeof(line), "\n#%s = ", name);
	at = strstr(text, line);
	if (!at || strstr(at + 1, line))
		return NULL;
	memmove(at + 1, at + 2, strlen(at + 2) + 1);
	return at + 1;
}

static void test_example_uncommented(void **state)
{
	struct fixture *f = *state;
	struct conf conf;
	char *text;

	set_ports(f, 0, "eth1", "eth2");
	print_example(f);
	text = file_text(f);
	for (size_t i = 0; i < conf_n_keys; i++) {
		char line[96];

		if (!conf_key[i].fallback)
			continue;
		assert_non_null(uncomment(text, conf_key[i].name));
		snprintf(line, sizeof(line), "\n%s = %s\n", conf_key[i].name,
			 conf_key[i].fallback);
		assert_non_null(strstr(text, line));
	}
	file_write(f, text);
	if (read_file(f, &conf))
		fail_msg("%s", f->log.text);
	assert_same(&f->conf, &conf);
	conf_fini(&conf);
}

/* A string's sample can be taken as it stands, too. */
static void test_example_strings(void **state)
{
	struct fixture *f = *state;
	struct conf conf;

	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *key = &conf_key[i];
		char line[160], *text, *section;

		if (key->fallback || key->type == CONF_IFNAME ||
		    key->section == CONF_PAIR)
			continue;
		print_example(f);
		text = file_text(f);
		snprintf(line, sizeof(line), "[%s]",
			 conf_section_name[key->section]);
		section = strstr(text, line);
		assert_non_null(section);
		snprintf(line, sizeof(line), "\n#%s = ", key->name);
		section = strstr(section, line);
		assert_non_null(section);
		section[1] = ' ';
		file_write(f, text);
		if (read_file(f, &conf))
			fail_msg("%s", f->log.text);
		assert_string_equal(*(char **)((char *)&conf + key->offset),
				    key->sample);
		conf_fini(&conf);
	}
}

/* Those without a default show a value that can be taken as it stands. */
static void test_example_rules(void **state)
{
	struct fixture *f = *state;
	struct conf conf;

	for (size_t i = 0; i < conf_n_keys; i++) {
		char name[64], *text;

		if (conf_key[i].type != CONF_RULE &&
		    conf_key[i].type != CONF_RULE_FILE)
			continue;
		print_example(f);
		text = file_text(f);
		snprintf(name, sizeof(name), "%s.name", conf_key[i].name);
		assert_non_null(uncomment(text, name));
		file_write(f, text);
		if (read_file(f, &conf))
			fail_msg("%s", f->log.text);
		assert_int_equal(conf.pair[0].n_rules, 1);
		assert_string_equal(conf.pair[0].rule[0].rule.id, "name");
		if (conf_key[i].type == CONF_RULE)
			assert_int_equal(conf_finish(&conf), 0);
		conf_fini(&conf);
	}
}

static void test_example_lines(void **state)
{
	struct fixture *f = *state;
	char *text;

	print_example(f);
	text = file_text(f);
	for (char *line = text; *line; line += strcspn(line, "\n") + 1) {
		size_t n = strcspn(line, "\n");

		if (n > 79 || (n && line[n - 1] == ' '))
			fail_msg("%.*s", (int)n, line);
	}
	for (size_t i = 0; i < conf_n_keys; i++) {
		const char *at = strstr(text, conf_key[i].name);
		char first[24]; /* enough of the help, in its first line */

		snprintf(first, sizeof(first), "# %.20s", conf_key[i].help);
		assert_non_null(at);
		assert_non_null(strstr(text, first));
	}
}

/* The one in the tree is the one that is printed. */
static void test_example_in_tree(void **state)
{
	const char *top = getenv("abs_top_srcdir");
	struct fixture *f = *state;
	char path[4096], have[65536];
	FILE *in;
	size_t n;

	snprintf(path, sizeof(path), "%s/configs/bumpwire.conf",
		 top ? top : "");
	in = top ? fopen(path, "re") : NULL;
	if (!in)
		skip();
	n = fread(have, 1, sizeof(have) - 1, in);
	have[n] = '\0';
	fclose(in);
	print_example(f);
	assert_string_equal(have, file_text(f));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_table),
		TEST(test_defaults),
		TEST(test_numbers),
		TEST(test_cpu),
		TEST(test_seconds),
		TEST(test_seconds_wrap),
		TEST(test_bools),
		TEST(test_choices),
		TEST(test_ifnames),
		TEST(test_ifnames_beyond_ascii),
		TEST(test_sides),
		TEST(test_rules),
		TEST(test_rules_of_a_side),
		TEST(test_unknown_keys),
		TEST(test_wrong_section),
		TEST(test_suggest),
		TEST(test_finish_good),
		TEST(test_no_pair),
		TEST(test_missing_ports),
		TEST(test_port_twice),
		TEST(test_duplicate_rules),
		TEST(test_bad_filters),
		TEST(test_all_mistakes),
		TEST(test_pair_name),
		TEST(test_read),
		TEST(test_read_mistakes),
		TEST(test_read_nothing),
		TEST(test_print_defaults),
		TEST(test_random_round_trips),
		TEST(test_seconds_round_trip),
		TEST(test_quotes_round_trip),
		TEST(test_lines_round_trip),
		TEST(test_backslash_round_trip),
		TEST(test_odd_ifnames_round_trip),
		TEST(test_inexpressible),
		TEST(test_ifnames_round_trip),
		TEST(test_example),
		TEST(test_example_uncommented),
		TEST(test_example_strings),
		TEST(test_example_rules),
		TEST(test_example_lines),
		TEST(test_example_in_tree),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
