/* SPDX-License-Identifier: BSD-2-Clause */
/* bumpinject: made-up frames onto a wire. Make the template, put source and
 * port together, have it run, say how it went; or judge what arrives. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "capture.h"
#include "inject_live.h"
#include "inject_options.h"
#include "inject_verify.h"
#include "log.h"
#include "manual.h"
#include "send_report.h"
#include "source_template.h"

enum { EXIT_USAGE = 2, EXIT_NOT_ALL = 3 };

#define LINKTYPE_ETHERNET 1

/* ---- the template ---- */

/* As it left, without its FCS, and all of it. */
static int template_from_record(struct template *t, const char *path,
				const struct capture_record *rec)
{
	uint32_t len = rec->len > rec->fcs_bytes ? rec->len - rec->fcs_bytes :
						   0;

	if (rec->linktype != LINKTYPE_ETHERNET) {
		log_err("%s: frame %llu is of link type %s: only Ethernet "
			"frames can be sent", path,
			(unsigned long long)rec->number,
			capture_linktype_name(rec->linktype));
		return -EINVAL;
	}
	if (rec->caplen < len) {
		log_err("%s: frame %llu is cut off: %u of its %u bytes are "
			"there", path, (unsigned long long)rec->number,
			rec->caplen, len);
		return -EINVAL;
	}
	return template_from_bytes(t, rec->data, len);
}

/* Frame `o->frame` of a capture. */
static int template_from_capture(struct template *t,
				 const struct inject_options *o)
{
	struct capture_record rec;
	struct capture *capture;
	int r = capture_open(&capture, o->path, -1);

	if (r)
		return r;
	do
		r = capture_next(capture, &rec);
	while (r == 1 && rec.number < o->frame);
	if (!r) {
		log_err("%s: has no frame %llu", o->path,
			(unsigned long long)o->frame);
		r = -EINVAL;
	} else if (r == 1) {
		r = template_from_record(t, o->path, &rec);
	}
	capture_close(capture);
	return r;
}

static int template_fill(struct template *t, const struct inject_options *o,
			 const uint8_t mac[6])
{
	int r = 0;

	template_set_source(t, mac);
	for (size_t i = 0; !r && i < o->n_layers; i++)
		r = template_add(t, o->layer[i].name, o->layer[i].text);
	if (!r && o->path)
		r = template_from_capture(t, o);
	if (!r && o->size)
		r = template_set_size(t, o->size);
	return r ? r : template_finish(t, o->stamp);
}

static int template_make(struct template **tp, const struct inject_options *o,
			 const uint8_t mac[6])
{
	int r = template_new(tp, o->seed);

	if (r)
		return r;
	r = template_fill(*tp, o, mac);
	if (r)
		template_free(*tp);
	return r;
}

/* ---- by a lane ---- */

static void on_due(void *arg, struct frame *f)
{
	source_template_stamp(arg, f, f->time_ns);
}

static int make_feed(struct feed **fp, struct source *source,
		     const struct inject_options *o, uint32_t mtu)
{
	const struct feed_params params = {
		.source = source,
		.pace = o->send.pace,
		.limit_frames = o->send.limit_frames,
		.duration_ns = o->send.duration_ns,
		.late = (enum feed_late)o->send.late,
		.oversize = FEED_OVERSIZE_FAIL,
		.mtu = { mtu, mtu },
		.on_due = o->stamp ? on_due : NULL,
		.arg = source,
	};

	return feed_new(fp, &params);
}

static int send_by_lane(struct sender *sender, struct template *template,
			const struct inject_options *o)
{
	struct send_figures figures;
	struct source *source;
	struct feed *feed;
	int r = source_template_new(&source, template);

	if (r) {
		template_free(template);
		return r;
	}
	r = make_feed(&feed, source, o, sender_mtu(sender, 0));
	if (r) {
		source_close(source);
		return r;
	}
	r = sender_run(sender, feed);
	if (r)
		return r;
	send_figures(sender, &figures);
	r = send_report(sender, stdout);
	if (r)
		return r;
	return send_all_was_sent(sender, &figures) ? 0 : EXIT_NOT_ALL;
}

/* By whichever engine: the template is theirs to free. */
static int send_by(struct sender *sender, struct template *template,
		   const struct inject_options *o)
{
	bool may_live = o->engine == ENGINE_XDP || o->engine == ENGINE_AUTO;
	int r;

	if (!may_live || inject_live_fits(o, sender, template)) {
		if (o->engine != ENGINE_XDP)
			return send_by_lane(sender, template, o);
		template_free(template);
		return -EINVAL;
	}
	r = inject_live(o, sender, template);
	if (r == -ENXIO)
		return send_by_lane(sender, template, o);
	template_free(template);
	return r > 0 ? EXIT_NOT_ALL : r;
}

static int inject(const struct inject_options *o)
{
	struct template *template;
	struct sender sender;
	int r = sender_open(&sender, &o->send.sender);

	if (r)
		return r;
	r = template_make(&template, o, sender.link[0].address);
	if (!r)
		r = send_by(&sender, template, o);
	sender_close(&sender);
	return r;
}

static void print_help(void)
{
	printf("Usage: bumpinject [OPTIONS] -i IFACE LAYERS...\n"
	       "       bumpinject [OPTIONS] -i IFACE TEMPLATE\n"
	       "       bumpinject --verify [OPTIONS] -i IFACE\n"
	       "\n"
	       "Send frames made of layers, or one of a capture, such as\n"
	       "  bumpinject -i eth1 --udp sport=1000-2000,dport=53 --pps 10k\n"
	       "\n"
	       "A value is fixed (80), walks (1000-2000, 1000-2000/5), counts "
	       "(1000+5), or is\nrandom (random, random:10.0.0.0/8); all "
	       "change together, from frame to frame.\n");
	inject_options_print(&manual_help, stdout);
	printf("\nExit: 0 all was sent (or arrived), 1 failed, 2 usage, 3 not "
	       "all was.\n");
}

int main(int argc, char **argv)
{
	struct inject_options options;
	int r = inject_options_parse(&options, argc, argv);

	if (r)
		return EXIT_USAGE;
	if (options.send.help)
		print_help();
	else if (options.send.version)
		printf("bumpinject (%s)\n", PACKAGE_STRING);
	else
		r = options.verify ? inject_verify(&options) : inject(&options);
	if (options.verify && r > 0)
		r = EXIT_NOT_ALL;
	if (fflush(stdout) && !r)
		r = EXIT_FAILURE;
	if (r == -EINVAL)
		return EXIT_USAGE;
	return r < 0 ? EXIT_FAILURE : r;
}
