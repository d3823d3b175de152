/* SPDX-License-Identifier: Apache-2.0 */
/** Pictures in NVMM memory, by stand-ins for NVIDIA's surfaces (nvmm/nvbufsurface.h) and its driver. */
#include "gst/nvmm.h"

#include <dlfcn.h>
#include <nvbufsurface.h>

#include "cuda/egl.h"
#include "fake_cuda.h"
#include "rig.h"
#include "sidestream/frame.h"

#define NVMM_CAPS "video/x-raw(memory:NVMM),format=NV12,width=64,height=48,framerate=25/1"

enum { FRAMES = 10, POOL = 3, PITCH = 96, CHROMA_PITCH = 128 };

static FakeCuda *cuda;

/* --- the surfaces --- */

typedef struct Surface {
    GstMemory parent;
    NvBufSurface surface; /* what the buffer holds */
    NvBufSurfaceParams params;
    FakeEglImage image;
    guint8 pixels[(PITCH + CHROMA_PITCH / 2) * HEIGHT];
} Surface;

static gint egl_maps, maps, syncs; /* that are under way; that were */

static Surface *whole(NvBufSurface *surface)
{
    return (Surface *)((guint8 *)surface - offsetof(Surface, surface));
}

int NvBufSurfaceMapEglImage(NvBufSurface *surface, int index)
{
    fail_unless_equals_int(index, 0);
    surface->surfaceList[0].mappedAddr.eglImage = &whole(surface)->image;
    g_atomic_int_inc(&egl_maps);
    return 0;
}

int NvBufSurfaceUnMapEglImage(NvBufSurface *surface, int index)
{
    fail_unless_equals_int(index, 0);
    surface->surfaceList[0].mappedAddr.eglImage = NULL;
    g_atomic_int_add(&egl_maps, -1);
    return 0;
}

int NvBufSurfaceMap(NvBufSurface *surface, int index, int plane, NvBufSurfaceMemMapFlags type)
{
    NvBufSurfaceParams *p = &surface->surfaceList[0];

    fail_unless(index == 0 && plane == -1 && type == NVBUF_MAP_READ);
    for (guint i = 0; i < 2; i++)
        p->mappedAddr.addr[i] = whole(surface)->pixels + p->planeParams.offset[i];
    g_atomic_int_inc(&maps);
    return 0;
}

int NvBufSurfaceUnMap(NvBufSurface *surface, int index, int plane)
{
    fail_unless(index == 0 && plane == -1);
    memset(surface->surfaceList[0].mappedAddr.addr, 0, sizeof surface->surfaceList[0].mappedAddr.addr);
    g_atomic_int_add(&maps, -1);
    return 0;
}

int NvBufSurfaceSyncForCpu(NvBufSurface *surface, int index, int plane)
{
    fail_unless(index == 0 && plane == -1 && surface->surfaceList[0].mappedAddr.addr[0]);
    g_atomic_int_inc(&syncs);
    return 0;
}

static gpointer surface_map(GstMemory *memory, GstMapInfo *info, gsize size)
{
    (void)info, (void)size;
    return &((Surface *)memory)->surface;
}

static void surface_free(GstMemory *memory)
{
    g_free(memory);
}

static GstMemory *surface_new(GstAllocator *allocator, NvBufSurfaceMemType type)
{
    Surface *s = g_new0(Surface, 1);

    s->params = (NvBufSurfaceParams) {
        .width = WIDTH,
        .height = HEIGHT,
        .planeParams = { .num_planes = 2, .pitch = { PITCH, CHROMA_PITCH }, .offset = { 0, PITCH * HEIGHT } },
        .dataPtr = type == NVBUF_MEM_SURFACE_ARRAY ? NULL : s->pixels,
    };
    s->surface = (NvBufSurface) { 1, 1, type, &s->params };
    s->image = (FakeEglImage) { { s->pixels, s->pixels + PITCH * HEIGHT }, SS_CU_EGL_PITCH };
    /* nvv4l2decoder's say more than the surface has. */
    gst_memory_init(GST_MEMORY_CAST(s), 0, allocator, NULL, sizeof s->surface + 8, 0, 0,
                    sizeof s->surface + 8);
    return GST_MEMORY_CAST(s);
}

/** The n-th picture: dark, but for a square of 8 pixels that moves. */
static GstBuffer *picture_in(GstMemory *memory, guint n)
{
    Surface *s = (Surface *)memory;

    memset(s->pixels, 16, PITCH * HEIGHT);
    memset(s->pixels + PITCH * HEIGHT, 128, sizeof s->pixels - PITCH * HEIGHT);
    for (guint y = 16; y < 24; y++)
        memset(s->pixels + y * PITCH + 8 + n, 235, 8);
    return frame_in(gst_memory_ref(memory), n);
}

