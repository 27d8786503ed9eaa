/* SPDX-License-Identifier: BSD-2-Clause */
/* bumpreplay: captures onto a wire. Decide what to do, put source, stages and
 * ports together, have it run, say how it went. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "capture_write.h"
#include "log.h"
#include "manual.h"
#include "replay_options.h"
#include "replay_plan.h"
#include "send_report.h"
#include "source_capture.h"

enum { EXIT_USAGE = 2, EXIT_NOT_ALL = 3 };

/* Options, and what is made of them. */
struct replay {
	const struct replay_options *options;
	struct sender sender;
	struct source *source; /* the feed's, once there is one */
	struct stage *stages;
	struct stage *edit; /* of these, or NULL */
	struct feed *feed;
	struct capture_writer *writer; /* the sender's port has it; or NULL */
	FILE *out; /* of reports */
};

static void on_pass(void *arg, uint64_t pass)
{
	const struct replay *replay = arg;

	if (replay->edit)
		edit_set_pass(replay->edit, pass);
}

static int make_source(struct replay *replay)
{
	const struct replay_options *o = replay->options;
	const struct source_capture_params params = {
		.path = o->path,
		.n_paths = o->n_paths,
		.preload = o->preload,
		.strict = o->strict,
		.pad = o->pad,
		.changed = o->edits,
		.frames = o->has_frames ? &o->frames : NULL,
		.split = o->has_split ? &o->split : NULL,
	};

	return source_capture_new(&replay->source, &params);
}

/* Choose, then change. */
static int make_stages(struct replay *replay)
{
	const struct replay_options *o = replay->options;
	struct stage **end = &replay->stages;
	int r = 0;

	if (o->n_rules) {
		r = filter_new(end, o->rule, o->n_rules, NULL);
		if (!r)
			end = &(*end)->next;
	}
	if (!r && o->edits) {
		r = edit_new(end, &o->edit);
		replay->edit = r ? NULL : *end;
	}
	return r;
}

/* To the wire, to a file, or nowhere. */
static int open_sender(struct replay *replay)
{
	const struct replay_options *o = replay->options;
	const struct sender_params *params = &o->send.sender;
	static const char *const side[] = { "left", "right" };
	const char *name[SENDER_PORTS];
	int r;

	if (o->dry_run)
		return sender_open_port(&replay->sender, params,
					sender_null_port());
	if (!o->write_path)
		return sender_open(&replay->sender, params);
	for (uint32_t i = 0; i < SENDER_PORTS; i++)
		name[i] = i < params->n_ifaces ? params->iface[i] : side[i];
	r = capture_write_open(&replay->writer, o->write_path, name,
			       o->has_split ? SENDER_PORTS : 1);
	return r ? r : sender_open_port(&replay->sender, params,
					capture_write_port(replay->writer));
}

static int make_feed(struct replay *replay)
{
	const struct replay_options *o = replay->options;
	bool out = o->write_path || o->dry_run;
	struct feed_params params = {
		.source = replay->source,
		.stages = replay->stages,
		.pace = o->send.pace,
		.passes = o->passes,
		.pass_delay_ns = o->pass_delay_ns,
		.limit_frames = o->send.limit_frames,
		.duration_ns = o->send.duration_ns,
		.late = (enum feed_late)o->send.late,
		.oversize = (enum feed_oversize)o->oversize,
		.rehearse = out,
		.on_pass = on_pass,
		.arg = replay,
	};
	int r;

	for (uint32_t i = 0; i < SENDER_PORTS; i++)
		params.mtu[i] = out ? replay_plan_mtu(o, i) :
				      sender_mtu(&replay->sender, i);
	r = feed_new(&replay->feed, &params);
	if (!r) {
		replay->source = NULL;
		replay->stages = NULL;
	}
	return r;
}

static void tell_facts(struct replay *replay, const struct source *source)
{
	struct source_capture_facts facts;

	source_capture_facts(source, &facts);
	replay->sender.captured_first_ns = facts.first_ns;
	replay->sender.captured_last_ns = facts.last_ns;
	replay->sender.split = facts.split;
}

/* 0 all sent, EXIT_NOT_ALL, or -errno */
static int run(struct replay *replay)
{
	const struct replay_options *o = replay->options;
	const struct source *source = replay->source;
	struct send_figures figures;
	int r = make_feed(replay);

	if (!r)
		r = sender_run(&replay->sender, replay->feed);
	if (!r && replay->writer)
		r = capture_write_flush(replay->writer);
	if (r)
		return r;
	tell_facts(replay, source);
	send_figures(&replay->sender, &figures);
	r = o->dry_run ? replay_plan_print(o, &replay->sender, &figures,
				      source, replay->out) :
			 send_report(&replay->sender, replay->out);
	if (r)
		return r;
	return send_all_was_sent(&replay->sender, &figures) ? 0 : EXIT_NOT_ALL;
}

static int replay(const struct replay_options *options)
{
	struct replay replay = { .options = options, .out = stdout };
	int r;

	if (options->write_path && !strcmp(options->write_path, "-"))
		replay.out = stderr; /* stdout is the capture */
	r = make_source(&replay);
	if (!r)
		r = make_stages(&replay);
	if (!r)
		r = open_sender(&replay);
	if (!r) {
		replay.sender.replays = true;
		r = run(&replay);
		sender_close(&replay.sender);
	}
	source_close(replay.source);
	for (struct stage *st = replay.stages, *next; st; st = next) {
		next = st->next;
		stage_free(st);
	}
	return r;
}

static void print_help(void)
{
	printf("Usage: bumpreplay [OPTIONS] -i IFACE FILE...\n"
	       "       bumpreplay [OPTIONS] -i LEFT -i RIGHT FILE...\n"
	       "\n"
	       "Send captures (pcap, pcapng, also .gz and .zst; - is stdin) "
	       "onto a wire, by\ndefault exactly when they were captured.\n");
	replay_options_print(&manual_help, stdout);
	printf("\nExit: 0 all was sent, 1 failed, 2 usage, 3 not all was "
	       "sent.\n");
}

int main(int argc, char **argv)
{
	struct replay_options options;
	int r = replay_options_parse(&options, argc, argv);

	if (!r && options.send.help)
		print_help();
	else if (!r && options.send.version)
		printf("bumpreplay (%s)\n", PACKAGE_STRING);
	else
		r = r ? EXIT_USAGE : replay(&options);
	replay_options_fini(&options);
	if (fflush(stdout) && !r)
		r = EXIT_FAILURE;
	return r < 0 ? EXIT_FAILURE : r;
}
