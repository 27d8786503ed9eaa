/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests about taps; see requests.h. What one is asked for is read in
 * requests_tap_read.c. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "bridge_taps.h"
#include "conf_value.h"
#include "log.h"
#include "report_json.h"
#include "requests.h"
#include "requests_tap.h"
#include "tap_target.h"

#define STREAM "stream"

/* ---- what there is ---- */

static size_t count_taps(const struct bridge *b)
{
	struct bridge_tap_info info;
	size_t n = 0;

	while (bridge_tap_at(b, n, &info))
		n++;
	return n;
}

static bool has_tap(const struct bridge *b, const char *id)
{
	struct bridge_tap_info info;

	for (size_t i = 0; bridge_tap_at(b, i, &info); i++)
		if (!strcmp(info.id, id))
			return true;
	return false;
}

/* As the report has them, but each with its pair. With `id`, that one alone. */
static void append_taps(json_t *taps, const struct bridge *b, const char *id)
{
	json_t *all = report_json_taps(b), *tap;
	size_t i;

	json_array_foreach(all, i, tap) {
		if (id && strcmp(id, json_string_value(
				     json_object_get(tap, "id"))))
			continue;
		json_object_set_new(tap, "pair",
				    report_json_text(b->conf->name));
		json_array_append(taps, tap);
	}
	json_decref(all);
}

int request_tap_list(struct request *r)
{
	json_t *taps = json_array();
	const struct bridge *b;
	size_t i = 0;

	while ((b = control_next_pair(r->control, r->pair, &i)))
		append_taps(taps, b, NULL);
	return json_object_set_new(r->result, "taps", taps);
}

/* ---- start and stop ---- */

/* Both pointers are to live as long as the result. */
static struct tap_params params_of(const struct conf_pair *asked,
				   const char *id)
{
	return (struct tap_params){
		.id = id,
		.at = { (enum tap_at)asked->tap[SIDE_LEFT],
			(enum tap_at)asked->tap[SIDE_RIGHT] },
		.to = asked->tap_to,
		.fd = -1,
		.filter = asked->tap_filter,
		.snap_bytes = (uint32_t)asked->tap_snap_bytes,
		.queue_bytes = asked->tap_queue_bytes,
		.rotate_bytes = asked->tap_rotate_bytes,
		.rotate_frames = asked->tap_rotate_frames,
		.rotate_ns = asked->tap_rotate_ns,
		.files = (uint32_t)asked->tap_files,
	};
}

static struct bridge *find_bridge(struct request *r)
{
	const struct conf_pair *pair = request_pair(r);
	size_t i = 0;

	return pair ? control_next_pair(r->control, pair->name, &i) : NULL;
}

static int check_room(struct request *r, const struct bridge *b)
{
	if (count_taps(b) < BRIDGE_TAPS_MAX)
		return 0;
	request_refuse(r, "pair %s has %d taps: at most so many at a time; "
		       "`tap stop` ends one", b->conf->name, BRIDGE_TAPS_MAX);
	return -ENOSPC;
}

static const char *new_name(struct request *r, const struct bridge *b)
{
	const char *id = request_text(r, "id", NULL);

	if (!id)
		return NULL;
	if (!value_name_is_valid(id))
		request_refuse(r, "id: '%.80s': allowed is 1 to 64 letters, "
			       "digits, '-', '_' and '.', and no '.' first", id);
	else if (!strcmp(id, BRIDGE_TAP_ID))
		request_refuse(r, "%s: so the configuration's own is called: "
			       "take another name, or `set tap`", id);
	else if (has_tap(b, id))
		request_refuse(r, "pair %s has a tap %s: take another name, or "
			       "stop that one", b->conf->name, id);
	else
		return id;
	return NULL;
}

static int start(struct request *r, struct bridge *b, const char *id,
		 const char *to, const struct conf_pair *asked)
{
	const struct tap_params params = params_of(asked, id);
	json_t *taps = json_array();
	int result = bridge_tap_start(b, &params);

	append_taps(taps, b, id);
	json_object_set_new(r->result, "taps", taps);
	if (result) {
		control_explain_tap(r->control, id, to, result);
		request_refuse(r, "tap %.64s: was not started: %s", id,
			       strerror(-result));
	} else {
		log_info("pair %s: tap %s: to %s", b->conf->name, id, to);
	}
	return result;
}

int request_tap_start(struct request *r)
{
	struct bridge *b = find_bridge(r);
	const char *id = b ? new_name(r, b) : NULL;
	const char *to = id ? request_text(r, "to", NULL) : NULL;
	struct conf conf;
	int result;

	if (!to)
		return -EINVAL;
	result = check_room(r, b);
	if (result)
		return result;
	result = request_tap_read(r, &conf, id, to);
	if (!result)
		result = start(r, b, id, to, &conf.pair[0]);
	else if (!*r->error)
		request_refuse(r, "tap %.64s: was not started", id);
	conf_fini(&conf);
	return result;
}

int request_tap_stop(struct request *r)
{
	struct bridge *b = find_bridge(r);
	const char *id = b ? request_text(r, "id", NULL) : NULL;
	int result;

	if (!id)
		return -EINVAL;
	result = bridge_tap_stop(b, id);
	if (result == -ENOENT)
		request_refuse(r, "pair %s has no tap '%.80s'; `tap list` "
			       "shows them", b->conf->name, id);
	else if (!result)
		log_info("pair %s: tap %s: stopped", b->conf->name, id);
	return result;
}

/* ---- a stream, over the connection that asked for it ---- */

/* What is to be started once the answer is out. */
struct stream {
	struct control *control;
	char *pair;
	struct conf conf; /* what was asked for */
};

static void stream_free(struct stream *s)
{
	conf_fini(&s->conf);
	free(s->pair);
	free(s);
}

/* The lowest that is free. */
static void name_stream(const struct bridge *b, char *buf, size_t size)
{
	unsigned int n = 0;

	do {
		snprintf(buf, size, STREAM "%u", ++n);
	} while (has_tap(b, buf));
}

/* The pair may be gone meanwhile, and taps may have come: then whoever asked
 * sees that nothing follows the answer. */
static void stream_take(void *arg, int fd)
{
	struct stream *s = arg;
	size_t i = 0;
	struct bridge *b = fd < 0 ? NULL :
			   control_next_pair(s->control, s->pair, &i);
	char id[sizeof(STREAM) + 12];
	struct tap_params params;

	if (b) {
		name_stream(b, id, sizeof(id));
		params = params_of(&s->conf.pair[0], id);
		params.fd = fd; /* the tap's, whatever comes of it */
		if (!bridge_tap_start(b, &params))
			log_info("pair %s: tap %s: to bumpctl", s->pair, id);
	} else {
		close_fd(&fd);
	}
	stream_free(s);
}

int request_tap_stream(struct request *r)
{
	struct bridge *b = find_bridge(r);
	struct stream *s;
	int result;

	if (!b)
		return -EINVAL;
	result = check_room(r, b);
	if (result)
		return result;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->control = r->control;
	s->pair = strdup(b->conf->name);
	result = request_tap_read(r, &s->conf, STREAM, NULL);
	if (!result && !s->pair)
		result = -ENOMEM;
	if (result) {
		if (!*r->error)
			request_refuse(r, "the tap was not started");
		stream_free(s);
		return result;
	}
	*r->heir = (struct server_heir){ .take = stream_take, .arg = s };
	return json_object_set_new(r->result, "format", json_string("pcapng"));
}
