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
 * Begins the picture of a frame that fits. Waits for the copy of its first plane: the frame may go when this
 * returns. Errors: -EAGAIN (not logged: the one before is still being made); -ENOMEM, -EIO, logged. Thread:
 * one at a time, as ss_cuda_shrink_get().
 */
int ss_cuda_shrink_begin(SsCudaShrink *s, const SsFrameDesc *frame);
/**
 * Describes the picture that was begun last in `grey`, GRAY8 in the processor's memory, valid until the next
 * is begun. Does not wait. Errors: -EAGAIN (not logged: not there yet); -EIO, logged.
 */
int ss_cuda_shrink_get(SsCudaShrink *s, SsFrameDesc *grey);
/** Waits for what is under way. */
void ss_cuda_shrink_destroy(SsCudaShrink **s);

#endif
