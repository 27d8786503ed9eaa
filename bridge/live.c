/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See live.h. This side tells the program (live.bpf.c) what to make, has the
 * kernel run it, and ends that: a call has a high price (10 ms, for its pool
 * of pages) and a frame none, so one call makes all frames of a run.
 *
 * Only a signal ends such a call early. One signal might come just before the
 * call, so a timer of this thread repeats it until the run has returned; the
 * program drops what it is asked for meanwhile.
 */
#include "config.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "clock.h"
#include "live.h"
#include "live.skel.h"
#include "live_params.h"
#include "log.h"

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES (1U << 1)
#endif
#ifndef sigev_notify_thread_id /* glibc before 2.36 or so */
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define IMAGE_LEAD 8 /* LEAD of live.bpf.c */
#define FRAME_MIN 14 /* ETH_HLEN: the kernel takes no less */
#define CALL_FRAMES_MAX (UINT32_C(1) << 30)
#define SIGNAL_EVERY_NS (2 * NS_PER_MS)
#define END_SLACK_NS (20 * NS_PER_MS) /* the program ends it sooner */
#define CALL_TRIES 100
#define WHY_BYTES 200

struct live {
	struct live_bpf *skel;
	char name[IF_NAMESIZE];
	uint32_t len;
	uint32_t batch;
	uint64_t count;
	uint64_t duration_ns; /* 0: none */
	timer_t timer;
	bool has_timer;
	bool running; /* shared */
};

/* ---- what to make ---- */

static void set_fields(struct live_bpf *skel, const struct live_params *p)
{
	struct live_bpf__rodata *run = skel->rodata;
	uint8_t sums = 0;

	run->n_fields = p->n_fields;
	for (uint32_t i = 0; i < p->n_fields; i++) {
		const struct live_field *f = &p->field[i];

		run->field_at[i] = IMAGE_LEAD + f->offset + f->width - 8;
		run->field_keep[i] = ~(live_field_mask(f) << f->shift);
		run->field_shift[i] = f->shift;
		run->field_odd[i] = live_field_is_odd(f);
		run->field_sums[i] = f->sums;
		run->field_counts[i] = f->kind == LIVE_COUNT;
		run->field_first[i] = f->first;
		run->field_last[i] = f->last;
		if (f->kind == LIVE_COUNT)
			run->field_last[i] = live_field_mask(f);
		run->field_step[i] = f->step;
		skel->bss->field_next[i] = f->first;
		sums |= f->sums;
	}
	run->sum_udp = p->udp;
	if (p->ip_csum && sums & LIVE_SUM_IP) {
		run->sum_at[0] = IMAGE_LEAD + p->ip_csum;
		run->sum_rest[0] = live_params_rest(p, p->ip_csum, LIVE_SUM_IP);
	}
	if (p->l4_csum && sums & LIVE_SUM_L4) {
		run->sum_at[1] = IMAGE_LEAD + p->l4_csum;
		run->sum_rest[1] = live_params_rest(p, p->l4_csum, LIVE_SUM_L4);
	}
}

static uint64_t realtime_offset_ns(void)
{
	uint64_t before = clock_now_ns();
	uint64_t real_ns = clock_real_ns();

	return real_ns - (before + clock_now_ns()) / 2;
}

static void set_run(struct live_bpf *skel, const struct live_params *p)
{
	struct live_bpf__rodata *run = skel->rodata;

	run->target_index = (uint32_t)p->index;
	run->frame_bytes = p->len;
	run->duration_ns = p->duration_ns;
	run->slip_ns = p->slip_ns;
	run->end_signal = (uint32_t)LIVE_SIGNAL;
	run->paced = p->pps > 0;
	if (p->pps > 0) {
		double gap_ns = (double)NS_PER_SEC / p->pps;

		run->gap_ns = (uint64_t)gap_ns;
		run->gap_fraction = (uint32_t)((gap_ns - (double)run->gap_ns) *
					       4294967296.0);
	}
	run->stamped = p->stamp;
	run->stamp_at = IMAGE_LEAD + p->payload;
	run->stamp_rest = p->rest_sum;
	run->realtime_ns = realtime_offset_ns();
	memcpy(skel->bss->image + IMAGE_LEAD, p->base, p->len);
}

