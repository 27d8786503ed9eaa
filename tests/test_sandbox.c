/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * privilege.c and sandbox.c: what a process that has entered may do, and what
 * it may not. There is no way back, so each case has a child of its own.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base.h"
#include "log.h"
#include "privilege.h"
#include "sandbox.h"
#include "sandbox_landlock.h"

/* With it, the process may look at itself by ptrace: sandbox_syscalls.c. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define BIT(n) (UINT64_C(1) << (n))
#define BOTH (BIT(CAP_NET_RAW) | BIT(CAP_NET_ADMIN))
#define SKIPPED 77

/* A child says what is wrong, and ends. */
#define expect(condition)                                                \
	do {                                                             \
		if (!(condition)) {                                      \
			fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__,    \
				__LINE__, #condition, strerror(errno));  \
			_exit(1);                                        \
		}                                                        \
	} while (0)

#define expect_refused(call, error)                   \
	do {                                          \
		errno = 0;                            \
		expect((call) == -1);                 \
		expect(errno == (error));             \
	} while (0)

/* Folders, each with a file, a folder and a second file in it. */
static char top[] = "/tmp/test_sandbox.XXXXXX";
static char own[64], other[64];

static void in_child(void (*what)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		what();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(status, 0);
}

static const char *below(const char *folder, const char *name)
{
	static char path[4][128];
	static unsigned int next;
	char *p = path[next++ % ARRAY_SIZE(path)];

	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

static void make_file(const char *folder, const char *name)
{
	int fd = open(below(folder, name), O_CREAT | O_WRONLY | O_TRUNC, 0644);

	expect(fd >= 0 && write(fd, "text", 4) == 4 && !close(fd));
}

static void make_folder(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s", top, name);
	expect(!mkdir(path, 0755));
	make_file(path, "file");
	make_file(path, "second");
	expect(!mkdir(below(path, "folder"), 0755));
}

static int setup(void **state)
{
	(void)state;
	strcpy(top + strlen(top) - 6, "XXXXXX");
	assert_non_null(mkdtemp(top));
	assert_int_equal(chmod(top, 0755), 0);
	make_folder(own, sizeof(own), "own");
	make_folder(other, sizeof(other), "other");
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

static void enter(void)
{
	const char *const writable[] = { own };

	expect(!sandbox_enter(writable, 1));
}

static bool has_capability(unsigned int n);

/* This process has all capabilities, if need be in a user namespace; otherwise
 * the case is skipped. */
static void need_root(void)
{
	char map[64];
	uid_t uid = geteuid();
	int fd;

	if (!uid && has_capability(CAP_NET_RAW))
		return;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		_exit(SKIPPED);
	fd = open("/proc/self/uid_map", O_WRONLY);
	snprintf(map, sizeof(map), "0 %u 1", (unsigned int)uid);
	expect(fd >= 0 && write(fd, map, strlen(map)) > 0 && !close(fd));
}

/* The machine's root, who may become anybody. */
static void need_real_root(void)
{
	char map[128] = "";
	int fd = open("/proc/self/uid_map", O_RDONLY);

	if (geteuid() || !has_capability(CAP_SETUID) ||
	    !has_capability(CAP_NET_RAW) ||
	    read(fd, map, sizeof(map) - 1) <= 0 || !strstr(map, "4294967295") ||
	    !getpwnam("nobody"))
		_exit(SKIPPED);
	close(fd);
}

static void need_landlock(void)
{
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 1)
		_exit(SKIPPED);
}

/* ---- /proc/self/status ---- */

/* A hexadecimal or decimal number of a thread's status; -1: there is none. */
static int64_t status_of(const char *tid, const char *key, int base)
{
	char path[64], line[256];
	int64_t value = -1;
	size_t len = strlen(key);
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", tid);
	file = fopen(path, "re");
	expect(file);
	while (value < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, len) && line[len] == ':')
			value = strtoll(line + len + 1, NULL, base);
	fclose(file);
	return value;
}

static int64_t own_status(const char *key, int base)
{
	char tid[16];

	snprintf(tid, sizeof(tid), "%d", gettid());
	return status_of(tid, key, base);
}

static bool has_capability(unsigned int n)
{
	return own_status("CapEff", 16) & (int64_t)BIT(n);
}

