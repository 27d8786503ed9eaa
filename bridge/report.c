/* SPDX-License-Identifier: BSD-2-Clause */
/* See report.h: the text. The JSON is report_json.c. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "bridge_taps.h"
#include "clock.h"
#include "report.h"
#include "report_json.h"
#include "tap_health.h"

#define LABEL_WIDTH 30
#define VALUE_WIDTH 20
#define PAUSE_MS 100 /* between two looks for a signal */
#define PATIENCE_MS 200 /* for a reader, while there is a wire to look after */

/* The lanes of a pair that exist, as columns of a table. */
struct columns {
	const struct bridge *b;
	struct lane_stats stats[SIDES];
	FILE *out;
};

static void print_head(const struct columns *c)
{
	fprintf(c->out, "%*s", LABEL_WIDTH, "");
	for (int side = 0; side < SIDES; side++)
		if (c->b->has_lane[side])
			fprintf(c->out, " %*s", VALUE_WIDTH,
				c->b->lane_name[side]);
	fprintf(c->out, "\n");
}

static void print_row(const struct columns *c, const char *label,
		      const int64_t value[SIDES])
{
	fprintf(c->out, "%-*s", LABEL_WIDTH, label);
	for (int side = 0; side < SIDES; side++)
		if (c->b->has_lane[side])
			fprintf(c->out, " %*" PRId64, VALUE_WIDTH, value[side]);
	fprintf(c->out, "\n");
}

static void print_counter(const struct columns *c, const char *label,
			  size_t offset, bool always)
{
	int64_t value[SIDES];

	for (int side = 0; side < SIDES; side++)
		value[side] = (int64_t)*(const uint64_t *)(
			(const char *)&c->stats[side] + offset);
	if (always || value[SIDE_LEFT] || value[SIDE_RIGHT])
		print_row(c, label, value);
}

/* What a kind of stage counts, in both lanes; one lane may be without it. */
static void print_stage(const struct columns *c, enum stage_kind kind)
{
	const struct stage *stage[SIDES] = {
		bridge_stage(c->b, SIDE_LEFT, kind),
		bridge_stage(c->b, SIDE_RIGHT, kind),
	};
	const struct stage *any = stage[stage[SIDE_LEFT] ? SIDE_LEFT :
							   SIDE_RIGHT];
	struct stage_count count;
	char label[LABEL_WIDTH];

	for (size_t i = 0; bridge_stage_count(any, i, &count); i++) {
		int64_t value[SIDES] = { 0 };

		snprintf(label, sizeof(label), "%s: %s", any->ops->name,
			 count.name);
		for (int side = 0; side < SIDES; side++)
			if (bridge_stage_count(stage[side], i, &count))
				value[side] = (int64_t)count.value;
		if (value[SIDE_LEFT] || value[SIDE_RIGHT])
			print_row(c, label, value);
	}
}

static void print_tap(const struct columns *c,
		      const struct bridge_tap_info *tap)
{
	const struct tap_counts *left = &tap->figures.count[SIDE_LEFT];
	const struct tap_counts *right = &tap->figures.count[SIDE_RIGHT];

	fprintf(c->out, "tap %s to %s%s%s\n", tap->id, tap->to,
		tap->figures.error ? ": " : "",
		tap->figures.error ? tap_health_text(tap->figures.error) : "");
	print_row(c, "  taken",
		  (const int64_t[]){ (int64_t)left->taken_frames,
				     (int64_t)right->taken_frames });
	print_row(c, "  lost to the tap",
		  (const int64_t[]){ (int64_t)left->lost_frames,
				     (int64_t)right->lost_frames });
}

/* The rules of a lane, a line each: how many frames each was the first to
 * match. */
static void print_rules(const struct columns *c, enum side side)
{
	const struct stage *filter = bridge_stage(c->b, side, STAGE_FILTER);
	struct filter_count count;

	for (size_t i = 0; filter && filter_counts(filter, i, &count); i++) {
		if (!i)
			fprintf(c->out, "rules for %s\n",
				c->b->lane_name[side]);
		fprintf(c->out, "  %-*s %*" PRIu64 "  %s\n", LABEL_WIDTH - 2,
			count.id, VALUE_WIDTH, count.frames, count.text);
		if (!filter_counts(filter, i + 1, &count) &&
		    count.action == FILTER_PASS_ONLY)
			fprintf(c->out, "  %-*s %*" PRIu64 "\n",
				LABEL_WIDTH - 2, "no pass_only matched",
				VALUE_WIDTH, filter_unmatched(filter));
	}
}

