/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_cuda.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda/driver.h"
#include "cuda/egl.h"
#include "cuda/kernels.h"
#include "cuda/pixel.h"
#include "cuda/shrink_job.h"
#include "internal.h"

enum { OUT_OF_MEMORY = 2, INVALID_VALUE = 1, INVALID_CONTEXT = 201, MAX_OPS = 64 };

struct CUevent_st {
    int done_by; /* so many operations, counted from the first */
};

struct CUfunc_st {
    char name[64];
};

struct CUmod_st {
    struct CUfunc_st function[SS_N_KINDS];
    int n;
};

typedef struct Op {
    void *dst; /* a copy, or NULL: a kernel */
    const void *src;
    size_t bytes;
    SsCuFunction function;
    union {
        SsPixelJob pixel;
        SsShrinkJob shrink;
    } job;
} Op;

SS_API FakeCuda fake_cuda;

static Op ops[MAX_OPS];
static int n_ops, n_done;

/* The return value of a call that needs a context and may fail. */
static int call(void)
{
    if (fake_cuda.current == 0)
        return INVALID_CONTEXT;
    return ++fake_cuda.calls == fake_cuda.fail_at ? OUT_OF_MEMORY : 0;
}

static void put(const SsPixelJob *job, const char *name, int x, int y, const float v[3])
{
    bool nhwc = strstr(name, "_nhwc") != NULL;
    size_t pixel = (size_t)y * (size_t)job->width + (size_t)x,
           plane = (size_t)job->width * (size_t)job->height;

    for (size_t k = 0; k < 3; k++) {
        size_t channel = (size_t)ss_pixel_channel(job, (int)k);
        size_t at = nhwc ? 3 * pixel + channel : pixel + channel * plane;

        if (strstr(name, "_f32_"))
            ((float *)job->dst)[at] = v[k];
        else if (strstr(name, "_f16_"))
            ((uint16_t *)job->dst)[at] = ss_pixel_half(v[k]);
        else
            ((uint8_t *)job->dst)[at] = ss_pixel_byte(v[k]);
    }
}

static void run_kernel(const SsPixelJob *job, const char *name)
{
    for (int y = 0; y < job->height; y++) {
        bool bar = y < job->y || y >= job->y + job->h;
        SsPixelRow row = { .top = { NULL } };

        if (!bar)
            row = ss_pixel_row(job, job->kind, (uint32_t)(y - job->y));
        for (int x = 0; x < job->width; x++) {
            float v[3] = { ss_pixel_bar(job, 0), ss_pixel_bar(job, 1), ss_pixel_bar(job, 2) };

            if (!bar && x >= job->x && x < job->x + job->w) {
                SsPixelTap taps[2] = { ss_pixel_column(job, job->kind, 0, x),
                                       ss_pixel_column(job, job->kind, 1, x) };

                ss_pixel_elements(job, job->kind, &row, taps, v);
            }
            put(job, name, x, y, v);
        }
    }
}

static bool shrinks(const char *name)
{
    return strcmp(name, "ss_shrink") == 0;
}

static void run_shrink(const SsShrinkJob *job)
{
    for (int y = 0; y < job->height; y++)
        for (int x = 0; x < job->width; x++)
            job->to[y * job->width + x] = ss_shrink_pixel(job, x, y);
}

static void work_until(int n)
{
    fake_cuda.waits += n_done < n;
    for (; n_done < n; n_done++) {
        Op *op = &ops[n_done % MAX_OPS];

        if (op->dst)
            memcpy(op->dst, op->src, op->bytes);
        else if (shrinks(op->function->name))
            run_shrink(&op->job.shrink);
        else
            run_kernel(&op->job.pixel, op->function->name);
    }
}

static int queue(Op op)
{
    int err = call();

    if (err)
        return err;
    if (n_ops - n_done == MAX_OPS)
        abort();
    ops[n_ops++ % MAX_OPS] = op;
    return 0;
}

SS_API int cuInit(unsigned flags);
int cuInit(unsigned flags)
{
    return flags == 0 ? 0 : INVALID_VALUE;
}

SS_API int cuDriverGetVersion(int *version);
int cuDriverGetVersion(int *version)
{
    const char *text = getenv("SS_FAKE_CUDA_VERSION");

    *version = text ? atoi(text) : 13000;
    return 0;
}

SS_API int cuGetErrorString(int result, const char **text);
int cuGetErrorString(int result, const char **text)
{
    *text = result == OUT_OF_MEMORY ? "out of memory" : "invalid";
    return 0;
}

