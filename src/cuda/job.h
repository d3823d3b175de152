/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The numbers that the GPU's kernel needs for a frame: where the picture lies in the network's input, the
 * colour matrix, the normalisation. Pure; the twin of what core/image.c works out for its rows.
 */
#ifndef SS_CUDA_JOB_H
#define SS_CUDA_JOB_H

#include <stddef.h>

#include "cuda/pixel.h"
#include "sidestream/backend.h"

/** Can `input` be written with `p`? As ss_image_create(): [1,H,W,3] or [1,3,H,W], u8/f16/f32, no default. */
bool ss_pixel_supported(const SsTensor *input, const SsInputParams *p);

/**
 * Fills `job` but for `dst` and `vectors`, and `g`; planes and strides are those of `f`, wherever they point,
 * and none is paired.
 * `input`, `p`: supported. Errors, not logged: -EINVAL (sizes, planes or strides make no sense, or a plane is
 * 4 GiB or more).
 */
int ss_pixel_job_init(SsPixelJob *job, const SsTensor *input, const SsInputParams *p, const SsFrameDesc *f,
                      SsGeometry *g);
/** Where the elements go. `dst`: the tensor's first byte, in the memory of whoever does the job. */
void ss_pixel_job_target(SsPixelJob *job, const SsTensor *input, void *dst);

/** SS_KIND_*; -1: no such format. */
int ss_pixel_kind(SsPixelFormat format);
/** Bytes of a row and rows of plane i; 0: the format has no such plane. */
size_t ss_pixel_row_bytes(const SsFrameDesc *f, int i);
int ss_pixel_rows(const SsFrameDesc *f, int i);
/** Planes begin, and strides are, at multiples of so many bytes, or the GPU cannot read them: 1, 2 or 4. */
size_t ss_pixel_alignment(SsPixelFormat format, int i);

#endif
