/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Prometheus text: a small process to the letter, every rule of the format
 * on larger ones; and the file, which a reader never sees in part and which a
 * failure leaves as it was.
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
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "metrics.h"

#define PAIRS 3
#define REWRITES 1000
#define LANE_LABELS "name=\"n\",pair=\"wan\",from=\"eth0\",to=\"eth1\""

/* ---- a process in memory ---- */

struct world {
	struct metrics m;
	struct bridge bridge[PAIRS];
	struct bridge *list[PAIRS];
	struct conf_pair conf[PAIRS];
	struct port port[PAIRS][SIDES];
	char folder[32];
	char path[64];
};

static void half_full(struct port *port, uint32_t *used, uint32_t *slots)
{
	(void)port;
	*used = 512;
	*slots = 1024;
}

static const struct port_ops ring_ops = { .name = "ring", .fill = half_full };

/* Every counter has a number of its own. */
static void fill_pair(struct world *w, size_t i, char *name, char *left,
		      char *right)
{
	struct bridge *b = &w->bridge[i];

	w->list[i] = b;
	w->conf[i] = (struct conf_pair){ .name = name, .port = { left, right } };
	b->conf = &w->conf[i];
	b->attached = true;
	for (size_t side = 0; side < SIDES; side++) {
		struct link_info *link = &b->side[side].link;
		uint64_t base = (i + 1) * 10000 + side * 1000;
		uint64_t *counter = (uint64_t *)&b->lane[side].stats;

		b->has_lane[side] = true;
		for (size_t k = 0; k < sizeof(struct lane_stats) / 8; k++)
			counter[k] = base + k;
		counter = (uint64_t *)&link->counters;
		for (size_t k = 0; k < sizeof(link->counters) / 8; k++)
			counter[k] = base + 100 + k;
		link->index = (int)(side + 1);
		link->mtu = 1500;
		link->up = link->carrier = true;
		w->port[i][side].ops = &ring_ops;
		b->side[side].port = &w->port[i][side];
	}
}

static void use_pairs(struct world *w, size_t n)
{
	w->m.report.bridge = w->list;
	w->m.report.n_bridges = n;
}

static void add_rules(struct bridge *b, enum side side,
		      const struct filter_rule *rule, size_t n)
{
	struct burst burst = { .n = 1 };
	uint8_t bytes[FRAME_HEADROOM + 60] = { 0 };
	struct lane_stats s = { 0 };

	assert_int_equal(filter_new(&b->chain[side].stage[STAGE_FILTER], rule, n, NULL), 0);
	burst.frame[0].data = bytes + FRAME_HEADROOM;
	burst.frame[0].len = 60;
	stage_push(b->chain[side].stage[STAGE_FILTER], &burst, &s, 0);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	w->m = (struct metrics){ .name = "n", .version = "1.2",
				 .start_time_s = 1700000000 };
	strcpy(w->folder, "metrics.XXXXXX");
	if (!mkdtemp(w->folder))
		return -1;
	snprintf(w->path, sizeof(w->path), "%s/b.prom", w->folder);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < PAIRS; i++)
		for (size_t side = 0; side < SIDES; side++)
			stage_free(w->bridge[i].chain[side].stage[STAGE_FILTER]);
	unlink(w->path);
	rmdir(w->path);
	rmdir(w->folder);
	free(w);
	return 0;
}

/* The caller frees it. */
static char *printed(void (*print)(const struct metrics *m, FILE *out),
		     const struct metrics *m)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	print(m, out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(strlen(text), len);
	return text;
}

static void assert_line(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	if (!at || (at != text && at[-1] != '\n') || at[strlen(line)] != '\n')
		fail_msg("no line '%s' in:\n%s", line, text);
}

static void assert_lacks(const char *text, const char *what)
{
	if (strstr(text, what))
		fail_msg("'%s' is in:\n%s", what, text);
}

/* ---- the text ---- */

