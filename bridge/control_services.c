/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What others see of a process: the control socket, metrics, events, the
 * service manager; and how privileges are given up once these stand.
 */
#include "config.h"

#include <errno.h>
#include <libgen.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "control_state.h"
#include "log.h"
#include "metrics.h"
#include "privilege.h"
#include "report_json.h"
#include "requests.h"
#include "sandbox.h"
#include "server.h"
#include "state_dir.h"
#include "tap_target.h"
#include "watch.h"
#include "web.h"

#define DEFAULT_USER "bumpwire"
#define SOCKET_MODE 0660

/* ---- metrics ---- */

static struct metrics metrics_of(const struct control *c)
{
	bool paused = c->n_bridges > 0;

	for (size_t i = 0; i < c->n_bridges; i++)
		paused &= c->bridge[i]->paused;
	return (struct metrics){
		.report = control_report(c),
		.name = c->name,
		.version = PACKAGE_VERSION,
		.start_time_s = c->start_s,
		.paused = paused,
		.last_reload_ok = c->reload_ok,
		.last_reload_s = c->reload_s,
		.reloads_total = c->n_reloads,
		.failed_reloads_total = c->n_failed_reloads,
	};
}

void control_write_metrics(struct control *c)
{
	struct metrics metrics;
	int r;

	if (!c->conf->metrics_file)
		return;
	control_refresh(c);
	metrics = metrics_of(c);
	r = metrics_write(&metrics, c->conf->metrics_file);
	if (r && !c->metrics_failed)
		log_warn("metrics.file: %s: %s: it stays as it was",
			 c->conf->metrics_file, strerror(-r));
	c->metrics_failed = r != 0;
}

static void serve_metrics(void *arg, FILE *out)
{
	struct control *c = arg;
	struct metrics metrics;

	control_refresh(c);
	metrics = metrics_of(c);
	metrics_print(&metrics, out);
}

static void serve_stats(void *arg, FILE *out)
{
	struct control *c = arg;
	struct report report = control_report(c);

	control_refresh(c);
	report_json(&report, out);
}

/* ---- services that may change ---- */

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* A file that a reload names may lie where the sandbox lets nobody write. */
static int try_metrics(const struct control *c, const char *path)
{
	struct metrics metrics = metrics_of(c);
	int r = path ? metrics_write(&metrics, path) : 0;

	if (r)
		log_err("metrics.file: %s: %s%s", path, strerror(-r),
			r == -EACCES && c->conf->sandbox ?
				": the sandbox has the folders that were "
				"named at the start: restart" : "");
	return r;
}

/* One that is there and cannot be had anew is better than none. */
static int open_events(const struct control *c, const struct conf *conf,
		       bool reopen, struct services *others)
{
	int r = 0;

	others->keep_events = c->events && same(conf->events_file,
						c->conf->events_file);
	if (!conf->events_file || (others->keep_events && !reopen))
		return 0;
	r = events_open(&others->events, conf->events_file, c->name);
	if (!r)
		others->keep_events = false;
	else if (others->keep_events)
		log_warn("events.file: going on with the file that is open");
	else if (r == -EACCES && conf != c->conf && c->conf->sandbox)
		log_err("events.file: the sandbox has the folders that were "
			"named at the start: restart");
	return others->keep_events ? 0 : r;
}

int control_open_others(struct control *c, const struct conf *conf,
			bool reopen, struct services *others)
{
	const struct web_params params = {
		.listen = conf->metrics_listen,
		.metrics = serve_metrics,
		.stats = serve_stats,
		.arg = c,
	};
	int r = 0;

	memset(others, 0, sizeof(*others));
	others->keep_web = c->web && same(conf->metrics_listen,
					  c->conf->metrics_listen);
	if (conf != c->conf &&
	    !same(conf->metrics_file, c->conf->metrics_file))
		r = try_metrics(c, conf->metrics_file);
	if (!r)
		r = open_events(c, conf, reopen, others);
	if (!r && conf->metrics_listen && !others->keep_web)
		r = web_open(&others->web, &params);
	if (r)
		control_close_others(others);
	return r;
}

void control_close_others(struct services *others)
{
	events_close(others->events);
	web_close(others->web);
	memset(others, 0, sizeof(*others));
}

