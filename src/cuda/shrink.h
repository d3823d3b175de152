/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The small grey picture (core/picture.h) of a frame that is in an NVIDIA GPU's memory, made there: some
 * 100 KB come over to the processor instead of megabytes.
 */
#ifndef SS_CUDA_SHRINK_H
#define SS_CUDA_SHRINK_H

#include "sidestream/frame.h"

typedef struct SsCudaShrink SsCudaShrink;

/**
 * For frames of the size and format of `like`, on the GPU where that is; loads the driver and the kernel, and
 * gets all memory. `scale`: pixels of the frame a side to a pixel of the picture. `log` outlives the object.
 * Errors, logged: -ENOTSUP (no driver, too old a driver), -ENOMEM, -EIO. Thread: any.
 */
int ss_cuda_shrink_create(SsCudaShrink **out, const SsFrameDesc *like, int scale, const SsLogger *log);
/** Is it for frames like this one? Thread: any. */
bool ss_cuda_shrink_fits(const SsCudaShrink *s, const SsFrameDesc *frame);
/**
 * Describes in `grey` the picture of a frame that fits, GRAY8 in the processor's memory, valid until the next
 * call. The frame may go when this returns. Waits for the copy of its first plane, and for the picture no
 * longer than `deadline`, by the clock `now`. Errors: -EAGAIN (not logged: not in time, or the one before is
 * still not there); -ENOMEM, -EIO, logged. Thread: one at a time.
 */
int ss_cuda_shrink(SsCudaShrink *s, const SsFrameDesc *frame, int64_t deadline, int64_t (*now)(void),
                   SsFrameDesc *grey);
/** Waits for what is under way. */
void ss_cuda_shrink_destroy(SsCudaShrink **s);

#endif
