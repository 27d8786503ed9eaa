/* SPDX-License-Identifier: BSD-2-Clause */
/* See report_json.h. */
#include "config.h"

#include <string.h>

#include "bridge_propagate.h"
#include "bridge_taps.h"
#include "conf_value.h"
#include "report_json.h"
#include "tap_health.h"

static json_t *integer(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* Bytes that are no UTF-8, as a rule's text may have, are shown as such. */
json_t *report_json_text(const char *s)
{
	json_t *string = json_string(s);

	return string ? string : json_string("(not UTF-8)");
}

static json_t *reasons(const struct lane_stats *s)
{
	json_t *object = json_object();

	for (int why = 0; why < REASONS; why++)
		json_object_set_new(object, reason_info[why].name,
				    integer(s->dropped_frames[why]));
	return object;
}

static bool is_runtime(const struct bridge *b, const char *id)
{
	const struct conf_rule *rule = conf_find_rule(b->conf, id);

	return rule && rule->runtime;
}

static json_t *rules(const struct bridge *b, enum side side)
{
	const struct stage *filter = bridge_stage(b, side, STAGE_FILTER);
	json_t *array = json_array();
	struct filter_count count;

	for (size_t i = 0; filter && filter_counts(filter, i, &count); i++) {
		json_t *rule = json_object();

		json_object_set_new(rule, "id", report_json_text(count.id));
		json_object_set_new(rule, "action",
				    json_string(count.action == FILTER_DROP ?
							"drop" : "pass_only"));
		json_object_set_new(rule, "text", report_json_text(count.text));
		json_object_set_new(rule, "runtime",
				    json_boolean(is_runtime(b, count.id)));
		json_object_set_new(rule, "frames", integer(count.frames));
		json_array_append_new(array, rule);
	}
	return array;
}

static json_t *lane_counters(const struct lane_stats *s)
{
	static const struct {
		const char *name;
		size_t offset;
	} counter[] = {
#define COUNTER(member) { #member, offsetof(struct lane_stats, member) }
		COUNTER(received_frames),  COUNTER(received_bytes),
		COUNTER(forwarded_frames), COUNTER(forwarded_bytes),
		COUNTER(duplicated_frames), COUNTER(split_frames),
		COUNTER(held_frames),	   COUNTER(offered_frames),
		COUNTER(ring_full_frames),
		COUNTER(bypassed_frames),  COUNTER(bypassed_bytes),
		COUNTER(bypass_filtered_frames),
#undef COUNTER
	};
	json_t *object = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(counter); i++)
		json_object_set_new(object, counter[i].name,
				    integer(*(const uint64_t *)(
					    (const char *)s +
					    counter[i].offset)));
	json_object_set_new(object, "dropped_frames", integer(stats_dropped(s)));
	json_object_set_new(object, "dropped", reasons(s));
	return object;
}

/* {"impair": {"lost": 7, ...}, ...} of the stages that count. */
static json_t *stages(const struct bridge *b, enum side side)
{
	json_t *object = json_object(), *counts;
	struct stage_count count;

	for (int kind = 0; kind < STAGE_KINDS; kind++) {
		const struct stage *stage =
			bridge_stage(b, side, (enum stage_kind)kind);

		if (!bridge_stage_count(stage, 0, &count))
			continue;
		counts = json_object();
		for (size_t i = 0; bridge_stage_count(stage, i, &count); i++)
			json_object_set_new(counts, count.name,
					    integer(count.value));
		json_object_set_new(object, stage->ops->name, counts);
	}
	return object;
}

static json_t *tap_json(const struct bridge_tap_info *tap)
{
	static const char *const at[] = { "no", "in", "out" };
	const struct tap_figures *f = &tap->figures;
	json_t *object = json_pack("{sssosbsIsIsb}", "id", tap->id, "to",
				   report_json_text(tap->to), "runtime",
				   tap->runtime, "written_frames",
				   (json_int_t)f->written_frames,
				   "written_bytes",
				   (json_int_t)f->written_bytes, "ended",
				   f->ended);

	for (int side = 0; side < SIDES; side++)
		json_object_set_new(
			object, side_name[side],
			json_pack("{sssIsI}", "at", at[tap->at[side]],
				  "taken_frames",
				  (json_int_t)f->count[side].taken_frames,
				  "lost_frames",
				  (json_int_t)f->count[side].lost_frames));
	json_object_set_new(object, "error",
			    f->error ? report_json_text(tap_health_text(f->error)) :
				       json_null());
	return object;
}

json_t *report_json_taps(const struct bridge *b)
{
	json_t *array = json_array();
	struct bridge_tap_info tap;

	for (size_t i = 0; bridge_tap_at(b, i, &tap); i++)
		json_array_append_new(array, tap_json(&tap));
	return array;
}

json_t *report_json_settings(const struct bridge *b, enum side side)
{
	json_t *object = json_object();

	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *key = &conf_key[i];
		const char *text;

		if (!key->sided || key->type != CONF_TEXT)
			continue;
		text = value_text(key, b->conf, side, NULL, 0);
		if (*text)
			json_object_set_new(object, key->name,
					    report_json_text(text));
	}
	return object;
}

