/* SPDX-License-Identifier: BSD-2-Clause */
/* See state_dir.h. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base.h"
#include "log.h"
#include "state_dir.h"

int state_dir_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int state_dir_lock(int dir)
{
	int fd = openat(dir, STATE_DIR_LOCK,
			O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX)) {
		int r = -errno;

		if (r == -EINTR)
			continue;
		close(fd);
		return r;
	}
	return fd;
}

int state_dir_read(int dir, const char *path, char *text, size_t size)
{
	autoclean(close_fd) int fd = openat(
		dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	size_t len = 0;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return errno == ELOOP ? -EBADMSG : -errno;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	do {
		n = read(fd, text + len, size - len);
		if (n < 0)
			return -errno;
		len += (size_t)n;
	} while (n && len < size);
	if (len == size || memchr(text, '\0', len))
		return -EBADMSG;
	text[len] = '\0';
	return 0;
}

struct note_name {
	char text[STATE_DIR_PREFIX_BYTES + 1 + IF_NAMESIZE];
};

static struct note_name note_name(const char *lead, const char *prefix,
				  const char *ifname)
{
	struct note_name name;

	snprintf(name.text, sizeof(name.text), "%s%s%s", lead, prefix, ifname);
	return name;
}

int state_dir_write(int dir, const char *prefix, const char *ifname,
		    const char *text)
{
	struct note_name name = note_name("", prefix, ifname);
	struct note_name temporary = note_name(".", prefix, ifname);
	int fd, r = 0;

	/* Left by one that was killed just here. */
	unlinkat(dir, temporary.text, 0);
	fd = openat(dir, temporary.text,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	if (dprintf(fd, "%s", text) < 0 || fsync(fd))
		r = -errno;
	close(fd);
	if (!r && renameat(dir, temporary.text, dir, name.text))
		r = -errno;
	if (r)
		unlinkat(dir, temporary.text, 0);
	return r;
}

void state_dir_remove(int dir, const char *prefix, const char *ifname)
{
	struct note_name name = note_name("", prefix, ifname);

	unlinkat(dir, name.text, 0);
}

/* Where there is no such file, the lock is not made either. */
static int each_file(const char *path, int dir, DIR *list, const char *prefix,
		     int (*fn)(int dir, const char *file, void *arg), void *arg)
{
	autoclean(close_fd) int lock = -1;
	const struct dirent *entry;
	int r = 0, one;

	while ((entry = readdir(list))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)))
			continue;
		if (lock < 0)
			lock = state_dir_lock(dir);
		one = lock;
		if (lock < 0)
			log_err("%s/%s: cannot be looked after: " STATE_DIR_LOCK
				": %s", path, entry->d_name, strerror(-lock));
		else
			one = fn(dir, entry->d_name, arg);
		if (one < 0)
			r = one;
	}
	return r;
}

int state_dir_each(const char *path, const char *prefix,
		   int (*fn)(int dir, const char *file, void *arg), void *arg)
{
	int r, dir = state_dir_open(path);
	DIR *list;

	if (dir == -ENOENT)
		return 0;
	list = dir >= 0 ? fdopendir(dir) : NULL;
	if (list) {
		r = each_file(path, dir, list, prefix, fn, arg);
		closedir(list);
		return r;
	}
	r = dir < 0 ? dir : -errno;
	log_err("%s: %s", path, strerror(-r));
	close_fd(&dir);
	return r;
}
