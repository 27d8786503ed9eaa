/* SPDX-License-Identifier: BSD-2-Clause */
/* See replay_plan.h. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "capture.h"
#include "log.h"
#include "replay_plan.h"
#include "source_capture.h"

#define MTU_DEFAULT 1500

uint32_t replay_plan_mtu(const struct replay_options *o, uint32_t egress)
{
	char path[64];
	unsigned int mtu = MTU_DEFAULT;
	FILE *file;

	if (o->mtu)
		return (uint32_t)o->mtu;
	if (egress >= o->send.sender.n_ifaces)
		return MTU_DEFAULT;
	snprintf(path, sizeof(path), "/sys/class/net/%s/mtu",
		 o->send.sender.iface[egress]);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%u", &mtu) != 1)
		mtu = MTU_DEFAULT;
	if (file)
		fclose(file);
	return mtu;
}

static void row(FILE *out, const char *label, uint64_t value)
{
	fprintf(out, "  %-24s %14" PRIu64 "\n", label, value);
}

static void print_text(const struct replay_options *o,
		       const struct send_figures *f,
		       const struct source *source, FILE *out)
{
	const struct reel_interface *in;
	char label[48];

	fprintf(out, "bumpreplay: nothing was sent; this would be\n");
	row(out, "frames read", f->stats.received_frames);
	row(out, "frames sent", f->stats.forwarded_frames);
	row(out, "bytes sent", f->stats.forwarded_bytes);
	for (uint32_t i = 0; o->has_split && i < SENDER_PORTS; i++) {
		snprintf(label, sizeof(label), "for %s",
			 i < o->send.sender.n_ifaces ?
				 o->send.sender.iface[i] :
				 i ? "right" : "left");
		row(out, label, f->feed.lent_frames[i]);
	}
	for (int why = 0; why < REASONS; why++)
		if (f->stats.dropped_frames[why])
			row(out, why == REASON_FILTERED ?
				"left out, as asked" : reason_info[why].name,
			    f->stats.dropped_frames[why]);
	snprintf(label, sizeof(label), "longer than MTU %u",
		 replay_plan_mtu(o, 0));
	row(out, label, f->feed.oversize_frames);
	if (o->send.pace.mode == PACE_TOPSPEED)
		fprintf(out, "  %-24s %14s\n", "duration", "top speed");
	else
		fprintf(out, "  %-24s %14.6f s\n", "duration",
			(double)f->planned_ns / 1e9);
	for (size_t i = 0; (in = source_capture_interface(source, i)); i++)
		fprintf(out, "  %s: interface %s, %s, %" PRIu64 " frames\n",
			in->path, *in->name ? in->name : "(no name)",
			capture_linktype_name(in->linktype), in->frames);
}

static json_t *interfaces(const struct source *source)
{
	const struct reel_interface *in;
	json_t *array = json_array();

	for (size_t i = 0; (in = source_capture_interface(source, i)); i++) {
		json_t *o = json_object();

		json_object_set_new(o, "file", json_string(in->path));
		json_object_set_new(o, "name", json_string(in->name));
		json_object_set_new(o, "linktype",
			json_string(capture_linktype_name(in->linktype)));
		json_object_set_new(o, "frames",
				    json_integer((json_int_t)in->frames));
		json_array_append_new(array, o);
	}
	return array;
}

int replay_plan_print(const struct replay_options *o, const struct sender *s,
		      const struct send_figures *f,
		      const struct source *source, FILE *out)
{
	json_t *extra;

	errno = 0;
	if (!o->send.sender.json) {
		print_text(o, f, source, out);
	} else {
		extra = json_object();
		json_object_set_new(extra, "mtu",
				    json_integer(replay_plan_mtu(o, 0)));
		json_object_set_new(extra, "interfaces", interfaces(source));
		send_report_json(s, f, "plan", extra, out);
	}
	if (!fflush(out) && !ferror(out))
		return 0;
	log_err("standard output: %s", strerror(errno ? errno : EIO));
	return -EIO;
}
