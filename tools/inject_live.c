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
#define WORTH_FRAMES 100000 /* for fewer the call takes too long */

struct live_job {
	struct sender *sender;
	struct live *live;
	uint32_t frame_bytes;
	uint64_t frames; /* that were asked for; 0: no end */
	int ended_fd;
	int result;
	bool interrupted;
};

/* Frames to make: by count, or by rate and time; no end is the most there
 * can be. */
static uint64_t frames_of(const struct send_options *send)
{
	double timed = send->pace.rate * (double)send->duration_ns / 1e9;
	uint64_t n = send->limit_frames ? send->limit_frames : LIVE_FRAMES_MAX;

	if (send->duration_ns && send->pace.mode == PACE_FRAMES &&
	    timed < (double)n)
		n = (uint64_t)(timed + 0.5);
	return n < LIVE_FRAMES_MAX ? n : LIVE_FRAMES_MAX;
}

static struct live_params params_of(const struct inject_options *o,
				    const struct sender *s)
{
	return (struct live_params){
		.name = s->link[0].name,
		.index = s->link[0].index,
		.mtu = s->link[0].mtu,
		.pps = o->send.pace.mode == PACE_FRAMES ? o->send.pace.rate : 0,
		.frames = frames_of(&o->send),
	};
}

/* Ways to pace that only a feed has. */
static const char *unfit_pace(const struct send_options *send)
{
	if (send->pace.mode != PACE_FRAMES && send->pace.mode != PACE_TOPSPEED)
		return "it paces by --pps or --topspeed alone";
	if (send->pace.burst > 1)
		return "it has no --burst";
	if (send->sender.at_ns)
		return "it begins at once, not --at a time";
	return NULL;
}

int inject_live_fits(const struct inject_options *o, const struct sender *s,
		     const struct template *template)
{
	const struct live_params params = params_of(o, s);
	const char *unfit = unfit_pace(&o->send);
	char why[128];

	if (o->engine == ENGINE_AUTO && o->send.pace.mode == PACE_FRAMES &&
	    o->send.pace.rate < WORTH_PPS)
		return INJECT_LIVE_NO;
	if (o->engine == ENGINE_AUTO && params.frames < WORTH_FRAMES)
		return INJECT_LIVE_NO;
	if (!unfit && !live_check(template_plan(template), &params, why,
				  sizeof(why)))
		return 0;
	if (o->engine == ENGINE_XDP)
		log_err("--engine xdp: %s", unfit ? unfit : why);
	return INJECT_LIVE_NO;
}

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
	f->stats.received_frames = live.made_frames;
	f->stats.forwarded_frames = live.made_frames - live.refused_frames;
	f->stats.forwarded_bytes = f->stats.forwarded_frames *
				   job->frame_bytes;
	f->stats.dropped_frames[REASON_TX_ERROR] = live.refused_frames;
	f->failed_frames = live.refused_frames;
	f->feed.first_ns = live.first_ns;
	f->feed.last_ns = live.last_ns;
	f->feed.late_frames = live.started_over;
	f->elapsed_ns = live.last_ns - live.first_ns;
	f->complete = !job->frames || live.made_frames == job->frames;
	if (f->elapsed_ns) {
		f->pps = (double)(live.made_frames - 1) * 1e9 /
			 (double)f->elapsed_ns;
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

static int watch_live(struct live_job *job, const struct inject_options *o,
		      int signal_fd)
{
	const struct watch_params params = {
		.ended_fd = job->ended_fd,
		.link_fd = -1,
		/* at a rate it is the number of frames that ends it */
		.duration_ns = o->send.pace.mode == PACE_TOPSPEED ?
				       o->send.duration_ns : 0,
		.stats_ns = o->send.sender.stats_ns,
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
	job->interrupted = r == WATCH_SIGNAL;
	live_stop(job->live);
	pthread_join(thread, NULL);
	return job->result;
}

static int report(const struct live_job *job, const struct inject_options *o)
{
	struct send_figures f;
	struct live_figures live;
	bool all;
	int r;

	figures_of(job, &f);
	live_figures(job->live, &live);
	/* At top speed a time is as good an end as a number. */
	if (o->send.duration_ns && o->send.pace.mode == PACE_TOPSPEED &&
	    !job->interrupted)
		f.complete = true;
	all = f.complete && !f.failed_frames;
	r = send_report_print(job->sender, &f, all, stdout);
	if (!r && live.late_max_ns && !job->sender->params->json)
		printf("  %-26s at most %.1f us late, started over %llu "
		       "times\n", "timing error",
		       (double)live.late_max_ns / 1e3,
		       (unsigned long long)live.started_over);
	return r ? r : !all;
}

int inject_live(const struct inject_options *o, struct sender *s,
		const struct template *template)
{
	const struct template_plan *plan = template_plan(template);
	const struct live_params params = params_of(o, s);
	autoclean(close_fd) int ended_fd =
		eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	autoclean(close_fd) int signal_fd = watch_signals();
	struct live_job job = {
		.sender = s,
		.frame_bytes = plan->size[0].len,
		.frames = o->send.limit_frames || o->send.duration_ns ?
				  params.frames : 0,
		.ended_fd = ended_fd,
	};
	int r;

	if (signal_fd < 0)
		return signal_fd;
	r = live_new(&job.live, plan, &params);
	if (r)
		return r;
	r = watch_live(&job, o, signal_fd);
	if (r == -ENXIO && o->engine == ENGINE_XDP) {
		log_err("port %s: " LIVE_NO_TAKER "; --engine direct needs "
			"nothing", params.name);
		r = -EIO;
	}
	if (!r)
		r = report(&job, o);
	live_free(job.live);
	return r;
}
