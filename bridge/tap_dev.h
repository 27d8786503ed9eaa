/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies leave by an interface of their own, where any IDS can read them: a
 * NIC with a sensor behind it, or one end of a veth pair.
 */
#ifndef BUMPWIRE_TAP_DEV_H
#define BUMPWIRE_TAP_DEV_H

#include "tap_params.h"
#include "tap_sink.h"
#include "tap_target.h"

/*
 * The interface must be there now, carry Ethernet, and be none of the wire's
 * own. Later it may go and come back, and is known by its name. Frames longer
 * than its MTU are lost, and told of. 0 or -errno (logged): -ENODEV, -EINVAL,
 * and of a packet socket.
 */
int tap_dev_open(struct tap_sink **sinkp, const struct tap_params *params,
		 const struct tap_target *target);

#endif
