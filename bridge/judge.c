/* SPDX-License-Identifier: BSD-2-Clause */
/* See judge.h. The bit of a number is set while the number is in the window
 * and has arrived; bits are used again as the window moves on. */
#include "config.h"

#include <errno.h>

#include "dissect.h"
#include "judge.h"
#include "stamp.h"
#include "tx.h"

#define PROTO_TCP 6
#define PROTO_UDP 17

struct judge {
	struct port port;
	struct hist *latency;
	uint64_t expected_frames;
	bool from_zero;

	/* Counters: written by the lane, read by others. */
	uint64_t delivered, duplicated, reordered, late_unknown;
	uint64_t corrupted, foreign, early, bytes;
	uint64_t first_expected;
	uint64_t end; /* the highest number and 1; 0: none arrived */
	uint64_t first_number, last_number;
	uint64_t first_ns, last_ns;

	uint32_t window; /* numbers, a power of two */
	uint64_t bits[];
};

/* ---- the window ---- */

static void forget_all(struct judge *j)
{
	memset(j->bits, 0, j->window / 8);
}

/* Forget what arrived under n numbers from `number`, at most a window. */
static void forget(struct judge *j, uint64_t number, uint64_t n)
{
	while (n) {
		uint32_t bit = (uint32_t)number & (j->window - 1);
		uint32_t take = 64 - bit % 64;
		uint64_t mask = ~UINT64_C(0);

		if (take > n) {
			take = (uint32_t)n;
			mask = (UINT64_C(1) << n) - 1;
		}
		j->bits[bit / 64] &= ~(mask << bit % 64);
		number += take;
		n -= take;
	}
}

/* Whether the number, which is in the window, has arrived before. */
static bool mark(struct judge *j, uint64_t number)
{
	uint32_t bit = (uint32_t)number & (j->window - 1);
	uint64_t mask = UINT64_C(1) << bit % 64;
	bool before = j->bits[bit / 64] & mask;

	j->bits[bit / 64] |= mask;
	return before;
}

/* Up to a new highest number, in a time that its distance does not stretch. */
static void advance(struct judge *j, uint64_t number)
{
	uint64_t n = number + 1 - j->end;

	if (n >= j->window)
		forget_all(j);
	else
		forget(j, j->end, n);
	shared_write(&j->end, number + 1);
}

/* Whether it is the first of its number, as far as can be told. */
static bool place(struct judge *j, uint64_t number)
{
	if (unlikely(!j->end)) {
		if (!j->from_zero)
			shared_write(&j->first_expected, number);
		shared_write(&j->end, number + 1);
		mark(j, number);
		return true;
	}
	if (likely(number >= j->end)) {
		advance(j, number);
		mark(j, number);
		return true;
	}
	if (j->end - number > j->window) {
		counter_add(&j->late_unknown, 1);
		return false;
	}
	if (mark(j, number)) {
		counter_add(&j->duplicated, 1);
		return false;
	}
	if (number < j->first_expected)
		shared_write(&j->first_expected, number);
	counter_add(&j->reordered, 1);
	return true;
}

/* ---- frames ---- */

static void deliver(struct judge *j, const struct stamp *stamp,
		    uint64_t time_ns, uint32_t bytes)
{
	if (unlikely(!j->delivered)) {
		shared_write(&j->first_number, stamp->number);
		shared_write(&j->first_ns, time_ns);
	}
	shared_write(&j->last_number, stamp->number);
	shared_write(&j->last_ns, time_ns);
	if (likely(time_ns >= stamp->time_ns))
		hist_add(j->latency, time_ns - stamp->time_ns);
	else
		counter_add(&j->early, 1);
	counter_add(&j->bytes, bytes);
	counter_add(&j->delivered, 1);
}

static void judge_payload(struct judge *j, const struct frame *f,
			  uint32_t at, uint32_t payload_bytes, uint32_t bytes)
{
	struct stamp stamp;

	switch (stamp_get(f->data + at, payload_bytes, &stamp)) {
	case STAMP_NONE:
		counter_add(&j->foreign, 1);
		break;
	case STAMP_WRONG:
		counter_add(&j->corrupted, 1);
		break;
	case STAMP_RIGHT:
		if (place(j, stamp.number))
			deliver(j, &stamp, f->time_ns, bytes);
		break;
	}
}

