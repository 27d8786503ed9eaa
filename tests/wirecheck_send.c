/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wirecheck send: numbered frames, unpaced or at an even rate.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "wirecheck.h"

#define BATCH 64

struct send {
	/* options */
	const char *ifname;
	uint64_t count, first, pps, seed, stream;
	struct range size;
	struct tags tags;
	struct faults faults;
	/* the run */
	int fd;
	unsigned queued;
	uint64_t now_ns; /* read once a batch */
	uint64_t made, sent_frames, sent_bytes;
	size_t room; /* bytes of each buffer */
	uint8_t *buffer;
	struct iovec iov[BATCH];
	struct mmsghdr message[BATCH];
};

static int flush_queue(struct send *s)
{
	int r = s->queued ? wire_send(s->fd, s->message, s->queued) : 0;

	if (r)
		return r;
	for (unsigned i = 0; i < s->queued; i++)
		s->sent_bytes += s->iov[i].iov_len;
	s->sent_frames += s->queued;
	s->queued = 0;
	return 0;
}

static int queue_frame(struct send *s, uint64_t seq)
{
	uint64_t random = mix(mix(s->seed) ^ seq);
	uint64_t span = s->size.to - s->size.from + 1;
	struct numbered n = {
		.stream = (uint32_t)s->stream,
		.seq = seq,
		.bytes = (uint32_t)(s->size.from + random % span),
		.sent_ns = s->now_ns,
		.tags = &s->tags,
	};
	struct iovec *iov = &s->iov[s->queued];

	if (!s->queued)
		n.sent_ns = s->now_ns = clock_now_ns();
	iov->iov_base = s->buffer + s->queued * s->room;
	iov->iov_len = n.bytes;
	s->message[s->queued].msg_hdr = (struct msghdr){ .msg_iov = iov,
							 .msg_iovlen = 1 };
	numbered_make(iov->iov_base, &n);
	if (fault_hits(s->made++, s->faults.corrupt))
		fault_alter(iov->iov_base, n.bytes, random >> 16);
	return ++s->queued == BATCH ? flush_queue(s) : 0;
}

static int queue_ith(struct send *s, uint64_t i)
{
	unsigned times = fault_times(&s->faults, i);
	int r = 0;

	while (!r && times--)
		r = queue_frame(s, s->first + fault_swapped(&s->faults, i,
							    s->count));
	return r;
}

/* How many frames are due; sleeps when none is. */
static uint64_t frames_due(const struct send *s, uint64_t start_ns, uint64_t i)
{
	uint64_t due_ns, now_ns = clock_now_ns(), due;
	struct timespec at;

	if (!s->pps)
		return s->count;
	due = (uint64_t)((double)(now_ns - start_ns) * (double)s->pps / 1e9) +
	      1;
	if (due > i)
		return due < s->count ? due : s->count;
	due_ns = start_ns + (uint64_t)((double)i * 1e9 / (double)s->pps);
	at.tv_sec = (time_t)(due_ns / NS_PER_SEC);
	at.tv_nsec = (long)(due_ns % NS_PER_SEC);
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
	return i;
}

static int run(struct send *s)
{
	uint64_t start_ns = clock_now_ns(), i = 0;
	int r = 0;

	prctl(PR_SET_TIMERSLACK, 1);
	while (!r && i < s->count && !stop_asked()) {
		uint64_t due = frames_due(s, start_ns, i);

		while (!r && i < due && !stop_asked())
			r = queue_ith(s, i++);
		if (!r)
			r = flush_queue(s);
	}
	printf("sent=%" PRIu64 " bytes=%" PRIu64 " seconds=%.6f\n",
	       s->sent_frames, s->sent_bytes,
	       (double)(clock_now_ns() - start_ns) / 1e9);
	return r;
}

int command_send(int argc, char **argv)
{
	struct send s = {
		.count = 1000, .seed = 1, .stream = 1, .size = { 60, 60 },
	};
	const struct opt opt[] = {
		{ "count", "N", "frames, default 1000", OPT_NUMBER, &s.count,
		  1, UINT64_C(1) << 32 },
		{ "first", "N", "number of the first, default 0", OPT_NUMBER,
		  &s.first, 0, UINT64_C(1) << 32 },
		{ "pps", "R", "frames a second; 0, the default: unpaced",
		  OPT_NUMBER, &s.pps, 0, 100000000 },
		{ "size", "A[-B]", "bytes, tags counted, default 60",
		  OPT_RANGE, &s.size, NUMBERED_BYTES, 65536 },
		{ "seed", "S", "of the sizes and the bits that are altered",
		  OPT_NUMBER, &s.seed, 0, UINT64_MAX },
		{ "stream", "ID", "default 1", OPT_NUMBER, &s.stream, 0,
		  UINT32_MAX },
		{ "vlan", "TAG", "[TPID/]VID[:PCP[:DEI]], outermost first",
		  OPT_TAG, &s.tags, 0, 0 },
		OPT_FAULTS(s.faults),
	};
	int r = opts_parse(argc, argv, opt, ARRAY_SIZE(opt), &s.ifname, 1);

	if (r)
		return r;
	if (s.size.from < NUMBERED_BYTES + 4 * s.tags.n)
		return complain(EXIT_USAGE, "--size: at least %u bytes",
				NUMBERED_BYTES + 4 * s.tags.n);
	s.fd = wire_open(s.ifname, 0);
	if (s.fd < 0)
		return -EIO;
	s.room = (size_t)s.size.to;
	s.buffer = malloc(BATCH * s.room);
	r = s.buffer ? run(&s) : -ENOMEM;
	free(s.buffer);
	close(s.fd);
	return r;
}
