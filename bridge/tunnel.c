/* SPDX-License-Identifier: BSD-2-Clause */
/* See tunnel.h. */
#include "config.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>

#include "be.h"
#include "tunnel.h"

#define ETH_P_QINQ_OLD 0x9100
#define GRE_CHECKSUM 0x8000
#define GRE_KEY 0x2000
#define MPLS_LABELS_MAX 16
#define EXTENSIONS_MAX 8

/* What a walk may look at: nothing from `end`, where the layer 4 begins. */
struct walk {
	const uint8_t *data;
	uint32_t end;
	struct tunnel *t;
};

static int walk_protocol(struct walk *w, uint8_t protocol, uint32_t at);

static int add_layer(struct walk *w, enum tunnel_kind kind, uint32_t at)
{
	if (w->t->n == TUNNEL_LAYERS_MAX)
		return -EINVAL;
	w->t->layer[w->t->n++] = (struct tunnel_layer){ kind, at };
	return 0;
}

/* ---- IP ---- */

static int walk_ipv4(struct walk *w, uint32_t at)
{
	const uint8_t *ip = w->data + at;
	uint32_t bytes;

	if (at + 20 > w->end || ip[0] >> 4 != 4)
		return -EINVAL;
	bytes = 4u * (ip[0] & 0x0f);
	if (bytes < 20 || at + bytes > w->end || be16_get(ip + 6) & 0x3fff ||
	    add_layer(w, TUNNEL_IPV4, at))
		return -EINVAL;
	return walk_protocol(w, ip[9], at + bytes);
}

/* The extension headers that GSO goes past (net/ipv6/exthdrs_offload.c). */
static bool is_extension(uint8_t protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
	       protocol == IPPROTO_DSTOPTS;
}

static int walk_ipv6(struct walk *w, uint32_t at)
{
	const uint8_t *ip = w->data + at;
	uint8_t next;

	if (at + 40 > w->end || ip[0] >> 4 != 6)
		return -EINVAL;
	next = ip[6];
	/* A jumbo payload option would tell a length, too (RFC 2675). */
	if ((next == IPPROTO_HOPOPTS && !be16_get(ip + 4)) ||
	    add_layer(w, TUNNEL_IPV6, at))
		return -EINVAL;
	at += 40;
	for (int i = 0; i < EXTENSIONS_MAX && is_extension(next); i++) {
		if (at + 8 > w->end)
			return -EINVAL;
		next = w->data[at];
		at += 8u * (w->data[at + 1] + 1u);
	}
	return walk_protocol(w, next, at);
}

/* The version that the bytes themselves tell. */
static int walk_ip(struct walk *w, uint32_t at)
{
	if (at >= w->end)
		return -EINVAL;
	return w->data[at] >> 4 == 4 ? walk_ipv4(w, at) : walk_ipv6(w, at);
}

/* ---- what has an ethertype ---- */

static int walk_mpls(struct walk *w, uint32_t at)
{
	for (int i = 0; i < MPLS_LABELS_MAX && at + 4 <= w->end; i++) {
		at += 4;
		if (w->data[at - 2] & 1) /* the bottom of the stack */
			return walk_ip(w, at);
	}
	return -EINVAL;
}

static int walk_network(struct walk *w, uint16_t type, uint32_t at)
{
	switch (type) {
	case ETH_P_IP:
		return walk_ipv4(w, at);
	case ETH_P_IPV6:
		return walk_ipv6(w, at);
	case ETH_P_MPLS_UC:
	case ETH_P_MPLS_MC:
		return walk_mpls(w, at);
	}
	return -EINVAL;
}

static bool is_tag(uint16_t type)
{
	return type == ETH_P_8021Q || type == ETH_P_8021AD ||
	       type == ETH_P_QINQ_OLD;
}

/* Addresses, tags, type. */
static int walk_ethernet(struct walk *w, uint32_t at)
{
	uint16_t type;

	for (at += 12; at + 2 <= w->end; at += 4) {
		type = be16_get(w->data + at);
		if (!is_tag(type))
			return walk_network(w, type, at + 2);
	}
	return -EINVAL;
}

static int walk_type(struct walk *w, uint16_t type, uint32_t at)
{
	return type == ETH_P_TEB ? walk_ethernet(w, at) :
				   walk_network(w, type, at);
}

