/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies go into capture files: pcapng if the path ends so, with what was lost
 * told in it, else pcap with nanoseconds.
 *
 * How files are called and how many are kept: tap_folder.h. They have whole
 * blocks only, and are flushed at each tick, so that after a kill -9 what is
 * there can be read; the machine's own crash may cost what the kernel had not
 * yet written, for nothing here waits for the disk (no fsync). While the disk
 * is full copies are lost; that is logged once, and once when it is over.
 */
#ifndef BUMPWIRE_TAP_FILE_H
#define BUMPWIRE_TAP_FILE_H

#include "tap_params.h"
#include "tap_sink.h"

/* params->to is the path: of a file, or of a device such as /dev/null, which
 * is written as it is and never rotated. They must live as long as the sink. 0 or
 * -errno (logged). -EBUSY: another tap writes there. */
int tap_file_open(struct tap_sink **sinkp, const struct tap_params *params);

#endif
