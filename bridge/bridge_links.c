/* SPDX-License-Identifier: BSD-2-Clause */
/* What happens to the links of a bridge; see bridge.h. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "bridge_port.h"
#include "clock.h"
#include "log.h"

static void say_change(const struct link_info *was, const struct link_info *now)
{
	if (strcmp(was->name, now->name))
		log_info("port %s: renamed to %s", was->name, now->name);
	if (was->mtu != now->mtu)
		log_info("port %s: MTU %u, was %u", now->name, now->mtu,
			 was->mtu);
	if (link_is_ready(was) && !link_is_ready(now))
		log_warn("port %s: %s", now->name,
			 now->up ? "lost its carrier" : "went down");
	if (!link_is_ready(was) && link_is_ready(now))
		log_info("port %s: up", now->name);
}

/* In what matters to us. */
bool link_differs(const struct link_info *a, const struct link_info *b)
{
	return a->up != b->up || a->carrier != b->carrier ||
	       a->mtu != b->mtu || strcmp(a->name, b->name);
}

void bridge_port_say_kept_back(struct bridge_port *bp, uint64_t now_ns)
{
	unsigned int n = quota_kept_back(&bp->log_quota, now_ns);

	if (n)
		log_info("port %s: %u more changes of its link; now it is %s",
			 bp->link.name, n, !bp->link.up ? "down" :
			 bp->link.carrier ? "up" : "without carrier");
}

int bridge_link_event(struct bridge *b, const struct link_event *event)
{
	for (int side = 0; side < SIDES; side++) {
		struct bridge_port *bp = &b->side[side];
		struct link_info was = bp->link;

		if (!b->attached || bp->link.index != event->info.index)
			continue;
		if (event->gone) {
			log_warn("port %s: the interface is gone",
				 bp->link.name);
			bp->link.up = bp->link.carrier = false;
			return -ENODEV;
		}
		bp->link = event->info;
		shared_write(&bp->port->mtu, event->info.mtu);
		shared_write(&bp->port->ready, link_is_ready(&event->info));
		/* Who reads it may rely on it: said when it is so. */
		if (link_differs(&was, &event->info) &&
		    quota_take(&bp->log_quota, clock_now_ns()))
			say_change(&was, &event->info);
	}
	return 0;
}
