/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bridge that is changed while frames flow through it: on veth pairs in a
 * network namespace of the test's own, with numbered frames both ways. None may
 * come twice, late or uncounted.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "bridge_change.h"
#include "bridge_port.h"
#include "clock.h"
#include "log.h"
#include "test_netns.h"

#define PATIENCE_NS (10 * NS_PER_SEC)
#define WATCHDOG_SECONDS 60
#define TYPE_TEST 0x88b5 /* for experiments, IEEE 802 */
#define FRAME_BYTES 60
#define FRAMES_MAX 40000 /* a way and test: a receiver's buffer has room */
#define BURST 4
#define PAUSE_NS 100000
#define BUDGET (1 << 30)

static const char *const near_end[SIDES] = { "pl", "pr" };
static const char *const far_end[SIDES] = { "ql", "qr" };

/* ---- the wire ---- */

struct wire {
	struct conf *conf;
	struct bridge *bridge;
	struct link_monitor *monitor;
	struct lane_budget budget;
	int far[SIDES];
	uint64_t sent[SIDES]; /* the number of the next frame, too */
	bool stop;		/* shared: the sender ends */
	bool sending;
	pthread_t sender;
	unsigned int fds; /* when it was made */
};

static void nap(void)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_NS };

	nanosleep(&pause, NULL);
}

#define wait_until(condition)                                                  \
	do {                                                                   \
		uint64_t until_ns_ = clock_now_ns() + PATIENCE_NS;             \
		while (!(condition)) {                                         \
			if (clock_now_ns() > until_ns_)                        \
				fail_msg("waited in vain: %s", #condition);    \
			nap();                                                 \
		}                                                              \
	} while (0)

static unsigned int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Once the kernel has seen its carrier: until then it drops what is sent. */
static bool is_ready(struct wire *w, const char *name)
{
	struct link_info link;

	return !link_get(w->monitor, name, &link) && link.up &&
	       !strcmp(link_operstate_name(link.operstate), "up");
}

static int far_open(const char *name)
{
	struct sockaddr_ll sll = {
		.sll_family = AF_PACKET, .sll_protocol = htons(TYPE_TEST),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1, bytes = 96 << 20;

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING,
				    &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sll, sizeof(sll)), 0);
	return fd;
}

static void set(struct conf *conf, const char *key, const char *value)
{
	assert_int_equal(conf_set(conf, &conf->pair[0], "test", key, value), 0);
}

static struct conf *conf_new(void)
{
	struct conf *conf = malloc(sizeof(*conf));

	assert_non_null(conf);
	conf_init(conf);
	assert_non_null(conf_add_pair(conf, "wan"));
	for (int side = 0; side < SIDES; side++)
		set(conf, side_name[side], near_end[side]);
	set(conf, "rx_slots", "1024");
	set(conf, "tx_slots", "64");
	return conf;
}

static struct conf *conf_like(const struct wire *w)
{
	struct conf *conf;

	assert_int_equal(conf_clone(&conf, w->conf), 0);
	return conf;
}

/* Links take long to make and to delete: all tests have these. */
static int make_links(void **state)
{
	(void)state;
	for (int side = 0; side < SIDES; side++) {
		ip("link add %s type veth peer name %s", near_end[side],
		   far_end[side]);
		ip("link set %s up", near_end[side]);
		ip("link set %s up", far_end[side]);
	}
	return 0;
}

static int setup(void **state)
{
	struct wire *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	*state = w;
	w->fds = count_fds();
	assert_int_equal(link_monitor_open(&w->monitor), 0);
	for (int side = 0; side < SIDES; side++) {
		wait_until(is_ready(w, near_end[side]));
		wait_until(is_ready(w, far_end[side]));
		w->far[side] = far_open(far_end[side]);
	}
	w->budget = (struct lane_budget){ BUDGET, -1 };
	w->conf = conf_new();
	return 0;
}

static void attach(struct wire *w)
{
	if (!w->bridge)
		assert_int_equal(bridge_new(&w->bridge, &w->conf->pair[0],
					    &w->budget), 0);
	assert_int_equal(bridge_attach(w->bridge, w->monitor), 0);
}

static void stop_sending(struct wire *w)
{
	shared_write(&w->stop, true);
	if (w->sending)
		pthread_join(w->sender, NULL);
	w->sending = false;
}

