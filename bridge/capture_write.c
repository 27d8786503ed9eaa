/* SPDX-License-Identifier: BSD-2-Clause */
/* See capture_write.h. A block is laid out in the buffer, or not at all; the
 * buffer holds more than the largest one. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "capture_write.h"
#include "clock.h"
#include "log.h"
#include "tx.h"

#define BUFFER_BYTES (256 << 10)
#define SNAPLEN 262144 /* what libpcap calls enough for everything */
#define LINKTYPE_ETHERNET 1
#define NAME_BYTES_MAX 255

#define PCAP_MAGIC_NS 0xa1b23c4d

#define BLOCK_SECTION 0x0a0d0d0a
#define BLOCK_INTERFACE 1
#define BLOCK_FRAME 6
#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define SECTION_OPENED UINT64_MAX /* its length is not known */
#define OPTION_END 0
#define OPTION_USERAPPL 4
#define OPTION_IF_NAME 2
#define OPTION_IF_TSRESOL 9

struct capture_writer {
	struct port port;
	char *path; /* as in messages */
	int fd;
	int error; /* 0, or the -errno that ended it */
	bool pcapng;
	uint32_t n_interfaces;
	uint32_t used;
	uint8_t buffer[BUFFER_BYTES];
};

/* ---- bytes ---- */

static int fail(struct capture_writer *w, int error, const char *why)
{
	log_err("%s: %s: the file is not whole", w->path, why);
	return w->error = -error;
}

static int drain(struct capture_writer *w)
{
	uint32_t done = 0;

	if (w->error)
		return w->error;
	while (done < w->used) {
		ssize_t n = write(w->fd, w->buffer + done, w->used - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(w, errno, strerror(errno));
		done += (uint32_t)n;
	}
	w->used = 0;
	return 0;
}

/* Room for a block of so many bytes, at most BUFFER_BYTES. */
static int reserve(struct capture_writer *w, uint32_t bytes)
{
	if (likely(bytes <= BUFFER_BYTES - w->used))
		return 0;
	return drain(w);
}

static void put_16(struct capture_writer *w, uint32_t value)
{
	w->buffer[w->used++] = (uint8_t)value;
	w->buffer[w->used++] = (uint8_t)(value >> 8);
}

static void put_32(struct capture_writer *w, uint32_t value)
{
	put_16(w, value);
	put_16(w, value >> 16);
}

/* pcapng fills all up to 32 bits. */
static uint32_t padded(uint32_t bytes)
{
	return (bytes + 3) & ~3u;
}

static void put_bytes(struct capture_writer *w, const void *from, uint32_t n)
{
	memcpy(w->buffer + w->used, from, n);
	w->used += n;
}

static void put_padded(struct capture_writer *w, const void *from, uint32_t n)
{
	put_bytes(w, from, n);
	memset(w->buffer + w->used, 0, padded(n) - n);
	w->used += padded(n) - n;
}

static void put_option(struct capture_writer *w, uint32_t code,
		       const void *value, uint32_t n)
{
	put_16(w, code);
	put_16(w, n);
	put_padded(w, value, n);
}

/* ---- what files begin with ---- */

static void put_pcap_header(struct capture_writer *w)
{
	put_32(w, PCAP_MAGIC_NS);
	put_16(w, 2); /* version 2.4 */
	put_16(w, 4);
	put_32(w, 0); /* offset to UTC, and accuracy: nobody used them */
	put_32(w, 0);
	put_32(w, SNAPLEN);
	put_32(w, LINKTYPE_ETHERNET);
}

static void put_section(struct capture_writer *w)
{
	static const char by[] = PACKAGE_STRING;
	uint32_t total = 28 + 4 + padded(sizeof(by) - 1) + 4;

	put_32(w, BLOCK_SECTION);
	put_32(w, total);
	put_32(w, BYTE_ORDER_MAGIC);
	put_16(w, 1); /* version 1.0 */
	put_16(w, 0);
	put_32(w, (uint32_t)SECTION_OPENED);
	put_32(w, (uint32_t)(SECTION_OPENED >> 32));
	put_option(w, OPTION_USERAPPL, by, sizeof(by) - 1);
	put_option(w, OPTION_END, "", 0);
	put_32(w, total);
}

static int put_interface(struct capture_writer *w, const char *name)
{
	static const uint8_t nanoseconds = 9; /* 10^-9 s */
	uint32_t n = (uint32_t)strnlen(name, NAME_BYTES_MAX);
	uint32_t total = 20 + 4 + padded(n) + 8 + 4;
	int r = reserve(w, total);

	if (r)
		return r;
	put_32(w, BLOCK_INTERFACE);
	put_32(w, total);
	put_16(w, LINKTYPE_ETHERNET);
	put_16(w, 0);
	put_32(w, SNAPLEN);
	put_option(w, OPTION_IF_NAME, name, n);
	put_option(w, OPTION_IF_TSRESOL, &nanoseconds, 1);
	put_option(w, OPTION_END, "", 0);
	put_32(w, total);
	return 0;
}

static int put_header(struct capture_writer *w,
		      const char *const *interface_names)
{
	int r = 0;

	if (!w->pcapng) {
		put_pcap_header(w);
		return 0;
	}
	put_section(w);
	for (uint32_t i = 0; !r && i < w->n_interfaces; i++)
		r = put_interface(w, interface_names[i]);
	return r;
}

/* ---- frames ---- */

static int put_pcap_frame(struct capture_writer *w, const struct frame *f,
			  uint64_t time_ns)
{
	int r = reserve(w, 16 + f->len);

	if (r)
		return r;
	if (time_ns / NS_PER_SEC > UINT32_MAX)
		return fail(w, EOVERFLOW, "a time beyond the year 2106 goes "
			    "into pcapng only");
	put_32(w, (uint32_t)(time_ns / NS_PER_SEC));
	put_32(w, (uint32_t)(time_ns % NS_PER_SEC));
	put_32(w, f->len);
	put_32(w, f->len);
	put_bytes(w, f->data, f->len);
	return 0;
}

static int put_pcapng_frame(struct capture_writer *w, const struct frame *f,
			    uint64_t time_ns, uint32_t interface)
{
	uint32_t total = 32 + padded(f->len);
	int r = reserve(w, total);

	if (r)
		return r;
	put_32(w, BLOCK_FRAME);
	put_32(w, total);
	put_32(w, interface);
	put_32(w, (uint32_t)(time_ns >> 32));
	put_32(w, (uint32_t)time_ns);
	put_32(w, f->len);
	put_32(w, f->len);
	put_padded(w, f->data, f->len);
	put_32(w, total);
	return 0;
}

int capture_write_frame(struct capture_writer *w, const struct frame *f,
			uint64_t time_ns, uint32_t interface)
{
	if (unlikely(w->error))
		return w->error;
	if (unlikely(interface >= w->n_interfaces))
		return fail(w, EINVAL, "a frame of an unknown interface");
	if (unlikely(f->len > FRAME_MAX_BYTES))
		return fail(w, EMSGSIZE, "a frame longer than frames can be");
	return w->pcapng ? put_pcapng_frame(w, f, time_ns, interface) :
			   put_pcap_frame(w, f, time_ns);
}

/* ---- the port ---- */

struct capture_writer *capture_write_of_port(struct port *port)
{
	return container_of(port, struct capture_writer, port);
}

static void writer_tx(struct port *port, const struct frame *f, uint32_t n,
		      struct lane_stats *s)
{
	struct capture_writer *w = capture_write_of_port(port);
	uint32_t done = 0;

	while (done < n && !capture_write_frame(w, &f[done], f[done].time_ns,
						f[done].egress))
		done++;
	tx_count(s, f, done);
	stats_drop(s, REASON_TX_ERROR, n - done);
}

static void writer_close(struct port *port)
{
	capture_write_close(capture_write_of_port(port));
}

static const struct port_ops writer_ops = {
	.name = "capture file",
	.tx = writer_tx,
	.close = writer_close,
};

struct port *capture_write_port(struct capture_writer *w)
{
	return &w->port;
}

/* ---- open and close ---- */

static bool is_called_pcapng(const char *path)
{
	static const char end[] = ".pcapng";
	size_t n = strlen(path);

	return n >= sizeof(end) - 1 && !strcmp(path + n + 1 - sizeof(end), end);
}

/* -errno (logged); the writer's own fields are left to close. */
static int open_file(struct capture_writer *w, const char *path)
{
	bool to_stdout = !strcmp(path, "-");
	int r;

	w->path = strdup(to_stdout ? "standard output" : path);
	if (!w->path) {
		log_err("%s: %s", path, strerror(ENOMEM));
		return -ENOMEM;
	}
	w->fd = to_stdout ? STDOUT_FILENO :
			    open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
				 0666);
	if (w->fd >= 0)
		return 0;
	r = -errno;
	log_err("%s: %s", path, strerror(-r));
	return r;
}

