/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * web.c, over real sockets and in one thread: a test writes as a client, lets
 * the server run, and reads what came. Whatever waits in there makes a test
 * hang, which its alarm ends. Time is the machine's and what a test adds to it.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "clock.h"
#include "log.h"
#include "web.h"
#include "web_address.h"

#define METRICS "# TYPE a counter\na 1\n"
#define HANGS_AFTER_S 30
#define ROUNDS_MAX 5000 /* of a millisecond, or less */
#define LONG_NAME \
	"a-name-that-is-longer-than-any-here-or-on-any-other-host-of-yours.org"
#define BIG_BYTES (16u << 20)
#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

static uint64_t added_ns;

/* In place of the C library's, for the server, too. */
int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int r = (int)syscall(SYS_clock_gettime, clock, ts);

	ts->tv_sec += (time_t)(added_ns / NS_PER_SEC);
	return r;
}

/* ---- a server, and clients ---- */

struct host {
	struct web *web;
	size_t stats_bytes; /* what stats.json has */
	int asked;
};

static void print_metrics(void *arg, FILE *out)
{
	struct host *host = arg;

	host->asked++;
	fputs(METRICS, out);
}

static void print_stats(void *arg, FILE *out)
{
	struct host *host = arg;

	host->asked++;
	for (size_t i = 0; i < host->stats_bytes; i++)
		putc('x', out);
}

static int host_open(struct host *host, const char *listen_at)
{
	const struct web_params params = { listen_at, print_metrics,
					   print_stats, host };

	alarm(HANGS_AFTER_S);
	memset(host, 0, sizeof(*host));
	host->stats_bytes = 2;
	return web_open(&host->web, &params);
}

static int setup(void **state)
{
	static struct host host;

	added_ns = 0;
	*state = &host;
	return host_open(&host, "127.0.0.1:0");
}

static int teardown(void **state)
{
	struct host *host = *state;

	web_close(host->web);
	return 0;
}

/* As the control thread does it, but for a millisecond at most. */
static void turn(struct host *host)
{
	struct pollfd pfd = { web_fd(host->web), POLLIN, 0 };
	int ms = web_timeout_ms(host->web);

	poll(&pfd, 1, ms < 0 || ms > 1 ? 1 : ms);
	web_run(host->web);
}

static void turn_often(struct host *host, int n)
{
	while (n-- > 0)
		turn(host);
}

/* Soon nothing is left to do: whoever polls the server sleeps. */
static void assert_calm(struct host *host)
{
	int calm = 0;

	for (int i = 0; calm < 3 && i < ROUNDS_MAX; i++) {
		struct pollfd pfd = { web_fd(host->web), POLLIN, 0 };

		turn(host);
		calm = !poll(&pfd, 1, 0) && web_timeout_ms(host->web) ?
			       calm + 1 : 0;
	}
	assert_int_equal(calm, 3);
}

static int join(struct host *host)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)web_port(host->web)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_false(connect(fd, (struct sockaddr *)&to, sizeof(to)));
	assert_false(fcntl(fd, F_SETFL, O_NONBLOCK));
	return fd;
}

/* Send it all, unless the server has had enough. */
static void say(struct host *host, int fd, const char *bytes, size_t len)
{
	for (int i = 0; len && i < ROUNDS_MAX; i++) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return;
		bytes += n < 0 ? 0 : n;
		len -= n < 0 ? 0 : (size_t)n;
		turn(host);
	}
}

/* What comes until the server ends it; the connection is closed. -1: it never
 * did. */
static ssize_t hear(struct host *host, int fd, char *buf, size_t size)
{
	ssize_t n = 0, all = 0;

	for (int i = 0; i < ROUNDS_MAX; i++) {
		turn(host);
		n = recv(fd, buf + all, size - 1 - (size_t)all, 0);
		if (n > 0)
			all += n;
		else if (!n || errno != EAGAIN)
			break;
	}
	buf[all] = '\0';
	close(fd);
	return n < 0 && errno == EAGAIN ? -1 : all;
}