/* ---- files ---- */

static int act_write(const char *folder)
{
	return open(below(folder, "file"), O_WRONLY | O_CLOEXEC);
}

static int act_append(const char *folder)
{
	return open(below(folder, "file"), O_RDWR | O_APPEND | O_CLOEXEC);
}

static int act_truncate(const char *folder)
{
	return open(below(folder, "file"), O_WRONLY | O_TRUNC | O_CLOEXEC);
}

static int act_create(const char *folder)
{
	return open(below(folder, "new"), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
}

static int act_rename(const char *folder)
{
	return rename(below(folder, "file"), below(folder, "renamed"));
}

static int act_replace(const char *folder)
{
	return rename(below(folder, "renamed"), below(folder, "second"));
}

static int act_unlink(const char *folder)
{
	return unlink(below(folder, "second"));
}

static int act_rmdir(const char *folder)
{
	return rmdir(below(folder, "folder"));
}

static int act_mkdir(const char *folder)
{
	return mkdir(below(folder, "made"), 0755);
}

static int act_bind(const char *folder)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	expect(fd >= 0);
	strcpy(at.sun_path, below(folder, "socket"));
	return bind(fd, (struct sockaddr *)&at, sizeof(at));
}

/* In this order; what an earlier one left is there for a later one. */
static const struct {
	const char *what;
	int (*act)(const char *folder);
	int error; /* elsewhere */
} file_row[] = {
	{ "write", act_write, EACCES },
	{ "append", act_append, EACCES },
	{ "truncate", act_truncate, EACCES },
	{ "create", act_create, EACCES },
	{ "rename", act_rename, EACCES },
	{ "replace", act_replace, 0 }, /* elsewhere there is no such file */
	{ "unlink", act_unlink, EACCES },
	{ "rmdir", act_rmdir, EACCES },
	{ "mkdir", act_mkdir, EACCES },
	{ "bind", act_bind, EACCES },
};

static void child_files(void)
{
	char text[8];
	int fd, elsewhere;

	need_landlock();
	elsewhere = open(below(other, "file"), O_RDWR | O_CLOEXEC);
	enter();
	for (size_t i = 0; i < ARRAY_SIZE(file_row); i++) {
		if (file_row[i].error) {
			errno = 0;
			if (file_row[i].act(other) != -1 ||
			    errno != file_row[i].error)
				fprintf(stderr, "%s\n", file_row[i].what);
			expect(errno == file_row[i].error);
		}
		fd = file_row[i].act(own);
		if (fd < 0)
			fprintf(stderr, "%s\n", file_row[i].what);
		expect(fd >= 0);
	}
	expect(rename(below(own, "new"), below(other, "new")) == -1);
	expect(errno == EACCES || errno == EXDEV);
	expect(rename(below(other, "file"), below(own, "new")) == -1);
	expect(errno == EACCES || errno == EXDEV);
	/* What is open stays open, and reading is free. */
	expect(write(elsewhere, "more", 4) == 4);
	fd = open(below(other, "file"), O_RDONLY);
	expect(fd >= 0 && read(fd, text, 4) == 4 && !memcmp(text, "more", 4));
	fd = open("/dev/null", O_RDONLY);
	expect(fd >= 0 && !close(fd));
	expect_refused(open("/dev/null", O_WRONLY), EACCES);
}

static void test_files(void **state)
{
	(void)state;
	in_child(child_files);
}

/* One file may be written where its neighbours may not; what is not there is
 * passed over. */
static void child_one_file(void)
{
	const char *const writable[] = { below(own, "file"),
					 below(own, "nothing") };

	need_landlock();
	log_level = LOG_LEVEL_ERROR;
	expect(!sandbox_enter(writable, 2));
	expect(open(below(own, "file"), O_WRONLY | O_TRUNC) >= 0);
	expect_refused(open(below(own, "second"), O_WRONLY), EACCES);
	expect_refused(unlink(below(own, "file")), EACCES);
	expect_refused(open(below(own, "nothing"), O_WRONLY | O_CREAT, 0644),
		       EACCES);
}

static void test_one_file(void **state)
{
	(void)state;
	in_child(child_one_file);
}

