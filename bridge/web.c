/* SPDX-License-Identifier: BSD-2-Clause */
/* See web.h. The only file that knows libmicrohttpd. */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include <microhttpd.h>

#include "clock.h"
#include "log.h"
#include "page_html.h"
#include "web.h"
#include "web_address.h"

/* From the connection to the end of its answer; less when somebody waits for
 * the place. */
#define PATIENCE_NS (10 * NS_PER_SEC)
#define PATIENCE_WHEN_FULL_NS NS_PER_SEC
#define MEMORY_BYTES 16384 /* for a request's line and headers */
#define BACKLOG 64

/* One client. */
struct place {
	struct MHD_Connection *connection; /* NULL: the place is free */
	uint64_t since_ns;
	bool ended; /* shut down: the library is about to notice */
};

struct web {
	struct web_params params;
	struct MHD_Daemon *daemon;
	int epoll_fd; /* the daemon's */
	int listen_fd; /* -1 once the daemon owns it */
	unsigned int port;
	struct place place[WEB_CONNECTIONS_MAX];
};

/* ---- answers ---- */

static void write_page(const struct web *web, FILE *out)
{
	(void)web;
	fputs(page_html, out);
}

static void write_metrics(const struct web *web, FILE *out)
{
	web->params.metrics(web->params.arg, out);
}

static void write_stats(const struct web *web, FILE *out)
{
	web->params.stats(web->params.arg, out);
}

static const struct resource {
	const char *path;
	const char *type;
	void (*write)(const struct web *web, FILE *out);
} resource[] = {
	{ "/", "text/html; charset=utf-8", write_page },
	{ "/metrics", "text/plain; version=0.0.4; charset=utf-8",
	  write_metrics },
	{ "/stats.json", "application/json", write_stats },
};

/* Of all answers. The page has its script and its style in it, and may fetch
 * from here and nothing else; nobody may show it in a frame of theirs. */
static const struct header {
	const char *name;
	const char *value;
} header[] = {
	{ "Connection", "close" },
	{ "Cache-Control", "no-store" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Content-Security-Policy",
	  "default-src 'none'; script-src 'unsafe-inline'; "
	  "style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
	  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
};

/* Takes the allocated `body`. */
static enum MHD_Result answer(struct MHD_Connection *connection,
			      unsigned int status, const char *type, char *body,
			      size_t len)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer_with_free_callback(len, body,
								   free);
	enum MHD_Result r;

	if (!response) {
		free(body);
		return MHD_NO;
	}
	r = MHD_add_response_header(response, "Content-Type", type);
	for (size_t i = 0; i < ARRAY_SIZE(header) && r == MHD_YES; i++)
		r = MHD_add_response_header(response, header[i].name,
					    header[i].value);
	if (r == MHD_YES && status == MHD_HTTP_METHOD_NOT_ALLOWED)
		r = MHD_add_response_header(response, "Allow", "GET, HEAD");
	if (r == MHD_YES)
		r = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response); /* the connection holds it */
	return r;
}

static enum MHD_Result refuse(struct MHD_Connection *connection,
			      unsigned int status, const char *why)
{
	char *body = strdup(why);

	return body ? answer(connection, status, "text/plain; charset=utf-8",
			     body, strlen(body)) : MHD_NO;
}

static enum MHD_Result show(const struct web *web,
			    struct MHD_Connection *connection,
			    const struct resource *what)
{
	char *body = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&body, &len);
	bool failed;

	if (!out)
		return MHD_NO;
	what->write(web, out);
	failed = ferror(out);
	if (fclose(out) || failed) {
		free(body);
		return refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
			      "no memory\n");
	}
	return answer(connection, MHD_HTTP_OK, what->type, body, len);
}

/* Answers what has no body at its first call, and what has one, too: the body
 * is then not read. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
				  const char *url, const char *method,
				  const char *version, const char *upload,
				  size_t *upload_bytes, void **state)
{
	const char *host = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	const struct web *web = arg;
	struct web_address unused;

	(void)version;
	(void)upload;
	(void)upload_bytes;
	(void)state;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
			      "allowed is GET or HEAD\n");
	if (!host || !web_parse_host(host, &unused))
		return refuse(connection, MHD_HTTP_MISDIRECTED_REQUEST,
			      "allowed hosts are localhost, 127.0.0.1 and "
			      "[::1]\n");
	for (size_t i = 0; i < ARRAY_SIZE(resource); i++)
		if (!strcmp(url, resource[i].path))
			return show(web, connection, &resource[i]);
	return refuse(connection, MHD_HTTP_NOT_FOUND,
		      "here are /, /metrics and /stats.json\n");
}

/* ---- connections ---- */

