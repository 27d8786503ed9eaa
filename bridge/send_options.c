/* SPDX-License-Identifier: BSD-2-Clause */
/* See send_options.h. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <time.h>

#include "clock.h"
#include "conf.h"
#include "conf_value.h"
#include "link.h"
#include "log.h"
#include "send_options.h"
#include "units.h"

static const char *const choice_late[] = { "catch-up", "slip", NULL };
static const char *const choice_layer[] = { "1", "2", NULL };
static const char *const choice_tx[] = { "auto", "ring", "direct", NULL };
static const char *const choice_log[] = { "error", "warn", "info", "debug",
					  NULL };

static int take_interface(void *target, const char *value,
			  const char **allowed)
{
	struct send_options *o = target;

	*allowed = "the name of an interface, at most twice";
	if (!link_name_is_valid(value) || o->sender.n_ifaces == SENDER_PORTS)
		return -EINVAL;
	o->sender.iface[o->sender.n_ifaces++] = value;
	return 0;
}

/* tcpreplay's -I is the second one wherever it stands. */
static int take_second(void *target, const char *value, const char **allowed)
{
	struct send_options *o = target;

	*allowed = "the name of an interface, once";
	if (!link_name_is_valid(value) || o->second)
		return -EINVAL;
	o->second = value;
	return 0;
}

static int take_cpu(void *target, const char *value, const char **allowed)
{
	struct send_options *o = target;
	uint64_t n;

	*allowed = "the number of a CPU";
	if (value_number(value, &n) || n >= (uint64_t)get_nprocs_conf())
		return -EINVAL;
	o->sender.cpu = (int)n;
	return 0;
}

/* ---- how frames are paced: one way of several ---- */

static int pace_by(struct send_options *o, enum pace_mode mode,
		   const char **allowed)
{
	if (o->has_pace && o->pace.mode != mode) {
		*allowed = "one way to pace, not two";
		return -EINVAL;
	}
	o->has_pace = true;
	o->pace.mode = mode;
	return 0;
}

int send_take_factor(void *target, const char *value, const char **allowed)
{
	struct send_options *o = target;
	double n;

	*allowed = UNITS_REAL ", above 0";
	if (units_real(value, &n) || n <= 0)
		return -EINVAL;
	o->pace.factor = n;
	return pace_by(o, PACE_CAPTURE, allowed);
}

static int take_pps(void *target, const char *value, const char **allowed)
{
	struct send_options *o = target;
	double n;

	*allowed = UNITS_RATE ", above 0";
	if (units_rate(value, &n) || n <= 0)
		return -EINVAL;
	o->pace.rate = n;
	return pace_by(o, PACE_FRAMES, allowed);
}

static int take_mbps(void *target, const char *value, const char **allowed)
{
	struct send_options *o = target;
	double n;

	*allowed = UNITS_REAL ", above 0, in 10^6 bits a second";
	if (units_real(value, &n) || n <= 0)
		return -EINVAL;
	o->pace.rate = n * 1e6;
	return pace_by(o, PACE_BITS, allowed);
}

static int take_gap(void *target, const char *value, const char **allowed)
{
	struct send_options *o = target;

	*allowed = UNITS_DURATION;
	if (units_duration(value, &o->pace.gap_ns))
		return -EINVAL;
	return pace_by(o, PACE_GAP, allowed);
}

static int take_topspeed(void *target, const char *value, const char **allowed)
{
	(void)value;
	return pace_by(target, PACE_TOPSPEED, allowed);
}

/* FROM:TO:TIME */
static int ramp_step(const char *text, struct pace_step *step)
{
	char from[32], to[32], duration[32], more;
	double sum;

	if (sscanf(text, "%31[^:]:%31[^:]:%31[^:]%c", from, to, duration,
		   &more) != 3 ||
	    units_rate(from, &step->from_pps) || units_rate(to, &step->to_pps) ||
	    units_duration(duration, &step->duration_ns))
		return -EINVAL;
	sum = step->from_pps + step->to_pps;
	return step->duration_ns && sum > 0 ? 0 : -EINVAL;
}

