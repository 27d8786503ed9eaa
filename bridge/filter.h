/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stage that drops frames by pcap-filter(7) expressions. With port_pcap
 * the only place that knows libpcap's compiler.
 *
 * A frame that matches a drop rule is dropped. If there are pass-only rules, a
 * frame that matches none of them is dropped, too. Drop wins over pass, and
 * the first rule that matches is the one that counts it. The programs run in
 * user space on the frame as it is on the wire, so that `vlan` and what is
 * behind a tag mean what they mean to tcpdump, and every verdict is counted.
 */
#ifndef BUMPWIRE_FILTER_H
#define BUMPWIRE_FILTER_H

#include <stdbool.h>
#include <stdio.h>

#include "stage.h"

struct sock_filter;

enum filter_action { FILTER_DROP, FILTER_PASS_ONLY };

struct filter_rule {
	const char *id;   /* names it in counts */
	const char *text; /* the expression, or the path of a program */
	bool is_file;     /* text names a file as `tcpdump -ddd` prints it */
	enum filter_action action;
};

struct filter_count {
	const char *id;
	const char *text;
	enum filter_action action;
	uint64_t frames; /* that this rule was the first to match */
};

/*
 * Compile the rules into a stage. Rules that stand in the filter `before` (or
 * NULL), with the same id and text, go on with its counts; both may live, but
 * only one of them may be in a lane; an expression that stands there is not
 * compiled again. May ask DNS for host names: never call it
 * on a frame's way. 0, -EINVAL (logged with libpcap's words), -ENOMEM (logged).
 */
int filter_new(struct stage **stagep, const struct filter_rule *rule, size_t n,
	       const struct stage *before);

/* Whether a rule compiles; if not, why, in `why`. 0 or -EINVAL. */
int filter_check(const struct filter_rule *rule, char *why, size_t size);

/* Print the program of an expression as `tcpdump -d` does. 0 or -EINVAL. */
int filter_dump(const char *expression);

/* The i-th rule's count; false behind the last one. */
bool filter_counts(const struct stage *stage, size_t i,
		   struct filter_count *count);

/* The i-th rule as it is asked, drop rules first: its program lives as long as
 * the filter. False behind the last one. */
struct filter_program {
	const struct sock_filter *insn; /* linux/filter.h */
	unsigned int n_insns;
	enum filter_action action;
};

bool filter_program(const struct stage *stage, size_t i,
		    struct filter_program *program);

/* Frames dropped because no pass-only rule matched. */
uint64_t filter_unmatched(const struct stage *stage);

/*
 * An expression alone, for who wants to know whether a frame, as it is on the
 * wire, matches. May ask DNS as filter_new() does. 0, -EINVAL (logged with
 * libpcap's words, after `what`), -ENOMEM (logged).
 */
struct filter_match;
int filter_match_new(struct filter_match **matchp, const char *what,
		     const char *expression);
bool filter_matches(const struct filter_match *match, const struct frame *f);
void filter_match_free(struct filter_match *match);

#endif
