/* SPDX-License-Identifier: BSD-2-Clause */
/* See tx_direct.h. */
#include "config.h"

#include <errno.h>
#include <linux/if_packet.h>

#include "packet_socket.h"
#include "tx.h"
#include "tx_direct.h"

#define SNDBUF_BYTES (8 << 20)

void tx_direct_init(struct tx_direct *d, bool patient)
{
	memset(d, 0, sizeof(*d));
	d->patient = patient;
	for (int i = 0; i < BURST_MAX; i++)
		d->iov[i][0].iov_len = sizeof(struct virtio_net_hdr);
}

int tx_direct_open(const struct port_packet_params *p, bool with_vnet)
{
	const struct packet_option vnet = { PACKET_VNET_HDR, 1,
					    "PACKET_VNET_HDR" };
	const struct packet_option bypass = { PACKET_QDISC_BYPASS, 1,
					      "PACKET_QDISC_BYPASS" };
	int fd = packet_open(p->name);
	int r = 0;

	if (fd < 0)
		return fd;
	packet_set_buffer(fd, PACKET_BUFFER_TX, SNDBUF_BYTES);
	/* Past the qdisc there is no software segmentation: plain ones only. */
	if (with_vnet)
		r = packet_set_options(fd, p->name, &vnet, 1);
	else if (p->qdisc_bypass)
		r = packet_set_options(fd, p->name, &bypass, 1);
	if (!r)
		r = packet_bind(fd, p->name, p->index, 0);
	if (!r)
		return fd;
	close(fd);
	return r;
}

static void prepare(struct tx_direct *d, bool with_vnet, const struct frame *f,
		    uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		d->iov[i][0].iov_base = (void *)&f[i].vnet;
		d->iov[i][1].iov_base = f[i].data;
		d->iov[i][1].iov_len = f[i].len;
		d->msg[i].msg_hdr.msg_iov = &d->iov[i][with_vnet ? 0 : 1];
		d->msg[i].msg_hdr.msg_iovlen = with_vnet ? 2 : 1;
	}
}

/* How many of n frames go in one call: up to the next super-frame. */
static uint32_t batch_of(bool with_vnet, const struct frame *f, uint32_t n)
{
	uint32_t batch = 1;

	if (!with_vnet)
		return n; /* they go the other way */
	if (frame_is_super(f))
		return 1;
	while (batch < n && !frame_is_super(&f[batch]))
		batch++;
	return batch;
}

/*
 * sendmmsg() tells how many went out, not why it stopped: the frame that it
 * stopped at is tried again alone in front. For a whole frame that is right,
 * it is not out. Of a super-frame parts may be, so each goes in a call of its
 * own, and never twice.
 */
void tx_direct_send(struct tx_direct *d, int fd, bool with_vnet,
		    const struct frame *f, uint32_t n, struct lane_stats *s)
{
	uint32_t done = 0;
	int tries = 0;

	prepare(d, with_vnet, f, n);
	while (done < n) {
		uint32_t batch = batch_of(with_vnet, f + done, n - done);
		int sent = sendmmsg(fd, d->msg + done, batch, MSG_DONTWAIT);

		if (likely(sent > 0)) {
			tx_count(s, f + done, (uint32_t)sent);
			done += (uint32_t)sent;
			tries = 0;
			continue;
		}
		if (tx_again(errno, d->patient && !frame_is_super(&f[done]),
			     &tries))
			continue;
		if (errno == EAGAIN || errno == EINTR) {
			stats_drop(s, REASON_TX_FULL, n - done);
			return;
		}
		stats_drop(s, tx_reason(errno), 1);
		done++;
	}
}
