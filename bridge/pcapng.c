/* SPDX-License-Identifier: BSD-2-Clause */
/* See pcapng.h; sections and names are those of the draft. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "pcapng.h"

enum block {
	BLOCK_IDB = 1,
	BLOCK_PB = 2, /* obsolete */
	BLOCK_SPB = 3,
	BLOCK_EPB = 6,
};

enum option {
	OPT_END = 0,
	IF_NAME = 2,
	IF_TSRESOL = 9,
	IF_FCSLEN = 13,
	IF_TSOFFSET = 14,
	EPB_FLAGS = 2, /* of PB, too */
};

/* A part of a block that is still to be read. */
struct view {
	const struct pcapng *p;
	const uint8_t *at;
	uint32_t left;
};

struct option_view {
	uint16_t code;
	uint16_t bytes;
	const uint8_t *value;
};

static uint32_t get32(const struct pcapng *p, const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return p->swapped ? __builtin_bswap32(v) : v;
}

static uint16_t get16(const struct pcapng *p, const uint8_t *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return p->swapped ? __builtin_bswap16(v) : v;
}

static uint64_t get64(const struct pcapng *p, const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return p->swapped ? __builtin_bswap64(v) : v;
}

/* ---- options ---- */

/* The next option; false behind the last one, or where the rest is none. */
static bool option_next(struct view *v, struct option_view *option)
{
	uint32_t padded;

	if (v->left < 4)
		return false;
	option->code = get16(v->p, v->at);
	option->bytes = get16(v->p, v->at + 2);
	option->value = v->at + 4;
	padded = (option->bytes + 3u) & ~3u;
	if (option->code == OPT_END || padded > v->left - 4)
		return false;
	v->at += 4 + padded;
	v->left -= 4 + padded;
	return true;
}

/* if_tsresol: 10^-n, or 2^-n with the high bit. 0: no clock has that. */
static uint64_t units_of(uint8_t resolution)
{
	uint64_t units = 1;
	uint8_t n = resolution & 0x7f;

	if (resolution & 0x80)
		return n < 64 ? UINT64_C(1) << n : 0;
	for (; n; n--) {
		if (units > UINT64_MAX / 10)
			return 0;
		units *= 10;
	}
	return units;
}

/*
 * The draft says bits, and gives 4 as an example; files have 32 and 4 for the
 * FCS of Ethernet. So: bits if they are whole bytes, else bytes.
 */
static uint32_t fcs_of(uint8_t told)
{
	if (told % 8 == 0)
		return told / 8;
	return told < 8 ? told : 0;
}

/* It is printed, and whoever made the file chose it: nothing that a terminal
 * would obey. */
static void take_name(char *name, size_t room, const struct option_view *o)
{
	size_t n = strnlen((const char *)o->value, o->bytes);

	if (n > room - 1)
		n = room - 1;
	for (size_t i = 0; i < n; i++)
		name[i] = o->value[i] < ' ' || o->value[i] == 0x7f ?
				  '?' : (char)o->value[i];
	name[n] = '\0';
}

static int take_interface_option(struct pcapng_interface *in,
				 const struct pcapng *p,
				 const struct option_view *o, const char **why)
{
	switch (o->code) {
	case IF_NAME:
		take_name(in->told.name, sizeof(in->told.name), o);
		break;
	case IF_TSRESOL:
		in->units = o->bytes == 1 ? units_of(o->value[0]) : 0;
		*why = "an interface with an if_tsresol that no clock has";
		return in->units ? 0 : -EBADMSG;
	case IF_FCSLEN:
		in->fcs_bytes = o->bytes == 1 ? fcs_of(o->value[0]) : 0;
		break;
	case IF_TSOFFSET:
		if (o->bytes == 8)
			in->offset_s = (int64_t)get64(p, o->value);
		break;
	}
	return 0;
}

/* ---- blocks ---- */

static struct pcapng_interface *interface_add(struct pcapng *p)
{
	uint32_t room = p->room ? p->room * 2 : 8;
	struct pcapng_interface *in;

	if (p->n_interfaces == p->room) {
		in = realloc(p->interface, room * sizeof(*in));
		if (!in)
			return NULL;
		p->interface = in;
		p->room = room;
	}
	return &p->interface[p->n_interfaces];
}

/* Body: link type 2, reserved 2, snap length 4, options. */
static int take_idb(struct pcapng *p, const uint8_t *body, uint32_t bytes,
		    const char **why)
{
	struct pcapng_interface *in;
	struct option_view option;
	struct view v;

	*why = "an interface block that is too short";
	if (bytes < 8)
		return -EBADMSG;
	*why = "more than 65536 interfaces";
	if (p->n_interfaces == CAPTURE_INTERFACES_MAX)
		return -EBADMSG;
	in = interface_add(p);
	if (!in)
		return -ENOMEM;
	memset(in, 0, sizeof(*in));
	in->units = 1000000;
	in->told.linktype = get16(p, body);
	in->told.snaplen = get32(p, body + 4);
	v = (struct view){ p, body + 8, bytes - 8 };
	while (option_next(&v, &option))
		if (take_interface_option(in, p, &option, why))
			return -EBADMSG;
	p->n_interfaces++;
	return 0;
}

/* Units of the interface's clock to nanoseconds since 1970, exactly. */
static int set_time(const struct pcapng_interface *in, uint64_t units,
		    uint64_t *time_ns)
{
	__int128 ns = units;

	if (in->units == 1000000) /* the two that there are; a division costs */
		ns *= 1000;
	else if (in->units != NS_PER_SEC)
		ns = ns * NS_PER_SEC / in->units;
	ns += (__int128)in->offset_s * (int64_t)NS_PER_SEC;
	if (ns < 0 || ns >= PCAPNG_NO_TIME)
		return -EBADMSG;
	*time_ns = (uint64_t)ns;
	return 0;
}

