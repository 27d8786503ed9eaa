/* SPDX-License-Identifier: BSD-2-Clause */
/* See edit.h. */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>

#include "be.h"
#include "checksum.h"
#include "edit.h"
#include "log.h"

#define TYPE_ARP 0x0806
#define PROTOCOL_OSPF 89

struct edit {
	struct stage stage;
	struct edit_params params;
	uint32_t pass;
	bool looks_deeper; /* beyond MAC addresses and tags */
};

/* A frame whose headers are known, and the checksums that cover addresses. */
struct packet {
	struct frame *f;
	struct dissect d;
	uint8_t *ip;
	uint8_t *ip_check; /* of IPv4's header; NULL */
	uint8_t *l4_check; /* of layer 4, if it covers the addresses; NULL */
	uint32_t l4_dst;   /* the destination that it covers: its offset */
};

/* ---- tags ---- */

static void tag_set(uint8_t *tag, const struct edit_vlan *v)
{
	uint16_t tci = be16_get(tag + 2);

	if (v->tpid >= 0)
		be16_put(tag, (uint16_t)v->tpid);
	if (v->vid >= 0)
		tci = (uint16_t)((tci & 0xf000) | v->vid);
	if (v->dei >= 0)
		tci = (uint16_t)((tci & 0xefff) | v->dei << 12);
	if (v->prio >= 0)
		tci = (uint16_t)((tci & 0x1fff) | v->prio << 13);
	be16_put(tag + 2, tci);
}

