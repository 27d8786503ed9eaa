/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lane between two ports in memory: what leaves, what is counted, and what
 * its thread does when it is started, fed, left alone and stopped.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "clock.h"
#include "filter.h"
#include "lane.h"
#include "log.h"
#include "port_mem.h"
#include "test_log.h"

#define SEED UINT64_C(0x6c616e65)
#define PATIENCE_NS (20 * NS_PER_SEC)
#define WATCHDOG_SECONDS 120
#define RANDOM_BREATHS 10000
#define NOW_NS 12345
#define FRAME_ROOM 4096

/* splitmix64 */
static uint64_t rng_next(uint64_t *rng)
{
	uint64_t z = *rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint32_t rng_below(uint64_t *rng, uint32_t n)
{
	return (uint32_t)(rng_next(rng) % n);
}

/* ---- a lane and its ports ---- */

struct fixture {
	struct lane lane;
	struct port *rx, *tx;
	uint32_t next; /* number of the next frame that is offered */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || lane_init(&f->lane, "a -> b"))
		return -1;
	f->lane.rx = f->rx = port_mem_new("a");
	f->lane.tx = f->tx = port_mem_new("b");
	*state = f;
	return 0;
}

static void free_stages(struct stage *stage)
{
	struct stage *next;

	for (; stage; stage = next) {
		next = stage->next;
		stage_free(stage);
	}
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	uint64_t violations;

	lane_stop(&f->lane);
	free_stages(f->lane.stages);
	lane_fini(&f->lane);
	violations = port_mem_calls(f->rx).violations;
	port_close(f->rx);
	port_close(f->tx);
	free(f);
	return violations ? -1 : 0;
}

static void put16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

/* What a frame is, and what must become of it at MTU 1500. */
enum kind {
	PLAIN,
	TAGGED,     /* 802.1Q */
	DOUBLE_TAGGED, /* 802.1ad, 802.1Q */
	UNFINISHED, /* its checksum is to be finished */
	SUPER,      /* TCP of the length that is given for its segments */
	SUPER_TAGGED,
	TUNNEL,     /* an encapsulated super-frame */
};

/* Write a frame's header for IPv4 TCP; its length. */
static uint32_t put_header(uint8_t *data, enum kind kind,
			   struct virtio_net_hdr *vnet)
{
	uint32_t n_tags = kind == TAGGED || kind == SUPER_TAGGED ? 1 :
			  kind == DOUBLE_TAGGED		       ? 2 : 0;
	uint32_t at = 12;

	for (uint32_t i = 0; i < n_tags; i++, at += 4) {
		put16(data + at, i + 1 < n_tags ? 0x88a8 : 0x8100);
		put16(data + at + 2, 10);
	}
	put16(data + at, 0x0800);
	data[at + 2] = 0x45;
	data[at + 11] = kind == TUNNEL ? IPPROTO_UDP : IPPROTO_TCP;
	at += 22;
	data[at + 12] = 5 << 4;
	if (kind == PLAIN || kind == TAGGED || kind == DOUBLE_TAGGED)
		return at;
	vnet->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	vnet->csum_start = (uint16_t)at;
	vnet->csum_offset = 16;
	vnet->hdr_len = (uint16_t)(at + 20);
	return at;
}

/*
 * Offer the next frame, numbered in its address. `bytes` is its length; of a
 * super-frame that of its segments, and it holds two of them.
 */
static bool offer(struct fixture *f, enum kind kind, uint32_t bytes)
{
	uint8_t data[FRAME_ROOM] = { 0 };
	struct virtio_net_hdr vnet = { 0 };
	uint32_t header = put_header(data, kind, &vnet), len = bytes;

	if (kind == SUPER || kind == SUPER_TAGGED || kind == TUNNEL) {
		vnet.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		vnet.gso_size = (uint16_t)(bytes - header - 20);
		len = bytes + vnet.gso_size;
	}
	if (kind == TUNNEL)
		vnet.csum_start += 50;
	assert_true(len <= sizeof(data));
	data[2] = (uint8_t)(f->next >> 24);
	data[3] = (uint8_t)(f->next >> 16);
	data[4] = (uint8_t)(f->next >> 8);
	data[5] = (uint8_t)f->next;
	f->next++;
	for (uint32_t i = header + 20; i < len; i++)
		data[i] = (uint8_t)(f->next + i);
	return port_mem_offer(f->rx, data, len, &vnet);
}

