/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server.c: requests and answers in order, and each limit. Clients and server
 * are one thread: what a client sent is there when server_run() is called.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "clock.h"
#include "log.h"
#include "rng.h"
#include "server.h"

#define MANY 1000
#define MEGABYTE (1 << 20)
#define TURNS_MAX 100000 /* of one exchange: more is a loop without an end */
#define ERROR_START "{\"ok\":false,\"error\":\""
#define TOO_LONG ERROR_START "a request is a line of at most 65536 bytes\"}\n"
#define TOO_MANY ERROR_START "too many clients: at most 32\"}\n"

struct fixture {
	char folder[32], path[64], longest[108];
	struct server *server;
	unsigned int calls;
	size_t last_len;
	uint64_t answer_ns;  /* that it takes */
	size_t answer_bytes; /* 0: what it is says the request */
	bool has_no_memory;
	struct rlimit files;
	int fd[MANY]; /* of clients; -1: none */
	unsigned int heirs, n_taken, n_left; /* named; that got it, or did not */
	int taken[2 * SERVER_CLIENTS_MAX];
};

#define STREAM "stream" /* a request that has its connection handed over */

/* ---- both ends ---- */

/* The answer to a request tells its length and its bytes. */
static int print_answer(char *out, size_t room, const char *line, size_t len)
{
	uint32_t sum = 2166136261; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ (uint8_t)line[i]) * 16777619;
	return snprintf(out, room, "%zu bytes %08x\n", len, (unsigned int)sum);
}

static void take_over(void *arg, int fd)
{
	struct fixture *x = arg;

	if (fd < 0)
		x->n_left++;
	else
		x->taken[x->n_taken++] = fd;
	assert_true(x->n_left + x->n_taken <= x->heirs);
}

static char *answer(void *arg, const char *line, size_t len,
		    struct server_heir *heir)
{
	struct fixture *x = arg;
	size_t room = x->answer_bytes ? x->answer_bytes + 1 : 64;
	char *text = x->has_no_memory ? NULL : malloc(room);

	assert_int_equal(line[len], '\0');
	assert_null(memchr(line, '\n', len));
	x->calls++;
	x->last_len = len;
	for (uint64_t began_ns = clock_now_ns(); x->answer_ns &&
	     clock_now_ns() - began_ns < x->answer_ns;)
		;
	if (!text)
		return NULL;
	if (!strcmp(line, STREAM)) {
		x->heirs++;
		*heir = (struct server_heir){ take_over, x };
	}
	print_answer(text, 64, line, len);
	for (size_t i = 0; i < x->answer_bytes; i++)
		text[i] = (char)('a' + i % 23);
	if (x->answer_bytes)
		memcpy(text + x->answer_bytes - 1, "\n", 2);
	return text;
}

static int open_server(struct fixture *x, struct server **server,
		       const char *path)
{
	const struct server_params params = {
		.path = path,
		.mode = 0660,
		.answer = answer,
		.arg = x,
	};

	return server_open(server, &params);
}

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	strcpy(x->folder, "/tmp/test_server.XXXXXX");
	assert_non_null(mkdtemp(x->folder));
	snprintf(x->path, sizeof(x->path), "%s/socket", x->folder);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &x->files), 0);
	memset(x->fd, -1, sizeof(x->fd));
	assert_int_equal(open_server(x, &x->server, x->path), 0);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	setrlimit(RLIMIT_NOFILE, &x->files);
	for (int i = 0; i < MANY; i++)
		close_fd(&x->fd[i]);
	server_close(x->server);
	for (unsigned int i = 0; i < x->n_taken; i++)
		close(x->taken[i]);
	assert_int_equal(x->n_taken + x->n_left, x->heirs); /* each got to know */
	unlink(x->path);
	assert_int_equal(rmdir(x->folder), 0); /* nothing else is left there */
	free(x);
	return 0;
}

