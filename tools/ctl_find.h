/* SPDX-License-Identifier: BSD-2-Clause */
/* Which control socket is meant, and why one cannot be connected to. */
#ifndef BUMPWIRE_CTL_FIND_H
#define BUMPWIRE_CTL_FIND_H

#include <sys/un.h>

#include "base.h"

/*
 * The socket that is meant, as an allocated path: a path, with a '/' in it, or
 * the name of a bridge, or NULL for the only one. Whether somebody listens there
 * is looked at only where there are several to choose from. 0, or (logged)
 * -ENOTUNIQ if several run, other -errno if none does.
 */
int ctl_find(char **pathp, const char *socket_or_name);

/* 0, or -ENAMETOOLONG. */
int ctl_find_address(const char *path, struct sockaddr_un *address);

/* Log why nobody is reached there: -errno of connect(), and what to do. */
void ctl_find_explain(const char *path, int error);

#endif
