/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * events.c: what stands in the file is whole lines of JSON, whatever becomes of
 * the file; log_copy_to(), by which an answer gets its mistakes, is here, too.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "clock.h"
#include "events.h"
#include "log.h"

#define FOLDER_BYTES 64
#define WRITERS 4
#define WRITES 200

struct fixture {
	char folder[FOLDER_BYTES];
	char path[FOLDER_BYTES + 16];
	struct events *events;
	FILE *real; /* stderr */
	char *log;
	size_t log_len;
};

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	*state = f;
	snprintf(f->folder, sizeof(f->folder), "%.40s/events-XXXXXX",
		 tmp && strlen(tmp) <= 40 ? tmp : "/tmp");
	if (!mkdtemp(f->folder))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/events.json", f->folder);
	f->real = stderr;
	stderr = open_memstream(&f->log, &f->log_len);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	events_close(f->events);
	fclose(stderr);
	stderr = f->real;
	free(f->log);
	unlink(f->path);
	rmdir(f->folder);
	free(f);
	return 0;
}

/* What was logged since the last call. */
static const char *logged(struct fixture *f)
{
	static char text[4096];

	fflush(stderr);
	snprintf(text, sizeof(text), "%s", f->log ? f->log : "");
	rewind(stderr);
	return text;
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		n++;
	}
	return n;
}

static void open_events(struct fixture *f)
{
	assert_int_equal(events_open(&f->events, f->path, "wan"), 0);
	assert_non_null(f->events);
}

static void reopen(struct fixture *f)
{
	events_close(f->events);
	f->events = NULL;
	open_events(f);
}

/* The file as a text of its own. */
static char *slurp(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = calloc(1, 1 << 20);
	size_t n;

	assert_non_null(file);
	assert_non_null(text);
	n = fread(text, 1, (1 << 20) - 1, file);
	assert_int_equal(strlen(text), n);
	fclose(file);
	return text;
}

/* Its lines, each an object, each ended; those that are not are counted. */
static json_t *lines_of(const char *path, size_t *broken)
{
	char *text = slurp(path), *line = text, *end;
	json_t *all = json_array();

	*broken = 0;
	for (; (end = strchr(line, '\n')); line = end + 1) {
		json_t *object = json_loadb(line, (size_t)(end - line),
					    JSON_REJECT_DUPLICATES, NULL);

		if (json_is_object(object))
			json_array_append(all, object);
		else
			(*broken)++;
		json_decref(object);
	}
	assert_string_equal(line, "");
	free(text);
	return all;
}

static json_t *whole_lines(const struct fixture *f, size_t n)
{
	size_t broken;
	json_t *all = lines_of(f->path, &broken);

	assert_int_equal(broken, 0);
	assert_int_equal(json_array_size(all), n);
	return all;
}

static const char *text_in(const json_t *all, size_t i, const char *name)
{
	const char *text = json_string_value(
		json_object_get(json_array_get(all, i), name));

	assert_non_null(text);
	return text;
}

/* ---- a line ---- */

static void test_line(void **state)
{
	struct fixture *f = *state;
	json_t *all;
	struct stat st;

	open_events(f);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	events_write(f->events, "start", "{sssi}", "version", "1", "pid", 7);
	events_write(f->events, "stop", "{sb}", "ok", 1);
	all = whole_lines(f, 2);
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(text_in(all, i, "name"), "wan");
	assert_string_equal(text_in(all, 0, "event"), "start");
	assert_string_equal(text_in(all, 0, "version"), "1");
	assert_int_equal(json_integer_value(json_object_get(
				 json_array_get(all, 0), "pid")), 7);
	assert_int_equal(json_object_size(json_array_get(all, 0)), 5);
	assert_string_equal(text_in(all, 1, "event"), "stop");
	assert_true(json_is_true(json_object_get(json_array_get(all, 1),
						 "ok")));
	json_decref(all);
	assert_string_equal(logged(f), "");
}

/* RFC 3339 in UTC, to the microsecond, and now. */
static void test_time(void **state)
{
	struct fixture *f = *state;
	time_t before = time(NULL), at;
	struct tm tm = { 0 };
	const char *text, *rest;
	json_t *all;

	setenv("TZ", "XXX-5", 1);
	tzset();
	open_events(f);
	events_write(f->events, "start", "{}");
	unsetenv("TZ");
	tzset();
	all = whole_lines(f, 1);
	text = text_in(all, 0, "time");
	assert_int_equal(strlen(text), strlen("2026-01-01T00:00:00.000000Z"));
	rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	assert_non_null(rest);
	assert_int_equal(*rest, '.');
	assert_int_equal(strspn(rest + 1, "0123456789"), 6);
	assert_string_equal(rest + 7, "Z");
	at = timegm(&tm);
	assert_true(at >= before && at <= time(NULL));
	json_decref(all);
}

