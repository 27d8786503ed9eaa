/* SPDX-License-Identifier: BSD-2-Clause */
/* See lane.h: the data path. The thread that turns it is lane_thread.c. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "clock.h"
#include "lane.h"

/* A lane tells its guard that it turns so often in the time that it may hang,
 * and no more often, for the kernel reads that line of memory with each frame. */
#define BEATS 8
/* What is flushed may wait so long for a queue that is full. */
#define FLUSH_NS (2 * NS_PER_SEC)

/*
 * Whether a frame may leave a port of this MTU is decided here, once and the
 * same for every way out: the kernel checks some ways and not others, and cuts
 * super-frames into whatever their header says.
 */
static bool fits(const struct frame *f, uint32_t mtu, enum reason *why)
{
	uint32_t bytes = f->len;

	if (unlikely(frame_is_super(f))) {
		bytes = frame_segment_bytes(f);
		*why = REASON_UNSEGMENTABLE;
		if (!bytes)
			return false;
	}
	*why = REASON_OVERSIZE;
	return likely(bytes <= mtu + 14) || bytes <= frame_limit(f, mtu);
}

static void lane_send_to(struct lane *lane, struct port *port, struct frame *f,
			 uint32_t n)
{
	uint32_t mtu = shared_read(&port->mtu);
	uint32_t kept = 0;
	enum reason why;

	for (uint32_t i = 0; i < n; i++) {
		if (likely(fits(&f[i], mtu, &why))) {
			if (unlikely(kept != i))
				f[kept] = f[i];
			kept++;
		} else {
			stats_drop(&lane->stats, why, 1);
		}
	}
	if (likely(shared_read(&port->ready)))
		port_tx(port, f, kept, &lane->stats);
	else
		stats_drop(&lane->stats, REASON_LINK_DOWN, kept);
}

/* In order also between two ports; neighbours for the same one go together. */
static void lane_send(struct lane *lane, struct burst *b)
{
	struct port *const to[] = { lane->tx, lane->tx_other };
	uint32_t n;

	if (likely(!lane->tx_other)) {
		lane_send_to(lane, lane->tx, b->frame, b->n);
		return;
	}
	for (uint32_t i = 0; i < b->n; i += n) {
		uint8_t egress = b->frame[i].egress;

		for (n = 1; i + n < b->n; n++)
			if (b->frame[i + n].egress != egress)
				break;
		lane_send_to(lane, to[egress], &b->frame[i], n);
	}
}

static void lane_drop(struct lane *lane, struct burst *b, enum reason why)
{
	stats_drop(&lane->stats, why, b->n);
	b->n = 0;
}

/* Tell the guard that we turn; true: it has taken over before. */
static bool lane_beat(struct lane *lane, uint64_t now_ns)
{
	if (now_ns - lane->beat_ns >= shared_read(&lane->hang_ns) / BEATS) {
		guard_beat(lane->guard, now_ns);
		lane->beat_ns = now_ns;
	}
	return guard_has_tripped(lane->guard);
}

/*
 * Once the kernel has taken over, what it had given us before is late: frames
 * that it forwarded itself have gone ahead.
 */
static void lane_deliver(struct lane *lane, struct burst *b)
{
	if (unlikely(lane->guard) && unlikely(guard_has_tripped(lane->guard)))
		lane_drop(lane, b, REASON_STALE);
	lane_send(lane, b);
}

/* What a stage lent has gone all the way, or another one keeps it. */
static void lane_let_go(struct lane *lane, const struct stage *stage)
{
	if (stage->ops->flush)
		pool_release(lane->pool);
}

/*
 * Through the stages and out; flushed frames pass by those that would hold them
 * again. A stage that has more than fits into a burst is asked again, once what
 * it gave has gone all the way.
 */
static void lane_pass(struct lane *lane, struct stage *stage, struct burst *b,
		      uint64_t now_ns, bool flushing)
{
	bool more = true;

	while (unlikely(flushing) && stage && stage->ops->flush)
		stage = stage->next;
	if (!stage) {
		lane_deliver(lane, b);
		return;
	}
	while (more) {
		more = stage_push(stage, b, &lane->stats, now_ns);
		lane_pass(lane, stage->next, b, now_ns, flushing);
		lane_let_go(lane, stage);
		b->n = 0;
		if (unlikely(more) && lane->guard)
			lane_beat(lane, clock_now_ns());
	}
}

