/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One-way latency for the benchmark, from one network namespace to another.
 * The sender stamps the wall clock into a frame right before send(); the
 * receiver's stamp is the kernel's, of the moment the frame reached its ring,
 * and is read when all is over: receiving takes no processor meanwhile.
 */
#include "config.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base.h"
#include "clock.h"

#define SLOT_BYTES 256u
#define SLOTS (1u << 17)
#define BLOCK_BYTES (1u << 18)
#define PROTOCOL 0x88b5
#define FRAME_BYTES 60
#define STAMP_OFFSET 16

struct stamp {
	uint64_t magic;
	uint64_t sent_ns;
};

#define MAGIC UINT64_C(0x62756d7077697265)

static uint64_t wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* A packet socket in another namespace; it stays there when we go on. */
static int open_in(const char *netns, const char *name, uint16_t protocol)
{
	struct sockaddr_ll sll = { .sll_family = AF_PACKET };
	char path[128];
	int fd, ns;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET))
		return -1;
	close(ns);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	sll.sll_ifindex = (int)if_nametoindex(name);
	sll.sll_protocol = htons(protocol);
	if (protocol && fd >= 0) {
		struct tpacket_req req = { BLOCK_BYTES,
					   SLOTS / (BLOCK_BYTES / SLOT_BYTES),
					   SLOT_BYTES, SLOTS };
		int version = TPACKET_V2;

		setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version,
			   sizeof(version));
		if (setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req,
			       sizeof(req)))
			return -1;
	}
	if (bind(fd, (struct sockaddr *)&sll, sizeof(sll)))
		return -1;
	return fd;
}

static void send_all(int fd, uint64_t count, double pps)
{
	uint8_t frame[FRAME_BYTES] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1,
				       PROTOCOL >> 8, PROTOCOL & 0xff };
	uint64_t start_ns = clock_now_ns();
	struct stamp stamp = { .magic = MAGIC };

	for (uint64_t i = 0; i < count; i++) {
		uint64_t due = start_ns + (uint64_t)((double)i * 1e9 / pps);

		while (clock_now_ns() < due)
			;
		stamp.sent_ns = wall_ns();
		memcpy(frame + STAMP_OFFSET, &stamp, sizeof(stamp));
		if (send(fd, frame, sizeof(frame), 0) < 0)
			perror("latency: send");
	}
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t collect(const uint8_t *map, uint64_t *ns)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < SLOTS; i++) {
		const struct tpacket2_hdr *slot =
			(const void *)(map + (size_t)i * SLOT_BYTES);
		struct stamp stamp;

		if (!(slot->tp_status & TP_STATUS_USER))
			break;
		memcpy(&stamp, (const uint8_t *)slot + slot->tp_mac +
			       STAMP_OFFSET, sizeof(stamp));
		if (stamp.magic == MAGIC)
			ns[n++] = slot->tp_sec * NS_PER_SEC + slot->tp_nsec -
				  stamp.sent_ns;
	}
	return n;
}

int main(int argc, char **argv)
{
	double pps = argc > 5 ? atof(argv[5]) : 50000;
	uint64_t count = argc > 6 ? strtoull(argv[6], NULL, 10) : 50000;
	uint64_t *ns, n;
	uint8_t *map;
	int rx, tx;

	if (argc < 5 || count > SLOTS) {
		fprintf(stderr, "usage: latency NS IFACE NS IFACE [PPS] "
				"[COUNT up to %u]\n", SLOTS);
		return 2;
	}
	rx = open_in(argv[3], argv[4], PROTOCOL);
	map = rx < 0 ? MAP_FAILED :
		       mmap(NULL, (size_t)SLOTS * SLOT_BYTES,
			    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			    rx, 0);
	tx = open_in(argv[1], argv[2], 0);
	ns = calloc(SLOTS, sizeof(*ns));
	if (map == MAP_FAILED || tx < 0 || !ns) {
		perror("latency");
		return 1;
	}
	send_all(tx, count, pps);
	usleep(200000); /* the last ones are on their way */
	n = collect(map, ns);
	qsort(ns, n, sizeof(*ns), by_value);
	printf("sent=%" PRIu64 " received=%" PRIu64, count, n);
	if (n)
		printf(" p50_us=%.1f p99_us=%.1f max_us=%.1f",
		       (double)ns[n / 2] / 1e3, (double)ns[n * 99 / 100] / 1e3,
		       (double)ns[n - 1] / 1e3);
	printf("\n");
	return 0;
}