SS_API int cuDeviceGetCount(int *count);
int cuDeviceGetCount(int *count)
{
    *count = 1;
    return 0;
}

SS_API int cuDeviceGet(int *device, int ordinal);
int cuDeviceGet(int *device, int ordinal)
{
    *device = ordinal;
    return ordinal == 0 ? 0 : INVALID_VALUE;
}

SS_API int cuDeviceGetName(char *name, int size, int device);
int cuDeviceGetName(char *name, int size, int device)
{
    snprintf(name, (size_t)size, "fake %d", device);
    return 0;
}

SS_API int cuDeviceGetAttribute(int *value, int attribute, int device);
int cuDeviceGetAttribute(int *value, int attribute, int device)
{
    *value = attribute == SS_CU_HOST_POINTERS ? !fake_cuda.other_addresses : attribute + device;
    return 0;
}

SS_API int cuDevicePrimaryCtxRetain(SsCuContext *ctx, int device);
int cuDevicePrimaryCtxRetain(SsCuContext *ctx, int device)
{
    if (++fake_cuda.calls == fake_cuda.fail_at)
        return OUT_OF_MEMORY;
    fake_cuda.live++;
    *ctx = (SsCuContext)(void *)&ops[device];
    return 0;
}

SS_API int cuDevicePrimaryCtxRelease_v2(int device);
int cuDevicePrimaryCtxRelease_v2(int device)
{
    fake_cuda.live--;
    return device;
}

SS_API int cuCtxPushCurrent_v2(SsCuContext ctx);
int cuCtxPushCurrent_v2(SsCuContext ctx)
{
    fake_cuda.current += ctx != NULL;
    return 0;
}

SS_API int cuCtxPopCurrent_v2(SsCuContext *ctx);
int cuCtxPopCurrent_v2(SsCuContext *ctx)
{
    *ctx = (SsCuContext)(void *)ops;
    fake_cuda.current--;
    return 0;
}

static int allocate(void **p, size_t bytes)
{
    int err = call();

    if (err)
        return err;
    *p = malloc(bytes);
    if (!*p)
        return OUT_OF_MEMORY;
    fake_cuda.live++;
    return 0;
}

static int release(void *p)
{
    if (fake_cuda.current == 0 || !p)
        return INVALID_CONTEXT;
    free(p);
    fake_cuda.live--;
    return 0;
}

SS_API int cuMemAlloc_v2(SsCuPtr *p, size_t bytes);
int cuMemAlloc_v2(SsCuPtr *p, size_t bytes)
{
    void *memory = NULL;
    int err = allocate(&memory, bytes);

    if (!err)
        *p = (SsCuPtr)(uintptr_t)memory;
    return err;
}

SS_API int cuMemFree_v2(SsCuPtr p);
int cuMemFree_v2(SsCuPtr p)
{
    return release((void *)(uintptr_t)p);
}

SS_API int cuMemHostAlloc(void **p, size_t bytes, unsigned flags);
int cuMemHostAlloc(void **p, size_t bytes, unsigned flags)
{
    return flags == 0 ? allocate(p, bytes) : INVALID_VALUE;
}

SS_API int cuMemFreeHost(void *p);
int cuMemFreeHost(void *p)
{
    return release(p);
}

SS_API int cuMemHostRegister_v2(void *p, size_t bytes, unsigned flags);
int cuMemHostRegister_v2(void *p, size_t bytes, unsigned flags)
{
    int err = call();

    if (err || (uintptr_t)p % 4096 != 0 || bytes % 4096 != 0 || flags != SS_CU_HOST_PORTABLE)
        return err ? err : INVALID_VALUE;
    fake_cuda.pinned++;
    fake_cuda.live++;
    return 0;
}

SS_API int cuMemHostUnregister(void *p);
int cuMemHostUnregister(void *p)
{
    if (fake_cuda.current == 0 || !p)
        return INVALID_CONTEXT;
    fake_cuda.pinned--;
    fake_cuda.live--;
    return 0;
}

SS_API int cuMemcpyHtoDAsync_v2(SsCuPtr dst, const void *src, size_t bytes, SsCuStream stream);
int cuMemcpyHtoDAsync_v2(SsCuPtr dst, const void *src, size_t bytes, SsCuStream stream)
{
    (void)stream;
    return queue((Op) { .dst = (void *)(uintptr_t)dst, .src = src, .bytes = bytes });
}

SS_API int cuMemcpyDtoHAsync_v2(void *dst, SsCuPtr src, size_t bytes, SsCuStream stream);
int cuMemcpyDtoHAsync_v2(void *dst, SsCuPtr src, size_t bytes, SsCuStream stream)
{
    (void)stream;
    return queue((Op) { .dst = dst, .src = (const void *)(uintptr_t)src, .bytes = bytes });
}

