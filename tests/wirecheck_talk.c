/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wirecheck udp and tcp: the smallest servers and clients that a story needs
 * from a host's own stack: a question and its answer, and a file whose every
 * byte is known.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include "wirecheck.h"

#define CHUNK_BYTES (128u << 10)
#define DATAGRAM_BYTES 2048

struct talk {
	const char *word[2]; /* address, port */
	const char *text;
	uint64_t bytes, seed, timeout_s;
};

enum role { ROLE_SERVER, ROLE_CLIENT };

/* A bound or a connected socket. */
static int talk_open(const struct talk *t, int type, enum role role)
{
	struct addrinfo hints = {
		.ai_socktype = type,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	struct timeval timeout = { .tv_sec = (time_t)t->timeout_s };
	struct addrinfo *a;
	int one = 1, fd, r;

	r = getaddrinfo(t->word[0], t->word[1], &hints, &a);
	if (r)
		return complain(-EINVAL, "%s %s: %s", t->word[0], t->word[1],
				gai_strerror(r));
	fd = socket(a->ai_family, type | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	r = role == ROLE_SERVER ? bind(fd, a->ai_addr, a->ai_addrlen) :
				  connect(fd, a->ai_addr, a->ai_addrlen);
	if (!r && role == ROLE_SERVER && type == SOCK_STREAM)
		r = listen(fd, 4);
	if (r)
		r = complain(-errno, "%s %s: %s", t->word[0], t->word[1],
			     strerror(errno));
	freeaddrinfo(a);
	if (!r)
		return fd;
	close_fd(&fd);
	return -EIO;
}

static int talk_parse(struct talk *t, int argc, char **argv)
{
	const struct opt opt[] = {
		{ "text", "TEXT", "udp: the question, or the answer", OPT_TEXT,
		  &t->text, 0, 0 },
		{ "bytes", "N", "tcp: of the file, default 16 MiB", OPT_NUMBER,
		  &t->bytes, 1, UINT64_C(1) << 40 },
		{ "seed", "S", "tcp: of the file", OPT_NUMBER, &t->seed, 0,
		  UINT64_MAX },
		{ "timeout", "S", "without progress, default 5", OPT_NUMBER,
		  &t->timeout_s, 1, 3600 },
	};

	*t = (struct talk){ .bytes = 16 << 20, .timeout_s = 5 };
	return opts_parse(argc, argv, opt, ARRAY_SIZE(opt), t->word, 2);
}

/* ---- UDP ---- */

/* Answers until it is told to stop. */
int command_udp_serve(int argc, char **argv)
{
	char question[DATAGRAM_BYTES];
	struct talk t;
	int fd, r = talk_parse(&t, argc, argv);

	if (r)
		return r;
	fd = talk_open(&t, SOCK_DGRAM, ROLE_SERVER);
	if (fd < 0)
		return fd;
	fprintf(stderr, "wirecheck: listening\n");
	while (!stop_asked()) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		struct sockaddr_storage who;
		socklen_t who_bytes = sizeof(who);
		ssize_t n;

		if (poll(&p, 1, 50) <= 0)
			continue;
		n = recvfrom(fd, question, sizeof(question), 0,
			     (struct sockaddr *)&who, &who_bytes);
		if (n < 0)
			continue;
		sendto(fd, t.text ? t.text : question,
		       t.text ? strlen(t.text) : (size_t)n, 0,
		       (struct sockaddr *)&who, who_bytes);
	}
	close(fd);
	return 0;
}

int command_udp_ask(int argc, char **argv)
{
	char answer[DATAGRAM_BYTES];
	struct talk t;
	ssize_t n;
	int fd, r = talk_parse(&t, argc, argv);

	if (r)
		return r;
	if (!t.text)
		return complain(EXIT_USAGE, "--text TEXT is needed");
	fd = talk_open(&t, SOCK_DGRAM, ROLE_CLIENT);
	if (fd < 0)
		return fd;
	n = send(fd, t.text, strlen(t.text), 0);
	if (n >= 0)
		n = recv(fd, answer, sizeof(answer), 0);
	if (n < 0)
		r = complain(-errno, "no answer: %s",
			     errno == EAGAIN ? "nothing came in time" :
					       strerror(errno));
	else
		printf("%.*s\n", (int)n, answer);
	close(fd);
	return r;
}

/* ---- TCP ---- */

/* The file's bytes of one chunk. */
static void chunk_fill(uint8_t *to, uint64_t seed, uint64_t offset)
{
	pattern_fill(to, CHUNK_BYTES, mix(mix(seed) ^ offset));
}

static int serve_file(const struct talk *t, int fd, uint8_t *chunk)
{
	for (uint64_t at = 0; at < t->bytes; at += CHUNK_BYTES) {
		uint64_t left = t->bytes - at;
		size_t n = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;

		chunk_fill(chunk, t->seed, at);
		for (size_t sent = 0; sent < n && !stop_asked();) {
			ssize_t r = send(fd, chunk + sent, n - sent,
					 MSG_NOSIGNAL);

			if (r <= 0)
				return complain(-errno, "send: %s",
						strerror(errno));
			sent += (size_t)r;
		}
	}
	return 0;
}

int command_tcp_serve(int argc, char **argv)
{
	struct talk t;
	struct pollfd p = { .events = POLLIN };
	int fd, peer = -1, r = talk_parse(&t, argc, argv);
	uint8_t *chunk;

	if (r)
		return r;
	fd = talk_open(&t, SOCK_STREAM, ROLE_SERVER);
	if (fd < 0)
		return fd;
	fprintf(stderr, "wirecheck: listening\n");
	p.fd = fd;
	while (!stop_asked() && poll(&p, 1, 50) <= 0)
		;
	chunk = malloc(CHUNK_BYTES);
	peer = stop_asked() || !chunk ? -1 : accept(fd, NULL, NULL);
	r = peer < 0 ? -EIO : serve_file(&t, peer, chunk);
	close_fd(&peer);
	close(fd);
	free(chunk);
	return r;
}

/* Reads to the end; how many bytes came, and how many of them are wrong. */
static int fetch_file(const struct talk *t, int fd, uint8_t *want, uint8_t *got,
		      uint64_t count[2])
{
	uint64_t at = 0;
	ssize_t n;

	while ((n = recv(fd, got, CHUNK_BYTES, 0)) > 0)
		for (ssize_t i = 0; i < n; i++, at++) {
			if (at % CHUNK_BYTES == 0)
				chunk_fill(want, t->seed, at);
			count[0]++;
			count[1] += got[i] != want[at % CHUNK_BYTES];
		}
	return n < 0 ? complain(-errno, "after %" PRIu64 " bytes: %s", at,
				strerror(errno)) : 0;
}

int command_tcp_fetch(int argc, char **argv)
{
	uint64_t count[2] = { 0 }, start_ns;
	struct talk t;
	uint8_t *chunk;
	int fd, r = talk_parse(&t, argc, argv);

	if (r)
		return r;
	start_ns = clock_now_ns();
	fd = talk_open(&t, SOCK_STREAM, ROLE_CLIENT);
	if (fd < 0)
		return fd;
	chunk = malloc(2 * CHUNK_BYTES);
	r = chunk ? fetch_file(&t, fd, chunk, chunk + CHUNK_BYTES, count) :
		    -ENOMEM;
	printf("bytes=%" PRIu64 " altered=%" PRIu64 " missing=%" PRIu64
	       " seconds=%.6f\n",
	       count[0], count[1],
	       t.bytes > count[0] ? t.bytes - count[0] : 0,
	       (double)(clock_now_ns() - start_ns) / 1e9);
	if (!r && (count[1] || count[0] < t.bytes))
		r = -EBADMSG; /* as the line says */
	free(chunk);
	close(fd);
	return r;
}
