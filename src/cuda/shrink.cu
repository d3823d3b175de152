/* SPDX-License-Identifier: Apache-2.0 */
/* A frame's small grey picture, a thread a pixel. */
#include "cuda/kernels.h"
#include "cuda/shrink_job.h"

extern "C" __global__ void __launch_bounds__(SS_SHRINK_X *SS_SHRINK_Y)
    ss_shrink(const __grid_constant__ SsShrinkJob job)
{
    int x = (int)(blockIdx.x * SS_SHRINK_X + threadIdx.x), y = (int)(blockIdx.y * SS_SHRINK_Y + threadIdx.y);

    if (x < job.width && y < job.height)
        job.to[(size_t)y * job.width + x] = ss_shrink_pixel(&job, x, y);
}
