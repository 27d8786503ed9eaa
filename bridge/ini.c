/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See ini.h. A text is read twice: by the strict scan of ini_scan.c, which
 * leaves a plain copy, and by iniparser from that copy in a memory file,
 * because it opens files by name only. Of iniparser only what takes no
 * shortcut is used: its typed getters crash on a key that is a section
 * (CVE-2023-33461), its dump functions overflow (CVE-2025-0633).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#ifdef HAVE_INIPARSER_INIPARSER_H
#include <iniparser/iniparser.h>
#else
#include <iniparser.h>
#endif

#include "ini.h"
#include "ini_scan.h"
#include "log.h"

enum {
	FILE_BYTES_MAX = 1 << 20,
};

/* A descriptor of a file in memory that holds text, or -errno. */
static int memory_file(const char *text, size_t len)
{
	/* Hosts may insist on MFD_NOEXEC_SEAL (8); before 6.3 it is unknown. */
	int fd = memfd_create("ini", MFD_CLOEXEC | 8u), r;
	ssize_t n;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("ini", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (; len; text += n, len -= n) {
		n = write(fd, text, len);
		if (n < 0) {
			r = -errno;
			close(fd);
			return r;
		}
	}
	return fd;
}

/* iniparser prints to stderr when not told otherwise. */
static int hush(const char *fmt, ...)
{
	(void)fmt;
	return 0;
}

static int compare(const struct ini *ini, const dictionary *d)
{
	char name[2 * INI_NAME_BYTES_MAX + 2];
	int r = 0, n = iniparser_getnsec(d);

	if (n < 0 || (size_t)n != ini->n_sections) {
		log_err("%s: iniparser reads %d sections, not %zu", ini->path,
			n, ini->n_sections);
		r = -EINVAL;
	}
	for (size_t i = 0; i < ini->n_entries; i++) {
		const struct ini_entry *e = &ini->entry[i];
		const char *other;

		snprintf(name, sizeof(name), "%s:%s", e->section, e->key);
		other = iniparser_getstring(d, name, NULL);
		if (other && !strcmp(other, e->value))
			continue;
		log_err("%s:%u: %s.%s: iniparser reads '%s', not '%s': another "
			"way to write it", ini->path, e->line, e->section,
			e->key, other ? other : "", e->value);
		r = -EINVAL;
	}
	return r;
}

/* The other reading: iniparser has to find the same. */
static int read_again(const struct ini *ini, const char *text, size_t len)
{
	autoclean(close_fd) int fd = memory_file(text, len);
	int r = fd < 0 ? fd : 0;
	char name[32];
	dictionary *d;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if (!r && access(name, R_OK))
		r = -errno;
	if (r) {
		log_err("%s: a copy for iniparser, by memfd_create and /proc: "
			"%s", ini->path, strerror(-r));
		return r;
	}
	iniparser_set_error_callback(hush);
	d = iniparser_load(name);
	iniparser_set_error_callback(NULL);
	if (!d)
		log_err("%s: iniparser refuses it", ini->path);
	r = d ? compare(ini, d) : -EINVAL;
	iniparser_freedict(d);
	return r;
}

int ini_parse(const char *path, const char *text, size_t len,
	      struct ini **inip)
{
	autoclean(free_ptr) char *copy = NULL;
	struct ini *ini;
	int r = -ENOMEM;

	if (len > FILE_BYTES_MAX) {
		log_err("%s: too large for a configuration: at most %d bytes",
			path, FILE_BYTES_MAX);
		return -EFBIG;
	}
	copy = malloc(len + 1); /* the last line may lack its LF */
	ini = calloc(1, sizeof(*ini));
	if (ini)
		ini->path = strdup(path);
	if (copy && ini && ini->path)
		r = ini_scan(ini, text, len, copy, &len);
	if (r == -ENOMEM)
		log_err("%s: %s", path, strerror(-r));
	if (!r)
		r = read_again(ini, copy, len);
	if (r)
		ini_free(ini);
	else
		*inip = ini;
	return r;
}

/* Read until the end or until size bytes; the number of bytes, or -errno. */
static ssize_t read_whole(const char *path, char *text, size_t size)
{
	/* O_NOCTTY: a terminal must not become ours by being named. */
	autoclean(close_fd) int fd = open(path,
					  O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t len = 0, n = fd < 0 ? -1 : 1;

	while (n > 0 && (size_t)len < size) {
		n = read(fd, text + len, size - len);
		len += n;
	}
	return n < 0 ? -errno : len;
}

int ini_read(const char *path, struct ini **inip)
{
	/* One byte more than is allowed, to see that there is more. */
	autoclean(free_ptr) char *text = malloc(FILE_BYTES_MAX + 1);
	ssize_t len = -ENOMEM;

	if (text)
		len = read_whole(path, text, FILE_BYTES_MAX + 1);
	if (len < 0) {
		log_err("%s: %s", path, strerror((int)-len));
		return (int)len;
	}
	return ini_parse(path, text, len, inip);
}

void ini_free(struct ini *ini)
{
	if (!ini)
		return;
	for (size_t i = 0; i < ini->n_entries; i++) {
		free(ini->entry[i].key);
		free(ini->entry[i].value);
	}
	for (size_t i = 0; i < ini->n_sections; i++)
		free(ini->section[i].name);
	free(ini->entry);
	free(ini->section);
	free(ini->path);
	free(ini);
}