static const char small[] =
#define HEAD(name, type, help) \
	"# HELP bumpwire_" name " " help "\n# TYPE bumpwire_" name " " type "\n"
	HEAD("build_info", "gauge", "1; its version is in the label.")
	"bumpwire_build_info{name=\"n\",version=\"1.2\"} 1\n"
	HEAD("start_time_seconds", "gauge",
	     "When the process started, in seconds since 1970.")
	"bumpwire_start_time_seconds{name=\"n\"} 1700000000\n"
	HEAD("last_reload_success", "gauge",
	     "Whether the last reload was applied; 1 if there was none.")
	"bumpwire_last_reload_success{name=\"n\"} 1\n"
	HEAD("last_reload_timestamp_seconds", "gauge",
	     "When the last reload was tried, since 1970; 0 if there was none.")
	"bumpwire_last_reload_timestamp_seconds{name=\"n\"} 0\n"
	HEAD("reloads_total", "counter", "Reloads, by result.")
	"bumpwire_reloads_total{name=\"n\",result=\"success\"} 0\n"
	"bumpwire_reloads_total{name=\"n\",result=\"failure\"} 0\n"
	HEAD("attached", "gauge", "Whether both ports of the pair are open.")
	"bumpwire_attached{name=\"n\",pair=\"wan\"} 1\n"
	HEAD("paused", "gauge", "Whether the pair drops all frames because "
	     "somebody paused it.")
	"bumpwire_paused{name=\"n\",pair=\"wan\"} 0\n"
	HEAD("lane_received_frames_total", "counter",
	     "Frames taken from the ring.")
	"bumpwire_lane_received_frames_total{" LANE_LABELS "} 10000\n"
	HEAD("lane_received_bytes_total", "counter",
	     "Bytes of these, without the FCS.")
	"bumpwire_lane_received_bytes_total{" LANE_LABELS "} 10001\n"
	HEAD("lane_forwarded_frames_total", "counter",
	     "Frames sent by the other port.")
	"bumpwire_lane_forwarded_frames_total{" LANE_LABELS "} 10002\n"
	HEAD("lane_forwarded_bytes_total", "counter",
	     "Bytes of these, without the FCS.")
	"bumpwire_lane_forwarded_bytes_total{" LANE_LABELS "} 10003\n"
	HEAD("lane_dropped_frames_total", "counter",
	     "Frames received and not forwarded, by reason.");

static void test_small(void **state)
{
	struct world *w = *state;
	autoclean(free_ptr) char *text = NULL;

	fill_pair(w, 0, "wan", "eth0", "eth1");
	w->bridge[0].has_lane[SIDE_RIGHT] = false;
	use_pairs(w, 1);
	text = printed(metrics_print, &w->m);
	assert_true(strlen(text) > strlen(small));
	text[strlen(small)] = '\0';
	assert_string_equal(text, small);
}

/* Behind the drops: what lanes, rings, ports and links have. */
static void test_values(void **state)
{
	static const char *const line[] = {
		"lane_duplicated_frames_total{" LANE_LABELS "} 10004",
		"lane_split_frames_total{" LANE_LABELS "} 10005",
		"lane_held_frames{" LANE_LABELS "} 10006",
		"ring_slots{" LANE_LABELS "} 1024",
		"ring_used_slots{" LANE_LABELS "} 512",
		"port_up{name=\"n\",pair=\"wan\",port=\"eth0\",side=\"left\"} 1",
		"port_carrier{name=\"n\",pair=\"wan\",port=\"eth1\","
		"side=\"right\"} 0",
		"port_mtu_bytes{name=\"n\",pair=\"wan\",port=\"eth1\","
		"side=\"right\"} 9000",
#define LINK(what, number) \
		"port_link_" what "_total{name=\"n\",pair=\"wan\"," \
		"port=\"eth0\",side=\"left\"} " #number
		LINK("rx_frames", 10100), LINK("rx_bytes", 10101),
		LINK("rx_dropped", 10102), LINK("rx_errors", 10103),
		LINK("tx_frames", 10104), LINK("tx_bytes", 10105),
		LINK("tx_dropped", 10106), LINK("tx_errors", 10107),
	};
	struct world *w = *state;
	autoclean(free_ptr) char *text = NULL;
	char full[256];

	fill_pair(w, 0, "wan", "eth0", "eth1");
	w->bridge[0].side[SIDE_RIGHT].link.carrier = false;
	w->bridge[0].side[SIDE_RIGHT].link.mtu = 9000;
	use_pairs(w, 1);
	text = printed(metrics_print, &w->m);
	for (size_t i = 0; i < ARRAY_SIZE(line); i++) {
		snprintf(full, sizeof(full), "bumpwire_%s", line[i]);
		assert_line(text, full);
	}
	snprintf(full, sizeof(full), "bumpwire_lane_ring_full_frames_total{"
		 LANE_LABELS "} %" PRIu64,
		 w->bridge[0].lane[SIDE_LEFT].stats.ring_full_frames);
	assert_line(text, full);
}