SS_API int cuMemcpyDtoDAsync_v2(SsCuPtr dst, SsCuPtr src, size_t bytes, SsCuStream stream);
int cuMemcpyDtoDAsync_v2(SsCuPtr dst, SsCuPtr src, size_t bytes, SsCuStream stream)
{
    return cuMemcpyHtoDAsync_v2(dst, (const void *)(uintptr_t)src, bytes, stream);
}

static struct CUctx_st *const somebody_else = (struct CUctx_st *)&n_done;

SS_API int cuPointerGetAttribute(void *value, int attribute, SsCuPtr p);
int cuPointerGetAttribute(void *value, int attribute, SsCuPtr p)
{
    SsCuContext owner = fake_cuda.foreign > 0   ? somebody_else
                        : fake_cuda.foreign < 0 ? NULL
                                                : (SsCuContext)(void *)ops;

    if (++fake_cuda.calls == fake_cuda.fail_at)
        return OUT_OF_MEMORY;
    if (attribute == SS_CU_POINTER_CONTEXT)
        memcpy(value, &owner, sizeof owner);
    else
        memcpy(value, &(int) { 0 }, sizeof(int));
    return p ? 0 : INVALID_VALUE;
}

SS_API int cuMemcpyPeerAsync(SsCuPtr dst, SsCuContext dst_ctx, SsCuPtr src, SsCuContext src_ctx, size_t bytes,
                             SsCuStream stream);
int cuMemcpyPeerAsync(SsCuPtr dst, SsCuContext dst_ctx, SsCuPtr src, SsCuContext src_ctx, size_t bytes,
                      SsCuStream stream)
{
    if (dst_ctx != (SsCuContext)(void *)ops || src_ctx != somebody_else)
        return INVALID_CONTEXT;
    fake_cuda.peers++;
    return cuMemcpyDtoDAsync_v2(dst, src, bytes, stream);
}

SS_API int cuCtxGetStreamPriorityRange(int *least, int *greatest);
int cuCtxGetStreamPriorityRange(int *least, int *greatest)
{
    *least = 0;
    *greatest = -5;
    return call();
}

SS_API int cuStreamCreate(SsCuStream *stream, unsigned flags);
int cuStreamCreate(SsCuStream *stream, unsigned flags)
{
    (void)flags;
    *stream = (SsCuStream)(void *)&ops[1];
    return call();
}

SS_API int cuStreamCreateWithPriority(SsCuStream *stream, unsigned flags, int priority);
int cuStreamCreateWithPriority(SsCuStream *stream, unsigned flags, int priority)
{
    return priority == -5 ? cuStreamCreate(stream, flags) : INVALID_VALUE;
}

SS_API int cuStreamDestroy_v2(SsCuStream stream);
int cuStreamDestroy_v2(SsCuStream stream)
{
    return stream ? 0 : INVALID_VALUE;
}

SS_API int cuStreamSynchronize(SsCuStream stream);
int cuStreamSynchronize(SsCuStream stream)
{
    (void)stream;
    work_until(n_ops);
    return 0;
}

SS_API int cuEventCreate(SsCuEvent *event, unsigned flags);
int cuEventCreate(SsCuEvent *event, unsigned flags)
{
    void *memory = NULL;
    int err = allocate(&memory, sizeof **event);

    (void)flags;
    if (!err) {
        *event = memory;
        (*event)->done_by = 0;
    }
    return err;
}

SS_API int cuEventDestroy_v2(SsCuEvent event);
int cuEventDestroy_v2(SsCuEvent event)
{
    return release(event);
}

SS_API int cuEventRecord(SsCuEvent event, SsCuStream stream);
int cuEventRecord(SsCuEvent event, SsCuStream stream)
{
    int err = call();

    (void)stream;
    if (!err)
        event->done_by = n_ops;
    return err;
}

SS_API int cuEventSynchronize(SsCuEvent event);
int cuEventSynchronize(SsCuEvent event)
{
    work_until(event->done_by);
    return call();
}

SS_API int cuEventQuery(SsCuEvent event);
int cuEventQuery(SsCuEvent event)
{
    if (n_done < event->done_by && fake_cuda.lazy)
        return SS_CU_NOT_READY;
    work_until(event->done_by);
    return call();
}

SS_API int cuEventElapsedTime(float *ms, SsCuEvent start, SsCuEvent end);
int cuEventElapsedTime(float *ms, SsCuEvent start, SsCuEvent end)
{
    *ms = (float)(end->done_by - start->done_by);
    return 0;
}

