/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See tap_vxlan.h. UDP sockets that are connected, so that the kernel tells
 * what ICMP says of a collector, and how long a datagram may be.
 *
 * With IP_RECVERR it tells of unreachable hosts too, and of queues that are
 * full (ip(7), udp_send_skb()); what it tells comes with a later send, and
 * waits in a queue of its own. What is silent is a cable that is out: frames
 * end in noop_enqueue(). So the interface that leads there is looked at.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "dissect.h"
#include "link_route.h"
#include "log.h"
#include "packet_socket.h"
#include "tap_batch.h"
#include "tap_health.h"
#include "tap_link.h"
#include "tap_vxlan.h"

/* Source ports, for a flow is to keep one of its own (RFC 7348, 5). */
#define SOCKETS 8
#define SNDBUF_BYTES (256 << 10)
#define LOOK_NS (100 * NS_PER_MS)
#define ROUTE_NS NS_PER_SEC
/* What is refused at the far end is told once a second (icmp_ratelimit), and
 * a neighbour who does not answer after three; what is wrong here, at once. */
#define QUIET_FAR_NS (4 * NS_PER_SEC)
#define QUIET_NEAR_NS (2 * LOOK_NS)

#define HEADER_BYTES 8
#define UDP_BYTES 8
#define FLAG_VNI 0x08
#define DATAGRAM_MAX (65535 - 20 - UDP_BYTES - HEADER_BYTES)

struct tap_vxlan {
	struct tap_sink sink;
	struct tap_health health;
	struct tap_batch *batch;
	int fd[SOCKETS];
	int probe_fd; /* connected anew to learn of the way */
	bool connected;
	int away; /* -errno while copies go nowhere */
	uint32_t mtu_told; /* of the underlay; 0: none */
	uint32_t room_bytes; /* of the longest frame without fragments; 0: not
			      * known */
	uint32_t snap_bytes;
	uint64_t look_ns, route_ns;
	struct sockaddr_storage to, from;
	socklen_t to_len;
	uint8_t header[HEADER_BYTES];
	char link[IF_NAMESIZE]; /* that leads there, or "" */
	char port[2][IF_NAMESIZE];
};

static bool is_v6(const struct tap_vxlan *v)
{
	return v->to.ss_family == AF_INET6;
}

/* It works no more: for so long copies count as lost though they were sent. */
static void set_away(struct tap_vxlan *v, int error, const char *why,
		     uint64_t quiet_ns)
{
	v->away = error;
	v->health.quiet_ns = quiet_ns;
	tap_health_fails(&v->health, error, why);
}

/* ---- the way there ---- */

/* A source address stays with a socket until it is taken off (udp(7)). */
static int connect_again(int fd, const struct tap_vxlan *v)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };

	connect(fd, &none, sizeof(none));
	return connect(fd, (const struct sockaddr *)&v->to, v->to_len) ?
		       -errno : 0;
}

static int connect_all(struct tap_vxlan *v)
{
	int r = 0;

	for (int i = 0; !r && i < SOCKETS; i++)
		r = connect_again(v->fd[i], v);
	v->connected = !r;
	return r;
}

static uint32_t overhead_bytes(const struct tap_vxlan *v)
{
	return (is_v6(v) ? 40 : 20) + UDP_BYTES + HEADER_BYTES;
}

/* What the wire's longest frames, with a tag, need of the underlay. */
static void tell_fragments(struct tap_vxlan *v, uint32_t frame_bytes)
{
	uint32_t overhead = overhead_bytes(v);
	uint32_t mtu = v->room_bytes + overhead;

	if (v->mtu_told == mtu ||
	    (v->snap_bytes && v->snap_bytes <= v->room_bytes))
		return;
	v->mtu_told = mtu;
	log_warn("%s: underlay MTU %u: frames over %u bytes are fragmented; "
		 "raise it to %u", v->health.name, mtu, v->room_bytes,
		 frame_bytes + overhead);
}

static void check_mtu(struct tap_vxlan *v)
{
	const char *const port[] = { v->port[0], v->port[1] };
	uint32_t wire = tap_link_mtu(v->probe_fd, port);
	socklen_t len = sizeof(int);
	int mtu = 0;

	if (getsockopt(v->probe_fd, is_v6(v) ? IPPROTO_IPV6 : IPPROTO_IP,
		       is_v6(v) ? IPV6_MTU : IP_MTU, &mtu, &len) ||
	    mtu <= (int)overhead_bytes(v))
		return;
	v->room_bytes = (uint32_t)mtu - overhead_bytes(v);
	if (wire && wire + FRAME_MIN_BYTES > v->room_bytes)
		tell_fragments(v, wire + FRAME_MIN_BYTES + FRAME_TAG_BYTES);
}

