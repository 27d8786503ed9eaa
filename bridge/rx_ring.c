/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See rx_ring.h. Kernel facts are from packet(7), packet_mmap.rst and
 * net/packet/af_packet.c.
 */
#include "config.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "clock.h"
#include "log.h"
#include "packet_socket.h"
#include "rx_ring.h"

/* Behind tpacket2_hdr and sockaddr_ll the kernel aligns, then leaves room for
 * PACKET_RESERVE and the vnet header: a frame starts less than this far in. */
#define SLOT_OVERHEAD 112
#define SLOTS_MIN 64
#define PREFETCH_SLOTS 3
#define PROTOCOL_NEVER 0xffff /* reserved by RFC 1701 */
#define VNET_BYTES sizeof(struct virtio_net_hdr)
/* In a copy-path buffer the frame starts 16-aligned behind header and tag. */
#define BIG_OFFSET 32
#define BIG_BYTES ((BIG_OFFSET + FRAME_MAX_BYTES + 4095u) & ~4095u)
#define BIG_FRAMES_BYTES ((size_t)RX_BIG_FRAMES * BIG_BYTES)
/* The copy path queues whole super-frames on the socket. */
#define RCVBUF_BYTES (64 << 20)

static uint32_t slot_bytes_for(const struct port_packet_params *p)
{
	uint32_t need = p->slot_bytes;
	uint32_t slot = 2048;

	if (!need)
		need = p->mtu + 14 + 2 * FRAME_TAG_BYTES + SLOT_OVERHEAD;
	while (slot < need && slot < 65536)
		slot *= 2;
	return slot;
}

static int ring_map(struct rx_ring *ring, const struct port_packet_params *p)
{
	struct packet_ring made = { .slot_bytes = slot_bytes_for(p),
				    .slots_min = SLOTS_MIN,
				    .n_slots = p->rx_slots };
	int r = packet_map_ring(ring->fd, p->name, PACKET_BUFFER_RX, &made);

	if (r)
		return r;
	ring->map = made.map;
	ring->slot_bytes = made.slot_bytes;
	ring->n_slots = made.n_slots;
	return 0;
}

static int ring_options(const struct rx_ring *ring)
{
	const struct packet_option option[] = {
		{ PACKET_VERSION, TPACKET_V2, "PACKET_VERSION" },
		{ PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING" },
		{ PACKET_RESERVE, FRAME_HEADROOM, "PACKET_RESERVE" },
		{ PACKET_VNET_HDR, 1, "PACKET_VNET_HDR" },
		{ PACKET_COPY_THRESH, 1, "PACKET_COPY_THRESH" },
	};

	return packet_set_options(ring->fd, ring->name, option,
				  ARRAY_SIZE(option));
}

static int take_nothing(const struct rx_ring *ring)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { 1, &nothing };

	if (!setsockopt(ring->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			sizeof(program)))
		return 0;
	return -errno;
}

/* What is taken from now on: what the guard leaves to us, or all. */
static int take_what_is_ours(const struct rx_ring *ring)
{
	int none = 0, r;

	if (ring->filter_fd < 0)
		r = setsockopt(ring->fd, SOL_SOCKET, SO_DETACH_FILTER, &none,
			       sizeof(none));
	else
		r = setsockopt(ring->fd, SOL_SOCKET, SO_ATTACH_BPF,
			       &ring->filter_fd, sizeof(ring->filter_fd));
	return r ? -errno : 0;
}

static int set_filter(const struct rx_ring *ring, bool idle)
{
	int r = 0;

	if (idle)
		r = take_nothing(ring);
	else if (ring->filter_fd >= 0)
		r = take_what_is_ours(ring);
	if (r)
		log_err("port %s: a socket filter: %s", ring->name,
			strerror(-r));
	return r;
}

