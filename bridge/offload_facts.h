/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ethtool tells of a NIC, for who looks whether it suits a bridge: its
 * features by name, its queues, its speed. Like offload.h these are ioctls, in
 * the network namespace of the calling thread; nothing is logged.
 */
#ifndef BUMPWIRE_OFFLOAD_FACTS_H
#define BUMPWIRE_OFFLOAD_FACTS_H

#include <stdbool.h>

#include "base.h"

struct offload_feature {
	const char *name; /* the kernel's: rx-gro, see `ethtool -k` */
	bool known;       /* by this kernel */
	bool on;
	bool fixed; /* the driver does not let it be changed */
};

/* Fill in what becomes of each named feature. 0 or -errno. */
int offload_features(const char *ifname, struct offload_feature *feature,
		     size_t n);

/* Queues that are in use; combined ones are counted in both. */
struct offload_queues {
	unsigned int rx, tx, combined;
};

/* 0; -EOPNOTSUPP or another -errno. */
int offload_queues(const char *ifname, struct offload_queues *queues);

struct offload_speed {
	uint32_t mbps; /* 0: unknown, as long as there is no carrier */
	bool half_duplex;
};

/* 0; -EOPNOTSUPP or another -errno. */
int offload_speed(const char *ifname, struct offload_speed *speed);

/* Slots of the NIC's own receive ring, and what it could have. Likewise. */
int offload_rx_slots(const char *ifname, uint32_t *now, uint32_t *most);

#endif
