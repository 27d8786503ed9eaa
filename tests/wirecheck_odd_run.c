/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wirecheck odd send, recv and list: the catalogue goes out in order; what
 * comes in is held against it byte for byte. First each arrival looks for the
 * frame that it equals; what is left over is then an altered frame if its
 * mark or its place says which one it was, and extra otherwise.
 */
#include "config.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <sys/socket.h>

#include "wirecheck_odd.h"

#define NOBODY UINT32_MAX

#define OPT_MTU(var)                                                          \
	{ "mtu", "M", "sizes the largest frames, default the interface's",    \
	  OPT_NUMBER, &(var), 128, 65535 }

/* ---- send ---- */

/*
 * sendmsg() lets 4 bytes more than the MTU and a header pass only behind an
 * 802.1Q tag (packet_snd() in net/packet/af_packet.c).
 */
static bool needs_ring(const struct odd *f, int mtu)
{
	bool tagged = get16(f->data + 12) == ETH_P_8021Q;

	return f->len > (uint32_t)mtu + ETH_HLEN + (tagged ? 4 : 0);
}

struct odd_send {
	const char *ifname;
	uint64_t mtu, pause_us;
	struct faults faults;
	struct odd_book *book;
	int fd, port_mtu;
	struct wire_ring *ring;
};

static int send_odd(const struct odd_send *s, const struct odd *f)
{
	struct iovec iov = { f->data, f->len };
	struct mmsghdr message = {
		.msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 },
	};
	int r = needs_ring(f, s->port_mtu) ?
			wire_ring_send(s->ring, f->data, f->len) :
			wire_send(s->fd, &message, 1);

	return r ? complain(r, "%s: not sent", f->name) : 0;
}

static int send_book(const struct odd_send *s)
{
	const struct timespec pause = { .tv_nsec = (long)s->pause_us * 1000 };
	unsigned sent = 0;
	int r = 0;

	for (unsigned i = 0; i < s->book->n; i++)
		if (fault_hits(i, s->faults.corrupt))
			fault_alter(s->book->frame[i].data,
				    s->book->frame[i].len, mix(i));
	for (unsigned i = 0; !r && i < s->book->n && !stop_asked(); i++) {
		uint64_t which = fault_swapped(&s->faults, i, s->book->n);
		unsigned times = fault_times(&s->faults, i);

		for (; !r && times; times--, sent++)
			r = send_odd(s, &s->book->frame[which]);
		nanosleep(&pause, NULL);
	}
	printf("sent=%u\n", sent);
	return r;
}

int command_odd_send(int argc, char **argv)
{
	struct odd_send s = { .pause_us = 20, .fd = -1 };
	const struct opt opt[] = {
		OPT_MTU(s.mtu),
		{ "pause", "US", "between two frames, default 20", OPT_NUMBER,
		  &s.pause_us, 0, 999999 },
		OPT_FAULTS(s.faults),
	};
	int r = opts_parse(argc, argv, opt, ARRAY_SIZE(opt), &s.ifname, 1);

	if (r)
		return r;
	s.port_mtu = wire_mtu(s.ifname);
	if (s.port_mtu < 0)
		return s.port_mtu;
	if (!s.mtu)
		s.mtu = (uint64_t)s.port_mtu;
	s.fd = wire_open(s.ifname, 0);
	s.ring = wire_ring_new(s.ifname, (uint32_t)s.mtu + 64);
	s.book = odd_book_new((uint32_t)s.mtu);
	r = s.fd >= 0 && s.ring && s.book ? send_book(&s) : -EIO;
	odd_book_free(s.book);
	wire_ring_free(s.ring);
	close_fd(&s.fd);
	return r;
}

int command_odd_list(int argc, char **argv)
{
	uint64_t mtu = 1500;
	const struct opt opt[] = { OPT_MTU(mtu) };
	struct odd_book *book;
	int r = opts_parse(argc, argv, opt, ARRAY_SIZE(opt), NULL, 0);

	if (r)
		return r;
	book = odd_book_new((uint32_t)mtu);
	if (!book)
		return -ENOMEM;
	for (unsigned i = 0; i < book->n; i++)
		printf("%3u %5u bytes  %s\n", i, book->frame[i].len,
		       book->frame[i].name);
	odd_book_free(book);
	return 0;
}