/* Landlock alone: no program is run, not one of ours either. */
static void child_execute(void)
{
	const char *const writable[] = { own };
	char *const argv[] = { (char *)"true", NULL };

	need_landlock();
	expect(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	expect(!chmod(below(own, "file"), 0755));
	expect(!sandbox_landlock(writable, 1));
	expect_refused(execv("/bin/true", argv), EACCES);
	expect_refused(execv(below(own, "file"), argv), EACCES);
}

static void test_execute(void **state)
{
	(void)state;
	in_child(child_execute);
}

/* ---- system calls ---- */

static const struct {
	const char *name;
	bool may_sanitizer;
	long nr;
	long arg[4];
} refused[] = {
	{ "execve", false, SYS_execve, { (long)"/bin/true" } },
	{ "execveat", false, SYS_execveat, { AT_FDCWD, (long)"/bin/true" } },
	{ "bpf", false, SYS_bpf, { -1 } },
	{ "unshare", false, SYS_unshare, { CLONE_NEWNET } },
	{ "unshare nothing", false, SYS_unshare, { 0 } },
	{ "setns", false, SYS_setns, { -1 } },
	{ "mount", false, SYS_mount, { (long)"x", (long)"/x", (long)"x" } },
	{ "umount2", false, SYS_umount2, { (long)"/nonexistent" } },
	{ "chroot", false, SYS_chroot, { (long)"/" } },
	{ "pivot_root", false, SYS_pivot_root, { (long)"/x", (long)"/x" } },
	{ "init_module", false, SYS_init_module, { 0 } },
	{ "finit_module", false, SYS_finit_module, { -1 } },
	{ "kexec_load", false, SYS_kexec_load, { 0, 0, 0, -1 } },
	{ "reboot", false, SYS_reboot, { 0 } },
	{ "open_by_handle_at", false, SYS_open_by_handle_at, { -1 } },
	{ "keyctl", false, SYS_keyctl, { -1 } },
	{ "add_key", false, SYS_add_key, { 0 } },
	{ "perf_event_open", false, SYS_perf_event_open, { 0 } },
	{ "userfaultfd", false, SYS_userfaultfd, { -1 } },
	{ "io_uring_setup", false, SYS_io_uring_setup, { 0 } },
	{ "process_vm_writev", false, SYS_process_vm_writev, { 0 } },
	{ "process_vm_readv", true, SYS_process_vm_readv, { 0 } },
	{ "ptrace", true, SYS_ptrace, { -1 } },
	{ "personality", true, SYS_personality, { 0xffffffff } },
	{ "pidfd_open", false, SYS_pidfd_open, { -1 } },
	{ "setuid", false, SYS_setuid, { -1 } },
	{ "setgroups", false, SYS_setgroups, { 70000 } },
	{ "capset", false, SYS_capset, { 0 } },
	{ "fchown", false, SYS_fchown, { -1 } },
	{ "fchownat", false, SYS_fchownat, { AT_FDCWD, 0 } },
	{ "symlinkat", false, SYS_symlinkat, { 0, AT_FDCWD, 0 } },
	{ "linkat", false, SYS_linkat, { AT_FDCWD, 0, AT_FDCWD, 0 } },
	{ "mknodat", false, SYS_mknodat, { AT_FDCWD, 0 } },
	{ "sethostname", false, SYS_sethostname, { 0, -1 } },
	{ "settimeofday", false, SYS_settimeofday, { 0, 0 } },
	{ "swapon", false, SYS_swapon, { 0 } },
	{ "seccomp", false, SYS_seccomp, { -1 } },
	{ "landlock", false, SYS_landlock_restrict_self, { -1 } },
	/* A thread is allowed, by the same call. */
	{ "clone", true, SYS_clone, { SIGCHLD } },
	{ "prctl", true, SYS_prctl, { PR_SET_DUMPABLE, 1 } },
	{ "ioctl", false, SYS_ioctl, { 0, TIOCSTI, 0 } },
	{ "tgkill", true, SYS_tgkill, { 1, 1, 0 } },
	{ "prlimit64", true, SYS_prlimit64, { 1, RLIMIT_NOFILE } },
};

static void child_refused(void)
{
	const unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE);
	void *memory = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	enter();
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		const long *a = refused[i].arg;
		long r;

		if (SANITIZED && refused[i].may_sanitizer)
			continue;
		errno = 0;
		r = syscall(refused[i].nr, a[0], a[1], a[2], a[3], 0, 0);
		if (r != -1 || errno != EPERM)
			fprintf(stderr, "%s: %ld, %s\n", refused[i].name, r,
				strerror(errno));
		expect(r == -1 && errno == EPERM);
	}
	expect_refused(syscall(SYS_clone3, NULL, 0), ENOSYS);
	if (SANITIZED)
		return;
	expect_refused(fork(), EPERM);
	expect_refused(kill(getpid(), SIGUSR1), EPERM);
	expect(mmap(NULL, page, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	expect(errno == EPERM);
	expect_refused(mprotect(memory, page, PROT_READ | PROT_EXEC), EPERM);
}

static void test_refused(void **state)
{
	(void)state;
	in_child(child_refused);
}

/* ---- sockets ---- */

static const struct {
	int domain, type, protocol;
	bool is_allowed;
} socket_row[] = {
	{ AF_PACKET, SOCK_RAW, 0, true },
	{ AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, true },
	{ AF_NETLINK, SOCK_RAW, NETLINK_GENERIC, true },
	{ AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG, true },
	{ AF_UNIX, SOCK_STREAM, 0, true },
	{ AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, true },
	{ AF_INET, SOCK_STREAM, 0, true },
	{ AF_INET, SOCK_DGRAM, 0, true },
	{ AF_INET6, SOCK_STREAM, 0, true },
	{ AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER, false },
	{ AF_NETLINK, SOCK_RAW, NETLINK_XFRM, false },
	{ AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT, false },
	{ AF_BLUETOOTH, SOCK_RAW, 0, false },
	{ AF_VSOCK, SOCK_STREAM, 0, false },
	{ AF_ALG, SOCK_SEQPACKET, 0, false },
	{ AF_XDP, SOCK_RAW, 0, false },
	{ AF_KEY, SOCK_RAW, 2, false },
	{ AF_TIPC, SOCK_STREAM, 0, false },
};

/* 0 or the error. What a kernel has not, it has not after either. */
static int try_socket(size_t i)
{
	int fd = socket(socket_row[i].domain, socket_row[i].type,
			socket_row[i].protocol);

	return fd < 0 ? errno : close(fd);
}

static void child_sockets(void)
{
	int before[ARRAY_SIZE(socket_row)];

	need_root();
	expect(!try_socket(0));
	for (size_t i = 0; i < ARRAY_SIZE(socket_row); i++)
		before[i] = try_socket(i);
	enter();
	for (size_t i = 0; i < ARRAY_SIZE(socket_row); i++) {
		int after = try_socket(i);
		int want = socket_row[i].is_allowed ? before[i] : EPERM;

		if (after != want)
			fprintf(stderr, "socket(%d, %d, %d): %s\n",
				socket_row[i].domain, socket_row[i].type,
				socket_row[i].protocol, strerror(after));
		expect(after == want);
	}
}

static void test_sockets(void **state)
{
	(void)state;
	in_child(child_sockets);
}

/* ---- what a bridge does all day ---- */

static void *turn(void *arg)
{
	char name[16] = "";

	prctl(PR_SET_NAME, "turner");
	prctl(PR_GET_NAME, name);
	expect(!strcmp(name, "turner"));
	expect(!prctl(PR_SET_TIMERSLACK, 1));
	expect(!sched_yield());
	expect_refused(syscall(SYS_bpf, -1, NULL, 0), EPERM);
	expect(eventfd_write(*(int *)arg, 1) == 0);
	return NULL;
}

/* One that was there before: the filter holds for it, too. */
static void *turn_later(void *arg)
{
	eventfd_t n;

	expect(!eventfd_read(*(int *)arg, &n));
	expect_refused(syscall(SYS_bpf, -1, NULL, 0), EPERM);
	return NULL;
}

static void child_earlier_thread(void)
{
	int go = eventfd(0, EFD_CLOEXEC);
	pthread_t thread;

	expect(!pthread_create(&thread, NULL, turn_later, &go));
	enter();
	expect(!eventfd_write(go, 1));
	expect(!pthread_join(thread, NULL));
}

static void child_threads(void)
{
	pthread_t thread[4];
	pthread_attr_t attr;
	eventfd_t n = 0;
	cpu_set_t cpus;
	int fd = eventfd(0, EFD_CLOEXEC);

	enter();
	CPU_ZERO(&cpus);
	expect(!sched_getaffinity(0, sizeof(cpus), &cpus));
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	for (size_t i = 0; i < ARRAY_SIZE(thread); i++)
		expect(!pthread_create(&thread[i], &attr, turn, &fd));
	for (size_t i = 0; i < ARRAY_SIZE(thread); i++)
		expect(!pthread_join(thread[i], NULL));
	pthread_attr_destroy(&attr);
	expect(!eventfd_read(fd, &n) && n == ARRAY_SIZE(thread));
}

static void test_threads(void **state)
{
	(void)state;
	in_child(child_threads);
	in_child(child_earlier_thread);
}

static void child_timers(void)
{
	const struct itimerspec when = { .it_value.tv_nsec = 1000000 };
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct epoll_event event = { .events = EPOLLIN };
	struct signalfd_siginfo info;
	sigset_t set;
	int timer, poller, signals;
	uint64_t n = 0;

	enter();
	poller = epoll_create1(EPOLL_CLOEXEC);
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	expect(poller >= 0 && timer >= 0);
	expect(!timerfd_settime(timer, 0, &when, NULL));
	expect(!epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event));
	expect(epoll_wait(poller, &event, 1, 10000) == 1);
	expect(read(timer, &n, sizeof(n)) == sizeof(n) && n);
	expect(!nanosleep(&pause, NULL));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	expect(!sigprocmask(SIG_BLOCK, &set, NULL));
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	expect(signals >= 0 && !raise(SIGUSR1));
	expect(read(signals, &info, sizeof(info)) == sizeof(info));
	expect(info.ssi_signo == SIGUSR1);
}

