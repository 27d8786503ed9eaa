/* SPDX-License-Identifier: BSD-2-Clause */
/* See send_report.h. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "send_report.h"

#define LABEL_WIDTH 26
#define VALUE_WIDTH 14

/* Time that frames took, counted so that it is comparable with a schedule:
 * from when the first one left to when the last one had. */
static uint64_t span_ns(const struct feed_figures *f)
{
	return f->last_ns > f->first_ns ? f->last_ns - f->first_ns : 0;
}

void send_figures(const struct sender *s, struct send_figures *f)
{
	const uint64_t *src = (const uint64_t *)feed_figures(s->feed);
	uint64_t *dst = (uint64_t *)&f->feed;
	double seconds;

	memset(f, 0, sizeof(*f));
	stats_snapshot(&s->lane.stats, &f->stats);
	for (size_t i = 0; i < sizeof(f->feed) / sizeof(uint64_t); i++)
		dst[i] = counter_read(&src[i]);
	f->elapsed_ns = span_ns(&f->feed);
	f->planned_ns = f->feed.planned_ns;
	f->failed_frames = stats_dropped(&f->stats) -
			   f->stats.dropped_frames[REASON_FILTERED];
	f->paced = hist_count(feed_lateness(s->feed)) > 0;
	f->complete = f->feed.complete;
	seconds = (double)f->elapsed_ns / 1e9;
	/* n frames hold n - 1 gaps, when there is a schedule */
	if (seconds > 0 && f->stats.forwarded_frames) {
		f->pps = (double)(f->stats.forwarded_frames - f->paced) /
			 seconds;
		f->bps = (double)f->stats.forwarded_bytes * 8 / seconds;
	}
}

bool send_all_was_sent(const struct sender *s, const struct send_figures *f)
{
	return !f->failed_frames && !f->feed.fault &&
	       (f->complete || (s->interrupted && feed_is_endless(s->feed)));
}

static void row(FILE *out, const char *label, uint64_t value)
{
	fprintf(out, "  %-*s %*" PRIu64 "\n", LABEL_WIDTH, label, VALUE_WIDTH,
		value);
}

/* What a reason means where nothing is received from a port. */
static const char *help_of(enum reason why)
{
	switch (why) {
	case REASON_TRUNCATED:
		return "cut off by the capture, or of no length for Ethernet";
	case REASON_OVERSIZE:
		return "longer than the port's MTU allows";
	default:
		return reason_info[why].help;
	}
}

static void print_not_sent(const struct send_figures *f, FILE *out)
{
	row(out, "not sent", f->failed_frames);
	for (int why = 0; why < REASONS; why++) {
		if (!f->stats.dropped_frames[why] || why == REASON_FILTERED)
			continue;
		fprintf(out, "    %-*s %*" PRIu64 "  %s\n", LABEL_WIDTH - 2,
			reason_info[why].name, VALUE_WIDTH,
			f->stats.dropped_frames[why],
			help_of((enum reason)why));
	}
}

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

static void print_timing(const struct sender *s, const struct send_figures *f,
			 FILE *out)
{
	const struct hist *h;

	if (!f->paced)
		return;
	h = feed_lateness(s->feed);
	fprintf(out, "  %-*s p50 %.1f, p99 %.1f, max %.1f us\n", LABEL_WIDTH,
		"timing error", us(hist_percentile(h, 50)),
		us(hist_percentile(h, 99)), us(hist_max(h)));
	if (f->feed.late_frames)
		row(out, "late by over 1 ms", f->feed.late_frames);
	if (f->feed.slipped_ns)
		fprintf(out, "  %-*s %*.6f s\n", LABEL_WIDTH, "slipped",
			VALUE_WIDTH, (double)f->feed.slipped_ns / 1e9);
}

static void print_time(FILE *out, const char *label, uint64_t ns)
{
	time_t seconds = (time_t)(ns / NS_PER_SEC);
	char text[32] = "?";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	fprintf(out, "  %-*s %s.%09" PRIu64 " UTC\n", LABEL_WIDTH, label, text,
		(uint64_t)(ns % NS_PER_SEC));
}

static void print_ports(const struct sender *s, const struct send_figures *f,
			FILE *out)
{
	char label[64];

	if (s->params->n_ifaces < 2)
		return;
	for (uint32_t i = 0; i < 2; i++) {
		snprintf(label, sizeof(label), "for %s",
			 s->params->iface[i]);
		row(out, label, f->feed.lent_frames[i]);
	}
	if (s->split)
		fprintf(out, "  %-*s %*s\n", LABEL_WIDTH, "sides by",
			VALUE_WIDTH, s->split);
}

