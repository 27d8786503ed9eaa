/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network namespace of the test's own, and ip(8) in it. Behind cmocka.h.
 */
#ifndef TEST_NETNS_H
#define TEST_NETNS_H

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base.h"

/* Into a file that is there, such as one of /proc. */
static inline bool write_text(const char *path, const char *text)
{
	autoclean(close_fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = (ssize_t)strlen(text);

	return fd >= 0 && write(fd, text, (size_t)len) == len;
}

/* As root a network namespace, else one in a user namespace where the test is
 * root, so that ip(8) keeps its rights. */
static inline bool enter_netns(void)
{
	char uid_map[32], gid_map[32];

	snprintf(uid_map, sizeof(uid_map), "0 %u 1", (unsigned int)getuid());
	snprintf(gid_map, sizeof(gid_map), "0 %u 1", (unsigned int)getgid());
	if (!unshare(CLONE_NEWNET))
		return true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return false;
	write_text("/proc/self/setgroups", "deny");
	return write_text("/proc/self/uid_map", uid_map) &&
	       write_text("/proc/self/gid_map", gid_map);
}

/* Run ip(8), which must succeed. */
static inline void ip(const char *fmt, ...) printf_like(1, 2);

static inline void ip(const char *fmt, ...)
{
	char command[256] = "ip ";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command + 3, sizeof(command) - 3, fmt, ap);
	va_end(ap);
	if (system(command))
		fail_msg("%s", command);
}

#endif
