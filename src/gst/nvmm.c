/* SPDX-License-Identifier: Apache-2.0 */
#include "nvmm.h"

#include <nvbufsurface.h>

#include "bridge.h"
#include "copy.h"
#include "cuda/egl.h"

#define GST_CAT_DEFAULT ss_infer_debug

gboolean ss_nvmm_supported(void)
{
    return ss_memory_supported(SS_MEMORY_CUDA);
}

static gboolean refuse(const char *why)
{
    static gint told;

    if (g_atomic_int_compare_and_exchange(&told, 0, 1))
        GST_WARNING("a picture in NVMM memory cannot be read: %s", why);
    return FALSE;
}

/* --- the GPU --- */

typedef struct Gpu {
    const SsCuda *cu;
    const SsCudaEgl *egl;
    SsCuContext context; /* retained for good */
} Gpu;

static gpointer open_gpu(gpointer unused)
{
    static Gpu gpu;
    int device;

    (void)unused;
    gpu.cu = ss_cuda(&ss_gst_log_aside);
    gpu.egl = gpu.cu ? ss_cuda_egl(&ss_gst_log_aside) : NULL;
    if (!gpu.egl || ss_cuda_retain(gpu.cu, 0, &device, &gpu.context, &ss_gst_log_aside) < 0)
        return NULL;
    return &gpu;
}

/** A Jetson has one. NULL: its driver cannot be used. */
static const Gpu *the_gpu(void)
{
    static GOnce once = G_ONCE_INIT;

    return g_once(&once, open_gpu, NULL);
}

static gboolean enter(const Gpu *gpu)
{
    return ss_cuda_enter(gpu->cu, gpu->context, &ss_gst_log_aside) == 0;
}

/* --- surfaces that CUDA knows: they stay with their memory, which a pool uses again and again --- */

typedef struct Known {
    NvBufSurface *surface;
    SsCuResource resource;
    SsCuEglFrame frame;
} Known;

static void forget(gpointer data)
{
    Known *known = data;
    const Gpu *gpu = the_gpu();

    if (enter(gpu)) {
        (void)gpu->egl->GraphicsUnregisterResource(known->resource);
        ss_cuda_leave(gpu->cu);
    }
    NvBufSurfaceUnMapEglImage(known->surface, 0);
    g_free(known);
}

static gboolean register_image(const Gpu *gpu, Known *known)
{
    void *image = known->surface->surfaceList[0].mappedAddr.eglImage;

    if (gpu->egl->GraphicsEGLRegisterImage(&known->resource, image, SS_CU_READ_ONLY) != 0)
        return FALSE;
    if (gpu->egl->GraphicsResourceGetMappedEglFrame(&known->frame, known->resource, 0, 0) == 0)
        return TRUE;
    (void)gpu->egl->GraphicsUnregisterResource(known->resource);
    return FALSE;
}

static Known *get_known(GstMemory *memory, NvBufSurface *surface)
{
    const GQuark key = g_quark_from_static_string("sidestream-known-to-cuda");
    Known *known = gst_mini_object_get_qdata(GST_MINI_OBJECT_CAST(memory), key);
    const Gpu *gpu = the_gpu();
    gboolean done = FALSE;

    if (known && known->surface == surface)
        return known;
    if (!gpu || NvBufSurfaceMapEglImage(surface, 0) != 0)
        return NULL;
    known = g_new0(Known, 1);
    known->surface = surface;
    if (enter(gpu)) {
        done = register_image(gpu, known);
        ss_cuda_leave(gpu->cu);
    }
    if (!done) {
        NvBufSurfaceUnMapEglImage(surface, 0);
        g_free(known);
        return NULL;
    }
    gst_mini_object_set_qdata(GST_MINI_OBJECT_CAST(memory), key, known, forget);
    return known;
}

/* --- pictures --- */

static NvBufSurface *surface_of(const GstVideoFrame *picture)
{
    return (NvBufSurface *)picture->map[0].data;
}

static gboolean is_address(NvBufSurfaceMemType type)
{
    return type == NVBUF_MEM_CUDA_DEVICE || type == NVBUF_MEM_CUDA_PINNED || type == NVBUF_MEM_CUDA_UNIFIED;
}

static gboolean set_plane(GstVideoFrame *picture, guint i, gpointer data)
{
    const NvBufSurfacePlaneParams *planes = &surface_of(picture)->surfaceList[0].planeParams;

    picture->data[i] = data;
    picture->info.stride[i] = (gint)planes->pitch[i];
    return data != NULL;
}

