/* SPDX-License-Identifier: Apache-2.0 */
#include "cudamemory.h"

#include <dlfcn.h>

#include "sidestream/frame.h"

gboolean ss_cuda_memory_has(GstBuffer *buffer)
{
    GstMemory *memory = gst_buffer_n_memory(buffer) > 0 ? gst_buffer_peek_memory(buffer, 0) : NULL;

    return memory && gst_memory_is_type(memory, "gst.cuda.memory") && ss_memory_supported(SS_MEMORY_CUDA);
}

typedef void (*SyncFunc)(GstMemory *memory);

static gpointer find_sync(gpointer unused)
{
    void *library = dlopen("libgstcuda-1.0.so.0", RTLD_LAZY | RTLD_NOLOAD);

    (void)unused;
    return library ? dlsym(library, "gst_cuda_memory_sync") : NULL;
}

void ss_cuda_memory_settle(GstBuffer *buffer)
{
    static GOnce once = G_ONCE_INIT;
    SyncFunc sync;

    *(void **)&sync = g_once(&once, find_sync, NULL); /* a function, which ISO C does not convert */
    if (sync)
        sync(gst_buffer_peek_memory(buffer, 0));
}
