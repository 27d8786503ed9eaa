/* SPDX-License-Identifier: BSD-2-Clause */
/* See port_mem.h. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>

#include "port_mem.h"

/* Frames in order, each in memory of its own. */
struct queue {
	struct frame *frame;
	uint64_t head, n, room; /* head: the first that is still there */
};

struct port_mem {
	struct port port;
	pthread_mutex_t lock; /* over everything below */
	struct queue arrived;
	struct queue sent;
	void *lent[BURST_MAX]; /* to be freed */
	uint32_t n_lent;
	uint32_t burst;
	uint64_t slots;
	uint64_t refuse;
	bool stopped;
	int fd; /* readable while frames wait */
	struct port_counters counters;
	struct port_mem_calls calls;
};

static struct port_mem *mem_lock(struct port *port)
{
	struct port_mem *mem = container_of(port, struct port_mem, port);

	pthread_mutex_lock(&mem->lock);
	return mem;
}

static void mem_unlock(struct port_mem *mem)
{
	pthread_mutex_unlock(&mem->lock);
}

static void *must(void *memory)
{
	if (memory)
		return memory;
	perror("port_mem");
	abort();
}

static void *memory_of(const struct frame *f)
{
	return f->data - FRAME_HEADROOM;
}

static void queue_add(struct queue *q, const void *data, uint32_t len,
		      const struct virtio_net_hdr *vnet)
{
	static const struct virtio_net_hdr complete;
	uint8_t *memory = must(malloc(FRAME_HEADROOM + len));

	if (q->n == q->room) {
		q->room = q->room ? 2 * q->room : 256;
		q->frame = must(
			reallocarray(q->frame, q->room, sizeof(*q->frame)));
	}
	memcpy(memory + FRAME_HEADROOM, data, len);
	q->frame[q->n++] = (struct frame){
		.data = memory + FRAME_HEADROOM,
		.len = len,
		.vnet = vnet ? *vnet : complete,
	};
}

static void queue_clear(struct queue *q)
{
	while (q->head < q->n)
		free(memory_of(&q->frame[q->head++]));
	q->head = q->n = 0;
}

/* ---- what a lane calls ---- */

static void mem_rx(struct port *port, struct burst *b, struct lane_stats *s)
{
	struct port_mem *mem = mem_lock(port);
	struct queue *q = &mem->arrived;
	eventfd_t news;

	mem->calls.rx++;
	if (mem->n_lent || b->n + BURST_RX > BURST_MAX)
		mem->calls.violations++;
	while (q->head < q->n && mem->n_lent < mem->burst && b->n < BURST_MAX) {
		struct frame *f = &q->frame[q->head++];

		mem->lent[mem->n_lent++] = memory_of(f);
		counter_add(&s->received_frames, 1);
		counter_add(&s->received_bytes, f->len);
		b->frame[b->n++] = *f;
	}
	if (q->head == q->n) {
		q->head = q->n = 0;
		eventfd_read(mem->fd, &news);
	}
	mem_unlock(mem);
}

static void mem_release(struct port *port)
{
	struct port_mem *mem = mem_lock(port);

	mem->calls.release++;
	while (mem->n_lent)
		free(mem->lent[--mem->n_lent]);
	mem_unlock(mem);
}

static void mem_tx(struct port *port, const struct frame *f, uint32_t n,
		   struct lane_stats *s)
{
	struct port_mem *mem = mem_lock(port);

	mem->calls.tx++;
	for (; n; f++, n--) {
		if (mem->refuse) {
			mem->refuse--;
			stats_drop(s, REASON_TX_FULL, 1);
			continue;
		}
		queue_add(&mem->sent, f->data, f->len, &f->vnet);
		counter_add(&s->forwarded_frames, 1);
		counter_add(&s->forwarded_bytes, f->len);
	}
	mem_unlock(mem);
}

static int mem_rx_fd(struct port *port)
{
	return container_of(port, struct port_mem, port)->fd;
}

static int mem_take_error(struct port *port)
{
	struct port_mem *mem = mem_lock(port);

	mem->calls.take_error++;
	mem_unlock(mem);
	return -ENETDOWN;
}

