/* SPDX-License-Identifier: Apache-2.0 */
#include "cudamemory.h"

#include <dlfcn.h>
#include <string.h>

#include "bridge.h"
#include "cuda/driver.h"

gboolean ss_cuda_memory_has(GstBuffer *buffer)
{
    GstMemory *memory = gst_buffer_n_memory(buffer) > 0 ? gst_buffer_peek_memory(buffer, 0) : NULL;

    return memory && gst_memory_is_type(memory, "gst.cuda.memory") && ss_memory_supported(SS_MEMORY_CUDA);
}

/* --- GStreamer's library, if somebody has loaded it --- */

typedef struct Library {
    void (*sync)(GstMemory *memory); /* of 1.24 */
    gpointer (*wrap)(gpointer context, int device);
    gboolean (*answer)(GstElement *element, GstQuery *query, gpointer context);
} Library;

/* A function, which ISO C does not make of an object's pointer. */
static void find(void *library, const char *name, gpointer function)
{
    void *found = dlsym(library, name);

    memcpy(function, &found, sizeof found);
}

static gpointer find_all(gpointer unused)
{
    static Library found;
    void *library = dlopen("libgstcuda-1.0.so.0", RTLD_LAZY | RTLD_NOLOAD);

    (void)unused;
    if (!library)
        return NULL;
    find(library, "gst_cuda_memory_sync", &found.sync);
    find(library, "gst_cuda_context_new_wrapped", &found.wrap);
    find(library, "gst_cuda_handle_context_query", &found.answer);
    return &found;
}

/** NULL: there is none. */
static const Library *gst_cuda(void)
{
    static GOnce once = G_ONCE_INIT;

    return g_once(&once, find_all, NULL);
}

void ss_cuda_memory_settle(GstBuffer *buffer)
{
    const Library *library = gst_cuda();

    if (library && library->sync)
        library->sync(gst_buffer_peek_memory(buffer, 0));
}

/* --- the processor's memory, for a GPU to read --- */

typedef GstAllocator SsPinnable;
typedef GstAllocatorClass SsPinnableClass;
GType ss_pinnable_get_type(void);
G_DEFINE_TYPE(SsPinnable, ss_pinnable, GST_TYPE_ALLOCATOR)

/* It is GStreamer's usual memory but for where it came from. */
static GstMemory *pinnable_alloc(GstAllocator *allocator, gsize size, GstAllocationParams *params)
{
    const gsize offset = (params->prefix + params->align) & ~params->align,
                all = offset + size + params->padding;
    guint8 *data = all >= size ? ss_memory_new(all) : NULL;

    GST_CAT_DEBUG_OBJECT(ss_infer_debug, allocator, "%" G_GSIZE_FORMAT " bytes that a GPU can read: %p", all,
                         (void *)data);
    if (!data)
        return NULL;
    if (params->flags & GST_MEMORY_FLAG_ZERO_PREFIXED)
        memset(data, 0, offset);
    if (params->flags & GST_MEMORY_FLAG_ZERO_PADDED)
        memset(data + offset + size, 0, params->padding);
    return gst_memory_new_wrapped(params->flags, data, all, offset, size, data, ss_memory_free);
}

static void ss_pinnable_class_init(SsPinnableClass *klass)
{
    klass->alloc = pinnable_alloc;
}

static void ss_pinnable_init(SsPinnable *allocator)
{
    allocator->mem_type = "SidestreamMemory";
}

static gboolean reads_in_place(const char *backend, const char *device)
{
    const SsBackend *b = backend ? ss_backend_find(backend) : ss_backend_nth(0);

    return b && b->in_place && g_ascii_strcasecmp(device ? device : "auto", "cpu") != 0;
}

/* Somebody downstream has memory of their own. */
static gboolean is_served(GstQuery *query)
{
    for (guint i = 0; i < gst_query_get_n_allocation_pools(query); i++) {
        g_autoptr(GstBufferPool) pool = NULL;

        gst_query_parse_nth_allocation_pool(query, i, &pool, NULL, NULL, NULL);
        if (pool)
            return TRUE;
    }
    for (guint i = 0; i < gst_query_get_n_allocation_params(query); i++) {
        g_autoptr(GstAllocator) allocator = NULL;

        gst_query_parse_nth_allocation_param(query, i, &allocator, NULL);
        if (allocator)
            return TRUE;
    }
    return FALSE;
}

/* Aligned as is asked for downstream. */
static void offer(GstQuery *query)
{
    g_autoptr(GstAllocator) ours = gst_object_ref_sink(g_object_new(ss_pinnable_get_type(), NULL));
    GstAllocationParams params;

    gst_allocation_params_init(&params);
    if (gst_query_get_n_allocation_params(query) == 0) {
        gst_query_add_allocation_param(query, ours, &params);
        return;
    }
    gst_query_parse_nth_allocation_param(query, 0, NULL, &params);
    gst_query_set_nth_allocation_param(query, 0, ours, &params);
}

guint ss_cuda_memory_offer(GstElement *infer, GstQuery *query)
{
    g_autofree char *backend = NULL, *device = NULL;
    guint workers = 1, batch = 1;
    GstCaps *caps = NULL;

    gst_query_parse_allocation(query, &caps, NULL);
    g_object_get(infer, "backend", &backend, "device", &device, "workers", &workers, "batch", &batch, NULL);
    if (!caps ||
        !gst_caps_features_contains(gst_caps_get_features(caps, 0), GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY) ||
        !reads_in_place(backend, device) || is_served(query))
        return 0;
    offer(query);
    return batch * MAX(workers, 2); /* one worker has two inferences under way */
}

/* --- one context for all --- */

enum { MOST_GPUS = 16 };

#ifdef SS_HAVE_CUDA
static gpointer make_context(const Library *library, int gpu)
{
    const SsCuda *cu = ss_cuda(&ss_gst_log_aside);
    SsCuContext context;
    int device;

    if (!cu || ss_cuda_retain(cu, gpu, &device, &context, &ss_gst_log_aside) < 0)
        return NULL;
    return library->wrap(context, device);
}
#else
static gpointer make_context(const Library *library, int gpu)
{
    (void)library, (void)gpu;
    return NULL;
}
#endif

/* Made once and never freed: elements that share it come and go. */
static gpointer context_of(const Library *library, int gpu)
{
    static GMutex lock;
    static gpointer contexts[MOST_GPUS];
    gpointer context;

    g_mutex_lock(&lock);
    if (!contexts[gpu])
        contexts[gpu] = make_context(library, gpu);
    context = contexts[gpu];
    g_mutex_unlock(&lock);
    return context;
}

static int gpu_of(const char *device)
{
    const char *number = device ? strrchr(device, ':') : NULL;
    const guint64 gpu = number ? g_ascii_strtoull(number + 1, NULL, 10) : 0;

    return gpu < MOST_GPUS ? (int)gpu : 0;
}

gboolean ss_cuda_memory_answer(GstElement *infer, GstQuery *query)
{
    g_autofree char *device = NULL;
    const char *type = NULL;

    if (!gst_query_parse_context_type(query, &type) || g_strcmp0(type, "gst.cuda.context") != 0)
        return FALSE;
    const Library *library = gst_cuda(); /* not before: who asks has loaded it */
    if (!library || !library->wrap || !library->answer)
        return FALSE;
    g_object_get(infer, "device", &device, NULL);
    gpointer context = context_of(library, gpu_of(device));
    return context && library->answer(infer, query, context);
}
