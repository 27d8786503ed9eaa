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
#define PAGE_BYTES 4096 /* the least that there is */

_Static_assert(sizeof(struct held) + FRAME_HEADROOM + FRAME_MAX_BYTES <=
		       SLAB_BYTES,
	       "a slab has room for any frame");

/* Bytes of a place: a frame's head, its headroom and its data. As many as fit
 * into a slab, in lines of memory where that costs no place; 1680 are for an
 * MTU of 1500, 9920 for one of 9000. */
static const uint32_t class_bytes[] = {
	192, 384, 768, 1152, 1680, 2304, 3456, 4608, 6912, 9920, 13888, 17408,
	23168, 34816, SLAB_BYTES,
};

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
	size_t mapped_bytes;
	uint32_t n_slabs;
	struct slab *slab;
	uint32_t empty;          /* list of slabs of no class */
	uint32_t open[CLASSES];  /* of slabs with places that are free */
	size_t used_bytes;
	uint32_t n_lent;
	struct held **lent; /* as many as there are places of the least class */
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

/*
 * Have the memory now: a page that is first touched on a frame's way costs it
 * some microseconds. In huge pages that takes a tenth of the time, and later
 * one look-up of an address where there were 512.
 */
static uint8_t *map_touched(size_t bytes)
{
	uint8_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	madvise(memory, bytes, MADV_HUGEPAGE); /* it may not know that */
	for (size_t i = 0; i < bytes; i += PAGE_BYTES)
		((volatile uint8_t *)memory)[i] = 0;
	return memory;
}

/* The list of what is lent is large, and little of it is ever touched: big
 * allocations are zero pages of the kernel. */
static bool pool_alloc(struct pool *pool)
{
	pool->slab = calloc(pool->n_slabs, sizeof(*pool->slab));
	pool->lent = calloc((size_t)pool->n_slabs *
				    (SLAB_BYTES / class_bytes[0]),
			    sizeof(struct held *));
	if (pool->slab && pool->lent)
		pool->memory = map_touched(pool->mapped_bytes);
	return pool->memory;
}

int pool_new(struct pool **poolp, size_t bytes)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	size_t n = bytes / SLAB_BYTES;

	n = n ? n : 1;
	if (pool) {
		pool->n_slabs = (uint32_t)n;
		pool->mapped_bytes = n * SLAB_BYTES;
	}
	if (!pool || n >= NO_SLAB || !pool_alloc(pool)) {
		log_err("hold: %zu bytes: %s", bytes, strerror(ENOMEM));
		pool_free(pool);
		return -ENOMEM;
	}
	pool->empty = NO_SLAB;
	for (size_t i = 0; i < CLASSES; i++)
		pool->open[i] = NO_SLAB;
	while (n)
		list_push(pool, &pool->empty, (uint32_t)--n);
	*poolp = pool;
	return 0;
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	if (pool->memory)
		munmap(pool->memory, pool->mapped_bytes);
	free(pool->lent);
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

/* Among what is lent there are no gaps: the last one takes its place. */
static void unlend(struct pool *pool, struct held *held)
{
	struct held *last = pool->lent[--pool->n_lent];

	pool->lent[held->lent_at - 1] = last;
	last->lent_at = held->lent_at;
	held->lent_at = 0;
}

/*
 * Its bytes are those of the place that it was lent from, and nobody has kept
 * them yet. Not so for a duplicate, and for what a stage has put elsewhere.
 */
static bool is_own(const struct pool *pool, const struct frame *f)
{
	const struct held *held = f->held;
	const uint8_t *place = (const uint8_t *)held;
	uint32_t bytes;

	if (!held || !held->lent_at)
		return false;
	bytes = class_bytes[pool->slab[held->slab].class];
	return f->data >= (const uint8_t *)(held + 1) &&
	       f->data + f->len <= place + bytes;
}

struct held *pool_keep(struct pool *pool, const struct frame *f)
{
	struct held *held = f->held;

	if (is_own(pool, f)) {
		unlend(pool, held);
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
