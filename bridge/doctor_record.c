/* SPDX-License-Identifier: BSD-2-Clause */
/* See doctor_record.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "doctor_record.h"
#include "state_dir.h"

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

int doctor_record_read(int dir, const char *file, struct doctor_record *record)
{
	const char *ifname = file + strlen(DOCTOR_RECORD_PREFIX);
	char text[DOCTOR_RECORD_BYTES];
	int r = state_dir_read(dir, file, text, sizeof(text));

	if (r)
		return r;
	if (!ifname[0] || strlen(ifname) >= sizeof(record->ifname))
		return -EBADMSG;
	strcpy(record->ifname, ifname);
	return doctor_record_parse(record, text);
}

int doctor_record_write(int dir, const struct doctor_record *record)
{
	char text[DOCTOR_RECORD_BYTES];
	int r = doctor_record_print(record, text, sizeof(text));

	return r < 0 ? r : state_dir_write(dir, DOCTOR_RECORD_PREFIX,
					   record->ifname, text);
}

void doctor_record_remove(int dir, const struct doctor_record *record)
{
	state_dir_remove(dir, DOCTOR_RECORD_PREFIX, record->ifname);
}
