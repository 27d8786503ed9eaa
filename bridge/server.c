/* SPDX-License-Identifier: BSD-2-Clause */
/* See server.h. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "clock.h"
#include "log.h"
#include "server.h"
#include "server_socket.h"

/* Of a program: a request that is begun is there in a moment, an answer is
 * taken at once. Longer than this, somebody holds a place for nothing. */
#define PATIENCE_NS (10 * NS_PER_SEC)
#define IDLE_NS (600 * NS_PER_SEC) /* of a person who types requests */
#define LAST_WORDS_MS 200	   /* a stop must not wait for a client */
#define EVENTS_MAX 16		   /* a turn: then the control thread's others */
#define READ_BYTES 4096		   /* to begin with: most requests are short */

#define AS_TEXT(number) #number
#define TEXT(number) AS_TEXT(number)
#define ERROR_LINE(why) "{\"ok\":false,\"error\":\"" why "\"}\n"

/* Either it is read from, or an answer is under way, never both: so it costs no
 * more than one request and one answer, however much it sends. */
struct client {
	int fd; /* -1: the place is free */
	char *in;
	size_t in_len, in_room;
	char *out; /* NULL: none under way */
	size_t out_len, out_sent;
	bool ended;	   /* it sends no more */
	bool leaves;	   /* closed once the answer is out */
	struct server_heir heir; /* or it is his, then */
	uint64_t since_ns; /* when it last got on */
};

struct server {
	struct server_params params;
	int epoll_fd;
	struct server_socket socket;
	uint64_t now_ns;
	bool deaf; /* no descriptor was left for another client */
	struct client client[SERVER_CLIENTS_MAX];
};

/* Deaf, it does not see who wants to connect. */
static void set_deaf(struct server *s, bool deaf)
{
	struct epoll_event event = { .events = deaf ? 0 : EPOLLIN };

	if (deaf != s->deaf)
		epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, s->socket.fd, &event);
	s->deaf = deaf;
}

/* ---- clients ---- */

/* Its place is free for another one. */
static void client_forget(struct server *s, struct client *c)
{
	free(c->in);
	free(c->out);
	memset(c, 0, sizeof(*c));
	c->fd = -1;
	set_deaf(s, false);
}

static void client_close(struct server *s, struct client *c)
{
	if (c->fd < 0)
		return;
	if (c->heir.take)
		c->heir.take(c->heir.arg, -1);
	close(c->fd);
	client_forget(s, c);
}

/* The answer is out, and nothing of ours will follow it. What else the client
 * has sent is not looked at. */
static void client_hand_over(struct server *s, struct client *c)
{
	const struct server_heir heir = c->heir;
	int fd = c->fd;

	/* It is not closed, which alone would take it out. */
	epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	client_forget(s, c);
	heir.take(heir.arg, fd);
}

/* Wait for what is to be done next. */
static void client_watch(struct server *s, struct client *c)
{
	struct epoll_event event = {
		.events = c->out ? EPOLLOUT : EPOLLIN,
		.data.ptr = c,
	};

	epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

static void client_answer(struct server *s, struct client *c, char *text)
{
	if (!text) {
		client_close(s, c);
		return;
	}
	c->out = text;
	c->out_len = strlen(text);
	c->out_sent = 0;
	client_watch(s, c);
}

/* The next whole line, if there is one: its length, or -1. What is left at the
 * end of what a client sends is a line, too. */
static ssize_t next_line(const struct client *c)
{
	const char *end = c->in ? memchr(c->in, '\n', c->in_len) : NULL;

	if (end)
		return end - c->in;
	return c->ended && c->in_len ? (ssize_t)c->in_len : -1;
}

/* An answer may take long, as that of a reload does whose filters name hosts.
 * Nobody else could get on meanwhile: no client's patience is shorter for it. */
static void pass_over(struct server *s)
{
	uint64_t now_ns = clock_now_ns();

	for (int i = 0; i < SERVER_CLIENTS_MAX; i++)
		s->client[i].since_ns += now_ns - s->now_ns;
	s->now_ns = now_ns;
}

/* One request, if one is there and the one before is answered. */
static void client_serve(struct server *s, struct client *c)
{
	static const char too_long[] =
		ERROR_LINE("a request is a line of at most "
			   TEXT(SERVER_REQUEST_BYTES) " bytes");
	ssize_t len = c->out ? -1 : next_line(c);
	size_t used;
	char *text;

	if (len < 0) {
		if (!c->out && c->in_len >= SERVER_REQUEST_BYTES) {
			c->leaves = true;
			client_answer(s, c, strdup(too_long));
		} else if (!c->out && c->ended) {
			client_close(s, c);
		}
		return;
	}
	c->in[len] = '\0'; /* there is room for it: see make_room() */
	text = s->params.answer(s->params.arg, c->in, (size_t)len, &c->heir);
	used = (size_t)len < c->in_len ? (size_t)len + 1 : c->in_len;
	memmove(c->in, c->in + used, c->in_len - used);
	c->in_len -= used;
	c->since_ns = s->now_ns;
	pass_over(s);
	client_answer(s, c, text);
}

static bool make_room(struct client *c)
{
	size_t room = c->in_room ? c->in_room * 2 : READ_BYTES;
	char *in;

	if (c->in_len < c->in_room)
		return true;
	in = realloc(c->in, room + 1);
	if (!in)
		return false;
	c->in = in;
	c->in_room = room;
	return true;
}

static void client_read(struct server *s, struct client *c)
{
	ssize_t n;

	if (!make_room(c)) {
		client_close(s, c);
		return;
	}
	n = recv(c->fd, c->in + c->in_len, c->in_room - c->in_len, 0);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			client_close(s, c);
		return;
	}
	if (!c->in_len) /* the patience is for a whole request */
		c->since_ns = s->now_ns;
	c->ended = !n;
	c->in_len += (size_t)n;
	client_serve(s, c);
}

