/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doctor looks at what the network card does on its own. Offloads are
 * carried end to end: most are best left as they are.
 */
#include "config.h"

#include <string.h>

#include "doctor_look.h"
#include "offload_facts.h"

/* What is to be said of a feature when it is on, or when it is off. */
static const struct offload_rule {
	const char *name;   /* the kernel's */
	const char *common; /* that people know, and ethtool -K takes, too */
	bool when_on;       /* speak of it then; else when it is off */
	enum doctor_level level;
	const char *why;
	const char *mend; /* behind `ethtool -K IFACE`; NULL: none */
	unsigned int mended_in; /* this kernel, 602 for 6.2; 0: none */
} rules[] = {
	{ "rx-lro", "lro", true, DOCTOR_NOTE,
	  "its merged frames cannot be bridged; bumpwire switches it off and "
	  "puts it back at the end", "lro off", 0 },
	{ "rx-gro", "gro", true, DOCTOR_OK,
	  "good for TCP throughput; IPv4 IDs of merged segments that are all 0 "
	  "leave as 0, 1, 2 (`gro off` keeps them, and is slower)", NULL, 0 },
	{ "rx-gro", "gro", false, DOCTOR_OK,
	  "each frame arrives as it was sent; `gro on` is faster for TCP",
	  NULL, 0 },
	{ "rx-gro-list", "rx-gro-list", true, DOCTOR_WARNING,
	  "before Linux 6.2 a packet socket cannot be told of merged UDP, and "
	  "its ring is held", "rx-gro-list off", 602 },
	{ "rx-udp-gro-forwarding", "rx-udp-gro-forwarding", true,
	  DOCTOR_WARNING, "before Linux 6.2 a packet socket cannot be told of "
	  "merged UDP, and its ring is held", "rx-udp-gro-forwarding off",
	  602 },
	{ "tx-generic-segmentation", "gso", false, DOCTOR_NOTE,
	  "super-frames are cut before they are queued: slower TCP", "gso on", 0 },
	{ "rx-fcs", "rx-fcs", true, DOCTOR_WARNING,
	  "frames arrive with their checksum behind them, and leave 4 bytes "
	  "longer", "rx-fcs off", 0 },
	{ "rx-all", "rx-all", true, DOCTOR_WARNING,
	  "damaged frames arrive, too, and leave with a checksum that is "
	  "good", "rx-all off", 0 },
	{ "loopback", "loopback", true, DOCTOR_ERROR,
	  "what is sent comes back, and nothing reaches the cable",
	  "loopback off", 0 },
	{ "rx-vlan-filter", "rx-vlan-filter", true, DOCTOR_NOTE,
	  "most drivers let all tags through while promiscuous; one that does "
	  "not loses tagged frames", "rx-vlan-filter off", 0 },
	{ "rx-ntuple-filter", "ntuple", true, DOCTOR_NOTE,
	  "rules of `ethtool -n` may drop frames or steer them to other "
	  "queues before they are seen", "ntuple off", 0 },
};

static void tell_feature(struct doctor *d, const struct doctor_port *p,
			 const struct offload_rule *rule,
			 const struct offload_feature *feature)
{
	/* What cannot be changed is no advice. */
	if (!feature->known || feature->on != rule->when_on ||
	    (rule->mended_in && d->kernel >= rule->mended_in) ||
	    (feature->fixed && rule->level == DOCTOR_NOTE))
		return;
	doctor_find(d, rule->level, p->name, "%s %s: %s", rule->common,
		    feature->on ? "on" : "off", rule->why);
	if (rule->mend && !feature->fixed)
		doctor_mend(d, "ethtool -K %s %s", p->name, rule->mend);
}

/* Those of which all is well either way, in one line. */
static void tell_harmless(struct doctor *d, const struct doctor_port *p)
{
	struct offload_feature f[] = {
		{ .name = "tx-tcp-segmentation" },
		{ .name = "rx-vlan-hw-parse" },
		{ .name = "tx-vlan-hw-insert" },
		{ .name = "rx-checksum" },
	};

	if (offload_features(p->name, f, ARRAY_SIZE(f)))
		return;
	doctor_find(d, DOCTOR_OK, p->name, "tso %s, rxvlan %s, txvlan %s, "
		    "rx checksums %s: carried end to end, nothing to mend",
		    f[0].on ? "on" : "off", f[1].on ? "on" : "off",
		    f[2].on ? "on" : "off", f[3].on ? "on" : "off");
}

void doctor_check_offloads(struct doctor *d, const struct doctor_port *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		struct offload_feature feature = { .name = rules[i].name };

		if (!offload_features(p->name, &feature, 1))
			tell_feature(d, p, &rules[i], &feature);
	}
	tell_harmless(d, p);
}