/* The status of the answer, which is left in buf; 0: none that is HTTP. */
static int ask(struct host *host, const char *request, char *buf, size_t size)
{
	int fd = join(host), status = 0;

	say(host, fd, request, strlen(request));
	assert_true(hear(host, fd, buf, size) >= 0);
	sscanf(buf, "HTTP/1.1 %d ", &status);
	return status;
}

static void assert_serves(struct host *host)
{
	char buf[4096];

	assert_int_equal(ask(host, GET("/metrics"), buf, sizeof(buf)), 200);
}

/* Whether the server has ended that connection, too. */
static bool is_ended(int fd)
{
	char c;
	ssize_t n = recv(fd, &c, 1, MSG_PEEK);

	return !n || (n < 0 && errno != EAGAIN);
}

static bool has_header(const char *answer, const char *line)
{
	char whole[256];
	const char *end = strstr(answer, "\r\n\r\n");
	const char *at;

	snprintf(whole, sizeof(whole), "\r\n%s\r\n", line);
	at = strstr(answer, whole);
	return at && end && at <= end;
}

static const char *body(const char *answer)
{
	const char *end = strstr(answer, "\r\n\r\n");

	assert_non_null(end);
	return end + 4;
}

/* ---- addresses ---- */

static void test_listen(void **state)
{
	static const char *const good[] = {
		"9118", "1", "65535", "127.0.0.1:9118", "127.255.3.4:80",
		"localhost:9118", "LocalHost:1", "[::1]:9118",
	};
	static const char *const bad[] = {
		"", ":", ":9118", "0", "00", "65536", "99999", "123456", "-1",
		"+1", " 1", "1 ", "0x50", "127.0.0.1", "127.0.0.1:",
		"127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "127.1:80",
		"0.0.0.0:9118", "126.0.0.1:80", "128.0.0.1:80",
		"192.168.1.1:9118", "*:9118", "[::]:9118", "::1:9118", "[::1]",
		"[::1]:", "[::1]9118", "[::1:9118", "[::2]:1",
		"[::ffff:127.0.0.1]:80", "localhost", "localhost:",
		"localhost.:80", "localhost.example:80", "example.org:80",
		"http://localhost:80", "127.0.0.1:80/metrics",
		"127.0.0.1:80:80", LONG_NAME ":9118",
	};
	struct web_address a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (web_check_listen(good[i]))
			fail_msg("'%s' is refused", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (web_check_listen(bad[i]) != -EINVAL)
			fail_msg("'%s' is taken", bad[i]);
	assert_true(web_parse_listen("127.9.8.7:65535", &a));
	assert_int_equal(web_address_port(&a), 65535);
	assert_int_equal(ntohl(a.v4.sin_addr.s_addr), 0x7f090807);
	assert_true(web_parse_listen("[::1]:7", &a));
	assert_int_equal(a.any.sa_family, AF_INET6);
	assert_int_equal(web_address_port(&a), 7);
}

static void test_open(void **state)
{
	struct host *host = *state, other;
	autoclean(free_ptr) char *said = NULL;
	char listen_at[32];
	size_t len;
	FILE *copy = open_memstream(&said, &len);

	assert_non_null(copy);
	log_copy_to(copy);
	assert_int_equal(host_open(&other, "0.0.0.0:9118"), -EINVAL);
	fflush(copy);
	assert_non_null(strstr(said, "0.0.0.0:9118"));
	assert_non_null(strstr(said, "loopback"));
	snprintf(listen_at, sizeof(listen_at), "localhost:%u",
		 web_port(host->web));
	assert_int_equal(host_open(&other, listen_at), -EADDRINUSE);
	fflush(copy);
	assert_non_null(strstr(said, listen_at));
	log_copy_to(NULL);
	fclose(copy);
	assert_serves(host);
	web_close(NULL);
}

static void test_ipv6(void **state)
{
	struct host host;
	struct sockaddr_in6 to = { .sin6_family = AF_INET6,
				   .sin6_addr = in6addr_loopback };
	char buf[4096];
	int fd;

	(void)state;
	if (host_open(&host, "[::1]:0"))
		skip(); /* no IPv6 here */
	to.sin6_port = htons((uint16_t)web_port(host.web));
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	assert_false(connect(fd, (struct sockaddr *)&to, sizeof(to)));
	assert_false(fcntl(fd, F_SETFL, O_NONBLOCK));
	say(&host, fd, GET("/metrics"), strlen(GET("/metrics")));
	assert_true(hear(&host, fd, buf, sizeof(buf)) > 0);
	assert_string_equal(body(buf), METRICS);
	web_close(host.web);
}

/* ---- answers ---- */

static const struct {
	const char *path, *type, *start;
} page[] = {
	{ "/", "text/html; charset=utf-8", "<!DOCTYPE html>" },
	{ "/metrics", "text/plain; version=0.0.4; charset=utf-8", METRICS },
	{ "/stats.json", "application/json", "xx" },
};

static void test_paths(void **state)
{
	static const char *const header[] = {
		"Cache-Control: no-store", "X-Content-Type-Options: nosniff",
		"Cross-Origin-Resource-Policy: same-origin",
		"Connection: close",
	};
	char request[256], line[256], whole[65536], head[4096];

	for (size_t i = 0; i < ARRAY_SIZE(page); i++) {
		snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n"
			 "Host: 127.0.0.1\r\n\r\n", page[i].path);
		assert_int_equal(ask(*state, request, whole, sizeof(whole)),
				 200);
		snprintf(line, sizeof(line), "Content-Type: %s", page[i].type);
		assert_true(has_header(whole, line));
		for (size_t k = 0; k < ARRAY_SIZE(header); k++)
			assert_true(has_header(whole, header[k]));
		assert_memory_equal(body(whole), page[i].start,
				    strlen(page[i].start));

		snprintf(request, sizeof(request), "HEAD %s HTTP/1.1\r\n"
			 "Host: 127.0.0.1\r\n\r\n", page[i].path);
		assert_int_equal(ask(*state, request, head, sizeof(head)), 200);
		assert_true(has_header(head, line));
		snprintf(line, sizeof(line), "Content-Length: %zu",
			 strlen(body(whole)));
		assert_true(has_header(whole, line));
		assert_true(has_header(head, line));
		assert_string_equal(body(head), "");
	}
}

