/* SPDX-License-Identifier: BSD-2-Clause */
/* See stream.h. One buffer of packed bytes as they are read, and one of plain
 * ones, which are the same where nothing is packed. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

#include "log.h"
#include "stream.h"

#define BUFFER_BYTES (256u << 10)
/* What unpacking zstd may take: 32 MiB, which is up to `zstd -20`. A file may
 * ask for up to 2 GiB, and memory is promised to stay within 64 MiB. */
#define ZSTD_WINDOW_LOG_MAX 25
#define FAULT_TEXT_BYTES 256

struct unpacker;

struct stream {
	char *name;
	int fd;
	int stop_fd;
	uint64_t size;     /* of the file; 0: a pipe, or the like */
	uint64_t consumed; /* of the file */
	uint64_t offset;   /* of unpacked bytes, given out */
	const struct unpacker *unpacker; /* NULL: nothing is packed */
	z_stream gzip;
	ZSTD_DStream *zstd;
	bool in_member; /* between the start and the end of a packed piece */
	bool ended;     /* the file has no more bytes */
	int fault;      /* told when all before it is given out */
	const char *why;   /* of the fault; NULL: what errno says */
	uint64_t fault_at; /* in the file; of packed bytes, if they are */
	bool told;
	uint8_t *packed; /* NULL: nothing is packed */
	size_t packed_at, packed_n;
	uint8_t *plain;
	size_t plain_at, plain_n;
};

/* Unpack what lies in `packed` to the end of `plain`, which has room. 0 or
 * -EBADMSG; *why says so. */
struct unpacker {
	uint8_t magic[4];
	size_t magic_bytes;
	int (*start)(struct stream *s);
	int (*unpack)(struct stream *s, const char **why);
	void (*end)(struct stream *s);
};

/* ---- gzip ---- */

static int gzip_start(struct stream *s)
{
	return inflateInit2(&s->gzip, 16 + MAX_WBITS) == Z_OK ? 0 : -ENOMEM;
}

static int gzip_unpack(struct stream *s, const char **why)
{
	int r;

	if (!s->in_member) /* members may follow each other: RFC 1952, 2.2 */
		inflateReset(&s->gzip);
	s->gzip.next_in = s->packed + s->packed_at;
	s->gzip.avail_in = (uInt)(s->packed_n - s->packed_at);
	s->gzip.next_out = s->plain + s->plain_n;
	s->gzip.avail_out = (uInt)(BUFFER_BYTES - s->plain_n);
	r = inflate(&s->gzip, Z_NO_FLUSH);
	s->packed_at = s->packed_n - s->gzip.avail_in;
	s->plain_n = BUFFER_BYTES - s->gzip.avail_out;
	s->in_member = r != Z_STREAM_END;
	if (r == Z_OK || r == Z_STREAM_END || r == Z_BUF_ERROR)
		return 0;
	*why = s->gzip.msg ? s->gzip.msg : "not gzip";
	return -EBADMSG;
}

static void gzip_end(struct stream *s)
{
	inflateEnd(&s->gzip);
}

/* ---- zstd ---- */

static int zstd_start(struct stream *s)
{
	s->zstd = ZSTD_createDStream();
	if (!s->zstd)
		return -ENOMEM;
	ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax,
			       ZSTD_WINDOW_LOG_MAX);
	return 0;
}

static int zstd_unpack(struct stream *s, const char **why)
{
	ZSTD_inBuffer in = { s->packed, s->packed_n, s->packed_at };
	ZSTD_outBuffer out = { s->plain, BUFFER_BYTES, s->plain_n };
	size_t r = ZSTD_decompressStream(s->zstd, &out, &in);

	s->packed_at = in.pos;
	s->plain_n = out.pos;
	if (ZSTD_isError(r)) {
		*why = ZSTD_getErrorName(r);
		return -EBADMSG;
	}
	s->in_member = r != 0;
	return 0;
}

static void zstd_end(struct stream *s)
{
	ZSTD_freeDStream(s->zstd);
}

static const struct unpacker unpackers[] = {
	{ { 0x1f, 0x8b }, 2, gzip_start, gzip_unpack, gzip_end },
	{ { 0x28, 0xb5, 0x2f, 0xfd }, 4, zstd_start, zstd_unpack, zstd_end },
	/* pzstd begins with a frame to skip: RFC 8878, 3.1.2 */
	{ { 0x50, 0x2a, 0x4d, 0x18 }, 4, zstd_start, zstd_unpack, zstd_end },
};

