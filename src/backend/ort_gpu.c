/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/ort_gpu.h"

#include <errno.h>
#include <stdlib.h>

#include "cuda/driver.h"
#include "cuda/preprocess.h"
#include "internal.h"

struct SsOrtGpu {
    bool works;
    const SsCuda *cu;
    int device;
    SsCuContext context;    /* the device's primary one, which the runtime uses, too */
    SsCuStream stream, own; /* the session's, or `own`, which is NULL otherwise */
    SsCuPtr tensor;
    OrtMemoryInfo *memory;
    OrtValue *value; /* on `tensor` */
    SsCudaPreprocess *preprocess;
};

void *ss_ort_gpu_stream_new(int gpu, const SsLogger *log)
{
    const SsCuda *cu = ss_cuda(NULL); /* without a driver the provider says so */
    SsCuContext context;
    SsCuStream stream = NULL;
    int device;

    if (!cu || ss_cuda_retain(cu, gpu, &device, &context, log) < 0)
        return NULL;
    if (ss_cuda_enter(cu, context, log) == 0) {
        if (ss_cuda_check(cu, cu->StreamCreate(&stream, SS_CU_STREAM_NON_BLOCKING), "a stream", log) < 0)
            stream = NULL;
        ss_cuda_leave(cu);
    }
    if (!stream)
        (void)cu->DevicePrimaryCtxRelease(device);
    return stream;
}

void ss_ort_gpu_stream_free(int gpu, void *stream)
{
    const SsCuda *cu = stream ? ss_cuda(NULL) : NULL;
    int device;

    if (!cu || cu->DeviceGet(&device, gpu) != 0)
        return;
    (void)cu->StreamDestroy(stream);
    (void)cu->DevicePrimaryCtxRelease(device);
}

static void *wake_main(void *arg)
{
    SsOrtWake *wake = arg;

    wake->stream = ss_ort_gpu_stream_new(wake->gpu, &ss_cuda_silent);
    return NULL;
}

void ss_ort_gpu_wake(SsOrtWake *wake, int gpu)
{
    *wake = (SsOrtWake) { .gpu = gpu };
    wake->started = gpu >= 0 && pthread_create(&wake->thread, NULL, wake_main, wake) == 0;
}

void ss_ort_gpu_woken(SsOrtWake *wake)
{
    if (!wake->started)
        return;
    pthread_join(wake->thread, NULL);
    ss_ort_gpu_stream_free(wake->gpu, wake->stream);
}

static int make_tensor(SsOrtGpu *gpu, const SsOrtSession *s, const SsTensor *input)
{
    const SsOrt *ort = s->ort;
    int ret = ss_cuda_enter(gpu->cu, gpu->context, s->log);

    if (ret < 0)
        return ret;
    gpu->stream = s->stream;
    if (!s->stream) {
        ret = ss_cuda_check(gpu->cu, gpu->cu->StreamCreate(&gpu->own, SS_CU_STREAM_NON_BLOCKING), "a stream",
                            s->log);
        gpu->stream = gpu->own;
    }
    if (ret == 0)
        ret = ss_cuda_check(gpu->cu, gpu->cu->MemAlloc(&gpu->tensor, input->size), "memory for the input",
                            s->log);
    ss_cuda_leave(gpu->cu);
    if (ret == 0)
        ret = ss_ort_check(
            ort, s->log,
            ort->CreateMemoryInfo("Cuda", ORT_DEVICE_ALLOCATOR, s->gpu, ORT_MEMORY_DEFAULT, &gpu->memory),
            "memory of GPU %d", s->gpu);
    if (ret == 0)
        ret = ss_ort_value_on(s, gpu->memory, (void *)(uintptr_t)gpu->tensor, input, &gpu->value);
    return ret;
}

static int start(SsOrtGpu *gpu, const SsOrtSession *s, const SsTensor *input, const SsInputParams *how)
{
    int ret;

    gpu->cu = ss_cuda(s->log);
    if (!gpu->cu)
        return -ENOTSUP;
    if ((ret = ss_cuda_retain(gpu->cu, s->gpu, &gpu->device, &gpu->context, s->log)) < 0)
        return ret;
    if ((ret = make_tensor(gpu, s, input)) < 0)
        return ret;
    return ss_cuda_preprocess_create(&gpu->preprocess, s->gpu, input, how, s->log);
}

/* Where the network runs on a stream of the runtime's, what ours has done must be there before. */
static int finish(const SsOrtGpu *gpu, const SsLogger *log)
{
    int ret = ss_cuda_enter(gpu->cu, gpu->context, log);

    if (ret < 0)
        return ret;
    ret = ss_cuda_check(gpu->cu, gpu->cu->StreamSynchronize(gpu->stream), "the frame on the GPU", log);
    ss_cuda_leave(gpu->cu);
    return ret;
}

int ss_ort_gpu_convert(SsOrtGpu **out, const SsOrtSession *s, SsOrtRun *run, const SsTensor *input, int nth,
                       const SsFrameDesc *frame, const SsInputParams *how, SsGeometry *g)
{
    SsOrtGpu *gpu = *out;
    int ret;

    if (nth == 0)
        run->on_device = NULL;
    else if (!run->on_device) /* those before it are not here */
        return -ENOTSUP;
    if (!gpu) {
        gpu = *out = calloc(1, sizeof *gpu);
        if (!gpu)
            return -ENOTSUP;
        gpu->works = start(gpu, s, input, how) == 0;
    }
    if (!gpu->works)
        return -ENOTSUP;
    const size_t picture = input->size / (size_t)input->dim[0];
    ret = ss_cuda_preprocess_convert(gpu->preprocess, frame, gpu->tensor + (SsCuPtr)nth * picture,
                                     gpu->stream, g);
    if (ret >= 0 && gpu->own)
        ret = finish(gpu, s->log); /* then the frame has been read */
    if (ret >= 0)
        run->on_device = gpu->value;
    return ret;
}

void ss_ort_gpu_settle(const SsOrtGpu *gpu, const SsOrtSession *s)
{
    if (!gpu || !gpu->works || ss_cuda_enter(gpu->cu, gpu->context, s->log) < 0)
        return;
    (void)gpu->cu->StreamSynchronize(gpu->stream);
    ss_cuda_leave(gpu->cu);
}

void ss_ort_gpu_close(SsOrtGpu **out, const SsOrtSession *s, SsOrtRun *run)
{
    SsOrtGpu *gpu = *out;

    if (!gpu)
        return;
    run->on_device = NULL;
    ss_cuda_preprocess_destroy(&gpu->preprocess);
    if (gpu->value)
        s->ort->ReleaseValue(gpu->value);
    if (gpu->memory)
        s->ort->ReleaseMemoryInfo(gpu->memory);
    if (gpu->context && ss_cuda_enter(gpu->cu, gpu->context, s->log) == 0) {
        if (gpu->stream)
            (void)gpu->cu->StreamSynchronize(gpu->stream);
        if (gpu->tensor)
            (void)gpu->cu->MemFree(gpu->tensor);
        if (gpu->own)
            (void)gpu->cu->StreamDestroy(gpu->own);
        ss_cuda_leave(gpu->cu);
    }
    if (gpu->context)
        (void)gpu->cu->DevicePrimaryCtxRelease(gpu->device);
    free(gpu);
    *out = NULL;
}
