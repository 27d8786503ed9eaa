/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See template_build.h: completes the layers, lays them out as a frame, and
 * lists what changes.
 */
#include "config.h"

#include <errno.h>

#include "be.h"
#include "frame.h"
#include "log.h"
#include "stamp.h"
#include "template_build.h"

#define ETHERTYPE_LOCAL 0x88b5 /* IEEE 802: for local experiments */
#define PROTOCOL_LOCAL 253     /* RFC 3692: for experiments */
#define PROTOCOL_ICMP6 58
#define ICMP_ECHO 8
#define ICMP6_ECHO 128
#define ARP_REQUEST 1
#define MAC_ALL UINT64_C(0xffffffffffff)

static bool is_layer(const struct template_layer *layer, const char *name)
{
	return layer->info && !strcmp(layer->info->name, name);
}

/* Give a field a value unless the user did. */
static void default_to(struct template_layer *layer, const char *name,
		       const struct template_value *from)
{
	struct template_value *value;
	bool given;

	value = template_layer_value(layer, name, &given);
	if (!given)
		*value = *from;
}

static void default_number(struct template_layer *layer, const char *name,
			   uint64_t n)
{
	default_to(layer, name,
		   &(struct template_value){ .first = n, .last = n });
}

/* What ARP says by itself: the sender is the one of the Ethernet header, and a
 * request goes to all. */
static void fill_arp(struct template *t)
{
	bool given;
	const struct template_value *op, *src;

	src = template_layer_value(&t->eth, "src", &given);
	/* Two fields draw apart, so a random one can't be had twice. */
	if (src->kind == TEMPLATE_RANDOM)
		default_number(&t->network, "sha", UINT64_C(0x020000000001));
	else
		default_to(&t->network, "sha", src);
	op = template_layer_value(&t->network, "op", &given);
	if (op->kind == TEMPLATE_FIXED && op->first == ARP_REQUEST)
		default_number(&t->eth, "dst", MAC_ALL);
}

/* Layers and values that follow from the others. */
static void fill_in(struct template *t)
{
	bool icmp6;

	if (t->transport.info && !t->network.info)
		template_layer_init(&t->network, template_layer_find("ip"));
	icmp6 = is_layer(&t->transport, "icmp") && is_layer(&t->network, "ip6");
	if (t->has_source)
		default_number(&t->eth, "src", template_get(t->source, 6));
	default_number(&t->eth, "type",
		       t->network.info ? t->network.info->id : ETHERTYPE_LOCAL);
	if (is_layer(&t->network, "arp"))
		fill_arp(t);
	else if (t->network.info)
		default_number(&t->network, "proto",
			       icmp6	       ? PROTOCOL_ICMP6 :
			       t->transport.info ? t->transport.info->id :
						   PROTOCOL_LOCAL);
	if (is_layer(&t->transport, "icmp"))
		default_number(&t->transport, "type",
			       icmp6 ? ICMP6_ECHO : ICMP_ECHO);
}

static void lay_out(const struct template *t, struct template_layout *at)
{
	bool icmp = is_layer(&t->transport, "icmp");
	bool ip6 = is_layer(&t->network, "ip6");

	at->network = FRAME_MIN_BYTES + FRAME_TAG_BYTES * t->n_tags;
	at->transport = at->network;
	if (t->network.info)
		at->transport += t->network.info->bytes;
	at->payload = at->transport;
	if (t->transport.info) {
		at->payload += t->transport.info->bytes;
		at->protocol = icmp && ip6 ? PROTOCOL_ICMP6 :
					     t->transport.info->id;
	}
	at->ip = ip6 || is_layer(&t->network, "ip");
	at->pseudo = t->transport.info && (!icmp || ip6);
}

/* Where to write a length or checksum that is not given; 0: it is given, or
 * there is none. */
static uint32_t place_of(const struct template_layer *layer, uint32_t at,
			 enum template_auto what)
{
	for (size_t i = 0; layer->info && i < layer->info->n_fields; i++) {
		if (layer->info->field[i].by_itself == what &&
		    !(layer->given >> i & 1))
			return at + layer->info->field[i].at;
	}
	return 0;
}

static void place_autos(struct template *t, const struct template_layout *at)
{
	struct template_plan *plan = &t->plan;
	bool ip6 = is_layer(&t->network, "ip6");

	plan->payload = at->payload;
	plan->ip_len = place_of(&t->network, at->network, TEMPLATE_AUTO_LEN);
	plan->ip_len_from = ip6 ? at->transport : at->network;
	plan->ip_csum = place_of(&t->network, at->network, TEMPLATE_AUTO_CSUM);
	plan->udp = is_layer(&t->transport, "udp");
	plan->udp_len = place_of(&t->transport, at->transport,
				 TEMPLATE_AUTO_LEN);
	plan->l4_csum = place_of(&t->transport, at->transport,
				 TEMPLATE_AUTO_CSUM);
}

/* The checksums that this field of this layer is part of. */
static uint8_t sums_of(const struct template *t,
		       const struct template_layer *layer,
		       const struct template_field *field,
		       const struct template_layout *at)
{
	uint8_t sums = 0;

	if (layer == &t->network && t->plan.ip_csum)
		sums |= TEMPLATE_SUM_IP;
	if (t->plan.l4_csum && (layer == &t->transport ||
				(field->pseudo && at->pseudo)))
		sums |= TEMPLATE_SUM_L4;
	return sums;
}

