/* SPDX-License-Identifier: Apache-2.0 */
#include "sidestream/dummy.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "options.h"
#include "table.h"

/* --- gates: state of the process, for tests alone --- */

typedef struct Gate {
    bool shut;
    int passes;  /* inferences that may still go through while shut */
    int arrived; /* since it was shut */
    uint32_t checksum;
} Gate;

static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_changed = PTHREAD_COND_INITIALIZER;
static Gate gates[SS_DUMMY_GATES]; /* guarded by gate_lock */

static void gate_set(int gate, bool shut, int passes)
{
    pthread_mutex_lock(&gate_lock);
    Gate *g = &gates[gate];
    if (shut && !g->shut)
        g->arrived = 0;
    g->shut = shut;
    g->passes = passes;
    pthread_cond_broadcast(&gate_changed);
    pthread_mutex_unlock(&gate_lock);
}

void ss_dummy_gate_shut(int gate)
{
    gate_set(gate, false, 0);
    gate_set(gate, true, 0);
}

void ss_dummy_gate_open(int gate)
{
    gate_set(gate, false, 0);
}

void ss_dummy_gate_pass(int gate, int n)
{
    pthread_mutex_lock(&gate_lock);
    gates[gate].passes += n;
    pthread_cond_broadcast(&gate_changed);
    pthread_mutex_unlock(&gate_lock);
}

void ss_dummy_gate_wait(int gate, int n)
{
    pthread_mutex_lock(&gate_lock);
    while (gates[gate].arrived < n)
        pthread_cond_wait(&gate_changed, &gate_lock);
    pthread_mutex_unlock(&gate_lock);
}

uint32_t ss_dummy_gate_checksum(int gate)
{
    pthread_mutex_lock(&gate_lock);
    uint32_t checksum = gates[gate].checksum;
    pthread_mutex_unlock(&gate_lock);
    return checksum;
}

static void gate_enter(int gate, uint32_t checksum)
{
    pthread_mutex_lock(&gate_lock);
    Gate *g = &gates[gate];
    g->arrived++;
    g->checksum = checksum;
    pthread_cond_broadcast(&gate_changed);
    while (g->shut && g->passes == 0)
        pthread_cond_wait(&gate_changed, &gate_lock);
    if (g->shut)
        g->passes--;
    pthread_mutex_unlock(&gate_lock);
}

/* --- the backend --- */

enum { MAX_BOXES = 256, NO_GATE = -1, VALUES = 7 /* of a DetectionOutput row */ };

typedef struct Dummy {
    int latency_ms, load_ms, boxes, follow, size, gate, load_gate, async, cuda, stays;
    bool broken_infer, broken_load;
} Dummy;

static void take_ms(int ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
}

static int read_broken(Dummy *d, const SsModelParams *p, const SsLogger *log)
{
    char broken[16];

    if (!ss_option_get(p->options, "broken", broken, sizeof broken))
        return 0;
    const bool load = strcmp(broken, "load") == 0, stand_in = strcmp(broken, "stand_in") == 0;
    d->broken_infer = strcmp(broken, "infer") == 0;
    d->broken_load = p->stand_in ? stand_in : load;
    if (load || stand_in || d->broken_infer)
        return 0;
    ss_log(log, SS_LOG_ERROR, "model option broken=%s: expected load, infer or stand_in", broken);
    return -EINVAL;
}

