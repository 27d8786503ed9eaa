/* SPDX-License-Identifier: BSD-2-Clause */
/* What bumpreplay --dry-run says: what would be sent, in which time, and what
 * the captures are. */
#ifndef BUMPWIRE_REPLAY_PLAN_H
#define BUMPWIRE_REPLAY_PLAN_H

#include "replay_options.h"
#include "send_report.h"
#include "source.h"

/* The MTU that a port would have: as told, else the interface's as /sys shows
 * it, else 1500. */
uint32_t replay_plan_mtu(const struct replay_options *o, uint32_t egress);

/* 0, or -EIO (logged) if it could not be written. */
int replay_plan_print(const struct replay_options *o, const struct sender *s,
		      const struct send_figures *f,
		      const struct source *source, FILE *out);

#endif
