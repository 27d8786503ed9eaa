/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See tap.h. head and tail count bytes since the beginning; head is the lane's
 * and tail the tap's thread's. A copy is one piece: where the end of the ring
 * is too near, a mark says so, and the copy lies at the beginning.
 *
 * The lane publishes once a burst, and each side keeps what it last saw of the
 * other's number, so that they share few lines of memory.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>

#include "clock.h"
#include "log.h"
#include "tap.h"

#define LINE_BYTES 64
#define PIECE_ALIGN 8u
#define GO_ON_AT_BEGINNING UINT32_MAX
/* An empty queue that has come so far goes on at its beginning, which is in a
 * cache still: three times as fast as a walk through all of 16 MiB. */
#define RESTART_BYTES (512u << 10)

/* What stands before the bytes of a copy. Once it was read it is headroom. */
struct piece {
	uint32_t bytes; /* that are here; or GO_ON_AT_BEGINNING */
	uint32_t len;   /* that the frame had */
	uint64_t time_ns;
	uint32_t lost; /* the lower half of their number up to here */
	struct virtio_net_hdr vnet;
	uint16_t unused;
};

_Static_assert(sizeof(struct piece) >= FRAME_HEADROOM, "room for tags");
_Static_assert(sizeof(struct piece) % PIECE_ALIGN == 0, "pieces are aligned");

struct tap {
	struct stage stage;
	uint8_t *ring;
	uint64_t ring_bytes; /* a power of two */
	uint64_t restart_bytes;
	uint32_t snap_bytes;
	bool leaving;
	bool shut; /* shared */
	const struct filter_match *match;
	struct tap_bell *bell;

	/* the lane's */
	uint64_t head __attribute__((aligned(LINE_BYTES))); /* published */
	uint64_t put_at;    /* and what is not, yet */
	uint64_t seen_tail; /* maybe less than it is by now */
	struct tap_counts count;
	struct tap_counts count_base; /* when it was told to count anew */

	/* Where it went on at the beginning: nothing lies between these. Known
	 * to the thread with a head behind them, and there are no others before
	 * it has passed them. */
	uint64_t jump_from __attribute__((aligned(LINE_BYTES)));
	uint64_t jump_to;

	/* the tap's thread's */
	uint64_t tail __attribute__((aligned(LINE_BYTES)));
	uint64_t seen_head;
	uint64_t next; /* tail, behind what was looked at last */
	uint64_t seen_lost;
};

/* ---- the lane's side ---- */

static uint64_t ring_room(const struct tap *tap)
{
	return tap->ring_bytes - (tap->put_at - tap->seen_tail);
}

static void look_at_tail(struct tap *tap)
{
	uint64_t tail = __atomic_load_n(&tap->tail, __ATOMIC_ACQUIRE);

	tap->seen_tail = tail == tap->jump_from ? tap->jump_to : tail;
}

static bool has_room(struct tap *tap, uint64_t bytes)
{
	if (likely(ring_room(tap) >= bytes))
		return true;
	look_at_tail(tap);
	return ring_room(tap) >= bytes;
}

static struct piece *piece_at(struct tap *tap, uint64_t at)
{
	return (struct piece *)(void *)(tap->ring +
					(at & (tap->ring_bytes - 1)));
}

static uint64_t piece_bytes(uint32_t bytes)
{
	return (sizeof(struct piece) + bytes + PIECE_ALIGN - 1) &
	       ~(uint64_t)(PIECE_ALIGN - 1);
}

static void restart(struct tap *tap)
{
	uint64_t at = tap->put_at & (tap->ring_bytes - 1);

	if (likely(at < tap->restart_bytes))
		return;
	look_at_tail(tap);
	if (tap->seen_tail != tap->put_at)
		return;
	shared_write(&tap->jump_from, tap->put_at);
	tap->put_at += tap->ring_bytes - at;
	shared_write(&tap->jump_to, tap->put_at);
	tap->seen_tail = tap->put_at;
}

/* Room in one piece for a copy; NULL: there is none. */
static struct piece *take_piece(struct tap *tap, uint32_t bytes)
{
	uint64_t need = piece_bytes(bytes);
	uint64_t to_end = tap->ring_bytes -
			  (tap->put_at & (tap->ring_bytes - 1));
	uint64_t skip = to_end < need ? to_end : 0;
	struct piece *piece;

