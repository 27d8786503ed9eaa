/* SPDX-License-Identifier: BSD-2-Clause */
/* See bridge_port.h. */
#include "config.h"

#include <string.h>

#include "bridge_guard.h"
#include "bridge_port.h"
#include "clock.h"
#include "log.h"

int bridge_port_open(struct bridge *b, enum side side,
		     const struct conf_pair *conf, bool idle,
		     struct port **portp)
{
	struct bridge_port *bp = &b->side[side];
	struct port_packet_params params = {
		.name = bp->name,
		.index = bp->link.index,
		.mtu = bp->link.mtu,
		.ready = link_is_ready(&bp->link),
		.rx = b->has_lane[side],
		.tx = b->has_lane[side_other(side)],
		.idle = idle,
		.filter_fd = guard_filter_fd(b->guard, side),
		.rx_slots = (uint32_t)conf->rx_slots[side],
		.slot_bytes = (uint32_t)conf->slot_bytes[side],
		.tx_slots = (uint32_t)conf->tx_slots,
		.tx_mode = (enum tx_mode)conf->tx,
		.driver = bp->driver,
		.qdisc_bypass = conf->qdisc_bypass,
	};

	/* The configuration may go while the port stays. */
	snprintf(bp->name, sizeof(bp->name), "%s", conf->port[side]);
	return port_packet_open(portp, &params);
}

void bridge_port_count(struct bridge *b, enum side side)
{
	struct bridge_port *bp = &b->side[side];
	struct lane_stats *s = &b->lane[side].stats;
	struct port_counters c;

	if (!bp->port || !b->has_lane[side])
		return;
	bp->port->ops->counters(bp->port, &c);
	shared_write(&s->offered_frames,
		     bp->before.offered_frames + c.offered_frames);
	shared_write(&s->ring_full_frames,
		     bp->before.ring_full_frames + c.ring_full_frames);
}

void bridge_port_close(struct bridge *b, enum side side)
{
	struct bridge_port *bp = &b->side[side];

	bridge_port_count(b, side);
	bp->before.offered_frames = b->lane[side].stats.offered_frames;
	bp->before.ring_full_frames = b->lane[side].stats.ring_full_frames;
	port_close(bp->port);
	bp->port = NULL;
}

void bridge_port_stop_rx(struct port *port)
{
	int r = port->ops->stop_rx(port);

	if (r)
		log_warn("port %s: its intake could not be ended: %s: frames "
			 "that come now are not accounted for", port->name,
			 strerror(-r));
}

#define DRAIN_NS NS_PER_SEC

/* In the thread of the lane that receives here: nothing comes any more, so
 * what is there is all. If the intake could not be ended, there is an end. */
static void drain_and_take(struct lane *lane, void *port)
{
	uint64_t now_ns = clock_now_ns(), until_ns = now_ns + DRAIN_NS;

	while (lane_breathe(lane, now_ns) && now_ns < until_ns)
		now_ns = clock_now_ns();
	lane->rx = port;
}

static void send_by(struct lane *lane, void *port)
{
	lane->tx = port;
}

/* The lane that receives goes over; or, with an error, all is as it was. */
static int replace_rx(struct lane *in, struct port *old, struct port *port)
{
	int r;

	bridge_port_stop_rx(old);
	r = port->ops->start_rx(port);
	if (!r)
		r = lane_do(in, drain_and_take, port);
	if (!r)
		return 0;
	bridge_port_stop_rx(port);
	if (old->ops->start_rx(old))
		log_err("port %s: it receives no more", old->name);
	return r;
}

int bridge_port_replace(struct bridge *b, enum side side, struct port *port)
{
	struct port *old = b->side[side].port;
	struct lane *out = &b->lane[side_other(side)];
	bool sends = b->has_lane[side_other(side)];
	int r = sends ? lane_do(out, send_by, port) : 0;

	if (!r && b->has_lane[side]) {
		bridge_guard_pass_on(b, side);
		r = replace_rx(&b->lane[side], old, port);
		bridge_guard_take_back(b, side);
	}
	if (!r) {
		bridge_port_close(b, side);
		b->side[side].port = port;
		return 0;
	}
	log_err("port %s: it stays as it was", old->name);
	/* What a lane that hangs may still send by is better not closed. */
	if (!sends || out->tx != port || !lane_do(out, send_by, old))
		port_close(port);
	return r;
}
