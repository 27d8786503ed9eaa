/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TPACKET_V2 TX ring with vnet headers. It is a port's way out where the
 * ring is the faster one, and everywhere for the few frames that sendmsg()
 * refuses: with a vnet header the ring does not compare lengths with the MTU
 * (the lane did), so 802.1ad frames at full MTU pass.
 */
#ifndef BUMPWIRE_TX_RING_H
#define BUMPWIRE_TX_RING_H

#include "port.h"

struct tx_ring {
	int fd;
	bool patient; /* as in tx_direct.h */
	bool is_held; /* all slots were waited for, in vain */
	uint8_t *map;
	uint32_t slot_bytes;
	uint32_t n_slots;
	uint32_t head; /* the next slot to fill; the kernel never skips one */
};

#define TX_RING_INIT { .fd = -1 }

/* 0, or -errno (logged). */
int tx_ring_open(struct tx_ring *ring, const struct port_packet_params *p,
		 uint32_t slots);
void tx_ring_close(struct tx_ring *ring);

/* Bytes of the longest frame that fits a slot. */
uint32_t tx_ring_room(const struct tx_ring *ring);

/* Send frames in order; each is counted as forwarded or under its reason. */
void tx_ring_send(struct tx_ring *ring, const struct frame *f, uint32_t n,
		  struct lane_stats *s);

#endif