/* Until there is nothing to do: it must not be told of what it cannot do. */
static void settle(struct fixture *x)
{
	struct pollfd pfd = { .fd = server_fd(x->server), .events = POLLIN };
	int turns = 0;

	while (poll(&pfd, 1, 0) > 0) {
		server_run(x->server);
		assert_true(turns++ < TURNS_MAX);
	}
}

/* Or -1: many wait there already. */
static int try_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	strcpy(address.sun_path, path);
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -1;
}

/* Client i, which was none: known to the server. */
static void join(struct fixture *x, int i)
{
	x->fd[i] = try_connect(x->path);
	assert_true(x->fd[i] >= 0);
	settle(x);
}

static void leave(struct fixture *x, int i)
{
	close(x->fd[i]);
	x->fd[i] = -1;
}

static void say(const struct fixture *x, int i, const void *bytes, size_t len)
{
	assert_int_equal(send(x->fd[i], bytes, len, MSG_NOSIGNAL), len);
}

static void say_text(const struct fixture *x, int i, const char *text)
{
	say(x, i, text, strlen(text));
}

/* Client i has got these bytes, and no more by now. */
static void hears(struct fixture *x, int i, const char *text)
{
	char got[1024];
	ssize_t n;

	settle(x);
	n = recv(x->fd[i], got, sizeof(got) - 1, 0);
	got[n > 0 ? n : 0] = '\0';
	assert_string_equal(got, text);
}

/* The answer to this request, and no more by now. */
static void hears_of(struct fixture *x, int i, const char *request)
{
	char text[64];

	print_answer(text, sizeof(text), request, strlen(request));
	hears(x, i, text);
}

/* Once all is read that was sent to it. */
static bool is_ended(const struct fixture *x, int i)
{
	char byte;
	ssize_t n = recv(x->fd[i], &byte, 1, 0);

	return !n || (n < 0 && errno == ECONNRESET);
}

/* Reads up to `len` bytes of an answer of answer_bytes, of which `at` are read:
 * how many there were. */
static size_t take(const struct fixture *x, int i, size_t at, size_t len)
{
	char got[4096];
	ssize_t n = recv(x->fd[i], got, len < 4096 ? len : 4096, 0);

	for (ssize_t k = 0; k < n; k++, at++)
		assert_int_equal(got[k], at + 1 == x->answer_bytes ?
						 '\n' : 'a' + (int)(at % 23));
	return n > 0 ? (size_t)n : 0;
}

static void tick_after(struct fixture *x, uint64_t seconds)
{
	server_tick(x->server, clock_now_ns() + seconds * NS_PER_SEC);
}

/* ---- requests ---- */

static void test_requests(void **state)
{
	struct fixture *x = *state;
	char want[256] = "";

	join(x, 0);
	say_text(x, 0, "{\"request\":\"stats\"}\n");
	hears_of(x, 0, "{\"request\":\"stats\"}");
	say_text(x, 0, "half");
	hears(x, 0, "");
	say_text(x, 0, " and half\n");
	hears_of(x, 0, "half and half");
	for (const char *c = "slowly"; *c; c++) {
		say(x, 0, c, 1);
		hears(x, 0, "");
	}
	say_text(x, 0, "\n\nlast\r\nnext");
	for (int i = 0; i < 3; i++) {
		static const char *const line[] = { "slowly", "", "last\r" };

		print_answer(want + strlen(want), 64, line[i], strlen(line[i]));
	}
	hears(x, 0, want);
	join(x, 1);
	say_text(x, 1, "other\n");
	hears_of(x, 1, "other");
	say_text(x, 0, "\n");
	hears_of(x, 0, "next");
	assert_int_equal(x->calls, 7);
}