/* Each reason, those at 0, too: a rate() over the first drop needs them. */
static void test_reasons(void **state)
{
	struct world *w = *state;
	autoclean(free_ptr) char *text = NULL;
	char line[256];

	fill_pair(w, 0, "wan", "eth0", "eth1");
	memset(&w->bridge[0].lane[SIDE_RIGHT].stats, 0,
	       sizeof(struct lane_stats));
	use_pairs(w, 1);
	text = printed(metrics_print, &w->m);
	for (int why = 0; why < REASONS; why++) {
		snprintf(line, sizeof(line), "bumpwire_lane_dropped_frames_total{"
			 LANE_LABELS ",reason=\"%s\"} %" PRIu64,
			 reason_info[why].name,
			 w->bridge[0].lane[0].stats.dropped_frames[why]);
		assert_line(text, line);
		snprintf(line, sizeof(line), "bumpwire_lane_dropped_frames_total{"
			 "name=\"n\",pair=\"wan\",from=\"eth1\",to=\"eth0\","
			 "reason=\"%s\"} 0", reason_info[why].name);
		assert_line(text, line);
	}
}

static void test_rules(void **state)
{
	static const struct filter_rule rule[] = {
		{ .id = "all", .text = "greater 1", .action = FILTER_DROP },
		{ .id = "web", .text = "tcp", .action = FILTER_PASS_ONLY },
	};
	struct world *w = *state;
	autoclean(free_ptr) char *text = NULL;

	fill_pair(w, 0, "wan", "eth0", "eth1");
	use_pairs(w, 1);
	add_rules(&w->bridge[0], SIDE_LEFT, rule, 2);
	text = printed(metrics_print, &w->m);
#define MATCHED "bumpwire_filter_matched_frames_total{"
	assert_line(text, MATCHED LANE_LABELS ",id=\"all\",action=\"drop\"} 1");
	assert_line(text,
		    MATCHED LANE_LABELS ",id=\"web\",action=\"pass_only\"} 0");
	assert_lacks(text, MATCHED "name=\"n\",pair=\"wan\",from=\"eth1\"");
#undef MATCHED
	assert_line(text, "bumpwire_filter_unmatched_frames_total{" LANE_LABELS
			  "} 0");
	add_rules(&w->bridge[0], SIDE_RIGHT, &rule[1], 1);
	free(text);
	text = printed(metrics_print, &w->m);
	assert_line(text, "bumpwire_filter_unmatched_frames_total{name=\"n\","
			  "pair=\"wan\",from=\"eth1\",to=\"eth0\"} 1");
}

