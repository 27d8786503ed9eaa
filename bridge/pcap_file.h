/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The classic pcap format, by libpcap: either byte order, micro- and
 * nanoseconds, and the variants that there were. Besides filter.c the only
 * place that knows pcap.h.
 */
#ifndef BUMPWIRE_PCAP_FILE_H
#define BUMPWIRE_PCAP_FILE_H

#include "capture.h"
#include "stream.h"

struct pcap_file;

/* What the file says of itself goes to *told. The stream stays the caller's.
 * 0, or -errno (logged). */
int pcap_file_open(struct pcap_file **fp, struct stream *stream,
		   struct capture_interface *told);
void pcap_file_close(struct pcap_file *f);

/* As capture_next(); the number is not set. */
int pcap_file_next(struct pcap_file *f, struct capture_record *record);

const char *pcap_file_linktype_name(uint16_t linktype);

/* libpcap's name and version, as it runs. */
const char *pcap_file_library(void);

#endif
