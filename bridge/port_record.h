/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state file of a port on which something was changed that is to be put
 * back: what it says, and whether its owner still lives. One process leaves it
 * for the next one, in a folder of all (state_dir.h); what was changed stands
 * in the file's name, PREFIX-IFNAME.
 */
#ifndef BUMPWIRE_PORT_RECORD_H
#define BUMPWIRE_PORT_RECORD_H

#include <net/if.h>
#include <stdbool.h>

#include "base.h"

struct port_record {
	int index; /* of the interface */
	unsigned long long netns; /* inode of the network namespace */
	int pid; /* of the owner */
	unsigned long long start; /* of the owner, in clock ticks of boot */
};

/* A name for its file by what does not change while the interface is here, and
 * is no other's in another network namespace with the same folder. */
void port_record_name(const struct port_record *record, char name[IF_NAMESIZE]);

/* A record that this process owns, in the network namespace of the calling
 * thread. 0, or -errno (not logged) where /proc does not tell. */
int port_record_init(struct port_record *record, int index);

/*
 * Read the file of this name in the directory. 0; -EBADMSG when it is none that
 * port_record_write() writes; other -errno. Nothing is logged.
 */
int port_record_read(int dir, const char *file, struct port_record *record);

/*
 * Read the file of an interface that stands by its port_record_name(), whoever
 * of this network namespace wrote it. 0; -ENOENT: there is none; -errno as
 * port_record_read() has them. Nothing is logged.
 */
int port_record_find(int dir, const char *prefix, int index,
		     struct port_record *record);

/*
 * Write the file of an interface, whole or not at all: a reader finds the old
 * one or the new one. 0, or -errno (not logged).
 */
int port_record_write(int dir, const char *prefix, const char *ifname,
		      const struct port_record *record);

/*
 * Call fn for each file of this prefix whose owner has ended, under the lock of
 * the folder; it is removed, unless fn returned -EPERM. What is no such file is
 * removed, too. 0, or the last -errno (logged, but those of fn).
 */
int port_record_recover(const char *state_dir, const char *prefix,
			int (*fn)(const char *ifname,
				  const struct port_record *record, void *arg),
			void *arg);

/* Is it of the calling thread's network namespace, and its owner no more? */
bool port_record_is_orphan(const struct port_record *record);

#endif
