/* SPDX-License-Identifier: Apache-2.0 */
/** Pictures in a GPU's memory, by a stand-in for GStreamer's allocator whose copies are counted. */
#include <dlfcn.h>

#include "fake_gstcuda.h"
#include "gst/cudamemory.h"
#include "rig.h"
#include "sidestream/dummy.h"
#include "sidestream/frame.h"

#define GPU_CAPS "video/x-raw(memory:CUDAMemory),format=GRAY8,width=64,height=48,framerate=25/1"

/* --- the stand-in --- */

typedef struct FakeMemory {
    GstMemory parent;
    guint8 *there; /* "on the GPU" */
    guint8 *here;  /* its copy; NULL: none was needed yet */
} FakeMemory;

static FakeGstCuda *fake;   /* GStreamer's library */
static gint copies, on_gpu; /* maps of either kind */

static gpointer fake_map(GstMemory *memory, GstMapInfo *info, gsize size)
{
    FakeMemory *m = (FakeMemory *)memory;

    if ((info->flags & SS_MAP_CUDA) == SS_MAP_CUDA) {
        g_atomic_int_inc(&on_gpu);
        return m->there;
    }
    if (!m->here) {
        g_atomic_int_inc(&copies);
        m->here = g_memdup2(m->there, size);
    }
    return m->here;
}

static void fake_free(GstMemory *memory)
{
    FakeMemory *m = (FakeMemory *)memory;

    g_free(m->there);
    g_free(m->here);
    g_free(m);
}

/** The n-th picture: dark, but for a square of 8 pixels that moves. */
static GstBuffer *picture_on_gpu(GstAllocator *allocator, guint n)
{
    FakeMemory *m = g_new0(FakeMemory, 1);
    const gsize size = (gsize)WIDTH * HEIGHT;

    m->there = g_malloc0(size);
    for (guint y = 16; y < 24; y++)
        memset(m->there + y * WIDTH + 8 + n, 255, 8);
    gst_memory_init(GST_MEMORY_CAST(m), 0, allocator, NULL, size, 0, 0, size);
    return frame_in(GST_MEMORY_CAST(m), n);
}

/* --- */

/** FRAMES pictures, each of which the network sees; leaves out the last, with the objects of the one before.
 */
enum { FRAMES = 10 };

static GstBuffer *run(Rig *rig)
{
    g_autoptr(GstAllocator) allocator = allocator_new("gst.cuda.memory", fake_map, fake_free);
    GstBuffer *out = NULL;

    copies = on_gpu = 0;
    await_state(rig, "running");
    for (guint n = 0; n < FRAMES; n++) {
        gst_clear_buffer(&out);
        out = pass_to_its_end(rig, picture_on_gpu(allocator, n));
    }
    fail_unless_equals_uint64(counter(rig, "inferred"), FRAMES);
    fail_unless_equals_uint64(counter(rig, "frames-waited"), 0);
    return out;
}

GST_START_TEST(pictures_stay_on_the_gpu)
{
    Rig rig = rig_caps("ssinfer backend=dummy model-options=cuda=1 align=hold", GPU_CAPS);
    GstBuffer *out = run(&rig);

    fail_unless_equals_int(copies, 0);
    fail_unless_equals_int(on_gpu, FRAMES);
    fail_unless_equals_uint64(counter(&rig, "fetched"), 0);
    fail_unless_equals_int(count_objects(out), 1);
    gst_buffer_unref(out);
    rig_free(&rig);
}
GST_END_TEST;

/** For a network that cannot read them there each is copied once, by the worker; and it sees what is in it.
 */
GST_START_TEST(pictures_are_fetched)
{
    Rig rig = rig_caps("ssinfer backend=dummy model-options=follow=1 align=hold", GPU_CAPS);
    GstBuffer *out = run(&rig);
    const GstVideoRegionOfInterestMeta *object = nth_object(out, 0);

    fail_unless_equals_int(copies, FRAMES);
    fail_unless_equals_uint64(counter(&rig, "fetched"), FRAMES);
    fail_unless(ABS((int)object->x - (8 + FRAMES - 2)) <= 1 && ABS((int)object->y - 16) <= 1);
    gst_buffer_unref(out);
    rig_free(&rig);
}
GST_END_TEST;

