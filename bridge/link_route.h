/* SPDX-License-Identifier: BSD-2-Clause */
/* Which way the kernel sends to an address. In the network namespace of the
 * calling thread. */
#ifndef BUMPWIRE_LINK_ROUTE_H
#define BUMPWIRE_LINK_ROUTE_H

#include <sys/socket.h>

#include "base.h"

/* The index of the interface that leads to an address of IPv4 or IPv6; of
 * several, one. 0: there is no way; -errno (logged). */
int link_route_index(const struct sockaddr *to);

#endif
