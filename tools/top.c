/* SPDX-License-Identifier: BSD-2-Clause */
/* See top.h: who asks, and when. What is shown is top_view.c's matter, how it
 * is shown that of top_screen.c and top_plain.c. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "clock.h"
#include "ctl_client.h"
#include "ctl_options.h"
#include "log.h"
#include "top.h"
#include "top_plain.h"
#include "top_screen.h"
#include "top_view.h"
#include "watch.h"

enum { SIGNAL, TURN, KEYS, READER, EVENTS };

struct answers {
	json_t *stats;
	json_t *status;
};

struct top {
	struct ctl_client *client;
	const struct ctl_options *options;
	struct top_screen *screen; /* NULL: plain lines */
	struct answers answers;	   /* the last ones */
	struct top_view *view;	   /* of these */
	uint64_t interval_ns;
	uint64_t turns;
	int timer_fd;
	const char *gone; /* why it does not answer; NULL: it does */
	bool is_frozen;
	bool ends;
};

/* ---- asking ---- */

static void answers_fini(struct answers *a)
{
	json_decref(a->stats);
	json_decref(a->status);
}

static int ask(struct top *t, const char *what, json_t **result)
{
	json_t *request = json_pack("{ssss*}", "request", what, "pair",
				    t->options->pair);
	int r = request ? ctl_client_ask(t->client, request, result) : -ENOMEM;

	json_decref(request);
	return r;
}

/* Put what it says now in the place of what it said before. */
static int look(struct top *t)
{
	struct answers now = { 0 };
	struct top_view *view;
	int r = ask(t, "stats", &now.stats);

	if (!r)
		r = ask(t, "status", &now.status);
	if (r) {
		answers_fini(&now);
		return r;
	}
	view = top_view_new(&(struct top_answers){ now.stats, now.status },
			    &(struct top_answers){ t->answers.stats,
						   t->answers.status });
	if (!view) {
		answers_fini(&now);
		log_err("top: no memory");
		return -ENOMEM;
	}
	answers_fini(&t->answers);
	t->answers = now;
	top_view_free(t->view);
	t->view = view;
	return 0;
}

/* ---- showing ---- */

static int draw(const struct top *t)
{
	const struct top_scene scene = {
		.view = t->view,
		.interval_ns = t->interval_ns,
		.is_frozen = t->is_frozen,
		.gone = t->gone,
	};

	return top_screen_draw(t->screen, &scene);
}

/* A reader that has gone, as `head` does, is no error. */
static int print(struct top *t, bool is_news)
{
	char stamp[TOP_STAMP_SIZE];
	struct timespec now;
	int r;

	clock_gettime(CLOCK_REALTIME, &now);
	top_plain_stamp(stamp, &now);
	if (!t->gone)
		top_plain_print(t->view, stamp, stdout);
	else if (is_news)
		printf("%s gone: %s; waiting for it\n", stamp, t->gone);
	if (fflush(stdout) == 0)
		return 0;
	t->ends = true;
	if (errno == EPIPE)
		return 0;
	r = -errno;
	log_err("standard output: %s", strerror(-r));
	return r;
}

/* A look that was cut short by the signal that ends all is none. */
static int turn(struct top *t)
{
	const char *was_gone = t->gone;
	int r = look(t);

	if (r == -ENOMEM)
		return r;
	if (r == -EINTR)
		return 0;
	t->gone = !r ? NULL : r == -EPROTO ? "the bridge refuses to answer" :
					     "the bridge does not answer";
	t->turns++;
	if (t->options->count && t->turns >= t->options->count)
		t->ends = true;
	return t->screen ? draw(t) : print(t, was_gone != t->gone);
}

/* ---- waiting ---- */

static void set_timer(const struct top *t)
{
	struct itimerspec when = { 0 };

	when.it_value.tv_sec = (time_t)(t->interval_ns / NS_PER_SEC);
	when.it_value.tv_nsec = (long)(t->interval_ns % NS_PER_SEC);
	when.it_interval = when.it_value;
	timerfd_settime(t->timer_fd, 0, &when, NULL);
}