static int read_options(Dummy *d, const SsModelParams *p, const SsLogger *log)
{
    static const char *const known[] = { "latency",       "load", "broken", "boxes",     "follow",
                                         "size",          "gate", "async",  "load_gate", "stand_in",
                                         "stand_in_gate", "cuda", "stays",  NULL };
    Dummy instead = { 0 }; /* as far as it differs */
    int ret;

    if ((ret = ss_options_check(p->options, known, log)) < 0 ||
        (ret = ss_option_int(p->options, "latency", 0, 3600000, 0, &d->latency_ms, log)) < 0 ||
        (ret = ss_option_int(p->options, "load", 0, 3600000, 0, &d->load_ms, log)) < 0 ||
        (ret = ss_option_int(p->options, "boxes", 0, MAX_BOXES, 1, &d->boxes, log)) < 0 ||
        (ret = ss_option_int(p->options, "stand_in", 0, MAX_BOXES, 1, &instead.boxes, log)) < 0 ||
        (ret = ss_option_int(p->options, "stand_in_gate", 0, SS_DUMMY_GATES - 1, NO_GATE, &instead.gate,
                             log)) < 0 ||
        (ret = ss_option_int(p->options, "follow", 0, 1, 0, &d->follow, log)) < 0 ||
        (ret = ss_option_int(p->options, "async", 0, 1, 0, &d->async, log)) < 0 ||
        (ret = ss_option_int(p->options, "cuda", 0, 1, 0, &d->cuda, log)) < 0 ||
        (ret = ss_option_int(p->options, "stays", 0, 1, 0, &d->stays, log)) < 0 ||
        (ret = ss_option_int(p->options, "size", 1, 4096, 64, &d->size, log)) < 0 ||
        (ret = ss_option_int(p->options, "gate", 0, SS_DUMMY_GATES - 1, NO_GATE, &d->gate, log)) < 0 ||
        (ret = ss_option_int(p->options, "load_gate", 0, SS_DUMMY_GATES - 1, NO_GATE, &d->load_gate, log)) <
            0)
        return ret;
    if (p->stand_in) {
        instead.size = d->size;
        instead.load_gate = NO_GATE;
        *d = instead;
    }
    return read_broken(d, p, log);
}

static int model_open(SsModel *m, const SsModelParams *p)
{
    Dummy *d = m->priv;
    int ret = read_options(d, p, m->log);

    if (ret == 0 && p->precision) {
        ss_log(m->log, SS_LOG_ERROR, "precision %s: the dummy computes nothing", p->precision);
        ret = -ENOTSUP;
    }
    if (ret < 0)
        return ret;
    if (d->load_gate != NO_GATE)
        gate_enter(d->load_gate, 0);
    take_ms(d->load_ms);
    if (d->broken_load) {
        ss_log(m->log, SS_LOG_ERROR, "the dummy model is broken, as asked for (broken=%s)",
               p->stand_in ? "stand_in" : "load");
        return -EIO;
    }
    const int batch = p->batch > 0 ? p->batch : 1, rows = d->follow ? 1 : d->boxes > 0 ? d->boxes : 1;
    m->input = (SsTensor) { "image", SS_U8, 4, { batch, d->size, d->size, 3 }, NULL, 0 };
    m->output[0] = (SsTensor) { "detections", SS_F32, 4, { batch, 1, rows, VALUES }, NULL, 0 };
    m->n_outputs = 1;
    return 0;
}

static void model_close(SsModel *m)
{
    (void)m;
}

static int request_open(SsRequest *r)
{
    const SsModel *m = r->model;

    r->input = m->input;
    r->output[0] = m->output[0];
    r->input.size = (size_t)m->input.dim[0] * (size_t)m->input.dim[1] * (size_t)m->input.dim[2] * 3;
    r->output[0].size = (size_t)m->output[0].dim[0] * (size_t)m->output[0].dim[2] * VALUES * sizeof(float);
    r->input.data = calloc(1, r->input.size);
    r->output[0].data = calloc(1, r->output[0].size);
    if (r->input.data && r->output[0].data)
        return 0;
    ss_log(m->log, SS_LOG_ERROR, "out of memory for the dummy model's tensors");
    free(r->input.data);
    free(r->output[0].data);
    return -ENOMEM;
}

static uint32_t fnv1a(const uint8_t *data, size_t size)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ data[i]) * 16777619u;
    return hash;
}

/** N boxes on a grid, each 60 % of its cell. */
static void script_grid(float *row, int boxes)
{
    int columns = 1;

    while (columns * columns < boxes)
        columns++;
    int lines = boxes > 0 ? (boxes + columns - 1) / columns : 1;
    for (int i = 0; i < boxes; i++, row += VALUES) {
        const int column = i % columns, line = i / columns;
        float x = ((float)column + 0.2f) / (float)columns, w = 0.6f / (float)columns;
        float y = ((float)line + 0.2f) / (float)lines, h = 0.6f / (float)lines;
        const float values[VALUES] = { 0, (float)(1 + i % 3), 0.9f, x, y, x + w, y + h };
        memcpy(row, values, sizeof values);
    }
    if (boxes == 0)
        row[0] = -1; /* end of list */
}

