/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending frames with sendmmsg() from where they lie: one kernel copy, none of
 * ours.
 */
#ifndef BUMPWIRE_TX_DIRECT_H
#define BUMPWIRE_TX_DIRECT_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "port.h"

struct tx_direct {
	bool patient; /* waits for a queue rather than lose a frame */
	struct mmsghdr msg[BURST_MAX];
	struct iovec iov[BURST_MAX][2]; /* vnet header, frame */
};

void tx_direct_init(struct tx_direct *d, bool patient);

/* A socket that only sends; with_vnet: each frame is led by its vnet header.
 * The fd, or -errno (logged). */
int tx_direct_open(const struct port_packet_params *p, bool with_vnet);

/*
 * Send frames in order by a socket made with the same with_vnet; each is
 * counted as forwarded or under its reason.
 */
void tx_direct_send(struct tx_direct *d, int fd, bool with_vnet,
		    const struct frame *f, uint32_t n, struct lane_stats *s);

#endif
