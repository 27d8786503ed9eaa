/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port: where frames come in and where they go out. A backend is one .c file
 * behind a const ops struct; it embeds struct port as its first noun.
 *
 * Two threads use a port: rx, release and the rx wait belong to the lane that
 * receives here, tx to the lane that sends here. open, stop_rx, counters and
 * close belong to the control thread.
 */
#ifndef BUMPWIRE_PORT_H
#define BUMPWIRE_PORT_H

#include <stdbool.h>

#include "frame.h"
#include "stats.h"

struct port;

#define PORT_ENDED UINT64_MAX

/* What the kernel counted for the RX ring since the port was opened. */
struct port_counters {
	uint64_t offered_frames;   /* all that were meant for the ring */
	uint64_t ring_full_frames; /* of these, dropped for want of a slot */
};

struct port_ops {
	const char *name;
	/* Lend up to BURST_RX frames, never wait. Frames that cannot be lent
	 * are counted as received and dropped. */
	void (*rx)(struct port *port, struct burst *b, struct lane_stats *s);
	/* The burst last lent is done with. */
	void (*release)(struct port *port);
	/* Send n frames, in order, within a bounded time: each is sent or
	 * counted under a reason. */
	void (*tx)(struct port *port, const struct frame *f, uint32_t n,
		   struct lane_stats *s);
	/* A port that paces tells when rx has something again, by the
	 * monotonic clock: 0 now, PORT_ENDED never. NULL: poll rx_fd. */
	uint64_t (*due_ns)(struct port *port);
	/* Poll this for reading while rx has nothing; take_error() clears what
	 * poll reported as POLLERR and tells it as -errno. */
	int (*rx_fd)(struct port *port);
	int (*take_error)(struct port *port);
	/* Has its interface gone, though another may have its index by now?
	 * NULL: it cannot. */
	bool (*is_lost)(struct port *port);
	/* Begin to receive, if the port was opened idle. */
	int (*start_rx)(struct port *port);
	/* No frame arrives after this returns; the ring keeps what it has. */
	int (*stop_rx)(struct port *port);
	/* How full the RX ring is, in slots; NULL: there is none. */
	void (*fill)(struct port *port, uint32_t *used, uint32_t *slots);
	void (*counters)(struct port *port, struct port_counters *c);
	void (*close)(struct port *port);
};

struct port {
	const struct port_ops *ops;
	const char *name; /* of the interface, as configured */
	uint32_t mtu;     /* shared: set by control, read by the lane */
	bool ready;       /* shared: up with carrier, frames can leave */
	bool patient;     /* of who sends here: rather wait than lose a frame */
};

static inline void port_rx(struct port *port, struct burst *b,
			   struct lane_stats *s)
{
	port->ops->rx(port, b, s);
}

static inline void port_release(struct port *port)
{
	port->ops->release(port);
}

static inline void port_tx(struct port *port, const struct frame *f,
			   uint32_t n, struct lane_stats *s)
{
	port->ops->tx(port, f, n, s);
}

static inline void port_close(struct port *port)
{
	if (port)
		port->ops->close(port);
}

enum tx_mode {
	TX_AUTO,   /* by driver, see tx_mode_auto() */
	TX_RING,   /* TPACKET_V2 TX ring */
	TX_DIRECT, /* sendmmsg() from where the frames lie */
};

struct port_packet_params {
	const char *name; /* kept by the caller for the port's life */
	int index;
	uint32_t mtu;
	bool ready;
	bool rx; /* frames are received here */
	bool tx; /* frames are sent here */
	bool idle; /* receive nothing until start_rx() */
	int filter_fd; /* a BPF program that says what is received; -1: all */
	uint32_t rx_slots;
	uint32_t slot_bytes; /* 0: follows the MTU */
	uint32_t tx_slots;
	enum tx_mode tx_mode;
	const char *driver; /* for TX_AUTO */
	bool qdisc_bypass;
	bool patient; /* who sends here would rather wait than lose a frame */
};

/* An AF_PACKET port on a Linux interface: promiscuous by membership, offloads
 * carried end to end. 0, or -errno (logged). */
int port_packet_open(struct port **portp, const struct port_packet_params *p);

#endif
