/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See ctl_tap.h. Nothing here waits but poll(), so that a reader who is stopped
 * does not keep a signal from ending it; what he does not take piles up in the
 * socket, and then is lost to the tap.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "clock.h"
#include "ctl_tap.h"
#include "log.h"

#define COPY_BYTES 65536
/* So much a pipe takes that poll() calls writable: pipe(7), PIPE_BUF. */
#define PIPE_BYTES 4096
#define END_NS (2 * NS_PER_SEC) /* for what the bridge has yet to say */
#define LAST_BLOCK_NS NS_PER_SEC
#define LOOK_MS 100

/* Where blocks of pcapng end: type and length of each are its first 8 bytes. */
struct blocks {
	uint8_t head[8];
	size_t n_head;
	size_t left; /* of a block whose head was there */
};

enum phase {
	COPIES,
	ENDS, /* we have said that it is enough: what comes is the last */
	CUTS  /* it takes too long: what was begun, and no more */
};

struct copy {
	int from, to, signals;
	const char *name; /* of what is written to */
	bool is_file;
	struct blocks blocks; /* of what was read */
	uint8_t bytes[COPY_BYTES];
	size_t len, sent;
	bool has_begun;
	enum phase phase;
	uint64_t until_ns; /* so long */
	bool is_over;
};

static bool is_stdout(const struct ctl_options *o)
{
	return !strcmp(o->word[o->n_words - 1], "-");
}

int ctl_tap_check(const struct ctl_options *o)
{
	if (!is_stdout(o))
		return 0;
	/* Another file would have its number, and be written to. */
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
		log_err("standard output: %s", strerror(errno));
	else if (isatty(STDOUT_FILENO))
		log_err("tap -: frames are not for a terminal: bumpctl tap - | "
			"tshark -i -, or bumpctl tap FILE.pcapng");
	else
		return 0;
	return -EINVAL;
}

/* ---- blocks ---- */

/* What is missing of a block, or of its head; 0 between two of them. */
static size_t blocks_rest(const struct blocks *b)
{
	if (b->left)
		return b->left;
	return b->n_head ? sizeof(b->head) - b->n_head : 0;
}

static void blocks_feed(struct blocks *b, const uint8_t *bytes, size_t len)
{
	while (len) {
		size_t rest = blocks_rest(b), n = rest ? rest : sizeof(b->head);
		uint32_t total;

		n = n < len ? n : len;
		if (b->left) {
			b->left -= n;
		} else {
			memcpy(b->head + b->n_head, bytes, n);
			b->n_head += n;
		}
		if (b->n_head == sizeof(b->head)) {
			memcpy(&total, b->head + 4, sizeof(total));
			b->left = total > sizeof(b->head) ?
					  total - sizeof(b->head) : 0;
			b->n_head = 0;
		}
		bytes += n;
		len -= n;
	}
}

/* ---- copying ---- */

/* 0, -ECONNRESET (logged) at an end that we did not ask for, other -errno
 * (logged). */
static int read_some(struct copy *c)
{
	size_t room = c->phase == CUTS ? blocks_rest(&c->blocks) : sizeof(c->bytes);
	ssize_t n;

	room = room < sizeof(c->bytes) ? room : sizeof(c->bytes);
	n = recv(c->from, c->bytes, room, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0 && c->phase != COPIES) {
		c->is_over = true;
		return 0;
	}
	if (n <= 0) {
		log_err("%s", c->has_begun ? "the bridge has ended the tap" :
			"the bridge could not start the tap: its log says why");
		return -ECONNRESET;
	}
	c->has_begun = true;
	c->len = (size_t)n;
	c->sent = 0;
	blocks_feed(&c->blocks, c->bytes, c->len);
	return 0;
}

