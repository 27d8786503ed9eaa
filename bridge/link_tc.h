/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs of ours at the ingress of a link, and at its egress: direct-action
 * classifiers on clsact. The first stays when the process goes, so what is to be known of it then
 * stands in its handle. In the network namespace of the calling thread.
 */
#ifndef BUMPWIRE_LINK_TC_H
#define BUMPWIRE_LINK_TC_H

#include <stdbool.h>

#include "base.h"

/* What was made for the program's sake, and goes with it. */
#define LINK_TC_MADE_QDISC 1u
#define LINK_TC_MADE_PROMISC 2u
#define LINK_TC_JOINS 4u /* it forwards once its process is gone */
#define LINK_TC_NOTES 7u

struct link_tc {
	bool promiscuous; /* the link's own flag is set */
	bool has_qdisc;	  /* clsact or ingress is there */
	bool has_clsact;
	bool is_attached; /* a program of ours is, at ingress */
	uint32_t notes;	  /* LINK_TC_* of it */
	int peer;	  /* index of the link that it forwards to; 0: unknown */
	uint32_t program_id;
	unsigned int others; /* classifiers of somebody else at ingress */
	bool has_egress;     /* ours is there */
	unsigned int egress; /* somebody else's */
};

/* What there is. 0, -ENODEV, or other -errno (logged). */
int link_tc_get(int index, struct link_tc *tc);

/* Is a program of ours at ingress? One question, where link_tc_get() asks four.
 * 1; 0, also where there is no such link; -errno (logged). */
int link_tc_is_attached(int index);

/* Loaded (BPF_PROG_TYPE_SCHED_CLS). */
struct link_tc_programs {
	int ingress_fd;
	int egress_fd; /* -1: none */
	int peer;
	bool promisc; /* the link's own flag is to be set */
	bool joins;
	uint32_t made; /* of the notes, as far as the caller knows; updated */
};

/*
 * Attach them, as the first; what is there of ours is replaced, and no frame
 * passes in between. 0; -ENODEV; -EBUSY, -EOPNOTSUPP or other -errno, but never
 * -EINVAL (logged with the link's name): then nothing has changed.
 */
int link_tc_attach(int index, const char *name,
		   struct link_tc_programs *programs);

/* Take ours away, and what was made for it, by its notes and as far as the
 * caller knows (0: nothing). 1: done; 0: there was none; -ENODEV; other -errno
 * (logged with the link's name). */
int link_tc_detach(int index, const char *name, uint32_t made);

/* Where what is here of ours forwards to another link than `mate`, that wire
 * ends: what is there is taken away, with a warning. */
void link_tc_part(int index, const char *name, const struct link_tc *tc,
		  int mate);

#endif