/* --- */

typedef struct Run {
    GstMemory *pool[POOL];
    Rig rig;
    GstBuffer *out; /* the last, with the objects of the one before */
} Run;

static Run run_begin(const char *launch, NvBufSurfaceMemType type)
{
    g_autoptr(GstAllocator) allocator = allocator_new("somebody's", surface_map, surface_free);
    Run run = { .rig = rig_caps(launch, NVMM_CAPS) };

    for (guint i = 0; i < POOL; i++)
        run.pool[i] = surface_new(allocator, type);
    egl_maps = maps = syncs = 0;
    cuda->fail_at = cuda->registered = 0;
    await_state(&run.rig, "running");
    return run;
}

/** FRAMES pictures of a pool, each of which has its fate before the next comes. */
static void run_frames(Run *run)
{
    for (guint n = 0; n < FRAMES; n++) {
        gst_clear_buffer(&run->out);
        run->out = pass_to_its_end(&run->rig, picture_in(run->pool[n % POOL], n));
    }
    fail_unless_equals_uint64(counter(&run->rig, "frames-waited"), 0);
}

/** Nothing stays mapped, or known to CUDA, longer than the memory lives. */
static void run_end(Run *run)
{
    gst_clear_buffer(&run->out);
    rig_free(&run->rig);
    for (guint i = 0; i < POOL; i++)
        gst_memory_unref(run->pool[i]);
    fail_unless_equals_int(cuda->images, 0);
    fail_unless_equals_int(cuda->current, 0);
    fail_unless_equals_int(egl_maps, 0);
    fail_unless_equals_int(maps, 0);
}

/** Made known to CUDA once a surface, not once a frame; and boxes move with what is in them. */
GST_START_TEST(surfaces_stay_on_the_gpu)
{
    Run run = run_begin("ssinfer backend=dummy model-options=cuda=1 motion-budget=1000000",
                        NVBUF_MEM_SURFACE_ARRAY);

    run_frames(&run);
    fail_unless_equals_uint64(counter(&run.rig, "inferred"), FRAMES);
    fail_unless_equals_uint64(counter(&run.rig, "fetched"), 0);
    fail_unless_equals_uint64(counter(&run.rig, "unseen"), 0);
    fail_unless_equals_int(cuda->images, POOL);
    fail_unless_equals_int(cuda->registered, POOL);
    fail_unless_equals_int(egl_maps, POOL);
    fail_unless_equals_int(syncs, 0);
    fail_unless_equals_string(
        gst_structure_get_string(param_of(nth_object(run.out, 0), "sidestream"), "state"), "tracked");
    run_end(&run);
}
GST_END_TEST;

static void check_rows(const guint8 *at, int stride, const guint8 *want, int want_stride, int rows)
{
    for (int y = 0; y < rows; y++)
        fail_unless(memcmp(at + y * stride, want + y * want_stride, WIDTH) == 0);
}

/** Both planes, where and as far apart as the surface says; and as one finds them in the copy. */
static void find_planes(NvBufSurfaceMemType type)
{
    g_autoptr(GstAllocator) allocator = allocator_new("somebody's", surface_map, surface_free);
    GstMemory *memory = surface_new(allocator, type);
    GstBuffer *buffer = picture_in(memory, 0);
    guint8 *luma = ((Surface *)memory)->pixels, *chroma = luma + PITCH * HEIGHT;
    GstVideoFrame there, here;
    GstVideoInfo info;

    for (guint i = 0; i < sizeof((Surface *)memory)->pixels; i++)
        luma[i] = (guint8)(i * 7 + i / 251);
    gst_video_info_set_format(&info, GST_VIDEO_FORMAT_NV12, WIDTH, HEIGHT);
    fail_unless(ss_nvmm_map(&there, buffer, &info, 0));
    fail_unless_equals_int(GST_MINI_OBJECT_REFCOUNT_VALUE(buffer), 2);
    fail_unless(there.data[0] == (gpointer)luma && there.data[1] == (gpointer)chroma);
    fail_unless(there.info.stride[0] == PITCH && there.info.stride[1] == CHROMA_PITCH);
    fail_unless(ss_nvmm_fetch(&here, &there));
    check_rows(here.data[0], here.info.stride[0], luma, PITCH, HEIGHT);
    check_rows(here.data[1], here.info.stride[1], chroma, CHROMA_PITCH, HEIGHT / 2);
    gst_video_frame_unmap(&here);
    gst_video_frame_unmap(&there);
    fail_unless_equals_int(GST_MINI_OBJECT_REFCOUNT_VALUE(buffer), 1);
    gst_buffer_unref(buffer);
    gst_memory_unref(memory);
}

