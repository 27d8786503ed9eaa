/* SPDX-License-Identifier: BSD-2-Clause */
/* bumpinject --engine xdp: frames that the kernel makes, see bridge/live.h. */
#ifndef BUMPWIRE_INJECT_LIVE_H
#define BUMPWIRE_INJECT_LIVE_H

#include "inject_options.h"
#include "sender.h"
#include "template.h"

#define INJECT_LIVE_NO 1

/* 0: they can; INJECT_LIVE_NO: not this, or not here (logged if it was asked
 * for by name, and then the mistake is the caller's to tell). */
int inject_live_fits(const struct inject_options *o, const struct sender *s,
		     const struct template *template);

/* Send them all, and print the report. 0; 1: not all was sent; -ENXIO (only by
 * --engine auto, not logged): the interface takes none, nothing was sent; other
 * -errno (logged). */
int inject_live(const struct inject_options *o, struct sender *s,
		const struct template *template);

#endif
