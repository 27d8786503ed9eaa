/* SPDX-License-Identifier: BSD-2-Clause */
/* bumpwire: a layer-2 bridge between two ports. One page: decide what to do,
 * have it done, say how it went. */
#include "config.h"

#include <errno.h>

#include "about.h"
#include "conf.h"
#include "control.h"
#include "options.h"

enum { EXIT_USAGE = 2 };

struct command_line {
	int argc;
	char **argv;
};

/* For a reload: the same options over the file as it is now. */
static int read_again(struct conf *conf, void *arg)
{
	const struct command_line *line = arg;
	struct options options;

	return options_parse(line->argc, line->argv, conf, &options);
}

static int run(const struct conf *conf, struct command_line *line)
{
	const struct control_params params = {
		.conf = conf, .read = read_again, .arg = line,
	};

	return control_run(&params);
}

/* 0 done; -EINVAL the user's mistake; other -errno it failed. */
static int act(const struct options *options, struct conf *conf,
	       struct command_line *line)
{
	int r = 0;

	switch (options->action) {
	case ACTION_HELP:
		options_print_help(stdout);
		return 0;
	case ACTION_VERSION:
		printf("%s\n", PACKAGE_STRING);
		about_print(stdout);
		return 0;
	case ACTION_EXAMPLE_CONFIG:
		conf_print_example(stdout);
		return 0;
	case ACTION_DUMP_FILTER:
		return filter_dump(options->argument);
	case ACTION_LIST:
		return control_list();
	case ACTION_DUMP_CONFIG:
		r = conf_finish(conf);
		if (!r)
			conf_print(conf, false, stdout);
		return r;
	case ACTION_CHECK:
		r = conf_finish(conf);
		if (control_check(conf) || r)
			return -EINVAL;
		conf_print(conf, true, stdout);
		return 0;
	case ACTION_RUN:
		r = conf_finish(conf);
		return r ? r : run(conf, line);
	case ACTION_DOCTOR:
		r = conf_finish(conf);
		return r ? r : control_doctor(conf);
	case ACTION_UNBYPASS:
		r = conf_finish(conf);
		return r ? r : control_unbypass(conf);
	}
	return r;
}

static bool uses_conf(enum action action)
{
	return action == ACTION_RUN || action == ACTION_CHECK ||
	       action == ACTION_DOCTOR || action == ACTION_DUMP_CONFIG ||
	       action == ACTION_UNBYPASS;
}

int main(int argc, char **argv)
{
	struct command_line line = { argc, argv };
	struct options options;
	struct conf conf;
	int r;

	conf_init(&conf);
	r = options_parse(argc, argv, &conf, &options);
	log_level = (enum log_level)conf.log;
	/* All mistakes in one run: conf_finish() adds its own to these. */
	if (!r || uses_conf(options.action))
		r = act(&options, &conf, &line);
	conf_fini(&conf);
	if (!r)
		return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
	return r == -EINVAL ? EXIT_USAGE : EXIT_FAILURE;
}