GST_START_TEST(planes_are_found)
{
    find_planes(NVBUF_MEM_SURFACE_ARRAY);
    find_planes(NVBUF_MEM_CUDA_DEVICE);
}
GST_END_TEST;

static void sees_the_square(NvBufSurfaceMemType type)
{
    Run run = run_begin("ssinfer backend=dummy model-options=follow=1 align=hold", type);

    run_frames(&run);
    const GstVideoRegionOfInterestMeta *object = nth_object(run.out, 0);
    fail_unless_equals_uint64(counter(&run.rig, "inferred"), FRAMES);
    fail_unless_equals_uint64(counter(&run.rig, "fetched"), FRAMES);
    fail_unless_equals_int(syncs, type == NVBUF_MEM_SURFACE_ARRAY ? FRAMES : 0);
    fail_unless(ABS((int)object->x - (8 + FRAMES - 2)) <= 1 && ABS((int)object->y - 16) <= 1);
    run_end(&run);
}

/** For a network that cannot read them there each is copied once, by the worker. */
GST_START_TEST(surfaces_are_fetched)
{
    sees_the_square(NVBUF_MEM_SURFACE_ARRAY);
    sees_the_square(NVBUF_MEM_CUDA_DEVICE);
}
GST_END_TEST;

/** On other GPUs a surface is an address, which CUDA knows. */
GST_START_TEST(addresses_are_taken)
{
    static const NvBufSurfaceMemType types[] = { NVBUF_MEM_CUDA_DEVICE, NVBUF_MEM_CUDA_PINNED,
                                                 NVBUF_MEM_CUDA_UNIFIED };

    for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
        Run run = run_begin("ssinfer backend=dummy model-options=cuda=1 motion-budget=1000000", types[i]);

        run_frames(&run);
        fail_unless_equals_uint64(counter(&run.rig, "inferred"), FRAMES);
        fail_unless_equals_uint64(counter(&run.rig, "fetched") + counter(&run.rig, "unseen"), 0);
        fail_unless_equals_int(egl_maps, 0);
        run_end(&run);
    }
}
GST_END_TEST;

typedef void (*Spoil)(Surface *s);

static void no_surface(Surface *s)
{
    s->parent.size = sizeof s->surface - 1;
}

static void tiles(Surface *s)
{
    s->image.type = SS_CU_EGL_ARRAY;
}

static void batch(Surface *s)
{
    s->surface.numFilled = s->surface.batchSize = 2;
}

static void small(Surface *s)
{
    s->params.height = HEIGHT - 2;
}

static void few_planes(Surface *s)
{
    s->params.planeParams.num_planes = 1;
}

static void one_plane(Surface *s)
{
    s->image.plane[1] = NULL;
}

static void unknown(Surface *s)
{
    s->surface.memType = NVBUF_MEM_HANDLE;
}

/* The driver refuses: the test before it asks for the image, the one after it for its planes. */
static void no_memory(Surface *s)
{
    (void)s;
    cuda->fail_at = cuda->calls + 1;
}

static void no_planes(Surface *s)
{
    (void)s;
    cuda->fail_at = cuda->calls + 2;
}

/** The network does not get them; the video goes on. */
GST_START_TEST(others_pass_by)
{
    static const Spoil spoils[] = { no_surface, tiles,   batch,     small,    few_planes,
                                    one_plane,  unknown, no_memory, no_planes };

    for (guint k = 0; k < G_N_ELEMENTS(spoils); k++) {
        Run run = run_begin("ssinfer backend=dummy model-options=cuda=1 align=hold", NVBUF_MEM_SURFACE_ARRAY);
        GstBuffer *in = picture_in(run.pool[0], 0);

        spoils[k]((Surface *)run.pool[0]);
        run.out = pass(&run.rig, in);
        fail_unless(gst_buffer_peek_memory(run.out, 0) == run.pool[0]);
        fail_unless_equals_uint64(counter(&run.rig, "offered"), 0);
        run_end(&run);
    }
}
GST_END_TEST;

int main(int argc, char **argv)
{
    TCase *tc = tcase_create("nvmm");
    void *driver = dlopen("libcuda.so.1", RTLD_NOW);

    g_assert(driver);
    cuda = dlsym(driver, "fake_cuda");
    g_assert(cuda);
    tcase_add_test(tc, surfaces_stay_on_the_gpu);
    tcase_add_test(tc, planes_are_found);
    tcase_add_test(tc, surfaces_are_fetched);
    tcase_add_test(tc, addresses_are_taken);
    tcase_add_test(tc, others_pass_by);
    return run_tests(tc, argc, argv);
}
