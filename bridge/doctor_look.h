/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One look at a pair, for the files that hold checks: what is known of both
 * ports, and how a finding is told. See doctor.h.
 */
#ifndef BUMPWIRE_DOCTOR_LOOK_H
#define BUMPWIRE_DOCTOR_LOOK_H

#include <stdio.h>

#include "conf.h"
#include "link.h"
#include "link_facts.h"
#include "packet_diag.h"

enum doctor_level {
	DOCTOR_OK,
	DOCTOR_NOTE,    /* worth knowing */
	DOCTOR_WARNING, /* frames are lost, changed, doubled or slow */
	DOCTOR_ERROR,   /* nothing passes */
	DOCTOR_LEVELS
};

extern const char *const doctor_level_name[DOCTOR_LEVELS];

struct doctor_port {
	bool exists; /* as an interface that can be a port */
	const char *name; /* of link, or as configured */
	struct link_info link;
	struct link_facts facts;
	char driver[32];
	bool sysfs; /* /sys/class/net/NAME is this very link */
};

struct doctor {
	const struct conf_pair *conf;
	struct link_monitor *monitor;
	FILE *out;
	struct doctor_port port[SIDES];
	unsigned int kernel; /* 602 for Linux 6.2 */
	unsigned int n[DOCTOR_LEVELS];
};

/* One finding: subject is a port's name or what else it is about. */
void doctor_find(struct doctor *d, enum doctor_level level, const char *subject,
		 const char *fmt, ...) printf_like(4, 5);

/* The command that mends the finding just told. */
void doctor_mend(struct doctor *d, const char *fmt, ...) printf_like(2, 3);

/* ---- the checks, each for the whole pair or for one port that exists ---- */

/* doctor_link.c: the interfaces themselves */
void doctor_check_interfaces(struct doctor *d);
void doctor_check_link(struct doctor *d, const struct doctor_port *p);
void doctor_check_master(struct doctor *d, const struct doctor_port *p);
void doctor_check_mtu(struct doctor *d);
void doctor_check_speed(struct doctor *d);
void doctor_check_media(struct doctor *d, const struct doctor_port *p);

/* doctor_offload.c */
void doctor_check_offloads(struct doctor *d, const struct doctor_port *p);

/* doctor_host.c: where this host takes part */
void doctor_check_addresses(struct doctor *d, const struct doctor_port *p);
void doctor_check_ipv6(struct doctor *d, const struct doctor_port *p);
void doctor_check_forwarding(struct doctor *d, const struct doctor_port *p);
void doctor_check_uppers(struct doctor *d, const struct doctor_port *p);
void doctor_check_managers(struct doctor *d, const struct doctor_port *p);

/* doctor_tap.c: who else takes or handles the frames */
void doctor_check_promiscuity(struct doctor *d, const struct doctor_port *p);
void doctor_check_sockets(struct doctor *d);
void doctor_check_programs(struct doctor *d, const struct doctor_port *p);
void doctor_check_qdiscs(struct doctor *d, const struct doctor_port *p);

/* doctor_queue.c: from the card to the processors */
void doctor_check_queues(struct doctor *d, const struct doctor_port *p);
void doctor_check_interrupts(struct doctor *d, const struct doctor_port *p);
void doctor_check_cpus(struct doctor *d);

/* doctor_machine.c: what else there is to run on */
void doctor_check_memory(struct doctor *d);
void doctor_check_privileges(struct doctor *d);
void doctor_check_kernel(struct doctor *d);

/* Frames that arrive on this side are forwarded. */
bool doctor_has_lane(const struct doctor *d, enum side side);

#endif
