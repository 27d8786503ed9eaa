/* SPDX-License-Identifier: BSD-2-Clause */
/* See bridge.h. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>

#include "bridge.h"
#include "bridge_claim.h"
#include "bridge_guard.h"
#include "bridge_port.h"
#include "bridge_propagate.h"
#include "bridge_stages.h"
#include "bridge_taps.h"
#include "clock.h"
#include "log.h"

/* A ring that loses frames and lends none for this long is held. */
#define HELD_NS (NS_PER_SEC / 2)

#define SEED_MAX 1000000 /* what a person may type again */

/* ---- make ---- */

void bridge_set_conf(struct bridge *b, const struct conf_pair *conf)
{
	b->conf = conf;
	for (int side = 0; side < SIDES; side++) {
		struct lane *lane = &b->lane[side];

		snprintf(b->lane_name[side], sizeof(b->lane_name[side]),
			 "%s -> %s", conf->port[side],
			 conf->port[side_other((enum side)side)]);
		shared_write(&lane->spin_us, (uint32_t)conf->spin_us[side]);
		lane_set_cpu(lane, (int)conf->cpu[side]);
		b->has_lane[side] = conf_has_lane(conf, (enum side)side);
	}
	bridge_guard_set_conf(b);
	if (!conf->seed && !b->told_seed && bridge_chain_is_random(conf)) {
		log_info("pair %s: seed %llu repeats this run", conf->name,
			 (unsigned long long)b->seed);
		b->told_seed = true;
	}
}

static int make_lane(struct bridge *b, enum side side,
		     struct lane_budget *budget)
{
	struct bridge_chain chain;
	struct lane *lane = &b->lane[side];
	int r = lane_init(lane, b->lane_name[side]);

	lane->budget = budget;
	if (r) {
		log_err("pair %s: a lane: %s", b->conf->name, strerror(-r));
		return r;
	}
	r = bridge_chain_make(b, b->conf, side, &chain);
	return r ? r : bridge_chain_swap(b, side, &chain);
}

int bridge_new(struct bridge **bp, const struct conf_pair *conf,
	       struct lane_budget *budget)
{
	struct bridge *b = calloc(1, sizeof(*b));
	int r;

	if (!b) {
		log_err("pair %s: %s", conf->name, strerror(ENOMEM));
		return -ENOMEM;
	}
	b->conf = conf;
	if (getrandom(&b->seed, sizeof(b->seed), 0) != sizeof(b->seed))
		b->seed = clock_now_ns();
	b->seed = b->seed % SEED_MAX + 1; /* one that --seed takes */
	b->lane[SIDE_LEFT].wake_fd = b->lane[SIDE_RIGHT].wake_fd = -1;
	r = make_lane(b, SIDE_LEFT, budget);
	if (!r)
		r = make_lane(b, SIDE_RIGHT, budget);
	if (r) {
		bridge_free(b);
		return r;
	}
	bridge_set_conf(b, conf);
	bridge_propagate_init(b);
	*bp = b;
	return 0;
}

void bridge_free(struct bridge *b)
{
	if (!b)
		return;
	bridge_propagate_end(b);
	bridge_detach(b);
	bridge_taps_end(b);
	for (int side = 0; side < SIDES; side++) {
		lane_fini(&b->lane[side]);
		bridge_chain_forget(&b->chain[side]);
	}
	guard_free(b->guard);
	free(b);
}

void bridge_give_guard(struct bridge *b, struct guard *guard)
{
	b->guard = guard;
	/* One that was another's has counted before. */
	for (int side = 0; side < SIDES; side++)
		guard_count(guard, side, &b->side[side].guard_from);
	bridge_guard_set_conf(b);
}

struct guard *bridge_take_guard(struct bridge *b)
{
	struct guard *guard = b->guard;

	bridge_detach(b);
	b->guard = NULL;
	return guard;
}

/* ---- attach ---- */

static int switch_lro_off(struct bridge *b, enum side side)
{
	struct bridge_port *bp = &b->side[side];
	const char *name = b->conf->port[side];

	offload_driver(name, bp->driver, sizeof(bp->driver));
	return offload_lro_off(BRIDGE_STATE_DIR, name, &bp->lro);
}

static void say_state(const struct bridge_port *bp)
{
	const char *name = bp->link.name;

	if (!bp->link.up)
		log_info("port %s: down; waiting until it is up (ip link set "
			 "dev %s up)", name, name);
	else if (!bp->link.carrier)
		log_info("port %s: no carrier; waiting for its other end",
			 name);
}

