/* SPDX-License-Identifier: BSD-2-Clause */
/* See inject_live.h: a thread that is in the kernel for as long as the run
 * lasts, and this one, which watches. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "clock.h"
#include "inject_live.h"
#include "live.h"
#include "log.h"
#include "send_report.h"
#include "watch.h"

#define WORTH_PPS 500000 /* below, a packet socket is fast enough */
#define WORTH_FRAMES 100000 /* for fewer the start takes too long */
#define SLIP_NS (250 * NS_PER_US)

struct live_job {
	struct sender *sender;
	struct live *live;
	uint32_t frame_bytes;
	uint64_t frames; /* that are wanted; 0: no end */
	int ended_fd;
	int result;
	bool cut_short; /* of what is to last for some time */
};

/* ---- from a template's plan ---- */

/* Of an IPv6 address the low half may change. false: it cannot be done. */
static bool field_of(struct live_field *f, const struct template_change *c)
{
	const struct template_value *v = &c->value;
	bool wide = c->bytes == 16;

	if (v->kind == TEMPLATE_RANDOM)
		return false;
	if (wide && (v->kind == TEMPLATE_COUNT ||
		     v->first >> 64 != v->last >> 64 || v->step >> 64))
		return false;
	*f = (struct live_field){
		.offset = c->offset + (wide ? 8 : 0),
		.width = wide ? 8 : c->bytes,
		.bits = wide ? 0 : c->bits,
		.shift = c->shift,
		.sums = c->sums,
		.kind = v->kind == TEMPLATE_COUNT ? LIVE_COUNT : LIVE_WALK,
		.first = (uint64_t)v->first,
		.last = (uint64_t)v->last,
		.step = (uint64_t)v->step,
	};
	return true;
}

static const char *set_plan(struct live_params *p,
			    const struct template_plan *plan)
{
	_Static_assert(LIVE_SUM_IP == TEMPLATE_SUM_IP &&
			       LIVE_SUM_L4 == TEMPLATE_SUM_L4,
		       "both name the checksums alike");
	if (plan->n_sizes != 1)
		return "it makes frames of one size only";
	if (plan->base_bytes > LIVE_FRAME_MAX)
		return "a frame has to fit into a page";
	if (plan->n_changes > LIVE_FIELDS_MAX)
		return "at most 8 fields can change";
	for (uint32_t i = 0; i < plan->n_changes; i++)
		if (!field_of(&p->field[p->n_fields++], &plan->change[i]))
			return "a field can walk or count, and not be random";
	p->len = plan->size[0].len;
	memcpy(p->base, plan->base, p->len);
	p->stamp = plan->stamped;
	p->payload = plan->payload;
	p->rest_sum = plan->size[0].rest_sum;
	p->ip_csum = plan->ip_csum;
	p->l4_csum = plan->l4_csum;
	p->udp = plan->udp;
	return NULL;
}

/* Why not, or NULL. */
static const char *set_params(struct live_params *p,
			      const struct inject_options *o,
			      const struct sender *s,
			      const struct template_plan *plan)
{
	const struct send_options *send = &o->send;

	memset(p, 0, sizeof(*p));
	p->name = s->link[0].name;
	p->index = s->link[0].index;
	p->count = send->limit_frames;
	p->duration_ns = send->duration_ns;
	p->slip_ns = SLIP_NS;
	if (send->pace.mode == PACE_FRAMES)
		p->pps = send->pace.rate;
	else if (send->pace.mode != PACE_TOPSPEED)
		return "it paces by --pps or --topspeed alone";
	if (p->pps > 0 && p->pps < LIVE_PPS_MIN)
		return "its rates begin at 20000 frames a second";
	if (send->pace.burst > 1)
		return "it has no --burst";
	if (send->sender.at_ns)
		return "it begins at once, not --at a time";
	return set_plan(p, plan);
}

int inject_live_fits(const struct inject_options *o, const struct sender *s,
		     const struct template *template)
{
	struct live_params params;
	const char *unfit = set_params(&params, o, s, template_plan(template));
	char why[160];

	if (o->engine == ENGINE_AUTO &&
	    ((params.pps > 0 && params.pps < WORTH_PPS) ||
	     (params.count && params.count < WORTH_FRAMES)))
		return INJECT_LIVE_NO;
	if (!unfit && !live_probe(params.index, why, sizeof(why)))
		return 0;
	if (o->engine == ENGINE_XDP)
		log_err("--engine xdp: %s", unfit ? unfit : why);
	return INJECT_LIVE_NO;
}

/* ---- the run ---- */