static int teardown(void **state)
{
	struct wire *w = *state;
	bool leaks;

	stop_sending(w);
	bridge_free(w->bridge);
	conf_free(w->conf);
	link_monitor_close(w->monitor);
	for (int side = 0; side < SIDES; side++)
		close_fd(&w->far[side]);
	leaks = count_fds() != w->fds;
	if (leaks)
		print_error("file descriptors: %u, %u before\n", count_fds(),
			    w->fds);
	free(w);
	return leaks;
}

/* ---- numbered frames ---- */

static void send_one(struct wire *w, enum side side)
{
	uint8_t frame[FRAME_BYTES] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2,
				       TYPE_TEST >> 8, TYPE_TEST & 0xff };
	uint64_t number = counter_read(&w->sent[side]);

	frame[14] = number & 1;
	memcpy(frame + 16, &number, sizeof(number));
	while (write(w->far[side], frame, sizeof(frame)) < 0)
		sched_yield(); /* ENOBUFS, or a link that is down just now */
	counter_add(&w->sent[side], 1);
}

static void *send_many(void *arg)
{
	struct wire *w = arg;

	while (!shared_read(&w->stop) && w->sent[SIDE_LEFT] < FRAMES_MAX) {
		for (int i = 0; i < BURST; i++)
			for (int side = 0; side < SIDES; side++)
				send_one(w, (enum side)side);
		nap();
	}
	return NULL;
}

static void start_sending(struct wire *w)
{
	w->stop = false;
	assert_int_equal(pthread_create(&w->sender, NULL, send_many, w), 0);
	w->sending = true;
}

static uint64_t received(const struct wire *w, enum side side)
{
	return counter_read(&w->bridge->lane[side].stats.received_frames);
}

/* Let some more flow, each way that there is. */
static void flow(struct wire *w, uint64_t n)
{
	uint64_t from[SIDES];

	for (int side = 0; side < SIDES; side++)
		from[side] = received(w, (enum side)side);
	for (int side = 0; side < SIDES; side++)
		if (w->bridge->has_lane[side])
			wait_until(received(w, (enum side)side) >=
					   from[side] + n ||
				   w->sent[side] >= FRAMES_MAX);
}

struct seen {
	uint64_t n, odd;
};

/* What has come through to the far end of a side: each once, in order. */
static struct seen take(struct wire *w, enum side side)
{
	struct tpacket_stats st = { 0 };
	socklen_t len = sizeof(st);
	struct seen seen = { 0 };
	uint64_t number, next = 0;
	uint8_t frame[128];

	while (recv(w->far[side], frame, sizeof(frame), 0) == FRAME_BYTES) {
		memcpy(&number, frame + 16, sizeof(number));
		if (number < next)
			fail_msg("frame %llu after %llu",
				 (unsigned long long)number,
				 (unsigned long long)next - 1);
		next = number + 1;
		seen.n++;
		seen.odd += frame[14];
	}
	assert_int_equal(getsockopt(w->far[side], SOL_PACKET,
				    PACKET_STATISTICS, &st, &len), 0);
	assert_int_equal(st.tp_drops, 0); /* or the test proves nothing */
	return seen;
}

static struct lane_stats *stats_of(struct wire *w, enum side side)
{
	return &w->bridge->lane[side].stats;
}

/* Nothing moves any more: every frame is somewhere. `seen` is what each far end
 * got since the counters began. */
static void finish(struct wire *w, struct seen seen[SIDES])
{
	stop_sending(w);
	bridge_detach(w->bridge);
	for (int side = 0; side < SIDES; side++) {
		const struct lane_stats *s = stats_of(w, (enum side)side);

		seen[side] = take(w, side_other((enum side)side));
		assert_int_equal(stats_unaccounted(s), 0);
		assert_int_equal(s->offered_frames,
				 s->received_frames + s->ring_full_frames);
	}
}

static void assert_all_seen(struct wire *w, const struct seen seen[SIDES])
{
	for (int side = 0; side < SIDES; side++)
		assert_int_equal(seen[side].n,
				 stats_of(w, (enum side)side)->forwarded_frames);
}

/* ---- changes ---- */