static void test_timers(void **state)
{
	(void)state;
	in_child(child_timers);
}

static int driver_of(const char *ifname)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq req = { .ifr_data = (char *)&info };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r;

	strcpy(req.ifr_name, ifname);
	r = ioctl(fd, SIOCETHTOOL, &req) ? errno : 0;
	close(fd);
	return r;
}

static void child_lookups(void)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int before = driver_of("lo");
	char *memory;
	DIR *dir;

	enter();
	expect(!getaddrinfo("localhost", "80", &hints, &found));
	freeaddrinfo(found);
	expect(getaddrinfo("no.such.host.invalid", NULL, &hints, &found));
	expect(errno != EPERM);
	expect(if_nametoindex("lo"));
	expect(driver_of("lo") == before);
	dir = opendir("/sys/class/net");
	expect(dir && readdir(dir) && !closedir(dir));
	for (int i = 0; i < 100; i++) {
		memory = malloc((size_t)1 << (10 + i % 15));
		expect(memory);
		memset(memory, i, 1024);
		memory = realloc(memory, (size_t)1 << (11 + i % 15));
		expect(memory);
		free(memory);
	}
	/* ini.c hands iniparser a copy in memory. */
	expect(memfd_create("copy", MFD_CLOEXEC) >= 0);
	expect(!isatty(-1) && sysconf(_SC_NPROCESSORS_ONLN) > 0);
	expect(!kill(getpid(), 0));
}