static int take_ramp(void *target, const char *value, const char **allowed)
{
	struct send_options *o = target;

	*allowed = "FROM:TO:TIME, such as 10kpps:100kpps:30s, at most 16";
	if (o->pace.n_steps == PACE_STEPS_MAX ||
	    ramp_step(value, &o->pace.step[o->pace.n_steps]))
		return -EINVAL;
	o->pace.n_steps++;
	return pace_by(o, PACE_RAMP, allowed);
}

/* ---- when ---- */

/* Up to nine digits behind a point, as nanoseconds; *text moves on. */
static uint64_t take_fraction(const char **text)
{
	uint64_t ns = 0, unit = NS_PER_SEC / 10;
	const char *c = *text;

	if (*c != '.')
		return 0;
	for (c++; *c >= '0' && *c <= '9'; c++) {
		ns += (uint64_t)(*c - '0') * unit;
		unit /= 10;
	}
	*text = c;
	return ns;
}

/*
 * A moment by the local calendar, or UTC with a Z; a time of day alone is the
 * next such.
 */
static int calendar(const char *text, uint64_t now_ns, uint64_t *ns)
{
	static const char *const form[] = { "%Y-%m-%dT%H:%M:%S",
					    "%Y-%m-%d %H:%M:%S", "%H:%M:%S",
					    "%H:%M" };
	time_t now = (time_t)(now_ns / NS_PER_SEC), at;
	const char *end = NULL;
	uint64_t fraction;
	struct tm tm;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(form) && !end; i++) {
		localtime_r(&now, &tm);
		tm.tm_sec = 0;
		end = strptime(text, form[i], &tm);
		if (end && *end && *end != '.' && *end != 'Z')
			end = NULL;
	}
	if (!end)
		return -EINVAL;
	fraction = take_fraction(&end);
	tm.tm_isdst = -1;
	at = *end == 'Z' ? timegm(&tm) : mktime(&tm);
	if (i > 2 && at <= now)
		at += 24 * 3600;
	*ns = (uint64_t)at * NS_PER_SEC + fraction;
	return end[*end == 'Z'] || at < 0 ||
			       (uint64_t)at > INT64_MAX / NS_PER_SEC ?
		       -EINVAL : 0;
}

static int take_at(void *target, const char *value, const char **allowed)
{
	struct send_options *o = target;
	uint64_t now_ns = clock_real_ns();
	int r;

	*allowed = "HH:MM[:SS], YYYY-MM-DDTHH:MM:SS[.FRACTION][Z] or "
		   "@SECONDS, yet to come";
	r = *value == '@' ? value_seconds(value + 1, &o->sender.at_ns) :
			    calendar(value, now_ns, &o->sender.at_ns);
	return r || o->sender.at_ns <= now_ns ||
			       o->sender.at_ns > INT64_MAX ?
		       -EINVAL : 0;
}

/* ---- the rows ---- */

#define OF(member) offsetof(struct send_options, member)

/* Rows without a help text are other spellings, most of them tcpreplay's. */
static const struct arg ports[] = {
	{ ARG_CALL, "interface", 'i', "IFACE",
	  "Send by this interface; given twice, the first is left, the "
	  "second right", .take = take_interface },
	{ ARG_CALL, "intf1", 0, "IFACE", .take = take_interface },
	{ ARG_CALL, "intf2", 'I', "IFACE", .take = take_second },
	{ ARG_CHOICE, "tx", 0, "MODE", "How frames leave", OF(sender.tx_mode),
	  .choice = choice_tx },
	{ ARG_FLAG, "qdisc-bypass", 0, NULL,
	  "Send past the queueing discipline", OF(sender.qdisc_bypass) },
	{ ARG_CALL, "cpu", 0, "N", "Run the sending thread there",
	  .take = take_cpu },
};

