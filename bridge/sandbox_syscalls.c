/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See sandbox_syscalls.h. The one file that knows libseccomp: a list of what is
 * allowed. Anything else fails with EPERM rather than ending the process, for
 * the wire must not die of a new C library's call. So what runs programs, looks
 * into other processes, mounts, changes namespaces or loads code into the
 * kernel is not named here at all.
 *
 * The names are those of amd64 and arm64; one that an architecture lacks is
 * passed over. Kernels from 5.11 on look a call without conditions up in a
 * bitmap, so the list costs a lane nothing: seccomp_cache_prepare(),
 * kernel/seccomp.c.
 */
#include "config.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <linux/netlink.h>

#include "log.h"
#include "sandbox_syscalls.h"

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41 /* linux/prctl.h of 5.17 */
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

/* Calls that are free. */
static const struct {
	const char *why;
	const char *call[24];
} groups[] = {
	{ "frames, and whatever else goes through a socket",
	  { "recvfrom", "recvmsg", "recvmmsg", "sendto", "sendmsg", "sendmmsg",
	    "read", "readv", "write", "writev", "pread64", "pwrite64",
	    "shutdown" } },
	{ "waiting",
	  { "poll", "ppoll", "select", "pselect6", "epoll_create1",
	    "epoll_create", "epoll_ctl", "epoll_wait", "epoll_pwait",
	    "epoll_pwait2", "eventfd2", "timerfd_create", "timerfd_settime",
	    "timerfd_gettime", "restart_syscall" } },
	{ "clocks, where the vDSO does not answer",
	  { "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep",
	    "gettimeofday", "time", "getrusage", "times" } },
	{ "memory",
	  { "munmap", "mremap", "madvise", "brk", "mincore", "mlock", "mlock2",
	    "munlock", "membarrier" } },
	{ "threads",
	  { "futex", "sched_yield", "sched_setaffinity", "sched_getaffinity",
	    "sched_getparam", "sched_getscheduler", "set_robust_list", "rseq",
	    "getcpu", "exit", "exit_group" } },
	{ "signals",
	  { "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending",
	    "rt_sigtimedwait", "rt_sigsuspend", "signalfd4" } },
	{ "sockets, once there are some",
	  { "bind", "listen", "accept", "accept4", "connect", "getsockopt",
	    "setsockopt", "getsockname", "getpeername" } },
	{ "files, within what Landlock allows: configuration, captures, taps, "
	  "metrics, events",
	  { "openat", "open", "close", "lseek", "ftruncate", "fallocate",
	    "fsync", "fdatasync", "flock", "fcntl", "dup", "dup2", "dup3",
	    "pipe2", "fchmod", "umask", "fadvise64", "memfd_create" } },
	{ "what they are called",
	  { "mkdir", "mkdirat", "rename", "renameat", "renameat2", "unlink",
	    "unlinkat", "rmdir" } },
	{ "looking at files",
	  { "fstat", "newfstatat", "statx", "stat", "lstat", "statfs",
	    "fstatfs", "access", "faccessat", "faccessat2", "readlink",
	    "readlinkat", "getdents64", "getcwd" } },
	{ "who and where we are",
	  { "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid",
	    "getegid", "getresuid", "getresgid", "getgroups", "capget",
	    "uname", "sysinfo", "getrandom", "getrlimit" } },
#ifdef SANITIZED
	{ "LeakSanitizer looks at this process by a tracer",
	  { "clone", "wait4", "ptrace", "kill", "tgkill", "prctl", "mmap",
	    "mprotect", "sigaltstack", "process_vm_readv", "personality",
	    "arch_prctl", "prlimit64", "set_tid_address", "getdents" } },
#endif
};

/* The kernel looks at the lower half of an int; the upper one may hold
 * anything. */
#define INT(arg, value) \
	{ arg, SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)(value) }
#define BITS(arg, mask, value) { arg, SCMP_CMP_MASKED_EQ, mask, value }

#define ALLOW SCMP_ACT_ALLOW
#define W_AND_X (PROT_WRITE | PROT_EXEC)

