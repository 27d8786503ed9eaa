/* SPDX-License-Identifier: BSD-2-Clause */
/* See filter_file.h. What comes from a file may be anything. */
#include "config.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base.h"
#include "filter_file.h"

#define PROGRAM_MAX 4096 /* instructions; BPF_MAXINSNS of the kernel */
#define PROGRAM_BYTES (PROGRAM_MAX * 32) /* of text, generously */

/* Digits and nothing else, up to `max`; *text moves behind them. */
static bool take_number(char **text, uint64_t max, uint32_t *value)
{
	uint64_t n = 0;
	char *c = *text + strspn(*text, " \t\r\n");

	if (*c < '0' || *c > '9')
		return false;
	for (; *c >= '0' && *c <= '9'; c++) {
		n = n * 10 + (uint64_t)(*c - '0');
		if (n > max)
			return false;
	}
	*value = (uint32_t)n;
	*text = c;
	return true;
}

/* An instruction that jumps goes forward, as the kernel has it: bpf_validate()
 * allows a loop, which would hold a lane for ever. */
static bool jumps_back(const struct bpf_program *program, uint32_t i)
{
	const struct bpf_insn *insn = &program->bf_insns[i];

	return BPF_CLASS(insn->code) == BPF_JMP &&
	       BPF_OP(insn->code) == BPF_JA && insn->k >= program->bf_len - i;
}

/*
 * What tcpdump prints when it was told of an interface asks the kernel for what
 * it keeps beside a frame, such as its tag, at offsets below 0 (SKF_AD_OFF in
 * linux/filter.h). Here the tag is in the frame, and such a load would end the
 * program with "does not match": a drop rule would fail open.
 */
static bool asks_kernel(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_LD &&
	       BPF_MODE(insn->code) == BPF_ABS && insn->k > INT32_MAX;
}

/* Those that bpf_filter() knows: at any other it ends the process, and
 * bpf_validate() does not look at all of them. */
