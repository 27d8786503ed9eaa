/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wirecheck makes frames and judges what arrived: the measure that the network
 * stories hold against the bridge. It shares no code with the bridge's data
 * path, so that no error of one can hide in the other.
 */
#ifndef WIRECHECK_H
#define WIRECHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base.h"
#include "clock.h"

enum { EXIT_USAGE = 2 };

#define TAGS_MAX 3
#define FRAME_BYTES_MAX (65536 + 256)

/* ---- bytes and numbers ---- */

static inline void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static inline void put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)(v >> 32));
	put32(p + 4, (uint32_t)v);
}

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static inline uint64_t get64(const uint8_t *p)
{
	return (uint64_t)get32(p) << 32 | get32(p + 4);
}

/* A number that looks random and depends on all bits of `v` (splitmix64). */
static inline uint64_t mix(uint64_t v)
{
	v += UINT64_C(0x9e3779b97f4a7c15);
	v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
	return v ^ v >> 31;
}

struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
	return mix(r->state++);
}

/* 0 ... n - 1 */
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

/* ---- options: one table for getopt_long and for the usage text ---- */

struct tag {
	uint16_t tpid, tci;
};

struct tags {
	unsigned n;
	struct tag tag[TAGS_MAX];
};

struct range {
	uint64_t from, to;
};

enum opt_type {
	OPT_NUMBER, /* uint64_t, min ... max */
	OPT_RANGE,  /* struct range: A or A-B, min ... max */
	OPT_TEXT,   /* const char * */
	OPT_TAG,    /* struct tags: one more tag, [TPID/]VID[:PCP[:DEI]] */
};

struct opt {
	const char *name, *arg, *help;
	enum opt_type type;
	void *into;
	uint64_t min, max;
};

/*
 * Read the options and exactly n_operands words. 0 done, EXIT_USAGE: it
 * is wrong and that was said on stderr.
 */
int opts_parse(int argc, char **argv, const struct opt *opt, size_t n_opts,
	       const char **operand, int n_operands);
void opts_print(FILE *out, const struct opt *opt, size_t n_opts);

/* SIGINT or SIGTERM came: print what there is, and end. */
bool stop_asked(void);

/* "wirecheck: ..." on stderr; returns `r`, to be handed on. */
int complain(int r, const char *fmt, ...) printf_like(2, 3);

/* ---- wirecheck_frame.c: frames that know themselves ---- */

#define ETHERTYPE_OURS 0x88b5 /* IEEE 802: local experimental ethertype 1 */
#define NUMBERED_BYTES 46     /* the shortest, each tag makes it 4 longer */

extern const uint8_t mac_client[6], mac_server[6], mac_left[6], mac_right[6];

void pattern_fill(uint8_t *to, size_t n, uint64_t key);
bool pattern_same(const uint8_t *bytes, size_t n, uint64_t key);

struct numbered {
	uint32_t stream;
	uint32_t bytes; /* of the whole frame, tags counted, FCS not */
	uint64_t seq;
	uint64_t sent_ns;
	const struct tags *tags;
};

enum verdict {
	VERDICT_FOREIGN, /* nobody here made it */
	VERDICT_WHOLE,	 /* every byte is as it was made */
	VERDICT_ALTERED, /* made here, and changed on the way */
};

/* Writes n->bytes bytes. */
void numbered_make(uint8_t *frame, const struct numbered *n);
/* Fills `n` when the verdict is VERDICT_WHOLE. */
enum verdict numbered_judge(const uint8_t *frame, uint32_t len,
			    struct numbered *n);

/* Writes addresses and tags; returns where the ethertype belongs. */
uint32_t header_make(uint8_t *frame, const uint8_t *dst, const uint8_t *src,
		     const struct tags *tags);
/* Where the ethertype stands behind any tags, or `len`. */
uint32_t header_skip(const uint8_t *frame, uint32_t len);

/* Wilful faults at each N-th frame, so that the judge can be judged. */
struct faults {
	uint64_t corrupt, swap, twice, omit;
};

#define OPT_FAULTS(f)                                                         \
	{ "corrupt-every", "N", "alter one bit of each N-th", OPT_NUMBER,     \
	  &(f).corrupt, 1, UINT64_MAX },                                      \
	{ "swap-every", "N", "exchange each N-th with the one before",        \
	  OPT_NUMBER, &(f).swap, 2, UINT64_MAX },                             \
	{ "double-every", "N", "send each N-th twice", OPT_NUMBER,            \
	  &(f).twice, 1, UINT64_MAX },                                        \
	{ "omit-every", "N", "leave each N-th out", OPT_NUMBER, &(f).omit, 1, \
	  UINT64_MAX }

/* The i-th of count frames, counting from 0, is one of them. */
static inline bool fault_hits(uint64_t i, uint64_t every)
{
	return every && i % every == every - 1;
}

/* How often the i-th place is sent. */
static inline unsigned fault_times(const struct faults *f, uint64_t i)
{
	return fault_hits(i, f->omit) ? 0 : fault_hits(i, f->twice) ? 2 : 1;
}

