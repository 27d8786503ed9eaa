/* SPDX-License-Identifier: BSD-2-Clause */
/* See source_template.h. */
#include "config.h"

#include <errno.h>

#include "rng.h"
#include "source_template.h"
#include "stamp.h"

#define CACHE_LINE 64u

/* A field that changes, and what it holds in the next frame. */
struct field {
	struct template_change change;
	unsigned __int128 next;
};

/* What its buffer holds just now. */
struct slot {
	uint8_t *data;
	const struct template_size *size;
	uint64_t number;
};

struct source_template {
	struct source source;
	struct template *template;
	const struct template_plan *plan;
	uint8_t *memory;
	uint32_t stride; /* from one buffer to the next */
	bool edited;     /* frames are written whole */
	bool completes;  /* lengths or checksums change */
	bool constant;   /* all frames are the same but for their stamps */
	struct rng rng;
	uint32_t next_size;
	uint64_t next_number;
	struct field *field;
	struct slot slot[BURST_RX];
};

static unsigned __int128 draw_random(struct rng *rng,
				     const struct template_value *value)
{
	unsigned __int128 n = value->last - value->first + 1, r;

	if (n && n <= UINT64_MAX)
		return value->first + rng_below(rng, (uint64_t)n);
	r = (unsigned __int128)rng_next(rng) << 64;
	r |= rng_next(rng);
	if (!(n & (n - 1))) /* 1 << 128 is 0 */
		return value->first + (r & (n - 1));
	return value->first + r % n;
}

/* The field's value for this frame; it moves on to the next. */
static unsigned __int128 field_step(struct rng *rng, struct field *field)
{
	const struct template_value *value = &field->change.value;
	unsigned __int128 now = field->next;

	switch (value->kind) {
	case TEMPLATE_WALK:
		if (value->last - now < value->step)
			field->next = value->first;
		else
			field->next = now + value->step;
		break;
	case TEMPLATE_COUNT:
		field->next = (now + value->step) & value->last;
		break;
	case TEMPLATE_RANDOM:
		return draw_random(rng, value);
	case TEMPLATE_FIXED:
		break;
	}
	return now;
}

static const struct template_size *size_step(struct source_template *st)
{
	const struct template_plan *plan = st->plan;
	uint32_t i = st->next_size;

	if (plan->n_sizes == 1)
		return plan->size;
	if (plan->random_size)
		return &plan->size[rng_below(&st->rng, plan->n_sizes)];
	st->next_size = i + 1 < plan->n_sizes ? i + 1 : 0;
	return &plan->size[i];
}

/* As nobody touched it, stamp included: a checksum from the bytes is right. */
static void restore(const struct source_template *st, const struct slot *slot)
{
	const struct template_plan *plan = st->plan;

	memcpy(slot->data, plan->base, slot->size->len);
	if (plan->stamped)
		stamp_put(slot->data + plan->payload, slot->size->rest_sum,
			  &(struct stamp){ .number = slot->number });
}

static void make_frame(struct source_template *st, struct slot *slot)
{
	const struct template_plan *plan = st->plan;
	uint64_t ip_sum, l4_sum;

	slot->size = size_step(st);
	if (st->edited)
		restore(st, slot);
	ip_sum = slot->size->ip_sum;
	l4_sum = slot->size->l4_sum;
	for (uint32_t i = 0; i < plan->n_changes; i++) {
		struct field *field = &st->field[i];
		uint8_t sums = field->change.sums;
		uint64_t sum = template_write(slot->data, &field->change,
					      field_step(&st->rng, field));

		if (sums & TEMPLATE_SUM_IP)
			ip_sum += sum;
		if (sums & TEMPLATE_SUM_L4)
			l4_sum += sum;
	}
	if (st->completes)
		template_complete(slot->data, plan, slot->size, ip_sum, l4_sum);
}