static void print_links(const struct bridge *b, FILE *out)
{
	static const struct {
		const char *label;
		size_t rx, tx;
	} row[] = {
#define ROW(what) { #what, offsetof(struct link_counters, rx_##what), \
		    offsetof(struct link_counters, tx_##what) }
		ROW(frames), ROW(bytes), ROW(dropped), ROW(errors),
#undef ROW
	};

	fprintf(out, "%-*s %*s %*s\n", LABEL_WIDTH,
		"link counters, by the kernel", VALUE_WIDTH,
		b->conf->port[SIDE_LEFT], VALUE_WIDTH,
		b->conf->port[SIDE_RIGHT]);
	for (size_t i = 0; i < ARRAY_SIZE(row) * 2; i++) {
		bool tx = i >= ARRAY_SIZE(row);
		const char *label = row[i % ARRAY_SIZE(row)].label;
		size_t offset = tx ? row[i % ARRAY_SIZE(row)].tx :
				     row[i % ARRAY_SIZE(row)].rx;

		fprintf(out, "  %s %-*s", tx ? "tx" : "rx", LABEL_WIDTH - 5,
			label);
		for (int side = 0; side < SIDES; side++)
			fprintf(out, " %*" PRIu64, VALUE_WIDTH,
				*(const uint64_t *)((const char *)&b->side[side]
							    .link.counters +
						    offset));
		fprintf(out, "\n");
	}
}

static void print_pair(const struct bridge *b, const struct report *r,
		       FILE *out)
{
	struct columns c = { .b = b, .out = out };
	int64_t dropped[SIDES], unaccounted[SIDES];
	struct bridge_tap_info tap;
	char label[64];

	for (int side = 0; side < SIDES; side++) {
		stats_snapshot(&b->lane[side].stats, &c.stats[side]);
		dropped[side] = (int64_t)stats_dropped(&c.stats[side]);
		unaccounted[side] = stats_unaccounted(&c.stats[side]);
	}
	fprintf(out, "pair %s, %" PRIu64 ".%" PRIu64 " s\n", b->conf->name,
		r->elapsed_ns / NS_PER_SEC,
		r->elapsed_ns % NS_PER_SEC / (NS_PER_SEC / 10));
	print_head(&c);
#define COUNTER(label, member, always) \
	print_counter(&c, label, offsetof(struct lane_stats, member), always)
	COUNTER("received frames", received_frames, true);
	COUNTER("received bytes", received_bytes, true);
	COUNTER("duplicated frames", duplicated_frames, false);
	COUNTER("split frames", split_frames, false);
	COUNTER("forwarded frames", forwarded_frames, true);
	COUNTER("forwarded bytes", forwarded_bytes, true);
	COUNTER("held frames", held_frames, false);
	print_row(&c, "dropped frames", dropped);
	for (int why = 0; why < REASONS; why++) {
		snprintf(label, sizeof(label), "  %s", reason_info[why].name);
		COUNTER(label, dropped_frames[why], false);
	}
	/* While frames are under way the counters move as they are read. */
	if (r->final)
		print_row(&c, "unaccounted", unaccounted);
	COUNTER("ring full (never received)", ring_full_frames, true);
	COUNTER("bypassed (by the kernel)", bypassed_frames, false);
	COUNTER("filtered by the kernel", bypass_filtered_frames, false);
#undef COUNTER
	for (int kind = 0; kind < STAGE_KINDS; kind++)
		print_stage(&c, (enum stage_kind)kind);
	for (size_t i = 0; bridge_tap_at(b, i, &tap); i++)
		print_tap(&c, &tap);
	print_rules(&c, SIDE_LEFT);
	print_rules(&c, SIDE_RIGHT);
	print_links(b, out);
}

/* ---- output ---- */

/* Signals are blocked, for they are read from a descriptor: one that is to end
 * the program waits here. */
static bool end_is_pending(void)
{
	sigset_t set;

	return !sigpending(&set) &&
	       (sigismember(&set, SIGINT) > 0 ||
		sigismember(&set, SIGTERM) > 0 || sigismember(&set, SIGHUP) > 0);
}

static bool has_room(int fd, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	return poll(&pfd, 1, timeout_ms) > 0;
}

/* Where poll() finds room, PIPE_BUF bytes go without waiting (pipe(7)). A
 * reader who takes nothing is waited for at the end alone. */
static int write_all(int fd, const char *text, size_t len, bool final)
{
	int waited_ms = 0;

	while (len) {
		ssize_t n;

		if (!has_room(fd, PAUSE_MS)) {
			waited_ms += PAUSE_MS;
			if (end_is_pending())
				return -EINTR;
			if (!final && waited_ms >= PATIENCE_MS)
				return -ETIMEDOUT;
			continue;
		}
		waited_ms = 0;
		n = write(fd, text, len < PIPE_BUF ? len : PIPE_BUF);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* What is to be written, in memory first. */
struct text {
	char *bytes;
	size_t len;
	FILE *stream;
};

static bool text_begin(struct text *text)
{
	text->stream = open_memstream(&text->bytes, &text->len);
	return text->stream;
}

static int text_end(struct text *text, FILE *out, bool final)
{
	int r = ferror(text->stream) ? -ENOMEM : 0;

	if (fclose(text->stream))
		r = -ENOMEM;
	if (!r && fflush(out)) /* what was printed before */
		r = -errno;
	if (!r)
		r = write_all(fileno(out), text->bytes, text->len, final);
	free(text->bytes);
	return r;
}

/* A result that could not be written is a failure. */
void report_say_failed(int r, const char *what_then)
{
	log_err("standard output: %s%s",
		r == -EINTR || r == -ETIMEDOUT ? "no room, given up" :
						 strerror(-r), what_then);
}

int report_print(const struct report *r, bool json, FILE *out)
{
	struct text text = { 0 };
	int result;

	if (!text_begin(&text))
		return -ENOMEM;
	if (json)
		report_json(r, text.stream);
	for (size_t i = 0; !json && i < r->n_bridges; i++)
		print_pair(r->bridge[i], r, text.stream);
	result = text_end(&text, out, r->final);
	if (result)
		report_say_failed(result, "");
	return result;
}

/* ---- rates ---- */

static void print_lane_rates(const char *name, const struct lane_stats *now,
			     const struct lane_stats *was, double seconds,
			     FILE *out)
{
	uint64_t frames = now->forwarded_frames - was->forwarded_frames;
	uint64_t bytes = now->forwarded_bytes - was->forwarded_bytes;

	fprintf(out,
		"  %s %.0f pps %.3f Mbit/s dropped %" PRIu64
		" ring full %" PRIu64,
		name, (double)frames / seconds,
		(double)bytes * 8 / seconds / 1e6,
		stats_dropped(now) - stats_dropped(was),
		now->ring_full_frames - was->ring_full_frames);
}

int report_print_rates(const struct report *r, struct report_rates *rates,
		       bool json, FILE *out)
{
	double seconds = (double)(r->elapsed_ns - rates->at_ns) / 1e9;
	struct text text = { 0 };

	if (!has_room(fileno(out), 0))
		return 0;
	if (!text_begin(&text))
		return -ENOMEM;
	if (json)
		report_json_rates(r, seconds, text.stream);
	for (size_t i = 0; i < r->n_bridges; i++) {
		struct bridge *b = r->bridge[i];

		if (!json)
			fprintf(text.stream, "%.1f s %s:", (double)r->elapsed_ns / 1e9,
				b->conf->name);
		for (int side = 0; side < SIDES; side++) {
			struct lane_stats now;

			stats_snapshot(&b->lane[side].stats, &now);
			if (!json && b->has_lane[side])
				print_lane_rates(b->lane_name[side], &now,
						 &b->printed[side],
						 seconds, text.stream);
			b->printed[side] = now;
		}
		if (!json)
			fprintf(text.stream, "\n");
	}
	rates->at_ns = r->elapsed_ns;
	return text_end(&text, out, false);
}
