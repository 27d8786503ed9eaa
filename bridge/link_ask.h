/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One question to route netlink, or one order, over a socket of its own in the
 * network namespace of the calling thread. For link*.c: no other file of ours
 * knows netlink.
 */
#ifndef BUMPWIRE_LINK_ASK_H
#define BUMPWIRE_LINK_ASK_H

#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "base.h"

struct link_question {
	int type; /* RTM_GET... */
	int flags;
	const void *header;
	size_t header_bytes;
	int (*answer)(struct nl_msg *msg, void *arg); /* returns NL_OK */
	void *arg;
};

/* What libnl has made of the kernel's errno: that again, or -EIO. */
int link_errno(int nle);

/* 0 or -errno; logged with `what`, except -ENODEV. */
int link_ask(const struct link_question *q, const char *what);

/* Send an order and wait until it is carried out; the message is freed, NULL
 * is no memory. 0 or -errno (not logged). */
int link_order(struct nl_msg *msg);

/* A number of 32 bits, or 0; text, or nothing. */
uint32_t link_attr_u32(const struct nlattr *attr);
void link_attr_text(char *to, size_t size, const struct nlattr *attr);

#endif
