/* SPDX-License-Identifier: BSD-2-Clause */
/* See ctl_client.h. Which socket it is, is ctl_find.c's matter. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base.h"
#include "clock.h"
#include "ctl_client.h"
#include "ctl_find.h"
#include "log.h"

/* A reload may have to ask for the addresses of hosts. */
#define ANSWER_S 30
#define ANSWER_BYTES_MAX (64u << 20)
#define READ_BYTES 16384
#define PAUSE_MS 100 /* between two looks for a signal */

struct ctl_client {
	char *path;
	int fd; /* -1: not connected */
	bool hushed;
};

/* What is read, until a line is whole. */
struct input {
	char *bytes;
	size_t len, room;
};

/* ---- the connection ---- */

/* Not among the three that a program may find closed: what is printed must not
 * go to the bridge. */
static int open_socket(void)
{
	const struct timeval timeout = { .tv_sec = ANSWER_S };
	autoclean(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC,
					    0);
	int above;

	/* connect() to a full backlog waits so long: socket(7). */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout,
				 sizeof(timeout)))
		return -errno;
	above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return above < 0 ? -errno : above;
}

static void disconnect(struct ctl_client *c)
{
	close_fd(&c->fd);
	c->fd = -1;
}

static int connect_to(struct ctl_client *c)
{
	struct sockaddr_un address;
	int r = ctl_find_address(c->path, &address);

	if (!r) {
		c->fd = open_socket();
		r = c->fd < 0 ? c->fd : 0;
	}
	while (!r && connect(c->fd, (const struct sockaddr *)&address,
			     sizeof(address)))
		if (errno != EINTR)
			r = errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (!r)
		return 0;
	disconnect(c);
	if (!c->hushed)
		ctl_find_explain(c->path, r);
	return r;
}

/* A bridge ends connections on which nothing was asked for long. */
static bool has_hung_up(const struct ctl_client *c)
{
	char byte;
	ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n >= 0 || (errno != EAGAIN && errno != EINTR);
}

