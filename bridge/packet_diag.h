/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packet sockets of this network namespace, as `ss -0` lists them: what
 * they are bound to, and whose they are. By NETLINK_SOCK_DIAG, see
 * linux/packet_diag.h and net/packet/diag.c.
 */
#ifndef BUMPWIRE_PACKET_DIAG_H
#define BUMPWIRE_PACKET_DIAG_H

#include <stdbool.h>

#include "base.h"

struct packet_diag_socket {
	int index;         /* of the interface; 0: all of them */
	unsigned int type; /* SOCK_RAW, SOCK_DGRAM */
	uint16_t protocol; /* an ethertype; 3 (ETH_P_ALL): all; 0: it only
			    * sends */
	uint32_t inode;
	bool has_fanout;
	uint16_t fanout; /* the group */
	uint64_t rx_ring_bytes;
	uint64_t tx_ring_bytes;
	int pid;       /* a process that holds it; 0: not to be seen */
	char name[16]; /* of that process, or "" */
};

struct packet_diag {
	struct packet_diag_socket *socket;
	size_t n;
};

/*
 * List them all. Owners are found in /proc/PID/fd as far as it can be read; of
 * several processes with one socket any is told. 0; -ENOENT or -EOPNOTSUPP (not
 * logged) when the kernel cannot tell; other -errno (logged).
 */
int packet_diag_read(struct packet_diag *diag);
void packet_diag_fini(struct packet_diag *diag);

#endif