/* Open both ports and start the lanes; what was done of it is bridge_detach()'s
 * to undo. */
static int open_and_start(struct bridge *b)
{
	struct lane *lane = b->lane;
	int r;

	for (int side = 0; side < SIDES; side++) {
		b->side[side].seen_ns = 0;
		r = bridge_port_open(b, (enum side)side, b->conf, false,
				     &b->side[side].port);
		if (r)
			return r;
	}
	for (int side = 0; side < SIDES; side++) {
		if (!b->has_lane[side])
			continue;
		r = lane_start(&lane[side], b->side[side].port,
			       b->side[side_other((enum side)side)].port);
		if (r)
			return r;
	}
	bridge_guard_begin(b);
	return 0;
}

/*
 * First the intake of both ports ends, then each lane empties its ring into
 * the other port, then the kernel's counts are final, then sockets close.
 */
static void stop_and_close(struct bridge *b)
{
	for (int side = 0; side < SIDES; side++)
		if (b->side[side].port && b->has_lane[side])
			bridge_port_stop_rx(b->side[side].port);
	for (int side = 0; side < SIDES; side++)
		lane_stop(&b->lane[side]);
	for (int side = 0; side < SIDES; side++)
		bridge_port_close(b, (enum side)side);
}

static void restore_lro(struct bridge *b)
{
	for (int side = 0; side < SIDES; side++) {
		offload_lro_restore(b->side[side].lro);
		b->side[side].lro = NULL;
	}
}

void bridge_step_back(struct bridge *b)
{
	if (!b->guarded || !guard_is_joined(b->guard)) {
		bridge_detach(b);
		return;
	}
	bridge_guard_hand_over(b);
	stop_and_close(b);
	restore_lro(b);
	b->attached = false;
	b->announced = false;
}

static void give_up(struct bridge *b)
{
	bridge_step_back(b);
	if (b->guarded)
		log_warn("pair %s: bypassed: the kernel forwards until its "
			 "ports can be opened", b->conf->name);
}

int bridge_attach(struct bridge *b, struct link_monitor *m)
{
	bool told = b->refused;
	int r;

	for (int side = 0; side < SIDES; side++) {
		r = link_get(m, b->conf->port[side], &b->side[side].link);
		if (r == -ENODEV)
			bridge_propagate_missing(b, m);
		if (r)
			return r;
	}
	b->refused = bridge_check_links(b, m) || bridge_claim(b, told);
	if (b->refused)
		return BRIDGE_REFUSED;
	b->attached = true;
	for (int side = 0; side < SIDES; side++) {
		r = switch_lro_off(b, (enum side)side);
		if (r)
			goto fail;
		say_state(&b->side[side]);
	}
	r = bridge_guard_attach(b);
	if (!r)
		r = open_and_start(b);
	if (!r) {
		bridge_propagate_attach(b);
		return 0;
	}
fail:
	give_up(b);
	return r;
}

void bridge_detach(struct bridge *b)
{
	bridge_guard_part(b);
	if (b->attached)
		stop_and_close(b);
	bridge_guard_detach(b);
	restore_lro(b);
	bridge_unclaim(b);
	b->attached = false;
	b->announced = false;
}

void bridge_end(struct bridge *b)
{
	bool failed = !b->attached && b->guarded; /* see give_up() */

	bridge_propagate_end(b);
	if (!failed && (!b->guarded || b->conf->on_stop != END_BYPASS)) {
		bridge_detach(b);
		return;
	}
	if (!failed) {
		bridge_guard_hand_over(b);
		stop_and_close(b);
	}
	bridge_guard_count(b);
	guard_leave_attached(b->guard);
	b->guarded = false;
	for (int side = 0; side < SIDES; side++) {
		offload_lro_leave(b->side[side].lro);
		b->side[side].lro = NULL;
	}
	bridge_unclaim(b);
	b->attached = false;
	log_info("pair %s: bypassed: the kernel goes on forwarding; end it by "
		 "--unbypass %s %s", b->conf->name, b->conf->port[SIDE_LEFT],
		 b->conf->port[SIDE_RIGHT]);
}

/* ---- while it runs ---- */

