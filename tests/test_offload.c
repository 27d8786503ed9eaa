/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * offload.c with a fake NIC in shared memory, so that a child can switch LRO
 * off, be killed, and leave it off.
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
#include <linux/ethtool.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "offload.h"

#define OTHERS (ETH_FLAG_RXVLAN | ETH_FLAG_NTUPLE)

struct fake_nic {
	uint32_t flags;
	int index;
	int get_error, set_error;
	bool stuck; /* says yes and does nothing */
	int sets;
	bool record_at_set, locked_at_set;
};

static struct fake_nic *nic;
static char base[] = "/tmp/test_offload.XXXXXX";
static char dir[64], record[80], lock_file[80];

static int fake_get_flags(const char *ifname, uint32_t *flags)
{
	*flags = nic->flags;
	return strcmp(ifname, "eth0") ? -ENODEV : nic->get_error;
}

static int fake_set_flags(const char *ifname, uint32_t flags)
{
	int fd = open(lock_file, O_RDWR | O_CLOEXEC);

	nic->sets++;
	nic->record_at_set = !access(record, F_OK);
	nic->locked_at_set = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB);
	if (fd >= 0)
		close(fd);
	if (strcmp(ifname, "eth0"))
		return -ENODEV;
	if (!nic->set_error && !nic->stuck)
		nic->flags = flags;
	return nic->set_error;
}

static int fake_get_index(const char *ifname)
{
	return strcmp(ifname, "eth0") ? -ENODEV : nic->index;
}

static const struct offload_ops fake = {
	.get_flags = fake_get_flags,
	.set_flags = fake_set_flags,
	.get_index = fake_get_index,
};

