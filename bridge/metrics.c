/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See metrics.h: the table of families, and their text. A row of the table
 * says all about a family: which series it has (its scope), and where in the
 * scope's sample their value stands. Format:
 * prometheus.io/docs/instrumenting/exposition_formats.
 */
#include "config.h"

#include <inttypes.h>

#include "bridge_taps.h"
#include "metrics_sample.h"

#define PREFIX "bumpwire_"
#define LABELS 7 /* of a series, at most, and NULL behind them */

/* ---- the families ---- */

enum scope {
	SCOPE_PROCESS,
	SCOPE_BUILD,
	SCOPE_RELOAD, /* a series a result */
	SCOPE_PAIR,
	SCOPE_LANE,
	SCOPE_DROP,   /* a series a reason, those at 0, too: rate() needs them */
	SCOPE_RING,   /* lanes that have a ring just now */
	SCOPE_FILTER, /* lanes that have rules */
	SCOPE_RULE,
	SCOPE_STAGE, /* a series for each thing that a stage counts */
	SCOPE_TAP,   /* a series a tap and lane */
	SCOPE_PORT,
	SCOPE_LINK, /* ports that have been there */
	SCOPES,
};

struct family {
	const char *name; /* without the prefix */
	const char *type;
	enum scope scope;
	size_t offset; /* of the value in the scope's sample */
	const char *help; /* no backslash, no newline */
};

#define OF_LANE "name", "pair", "from", "to"
#define OF_PORT "name", "pair", "port", "side"

/* As NULL-terminated lists, in the order in which put_...() give the values. */
static const char *const label[SCOPES][LABELS] = {
	[SCOPE_PROCESS] = { "name" },
	[SCOPE_BUILD] = { "name", "version" },
	[SCOPE_RELOAD] = { "name", "result" },
	[SCOPE_PAIR] = { "name", "pair" },
	[SCOPE_LANE] = { OF_LANE },
	[SCOPE_DROP] = { OF_LANE, "reason" },
	[SCOPE_RING] = { OF_LANE },
	[SCOPE_FILTER] = { OF_LANE },
	[SCOPE_RULE] = { OF_LANE, "id", "action" },
	[SCOPE_STAGE] = { OF_LANE, "stage", "counter" },
	[SCOPE_TAP] = { OF_LANE, "tap" },
	[SCOPE_PORT] = { OF_PORT },
	[SCOPE_LINK] = { OF_PORT },
};

#define PROCESS(member) offsetof(struct process_sample, member)
#define PAIR(member) offsetof(struct pair_sample, member)
#define LANE(member) offsetof(struct lane_sample, member)
#define TAP(member) offsetof(struct tap_counts, member)
#define PORT(member) offsetof(struct port_sample, member)