/* By a socket that nothing is sent on: where it would be sent from now. */
static int look_at_route(struct tap_vxlan *v)
{
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof(from);
	int r = connect_again(v->probe_fd, v), index;

	*v->link = '\0';
	if (r)
		return r;
	check_mtu(v);
	index = link_route_index((const struct sockaddr *)&v->to);
	if (index <= 0 || !if_indextoname((unsigned int)index, v->link))
		*v->link = '\0';
	getsockname(v->probe_fd, (struct sockaddr *)&from, &len);
	if (is_v6(v))
		((struct sockaddr_in6 *)&from)->sin6_port = 0;
	else
		((struct sockaddr_in *)&from)->sin_port = 0;
	if (v->connected && !memcmp(&from, &v->from, sizeof(from)))
		return 0;
	v->from = from;
	return connect_all(v);
}

static void look(struct tap_vxlan *v, uint64_t now_ns)
{
	struct tap_link link;
	int r = 0;

	if (now_ns >= v->route_ns) {
		v->route_ns = now_ns + ROUTE_NS;
		r = look_at_route(v);
	}
	if (r)
		set_away(v, r, NULL, ROUTE_NS + QUIET_NEAR_NS);
	else if (*v->link && !tap_link_look(v->probe_fd, v->link, &link) &&
		 !link.running)
		set_away(v, -ENETDOWN, "the interface that leads there is down",
			 QUIET_NEAR_NS);
}

/* ---- sending ---- */

/* Both ways of a flow alike, so that one reader gets both. */
static uint32_t socket_of(const struct frame *f)
{
	const uint8_t *p = f->data;
	uint32_t n = 12, hash = 0, word;
	struct dissect d;

	if (f->len < FRAME_MIN_BYTES)
		return 0;
	dissect(f->data, f->len, &d);
	if (d.version) {
		n = d.version == 4 ? 8 : 32;
		p += d.network + (d.version == 4 ? 12 : 8);
	}
	for (uint32_t i = 0; i < n; i += 4) {
		memcpy(&word, p + i, 4);
		hash ^= word;
	}
	if (d.transport && !d.fragment && d.transport + 4 <= d.end &&
	    (d.protocol == IPPROTO_TCP || d.protocol == IPPROTO_UDP)) {
		memcpy(&word, f->data + d.transport, 4);
		hash ^= (word ^ word >> 16) & 0xffff;
	}
	hash *= 0x9e3779b1; /* Fibonacci hashing: the upper bits are mixed */
	return hash >> 29;
}

/* What ICMP has told, all of it; else the next sends fail for that, too. */
static bool take_errors(int fd)
{
	struct msghdr msg = { 0 };
	bool any = false;

	while (recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0)
		any = true;
	return any;
}

static int fail(struct tap_vxlan *v, int error)
{
	tap_health_lost(&v->health, error, NULL);
	return error;
}

/* An error of an earlier copy stands for that one, and this one goes out: also
 * when a router of IPv6 found it too big, and the next ones go in fragments. */
static int send_failed(struct tap_vxlan *v, int fd, struct frame *f, int error,
		       struct tap_sent *sent)
{
	bool earlier = take_errors(fd) && !sent->frames;

	if (earlier)
		tap_batch_send(v->batch, fd, f, sent);
	if (error == -EMSGSIZE)
		return error;
	if (error == -EBADMSG) {
		tap_health_odd(&v->health, f->len, TAP_BATCH_UNCUT);
		return error;
	}
	if (earlier)
		set_away(v, error, NULL, QUIET_FAR_NS);
	return fail(v, error);
}

static struct tap_vxlan *vxlan_of(struct tap_sink *sink)
{
	return container_of(sink, struct tap_vxlan, sink);
}

static int vxlan_write(struct tap_sink *sink, struct tap_record *record)
{
	struct tap_vxlan *v = vxlan_of(sink);
	struct frame *f = &record->frame;
	uint32_t bytes = tap_batch_cut(v->batch, f->len);
	struct tap_sent sent;
	int fd, r;

	if (unlikely(!v->connected))
		return fail(v, v->away ? v->away : -ENETUNREACH);
	if (unlikely(v->room_bytes && bytes > v->room_bytes) &&
	    !frame_is_super(f)) {
		if (bytes > DATAGRAM_MAX) {
			tap_health_odd(&v->health, bytes,
				       "is too long for a datagram");
			return -EMSGSIZE;
		}
		tell_fragments(v, bytes);
	}
	fd = v->fd[socket_of(f)];
	r = tap_batch_send(v->batch, fd, f, &sent);
	if (unlikely(r))
		return send_failed(v, fd, f, r, &sent);
	if (unlikely(v->away))
		v->health.lost_frames++;
	return v->away;
}

