/* SPDX-License-Identifier: BSD-2-Clause */
/* tools/ctl_*.c: words become requests, answers become text, and whatever the
 * other end does, asking has an end. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "../tools/ctl_client.h"
#include "../tools/ctl_options.h"
#include "../tools/ctl_print.h"
#include "../tools/ctl_requests.h"
#include "../tools/ctl_tap.h"
#include "clock.h"

#define WORDS_MAX 32
#define LINES_MAX 12
#define LINE_BYTES 4096

/* ---- words ---- */

struct line {
	char text[LINE_BYTES];
	char *word[WORDS_MAX + 1];
	int n;
};

/* A command line, cut at blanks; a word of ~ is an empty one. */
static int parse(struct ctl_options *o, struct line *line, const char *text)
{
	char *rest, *word;

	snprintf(line->text, sizeof(line->text), "bumpctl %s", text);
	line->n = 0;
	for (word = strtok_r(line->text, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest))
		line->word[line->n++] = strcmp(word, "~") ? word : (char *)"";
	line->word[line->n] = NULL;
	return ctl_options_parse(o, line->n, line->word);
}

static void test_options(void **state)
{
	struct ctl_options o;
	struct line line;

	(void)state;
	assert_int_equal(parse(&o, &line, "-s wan -j stats lan"), 0);
	assert_string_equal(o.socket, "wan");
	assert_true(o.json);
	assert_int_equal(o.request, REQUEST_STATS);
	assert_int_equal(o.n_words, 1);
	assert_string_equal(o.word[0], "lan");
	assert_int_equal(o.interval_ns, 0);

	assert_int_equal(parse(&o, &line, "stats --interval 0.5 --count 3"), 0);
	assert_int_equal(o.interval_ns, NS_PER_SEC / 2);
	assert_int_equal(o.count, 3);
	assert_int_equal(o.n_words, 0);
	assert_null(o.socket);
	/* So many turns have an interval; `top` always has. */
	assert_int_equal(parse(&o, &line, "stats -c 3"), 0);
	assert_int_equal(o.interval_ns, NS_PER_SEC);
	assert_int_equal(parse(&o, &line, "top"), 0);
	assert_int_equal(o.request, CTL_TOP);
	assert_int_equal(o.interval_ns, NS_PER_SEC);
	assert_null(o.pair);
	assert_int_equal(parse(&o, &line, "top wan -i 2"), 0);
	assert_string_equal(o.pair, "wan");
	assert_int_equal(o.interval_ns, 2 * NS_PER_SEC);
	assert_int_equal(parse(&o, &line, "--help nosuch"), 0);
	assert_true(o.help);
}

static void test_usage(void **state)
{
	static const char *const wrong[] = {
		"", "nosuch", "filter", "filter nosuch", "filter list a b",
		"status a", "stats a b", "check", "check a b", "log",
		"filter add", "filter add drop x", "filter del",
		"filter del a b c", "filter set x", "pause a b", "stop now",
		"status --interval 1", "pause -c 2", "-j top",
		"stats --interval 0", "stats --interval 9ms",
		"stats --interval 25h", "stats --interval x",
		"stats --count 0", "--nosuch", "stats -s",
		"set", "set delay", "unset", "unset a b c", "tap", "tap a b c",
		"tap list a b", "tap start x", "tap start a b c d", "tap stop",
		"tap stop a b c", "-j tap -", "tap - -i 1", "tap - --files 3",
		"tap - --rotate-bytes 1mb", "status --side left",
		"tap list --at in", "set delay 1ms --filter x",
	};
	struct ctl_options o;
	struct line line;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (parse(&o, &line, wrong[i]) != -EINVAL)
			fail_msg("taken: '%s'", wrong[i]);
}