static void test_turns(void **state)
{
	struct fixture *x = *state;

	join(x, 0);
	join(x, 1);
	say_text(x, 0, "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
	say_text(x, 1, "1\n");
	server_run(x->server);
	assert_int_equal(x->calls, 2); /* one of each */
	hears_of(x, 1, "1");
}

static void test_half_close(void **state)
{
	struct fixture *x = *state;
	char want[128];
	int n;

	join(x, 0);
	say_text(x, 0, "first\nlast, without its end");
	shutdown(x->fd[0], SHUT_WR);
	n = print_answer(want, 64, "first", 5);
	print_answer(want + n, 64, "last, without its end", 21);
	hears(x, 0, want);
	assert_true(is_ended(x, 0));
	join(x, 1);
	shutdown(x->fd[1], SHUT_WR);
	hears(x, 1, "");
	assert_true(is_ended(x, 1));
	assert_int_equal(x->calls, 2);
}

static void test_binary(void **state)
{
	struct fixture *x = *state;
	char line[513], want[64];

	join(x, 0);
	for (int i = 0; i < 512; i++)
		line[i] = (char)(i % 256 == '\n' ? 0 : i);
	print_answer(want, sizeof(want), line, 512);
	line[512] = '\n';
	say(x, 0, line, 513);
	hears(x, 0, want);
	assert_int_equal(x->last_len, 512);
}

static void test_no_memory(void **state)
{
	struct fixture *x = *state;

	x->has_no_memory = true;
	join(x, 0);
	say_text(x, 0, "request\n");
	settle(x);
	assert_true(is_ended(x, 0));
}

/* ---- limits ---- */

static void test_long_request(void **state)
{
	struct fixture *x = *state;
	char line[SERVER_REQUEST_BYTES], want[64];

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	print_answer(want, sizeof(want), line, sizeof(line) - 1);
	join(x, 0);
	say(x, 0, line, sizeof(line));
	hears(x, 0, want);
	line[sizeof(line) - 1] = 'x';
	say(x, 0, line, sizeof(line));
	say_text(x, 0, "\nnext\n");
	hears(x, 0, TOO_LONG);
	assert_true(is_ended(x, 0));
	assert_int_equal(x->calls, 1);
}

/* 100 MB are not read; who sent them may read why. */
static void test_endless_request(void **state)
{
	struct fixture *x = *state;
	char bytes[65536];
	size_t sent = 0;
	ssize_t n;

	memset(bytes, 'x', sizeof(bytes));
	join(x, 0);
	while ((n = send(x->fd[0], bytes, sizeof(bytes), MSG_NOSIGNAL)) > 0 ||
	       errno == EAGAIN) {
		sent += n > 0 ? (size_t)n : 0;
		assert_true(sent < MEGABYTE);
		settle(x);
	}
	hears(x, 0, TOO_LONG);
	assert_true(is_ended(x, 0));
	assert_int_equal(x->calls, 0);
}

static void test_too_many(void **state)
{
	struct fixture *x = *state;

	for (int i = 0; i <= SERVER_CLIENTS_MAX; i++)
		join(x, i);
	hears(x, SERVER_CLIENTS_MAX, TOO_MANY);
	assert_true(is_ended(x, SERVER_CLIENTS_MAX));
	say_text(x, 7, "I was here\n");
	hears_of(x, 7, "I was here");
	leave(x, 7);
	settle(x);
	join(x, 7);
	say_text(x, 7, "there is a place\n");
	hears_of(x, 7, "there is a place");
}

/* A thousand that stay, a thousand that go at once: nobody else notices. */
static void test_thousand(void **state)
{
	struct fixture *x = *state;
	struct rlimit more = { .rlim_max = x->files.rlim_max };
	int places = 0, refused = 0, fd;
	char got[128];

	more.rlim_cur = 2 * MANY < more.rlim_max ? 2 * MANY : more.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &more), 0);
	join(x, 0);
	for (int i = 1; i < MANY; i++)
		while ((x->fd[i] = try_connect(x->path)) < 0)
			settle(x); /* the queue was full */
	settle(x);
	for (int i = 0; i < MANY; i++) {
		ssize_t n = recv(x->fd[i], got, sizeof(got), 0);

		places += n < 0 && errno == EAGAIN;
		refused += n == (ssize_t)strlen(TOO_MANY);
	}
	assert_int_equal(places, SERVER_CLIENTS_MAX);
	assert_int_equal(refused, MANY - SERVER_CLIENTS_MAX);
	for (int i = 1; i < MANY; i++)
		leave(x, i);
	for (int i = 0; i < MANY; i++) {
		while ((fd = try_connect(x->path)) < 0)
			settle(x);
		close(fd);
	}
	say_text(x, 0, "still\n");
	hears_of(x, 0, "still");
}

