/* SPDX-License-Identifier: BSD-2-Clause */
/* See template.h: gathers the layers, and takes whole frames as they are. */
#include "config.h"

#include <errno.h>

#include "be.h"
#include "dissect.h"
#include "frame.h"
#include "log.h"
#include "stamp.h"
#include "suggest.h"
#include "template_build.h"

#define SIZE_BITS 17 /* FRAME_MAX_BYTES is below 1 << 17 */

int template_new(struct template **templatep, uint64_t seed)
{
	struct template *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->seed = seed;
	t->only_hex = true;
	template_layer_init(&t->eth, template_layer_find("eth"));
	*templatep = t;
	return 0;
}

void template_free(struct template *t)
{
	if (!t)
		return;
	free(t->payload.data);
	free(t->plan.base);
	free(t->plan.size);
	free(t->plan.change);
	free(t);
}

static int refuse_layer(const char *name)
{
	struct suggest s = { .wrong = name };

	for (size_t i = 0; i < template_n_layers; i++)
		suggest_offer(&s, template_layers[i].name);
	log_err("--%s: no such layer%s%s", name,
		s.best ? "; did you mean --" : "", s.best ? s.best : "");
	return -EINVAL;
}

/* A layer may follow those of a lower rank, and of its own where there may be
 * several; ARP carries no transport. */
static int check_order(const struct template *t,
		       const struct template_layer_info *info)
{
	const struct template_layer_info *last = t->last;
	bool several = info->rank == TEMPLATE_VLAN ||
		       info->rank == TEMPLATE_PAYLOAD;

	if (t->finished || t->is_capture) {
		log_err("--%s: the frame is whole, no layer can be added",
			info->name);
		return -EINVAL;
	}
	if (info->rank == TEMPLATE_VLAN && t->n_tags == TEMPLATE_TAGS_MAX) {
		log_err("--vlan: at most %d tags", TEMPLATE_TAGS_MAX);
		return -EINVAL;
	}
	if (info->rank == TEMPLATE_TRANSPORT && t->network.info &&
	    !strcmp(t->network.info->name, "arp")) {
		log_err("--%s: it cannot follow --arp, but --ip or --ip6",
			info->name);
		return -EINVAL;
	}
	if (!last || last->rank < info->rank ||
	    (several && last->rank == info->rank))
		return 0;
	if (last->rank == info->rank)
		log_err("--%s: behind --%s; a frame has one of them",
			info->name, last->name);
	else
		log_err("--%s: behind --%s; the order is eth, vlan, arp or ip "
			"or ip6, udp or tcp or icmp, payload or hex",
			info->name, last->name);
	return -EINVAL;
}

/* The place of a layer that has fields. */
static struct template_layer *layer_of(struct template *t,
				       enum template_rank rank)
{
	switch (rank) {
	case TEMPLATE_VLAN:
		return &t->tag[t->n_tags];
	case TEMPLATE_NETWORK:
		return &t->network;
	case TEMPLATE_TRANSPORT:
		return &t->transport;
	default:
		return &t->eth;
	}
}

static int add_payload(struct template *t, bool hex, const char *text)
{
	int r = (hex ? template_parse_hex : template_parse_text)(
		&t->payload, text, FRAME_MAX_BYTES);

	if (r)
		return r;
	t->has_payload = true;
	return 0;
}

static int add_fields(struct template *t,
		      const struct template_layer_info *info, const char *text)
{
	struct template_layer layer;
	int r;

	template_layer_init(&layer, info);
	r = template_parse_fields(&layer, text);
	if (r)
		return r;
	*layer_of(t, info->rank) = layer;
	t->n_tags += info->rank == TEMPLATE_VLAN;
	return 0;
}

int template_add(struct template *t, const char *layer, const char *text)
{
	const struct template_layer_info *info = template_layer_find(layer);
	bool hex = !strcmp(layer, "hex");
	int r;

	if (!info)
		return refuse_layer(layer);
	r = check_order(t, info);
	if (r)
		return r;
	r = info->n_fields ? add_fields(t, info, text) :
			     add_payload(t, hex, text);
	if (r)
		return r;
	t->last = info;
	t->only_hex = t->only_hex && hex;
	return 0;
}

int template_set_size(struct template *t, const char *text)
{
	static const struct template_syntax syntax = { TEMPLATE_NUMBER,
						       SIZE_BITS, NULL };
	struct template_value value = { .kind = TEMPLATE_FIXED };
	bool imix = !strcmp(text, "imix");
	int r = imix ? 0 : template_value_parse(&syntax, text, &value);

	if (r || value.kind == TEMPLATE_COUNT || !strcmp(text, "random")) {
		log_err("--size: %s: bytes of a frame without its FCS, as 60, "
			"64-1518, 64-1518/5, random:64-1518, or imix", text);
		return -EINVAL;
	}
	t->size = value;
	t->imix = imix;
	t->has_size = true;
	return 0;
}

