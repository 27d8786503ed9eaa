/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets: how frames get onto the wire and off it, exactly. See wirecheck.h.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "wirecheck.h"

#define BLOCK_BYTES (64u << 10) /* small enough to be found in any memory */
#define NAP_NS (500 * NS_PER_US)
#define NO_PROGRESS_NS (10 * NS_PER_SEC)
#define RETRY_NS (100 * NS_PER_US)

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

int wire_index(const char *ifname)
{
	unsigned index = if_nametoindex(ifname);

	return index ? (int)index :
		       complain(-ENODEV, "%s: %s", ifname, strerror(errno));
}

int wire_mtu(const char *ifname)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int r;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	r = ioctl(fd, SIOCGIFMTU, &ifr);
	if (r)
		r = complain(-errno, "%s: MTU: %s", ifname, strerror(errno));
	close(fd);
	return r ? r : ifr.ifr_mtu;
}

static int wire_bind(int fd, const char *ifname, uint16_t protocol)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = wire_index(ifname),
	};

	if (address.sll_ifindex < 0)
		return address.sll_ifindex;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return complain(-errno, "%s: bind: %s", ifname,
				strerror(errno));
	return 0;
}

/* Frames for other hosts, too, as long as the socket lives; not our own. */
static int wire_listen(int fd, const char *ifname)
{
	struct packet_mreq promisc = {
		.mr_ifindex = wire_index(ifname),
		.mr_type = PACKET_MR_PROMISC,
	};
	int one = 1;

	if (promisc.mr_ifindex < 0)
		return promisc.mr_ifindex;
	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc,
		       sizeof(promisc)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one,
		       sizeof(one)))
		return complain(-errno, "%s: promiscuous: %s", ifname,
				strerror(errno));
	return 0;
}

int wire_open(const char *ifname, uint16_t protocol)
{
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	int r;

	if (fd < 0)
		return complain(-errno, "packet socket: %s", strerror(errno));
	r = protocol ? wire_listen(fd, ifname) : 0;
	if (!r)
		r = wire_bind(fd, ifname, protocol);
	if (!r)
		return fd;
	close(fd);
	return r;
}

int wire_send(int fd, struct mmsghdr *message, unsigned n)
{
	const struct timespec retry = { .tv_nsec = RETRY_NS };
	uint64_t progress_ns = 0;
	int sent;

	while (n) {
		sent = sendmmsg(fd, message, n, 0);
		if (sent > 0) {
			message += sent;
			n -= (unsigned)sent;
			progress_ns = 0;
			continue;
		}
		if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			return complain(-errno, "send of %zu bytes: %s",
					message->msg_hdr.msg_iov->iov_len,
					strerror(errno));
		if (!progress_ns)
			progress_ns = clock_now_ns();
		if (clock_now_ns() - progress_ns > NO_PROGRESS_NS)
			return complain(-ETIMEDOUT, "send: no progress");
		nanosleep(&retry, NULL);
	}
	return 0;
}

/* ---- a TX ring of one slot ---- */

struct wire_ring {
	int fd;
	uint32_t bytes, frame_bytes;
	uint8_t *map;
};

void wire_ring_free(struct wire_ring *r)
{
	if (!r)
		return;
	if (r->map)
		munmap(r->map, r->bytes);
	close_fd(&r->fd);
	free(r);
}

static int wire_ring_map(struct wire_ring *r)
{
	struct tpacket_req request;
	int version = TPACKET_V2, one = 1;
	void *map;

	r->bytes = (uint32_t)getpagesize();
	while (r->bytes < r->frame_bytes + 128)
		r->bytes *= 2;
	request = (struct tpacket_req){
		.tp_block_size = r->bytes, .tp_block_nr = 1,
		.tp_frame_size = r->bytes, .tp_frame_nr = 1,
	};
	/* The header beside the frame is what lifts the limit of the size. */
	if (setsockopt(r->fd, SOL_PACKET, PACKET_VERSION, &version,
		       sizeof(version)) ||
	    setsockopt(r->fd, SOL_PACKET, PACKET_VNET_HDR, &one,
		       sizeof(one)) ||
	    setsockopt(r->fd, SOL_PACKET, PACKET_TX_RING, &request,
		       sizeof(request)))
		return complain(-errno, "TX ring: %s", strerror(errno));
	map = mmap(NULL, r->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd,
		   0);
	if (map == MAP_FAILED)
		return complain(-errno, "TX ring: %s", strerror(errno));
	r->map = map;
	return 0;
}

