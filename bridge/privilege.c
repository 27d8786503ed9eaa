/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See privilege.h. The one file that knows libcap-ng. Whether the user can be
 * become is asked before anything is changed: the answer of setresuid() for a
 * uid that a user namespace lacks, "Invalid argument", helps nobody.
 */
#include "config.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "log.h"
#include "privilege.h"

/* A change of user forbids core dumps and ptrace, which is well; but
 * LeakSanitizer looks at its process by ptrace. */
#if defined(__SANITIZE_ADDRESS__)
#define STAYS_DUMPABLE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STAYS_DUMPABLE 1
#endif
#endif
#ifndef STAYS_DUMPABLE
#define STAYS_DUMPABLE 0
#endif

static const struct {
	unsigned int capability;
	const char *name;
	bool is_needed;
	const char *why;
} kept[] = {
	{ CAP_NET_RAW, "CAP_NET_RAW", true, "packet sockets need it" },
	{ CAP_NET_ADMIN, "CAP_NET_ADMIN", false,
	  "without it LRO stays on, kernel buffers stay small, and there is no "
	  "guard and no link propagation" },
};

/* Somebody else to be: the answer to "whom?". */
struct identity {
	bool changes;
	uid_t uid;
	gid_t gid;
};

static bool may(unsigned int capability)
{
	return capng_have_capability(CAPNG_EFFECTIVE, capability);
}

static int check_capabilities(void)
{
	char program[256] = "";

	if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
		strcpy(program, "bumpwire");
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		if (capng_have_capability(CAPNG_PERMITTED, kept[i].capability))
			continue;
		if (!kept[i].is_needed) {
			log_warn("%s is missing: %s", kept[i].name,
				 kept[i].why);
			continue;
		}
		log_err("%s is missing: %s; start it by sudo, as a systemd "
			"service, or once do: setcap "
			"cap_net_raw,cap_net_admin+ep %s",
			kept[i].name, kept[i].why, program);
		return -EPERM;
	}
	return 0;
}

/* ---- whom to become ---- */

/* Has this user namespace that id? user_namespaces(7): lines of first id,
 * first id outside, how many. Without such a file there are no namespaces. */
static bool is_mapped(const char *map, uint64_t id)
{
	FILE *file = fopen(map, "re");
	uint64_t first, count;
	bool found = !file;

	while (!found && fscanf(file, "%" SCNu64 " %*u %" SCNu64, &first,
				&count) == 2)
		found = id >= first && id - first < count;
	if (file)
		fclose(file);
	return found;
}

/* An unprivileged user's namespace forbids setgroups(2), for groups can also
 * keep somebody out. */
static bool may_set_groups(void)
{
	FILE *file = fopen("/proc/self/setgroups", "re");
	char word[8] = "";

	if (!file)
		return true;
	if (!fgets(word, sizeof(word), file))
		*word = '\0';
	fclose(file);
	return strncmp(word, "deny", 4);
}

/* What hinders, or NULL. */
static const char *hindrance(const struct identity *who)
{
	if (!may(CAP_SETUID) || !may(CAP_SETGID))
		return "only root can become another user";
	if (!is_mapped("/proc/self/uid_map", who->uid))
		return "this user namespace has no such uid";
	if (!is_mapped("/proc/self/gid_map", who->gid))
		return "this user namespace has no such gid";
	if (!may_set_groups())
		return "this user namespace lets nobody change groups";
	return NULL;
}

