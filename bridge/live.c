/* SPDX-License-Identifier: BSD-2-Clause */
/* See live.h. Behind this file, and nowhere else, stands libbpf. */
#include "config.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "clock.h"
#include "live.h"
#include "live_shared.h"
#include "log.h"

#include "live.skel.h"

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES (1U << 1)
#endif

/* A page holds the frame, 256 bytes of headroom, and what the kernel keeps. */
#define FRAME_MAX 2047
#define LATE_NS (250 * NS_PER_US)
#define BATCH_NS 16000 /* a batch covers at most so much of the schedule, */
#define BATCH_PACED 16 /* and so many frames */
#define BATCH_FREE 64
#define TRY_FRAMES 64 /* the first ones, to see whether they go out */
#define WAKE_SIGNAL SIGUSR2

struct live {
	struct live_params params;
	const struct template_plan *plan;
	struct live_bpf *bpf;
	uint64_t sent_before; /* the interface's own count */
	uint64_t refused;
	pthread_t thread;
	bool running; /* shared */
};

static struct live_shared *shared_of(const struct live *live)
{
	return &live->bpf->bss->live;
}

/* ---- what can be done ---- */

static bool field_fits(const struct template_change *c)
{
	return (c->bytes == 1 || c->bytes == 2 || c->bytes == 4) &&
	       c->value.kind != TEMPLATE_RANDOM;
}

static int refuse(char *why, size_t size, const char *text)
{
	snprintf(why, size, "%s", text);
	return -ENOTSUP;
}

static int check_plan(const struct template_plan *plan, char *why, size_t size)
{
	if (plan->n_sizes != 1)
		return refuse(why, size, "it makes frames of one size only");
	if (plan->base_bytes > FRAME_MAX)
		return refuse(why, size, "a frame has to fit into 2047 bytes");
	if (plan->n_changes > LIVE_FIELDS_MAX)
		return refuse(why, size, "at most 8 fields can change");
	for (uint32_t i = 0; i < plan->n_changes; i++)
		if (!field_fits(&plan->change[i]))
			return refuse(why, size, "fields of up to 4 bytes can "
				      "walk or count, and none be random");
	return 0;
}

/* libbpf says much; the caller says what matters. */
static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

/* One turn that makes nothing: whether the kernel has live frames, and lets
 * us. */
static int check_kernel(char *why, size_t size)
{
	uint8_t frame[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame,
		    .data_size_in = sizeof(frame), .repeat = 1,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	struct live_bpf *bpf;
	int r;

	libbpf_set_print(quiet);
	bpf = live_bpf__open_and_load();
	if (!bpf) {
		snprintf(why, size, "the kernel refuses the program: %s",
			 errno == EPERM ? "it needs CAP_BPF and CAP_NET_ADMIN, "
					  "or root" : strerror(errno));
		return -ENOTSUP;
	}
	bpf->bss->live.stop = 1;
	r = bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.live_frame),
				   &opts);
	if (r)
		snprintf(why, size, "the kernel has no live frames (they came "
			 "with 5.18): %s", strerror(errno));
	live_bpf__destroy(bpf);
	return r ? -ENOTSUP : 0;
}

int live_check(const struct template_plan *plan,
	       const struct live_params *p, char *why, size_t size)
{
	if (p->pps > 0 && p->pps < LIVE_PPS_MIN)
		return refuse(why, size, "its rates begin at 20000 frames a "
			      "second");
	if (plan->base_bytes > p->mtu + 14)
		return refuse(why, size, "the frame is longer than the MTU");
	return check_plan(plan, why, size) || check_kernel(why, size) ?
		       -ENOTSUP : 0;
}

/* ---- the plan ---- */

static void set_field(struct live_field *to, const struct template_change *c,
		      const uint8_t *base)
{
	uint64_t mask = (UINT64_C(1) << c->bits) - 1;

	to->at = to->first = (uint64_t)c->value.first;
	to->step = (uint64_t)c->value.step;
	to->last = UINT64_MAX;
	if (c->value.kind == TEMPLATE_WALK)
		to->last = (uint64_t)c->value.last;
	to->mask = mask;
	to->keep = (uint32_t)(template_get(base + c->offset, c->bytes) &
			      ~(mask << c->shift));
	to->offset = c->offset;
	to->bytes = c->bytes;
	to->shift = c->shift;
	to->sum_shift = (c->offset + c->bytes) & 1 ? 8 : 0;
	to->sums = c->sums;
}

