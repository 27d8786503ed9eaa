/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link.c, and the ioctls of offload.c, on veth pairs in a network namespace of
 * the test's own. What is told about links is compared with what was asked of
 * ip(8).
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
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <net/ethernet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "link.h"
#include "offload.h"
#include "test_netns.h"

#define PATIENCE_NS (10 * NS_PER_SEC)
#define EVENTS_MAX 4096
#define ADDRESS "02:00:00:00:00:01"

struct event_log {
	size_t count;
	struct link_event event[EVENTS_MAX];
};

static struct link_monitor *monitor;
static struct event_log events;

static void keep_event(const struct link_event *event, void *arg)
{
	struct event_log *log = arg;

	assert_true(log->count < EVENTS_MAX);
	log->event[log->count++] = *event;
}

static int setup(void **state)
{
	(void)state;
	ip("link add va address " ADDRESS " type veth peer name vb");
	events.count = 0;
	if (link_monitor_open(&monitor))
		return -1;
	link_set_event_handler(monitor, keep_event, &events);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	link_monitor_close(monitor);
	monitor = NULL;
	/* Whatever the test left; lo stays. */
	return system("for l in va vb vx vy br0; do "
		      "ip link delete $l 2>/dev/null; done; :");
}

static struct link_info get(const char *name)
{
	struct link_info info;

	memset(&info, 0xff, sizeof(info));
	assert_int_equal(link_get(monitor, name, &info), 0);
	return info;
}

static bool is_oper(const char *name, const char *operstate)
{
	return !strcmp(link_operstate_name(get(name).operstate), operstate);
}

/* Wait for news of links, until told to stop. */
static void wait_for_news(uint64_t until_ns, const char *what)
{
	struct pollfd p = { .fd = link_monitor_fd(monitor), .events = POLLIN };
	uint64_t now_ns = clock_now_ns();
	int r;

	if (now_ns >= until_ns)
		fail_msg("%s: waited in vain", what);
	poll(&p, 1, 50); /* counters and the like change without an event */
	do
		r = link_monitor_dispatch(monitor);
	while (r > 0);
	assert_int_equal(r, 0);
}

