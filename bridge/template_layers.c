/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See template_layers.h. Places are those of IEEE 802.3 and 802.1Q, RFC 826
 * (ARP), 791 (IPv4), 8200 (IPv6), 768 (UDP), 9293 (TCP), 792 and 4443 (ICMP).
 * Addresses that nobody chose are of the ranges for measuring (RFC 2544 and
 * 5180): no router forwards them by mistake.
 */
#include "config.h"

#include <string.h>

#include "template_layers.h"

static const struct template_name ethertypes[] = {
	{ "ip", 0x0800 },  { "arp", 0x0806 }, { "ip6", 0x86dd },
	{ "lldp", 0x88cc }, { "ptp", 0x88f7 }, { NULL, 0 },
};

static const struct template_name tag_protocols[] = {
	{ "802.1q", 0x8100 }, { "802.1ad", 0x88a8 }, { NULL, 0 },
};

static const struct template_name arp_ops[] = {
	{ "request", 1 }, { "reply", 2 }, { NULL, 0 },
};

static const struct template_name ip_protocols[] = {
	{ "icmp", 1 },    { "igmp", 2 }, { "tcp", 6 },   { "udp", 17 },
	{ "icmp6", 58 }, { "gre", 47 }, { "sctp", 132 }, { NULL, 0 },
};

#define NUMBER(n_bits) { TEMPLATE_NUMBER, n_bits, NULL }
#define NAMED(n_bits, list) { TEMPLATE_NUMBER, n_bits, list }
#define MAC { TEMPLATE_MAC, 48, NULL }
#define IP4 { TEMPLATE_IP4, 32, NULL }
#define IP6 { TEMPLATE_IP6, 128, NULL }
#define TCP_FLAGS { TEMPLATE_FLAGS, 9, NULL }

#define FIELD(n, is, a, b, value, text) \
	.name = n, .syntax = is, .at = a, .bytes = b, .preset = value, \
	.help = text
#define AUTO(what) .by_itself = TEMPLATE_AUTO_##what

static const struct template_field eth_fields[] = {
	{ FIELD("dst", MAC, 0, 6, "02:00:00:00:00:02", "to this station") },
	{ FIELD("src", MAC, 6, 6, "02:00:00:00:00:01", "from this station") },
	{ FIELD("type", NAMED(16, ethertypes), 12, 2, NULL,
		"ethertype, behind all tags"), AUTO(TYPE), .shapes = true },
};

static const struct template_field vlan_fields[] = {
	{ FIELD("proto", NAMED(16, tag_protocols), 0, 2, "802.1q", "TPID"),
	  .shapes = true },
	{ FIELD("prio", NUMBER(3), 2, 2, "0", "priority"), .shift = 13 },
	{ FIELD("dei", NUMBER(1), 2, 2, "0", "may be dropped first"),
	  .shift = 12 },
	{ FIELD("id", NUMBER(12), 2, 2, "1", "VLAN") },
};

static const struct template_field arp_fields[] = {
	{ FIELD("htype", NUMBER(16), 0, 2, "1", "kind of hardware") },
	{ FIELD("ptype", NAMED(16, ethertypes), 2, 2, "ip", "of addresses") },
	{ FIELD("hlen", NUMBER(8), 4, 1, "6", "bytes of a MAC address") },
	{ FIELD("plen", NUMBER(8), 5, 1, "4", "bytes of an IP address") },
	{ FIELD("op", NAMED(16, arp_ops), 6, 2, "request", "operation") },
	{ FIELD("sha", MAC, 8, 6, NULL, "sender's MAC; --eth src") },
	{ FIELD("spa", IP4, 14, 4, "198.18.0.1", "sender's IP") },
	{ FIELD("tha", MAC, 18, 6, "00:00:00:00:00:00", "target's MAC") },
	{ FIELD("tpa", IP4, 24, 4, "198.18.0.2", "target's IP") },
};

static const struct template_field ip_fields[] = {
	{ FIELD("version", NUMBER(4), 0, 1, "4", "4"), .shift = 4,
	  .shapes = true },
	{ FIELD("ihl", NUMBER(4), 0, 1, "5", "header, in 4 bytes"),
	  .shapes = true },
	{ FIELD("tos", NUMBER(8), 1, 1, "0", "DSCP and ECN") },
	{ FIELD("len", NUMBER(16), 2, 2, NULL, "header and payload"),
	  AUTO(LEN), .shapes = true },
	{ FIELD("id", NUMBER(16), 4, 2, "0", "identification") },
	{ FIELD("df", NUMBER(1), 6, 2, "1", "don't fragment"), .shift = 14 },
	{ FIELD("mf", NUMBER(1), 6, 2, "0", "more fragments"), .shift = 13,
	  .shapes = true },
	{ FIELD("frag", NUMBER(13), 6, 2, "0", "fragment's place, in 8 bytes"),
	  .shapes = true },
	{ FIELD("ttl", NUMBER(8), 8, 1, "64", "hops to live") },
	{ FIELD("proto", NAMED(8, ip_protocols), 9, 1, NULL, "protocol"),
	  AUTO(PROTO), .shapes = true },
	{ FIELD("csum", NUMBER(16), 10, 2, NULL, "header checksum"),
	  AUTO(CSUM) },
	{ FIELD("src", IP4, 12, 4, "198.18.0.1", "sender"), .pseudo = true },
	{ FIELD("dst", IP4, 16, 4, "198.18.0.2", "receiver"), .pseudo = true },
};