static int source_template_draw(struct source *source, struct burst *b,
				struct lane_stats *s)
{
	struct source_template *st =
		container_of(source, struct source_template, source);
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < BURST_RX; i++) {
		struct slot *slot = &st->slot[i];

		slot->number = st->next_number++;
		if (!st->constant)
			make_frame(st, slot);
		b->frame[i] = (struct frame){ .data = slot->data,
					      .len = slot->size->len };
		bytes += slot->size->len;
	}
	b->n = BURST_RX;
	counter_add(&s->received_frames, BURST_RX);
	counter_add(&s->received_bytes, bytes);
	return SOURCE_MORE;
}

void source_template_stamp(struct source *source, struct frame *f,
			   uint64_t time_ns)
{
	struct source_template *st =
		container_of(source, struct source_template, source);
	/* A tag moves the frame's begin, but not out of its buffer. */
	const struct slot *slot =
		&st->slot[(size_t)(f->data - st->memory) / st->stride];
	struct stamp stamp = { slot->number & STAMP_NUMBER_MAX, time_ns };

	if (st->plan->stamped)
		stamp_put(slot->data + st->plan->payload, slot->size->rest_sum,
			  &stamp);
}

static int source_template_rewind(struct source *source, uint64_t pass)
{
	struct source_template *st =
		container_of(source, struct source_template, source);

	(void)pass;
	st->rng.state = st->plan->seed;
	st->next_size = 0;
	st->next_number = 0;
	for (uint32_t i = 0; i < st->plan->n_changes; i++)
		st->field[i].next = st->field[i].change.value.first;
	return 0;
}

static double source_template_progress(const struct source *source)
{
	(void)source;
	return -1;
}

static void source_template_close(struct source *source)
{
	struct source_template *st =
		container_of(source, struct source_template, source);

	template_free(st->template);
	free(st->memory);
	free(st->field);
	free(st);
}

static const struct source_ops source_template_ops = {
	.name = "template",
	.draw = source_template_draw,
	.rewind = source_template_rewind,
	.progress = source_template_progress,
	.close = source_template_close,
};

/* Every buffer holds the first frame, and behind it all of the payload. */
static int prepare(struct source_template *st)
{
	const struct template_plan *plan = st->plan;
	uint32_t n = SOURCE_HEADROOM + plan->base_bytes;

	st->stride = (n + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	st->memory = aligned_alloc(CACHE_LINE, (size_t)st->stride * BURST_RX);
	st->field = calloc(plan->n_changes + 1, sizeof(*st->field));
	if (!st->memory || !st->field)
		return -ENOMEM;
	for (uint32_t i = 0; i < BURST_RX; i++) {
		uint8_t *data = st->memory + (size_t)i * st->stride +
				SOURCE_HEADROOM;

		st->slot[i] = (struct slot){ .data = data, .size = plan->size };
		memset(data - SOURCE_HEADROOM, 0, SOURCE_HEADROOM);
		memcpy(data, plan->base, plan->base_bytes);
	}
	st->completes = plan->n_sizes > 1;
	for (uint32_t i = 0; i < plan->n_changes; i++) {
		st->field[i].change = plan->change[i];
		st->completes |= plan->change[i].sums != 0;
	}
	st->constant = !plan->n_changes && plan->n_sizes == 1;
	return 0;
}

int source_template_new(struct source **sourcep, struct template *template)
{
	struct source_template *st = calloc(1, sizeof(*st));

	if (!st)
		return -ENOMEM;
	st->source.ops = &source_template_ops;
	st->plan = template_plan(template);
	if (prepare(st)) {
		source_template_close(&st->source);
		return -ENOMEM;
	}
	source_template_rewind(&st->source, 0);
	st->template = template;
	*sourcep = &st->source;
	return 0;
}

void source_template_expect_edits(struct source *source)
{
	struct source_template *st =
		container_of(source, struct source_template, source);

	st->edited = true;
	st->completes = true;
	st->constant = false;
}