/* No descriptor is left: no turn is spent on who waits, until one is. */
static void test_no_descriptor(void **state)
{
	struct fixture *x = *state;
	struct rlimit none = x->files;
	int next;

	join(x, 0);
	join(x, 1);
	for (int i = 2; i < 5; i++)
		x->fd[i] = try_connect(x->path);
	next = dup(0);
	close(next);
	none.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	settle(x);
	say_text(x, 1, "still\n");
	hears_of(x, 1, "still");
	say_text(x, 2, "waits\n");
	tick_after(x, 0); /* tries again, once */
	hears(x, 2, "");
	shutdown(x->fd[0], SHUT_RDWR); /* the server's end is free, then */
	hears_of(x, 2, "waits");
	setrlimit(RLIMIT_NOFILE, &x->files);
	say_text(x, 4, "waits, too\n");
	hears(x, 4, "");
	tick_after(x, 0);
	hears_of(x, 4, "waits, too");
}

/* ---- answers ---- */

/* In small bites, while others are served. */
static void test_slow_reader(void **state)
{
	struct fixture *x = *state;
	size_t at = 0, n;

	x->answer_bytes = MEGABYTE;
	join(x, 0);
	join(x, 1);
	say_text(x, 0, "a megabyte, please\n");
	settle(x);
	x->answer_bytes = 0;
	say_text(x, 1, "and I?\n");
	hears_of(x, 1, "and I?");
	x->answer_bytes = MEGABYTE;
	while ((n = take(x, 0, at, 999))) {
		at += n;
		settle(x);
	}
	assert_int_equal(at, MEGABYTE);
}

/* Nothing is asked for a client that has not taken what it asked for before. */
static void test_no_reader(void **state)
{
	struct fixture *x = *state;
	size_t at = 0, n;

	x->answer_bytes = MEGABYTE;
	join(x, 0);
	for (int i = 0; i < 100; i++)
		say_text(x, 0, "more\n");
	settle(x);
	assert_int_equal(x->calls, 1);
	while (x->calls < 3) {
		n = take(x, 0, at, 4096);
		assert_true(n > 0);
		at = (at + n) % MEGABYTE;
		settle(x);
	}
	leave(x, 0);
	settle(x);
	assert_int_equal(x->calls, 3);
}

static void test_closed_amid(void **state)
{
	struct fixture *x = *state;

	x->answer_bytes = MEGABYTE;
	for (int i = 0; i < 4 * SERVER_CLIENTS_MAX; i++) {
		join(x, 0);
		say_text(x, 0, i % 4 ? "request\nrequest\nreq" : "req");
		if (i % 4 == 2)
			settle(x); /* an answer is under way */
		if (i % 4 == 3)
			shutdown(x->fd[0], SHUT_RD);
		settle(x);
		leave(x, 0);
		settle(x);
	}
	x->answer_bytes = 0;
	for (int i = 0; i < SERVER_CLIENTS_MAX; i++)
		join(x, i);
	say_text(x, SERVER_CLIENTS_MAX - 1, "all places are free\n");
	hears_of(x, SERVER_CLIENTS_MAX - 1, "all places are free");
}

/* ---- patience ---- */

static void test_half_request(void **state)
{
	struct fixture *x = *state;
	uint64_t begun_ns;

	join(x, 0);
	join(x, 1);
	say_text(x, 0, "hal");
	settle(x);
	begun_ns = clock_now_ns();
	tick_after(x, 9);
	assert_false(is_ended(x, 0));
	say_text(x, 0, "f"); /* which gains it no time */
	settle(x);
	server_tick(x->server, begun_ns + 10 * NS_PER_SEC + 1);
	assert_true(is_ended(x, 0));
	assert_false(is_ended(x, 1));
	assert_int_equal(x->calls, 0);
}

