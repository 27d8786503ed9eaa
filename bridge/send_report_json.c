/* SPDX-License-Identifier: BSD-2-Clause */
/* The same figures for programs; see send_report.h. */
#include "config.h"

#include <jansson.h>

#include "send_report.h"

static void put(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

static void put_real(json_t *object, const char *key, double value)
{
	json_object_set_new(object, key, json_real(value));
}

static json_t *dropped(const struct lane_stats *s)
{
	json_t *object = json_object();

	for (int why = 0; why < REASONS; why++)
		put(object, reason_info[why].name, s->dropped_frames[why]);
	return object;
}

static json_t *timing(const struct sender *s, const struct send_figures *f)
{
	static const struct {
		const char *name;
		double percent;
	} row[] = {
		{ "p50_ns", 50 }, { "p90_ns", 90 }, { "p99_ns", 99 },
		{ "p99_9_ns", 99.9 }, { "max_ns", 100 },
	};
	const struct hist *h = feed_lateness(s->feed);
	json_t *object = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		put(object, row[i].name, hist_percentile(h, row[i].percent));
	put_real(object, "mean_ns", hist_mean(h));
	put(object, "late_frames", f->feed.late_frames);
	put(object, "slipped_ns", f->feed.slipped_ns);
	return object;
}

static json_t *ports(const struct sender *s, const struct send_figures *f)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < s->params->n_ifaces; i++) {
		json_t *port = json_object();

		json_object_set_new(port, "interface",
				    json_string(s->params->iface[i]));
		put(port, "frames", f->feed.lent_frames[i]);
		json_array_append_new(array, port);
	}
	return array;
}

void send_report_json(const struct sender *s, const struct send_figures *f,
		      const char *event, struct json_t *extra, FILE *out)
{
	json_t *o = json_object();

	json_object_set_new(o, "event", json_string(event));
	json_object_set_new(o, "complete", json_boolean(f->complete));
	put(o, "read_frames", f->stats.received_frames);
	put(o, "left_out_frames", f->stats.dropped_frames[REASON_FILTERED]);
	put(o, "split_frames", f->stats.split_frames);
	put(o, "sent_frames", f->stats.forwarded_frames);
	put(o, "sent_bytes", f->stats.forwarded_bytes);
	put(o, "not_sent_frames", f->failed_frames);
	json_object_set_new(o, "dropped", dropped(&f->stats));
	put(o, "held_frames", f->stats.held_frames);
	json_object_set_new(o, "unaccounted_frames",
			    json_integer(stats_unaccounted(&f->stats)));
	put(o, "oversize_frames", f->feed.oversize_frames);
	put(o, "passes", f->feed.pass + 1);
	put_real(o, "elapsed_seconds", (double)f->elapsed_ns / 1e9);
	put_real(o, "planned_seconds", (double)f->planned_ns / 1e9);
	put_real(o, "pps", f->pps);
	put_real(o, "bps", f->bps);
	json_object_set_new(o, "ports", ports(s, f));
	if (f->paced)
		json_object_set_new(o, "timing_error", timing(s, f));
	if (s->split)
		json_object_set_new(o, "split", json_string(s->split));
	if (s->captured_last_ns) {
		put(o, "captured_first_ns", s->captured_first_ns);
		put(o, "captured_last_ns", s->captured_last_ns);
	}
	if (extra)
		json_object_update(o, extra);
	json_decref(extra);
	json_dumpf(o, out, JSON_COMPACT | JSON_REAL_PRECISION(10));
	fputc('\n', out);
	json_decref(o);
}
