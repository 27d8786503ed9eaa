/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames from a template, without end. Their time_ns is 0: the pace decides
 * when they leave. All BURST_RX buffers stand prepared, and per frame only
 * the bytes that change are written.
 */
#ifndef BUMPWIRE_SOURCE_TEMPLATE_H
#define BUMPWIRE_SOURCE_TEMPLATE_H

#include "source.h"
#include "template.h"

/*
 * Of a finished template, which it takes over on success; that stays with the
 * caller otherwise. To rewind it is to begin anew: fields, random values,
 * sizes and the stamps' numbers, whatever the pass. 0 or -ENOMEM.
 */
int source_template_new(struct source **sourcep, struct template *template);

/*
 * To be called before the first draw if anybody will change the frames' bytes
 * in place, beyond the stamp: then each is written whole. Without it what was
 * changed stays so, as the buffers are lent again and again.
 */
void source_template_expect_edits(struct source *source);

/*
 * Stamp a frame of the last draw with its number, counted from 0 with every
 * frame drawn, and the time it is to leave (ns since 1970). Nothing if the
 * template has no stamp. Checksums need no mending (stamp.h). The frame's
 * headers may have been edited and its tags pushed or popped, but not copied.
 */
void source_template_stamp(struct source *source, struct frame *f,
			   uint64_t time_ns);

#endif
