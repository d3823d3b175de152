/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Pictures of EGL in the GPU's memory: on Jetson, how CUDA comes to see what cameras and decoders make. As in
 * driver.h, only what is used of the driver's interface, under its own names less the "cu" (NVIDIA, CUDA
 * Driver API, "EGL Interoperability").
 *
 * Calls work on the context that is current on the thread.
 */
#ifndef SS_CUDA_EGL_H
#define SS_CUDA_EGL_H

#include "cuda/driver.h"

typedef struct CUgraphicsResource_st *SsCuResource;

enum {
    SS_CU_READ_ONLY = 1,  /* flags of GraphicsEGLRegisterImage() */
    SS_CU_EGL_ARRAY = 0,  /* types of a frame: tiles, which only textures read */
    SS_CU_EGL_PITCH = 1,  /* rows */
    SS_CU_EGL_PLANES = 3, /* most a frame has */
};

/** CUeglFrame. */
typedef struct SsCuEglFrame {
    void *plane[SS_CU_EGL_PLANES]; /* of rows: addresses on the GPU */
    unsigned width, height, depth;
    unsigned pitch; /* bytes a row of the first plane */
    unsigned planes, channels;
    int type;
    int colour_format, component_format;
} SsCuEglFrame;

typedef struct SsCudaEgl {
    int (*GraphicsEGLRegisterImage)(SsCuResource *resource, void *image, unsigned flags);
    int (*GraphicsResourceGetMappedEglFrame)(SsCuEglFrame *frame, SsCuResource resource, unsigned index,
                                             unsigned level);
    int (*GraphicsUnregisterResource)(SsCuResource resource);
} SsCudaEgl;

/** Of the driver that ss_cuda() has found. NULL: it has none of this, told to `log` in one line. Thread: any.
 */
SS_API const SsCudaEgl *ss_cuda_egl(const SsLogger *log);

#endif