/* What has to be escaped is, and so a line stays one. */
static void test_odd_text(void **state)
{
	static const char odd[] = "a\nb\"c\\d\001\t\303\244\r";
	struct fixture *f = *state;
	char *text;
	json_t *all;

	open_events(f);
	events_write(f->events, "link", "{ss}", "port", odd);
	all = whole_lines(f, 1);
	assert_string_equal(text_in(all, 0, "port"), odd);
	json_decref(all);
	text = slurp(f->path);
	assert_int_equal(count(text, "\n"), 1);
	free(text);
	/* The event is told, with less, or its loss is: never half a line. */
	events_write(f->events, "link", "{ss}", "port", "\xff\xfe");
	events_write(f->events, "stop", "{}");
	all = whole_lines(f, 3 - count(logged(f), "is lost"));
	assert_string_equal(text_in(all, json_array_size(all) - 1, "event"),
			    "stop");
	json_decref(all);
}

/* The three words that each event begins with are not another one's. */
static void test_order(void **state)
{
	struct fixture *f = *state;
	char *text;

	open_events(f);
	events_write(f->events, "link", "{ss}", "a", "x");
	text = slurp(f->path);
	assert_int_equal(strncmp(text, "{\"time\":\"", 9), 0);
	assert_non_null(strstr(text, "Z\",\"event\":\"link\",\"name\":\"wan\","
				     "\"a\":\"x\"}\n"));
	free(text);
}

static void test_nobody(void **state)
{
	struct fixture *f = *state;

	events_write(NULL, "start", "{ss}", "a", "x");
	events_close(NULL);
	assert_string_equal(logged(f), "");
}

/* ---- appending ---- */

static void test_append(void **state)
{
	struct fixture *f = *state;
	FILE *file = fopen(f->path, "we");

	assert_non_null(file);
	fputs("{\"before\":1}\n", file);
	fclose(file);
	for (int i = 0; i < 3; i++) {
		reopen(f);
		events_write(f->events, "start", "{}");
	}
	json_decref(whole_lines(f, 4));
}

/* Somebody empties the file: it goes on at its new end, without a hole. */
static void test_truncated(void **state)
{
	struct fixture *f = *state;

	open_events(f);
	events_write(f->events, "start", "{}");
	assert_int_equal(truncate(f->path, 0), 0);
	events_write(f->events, "stop", "{}");
	json_decref(whole_lines(f, 1));
}

static void *write_many(void *arg)
{
	struct events *events = NULL;

	assert_int_equal(events_open(&events, arg, "many"), 0);
	for (int i = 0; i < WRITES; i++)
		events_write(events, "start", "{si}", "i", i);
	events_close(events);
	return NULL;
}

/* Two processes may have one file. */
static void test_together(void **state)
{
	struct fixture *f = *state;
	pthread_t thread[WRITERS];

	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, write_many,
						f->path), 0);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(thread[i], NULL);
	json_decref(whole_lines(f, WRITERS * WRITES));
}

/* ---- no room, no file ---- */

