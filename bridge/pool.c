/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See pool.h. The memory is cut into slabs; a slab serves frames of one size
 * class while it serves any, so that what traffic there is decides what the
 * memory is good for, and nothing is searched for.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "log.h"
#include "pool.h"

/* The largest frame, and what is kept beside it. */
#define SLAB_BYTES (68u << 10)
#define NO_SLAB UINT32_MAX

/* Bytes of a place: a frame's head, its headroom and its data. */
static const uint32_t class_bytes[] = { 192, 384, 768, 1152, 1680, 2304, 4608,
					10240, SLAB_BYTES };

#define CLASSES ARRAY_SIZE(class_bytes)

/* A place that is free. */
struct place {
	struct place *next;
};

struct slab {
	struct place *free;     /* given back */
	uint32_t fresh;         /* the first that never was in use */
	uint32_t used;          /* places in use */
	uint32_t class;
	uint32_t next, before;  /* in the list that it is in; NO_SLAB */
};

struct pool {
	uint8_t *memory;
	uint32_t n_slabs;
	struct slab *slab;
	uint32_t empty;          /* list of slabs of no class */
	uint32_t open[CLASSES];  /* of slabs with places that are free */
	size_t used_bytes;
	uint32_t n_lent;
	struct held *lent[POOL_LENT_MAX]; /* NULL: kept again */
};

/* ---- lists of slabs ---- */

static void list_push(struct pool *pool, uint32_t *list, uint32_t i)
{
	pool->slab[i].next = *list;
	pool->slab[i].before = NO_SLAB;
	if (*list != NO_SLAB)
		pool->slab[*list].before = i;
	*list = i;
}

static void list_take(struct pool *pool, uint32_t *list, uint32_t i)
{
	struct slab *slab = &pool->slab[i];

	if (slab->next != NO_SLAB)
		pool->slab[slab->next].before = slab->before;
	if (slab->before != NO_SLAB)
		pool->slab[slab->before].next = slab->next;
	else
		*list = slab->next;
}

static uint32_t places_of(const struct slab *slab)
{
	return SLAB_BYTES / class_bytes[slab->class];
}

static bool slab_is_full(const struct slab *slab)
{
	return !slab->free && slab->fresh == places_of(slab);
}

/* ---- make ---- */

int pool_new(struct pool **poolp, size_t bytes)
{
	uint32_t n = (uint32_t)(bytes / SLAB_BYTES) + 1;
	struct pool *pool = calloc(1, sizeof(*pool));
	void *memory = MAP_FAILED;

	if (pool)
		pool->slab = calloc(n, sizeof(*pool->slab));
	if (pool && pool->slab)
		memory = mmap(NULL, (size_t)n * SLAB_BYTES,
			      PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED) {
		log_err("hold: %zu bytes: %s", bytes, strerror(ENOMEM));
		pool_free(pool);
		return -ENOMEM;
	}
	pool->memory = memory;
	pool->n_slabs = n;
	pool->empty = NO_SLAB;
	for (size_t i = 0; i < CLASSES; i++)
		pool->open[i] = NO_SLAB;
	while (n)
		list_push(pool, &pool->empty, --n);
	*poolp = pool;
	return 0;
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	if (pool->memory)
		munmap(pool->memory, (size_t)pool->n_slabs * SLAB_BYTES);
	free(pool->slab);
	free(pool);
}

/* ---- places ---- */

static uint32_t class_for(uint32_t bytes)
{
	uint32_t class = 0;

	while (class < CLASSES && class_bytes[class] < bytes)
		class++;
	return class;
}

/* A slab of a class with a place that is free, or NO_SLAB. */
static uint32_t slab_for(struct pool *pool, uint32_t class)
{
	uint32_t i = pool->open[class];

	if (i != NO_SLAB)
		return i;
	i = pool->empty;
	if (i == NO_SLAB)
		return i;
	list_take(pool, &pool->empty, i);
	pool->slab[i] = (struct slab){ .class = class };
	list_push(pool, &pool->open[class], i);
	return i;
}

static struct held *place_take(struct pool *pool, uint32_t bytes)
{
	uint32_t class = class_for(bytes), i;
	struct slab *slab;
	void *place;

	i = class < CLASSES ? slab_for(pool, class) : NO_SLAB;
	if (i == NO_SLAB)
		return NULL;
	slab = &pool->slab[i];
	place = slab->free;
	if (place)
		slab->free = slab->free->next;
	else
		place = pool->memory + (size_t)i * SLAB_BYTES +
			(size_t)slab->fresh++ * class_bytes[class];
	slab->used++;
	if (slab_is_full(slab))
		list_take(pool, &pool->open[class], i);
	shared_write(&pool->used_bytes, pool->used_bytes + class_bytes[class]);
	((struct held *)place)->slab = i;
	return place;
}

void pool_drop(struct pool *pool, struct held *held)
{
	uint32_t i = held->slab;
	struct slab *slab = &pool->slab[i];
	struct place *place = (struct place *)(void *)held;

	shared_write(&pool->used_bytes,
		     pool->used_bytes - class_bytes[slab->class]);
	if (slab_is_full(slab))
		list_push(pool, &pool->open[slab->class], i);
	place->next = slab->free;
	slab->free = place;
	if (!--slab->used) {
		list_take(pool, &pool->open[slab->class], i);
		list_push(pool, &pool->empty, i);
	}
}

/* ---- frames ---- */

struct held *pool_keep(struct pool *pool, const struct frame *f)
{
	struct held *held = f->held;

	if (held) {
		pool->lent[held->lent_at - 1] = NULL;
		held->lent_at = 0;
		held->frame = *f; /* it may have been edited */
		return held;
	}
	held = place_take(pool, (uint32_t)sizeof(*held) + FRAME_HEADROOM +
					f->len);
	if (!held)
		return NULL;
	held->frame = *f;
	held->frame.data = (uint8_t *)(held + 1) + FRAME_HEADROOM;
	held->frame.held = held;
	held->lent_at = 0;
	memcpy(held->frame.data, f->data, f->len);
	return held;
}

void pool_lend(struct pool *pool, struct held *held, struct frame *f)
{
	*f = held->frame;
	pool->lent[pool->n_lent++] = held;
	held->lent_at = pool->n_lent;
}

void pool_release(struct pool *pool)
{
	for (uint32_t i = 0; i < pool->n_lent; i++)
		if (pool->lent[i])
			pool_drop(pool, pool->lent[i]);
	pool->n_lent = 0;
}

size_t pool_used_bytes(const struct pool *pool)
{
	return shared_read(&pool->used_bytes);
}

size_t pool_size_bytes(const struct pool *pool)
{
	return (size_t)pool->n_slabs * SLAB_BYTES;
}