static const struct template_field ip6_fields[] = {
	{ FIELD("version", NUMBER(4), 0, 1, "6", "6"), .shift = 4,
	  .shapes = true },
	{ FIELD("class", NUMBER(8), 0, 2, "0", "DSCP and ECN"), .shift = 4 },
	{ FIELD("flow", NUMBER(20), 0, 4, "0", "flow label") },
	{ FIELD("len", NUMBER(16), 4, 2, NULL, "payload"), AUTO(LEN),
	  .shapes = true },
	{ FIELD("proto", NAMED(8, ip_protocols), 6, 1, NULL, "next header"),
	  AUTO(PROTO), .shapes = true },
	{ FIELD("hops", NUMBER(8), 7, 1, "64", "hops to live") },
	{ FIELD("src", IP6, 8, 16, "2001:2::1", "sender"), .pseudo = true },
	{ FIELD("dst", IP6, 24, 16, "2001:2::2", "receiver"), .pseudo = true },
};

static const struct template_field udp_fields[] = {
	{ FIELD("sport", NUMBER(16), 0, 2, "9", "from this port") },
	{ FIELD("dport", NUMBER(16), 2, 2, "9", "to this port") },
	{ FIELD("len", NUMBER(16), 4, 2, NULL, "header and payload"),
	  AUTO(LEN) },
	{ FIELD("csum", NUMBER(16), 6, 2, NULL, "checksum; 0: none"),
	  AUTO(CSUM) },
};

static const struct template_field tcp_fields[] = {
	{ FIELD("sport", NUMBER(16), 0, 2, "9", "from this port") },
	{ FIELD("dport", NUMBER(16), 2, 2, "9", "to this port") },
	{ FIELD("seq", NUMBER(32), 4, 4, "0", "number of the first byte") },
	{ FIELD("ack", NUMBER(32), 8, 4, "0", "number of the next to come") },
	{ FIELD("off", NUMBER(4), 12, 1, "5", "header, in 4 bytes"), .shift = 4,
	  .shapes = true },
	{ FIELD("flags", TCP_FLAGS, 12, 2, "S", "flags") },
	{ FIELD("window", NUMBER(16), 14, 2, "65535", "window") },
	{ FIELD("csum", NUMBER(16), 16, 2, NULL, "checksum"), AUTO(CSUM) },
	{ FIELD("urg", NUMBER(16), 18, 2, "0", "urgent pointer") },
};

static const struct template_field icmp_fields[] = {
	{ FIELD("type", NUMBER(8), 0, 1, NULL, "an echo request: 8, or 128") },
	{ FIELD("code", NUMBER(8), 1, 1, "0", "code") },
	{ FIELD("csum", NUMBER(16), 2, 2, NULL, "checksum"), AUTO(CSUM) },
	{ FIELD("id", NUMBER(16), 4, 2, "1", "whose echo") },
	{ FIELD("seq", NUMBER(16), 6, 2, "0", "which echo") },
};

#define FIELDS(list) .field = list, .n_fields = ARRAY_SIZE(list)

const struct template_layer_info template_layers[] = {
	{ "eth", TEMPLATE_ETH, 0, 14, FIELDS(eth_fields), "Ethernet header" },
	{ "vlan", TEMPLATE_VLAN, 0, 4, FIELDS(vlan_fields),
	  "a tag; several from the outermost" },
	{ "arp", TEMPLATE_NETWORK, 0x0806, 28, FIELDS(arp_fields), "ARP" },
	{ "ip", TEMPLATE_NETWORK, 0x0800, 20, FIELDS(ip_fields), "IPv4" },
	{ "ip6", TEMPLATE_NETWORK, 0x86dd, 40, FIELDS(ip6_fields), "IPv6" },
	{ "udp", TEMPLATE_TRANSPORT, 17, 8, FIELDS(udp_fields), "UDP" },
	{ "tcp", TEMPLATE_TRANSPORT, 6, 20, FIELDS(tcp_fields), "TCP" },
	{ "icmp", TEMPLATE_TRANSPORT, 1, 8, FIELDS(icmp_fields),
	  "ICMP, or ICMPv6 behind --ip6" },
	{ "payload", TEMPLATE_PAYLOAD, 0, 0, NULL, 0,
	  "text; \\xNN, \\n, \\r, \\t, \\0 and \\\\ stand for bytes" },
	{ "hex", TEMPLATE_PAYLOAD, 0, 0, NULL, 0,
	  "bytes of payload, or the whole frame if there is nothing else" },
};

const size_t template_n_layers = ARRAY_SIZE(template_layers);

const struct template_layer_info *template_layer_find(const char *name)
{
	for (size_t i = 0; i < template_n_layers; i++) {
		if (!strcmp(template_layers[i].name, name))
			return &template_layers[i];
	}
	return NULL;
}

const struct template_field *
template_field_find(const struct template_layer_info *layer, const char *name)
{
	for (size_t i = 0; i < layer->n_fields; i++) {
		if (!strcmp(layer->field[i].name, name))
			return &layer->field[i];
	}
	return NULL;
}
