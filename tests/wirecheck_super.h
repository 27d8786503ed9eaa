/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What both ends of wirecheck super know: the payload at offset o of flow f,
 * and how checksums are made. In a UDP datagram the first 8 bytes tell its
 * offset instead.
 */
#ifndef WIRECHECK_SUPER_H
#define WIRECHECK_SUPER_H

#include <linux/virtio_net.h>

#include "wirecheck.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5 /* since 6.2 */
#endif

#define SUPER_FLOWS 16
#define SUPER_PORT 42000 /* of flow 0, both ends */
#define VNET_BYTES ((uint32_t)sizeof(struct virtio_net_hdr))

extern const uint8_t super_source[6];

uint8_t super_byte(uint64_t flow, uint64_t offset);

/* The ones' complement sum, not folded. */
uint64_t super_sum(const uint8_t *p, uint32_t n);
uint16_t super_fold(uint64_t sum);
/* Of addresses, protocol and length: what a layer-4 checksum starts with. */
uint64_t super_pseudo_sum(const uint8_t *ip, uint8_t protocol, uint32_t n);

#endif
