/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stage that makes single frames of super-frames, for what stands behind
 * it and must see single frames, or for a way out that cannot carry them. What
 * it gives is what the kernel would have put on the wire (segment.h), complete:
 * the header beside each frame is all zero. The bytes of segments are gone at
 * the next push, those of the super-frames must stay until nothing more is due.
 */
#ifndef BUMPWIRE_CUT_H
#define BUMPWIRE_CUT_H

#include "stage.h"

enum cut_what {
	CUT_ALL,       /* every super-frame */
	CUT_UNCARRIED, /* those that the header beside them cannot describe */
};

/*
 * A super-frame that cannot be cut is dropped as unsegmentable. Counts:
 * super_frames, that were cut, and segments, that they became. 0 or -ENOMEM
 * (logged).
 */
int cut_new(struct stage **stagep, enum cut_what what);

#endif
