/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A stand-in for NVIDIA's header of this name, to compile src/gst/nvmm.c where there is none: what is used of
 * it, by the names in NVIDIA's "NvBufSurface API". Values and layout are this file's own.
 */
#ifndef SS_FAKE_NVBUFSURFACE_H
#define SS_FAKE_NVBUFSURFACE_H

#include <stdint.h>

enum { NVBUF_MAX_PLANES = 4 };

typedef enum NvBufSurfaceMemType {
    NVBUF_MEM_DEFAULT,
    NVBUF_MEM_CUDA_PINNED,
    NVBUF_MEM_CUDA_DEVICE,
    NVBUF_MEM_CUDA_UNIFIED,
    NVBUF_MEM_SURFACE_ARRAY,
    NVBUF_MEM_HANDLE,
    NVBUF_MEM_SYSTEM,
} NvBufSurfaceMemType;

typedef enum NvBufSurfaceLayout { NVBUF_LAYOUT_PITCH, NVBUF_LAYOUT_BLOCK_LINEAR } NvBufSurfaceLayout;
typedef enum NvBufSurfaceMemMapFlags {
    NVBUF_MAP_READ,
    NVBUF_MAP_WRITE,
    NVBUF_MAP_READ_WRITE
} NvBufSurfaceMemMapFlags;

typedef struct NvBufSurfacePlaneParams {
    uint32_t num_planes;
    uint32_t width[NVBUF_MAX_PLANES], height[NVBUF_MAX_PLANES];
    uint32_t pitch[NVBUF_MAX_PLANES], offset[NVBUF_MAX_PLANES];
} NvBufSurfacePlaneParams;

typedef struct NvBufSurfaceMappedAddr {
    void *addr[NVBUF_MAX_PLANES];
    void *eglImage;
} NvBufSurfaceMappedAddr;

typedef struct NvBufSurfaceParams {
    uint32_t width, height;
    NvBufSurfaceLayout layout;
    void *dataPtr;
    NvBufSurfacePlaneParams planeParams;
    NvBufSurfaceMappedAddr mappedAddr;
} NvBufSurfaceParams;

typedef struct NvBufSurface {
    uint32_t batchSize, numFilled;
    NvBufSurfaceMemType memType;
    NvBufSurfaceParams *surfaceList;
} NvBufSurface;

int NvBufSurfaceMap(NvBufSurface *surface, int index, int plane, NvBufSurfaceMemMapFlags type);
int NvBufSurfaceUnMap(NvBufSurface *surface, int index, int plane);
int NvBufSurfaceSyncForCpu(NvBufSurface *surface, int index, int plane);
int NvBufSurfaceMapEglImage(NvBufSurface *surface, int index);
int NvBufSurfaceUnMapEglImage(NvBufSurface *surface, int index);

#endif