	if (unlikely(!has_room(tap, skip + need)))
		return NULL;
	if (unlikely(skip)) {
		piece_at(tap, tap->put_at)->bytes = GO_ON_AT_BEGINNING;
		tap->put_at += skip;
	}
	piece = piece_at(tap, tap->put_at);
	tap->put_at += need;
	return piece;
}

static bool copy_frame(struct tap *tap, const struct frame *f, uint64_t time_ns,
		       uint64_t lost)
{
	uint32_t bytes = f->len < tap->snap_bytes ? f->len : tap->snap_bytes;
	struct piece *piece = take_piece(tap, bytes);
	uint8_t *copy = (uint8_t *)(piece + 1);

	if (unlikely(!piece))
		return false;
	piece->bytes = bytes;
	piece->len = f->len;
	piece->time_ns = time_ns;
	piece->lost = (uint32_t)lost;
	memcpy(copy, f->data, bytes);
	piece->vnet = f->vnet;
	if (unlikely(bytes < f->len)) { /* what the sum is over is not all here */
		frame_write_checksum(f, copy, bytes);
		memset(&piece->vnet, 0, sizeof(piece->vnet));
	}
	return true;
}

/* Whoever sleeps has said so before it looked a last time: one of us sees what
 * the other wrote. */
static void publish(struct tap *tap)
{
	struct tap_bell *bell = tap->bell;
	int sleep;

	__atomic_store_n(&tap->head, tap->put_at, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	sleep = shared_read(&bell->sleep);
	if (likely(sleep == TAP_AWAKE))
		return;
	if (sleep == TAP_DOZES && has_room(tap, tap->ring_bytes / 4 * 3))
		return;
	if (__atomic_exchange_n(&bell->sleep, TAP_AWAKE, __ATOMIC_RELAXED) !=
	    TAP_AWAKE)
		eventfd_write(bell->fd, 1);
}

static bool tap_push(struct stage *stage, struct burst *b, struct lane_stats *s,
		     uint64_t now_ns)
{
	struct tap *tap = container_of(stage, struct tap, stage);
	uint64_t before = tap->count.lost_frames, lost = before;
	uint64_t time_ns, taken = 0;

	(void)s;
	(void)now_ns;
	if (!b->n || unlikely(shared_read(&tap->shut)))
		return false;
	time_ns = tap->leaving ? clock_real_ns() : 0;
	restart(tap);
	for (uint32_t i = 0; i < b->n; i++) {
		const struct frame *f = &b->frame[i];

		if (tap->match && !filter_matches(tap->match, f))
			continue;
		taken++;
		if (unlikely(!copy_frame(tap, f, time_ns ? time_ns : f->time_ns,
					 lost)))
			lost++;
	}
	counter_add(&tap->count.taken_frames, taken);
	__atomic_store_n(&tap->count.lost_frames, lost, __ATOMIC_RELEASE);
	if (taken != lost - before)
		publish(tap);
	return false;
}

/* ---- the stage ---- */

static bool tap_count(const struct stage *stage, size_t i,
		      struct stage_count *count)
{
	const struct tap *tap = container_of(stage, struct tap, stage);
	const struct tap_counts *base = &tap->count_base;
	struct tap_counts now = tap_counts(tap);

	if (i > 1)
		return false;
	count->name = i ? "lost" : "taken";
	count->value = i ? now.lost_frames - counter_read(&base->lost_frames) :
			   now.taken_frames - counter_read(&base->taken_frames);
	return true;
}

/* The tap's own numbers go on, as its files do. */
static void tap_reset(struct stage *stage)
{
	struct tap *tap = container_of(stage, struct tap, stage);

	shared_write(&tap->count_base.taken_frames, tap->count.taken_frames);
	shared_write(&tap->count_base.lost_frames, tap->count.lost_frames);
}

/* Its owner frees it; by then it may stand in another chain. */
static void tap_leave(struct stage *stage)
{
	(void)stage;
}

static const struct stage_ops tap_ops = {
	.name = "tap",
	.push = tap_push,
	.count = tap_count,
	.reset = tap_reset,
	.free = tap_leave,
};

struct stage *tap_stage(struct tap *tap)
{
	return &tap->stage;
}

void tap_shut(struct tap *tap)
{
	shared_write(&tap->shut, true);
}

/* In this order none is lost that was not taken. */
struct tap_counts tap_counts(const struct tap *tap)
{
	struct tap_counts count;

	count.lost_frames = __atomic_load_n(&tap->count.lost_frames,
					    __ATOMIC_ACQUIRE);
	count.taken_frames = counter_read(&tap->count.taken_frames);
	return count;
}

/* ---- the side of the tap's thread ---- */

bool tap_is_empty(struct tap *tap)
{
	if (!tap)
		return true;
	if (tap->tail != tap->seen_head)
		return false;
	tap->seen_head = __atomic_load_n(&tap->head, __ATOMIC_ACQUIRE);
	return tap->tail == tap->seen_head;
}

/* Where the next copy is, or a mark. */
static uint64_t read_at(const struct tap *tap)
{
	return tap->tail == shared_read(&tap->jump_from) ?
		       shared_read(&tap->jump_to) : tap->tail;
}

bool tap_peek(struct tap *tap, struct frame *frame, uint32_t *len,
	      uint64_t *lost)
{
	struct piece *piece;
	uint64_t at;

	if (tap_is_empty(tap))
		return false;
	at = read_at(tap);
	piece = piece_at(tap, at);
	if (piece->bytes == GO_ON_AT_BEGINNING) {
		at = (at | (tap->ring_bytes - 1)) + 1;
		piece = piece_at(tap, at);
	}
	tap->next = at + piece_bytes(piece->bytes);
	*frame = (struct frame){
		.data = (uint8_t *)(piece + 1),
		.len = piece->bytes,
		.vnet = piece->vnet,
		.time_ns = piece->time_ns,
	};
	*len = piece->len;
	tap->seen_lost += piece->lost - (uint32_t)tap->seen_lost;
	*lost = tap->seen_lost;
	return true;
}

void tap_next(struct tap *tap)
{
	__atomic_store_n(&tap->tail, tap->next, __ATOMIC_RELEASE);
}

bool tap_is_half_full(struct tap *tap)
{
	return !tap_is_empty(tap) &&
	       __atomic_load_n(&tap->head, __ATOMIC_ACQUIRE) - read_at(tap) >=
		       tap->ring_bytes / 2;
}

void tap_bell_sleep(struct tap_bell *bell, enum tap_sleep how, uint64_t ns,
		    struct tap *left, struct tap *right)
{
	const struct timespec nap = { .tv_nsec = (long)ns };
	struct pollfd pfd = { .fd = bell->fd, .events = POLLIN };
	eventfd_t rings;

	__atomic_store_n(&bell->sleep, how, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if ((how == TAP_DOZES || (tap_is_empty(left) && tap_is_empty(right))) &&
	    ppoll(&pfd, 1, &nap, NULL) > 0)
		eventfd_read(bell->fd, &rings);
	__atomic_store_n(&bell->sleep, TAP_AWAKE, __ATOMIC_SEQ_CST);
}

/* ---- new and free ---- */

static uint64_t power_of_two(uint64_t at_least)
{
	uint64_t bytes = TAP_QUEUE_BYTES_MIN;

	while (bytes < at_least && bytes << 1)
		bytes <<= 1;
	return bytes;
}

int tap_new(struct tap **tapp, const struct tap_stage_params *params)
{
	uint64_t bytes = power_of_two(params->queue_bytes);
	struct tap *tap = NULL;
	void *ring;

	/* Touched now: no lane shall wait for a page. */
	ring = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (ring == MAP_FAILED ||
	    posix_memalign((void **)&tap, LINE_BYTES, sizeof(*tap))) {
		log_err("tap: a queue of %llu bytes: %s",
			(unsigned long long)bytes, strerror(ENOMEM));
		if (ring != MAP_FAILED)
			munmap(ring, bytes);
		return -ENOMEM;
	}
	memset(tap, 0, sizeof(*tap));
	tap->stage.ops = &tap_ops;
	tap->ring = ring;
	tap->ring_bytes = bytes;
	tap->restart_bytes = bytes / 4 < RESTART_BYTES ? bytes / 4 :
							 RESTART_BYTES;
	tap->jump_from = UINT64_MAX;
	tap->snap_bytes = params->snap_bytes ? params->snap_bytes : UINT32_MAX;
	tap->leaving = params->leaving;
	tap->match = params->match;
	tap->bell = params->bell;
	*tapp = tap;
	return 0;
}

void tap_free(struct tap *tap)
{
	if (!tap)
		return;
	munmap(tap->ring, tap->ring_bytes);
	free(tap);
}
