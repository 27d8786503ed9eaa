/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A frame made from layers, as people give them one option after another, and
 * what changes from one frame to the next. Pure: source_template.h makes the
 * frames, here is the plan for them.
 *
 * Layers follow each other as they do on the wire: eth, vlan (several), one of
 * arp, ip, ip6, one of udp, tcp, icmp, then payload and hex (several). An
 * Ethernet header, and IPv4 for a transport without a network, are added
 * where missing; --hex with no other layer is the whole frame. What follows
 * from other things is filled in unless given: ethertype, protocol, lengths,
 * checksums. How values are written stands in template_value.h.
 *
 * All fields that change do so together, with every frame: walks of the same
 * length stay in step, and no combinations are formed.
 */
#ifndef BUMPWIRE_TEMPLATE_H
#define BUMPWIRE_TEMPLATE_H

#include <stdbool.h>
#include <string.h>

#include "template_layers.h"

struct template;

/* Empty: it would make Ethernet frames of a payload alone. `seed` is that of
 * all its random values. 0, or -ENOMEM. */
int template_new(struct template **templatep, uint64_t seed);

/*
 * Add a layer of template_layers[] (template_layers.h) behind those that are
 * there; `text` is a list of field=value with commas between, and may be
 * empty; of "payload" text, of "hex" digits, blanks and colons.
 * 0; -EINVAL (logged, with the option, the field, the value and what is
 * allowed), and then nothing was added; -ENOMEM.
 */
int template_add(struct template *template, const char *layer,
		 const char *text);

/*
 * The frames' bytes without the frame check sequence: any value as of a
 * field, without A+STEP, or `imix`: of 12 frames, 7 of 60 bytes, 4 of 590 and
 * 1 of 1514. 0 or -EINVAL (logged). Nobody's size: what the layers need, and
 * 60 at least.
 */
int template_set_size(struct template *template, const char *text);

/* The sender's MAC where --eth src is not given: that of the port. */
void template_set_source(struct template *template, const uint8_t mac[6]);

/* The whole frame, as it stands in a capture; no layers then.
 * 0, -EINVAL (logged) or -ENOMEM. */
int template_from_bytes(struct template *template, const uint8_t *data,
			uint32_t len);

/*
 * Work out the plan; once, behind all else. With `stamp` the payload begins
 * with STAMP_BYTES for a stamp (stamp.h), and those given follow it; in a
 * whole frame they are written over its payload.
 * 0; -EINVAL (logged) if sizes or layers leave no room; -ENOMEM.
 */
int template_finish(struct template *template, bool stamp);

void template_free(struct template *template);

/* Checksums that a changing field takes part in. */
#define TEMPLATE_SUM_IP 1
#define TEMPLATE_SUM_L4 2

struct template_change {
	const char *layer; /* "udp" */
	const char *field; /* "sport" */
	struct template_value value;
	uint32_t offset; /* of its first byte in the frame */
	uint8_t bytes;   /* 1, 2, 4, 6 or 16, in network order, which hold */
	uint8_t bits;    /* so many bits of it, */
	uint8_t shift;   /* this far from the last one */
	uint8_t sums;    /* TEMPLATE_SUM_* */
};

/*
 * One of the sizes. The sums are ones' complement, folded, of all that the
 * checksum covers, with all bits that change and the checksum itself as 0.
 */
struct template_size {
	uint32_t len;
	uint16_t ip_sum;   /* of the IPv4 header */
	uint16_t l4_sum;   /* of pseudo-header, transport header and payload */
	uint16_t rest_sum; /* of the payload behind its stamp: stamp_put() */
};

/* What there is to know for making the frames. */
struct template_plan {
	uint64_t seed;
	/*
	 * The first frame (random fields at their lowest), of the first size,
	 * checksums right; behind it the payload goes on to base_bytes, the
	 * longest size. With a stamp: number and time 0.
	 */
	uint8_t *base;
	uint32_t base_bytes;
	uint32_t payload; /* its offset */
	uint32_t padding; /* bytes behind the payload's end; only of one size */
	bool stamped;
	struct template_size *size; /* taken in turn, or at random */
	uint32_t n_sizes;
	bool random_size;
	/* Offsets of what depends on the size or on a change; 0: nothing to
	 * do, as there is none or it was given. */
	uint32_t ip_len; /* IPv4's total or IPv6's payload length, 2 bytes */
	uint32_t ip_len_from; /* which counts from here */
	uint32_t udp_len;     /* 2 bytes, counts from two fields before */
	uint32_t ip_csum;
	uint32_t l4_csum;
	bool udp; /* a checksum of 0 is sent as 0xffff */
	struct template_change *change;
	uint32_t n_changes;
};

/* Of a template that is finished; else NULL. It owns what this points to. */
const struct template_plan *template_plan(const struct template *template);

/* Fold a sum of 16-bit words to 16 bits, the carry going round. */
static inline uint16_t template_fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)sum;
}

static inline uint64_t template_get(const uint8_t *from, unsigned int bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value = value << 8 | from[i];
	return value;
}

/* Bytes beyond 8 are left alone. */
static inline void template_put(uint8_t *to, unsigned int bytes, uint64_t value)
{
	for (unsigned int i = bytes; i--; value >>= 8)
		to[i] = (uint8_t)value;
}

/*
 * Write a field's value into a frame, leave the other bits of its bytes, and
 * return what it adds to a sum: 16-bit words, not folded. A header begins at
 * an even offset, so a field that ends at an odd one ends in a high byte.
 */
static inline uint64_t template_write(uint8_t *frame,
				      const struct template_change *c,
				      unsigned __int128 value)
{
	uint8_t *to = frame + c->offset;
	uint64_t low = (uint64_t)value << c->shift, keep = 0;

	if (c->bytes == 16) {
		uint64_t high = (uint64_t)(value >> 64), sum;

		template_put(to, 8, high);
		template_put(to + 8, 8, low);
		sum = template_fold(high);
		return sum + template_fold(low);
	}
	if (c->bits != 8 * c->bytes)
		keep = template_get(to, c->bytes) &
		       ~(((UINT64_C(1) << c->bits) - 1) << c->shift);
	template_put(to, c->bytes, low | keep);
	if ((c->offset + c->bytes) & 1)
		low <<= 8;
	return (low >> 48) + (low >> 32 & 0xffff) + (low >> 16 & 0xffff) +
	       (low & 0xffff);
}

/* A finished checksum of UDP is never 0: that would mean none (RFC 768). */
static inline uint16_t template_csum(uint64_t sum, bool udp)
{
	uint16_t csum = (uint16_t)~template_fold(sum);

	return csum || !udp ? csum : 0xffff;
}

/*
 * Write into a frame of this size what depends on the size and on the values:
 * lengths and checksums. The sums are the size's own and all that
 * template_write() returned for the checksum.
 */
void template_complete(uint8_t *frame, const struct template_plan *plan,
		       const struct template_size *size, uint64_t ip_sum,
		       uint64_t l4_sum);

#endif
