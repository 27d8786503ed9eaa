/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guard finds on its ports and leaves there where not all is as it
 * should be: notes and names of the programs, wires that end at another port,
 * programs that somebody takes away, attaching twice, and attaching that fails.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "guard_wire.h"

/* Somebody's classifier of another kind, where ours would stand. */
#define IN_THE_WAY(port, hook)                                                \
	run("tc filter add dev %s %s prio 1 protocol ip u32 match u32 0 0 "   \
	    "flowid 1:1", port, hook)
#define MADE (LINK_TC_MADE_QDISC | LINK_TC_MADE_PROMISC)

/* ---- helpers ---- */

/* Run in another process, which ends without a word. */
static void elsewhere(void (*f)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		f();
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void attach_or_exit(bool joins, bool joined)
{
	struct guard *guard = NULL;
	char why[160];

	if (guard_new(&guard, why, sizeof(why)) ||
	    guard_attach(guard, wire.port, true, joins))
		_exit(1);
	guard_set_hang(guard, GUARD_WIRE_NEVER);
	guard_join(guard, joined);
}

static void joins(void)
{
	attach_or_exit(true, true);
}

/* As on_stop = bypass does without on_fail = bypass. */
static void does_not_join(void)
{
	attach_or_exit(false, false);
}

static void attach(bool bypass, bool joins_later)
{
	wire.guard = make_guard();
	assert_int_equal(guard_attach(wire.guard, wire.port, bypass,
				      joins_later), 0);
	guard_set_hang(wire.guard, GUARD_WIRE_NEVER);
}

/* Nothing of a guard is on this port. */
static bool is_clean(int side)
{
	struct link_tc tc = tc_of(side);

	return !tc.has_qdisc && !tc.is_attached && !tc.has_egress &&
	       !is_promiscuous(side);
}

/* A third port, with a far end. */
static struct guard_port third_port(void)
{
	run("ip link add p3 type veth peer name f3");
	run("ip link set p3 up");
	run("ip link set f3 up");
	return (struct guard_port){ .index = (int)if_nametoindex("p3"),
				    .name = "p3", .carries = true };
}

/* ---- names and notes ---- */

static void test_peers(void **state)
{
	(void)state;
	assert_int_equal(tc_of(0).peer, 0);
	start_guard();
	assert_int_equal(tc_of(0).peer, wire.port[1].index);
	assert_int_equal(tc_of(1).peer, wire.port[0].index);
	assert_true(tc_of(0).has_egress);
	/* They hold for who may not ask the kernel what the program is. */
	run("tc filter show dev pl ingress | grep -q 'bumpwire-%d '",
	    wire.port[1].index);
	run("tc filter show dev pr egress | grep -q 'bumpwire-%d '",
	    wire.port[0].index);
	guard_detach(wire.guard);
	assert_int_equal(tc_of(0).peer, 0);
}

/* A program of ours by its place, whose name tells no peer. */
static void test_no_name(void **state)
{
	(void)state;
	run("tc qdisc add dev pl clsact");
	run("tc filter add dev pl ingress prio 1 handle 0x62756d04 protocol "
	    "all bpf bytecode '1,6 0 0 0' flowid 1:1");
	assert_true(tc_of(0).is_attached);
	assert_int_equal(tc_of(0).notes, LINK_TC_JOINS);
	assert_int_equal(tc_of(0).peer, 0);
	assert_int_equal(link_tc_detach(wire.port[0].index, "pl", 0), 1);
	assert_false(tc_of(0).is_attached);
	assert_true(tc_of(0).has_qdisc); /* not made by us */
	assert_int_equal(link_tc_detach(wire.port[0].index, "pl", 0), 0);
}

static void test_notes_of_joining(void **state)
{
	uint32_t program_id;

	(void)state;
	attach(true, false);
	open_lanes(wire.guard);
	assert_int_equal(tc_of(0).notes, MADE);
	assert_int_equal(tc_of(1).notes, MADE);
	assert_false(guard_is_joined(wire.guard));
	guard_join(wire.guard, true);
	assert_true(guard_is_joined(wire.guard));
	assert_int_equal(tc_of(0).notes, MADE); /* that is not for later */
	goes(0, OVER);

	/* Programs with other notes take their place. */
	assert_int_equal(guard_keep_joined(wire.guard), 0);
	for (int side = 0; side < GUARD_SIDES; side++) {
		assert_int_equal(tc_of(side).notes, MADE | LINK_TC_JOINS);
		assert_int_equal(tc_of(side).others, 0);
	}
	goes(0, OVER);
	goes(1, OVER);
	program_id = tc_of(0).program_id;
	assert_int_equal(guard_keep_joined(wire.guard), 0);
	assert_int_equal(tc_of(0).program_id, program_id);
	guard_detach(wire.guard);
	assert_false(guard_is_joined(wire.guard));
	assert_true(is_clean(0) && is_clean(1));
}

/* The next guard knows by the notes, and needs no right to see the state. */
static void test_killed_and_joined(void **state)
{
	(void)state;
	elsewhere(joins);
	goes(0, OVER);
	attach(true, false);
	assert_true(guard_is_joined(wire.guard));
	goes(0, OVER);
	goes(1, OVER);
	/* What it has now is what was asked for. */
	assert_int_equal(tc_of(0).notes, MADE);
	guard_join(wire.guard, false);
	goes(0, NOWHERE);
	guard_detach(wire.guard);
	assert_true(is_clean(0) && is_clean(1));
}

static void test_killed_and_not_joined(void **state)
{
	(void)state;
	elsewhere(does_not_join);
	assert_int_equal(tc_of(0).notes, MADE);
	goes(0, NOWHERE);
	attach(true, true);
	assert_false(guard_is_joined(wire.guard));
	goes(0, NOWHERE);
	goes(1, NOWHERE);
}

/* ---- wires with other ports ---- */

static void test_other_wire(void **state)
{
	struct guard_port pr = wire.port[1], other = third_port();
	struct link_tc tc;

	(void)state;
	elsewhere(joins);
	goes(1, OVER);
	wire.port[1] = other;
	attach(true, true);
	wire.port[1] = pr;
	/* The old wire ends: its other port has nothing of it. */
	assert_true(is_clean(1));
	goes(1, NOWHERE);
	/* The new one is not joined by what the old one was. */
	assert_false(guard_is_joined(wire.guard));
	assert_int_equal(tc_of(0).peer, other.index);
	assert_int_equal(tc_of(0).notes, MADE | LINK_TC_JOINS);
	assert_int_equal(link_tc_get(other.index, &tc), 0);
	assert_int_equal(tc.peer, wire.port[0].index);
	guard_detach(wire.guard);
	assert_true(is_clean(0));
	run("ip link delete p3");
}

/* Two wires that were joined, and one port of each is a new wire: not joined. */
static void test_two_wires(void **state)
{
	struct guard_port pl = wire.port[0], pr = wire.port[1];
	struct guard_port other = third_port(), fourth = { .name = "p4" };
	struct link_tc tc;

	(void)state;
	run("ip link add p4 type veth peer name f4");
	fourth.index = (int)if_nametoindex("p4");
	elsewhere(joins);
	wire.port[0] = other;
	wire.port[1] = fourth;
	elsewhere(joins);
	wire.port[0] = pl;
	wire.port[1] = other;
	attach(true, true);
	wire.port[1] = pr;
	assert_false(guard_is_joined(wire.guard));
	assert_true(is_clean(1));
	assert_int_equal(link_tc_get(fourth.index, &tc), 0);
	assert_false(tc.is_attached || tc.has_qdisc);
	guard_detach(wire.guard);
	run("ip link delete p3");
	run("ip link delete p4");
}

/* A wire that ends lets the port alone that it was joined with, if that one is
 * another wire's by now. */
static void test_other_has_moved_on(void **state)
{
	struct guard_port pl = wire.port[0], pr = wire.port[1];
	struct guard_port other = third_port();

	(void)state;
	elsewhere(joins);
	run("tc qdisc del dev pr clsact");
	wire.port[0] = other;
	elsewhere(joins);
	assert_int_equal(tc_of(1).peer, other.index);
	run("ip link add p4 type veth peer name f4");
	wire.port[0] = pl;
	wire.port[1] = (struct guard_port){ (int)if_nametoindex("p4"), "p4",
					    true };
	assert_int_equal(tc_of(0).peer, pr.index);
	attach(true, true);
	assert_int_equal(tc_of(0).peer, wire.port[1].index);
	wire.port[1] = pr;
	assert_int_equal(tc_of(1).peer, other.index);
	guard_detach(wire.guard);
	run("ip link delete p4");
	run("ip link delete p3");
}

/* ---- what somebody takes away ---- */

static void test_look_after(void **state)
{
	(void)state;
	start_guard();
	assert_int_equal(guard_look_after(wire.guard), 0);
	guard_hand_over(guard_lane(wire.guard, 0));
	goes(0, OVER);
	run("tc qdisc del dev pl clsact");
	assert_false(tc_of(0).is_attached);
	assert_int_equal(guard_look_after(wire.guard), 1);
	/* As before, and it is known what was made for it. */
	assert_int_equal(tc_of(0).notes, MADE | LINK_TC_JOINS);
	assert_int_equal(tc_of(0).peer, wire.port[1].index);
	assert_true(tc_of(0).has_egress);
	goes(0, OVER);
	goes(1, TO_LANE);
	assert_int_equal(guard_look_after(wire.guard), 0);
	for (int side = 0; side < GUARD_SIDES; side++)
		run("tc qdisc del dev %s clsact", wire.port[side].name);
	assert_int_equal(guard_look_after(wire.guard), 2);
	goes(0, OVER);
	goes(1, TO_LANE);
	guard_detach(wire.guard);
	assert_true(is_clean(0) && is_clean(1));
	assert_int_equal(guard_look_after(wire.guard), 0);
	assert_true(is_clean(0) && is_clean(1));
}

/* Somebody was faster: that is told once, and what was made for it goes. */
static void test_look_after_in_vain(void **state)
{
	(void)state;
	start_guard();
	run("tc qdisc del dev pl clsact");
	run("tc qdisc add dev pl clsact");
	IN_THE_WAY("pl", "ingress");
	assert_int_equal(guard_look_after(wire.guard), -EBUSY);
	assert_int_equal(guard_look_after(wire.guard), 0);
	assert_true(is_promiscuous(0));
	guard_detach(wire.guard);
	assert_false(is_promiscuous(0));
	assert_true(tc_of(0).has_qdisc);
	assert_false(tc_of(0).is_attached || tc_of(0).has_egress);
	assert_true(is_clean(1));

	/* It asks again for a wire that is attached anew. */
	run("tc qdisc del dev pl clsact");
	assert_int_equal(guard_attach(wire.guard, wire.port, true, true), 0);
	run("tc qdisc del dev pl clsact");
	assert_int_equal(guard_look_after(wire.guard), 1);
	guard_detach(wire.guard);
	assert_true(is_clean(0) && is_clean(1));
}

static void test_look_after_gone(void **state)
{
	(void)state;
	start_guard();
	run("ip link delete pr");
	assert_int_equal(guard_look_after(wire.guard), -ENODEV);
	guard_detach(wire.guard);
	assert_true(is_clean(0));
}

/* ---- twice, and not at all ---- */

/* As a bridge does that is opened anew: the owner's mutex is this thread's. */
static void test_attach_twice(void **state)
{
	(void)state;
	start_guard();
	assert_int_equal(guard_attach(wire.guard, wire.port, true, true), 0);
	assert_true(guard_is_joined(wire.guard));
	assert_int_equal(tc_of(0).notes, MADE | LINK_TC_JOINS);
	assert_int_equal(tc_of(0).others, 0);
	assert_int_equal(guard_living(wire.port[0].index), gettid());
	goes(0, TO_LANE);
	guard_hand_over(guard_lane(wire.guard, 0));
	goes(0, OVER);
	assert_int_equal(guard_attach(wire.guard, wire.port, true, false), 0);
	assert_int_equal(tc_of(0).notes, MADE);
	goes(0, OVER);
	goes(1, TO_LANE);
	guard_detach(wire.guard);
	assert_true(is_clean(0) && is_clean(1));
	assert_int_equal(guard_living(wire.port[0].index), 0);
	/* And anew, after that. */
	assert_int_equal(guard_attach(wire.guard, wire.port, true, true), 0);
	assert_false(guard_is_joined(wire.guard));
	assert_int_equal(tc_of(0).notes, MADE | LINK_TC_JOINS);
	assert_int_equal(guard_living(wire.port[0].index), gettid());
	guard_detach(wire.guard);
	assert_true(is_clean(0) && is_clean(1));
}

/*
 * A thread that takes over what it has, twice: a mutex that were made anew
 * would stand in the thread's list of robust mutexes twice, and the kernel
 * could end with a list that bites its tail.
 */
static void takes_over_twice(void)
{
	struct guard *guard = NULL;
	char why[160];

	if (guard_new(&guard, why, sizeof(why)) ||
	    guard_attach(guard, wire.port, true, true) ||
	    guard_attach(guard, wire.port, true, true))
		_exit(1);
	guard_set_hang(guard, GUARD_WIRE_NEVER);
	for (int side = 0; side < GUARD_SIDES; side++)
		for (int i = 0; i < 3; i++)
			take_over(guard, side);
	guard_hand_over(guard_lane(guard, 0));
	take_over(guard, 0);
	guard_join(guard, true);
}

static void test_own_twice(void **state)
{
	(void)state;
	start_guard();
	take_over(wire.guard, 0);
	take_over(wire.guard, 0);
	goes(0, TO_LANE);
	/* Once is enough to let it go. */
	guard_hand_over(guard_lane(wire.guard, 0));
	goes(0, OVER);
	take_over(wire.guard, 0);
	goes(0, TO_LANE);
}

/* All of them are known to be dead, whatever was taken twice. */
static void test_dies_with_it(void **state)
{
	(void)state;
	elsewhere(takes_over_twice);
	assert_int_equal(guard_living(wire.port[0].index), 0);
	goes(0, OVER);
	goes(1, OVER);
}

static void test_attach_fails(void **state)
{
	struct rlimit files, none = { .rlim_cur = 0 };
	uint32_t id;
	int r;

	(void)state;
	/* One port can, the other one can not: nothing stays. */
	run("tc qdisc add dev pr clsact");
	IN_THE_WAY("pr", "ingress");
	wire.guard = make_guard();
	assert_int_equal(guard_attach(wire.guard, wire.port, true, true),
			 -EBUSY);
	assert_true(is_clean(0));
	assert_true(tc_of(1).has_qdisc);
	assert_false(tc_of(1).is_attached || tc_of(1).has_egress);
	assert_int_equal(tc_of(1).egress, 0);
	assert_false(is_promiscuous(1));
	assert_null(guard_lane(NULL, 0));
	assert_int_equal(guard_filter_fd(wire.guard, 0), -1);
	assert_int_equal(guard_look_after(wire.guard), 0);
	run("tc filter del dev pr ingress");

	/* The same where only egress is taken. */
	IN_THE_WAY("pr", "egress");
	assert_int_equal(guard_attach(wire.guard, wire.port, true, true),
			 -EBUSY);
	assert_true(is_clean(0));
	assert_false(tc_of(1).is_attached || is_promiscuous(1));
	run("tc filter del dev pr egress");

	/* Of a wire that is joined what is there stays as it was. */
	elsewhere(joins);
	id = tc_of(0).program_id;
	goes(0, OVER);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	none.rlim_max = files.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	r = guard_attach(wire.guard, wire.port, true, true);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	assert_in_range(-r, 1, 4095);
	assert_int_equal(tc_of(0).program_id, id);
	goes(0, OVER);
	goes(1, OVER);

	/* And it goes with the next one. */
	assert_int_equal(guard_attach(wire.guard, wire.port, true, true), 0);
	assert_true(guard_is_joined(wire.guard));
	assert_int_not_equal(tc_of(0).program_id, id);
	goes(0, OVER);
	guard_detach(wire.guard);
	assert_true(is_clean(0));
	assert_true(tc_of(1).has_qdisc);
	assert_false(tc_of(1).is_attached || is_promiscuous(1));
}

/* Kernels before 6.6 have no tcx, and where it is nothing is there. */
static void test_not_preceded(void **state)
{
	(void)state;
	assert_true(guard_is_built());
	assert_false(guard_is_preceded(wire.port[0].index));
	assert_false(guard_is_preceded(1 << 30));
	assert_false(guard_is_preceded(0));
	start_guard();
	assert_false(guard_is_preceded(wire.port[0].index));
}

int main(void)
{
#define GUARD_TEST(f)                                                         \
	cmocka_unit_test_setup_teardown(f, guard_wire_setup,                  \
					guard_wire_teardown)
	const struct CMUnitTest tests[] = {
		GUARD_TEST(test_peers),
		GUARD_TEST(test_no_name),
		GUARD_TEST(test_notes_of_joining),
		GUARD_TEST(test_killed_and_joined),
		GUARD_TEST(test_killed_and_not_joined),
		GUARD_TEST(test_other_wire),
		GUARD_TEST(test_two_wires),
		GUARD_TEST(test_other_has_moved_on),
		GUARD_TEST(test_look_after),
		GUARD_TEST(test_look_after_in_vain),
		GUARD_TEST(test_look_after_gone),
		GUARD_TEST(test_attach_twice),
		GUARD_TEST(test_own_twice),
		GUARD_TEST(test_dies_with_it),
		GUARD_TEST(test_attach_fails),
		GUARD_TEST(test_not_preceded),
	};
	int r = guard_wire_enter();

	return r ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