/* Wait until the kernel tells what is expected. */
#define wait_until(condition)                                                  \
	do {                                                                   \
		uint64_t until_ns_ = clock_now_ns() + PATIENCE_NS;             \
		while (!(condition))                                           \
			wait_for_news(until_ns_, #condition);                  \
	} while (0)

static void test_get(void **state)
{
	static const uint8_t address[6] = { 2, 0, 0, 0, 0, 1 };
	struct link_info by_index;
	struct link_info a = get("va"), lo = get("lo");

	(void)state;
	assert_string_equal(a.name, "va");
	assert_int_equal(a.index, if_nametoindex("va"));
	assert_int_equal(a.arptype, ARPHRD_ETHER);
	assert_int_equal(a.mtu, 1500);
	assert_string_equal(a.kind, "veth");
	assert_memory_equal(a.address, address, sizeof(address));
	assert_false(a.up);
	assert_false(a.loopback);
	assert_true(link_is_ethernet(&a));
	assert_int_equal(a.master_index, 0);
	assert_string_equal(a.master, "");
	assert_int_equal(a.promiscuity, 0);

	assert_int_equal(link_get_index(monitor, a.index, &by_index), 0);
	assert_string_equal(by_index.name, "va");
	assert_memory_equal(by_index.address, address, sizeof(address));

	assert_true(lo.loopback);
	assert_int_equal(lo.arptype, ARPHRD_LOOPBACK);
	assert_string_equal(lo.kind, "");
	assert_false(lo.up);
	assert_true(lo.carrier); /* also when it is down */
	assert_false(link_is_ethernet(&lo));

	ip("link set va mtu 9000 promisc on");
	a = get("va");
	assert_int_equal(a.mtu, 9000);
	assert_int_equal(a.promiscuity, 1);
}

static void test_carrier(void **state)
{
	(void)state;
	ip("link set va up");
	assert_true(get("va").up);
	assert_false(get("va").carrier);
	ip("link set vb up");
	wait_until(get("va").carrier);
	wait_until(get("vb").carrier);
	wait_until(is_oper("va", "up"));

	ip("link set vb down");
	wait_until(!get("va").carrier);
	assert_true(get("va").up);
	assert_false(get("vb").up);
	wait_until(is_oper("vb", "down"));
	assert_string_equal(link_operstate_name(200), "unknown");
}

static void test_master(void **state)
{
	struct link_info a;

	(void)state;
	ip("link add br0 type bridge");
	ip("link set va master br0");
	a = get("va");
	assert_int_equal(a.master_index, if_nametoindex("br0"));
	assert_string_equal(a.master, "br0");
	assert_string_equal(a.kind, "veth");
	assert_int_equal(a.promiscuity, 1);
	assert_string_equal(get("br0").kind, "bridge");
	assert_string_equal(get("vb").master, "");
}

static void send_frames(const char *name, int n, size_t len)
{
	static const uint8_t frame[1514] = {
		[0] = 0x02, [12] = 0x88, [13] = 0xb5
	};
	struct sockaddr_ll sll = { .sll_family = AF_PACKET,
				   .sll_ifindex = (int)if_nametoindex(name) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	for (int i = 0; i < n; i++)
		assert_int_equal(sendto(fd, frame, len, 0,
					(struct sockaddr *)&sll, sizeof(sll)),
				 len);
	close(fd);
}

static void test_counters(void **state)
{
	struct link_counters a, b, a2, b2;

	(void)state;
	ip("link set va up");
	ip("link set vb up");
	wait_until(get("va").carrier);
	wait_until(is_oper("vb", "up"));
	a = get("va").counters;
	b = get("vb").counters;
	send_frames("va", 1000, 100);
	wait_until(get("vb").counters.rx_frames >= b.rx_frames + 1000);
	a2 = get("va").counters;
	b2 = get("vb").counters;
	/* The host may say a word of its own meanwhile, but not a hundred. */
	assert_in_range(a2.tx_frames - a.tx_frames, 1000, 1099);
	assert_in_range(b2.rx_frames - b.rx_frames, 1000, 1099);
	assert_in_range(a2.tx_bytes - a.tx_bytes, 100000, 120000);
	assert_in_range(b2.rx_bytes - b.rx_bytes, 100000, 120000);
	assert_in_range(a2.rx_frames - a.rx_frames, 0, 99);
	assert_int_equal(b2.rx_errors, b.rx_errors);
}

static void test_unknown(void **state)
{
	struct link_info info;

	(void)state;
	assert_int_equal(link_get(monitor, "vx", &info), -ENODEV);
	assert_int_equal(link_get(monitor, "", &info), -ENODEV);
	assert_int_equal(link_get(monitor, "sixteen_letters_", &info), -ENODEV);
	assert_int_equal(link_get(monitor, "fifteen_letters", &info), -ENODEV);
	assert_int_equal(link_get(monitor, "va ", &info), -ENODEV);
	assert_int_equal(link_get_index(monitor, 0, &info), -ENODEV);
	assert_int_equal(link_get_index(monitor, -1, &info), -ENODEV);
	assert_int_equal(link_get_index(monitor, 1 << 30, &info), -ENODEV);
	/* The socket is none the worse for it. */
	assert_string_equal(get("va").name, "va");
}

struct names {
	int calls, stop_at, last_index;
	char text[256];
};

static int take_name(const struct link_info *info, void *arg)
{
	struct names *names = arg;

	assert_true(info->index > names->last_index);
	names->last_index = info->index;
	strcat(names->text, info->name);
	strcat(names->text, info->master[0] ? ">" : "");
	strcat(names->text, info->master);
	strcat(names->text, " ");
	return ++names->calls == names->stop_at ? -ENOTTY : 0;
}

static void test_each(void **state)
{
	struct names all = { 0 }, two = { .stop_at = 2 };

	(void)state;
	ip("link add br0 type bridge");
	ip("link set vb master br0");
	assert_int_equal(link_each(monitor, take_name, &all), 0);
	/* veth makes the peer first */
	assert_string_equal(all.text, "lo vb>br0 va br0 ");
	assert_int_equal(link_each(monitor, take_name, &two), -ENOTTY);
	assert_int_equal(two.calls, 2);
}

static void test_many(void **state)
{
	struct names names = { 0 };

	(void)state;
	/* Thirty pairs: more than one message of a dump. */
	assert_int_equal(system("for i in $(seq 30); do echo link add m$i "
				"type veth peer name n$i; done | ip -batch -"),
			 0);
	assert_int_equal(link_each(monitor, take_name, &names), 0);
	assert_int_equal(names.calls, 63);
	assert_non_null(strstr(names.text, " m30 "));
	assert_int_equal(system("for i in $(seq 30); do echo link delete m$i; "
				"done | ip -batch -"),
			 0);
}

static bool host_has_ipv6(void)
{
	return !access("/proc/net/if_inet6", F_OK);
}

static void test_addresses(void **state)
{
	int a = (int)if_nametoindex("va"), b = (int)if_nametoindex("vb");
	char text[64] = "x";

	(void)state;
	ip("link set va up");
	ip("link set vb up");
	ip("address add 192.0.2.9/32 dev vb");
	if (host_has_ipv6()) {
		ip("-6 address add fe80::1/64 dev va nodad");
		assert_int_equal(
			link_has_address(monitor, a, text, sizeof(text)), 0);
		assert_string_equal(text, "");
		ip("-6 address add 2001:db8::1/64 dev va nodad");
		assert_int_equal(
			link_has_address(monitor, a, text, sizeof(text)), 1);
		assert_string_equal(text, "2001:db8::1/64");
	} else {
		print_message("no IPv6 on this host: left out\n");
		assert_int_equal(
			link_has_address(monitor, a, text, sizeof(text)), 0);
	}
	assert_int_equal(link_has_address(monitor, b, text, sizeof(text)), 1);
	assert_string_equal(text, "192.0.2.9/32");
	ip("address add 192.0.2.1/24 dev va");
	assert_int_equal(link_has_address(monitor, a, text, sizeof(text)), 1);
	assert_string_equal(text, "192.0.2.1/24");
	assert_int_equal(link_has_address(monitor, a, text, 12), -ENOSPC);
	assert_int_equal(link_has_address(monitor, a, text, 13), 1);
	assert_int_equal(link_has_address(monitor, 1 << 30, text, sizeof(text)),
			 0);
	/* Requests after a dump are answered as before. */
	assert_string_equal(get("va").name, "va");
}

/* The first event from *from on that matches; *from is then behind it. */
#define wait_for_event(from, condition)                                        \
	do {                                                                   \
		uint64_t until_ns_ = clock_now_ns() + PATIENCE_NS;             \
		bool found_ = false;                                           \
		for (;;) {                                                     \
			while (!found_ && *(from) < events.count) {            \
				const struct link_event *e =                   \
					&events.event[(*(from))++];            \
				found_ = (condition);                          \
			}                                                      \
			if (found_)                                            \
				break;                                         \
			wait_for_news(until_ns_, #condition);                  \
		}                                                              \
	} while (0)

static bool is_named(const struct link_event *e, const char *name)
{
	return !strcmp(e->info.name, name);
}

static void test_events_in_order(void **state)
{
	int index = (int)if_nametoindex("va"), new_index;
	size_t at = 0;

	(void)state;
	ip("link set va up");
	ip("link set va down");
	ip("link set va mtu 1400");
	ip("link set va name vx");
	ip("link add br0 type bridge");
	ip("link set vx master br0");
	ip("link set vx nomaster");
	ip("link delete vx");
	ip("link add va type veth peer name vb");
	new_index = (int)if_nametoindex("va");
	assert_int_not_equal(new_index, index);

	wait_for_event(&at, e->info.index == index && e->info.up);
	wait_for_event(&at, e->info.index == index && !e->info.up &&
				    e->info.mtu == 1500);
	wait_for_event(&at, e->info.index == index && e->info.mtu == 1400 &&
				    is_named(e, "va"));
	wait_for_event(&at, e->info.index == index && is_named(e, "vx"));
	wait_for_event(&at, e->info.index == index &&
				    !strcmp(e->info.master, "br0"));
	wait_for_event(&at, e->info.index == index &&
				    e->info.master_index == 0 && !e->gone);
	wait_for_event(&at,
		       e->gone && e->info.index == index && is_named(e, "vx"));
	wait_for_event(&at, !e->gone && e->info.index == new_index &&
				    is_named(e, "va") && e->info.mtu == 1500);

	/* Each was gone once: leaving the bridge is not going. */
	at = 0;
	for (size_t i = 0; i < events.count; i++)
		at += events.event[i].gone;
	assert_int_equal(at, 2);
}

static void test_no_gap(void **state)
{
	size_t at = 0;

	(void)state;
	/* What happens after open is an event, whatever was asked between. */
	assert_int_equal(get("va").mtu, 1500);
	ip("link set va mtu 1300");
	assert_int_equal(get("va").mtu, 1300);
	wait_for_event(&at, is_named(e, "va") && e->info.mtu == 1300);
	/* Nobody listens: taken, and nothing happens. */
	link_set_event_handler(monitor, NULL, NULL);
	ip("link set va mtu 1200");
	assert_int_equal(link_monitor_dispatch(monitor), 0);
	for (size_t i = 0; i < events.count; i++)
		assert_int_not_equal(events.event[i].info.mtu, 1200);
}

/* What one who only follows events believes. */
struct belief {
	struct link_info link[256];
	bool there[256];
};

static int compare_with_belief(const struct link_info *info, void *arg)
{
	struct belief *belief = arg;
	const struct link_info *b = &belief->link[info->index % 256];

	assert_true(belief->there[info->index % 256]);
	assert_string_equal(b->name, info->name);
	assert_int_equal(b->mtu, info->mtu);
	assert_int_equal(b->up, info->up);
	assert_string_equal(b->master, info->master);
	belief->there[info->index % 256] = false;
	return 0;
}

static void test_overrun(void **state)
{
	int fd = link_monitor_fd(monitor), tiny = 1, mtus = 0;
	int gone_index, long_gone_index;
	struct belief *belief = calloc(1, sizeof(*belief));
	struct link_info lo = get("lo");
	bool vx_gone = false;

	(void)state;
	assert_non_null(belief);
	ip("link add br0 type bridge");
	long_gone_index = (int)if_nametoindex("br0");
	ip("link delete br0");
	ip("link add vx type veth peer name vy");
	gone_index = (int)if_nametoindex("vx");
	while (link_monitor_dispatch(monitor) > 0)
		;
	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny)), 0);
	events.count = 0;
	assert_int_equal(
		system("{ for i in $(seq 500); do "
		       "echo link set va mtu $((1000 + i)); done; "
		       "echo link set va mtu 1234; echo link delete vx; "
		       "echo link add br0 type bridge; "
		       "echo link set vb master br0; echo link set va up; "
		       "} | ip -batch -"),
		0);
	while (link_monitor_dispatch(monitor) > 0)
		;

	belief->link[lo.index] = lo;
	belief->there[lo.index] = true;
	for (size_t i = 0; i < events.count; i++) {
		const struct link_event *e = &events.event[i];
		int slot = e->info.index % 256;

		belief->link[slot] = e->info;
		belief->there[slot] = !e->gone;
		mtus += is_named(e, "va");
		/* What was reported as gone is not reported again. */
		assert_int_not_equal(e->info.index, long_gone_index);
		if (e->gone && e->info.index == gone_index)
			vx_gone = true;
		assert_false(vx_gone && !e->gone &&
			     e->info.index == gone_index);
	}
	/* It was an overrun: most steps are missing. */
	assert_in_range(mtus, 1, 100);
	assert_true(vx_gone);
	assert_int_equal(link_each(monitor, compare_with_belief, belief), 0);
	for (size_t i = 0; i < ARRAY_SIZE(belief->there); i++)
		assert_false(belief->there[i]);
	free(belief);

	/* And events flow again. */
	size_t at = events.count;

	ip("link set va mtu 1111");
	wait_for_event(&at, is_named(e, "va") && e->info.mtu == 1111);
}