void control_swap_services(struct control *c, struct services *others)
{
	if (!others->keep_events) {
		events_close(c->events);
		c->events = others->events;
	}
	if (!others->keep_web) {
		web_close(c->web);
		c->web = others->web;
	}
	c->fd[SOURCE_WEB] = c->web ? web_fd(c->web) : -1;
	c->metrics_failed = false;
}

/* ---- the control socket ---- */

/* Two that start at once must not take each other's socket for a dead one. */
static int lock_folder(void)
{
	autoclean(close_fd) int dir = state_dir_open(BRIDGE_STATE_DIR);

	return dir < 0 ? dir : state_dir_lock(dir);
}

static int listen_at(struct control *c, const char *name)
{
	struct server_params params = {
		.mode = SOCKET_MODE,
		.answer = requests_answer,
		.arg = c,
	};
	int lock, r;

	free(c->socket);
	if (asprintf(&c->socket, "%s/%s.sock", BRIDGE_STATE_DIR, name) < 0) {
		c->socket = NULL;
		return -ENOMEM;
	}
	params.path = c->socket;
	lock = lock_folder();
	r = server_open(&c->server, &params);
	close_fd(&lock);
	if (!r)
		c->fd[SOURCE_SERVER] = server_fd(c->server);
	return r;
}

/* Under a name that was asked for, or else under one that is free: two hosts in
 * two namespaces may well have ports of the same names. */
static int open_server(struct control *c)
{
	autoclean(free_ptr) char *other = NULL;
	int r = listen_at(c, c->name);

	if (r && r != -EADDRINUSE)
		log_warn("without a control socket: bumpctl will not find this "
			 "bridge");
	if (r != -EADDRINUSE)
		return 0;
	if (c->conf->name) {
		log_err("name: %s: another running bumpwire is called so: take "
			"another one", c->name);
		return -EINVAL;
	}
	if (asprintf(&other, "%s.%d", c->name, (int)getpid()) < 0)
		return -ENOMEM;
	log_warn("another running bumpwire is called %s: this one is %s; name "
		 "gives another", c->name, other);
	free(c->name);
	c->name = other;
	other = NULL;
	return listen_at(c, c->name) == -ENOMEM ? -ENOMEM : 0;
}

int control_open_services(struct control *c)
{
	struct services others;
	int r;

	c->name = conf_name(c->conf);
	if (!c->name)
		return -ENOMEM;
	notify_open(&c->notify);
	if (mkdir(BRIDGE_STATE_DIR, 0755) && errno != EEXIST)
		log_debug("%s: %s", BRIDGE_STATE_DIR, strerror(errno));
	if (c->conf->control) {
		r = open_server(c);
		if (r)
			return r;
	}
	r = control_open_others(c, c->conf, true, &others);
	if (r)
		return r;
	control_swap_services(c, &others);
	return 0;
}

void control_close_services(struct control *c)
{
	server_close(c->server);
	web_close(c->web);
	events_close(c->events);
	notify_close(&c->notify);
	free(c->socket);
	free(c->name);
	free(c->user);
}

/* ---- privileges ---- */

/* The folder of a file, as an allocated path. */
static char *folder_of(const char *file)
{
	autoclean(free_ptr) char *copy = strdup(file);

	return copy ? strdup(dirname(copy)) : NULL;
}

/* Folders that are to stay writable. */
struct folders {
	char **name;
	size_t n;
};

static int add_folder(struct folders *f, const char *name)
{
	f->name[f->n] = strdup(name);
	return f->name[f->n++] ? 0 : -ENOMEM;
}

static int add_folder_of(struct folders *f, const char *file)
{
	if (!file)
		return 0;
	f->name[f->n] = folder_of(file);
	return f->name[f->n++] ? 0 : -ENOMEM;
}

/* A tap writes a file if its target is one. */
static int add_taps(struct folders *f, const struct conf *conf)
{
	struct tap_target target;
	int r = 0;

	for (size_t i = 0; !r && i < conf->n_pairs; i++) {
		const char *to = conf->pair[i].tap_to;

		if (to && !tap_target_parse(to, &target) &&
		    target.kind == TAP_FILE)
			r = add_folder_of(f, target.name);
	}
	return r;
}

