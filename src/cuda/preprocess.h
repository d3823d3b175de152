/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core/image.h on an NVIDIA GPU: a frame -> the network's input tensor in the GPU's memory. The same picture
 * to within a grey level (tests/test_cuda_pixel.c says how close).
 *
 *     SsCudaPreprocess *p;
 *     ss_cuda_preprocess_create(&p, 0, &input, &params, log);
 *     every frame:
 *         ss_cuda_preprocess_convert(p, frame, tensor, stream, &geometry);
 *         ... the network on the same stream, or on one that waits for it ...
 *     ss_cuda_preprocess_destroy(&p);
 *
 * The calls put work on the stream and return. Any context may be current, or none; it is again afterwards.
 */
#ifndef SS_CUDA_PREPROCESS_H
#define SS_CUDA_PREPROCESS_H

#include "cuda/driver.h"
#include "sidestream/backend.h"

typedef struct SsCudaPreprocess SsCudaPreprocess;

/**
 * `device`: 0 = the first. `input`: [N,H,W,3] or [N,3,H,W], u8/f16/f32; `params`: nothing at default; both
 * are copied. `log` outlives the object. Loads the driver and the kernels, which takes some milliseconds (and
 * seconds on a GPU younger than this build, once).
 * Errors: -ENOTSUP (no driver, no such device, too old a driver, no such input), -ENOMEM, -EIO.
 */
int ss_cuda_preprocess_create(SsCudaPreprocess **out, int device, const SsTensor *input,
                              const SsInputParams *params, const SsLogger *log);
/**
 * Fills one picture of the tensor at `dst` (device memory, an Nth of `input`'s bytes) from the frame's
 * planes, wherever its `memory` is, and `g`. Returns 0: the planes have been copied, and the
 * frame may go; 1: they lie in memory that is pinned (pinned.h), and are read there until the stream is past
 * this. (On the GPU they are copied, for its decoder wants them back, long before those before them have been
 * inferred.) N frames, two at least, may be on their way at a time; the next waits for the first to have been
 * read by its kernel. Pinned and device memory of so many is kept, for the largest so far. `stream`: of the
 * device's primary context; NULL: the default stream. Errors: -EINVAL (odd frame; on the GPU also where
 * ss_pixel_alignment() is not kept), -ENOMEM, -EIO; then dst's bytes are undefined.
 */
int ss_cuda_preprocess_convert(SsCudaPreprocess *p, const SsFrameDesc *frame, SsCuPtr dst, SsCuStream stream,
                               SsGeometry *g);
/**
 * The same with planes in the device's memory, which stay unchanged until the stream is past this. Chroma of
 * NV12 begins at a multiple of 2 bytes and has such a stride; RGBX and BGRX of 4. Errors: -EINVAL (also:
 * fewer than 3 pixels wide), -EIO.
 */
int ss_cuda_preprocess_convert_device(SsCudaPreprocess *p, const SsFrameDesc *frame, SsCuPtr dst,
                                      SsCuStream stream, SsGeometry *g);
/** Waits until the frames given to convert() have been read; of those to convert_device() the caller knows.
 */
void ss_cuda_preprocess_destroy(SsCudaPreprocess **p);

#endif
