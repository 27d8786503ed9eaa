/* SPDX-License-Identifier: BSD-2-Clause */
/* See control.h. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "bridge.h"
#include "clock.h"
#include "control.h"
#include "log.h"
#include "report.h"
#include "watch.h"

/* What the control thread waits for. */
enum source {
	SOURCE_SIGNAL,
	SOURCE_LINK,
	SOURCE_TICK,
	SOURCE_STATS,
	SOURCE_DURATION,
	SOURCE_COUNT,
	SOURCES,
};

struct control {
	const struct conf *conf;
	struct link_monitor *monitor;
	struct bridge **bridge; /* those that have been made */
	size_t n_bridges;
	struct lane_budget budget;
	struct report_rates rates;
	uint64_t start_ns;
	uint64_t stop_ns; /* once it is stopping */
	int fd[SOURCES]; /* SOURCE_LINK: the monitor's */
	bool has_run; /* there is something to report */
	bool stopping;
	int result; /* why it stops: 0 or -errno */
};

static void stop(struct control *c, int result)
{
	if (!c->stopping)
		c->stop_ns = clock_now_ns();
	c->stopping = true;
	if (!c->result)
		c->result = result;
}

static struct report report_of(const struct control *c)
{
	return (struct report){
		.bridge = c->bridge,
		.n_bridges = c->n_bridges,
		.elapsed_ns = (c->stopping ? c->stop_ns : clock_now_ns()) -
			      c->start_ns,
	};
}

/* Counters of the links as they are now, beside ours. */
static void refresh_links(struct control *c)
{
	struct link_info link;

	for (size_t i = 0; i < c->n_bridges; i++)
		for (int side = 0; side < SIDES; side++) {
			struct bridge_port *bp = &c->bridge[i]->side[side];

			if (bp->link.index &&
			    !link_get_index(c->monitor, bp->link.index, &link))
				bp->link.counters = link.counters;
		}
}

/* A wait for room that was ended by a signal is no failure, unless it was the
 * end: the signal tells itself. */
static void print_report(struct control *c, bool final)
{
	struct report report = report_of(c);
	int r;

	report.final = final;
	refresh_links(c);
	r = report_print(&report, c->conf->json, stdout);
	if (r && (r != -EINTR || final))
		stop(c, -EIO);
}

/* A link that is gone has an event of its own. */
static void tick(struct control *c)
{
	for (size_t i = 0; i < c->n_bridges; i++) {
		struct bridge *b = c->bridge[i];
		int r = bridge_tick(b);

		if (r && !(r == -ENODEV && b->conf->wait))
			stop(c, r);
	}
}

/* ---- links ---- */

/* Attach what can be attached; what waits for an interface waits on, also for
 * one that is refused as it is now. */
static void attach(struct control *c)
{
	for (size_t i = 0; i < c->n_bridges && !c->stopping; i++) {
		struct bridge *b = c->bridge[i];
		int r = b->attached ? 0 : bridge_attach(b, c->monitor);

		if (r == BRIDGE_REFUSED && !b->conf->wait)
			stop(c, -EINVAL);
		if (r < 0 && r != -ENODEV)
			stop(c, r);
		c->has_run |= b->attached;
		bridge_announce(b);
	}
}

static void on_link(const struct link_event *event, void *arg)
{
	struct control *c = arg;

	for (size_t i = 0; i < c->n_bridges; i++) {
		struct bridge *b = c->bridge[i];

		if (bridge_link_event(b, event) != -ENODEV)
			continue;
		bridge_detach(b);
		if (b->conf->wait) {
			log_info("pair %s: waiting for its interface",
				 b->conf->name);
		} else {
			log_err("pair %s: stopping; with wait it would wait "
				"for its interface", b->conf->name);
			stop(c, -ENODEV);
		}
	}
}

static void on_links(struct control *c)
{
	while (link_monitor_dispatch(c->monitor) > 0)
		;
	attach(c);
}

/* ---- the other sources ---- */