static uint32_t number_of(const struct frame *frame)
{
	const uint8_t *p = frame->data + 2;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static uint32_t sent_number(struct fixture *f, uint64_t i)
{
	return number_of(port_mem_sent_frame(f->tx, i));
}

/* Frames numbered from `first` on left, all of them and in order. */
static void assert_sent(struct fixture *f, uint32_t first, uint64_t n)
{
	assert_int_equal(port_mem_sent(f->tx), n);
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal(sent_number(f, i), first + i);
}

static uint64_t dropped(const struct fixture *f, enum reason why)
{
	return f->lane.stats.dropped_frames[why];
}

static void assert_balance(const struct fixture *f)
{
	struct port_counters c;

	assert_int_equal(stats_unaccounted(&f->lane.stats), 0);
	f->rx->ops->counters(f->rx, &c);
	assert_int_equal(f->lane.stats.received_frames + c.ring_full_frames +
				 port_mem_waiting(f->rx),
			 c.offered_frames);
}

static uint32_t breathe(struct fixture *f)
{
	uint32_t n = lane_breathe(&f->lane, NOW_NS);

	assert_balance(f);
	return n;
}

/* ---- one breath ---- */

static void test_empty(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(breathe(f), 0);
	assert_int_equal(breathe(f), 0);
	assert_int_equal(port_mem_sent(f->tx), 0);
	assert_int_equal(port_mem_calls(f->rx).release, 2);
}

static void test_order(void **state)
{
	struct fixture *f = *state;
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < 150; i++) {
		assert_true(offer(f, i % 2 ? PLAIN : TAGGED, 60 + i));
		bytes += 60 + i;
	}
	assert_int_equal(breathe(f), BURST_RX);
	assert_sent(f, 0, BURST_RX);
	assert_int_equal(breathe(f), BURST_RX);
	assert_int_equal(breathe(f), 150 - 2 * BURST_RX);
	assert_int_equal(breathe(f), 0);
	assert_sent(f, 0, 150);
	for (uint32_t i = 0; i < 150; i++)
		assert_int_equal(port_mem_sent_frame(f->tx, i)->len, 60 + i);
	assert_int_equal(f->lane.stats.received_frames, 150);
	assert_int_equal(f->lane.stats.received_bytes, bytes);
	assert_int_equal(f->lane.stats.forwarded_frames, 150);
	assert_int_equal(f->lane.stats.forwarded_bytes, bytes);
	assert_int_equal(stats_dropped(&f->lane.stats), 0);
}

/* Bytes and the unfinished work beside them leave as they came. */
static void test_exact(void **state)
{
	struct fixture *f = *state;
	uint64_t rng = SEED;
	uint8_t data[1514];

	for (uint32_t len = FRAME_MIN_BYTES; len <= sizeof(data); len += 50) {
		const struct virtio_net_hdr vnet = {
			.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
			.csum_start = (uint16_t)rng_next(&rng),
			.csum_offset = (uint16_t)rng_next(&rng),
			.hdr_len = (uint16_t)rng_next(&rng),
		};
		const struct frame *sent;

		for (uint32_t i = 0; i < len; i++)
			data[i] = (uint8_t)rng_next(&rng);
		port_mem_offer(f->rx, data, len, &vnet);
		assert_int_equal(breathe(f), 1);
		sent = port_mem_sent_frame(f->tx, 0);
		assert_int_equal(port_mem_sent(f->tx), 1);
		assert_int_equal(sent->len, len);
		assert_memory_equal(sent->data, data, len);
		assert_memory_equal(&sent->vnet, &vnet, sizeof(vnet));
		port_mem_forget(f->tx);
	}
}

static void test_oversize(void **state)
{
	static const struct {
		enum kind kind;
		uint32_t most; /* bytes that may leave at MTU 1500 */
	} row[] = {
		{ PLAIN, 1514 },	{ UNFINISHED, 1514 },
		{ TAGGED, 1518 },	{ DOUBLE_TAGGED, 1518 },
		{ SUPER, 1514 },	{ SUPER_TAGGED, 1518 },
	};
	static const uint32_t mtu[] = { 1500, 1280, 1280 + 13, 1504 };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		for (size_t k = 0; k < ARRAY_SIZE(mtu); k++) {
			uint32_t first = f->next;
			uint64_t before = dropped(f, REASON_OVERSIZE);
			uint32_t most = row[i].most + mtu[k] - 1500;

			f->tx->mtu = mtu[k];
			offer(f, row[i].kind, 100);
			offer(f, row[i].kind, most);
			offer(f, row[i].kind, most + 1);
			offer(f, row[i].kind, most + 200);
			offer(f, row[i].kind, most - 1);
			assert_int_equal(breathe(f), 5);
			assert_int_equal(port_mem_sent(f->tx), 3);
			assert_int_equal(sent_number(f, 0), first);
			assert_int_equal(sent_number(f, 1), first + 1);
			assert_int_equal(sent_number(f, 2), first + 4);
			assert_int_equal(dropped(f, REASON_OVERSIZE),
					 before + 2);
			port_mem_forget(f->tx);
		}
	assert_int_equal(stats_dropped(&f->lane.stats),
			 dropped(f, REASON_OVERSIZE));
}

