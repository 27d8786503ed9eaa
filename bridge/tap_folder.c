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
#include "tap_name.h"

#define MODE 0640

struct tap_folder {
	char path[PATH_MAX]; /* of the file, for people */
	size_t base_at;      /* where its last component begins */
	char base[NAME_MAX + 1]; /* that of the path which was asked for */
	struct tap_name_form form;
	char current[TAP_NAME_BYTES];
	struct stat written; /* it, as a .part */
	bool numbered;
	int fd;
	uint32_t keep;
	uint32_t last_number;
	/* Finished files with a number, from the oldest on. */
	struct tap_name *kept;
	size_t n_kept, max_kept;
};

/* ---- the ring ---- */

/* Room is made for at the start; 0 or -ENOMEM. */
static int keep_more(struct tap_folder *folder, size_t max)
{
	struct tap_name *kept;

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
static void add_kept(struct tap_folder *folder, const struct tap_name *name)
{
	char oldest[TAP_NAME_BYTES];
	size_t gone = 0, at;

	if (!folder->keep)
		return;
	if (folder->n_kept == folder->max_kept) /* never */
		return;
	for (at = folder->n_kept; at; at--) {
		if (tap_name_compare(&folder->kept[at - 1], name) < 0)
			break;
		folder->kept[at] = folder->kept[at - 1];
	}
	folder->kept[at] = *name;
	folder->n_kept++;
	for (; folder->n_kept - gone > folder->keep; gone++) {
		tap_name_write(&folder->form, &folder->kept[gone], oldest);
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

/* -EEXIST: there is one of that name. Some file systems cannot promise that
 * (rename(2): EINVAL); there the look before it has to do. */
static int rename_new(const struct tap_folder *folder, const char *from,
		      const char *to)
{
	struct stat st;

	if (!renameat2(folder->fd, from, folder->fd, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (!fstatat(folder->fd, to, &st, AT_SYMLINK_NOFOLLOW))
		return -EEXIST;
	return renameat(folder->fd, from, folder->fd, to) ? -errno : 0;
}

/* Give a file the next number that is free: another tap may count there. */
static int next_number(struct tap_folder *folder, const char *from,
		       struct tap_name *name, char to[TAP_NAME_BYTES])
{
	int r;

	do {
		name->number = ++folder->last_number;
		tap_name_write(&folder->form, name, to);
		r = rename_new(folder, from, to);
	} while (r == -EEXIST);
	if (r)
		folder->last_number--;
	return r;
}

/* And the time when it was written last. */
static int number_file(struct tap_folder *folder, const char *from,
		       const struct stat *st)
{
	struct tap_name name;
	char to[TAP_NAME_BYTES];
	int r;

	tap_name_date(name.date, st->st_mtime);
	r = next_number(folder, from, &name, to);
	if (!r)
		add_kept(folder, &name);
	return r;
}

/* A .part that a crash has left, if it can be had: with its number, or one. */
static int recover(struct tap_folder *folder, const char *part,
		   const struct tap_name *name)
{
	char to[TAP_NAME_BYTES];
	struct stat st;
	int r = ask_lock(folder, part, &st);

	if (r == -ENOENT)
		return 0;
	if (r)
		return r;
	r = -EEXIST;
	if (name) {
		tap_name_write(&folder->form, name, to);
		r = rename_new(folder, part, to);
		if (!r)
			add_kept(folder, name);
	}
	if (r == -EEXIST)
		r = number_file(folder, part, &st);
	if (!r)
		log_info("tap: %.*s%s: was left unfinished; it is kept",
			 (int)folder->base_at, folder->path, part);
	return r;
}

/* Its numbered files: those that are finished into kept[], and the others into
 * part[], of which the first *n_parts. */
static int read_entry(struct tap_folder *folder, const char *entry,
		      struct tap_name **part, size_t *n_parts)
{
	struct tap_name name, *more;
	bool is_part;

	if (!tap_name_read(&folder->form, entry, &name, &is_part))
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

static int read_folder(struct tap_folder *folder, struct tap_name **part,
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
		      tap_name_compare);
	return r;
}

/* One that somebody else has locked, or that is not ours to read, is left. */
static int tidy(struct tap_folder *folder)
{
	autoclean(free_ptr) struct tap_name *part = NULL;
	char name[TAP_NAME_BYTES], file[TAP_NAME_BYTES];
	size_t n_parts = 0;
	int r = read_folder(folder, &part, &n_parts);

	if (!r)
		r = keep_more(folder, folder->n_kept + n_parts + folder->keep +
			      3);
	for (size_t i = 0; !r && i < n_parts; i++) {
		tap_name_write(&folder->form, &part[i], file);
		tap_name_part(file, name);
		r = recover(folder, name, &part[i]);
		if (r == -EACCES)
			r = 0;
	}
	tap_name_part(folder->base, name);
	return r ? r : recover(folder, name, NULL);
}

/* ---- files ---- */

static void set_current(struct tap_folder *folder, const char *name)
{
	snprintf(folder->current, sizeof(folder->current), "%s", name);
	snprintf(folder->path + folder->base_at,
		 sizeof(folder->path) - folder->base_at, "%s", name);
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

/* Also in a folder that was made again meanwhile. */
static int create_part(struct tap_folder *folder, const char *part)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(folder->fd, part, flags, MODE);

	if (fd < 0 && errno == ENOENT) {
		close_fd(&folder->fd);
		if (!open_folder(folder))
			fd = openat(folder->fd, part, flags, MODE);
	}
	return fd < 0 ? -errno : fd;
}

bool tap_folder_is_lost(const struct tap_folder *folder)
{
	char part[TAP_NAME_BYTES];
	struct stat st;

	tap_name_part(folder->current, part);
	return fstatat(folder->fd, part, &st, AT_SYMLINK_NOFOLLOW) ||
	       st.st_dev != folder->written.st_dev ||
	       st.st_ino != folder->written.st_ino;
}

/* A number, if it has one, is the next that nobody has, not even for a .part. */
int tap_folder_create(struct tap_folder *folder)
{
	struct tap_name name = { .number = folder->last_number };
	char file[TAP_NAME_BYTES], part[TAP_NAME_BYTES];
	struct stat st;
	int fd, r;

	tap_name_date(name.date, time(NULL));
	strcpy(file, folder->base);
	do {
		if (folder->numbered) {
			name.number++;
			tap_name_write(&folder->form, &name, file);
		}
		tap_name_part(file, part);
		fd = folder->numbered && !fstatat(folder->fd, file, &st,
						  AT_SYMLINK_NOFOLLOW) ?
			     -EEXIST : create_part(folder, part);
	} while (fd == -EEXIST && folder->numbered);
	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) || fstat(fd, &folder->written)) {
		r = -errno;
		close(fd);
		return r;
	}
	folder->last_number = name.number;
	set_current(folder, file);
	return fd;
}

/* If another tap's has that number and second, ours has the next one. */
static int finish_numbered(struct tap_folder *folder, const char *part)
{
	char file[TAP_NAME_BYTES];
	struct tap_name name;
	bool is_part;
	int r = rename_new(folder, part, folder->current);

	if (!tap_name_read(&folder->form, folder->current, &name, &is_part))
		return r;
	if (r == -EEXIST) {
		r = next_number(folder, part, &name, file);
		if (!r)
			set_current(folder, file);
	}
	if (!r)
		add_kept(folder, &name);
	return r;
}

/* What has its name makes way. */
static int finish_plain(struct tap_folder *folder, const char *part)
{
	struct stat st;
	int r;

	do {
		r = rename_new(folder, part, folder->current);
		if (r != -EEXIST)
			return r;
		r = fstatat(folder->fd, folder->current, &st,
			    AT_SYMLINK_NOFOLLOW) ? -errno :
			number_file(folder, folder->current, &st);
	} while (!r || r == -ENOENT);
	return r;
}

int tap_folder_finish(struct tap_folder *folder)
{
	char part[TAP_NAME_BYTES];

	if (tap_folder_is_lost(folder))
		return -ESTALE;
	tap_name_part(folder->current, part);
	return folder->numbered ? finish_numbered(folder, part) :
				  finish_plain(folder, part);
}

void tap_folder_discard(struct tap_folder *folder)
{
	char part[TAP_NAME_BYTES];

	tap_name_part(folder->current, part);
	if (!tap_folder_is_lost(folder))
		unlinkat(folder->fd, part, 0);
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
	const char *base = slash ? slash + 1 : path;
	size_t more = strlen("_4294967295_") + TAP_DATE_BYTES + strlen(TAP_NAME_PART);

	if (!*base)
		return -EISDIR;
	if (strlen(base) + more > NAME_MAX || strlen(path) + more >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(folder->path, path);
	folder->base_at = (size_t)(base - path);
	strcpy(folder->base, base);
	tap_name_split(folder->base, &folder->form);
	strcpy(folder->current, base);
	return 0;
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
		log_err("tap: %s: %s", path,
			r == -EBUSY ? "another tap writes there" :
			r == -EEXIST || r == -ELOOP ?
				"what is called so with .part is no file" :
				strerror(-r));
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