static int enter_sandbox(const struct control *c)
{
	const struct conf *conf = c->conf;
	struct folders f = { .name = calloc(conf->n_pairs + 5,
					    sizeof(char *)) };
	int r;

	if (!f.name)
		return -ENOMEM;
	r = add_folder(&f, BRIDGE_STATE_DIR);
	if (!r)
		r = add_folder_of(&f, conf->metrics_file);
	if (!r)
		r = add_folder_of(&f, conf->events_file);
	if (!r && conf->tap_folder)
		r = add_folder(&f, conf->tap_folder);
	if (!r)
		r = add_taps(&f, conf);
	if (!r && c->fix) /* to undo what was mended */
		r = add_folder(&f, "/proc/sys/net");
	if (!r)
		r = sandbox_enter((const char *const *)f.name, f.n);
	while (f.n)
		free(f.name[--f.n]);
	free(f.name);
	return r;
}

/* A file that the user cannot read makes every reload fail: better told now. */
static void check_readable(const struct conf *conf)
{
	if (conf->path && access(conf->path, R_OK))
		log_warn("%s: %s: it cannot be reloaded: let the user or group "
			 "that bumpwire runs as read it", conf->path,
			 strerror(errno));
}

/* As it is now, for later: the answer may come from far away. */
static char *user_name(void)
{
	const struct passwd *user = getpwuid(geteuid());
	char number[16];

	snprintf(number, sizeof(number), "%u", (unsigned int)geteuid());
	return strdup(user ? user->pw_name : number);
}

static bool fails_open(const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_pairs; i++)
		if (conf->pair[i].on_fail == END_BYPASS)
			return true;
	return false;
}

int control_drop_privileges(struct control *c)
{
	const struct conf *conf = c->conf;
	const char *const owned[] = {
		BRIDGE_STATE_DIR, c->socket ? c->socket : BRIDGE_STATE_DIR,
		BRIDGE_STATE_DIR "/" STATE_DIR_LOCK,
		conf->events_file ? conf->events_file : BRIDGE_STATE_DIR,
	};
	const struct privilege_params params = {
		.user = conf->user ? conf->user : DEFAULT_USER,
		.user_is_wanted = conf->user,
		.owned = owned,
		.n_owned = ARRAY_SIZE(owned),
		.no_core = conf->sandbox && fails_open(conf),
	};
	int r = privilege_drop(&params);

	if (r)
		return r;
	c->user = user_name();
	check_readable(conf);
	return conf->sandbox ? enter_sandbox(c) : 0;
}

void control_explain_tap(const struct control *c, const char *id,
			 const char *to, int error)
{
	struct tap_target target;

	if (!to || tap_target_parse(to, &target) || target.kind != TAP_FILE ||
	    (error != -EACCES && error != -EPERM && error != -EROFS))
		return;
	log_err("tap %s: the bridge runs as user %s%s: it writes only into "
		"folders that are that user's%s; `bumpctl tap FILE` writes as "
		"who calls it", id, c->user, c->conf->sandbox ?
		", in a sandbox" : "", c->conf->sandbox ?
		" and were named at its start ([bumpwire] tap_folder, and "
		"where tap_to is)" : "");
}

/* ---- timers and status ---- */

void control_set_timers(struct control *c)
{
	const struct conf *conf = c->conf;

	watch_set_timer(&c->fd[SOURCE_TICK], NS_PER_SEC);
	watch_set_timer(&c->fd[SOURCE_STATS], conf->stats_ns);
	watch_set_timer(&c->fd[SOURCE_METRICS],
			conf->metrics_file ? conf->metrics_ns : 0);
	/* Some may come late in the time that a service manager waits. */
	watch_set_timer(&c->fd[SOURCE_WATCHDOG], c->notify.watchdog_ns / 4);
}

/* How the pairs are, for `systemctl status`. */
void control_tell_status(struct control *c)
{
	char text[512];
	size_t n = 0;

	*text = '\0';
	for (size_t i = 0; i < c->n_bridges && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s: %s",
				      i ? ", " : "", c->bridge[i]->conf->name,
				      bridge_state(c->bridge[i]));
	if (c->stopping)
		notify_stopping(&c->notify, text);
	else
		notify_ready(&c->notify, text);
}