static int mem_stop_rx(struct port *port)
{
	struct port_mem *mem = mem_lock(port);

	mem->stopped = true;
	mem_unlock(mem);
	return 0;
}

static void mem_counters(struct port *port, struct port_counters *c)
{
	struct port_mem *mem = mem_lock(port);

	*c = mem->counters;
	mem_unlock(mem);
}

static void mem_close(struct port *port)
{
	struct port_mem *mem = container_of(port, struct port_mem, port);

	mem_release(port);
	queue_clear(&mem->arrived);
	queue_clear(&mem->sent);
	free(mem->arrived.frame);
	free(mem->sent.frame);
	close_fd(&mem->fd);
	pthread_mutex_destroy(&mem->lock);
	free(mem);
}

static const struct port_ops port_mem_ops = {
	.name = "mem",
	.rx = mem_rx,
	.release = mem_release,
	.tx = mem_tx,
	.rx_fd = mem_rx_fd,
	.take_error = mem_take_error,
	.stop_rx = mem_stop_rx,
	.counters = mem_counters,
	.close = mem_close,
};

/* ---- what a test calls ---- */

struct port *port_mem_new(const char *name)
{
	struct port_mem *mem = must(calloc(1, sizeof(*mem)));

	mem->port.ops = &port_mem_ops;
	mem->port.name = name;
	mem->port.mtu = 1500;
	mem->port.ready = true;
	mem->burst = BURST_RX;
	mem->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&mem->lock, NULL);
	return must(mem->fd < 0 ? NULL : &mem->port);
}

bool port_mem_offer(struct port *port, const void *data, uint32_t len,
		    const struct virtio_net_hdr *vnet)
{
	struct port_mem *mem = mem_lock(port);
	struct queue *q = &mem->arrived;
	bool room = !mem->slots || q->n - q->head < mem->slots;
	bool taken = !mem->stopped && room;

	if (!mem->stopped)
		mem->counters.offered_frames++;
	if (!mem->stopped && !room)
		mem->counters.ring_full_frames++;
	if (taken) {
		queue_add(q, data, len, vnet);
		eventfd_write(mem->fd, 1);
	}
	mem_unlock(mem);
	return taken;
}

void port_mem_limit_slots(struct port *port, uint64_t slots)
{
	struct port_mem *mem = mem_lock(port);

	mem->slots = slots;
	mem_unlock(mem);
}

void port_mem_limit_burst(struct port *port, uint32_t frames)
{
	struct port_mem *mem = mem_lock(port);

	mem->burst = frames && frames < BURST_RX ? frames : BURST_RX;
	mem_unlock(mem);
}

void port_mem_refuse(struct port *port, uint64_t frames)
{
	struct port_mem *mem = mem_lock(port);

	mem->refuse = frames;
	mem_unlock(mem);
}

/* The reading end of a pipe that nobody writes to takes the fd's number. */
void port_mem_hang_up(struct port *port)
{
	struct port_mem *mem = mem_lock(port);
	int end[2];

	if (pipe(end) || dup2(end[0], mem->fd) < 0)
		must(NULL);
	close(end[0]);
	close(end[1]);
	mem_unlock(mem);
}

uint64_t port_mem_waiting(struct port *port)
{
	struct port_mem *mem = mem_lock(port);
	uint64_t n = mem->arrived.n - mem->arrived.head;

	mem_unlock(mem);
	return n;
}

struct port_mem_calls port_mem_calls(struct port *port)
{
	struct port_mem *mem = mem_lock(port);
	struct port_mem_calls calls = mem->calls;

	mem_unlock(mem);
	return calls;
}

uint64_t port_mem_sent(struct port *port)
{
	struct port_mem *mem = mem_lock(port);
	uint64_t n = mem->sent.n;

	mem_unlock(mem);
	return n;
}

const struct frame *port_mem_sent_frame(struct port *port, uint64_t i)
{
	return &container_of(port, struct port_mem, port)->sent.frame[i];
}

void port_mem_forget(struct port *port)
{
	struct port_mem *mem = mem_lock(port);

	queue_clear(&mem->sent);
	mem_unlock(mem);
}
