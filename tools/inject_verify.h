/* SPDX-License-Identifier: BSD-2-Clause */
/* bumpinject --verify: receive stamped frames, and tell what became of them. */
#ifndef BUMPWIRE_INJECT_VERIFY_H
#define BUMPWIRE_INJECT_VERIFY_H

#include "inject_options.h"

/*
 * Listen until all that are expected have come, or none for the idle time, or
 * the duration is over, or a signal. Prints the verdict. 0 all that was
 * expected arrived once, in order and whole; 1 not so; -errno (logged).
 */
int inject_verify(const struct inject_options *o);

#endif
