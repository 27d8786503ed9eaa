/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What doctor.h says of mending, and of putting back. The state file is written
 * before the first change: where it tells of one that was not made, the value
 * is not the new one, and is left alone.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "doctor.h"
#include "doctor_proc.h"
#include "doctor_record.h"
#include "link_facts.h"
#include "state_dir.h"

struct doctor_fix {
	struct doctor_record record[SIDES]; /* n 0: nothing was changed */
	int dir; /* of the state files, or -1 */
};

/* ---- one value ---- */

static void sysctl_path(char *path, size_t size, const char *ifname,
			enum doctor_key key)
{
	snprintf(path, size, "/proc/sys/net/ipv6/conf/%s/%s", ifname,
		 doctor_key_name[key]);
}

static int link_is_up(const char *ifname)
{
	struct ifreq req = { 0 };
	autoclean(close_fd) int fd =
		socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", ifname);
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &req))
		return -errno;
	return !!(req.ifr_flags & IFF_UP);
}

/* 0 or -errno: -ENOENT for a host without IPv6. */
static int get_value(const char *ifname, enum doctor_key key, int *value)
{
	char path[96];
	long long number;
	int r;

	if (key == DOCTOR_LINK_UP) {
		r = link_is_up(ifname);
		*value = r;
		return r < 0 ? r : 0;
	}
	sysctl_path(path, sizeof(path), ifname, key);
	r = doctor_proc_number(&number, "%s", path);
	*value = r ? 0 : (int)number;
	return r;
}

static int set_value(const char *ifname, int index, enum doctor_key key,
		     int value)
{
	char path[96];

	if (key == DOCTOR_LINK_UP)
		return link_set_up(index, value);
	sysctl_path(path, sizeof(path), ifname, key);
	return doctor_proc_write(path, value);
}

/* ---- putting back ---- */

/* 0 also when there is nothing to put back; -errno (logged). */
static int undo_change(const char *ifname, int index,
		       const struct doctor_change *c)
{
	const char *name = doctor_key_name[c->key];
	int now, r = get_value(ifname, c->key, &now);

	if (r == -ENODEV || r == -ENOENT)
		return 0; /* gone this moment */
	if (!r && now != c->to) {
		log_info("port %s: %s is %d by now, not %d: left as it is",
			 ifname, name, now, c->to);
		return 0;
	}
	if (!r)
		r = set_value(ifname, index, c->key, c->from);
	if (r)
		log_err("port %s: putting %s back to %d: %s", ifname, name,
			c->from, strerror(-r));
	else
		log_info("port %s: %s is back to %d, was %d", ifname, name,
			 c->from, c->to);
	return r;
}

static int undo_record(const struct doctor_record *record)
{
	char ifname[IF_NAMESIZE];
	int r = 0;

	/* By its index: it may have another name by now. */
	if (!if_indextoname((unsigned int)record->owner.index, ifname)) {
		log_info("port %s: gone or replaced: nothing of it is put back",
			 record->ifname);
		return 0;
	}
	for (size_t i = record->n; i; i--) {
		int one = undo_change(ifname, record->owner.index,
				      &record->change[i - 1]);

		if (one)
			r = one;
	}
	return r;
}

void doctor_undo(struct doctor_fix *fix)
{
	if (!fix)
		return;
	for (int side = SIDES - 1; side >= 0; side--) {
		const struct doctor_record *record = &fix->record[side];

		if (!record->n)
			continue;
		undo_record(record);
		if (fix->dir >= 0)
			doctor_record_remove(fix->dir, record);
	}
	close_fd(&fix->dir);
	free(fix);
}

/* ---- mending ---- */

/* Linux tells since 5.18 which addresses it has made itself; before, a single
 * link-local one is taken for that. */
#define KERNEL_TELLS 518

struct kept {
	bool kernel_tells;
	unsigned int link_local, others; /* that would not come back */
};

static int count_kept(const struct link_address *a, void *arg)
{
	struct kept *kept = arg;

	if (a->is_link_local && kept->kernel_tells)
		kept->others += !a->is_kernels;
	else if (a->is_link_local)
		kept->link_local++;
	else if (a->is_ipv6)
		kept->others++;
	return 0;
}

/* Would IPv6 be as it was after it was off? */
static bool ipv6_comes_back(int index)
{
	struct utsname host;
	struct kept kept = {
		.kernel_tells = !uname(&host) &&
				doctor_proc_version(host.release) >=
					KERNEL_TELLS,
	};

	return !link_each_address(index, count_kept, &kept) && !kept.others &&
	       kept.link_local <= 1 && !link_has_ipv6_route(index);
}

static void plan_change(struct doctor_record *record, enum doctor_key key,
			int to)
{
	int from;

	if (!get_value(record->ifname, key, &from) && from != to)
		record->change[record->n++] =
			(struct doctor_change){ key, from, to };
}

