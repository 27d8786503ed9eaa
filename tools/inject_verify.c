/* SPDX-License-Identifier: BSD-2-Clause */
/* See inject_verify.h: a lane from an interface to the judge. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/eventfd.h>

#include "clock.h"
#include "inject_verify.h"
#include "lane.h"
#include "link.h"
#include "log.h"
#include "verify_report.h"
#include "watch.h"

#define LOOK_NS (20 * NS_PER_MS)
#define RX_SLOTS 16384

struct verify {
	const struct inject_options *options;
	struct link_monitor *monitor;
	struct link_info link;
	struct port *port;
	struct judge *judge;
	struct lane lane;
	int ended_fd;
	bool gone; /* the interface is */
	uint64_t seen_frames; /* when something arrived last */
	uint64_t seen_ns;
};

/* Enough has arrived, or nothing for long enough. */
static void look(void *arg)
{
	struct verify *v = arg;
	const struct inject_options *o = v->options;
	uint64_t now_ns = clock_now_ns();
	struct judge_figures f;

	judge_figures(v->judge, &f);
	if (f.frames - f.foreign != v->seen_frames) {
		v->seen_frames = f.frames - f.foreign;
		v->seen_ns = now_ns;
	}
	if ((o->expect && f.delivered >= o->expect) ||
	    (o->idle_ns && v->seen_frames &&
	     now_ns - v->seen_ns >= o->idle_ns))
		eventfd_write(v->ended_fd, 1);
}

static void on_figures(void *arg)
{
	struct verify *v = arg;

	verify_report(v->judge, v->port, v->options->send.sender.json, stdout);
}

/* Its socket is dead: nothing comes any more. */
static void on_link(const struct link_event *event, void *arg)
{
	struct verify *v = arg;

	if (!event->gone || event->info.index != v->link.index)
		return;
	log_err("port %s: the interface is gone: stopping", v->link.name);
	v->gone = true;
	eventfd_write(v->ended_fd, 1);
}

static void on_links(void *arg)
{
	struct verify *v = arg;

	while (link_monitor_dispatch(v->monitor) > 0)
		;
}

static int open_port(struct verify *v)
{
	const char *name = v->options->send.sender.iface[0];
	struct port_packet_params params = {
		.name = name,
		.ready = true,
		.rx = true,
		.filter_fd = -1,
		.rx_slots = RX_SLOTS,
		.driver = "",
	};
	int r = link_get(v->monitor, name, &v->link);

	if (r == -ENODEV)
		log_err("port %s: no such interface", name);
	if (r)
		return r;
	params.index = v->link.index;
	params.mtu = v->link.mtu;
	return port_packet_open(&v->port, &params);
}

static int verify_open(struct verify *v)
{
	const struct judge_params params = {
		.expect_from_zero = true,
		.expected_frames = v->options->expect,
	};
	int r = lane_init(&v->lane, "wire -> judge");

	if (r)
		return r;
	v->lane.cpu = v->options->send.sender.cpu;
	v->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = judge_new(&v->judge, &params);
	if (r) {
		log_err("judge: %s", strerror(-r));
		return r;
	}
	r = link_monitor_open(&v->monitor);
	if (r)
		return r;
	link_set_event_handler(v->monitor, on_link, v);
	return open_port(v);
}

static void verify_close(struct verify *v)
{
	port_close(v->port);
	judge_free(v->judge);
	lane_fini(&v->lane);
	close_fd(&v->ended_fd);
	link_monitor_close(v->monitor);
}

static int verify_run(struct verify *v, int signal_fd)
{
	const struct watch_params params = {
		.ended_fd = v->ended_fd,
		.link_fd = link_monitor_fd(v->monitor),
		.duration_ns = v->options->send.duration_ns,
		.stats_ns = v->options->send.sender.stats_ns,
		.progress_ns = LOOK_NS,
		.on_link = on_links,
		.on_figures = on_figures,
		.on_stats = on_figures,
		.on_progress = look,
		.arg = v,
	};
	int r = lane_start(&v->lane, v->port, judge_port(v->judge));

	if (r)
		return r;
	log_info("listening on %s", v->link.name);
	r = watch_run(&params, signal_fd);
	v->port->ops->stop_rx(v->port);
	lane_stop(&v->lane);
	if (r < 0)
		return r;
	r = verify_report(v->judge, v->port, v->options->send.sender.json,
			  stdout);
	return r ? r : v->gone;
}

int inject_verify(const struct inject_options *o)
{
	struct verify v = { .options = o, .ended_fd = -1, .lane.wake_fd = -1 };
	autoclean(close_fd) int signal_fd = watch_signals();
	int r;

	if (signal_fd < 0)
		return signal_fd;
	r = verify_open(&v);
	if (!r)
		r = verify_run(&v, signal_fd);
	verify_close(&v);
	return r;
}
