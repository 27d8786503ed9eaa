/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames that know themselves. A numbered frame is
 *
 *   dst src [tags] 88b5 | magic stream seq sent_ns bytes check | pattern ...
 *                         4     4      8   8       4     4
 *
 * `check` covers every byte before it and the pattern follows from stream and
 * seq, so that the receiver finds any altered byte without being told what to
 * expect.
 */
#include "config.h"

#include "wirecheck.h"

#define MAGIC 0x42554d50 /* "BUMP" */
#define CHECK_AT 30	 /* from the ethertype: where `check` stands */
#define PATTERN_AT 34

/* No host's own address: whatever comes from `maker` was made here. */
static const uint8_t maker[6] = { 0x02, 0xbb, 0, 0, 1, 0x01 };
static const uint8_t taker[6] = { 0x02, 0xbb, 0, 0, 1, 0x02 };

/* The same in topo_wire of lib.sh. */
const uint8_t mac_client[6] = { 0x02, 0xbb, 0, 0, 0, 0x01 };
const uint8_t mac_server[6] = { 0x02, 0xbb, 0, 0, 0, 0x02 };
const uint8_t mac_left[6] = { 0x02, 0xbb, 0, 0, 0, 0x11 };
const uint8_t mac_right[6] = { 0x02, 0xbb, 0, 0, 0, 0x12 };

/* One multiplication for eight bytes: cheap enough for each frame. */
static inline uint64_t pattern_word(uint64_t key, size_t i)
{
	uint64_t w = (key + i) * UINT64_C(0xd6e8feb86659fd93);

	return w ^ w >> 32;
}

void pattern_fill(uint8_t *to, size_t n, uint64_t key)
{
	uint64_t w;
	size_t i;

	for (i = 0; i + 8 <= n; i += 8) {
		w = pattern_word(key, i);
		memcpy(to + i, &w, 8);
	}
	w = pattern_word(key, i);
	memcpy(to + i, &w, n - i);
}

bool pattern_same(const uint8_t *bytes, size_t n, uint64_t key)
{
	uint64_t w, got, differ = 0;
	size_t i;

	for (i = 0; i + 8 <= n; i += 8) {
		memcpy(&got, bytes + i, 8);
		differ |= got ^ pattern_word(key, i);
	}
	w = pattern_word(key, i);
	return !differ && !memcmp(bytes + i, &w, n - i);
}

uint32_t header_make(uint8_t *frame, const uint8_t *dst, const uint8_t *src,
		     const struct tags *tags)
{
	uint32_t at = 12;

	memcpy(frame, dst, 6);
	memcpy(frame + 6, src, 6);
	for (unsigned i = 0; tags && i < tags->n; i++, at += 4) {
		put16(frame + at, tags->tag[i].tpid);
		put16(frame + at + 2, tags->tag[i].tci);
	}
	return at;
}

uint32_t header_skip(const uint8_t *frame, uint32_t len)
{
	uint32_t at = 12;

	while (at + 2 <= len) {
		uint16_t type = get16(frame + at);

		if (type != 0x8100 && type != 0x88a8 && type != 0x9100)
			return at;
		at += 4;
	}
	return len;
}

/* FNV-1a, folded. */
static uint32_t check_of(const uint8_t *p, size_t n)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return (uint32_t)(h ^ h >> 32);
}

static uint64_t pattern_key(uint32_t stream, uint64_t seq)
{
	return mix(mix(stream) ^ seq);
}

void numbered_make(uint8_t *frame, const struct numbered *n)
{
	uint32_t at = header_make(frame, taker, maker, n->tags);
	uint8_t *p = frame + at;

	put16(p, ETHERTYPE_OURS);
	put32(p + 2, MAGIC);
	put32(p + 6, n->stream);
	put64(p + 10, n->seq);
	put64(p + 18, n->sent_ns);
	put32(p + 26, n->bytes);
	put32(p + CHECK_AT, check_of(frame, at + CHECK_AT));
	pattern_fill(p + PATTERN_AT, n->bytes - at - PATTERN_AT,
		     pattern_key(n->stream, n->seq));
}

enum verdict numbered_judge(const uint8_t *frame, uint32_t len,
			    struct numbered *n)
{
	uint32_t at = header_skip(frame, len);
	const uint8_t *p = frame + at;
	bool marked = at + 6 <= len && get16(p) == ETHERTYPE_OURS &&
		      get32(p + 2) == MAGIC;

	/* One altered field can hide the address or the mark, not both. */
	if (!marked && (len < 12 || memcmp(frame + 6, maker, 6)))
		return VERDICT_FOREIGN;
	if (at + PATTERN_AT > len || !marked ||
	    get32(p + CHECK_AT) != check_of(frame, at + CHECK_AT) ||
	    get32(p + 26) != len)
		return VERDICT_ALTERED;

	*n = (struct numbered){
		.stream = get32(p + 6),
		.seq = get64(p + 10),
		.sent_ns = get64(p + 18),
		.bytes = len,
	};
	return pattern_same(p + PATTERN_AT, len - at - PATTERN_AT,
			    pattern_key(n->stream, n->seq)) ?
		       VERDICT_WHOLE :
		       VERDICT_ALTERED;
}
