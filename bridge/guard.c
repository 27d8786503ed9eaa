/* SPDX-License-Identifier: BSD-2-Clause */
/* See guard.h; the programs are in guard.bpf.c. */
#include "config.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "guard.h"
#include "guard_before.h"
#include "guard_rules.h"
#include "guard.skel.h"
#include "link_tc.h"
#include "log.h"

struct guard {
	struct guard_bpf *skel;
	struct guard_state *state; /* in the kernel's memory */
	struct guard_port port[GUARD_SIDES];
	struct guard_before before[GUARD_SIDES];
	uint32_t made[GUARD_SIDES]; /* notes of link_tc.h */
	bool attached;
	bool bypass;
	bool joins; /* once the process is gone */
	bool lost[GUARD_SIDES]; /* taken away, and cannot be put back */
	bool can_filter; /* the programs that interpret rules are loaded */
	bool filters;	 /* they are those to attach */
	bool switched;	 /* sets, so that runs may still be in an idle one */
};

_Static_assert(sizeof(pthread_mutex_t) <= GUARD_OWNER_BYTES,
	       "a mutex has room in struct guard_owner");

/* ---- load ---- */

/* libbpf speaks for itself: not on our stderr. */
static int print_debug(enum libbpf_print_level level, const char *fmt,
		       va_list args) printf_like(2, 0);

static int print_debug(enum libbpf_print_level level, const char *fmt,
		       va_list args)
{
	char text[512];

	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(text, sizeof(text), fmt, args);
	text[strcspn(text, "\n")] = '\0';
	log_debug("%s", text);
	return 0;
}

static int say_why(int r, char *why, size_t size)
{
	if (r == -EPERM || r == -EACCES)
		snprintf(why, size, "not allowed to load BPF programs "
			 "(CAP_BPF, CAP_NET_ADMIN; not from a user namespace)");
	else
		snprintf(why, size, "BPF programs: %s", strerror(-r));
	return r;
}

/* What kernels have by and by: the coarse clock (5.11), bpf_loop() (5.17). What
 * one lacks need not keep the rest out. */
static int load(struct guard *g, bool can_filter, bool coarse_clock)
{
	g->skel = guard_bpf__open();
	if (!g->skel)
		return -errno;
	g->can_filter = can_filter;
	g->skel->rodata->coarse_clock = coarse_clock;
	bpf_program__set_autoload(g->skel->progs.join_left_filtered, can_filter);
	bpf_program__set_autoload(g->skel->progs.join_right_filtered,
				  can_filter);
	return guard_bpf__load(g->skel);
}

bool guard_is_built(void)
{
	return true;
}

int guard_new(struct guard **gp, char *why, size_t size)
{
	struct guard *g = calloc(1, sizeof(*g));
	int r;

	if (!g)
		return say_why(-ENOMEM, why, size);
	libbpf_set_print(print_debug);
	r = load(g, true, true);
	for (int clock = 1; r && r != -EPERM && clock >= 0; clock--) {
		guard_bpf__destroy(g->skel);
		r = load(g, false, clock);
	}
	if (r) {
		guard_free(g);
		return say_why(r, why, size);
	}
	g->state = &g->skel->data->state;
	*gp = g;
	return 0;
}

void guard_free(struct guard *g)
{
	if (!g)
		return;
	if (g->attached)
		guard_leave_attached(g);
	for (int side = 0; side < GUARD_SIDES; side++)
		guard_before_forget(&g->before[side]);
	guard_bpf__destroy(g->skel);
	free(g);
}

/* ---- who lives ---- */

static bool is_owned(const struct guard_owner *owner)
{
	return (shared_read(&owner->futex) & FUTEX_TID_MASK) ==
	       (uint32_t)gettid();
}

/* Lock it anew, unless this thread has it, whoever had it before: glibc's first
 * word says so at once. */
static void own(struct guard_owner *owner)
{
	pthread_mutex_t *mutex = (pthread_mutex_t *)owner;
	pthread_mutexattr_t attr;

	if (is_owned(owner))
		return;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(mutex, &attr);
	pthread_mutexattr_destroy(&attr);
	pthread_mutex_lock(mutex);
}

