/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See link_tc.h. Messages and attributes: linux/pkt_cls.h, net/sched/cls_api.c
 * and cls_bpf.c. An older "ingress" qdisc takes the same classifiers.
 */
#include "config.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "link_ask.h"
#include "link_facts.h"
#include "link_tc.h"
#include "log.h"

#define INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
#define EGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)
#define PRIORITY 1 /* before whatever else is there */
#define HANDLE 0x62756d00u /* and the notes */
#define NAME_FORMAT "bumpwire-%d" /* of the program; the peer's index */
#define NAME_BYTES 32

static bool is_ours(const struct tcmsg *tcm, const struct nlattr *kind)
{
	return TC_H_MAJ(tcm->tcm_info) >> 16 == PRIORITY && kind &&
	       !nla_strcmp(kind, "bpf") &&
	       (tcm->tcm_handle & ~LINK_TC_NOTES) == HANDLE;
}

/* The header of a priority's list is told, too, with handle 0. */
static int on_filter(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct nlattr *tb[TCA_MAX + 1], *of_bpf[TCA_BPF_MAX + 1];
	const struct tcmsg *tcm;
	struct link_tc *tc = arg;
	char text[NAME_BYTES] = "";
	bool egress, ours;

	if (h->nlmsg_type != RTM_NEWTFILTER ||
	    nlmsg_parse(h, sizeof(*tcm), tb, TCA_MAX, NULL) < 0)
		return NL_OK;
	tcm = nlmsg_data(h);
	egress = tcm->tcm_parent == EGRESS;
	ours = is_ours(tcm, tb[TCA_KIND]);
	if (!tcm->tcm_handle)
		return NL_OK;
	tc->has_egress |= egress && ours;
	tc->egress += egress && !ours;
	tc->others += !egress && !ours;
	if (egress || !ours)
		return NL_OK;
	tc->is_attached = true;
	tc->notes = tcm->tcm_handle & LINK_TC_NOTES;
	if (!tb[TCA_OPTIONS] || nla_parse_nested(of_bpf, TCA_BPF_MAX,
						 tb[TCA_OPTIONS], NULL) < 0)
		return NL_OK;
	tc->program_id = link_attr_u32(of_bpf[TCA_BPF_ID]);
	link_attr_text(text, sizeof(text), of_bpf[TCA_BPF_NAME]);
	if (sscanf(text, NAME_FORMAT, &tc->peer) != 1)
		tc->peer = 0;
	return NL_OK;
}

static int ask_filters(int index, uint32_t parent, struct link_tc *tc)
{
	const struct tcmsg tcm = { .tcm_family = AF_UNSPEC,
				   .tcm_ifindex = index,
				   .tcm_parent = parent };
	const struct link_question q = { RTM_GETTFILTER, NLM_F_DUMP, &tcm,
					 sizeof(tcm), on_filter, tc };

	return link_ask(&q, "list of classifiers");
}

int link_tc_get(int index, struct link_tc *tc)
{
	struct link_facts facts;
	int r;

	*tc = (struct link_tc){ 0 };
	r = link_facts_get(index, &facts);
	tc->promiscuous = facts.promiscuous;
	if (r || !*facts.ingress)
		return r;
	tc->has_qdisc = true;
	tc->has_clsact = !strcmp(facts.ingress, "clsact");
	r = ask_filters(index, INGRESS, tc);
	if (!r && tc->has_clsact)
		r = ask_filters(index, EGRESS, tc);
	return r;
}

int link_tc_is_attached(int index)
{
	struct link_tc tc = { 0 };
	int r = ask_filters(index, INGRESS, &tc);

	/* Without a qdisc, or a link, the list is empty. */
	return r ? r : tc.is_attached;
}

static struct nl_msg *new_message(int type, int flags, const struct tcmsg *tcm)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	if (!msg || nlmsg_append(msg, (void *)tcm, sizeof(*tcm),
				 NLMSG_ALIGNTO) >= 0)
		return msg;
	nlmsg_free(msg);
	return NULL;
}

/* As new_message(); a message that an attribute finds no room in is none. */
static struct nl_msg *whole(struct nl_msg *msg, int nle)
{
	if (nle >= 0)
		return msg;
	nlmsg_free(msg);
	return NULL;
}

static int order_qdisc(int type, int flags, int index)
{
	const struct tcmsg tcm = {
		.tcm_ifindex = index,
		.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
		.tcm_parent = TC_H_CLSACT,
	};
	struct nl_msg *msg = new_message(type, flags, &tcm);

	if (msg)
		msg = whole(msg, nla_put_string(msg, TCA_KIND, "clsact"));
	return link_order(msg);
}

static struct tcmsg filter_header(int index, uint32_t parent, uint32_t notes)
{
	return (struct tcmsg){
		.tcm_ifindex = index,
		.tcm_handle = HANDLE | notes,
		.tcm_parent = parent,
		.tcm_info = TC_H_MAKE(PRIORITY << 16, htons(ETH_P_ALL)),
	};
}

static int put_program(struct nl_msg *msg, int fd, int peer)
{
	struct nlattr *options;
	char program[NAME_BYTES];
	int r = nla_put_string(msg, TCA_KIND, "bpf");

	snprintf(program, sizeof(program), NAME_FORMAT, peer);
	options = nla_nest_start(msg, TCA_OPTIONS);
	if (r < 0 || !options)
		return -NLE_NOMEM;
	if ((r = nla_put_u32(msg, TCA_BPF_FD, (uint32_t)fd)) < 0 ||
	    (r = nla_put_string(msg, TCA_BPF_NAME, program)) < 0 ||
	    (r = nla_put_u32(msg, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT)) < 0)
		return r;
	return nla_nest_end(msg, options);
}