static void on_signal(struct control *c)
{
	struct signalfd_siginfo info;

	if (read(c->fd[SOURCE_SIGNAL], &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGUSR1) {
		tick(c);
		print_report(c, false);
		return;
	}
	log_info("%s: stopping", strsignal((int)info.ssi_signo));
	stop(c, 0);
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
	tick(c);
}

static void on_stats(struct control *c)
{
	struct report report;
	int r;

	take_expirations(c, SOURCE_STATS);
	tick(c);
	report = report_of(c);
	r = report_print_rates(&report, &c->rates, c->conf->json, stdout);
	if (r && r != -EINTR)
		stop(c, -EIO);
}

static void on_duration(struct control *c)
{
	stop(c, 0);
}

static void on_count(struct control *c)
{
	stop(c, 0);
}

static void (*const on_source[SOURCES])(struct control *) = {
	[SOURCE_SIGNAL] = on_signal,
	[SOURCE_LINK] = on_links,
	[SOURCE_TICK] = on_tick,
	[SOURCE_STATS] = on_stats,
	[SOURCE_DURATION] = on_duration,
	[SOURCE_COUNT] = on_count,
};

static void wait_and_serve(struct control *c)
{
	struct pollfd pfd[SOURCES];

	for (int i = 0; i < SOURCES; i++)
		pfd[i] = (struct pollfd){ .fd = c->fd[i], .events = POLLIN };
	if (poll(pfd, SOURCES, -1) < 0) {
		if (errno != EINTR)
			stop(c, -errno);
		return;
	}
	for (int i = 0; i < SOURCES; i++)
		if (pfd[i].revents)
			on_source[i](c);
}

/* ---- start and stop ---- */

static int open_timer(uint64_t first_ns, bool again)
{
	struct itimerspec when = { 0 };
	int fd;

	if (!first_ns)
		return -1; /* poll() passes over it */
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	when.it_value.tv_sec = (time_t)(first_ns / NS_PER_SEC);
	when.it_value.tv_nsec = (long)(first_ns % NS_PER_SEC);
	if (again)
		when.it_interval = when.it_value;
	if (fd >= 0)
		timerfd_settime(fd, 0, &when, NULL);
	return fd;
}

static int control_open(struct control *c, const struct conf *conf)
{
	int r;

	c->conf = conf;
	for (int i = 0; i < SOURCES; i++)
		c->fd[i] = -1;
	r = link_monitor_open(&c->monitor);
	if (r)
		return r;
	link_set_event_handler(c->monitor, on_link, c);
	c->fd[SOURCE_LINK] = link_monitor_fd(c->monitor);
	c->fd[SOURCE_SIGNAL] = watch_signals();
	c->fd[SOURCE_TICK] = open_timer(NS_PER_SEC, true);
	c->fd[SOURCE_STATS] = open_timer(conf->stats_ns, true);
	c->fd[SOURCE_COUNT] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->budget.frames = (int64_t)conf->count;
	c->budget.fd = c->fd[SOURCE_COUNT];
	c->bridge = calloc(conf->n_pairs, sizeof(*c->bridge));
	if (c->bridge)
		return 0;
	log_err("%s", strerror(ENOMEM));
	return -ENOMEM;
}

static void control_close(struct control *c)
{
	for (size_t i = 0; i < c->n_bridges; i++)
		bridge_free(c->bridge[i]);
	free(c->bridge);
	for (int i = 0; i < SOURCES; i++)
		if (i != SOURCE_LINK)
			close_fd(&c->fd[i]);
	link_monitor_close(c->monitor);
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

static int make_bridges(struct control *c)
{
	struct lane_budget *budget = c->conf->count ? &c->budget : NULL;
	int r = 0;

	while (!r && c->n_bridges < c->conf->n_pairs) {
		r = bridge_new(&c->bridge[c->n_bridges],
			       &c->conf->pair[c->n_bridges], budget);
		if (!r)
			c->n_bridges++;
	}
	return r;
}

int control_run(const struct conf *conf)
{
	struct control c = { 0 };
	int r;

	r = control_open(&c, conf);
	if (!r)
		r = check_all(conf, c.monitor, false);
	if (!r)
		r = make_bridges(&c);
	if (r)
		goto out;
	offload_recover(BRIDGE_STATE_DIR);
	c.start_ns = clock_now_ns();
	attach(&c);
	c.fd[SOURCE_DURATION] = open_timer(conf->duration_ns, false);
	while (!c.stopping)
		wait_and_serve(&c);
	for (size_t i = 0; i < c.n_bridges; i++)
		bridge_detach(c.bridge[i]);
	if (c.has_run)
		print_report(&c, true);
	r = c.result;
out:
	control_close(&c);
	return r;
}
