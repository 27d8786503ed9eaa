/* SPDX-License-Identifier: BSD-2-Clause */
/* See inject_options.h. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "inject_options.h"
#include "log.h"

/* Layers are kept in order, and made into a template when all is known. */
static int take_layer(struct inject_options *o, const char *name,
		      const char *value, const char **allowed)
{
	*allowed = "at most 32 layers";
	if (o->n_layers == INJECT_LAYERS_MAX)
		return -EINVAL;
	o->layer[o->n_layers++] = (struct inject_layer){ name, value };
	return 0;
}

#define TAKE_LAYER(name)                                              \
	static int take_##name(void *target, const char *value,       \
			       const char **allowed)                  \
	{                                                             \
		return take_layer(target, #name, value, allowed);     \
	}

TAKE_LAYER(eth)
TAKE_LAYER(vlan)
TAKE_LAYER(arp)
TAKE_LAYER(ip)
TAKE_LAYER(ip6)
TAKE_LAYER(udp)
TAKE_LAYER(tcp)
TAKE_LAYER(icmp)
TAKE_LAYER(payload)
TAKE_LAYER(hex)

#define OF(member) offsetof(struct inject_options, member)

static const char *const choice_engine[] = { "auto", "ring", "direct", "xdp",
					     NULL };

#define LAYER(layer, value, help) \
	{ ARG_CALL, #layer, 0, value, help, .take = take_##layer }

static const struct arg frames[] = {
	LAYER(eth, "src=,dst=,type=", "An Ethernet header"),
	LAYER(vlan, "id=,prio=,dei=,proto=", "A tag; again for more"),
	LAYER(arp, "op=,sha=,spa=,tha=,tpa=", "ARP"),
	LAYER(ip, "src=,dst=,ttl=,...", "IPv4"),
	LAYER(ip6, "src=,dst=,hops=,...", "IPv6"),
	LAYER(udp, "sport=,dport=", "UDP"),
	LAYER(tcp, "sport=,dport=,flags=,...", "TCP"),
	LAYER(icmp, "type=,code=,id=,seq=", "ICMP, over IPv6 ICMPv6"),
	LAYER(payload, "TEXT", "What follows, with \\xNN for any byte"),
	LAYER(hex, "BYTES", "The same in hex; alone it is the whole frame"),
	{ ARG_TEXT, "size", 0, "BYTES",
	  "Of a frame without FCS: 60, 64-1518, random:60-1514 or imix",
	  OF(size) },
	{ ARG_NUMBER, "frame", 0, "N",
	  "Which frame of the capture TEMPLATE to send [1]", OF(frame), 1,
	  UINT64_MAX },
	{ ARG_NUMBER, "seed", 0, "N", "Of all random values [1]", OF(seed), 0,
	  UINT64_MAX },
	{ ARG_FLAG, "stamp", 0, NULL,
	  "Put a number and the time at which it is to leave into each "
	  "payload, 18 bytes, for --verify", OF(stamp) },
};

static const struct arg amounts[] = {
	{ ARG_NUMBER, "count", 'c', "FRAMES",
	  "Send so many [1; without end if a pace is given]",
	  OF(send.limit_frames), 1, UINT64_MAX },
	{ ARG_NUMBER, "burst", 0, "N", "Send so many at once, at the time of "
	  "the first", OF(burst), 1, 1000000 },
	{ ARG_CHOICE, "engine", 0, "HOW",
	  "How frames are made and sent; xdp makes them in the kernel and is "
	  "several times as fast", OF(engine), .choice = choice_engine },
};

static const struct arg verify[] = {
	{ ARG_FLAG, "verify", 0, NULL,
	  "Send nothing: receive stamped frames on IFACE, and tell what "
	  "became of them", OF(verify) },
	{ ARG_NUMBER, "expect", 0, "FRAMES",
	  "So many were sent: end with the last one", OF(expect), 1,
	  UINT64_MAX },
	{ ARG_DURATION, "idle", 0, "TIME",
	  "End when frames have come, and then none for so long", OF(idle_ns) },
};

#define GROUPS 6

/* In the order of --help. */
static const struct arg_group *groups(void)
{
	static struct arg_group group[GROUPS];

	group[0] = send_args_ports;
	group[1] = (struct arg_group){ "Frames", frames, ARRAY_SIZE(frames) };
	group[2] = send_args_time;
	group[3] = (struct arg_group){ NULL, amounts, ARRAY_SIZE(amounts) };
	group[4] = (struct arg_group){ "The other end", verify,
				       ARRAY_SIZE(verify) };
	group[5] = send_args_print;
	return group;
}

static int complain(const char *what)
{
	log_err("%s", what);
	return -EINVAL;
}

/* What does not fit together. */
static int check(const struct inject_options *o, int n_operands)
{
	bool template = o->n_layers || o->path;
	int bad = 0;

	if (o->send.sender.n_ifaces != 1)
		bad = complain("one interface is needed: -i IFACE");
	if (n_operands > 1)
		bad = complain("one capture to take a frame from, not several");
	if (o->n_layers && o->path)
		bad = complain("a frame is made of layers or taken from a "
			       "capture, not both");
	if (o->path && o->size)
		bad = complain("--size: a frame from a capture has its own");
	if (o->frame > 1 && !o->path)
		bad = complain("--frame: of which capture?");
	if (o->verify && (template || o->stamp))
		bad = complain("--verify receives; layers, captures and "
			       "--stamp are for the sender");
	if (!o->verify && (o->expect || o->idle_ns))
		bad = complain("--expect and --idle belong to --verify");
	if (!o->verify && !template)
		bad = complain("nothing to send: give layers, such as --udp "
			       "dport=9, --hex BYTES, or a capture");
	return bad;
}

static void finish(struct inject_options *o)
{
	static const enum tx_mode mode[] = {
		[ENGINE_AUTO] = TX_AUTO,
		[ENGINE_RING] = TX_RING,
		[ENGINE_DIRECT] = TX_DIRECT,
		[ENGINE_XDP] = TX_AUTO,
	};
	struct send_options *send = &o->send;

	if (!send->has_pace && !send->limit_frames && !send->duration_ns)
		send->limit_frames = 1;
	if (!send->has_pace)
		send->pace.mode = PACE_TOPSPEED;
	send->pace.burst = (uint32_t)o->burst;
	if (o->engine != ENGINE_AUTO)
		send->sender.tx_mode = mode[o->engine];
}

int inject_options_parse(struct inject_options *o, int argc, char **argv)
{
	int r, bad;

	memset(o, 0, sizeof(*o));
	send_options_init(&o->send);
	o->frame = 1;
	o->seed = 1;
	r = args_parse(groups(), GROUPS, argc, argv, o);
	log_level = (enum log_level)o->send.log;
	if (r < 0 || o->send.help || o->send.version)
		return r < 0 ? r : 0;
	if (r < argc)
		o->path = argv[r];
	bad = send_options_finish(&o->send);
	if (check(o, argc - r) || bad)
		return -EINVAL;
	finish(o);
	return 0;
}

void inject_options_print(const struct manual *manual, FILE *out)
{
	args_print(groups(), GROUPS, manual, out);
}
