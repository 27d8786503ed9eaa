/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration: plain data between the command line or a file and the
 * bridge. One table of keys serves the file, the command line, the help, the
 * example and the checks; nothing is opened here.
 */
#ifndef BUMPWIRE_CONF_H
#define BUMPWIRE_CONF_H

#include <stdbool.h>
#include <stdio.h>

#include "filter.h"
#include "log.h"
#include "port.h"

/* A key `left.x` speaks of frames that arrive on left. */
enum side { SIDE_LEFT, SIDE_RIGHT, SIDES, SIDE_BOTH = SIDES };

extern const char *const side_name[SIDES];

/* What becomes of the wire without its process. */
enum conf_end { END_BLOCK, END_BYPASS };

enum conf_isolate { ISOLATE_AUTO, ISOLATE_YES, ISOLATE_NO };

struct conf_rule {
	enum side side; /* where the frames arrive that it looks at */
	struct filter_rule rule; /* its strings are owned by the pair */
	bool runtime; /* not from the file: added while it ran */
	char *where;  /* it stands: "wan.conf:7: pair wan.drop"; or NULL */
	struct conf_rule *covered; /* the file's, that this one of run time
				    * stands in for; NULL: none */
};

struct conf_pair {
	char *name;
	char *where; /* its section stands: "wan.conf:3"; or NULL */
	char *port[SIDES]; /* interface names */
	int one_way;       /* enum side; SIDE_BOTH: both ways */
	int tx;            /* enum tx_mode */
	uint64_t tx_slots;
	uint64_t rx_slots[SIDES];
	uint64_t slot_bytes[SIDES];
	uint64_t spin_us[SIDES];
	int64_t cpu[SIDES]; /* LANE_NO_CPU: none */
	bool qdisc_bypass;
	bool wait;
	bool force;
	int on_fail; /* enum conf_end */
	int on_stop; /* the same */
	uint64_t hang_ns;
	bool bypass_filter;
	int isolate; /* enum conf_isolate */
	bool link_propagation;
	/* What stages are asked for, as text by sides; NULL: nothing. */
	char *vlan_pop[SIDES], *vlan_push[SIDES], *vlan_set[SIDES];
	char *vlan_map[SIDES], *src_mac[SIDES], *dst_mac[SIDES];
	char *loss[SIDES], *duplicate[SIDES], *corrupt[SIDES];
	char *bit_errors[SIDES], *reorder[SIDES];
	char *delay[SIDES], *jitter[SIDES], *jitter_shape[SIDES];
	char *jitter_reorder[SIDES];
	char *rate[SIDES], *rate_layer[SIDES], *burst[SIDES], *queue[SIDES];
	char *ageing[SIDES];
	uint64_t seed; /* 0: none */
	uint64_t hold_bytes; /* of each lane */
	int tap[SIDES]; /* enum tap_at */
	char *tap_to, *tap_filter; /* NULL: none */
	uint64_t tap_snap_bytes, tap_queue_bytes, tap_rotate_bytes;
	uint64_t tap_rotate_ns, tap_rotate_frames, tap_files;
	struct conf_rule *rule;
	size_t n_rules;
};

struct conf {
	bool json;
	int log; /* enum log_level */
	uint64_t stats_ns;
	uint64_t duration_ns;
	uint64_t count;
	char *path; /* of the file that was read; NULL: none */
	char *name; /* NULL: see conf_name() */
	char *user; /* NULL: the default */
	bool control;
	bool sandbox;
	bool fix;
	char *metrics_file;
	char *metrics_listen;
	uint64_t metrics_ns;
	char *events_file;
	char *tap_folder; /* where taps of run time may write, too; or NULL */
	struct conf_pair *pair;
	size_t n_pairs;
	unsigned int n_mistakes; /* logged so far */
};

enum conf_section {
	CONF_PROGRAM,
	CONF_METRICS,
	CONF_EVENTS,
	CONF_PAIR,
	CONF_SECTIONS,
};

/* As in the file; a pair's own name follows. */
extern const char *const conf_section_name[CONF_SECTIONS];

enum conf_type {
	CONF_BOOL,
	CONF_NUMBER,
	CONF_CPU, /* a number, or "none" */
	CONF_SECONDS,
	CONF_CHOICE,
	CONF_IFNAME,
	CONF_NAME, /* letters, digits, '-', '_', '.' */
	CONF_PATH,
	CONF_LISTEN, /* a loopback address and a port */
	CONF_RULE,
	CONF_RULE_FILE,
	CONF_BYTES,
	CONF_TEXT, /* what its own parser takes; or "no", for nothing */
};

/* What it takes to have a changed key in a bridge that runs. */
enum conf_effect {
	EFFECT_LIVE,    /* nothing: not a frame is lost */
	EFFECT_PORT,    /* the port is opened anew */
	EFFECT_PAIR,    /* both ports are */
	EFFECT_RESTART, /* the process starts anew, by hand */
	EFFECT_ADDED,   /* it is a pair */
	EFFECT_REMOVED,
};