/* The time that they took is nobody's: not the slow one's, nor that of who is
 * served beside it. */
static void test_answer_takes_long(void **state)
{
	struct fixture *x = *state;
	uint64_t asked_ns;

	x->answer_ns = 50 * NS_PER_MS;
	join(x, 0);
	join(x, 1);
	settle(x);
	asked_ns = clock_now_ns();
	say_text(x, 0, "one\n");
	say_text(x, 1, "two\n");
	server_run(x->server);
	assert_int_equal(x->calls, 2);
	server_tick(x->server,
		    asked_ns + 10 * NS_PER_SEC + 2 * x->answer_ns - 1);
	settle(x);
	hears_of(x, 0, "one");
	hears_of(x, 1, "two");
}

static void test_answer_not_taken(void **state)
{
	struct fixture *x = *state;

	x->answer_bytes = MEGABYTE;
	join(x, 0);
	say_text(x, 0, "request\n");
	settle(x);
	tick_after(x, 9);
	assert_int_equal(take(x, 0, 0, 100), 100);
	tick_after(x, 11);
	for (size_t at = 100, n; (n = take(x, 0, at, 4096)); at += n)
		assert_true(at < MEGABYTE / 2);
	assert_true(is_ended(x, 0));
}

static void test_idle(void **state)
{
	struct fixture *x = *state;

	join(x, 0);
	say_text(x, 0, "request\n");
	hears_of(x, 0, "request");
	tick_after(x, 599);
	say_text(x, 0, "request\n");
	hears_of(x, 0, "request");
	tick_after(x, 601);
	assert_true(is_ended(x, 0));
}

/* ---- connections that are handed over ---- */

/* Client i has been, and knows; what it gets now is the heir's. */
static void test_hand_over(void **state)
{
	struct fixture *x = *state;
	char got[64];

	join(x, 0);
	join(x, 1);
	say_text(x, 0, STREAM "\nnot looked at\n");
	settle(x);
	assert_int_equal(x->n_taken, 1);
	assert_true(fcntl(x->taken[0], F_GETFL) & O_NONBLOCK);
	assert_int_equal(write(x->taken[0], "raw", 3), 3);
	print_answer(got, sizeof(got), STREAM, strlen(STREAM));
	strcat(got, "raw");
	hears(x, 0, got);
	/* What it says is not for the server, nor its end. */
	say_text(x, 0, "request\n");
	settle(x);
	assert_int_equal(x->calls, 1);
	assert_int_equal(recv(x->taken[0], got, sizeof(got), 0), 8);
	say_text(x, 1, "request\n");
	hears_of(x, 1, "request");
	leave(x, 0);
	tick_after(x, 1000);
	assert_true(is_ended(x, 1));
	assert_int_equal(fcntl(x->taken[0], F_GETFD), FD_CLOEXEC);
	assert_int_equal(recv(x->taken[0], got, sizeof(got), 0), 0);
}

/* They hold no places: as many again may come. */
static void test_hand_over_many(void **state)
{
	struct fixture *x = *state;

	for (int turn = 0; turn < 2; turn++) {
		int from = turn * SERVER_CLIENTS_MAX;

		for (int i = from; i < from + SERVER_CLIENTS_MAX; i++)
			join(x, i);
		for (int i = from; i < from + SERVER_CLIENTS_MAX; i++)
			say_text(x, i, STREAM "\n");
		settle(x);
	}
	assert_int_equal(x->n_taken, 2 * SERVER_CLIENTS_MAX);
	for (int i = 0; i < 2 * SERVER_CLIENTS_MAX; i++)
		hears_of(x, i, STREAM);
	join(x, 2 * SERVER_CLIENTS_MAX);
	say_text(x, 2 * SERVER_CLIENTS_MAX, "request\n");
	hears_of(x, 2 * SERVER_CLIENTS_MAX, "request");
}

