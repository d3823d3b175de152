/* SPDX-License-Identifier: Apache-2.0 */
/** The worker's life: load the model (the first one, and the stand-in), then take, look, publish. */
#include "engine_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "internal.h"
#include "patience.h"
#include "standby.h"

/**
 * The picture comes first: the worker, and with it every thread that the runtime starts
 * from here (Linux: a thread inherits the nice value of the one that creates it), gives
 * way to the streams where processors are few.
 */
static void step_back(const SsEngine *e)
{
#ifdef __linux__
    id_t self = (id_t)syscall(SYS_gettid);

    if (e->params.nice < 0)
        return;
    errno = 0;
    int now = getpriority(PRIO_PROCESS, self);
    if (errno == 0 && setpriority(PRIO_PROCESS, self, SS_MIN(now + e->params.nice, 19)) != 0)
        ss_debug(&e->log, "cannot lower the workers' priority: %s", strerror(errno));
#else
    (void)e;
#endif
}

static int index_of(const SsWorker *w)
{
    return (int)(w - w->engine->worker);
}

static bool stands_in(const SsWorker *w)
{
    return w == &w->engine->stand_in;
}

static void name_thread(const SsWorker *w)
{
#ifdef __linux__
    char name[16] = "ss-stand-in";

    if (!stands_in(w))
        snprintf(name, sizeof name, "ss-worker-%d", index_of(w));
    pthread_setname_np(pthread_self(), name);
#else
    (void)w;
#endif
}

static int load(SsEngine *e, SsNetwork *n, const SsModelParams *p)
{
    const SsLogger *log = p->stand_in ? &e->aside : &e->log;
    int64_t start = ss_now_ns();
    int ret = ss_model_open(&n->model, e->backend, p, log);

    if (ret < 0)
        return ret;
    n->decoder = ss_model_decoder(&n->model, e->params.decoder);
    if (!n->decoder) {
        ss_model_close(&n->model);
        return -EPROTO;
    }
    n->input = ss_input_resolve(&e->params.input, &n->decoder->input);
    n->load_ns = ss_now_ns() - start;
    ss_info(log, "%s: loaded on %s in %.1f s, decoder %s", p->path ? p->path : "model", e->backend->name,
            (double)n->load_ns / 1e9, n->decoder->name);
    return 0;
}

static int open_request(SsWorker *w)
{
    SsNetwork *n = w->network;
    int ret = ss_request_open(&w->request, &n->model);

    if (ret < 0)
        return ret;
    if ((ret = ss_image_create(&w->image, &n->model.input, &n->input, n->model.log)) < 0)
        ss_request_close(&w->request);
    return ret;
}

static void close_request(SsWorker *w)
{
    ss_image_destroy(&w->image);
    ss_request_close(&w->request);
}

/** The device that answers until the one that is wanted is ready; NULL: there is no need of one. */
static const char *other_device(const SsEngine *e)
{
    return e->backend->stand_in ? e->backend->stand_in(&e->params.model) : NULL;
}

static int get_ready_to_stand_in(SsWorker *w)
{
    SsEngine *e = w->engine;
    SsModelParams p = e->params.model;
    int ret;

    p.device = other_device(e);
    p.requests = 1;
    p.stand_in = true;
    if ((ret = load(e, w->network, &p)) < 0)
        return ret;
    ret = open_request(w);
    if (ret == 0 && !ss_engine_answers(e, w->network)) {
        close_request(w);
        ret = -ECANCELED;
    }
    if (ret < 0)
        ss_model_close(&w->network->model);
    return ret;
}

/** Only when the first is ready to infer do the others come. */
static int get_ready_first(SsWorker *w)
{
    SsEngine *e = w->engine;
    int ret;

    atomic_store(&e->began, ss_now_ns());
    if (other_device(e))
        ss_engine_start_worker(e, &e->stand_in); /* without one, there is nothing until the model is loaded */
    if ((ret = load(e, w->network, &e->params.model)) < 0 || (ret = open_request(w)) < 0) {
        ss_engine_fail(e);
        return ret;
    }
    ss_engine_answers(e, w->network);
    for (int i = 1; i < e->params.workers && !atomic_load(&e->stopping); i++)
        if (ss_engine_start_worker(e, &e->worker[i]) < 0)
            break; /* logged; fewer workers are better than none */
    return 0;
}

static int get_ready(SsWorker *w)
{
    if (stands_in(w))
        return get_ready_to_stand_in(w);
    return index_of(w) == 0 ? get_ready_first(w) : open_request(w);
}

/** Blocks until `deadline` or until the engine stops. */
static void wait_until(SsEngine *e, int64_t deadline)
{
    const struct timespec t = { deadline / 1000000000, deadline % 1000000000 };

    pthread_mutex_lock(&e->lock);
    while (!atomic_load(&e->stopping) && ss_now_ns() < deadline)
        pthread_cond_timedwait(&e->changed, &e->lock, &t);
    pthread_mutex_unlock(&e->lock);
}

/** Pixels of the network's input -> pixels of the frame, in place. */
static void to_frame(SsDetection *det, int n, const SsGeometry *g)
{
    for (int i = 0; i < n; i++)
        det[i].box = ss_geometry_to_frame(g, det[i].box);
}

