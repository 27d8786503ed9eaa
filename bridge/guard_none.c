/* SPDX-License-Identifier: BSD-2-Clause */
/* guard.h of a build without BPF: there is none to be had. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "guard.h"

bool guard_is_built(void)
{
	return false;
}

bool guard_is_preceded(int index)
{
	(void)index;
	return false;
}

int guard_new(struct guard **gp, char *why, size_t size)
{
	(void)gp;
	snprintf(why, size, "this program was built without BPF");
	return -ENOTSUP;
}

void guard_free(struct guard *g)
{
	(void)g;
}

int guard_attach(struct guard *g, const struct guard_port port[GUARD_SIDES],
		 bool bypass, bool joins)
{
	(void)g;
	(void)port;
	(void)bypass;
	(void)joins;
	return -ENOTSUP;
}

void guard_join(struct guard *g, bool joined)
{
	(void)g;
	(void)joined;
}

bool guard_is_joined(const struct guard *g)
{
	(void)g;
	return false;
}

int guard_keep_joined(struct guard *g)
{
	(void)g;
	return -ENOTSUP;
}

int guard_look_after(struct guard *g)
{
	(void)g;
	return 0;
}

void guard_set_hang(struct guard *g, uint64_t hang_ns)
{
	(void)g;
	(void)hang_ns;
}

void guard_detach(struct guard *g)
{
	(void)g;
}

void guard_leave_attached(struct guard *g)
{
	(void)g;
}

int guard_filter_while_joined(struct guard *g, bool on)
{
	(void)g;
	(void)on;
	return -ENOTSUP;
}

int guard_check_rules(const struct guard *g, const struct guard_rule *rule,
		      size_t n, char *why, size_t size)
{
	(void)g;
	(void)rule;
	(void)n;
	snprintf(why, size, "this program was built without BPF");
	return -ENOTSUP;
}

int guard_set_rules(struct guard *g, int side, const struct guard_rule *rule,
		    size_t n, char *why, size_t size)
{
	(void)side;
	return guard_check_rules(g, rule, n, why, size);
}

int guard_filter_fd(const struct guard *g, int side)
{
	(void)g;
	(void)side;
	return -1;
}

void guard_carry_over(struct guard *g)
{
	(void)g;
}

void guard_count(const struct guard *g, int side, struct guard_counters *c)
{
	(void)g;
	(void)side;
	*c = (struct guard_counters){ 0 };
}

int guard_inherit(struct guard *g, const struct guard_port port[GUARD_SIDES],
		  int *tid)
{
	(void)g;
	(void)port;
	*tid = 0;
	return 0;
}

int guard_living(int index)
{
	(void)index;
	return 0;
}

struct guard_side *guard_lane(struct guard *g, int side)
{
	(void)g;
	(void)side;
	return NULL;
}

void guard_take_over(struct guard_side *s, uint64_t now_ns)
{
	(void)s;
	(void)now_ns;
}

void guard_hand_over(struct guard_side *s)
{
	(void)s;
}

void guard_rearm(struct guard_side *s, uint64_t now_ns)
{
	(void)s;
	(void)now_ns;
}
