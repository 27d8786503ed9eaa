/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer target for the template parser. A line is an option and its text:
 * a layer (udp dport=1-9), `size TEXT`, `stamp`, or `frame` with hexadecimal
 * digits. What is accepted has to make frames of the sizes that it promised,
 * with stamps that are found right, and alike whether restored or not.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include "dissect.h"
#include "log.h"
#include "source_template.h"
#include "stamp.h"
#include "template_parse.h"

#define TEXT_MAX 4096
#define DRAWS 2

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum log_level log_level = LOG_LEVEL_ERROR;

void log_print(enum log_level level, const char *fmt, ...)
{
	char line[2048];
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
}

static void expect(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static int from_hex(struct template *t, const char *text)
{
	struct template_bytes bytes = { 0 };
	int r = template_parse_hex(&bytes, text, TEXT_MAX);

	if (!r)
		r = template_from_bytes(t, bytes.data, bytes.n);
	free(bytes.data);
	return r;
}

static int read_line(struct template *t, char *line, bool *stamp)
{
	char *text = line + strcspn(line, " ");

	if (*text)
		*text++ = '\0';
	if (!strcmp(line, "stamp")) {
		*stamp = true;
		return 0;
	}
	if (!strcmp(line, "size"))
		return template_set_size(t, text);
	if (!strcmp(line, "frame"))
		return from_hex(t, text);
	return template_add(t, line, text);
}

static int read_all(struct template *t, char *text)
{
	bool stamp = false;
	char *line;
	int r = 0;

	while (!r && (line = strsep(&text, "\n"))) {
		if (*line)
			r = read_line(t, line, &stamp);
	}
	return r ? r : template_finish(t, stamp);
}

static void check_frame(const struct template_plan *plan,
			const struct frame *f, uint64_t number)
{
	struct stamp stamp;
	struct dissect d;
	bool found = false;

	for (uint32_t i = 0; i < plan->n_sizes && !found; i++)
		found = plan->size[i].len == f->len;
	expect(found, "a size that nobody asked for");
	expect(plan->payload <= f->len, "the payload begins behind the frame");
	if (!plan->stamped)
		return;
	dissect(f->data, f->len, &d);
	expect(stamp_get(f->data + d.payload, d.end - d.payload, &stamp) ==
	       STAMP_RIGHT, "a stamp is not found right");
	expect(stamp.number == number, "a stamp with another number");
}

static void draw_some(struct template *t)
{
	const struct template_plan *plan = template_plan(t);
	struct lane_stats s = { 0 };
	uint8_t whole[FRAME_MAX_BYTES];
	struct source *source;
	struct burst b;
	uint32_t n = 0;

	if (source_template_new(&source, t)) {
		template_free(t);
		return;
	}
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < DRAWS; i++) {
			b.n = 0;
			source_draw(source, &b, &s);
			for (uint32_t k = 0; k < b.n; k++) {
				source_template_stamp(source, &b.frame[k], 1);
				check_frame(plan, &b.frame[k],
					    (uint64_t)i * BURST_RX + k);
			}
		}
		expect(!pass || (n == b.frame[5].len &&
				 !memcmp(whole, b.frame[5].data, n)),
		       "restored frames differ");
		n = b.frame[5].len;
		memcpy(whole, b.frame[5].data, n);
		source_rewind(source, 1);
		source_template_expect_edits(source);
	}
	source_close(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX + 1];
	struct template *t;

	if (size > TEXT_MAX || template_new(&t, 1))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (read_all(t, text)) {
		expect(!template_plan(t), "a plan of what was refused");
		template_free(t);
		return 0;
	}
	draw_some(t);
	return 0;
}