static void limit_file(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A line that is cut off harms no other one. */
static void test_cut_off(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	size_t broken;
	json_t *all;

	signal(SIGXFSZ, SIG_IGN);
	open_events(f);
	events_write(f->events, "start", "{}");
	assert_int_equal(stat(f->path, &st), 0);
	limit_file((rlim_t)st.st_size + 10);
	events_write(f->events, "lost", "{}");
	events_write(f->events, "lost", "{}");
	limit_file(RLIM_INFINITY);
	assert_int_equal(count(logged(f), "events are lost"), 1);
	events_write(f->events, "link", "{}");
	events_write(f->events, "stop", "{}");
	all = lines_of(f->path, &broken);
	assert_int_equal(broken, 1);
	assert_int_equal(json_array_size(all), 3);
	assert_string_equal(text_in(all, 1, "event"), "link");
	assert_string_equal(text_in(all, 2, "event"), "stop");
	json_decref(all);
}

/* Nor one of whoever wrote here before, who had no room. */
static void test_cut_off_before(void **state)
{
	struct fixture *f = *state;
	FILE *file = fopen(f->path, "we");
	size_t broken;
	json_t *all;

	assert_non_null(file);
	fputs("{\"time\":\"20", file);
	fclose(file);
	open_events(f);
	events_write(f->events, "start", "{}");
	all = lines_of(f->path, &broken);
	assert_int_equal(broken, 1);
	assert_int_equal(json_array_size(all), 1);
	json_decref(all);
}

/* Told once, and again after it went well in between. */
static void test_full(void **state)
{
	struct fixture *f = *state;
	struct events *full = NULL;
	const char *text;

	if (access("/dev/full", W_OK))
		skip();
	assert_int_equal(events_open(&full, "/dev/full", "wan"), 0);
	for (int i = 0; i < 5; i++)
		events_write(full, "start", "{}");
	events_close(full);
	text = logged(f);
	assert_int_equal(count(text, "\n"), 1);
	assert_non_null(strstr(text, "events.file: /dev/full: "));
	assert_non_null(strstr(text, strerror(ENOSPC)));
}

static void assert_not_opened(struct fixture *f, const char *path, int r)
{
	assert_int_equal(events_open(&f->events, path, "wan"), r);
	assert_null(f->events);
	assert_non_null(strstr(logged(f), path));
}

static void test_not_opened(void **state)
{
	struct fixture *f = *state;
	char path[sizeof(f->path) + 8];

	snprintf(path, sizeof(path), "%s/no/file", f->folder);
	assert_not_opened(f, path, -ENOENT);
	assert_not_opened(f, f->folder, -EISDIR);
	assert_not_opened(f, "/dev/null/x", -ENOTDIR);
}

/* ---- a FIFO ---- */

static void test_fifo_without_reader(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_not_opened(f, f->path, -ENXIO);
}

/* Who reads too slowly loses whole lines, and nobody waits for him. */
static void test_fifo(void **state)
{
	struct fixture *f = *state;
	uint64_t start_ns = clock_now_ns();
	char text[1 << 17], *line, *rest;
	ssize_t n;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	fd = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	open_events(f);
	for (int i = 0; i < 3000; i++)
		events_write(f->events, "start", "{si}", "i", i);
	assert_int_equal(count(logged(f), "events are lost"), 1);
	n = read(fd, text, sizeof(text) - 1);
	assert_true(n > 1000);
	text[n] = '\0';
	assert_int_equal(text[n - 1], '\n');
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		json_t *object = json_loads(line, 0, NULL);

		assert_true(json_is_object(object));
		json_decref(object);
	}
	events_write(f->events, "stop", "{}"); /* there is room again */
	assert_true(read(fd, text, sizeof(text)) > 0);
	close(fd);
	events_write(f->events, "stop", "{}");
	assert_non_null(strstr(logged(f), strerror(EPIPE)));
	assert_true(clock_now_ns() - start_ns < 5 * NS_PER_SEC);
}

/* ---- log_copy_to() ---- */

static void *log_elsewhere(void *arg)
{
	(void)arg;
	log_err("another thread's");
	return NULL;
}

/* Errors of this thread alone, without the program's name, and only until it
 * is enough. */
static void test_log_copy(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;
	char *text = NULL;
	size_t len = 0;
	FILE *copy = open_memstream(&text, &len);

	assert_non_null(copy);
	log_level = LOG_LEVEL_INFO;
	log_err("before");
	log_copy_to(copy);
	log_err("wan.conf:%d: one", 4);
	log_warn("a warning");
	log_info("an info");
	assert_int_equal(pthread_create(&thread, NULL, log_elsewhere, NULL), 0);
	pthread_join(thread, NULL);
	log_err("two");
	log_copy_to(NULL);
	log_err("after");
	fclose(copy);
	assert_string_equal(text, "wan.conf:4: one\ntwo\n");
	assert_int_equal(count(logged(f), "\n"), 7);
	free(text);
}

/* Lines longer than one may be are cut, and stay lines. */
static void test_log_copy_long(void **state)
{
	char *text = NULL, word[5000];
	size_t len = 0;
	FILE *copy = open_memstream(&text, &len);

	(void)state;
	assert_non_null(copy);
	memset(word, 'w', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	log_copy_to(copy);
	log_err("%s", word);
	errno = EAGAIN;
	log_err("%s", "");
	assert_int_equal(errno, EAGAIN);
	log_copy_to(NULL);
	fclose(copy);
	assert_int_equal(count(text, "\n"), 2);
	assert_true(len > 1900 && len < 2048);
	assert_string_equal(text + len - 3, "w\n\n");
	free(text);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_line),
		TEST(test_time),
		TEST(test_odd_text),
		TEST(test_order),
		TEST(test_nobody),
		TEST(test_append),
		TEST(test_truncated),
		TEST(test_together),
		TEST(test_cut_off),
		TEST(test_cut_off_before),
		TEST(test_full),
		TEST(test_not_opened),
		TEST(test_fifo_without_reader),
		TEST(test_fifo),
		TEST(test_log_copy),
		TEST(test_log_copy_long),
	};

	alarm(30); /* who waits for a FIFO ends the test */
	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
