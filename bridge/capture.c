/* SPDX-License-Identifier: BSD-2-Clause */
/* See capture.h: which format it is, what is odd in it, and where. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture.h"
#include "log.h"
#include "pcap_file.h"
#include "pcapng.h"
#include "stream.h"

enum oddity { ODD_SNAPLEN, ODD_LENGTH, ODD_TIME, ODDITIES };

struct capture {
	struct stream *stream;
	struct pcap_file *pcap; /* NULL: pcapng */
	struct capture_interface told; /* of a pcap file, its only one */
	struct pcapng pcapng;
	uint8_t *block;
	uint32_t block_room;
	uint64_t number;
	uint64_t last_ns; /* of the file */
	int fault; /* that ended it */
	uint64_t oddities[ODDITIES];
};

/* ---- pcapng ---- */

static int damage(const struct capture *c, uint64_t offset, const char *what)
{
	stream_complain(c->stream, offset, what);
	return -EBADMSG;
}

static int block_room(struct capture *c, uint32_t bytes)
{
	uint32_t room = c->block_room ? c->block_room : 4096;
	uint8_t *block;

	while (room < bytes)
		room *= 2;
	if (room == c->block_room)
		return 0;
	block = realloc(c->block, room);
	if (!block) {
		log_err("%s: a block of %u bytes: %s", stream_name(c->stream),
			bytes, strerror(ENOMEM));
		return -ENOMEM;
	}
	c->block = block;
	c->block_room = room;
	return 0;
}

/* Bytes that ought to be there: 0; -ENODATA: the file ends before; or a fault
 * of the stream, which gives what it has first and has said why. */
static int read_whole(struct capture *c, uint8_t *to, size_t bytes, size_t *had)
{
	ssize_t n = stream_read(c->stream, to, bytes);

	*had = n > 0 ? (size_t)n : 0;
	if (n > 0 && *had < bytes)
		n = stream_read(c->stream, to + *had, bytes - *had);
	if (n < 0)
		return (int)n;
	return *had < bytes ? -ENODATA : 0;
}

/* A block of which more is known than where it is. */
static int damaged_block(const struct capture *c, uint64_t offset,
			 const uint8_t *head, size_t had, const char *what)
{
	uint32_t word[2];
	char text[256];

	memcpy(word, head, sizeof(word));
	for (size_t i = 0; c->pcapng.swapped && i < ARRAY_SIZE(word); i++)
		word[i] = __builtin_bswap32(word[i]);
	snprintf(text, sizeof(text), "%s (block type %#x, length %u; the file "
		 "has %zu bytes of it)", what, word[0], word[1], had);
	return damage(c, offset, text);
}

/* A whole block into c->block: 1, 0 at the end, or -errno. */
static int read_block(struct capture *c, uint32_t *bytes)
{
	uint64_t offset = stream_offset(c->stream);
	const char *why = "ends in the head of a block";
	uint8_t head[PCAPNG_HEAD_BYTES];
	size_t had;
	int r = read_whole(c, head, sizeof(head), &had);

	if (r == -ENODATA)
		return had ? damage(c, offset, why) : 0;
	if (r)
		return r;
	*bytes = pcapng_block_bytes(&c->pcapng, head, &why);
	if (!*bytes)
		return damaged_block(c, offset, head, had, why);
	if (block_room(c, *bytes))
		return -ENOMEM;
	memcpy(c->block, head, sizeof(head));
	r = read_whole(c, c->block + sizeof(head), *bytes - sizeof(head), &had);
	if (r == -ENODATA)
		return damaged_block(c, offset, head, sizeof(head) + had,
				     "ends in the middle of a block");
	return r ? r : 1;
}

static int next_of_pcapng(struct capture *c, struct capture_record *record)
{
	const char *why = "";
	uint64_t offset;
	uint32_t bytes = 0;
	int r;

	for (;;) {
		offset = stream_offset(c->stream);
		r = read_block(c, &bytes);
		if (r != 1)
			return r;
		r = pcapng_take(&c->pcapng, c->block, bytes, record, &why);
		if (r == -EBADMSG)
			return damaged_block(c, offset, c->block, bytes,
					     why);
		if (r < 0) {
			log_err("%s: offset %llu: an interface: %s",
				stream_name(c->stream),
				(unsigned long long)offset, strerror(-r));
			return r;
		}
		if (!r)
			continue;
		record->offset = offset;
		return r;
	}
}

/* ---- what is odd ---- */