void bridge_announce(struct bridge *b)
{
	if (b->announced || !b->attached ||
	    !link_is_ready(&b->side[SIDE_LEFT].link) ||
	    !link_is_ready(&b->side[SIDE_RIGHT].link))
		return;
	b->announced = true;
	log_info("ready: %s %s %s", b->conf->port[SIDE_LEFT],
		 !b->has_lane[SIDE_LEFT] ? "<-" :
		 !b->has_lane[SIDE_RIGHT] ? "->" : "<->",
		 b->conf->port[SIDE_RIGHT]);
}

/* What somebody can mend is told when it first happens. */
static void warn_once(struct bridge *b, const struct lane *lane)
{
	static const char *const remedy[REASONS] = {
		[REASON_TRUNCATED] =
			"frames larger than a slot found no room: raise "
			"slot_bytes",
		[REASON_OVERSIZE] =
			"frames are longer than the egress MTU allows: make "
			"the MTUs of both ports equal",
		[REASON_UNSEGMENTABLE] =
			"super-frames of a kind that cannot be cut; on the "
			"sending host: ethtool -K IFACE tso off "
			"tx-udp-segmentation off, on its tunnels, too",
	};

	for (int why = 0; why < REASONS; why++) {
		uint64_t n = counter_read(&lane->stats.dropped_frames[why]);

		if (!n || !remedy[why] || b->warned[why])
			continue;
		b->warned[why] = true;
		log_warn("lane %s: %llu dropped as %s: %s", lane->name,
			 (unsigned long long)n, reason_info[why].name,
			 remedy[why]);
	}
}

/*
 * A super-frame of a kind that virtio_net_hdr_from_skb() cannot express makes
 * tpacket_rcv() drop it after it has taken the slot for it, and the slot is
 * never given back (af_packet.c, rx_owner_map): from then on every frame finds
 * the ring full, although nothing in it is to be read.
 */
static bool rx_is_held(struct bridge *b, enum side side, uint64_t now_ns)
{
	struct bridge_port *bp = &b->side[side];
	const struct lane_stats *s = &b->lane[side].stats;
	uint64_t received = counter_read(&s->received_frames);
	uint64_t ring_full = counter_read(&s->ring_full_frames);
	struct pollfd pfd = { .events = POLLIN };

	if (!bp->port || !b->has_lane[side])
		return false;
	pfd.fd = bp->port->ops->rx_fd(bp->port);
	poll(&pfd, 1, 0);
	if (!bp->seen_ns || received != bp->seen_received ||
	    pfd.revents & POLLIN) {
		bp->seen_ns = now_ns;
		bp->seen_received = received;
		bp->seen_ring_full = ring_full;
	}
	return ring_full > bp->seen_ring_full &&
	       now_ns - bp->seen_ns >= HELD_NS;
}

static void say_held(struct bridge *b, enum side side)
{
	struct bridge_port *bp = &b->side[side];
	unsigned long long lost = bp->seen_ring_full;

	lost = counter_read(&b->lane[side].stats.ring_full_frames) - lost;
	if (bp->told_held)
		log_debug("port %s: its ring was held: %llu frames lost",
			  bp->link.name, lost);
	else
		log_warn("port %s: the kernel held its ring after a "
			 "super-frame of a kind that packet sockets cannot be "
			 "told of: %llu frames lost, opened again; on the "
			 "sending host: ethtool -K IFACE "
			 "tx-udp-segmentation off, and no UFO or SCTP "
			 "segmentation", bp->link.name, lost);
	bp->told_held = true;
}

/* Events may be lost, and an interface come back with the index that it had. */
static bool is_lost(struct bridge *b, enum side side)
{
	struct port *port = b->side[side].port;

	return port && port->ops->is_lost && port->ops->is_lost(port);
}

int bridge_tick(struct bridge *b)
{
	uint64_t now_ns = clock_now_ns();
	bool held = false;
	int r = 0;

	bridge_guard_count(b);
	bridge_taps_look_after(b);
	for (int side = 0; side < SIDES; side++) {
		if (b->attached)
			bridge_port_count(b, (enum side)side);
		warn_once(b, &b->lane[side]);
		bridge_port_say_kept_back(&b->side[side], now_ns);
		if (b->attached && rx_is_held(b, (enum side)side, now_ns)) {
			say_held(b, (enum side)side);
			held = true;
		}
	}
	for (int side = 0; side < SIDES; side++)
		if (is_lost(b, (enum side)side)) {
			log_warn("port %s: its interface went and came",
				 b->side[side].link.name);
			bridge_detach(b);
			return -ENODEV;
		}
	if (held) {
		stop_and_close(b);
		r = open_and_start(b);
		if (r)
			give_up(b);
	}
	return r;
}
