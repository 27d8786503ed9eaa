/* SPDX-License-Identifier: BSD-2-Clause */
/* See offload.h. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "log.h"
#include "offload.h"

#define RECORD_PREFIX "lro-"
#define RECORD_FORMAT "index=%d netns=%llu pid=%d start=%llu\n"
#define LOCK_FILE "lock"

/* What a state file says. */
struct record {
	int index;
	unsigned long long netns; /* inode of the network namespace */
	int pid;
	unsigned long long start; /* of the process, in clock ticks of boot */
};

struct record_name {
	char text[sizeof(RECORD_PREFIX) + 1 + IF_NAMESIZE];
};

struct offload_lro {
	const struct offload_ops *ops;
	char ifname[IF_NAMESIZE];
	int index;
	int dir; /* of the state file, or -1 */
};

static int ethtool_ioctl(const char *ifname, void *command)
{
	autoclean(close_fd) int fd =
		socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = { .ifr_data = command };

	if (fd < 0)
		return -errno;
	if (strlen(ifname) >= sizeof(req.ifr_name))
		return -ENODEV;
	strcpy(req.ifr_name, ifname);
	return ioctl(fd, SIOCETHTOOL, &req) ? -errno : 0;
}

static int ioctl_get_flags(const char *ifname, uint32_t *flags)
{
	struct ethtool_value value = { .cmd = ETHTOOL_GFLAGS };
	int r = ethtool_ioctl(ifname, &value);

	*flags = value.data;
	return r;
}

static int ioctl_set_flags(const char *ifname, uint32_t flags)
{
	struct ethtool_value value = { .cmd = ETHTOOL_SFLAGS, .data = flags };

	return ethtool_ioctl(ifname, &value);
}

static int ioctl_get_index(const char *ifname)
{
	unsigned int index = if_nametoindex(ifname);

	return index ? (int)index : -errno;
}

const struct offload_ops offload_ioctl = {
	.get_flags = ioctl_get_flags,
	.set_flags = ioctl_set_flags,
	.get_index = ioctl_get_index,
};

int offload_driver(const char *ifname, char *driver, size_t size)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	int r = ethtool_ioctl(ifname, &info);

	snprintf(driver, size, "%.*s", (int)sizeof(info.driver), info.driver);
	return r == -EOPNOTSUPP ? 0 : r;
}

/*
 * SFLAGS sets all its bits at once, so the others are handed back as they are.
 * It succeeds also where the driver has overruled it (__ethtool_set_flags()
 * does not look at what netdev_update_features() made of it): look again.
 */
static int lro_switch(const struct offload_ops *ops, const char *ifname,
		      bool on)
{
	uint32_t wanted = on ? ETH_FLAG_LRO : 0;
	uint32_t flags;
	int r = ops->get_flags(ifname, &flags);

	if (r || (flags & ETH_FLAG_LRO) == wanted)
		return r;
	r = ops->set_flags(ifname, (flags & ~(uint32_t)ETH_FLAG_LRO) | wanted);
	if (!r)
		r = ops->get_flags(ifname, &flags);
	if (!r && (flags & ETH_FLAG_LRO) != wanted)
		r = -EOPNOTSUPP;
	return r;
}

/* Read a small file as a string. -EBADMSG when it is no plain one, or large. */
static int read_text(int dir, const char *path, char *text, size_t size)
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

/*
 * Field 22 of /proc/PID/stat, proc(5). The name in field 2 may hold blanks and
 * brackets; what follows the last bracket is numbers. -ESRCH for one that has
 * died and only waits for its parent.
 */
static int process_start(int pid, unsigned long long *start)
{
	char path[32], text[1024];
	const char *at;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	r = read_text(AT_FDCWD, path, text, sizeof(text));
	if (r)
		return r;
	at = strrchr(text, ')');
	if (!at || at[1] != ' ')
		return -EBADMSG;
	at += 2;
	if (*at == 'Z' || *at == 'X')
		return -ESRCH;
	for (int field = 3; field < 22; field++) {
		at = strchr(at, ' ');
		if (!at)
			return -EBADMSG;
		at++;
	}
	*start = strtoull(at, NULL, 10);
	return 0;
}

