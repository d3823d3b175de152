/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime waits for its devices at the end of a run unless told not to, and where a result is to be in
 * memory of the processor it waits for the copy. So results stay on the device here, in memory of ours, and
 * are fetched by a copy of ours on the same stream, into pinned memory; an event says when they are there.
 *
 * Inferences follow one another on the stream, and so do the copies: on the device one input and one set of
 * results do for both lanes.
 */
#include "backend/ort_flight.h"

#include <errno.h>
#include <stdlib.h>

#include "cuda/driver.h"
#include "internal.h"

typedef struct Result {
    SsCuPtr device;
    void *host[SS_ORT_LANES]; /* pinned */
    OrtValue *value;
    size_t size;
} Result;

struct SsOrtFlight {
    bool works;
    const SsCuda *cu;
    int device;
    SsCuContext context; /* the device's primary one */
    SsCuEvent done[SS_ORT_LANES];
    OrtMemoryInfo *memory;
    OrtRunOptions *options;
    OrtIoBinding *binding;
    Result result[SS_MAX_OUTPUTS];
};

/* With the context current. */
static int get_result(SsOrtFlight *f, Result *r, size_t size, const SsLogger *log)
{
    const SsCuda *cu = f->cu;
    int ret = ss_cuda_check(cu, cu->MemAlloc(&r->device, size), "memory for a result", log);

    r->size = size;
    for (int i = 0; ret == 0 && i < SS_ORT_LANES; i++)
        ret = ss_cuda_check(cu, cu->MemHostAlloc(&r->host[i], size, 0), "pinned memory for a result", log);
    return ret;
}

/* With the context current. */
static int get_memory(SsOrtFlight *f, const SsOrtSession *s, const SsTensor *output)
{
    const SsCuda *cu = f->cu;
    int ret = 0;

    for (int i = 0; ret == 0 && i < SS_ORT_LANES; i++)
        ret = ss_cuda_check(cu, cu->EventCreate(&f->done[i], SS_CU_EVENT_DISABLE_TIMING), "an event", s->log);
    for (int i = 0; ret == 0 && i < s->n_outputs; i++)
        ret = get_result(f, &f->result[i], output[i].size, s->log);
    return ret;
}

static int bind(SsOrtFlight *f, const SsOrtSession *s, const OrtValue *input, const SsTensor *output)
{
    const SsOrt *ort = s->ort;
    int ret = ss_ort_check(
        ort, s->log,
        ort->CreateMemoryInfo("Cuda", ORT_DEVICE_ALLOCATOR, s->gpu, ORT_MEMORY_DEFAULT, &f->memory),
        "memory of GPU %d", s->gpu);

    if (ret == 0)
        ret = ss_ort_check(ort, s->log, ort->CreateIoBinding(s->session, &f->binding), "inference request");
    if (ret == 0)
        ret = ss_ort_check(ort, s->log, ort->BindInput(f->binding, s->input_name, input), "input");
    for (int i = 0; ret == 0 && i < s->n_outputs; i++) {
        Result *r = &f->result[i];

        ret = ss_ort_value_on(s, f->memory, (void *)(uintptr_t)r->device, &output[i], &r->value);
        if (ret == 0)
            ret = ss_ort_check(ort, s->log, ort->BindOutput(f->binding, s->output_name[i], r->value),
                               "output \"%s\"", output[i].name);
    }
    if (ret == 0)
        ret = ss_ort_check(ort, s->log, ort->CreateRunOptions(&f->options), "options");
    if (ret == 0)
        ret = ss_ort_check(ort, s->log,
                           ort->AddRunConfigEntry(f->options, "disable_synchronize_execution_providers", "1"),
                           "options");
    return ret;
}

static bool sizes_known(const SsOrtSession *s, const SsOrtRun *run)
{
    for (int i = 0; i < s->n_outputs; i++)
        if (!run->fixed[i])
            return false;
    return true;
}