/* Takes `conf`, which is in force then. */
static void change(struct wire *w, struct conf *conf)
{
	struct bridge_change *todo = NULL;

	assert_int_equal(bridge_prepare(w->bridge, &conf->pair[0], &todo), 0);
	assert_non_null(todo);
	bridge_commit(todo);
	assert_ptr_equal(w->bridge->conf, &conf->pair[0]);
	conf_free(w->conf);
	w->conf = conf;
}

static uint64_t count_of(const struct wire *w, enum side side, const char *id)
{
	const struct stage *filter = bridge_stage(w->bridge, side, STAGE_FILTER);
	struct filter_count count;

	assert_ptr_equal(filter, w->bridge->lane[side].stages);
	for (size_t i = 0; filter && filter_counts(filter, i, &count); i++)
		if (!strcmp(count.id, id))
			return count.frames;
	fail_msg("no rule %s", id);
	return 0;
}

/* One rule stays, others come and go: it counts every frame of its own. */
static void test_filters(void **state)
{
	static const char *const other[] = { "arp", "ip", "ether[14] = 7" };
	struct wire *w = *state;
	struct seen seen[SIDES];
	uint64_t before = 0;

	set(w->conf, "drop.odd", "ether[14] = 1");
	attach(w);
	start_sending(w);
	for (int i = 0; i < 40; i++) {
		struct conf *conf = conf_like(w);

		conf_remove_rule(&conf->pair[0], "other");
		if (i % 4)
			set(conf, i & 1 ? "drop.other" : "left.drop.other",
			    other[i % 3]);
		flow(w, 50);
		change(w, conf);
		assert_true(count_of(w, SIDE_LEFT, "odd") >= before);
		before = count_of(w, SIDE_LEFT, "odd");
	}
	finish(w, seen);
	for (int side = 0; side < SIDES; side++) {
		const struct lane_stats *s = stats_of(w, (enum side)side);

		assert_int_equal(seen[side].odd, 0);
		assert_int_equal(s->offered_frames, w->sent[side]);
		assert_int_equal(count_of(w, (enum side)side, "odd"),
				 s->dropped_frames[REASON_FILTERED]);
		if (!s->ring_full_frames) {
			assert_int_equal(seen[side].n, w->sent[side] / 2);
			assert_int_equal(count_of(w, (enum side)side, "odd"),
					 w->sent[side] / 2);
		}
	}
	assert_all_seen(w, seen);
	assert_int_equal(w->budget.frames + (int64_t)received(w, SIDE_LEFT) +
				 (int64_t)received(w, SIDE_RIGHT), BUDGET);
}

/* No rule, one, none: also that is a change of the chain. */
static void test_first_and_last_filter(void **state)
{
	struct wire *w = *state;
	struct seen seen[SIDES];

	attach(w);
	start_sending(w);
	for (int i = 0; i < 10; i++) {
		struct conf *conf = conf_like(w);

		if (!conf_remove_rule(&conf->pair[0], "odd"))
			set(conf, "right.drop.odd", "ether[14] = 1");
		flow(w, 50);
		change(w, conf);
		assert_null(bridge_stage(w->bridge, SIDE_LEFT, STAGE_FILTER));
		assert_int_equal(!bridge_stage(w->bridge, SIDE_RIGHT,
					       STAGE_FILTER), i & 1);
	}
	finish(w, seen);
	assert_all_seen(w, seen);
	assert_true(seen[SIDE_RIGHT].odd > 0);
	assert_true(seen[SIDE_RIGHT].odd < w->sent[SIDE_RIGHT] / 2);
	assert_int_equal(stats_of(w, SIDE_LEFT)->forwarded_frames,
			 stats_of(w, SIDE_LEFT)->received_frames);
}

/* Ports are opened anew: the counts go on, and no frame is counted twice. */
static void test_ports(void **state)
{
	static const char *const how[] = { "ring", "direct" };
	struct wire *w = *state;
	struct seen seen[SIDES];
	unsigned int fds = 0;
	uint64_t all = 0;

	attach(w);
	start_sending(w);
	for (int i = 0; i < 5; i++) {
		struct port *was = w->bridge->side[SIDE_LEFT].port;
		struct conf *conf = conf_like(w);

		if (i % 3 == 2)
			set(conf, "left.rx_slots", i & 1 ? "512" : "2048");
		else
			set(conf, "tx", how[i % 3]);
		flow(w, 100);
		change(w, conf);
		assert_ptr_not_equal(was, w->bridge->side[SIDE_LEFT].port);
		fds = fds ? fds : count_fds();
		assert_int_equal(count_fds(), fds);
	}
	flow(w, 100);
	finish(w, seen);
	assert_all_seen(w, seen);
	for (int side = 0; side < SIDES; side++) {
		all += received(w, (enum side)side);
		assert_true(received(w, (enum side)side) <= w->sent[side]);
		assert_true(received(w, (enum side)side) > w->sent[side] / 2);
		assert_int_equal(seen[side].n + stats_dropped(
				 stats_of(w, (enum side)side)),
				 received(w, (enum side)side));
	}
	assert_int_equal(w->budget.frames + (int64_t)all, BUDGET);
}