/* Write the field if it stays, list it if it changes. */
static int place_field(struct template *t, struct template_layer *layer,
		       size_t i, uint32_t from,
		       const struct template_layout *at)
{
	const struct template_field *field = &layer->info->field[i];
	const struct template_value *value = &layer->value[i];
	struct template_change change = {
		.layer = layer->info->name,
		.field = field->name,
		.value = *value,
		.offset = from + field->at,
		.bytes = field->bytes,
		.bits = field->syntax.bits,
		.shift = field->shift,
		.sums = sums_of(t, layer, field, at),
	};

	if (field->by_itself == TEMPLATE_AUTO_TYPE)
		change.offset += FRAME_TAG_BYTES * t->n_tags;
	if (value->kind != TEMPLATE_COUNT && value->first == value->last) {
		template_write(t->plan.base, &change, value->first);
		return 0;
	}
	if (t->plan.stamped && field->shapes) {
		log_err("--%s %s: it may not change in stamped frames: the "
			"stamp could not be found", change.layer, change.field);
		return -EINVAL;
	}
	t->plan.change[t->plan.n_changes++] = change;
	return 0;
}

static int place_layer(struct template *t, struct template_layer *layer,
		       uint32_t from, const struct template_layout *at)
{
	int r = 0;

	for (size_t i = 0; layer->info && i < layer->info->n_fields && !r; i++)
		r = place_field(t, layer, i, from, at);
	return r;
}

static int place_layers(struct template *t, const struct template_layout *at)
{
	size_t n = (size_t)(3 + t->n_tags) * TEMPLATE_FIELDS_MAX;
	int r;

	t->plan.change = calloc(n, sizeof(*t->plan.change));
	if (!t->plan.change)
		return -ENOMEM;
	r = place_layer(t, &t->eth, 0, at);
	for (uint32_t i = 0; i < t->n_tags && !r; i++)
		r = place_layer(t, &t->tag[i], 12 + FRAME_TAG_BYTES * i, at);
	if (!r)
		r = place_layer(t, &t->network, at->network, at);
	if (!r)
		r = place_layer(t, &t->transport, at->transport, at);
	return r;
}

/* Room for a stamp, what was given, then a pattern: 0, 1, 2, ... Behind ARP,
 * and where a frame is only made 60 bytes long, zeros, as of padding. */
static void place_payload(struct template *t)
{
	struct template_plan *plan = &t->plan;
	uint32_t at = plan->payload + (plan->stamped ? STAMP_BYTES : 0);

	if (t->payload.n)
		memcpy(plan->base + at, t->payload.data, t->payload.n);
	if (is_layer(&t->network, "arp") || (t->has_payload && !t->has_size))
		return;
	for (uint32_t i = at + t->payload.n; i < plan->base_bytes; i++)
		plan->base[i] = (uint8_t)(i - plan->payload);
}

void template_complete(uint8_t *frame, const struct template_plan *plan,
		       const struct template_size *size, uint64_t ip_sum,
		       uint64_t l4_sum)
{
	uint32_t end = size->len - plan->padding;

	if (plan->ip_len)
		be16_put(frame + plan->ip_len, end - plan->ip_len_from);
	if (plan->udp_len)
		be16_put(frame + plan->udp_len, end - (plan->udp_len - 4));
	if (plan->ip_csum)
		be16_put(frame + plan->ip_csum, template_csum(ip_sum, false));
	if (plan->l4_csum)
		be16_put(frame + plan->l4_csum,
			 template_csum(l4_sum, plan->udp));
}

/* The base becomes the first frame: what changes gets its first value. */
static void complete_base(struct template_plan *plan)
{
	const struct template_size *size = &plan->size[0];
	uint64_t ip_sum = size->ip_sum, l4_sum = size->l4_sum;

	for (uint32_t i = 0; i < plan->n_changes; i++) {
		const struct template_change *c = &plan->change[i];
		uint64_t sum = template_write(plan->base, c, c->value.first);

		if (c->sums & TEMPLATE_SUM_IP)
			ip_sum += sum;
		if (c->sums & TEMPLATE_SUM_L4)
			l4_sum += sum;
	}
	template_complete(plan->base, plan, size, ip_sum, l4_sum);
	if (plan->stamped)
		stamp_put(plan->base + plan->payload, size->rest_sum,
			  &(struct stamp){ 0 });
}

int template_build(struct template *t)
{
	struct template_layout at = { 0 };
	int r;

	fill_in(t);
	lay_out(t, &at);
	place_autos(t, &at);
	if (t->plan.stamped && is_layer(&t->network, "arp")) {
		log_err("--arp: it carries no stamp");
		return -EINVAL;
	}
	r = template_size_up(t, &at);
	if (r)
		return r;
	if (t->plan.stamped && t->plan.n_sizes > 1 && at.ip &&
	    !t->plan.ip_len) {
		log_err("--%s len: stamped frames of several sizes need the "
			"right one, which is filled in", t->network.info->name);
		return -EINVAL;
	}
	t->plan.base = calloc(1, t->plan.base_bytes);
	if (!t->plan.base)
		return -ENOMEM;
	r = place_layers(t, &at);
	if (r)
		return r;
	place_payload(t);
	r = template_sum_up(t, &at);
	if (r)
		return r;
	complete_base(&t->plan);
	return 0;
}
