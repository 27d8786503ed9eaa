/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jitter.c: draws have the distribution that jitter.h says, by plain counting;
 * they repeat with their seed; and a file that is none is refused with its line.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "jitter.h"
#include "log.h"

#define DRAWS 400000
#define J 5000000 /* ns */

static struct jitter *make(enum jitter_shape shape, uint64_t jitter_ns,
			   uint64_t seed)
{
	const struct jitter_params params = {
		.jitter_ns = jitter_ns, .shape = shape, .seed = seed,
	};
	struct jitter *jitter;

	assert_int_equal(jitter_new(&jitter, &params), 0);
	return jitter;
}

struct moments {
	double mean, deviation, min, max; /* in J */
	double below[64]; /* share of draws below (i - 32) / 8 J */
};

static struct moments look(struct jitter *jitter)
{
	struct moments m = { .min = 1e9, .max = -1e9 };
	double sum = 0, squares = 0;

	for (int i = 0; i < DRAWS; i++) {
		double x = (double)jitter_draw(jitter) / J;

		sum += x;
		squares += x * x;
		m.min = fmin(m.min, x);
		m.max = fmax(m.max, x);
		for (int k = 0; k < 64; k++)
			m.below[k] += x < (k - 32) / 8.0 ? 1.0 / DRAWS : 0;
	}
	m.mean = sum / DRAWS;
	m.deviation = sqrt(squares / DRAWS - m.mean * m.mean);
	return m;
}

static void assert_near(double got, double wanted, double margin)
{
	if (!(fabs(got - wanted) <= margin))
		fail_msg("%g is not within %g of %g", got, margin, wanted);
}

static double uniform_below(double x)
{
	return x < -1 ? 0 : x > 1 ? 1 : (x + 1) / 2;
}

static double normal_below(double x)
{
	return 0.5 * erfc(-x / sqrt(2));
}

/* P(4/3 (X - 3/2) < x), with P(X < y) = 1 - y^-3 from 1 on. */
static double pareto_below(double x)
{
	double y = x * 3 / 4 + 1.5;

	return y < 1 ? 0 : 1 - pow(y, -3);
}

static void shapes(void **state)
{
	static const struct {
		enum jitter_shape shape;
		double mean, deviation, min, max;
		double (*below)(double x);
	} known[] = {
		{ JITTER_UNIFORM, 0, 0.5774, -1, 1, uniform_below },
		{ JITTER_NORMAL, 0, 1, -4, 4, normal_below },
		/* By the integral up to the cut, where X is 4.5. */
		{ JITTER_PARETO, -0.0329, 0.8209, -2.0 / 3, 4, pareto_below },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct jitter *jitter = make(known[i].shape, J, 3);
		struct moments m = look(jitter);

		printf("# shape %zu: mean %.4f, deviation %.4f, %.3f to %.3f\n",
		       i, m.mean, m.deviation, m.min, m.max);
		assert_near(m.mean, known[i].mean, 0.01);
		assert_near(m.deviation, known[i].deviation, 0.01);
		assert_true(m.min >= known[i].min - 1e-6);
		assert_true(m.max <= known[i].max);
		for (int k = 0; k < 64; k++)
			assert_near(m.below[k],
				    known[i].below((k - 32) / 8.0), 0.005);
		jitter_free(jitter);
	}
}

static void repeats(void **state)
{
	struct jitter *a = make(JITTER_NORMAL, J, 7);
	struct jitter *b = make(JITTER_NORMAL, J, 7);
	struct jitter *c = make(JITTER_NORMAL, J, 8);
	int same = 0;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		int64_t x = jitter_draw(a);

		assert_int_equal(x, jitter_draw(b));
		same += x == jitter_draw(c);
	}
	assert_true(same < 100);
	jitter_free(a);
	jitter_free(b);
	jitter_free(c);
	jitter_free(NULL);
}

static void extremes(void **state)
{
	(void)state;
	for (int shape = 0; shape < JITTER_TABLE; shape++) {
		struct jitter *jitter = make((enum jitter_shape)shape,
					     JITTER_MAX_NS, 1);
		int64_t most = 4 * (int64_t)JITTER_MAX_NS, x;

		for (int i = 0; i < DRAWS; i++) {
			x = jitter_draw(jitter);
			assert_true(x >= -most && x <= most);
		}
		jitter_free(jitter);
		jitter = make((enum jitter_shape)shape, 0, 1);
		for (int i = 0; i < 100; i++)
			assert_int_equal(jitter_draw(jitter), 0);
		jitter_free(jitter);
	}
}

/* ---- files ---- */

static char path[64], said[1024];

/* What a file makes; what is logged is in `said`. */
static int load(const char *text, size_t n, uint64_t jitter_ns,
		struct jitter **jitter)
{
	const struct jitter_params params = {
		.jitter_ns = jitter_ns, .shape = JITTER_TABLE, .table = path,
		.seed = 1,
	};
	FILE *file = fopen(path, "w"), *copy;
	int r;

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
	memset(said, 0, sizeof(said));
	copy = fmemopen(said, sizeof(said) - 1, "w");
	log_copy_to(copy);
	*jitter = NULL;
	r = jitter_new(jitter, &params);
	log_copy_to(NULL);
	fclose(copy);
	return r;
}

