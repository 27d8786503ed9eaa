/* SPDX-License-Identifier: BSD-2-Clause */
/* See link_route.h: RTM_GETROUTE, rtnetlink(7). */
#include "config.h"

#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

#include "link_ask.h"
#include "link_route.h"

/* A question with its one attribute, as it is sent. */
struct request {
	struct rtmsg route;
	struct rtattr destination;
	uint8_t address[sizeof(struct in6_addr)];
};

static int on_route(struct nl_msg *msg, void *arg)
{
	struct nlattr *tb[RTA_MAX + 1];
	int *index = arg;

	if (nlmsg_hdr(msg)->nlmsg_type == RTM_NEWROUTE &&
	    nlmsg_parse(nlmsg_hdr(msg), sizeof(struct rtmsg), tb, RTA_MAX,
			NULL) >= 0)
		*index = (int)link_attr_u32(tb[RTA_OIF]);
	return NL_OK;
}

int link_route_index(const struct sockaddr *to)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)to;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)to;
	struct request request = { .route.rtm_family =
					   (unsigned char)to->sa_family };
	size_t bytes = to->sa_family == AF_INET ? sizeof(v4->sin_addr) :
						  sizeof(v6->sin6_addr);
	int index = 0, r;
	const struct link_question q = {
		RTM_GETROUTE, 0, &request,
		offsetof(struct request, address) + bytes, on_route, &index,
	};

	request.route.rtm_dst_len = (unsigned char)(8 * bytes);
	request.destination.rta_type = RTA_DST;
	request.destination.rta_len = (unsigned short)RTA_LENGTH(bytes);
	memcpy(request.address,
	       to->sa_family == AF_INET ? (const void *)&v4->sin_addr :
					  (const void *)&v6->sin6_addr,
	       bytes);
	r = link_ask(&q, "route to a collector");
	return r ? r : index;
}
