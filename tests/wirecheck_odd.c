/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The catalogue of odd frames: all that a wire carries and a bridge is tempted
 * to touch. Families of frames, each a table or a loop.
 *
 * Not in it, because the kernel takes them before any packet socket sees them:
 * tagged frames shorter than 20 bytes (skb_vlan_untag() in net/core/skbuff.c
 * wants the tag and the type behind it).
 */
#include "config.h"

#include <stdarg.h>

#include "wirecheck_odd.h"

#define SEED 20260
#define RUNT_TAGGED_MIN 20

/* What is being built: the next frame's parts, with plain ones as default. */
struct builder {
	struct odd_book *book;
	unsigned room;
	bool failed;
};

struct plan {
	const uint8_t *dst, *src;
	struct tags tags;
	uint16_t type;
	uint32_t len;
	const uint8_t *body; /* NULL: a mark, the index and a pattern */
	uint32_t body_bytes;
};

static const uint8_t some_dst[6] = { 0x02, 0xbb, 0, 0, 2, 0x02 };
static const uint8_t some_src[6] = { 0x02, 0xbb, 0, 0, 2, 0x01 };

static struct plan plain(void)
{
	return (struct plan){ .dst = some_dst, .src = some_src,
			      .type = ETHERTYPE_OURS, .len = 64 };
}

static struct odd *next_frame(struct builder *b, uint32_t len)
{
	struct odd_book *book = b->book;
	struct odd *grown;

	if (book->n == b->room) {
		grown = reallocarray(book->frame, b->room + 256,
				     sizeof(*grown));
		if (!grown)
			return NULL;
		book->frame = grown;
		b->room += 256;
	}
	book->frame[book->n].data = malloc(len);
	return book->frame[book->n].data ? &book->frame[book->n] : NULL;
}

static void add(struct builder *b, struct plan p, const char *fmt, ...)
	printf_like(3, 4);

static void add(struct builder *b, struct plan p, const char *fmt, ...)
{
	struct odd *f = next_frame(b, p.len);
	uint32_t at, index = b->book->n, n;
	uint8_t head[8];
	va_list ap;

	if (!f) {
		b->failed = true;
		return;
	}
	b->book->n++;
	va_start(ap, fmt);
	vsnprintf(f->name, sizeof(f->name), fmt, ap);
	va_end(ap);
	f->len = p.len;
	at = header_make(f->data, p.dst, p.src, &p.tags);
	put16(f->data + at, p.type);
	at += 2;
	n = p.body_bytes < p.len - at ? p.body_bytes : p.len - at;
	if (n)
		memcpy(f->data + at, p.body, n);
	at += n;
	pattern_fill(f->data + at, p.len - at, mix(SEED + index));
	if (p.len - at < sizeof(head))
		return;
	put32(head, ODD_MARK);
	put32(head + 4, index);
	memcpy(f->data + at, head, sizeof(head));
}

/* ---- families ---- */

static void add_ethertypes(struct builder *b)
{
	static const uint16_t type[] = {
		0x0000, 0x0001, 0x002d, 0x002e, 0x0032, 0x0100, 0x05dc, 0x05dd,
		0x05ff, 0x0600, 0x0800, 0x0801, 0x0805, 0x0806, 0x0842, 0x22f3,
		0x6003, 0x8035, 0x809b, 0x8137, 0x8808, 0x8809, 0x8847, 0x8848,
		0x8863, 0x8864, 0x8870, 0x8874, 0x888e, 0x8892, 0x8899, 0x88a2,
		0x88a4, 0x88ab, 0x88b6, 0x88b7, 0x88cc, 0x88e5, 0x88e7, 0x88f5,
		0x88f7, 0x8902, 0x8906, 0x890d, 0x8914, 0x892f, 0x893f, 0x8951,
		0x86dd, 0x9000, 0x9200, 0x9999, 0xdada, 0xfefe, 0xffff,
	};
	struct rng rng = { SEED };

	for (size_t i = 0; i < ARRAY_SIZE(type) + 16; i++) {
		struct plan p = plain();

		p.type = i < ARRAY_SIZE(type) ?
				 type[i] :
				 (uint16_t)(0xa000 + rng_below(&rng, 0x4000));
		add(b, p, "ethertype %04x", p.type);
	}
}

