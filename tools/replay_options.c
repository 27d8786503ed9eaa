/* SPDX-License-Identifier: BSD-2-Clause */
/* See replay_options.h. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "log.h"
#include "replay_edit_options.h"
#include "replay_options.h"

static int take_split(void *target, const char *value, const char **allowed)
{
	struct replay_options *o = target;

	*allowed = SPLIT_ALLOWED;
	o->has_split = true;
	return split_parse(&o->split, value);
}

static int take_frames(void *target, const char *value, const char **allowed)
{
	struct replay_options *o = target;

	*allowed = RANGES_ALLOWED;
	ranges_fini(&o->frames);
	o->has_frames = true;
	return ranges_parse(&o->frames, value);
}

static int add_rule(struct replay_options *o, enum filter_action action,
		    const char *text, const char **allowed)
{
	char why[256];
	struct filter_rule *rule = &o->rule[o->n_rules];

	*allowed = "at most 32 of these";
	if (o->n_rules == REPLAY_RULES_MAX)
		return -EINVAL;
	*rule = (struct filter_rule){
		.id = action == FILTER_DROP ? "skip" : "only",
		.text = text,
		.action = action,
	};
	if (filter_check(rule, why, sizeof(why))) {
		*allowed = NULL;
		log_err("option --%s: %s: %s", rule->id, text, why);
		return -EINVAL;
	}
	o->n_rules++;
	return 0;
}

static int take_only(void *target, const char *value, const char **allowed)
{
	return add_rule(target, FILTER_PASS_ONLY, value, allowed);
}

static int take_skip(void *target, const char *value, const char **allowed)
{
	return add_rule(target, FILTER_DROP, value, allowed);
}

#define OF(member) offsetof(struct replay_options, member)

static const char *const choice_oversize[] = { "skip", "fail", "segment",
					       NULL };

static const struct arg ports[] = {
	{ ARG_CALL, "split", 0, "HOW",
	  "Which frames leave by which of two ports: interface, direction, "
	  "mac=ADDR,..., net=CIDR,..., client, or auto, by what the capture "
	  "can tell [auto]", .take = take_split },
	{ ARG_TEXT, "write", 'w', "FILE",
	  "Send nothing: write what would be sent, and when, to a capture "
	  "(pcapng, if it is called so)", OF(write_path) },
	{ ARG_FLAG, "dry-run", 'n', NULL,
	  "Open no socket: read all, and say what would happen",
	  OF(dry_run) },
	{ ARG_NUMBER, "mtu", 0, "BYTES",
	  "MTU to compare with where nothing is sent [1500, or the "
	  "interface's]", OF(mtu), 68, 65535 },
};

static const struct arg times[] = {
	{ ARG_CALL, "factor", 'x', "F",
	  "So many times as fast as captured [1]",
	  .take = send_take_factor },
	{ ARG_CALL, "multiplier", 0, "F", .take = send_take_factor },
	{ ARG_DURATION, "max-gap", 0, "TIME",
	  "Wait no longer than this between two frames",
	  OF(send.pace.max_gap_ns) },
	{ ARG_MS, "maxsleep", 0, "MS", NULL, OF(send.pace.max_gap_ns) },
	{ ARG_NUMBER, "loop", 'l', "N",
	  "Pass over the captures so often; 0: until stopped [1]",
	  OF(passes), 0, UINT64_MAX },
	{ ARG_DURATION, "loop-delay", 0, "TIME", "Wait between two passes",
	  OF(pass_delay_ns) },
	{ ARG_MS, "loopdelay-ms", 0, "MS", NULL, OF(pass_delay_ns) },
};

static const struct arg inputs[] = {
	{ ARG_FLAG, "preload", 'K', NULL,
	  "Read all into memory first, and say how much it takes",
	  OF(preload) },
	{ ARG_FLAG, "preload-pcap", 0, NULL, NULL, OF(preload) },
	{ ARG_FLAG, "strict", 0, NULL,
	  "Send nothing of a capture that is not sound; a pipe is preloaded", OF(strict) },
	{ ARG_CALL, "only", 0, "EXPR",
	  "Send what matches (pcap-filter); given again: what matches any",
	  .take = take_only },
	{ ARG_CALL, "skip", 0, "EXPR", "Leave out what matches",
	  .take = take_skip },
	{ ARG_CALL, "frames", 0, "LIST",
	  "Send these by number, from 1: 1-100,200,300-",
	  .take = take_frames },
	{ ARG_FLAG, "pad", 0, NULL,
	  "Send frames that the capture cut off, with zeros for what is "
	  "missing; without it they are not sent", OF(pad) },
	{ ARG_CHOICE, "oversize", 0, "HOW",
	  "A frame longer than the MTU is not sent, ends the run, or, if it "
	  "is TCP, is cut into segments [skip]", OF(oversize),
	  .choice = choice_oversize },
};

#define GROUPS 7

/* In the order of --help. */
static const struct arg_group *groups(void)
{
	static struct arg_group group[GROUPS];

	group[0] = send_args_ports;
	group[1] = (struct arg_group){ NULL, ports, ARRAY_SIZE(ports) };
	group[2] = send_args_time;
	group[3] = (struct arg_group){ NULL, times, ARRAY_SIZE(times) };
	group[4] = (struct arg_group){ "Which frames", inputs,
				       ARRAY_SIZE(inputs) };
	group[5] = replay_args_edit;
	group[6] = send_args_print;
	return group;
}