/* The ingress port's MTU is none of it. */
static void test_egress_mtu_counts(void **state)
{
	struct fixture *f = *state;

	f->rx->mtu = 100;
	f->tx->mtu = 3000;
	offer(f, PLAIN, 3014);
	offer(f, PLAIN, 3015);
	assert_int_equal(breathe(f), 2);
	assert_sent(f, 0, 1);
	assert_int_equal(dropped(f, REASON_OVERSIZE), 1);
}

static void test_unsegmentable(void **state)
{
	struct fixture *f = *state;

	offer(f, PLAIN, 100);
	offer(f, TUNNEL, 500);
	offer(f, TUNNEL, 1900); /* too large as well: the worse is told */
	offer(f, SUPER, 500);
	assert_int_equal(breathe(f), 4);
	assert_int_equal(dropped(f, REASON_UNSEGMENTABLE), 2);
	assert_int_equal(stats_dropped(&f->lane.stats), 2);
	assert_int_equal(port_mem_sent(f->tx), 2);
	assert_int_equal(sent_number(f, 1), 3);
}

static void test_link_down(void **state)
{
	struct fixture *f = *state;

	f->tx->ready = false;
	offer(f, PLAIN, 100);
	offer(f, TAGGED, 1518);
	offer(f, SUPER, 1514);
	assert_int_equal(breathe(f), 3);
	assert_int_equal(dropped(f, REASON_LINK_DOWN), 3);
	assert_int_equal(port_mem_sent(f->tx), 0);
	/* The other end does not matter. */
	f->tx->ready = true;
	f->rx->ready = false;
	offer(f, PLAIN, 100);
	assert_int_equal(breathe(f), 1);
	assert_sent(f, 3, 1);
	assert_int_equal(stats_dropped(&f->lane.stats), 3);
}

static void test_tx_full(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 10; i++)
		offer(f, PLAIN, 100);
	port_mem_refuse(f->tx, 4);
	assert_int_equal(breathe(f), 10);
	assert_int_equal(dropped(f, REASON_TX_FULL), 4);
	assert_sent(f, 4, 6);
}

static void test_ring_full(void **state)
{
	struct fixture *f = *state;
	struct port_counters c;

	port_mem_limit_slots(f->rx, 5);
	for (int i = 0; i < 8; i++)
		assert_int_equal(offer(f, PLAIN, 100), i < 5);
	assert_int_equal(breathe(f), 5);
	assert_sent(f, 0, 5);
	f->rx->ops->counters(f->rx, &c);
	assert_int_equal(c.offered_frames, 8);
	assert_int_equal(c.ring_full_frames, 3);
}

/* ---- stages ---- */

/* A stage that notes that it was called and keeps, doubles or drops frames. */
struct note {
	struct stage stage;
	char letter;
	char *diary; /* shared by the stages of a test */
	uint64_t now_ns;
	uint32_t held;
	uint8_t held_data[FRAME_ROOM];
	uint32_t held_len;
	void (*edit)(struct note *note, struct burst *b, struct lane_stats *s);
	void *arg; /* of edit */
	int *freed;
	int cpu;
};

static bool note_push(struct stage *stage, struct burst *b,
		      struct lane_stats *s, uint64_t now_ns)
{
	struct note *note = container_of(stage, struct note, stage);

	note->now_ns = now_ns;
	note->cpu = sched_getcpu();
	if (note->diary)
		strncat(note->diary, &note->letter, 1);
	if (note->edit)
		note->edit(note, b, s);
	return false;
}

static void note_free(struct stage *stage)
{
	struct note *note = container_of(stage, struct note, stage);

	if (note->freed)
		(*note->freed)++;
	free(note);
}

static const struct stage_ops note_ops = {
	.name = "note",
	.push = note_push,
	.free = note_free,
};

/* Put a stage behind those that are there. */
static struct note *add_note(struct fixture *f, char letter, char *diary)
{
	struct note *note = calloc(1, sizeof(*note));
	struct stage **last = &f->lane.stages;

	assert_non_null(note);
	note->stage.ops = &note_ops;
	note->letter = letter;
	note->diary = diary;
	while (*last)
		last = &(*last)->next;
	*last = &note->stage;
	return note;
}

/* Double every frame, as far as there is room. */
static void edit_double(struct note *note, struct burst *b,
			struct lane_stats *s)
{
	uint32_t n = b->n;

	(void)note;
	for (uint32_t i = 0; i < n && b->n < BURST_MAX; i++) {
		b->frame[b->n++] = b->frame[i];
		counter_add(&s->duplicated_frames, 1);
	}
}

/* Drop every second frame. */
static void edit_halve(struct note *note, struct burst *b, struct lane_stats *s)
{
	uint32_t kept = 0;

	(void)note;
	for (uint32_t i = 0; i < b->n; i++)
		if (i % 2 == 0)
			b->frame[kept++] = b->frame[i];
	stats_drop(s, REASON_FILTERED, b->n - kept);
	b->n = kept;
}