int ctl_client_open(struct ctl_client **clientp, const char *socket_name)
{
	struct ctl_client *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		log_err("%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	c->fd = -1;
	r = ctl_find(&c->path, socket_name);
	if (!r)
		r = connect_to(c);
	if (r)
		ctl_client_close(c);
	else
		*clientp = c;
	return r;
}

void ctl_client_close(struct ctl_client *c)
{
	if (!c)
		return;
	close_fd(&c->fd);
	free(c->path);
	free(c);
}

void ctl_client_hush(struct ctl_client *c)
{
	c->hushed = true;
}

/* ---- a line there, a line back ---- */

/* Who reads signals from a descriptor has blocked them: one that is to end the
 * program waits here. */
static bool end_is_pending(void)
{
	sigset_t set;

	return !sigpending(&set) &&
	       (sigismember(&set, SIGINT) > 0 ||
		sigismember(&set, SIGTERM) > 0 || sigismember(&set, SIGHUP) > 0);
}

static int wait_until(const struct ctl_client *c, short events, uint64_t end_ns)
{
	struct pollfd pfd = { .fd = c->fd, .events = events };

	while (poll(&pfd, 1, PAUSE_MS) <= 0) {
		if (end_is_pending())
			return -EINTR;
		if (clock_now_ns() >= end_ns)
			return -ETIMEDOUT;
	}
	return 0;
}

static int send_all(const struct ctl_client *c, const char *text, size_t len,
		    uint64_t end_ns)
{
	while (len) {
		int r = wait_until(c, POLLOUT, end_ns);
		ssize_t n;

		if (r)
			return r;
		n = send(c->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		/* What refuses a client says why before it closes. */
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return 0;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int make_room(struct input *in)
{
	size_t room = in->room ? in->room * 2 : READ_BYTES;
	char *bytes;

	if (in->len < in->room)
		return 0;
	if (room > ANSWER_BYTES_MAX)
		return -EBADMSG;
	bytes = realloc(in->bytes, room);
	if (!bytes)
		return -ENOMEM;
	in->bytes = bytes;
	in->room = room;
	return 0;
}

/* Take what is there, but no byte behind the newline: it may belong to somebody
 * else. Whether that has come; -errno. */
static int receive_some(const struct ctl_client *c, struct input *in)
{
	char *to = in->bytes + in->len;
	const char *end;
	ssize_t n = recv(c->fd, to, in->room - in->len, MSG_DONTWAIT | MSG_PEEK);

	if (n > 0) {
		end = memchr(to, '\n', (size_t)n);
		n = recv(c->fd, to, end ? (size_t)(end - to) + 1 : (size_t)n,
			 MSG_DONTWAIT);
	}
	if (!n)
		return -ECONNRESET;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	in->len += (size_t)n;
	return in->bytes[in->len - 1] == '\n';
}

/* Its length without the newline is in->len. */
static int receive_line(const struct ctl_client *c, struct input *in,
			uint64_t end_ns)
{
	for (;;) {
		int r = make_room(in);

		if (!r)
			r = wait_until(c, POLLIN, end_ns);
		/* A byte now and then is no answer in time. */
		if (!r && clock_now_ns() >= end_ns)
			r = -ETIMEDOUT;
		if (!r)
			r = receive_some(c, in);
		if (r < 0)
			return r;
		if (r) {
			in->len--;
			return 0;
		}
	}
}

static int exchange(const struct ctl_client *c, const char *line,
		    struct input *in)
{
	const uint64_t end_ns = clock_now_ns() + ANSWER_S * NS_PER_SEC;
	int r = send_all(c, line, strlen(line), end_ns);

	if (!r)
		r = send_all(c, "\n", 1, end_ns);
	return r ? r : receive_line(c, in, end_ns);
}

/* ---- the answer ---- */

static int complain(const struct ctl_client *c, int error)
{
	if (c->hushed)
		return error;
	if (error == -ECONNRESET)
		log_err("%s: the bridge went away before it had answered",
			c->path);
	else if (error == -ETIMEDOUT)
		log_err("%s: no answer within %d s: is the bridge stopped, or "
			"the machine too busy?", c->path, ANSWER_S);
	else if (error == -EBADMSG)
		log_err("%s: what came is no answer: is that a bumpwire?",
			c->path);
	else
		log_err("%s: %s", c->path, strerror(-error));
	return error;
}

/* What the bridge has to say against it: lines of its log, which have the
 * reason, or just that. */
static int refused(const struct ctl_client *c, const json_t *answer)
{
	const json_t *mistakes = json_object_get(answer, "mistakes"), *one;
	const char *error = json_string_value(json_object_get(answer, "error"));
	size_t i;

	if (c->hushed)
		return -EPROTO;
	json_array_foreach(mistakes, i, one)
		if (json_string_value(one))
			log_err("%s", json_string_value(one));
	if (!json_array_size(mistakes))
		log_err("%s", error ? error : "refused, without a reason");
	return -EPROTO;
}

static int take_answer(const struct ctl_client *c, const struct input *in,
		       json_t **result)
{
	json_t *answer = json_loadb(in->bytes, in->len, 0, NULL);
	json_t *ok = json_object_get(answer, "ok");
	json_t *value = json_object_get(answer, "result");
	int r = -EBADMSG;

	if (json_is_true(ok) && json_is_object(value)) {
		*result = json_incref(value);
		r = 0;
	} else if (json_is_false(ok)) {
		r = refused(c, answer);
	}
	json_decref(answer);
	return r;
}

int ctl_client_ask(struct ctl_client *c, const json_t *request,
		   json_t **result)
{
	autoclean(free_ptr) char *line = json_dumps(request, JSON_COMPACT);
	struct input in = { 0 };
	int r = 0;

	if (!line)
		return complain(c, -ENOMEM);
	if (c->fd >= 0 && has_hung_up(c))
		disconnect(c);
	if (c->fd < 0)
		r = connect_to(c);
	if (r)
		return r;
	r = exchange(c, line, &in);
	if (!r)
		r = take_answer(c, &in, result);
	free(in.bytes);
	if (!r || r == -EPROTO)
		return r;
	/* What may still come belongs to no question. */
	disconnect(c);
	return complain(c, r);
}

int ctl_client_stream(struct ctl_client *c, const json_t *request)
{
	json_t *result;
	int r = ctl_client_ask(c, request, &result);

	if (r)
		return r;
	json_decref(result);
	return c->fd;
}
