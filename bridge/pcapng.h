/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pcapng format, block by block, as draft-ietf-opsawg-pcapng has it. Pure:
 * it is given whole blocks and knows no file. Sections of either byte order,
 * any number of interfaces with clocks of their own.
 */
#ifndef BUMPWIRE_PCAPNG_H
#define BUMPWIRE_PCAPNG_H

#include "capture_record.h"

#define PCAPNG_MAGIC 0x0a0d0d0a /* of a section header: a palindrome */
#define PCAPNG_HEAD_BYTES 12    /* type, length, and the byte-order magic */
#define PCAPNG_BLOCK_MIN 12
#define PCAPNG_NO_TIME UINT64_MAX /* of a record whose block has none */

struct pcapng_interface {
	struct capture_interface told;
	uint64_t units;      /* of its clock in a second */
	int64_t offset_s;    /* added to all its times */
	uint32_t fcs_bytes;
	uint64_t last_ns; /* whoever reads may keep it here */
};

/* All zero: before the first section. */
struct pcapng {
	bool in_section;
	bool swapped; /* against this machine */
	struct pcapng_interface *interface; /* of all sections */
	uint32_t n_interfaces, room;
	uint32_t section_interface; /* the first of this section */
};

void pcapng_fini(struct pcapng *p);

/*
 * The length of the block that begins with these PCAPNG_HEAD_BYTES; a section
 * header sets the byte order by it. 0, with *why, if it cannot be one.
 */
uint32_t pcapng_block_bytes(struct pcapng *p, const uint8_t *head,
			    const char **why);

/*
 * Take a whole block, head and all. 1: it holds a record, whose data lies in
 * the block (offset and number are not set); 0: it holds none; -EBADMSG, with
 * *why; -ENOMEM.
 */
int pcapng_take(struct pcapng *p, const uint8_t *block, uint32_t bytes,
		struct capture_record *record, const char **why);

#endif