/* ---- reading ---- */

/* Wait for a pipe; false: somebody called it off. */
static bool wait_for_bytes(const struct stream *s)
{
	struct pollfd pfd[] = {
		{ .fd = s->fd, .events = POLLIN },
		{ .fd = s->stop_fd, .events = POLLIN },
	};

	while (poll(pfd, ARRAY_SIZE(pfd), -1) < 0 && errno == EINTR)
		;
	return !pfd[1].revents;
}

bool stream_is_idle(const struct stream *s)
{
	struct pollfd pfd = { .fd = s->fd, .events = POLLIN };

	return !s->size && !s->ended && s->plain_at == s->plain_n &&
	       s->packed_at == s->packed_n && !poll(&pfd, 1, 0);
}

/* Fill a buffer from the file; 0 at its end, or a fault. */
static int fill(struct stream *s, uint8_t *buffer, size_t room, size_t *n)
{
	ssize_t got = 0;

	*n = 0;
	while (*n < room && !s->ended && !s->fault) {
		if (!s->size && !wait_for_bytes(s)) {
			s->fault = -ECANCELED;
			s->told = true;
			break;
		}
		got = read(s->fd, buffer + *n, room - *n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			s->fault = -errno;
			s->fault_at = s->consumed + *n;
		} else if (!got) {
			s->ended = true;
		} else {
			*n += (size_t)got;
			if (!s->size) /* a pipe: what is there is there now */
				break;
		}
	}
	s->consumed += *n;
	return s->fault;
}

/* Add plain bytes to those that wait, unless there are no more. */
static void unpack(struct stream *s)
{
	const size_t had = s->plain_n;
	const char *why = NULL;

	while (s->plain_n == had && !s->fault) {
		if (s->packed_at == s->packed_n) {
			s->packed_at = 0;
			if (fill(s, s->packed, BUFFER_BYTES, &s->packed_n))
				return;
		}
		if (s->packed_at == s->packed_n && !s->in_member)
			return; /* the end, and a good one */
		if (s->unpacker->unpack(s, &why)) {
			s->fault = -EBADMSG;
		} else if (s->plain_n == had && s->packed_at == s->packed_n &&
			   s->ended && s->in_member) {
			why = "ends in the middle of packed data";
			s->fault = -EBADMSG;
		}
	}
	if (why) {
		s->why = why;
		s->fault_at = s->consumed - s->packed_n + s->packed_at;
	}
}

/* Have plain bytes, unless there are no more. */
static void refill(struct stream *s)
{
	if (s->plain_at < s->plain_n || s->fault)
		return;
	s->plain_at = s->plain_n = 0;
	if (s->unpacker)
		unpack(s);
	else
		fill(s, s->plain, BUFFER_BYTES, &s->plain_n);
}

static void fault_text(const struct stream *s, char *text, size_t size)
{
	snprintf(text, size, "offset %llu%s: %s",
		 (unsigned long long)s->fault_at,
		 s->unpacker ? " of the packed file" : "",
		 s->why ? s->why : strerror(-s->fault));
}

/* A fault is logged when it is met, not when it is seen coming: of the bytes
 * before it somebody may find something else to say first. */
static int tell_fault(struct stream *s)
{
	char text[FAULT_TEXT_BYTES];

	fault_text(s, text, sizeof(text));
	if (!s->told)
		log_err("%s: %s", s->name, text);
	s->told = true;
	return s->fault;
}

void stream_complain(struct stream *s, uint64_t offset, const char *what)
{
	char text[FAULT_TEXT_BYTES] = "";

	if (s->fault && !s->told)
		fault_text(s, text, sizeof(text));
	s->told = true;
	log_err("%s: offset %llu: %s%s%s", s->name, (unsigned long long)offset,
		what, *text ? "; " : "", text);
}

ssize_t stream_read_some(struct stream *s, void *to, size_t n)
{
	size_t have;

	refill(s);
	have = s->plain_n - s->plain_at;
	if (!have && s->fault)
		return tell_fault(s);
	if (have > n)
		have = n;
	memcpy(to, s->plain + s->plain_at, have);
	s->plain_at += have;
	s->offset += have;
	return (ssize_t)have;
}

