/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/preprocess.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda/job.h"
#include "cuda/kernels.h"
#include "cuda/pinned.h"
#include "internal.h"

enum {
    LINE = 128, /* planes begin at multiples of it in the staging memory: a line of the GPU's cache */
    LEAST_SLOTS = 2,
    MANY_BLOCKS =
        1024,      /* of threads fill a GPU; with more than that each does up to MOST_ROWS rows, so that */
    MOST_ROWS = 4, /* what is worked out once a column is shared */
};

/* A frame on its way to the GPU. */
typedef struct Slot {
    uint8_t *host; /* pinned, so that the copy to the device runs beside the processor; NULL: not needed */
    SsCuPtr device;
    size_t size;
    SsCuEvent read; /* the kernel has read `device`, hence the copy has read `host` */
} Slot;

struct SsCudaPreprocess {
    const SsLogger *log;
    const SsCuda *cu;
    int gpu, device;
    SsCuContext ctx;
    SsCuModule module;
    SsCuFunction kernel[SS_N_KINDS];
    SsTensor input;
    SsInputParams params;
    SsCuStream copies; /* of frames that are on the GPU already, past what is being inferred */
    SsCuEvent copied;
    Slot slot[SS_MAX_BATCH];
    int slots; /* of those in use: a batch can wait for the inference before it */
    int next;
};

/* How a frame lies in the staging memory. */
typedef struct Staging {
    size_t at[3], bytes[3], stride[3], total;
    bool paired[3]; /* as SsPixelJob.paired, by plane */
} Staging;

static int check(const SsCudaPreprocess *p, int result, const char *what)
{
    return ss_cuda_check(p->cu, result, what, p->log);
}

static int load_kernels(SsCudaPreprocess *p)
{
    static const char *const kind[] = { "nv12", "i420", "24", "32", "grey" };
    const char *dtype = p->input.dtype == SS_U8 ? "u8" : p->input.dtype == SS_F16 ? "f16" : "f32";
    const char *layout = p->input.dim[3] == 3 ? "nhwc" : "nchw";
    int err = ss_cuda_load(p->cu, &p->module, ss_cuda_preprocess_code, ss_cuda_preprocess_driver, p->log);

    for (int i = 0; i < SS_N_KINDS && !err; i++) {
        char name[64];

        snprintf(name, sizeof name, "ss_preprocess_%s_%s_%s", kind[i], dtype, layout);
        err = check(p, p->cu->ModuleGetFunction(&p->kernel[i], p->module, name), name);
    }
    return err;
}

/* Who waits for a copy on the GPU, some microseconds, had better not sleep. */
static int create_events(SsCudaPreprocess *p)
{
    unsigned flags = SS_CU_EVENT_BLOCKING_SYNC | SS_CU_EVENT_DISABLE_TIMING;
    int err =
        check(p, p->cu->StreamCreate(&p->copies, SS_CU_STREAM_NON_BLOCKING), "no stream for the frames");

    if (!err)
        err = check(p, p->cu->EventCreate(&p->copied, SS_CU_EVENT_DISABLE_TIMING), "no event for the frames");
    for (int i = 0; i < p->slots && !err; i++)
        err = check(p, p->cu->EventCreate(&p->slot[i].read, flags), "no event for the frames");
    return err;
}

/* With the context current: everything there is, in reverse. */
static void release(SsCudaPreprocess *p)
{
    const SsCuda *cu = p->cu;

    for (int i = 0; i < p->slots; i++) {
        Slot *s = &p->slot[i];

        if (!s->read)
            continue;
        cu->EventSynchronize(s->read);
        if (s->device)
            cu->MemFree(s->device);
        if (s->host)
            cu->MemFreeHost(s->host);
        cu->EventDestroy(s->read);
    }
    if (p->copied)
        cu->EventDestroy(p->copied);
    if (p->copies)
        cu->StreamDestroy(p->copies);
    if (p->module)
        cu->ModuleUnload(p->module);
}