static void test_lookups(void **state)
{
	(void)state;
	in_child(child_lookups);
}

/* ---- privileges ---- */

static void expect_capabilities(const char *tid, uint64_t wanted)
{
	expect(status_of(tid, "CapPrm", 16) == (int64_t)wanted);
	expect(status_of(tid, "CapEff", 16) == (int64_t)wanted);
	expect(status_of(tid, "CapInh", 16) == 0);
	expect(status_of(tid, "CapAmb", 16) == 0);
	expect(status_of(tid, "NoNewPrivs", 10) == 1);
}

static void *wait_for_go(void *arg)
{
	eventfd_t n;

	expect(!eventfd_read(*(int *)arg, &n));
	return NULL;
}

/* Two capabilities, no_new_privs, a filter: in every thread. */
static void child_status(void)
{
	const struct privilege_params p = { 0 };
	int go = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE), tasks = 0;
	pthread_t thread[2];
	const struct dirent *task;
	DIR *dir;

	need_root();
	expect(!privilege_drop(&p));
	expect_capabilities("..", BOTH);
	expect(own_status("CapBnd", 16) == 0);
	enter();
	for (size_t i = 0; i < ARRAY_SIZE(thread); i++)
		expect(!pthread_create(&thread[i], NULL, wait_for_go, &go));
	dir = opendir("/proc/self/task");
	while (dir && (task = readdir(dir))) {
		if (*task->d_name == '.')
			continue;
		tasks++;
		expect_capabilities(task->d_name, BOTH);
		expect(status_of(task->d_name, "Seccomp", 10) == 2);
		expect(status_of(task->d_name, "CapBnd", 16) == 0);
	}
	expect(dir && !closedir(dir) && tasks >= 3);
	expect(!eventfd_write(go, ARRAY_SIZE(thread)));
	for (size_t i = 0; i < ARRAY_SIZE(thread); i++)
		expect(!pthread_join(thread[i], NULL));
}

