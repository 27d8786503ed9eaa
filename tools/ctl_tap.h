/* SPDX-License-Identifier: BSD-2-Clause */
/* A tap whose frames come over the connection, to a file or standard output. */
#ifndef BUMPWIRE_CTL_TAP_H
#define BUMPWIRE_CTL_TAP_H

#include "ctl_client.h"
#include "ctl_options.h"

/* Can frames be written there? Nothing is asked or opened. 0, or -EINVAL
 * (logged). */
int ctl_tap_check(const struct ctl_options *o);

/*
 * Copy until the reader has gone or a signal ends it: 0; or until the bridge
 * ends it: -ECONNRESET (logged). Other -errno (logged), or as ctl_client_ask().
 * After a signal comes what the bridge has yet to say, its statistics as the
 * last, for two seconds at most. What was written ends with a whole block.
 */
int ctl_tap_run(struct ctl_client *client, const struct ctl_options *o,
		const json_t *request);

#endif
