/* SPDX-License-Identifier: BSD-2-Clause */
/* See guard_wire.h. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "guard_wire.h"
#include "link_facts.h"

#define SKIPPED 77
#define ETHERTYPE 0x88b5
#define PATIENCE_MS 5000
#define SILENCE_MS 5 /* frames of veth are there when send() returns */

void run(const char *fmt, ...)
{
	char command[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command))
		fail_msg("%s", command);
}

/* ---- frames ---- */

struct guard_wire wire;

static const char *const far_name[] = { "fl", "fr" };

/* ETH_P_ALL: other packet sockets come behind the programs at ingress. */
static int open_socket(const char *name)
{
	struct sockaddr_ll sll = { .sll_family = AF_PACKET,
				   .sll_protocol = htons(ETH_P_ALL),
				   .sll_ifindex = (int)if_nametoindex(name) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING,
				    &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sll, sizeof(sll)), 0);
	return fd;
}

int next_frame(int fd, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint8_t frame[GUARD_WIRE_FRAME_BYTES];

	while (poll(&pfd, 1, timeout_ms) == 1)
		if (recv(fd, frame, sizeof(frame), 0) == sizeof(frame) &&
		    frame[12] == ETHERTYPE >> 8 &&
		    frame[13] == (ETHERTYPE & 0xff))
			return frame[20];
	return -1;
}

void send_from(int side, int number)
{
	uint8_t frame[GUARD_WIRE_FRAME_BYTES] = { [0] = 2, [6] = 2, [7] = 1,
				       [12] = ETHERTYPE >> 8,
				       [13] = ETHERTYPE & 0xff,
				       [20] = (uint8_t)number };

	assert_int_equal(send(wire.far[side], frame, sizeof(frame), 0),
			 sizeof(frame));
}

/* Listen everywhere: first where it should arrive. */
void check_way(int side, enum way way, const char *file, int line)
{
	const int fd[] = { wire.lane[side], wire.far[!side], wire.lane[!side],
			   wire.far[side] };
	static int number;
	int at = way == TO_LANE ? 0 : way == OVER ? 1 : -1;

	number = (number + 1) % 256;
	send_from(side, number);
	if (at >= 0 && next_frame(fd[at], PATIENCE_MS) != number) {
		print_error("it did not arrive\n");
		_fail(file, line);
	}
	for (int i = 0; i < 4; i++)
		if (fd[i] >= 0 && next_frame(fd[i], i ? 0 : SILENCE_MS) >= 0) {
			print_error("it is heard elsewhere (%d)\n", i);
			_fail(file, line);
		}
}

/* ---- a guard on the wire ---- */

struct guard *make_guard(void)
{
	struct guard *guard = NULL;
	char why[160] = "";

	if (guard_new(&guard, why, sizeof(why)))
		fail_msg("%s", why);
	return guard;
}

void open_lanes(struct guard *guard)
{
	for (int side = 0; side < GUARD_SIDES; side++) {
		int fd = guard_filter_fd(guard, side);

		assert_true(fd >= 0);
		if (wire.lane[side] >= 0)
			close(wire.lane[side]);
		wire.lane[side] = open_socket(side ? "pr" : "pl");
		assert_int_equal(setsockopt(wire.lane[side], SOL_SOCKET,
					    SO_ATTACH_BPF, &fd, sizeof(fd)), 0);
		while (next_frame(wire.lane[side], 0) >= 0)
			;
	}
}

void take_over(struct guard *guard, int side)
{
	guard_take_over(guard_lane(guard, side), clock_now_ns());
}

void start_guard(void)
{
	wire.guard = make_guard();
	assert_int_equal(guard_attach(wire.guard, wire.port, true, true), 0);
	guard_set_hang(wire.guard, GUARD_WIRE_NEVER);
	open_lanes(wire.guard);
	take_over(wire.guard, 0);
	take_over(wire.guard, 1);
	guard_join(wire.guard, true);
}

struct link_tc tc_of(int side)
{
	struct link_tc tc;

	assert_int_equal(link_tc_get(wire.port[side].index, &tc), 0);
	return tc;
}

bool is_promiscuous(int side)
{
	struct link_facts facts;

	assert_int_equal(link_facts_get(wire.port[side].index, &facts), 0);
	return facts.promiscuous;
}

struct guard_counters counts(int side)
{
	struct guard_counters c;

	guard_count(wire.guard, side, &c);
	return c;
}

int guard_wire_setup(void **state)
{
	static const char *const name[] = { "pl", "pr" };

	(void)state;
	for (int side = 0; side < GUARD_SIDES; side++) {
		run("ip link add %s type veth peer name %s", name[side],
		    far_name[side]);
		run("ip link set %s up", name[side]);
		run("ip link set %s up", far_name[side]);
		wire.port[side] = (struct guard_port){
			.index = (int)if_nametoindex(name[side]),
			.name = name[side],
			.carries = true,
		};
		wire.lane[side] = -1;
	}
	run("for i in pl pr fl fr; do timeout 5 sh -c "
	    "\"until ip -br link show $i | grep -q ' UP '; do :; done\"; done");
	for (int side = 0; side < GUARD_SIDES; side++)
		wire.far[side] = open_socket(far_name[side]);
	wire.guard = NULL;
	return 0;
}

int guard_wire_teardown(void **state)
{
	(void)state;
	guard_free(wire.guard);
	for (int side = 0; side < GUARD_SIDES; side++) {
		close(wire.far[side]);
		if (wire.lane[side] >= 0)
			close(wire.lane[side]);
	}
	return system("ip link delete pl; ip link delete pr 2>/dev/null; :");
}

int guard_wire_enter(void)
{
	struct guard *guard;
	char why[160];

	if (unshare(CLONE_NEWNET)) {
		printf("no network namespace: %s\n", strerror(errno));
		return SKIPPED;
	}
	if (guard_new(&guard, why, sizeof(why))) {
		printf("no guard: %s\n", why);
		return SKIPPED;
	}
	guard_free(guard);
	if (system("sysctl -qw net.ipv6.conf.default.disable_ipv6=1"))
		printf("no sysctl\n");
	return 0;
}
