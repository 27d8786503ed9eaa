/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One guard, and link_tc.c: what it makes on the ports and leaves as it was,
 * and who gets a frame: the lane, the other port, or nobody.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "guard_wire.h"

#define GONE (1 << 30) /* an index that no link has */

static bool says(const char *command, const char *text)
{
	char output[2048];
	FILE *pipe = popen(command, "re");
	size_t n;

	assert_non_null(pipe);
	n = fread(output, 1, sizeof(output) - 1, pipe);
	output[n] = '\0';
	pclose(pipe);
	return strstr(output, text);
}

/* ---- attached and detached ---- */

static void test_attach(void **state)
{
	(void)state;
	assert_false(tc_of(0).has_qdisc);
	start_guard();
	for (int side = 0; side < GUARD_SIDES; side++) {
		struct link_tc tc = tc_of(side);

		assert_true(tc.has_qdisc && tc.is_attached);
		assert_int_equal(tc.notes, LINK_TC_MADE_QDISC |
					   LINK_TC_MADE_PROMISC | LINK_TC_JOINS);
		assert_int_not_equal(tc.program_id, 0);
		assert_int_equal(tc.others + tc.egress, 0);
		assert_true(is_promiscuous(side));
	}
	assert_int_not_equal(tc_of(0).program_id, tc_of(1).program_id);
	guard_detach(wire.guard);
	guard_detach(wire.guard); /* twice is fine */
	for (int side = 0; side < GUARD_SIDES; side++) {
		assert_false(tc_of(side).has_qdisc);
		assert_false(tc_of(side).is_attached);
		assert_false(is_promiscuous(side));
	}
	goes(0, TO_LANE); /* the socket is its own */
	guard_hand_over(guard_lane(wire.guard, 0));
	goes(0, NOWHERE);
}

/* Isolation alone: no socket filter, no promiscuity, nothing goes over. */
static void test_isolate(void **state)
{
	(void)state;
	wire.guard = make_guard();
	assert_int_equal(guard_attach(wire.guard, wire.port, false, false), 0);
	assert_int_equal(tc_of(0).notes, LINK_TC_MADE_QDISC);
	assert_false(is_promiscuous(0));
	assert_int_equal(guard_filter_fd(wire.guard, 0), -1);
	assert_null(guard_lane(wire.guard, 0));
	goes(0, NOWHERE);
	goes(1, NOWHERE);
	assert_null(guard_lane(NULL, 0));
	assert_int_equal(guard_filter_fd(NULL, 0), -1);
}

static void test_notes(void **state)
{
	(void)state;
	run("tc qdisc add dev pl clsact");
	run("ip link set pr promisc on");
	start_guard();
	assert_int_equal(tc_of(0).notes,
			 LINK_TC_MADE_PROMISC | LINK_TC_JOINS);
	assert_int_equal(tc_of(1).notes, LINK_TC_MADE_QDISC | LINK_TC_JOINS);
	guard_detach(wire.guard);
	assert_true(tc_of(0).has_qdisc);
	assert_false(is_promiscuous(0));
	assert_false(tc_of(1).has_qdisc);
	assert_true(is_promiscuous(1));
}

#define FOREIGN(port, hook, prio)                                             \
	run("tc filter add dev %s %s prio %d protocol all bpf bytecode "      \
	    "'1,6 0 0 0' flowid 1:1", port, hook, prio)

static void test_foreign_filters(void **state)
{
	(void)state;
	run("tc qdisc add dev pl clsact");
	FOREIGN("pl", "ingress", 1);
	FOREIGN("pl", "ingress", 9);
	FOREIGN("pl", "egress", 1);
	assert_false(tc_of(0).is_attached);
	assert_int_equal(tc_of(0).others, 2);
	assert_int_equal(tc_of(0).egress > 0, 1);
	start_guard();
	assert_true(tc_of(0).is_attached);
	assert_int_equal(tc_of(0).others, 2);
	guard_hand_over(guard_lane(wire.guard, 0));
	goes(0, OVER);
	/* Some of them come while it is there: its qdisc stays for them. */
	FOREIGN("pr", "egress", 3);
	guard_detach(wire.guard);
	assert_int_equal(tc_of(0).others, 2);
	assert_false(tc_of(0).is_attached);
	assert_true(tc_of(1).has_qdisc);
	assert_int_equal(tc_of(1).egress > 0, 1);
	assert_true(says("tc filter show dev pl egress", "bpf"));
}

/* An ingress qdisc of the old kind takes it, too. */
static void test_old_ingress(void **state)
{
	(void)state;
	run("tc qdisc add dev pl ingress");
	start_guard();
	assert_int_equal(tc_of(0).notes,
			 LINK_TC_MADE_PROMISC | LINK_TC_JOINS);
	goes(0, TO_LANE);
	guard_hand_over(guard_lane(wire.guard, 0));
	goes(0, OVER);
	guard_detach(wire.guard);
	assert_true(says("tc qdisc show dev pl", "ingress"));
}

