/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Look before you leap: what in this host stands in the way of a wire, each
 * finding with the command that mends it; and, where asked for, the safe ones
 * mended while the wire stands.
 */
#ifndef BUMPWIRE_DOCTOR_H
#define BUMPWIRE_DOCTOR_H

#include <stdio.h>

#include "conf.h"
#include "link.h"

/*
 * Print what there is to say about a pair, and a summary line at the end. A
 * finding is one line, "LEVEL SUBJECT TEXT"; LEVEL is ok, note, warning or
 * error. The command that mends it stands below it on a line of its own, behind
 * DOCTOR_INDENT, to be copied into a root shell. Nothing is changed. Returns
 * the number of errors: what keeps frames from passing.
 *
 * /sys is believed only where it shows the calling thread's network namespace;
 * what else would come from it is left out.
 */
#define DOCTOR_INDENT "        "
unsigned int doctor_look(const struct conf_pair *conf, struct link_monitor *m,
			 FILE *out);

/* What was changed. */
struct doctor_fix;

/*
 * Mend what is safe to mend on both ports: IPv6 off where the port has no IPv6
 * address but the one that the kernel makes, and no IPv6 route of its own (else
 * router advertisements are no longer accepted), and the link up. Each change
 * is logged with the old value. Addresses, masters, MTUs and managers of
 * networks are not touched. An interface that does not exist (yet), or that
 * another living process has fixed, is left alone.
 *
 * What cannot be changed is a warning: the bridge can run all the same. 0, with
 * *fixp = NULL when nothing was changed; -ENOMEM (logged).
 *
 * STATE_DIR/fix-IFNAME remembers for a process that is killed, see
 * doctor_recover(). state_dir is one level, made with mode 0755 when missing;
 * where it cannot be written, that is a warning. To be called before
 * bridge_attach(), with the privileges of the start, in the thread's network
 * namespace; /proc/sys must be writable (not under ProtectKernelTunables=).
 */
int doctor_fix(const struct conf_pair *conf, struct link_monitor *m,
	       const char *state_dir, struct doctor_fix **fixp);

/*
 * Put the old values back, the last change first, remove the state files and
 * free; logged. An interface that is gone, and a value that somebody else has
 * changed meanwhile, are left as they are; one that was renamed is found by its
 * index. NULL is fine. To be called after bridge_detach().
 *
 * CAP_NET_ADMIN is enough, under any user: the kernel lets who has it write
 * /proc/sys/net (net_ctl_permissions() in net/sysctl_net.c), and set links. A
 * sandbox must let /proc/sys/net be written, state_dir have files removed, and
 * netlink route sockets and ioctls on sockets be made.
 */
void doctor_undo(struct doctor_fix *fix);

/*
 * To be called at start, before doctor_fix(), fix or not: undo what processes
 * of this network namespace left that are no more. Files of the living, and of
 * other namespaces, are left alone; broken ones are removed with a warning. A
 * lock (STATE_DIR/lock, offload_recover()'s) keeps several processes apart.
 *
 * 0, also when the directory is missing; -errno (logged) when it or one of the
 * values could not be dealt with. The bridge can run all the same.
 */
int doctor_recover(const char *state_dir);

#endif
