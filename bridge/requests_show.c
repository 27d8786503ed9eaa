/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that only look; see requests.h. */
#include "config.h"

#include <string.h>

#include "bridge_stages.h"
#include "clock.h"
#include "log.h"
#include "report_json.h"
#include "requests.h"

static json_t *settings_json(const struct bridge *b)
{
	json_t *object = json_object();

	for (int side = 0; side < SIDES; side++)
		if (b->has_lane[side])
			json_object_set_new(object, side_name[side],
					    report_json_settings(
						    b, (enum side)side));
	return object;
}

static void add_change(const struct conf_change *change, void *arg)
{
	json_array_append_new(arg, json_pack("{sssoso}", "key", change->key,
					     "from",
					     report_json_text(change->from),
					     "to",
					     report_json_text(change->to)));
}

/* The keys that were set since the configuration was read. */
static json_t *changes_json(const struct control *c, const struct bridge *b)
{
	const struct conf_pair *from = conf_find_pair(c->configured,
						      b->conf->name);
	json_t *array = json_array();

	if (from)
		conf_diff_keys(from, b->conf, add_change, array);
	return array;
}

static json_t *seed_json(const struct bridge *b)
{
	uint64_t seed = b->conf->seed ? b->conf->seed : b->seed;

	return bridge_chain_is_random(b->conf) ?
		       json_integer((json_int_t)seed) : json_null();
}

/* How many there are; what they are is `filter list`'s. */
static json_t *rule_counts_json(const struct bridge *b)
{
	size_t added = 0;

	for (size_t i = 0; i < b->conf->n_rules; i++)
		added += b->conf->rule[i].runtime;
	return json_pack("{sIsI}", "number", (json_int_t)b->conf->n_rules,
			 "runtime", (json_int_t)added);
}

static json_t *pair_status(const struct control *c, const struct bridge *b)
{
	static const char *const way[] = { "left", "right", "no" };

	return json_pack("{sssssbsssbsssosososososososb}", "name",
			 b->conf->name, "state", bridge_state(b), "paused",
			 b->paused, "one_way",
			 way[b->conf->one_way], "isolated", b->guarded,
			 "on_fail", b->conf->on_fail == END_BYPASS ? "bypass" :
								     "block",
			 "left", report_json_port(b, SIDE_LEFT), "right",
			 report_json_port(b, SIDE_RIGHT), "settings",
			 settings_json(b), "seed", seed_json(b), "changes",
			 changes_json(c, b), "rules", rule_counts_json(b),
			 "taps", report_json_taps(b), "tap_stopped",
			 b->tap_stopped);
}

static json_t *last_reload(const struct control *c)
{
	double ago = (double)(clock_now_ns() - c->reload_ns) / 1e9;

	if (!c->reload_ns)
		return json_null();
	return json_pack("{sbsf}", "ok", c->reload_ok, "seconds_ago", ago);
}

int request_status(struct request *r)
{
	const struct control *c = r->control;
	json_t *pairs = json_array();
	struct bridge *b;
	size_t i = 0;

	while ((b = control_next_pair(c, r->pair, &i)))
		json_array_append_new(pairs, pair_status(c, b));
	json_decref(r->result);
	r->result = json_pack(
		"{sssssssisfsossss?sbsIsoso}", "program", PACKAGE_NAME,
		"version", PACKAGE_VERSION, "name", c->name, "pid",
		(int)getpid(), "uptime_seconds",
		(double)(clock_now_ns() - c->start_ns) / 1e9, "config",
		c->conf->path ? report_json_text(c->conf->path) : json_null(),
		"log", log_level_name[log_level], "user", c->user,
		"sandbox", c->conf->sandbox, "reloads",
		(json_int_t)c->n_reloads, "last_reload", last_reload(c),
		"pairs", pairs);
	return r->result ? 0 : -1;
}

int request_stats(struct request *r)
{
	struct control *c = r->control;
	struct report report = control_report(c);
	struct bridge *one;
	size_t i = 0;

	control_refresh(c);
	if (r->pair) {
		one = control_next_pair(c, r->pair, &i);
		report.bridge = &one;
		report.n_bridges = 1;
	}
	json_decref(r->result);
	r->result = report_json_object(&report);
	return 0;
}

static json_t *link_json(const struct bridge *b, enum side side)
{
	const struct link_info *link = &b->side[side].link;
	json_t *object = report_json_port(b, side);
	char address[18];

	snprintf(address, sizeof(address), "%02x:%02x:%02x:%02x:%02x:%02x",
		 link->address[0], link->address[1], link->address[2],
		 link->address[3], link->address[4], link->address[5]);
	json_object_set_new(object, "pair", json_string(b->conf->name));
	json_object_set_new(object, "side", json_string(side_name[side]));
	json_object_set_new(object, "index", json_integer(link->index));
	json_object_set_new(object, "operstate", json_string(
			    link_operstate_name(link->operstate)));
	json_object_set_new(object, "address", json_string(address));
	json_object_set_new(object, "master", json_string(link->master));
	json_object_set_new(object, "kind", json_string(link->kind));
	json_object_set_new(object, "promiscuity",
			    json_integer(link->promiscuity));
	json_object_set_new(object, "link", report_json_link(&link->counters));
	return object;
}

int request_links(struct request *r)
{
	json_t *links = json_array();
	struct bridge *b;
	size_t i = 0;

	control_refresh_links(r->control);
	while ((b = control_next_pair(r->control, r->pair, &i)))
		for (int side = 0; side < SIDES; side++)
			json_array_append_new(links,
					      link_json(b, (enum side)side));
	return json_object_set_new(r->result, "links", links);
}