static int add_filter(int index, uint32_t parent, uint32_t notes, int fd,
		      int peer)
{
	const struct tcmsg tcm = filter_header(index, parent, notes);
	struct nl_msg *msg = new_message(RTM_NEWTFILTER, NLM_F_CREATE, &tcm);

	if (msg)
		msg = whole(msg, put_program(msg, fd, peer));
	return link_order(msg);
}

static int remove_filter(int index, uint32_t parent, uint32_t notes)
{
	const struct tcmsg tcm = filter_header(index, parent, notes);
	struct nl_msg *msg = new_message(RTM_DELTFILTER, 0, &tcm);

	if (msg)
		msg = whole(msg, nla_put_string(msg, TCA_KIND, "bpf"));
	return link_order(msg);
}

/* Undo what was made for a program that is not, or no longer, there. */
static void unmake(int index, uint32_t notes)
{
	if (notes & LINK_TC_MADE_PROMISC)
		link_set_promisc(index, false);
	if (notes & LINK_TC_MADE_QDISC)
		order_qdisc(RTM_DELQDISC, 0, index);
}

/* What the program needs beside itself: the qdisc is made; that the flag will
 * be set is noted, so that whoever comes after a kill -9 knows. */
static int prepare(int index, const struct link_tc *tc, bool promisc,
		   uint32_t *notes)
{
	int r = 0;

	if (promisc && !tc->promiscuous)
		*notes |= LINK_TC_MADE_PROMISC;
	if (!tc->has_qdisc) {
		r = order_qdisc(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, index);
		*notes |= r ? 0 : LINK_TC_MADE_QDISC;
	}
	return r;
}

/* At egress there is nothing to note: its handle is plain. Somebody's ingress
 * qdisc has no egress. */
static int set_egress(int index, const struct link_tc *tc,
		      const struct link_tc_programs *p)
{
	if (p->egress_fd >= 0 && (tc->has_clsact || !tc->has_qdisc))
		return add_filter(index, EGRESS, 0, p->egress_fd, p->peer);
	return tc->has_egress ? remove_filter(index, EGRESS, 0) : 0;
}

/* Why it could not be, for who has to do something about it. */
static int say_refused(int index, const char *name, const struct link_tc *tc,
		       int r)
{
	struct link_facts facts;

	/* "No such object" is also what a kernel without the kind answers. */
	if (r == -ENODEV && !link_facts_get(index, &facts))
		r = -EOPNOTSUPP;
	if (r == -EINVAL)
		r = -EBUSY;
	if (r == -EOPNOTSUPP)
		log_err("port %s: this kernel has no clsact or no cls_bpf "
			"(modprobe sch_ingress cls_bpf)", name);
	else if (r != -ENODEV)
		log_err("port %s: the guard at its ingress: %s%s%s%s", name,
			strerror(-r), tc->others ?
			": another tc filter has priority 1 (tc filter show "
			"dev " : "", tc->others ? name : "",
			tc->others ? " ingress)" : "");
	return r;
}

int link_tc_attach(int index, const char *name, struct link_tc_programs *p)
{
	struct link_tc tc;
	uint32_t notes;
	int r = link_tc_get(index, &tc);

	if (r)
		return r;
	p->made |= tc.notes & ~LINK_TC_JOINS;
	notes = p->made | (p->joins ? LINK_TC_JOINS : 0);
	r = prepare(index, &tc, p->promisc, &notes);
	if (!r)
		r = add_filter(index, INGRESS, notes, p->ingress_fd, p->peer);
	if (!r)
		r = set_egress(index, &tc, p);
	if (!r && p->promisc && notes & LINK_TC_MADE_PROMISC)
		r = link_set_promisc(index, true);
	if (r) {
		if (!tc.is_attached)
			remove_filter(index, INGRESS, notes);
		unmake(index, notes & ~p->made & ~LINK_TC_JOINS);
		return say_refused(index, name, &tc, r);
	}
	p->made = notes & ~LINK_TC_JOINS;
	/* By its new notes it stands beside the old one, and before it. */
	if (tc.is_attached && notes != tc.notes)
		remove_filter(index, INGRESS, tc.notes);
	if (tc.others && !tc.is_attached)
		log_warn("port %s: %u tc filters at its ingress see no frames "
			 "now (isolate = no leaves them alone)", name,
			 tc.others);
	return 0;
}

int link_tc_detach(int index, const char *name, uint32_t made)
{
	struct link_tc tc;
	int r = link_tc_get(index, &tc);

	if (r)
		return r;
	if (tc.has_egress)
		remove_filter(index, EGRESS, 0);
	if (!tc.is_attached) { /* somebody was faster, the flag is left */
		unmake(index, made & LINK_TC_MADE_PROMISC);
		return tc.has_egress;
	}
	r = remove_filter(index, INGRESS, tc.notes);
	if (r) {
		if (r != -ENODEV)
			log_err("port %s: the program at its ingress (clsact) "
				"stays: %s", name, strerror(-r));
		return r;
	}
	made |= tc.notes;
	/* Somebody may have come to use it. */
	if (tc.others || tc.egress)
		made &= ~LINK_TC_MADE_QDISC;
	unmake(index, made);
	return 1;
}

void link_tc_part(int index, const char *name, const struct link_tc *tc,
		  int mate)
{
	char other[IF_NAMESIZE] = "?";
	struct link_tc there;

	if (!tc->is_attached || !tc->peer || tc->peer == mate ||
	    link_tc_get(tc->peer, &there) || !there.is_attached ||
	    there.peer != index)
		return;
	if_indextoname((unsigned int)tc->peer, other);
	log_warn("port %s: it was joined with %s by a bumpwire that has ended: "
		 "that wire ends", name, other);
	link_tc_detach(tc->peer, other, 0);
}
