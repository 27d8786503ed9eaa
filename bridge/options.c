/* SPDX-License-Identifier: BSD-2-Clause */
/* See options.h. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "options.h"
#include "suggest.h"

#define OPTIONS_MAX 192
#define OPTION_BASE 256 /* getopt's value of the first long option */

/* One way to spell a setting on the command line. */
struct spelling {
	char name[OPTIONS_NAME_BYTES]; /* left-drop */
	char key[OPTIONS_NAME_BYTES];  /* left.drop */
	const struct conf_key *conf_key; /* NULL: a verb */
	const struct options_verb *verb;
};

struct setting {
	const struct spelling *spelling;
	const char *value;
};

struct command_line {
	struct spelling spelling[OPTIONS_MAX];
	struct option option[OPTIONS_MAX + 1];
	int n;
	struct setting *setting;
	size_t n_settings;
	const char *file;
	struct options *options;
};

static void add_spelling(struct command_line *cl, const char *side,
			 const struct conf_key *key)
{
	struct spelling *sp = &cl->spelling[cl->n];
	const char *dot = *side ? "." : "";

	snprintf(sp->key, sizeof(sp->key), "%s%s%s", side, dot, key->name);
	options_spell(key, side, sp->name, sizeof(sp->name));
	sp->conf_key = key;
	cl->option[cl->n] = (struct option){
		.name = sp->name,
		.has_arg = key->type == CONF_BOOL ? no_argument :
						    required_argument,
		.val = OPTION_BASE + cl->n,
	};
	cl->n++;
}

static void build_table(struct command_line *cl)
{
	for (size_t i = 0; i < conf_n_keys; i++) {
		if (conf_key[i].type == CONF_IFNAME) /* LEFT and RIGHT */
			continue;
		add_spelling(cl, "", &conf_key[i]);
		for (int side = 0; conf_key[i].sided && side < SIDES; side++)
			add_spelling(cl, side_name[side], &conf_key[i]);
	}
	for (size_t i = 0; i < options_n_verbs; i++) {
		cl->spelling[cl->n].verb = &options_verb[i];
		snprintf(cl->spelling[cl->n].name, OPTIONS_NAME_BYTES, "%s",
			 options_verb[i].name);
		cl->option[cl->n] = (struct option){
			.name = options_verb[i].name,
			.has_arg = options_verb[i].arg ? required_argument :
						 no_argument,
			.val = OPTION_BASE + cl->n,
		};
		cl->n++;
	}
}

static const struct spelling *spelling_of_letter(const struct command_line *cl,
						 int letter)
{
	for (int i = 0; i < cl->n; i++)
		if (cl->spelling[i].verb &&
		    cl->spelling[i].verb->letter == letter)
			return &cl->spelling[i];
	return NULL;
}

static int take_verb(struct command_line *cl, const struct options_verb *v,
		     const char *value)
{
	if (v->letter == OPTIONS_CONFIG_LETTER) {
		cl->file = value;
		return 0;
	}
	if (cl->options->action != ACTION_RUN &&
	    cl->options->action != v->action) {
		log_err("option --%s: cannot be combined with another thing "
			"to do", v->name);
		return -EINVAL;
	}
	cl->options->action = v->action;
	cl->options->argument = value;
	return 0;
}

/* What getopt_long() refused: the word, without what is behind its '='. */
static void complain(const struct command_line *cl, int what, char **argv)
{
	const char *word = argv[optind - 1];
	int n = (int)strcspn(word, "=");
	char name[OPTIONS_NAME_BYTES] = "";
	struct suggest s = { .wrong = name };

	if (what == ':') {
		log_err("option %s: needs a value", word);
	} else if (optopt >= OPTION_BASE) {
		log_err("option %.*s: takes no value", n, word);
	} else if (optopt) {
		log_err("option -%c: no such option; see --help", optopt);
	} else {
		snprintf(name, sizeof(name), "%.*s",
			 n - (int)strspn(word, "-"), word + strspn(word, "-"));
		for (int i = 0; i < cl->n; i++)
			suggest_offer(&s, cl->spelling[i].name);
		log_err("option %.*s: no such option%s%s%s", n, word,
			s.best ? "; did you mean --" : "; see --help",
			s.best ? s.best : "", s.best ? "?" : "");
	}
}

