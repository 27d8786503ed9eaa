/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See tap_folder.h. All is done relative to the folder as it was opened. A .part
 * is locked while it is written (flock(2)), and a lock ends with its process:
 * so a crash's leftover can be told from another tap's file.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "log.h"
#include "tap_folder.h"

#define PART ".part"
#define MODE 0640
#define DATE_BYTES 14
#define DIGITS_MIN 5
/* More than NAME_MAX: what can be too long is a path that was asked for, and
 * tap_folder_open() refuses that. */
#define NAME_BYTES (2 * NAME_MAX + 64)

struct name {
	uint32_t number;
	char date[DATE_BYTES + 1];
};

struct tap_folder {
	char path[PATH_MAX]; /* of the file, for people */
	size_t base_at;      /* where its last component begins */
	char base[NAME_MAX + 1]; /* that of the path which was asked for */
	char stem[NAME_MAX + 1]; /* base without its suffix */
	const char *suffix;      /* in base */
	char current[NAME_BYTES];
	bool numbered;
	int fd;
	uint32_t keep;
	uint32_t last_number;
	/* Finished files with a number, from the oldest on. */
	struct name *kept;
	size_t n_kept, max_kept;
};

/* ---- names ---- */

static void date_of(char date[DATE_BYTES + 1], time_t when)
{
	struct tm tm = { 0 };

	localtime_r(&when, &tm);
	strftime(date, DATE_BYTES + 1, "%Y%m%d%H%M%S", &tm);
}

static void write_name(const struct tap_folder *folder, const struct name *name,
		       char to[NAME_BYTES])
{
	snprintf(to, NAME_BYTES, "%s_%05u_%s%s", folder->stem, name->number,
		 name->date, folder->suffix);
}

static bool all_digits(const char *text, size_t n)
{
	return strspn(text, "0123456789") >= n;
}

/* Whether an entry is one of ours with a number. */
static bool read_name(const struct tap_folder *folder, const char *entry,
		      struct name *name, bool *is_part)
{
	size_t n = strlen(folder->stem), m = strlen(folder->suffix);
	char *end;
	unsigned long number;

	if (strncmp(entry, folder->stem, n) || entry[n] != '_' ||
	    !all_digits(entry + n + 1, DIGITS_MIN))
		return false;
	number = strtoul(entry + n + 1, &end, 10);
	if (*end != '_' || number >= UINT32_MAX ||
	    !all_digits(end + 1, DATE_BYTES))
		return false;
	memcpy(name->date, end + 1, DATE_BYTES);
	name->date[DATE_BYTES] = '\0';
	end += 1 + DATE_BYTES;
	if (strncmp(end, folder->suffix, m))
		return false;
	end += m;
	name->number = (uint32_t)number;
	*is_part = !strcmp(end, PART);
	return *is_part || !*end;
}

static void part_of(const char *name, char part[NAME_BYTES])
{
	snprintf(part, NAME_BYTES, "%.*s" PART,
		 (int)(NAME_BYTES - sizeof(PART)), name);
}

/* ---- the ring ---- */

static int older(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return strcmp(x->date, y->date);
}

/* Room is made for at the start; 0 or -ENOMEM. */
static int keep_more(struct tap_folder *folder, size_t max)
{
	struct name *kept;

	if (max <= folder->max_kept)
		return 0;
	kept = realloc(folder->kept, max * sizeof(*kept));
	if (!kept)
		return -ENOMEM;
	folder->kept = kept;
	folder->max_kept = max;
	return 0;
}

/* It is finished. What cannot be removed is forgotten: somebody else has seen
 * to it, or will have to. */
static void add_kept(struct tap_folder *folder, const struct name *name)
{
	char oldest[NAME_BYTES];
	size_t gone = 0, at;

	if (!folder->keep)
		return;
	if (folder->n_kept == folder->max_kept) /* never */
		return;
	for (at = folder->n_kept; at; at--) {
		if (older(&folder->kept[at - 1], name) < 0)
			break;
		folder->kept[at] = folder->kept[at - 1];
	}
	folder->kept[at] = *name;
	folder->n_kept++;
	for (; folder->n_kept - gone > folder->keep; gone++) {
		write_name(folder, &folder->kept[gone], oldest);
		unlinkat(folder->fd, oldest, 0);
	}
	folder->n_kept -= gone;
	memmove(folder->kept, folder->kept + gone,
		folder->n_kept * sizeof(*folder->kept));
}

/* ---- what lies there ---- */

/* -EBUSY: somebody writes it. */
static int ask_lock(const struct tap_folder *folder, const char *name,
		    struct stat *st)
{
	int fd = openat(folder->fd, name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, st) || (flock(fd, LOCK_EX | LOCK_NB)))
		r = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (!r && !S_ISREG(st->st_mode))
		r = -EEXIST;
	close(fd);
	return r;
}

/* Give a file the next number, and the time when it was written last. */
static int number_file(struct tap_folder *folder, const char *from,
		       const struct stat *st)
{
	struct name name = { .number = folder->last_number + 1 };
	char to[NAME_BYTES];

	date_of(name.date, st->st_mtime);
	write_name(folder, &name, to);
	if (renameat(folder->fd, from, folder->fd, to))
		return -errno;
	folder->last_number++;
	add_kept(folder, &name);
	return 0;
}

/* A .part that a crash has left, if it can be had: with its number, or one. */
static int recover(struct tap_folder *folder, const char *part,
		   const struct name *name)
{
	char to[NAME_BYTES];
	struct stat st;
	int r = ask_lock(folder, part, &st);

	if (r == -ENOENT)
		return 0;
	if (r)
		return r;
	if (!name) {
		r = number_file(folder, part, &st);
	} else {
		write_name(folder, name, to);
		if (!renameat(folder->fd, part, folder->fd, to))
			add_kept(folder, name);
		else
			r = -errno;
	}
	if (!r)
		log_info("tap: %.*s%s: was left unfinished; it is kept",
			 (int)folder->base_at, folder->path, part);
	return r;
}

