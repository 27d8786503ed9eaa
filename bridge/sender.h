/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the injecting tools have in common: one or two ports to send by, a lane
 * that takes frames from a feed to them, somebody who waits meanwhile, and
 * figures at the end.
 */
#ifndef BUMPWIRE_SENDER_H
#define BUMPWIRE_SENDER_H

#include "feed.h"
#include "lane.h"
#include "link.h"

#define SENDER_PORTS FEED_EGRESSES

struct sender_params {
	const char *iface[SENDER_PORTS]; /* kept by the caller */
	uint32_t n_ifaces;
	enum tx_mode tx_mode;
	uint32_t tx_slots;
	bool qdisc_bypass;
	uint32_t spin_us; /* awake so long before a frame is due */
	int cpu;          /* of the lane, or LANE_NO_CPU */
	uint64_t at_ns;   /* begin then, by the real-time clock; 0: at once */
	uint64_t stats_ns;
	bool progress;    /* a line on stderr that follows the run */
	bool json;
};

struct sender {
	const struct sender_params *params;
	struct link_monitor *monitor; /* NULL: no interfaces */
	struct link_info link[SENDER_PORTS];
	struct port *port[SENDER_PORTS];
	uint32_t n_ports;
	struct lane lane;
	struct feed *feed;
	uint64_t planned_start_ns; /* monotonic */
	struct lane_stats last_stats; /* what on_stats() told last */
	uint64_t last_ns;
	bool interrupted;          /* by a signal */
	bool gone;                 /* an interface is, and so the run ends */
	bool line_shown;
	/* What a replay knows besides, for the report; 0 or NULL: nothing. */
	bool replays;
	uint64_t captured_first_ns; /* time of the first frame, in the capture */
	uint64_t captured_last_ns;
	const char *split;          /* how sides were chosen */
};

/*
 * Find the interfaces and open them for sending. A port that is down, or
 * without a carrier, is refused: frames would go nowhere. 0, -ENODEV, -ENETDOWN
 * or other -errno (logged).
 */
int sender_open(struct sender *s, const struct sender_params *params);

/* Send into this port in place of interfaces; it is the sender's from then
 * on. 0 or -errno (logged). */
int sender_open_port(struct sender *s, const struct sender_params *params,
		     struct port *port);

/* MTU of a port; of one that is no interface: whatever it was told. */
uint32_t sender_mtu(const struct sender *s, uint32_t egress);

/*
 * Send all that the feed gives; the feed is the sender's from then on. Returns
 * when it ends or a signal asks for it; then the figures stand still. 0 or
 * -errno (logged).
 */
int sender_run(struct sender *s, struct feed *feed);

/* Take what happened to the interfaces, when link_monitor_fd() is readable. */
void sender_take_links(struct sender *s);

/* Frees the ports and the feed. */
void sender_close(struct sender *s);

/* Counts what it is given and keeps nothing: for a rehearsal. NULL: ENOMEM. */
struct port *sender_null_port(void);

#endif
