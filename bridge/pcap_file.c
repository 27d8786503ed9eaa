/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See pcap_file.h. libpcap cuts what is longer than the file's snap length, and
 * says nothing. So it is shown a file header with the longest snap length that
 * it takes, and whoever compares does so with the true one.
 */
#include "config.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "pcap_file.h"

#define HEADER_BYTES 24
#define RECORD_HEADER_BYTES 16
#define RECORD_HEADER_PATCHED_BYTES 24 /* of MAGIC_PATCHED */
#define MAGIC_PATCHED 0xa1b2cd34       /* Kuznetzov's tcpdump, of 1998 */
#define MAGIC_NANO 0xa1b23c4d
#define SNAPLEN_AT 16
#define LINKTYPE_AT 20
#define SNAPLEN_MAX 262144 /* MAXIMUM_SNAPLEN of libpcap */
#define STDIO_BYTES (64u << 10)

struct pcap_file {
	struct stream *stream;
	pcap_t *pcap;
	uint8_t header[HEADER_BYTES]; /* as libpcap shall see it */
	size_t header_given;
	uint64_t offset; /* of the next record */
	uint32_t record_header_bytes;
	uint16_t linktype;
	bool is_nano;
	uint32_t fcs_bytes;
	int fault; /* of the stream: it has been logged */
};

static uint32_t get32(const uint8_t *at, bool swapped)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return swapped ? __builtin_bswap32(v) : v;
}

/* What libpcap reads: the header as we changed it, then the file. */
static ssize_t cookie_read(void *cookie, char *to, size_t n)
{
	struct pcap_file *f = cookie;
	size_t left = HEADER_BYTES - f->header_given;
	ssize_t r;

	if (left) {
		if (n > left)
			n = left;
		memcpy(to, f->header + f->header_given, n);
		f->header_given += n;
		return (ssize_t)n;
	}
	r = stream_read_some(f->stream, to, n);
	if (r >= 0)
		return r;
	f->fault = (int)r;
	errno = EIO;
	return -1;
}

/* The file's header, told and changed; -EBADMSG: it is shorter than that. */
static int take_header(struct pcap_file *f, struct capture_interface *told)
{
	static const uint32_t magics[] = { 0xa1b2c3d4, MAGIC_NANO,
					   MAGIC_PATCHED };
	uint32_t snaplen = SNAPLEN_MAX, linktype, magic;
	ssize_t n = stream_read(f->stream, f->header, HEADER_BYTES);
	bool swapped = true;

	if (n < 0)
		return (int)n;
	if (n < HEADER_BYTES) {
		/* Where unpacking failed, that has been said. */
		ssize_t more = stream_read(f->stream, f->header, 1);

		if (more < 0)
			return (int)more;
		log_err("%s: offset %zd: ends in the file header, which has "
			"24 bytes", stream_name(f->stream), n);
		return -EBADMSG;
	}
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
		if (get32(f->header, false) == magics[i])
			swapped = false;
	magic = get32(f->header, swapped);
	f->is_nano = magic == MAGIC_NANO;
	f->record_header_bytes = magic == MAGIC_PATCHED ?
					 RECORD_HEADER_PATCHED_BYTES :
					 RECORD_HEADER_BYTES;
	told->snaplen = get32(f->header + SNAPLEN_AT, swapped);
	/* Above the link type stand the length of an FCS, in 16-bit words, and
	 * whether it is known. */
	linktype = get32(f->header + LINKTYPE_AT, swapped);
	f->linktype = told->linktype = (uint16_t)linktype;
	if (linktype & UINT32_C(0x04000000))
		f->fcs_bytes = (linktype >> 28) * 2;
	if (swapped)
		snaplen = __builtin_bswap32(snaplen);
	memcpy(f->header + SNAPLEN_AT, &snaplen, sizeof(snaplen));
	f->offset = HEADER_BYTES;
	return 0;
}

static int open_pcap(struct pcap_file *f)
{
	static const cookie_io_functions_t io = { .read = cookie_read };
	char why[PCAP_ERRBUF_SIZE];
	FILE *file = fopencookie(f, "r", io);

	if (!file)
		return -ENOMEM;
	setvbuf(file, NULL, _IOFBF, STDIO_BYTES);
	f->pcap = pcap_fopen_offline_with_tstamp_precision(
		file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (f->pcap)
		return 0; /* pcap_close() closes the file, too */
	fclose(file);
	stream_complain(f->stream, 0, why);
	return -EBADMSG;
}

int pcap_file_open(struct pcap_file **fp, struct stream *stream,
		   struct capture_interface *told)
{
	struct pcap_file *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->stream = stream;
	memset(told, 0, sizeof(*told));
	r = take_header(f, told);
	if (!r)
		r = open_pcap(f);
	if (r) {
		pcap_file_close(f);
		return r;
	}
	*fp = f;
	return 0;
}

void pcap_file_close(struct pcap_file *f)
{
	if (f && f->pcap)
		pcap_close(f->pcap);
	free(f);
}

/*
 * Both parts have 32 bits without a sign; libpcap extends one. It has made
 * nanoseconds of the part, which may be more than a second where the file lies.
 */
static uint64_t time_of(const struct pcap_file *f, const struct timeval *ts)
{
	uint64_t unit_ns = f->is_nano ? 1 : 1000;
	uint32_t part = (uint32_t)(ts->tv_usec / (suseconds_t)unit_ns);

	return (uint32_t)ts->tv_sec * NS_PER_SEC + part * unit_ns;
}

int pcap_file_next(struct pcap_file *f, struct capture_record *record)
{
	struct pcap_pkthdr *header;
	const u_char *data;
	int r = pcap_next_ex(f->pcap, &header, &data);

	if (r == PCAP_ERROR_BREAK)
		return 0;
	if (r != 1) {
		if (!f->fault)
			stream_complain(f->stream, f->offset,
					pcap_geterr(f->pcap));
		return f->fault ? f->fault : -EBADMSG;
	}
	*record = (struct capture_record){
		.time_ns = time_of(f, &header->ts),
		.data = data,
		.caplen = header->caplen,
		.len = header->len,
		.linktype = f->linktype,
		.fcs_bytes = f->fcs_bytes,
		.offset = f->offset,
	};
	f->offset += f->record_header_bytes + header->caplen;
	return 1;
}

const char *pcap_file_linktype_name(uint16_t linktype)
{
	/* For the types that are met in files DLT_ and LINKTYPE_ are one,
	 * but for raw IP. */
	const char *name = pcap_datalink_val_to_name(linktype == 101 ?
							     DLT_RAW : linktype);

	return name ? name : "unknown";
}

const char *pcap_file_library(void)
{
	return pcap_lib_version();
}
