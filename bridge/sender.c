/* SPDX-License-Identifier: BSD-2-Clause */
/* See sender.h. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "clock.h"
#include "log.h"
#include "offload.h"
#include "send_report.h"
#include "sender.h"
#include "tx.h"
#include "watch.h"

#define PROGRESS_NS (NS_PER_SEC / 5)
#define DRIVER_BYTES 32

/* ---- a port that keeps nothing ---- */

static void null_tx(struct port *port, const struct frame *f, uint32_t n,
		    struct lane_stats *s)
{
	(void)port;
	tx_count(s, f, n);
}

static void null_close(struct port *port)
{
	free(port);
}

struct port *sender_null_port(void)
{
	static const struct port_ops ops = {
		.name = "null",
		.tx = null_tx,
		.close = null_close,
	};
	struct port *port = calloc(1, sizeof(*port));

	if (!port)
		return NULL;
	port->ops = &ops;
	port->name = "nowhere";
	return port;
}

/* ---- open and close ---- */

static int check_link(const struct link_info *link)
{
	if (!link_is_ethernet(link) && !link->loopback) {
		log_err("port %s: is no Ethernet interface", link->name);
		return -EINVAL;
	}
	if (!link->up) {
		log_err("port %s: is down: ip link set dev %s up", link->name,
			link->name);
		return -ENETDOWN;
	}
	if (!link->carrier) {
		log_err("port %s: has no carrier: its other end is down or "
			"not connected", link->name);
		return -ENETDOWN;
	}
	return 0;
}

static int open_port(struct sender *s, uint32_t i)
{
	const struct sender_params *p = s->params;
	struct link_info *link = &s->link[i];
	char driver[DRIVER_BYTES] = "";
	struct port_packet_params params = {
		.name = p->iface[i],
		.tx = true,
		.filter_fd = -1,
		.ready = true,
		.patient = true,
		.tx_slots = p->tx_slots,
		.tx_mode = p->tx_mode,
		.driver = driver,
		.qdisc_bypass = p->qdisc_bypass,
	};
	int r = link_get(s->monitor, p->iface[i], link);

	if (r == -ENODEV)
		log_err("port %s: no such interface", p->iface[i]);
	if (!r)
		r = check_link(link);
	if (r)
		return r;
	params.index = link->index;
	params.mtu = link->mtu;
	offload_driver(params.name, driver, sizeof(driver));
	r = port_packet_open(&s->port[i], &params);
	if (!r)
		s->n_ports++;
	return r;
}

static int sender_init(struct sender *s, const struct sender_params *params)
{
	int r;

	memset(s, 0, sizeof(*s));
	s->params = params;
	s->lane.wake_fd = -1;
	r = lane_init(&s->lane, "source -> ports");
	if (r)
		return r;
	s->lane.spin_us = params->spin_us;
	s->lane.cpu = params->cpu;
	return 0;
}

/* An interface that is gone does not come back: its socket is dead. */
static void end_without(struct sender *s, const char *name)
{
	log_err("port %s: the interface is gone: stopping", name);
	s->gone = true;
	if (s->feed)
		feed_port(s->feed)->ops->stop_rx(feed_port(s->feed));
	lane_wake(&s->lane); /* the next frame may be due in an hour */
}

static void on_link(const struct link_event *event, void *arg)
{
	struct sender *s = arg;

	for (uint32_t i = 0; i < s->n_ports; i++) {
		bool ready = !event->gone && event->info.up &&
			     event->info.carrier;

		if (event->info.index != s->link[i].index)
			continue;
		if (event->gone)
			end_without(s, s->port[i]->name);
		else if (shared_read(&s->port[i]->ready) && !ready)
			log_warn("port %s: %s: frames for it are not sent",
				 s->port[i]->name,
				 event->info.up ? "lost its carrier" :
						  "went down");
		shared_write(&s->port[i]->mtu, event->info.mtu);
		shared_write(&s->port[i]->ready, ready);
	}
}

int sender_open(struct sender *s, const struct sender_params *params)
{
	int r = sender_init(s, params);

	if (!r)
		r = link_monitor_open(&s->monitor);
	if (!r)
		link_set_event_handler(s->monitor, on_link, s);
	for (uint32_t i = 0; !r && i < params->n_ifaces; i++)
		r = open_port(s, i);
	if (r)
		sender_close(s);
	return r;
}

int sender_open_port(struct sender *s, const struct sender_params *params,
		     struct port *port)
{
	int r = port ? sender_init(s, params) : -ENOMEM;

	if (r) {
		log_err("%s", strerror(-r));
		port_close(port);
		return r;
	}
	/* Both ways lead there; it may tell them apart by their egress. */
	s->port[0] = port;
	s->n_ports = 1;
	port->ready = true;
	port->mtu = FRAME_MAX_BYTES; /* the feed compared with the real one */
	return 0;
}

