/* SPDX-License-Identifier: Apache-2.0 */
/**
 * NVIDIA's multimedia memory (memory:NVMM): what the camera, the decoder and the converters of a Jetson fill,
 * and DeepStream's elements on other GPUs. Such a buffer holds no pixels but the address of an NvBufSurface,
 * which tells where they are (NVIDIA, "NvBufSurface API" and "CUDA Driver API, EGL Interoperability").
 *
 * nvmm.c is built where nvbufsurface.h is, nvmm_none.c elsewhere. Written from the documents and tested
 * against a stand-in (tests/nvmm): no Jetson has run it.
 */
#ifndef SS_GST_NVMM_H
#define SS_GST_NVMM_H

#include <gst/video/video.h>

#define SS_CAPS_FEATURE_NVMM "memory:NVMM"
/** Of a GstVideoInfo: its caps have the feature. Nothing in a buffer tells: some of NVIDIA's elements wrap a
 * surface in memory that looks like the processor's, some say more bytes than it has. */
#define SS_VIDEO_FLAG_NVMM ((GstVideoFlags)(1u << 31))

/** Can this build read pictures there? */
gboolean ss_nvmm_supported(void);
/**
 * As gst_video_frame_map(), for reading by a GPU: the planes are device addresses, the strides the surface's.
 * On a Jetson a surface is made known to CUDA when it first comes, and stays so as long as its memory lives.
 * End it with gst_video_frame_unmap(). FALSE: not to be read; why is logged, once.
 */
gboolean ss_nvmm_map(GstVideoFrame *picture, GstBuffer *buffer, const GstVideoInfo *info, guint flags);
/** A copy of what is mapped, `here`, in the processor's memory. End it with gst_video_frame_unmap(). */
gboolean ss_nvmm_fetch(GstVideoFrame *here, const GstVideoFrame *picture);

#endif
