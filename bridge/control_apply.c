/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Another configuration for a process that runs: all that can fail is made
 * first, beside what runs; see bridge_change.h.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "bridge_change.h"
#include "bridge_propagate.h"
#include "bridge_taps.h"
#include "clock.h"
#include "control_state.h"
#include "log.h"

/* What is to be, by the new configuration's pairs. */
struct plan {
	struct bridge **bridge;
	struct bridge_change **change; /* NULL: the pair is new */
	size_t n;
	struct services others;
};

static struct bridge *find_bridge(const struct control *c, const char *name)
{
	size_t i = 0;

	return control_next_pair(c, name, &i);
}

static void plan_fini(struct plan *plan)
{
	free(plan->bridge);
	free(plan->change);
}

static void forget_bridge(struct control *c, struct bridge *b)
{
	bridge_propagate_end(b);
	control_take_guard(c, b);
	bridge_free(b);
}

static void plan_abandon(struct plan *plan, struct control *c)
{
	for (size_t i = 0; i < plan->n; i++) {
		if (!plan->change[i])
			forget_bridge(c, plan->bridge[i]);
		bridge_abandon(plan->change[i]);
	}
	control_close_others(&plan->others);
	plan_fini(plan);
}

/* What is asked of the system only where it matters: a pair that waits for its
 * interfaces goes on to wait, but not if it is no longer to. */
static bool needs_check(const struct bridge *b, const struct conf_pair *conf)
{
	if (b && !b->attached && b->conf->wait && !conf->wait)
		return true;
	for (int side = 0; b && side < SIDES; side++)
		if (b->conf->cpu[side] != conf->cpu[side] ||
		    conf_pair_effect(b->conf, conf, (enum side)side) ==
			    EFFECT_PAIR)
			return true;
	return !b;
}

/* The bridge that has an interface, and will have it, other than `but`. */
static const struct bridge *find_owner(const struct control *c,
				       const struct conf *conf, int index,
				       const char *but)
{
	for (size_t i = 0; i < c->n_bridges; i++) {
		const struct bridge *b = c->bridge[i];
		const struct conf_pair *next =
			conf_find_pair(conf, b->conf->name);

		if (b->attached && next && strcmp(next->name, but) &&
		    !needs_check(b, next) &&
		    (b->side[SIDE_LEFT].link.index == index ||
		     b->side[SIDE_RIGHT].link.index == index))
			return b;
	}
	return NULL;
}

/* By its present name an interface may be one that a pair has by another. */
static unsigned int check_owners(const struct control *c,
				 const struct conf *conf,
				 const struct conf_pair *pair)
{
	unsigned int mistakes = 0;

	for (int side = 0; side < SIDES; side++) {
		const struct bridge *owner;
		struct link_info link;

		if (link_get(c->monitor, pair->port[side], &link))
			continue;
		owner = find_owner(c, conf, link.index, pair->name);
		if (!owner)
			continue;
		log_err("pair %s: %s: %s is a port of pair %s already: a wire "
			"needs two ends", pair->name, side_name[side],
			pair->port[side], owner->conf->name);
		mistakes++;
	}
	return mistakes;
}

static int check_system(const struct control *c, const struct conf *conf)
{
	unsigned int mistakes = 0;

	for (size_t i = 0; i < conf->n_pairs; i++) {
		const struct conf_pair *pair = &conf->pair[i];

		if (needs_check(find_bridge(c, pair->name), pair))
			mistakes += bridge_check(pair, c->monitor, false) +
				    check_owners(c, conf, pair);
	}
	return mistakes ? -EINVAL : 0;
}

/* Are its interfaces in no pair now, so that it can be had beforehand? */
static bool is_free(const struct control *c, const struct conf_pair *pair)
{
	struct link_info link;

	for (int side = 0; side < SIDES; side++) {
		if (link_get(c->monitor, pair->port[side], &link))
			return false;
		for (size_t i = 0; i < c->n_bridges; i++)
			for (int other = 0; other < SIDES; other++)
				if (c->bridge[i]->side[other].link.index ==
				    link.index)
					return false;
	}
	return true;
}

static int plan_new(struct bridge **b, struct control *c,
		    const struct conf_pair *pair)
{
	/* The count in force: another one needs a restart. */
	int r = bridge_new(b, pair, c->conf->count ? &c->budget : NULL);

	if (r)
		return r;
	(*b)->lasting = true;
	r = control_give_guard(c, *b, pair);
	if (!r)
		r = bridge_tap_begin(*b);
	if (!r && is_free(c, pair))
		r = bridge_attach(*b, c->monitor);
	if (!r || (pair->wait && (r == -ENODEV || r == BRIDGE_REFUSED)))
		return 0;
	forget_bridge(c, *b);
	*b = NULL;
	return r == BRIDGE_REFUSED ? -EINVAL : r;
}

