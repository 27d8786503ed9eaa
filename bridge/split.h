/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * By which of two ports a replayed frame leaves: 0 is left, the first -i.
 *
 *   interface  the capture's interface 0 left, all others right
 *   direction  what came in where it was captured left, what went out right
 *   mac=LIST   from these source addresses left, others right
 *   net=LIST   from these networks left (IPv4, IPv6, senders of ARP), other
 *              IP right; what has no address, or one that tells no network
 *              (none yet, or link-local), goes where its MAC went, at first left
 *   client     who opens a conversation left, who answers right
 *   auto       by the first frame: interface if the capture names several,
 *              direction if it tells any, else client
 *
 * client: a conversation is two addresses with their ports, or the id of an
 * echo, else two MAC addresses; its two ends leave by opposite sides, and keep
 * them. Its first frame decides. The client is who sends TCP's SYN, or whom a
 * SYN+ACK goes to; who asks by echo, ARP or neighbour discovery; else who
 * speaks first, unless that is from a port below 1024 to one above, as a server
 * does where the capture began late, or is an ICMP error.
 * Who asks for a neighbour does so on the side that its MAC was last seen on. A
 * multicast leaves there, too (at first left; a server's answer right). Later
 * fragments go as the first one, or what these addresses last began, went.
 *
 * It remembers 65536 conversations and stations in a table of 2.5 MiB; of
 * those that collide, four to a bucket, the one not seen for longest gives way.
 */
#ifndef BUMPWIRE_SPLIT_H
#define BUMPWIRE_SPLIT_H

#include "capture.h"

#define SPLIT_LIST_MAX 64
#define SPLIT_ALLOWED \
	"interface, direction, mac=ADDR,..., net=CIDR,..., client or auto"

enum split_mode {
	SPLIT_AUTO,
	SPLIT_INTERFACE,
	SPLIT_DIRECTION,
	SPLIT_MAC,
	SPLIT_NET,
	SPLIT_CLIENT,
};

struct split_net {
	uint8_t version; /* 4 or 6 */
	uint8_t bits;
	uint8_t address[16];
};

struct split_params {
	enum split_mode mode;
	uint8_t mac[SPLIT_LIST_MAX][6];
	struct split_net net[SPLIT_LIST_MAX];
	size_t n; /* of either list */
};

/* 0, or -EINVAL (not logged; SPLIT_ALLOWED says what is right): *p is as it
 * was. */
int split_parse(struct split_params *p, const char *text);

struct split;

/* 0 or -ENOMEM (logged). */
int split_new(struct split **sp, const struct split_params *p);
void split_free(struct split *s);

struct split_input {
	const uint8_t *data;
	uint32_t len;          /* at least FRAME_MIN_BYTES */
	uint32_t interface;    /* in its file */
	uint32_t n_interfaces; /* that the file has named so far */
	enum direction direction;
};

/* 0 left, 1 right. */
uint8_t split_side(struct split *s, const struct split_input *in);

/* What auto has become, once there was a frame. */
enum split_mode split_mode_of(const struct split *s);
const char *split_mode_name(enum split_mode mode);

#endif
