/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests that change a pair's key; see requests.h. What is applied is the
 * configuration in force with another value, as a reload would.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "log.h"
#include "requests.h"

/* Only what loses no frame is changed so: who wants the rest knows when. */
static bool may_be_changed(struct request *r, const struct conf_key *key,
			   const char *name)
{
	static const char *const takes[] = {
		[EFFECT_PORT] = "the port would be opened anew",
		[EFFECT_PAIR] = "both ports would be opened anew",
		[EFFECT_RESTART] = "it needs a restart",
		[EFFECT_ADDED] = "it needs a reload",
		[EFFECT_REMOVED] = "it needs a reload",
	};

	if (!key || (key->type != CONF_RULE && key->type != CONF_RULE_FILE &&
		     key->effect == EFFECT_LIVE))
		return true; /* or conf_set() says that there is no such key */
	if (key->effect == EFFECT_LIVE)
		request_refuse(r, "%.80s: rules are changed by `filter add`, "
			       "`filter set` and `filter del`", name);
	else if (r->control->conf->path)
		request_refuse(r, "%.80s: is not changed so, for %s: change it "
			       "in %.80s and reload", name, takes[key->effect],
			       r->control->conf->path);
	else
		request_refuse(r, "%.80s: is not changed so, for %s: start the "
			       "bridge with it", name, takes[key->effect]);
	return false;
}

/* The configuration in force, but with this value, or without one. 0 or -errno
 * (logged). */
static int make_conf(const struct control *c, const char *pair_name,
		     const char *key, const char *value, struct conf **confp)
{
	struct conf *conf;
	struct conf_pair *pair;
	char where[256], *stands;
	int result = conf_clone(&conf, c->conf);

	if (result)
		return result;
	pair = conf_find_pair(conf, pair_name);
	snprintf(where, sizeof(where), "pair %.80s: %.80s", pair_name, key);
	result = value ? conf_set(conf, pair, where, key, value) :
			 conf_unset(conf, pair, where, key);
	/* What does not go with it is no mistake of the file's line. */
	stands = pair->where;
	pair->where = NULL;
	if (!result)
		result = conf_finish_after(conf, c->conf);
	pair->where = stands;
	if (!result) {
		*confp = conf;
		return 0;
	}
	conf_free(conf);
	return result;
}

static int change_key(struct request *r, const char *value)
{
	const struct conf_pair *pair = request_pair(r);
	const char *key = pair ? request_text(r, "key", NULL) : NULL;
	json_t *changes;
	struct conf *conf;
	int result;

	if (!key || !may_be_changed(r, conf_find_key(CONF_PAIR, key), key))
		return -EINVAL;
	changes = json_array();
	result = make_conf(r->control, pair->name, key, value, &conf);
	if (!result) /* takes it; `pair` is gone then */
		result = control_apply(r->control, conf, false,
				       request_note_change, changes);
	json_object_set_new(r->result, "changes", changes);
	if (!result)
		events_write(r->control->events, "set", "{ssss}", "key", key,
			     "value", value ? value : "");
	if (result)
		request_refuse(r, "%.80s: nothing was changed", key);
	return result;
}

int request_set(struct request *r)
{
	const char *value = request_text(r, "value", NULL);

	return value ? change_key(r, value) : -EINVAL;
}

int request_unset(struct request *r)
{
	return change_key(r, NULL);
}