static void test_status(void **state)
{
	(void)state;
	in_child(child_status);
}

static void expect_user(const char *name)
{
	const struct passwd *pw = getpwnam(name);
	gid_t want[64], have[64];
	int n = ARRAY_SIZE(want);
	uid_t id[3];

	expect(pw && !getresuid(&id[0], &id[1], &id[2]));
	for (int i = 0; i < 3; i++)
		expect(id[i] == pw->pw_uid);
	expect(!getresgid(&id[0], &id[1], &id[2]));
	for (int i = 0; i < 3; i++)
		expect(id[i] == pw->pw_gid);
	expect(getgrouplist(name, pw->pw_gid, want, &n) >= 0);
	expect(getgroups(ARRAY_SIZE(have), have) == n);
	for (int i = 0; i < n; i++)
		expect(have[i] == want[i]);
}

static void child_user(void)
{
	const gid_t groups[] = { 0, 1, 4 };
	const struct privilege_params p = { .user = "nobody",
					    .user_is_wanted = true };

	need_real_root();
	expect(!setgroups(ARRAY_SIZE(groups), groups));
	expect(!privilege_drop(&p));
	expect_user("nobody");
	expect_capabilities("..", BOTH);
	expect(own_status("CapBnd", 16) == 0);
	expect(socket(AF_PACKET, SOCK_RAW, 0) >= 0);
	expect_refused(setuid(0), EPERM);
	expect_refused(open("/etc/shadow", O_RDONLY), EACCES);
}

static void test_user(void **state)
{
	(void)state;
	in_child(child_user);
}

/* The default user may be missing; one that was asked for may not. */
static void child_missing_user(void)
{
	struct privilege_params p = { .user = "no-such-user" };
	uid_t uid;

	need_root();
	log_level = LOG_LEVEL_ERROR;
	uid = geteuid();
	p.user_is_wanted = true;
	expect(privilege_drop(&p) == -EINVAL);
	expect(has_capability(CAP_CHOWN)); /* nothing is changed */
	p.user_is_wanted = false;
	expect(!privilege_drop(&p));
	expect(geteuid() == uid);
	expect_capabilities("..", BOTH);
}

static void test_missing_user(void **state)
{
	(void)state;
	in_child(child_missing_user);
}

/* Root of a user namespace that has one uid. */
static void child_user_namespace(void)
{
	struct privilege_params p = { .user = "nobody",
				      .user_is_wanted = true };
	char map[64];
	int fd;

	if (geteuid() == 65534 || !getpwnam("nobody"))
		_exit(SKIPPED);
	snprintf(map, sizeof(map), "0 %u 1", (unsigned int)geteuid());
	if (unshare(CLONE_NEWUSER))
		_exit(SKIPPED);
	fd = open("/proc/self/uid_map", O_WRONLY);
	expect(fd >= 0 && write(fd, map, strlen(map)) > 0 && !close(fd));
	log_level = LOG_LEVEL_ERROR;
	expect(privilege_drop(&p) == -EINVAL);
	expect(has_capability(CAP_CHOWN));
	p.user_is_wanted = false;
	expect(!privilege_drop(&p));
	expect(geteuid() == 0);
	expect_capabilities("..", BOTH);
	enter();
}