static bool exists(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

static bool lro_is_on(void)
{
	assert_int_equal(nic->flags & ~(uint32_t)ETH_FLAG_LRO, OTHERS);
	return nic->flags & ETH_FLAG_LRO;
}

static void empty_dir(const char *path)
{
	DIR *list = opendir(path);
	const struct dirent *entry;

	if (!list)
		return;
	while ((entry = readdir(list)))
		if (entry->d_name[0] != '.' || entry->d_name[1] == 'l')
			unlinkat(dirfd(list), entry->d_name, 0);
	closedir(list);
}

static int setup(void **state)
{
	(void)state;
	*nic = (struct fake_nic){ .flags = OTHERS | ETH_FLAG_LRO, .index = 7 };
	empty_dir(dir);
	return rmdir(dir) && errno != ENOENT;
}

static struct offload_lro *off(void)
{
	struct offload_lro *lro = NULL;

	assert_int_equal(offload_lro_off_by(&fake, dir, "eth0", &lro), 0);
	return lro;
}

static void write_file(const char *path, const void *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

static void read_record(char *text, size_t size)
{
	FILE *f = fopen(record, "re");

	assert_non_null(f);
	text[fread(text, 1, size - 1, f)] = '\0';
	fclose(f);
}

/* Put another number into the record. */
static void alter(const char *key, unsigned long long value)
{
	char text[256], altered[320];
	char *at;

	read_record(text, sizeof(text));
	at = strstr(text, key);
	assert_non_null(at);
	at += strlen(key);
	snprintf(altered, sizeof(altered), "%.*s%llu%s", (int)(at - text), text,
		 value, at + strspn(at, "0123456789"));
	write_file(record, altered, strlen(altered));
}

/* LRO is off, and a record stands as this process writes it, with one number
 * replaced. */
static void forge(const char *key, unsigned long long value)
{
	struct offload_lro *lro = off();
	char text[256];

	read_record(text, sizeof(text));
	offload_lro_restore(lro);
	write_file(record, text, strlen(text));
	alter(key, value);
	nic->flags = OTHERS;
	nic->sets = 0;
}

static int dead_pid(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

static void test_off_and_on(void **state)
{
	struct offload_lro *lro;
	struct stat st;

	(void)state;
	lro = off();
	assert_non_null(lro);
	assert_false(lro_is_on());
	assert_true(nic->record_at_set);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(stat(record, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	offload_lro_restore(lro);
	assert_true(lro_is_on());
	assert_false(exists(record));
	offload_lro_restore(NULL);
}

static void test_nothing_to_do(void **state)
{
	(void)state;
	nic->flags = OTHERS;
	assert_null(off());
	nic->get_error = -EOPNOTSUPP;
	nic->flags = OTHERS | ETH_FLAG_LRO;
	assert_null(off());
	assert_int_equal(nic->sets, 0);
	assert_false(exists(dir));
}

static void test_bad_names(void **state)
{
	static const char *const name[] = { "", "a/b", "sixteen_letters_",
					    "eth1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(name); i++) {
		struct offload_lro *lro = (void *)nic;

		assert_int_equal(offload_lro_off_by(&fake, dir, name[i], &lro),
				 -ENODEV);
		assert_null(lro);
	}
	assert_false(exists(dir));
}

/* What cannot be switched off leaves an error and no record. */
static void test_refused(void **state)
{
	static const struct {
		int set_error;
		bool stuck;
		int expected;
	} driver[] = {
		{ -EPERM, false, -EPERM },
		{ -EINVAL, false, -EINVAL },
		{ 0, true, -EOPNOTSUPP },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(driver); i++) {
		struct offload_lro *lro = (void *)nic;

		nic->set_error = driver[i].set_error;
		nic->stuck = driver[i].stuck;
		assert_int_equal(offload_lro_off_by(&fake, dir, "eth0", &lro),
				 driver[i].expected);
		assert_null(lro);
		assert_true(exists(dir));
		assert_false(exists(record));
	}
}

/* No place for a record: LRO must be off all the same. */
static void test_no_state_dir(void **state)
{
	struct offload_lro *lro = NULL;

	(void)state;
	assert_int_equal(
		offload_lro_off_by(&fake, "/dev/null/state", "eth0", &lro), 0);
	assert_non_null(lro);
	assert_false(lro_is_on());
	offload_lro_restore(lro);
	assert_true(lro_is_on());
}

/* A link in place of the directory is not followed. */
static void test_state_dir_is_a_link(void **state)
{
	struct offload_lro *lro;

	(void)state;
	assert_int_equal(symlink(base, dir), 0);
	lro = off();
	assert_false(lro_is_on());
	offload_lro_restore(lro);
	assert_true(offload_recover_by(&fake, dir) < 0);
	assert_int_equal(unlink(dir), 0);
}

static void test_left_over_temporary(void **state)
{
	char temporary[96];
	struct offload_lro *lro;

	(void)state;
	assert_int_equal(mkdir(dir, 0755), 0);
	snprintf(temporary, sizeof(temporary), "%s/.lro-eth0", dir);
	assert_int_equal(symlink(base, temporary), 0);
	lro = off();
	assert_true(exists(record));
	assert_false(exists(temporary));
	offload_lro_restore(lro);
	assert_false(exists(record));
}

/* The interface was replaced meanwhile: its LRO is none of our business. */
static void test_restore_replaced(void **state)
{
	struct offload_lro *lro = off();

	(void)state;
	nic->index++;
	nic->sets = 0;
	offload_lro_restore(lro);
	assert_int_equal(nic->sets, 0);
	assert_false(exists(record));
}

static void test_recover_nothing(void **state)
{
	(void)state;
	assert_int_equal(offload_recover_by(&fake, dir), 0);
	assert_false(exists(dir));
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(offload_recover_by(&fake, dir), 0);
	assert_int_equal(nic->sets, 0);
}

static pid_t start_owner(void)
{
	struct offload_lro *lro = NULL;
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (offload_lro_off_by(&fake, dir, "eth0", &lro) || !lro ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static void test_crash(void **state)
{
	pid_t pid = start_owner();
	siginfo_t info;

	(void)state;
	assert_false(lro_is_on());
	/* The living are left alone. */
	assert_int_equal(offload_recover_by(&fake, dir), 0);
	assert_false(lro_is_on());
	assert_true(exists(record));

	/* Dead is dead, even while nobody has waited for it. */
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_false(lro_is_on());
	assert_int_equal(offload_recover_by(&fake, dir), 0);
	assert_true(nic->locked_at_set);
	assert_true(lro_is_on());
	assert_false(exists(record));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_crash_reaped(void **state)
{
	(void)state;
	forge("pid=", (unsigned long long)dead_pid());
	assert_int_equal(offload_recover_by(&fake, dir), 0);
	assert_true(lro_is_on());
	assert_false(exists(record));
}

static void test_own_record_is_kept(void **state)
{
	struct offload_lro *lro = off();

	(void)state;
	assert_int_equal(offload_recover_by(&fake, dir), 0);
	assert_false(lro_is_on());
	assert_true(exists(record));
	offload_lro_restore(lro);
}

static void test_reused_pid(void **state)
{
	(void)state;
	forge("start=", 1); /* this pid, but another life */
	assert_int_equal(offload_recover_by(&fake, dir), 0);
	assert_true(lro_is_on());
	assert_false(exists(record));
}

static void test_index_changed(void **state)
{
	(void)state;
	forge("pid=", (unsigned long long)dead_pid());
	nic->index++;
	assert_int_equal(offload_recover_by(&fake, dir), 0);
	assert_int_equal(nic->sets, 0);
	assert_false(exists(record));
}

static void test_other_netns(void **state)
{
	(void)state;
	forge("pid=", (unsigned long long)dead_pid());
	alter("netns=", 1);
	assert_int_equal(offload_recover_by(&fake, dir), 0);
	assert_int_equal(nic->sets, 0);
	assert_true(exists(record));
}

static void test_recover_refused(void **state)
{
	(void)state;
	forge("pid=", (unsigned long long)dead_pid());
	nic->set_error = -EPERM;
	assert_int_equal(offload_recover_by(&fake, dir), -EPERM);
	assert_true(exists(record));
	nic->set_error = 0;
	assert_int_equal(offload_recover_by(&fake, dir), 0);
	assert_true(lro_is_on());
	assert_false(exists(record));
}

static void test_already_on(void **state)
{
	(void)state;
	forge("pid=", (unsigned long long)dead_pid());
	nic->flags |= ETH_FLAG_LRO;
	assert_int_equal(offload_recover_by(&fake, dir), 0);
	assert_int_equal(nic->sets, 0);
	assert_false(exists(record));
}

static void test_broken(void **state)
{
	static const char zeros[16];
	static char large[5000];
	char valid[64];
	int pid = dead_pid();
	struct {
		const char *text;
		size_t len;
	} broken[] = {
		{ "", 0 },
		{ "hello\n", 6 },
		{ zeros, sizeof(zeros) },
		{ large, sizeof(large) },
#define TEXT(s) { s, sizeof(s) - 1 }
		TEXT("index=7 netns=0 pid=1 start=\n"),
		TEXT("index=7 netns=0 pid=1 start=1 \n"),
		TEXT("index=7 netns=0 pid=1 start=1\nmore"),
		TEXT("index=7 netns=0 pid=1 start=1\n\0more"),
		TEXT("index=7 netns=0 pid=0 start=1\n"),
		TEXT("index=0 netns=0 pid=1 start=1\n"),
		TEXT("index=7 netns=0 pid=-1 start=1\n"),
		TEXT("index=4294967303 netns=0 pid=1 start=1\n"),
		TEXT("index=7 netns=0 pid=1 start=99999999999999999999\n"),
		TEXT("index= 7 netns=0 pid=1 start=1\n"),
#undef TEXT
		{ valid, 0 }, /* cut short */
	};

	(void)state;
	memset(large, '7', sizeof(large));
	broken[ARRAY_SIZE(broken) - 1].len = (size_t)snprintf(
		valid, sizeof(valid), "index=7 netns=0 pid=%d start=1", pid);
	assert_int_equal(mkdir(dir, 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		write_file(record, broken[i].text, broken[i].len);
		assert_int_equal(offload_recover_by(&fake, dir), 0);
		assert_false(exists(record));
	}
	assert_int_equal(nic->sets, 0);
}

static void test_odd_files(void **state)
{
	char name[96], target[96], text[256];

	(void)state;
	/* A link to a record that would be acted on. */
	forge("start=", 1);
	read_record(text, sizeof(text));
	snprintf(target, sizeof(target), "%s/elsewhere", base);
	assert_int_equal(rename(record, target), 0);
	assert_int_equal(symlink(target, record), 0);
	assert_int_equal(offload_recover_by(&fake, dir), 0);
	assert_false(exists(record));
	assert_true(exists(target));
	assert_int_equal(nic->sets, 0);

	/* No one must wait for a writer. */
	assert_int_equal(mkfifo(record, 0644), 0);
	assert_int_equal(offload_recover_by(&fake, dir), 0);
	assert_false(exists(record));

	/* No interface is called so. */
	snprintf(name, sizeof(name), "%s/lro-sixteen_letters_", dir);
	assert_int_equal(rename(target, name), 0);
	assert_int_equal(offload_recover_by(&fake, dir), 0);
	assert_false(exists(name));

	/* Not ours, and an interface that is gone. */
	snprintf(name, sizeof(name), "%s/control", dir);
	write_file(name, text, strlen(text));
	snprintf(target, sizeof(target), "%s/lro-eth1", dir);
	write_file(target, text, strlen(text));
	assert_int_equal(offload_recover_by(&fake, dir), 0);
	assert_true(exists(name));
	assert_false(exists(target));
	assert_int_equal(nic->sets, 0);
}

static int count_fds(void)
{
	DIR *list = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(list);
	while (readdir(list))
		n++;
	closedir(list);
	return n;
}

static void test_no_fd_leaks(void **state)
{
	int before = count_fds();

	(void)state;
	for (int i = 0; i < 10; i++) {
		struct offload_lro *lro = off();

		offload_recover_by(&fake, dir);
		offload_lro_restore(lro);
		nic->set_error = -EPERM;
		assert_int_equal(offload_lro_off_by(&fake, dir, "eth0", &lro),
				 -EPERM);
		nic->set_error = 0;
		write_file(record, "x", 1);
		offload_recover_by(&fake, dir);
	}
	assert_int_equal(count_fds(), before);
}

/* The real ioctls, as far as a loopback goes. */
static void test_loopback(void **state)
{
	struct offload_lro *lro = (void *)nic;
	char driver[32] = "x";

	(void)state;
	assert_int_equal(offload_lro_off(dir, "lo", &lro), 0);
	assert_null(lro);
	assert_false(exists(dir));
	assert_int_equal(offload_recover(dir), 0);
	assert_int_equal(offload_lro_off(dir, "no-such-if", &lro), -ENODEV);
	assert_true(offload_ioctl.get_index("lo") > 0);
	assert_int_equal(offload_ioctl.get_index("no-such-if"), -ENODEV);

	assert_int_equal(offload_driver("lo", driver, sizeof(driver)), 0);
	assert_string_equal(driver, "");
	assert_int_equal(offload_driver("no-such-if", driver, sizeof(driver)),
			 -ENODEV);
	assert_int_equal(offload_driver("a-name-that-is-far-too-long", driver,
					sizeof(driver)),
			 -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_off_and_on, setup),
		cmocka_unit_test_setup(test_nothing_to_do, setup),
		cmocka_unit_test_setup(test_bad_names, setup),
		cmocka_unit_test_setup(test_refused, setup),
		cmocka_unit_test_setup(test_no_state_dir, setup),
		cmocka_unit_test_setup(test_state_dir_is_a_link, setup),
		cmocka_unit_test_setup(test_left_over_temporary, setup),
		cmocka_unit_test_setup(test_restore_replaced, setup),
		cmocka_unit_test_setup(test_recover_nothing, setup),
		cmocka_unit_test_setup(test_crash, setup),
		cmocka_unit_test_setup(test_crash_reaped, setup),
		cmocka_unit_test_setup(test_own_record_is_kept, setup),
		cmocka_unit_test_setup(test_reused_pid, setup),
		cmocka_unit_test_setup(test_index_changed, setup),
		cmocka_unit_test_setup(test_other_netns, setup),
		cmocka_unit_test_setup(test_recover_refused, setup),
		cmocka_unit_test_setup(test_already_on, setup),
		cmocka_unit_test_setup(test_broken, setup),
		cmocka_unit_test_setup(test_odd_files, setup),
		cmocka_unit_test_setup(test_no_fd_leaks, setup),
		cmocka_unit_test_setup(test_loopback, setup),
	};
	int failed;

	umask(022);
	nic = mmap(NULL, sizeof(*nic), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (nic == MAP_FAILED || !mkdtemp(base)) {
		perror("test_offload");
		return 99;
	}
	snprintf(dir, sizeof(dir), "%s/state", base);
	snprintf(record, sizeof(record), "%s/lro-eth0", dir);
	snprintf(lock_file, sizeof(lock_file), "%s/lock", dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	empty_dir(dir);
	rmdir(dir);
	empty_dir(base);
	rmdir(base);
	return failed;
}