/* Calls of which only some are allowed: any row that fits. */
static const struct {
	const char *call;
	uint32_t action;
	unsigned int n_args;
	struct scmp_arg_cmp arg[2];
} limits[] = {
	/* Threads, no processes. The flags of clone3() are in memory, where a
	 * filter cannot look; told that there is none, the C library takes
	 * clone(). */
	{ "clone", ALLOW, 1, { BITS(0, CLONE_THREAD, CLONE_THREAD) } },
	{ "clone3", SCMP_ACT_ERRNO(ENOSYS), 0, { { 0 } } },

	/* Memory is never writable and code at once; the loader, for what
	 * getaddrinfo() loads, maps code as such from its file. */
	{ "mmap", ALLOW, 1, { BITS(2, W_AND_X, 0) } },
	{ "mmap", ALLOW, 1, { BITS(2, W_AND_X, PROT_WRITE) } },
	{ "mmap", ALLOW, 1, { BITS(2, W_AND_X, PROT_EXEC) } },
	{ "mprotect", ALLOW, 1, { BITS(2, PROT_EXEC, 0) } },

	/* With CAP_NET_RAW a raw socket would be open, too; the type stands in
	 * the last four bits. Netlink by protocol: with CAP_NET_ADMIN,
	 * netfilter's and IPsec's would be open, too. */
	{ "socket", ALLOW, 1, { INT(0, AF_UNIX) } },
	{ "socket", ALLOW, 2, { INT(0, AF_INET), BITS(1, 0xf, SOCK_STREAM) } },
	{ "socket", ALLOW, 2, { INT(0, AF_INET), BITS(1, 0xf, SOCK_DGRAM) } },
	{ "socket", ALLOW, 2, { INT(0, AF_INET6), BITS(1, 0xf, SOCK_STREAM) } },
	{ "socket", ALLOW, 2, { INT(0, AF_INET6), BITS(1, 0xf, SOCK_DGRAM) } },
	{ "socket", ALLOW, 1, { INT(0, AF_PACKET) } },
	{ "socket", ALLOW, 2, { INT(0, AF_NETLINK), INT(2, NETLINK_ROUTE) } },
	{ "socket", ALLOW, 2, { INT(0, AF_NETLINK), INT(2, NETLINK_GENERIC) } },
	{ "socket", ALLOW, 2, { INT(0, AF_NETLINK), INT(2, NETLINK_SOCK_DIAG) } },

	/* Interfaces and their features; is it a terminal, and how wide; what
	 * is there to read. Not TIOCSTI, which types for the user. */
	{ "ioctl", ALLOW, 1, { INT(1, SIOCETHTOOL) } },
	{ "ioctl", ALLOW, 1, { INT(1, SIOCGIFINDEX) } },
	{ "ioctl", ALLOW, 1, { INT(1, SIOCGIFNAME) } },
	{ "ioctl", ALLOW, 1, { INT(1, SIOCGIFFLAGS) } },
	{ "ioctl", ALLOW, 1, { INT(1, SIOCGIFMTU) } },
	{ "ioctl", ALLOW, 1, { INT(1, SIOCGIFHWADDR) } },
	{ "ioctl", ALLOW, 1, { INT(1, TCGETS) } },
	{ "ioctl", ALLOW, 1, { INT(1, TIOCGWINSZ) } },
	{ "ioctl", ALLOW, 1, { INT(1, FIONREAD) } },
	{ "ioctl", ALLOW, 1, { INT(1, FIONBIO) } },

	{ "prctl", ALLOW, 1, { INT(0, PR_SET_NAME) } },
	{ "prctl", ALLOW, 1, { INT(0, PR_GET_NAME) } },
	{ "prctl", ALLOW, 1, { INT(0, PR_SET_TIMERSLACK) } },
	{ "prctl", ALLOW, 1, { INT(0, PR_SET_VMA) } },

	/* Of other processes: whether they live. */
	{ "kill", ALLOW, 1, { INT(1, 0) } },
	/* Limits of our own, which threads take their stacks from. */
	{ "prlimit64", ALLOW, 1, { INT(0, 0) } },
};

static int add(scmp_filter_ctx filter, uint32_t action, const char *name,
	       unsigned int n_args, const struct scmp_arg_cmp *arg)
{
	int nr = seccomp_syscall_resolve_name(name);
	int r;

	/* Unknown to the library, or to this architecture: a pseudo number. */
	if (nr < 0)
		return 0;
	r = seccomp_rule_add_array(filter, action, nr, n_args, arg);
	if (!r || r == -EEXIST)
		return 0;
	log_err("sandbox: %s: %s", name, strerror(-r));
	return r;
}

static int add_groups(scmp_filter_ctx filter)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		for (size_t k = 0; !r && k < ARRAY_SIZE(groups[i].call); k++)
			if (groups[i].call[k])
				r = add(filter, ALLOW, groups[i].call[k], 0,
					NULL);
	return r;
}

static int add_limits(scmp_filter_ctx filter)
{
	/* raise() and abort(), for this process alone. */
	const struct scmp_arg_cmp own = INT(0, getpid());
	int r = add(filter, ALLOW, "tgkill", 1, &own);

	for (size_t i = 0; !r && i < ARRAY_SIZE(limits); i++)
		r = add(filter, limits[i].action, limits[i].call,
			limits[i].n_args, limits[i].arg);
	return r;
}

/* What a kernel or a library lacks of these is no reason to do without. */
static const struct {
	enum scmp_filter_attr attr;
	uint32_t value;
	const char *name;
} attributes[] = {
	/* int $0x80 and x32 are calls of other numbers: nobody here makes
	 * them. */
	{ SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS, "other ABIs" },
	{ SCMP_FLTATR_CTL_TSYNC, 1, "all threads" },
	/* Kernels before 5.16 would slow a filtered thread's loads and stores
	 * down; no code of strangers runs in this process. */
	{ SCMP_FLTATR_CTL_SSB, 1, "full speed" },
	{ SCMP_FLTATR_CTL_OPTIMIZE, 2, "a binary tree" },
	{ SCMP_FLTATR_API_SYSRAWRC, 1, "the kernel's errors" },
};

int sandbox_syscalls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!filter) {
		log_err("sandbox: seccomp: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		r = seccomp_attr_set(filter, attributes[i].attr,
				     attributes[i].value);
		if (r)
			log_debug("sandbox: %s: %s", attributes[i].name,
				  strerror(-r));
	}
	r = add_groups(filter);
	if (!r)
		r = add_limits(filter);
	if (r)
		goto out;
	r = seccomp_load(filter);
	if (r)
		log_err("sandbox: seccomp: %s", strerror(-r));
out:
	seccomp_release(filter);
	return r;
}