/* Not before the last byte of the answer is out. */
static void test_hand_over_late(void **state)
{
	struct fixture *x = *state;
	size_t at = 0, n;

	x->answer_bytes = MEGABYTE;
	join(x, 0);
	say_text(x, 0, STREAM "\n");
	settle(x);
	while (!x->n_taken) {
		n = take(x, 0, at, 4096);
		assert_true(n > 0);
		at += n;
		settle(x);
	}
	assert_int_equal(write(x->taken[0], "raw", 3), 3);
	while (at < MEGABYTE) {
		n = take(x, 0, at, MEGABYTE - at);
		assert_true(n > 0);
		at += n;
	}
	hears(x, 0, "raw");
}

/* Who goes before leaves nothing to an heir, however it goes. */
static void test_no_heritage(void **state)
{
	struct fixture *x = *state;

	x->answer_bytes = MEGABYTE;
	for (int i = 0; i < 3; i++) {
		join(x, i);
		say_text(x, i, STREAM "\n");
	}
	settle(x);
	assert_int_equal(x->heirs, 3);
	leave(x, 0);
	settle(x);
	assert_int_equal(x->n_left, 1);
	assert_int_equal(take(x, 1, 0, 100), 100);
	settle(x);
	tick_after(x, 11);
	assert_int_equal(x->n_left, 3);
	join(x, 3);
	join(x, 4);
	say_text(x, 3, STREAM "\n");
	settle(x);
	x->answer_bytes = 0;
	say_text(x, 4, STREAM "\n");
	server_run(x->server);
	/* The one gets its answer now, the other does not take it. */
	server_close(x->server);
	x->server = NULL;
	assert_int_equal(x->n_left, 5);
	assert_int_equal(x->n_taken, 0);
}

/* A client that sends no more may well go on to read. */
static void test_hand_over_half_closed(void **state)
{
	struct fixture *x = *state;

	join(x, 0);
	say_text(x, 0, STREAM);
	shutdown(x->fd[0], SHUT_WR);
	hears_of(x, 0, STREAM);
	assert_int_equal(x->n_taken, 1);
	assert_int_equal(write(x->taken[0], "raw", 3), 3);
	hears(x, 0, "raw");
}

/* ---- the socket's file ---- */

/* This error, logged or not, and nothing is touched. */
static void refuses(struct fixture *x, const char *path, int error,
		    const char *text)
{
	struct server *server = NULL;
	struct stat before = { 0 }, after = { 0 };
	char *said = NULL;
	size_t len;
	FILE *copy = open_memstream(&said, &len);

	lstat(path, &before);
	log_copy_to(copy);
	assert_int_equal(open_server(x, &server, path), error);
	log_copy_to(NULL);
	fclose(copy);
	lstat(path, &after);
	assert_null(server);
	assert_int_equal(before.st_ino, after.st_ino);
	if (text)
		assert_non_null(strstr(said, text));
	else
		assert_string_equal(said, "");
	free(said);
}

static void test_other_files(void **state)
{
	struct fixture *x = *state;
	char path[256];

	snprintf(path, sizeof(path), "%s/file", x->folder);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	refuses(x, path, -EEXIST, "file: it is no socket");
	unlink(path);
	assert_int_equal(symlink(x->path, path), 0);
	refuses(x, path, -EEXIST, "file: it is no socket");
	unlink(path);
	refuses(x, x->folder, -EEXIST, "it is no socket");
	snprintf(path, sizeof(path), "%s/no/socket", x->folder);
	refuses(x, path, -ENOENT, "No such file");
	refuses(x, "", -ENAMETOOLONG, "1 to 107 bytes");
	snprintf(path, sizeof(path), "%s/%0*d", x->folder,
		 107 - (int)strlen(x->folder), 0);
	refuses(x, path, -ENAMETOOLONG, "1 to 107 bytes");
	memcpy(x->longest, path, 107);
	server_close(x->server);
	assert_int_equal(open_server(x, &x->server, x->longest), 0);
	x->fd[0] = try_connect(x->longest);
	say_text(x, 0, "request\n");
	hears_of(x, 0, "request");
}