static void block(struct lane *lane, void *arg)
{
	sem_t *sem = arg;

	(void)lane;
	sem_post(&sem[0]);
	while (sem_wait(&sem[1]))
		;
}

struct blocker {
	struct lane *lane;
	sem_t sem[2]; /* it stands; it may go on */
	pthread_t thread;
};

static void *block_lane(void *arg)
{
	struct blocker *b = arg;

	lane_do(b->lane, block, b->sem);
	return NULL;
}

/* The lane stands still from here until it is let go. */
static void hold(struct blocker *b, struct lane *lane)
{
	b->lane = lane;
	sem_init(&b->sem[0], 0, 0);
	sem_init(&b->sem[1], 0, 0);
	assert_int_equal(pthread_create(&b->thread, NULL, block_lane, b), 0);
	while (sem_wait(&b->sem[0]))
		;
}

static void let_go(struct blocker *b)
{
	sem_post(&b->sem[1]);
	pthread_join(b->thread, NULL);
}

/* A port whose lane sees nothing from the moment that reception is to end,
 * until it gets an order: frames that come meanwhile wait in the ring. */
static struct {
	struct wire *wire;
	struct lane *lane;
	const struct port_ops *real;
	struct port_ops ops;
	uint64_t n; /* come then */
	bool blind, inside;
} late;

static void late_rx(struct port *port, struct burst *b, struct lane_stats *s)
{
	if (!shared_read(&late.blind)) {
		late.real->rx(port, b, s);
		return;
	}
	shared_write(&late.inside, true);
	while (!shared_read(&late.lane->order))
		nap();
	shared_write(&late.blind, false);
}

static int late_stop(struct port *port)
{
	shared_write(&late.blind, true);
	lane_wake(late.lane);
	wait_until(shared_read(&late.inside));
	for (uint64_t i = 0; i < late.n; i++)
		send_one(late.wire, SIDE_LEFT);
	return late.real->stop_rx(port);
}

static void take_late(struct lane *lane, void *arg)
{
	struct port *port = arg;

	late.lane = lane;
	late.real = port->ops;
	late.ops = *port->ops;
	late.ops.rx = late_rx;
	late.ops.stop_rx = late_stop;
	port->ops = &late.ops;
}

/* What waits in the old ring goes through when the new port takes over. */
static void test_port_with_waiting_frames(void **state)
{
	struct wire *w = *state;
	struct conf *conf;
	struct seen seen[SIDES];

	attach(w);
	memset(&late, 0, sizeof(late));
	late.wire = w;
	late.n = 500;
	assert_int_equal(lane_do(&w->bridge->lane[SIDE_LEFT], take_late,
				 w->bridge->side[SIDE_LEFT].port), 0);
	conf = conf_like(w);
	set(conf, "left.rx_slots", "64");
	change(w, conf);
	assert_true(late.inside && !late.blind);
	for (int i = 0; i < 10; i++)
		send_one(w, SIDE_LEFT);
	finish(w, seen);
	assert_int_equal(seen[SIDE_LEFT].n, 510);
	assert_int_equal(stats_of(w, SIDE_LEFT)->offered_frames, 510);
	/* They have been spent, too. */
	assert_int_equal(w->budget.frames, BUDGET - 510);
}

/* A port that is down is replaced like another one. */
static void test_port_down(void **state)
{
	struct wire *w = *state;
	struct seen seen[SIDES];
	struct conf *conf;

	attach(w);
	ip("link set pl down");
	conf = conf_like(w);
	set(conf, "left.rx_slots", "64");
	change(w, conf);
	ip("link set pl up");
	wait_until(is_ready(w, "pl"));
	wait_until(is_ready(w, far_end[SIDE_LEFT]));
	for (int i = 0; i < 10; i++)
		send_one(w, SIDE_LEFT);
	wait_until(received(w, SIDE_LEFT) == 10);
	finish(w, seen);
	assert_int_equal(seen[SIDE_LEFT].n, 10);
}

