/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an injecting tool says of its run: a line that follows it on a
 * terminal, rates now and then, and the figures, for people or as JSON.
 */
#ifndef BUMPWIRE_SEND_REPORT_H
#define BUMPWIRE_SEND_REPORT_H

#include <stdio.h>

#include "sender.h"

/* All that a report tells, taken at one moment. */
struct send_figures {
	struct lane_stats stats;
	struct feed_figures feed;
	uint64_t elapsed_ns;  /* from the first frame to the last */
	uint64_t planned_ns;  /* the same by the schedule */
	uint64_t failed_frames; /* not sent, though they were meant to be */
	double pps;
	double bps; /* bits of frames, as bytes are counted */
	bool paced; /* so lateness means something */
	bool complete;
};

void send_figures(const struct sender *s, struct send_figures *f);

/* Everything that was meant to be sent was. */
bool send_all_was_sent(const struct sender *s, const struct send_figures *f);

/* The same of figures that the caller has, by no feed; `all` was sent. */
int send_report_print(const struct sender *s, const struct send_figures *f,
		      bool all, FILE *out);

/* The final report. 0, or -EIO (logged) if it could not be written. */
int send_report(const struct sender *s, FILE *out);

void send_report_so_far(const struct sender *s, FILE *out);
void send_report_rates(struct sender *s, FILE *out);

/* Overwrite the line on stderr; end it before something else is printed. */
void send_report_line(struct sender *s);
void send_report_line_end(struct sender *s);

/* send_report_json.c: one object, one line. `event` is "report" or "stats";
 * the members of `extra`, if there are any, are added, and it is released. */
struct json_t;
void send_report_json(const struct sender *s, const struct send_figures *f,
		      const char *event, struct json_t *extra, FILE *out);

#endif