/* Fills *who; a user that cannot be is a mistake only if it was asked for. */
static int choose(const struct privilege_params *p, struct identity *who)
{
	enum log_level level = p->user_is_wanted ? LOG_LEVEL_ERROR :
						   LOG_LEVEL_DEBUG;
	const struct passwd *pw;
	const char *why;

	if (!p->user)
		return 0;
	errno = 0;
	pw = getpwnam(p->user);
	if (!pw) {
		log_at(level, "user '%s': %s", p->user,
		       errno && errno != ENOENT ? strerror(errno) :
						  "there is no such user");
		return p->user_is_wanted ? -EINVAL : 0;
	}
	who->uid = pw->pw_uid;
	who->gid = pw->pw_gid;
	if (who->uid == geteuid() && who->uid == getuid() &&
	    who->gid == getegid() && who->gid == getgid())
		return 0;
	why = hindrance(who);
	if (why) {
		log_at(level, "user '%s' (uid %u, gid %u): %s", p->user,
		       (unsigned int)who->uid, (unsigned int)who->gid, why);
		return p->user_is_wanted ? -EINVAL : 0;
	}
	who->changes = true;
	return 0;
}

/* ---- what it gets ---- */

/* The user may have been here before us, and its folders are its own: it must
 * not be able to have us give away what it links to. */
static bool is_ours_to_give(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return !(st->st_mode & S_IWOTH);
	return (S_ISREG(st->st_mode) || S_ISSOCK(st->st_mode)) &&
	       st->st_nlink == 1;
}

static int give(const char *path, const struct identity *who)
{
	autoclean(close_fd) int fd =
		open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st))
		goto failed;
	if (!is_ours_to_give(&st)) {
		log_debug("%s: keeps its owner", path);
		return 0;
	}
	if (st.st_uid == who->uid && st.st_gid == who->gid)
		return 0;
	if (st.st_uid && st.st_uid != who->uid) {
		log_warn("%s: belongs to uid %u, and stays so: let all "
			 "bumpwires of a machine run as one user", path,
			 (unsigned int)st.st_uid);
		return 0;
	}
	if (!fchownat(fd, "", who->uid, who->gid, AT_EMPTY_PATH))
		return 0;
failed:
	log_err("%s: a new owner, uid %u: %s", path, (unsigned int)who->uid,
		strerror(errno));
	return -errno;
}

/* ---- the change ---- */

/* In libcap-ng's mind: of what there is, only what is kept. It raises again what
 * was ambient, which fails without the inheritable ones: clear those, too. */
static void select_kept(void)
{
	bool has[ARRAY_SIZE(kept)];

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		has[i] = capng_have_capability(CAPNG_PERMITTED,
					       kept[i].capability);
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (has[i])
			capng_update(CAPNG_ADD,
				     CAPNG_EFFECTIVE | CAPNG_PERMITTED,
				     kept[i].capability);
}

static int change(const struct privilege_params *p, const struct identity *who)
{
	/* To take from the bounding set needs CAP_SETPCAP: prctl(2). */
	capng_flags_t flags = may(CAP_SETPCAP) ? CAPNG_CLEAR_BOUNDING :
						 CAPNG_NO_FLAG;
	int r = 0;

	if (who->changes && initgroups(p->user, who->gid)) {
		r = -errno;
		log_err("groups of user '%s': %s", p->user, strerror(-r));
		return r;
	}
	select_kept();
	errno = 0;
	if (capng_change_id(who->changes ? (int)who->uid : -1,
			    who->changes ? (int)who->gid : -1, flags) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		r = errno ? -errno : -EPERM;
		log_err("privileges: %s", strerror(-r));
	}
	return r;
}

int privilege_drop(const struct privilege_params *p)
{
	struct identity who = { 0 };
	int r;

	if (capng_get_caps_process()) {
		log_err("capabilities of this process: %s", strerror(errno));
		return -EIO;
	}
	r = check_capabilities();
	if (!r)
		r = choose(p, &who);
	for (size_t i = 0; !r && who.changes && i < p->n_owned; i++)
		r = give(p->owned[i], &who);
	if (!r)
		r = change(p, &who);
	if (r)
		return r;
	if (STAYS_DUMPABLE)
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	else if (p->no_core)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	log_debug("privileges: uid %u, gid %u, CAP_NET_RAW%s",
		  (unsigned int)getuid(), (unsigned int)getgid(),
		  may(CAP_NET_ADMIN) ? " and CAP_NET_ADMIN" : "");
	return 0;
}