/* What is not there is not printed, or said to be 0. */
static void test_absent(void **state)
{
	struct world *w = *state;
	autoclean(free_ptr) char *text = NULL;

	fill_pair(w, 0, "wan", "eth0", "eth1");
	use_pairs(w, 1);
	w->bridge[0].attached = false;
	for (int side = 0; side < SIDES; side++)
		w->bridge[0].side[side].port = NULL;
	w->bridge[0].side[SIDE_LEFT].link.index = 0; /* was never there */
	text = printed(metrics_print, &w->m);
	assert_line(text, "bumpwire_attached{name=\"n\",pair=\"wan\"} 0");
	assert_lacks(text, "bumpwire_ring_slots{");
	assert_lacks(text, "bumpwire_ring_used_slots{");
	assert_lacks(text, "bumpwire_filter_matched_frames_total{");
	assert_lacks(text, "bumpwire_filter_unmatched_frames_total{");
	assert_lacks(text, "bumpwire_port_mtu_bytes{name=\"n\",pair=\"wan\","
			   "port=\"eth0\"");
	assert_line(text, "bumpwire_port_up{name=\"n\",pair=\"wan\","
			  "port=\"eth0\",side=\"left\"} 0");
	assert_line(text, "bumpwire_port_up{name=\"n\",pair=\"wan\","
			  "port=\"eth1\",side=\"right\"} 0");
	assert_line(text, "bumpwire_port_link_tx_errors_total{name=\"n\","
			  "pair=\"wan\",port=\"eth1\",side=\"right\"} 11107");
}

static void test_process(void **state)
{
	struct world *w = *state;
	autoclean(free_ptr) char *text = NULL;

	fill_pair(w, 0, "wan", "eth0", "eth1");
	fill_pair(w, 1, "lan", "eth2", "eth3");
	use_pairs(w, 2);
	w->bridge[1].lane[SIDE_RIGHT].paused = true;
	w->m.last_reload_s = 1700000100;
	w->m.reloads_total = 4;
	w->m.failed_reloads_total = 2;
	text = printed(metrics_print, &w->m);
	assert_line(text, "bumpwire_paused{name=\"n\",pair=\"wan\"} 0");
	assert_line(text, "bumpwire_paused{name=\"n\",pair=\"lan\"} 1");
	assert_line(text, "bumpwire_last_reload_success{name=\"n\"} 0");
	assert_line(text, "bumpwire_last_reload_timestamp_seconds{name=\"n\"} "
			  "1700000100");
	assert_line(text, "bumpwire_reloads_total{name=\"n\","
			  "result=\"success\"} 4");
	assert_line(text, "bumpwire_reloads_total{name=\"n\","
			  "result=\"failure\"} 2");
	w->m.paused = w->m.last_reload_ok = true;
	free(text);
	text = printed(metrics_print, &w->m);
	assert_line(text, "bumpwire_paused{name=\"n\",pair=\"wan\"} 1");
	assert_line(text, "bumpwire_last_reload_success{name=\"n\"} 1");
}

static void test_escapes(void **state)
{
	static const struct {
		const char *value, *shown;
	} row[] = {
		{ "plain", "plain" },
		{ "a\"b\\c\nd", "a\\\"b\\\\c\\nd" },
		{ "", "" },
		{ NULL, "" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x8c", /* all lengths */
		  "\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x8c" },
		{ "\xff\xfe", "\\\\xff\\\\xfe" },
		{ "\xc3", "\\\\xc3" }, /* cut off by the end */
		{ "\xe2\x82", "\\\\xe2\\\\x82" },
		{ "\xc0\xaf", "\\\\xc0\\\\xaf" },	  /* too long for it */
		{ "\xed\xa0\x80", "\\\\xed\\\\xa0\\\\x80" }, /* a surrogate */
		{ "\xf4\x90\x80\x80", "\\\\xf4\\\\x90\\\\x80\\\\x80" },
		{ "\x80x", "\\\\x80x" },
	};
	struct world *w = *state;
	char line[256];

	use_pairs(w, 0);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		autoclean(free_ptr) char *text = NULL;

		w->m.name = row[i].value;
		text = printed(metrics_print, &w->m);
		snprintf(line, sizeof(line),
			 "bumpwire_last_reload_success{name=\"%s\"} 1",
			 row[i].shown);
		assert_line(text, line);
	}
}

/* ---- the format, whatever is printed ---- */

static void print_list(const struct metrics *m, FILE *out)
{
	(void)m;
	metrics_list(out);
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), k = strlen(end);

	return n >= k && !strcmp(text + n - k, end);
}