static int plan_pairs(struct plan *plan, struct control *c,
		      const struct conf *conf)
{
	int r = 0;

	plan->bridge = calloc(conf->n_pairs, sizeof(struct bridge *));
	plan->change = calloc(conf->n_pairs, sizeof(struct bridge_change *));
	if (!plan->bridge || !plan->change) {
		log_err("%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	for (size_t i = 0; !r && i < conf->n_pairs; i++) {
		const struct conf_pair *pair = &conf->pair[i];

		plan->bridge[i] = find_bridge(c, pair->name);
		if (plan->bridge[i]) {
			r = control_give_guard(c, plan->bridge[i], pair);
			if (!r)
				r = bridge_prepare(plan->bridge[i], pair,
						   &plan->change[i]);
		} else {
			r = plan_new(&plan->bridge[i], c, pair);
		}
		if (!r)
			plan->n++;
		else
			control_explain_tap(c, BRIDGE_TAP_ID, pair->tap_to, r);
	}
	return r;
}

/* Pairs that are no more go first, for another may want their ports. */
static void remove_pairs(struct control *c, const struct conf *conf)
{
	for (size_t i = 0; i < c->n_bridges; i++) {
		struct bridge *b = c->bridge[i];

		if (conf_find_pair(conf, b->conf->name))
			continue;
		log_info("pair %s: removed", b->conf->name);
		forget_bridge(c, b);
	}
}

static void commit(struct plan *plan, struct control *c, struct conf *conf)
{
	remove_pairs(c, conf);
	for (size_t i = 0; i < plan->n; i++)
		if (plan->change[i])
			bridge_commit(plan->change[i]);
	free(c->bridge);
	c->bridge = plan->bridge;
	c->n_bridges = plan->n;
	plan->bridge = NULL;
	plan_fini(plan);
	if (c->conf->log != conf->log)
		log_level = (enum log_level)conf->log;
	control_swap_services(c, &plan->others);
	conf_free(c->conf);
	c->conf = conf;
	control_set_timers(c);
	control_attach(c);
}

void control_log_change(const struct conf_change *change)
{
	if (change->pair)
		log_info("pair %s: %s: '%s', was '%s'", change->pair,
			 *change->key ? change->key : "all", change->to,
			 change->from);
	else
		log_info("%s: '%s', was '%s'%s", change->key, change->to,
			 change->from, change->effect == EFFECT_RESTART ?
			 ": needs a restart" : "");
}

int control_apply(struct control *c, struct conf *conf, bool reopen,
		  void (*fn)(const struct conf_change *change, void *arg),
		  void *arg)
{
	struct plan plan = { 0 };
	int r = check_system(c, conf);

	if (!r)
		r = plan_pairs(&plan, c, conf);
	if (!r)
		r = control_open_others(c, conf, reopen, &plan.others);
	if (r) {
		plan_abandon(&plan, c);
		conf_free(conf);
		return r;
	}
	conf_diff(c->conf, conf, fn, arg);
	conf_keep_fixed(c->conf, conf);
	commit(&plan, c, conf);
	return 0;
}

/* A rule of run time stands in for the file's of the same name. */
static int keep_runtime_rules(const struct conf *from, struct conf *to)
{
	int r = 0;

	for (size_t i = 0; i < from->n_pairs; i++) {
		const struct conf_pair *was = &from->pair[i];
		struct conf_pair *is = conf_find_pair(to, was->name);

		for (size_t k = 0; !r && k < was->n_rules; k++) {
			if (!was->rule[k].runtime)
				continue;
			if (is && conf_find_rule(is, was->rule[k].rule.id))
				log_warn("pair %s: rule %s: one of run time "
					 "stands in for the file's", was->name,
					 was->rule[k].rule.id);
			if (is)
				r = conf_cover_rule(is, &was->rule[k]);
			else
				log_warn("pair %s: rule %s, of run time, goes "
					 "with its pair", was->name,
					 was->rule[k].rule.id);
		}
	}
	return r;
}

/* What is no file was read at the start, and would be waited for now. */
static int check_file(const char *path)
{
	struct stat st;

	if (!path || (!stat(path, &st) && S_ISREG(st.st_mode)))
		return 0;
	log_err("%s: %s", path, errno ? strerror(errno) : "not a file");
	return -EINVAL;
}

static int read_again(struct control *c, struct conf **confp)
{
	struct conf *conf;
	int r;

	errno = 0;
	r = check_file(c->conf->path);
	if (r)
		return r;
	conf = malloc(sizeof(*conf));
	if (!conf) {
		log_err("%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	conf_init(conf);
	r = c->params->read(conf, c->params->arg);
	if (!r)
		r = keep_runtime_rules(c->conf, conf);
	/* All mistakes in one run. */
	if (conf_finish_after(conf, c->conf) && !r)
		r = -EINVAL;
	if (!r) {
		*confp = conf;
		return 0;
	}
	conf_free(conf);
	return r;
}

static int apply_again(struct control *c,
		       void (*fn)(const struct conf_change *change, void *arg),
		       void *arg)
{
	struct conf *conf, *configured;
	int r = read_again(c, &conf);

	if (r)
		return r;
	r = conf_clone(&configured, conf);
	if (r) {
		conf_free(conf);
		return r;
	}
	r = control_apply(c, conf, true, fn, arg); /* takes it */
	if (r) {
		conf_free(configured);
		return r;
	}
	conf_free(c->configured);
	c->configured = configured;
	return 0;
}

int control_reload(struct control *c,
		   void (*fn)(const struct conf_change *change, void *arg),
		   void *arg)
{
	struct timespec now;
	int r;

	notify_reloading(&c->notify);
	for (size_t i = 0; i < c->n_bridges; i++)
		bridge_tap_resume(c->bridge[i]);
	r = apply_again(c, fn, arg);
	clock_gettime(CLOCK_REALTIME, &now);
	c->reload_ns = clock_now_ns();
	c->reload_s = (uint64_t)now.tv_sec;
	c->reload_ok = !r;
	c->n_reloads += !r;
	c->n_failed_reloads += r != 0;
	if (r)
		log_err("reload: nothing was changed");
	else
		log_info("reloaded%s%s", c->conf->path ? ": " : "",
			 c->conf->path ? c->conf->path : "");
	events_write(c->events, "reload", "{sb}", "ok", !r);
	control_tell_status(c);
	return r;
}
