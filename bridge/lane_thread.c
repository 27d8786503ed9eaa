/* SPDX-License-Identifier: BSD-2-Clause */
/* See lane.h: the thread of a lane, when it sleeps, and what it is told. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

#include "clock.h"
#include "lane.h"
#include "log.h"

/* A port whose poll reports errors is asked again after this long. */
#define ERROR_PAUSE_MS 10
/* An idle lane spins this long before it yields at every turn. */
#define SPIN_HARD_NS (50 * NS_PER_US)
/* A thread that lives turns within this, however busy the machine is. */
#define ORDER_MS 3000
/* One that sleeps tells its guard so often in the time that it may hang. */
#define SLEEPING_BEATS 4

struct lane_order {
	void (*what)(struct lane *lane, void *arg);
	void *arg;
};

/* When a stage has to give a frame back; STAGE_NEVER: none holds any. */
static uint64_t lane_due_ns(const struct lane *lane)
{
	uint64_t due_ns = STAGE_NEVER, at_ns;

	for (struct stage *st = lane->stages; st; st = st->next) {
		at_ns = st->ops->due_ns ? st->ops->due_ns(st) : STAGE_NEVER;
		if (at_ns < due_ns)
			due_ns = at_ns;
	}
	return due_ns;
}

/* How long a lane may sleep: until shortly before a frame is due, and until
 * the guard wants to know; STAGE_NEVER: for good. */
static uint64_t lane_nap_ns(const struct lane *lane, uint64_t now_ns)
{
	uint64_t early_ns = now_ns + shared_read(&lane->spin_us) * NS_PER_US;
	uint64_t due_ns = lane_due_ns(lane);
	uint64_t nap_ns = STAGE_NEVER;

	if (lane->guard)
		nap_ns = shared_read(&lane->hang_ns) / SLEEPING_BEATS;
	if (due_ns <= early_ns)
		return 0;
	if (due_ns != STAGE_NEVER && due_ns - early_ns < nap_ns)
		nap_ns = due_ns - early_ns;
	return nap_ns;
}

/* Sleep until frames arrive, somebody calls, or it is time, which is no reason
 * to look for frames longer: false. */
static bool lane_sleep(struct lane *lane, uint64_t now_ns)
{
	uint64_t nap_ns = lane_nap_ns(lane, now_ns);
	const struct timespec nap = { (time_t)(nap_ns / NS_PER_SEC),
				      (long)(nap_ns % NS_PER_SEC) };
	struct pollfd pfd[] = {
		{ .fd = lane->wake_fd, .events = POLLIN },
		{ .fd = lane->rx->ops->rx_fd(lane->rx), .events = POLLIN },
	};
	eventfd_t calls;

	if (!nap_ns) {
		cpu_relax();
		return false;
	}
	if (ppoll(pfd, ARRAY_SIZE(pfd), nap_ns == STAGE_NEVER ? NULL : &nap,
		  NULL) <= 0)
		return false;
	if (pfd[0].revents)
		eventfd_read(lane->wake_fd, &calls);
	/* A port that goes down says so once (ENETDOWN) and delivers again
	 * when it is up; whatever else comes up must not make us spin. */
	if (pfd[1].revents & (POLLERR | POLLHUP | POLLNVAL)) {
		lane->rx->ops->take_error(lane->rx);
		poll(pfd, 1, ERROR_PAUSE_MS);
	}
	return true;
}

/*
 * Whoever makes or takes the frames may want this CPU: on two cores a spin of
 * a millisecond without a yield left TCP a third of its goodput. But who yields
 * to a busy neighbour waits for its time slice, so a short spin does not.
 */
static void lane_spin(uint64_t idle_ns)
{
	if (idle_ns < SPIN_HARD_NS)
		cpu_relax();
	else
		sched_yield();
}

/* A port that paces is due then: sleep, and for the last of it look. */
static void lane_wait(struct lane *lane, uint64_t due_ns)
{
	struct pollfd pfd = { .fd = lane->wake_fd, .events = POLLIN };
	uint64_t early_ns = lane->spin_us * NS_PER_US;
	uint64_t now_ns = clock_now_ns();
	struct timespec ts;
	eventfd_t calls;

	if (due_ns > now_ns + early_ns) {
		now_ns = due_ns - now_ns - early_ns;
		ts.tv_sec = (time_t)(now_ns / NS_PER_SEC);
		ts.tv_nsec = (long)(now_ns % NS_PER_SEC);
		if (ppoll(&pfd, 1, &ts, NULL) > 0)
			eventfd_read(lane->wake_fd, &calls);
		return;
	}
	while (clock_now_ns() < due_ns && !shared_read(&lane->stopping))
		cpu_relax();
}

