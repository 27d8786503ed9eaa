/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What doctor_fix() changed on one interface, and the state file that remembers
 * it for a process that is killed: STATE_DIR/fix-IFNAME. Its first line names
 * the owner, each further line a change, in their order:
 *
 *	index=7 netns=4026531840 pid=812 start=9123
 *	disable_ipv6 0 1
 *	up 0 1
 */
#ifndef BUMPWIRE_DOCTOR_RECORD_H
#define BUMPWIRE_DOCTOR_RECORD_H

#include <net/if.h>
#include <stdbool.h>

#include "base.h"
#include "port_record.h"

#define DOCTOR_RECORD_PREFIX "fix-"

enum doctor_key {
	DOCTOR_DISABLE_IPV6,
	DOCTOR_ACCEPT_RA,
	DOCTOR_LINK_UP,
	DOCTOR_KEYS
};

extern const char *const doctor_key_name[DOCTOR_KEYS];

struct doctor_change {
	enum doctor_key key;
	int from, to;
};

struct doctor_record {
	struct port_record owner; /* and the interface's index */
	char ifname[IF_NAMESIZE];
	struct doctor_change change[DOCTOR_KEYS];
	size_t n;
};

/*
 * The text of a state file, and back; the interface's name is not in it. print:
 * the length, or -ENOSPC. parse: 0, or -EBADMSG for what print does not write.
 */
#define DOCTOR_RECORD_BYTES 256
int doctor_record_print(const struct doctor_record *record, char *text,
			size_t size);
int doctor_record_parse(struct doctor_record *record, const char *text);

/* As port_record_read(), _write() and _remove() do: a record is written whole or
 * not at all; -errno, nothing is logged. `file` is with the prefix. */
int doctor_record_read(int dir, const char *file, struct doctor_record *record);
int doctor_record_write(int dir, const struct doctor_record *record);
void doctor_record_remove(int dir, const struct doctor_record *record);

#endif