static void test_user_namespace(void **state)
{
	(void)state;
	in_child(child_user_namespace);
}

/* As a service manager starts it: a plain user with ambient capabilities. */
static void be_plain_with(uint64_t capabilities)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	const struct __user_cap_data_struct data[2] = { {
		.effective = (uint32_t)capabilities,
		.permitted = (uint32_t)capabilities,
		.inheritable = (uint32_t)capabilities,
	} };

	need_real_root();
	expect(!setgroups(0, NULL) && !prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	expect(!setresgid(65534, 65534, 65534));
	expect(!setresuid(65534, 65534, 65534));
	expect(!syscall(SYS_capset, &head, data));
	for (unsigned int n = 0; n < 32; n++)
		if (capabilities & BIT(n))
			expect(!prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, n,
				      0, 0));
}

static void child_ambient(void)
{
	struct privilege_params p = { .user = "root", .user_is_wanted = true };

	be_plain_with(BOTH | BIT(CAP_SYS_PTRACE));
	log_level = LOG_LEVEL_ERROR;
	expect(own_status("CapAmb", 16) ==
	       (int64_t)(BOTH | BIT(CAP_SYS_PTRACE)));
	expect(privilege_drop(&p) == -EINVAL);
	p.user_is_wanted = false;
	expect(!privilege_drop(&p));
	expect_capabilities("..", BOTH);
	expect(geteuid() == 65534);
	enter();
	expect(socket(AF_PACKET, SOCK_RAW, 0) >= 0);
}

static void test_ambient(void **state)
{
	(void)state;
	in_child(child_ambient);
}

static void child_raw_alone(void)
{
	const struct privilege_params p = { 0 };

	be_plain_with(BIT(CAP_NET_RAW));
	log_level = LOG_LEVEL_ERROR;
	expect(!privilege_drop(&p));
	expect_capabilities("..", BIT(CAP_NET_RAW));
	expect(socket(AF_PACKET, SOCK_RAW, 0) >= 0);
}

static void child_admin_alone(void)
{
	const struct privilege_params p = { 0 };

	be_plain_with(BIT(CAP_NET_ADMIN));
	log_level = LOG_LEVEL_ERROR;
	expect(privilege_drop(&p) == -EPERM);
}

static void test_one_missing(void **state)
{
	(void)state;
	in_child(child_raw_alone);
	in_child(child_admin_alone);
}

static uid_t owner(const char *path)
{
	struct stat st;

	expect(!lstat(path, &st));
	return st.st_uid;
}

/* The user's own folders may hold traps, for it was there before. */
static void child_owned(void)
{
	char link[128], target[128], hard[128], common[128], missing[128];
	const char *const owned[] = { own,  link,    hard,
				      common, missing, "/dev/null" };
	const struct privilege_params p = { .user = "nobody",
					    .user_is_wanted = true,
					    .owned = owned,
					    .n_owned = ARRAY_SIZE(owned) };

	need_real_root();
	strcpy(link, below(own, "link"));
	strcpy(target, below(other, "file"));
	strcpy(hard, below(own, "hard"));
	strcpy(common, below(other, "folder"));
	strcpy(missing, below(own, "missing"));
	expect(!symlink(target, link));
	expect(!linkat(AT_FDCWD, below(other, "second"), AT_FDCWD, hard, 0));
	expect(!chmod(common, 01777));
	expect(!privilege_drop(&p));
	expect(owner(own) == 65534);
	expect(owner(below(own, "file")) == 0);
	expect(owner(target) == 0);
	expect(owner(hard) == 0);
	expect(owner(common) == 0);
	expect(owner("/dev/null") != 65534);
	enter();
	make_file(own, "mine");
	expect(!rename(below(own, "mine"), below(own, "yours")));
}

static void test_owned(void **state)
{
	(void)state;
	in_child(child_owned);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_files),
		TEST(test_one_file),
		TEST(test_execute),
		TEST(test_refused),
		TEST(test_sockets),
		TEST(test_threads),
		TEST(test_timers),
		TEST(test_lookups),
		TEST(test_status),
		TEST(test_user),
		TEST(test_missing_user),
		TEST(test_user_namespace),
		TEST(test_ambient),
		TEST(test_one_missing),
		TEST(test_owned),
	};

	return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