/* Give back the plain frame that was kept, and keep the last one. */
static void edit_hold(struct note *note, struct burst *b, struct lane_stats *s)
{
	struct frame back = { .data = note->held_data, .len = note->held_len };
	struct frame *last = b->n ? &b->frame[b->n - 1] : NULL;
	static uint8_t lent[FRAME_ROOM];
	bool had = note->held;

	if (had) {
		memcpy(lent, note->held_data, note->held_len);
		back.data = lent;
		note->held = 0;
	}
	if (last && frame_is_plain(last)) {
		memcpy(note->held_data, last->data, last->len);
		note->held_len = last->len;
		note->held = 1;
		b->n--;
	}
	if (had)
		b->frame[b->n++] = back;
	shared_write(&s->held_frames, note->held);
}

static void test_stages_in_chain(void **state)
{
	struct fixture *f = *state;
	char diary[32] = "";
	struct note *a = add_note(f, 'a', diary);
	struct note *b = add_note(f, 'b', diary);
	struct note *c = add_note(f, 'c', diary);

	offer(f, PLAIN, 100);
	assert_int_equal(breathe(f), 1);
	assert_string_equal(diary, "abc");
	assert_int_equal(a->now_ns, NOW_NS);
	assert_int_equal(b->now_ns, NOW_NS);
	assert_int_equal(c->now_ns, NOW_NS);
	/* An empty burst is a tick. */
	assert_int_equal(breathe(f), 0);
	assert_string_equal(diary, "abcabc");
}

/* Double then halve is not halve then double. */
static void test_stages_edit(void **state)
{
	struct fixture *f = *state;

	add_note(f, 'd', NULL)->edit = edit_double;
	add_note(f, 'h', NULL)->edit = edit_halve;
	for (int i = 0; i < 3; i++)
		offer(f, PLAIN, 100);
	assert_int_equal(breathe(f), 3); /* 0 1 2 0 1 2, then 0 2 1 */
	assert_int_equal(port_mem_sent(f->tx), 3);
	assert_int_equal(sent_number(f, 0), 0);
	assert_int_equal(sent_number(f, 1), 2);
	assert_int_equal(sent_number(f, 2), 1);
	assert_int_equal(f->lane.stats.duplicated_frames, 3);
	assert_int_equal(dropped(f, REASON_FILTERED), 3);
}

/* What stages make is checked as what arrived is. */
static void test_stages_before_fit(void **state)
{
	struct fixture *f = *state;

	add_note(f, 'd', NULL)->edit = edit_double;
	offer(f, PLAIN, 1515);
	assert_int_equal(breathe(f), 1);
	assert_int_equal(dropped(f, REASON_OVERSIZE), 2);
	f->tx->ready = false;
	offer(f, PLAIN, 100);
	assert_int_equal(breathe(f), 1);
	assert_int_equal(dropped(f, REASON_LINK_DOWN), 2);
}

/* A frame that a stage keeps is held, and the tick lets it out. */
static void test_stage_holds(void **state)
{
	struct fixture *f = *state;

	add_note(f, 'h', NULL)->edit = edit_hold;
	offer(f, PLAIN, 100);
	offer(f, PLAIN, 100);
	assert_int_equal(breathe(f), 2);
	assert_int_equal(f->lane.stats.held_frames, 1);
	assert_sent(f, 0, 1);
	assert_int_equal(breathe(f), 0);
	assert_int_equal(f->lane.stats.held_frames, 0);
	assert_sent(f, 0, 2);
}

static void test_stages_are_their_owners(void **state)
{
	struct fixture *f = *state;
	int freed = 0;

	for (int i = 0; i < 5; i++)
		add_note(f, 'x', NULL)->freed = &freed;
	free_stages(f->lane.stages);
	assert_int_equal(freed, 5);
	lane_fini(&f->lane);
	assert_null(f->lane.stages);
	assert_int_equal(f->lane.wake_fd, -1);
	lane_fini(&f->lane); /* again is fine */
	assert_int_equal(freed, 5);
}

/* ---- many breaths ---- */

/* What became of a frame is foretold from how it was made. */
struct model {
	uint64_t dropped[REASONS];
	uint32_t *number; /* of frames that are to leave, in order */
	uint64_t n;
};

struct planned {
	enum kind kind;
	uint32_t bytes;
};

static struct planned plan(uint64_t *rng)
{
	static const enum kind kind[] = { PLAIN, PLAIN, TAGGED, DOUBLE_TAGGED,
					  UNFINISHED, SUPER, SUPER_TAGGED,
					  TUNNEL };
	static const uint32_t bytes[] = { 80, 200, 1213, 1214, 1215, 1217, 1218,
					  1219, 1514, 1515, 1518, 1519, 1600 };

	return (struct planned){ kind[rng_below(rng, ARRAY_SIZE(kind))],
				 bytes[rng_below(rng, ARRAY_SIZE(bytes))] };
}

