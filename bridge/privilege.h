/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who this process is: another user, and of root's powers only the two that a
 * packet socket needs.
 */
#ifndef BUMPWIRE_PRIVILEGE_H
#define BUMPWIRE_PRIVILEGE_H

#include <stdbool.h>

#include "base.h"

struct privilege_params {
	const char *user; /* become this one; NULL: nobody else */
	/* Asked for: it must exist, and it must be possible to become it.
	 * Otherwise it is the default, taken where it can be. */
	bool user_is_wanted;
	/*
	 * What that user gets for its own first: folders, files, sockets of
	 * the program. The path itself, not what a symbolic link points to;
	 * what does not exist, a device, and a folder where everybody may
	 * write (/tmp) are passed over. Name only what the program itself has
	 * made: /var/log given here would be that user's, too.
	 */
	const char *const *owned;
	/* Write no core: a process that does lives until it is written, and
	 * its threads hold what they hold (coredump_wait(), fs/coredump.c). */
	bool no_core;
	size_t n_owned;
};

/*
 * Become the user with all its groups, keep CAP_NET_RAW and CAP_NET_ADMIN
 * (permitted and effective) and nothing else, empty the bounding set where that
 * is allowed, and set no_new_privs. For root, for root of a user namespace, and
 * for any user that has the capabilities: capabilities(7), user_namespaces(7).
 *
 * 0; -EINVAL the user's mistake, logged; other -errno, logged: -EPERM where
 * CAP_NET_RAW is missing. After an error the process may have changed in part:
 * end it. Call it before any thread is started.
 */
int privilege_drop(const struct privilege_params *p);

#endif
