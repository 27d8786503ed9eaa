/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The receiving half of a packet port: a TPACKET_V2 ring, one slot a frame,
 * and the copy path for frames that are larger than a slot. With tx_ring the
 * only place that knows TPACKET.
 */
#ifndef BUMPWIRE_RX_RING_H
#define BUMPWIRE_RX_RING_H

#include "port.h"

#define RX_BIG_FRAMES 16 /* copy-path frames lent at once */

struct rx_ring {
	const char *name;
	int fd;
	int index;
	uint8_t *map;
	uint32_t slot_bytes;
	uint32_t n_slots;
	uint32_t head;   /* the next slot to look at */
	uint32_t n_lent; /* slots before head that are not given back */
	uint8_t *big;    /* RX_BIG_FRAMES buffers for the copy path */
	uint32_t n_big;  /* of these, lent */
	bool unbound;    /* by rx_ring_stop() */
	int filter_fd;   /* the caller's; -1: none */
	struct port_counters counters;
};

#define RX_RING_INIT { .fd = -1 }

/*
 * Open the socket, the ring and the membership, and bind last, so that no
 * frame of another interface slips in. Memory refused: half the slots, with a
 * warning. An idle one takes nothing until rx_ring_start(), which is at once.
 * 0, or -errno (logged).
 */
int rx_ring_open(struct rx_ring *ring, const struct port_packet_params *p);
void rx_ring_close(struct rx_ring *ring);

/* As port_ops of the same names. */
void rx_ring_take(struct rx_ring *ring, struct burst *b, struct lane_stats *s);
void rx_ring_release(struct rx_ring *ring);
int rx_ring_start(struct rx_ring *ring);
int rx_ring_stop(struct rx_ring *ring);
uint32_t rx_ring_fill(const struct rx_ring *ring);
void rx_ring_count(struct rx_ring *ring, struct port_counters *c);

#endif