/* The labels of a series: {a="b",c="d"} gives a,c */
static void read_labels(const char *series, char *label)
{
	bool quoted = false;

	for (const char *c = strchr(series, '{') + 1; *c != '}' || quoted; c++) {
		assert_true(*c);
		if (quoted && *c == '\\')
			c++;
		else if (*c == '"')
			quoted = !quoted;
		else if (!quoted && *c != '=')
			*label++ = *c;
	}
	*label = '\0';
}

/* A line of the list, and what follows for it in the text: a HELP, a TYPE, its
 * samples and no others. Returns behind it. */
static char *check_family(char *row, char *text)
{
	char *name = strtok(row, " "), *type = strtok(NULL, " ");
	char *labels = strtok(NULL, " ");
	char start[256], found[256];
	char *end;

	snprintf(start, sizeof(start), "# HELP %s ", name);
	assert_memory_equal(text, start, strlen(start));
	text = strchr(text, '\n') + 1;
	assert_int_equal(text[-2], '.'); /* a sentence */
	snprintf(start, sizeof(start), "# TYPE %s %s\n", name, type);
	assert_memory_equal(text, start, strlen(start));
	text += strlen(start);
	assert_int_equal(ends_with(name, "_total"), !strcmp(type, "counter"));
	snprintf(start, sizeof(start), "%s{", name);
	for (; *text && *text != '#'; text = end + 1) {
		assert_memory_equal(text, start, strlen(start));
		end = strchr(text, '\n');
		assert_non_null(end);
		read_labels(text, found);
		assert_string_equal(found, labels);
	}
	return text;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* No series twice: only the number stands behind the last blank. */
static size_t check_series(char *text)
{
	static char *line[4096];
	size_t n = 0;

	for (char *c = strtok(text, "\n"); c; c = strtok(NULL, "\n")) {
		char *number = strrchr(c, ' ') + 1;

		if (*c == '#')
			continue;
		assert_int_equal(strspn(number, "0123456789"), strlen(number));
		number[-1] = '\0';
		assert_true(n < ARRAY_SIZE(line));
		line[n++] = c;
	}
	qsort(line, n, sizeof(*line), compare_lines);
	for (size_t i = 1; i < n; i++)
		assert_string_not_equal(line[i - 1], line[i]);
	return n;
}

static void test_format(void **state)
{
	static const struct filter_rule rule[] = {
		{ .id = "a", .text = "udp", .action = FILTER_DROP },
		{ .id = "b", .text = "udp", .action = FILTER_DROP },
		{ .id = "c", .text = "tcp", .action = FILTER_PASS_ONLY },
	};
	struct world *w = *state;
	autoclean(free_ptr) char *text = NULL, *list = NULL;
	char *at, *row, *next;

	fill_pair(w, 0, "a", "eth0", "eth1");
	fill_pair(w, 1, "b", "eth2", "eth3");
	fill_pair(w, 2, "c", "eth4", "eth5");
	for (size_t i = 0; i < PAIRS; i++)
		for (int side = 0; side < SIDES; side++)
			add_rules(&w->bridge[i], (enum side)side, rule, 3);
	use_pairs(w, PAIRS);
	text = printed(metrics_print, &w->m);
	list = printed(print_list, NULL);
	at = text;
	for (row = list; *row; row = next) {
		next = strchr(row, '\n');
		*next++ = '\0';
		at = check_family(row, at);
	}
	assert_int_equal(*at, '\0');
	/* A pair with three rules each way has less than 100 series. */
	assert_in_range(check_series(text), 6 + PAIRS * 60, 6 + PAIRS * 100);
}

static void test_no_pairs(void **state)
{
	struct world *w = *state;
	autoclean(free_ptr) char *text = NULL;

	use_pairs(w, 0);
	text = printed(metrics_print, &w->m);
	assert_int_equal(check_series(text), 6);
}

/*
 * A lane counts while it is read: never is more gone than has come. A breath of
 * the writer moves one frame; on CPUs that keep the order of stores nothing is
 * ahead, elsewhere by no more than that.
 */
static void *count(void *arg)
{
	struct world *w = arg;
	struct lane_stats *s = &w->bridge[0].lane[SIDE_LEFT].stats;

	while (!shared_read(&w->bridge[0].lane[SIDE_LEFT].stopping)) {
		counter_add(&s->received_frames, 1);
		counter_add(&s->forwarded_frames, 1);
		counter_add(&s->received_frames, 1);
		counter_add(&s->dropped_frames[REASON_PAUSED], 1);
	}
	return NULL;
}

static uint64_t value_of(const char *text, const char *series)
{
	const char *at = strstr(text, series);

	assert_non_null(at);
	return strtoull(strchr(at, '}') + 1, NULL, 10);
}

static void test_order(void **state)
{
	struct world *w = *state;
	pthread_t thread;
	uint64_t in, out;

	fill_pair(w, 0, "wan", "eth0", "eth1");
	memset(&w->bridge[0].lane[SIDE_LEFT].stats, 0,
	       sizeof(struct lane_stats));
	use_pairs(w, 1);
	assert_int_equal(pthread_create(&thread, NULL, count, w), 0);
	for (int i = 0; i < 2000; i++) {
		autoclean(free_ptr) char *text = printed(metrics_print, &w->m);

		in = value_of(text, "bumpwire_lane_received_frames_total{");
		out = value_of(text, "bumpwire_lane_forwarded_frames_total{") +
		      value_of(text, "bumpwire_lane_dropped_frames_total{"
			       LANE_LABELS ",reason=\"paused\"");
		assert_true(out <= in + 1);
	}
	shared_write(&w->bridge[0].lane[SIDE_LEFT].stopping, true);
	pthread_join(thread, NULL);
}

/* ---- the file ---- */

static size_t read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	assert_int_equal(n, 0);
	close(fd);
	text[len] = '\0';
	return len;
}

