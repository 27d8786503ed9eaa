/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies go to a collector in VXLAN (RFC 7348): each a datagram, with a header
 * of 8 bytes before it. A vxlan device of the kernel at the far end gives them
 * out as they were.
 */
#ifndef BUMPWIRE_TAP_VXLAN_H
#define BUMPWIRE_TAP_VXLAN_H

#include "tap_params.h"
#include "tap_sink.h"
#include "tap_target.h"

/*
 * The collector need not be there: while there is no way to it, its link is
 * down, or it is told to be unreachable, copies are sent still but count as
 * lost, until nothing was told for a while (4 s for what the far end tells).
 * A host that falls silent is noticed when its neighbour entry fails, after
 * about 3 s; a cable, when the kernel tells, within about a second. Until then
 * copies count as written.
 *
 * A frame that does not fit into the underlay's MTU is sent in fragments, and
 * that is warned of. One that a snap length has cut is sent as it is: the
 * length in its own IP header is more than arrives. 0 or -errno (logged).
 */
int tap_vxlan_open(struct tap_sink **sinkp, const struct tap_params *params,
		   const struct tap_target *target);

#endif
