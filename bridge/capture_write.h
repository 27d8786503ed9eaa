/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A capture file that is written: pcapng if it is called so, else pcap with
 * nanoseconds. By hand, as libpcap cannot write pcapng: what it consists of is
 * laid out by capture_blocks.h in a buffer, which holds whole blocks and
 * nothing else.
 */
#ifndef BUMPWIRE_CAPTURE_WRITE_H
#define BUMPWIRE_CAPTURE_WRITE_H

#include "capture_blocks.h"
#include "port.h"

struct capture_writer;

/*
 * Make the file anew; "-" is standard output (pcap). pcapng if the name ends
 * in ".pcapng", with the interfaces by name; a pcap file cannot tell them
 * apart. n_interfaces is at least 1. 0 or -errno (logged).
 */
int capture_write_open(struct capture_writer **writerp, const char *path,
		       const char *const *interface_names,
		       uint32_t n_interfaces);

/*
 * Append a frame as its bytes lie, checksums that are left undone included.
 * time_ns since 1970. 0, or -errno, logged where it happened first: nothing is
 * written any more from then on, and each call returns it again. -EOVERFLOW:
 * pcap has 32 bits for the seconds, which end in 2106.
 */
int capture_write_frame(struct capture_writer *w, const struct frame *f,
			uint64_t time_ns, uint32_t interface);

/*
 * Bring what is buffered into the file. 0, or -errno (logged once) if any byte
 * since open could not be written: then the file is not whole. A frame counts
 * as forwarded once it is in the buffer, so who closes by port_close() asks
 * here first.
 */
int capture_write_flush(struct capture_writer *w);

/* Flush, close and free; as capture_write_flush(). NULL: 0. */
int capture_write_close(struct capture_writer *w);

/*
 * The writer as a port: writes what is sent to it with the frame's time_ns, as
 * of interface `egress`; forwarded, or tx_error once a write has failed. It is
 * part of the writer: port_close() or capture_write_close(), one of the two.
 */
struct port *capture_write_port(struct capture_writer *w);

/* The writer of such a port. */
struct capture_writer *capture_write_of_port(struct port *port);

/* The name ends in ".pcapng". */
bool capture_write_is_pcapng(const char *path);

/*
 * A patient writer is for files that come one after another, and for a disk
 * that is full for a while. It logs nothing and no error is its last: what was
 * not written stays in the buffer, the part of a block that was is cut away
 * again, and the next call tries anew. What finds no room in the buffer then is
 * refused.
 */
struct capture_head {
	bool pcapng;
	uint32_t snap_bytes; /* 0: whole frames */
	const struct capture_source *source;
	uint32_t n_sources;
};

/* Has no file yet. `name` is for messages. 0 or -ENOMEM (logged). */
int capture_write_new(struct capture_writer **writerp, const char *name);

/* Begin a file, which is empty; what was buffered before is gone. The fd stays
 * the caller's. Sources take less than the buffer. */
void capture_write_begin(struct capture_writer *w, int fd,
			 const struct capture_head *head);

/* Append, by any kind of writer; as capture_write_frame(), with `lost` as in
 * capture_put_frame(). */
int capture_write_record(struct capture_writer *w,
			 const struct capture_record *r, uint64_t lost);

/* Append it; a pcap file has no place for it: 0. */
int capture_write_statistics(struct capture_writer *w,
			     const struct capture_statistics *s);

/* Frames that are buffered still. */
uint32_t capture_write_waiting(const struct capture_writer *w);

/* Bytes of the file, those that are buffered still counted. */
uint64_t capture_write_bytes(const struct capture_writer *w);

#endif
