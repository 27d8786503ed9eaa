/* SPDX-License-Identifier: BSD-2-Clause */
/* See offload_facts.h. */
#include "config.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <stdio.h>
#include <string.h>

#include "offload.h"
#include "offload_facts.h"

/* ---- features ---- */

static int count_features(const char *ifname, uint32_t *n)
{
	union {
		struct ethtool_sset_info info;
		uint8_t room[sizeof(struct ethtool_sset_info) +
			     sizeof(uint32_t)];
	} query = { .info = { .cmd = ETHTOOL_GSSET_INFO,
			      .sset_mask = 1ull << ETH_SS_FEATURES } };
	int r = offload_command(ifname, &query);

	if (r)
		return r;
	if (!query.info.sset_mask)
		return -EOPNOTSUPP;
	memcpy(n, query.info.data, sizeof(*n));
	return 0;
}

static int get_names(const char *ifname, uint32_t n,
		     struct ethtool_gstrings **names)
{
	*names = calloc(1, sizeof(**names) + (size_t)n * ETH_GSTRING_LEN);
	if (!*names)
		return -ENOMEM;
	(*names)->cmd = ETHTOOL_GSTRINGS;
	(*names)->string_set = ETH_SS_FEATURES;
	(*names)->len = n;
	return offload_command(ifname, *names);
}

static int get_bits(const char *ifname, uint32_t n,
		    struct ethtool_gfeatures **bits)
{
	uint32_t blocks = (n + 31) / 32;

	*bits = calloc(1, sizeof(**bits) +
				  blocks * sizeof((*bits)->features[0]));
	if (!*bits)
		return -ENOMEM;
	(*bits)->cmd = ETHTOOL_GFEATURES;
	(*bits)->size = blocks;
	return offload_command(ifname, *bits);
}

static void fill_in(struct offload_feature *feature,
		    const struct ethtool_gstrings *names,
		    const struct ethtool_gfeatures *bits, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const char *name = (const char *)names->data +
				   (size_t)i * ETH_GSTRING_LEN;
		const struct ethtool_get_features_block *block =
			&bits->features[i / 32];
		uint32_t bit = 1u << (i % 32);

		if (strncmp(name, feature->name, ETH_GSTRING_LEN))
			continue;
		feature->known = true;
		feature->on = block->active & bit;
		feature->fixed = !(block->available & bit) ||
				 (block->never_changed & bit);
		return;
	}
}

int offload_features(const char *ifname, struct offload_feature *feature,
		     size_t n)
{
	autoclean(free_ptr) struct ethtool_gstrings *names = NULL;
	autoclean(free_ptr) struct ethtool_gfeatures *bits = NULL;
	uint32_t count = 0;
	int r = count_features(ifname, &count);

	if (!r)
		r = get_names(ifname, count, &names);
	if (!r)
		r = get_bits(ifname, count, &bits);
	for (size_t i = 0; i < n; i++) {
		feature[i].known = feature[i].on = feature[i].fixed = false;
		if (!r)
			fill_in(&feature[i], names, bits, count);
	}
	return r;
}

/* ---- figures ---- */

int offload_queues(const char *ifname, struct offload_queues *queues)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	int r = offload_command(ifname, &channels);

	*queues = (struct offload_queues){
		.rx = channels.rx_count + channels.combined_count,
		.tx = channels.tx_count + channels.combined_count,
		.combined = channels.combined_count,
	};
	return r;
}

/*
 * The kernel tells first, as a negative number, how many words each bitmap of
 * modes takes, and answers when asked with that number: ETHTOOL_GLINKSETTINGS
 * in linux/ethtool.h.
 */
int offload_speed(const char *ifname, struct offload_speed *speed)
{
	union {
		struct ethtool_link_settings s;
		/* three bitmaps of at most 127 words */
		uint8_t room[sizeof(struct ethtool_link_settings) +
			     3 * 127 * sizeof(uint32_t)];
	} query = { .s = { .cmd = ETHTOOL_GLINKSETTINGS } };
	int r = offload_command(ifname, &query);

	*speed = (struct offload_speed){ 0 };
	if (r)
		return r;
	if (query.s.link_mode_masks_nwords >= 0)
		return -EOPNOTSUPP;
	query.s = (struct ethtool_link_settings){
		.cmd = ETHTOOL_GLINKSETTINGS,
		.link_mode_masks_nwords =
			(int8_t)-query.s.link_mode_masks_nwords,
	};
	r = offload_command(ifname, &query);
	if (r)
		return r;
	if (query.s.speed != (uint32_t)SPEED_UNKNOWN)
		speed->mbps = query.s.speed;
	speed->half_duplex = query.s.duplex == DUPLEX_HALF;
	return 0;
}

int offload_rx_slots(const char *ifname, uint32_t *now, uint32_t *most)
{
	struct ethtool_ringparam ring = { .cmd = ETHTOOL_GRINGPARAM };
	int r = offload_command(ifname, &ring);

	*now = ring.rx_pending;
	*most = ring.rx_max_pending;
	return r;
}