static void add_llc(struct builder *b)
{
	static const uint8_t stp[] = { 0x42, 0x42, 0x03, 0, 0, 0, 0, 0 };
	static const uint8_t snap[] = { 0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0 };
	static const uint8_t ipx[] = { 0xff, 0xff, 0, 0x22 };
	static const struct {
		const char *name;
		const uint8_t *body;
		uint32_t n;
	} llc[] = {
		{ "spanning tree", stp, sizeof(stp) },
		{ "SNAP", snap, sizeof(snap) },
		{ "raw IPX", ipx, sizeof(ipx) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(llc); i++)
		for (uint32_t len = 60; len <= 200; len += 70) {
			struct plan p = plain();

			p.type = (uint16_t)(len - 14);
			p.len = len;
			p.body = llc[i].body;
			p.body_bytes = llc[i].n;
			add(b, p, "802.3 length %u: %s", p.type, llc[i].name);
		}
}

static void add_runts(struct builder *b)
{
	for (uint32_t len = 14; len < 60; len++) {
		struct plan p = plain();

		p.len = len;
		add(b, p, "runt of %u bytes", len);
	}
	for (uint32_t len = RUNT_TAGGED_MIN; len < 64; len += 6) {
		struct plan p = plain();

		p.len = len;
		p.tags = (struct tags){ 1, { { 0x8100, 7 } } };
		add(b, p, "802.1Q runt of %u bytes", len);
		p.tags.tag[0].tpid = 0x88a8;
		add(b, p, "802.1ad runt of %u bytes", len);
	}
}

static void add_link_local(struct builder *b)
{
	static const uint16_t own_type[16] = {
		[0x1] = 0x8808, /* PAUSE: a veth has no MAC that takes it */
		[0x2] = 0x8809, /* LACP */
		[0x3] = 0x888e, /* EAPOL */
		[0xe] = 0x88cc, /* LLDP, PTP */
	};

	for (unsigned last = 0; last < 0x24; last++) {
		const uint8_t dst[6] = { 1, 0x80, 0xc2, 0, 0, (uint8_t)last };
		struct plan p = plain();

		p.dst = dst;
		add(b, p, "link-local 01:80:c2:00:00:%02x", last);
		if (last < 16 && own_type[last]) {
			p.type = own_type[last];
			add(b, p, "link-local 01:80:c2:00:00:%02x type %04x",
			    last, p.type);
			p.tags = (struct tags){ 1, { { 0x8100, 3 } } };
			add(b, p, "link-local 01:80:c2:00:00:%02x, tagged",
			    last);
		}
	}
}

static void add_addresses(struct builder *b)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
	static const uint8_t none[6] = { 0 };
	static const uint8_t ip4[6] = { 0x01, 0, 0x5e, 0, 0, 1 };
	static const uint8_t ip6[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	static const uint8_t cdp[6] = { 0x01, 0, 0x0c, 0xcc, 0xcc, 0xcc };
	static const struct {
		const char *name;
		const uint8_t *dst, *src;
	} row[] = {
		{ "to broadcast", all, some_src },
		{ "to IPv4 multicast", ip4, some_src },
		{ "to IPv6 multicast", ip6, some_src },
		{ "to CDP multicast", cdp, some_src },
		{ "to the zero address", none, some_src },
		{ "from the zero address", some_dst, none },
		{ "from broadcast", some_dst, all },
		{ "from a multicast address", some_dst, ip4 },
		{ "equal source and destination", some_src, some_src },
		{ "broadcast to broadcast", all, all },
		{ "zero to zero", none, none },
		{ "from client to server", mac_server, mac_client },
		{ "from server to client", mac_client, mac_server },
		{ "from left port's own address", some_dst, mac_left },
		{ "to left port's own address", mac_left, some_src },
		{ "from right port's own address", some_dst, mac_right },
		{ "to right port's own address", mac_right, some_src },
		{ "from left port to right port", mac_right, mac_left },
		{ "from right port to left port", mac_left, mac_right },
		{ "from server to server", mac_server, mac_server },
		{ "from client to client", mac_client, mac_client },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct plan p = plain();

		p.dst = row[i].dst;
		p.src = row[i].src;
		add(b, p, "%s", row[i].name);
	}
}

static const uint16_t tpids[] = { 0x8100, 0x88a8, 0x9100 };

static const char *tag_name(uint16_t tpid)
{
	return tpid == 0x8100 ? "802.1Q" : tpid == 0x88a8 ? "802.1ad" : "9100";
}

static void add_tags(struct builder *b)
{
	static const uint16_t vid[] = { 0, 1, 2, 100, 4094, 4095 };
	struct plan p = plain();

	p.tags.n = 1;
	for (size_t t = 0; t < ARRAY_SIZE(tpids); t++) {
		p.tags.tag[0].tpid = tpids[t];
		for (size_t v = 0; v < ARRAY_SIZE(vid); v++)
			for (unsigned top = 0; top < 16; top++) {
				p.tags.tag[0].tci =
					(uint16_t)(top << 12 | vid[v]);
				add(b, p, "%s VID %u PCP %u DEI %u",
				    tag_name(tpids[t]), vid[v], top >> 1,
				    top & 1);
			}
	}
}

static void add_stacks(struct builder *b)
{
	struct plan p = plain();

	for (size_t i = 0; i < 9; i++) {
		p.tags = (struct tags){ 2, { { tpids[i / 3], 0x6064 },
					     { tpids[i % 3], 0xb0c8 } } };
		add(b, p, "%s over %s", tag_name(tpids[i / 3]),
		    tag_name(tpids[i % 3]));
		p.tags.tag[0].tci = p.tags.tag[1].tci = 0;
		add(b, p, "%s over %s, both VID 0", tag_name(tpids[i / 3]),
		    tag_name(tpids[i % 3]));
	}
	for (size_t i = 0; i < 27; i++) {
		p.tags = (struct tags){ 3, { { tpids[i / 9], 0x2001 },
					     { tpids[i / 3 % 3], 0x4002 },
					     { tpids[i % 3], 0x7003 } } };
		add(b, p, "%s over %s over %s", tag_name(tpids[i / 9]),
		    tag_name(tpids[i / 3 % 3]), tag_name(tpids[i % 3]));
	}
}

static void add_tagged_types(struct builder *b)
{
	static const uint16_t type[] = { 0x0000, 0x0026, 0x0800, 0x0806, 0x86dd,
					 0x8847, 0x88cc, 0x88f7, 0xffff };
	struct plan p = plain();

	p.tags.n = 1;
	for (size_t t = 0; t < ARRAY_SIZE(tpids); t++)
		for (size_t i = 0; i < ARRAY_SIZE(type); i++) {
			p.tags.tag[0] = (struct tag){ tpids[t], 0xa00a };
			p.type = type[i];
			add(b, p, "%s before type %04x", tag_name(tpids[t]),
			    type[i]);
		}
}

/* Around each power of two, and all that a port of this MTU may carry. */
static void add_sizes(struct builder *b)
{
	static const uint16_t outer[] = { 0, 0x8100, 0x88a8 };
	uint32_t mtu = b->book->mtu;

	for (uint32_t power = 64; power < mtu; power *= 2)
		for (uint32_t len = power - 1; len <= power + 1; len++) {
			struct plan p = plain();

			p.len = len;
			add(b, p, "%u bytes", len);
		}
	for (size_t o = 0; o < ARRAY_SIZE(outer); o++)
		for (uint32_t less = 0; less < 4; less++) {
			const char *name = outer[o] ? tag_name(outer[o]) :
						      "untagged";
			struct plan p = plain();

			p.len = mtu + 14 - less;
			if (outer[o]) {
				p.tags.n = 1;
				p.tags.tag[0] = (struct tag){ outer[o], 5 };
				p.len += 4;
			}
			add(b, p, "%s full MTU%s: %u bytes", name,
			    less ? " less a little" : "", p.len);
			if (!outer[o])
				continue;
			/* The inner tag is part of what the MTU counts. */
			p.tags = (struct tags){ 2, { { outer[o], 5 },
						     { 0x8100, 6 } } };
			add(b, p, "%s over 802.1Q full MTU%s: %u bytes", name,
			    less ? " less a little" : "", p.len);
		}
}

struct odd_book *odd_book_new(uint32_t mtu)
{
	static void (*const family[])(struct builder *) = {
		add_ethertypes, add_llc,    add_runts,	      add_link_local,
		add_addresses,	add_tags,   add_stacks,	      add_tagged_types,
		add_sizes,
	};
	struct builder b = { .book = calloc(1, sizeof(*b.book)) };

	if (!b.book)
		return NULL;
	b.book->mtu = mtu;
	for (size_t i = 0; i < ARRAY_SIZE(family); i++)
		family[i](&b);
	if (!b.failed)
		return b.book;
	odd_book_free(b.book);
	return NULL;
}

void odd_book_free(struct odd_book *book)
{
	if (!book)
		return;
	for (unsigned i = 0; i < book->n; i++)
		free(book->frame[i].data);
	free(book->frame);
	free(book);
}