static void client_write(struct server *s, struct client *c)
{
	ssize_t n = send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent,
			 MSG_NOSIGNAL);

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			client_close(s, c);
		return;
	}
	c->since_ns = s->now_ns;
	c->out_sent += (size_t)n;
	if (c->out_sent < c->out_len)
		return;
	free(c->out);
	c->out = NULL;
	if (c->leaves) {
		client_close(s, c);
		return;
	}
	if (c->heir.take) {
		client_hand_over(s, c);
		return;
	}
	client_watch(s, c);
	/* The next request may be here already, and nothing more to read. */
	client_serve(s, c);
}

/* ---- connections ---- */

static struct client *free_place(struct server *s)
{
	for (int i = 0; i < SERVER_CLIENTS_MAX; i++)
		if (s->client[i].fd < 0)
			return &s->client[i];
	return NULL;
}

static void turn_away(int fd)
{
	static const char text[] =
		ERROR_LINE("too many clients: at most "
			   TEXT(SERVER_CLIENTS_MAX));

	/* A new socket has room for it. */
	if (send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("control socket: %s", strerror(errno));
	close(fd);
}

static void take_client(struct server *s)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct client *c = free_place(s);
	int fd = accept4(s->socket.fd, NULL, NULL,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) {
		/* It stays there, and epoll would tell again at once: not
		 * before a client leaves, or the next tick. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS)
			set_deaf(s, true);
		return;
	}
	if (!c) {
		turn_away(fd);
		return;
	}
	event.data.ptr = c;
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event)) {
		close(fd);
		return;
	}
	memset(c, 0, sizeof(*c));
	c->fd = fd;
	c->since_ns = s->now_ns;
}

void server_run(struct server *s)
{
	struct epoll_event event[EVENTS_MAX];
	int n = epoll_wait(s->epoll_fd, event, EVENTS_MAX, 0);

	s->now_ns = clock_now_ns();
	for (int i = 0; i < n; i++) {
		struct client *c = event[i].data.ptr;

		if (!c)
			take_client(s);
		else if (c->fd >= 0 && c->out)
			client_write(s, c);
		else if (c->fd >= 0)
			client_read(s, c);
	}
}

void server_tick(struct server *s, uint64_t now_ns)
{
	for (int i = 0; i < SERVER_CLIENTS_MAX; i++) {
		struct client *c = &s->client[i];
		bool busy = c->out || c->in_len;

		if (c->fd >= 0 && now_ns > c->since_ns &&
		    now_ns - c->since_ns > (busy ? PATIENCE_NS : IDLE_NS))
			client_close(s, c);
	}
	set_deaf(s, false);
}

/* ---- the whole ---- */

static int open_all(struct server *s)
{
	struct epoll_event event = { .events = EPOLLIN };
	int r;

	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll_fd < 0) {
		r = -errno;
		log_err("control socket: %s: %s", s->params.path, strerror(-r));
		return r;
	}
	r = server_socket_open(&s->socket, s->params.path, s->params.mode);
	if (!r && epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->socket.fd, &event)) {
		r = -errno;
		log_err("control socket: %s: %s", s->params.path, strerror(-r));
	}
	return r;
}

int server_open(struct server **serverp, const struct server_params *p)
{
	struct server *s = calloc(1, sizeof(*s));
	int r;

	if (!s) {
		log_err("control socket: %s: no memory", p->path);
		return -ENOMEM;
	}
	s->params = *p;
	s->epoll_fd = s->socket.fd = -1;
	for (int i = 0; i < SERVER_CLIENTS_MAX; i++)
		s->client[i].fd = -1;
	r = open_all(s);
	if (r)
		server_close(s);
	else
		*serverp = s;
	return r;
}

int server_fd(const struct server *s)
{
	return s->epoll_fd;
}

static bool is_answering(const struct server *s)
{
	for (int i = 0; i < SERVER_CLIENTS_MAX; i++)
		if (s->client[i].out)
			return true;
	return false;
}

/* Nothing is asked any more: what would answer may be gone. */
static void say_last_words(struct server *s)
{
	uint64_t until_ns = clock_now_ns() + LAST_WORDS_MS * NS_PER_MS;
	struct pollfd pfd = { .fd = s->epoll_fd, .events = POLLIN };

	server_socket_close(&s->socket);
	for (int i = 0; i < SERVER_CLIENTS_MAX; i++)
		if (s->client[i].out)
			s->client[i].leaves = true;
		else
			client_close(s, &s->client[i]);
	while (is_answering(s) && clock_now_ns() < until_ns) {
		poll(&pfd, 1, LAST_WORDS_MS / 10);
		server_run(s);
	}
}

void server_close(struct server *s)
{
	if (!s)
		return;
	if (s->socket.inode) {
		say_last_words(s);
		server_socket_remove(&s->socket);
	}
	for (int i = 0; i < SERVER_CLIENTS_MAX; i++)
		client_close(s, &s->client[i]);
	server_socket_close(&s->socket);
	close_fd(&s->epoll_fd);
	free(s);
}
