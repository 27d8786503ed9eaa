/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of keys; see conf.h. */
#include "config.h"

#include "clock.h"
#include "conf.h"
#include "lane.h"

const char *const side_name[SIDES] = { "left", "right" };

const char *const conf_section_name[CONF_SECTIONS] = {
	[CONF_PROGRAM] = "bumpwire",
	[CONF_METRICS] = "metrics",
	[CONF_EVENTS] = "events",
	[CONF_PAIR] = "pair",
};

static const char *const side_choice[] = { "left", "right", "no", NULL };
static const char *const end_choice[] = { "block", "bypass", NULL };
static const char *const isolate_choice[] = { "auto", "yes", "no", NULL };
static const char *const tx_choice[] = { "auto", "ring", "direct", NULL };

#define IN(type, member) .offset = offsetof(struct type, member)

const struct conf_key conf_key[] = {
	{ CONF_PROGRAM, "log", CONF_CHOICE, IN(conf, log), .fallback = "info",
	  .choice = log_level_name, .arg = "LEVEL",
	  .help = "How much to say on stderr" },
	{ CONF_PROGRAM, "stats", CONF_SECONDS, IN(conf, stats_ns),
	  .fallback = "0", .max = 86400, .least_ns = 10 * NS_PER_MS,
	  .arg = "SECONDS",
	  .help = "Print a line of rates this often (0: never)" },
	{ CONF_PROGRAM, "json", CONF_BOOL, IN(conf, json), .fallback = "no",
	  .help = "Print results as JSON" },
	{ CONF_PROGRAM, "duration", CONF_SECONDS, IN(conf, duration_ns),
	  .fallback = "0", .max = 31536000, .arg = "SECONDS",
	  .effect = EFFECT_RESTART,
	  .help = "Stop after this long (0: run on)" },
	{ CONF_PROGRAM, "count", CONF_NUMBER, IN(conf, count), .fallback = "0",
	  .max = INT64_MAX, .arg = "FRAMES",
	  .effect = EFFECT_RESTART,
	  .help = "Stop once this many frames were received, both ways and all "
		  "pairs together, and what is in the rings is drained (0: run "
		  "on)" },
	{ CONF_PROGRAM, "name", CONF_NAME, IN(conf, name), .arg = "NAME",
	  .sample = "wan", .effect = EFFECT_RESTART,
	  .help = "What this process is called, by its socket and in metrics "
		  "(without it: the file's name, or LEFT-RIGHT)" },
	{ CONF_PROGRAM, "control", CONF_BOOL, IN(conf, control),
	  .fallback = "yes", .effect = EFFECT_RESTART,
	  .help = "Take requests of bumpctl on /run/bumpwire/NAME.sock" },
	{ CONF_PROGRAM, "user", CONF_NAME, IN(conf, user), .arg = "USER",
	  .sample = "bumpwire", .effect = EFFECT_RESTART,
	  .help = "Become this user once started as root (without it: "
		  "bumpwire, if there is such a user)" },
	{ CONF_PROGRAM, "sandbox", CONF_BOOL, IN(conf, sandbox),
	  .fallback = "yes", .effect = EFFECT_RESTART,
	  .help = "Give up what is not needed to forward: system calls, and "
		  "writing elsewhere" },
	{ CONF_PROGRAM, "fix", CONF_BOOL, IN(conf, fix), .fallback = "no",
	  .effect = EFFECT_RESTART,
	  .help = "Mend what --doctor finds and what is safe to mend, and undo "
		  "it at exit" },
	{ CONF_METRICS, "file", CONF_PATH, IN(conf, metrics_file),
	  .arg = "FILE",
	  .sample = "/var/lib/prometheus/node-exporter/bumpwire.prom",
	  .help = "Write metrics for Prometheus to this file" },
	{ CONF_METRICS, "interval", CONF_SECONDS, IN(conf, metrics_ns),
	  .fallback = "5", .max = 3600, .least_ns = 100 * NS_PER_MS,
	  .never_zero = true, .arg = "SECONDS",
	  .help = "Write the file this often" },
	{ CONF_METRICS, "listen", CONF_LISTEN, IN(conf, metrics_listen),
	  .arg = "ADDRESS:PORT", .sample = "127.0.0.1:9118",
	  .help = "Serve metrics by HTTP on this loopback address, and a page "
		  "that shows the wire live" },
	{ CONF_EVENTS, "file", CONF_PATH, IN(conf, events_file),
	  .arg = "FILE", .sample = "/var/log/bumpwire/events.json",
	  .help = "Append events to this file, a line of JSON each" },

	{ CONF_PAIR, "left", CONF_IFNAME, IN(conf_pair, port[SIDE_LEFT]),
	  .effect = EFFECT_PAIR,
	  .help = "Interface on the left" },
	{ CONF_PAIR, "right", CONF_IFNAME, IN(conf_pair, port[SIDE_RIGHT]),
	  .effect = EFFECT_PAIR,
	  .help = "Interface on the right" },
	{ CONF_PAIR, "drop", CONF_RULE, .sided = true, .action = FILTER_DROP,
	  .arg = "EXPR", .sample = "\"udp port 53\"",
	  .help = "Drop frames that match this pcap-filter expression" },
	{ CONF_PAIR, "pass_only", CONF_RULE, .sided = true,
	  .action = FILTER_PASS_ONLY, .arg = "EXPR",
	  .sample = "\"udp port 53\"",
	  .help = "Drop frames that match none of the pass_only expressions" },
	{ CONF_PAIR, "drop_file", CONF_RULE_FILE, .sided = true,
	  .action = FILTER_DROP, .arg = "FILE",
	  .sample = "/etc/bumpwire/drop.bpf",
	  .help = "Drop frames that match this BPF program, as tcpdump -ddd "
		  "prints it" },
	{ CONF_PAIR, "one_way", CONF_CHOICE, IN(conf_pair, one_way),
	  .fallback = "no", .choice = side_choice, .arg = "SIDE",
	  .effect = EFFECT_PAIR,
	  .help = "Forward only what arrives on this side" },
	{ CONF_PAIR, "tx", CONF_CHOICE, IN(conf_pair, tx), .fallback = "auto",
	  .choice = tx_choice, .arg = "HOW",
	  .effect = EFFECT_PORT,
	  .help = "How frames leave: by a TX ring, by sendmmsg straight from "
		  "the RX ring, or as the driver likes it" },
	{ CONF_PAIR, "rx_slots", CONF_NUMBER, true, IN(conf_pair, rx_slots),
	  .fallback = "8192", .min = 64, .max = 1 << 20, .arg = "N",
	  .effect = EFFECT_PORT,
	  .help = "Slots of an RX ring, rounded up to a power of two" },
	{ CONF_PAIR, "slot_bytes", CONF_NUMBER, true, IN(conf_pair, slot_bytes),
	  .fallback = "0", .max = 65536, .arg = "BYTES",
	  .effect = EFFECT_PORT,
	  .help = "Size of an RX slot, rounded up to a power of two from 2048 "
		  "(0: follows the MTU); larger frames are copied" },
	{ CONF_PAIR, "tx_slots", CONF_NUMBER, IN(conf_pair, tx_slots),
	  .fallback = "256", .min = 16, .max = 65536, .arg = "N",
	  .effect = EFFECT_PORT,
	  .help = "Slots of a TX ring, rounded up to a power of two" },
	{ CONF_PAIR, "spin", CONF_NUMBER, true, IN(conf_pair, spin_us),
	  .fallback = "50", .max = 1000000000, .arg = "USEC",
	  .help = "Look for frames this long before sleeping" },
	{ CONF_PAIR, "cpu", CONF_CPU, true, IN(conf_pair, cpu),
	  .fallback = "none", .max = 4095, .arg = "CPU",
	  .help = "Run the lane on this CPU" },
	{ CONF_PAIR, "qdisc_bypass", CONF_BOOL, IN(conf_pair, qdisc_bypass),
	  .fallback = "no",
	  .effect = EFFECT_PORT,
	  .help = "Send past the qdisc; tcpdump does not see such frames "
		  "leave" },
	{ CONF_PAIR, "wait", CONF_BOOL, IN(conf_pair, wait), .fallback = "no",
	  .help = "Wait for an interface that does not exist at the start "
		  "(without it: stop); one that goes later is waited for" },
	{ CONF_PAIR, "force", CONF_BOOL, IN(conf_pair, force),
	  .fallback = "no",
	  .effect = EFFECT_PAIR,
	  .help = "Take a port even if it belongs to a bridge or bond" },
	{ CONF_PAIR, "isolate", CONF_CHOICE, IN(conf_pair, isolate),
	  .fallback = "auto", .choice = isolate_choice, .arg = "WHEN",
	  .effect = EFFECT_PAIR,
	  .help = "Let this host's own stack see nothing that arrives on the "
		  "ports (auto: where BPF can be had)" },
	{ CONF_PAIR, "on_fail", CONF_CHOICE, IN(conf_pair, on_fail),
	  .fallback = "block", .choice = end_choice, .arg = "HOW",
	  .effect = EFFECT_PAIR,
	  .help = "With bypass the kernel joins the ports while the process is "
		  "dead or hangs; isolates, too" },
	{ CONF_PAIR, "on_stop", CONF_CHOICE, IN(conf_pair, on_stop),
	  .fallback = "block", .choice = end_choice, .arg = "HOW",
	  .effect = EFFECT_PAIR,
	  .help = "The same when it is stopped; --unbypass ends it" },
	{ CONF_PAIR, "hang_after", CONF_SECONDS, IN(conf_pair, hang_ns),
	  .fallback = "0.05", .max = 10, .least_ns = 5 * NS_PER_MS,
	  .never_zero = true, .arg = "SECONDS",
	  .help = "A direction that has not turned for this long hangs" },
	{ CONF_PAIR, "bypass_filter", CONF_BOOL, IN(conf_pair, bypass_filter),
	  .fallback = "no",
	  .help = "Let the rules hold in the kernel, too, while the ports are "
		  "joined there" },
	{ CONF_PAIR, "link_propagation", CONF_BOOL,
	  IN(conf_pair, link_propagation), .fallback = "no",
	  .help = "Set a port down while the other has no carrier, so that "
		  "both ends of the wire know" },
};

const size_t conf_n_keys = ARRAY_SIZE(conf_key);
