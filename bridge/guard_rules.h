/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules as guard_rules.bpf.h reads them: whether there is room for them, how
 * they are written, when a set is nobody's any more. For guard.c alone.
 */
#ifndef BUMPWIRE_GUARD_RULES_H
#define BUMPWIRE_GUARD_RULES_H

#include <errno.h>
#include <linux/filter.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "guard.h"

/* 0, or -E2BIG and `why`. */
static inline int guard_rules_fit(const struct guard_rule *rule, size_t n,
				  char *why, size_t size)
{
	size_t insns = 0;

	for (size_t i = 0; i < n; i++)
		insns += rule[i].n_insns;
	if (n <= GUARD_RULES_MAX && insns <= GUARD_RULE_INSNS)
		return 0;
	snprintf(why, size, "%zu rules of %zu instructions for one side: at "
		 "most %d rules of %d instructions together", n, insns,
		 GUARD_RULES_MAX, GUARD_RULE_INSNS);
	return -E2BIG;
}

/* Into a set, as guard_state.h has it. */
static inline void guard_rules_write(struct sock_filter *slot,
				     const struct guard_rule *rule, size_t n)
{
	bool passes_only = false;

	for (size_t i = 0; i < n; i++) {
		*slot++ = (struct sock_filter){ .code = GUARD_RULE_BEGINS,
						.jt = !rule[i].pass_only,
						.k = rule[i].n_insns };
		memcpy(slot, rule[i].insn, rule[i].n_insns * sizeof(*slot));
		slot += rule[i].n_insns;
		passes_only |= rule[i].pass_only;
	}
	*slot = (struct sock_filter){ .code = GUARD_RULES_END,
				      .jt = passes_only };
}

/*
 * Until no run of the programs is left that began before now. They run within
 * RCU, and this command waits for all that does (kernel/sched/membarrier.c);
 * with nohz_full= it is refused: then long enough, for a run is a matter of
 * microseconds, and at the very most, at GUARD_STEPS, of milliseconds.
 */
static inline void guard_rules_await_runs(void)
{
	const struct timespec pause = { .tv_nsec = 100000000 };

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		nanosleep(&pause, NULL);
}

#endif