static void files(void **state)
{
	static const struct {
		const char *text;
		uint64_t jitter_ns;
		int64_t value[4];
		int n;
	} known[] = {
		{ "# a comment\n 8192 -8192\n0 # more 5\n\n-4096", J,
		  { J, -J, 0, -J / 2 }, 4 },
		{ "32767\t-32768\r\n", 8192, { 32767, -32768 }, 2 },
		{ "12.5ms\n3us\n", 0, { 12500000, 3000 }, 2 },
		{ "0\n10s\n", J, { 0, 10000000000 }, 2 },
		{ "0 0", J, { 0, 0 }, 2 },
	};
	struct jitter *jitter;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		int seen[4] = { 0 };

		assert_int_equal(load(known[i].text, strlen(known[i].text),
				      known[i].jitter_ns, &jitter), 0);
		for (int k = 0; k < 4000; k++) {
			int64_t x = jitter_draw(jitter);
			int at = 0;

			while (at < known[i].n && known[i].value[at] != x)
				at++;
			assert_true(at < known[i].n);
			seen[at]++;
		}
		for (int k = 0; k < known[i].n; k++)
			assert_true(seen[k] > 3000 / known[i].n ||
				    known[i].value[k] == known[i].value[0]);
		jitter_free(jitter);
	}
}

static void bad_files(void **state)
{
	static const struct {
		const char *text, *says;
	} known[] = {
		{ "", "has no values: whole numbers" },
		{ "# nothing\n\n", "has no values" },
		{ "1 2\n3 x4\n", ":2: x4: whole numbers from -32768" },
		{ "1\n\n# x\n40000\n", ":4: 40000: whole" },
		{ "-32769", ":1: -32769: whole" },
		{ "99999999999999999999", ":1: 9999" },
		{ "1.5\n", ":1: 1.5: whole" },
		{ "10ms\n11s\n", ":2: 11s: whole" },
		{ "10ms\n-3ms\n", ":2: -3ms: whole" },
		{ "10ms\n0\n12\n", ":3: 12: the values before it are times" },
		{ "1\n0\n12ms\n", ":3: 12ms: the values before it have no" },
		{ "1\n\033[31m\n", ":2: ?[31m: whole" },
		{ "5mss", ":1: 5mss: whole" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		  "aaaaaaaaaaaaaaaaaaa", ":1: aaaaaaaaaaa" },
		/* The first digits of it would do. */
		{ "0000000000000000000000000000000000000000000000000000000000000"
		  "0000000000000000001", ":1: 00000000" },
	};
	struct jitter *jitter;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		assert_int_equal(load(known[i].text, strlen(known[i].text), J,
				      &jitter), -EINVAL);
		assert_null(jitter);
		if (!strstr(said, known[i].says) || !strstr(said, path))
			fail_msg("'%s' is not in '%s'", known[i].says, said);
		assert_null(strchr(said, '\033'));
	}
	assert_int_equal(load("1 2\0 3", 6, J, &jitter), -EINVAL);
	assert_non_null(strstr(said, "not a text"));
}

static void large_files(void **state)
{
	size_t n = JITTER_FILE_BYTES + 1;
	char *text = malloc(n + 1);
	struct jitter *jitter;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		text[i] = i % 2 ? '\n' : '7';
	assert_int_equal(load(text, 2 * JITTER_MAX_VALUES, J, &jitter), 0);
	assert_int_equal(jitter_draw(jitter), (int64_t)J * 7 / 8192);
	jitter_free(jitter);
	assert_int_equal(load(text, 2 * JITTER_MAX_VALUES + 2, J, &jitter),
			 -EINVAL);
	assert_non_null(strstr(said, ":65537: more than 65536 values"));
	assert_int_equal(load(text, n, J, &jitter), -EINVAL);
	assert_non_null(strstr(said, "larger than 4 MiB"));
	/* Full to the last byte, of comments. */
	memset(text, '#', n);
	text[0] = '1';
	assert_int_equal(load(text, n - 1, J, &jitter), 0);
	jitter_free(jitter);
	free(text);
}

static void no_files(void **state)
{
	struct jitter_params params = { .jitter_ns = J, .shape = JITTER_TABLE };
	struct jitter *jitter = NULL;
	char fifo[80];

	(void)state;
	params.table = "/";
	assert_int_equal(jitter_new(&jitter, &params), -EINVAL);
	params.table = "/dev/zero";
	assert_int_equal(jitter_new(&jitter, &params), -EINVAL);
	params.table = "/nowhere/at/all";
	assert_int_equal(jitter_new(&jitter, &params), -EINVAL);
	snprintf(fifo, sizeof(fifo), "%s.fifo", path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	params.table = fifo; /* and nobody writes to it, ever */
	assert_int_equal(jitter_new(&jitter, &params), -EINVAL);
	unlink(fifo);
	assert_null(jitter);
}

static void costs(void **state)
{
	(void)state;
	for (int shape = 0; shape < JITTER_TABLE; shape++) {
		uint64_t start_ns = clock_now_ns(), ns;
		struct jitter *jitter = make((enum jitter_shape)shape, J, 1);
		int64_t sum = 0;

		ns = clock_now_ns();
		for (int i = 0; i < DRAWS; i++)
			sum += jitter_draw(jitter);
		printf("# shape %d: made in %.2f ms, %.2f ns a draw (%d)\n",
		       shape, (double)(ns - start_ns) / 1e6,
		       (double)(clock_now_ns() - ns) / DRAWS, sum > 0);
		jitter_free(jitter);
	}
}

static int make_path(void **state)
{
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_jitter.XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes),
		cmocka_unit_test(repeats),
		cmocka_unit_test(extremes),
		cmocka_unit_test(files),
		cmocka_unit_test(bad_files),
		cmocka_unit_test(large_files),
		cmocka_unit_test(no_files),
		cmocka_unit_test(costs),
	};

	return cmocka_run_group_tests(tests, make_path, remove_path);
}