static void tag_pop(struct frame *f)
{
	memmove(f->data + FRAME_TAG_BYTES, f->data, 12);
	f->data += FRAME_TAG_BYTES;
	f->len -= FRAME_TAG_BYTES;
	if (f->vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		f->vnet.csum_start -= FRAME_TAG_BYTES;
	if (f->vnet.hdr_len)
		f->vnet.hdr_len -= FRAME_TAG_BYTES;
}

/* Another VID if there is one for it. */
static void tag_map(const struct edit_params *params, uint8_t *tag)
{
	uint16_t tci = be16_get(tag + 2);

	for (size_t i = 0; i < params->n_vlan_maps; i++) {
		const struct edit_vlan_map *m = &params->vlan_map[i];

		if ((tci & 0x0fff) != m->from)
			continue;
		be16_put(tag + 2, (uint16_t)((tci & 0xf000) | m->to));
		return;
	}
}

static void edit_tags(const struct edit *edit, struct frame *f)
{
	for (size_t i = 0; i < edit->params.n_vlans; i++) {
		const struct edit_vlan *v = &edit->params.vlan[i];
		bool tagged = frame_is_tagged(f) &&
			      f->len >= FRAME_MIN_BYTES + FRAME_TAG_BYTES;

		if (v->verb == EDIT_VLAN_PUSH) {
			frame_push_tag(f, 0x8100, 0);
			tag_set(f->data + 12, v);
		} else if (v->verb == EDIT_VLAN_POP && tagged) {
			tag_pop(f);
		} else if (v->verb == EDIT_VLAN_SET && tagged) {
			tag_set(f->data + 12, v);
		} else if (v->verb == EDIT_VLAN_MAP && tagged) {
			tag_map(&edit->params, f->data + 12);
		}
	}
}

static void edit_macs(const struct edit *edit, struct frame *f)
{
	const struct edit_mac *dst = &edit->params.dst[f->egress];
	const struct edit_mac *src = &edit->params.src[f->egress];

	if (dst->given)
		memcpy(f->data, dst->address, 6);
	if (src->given)
		memcpy(f->data + 6, src->address, 6);
}

/* ---- addresses ---- */

/*
 * Mend layer 4's checksum. One that is left undone is the sum of the pseudo
 * header and no complement: there the difference counts the other way. UDP has
 * 0 for none (RFC 768, RFC 6935), and so sends 0xffff for 0.
 */
static void mend_l4(const struct packet *p, const uint8_t *from,
		    const uint8_t *to, uint32_t n)
{
	bool undone = p->f->vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
	bool udp = !undone && (p->d.protocol == IPPROTO_UDP ||
			       p->d.protocol == IPPROTO_UDPLITE);

	if (!p->l4_check || (udp && !be16_get(p->l4_check)))
		return;
	checksum_mend(p->l4_check, undone ? checksum_delta(to, from, n) :
					    checksum_delta(from, to, n));
	if (udp && !be16_get(p->l4_check))
		be16_put(p->l4_check, 0xffff);
}

/* Replace an address of IP's header. */
static void replace(struct packet *p, uint8_t *at, const uint8_t *to,
		    uint32_t n, bool in_l4)
{
	if (in_l4)
		mend_l4(p, at, to, n);
	if (p->ip_check)
		checksum_mend(p->ip_check, checksum_delta(at, to, n));
	memcpy(at, to, n);
}

static bool in_prefix(const uint8_t *address, const uint8_t *prefix,
		      uint32_t bits)
{
	uint32_t whole = bits / 8, rest = bits % 8;

	return !memcmp(address, prefix, whole) &&
	       (!rest ||
		(address[whole] ^ prefix[whole]) >> (8 - rest) == 0);
}

static void set_prefix(uint8_t *address, const uint8_t *prefix, uint32_t bits)
{
	uint32_t whole = bits / 8, rest = bits % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	memcpy(address, prefix, whole);
	if (rest)
		address[whole] = (uint8_t)((prefix[whole] & mask) |
					   (address[whole] & ~mask));
}

/* Neither nobody's, nor a group's or everybody's address. */
static bool is_host(const uint8_t *address, uint8_t version)
{
	static const uint8_t nobody[16], all[4] = { 255, 255, 255, 255 };

	if (!memcmp(address, nobody, version == 4 ? 4 : 16))
		return false;
	return version == 4 ? address[0] >> 4 != 14 &&
				      memcmp(address, all, 4) != 0 :
			      address[0] != 0xff;
}

/* The address as it shall be; whether that is another one. */
static bool map_address(const struct edit *edit, const uint8_t *from,
			uint8_t *to, uint8_t version, bool is_src)
{
	uint32_t n = version == 4 ? 4 : 16, low;

	memcpy(to, from, n);
	for (size_t i = 0; i < edit->params.n_maps; i++) {
		const struct edit_map *m = &edit->params.map[i];

		if (m->version == version && (is_src ? m->src : m->dst) &&
		    in_prefix(from, m->from, m->from_bits)) {
			set_prefix(to, m->to, m->to_bits);
			break;
		}
	}
	if (edit->params.unique_ip && edit->pass && is_host(from, version)) {
		memcpy(&low, to + n - 4, 4);
		low = htonl(ntohl(low) + edit->pass);
		memcpy(to + n - 4, &low, 4);
	}
	return memcmp(from, to, n) != 0;
}

static void edit_ip_addresses(const struct edit *edit, struct packet *p)
{
	uint32_t n = p->d.version == 4 ? 4 : 16;
	uint8_t *at = p->ip + (p->d.version == 4 ? 12 : 8);
	uint8_t to[16];

	if (map_address(edit, at, to, p->d.version, true))
		replace(p, at, to, n, true);
	if (map_address(edit, at + n, to, p->d.version, false))
		replace(p, at + n, to, n,
			at + n == p->f->data + p->l4_dst);
}

/* Neighbour solicitations and advertisements name one more (RFC 4861, 4.3). */
static void edit_nd_target(const struct edit *edit, struct packet *p)
{
	uint8_t *icmp = p->f->data + p->d.transport, to[16];

	if (p->d.protocol != IPPROTO_ICMPV6 || !p->d.transport ||
	    p->d.fragment || p->d.transport + 24 > p->d.end ||
	    (icmp[0] != 135 && icmp[0] != 136))
		return;
	/* What is asked for is a destination, what is told a source. */
	if (map_address(edit, icmp + 8, to, 6, icmp[0] == 136)) {
		mend_l4(p, icmp + 8, to, 16);
		memcpy(icmp + 8, to, 16);
	}
}

static void edit_ttl(const struct edit *edit, struct packet *p)
{
	const struct edit_params *params = &edit->params;
	uint8_t *at = p->ip + (p->d.version == 4 ? 8 : 6), to[2];
	int ttl = p->d.version == 4 ? at[0] : at[1];

	ttl = params->ttl_relative ? ttl + params->ttl : params->ttl;
	ttl = ttl < 1 ? 1 : ttl > 255 ? 255 : ttl;
	memcpy(to, at, 2);
	to[p->d.version == 4 ? 0 : 1] = (uint8_t)ttl;
	if (p->ip_check)
		checksum_mend(p->ip_check, checksum_delta(at, to, 2));
	memcpy(at, to, 2);
}

/* ARP for IPv4 (RFC 826): sender and target; no checksum covers them. */
static void edit_arp(const struct edit *edit, struct packet *p)
{
	uint8_t *arp = p->f->data + p->d.network, to[16];

	if (p->d.network + 28 > p->f->len || be16_get(arp + 2) != 0x0800 ||
	    arp[4] != 6 || arp[5] != 4)
		return;
	if (map_address(edit, arp + 14, to, 4, true))
		memcpy(arp + 14, to, 4);
	if (map_address(edit, arp + 24, to, 4, false))
		memcpy(arp + 24, to, 4);
}

/* The checksum of layer 4 that covers the pseudo header, if it is here. */
static uint8_t *l4_check(const struct packet *p)
{
	static const struct {
		uint8_t version; /* of IP; 0: either */
		uint8_t protocol, at;
	} known[] = {
		{ 0, IPPROTO_TCP, 16 },	   { 0, IPPROTO_UDP, 6 },
		{ 0, IPPROTO_ICMPV6, 2 },  { 0, IPPROTO_DCCP, 6 },
		{ 0, IPPROTO_UDPLITE, 6 }, { 6, IPPROTO_PIM, 2 },
		{ 6, PROTOCOL_OSPF, 12 },  { 6, IPPROTO_MH, 4 },
	};

	for (size_t i = 0; p->d.transport && i < ARRAY_SIZE(known); i++)
		if (known[i].protocol == p->d.protocol &&
		    (!known[i].version || known[i].version == p->d.version) &&
		    p->d.transport + known[i].at + 2 <= p->d.end)
			return p->f->data + p->d.transport + known[i].at;
	return NULL;
}

static void packet_init(struct packet *p, struct frame *f)
{
	const struct virtio_net_hdr *vnet = &f->vnet;

	memset(p, 0, sizeof(*p));
	p->f = f;
	dissect(f->data, f->len, &p->d);
	p->ip = f->data + p->d.network;
	if (p->d.version == 4)
		p->ip_check = p->ip + 10;
	/* What is undone may be that of a packet in a tunnel. */
	if (p->d.version && (!(vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) ||
			     vnet->csum_start == p->d.transport))
		p->l4_check = l4_check(p);
	if (p->l4_check)
		p->l4_dst = checksum_destination(f->data, &p->d);
}

static void edit_packet(const struct edit *edit, struct frame *f)
{
	bool addresses = edit->params.n_maps || edit->params.unique_ip;
	struct packet p;

	packet_init(&p, f);
	if (addresses && p.d.type == TYPE_ARP)
		edit_arp(edit, &p);
	if (!p.d.version)
		return;
	if (addresses) {
		edit_ip_addresses(edit, &p);
		if (p.d.version == 6)
			edit_nd_target(edit, &p);
	}
	if (edit->params.has_ttl)
		edit_ttl(edit, &p);
}

/* ---- the stage ---- */

/* Layer 4 of a frame that its device is to finish is not ours to. */
static void fix_checksums(struct frame *f)
{
	struct dissect d;

	if (frame_is_plain(f)) {
		checksum_fix(f->data, f->len);
		return;
	}
	dissect(f->data, f->len, &d);
	checksum_fix_network(f->data, &d);
}

static bool edit_push(struct stage *stage, struct burst *b,
		      struct lane_stats *s, uint64_t now_ns)
{
	struct edit *edit = container_of(stage, struct edit, stage);

	(void)s;
	(void)now_ns;
	for (uint32_t i = 0; i < b->n; i++) {
		edit_macs(edit, &b->frame[i]);
		edit_tags(edit, &b->frame[i]);
		if (edit->looks_deeper)
			edit_packet(edit, &b->frame[i]);
		if (edit->params.fix_checksums)
			fix_checksums(&b->frame[i]);
	}
	return false;
}

static void edit_free(struct stage *stage)
{
	free(container_of(stage, struct edit, stage));
}

static const struct stage_ops edit_ops = {
	.name = "edit",
	.push = edit_push,
	.free = edit_free,
};

bool edit_is_wanted(const struct edit_params *p)
{
	for (int i = 0; i < EDIT_EGRESSES; i++)
		if (p->src[i].given || p->dst[i].given)
			return true;
	return p->n_vlans || p->n_maps || p->unique_ip || p->has_ttl ||
	       p->fix_checksums;
}

int edit_new(struct stage **stagep, const struct edit_params *params)
{
	struct edit *edit = calloc(1, sizeof(*edit));

	if (!edit) {
		log_err("edit: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	edit->stage.ops = &edit_ops;
	edit->params = *params;
	edit->looks_deeper = params->n_maps || params->unique_ip ||
			     params->has_ttl;
	*stagep = &edit->stage;
	return 0;
}

void edit_set_pass(struct stage *stage, uint64_t pass)
{
	container_of(stage, struct edit, stage)->pass = (uint32_t)pass;
}
