/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Features of a NIC that a bridge must have off, and what its driver is called:
 * the ethtool ioctls (linux/ethtool.h). They speak of interfaces in the network
 * namespace of the calling thread.
 *
 * LRO (large receive offload) merges TCP segments on receipt and forgets where
 * one ended: unlike GRO's, its frames cannot be taken apart again as they came.
 * The kernel's own bridge switches it off too (dev_disable_lro()).
 *
 * It is put back at exit. For a process that cannot, a state file remembers:
 * STATE_DIR/lro-IFNAME, one line with the interface's index, its network
 * namespace and the owner's pid and start time. IFNAME is plain: the kernel
 * lets no '/' into an interface's name (dev_valid_name()), and behind "lro-" a
 * leading dot does no harm. There is one file a name; of two bridges in two
 * namespaces on interfaces of one name, the later is remembered.
 */
#ifndef BUMPWIRE_OFFLOAD_H
#define BUMPWIRE_OFFLOAD_H

#include "base.h"

/* How the kernel is asked. Each returns -errno on failure and does not log. */
struct offload_ops {
	/* ETHTOOL_GFLAGS, ETHTOOL_SFLAGS: bits ETH_FLAG_* */
	int (*get_flags)(const char *ifname, uint32_t *flags);
	int (*set_flags)(const char *ifname, uint32_t flags);
	int (*get_index)(const char *ifname);
};

/* The real one. */
extern const struct offload_ops offload_ioctl;

/* A port whose LRO is off because of us. */
struct offload_lro;

/*
 * Switch LRO off. 0 and *lrop = NULL when the port has none or it is off; 0 and
 * an object to restore when it was on (logged). -errno (logged) when it is on
 * and stays on, also where the driver does not let it be changed.
 *
 * state_dir (one level, made with mode 0755 when missing) gets the state file
 * before the switch is made. Where it cannot be written, that is a warning.
 */
int offload_lro_off(const char *state_dir, const char *ifname,
		    struct offload_lro **lrop);

/* Put LRO back on, unless the interface is gone or another one has its name by
 * now, remove the state file and free. Failures are logged. NULL is fine. */
void offload_lro_restore(struct offload_lro *lro);

/* Leave LRO off and the state file where it is, for whoever comes next, and
 * free. NULL is fine. */
void offload_lro_leave(struct offload_lro *lro);

/*
 * To be called at start, before any offload_lro_off(): for each state file of
 * this network namespace whose owner is no more, put LRO back on if the
 * interface of that name still has that index, and remove the file. Files of
 * the living, and of other namespaces, are left alone; broken ones are removed
 * with a warning. What was done is logged.
 *
 * Several processes may do this at once: a lock (STATE_DIR/lock) keeps one from
 * putting LRO on where another has just switched it off.
 *
 * 0, also when the directory is missing; -errno (logged) when it or one of the
 * interfaces could not be dealt with. The bridge can run all the same.
 */
int offload_recover(const char *state_dir);

/* The same, with the kernel replaced: for tests. ops outlives the object. */
int offload_lro_off_by(const struct offload_ops *ops, const char *state_dir,
		       const char *ifname, struct offload_lro **lrop);
int offload_recover_by(const struct offload_ops *ops, const char *state_dir);

/*
 * The driver's name as `ethtool -i` shows it (ETHTOOL_GDRVINFO), cut to size;
 * 32 bytes hold all. 0, with "" when the driver does not tell; -errno (not
 * logged): -ENODEV when there is no such interface.
 */
int offload_driver(const char *ifname, char *driver, size_t size);

/* One ethtool request: a struct of linux/ethtool.h, with its cmd filled in. 0
 * or -errno (not logged). */
int offload_command(const char *ifname, void *command);

#endif