ssize_t stream_read(struct stream *s, void *to, size_t n)
{
	ssize_t done = 0, part;

	while ((size_t)done < n) {
		part = stream_read_some(s, (uint8_t *)to + done,
					n - (size_t)done);
		if (part <= 0)
			return done ? done : part;
		done += part;
	}
	return done;
}

ssize_t stream_peek(struct stream *s, void *to, size_t n)
{
	size_t have, more;

	refill(s);
	have = s->plain_n - s->plain_at;
	memmove(s->plain, s->plain + s->plain_at, have); /* makes room */
	s->plain_at = 0;
	s->plain_n = have;
	/* A pipe may give a few bytes at a time, and so may a packed piece. */
	for (more = 1; have < n && more && !s->fault; have = s->plain_n) {
		if (s->unpacker) {
			unpack(s);
			more = s->plain_n - have;
		} else {
			fill(s, s->plain + have, BUFFER_BYTES - have, &more);
			s->plain_n += more;
		}
	}
	if (have > n)
		have = n;
	memcpy(to, s->plain + s->plain_at, have);
	return have || !s->fault ? (ssize_t)have : tell_fault(s);
}

/* ---- the object ---- */

static int complain(const struct stream *s, int r, const char *what)
{
	log_err("%s: %s", s->name, what ? what : strerror(-r));
	return r;
}

static int open_file(struct stream *s, const char *path)
{
	struct stat st;

	if (!strcmp(path, "-")) {
		s->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
		return s->fd < 0 ? complain(s, -errno, NULL) : 0;
	}
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st))
		return complain(s, -errno, NULL);
	if (S_ISDIR(st.st_mode))
		return complain(s, -EISDIR, "is a directory, not a capture");
	if (S_ISREG(st.st_mode)) {
		if (!st.st_size)
			return complain(s, -ENODATA, "is empty");
		s->size = (uint64_t)st.st_size;
		posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	}
	return 0;
}

/* What is there already is packed: move it over, and unpack from then on. */
static int start_unpacking(struct stream *s, const struct unpacker *unpacker)
{
	s->packed = s->plain;
	s->packed_n = s->plain_n;
	s->plain_n = 0;
	s->plain = malloc(BUFFER_BYTES);
	if (!s->plain || unpacker->start(s))
		return complain(s, -ENOMEM, NULL);
	s->unpacker = unpacker;
	s->in_member = true;
	return 0;
}

static int stream_init(struct stream *s, const char *path)
{
	uint8_t magic[4];
	ssize_t n;
	int r;

	s->name = strdup(strcmp(path, "-") ? path : "standard input");
	s->plain = malloc(BUFFER_BYTES);
	if (!s->name || !s->plain)
		return -ENOMEM;
	r = open_file(s, path);
	if (r)
		return r;
	n = stream_peek(s, magic, sizeof(magic));
	if (n < 0)
		return (int)n;
	if (!n)
		return complain(s, -ENODATA, "is empty");
	for (size_t i = 0; i < ARRAY_SIZE(unpackers); i++)
		if ((size_t)n >= unpackers[i].magic_bytes &&
		    !memcmp(magic, unpackers[i].magic,
			    unpackers[i].magic_bytes))
			return start_unpacking(s, &unpackers[i]);
	return 0;
}

int stream_open(struct stream **sp, const char *path, int stop_fd)
{
	struct stream *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->fd = -1;
	s->stop_fd = stop_fd;
	r = stream_init(s, path);
	if (r) {
		stream_close(s);
		return r;
	}
	*sp = s;
	return 0;
}

void stream_close(struct stream *s)
{
	if (!s)
		return;
	if (s->unpacker)
		s->unpacker->end(s);
	close_fd(&s->fd);
	free(s->packed);
	free(s->plain);
	free(s->name);
	free(s);
}

const char *stream_name(const struct stream *s)
{
	return s->name;
}

uint64_t stream_offset(const struct stream *s)
{
	return s->offset;
}

double stream_progress(const struct stream *s)
{
	uint64_t waiting = s->packed_n - s->packed_at;

	if (!s->size)
		return -1;
	if (!s->packed)
		waiting = s->plain_n - s->plain_at;
	return (double)(s->consumed - waiting) / (double)s->size;
}
