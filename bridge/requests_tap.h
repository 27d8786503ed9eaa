/* SPDX-License-Identifier: BSD-2-Clause */
/* What a request asks of a tap that is to be started. */
#ifndef BUMPWIRE_REQUESTS_TAP_H
#define BUMPWIRE_REQUESTS_TAP_H

#include "requests.h"

/*
 * Read it as a configuration's keys, tap_snap and so on, are read: into the one
 * pair of `conf`, which is of no other use and is to be freed in any case. `to`
 * NULL: a stream. 0 or -errno, with the mistakes logged or as the request's
 * error.
 */
int request_tap_read(struct request *r, struct conf *conf, const char *id,
		     const char *to);

#endif
