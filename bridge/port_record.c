/* SPDX-License-Identifier: BSD-2-Clause */
/* See port_record.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "log.h"
#include "port_record.h"
#include "state_dir.h"

#define RECORD_FORMAT "index=%d netns=%llu pid=%d start=%llu\n"
#define RECORD_BYTES 256

/*
 * Field 22 of /proc/PID/stat, proc(5). The name in field 2 may hold blanks and
 * brackets; what follows the last bracket is numbers. -ESRCH for one that has
 * died and only waits for its parent.
 */
static int process_start(int pid, unsigned long long *start)
{
	char path[32], text[1024];
	const char *at;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	r = state_dir_read(AT_FDCWD, path, text, sizeof(text));
	if (r)
		return r;
	at = strrchr(text, ')');
	if (!at || at[1] != ' ')
		return -EBADMSG;
	at += 2;
	if (*at == 'Z' || *at == 'X')
		return -ESRCH;
	for (int field = 3; field < 22; field++) {
		at = strchr(at, ' ');
		if (!at)
			return -EBADMSG;
		at++;
	}
	*start = strtoull(at, NULL, 10);
	return 0;
}

/* A pid is used again; pid and start time together are not. */
static bool owner_lives(const struct port_record *record)
{
	unsigned long long start;
	int r = process_start(record->pid, &start);

	if (!r)
		return start == record->start;
	if (r == -ESRCH)
		return false;
	/* /proc may hide the processes of others (hidepid). */
	return !kill(record->pid, 0) || errno != ESRCH;
}

static unsigned long long own_netns(void)
{
	struct stat st;

	return stat("/proc/thread-self/ns/net", &st) ? 0 : st.st_ino;
}

static bool take_number(const char **at, const char *key, uint64_t max,
			uint64_t *value)
{
	size_t len = strlen(key);
	char *end;

	if (strncmp(*at, key, len) || !((*at)[len] >= '0' && (*at)[len] <= '9'))
		return false;
	errno = 0;
	*value = strtoull(*at + len, &end, 10);
	*at = end;
	return !errno && *value <= max;
}

int port_record_read(int dir, const char *file, struct port_record *record)
{
	uint64_t index, netns, pid, start;
	char text[RECORD_BYTES];
	const char *at = text;
	int r = state_dir_read(dir, file, text, sizeof(text));

	if (r)
		return r;
	if (!take_number(&at, "index=", INT_MAX, &index) ||
	    !take_number(&at, " netns=", UINT64_MAX, &netns) ||
	    !take_number(&at, " pid=", INT_MAX, &pid) ||
	    !take_number(&at, " start=", UINT64_MAX, &start) ||
	    strcmp(at, "\n") || !index || !pid)
		return -EBADMSG;
	*record = (struct port_record){ .index = (int)index,
				       .netns = netns,
				       .pid = (int)pid,
				       .start = start };
	return 0;
}

int port_record_write(int dir, const char *prefix, const char *ifname,
		      const struct port_record *record)
{
	char text[RECORD_BYTES];

	snprintf(text, sizeof(text), RECORD_FORMAT, record->index,
		 record->netns, record->pid, record->start);
	return state_dir_write(dir, prefix, ifname, text);
}

int port_record_init(struct port_record *record, int index)
{
	*record = (struct port_record){ .index = index,
				       .netns = own_netns(),
				       .pid = getpid() };
	return process_start(record->pid, &record->start);
}

void port_record_name(const struct port_record *record, char name[IF_NAMESIZE])
{
	snprintf(name, IF_NAMESIZE, "%x.%x", (unsigned int)record->netns,
		 (unsigned int)record->index & 0xffffff);
}

int port_record_find(int dir, const char *prefix, int index,
		     struct port_record *record)
{
	const struct port_record key = { .index = index, .netns = own_netns() };
	char name[IF_NAMESIZE], file[STATE_DIR_PREFIX_BYTES + IF_NAMESIZE];
	int r;

	port_record_name(&key, name);
	snprintf(file, sizeof(file), "%s%s", prefix, name);
	r = port_record_read(dir, file, record);
	/* A name has not room for all of an index. */
	return !r && record->index != index ? -ENOENT : r;
}

bool port_record_is_orphan(const struct port_record *record)
{
	return record->netns == own_netns() && !owner_lives(record);
}

struct recovery {
	const char *state_dir;
	const char *prefix;
	int (*fn)(const char *ifname, const struct port_record *record,
		  void *arg);
	void *arg;
};

static int recover_one(int dir, const char *file, void *arg)
{
	const struct recovery *rec = arg;
	const char *ifname = file + strlen(rec->prefix);
	struct port_record record;
	int r = port_record_read(dir, file, &record);

	if (r == -ENOENT)
		return 0; /* its owner has just ended */
	if (r == -EBADMSG || strlen(ifname) >= IF_NAMESIZE) {
		log_warn("%s/%s: not a state file of ours: removed",
			 rec->state_dir, file);
	} else if (r) {
		log_err("%s/%s: %s", rec->state_dir, file, strerror(-r));
		return r;
	} else if (!port_record_is_orphan(&record)) {
		return 0;
	} else {
		r = rec->fn(ifname, &record, rec->arg);
		if (r == -EPERM)
			return r; /* kept for one that may */
	}
	if (!unlinkat(dir, file, 0))
		return r == -EBADMSG ? 0 : r;
	r = -errno;
	log_err("%s/%s: removing: %s", rec->state_dir, file, strerror(-r));
	return r;
}

int port_record_recover(const char *state_dir, const char *prefix,
			int (*fn)(const char *ifname,
				  const struct port_record *record, void *arg),
			void *arg)
{
	struct recovery rec = { state_dir, prefix, fn, arg };

	return state_dir_each(state_dir, prefix, recover_one, &rec);
}
