/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See sandbox_landlock.h. Landlock by its three system calls, which no library
 * wraps: landlock(7), Documentation/userspace-api/landlock.rst of the kernel.
 *
 * What is not handled stays free: reading, ioctls on devices, the network.
 * "Execute" is execve(2) alone; libraries that are mapped, as getaddrinfo()
 * does, are read.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "log.h"
#include "sandbox_landlock.h"

/* Younger than the headers of some who build this: linux/landlock.h. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

/* What makes sense for a file that is no folder. */
#define FILE_ACCESS (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)

/* What is forbidden, by the version of the interface (ABI) that knows it first;
 * naming more than a kernel knows is an error. */
static const struct {
	int abi;
	uint64_t access;
	bool is_granted; /* in the folders of our own */
} rights[] = {
	{ 1, LANDLOCK_ACCESS_FS_EXECUTE, false },
	{ 1, LANDLOCK_ACCESS_FS_WRITE_FILE, true },
	{ 1, LANDLOCK_ACCESS_FS_REMOVE_DIR, true },
	{ 1, LANDLOCK_ACCESS_FS_REMOVE_FILE, true },
	{ 1, LANDLOCK_ACCESS_FS_MAKE_CHAR, false },
	{ 1, LANDLOCK_ACCESS_FS_MAKE_BLOCK, false },
	{ 1, LANDLOCK_ACCESS_FS_MAKE_DIR, true },
	{ 1, LANDLOCK_ACCESS_FS_MAKE_REG, true },
	{ 1, LANDLOCK_ACCESS_FS_MAKE_SOCK, true },
	{ 1, LANDLOCK_ACCESS_FS_MAKE_FIFO, true },
	{ 1, LANDLOCK_ACCESS_FS_MAKE_SYM, true },
	/* To link or rename from folder to folder; ABI 1 never allows it. */
	{ 2, LANDLOCK_ACCESS_FS_REFER, true },
	{ 3, LANDLOCK_ACCESS_FS_TRUNCATE, true },
};

static int open_ruleset(uint64_t handled)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = handled };
	long fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	return fd < 0 ? -errno : (int)fd;
}

/* 0 where there is no Landlock: not built in, or not switched on. */
static int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LANDLOCK_CREATE_RULESET_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

static int allow(int ruleset, const char *path, uint64_t access)
{
	autoclean(close_fd) int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr attr = { .parent_fd = fd };
	struct stat st;

	if (fd < 0 && errno == ENOENT) {
		log_warn("sandbox: %s: no such file or folder; it will not be "
			 "writable", path);
		return 0;
	}
	if (fd < 0 || fstat(fd, &st))
		goto failed;
	attr.allowed_access = access;
	if (!S_ISDIR(st.st_mode))
		attr.allowed_access &= FILE_ACCESS;
	if (!syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
		     &attr, 0))
		return 0;
failed:
	log_err("sandbox: %s: %s", path, strerror(errno));
	return -errno;
}

int sandbox_landlock(const char *const *writable, size_t n)
{
	uint64_t handled = 0, granted = 0;
	int r = 0, abi = landlock_abi();

	if (!abi) {
		log_debug("sandbox: this kernel has no Landlock (%s)",
			  strerror(errno));
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rights); i++) {
		if (rights[i].abi > abi)
			continue;
		handled |= rights[i].access;
		if (rights[i].is_granted)
			granted |= rights[i].access;
	}
	autoclean(close_fd) int ruleset = open_ruleset(handled);

	if (ruleset < 0) {
		log_err("sandbox: Landlock: %s", strerror(-ruleset));
		return ruleset;
	}
	for (size_t i = 0; !r && i < n; i++)
		r = allow(ruleset, writable[i], granted);
	if (!r && syscall(SYS_landlock_restrict_self, ruleset, 0)) {
		r = -errno;
		log_err("sandbox: Landlock: %s", strerror(-r));
	}
	if (!r)
		log_debug("sandbox: Landlock, version %d", abi);
	return r;
}
