/* SPDX-License-Identifier: BSD-2-Clause */
/* See control.h. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include "bridge_guard.h"
#include "bridge_propagate.h"
#include "bridge_taps.h"
#include "clock.h"
#include "control_state.h"
#include "log.h"
#include "report.h"
#include "server.h"
#include "watch.h"
#include "web.h"

void control_stop(struct control *c, int result)
{
	if (!c->stopping)
		c->stop_ns = clock_now_ns();
	c->stopping = true;
	if (!c->result)
		c->result = result;
}

struct report control_report(const struct control *c)
{
	return (struct report){
		.bridge = c->bridge,
		.n_bridges = c->n_bridges,
		.elapsed_ns = (c->stopping ? c->stop_ns : clock_now_ns()) -
			      c->start_ns,
	};
}

/* A reader that is gone, or a disk that is full, is no reason for the wire to
 * end; at the end it is one to say so. */
static void print_report(struct control *c, bool final)
{
	struct report report = control_report(c);
	int r;

	report.final = final;
	control_refresh_links(c);
	r = report_print(&report, c->conf->json, stdout);
	if (r && final)
		control_stop(c, -EIO);
}

/* ---- the sources ---- */

static void on_links(struct control *c)
{
	while (link_monitor_dispatch(c->monitor) > 0)
		;
	control_attach(c);
}

static void log_change(const struct conf_change *change, void *arg)
{
	(void)arg;
	control_log_change(change);
}

