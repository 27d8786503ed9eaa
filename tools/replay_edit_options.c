/* SPDX-License-Identifier: BSD-2-Clause */
/* See replay_edit_options.h. */
#include "config.h"

#include <errno.h>

#include "replay_edit_options.h"
#include "replay_options.h"

static int take_src_mac(void *target, const char *value, const char **allowed)
{
	struct replay_options *o = target;

	*allowed = EDIT_MAC_ALLOWED;
	o->edits = true;
	return edit_parse_macs(value, o->edit.src);
}

static int take_dst_mac(void *target, const char *value, const char **allowed)
{
	struct replay_options *o = target;

	*allowed = EDIT_MAC_ALLOWED;
	o->edits = true;
	return edit_parse_macs(value, o->edit.dst);
}

/* ---- tags ---- */

static int count_pushes(const struct edit_params *edit)
{
	int n = 0;

	for (size_t i = 0; i < edit->n_vlans; i++)
		n += edit->vlan[i].verb == EDIT_VLAN_PUSH;
	return n;
}

static int add_vlan(struct replay_options *o, enum edit_vlan_verb verb,
		    const char *value, const char **allowed)
{
	struct edit_vlan *vlan = &o->edit.vlan[o->edit.n_vlans];

	*allowed = "at most 8 changes of tags, and 2 pushes";
	if (o->edit.n_vlans == EDIT_VLANS_MAX ||
	    (verb == EDIT_VLAN_PUSH &&
	     count_pushes(&o->edit) == EDIT_PUSHES_MAX))
		return -EINVAL;
	*allowed = EDIT_VLAN_ALLOWED;
	vlan->verb = verb;
	if (value && edit_parse_vlan(value, vlan))
		return -EINVAL;
	o->edit.n_vlans++;
	o->edits = true;
	return 0;
}

static int take_vlan_push(void *target, const char *value,
			  const char **allowed)
{
	return add_vlan(target, EDIT_VLAN_PUSH, value, allowed);
}

static int take_vlan_pop(void *target, const char *value, const char **allowed)
{
	return add_vlan(target, EDIT_VLAN_POP, value, allowed);
}

static int take_vlan_set(void *target, const char *value, const char **allowed)
{
	return add_vlan(target, EDIT_VLAN_SET, value, allowed);
}

/* ---- IP ---- */

static int add_map(struct replay_options *o, bool src, bool dst,
		   const char *value, const char **allowed)
{
	struct edit_map *map = &o->edit.map[o->edit.n_maps];

	*allowed = "at most 32 of these";
	if (o->edit.n_maps == EDIT_MAPS_MAX)
		return -EINVAL;
	*allowed = EDIT_MAP_ALLOWED;
	if (edit_parse_map(value, map))
		return -EINVAL;
	map->src = src;
	map->dst = dst;
	o->edit.n_maps++;
	o->edits = true;
	return 0;
}

static int take_map_ip(void *target, const char *value, const char **allowed)
{
	return add_map(target, true, true, value, allowed);
}

static int take_map_src(void *target, const char *value, const char **allowed)
{
	return add_map(target, true, false, value, allowed);
}

static int take_map_dst(void *target, const char *value, const char **allowed)
{
	return add_map(target, false, true, value, allowed);
}

static int take_ttl(void *target, const char *value, const char **allowed)
{
	struct replay_options *o = target;

	*allowed = EDIT_TTL_ALLOWED;
	o->edits = true;
	return edit_parse_ttl(value, &o->edit);
}

#define OF(member) offsetof(struct replay_options, member)

static const struct arg rows[] = {
	{ ARG_CALL, "src-mac", 0, "ADDR[,ADDR]",
	  "Source address; a second one for what leaves by right",
	  .take = take_src_mac },
	{ ARG_CALL, "dst-mac", 0, "ADDR[,ADDR]",
	  "Destination address, likewise", .take = take_dst_mac },
	{ ARG_CALL, "vlan-push", 0, "VID[,prio=N][,dei=N][,proto=802.1ad]",
	  "Put a tag in front", .take = take_vlan_push },
	{ ARG_CALL, "vlan-pop", 0, NULL, "Take the outermost tag off",
	  .take = take_vlan_pop },
	{ ARG_CALL, "vlan-set", 0, "[VID][,prio=N][,dei=N][,proto=...]",
	  "Change what is named of the outermost tag",
	  .take = take_vlan_set },
	{ ARG_CALL, "map-ip", 0, "FROM=TO",
	  "Addresses from one prefix into another, in ARP, too: "
	  "10.0.0.0/8=192.168.0.0/16", .take = take_map_ip },
	{ ARG_CALL, "map-src", 0, "FROM=TO", "Source addresses alone",
	  .take = take_map_src },
	{ ARG_CALL, "map-dst", 0, "FROM=TO", "Destination addresses alone",
	  .take = take_map_dst },
	{ ARG_FLAG, "unique-ip", 0, NULL,
	  "In pass N of --loop, N is added to all IP addresses: new sessions "
	  "each time", OF(unique_ip) },
	{ ARG_CALL, "ttl", 0, "N, +N or -N", "TTL or hop limit",
	  .take = take_ttl },
	{ ARG_FLAG, "fix-checksums", 0, NULL,
	  "Compute the checksums of IPv4, TCP, UDP, ICMP and IGMP anew from "
	  "the bytes", OF(fix_checksums) },
};

const struct arg_group replay_args_edit = { "Changing frames", rows,
					    ARRAY_SIZE(rows) };