/* ---- recv ---- */

struct arrival {
	uint8_t *data;
	uint32_t len;
	uint32_t of; /* index of the frame that it is, or NOBODY */
};

struct odd_recv {
	const char *ifname, *path;
	uint64_t mtu, ring_mib;
	struct patience patience;
	struct odd_book *book;
	bool *matched; /* a flag for each frame of the book */
	struct arrival *arrival;
	unsigned n_arrivals, room;
	unsigned exact, altered, extra, reordered;
};

static bool is_exact(const struct arrival *a, const struct odd *f)
{
	return a->len == f->len && !memcmp(a->data, f->data, f->len);
}

/* A frame of the book that this arrival equals, unmatched ones first. */
static uint32_t find_exact(const struct odd_recv *s, const struct arrival *a)
{
	uint32_t found = NOBODY;

	for (unsigned i = 0; i < s->book->n; i++)
		if (is_exact(a, &s->book->frame[i])) {
			if (!s->matched[i])
				return i;
			found = i;
		}
	return found;
}

static int keep(struct odd_recv *s, const uint8_t *frame, uint32_t len)
{
	struct arrival *grown;

	if (s->n_arrivals == s->room) {
		grown = reallocarray(s->arrival, s->room + 1024,
				     sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		s->arrival = grown;
		s->room += 1024;
	}
	s->arrival[s->n_arrivals] = (struct arrival){ malloc(len ? len : 1),
						      len, NOBODY };
	if (!s->arrival[s->n_arrivals].data)
		return -ENOMEM;
	memcpy(s->arrival[s->n_arrivals++].data, frame, len);
	return 0;
}

static int listen_all(struct odd_recv *s, struct wire_rx *rx)
{
	struct wire_frame f;
	int r = 0;

	patience_start(&s->patience);
	while (!r && !patience_over(&s->patience, clock_now_ns())) {
		if (!wire_rx_next(rx, true, &f))
			continue;
		r = keep(s, f.data, f.len);
		wire_rx_done(rx);
		patience_heard(&s->patience);
	}
	return r;
}

static void match_exact(struct odd_recv *s)
{
	uint32_t highest = 0;

	for (unsigned i = 0; i < s->n_arrivals; i++) {
		struct arrival *a = &s->arrival[i];

		a->of = find_exact(s, a);
		if (a->of == NOBODY)
			continue;
		if (s->matched[a->of]) {
			printf("extra: again: %s\n",
			       s->book->frame[a->of].name);
			s->extra++;
			continue;
		}
		s->matched[a->of] = true;
		s->exact++;
		if (a->of < highest)
			s->reordered++;
		else
			highest = a->of;
	}
}

/* What became of the frame, in the words of its fields. */
static void describe(const struct arrival *a, const struct odd *f)
{
	uint32_t n = a->len < f->len ? a->len : f->len, i = 0;

	if (a->len + 4 == f->len && !memcmp(a->data, f->data, 12) &&
	    !memcmp(a->data + 12, f->data + 16, a->len - 12)) {
		printf("tag missing\n");
		return;
	}
	while (i < n && a->data[i] == f->data[i])
		i++;
	if (i < n && i < 6)
		printf("another destination");
	else if (i < n && i < 12)
		printf("another source");
	else if (i < n && n >= 14 && i < 14)
		printf("%s %04x instead of %04x",
		       header_skip(f->data, f->len) > 12 ? "TPID" : "type",
		       get16(a->data + 12), get16(f->data + 12));
	else if (i < n && n >= 16 && i < 16 &&
		 header_skip(f->data, f->len) > 12)
		printf("TCI %04x instead of %04x", get16(a->data + 14),
		       get16(f->data + 14));
	else if (i < n)
		printf("byte %u is %02x instead of %02x", i, a->data[i],
		       f->data[i]);
	if (a->len != f->len)
		printf("%s%u bytes instead of %u", i < n ? ", " : "", a->len,
		       f->len);
	printf("\n");
}

/* The index that a mark inside the arrival names. */
static uint32_t marked_index(const struct odd_recv *s, const struct arrival *a)
{
	for (uint32_t at = 14; at + 8 <= a->len && at <= 32; at++)
		if (get32(a->data + at) == ODD_MARK &&
		    get32(a->data + at + 4) < s->book->n)
			return get32(a->data + at + 4);
	return NOBODY;
}

static bool is_alike(const struct arrival *a, const struct odd *f)
{
	uint32_t n = a->len < f->len ? a->len : f->len, same = 0;

	for (uint32_t i = 0; i < n; i++)
		same += a->data[i] == f->data[i];
	return same > n / 2;
}

/* No mark that helps: an unmatched frame in the same place that is alike. */
static uint32_t index_by_place(const struct odd_recv *s, unsigned i)
{
	const struct arrival *a = &s->arrival[i];
	uint32_t at = 0;

	while (i-- > 0)
		if (s->arrival[i].of != NOBODY) {
			at = s->arrival[i].of + 1;
			break;
		}
	for (; at < s->book->n && !s->matched[at]; at++)
		if (is_alike(a, &s->book->frame[at]))
			return at;
	return NOBODY;
}

static void match_altered(struct odd_recv *s)
{
	for (unsigned i = 0; i < s->n_arrivals; i++) {
		struct arrival *a = &s->arrival[i];
		uint32_t of;

		if (a->of != NOBODY)
			continue;
		of = marked_index(s, a);
		if (of == NOBODY || s->matched[of])
			of = index_by_place(s, i);
		if (of == NOBODY) {
			printf("extra: %u bytes, type %04x\n", a->len,
			       get16(a->data + 12));
			s->extra++;
			continue;
		}
		a->of = of;
		s->matched[of] = true;
		s->altered++;
		printf("altered: %s: ", s->book->frame[of].name);
		describe(a, &s->book->frame[of]);
	}
}

static int judge(struct odd_recv *s, uint64_t drops)
{
	unsigned missing = 0;

	match_exact(s);
	match_altered(s);
	for (unsigned i = 0; i < s->book->n; i++)
		if (!s->matched[i]) {
			printf("missing: %s\n", s->book->frame[i].name);
			missing++;
		}
	printf("frames=%u exact=%u altered=%u missing=%u extra=%u reordered=%u"
	       " kernel_drops=%u\n",
	       s->book->n, s->exact, s->altered, missing, s->extra,
	       s->reordered, (unsigned)drops);
	return 0;
}

static int write_out(const struct odd_recv *s)
{
	struct pcap_writer *w = s->path ? pcap_writer_new(s->path) : NULL;

	if (s->path && !w)
		return -EIO;
	for (unsigned i = 0; w && i < s->n_arrivals; i++)
		pcap_write(w, i * NS_PER_US, s->arrival[i].data,
			   s->arrival[i].len);
	return pcap_writer_free(w);
}

int command_odd_recv(int argc, char **argv)
{
	struct odd_recv s = { .ring_mib = RING_MIB, .patience = PATIENCE };
	const struct opt opt[] = {
		OPT_MTU(s.mtu),
		{ "out", "FILE", "write what arrived to a pcap file", OPT_TEXT,
		  &s.path, 0, 0 },
		OPT_PATIENCE(s.patience),
		OPT_RING(s.ring_mib),
	};
	struct wire_rx *rx = NULL;
	int r = opts_parse(argc, argv, opt, ARRAY_SIZE(opt), &s.ifname, 1);

	if (r)
		return r;
	if (!s.mtu) {
		r = wire_mtu(s.ifname);
		if (r < 0)
			return r;
		s.mtu = (uint64_t)r;
	}
	s.book = odd_book_new((uint32_t)s.mtu);
	s.matched = s.book ? calloc(s.book->n, sizeof(bool)) : NULL;
	if (s.matched)
		rx = wire_rx_new(s.ifname, s.ring_mib);
	r = rx ? listen_all(&s, rx) : -EIO;
	if (!r)
		r = judge(&s, wire_rx_drops(rx));
	if (!r)
		r = write_out(&s);
	for (unsigned i = 0; i < s.n_arrivals; i++)
		free(s.arrival[i].data);
	free(s.arrival);
	free(s.matched);
	odd_book_free(s.book);
	wire_rx_free(rx);
	return r;
}
