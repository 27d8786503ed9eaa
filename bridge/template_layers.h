/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The layers that a template is made of and their fields, as tables: names,
 * places, widths, and what they hold if nobody says. Help and manual pages may
 * be printed from them.
 */
#ifndef BUMPWIRE_TEMPLATE_LAYERS_H
#define BUMPWIRE_TEMPLATE_LAYERS_H

#include <stdbool.h>

#include "template_value.h"

#define TEMPLATE_FIELDS_MAX 16 /* of one layer */

/* Layers stand in a frame in this order. */
enum template_rank {
	TEMPLATE_ETH,
	TEMPLATE_VLAN,      /* any number of them */
	TEMPLATE_NETWORK,   /* one at most */
	TEMPLATE_TRANSPORT, /* one at most */
	TEMPLATE_PAYLOAD,   /* any number of them */
};

/* What is worked out for a field that is not given. */
enum template_auto {
	TEMPLATE_AUTO_NONE,
	TEMPLATE_AUTO_TYPE,  /* ethertype of the network layer */
	TEMPLATE_AUTO_PROTO, /* protocol of the transport layer */
	TEMPLATE_AUTO_LEN,
	TEMPLATE_AUTO_CSUM,
};

struct template_field {
	const char *name;
	struct template_syntax syntax;
	uint8_t at;    /* its first byte in the layer's header */
	uint8_t bytes; /* that it lies in: 1, 2, 4, 6 or 16 */
	uint8_t shift; /* from the last bit of these to its own last */
	/*
	 * Who receives a frame finds the payload by it, so it may not change
	 * where there is a stamp to find.
	 */
	bool shapes;
	bool pseudo; /* part of the pseudo-header of TCP and UDP */
	enum template_auto by_itself;
	const char *preset; /* as a user would write it; NULL: worked out */
	const char *help;
};

struct template_layer_info {
	const char *name; /* as an option, without its dashes */
	enum template_rank rank;
	uint16_t id; /* ethertype, or protocol over IPv4 */
	uint8_t bytes; /* of header */
	const struct template_field *field;
	size_t n_fields; /* 0: it takes bytes, not fields */
	const char *help;
};

extern const struct template_layer_info template_layers[];
extern const size_t template_n_layers;

/* NULL if there is none of that name. */
const struct template_layer_info *template_layer_find(const char *name);

/* NULL if the layer has none of that name. */
const struct template_field *
template_field_find(const struct template_layer_info *layer, const char *name);

#endif
