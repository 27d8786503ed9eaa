/* SPDX-License-Identifier: BSD-2-Clause */
/* The doctor looks who else takes, handles or sends frames on the ports. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "doctor_look.h"
#include "guard.h"
#include "link_tc.h"

void doctor_check_promiscuity(struct doctor *d, const struct doctor_port *p)
{
	struct link_tc tc = { 0 };

	/* What counts, and is not told of here: a bridge, packet sockets, and
	 * the guard, which is told below. */
	link_tc_get(p->link.index, &tc);
	if (p->facts.promiscuous && !(tc.notes & LINK_TC_MADE_PROMISC)) {
		doctor_find(d, DOCTOR_NOTE, p->name, "promiscuous by hand: "
			    "needless, bumpwire asks for it while it runs");
		doctor_mend(d, "ip link set dev %s promisc off", p->name);
	}
	if (p->facts.all_multicast) {
		doctor_find(d, DOCTOR_NOTE, p->name, "allmulticast by hand: "
			    "needless, too");
		doctor_mend(d, "ip link set dev %s allmulticast off", p->name);
	}
}

/* ---- packet sockets ---- */

static const char *protocol_name(uint16_t protocol, char *text, size_t size)
{
	if (protocol == 3)
		return "all frames";
	if (!protocol)
		return "only sends";
	snprintf(text, size, "ethertype 0x%04x", protocol);
	return text;
}

static const char *port_of(const struct doctor *d, int index)
{
	if (!index)
		return "all interfaces";
	for (int side = 0; side < SIDES; side++)
		if (d->port[side].exists && d->port[side].link.index == index)
			return d->port[side].name;
	return NULL;
}

static void tell_socket(struct doctor *d, const struct packet_diag_socket *s)
{
	const char *where = port_of(d, s->index);
	/* A second wire doubles what the first one carries. */
	bool is_wire = !strcmp(s->name, "bumpwire") && s->index;
	char protocol[32], ring[64] = "", group[32] = "", owner[48] = "";

	if (!where)
		return;
	if (s->rx_ring_bytes || s->tx_ring_bytes)
		snprintf(ring, sizeof(ring), ", rings of %llu KiB",
			 (unsigned long long)((s->rx_ring_bytes +
					       s->tx_ring_bytes) >> 10));
	if (s->has_fanout)
		snprintf(group, sizeof(group), ", fanout group %u", s->fanout);
	if (s->pid)
		snprintf(owner, sizeof(owner), " of %s (process %d)", s->name,
			 s->pid);
	doctor_find(d, is_wire ? DOCTOR_WARNING : DOCTOR_NOTE, where,
		    "%s packet socket%s: %s%s%s: %s",
		    s->type == SOCK_RAW ? "raw" : "cooked", owner,
		    protocol_name(s->protocol, protocol, sizeof(protocol)),
		    ring, group, is_wire ? "another wire: frames are doubled" :
		    s->protocol ? "its copies cost time" :
				  "it may send on the wire");
	if (s->pid)
		doctor_mend(d, "kill %d", s->pid);
	else
		doctor_mend(d, "ss -0pe # inode %u: run as root", s->inode);
}

void doctor_check_sockets(struct doctor *d)
{
	struct packet_diag diag;
	int r = packet_diag_read(&diag);
	unsigned int before = d->n[DOCTOR_NOTE] + d->n[DOCTOR_WARNING];

	if (r == -ENOENT || r == -EOPNOTSUPP) {
		doctor_find(d, DOCTOR_NOTE, "sockets", "this kernel does not "
			    "tell of packet sockets (PACKET_DIAG)");
		doctor_mend(d, "modprobe af_packet_diag");
	}
	if (r)
		return;
	for (size_t i = 0; i < diag.n; i++)
		tell_socket(d, &diag.socket[i]);
	if (d->n[DOCTOR_NOTE] + d->n[DOCTOR_WARNING] == before)
		doctor_find(d, DOCTOR_OK, "sockets",
			    "no other packet sockets here");
	packet_diag_fini(&diag);
}

/* ---- programs and queueing ---- */

/* What a bumpwire has put at the ingress, which lives or not. */
static void tell_guard(struct doctor *d, const struct doctor_port *p,
		       const struct link_tc *tc)
{
	int tid = guard_living(p->link.index);

	if (tid) {
		doctor_find(d, DOCTOR_NOTE, p->name, "the guard of a bumpwire "
			    "that runs (thread %d)", tid);
		return;
	}
	if (tc->notes & LINK_TC_JOINS)
		doctor_find(d, DOCTOR_WARNING, p->name, "bypassed: the kernel "
			    "forwards in place of a bumpwire that has ended");
	else
		doctor_find(d, DOCTOR_NOTE, p->name, "the guard of a bumpwire "
			    "that was killed: it does nothing");
	doctor_mend(d, "bumpwire --unbypass %s %s", d->conf->port[SIDE_LEFT],
		    d->conf->port[SIDE_RIGHT]);
}

void doctor_check_programs(struct doctor *d, const struct doctor_port *p)
{
	static const struct {
		const char *name, *keyword;
	} mode[LINK_XDP_MODES] = {
		[LINK_XDP_DRIVER] = { "in the driver", "xdpdrv" },
		[LINK_XDP_GENERIC] = { "generic", "xdpgeneric" },
		[LINK_XDP_OFFLOAD] = { "in the card", "xdpoffload" },
	};
	struct link_tc tc;

	for (int m = LINK_XDP_NONE + 1; m < LINK_XDP_MODES; m++) {
		if (!p->facts.xdp_id[m])
			continue;
		doctor_find(d, DOCTOR_WARNING, p->name, "XDP program %u (%s): "
			    "it sees frames first, and what it takes never "
			    "arrives", p->facts.xdp_id[m], mode[m].name);
		doctor_mend(d, "ip link set dev %s %s off", p->name,
			    mode[m].keyword);
	}
	if (!p->facts.ingress[0] || link_tc_get(p->link.index, &tc))
		return;
	if (tc.is_attached)
		tell_guard(d, p, &tc);
	if (tc.is_attached && !tc.others && !tc.egress)
		return; /* it is all that is there */
	doctor_find(d, DOCTOR_NOTE, p->name, "qdisc %s: its filters may send "
		    "frames elsewhere as well, or act on what leaves",
		    p->facts.ingress);
	doctor_mend(d, "tc qdisc del dev %s %s", p->name, p->facts.ingress);
}

/* The kinds that only queue. */
void doctor_check_qdiscs(struct doctor *d, const struct doctor_port *p)
{
	static const char *const plain[] = { "",   "noqueue", "fq_codel",
					     "fq", "mq",      "pfifo_fast",
					     "noop" };
	const char *kind = p->facts.qdisc;

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (!strcmp(kind, plain[i]))
			return;
	doctor_find(d, DOCTOR_NOTE, p->name, "qdisc %s: it may delay or drop "
		    "what leaves here (--qdisc-bypass goes round it)", kind);
	doctor_mend(d, "tc qdisc del dev %s root", p->name);
}
