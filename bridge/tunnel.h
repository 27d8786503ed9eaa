/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a frame's first byte through tags and encapsulations to the layer 4
 * that its segments share: VXLAN, VXLAN-GPE, GENEVE and IP in UDP (FOU), GRE,
 * IP in IP of all four kinds, MPLS. Pure, and it believes nothing: all that it
 * names lies before that layer 4, which is where the kernel says.
 */
#ifndef BUMPWIRE_TUNNEL_H
#define BUMPWIRE_TUNNEL_H

#include <stdbool.h>

#include "base.h"

#define TUNNEL_LAYERS_MAX 8

/* Headers with something in them that the bytes behind them decide. */
enum tunnel_kind {
	TUNNEL_IPV4, /* length, identification, checksum */
	TUNNEL_IPV6, /* length */
	TUNNEL_UDP,  /* length, checksum unless it is 0; behind an IP layer */
	TUNNEL_GRE,  /* checksum; one without has no layer here */
};

struct tunnel_layer {
	enum tunnel_kind kind;
	uint32_t at; /* first byte of the header */
};

struct tunnel {
	struct tunnel_layer layer[TUNNEL_LAYERS_MAX]; /* outermost first */
	uint8_t n;          /* at least 1; the last one is IP */
	uint8_t protocol;   /* of the layer 4: IPPROTO_TCP or IPPROTO_UDP */
	uint32_t transport; /* where it begins */
};

/*
 * Walk to the layer 4 at `transport`, at most `len`. 0, or -EINVAL: no way of
 * reading the headers leads to TCP or UDP just there, or one of them could not
 * be copied to several frames: a fragment, GRE with sequence numbers, a
 * jumbogram, an authentication header.
 */
int tunnel_walk(struct tunnel *t, const uint8_t *data, uint32_t transport);

#endif