struct wire_ring *wire_ring_new(const char *ifname, uint32_t frame_bytes)
{
	struct wire_ring *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->frame_bytes = frame_bytes;
	r->fd = wire_open(ifname, 0);
	if (r->fd >= 0 && !wire_ring_map(r))
		return r;
	wire_ring_free(r);
	return NULL;
}

int wire_ring_send(struct wire_ring *r, const uint8_t *frame, uint32_t len)
{
	struct tpacket2_hdr *slot = (struct tpacket2_hdr *)r->map;
	uint8_t *data = r->map + TPACKET_ALIGN(sizeof(*slot));
	uint32_t status;

	if (len > r->frame_bytes)
		return complain(-EMSGSIZE, "frame of %u bytes", len);
	memset(data, 0, sizeof(struct virtio_net_hdr));
	memcpy(data + sizeof(struct virtio_net_hdr), frame, len);
	slot->tp_len = len + (uint32_t)sizeof(struct virtio_net_hdr);
	__atomic_store_n(&slot->tp_status, TP_STATUS_SEND_REQUEST,
			 __ATOMIC_RELEASE);
	/* A blocking send() comes back when the slot is free again. */
	if (send(r->fd, NULL, 0, 0) < 0)
		return complain(-errno, "send of %u bytes: %s", len,
				strerror(errno));
	status = __atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE);
	if (status & (TP_STATUS_WRONG_FORMAT | TP_STATUS_SEND_REQUEST))
		return complain(-EIO, "send of %u bytes: TX ring status %x",
				len, status);
	return 0;
}

/* ---- the RX ring ---- */

struct wire_rx {
	int fd;
	uint8_t *map;
	size_t map_bytes;
	uint32_t slots, slot_bytes, head;
	uint64_t drops;
};

void wire_rx_free(struct wire_rx *rx)
{
	if (!rx)
		return;
	if (rx->map)
		munmap(rx->map, rx->map_bytes);
	close_fd(&rx->fd);
	free(rx);
}

static int wire_rx_map(struct wire_rx *rx, const char *ifname, uint64_t mib)
{
	int version = TPACKET_V2, reserve = 4 /* a tag's room */;
	int mtu = wire_mtu(ifname);
	struct tpacket_req request = { .tp_block_size = BLOCK_BYTES };
	void *map;

	if (mtu < 0)
		return mtu;
	rx->slot_bytes = 2048;
	while (rx->slot_bytes < (uint32_t)mtu + 14 + 2 * 4 + 128)
		rx->slot_bytes *= 2;
	if (request.tp_block_size < rx->slot_bytes)
		request.tp_block_size = rx->slot_bytes;
	request.tp_block_nr = (uint32_t)((mib << 20) / request.tp_block_size);
	rx->slots = request.tp_block_nr *
		    (request.tp_block_size / rx->slot_bytes);
	request.tp_frame_size = rx->slot_bytes;
	request.tp_frame_nr = rx->slots;
	if (setsockopt(rx->fd, SOL_PACKET, PACKET_VERSION, &version,
		       sizeof(version)) ||
	    setsockopt(rx->fd, SOL_PACKET, PACKET_RESERVE, &reserve,
		       sizeof(reserve)) ||
	    setsockopt(rx->fd, SOL_PACKET, PACKET_RX_RING, &request,
		       sizeof(request)))
		return complain(-errno, "%s: RX ring: %s", ifname,
				strerror(errno));
	rx->map_bytes = (size_t)rx->slots * rx->slot_bytes;
	map = mmap(NULL, rx->map_bytes, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_POPULATE, rx->fd, 0);
	if (map == MAP_FAILED)
		return complain(-errno, "%s: RX ring: %s", ifname,
				strerror(errno));
	rx->map = map;
	return 0;
}

