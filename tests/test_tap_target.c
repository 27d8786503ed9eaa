/* SPDX-License-Identifier: BSD-2-Clause */
/* Where copies go, as it is written; and what is no such thing. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "tap_target.h"

static void files_and_interfaces(void **state)
{
	static const struct {
		const char *text;
		enum tap_kind kind;
		const char *name;
	} good[] = {
		{ "/var/tmp/wan.pcapng", TAP_FILE, "/var/tmp/wan.pcapng" },
		{ "/w", TAP_FILE, "/w" },
		{ "/a dir/dev:x", TAP_FILE, "/a dir/dev:x" },
		{ "dev:eth3", TAP_DEV, "eth3" },
		{ "dev:eth0.100", TAP_DEV, "eth0.100" },
		{ "dev:fifteen-letters", TAP_DEV, "fifteen-letters" },
	};
	struct tap_target t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(tap_target_parse(good[i].text, &t), 0);
		assert_int_equal(t.kind, good[i].kind);
		assert_string_equal(t.name, good[i].name);
		/* Within the text, as the header says. */
		assert_true(t.name >= good[i].text &&
			    t.name < good[i].text + strlen(good[i].text));
	}
}

static void collectors(void **state)
{
	static const struct {
		const char *text;
		int family;
		const char *host;
		uint16_t port;
		uint32_t vni;
	} good[] = {
		{ "vxlan:192.0.2.7", AF_INET, "192.0.2.7", 4789, 0 },
		{ "vxlan:192.0.2.7:8472", AF_INET, "192.0.2.7", 8472, 0 },
		{ "vxlan:192.0.2.7/42", AF_INET, "192.0.2.7", 4789, 42 },
		{ "vxlan:192.0.2.7:1/16777215", AF_INET, "192.0.2.7", 1,
		  0xffffff },
		{ "vxlan:239.1.1.1:65535/0", AF_INET, "239.1.1.1", 65535, 0 },
		{ "vxlan:[2001:db8::7]", AF_INET6, "2001:db8::7", 4789, 0 },
		{ "vxlan:[2001:db8::7]:4789/42", AF_INET6, "2001:db8::7", 4789,
		  42 },
		{ "vxlan:[2001:db8::7]/7", AF_INET6, "2001:db8::7", 4789, 7 },
		{ "vxlan:[::1]:4790", AF_INET6, "::1", 4790, 0 },
	};
	char host[INET6_ADDRSTRLEN];
	struct tap_target t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		const struct sockaddr_in *v4 = (const void *)&t.address;
		const struct sockaddr_in6 *v6 = (const void *)&t.address;
		bool is_v4 = good[i].family == AF_INET;

		assert_int_equal(tap_target_parse(good[i].text, &t), 0);
		assert_int_equal(t.kind, TAP_VXLAN);
		assert_int_equal(t.address.ss_family, good[i].family);
		assert_int_equal(t.address_len,
				 is_v4 ? sizeof(*v4) : sizeof(*v6));
		inet_ntop(good[i].family,
			  is_v4 ? (const void *)&v4->sin_addr :
				  (const void *)&v6->sin6_addr,
			  host, sizeof(host));
		assert_string_equal(host, good[i].host);
		assert_int_equal(ntohs(is_v4 ? v4->sin_port : v6->sin6_port),
				 good[i].port);
		assert_int_equal(t.vni, good[i].vni);
	}
}

static void mistakes(void **state)
{
	static const char *const bad[] = {
		"", " ", "-", "wan.pcapng", "./wan.pcapng", "~/wan", "/",
		"/var/tmp/", "file:/tmp/x", "Dev:eth0", " /tmp/x",
		"dev", "dev:", "dev:.", "dev:..", "dev:sixteen--letters",
		"dev:a/b", "dev:a b", "dev:a:b", "dev:eth0\n", "dev:a\001b",
		"vxlan", "vxlan:", "vxlan:/", "vxlan::", "vxlan:host",
		"vxlan:localhost", "vxlan:192.0.2", "vxlan:192.0.2.256",
		"vxlan:192.0.2.7:", "vxlan:192.0.2.7/", "vxlan:192.0.2.7:/1",
		"vxlan:192.0.2.7:0", "vxlan:192.0.2.7:65536",
		"vxlan:192.0.2.7:4789x", "vxlan:192.0.2.7:+1",
		"vxlan:192.0.2.7: 1", "vxlan:192.0.2.7:000004789",
		"vxlan:192.0.2.7:99999999999999999999",
		"vxlan:192.0.2.7/16777216", "vxlan:192.0.2.7/-1",
		"vxlan:192.0.2.7/99999999999", "vxlan:192.0.2.7/1/2",
		"vxlan:192.0.2.7/1:4789", "vxlan:192.0.2.7/0x1",
		"vxlan:192.0.2.7 ", "vxlan:0.0.0.0", "vxlan:255.255.255.255",
		"vxlan:2001:db8::7", "vxlan:[2001:db8::7", "vxlan:2001:db8::7]",
		"vxlan:[2001:db8::7]x", "vxlan:[]", "vxlan:[", "vxlan:[::]",
		"vxlan:[192.0.2.7]", "vxlan:[::ffff:192.0.2.7]",
		"vxlan:[fe80::1]", "vxlan:[fe80::1%eth0]", "vxlan:[ff02::1]",
		"vxlan:[2001:db8::7]:", "vxlan:[2001:db8::7]:0",
		"vxlan:1111111111111111111111111111111111111111111111111111",
	};
	struct tap_target t = { .vni = 4711 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (tap_target_parse(bad[i], &t) != -EINVAL)
			fail_msg("'%s' is taken", bad[i]);
		assert_int_equal(t.vni, 4711);
	}
}

/* Whatever is cut off or put in the middle: no crash, and nothing read beyond
 * (for a sanitizer). */
static void pieces(void **state)
{
	static const char whole[] = "vxlan:[2001:db8::7]:4789/42";
	struct tap_target t;

	(void)state;
	for (size_t n = 0; n < sizeof(whole); n++) {
		autoclean(free_ptr) char *text = strndup(whole, n);

		tap_target_parse(text, &t);
		for (size_t i = 0; i < n; i++) {
			for (const char *c = "[]:/%.0"; *c; c++) {
				text[i] = *c;
				tap_target_parse(text, &t);
			}
			text[i] = whole[i];
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_and_interfaces),
		cmocka_unit_test(collectors),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
