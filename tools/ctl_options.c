/* SPDX-License-Identifier: BSD-2-Clause */
/* See ctl_options.h. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "args.h"
#include "clock.h"
#include "ctl_options.h"
#include "ctl_requests.h"
#include "log.h"
#include "manual.h"
#include "units.h"

#define INTERVAL_MIN_NS (10 * NS_PER_MS)
#define INTERVAL_MAX_NS (24 * 3600 * NS_PER_SEC)
#define INTERVAL_NS NS_PER_SEC /* where one is needed and none is given */

/* As a text, for 0 is no interval either. */
static int take_interval(void *target, const char *value, const char **allowed)
{
	struct ctl_options *o = target;

	*allowed = "a time from 10ms to 24h, such as 1, 0.5s or 2m";
	if (units_duration(value, &o->interval_ns) ||
	    o->interval_ns < INTERVAL_MIN_NS ||
	    o->interval_ns > INTERVAL_MAX_NS)
		return -EINVAL;
	return 0;
}

#define OF(member) offsetof(struct ctl_options, member)

static const struct arg options[] = {
	{ ARG_TEXT, "socket", 's', "SOCKET",
	  "Ask this bridge: its name, or the path of its socket, with a '/' "
	  "[the only one that runs]", OF(socket), 0, 0, NULL, NULL },
	{ ARG_FLAG, "json", 'j', NULL,
	  "Print the answer as JSON, with --interval on a line",
	  OF(json), 0, 0, NULL, NULL },
	{ ARG_CALL, "interval", 'i', "TIME",
	  "stats, top: ask so often [top: 1]", .take = take_interval },
	{ ARG_NUMBER, "count", 'c', "N",
	  "stats, top: end after so many turns [on and on]", OF(count), 1,
	  UINT64_MAX, NULL, NULL },
	{ ARG_FLAG, "help", 'h', NULL, "Print this", OF(help), 0, 0,
	  NULL, NULL },
	{ ARG_FLAG, "version", 'V', NULL, "Print the version", OF(version),
	  0, 0, NULL, NULL },
};

static const struct arg_group group = { "Options", options,
					ARRAY_SIZE(options) };

static int complain(const char *name, const char *what)
{
	log_err("%s: %s", name, what);
	return -EINVAL;
}

/* Options that do not go with the request. */
static int check_options(const struct ctl_options *o)
{
	char name[CTL_NAME_BYTES];
	int bad = 0;

	ctl_request_name(o->request, name);
	if (o->request != REQUEST_STATS && o->request != CTL_TOP &&
	    (o->interval_ns || o->count))
		bad = complain(name, "is asked once: --interval and --count "
				     "are for stats and top");
	if (o->json && o->request == CTL_TOP)
		bad = complain(name, "has no JSON: take bumpctl --json stats "
				     "--interval TIME");
	return bad;
}

static int take_request(struct ctl_options *o, char **word, int n)
{
	int used;

	if (!n) {
		log_err("which request? Such as: bumpctl status; --help lists "
			"them");
		return -EINVAL;
	}
	o->request = ctl_request_find(word, n, &used);
	if (o->request < 0)
		return -EINVAL;
	o->word = word + used;
	o->n_words = n - used;
	if (ctl_request_check(o->request, o->word, o->n_words))
		return -EINVAL;
	if (o->request == CTL_TOP && o->n_words)
		o->pair = o->word[0];
	return check_options(o);
}

int ctl_options_parse(struct ctl_options *o, int argc, char **argv)
{
	int r;

	memset(o, 0, sizeof(*o));
	r = args_parse(&group, 1, argc, argv, o);
	if (r < 0 || o->help || o->version)
		return r < 0 ? r : 0;
	r = take_request(o, argv + r, argc - r);
	if (r)
		return r;
	if (!o->interval_ns && (o->count || o->request == CTL_TOP))
		o->interval_ns = INTERVAL_NS;
	return 0;
}

void ctl_options_print(const struct manual *manual, FILE *out)
{
	manual->head(out, "Requests");
	for (int i = 0; i <= CTL_TOP; i++) {
		const struct request_info *info = ctl_request_info(i);
		char name[CTL_NAME_BYTES], typed[96];

		snprintf(typed, sizeof(typed), "  %s%s%s",
			 ctl_request_name(i, name), *info->arguments ? " " : "",
			 info->arguments);
		manual->row(out, typed, info->help);
	}
	args_print(&group, 1, manual, out);
}
