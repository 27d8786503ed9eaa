/* SPDX-License-Identifier: BSD-2-Clause */
/* What bumpctl can be told: options, and a request with its words. */
#ifndef BUMPWIRE_CTL_OPTIONS_H
#define BUMPWIRE_CTL_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "base.h"
#include "request_list.h"

struct manual;

/* What bumpctl does by itself, with requests of its own. */
#define CTL_TOP REQUESTS

struct ctl_options {
	const char *socket; /* NULL: the only one */
	bool json;
	uint64_t interval_ns; /* 0: once */
	uint64_t count;	      /* turns; 0: without end */
	const char *tap[TAP_OPTIONS]; /* as it was typed; NULL: nothing */
	bool help;
	bool version;
	int request;	   /* enum request_id, or CTL_TOP */
	const char *pair;  /* of CTL_TOP; NULL: all */
	char *const *word; /* the request's */
	int n_words;
};

/* Fill it from the command line. 0, or -EINVAL (logged). */
int ctl_options_parse(struct ctl_options *o, int argc, char **argv);

/* Options and requests, for --help and the manual page. */
void ctl_options_print(const struct manual *manual, FILE *out);

#endif
