/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf_diff.c: what differs between two configurations, key by key of the
 * table; and copies, and rules that cover others (conf.c).
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "conf_diff.h"
#include "log.h"

struct fixture {
	struct conf old, new;
	char told[4096]; /* the changes, a line each */
};

static void fill(struct conf *conf)
{
	struct conf_pair *pair;

	conf_init(conf);
	pair = conf_add_pair(conf, "wan");
	assert_int_equal(conf_set(conf, pair, "", "left", "eth1"), 0);
	assert_int_equal(conf_set(conf, pair, "", "right", "eth2"), 0);
	assert_int_equal(conf_set(conf, pair, "x:3", "drop.web", "tcp"), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fill(&f->old);
	fill(&f->new);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	conf_fini(&f->old);
	conf_fini(&f->new);
	free(f);
	return 0;
}

static void note(const struct conf_change *change, void *arg)
{
	struct fixture *f = arg;
	size_t n = strlen(f->told);

	snprintf(f->told + n, sizeof(f->told) - n, "%s %s '%s' '%s' %d\n",
		 change->pair ? change->pair : "-", change->key, change->from,
		 change->to, (int)change->effect);
}

static const char *diff(struct fixture *f)
{
	*f->told = '\0';
	conf_diff(&f->old, &f->new, note, f);
	return f->told;
}

static void test_same(void **state)
{
	assert_string_equal(diff(*state), "");
}

/* A value that is not the default. */
static const char *other_value(const struct conf_key *key)
{
	switch (key->type) {
	case CONF_BOOL:
		return strcmp(key->fallback, "yes") ? "yes" : "no";
	case CONF_NUMBER:
		return "128";
	case CONF_CPU:
		return "1";
	case CONF_SECONDS:
		return "7.5";
	case CONF_CHOICE:
		return key->choice[!strcmp(key->choice[0], key->fallback)];
	case CONF_LISTEN:
		return "127.0.0.1:9";
	case CONF_BYTES:
		return key->max < 2 << 20 ? "1kb" : "2mb";
	case CONF_TEXT:
		return key->sample;
	default:
		return "other";
	}
}

/* Each key alone, on one side or both: what it was, what it is, and what that
 * takes. */
static void test_each_key(void **state)
{
	struct fixture *f = *state;
	char key[64], want[256], from[32];

	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *k = &conf_key[i];
		bool pair = k->section == CONF_PAIR;
		const char *value = other_value(k);

		if (k->type == CONF_RULE || k->type == CONF_RULE_FILE)
			continue;
		conf_fini(&f->new);
		fill(&f->new);
		snprintf(key, sizeof(key), "%s%s", k->sided ? "right." : "",
			 k->name);
		assert_int_equal(conf_set_in(&f->new, k->section,
					     pair ? &f->new.pair[0] : NULL, "",
					     key, value), 0);
		snprintf(from, sizeof(from), "%s",
			 k->fallback ? k->fallback :
			 !strcmp(k->name, "left") ? "eth1" :
			 !strcmp(k->name, "right") ? "eth2" : "");
		snprintf(want, sizeof(want), "%s %s%s%s '%s' '%s' %d\n",
			 pair ? "wan" : "-",
			 pair || k->section == CONF_PROGRAM ?
				 "" : conf_section_name[k->section],
			 pair || k->section == CONF_PROGRAM ? "" : ".", key,
			 from, value, (int)k->effect);
		assert_string_equal(diff(f), want);
		if (!pair)
			continue;
		assert_int_equal(conf_pair_effect(&f->old.pair[0],
						  &f->new.pair[0], SIDE_RIGHT),
				 k->effect);
		assert_int_equal(conf_pair_effect(&f->old.pair[0],
						  &f->new.pair[0], SIDE_LEFT),
				 k->sided ? EFFECT_LIVE : k->effect);
	}
}

static void test_rules(void **state)
{
	struct fixture *f = *state;
	struct conf_pair *pair = &f->new.pair[0];

	assert_int_equal(conf_set(&f->new, pair, "", "left.drop.dns", "udp"),
			 0);
	assert_string_equal(diff(f), "wan dns '' 'udp' 0\n");
	assert_true(conf_remove_rule(pair, "web"));
	assert_false(conf_remove_rule(pair, "web"));
	assert_string_equal(diff(f), "wan web 'tcp' '' 0\nwan dns '' 'udp' 0\n");
	assert_int_equal(conf_set(&f->new, pair, "", "left.drop.web", "tcp"),
			 0);
	assert_string_equal(diff(f),
			    "wan web 'tcp' 'tcp' 0\nwan dns '' 'udp' 0\n");
	assert_null(conf_find_rule(pair, "we"));
	assert_string_equal(conf_find_rule(pair, "web")->rule.text, "tcp");
}

