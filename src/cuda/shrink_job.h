/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A pixel of a frame's small grey picture: what core/picture.c makes row by row of frames in the processor's
 * memory, bit for bit, once more for a GPU's threads. Compiled by nvcc for shrink.cu, and as C11 for
 * the tests.
 */
#ifndef SS_CUDA_SHRINK_JOB_H
#define SS_CUDA_SHRINK_JOB_H

#include "cuda/pixel.h"

/** One picture; the kernel's only argument. Filled by shrink.c. */
typedef struct SsShrinkJob {
    const uint8_t
        *from;       /* the first sample of the first row that is read; device memory where the GPU works */
    uint8_t *to;     /* rows without gaps */
    uint32_t stride; /* of the frame, bytes */
    uint32_t step;   /* from one sample to the next, bytes */
    int32_t width, height, scale;
    int32_t rows;          /* that are read for each of the picture's: 1 or 2 */
    uint32_t half, factor; /* mean = (sum + half) * factor / 2^16 */
} SsShrinkJob;

SS_PIXEL_FN uint8_t ss_shrink_pixel(const SsShrinkJob *job, int x, int y)
{
    const uint8_t *row =
        job->from + (size_t)y * (size_t)job->scale * job->stride + (size_t)x * (size_t)job->scale * job->step;
    uint32_t sum = job->half;

    for (int r = 0; r < job->rows; r++, row += job->stride)
        for (int i = 0; i < job->scale; i++)
            sum += ss_pixel_load8(row + (size_t)i * job->step);
    return (uint8_t)(((sum & 0xffff) * job->factor) >> 16);
}

#endif