static void *run(void *arg)
{
	struct live_job *job = arg;

	job->result = live_run(job->live);
	eventfd_write(job->ended_fd, 1);
	return NULL;
}

static void figures_of(const struct live_job *job, struct send_figures *f)
{
	struct live_figures live;

	live_figures(job->live, &live);
	memset(f, 0, sizeof(*f));
	f->stats.received_frames = live.made;
	f->stats.held_frames = live.made - live.sent - live.refused;
	f->stats.forwarded_frames = live.sent;
	f->stats.forwarded_bytes = live.sent * job->frame_bytes;
	f->stats.dropped_frames[REASON_TX_ERROR] = live.refused;
	f->failed_frames = live.refused;
	f->feed.first_ns = live.first_ns;
	f->feed.last_ns = live.last_ns;
	f->feed.late_frames = live.slips;
	f->complete = live.made >= job->frames && !job->cut_short;
	if (live.last_ns > live.first_ns) {
		f->elapsed_ns = live.last_ns - live.first_ns;
		f->pps = (double)(live.sent - 1) * 1e9 / (double)f->elapsed_ns;
		f->bps = f->pps * job->frame_bytes * 8;
	}
}

static void on_figures(void *arg)
{
	const struct live_job *job = arg;
	struct send_figures f;

	figures_of(job, &f);
	if (job->sender->params->json)
		send_report_json(job->sender, &f, "stats", NULL, stdout);
	else
		printf("%.1f s: sent %llu frames, %.0f pps\n",
		       (double)f.elapsed_ns / 1e9,
		       (unsigned long long)f.stats.forwarded_frames, f.pps);
	fflush(stdout);
}

/* The kernel would make frames for an interface that is gone, for ever. */
static void on_links(void *arg)
{
	struct live_job *job = arg;

	sender_take_links(job->sender);
	if (job->sender->gone)
		eventfd_write(job->ended_fd, 1);
}

static int watch_live(struct live_job *job, uint64_t duration_ns, int signal_fd)
{
	const struct watch_params params = {
		.ended_fd = job->ended_fd,
		.link_fd = link_monitor_fd(job->sender->monitor),
		.on_link = on_links,
		.stats_ns = job->sender->params->stats_ns,
		.on_figures = on_figures,
		.on_stats = on_figures,
		.arg = job,
	};
	pthread_t thread;
	int r = pthread_create(&thread, NULL, run, job);

	if (r) {
		log_err("thread: %s", strerror(r));
		return -r;
	}
	r = watch_run(&params, signal_fd);
	job->cut_short = job->sender->gone || (r != WATCH_ENDED && duration_ns);
	live_stop(job->live);
	pthread_join(thread, NULL);
	return job->result;
}

static int report(const struct live_job *job)
{
	struct live_figures live;
	struct send_figures f;
	bool all;
	int r;

	figures_of(job, &f);
	live_figures(job->live, &live);
	all = f.complete && !f.failed_frames;
	r = send_report_print(job->sender, &f, all, stdout);
	if (!r && live.late_max_ns && !job->sender->params->json)
		printf("  %-26s at most %.1f us late, started over %llu "
		       "times\n", "timing error",
		       (double)live.late_max_ns / 1e3,
		       (unsigned long long)live.slips);
	return r ? r : !all;
}

/* How many frames make the run a whole one. */
static uint64_t frames_wanted(const struct live_params *p)
{
	uint64_t timed = (uint64_t)(p->pps * (double)p->duration_ns / 1e9);

	if (!p->duration_ns || !(p->pps > 0))
		return p->duration_ns ? 0 : p->count;
	return p->count && p->count < timed ? p->count : timed;
}

int inject_live(const struct inject_options *o, struct sender *s,
		const struct template *template)
{
	autoclean(close_fd) int ended_fd =
		eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	autoclean(close_fd) int signal_fd = watch_signals();
	struct live_job job = { .sender = s, .ended_fd = ended_fd };
	struct live_params params;
	int r;

	if (signal_fd < 0)
		return signal_fd;
	set_params(&params, o, s, template_plan(template));
	job.frame_bytes = params.len;
	job.frames = frames_wanted(&params);
	r = live_new(&job.live, &params);
	if (r)
		return r;
	r = watch_live(&job, params.duration_ns, signal_fd);
	if (r == -ENXIO && s->gone)
		r = -ENODEV;
	if (r == -ENXIO && o->engine == ENGINE_XDP) {
		log_err("--engine xdp sent nothing; --engine direct needs no "
			"help");
		r = -EIO;
	}
	if (!r)
		r = report(&job);
	live_free(job.live);
	return r;
}