/* Nothing but the file is in the folder. */
static void assert_neat(const struct world *w, size_t files)
{
	DIR *dir = opendir(w->folder);
	size_t n = 0;

	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir));)
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			n++;
	closedir(dir);
	assert_int_equal(n, files);
}

static void test_write(void **state)
{
	struct world *w = *state;
	autoclean(free_ptr) char *text = NULL;
	char file[65536];
	struct stat st;
	mode_t mask = umask(0077);

	fill_pair(w, 0, "wan", "eth0", "eth1");
	use_pairs(w, 1);
	assert_int_equal(metrics_write(&w->m, w->path), 0);
	umask(mask);
	text = printed(metrics_print, &w->m);
	read_file(w->path, file, sizeof(file));
	assert_string_equal(file, text);
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_neat(w, 1);
	use_pairs(w, 0); /* a shorter one leaves nothing of the longer one */
	assert_int_equal(metrics_write(&w->m, w->path), 0);
	assert_true(read_file(w->path, file, sizeof(file)) < strlen(text));
	assert_neat(w, 1);
}

/* What was left behind by a process of this number that was killed. */
static void test_write_remains(void **state)
{
	struct world *w = *state;
	char hidden[128], target[64];
	char text[65536];

	use_pairs(w, 0);
	snprintf(hidden, sizeof(hidden), "%s/.b.prom.%d.tmp", w->folder,
		 (int)getpid());
	snprintf(target, sizeof(target), "%s/other", w->folder);
	assert_int_equal(symlink("other", hidden), 0);
	assert_int_equal(metrics_write(&w->m, w->path), 0);
	assert_int_not_equal(access(target, F_OK), 0);
	read_file(w->path, text, sizeof(text));
	assert_non_null(strstr(text, "bumpwire_build_info"));
	assert_neat(w, 1);
}

