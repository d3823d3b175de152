/* SPDX-License-Identifier: Apache-2.0 */
/** What the kernels (.cu) and those who start them agree on, and the compiled code, which tools/cuda_embed.py
 * makes. */
#ifndef SS_CUDA_KERNELS_H
#define SS_CUDA_KERNELS_H

enum {
    SS_BLOCK_X = 16, /* threads; two rows a warp, so that inputs 320 and 640 wide leave few idle */
    SS_BLOCK_Y = 8,
    SS_KERNEL_PIXELS = 4, /* a thread, side by side */
    SS_SHRINK_X = 32,     /* threads of shrink.cu: a warp side by side */
    SS_SHRINK_Y = 4,
};

#ifndef __CUDACC__
#include <stdint.h>

/** A fat binary for cuModuleLoadData(): machine code for several GPUs, PTX for younger ones. */
extern const uint64_t ss_cuda_preprocess_code[], ss_cuda_shrink_code[];
/** The least cuDriverGetVersion() that loads it, e.g. 13000: an older driver knows no code of this compiler.
 */
extern const int ss_cuda_preprocess_driver, ss_cuda_shrink_driver;
#endif

#endif