/* ---- the program ---- */

/* libbpf speaks for itself: not on our stderr. */
static int print_nothing(enum libbpf_print_level level, const char *fmt,
			 va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

/* Frames from the program; returns when they are made, or a signal came. */
static int call(const struct live *live, uint32_t len, uint32_t frames)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		.data_in = live->skel->bss->image + IMAGE_LEAD,
		.data_size_in = len,
		.repeat = (int)frames,
		.flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		.batch_size = live->batch,
	);
	int fd = bpf_program__fd(live->skel->progs.make_frame);

	return bpf_prog_test_run_opts(fd, &opts) ? -errno : 0;
}

/* A frame of this length that the program drops. */
static int call_dry(const struct live *live, uint32_t len)
{
	int r;

	shared_write(&live->skel->bss->ended, 1);
	for (int i = 0; i < CALL_TRIES; i++) {
		r = call(live, len, 1);
		if (r != -EINTR && r != -EAGAIN)
			break;
	}
	shared_write(&live->skel->bss->ended, 0);
	return r;
}

static int program_load(struct live *live, const struct live_params *p)
{
	int r;

	live->skel = live_bpf__open();
	if (!live->skel)
		return -errno;
	set_run(live->skel, p);
	set_fields(live->skel, p);
	r = live_bpf__load(live->skel);
	return r ? r : live_bpf__attach(live->skel);
}

static int program_new(struct live *live, const struct live_params *p,
		       char *why, size_t size)
{
	libbpf_print_fn_t print = libbpf_set_print(print_nothing);
	int r = program_load(live, p);

	libbpf_set_print(print);
	if (!r)
		r = call_dry(live, FRAME_MIN);
	if (!r || r == -ENOMEM)
		return r;
	if (r == -EPERM || r == -EACCES)
		snprintf(why, size, "not permitted: CAP_BPF, CAP_PERFMON and "
			 "CAP_NET_ADMIN are needed, or root");
	else
		snprintf(why, size, "this kernel refuses (it must be 5.18 or "
			 "later): %s", strerror(-r));
	return -ENOTSUP;
}

int live_probe(int index, char *why, size_t size)
{
	struct live live = { .batch = 1 };
	struct live_params *p = calloc(1, sizeof(*p));
	int r = -ENOMEM;

	if (p) {
		p->index = index;
		p->len = FRAME_MIN;
		r = program_new(&live, p, why, size);
	}
	if (r == -ENOMEM)
		snprintf(why, size, "%s", strerror(ENOMEM));
	live_bpf__destroy(live.skel);
	free(p);
	return r ? -ENOTSUP : 0;
}

/* The longest frame that this kernel makes, less than this one. */
static uint32_t longest(const struct live *live)
{
	uint32_t fits = FRAME_MIN, not = live->len;

	while (not - fits > 1) {
		uint32_t len = fits + (not - fits) / 2;

		if (call_dry(live, len))
			not = len;
		else
			fits = len;
	}
	return fits;
}

int live_new(struct live **livep, const struct live_params *params)
{
	char why[WHY_BYTES] = "Cannot allocate memory";
	struct live *live;
	int r = live_params_check(params);

	if (r)
		return r;
	live = calloc(1, sizeof(*live));
	if (!live) {
		log_err("%s: live frames: %s", params->name, why);
		return -ENOMEM;
	}
	snprintf(live->name, sizeof(live->name), "%s", params->name);
	live->len = params->len;
	live->batch = live_params_batch(params);
	live->count = live_params_count(params);
	live->duration_ns = params->duration_ns;
	r = program_new(live, params, why, sizeof(why));
	if (!r) {
		r = call_dry(live, live->len);
		snprintf(why, sizeof(why), "%s", strerror(-r));
	}
	if (r == -EINVAL) {
		snprintf(why, sizeof(why), "%u bytes: %u at most", live->len,
			 longest(live));
		r = -EMSGSIZE;
	}
	if (r) {
		log_err("%s: live frames: %s", live->name, why);
		live_free(live);
		return r;
	}
	*livep = live;
	return 0;
}

