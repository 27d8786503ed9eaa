/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The AF_PACKET port: an RX ring, and three ways out between which each frame
 * chooses. Receiving and sending have a socket each, for a socket with a TX
 * ring sends nothing but the ring, and sockets that only send cost nothing
 * when frames arrive.
 *
 *   plain   sendmmsg(), for frames that are complete
 *   vnet    sendmsg() led by a vnet header: checksums to finish, super-frames
 *   ring    TX ring with vnet headers
 */
#include "config.h"

#include <errno.h>
#include <linux/if_ether.h>

#include "log.h"
#include "packet_socket.h"
#include "rx_ring.h"
#include "tx.h"
#include "tx_direct.h"
#include "tx_ring.h"

/* Slots where only odd frames take the ring: four bursts, for a qdisc or a NIC
 * may hold each of them a while. */
#define RING_ODD 256

enum way { WAY_PLAIN, WAY_VNET, WAY_RING };

struct port_packet;

/* The strategies, `tx = ring | direct`: which way a frame leaves. */
struct tx_ops {
	const char *name;
	enum way (*way)(const struct port_packet *pp, const struct frame *f,
			uint32_t mtu);
};

struct port_packet {
	struct port port;
	struct rx_ring rx;
	const struct tx_ops *tx_ops;
	struct tx_ring tx_ring;
	int plain_fd;
	int vnet_fd;
	struct tx_direct direct;
};

/* sendmsg() allows 4 bytes over MTU + 14 to frames of type 0x8100 alone. */
static bool sendmsg_refuses(const struct frame *f, uint32_t mtu)
{
	return f->len > mtu + 14 && frame_ethertype(f) != ETH_P_8021Q;
}

static enum way way_direct(const struct port_packet *pp, const struct frame *f,
			   uint32_t mtu)
{
	if (frame_is_super(f))
		return WAY_VNET;
	if (unlikely(sendmsg_refuses(f, mtu)) &&
	    f->len <= tx_ring_room(&pp->tx_ring))
		return WAY_RING;
	return likely(frame_is_plain(f)) ? WAY_PLAIN : WAY_VNET;
}

static enum way way_ring(const struct port_packet *pp, const struct frame *f,
			 uint32_t mtu)
{
	(void)mtu;
	return f->len <= tx_ring_room(&pp->tx_ring) ? WAY_RING : WAY_VNET;
}

static const struct tx_ops tx_ops[] = {
	[TX_RING] = { "ring", way_ring },
	[TX_DIRECT] = { "direct", way_direct },
};

static struct port_packet *packet_of(struct port *port)
{
	return container_of(port, struct port_packet, port);
}

static void send_by(struct port_packet *pp, enum way way, const struct frame *f,
		    uint32_t n, struct lane_stats *s)
{
	switch (way) {
	case WAY_PLAIN:
		tx_direct_send(&pp->direct, pp->plain_fd, false, f, n, s);
		break;
	case WAY_VNET:
		tx_direct_send(&pp->direct, pp->vnet_fd, true, f, n, s);
		break;
	case WAY_RING:
		tx_ring_send(&pp->tx_ring, f, n, s);
		break;
	}
}

/* Runs of frames that go the same way leave together. Every way has handed
 * its frames over when it returns, so the order between them holds. */
static void packet_tx(struct port *port, const struct frame *f, uint32_t n,
		      struct lane_stats *s)
{
	struct port_packet *pp = packet_of(port);
	uint32_t mtu = shared_read(&port->mtu);
	uint32_t from = 0;
	enum way way, next;

	if (!n)
		return;
	pp->direct.patient = pp->tx_ring.patient = port->patient;
	way = pp->tx_ops->way(pp, &f[0], mtu);
	for (uint32_t i = 1; i < n; i++) {
		next = pp->tx_ops->way(pp, &f[i], mtu);
		if (likely(next == way))
			continue;
		send_by(pp, way, &f[from], i - from, s);
		from = i;
		way = next;
	}
	send_by(pp, way, &f[from], n - from, s);
}

