/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/ort_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/modelfile.h"
#include "backend/options.h"
#include "backend/ort_device.h"
#include "backend/ort_gpu.h"
#include "backend/shape.h"
#include "internal.h"

/* --- settings --- */

static int set_graph(const SsOrt *ort, OrtSessionOptions *options, const char *settings, const SsLogger *log)
{
    static const struct {
        const char *name;
        int level;
    } levels[] = { { "off", 0 }, { "basic", 1 }, { "extended", 2 }, { "all", 99 } };
    char text[16];

    if (!ss_option_get(settings, "graph", text, sizeof text))
        return 0;
    for (size_t i = 0; i < SS_COUNTOF(levels); i++)
        if (strcmp(levels[i].name, text) == 0)
            return ss_ort_check(ort, log, ort->SetSessionGraphOptimizationLevel(options, levels[i].level),
                                "graph=%s", text);
    ss_err(log, "model option graph=%s: expected off, basic, extended or all", text);
    return -EINVAL;
}

/* "session.KEY=value", by the runtime's own names. */
static int set_entries(const SsOrt *ort, OrtSessionOptions *options, const char *settings,
                       const SsLogger *log)
{
    char *copy = strdup(settings ? settings : ""), *rest, *item, *equals;
    int ret = copy ? 0 : -ENOMEM;

    for (item = copy ? strtok_r(copy, ",", &rest) : NULL; item && ret == 0;
         item = strtok_r(NULL, ",", &rest)) {
        equals = strchr(item, '=');
        if (strncmp(item, "session.", 8) != 0 || !equals)
            continue;
        *equals = '\0';
        ret = ss_ort_check(ort, log, ort->AddSessionConfigEntry(options, item, equals + 1),
                           "model option %s=%s", item, equals + 1);
    }
    free(copy);
    return ret;
}

/**
 * Threads of the runtime's pool that wait awake take the processor from the picture: two cores,
 * docs/performance.md.
 */
static int set_threads(const SsOrt *ort, OrtSessionOptions *options, const SsModelParams *p,
                       const SsLogger *log)
{
    int spinning, ret = ss_option_int(p->options, "spinning", 0, 1, 0, &spinning, log);

    if (ret == 0 && p->threads > 0)
        ret =
            ss_ort_check(ort, log, ort->SetIntraOpNumThreads(options, p->threads), "threads=%d", p->threads);
    if (ret == 0)
        ret = ss_ort_check(
            ort, log,
            ort->AddSessionConfigEntry(options, "session.intra_op.allow_spinning", spinning ? "1" : "0"),
            "spinning=%d", spinning);
    return ret;
}

/* --- sessions --- */

static int new_options(const SsOrt *ort, OrtSessionOptions **options, const SsLogger *log)
{
    int ret = ss_ort_check(ort, log, ort->CreateSessionOptions(options), "options");

    if (ret == 0) /* it reads, it does not write */
        ret = ss_ort_check(ort, log, ort->SetUserLoggingFunction(*options, ss_ort_log, (void *)log), "log");
    return ret;
}

/* What the model's file says of its input, and the names of what it leaves open: read without compiling. */
static int peek(const SsOrt *ort, const char *path, SsTensor *input, char axis[][SS_MAX_NAME],
                const SsLogger *log)
{
    OrtSessionOptions *options = NULL;
    SsOrtSession s = { 0 };
    int ret = new_options(ort, &options, log);

    if (ret == 0)
        ret = ss_ort_check(ort, log, ort->SetSessionGraphOptimizationLevel(options, 0), "options");
    if (ret == 0)
        ret = ss_ort_check(ort, log, ort->SetIntraOpNumThreads(options, 1), "options");
    if (ret == 0)
        ret = ss_ort_session_open(&s, ort, path, options, NULL, log);
    if (ret == 0) {
        *input = s.input;
        memcpy(axis, s.axis, sizeof s.axis);
        ss_ort_session_close(&s);
    }
    if (options)
        ort->ReleaseSessionOptions(options);
    return ret;
}

static int set_dims(const SsOrt *ort, OrtSessionOptions *options, const SsOrtPlan *plan)
{
    int ret = 0;

    for (int i = 0; ret == 0 && i < plan->input.rank; i++)
        if (*plan->axis[i])
            ret =
                ss_ort_check(ort, plan->log,
                             ort->AddFreeDimensionOverrideByName(options, plan->axis[i], plan->input.dim[i]),
                             "input dimension \"%s\"", plan->axis[i]);
    return ret;
}

/* The compiled network is to become a model of one file, which only this provider can read. */
static int set_engine(const SsOrt *ort, OrtSessionOptions *options, const char *engine, const SsLogger *log)
{
    const char *const entries[][2] = { { "ep.context_enable", "1" },
                                       { "ep.context_embed_mode", "1" },
                                       { "ep.context_file_path", engine } };
    int ret = 0;

    for (size_t i = 0; ret == 0 && i < SS_COUNTOF(entries); i++)
        ret = ss_ort_check(ort, log, ort->AddSessionConfigEntry(options, entries[i][0], entries[i][1]),
                           "engine %s", engine);
    return ret;
}