/* `context` is the connection's own, and keeps its place. */
static void on_connection(void *arg, struct MHD_Connection *connection,
			  void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct web *web = arg;
	struct place *place = *context;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (place)
			place->connection = NULL;
		return;
	}
	for (int i = 0; i < WEB_CONNECTIONS_MAX; i++) {
		place = &web->place[i];
		if (place->connection)
			continue;
		place->connection = connection;
		place->since_ns = clock_now_ns();
		place->ended = false;
		*context = place;
		return;
	}
}

static bool is_full(const struct web *web)
{
	for (int i = 0; i < WEB_CONNECTIONS_MAX; i++)
		if (!web->place[i].connection)
			return false;
	return true;
}

/* How long that client may still take. The library's own limit is for silence:
 * a client that sends a byte now and then would keep its place for ever. */
static uint64_t left_ns(const struct place *place, bool full, uint64_t now_ns)
{
	uint64_t patience_ns = full ? PATIENCE_WHEN_FULL_NS : PATIENCE_NS;
	uint64_t taken_ns = now_ns - place->since_ns;

	if (!place->connection || place->ended)
		return UINT64_MAX;
	return taken_ns < patience_ns ? patience_ns - taken_ns : 0;
}

static void place_end(struct place *place)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		place->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	/* Only the library may close it, which it does once it is told that
	 * there is nobody any more. */
	if (info)
		shutdown(info->connect_fd, SHUT_RDWR);
	place->ended = true;
}

int web_timeout_ms(struct web *web)
{
	bool full = is_full(web);
	uint64_t now_ns = clock_now_ns(), least_ns = UINT64_MAX;
	MHD_UNSIGNED_LONG_LONG library_ms;

	for (int i = 0; i < WEB_CONNECTIONS_MAX; i++) {
		uint64_t ns = left_ns(&web->place[i], full, now_ns);

		if (ns < least_ns)
			least_ns = ns;
	}
	if (MHD_get_timeout(web->daemon, &library_ms) == MHD_YES &&
	    library_ms < least_ns / NS_PER_MS)
		least_ns = library_ms * NS_PER_MS;
	if (least_ns == UINT64_MAX)
		return -1;
	return (int)((least_ns + NS_PER_MS - 1) / NS_PER_MS);
}

void web_run(struct web *web)
{
	bool full = is_full(web);
	uint64_t now_ns = clock_now_ns();

	for (int i = 0; i < WEB_CONNECTIONS_MAX; i++)
		if (!left_ns(&web->place[i], full, now_ns))
			place_end(&web->place[i]);
	MHD_run(web->daemon);
}

/* ---- the socket ---- */

static int bind_and_listen(struct web *web, struct web_address *a)
{
	static const int yes = 1;

	web->listen_fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC |
							  SOCK_NONBLOCK, 0);
	/* Or else the connections of a run before would keep the port. */
	if (web->listen_fd < 0 ||
	    setsockopt(web->listen_fd, SOL_SOCKET, SO_REUSEADDR, &yes,
		       sizeof(yes)) ||
	    bind(web->listen_fd, &a->any, a->len) ||
	    listen(web->listen_fd, BACKLOG) ||
	    getsockname(web->listen_fd, &a->any, &a->len))
		return -errno;
	web->port = web_address_port(a);
	return 0;
}

static int start_daemon(struct web *web)
{
	const union MHD_DaemonInfo *info;

	web->daemon = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, on_request, web,
		MHD_OPTION_LISTEN_SOCKET, web->listen_fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)WEB_CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_BYTES,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, web,
		MHD_OPTION_END);
	if (!web->daemon)
		return -ENOMEM;
	web->listen_fd = -1;
	info = MHD_get_daemon_info(web->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return -ENOSYS;
	web->epoll_fd = info->epoll_fd;
	return 0;
}

int web_open(struct web **webp, const struct web_params *p)
{
	struct web_address address;
	struct web *web;
	int r;

	if (!web_parse_listen(p->listen, &address)) {
		log_err("metrics.listen: '%s': allowed is " WEB_LISTEN_ALLOWED,
			p->listen);
		return -EINVAL;
	}
	web = calloc(1, sizeof(*web));
	if (!web)
		return -ENOMEM;
	web->params = *p;
	web->listen_fd = web->epoll_fd = -1;
	r = bind_and_listen(web, &address);
	if (!r)
		r = start_daemon(web);
	if (r) {
		log_err("metrics.listen: %s: %s", p->listen, strerror(-r));
		web_close(web);
		return r;
	}
	web->params.listen = NULL; /* it is the caller's */
	*webp = web;
	return 0;
}

int web_fd(const struct web *web)
{
	return web->epoll_fd;
}

unsigned int web_port(const struct web *web)
{
	return web->port;
}

void web_close(struct web *web)
{
	if (!web)
		return;
	if (web->daemon)
		MHD_stop_daemon(web->daemon);
	close_fd(&web->listen_fd);
	free(web);
}