/** Returns the count of detections in w->detection, or -errno. Drops the frame as early as it can. */
static int look_at(SsWorker *w, SsStream *s, SsFrame **frame, float threshold)
{
    SsEngine *e = w->engine;
    SsGeometry geometry;
    int ret = ss_image_feed(w->image, &(*frame)->desc, &w->request, &geometry);

    ss_frame_unref(frame);
    if (ret < 0)
        return ret;

    int64_t start = ss_now_ns();
    if ((ret = ss_request_infer(&w->request)) < 0)
        return ret;
    if (e->params.simulate_latency > 0)
        wait_until(e, start + e->params.simulate_latency);
    ss_stream_note_inference(s, ss_now_ns() - start);

    const SsDecodeParams p = { ss_tensor_width(&w->network->model.input),
                               ss_tensor_height(&w->network->model.input), threshold, e->params.nms_iou };
    const SsDecoder *decoder = w->network->decoder;
    ret = decoder->decode(w->request.output, w->network->model.n_outputs, &p, w->detection, SS_MAX_OBJECTS);
    if (ret < 0) {
        ss_err(&e->log, "decoder %s cannot read what the model gave", decoder->name);
        return ret;
    }
    to_frame(w->detection, ret, &geometry);
    return ret;
}

static void serve(SsWorker *w, SsStream *s, SsFrame *frame)
{
    /* The picture holds all that came after it. */
    SsLook look = { frame->epoch, frame->desc.pts, frame->offered_ns, frame->picture };

    frame->picture = NULL;
    ss_histogram_add(&s->take, ss_now_ns() - SS_MAX(frame->offered_ns, w->free_since));
    /* What is followed is known to be there, so a faint sight of it will do. */
    const SsEngineParams *p = &w->engine->params;
    const int n = look_at(w, s, &frame, look.picture ? SS_MIN(p->faint, p->threshold) : p->threshold);
    if (n >= 0) {
        ss_stream_publish(s, &look, w->detection, n);
        if (!stands_in(w)) /* its first inference may take long, too */
            ss_engine_relieve(w->engine);
    } else {
        atomic_fetch_add(&s->failed, 1);
    }
    ss_picture_unref(&look.picture);
    atomic_fetch_sub(&s->in_flight, 1);
    ss_stream_unref(s);
}

static void wait_for_work(SsEngine *e)
{
    while (sem_wait(&e->work) != 0 && errno == EINTR)
        ;
}

/**
 * Keeps `frame`, or lets it go for a younger one that is due so soon that waiting pays
 * (patience.h). One worker and one stream only: with more of either there is other work.
 * Returns the frame to look at; NULL: the engine stops.
 */
static SsFrame *prefer_younger(SsWorker *w, SsStream **s, SsFrame *frame)
{
    SsEngine *e = w->engine;
    const int64_t period = atomic_load(&(*s)->period);
    const int64_t now = ss_now_ns(), wait = ss_patience(period, w->service, now - frame->offered_ns);
    SsStream *of = NULL;

    if (wait == 0 || e->params.workers > 1 || !ss_engine_has_one_stream(e))
        return frame;
    atomic_fetch_add(&(*s)->waits, 1);
    /* A camera may be a little late; one that has stopped is not waited for. */
    const bool came =
        ss_standby(&e->work, now + wait, now + wait + period / 8, atomic_load(&(*s)->processor));
    const bool stopping = atomic_load(&e->stopping);
    SsFrame *younger = came && !stopping ? ss_engine_take(e, &of) : NULL;

    if (younger && of != *s) { /* another stream has joined meanwhile: both have their turn */
        serve(w, *s, frame);
        *s = of;
        return younger;
    }
    if (!younger && !stopping) { /* none came after all */
        w->free_since = ss_now_ns();
        return frame;
    }
    ss_stream_give_up(*s, &frame);
    if (younger)
        *s = of;
    return younger;
}

/** Smoothed, so that one slow inference does not change the rhythm. */
static void note_service(SsWorker *w, int64_t took)
{
    w->service = w->service == 0 ? took : w->service + (took - w->service) / 8;
}

void *ss_worker_main(void *arg)
{
    SsWorker *w = arg;
    SsEngine *e = w->engine;

    name_thread(w);
    if (index_of(w) == 0)
        step_back(e); /* the others are its children */
    if (get_ready(w) < 0)
        return NULL;

    for (;;) {
        SsStream *s;

        w->free_since = ss_now_ns();
        wait_for_work(e);
        if (atomic_load(&e->stopping))
            break;
        if (stands_in(w) && atomic_load(&e->relieved)) {
            sem_post(&e->work); /* for another, who takes what there is */
            break;
        }
        SsFrame *frame = ss_engine_take(e, &s);
        if (frame)
            frame = prefer_younger(w, &s, frame);
        if (!frame)
            continue; /* a flush took it, or the engine stops */
        int64_t start = ss_now_ns();
        serve(w, s, frame);
        note_service(w, ss_now_ns() - start);
    }

    close_request(w);
    if (stands_in(w))
        ss_model_close(&w->network->model);
    return NULL;
}
