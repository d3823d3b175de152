/* SPDX-License-Identifier: Apache-2.0 */
/**
 * GStreamer's memory of NVIDIA GPUs (memory:CUDAMemory; its elements nvh264dec, cudaupload, ...), by what is
 * stable of it: its names and its map flag. Its library (libgstcuda-1.0, 1.22 and later) is not needed to
 * build, and is used only where an element of it has loaded it.
 */
#ifndef SS_GST_CUDAMEMORY_H
#define SS_GST_CUDAMEMORY_H

#include <gst/video/video.h>

#define SS_CAPS_FEATURE_CUDA "memory:CUDAMemory"
/** With it, what is mapped are addresses of the GPU: GST_MAP_CUDA. */
#define SS_MAP_CUDA ((GstMapFlags)(GST_MAP_FLAG_LAST << 1))

/** Are the pictures of `buffer` there, and can this build read them there? */
gboolean ss_cuda_memory_has(GstBuffer *buffer);
/**
 * Answers whoever asks `infer` for a CUDA context: with the one in which the network on its `device`
 * ("cuda:1" = the second GPU; without a number: the first) runs. A GPU works on one context at a time, by
 * milliseconds, so that a decoder in another holds the network up, and the other way round. FALSE: something
 * else is asked for, or there is none.
 */
gboolean ss_cuda_memory_answer(GstElement *infer, GstQuery *query);
/**
 * Offers whoever asks `infer` for memory some from which a GPU reads pictures where they lie
 * (ss_memory_new()), if the network may run on one. Returns how many pictures it may read at a time; 0:
 * nothing was offered.
 */
guint ss_cuda_memory_offer(GstElement *infer, GstQuery *query);
/** Waits for the copy that filled it, where its element has not (1.24 and later): microseconds. */
void ss_cuda_memory_settle(GstBuffer *buffer);

#endif