static const struct family family[] = {
	{ "build_info", "gauge", SCOPE_BUILD, PROCESS(one),
	  "1; its version is in the label." },
	{ "start_time_seconds", "gauge", SCOPE_PROCESS, PROCESS(start_time_s),
	  "When the process started, in seconds since 1970." },
	{ "last_reload_success", "gauge", SCOPE_PROCESS,
	  PROCESS(last_reload_ok),
	  "Whether the last reload was applied; 1 if there was none." },
	{ "last_reload_timestamp_seconds", "gauge", SCOPE_PROCESS,
	  PROCESS(last_reload_s),
	  "When the last reload was tried, since 1970; 0 if there was none." },
	{ "reloads_total", "counter", SCOPE_RELOAD, PROCESS(reloads),
	  "Reloads, by result." },
	{ "attached", "gauge", SCOPE_PAIR, PAIR(attached),
	  "Whether both ports of the pair are open." },
	{ "paused", "gauge", SCOPE_PAIR, PAIR(paused),
	  "Whether the pair drops all frames because somebody paused it." },
	{ "lane_received_frames_total", "counter", SCOPE_LANE,
	  LANE(stats.received_frames), "Frames taken from the ring." },
	{ "lane_received_bytes_total", "counter", SCOPE_LANE,
	  LANE(stats.received_bytes), "Bytes of these, without the FCS." },
	{ "lane_forwarded_frames_total", "counter", SCOPE_LANE,
	  LANE(stats.forwarded_frames), "Frames sent by the other port." },
	{ "lane_forwarded_bytes_total", "counter", SCOPE_LANE,
	  LANE(stats.forwarded_bytes), "Bytes of these, without the FCS." },
	{ "lane_dropped_frames_total", "counter", SCOPE_DROP,
	  LANE(stats.dropped_frames),
	  "Frames received and not forwarded, by reason." },
	{ "lane_ring_full_frames_total", "counter", SCOPE_LANE,
	  LANE(stats.ring_full_frames),
	  "Frames lost before they were received: no free slot." },
	{ "lane_bypassed_frames_total", "counter", SCOPE_LANE,
	  LANE(stats.bypassed_frames),
	  "Frames that the kernel forwarded instead (on_fail, on_stop)." },
	{ "lane_bypassed_bytes_total", "counter", SCOPE_LANE,
	  LANE(stats.bypassed_bytes), "Bytes of these, without the FCS." },
	{ "lane_bypass_filtered_frames_total", "counter", SCOPE_LANE,
	  LANE(stats.bypass_filtered_frames),
	  "Frames that it dropped by the rules meanwhile (bypass_filter)." },
	{ "lane_duplicated_frames_total", "counter", SCOPE_LANE,
	  LANE(stats.duplicated_frames), "Copies that stages made." },
	{ "lane_split_frames_total", "counter", SCOPE_LANE,
	  LANE(stats.split_frames), "Frames that segmenting added." },
	{ "lane_held_frames", "gauge", SCOPE_LANE, LANE(stats.held_frames),
	  "Frames that stages keep just now." },
	{ "ring_slots", "gauge", SCOPE_RING, LANE(ring_slots),
	  "Slots of the ring in which the kernel leaves frames." },
	{ "ring_used_slots", "gauge", SCOPE_RING, LANE(ring_used_slots),
	  "Slots of these that hold a frame just now." },
	{ "filter_matched_frames_total", "counter", SCOPE_RULE, 0,
	  "Frames that this rule was the first to match." },
	{ "filter_unmatched_frames_total", "counter", SCOPE_FILTER,
	  LANE(unmatched_frames),
	  "Frames dropped because no pass_only rule matched." },
	{ "stage_count", "untyped", SCOPE_STAGE, 0,
	  "What a stage counts: frames lost, duplicated and so on." },
	{ "tap_taken_frames_total", "counter", SCOPE_TAP,
	  TAP(taken_frames), "Frames that the tap's filter matched." },
	{ "tap_lost_frames_total", "counter", SCOPE_TAP, TAP(lost_frames),
	  "Frames of these that were lost to the tap, not to the wire." },
	{ "port_up", "gauge", SCOPE_PORT, PORT(up),
	  "Whether the interface is there, attached and up." },
	{ "port_carrier", "gauge", SCOPE_PORT, PORT(carrier),
	  "Whether it has a carrier, too." },
	{ "port_mtu_bytes", "gauge", SCOPE_LINK, PORT(mtu_bytes),
	  "The interface's MTU." },
#define LINK(what, text) \
	{ "port_link_" #what "_total", "counter", SCOPE_LINK, \
	  PORT(link.what), text " by the kernel's count, of all programs." }
	LINK(rx_frames, "Frames received"),
	LINK(rx_bytes, "Bytes received"),
	LINK(rx_dropped, "Received frames dropped"),
	LINK(rx_errors, "Receive errors"),
	LINK(tx_frames, "Frames sent"),
	LINK(tx_bytes, "Bytes sent"),
	LINK(tx_dropped, "Frames to send dropped"),
	LINK(tx_errors, "Send errors"),
#undef LINK
};

/* ---- the text ---- */

