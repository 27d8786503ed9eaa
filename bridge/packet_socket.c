/* SPDX-License-Identifier: BSD-2-Clause */
/* See packet_socket.h. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>

#include "log.h"
#include "packet_socket.h"

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