int ss_cuda_preprocess_create(SsCudaPreprocess **out, int device, const SsTensor *input,
                              const SsInputParams *params, const SsLogger *log)
{
    const SsCuda *cu;
    SsCudaPreprocess *p;
    int err;

    *out = NULL;
    if (!ss_pixel_supported(input, params)) {
        ss_err(log, "the GPU has no way to turn a picture into the input \"%s\"", input->name);
        return -ENOTSUP;
    }
    cu = ss_cuda(log);
    if (!cu)
        return -ENOTSUP;
    p = calloc(1, sizeof(*p));
    if (!p) {
        ss_err(log, "out of memory for the GPU's pre-processing");
        return -ENOMEM;
    }
    p->log = log;
    p->cu = cu;
    ss_cuda_pinned_enter();
    p->gpu = device;
    p->input = *input;
    p->params = *params;
    p->slots = SS_MAX((int)input->dim[0], LEAST_SLOTS);
    err = ss_cuda_retain(cu, device, &p->device, &p->ctx, log);
    if (!err)
        err = ss_cuda_enter(p->cu, p->ctx, p->log);
    if (!err) {
        err = load_kernels(p);
        if (!err)
            err = create_events(p);
        ss_cuda_leave(p->cu);
    }
    if (err)
        ss_cuda_preprocess_destroy(&p);
    *out = p;
    return err;
}

void ss_cuda_preprocess_destroy(SsCudaPreprocess **preprocess)
{
    SsCudaPreprocess *p = preprocess ? *preprocess : NULL;

    if (!p)
        return;
    if (p->ctx) {
        if (p->cu->CtxPushCurrent(p->ctx) == 0) {
            release(p);
            ss_cuda_leave(p->cu);
        }
        p->cu->DevicePrimaryCtxRelease(p->device);
    }
    ss_cuda_pinned_leave();
    free(p);
    *preprocess = NULL;
}

/*
 * Of a plane that shrinks to less than half only the rows that are needed go over. Any other goes as it lies,
 * gaps included, while these are small: one copy is faster than one a row. With large gaps (a picture cut out
 * of another), or a stride that the kernel cannot read, rows move together. What is on the GPU stays as it
 * is.
 */
static Staging plan(const SsFrameDesc *f, const SsPixelJob *job)
{
    const bool host = f->memory == SS_MEMORY_HOST;
    Staging s = { .total = 0 };

    for (int i = 0; i < 3; i++) {
        size_t row = ss_pixel_row_bytes(f, i), stride = (size_t)f->stride[i];
        int rows = ss_pixel_rows(f, i);

        if (row == 0)
            continue;
        s.paired[i] = host && 2 * job->h < rows;
        if (s.paired[i])
            rows = 2 * job->h;
        if (s.paired[i] ||
            (host && (stride > row + row / 8 || stride % ss_pixel_alignment(f->format, i) != 0)))
            stride = row;
        s.at[i] = s.total;
        s.stride[i] = stride;
        s.bytes[i] = stride * (size_t)(rows - 1) + row; /* no gap follows the last row */
        s.total += (s.bytes[i] + SS_PIXEL_BEYOND + LINE - 1) / LINE * LINE;
    }
    return s;
}

static void gather_plane(const SsFrameDesc *f, const SsPixelJob *job, const Staging *s, int i, uint8_t *to)
{
    const uint8_t *from = f->plane[i];
    size_t row = ss_pixel_row_bytes(f, i), stride = (size_t)f->stride[i];

    if (s->paired[i])
        for (int y = 0; y < job->h; y++) {
            SsPixelTap t = ss_pixel_tap(&job->down[i > 0], (uint32_t)y, 1);

            memcpy(to + (size_t)(2 * y) * row, from + t.at * stride, row);
            memcpy(to + (size_t)(2 * y + 1) * row, from + (t.at + 1) * stride, row);
        }
    else if (s->stride[i] == stride)
        memcpy(to, from, s->bytes[i]);
    else
        for (int y = 0; y < ss_pixel_rows(f, i); y++)
            memcpy(to + (size_t)y * row, from + (size_t)y * stride, row);
}

