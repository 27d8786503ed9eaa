/* SPDX-License-Identifier: BSD-2-Clause */
/* See metrics.h: the file, which is always whole. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "metrics.h"

/* What is to be written, in memory: so an error is known with its number. */
static int print_text(const struct metrics *m, char **text, size_t *len)
{
	FILE *stream = open_memstream(text, len);
	bool failed;

	if (!stream)
		return -ENOMEM;
	metrics_print(m, stream);
	failed = ferror(stream);
	if (fclose(stream))
		failed = true;
	return failed || !*len ? -ENOMEM : 0;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* One of this name is what a process that was killed has left behind. */
static int write_file(const char *path, const char *text, size_t len)
{
	int fd, r;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	r = fchmod(fd, 0644) ? -errno : write_all(fd, text, len);
	if (close(fd) && !r) /* some file systems tell it only now */
		r = -errno;
	return r;
}

/* /dev/stdout may be meant well; root would replace it for everybody. */
static int check_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) || S_ISREG(st.st_mode))
		return 0;
	return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
}

int metrics_write(const struct metrics *m, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	autoclean(free_ptr) char *text = NULL;
	autoclean(free_ptr) char *hidden = NULL;
	size_t len;
	int r = check_path(path);

	if (!r)
		r = print_text(m, &text, &len);
	if (r)
		return r;
	if (asprintf(&hidden, "%.*s.%s.%d.tmp", (int)(base - path), path, base,
		     (int)getpid()) < 0) {
		hidden = NULL; /* asprintf(3): undefined */
		return -ENOMEM;
	}
	r = write_file(hidden, text, len);
	if (!r && rename(hidden, path))
		r = -errno;
	if (r)
		unlink(hidden);
	return r;
}
