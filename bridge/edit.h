/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stage that changes frames in place: addresses, tags, TTL. A checksum
 * that was right stays right, and one that was wrong as wrong as it was,
 * unless all are computed anew. Frames need EDIT_HEADROOM writable bytes
 * before them.
 */
#ifndef BUMPWIRE_EDIT_H
#define BUMPWIRE_EDIT_H

#include "stage.h"

#define EDIT_EGRESSES 2
#define EDIT_VLANS_MAX 8
#define EDIT_PUSHES_MAX 2
#define EDIT_HEADROOM (EDIT_PUSHES_MAX * 4)
#define EDIT_MAPS_MAX 32
#define EDIT_VLAN_MAPS_MAX 32

struct edit_mac {
	bool given;
	uint8_t address[6];
};

enum edit_vlan_verb {
	EDIT_VLAN_PUSH,
	EDIT_VLAN_POP,
	EDIT_VLAN_SET,
	EDIT_VLAN_MAP, /* another VID for some, by vlan_map */
};

struct edit_vlan_map {
	uint16_t from, to; /* 0 to 4095 */
};

/* What an operation leaves open is -1: of a push 0x8100, 0 and 0. */
struct edit_vlan {
	enum edit_vlan_verb verb;
	int vid, prio, dei, tpid;
};

/* Addresses inside `from` get the first bits of `to`. */
struct edit_map {
	bool src, dst;
	uint8_t version; /* 4 or 6 */
	uint8_t from_bits, to_bits;
	uint8_t from[16], to[16];
};

struct edit_params {
	struct edit_mac src[EDIT_EGRESSES]; /* by the frame's egress */
	struct edit_mac dst[EDIT_EGRESSES];
	struct edit_vlan vlan[EDIT_VLANS_MAX]; /* one after another */
	size_t n_vlans;
	struct edit_vlan_map vlan_map[EDIT_VLAN_MAPS_MAX];
	size_t n_vlan_maps;
	struct edit_map map[EDIT_MAPS_MAX]; /* the first that fits counts */
	size_t n_maps;
	bool unique_ip; /* pass N adds N to all addresses: new sessions */
	bool has_ttl;
	bool ttl_relative;
	int ttl; /* 1 to 255, or a difference; it stays within 1 to 255 */
	bool fix_checksums; /* compute all from the bytes, at last */
};

/* Would it change any frame? */
bool edit_is_wanted(const struct edit_params *params);

/* Copies the parameters. 0 or -ENOMEM (logged). */
int edit_new(struct stage **stagep, const struct edit_params *params);

/* Pass 0, 1, ... begins. */
void edit_set_pass(struct stage *stage, uint64_t pass);

/* ---- what people type (edit_parse.c): 0 or -EINVAL, not logged ---- */

#define EDIT_MAC_ALLOWED "an address such as 02:00:00:00:00:01, or two of them"
#define EDIT_ONE_MAC_ALLOWED "an address such as 02:00:00:00:00:01"
#define EDIT_VLAN_ALLOWED \
	"VID (0 to 4095), prio=0 to 7, dei=0 or 1, proto=802.1q or 802.1ad, " \
	"with commas between"
#define EDIT_POP_ALLOWED "1 or 2 tags"
#define EDIT_VLAN_MAP_ALLOWED \
	"up to 32 of FROM=TO, VIDs from 0 to 4095, each FROM once, such as " \
	"\"10=20 30=40\""
#define EDIT_MAP_ALLOWED \
	"FROM=TO, prefixes of one IP version such as 10.0.0.0/8=192.168.0.0/16"
#define EDIT_TTL_ALLOWED "1 to 255, +N or -N"

/* ADDR, for both ports, or ADDR,ADDR. */
int edit_parse_macs(const char *text, struct edit_mac mac[EDIT_EGRESSES]);
int edit_parse_vlan(const char *text, struct edit_vlan *vlan);
int edit_parse_map(const char *text, struct edit_map *map);
int edit_parse_ttl(const char *text, struct edit_params *params);

/* The same for a bridge, into struct edit_params: tags one step behind what was
 * taken before, addresses whatever port they leave by. */
int edit_parse_vlan_pop(const char *text, void *params);
int edit_parse_vlan_map(const char *text, void *params);
int edit_parse_vlan_set(const char *text, void *params);
int edit_parse_vlan_push(const char *text, void *params);
int edit_parse_src_mac(const char *text, void *params);
int edit_parse_dst_mac(const char *text, void *params);

#endif
