/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people type for a layer of a template: lists of fields, text, bytes.
 */
#ifndef BUMPWIRE_TEMPLATE_PARSE_H
#define BUMPWIRE_TEMPLATE_PARSE_H

#include "template_layers.h"

/* A layer with the values of its fields. */
struct template_layer {
	const struct template_layer_info *info; /* NULL: there is none */
	uint32_t given; /* bit by field: not by its preset */
	struct template_value value[TEMPLATE_FIELDS_MAX];
};

struct template_bytes {
	uint8_t *data;
	uint32_t n;
};

/* All fields at their presets; those that are worked out at 0. */
void template_layer_init(struct template_layer *layer,
			 const struct template_layer_info *info);

/* The value of a field by its name, which has to be right, and whether it was
 * given. */
struct template_value *template_layer_value(struct template_layer *layer,
					    const char *name, bool *given);

/* Set the fields of a list. 0 or -EINVAL (logged). */
int template_parse_fields(struct template_layer *layer, const char *text);

/* Append the bytes that a text of --payload or --hex stands for, up to `max`
 * in all. 0, -EINVAL (logged) or -ENOMEM; then nothing was appended. */
int template_parse_text(struct template_bytes *bytes, const char *text,
			uint32_t max);
int template_parse_hex(struct template_bytes *bytes, const char *text,
		       uint32_t max);

#endif