/* A slot that nothing reads any more, of `size` bytes at least, here too if `host`. */
static int reserve(SsCudaPreprocess *p, Slot *s, size_t size, bool host)
{
    const SsCuda *cu = p->cu;
    void *pinned = NULL;
    int err = check(p, cu->EventSynchronize(s->read), "an earlier frame failed on the GPU");

    if (err || (s->size >= size && (s->host || !host)))
        return err;
    if (s->device)
        cu->MemFree(s->device);
    if (s->host)
        cu->MemFreeHost(s->host);
    s->device = 0;
    s->host = NULL;
    s->size = 0;
    if (host)
        err = check(p, cu->MemHostAlloc(&pinned, size, 0), "no pinned memory for a frame");
    if (err)
        return err;
    s->host = pinned;
    err = check(p, cu->MemAlloc(&s->device, size), "no memory of the GPU for a frame");
    if (err)
        return err;
    s->size = size;
    return 0;
}

static int launch(SsCudaPreprocess *p, SsPixelJob *job, SsCuStream stream)
{
    unsigned across = SS_BLOCK_X * SS_KERNEL_PIXELS;
    unsigned columns = ((unsigned)job->width + across - 1) / across;
    unsigned rows = ((unsigned)job->height + SS_BLOCK_Y - 1) / SS_BLOCK_Y;
    unsigned share = SS_MIN(SS_MAX(columns * rows / MANY_BLOCKS, 1), MOST_ROWS);
    void *args[] = { job };

    rows = (rows + share - 1) / share;
    return check(p,
                 p->cu->LaunchKernel(p->kernel[job->kind], columns, rows, 1, SS_BLOCK_X, SS_BLOCK_Y, 1, 0,
                                     stream, args, NULL),
                 "the GPU takes no frame");
}

static int prepare(SsCudaPreprocess *p, SsPixelJob *job, const SsFrameDesc *f, SsCuPtr dst, SsGeometry *g)
{
    int err = ss_pixel_job_init(job, &p->input, &p->params, f, g);

    if (err)
        ss_err(p->log, "frame of format %d, %dx%d: sizes or planes make no sense", (int)f->format, f->width,
               f->height);
    else
        ss_pixel_job_target(job, &p->input, (void *)(uintptr_t)dst);
    return err;
}

static int from_host(SsCudaPreprocess *p, const SsPixelJob *job, const SsFrameDesc *f, const Staging *s,
                     const Slot *slot, SsCuStream stream)
{
    for (int i = 0; i < 3; i++)
        if (s->bytes[i] > 0)
            gather_plane(f, job, s, i, slot->host + s->at[i]);
    return check(p, p->cu->MemcpyHtoDAsync(slot->device, slot->host, s->total, stream),
                 "a frame does not get to the GPU");
}

/* On a stream of its own, or it would wait for what is being inferred, and the decoder for its memory. */
static int from_device(SsCudaPreprocess *p, const SsFrameDesc *f, const Staging *s, const Slot *slot)
{
    int err = 0, mark;

    for (int i = 0; i < 3 && !err; i++)
        if (s->bytes[i] > 0)
            err = ss_cuda_bring(p->cu, p->ctx, slot->device + s->at[i], (SsCuPtr)(uintptr_t)f->plane[i],
                                s->bytes[i], p->copies, p->log);
    mark = check(p, p->cu->EventRecord(p->copied, p->copies), "a frame on the GPU cannot be waited for");
    if (mark)
        p->cu->StreamSynchronize(p->copies);
    else
        mark = check(p, p->cu->EventSynchronize(p->copied), "a frame cannot be copied on the GPU");
    return err ? err : mark;
}

