/* SPDX-License-Identifier: BSD-2-Clause */
/* The half of the sandbox that is about system calls: see sandbox.h. */
#ifndef BUMPWIRE_SANDBOX_SYSCALLS_H
#define BUMPWIRE_SANDBOX_SYSCALLS_H

#include "base.h"

/* For this thread, all others of the process, and those they start. 0; -errno
 * (logged). Threads may be made, programs not run. */
int sandbox_syscalls(void);

#endif