uint32_t sender_mtu(const struct sender *s, uint32_t egress)
{
	return s->port[egress < s->n_ports ? egress : 0]->mtu;
}

void sender_close(struct sender *s)
{
	if (s->feed)
		port_close(feed_port(s->feed));
	for (uint32_t i = 0; i < s->n_ports; i++)
		port_close(s->port[i]);
	s->n_ports = 0;
	lane_fini(&s->lane);
	link_monitor_close(s->monitor);
}

/* ---- the run ---- */

void sender_take_links(struct sender *s)
{
	while (link_monitor_dispatch(s->monitor) > 0)
		;
}

static void on_links(void *arg)
{
	sender_take_links(arg);
}

static void on_figures(void *arg)
{
	struct sender *s = arg;

	send_report_line_end(s);
	send_report_so_far(s, stdout);
}

static void on_stats(void *arg)
{
	struct sender *s = arg;

	send_report_line_end(s);
	send_report_rates(s, stdout);
}

static void on_progress(void *arg)
{
	send_report_line(arg);
}

/* A moment of the real-time clock by the monotonic one. */
static uint64_t monotonic_ns(uint64_t at_ns)
{
	uint64_t real_ns = clock_real_ns();

	return clock_now_ns() + (at_ns - real_ns);
}

/*
 * Until shortly before a moment of the real-time clock, which may be set
 * meanwhile: so it is looked at again and again. Returns that moment by the
 * monotonic clock; 0: the run is over before.
 */
static uint64_t wait_until(struct sender *s, uint64_t at_ns, int signal_fd)
{
	const struct watch_params params = {
		.ended_fd = -1,
		.link_fd = link_monitor_fd(s->monitor),
		.duration_ns = NS_PER_SEC / 4,
		.on_link = on_links,
		.on_figures = on_figures,
		.arg = s,
	};
	uint64_t start_ns = monotonic_ns(at_ns);

	while ((int64_t)(start_ns - clock_now_ns()) > (int64_t)NS_PER_SEC / 2) {
		s->interrupted = watch_run(&params, signal_fd) == WATCH_SIGNAL;
		if (s->interrupted || s->gone)
			return 0;
		start_ns = monotonic_ns(at_ns);
	}
	return start_ns;
}

/* For how long the feed may wait for its source; 0: nobody looks at the clock,
 * as nothing leaves, or it may for ever. */
static uint64_t patience_ns(const struct sender *s)
{
	uint64_t duration_ns = feed_duration_ns(s->feed);
	uint64_t now_ns = clock_now_ns();

	if (!s->monitor || !duration_ns)
		return 0;
	return duration_ns + (s->planned_start_ns > now_ns ?
				      s->planned_start_ns - now_ns : 0);
}

static int watch(struct sender *s, int signal_fd)
{
	struct watch_params params = {
		.ended_fd = s->lane.ended_fd,
		.link_fd = s->monitor ? link_monitor_fd(s->monitor) : -1,
		.duration_ns = patience_ns(s),
		.stats_ns = s->params->stats_ns,
		.progress_ns = s->params->progress ? PROGRESS_NS : 0,
		.on_link = on_links,
		.on_figures = on_figures,
		.on_stats = on_stats,
		.on_progress = on_progress,
		.arg = s,
	};
	int r = watch_run(&params, signal_fd);

	if (r == WATCH_DURATION) {
		feed_expire(s->feed);
		params.duration_ns = 0;
		r = watch_run(&params, signal_fd);
	}
	s->interrupted = r == WATCH_SIGNAL;
	return r < 0 ? r : 0;
}

static int run_lane(struct sender *s, int signal_fd)
{
	uint64_t start_ns = clock_now_ns();
	int r;

	if (s->params->at_ns && !s->monitor) { /* nothing leaves: nobody waits */
		feed_start_at(s->feed, monotonic_ns(s->params->at_ns));
	} else if (s->params->at_ns) {
		start_ns = wait_until(s, s->params->at_ns, signal_fd);
		if (!start_ns)
			return 0;
		feed_start_at(s->feed, start_ns);
	}
	s->planned_start_ns = s->last_ns = start_ns;
	s->lane.tx_other = s->port[1];
	r = lane_start(&s->lane, feed_port(s->feed), s->port[0]);
	if (r)
		return r;
	r = watch(s, signal_fd);
	feed_port(s->feed)->ops->stop_rx(feed_port(s->feed));
	lane_stop(&s->lane);
	send_report_line_end(s);
	return r;
}

int sender_run(struct sender *s, struct feed *feed)
{
	autoclean(close_fd) int ended_fd =
		eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	autoclean(close_fd) int signal_fd = watch_signals();

	s->feed = feed;
	s->lane.ended_fd = ended_fd;
	if (signal_fd < 0)
		return signal_fd;
	return run_lane(s, signal_fd);
}