/* What is there of a request must be what there is, no more. */
static void test_requests(void **state)
{
	static const struct {
		const char *line;
		const char *json; /* NULL: refused */
	} row[] = {
		{ "status", "{'request':'status'}" },
		{ "stats", "{'request':'stats'}" },
		{ "stats wan", "{'request':'stats','pair':'wan'}" },
		{ "check /a/b", "{'request':'check','file':'/a/b'}" },
		{ "log debug", "{'request':'log','level':'debug'}" },
		{ "filter list wan", "{'request':'filter_list','pair':'wan'}" },
		{ "filter del x", "{'request':'filter_del','id':'x'}" },
		{ "filter del wan x",
		  "{'request':'filter_del','pair':'wan','id':'x'}" },
		{ "filter set x tcp port 80",
		  "{'request':'filter_set','id':'x','text':'tcp port 80'}" },
		{ "filter add drop x arp",
		  "{'request':'filter_add','side':'both','action':'drop',"
		  "'id':'x','text':'arp'}" },
		{ "filter add pass-only x udp port 53 or arp",
		  "{'request':'filter_add','side':'both','action':'pass_only',"
		  "'id':'x','text':'udp port 53 or arp'}" },
		{ "filter add right pass_only x arp",
		  "{'request':'filter_add','side':'right',"
		  "'action':'pass_only','id':'x','text':'arp'}" },
		{ "filter add wan drop x arp",
		  "{'request':'filter_add','pair':'wan','side':'both',"
		  "'action':'drop','id':'x','text':'arp'}" },
		{ "filter add wan left drop x arp",
		  "{'request':'filter_add','pair':'wan','side':'left',"
		  "'action':'drop','id':'x','text':'arp'}" },
		/* A pair that is called as a side, and one as an action. */
		{ "filter add left left drop x arp",
		  "{'request':'filter_add','pair':'left','side':'left',"
		  "'action':'drop','id':'x','text':'arp'}" },
		{ "filter add drop drop x arp",
		  "{'request':'filter_add','side':'both','action':'drop',"
		  "'id':'drop','text':'x arp'}" },
		{ "filter add wan left x arp", NULL },
		{ "filter add dorp x arp y", NULL },
		{ "filter add wan left drop x", NULL },
		{ "filter add left drop x", NULL },
		{ "filter set x \377", NULL },
		{ "set delay 20ms",
		  "{'request':'set','key':'delay','value':'20ms'}" },
		{ "set left.loss gemodel 1% 20%",
		  "{'request':'set','key':'left.loss',"
		  "'value':'gemodel 1% 20%'}" },
		{ "set wan right.delay 20ms",
		  "{'request':'set','pair':'wan','key':'right.delay',"
		  "'value':'20ms'}" },
		/* A pair that is called as a key. */
		{ "set delay loss 1%",
		  "{'request':'set','pair':'delay','key':'loss',"
		  "'value':'1%'}" },
		{ "set nosuch a b",
		  "{'request':'set','key':'nosuch','value':'a b'}" },
		{ "set delay ~", "{'request':'set','key':'delay','value':''}" },
		{ "set delay \377", NULL },
		{ "unset delay", "{'request':'unset','key':'delay'}" },
		{ "unset wan delay",
		  "{'request':'unset','pair':'wan','key':'delay'}" },
		{ "tap list", "{'request':'tap_list'}" },
		{ "tap list wan", "{'request':'tap_list','pair':'wan'}" },
		{ "tap stop x", "{'request':'tap_stop','id':'x'}" },
		{ "tap stop wan x",
		  "{'request':'tap_stop','pair':'wan','id':'x'}" },
		{ "tap start x /a/b",
		  "{'request':'tap_start','id':'x','to':'/a/b'}" },
		{ "tap start wan x dev:eth3 --side left --at in --filter arp "
		  "--snap 128 --queue 1mb --rotate-bytes 2mb --rotate-time 1h "
		  "--rotate-frames 9 --files 5",
		  "{'request':'tap_start','pair':'wan','id':'x',"
		  "'to':'dev:eth3','side':'left','at':'in','filter':'arp',"
		  "'snap':'128','queue':'1mb','rotate_bytes':'2mb',"
		  "'rotate_time':'1h','rotate_frames':'9','files':'5'}" },
		{ "tap -", "{'request':'tap_stream'}" },
		{ "tap wan -", "{'request':'tap_stream','pair':'wan'}" },
		{ "tap --snap 64 wan x.pcapng",
		  "{'request':'tap_stream','pair':'wan','snap':'64'}" },
		{ "tap ./list", "{'request':'tap_stream'}" },
		/* No file that is called so by mistake. */
		{ "tap lsit", NULL },
		{ "tap wan stop", NULL },
		{ "stats \377", NULL },
	};
	struct ctl_options o;
	struct line line;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		char json[256];
		json_t *want, *got = NULL;
		int r;

		assert_int_equal(parse(&o, &line, row[i].line), 0);
		r = ctl_request_make(&o, &got);
		if (!row[i].json) {
			assert_int_equal(r, -EINVAL);
			continue;
		}
		assert_int_equal(r, 0);
		snprintf(json, sizeof(json), "%s", row[i].json);
		for (char *c = json; *c; c++)
			if (*c == '\'')
				*c = '"';
		want = json_loads(json, 0, NULL);
		assert_non_null(want);
		if (!json_equal(got, want))
			fail_msg("%s: %s", row[i].line,
				 json_dumps(got, JSON_COMPACT));
		json_decref(got);
		json_decref(want);
	}
}

/* The bridge does not know where we stand. */
static void test_check_is_absolute(void **state)
{
	struct ctl_options o;
	struct line line;
	json_t *request;
	const char *file;
	char want[256];

	(void)state;
	assert_int_equal(chdir("/tmp"), 0);
	assert_int_equal(parse(&o, &line, "check some/wan.conf"), 0);
	assert_int_equal(ctl_request_make(&o, &request), 0);
	file = json_string_value(json_object_get(request, "file"));
	snprintf(want, sizeof(want), "%s/some/wan.conf",
		 getcwd((char[256]){ 0 }, 256));
	assert_string_equal(file, want);
	json_decref(request);
}

/* ---- text ---- */

static json_t *load(const char *text)
{
	char json[LINE_BYTES];
	json_t *value;

	snprintf(json, sizeof(json), "%s", text);
	for (char *c = json; *c; c++)
		if (*c == '\'')
			*c = '"';
	value = json_loads(json, 0, NULL);
	assert_non_null(value);
	return value;
}