static const struct arg times[] = {
	{ ARG_CALL, "pps", 'p', "RATE",
	  "Frames a second, fractions too: 0.25, 10k, 1.5M",
	  .take = take_pps },
	{ ARG_CALL, "mbps", 'M', "RATE", "10^6 bits a second",
	  .take = take_mbps },
	{ ARG_CHOICE, "layer", 0, "N",
	  "What --mbps counts: 2 the bytes of frames, 1 also FCS, preamble "
	  "and gap, 24 bytes a frame [2]", OF(layer),
	  .choice = choice_layer },
	{ ARG_CALL, "gap", 0, "TIME", "From each frame to the next",
	  .take = take_gap },
	{ ARG_CALL, "ramp", 0, "FROM:TO:TIME",
	  "Frames a second that change evenly, such as 10kpps:100kpps:30s; "
	  "again for what follows; the last rate goes on",
	  .take = take_ramp },
	{ ARG_CALL, "topspeed", 't', NULL, "As fast as it goes",
	  .take = take_topspeed },
	{ ARG_CHOICE, "late", 0, "HOW",
	  "Who is behind the schedule sends faster until it is caught up "
	  "with, or moves the schedule [catch-up]", OF(late),
	  .choice = choice_late },
	{ ARG_CALL, "at", 0, "TIME",
	  "Begin then: HH:MM[:SS], YYYY-MM-DDTHH:MM:SS[.FRACTION][Z], or "
	  "@SECONDS since 1970", .take = take_at },
	{ ARG_NUMBER, "spin", 0, "USEC",
	  "Sleep until so long before a frame is due, then look [120]",
	  OF(spin_us), 0, 1000000 },
	{ ARG_NUMBER, "limit", 'L', "FRAMES", "Send so many frames",
	  OF(limit_frames), 1, UINT64_MAX },
	{ ARG_DURATION, "duration", 0, "TIME", "Send for so long",
	  OF(duration_ns) },
};

static const struct arg print[] = {
	{ ARG_DURATION, "stats", 0, "TIME", "Print rates so often",
	  OF(sender.stats_ns) },
	{ ARG_FLAG, "json", 0, NULL, "Print reports as JSON",
	  OF(sender.json) },
	{ ARG_FLAG, "no-progress", 0, NULL,
	  "No line that follows the run, on a terminal either",
	  OF(no_progress) },
	{ ARG_CHOICE, "log", 0, "LEVEL", "What to say on stderr [info]",
	  OF(log), .choice = choice_log },
	{ ARG_FLAG, "help", 'h', NULL, "Print this", OF(help) },
	{ ARG_FLAG, "version", 'V', NULL, "Print the version", OF(version) },
};

const struct arg_group send_args_ports = { "Ports", ports, ARRAY_SIZE(ports) };
const struct arg_group send_args_time = { "Time", times, ARRAY_SIZE(times) };
const struct arg_group send_args_print = { "What to print", print,
					   ARRAY_SIZE(print) };

void send_options_init(struct send_options *o)
{
	memset(o, 0, sizeof(*o));
	o->sender.cpu = LANE_NO_CPU;
	o->sender.tx_slots = 128;
	o->pace.factor = 1;
	o->spin_us = 120;
	o->layer = 1;
	o->log = LOG_LEVEL_INFO;
}

int send_options_finish(struct send_options *o)
{
	if (o->second && o->sender.n_ifaces == SENDER_PORTS) {
		log_err("%s: a third interface: at most two", o->second);
		return -EINVAL;
	}
	if (o->second)
		o->sender.iface[o->sender.n_ifaces++] = o->second;
	if (o->sender.n_ifaces == 2 &&
	    !strcmp(o->sender.iface[0], o->sender.iface[1])) {
		log_err("%s: given twice: two ports are two interfaces",
			o->sender.iface[0]);
		return -EINVAL;
	}
	o->sender.spin_us = (uint32_t)o->spin_us;
	o->pace.layer1 = o->layer == 0;
	o->sender.progress = !o->no_progress && isatty(STDERR_FILENO);
	return 0;
}