static int count_fds(void)
{
	DIR *list = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(list);
	while (readdir(list))
		n++;
	closedir(list);
	return n;
}

static void test_open_close(void **state)
{
	int before = count_fds();

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct link_monitor *m = NULL;
		struct link_info info;

		assert_int_equal(link_monitor_open(&m), 0);
		assert_int_equal(count_fds(), before + 2);
		assert_int_equal(link_get(m, "va", &info), 0);
		link_monitor_close(m);
	}
	assert_int_equal(count_fds(), before);
	link_monitor_close(NULL);
}

/* ETHTOOL_SFLAGS does to a veth what it is to do to a NIC with LRO. */
static void test_ethtool(void **state)
{
	struct offload_lro *lro = (void *)&events;
	char driver[32];
	uint32_t before, after;

	(void)state;
	assert_int_equal(offload_driver("va", driver, sizeof(driver)), 0);
	assert_string_equal(driver, "veth");
	assert_int_equal(offload_lro_off("/nonexistent", "va", &lro), 0);
	assert_null(lro);
	assert_int_equal(offload_ioctl.get_flags("va", &before), 0);
	assert_true(before & ETH_FLAG_TXVLAN);
	assert_false(before & ETH_FLAG_LRO);
	assert_int_equal(offload_ioctl.set_flags(
				 "va", before & ~(uint32_t)ETH_FLAG_TXVLAN),
			 0);
	assert_int_equal(offload_ioctl.get_flags("va", &after), 0);
	assert_int_equal(after, before & ~(uint32_t)ETH_FLAG_TXVLAN);
	assert_int_equal(offload_ioctl.set_flags("va", after | ETH_FLAG_LRO),
			 -EOPNOTSUPP);
}

int main(void)
{
#define LINK_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		LINK_TEST(test_get),
		LINK_TEST(test_carrier),
		LINK_TEST(test_master),
		LINK_TEST(test_counters),
		LINK_TEST(test_unknown),
		LINK_TEST(test_each),
		LINK_TEST(test_many),
		LINK_TEST(test_addresses),
		LINK_TEST(test_events_in_order),
		LINK_TEST(test_no_gap),
		LINK_TEST(test_overrun),
		LINK_TEST(test_open_close),
		LINK_TEST(test_ethtool),
	};

	if (!enter_netns()) {
		perror("test_link: network namespace");
		return 77;
	}
	/* No link-local addresses and no chatter but the test's. */
	write_text("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