void live_free(struct live *live)
{
	if (!live)
		return;
	if (live->has_timer)
		timer_delete(live->timer);
	live_bpf__destroy(live->skel);
	free(live);
}

/* ---- the run ---- */

static void on_signal(int number)
{
	(void)number;
}

/* From `first_ns` from now on, again and again; 0: no more. */
static void signals_set(struct live *live, uint64_t first_ns)
{
	const struct itimerspec when = {
		.it_value = { (time_t)(first_ns / NS_PER_SEC),
			      (long)(first_ns % NS_PER_SEC) },
		.it_interval = { 0, (long)SIGNAL_EVERY_NS },
	};

	timer_settime(live->timer, 0, &when, NULL);
}

static int signals_open(struct live *live)
{
	const struct sigaction nothing = { .sa_handler = on_signal,
					   .sa_flags = SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
				  .sigev_signo = LIVE_SIGNAL };

	event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	if (sigaction(LIVE_SIGNAL, &nothing, NULL) ||
	    timer_create(CLOCK_MONOTONIC, &event, &live->timer))
		return -errno;
	live->has_timer = true;
	if (live->duration_ns)
		signals_set(live, live->duration_ns + END_SLACK_NS);
	__atomic_store_n(&live->running, true, __ATOMIC_SEQ_CST);
	return 0;
}

/* Calls until all is made; each goes on where the one before was ended. */
static int run_calls(struct live *live)
{
	const struct live_bpf__bss *bss = live->skel->bss;
	int r = 0, tries = 0;

	while (!__atomic_load_n(&bss->ended, __ATOMIC_SEQ_CST)) {
		uint64_t left = CALL_FRAMES_MAX;

		if (live->count)
			left = live->count - shared_read(&bss->made);
		if (!left)
			return 0;
		if (left > CALL_FRAMES_MAX)
			left = CALL_FRAMES_MAX;
		r = call(live, live->len, (uint32_t)left);
		if (r == -EAGAIN && ++tries < CALL_TRIES)
			continue;
		if (r && r != -EINTR)
			return r;
	}
	return 0;
}

/* What the device said to the first frames. */
static int nothing_sent(const struct live *live)
{
	int error = -live->skel->bss->error;
	const char *hint =
		error == EMSGSIZE ? "its MTU is lower" :
		error == ENETDOWN ? "it is down" :
		error == EINVAL	  ? "it is gone" :
				    "the far end of a veth needs `ethtool -K "
				    "FAR gro on`; a driver may need an XDP "
				    "program on the interface, or cannot";

	log_warn("%s: live frames: none went out: %s (%s)", live->name,
		hint, strerror(error));
	return -ENXIO;
}

int live_run(struct live *live)
{
	struct live_bpf__bss *bss = live->skel->bss;
	sigset_t ours, before;
	int r;

	sigemptyset(&ours);
	sigaddset(&ours, LIVE_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &ours, &before);
	r = signals_open(live);
	if (!r)
		r = run_calls(live);
	__atomic_store_n(&live->running, false, __ATOMIC_SEQ_CST);
	if (live->has_timer)
		signals_set(live, 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (bss->made && !bss->sent)
		return nothing_sent(live);
	if (r)
		log_err("%s: live frames: %s", live->name, strerror(-r));
	return r;
}

void live_stop(struct live *live)
{
	__atomic_store_n(&live->skel->bss->ended, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&live->running, __ATOMIC_SEQ_CST))
		signals_set(live, 1);
}

void live_figures(const struct live *live, struct live_figures *figures)
{
	const struct live_bpf__bss *bss = live->skel->bss;

	*figures = (struct live_figures){
		.made = shared_read(&bss->made),
		.sent = shared_read(&bss->sent),
		.refused = shared_read(&bss->refused),
		.first_ns = shared_read(&bss->first_ns),
		.last_ns = shared_read(&bss->last_ns),
		.late_max_ns = shared_read(&bss->late_max_ns),
		.slips = shared_read(&bss->slips),
	};
}
