/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of keys; see conf.h. */
#include "config.h"

#include "clock.h"
#include "conf.h"
#include "lane.h"
#include "stage_params.h"
#include "tap_target.h"

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

static const char *const tap_choice[] = { "no", "in", "out", NULL };

static int take_target(const char *text, void *params)
{
	struct tap_target target;

	(void)params;
	return tap_target_parse(text, &target);
}

#define IN(type, member) .offset = offsetof(struct type, member)

/* What a stage is asked for, by sides, as text that it reads itself. */
#define TEXT(member, parser, words, bits) \
	CONF_TEXT, true, IN(conf_pair, member), .parse = parser, \
	.allowed = words, .stages = bits
#define FOR(kind) (1u << (kind))
#define HOLDERS (FOR(STAGE_IMPAIR) | FOR(STAGE_DELAY) | FOR(STAGE_RATE))
#define TAPS (FOR(STAGE_TAP_IN) | FOR(STAGE_TAP_OUT))

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
	{ CONF_PROGRAM, "tap_folder", CONF_PATH, IN(conf, tap_folder),
	  .arg = "FOLDER", .sample = "/var/lib/bumpwire",
	  .effect = EFFECT_RESTART,
	  .help = "Where taps that bumpctl starts may write files, besides the "
		  "folders of tap_to" },
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

	{ CONF_PAIR, "vlan_pop", TEXT(vlan_pop, edit_parse_vlan_pop,
				      EDIT_POP_ALLOWED, FOR(STAGE_EDIT)),
	  .arg = "N", .sample = "1",
	  .help = "Take so many tags off what has them, the outermost first" },
	{ CONF_PAIR, "vlan_map", TEXT(vlan_map, edit_parse_vlan_map,
				      EDIT_VLAN_MAP_ALLOWED, FOR(STAGE_EDIT)),
	  .arg = "VIDS", .sample = "10=20 30=40",
	  .help = "Translate the VID of the outermost tag" },
	{ CONF_PAIR, "vlan_set", TEXT(vlan_set, edit_parse_vlan_set,
				      EDIT_VLAN_ALLOWED, FOR(STAGE_EDIT)),
	  .arg = "TAG", .sample = "20,prio=3",
	  .help = "Change the outermost tag of what has one" },
	{ CONF_PAIR, "vlan_push", TEXT(vlan_push, edit_parse_vlan_push,
				       EDIT_VLAN_ALLOWED, FOR(STAGE_EDIT)),
	  .arg = "TAG", .sample = "10",
	  .help = "Put a tag in front" },
	{ CONF_PAIR, "src_mac", TEXT(src_mac, edit_parse_src_mac,
				     EDIT_ONE_MAC_ALLOWED, FOR(STAGE_EDIT)),
	  .arg = "ADDR", .sample = "02:00:00:00:00:01",
	  .help = "Give every frame this source address" },
	{ CONF_PAIR, "dst_mac", TEXT(dst_mac, edit_parse_dst_mac,
				     EDIT_ONE_MAC_ALLOWED, FOR(STAGE_EDIT)),
	  .arg = "ADDR", .sample = "02:00:00:00:00:02",
	  .help = "Give every frame this destination address" },
	{ CONF_PAIR, "loss", TEXT(loss, impair_parse_loss,
				  IMPAIR_LOSS_ALLOWED, FOR(STAGE_IMPAIR)),
	  .arg = "LOSS", .sample = "1%",
	  .help = "Lose frames: a share of them, by Gilbert and Elliot's model "
		  "as tc-netem(8) has it, or by a pattern" },
	{ CONF_PAIR, "corrupt", TEXT(corrupt, impair_parse_corrupt,
				     IMPAIR_CORRUPT_ALLOWED,
				     FOR(STAGE_IMPAIR)),
	  .arg = "SHARE", .sample = "0.1%",
	  .help = "Flip a bit in this share of the frames" },
	{ CONF_PAIR, "bit_errors", TEXT(bit_errors, impair_parse_bit_errors,
					IMPAIR_BIT_ERRORS_ALLOWED,
					FOR(STAGE_IMPAIR)),
	  .arg = "RATE", .sample = "1e-6",
	  .help = "Flip each bit with this probability" },
	{ CONF_PAIR, "duplicate", TEXT(duplicate, impair_parse_duplicate,
				       IMPAIR_DUPLICATE_ALLOWED,
				       FOR(STAGE_IMPAIR)),
	  .arg = "SHARE", .sample = "0.1%",
	  .help = "Send this share of the frames twice" },
	{ CONF_PAIR, "reorder", TEXT(reorder, impair_parse_reorder,
				     IMPAIR_REORDER_ALLOWED,
				     FOR(STAGE_IMPAIR)),
	  .arg = "SHARE", .sample = "1% 3",
	  .help = "Hold this share of the frames back until so many later ones "
		  "have passed" },
	{ CONF_PAIR, "delay", TEXT(delay, delay_parse_delay,
				   DELAY_DELAY_ALLOWED, FOR(STAGE_DELAY)),
	  .arg = "TIME", .sample = "20ms",
	  .help = "Hold every frame for this long" },
	{ CONF_PAIR, "jitter", TEXT(jitter, delay_parse_jitter,
				    DELAY_JITTER_ALLOWED, FOR(STAGE_DELAY)),
	  .arg = "TIME", .sample = "5ms",
	  .help = "Let the delay vary by this much; in order, a frame is "
		  "never before the one that came before it, and so the mean "
		  "grows the more, the denser frames come" },
	{ CONF_PAIR, "jitter_shape", TEXT(jitter_shape, delay_parse_shape,
					  DELAY_SHAPE_ALLOWED,
					  FOR(STAGE_DELAY)),
	  .arg = "SHAPE", .sample = "normal",
	  .help = "How it varies: uniform (which it does without this), "
		  "normal, pareto, or as a table has it that was measured" },
	{ CONF_PAIR, "jitter_reorder", TEXT(jitter_reorder, delay_parse_reorder,
					    DELAY_REORDER_ALLOWED,
					    FOR(STAGE_DELAY)),
	  .arg = "yes|no", .sample = "yes",
	  .help = "Let frames overtake each other as their delays have it" },
	{ CONF_PAIR, "rate", TEXT(rate, rate_parse_rate, RATE_RATE_ALLOWED,
				  FOR(STAGE_RATE)),
	  .arg = "RATE", .sample = "10mbit",
	  .help = "Let no more than this pass" },
	{ CONF_PAIR, "rate_layer", TEXT(rate_layer, rate_parse_layer,
					RATE_LAYER_ALLOWED, FOR(STAGE_RATE)),
	  .arg = "LAYER", .sample = "1",
	  .help = "What the rate counts: 2, frames without their FCS (which it "
		  "does without this), or 1, all that takes the wire's time" },
	{ CONF_PAIR, "burst", TEXT(burst, rate_parse_burst,
				   RATE_BURST_ALLOWED, FOR(STAGE_RATE)),
	  .arg = "BYTES", .sample = "32kb",
	  .help = "What a rate that was not used may catch up with" },
	{ CONF_PAIR, "queue", TEXT(queue, rate_parse_queue,
				   RATE_QUEUE_ALLOWED, FOR(STAGE_RATE)),
	  .arg = "LENGTH", .sample = "100ms",
	  .help = "How much may wait for the rate, in time or bytes; what "
		  "comes when it is full is dropped" },
	{ CONF_PAIR, "ageing", TEXT(ageing, rate_parse_ageing,
				    RATE_AGEING_ALLOWED, FOR(STAGE_RATE)),
	  .arg = "TARGET", .sample = "5ms",
	  .help = "Drop what waits for the rate longer than this, by and by, "
		  "as CoDel does" },
	{ CONF_PAIR, "seed", CONF_NUMBER, IN(conf_pair, seed), .fallback = "0",
	  .max = INT64_MAX, .arg = "N",
	  .stages = FOR(STAGE_IMPAIR) | FOR(STAGE_DELAY),
	  .help = "Repeat the same losses and delays, to the frame, in each "
		  "run (0: others each time)" },
	{ CONF_PAIR, "hold", CONF_BYTES, IN(conf_pair, hold_bytes),
	  .fallback = "64mb", .min = 1 << 20, .max = UINT64_C(64) << 30,
	  .never_zero = true, .arg = "BYTES", .stages = HOLDERS,
	  .help = "Memory for frames that are delayed, wait for a rate or are "
		  "held back, of each direction" },
	{ CONF_PAIR, "tap", CONF_CHOICE, true, IN(conf_pair, tap),
	  .fallback = "no", .choice = tap_choice, .arg = "WHERE",
	  .stages = TAPS,
	  .help = "Copy what arrives, before anything is done to it, or what "
		  "goes out, after all is done" },
	{ CONF_PAIR, "tap_to", CONF_TEXT, IN(conf_pair, tap_to),
	  .parse = take_target, .allowed = TAP_TARGET_ALLOWED, .stages = TAPS,
	  .arg = "WHERE", .sample = "/var/tmp/wan.pcapng",
	  .help = "Where the copies go: a capture file, another interface, or a "
		  "VXLAN collector" },
	{ CONF_PAIR, "tap_filter", CONF_TEXT, IN(conf_pair, tap_filter),
	  .allowed = "a pcap-filter expression", .stages = TAPS, .arg = "EXPR",
	  .sample = "tcp port 80",
	  .help = "Copy only what matches this pcap-filter expression" },
	{ CONF_PAIR, "tap_snap", CONF_BYTES, IN(conf_pair, tap_snap_bytes),
	  .fallback = "0", .min = 14, .max = 262144, .arg = "BYTES",
	  .stages = TAPS,
	  .help = "Copy only so much of each frame (0: all)" },
	{ CONF_PAIR, "tap_queue", CONF_BYTES, IN(conf_pair, tap_queue_bytes),
	  .fallback = "16mb", .min = 1 << 18, .max = UINT64_C(4) << 30,
	  .never_zero = true, .arg = "BYTES", .stages = TAPS,
	  .help = "How much may wait to be written, of each direction; what "
		  "comes when it is full is lost to the tap" },
	{ CONF_PAIR, "tap_rotate_bytes", CONF_BYTES,
	  IN(conf_pair, tap_rotate_bytes), .fallback = "0", .min = 1 << 16,
	  .max = UINT64_C(1) << 50, .arg = "BYTES", .stages = TAPS,
	  .help = "Begin another capture file when one has this size (0: "
		  "never)" },
	{ CONF_PAIR, "tap_rotate_time", CONF_SECONDS,
	  IN(conf_pair, tap_rotate_ns), .fallback = "0", .max = 31536000,
	  .least_ns = NS_PER_SEC, .arg = "SECONDS", .stages = TAPS,
	  .help = "The same when it is this old (0: never)" },
	{ CONF_PAIR, "tap_rotate_frames", CONF_NUMBER,
	  IN(conf_pair, tap_rotate_frames), .fallback = "0", .max = INT64_MAX,
	  .arg = "N", .stages = TAPS,
	  .help = "The same when it has so many frames (0: never)" },
	{ CONF_PAIR, "tap_files", CONF_NUMBER, IN(conf_pair, tap_files),
	  .fallback = "0", .max = 100000, .arg = "N", .stages = TAPS,
	  .help = "Keep so many finished files and remove older ones (0: "
		  "all)" },
};

const size_t conf_n_keys = ARRAY_SIZE(conf_key);