/* A file that cannot grow is a disk that is full. */
static void test_write_full(void **state)
{
	struct world *w = *state;
	struct rlimit before, limit;
	char old[65536], now[65536];

	fill_pair(w, 0, "wan", "eth0", "eth1");
	use_pairs(w, 1);
	assert_int_equal(metrics_write(&w->m, w->path), 0);
	read_file(w->path, old, sizeof(old));
	w->m.start_time_s++;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 100;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(metrics_write(&w->m, w->path), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	read_file(w->path, now, sizeof(now));
	assert_string_equal(now, old);
	assert_neat(w, 1);
	assert_int_equal(metrics_write(&w->m, w->path), 0);
	read_file(w->path, now, sizeof(now));
	assert_string_not_equal(now, old);
}

static void test_write_refused(void **state)
{
	struct world *w = *state;
	char path[400];
	struct stat st;

	use_pairs(w, 0);
	snprintf(path, sizeof(path), "%s/none/b.prom", w->folder);
	assert_int_equal(metrics_write(&w->m, path), -ENOENT);
	snprintf(path, sizeof(path), "%s/%0250d", w->folder, 0);
	assert_int_equal(metrics_write(&w->m, path), -ENAMETOOLONG);
	assert_int_equal(metrics_write(&w->m, w->folder), -EISDIR);
	assert_neat(w, 0);
	assert_int_equal(mkfifo(w->path, 0600), 0);
	assert_int_equal(metrics_write(&w->m, w->path), -EINVAL);
	assert_int_equal(lstat(w->path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_neat(w, 1);
	unlink(w->path);
	assert_int_equal(metrics_write(&w->m, w->path), 0);
	snprintf(path, sizeof(path), "%s/b", w->path); /* a file is no folder */
	assert_int_equal(metrics_write(&w->m, path), -ENOTDIR);
	assert_int_equal(chmod(w->folder, 0500), 0);
	if (geteuid()) /* root may write */
		assert_int_equal(metrics_write(&w->m, w->path), -EACCES);
	assert_int_equal(chmod(w->folder, 0700), 0);
	assert_neat(w, 1);
}

struct rewrites {
	const struct world *w;
	bool ended;
	uint64_t readings, torn;
};

/* The first number and the last one are of one writing. */
static void *read_on(void *arg)
{
	struct rewrites *r = arg;
	char text[65536];

	while (!shared_read(&r->ended)) {
		size_t len = read_file(r->w->path, text, sizeof(text));
		const char *first = strstr(text, "bumpwire_start_time_seconds{");
		const char *last = strrchr(text, ' ');

		if (!len || text[len - 1] != '\n' || !first || !last ||
		    strtoull(strchr(first, '}') + 1, NULL, 10) !=
			    strtoull(last, NULL, 10))
			r->torn++;
		counter_add(&r->readings, 1);
	}
	return NULL;
}

static void test_never_partial(void **state)
{
	struct world *w = *state;
	struct rewrites r = { .w = w };
	uint64_t *last = &w->bridge[0].side[SIDE_RIGHT].link.counters.tx_errors;
	pthread_t thread;
	uint64_t i = 0;

	fill_pair(w, 0, "wan", "eth0", "eth1");
	use_pairs(w, 1);
	*last = w->m.start_time_s;
	assert_int_equal(metrics_write(&w->m, w->path), 0);
	assert_int_equal(pthread_create(&thread, NULL, read_on, &r), 0);
	/* However late the reader begins: it is to read some. */
	for (; i < REWRITES || counter_read(&r.readings) < 20; i++) {
		*last = ++w->m.start_time_s;
		if (metrics_write(&w->m, w->path))
			break;
	}
	shared_write(&r.ended, true);
	pthread_join(thread, NULL);
	assert_true(i >= REWRITES);
	assert_int_equal(r.torn, 0);
	assert_neat(w, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_small),	  TEST(test_values),
		TEST(test_reasons),	  TEST(test_rules),
		TEST(test_absent),	  TEST(test_process),
		TEST(test_escapes),	  TEST(test_format),
		TEST(test_no_pairs),	  TEST(test_order),
		TEST(test_write),	  TEST(test_write_remains),
		TEST(test_write_full),	  TEST(test_write_refused),
		TEST(test_never_partial),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
