/* SPDX-License-Identifier: BSD-2-Clause */
/* A BPF program from a file, as tcpdump -ddd prints it; for filter.c. */
#ifndef BUMPWIRE_FILTER_FILE_H
#define BUMPWIRE_FILTER_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct bpf_program;

/* Fill an empty program, which pcap_freecode() frees: one that ends, that
 * bpf_filter() knows each instruction of, and that asks for nothing but the
 * frame. 0, or -EINVAL: not logged, `why` says it. */
int filter_file_load(const char *path, struct bpf_program *program, char *why,
		     size_t size);

#endif