/* It brings all it needs, and what it is given stays text. */
static void test_page(void **state)
{
	static const char *const never[] = {
		"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write",
		"eval(", " src=", "@import", "url(http", "https:", "//cdn",
	};
	char buf[65536];

	assert_int_equal(ask(*state, GET("/"), buf, sizeof(buf)), 200);
	assert_non_null(strstr(buf, "Content-Security-Policy: default-src "
				    "'none';"));
	assert_in_range(strlen(body(buf)), 5000, 30000);
	assert_non_null(strstr(body(buf), "\n</html>\n"));
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		if (strstr(body(buf), never[i]))
			fail_msg("the page has '%s'", never[i]);
}

static void test_refusals(void **state)
{
	static const struct {
		int status;
		const char *request;
	} row[] = {
		{ 404, GET("/metric") },
		{ 404, GET("/metrics/") },
		{ 404, GET("//") },
		{ 404, GET("/../etc/passwd") },
		{ 404, GET("/favicon.ico") },
		{ 200, GET("/metrics?x=1") },
		{ 405, "POST /metrics HTTP/1.1\r\nHost: localhost\r\n"
		       "Content-Length: 100000000\r\n\r\nsome" },
		{ 405, "PUT / HTTP/1.1\r\nHost: localhost\r\n"
		       "Transfer-Encoding: chunked\r\n\r\n" },
		{ 405, "DELETE /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" },
		{ 405, "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n" },
		{ 405, "get / HTTP/1.1\r\nHost: localhost\r\n\r\n" },
		{ 421, "GET / HTTP/1.0\r\n\r\n" },
	};
	char buf[65536];

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		int status = ask(*state, row[i].request, buf, sizeof(buf));

		if (status != row[i].status)
			fail_msg("%d for '%s'", status, row[i].request);
		assert_true(has_header(buf, "Allow: GET, HEAD") ==
			    (status == 405));
	}
	assert_serves(*state);
}

