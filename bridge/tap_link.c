/* SPDX-License-Identifier: BSD-2-Clause */
/* See tap_link.h. */
#include "config.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

#include "tap_link.h"

static int ask(int fd, unsigned long what, const char *name, struct ifreq *req)
{
	memset(req, 0, sizeof(*req));
	strncpy(req->ifr_name, name, sizeof(req->ifr_name) - 1);
	return ioctl(fd, what, req) ? -errno : 0;
}

int tap_link_look(int fd, const char *name, struct tap_link *link)
{
	struct ifreq index, mtu, flags, address;
	int r = ask(fd, SIOCGIFINDEX, name, &index);

	if (!r)
		r = ask(fd, SIOCGIFMTU, name, &mtu);
	if (!r)
		r = ask(fd, SIOCGIFFLAGS, name, &flags);
	if (!r)
		r = ask(fd, SIOCGIFHWADDR, name, &address);
	if (r)
		return r;
	*link = (struct tap_link){
		.index = index.ifr_ifindex,
		.mtu = (uint32_t)mtu.ifr_mtu,
		.arptype = address.ifr_hwaddr.sa_family,
		/* Not so while the cable is out, too. */
		.running = (flags.ifr_flags & (IFF_UP | IFF_RUNNING)) ==
			   (IFF_UP | IFF_RUNNING),
	};
	return 0;
}

uint32_t tap_link_mtu(int fd, const char *const name[2])
{
	struct tap_link link;
	uint32_t mtu = 0;

	for (int i = 0; i < 2; i++)
		if (name[i] && !tap_link_look(fd, name[i], &link) &&
		    link.mtu > mtu)
			mtu = link.mtu;
	return mtu;
}
