/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See sandbox.h. Landlock comes first, for its system calls are not among those
 * that remain.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#include "log.h"
#include "sandbox.h"
#include "sandbox_landlock.h"
#include "sandbox_syscalls.h"

int sandbox_enter(const char *const *writable, size_t n)
{
	int r;

	/* Both ask for it of a process without CAP_SYS_ADMIN. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		log_err("sandbox: no_new_privs: %s", strerror(errno));
		return -errno;
	}
	r = sandbox_landlock(writable, n);
	return r ? r : sandbox_syscalls();
}