static void foretell(struct model *m, const struct planned *p, uint32_t number,
		     const struct port *tx)
{
	uint32_t tags = p->kind == TAGGED || p->kind == DOUBLE_TAGGED ||
			p->kind == SUPER_TAGGED ? 4 : 0;

	if (p->kind == TUNNEL)
		m->dropped[REASON_UNSEGMENTABLE]++;
	else if (p->bytes > tx->mtu + 14 + tags)
		m->dropped[REASON_OVERSIZE]++;
	else if (!tx->ready)
		m->dropped[REASON_LINK_DOWN]++;
	else
		m->number[m->n++] = number;
}

static void test_random_breaths(void **state)
{
	struct fixture *f = *state;
	struct model m = { .number = calloc(RANDOM_BREATHS * BURST_RX,
					    sizeof(*m.number)) };
	struct planned waiting[256];
	uint32_t n_waiting = 0, burst;
	uint64_t rng = SEED, sent = 0;

	assert_non_null(m.number);
	for (int i = 0; i < RANDOM_BREATHS; i++) {
		uint32_t n = rng_below(&rng, 4) ? rng_below(&rng, 20) :
						  rng_below(&rng, 100);

		for (; n && n_waiting < ARRAY_SIZE(waiting); n--) {
			waiting[n_waiting] = plan(&rng);
			offer(f, waiting[n_waiting].kind,
			      waiting[n_waiting].bytes);
			n_waiting++;
		}
		f->tx->mtu = rng_below(&rng, 2) ? 1500 : 1200;
		f->tx->ready = rng_below(&rng, 8);
		burst = 1 + rng_below(&rng, BURST_RX);
		port_mem_limit_burst(f->rx, burst);
		burst = burst < n_waiting ? burst : n_waiting;
		for (uint32_t k = 0; k < burst; k++)
			foretell(&m, &waiting[k], f->next - n_waiting + k,
				 f->tx);
		n_waiting -= burst;
		memmove(waiting, waiting + burst,
			n_waiting * sizeof(waiting[0]));
		assert_int_equal(breathe(f), burst);
		assert_int_equal(port_mem_sent(f->tx), m.n - sent);
		for (; sent < m.n; sent++)
			assert_int_equal(
				sent_number(f, port_mem_sent(f->tx) -
						       (m.n - sent)),
				m.number[sent]);
		port_mem_forget(f->tx);
	}
	for (int why = 0; why < REASONS; why++)
		assert_int_equal(f->lane.stats.dropped_frames[why],
				 m.dropped[why]);
	assert_int_equal(f->lane.stats.forwarded_frames, m.n);
	assert_true(dropped(f, REASON_OVERSIZE) > 10000);
	assert_true(dropped(f, REASON_UNSEGMENTABLE) > 1000);
	assert_true(dropped(f, REASON_LINK_DOWN) > 1000);
	assert_true(m.n > 10000);
	free(m.number);
}

/* With stages that keep, double and drop, and a queue that is full at times,
 * the balance closes after each breath. */
static void test_random_balance(void **state)
{
	static const struct filter_rule rule = {
		.id = "x", .text = "tcp and less 250", .action = FILTER_DROP,
	};
	struct fixture *f = *state;
	uint64_t rng = SEED + 1;
	struct stage *filter;

	assert_int_equal(filter_new(&filter, &rule, 1, NULL), 0);
	f->lane.stages = filter;
	add_note(f, 'h', NULL)->edit = edit_hold;
	add_note(f, 'd', NULL)->edit = edit_double;
	add_note(f, 'h', NULL)->edit = edit_halve;
	port_mem_limit_slots(f->rx, 100);
	for (int i = 0; i < RANDOM_BREATHS; i++) {
		for (uint32_t n = rng_below(&rng, 60); n; n--) {
			struct planned p = plan(&rng);

			offer(f, p.kind, p.bytes);
		}
		f->tx->mtu = rng_below(&rng, 2) ? 1500 : 1200;
		f->tx->ready = rng_below(&rng, 8);
		port_mem_limit_burst(f->rx, rng_below(&rng, BURST_RX));
		if (!rng_below(&rng, 10))
			port_mem_refuse(f->tx, rng_below(&rng, 200));
		breathe(f);
		port_mem_forget(f->tx);
	}
	assert_true(f->lane.stats.forwarded_frames > 10000);
	assert_true(f->lane.stats.duplicated_frames > 10000);
	assert_true(dropped(f, REASON_FILTERED) > 10000);
	assert_true(dropped(f, REASON_TX_FULL) > 10000);
}

/* ---- the thread ---- */

