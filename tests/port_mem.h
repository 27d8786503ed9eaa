/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port in memory: it lends the frames that a test has offered, and keeps what
 * is sent to it. With it lanes and stages run without a NIC.
 *
 * It is strict where a ring forgives. Each frame lies in a piece of memory of
 * its own, FRAME_HEADROOM and the frame and not a byte more, and is freed when
 * it is released: a sanitizer hears of whoever reads beyond it or keeps it.
 *
 * A test may offer while a lane's thread receives. What was sent is looked at
 * once that thread has ended.
 */
#ifndef PORT_MEM_H
#define PORT_MEM_H

#include "port.h"

/* How often the lane called, and what it did wrong. */
struct port_mem_calls {
	uint64_t rx;
	uint64_t tx;
	uint64_t release;
	uint64_t take_error;
	uint64_t violations; /* rx before release, more than was room for */
};

/* MTU 1500, ready. The caller keeps the name; port_close() frees it all. */
struct port *port_mem_new(const char *name);

/*
 * Let a frame arrive; the bytes are copied. vnet may be NULL for a frame that
 * is complete. False if reception was stopped, or no slot was free.
 */
bool port_mem_offer(struct port *port, const void *data, uint32_t len,
		    const struct virtio_net_hdr *vnet);

/* Hold at most this many frames that nobody took yet (0: any number). */
void port_mem_limit_slots(struct port *port, uint64_t slots);

/* Lend at most this many frames at once (0: BURST_RX). */
void port_mem_limit_burst(struct port *port, uint32_t frames);

/* Refuse the next frames that are sent, as a full queue does. */
void port_mem_refuse(struct port *port, uint64_t frames);

/* Let poll() find POLLHUP from now on, as on a device that is gone. */
void port_mem_hang_up(struct port *port);

/* Frames that have arrived and were not lent. */
uint64_t port_mem_waiting(struct port *port);

struct port_mem_calls port_mem_calls(struct port *port);

/* Of the frames that were sent since the port was made or told to forget:
 * their number, and the i-th of them. */
uint64_t port_mem_sent(struct port *port);
const struct frame *port_mem_sent_frame(struct port *port, uint64_t i);
void port_mem_forget(struct port *port);

#endif