static void test_link_gone(void **state)
{
	struct link_tc_programs none = { .ingress_fd = -1, .egress_fd = -1 };
	struct link_tc tc;

	(void)state;
	assert_int_equal(link_tc_get(GONE, &tc), -ENODEV);
	assert_int_equal(link_tc_attach(GONE, "gone", &none), -ENODEV);
	assert_int_equal(link_tc_detach(GONE, "gone", 0), -ENODEV);
	assert_int_equal(link_tc_detach(wire.port[0].index, "pl", 0), 0);
	assert_int_equal(guard_living(GONE), 0);

	/* One side of two: nothing stays. */
	run("ip link delete pr");
	wire.guard = make_guard();
	assert_int_equal(guard_attach(wire.guard, wire.port, true, true), -ENODEV);
	assert_false(tc_of(0).has_qdisc);
	assert_false(is_promiscuous(0));
	guard_free(wire.guard);

	/* And one that goes while it is guarded. */
	run("ip link add pr type veth peer name fr");
	run("ip link set pr up");
	wire.port[1].index = (int)if_nametoindex("pr");
	start_guard();
	run("ip link delete pr");
	guard_detach(wire.guard);
	assert_false(tc_of(0).has_qdisc);
}

/* ---- who takes a frame ---- */

static void test_joined(void **state)
{
	(void)state;
	start_guard();
	goes(0, TO_LANE);
	goes(1, TO_LANE);
	assert_int_equal(counts(0).bypassed_frames, 0);
	guard_hand_over(guard_lane(wire.guard, 0));
	goes(0, OVER);
	goes(0, OVER);
	goes(1, TO_LANE);
	assert_int_equal(counts(0).bypassed_frames, 2);
	assert_int_equal(counts(0).bypassed_bytes, 2 * GUARD_WIRE_FRAME_BYTES);
	assert_int_equal(counts(1).bypassed_frames, 0);
	guard_join(wire.guard, false);
	goes(0, NOWHERE);
	guard_join(wire.guard, true);
	take_over(wire.guard, 0);
	goes(0, TO_LANE);
	assert_int_equal(counts(0).trips, 0);
}

static void test_carries(void **state)
{
	(void)state;
	wire.port[1].carries = false;
	start_guard();
	guard_hand_over(guard_lane(wire.guard, 0));
	guard_hand_over(guard_lane(wire.guard, 1));
	goes(0, OVER);
	goes(1, NOWHERE);
	assert_int_equal(counts(1).bypassed_frames, 0);
}

static void test_hang(void **state)
{
	struct guard_side *lane;
	uint64_t then_ns;

	(void)state;
	start_guard();
	lane = guard_lane(wire.guard, 0);
	guard_set_hang(wire.guard, 3600 * NS_PER_SEC);
	goes(0, TO_LANE);
	then_ns = clock_now_ns() - 3601 * NS_PER_SEC;
	guard_beat(lane, then_ns);
	assert_false(guard_has_tripped(lane));
	goes(0, OVER);
	assert_true(guard_has_tripped(lane));
	assert_int_equal(counts(0).trips, 1);
	/* A beat alone does not give it back, and it trips once. */
	guard_beat(lane, clock_now_ns());
	goes(0, OVER);
	goes(0, OVER);
	assert_int_equal(counts(0).trips, 1);
	goes(1, TO_LANE);
	guard_rearm(lane, clock_now_ns());
	assert_false(guard_has_tripped(lane));
	goes(0, TO_LANE);
	/* A beat of the future is none that is late. */
	guard_beat(lane, clock_now_ns() + 3600 * NS_PER_SEC);
	goes(0, TO_LANE);
	guard_beat(lane, then_ns);
	guard_set_hang(wire.guard, GUARD_WIRE_NEVER);
	goes(0, TO_LANE);
	assert_int_equal(counts(0).trips, 1);
	assert_int_equal(counts(0).bypassed_frames, 3);
}

struct mortal {
	struct guard *guard;
	sem_t born, may_die;
};

static void *lane_that_dies(void *arg)
{
	struct mortal *mortal = arg;

	take_over(mortal->guard, 0);
	sem_post(&mortal->born);
	sem_wait(&mortal->may_die);
	return NULL; /* and hands over nothing */
}

static void test_thread_dies(void **state)
{
	struct mortal mortal;
	pthread_t thread;

	(void)state;
	start_guard();
	guard_hand_over(guard_lane(wire.guard, 0));
	goes(0, OVER);
	mortal.guard = wire.guard;
	sem_init(&mortal.born, 0, 0);
	sem_init(&mortal.may_die, 0, 0);
	assert_int_equal(pthread_create(&thread, NULL, lane_that_dies,
					&mortal), 0);
	sem_wait(&mortal.born);
	goes(0, TO_LANE);
	sem_post(&mortal.may_die);
	assert_int_equal(pthread_join(thread, NULL), 0);
	goes(0, OVER);
	goes(1, TO_LANE);
	take_over(wire.guard, 0);
	goes(0, TO_LANE);
}

int main(void)
{
#define GUARD_TEST(f)                                                         \
	cmocka_unit_test_setup_teardown(f, guard_wire_setup,                  \
					guard_wire_teardown)
	const struct CMUnitTest tests[] = {
		GUARD_TEST(test_attach),
		GUARD_TEST(test_isolate),
		GUARD_TEST(test_notes),
		GUARD_TEST(test_foreign_filters),
		GUARD_TEST(test_old_ingress),
		GUARD_TEST(test_link_gone),
		GUARD_TEST(test_joined),
		GUARD_TEST(test_carries),
		GUARD_TEST(test_hang),
		GUARD_TEST(test_thread_dies),
	};
	int r = guard_wire_enter();

	return r ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
