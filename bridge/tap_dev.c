/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See tap_dev.h. A packet socket that only sends. It has no vnet header: what
 * it is given are single frames whose checksums are finished.
 *
 * The interface is looked at ten times a second: at one that is down or has no
 * carrier a send may succeed, for its frames end in noop_enqueue() of
 * net/sched/sch_generic.c, and the socket of one that was deleted stays deaf
 * when another one has its name.
 */
#include "config.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "log.h"
#include "packet_socket.h"
#include "tap_batch.h"
#include "tap_dev.h"
#include "tap_health.h"
#include "tap_link.h"

/* Less than a queue of the kernel holds (pfifo_fast: 1000 frames), so that
 * who sends too fast waits for room, and does not lose at the queue. */
#define SNDBUF_BYTES (256 << 10)
#define LOOK_NS (100 * NS_PER_MS)
#define QUIET_NS NS_PER_SEC

struct tap_dev {
	struct tap_sink sink;
	struct tap_health health;
	struct tap_batch *batch;
	int fd;
	int index; /* that the socket is bound to; 0: none */
	int error; /* why it cannot send; 0: it can */
	const char *why; /* or NULL: as errno has it */
	uint32_t mtu;
	uint32_t mtu_told; /* frames are too long for it; 0: not yet */
	uint64_t look_ns;
	char name[IF_NAMESIZE];
	char port[2][IF_NAMESIZE];
};

/* ---- the interface ---- */

/* What it takes in would arrive on the wire again. */
static bool is_port(const struct tap_dev *d, int index)
{
	struct tap_link link;

	for (int i = 0; i < 2; i++)
		if (!strcmp(d->port[i], d->name) ||
		    (*d->port[i] && !tap_link_look(d->fd, d->port[i], &link) &&
		     link.index == index))
			return true;
	return false;
}

static int set_error(struct tap_dev *d, int error, const char *why)
{
	d->error = error;
	d->why = why;
	return error;
}

/* The kernel left it when the interface went down: packet_notifier(). */
static void clear_error(int fd)
{
	socklen_t len = sizeof(int);
	int error;

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
}

/* -errno, with `why` where errno's text is not enough. */
static int look(struct tap_dev *d)
{
	struct tap_link link = { 0 };
	int r = tap_link_look(d->fd, d->name, &link);

	if (r == -ENODEV)
		return set_error(d, r, "no such interface");
	if (r)
		return set_error(d, r, NULL);
	if (is_port(d, link.index))
		return set_error(d, -EINVAL, "is a port of this wire: copies "
				 "would go round; take another interface");
	if (link.arptype != ARPHRD_ETHER)
		return set_error(d, -EINVAL, "is no Ethernet interface");
	d->mtu = link.mtu;
	if (link.index != d->index || !packet_is_bound(d->fd, d->index)) {
		r = packet_rebind(d->fd, link.index, 0);
		d->index = r ? 0 : link.index;
	}
	if (!r && !link.running)
		return set_error(d, -ENETDOWN, "is down");
	if (d->error)
		clear_error(d->fd);
	return set_error(d, r, NULL);
}

/* ---- the sink ---- */

static struct tap_dev *dev_of(struct tap_sink *sink)
{
	return container_of(sink, struct tap_dev, sink);
}

/* The MTU by what the kernel allows: 4 bytes of a tag of 802.1Q do not count,
 * those of 802.1ad do (packet_snd() of net/packet/af_packet.c). */
static void tell_too_long(struct tap_dev *d, const struct tap_sent *sent)
{
	const char *const port[] = { d->port[0], d->port[1] };
	const char *const own[] = { d->name, d->name };
	uint32_t wire = tap_link_mtu(d->fd, port);
	uint32_t need = sent->refused_bytes - FRAME_MIN_BYTES;
	uint32_t mtu = tap_link_mtu(d->fd, own);

	if (mtu)
		d->mtu = mtu; /* it may have changed since we looked */
	if (d->mtu_told == d->mtu)
		return;
	d->mtu_told = d->mtu;
	if (sent->refused_tagged)
		wire += FRAME_TAG_BYTES;
	log_warn("%s: MTU %u: copies of longer frames are lost, as this one of "
		 "%u bytes: raise it to %u", d->health.name, d->mtu,
		 sent->refused_bytes, need > wire ? need : wire);
}

static int dev_write(struct tap_sink *sink, struct tap_record *record)
{
	struct tap_dev *d = dev_of(sink);
	struct tap_sent sent;
	int r;

	if (unlikely(d->error)) {
		tap_health_lost(&d->health, d->error, d->why);
		return d->error;
	}
	r = tap_batch_send(d->batch, d->fd, &record->frame, &sent);
	if (likely(!r))
		return 0;
	if (r == -EMSGSIZE && sent.refused_bytes > FRAME_MIN_BYTES) {
		tell_too_long(d, &sent);
		return r;
	}
	if (r == -EBADMSG) {
		tap_health_odd(&d->health, record->frame.len, TAP_BATCH_UNCUT);
		return r;
	}
	tap_health_lost(&d->health, r, NULL);
	d->look_ns = 0;
	return r;
}

static int dev_tick(struct tap_sink *sink, uint64_t now_ns,
		    const struct tap_counts count[2])
{
	struct tap_dev *d = dev_of(sink);

	(void)count;
	if (now_ns < d->look_ns)
		return 0;
	d->look_ns = now_ns + LOOK_NS;
	d->health.now_ns = now_ns;
	if (look(d))
		tap_health_fails(&d->health, d->error, d->why);
	tap_health_tick(&d->health);
	return 0;
}

static void dev_close(struct tap_sink *sink, const struct tap_counts count[2])
{
	struct tap_dev *d = dev_of(sink);

	(void)count;
	close_fd(&d->fd);
	tap_batch_free(d->batch);
	free(d);
}

static const struct tap_sink_ops dev_ops = {
	.name = "interface",
	.write = dev_write,
	.tick = dev_tick,
	.close = dev_close,
};

/* ---- open ---- */

static void copy_name(char *to, const char *from)
{
	if (from)
		strncpy(to, from, IF_NAMESIZE - 1);
}

static int open_socket(struct tap_dev *d)
{
	int r;

	d->fd = packet_open(d->name);
	if (d->fd < 0)
		return d->fd;
	packet_set_buffer(d->fd, PACKET_BUFFER_TX, SNDBUF_BYTES);
	r = look(d);
	if (r == -ENETDOWN) {
		tap_health_fails(&d->health, r, d->why);
		return 0;
	}
	if (r)
		log_err("%s: %s", d->health.name, d->why ? d->why :
			strerror(-r));
	return r;
}

int tap_dev_open(struct tap_sink **sinkp, const struct tap_params *params,
		 const struct tap_target *target)
{
	struct tap_dev *d = calloc(1, sizeof(*d));
	int r;

	if (!d) {
		log_err("tap: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	d->sink.ops = &dev_ops;
	d->fd = -1;
	copy_name(d->name, target->name);
	for (int i = 0; i < 2; i++)
		copy_name(d->port[i], params->port[i]);
	tap_health_init(&d->health, params->id, d->name, QUIET_NS);
	r = tap_batch_new(&d->batch, NULL, 0, params->snap_bytes);
	if (!r)
		r = open_socket(d);
	if (r) {
		dev_close(&d->sink, NULL);
		return r;
	}
	*sinkp = &d->sink;
	return 0;
}