/* A pid is used again; pid and start time together are not. */
static bool owner_lives(const struct record *record)
{
	unsigned long long start;
	int r = process_start(record->pid, &start);

	if (!r)
		return start == record->start;
	if (r == -ESRCH)
		return false;
	/* /proc may hide the processes of others (hidepid). */
	return !kill(record->pid, 0) || errno != ESRCH;
}

static unsigned long long own_netns(void)
{
	struct stat st;

	return stat("/proc/thread-self/ns/net", &st) ? 0 : st.st_ino;
}

static struct record_name record_name(const char *lead, const char *ifname)
{
	struct record_name name;

	snprintf(name.text, sizeof(name.text), "%s%s%s", lead, RECORD_PREFIX,
		 ifname);
	return name;
}

static bool take_number(const char **at, const char *key, uint64_t max,
			uint64_t *value)
{
	size_t len = strlen(key);
	char *end;

	if (strncmp(*at, key, len) || !((*at)[len] >= '0' && (*at)[len] <= '9'))
		return false;
	errno = 0;
	*value = strtoull(*at + len, &end, 10);
	*at = end;
	return !errno && *value <= max;
}

static int record_read(int dir, const char *name, struct record *record)
{
	uint64_t index, netns, pid, start;
	char text[256];
	const char *at = text;
	int r = read_text(dir, name, text, sizeof(text));

	if (r)
		return r;
	if (!take_number(&at, "index=", INT_MAX, &index) ||
	    !take_number(&at, " netns=", UINT64_MAX, &netns) ||
	    !take_number(&at, " pid=", INT_MAX, &pid) ||
	    !take_number(&at, " start=", UINT64_MAX, &start) ||
	    strcmp(at, "\n") || !index || !pid)
		return -EBADMSG;
	*record = (struct record){ .index = (int)index,
				   .netns = netns,
				   .pid = (int)pid,
				   .start = start };
	return 0;
}