static void on_signal(struct control *c)
{
	struct signalfd_siginfo info;

	if (read(c->fd[SOURCE_SIGNAL], &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGUSR1) {
		control_tick(c);
		print_report(c, false);
		return;
	}
	if (info.ssi_signo == SIGHUP && c->conf->path) {
		control_reload(c, log_change, NULL);
		return;
	}
	log_info("%s: stopping", strsignal((int)info.ssi_signo));
	control_stop(c, 0);
}

static void take_expirations(const struct control *c, enum source source)
{
	uint64_t n;

	if (read(c->fd[source], &n, sizeof(n)) < 0)
		log_debug("timer: %s", strerror(errno));
}

static void on_tick(struct control *c)
{
	take_expirations(c, SOURCE_TICK);
	control_tick(c);
	for (size_t i = 0; i < c->n_bridges; i++)
		bridge_guard_look_after(c->bridge[i]);
	control_attach_again(c);
	if (c->server)
		server_tick(c->server, clock_now_ns());
}

static void on_stats(struct control *c)
{
	struct report report;
	int r;

	take_expirations(c, SOURCE_STATS);
	control_tick(c);
	report = control_report(c);
	r = report_print_rates(&report, &c->rates, c->conf->json, stdout);
	if (r && !c->lost_stdout)
		report_say_failed(r, ": rates are left out; the wire goes on");
	else if (!r && c->lost_stdout)
		log_info("standard output takes rates again");
	c->lost_stdout = r != 0;
	if (r == -EPIPE) /* and never will */
		watch_set_timer(&c->fd[SOURCE_STATS], 0);
}

static void on_metrics(struct control *c)
{
	take_expirations(c, SOURCE_METRICS);
	control_write_metrics(c);
}

/* Only while every lane turns: a process with a lane that hangs is none that a
 * service manager should leave running. */
static void on_watchdog(struct control *c)
{
	bool all = true;

	take_expirations(c, SOURCE_WATCHDOG);
	for (size_t i = 0; i < c->n_bridges; i++)
		all &= bridge_has_turned(c->bridge[i]);
	if (all)
		notify_watchdog(&c->notify);
}

static void on_propagation(struct control *c)
{
	take_expirations(c, SOURCE_PROPAGATION);
	control_propagate(c);
}

static void on_server(struct control *c)
{
	server_run(c->server);
}

static void on_web(struct control *c)
{
	web_run(c->web);
}

static void on_duration(struct control *c)
{
	control_stop(c, 0);
}

static void on_count(struct control *c)
{
	control_stop(c, 0);
}

static void (*const on_source[SOURCES])(struct control *) = {
	[SOURCE_SIGNAL] = on_signal,
	[SOURCE_LINK] = on_links,
	[SOURCE_TICK] = on_tick,
	[SOURCE_STATS] = on_stats,
	[SOURCE_METRICS] = on_metrics,
	[SOURCE_WATCHDOG] = on_watchdog,
	[SOURCE_PROPAGATION] = on_propagation,
	[SOURCE_DURATION] = on_duration,
	[SOURCE_COUNT] = on_count,
	[SOURCE_SERVER] = on_server,
	[SOURCE_WEB] = on_web,
};

static void wait_and_serve(struct control *c)
{
	struct pollfd pfd[SOURCES];

	for (int i = 0; i < SOURCES; i++)
		pfd[i] = (struct pollfd){ .fd = c->fd[i], .events = POLLIN };
	if (poll(pfd, SOURCES, c->web ? web_timeout_ms(c->web) : -1) < 0) {
		if (errno != EINTR)
			control_stop(c, -errno);
		return;
	}
	/* A source may go while another one is served, by a reload. */
	for (int i = 0; i < SOURCES; i++)
		if (pfd[i].revents && c->fd[i] >= 0)
			on_source[i](c);
	if (c->web) /* also for its timeouts */
		web_run(c->web);
}

/* ---- start and stop ---- */

static int control_open(struct control *c, const struct control_params *params)
{
	int r;

	/* A filter may name a host, and whoever waits for its address does not
	 * answer meanwhile: resolv.conf(5). */
	setenv("RES_OPTIONS", "timeout:1 attempts:1", 0);
	c->params = params;
	c->notify.fd = -1;
	for (int i = 0; i < SOURCES; i++)
		c->fd[i] = -1;
	r = conf_clone(&c->conf, params->conf);
	if (!r)
		r = conf_clone(&c->configured, params->conf);
	if (!r)
		r = link_monitor_open(&c->monitor);
	if (r)
		return r;
	link_set_event_handler(c->monitor, control_on_link, c);
	c->fd[SOURCE_LINK] = link_monitor_fd(c->monitor);
	c->fd[SOURCE_SIGNAL] = watch_signals();
	c->fd[SOURCE_COUNT] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->budget.frames = (int64_t)c->conf->count;
	c->budget.fd = c->fd[SOURCE_COUNT];
	return 0;
}

static void control_close(struct control *c)
{
	while (c->n_fixes)
		doctor_undo(c->fix[--c->n_fixes]);
	free(c->fix);
	control_close_services(c);
	for (size_t i = 0; i < c->n_bridges; i++)
		bridge_free(c->bridge[i]);
	free(c->bridge);
	control_free_guards(c);
	for (int i = 0; i < SOURCES; i++)
		if (i != SOURCE_LINK && i != SOURCE_SERVER && i != SOURCE_WEB)
			close_fd(&c->fd[i]);
	link_monitor_close(c->monitor);
	conf_free(c->configured);
	conf_free(c->conf);
}

static int check_all(const struct conf *conf, struct link_monitor *monitor,
		     bool warn)
{
	unsigned int mistakes = 0;

	for (size_t i = 0; i < conf->n_pairs; i++)
		mistakes += bridge_check(&conf->pair[i], monitor, warn);
	return mistakes ? -EINVAL : 0;
}

int control_check(const struct conf *conf)
{
	struct link_monitor *monitor = NULL;
	int r = link_monitor_open(&monitor);

	if (!r)
		r = check_all(conf, monitor, true);
	link_monitor_close(monitor);
	return r;
}

int control_list(void)
{
	struct link_monitor *monitor = NULL;
	int r = link_monitor_open(&monitor);

	if (!r)
		r = bridge_list(monitor, stdout);
	link_monitor_close(monitor);
	return r;
}

int control_doctor(const struct conf *conf)
{
	struct link_monitor *monitor = NULL;
	unsigned int errors = 0;
	int r = link_monitor_open(&monitor);

	for (size_t i = 0; !r && i < conf->n_pairs; i++)
		errors += doctor_look(&conf->pair[i], monitor, stdout);
	link_monitor_close(monitor);
	return r ? r : errors ? -EBUSY : 0;
}

/* What those before us have left, and what is to be mended. */
static int mend(struct control *c)
{
	int r = 0;

	offload_recover(BRIDGE_STATE_DIR);
	doctor_recover(BRIDGE_STATE_DIR);
	for (size_t i = 0; i < c->n_bridges; i++)
		bridge_propagate_adopt(c->bridge[i], c->monitor);
	bridge_propagate_recover();
	if (!c->conf->fix)
		return 0;
	c->fix = calloc(c->conf->n_pairs, sizeof(struct doctor_fix *));
	if (!c->fix)
		return -ENOMEM;
	while (!r && c->n_fixes < c->conf->n_pairs) {
		r = doctor_fix(&c->conf->pair[c->n_fixes], c->monitor,
			       BRIDGE_STATE_DIR, &c->fix[c->n_fixes]);
		c->n_fixes++;
	}
	return r;
}

/* Taps are opened with the rights that they will have. */
static int begin_taps(struct control *c)
{
	int r = 0;

	for (size_t i = 0; !r && i < c->n_bridges; i++) {
		r = bridge_tap_begin(c->bridge[i]);
		if (r)
			control_explain_tap(c, BRIDGE_TAP_ID,
					    c->bridge[i]->conf->tap_to, r);
	}
	return r;
}

static void begin(struct control *c)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	c->start_s = (uint64_t)now.tv_sec;
	c->start_ns = clock_now_ns();
	control_set_timers(c);
	watch_set_timer(&c->fd[SOURCE_DURATION], c->conf->duration_ns);
	events_write(c->events, "start", "{sssi}", "version", PACKAGE_VERSION,
		     "pid", (int)getpid());
	control_attach(c);
}

static void end(struct control *c)
{
	control_tell_status(c);
	for (size_t i = 0; i < c->n_bridges; i++)
		bridge_end(c->bridge[i]);
	for (size_t i = 0; i < c->n_bridges; i++)
		bridge_taps_finish(c->bridge[i]);
	control_write_metrics(c);
	if (c->has_run)
		print_report(c, true);
	events_write(c->events, "stop", "{sb}", "ok", c->result == 0);
}

int control_run(const struct control_params *params)
{
	struct control c = { 0 };
	int r = control_open(&c, params);

	if (!r)
		r = check_all(c.conf, c.monitor, false);
	if (!r)
		r = control_make_pairs(&c);
	if (!r)
		r = mend(&c);
	if (!r)
		r = control_open_services(&c);
	if (!r)
		r = control_make_guards(&c);
	if (!r)
		r = control_drop_privileges(&c);
	if (!r)
		r = begin_taps(&c);
	if (!r) {
		begin(&c);
		while (!c.stopping)
			wait_and_serve(&c);
		end(&c);
		r = c.result;
	}
	control_close(&c);
	return r;
}