int capture_write_open(struct capture_writer **writerp, const char *path,
		       const char *const *interface_names,
		       uint32_t n_interfaces)
{
	struct capture_writer *w = malloc(sizeof(*w));
	int r;

	if (!w) {
		log_err("%s: %s", path, strerror(ENOMEM));
		return -ENOMEM;
	}
	memset(w, 0, offsetof(struct capture_writer, buffer));
	w->fd = -1;
	w->pcapng = is_called_pcapng(path);
	w->n_interfaces = n_interfaces;
	r = open_file(w, path);
	if (!r)
		r = put_header(w, interface_names);
	if (r) {
		w->used = 0;
		capture_write_close(w);
		return r;
	}
	w->port = (struct port){
		.ops = &writer_ops,
		.name = w->path,
		.mtu = FRAME_MAX_BYTES,
		.ready = true,
	};
	*writerp = w;
	return 0;
}

int capture_write_flush(struct capture_writer *w)
{
	return drain(w);
}

int capture_write_close(struct capture_writer *w)
{
	int r;

	if (!w)
		return 0;
	r = w->fd >= 0 ? drain(w) : 0;
	/* Some file systems find only now that there was no room. Linux closes
	 * it on EINTR, too (close(2)). */
	if (w->fd >= 0 && w->fd != STDOUT_FILENO && close(w->fd) && !r &&
	    errno != EINTR)
		r = fail(w, errno, strerror(errno));
	free(w->path);
	free(w);
	return r;
}
