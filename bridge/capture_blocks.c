/* SPDX-License-Identifier: BSD-2-Clause */
/* See capture_blocks.h. Numbers and options are put behind one another; each
 * function returns where the next one goes. */
#include "config.h"

#include <string.h>

#include "capture_blocks.h"
#include "clock.h"

#define LINKTYPE_ETHERNET 1
#define NAME_BYTES_MAX 255
#define TEXT_BYTES_MAX 700

#define PCAP_MAGIC_NS 0xa1b23c4d
#define PCAP_HEAD_BYTES 24
#define PCAP_RECORD_BYTES 16

#define BLOCK_SECTION 0x0a0d0d0a
#define BLOCK_INTERFACE 1
#define BLOCK_STATISTICS 5
#define BLOCK_FRAME 6
#define BLOCK_BYTES_MIN 12
#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define SECTION_OPENED UINT64_MAX /* its length is not known */

#define OPTION_END 0
#define OPTION_USERAPPL 4
#define OPTION_IF_NAME 2
#define OPTION_IF_DESCRIPTION 3
#define OPTION_IF_TSRESOL 9
#define OPTION_IF_FILTER 11
#define OPTION_EPB_FLAGS 2
#define OPTION_EPB_DROPCOUNT 4
#define OPTION_ISB_STARTTIME 2
#define OPTION_ISB_ENDTIME 3
#define OPTION_ISB_IFRECV 4
#define OPTION_ISB_IFDROP 5
#define OPTION_ISB_USRDELIV 8

/* ---- bytes ---- */

static uint8_t *put_16(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)value;
	to[1] = (uint8_t)(value >> 8);
	return to + 2;
}

static uint8_t *put_32(uint8_t *to, uint32_t value)
{
	return put_16(put_16(to, value), value >> 16);
}

/* Eight bytes as options have them. */
static uint8_t *put_64(uint8_t *to, uint64_t value)
{
	return put_32(put_32(to, (uint32_t)value), (uint32_t)(value >> 32));
}

/* Times have their upper half first. */
static uint8_t *put_time(uint8_t *to, uint64_t time_ns)
{
	return put_32(put_32(to, (uint32_t)(time_ns >> 32)), (uint32_t)time_ns);
}