/** Boxes move with the picture, of which no pixel but the small picture's comes here. */
GST_START_TEST(boxes_are_carried)
{
    Rig rig = rig_caps("ssinfer backend=dummy model-options=cuda=1 motion-budget=1000000", GPU_CAPS);
    GstBuffer *out = run(&rig);
    const GstStructure *params = param_of(nth_object(out, 0), "sidestream");

    fail_unless_equals_int(copies, 0);
    fail_unless_equals_uint64(counter(&rig, "unseen"), 0);
    fail_unless_equals_string(gst_structure_get_string(params, "state"), "tracked");
    gst_buffer_unref(out);
    rig_free(&rig);
}
GST_END_TEST;

static gboolean asked(const Rig *rig, const char *type)
{
    GstQuery *query = gst_query_new_context(type);
    GstPad *sink = gst_element_get_static_pad(rig->infer, "sink");
    const gboolean answered = gst_pad_query(sink, query);

    gst_object_unref(sink);
    gst_query_unref(query);
    return answered;
}

/** The decoder is to work in the network's context; all of a GPU in one. And what GStreamer has put on a
 * stream is waited for. */
GST_START_TEST(contexts_are_shared)
{
    Rig rig = rig_caps("ssinfer backend=dummy model-options=cuda=1 align=hold device=cuda:0", GPU_CAPS);

    *fake = (FakeGstCuda) { 0 };
    fail_if(asked(&rig, "gst.gl.GLDisplay"));
    fail_unless_equals_int(fake->answers, 0);
    for (int i = 1; i <= 3; i++) {
        fail_unless(asked(&rig, "gst.cuda.context"));
        fail_unless_equals_int(fake->answers, i);
        fail_unless_equals_int(fake->wrapped, 1);
        fail_unless_equals_int(fake->device, 0);
    }
    gst_buffer_unref(run(&rig));
    fail_unless_equals_int(fake->syncs, FRAMES);
    rig_free(&rig);
}
GST_END_TEST;

static GstPadProbeReturn no_answer(GstPad *pad, GstPadProbeInfo *info, gpointer unused)
{
    (void)pad, (void)unused;
    return GST_QUERY_TYPE(GST_PAD_PROBE_INFO_QUERY(info)) == GST_QUERY_ALLOCATION ? GST_PAD_PROBE_DROP
                                                                                  : GST_PAD_PROBE_OK;
}

static GstPadProbeReturn offer_a_pool(GstPad *pad, GstPadProbeInfo *info, gpointer unused)
{
    GstQuery *query = GST_PAD_PROBE_INFO_QUERY(info);

    (void)pad, (void)unused;
    if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION)
        return GST_PAD_PROBE_OK;
    g_autoptr(GstBufferPool) pool = gst_buffer_pool_new();
    gst_query_add_allocation_pool(query, pool, 4096, 3, 0);
    return GST_PAD_PROBE_HANDLED;
}

/** The memory that is offered, if any, and how many buffers are asked for, where downstream has memory of its
 * own or answers as the probe does. */
static GstAllocator *offered_beside(const char *launch, const char *caps_text, guint *least,
                                    GstAllocator *theirs, GstPadProbeCallback answer)
{
    Rig rig = rig_caps(launch, caps_text);
    const GstAllocationParams params = { .align = 15 };
    GstAllocator *allocator = NULL;
    GstAllocationParams ours = params;

    gst_harness_set_propose_allocator(rig.h, theirs ? gst_object_ref(theirs) : NULL, &params);
    if (answer)
        gst_pad_add_probe(rig.h->sinkpad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, answer, NULL, NULL);
    g_autoptr(GstCaps) caps = gst_caps_from_string(caps_text);
    g_autoptr(GstQuery) query = gst_query_new_allocation(caps, TRUE);
    fail_unless(gst_pad_peer_query(rig.h->srcpad, query));
    gst_query_parse_nth_allocation_pool(query, 0, NULL, NULL, least, NULL);
    if (gst_query_get_n_allocation_params(query) > 0)
        gst_query_parse_nth_allocation_param(query, 0, &allocator, &ours);
    fail_unless(!allocator || ours.align == (answer ? 0 : 15));
    rig_free(&rig);
    return allocator;
}

