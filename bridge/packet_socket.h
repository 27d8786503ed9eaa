/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every AF_PACKET socket of ours has in common: how it is opened, told
 * its options, given a ring and bound, with errors that name the port.
 */
#ifndef BUMPWIRE_PACKET_SOCKET_H
#define BUMPWIRE_PACKET_SOCKET_H

#include <stdbool.h>

#include "base.h"

struct packet_option {
	int option;
	int value;
	const char *name;
};

/* A raw packet socket of protocol 0: it receives nothing until it is bound.
 * The fd, or -errno (logged, with the capability that is missing). */
int packet_open(const char *port);

/* Set SOL_PACKET options in order. 0, or -errno (logged). */
int packet_set_options(int fd, const char *port,
		       const struct packet_option *option, size_t n);

enum packet_buffer { PACKET_BUFFER_RX, PACKET_BUFFER_TX };

/* Ask for a large socket buffer: beyond the system's limit with
 * CAP_NET_ADMIN, within it without. */
void packet_set_buffer(int fd, enum packet_buffer which, int bytes);

struct packet_ring {
	uint32_t slot_bytes; /* a power of two */
	uint32_t slots_min;  /* a power of two */
	uint32_t n_slots;    /* as asked for; as it is: a power of two, too */
	uint8_t *map;	     /* n_slots * slot_bytes, the caller's to unmap */
};

/*
 * Have the kernel make a ring, and map it; the socket has its options. Slots
 * fill its blocks without a gap. Memory refused: half the slots, with a warning,
 * down to slots_min. 0, or -errno (logged): then there is no map.
 */
int packet_map_ring(int fd, const char *port, enum packet_buffer which,
		    struct packet_ring *ring);

/* Promiscuous by membership: counted by the kernel, ended with the socket. */
int packet_join_promisc(int fd, const char *port, int index);

/* Bind to an interface; protocol 0 sends only. packet_rebind() does not log. */
int packet_bind(int fd, const char *port, int index, uint16_t protocol);
int packet_rebind(int fd, int index, uint16_t protocol);
bool packet_is_bound(int fd, int index);

#endif
