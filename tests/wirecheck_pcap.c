/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wirecheck record and compare: pcap files (draft-ietf-opsawg-pcap), written
 * with nanoseconds in the host's byte order, read in any.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>

#include "wirecheck.h"

#define MAGIC_MICRO 0xa1b2c3d4
#define MAGIC_NANO 0xa1b23c4d
#define LINKTYPE_ETHERNET 1

struct file_head {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snaplen, linktype;
};

struct record_head {
	uint32_t seconds, fraction, captured, len;
};

struct pcap_writer {
	FILE *file;
};

struct pcap_writer *pcap_writer_new(const char *path)
{
	const struct file_head head = {
		.magic = MAGIC_NANO, .major = 2, .minor = 4,
		.snaplen = FRAME_BYTES_MAX, .linktype = LINKTYPE_ETHERNET,
	};
	struct pcap_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->file = fopen(path, "w");
	if (!w->file) {
		complain(-errno, "%s: %s", path, strerror(errno));
		free(w);
		return NULL;
	}
	fwrite(&head, sizeof(head), 1, w->file);
	return w;
}

/* Errors stick to the stream; pcap_writer_free() tells them. */
void pcap_write(struct pcap_writer *w, uint64_t time_ns, const uint8_t *frame,
		uint32_t len)
{
	const struct record_head head = {
		.seconds = (uint32_t)(time_ns / NS_PER_SEC),
		.fraction = (uint32_t)(time_ns % NS_PER_SEC),
		.captured = len,
		.len = len,
	};

	fwrite(&head, sizeof(head), 1, w->file);
	fwrite(frame, len, 1, w->file);
}

int pcap_writer_free(struct pcap_writer *w)
{
	int r = 0;

	if (!w)
		return 0;
	if (ferror(w->file) | fclose(w->file))
		r = complain(-EIO, "pcap file: not all was written");
	free(w);
	return r;
}

/* ---- record ---- */

struct record {
	const char *ifname, *path;
	uint64_t expect, ring_mib, frames, truncated;
	struct patience patience;
};

static void record_run(struct record *s, struct wire_rx *rx,
		       struct pcap_writer *w)
{
	struct wire_frame f;

	patience_start(&s->patience);
	while (!patience_over(&s->patience, clock_now_ns())) {
		if (!wire_rx_next(rx, true, &f))
			continue;
		pcap_write(w, f.time_ns, f.data, f.len);
		wire_rx_done(rx);
		s->frames++;
		s->truncated += f.truncated;
		patience_hope(&s->patience, s->expect, s->frames);
		patience_heard(&s->patience);
	}
}

int command_record(int argc, char **argv)
{
	struct record s = { .ring_mib = RING_MIB, .patience = PATIENCE };
	const struct opt opt[] = {
		{ "pcap", "FILE", "where to", OPT_TEXT, &s.path, 0, 0 },
		{ "expect", "N", "end soon after so many", OPT_NUMBER,
		  &s.expect, 1, UINT64_MAX },
		OPT_PATIENCE(s.patience),
		OPT_RING(s.ring_mib),
	};
	struct pcap_writer *w;
	struct wire_rx *rx;
	int r = opts_parse(argc, argv, opt, ARRAY_SIZE(opt), &s.ifname, 1);

	if (r)
		return r;
	if (!s.path)
		return complain(EXIT_USAGE, "--pcap FILE is needed");
	w = pcap_writer_new(s.path);
	rx = w ? wire_rx_new(s.ifname, s.ring_mib) : NULL;
	if (rx) {
		record_run(&s, rx, w);
		printf("frames=%" PRIu64 " truncated=%" PRIu64
		       " kernel_drops=%" PRIu64 "\n",
		       s.frames, s.truncated, wire_rx_drops(rx));
	}
	wire_rx_free(rx);
	r = pcap_writer_free(w);
	return rx ? r : -EIO;
}

/* ---- compare ---- */

struct pcap_reader {
	const char *path;
	FILE *file;
	bool swapped;
	uint32_t len;
	uint8_t frame[FRAME_BYTES_MAX];
};

static int pcap_open(struct pcap_reader *p)
{
	struct file_head head;

	p->file = fopen(p->path, "r");
	if (!p->file)
		return complain(-errno, "%s: %s", p->path, strerror(errno));
	if (fread(&head, sizeof(head), 1, p->file) != 1)
		return complain(-EIO, "%s: no pcap file: too short", p->path);
	p->swapped = head.magic == __builtin_bswap32(MAGIC_MICRO) ||
		     head.magic == __builtin_bswap32(MAGIC_NANO);
	if (!p->swapped && head.magic != MAGIC_MICRO &&
	    head.magic != MAGIC_NANO)
		return complain(-EIO, "%s: no pcap file", p->path);
	if ((p->swapped ? __builtin_bswap32(head.linktype) : head.linktype) !=
	    LINKTYPE_ETHERNET)
		return complain(-EIO, "%s: not of Ethernet", p->path);
	return 0;
}

