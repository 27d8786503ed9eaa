/* SPDX-License-Identifier: BSD-2-Clause */
/* See doctor_record.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "doctor_record.h"

struct file_name {
	char text[sizeof(DOCTOR_RECORD_PREFIX) + 1 + IF_NAMESIZE];
};

const char *const doctor_key_name[DOCTOR_KEYS] = {
	[DOCTOR_DISABLE_IPV6] = "disable_ipv6",
	[DOCTOR_ACCEPT_RA] = "accept_ra",
	[DOCTOR_LINK_UP] = "up",
};

int doctor_record_print(const struct doctor_record *record, char *text,
			size_t size)
{
	const struct port_record *owner = &record->owner;
	int n = snprintf(text, size, "index=%d netns=%llu pid=%d start=%llu\n",
			 owner->index, owner->netns, owner->pid, owner->start);
	size_t len = (size_t)n;

	for (size_t i = 0; i < record->n && len < size; i++) {
		const struct doctor_change *c = &record->change[i];

		n = snprintf(text + len, size - len, "%s %d %d\n",
			     doctor_key_name[c->key], c->from, c->to);
		len += (size_t)n;
	}
	return len < size ? (int)len : -ENOSPC;
}

static bool parse_change(struct doctor_change *c, const char *line, int *used)
{
	char name[32];

	*used = 0;
	if (sscanf(line, "%31[a-z_0-9] %9d %9d%n", name, &c->from, &c->to,
		   used) != 3 || line[*used] != '\n')
		return false;
	++*used;
	for (int key = 0; key < DOCTOR_KEYS; key++)
		if (!strcmp(name, doctor_key_name[key])) {
			c->key = (enum doctor_key)key;
			return true;
		}
	return false;
}

int doctor_record_parse(struct doctor_record *record, const char *text)
{
	struct port_record *owner = &record->owner;
	char again[DOCTOR_RECORD_BYTES];
	const char *line = text;
	int used = 0;

	record->n = 0;
	if (sscanf(text, "index=%9d netns=%llu pid=%9d start=%llu%n",
		   &owner->index, &owner->netns, &owner->pid, &owner->start,
		   &used) != 4 || text[used] != '\n' || owner->index <= 0 ||
	    owner->pid <= 0)
		return -EBADMSG;
	for (line += used + 1; *line; line += used) {
		if (record->n == DOCTOR_KEYS ||
		    !parse_change(&record->change[record->n], line, &used))
			return -EBADMSG;
		record->n++;
	}
	/* sscanf() is generous with blanks, signs and overflow. */
	return doctor_record_print(record, again, sizeof(again)) > 0 &&
	       !strcmp(again, text) ? 0 : -EBADMSG;
}

static struct file_name file_name(const char *lead, const char *ifname)
{
	struct file_name name;

	snprintf(name.text, sizeof(name.text), "%s" DOCTOR_RECORD_PREFIX "%s",
		 lead, ifname);
	return name;
}

int doctor_record_read(int dir, const char *file, struct doctor_record *record)
{
	autoclean(close_fd) int fd = openat(
		dir, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	const char *ifname = file + strlen(DOCTOR_RECORD_PREFIX);
	char text[DOCTOR_RECORD_BYTES];
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return errno == ELOOP ? -EBADMSG : -errno;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || !ifname[0] ||
	    strlen(ifname) >= sizeof(record->ifname))
		return -EBADMSG;
	n = read(fd, text, sizeof(text));
	if (n < 0)
		return -errno;
	if (n == (ssize_t)sizeof(text) || memchr(text, '\0', (size_t)n))
		return -EBADMSG;
	text[n] = '\0';
	strcpy(record->ifname, ifname);
	return doctor_record_parse(record, text);
}

int doctor_record_write(int dir, const struct doctor_record *record)
{
	struct file_name name = file_name("", record->ifname);
	struct file_name temporary = file_name(".", record->ifname);
	char text[DOCTOR_RECORD_BYTES];
	int len = doctor_record_print(record, text, sizeof(text));
	int fd, r = 0;
	ssize_t n;

	if (len < 0)
		return len;
	/* Left by one that was killed just here. */
	unlinkat(dir, temporary.text, 0);
	fd = openat(dir, temporary.text,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	n = write(fd, text, (size_t)len);
	if (n != len)
		r = n < 0 ? -errno : -EIO;
	else if (fsync(fd))
		r = -errno;
	close(fd);
	if (!r && renameat(dir, temporary.text, dir, name.text))
		r = -errno;
	if (r)
		unlinkat(dir, temporary.text, 0);
	return r;
}

void doctor_record_remove(int dir, const struct doctor_record *record)
{
	struct file_name name = file_name("", record->ifname);

	unlinkat(dir, name.text, 0);
}
