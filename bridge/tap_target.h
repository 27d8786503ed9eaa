/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a tap's copies go, as people write it:
 *
 *   /var/tmp/wan.pcapng            a file; pcap if it is not called .pcapng
 *   dev:eth3                       an interface
 *   vxlan:192.0.2.7                a VXLAN collector: VNI 0, port 4789
 *   vxlan:[2001:db8::7]:4789/42    port and VNI
 */
#ifndef BUMPWIRE_TAP_TARGET_H
#define BUMPWIRE_TAP_TARGET_H

#include <netinet/in.h>
#include <stdbool.h>

#include "base.h"

enum tap_kind { TAP_FILE, TAP_DEV, TAP_VXLAN };

#define TAP_TARGET_ALLOWED \
	"a whole path from / on, dev:INTERFACE, or vxlan:ADDRESS[:PORT][/VNI]"
#define TAP_VXLAN_PORT 4789

struct tap_target {
	enum tap_kind kind;
	const char *name; /* the path or the interface; within `text` */
	struct sockaddr_storage address;
	socklen_t address_len;
	uint32_t vni; /* 0 to 2^24 - 1 */
};

/* Addresses are numbers: nobody is asked for names. 0 or -EINVAL. */
int tap_target_parse(const char *text, struct tap_target *target);

#endif
