/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Quantities as tc(8) documents them: every unit in every case, and what is
 * none. Where tc guesses (a bare time), ours does not.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>

#include "units.h"

#define UNTOUCHED UINT64_C(0x5a5a5a5a)

struct row {
	const char *text;
	uint64_t value;
};

static void check_rows(int (*parse)(const char *text, uint64_t *value),
		       const struct row *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t value = UNTOUCHED;

		if (parse(row[i].text, &value) || value != row[i].value)
			fail_msg("%s: %llu, not %llu", row[i].text,
				 (unsigned long long)value,
				 (unsigned long long)row[i].value);
	}
}

static void check_refused(int (*parse)(const char *text, uint64_t *value),
			  const char *const *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t value = UNTOUCHED;

		if (parse(text[i], &value) != -EINVAL || value != UNTOUCHED)
			fail_msg("'%s' is taken for %llu", text[i],
				 (unsigned long long)value);
	}
}

#define CHECK_ROWS(parse, row) check_rows(parse, row, ARRAY_SIZE(row))
#define CHECK_REFUSED(parse, text) check_refused(parse, text, ARRAY_SIZE(text))

static void test_time(void **state)
{
	static const struct row row[] = {
		{ "0", 0 },                { "0s", 0 },
		{ "1s", 1000000000 },      { "2sec", 2000000000 },
		{ "3secs", 3000000000 },   { "20ms", 20000000 },
		{ "20msec", 20000000 },    { "20msecs", 20000000 },
		{ "5us", 5000 },           { "5usec", 5000 },
		{ "5usecs", 5000 },        { "7ns", 7 },
		{ "7nsec", 7 },            { "7nsecs", 7 },
		{ "1.5s", 1500000000 },    { ".5ms", 500000 },
		{ "5.ms", 5000000 },       { "0.1ms", 100000 },
		{ "0.3us", 300 },          { "20MS", 20000000 },
		{ "1Sec", 1000000000 },    { "0.0000001ms", 0 },
		{ "10s", 10000000000 },    { "007ms", 7000000 },
		{ "8000000000s", UINT64_C(8000000000000000000) },
	};
	static const char *const refused[] = {
		"", "1", "1000", "0.0", "ms", "20 ms", " 20ms", "20ms ", "-1ms",
		"+1ms", "1e3ms", "0x10ms", "20mss", "20m", "1h", "20min",
		"1.2.3s", "1,5s", ".s", "inf", "nan", "20ms5us", "1%",
		"9999999999999s", "1234567890123456789s",
	};

	(void)state;
	CHECK_ROWS(units_time, row);
	CHECK_REFUSED(units_time, refused);
}

static void test_bits(void **state)
{
	static const struct row row[] = {
		{ "0", 0 },
		{ "1000", 1000 },
		{ "1bit", 1 },
		{ "64kbit", 64000 },
		{ "10mbit", 10000000 },
		{ "1.5gbit", 1500000000 },
		{ "2tbit", UINT64_C(2000000000000) },
		{ "1kibit", 1024 },
		{ "1mibit", 1048576 },
		{ "1gibit", 1073741824 },
		{ "1tibit", UINT64_C(1099511627776) },
		{ "1bps", 8 },
		{ "1kbps", 8000 },
		{ "1mbps", 8000000 },
		{ "1gbps", UINT64_C(8000000000) },
		{ "1tbps", UINT64_C(8000000000000) },
		{ "1kibps", 8192 },
		{ "1mibps", 8388608 },
		{ "1gibps", UINT64_C(8589934592) },
		{ "1tibps", UINT64_C(8796093022208) },
		{ "10Mbit", 10000000 },
		{ "10MBIT", 10000000 },
		{ "1KiBit", 1024 },
		{ "0.1mbit", 100000 },
		{ "1.1mbit", 1100000 },
		{ "33.333kbit", 33333 },
		{ "400gbit", UINT64_C(400000000000) },
	};
	static const char *const refused[] = {
		"", "10m", "10k", "10mb", "10 mbit", "-10mbit", "1e6", "mbit",
		"10mbits", "10mbit/s", "50%", "10mibi", "0x1000",
		"9999999999tbit",
	};

	(void)state;
	CHECK_ROWS(units_bits, row);
	CHECK_REFUSED(units_bits, refused);
}

/* tc's k of sizes is 1024, also in front of bits. */
static void test_bytes(void **state)
{
	static const struct row row[] = {
		{ "0", 0 },            { "1514", 1514 },
		{ "1514b", 1514 },     { "1k", 1024 },
		{ "32kb", 32768 },     { "1m", 1048576 },
		{ "10mb", 10485760 },  { "1g", 1073741824 },
		{ "2gb", 2147483648 }, { "1kbit", 128 },
		{ "1mbit", 131072 },   { "1gbit", 134217728 },
		{ "0.5kb", 512 },      { "1.5MB", 1572864 },
		{ "64KB", 65536 },
	};
	static const char *const refused[] = {
		"", "kb", "32 kb", "-1", "1e3", "1t", "1tb", "1kib", "1bit",
		"10ms", "1%", "0x40", "32kbs", "9999999999gb",
	};

	(void)state;
	CHECK_ROWS(units_bytes, row);
	CHECK_REFUSED(units_bytes, refused);
}

static void test_share(void **state)
{
	static const struct {
		const char *text;
		double share;
	} row[] = {
		{ "0", 0 },          { "0%", 0 },       { "0.0%", 0 },
		{ "1%", 0.01 },      { "0.05%", 5e-4 }, { "100%", 1 },
		{ "33.3333%", 0.333333 },                { ".5%", 0.005 },
		{ "99.999999%", 0.99999999 },            { "100.0%", 1 },
		{ "0.0000001%", 1e-9 },
	};
	static const char *const refused[] = {
		"", "1", "0.5", "%", "-1%", "101%", "100.0001%", "1 %", "1%%",
		"1e-3%", "inf%", "nan%", "0.0",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		double share = -1;

		if (units_share(row[i].text, &share) ||
		    fabs(share - row[i].share) > 1e-15)
			fail_msg("%s: %.17g", row[i].text, share);
	}
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		double share = -1;

		if (units_share(refused[i], &share) != -EINVAL || share >= 0)
			fail_msg("'%s' is taken for %g", refused[i], share);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