static int complain(const char *what)
{
	log_err("%s", what);
	return -EINVAL;
}

/* Writing over what is being read would lose it. */
static int check_write_path(const struct replay_options *o)
{
	struct stat out, in;

	if (!o->write_path || stat(o->write_path, &out) ||
	    !S_ISREG(out.st_mode))
		return 0;
	for (size_t i = 0; i < o->n_paths; i++) {
		int r = strcmp(o->path[i], "-") ? stat(o->path[i], &in) :
						  fstat(STDIN_FILENO, &in);

		if (r || in.st_dev != out.st_dev || in.st_ino != out.st_ino)
			continue;
		log_err("--write: %s: is one of the captures to read",
			o->write_path);
		return -EINVAL;
	}
	return 0;
}

/* What does not fit together. */
static int check(const struct replay_options *o)
{
	const struct send_options *send = &o->send;
	bool out = o->write_path || o->dry_run;
	int bad = 0;

	if (!o->n_paths)
		bad = complain("no capture given: bumpreplay -i IFACE FILE...");
	if (!send->sender.n_ifaces && !out)
		bad = complain("no interface given: -i IFACE");
	if (o->write_path && o->dry_run)
		bad = complain("--write and --dry-run: one of the two");
	if (o->has_split && send->sender.n_ifaces < 2 && !out)
		bad = complain("--split needs two interfaces: -i LEFT -i "
			       "RIGHT");
	if (out && !o->passes && !send->limit_frames && !send->duration_ns)
		bad = complain("--loop 0 without --limit or --duration would "
			       "never end");
	if (out && send->duration_ns && !send->limit_frames && !o->passes &&
	    send->pace.mode == PACE_TOPSPEED)
		bad = complain("--loop 0 at --topspeed would never end");
	if (check_write_path(o))
		bad = -EINVAL;
	if (o->unique_ip && o->passes == 1)
		log_warn("--unique-ip changes nothing in an only pass: see "
			 "--loop");
	return bad;
}

static void finish(struct replay_options *o)
{
	if (o->send.sender.n_ifaces == 2 && !o->has_split) {
		split_parse(&o->split, "auto");
		o->has_split = true;
	}
	o->edits |= o->fix_checksums || o->unique_ip;
	o->edit.fix_checksums = o->fix_checksums;
	o->edit.unique_ip = o->unique_ip;
}

int replay_options_parse(struct replay_options *o, int argc, char **argv)
{
	int r;

	memset(o, 0, sizeof(*o));
	send_options_init(&o->send);
	o->passes = 1;
	r = args_parse(groups(), GROUPS, argc, argv, o);
	log_level = (enum log_level)o->send.log;
	if (r < 0 || o->send.help || o->send.version)
		return r < 0 ? r : 0;
	o->path = (const char *const *)(argv + r);
	o->n_paths = (size_t)(argc - r);
	r = send_options_finish(&o->send);
	if (check(o) || r)
		return -EINVAL;
	finish(o);
	return 0;
}

void replay_options_fini(struct replay_options *o)
{
	ranges_fini(&o->frames);
}

void replay_options_print(const struct manual *manual, FILE *out)
{
	args_print(groups(), GROUPS, manual, out);
}