/* Where nothing is received the port still sends. */
static void test_one_way(void **state)
{
	struct wire *w = *state;
	struct seen seen[SIDES];
	struct conf *conf;

	set(w->conf, "one_way", "left");
	attach(w);
	start_sending(w);
	for (int i = 0; i < 3; i++) {
		conf = conf_like(w);
		set(conf, "rx_slots", i & 1 ? "256" : "128");
		flow(w, 50);
		change(w, conf);
	}
	/* And both ways from here on: it is detached for that. */
	conf = conf_like(w);
	set(conf, "one_way", "no");
	change(w, conf);
	assert_false(w->bridge->attached);
	assert_int_equal(received(w, SIDE_RIGHT), 0);
	attach(w);
	flow(w, 50);
	finish(w, seen);
	assert_all_seen(w, seen);
	assert_true(received(w, SIDE_LEFT) >= 200);
	assert_true(received(w, SIDE_RIGHT) >= 50);
}

/* ---- what cannot be made ---- */

static void assert_untouched(struct wire *w, const struct bridge *before,
			     unsigned int fds)
{
	const struct bridge *b = w->bridge;

	assert_int_equal(count_fds(), fds);
	assert_ptr_equal(b->conf, before->conf);
	assert_true(b->attached);
	for (int side = 0; side < SIDES; side++) {
		assert_ptr_equal(b->side[side].port, before->side[side].port);
		assert_ptr_equal(b->lane[side].rx, before->side[side].port);
		assert_ptr_equal(bridge_stage(b, side, STAGE_FILTER),
				 bridge_stage(before, side, STAGE_FILTER));
		assert_ptr_equal(b->lane[side].stages,
				 before->lane[side].stages);
		assert_string_equal(b->lane_name[side],
				    before->lane_name[side]);
		assert_int_equal(b->lane[side].spin_us,
				 before->lane[side].spin_us);
	}
}

static void test_filter_fails(void **state)
{
	struct wire *w = *state;
	struct seen seen[SIDES];
	struct bridge before;
	unsigned int fds;
	struct conf *conf;

	set(w->conf, "drop.odd", "ether[14] = 1");
	attach(w);
	start_sending(w);
	flow(w, 50);
	before = *w->bridge;
	fds = count_fds();
	for (int i = 0; i < 4; i++) {
		struct bridge_change *todo = NULL;

		conf = conf_like(w);
		set(conf, "spin", "1");
		set(conf, "rx_slots", "128");
		set(conf, i & 1 ? "drop_file.gone" : "right.drop_file.gone",
		    "/nonexistent/rule.bpf");
		assert_int_equal(bridge_prepare(w->bridge, &conf->pair[0],
						&todo), -EINVAL);
		assert_null(todo);
		conf_free(conf);
		flow(w, 50);
		assert_untouched(w, &before, fds);
	}
	finish(w, seen);
	assert_all_seen(w, seen);
	assert_int_equal(count_of(w, SIDE_LEFT, "odd"),
			 stats_of(w, SIDE_LEFT)->dropped_frames[
				 REASON_FILTERED]);
}

/* With a file descriptor fewer at each step, until none is missing; and what
 * was made is given up. */