static int write_some(struct copy *c)
{
	size_t len = c->len - c->sent;
	ssize_t n;

	if (!c->is_file && len > PIPE_BYTES)
		len = PIPE_BYTES;
	n = write(c->to, c->bytes + c->sent, len);
	if (n >= 0) {
		c->sent += (size_t)n;
	} else if (errno == EPIPE) {
		c->is_over = true;
	} else if (errno != EAGAIN && errno != EINTR) {
		log_err("%s: %s", c->name, strerror(errno));
		return -errno;
	}
	return 0;
}

/*
 * Enough: the bridge is told so, and brings what it has, and its statistics
 * (tap_stream.c). What takes too long, or a second signal, leaves what is read
 * already, and the rest of its last block.
 */
static void end(struct copy *c)
{
	struct signalfd_siginfo info;

	if (read(c->signals, &info, sizeof(info)) < 0)
		log_debug("signals: %s", strerror(errno));
	shutdown(c->from, SHUT_WR);
	c->phase = c->phase == COPIES ? ENDS : CUTS;
	c->until_ns = clock_now_ns() + (c->phase == ENDS ? END_NS :
							   LAST_BLOCK_NS);
}

static bool is_over(struct copy *c)
{
	bool late = c->phase != COPIES && clock_now_ns() >= c->until_ns;

	if (late && c->phase == ENDS)
		end(c);
	else if (late)
		c->is_over = true;
	if (c->phase == CUTS && c->sent == c->len && !blocks_rest(&c->blocks))
		c->is_over = true;
	return c->is_over;
}

static int wait_and_copy(struct copy *c)
{
	bool writes = c->sent < c->len;
	struct pollfd pfd[] = {
		{ .fd = writes ? -1 : c->from, .events = POLLIN },
		{ .fd = c->to, .events = writes ? POLLOUT : 0 },
		{ .fd = c->phase == CUTS ? -1 : c->signals, .events = POLLIN },
	};

	if (poll(pfd, ARRAY_SIZE(pfd), c->phase == COPIES ? -1 : LOOK_MS) < 0)
		return errno == EINTR ? 0 : -errno;
	if (pfd[2].revents) {
		end(c); /* before another block is begun */
		return 0;
	}
	/* Nobody reads that pipe any more, also if there is nothing to say. */
	if (pfd[1].revents & (POLLERR | POLLHUP)) {
		c->is_over = true;
		return 0;
	}
	if (pfd[1].revents)
		return write_some(c);
	return pfd[0].revents ? read_some(c) : 0;
}

static int copy_all(struct copy *c)
{
	int r = 0;

	while (!r && !is_over(c))
		r = wait_and_copy(c);
	return r;
}

/* ---- what it is copied to ---- */

static int open_file(struct copy *c, const struct ctl_options *o)
{
	struct stat st;

	c->name = is_stdout(o) ? "standard output" : o->word[o->n_words - 1];
	c->to = is_stdout(o) ? STDOUT_FILENO :
		open(c->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (c->to < 0 || fstat(c->to, &st)) {
		int error = -errno;

		log_err("%s: %s", c->name, strerror(-error));
		return error;
	}
	c->is_file = S_ISREG(st.st_mode);
	return 0;
}

/* What ends it waits in a descriptor. */
static int open_signals(struct copy *c)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	c->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (c->signals >= 0)
		return 0;
	log_err("signals: %s", strerror(errno));
	return -errno;
}

static void copy_close(struct copy *c)
{
	close_fd(&c->signals);
	if (c->to != STDOUT_FILENO)
		close_fd(&c->to);
	free(c);
}

int ctl_tap_run(struct ctl_client *client, const struct ctl_options *o,
		const json_t *request)
{
	struct copy *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		log_err("%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	c->to = c->signals = -1;
	r = c->from = ctl_client_stream(client, request);
	/* One that was not to be is not touched. */
	if (r >= 0)
		r = open_file(c, o);
	if (!r)
		r = open_signals(c);
	if (!r)
		r = copy_all(c);
	copy_close(c);
	return r;
}
