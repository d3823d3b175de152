/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/ort_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/ort_gpu.h"
#include "backend/shape.h"
#include "internal.h"

enum { ALIGNMENT = 64 }; /* of tensors' memory: a cache line, and the widest vectors */

/* --- what the network takes and gives --- */

static const struct {
    int theirs;
    size_t bytes;
} types[] = { [SS_U8] = { ORT_U8, 1 },
              [SS_I32] = { ORT_I32, 4 },
              [SS_I64] = { ORT_I64, 8 },
              [SS_F16] = { ORT_F16, 2 },
              [SS_F32] = { ORT_F32, 4 } };

static bool to_dtype(int type, SsDType *out)
{
    for (size_t i = 0; i < SS_COUNTOF(types); i++) {
        if (types[i].theirs == type) {
            *out = (SsDType)i;
            return true;
        }
    }
    return false;
}

/* Bytes of a tensor whose dims are all known; 0: one is not, or there is no such amount. */
static size_t bytes_of(const SsTensor *t)
{
    size_t n = types[t->dtype].bytes;

    for (int i = 0; i < t->rank; i++)
        if (t->dim[i] < 0 || __builtin_mul_overflow(n, (size_t)t->dim[i], &n))
            return 0;
    return n;
}

/* Type, rank and dims. -EPROTO: something that a tensor of ours cannot be; *why says what. */
static int read_shape(const SsOrtSession *s, const OrtTensorTypeAndShapeInfo *info, SsTensor *t,
                      const char **why)
{
    const SsOrt *ort = s->ort;
    size_t rank = 0;
    int type = 0, ret;

    if ((ret = ss_ort_check(ort, s->log, ort->GetTensorElementType(info, &type), "tensor")) < 0 ||
        (ret = ss_ort_check(ort, s->log, ort->GetDimensionsCount(info, &rank), "tensor")) < 0)
        return ret;
    if (!to_dtype(type, &t->dtype)) {
        *why = "has elements of an unsupported type";
        return -EPROTO;
    }
    if (rank > SS_MAX_RANK) {
        *why = "has more than 8 dimensions";
        return -EPROTO;
    }
    t->rank = (int)rank;
    return ss_ort_check(ort, s->log, ort->GetDimensions(info, t->dim, rank), "tensor");
}

static int describe(SsOrtSession *s, OrtTypeInfo *type, SsTensor *t, bool is_input, const char **why)
{
    const SsOrt *ort = s->ort;
    const OrtTensorTypeAndShapeInfo *info = NULL;
    const char *axis[SS_MAX_RANK] = { 0 };
    int ret = ss_ort_check(ort, s->log, ort->CastTypeInfoToTensorInfo(type, &info), "tensor");

    if (ret < 0)
        return ret;
    if (!info) {
        *why = "is no tensor";
        return -EPROTO;
    }
    ret = read_shape(s, info, t, why);
    if (ret < 0 || !is_input)
        return ret;
    ret = ss_ort_check(ort, s->log, ort->GetSymbolicDimensions(info, axis, (size_t)t->rank), "input");
    for (int i = 0; ret == 0 && i < t->rank; i++)
        (void)snprintf(s->axis[i], sizeof s->axis[i], "%s", t->dim[i] < 0 && axis[i] ? axis[i] : "");
    return ret;
}

/* A copy of ours; theirs belongs to their allocator. NULL: out of memory. */
static char *take_name(const SsOrt *ort, OrtAllocator *allocator, char *name)
{
    char *copy = strdup(name);
    OrtStatus *status = ort->AllocatorFree(allocator, name);

    if (status)
        ort->ReleaseStatus(status);
    return copy;
}

