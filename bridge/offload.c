/* SPDX-License-Identifier: BSD-2-Clause */
/* See offload.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "log.h"
#include "offload.h"
#include "port_record.h"
#include "state_dir.h"

/* Of a state file's name. */
#define LRO_PREFIX "lro-"

struct offload_lro {
	const struct offload_ops *ops;
	char ifname[IF_NAMESIZE];
	int index;
	int dir; /* of the state file, or -1 */
};

int offload_command(const char *ifname, void *command)
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
	int r = offload_command(ifname, &value);

	*flags = value.data;
	return r;
}

static int ioctl_set_flags(const char *ifname, uint32_t flags)
{
	struct ethtool_value value = { .cmd = ETHTOOL_SFLAGS, .data = flags };

	return offload_command(ifname, &value);
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
	int r = offload_command(ifname, &info);

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

/* The directory, with the record in it, or -errno. */
static int remember(const char *state_dir, const struct offload_lro *lro)
{
	struct port_record record;
	int dir, r = port_record_init(&record, lro->index);

	if (r)
		return r;
	if (mkdir(state_dir, 0755) && errno != EEXIST)
		return -errno;
	dir = state_dir_open(state_dir);
	if (dir < 0)
		return dir;
	r = port_record_write(dir, LRO_PREFIX, lro->ifname, &record);
	if (!r)
		return dir;
	close(dir);
	return r;
}

static void lro_free(struct offload_lro *lro)
{
	if (lro->dir >= 0) {
		state_dir_remove(lro->dir, LRO_PREFIX, lro->ifname);
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
		log_warn("port %s: %s/" LRO_PREFIX "%s: %s: if this "
			 "process is killed, LRO stays off",
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

void offload_lro_leave(struct offload_lro *lro)
{
	if (lro && lro->dir >= 0)
		close(lro->dir);
	free(lro);
}

static int recover_one(const char *ifname, const struct port_record *record,
		       void *arg)
{
	log_info("port %s: process %d ended without putting LRO back", ifname,
		 record->pid);
	return put_back(arg, ifname, record->index);
}

int offload_recover_by(const struct offload_ops *ops, const char *state_dir)
{
	return port_record_recover(state_dir, LRO_PREFIX, recover_one,
				   (void *)ops);
}

int offload_recover(const char *state_dir)
{
	return offload_recover_by(&offload_ioctl, state_dir);
}
