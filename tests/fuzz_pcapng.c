/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer target for the pcapng reader: the bytes are a file. Each record
 * has to lie in its block, of an interface that there is, and what is refused
 * has to be said.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "pcapng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void check(const struct pcapng *p, const uint8_t *block, uint32_t bytes,
		  const struct capture_record *r)
{
	static volatile uint8_t sum;

	expect(r->interface < p->n_interfaces, "an interface that is none");
	expect(r->data >= block && r->caplen <= bytes &&
		       r->data + r->caplen <= block + bytes,
	       "data outside of its block");
	for (uint32_t i = 0; i < r->caplen; i++)
		sum = (uint8_t)(sum + r->data[i]);
	expect(memchr(p->interface[r->interface].told.name, 0,
		      sizeof(p->interface->told.name)) != NULL,
	       "a name without an end");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pcapng p = { 0 };
	struct capture_record record;
	const char *why = NULL;
	uint32_t bytes;
	uint8_t *block;
	int r = 0;

	while (r >= 0 && size >= PCAPNG_HEAD_BYTES) {
		bytes = pcapng_block_bytes(&p, data, &why);
		if (!bytes || bytes > size)
			break;
		block = malloc(bytes); /* its own, for sanitizers to watch */
		memcpy(block, data, bytes);
		r = pcapng_take(&p, block, bytes, &record, &why);
		if (r == 1)
			check(&p, block, bytes, &record);
		free(block);
		data += bytes;
		size -= bytes;
	}
	expect(r >= 0 || (why && *why), "refused without a word");
	pcapng_fini(&p);
	return 0;
}