/* What is printed of an answer: the caller's. */
static char *print(void (*fn)(const struct ctl_answer *answer, FILE *out),
		   const char *request, const char *result)
{
	const json_t *asked = load(request), *came = load(result);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	fn(&(struct ctl_answer){ asked, came }, out);
	fclose(out);
	json_decref((json_t *)(uintptr_t)asked);
	json_decref((json_t *)(uintptr_t)came);
	return text;
}

static void check_print(void (*fn)(const struct ctl_answer *answer, FILE *out),
			const char *request, const char *result,
			const char *want)
{
	char *text = print(fn, request, result);

	assert_string_equal(text, want);
	free(text);
}

#define LANE(from, to, frames)                                           \
	"{'received_frames':" #frames ",'received_bytes':6000,"          \
	"'forwarded_frames':90,'forwarded_bytes':5400,"                  \
	"'duplicated_frames':0,'split_frames':0,'held_frames':0,"        \
	"'offered_frames':100,'ring_full_frames':2,'dropped_frames':10," \
	"'dropped':{'filtered':10,'oversize':0},'from':'" from "',"      \
	"'to':'" to "','rules':[{'id':'dns','action':'drop',"            \
	"'text':'udp port 53','runtime':false,'frames':10}]}"

#define LINK "'link':{'rx_frames':1,'rx_bytes':2,'rx_dropped':3," \
	"'rx_errors':4,'tx_frames':5,'tx_bytes':6,'tx_dropped':7," \
	"'tx_errors':8}"

#define PAIR(lanes)                                                       \
	"{'seconds':12.34,'pairs':[{'name':'wan','left':{'name':'eth1',"  \
	LINK "},'right':{'name':'eth2'," LINK "},'lanes':{" lanes "}}]}"

static void test_print_stats(void **state)
{
	(void)state;
	check_print(ctl_print_stats, "{}",
		    PAIR("'left':" LANE("eth1", "eth2", 100) ",'right':"
			 LANE("eth2", "eth1", 7)),
"pair wan, 12.3 s\n"
"                                       eth1 -> eth2         eth2 -> eth1\n"
"received frames                                 100                    7\n"
"received bytes                                 6000                 6000\n"
"forwarded frames                                 90                   90\n"
"forwarded bytes                                5400                 5400\n"
"dropped frames                                   10                   10\n"
"  filtered                                       10                   10\n"
"ring full (never received)                        2                    2\n"
"rules for eth1 -> eth2\n"
"  dns                                            10  udp port 53\n"
"rules for eth2 -> eth1\n"
"  dns                                            10  udp port 53\n"
"link counters, by the kernel                   eth1                 eth2\n"
"  rx frames                                       1                    1\n"
"  rx bytes                                        2                    2\n"
"  rx dropped                                      3                    3\n"
"  rx errors                                       4                    4\n"
"  tx frames                                       5                    5\n"
"  tx bytes                                        6                    6\n"
"  tx dropped                                      7                    7\n"
"  tx errors                                       8                    8\n");
}

static void test_print_stats_one_way(void **state)
{
	char *text;

	(void)state;
	text = print(ctl_print_stats, "{}",
		     PAIR("'right':" LANE("eth2", "eth1", 7)));
	assert_non_null(strstr(text, "eth2 -> eth1\n"));
	assert_null(strstr(text, "eth1 -> eth2"));
	assert_non_null(strstr(text,
			       "received frames                                   7\n"));
	assert_non_null(strstr(text,
			       "  filtered                                       10\n"));
	free(text);
}

/* What a stage of either lane counts, and each tap. */
static void test_print_stats_stages(void **state)
{
	char *text;

	(void)state;
	text = print(ctl_print_stats, "{}",
		"{'pairs':[{'lanes':{'left':{'from':'a','to':'b','stages':{"
		"'impair':{'lost':7,'bit_errors':0},'delay':{'late':1}}},"
		"'right':{'from':'b','to':'a','stages':{'impair':{'lost':9},"
		"'rate':{'tail_dropped':3}}}},'taps':[{'id':'x','to':'-',"
		"'left':{'taken_frames':5,'lost_frames':1},'right':"
		"{'taken_frames':6,'lost_frames':0},'written_frames':10}]}]}");
	assert_non_null(strstr(text,
"impair lost                                       7                    9\n"));
	assert_null(strstr(text, "bit errors"));
	assert_non_null(strstr(text,
"delay late                                        1                    0\n"));
	assert_non_null(strstr(text,
"rate tail dropped                                 0                    3\n"));
	assert_non_null(strstr(text,
"tap x to whoever reads it\n"
"  taken frames                                    5                    6\n"
"  lost frames                                     1                    0\n"
"  written frames                                 10\n"));
	free(text);
}

static void check_rates(const char *was, const char *now, const char *want)
{
	json_t *before = load(was), *after = load(now);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	ctl_print_rates(before, after, out);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
	json_decref(before);
	json_decref(after);
}

