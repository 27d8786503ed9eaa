/* SPDX-License-Identifier: BSD-2-Clause */
/* The catalogue of odd frames: the same for who sends and who judges. */
#ifndef WIRECHECK_ODD_H
#define WIRECHECK_ODD_H

#include "wirecheck.h"

#define ODD_NAME_BYTES 80
#define ODD_MARK 0x4f444431 /* "ODD1", then the index, where both fit */

struct odd {
	char name[ODD_NAME_BYTES];
	uint32_t len;
	uint8_t *data;
};

struct odd_book {
	uint32_t mtu;
	unsigned n;
	struct odd *frame;
};

/* All of them, each different from any other; NULL without memory. */
struct odd_book *odd_book_new(uint32_t mtu);
void odd_book_free(struct odd_book *book);

#endif
