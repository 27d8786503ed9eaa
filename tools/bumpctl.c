/* SPDX-License-Identifier: BSD-2-Clause */
/* bumpctl: ask a running bumpwire. Make the request, ask, print what came: as
 * text, or as it is. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "clock.h"
#include "ctl_client.h"
#include "ctl_options.h"
#include "ctl_print.h"
#include "ctl_requests.h"
#include "ctl_tap.h"
#include "log.h"
#include "manual.h"
#include "top.h"

enum { EXIT_USAGE = 2, EXIT_NOBODY = 3 };

/* A result that could not be written is a failure, and says so. */
static int flush(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	log_err("standard output: %s", strerror(errno));
	return -EIO;
}

/* Reals with as many digits as surely stand in what came: 0.1 stays 0.1. */
static int print_json(const json_t *result, size_t flags)
{
	errno = 0;
	if (json_dumpf(result, stdout, flags | JSON_REAL_PRECISION(15)) || putchar('\n') == EOF)
		errno = errno ? errno : ENOMEM;
	return flush();
}

/* ---- asked once ---- */

static int ask_once(struct ctl_client *client, const struct ctl_options *o,
		    json_t *request)
{
	struct ctl_answer answer = { .request = request };
	json_t *result;
	int r = ctl_client_ask(client, request, &result);

	if (r)
		return r;
	answer.result = result;
	if (o->json) {
		r = print_json(result, JSON_INDENT(2));
	} else {
		ctl_request[o->request].print(&answer, stdout);
		r = flush();
	}
	json_decref(result);
	return r;
}

/* ---- asked again and again ---- */

static void sleep_until(uint64_t ns)
{
	const struct timespec when = {
		.tv_sec = (time_t)(ns / NS_PER_SEC),
		.tv_nsec = (long)(ns % NS_PER_SEC),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) ==
	       EINTR)
		;
}

/* As text it takes two answers to have a line of rates, as JSON one. */
static int print_turn(const struct ctl_options *o, const json_t *was,
		      const json_t *now)
{
	if (o->json)
		return print_json(now, JSON_COMPACT);
	if (was)
		ctl_print_rates(was, now, stdout);
	return flush();
}

static int ask_often(struct ctl_client *client, const struct ctl_options *o,
		     json_t *request)
{
	uint64_t next_ns = clock_now_ns(), turns = 0;
	json_t *was = NULL;
	int r = 0;

	while (!r && (!o->count || turns < o->count)) {
		json_t *now;

		r = ctl_client_ask(client, request, &now);
		if (r)
			break;
		r = print_turn(o, was, now);
		turns += was || o->json;
		json_decref(was);
		was = now;
		/* No turns are made up for that a busy bridge has missed. */
		while (next_ns <= clock_now_ns())
			next_ns += o->interval_ns;
		if (!r && (!o->count || turns < o->count))
			sleep_until(next_ns);
	}
	json_decref(was);
	return r;
}

/* ---- all ---- */

static int ask(struct ctl_client *client, const struct ctl_options *o,
	       json_t *request)
{
	const struct ctl_request *row = &ctl_request[o->request];
	int r = row->settle ? row->settle(o, client, request) : 0;

	if (r)
		return r;
	if (o->request == REQUEST_TAP_STREAM)
		return ctl_tap_run(client, o, request);
	return o->interval_ns ? ask_often(client, o, request) :
				ask_once(client, o, request);
}

/* How it went, as an exit code; what went wrong has been logged. */
static int connect_and_ask(const struct ctl_options *o, json_t *request)
{
	struct ctl_client *client;
	int r = ctl_client_open(&client, o->socket);

	if (r)
		return r == -ENOTUNIQ ? EXIT_USAGE : EXIT_NOBODY;
	if (request) {
		r = ask(client, o, request);
	} else {
		r = top_run(client, o);
	}
	ctl_client_close(client);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(const struct ctl_options *o)
{
	json_t *request = NULL;
	int r = 0;

	if (o->request == REQUEST_TAP_STREAM)
		r = ctl_tap_check(o);
	if (!r && o->request != CTL_TOP)
		r = ctl_request_make(o, &request);
	if (r == -ENOMEM)
		log_err("%s", strerror(ENOMEM));
	if (r)
		return r == -EINVAL ? EXIT_USAGE : EXIT_FAILURE;
	r = connect_and_ask(o, request);
	json_decref(request);
	return r;
}

static int print_help(void)
{
	printf("Usage: bumpctl [-s SOCKET] [-j] REQUEST [ARGUMENTS]\n"
	       "\n"
	       "Ask a running bumpwire, such as\n"
	       "  bumpctl status\n"
	       "  bumpctl filter add left drop web tcp port 80\n"
	       "  bumpctl set left.delay 20ms\n"
	       "  bumpctl tap - | tshark -i -\n"
	       "\n"
	       "Without PAIR a request is for all pairs, or for the only one."
	       "\n");
	ctl_options_print(&manual_help, stdout);
	printf("\nExit: 0 done, 1 refused or failed, 2 usage, 3 no bumpwire "
	       "to ask.\n");
	return flush();
}

int main(int argc, char **argv)
{
	struct ctl_options options;
	int r;

	signal(SIGPIPE, SIG_IGN);
	if (ctl_options_parse(&options, argc, argv))
		return EXIT_USAGE;
	if (options.help)
		r = print_help();
	else if (options.version)
		r = printf("bumpctl (%s)\n", PACKAGE_STRING) < 0 ? -EIO :
								   flush();
	else
		r = run(&options);
	return r < 0 ? EXIT_FAILURE : r;
}
