/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A wire: a pair of ports, and a lane each way between them. The control
 * thread alone calls these; the lanes have threads of their own.
 *
 * A bridge outlives its interfaces: it is attached while both exist, and its
 * counters go on when it is attached again.
 */
#ifndef BUMPWIRE_BRIDGE_H
#define BUMPWIRE_BRIDGE_H

#include "conf.h"
#include "guard.h"
#include "lane.h"
#include "link.h"
#include "offload.h"
#include "propagation.h"
#include "quota.h"

#define BRIDGE_STATE_DIR "/run/bumpwire"
#define BRIDGE_DRIVER_BYTES 32

struct bridge_port {
	struct port *port;     /* NULL: not attached */
	char name[IF_NAMESIZE]; /* that the port was opened by */
	struct link_info link; /* as last heard of */
	char driver[BRIDGE_DRIVER_BYTES];
	struct offload_lro *lro;
	struct port_counters before; /* of the ports that were here earlier */
	/* The link that bridge_check_links() has said all about. */
	int checked_index;
	int checked_master;
	/* When the lane last received, and the counts as they were then. */
	uint64_t seen_ns; /* 0: not looked yet */
	uint64_t seen_received;
	uint64_t seen_ring_full;
	bool told_held; /* that the kernel held the ring */
	char held_note[IF_NAMESIZE]; /* of its having been set down, or "" */
	bool adopted; /* it was set down by a process before us */
	char claim[IF_NAMESIZE]; /* the note that says that it is ours, or "" */
	struct quota log_quota; /* of changes of the link, in the log */
	struct quota event_quota;
	struct guard_counters guard_from; /* since when we count */
};

struct bridge_tap;

/* What stages a lane has, but for taps; see bridge_stages.h. */
struct bridge_chain {
	struct stage *stage[STAGE_KINDS]; /* by kind; NULL: none */
	struct pool *pool; /* for what they hold; or NULL */
	bool fresh[STAGE_KINDS]; /* to be freed with the chain */
	bool fresh_pool;
	bool is_made;
};

struct bridge {
	const struct conf_pair *conf;
	struct bridge_port side[SIDES];
	/* Frames that arrive on a side; without a thread if the wire is one
	 * way and it is the other one. */
	struct lane lane[SIDES];
	bool has_lane[SIDES];
	struct bridge_chain chain[SIDES]; /* the lanes' stages */
	struct bridge_tap *taps; /* see bridge_taps.h */
	bool tap_stopped;  /* the configuration's, by hand */
	bool tap_outdated; /* it could not be had as it is to be now */
	uint64_t seed; /* of what is random, where none is given */
	bool told_seed;
	char lane_name[SIDES][2 * IF_NAMESIZE + 4];
	uint64_t retry_ns; /* not to be attached before, for it failed */
	struct guard *guard; /* ours, or NULL: see bridge_give_guard() */
	bool guarded;	     /* it stands at the ports */
	struct propagation propagation; /* see bridge_propagate.h */
	bool propagates;
	bool attached;
	bool paused;
	bool announced;             /* said that it is ready */
	bool refused; /* its links, as they are, cannot be bridged */
	bool lasting; /* it waits rather than end the process: it has been
		       * attached, or a reload has made or changed it */
	bool warned[REASONS];       /* said what to do about a reason */
	uint64_t seen_turns[SIDES]; /* of the lanes, by bridge_has_turned() */
	struct lane_stats printed[SIDES]; /* by the last line of rates */
	uint64_t told_ring_full[SIDES];   /* by the last event of it */
	uint64_t told_bypassed[SIDES];
};

/*
 * Whether a pair can be bridged: its interfaces, its CPUs. Refusals are logged
 * with what to do, and counted in the result. An interface that does not exist
 * is refused unless the pair waits for it. With `warn` what may surprise is
 * logged, too, which counts nothing; bridge_attach() does so by itself.
 */
unsigned int bridge_check(const struct conf_pair *conf, struct link_monitor *m,
			  bool warn);

/* The same of the links of a bridge as they are now; what has been said about
 * a link is not said again. */
unsigned int bridge_check_links(struct bridge *b, struct link_monitor *m);

/* Print the interfaces and whether they can be bridged. 0 or -errno. */
int bridge_list(struct link_monitor *m, FILE *out);

/* Make the lanes and compile the filters; nothing is opened. 0 or -errno. */
int bridge_new(struct bridge **bp, const struct conf_pair *conf,
	       struct lane_budget *budget);
void bridge_free(struct bridge *b);

/* A guard for a pair that wants one, which is then the bridge's own. */
void bridge_give_guard(struct bridge *b, struct guard *guard);

/* Have it back, off the ports; or NULL. */
struct guard *bridge_take_guard(struct bridge *b);

/* For bridge*.c: take over what needs nothing to be opened. */
void bridge_set_conf(struct bridge *b, const struct conf_pair *conf);

/*
 * Open both ports and start the lanes. 0; -ENODEV (not logged) while an
 * interface does not exist; BRIDGE_REFUSED (logged once) while one is refused;
 * other -errno (logged). Ports that are down are attached, too, and forward when they
 * come up.
 */
#define BRIDGE_REFUSED 1
int bridge_attach(struct bridge *b, struct link_monitor *m);

/* End reception, drain the rings, read the last counts, close the ports. */
void bridge_detach(struct bridge *b);

/* The same, but what the kernel joins when we do not forward stays joined until
 * the bridge is attached again, or ends. */
void bridge_step_back(struct bridge *b);

/* The same at the end of the process, as the configuration has it for that:
 * with on_stop = bypass the kernel goes on forwarding. */
void bridge_end(struct bridge *b);

/* What has happened to a link. 0; -ENODEV if it was one of ours and is gone:
 * then the bridge is to be detached. */
int bridge_link_event(struct bridge *b, const struct link_event *event);

/* Say so, once, when both directions forward. */
void bridge_announce(struct bridge *b);

/*
 * Once a second or so: fetch the kernel's counts, which are 32 bits wide, warn
 * once of drops that somebody can mend, and open the ports again if the kernel
 * holds a ring. 0, or -errno if they could not be opened (logged): then the
 * bridge is detached.
 */
int bridge_tick(struct bridge *b);

/* ---- asked while it runs ---- */

/* A stage of a lane, or NULL. */
static inline struct stage *bridge_stage(const struct bridge *b, int side,
					 enum stage_kind kind)
{
	return b->chain[side].stage[kind];
}

/* The i-th thing that it counts; false behind the last, or if it is NULL. */
static inline bool bridge_stage_count(const struct stage *stage, size_t i,
				      struct stage_count *count)
{
	return stage && stage->ops->count && stage->ops->count(stage, i, count);
}

/* forwarding, paused, no carrier, down, refused, waiting, bypassed */
const char *bridge_state(const struct bridge *b);

/* Drop all that arrives, counted as paused, until it is resumed. */
void bridge_pause(struct bridge *b, bool paused);

/* Begin to count from 0, between two breaths: the balance closes. 0, or -errno
 * (logged). */
int bridge_reset(struct bridge *b);

/* How full a side's RX ring is; false: there is none. */
bool bridge_ring_fill(const struct bridge *b, enum side side, uint32_t *used,
		      uint32_t *slots);

/* Have all lanes turned since this was asked last? Those that sleep are woken,
 * so that they will have when it is asked next. */
bool bridge_has_turned(struct bridge *b);

#endif