static void set_plan(struct live *live)
{
	const struct template_plan *plan = live->plan;
	struct live_shared *s = shared_of(live);
	uint32_t sums = 0;
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	s->real_ns = (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec -
		     clock_now_ns();
	for (uint32_t i = 0; i < plan->n_changes; i++) {
		set_field(&s->field[i], &plan->change[i], plan->base);
		sums |= plan->change[i].sums;
	}
	s->n_fields = plan->n_changes;
	s->ifindex = (uint32_t)live->params.index;
	s->stamp = plan->stamped ? plan->payload : 0;
	s->rest_sum = plan->size[0].rest_sum;
	s->ip_check = sums & LIVE_SUM_IP ? plan->ip_csum : 0;
	s->l4_check = sums & LIVE_SUM_L4 ? plan->l4_csum : 0;
	s->ip_sum = plan->size[0].ip_sum;
	s->l4_sum = plan->size[0].l4_sum;
	s->udp = plan->udp;
	s->late_ns = LATE_NS;
	if (live->params.pps > 0)
		s->gap = (uint64_t)((double)NS_PER_SEC *
				    (1 << LIVE_FRACTION_BITS) /
				    live->params.pps);
}

int live_new(struct live **lp, const struct template_plan *plan,
	     const struct live_params *params)
{
	struct live *live = calloc(1, sizeof(*live));

	_Static_assert(LIVE_SUM_IP == TEMPLATE_SUM_IP &&
			       LIVE_SUM_L4 == TEMPLATE_SUM_L4,
		       "both name the checksums alike");
	if (!live)
		return -ENOMEM;
	live->params = *params;
	live->plan = plan;
	libbpf_set_print(quiet);
	live->bpf = live_bpf__open_and_load();
	if (!live->bpf) {
		log_err("live frames: %s", strerror(errno));
		free(live);
		return -ENOTSUP;
	}
	set_plan(live);
	*lp = live;
	return 0;
}

void live_free(struct live *live)
{
	if (live)
		live_bpf__destroy(live->bpf);
	free(live);
}

/* ---- the run ---- */

/* How many frames an interface says that it sent. /proc, for /sys shows the
 * network namespace that it was mounted in. */
static uint64_t interface_sent(const char *name)
{
	autoclean(free_ptr) char *line = NULL;
	FILE *file = fopen("/proc/net/dev", "re");
	size_t length = strlen(name), room = 0;
	uint64_t sent = 0;

	while (file && getline(&line, &room, file) > 0) {
		const char *at = line + strspn(line, " ");

		if (!strncmp(at, name, length) && at[length] == ':')
			sscanf(at + length + 1,
			       "%*u %*u %*u %*u %*u %*u %*u %*u %*u %" SCNu64,
			       &sent);
	}
	if (file)
		fclose(file);
	return sent;
}

static uint32_t batch_of(const struct live_params *p)
{
	double frames = p->pps * BATCH_NS / 1e9;

	if (!(p->pps > 0))
		return BATCH_FREE;
	return frames < 1 ? 1 : frames > BATCH_PACED ? BATCH_PACED :
						       (uint32_t)frames;
}

/* Does nothing but interrupt: the kernel looks for signals between batches. */
static void on_wake(int signal)
{
	(void)signal;
}

/* Make n frames, by one call. */
static int test_run(struct live *live, uint64_t n)
{
	struct xdp_md ctx = { .data_end = live->plan->size[0].len };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = live->plan->base,
		    .data_size_in = live->plan->size[0].len, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx),
		    .repeat = (int)n,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		    .batch_size = batch_of(&live->params));
	int r;

	do
		r = bpf_prog_test_run_opts(
			bpf_program__fd(live->bpf->progs.live_frame), &opts);
	while (r && errno == EAGAIN && !shared_of(live)->made);
	if (!r || shared_read(&shared_of(live)->stop))
		return 0;
	r = -errno;
	log_err("port %s: live frames: %s", live->params.name, strerror(-r));
	return r;
}

/* The interface's own count; others may send by it as well, so as a proof that
 * all was taken it is no more than a bound. */
static uint64_t sent(const struct live *live)
{
	return interface_sent(live->params.name) - live->sent_before;
}

/*
 * The first frames tell whether any go out. Their schedule does not count, for
 * the call for the others takes longer than it lasts.
 */
static int make_all(struct live *live)
{
	struct live_shared *s = shared_of(live);
	uint64_t n = live->params.frames, first = n;
	int r;

	if (n > 2 * TRY_FRAMES)
		first = TRY_FRAMES;
	r = test_run(live, first);
	if (!r && s->made && !sent(live))
		return -ENXIO;
	if (r || first == n || shared_read(&s->stop))
		return r;
	s->first_ns = s->late_max_ns = s->started_over = 0;
	return test_run(live, n - first);
}

int live_run(struct live *live)
{
	const struct sigaction wake = { .sa_handler = on_wake };
	uint64_t made;
	sigset_t set;
	int r;

	sigaction(WAKE_SIGNAL, &wake, NULL);
	sigemptyset(&set);
	sigaddset(&set, WAKE_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	live->sent_before = interface_sent(live->params.name);
	live->thread = pthread_self();
	__atomic_store_n(&live->running, true, __ATOMIC_RELEASE);
	r = make_all(live);
	__atomic_store_n(&live->running, false, __ATOMIC_RELEASE);
	made = shared_of(live)->made;
	live->refused = made > sent(live) ? made - sent(live) : 0;
	return r;
}

void live_stop(struct live *live)
{
	shared_write(&shared_of(live)->stop, 1);
	if (__atomic_load_n(&live->running, __ATOMIC_ACQUIRE))
		pthread_kill(live->thread, WAKE_SIGNAL);
}

void live_figures(const struct live *live, struct live_figures *f)
{
	const struct live_shared *s = shared_of(live);

	*f = (struct live_figures){
		.made_frames = counter_read((const uint64_t *)&s->made),
		.refused_frames = live->refused,
		.first_ns = counter_read((const uint64_t *)&s->first_ns),
		.last_ns = counter_read((const uint64_t *)&s->last_ns),
		.late_max_ns = counter_read((const uint64_t *)&s->late_max_ns),
		.started_over =
			counter_read((const uint64_t *)&s->started_over),
	};
}