#define RATES(seconds, frames, bytes, dropped)                           \
	"{'seconds':" #seconds ",'pairs':[{'name':'wan','lanes':{"       \
	"'left':{'from':'a','to':'b','forwarded_frames':" #frames ","    \
	"'forwarded_bytes':" #bytes ",'dropped_frames':" #dropped ","    \
	"'ring_full_frames':1}}}]}"

static void test_print_rates(void **state)
{
	(void)state;
	check_rates(RATES(10.0, 1000, 60000, 5), RATES(12.0, 3000, 310000, 9),
		    "12.0 s wan:  a -> b 1000 pps 1.000 Mbit/s dropped 4 "
		    "ring full 0\n");
	/* Reset meanwhile. */
	check_rates(RATES(10.0, 1000, 60000, 5), RATES(12.0, 30, 250000, 0),
		    "12.0 s wan:  a -> b 15 pps 1.000 Mbit/s dropped 0 "
		    "ring full 1\n");
	/* Another process. */
	check_rates(RATES(10.0, 1000, 60000, 5), RATES(2.0, 3000, 250000, 0),
		    "2.0 s wan:  a -> b 1500 pps 1.000 Mbit/s dropped 0 "
		    "ring full 1\n");
	/* A pair that has come. */
	check_rates("{'seconds':10.0,'pairs':[]}", RATES(11.0, 5, 125000, 0),
		    "11.0 s wan:  a -> b 5 pps 1.000 Mbit/s dropped 0 "
		    "ring full 1\n");
}

static void test_print_status(void **state)
{
	(void)state;
	check_print(ctl_print_status, "{}",
		"{'program':'bumpwire','version':'1.2','name':'wan','pid':7,"
		"'uptime_seconds':7384.5,'config':null,'log':'info',"
		"'user':'joe','sandbox':false,'reloads':1,'last_reload':"
		"{'ok':false,'seconds_ago':65.5},'pairs':[{'name':'wan',"
		"'state':'no carrier','paused':true,'one_way':'left','left':"
		"{'name':'eth1','driver':'veth','mtu':9000,'up':true,"
		"'carrier':true},'right':{'name':'eth2','driver':'igb',"
		"'mtu':1500,'up':true,'carrier':false},'settings':{'left':"
		"{'loss':'1%','delay':'20ms'},'right':{}},'seed':77,'changes':["
		"{'key':'left.loss','from':'','to':'1%'},"
		"{'key':'left.delay','from':'5ms','to':'20ms'},"
		"{'key':'right.delay','from':'5ms','to':'20ms'},"
		"{'key':'left.rate','from':'1mbit','to':''},"
		"{'key':'right.rate','from':'2mbit','to':''}],'rules':{'number':2,"
		"'runtime':1},'tap_stopped':true},"
		"{'name':'lan','state':'forwarding','left':{'name':'a',"
		"'mtu':1500,'up':true,'carrier':true},'right':{'name':'b',"
		"'mtu':1500,'up':true,'carrier':true},'settings':{'left':{},"
		"'right':{}},'seed':null,'changes':[],'rules':{'number':1,"
		"'runtime':0}}]}",
"bumpwire 1.2 'wan', process 7, running for 2 h 3 min\n"
"as user joe, without a sandbox\n"
"configured by its command line, log level info, reloaded 1 time; the last "
"try, 1 min 5 s ago, FAILED: what was in force still is\n"
"pair wan: no carrier, paused, one way, from left\n"
"  left   eth1             up          MTU 9000   veth\n"
"  right  eth2             no carrier  MTU 1500   igb\n"
"  left -> right: loss 1%, delay 20ms\n"
"  seed 77 repeats it\n"
"  set while it runs: left.loss 1%\n"
"  set while it runs: delay 20ms, configured 5ms\n"
"  set while it runs: left.rate unset, configured 1mbit\n"
"  set while it runs: right.rate unset, configured 2mbit\n"
"  2 filter rules, 1 added while it runs (bumpctl filter list)\n"
"  tap tap: stopped while it runs, until a reload\n"
"pair lan: forwarding\n"
"  left   a                up          MTU 1500   \n"
"  right  b                up          MTU 1500   \n"
"  1 filter rule (bumpctl filter list)\n");
}

static void test_print_reload(void **state)
{
	(void)state;
	check_print(ctl_print_reload, "{}", "{'changes':[]}",
		    "nothing changed\n");
	check_print(ctl_print_reload, "{}",
		"{'changes':[{'pair':'wan','key':'left.spin','from':'50',"
		"'to':'100','effect':'live'},{'pair':null,'key':'name',"
		"'from':'','to':'x','effect':'needs a restart'},{'pair':'lan',"
		"'key':'','from':'','to':'','effect':'added'},{'pair':'wan',"
		"'key':'dns','from':'arp','to':'','effect':'live'}]}",
		"pair wan: left.spin: 50 -> 100: live\n"
		"name: now x: needs a restart\n"
		"pair lan: added\n"
		"pair wan: dns: no more, was arp: live\n");
}