/* IPv6 first: a link that comes up speaks at once. */
static void plan(struct doctor_record *record)
{
	int off = 1;

	get_value(record->ifname, DOCTOR_DISABLE_IPV6, &off);
	if (!off && ipv6_comes_back(record->owner.index))
		plan_change(record, DOCTOR_DISABLE_IPV6, 1);
	else if (!off)
		plan_change(record, DOCTOR_ACCEPT_RA, 0);
	plan_change(record, DOCTOR_LINK_UP, 1);
}

/* Make the changes; what could not be made is not remembered. */
static void apply(struct doctor_record *record)
{
	size_t made = 0;

	for (size_t i = 0; i < record->n; i++) {
		struct doctor_change c = record->change[i];
		int r = set_value(record->ifname, record->owner.index, c.key,
				  c.to);

		if (r) {
			log_warn("port %s: %s cannot be set to %d: %s",
				 record->ifname, doctor_key_name[c.key], c.to,
				 strerror(-r));
			continue;
		}
		log_info("port %s: %s set to %d, was %d; it is put back at the "
			 "end", record->ifname, doctor_key_name[c.key], c.to,
			 c.from);
		record->change[made++] = c;
	}
	record->n = made;
}

/* Is another process, which lives, to put something of it back? */
static bool is_minded(int dir, const char *ifname)
{
	char file[sizeof(DOCTOR_RECORD_PREFIX) + IF_NAMESIZE];
	struct doctor_record record;

	snprintf(file, sizeof(file), DOCTOR_RECORD_PREFIX "%s", ifname);
	return !doctor_record_read(dir, file, &record) &&
	       !port_record_is_orphan(&record.owner);
}

static void fix_port(struct doctor_record *record, const struct link_info *link,
		     int dir, const char *state_dir)
{
	int r = port_record_init(&record->owner, link->index);

	strcpy(record->ifname, link->name);
	record->n = 0;
	plan(record);
	if (!record->n)
		return;
	if (dir >= 0 && is_minded(dir, record->ifname)) {
		log_warn("port %s: another process has fixed it, and will put "
			 "that back: left as it is", record->ifname);
		record->n = 0;
		return;
	}
	if (!r)
		r = dir < 0 ? dir : doctor_record_write(dir, record);
	if (r)
		log_warn("port %s: %s/" DOCTOR_RECORD_PREFIX "%s: %s: if this "
			 "process is killed, what is fixed stays so",
			 record->ifname, state_dir, record->ifname,
			 strerror(-r));
	apply(record);
	if (!record->n && dir >= 0)
		doctor_record_remove(dir, record);
}

int doctor_fix(const struct conf_pair *conf, struct link_monitor *m,
	       const char *state_dir, struct doctor_fix **fixp)
{
	struct doctor_fix *fix = calloc(1, sizeof(*fix));
	autoclean(close_fd) int lock = -1;
	size_t changes = 0;

	*fixp = NULL;
	if (!fix) {
		log_err("pair %s: %s", conf->name, strerror(ENOMEM));
		return -ENOMEM;
	}
	if (mkdir(state_dir, 0755) && errno != EEXIST)
		fix->dir = -errno;
	else
		fix->dir = state_dir_open(state_dir);
	if (fix->dir >= 0)
		lock = state_dir_lock(fix->dir);
	for (int side = 0; side < SIDES; side++) {
		struct link_info link;

		if (!conf->port[side] || link_get(m, conf->port[side], &link) ||
		    !link_is_ethernet(&link))
			continue;
		fix_port(&fix->record[side], &link, fix->dir, state_dir);
		changes += fix->record[side].n;
	}
	if (changes)
		*fixp = fix;
	else
		doctor_undo(fix);
	return 0;
}

/* ---- what the dead left ---- */

static int recover_one(int dir, const char *file, void *arg)
{
	const char *state_dir = arg;
	struct doctor_record record;
	int r = doctor_record_read(dir, file, &record);

	if (r == -ENOENT)
		return 0; /* its owner has just ended */
	if (r == -EBADMSG) {
		log_warn("%s/%s: not a state file of ours: removed", state_dir,
			 file);
		unlinkat(dir, file, 0);
		return 0;
	}
	if (r) {
		log_err("%s/%s: %s", state_dir, file, strerror(-r));
		return r;
	}
	if (!port_record_is_orphan(&record.owner))
		return 0;
	log_info("port %s: process %d ended without undoing its fixes",
		 record.ifname, record.owner.pid);
	r = undo_record(&record);
	/* Kept for one that may. */
	if (r != -EPERM && r != -EACCES && r != -EROFS)
		doctor_record_remove(dir, &record);
	return r;
}

int doctor_recover(const char *state_dir)
{
	return state_dir_each(state_dir, DOCTOR_RECORD_PREFIX, recover_one,
			      (void *)state_dir);
}
