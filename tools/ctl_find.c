/* SPDX-License-Identifier: BSD-2-Clause */
/* See ctl_find.h. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "ctl_find.h"
#include "log.h"
#include "suggest.h"

#define RUN_DIR "/run/bumpwire"
#define SUFFIX ".sock"
#define NAMES_BYTES 512 /* of names in a message */

static const char *run_dir(void)
{
	const char *dir = getenv("BUMPWIRE_RUN");

	return dir && *dir ? dir : RUN_DIR;
}

int ctl_find_address(const char *path, struct sockaddr_un *address)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	strcpy(address->sun_path, path);
	return 0;
}

/* ---- the sockets that are there ---- */

struct sockets {
	struct dirent **entry;
	int n;
};

static int is_socket(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > strlen(SUFFIX) &&
	       !strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX) &&
	       (entry->d_type == DT_SOCK || entry->d_type == DT_UNKNOWN);
}

/* By name. A folder that is not there has none. 0, or -errno (logged). */
static int sockets_init(struct sockets *s)
{
	s->n = scandir(run_dir(), &s->entry, is_socket, alphasort);
	if (s->n >= 0)
		return 0;
	s->n = 0;
	s->entry = NULL;
	if (errno == ENOENT || errno == ENOTDIR)
		return 0;
	log_err("%s: %s", run_dir(), strerror(errno));
	return -errno;
}

static void sockets_fini(struct sockets *s)
{
	while (s->n)
		free(s->entry[--s->n]);
	free(s->entry);
}

/* Names of bridges, cut off their files' names, as "lan, wan". */
static const char *sockets_names(const struct sockets *s,
				 char buf[NAMES_BYTES])
{
	size_t n = 0;

	*buf = '\0';
	for (int i = 0; i < s->n && n < NAMES_BYTES; i++) {
		const char *name = s->entry[i]->d_name;

		n += (size_t)snprintf(buf + n, NAMES_BYTES - n, "%s%.*s",
				      i ? ", " : "",
				      (int)(strlen(name) - strlen(SUFFIX)),
				      name);
	}
	return buf;
}

static int path_of(char **pathp, const char *name, const char *suffix)
{
	if (asprintf(pathp, "%s/%s%s", run_dir(), name, suffix) >= 0)
		return 0;
	*pathp = NULL;
	return -ENOMEM;
}

/* One that nobody listens on was left by a bridge that was killed. */
static bool is_dead(const char *path)
{
	struct sockaddr_un address;
	autoclean(close_fd) int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd >= 0 && !ctl_find_address(path, &address) &&
	       connect(fd, (const struct sockaddr *)&address,
		       sizeof(address)) &&
	       errno == ECONNREFUSED;
}

/* ---- which one ---- */

/* Take out those that are dead; how many are left. */
static int sockets_bury(struct sockets *s)
{
	int alive = 0;

	for (int i = 0; i < s->n; i++) {
		autoclean(free_ptr) char *path = NULL;

		if (!path_of(&path, s->entry[i]->d_name, "") && is_dead(path))
			free(s->entry[i]);
		else
			s->entry[alive++] = s->entry[i];
	}
	s->n = alive;
	return alive;
}

/* Of several the only one that is alive. */
static int choose(char **pathp, struct sockets *s)
{
	char names[NAMES_BYTES];

	sockets_names(s, names);
	if (!s->n) {
		log_err("no bumpwire is running (no socket in %s)", run_dir());
		return -ENOENT;
	}
	if (s->n > 1 && !sockets_bury(s)) {
		log_err("no bumpwire is running: nobody listens any more at "
			"the sockets in %s: %s", run_dir(), names);
		return -ECONNREFUSED;
	}
	if (s->n == 1)
		return path_of(pathp, s->entry[0]->d_name, "");
	log_err("several bumpwires are running: %s: say which one by -s NAME",
		sockets_names(s, names));
	return -ENOTUNIQ;
}

static int find_name(char **pathp, const struct sockets *s, const char *name)
{
	char names[NAMES_BYTES], near[NAMES_BYTES];
	struct suggest suggest = { .wrong = name };
	struct stat st;
	int r = path_of(pathp, name, SUFFIX);

	/* One that may not be looked at is told of by connect(). */
	if (r || !stat(*pathp, &st) || errno != ENOENT)
		return r;
	sockets_names(s, names);
	strcpy(near, names);
	for (char *rest, *one = strtok_r(near, ", ", &rest); one;
	     one = strtok_r(NULL, ", ", &rest))
		suggest_offer(&suggest, one);
	if (suggest.best)
		log_err("no bumpwire called '%s' is running; did you mean %s?",
			name, suggest.best);
	else if (s->n)
		log_err("no bumpwire called '%s' is running; these are: %s",
			name, names);
	else
		log_err("no bumpwire called '%s' is running (no socket in %s)",
			name, run_dir());
	return -ENOENT;
}

int ctl_find(char **pathp, const char *socket_or_name)
{
	struct sockets sockets;
	int r;

	*pathp = NULL;
	if (socket_or_name && strchr(socket_or_name, '/')) {
		*pathp = strdup(socket_or_name);
		return *pathp ? 0 : -ENOMEM;
	}
	r = sockets_init(&sockets);
	if (r)
		return r;
	r = socket_or_name ? find_name(pathp, &sockets, socket_or_name) :
			     choose(pathp, &sockets);
	sockets_fini(&sockets);
	if (r) {
		free(*pathp);
		*pathp = NULL;
	}
	return r;
}

/* ---- why not ---- */

/* Who may write to it may connect: unix(7). */
static void explain_denied(const char *path)
{
	char user[64], group[64];
	const struct passwd *pw;
	const struct group *gr;
	struct stat st;

	if (stat(path, &st)) {
		log_err("%s: permission denied: it lies in a folder that is "
			"not for you; try as root", path);
		return;
	}
	pw = getpwuid(st.st_uid);
	snprintf(user, sizeof(user), "%u", (unsigned int)st.st_uid);
	gr = getgrgid(st.st_gid);
	snprintf(group, sizeof(group), "%u", (unsigned int)st.st_gid);
	log_err("%s: permission denied: allowed are root, user %s%s%s", path,
		pw ? pw->pw_name : user,
		st.st_mode & S_IWGRP ? " and the members of group " : "",
		!(st.st_mode & S_IWGRP) ? "" : gr ? gr->gr_name : group);
}

void ctl_find_explain(const char *path, int error)
{
	struct stat st;

	switch (error) {
	case -EACCES:
	case -EPERM:
		explain_denied(path);
		break;
	case -ENOENT:
	case -ENOTDIR:
		log_err("%s: no such socket: no bumpwire is running there",
			path);
		break;
	case -ECONNREFUSED:
		/* connect() says the same of what is no socket. */
		if (!stat(path, &st) && !S_ISSOCK(st.st_mode))
			log_err("%s: no socket", path);
		else
			log_err("%s: nobody listens there any more: that "
				"bumpwire has ended; start it again, or "
				"remove the socket", path);
		break;
	case -EPROTOTYPE:
		log_err("%s: not a socket of bumpwire", path);
		break;
	case -ENAMETOOLONG:
		log_err("%s: a path of at most %zu bytes is allowed", path,
			sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
		break;
	case -ETIMEDOUT:
		log_err("%s: it takes no connection: is the bridge stopped, "
			"or the machine too busy?", path);
		break;
	default:
		log_err("%s: %s", path, strerror(-error));
	}
}
