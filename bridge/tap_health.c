/* SPDX-License-Identifier: BSD-2-Clause */
/* See tap_health.h. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "tap_health.h"

#define MOMENT_NS (2 * NS_PER_SEC)

/* Of a queue nobody knows what "No buffer space available" means. */
const char *tap_health_text(int error)
{
	return error == -ENOBUFS ? "where its copies go does not keep up" :
				   strerror(-error);
}

void tap_health_init(struct tap_health *h, const char *id, const char *to,
		     uint64_t quiet_ns)
{
	*h = (struct tap_health){ .quiet_ns = quiet_ns };
	snprintf(h->name, sizeof(h->name), "tap%s%s: %s", id && *id ? " " : "",
		 id ? id : "", to);
}

static const char *reason(const struct tap_health *h)
{
	return h->why ? h->why : tap_health_text(h->error);
}

void tap_health_fails(struct tap_health *h, int error, const char *why)
{
	h->last_ns = h->now_ns;
	if (!h->error)
		h->first_ns = h->now_ns;
	if (h->told)
		return;
	h->error = error;
	h->why = why;
	h->told = error != -ENOBUFS || h->now_ns - h->first_ns > MOMENT_NS;
	if (h->told)
		log_warn("%s: %s: copies are lost until it works again",
			 h->name, reason(h));
}

void tap_health_lost(struct tap_health *h, int error, const char *why)
{
	tap_health_fails(h, error, why);
	h->lost_frames++;
}

void tap_health_odd(struct tap_health *h, uint32_t bytes, const char *what)
{
	if (!h->odd_told)
		log_warn("%s: a frame of %u bytes %s: such copies are lost",
			 h->name, bytes, what);
	h->odd_told = true;
}

bool tap_health_tick(struct tap_health *h)
{
	if (!h->error || h->now_ns - h->last_ns < h->quiet_ns)
		return h->error != 0;
	if (h->told)
		log_info("%s: works again, after %" PRIu64 " lost copies",
			 h->name, h->lost_frames);
	else
		log_warn("%s: %s for a moment: %" PRIu64 " copies are lost",
			 h->name, reason(h), h->lost_frames);
	h->error = 0;
	h->told = false;
	h->lost_frames = 0;
	return false;
}