/* What has been put on the stream is marked even when a later step failed: it still reads the slot. Where
 * it cannot be marked it is waited for. */
static int send(SsCudaPreprocess *p, SsPixelJob *job, const SsFrameDesc *f, SsCuStream stream)
{
    const bool host = f->memory == SS_MEMORY_HOST;
    Staging s = plan(f, job);
    Slot *slot = &p->slot[p->next];
    int err = reserve(p, slot, s.total, host), mark;

    if (err)
        return err;
    err = host ? from_host(p, job, f, &s, slot, stream) : from_device(p, f, &s, slot);
    for (int i = 0; i < 3; i++) {
        if (s.bytes[i] == 0)
            continue;
        job->paired[i > 0] = s.paired[i];
        job->plane[i] = (const uint8_t *)(uintptr_t)(slot->device + s.at[i]);
        job->stride[i] = (uint32_t)s.stride[i];
    }
    if (!err)
        err = launch(p, job, stream);
    mark = check(p, p->cu->EventRecord(slot->read, stream), "a frame on the GPU cannot be waited for");
    if (mark)
        p->cu->StreamSynchronize(stream);
    p->next = (p->next + 1) % p->slots;
    return err ? err : mark;
}

static bool aligned(const SsFrameDesc *f)
{
    for (int i = 0; i < 3; i++) {
        size_t unit = ss_pixel_alignment(f->format, i);

        if (((uintptr_t)f->plane[i] | (size_t)f->stride[i]) % unit != 0)
            return false;
    }
    return true;
}

static int check_aligned(const SsCudaPreprocess *p, const SsFrameDesc *f)
{
    if (aligned(f))
        return 0;
    ss_err(p->log, "frame of format %d: planes at odd addresses of the GPU", (int)f->format);
    return -EINVAL;
}

/* Can the kernel read the frame where it lies? */
static bool in_place(const SsCudaPreprocess *p, const SsFrameDesc *f)
{
    if (f->memory != SS_MEMORY_HOST || f->width < 3 || !aligned(f))
        return false;
    for (int i = 0; i < 3; i++) {
        const size_t row = ss_pixel_row_bytes(f, i), rows = (size_t)ss_pixel_rows(f, i);

        if (row > 0 && !ss_cuda_pinned_has(p->cu, p->gpu, f->plane[i],
                                           (size_t)f->stride[i] * (rows - 1) + row + SS_PIXEL_BEYOND, p->log))
            return false;
    }
    return true;
}

int ss_cuda_preprocess_convert(SsCudaPreprocess *p, const SsFrameDesc *frame, SsCuPtr dst, SsCuStream stream,
                               SsGeometry *g)
{
    SsPixelJob job;
    bool stays;
    int err = prepare(p, &job, frame, dst, g);

    if (!err && frame->memory != SS_MEMORY_HOST)
        err = check_aligned(p, frame);
    if (!err)
        err = ss_cuda_enter(p->cu, p->ctx, p->log);
    if (err)
        return err;
    stays = in_place(p, frame);
    err = stays ? launch(p, &job, stream) : send(p, &job, frame, stream);
    ss_cuda_leave(p->cu);
    return err ? err : stays;
}

int ss_cuda_preprocess_convert_device(SsCudaPreprocess *p, const SsFrameDesc *frame, SsCuPtr dst,
                                      SsCuStream stream, SsGeometry *g)
{
    SsPixelJob job;
    int err = prepare(p, &job, frame, dst, g);

    if (!err && frame->width < 3) { /* a plane of one column is read beyond: see ss_pixel_tap() */
        ss_err(p->log, "a frame %d wide is too narrow for the GPU", frame->width);
        err = -EINVAL;
    }
    if (!err)
        err = check_aligned(p, frame);
    if (!err)
        err = ss_cuda_enter(p->cu, p->ctx, p->log);
    if (err)
        return err;
    err = launch(p, &job, stream);
    ss_cuda_leave(p->cu);
    return err;
}