static uint32_t get_32(const uint8_t *from)
{
	return (uint32_t)from[0] | (uint32_t)from[1] << 8 |
	       (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

/* pcapng fills all up to 32 bits. */
static uint8_t *put_padded(uint8_t *to, const void *from, uint32_t n)
{
	memcpy(to, from, n);
	memset(to + n, 0, -n & 3);
	return to + n + (-n & 3);
}

static uint8_t *put_option_head(uint8_t *to, uint32_t code, uint32_t n)
{
	return put_16(put_16(to, code), n);
}

static uint8_t *put_option(uint8_t *to, uint32_t code, const void *value,
			   uint32_t n)
{
	return put_padded(put_option_head(to, code, n), value, n);
}

static uint8_t *put_option_64(uint8_t *to, uint32_t code, uint64_t value)
{
	return put_64(put_option_head(to, code, 8), value);
}

static uint8_t *put_option_time(uint8_t *to, uint32_t code, uint64_t time_ns)
{
	return put_time(put_option_head(to, code, 8), time_ns);
}

/* The length stands at both ends of a block. Returns it. */
static uint32_t close_block(uint8_t *block, uint8_t *end)
{
	uint32_t total = (uint32_t)(end - block) + 4;

	put_32(block + 4, total);
	put_32(end, total);
	return total;
}

/* ---- what files begin with ---- */

static uint32_t put_pcap_head(uint8_t *to, uint32_t snap_bytes)
{
	uint8_t *at = put_32(to, PCAP_MAGIC_NS);

	at = put_16(put_16(at, 2), 4); /* version 2.4 */
	/* offset to UTC, and accuracy: nobody used them */
	at = put_32(put_32(at, 0), 0);
	at = put_32(put_32(at, snap_bytes), LINKTYPE_ETHERNET);
	return (uint32_t)(at - to);
}

static uint32_t put_section(uint8_t *to)
{
	static const char by[] = PACKAGE_STRING;
	uint8_t *at = put_32(to, BLOCK_SECTION) + 4;

	at = put_32(at, BYTE_ORDER_MAGIC);
	at = put_16(put_16(at, 1), 0); /* version 1.0 */
	at = put_64(at, SECTION_OPENED);
	at = put_option(at, OPTION_USERAPPL, by, sizeof(by) - 1);
	at = put_option(at, OPTION_END, "", 0);
	return close_block(to, at);
}

uint32_t capture_put_head(uint8_t *to, bool pcapng, uint32_t snap_bytes)
{
	if (!snap_bytes)
		snap_bytes = CAPTURE_SNAP_BYTES;
	return pcapng ? put_section(to) : put_pcap_head(to, snap_bytes);
}

/* A first byte of 0 says that it is an expression of libpcap. */
static uint8_t *put_filter(uint8_t *to, const char *filter)
{
	char value[TEXT_BYTES_MAX + 1] = { 0 };
	uint32_t n = (uint32_t)strlen(filter);

	memcpy(value + 1, filter, n);
	return put_option(to, OPTION_IF_FILTER, value, n + 1);
}

static bool is_worth(const char *text)
{
	return text && *text && strlen(text) <= TEXT_BYTES_MAX;
}

uint32_t capture_put_source(uint8_t *to, const struct capture_source *source,
			    uint32_t snap_bytes)
{
	static const uint8_t nanoseconds = 9; /* 10^-9 s */
	uint8_t *at = put_32(to, BLOCK_INTERFACE) + 4;

	at = put_16(put_16(at, LINKTYPE_ETHERNET), 0);
	at = put_32(at, snap_bytes ? snap_bytes : CAPTURE_SNAP_BYTES);
	at = put_option(at, OPTION_IF_NAME, source->name,
			(uint32_t)strnlen(source->name, NAME_BYTES_MAX));
	if (is_worth(source->description))
		at = put_option(at, OPTION_IF_DESCRIPTION, source->description,
				(uint32_t)strlen(source->description));
	at = put_option(at, OPTION_IF_TSRESOL, &nanoseconds, 1);
	if (is_worth(source->filter))
		at = put_filter(at, source->filter);
	at = put_option(at, OPTION_END, "", 0);
	return close_block(to, at);
}

/* ---- frames, and what is told of them at last ---- */

static uint32_t put_pcap_frame(uint8_t *to, const struct capture_record *r)
{
	uint8_t *at = put_32(to, (uint32_t)(r->time_ns / NS_PER_SEC));

	at = put_32(at, (uint32_t)(r->time_ns % NS_PER_SEC));
	at = put_32(put_32(at, r->caplen), r->len);
	memcpy(at, r->data, r->caplen);
	return PCAP_RECORD_BYTES + r->caplen;
}

/* The two lowest bits of the flags are the direction: 01 in, 10 out. */
static uint8_t *put_frame_options(uint8_t *at, enum direction direction,
				  uint64_t lost)
{
	if (direction != DIRECTION_UNKNOWN)
		at = put_32(put_option_head(at, OPTION_EPB_FLAGS, 4),
			    direction == DIRECTION_IN ? 1 : 2);
	if (lost)
		at = put_option_64(at, OPTION_EPB_DROPCOUNT, lost);
	if (direction != DIRECTION_UNKNOWN || lost)
		at = put_option(at, OPTION_END, "", 0);
	return at;
}

uint32_t capture_put_frame(uint8_t *to, bool pcapng,
			   const struct capture_record *r, uint64_t lost)
{
	uint8_t *at;

	if (!pcapng)
		return put_pcap_frame(to, r);
	at = put_32(to, BLOCK_FRAME) + 4;
	at = put_32(at, r->interface);
	at = put_time(at, r->time_ns);
	at = put_32(put_32(at, r->caplen), r->len);
	at = put_padded(at, r->data, r->caplen);
	at = put_frame_options(at, r->direction, lost);
	return close_block(to, at);
}

uint32_t capture_put_statistics(uint8_t *to, const struct capture_statistics *s)
{
	uint8_t *at = put_32(to, BLOCK_STATISTICS) + 4;

	at = put_32(at, s->interface);
	at = put_time(at, s->to_ns);
	at = put_option_time(at, OPTION_ISB_STARTTIME, s->from_ns);
	at = put_option_time(at, OPTION_ISB_ENDTIME, s->to_ns);
	at = put_option_64(at, OPTION_ISB_IFRECV, s->received_frames);
	at = put_option_64(at, OPTION_ISB_IFDROP, s->lost_frames);
	at = put_option_64(at, OPTION_ISB_USRDELIV, s->delivered_frames);
	at = put_option(at, OPTION_END, "", 0);
	return close_block(to, at);
}

/* Bytes of the block, at least those; 0: not enough of it is here to tell. */
static uint32_t block_bytes(const uint8_t *from, uint32_t n, bool pcapng,
			    bool head)
{
	if (!pcapng && head)
		return PCAP_HEAD_BYTES;
	if (n < (pcapng ? BLOCK_BYTES_MIN : PCAP_RECORD_BYTES))
		return 0;
	return pcapng ? get_32(from + 4) : PCAP_RECORD_BYTES + get_32(from + 8);
}

uint32_t capture_whole_bytes(const uint8_t *from, uint32_t n, bool pcapng,
			     bool head)
{
	uint32_t whole = 0, block;

	for (;;) {
		block = block_bytes(from + whole, n - whole, pcapng,
				    head && !whole);
		if (!block || block > n - whole)
			return whole;
		whole += block;
	}
}

uint32_t capture_count_frames(const uint8_t *from, uint32_t n, bool pcapng,
			      bool head)
{
	uint32_t at = 0, frames = 0, block;

	for (; at < n; at += block) {
		block = block_bytes(from + at, n - at, pcapng, head && !at);
		if (!block)
			break;
		frames += pcapng ? get_32(from + at) == BLOCK_FRAME :
				   !(head && !at);
	}
	return frames;
}