/* 1 a frame, 0 the end, -errno. */
static int pcap_next(struct pcap_reader *p)
{
	struct record_head head;
	size_t got = fread(&head, 1, sizeof(head), p->file);

	if (!got && feof(p->file))
		return 0;
	if (got != sizeof(head))
		return complain(-EIO, "%s: ends within a frame", p->path);
	p->len = p->swapped ? __builtin_bswap32(head.captured) : head.captured;
	if (head.captured != head.len)
		return complain(-EIO, "%s: has truncated frames", p->path);
	if (p->len > sizeof(p->frame) ||
	    fread(p->frame, 1, p->len, p->file) != p->len)
		return complain(-EIO, "%s: ends within a frame", p->path);
	return 1;
}

static bool frames_differ(const struct pcap_reader *a,
			  const struct pcap_reader *b, uint64_t number)
{
	if (a->len != b->len) {
		printf("frame %" PRIu64 ": %u bytes in %s, %u in %s\n", number,
		       a->len, a->path, b->len, b->path);
		return true;
	}
	for (uint32_t i = 0; i < a->len; i++) {
		if (a->frame[i] == b->frame[i])
			continue;
		printf("frame %" PRIu64 ", byte %u: %02x in %s, %02x in %s\n",
		       number, i, a->frame[i], a->path, b->frame[i], b->path);
		return true;
	}
	return false;
}

static int compare(struct pcap_reader *a, struct pcap_reader *b)
{
	uint64_t number = 0;
	int in_a, in_b;

	for (;; number++) {
		in_a = pcap_next(a);
		in_b = pcap_next(b);
		if (in_a < 0 || in_b < 0)
			return -EIO;
		if (in_a != in_b) {
			printf("%s ends before frame %" PRIu64 "\n",
			       in_a ? b->path : a->path, number);
			return -EBADMSG;
		}
		if (!in_a)
			break;
		if (frames_differ(a, b, number))
			return -EBADMSG;
	}
	printf("frames=%" PRIu64 " same=yes\n", number);
	return 0;
}

/* Two files, and what to do with them. */
static int with_two(const char *const path[2],
		    int (*fn)(struct pcap_reader *a, struct pcap_reader *b,
			      const char *out),
		    const char *out)
{
	struct pcap_reader *reader = calloc(2, sizeof(*reader));
	int r;

	if (!reader)
		return -ENOMEM;
	reader[0].path = path[0];
	reader[1].path = path[1];
	r = pcap_open(&reader[0]);
	if (!r)
		r = pcap_open(&reader[1]);
	if (!r)
		r = fn(&reader[0], &reader[1], out);
	for (int i = 0; i < 2; i++)
		if (reader[i].file)
			fclose(reader[i].file);
	free(reader);
	return r;
}

static int compare_two(struct pcap_reader *a, struct pcap_reader *b,
		       const char *out)
{
	(void)out;
	return compare(a, b);
}

int command_compare(int argc, char **argv)
{
	const char *path[2];
	int r = opts_parse(argc, argv, NULL, 0, path, 2);

	return r ? r : with_two(path, compare_two, NULL);
}

/* ---- subtract ---- */

static bool is_same(const struct pcap_reader *a, const struct pcap_reader *b)
{
	return a->len == b->len && !memcmp(a->frame, b->frame, a->len);
}

/* The frames of b stand among those of a, in the same order. */
static int subtract(struct pcap_reader *a, struct pcap_reader *b,
		    const char *out)
{
	struct pcap_writer *w = pcap_writer_new(out);
	int more = w ? pcap_next(b) : -EIO;
	int r = more < 0 ? more : 1;

	while (r > 0 && (r = pcap_next(a)) > 0) {
		if (more > 0 && is_same(a, b))
			r = (more = pcap_next(b)) < 0 ? more : 1;
		else
			pcap_write(w, 0, a->frame, a->len);
	}
	if (!r && more)
		r = complain(-EIO, "%s: not a part of %s", b->path, a->path);
	return pcap_writer_free(w) || r ? -EIO : 0;
}

int command_subtract(int argc, char **argv)
{
	const char *path[3];
	int r = opts_parse(argc, argv, NULL, 0, path, 3);

	return r ? r : with_two(path, subtract, path[2]);
}
