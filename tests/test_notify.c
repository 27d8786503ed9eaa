/* SPDX-License-Identifier: BSD-2-Clause */
/* notify.c: what a service manager gets to read, on a socket of the test. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base.h"
#include "clock.h"
#include "log.h"
#include "notify.h"

/* The manager's end. */
struct manager {
	int fd;
	char name[64]; /* for NOTIFY_SOCKET */
	char folder[32];
};

static void manager_open(struct manager *m, bool abstract)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	socklen_t len;

	strcpy(m->folder, "/tmp/test_notify.XXXXXX");
	assert_non_null(mkdtemp(m->folder));
	snprintf(m->name, sizeof(m->name), "%s%s/socket", abstract ? "@" : "",
		 m->folder);
	strcpy(at.sun_path, m->name);
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			  strlen(m->name) + !abstract);
	if (abstract)
		at.sun_path[0] = '\0';
	m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(m->fd >= 0);
	assert_int_equal(bind(m->fd, (struct sockaddr *)&at, len), 0);
}

static void manager_close(struct manager *m)
{
	close(m->fd);
	if (*m->name == '/')
		unlink(m->name);
	rmdir(m->folder);
}

/* The next datagram, or "" when there is none. */
static const char *heard(struct manager *m)
{
	static char text[2048];
	ssize_t n = recv(m->fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void environment(const char *name, const char *usec, const char *pid)
{
	static const char *const key[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC",
					   "WATCHDOG_PID" };
	const char *const value[] = { name, usec, pid };

	for (size_t i = 0; i < ARRAY_SIZE(key); i++)
		if (value[i])
			setenv(key[i], value[i], 1);
		else
			unsetenv(key[i]);
}

static void test_nobody(void **state)
{
	struct notify n = { .fd = 77, .watchdog_ns = 77 };

	(void)state;
	environment(NULL, "1000000", NULL);
	notify_open(&n);
	assert_int_equal(n.fd, -1);
	assert_int_equal(n.watchdog_ns, 0);
	notify_ready(&n, "x");
	notify_status(&n, "x");
	notify_reloading(&n);
	notify_watchdog(&n);
	notify_stopping(&n, NULL);
	notify_close(&n);
	notify_close(&n);
	assert_int_equal(n.fd, -1);
}

static void test_news(void **state)
{
	struct notify n;
	struct manager m;

	(void)state;
	for (int abstract = 0; abstract < 2; abstract++) {
		manager_open(&m, abstract);
		environment(m.name, NULL, NULL);
		notify_open(&n);
		assert_true(n.fd >= 0);
		assert_true(fcntl(n.fd, F_GETFD) & FD_CLOEXEC);
		assert_null(getenv("NOTIFY_SOCKET"));
		assert_string_equal(heard(&m), "");
		notify_ready(&n, "forwarding");
		assert_string_equal(heard(&m), "READY=1\nSTATUS=forwarding\n");
		notify_ready(&n, NULL);
		assert_string_equal(heard(&m), "READY=1\n");
		notify_status(&n, "no carrier");
		assert_string_equal(heard(&m), "STATUS=no carrier\n");
		notify_status(&n, NULL);
		notify_watchdog(&n);
		assert_string_equal(heard(&m), "WATCHDOG=1\n");
		notify_stopping(&n, "bye");
		assert_string_equal(heard(&m), "STOPPING=1\nSTATUS=bye\n");
		notify_close(&n);
		notify_ready(&n, "late");
		assert_string_equal(heard(&m), "");
		manager_close(&m);
	}
}

/* A line of the status is no variable of its own, and a long one is cut. */
static void test_status(void **state)
{
	char text[4096];
	struct notify n;
	struct manager m;

	(void)state;
	manager_open(&m, false);
	environment(m.name, NULL, NULL);
	notify_open(&n);
	notify_status(&n, "one\nMAINPID=1\n");
	assert_string_equal(heard(&m), "STATUS=one MAINPID=1 \n");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	notify_ready(&n, text);
	assert_int_equal(strspn(heard(&m) + strlen("READY=1\nSTATUS="), "x"),
			 512);
	notify_close(&n);
	manager_close(&m);
}

static void test_reloading(void **state)
{
	uint64_t before_us, us, after_us;
	struct notify n;
	struct manager m;
	int end = 0;

	(void)state;
	manager_open(&m, false);
	environment(m.name, NULL, NULL);
	notify_open(&n);
	before_us = clock_now_ns() / NS_PER_US;
	notify_reloading(&n);
	after_us = clock_now_ns() / NS_PER_US;
	assert_int_equal(sscanf(heard(&m), "RELOADING=1\nMONOTONIC_USEC=%"
				SCNu64 "\n%n", &us, &end), 1);
	assert_true(end);
	assert_true(us >= before_us && us <= after_us);
	notify_close(&n);
	manager_close(&m);
}

static void test_watchdog(void **state)
{
	char own[16], other[16];
	const struct {
		const char *usec, *pid;
		uint64_t watchdog_ns;
	} row[] = {
		{ NULL, NULL, 0 },
		{ "5000000", NULL, 5 * NS_PER_SEC },
		{ "5000000", own, 5 * NS_PER_SEC },
		{ "5000000", other, 0 },
		{ "5000000", "", 0 },
		{ "", NULL, 0 },
		{ "0", NULL, 0 },
		{ "1", NULL, 1000 },
		{ "-1", NULL, 0 },
		{ " 1", NULL, 0 },
		{ "5s", NULL, 0 },
		{ "18446744073709551615", NULL, 0 },
		{ "99999999999999999999", NULL, 0 },
	};
	struct notify n;
	struct manager m;

	(void)state;
	snprintf(own, sizeof(own), "%d", getpid());
	snprintf(other, sizeof(other), "%d", getppid());
	manager_open(&m, true);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		environment(m.name, row[i].usec, row[i].pid);
		notify_open(&n);
		assert_int_equal(n.watchdog_ns, row[i].watchdog_ns);
		assert_null(getenv("WATCHDOG_USEC"));
		assert_null(getenv("WATCHDOG_PID"));
		notify_close(&n);
	}
	manager_close(&m);
}

/* An address that is none is no reason not to run. */
static void test_bad_address(void **state)
{
	static const char *const name[] = {
		"", "/", "@", "x", "vsock:2:1234", "/nonexistent/socket",
		"@bumpwire.nobody.is.there", "/dev/null",
	};
	char text[256];
	struct notify n;

	(void)state;
	log_level = LOG_LEVEL_ERROR;
	for (size_t i = 0; i < ARRAY_SIZE(name); i++) {
		environment(name[i], "1000000", NULL);
		notify_open(&n);
		assert_int_equal(n.fd, -1);
		assert_int_equal(n.watchdog_ns, 0);
		assert_null(getenv("NOTIFY_SOCKET"));
	}
	/* 108 bytes is what an address holds: unix(7) */
	for (size_t len = 107; len < 110; len++) {
		memset(text, 'x', len);
		text[0] = '/';
		text[len] = '\0';
		environment(text, NULL, NULL);
		notify_open(&n);
		assert_int_equal(n.fd, -1);
	}
	log_level = LOG_LEVEL_INFO;
}

/* A manager that does not read, or is gone, must not hang the wire. */
static void test_deaf_manager(void **state)
{
	uint64_t start_ns;
	struct notify n;
	struct manager m;

	(void)state;
	manager_open(&m, false);
	environment(m.name, NULL, NULL);
	notify_open(&n);
	start_ns = clock_now_ns();
	for (int i = 0; i < 5000; i++) {
		notify_watchdog(&n);
		notify_status(&n, "again");
		assert_true(clock_now_ns() - start_ns < 10 * NS_PER_SEC);
	}
	start_ns = clock_now_ns();
	notify_ready(&n, "not heard");
	assert_true(clock_now_ns() - start_ns > NS_PER_SEC * 9 / 10);
	assert_true(clock_now_ns() - start_ns < 10 * NS_PER_SEC);
	manager_close(&m);
	notify_ready(&n, "to nobody");
	notify_watchdog(&n);
	notify_close(&n);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_news),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_reloading),
		cmocka_unit_test(test_watchdog),
		cmocka_unit_test(test_bad_address),
		cmocka_unit_test(test_deaf_manager),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
