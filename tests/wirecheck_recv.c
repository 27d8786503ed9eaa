/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wirecheck recv: class each frame of a stream.
 *
 * delivered   distinct frames that came whole
 * duplicated  came whole, again
 * reordered   delivered, but after one with a higher number
 * corrupted   made by us, but not as it was made
 * lost        expected, and neither delivered nor corrupted
 * foreign     not of this stream
 *
 * kernel_drops are frames that this receiver was too slow for: no fault of
 * the wire, but no verdict either.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>

#include "wirecheck.h"

#define SEQ_MAX (UINT64_C(1) << 33)
#define BURST 256 /* frames between two looks at the clock */

struct recv {
	const char *ifname;
	uint64_t stream, expect, ring_mib;
	struct patience patience;

	uint64_t *seen; /* one bit a number */
	uint64_t seen_words;
	bool any;
	uint64_t highest, first_ns, last_ns;
	uint64_t delivered, bytes, duplicated, reordered, corrupted, foreign;
};

/* A bit for this number, growing the map; NULL without memory. */
static uint64_t *seen_word(struct recv *s, uint64_t seq)
{
	uint64_t word = seq / 64, words = s->seen_words ? s->seen_words : 1024;
	uint64_t *grown;

	if (word < s->seen_words)
		return &s->seen[word];
	while (words <= word)
		words *= 2;
	grown = realloc(s->seen, words * 8);
	if (!grown)
		return NULL;
	memset(grown + s->seen_words, 0, (words - s->seen_words) * 8);
	s->seen = grown;
	s->seen_words = words;
	return &s->seen[word];
}

static int count_whole(struct recv *s, const struct numbered *n)
{
	uint64_t bit = UINT64_C(1) << n->seq % 64;
	uint64_t *word;

	if (n->stream != s->stream) {
		s->foreign++;
		return 0;
	}
	if (n->seq > SEQ_MAX) {
		s->corrupted++;
		return 0;
	}
	word = seen_word(s, n->seq);
	if (!word)
		return complain(-ENOMEM, "numbers up to %" PRIu64, n->seq);
	if (*word & bit) {
		s->duplicated++;
		return 0;
	}
	*word |= bit;
	s->delivered++;
	s->bytes += n->bytes;
	if (s->any && n->seq < s->highest)
		s->reordered++;
	else
		s->highest = n->seq;
	s->any = true;
	return 0;
}

static int count(struct recv *s, const struct wire_frame *f)
{
	struct numbered n;

	switch (numbered_judge(f->data, f->len, &n)) {
	case VERDICT_FOREIGN:
		s->foreign++;
		return 0;
	case VERDICT_ALTERED:
		s->corrupted++;
		patience_heard(&s->patience);
		return 0;
	case VERDICT_WHOLE:
		break;
	}
	if (n.stream == s->stream) {
		patience_heard(&s->patience);
		if (!s->first_ns)
			s->first_ns = f->time_ns;
		s->last_ns = f->time_ns;
	}
	return count_whole(s, &n);
}

static void print(const struct recv *s, uint64_t drops)
{
	uint64_t hoped = s->expect ? s->expect : s->any ? s->highest + 1 : 0;
	uint64_t came = s->delivered + s->corrupted;

	printf("delivered=%" PRIu64 " duplicated=%" PRIu64 " reordered=%" PRIu64
	       " corrupted=%" PRIu64 " lost=%" PRIu64 " foreign=%" PRIu64
	       " kernel_drops=%" PRIu64 " expected=%" PRIu64 " bytes=%" PRIu64
	       " seconds=%.6f\n",
	       s->delivered, s->duplicated, s->reordered, s->corrupted,
	       hoped > came ? hoped - came : 0, s->foreign, drops, hoped,
	       s->bytes, (double)(s->last_ns - s->first_ns) / 1e9);
}

static int run(struct recv *s, struct wire_rx *rx)
{
	struct wire_frame f;
	int r = 0;

	patience_start(&s->patience);
	do {
		for (int n = 0; !r && n < BURST; n++) {
			if (!wire_rx_next(rx, n == 0, &f))
				break;
			r = count(s, &f);
			wire_rx_done(rx);
		}
		patience_hope(&s->patience, s->expect, s->delivered);
	} while (!r && !patience_over(&s->patience, clock_now_ns()));
	return r;
}

int command_recv(int argc, char **argv)
{
	struct recv s = {
		.stream = 1, .ring_mib = RING_MIB, .patience = PATIENCE,
	};
	const struct opt opt[] = {
		{ "expect", "N", "frames that were sent", OPT_NUMBER,
		  &s.expect, 1, SEQ_MAX },
		{ "stream", "ID", "default 1", OPT_NUMBER, &s.stream, 0,
		  UINT32_MAX },
		OPT_PATIENCE(s.patience),
		OPT_RING(s.ring_mib),
	};
	struct wire_rx *rx;
	int r = opts_parse(argc, argv, opt, ARRAY_SIZE(opt), &s.ifname, 1);

	if (r)
		return r;
	rx = wire_rx_new(s.ifname, s.ring_mib);
	if (!rx)
		return -EIO;
	r = run(&s, rx);
	print(&s, wire_rx_drops(rx));
	wire_rx_free(rx);
	free(s.seen);
	return r;
}