struct wire_rx *wire_rx_new(const char *ifname, uint64_t ring_mib)
{
	struct wire_rx *rx = calloc(1, sizeof(*rx));

	if (!rx)
		return NULL;
	rx->fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (rx->fd < 0) {
		complain(-errno, "packet socket: %s", strerror(errno));
	} else if (!wire_rx_map(rx, ifname, ring_mib) &&
		   !wire_listen(rx->fd, ifname) &&
		   !wire_bind(rx->fd, ifname, ETH_P_ALL)) {
		return rx;
	}
	wire_rx_free(rx);
	return NULL;
}

static struct tpacket2_hdr *wire_rx_slot(const struct wire_rx *rx)
{
	return (struct tpacket2_hdr *)(rx->map +
				       (size_t)rx->head * rx->slot_bytes);
}

/*
 * A nap in place of poll(): a sleeper in poll() is woken by each frame, at the
 * cost of the sender's CPU, and that halves the rate. The ring bridges the nap.
 */
bool wire_rx_next(struct wire_rx *rx, bool nap, struct wire_frame *f)
{
	const struct timespec nap_time = { .tv_nsec = NAP_NS };
	struct tpacket2_hdr *slot = wire_rx_slot(rx);
	uint8_t *frame = (uint8_t *)slot;
	uint32_t status = __atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE);

	if (!(status & TP_STATUS_USER)) {
		if (nap)
			nanosleep(&nap_time, NULL);
		return false;
	}
	frame += slot->tp_mac;
	f->len = slot->tp_snaplen;
	f->truncated = slot->tp_snaplen < slot->tp_len;
	f->time_ns = slot->tp_sec * NS_PER_SEC + slot->tp_nsec;
	/* The tag's validity is a flag of its own: a TCI may be zero. */
	if (status & TP_STATUS_VLAN_VALID) {
		memmove(frame - 4, frame, 12);
		frame -= 4;
		put16(frame + 12, status & TP_STATUS_VLAN_TPID_VALID ?
					  slot->tp_vlan_tpid : ETH_P_8021Q);
		put16(frame + 14, slot->tp_vlan_tci);
		f->len += 4;
	}
	f->data = frame;
	return true;
}

void wire_rx_done(struct wire_rx *rx)
{
	__atomic_store_n(&wire_rx_slot(rx)->tp_status, TP_STATUS_KERNEL,
			 __ATOMIC_RELEASE);
	if (++rx->head == rx->slots)
		rx->head = 0;
}

uint64_t wire_rx_drops(struct wire_rx *rx)
{
	struct tpacket_stats stats;
	socklen_t size = sizeof(stats);

	if (!getsockopt(rx->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size))
		rx->drops += stats.tp_drops; /* reading clears it */
	return rx->drops;
}

void patience_start(struct patience *p)
{
	p->start_ns = p->looked_ns = clock_now_ns();
	fprintf(stderr, "wirecheck: listening\n");
	fflush(stderr);
}

/* A double may still follow the last frame that was hoped for. */
#define ENOUGH_MS 100
#define STOP_MS 300 /* of silence, once it is asked to stop */
#define HOPE 10
#define LOOK_NS (20 * NS_PER_MS)

static uint64_t idle_ms(const struct patience *p)
{
	if (p->enough)
		return p->idle_ms < ENOUGH_MS ? p->idle_ms : ENOUGH_MS;
	if (stop_asked())
		return STOP_MS;
	return p->hopes ? p->idle_ms * HOPE : p->idle_ms;
}

bool patience_over(struct patience *p, uint64_t now_ns)
{
	uint64_t look_ns = now_ns - p->looked_ns;

	p->looked_ns = now_ns;
	p->quiet_ns += look_ns < LOOK_NS ? look_ns : LOOK_NS;
	if (now_ns - p->start_ns > p->timeout_s * NS_PER_SEC)
		return true;
	return (p->heard || stop_asked()) &&
	       p->quiet_ns > idle_ms(p) * NS_PER_MS;
}