static void print_text(const struct sender *s, const struct send_figures *f,
		       FILE *out)
{
	const struct lane_stats *st = &f->stats;

	if (s->replays)
		row(out, "frames read", st->received_frames);
	if (st->dropped_frames[REASON_FILTERED])
		row(out, "left out, as asked",
		    st->dropped_frames[REASON_FILTERED]);
	if (st->split_frames)
		row(out, "added by segmenting", st->split_frames);
	row(out, "frames sent", st->forwarded_frames);
	row(out, "bytes sent", st->forwarded_bytes);
	print_ports(s, f, out);
	print_not_sent(f, out);
	if (st->held_frames && !f->complete)
		row(out, "read, then stopped", st->held_frames);
	if (f->feed.pass)
		row(out, "passes", f->feed.pass + 1);
	fprintf(out, "  %-*s %*.6f s", LABEL_WIDTH, "duration", VALUE_WIDTH,
		(double)f->elapsed_ns / 1e9);
	if (f->paced)
		fprintf(out, "  (planned %.6f s)",
			(double)f->planned_ns / 1e9);
	fprintf(out, "\n  %-*s %*.1f pps, %.3f Mbit/s\n", LABEL_WIDTH, "rate",
		VALUE_WIDTH, f->pps, f->bps / 1e6);
	print_timing(s, f, out);
	if (s->captured_last_ns) {
		print_time(out, "first frame captured", s->captured_first_ns);
		print_time(out, "last frame captured", s->captured_last_ns);
	}
}

/* Of a lane that stands still: while it runs counters miss each other. */
static void print_unaccounted(const struct send_figures *f, FILE *out)
{
	int64_t frames = stats_unaccounted(&f->stats);

	if (frames)
		fprintf(out, "  %-*s %*" PRId64 "  (a bug: please report it)\n",
			LABEL_WIDTH, "unaccounted", VALUE_WIDTH, frames);
}

int send_report_print(const struct sender *s, const struct send_figures *f,
		      bool all, FILE *out)
{
	errno = 0;
	if (s->params->json) {
		send_report_json(s, f, "report", NULL, out);
	} else {
		fprintf(out, "%s: %s\n", program_invocation_short_name,
			all ? "all was sent" : "not all was sent");
		print_text(s, f, out);
		print_unaccounted(f, out);
	}
	if (!fflush(out) && !ferror(out))
		return 0;
	log_err("standard output: %s", strerror(errno ? errno : EIO));
	return -EIO;
}

int send_report(const struct sender *s, FILE *out)
{
	struct send_figures f;

	send_figures(s, &f);
	return send_report_print(s, &f, send_all_was_sent(s, &f), out);
}

void send_report_so_far(const struct sender *s, FILE *out)
{
	struct send_figures f;

	send_figures(s, &f);
	if (s->params->json) {
		send_report_json(s, &f, "stats", NULL, out);
	} else {
		fprintf(out, "so far\n");
		print_text(s, &f, out);
	}
	fflush(out);
}

void send_report_rates(struct sender *s, FILE *out)
{
	uint64_t now_ns = clock_now_ns(), frames, bytes;
	struct send_figures f;
	double seconds;

	if (now_ns <= s->planned_start_ns)
		return;
	send_figures(s, &f);
	if (s->params->json) {
		send_report_json(s, &f, "stats", NULL, out);
		fflush(out);
		return;
	}
	seconds = (double)(now_ns - s->last_ns) / 1e9;
	frames = f.stats.forwarded_frames - s->last_stats.forwarded_frames;
	bytes = f.stats.forwarded_bytes - s->last_stats.forwarded_bytes;
	fprintf(out, "%.1f s: sent %" PRIu64 " frames, now %.0f pps %.3f "
		"Mbit/s, not sent %" PRIu64 "\n",
		(double)(now_ns - s->planned_start_ns) / 1e9,
		f.stats.forwarded_frames, (double)frames / seconds,
		(double)bytes * 8 / seconds / 1e6, f.failed_frames);
	fflush(out);
	s->last_stats = f.stats;
	s->last_ns = now_ns;
}

/* ---- the line that follows the run ---- */

void send_report_line(struct sender *s)
{
	uint64_t now_ns = clock_now_ns();
	double done = feed_progress(s->feed), seconds;
	struct send_figures f;
	char part[48] = "";

	if (now_ns <= s->planned_start_ns)
		return;
	send_figures(s, &f);
	seconds = (double)(now_ns - s->planned_start_ns) / 1e9;
	if (done > 0)
		snprintf(part, sizeof(part), "%.0f %%, %.0f s left, ",
			 done * 100, seconds / done - seconds);
	fprintf(stderr, "\r%s%" PRIu64 " frames, %.0f pps, %.1f Mbit/s", part,
		f.stats.forwarded_frames,
		(double)(f.stats.forwarded_frames -
			 s->last_stats.forwarded_frames) * 1e9 /
			(double)(now_ns - s->last_ns + 1),
		(double)(f.stats.forwarded_bytes -
			 s->last_stats.forwarded_bytes) * 8e3 /
			(double)(now_ns - s->last_ns + 1));
	if (f.paced)
		fprintf(stderr, ", late p99 %.0f us",
			us(hist_percentile(feed_lateness(s->feed), 99)));
	if (f.failed_frames)
		fprintf(stderr, ", %" PRIu64 " not sent", f.failed_frames);
	fprintf(stderr, "\033[K");
	fflush(stderr);
	s->line_shown = true;
	if (!s->params->stats_ns) {
		s->last_stats = f.stats;
		s->last_ns = now_ns;
	}
}

void send_report_line_end(struct sender *s)
{
	if (s->line_shown)
		fprintf(stderr, "\r\033[K");
	s->line_shown = false;
}