static int vxlan_tick(struct tap_sink *sink, uint64_t now_ns,
		      const struct tap_counts count[2])
{
	struct tap_vxlan *v = vxlan_of(sink);

	(void)count;
	if (now_ns < v->look_ns)
		return 0;
	v->look_ns = now_ns + LOOK_NS;
	v->health.now_ns = now_ns;
	look(v, now_ns);
	if (!tap_health_tick(&v->health))
		v->away = 0;
	return 0;
}

static void vxlan_close(struct tap_sink *sink,
			const struct tap_counts count[2])
{
	struct tap_vxlan *v = vxlan_of(sink);

	(void)count;
	for (int i = 0; i < SOCKETS; i++)
		close_fd(&v->fd[i]);
	close_fd(&v->probe_fd);
	tap_batch_free(v->batch);
	free(v);
}

static const struct tap_sink_ops vxlan_ops = {
	.name = "vxlan",
	.write = vxlan_write,
	.tick = vxlan_tick,
	.close = vxlan_close,
};

/* ---- open ---- */

/* The kernel fragments what is too long; DF is never set. */
static int open_socket(const struct tap_vxlan *v, int *fdp)
{
	static const int on = 1, v4_dont = IP_PMTUDISC_DONT,
			 v6_dont = IPV6_PMTUDISC_DONT;
	int fd = socket(v->to.ss_family,
			SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	*fdp = fd;
	if (fd < 0)
		r = -1;
	else if (is_v6(v))
		r = setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6_dont,
			       sizeof(v6_dont)) ||
		    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
	else
		r = setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4_dont,
			       sizeof(v4_dont)) ||
		    setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	if (r) {
		r = -errno;
		log_err("%s: UDP socket: %s", v->health.name, strerror(-r));
		return r;
	}
	packet_set_buffer(fd, PACKET_BUFFER_TX, SNDBUF_BYTES);
	return 0;
}

static void make_names(struct tap_vxlan *v, const struct tap_params *params)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&v->to;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&v->to;
	char host[INET6_ADDRSTRLEN] = "", to[INET6_ADDRSTRLEN + 24];

	inet_ntop(v->to.ss_family, is_v6(v) ? (const void *)&v6->sin6_addr :
					      (const void *)&v4->sin_addr,
		  host, sizeof(host));
	snprintf(to, sizeof(to), is_v6(v) ? "collector [%s]:%u" :
					    "collector %s:%u",
		 host, ntohs(is_v6(v) ? v6->sin6_port : v4->sin_port));
	tap_health_init(&v->health, params->id, to, QUIET_NEAR_NS);
	for (int i = 0; i < 2; i++)
		if (params->port[i])
			strncpy(v->port[i], params->port[i], IF_NAMESIZE - 1);
}

int tap_vxlan_open(struct tap_sink **sinkp, const struct tap_params *params,
		   const struct tap_target *target)
{
	struct tap_vxlan *v = calloc(1, sizeof(*v));
	int r;

	if (!v) {
		log_err("tap: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	v->sink.ops = &vxlan_ops;
	v->probe_fd = -1;
	for (int i = 0; i < SOCKETS; i++)
		v->fd[i] = -1;
	v->to = target->address;
	v->to_len = target->address_len;
	v->snap_bytes = params->snap_bytes;
	v->header[0] = FLAG_VNI;
	for (int i = 0; i < 3; i++)
		v->header[4 + i] = (uint8_t)(target->vni >> (16 - 8 * i));
	make_names(v, params);
	r = tap_batch_new(&v->batch, v->header, sizeof(v->header),
			  params->snap_bytes);
	if (!r)
		r = open_socket(v, &v->probe_fd);
	for (int i = 0; !r && i < SOCKETS; i++)
		r = open_socket(v, &v->fd[i]);
	if (r) {
		vxlan_close(&v->sink, NULL);
		return r;
	}
	vxlan_tick(&v->sink, clock_now_ns(), NULL);
	*sinkp = &v->sink;
	return 0;
}
