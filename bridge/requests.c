/* SPDX-License-Identifier: BSD-2-Clause */
/* See requests.h. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "conf_value.h"
#include "log.h"
#include "report_json.h"
#include "requests.h"
#include "suggest.h"

#define MISTAKES_MAX 50 /* in an answer */

int request_refuse(struct request *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->error, sizeof(r->error), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

const char *request_text(struct request *r, const char *name,
			 const char *const *choice)
{
	const json_t *value = json_object_get(r->ask, name);
	const char *text = json_string_value(value);
	size_t n = 0;

	if (!text || strlen(text) != json_string_length(value)) {
		request_refuse(r, "%s: missing: a text is needed", name);
		return NULL;
	}
	for (size_t i = 0; choice && choice[i]; i++)
		if (!strcmp(choice[i], text))
			return text;
	if (!choice)
		return text;
	n = (size_t)snprintf(r->error, sizeof(r->error), "%s: '%.80s': "
			     "allowed is one of", name, text);
	for (size_t i = 0; choice[i] && n < sizeof(r->error); i++)
		n += (size_t)snprintf(r->error + n, sizeof(r->error) - n,
				      "%s %s", i ? "," : "", choice[i]);
	return NULL;
}

const struct conf_pair *request_pair(struct request *r)
{
	const struct conf *conf = r->control->conf;

	if (r->pair)
		return conf_find_pair(conf, r->pair);
	if (conf->n_pairs == 1)
		return &conf->pair[0];
	request_refuse(r, "there are %zu pairs: say which one", conf->n_pairs);
	return NULL;
}

/* ---- what is printed as it is ---- */

/* The text of a configuration. */
static json_t *conf_text(const struct conf *conf)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	json_t *string = NULL;

	if (out) {
		conf_print(conf, true, out);
		fclose(out);
		string = json_string(text);
	}
	free(text);
	return string ? string : json_string("(not UTF-8)");
}

static int request_config(struct request *r)
{
	return json_object_set_new(r->result, "text",
				   conf_text(r->control->conf)) ? -ENOMEM : 0;
}

static int request_check(struct request *r)
{
	const char *file = request_text(r, "file", NULL);
	struct stat st;
	struct conf conf;
	int result;

	if (!file)
		return -EINVAL;
	if (*file != '/')
		return request_refuse(r, "file: '%.80s': a whole path is "
				      "needed, from / on", file);
	/* A pipe might never end. */
	if (stat(file, &st))
		return request_refuse(r, "file: %.160s: %s", file,
				      strerror(errno));
	if (!S_ISREG(st.st_mode))
		return request_refuse(r, "file: %.160s: not a file", file);
	conf_init(&conf);
	result = conf_read(&conf, file);
	if (conf_finish(&conf) && !result)
		result = -EINVAL;
	if (!result)
		json_object_set_new(r->result, "text", conf_text(&conf));
	else
		request_refuse(r, "%.200s: not a configuration to run with",
			       file);
	conf_fini(&conf);
	return result;
}

static int request_commands(struct request *r)
{
	json_t *array = json_array();

	for (size_t i = 0; i < REQUESTS; i++)
		json_array_append_new(array,
				      json_pack("{ssssss}", "name",
						request_info[i].name,
						"arguments",
						request_info[i].arguments,
						"help", request_info[i].help));
	return json_object_set_new(r->result, "commands", array);
}

/* ---- what changes something ---- */

void request_note_change(const struct conf_change *change, void *arg)
{
	static const char *const effect[] = {
		[EFFECT_LIVE] = "live",
		[EFFECT_PORT] = "port reopened",
		[EFFECT_PAIR] = "pair reopened",
		[EFFECT_RESTART] = "needs a restart",
		[EFFECT_ADDED] = "added",
		[EFFECT_REMOVED] = "removed",
	};
	json_t *changes = arg;

	control_log_change(change);
	json_array_append_new(changes,
			      json_pack("{ss?sssososs}", "pair", change->pair,
					"key", change->key, "from",
					report_json_text(change->from), "to",
					report_json_text(change->to), "effect",
					effect[change->effect]));
}

static int request_reload(struct request *r)
{
	json_t *changes = json_array();
	int result = control_reload(r->control, request_note_change, changes);

	json_object_set_new(r->result, "changes", changes);
	if (result)
		request_refuse(r, "nothing was changed");
	return result;
}

static int pause_pairs(struct request *r, bool paused)
{
	json_t *pairs = json_array();
	struct bridge *b;
	size_t i = 0;

	while ((b = control_next_pair(r->control, r->pair, &i))) {
		if (b->paused != paused) {
			log_info("pair %s: %s", b->conf->name,
				 paused ? "paused" : "resumed");
			events_write(r->control->events,
				     paused ? "pause" : "resume", "{ss}",
				     "pair", b->conf->name);
		}
		bridge_pause(b, paused);
		json_array_append_new(pairs,
				      json_pack("{sssb}", "name", b->conf->name,
						"paused", paused));
	}
	control_tell_status(r->control);
	return json_object_set_new(r->result, "pairs", pairs);
}

static int request_pause(struct request *r)
{
	return pause_pairs(r, true);
}

static int request_resume(struct request *r)
{
	return pause_pairs(r, false);
}