/* The next longer or shorter of what is handy. */
static void change_interval(struct top *t, bool longer)
{
	static const unsigned int handy_ms[] = { 100,  200,  500,   1000, 2000,
						 5000, 10000, 30000, 60000 };
	uint64_t to = t->interval_ns;

	for (size_t i = 0; i < ARRAY_SIZE(handy_ms); i++) {
		const uint64_t ns = handy_ms[i] * NS_PER_MS;

		if (longer && ns > t->interval_ns) {
			to = ns;
			break;
		}
		if (!longer && ns < t->interval_ns)
			to = ns;
	}
	t->interval_ns = to;
	set_timer(t);
}

/* Frozen, it does not ask either: the turn that ends it is a long one. */
static int on_keys(struct top *t)
{
	enum top_key key;
	int r = 0;

	while (!r && (key = top_screen_key(t->screen)) != TOP_KEY_NONE) {
		if (key == TOP_KEY_QUIT) {
			t->ends = true;
			return 0;
		}
		if (key == TOP_KEY_FREEZE)
			t->is_frozen = !t->is_frozen;
		if (key == TOP_KEY_SLOWER || key == TOP_KEY_FASTER)
			change_interval(t, key == TOP_KEY_SLOWER);
		r = draw(t);
	}
	return r;
}

static int on_timer(struct top *t)
{
	uint64_t n;

	if (read(t->timer_fd, &n, sizeof(n)) != sizeof(n) || t->is_frozen)
		return 0;
	return turn(t);
}

static void on_signal(struct top *t, int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) == sizeof(info) &&
	    info.ssi_signo != SIGUSR1)
		t->ends = true;
}

/* SIGWINCH arrives while it waits, and only then. */
static int loop(struct top *t, int signal_fd, const sigset_t *while_waiting)
{
	struct pollfd pfd[EVENTS] = {
		[SIGNAL] = { .fd = signal_fd, .events = POLLIN },
		[TURN] = { .fd = t->timer_fd, .events = POLLIN },
		[KEYS] = { .fd = t->screen ? STDIN_FILENO : -1,
			   .events = POLLIN },
		[READER] = { .fd = t->screen ? -1 : STDOUT_FILENO },
	};
	int r = 0;

	while (!r && !t->ends) {
		if (ppoll(pfd, EVENTS, NULL, while_waiting) < 0) {
			if (errno != EINTR) {
				r = -errno;
				log_err("poll: %s", strerror(-r));
				return r;
			}
			if (t->screen)
				r = on_keys(t);
			continue;
		}
		if (pfd[KEYS].revents & POLLIN)
			r = on_keys(t);
		if (!r && !t->ends && pfd[TURN].revents)
			r = on_timer(t);
		if (pfd[SIGNAL].revents)
			on_signal(t, signal_fd);
		/* The terminal, or who read the lines, has gone. */
		if ((pfd[KEYS].revents | pfd[READER].revents) &
		    (POLLHUP | POLLERR | POLLNVAL))
			t->ends = true;
	}
	return r;
}

/* ---- all ---- */

/* Lines begin when there is something to compare with; a screen shows at once
 * what it can. */
static int begin(struct top *t)
{
	int r = look(t);

	if (r)
		return r == -EINTR ? 0 : r;
	ctl_client_hush(t->client); /* nothing writes across the screen */
	r = top_screen_open(&t->screen);
	if (r == -ENOTTY)
		return 0;
	return r ? r : draw(t);
}

int top_run(struct ctl_client *client, const struct ctl_options *options)
{
	struct top t = { .client = client, .options = options,
			 .interval_ns = options->interval_ns };
	autoclean(close_fd) int signal_fd = watch_signals();
	sigset_t size_changed, before;
	int r;

	if (signal_fd < 0)
		return signal_fd;
	sigemptyset(&size_changed);
	sigaddset(&size_changed, SIGWINCH);
	pthread_sigmask(SIG_BLOCK, &size_changed, &before);
	if (!t.interval_ns)
		t.interval_ns = NS_PER_SEC;
	t.timer_fd = timerfd_create(CLOCK_MONOTONIC,
				    TFD_CLOEXEC | TFD_NONBLOCK);
	if (t.timer_fd < 0) {
		r = -errno;
		log_err("timer: %s", strerror(-r));
		return r;
	}
	r = begin(&t);
	if (!r) {
		set_timer(&t);
		r = loop(&t, signal_fd, &before);
	}
	top_screen_close(t.screen);
	close_fd(&t.timer_fd);
	answers_fini(&t.answers);
	top_view_free(t.view);
	return r;
}