static int make(SsOrtFlight *f, const SsOrtSession *s, const SsOrtRun *run, const SsTensor *output)
{
    int ret;

    f->cu = ss_cuda(NULL);
    if (!f->cu || !sizes_known(s, run))
        return -ENOTSUP;
    if ((ret = ss_cuda_retain(f->cu, s->gpu, &f->device, &f->context, s->log)) < 0 ||
        (ret = ss_cuda_enter(f->cu, f->context, s->log)) < 0)
        return ret;
    ret = get_memory(f, s, output);
    ss_cuda_leave(f->cu);
    return ret == 0 ? bind(f, s, run->on_device, output) : ret;
}

/* Puts the copies on the stream, and what says that they are done. With the context current. */
static int fetch(SsOrtFlight *f, const SsOrtSession *s, int lane)
{
    const SsCuda *cu = f->cu;
    int ret = 0;

    for (int i = 0; ret == 0 && i < s->n_outputs; i++) {
        const Result *r = &f->result[i];

        ret = ss_cuda_check(cu, cu->MemcpyDtoHAsync(r->host[lane], r->device, r->size, s->stream),
                            "a result does not come from the GPU", s->log);
    }
    if (ret == 0)
        ret = ss_cuda_check(cu, cu->EventRecord(f->done[lane], s->stream),
                            "an inference cannot be waited for", s->log);
    if (ret < 0)
        (void)cu->StreamSynchronize(s->stream);
    return ret;
}

int ss_ort_flight_start(SsOrtFlight **out, const SsOrtSession *s, int lane, const SsOrtRun *run,
                        const SsTensor *output)
{
    SsOrtFlight *f = *out;
    int ret;

    if (!s->stream || !run->on_device)
        return -ENOTSUP;
    if (!f) {
        f = *out = calloc(1, sizeof *f);
        if (!f)
            return -ENOTSUP;
        f->works = make(f, s, run, output) == 0;
    }
    if (!f->works)
        return -ENOTSUP;
    if ((ret = ss_ort_session_run(s, f->options, f->binding)) < 0 ||
        (ret = ss_cuda_enter(f->cu, f->context, s->log)) < 0)
        return ret;
    ret = fetch(f, s, lane);
    ss_cuda_leave(f->cu);
    return ret;
}

int ss_ort_flight_wait(SsOrtFlight *f, const SsOrtSession *s, int lane, SsTensor *output)
{
    int ret = ss_cuda_enter(f->cu, f->context, s->log);

    if (ret < 0)
        return ret;
    ret = ss_cuda_check(f->cu, f->cu->EventSynchronize(f->done[lane]), "the inference on the GPU", s->log);
    ss_cuda_leave(f->cu);
    for (int i = 0; ret == 0 && i < s->n_outputs; i++)
        output[i].data = f->result[i].host[lane];
    return ret;
}

/* With the context current. */
static void free_memory(SsOrtFlight *f, int n_results)
{
    const SsCuda *cu = f->cu;

    for (int i = 0; i < n_results; i++) {
        const Result *r = &f->result[i];

        if (r->device)
            (void)cu->MemFree(r->device);
        for (int k = 0; k < SS_ORT_LANES; k++)
            if (r->host[k])
                (void)cu->MemFreeHost(r->host[k]);
    }
    for (int i = 0; i < SS_ORT_LANES; i++)
        if (f->done[i])
            (void)cu->EventDestroy(f->done[i]);
}

void ss_ort_flight_close(SsOrtFlight **out, const SsOrtSession *s)
{
    SsOrtFlight *f = *out;

    if (!f)
        return;
    if (f->options)
        s->ort->ReleaseRunOptions(f->options);
    if (f->binding)
        s->ort->ReleaseIoBinding(f->binding);
    for (int i = 0; i < s->n_outputs; i++)
        if (f->result[i].value)
            s->ort->ReleaseValue(f->result[i].value);
    if (f->memory)
        s->ort->ReleaseMemoryInfo(f->memory);
    if (f->context && ss_cuda_enter(f->cu, f->context, s->log) == 0) {
        (void)f->cu->StreamSynchronize(s->stream);
        free_memory(f, s->n_outputs);
        ss_cuda_leave(f->cu);
    }
    if (f->context)
        (void)f->cu->DevicePrimaryCtxRelease(f->device);
    free(f);
    *out = NULL;
}
