/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The template's inside: template.c gathers its parts, template_build.c lays
 * them out as a frame, template_sum.c works out sizes and checksums.
 */
#ifndef BUMPWIRE_TEMPLATE_BUILD_H
#define BUMPWIRE_TEMPLATE_BUILD_H

#include "template.h"
#include "template_parse.h"

#define TEMPLATE_TAGS_MAX 8

struct template {
	uint64_t seed;
	bool finished;
	struct template_layer eth;
	struct template_layer tag[TEMPLATE_TAGS_MAX];
	uint32_t n_tags;
	struct template_layer network;
	struct template_layer transport;
	struct template_bytes payload; /* or the whole frame */
	bool has_payload;
	const struct template_layer_info *last; /* added; NULL: none so far */
	bool only_hex;   /* no other layer so far */
	bool is_capture; /* the payload is a whole frame from memory */
	uint8_t source[6];
	bool has_source;
	bool has_size;
	bool imix;
	struct template_value size;
	struct template_plan plan;
};

/* Where the headers lie. */
struct template_layout {
	uint32_t network;   /* behind the ethertype */
	uint32_t transport; /* behind the network layer */
	uint32_t payload;   /* behind the transport layer */
	uint16_t protocol;  /* of the transport layer; 0: none */
	bool ip;            /* network is IPv4 or IPv6 */
	bool pseudo;        /* the transport's checksum covers addresses */
};

/* template_build.c: fill the plan of a template of layers. */
int template_build(struct template *t);

/* template_sum.c: plan->size[] and base_bytes, without sums. */
int template_size_up(struct template *t, const struct template_layout *at);
/* ... and the sums, of a base in which all that changes is 0. */
int template_sum_up(struct template *t, const struct template_layout *at);
/* The sum of n bytes from an even place, folded. */
uint16_t template_sum(const uint8_t *from, uint32_t n);

#endif