/* A flush: how much of it is to be done now. */
struct flush {
	uint64_t until_ns; /* a full queue is waited for */
	uint32_t bursts;   /* that are left */
};

/* What stages further behind hold is older, and goes first. True: there is
 * more. */
static bool lane_empty(struct lane *lane, struct stage *first,
		       struct flush *flush)
{
	struct burst *b = &lane->burst;
	uint64_t now_ns;
	bool more = first && first->ops->flush;

	if (first && lane_empty(lane, first->next, flush))
		return true;
	while (more && flush->bursts) {
		now_ns = clock_now_ns();
		lane->tx->patient &= now_ns < flush->until_ns;
		if (unlikely(lane->guard))
			lane_beat(lane, now_ns);
		b->n = 0;
		more = first->ops->flush(first, b, &lane->stats);
		lane_pass(lane, first->next, b, now_ns, true);
		lane_let_go(lane, first);
		flush->bursts--;
	}
	return more;
}

/* All at once is more than a queue or a slower link may take at once. */
bool lane_flush(struct lane *lane, struct stage *first, uint32_t bursts)
{
	struct flush flush = { .bursts = bursts };
	bool patient, more;

	if (!first || !lane->tx)
		return false;
	flush.until_ns = clock_now_ns() + FLUSH_NS;
	patient = lane->tx->patient;
	lane->tx->patient = true;
	more = lane_empty(lane, first, &flush);
	lane->tx->patient = patient;
	return more;
}

/*
 * While the kernel forwards, all that is ours is stale: what stages hold, and
 * the ring down to its end; then we take over again. An empty ring tells the
 * end only if it was looked at afterwards: a lane may be stopped anywhere.
 */
static void lane_heed_guard(struct lane *lane, bool had_tripped, bool idle,
			    uint64_t now_ns)
{
	if (likely(!guard_has_tripped(lane->guard)))
		return;
	lane_flush(lane, lane->stages, LANE_FLUSH_ALL);
	if (had_tripped && idle)
		guard_rearm(lane->guard, now_ns);
}

static void lane_spend(struct lane_budget *budget, uint32_t frames)
{
	int64_t left = __atomic_sub_fetch(&budget->frames, (int64_t)frames,
					  __ATOMIC_RELAXED);

	if (left <= 0 && left + (int64_t)frames > 0)
		eventfd_write(budget->fd, 1);
}

uint32_t lane_breathe(struct lane *lane, uint64_t now_ns)
{
	uint64_t before = lane->stats.received_frames;
	struct burst *b = &lane->burst;
	bool tripped = false;
	uint32_t frames;

	b->n = 0;
	if (unlikely(lane->guard))
		tripped = lane_beat(lane, now_ns);
	port_rx(lane->rx, b, &lane->stats);
	if (unlikely(tripped) && guard_has_tripped(lane->guard))
		lane_drop(lane, b, REASON_STALE);
	if (unlikely(shared_read(&lane->paused)))
		lane_drop(lane, b, REASON_PAUSED);
	lane_pass(lane, lane->stages, b, now_ns, false);
	frames = (uint32_t)(lane->stats.received_frames - before);
	if (unlikely(lane->guard))
		lane_heed_guard(lane, tripped, !frames, now_ns);
	port_release(lane->rx);
	if (unlikely(lane->budget) && frames)
		lane_spend(lane->budget, frames);
	return frames;
}

int lane_init(struct lane *lane, const char *name)
{
	memset(lane, 0, sizeof(*lane));
	lane->name = name;
	lane->cpu = LANE_NO_CPU;
	lane->ended_fd = -1;
	lane->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	lane->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return lane->wake_fd < 0 || lane->done_fd < 0 ? -errno : 0;
}

void lane_fini(struct lane *lane)
{
	lane->stages = NULL;
	if (lane->wake_fd < 0)
		return; /* never made */
	close_fd(&lane->wake_fd);
	close_fd(&lane->done_fd);
	lane->wake_fd = lane->done_fd = -1;
}
