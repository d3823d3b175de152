/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The picture is wanted now, while the GPU is busy with the network: so its stream goes before all others
 * (blocks of its kernel are next when others' end), and it is of the context that the network runs in, since
 * work of two contexts takes turns on a GPU, by milliseconds. What the decoder has made is in a context of
 * its own, usually, and is copied from there.
 */
#include "cuda/shrink.h"

#include <errno.h>
#include <stdlib.h>

#include "cuda/driver.h"
#include "cuda/job.h"
#include "cuda/kernels.h"
#include "cuda/shrink_job.h"
#include "internal.h"
#include "mean.h"

struct SsCudaShrink {
    const SsLogger *log;
    const SsCuda *cu;
    int device;
    SsCuContext ctx;
    SsCuModule module;
    SsCuFunction kernel;
    SsCuStream stream;
    SsCuEvent copied, done;
    SsFrameDesc like;
    size_t most;     /* bytes of the plane that are read, at the largest stride so far */
    SsCuPtr plane;   /* a copy of the frame's first */
    SsCuPtr picture; /* on the GPU */
    uint8_t *host;   /* pinned: the same here */
    SsShrinkJob job;
};

static int check(const SsCudaShrink *s, int result, const char *what)
{
    return ss_cuda_check(s->cu, result, what, s->log);
}

/* Luma, or green, which is most of it: as core/picture.c. */
static void plan(SsCudaShrink *s, int scale)
{
    const SsFrameDesc *f = &s->like;
    const int rows = ss_mean_rows(scale);
    const unsigned of = (unsigned)(scale * rows);

    s->job = (SsShrinkJob) { .step = ss_pixel_step(ss_pixel_kind(f->format), 0),
                             .width = SS_MAX(f->width / scale, 1),
                             .height = SS_MAX(f->height / scale, 1),
                             .scale = scale,
                             .rows = rows,
                             .half = ss_mean_half(of),
                             .factor = ss_mean_factor(of) };
}

static size_t first_sample(const SsCudaShrink *s, size_t stride)
{
    return (size_t)ss_mean_skip(s->job.scale) * stride + (s->job.step > 1 ? 1 : 0);
}

static size_t plane_bytes(const SsFrameDesc *f)
{
    return (size_t)f->stride[0] * (size_t)(ss_pixel_rows(f, 0) - 1) + ss_pixel_row_bytes(f, 0);
}

static size_t picture_bytes(const SsCudaShrink *s)
{
    return (size_t)s->job.width * (size_t)s->job.height;
}

/* With the context current. */
static int get_plane(SsCudaShrink *s, size_t bytes)
{
    if (bytes <= s->most)
        return 0;
    if (s->plane)
        (void)s->cu->MemFree(s->plane);
    s->plane = 0;
    s->most = 0;
    const int err = check(s, s->cu->MemAlloc(&s->plane, bytes), "no memory of the GPU for a frame");
    if (!err)
        s->most = bytes;
    return err;
}

/* With the context current. */
static int get_ready(SsCudaShrink *s)
{
    const SsCuda *cu = s->cu;
    int least, greatest, err;
    void *host = NULL;

    if ((err = ss_cuda_load(cu, &s->module, ss_cuda_shrink_code, ss_cuda_shrink_driver, s->log)) ||
        (err = check(s, cu->ModuleGetFunction(&s->kernel, s->module, "ss_shrink"), "ss_shrink")) ||
        (err = check(s, cu->CtxGetStreamPriorityRange(&least, &greatest), "the streams' priorities")) ||
        (err = check(s, cu->StreamCreateWithPriority(&s->stream, SS_CU_STREAM_NON_BLOCKING, greatest),
                     "no stream for small pictures")) ||
        (err = check(s, cu->EventCreate(&s->copied, SS_CU_EVENT_DISABLE_TIMING), "no event")) ||
        (err = check(s, cu->EventCreate(&s->done, SS_CU_EVENT_DISABLE_TIMING), "no event")) ||
        (err = get_plane(s, plane_bytes(&s->like))) ||
        (err = check(s, cu->MemAlloc(&s->picture, picture_bytes(s)), "no memory of the GPU")) ||
        (err = check(s, cu->MemHostAlloc(&host, picture_bytes(s), 0), "no pinned memory")))
        return err;
    s->host = host;
    return 0;
}

static int open_device(SsCudaShrink *s)
{
    int ordinal = 0, err;

    err = check(
        s, s->cu->PointerGetAttribute(&ordinal, SS_CU_POINTER_ORDINAL, (SsCuPtr)(uintptr_t)s->like.plane[0]),
        "the frame is in no GPU's memory");
    if (err || (err = ss_cuda_retain(s->cu, ordinal, &s->device, &s->ctx, s->log)) ||
        (err = ss_cuda_enter(s->cu, s->ctx, s->log)))
        return err;
    err = get_ready(s);
    ss_cuda_leave(s->cu);
    return err;
}

int ss_cuda_shrink_create(SsCudaShrink **out, const SsFrameDesc *like, int scale, const SsLogger *log)
{
    const SsCuda *cu = ss_cuda(log);
    SsCudaShrink *s;
    int err;

    *out = NULL;
    if (!cu)
        return -ENOTSUP;
    s = calloc(1, sizeof *s);
    if (!s) {
        ss_err(log, "out of memory for small pictures");
        return -ENOMEM;
    }
    s->log = log;
    s->cu = cu;
    s->like = *like;
    plan(s, scale);
    err = open_device(s);
    if (err)
        ss_cuda_shrink_destroy(&s);
    *out = s;
    return err;
}

bool ss_cuda_shrink_fits(const SsCudaShrink *s, const SsFrameDesc *f)
{
    return s->like.format == f->format && s->like.width == f->width && s->like.height == f->height;
}

/* Nothing of ours is used by the GPU any more, or -EAGAIN. With the context current. */
static int idle(const SsCudaShrink *s)
{
    const int result = s->cu->EventQuery(s->done);

    return result == SS_CU_NOT_READY ? -EAGAIN : check(s, result, "a small picture");
}

/* The first plane is ours when this returns, and the picture will be. With the context current. */
static int start(SsCudaShrink *s, const SsFrameDesc *f)
{
    const SsCuda *cu = s->cu;
    void *args[] = { &s->job };
    int err = get_plane(s, plane_bytes(f));

    if (err || (err = ss_cuda_bring(cu, s->ctx, s->plane, (SsCuPtr)(uintptr_t)f->plane[0], plane_bytes(f),
                                    s->stream, s->log)))
        return err;
    s->job.stride = (uint32_t)f->stride[0];
    s->job.from = (const uint8_t *)(uintptr_t)(s->plane + first_sample(s, s->job.stride));
    s->job.to = (uint8_t *)(uintptr_t)s->picture;
    err = check(s, cu->EventRecord(s->copied, s->stream), "a small picture cannot be waited for");
    if (!err)
        err = check(s,
                    cu->LaunchKernel(s->kernel, ((unsigned)s->job.width + SS_SHRINK_X - 1) / SS_SHRINK_X,
                                     ((unsigned)s->job.height + SS_SHRINK_Y - 1) / SS_SHRINK_Y, 1,
                                     SS_SHRINK_X, SS_SHRINK_Y, 1, 0, s->stream, args, NULL),
                    "the GPU takes no small picture");
    if (!err)
        err = check(s, cu->MemcpyDtoHAsync(s->host, s->picture, picture_bytes(s), s->stream),
                    "a small picture does not come from the GPU");
    if (!err)
        err = check(s, cu->EventRecord(s->done, s->stream), "a small picture cannot be waited for");
    if (err)
        (void)cu->StreamSynchronize(s->stream);
    else
        err = check(s, cu->EventSynchronize(s->copied), "a frame cannot be copied on the GPU");
    return err;
}

/* It is some ten microseconds: too short to sleep. With the context current. */
static int wait_until(const SsCudaShrink *s, int64_t deadline, int64_t (*now)(void))
{
    int err = idle(s);

    while (err == -EAGAIN && now() < deadline)
        err = idle(s);
    return err;
}

int ss_cuda_shrink(SsCudaShrink *s, const SsFrameDesc *f, int64_t deadline, int64_t (*now)(void),
                   SsFrameDesc *grey)
{
    int err = ss_cuda_enter(s->cu, s->ctx, s->log);

    if (err)
        return err;
    err = idle(s);
    if (!err)
        err = start(s, f);
    if (!err)
        err = wait_until(s, deadline, now);
    ss_cuda_leave(s->cu);
    *grey = (SsFrameDesc) { .format = SS_PIXEL_GRAY8,
                            .width = s->job.width,
                            .height = s->job.height,
                            .plane = { s->host },
                            .stride = { s->job.width },
                            .pts = f->pts };
    return err;
}

/* With the context current. */
static void release(SsCudaShrink *s)
{
    const SsCuda *cu = s->cu;

    if (s->stream)
        (void)cu->StreamSynchronize(s->stream);
    if (s->host)
        (void)cu->MemFreeHost(s->host);
    if (s->picture)
        (void)cu->MemFree(s->picture);
    if (s->plane)
        (void)cu->MemFree(s->plane);
    if (s->done)
        (void)cu->EventDestroy(s->done);
    if (s->copied)
        (void)cu->EventDestroy(s->copied);
    if (s->stream)
        (void)cu->StreamDestroy(s->stream);
    if (s->module)
        (void)cu->ModuleUnload(s->module);
}

void ss_cuda_shrink_destroy(SsCudaShrink **shrink)
{
    SsCudaShrink *s = *shrink;

    if (!s)
        return;
    if (s->ctx) {
        if (ss_cuda_enter(s->cu, s->ctx, s->log) == 0) {
            release(s);
            ss_cuda_leave(s->cu);
        }
        (void)s->cu->DevicePrimaryCtxRelease(s->device);
    }
    free(s);
    *shrink = NULL;
}
