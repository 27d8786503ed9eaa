/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guard of a wire: programs in the kernel, at the ingress of both ports.
 *
 * They keep the host's own stack out of the wire. And with `bypass` they join
 * both ports while the process does not: each frame is decided once, taken by
 * the process's RX socket while the lane's thread lives and turns, or else
 * redirected to the other port with its tag and its offloads. They know that a
 * thread lives by a robust mutex that it holds, and that it turns by its beat.
 *
 * The programs stay when the process is killed: joined, they forward then;
 * otherwise they let the host have what arrives.
 */
#ifndef BUMPWIRE_GUARD_H
#define BUMPWIRE_GUARD_H

#include <stdbool.h>

#include "base.h"
#include "guard_state.h"

struct guard;

struct guard_counters {
	uint64_t bypassed_frames; /* that went over in the kernel */
	uint64_t bypassed_bytes;
	uint64_t filtered_frames; /* dropped by rules meanwhile */
	uint64_t trips; /* how often the kernel took over from a lane that hung */
};

/* Was this program built with it? */
bool guard_is_built(void);

/* A program that runs before the guard on this link, whatever it is attached by
 * (tcx, Linux 6.6): what it takes or passes on by itself the guard does not see.
 * As guard_inherit() it is asked at the start. */
bool guard_is_preceded(int index);

/* Load the programs, which takes CAP_BPF and CAP_NET_ADMIN; nothing is attached.
 * 0, or -errno: not logged, `why` says it. */
int guard_new(struct guard **gp, char *why, size_t size);

/* What is attached stays; see guard_detach(). NULL is fine. */
void guard_free(struct guard *g);

/*
 * Attach to both ports, by index and name; of a guard that is there, left by a
 * process that has died, this one takes the place without a gap, and goes on
 * joining where that one did; one that joined a port with yet another one is
 * ended. With `bypass` it can join them, with `joins` it does so by itself once
 * the process is gone. From now on the host sees nothing of either port
 * for as long as the calling thread lives. 0 or -errno (logged, except -ENODEV);
 * then nothing is attached that was not before.
 */
struct guard_port {
	int index;
	const char *name;
	bool carries; /* frames that arrive here are for the other side */
};

int guard_attach(struct guard *g, const struct guard_port port[GUARD_SIDES],
		 bool bypass, bool joins);

/* Whether what the process does not take goes over in the kernel. */
void guard_join(struct guard *g, bool joined);
bool guard_is_joined(const struct guard *g);

/* From now on it does so also once the process is gone. 0 or -errno (logged). */
int guard_keep_joined(struct guard *g);

/* Put back what somebody has taken away, such as a qdisc. How many ports that
 * was, or -errno (logged, except -ENODEV). */
int guard_look_after(struct guard *g);

/* A lane that has not turned for this long hangs. */
void guard_set_hang(struct guard *g, uint64_t hang_ns);

/*
 * Rules that hold while the kernel forwards. For filter.c's they are in order,
 * drop rules first: the first one that matches decides, and with pass-only
 * rules what matches none is dropped.
 */
struct sock_filter; /* linux/filter.h; pcap's struct bpf_insn is the same */

struct guard_rule {
	const struct sock_filter *insn; /* bpf_validate() has found it good */
	unsigned int n_insns;
	bool pass_only;
};

/* Whether the kernel can have them: 0; -ENOTSUP: no rules at all (none need be
 * given to ask that); -E2BIG. Not logged, `why` says it. */
int guard_check_rules(const struct guard *g, const struct guard_rule *rule,
		      size_t n, char *why, size_t size);

/*
 * From now on these rules, which are copied, and no others hold for frames that
 * arrive on this side. Needs no right to load BPF. Takes some ten milliseconds
 * when it takes the place of others. As guard_check_rules(); then the rules
 * before stay.
 */
int guard_set_rules(struct guard *g, int side, const struct guard_rule *rule,
		    size_t n, char *why, size_t size);

/* Whether they hold at all; without, frames do not pay for it. Attached or not:
 * then the programs are replaced, and no frame passes in between. 0, -ENOTSUP as
 * above, or -errno (logged). */
int guard_filter_while_joined(struct guard *g, bool on);

/* Take the programs away. */
void guard_detach(struct guard *g);

/* Let them stay and go on: of a planned stop with the wire joined. What was
 * counted until now is taken for reported. */
void guard_leave_attached(struct guard *g);

/* The socket filter that decides for this side, owned by the guard. */
int guard_filter_fd(const struct guard *g, int side);

/* Go on from the counts of the guard that this one took over from, as far as
 * nobody has reported them. */
void guard_carry_over(struct guard *g);

void guard_count(const struct guard *g, int side, struct guard_counters *c);

/*
 * The counts of guards that processes before us have left on these ports, to go
 * on from: takes CAP_SYS_ADMIN, so it is asked before privileges are given up.
 * Where it is not allowed the counts begin at 0. -EBUSY: that process lives
 * (its thread's id in *tid).
 */
int guard_inherit(struct guard *g, const struct guard_port port[GUARD_SIDES],
		  int *tid);

/* The thread of a process that lives and has a guard on this link, or 0; also
 * where nobody may know (as above). */
int guard_living(int index);

/* ---- a lane's part, in its own thread ---- */

/* NULL for a guard that does not take part in what the lane does. */
struct guard_side *guard_lane(struct guard *g, int side);

/* From now on frames are for this thread, and no longer; without the latter it
 * is so when the thread dies. */
void guard_take_over(struct guard_side *s, uint64_t now_ns);
void guard_hand_over(struct guard_side *s);

/* The lane turns. */
static inline void guard_beat(struct guard_side *s, uint64_t now_ns)
{
	shared_write(&s->beat_ns, now_ns);
}

/* The kernel has taken over: what was taken before then is stale. */
static inline bool guard_has_tripped(const struct guard_side *s)
{
	return __atomic_load_n(&s->tripped, __ATOMIC_ACQUIRE);
}

/* All that was stale is dropped: take frames again. */
void guard_rearm(struct guard_side *s, uint64_t now_ns);

#endif
