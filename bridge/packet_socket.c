/* SPDX-License-Identifier: BSD-2-Clause */
/* See packet_socket.h. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "log.h"
#include "packet_socket.h"

#define BLOCK_BYTES (256u << 10) /* at most: easier to find free */

int packet_open(const char *port)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = -errno;

	if (fd >= 0)
		return fd;
	if (r == -EPERM)
		log_err("port %s: packet socket: no permission: needs "
			"CAP_NET_RAW (run as root, or: setcap "
			"cap_net_raw,cap_net_admin+ep PROGRAM)",
			port);
	else
		log_err("port %s: packet socket: %s", port, strerror(-r));
	return r;
}

int packet_set_options(int fd, const char *port,
		       const struct packet_option *option, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!setsockopt(fd, SOL_PACKET, option[i].option,
				&option[i].value, sizeof(option[i].value)))
			continue;
		int r = -errno;

		log_err("port %s: %s %d: %s", port, option[i].name,
			option[i].value, strerror(-r));
		return r;
	}
	return 0;
}

void packet_set_buffer(int fd, enum packet_buffer which, int bytes)
{
	static const struct {
		int force, plain;
	} option[] = {
		[PACKET_BUFFER_RX] = { SO_RCVBUFFORCE, SO_RCVBUF },
		[PACKET_BUFFER_TX] = { SO_SNDBUFFORCE, SO_SNDBUF },
	};

	if (setsockopt(fd, SOL_SOCKET, option[which].force, &bytes,
		       sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, option[which].plain, &bytes,
			   sizeof(bytes));
}

/* Slots and blocks are powers of two, so that slots fill blocks without a gap
 * and a slot's address is one multiplication. */
static int ring_try(int fd, int option, struct packet_ring *ring)
{
	uint64_t bytes = (uint64_t)ring->n_slots * ring->slot_bytes;
	struct tpacket_req req = {
		.tp_block_nr = 1,
		.tp_frame_size = ring->slot_bytes,
		.tp_frame_nr = ring->n_slots,
	};
	void *map;

	if (bytes > UINT32_MAX)
		return -ENOMEM; /* the kernel counts a ring in 32 bits */
	req.tp_block_size = (unsigned int)bytes;
	while (req.tp_block_size > BLOCK_BYTES) {
		req.tp_block_size /= 2;
		req.tp_block_nr *= 2;
	}
	if (setsockopt(fd, SOL_PACKET, option, &req, sizeof(req)))
		return -errno;
	map = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_POPULATE, fd, 0);
	if (map != MAP_FAILED) {
		ring->map = map;
		return 0;
	}
	memset(&req, 0, sizeof(req)); /* give the memory back */
	setsockopt(fd, SOL_PACKET, option, &req, sizeof(req));
	return -ENOMEM;
}

int packet_map_ring(int fd, const char *port, enum packet_buffer which,
		    struct packet_ring *ring)
{
	static const struct {
		int option;
		const char *name;
	} kind[] = {
		[PACKET_BUFFER_RX] = { PACKET_RX_RING, "rx" },
		[PACKET_BUFFER_TX] = { PACKET_TX_RING, "tx" },
	};
	uint32_t asked = ring->n_slots;
	int r;

	ring->map = NULL;
	for (ring->n_slots = ring->slots_min; ring->n_slots < asked;)
		ring->n_slots *= 2;
	while ((r = ring_try(fd, kind[which].option, ring)) == -ENOMEM &&
	       ring->n_slots > ring->slots_min) {
		log_warn("port %s: %s ring of %u slots of %u bytes: %s; "
			 "trying half", port, kind[which].name, ring->n_slots,
			 ring->slot_bytes, strerror(ENOMEM));
		ring->n_slots /= 2;
	}
	if (r)
		log_err("port %s: %s ring of %u slots of %u bytes: %s", port,
			kind[which].name, ring->n_slots, ring->slot_bytes,
			strerror(-r));
	return r;
}

int packet_join_promisc(int fd, const char *port, int index)
{
	struct packet_mreq req = {
		.mr_ifindex = index,
		.mr_type = PACKET_MR_PROMISC,
	};
	int r;

	if (!setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &req,
			sizeof(req)))
		return 0;
	r = -errno;
	log_err("port %s: promiscuous mode: %s", port, strerror(-r));
	return r;
}

int packet_rebind(int fd, int index, uint16_t protocol)
{
	struct sockaddr_ll sll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = index,
	};

	return bind(fd, (struct sockaddr *)&sll, sizeof(sll)) ? -errno : 0;
}

int packet_bind(int fd, const char *port, int index, uint16_t protocol)
{
	int r = packet_rebind(fd, index, protocol);

	if (r)
		log_err("port %s: bind: %s", port, strerror(-r));
	return r;
}

bool packet_is_bound(int fd, int index)
{
	struct sockaddr_ll address = { 0 };
	socklen_t len = sizeof(address);

	return getsockname(fd, (struct sockaddr *)&address, &len) ||
	       address.sll_ifindex == index;
}
