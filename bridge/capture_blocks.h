/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pieces of a capture file, laid out in memory: pcapng's blocks, or what
 * pcap has instead. Little-endian on every machine; the caller has the room
 * that each of them names. Pure.
 *
 * pcap: https://www.tcpdump.org/manpages/pcap-savefile.5.html
 * pcapng: draft-ietf-opsawg-pcapng, sections 3.5, 4.1, 4.2, 4.3 and 4.6
 */
#ifndef BUMPWIRE_CAPTURE_BLOCKS_H
#define BUMPWIRE_CAPTURE_BLOCKS_H

#include "capture_record.h"

#define CAPTURE_SNAP_BYTES 262144 /* what libpcap calls enough for everything */

/* An interface as a file tells of it. */
struct capture_source {
	const char *name;
	const char *description; /* or NULL */
	const char *filter;      /* of libpcap, what is left out by it; or NULL */
};

/* Of an interface, for the time that a file covers. */
struct capture_statistics {
	uint32_t interface;
	uint64_t from_ns, to_ns;   /* since 1970 */
	uint64_t received_frames;  /* delivered and lost */
	uint64_t lost_frames;
	uint64_t delivered_frames; /* those in the file */
};

/* What a file begins with: of a pcap file all there is, of a pcapng one the
 * section's head, before its interfaces. Bytes. */
#define CAPTURE_HEAD_MAX 128
uint32_t capture_put_head(uint8_t *to, bool pcapng, uint32_t snap_bytes);

/* The next interface, of pcapng. Texts that are longer than one can believe
 * are cut (names) or left out. Bytes. */
#define CAPTURE_SOURCE_MAX 2048
uint32_t capture_put_source(uint8_t *to, const struct capture_source *source,
			    uint32_t snap_bytes);

/*
 * A frame. `lost` are those of its interface that are missing between the one
 * before it and this one; pcap has no place for them, nor for interface and
 * direction. Bytes: at most CAPTURE_FRAME_MORE beyond caplen.
 */
#define CAPTURE_FRAME_MORE 64
uint32_t capture_put_frame(uint8_t *to, bool pcapng,
			   const struct capture_record *r, uint64_t lost);

/* The end of an interface's story, of pcapng. Bytes. */
#define CAPTURE_STATISTICS_MAX 96
uint32_t capture_put_statistics(uint8_t *to, const struct capture_statistics *s);

/* How many of the n bytes are whole blocks, from the first one on. `head`: a
 * pcap file's head is the first. */
uint32_t capture_whole_bytes(const uint8_t *from, uint32_t n, bool pcapng,
			     bool head);

/* Frames in the n bytes, which are whole blocks. */
uint32_t capture_count_frames(const uint8_t *from, uint32_t n, bool pcapng,
			      bool head);

#endif