void template_set_source(struct template *t, const uint8_t mac[6])
{
	memcpy(t->source, mac, sizeof(t->source));
	t->has_source = true;
}

int template_from_bytes(struct template *t, const uint8_t *data, uint32_t len)
{
	if (t->last || t->is_capture) {
		log_err("template: a whole frame has no other layers");
		return -EINVAL;
	}
	t->payload.data = malloc(len ? len : 1);
	if (!t->payload.data)
		return -ENOMEM;
	memcpy(t->payload.data, data, len);
	t->payload.n = len;
	t->is_capture = true;
	return 0;
}

/* Where the checksum over a frame's payload stands; 0 if there is none. */
static uint32_t find_csum(const uint8_t *data, const struct dissect *d)
{
	static const struct {
		uint8_t version, protocol, at;
	} row[] = {
		{ 4, 1, 2 }, { 4, 6, 16 },  { 4, 17, 6 },
		{ 6, 6, 16 }, { 6, 17, 6 }, { 6, 58, 2 },
	};

	for (size_t i = 0; d->transport && i < ARRAY_SIZE(row); i++) {
		uint32_t at = d->transport + row[i].at;

		if (row[i].version != d->version ||
		    row[i].protocol != d->protocol || at + 2 > d->payload)
			continue;
		/* UDP without one stays so. */
		if (d->protocol == 17 && !template_get(data + at, 2))
			return 0;
		return at;
	}
	return 0;
}

/* Put a stamp over the payload of a whole frame, and mend the checksum by the
 * difference: what was wrong in a capture stays wrong. */
static int stamp_whole(struct template_plan *plan, const struct dissect *d)
{
	uint32_t n = d->end - d->payload, csum_at = find_csum(plan->base, d);
	uint8_t *payload = plan->base + d->payload;
	uint64_t sum = 0xffff; /* of a payload with its stamp */

	if (n < STAMP_BYTES || d->fragment) {
		log_err("template: the frame has %u bytes of payload%s; a "
			"stamp needs %d in a whole packet", n,
			d->fragment ? " of a fragment" : "", STAMP_BYTES);
		return -EINVAL;
	}
	sum += (uint16_t)~template_sum(payload, n);
	plan->size[0].rest_sum = (uint16_t)stamp_rest_sum(payload, n);
	stamp_put(payload, plan->size[0].rest_sum, &(struct stamp){ 0 });
	if (csum_at) {
		sum += (uint16_t)~template_get(plan->base + csum_at, 2);
		be16_put(plan->base + csum_at,
			 template_csum(sum, d->protocol == 17));
	}
	return 0;
}

static int build_whole(struct template *t)
{
	struct template_plan *plan = &t->plan;
	uint32_t len = t->payload.n;
	struct dissect d;

	if (t->has_size) {
		log_err("--size: a whole frame has the size that it has: %u",
			len);
		return -EINVAL;
	}
	if (len < FRAME_MIN_BYTES || len > FRAME_MAX_BYTES) {
		log_err("template: a whole frame of %u bytes: from %d to %d",
			len, FRAME_MIN_BYTES, FRAME_MAX_BYTES);
		return -EINVAL;
	}
	plan->size = calloc(1, sizeof(*plan->size));
	if (!plan->size)
		return -ENOMEM;
	plan->base = t->payload.data;
	t->payload.data = NULL;
	plan->base_bytes = len;
	plan->n_sizes = 1;
	plan->size[0].len = len;
	dissect(plan->base, len, &d);
	plan->payload = d.payload;
	plan->padding = len - d.end;
	return plan->stamped ? stamp_whole(plan, &d) : 0;
}

/* Whoever receives them finds the payload by dissect(), too. */
static int check_stamp(const struct template *t)
{
	const struct template_plan *plan = &t->plan;
	struct dissect d;

	dissect(plan->base, plan->size[0].len, &d);
	if (d.payload == plan->payload && !d.fragment &&
	    d.end == plan->size[0].len - plan->padding)
		return 0;
	log_err("template: a stamp would not be found behind these headers: it "
		"has to be the payload of Ethernet, IP, UDP, TCP or ICMP");
	return -EINVAL;
}

int template_finish(struct template *t, bool stamp)
{
	bool whole = t->is_capture || (t->only_hex && t->last);
	int r;

	if (t->finished) {
		log_err("template: it is finished already");
		return -EINVAL;
	}
	t->finished = true;
	t->plan.seed = t->seed;
	t->plan.stamped = stamp;
	r = whole ? build_whole(t) : template_build(t);
	if (!r && stamp)
		r = check_stamp(t);
	if (r)
		t->plan.n_sizes = 0;
	return r;
}

const struct template_plan *template_plan(const struct template *t)
{
	return t->plan.n_sizes ? &t->plan : NULL;
}
