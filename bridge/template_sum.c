/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See template_build.h: the sizes of a template's frames, and for each the
 * sums from which a frame's checksums are finished.
 */
#include "config.h"

#include <errno.h>

#include "frame.h"
#include "log.h"
#include "stamp.h"
#include "template_build.h"

#define SIZE_LEAST 60 /* Ethernet's, without the FCS */
#define IP_MOST 65535

/* 64, 594 and 1518 with the FCS, 7:4:1, the sizes well mixed. */
static const uint16_t imix_sizes[] = {
	60, 590, 60, 590, 60, 60, 1514, 60, 590, 60, 590, 60,
};

uint16_t template_sum(const uint8_t *from, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i + 1 < n; i += 2)
		sum += template_get(from + i, 2);
	if (n & 1)
		sum += (uint64_t)from[n - 1] << 8;
	return template_fold(sum);
}

static uint32_t most_bytes(const struct template *t,
			   const struct template_layout *at)
{
	uint32_t most = IP_MOST + t->plan.ip_len_from;

	return at->ip && most < FRAME_MAX_BYTES ? most : FRAME_MAX_BYTES;
}

static int list_imix(struct template_plan *plan)
{
	plan->n_sizes = ARRAY_SIZE(imix_sizes);
	plan->size = calloc(plan->n_sizes, sizeof(*plan->size));
	if (!plan->size)
		return -ENOMEM;
	for (uint32_t i = 0; i < plan->n_sizes; i++)
		plan->size[i].len = imix_sizes[i];
	plan->base_bytes = 1514;
	return 0;
}

static int list_range(struct template_plan *plan, uint32_t first, uint32_t last,
		      uint32_t step)
{
	plan->n_sizes = (last - first) / step + 1;
	plan->size = calloc(plan->n_sizes, sizeof(*plan->size));
	if (!plan->size)
		return -ENOMEM;
	for (uint32_t i = 0; i < plan->n_sizes; i++)
		plan->size[i].len = first + i * step;
	plan->base_bytes = plan->size[plan->n_sizes - 1].len;
	return 0;
}

int template_size_up(struct template *t, const struct template_layout *at)
{
	uint32_t least = at->payload + t->payload.n +
			 (t->plan.stamped ? STAMP_BYTES : 0);
	uint32_t most = most_bytes(t, at);
	uint32_t first = least > SIZE_LEAST ? least : SIZE_LEAST;
	uint32_t last = first, step = 1;

	if (t->imix) {
		first = SIZE_LEAST;
		last = 1514;
	} else if (t->has_size) {
		first = (uint32_t)t->size.first;
		last = (uint32_t)t->size.last;
		if (t->size.step)
			step = (uint32_t)t->size.step;
	} else if (t->has_payload && at->ip) {
		/* IP ends where its payload does; the rest is Ethernet's. */
		t->plan.padding = first - least;
	}
	if (first < least || last > most) {
		log_err("%s: %u bytes: frames of this template have %u to %u "
			"bytes%s", t->has_size ? "--size" : "template",
			first < least ? first : last, least, most,
			t->plan.stamped ? ", with their stamps" : "");
		return -EINVAL;
	}
	if (t->imix)
		return list_imix(&t->plan);
	t->plan.random_size = t->has_size && t->size.kind == TEMPLATE_RANDOM;
	return list_range(&t->plan, first, last, step);
}

/* sums[i]: of the first i words, not folded. */
static uint64_t *prefix_sums(const uint8_t *from, uint32_t n)
{
	uint64_t *sums = malloc((n / 2 + 1) * sizeof(*sums));

	if (!sums)
		return NULL;
	sums[0] = 0;
	for (uint32_t i = 0; i < n / 2; i++)
		sums[i + 1] = sums[i] + template_get(from + 2 * i, 2);
	return sums;
}

static uint64_t pseudo_sum(const uint8_t *base,
			   const struct template_layout *at)
{
	uint32_t bytes = at->transport - at->network == 40 ? 32 : 8;

	return (uint64_t)template_sum(base + at->transport - bytes, bytes) +
	       at->protocol;
}

int template_sum_up(struct template *t, const struct template_layout *at)
{
	struct template_plan *plan = &t->plan;
	const uint8_t *payload = plan->base + at->payload;
	uint32_t header = at->payload - at->transport;
	autoclean(free_ptr) uint64_t *sums =
		prefix_sums(payload, plan->base_bytes - at->payload);
	uint64_t ip = template_sum(plan->base + at->network,
				   at->transport - at->network);
	uint64_t l4 = template_sum(plan->base + at->transport, header);

	if (!sums)
		return -ENOMEM;
	if (at->pseudo)
		l4 += pseudo_sum(plan->base, at);
	for (uint32_t i = 0; i < plan->n_sizes; i++) {
		struct template_size *size = &plan->size[i];
		uint32_t end = size->len - plan->padding;
		uint32_t n = end - at->payload;
		uint64_t of_size = l4, rest = sums[n / 2];

		if (n & 1)
			rest += (uint64_t)payload[n - 1] << 8;
		if (plan->stamped) {
			/* The room for the stamp is still 0. */
			size->rest_sum = template_fold(rest);
			rest = 0xffff; /* see stamp.h */
		}
		if (at->pseudo)
			of_size += n + header;
		if (plan->udp_len)
			of_size += n + header;
		size->ip_sum = template_fold(
			ip + (plan->ip_len ? end - plan->ip_len_from : 0));
		size->l4_sum = template_fold(of_size + rest);
	}
	return 0;
}