/* Whole or not at all: a reader finds the old file or the new one. */
static int record_write(int dir, const char *ifname,
			const struct record *record)
{
	struct record_name name = record_name("", ifname);
	struct record_name temporary = record_name(".", ifname);
	int fd, n, r = 0;

	/* Left by one that was killed just here. */
	unlinkat(dir, temporary.text, 0);
	fd = openat(dir, temporary.text,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	n = dprintf(fd, RECORD_FORMAT, record->index, record->netns,
		    record->pid, record->start);
	if (n < 0 || fsync(fd))
		r = -errno;
	close(fd);
	if (!r && renameat(dir, temporary.text, dir, name.text))
		r = -errno;
	if (r)
		unlinkat(dir, temporary.text, 0);
	return r;
}

static int state_dir_open(const char *state_dir)
{
	int fd = open(state_dir,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* The directory, with the record in it, or -errno. */
static int remember(const char *state_dir, const struct offload_lro *lro)
{
	struct record record = { .index = lro->index,
				 .netns = own_netns(),
				 .pid = getpid() };
	int dir, r = process_start(record.pid, &record.start);

	if (r)
		return r;
	if (mkdir(state_dir, 0755) && errno != EEXIST)
		return -errno;
	dir = state_dir_open(state_dir);
	if (dir < 0)
		return dir;
	r = record_write(dir, lro->ifname, &record);
	if (!r)
		return dir;
	close(dir);
	return r;
}

static void lro_free(struct offload_lro *lro)
{
	struct record_name name = record_name("", lro->ifname);

	if (lro->dir >= 0) {
		unlinkat(lro->dir, name.text, 0);
		close(lro->dir);
	}
	free(lro);
}

static int lro_off(const char *state_dir, struct offload_lro *lro)
{
	int r;

	lro->index = lro->ops->get_index(lro->ifname);
	if (lro->index < 0)
		return lro->index;
	lro->dir = remember(state_dir, lro);
	if (lro->dir < 0)
		log_warn("port %s: %s/" RECORD_PREFIX "%s: %s: if this process "
			 "is killed, LRO stays off",
			 lro->ifname, state_dir, lro->ifname,
			 strerror(-lro->dir));
	r = lro_switch(lro->ops, lro->ifname, false);
	if (!r)
		log_info("port %s: LRO switched off, its frames cannot be "
			 "bridged; it is put back at the end",
			 lro->ifname);
	return r;
}

int offload_lro_off_by(const struct offload_ops *ops, const char *state_dir,
		       const char *ifname, struct offload_lro **lrop)
{
	struct offload_lro *lro;
	uint32_t flags;
	int r;

	*lrop = NULL;
	if (!ifname[0] || strlen(ifname) >= IF_NAMESIZE || strchr(ifname, '/'))
		return -ENODEV;
	r = ops->get_flags(ifname, &flags);
	if (r == -EOPNOTSUPP || (!r && !(flags & ETH_FLAG_LRO)))
		return 0;
	lro = calloc(1, sizeof(*lro));
	if (!lro)
		r = -ENOMEM;
	if (!r) {
		lro->ops = ops;
		lro->dir = -1;
		strcpy(lro->ifname, ifname);
		r = lro_off(state_dir, lro);
	}
	if (!r) {
		*lrop = lro;
		return 0;
	}
	log_err("port %s: switching LRO off: %s", ifname, strerror(-r));
	if (lro)
		lro_free(lro);
	return r;
}

int offload_lro_off(const char *state_dir, const char *ifname,
		    struct offload_lro **lrop)
{
	return offload_lro_off_by(&offload_ioctl, state_dir, ifname, lrop);
}

/* 0 also when there is nothing left to put back; -errno (logged). */
static int put_back(const struct offload_ops *ops, const char *ifname,
		    int index)
{
	int r;

	if (ops->get_index(ifname) != index) {
		log_info("port %s: gone or replaced: its LRO is not put back",
			 ifname);
		return 0;
	}
	r = lro_switch(ops, ifname, true);
	if (r)
		log_err("port %s: putting LRO back on: %s", ifname,
			strerror(-r));
	else
		log_info("port %s: LRO is back on", ifname);
	return r;
}

void offload_lro_restore(struct offload_lro *lro)
{
	if (!lro)
		return;
	put_back(lro->ops, lro->ifname, lro->index);
	lro_free(lro);
}

static int recover_one(const struct offload_ops *ops, int dir,
		       const char *state_dir, const char *file)
{
	const char *ifname = file + strlen(RECORD_PREFIX);
	struct record record;
	int r = record_read(dir, file, &record);

	if (r == -ENOENT)
		return 0; /* its owner has just ended */
	if (r == -EBADMSG || strlen(ifname) >= IF_NAMESIZE) {
		log_warn("%s/%s: not a state file of ours: removed", state_dir,
			 file);
	} else if (r) {
		log_err("%s/%s: %s", state_dir, file, strerror(-r));
		return r;
	} else if (record.netns != own_netns() || owner_lives(&record)) {
		return 0;
	} else {
		log_info("port %s: process %d ended without putting LRO back",
			 ifname, record.pid);
		r = put_back(ops, ifname, record.index);
		if (r == -EPERM)
			return r; /* kept for one that may */
	}
	if (!unlinkat(dir, file, 0))
		return r == -EBADMSG ? 0 : r;
	r = -errno;
	log_err("%s/%s: removing: %s", state_dir, file, strerror(-r));
	return r;
}

/* The lock file is root's alone: nobody else can hold us up. */
static int state_lock(int dir)
{
	int fd = openat(dir, LOCK_FILE,
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

int offload_recover_by(const struct offload_ops *ops, const char *state_dir)
{
	autoclean(close_fd) int lock = -1;
	int r = 0, dir = state_dir_open(state_dir);
	const struct dirent *entry;
	DIR *list;

	if (dir == -ENOENT)
		return 0;
	list = dir >= 0 ? fdopendir(dir) : NULL;
	if (!list) {
		r = dir < 0 ? dir : -errno;
		log_err("%s: %s", state_dir, strerror(-r));
		if (dir >= 0)
			close(dir);
		return r;
	}
	lock = state_lock(dir);
	while ((entry = readdir(list))) {
		int one = lock;

		if (strncmp(entry->d_name, RECORD_PREFIX,
			    strlen(RECORD_PREFIX)))
			continue;
		if (lock < 0)
			log_err("%s/%s: cannot be looked after: " LOCK_FILE
				": %s",
				state_dir, entry->d_name, strerror(-lock));
		else
			one = recover_one(ops, dir, state_dir, entry->d_name);
		if (one < 0)
			r = one;
	}
	closedir(list);
	return r;
}

int offload_recover(const char *state_dir)
{
	return offload_recover_by(&offload_ioctl, state_dir);
}
