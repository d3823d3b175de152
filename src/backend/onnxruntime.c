/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ONNX Runtime, through its C API: reads .onnx; devices auto, cpu, cuda, tensorrt, tensorrt-rtx, any other
 * execution provider by its own name; cuda:1 is the second such device.
 *
 * SsModelParams.options: library=PATH (the runtime's file), provider=PATH (a plug-in with the
 * execution provider), graph=off|basic|extended|all (how far the network is rewritten; all),
 * spinning=0|1 (threads of its pool wait for work awake; 0: the picture needs the processor),
 * session.KEY=value (the runtime's own); on devices other than cpu all else goes to the
 * execution provider.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "backend/modelfile.h"
#include "backend/options.h"
#include "backend/ort_device.h"
#include "backend/ort_gpu.h"
#include "backend/ort_session.h"
#include "backend/shape.h"
#include "backend/table.h"
#include "internal.h"

/* Between the runtime and the user's logger, as long as a session lives: a device that is only tried fails
 * quietly. */
typedef struct Relay {
    SsLogger log;
    const SsLogger *to;
    bool trying;
    char why[512]; /* the last error while trying */
} Relay;

/* What a session is opened with. */
typedef struct Plan {
    const SsOrt *ort;
    SsModelParams params; /* strings are ours */
    SsTensor input;       /* every dim known */
    char axis[SS_MAX_RANK][SS_MAX_NAME];
    bool tries; /* `auto`: settings that are a provider's are for the devices that have one */
    const SsLogger *log;
} Plan;

typedef struct OrtModel {
    SsOrtSession session;
    Plan plan;
    char *device; /* the one that was taken */
    pthread_mutex_t lock;
    bool lent; /* `session` to a request; guarded by `lock` */
    Relay relay;
} OrtModel;

static void pass_on(void *cookie, SsLogLevel level, const char *message)
{
    Relay *r = cookie;

    if (level == SS_LOG_ERROR && r->trying)
        (void)snprintf(r->why, sizeof r->why, "%s", message);
    else
        ss_log(r->to, level, "%s", message);
}

/* --- options --- */

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

static int open_on(SsOrtSession *s, const Plan *plan, const char *device)
{
    const SsOrt *ort = plan->ort;
    const SsModelParams *p = &plan->params;
    OrtSessionOptions *options = NULL;
    const char *settings;
    char why[512];
    int ret = new_options(ort, &options, plan->log);

    for (int i = 0; ret == 0 && i < plan->input.rank; i++)
        if (*plan->axis[i])
            ret =
                ss_ort_check(ort, plan->log,
                             ort->AddFreeDimensionOverrideByName(options, plan->axis[i], plan->input.dim[i]),
                             "input dimension \"%s\"", plan->axis[i]);
    if (ret == 0)
        ret = set_threads(ort, options, p, plan->log);
    if (ret == 0)
        ret = set_graph(ort, options, p->options, plan->log);
    if (ret == 0)
        ret = set_entries(ort, options, p->options, plan->log);
    settings = plan->tries && ss_ort_device_is_cpu(device) ? NULL : p->options;
    if (ret == 0 && (ret = ss_ort_device_use(ort, options, device, settings, why, sizeof why)) < 0)
        ss_err(plan->log, "device %s: %s", device, why);
    if (ret == 0)
        ret = ss_ort_session_open(s, ort, p->path, options, ss_ort_device_turn(device), plan->log);
    if (ret == 0)
        s->gpu = ss_ort_device_gpu(device);
    if (options)
        ort->ReleaseSessionOptions(options);
    return ret;
}

/* --- the device that is best, and right --- */

/* Something like a picture, the same each time, sane as bytes and as numbers of either size. */
static void fill(const SsTensor *t)
{
    for (size_t i = 0; t->dtype == SS_U8 && i < t->size; i++)
        ((uint8_t *)t->data)[i] = (uint8_t)(i * 7);
    for (size_t i = 0; t->dtype == SS_F16 && i < t->size / 2; i++)
        ((uint16_t *)t->data)[i] = (uint16_t)(0x3000 + i * 7 % 0xc00); /* 1/8 to 1 */
    for (size_t i = 0; t->dtype == SS_F32 && i < t->size / 4; i++)
        ((float *)t->data)[i] = (float)(i * 7 % 256) / 255;
}

/* Nearly all numbers within a fiftieth of the largest: other kernels round otherwise, broken ones are far
 * off.
 */
static bool agree(const SsTensor *a, const SsTensor *b)
{
    const float *x = a->data, *y = b->data;
    const size_t n = b->size / sizeof *y;
    float largest = 0;
    size_t off = 0;

    if (a->dtype != SS_F32 || b->dtype != SS_F32)
        return a->dtype == b->dtype;
    if (a->size != b->size)
        return false;
    for (size_t i = 0; i < n; i++)
        largest = fmaxf(largest, fabsf(y[i]));
    for (size_t i = 0; i < n; i++)
        off += !(fabsf(x[i] - y[i]) <= largest / 50);
    return off <= n / 50;
}

/* Does `s` find what the processor finds? */
static int verify(const SsOrtSession *s, const Plan *plan)
{
    SsTensor input[2] = { plan->input, plan->input }, output[2][SS_MAX_OUTPUTS];
    SsOrtRun run[2] = { 0 };
    SsOrtSession cpu = { 0 };
    int ret = open_on(&cpu, plan, "cpu");

    memcpy(output[0], s->output, sizeof output[0]);
    memcpy(output[1], cpu.output, sizeof output[1]);
    for (int i = 0; ret == 0 && i < 2; i++) {
        const SsOrtSession *session = i == 0 ? s : &cpu;

        if ((ret = ss_ort_run_open(&run[i], session, &input[i], output[i])) < 0)
            break;
        fill(&input[i]);
        ret = ss_ort_run_infer(&run[i], session, output[i]);
    }
    for (int i = 0; ret == 0 && i < s->n_outputs; i++) {
        if (!agree(&output[0][i], &output[1][i])) {
            ss_err(plan->log, "output \"%s\" is not what the processor finds", s->output[i].name);
            ret = -EIO;
        }
    }
    for (int i = 0; i < 2; i++)
        if (run[i].memory)
            ss_ort_run_close(&run[i], i == 0 ? s : &cpu);
    if (cpu.session)
        ss_ort_session_close(&cpu);
    return ret;
}

static bool try_device(OrtModel *o, const Plan *plan, const char *device)
{
    int ret;

    o->relay.trying = true;
    ret = open_on(&o->session, plan, device);
    if (ret == 0 && (ret = verify(&o->session, plan)) < 0)
        ss_ort_session_close(&o->session);
    o->relay.trying = false;
    if (ret < 0)
        ss_info(plan->log, "not on %s: %s", device, o->relay.why);
    return ret == 0;
}

/* Returns the device's name; NULL: not even the processor, and the log says why. */
static const char *open_best(OrtModel *o, const Plan *plan)
{
    const char *device;

    for (int i = 0; (device = ss_ort_devices[i]) && !ss_ort_device_is_cpu(device); i++)
        if (try_device(o, plan, device))
            return device;
    return open_on(&o->session, plan, device) == 0 ? device : NULL;
}

/* --- the model --- */

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
static int keep_params(Plan *plan, const SsModelParams *p, const SsLogger *log)
{
    plan->params = *p;
    plan->params.path = strdup(p->path);
    plan->params.options = strdup(p->options ? p->options : "");
    plan->params.device = plan->params.cache_dir = NULL;
    if (plan->params.path && plan->params.options)
        return 0;
    ss_err(log, "out of memory while opening the model");
    return -ENOMEM;
}

static int make_plan(Plan *plan, const SsModelParams *p)
{
    char path[512];
    bool fixed;
    int ret;

    if ((ret = keep_params(plan, p, plan->log)) < 0)
        return ret;
    plan->ort = ss_ort_open(ss_option_get(p->options, "library", path, sizeof path) ? path : NULL, plan->log);
    if (!plan->ort)
        return -ENOTSUP;
    if ((ret = peek(plan->ort, p->path, &plan->input, plan->axis, plan->log)) < 0)
        return ret;
    if (plan->input.rank == 4 && plan->input.dim[0] > 1) {
        ss_err(plan->log, "model %s: takes %d pictures at a time; export it for one", p->path,
               (int)plan->input.dim[0]);
        return -EPROTO;
    }
    if ((ret = ss_shape_choose(&plan->input, p, &fixed)) < 0)
        ss_err(plan->log, "model %s: its input \"%s\" is no picture: [1,H,W,3] or [1,3,H,W] is wanted",
               p->path, plan->input.name);
    return ret;
}

static void model_close(SsModel *m)
{
    OrtModel *o = m->priv;

    if (o->session.session)
        ss_ort_session_close(&o->session);
    free((char *)o->plan.params.path);
    free((char *)o->plan.params.options);
    free(o->device);
    pthread_mutex_destroy(&o->lock);
}

static int open_model(OrtModel *o, const SsModelParams *p)
{
    const char *device = p->device && *p->device ? p->device : "auto";
    int ret;

    if ((ret = check_file(p->path, o->plan.log)) < 0 || (ret = make_plan(&o->plan, p)) < 0)
        return ret;
    o->plan.tries = strcasecmp(device, "auto") == 0;
    if (o->plan.tries)
        ret = (device = open_best(o, &o->plan)) ? 0 : -EIO;
    else
        ret = open_on(&o->session, &o->plan, device);
    if (ret == 0 && !(o->device = strdup(device))) {
        ss_err(o->plan.log, "out of memory while opening the model");
        ret = -ENOMEM;
    }
    return ret;
}

static int model_open(SsModel *m, const SsModelParams *p)
{
    OrtModel *o = m->priv;
    int ret;

    pthread_mutex_init(&o->lock, NULL);
    o->relay =
        (Relay) { .log = { .level = m->log->level, .write = pass_on, .cookie = &o->relay }, .to = m->log };
    o->plan.log = &o->relay.log;
    if ((ret = open_model(o, p)) < 0) {
        model_close(m);
        return ret;
    }
    m->input = o->plan.input;
    m->n_outputs = o->session.n_outputs;
    memcpy(m->output, o->session.output, sizeof m->output);
    ss_info(m->log, "ONNX Runtime %s: %s on %s", o->plan.ort->version, p->path, o->device);
    return 0;
}

/* --- requests --- */

typedef struct OrtRequest {
    SsOrtRun run;
    const SsOrtSession *session; /* the model's, or `own` */
    SsOrtSession own;
#ifdef SS_HAVE_CUDA
    SsOrtGpu *gpu;
#endif
} OrtRequest;

/* The model's session for all requests where these may run in parallel, else for the first alone: threads
 * that share one lose 1.5 ms whenever they change. */
static int take_session(OrtRequest *q, OrtModel *o)
{
    bool mine;

    pthread_mutex_lock(&o->lock);
    mine = !ss_ort_device_turn(o->device) || !o->lent;
    o->lent = true;
    pthread_mutex_unlock(&o->lock);
    q->session = mine ? &o->session : &q->own;
    return mine ? 0 : open_on(&q->own, &o->plan, o->device);
}

static void give_session(OrtRequest *q, OrtModel *o)
{
    if (q->session == &q->own) {
        ss_ort_session_close(&q->own);
        return;
    }
    pthread_mutex_lock(&o->lock);
    o->lent = false;
    pthread_mutex_unlock(&o->lock);
}

static int request_open(SsRequest *r)
{
    OrtModel *o = r->model->priv;
    OrtRequest *q = r->priv;
    int ret = take_session(q, o);

    if (ret < 0)
        return ret;
    r->input = r->model->input;
    memcpy(r->output, r->model->output, sizeof r->output);
    ret = ss_ort_run_open(&q->run, q->session, &r->input, r->output);
    if (ret < 0)
        give_session(q, o);
    return ret;
}

static int request_infer(SsRequest *r)
{
    OrtRequest *q = r->priv;

    return ss_ort_run_infer(&q->run, q->session, r->output);
}

static void request_close(SsRequest *r)
{
    OrtRequest *q = r->priv;

#ifdef SS_HAVE_CUDA
    ss_ort_gpu_close(&q->gpu, q->session, &q->run);
#endif
    ss_ort_run_close(&q->run, q->session);
    give_session(q, r->model->priv);
}

#ifdef SS_HAVE_CUDA
static int request_convert(SsRequest *r, const SsFrameDesc *frame, const SsInputParams *how, SsGeometry *g)
{
    OrtRequest *q = r->priv;

    if (q->session->gpu < 0)
        return -ENOTSUP;
    return ss_ort_gpu_convert(&q->gpu, q->session, &q->run, &r->input, frame, how, g);
}
#endif

static bool available(char *text, size_t size)
{
    char why[512];
    const SsOrt *ort = ss_ort_probe(why, sizeof why);

    if (ort)
        (void)snprintf(text, size, "%s in %s", ort->version, ort->folder);
    else
        (void)snprintf(text, size, "pip install onnxruntime (%s)", why);
    return ort != NULL;
}

const SsBackend ss_backend_onnxruntime = {
    .name = "onnxruntime",
    .description = "ONNX Runtime: .onnx on any processor, NVIDIA GPUs (CUDA, TensorRT, TensorRT-RTX)",
    .devices = ss_ort_devices,
    .available = available,
    .model_size = sizeof(OrtModel),
    .request_size = sizeof(OrtRequest),
    .model_open = model_open,
    .model_close = model_close,
    .request_open = request_open,
    .request_infer = request_infer,
    .request_close = request_close,
#ifdef SS_HAVE_CUDA
    .request_convert = request_convert,
#endif
};