/* Collect the settings; they are applied when the file, if any, was read. */
static int scan(struct command_line *cl, int argc, char **argv)
{
	const struct spelling *sp;
	int bad = 0, c;

	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, ":c:hV", cl->option, NULL)) != -1) {
		if (c == '?' || c == ':') {
			complain(cl, c, argv);
			bad = -EINVAL;
			continue;
		}
		sp = c < OPTION_BASE ? spelling_of_letter(cl, c) :
			       &cl->spelling[c - OPTION_BASE];
		if (sp->verb) {
			if (take_verb(cl, sp->verb, optarg))
				bad = -EINVAL;
			continue;
		}
		cl->setting[cl->n_settings++] = (struct setting){
			sp, optarg ? optarg : options_say_no(sp->conf_key) ?
				"no" : "yes"
		};
	}
	return bad;
}

/* A rule given again gets a name, for one key can stand only once. */
static void rule_key(const struct conf_pair *pair, const char *key, char *buf,
		     size_t size)
{
	for (size_t i = 0; i < pair->n_rules; i++)
		if (!strcmp(pair->rule[i].rule.id, key)) {
			snprintf(buf, size, "%s.rule-%zu", key,
				 pair->n_rules + 1);
			return;
		}
	snprintf(buf, size, "%s", key);
}

static void apply(struct command_line *cl, struct conf *conf,
		  struct conf_pair *pair)
{
	char where[OPTIONS_NAME_BYTES + 16], key[OPTIONS_NAME_BYTES + 32];

	for (size_t i = 0; i < cl->n_settings; i++) {
		const struct setting *set = &cl->setting[i];
		const struct spelling *sp = set->spelling;

		snprintf(where, sizeof(where), "option --%s", sp->name);
		snprintf(key, sizeof(key), "%s", sp->key);
		if (sp->conf_key->section != CONF_PAIR) {
			conf_set_in(conf, sp->conf_key->section, NULL, where,
				    key, set->value);
		} else if (pair) {
			rule_key(pair, sp->key, key, sizeof(key));
			conf_set(conf, pair, where, key, set->value);
		} else if (cl->file) {
			log_err("%s: belongs into the file, as a key of its "
				"pair", where);
			conf->n_mistakes++;
		}
	}
}

/* The pair that ports on the command line are of: a new one, or with a file
 * the one that it has. NULL: a mistake. */
static struct conf_pair *pair_of_ports(const struct command_line *cl,
				       struct conf *conf, char **word)
{
	autoclean(free_ptr) char *name = NULL;

	if (!cl->file) {
		name = conf_pair_name(word[SIDE_LEFT], word[SIDE_RIGHT]);
		return name ? conf_add_pair(conf, name) : NULL;
	}
	if (conf->n_pairs == 1)
		return &conf->pair[0];
	log_err("%s: ports are for a file of one pair; %s has %zu", *word,
		cl->file, conf->n_pairs);
	conf->n_mistakes++;
	return NULL;
}

/* LEFT RIGHT, which the file, if there is one, may leave open. */
static struct conf_pair *take_ports(struct command_line *cl, struct conf *conf,
				    int n, char **word)
{
	struct conf_pair *pair;

	if (!n)
		return NULL;
	if (n != SIDES) {
		log_err("%s: expected two ports, LEFT and RIGHT",
			word[n > SIDES ? 2 : 0]);
		conf->n_mistakes++;
		return NULL;
	}
	pair = pair_of_ports(cl, conf, word);
	if (!pair)
		return NULL;
	conf_set(conf, pair, "LEFT", "left", word[SIDE_LEFT]);
	conf_set(conf, pair, "RIGHT", "right", word[SIDE_RIGHT]);
	return pair;
}

int options_parse(int argc, char **argv, struct conf *conf,
		  struct options *options)
{
	struct command_line cl = { .options = options };
	struct conf_pair *pair;
	int r;

	*options = (struct options){ .action = ACTION_RUN };
	cl.setting = calloc((size_t)argc, sizeof(*cl.setting));
	if (!cl.setting) {
		log_err("%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	build_table(&cl);
	r = scan(&cl, argc, argv);
	if (r)
		conf->n_mistakes++;
	if (options->action != ACTION_HELP &&
	    options->action != ACTION_VERSION) {
		if (cl.file)
			conf_read(conf, cl.file);
		pair = take_ports(&cl, conf, argc - optind, argv + optind);
		apply(&cl, conf, pair);
	}
	free(cl.setting);
	return conf->n_mistakes ? -EINVAL : 0;
}
