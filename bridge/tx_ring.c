/* SPDX-License-Identifier: BSD-2-Clause */
/* See tx_ring.h. Kernel facts are from tpacket_snd() in af_packet.c. */
#include "config.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "clock.h"
#include "packet_socket.h"
#include "tx.h"
#include "tx_ring.h"

/* Without PACKET_TX_HAS_OFF the data starts right behind the header. */
#define DATA_OFFSET TPACKET_ALIGN(sizeof(struct tpacket2_hdr))
#define VNET_BYTES sizeof(struct virtio_net_hdr)
#define SNDBUF_BYTES (8 << 20)
#define SLOTS_MIN 16
/* How long the lane waits for a device or a qdisc that holds all slots. */
#define WAIT_NS (200 * NS_PER_US)

static int ring_map(struct tx_ring *ring, const struct port_packet_params *p,
		    uint32_t slots)
{
	uint32_t need = p->mtu + 14 + 2 * FRAME_TAG_BYTES + DATA_OFFSET +
			VNET_BYTES;
	struct packet_ring made = { .slot_bytes = 2048,
				    .slots_min = SLOTS_MIN,
				    .n_slots = slots };
	int r;

	while (made.slot_bytes < need)
		made.slot_bytes *= 2;
	r = packet_map_ring(ring->fd, p->name, PACKET_BUFFER_TX, &made);
	if (r)
		return r;
	ring->map = made.map;
	ring->slot_bytes = made.slot_bytes;
	ring->n_slots = made.n_slots;
	return 0;
}

int tx_ring_open(struct tx_ring *ring, const struct port_packet_params *p,
		 uint32_t slots)
{
	const struct packet_option option[] = {
		{ PACKET_VERSION, TPACKET_V2, "PACKET_VERSION" },
		{ PACKET_VNET_HDR, 1, "PACKET_VNET_HDR" },
	};
	int r;

	r = packet_open(p->name);
	if (r < 0)
		return r;
	ring->fd = r;
	ring->patient = p->patient;
	packet_set_buffer(ring->fd, PACKET_BUFFER_TX, SNDBUF_BYTES);
	if ((r = packet_set_options(ring->fd, p->name, option,
				    ARRAY_SIZE(option))) ||
	    (r = ring_map(ring, p, slots)))
		return r;
	return packet_bind(ring->fd, p->name, p->index, 0);
}

void tx_ring_close(struct tx_ring *ring)
{
	if (ring->map)
		munmap(ring->map, (size_t)ring->n_slots * ring->slot_bytes);
	close_fd(&ring->fd);
	*ring = (struct tx_ring)TX_RING_INIT;
}

uint32_t tx_ring_room(const struct tx_ring *ring)
{
	return ring->slot_bytes - (uint32_t)(DATA_OFFSET + VNET_BYTES);
}

static struct tpacket2_hdr *slot_at(const struct tx_ring *ring, uint32_t i)
{
	return (void *)(ring->map +
			(size_t)(i & (ring->n_slots - 1)) * ring->slot_bytes);
}

/* Time stamp bits may stand beside the state. */
static uint32_t slot_state(const struct tx_ring *ring, uint32_t i)
{
	return __atomic_load_n(&slot_at(ring, i)->tp_status,
			       __ATOMIC_ACQUIRE) &
	       (TP_STATUS_SEND_REQUEST | TP_STATUS_SENDING |
		TP_STATUS_WRONG_FORMAT);
}

static void slot_set(struct tx_ring *ring, uint32_t i, uint32_t state)
{
	__atomic_store_n(&slot_at(ring, i)->tp_status, state, __ATOMIC_RELEASE);
}