/* A resource is the image itself. */
SS_API int cuGraphicsEGLRegisterImage(SsCuResource *resource, void *image, unsigned flags);
int cuGraphicsEGLRegisterImage(SsCuResource *resource, void *image, unsigned flags)
{
    const int err = image && flags == SS_CU_READ_ONLY ? call() : INVALID_VALUE;

    if (!err) {
        *resource = image;
        fake_cuda.images++;
        fake_cuda.registered++;
    }
    return err;
}

SS_API int cuGraphicsUnregisterResource(SsCuResource resource);
int cuGraphicsUnregisterResource(SsCuResource resource)
{
    if (fake_cuda.current == 0 || !resource)
        return INVALID_CONTEXT;
    fake_cuda.images--;
    return 0;
}

SS_API int cuGraphicsResourceGetMappedEglFrame(SsCuEglFrame *frame, SsCuResource resource, unsigned index,
                                               unsigned level);
int cuGraphicsResourceGetMappedEglFrame(SsCuEglFrame *frame, SsCuResource resource, unsigned index,
                                        unsigned level)
{
    const FakeEglImage *image = (const void *)resource;
    const int err = index == 0 && level == 0 ? call() : INVALID_VALUE;

    if (!err) {
        *frame = (SsCuEglFrame) { .type = image->type };
        memcpy(frame->plane, image->plane, sizeof frame->plane);
    }
    return err;
}

SS_API int cuModuleLoadData(SsCuModule *module, const void *image);
int cuModuleLoadData(SsCuModule *module, const void *image)
{
    void *memory = NULL;
    int err = image ? allocate(&memory, sizeof **module) : INVALID_VALUE;

    if (!err) {
        *module = memory;
        (*module)->n = 0;
    }
    return err;
}

SS_API int cuModuleUnload(SsCuModule module);
int cuModuleUnload(SsCuModule module)
{
    return release(module);
}

SS_API int cuModuleGetFunction(SsCuFunction *function, SsCuModule module, const char *name);
int cuModuleGetFunction(SsCuFunction *function, SsCuModule module, const char *name)
{
    int err = call();

    if (err)
        return err;
    *function = &module->function[module->n++];
    snprintf((*function)->name, sizeof(*function)->name, "%s", name);
    return 0;
}

/* A GPU reads two and four bytes at once from multiples of that only. */
static bool aligned(const SsPixelJob *job)
{
    int plane = job->kind == SS_KIND_NV12;
    uintptr_t bits = (uintptr_t)job->plane[plane] | job->stride[plane];

    return bits % (job->kind == SS_KIND_NV12 ? 2 : job->kind == SS_KIND_32 ? 4 : 1) == 0;
}

/* The kernel for this kind of frame, threads for every column, and no block in vain. */
static bool fits(const SsPixelJob *job, const char *name, unsigned blocks_x, unsigned blocks_y)
{
    static const char *const kind[] = { "_nv12_", "_i420_", "_24_", "_32_", "_grey_" };
    int wide = SS_BLOCK_X * SS_KERNEL_PIXELS;

    return strstr(name, kind[job->kind]) && (int)blocks_x == (job->width + wide - 1) / wide &&
           blocks_y >= 1 && (int)blocks_y <= (job->height + SS_BLOCK_Y - 1) / SS_BLOCK_Y;
}

SS_API int cuLaunchKernel(SsCuFunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                          unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                          SsCuStream stream, void **args, void **extra);
int cuLaunchKernel(SsCuFunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                   unsigned block_y, unsigned block_z, unsigned shared_bytes, SsCuStream stream, void **args,
                   void **extra)
{
    const SsPixelJob *job = args[0];

    (void)stream;
    if (shrinks(function->name)) {
        const SsShrinkJob *small = args[0];

        if ((int)(grid_x * block_x) < small->width || (int)(grid_y * block_y) < small->height ||
            grid_z != 1 || block_x != SS_SHRINK_X || block_y != SS_SHRINK_Y || block_z != 1 ||
            shared_bytes != 0 || extra)
            return INVALID_VALUE;
        return queue((Op) { .function = function, .job.shrink = *small });
    }
    if (!fits(job, function->name, grid_x, grid_y) || !aligned(job) || grid_z != 1 || block_x != SS_BLOCK_X ||
        block_y != SS_BLOCK_Y || block_z != 1 || shared_bytes != 0 || extra)
        return INVALID_VALUE;
    return queue((Op) { .function = function, .job.pixel = *job });
}
