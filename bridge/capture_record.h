/* SPDX-License-Identifier: BSD-2-Clause */
/* A frame as a capture file has it, and where it was captured. */
#ifndef BUMPWIRE_CAPTURE_RECORD_H
#define BUMPWIRE_CAPTURE_RECORD_H

#include <stdbool.h>

#include "base.h"

#define CAPTURE_RECORD_MAX (16u << 20) /* bytes of a block, or a frame */
#define CAPTURE_INTERFACES_MAX 65536   /* of one file */

enum direction { DIRECTION_UNKNOWN, DIRECTION_IN, DIRECTION_OUT };

struct capture_record {
	uint64_t time_ns;    /* since 1970 */
	const uint8_t *data; /* until the next call */
	uint32_t caplen;     /* bytes that are there */
	uint32_t len;        /* bytes that the frame had */
	uint32_t interface;  /* counted over the whole file */
	enum direction direction;
	uint16_t linktype;  /* LINKTYPE_* (www.tcpdump.org/linktypes.html) */
	uint32_t fcs_bytes; /* of len: the FCS at its end */
	uint64_t offset;    /* of the record, in unpacked bytes */
	uint64_t number;    /* from 1 */
};

struct capture_interface {
	char name[64];
	uint16_t linktype;
	uint32_t snaplen; /* 0: unlimited */
};

#endif
