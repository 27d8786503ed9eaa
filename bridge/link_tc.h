/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program of ours at the ingress of a link: a direct-action classifier on
 * clsact. It stays when the process goes, so what is to be known of it then
 * stands in its handle. In the network namespace of the calling thread.
 */
#ifndef BUMPWIRE_LINK_TC_H
#define BUMPWIRE_LINK_TC_H

#include <stdbool.h>

#include "base.h"

/* What was made for the program's sake, and goes with it. */
#define LINK_TC_MADE_QDISC 1u
#define LINK_TC_MADE_PROMISC 2u
#define LINK_TC_NOTES 3u

struct link_tc {
	bool has_qdisc;	  /* clsact or ingress is there */
	bool is_attached; /* a program of ours is */
	uint32_t notes;	  /* LINK_TC_* of it */
	uint32_t program_id;
	unsigned int others; /* classifiers of somebody else at ingress */
	unsigned int egress; /* classifiers at egress */
};

/* What there is. 0, -ENODEV, or other -errno (logged). */
int link_tc_get(int index, struct link_tc *tc);

/*
 * Attach a loaded program (BPF_PROG_TYPE_SCHED_CLS), as the first; one of ours
 * that is there is replaced, and no frame passes in between. With `promisc` the
 * link's own flag is set, too. 0 or -errno (logged with the link's name).
 */
int link_tc_attach(int index, const char *name, int program_fd,
		   const char *program, bool promisc);

/* Take ours away, and what was made for it. 1: done; 0: there was none;
 * -ENODEV; other -errno (logged with the link's name). */
int link_tc_detach(int index, const char *name);

#endif