static bool is_known(u_short code)
{
	static const u_short known[] = {
		BPF_RET | BPF_K, BPF_RET | BPF_A,
		BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_H | BPF_ABS,
		BPF_LD | BPF_B | BPF_ABS, BPF_LD | BPF_W | BPF_IND,
		BPF_LD | BPF_H | BPF_IND, BPF_LD | BPF_B | BPF_IND,
		BPF_LD | BPF_W | BPF_LEN, BPF_LDX | BPF_W | BPF_LEN,
		BPF_LDX | BPF_MSH | BPF_B, BPF_LD | BPF_IMM, BPF_LDX | BPF_IMM,
		BPF_LD | BPF_MEM, BPF_LDX | BPF_MEM, BPF_ST, BPF_STX,
		BPF_JMP | BPF_JA,
		BPF_JMP | BPF_JGT | BPF_K, BPF_JMP | BPF_JGT | BPF_X,
		BPF_JMP | BPF_JGE | BPF_K, BPF_JMP | BPF_JGE | BPF_X,
		BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | BPF_JEQ | BPF_X,
		BPF_JMP | BPF_JSET | BPF_K, BPF_JMP | BPF_JSET | BPF_X,
		BPF_ALU | BPF_ADD | BPF_K, BPF_ALU | BPF_ADD | BPF_X,
		BPF_ALU | BPF_SUB | BPF_K, BPF_ALU | BPF_SUB | BPF_X,
		BPF_ALU | BPF_MUL | BPF_K, BPF_ALU | BPF_MUL | BPF_X,
		BPF_ALU | BPF_DIV | BPF_K, BPF_ALU | BPF_DIV | BPF_X,
		BPF_ALU | BPF_MOD | BPF_K, BPF_ALU | BPF_MOD | BPF_X,
		BPF_ALU | BPF_AND | BPF_K, BPF_ALU | BPF_AND | BPF_X,
		BPF_ALU | BPF_OR | BPF_K, BPF_ALU | BPF_OR | BPF_X,
		BPF_ALU | BPF_XOR | BPF_K, BPF_ALU | BPF_XOR | BPF_X,
		BPF_ALU | BPF_LSH | BPF_K, BPF_ALU | BPF_LSH | BPF_X,
		BPF_ALU | BPF_RSH | BPF_K, BPF_ALU | BPF_RSH | BPF_X,
		BPF_ALU | BPF_NEG, BPF_MISC | BPF_TAX, BPF_MISC | BPF_TXA,
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (code == known[i])
			return true;
	return false;
}

/*
 * bpf_filter() does not clear its scratch cells, so a cell that is read before
 * it is written holds anything. written[i] are the cells that every way to
 * instruction i has written; jumps go forward, so one pass tells.
 */
static bool writes_before_it_reads(const struct bpf_program *program)
{
	uint16_t written[PROGRAM_MAX + 256], here = 0;

	memset(written, 0xff, sizeof(written));
	for (uint32_t i = 0; i < program->bf_len; i++) {
		const struct bpf_insn *insn = &program->bf_insns[i];
		uint16_t cell = (uint16_t)(1u << (insn->k % BPF_MEMWORDS));

		here &= written[i];
		switch (BPF_CLASS(insn->code)) {
		case BPF_ST:
		case BPF_STX:
			here |= cell;
			break;
		case BPF_LD:
		case BPF_LDX:
			if (BPF_MODE(insn->code) == BPF_MEM && !(here & cell))
				return false;
			break;
		case BPF_JMP:
			if (BPF_OP(insn->code) == BPF_JA) {
				written[i + 1 + insn->k] &= here;
			} else {
				written[i + 1 + insn->jt] &= here;
				written[i + 1 + insn->jf] &= here;
			}
			here = UINT16_MAX; /* by jumps alone it goes on */
			break;
		}
	}
	return true;
}

/* The number of instructions, then for each: code jt jf k. -EOPNOTSUPP: it is a
 * program, but asks_kernel(). */
static int load_text(char *text, struct bpf_program *program)
{
	uint32_t n, code, jt, jf, k;
	bool asks = false;

	if (!take_number(&text, PROGRAM_MAX, &n) || !n)
		return -EINVAL;
	program->bf_insns = calloc(n, sizeof(*program->bf_insns));
	if (!program->bf_insns)
		return -ENOMEM;
	program->bf_len = n;
	for (uint32_t i = 0; i < n; i++) {
		if (!take_number(&text, UINT16_MAX, &code) ||
		    !take_number(&text, UINT8_MAX, &jt) ||
		    !take_number(&text, UINT8_MAX, &jf) ||
		    !take_number(&text, UINT32_MAX, &k))
			return -EINVAL;
		program->bf_insns[i] = (struct bpf_insn){
			(u_short)code, (u_char)jt, (u_char)jf, k
		};
		if (jumps_back(program, i) ||
		    !is_known(program->bf_insns[i].code))
			return -EINVAL;
		asks |= asks_kernel(&program->bf_insns[i]);
	}
	if (text[strspn(text, " \t\r\n")] ||
	    !bpf_validate(program->bf_insns, (int)n) ||
	    !writes_before_it_reads(program))
		return -EINVAL;
	return asks ? -EOPNOTSUPP : 0;
}

static int load_file(FILE *file, struct bpf_program *program)
{
	autoclean(free_ptr) char *text = malloc(PROGRAM_BYTES + 1);
	size_t n;

	if (!text)
		return -ENOMEM;
	n = fread(text, 1, PROGRAM_BYTES + 1, file);
	if (n > PROGRAM_BYTES || ferror(file) || memchr(text, 0, n))
		return -EINVAL;
	text[n] = '\0';
	return load_text(text, program);
}

int filter_file_load(const char *path, struct bpf_program *program, char *why,
		     size_t size)
{
	struct stat st;
	FILE *file;
	int r;

	/* A FIFO's other end may never come; the shell's <(...) is there. */
	if (!stat(path, &st) && S_ISFIFO(st.st_mode) &&
	    strncmp(path, "/dev/fd/", strlen("/dev/fd/"))) {
		snprintf(why, size, "is a FIFO, not a file");
		return -EINVAL;
	}
	file = fopen(path, "re");

	if (!file) {
		snprintf(why, size, "%s", strerror(errno));
		return -EINVAL;
	}
	r = load_file(file, program);
	fclose(file);
	if (!r)
		return 0;
	pcap_freecode(program);
	snprintf(why, size, "%s",
		 r == -EOPNOTSUPP ?
			 "made for one interface: it asks the kernel for what "
			 "stands beside a frame; make it with: "
			 "tcpdump -y EN10MB -ddd" :
			 "not a BPF program as tcpdump -ddd prints it");
	return -EINVAL;
}