static void odd(struct capture *c, enum oddity what,
		const struct capture_record *r)
{
	static const char *const text[ODDITIES] = {
		[ODD_SNAPLEN] = "has more bytes than the snap length",
		[ODD_LENGTH] = "has more bytes than its length says; they are "
			       "taken",
		[ODD_TIME] = "is earlier than the one before on its "
			     "interface",
	};

	if (c->oddities[what]++)
		return;
	log_warn("%s: offset %llu: frame %llu %s (%u bytes, length %u, snap "
		 "length %u); others like it are not reported",
		 stream_name(c->stream), (unsigned long long)r->offset,
		 (unsigned long long)r->number, text[what], r->caplen, r->len,
		 capture_interface(c, r->interface)->snaplen);
}

/* Interfaces are written as they come, so that only on one of them times run
 * forwards. A simple packet has no time: it gets that of the one before. */
static void look_at_time(struct capture *c, struct capture_record *r)
{
	uint64_t *last_ns = &c->last_ns;

	if (!c->pcap)
		last_ns = &c->pcapng.interface[r->interface].last_ns;
	if (r->time_ns == PCAPNG_NO_TIME) {
		r->time_ns = c->last_ns;
		return;
	}
	if (r->time_ns < *last_ns)
		odd(c, ODD_TIME, r);
	c->last_ns = *last_ns = r->time_ns;
}

static void look_for_oddities(struct capture *c, struct capture_record *r)
{
	uint32_t snaplen = capture_interface(c, r->interface)->snaplen;

	if (snaplen && r->caplen > snaplen)
		odd(c, ODD_SNAPLEN, r);
	if (r->caplen > r->len) {
		odd(c, ODD_LENGTH, r);
		r->len = r->caplen;
	}
	look_at_time(c, r);
}

/* ---- the object ---- */

static bool is_pcap(uint32_t magic)
{
	static const uint32_t magics[] = { 0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34 };

	for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
		if (magic == magics[i] || magic == __builtin_bswap32(magics[i]))
			return true;
	return false;
}

static int find_format(struct capture *c)
{
	uint8_t start[sizeof(uint32_t)];
	uint32_t magic = 0;
	size_t had;
	ssize_t n = stream_peek(c->stream, &magic, sizeof(magic));

	if (n > 0 && n < (ssize_t)sizeof(magic)) {
		int r = read_whole(c, start, sizeof(start), &had);

		if (r < 0 && r != -ENODATA)
			return r; /* of the bytes behind these */
	}
	if (n < 0)
		return (int)n;
	if (n == sizeof(magic) && magic == PCAPNG_MAGIC)
		return 0;
	if (n == sizeof(magic) && is_pcap(magic))
		return pcap_file_open(&c->pcap, c->stream, &c->told);
	log_err(n ? "%s: is neither pcap nor pcapng" : "%s: is empty, unpacked",
		stream_name(c->stream));
	return -EBADMSG;
}

int capture_open(struct capture **cp, const char *path, int stop_fd)
{
	struct capture *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	r = stream_open(&c->stream, path, stop_fd);
	if (!r)
		r = find_format(c);
	if (r) {
		capture_close(c);
		return r;
	}
	*cp = c;
	return 0;
}

void capture_close(struct capture *c)
{
	if (!c)
		return;
	pcap_file_close(c->pcap);
	pcapng_fini(&c->pcapng);
	stream_close(c->stream);
	free(c->block);
	free(c);
}

int capture_next(struct capture *c, struct capture_record *record)
{
	int r;

	if (c->fault)
		return c->fault;
	r = c->pcap ? pcap_file_next(c->pcap, record) :
		      next_of_pcapng(c, record);
	if (r < 0)
		c->fault = r;
	if (r != 1)
		return r;
	record->number = ++c->number;
	look_for_oddities(c, record);
	return 1;
}

uint32_t capture_n_interfaces(const struct capture *c)
{
	return c->pcap ? 1 : c->pcapng.n_interfaces;
}

const struct capture_interface *capture_interface(const struct capture *c,
						  uint32_t i)
{
	return c->pcap ? &c->told : &c->pcapng.interface[i].told;
}

const char *capture_linktype_name(uint16_t linktype)
{
	return pcap_file_linktype_name(linktype);
}

bool capture_is_idle(const struct capture *c)
{
	return stream_is_idle(c->stream);
}

double capture_progress(const struct capture *c)
{
	return stream_progress(c->stream);
}

uint64_t capture_n_oddities(const struct capture *c)
{
	uint64_t n = 0;

	for (int i = 0; i < ODDITIES; i++)
		n += c->oddities[i];
	return n;
}
