/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Drop rules in the kernel: an interpreter of classic BPF that runs the very
 * instructions that filter.c runs, on the frame as filter.c sees it. For
 * guard.bpf.c.
 *
 * At clsact the outermost tag stands beside the frame and not in it; here it is
 * put back into a copy of the frame's beginning, which is what most loads want.
 * A load from outside the frame and a division by zero end a program with "does
 * not match", as in libpcap's bpf_filter(); negative offsets are large ones and
 * do the same.
 *
 * What a run changes lies in a map, for there the verifier does not follow
 * values: on the stack it would go through the loop once for each combination,
 * and without CAP_PERFMON it takes no index into a stack or a packet. One of it
 * for each processor is enough: with softirqs off, as they are at clsact, no
 * run interrupts another one.
 */
#ifndef BUMPWIRE_GUARD_RULES_BPF_H
#define BUMPWIRE_GUARD_RULES_BPF_H

#include <linux/filter.h>
#include <bpf/bpf_endian.h>

#define TAG_AT 12 /* of a frame: behind the addresses */
#define REST_AT (TAG_AT + TAG_BYTES)
#define HEAD_BYTES 128
#define REST_BYTES (HEAD_BYTES - REST_AT)
#define FAST_BYTES (TAG_AT + REST_BYTES) /* in the copy, tag or no tag */
#define SLOTS (GUARD_RULE_SETS * GUARD_RULE_SLOTS)

#define STRIDE 4 /* instructions that a turn of the loop runs */

#define STOP 1
#define GO_ON 0

struct sock_filter rules[SLOTS] = {};

struct run {
	__u32 at;   /* the next instruction, in rules[] */
	__u32 next; /* the rule behind this one */
	__u32 a;
	__u32 x;
	__u32 len;
	__u32 tag_bytes;
	__u32 drops_matching; /* this rule does */
	__u32 drops;	      /* the verdict */
	__u32 mem[BPF_MEMWORDS];
	__u8 head[HEAD_BYTES]; /* of the frame, as it was on the wire */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct run);
} runs SEC(".maps");

struct step {
	struct __sk_buff *skb;
	struct run *run;
};

/* On to the next rule, or to the verdict. */
static __always_inline long ret(struct run *run, __u32 value)
{
	if (value) {
		run->drops = run->drops_matching;
		return STOP;
	}
	run->at = run->next;
	return GO_ON;
}

/* Of 1, 2 or 4 bytes; false: the frame is not that long. */
static __always_inline bool load(const struct step *s, __u64 at, __u32 size,
				 __u32 *value)
{
	const struct run *run = s->run;
	__be32 bytes = 0;

	if (at + size > run->len)
		return false;
	if (at <= FAST_BYTES - 4) {
		const __u8 *p = run->head + at;

		*value = size == 4 ? bpf_ntohl(*(const __be32 *)p) :
			 size == 2 ? bpf_ntohs(*(const __be16 *)p) : *p;
		return true;
	}
	bpf_skb_load_bytes(s->skb, (__u32)at - run->tag_bytes, &bytes, size);
	*value = bpf_ntohl(bytes) >> (32 - 8 * size);
	return true;
}

static __always_inline long ld(const struct step *s, __u32 code, __u32 k)
{
	__u32 size = BPF_SIZE(code) == BPF_W ? 4 :
		     BPF_SIZE(code) == BPF_H ? 2 : 1;
	struct run *run = s->run;
	__u32 value = k;

	switch (BPF_MODE(code)) {
	case BPF_ABS:
		if (!load(s, k, size, &value))
			return ret(run, 0);
		break;
	case BPF_IND:
		if (!load(s, (__u64)run->x + k, size, &value))
			return ret(run, 0);
		break;
	case BPF_MEM:
		value = run->mem[k & (BPF_MEMWORDS - 1)];
		break;
	case BPF_LEN:
		value = run->len;
		break;
	}
	run->a = value; /* BPF_IMM: k */
	return GO_ON;
}

static __always_inline long ldx(const struct step *s, __u32 code, __u32 k)
{
	struct run *run = s->run;
	__u32 value = k;

	switch (BPF_MODE(code)) {
	case BPF_MSH:
		if (!load(s, k, 1, &value))
			return ret(run, 0);
		value = (value & 0xf) << 2;
		break;
	case BPF_MEM:
		value = run->mem[k & (BPF_MEMWORDS - 1)];
		break;
	case BPF_LEN:
		value = run->len;
		break;
	}
	run->x = value;
	return GO_ON;
}

/* Shifting by more than 31: by X nothing is left, by a constant libpcap leaves
 * it to the machine, and those that we know take 5 bits of it. */
static __always_inline long alu(struct run *run, __u32 code, __u32 k)
{
	bool by_x = BPF_SRC(code) == BPF_X;
	__u32 by = by_x ? run->x : k;
	__u32 a = run->a;

	switch (BPF_OP(code)) {
	case BPF_ADD:
		a += by;
		break;
	case BPF_SUB:
		a -= by;
		break;
	case BPF_MUL:
		a *= by;
		break;
	case BPF_DIV:
		if (!by)
			return ret(run, 0);
		a /= by;
		break;
	case BPF_MOD:
		if (!by)
			return ret(run, 0);
		a %= by;
		break;
	case BPF_AND:
		a &= by;
		break;
	case BPF_OR:
		a |= by;
		break;
	case BPF_XOR:
		a ^= by;
		break;
	case BPF_LSH:
		a = by_x && by > 31 ? 0 : a << (by & 31);
		break;
	case BPF_RSH:
		a = by_x && by > 31 ? 0 : a >> (by & 31);
		break;
	case BPF_NEG:
		a = -a;
		break;
	}
	run->a = a;
	return GO_ON;
}