struct conf_key {
	enum conf_section section;
	const char *name;
	enum conf_type type;
	bool sided;           /* left.NAME and right.NAME exist, too */
	size_t offset;        /* in struct conf or struct conf_pair */
	const char *fallback; /* the default as text; NULL: none */
	uint64_t min, max;
	uint64_t least_ns; /* CONF_SECONDS: shorter is refused, 0 is not */
	const char *const *choice; /* NULL-terminated, by value */
	/* CONF_TEXT: take the text into a stage's params. 0 or -EINVAL. */
	int (*parse)(const char *text, void *params);
	const char *allowed;   /* CONF_TEXT: in words */
	unsigned int stages;   /* that it is for: bits by enum stage_kind */
	enum filter_action action;
	enum conf_effect effect;
	bool never_zero;      /* CONF_SECONDS: 0 is refused, too */
	const char *sample;   /* what the example shows where there is no default */
	const char *arg;  /* what --help calls the value */
	const char *help; /* what it does, one sentence */
};

extern const struct conf_key conf_key[];
extern const size_t conf_n_keys;

void conf_init(struct conf *conf);
void conf_fini(struct conf *conf);

/* Add a pair with every key at its default. NULL: no memory (logged). */
struct conf_pair *conf_add_pair(struct conf *conf, const char *name);

/* Of the same values, with strings of its own. 0 or -ENOMEM (logged). */
int conf_copy(struct conf *to, const struct conf *from);

/* The same into one of its own, which conf_free() ends. 0 or -ENOMEM (logged),
 * and NULL. */
int conf_clone(struct conf **confp, const struct conf *from);
void conf_free(struct conf *conf);

/* The pair of a name, or NULL. */
struct conf_pair *conf_find_pair(const struct conf *conf, const char *name);

/* Do frames that arrive on this side go anywhere? */
bool conf_has_lane(const struct conf_pair *conf, enum side side);

/* Is the wire ever to be joined in the kernel? */
bool conf_bypasses(const struct conf_pair *conf);

/* Is a guard wanted, and can the pair not do without? */
bool conf_wants_guard(const struct conf_pair *conf);
bool conf_needs_guard(const struct conf_pair *conf);

/* What the process is called, in the letters that a file name may have. The
 * caller frees it. NULL: no memory. */
char *conf_name(const struct conf *conf);

/*
 * Set one key. `key` may carry a side before and a rule's id behind its name:
 * left.drop.web. `pair` is NULL for the program's section. `where` names key
 * and place in the message about a mistake ("wan.conf:7: pair wan.spin").
 * Returns 0 or -EINVAL (logged and counted in n_mistakes).
 */
int conf_set_in(struct conf *conf, enum conf_section section,
		struct conf_pair *pair, const char *where, const char *key,
		const char *value);

/* The same in the section of a pair, or without one in [bumpwire]. */
int conf_set(struct conf *conf, struct conf_pair *pair, const char *where,
	     const char *key, const char *value);

/* Set a key of a pair to what it is without being set. As above. */
int conf_unset(struct conf *conf, struct conf_pair *pair, const char *where,
	       const char *key);

/* The key of a section that such a text means, or NULL. */
const struct conf_key *conf_find_key(enum conf_section section,
				     const char *text);

/* Checks that need the whole: missing ports, one port twice, filters that do
 * not compile. Each mistake is logged and counted. 0 or -EINVAL. */
int conf_finish(struct conf *conf);

/* The same of one that is to follow `before`, which is in force: expressions
 * that stand there, too, are not compiled again. */
int conf_finish_after(struct conf *conf, const struct conf *before);

/* Read a file; 0 or -errno. All mistakes of the file are logged in one run. */
int conf_read(struct conf *conf, const char *path);

/* Remove the rule of this id; false if there is none. */
bool conf_remove_rule(struct conf_pair *pair, const char *id);

struct conf_rule *conf_find_rule(const struct conf_pair *pair, const char *id);

/*
 * A rule of run time stands in for the pair's own of the same id, if there is
 * one, until conf_uncover_rule() takes it away and has that in force again.
 * 0 or -ENOMEM; false if there is no such rule of run time.
 */
int conf_cover_rule(struct conf_pair *pair, const struct conf_rule *rule);
bool conf_uncover_rule(struct conf_pair *pair, const char *id);

/* A rule of the pair; the strings are copied. 0 or -ENOMEM. */
int conf_add_rule(struct conf_pair *pair, const struct conf_rule *rule);

/* The rules that look at frames arriving on `side`, in order, as an array
 * that the caller frees; *n may be 0. NULL: no memory. */
struct filter_rule *conf_rules(const struct conf_pair *pair, enum side side,
			       size_t *n);

/* Print the configuration as a file that reads back to the same. With
 * `defaults`, keys that stand at their default are printed, too. */
void conf_print(const struct conf *conf, bool defaults, FILE *out);

/* The example configuration: every key, its default and what it does. */
void conf_print_example(FILE *out);

/* Name a pair by its ports, in the letters that a section may have; the caller
 * frees it. NULL: no memory. */
char *conf_pair_name(const char *left, const char *right);

/* The nearest of the table's names to a wrong one, or NULL. */
const char *conf_suggest(const char *name);

#endif
