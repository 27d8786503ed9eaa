/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes of a file or of stdin in order, whether or not they are packed by
 * gzip or zstd, which is told by their first bytes and not by the name. Behind
 * this header, and nowhere else, stand zlib and libzstd.
 */
#ifndef BUMPWIRE_STREAM_H
#define BUMPWIRE_STREAM_H

#include <stdbool.h>
#include <sys/types.h>

#include "base.h"

struct stream;

/*
 * "-" is stdin. 0, or -errno (logged): no such file, a directory, empty.
 *
 * Who reads a pipe waits for whoever writes it, until `stop_fd` is readable
 * (-1: for ever): then there is nothing more, by -ECANCELED, not logged.
 */
int stream_open(struct stream **sp, const char *path, int stop_fd);
void stream_close(struct stream *s);

/*
 * Up to n bytes, fewer only at the end. Their number, or -EBADMSG (packed data
 * is damaged or ends early), -EIO or the like (logged, with file and offset);
 * what came before the damage is given first.
 */
ssize_t stream_read(struct stream *s, void *to, size_t n);

/* The same, but of a pipe no more than there is now, and at least a byte. */
ssize_t stream_read_some(struct stream *s, void *to, size_t n);

/* The next n bytes without taking them, n up to STREAM_PEEK_BYTES; how many
 * there are before the end or a fault, or as stream_read(). */
#define STREAM_PEEK_BYTES 64
ssize_t stream_peek(struct stream *s, void *to, size_t n);

/*
 * Log what is wrong with the bytes that were given out, at this offset of
 * unpacked ones. A fault that is known to follow is told in the same line, as
 * it may be the cause: of damaged packed data the first bytes are but garbled.
 */
void stream_complain(struct stream *s, uint64_t offset, const char *what);

/* A pipe that has nothing to give just now: a read would wait. */
bool stream_is_idle(const struct stream *s);

const char *stream_name(const struct stream *s); /* "standard input" for "-" */
uint64_t stream_offset(const struct stream *s);  /* of unpacked bytes */

/* How much of the file was read, 0 to 1; below 0: unknown. */
double stream_progress(const struct stream *s);

#endif
