/* SPDX-License-Identifier: BSD-2-Clause */
/* See link_ask.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "link_ask.h"
#include "log.h"

int link_errno(int nle)
{
	static const int table[] = {
		[NLE_INTR] = EINTR,	      [NLE_BAD_SOCK] = EBADF,
		[NLE_AGAIN] = EAGAIN,	      [NLE_NOMEM] = ENOMEM,
		[NLE_EXIST] = EEXIST,	      [NLE_INVAL] = EINVAL,
		[NLE_RANGE] = ERANGE,	      [NLE_MSGSIZE] = EMSGSIZE,
		[NLE_OPNOTSUPP] = EOPNOTSUPP, [NLE_AF_NOSUPPORT] = EAFNOSUPPORT,
		[NLE_OBJ_NOTFOUND] = ENODEV,  [NLE_SEQ_MISMATCH] = EPROTO,
		[NLE_MSG_TRUNC] = EBADMSG,    [NLE_MSG_TOOSHORT] = EBADMSG,
		[NLE_BUSY] = EBUSY,	      [NLE_NOACCESS] = EACCES,
		[NLE_PERM] = EPERM,	      [NLE_PARSE_ERR] = EBADMSG,
		[NLE_NODEV] = ENODEV,	      [NLE_DUMP_INTR] = EAGAIN,
	};
	size_t code = (size_t)abs(nle);

	if (nle >= 0)
		return 0;
	return code < ARRAY_SIZE(table) && table[code] ? -table[code] : -EIO;
}

static void nl_socket_clean(struct nl_sock **sock)
{
	nl_socket_free(*sock);
}

int link_ask(const struct link_question *q, const char *what)
{
	autoclean(nl_socket_clean) struct nl_sock *sock = nl_socket_alloc();
	int r = sock ? nl_connect(sock, NETLINK_ROUTE) : -NLE_NOMEM;

	if (r >= 0)
		r = nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM,
					q->answer, q->arg);
	if (r >= 0)
		r = nl_send_simple(sock, q->type, q->flags, (void *)q->header,
				   q->header_bytes);
	if (r >= 0)
		r = nl_recvmsgs_default(sock);
	/* Interrupted: something came or went meanwhile; good enough here. */
	if (r >= 0 || r == -NLE_DUMP_INTR)
		return 0;
	if (link_errno(r) != -ENODEV)
		log_err("netlink: %s: %s", what, nl_geterror(r));
	return link_errno(r);
}

int link_order(struct nl_msg *msg)
{
	autoclean(nl_socket_clean) struct nl_sock *sock = nl_socket_alloc();
	int r = sock && msg ? nl_connect(sock, NETLINK_ROUTE) : -NLE_NOMEM;

	if (r >= 0)
		r = nl_send_auto(sock, msg);
	if (r >= 0)
		r = nl_wait_for_ack(sock);
	nlmsg_free(msg);
	return link_errno(r);
}

uint32_t link_attr_u32(const struct nlattr *attr)
{
	return attr && nla_len(attr) >= 4 ? nla_get_u32(attr) : 0;
}

void link_attr_text(char *to, size_t size, const struct nlattr *attr)
{
	if (attr)
		snprintf(to, size, "%.*s", (int)nla_len(attr),
			 (const char *)nla_data(attr));
}
