/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All that a running process has, for control*.c and requests*.c; one thread
 * alone touches it.
 */
#ifndef BUMPWIRE_CONTROL_STATE_H
#define BUMPWIRE_CONTROL_STATE_H

#include "bridge.h"
#include "conf_diff.h"
#include "control.h"
#include "doctor.h"
#include "events.h"
#include "notify.h"
#include "report.h"

struct server;
struct web;

#define SPARE_GUARDS 4

/* What the control thread waits for. */
enum source {
	SOURCE_SIGNAL,
	SOURCE_LINK,
	SOURCE_TICK,
	SOURCE_STATS,
	SOURCE_METRICS,
	SOURCE_WATCHDOG,
	SOURCE_PROPAGATION,
	SOURCE_DURATION,
	SOURCE_COUNT,
	SOURCE_SERVER,
	SOURCE_WEB,
	SOURCES,
};

struct control {
	const struct control_params *params;
	struct conf *conf; /* the one in force, ours */
	struct conf *configured; /* as it was read last, for what was set since */
	char *name;
	char *user; /* that we run as */
	struct link_monitor *monitor;
	struct bridge **bridge; /* those that have been made, as in conf */
	size_t n_bridges;
	struct lane_budget budget;
	struct report_rates rates;
	struct guard *spare[SPARE_GUARDS]; /* for pairs to come */
	size_t n_spares;
	bool told_unguarded;
	struct doctor_fix **fix; /* of each pair at the start, or NULL */
	size_t n_fixes;
	struct notify notify;
	struct events *events; /* NULL: nobody wants them */
	struct server *server; /* NULL: no control socket */
	struct web *web;       /* NULL: no HTTP */
	char *socket;	       /* path of the control socket */
	bool metrics_failed;   /* and said so */
	uint64_t start_ns;
	uint64_t start_s; /* unix */
	uint64_t stop_ns; /* once it is stopping */
	uint64_t reload_ns;  /* when one was last asked for; 0: never */
	uint64_t reload_s;   /* the same, unix */
	bool reload_ok;
	uint64_t n_reloads;
	uint64_t n_failed_reloads;
	int fd[SOURCES]; /* -1: nothing to wait for */
	bool has_run;	 /* there is something to report */
	bool lost_stdout; /* and said so */
	bool stopping;
	int result; /* why it stops: 0 or -errno */
};

/* Stop, for a reason that the exit code tells: 0 or -errno. The first one
 * counts. */
void control_stop(struct control *c, int result);

struct report control_report(const struct control *c);

/* ---- control_pairs.c ---- */

/* Make a bridge for each pair; nothing is opened. 0 or -errno (logged). */
int control_make_pairs(struct control *c);

/* Attach what can be attached; what waits for an interface waits on, also for
 * one that is refused as it is now. */
void control_attach(struct control *c);

/* The same where one is not attached, for what no event tells of: memory that is
 * there again, another process that has given a port up. */
void control_attach_again(struct control *c);

/* Set ports down and up for link propagation. */
void control_propagate(struct control *c);

/* Once a second: counts, warnings, rings that are held. */
void control_tick(struct control *c);

/* Counters of the links as they are now, beside ours; and with a tick, for
 * whoever asks in between. */
void control_refresh_links(struct control *c);
void control_refresh(struct control *c);

void control_on_link(const struct link_event *event, void *arg);

/* The pairs named `name`, or all of them for NULL, one by one: the next one
 * from *i on, or NULL behind the last. */
struct bridge *control_next_pair(const struct control *c, const char *name,
				 size_t *i);

/* ---- control_guards.c ---- */

/* Load the guards of all pairs, with the privileges of the start. 0, or -errno
 * (logged) where a pair cannot do without. */
int control_make_guards(struct control *c);
void control_free_guards(struct control *c);

/* A guard for a pair that comes to want one, from those that are spare. 0 or
 * -EINVAL (logged). */
int control_give_guard(struct control *c, struct bridge *b,
		       const struct conf_pair *conf);

/* The guard of a bridge that goes, for another one. */
void control_take_guard(struct control *c, struct bridge *b);

/* ---- control_apply.c ---- */

/*
 * Have another configuration, which is checked in itself, by difference; it is
 * taken over or freed. All or nothing: 0, -EINVAL (mistakes logged), other
 * -errno (logged). With `reopen` files are opened anew, for who has moved them
 * away. fn is called for each change that was made.
 */
int control_apply(struct control *c, struct conf *conf, bool reopen,
		  void (*fn)(const struct conf_change *change, void *arg),
		  void *arg);

/* A change in words, into the log. */
void control_log_change(const struct conf_change *change);

/* Read the configuration again and apply it; as above. Rules that were added
 * at run time stay. */
int control_reload(struct control *c,
		   void (*fn)(const struct conf_change *change, void *arg),
		   void *arg);

/* ---- control_services.c: what others see of us ---- */

/* Folders, the socket, files: before privileges are given up. 0 or -errno
 * (logged). */
int control_open_services(struct control *c);
void control_close_services(struct control *c);

/* Become who we want to be, and give up the rest. 0 or -errno (logged). */
int control_drop_privileges(struct control *c);

/*
 * What another configuration needs of them, opened beside those that run: then
 * control_swap_services() has them, or control_close_others() has not.
 */
struct services {
	struct events *events;
	struct web *web;
	bool keep_events;
	bool keep_web;
};

int control_open_others(struct control *c, const struct conf *conf,
			bool reopen, struct services *others);
void control_swap_services(struct control *c, struct services *others);
void control_close_others(struct services *others);

/* Why a tap's file could not be made, where its name does not tell; logs. */
void control_explain_tap(const struct control *c, const char *id,
			 const char *to, int error);

/* Set timers to what the configuration says; -1 where there is none. */
void control_set_timers(struct control *c);

void control_write_metrics(struct control *c);
void control_tell_status(struct control *c);

#endif
