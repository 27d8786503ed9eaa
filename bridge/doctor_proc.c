/* SPDX-License-Identifier: BSD-2-Clause */
/* See doctor_proc.h. */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "doctor_proc.h"

#define PATH_BYTES 256

static int read_file(const char *path, char *text, size_t size)
{
	autoclean(close_fd) int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t len = 0;
	ssize_t n;

	text[0] = '\0';
	if (fd < 0)
		return -errno;
	do {
		n = read(fd, text + len, size - 1 - len);
		if (n < 0)
			return -errno;
		len += (size_t)n;
	} while (n && len < size - 1);
	text[len] = '\0';
	return (int)len;
}

int doctor_proc_text(char *text, size_t size, const char *fmt, ...)
{
	char path[PATH_BYTES];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	text[0] = '\0';
	return (size_t)n < sizeof(path) ? read_file(path, text, size) :
					  -ENAMETOOLONG;
}

int doctor_proc_number(long long *value, const char *fmt, ...)
{
	char path[PATH_BYTES], text[64], *end;
	long long number;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	if ((size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	n = read_file(path, text, sizeof(text));
	if (n < 0)
		return n;
	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno || end == text)
		return -EBADMSG;
	*value = number;
	return 0;
}

int doctor_proc_write(const char *path, long long value)
{
	autoclean(close_fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
	char text[32];
	ssize_t n;
	int len;

	if (fd < 0)
		return -errno;
	len = snprintf(text, sizeof(text), "%lld\n", value);
	n = write(fd, text, (size_t)len);
	return n == len ? 0 : n < 0 ? -errno : -EIO;
}

bool doctor_proc_value(const char *text, const char *key, char separator,
		       char *value, size_t size)
{
	size_t len = strlen(key);

	value[0] = '\0';
	for (const char *line = text; line; line = strchr(line, '\n')) {
		size_t n;

		line += *line == '\n';
		if (strncmp(line, key, len))
			continue;
		line += len;
		line += strspn(line, " \t");
		if (*line != separator)
			continue;
		line++;
		line += strspn(line, " \t");
		n = strcspn(line, "\n");
		while (n && isspace((unsigned char)line[n - 1]))
			n--;
		snprintf(value, size, "%.*s", (int)n, line);
		return true;
	}
	return false;
}

unsigned int doctor_proc_version(const char *release)
{
	unsigned int major, minor;

	if (sscanf(release, "%3u.%3u", &major, &minor) != 2 || minor > 99)
		return 0;
	return major * 100 + minor;
}

bool doctor_proc_bit(const char *mask, unsigned int n)
{
	return n < 64 && strtoull(mask, NULL, 16) >> n & 1;
}

static bool is_elsewhere(int proc, const char *pid)
{
	struct stat own, its;
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%.16s/ns/net", pid);
	return !stat("/proc/thread-self/ns/net", &own) &&
	       !fstatat(proc, path, &its, 0) && own.st_ino != its.st_ino;
}

int doctor_proc_find(const char *comm)
{
	DIR *list = opendir("/proc");
	const struct dirent *entry;
	int found = 0;

	while (list && !found && (entry = readdir(list))) {
		char text[32];
		int pid = atoi(entry->d_name);

		if (pid <= 0 ||
		    doctor_proc_text(text, sizeof(text), "/proc/%d/comm",
				     pid) <= 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		if (!strcmp(text, comm) &&
		    !is_elsewhere(dirfd(list), entry->d_name))
			found = pid;
	}
	if (list)
		closedir(list);
	return found;
}
