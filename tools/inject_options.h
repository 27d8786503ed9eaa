/* SPDX-License-Identifier: BSD-2-Clause */
/* What bumpinject can be told: tables of bridge/args.h. */
#ifndef BUMPWIRE_INJECT_OPTIONS_H
#define BUMPWIRE_INJECT_OPTIONS_H

#include "send_options.h"

#define INJECT_LAYERS_MAX 32

struct manual;

enum inject_engine {
	ENGINE_AUTO,
	ENGINE_RING,   /* frames by a TX ring */
	ENGINE_DIRECT, /* by sendmmsg() */
	ENGINE_XDP,    /* made in the kernel, see bridge/live.h */
};

struct inject_layer {
	const char *name;
	const char *text;
};

struct inject_options {
	struct send_options send; /* first: the common rows fill it */
	struct inject_layer layer[INJECT_LAYERS_MAX];
	size_t n_layers;
	const char *path;  /* a capture to take the frame from, or NULL */
	uint64_t frame;    /* its number in there, from 1 */
	const char *size;
	uint64_t seed;
	uint64_t burst;
	int engine; /* enum inject_engine */
	bool stamp;
	bool verify;
	uint64_t expect; /* frames; 0: unknown */
	uint64_t idle_ns;
};

/* Fill it from the command line, with defaults. 0, or -EINVAL (logged). */
int inject_options_parse(struct inject_options *o, int argc, char **argv);

void inject_options_print(const struct manual *manual, FILE *out);

#endif
