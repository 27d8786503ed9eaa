/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packet_diag.c on packet sockets of the test's own, in a network namespace
 * where there are no others.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "packet_diag.h"
#include "test_netns.h"

#define ETHERTYPE 0x88b5

static struct packet_diag diag;

static void read_all(size_t expected)
{
	packet_diag_fini(&diag);
	assert_int_equal(packet_diag_read(&diag), 0);
	assert_int_equal(diag.n, expected);
}

static int teardown(void **state)
{
	(void)state;
	packet_diag_fini(&diag);
	return 0;
}

static int open_socket(int type, int protocol, int index)
{
	struct sockaddr_ll sll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons((uint16_t)protocol),
		.sll_ifindex = index,
	};
	int fd = socket(AF_PACKET, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sll, sizeof(sll)), 0);
	return fd;
}

static const struct packet_diag_socket *socket_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	for (size_t i = 0; i < diag.n; i++)
		if (diag.socket[i].inode == st.st_ino)
			return &diag.socket[i];
	fail_msg("socket %d is not in the list", fd);
	return NULL;
}

static void test_none(void **state)
{
	(void)state;
	read_all(0);
	packet_diag_fini(&diag);
	packet_diag_fini(&diag);
}

static void test_what_they_are(void **state)
{
	int va = (int)if_nametoindex("va"), vb = (int)if_nametoindex("vb");
	int raw = open_socket(SOCK_RAW, 3, va);
	int cooked = open_socket(SOCK_DGRAM, ETHERTYPE, vb);
	int sender = open_socket(SOCK_RAW, 0, 0);
	const struct packet_diag_socket *s;

	(void)state;
	read_all(3);
	s = socket_of(raw);
	assert_int_equal(s->index, va);
	assert_int_equal(s->type, SOCK_RAW);
	assert_int_equal(s->protocol, 3);
	assert_int_equal(s->pid, getpid());
	assert_string_equal(s->name, "test-of-packets");
	assert_int_equal(s->rx_ring_bytes + s->tx_ring_bytes, 0);
	assert_false(s->has_fanout);
	s = socket_of(cooked);
	assert_int_equal(s->index, vb);
	assert_int_equal(s->type, SOCK_DGRAM);
	assert_int_equal(s->protocol, ETHERTYPE);
	s = socket_of(sender);
	assert_int_equal(s->index, 0);
	assert_int_equal(s->protocol, 0);
	close(cooked);
	read_all(2);
	close(raw);
	close(sender);
	read_all(0);
}

static void test_rings_and_groups(void **state)
{
	int va = (int)if_nametoindex("va");
	int fd = open_socket(SOCK_RAW, 3, va);
	struct tpacket_req rx = { 8192, 4, 2048, 16 };
	struct tpacket_req tx = { 4096, 2, 2048, 4 };
	int version = TPACKET_V2, group = 7 | PACKET_FANOUT_HASH << 16;

	(void)state;
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version,
				    sizeof(version)), 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &rx,
				    sizeof(rx)), 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &tx,
				    sizeof(tx)), 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &group,
				    sizeof(group)), 0);
	read_all(1);
	assert_int_equal(diag.socket[0].rx_ring_bytes, 32768);
	assert_int_equal(diag.socket[0].tx_ring_bytes, 8192);
	assert_true(diag.socket[0].has_fanout);
	assert_int_equal(diag.socket[0].fanout, 7);
	close(fd);
}

static void test_many(void **state)
{
	int fd[300];

	(void)state;
	/* More than one message of a dump, and more than the first room. */
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = open_socket(SOCK_RAW, ETHERTYPE, 0);
	read_all(ARRAY_SIZE(fd));
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		assert_int_equal(socket_of(fd[i])->pid, getpid());
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
}

/* The child alone holds the socket, under a name of its own. */
static void test_owner(void **state)
{
	int ready[2];
	char c;
	pid_t child;

	(void)state;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "a (b) c");
		open_socket(SOCK_RAW, 3, 0);
		_exit(write(ready[1], "", 1) == 1 ? pause() : 1);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	read_all(1);
	assert_int_equal(diag.socket[0].pid, child);
	assert_string_equal(diag.socket[0].name, "a (b) c");
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(ready[0]);
	close(ready[1]);
	read_all(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_none, teardown),
		cmocka_unit_test_teardown(test_what_they_are, teardown),
		cmocka_unit_test_teardown(test_rings_and_groups, teardown),
		cmocka_unit_test_teardown(test_many, teardown),
		cmocka_unit_test_teardown(test_owner, teardown),
	};

	prctl(PR_SET_NAME, "test-of-packets");
	if (!enter_netns()) {
		perror("test_packet_diag: network namespace");
		return 77;
	}
	if (packet_diag_read(&diag)) {
		perror("test_packet_diag: PACKET_DIAG");
		return 77;
	}
	packet_diag_fini(&diag);
	if (system("ip link add va type veth peer name vb && "
		   "ip link set va up && ip link set vb up"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
