/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this process may still do, once it has what it needs: read, write in its
 * own folders, and use sockets, timers and threads.
 */
#ifndef BUMPWIRE_SANDBOX_H
#define BUMPWIRE_SANDBOX_H

#include "base.h"

/*
 * Set no_new_privs. Then forbid to execute, write, make, remove and rename
 * anything but below these folders, or in these files (Landlock; EACCES, and
 * EXDEV from one folder to another). Reading stays free. Then forbid whatever
 * system call the bridge does not use (seccomp; EPERM). Descriptors that are
 * open stay as they are. A path that does not exist is warned of, and left out.
 *
 * Where the kernel has no Landlock, or an older one, there is less of it, which
 * the debug log tells.
 *
 * 0; -errno (logged). It cannot be taken back. Call it while there is one
 * thread: Landlock holds for the calling thread and those it starts.
 */
int sandbox_enter(const char *const *writable, size_t n);

#endif