static gboolean find_rows(GstVideoFrame *picture)
{
    const Known *known = get_known(gst_buffer_peek_memory(picture->buffer, 0), surface_of(picture));

    if (!known)
        return refuse("the driver does not take its EGL image");
    if (known->frame.type != SS_CU_EGL_PITCH)
        return refuse("it lies in tiles, not in rows; put nvvidconv before ssinfer");
    for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES(picture); i++)
        if (i >= SS_CU_EGL_PLANES || !set_plane(picture, i, known->frame.plane[i]))
            return refuse("it has fewer planes than its caps say");
    return TRUE;
}

static gboolean find_planes(GstVideoFrame *picture)
{
    const NvBufSurface *surface = surface_of(picture);
    const guint n = GST_VIDEO_FRAME_N_PLANES(picture);

    if (picture->map[0].size < sizeof(NvBufSurface))
        return refuse("its buffer holds no surface");
    if (!surface->surfaceList || surface->numFilled != 1)
        return refuse("it is one of a batch; put ssinfer before the muxer");
    const NvBufSurfaceParams *p = &surface->surfaceList[0];
    if (p->width < (guint)GST_VIDEO_FRAME_WIDTH(picture) ||
        p->height < (guint)GST_VIDEO_FRAME_HEIGHT(picture) || p->planeParams.num_planes < n)
        return refuse("it is smaller than its caps say");
    if (surface->memType == NVBUF_MEM_SURFACE_ARRAY || surface->memType == NVBUF_MEM_DEFAULT)
        return find_rows(picture);
    if (!is_address(surface->memType) || p->layout != NVBUF_LAYOUT_PITCH)
        return refuse("it is in memory of a kind that is not known");
    for (guint i = 0; i < n; i++)
        if (!set_plane(picture, i, p->dataPtr ? (guint8 *)p->dataPtr + p->planeParams.offset[i] : NULL))
            return refuse("it has no address");
    return TRUE;
}

gboolean ss_nvmm_map(GstVideoFrame *picture, GstBuffer *buffer, const GstVideoInfo *info, guint flags)
{
    *picture = (GstVideoFrame) { .info = *info, .buffer = buffer, .id = -1 };
    if (!gst_buffer_map(buffer, &picture->map[0], (GstMapFlags)(GST_MAP_READ | flags)))
        return refuse("its buffer cannot be mapped");
    if (!(flags & GST_VIDEO_FRAME_MAP_FLAG_NO_REF))
        gst_buffer_ref(buffer);
    if (find_planes(picture))
        return TRUE;
    gst_video_frame_unmap(picture);
    return FALSE;
}

/* --- for the processor --- */

/** Memory for a copy, rows as far apart as they are there. */
static gboolean map_copy(GstVideoFrame *here, const GstVideoFrame *picture)
{
    GstVideoInfo info = picture->info;

    info.flags &= ~SS_VIDEO_FLAG_NVMM;
    info.size = 0;
    for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES(picture); i++) {
        info.offset[i] = info.size;
        info.size += ss_copy_plane_size(picture, i);
    }
    g_autoptr(GstBuffer) copy = gst_buffer_new_allocate(NULL, info.size, NULL);
    return copy && gst_video_frame_map(here, &info, copy, GST_MAP_READWRITE);
}

static gboolean copy_mapped(GstVideoFrame *here, const GstVideoFrame *picture)
{
    NvBufSurface *surface = surface_of(picture);
    GstVideoFrame mapped = *picture;

    if (NvBufSurfaceMap(surface, 0, -1, NVBUF_MAP_READ) != 0)
        return FALSE;
    for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES(picture); i++)
        mapped.data[i] = surface->surfaceList[0].mappedAddr.addr[i];
    const gboolean done = NvBufSurfaceSyncForCpu(surface, 0, -1) == 0 && ss_copy_picture(here, &mapped);
    NvBufSurfaceUnMap(surface, 0, -1);
    return done;
}

static gboolean copy_from_gpu(GstVideoFrame *here, const GstVideoFrame *picture)
{
    const Gpu *gpu = the_gpu();
    gboolean done = TRUE;

    if (!gpu || !enter(gpu))
        return FALSE;
    for (guint i = 0; done && i < GST_VIDEO_FRAME_N_PLANES(here); i++)
        done = gpu->cu->MemcpyDtoHAsync(here->data[i], (SsCuPtr)(guintptr)picture->data[i],
                                        ss_copy_plane_size(picture, i), NULL) == 0;
    done = gpu->cu->StreamSynchronize(NULL) == 0 && done;
    ss_cuda_leave(gpu->cu);
    return done;
}

gboolean ss_nvmm_fetch(GstVideoFrame *here, const GstVideoFrame *picture)
{
    if (!map_copy(here, picture))
        return FALSE;
    if (is_address(surface_of(picture)->memType) ? copy_from_gpu(here, picture) : copy_mapped(here, picture))
        return TRUE;
    gst_video_frame_unmap(here);
    return FALSE;
}