static json_t *lane_json(const struct bridge *b, enum side side, bool final)
{
	const struct stage *filter = bridge_stage(b, side, STAGE_FILTER);
	struct lane_stats s;
	uint32_t used, slots;
	json_t *object;

	stats_snapshot(&b->lane[side].stats, &s);
	object = lane_counters(&s);
	if (bridge_ring_fill(b, side, &used, &slots)) {
		json_object_set_new(object, "ring_slots", integer(slots));
		json_object_set_new(object, "ring_used_slots", integer(used));
	}
	/* While frames are under way the counters move as they are read. */
	if (final)
		json_object_set_new(object, "unaccounted_frames",
				    json_integer(stats_unaccounted(&s)));
	json_object_set_new(object, "from", report_json_text(b->conf->port[side]));
	json_object_set_new(object, "to",
			    report_json_text(b->conf->port[side == SIDE_LEFT ?
						       SIDE_RIGHT : SIDE_LEFT]));
	json_object_set_new(object, "rules", rules(b, side));
	json_object_set_new(object, "settings", report_json_settings(b, side));
	json_object_set_new(object, "stages", stages(b, side));
	if (filter)
		json_object_set_new(object, "unmatched_frames",
				    integer(filter_unmatched(filter)));
	return object;
}

json_t *report_json_port(const struct bridge *b, enum side side)
{
	const struct bridge_port *bp = &b->side[side];
	const char *name = b->conf->port[side];
	json_t *object = json_object();

	json_object_set_new(object, "name", report_json_text(name));
	json_object_set_new(object, "driver", report_json_text(bp->driver));
	json_object_set_new(object, "mtu", integer(bp->link.mtu));
	json_object_set_new(object, "up", json_boolean(bp->link.up));
	json_object_set_new(object, "carrier", json_boolean(bp->link.carrier));
	json_object_set_new(object, "held",
			    json_boolean(bridge_propagate_holds(b, side)));
	return object;
}

json_t *report_json_link(const struct link_counters *c)
{
	return json_pack("{sI sI sI sI sI sI sI sI}",
			 "rx_frames", (json_int_t)c->rx_frames,
			 "rx_bytes", (json_int_t)c->rx_bytes,
			 "rx_dropped", (json_int_t)c->rx_dropped,
			 "rx_errors", (json_int_t)c->rx_errors,
			 "tx_frames", (json_int_t)c->tx_frames,
			 "tx_bytes", (json_int_t)c->tx_bytes,
			 "tx_dropped", (json_int_t)c->tx_dropped,
			 "tx_errors", (json_int_t)c->tx_errors);
}

static json_t *pair_json(const struct bridge *b, bool final)
{
	json_t *object = json_object(), *lanes = json_object();

	json_object_set_new(object, "name", report_json_text(b->conf->name));
	json_object_set_new(object, "state", json_string(bridge_state(b)));
	for (int side = 0; side < SIDES; side++) {
		json_t *port = report_json_port(b, (enum side)side);

		json_object_set_new(port, "link",
				    report_json_link(&b->side[side].link
							     .counters));
		json_object_set_new(object, side_name[side], port);
		if (b->has_lane[side])
			json_object_set_new(lanes, side_name[side],
					    lane_json(b, (enum side)side,
						    final));
	}
	json_object_set_new(object, "lanes", lanes);
	json_object_set_new(object, "taps", report_json_taps(b));
	return object;
}

static json_t *head(const char *event, double seconds)
{
	return json_pack("{si ss ss ss sf}", "schema", REPORT_SCHEMA, "event",
			 event, "program", PACKAGE_NAME, "version",
			 PACKAGE_VERSION, "seconds", seconds);
}

static void put(json_t *object, size_t flags, FILE *out)
{
	json_dumpf(object, out, flags);
	fprintf(out, "\n");
	json_decref(object);
}

json_t *report_json_object(const struct report *r)
{
	json_t *object = head("report", (double)r->elapsed_ns / 1e9);
	json_t *pairs = json_array();

	for (size_t i = 0; i < r->n_bridges; i++)
		json_array_append_new(pairs, pair_json(r->bridge[i],
						       r->final));
	json_object_set_new(object, "pairs", pairs);
	return object;
}

void report_json(const struct report *r, FILE *out)
{
	put(report_json_object(r), JSON_INDENT(2), out);
}

void report_json_rates(const struct report *r, double seconds, FILE *out)
{
	json_t *object = head("stats", (double)r->elapsed_ns / 1e9);
	json_t *pairs = json_array();

	for (size_t i = 0; i < r->n_bridges; i++) {
		const struct bridge *b = r->bridge[i];
		json_t *pair = json_object(), *lanes = json_object();

		for (int side = 0; side < SIDES; side++) {
			struct lane_stats now;
			const struct lane_stats *was = &b->printed[side];
			json_t *lane;

			if (!b->has_lane[side])
				continue;
			stats_snapshot(&b->lane[side].stats, &now);
			lane = lane_counters(&now);
			json_object_set_new(
				lane, "forwarded_pps",
				json_real((double)(now.forwarded_frames -
						   was->forwarded_frames) /
					  seconds));
			json_object_set_new(
				lane, "forwarded_bps",
				json_real((double)(now.forwarded_bytes -
						   was->forwarded_bytes) *
					  8 / seconds));
			json_object_set_new(lanes, side_name[side], lane);
		}
		json_object_set_new(pair, "name", report_json_text(b->conf->name));
		json_object_set_new(pair, "lanes", lanes);
		json_array_append_new(pairs, pair);
	}
	json_object_set_new(object, "pairs", pairs);
	put(object, JSON_COMPACT, out);
}