/* Who lives there stays, also when his queue is full. Who is dead does not. */
static void test_others_socket(void **state)
{
	struct fixture *x = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, i = 0;

	refuses(x, x->path, -EADDRINUSE, NULL);
	settle(x);
	while (i < MANY && (x->fd[i] = try_connect(x->path)) >= 0)
		i++;
	assert_in_range(i, 1, MANY - 1);
	refuses(x, x->path, -EADDRINUSE, NULL);
	server_close(x->server);
	for (int type = 0; type < 2; type++) {
		fd = socket(AF_UNIX, (type ? SOCK_DGRAM : SOCK_STREAM) |
					     SOCK_CLOEXEC, 0);
		strcpy(address.sun_path, x->path);
		assert_int_equal(bind(fd, (struct sockaddr *)&address,
				      sizeof(address)), 0);
		if (type)
			refuses(x, x->path, -EPROTOTYPE, "wrong type");
		close(fd);
		assert_int_equal(open_server(x, &x->server, x->path), 0);
		x->fd[i] = try_connect(x->path);
		say_text(x, i, "request\n");
		hears_of(x, i, "request");
		leave(x, i);
		server_close(x->server);
	}
	x->server = NULL;
}

static void test_mode(void **state)
{
	static const mode_t mask[] = { 0, 022, 077, 0777 };
	struct fixture *x = *state;
	mode_t old = umask(0);
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(mask); i++) {
		server_close(x->server);
		umask(mask[i]);
		assert_int_equal(open_server(x, &x->server, x->path), 0);
		assert_int_equal(umask(old), mask[i]); /* untouched */
		assert_int_equal(lstat(x->path, &st), 0);
		assert_int_equal(st.st_mode, S_IFSOCK | 0660);
	}
}

/* ---- the end ---- */

static void test_last_words(void **state)
{
	struct fixture *x = *state;
	char want[64], got[128];
	int n = print_answer(want, sizeof(want), "stop", 4);

	for (int i = 0; i < 3; i++)
		join(x, i);
	say_text(x, 0, "stop\nnot any more\n");
	say_text(x, 1, "hal");
	server_run(x->server);
	say_text(x, 2, "too late\n");
	server_close(x->server);
	x->server = NULL;
	assert_int_equal(x->calls, 1);
	assert_int_equal(recv(x->fd[0], got, sizeof(got), 0), n);
	assert_memory_equal(got, want, (size_t)n);
	for (int i = 0; i < 3; i++)
		assert_true(is_ended(x, i));
	assert_int_equal(access(x->path, F_OK), -1);
	server_close(NULL);
}

/* It ends, even if nobody takes its answers. */
static void test_no_last_words(void **state)
{
	struct fixture *x = *state;

	x->answer_bytes = MEGABYTE;
	join(x, 0);
	say_text(x, 0, "request\n");
	settle(x);
	server_close(x->server);
	x->server = NULL;
	assert_int_equal(access(x->path, F_OK), -1);
}

/* Another one's socket, where ours was before, is left alone. */
static void test_not_ours(void **state)
{
	struct fixture *x = *state;
	struct server *other = NULL;

	unlink(x->path);
	assert_int_equal(open_server(x, &other, x->path), 0);
	server_close(x->server);
	x->server = other;
	join(x, 0);
	say_text(x, 0, "request\n");
	hears_of(x, 0, "request");
}

/* ---- anything ---- */

/* Lines of anything in pieces of any size, and what must come back. */
struct talker {
	char text[8192], want[65536];
	size_t len, sent, want_len, got;
	unsigned int rude; /* gone after so many turns; 0: never */
	bool is_silent;	   /* it has closed its end */
};

