/* SPDX-License-Identifier: Apache-2.0 */
/** A libgstcuda-1.0.so.0 with what ssinfer uses of it, for tests without a GPU. */
#include "fake_gstcuda.h"

SS_API FakeGstCuda fake_gst_cuda;

SS_API void gst_cuda_memory_sync(gpointer memory);
void gst_cuda_memory_sync(gpointer memory)
{
    g_assert(memory);
    fake_gst_cuda.syncs++;
}

SS_API gpointer gst_cuda_context_new_wrapped(gpointer context, int device);
gpointer gst_cuda_context_new_wrapped(gpointer context, int device)
{
    fake_gst_cuda.wrapped++;
    fake_gst_cuda.device = device;
    return context;
}

SS_API gboolean gst_cuda_handle_context_query(GstElement *element, GstQuery *query, gpointer context);
gboolean gst_cuda_handle_context_query(GstElement *element, GstQuery *query, gpointer context)
{
    g_assert(GST_IS_ELEMENT(element) && GST_IS_QUERY(query) && context);
    fake_gst_cuda.answers++;
    return TRUE;
}