static void packet_rx(struct port *port, struct burst *b, struct lane_stats *s)
{
	rx_ring_take(&packet_of(port)->rx, b, s);
}

static void packet_release(struct port *port)
{
	rx_ring_release(&packet_of(port)->rx);
}

static int packet_rx_fd(struct port *port)
{
	return packet_of(port)->rx.fd;
}

static int packet_take_error(struct port *port)
{
	socklen_t len = sizeof(int);
	int err = 0;

	getsockopt(packet_rx_fd(port), SOL_SOCKET, SO_ERROR, &err, &len);
	return -err;
}

/* packet_notifier() unbinds at NETDEV_UNREGISTER: index -1 from then on. */
static bool packet_is_lost(struct port *port)
{
	const struct rx_ring *rx = &packet_of(port)->rx;

	return rx->map && !packet_is_bound(rx->fd, rx->index);
}

static int packet_start_rx(struct port *port)
{
	return rx_ring_start(&packet_of(port)->rx);
}

static int packet_stop_rx(struct port *port)
{
	return rx_ring_stop(&packet_of(port)->rx);
}

static void packet_fill(struct port *port, uint32_t *used, uint32_t *slots)
{
	const struct rx_ring *rx = &packet_of(port)->rx;

	*slots = rx->n_slots;
	*used = rx->map ? rx_ring_fill(rx) : 0;
}

static void packet_counters(struct port *port, struct port_counters *c)
{
	rx_ring_count(&packet_of(port)->rx, c);
}

static void packet_close(struct port *port)
{
	struct port_packet *pp = packet_of(port);

	rx_ring_close(&pp->rx);
	tx_ring_close(&pp->tx_ring);
	close_fd(&pp->plain_fd);
	close_fd(&pp->vnet_fd);
	free(pp);
}

static const struct port_ops port_packet_ops = {
	.name = "packet",
	.rx = packet_rx,
	.release = packet_release,
	.tx = packet_tx,
	.rx_fd = packet_rx_fd,
	.take_error = packet_take_error,
	.is_lost = packet_is_lost,
	.start_rx = packet_start_rx,
	.stop_rx = packet_stop_rx,
	.fill = packet_fill,
	.counters = packet_counters,
	.close = packet_close,
};

static int open_tx(struct port_packet *pp, const struct port_packet_params *p)
{
	enum tx_mode mode = p->tx_mode;

	if (mode == TX_AUTO)
		mode = tx_mode_auto(p->driver);
	pp->tx_ops = &tx_ops[mode];
	tx_direct_init(&pp->direct, p->patient);
	pp->plain_fd = tx_direct_open(p, false);
	if (pp->plain_fd < 0)
		return pp->plain_fd;
	pp->vnet_fd = tx_direct_open(p, true);
	if (pp->vnet_fd < 0)
		return pp->vnet_fd;
	return tx_ring_open(&pp->tx_ring, p,
			    mode == TX_RING ? p->tx_slots : RING_ODD);
}

int port_packet_open(struct port **portp, const struct port_packet_params *p)
{
	struct port_packet *pp = calloc(1, sizeof(*pp));
	int r = 0;

	if (!pp) {
		log_err("port %s: %s", p->name, strerror(ENOMEM));
		return -ENOMEM;
	}
	pp->port.ops = &port_packet_ops;
	pp->port.name = p->name;
	pp->port.mtu = p->mtu;
	pp->port.ready = p->ready;
	pp->port.patient = p->patient;
	pp->rx = (struct rx_ring)RX_RING_INIT;
	pp->tx_ring = (struct tx_ring)TX_RING_INIT;
	pp->plain_fd = pp->vnet_fd = -1;
	if (p->tx)
		r = open_tx(pp, p);
	if (!r && p->rx)
		r = rx_ring_open(&pp->rx, p);
	if (r) {
		packet_close(&pp->port);
		return r;
	}
	log_debug("port %s: rx %u slots of %u bytes, tx %s", p->name,
		  pp->rx.n_slots, pp->rx.slot_bytes,
		  pp->tx_ops ? pp->tx_ops->name : "none");
	*portp = &pp->port;
	return 0;
}
