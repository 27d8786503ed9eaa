/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests about rules; see requests.h. A rule is added by applying a
 * configuration that is the one in force, and this rule.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "conf_value.h"
#include "log.h"
#include "report_json.h"
#include "requests.h"

static const char *const action_name[] = {
	[FILTER_DROP] = "drop",
	[FILTER_PASS_ONLY] = "pass_only",
	NULL,
};

static const char *const side_text[] = { "left", "right", "both", NULL };

/* What a rule matched of what arrives on a side, or null. */
static json_t *rule_frames(const struct bridge *b, enum side side,
			   const char *id)
{
	const struct stage *filter = bridge_stage(b, side, STAGE_FILTER);
	struct filter_count count;

	for (size_t i = 0; filter && filter_counts(filter, i, &count); i++)
		if (!strcmp(count.id, id))
			return json_integer((json_int_t)count.frames);
	return json_null();
}

static json_t *rule_json(const struct bridge *b, const struct conf_rule *rule)
{
	return json_pack("{sssssssssosbsbsbsoso}", "pair", b->conf->name, "side",
			 side_text[rule->side], "id", rule->rule.id, "action",
			 action_name[rule->rule.action], "text",
			 report_json_text(rule->rule.text), "file", rule->rule.is_file,
			 "runtime", rule->runtime, "covers", rule->covered != NULL,
			 "left_frames",
			 rule_frames(b, SIDE_LEFT, rule->rule.id),
			 "right_frames",
			 rule_frames(b, SIDE_RIGHT, rule->rule.id));
}

int request_filter_list(struct request *r)
{
	json_t *rules = json_array();
	struct bridge *b;
	size_t i = 0;

	while ((b = control_next_pair(r->control, r->pair, &i)))
		for (size_t k = 0; k < b->conf->n_rules; k++)
			json_array_append_new(rules,
					      rule_json(b, &b->conf->rule[k]));
	return json_object_set_new(r->result, "rules", rules);
}

static void ignore(const struct conf_change *change, void *arg)
{
	(void)change;
	(void)arg;
}

/*
 * The configuration in force with another rule of this id, or without one.
 * Where it stands among the others does not matter but to which of two that
 * match counts a frame: it comes last.
 */
static int apply_rule(struct request *r, const char *pair_name, const char *id,
		      const struct conf_rule *rule)
{
	struct conf *conf;
	struct conf_pair *pair;
	int result = conf_clone(&conf, r->control->conf);

	if (result)
		return result;
	pair = conf_find_pair(conf, pair_name);
	if (rule)
		result = conf_cover_rule(pair, rule);
	else
		result = conf_uncover_rule(pair, id) ? 0 : -EINVAL;
	if (!result && rule)
		result = conf_finish_after(conf, r->control->conf);
	if (!result) /* takes it */
		return control_apply(r->control, conf, false, ignore, NULL);
	conf_free(conf);
	return result;
}

static int show_rule(struct request *r, const char *pair, const char *id)
{
	size_t i = 0;
	const struct bridge *b = control_next_pair(r->control, pair, &i);

	return json_object_set_new(
		r->result, "rule",
		rule_json(b, conf_find_rule(b->conf, id)));
}

/* Names are freed with the configuration that is replaced: they are copied. */
static int change_rule(struct request *r, const struct conf_pair *pair,
		       const char *id, const struct conf_rule *rule)
{
	autoclean(free_ptr) char *name = strdup(pair->name);
	int result = name ? apply_rule(r, name, id, rule) : -ENOMEM;

	if (result) {
		snprintf(r->error, sizeof(r->error), "rule %s: nothing was "
			 "changed", id);
		return result;
	}
	log_info("pair %s: rule %s: %s", name, id,
		 rule ? rule->rule.text : "removed");
	return rule ? show_rule(r, name, id) : 0;
}

static bool text_is_good(struct request *r, const char *id, const char *text)
{
	if (!value_name_is_valid(id))
		snprintf(r->error, sizeof(r->error), "id: '%.80s': allowed is "
			 "1 to 64 letters, digits, '-', '_' and '.', and no "
			 "'.' first", id);
	else if (!*text || !value_can_be_written(id, text))
		snprintf(r->error, sizeof(r->error), "text: allowed is a "
			 "pcap-filter expression of at most 1000 bytes, no "
			 "control bytes");
	else
		return true;
	return false;
}

int request_filter_add(struct request *r)
{
	const struct conf_pair *pair = request_pair(r);
	const char *action = pair ? request_text(r, "action", action_name) :
				    NULL;
	const char *side = action ? request_text(r, "side", side_text) : NULL;
	const char *id = side ? request_text(r, "id", NULL) : NULL;
	const char *text = id ? request_text(r, "text", NULL) : NULL;
	int what = 0, where = 0;

	if (!text || !text_is_good(r, id, text))
		return -EINVAL;
	value_choice(action, action_name, &what);
	value_choice(side, side_text, &where);
	if (conf_find_rule(pair, id)) {
		snprintf(r->error, sizeof(r->error), "pair %s has a rule %s: "
			 "take another id, or `filter set`", pair->name, id);
		return -EEXIST;
	}
	return change_rule(r, pair, id, &(struct conf_rule){
		.side = (enum side)where,
		.rule = {
			.id = id,
			.text = text,
			.action = (enum filter_action)what,
		},
		.runtime = true,
	});
}

/* The rule that a request names, or NULL with an error. */
static const struct conf_rule *find_rule(struct request *r,
					 const struct conf_pair **pairp)
{
	const struct conf_pair *pair = request_pair(r);
	const char *id = pair ? request_text(r, "id", NULL) : NULL;
	const struct conf_rule *rule = id ? conf_find_rule(pair, id) : NULL;

	*pairp = pair;
	if (id && !rule)
		snprintf(r->error, sizeof(r->error), "pair %s has no rule "
			 "'%.80s'; `filter list` shows them", pair->name, id);
	return rule;
}

int request_filter_del(struct request *r)
{
	const struct conf_pair *pair;
	const struct conf_rule *rule = find_rule(r, &pair);

	if (!rule)
		return -EINVAL;
	if (!rule->runtime) {
		snprintf(r->error, sizeof(r->error), "rule %s is the "
			 "configuration's: remove it there and reload, or "
			 "change it until then by `filter set`", rule->rule.id);
		return -EPERM;
	}
	return change_rule(r, pair, request_text(r, "id", NULL), NULL);
}

int request_filter_set(struct request *r)
{
	const struct conf_pair *pair;
	const struct conf_rule *rule = find_rule(r, &pair);
	const char *text = rule ? request_text(r, "text", NULL) : NULL;
	const char *id = text ? request_text(r, "id", NULL) : NULL;

	if (!id || !text_is_good(r, id, text))
		return -EINVAL;
	return change_rule(r, pair, id, &(struct conf_rule){
		.side = rule->side,
		.rule = {
			.id = id,
			.text = text,
			.action = rule->rule.action,
		},
		.runtime = true,
	});
}
