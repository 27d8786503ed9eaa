/* SPDX-License-Identifier: BSD-2-Clause */
/* The doctor looks at memory, privileges and the kernel. */
#include "config.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "doctor_look.h"
#include "doctor_proc.h"
#include "tx.h"

#define KERNEL_LEAST 510   /* 5.10 */
#define KERNEL_UDP_SUPER 602

/* ---- memory ---- */

/* As rx_ring.c and tx_ring.c round them up. */
#define RX_OVERHEAD_BYTES 112
#define TX_OVERHEAD_BYTES 42
#define RX_SLOTS_LEAST 64
#define TX_SLOTS_LEAST 16
#define SLOT_BYTES_MOST 65536

static uint64_t ring_bytes(uint64_t slots, uint64_t slots_least,
			   uint64_t slot_bytes)
{
	uint64_t n = slots_least, slot = 2048;

	while (n < slots)
		n *= 2;
	while (slot < slot_bytes && slot < SLOT_BYTES_MOST)
		slot *= 2;
	return n * slot;
}

static uint64_t port_bytes(const struct doctor *d, enum side side)
{
	const struct conf_pair *conf = d->conf;
	const struct doctor_port *p = &d->port[side];
	uint64_t frame = p->link.mtu + 14 + 2 * FRAME_TAG_BYTES, bytes = 0;
	int tx = conf->tx;

	if (doctor_has_lane(d, side))
		bytes += ring_bytes(conf->rx_slots[side], RX_SLOTS_LEAST,
				    conf->slot_bytes[side] ?
				    conf->slot_bytes[side] :
				    frame + RX_OVERHEAD_BYTES);
	if (tx == TX_AUTO)
		tx = (int)tx_mode_auto(p->driver);
	if (tx == TX_RING && doctor_has_lane(d, side == SIDE_LEFT ?
					     SIDE_RIGHT : SIDE_LEFT))
		bytes += ring_bytes(conf->tx_slots, TX_SLOTS_LEAST,
				    frame + TX_OVERHEAD_BYTES);
	return bytes;
}

/*
 * The kernel takes rings from its own memory, which cannot be swapped and is
 * charged to no cgroup (alloc_one_pg_vec_page() has no __GFP_ACCOUNT): only
 * what is free counts.
 */
void doctor_check_memory(struct doctor *d)
{
	char text[4096], value[32];
	unsigned long long rings = 0, free_bytes;

	for (int side = 0; side < SIDES; side++)
		if (d->port[side].exists)
			rings += port_bytes(d, (enum side)side);
	if (!rings || doctor_proc_text(text, sizeof(text), "/proc/meminfo") < 0 ||
	    !doctor_proc_value(text, "MemAvailable", ':', value, sizeof(value)))
		return;
	free_bytes = strtoull(value, NULL, 10) << 10;
	if (rings <= free_bytes / 2) {
		doctor_find(d, DOCTOR_OK, "memory", "rings of %llu MiB, %llu "
			    "MiB available", (rings + (1 << 20) - 1) >> 20,
			    free_bytes >> 20);
		return;
	}
	doctor_find(d, DOCTOR_WARNING, "memory", "rings of %llu MiB, %llu MiB "
		    "available: they will be made smaller, or the host runs "
		    "out", (rings + (1 << 20) - 1) >> 20, free_bytes >> 20);
	doctor_mend(d, "bumpwire --rx-slots 1024 --tx-slots 256 %s %s",
		    d->port[SIDE_LEFT].name, d->port[SIDE_RIGHT].name);
}

/* ---- privileges ---- */

void doctor_check_privileges(struct doctor *d)
{
	static const struct {
		unsigned int bit;
		const char *name, *why;
	} need[] = {
		{ CAP_NET_RAW, "CAP_NET_RAW", "no packet sockets" },
		{ CAP_NET_ADMIN, "CAP_NET_ADMIN",
		  "no promiscuous ports, no switching of LRO" },
	};
	char text[4096], mask[32];

	if (doctor_proc_text(text, sizeof(text), "/proc/thread-self/status") <
		    0 ||
	    !doctor_proc_value(text, "CapEff", ':', mask, sizeof(mask)))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(need); i++) {
		if (doctor_proc_bit(mask, need[i].bit))
			continue;
		doctor_find(d, DOCTOR_ERROR, "privileges", "%s is missing: %s",
			    need[i].name, need[i].why);
		doctor_mend(d, "sudo bumpwire %s %s", d->port[SIDE_LEFT].name,
			    d->port[SIDE_RIGHT].name);
	}
}

/* ---- the kernel ---- */

static bool has_family(int family)
{
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 || errno != EAFNOSUPPORT;

	close_fd(&fd);
	return has;
}

/* What newer or richer kernels give, and bumpwire can do without. */
static void tell_features(struct doctor *d, const char *release)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
			   LANDLOCK_CREATE_RULESET_VERSION);
	bool seccomp = !access("/proc/sys/kernel/seccomp/actions_avail", F_OK);
	bool bpf = !access("/proc/sys/kernel/unprivileged_bpf_disabled", F_OK);

	doctor_find(d, DOCTOR_OK, "kernel", "Linux %s: seccomp %s, Landlock "
		    "%s%.0ld, BPF %s, XDP sockets %s", release,
		    seccomp ? "yes" : "no", abi > 0 ? "ABI " : "no",
		    abi > 0 ? abi : 0, bpf ? "yes" : "no",
		    has_family(AF_XDP) ? "yes" : "no");
}

void doctor_check_kernel(struct doctor *d)
{
	struct utsname host;

	if (uname(&host))
		return;
	if (!has_family(AF_PACKET)) {
		doctor_find(d, DOCTOR_ERROR, "kernel", "Linux %s has no packet "
			    "sockets", host.release);
		doctor_mend(d, "modprobe af_packet");
	}
	if (d->kernel && d->kernel < KERNEL_LEAST)
		doctor_find(d, DOCTOR_WARNING, "kernel", "Linux %s: bumpwire "
			    "is made for 5.10 and later", host.release);
	else if (d->kernel && d->kernel < KERNEL_UDP_SUPER)
		doctor_find(d, DOCTOR_NOTE, "kernel", "Linux %s: super-frames "
			    "of UDP reach packet sockets only from 6.2 on",
			    host.release);
	tell_features(d, host.release);
}