static void disown(struct guard_owner *owner)
{
	if (is_owned(owner))
		pthread_mutex_unlock((pthread_mutex_t *)owner);
}

struct guard_side *guard_lane(struct guard *g, int side)
{
	return g && g->bypass ? &g->state->side[side] : NULL;
}

void guard_take_over(struct guard_side *s, uint64_t now_ns)
{
	guard_rearm(s, now_ns);
	own(&s->owner);
}

void guard_hand_over(struct guard_side *s)
{
	disown(&s->owner);
}

void guard_rearm(struct guard_side *s, uint64_t now_ns)
{
	guard_beat(s, now_ns);
	__atomic_store_n(&s->tripped, 0, __ATOMIC_RELEASE);
}

/* ---- attach ---- */

static int fd_of(const struct bpf_program *program)
{
	return bpf_program__fd(program);
}

int guard_filter_fd(const struct guard *g, int side)
{
	if (!g || !g->attached || !g->bypass)
		return -1;
	return fd_of(side ? g->skel->progs.take_right :
			    g->skel->progs.take_left);
}

/* Is the wire one that a guard before us joins now? */
static int find_joined(const struct guard_port *port, bool *joined)
{
	struct link_tc tc[GUARD_SIDES];
	int r;

	*joined = true;
	for (int side = 0; side < GUARD_SIDES; side++) {
		r = link_tc_get(port[side].index, &tc[side]);
		if (r)
			return r;
		*joined &= tc[side].is_attached &&
			   tc[side].notes & LINK_TC_JOINS &&
			   tc[side].peer == port[!side].index;
	}
	/* Or the frames of others would go on to come to these ports. */
	for (int side = 0; side < GUARD_SIDES; side++)
		link_tc_part(port[side].index, port[side].name, &tc[side],
			     port[!side].index);
	return 0;
}

static int attach_side(struct guard *g, int side)
{
	const struct guard_port *port = &g->port[side];
	struct bpf_program *const joiner[GUARD_SIDES][2] = {
		{ g->skel->progs.join_left, g->skel->progs.join_left_filtered },
		{ g->skel->progs.join_right,
		  g->skel->progs.join_right_filtered },
	};

	struct link_tc_programs programs = {
		.ingress_fd = fd_of(joiner[side][g->filters]),
		.egress_fd = !g->bypass ? -1 :
			     fd_of(side ? g->skel->progs.hold_right :
					  g->skel->progs.hold_left),
		.peer = g->port[!side].index,
		.promisc = g->bypass,
		.joins = g->joins,
		.made = g->made[side],
	};
	int r = link_tc_attach(port->index, port->name, &programs);

	g->made[side] = programs.made;
	return r;
}

static int attach_both(struct guard *g)
{
	int r = attach_side(g, 0);

	return r ? r : attach_side(g, 1);
}

int guard_attach(struct guard *g, const struct guard_port port[GUARD_SIDES],
		 bool bypass, bool joins)
{
	bool joined;
	int r = find_joined(port, &joined);

	if (r)
		return r;
	memcpy(g->port, port, sizeof(g->port));
	if (!g->attached)
		memset(g->made, 0, sizeof(g->made));
	/* What the kernel forwards now it goes on to forward until the lanes
	 * turn, whatever becomes of us later. */
	g->bypass = bypass || joined;
	g->joins = joins;
	memset(g->lost, 0, sizeof(g->lost));
	for (int side = 0; side < GUARD_SIDES; side++) {
		/* Both before the first program: it redirects at once. */
		g->state->side[side].index = (uint32_t)port[side].index;
		g->state->side[side].carries = port[side].carries;
	}
	shared_write(&g->state->joined, joined);
	own(&g->state->owner);
	g->attached = true;
	r = attach_both(g);
	/* Of a joined wire what could be attached stays: it forwards. */
	if (r && !joined)
		guard_detach(g);
	return r;
}

bool guard_is_joined(const struct guard *g)
{
	return g->attached && g->state->joined;
}

int guard_keep_joined(struct guard *g)
{
	if (g->joins)
		return 0;
	g->joins = true;
	return attach_both(g);
}