/* ---- what stands behind UDP: a type and its bytes, or false: not this ---- */

/* RFC 7348; with a group's policy (draft-smith-vxlan-group-policy). With
 * remote checksum offload, a bit of the second byte, it is not for us. */
static bool is_vxlan(const uint8_t *p, uint32_t *bytes, uint16_t *type)
{
	bool policy = p[0] == 0x88 && !(p[1] & ~0x48);

	*bytes = 8;
	*type = ETH_P_TEB;
	return (policy || (p[0] == 0x08 && !p[1] && !p[2] && !p[3])) && !p[7];
}

/* draft-ietf-nvo3-vxlan-gpe */
static bool is_vxlan_gpe(const uint8_t *p, uint32_t *bytes, uint16_t *type)
{
	static const uint16_t next[] = { 0, ETH_P_IP, ETH_P_IPV6, ETH_P_TEB };

	*bytes = 8;
	*type = p[3] < ARRAY_SIZE(next) ? next[p[3]] : 0;
	return p[0] == 0x0c && !p[1] && !p[2] && *type && !p[7];
}

/* RFC 8926, 3.4 */
static bool is_geneve(const uint8_t *p, uint32_t *bytes, uint16_t *type)
{
	*bytes = 8 + 4u * (p[0] & 0x3f);
	*type = be16_get(p + 2);
	return p[0] >> 6 == 0 && !(p[1] & 0x3f) && !p[7] &&
	       (*type == ETH_P_TEB || *type == ETH_P_IP || *type == ETH_P_IPV6);
}

/* IP with nothing between, as Linux calls Foo over UDP. */
static bool is_fou(const uint8_t *p, uint32_t *bytes, uint16_t *type)
{
	*bytes = 0;
	*type = p[0] >> 4 == 4 ? ETH_P_IP : ETH_P_IPV6;
	return p[0] >> 4 == 4 || p[0] >> 4 == 6;
}

/* Ports are what people choose, so each is tried that could be meant; the
 * right one ends where the kernel says. */
static int walk_udp(struct walk *w, uint32_t at)
{
	static bool (*const kinds[])(const uint8_t *p, uint32_t *bytes,
				     uint16_t *type) = {
		is_vxlan, is_vxlan_gpe, is_geneve, is_fou,
	};
	uint32_t inner = at + 8, bytes;
	uint16_t type;
	uint8_t n;

	if (inner + 8 > w->end || add_layer(w, TUNNEL_UDP, at))
		return -EINVAL;
	n = w->t->n;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		w->t->n = n;
		if (kinds[i](w->data + inner, &bytes, &type) &&
		    !walk_type(w, type, inner + bytes))
			return 0;
	}
	return -EINVAL;
}

/* ---- the rest ---- */

/* RFC 2784 and RFC 2890. Segments cannot share a sequence number, and Linux
 * makes no super-frames where there are any. */
static int walk_gre(struct walk *w, uint32_t at)
{
	uint32_t bytes = 4;
	uint16_t flags;

	if (at + bytes > w->end)
		return -EINVAL;
	flags = be16_get(w->data + at);
	if (flags & ~(GRE_CHECKSUM | GRE_KEY))
		return -EINVAL;
	bytes += flags & GRE_CHECKSUM ? 4 : 0;
	bytes += flags & GRE_KEY ? 4 : 0;
	if (flags & GRE_CHECKSUM && add_layer(w, TUNNEL_GRE, at))
		return -EINVAL;
	return walk_type(w, be16_get(w->data + at + 2), at + bytes);
}

static int walk_protocol(struct walk *w, uint8_t protocol, uint32_t at)
{
	if (at == w->end && (protocol == IPPROTO_TCP ||
			     protocol == IPPROTO_UDP)) {
		w->t->protocol = protocol;
		w->t->transport = at;
		return 0;
	}
	switch (protocol) {
	case IPPROTO_UDP:
		return walk_udp(w, at);
	case IPPROTO_GRE:
		return walk_gre(w, at);
	case IPPROTO_IPIP:
		return walk_ipv4(w, at);
	case IPPROTO_IPV6:
		return walk_ipv6(w, at);
	}
	return -EINVAL;
}

int tunnel_walk(struct tunnel *t, const uint8_t *data, uint32_t transport)
{
	struct walk w = { data, transport, t };

	t->n = 0;
	return walk_ethernet(&w, 0);
}