int rx_ring_open(struct rx_ring *ring, const struct port_packet_params *p)
{
	int r;

	ring->name = p->name;
	ring->index = p->index;
	ring->filter_fd = p->filter_fd;
	/* There from the start: no page is asked for when frames are there. And
	 * not of the heap, which would keep what it was given back. */
	ring->big = mmap(NULL, BIG_FRAMES_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (ring->big == MAP_FAILED) {
		ring->big = NULL;
		log_err("port %s: %s", p->name, strerror(ENOMEM));
		return -ENOMEM;
	}
	r = packet_open(p->name);
	if (r < 0)
		return r;
	ring->fd = r;
	packet_set_buffer(ring->fd, PACKET_BUFFER_RX, RCVBUF_BYTES);
	if ((r = ring_options(ring)) || (r = ring_map(ring, p)) ||
	    (r = packet_join_promisc(ring->fd, p->name, p->index)))
		return r;
	if ((r = set_filter(ring, p->idle)))
		return r;
	return packet_bind(ring->fd, p->name, p->index, ETH_P_ALL);
}

void rx_ring_close(struct rx_ring *ring)
{
	if (ring->map)
		munmap(ring->map, (size_t)ring->n_slots * ring->slot_bytes);
	close_fd(&ring->fd);
	if (ring->big)
		munmap(ring->big, BIG_FRAMES_BYTES);
	*ring = (struct rx_ring)RX_RING_INIT;
}

static struct tpacket2_hdr *slot_at(const struct rx_ring *ring, uint32_t i)
{
	return (void *)(ring->map + (size_t)i * ring->slot_bytes);
}

/*
 * The whole frame of a slot marked TP_STATUS_COPY waits in the socket's queue,
 * in slot order, with its vnet header in front. An error that is pending on
 * the socket is told first, by one failing call.
 */
static bool big_take(struct rx_ring *ring, uint32_t len, struct frame *f)
{
	uint8_t *buf = ring->big + (size_t)ring->n_big * BIG_BYTES + BIG_OFFSET;
	ssize_t n = -1;

	for (int i = 0; i < 3 && n < 0; i++)
		n = recv(ring->fd, buf - VNET_BYTES, BIG_BYTES - BIG_OFFSET,
			 MSG_DONTWAIT | MSG_TRUNC);
	if (n != (ssize_t)(len + VNET_BYTES) || len > FRAME_MAX_BYTES)
		return false;
	f->data = buf;
	f->len = len;
	ring->n_big++;
	return true;
}

/* A slot's header and the start of its frame, which another CPU has written:
 * worth 2 to 3 % of the rate at 60 bytes. */
static void slot_prefetch(const struct rx_ring *ring, uint32_t i)
{
	const uint8_t *slot = (void *)slot_at(ring, i & (ring->n_slots - 1));

	__builtin_prefetch(slot);
	__builtin_prefetch(slot + 64);
	__builtin_prefetch(slot + 128);
}

/* View one slot as a frame: its bytes, its unfinished work, its tag. */
static bool slot_view(struct rx_ring *ring, struct tpacket2_hdr *slot,
		      uint32_t status, struct frame *f)
{
	f->data = (uint8_t *)slot + slot->tp_mac;
	f->len = slot->tp_len;
	if (unlikely(slot->tp_snaplen < slot->tp_len) &&
	    (!(status & TP_STATUS_COPY) || !big_take(ring, slot->tp_len, f)))
		return false;
	f->time_ns = slot->tp_sec * NS_PER_SEC + slot->tp_nsec;
	f->held = NULL;
	memcpy(&f->vnet, f->data - VNET_BYTES, VNET_BYTES);
	/* A priority tag is a tag: test the flag, never the tci. */
	if (status & TP_STATUS_VLAN_VALID)
		frame_push_tag(f,
			       status & TP_STATUS_VLAN_TPID_VALID ?
				       slot->tp_vlan_tpid : ETH_P_8021Q,
			       slot->tp_vlan_tci);
	return true;
}

void rx_ring_take(struct rx_ring *ring, struct burst *b, struct lane_stats *s)
{
	uint64_t bytes = 0;
	uint32_t lost = 0;

	while (ring->n_lent < BURST_RX && ring->n_big < RX_BIG_FRAMES) {
		struct tpacket2_hdr *slot = slot_at(ring, ring->head);
		struct frame *f = &b->frame[b->n];
		uint32_t status =
			__atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE);

		if (!(status & TP_STATUS_USER))
			break;
		shared_write(&ring->head, (ring->head + 1) & (ring->n_slots - 1));
		ring->n_lent++;
		slot_prefetch(ring, ring->head + PREFETCH_SLOTS);
		if (likely(slot_view(ring, slot, status, f)))
			b->n++;
		else
			lost++;
		bytes += f->len;
	}
	if (b->n + lost) {
		counter_add(&s->received_frames, b->n + lost);
		counter_add(&s->received_bytes, bytes);
	}
	if (unlikely(lost))
		stats_drop(s, REASON_TRUNCATED, lost);
}

void rx_ring_release(struct rx_ring *ring)
{
	uint32_t i = (ring->head - ring->n_lent) & (ring->n_slots - 1);

	for (; ring->n_lent; ring->n_lent--) {
		__atomic_store_n(&slot_at(ring, i)->tp_status, TP_STATUS_KERNEL,
				 __ATOMIC_RELEASE);
		i = (i + 1) & (ring->n_slots - 1);
	}
	ring->n_big = 0;
}

int rx_ring_start(struct rx_ring *ring)
{
	int r = take_what_is_ours(ring);

	if (r || !ring->unbound)
		return r;
	ring->unbound = false;
	return packet_bind(ring->fd, ring->name, ring->index, ETH_P_ALL);
}

/*
 * A filter that takes nothing ends the intake, but receivers on other CPUs may
 * be past it. Binding to another protocol makes the kernel wait for them
 * (synchronize_net() in packet_do_bind()), so the ring is final when this
 * returns. (Protocol 0 would not do: packet_bind() takes it for "as it was".)
 */
int rx_ring_stop(struct rx_ring *ring)
{
	int r = take_nothing(ring);

	if (r)
		return r;
	ring->unbound = true;
	r = packet_rebind(ring->fd, ring->index, PROTOCOL_NEVER);
	return r == -ENODEV || r == -ENETDOWN ? 0 : r;
}

/* Frames that wait: full slots from the next one on. Any thread may ask; the
 * lane goes on meanwhile. */
uint32_t rx_ring_fill(const struct rx_ring *ring)
{
	uint32_t head = shared_read(&ring->head);
	uint32_t n = 0;

	for (; n < ring->n_slots; n++) {
		uint32_t i = (head + n) & (ring->n_slots - 1);

		if (!(shared_read(&slot_at(ring, i)->tp_status) &
		      TP_STATUS_USER))
			break;
	}
	return n;
}

/* PACKET_STATISTICS is 32 bits wide and cleared by reading: one reader, who
 * adds up. tp_packets counts the dropped ones, too. */
void rx_ring_count(struct rx_ring *ring, struct port_counters *c)
{
	struct tpacket_stats st;
	socklen_t len = sizeof(st);

	if (!getsockopt(ring->fd, SOL_PACKET, PACKET_STATISTICS, &st, &len)) {
		ring->counters.offered_frames += st.tp_packets;
		ring->counters.ring_full_frames += st.tp_drops;
	}
	*c = ring->counters;
}
