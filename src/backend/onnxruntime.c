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

#include "backend/ort_device.h"
#include "backend/ort_flight.h"
#include "backend/ort_gpu.h"
#include "backend/ort_kept.h"
#include "backend/table.h"
#include "internal.h"

typedef struct OrtModel {
    SsOrtSession session;
    SsOrtPlan plan;
    SsOrtKept kept;
    char *device; /* the one that was taken */
    pthread_mutex_t lock;
    bool lent; /* `session` to a request; guarded by `lock` */
    SsOrtRelay relay;
} OrtModel;

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
static int verify(const SsOrtSession *s, const SsOrtPlan *plan)
{
    SsTensor input[2] = { plan->input, plan->input }, output[2][SS_MAX_OUTPUTS];
    SsOrtRun run[2] = { 0 };
    SsOrtSession cpu = { 0 };
    SsOrtPlan exact = *plan;
    int ret;

    exact.params.precision = NULL;
    ret = ss_ort_plan_open(&cpu, &exact, "cpu", &(SsOrtPlace) { 0 });

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

static bool try_device(OrtModel *o, const SsOrtPlan *plan, const char *device, const char *dir)
{
    int ret;

    o->relay.trying = true;
    ret = ss_ort_kept_open(&o->kept, &o->session, plan, device, dir);
    if (ret == 0 && (ret = verify(&o->session, plan)) < 0) {
        ss_ort_session_close(&o->session);
        ss_ort_kept_close(&o->kept);
    }
    o->relay.trying = false;
    if (ret < 0)
        ss_info(plan->log, "not on %s: %s", device, o->relay.why);
    return ret == 0;
}

/* Returns the device's name; NULL: not even the processor, and the log says why. */
static const char *open_best(OrtModel *o, const SsOrtPlan *plan, const char *dir)
{
    const char *device;

    for (int i = 0; (device = ss_ort_devices[i]) && !ss_ort_device_is_cpu(device); i++)
        if (try_device(o, plan, device, dir))
            return device;
    return ss_ort_kept_open(&o->kept, &o->session, plan, device, dir) == 0 ? device : NULL;
}

/* --- the model --- */

static void model_close(SsModel *m)
{
    OrtModel *o = m->priv;

    if (o->session.session)
        ss_ort_session_close(&o->session);
    ss_ort_kept_close(&o->kept);
    ss_ort_plan_close(&o->plan);
    free(o->device);
    pthread_mutex_destroy(&o->lock);
}

static const char *device_of(const SsModelParams *p)
{
    return p->device && *p->device ? p->device : "auto";
}

static bool is_auto(const char *device)
{
    return strcasecmp(device, "auto") == 0;
}

static int open_model(OrtModel *o, const SsModelParams *p)
{
    const char *device = device_of(p);
    int ret;

    if ((ret = ss_ort_plan_make(&o->plan, p, &o->relay)) < 0)
        return ret;
    o->plan.tries = is_auto(device) || p->stand_in;
    if (is_auto(device))
        ret = (device = open_best(o, &o->plan, p->cache_dir)) ? 0 : -EIO;
    else
        ret = ss_ort_kept_open(&o->kept, &o->session, &o->plan, device, p->cache_dir);
    if (ret == 0 && !(o->device = strdup(device))) {
        ss_err(o->plan.log, "out of memory while opening the model");
        ret = -ENOMEM;
    }
    return ret;
}

static int model_open(SsModel *m, const SsModelParams *p)
{
    OrtModel *o = m->priv;
    SsOrtWake wake;
    int ret;

    pthread_mutex_init(&o->lock, NULL);
    ss_ort_relay_start(&o->relay, m->log);
    o->kept.folder.lock = -1;
    ss_ort_gpu_wake(&wake, ss_ort_device_gpu(device_of(p)));
    ret = open_model(o, p);
    ss_ort_gpu_woken(&wake);
    if (ret < 0) {
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
    const SsOrtSession *session; /* the model's, `own`, or that of the request beside */
    SsOrtSession own;
#ifdef SS_HAVE_CUDA
    SsOrtGpu *gpu; /* of the first of two beside one another, for both, as what follows */
    SsOrtFlight *flight;
#endif
} OrtRequest;

/* The model's session for all requests where these may run in parallel, else for the first alone: threads
 * that share one lose 1.5 ms whenever they change. */
static int take_session(OrtRequest *q, OrtModel *o, const SsRequest *beside)
{
    bool mine;

    if (beside) {
        q->session = ((const OrtRequest *)beside->priv)->session;
        return q->session->stream ? 0 : -ENOTSUP;
    }

    pthread_mutex_lock(&o->lock);
    mine = !ss_ort_device_turn(o->device) || !o->lent;
    o->lent = true;
    pthread_mutex_unlock(&o->lock);
    q->session = mine ? &o->session : &q->own;
    return mine ? 0 : ss_ort_plan_open(&q->own, &o->plan, o->device, &o->kept.place);
}

static void give_session(OrtRequest *q, OrtModel *o, const SsRequest *beside)
{
    if (beside)
        return;
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
    int ret = take_session(q, o, r->beside);

    if (ret < 0)
        return ret;
    r->input = r->model->input;
    memcpy(r->output, r->model->output, sizeof r->output);
    ret = ss_ort_run_open(&q->run, q->session, &r->input, r->output);
    if (ret < 0)
        give_session(q, o, r->beside);
    return ret;
}

#ifdef SS_HAVE_CUDA
static OrtRequest *first_of(const SsRequest *r)
{
    return r->beside ? r->beside->priv : r->priv;
}

/* The core gives the frames back whatever came of the inference. */
static int settled(const SsRequest *r, int ret)
{
    const OrtRequest *first = first_of(r);

    if (ret < 0 && ret != -ENOTSUP)
        ss_ort_gpu_settle(first->gpu, first->session);
    return ret;
}
#else
static int settled(const SsRequest *r, int ret)
{
    (void)r;
    return ret;
}
#endif

static int request_infer(SsRequest *r)
{
    OrtRequest *q = r->priv;

    return settled(r, ss_ort_run_infer(&q->run, q->session, r->output));
}

static void request_close(SsRequest *r)
{
    OrtRequest *q = r->priv;

#ifdef SS_HAVE_CUDA
    ss_ort_flight_close(&q->flight, q->session);
    ss_ort_gpu_close(&q->gpu, q->session, &q->run);
#endif
    ss_ort_run_close(&q->run, q->session);
    give_session(q, r->model->priv, r->beside);
}

#ifdef SS_HAVE_CUDA
static int request_start(SsRequest *r)
{
    OrtRequest *q = r->priv;

    return settled(
        r, ss_ort_flight_start(&first_of(r)->flight, q->session, r->beside != NULL, &q->run, r->output));
}

static int request_wait(SsRequest *r)
{
    const OrtRequest *q = r->priv;

    return settled(r, ss_ort_flight_wait(first_of(r)->flight, q->session, r->beside != NULL, r->output));
}

static int request_convert(SsRequest *r, int nth, const SsFrameDesc *frame, const SsInputParams *how,
                           SsGeometry *g)
{
    OrtRequest *q = r->priv;

    if (q->session->gpu < 0)
        return -ENOTSUP;
    return ss_ort_gpu_convert(&first_of(r)->gpu, q->session, &q->run, &r->input, nth, frame, how, g);
}
#endif

/* The processor, where it is not it that is wanted: GPUs' engines are built for seconds to minutes. */
static const char *stand_in(const SsModelParams *p)
{
    const char *device = device_of(p);

    if (is_auto(device) ? !ss_ort_device_any_gpu() : ss_ort_device_is_cpu(device))
        return NULL;
    return "cpu";
}

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
    .stand_in = stand_in,
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
    .in_place = true,
    .request_start = request_start,
    .request_wait = request_wait,
#endif
};