static int read_input(SsOrtSession *s, OrtAllocator *allocator, const char *path)
{
    const SsOrt *ort = s->ort;
    const char *why = "";
    OrtTypeInfo *type = NULL;
    char *name = NULL;
    size_t n = 0;
    int ret = ss_ort_check(ort, s->log, ort->SessionGetInputCount(s->session, &n), "inputs");

    if (ret < 0)
        return ret;
    if (n != 1) {
        ss_err(s->log, "model %s: has %zu inputs; one, a picture, is wanted", path, n);
        return -EPROTO;
    }
    ret = ss_ort_check(ort, s->log, ort->SessionGetInputName(s->session, 0, allocator, &name), "input");
    if (ret < 0)
        return ret;
    s->input_name = take_name(ort, allocator, name);
    if (!s->input_name)
        return -ENOMEM;
    ss_shape_set_name(&s->input, s->input_name);
    ret = ss_ort_check(ort, s->log, ort->SessionGetInputTypeInfo(s->session, 0, &type), "input");
    if (ret < 0)
        return ret;
    ret = describe(s, type, &s->input, true, &why);
    ort->ReleaseTypeInfo(type);
    if (ret < 0 && *why)
        ss_err(s->log, "model %s: its input \"%s\" %s", path, s->input.name, why);
    return ret;
}

static int read_output(SsOrtSession *s, OrtAllocator *allocator, size_t index)
{
    const SsOrt *ort = s->ort;
    const char *why = "";
    OrtTypeInfo *type = NULL;
    SsTensor t = { 0 };
    char *name = NULL;
    int ret =
        ss_ort_check(ort, s->log, ort->SessionGetOutputName(s->session, index, allocator, &name), "output");

    if (ret < 0)
        return ret;
    name = take_name(ort, allocator, name);
    if (!name)
        return -ENOMEM;
    ss_shape_set_name(&t, name);
    ret = ss_ort_check(ort, s->log, ort->SessionGetOutputTypeInfo(s->session, index, &type), "output");
    if (ret == 0) {
        ret = describe(s, type, &t, false, &why);
        ort->ReleaseTypeInfo(type);
    }
    if (ret == 0 && s->n_outputs < SS_MAX_OUTPUTS) {
        s->output_name[s->n_outputs] = name;
        s->output[s->n_outputs++] = t;
        return 0;
    }
    if (ret == 0 || *why)
        ss_info(s->log, "output \"%s\" %s and is left out", name, *why ? why : "is one more than 8");
    free(name);
    return ret == -EPROTO ? 0 : ret;
}

static int read_ports(SsOrtSession *s, const char *path)
{
    const SsOrt *ort = s->ort;
    OrtAllocator *allocator = NULL;
    size_t n = 0;
    int ret = ss_ort_check(ort, s->log, ort->GetAllocatorWithDefaultOptions(&allocator), "memory");

    if (ret == 0)
        ret = read_input(s, allocator, path);
    if (ret == 0)
        ret = ss_ort_check(ort, s->log, ort->SessionGetOutputCount(s->session, &n), "outputs");
    for (size_t i = 0; ret == 0 && i < n; i++)
        ret = read_output(s, allocator, i);
    if (ret == 0 && s->n_outputs == 0) {
        ss_err(s->log, "model %s: has no output that could be decoded", path);
        ret = -EPROTO;
    }
    if (ret == -ENOMEM)
        ss_err(s->log, "out of memory while opening the model");
    return ret;
}