static int set_all(const SsOrt *ort, OrtSessionOptions *options, const SsOrtPlan *plan, const char *device,
                   const SsOrtPlace *place, void *stream)
{
    const SsModelParams *p = &plan->params;
    const char *settings = plan->tries && ss_ort_device_is_cpu(device) ? NULL : p->options;
    char why[512];
    int ret = set_dims(ort, options, plan);

    if (ret == 0)
        ret = set_threads(ort, options, p, plan->log);
    if (ret == 0)
        ret = set_graph(ort, options, p->options, plan->log);
    if (ret == 0)
        ret = set_entries(ort, options, p->options, plan->log);
    if (ret == 0 && place->engine && !place->made)
        ret = set_engine(ort, options, place->engine, plan->log);
    if (ret < 0)
        return ret;
    ret = ss_ort_device_use(ort, options, device,
                            &(SsOrtUse) { settings, p->precision, place->folder, stream }, why, sizeof why);
    if (ret < 0)
        ss_err(plan->log, "device %s: %s", device, why);
    return ret;
}

int ss_ort_plan_open(SsOrtSession *s, const SsOrtPlan *plan, const char *device, const SsOrtPlace *place)
{
    const SsOrt *ort = plan->ort;
    const int gpu = ss_ort_device_gpu(device);
    void *stream = ss_ort_device_takes_stream(device) ? ss_ort_gpu_stream_new(gpu, plan->log) : NULL;
    OrtSessionOptions *options = NULL;
    int ret = new_options(ort, &options, plan->log);

    if (ret == 0)
        ret = set_all(ort, options, plan, device, place, stream);
    if (ret == 0)
        ret = ss_ort_session_open(s, ort, place->made ? place->engine : plan->params.path, options,
                                  ss_ort_device_turn(device), plan->log);
    if (ret == 0) {
        s->gpu = gpu;
        s->stream = stream;
    } else {
        ss_ort_gpu_stream_free(gpu, stream);
    }
    if (options)
        ort->ReleaseSessionOptions(options);
    return ret;
}

/* --- the plan --- */

static int check_file(const char *path, const SsLogger *log)
{
    int ret = ss_modelfile_check(path, log);

    if (ret == 0 && !ss_modelfile_ends(path, ".onnx")) {
        ss_err(log, "model %s: ONNX Runtime reads .onnx; --backend openvino reads others too", path);
        ret = -EINVAL;
    }
    return ret;
}

/* Requests open sessions later, when the caller's strings are gone. */
static int keep_params(SsOrtPlan *plan, const SsModelParams *p, const SsLogger *log)
{
    plan->params = *p;
    plan->params.path = strdup(p->path);
    plan->params.options = strdup(p->options ? p->options : "");
    plan->params.device = plan->params.cache_dir = NULL;
    plan->params.precision = p->precision && !p->stand_in ? ss_precision_known(p->precision) : NULL;
    if (plan->params.path && plan->params.options)
        return 0;
    ss_err(log, "out of memory while opening the model");
    return -ENOMEM;
}

/* What the file says of its batch, this runtime cannot change. */
static void keep_batch(SsOrtPlan *plan, int64_t batch)
{
    if (batch < 1)
        return;
    if (plan->input.dim[0] != batch && plan->params.batch > 0)
        ss_warn(plan->log, "model %s: takes %d at a time, not %d; export it with its batch left open",
                plan->params.path, (int)batch, plan->params.batch);
    plan->input.dim[0] = batch;
}

int ss_ort_plan_make(SsOrtPlan *plan, const SsModelParams *p, SsOrtRelay *relay)
{
    char path[512];
    int64_t batch;
    bool fixed;
    int ret;

    plan->relay = relay;
    plan->log = &relay->log;
    if ((ret = check_file(p->path, plan->log)) < 0 || (ret = keep_params(plan, p, plan->log)) < 0)
        return ret;
    plan->ort = ss_ort_open(ss_option_get(p->options, "library", path, sizeof path) ? path : NULL, plan->log);
    if (!plan->ort)
        return -ENOTSUP;
    if ((ret = peek(plan->ort, p->path, &plan->input, plan->axis, plan->log)) < 0)
        return ret;
    batch = plan->input.dim[0];
    if ((ret = ss_shape_choose(&plan->input, p, &fixed)) < 0) {
        ss_err(plan->log, "model %s: its input \"%s\" is no picture: [1,H,W,3] or [1,3,H,W] is wanted",
               p->path, plan->input.name);
        return ret;
    }
    keep_batch(plan, batch);
    return 0;
}

void ss_ort_plan_close(SsOrtPlan *plan)
{
    free((char *)plan->params.path);
    free((char *)plan->params.options);
    plan->params = (SsModelParams) { 0 };
}