/* How many bytes the UTF-8 character at `c` has; 0: it is none (RFC 3629). */
static size_t utf8_length(const unsigned char *c)
{
	size_t n = *c < 0x80 ? 1 : *c < 0xc2 ? 0 : *c < 0xe0 ? 2 :
		   *c < 0xf0 ? 3 : *c < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	if ((*c == 0xe0 && c[1] < 0xa0) || (*c == 0xed && c[1] > 0x9f) ||
	    (*c == 0xf0 && c[1] < 0x90) || (*c == 0xf4 && c[1] > 0x8f))
		return 0;
	return n;
}

/* An interface may be called by bytes that are no UTF-8, for which Prometheus
 * refuses the whole text: they are shown as \xNN. */
static void put_value(const char *value, FILE *out)
{
	const unsigned char *c = (const unsigned char *)value;

	for (size_t n; *c; c += n ? n : 1) {
		n = utf8_length(c);
		if (!n)
			fprintf(out, "\\\\x%02x", *c);
		else if (*c == '\n')
			fputs("\\n", out);
		else
			fprintf(out, "%s%.*s",
				*c == '"' || *c == '\\' ? "\\" : "", (int)n,
				(const char *)c);
	}
}

/* One series; the values stand in the order of the scope's labels. */
static void put(const struct family *f, const char *const *value,
		uint64_t number, FILE *out)
{
	const char *const *name = label[f->scope];

	fprintf(out, PREFIX "%s", f->name);
	for (size_t i = 0; name[i]; i++) {
		fprintf(out, "%c%s=\"", i ? ',' : '{', name[i]);
		put_value(value[i] ? value[i] : "", out);
		fputc('"', out);
	}
	fprintf(out, "} %" PRIu64 "\n", number);
}

static uint64_t number_at(const void *sample, size_t offset)
{
	return *(const uint64_t *)((const char *)sample + offset);
}

/* ---- the series of a scope ---- */

static void put_process(const struct metrics_sample *s, const struct family *f,
			FILE *out)
{
	const char *value[] = { s->metrics->name, s->metrics->version };

	put(f, value, number_at(&s->process, f->offset), out);
}

static void put_reloads(const struct metrics_sample *s, const struct family *f,
			FILE *out)
{
	static const char *const result[] = { "success", "failure" };

	for (size_t i = 0; i < ARRAY_SIZE(result); i++) {
		const char *value[] = { s->metrics->name, result[i] };

		put(f, value,
		    number_at(&s->process, f->offset + i * sizeof(uint64_t)),
		    out);
	}
}

static void put_pairs(const struct metrics_sample *s, const struct family *f,
		      FILE *out)
{
	for (size_t i = 0; i < s->n_pairs; i++) {
		const char *value[] = { s->metrics->name,
					s->pair[i].bridge->conf->name };

		put(f, value, number_at(&s->pair[i], f->offset), out);
	}
}

static void put_ports(const struct metrics_sample *s, const struct family *f,
		      FILE *out)
{
	for (size_t i = 0; i < s->n_pairs * SIDES; i++) {
		const struct pair_sample *pair = &s->pair[i / SIDES];
		const struct bridge *b = pair->bridge;
		size_t side = i % SIDES;
		const char *value[] = { s->metrics->name, b->conf->name,
					b->conf->port[side], side_name[side] };

		if (f->scope == SCOPE_PORT || b->side[side].link.index)
			put(f, value, number_at(&pair->port[side], f->offset),
			    out);
	}
}

static void put_drops(const struct lane_sample *lane, const struct family *f,
		      const char **value, const char **reason, FILE *out)
{
	for (size_t why = 0; why < REASONS; why++) {
		*reason = reason_info[why].name;
		put(f, value,
		    number_at(lane, f->offset + why * sizeof(uint64_t)), out);
	}
}

static void put_rules(const struct stage *filter, const struct family *f,
		      const char **value, const char **rule, FILE *out)
{
	struct filter_count count;

	for (size_t i = 0; filter_counts(filter, i, &count); i++) {
		rule[0] = count.id;
		rule[1] = count.action == FILTER_DROP ? "drop" : "pass_only";
		put(f, value, count.frames, out);
	}
}

