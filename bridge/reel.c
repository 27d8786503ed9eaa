/* SPDX-License-Identifier: BSD-2-Clause */
/* See reel.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "reel.h"

static bool is_stdin(const char *path)
{
	return !strcmp(path, "-");
}

int reel_open(struct reel *reel, const char *const *path, size_t n_paths)
{
	memset(reel, 0, sizeof(*reel));
	reel->path = path;
	reel->n_paths = n_paths;
	for (size_t i = 0; i < n_paths; i++) {
		struct capture *capture;
		int r = is_stdin(path[i]) ? 0 : capture_open(&capture, path[i]);

		if (r)
			return r;
		if (!is_stdin(path[i]))
			capture_close(capture);
	}
	return 0;
}

void reel_close(struct reel *reel)
{
	capture_close(reel->capture);
	reel->capture = NULL;
}

int reel_rewind(struct reel *reel)
{
	for (size_t i = 0; i < reel->n_paths; i++) {
		if (!is_stdin(reel->path[i]))
			continue;
		log_err("standard input can be read only once: --preload "
			"keeps it in memory");
		return -ESPIPE;
	}
	reel_close(reel);
	reel->at = 0;
	reel->number = reel->play_ns = 0;
	reel->counted = true;
	return 0;
}

/* The record's place on the common clock. */
static uint64_t play(struct reel *reel, uint64_t time_ns)
{
	uint64_t gap_ns = time_ns > reel->high_ns ? time_ns - reel->high_ns : 0;

	if (!reel->file_began && gap_ns > NS_PER_SEC)
		gap_ns = 0; /* another recording: it follows at once */
	if (!reel->file_began || time_ns > reel->high_ns ||
	    reel->high_ns - time_ns > NS_PER_SEC)
		reel->high_ns = time_ns;
	reel->file_began = true;
	if (reel->number > 1)
		reel->play_ns += gap_ns;
	return reel->play_ns;
}

/* Count by interface, for the facts; a file's own stand together. */
static void count(struct reel *reel, const struct capture_record *record)
{
	struct reel_interface *to;
	size_t i = reel->file_interface;

	if (reel->counted)
		return;
	for (; i < reel->n_interfaces; i++)
		if (reel->interface[i].linktype == record->linktype &&
		    !strcmp(reel->interface[i].name,
			    capture_interface(reel->capture,
					      record->interface)->name))
			break;
	if (i == REEL_INTERFACES_MAX)
		i--;
	to = &reel->interface[i];
	if (i == reel->n_interfaces) {
		reel->n_interfaces++;
		to->path = reel->path[reel->at];
		to->linktype = record->linktype;
		snprintf(to->name, sizeof(to->name), "%s",
			 capture_interface(reel->capture,
					   record->interface)->name);
	}
	to->frames++;
}

int reel_next(struct reel *reel, struct capture_record *record,
	      uint64_t *play_ns)
{
	int r;

	while (reel->at < reel->n_paths) {
		if (!reel->capture) {
			r = capture_open(&reel->capture, reel->path[reel->at]);
			if (r)
				return r;
			reel->file_began = false;
			reel->file_interface = reel->n_interfaces;
		}
		r = capture_next(reel->capture, record);
		if (r < 0)
			return r;
		if (r) {
			record->number = ++reel->number;
			*play_ns = play(reel, record->time_ns);
			count(reel, record);
			return 1;
		}
		if (reel->strict && capture_n_oddities(reel->capture))
			return -EBADMSG;
		reel_close(reel);
		reel->at++;
	}
	return 0;
}

double reel_progress(const struct reel *reel)
{
	double part = reel->capture ? capture_progress(reel->capture) : 0;

	return part < 0 ? part :
		((double)reel->at + part) / (double)reel->n_paths;
}

uint32_t reel_file_interfaces(const struct reel *reel)
{
	return reel->capture ? capture_n_interfaces(reel->capture) : 0;
}