static void test_print_rules(void **state)
{
	(void)state;
	check_print(ctl_print_rules, "{}", "{'rules':[]}", "no rules\n");
	check_print(ctl_print_rules, "{}",
		"{'rules':[{'pair':'wan','side':'both','id':'longer',"
		"'action':'drop','text':'arp','file':false,'runtime':false,"
		"'left_frames':12,'right_frames':0},{'pair':'wan',"
		"'side':'left','id':'x','action':'pass_only',"
		"'text':'/a/b','file':true,'runtime':true,"
		"'left_frames':3,'right_frames':null}]}",
"pair id     side  action       left hits   right hits  expression\n"
"wan  longer both  drop                12            0  arp\n"
"wan  x      left  pass_only            3            -  file /a/b"
"  (run time)\n");
}

#define TAP(id, rest)                                                  \
	"{'pair':'wan','id':'" id "','left':{'at':'out',"               \
	"'taken_frames':5,'lost_frames':1},'right':{'at':'no',"          \
	"'taken_frames':2,'lost_frames':0},'written_frames':6," rest "}"

static void test_print_taps(void **state)
{
	(void)state;
	check_print(ctl_print_taps, "{}", "{'taps':[]}", "no taps\n");
	check_print(ctl_print_taps, "{}",
		"{'taps':[" TAP("tap", "'to':'/a/b','error':'No space left on "
		"device'") "," TAP("stream1", "'to':'-','runtime':true,"
		"'ended':true,'error':null") "]}",
"pair name    left  right        taken         lost      written  to\n"
"wan  tap     out   no               7            1            6  /a/b"
"  (fails: No space left on device)\n"
"wan  stream1 out   no               7            1            6  whoever "
"reads it  (run time)  (its reader has gone)\n");
	check_print(ctl_print_tap_stopped, "{'id':'x'}", "{}",
		    "tap x: stopped\n");
}

static void test_print_others(void **state)
{
	(void)state;
	check_print(ctl_print_text, "{}", "{'text':'a = 1'}", "a = 1");
	check_print(ctl_print_removed, "{'id':'x'}", "{}", "rule x: removed\n");
	check_print(ctl_print_pairs, "{}", "{'pairs':[{'name':'a','paused':true}"
		    ",{'name':'b','paused':false}]}",
		    "pair a: paused\npair b: forwards\n");
	check_print(ctl_print_reset, "{}", "{}",
		    "all pairs: counts from 0 again\n");
	check_print(ctl_print_reset, "{'pair':'a'}", "{}",
		    "pair a: counts from 0 again\n");
	check_print(ctl_print_level, "{'level':'debug'}", "{}",
		    "log level debug\n");
	check_print(ctl_print_commands, "{}",
		    "{'commands':[{'name':'filter_del','arguments':'[PAIR] ID',"
		    "'help':'Remove it'}]}",
		    "  filter del [PAIR] ID      Remove it\n");
	check_print(ctl_print_commands, "{}",
		    "{'commands':[{'name':'tap_stream',"
		    "'arguments':'[PAIR] FILE','help':'Copy'}]}",
		    "  tap [PAIR] FILE           Copy\n");
}

/* Another version may leave out anything. */
static void test_print_nothing(void **state)
{
	static const char *const result[] = {
		"{}", "{'pairs':[{}],'links':[{}],'rules':[{}],'changes':[{}],"
		      "'commands':[{}]}",
		"{'pairs':[7],'links':[null],'rules':['x'],'changes':[[]],"
		"'commands':{},'text':4}",
		"{'pairs':[{'lanes':{'left':{'rules':[{}],'dropped':[]}}}]}",
	};

	(void)state;
	for (int i = 0; i < REQUESTS; i++)
		for (size_t k = 0; k < ARRAY_SIZE(result); k++) {
			assert_non_null(ctl_request[i].print);
			free(print(ctl_request[i].print, "{}", result[k]));
		}
}

/* ---- the other end ---- */

/* A bridge that says what it is told to, a line for a line, over as many
 * connections as it takes. What is no whole line, or begins with a blank, is the
 * last one of its connection. */
struct fake {
	char dir[32];
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	int fd;
	const char *const *say;
	char heard[LINES_MAX][LINE_BYTES];
	int n_heard;
	int n_ended; /* connections */
	pthread_t thread;
};

static void fake_talk(struct fake *f, FILE *in)
{
	while (f->say[f->n_heard]) {
		const char *say = f->say[f->n_heard];

		if (!fgets(f->heard[f->n_heard], LINE_BYTES, in))
			return;
		f->n_heard++;
		if (*say && send(fileno(in), say, strlen(say), MSG_NOSIGNAL) < 0)
			return;
		if (!*say || *say == ' ' || say[strlen(say) - 1] != '\n')
			return;
	}
}

