/* SPDX-License-Identifier: BSD-2-Clause */
/* See verify_report.h. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

#include "log.h"
#include "verify_report.h"

/* What a verdict consists of. */
static const struct row {
	const char *name;
	size_t offset;
	const char *help;
} rows[] = {
#define ROW(member, help) \
	{ #member, offsetof(struct judge_figures, member), help }
	ROW(delivered, "once, whole"),
	ROW(lost, "expected, and never came"),
	ROW(duplicated, "came again"),
	ROW(reordered, "were overtaken"),
	ROW(corrupted, "altered on the way"),
	ROW(late_unknown, "too late to tell what they are"),
	ROW(foreign, "others' frames, without a stamp"),
	ROW(early, "by another clock: latency unknown"),
	ROW(bytes, "of those delivered"),
#undef ROW
};

static const struct percentile {
	const char *name;
	double percent;
} percentiles[] = {
	{ "min", 0 },    { "p50", 50 },     { "p90", 90 },     { "p99", 99 },
	{ "p99.9", 99.9 }, { "p99.99", 99.99 }, { "max", 100 },
};

static uint64_t value_of(const struct judge_figures *f, const struct row *row)
{
	return *(const uint64_t *)((const char *)f + row->offset);
}

static double pps_of(const struct judge_figures *f)
{
	return f->duration_ns ? (double)(f->delivered - 1) * 1e9 /
					(double)f->duration_ns : 0;
}

static void print_text(const struct judge_figures *f, const struct hist *h,
		       uint64_t ring_full, FILE *out)
{
	fprintf(out, "bumpinject: %s\n",
		!f->frames ? "nothing came" : "what came");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		fprintf(out, "  %-14s %14" PRIu64 "  %s\n", rows[i].name,
			value_of(f, &rows[i]), rows[i].help);
	fprintf(out, "  %-14s %14" PRIu64 "  %s\n", "ring full", ring_full,
		"lost here, in this receiver");
	fprintf(out, "  %-14s %14.1f  pps, %.3f Mbit/s\n", "rate", pps_of(f),
		f->duration_ns ? (double)f->bytes * 8e3 /
					 (double)f->duration_ns : 0);
	if (!hist_count(h))
		return;
	fprintf(out, "  latency");
	for (size_t i = 0; i < ARRAY_SIZE(percentiles); i++)
		fprintf(out, "%s %s %.1f", i ? "," : "", percentiles[i].name,
			(double)hist_percentile(h, percentiles[i].percent) /
				1e3);
	fprintf(out, " us\n");
}

static void print_json(const struct judge_figures *f, const struct hist *h,
		       uint64_t ring_full, FILE *out)
{
	json_t *o = json_object(), *latency = json_object();

	json_object_set_new(o, "event", json_string("verdict"));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		json_object_set_new(o, rows[i].name,
				    json_integer((json_int_t)value_of(
					    f, &rows[i])));
	json_object_set_new(o, "ring_full",
			    json_integer((json_int_t)ring_full));
	json_object_set_new(o, "pps", json_real(pps_of(f)));
	for (size_t i = 0; i < ARRAY_SIZE(percentiles); i++)
		json_object_set_new(
			latency, percentiles[i].name,
			json_integer((json_int_t)hist_percentile(
				h, percentiles[i].percent)));
	json_object_set_new(o, "latency_ns", latency);
	json_dumpf(o, out, JSON_COMPACT | JSON_REAL_PRECISION(10));
	fputc('\n', out);
	json_decref(o);
}

int verify_report(const struct judge *judge, struct port *port, bool json,
		  FILE *out)
{
	const struct hist *h = judge_hist(judge);
	struct port_counters counters;
	struct judge_figures f;

	port->ops->counters(port, &counters);
	judge_figures(judge, &f);
	errno = 0;
	if (json)
		print_json(&f, h, counters.ring_full_frames, out);
	else
		print_text(&f, h, counters.ring_full_frames, out);
	if (fflush(out) || ferror(out)) {
		log_err("standard output: %s", strerror(errno ? errno : EIO));
		return -EIO;
	}
	return !f.delivered || f.lost || f.duplicated || f.reordered ||
	       f.corrupted || f.late_unknown;
}
