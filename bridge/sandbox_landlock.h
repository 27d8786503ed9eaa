/* SPDX-License-Identifier: BSD-2-Clause */
/* The half of the sandbox that is about files: see sandbox.h. */
#ifndef BUMPWIRE_SANDBOX_LANDLOCK_H
#define BUMPWIRE_SANDBOX_LANDLOCK_H

#include "base.h"

/* Needs no_new_privs. 0, also where the kernel has no Landlock; -errno
 * (logged). */
int sandbox_landlock(const char *const *writable, size_t n);

#endif