int guard_look_after(struct guard *g)
{
	int r, missing = 0;

	for (int side = 0; g->attached && side < GUARD_SIDES; side++) {
		if (g->lost[side])
			continue;
		r = link_tc_is_attached(g->port[side].index);
		if (!r) {
			r = attach_side(g, side);
			g->lost[side] = r && r != -ENODEV; /* and said so */
			missing++;
		}
		if (r < 0)
			return r;
	}
	return missing;
}

void guard_join(struct guard *g, bool joined)
{
	shared_write(&g->state->joined, joined);
}

void guard_set_hang(struct guard *g, uint64_t hang_ns)
{
	shared_write(&g->state->hang_ns, hang_ns);
}

void guard_detach(struct guard *g)
{
	if (!g->attached)
		return;
	guard_join(g, false);
	for (int side = 0; side < GUARD_SIDES; side++)
		link_tc_detach(g->port[side].index, g->port[side].name,
			       g->made[side]);
	guard_leave_attached(g);
}

void guard_leave_attached(struct guard *g)
{
	for (int side = 0; side < GUARD_SIDES; side++) {
		struct guard_side *s = &g->state->side[side];

		s->told_frames = shared_read(&s->bypassed_frames);
		s->told_bytes = shared_read(&s->bypassed_bytes);
		s->told_filtered = shared_read(&s->filtered_frames);
	}
	disown(&g->state->owner);
	g->attached = false;
}

/* ---- rules ---- */

int guard_filter_while_joined(struct guard *g, bool on)
{
	int r = 0;

	if (on && !g->can_filter)
		return -ENOTSUP;
	if (g->filters == on)
		return 0;
	g->filters = on;
	for (int side = 0; !r && g->attached && side < GUARD_SIDES; side++)
		r = attach_side(g, side);
	return r;
}

int guard_check_rules(const struct guard *g, const struct guard_rule *rule,
		      size_t n, char *why, size_t size)
{
	if (g->can_filter)
		return guard_rules_fit(rule, n, why, size);
	snprintf(why, size, "this kernel does not take the programs that "
		 "interpret rules (Linux 5.17 or later does)");
	return -ENOTSUP;
}

int guard_set_rules(struct guard *g, int side, const struct guard_rule *rule,
		    size_t n, char *why, size_t size)
{
	struct guard_side *s = &g->state->side[side];
	uint32_t set = s->filters == 1 ? 2 : 1;
	int r = guard_check_rules(g, rule, n, why, size);

	if (r)
		return r;
	if (n && g->switched)
		guard_rules_await_runs();
	if (n)
		guard_rules_write(g->skel->bss->rules +
				  (2 * (uint32_t)side + set - 1) *
				  GUARD_RULE_SLOTS, rule, n);
	g->switched = n ? s->filters : g->switched || s->filters;
	__atomic_store_n(&s->filters, n ? set : 0, __ATOMIC_RELEASE);
	return 0;
}

/* ---- counts ---- */

void guard_carry_over(struct guard *g)
{
	for (int side = 0; side < GUARD_SIDES; side++) {
		guard_before_add(&g->before[side], &g->state->side[side]);
		guard_before_forget(&g->before[side]);
	}
}

void guard_count(const struct guard *g, int side, struct guard_counters *c)
{
	const struct guard_side *s = &g->state->side[side];

	*c = (struct guard_counters){
		.bypassed_frames = shared_read(&s->bypassed_frames),
		.bypassed_bytes = shared_read(&s->bypassed_bytes),
		.filtered_frames = shared_read(&s->filtered_frames),
		.trips = shared_read(&s->trips),
	};
}

int guard_inherit(struct guard *g, const struct guard_port port[GUARD_SIDES],
		  int *tid)
{
	*tid = 0;
	for (int side = 0; side < GUARD_SIDES; side++) {
		if (!port[side].index)
			continue;
		guard_before_forget(&g->before[side]);
		*tid = guard_before_find(&g->before[side], port[side].index);
		if (*tid)
			break;
	}
	for (int side = 0; *tid && side < GUARD_SIDES; side++)
		guard_before_forget(&g->before[side]);
	return *tid ? -EBUSY : 0;
}