/* Wait, without a fixed time, for what a thread does. */
#define wait_until(condition)                                                  \
	do {                                                                   \
		uint64_t until_ns_ = clock_now_ns() + PATIENCE_NS;             \
		while (!(condition)) {                                         \
			if (clock_now_ns() > until_ns_)                        \
				fail_msg("waited in vain: %s", #condition);    \
			sched_yield();                                         \
		}                                                              \
	} while (0)

static uint64_t received(const struct fixture *f)
{
	return counter_read(&f->lane.stats.received_frames);
}

static void test_start_stop(void **state)
{
	struct fixture *f = *state;
	struct port *rx = f->rx, *tx = f->tx;

	f->lane.rx = f->lane.tx = NULL; /* lane_start() puts them in */
	assert_false(f->lane.started);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(lane_start(&f->lane, rx, tx), 0);
		assert_true(f->lane.started);
		lane_stop(&f->lane);
		assert_false(f->lane.started);
		lane_stop(&f->lane); /* again is fine */
	}
	assert_int_equal(received(f), 0);
}

/* Whatever had arrived leaves before the thread ends. */
static void test_stop_drains(void **state)
{
	struct fixture *f = *state;
	uint32_t first = 0;

	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 1000; i++)
			assert_true(offer(f, PLAIN, 60));
		assert_int_equal(lane_start(&f->lane, f->rx, f->tx), 0);
		lane_stop(&f->lane);
		assert_int_equal(port_mem_waiting(f->rx), 0);
		assert_sent(f, first, 1000);
		assert_balance(f);
		port_mem_forget(f->tx);
		first += 1000;
	}
	assert_int_equal(received(f), 20000); /* the counters went on */
}

/* Frames come while it runs, and until its port is told to stop. */
static void test_stop_under_load(void **state)
{
	struct fixture *f = *state;
	struct port_counters c;

	f->lane.spin_us = 50;
	assert_int_equal(lane_start(&f->lane, f->rx, f->tx), 0);
	for (int i = 0; i < 20000; i++)
		assert_true(offer(f, PLAIN, 60));
	assert_int_equal(f->rx->ops->stop_rx(f->rx), 0);
	assert_false(offer(f, PLAIN, 60));
	lane_stop(&f->lane);
	assert_sent(f, 0, 20000);
	assert_balance(f);
	f->rx->ops->counters(f->rx, &c);
	assert_int_equal(c.offered_frames, 20000);
}

/* A frame comes, and the order to stop, when a breath has found nothing. */
static void edit_late(struct note *note, struct burst *b, struct lane_stats *s)
{
	struct fixture *f = note->arg;

	(void)b;
	(void)s;
	if (f->next)
		return;
	offer(f, PLAIN, 60);
	shared_write(&f->lane.stopping, true);
}

static void test_stop_in_a_breath(void **state)
{
	struct fixture *f = *state;
	struct note *note = add_note(f, 'l', NULL);

	note->edit = edit_late;
	note->arg = f;
	assert_int_equal(lane_start(&f->lane, f->rx, f->tx), 0);
	wait_until(shared_read(&f->lane.stopping));
	lane_stop(&f->lane);
	assert_sent(f, 0, 1);
}

/* Asleep it is woken by each frame, and only by frames. */
static void test_sleeps_and_wakes(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(lane_start(&f->lane, f->rx, f->tx), 0);
	for (uint32_t i = 1; i <= 300; i++) {
		assert_true(offer(f, PLAIN, 60));
		wait_until(port_mem_sent(f->tx) == i);
	}
	lane_stop(&f->lane);
	assert_sent(f, 0, 300);
	/* A breath for each frame, an empty one behind it; two at the end. */
	assert_in_range(port_mem_calls(f->rx).rx, 301, 2 * 300 + 3);
}

static void test_spins(void **state)
{
	struct fixture *f = *state;

	f->lane.spin_us = 1000000000;
	assert_int_equal(lane_start(&f->lane, f->rx, f->tx), 0);
	wait_until(port_mem_calls(f->rx).rx > 1000);
	lane_stop(&f->lane);
	assert_int_equal(received(f), 0);
}

/* It stops spinning when its time is over. */
static void test_spin_ends(void **state)
{
	struct fixture *f = *state;
	uint64_t breaths, since_ns;

	f->lane.spin_us = 100;
	assert_int_equal(lane_start(&f->lane, f->rx, f->tx), 0);
	/* It sleeps once no breath was taken for a thousand times as long. */
	for (int i = 0;; i++) {
		breaths = port_mem_calls(f->rx).rx;
		since_ns = clock_now_ns();
		wait_until(clock_now_ns() - since_ns > 100 * NS_PER_MS);
		if (port_mem_calls(f->rx).rx == breaths)
			break;
		assert_true(i < 50);
	}
	assert_true(offer(f, PLAIN, 60));
	wait_until(port_mem_sent(f->tx) == 1);
	lane_stop(&f->lane);
}

