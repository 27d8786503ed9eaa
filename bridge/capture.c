/* SPDX-License-Identifier: BSD-2-Clause */
/* See capture.h: which format it is, what is odd in it, and where. */
#include "config.h"

#include <errno.h>
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
	uint64_t last_ns;
	uint64_t oddities[ODDITIES];
};

/* ---- pcapng ---- */

static int damage(const struct capture *c, uint64_t offset, const char *what)
{
	log_err("%s: offset %llu: %s", stream_name(c->stream),
		(unsigned long long)offset, what);
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

/* A whole block into c->block: 1, 0 at the end, or -errno. */
static int read_block(struct capture *c, uint32_t *bytes)
{
	uint64_t offset = stream_offset(c->stream);
	const char *why = "ends in the head of a block";
	uint8_t head[PCAPNG_HEAD_BYTES];
	ssize_t n = stream_read(c->stream, head, sizeof(head));

	if (n <= 0)
		return (int)n;
	if (n < (ssize_t)sizeof(head))
		return damage(c, offset, why);
	*bytes = pcapng_block_bytes(&c->pcapng, head, &why);
	if (!*bytes)
		return damage(c, offset, why);
	if (block_room(c, *bytes))
		return -ENOMEM;
	memcpy(c->block, head, sizeof(head));
	n = stream_read(c->stream, c->block + sizeof(head),
			*bytes - sizeof(head));
	if (n < 0)
		return (int)n;
	if ((size_t)n != *bytes - sizeof(head))
		return damage(c, offset, "ends in the middle of a block");
	return 1;
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
			return damage(c, offset, why);
		if (!r)
			continue;
		record->offset = offset;
		if (r == 1 && record->time_ns == PCAPNG_NO_TIME)
			record->time_ns = c->last_ns;
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
		[ODD_TIME] = "is earlier than the one before",
	};

	if (c->oddities[what]++)
		return;
	log_warn("%s: offset %llu: frame %llu %s (%u bytes, length %u, snap "
		 "length %u); others like it are not reported",
		 stream_name(c->stream), (unsigned long long)r->offset,
		 (unsigned long long)r->number, text[what], r->caplen, r->len,
		 capture_interface(c, r->interface)->snaplen);
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
	if (r->time_ns < c->last_ns)
		odd(c, ODD_TIME, r);
	c->last_ns = r->time_ns;
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
	uint32_t magic = 0;
	ssize_t n = stream_peek(c->stream, &magic, sizeof(magic));

	if (n < 0)
		return (int)n;
	if (n == sizeof(magic) && magic == PCAPNG_MAGIC)
		return 0;
	if (n == sizeof(magic) && is_pcap(magic))
		return pcap_file_open(&c->pcap, c->stream, &c->told);
	log_err("%s: is neither pcap nor pcapng", stream_name(c->stream));
	return -EBADMSG;
}

int capture_open(struct capture **cp, const char *path)
{
	struct capture *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	r = stream_open(&c->stream, path);
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
	int r = c->pcap ? pcap_file_next(c->pcap, record) :
			  next_of_pcapng(c, record);

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