static void test_pairs(void **state)
{
	struct fixture *f = *state;
	char want[128];

	conf_add_pair(&f->new, "lan");
	snprintf(want, sizeof(want), "lan  '' '' %d\n", EFFECT_ADDED);
	assert_string_equal(diff(f), want);
	conf_add_pair(&f->old, "dmz");
	snprintf(want, sizeof(want), "dmz  '' '' %d\nlan  '' '' %d\n",
		 EFFECT_REMOVED, EFFECT_ADDED);
	assert_string_equal(diff(f), want);
	assert_ptr_equal(conf_find_pair(&f->new, "lan"), &f->new.pair[1]);
	assert_null(conf_find_pair(&f->new, "dmz"));
}

/* A copy is equal and shares nothing: a sanitizer hears of it otherwise. */
static void test_copy(void **state)
{
	struct fixture *f = *state;
	struct conf_rule rule = {
		.side = SIDE_LEFT, .rule = { .id = "web", .text = "arp" },
	};

	assert_int_equal(conf_set_in(&f->old, CONF_EVENTS, NULL, "", "file",
				     "/tmp/e"), 0);
	assert_int_equal(conf_cover_rule(&f->old.pair[0], &rule), 0);
	conf_fini(&f->new);
	assert_int_equal(conf_copy(&f->new, &f->old), 0);
	assert_string_equal(diff(f), "");
	assert_ptr_not_equal(f->new.events_file, f->old.events_file);
	conf_fini(&f->old);
	conf_init(&f->old);
	assert_string_equal(f->new.pair[0].rule[0].covered->rule.text, "tcp");
	assert_string_equal(f->new.pair[0].rule[0].covered->where, "x:3");
}

static void test_cover(void **state)
{
	struct fixture *f = *state;
	struct conf_pair *pair = &f->new.pair[0];
	struct conf_rule rule = {
		.side = SIDE_LEFT, .rule = { .id = "web", .text = "arp" },
	};

	assert_int_equal(conf_cover_rule(pair, &rule), 0);
	rule.rule.text = "icmp"; /* again: it is the file's that is covered */
	assert_int_equal(conf_cover_rule(pair, &rule), 0);
	assert_int_equal(pair->n_rules, 1);
	assert_string_equal(pair->rule[0].rule.text, "icmp");
	assert_true(pair->rule[0].runtime);
	assert_string_equal(pair->rule[0].covered->rule.text, "tcp");
	assert_true(conf_uncover_rule(pair, "web"));
	assert_string_equal(diff(f), "");
	assert_false(conf_uncover_rule(pair, "web"));
	rule.rule.id = "mine";
	assert_int_equal(conf_cover_rule(pair, &rule), 0);
	assert_true(conf_uncover_rule(pair, "mine"));
	assert_string_equal(diff(f), "");
}

/* Values that only a start can have stay as they are, and are told again. */
static void test_fixed(void **state)
{
	struct fixture *f = *state;
	char want[256];

	snprintf(want, sizeof(want), "- name '' 'abc' %d\n- sandbox 'yes' 'no' "
		 "%d\n", EFFECT_RESTART, EFFECT_RESTART);
	conf_set(&f->new, NULL, "", "name", "abc");
	conf_set(&f->new, NULL, "", "sandbox", "no");
	assert_string_equal(diff(f), want);
	conf_keep_fixed(&f->old, &f->new);
	assert_null(f->new.name);
	assert_true(f->new.sandbox);
	assert_string_equal(f->old.name, "abc");
	conf_fini(&f->old);
	fill(&f->old);
	assert_string_equal(diff(f), "");
}

static void test_name(void **state)
{
	static const struct {
		const char *path, *name;
	} row[] = {
		{ "/etc/bumpwire/wan.conf", "wan" }, { "/a/b", "b" },
		{ "/x/.conf", "_conf" }, { "/x/a b.conf", "a_b" },
		{ "/x/..", "_." }, { "wan.conf.conf", "wan.conf" },
	};
	struct fixture *f = *state;
	char *name = conf_name(&f->old);

	assert_string_equal(name, "wan"); /* the first pair's */
	free(name);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		free(f->old.path);
		f->old.path = strdup(row[i].path);
		name = conf_name(&f->old);
		assert_string_equal(name, row[i].name);
		free(name);
	}
	conf_set(&f->old, NULL, "", "name", "given");
	name = conf_name(&f->old);
	assert_string_equal(name, "given");
	free(name);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_same), TEST(test_each_key), TEST(test_rules),
		TEST(test_pairs), TEST(test_copy), TEST(test_cover),
		TEST(test_fixed), TEST(test_name),
	};

	return cmocka_run_group_tests_name("conf_diff", tests, NULL, NULL);
}
