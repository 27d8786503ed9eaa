/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Super-frames made of words, such as "eth ip4 udpc vxlan eth ip6 tcp", as a
 * sending host's stack makes them; and a judge of what they are cut into,
 * which knows the headers from the words. It shares no code with the bridge.
 */
#ifndef SUPER_FRAMES_H
#define SUPER_FRAMES_H

#include "frame.h"
#include "rng.h"

#define SUPER_LAYERS_MAX 16
#define SUPER_HEADROOM FRAME_HEADROOM

struct super_layer {
	char word[8];
	uint32_t at;
	uint32_t bytes; /* of the header */
};

struct super {
	uint8_t *memory; /* headroom and the frame, not a byte more */
	struct frame f;
	struct super_layer layer[SUPER_LAYERS_MAX]; /* the last: layer 4 */
	size_t n;
	uint32_t payload_at;
};

/*
 * Words: eth vlan qinq mpls ip4 ip4o (options) ip6 ip6x (an extension header)
 * udp (no checksum, unless it is the last) udpc vxlan gpe geneve geno
 * (options) gre grek (key) grec (checksum) greck grekcs (sequence number too)
 * tcp tcpo (options). What the words leave open is random. Ends the test on a
 * word that it does not know.
 */
void super_make(struct super *s, const char *words, uint32_t payload_bytes,
		uint16_t gso_size, struct rng *rng);
void super_free(struct super *s);

/* The i-th of n segments; `at` bytes of payload were in those before. Ends the
 * test if it is not what it should be; returns its bytes of payload. */
uint32_t super_judge(const struct super *s, const uint8_t *data, uint32_t len,
		     uint32_t i, uint32_t n, uint32_t at);

#endif
