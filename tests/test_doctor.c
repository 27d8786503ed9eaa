/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doctor's parts: what it reads out of /proc, how it tells findings, its
 * state files, and the facts about links, in a network namespace of the test's
 * own. What it finds, and its fixes, are in the story net_doctor.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "doctor.h"
#include "doctor_look.h"
#include "doctor_proc.h"
#include "doctor_record.h"
#include "offload_facts.h"
#include "test_netns.h"

static char base[] = "/tmp/test_doctor.XXXXXX";
static int base_fd = -1;

static bool write_file(const char *name, const char *text)
{
	autoclean(close_fd) int fd = openat(
		base_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ssize_t len = (ssize_t)strlen(text);

	return fd >= 0 && write(fd, text, (size_t)len) == len;
}

/* ---- what stands in small files ---- */

static void test_value(void **state)
{
	static const struct {
		const char *text, *key;
		char separator;
		const char *value; /* NULL: no such line */
	} table[] = {
		{ "MemTotal:  10 kB\nMemAvailable:   77 kB\n", "MemAvailable",
		  ':', "77 kB" },
		{ "CapInh:\t0\nCapEff:\t00000000a80425fb\n", "CapEff", ':',
		  "00000000a80425fb" },
		{ "# x\nADMIN_STATE=unmanaged\n", "ADMIN_STATE", '=',
		  "unmanaged" },
		{ "[device]\nmanaged=false\n", "managed", '=', "false" },
		{ "unmanaged=true\n", "managed", '=', NULL },
		{ "managed-by=x\nmanaged=true", "managed", '=', "true" },
		{ "MemAvailableX: 5\n", "MemAvailable", ':', NULL },
		{ "key=\n", "key", '=', "" },
		{ "key=  \t\nother=1\n", "key", '=', "" },
		{ "", "key", '=', NULL },
		{ "\n\n", "key", '=', NULL },
		{ "key", "key", '=', NULL },
		{ "key=a long value that is cut\n", "key", '=',
		  "a long value that i" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char value[20] = "unset";
		bool found = doctor_proc_value(table[i].text, table[i].key,
					       table[i].separator, value,
					       sizeof(value));

		assert_int_equal(found, !!table[i].value);
		assert_string_equal(value, found ? table[i].value : "");
	}
}

static void test_version(void **state)
{
	(void)state;
	assert_int_equal(doctor_proc_version("6.1.0-18-amd64"), 601);
	assert_int_equal(doctor_proc_version("5.10"), 510);
	assert_int_equal(doctor_proc_version("5.9.16"), 509);
	assert_int_equal(doctor_proc_version("10.0-rc1"), 1000);
	assert_int_equal(doctor_proc_version("Linux"), 0);
	assert_int_equal(doctor_proc_version("6"), 0);
	assert_int_equal(doctor_proc_version(""), 0);
	/* Compared as versions are. */
	assert_true(doctor_proc_version("5.9") < doctor_proc_version("5.10"));
	assert_true(doctor_proc_version("5.19") < doctor_proc_version("6.0"));
}

static void test_bit(void **state)
{
	(void)state;
	assert_true(doctor_proc_bit("0000000000002000", 13));
	assert_false(doctor_proc_bit("0000000000002000", 12));
	assert_true(doctor_proc_bit("000001ffffffffff", 40));
	assert_false(doctor_proc_bit("000001ffffffffff", 41));
	assert_false(doctor_proc_bit("000001ffffffffff", 64));
	assert_false(doctor_proc_bit("", 0));
}

static void test_files(void **state)
{
	long long value = 99;
	char text[8], path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/number", base);
	assert_true(write_file("number", "-12\n"));
	assert_int_equal(doctor_proc_number(&value, "%s/number", base), 0);
	assert_int_equal(value, -12);
	assert_int_equal(doctor_proc_write(path, 7), 0);
	assert_int_equal(doctor_proc_number(&value, "%s", path), 0);
	assert_int_equal(value, 7);
	assert_true(write_file("number", "none\n"));
	assert_int_equal(doctor_proc_number(&value, "%s", path), -EBADMSG);
	assert_true(write_file("number", ""));
	assert_int_equal(doctor_proc_number(&value, "%s", path), -EBADMSG);
	assert_int_equal(doctor_proc_number(&value, "%s/no", base), -ENOENT);
	assert_int_equal(doctor_proc_write("/nonexistent/no", 1), -ENOENT);
	assert_int_equal(value, 7);
	assert_true(write_file("number", "longer than that"));
	assert_int_equal(doctor_proc_text(text, sizeof(text), "%s", path), 7);
	assert_string_equal(text, "longer ");
	assert_int_equal(doctor_proc_text(text, sizeof(text), "%s", base),
			 -EISDIR);
	assert_string_equal(text, "");
}

static void test_find_process(void **state)
{
	(void)state;
	prctl(PR_SET_NAME, "test-of-doctor");
	assert_int_equal(doctor_proc_find("test-of-doctor"), getpid());
	assert_int_equal(doctor_proc_find("test-of-docto"), 0);
	assert_int_equal(doctor_proc_find(""), 0);
}

/* ---- findings ---- */

static void test_findings(void **state)
{
	struct doctor d = { 0 };
	autoclean(free_ptr) char *text = NULL;
	size_t size;

	(void)state;
	d.out = open_memstream(&text, &size);
	assert_non_null(d.out);
	doctor_find(&d, DOCTOR_OK, "mtu", "%u on both", 1500u);
	doctor_find(&d, DOCTOR_NOTE, "left", "a note");
	doctor_find(&d, DOCTOR_WARNING, "left", "a warning");
	doctor_mend(&d, "ip link set dev %s up", "left");
	doctor_find(&d, DOCTOR_ERROR, "right", "an error");
	doctor_find(&d, DOCTOR_ERROR, "right", "another");
	fclose(d.out);
	assert_string_equal(text, "ok       mtu: 1500 on both\n"
				  "note     left: a note\n"
				  "warning  left: a warning\n"
				  "        ip link set dev left up\n"
				  "error    right: an error\n"
				  "error    right: another\n");
	assert_int_equal(d.n[DOCTOR_OK], 1);
	assert_int_equal(d.n[DOCTOR_NOTE], 1);
	assert_int_equal(d.n[DOCTOR_WARNING], 1);
	assert_int_equal(d.n[DOCTOR_ERROR], 2);
}

static unsigned int look(char *left, char *right, const char *key, char **text)
{
	struct conf conf;
	struct conf_pair *pair;
	struct link_monitor *m;
	unsigned int errors;
	size_t size;
	FILE *out = open_memstream(text, &size);

	assert_non_null(out);
	conf_init(&conf);
	pair = conf_add_pair(&conf, "wan");
	assert_non_null(pair);
	assert_int_equal(conf_set(&conf, pair, "left", "left", left), 0);
	assert_int_equal(conf_set(&conf, pair, "right", "right", right), 0);
	if (key)
		assert_int_equal(conf_set(&conf, pair, key, key, "yes"), 0);
	assert_int_equal(link_monitor_open(&m), 0);
	errors = doctor_look(pair, m, out);
	link_monitor_close(m);
	conf_fini(&conf);
	fclose(out);
	return errors;
}

static void test_no_ports(void **state)
{
	autoclean(free_ptr) char *text = NULL;
	autoclean(free_ptr) char *waits = NULL;
	autoclean(free_ptr) char *same = NULL;
	unsigned int errors = look("nix", "lo", NULL, &text);

	(void)state;
	assert_non_null(strstr(text, "error    nix: no such interface\n"));
	assert_non_null(strstr(text, "error    lo: is the loopback"));
	/* Nobody is told to take the loopback's address away. */
	assert_null(strstr(text, "127.0.0.1"));
	assert_null(strstr(text, "dev lo"));
	assert_in_range(errors, 2, 5); /* and the privileges, where missing */
	errors = look("nix", "nux", "wait", &waits);
	assert_non_null(strstr(waits, "note     nix: no such interface yet"));
	assert_in_range(errors, 0, 2);
	ip("link property add dev va altname other-name-of-va");
	look("va", "va", NULL, &same);
	assert_non_null(strstr(same, "both ends are this interface"));
}

/* ---- state files ---- */

static const struct doctor_record example = {
	.owner = { .index = 7, .netns = 4026531840, .pid = 812, .start = 91 },
	.ifname = "eth1.100",
	.change = { { DOCTOR_DISABLE_IPV6, 0, 1 },
		    { DOCTOR_ACCEPT_RA, 2, 0 },
		    { DOCTOR_LINK_UP, 0, 1 } },
	.n = 3,
};

#define OWNER "index=7 netns=4026531840 pid=812 start=91\n"

static void assert_same(const struct doctor_record *a,
			const struct doctor_record *b)
{
	assert_int_equal(a->owner.index, b->owner.index);
	assert_int_equal(a->owner.netns, b->owner.netns);
	assert_int_equal(a->owner.pid, b->owner.pid);
	assert_int_equal(a->owner.start, b->owner.start);
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		assert_int_equal(a->change[i].key, b->change[i].key);
		assert_int_equal(a->change[i].from, b->change[i].from);
		assert_int_equal(a->change[i].to, b->change[i].to);
	}
}

static void test_record_text(void **state)
{
	static const char *const bad[] = {
		"", "\n", "index=7\n", "x", "index=7 netns=1 pid=812 start=91",
		"index=0 netns=1 pid=812 start=91\n",
		"index=-7 netns=1 pid=812 start=91\n",
		"index=7 netns=1 pid=0 start=91\n",
		"index=+7 netns=1 pid=8 start=91\n",
		"index=7  netns=1 pid=8 start=91\n",
		"index=07 netns=1 pid=8 start=91\n",
		"index=7 netns=-1 pid=8 start=91\n",
		"index=7 netns=99999999999999999999999 pid=8 start=91\n",
		"index=99999999999 netns=1 pid=8 start=91\n",
		OWNER "up 0\n", OWNER "up 0 1", OWNER "up 0 1 \n",
		OWNER "down 0 1\n", OWNER "../../x 0 1\n", OWNER "up  0 1\n",
		OWNER "up 0 1\n\n", OWNER "\nup 0 1\n", OWNER "up 0 1\nx",
		OWNER "up 0 1\nup 0 1\nup 0 1\nup 0 1\n",
		OWNER "up 0 99999999999\n",
	};
	struct doctor_record record = { 0 };
	char text[DOCTOR_RECORD_BYTES];
	int len;

	(void)state;
	len = doctor_record_print(&example, text, sizeof(text));
	assert_int_equal(len, strlen(text));
	assert_string_equal(text, OWNER "disable_ipv6 0 1\naccept_ra 2 0\n"
					"up 0 1\n");
	assert_int_equal(doctor_record_parse(&record, text), 0);
	assert_same(&record, &example);
	assert_int_equal(doctor_record_parse(&record, OWNER), 0);
	assert_int_equal(record.n, 0);
	assert_int_equal(doctor_record_parse(&record, OWNER "up -1 1\n"), 0);
	assert_int_equal(record.change[0].from, -1);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (doctor_record_parse(&record, bad[i]) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
	for (size_t size = 1; size <= (size_t)len; size++)
		assert_int_equal(doctor_record_print(&example, text, size),
				 -ENOSPC);
}

/* Each key can be in the file at its longest, and fits. */
static void test_record_longest(void **state)
{
	struct doctor_record record = {
		.owner = { .index = 999999999, .netns = UINT64_MAX,
			   .pid = 999999999, .start = UINT64_MAX },
		.n = DOCTOR_KEYS,
	};
	struct doctor_record again = { 0 };
	char text[DOCTOR_RECORD_BYTES];

	(void)state;
	for (int i = 0; i < DOCTOR_KEYS; i++)
		record.change[i] = (struct doctor_change){
			(enum doctor_key)i, -99999999, 999999999
		};
	assert_true(doctor_record_print(&record, text, sizeof(text)) > 0);
	assert_int_equal(doctor_record_parse(&again, text), 0);
	assert_same(&record, &again);
}

static void test_record_file(void **state)
{
	static const char file[] = DOCTOR_RECORD_PREFIX "eth1.100";
	struct doctor_record record = { 0 };
	struct stat st;
	char text[400];

	(void)state;
	assert_int_equal(doctor_record_read(base_fd, file, &record), -ENOENT);
	assert_int_equal(doctor_record_write(base_fd, &example), 0);
	assert_int_equal(doctor_record_read(base_fd, file, &record), 0);
	assert_same(&record, &example);
	assert_string_equal(record.ifname, "eth1.100");
	/* Over the old one, and whatever a killed one left. */
	assert_true(write_file(".fix-eth1.100", "half"));
	assert_int_equal(doctor_record_write(base_fd, &example), 0);
	assert_int_equal(fstatat(base_fd, ".fix-eth1.100", &st, 0), -1);
	assert_int_equal(fstatat(base_fd, file, &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	doctor_record_remove(base_fd, &example);
	doctor_record_remove(base_fd, &example);
	assert_int_equal(doctor_record_read(base_fd, file, &record), -ENOENT);

	/* No file of ours, whatever it is. */
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_true(write_file(file, text));
	assert_int_equal(doctor_record_read(base_fd, file, &record), -EBADMSG);
	unlinkat(base_fd, file, 0);
	assert_int_equal(symlinkat("/dev/zero", base_fd, file), 0);
	assert_int_equal(doctor_record_read(base_fd, file, &record), -EBADMSG);
	unlinkat(base_fd, file, 0);
	assert_int_equal(mkfifoat(base_fd, file, 0600), 0);
	assert_int_equal(doctor_record_read(base_fd, file, &record), -EBADMSG);
	unlinkat(base_fd, file, 0);
	assert_true(write_file("fix-", OWNER));
	assert_int_equal(doctor_record_read(base_fd, "fix-", &record),
			 -EBADMSG);
	assert_true(write_file("fix-sixteen_letters_", OWNER));
	assert_int_equal(doctor_record_read(base_fd, "fix-sixteen_letters_",
					    &record), -EBADMSG);
}

/* ---- facts about links ---- */

static void test_link_facts(void **state)
{
	int index = (int)if_nametoindex("va");
	struct link_facts facts;

	(void)state;
	assert_int_equal(link_facts_get(index, &facts), 0);
	assert_false(facts.promiscuous);
	assert_false(facts.all_multicast);
	assert_int_equal(facts.mtu_max, 65535);
	assert_string_equal(facts.ingress, "");
	for (int mode = 0; mode < LINK_XDP_MODES; mode++)
		assert_int_equal(facts.xdp_id[mode], 0);
	ip("link set va promisc on");
	ip("link set vb allmulticast on");
	assert_int_equal(system("tc qdisc add dev va clsact"), 0);
	assert_int_equal(system("tc qdisc add dev vb ingress"), 0);
	assert_int_equal(system("tc qdisc replace dev vb root pfifo_fast"), 0);
	assert_int_equal(link_facts_get(index, &facts), 0);
	assert_true(facts.promiscuous);
	assert_false(facts.all_multicast);
	assert_string_equal(facts.ingress, "clsact");
	assert_int_equal(link_facts_get((int)if_nametoindex("vb"), &facts), 0);
	assert_false(facts.promiscuous);
	assert_true(facts.all_multicast);
	assert_string_equal(facts.ingress, "ingress");
	assert_string_equal(facts.qdisc, "pfifo_fast");
	assert_int_equal(link_facts_get(1 << 30, &facts), -ENODEV);
}

static void test_link_up(void **state)
{
	int index = (int)if_nametoindex("va");
	struct link_monitor *m;
	struct link_info info;

	(void)state;
	assert_int_equal(link_monitor_open(&m), 0);
	assert_int_equal(link_set_up(index, true), 0);
	assert_int_equal(link_get(m, "va", &info), 0);
	assert_true(info.up);
	assert_int_equal(link_set_up(index, false), 0);
	assert_int_equal(link_get(m, "va", &info), 0);
	assert_false(info.up);
	assert_int_equal(link_set_up(1 << 30, true), -ENODEV);
	link_monitor_close(m);
}

struct addresses {
	int n, stop_at;
	struct link_address address[8];
};

static int take_address(const struct link_address *a, void *arg)
{
	struct addresses *all = arg;

	assert_true(all->n < (int)ARRAY_SIZE(all->address));
	all->address[all->n++] = *a;
	return all->n == all->stop_at ? -ENOTTY : 0;
}

static void test_link_addresses(void **state)
{
	int index = (int)if_nametoindex("va");
	struct addresses all = { 0 }, one = { .stop_at = 1 };

	(void)state;
	assert_int_equal(link_each_address(index, take_address, &all), 0);
	assert_int_equal(all.n, 0);
	ip("addr add 192.0.2.1/24 dev va");
	ip("addr add 192.0.2.5 peer 192.0.2.99/32 dev va");
	assert_int_equal(link_each_address(index, take_address, &all), 0);
	assert_int_equal(all.n, 2);
	assert_string_equal(all.address[0].text, "192.0.2.1/24");
	assert_string_equal(all.address[1].text, "192.0.2.5/32");
	assert_false(all.address[0].is_ipv6 || all.address[0].is_link_local);
	assert_int_equal(link_each_address(index, take_address, &one), -ENOTTY);
	assert_int_equal(one.n, 1);
	assert_int_equal(link_each_address((int)if_nametoindex("vb"),
					   take_address, &one), 0);
	if (access("/proc/net/if_inet6", F_OK))
		return;
	all.n = 0;
	ip("-6 addr add fe80::77/64 dev va nodad");
	ip("-6 addr add 2001:db8::1/64 dev va nodad");
	assert_int_equal(link_each_address(index, take_address, &all), 0);
	assert_int_equal(all.n, 4);
	for (int i = 2; i < 4; i++) {
		bool local = !strcmp(all.address[i].text, "fe80::77/64");

		assert_true(all.address[i].is_ipv6);
		assert_int_equal(all.address[i].is_link_local, local);
		assert_false(all.address[i].is_kernels);
	}
}

static void test_link_routes(void **state)
{
	int va = (int)if_nametoindex("va"), vb = (int)if_nametoindex("vb");

	(void)state;
	if (access("/proc/net/if_inet6", F_OK))
		skip();
	ip("link set va up");
	ip("link set vb up");
	assert_int_equal(link_has_ipv6_route(va), 0);
	ip("-6 route add 2001:db8:7::/48 dev va");
	assert_int_equal(link_has_ipv6_route(va), 1);
	assert_int_equal(link_has_ipv6_route(vb), 0);
}

static void test_features(void **state)
{
	struct offload_feature f[] = { { .name = "rx-gro" },
				       { .name = "rx-lro" },
				       { .name = "no-such-feature" } };
	struct offload_speed speed;

	(void)state;
	assert_int_equal(offload_features("va", f, ARRAY_SIZE(f)), 0);
	assert_true(f[0].known && !f[0].fixed);
	assert_true(f[1].known && f[1].fixed && !f[1].on);
	assert_false(f[2].known);
	assert_int_equal(system("ethtool -K va gro on >/dev/null"), 0);
	assert_int_equal(offload_features("va", f, 1), 0);
	assert_true(f[0].on);
	assert_int_equal(system("ethtool -K va gro off >/dev/null"), 0);
	assert_int_equal(offload_features("va", f, 1), 0);
	assert_false(f[0].on);
	assert_int_equal(offload_features("nix", f, 1), -ENODEV);
	assert_false(f[0].known);
	assert_int_equal(offload_speed("va", &speed), 0);
	assert_int_equal(speed.mbps, 10000);
	assert_false(speed.half_duplex);
}

/* ---- in a namespace of our own ---- */

static int setup(void **state)
{
	(void)state;
	return system("ip link add va type veth peer name vb");
}

static int teardown(void **state)
{
	(void)state;
	return system("ip link delete va");
}

static int remove_base(void **state)
{
	static const char *const file[] = { "number", "fix-",
					    "fix-sixteen_letters_" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(file); i++)
		unlinkat(base_fd, file[i], 0);
	close(base_fd);
	return rmdir(base);
}

int main(void)
{
#define LINK_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_value),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_bit),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_find_process),
		cmocka_unit_test(test_findings),
		LINK_TEST(test_no_ports),
		cmocka_unit_test(test_record_text),
		cmocka_unit_test(test_record_longest),
		cmocka_unit_test(test_record_file),
		LINK_TEST(test_link_facts),
		LINK_TEST(test_link_up),
		LINK_TEST(test_link_addresses),
		LINK_TEST(test_link_routes),
		LINK_TEST(test_features),
	};

	if (!enter_netns()) {
		perror("test_doctor: network namespace");
		return 77;
	}
	write_text("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1");
	if (!mkdtemp(base))
		return 1;
	base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return cmocka_run_group_tests(tests, NULL, remove_base);
}