static GstAllocator *offered(const char *launch, const char *caps_text, guint *least)
{
    return offered_beside(launch, caps_text, least, NULL, NULL);
}

/** Memory that a GPU can read where it is comes with the network that may run there. */
GST_START_TEST(memory_is_offered)
{
    const char *gpu = "ssinfer backend=onnxruntime model=/dev/null device=tensorrt-rtx batch=4";
    GstAllocationParams params = { .align = 127,
                                   .prefix = 5,
                                   .padding = 3,
                                   .flags = (GstMemoryFlags)(GST_MEMORY_FLAG_ZERO_PREFIXED |
                                                             GST_MEMORY_FLAG_ZERO_PADDED) };
    g_autoptr(GstAllocator) theirs = gst_allocator_find(NULL);
    guint n;

    fail_if(offered("ssinfer backend=dummy batch=4", CAPS, &n));
    fail_unless_equals_int(n, 2);
    fail_if(offered("ssinfer backend=onnxruntime model=/dev/null device=CPU", CAPS, &n));
    fail_if(offered(gpu, GPU_CAPS, &n));
    g_autoptr(GstAllocator) allocator = offered(gpu, CAPS, &n);
    fail_unless(allocator != NULL);
    fail_unless_equals_int(n, 2 + 8);
    g_autoptr(GstAllocator) alone = offered_beside(gpu, CAPS, &n, NULL, no_answer);
    fail_unless(alone != NULL);
    fail_unless_equals_int(n, 2 + 8);
    g_autoptr(GstAllocator) many =
        offered("ssinfer backend=onnxruntime model=/dev/null device=cuda batch=3 workers=4", CAPS, &n);
    fail_unless(many != NULL);
    fail_unless_equals_int(n, 5 + 12);
    g_autoptr(GstAllocator) kept = offered_beside(gpu, CAPS, &n, theirs, NULL);
    fail_unless(kept == theirs);
    fail_unless_equals_int(n, 2);
    fail_if(offered_beside(gpu, CAPS, &n, NULL, offer_a_pool));
    fail_unless_equals_int(n, 3 + 2);

    GstMemory *memory = gst_allocator_alloc(allocator, 1000, &params);
    GstMapInfo map;
    fail_unless(gst_memory_map(memory, &map, GST_MAP_READWRITE));
    fail_unless_equals_int(map.size, 1000);
    fail_unless_equals_uint64((guintptr)map.data % 128, 0);
    fail_unless(map.data[-1] == 0 && map.data[-128] == 0 && map.data[1000] == 0 && map.data[1002] == 0);
    memset(map.data, 1, map.size);
    gst_memory_unmap(memory, &map);
    gst_memory_unref(memory);
}
GST_END_TEST;

/** There is no such GPU: the decoder makes a context of its own. */
GST_START_TEST(no_context_to_share)
{
    Rig rig = rig_caps("ssinfer backend=dummy device=cuda:3", GPU_CAPS);

    *fake = (FakeGstCuda) { 0 };
    fail_if(asked(&rig, "gst.cuda.context"));
    fail_unless_equals_int(fake->answers, 0);
    rig_free(&rig);
}
GST_END_TEST;

int main(int argc, char **argv)
{
    TCase *tc = tcase_create("gpu");

    void *library = dlopen("libgstcuda-1.0.so.0", RTLD_NOW);

    g_assert(library);
    fake = dlsym(library, "fake_gst_cuda");
    g_assert(fake);
    if (!ss_memory_supported(SS_MEMORY_CUDA))
        return 77; /* built without its kernels */
    tcase_add_test(tc, pictures_stay_on_the_gpu);
    tcase_add_test(tc, pictures_are_fetched);
    tcase_add_test(tc, boxes_are_carried);
    tcase_add_test(tc, contexts_are_shared);
    tcase_add_test(tc, no_context_to_share);
    tcase_add_test(tc, memory_is_offered);
    return run_tests(tc, argc, argv);
}