/* A port that is gone: its error is taken, and it is not asked all the time. */
static void test_broken_port(void **state)
{
	struct fixture *f = *state;
	uint64_t from_ns, errors;

	assert_true(offer(f, PLAIN, 60));
	port_mem_hang_up(f->rx);
	assert_int_equal(lane_start(&f->lane, f->rx, f->tx), 0);
	wait_until(port_mem_sent(f->tx) == 1);
	wait_until(port_mem_calls(f->rx).take_error > 0);
	from_ns = clock_now_ns();
	errors = port_mem_calls(f->rx).take_error;
	wait_until(port_mem_calls(f->rx).take_error >= errors + 10);
	/* Nine pauses of 10 ms at least, if it is never late. */
	assert_true(clock_now_ns() - from_ns > 85 * NS_PER_MS);
	lane_stop(&f->lane);
	assert_sent(f, 0, 1);
}

/* ---- the budget ---- */

static bool told(int fd, eventfd_t *times)
{
	*times = 0;
	return !eventfd_read(fd, times);
}

static void test_budget(void **state)
{
	struct fixture *f = *state;
	struct lane_budget budget = {
		.frames = 1000, .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	eventfd_t times;

	assert_true(budget.fd >= 0);
	f->lane.budget = &budget;
	assert_int_equal(lane_start(&f->lane, f->rx, f->tx), 0);
	for (int i = 0; i < 999; i++)
		assert_true(offer(f, PLAIN, 60));
	wait_until(shared_read(&budget.frames) == 1);
	assert_false(told(budget.fd, &times));
	for (int i = 0; i < 5000; i++)
		assert_true(offer(f, PLAIN, 60));
	lane_stop(&f->lane);
	assert_true(told(budget.fd, &times));
	assert_int_equal(times, 1);
	assert_int_equal(budget.frames, 1000 - 5999);
	assert_sent(f, 0, 5999); /* it tells; it does not drop */
	close(budget.fd);
}

/* Dropped frames were received, too. */
static void test_budget_counts_received(void **state)
{
	struct fixture *f = *state;
	struct lane_budget budget = {
		.frames = 10, .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	eventfd_t times;

	f->lane.budget = &budget;
	f->tx->ready = false;
	for (int i = 0; i < 10; i++)
		offer(f, PLAIN, 60);
	assert_int_equal(lane_start(&f->lane, f->rx, f->tx), 0);
	lane_stop(&f->lane);
	assert_true(told(budget.fd, &times));
	assert_int_equal(times, 1);
	close(budget.fd);
}

/* Two lanes spend from one budget, and it is told of once. */
static void test_shared_budget(void **state)
{
	struct fixture *f = *state;
	struct fixture other = { .next = 0 };
	struct lane_budget budget;
	eventfd_t times;

	assert_int_equal(lane_init(&other.lane, "b -> a"), 0);
	other.rx = port_mem_new("b");
	other.tx = port_mem_new("a");
	budget.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->lane.budget = other.lane.budget = &budget;
	for (int round = 0; round < 20; round++) {
		budget.frames = 1500;
		for (int i = 0; i < 1000; i++) {
			offer(f, PLAIN, 60);
			offer(&other, PLAIN, 60);
		}
		port_mem_limit_burst(f->rx, 1 + (uint32_t)round);
		port_mem_limit_burst(other.rx, 1 + (uint32_t)round);
		assert_int_equal(lane_start(&f->lane, f->rx, f->tx), 0);
		assert_int_equal(lane_start(&other.lane, other.rx, other.tx),
				 0);
		lane_stop(&f->lane);
		lane_stop(&other.lane);
		assert_int_equal(budget.frames, -500);
		assert_true(told(budget.fd, &times));
		assert_int_equal(times, 1);
	}
	lane_fini(&other.lane);
	port_close(other.rx);
	port_close(other.tx);
	close(budget.fd);
}

/* ---- orders ---- */

/* Two frames are under way in a breath; an order never sees only one. */
static void note_order(struct lane *lane, void *arg)
{
	pthread_t *by = arg;

	*by = pthread_self();
	if (lane->stats.received_frames != lane->stats.forwarded_frames)
		fail_msg("an order in the middle of a breath");
}

static void test_do_without_thread(void **state)
{
	struct fixture *f = *state;
	pthread_t by = 0;

	assert_int_equal(lane_do(&f->lane, note_order, &by), 0);
	assert_true(pthread_equal(by, pthread_self()));
}

static void test_do_in_thread(void **state)
{
	struct fixture *f = *state;
	uint64_t turns;

	f->lane.spin_us = 0; /* asleep between two orders */
	assert_int_equal(lane_start(&f->lane, f->rx, f->tx), 0);
	for (int i = 0; i < 200; i++) {
		pthread_t by = 0;

		turns = counter_read(&f->lane.turns);
		offer(f, PLAIN, 60);
		offer(f, PLAIN, 60);
		assert_int_equal(lane_do(&f->lane, note_order, &by), 0);
		assert_true(pthread_equal(by, f->lane.thread));
		assert_true(counter_read(&f->lane.turns) > turns);
	}
	lane_stop(&f->lane);
	assert_sent(f, 0, 400);
}

static void hold_up(struct lane *lane, void *arg)
{
	(void)lane;
	poll(NULL, 0, *(int *)arg);
}

/* What is taken up is waited for, however long it takes. */
static void test_do_waits(void **state)
{
	struct fixture *f = *state;
	int ms = 100;
	pthread_t by = 0;

	assert_int_equal(lane_start(&f->lane, f->rx, f->tx), 0);
	assert_int_equal(lane_do(&f->lane, hold_up, &ms), 0);
	assert_int_equal(lane_do(&f->lane, note_order, &by), 0);
	assert_true(pthread_equal(by, f->lane.thread));
}

static void test_wake(void **state)
{
	struct fixture *f = *state;
	uint64_t turns;

	f->lane.spin_us = 0;
	assert_int_equal(lane_start(&f->lane, f->rx, f->tx), 0);
	for (int i = 0; i < 100; i++) {
		turns = counter_read(&f->lane.turns);
		lane_wake(&f->lane);
		while (counter_read(&f->lane.turns) == turns)
			sched_yield(); /* alarm() ends a wait in vain */
	}
}

static void test_paused(void **state)
{
	struct fixture *f = *state;

	offer(f, PLAIN, 60);
	breathe(f);
	f->lane.paused = true;
	offer(f, PLAIN, 60);
	offer(f, SUPER, 1000);
	assert_int_equal(breathe(f), 2);
	assert_int_equal(f->lane.stats.dropped_frames[REASON_PAUSED], 2);
	f->lane.paused = false;
	offer(f, PLAIN, 60);
	breathe(f);
	assert_int_equal(port_mem_sent(f->tx), 2);
	assert_int_equal(stats_unaccounted(&f->lane.stats), 0);
}

/* ---- CPUs ---- */

static void test_cpu(void **state)
{
	struct fixture *f = *state;
	struct note *note = add_note(f, 'n', NULL);
	cpu_set_t cpus;

	assert_int_equal(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET((size_t)cpu, &cpus))
			continue;
		f->lane.cpu = cpu;
		note->cpu = -1;
		offer(f, PLAIN, 60);
		assert_int_equal(lane_start(&f->lane, f->rx, f->tx), 0);
		lane_stop(&f->lane);
		assert_int_equal(note->cpu, cpu);
	}
}

/* What was logged while a lane was started on this CPU. */
static int start_on(struct fixture *f, int cpu, struct test_log *log)
{
	int r;

	f->lane.cpu = cpu;
	test_log_begin(log);
	r = lane_start(&f->lane, f->rx, f->tx);
	test_log_end(log);
	return r;
}

static void test_no_such_cpu(void **state)
{
	struct fixture *f = *state;
	const int cpus[] = { CPU_SETSIZE - 1, CPU_SETSIZE, 4095 };
	struct test_log log;
	char want[128];

	offer(f, PLAIN, 60);
	for (size_t i = 0; i < ARRAY_SIZE(cpus); i++) {
		int r = start_on(f, cpus[i], &log);

		assert_int_equal(r, -EINVAL);
		snprintf(want, sizeof(want), "error: lane a -> b: cpu %d: ",
			 cpus[i]);
		assert_logged(&log, want);
		assert_int_equal(test_log_lines(&log), 1);
		assert_false(f->lane.started);
		lane_stop(&f->lane);
	}
	assert_int_equal(received(f), 0);
	/* And then it can be started after all. */
	f->lane.cpu = LANE_NO_CPU;
	assert_int_equal(lane_start(&f->lane, f->rx, f->tx), 0);
	lane_stop(&f->lane);
	assert_sent(f, 0, 1);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_empty),
		TEST(test_order),
		TEST(test_exact),
		TEST(test_oversize),
		TEST(test_egress_mtu_counts),
		TEST(test_unsegmentable),
		TEST(test_link_down),
		TEST(test_tx_full),
		TEST(test_ring_full),
		TEST(test_stages_in_chain),
		TEST(test_stages_edit),
		TEST(test_stages_before_fit),
		TEST(test_stage_holds),
		TEST(test_stages_are_their_owners),
		TEST(test_random_breaths),
		TEST(test_random_balance),
		TEST(test_start_stop),
		TEST(test_stop_drains),
		TEST(test_stop_under_load),
		TEST(test_stop_in_a_breath),
		TEST(test_sleeps_and_wakes),
		TEST(test_spins),
		TEST(test_spin_ends),
		TEST(test_broken_port),
		TEST(test_budget),
		TEST(test_budget_counts_received),
		TEST(test_shared_budget),
		TEST(test_do_without_thread),
		TEST(test_do_in_thread),
		TEST(test_do_waits),
		TEST(test_wake),
		TEST(test_paused),
		TEST(test_cpu),
		TEST(test_no_such_cpu),
	};

	alarm(WATCHDOG_SECONDS); /* a lane that does not stop ends the test */
	return cmocka_run_group_tests_name("lane", tests, NULL, NULL);
}