/* A lane whose port paces: it ends with its port. */
static void *lane_run_paced(void *arg)
{
	struct lane *lane = arg;
	uint64_t due_ns;

	prctl(PR_SET_TIMERSLACK, 1); /* nanoseconds; 50000 otherwise */
	while ((due_ns = lane->rx->ops->due_ns(lane->rx)) != PORT_ENDED) {
		if (due_ns)
			lane_wait(lane, due_ns);
		lane_breathe(lane, due_ns);
	}
	lane_flush(lane, lane->stages, LANE_FLUSH_ALL);
	eventfd_write(lane->ended_fd, 1);
	return NULL;
}

/* Whoever takes the order out carries it out or gives it up. */
static const struct lane_order *lane_take_order(struct lane *lane)
{
	return __atomic_exchange_n(&lane->order, NULL, __ATOMIC_ACQ_REL);
}

static void lane_obey(struct lane *lane)
{
	const struct lane_order *order = lane_take_order(lane);

	if (!order)
		return;
	order->what(lane, order->arg);
	eventfd_write(lane->done_fd, 1);
}

static void *lane_run(void *arg)
{
	struct lane *lane = arg;
	uint64_t busy_ns = clock_now_ns();

	prctl(PR_SET_TIMERSLACK, 1); /* nanoseconds; 50000 otherwise */
	if (lane->guard)
		guard_take_over(lane->guard, busy_ns);
	for (;;) {
		bool stopping = shared_read(&lane->stopping);
		uint64_t now_ns = clock_now_ns();
		uint64_t spin_ns = shared_read(&lane->spin_us) * NS_PER_US;
		uint32_t frames;

		counter_add(&lane->turns, 1);
		if (unlikely(shared_read(&lane->order)))
			lane_obey(lane);
		frames = lane_breathe(lane, now_ns);
		if (frames) {
			busy_ns = now_ns;
		} else if (stopping) {
			break;
		} else if (now_ns - busy_ns < spin_ns) {
			lane_spin(now_ns - busy_ns);
		} else {
			if (lane_sleep(lane, now_ns))
				busy_ns = clock_now_ns();
		}
	}
	lane_flush(lane, lane->stages, LANE_FLUSH_ALL);
	if (lane->guard)
		guard_hand_over(lane->guard);
	return NULL;
}

int lane_start(struct lane *lane, struct port *rx, struct port *tx)
{
	pthread_attr_t attr;
	cpu_set_t cpus;
	int r;

	lane->rx = rx;
	lane->tx = tx;
	lane->stopping = false;
	pthread_attr_init(&attr);
	if (lane->cpu != LANE_NO_CPU) {
		CPU_ZERO(&cpus);
		CPU_SET((size_t)lane->cpu, &cpus);
		pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	}
	r = pthread_create(&lane->thread, &attr,
			   rx->ops->due_ns ? lane_run_paced : lane_run, lane);
	pthread_attr_destroy(&attr);
	if (r == EINVAL && lane->cpu != LANE_NO_CPU)
		log_err("lane %s: cpu %d: not one that this process may use",
			lane->name, lane->cpu);
	else if (r)
		log_err("lane %s: thread: %s", lane->name, strerror(r));
	lane->started = !r;
	return -r;
}

void lane_set_cpu(struct lane *lane, int cpu)
{
	cpu_set_t cpus;
	int r;

	if (lane->cpu == cpu)
		return;
	lane->cpu = cpu;
	if (!lane->started)
		return;
	CPU_ZERO(&cpus);
	if (cpu == LANE_NO_CPU)
		sched_getaffinity(0, sizeof(cpus), &cpus); /* the caller's */
	else
		CPU_SET((size_t)cpu, &cpus);
	r = pthread_setaffinity_np(lane->thread, sizeof(cpus), &cpus);
	if (r)
		log_err("lane %s: cpu %d: %s", lane->name, cpu, strerror(r));
}

void lane_wake(struct lane *lane)
{
	eventfd_write(lane->wake_fd, 1);
}

int lane_do(struct lane *lane, void (*what)(struct lane *lane, void *arg),
	    void *arg)
{
	const struct lane_order order = { what, arg };
	struct pollfd pfd = { .fd = lane->done_fd, .events = POLLIN };
	eventfd_t done;

	if (!lane->started) {
		what(lane, arg);
		return 0;
	}
	__atomic_store_n(&lane->order, &order, __ATOMIC_RELEASE);
	lane_wake(lane);
	if (poll(&pfd, 1, ORDER_MS) <= 0 && lane_take_order(lane)) {
		log_err("lane %s: does not turn", lane->name);
		return -ETIMEDOUT;
	}
	/* It is at it, or done. */
	while (eventfd_read(lane->done_fd, &done) && errno == EAGAIN)
		poll(&pfd, 1, ORDER_MS);
	return 0;
}

void lane_stop(struct lane *lane)
{
	if (!lane->started)
		return;
	shared_write(&lane->stopping, true);
	lane_wake(lane);
	pthread_join(lane->thread, NULL);
	lane->started = false;
	/* They may be closed now; nothing is held any more. */
	lane->rx = lane->tx = NULL;
}
