/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See notify.h. The protocol is sd_notify(3)'s; its section on standalone
 * implementations allows just this, without libsystemd.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "clock.h"
#include "log.h"
#include "notify.h"

#define STATUS_BYTES 512 /* a longer one is cut */
#define NEWS_BYTES (STATUS_BYTES + 128)

/* A path, or a name in the abstract space, which has no NUL at its end. */
static int connect_to(int fd, const char *name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = strlen(name);

	if ((*name != '/' && *name != '@') || len < 2)
		return -EAFNOSUPPORT; /* vsock: is for virtual machines */
	if (len >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, name, len);
	if (*name == '@')
		to.sun_path[0] = '\0';
	len += offsetof(struct sockaddr_un, sun_path) + (*name == '/');
	return connect(fd, (struct sockaddr *)&to, (socklen_t)len) ? -errno : 0;
}

static int open_socket(const char *name)
{
	/* A service manager that hangs must not hang us, too. */
	const struct timeval patience = { .tv_sec = 1 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0) {
		log_warn("NOTIFY_SOCKET: %s", strerror(errno));
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	r = connect_to(fd, name);
	if (!r)
		return fd;
	log_warn("NOTIFY_SOCKET=%s: %s; the service manager will not hear "
		 "from this process", name, strerror(-r));
	close(fd);
	return -1;
}

/* A number, all of it, above 0; otherwise 0. */
static uint64_t number(const char *text)
{
	char *end;
	uint64_t n;

	if (!text || *text < '0' || *text > '9')
		return 0;
	errno = 0;
	n = strtoull(text, &end, 10);
	return errno || *end ? 0 : n;
}

/* WATCHDOG_PID tells whom it is meant for: it might be our parent. */
static uint64_t watchdog_period_ns(void)
{
	const char *pid = getenv("WATCHDOG_PID");
	uint64_t us = number(getenv("WATCHDOG_USEC"));

	if (pid && number(pid) != (uint64_t)getpid())
		return 0;
	return us > UINT64_MAX / NS_PER_US ? 0 : us * NS_PER_US;
}

void notify_open(struct notify *n)
{
	const char *name = getenv("NOTIFY_SOCKET");

	n->fd = name && *name ? open_socket(name) : -1;
	n->watchdog_ns = n->fd < 0 ? 0 : watchdog_period_ns();
	/* They are for this process, not for what it may start. */
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

static void send_news(struct notify *n, const char *news, size_t len, int flags)
{
	if (n->fd < 0)
		return;
	if (send(n->fd, news, len, MSG_NOSIGNAL | flags) < 0)
		log_debug("service manager: not told '%.*s': %s",
			  (int)strcspn(news, "\n"), news, strerror(errno));
}

/* "READY=1\n", or nothing, and the status, in one datagram. */
static void send_status(struct notify *n, const char *news, const char *status,
			int flags)
{
	char text[NEWS_BYTES];
	size_t news_len = strlen(news);
	int len;

	len = snprintf(text, sizeof(text), "%s%s%.*s%s", news,
		       status ? "STATUS=" : "", STATUS_BYTES,
		       status ? status : "", status ? "\n" : "");
	/* A newline within would begin another variable. */
	for (char *c = text + news_len; *c && c[1]; c++)
		if (*c == '\n')
			*c = ' ';
	send_news(n, text, (size_t)len, flags);
}

void notify_ready(struct notify *n, const char *status)
{
	send_status(n, "READY=1\n", status, 0);
}

void notify_status(struct notify *n, const char *status)
{
	if (status)
		send_status(n, "", status, MSG_DONTWAIT);
}

void notify_reloading(struct notify *n)
{
	char text[NEWS_BYTES];
	int len;

	len = snprintf(text, sizeof(text),
		       "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n",
		       clock_now_ns() / NS_PER_US);
	send_news(n, text, (size_t)len, 0);
}

void notify_stopping(struct notify *n, const char *status)
{
	send_status(n, "STOPPING=1\n", status, 0);
}

void notify_watchdog(struct notify *n)
{
	static const char news[] = "WATCHDOG=1\n";

	send_news(n, news, sizeof(news) - 1, MSG_DONTWAIT);
}

void notify_close(struct notify *n)
{
	close_fd(&n->fd);
	n->fd = -1;
	n->watchdog_ns = 0;
}