static void begin(struct fixture *x, struct talker *t, int i, struct rng *rng)
{
	size_t every = 1 + rng_below(rng, 300), from = 0;

	memset(t, 0, sizeof(*t));
	t->len = rng_below(rng, sizeof(t->text));
	for (size_t k = 0; k < t->len; k++)
		t->text[k] = rng_below(rng, every) ? (char)rng_next(rng) : '\n';
	for (size_t k = 0; k <= t->len; k++) {
		if (k < t->len ? t->text[k] != '\n' : from == k)
			continue;
		if (t->want_len > sizeof(t->want) - 64) {
			t->len = from; /* these are enough */
			break;
		}
		t->want_len += (size_t)print_answer(t->want + t->want_len, 64,
						    t->text + from, k - from);
		from = k + 1;
	}
	t->rude = rng_below(rng, 3) ? 0 : 1 + (unsigned int)rng_below(rng, 50);
	x->fd[i] = try_connect(x->path);
	assert_true(x->fd[i] >= 0);
}

/* Whether it goes on. */
static bool talk(struct fixture *x, struct talker *t, int i, struct rng *rng)
{
	char got[2048];
	size_t piece = rng_below(rng, t->len - t->sent + 1);
	ssize_t n = 0;

	if (t->rude && !--t->rude)
		return false;
	if (rng_below(rng, 2) && piece)
		n = send(x->fd[i], t->text + t->sent, piece, MSG_NOSIGNAL);
	t->sent += n > 0 ? (size_t)n : 0;
	if (t->sent == t->len && !t->is_silent) {
		shutdown(x->fd[i], SHUT_WR);
		t->is_silent = true;
	}
	n = recv(x->fd[i], got, 1 + rng_below(rng, sizeof(got)), 0);
	if (n > 0) {
		assert_in_range(n, 1, t->want_len - t->got);
		assert_memory_equal(got, t->want + t->got, (size_t)n);
		t->got += (size_t)n;
	} else if (!n) {
		assert_true(t->is_silent);
		assert_int_equal(t->got, t->want_len);
	} else {
		assert_int_equal(errno, EAGAIN);
	}
	return n != 0;
}

/* For a second, from a seed that is told. */
static void test_anything(void **state)
{
	struct fixture *x = *state;
	struct rng rng = { (uint64_t)time(NULL) };
	struct talker *talker = calloc(SERVER_CLIENTS_MAX, sizeof(*talker));
	uint64_t until_ns = clock_now_ns() + NS_PER_SEC, turns = 0;
	const char *seed = getenv("BUMPWIRE_SEED");

	assert_non_null(talker);
	if (seed)
		rng.state = strtoull(seed, NULL, 10);
	print_message("BUMPWIRE_SEED=%llu\n", (unsigned long long)rng.state);
	while (++turns % 64 || clock_now_ns() < until_ns) {
		int i = (int)rng_below(&rng, SERVER_CLIENTS_MAX);

		if (x->fd[i] < 0) {
			begin(x, &talker[i], i, &rng);
		} else if (!talk(x, &talker[i], i, &rng)) {
			leave(x, i);
			settle(x); /* its place is free for the next */
		}
		if (rng_below(&rng, 4)) /* or else it comes late */
			settle(x);
	}
	free(talker);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(test_requests),
		CASE(test_turns),
		CASE(test_half_close),
		CASE(test_binary),
		CASE(test_no_memory),
		CASE(test_long_request),
		CASE(test_endless_request),
		CASE(test_too_many),
		CASE(test_thousand),
		CASE(test_no_descriptor),
		CASE(test_slow_reader),
		CASE(test_no_reader),
		CASE(test_closed_amid),
		CASE(test_half_request),
		CASE(test_answer_takes_long),
		CASE(test_answer_not_taken),
		CASE(test_idle),
		CASE(test_hand_over),
		CASE(test_hand_over_many),
		CASE(test_hand_over_late),
		CASE(test_no_heritage),
		CASE(test_hand_over_half_closed),
		CASE(test_other_files),
		CASE(test_others_socket),
		CASE(test_mode),
		CASE(test_last_words),
		CASE(test_no_last_words),
		CASE(test_not_ours),
		CASE(test_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