static __always_inline long jmp(struct run *run, __u32 code, __u32 k, __u32 jt,
				__u32 jf)
{
	__u32 with = BPF_SRC(code) == BPF_X ? run->x : k;
	__u32 a = run->a;
	bool holds;

	switch (BPF_OP(code)) {
	case BPF_JEQ:
		holds = a == with;
		break;
	case BPF_JGT:
		holds = a > with;
		break;
	case BPF_JGE:
		holds = a >= with;
		break;
	case BPF_JSET:
		holds = a & with;
		break;
	default: /* BPF_JA; back, too: "ip6 protochain" */
		run->at += k;
		return GO_ON;
	}
	run->at += holds ? jt : jf;
	return GO_ON;
}

static __always_inline long misc(struct run *run, __u32 code, __u32 k, __u32 jt)
{
	switch (code) {
	case GUARD_RULE_BEGINS:
		run->next = run->at + k;
		run->drops_matching = jt;
		run->a = 0;
		run->x = 0;
		return GO_ON;
	case GUARD_RULES_END:
		run->drops = jt;
		return STOP;
	case BPF_MISC | BPF_TAX:
		run->x = run->a;
		return GO_ON;
	default: /* BPF_TXA */
		run->a = run->x;
		return GO_ON;
	}
}

/* volatile: a field is read here, or the compiler picks jt or jf by a pointer,
 * which the verifier does not take. */
static __always_inline long step(const struct step *s)
{
	const volatile struct sock_filter *insn;
	struct run *run = s->run;
	__u32 at = run->at, code, jt, jf, k;

	if (at >= SLOTS)
		return STOP;
	insn = &rules[at];
	code = insn->code;
	jt = insn->jt;
	jf = insn->jf;
	k = insn->k;
	run->at = at + 1;
	switch (BPF_CLASS(code)) {
	case BPF_LD:
		return ld(s, code, k);
	case BPF_LDX:
		return ldx(s, code, k);
	case BPF_ST:
		run->mem[k & (BPF_MEMWORDS - 1)] = run->a;
		return GO_ON;
	case BPF_STX:
		run->mem[k & (BPF_MEMWORDS - 1)] = run->x;
		return GO_ON;
	case BPF_ALU:
		return alu(run, code, k);
	case BPF_JMP:
		return jmp(run, code, k, jt, jf);
	case BPF_RET:
		return ret(run, BPF_RVAL(code) == BPF_A ? run->a : k);
	default:
		return misc(run, code, k, jt);
	}
}

/*
 * Several at once, for to return is what costs most on processors that need
 * mitigations for it. Unrolled: as a loop it is too much for the verifier where
 * it looks at speculation, too (without CAP_PERFMON).
 */
static long stride(__u32 turn, struct step *s)
{
	(void)turn;
#pragma clang loop unroll(full)
	for (int i = 0; i < STRIDE; i++)
		if (step(s) == STOP)
			return STOP;
	return GO_ON;
}

/* The frame's beginning, with its tag. */
static __always_inline void copy_head(struct __sk_buff *skb, struct run *run)
{
	__u64 n = skb->len;
	__u8 *rest = run->head + TAG_AT;

	bpf_skb_load_bytes(skb, 0, run->head, TAG_AT);
	run->tag_bytes = 0;
	if (skb->vlan_present) {
		*(__be16 *)rest = (__be16)skb->vlan_proto;
		*(__be16 *)(rest + 2) = bpf_htons((__u16)skb->vlan_tci);
		run->tag_bytes = TAG_BYTES;
		rest += TAG_BYTES;
	}
	run->len = (__u32)n + run->tag_bytes;
	n -= TAG_AT + 1; /* 1 less: 0 bytes is nothing to ask for */
	if (n > REST_BYTES - 1)
		n = REST_BYTES - 1;
	barrier_var(n); /* the verifier is to see it */
	if (n < REST_BYTES)
		bpf_skb_load_bytes(skb, TAG_AT, rest, (__u32)n + 1);
}

/* Whether the side's rules drop the frame. */
static __always_inline bool rules_drop(struct __sk_buff *skb, __u32 index,
				       const struct guard_side *side)
{
	__u32 set = *(const volatile __u32 *)&side->filters, zero = 0;
	struct step s = { .skb = skb };

	if (!set)
		return false;
	s.run = bpf_map_lookup_elem(&runs, &zero);
	if (!s.run)
		return true;
	s.run->at = (2 * index + set - 1) * GUARD_RULE_SLOTS;
	s.run->drops = 1; /* also what comes to no end */
	copy_head(skb, s.run);
	bpf_loop(GUARD_STEPS / STRIDE, stride, &s, 0);
	return s.run->drops;
}

#endif