static int request_reset(struct request *r)
{
	struct bridge *b;
	size_t i = 0;
	int result = 0;

	while (!result &&
	       (b = control_next_pair(r->control, r->pair, &i)))
		result = bridge_reset(b);
	return result;
}

static int request_log(struct request *r)
{
	const char *text = request_text(r, "level", log_level_name);
	int level = 0;

	if (!text)
		return -EINVAL;
	value_choice(text, log_level_name, &level);
	log_level = (enum log_level)level;
	return 0;
}

static int request_stop(struct request *r)
{
	log_info("asked to stop: stopping");
	control_stop(r->control, 0);
	return 0;
}

static int (*const answer[REQUESTS])(struct request *r) = {
	[REQUEST_STATUS] = request_status,
	[REQUEST_STATS] = request_stats,
	[REQUEST_LINKS] = request_links,
	[REQUEST_CONFIG] = request_config,
	[REQUEST_CHECK] = request_check,
	[REQUEST_RELOAD] = request_reload,
	[REQUEST_FILTER_LIST] = request_filter_list,
	[REQUEST_FILTER_ADD] = request_filter_add,
	[REQUEST_FILTER_DEL] = request_filter_del,
	[REQUEST_FILTER_SET] = request_filter_set,
	[REQUEST_SET] = request_set,
	[REQUEST_UNSET] = request_unset,
	[REQUEST_TAP_LIST] = request_tap_list,
	[REQUEST_TAP_START] = request_tap_start,
	[REQUEST_TAP_STOP] = request_tap_stop,
	[REQUEST_TAP_STREAM] = request_tap_stream,
	[REQUEST_PAUSE] = request_pause,
	[REQUEST_RESUME] = request_resume,
	[REQUEST_RESET] = request_reset,
	[REQUEST_LOG] = request_log,
	[REQUEST_STOP] = request_stop,
	[REQUEST_COMMANDS] = request_commands,
};

/* ---- a line and its answer ---- */

/* REQUESTS: there is none. */
static int find(const char *name)
{
	int id = 0;

	while (id < REQUESTS && strcmp(request_info[id].name, name))
		id++;
	return id;
}

static int no_such(struct request *r, const char *name)
{
	struct suggest s = { .wrong = name };

	for (size_t i = 0; i < REQUESTS; i++)
		suggest_offer(&s, request_info[i].name);
	return request_refuse(r, "no such request: '%.80s'%s%s%s", name,
			      s.best ? "; did you mean " : "",
			      s.best ? s.best : "",
			      s.best ? "?" : "; `commands` lists them");
}

static int serve(struct request *r, const char *line, size_t len)
{
	const char *name;
	json_error_t error;
	int id;

	r->ask = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(r->ask))
		return request_refuse(r, "no request: %s", r->ask ?
				      "a JSON object is needed" : error.text);
	name = request_text(r, "request", NULL);
	if (!name)
		return -EINVAL;
	id = find(name);
	if (id == REQUESTS)
		return no_such(r, name);
	if (json_object_get(r->ask, "pair")) {
		r->pair = request_text(r, "pair", NULL);
		if (!r->pair)
			return -EINVAL;
		if (!conf_find_pair(r->control->conf, r->pair))
			return request_refuse(r, "no such pair: '%.80s'",
					      r->pair);
	}
	return answer[id](r);
}

/* Lines, as they were logged, as an array. */
static json_t *mistakes_of(char *log)
{
	json_t *array = json_array(), *text;
	char *rest, *line = strtok_r(log, "\n", &rest);

	for (int i = 0; line && i < MISTAKES_MAX; i++) {
		text = json_string(line);
		json_array_append_new(array, text ? text :
						    json_string("(not UTF-8)"));
		line = strtok_r(NULL, "\n", &rest);
	}
	return array;
}

static json_t *answer_of(struct request *r, int result, char *log)
{
	json_t *object, *mistakes;

	if (!result)
		return json_pack("{sbsO}", "ok", 1, "result", r->result);
	mistakes = mistakes_of(log);
	object = json_pack("{sbss}", "ok", 0, "error",
			   *r->error ? r->error : strerror(-result));
	if (!object) { /* it quotes half a character, or what is no UTF-8 */
		for (char *c = r->error; *c; c++)
			if (*c & 0x80)
				*c = '?';
		object = json_pack("{sbss}", "ok", 0, "error", r->error);
	}
	if (json_array_size(mistakes))
		json_object_set(object, "mistakes", mistakes);
	json_decref(mistakes);
	return object;
}

static char *line_of(const json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;
	char *line = text ? realloc(text, len + 2) : NULL;

	if (line)
		memcpy(line + len, "\n", 2);
	else
		free(text);
	return line;
}

char *requests_answer(void *arg, const char *line, size_t len,
		      struct server_heir *heir)
{
	struct request r = { .control = arg, .heir = heir };
	char *log = NULL, *text;
	size_t log_len = 0;
	FILE *copy = open_memstream(&log, &log_len);
	json_t *object;
	int result;

	if (!copy)
		return NULL;
	r.result = json_object();
	log_copy_to(copy);
	result = serve(&r, line, len);
	log_copy_to(NULL);
	fclose(copy);
	object = answer_of(&r, result, log);
	text = line_of(object);
	json_decref(object);
	json_decref(r.result);
	json_decref(r.ask);
	free(log);
	return text;
}