static void judge_frame(struct judge *j, const struct frame *f)
{
	struct dissect d;
	uint32_t piece;

	if (unlikely(f->len < FRAME_MIN_BYTES)) {
		counter_add(&j->foreign, 1);
		return;
	}
	dissect(f->data, f->len, &d);
	if (likely(!frame_is_super(f)) || !f->vnet.gso_size ||
	    (d.protocol != PROTO_TCP && d.protocol != PROTO_UDP) ||
	    d.payload >= d.end) {
		judge_payload(j, f, d.payload,
			      d.end > d.payload ? d.end - d.payload : 0,
			      f->len);
		return;
	}
	/* The sender's frames, put together on their way: gso_size bytes of
	 * payload each (virtio 1.1, 5.1.6.2), all under the first one's header.
	 * Their sums are zero one by one, so the whole would look right. */
	for (uint32_t at = d.payload; at < d.end; at += piece) {
		piece = d.end - at;
		if (piece > f->vnet.gso_size)
			piece = f->vnet.gso_size;
		judge_payload(j, f, at, piece, d.payload + piece);
	}
}

static void judge_tx(struct port *port, const struct frame *f, uint32_t n,
		     struct lane_stats *s)
{
	struct judge *j = container_of(port, struct judge, port);

	for (uint32_t i = 0; i < n; i++)
		judge_frame(j, &f[i]);
	tx_count(s, f, n);
}

/* ---- the object ---- */

static void judge_close(struct port *port)
{
	judge_free(container_of(port, struct judge, port));
}

static const struct port_ops judge_ops = {
	.name = "judge",
	.tx = judge_tx,
	.close = judge_close,
};

int judge_new(struct judge **judgep, const struct judge_params *params)
{
	uint32_t window = params->window_numbers;
	struct judge *j;

	if (!window)
		window = JUDGE_WINDOW;
	if (window < JUDGE_WINDOW_MIN || window > JUDGE_WINDOW_MAX ||
	    window & (window - 1) ||
	    params->expected_frames > STAMP_NUMBER_MAX + 1)
		return -EINVAL;
	j = calloc(1, sizeof(*j) + window / 8);
	if (!j)
		return -ENOMEM;
	j->port = (struct port){
		.ops = &judge_ops,
		.name = "judge",
		.mtu = FRAME_MAX_BYTES,
		.ready = true,
	};
	j->window = window;
	j->from_zero = params->expect_from_zero;
	j->expected_frames = params->expected_frames;
	j->latency = hist_new();
	if (!j->latency) {
		free(j);
		return -ENOMEM;
	}
	*judgep = j;
	return 0;
}

void judge_free(struct judge *judge)
{
	if (!judge)
		return;
	hist_free(judge->latency);
	free(judge);
}

struct port *judge_port(struct judge *judge)
{
	return &judge->port;
}

const struct hist *judge_hist(const struct judge *judge)
{
	return judge->latency;
}

/* delivered + lost is the span of the numbers that were expected. */
static void count_lost(const struct judge *j, struct judge_figures *f)
{
	uint64_t end = counter_read(&j->end);
	uint64_t span;

	f->highest_number = end ? end - 1 : 0;
	f->first_expected = counter_read(&j->first_expected);
	if (j->expected_frames &&
	    end < f->first_expected + j->expected_frames)
		end = f->first_expected + j->expected_frames;
	/* Who looks while frames arrive may find one counter behind another. */
	span = end > f->first_expected ? end - f->first_expected : 0;
	f->last_expected = span ? end - 1 : 0;
	f->lost = span > f->delivered ? span - f->delivered : 0;
}

void judge_figures(const struct judge *j, struct judge_figures *f)
{
	*f = (struct judge_figures){
		.delivered = counter_read(&j->delivered),
		.duplicated = counter_read(&j->duplicated),
		.reordered = counter_read(&j->reordered),
		.late_unknown = counter_read(&j->late_unknown),
		.corrupted = counter_read(&j->corrupted),
		.foreign = counter_read(&j->foreign),
		.bytes = counter_read(&j->bytes),
		.early = counter_read(&j->early),
		.first_number = counter_read(&j->first_number),
		.last_number = counter_read(&j->last_number),
		.first_ns = counter_read(&j->first_ns),
		.last_ns = counter_read(&j->last_ns),
	};
	f->frames = f->delivered + f->duplicated + f->late_unknown +
		    f->corrupted + f->foreign;
	if (f->last_ns > f->first_ns)
		f->duration_ns = f->last_ns - f->first_ns;
	count_lost(j, f);
}