/* Which frame goes out in the i-th place. */
static inline uint64_t fault_swapped(const struct faults *f, uint64_t i,
				     uint64_t count)
{
	if (fault_hits(i, f->swap))
		return i - 1;
	return fault_hits(i + 1, f->swap) && i + 1 < count ? i + 1 : i;
}

static inline void fault_alter(uint8_t *frame, uint32_t len, uint64_t random)
{
	frame[(random >> 8) % len] ^= (uint8_t)(1 << (random & 7));
}

/* ---- wirecheck_wire.c: sockets ---- */

int wire_index(const char *ifname);
int wire_mtu(const char *ifname);

/* A socket bound to the interface; protocol 0 hears nothing. -errno. */
int wire_open(const char *ifname, uint16_t protocol);

/*
 * Send all n messages; what the device refuses for want of room is tried
 * again. -errno after 10 s without progress or at another error.
 */
struct mmsghdr;
int wire_send(int fd, struct mmsghdr *message, unsigned n);

struct wire_ring; /* sends what sendmsg() refuses: over mtu + 14 */
struct wire_ring *wire_ring_new(const char *ifname, uint32_t frame_bytes);
int wire_ring_send(struct wire_ring *r, const uint8_t *frame, uint32_t len);
void wire_ring_free(struct wire_ring *r);

/* An RX ring that shows each frame as it was on the wire, tags in place. */
struct wire_rx;
struct wire_rx *wire_rx_new(const char *ifname, uint64_t ring_mib);

struct wire_frame {
	const uint8_t *data;
	uint32_t len;
	bool truncated;	  /* a slot of the ring was too short for it */
	uint64_t time_ns; /* of its arrival, since 1970 */
};

/* The next frame; false when there is none yet, perhaps after a short nap. */
bool wire_rx_next(struct wire_rx *rx, bool nap, struct wire_frame *f);
void wire_rx_done(struct wire_rx *rx); /* with the frame that next() gave */
uint64_t wire_rx_drops(struct wire_rx *rx);
void wire_rx_free(struct wire_rx *rx);

#define RING_MIB 128
#define OPT_RING(var)                                                         \
	{ "ring", "MIB", "receive ring, default 128", OPT_NUMBER, &(var), 1,  \
	  4096 }

/*
 * When to stop listening: who is asked to (SIGTERM) hears out what is still on
 * its way. Where something is hoped for it is worth waiting for:
 * ten times as long until it is there. A machine that stalls is no silence:
 * between two looks no more than LOOK_NS of it counts.
 */
struct patience {
	uint64_t idle_ms, timeout_s; /* set by options */
	uint64_t start_ns, looked_ns;
	uint64_t quiet_ns; /* since something was heard */
	bool heard;	   /* anything at all */
	bool hopes;
	bool enough; /* all that was hoped for is here */
};

#define PATIENCE                                                              \
	{                                                                     \
		.idle_ms = 500, .timeout_s = 30                               \
	}
#define OPT_PATIENCE(var)                                                     \
	{ "idle", "MS", "end when nothing came for so long, default 500, "    \
	  "or ten times that while more is expected",                         \
	  OPT_NUMBER, &(var).idle_ms, 1, 3600000 },                           \
	{ "timeout", "S", "end in any case, default 30", OPT_NUMBER,          \
	  &(var).timeout_s, 1, 3600 }

/* Says "listening" on stderr: the sender may start. */
void patience_start(struct patience *p);
static inline void patience_heard(struct patience *p)
{
	p->heard = true;
	p->quiet_ns = 0;
}
/* Of so much; 0: nothing is hoped for. */
static inline void patience_hope(struct patience *p, uint64_t expect,
				 uint64_t came)
{
	p->hopes = expect;
	p->enough = expect && came >= expect;
}
bool patience_over(struct patience *p, uint64_t now_ns);

/* ---- wirecheck_pcap.c ---- */

struct pcap_writer;
struct pcap_writer *pcap_writer_new(const char *path);
void pcap_write(struct pcap_writer *w, uint64_t time_ns, const uint8_t *frame,
		uint32_t len);
int pcap_writer_free(struct pcap_writer *w); /* -errno: something is missing */

/* ---- the subcommands: 0, EXIT_USAGE, or -errno for failure ---- */

int command_send(int argc, char **argv);
int command_recv(int argc, char **argv);
int command_odd_send(int argc, char **argv);
int command_odd_recv(int argc, char **argv);
int command_odd_list(int argc, char **argv);
int command_random_send(int argc, char **argv);
int command_random_write(int argc, char **argv);
int command_record(int argc, char **argv);
int command_compare(int argc, char **argv);
int command_subtract(int argc, char **argv);
int command_super_send(int argc, char **argv);
int command_super_recv(int argc, char **argv);
int command_udp_serve(int argc, char **argv);
int command_udp_ask(int argc, char **argv);
int command_tcp_serve(int argc, char **argv);
int command_tcp_fetch(int argc, char **argv);

#endif
