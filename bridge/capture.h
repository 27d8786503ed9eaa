/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One capture file, of whichever format, as a row of records.
 *
 * Damage behind which no next record can be found ends the file with -EBADMSG.
 * What is odd and leaves the record whole is warned of once a kind, counted,
 * and read on: more bytes than the snap length or than the frame had, times
 * that run backwards on one interface. Memory is bounded by the longest record,
 * 16 MiB.
 */
#ifndef BUMPWIRE_CAPTURE_H
#define BUMPWIRE_CAPTURE_H

#include "capture_record.h"

struct capture;

/* "-" is stdin; stop_fd as for stream_open(), or -1. 0, or -errno (logged):
 * cannot be read, is no capture. */
int capture_open(struct capture **cp, const char *path, int stop_fd);
void capture_close(struct capture *c);

/* 1: a record; 0: the end; -EBADMSG: damage (logged, with file and offset);
 * other -errno (logged). Behind an error there is nothing but that error. */
int capture_next(struct capture *c, struct capture_record *record);

/* Interfaces named so far, and one of them, which moves at the next call of
 * capture_next(). */
uint32_t capture_n_interfaces(const struct capture *c);
const struct capture_interface *capture_interface(const struct capture *c,
						  uint32_t i);

/* As libpcap knows it: "EN10MB", "LINUX_SLL"; or "unknown". */
const char *capture_linktype_name(uint16_t linktype);

/* It is a pipe that has nothing to give just now. */
bool capture_is_idle(const struct capture *c);

/* Part of the file that was read, 0 to 1; below 0: unknown. */
double capture_progress(const struct capture *c);

/* Warnings so far, those that were not printed, too. */
uint64_t capture_n_oddities(const struct capture *c);

#endif