/** One box around what is brighter than 3/4 of the brightest pixel; none in a dark picture. */
static void follow_brightest(float *row, const uint8_t *pixel, int size)
{
    int x0 = size, y0 = size, x1 = -1, y1 = -1, brightest = 0;

    for (int i = 0; i < 3 * size * size; i += 3)
        brightest = pixel[i + 1] > brightest ? pixel[i + 1] : brightest;
    for (int i = 0; i < size * size; i++) {
        if (brightest < 64 || pixel[3 * i + 1] < brightest * 3 / 4)
            continue;
        int x = i % size, y = i / size;
        x0 = x < x0 ? x : x0;
        x1 = x > x1 ? x : x1;
        y0 = y < y0 ? y : y0;
        y1 = y > y1 ? y : y1;
    }
    float s = (float)size;
    const float values[VALUES] = {
        x1 < 0 ? -1.f : 0.f, 1, 0.9f, (float)x0 / s, (float)y0 / s, (float)(x1 + 1) / s, (float)(y1 + 1) / s
    };
    memcpy(row, values, sizeof values);
}

/* What is on a GPU is all the same to scripted boxes. */
static int request_convert(SsRequest *r, int nth, const SsFrameDesc *frame, const SsInputParams *how,
                           SsGeometry *g)
{
    const Dummy *d = r->model->priv;
    const float size = (float)d->size;

    (void)nth, (void)how;
    if (!d->cuda || frame->memory != SS_MEMORY_CUDA)
        return -ENOTSUP;
    *g = (SsGeometry) { size / (float)frame->width, size / (float)frame->height, 0, 0 };
    return d->stays;
}

static int request_infer(SsRequest *r)
{
    const Dummy *d = r->model->priv;

    if (d->gate != NO_GATE)
        gate_enter(d->gate, fnv1a(r->input.data, r->input.size));
    take_ms(d->latency_ms);
    if (d->broken_infer) {
        ss_log(r->model->log, SS_LOG_ERROR, "the dummy inference failed, as asked for (broken=infer)");
        return -EIO;
    }
    float *row = r->output[0].data;
    const uint8_t *pixel = r->input.data;
    for (int i = 0; i < r->input.dim[0]; i++) {
        if (d->follow)
            follow_brightest(row, pixel, d->size);
        else
            script_grid(row, d->boxes);
        row += r->output[0].dim[2] * VALUES;
        pixel += (size_t)d->size * (size_t)d->size * 3;
    }
    return 0;
}

/* --- those that begin and end apart --- */

static atomic_int in_flight, most_in_flight;

int ss_dummy_most_in_flight(void)
{
    return atomic_exchange(&most_in_flight, 0);
}

static int request_start(SsRequest *r)
{
    const Dummy *d = r->model->priv;

    if (!d->async)
        return -ENOTSUP;
    const int now = atomic_fetch_add(&in_flight, 1) + 1;
    int most = atomic_load(&most_in_flight);
    while (most < now && !atomic_compare_exchange_weak(&most_in_flight, &most, now))
        ;
    return 0;
}

static int request_wait(SsRequest *r)
{
    const int ret = request_infer(r);

    atomic_fetch_sub(&in_flight, 1);
    return ret;
}

static void request_close(SsRequest *r)
{
    free(r->input.data);
    free(r->output[0].data);
}

static const char *stand_in(const SsModelParams *p)
{
    char boxes[16];

    return ss_option_get(p->options, "stand_in", boxes, sizeof boxes) ? "stand-in" : NULL;
}

const SsBackend ss_backend_dummy = {
    .name = "dummy",
    .description = "scripted boxes, for tests and demonstrations",
    .model_size = sizeof(Dummy),
    .request_size = 1,
    .model_open = model_open,
    .model_close = model_close,
    .request_open = request_open,
    .request_infer = request_infer,
    .request_close = request_close,
    .request_convert = request_convert,
    .request_start = request_start,
    .request_wait = request_wait,
    .stand_in = stand_in,
};