/* A DNS name that points here is a stranger's page, asking by a browser. */
static void test_hosts(void **state)
{
	static const struct {
		int status;
		const char *host;
	} row[] = {
		{ 200, "localhost" }, { 200, "LOCALHOST:80" },
		{ 200, "127.0.0.1" }, { 200, "127.0.0.1:9118" },
		{ 200, "127.1.2.3" }, { 200, "[::1]" }, { 200, "[::1]:9118" },
		{ 421, "" }, { 421, "example.org" }, { 421, "localhost.evil" },
		{ 421, "127.0.0.1.evil:80" }, { 421, "192.0.2.1" },
		{ 421, "evil@localhost" }, { 421, "localhost:" },
		{ 421, "localhost:80x" }, { 421, "localhost, evil" },
		{ 421, "::1" }, { 421, "[::]" }, { 421, "0.0.0.0" },
	};
	struct host *host = *state;
	char request[256], buf[4096];

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		int status, before = host->asked;

		snprintf(request, sizeof(request),
			 "GET /stats.json HTTP/1.1\r\nHost: %s\r\n\r\n",
			 row[i].host);
		status = ask(host, request, buf, sizeof(buf));
		if (status != row[i].status)
			fail_msg("%d for host '%s'", status, row[i].host);
		assert_int_equal(host->asked - before, status == 200);
	}
}

/* ---- clients that mean no good ---- */

static void test_garbage(void **state)
{
	enum { BYTES = 300000 };
	struct host *host = *state;
	autoclean(free_ptr) char *bytes = malloc(BYTES);
	static char buf[65536];
	uint32_t x = 1;

	assert_non_null(bytes);
	for (int kind = 0; kind < 40; kind++) {
		size_t len = kind % 2 ? BYTES : (size_t)kind * 7 + 1;
		int fd = join(host), status = 0;

		for (size_t i = 0; i < len; i++)
			bytes[i] = (char)((x = x * 1664525 + 1013904223) >> 24);
		if (kind % 4 == 1) /* a path that never ends, a header */
			memset(bytes, 'a', len);
		if (kind % 4 == 1)
			memcpy(bytes, "GET /", 5);
		if (kind % 8 == 1)
			memcpy(bytes, "GET / HTTP/1.1\r\nHost: ", 22);
		say(host, fd, bytes, len);
		shutdown(fd, SHUT_WR);
		assert_calm(host);
		/* The library may miss an end that came with bytes. */
		added_ns += 10 * NS_PER_SEC;
		assert_true(hear(host, fd, buf, sizeof(buf)) >= 0);
		sscanf(buf, "HTTP/1.1 %d ", &status);
		assert_true(!status || (status >= 400 && status < 500));
	}
	assert_int_equal(host->asked, 0);
	assert_serves(host);
}

static void test_half_requests(void **state)
{
	static const char half[] = "GET / HTTP/1.1\r\nHost: local";
	struct host *host = *state;
	int fd[3];

	for (size_t i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = join(host);
		say(host, fd[i], half, i * (strlen(half) / 2));
	}
	assert_serves(host);
	added_ns = 9 * NS_PER_SEC;
	assert_calm(host);
	assert_false(is_ended(fd[0]) || is_ended(fd[1]) || is_ended(fd[2]));
	assert_in_range(web_timeout_ms(host->web), 0, 1000);
	say(host, fd[2], "h", 1); /* a byte now and then does not help */
	added_ns = 10 * NS_PER_SEC;
	turn_often(host, 10);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++) {
		assert_true(is_ended(fd[i]));
		close(fd[i]);
	}
	assert_int_equal(web_timeout_ms(host->web), -1);
	assert_serves(host);
}

