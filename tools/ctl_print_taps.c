/* SPDX-License-Identifier: BSD-2-Clause */
/* Taps as text; see ctl_print.h. Their counts in `stats` are
 * ctl_print_stats.c's. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "ctl_print.h"

const char *ctl_tap_to(const json_t *tap)
{
	const char *to = ctl_text(tap, "to");

	return strcmp(to, "-") ? to : "whoever reads it";
}

/* Of both sides. */
static int64_t frames(const json_t *tap, const char *name)
{
	return ctl_integer(json_object_get(tap, "left"), name) +
	       ctl_integer(json_object_get(tap, "right"), name);
}

static int longer(int width, const json_t *tap, const char *name)
{
	int length = (int)strlen(ctl_text(tap, name));

	return length > width ? length : width;
}

/* What a tap is besides its columns. */
static void print_notes(const json_t *tap, FILE *out)
{
	const char *error = ctl_text(tap, "error");

	if (ctl_is_true(tap, "runtime"))
		fprintf(out, "  (run time)");
	if (ctl_is_true(tap, "ended"))
		fprintf(out, "  (its reader has gone)");
	if (*error)
		fprintf(out, "  (fails: %s)", error);
	fprintf(out, "\n");
}

static void print_head(int pair, int id, FILE *out)
{
	fprintf(out, "%-*s %-*s %-5s %-5s %12s %12s %12s  %s\n", pair, "pair",
		id, "name", "left", "right", "taken", "lost", "written", "to");
}

static void print_tap(const json_t *tap, int pair, int id, FILE *out)
{
	fprintf(out, "%-*s %-*s %-5s %-5s %12" PRId64 " %12" PRId64
		" %12" PRId64 "  %s", pair, ctl_text(tap, "pair"), id,
		ctl_text(tap, "id"),
		ctl_text(json_object_get(tap, "left"), "at"),
		ctl_text(json_object_get(tap, "right"), "at"),
		frames(tap, "taken_frames"),
		frames(tap, "lost_frames"),
		ctl_integer(tap, "written_frames"), ctl_tap_to(tap));
	print_notes(tap, out);
}

void ctl_print_taps(const struct ctl_answer *a, FILE *out)
{
	const json_t *taps = json_object_get(a->result, "taps");
	int pair = (int)strlen("pair"), id = (int)strlen("name");

	if (!json_array_size(taps)) {
		fprintf(out, "no taps\n");
		return;
	}
	for (size_t i = 0; i < json_array_size(taps); i++) {
		pair = longer(pair, json_array_get(taps, i), "pair");
		id = longer(id, json_array_get(taps, i), "id");
	}
	print_head(pair, id, out);
	for (size_t i = 0; i < json_array_size(taps); i++)
		print_tap(json_array_get(taps, i), pair, id, out);
}

void ctl_print_tap_stopped(const struct ctl_answer *a, FILE *out)
{
	fprintf(out, "tap %s: stopped\n", ctl_text(a->request, "id"));
}

void ctl_print_tap_lines(const json_t *pair, FILE *out)
{
	const json_t *taps = json_object_get(pair, "taps");

	for (size_t i = 0; i < json_array_size(taps); i++) {
		const json_t *tap = json_array_get(taps, i);

		fprintf(out, "  tap %s to %s: %" PRId64 " taken, %" PRId64
			" lost, %" PRId64 " written", ctl_text(tap, "id"),
			ctl_tap_to(tap), frames(tap, "taken_frames"),
			frames(tap, "lost_frames"),
			ctl_integer(tap, "written_frames"));
		print_notes(tap, out);
	}
}
