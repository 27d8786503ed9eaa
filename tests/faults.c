/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A library for LD_PRELOAD that lets one process, and nobody else, live on a
 * worse machine:
 *
 * SHIFT_CLOCK=FILE   the time of day is stepped: the file begins with a number
 *                    of seconds, which is added from the moment that it is
 *                    there. 64 bytes of the file are mapped, so write to it
 *                    without cutting it off: `1<>FILE`.
 * RING_BYTES_MAX=N   the kernel refuses rings of packet sockets above this for
 *                    want of memory.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define TEXT_BYTES 64

/* Of the process, for a library has no other place. */
static const char *shift_text;
static uint64_t ring_bytes_max = UINT64_MAX;

/* Once, at the start: what a sandbox forbids later does not matter. */
__attribute__((constructor)) static void read_environment(void)
{
	const char *path = getenv("SHIFT_CLOCK");
	const char *bytes = getenv("RING_BYTES_MAX");
	void *p = MAP_FAILED;
	int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) : -1;

	if (fd >= 0 && !ftruncate(fd, TEXT_BYTES))
		p = mmap(NULL, TEXT_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (p != MAP_FAILED)
		shift_text = p;
	if (bytes)
		ring_bytes_max = strtoull(bytes, NULL, 10);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	static int (*real)(clockid_t clock, struct timespec *now);
	int r;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	r = real(clock, now);
	if (!r && shift_text &&
	    (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ||
	     clock == CLOCK_TAI))
		now->tv_sec += strtol(shift_text, NULL, 10);
	return r;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec ts;
	int r = clock_gettime(CLOCK_REALTIME, &ts);

	(void)zone;
	now->tv_sec = ts.tv_sec;
	now->tv_usec = ts.tv_nsec / 1000;
	return r;
}

time_t time(time_t *at)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (at)
		*at = ts.tv_sec;
	return ts.tv_sec;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	static int (*real)(int fd, int level, int name, const void *value,
			   socklen_t len);
	const struct tpacket_req *req = value;

	if (level == SOL_PACKET && len >= sizeof(*req) &&
	    (name == PACKET_RX_RING || name == PACKET_TX_RING) &&
	    (uint64_t)req->tp_block_size * req->tp_block_nr > ring_bytes_max) {
		errno = ENOMEM;
		return -1;
	}
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "setsockopt");
	return real(fd, level, name, value, len);
}