/* More come than there are places: all are served, in turn. */
static void test_many(void **state)
{
	enum { MANY = 20 };
	struct host *host = *state;
	static char buf[65536];
	int fd[MANY];

	for (int i = 0; i < MANY; i++)
		fd[i] = join(host);
	for (int i = 0; i < MANY; i++)
		say(host, fd[i], GET("/metrics"), strlen(GET("/metrics")));
	for (int i = 0; i < MANY; i++) {
		assert_true(hear(host, fd[i], buf, sizeof(buf)) > 0);
		assert_string_equal(body(buf), METRICS);
	}
	assert_int_equal(host->asked, MANY);
}

/* All places are taken by clients that say nothing: they are soon ended. */
static void test_idle(void **state)
{
	enum { MANY = 20 };
	struct host *host = *state;
	int fd[MANY], last, ended = 0;
	static char buf[4096];

	for (int i = 0; i < MANY; i++) {
		fd[i] = join(host);
		turn(host);
	}
	last = join(host);
	say(host, last, GET("/metrics"), strlen(GET("/metrics")));
	assert_calm(host);
	assert_int_equal(host->asked, 0); /* it waits for a place */
	added_ns = NS_PER_SEC;
	assert_true(hear(host, last, buf, sizeof(buf)) > 0);
	assert_string_equal(body(buf), METRICS);
	for (int i = 0; i < MANY; i++) {
		ended += is_ended(fd[i]);
		close(fd[i]);
	}
	assert_int_equal(ended, WEB_CONNECTIONS_MAX);
	assert_serves(host);
}

/* An answer that nobody reads waits in memory, and nobody else for it. */
static void test_slow_reader(void **state)
{
	struct host *host = *state;
	autoclean(free_ptr) char *buf = malloc(BIG_BYTES + 4096);
	int fd = join(host);

	assert_non_null(buf);
	host->stats_bytes = BIG_BYTES;
	say(host, fd, GET("/stats.json"), strlen(GET("/stats.json")));
	assert_calm(host);
	assert_int_equal(host->asked, 1);
	for (int i = 0; i < 5; i++)
		assert_serves(host);
	assert_true(hear(host, fd, buf, BIG_BYTES + 4096) > (ssize_t)BIG_BYTES);
	assert_int_equal(strlen(body(buf)), BIG_BYTES);

	fd = join(host);
	say(host, fd, GET("/stats.json"), strlen(GET("/stats.json")));
	turn_often(host, 50);
	added_ns = 10 * NS_PER_SEC;
	turn_often(host, 10);
	/* It has what its socket held, and no more. */
	assert_in_range(hear(host, fd, buf, BIG_BYTES), 1, BIG_BYTES - 2);
	assert_int_equal(web_timeout_ms(host->web), -1);
}

/* The server goes while clients are there, and one who has gone is no harm. */
static void test_leaving(void **state)
{
	struct host *host = *state;
	struct linger reset = { 1, 0 };
	int fd = join(host);

	host->stats_bytes = BIG_BYTES;
	say(host, fd, GET("/stats.json"), strlen(GET("/stats.json")));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	turn_often(host, 10);
	assert_serves(host);
	fd = join(host);
	say(host, fd, GET("/stats.json"), strlen(GET("/stats.json")));
	web_close(host->web);
	host->web = NULL;
	close(fd);
}

int main(void)
{
#define ONE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_ipv6),
		ONE(test_open),
		ONE(test_paths),
		ONE(test_page),
		ONE(test_refusals),
		ONE(test_hosts),
		ONE(test_garbage),
		ONE(test_half_requests),
		ONE(test_many),
		ONE(test_idle),
		ONE(test_slow_reader),
		ONE(test_leaving),
	};
#undef ONE

	return cmocka_run_group_tests_name("web", tests, NULL, NULL);
}