static void *fake_run(void *arg)
{
	struct fake *f = arg;

	while (f->say[f->n_heard]) {
		int fd = accept(f->fd, NULL, NULL);
		FILE *in = fd < 0 ? NULL : fdopen(fd, "r");

		if (!in)
			return NULL;
		fake_talk(f, in);
		fclose(in);
		__atomic_fetch_add(&f->n_ended, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void fake_listen(struct fake *f, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(f->path, sizeof(f->path), "%s/%s.sock", f->dir, name);
	strcpy(address.sun_path, f->path);
	f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(f->fd >= 0);
	assert_int_equal(bind(f->fd, (struct sockaddr *)&address,
			      sizeof(address)), 0);
	assert_int_equal(listen(f->fd, 5), 0);
}

static void fake_dir(struct fake *f)
{
	memset(f, 0, sizeof(*f));
	f->fd = -1;
	strcpy(f->dir, "/tmp/test_ctl.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	setenv("BUMPWIRE_RUN", f->dir, 1);
}

static void fake_start(struct fake *f, const char *const *say)
{
	fake_dir(f);
	fake_listen(f, "wan");
	f->say = say;
	assert_int_equal(pthread_create(&f->thread, NULL, fake_run, f), 0);
}

static void fake_stop(struct fake *f)
{
	shutdown(f->fd, SHUT_RDWR); /* ends accept() */
	pthread_join(f->thread, NULL);
	close(f->fd);
	unlink(f->path);
	rmdir(f->dir);
}

/* Until its first connection is closed. */
static void wait_for_end(struct fake *f)
{
	while (!__atomic_load_n(&f->n_ended, __ATOMIC_ACQUIRE))
		sched_yield();
}

static int ask(struct ctl_client *client, json_t **result)
{
	json_t *request = json_pack("{ss}", "request", "status");
	int r = ctl_client_ask(client, request, result);

	json_decref(request);
	return r;
}

/* One that has closed the connection behind an answer is asked over a new one;
 * one that closes it before is not. */
static void test_ask(void **state)
{
	static const char *const say[] = {
		"{\"ok\":true,\"result\":{\"n\":1}}\n",
		" {\"ok\":true,\"result\":{\"n\":2}}\n",
		"{\"ok\":false,\"error\":\"no\",\"mistakes\":[\"a\",5]}\n",
		"{\"ok\":true,\"result\":{\"n\":3}}\n",
		"{\"ok\":true,\"resu", /* and it goes away */
		"",
		"what?\n",
		"{\"ok\":true}\n",
		"{\"ok\":true,\"result\":{\"n\":4}}\n",
		NULL,
	};
	static const int want[] = { 0, 0, -EPROTO, 0, -ECONNRESET, -ECONNRESET,
				    -EBADMSG, -EBADMSG, 0 };
	struct ctl_client *client;
	struct fake fake;
	json_t *result;
	int n = 0;

	(void)state;
	fake_start(&fake, say);
	assert_int_equal(ctl_client_open(&client, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		if (i == 2)
			wait_for_end(&fake);
		assert_int_equal(ask(client, &result), want[i]);
		if (want[i])
			continue;
		assert_int_equal(json_integer_value(
				 json_object_get(result, "n")), ++n);
		json_decref(result);
	}
	assert_string_equal(fake.heard[0], "{\"request\":\"status\"}\n");
	ctl_client_close(client);
	fake_stop(&fake);
}

/* A long answer, in parts. */
static void test_long_answer(void **state)
{
	static char line[200000];
	static const char *const say[] = { line, NULL };
	struct ctl_client *client;
	struct fake fake;
	json_t *result;
	size_t n = (size_t)sprintf(line, "{\"ok\":true,\"result\":{\"text\":\"");

	(void)state;
	memset(line + n, 'x', 190000);
	strcpy(line + n + 190000, "\"}}\n");
	fake_start(&fake, say);
	assert_int_equal(ctl_client_open(&client, "wan"), 0);
	assert_int_equal(ask(client, &result), 0);
	assert_int_equal(strlen(ctl_text(result, "text")), 190000);
	json_decref(result);
	ctl_client_close(client);
	fake_stop(&fake);
}

/* Whoever has blocked signals is not kept from them by a silent bridge. */
static void test_signal_ends_it(void **state)
{
	struct ctl_client *client;
	struct fake fake;
	sigset_t set, before;
	json_t *result;
	int number;

	(void)state;
	fake_dir(&fake);
	fake_listen(&fake, "wan"); /* and nobody accepts */
	assert_int_equal(ctl_client_open(&client, fake.path), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, &before);
	raise(SIGTERM);
	assert_int_equal(ask(client, &result), -EINTR);
	sigwait(&set, &number);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	ctl_client_close(client);
	close(fake.fd);
	unlink(fake.path);
	rmdir(fake.dir);
}

/* Which socket, and what if there is none. */
static void test_find(void **state)
{
	struct ctl_client *client;
	struct fake fake, other;
	char none[128];

	(void)state;
	fake_dir(&fake);
	assert_int_equal(ctl_client_open(&client, NULL), -ENOENT);
	assert_int_equal(ctl_client_open(&client, "wan"), -ENOENT);
	snprintf(none, sizeof(none), "%s/none.sock", fake.dir);
	assert_int_equal(ctl_client_open(&client, none), -ENOENT);

	fake_listen(&fake, "wan");
	assert_int_equal(ctl_client_open(&client, NULL), 0);
	ctl_client_close(client);
	assert_int_equal(ctl_client_open(&client, "wan"), 0);
	ctl_client_close(client);
	assert_int_equal(ctl_client_open(&client, "lan"), -ENOENT);

	other = fake;
	fake_listen(&other, "lan");
	assert_int_equal(ctl_client_open(&client, NULL), -ENOTUNIQ);
	assert_int_equal(ctl_client_open(&client, "lan"), 0);
	ctl_client_close(client);
	close(other.fd); /* killed: its socket stays */
	assert_int_equal(ctl_client_open(&client, NULL), 0);
	ctl_client_close(client);
	assert_int_equal(ctl_client_open(&client, "lan"), -ECONNREFUSED);
	close(fake.fd);
	assert_int_equal(ctl_client_open(&client, NULL), -ECONNREFUSED);
	unlink(other.path);
	assert_int_equal(ctl_client_open(&client, NULL), -ECONNREFUSED);
	unlink(fake.path);
	rmdir(fake.dir);
	assert_int_equal(ctl_client_open(&client, NULL), -ENOENT);
}

/* Is the first word of `filter set` a pair? The bridge knows. */
static void test_filter_set(void **state)
{
	static const char pairs[] = "{\"ok\":true,\"result\":{\"pairs\":"
				    "[{\"name\":\"wan\"}]}}\n";
	static const char rules[] = "{\"ok\":true,\"result\":{\"rules\":[{"
		"\"pair\":\"wan\",\"id\":\"x\"},{\"pair\":\"lan\","
		"\"id\":\"wan\"}]}}\n";
	static const char none[] = "{\"ok\":true,\"result\":{\"rules\":[]}}\n";
	static const char *const some[] = { pairs, rules, NULL };
	static const char *const no_rules[] = { pairs, none, NULL };
	static const struct {
		const char *const *say;
		const char *line;
		const char *pair, *id, *text;
	} row[] = {
		{ no_rules, "filter set wan x tcp port", "wan", "x",
		  "tcp port" }, /* which the bridge then refuses */
		{ some, "filter set wan x tcp port 80", "wan", "x", "tcp port 80" },
		{ some, "filter set x tcp port 80", "", "x", "tcp port 80" },
		{ some, "filter set wan tcp port 80", "", "wan", "tcp port 80" },
		{ some, "filter set wan arp", "", "wan", "arp" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct ctl_client *client;
		struct ctl_options o;
		struct fake fake;
		struct line line;
		json_t *request;

		fake_start(&fake, row[i].say);
		assert_int_equal(parse(&o, &line, row[i].line), 0);
		assert_int_equal(ctl_request_make(&o, &request), 0);
		assert_int_equal(ctl_client_open(&client, NULL), 0);
		assert_int_equal(ctl_request[o.request].settle(&o, client,
							       request), 0);
		assert_string_equal(ctl_text(request, "pair"), row[i].pair);
		assert_string_equal(ctl_text(request, "id"), row[i].id);
		assert_string_equal(ctl_text(request, "text"), row[i].text);
		json_decref(request);
		ctl_client_close(client);
		fake_stop(&fake);
	}
}

/* Is the first word of `set` a pair? Where no key tells, the bridge knows. */
static void test_set(void **state)
{
	static const char *const say[] = {
		"{\"ok\":true,\"result\":{\"pairs\":[{\"name\":\"wan\"}]}}\n",
		NULL,
	};
	static const struct {
		const char *line;
		const char *pair, *key, *value;
	} row[] = {
		{ "set wan nosuch 1 2", "wan", "nosuch", "1 2" },
		{ "set nosuch wan 2", "", "nosuch", "wan 2" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct ctl_client *client;
		struct ctl_options o;
		struct fake fake;
		struct line line;
		json_t *request;

		fake_start(&fake, say);
		assert_int_equal(parse(&o, &line, row[i].line), 0);
		assert_int_equal(ctl_request_make(&o, &request), 0);
		assert_int_equal(ctl_client_open(&client, NULL), 0);
		assert_int_equal(ctl_request[o.request].settle(&o, client,
							       request), 0);
		assert_string_equal(ctl_text(request, "pair"), row[i].pair);
		assert_string_equal(ctl_text(request, "key"), row[i].key);
		assert_string_equal(ctl_text(request, "value"), row[i].value);
		json_decref(request);
		ctl_client_close(client);
		fake_stop(&fake);
	}
}

/* ---- a tap's stream ---- */

#define BLOCK_BYTES 28

/* What a bridge sends behind its answer, and what it does amid. */
struct stream {
	struct fake fake;
	char file[64];
	size_t first, second; /* bytes that it sends */
	bool asks_to_end;     /* between them */
	bool refuses;
};

/* Blocks of pcapng, as far as their lengths go. */
static void fill_blocks(char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)('a' + i / BLOCK_BYTES);
	for (size_t i = 4; i + 4 <= len; i += BLOCK_BYTES)
		memcpy(bytes + i, &(uint32_t){ BLOCK_BYTES }, 4);
}

static size_t file_bytes(const char *file)
{
	struct stat st;

	return stat(file, &st) ? 0 : (size_t)st.st_size;
}

static void *stream_run(void *arg)
{
	static const char yes[] = "{\"ok\":true,\"result\":{}}\n";
	static const char no[] = "{\"ok\":false,\"error\":\"no\"}\n";
	const uint64_t until_ns = clock_now_ns() + 5 * NS_PER_SEC;
	struct stream *s = arg;
	char bytes[32 * BLOCK_BYTES], all[sizeof(bytes) + sizeof(yes)];
	const char *say = s->refuses ? no : yes;
	size_t n = strlen(say);
	int fd = accept(s->fake.fd, NULL, NULL);

	fill_blocks(bytes, sizeof(bytes));
	if (recv(fd, all, sizeof(all), 0) > 0) {
		/* In one piece with the answer, so that nothing may be lost. */
		memcpy(all, say, n);
		memcpy(all + n, bytes, s->first);
		send(fd, all, n + s->first, MSG_NOSIGNAL);
		while (s->asks_to_end && file_bytes(s->file) < s->first &&
		       clock_now_ns() < until_ns)
			sched_yield();
		if (s->asks_to_end)
			kill(getpid(), SIGTERM);
		send(fd, bytes + s->first, s->second, MSG_NOSIGNAL);
	}
	/* It ends, or else the one who reads does. */
	while (s->asks_to_end && recv(fd, all, 1, 0) > 0)
		;
	close(fd);
	return NULL;
}

/* What ctl_tap_run() says; the file has so many whole bytes. */
static int stream_to_file(struct stream *s, size_t *len)
{
	struct ctl_client *client;
	struct ctl_options o;
	struct line line;
	char text[128], got[32 * BLOCK_BYTES], want[sizeof(got)];
	json_t *request;
	FILE *in;
	int r;

	fake_dir(&s->fake);
	fake_listen(&s->fake, "wan");
	snprintf(s->file, sizeof(s->file), "%s/x.pcapng", s->fake.dir);
	pthread_create(&s->fake.thread, NULL, stream_run, s);
	snprintf(text, sizeof(text), "tap %s", s->file);
	assert_int_equal(parse(&o, &line, text), 0);
	assert_int_equal(ctl_tap_check(&o), 0);
	assert_int_equal(ctl_request_make(&o, &request), 0);
	assert_int_equal(ctl_client_open(&client, NULL), 0);
	r = ctl_tap_run(client, &o, request);
	ctl_client_close(client);
	json_decref(request);
	in = fopen(s->file, "r");
	*len = in ? fread(got, 1, sizeof(got), in) : 0;
	if (in)
		fclose(in);
	fill_blocks(want, sizeof(want));
	assert_memory_equal(got, want, *len);
	unlink(s->file);
	s->fake.n_heard = 0;
	fake_stop(&s->fake);
	return r;
}

static void test_stream(void **state)
{
	struct stream ended = { .first = 5 * BLOCK_BYTES + 9, .second = 10 };
	struct stream none = { .first = 0 };
	struct stream refused = { .refuses = true };
	size_t len;

	(void)state;
	assert_int_equal(stream_to_file(&ended, &len), -ECONNRESET);
	assert_int_equal(len, 5 * BLOCK_BYTES + 19);
	assert_int_equal(stream_to_file(&none, &len), -ECONNRESET);
	assert_int_equal(len, 0);
	/* What stands in a file stays if there is nothing to write. */
	assert_int_equal(stream_to_file(&refused, &len), -EPROTO);
	assert_int_equal(file_bytes(refused.file), 0);
}

/* A signal asks the other end to come to one, and takes what that still sends,
 * wherever in a block it was. */
static void test_stream_ends_whole(void **state)
{
	sigset_t set, before;
	const struct timespec now = { 0, 0 };
	size_t len;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, &before);
	for (size_t into = 0; into <= BLOCK_BYTES; into++) {
		struct stream s = {
			.first = 3 * BLOCK_BYTES + into,
			.second = 3 * BLOCK_BYTES,
			.asks_to_end = true,
		};

		assert_int_equal(stream_to_file(&s, &len), 0);
		assert_int_equal(len, 6 * BLOCK_BYTES + into);
		sigtimedwait(&set, NULL, &now); /* if it is pending still */
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_check_is_absolute),
		cmocka_unit_test(test_print_stats),
		cmocka_unit_test(test_print_stats_one_way),
		cmocka_unit_test(test_print_rates),
		cmocka_unit_test(test_print_status),
		cmocka_unit_test(test_print_reload),
		cmocka_unit_test(test_print_rules),
		cmocka_unit_test(test_print_stats_stages),
		cmocka_unit_test(test_print_taps),
		cmocka_unit_test(test_print_others),
		cmocka_unit_test(test_print_nothing),
		cmocka_unit_test(test_ask),
		cmocka_unit_test(test_long_answer),
		cmocka_unit_test(test_signal_ends_it),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_filter_set),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_stream_ends_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