static void put_stages(const struct bridge *b, size_t side,
		       const struct family *f, const char **value, FILE *out)
{
	const char **what = &value[4];
	struct stage_count count;

	for (int kind = 0; kind < STAGE_KINDS; kind++) {
		const struct stage *stage =
			bridge_stage(b, (int)side, (enum stage_kind)kind);

		for (size_t i = 0; bridge_stage_count(stage, i, &count); i++) {
			what[0] = stage->ops->name;
			what[1] = count.name;
			put(f, value, count.value, out);
		}
	}
}

static void put_taps(const struct bridge *b, size_t side,
		     const struct family *f, const char **value, FILE *out)
{
	struct bridge_tap_info tap;

	for (size_t i = 0; bridge_tap_at(b, i, &tap); i++) {
		if (tap.at[side] == TAP_NO)
			continue;
		value[4] = tap.id;
		put(f, value, number_at(&tap.figures.count[side], f->offset),
		    out);
	}
}

static void put_lane(const struct lane_sample *lane, const struct stage *filter,
		     const struct family *f, const char **value, FILE *out)
{
	const char **more = &value[4]; /* behind those of all lanes */

	if (f->scope == SCOPE_DROP)
		put_drops(lane, f, value, more, out);
	else if (f->scope == SCOPE_RULE && filter)
		put_rules(filter, f, value, more, out);
	else if (f->scope == SCOPE_LANE ||
		 (f->scope == SCOPE_RING && lane->ring_slots) ||
		 (f->scope == SCOPE_FILTER && filter))
		put(f, value, number_at(lane, f->offset), out);
}

static void put_lanes(const struct metrics_sample *s, const struct family *f,
		      FILE *out)
{
	for (size_t i = 0; i < s->n_pairs * SIDES; i++) {
		const struct pair_sample *pair = &s->pair[i / SIDES];
		const struct bridge *b = pair->bridge;
		size_t side = i % SIDES;
		const char *value[LABELS] = { s->metrics->name, b->conf->name,
					      b->conf->port[side],
					      b->conf->port[!side] };

		if (!b->has_lane[side])
			continue;
		if (f->scope == SCOPE_STAGE)
			put_stages(b, side, f, value, out);
		else if (f->scope == SCOPE_TAP)
			put_taps(b, side, f, value, out);
		else
			put_lane(&pair->lane[side],
				 bridge_stage(b, (int)side, STAGE_FILTER), f,
				 value, out);
	}
}

static void put_family(const struct metrics_sample *s, const struct family *f,
		       FILE *out)
{
	static void (*const put_scope[SCOPES])(const struct metrics_sample *s,
					       const struct family *f,
					       FILE *out) = {
		[SCOPE_PROCESS] = put_process, [SCOPE_BUILD] = put_process,
		[SCOPE_RELOAD] = put_reloads,  [SCOPE_PAIR] = put_pairs,
		[SCOPE_LANE] = put_lanes,      [SCOPE_DROP] = put_lanes,
		[SCOPE_RING] = put_lanes,      [SCOPE_FILTER] = put_lanes,
		[SCOPE_RULE] = put_lanes,      [SCOPE_STAGE] = put_lanes,
		[SCOPE_TAP] = put_lanes,       [SCOPE_PORT] = put_ports,
		[SCOPE_LINK] = put_ports,
	};

	fprintf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n",
		f->name, f->help, f->name, f->type);
	put_scope[f->scope](s, f, out);
}

void metrics_print(const struct metrics *m, FILE *out)
{
	struct metrics_sample sample;

	if (!metrics_sample_init(&sample, m))
		for (size_t i = 0; i < ARRAY_SIZE(family); i++)
			put_family(&sample, &family[i], out);
	metrics_sample_fini(&sample);
}

void metrics_list(FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(family); i++) {
		const char *const *name = label[family[i].scope];

		fprintf(out, PREFIX "%s %s ", family[i].name, family[i].type);
		for (size_t k = 0; name[k]; k++)
			fprintf(out, "%s%s", k ? "," : "", name[k]);
		fputc('\n', out);
	}
}
