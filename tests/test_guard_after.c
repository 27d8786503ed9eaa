/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One guard after another: what a process that was killed left behind goes on,
 * is found, counted, and replaced without a gap.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard_wire.h"

/* Another process has the wire, until it is killed. */
static pid_t start_elsewhere(bool bypass)
{
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		struct guard *guard = NULL;
		char why[160];

		if (guard_new(&guard, why, sizeof(why)) ||
		    guard_attach(guard, wire.port, bypass, bypass))
			_exit(1);
		guard_set_hang(guard, GUARD_WIRE_NEVER);
		for (int side = 0; bypass && side < GUARD_SIDES; side++)
			take_over(guard, side);
		guard_join(guard, bypass);
		if (write(ready[1], "r", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void end_elsewhere(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_succession(void **state)
{
	pid_t pid = start_elsewhere(true);
	uint32_t program_id = tc_of(0).program_id;
	int tid = -1;

	(void)state;
	wire.guard = make_guard();
	assert_int_equal(guard_living(wire.port[0].index), pid);
	assert_int_equal(guard_living(wire.port[1].index), pid);
	assert_int_equal(guard_inherit(wire.guard, wire.port, &tid), -EBUSY);
	assert_int_equal(tid, pid);
	guard_free(wire.guard);

	end_elsewhere(pid);
	assert_int_equal(guard_living(wire.port[0].index), 0);
	goes(0, OVER);
	goes(0, OVER);
	goes(1, OVER);
	wire.guard = make_guard();
	assert_int_equal(guard_inherit(wire.guard, wire.port, &tid), 0);
	assert_int_equal(tid, 0);
	goes(0, OVER);
	assert_int_equal(guard_attach(wire.guard, wire.port, true, true), 0);
	guard_set_hang(wire.guard, GUARD_WIRE_NEVER);
	/* It goes on joining, and promiscuity is still ours. */
	assert_int_not_equal(tc_of(0).program_id, program_id);
	assert_int_equal(tc_of(0).notes, LINK_TC_MADE_QDISC |
				 LINK_TC_MADE_PROMISC | LINK_TC_JOINS);
	assert_int_equal(tc_of(0).others, 0);
	goes(0, OVER);
	goes(1, OVER);
	guard_carry_over(wire.guard);
	assert_int_equal(counts(0).bypassed_frames, 4);
	assert_int_equal(counts(1).bypassed_frames, 2);
	open_lanes(wire.guard);
	take_over(wire.guard, 0);
	goes(0, TO_LANE);
	guard_detach(wire.guard);
	assert_false(tc_of(0).has_qdisc);
	assert_false(is_promiscuous(0));
}

/* Left and right may be exchanged between two processes. */
static void test_exchanged(void **state)
{
	struct guard_port left = wire.port[0];
	pid_t pid = start_elsewhere(true);
	int tid;

	(void)state;
	end_elsewhere(pid);
	goes(0, OVER);
	wire.port[0] = wire.port[1];
	wire.port[1] = left;
	wire.guard = make_guard();
	assert_int_equal(guard_inherit(wire.guard, wire.port, &tid), 0);
	assert_int_equal(guard_attach(wire.guard, wire.port, true, true), 0);
	guard_carry_over(wire.guard);
	assert_int_equal(counts(0).bypassed_frames, 0);
	assert_int_equal(counts(1).bypassed_frames, 1);
	goes(0, OVER);
	goes(1, OVER);
	assert_int_equal(counts(0).bypassed_frames, 1);
	assert_int_equal(counts(1).bypassed_frames, 2);
}

/* Of one that only isolated the next one joins nothing by itself. */
static void test_after_isolation(void **state)
{
	pid_t pid = start_elsewhere(false);

	(void)state;
	assert_int_equal(guard_living(wire.port[0].index), pid);
	end_elsewhere(pid);
	assert_true(tc_of(0).is_attached);
	goes(0, NOWHERE);
	wire.guard = make_guard();
	assert_int_equal(guard_attach(wire.guard, wire.port, false, false), 0);
	goes(0, NOWHERE);
	guard_detach(wire.guard);
	assert_false(tc_of(0).has_qdisc);
}

/* Where a link has been replaced only one side has a program: not joined. */
static void test_half(void **state)
{
	pid_t pid = start_elsewhere(true);

	(void)state;
	end_elsewhere(pid);
	assert_int_equal(link_tc_detach(wire.port[1].index, "pr", 0), 1);
	wire.guard = make_guard();
	assert_int_equal(guard_attach(wire.guard, wire.port, true, true), 0);
	goes(0, NOWHERE);
	goes(1, NOWHERE);
	guard_join(wire.guard, true);
	goes(0, OVER);
	goes(1, OVER);
}

/* What goes over while programs are replaced, again and again, goes over once. */
static void *send_many(void *arg)
{
	for (int i = 0; !shared_read((bool *)arg); i++)
		send_from(0, i & 255);
	return NULL;
}

static void test_no_gap(void **state)
{
	pid_t pid = start_elsewhere(true);
	bool enough = false;
	pthread_t thread;
	int size = 64 << 20;
	uint64_t n = 0;

	(void)state;
	end_elsewhere(pid);
	assert_int_equal(setsockopt(wire.far[1], SOL_SOCKET, SO_RCVBUFFORCE,
				    &size, sizeof(size)), 0);
	assert_int_equal(pthread_create(&thread, NULL, send_many, &enough), 0);
	for (int i = 0; i < 20; i++) {
		struct guard *guard = make_guard();

		assert_int_equal(guard_attach(guard, wire.port, true, true), 0);
		guard_free(guard); /* it is left attached, and joined */
	}
	shared_write(&enough, true);
	pthread_join(thread, NULL);
	for (int got; (got = next_frame(wire.far[1], 0)) >= 0; n++)
		assert_int_equal(got, n & 255);
	assert_in_range(n, 20, INT64_MAX);
	wire.guard = make_guard();
	assert_int_equal(guard_attach(wire.guard, wire.port, true, true), 0);
	guard_detach(wire.guard);
}

int main(void)
{
#define GUARD_TEST(f)                                                         \
	cmocka_unit_test_setup_teardown(f, guard_wire_setup,                  \
					guard_wire_teardown)
	const struct CMUnitTest tests[] = {
		GUARD_TEST(test_succession),
		GUARD_TEST(test_exchanged),
		GUARD_TEST(test_after_isolation),
		GUARD_TEST(test_half),
		GUARD_TEST(test_no_gap),
	};
	int r = guard_wire_enter();

	return r ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
