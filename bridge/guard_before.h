/* SPDX-License-Identifier: BSD-2-Clause */
/* The guard that another process has put on a port, and what it has counted; for
 * guard.c. */
#ifndef BUMPWIRE_GUARD_BEFORE_H
#define BUMPWIRE_GUARD_BEFORE_H

#include "guard_state.h"

struct guard_before {
	const struct guard_state *state; /* mapped; NULL: there is none */
	int side; /* what it calls this port */
};

/* Find it, which takes CAP_SYS_ADMIN; without, there is none. The id of its
 * process's thread if that lives, else 0. */
int guard_before_find(struct guard_before *before, int index);

void guard_before_forget(struct guard_before *before);

/* Add what it has counted, and nobody has reported. */
void guard_before_add(const struct guard_before *before, struct guard_side *to);

#endif
