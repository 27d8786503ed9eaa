/* SPDX-License-Identifier: BSD-2-Clause */
/* How two configurations differ, and what it takes to go from one to the other
 * while frames flow. */
#ifndef BUMPWIRE_CONF_DIFF_H
#define BUMPWIRE_CONF_DIFF_H

#include "conf.h"

#define CONF_CHANGE_BYTES 1024 /* a value fits: a line of the file is shorter */

/* The strings live as long as the call. */
struct conf_change {
	const char *pair; /* NULL: a key of the program */
	const char *key;  /* left.spin, metrics.file, a rule's id; "": a pair */
	const char *from; /* "": was not set, or not there */
	const char *to;
	enum conf_effect effect;
};

/* Call fn for each difference. */
void conf_diff(const struct conf *old, const struct conf *new,
	       void (*fn)(const struct conf_change *change, void *arg),
	       void *arg);

/* The same of a pair's keys alone; rules are none. */
void conf_diff_keys(const struct conf_pair *old, const struct conf_pair *new,
		    void (*fn)(const struct conf_change *change, void *arg),
		    void *arg);

/* Keep the values of keys that take effect only in a process that starts: the
 * new configuration gets those of the old one, which gets its. */
void conf_keep_fixed(struct conf *old, struct conf *new);

/* Do they ask other things of a stage on one side? Rules are no keys here. */
bool conf_stage_differs(const struct conf_pair *old,
			const struct conf_pair *new, enum side side,
			enum stage_kind kind);

/* The most that any changed key of a pair asks for on one side: EFFECT_LIVE to
 * EFFECT_PAIR. */
enum conf_effect conf_pair_effect(const struct conf_pair *old,
				  const struct conf_pair *new, enum side side);

#endif
