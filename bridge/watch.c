/* SPDX-License-Identifier: BSD-2-Clause */
/* See watch.h. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "clock.h"
#include "log.h"
#include "watch.h"

enum { END, SIGNAL, LINK, DURATION, STATS, PROGRESS, EVENTS };

int watch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1 };
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&set, signals[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd >= 0)
		return fd;
	log_err("signals: %s", strerror(errno));
	return -errno;
}

void watch_set_timer(int *fd, uint64_t ns)
{
	const struct timespec each = {
		.tv_sec = (time_t)(ns / NS_PER_SEC),
		.tv_nsec = (long)(ns % NS_PER_SEC),
	};
	const struct itimerspec when = { each, each };
	struct itimerspec now;

	if (*fd < 0 && ns)
		*fd = timerfd_create(CLOCK_MONOTONIC,
				     TFD_CLOEXEC | TFD_NONBLOCK);
	if (*fd < 0)
		return; /* poll() passes over it */
	if (!timerfd_gettime(*fd, &now) &&
	    now.it_interval.tv_sec == each.tv_sec &&
	    now.it_interval.tv_nsec == each.tv_nsec)
		return;
	timerfd_settime(*fd, 0, &when, NULL);
}

void watch_set_alarm(int *fd, uint64_t at_ns)
{
	struct itimerspec when = { 0 };

	if (at_ns != UINT64_MAX) {
		when.it_value.tv_sec = (time_t)(at_ns / NS_PER_SEC);
		when.it_value.tv_nsec = (long)(at_ns % NS_PER_SEC);
		if (*fd < 0)
			*fd = timerfd_create(CLOCK_MONOTONIC,
					     TFD_CLOEXEC | TFD_NONBLOCK);
	}
	if (*fd >= 0)
		timerfd_settime(*fd, TFD_TIMER_ABSTIME, &when, NULL);
}

/* true: it ends the watch */
static bool on_signal(const struct watch_params *p, int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return false;
	if (info.ssi_signo == SIGUSR1) {
		if (p->on_figures)
			p->on_figures(p->arg);
		return false;
	}
	log_info("%s: stopping", strsignal((int)info.ssi_signo));
	return true;
}

static void on_timer(int fd, void (*call)(void *arg), void *arg)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) == sizeof(n))
		call(arg);
}

static int watch_loop(const struct watch_params *p, struct pollfd *pfd)
{
	for (;;) {
		if (poll(pfd, EVENTS, -1) < 0) {
			if (errno == EINTR)
				continue;
			log_err("poll: %s", strerror(errno));
			return -errno;
		}
		if (pfd[LINK].revents)
			p->on_link(p->arg);
		if (pfd[STATS].revents)
			on_timer(pfd[STATS].fd, p->on_stats, p->arg);
		if (pfd[PROGRESS].revents)
			on_timer(pfd[PROGRESS].fd, p->on_progress, p->arg);
		if (pfd[SIGNAL].revents && on_signal(p, pfd[SIGNAL].fd))
			return WATCH_SIGNAL;
		if (pfd[END].revents)
			return WATCH_ENDED;
		if (pfd[DURATION].revents)
			return WATCH_DURATION;
	}
}

int watch_run(const struct watch_params *params, int signal_fd)
{
	struct pollfd pfd[EVENTS] = {
		[END] = { .fd = params->ended_fd },
		[SIGNAL] = { .fd = signal_fd },
		[LINK] = { .fd = params->link_fd },
		[DURATION] = { .fd = -1 }, [STATS] = { .fd = -1 },
		[PROGRESS] = { .fd = -1 },
	};
	int r;

	watch_set_timer(&pfd[DURATION].fd, params->duration_ns);
	watch_set_timer(&pfd[STATS].fd, params->stats_ns);
	watch_set_timer(&pfd[PROGRESS].fd, params->progress_ns);
	for (int i = 0; i < EVENTS; i++)
		pfd[i].events = POLLIN;
	r = watch_loop(params, pfd);
	for (int i = DURATION; i < EVENTS; i++)
		close_fd(&pfd[i].fd);
	return r;
}