static void slot_fill(struct tx_ring *ring, uint32_t i, const struct frame *f)
{
	static const struct virtio_net_hdr nothing_to_do;
	struct tpacket2_hdr *slot = slot_at(ring, i);
	uint8_t *data = (uint8_t *)slot + DATA_OFFSET;

	memcpy(data, frame_is_plain(f) ? &nothing_to_do : &f->vnet, VNET_BYTES);
	memcpy(data + VNET_BYTES, f->data, f->len);
	slot->tp_len = f->len + (uint32_t)VNET_BYTES;
	slot_set(ring, i, TP_STATUS_SEND_REQUEST);
}

/*
 * Have the kernel take n slots from `first` on; the number that it took, and
 * in *err why it stopped. A kick that fails may have sent something, and one
 * that succeeds may have left something (full SO_SNDBUF): the slots tell. A
 * super-frame that failed is not tried again, for parts of it may be out.
 */
static uint32_t ring_kick(struct tx_ring *ring, uint32_t first, uint32_t n,
			  const struct frame *f, int *err)
{
	uint32_t taken = 0;

	*err = EAGAIN;
	for (int tries = 0;;) {
		uint32_t before = taken;
		bool super;

		*err = send(ring->fd, NULL, 0, MSG_DONTWAIT) < 0 ? errno : EAGAIN;
		while (taken < n && !(slot_state(ring, first + taken) &
				      (TP_STATUS_SEND_REQUEST |
				       TP_STATUS_WRONG_FORMAT)))
			taken++;
		if (taken == n)
			break;
		if (taken > before)
			tries = 0;
		super = frame_is_super(&f[taken]);
		if (*err == ENOBUFS && !super)
			*err = EAGAIN; /* the head is asked again as well */
		if (!tx_again(*err, ring->patient && !super, &tries))
			break;
	}
	return taken;
}

/* Fill free slots in order; how many. */
static uint32_t ring_fill(struct tx_ring *ring, const struct frame *f,
			  uint32_t n)
{
	uint32_t filled = 0;

	while (filled < n && filled < ring->n_slots &&
	       !slot_state(ring, ring->head + filled)) {
		slot_fill(ring, ring->head + filled, &f[filled]);
		filled++;
	}
	return filled;
}

/*
 * All slots are on their way: wait for the head, never hunt. A qdisc or a NIC
 * gives a slot back when the frame in it has left, so that a kick changes
 * nothing, and POLLOUT tells of the socket's buffer, not of the ring. Who has
 * waited in vain does not wait again before a slot came free, so that a ring
 * that is held costs a breath one wait, however many runs it has.
 */
static bool ring_wait(struct tx_ring *ring)
{
	uint64_t until_ns;
	int tries = 0;

	if (ring->patient) {
		while (slot_state(ring, ring->head))
			if (!tx_again(EAGAIN, true, &tries))
				return false;
		return true;
	}
	if (ring->is_held)
		return false;
	until_ns = clock_now_ns() + WAIT_NS;
	while (slot_state(ring, ring->head)) {
		if (clock_now_ns() >= until_ns) {
			ring->is_held = true;
			return false;
		}
		cpu_relax();
	}
	return true;
}

void tx_ring_send(struct tx_ring *ring, const struct frame *f, uint32_t n,
		  struct lane_stats *s)
{
	uint32_t done = 0;

	while (done < n) {
		uint32_t first = ring->head;
		uint32_t filled = ring_fill(ring, f + done, n - done);
		uint32_t taken;
		int err = EAGAIN;

		if (!filled) {
			if (ring_wait(ring))
				continue;
			stats_drop(s, REASON_TX_FULL, n - done);
			return;
		}
		ring->is_held = false;
		taken = ring_kick(ring, first, filled, f + done, &err);
		tx_count(s, f + done, taken);
		done += taken;
		ring->head = first + taken;
		if (taken == filled)
			continue;
		/* The kernel's head stays at the slot that failed: take back
		 * all behind it, and write the next frame into this slot. */
		for (uint32_t i = taken; i < filled; i++)
			slot_set(ring, first + i, TP_STATUS_AVAILABLE);
		stats_drop(s, tx_reason(err), 1);
		done++;
	}
}
