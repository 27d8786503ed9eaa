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

/* The bridge reads what is behind it. */
#define TAP(option, name, value, help)                       \
	{ ARG_TEXT, name, 0, value, help,                    \
	  OF(tap[TAP_OPTION_##option]), 0, 0, NULL, NULL }

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
	TAP(SIDE, "side", "SIDE",
	    "tap: copy what arrives on this side [both]: left, right, both"),
	TAP(AT, "at", "WHERE",
	    "tap: copy it as it arrives, or as it goes out [out]: in, out"),
	TAP(FILTER, "filter", "EXPR",
	    "tap: copy only what matches this pcap-filter expression"),
	TAP(SNAP, "snap", "BYTES", "tap: copy only so much of each frame [all]"),
	TAP(QUEUE, "queue", "BYTES",
	    "tap: so much may wait to be written, of each direction [16mb]"),
	TAP(ROTATE_BYTES, "rotate-bytes", "BYTES",
	    "tap start: begin another file when one has this size [never]"),
	TAP(ROTATE_TIME, "rotate-time", "TIME",
	    "tap start: the same when it is this old [never]"),
	TAP(ROTATE_FRAMES, "rotate-frames", "N",
	    "tap start: the same when it has so many frames [never]"),
	TAP(FILES, "files", "N",
	    "tap start: keep so many finished files, remove older ones [all]"),
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

static int check_tap_options(const struct ctl_options *o, const char *name)
{
	bool stream = o->request == REQUEST_TAP_STREAM;

	for (int i = 0; i < TAP_OPTIONS; i++) {
		if (!o->tap[i] || o->request == REQUEST_TAP_START ||
		    (stream && i < TAP_OPTION_ROTATE_BYTES))
			continue;
		return complain(name, stream ?
				"writes one file: what rotates is for tap start" :
				"options of taps are for tap start and tap FILE");
	}
	return 0;
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
	if (o->json && o->request == REQUEST_TAP_STREAM)
		bad = complain(name, "has no JSON: it is pcapng");
	if (check_tap_options(o, name))
		bad = -EINVAL;
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