static void take_flags(struct capture_record *r, const struct pcapng *p,
		       struct view v)
{
	struct option_view o;
	uint32_t flags, fcs;

	while (option_next(&v, &o)) {
		if (o.code != EPB_FLAGS || o.bytes != 4)
			continue;
		flags = get32(p, o.value);
		fcs = flags >> 5 & 0xf;
		if (fcs)
			r->fcs_bytes = fcs;
		if ((flags & 3) == 1)
			r->direction = DIRECTION_IN;
		if ((flags & 3) == 2)
			r->direction = DIRECTION_OUT;
	}
}

/* EPB: interface 4, time 8 (high half first), captured 4, length 4, data,
 * options. A PB has 2 bytes of interface and 2 of drops in front. */
static int take_packet(struct pcapng *p, const uint8_t *body, uint32_t bytes,
		       bool obsolete, struct capture_record *r,
		       const char **why)
{
	const struct pcapng_interface *in;
	uint32_t id, padded;

	*why = "a packet block that is too short";
	if (bytes < 20)
		return -EBADMSG;
	id = obsolete ? get16(p, body) : get32(p, body);
	*why = "a packet of an interface that was not described";
	if (id >= p->n_interfaces - p->section_interface)
		return -EBADMSG;
	memset(r, 0, sizeof(*r));
	r->interface = p->section_interface + id;
	in = &p->interface[r->interface];
	*why = "a time that is out of range";
	if (set_time(in, (uint64_t)get32(p, body + 4) << 32 |
			 get32(p, body + 8), &r->time_ns))
		return -EBADMSG;
	r->caplen = get32(p, body + 12);
	r->len = get32(p, body + 16);
	r->linktype = in->told.linktype;
	r->fcs_bytes = in->fcs_bytes;
	r->data = body + 20;
	*why = "a packet that is longer than its block";
	if (r->caplen > bytes - 20)
		return -EBADMSG;
	padded = (r->caplen + 3) & ~3u;
	if (padded <= bytes - 20)
		take_flags(r, p, (struct view){ p, body + 20 + padded,
						bytes - 20 - padded });
	return 1;
}

/* SPB: length 4, data cut at the snap length of interface 0; no time. */
static int take_simple(struct pcapng *p, const uint8_t *body, uint32_t bytes,
		       struct capture_record *r, const char **why)
{
	const struct pcapng_interface *in;

	*why = "a simple packet block that is too short";
	if (bytes < 4)
		return -EBADMSG;
	*why = "a packet of an interface that was not described";
	if (p->n_interfaces == p->section_interface)
		return -EBADMSG;
	memset(r, 0, sizeof(*r));
	r->interface = p->section_interface;
	in = &p->interface[r->interface];
	r->len = r->caplen = get32(p, body);
	if (in->told.snaplen && r->caplen > in->told.snaplen)
		r->caplen = in->told.snaplen;
	r->linktype = in->told.linktype;
	r->time_ns = PCAPNG_NO_TIME;
	r->fcs_bytes = in->fcs_bytes;
	r->data = body + 4;
	*why = "a packet that is longer than its block";
	return r->caplen > bytes - 4 ? -EBADMSG : 1;
}

static int take_section(struct pcapng *p, const uint8_t *body, uint32_t bytes,
			const char **why)
{
	*why = "a section header that is too short";
	if (bytes < 16)
		return -EBADMSG;
	*why = "a section of a version that is not 1";
	if (get16(p, body + 4) != 1)
		return -EBADMSG;
	p->in_section = true;
	p->section_interface = p->n_interfaces;
	return 0;
}

void pcapng_fini(struct pcapng *p)
{
	free(p->interface);
	*p = (struct pcapng){ 0 };
}

uint32_t pcapng_block_bytes(struct pcapng *p, const uint8_t *head,
			    const char **why)
{
	uint32_t bytes, magic;

	if (get32(p, head) == PCAPNG_MAGIC) {
		memcpy(&magic, head + 8, sizeof(magic));
		*why = "a section without a byte-order magic";
		if (magic != 0x1a2b3c4d && magic != 0x4d3c2b1a)
			return 0;
		p->swapped = magic == 0x4d3c2b1a;
	} else if (!p->in_section) {
		*why = "a block before any section header";
		return 0;
	}
	bytes = get32(p, head + 4);
	*why = "a block length that is no multiple of 4";
	if (bytes % 4)
		return 0;
	*why = "a block of less than 12 bytes";
	if (bytes < PCAPNG_BLOCK_MIN)
		return 0;
	*why = "a block of more than 16 MiB";
	return bytes <= CAPTURE_RECORD_MAX ? bytes : 0;
}

int pcapng_take(struct pcapng *p, const uint8_t *block, uint32_t bytes,
		struct capture_record *record, const char **why)
{
	const uint8_t *body = block + 8;
	uint32_t body_bytes = bytes - PCAPNG_BLOCK_MIN;

	*why = "a block whose two lengths differ";
	if (get32(p, block + bytes - 4) != bytes)
		return -EBADMSG;
	switch (get32(p, block)) {
	case PCAPNG_MAGIC:
		return take_section(p, body, body_bytes, why);
	case BLOCK_IDB:
		return take_idb(p, body, body_bytes, why);
	case BLOCK_PB:
		return take_packet(p, body, body_bytes, true, record, why);
	case BLOCK_EPB:
		return take_packet(p, body, body_bytes, false, record, why);
	case BLOCK_SPB:
		return take_simple(p, body, body_bytes, record, why);
	}
	return 0; /* names, statistics, decryption keys, whatever will be */
}