static void test_no_more_fds(void **state)
{
	struct wire *w = *state;
	struct rlimit all, few;
	struct bridge before;
	struct seen seen[SIDES];
	unsigned int fds, failed = 0;
	int r = -EMFILE, top;

	attach(w);
	start_sending(w);
	flow(w, 50);
	before = *w->bridge;
	fds = count_fds();
	top = dup(0);
	close(top);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
	for (rlim_t n = 0; r; n++) {
		struct conf *conf = conf_like(w);
		struct bridge_change *todo = NULL;

		set(conf, "rx_slots", "128");
		few = (struct rlimit){ (rlim_t)top + n, all.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		r = bridge_prepare(w->bridge, &conf->pair[0], &todo);
		setrlimit(RLIMIT_NOFILE, &all);
		if (r)
			assert_int_equal(r, -EMFILE);
		failed += r != 0;
		assert_int_equal(!todo, r != 0);
		bridge_abandon(todo);
		conf_free(conf);
		assert_untouched(w, &before, fds);
	}
	assert_true(failed >= 4); /* a port has several */
	flow(w, 50);
	finish(w, seen);
	assert_all_seen(w, seen);
}

static void test_abandon(void **state)
{
	struct wire *w = *state;
	struct bridge_change *todo = NULL;
	struct conf *conf = conf_like(w);

	bridge_abandon(NULL);
	assert_int_equal(bridge_new(&w->bridge, &w->conf->pair[0], NULL), 0);
	/* Detached there is nothing to open. */
	set(conf, "rx_slots", "128");
	set(conf, "drop.odd", "ether[14] = 1");
	assert_int_equal(bridge_prepare(w->bridge, &conf->pair[0], &todo), 0);
	bridge_abandon(todo);
	assert_null(bridge_stage(w->bridge, SIDE_LEFT, STAGE_FILTER));
	change(w, conf);
	assert_false(w->bridge->attached);
	assert_int_equal(count_of(w, SIDE_LEFT, "odd"), 0);
}

/* ---- what is asked while it runs ---- */

static void test_reset(void **state)
{
	struct wire *w = *state;
	struct seen seen[SIDES];

	set(w->conf, "drop.odd", "ether[14] = 1");
	attach(w);
	assert_int_equal(bridge_reset(w->bridge), 0);
	start_sending(w);
	for (int i = 0; i < 20; i++) {
		flow(w, 30);
		if (i % 10 == 5) {
			struct conf *conf = conf_like(w);

			set(conf, "left.rx_slots", i < 10 ? "512" : "2048");
			change(w, conf);
		}
		assert_int_equal(bridge_reset(w->bridge), 0);
		for (int side = 0; side < SIDES; side++) {
			const struct lane_stats *s =
				stats_of(w, (enum side)side);
			uint64_t n = counter_read(&s->offered_frames);

			assert_true(n < FRAMES_MAX); /* never below 0 */
			assert_int_equal(s->ring_full_frames, 0);
		}
		assert_int_equal(bridge_tick(w->bridge), 0);
	}
	flow(w, 30);
	finish(w, seen);
	for (int side = 0; side < SIDES; side++) {
		const struct lane_stats *s = stats_of(w, (enum side)side);

		assert_true(s->forwarded_frames < seen[side].n);
		assert_int_equal(count_of(w, (enum side)side, "odd"),
				 s->dropped_frames[REASON_FILTERED]);
	}
	/* Detached it is all 0, and goes on from there. */
	assert_int_equal(bridge_reset(w->bridge), 0);
	attach(w);
	for (int i = 0; i < 10; i++)
		send_one(w, SIDE_LEFT);
	wait_until(received(w, SIDE_LEFT) == 10);
	finish(w, seen);
	assert_int_equal(stats_of(w, SIDE_LEFT)->offered_frames, 10);
	assert_int_equal(count_of(w, SIDE_LEFT, "odd"), 5);
}

/* What had waited in the ring at the reset is received after it. */
static void test_reset_with_waiting_frames(void **state)
{
	struct wire *w = *state;
	struct seen seen[SIDES];
	struct blocker b;

	set(w->conf, "left.rx_slots", "64");
	attach(w);
	hold(&b, &w->bridge->lane[SIDE_LEFT]);
	for (int i = 0; i < 100; i++)
		send_one(w, SIDE_LEFT);
	bridge_tick(w->bridge);
	assert_int_equal(stats_of(w, SIDE_LEFT)->ring_full_frames, 36);
	let_go(&b);
	assert_int_equal(bridge_reset(w->bridge), 0);
	for (int i = 0; i < 20; i++)
		send_one(w, SIDE_LEFT);
	finish(w, seen);
	assert_int_equal(seen[SIDE_LEFT].n, 84);
	assert_in_range(stats_of(w, SIDE_LEFT)->offered_frames, 20, 84);
	assert_int_equal(stats_of(w, SIDE_LEFT)->ring_full_frames, 0);
}

static void test_pause(void **state)
{
	struct wire *w = *state;
	struct seen seen[SIDES];
	struct lane_stats *s;

	attach(w);
	s = stats_of(w, SIDE_LEFT);
	bridge_pause(w->bridge, true);
	assert_string_equal(bridge_state(w->bridge), "paused");
	for (int i = 0; i < 20; i++)
		send_one(w, SIDE_LEFT);
	wait_until(received(w, SIDE_LEFT) == 20);
	wait_until(counter_read(&s->dropped_frames[REASON_PAUSED]) == 20);
	change(w, conf_like(w)); /* it stays so */
	for (int i = 0; i < 10; i++)
		send_one(w, SIDE_LEFT);
	wait_until(counter_read(&s->dropped_frames[REASON_PAUSED]) == 30);
	bridge_pause(w->bridge, false);
	assert_string_equal(bridge_state(w->bridge), "forwarding");
	for (int i = 0; i < 10; i++)
		send_one(w, SIDE_LEFT);
	wait_until(received(w, SIDE_LEFT) == 40);
	finish(w, seen);
	assert_int_equal(seen[SIDE_LEFT].n, 10);
	assert_int_equal(s->forwarded_frames, 10);
	assert_int_equal(stats_dropped(s), 30);
	assert_string_equal(bridge_state(w->bridge), "waiting");
}

static void test_turns(void **state)
{
	struct wire *w = *state;
	struct blocker b;

	attach(w);
	for (int side = 0; side < SIDES; side++) {
		wait_until(bridge_has_turned(w->bridge)); /* asleep or not */
		wait_until(bridge_has_turned(w->bridge));
		hold(&b, &w->bridge->lane[side]);
		bridge_has_turned(w->bridge);
		for (int i = 0; i < 20; i++) {
			nap();
			assert_false(bridge_has_turned(w->bridge));
		}
		let_go(&b);
	}
	wait_until(bridge_has_turned(w->bridge));
	bridge_detach(w->bridge);
	assert_true(bridge_has_turned(w->bridge));
	assert_true(bridge_has_turned(w->bridge));
}

static void test_ring_fill(void **state)
{
	struct wire *w = *state;
	uint32_t used = 7, slots = 7;
	struct blocker b;

	set(w->conf, "one_way", "left");
	set(w->conf, "left.rx_slots", "100"); /* a power of two is had */
	assert_int_equal(bridge_new(&w->bridge, &w->conf->pair[0], NULL), 0);
	assert_false(bridge_ring_fill(w->bridge, SIDE_LEFT, &used, &slots));
	attach(w);
	assert_false(bridge_ring_fill(w->bridge, SIDE_RIGHT, &used, &slots));
	assert_int_equal(used, 7);
	assert_true(bridge_ring_fill(w->bridge, SIDE_LEFT, &used, &slots));
	assert_int_equal(used, 0);
	assert_int_equal(slots, 128);
	/* From a place where the ring goes round. */
	for (int i = 0; i < 100; i++)
		send_one(w, SIDE_LEFT);
	wait_until(received(w, SIDE_LEFT) == 100);
	hold(&b, &w->bridge->lane[SIDE_LEFT]);
	for (int i = 0; i < 200; i++) {
		if (i % 40 == 0 || i == 129) {
			bridge_ring_fill(w->bridge, SIDE_LEFT, &used, &slots);
			assert_int_equal(used, i < 128 ? i : 128);
		}
		send_one(w, SIDE_LEFT);
	}
	let_go(&b);
	wait_until(received(w, SIDE_LEFT) == 228);
	wait_until(bridge_ring_fill(w->bridge, SIDE_LEFT, &used, &slots) &&
		   !used);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_filters),
		TEST(test_first_and_last_filter),
		TEST(test_ports),
		TEST(test_port_with_waiting_frames),
		TEST(test_port_down),
		TEST(test_one_way),
		TEST(test_filter_fails),
		TEST(test_no_more_fds),
		TEST(test_abandon),
		TEST(test_reset),
		TEST(test_reset_with_waiting_frames),
		TEST(test_pause),
		TEST(test_turns),
		TEST(test_ring_fill),
	};

	if (!enter_netns()) {
		perror("test_bridge_change: network namespace");
		return 77;
	}
	/* Nobody speaks on these links but the test. */
	write_text("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	alarm(WATCHDOG_SECONDS); /* a lane that hangs ends the test */
	log_level = LOG_LEVEL_ERROR;
	return cmocka_run_group_tests_name("bridge_change", tests,
					   make_links, NULL);
}
