/* SPDX-License-Identifier: BSD-2-Clause */
/* See reel.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "log.h"
#include "reel.h"

/* Whether its bytes are gone once they are read. */
static bool is_pipe(const char *path)
{
	struct stat st;

	return !strcmp(path, "-") ||
	       (!stat(path, &st) && S_ISFIFO(st.st_mode));
}

bool reel_has_pipe(const char *const *path, size_t n_paths)
{
	for (size_t i = 0; i < n_paths; i++)
		if (is_pipe(path[i]))
			return true;
	return false;
}

static int open_next(struct reel *reel)
{
	reel->file_began = false;
	reel->file_interface = reel->n_interfaces;
	return capture_open(&reel->capture, reel->path[reel->at],
			    reel->stop_fd);
}

int reel_open(struct reel *reel, const char *const *path, size_t n_paths,
	      int stop_fd)
{
	bool strict = reel->strict;
	int r;

	memset(reel, 0, sizeof(*reel));
	reel->strict = strict;
	reel->path = path;
	reel->n_paths = n_paths;
	reel->stop_fd = stop_fd;
	r = open_next(reel);
	for (size_t i = 1; !r && i < n_paths; i++) {
		struct capture *capture = NULL;

		if (is_pipe(path[i]))
			continue;
		r = capture_open(&capture, path[i], stop_fd);
		capture_close(capture);
	}
	return r;
}

void reel_close(struct reel *reel)
{
	capture_close(reel->capture);
	reel->capture = NULL;
}

int reel_rewind(struct reel *reel)
{
	if (reel_has_pipe(reel->path, reel->n_paths)) {
		log_err("a pipe can be read only once: --preload keeps what "
			"it gives in memory");
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
		r = reel->capture ? 0 : open_next(reel);
		if (r)
			return r;
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

bool reel_is_idle(const struct reel *reel)
{
	return reel->capture && capture_is_idle(reel->capture);
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