static void begin_turn(const SsOrtSession *s)
{
    SsOrtTurn *t = s->turn;
    unsigned mine;

    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    mine = t->next++;
    while (t->now != mine)
        pthread_cond_wait(&t->changed, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

static void end_turn(const SsOrtSession *s)
{
    SsOrtTurn *t = s->turn;

    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->now++;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

int ss_ort_session_open(SsOrtSession *s, const SsOrt *ort, const char *path, const OrtSessionOptions *options,
                        SsOrtTurn *turn, const SsLogger *log)
{
    int ret;

    *s = (SsOrtSession) { .ort = ort, .log = log, .gpu = -1, .turn = turn };
    begin_turn(s);
    ret = ss_ort_check(ort, log, ort->CreateSession(ort->env, path, options, &s->session), "model %s", path);
    end_turn(s);
    if (ret < 0)
        return ret;
    ret = read_ports(s, path);
    if (ret < 0)
        ss_ort_session_close(s);
    return ret;
}

void ss_ort_session_close(SsOrtSession *s)
{
    free(s->input_name);
    for (int i = 0; i < s->n_outputs; i++)
        free(s->output_name[i]);
    begin_turn(s);
    if (s->session)
        s->ort->ReleaseSession(s->session);
    end_turn(s);
    ss_ort_gpu_stream_free(s->gpu, s->stream);
    *s = (SsOrtSession) { 0 };
}

/* --- inferences --- */

int ss_ort_session_run(const SsOrtSession *s, const OrtRunOptions *options, OrtIoBinding *binding)
{
    begin_turn(s);
    const int ret =
        ss_ort_check(s->ort, s->log, s->ort->RunWithBinding(s->session, options, binding), "inference");
    end_turn(s);
    return ret;
}

int ss_ort_value_on(const SsOrtSession *s, const OrtMemoryInfo *memory, void *data, const SsTensor *t,
                    OrtValue **value)
{
    return ss_ort_check(s->ort, s->log,
                        s->ort->CreateTensorWithDataAsOrtValue(memory, data, t->size, t->dim, (size_t)t->rank,
                                                               types[t->dtype].theirs, value),
                        "tensor \"%s\"", t->name);
}

/* `t` on memory of ours. */
static int make_value(SsOrtRun *run, const SsOrtSession *s, SsTensor *t, void **buffer, OrtValue **value)
{
    const size_t size = bytes_of(t);

    *buffer = aligned_alloc(ALIGNMENT, (SS_MAX(size, 1) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    if (!*buffer) {
        ss_err(s->log, "out of memory for the tensor \"%s\"", t->name);
        return -ENOMEM;
    }
    memset(*buffer, 0, size);
    t->data = *buffer;
    t->size = size;
    return ss_ort_value_on(s, run->memory, *buffer, t, value);
}

/* Where a size comes with each inference the runtime brings the memory. */
static int bind_open_output(SsOrtRun *run, const SsOrtSession *s, int i)
{
    return ss_ort_check(s->ort, s->log,
                        s->ort->BindOutputToDevice(run->binding, s->output_name[i], run->memory),
                        "output \"%s\"", s->output[i].name);
}

static int bind_output(SsOrtRun *run, const SsOrtSession *s, int i, SsTensor *out)
{
    const SsOrt *ort = s->ort;
    int ret;

    if (bytes_of(out) ==
        0) /* bound again each time, but its place among the outputs is the first binding's */
        return bind_open_output(run, s, i);
    if ((ret = make_value(run, s, out, &run->buffer[1 + i], &run->fixed[i])) < 0)
        return ret;
    return ss_ort_check(ort, s->log, ort->BindOutput(run->binding, s->output_name[i], run->fixed[i]),
                        "output \"%s\"", out->name);
}

int ss_ort_run_open(SsOrtRun *run, const SsOrtSession *s, SsTensor *input, SsTensor *output)
{
    const SsOrt *ort = s->ort;
    int ret;

    *run = (SsOrtRun) { 0 };
    ret = ss_ort_check(ort, s->log,
                       ort->CreateCpuMemoryInfo(ORT_DEVICE_ALLOCATOR, ORT_MEMORY_DEFAULT, &run->memory),
                       "memory");
    if (ret == 0)
        ret = ss_ort_check(ort, s->log, ort->CreateIoBinding(s->session, &run->binding), "inference request");
    if (ret == 0)
        ret = make_value(run, s, input, &run->buffer[0], &run->input);
    for (int i = 0; ret == 0 && i < s->n_outputs; i++)
        ret = bind_output(run, s, i, &output[i]);
    if (ret < 0)
        ss_ort_run_close(run, s);
    return ret;
}

static void drop_given(SsOrtRun *run, const SsOrtSession *s)
{
    OrtAllocator *allocator = NULL;
    OrtStatus *status;

    for (size_t i = 0; i < run->n_given; i++)
        s->ort->ReleaseValue(run->given[i]);
    status = run->given ? s->ort->GetAllocatorWithDefaultOptions(&allocator) : NULL;
    if (run->given && !status)
        status = s->ort->AllocatorFree(allocator, (void *)run->given);
    if (status)
        s->ort->ReleaseStatus(status);
    run->given = NULL;
    run->n_given = 0;
}

static int take_given(const SsOrtSession *s, OrtValue *value, SsTensor *out)
{
    const SsOrt *ort = s->ort;
    OrtTensorTypeAndShapeInfo *info = NULL;
    const char *why = "";
    int ret = ss_ort_check(ort, s->log, ort->GetTensorTypeAndShape(value, &info), "output \"%s\"", out->name);

    if (ret < 0)
        return ret;
    ret = read_shape(s, info, out, &why);
    ort->ReleaseTensorTypeAndShapeInfo(info);
    if (ret == 0)
        ret = ss_ort_check(ort, s->log, ort->GetTensorSizeInBytes(value, &out->size), "output \"%s\"",
                           out->name);
    out->data = NULL;
    if (ret == 0 && out->size > 0)
        ret = ss_ort_check(ort, s->log, ort->GetTensorMutableData(value, &out->data), "output \"%s\"",
                           out->name);
    return ret;
}

/**
 * On a device with memory of its own, binding an input copies it there: what is written to our memory
 * afterwards is not seen. So it is bound anew each time (measured on a GPU: without, every picture's boxes
 * are those of the first). On the processor nothing is copied.
 */
static int bind_run_wait(SsOrtRun *run, const SsOrtSession *s)
{
    const SsOrt *ort = s->ort;
    const OrtValue *input = run->on_device ? run->on_device : run->input;
    int ret = ss_ort_check(ort, s->log, ort->BindInput(run->binding, s->input_name, input), "input");

    if (ret == 0 && !(run->on_device && s->stream)) /* else what brings it there goes before on its stream */
        ret = ss_ort_check(ort, s->log, ort->SynchronizeBoundInputs(run->binding), "input");
    if (ret == 0)
        ret = ss_ort_check(ort, s->log, ort->RunWithBinding(s->session, NULL, run->binding), "inference");
    if (ret == 0)
        ret = ss_ort_check(ort, s->log, ort->SynchronizeBoundOutputs(run->binding), "outputs");
    return ret;
}

static int take_all_given(SsOrtRun *run, const SsOrtSession *s, SsTensor *output)
{
    const SsOrt *ort = s->ort;
    OrtAllocator *allocator = NULL;
    int ret = ss_ort_check(ort, s->log, ort->GetAllocatorWithDefaultOptions(&allocator), "memory");

    if (ret == 0)
        ret = ss_ort_check(ort, s->log,
                           ort->GetBoundOutputValues(run->binding, allocator, &run->given, &run->n_given),
                           "outputs");
    for (int i = 0; ret == 0 && i < s->n_outputs && (size_t)i < run->n_given; i++)
        ret = take_given(s, run->given[i], &output[i]);
    return ret;
}

int ss_ort_run_infer(SsOrtRun *run, const SsOrtSession *s, SsTensor *output)
{
    bool open_sizes = false;
    int ret = 0;

    drop_given(run, s);
    /* Or it would write a result of another size where the last one is. */
    for (int i = 0; ret == 0 && i < s->n_outputs; i++) {
        if (!run->fixed[i]) {
            open_sizes = true;
            ret = bind_open_output(run, s, i);
        } else {
            output[i].data = run->buffer[1 + i]; /* the last one's may have been elsewhere (ort_flight.h) */
        }
    }
    if (ret < 0)
        return ret;
    begin_turn(s);
    ret = bind_run_wait(run, s);
    end_turn(s);
    return ret == 0 && open_sizes ? take_all_given(run, s, output) : ret;
}

void ss_ort_run_close(SsOrtRun *run, const SsOrtSession *s)
{
    const SsOrt *ort = s->ort;

    drop_given(run, s);
    if (run->binding)
        ort->ReleaseIoBinding(run->binding);
    if (run->input)
        ort->ReleaseValue(run->input);
    for (int i = 0; i < SS_MAX_OUTPUTS; i++)
        if (run->fixed[i])
            ort->ReleaseValue(run->fixed[i]);
    for (size_t i = 0; i < SS_COUNTOF(run->buffer); i++)
        free(run->buffer[i]);
    if (run->memory)
        ort->ReleaseMemoryInfo(run->memory);
    *run = (SsOrtRun) { 0 };
}