/* Its numbered files: those that are finished into kept[], and the others into
 * part[], of which the first *n_parts. */
static int read_entry(struct tap_folder *folder, const char *entry,
		      struct name **part, size_t *n_parts)
{
	struct name name, *more;
	bool is_part;

	if (!read_name(folder, entry, &name, &is_part))
		return 0;
	if (name.number > folder->last_number)
		folder->last_number = name.number;
	if (!is_part) {
		if (keep_more(folder, folder->n_kept + 1))
			return -ENOMEM;
		folder->kept[folder->n_kept++] = name;
		return 0;
	}
	more = realloc(*part, (*n_parts + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	*part = more;
	more[(*n_parts)++] = name;
	return 0;
}

static int read_folder(struct tap_folder *folder, struct name **part,
		       size_t *n_parts)
{
	int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int r = 0;

	if (!dir) {
		r = -errno;
		close_fd(&fd);
		return r;
	}
	while (!r && (entry = readdir(dir)))
		r = read_entry(folder, entry->d_name, part, n_parts);
	closedir(dir);
	if (folder->n_kept)
		qsort(folder->kept, folder->n_kept, sizeof(*folder->kept),
		      older);
	return r;
}

/* One that somebody else has locked, or that is not ours to read, is left. */
static int tidy(struct tap_folder *folder)
{
	autoclean(free_ptr) struct name *part = NULL;
	char name[NAME_BYTES], file[NAME_BYTES];
	size_t n_parts = 0;
	int r = read_folder(folder, &part, &n_parts);

	if (!r)
		r = keep_more(folder, folder->n_kept + n_parts + folder->keep +
			      3);
	for (size_t i = 0; !r && i < n_parts; i++) {
		write_name(folder, &part[i], file);
		part_of(file, name);
		r = recover(folder, name, &part[i]);
		if (r == -EACCES)
			r = 0;
	}
	part_of(folder->base, name);
	return r ? r : recover(folder, name, NULL);
}

/* ---- files ---- */

static void set_current(struct tap_folder *folder, const char *name)
{
	snprintf(folder->current, sizeof(folder->current), "%s", name);
	snprintf(folder->path + folder->base_at,
		 sizeof(folder->path) - folder->base_at, "%s", name);
}

int tap_folder_create(struct tap_folder *folder)
{
	struct name name = { .number = folder->last_number + 1 };
	char file[NAME_BYTES], part[NAME_BYTES];
	int fd, r;

	date_of(name.date, time(NULL));
	if (folder->numbered)
		write_name(folder, &name, file);
	else
		strcpy(file, folder->base);
	part_of(file, part);
	fd = openat(folder->fd, part,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		r = -errno;
		close(fd);
		return r;
	}
	if (folder->numbered)
		folder->last_number++;
	set_current(folder, file);
	return fd;
}

int tap_folder_finish(struct tap_folder *folder)
{
	char part[NAME_BYTES];
	struct name name;
	struct stat st;
	bool is_part;
	int r = 0;

	part_of(folder->current, part);
	if (!folder->numbered &&
	    !fstatat(folder->fd, folder->current, &st, AT_SYMLINK_NOFOLLOW))
		r = number_file(folder, folder->current, &st);
	if (!r && renameat(folder->fd, part, folder->fd, folder->current))
		r = -errno;
	if (!r && read_name(folder, folder->current, &name, &is_part) &&
	    folder->numbered)
		add_kept(folder, &name);
	return r;
}

const char *tap_folder_path(const struct tap_folder *folder)
{
	return folder->path;
}

/* ---- open and close ---- */

/* 0, or -errno if it cannot be a path of ours. */
static int take_path(struct tap_folder *folder, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path, *dot;
	size_t more = strlen("_4294967295_") + DATE_BYTES + strlen(PART);

	if (!*base)
		return -EISDIR;
	if (strlen(base) + more > NAME_MAX || strlen(path) + more >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(folder->path, path);
	folder->base_at = (size_t)(base - path);
	strcpy(folder->base, base);
	strcpy(folder->stem, base);
	dot = strrchr(base, '.');
	folder->suffix = folder->base + strlen(base);
	if (dot && dot != base) {
		folder->suffix = folder->base + (dot - base);
		folder->stem[dot - base] = '\0';
	}
	strcpy(folder->current, base);
	return 0;
}

static int open_folder(struct tap_folder *folder)
{
	char at[PATH_MAX] = ".";

	if (folder->base_at)
		snprintf(at, sizeof(at), "%.*s", (int)folder->base_at,
			 folder->path);
	folder->fd = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder->fd < 0 ? -errno : 0;
}

int tap_folder_open(struct tap_folder **folderp, const char *path,
		    bool numbered, uint32_t keep)
{
	struct tap_folder *folder = calloc(1, sizeof(*folder));
	int r = -ENOMEM;

	if (folder) {
		folder->fd = -1;
		folder->numbered = numbered;
		folder->keep = keep;
		r = take_path(folder, path);
		if (!r)
			r = open_folder(folder);
		if (!r)
			r = tidy(folder);
	}
	if (r) {
		log_err("tap: %s: %s", path, r == -EBUSY ?
			"another tap writes there" : strerror(-r));
		tap_folder_close(folder);
		return r;
	}
	*folderp = folder;
	return 0;
}

void tap_folder_close(struct tap_folder *folder)
{
	if (!folder)
		return;
	close_fd(&folder->fd);
	free(folder->kept);
	free(folder);
}
