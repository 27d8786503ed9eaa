/* SPDX-License-Identifier: BSD-2-Clause */
/* See server_socket.h. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "log.h"
#include "server_socket.h"

#define BACKLOG 64 /* connect() waits, beyond */

static int set_address(struct sockaddr_un *address, const char *path)
{
	address->sun_family = AF_UNIX;
	/* An empty one would be a name outside of the file system, unix(7). */
	if (*path && strlen(path) < sizeof(address->sun_path)) {
		strcpy(address->sun_path, path);
		return 0;
	}
	log_err("control socket: '%s': a path of 1 to %zu bytes is allowed",
		path, sizeof(address->sun_path) - 1);
	return -ENAMETOOLONG;
}

/* Make the path free, unless it is somebody's. */
static int clear_path(const struct sockaddr_un *address)
{
	autoclean(close_fd) int fd = -1;
	struct stat st;

	if (lstat(address->sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)) ||
	    errno == EAGAIN) /* its queue is full */
		return -EADDRINUSE;
	if (errno == ECONNREFUSED && !unlink(address->sun_path))
		return 0;
	return errno == ENOENT ? 0 : -errno; /* its owner was faster */
}

static int bind_and_listen(struct server_socket *s,
			   const struct sockaddr_un *address, unsigned int mode)
{
	struct stat st;
	mode_t mask;
	int r;

	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return -errno;
	/* Nobody may connect before the mode is right. */
	mask = umask(0777);
	r = bind(s->fd, (const struct sockaddr *)address, sizeof(*address)) ?
		    -errno : 0;
	umask(mask);
	if (r)
		return r;
	if (lstat(address->sun_path, &st) ||
	    chmod(address->sun_path, mode) || listen(s->fd, BACKLOG)) {
		r = -errno;
		unlink(address->sun_path);
		return r;
	}
	s->dev = st.st_dev;
	s->inode = st.st_ino;
	return 0;
}

int server_socket_open(struct server_socket *s, const char *path,
		       unsigned int mode)
{
	struct sockaddr_un address = { 0 };
	int r;

	*s = (struct server_socket){ .path = path, .fd = -1 };
	r = set_address(&address, path);
	if (r)
		return r;
	r = clear_path(&address);
	if (!r)
		r = bind_and_listen(s, &address, mode);
	if (r && r != -EADDRINUSE)
		log_err("control socket: %s: %s", path, r == -EEXIST ?
			"it is no socket, and stays: remove it" : strerror(-r));
	return r;
}

void server_socket_close(struct server_socket *s)
{
	close_fd(&s->fd);
	s->fd = -1;
}

void server_socket_remove(const struct server_socket *s)
{
	struct stat st;

	if (s->inode && !lstat(s->path, &st) && st.st_dev == s->dev &&
	    st.st_ino == s->inode)
		unlink(s->path);
}
