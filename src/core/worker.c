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

/** A frame may wait on the device for so long before it is looked at; ns. */
static const int64_t SHORT = 4000000;

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

/* So many workers have two inferences under way each. With more of them, each on a stream of the device's,
 * they are in each other's way (docs/performance.md). */
enum { PAIRED_WORKERS = 2 };

/** A second one, where that pays. */
static void open_second(SsWorker *w)
{
    const SsEngineParams *p = &w->engine->params;

    if (p->workers <= PAIRED_WORKERS && !stands_in(w) && p->simulate_latency == 0 &&
        ss_request_open_beside(&w->flight[1].request, &w->flight[0].request) == 0)
        w->flights = 2;
}

static int open_requests(SsWorker *w)
{
    SsNetwork *n = w->network;
    int ret = ss_request_open(&w->flight[0].request, &n->model);

    if (ret < 0)
        return ret;
    if ((ret = ss_image_create(&w->image, &n->model.input, &n->input, n->model.log)) < 0) {
        ss_request_close(&w->flight[0].request);
        return ret;
    }
    w->flights = 1;
    open_second(w);
    return 0;
}

static void close_requests(SsWorker *w)
{
    ss_image_destroy(&w->image);
    while (w->flights > 0)
        ss_request_close(&w->flight[--w->flights].request);
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
    p.batch = 0;
    p.stand_in = true;
    if ((ret = load(e, w->network, &p)) < 0)
        return ret;
    ret = open_requests(w);
    if (ret == 0 && !ss_engine_answers(e, w->network)) {
        close_requests(w);
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
    if ((ret = load(e, w->network, &e->params.model)) < 0 || (ret = open_requests(w)) < 0) {
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
    return index_of(w) == 0 ? get_ready_first(w) : open_requests(w);
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

/** A frame in the memory of a device where it cannot become the input comes over first. */
static int feed(SsWorker *w, SsFlight *f, SsSeat *seat, const SsFrame *frame)
{
    const SsLogger *log = &w->engine->log;
    SsFrameDesc here;
    int ret = ss_frame_claim(frame, &here);

    if (ret < 0) {
        ss_err(log, "a frame cannot be read: %s", strerror(-ret));
        return ret;
    }
    ret = ss_image_feed(w->image, &here, &f->request, f->n, &seat->geometry);
    if (ret != -ENOTSUP || frame->desc.memory == SS_MEMORY_HOST)
        return ret;
    if ((ret = ss_frame_fetch(frame, &here)) < 0) {
        ss_err(log, "a frame in a device's memory cannot be read: %s", strerror(-ret));
        return ret;
    }
    atomic_fetch_add(&seat->stream->fetched, 1);
    return ss_image_feed(w->image, &here, &f->request, f->n, &seat->geometry);
}

/** What was seen of it is out, or nothing will be. */
static void leave(SsSeat *seat)
{
    ss_frame_unref(&seat->frame);
    ss_picture_unref(&seat->look.picture);
    atomic_fetch_sub(&seat->stream->in_flight, 1);
    ss_stream_unref(seat->stream);
}

/** Takes frame and reference. */
static void board(SsWorker *w, SsFlight *f, SsStream *s, SsFrame *frame)
{
    SsSeat *seat = &f->seat[f->n];

    /* The picture holds all that came after it. */
    *seat = (SsSeat) { .stream = s,
                       .look = { frame->epoch, frame->desc.pts, frame->offered_ns, frame->picture } };
    frame->picture = NULL;
    ss_histogram_add(&s->take, ss_now_ns() - SS_MAX(frame->offered_ns, w->free_since));
    if (frame->desc.memory != SS_MEMORY_HOST)
        ss_gpu_sight_prepare(&s->gpu_sight, &frame->desc, &w->engine->log);
    const int ret = feed(w, f, seat, frame);
    if (ret > 0)
        seat->frame = frame;
    else
        ss_frame_unref(&frame); /* as early as it can go */
    if (ret >= 0) {
        f->n++;
        return;
    }
    atomic_fetch_add(&s->failed, 1); /* its seat goes to another */
    leave(seat);
}

/** Another that is waiting now; NULL: there is none. */
static SsFrame *take_waiting(SsWorker *w, SsStream **s)
{
    SsEngine *e = w->engine;

    if (atomic_load(&e->stopping) || sem_trywait(&e->work) != 0)
        return NULL;
    w->free_since = ss_now_ns();
    return ss_engine_take(e, s);
}

/** With this frame, and of those that are waiting as many as go together. Nobody waits for more. */
static void begin(SsWorker *w, SsFlight *f, SsStream *s, SsFrame *frame)
{
    const int asked = SS_MAX(w->engine->params.model.batch, 1); /* the model's file may have it otherwise */
    const int seats = SS_MIN(ss_tensor_batch(&w->network->model.input), asked);

    f->n = 0;
    for (; frame; frame = f->n < seats ? take_waiting(w, &s) : NULL)
        board(w, f, s, frame);
    f->started = ss_now_ns();
    f->in_flight = false;
    f->ret = 0;
    if (f->n == 0 || w->flights == 1)
        return;
    const int ret = ss_request_start(&f->request);
    f->in_flight = ret == 0;
    if (ret != -ENOTSUP)
        f->ret = ret;
}

static int infer(SsWorker *w, SsFlight *f)
{
    SsEngine *e = w->engine;
    int ret = f->ret;

    if (ret == 0)
        ret = f->in_flight ? ss_request_wait(&f->request) : ss_request_infer(&f->request);
    if (ret == 0 && e->params.simulate_latency > 0)
        wait_until(e, f->started + e->params.simulate_latency);
    return ret;
}

/** Returns the count of detections in w->detection, or -errno. */
static int detect(SsWorker *w, const SsFlight *f, int nth, float threshold)
{
    SsEngine *e = w->engine;
    const SsNetwork *n = w->network;
    const SsDecodeParams p = { ss_tensor_width(&n->model.input), ss_tensor_height(&n->model.input), threshold,
                               e->params.nms_iou };
    int ret = ss_request_decode(&f->request, nth, n->decoder, &p, w->detection, SS_MAX_OBJECTS);

    if (ret < 0)
        ss_err(&e->log, "decoder %s cannot read what the model gave", n->decoder->name);
    else
        to_frame(w->detection, ret, &f->seat[nth].geometry);
    return ret;
}

/** What was seen in one of the flight's frames, or that it failed. */
static void tell(SsWorker *w, SsFlight *f, int nth, int ret)
{
    const SsEngineParams *p = &w->engine->params;
    SsSeat *seat = &f->seat[nth];

    /* What is followed is known to be there, so a faint sight of it will do. */
    if (ret == 0)
        ret = detect(w, f, nth, seat->look.picture ? SS_MIN(p->faint, p->threshold) : p->threshold);
    if (ret >= 0)
        ss_stream_publish(seat->stream, &seat->look, w->detection, ret);
    else
        atomic_fetch_add(&seat->stream->failed, 1);
    if (ret >= 0 && !stands_in(w)) /* its first inference may take long, too */
        ss_engine_relieve(w->engine);
    leave(seat);
}

static void end(SsWorker *w, SsFlight *f)
{
    if (f->n == 0)
        return;
    const int ret = infer(w, f);
    const int64_t took = ss_now_ns() - f->started;

    atomic_fetch_add(&w->engine->calls, 1);
    for (int i = 0; i < f->n; i++) {
        if (ret == 0)
            ss_stream_note_inference(f->seat[i].stream, took);
        tell(w, f, i, ret);
    }
}

/**
 * Begins the next while `f` is looked at, so that its device has no pause; NULL: nothing is waiting, or it
 * would wait there for so long that a younger one had better be taken when `f` is done.
 */
static SsFlight *begin_next(SsWorker *w, const SsFlight *f)
{
    SsFlight *next = &w->flight[f == &w->flight[0]];
    SsStream *s;

    if (!f->in_flight || w->service == 0 || w->service > SHORT)
        return NULL;
    SsFrame *frame = take_waiting(w, &s);
    if (!frame)
        return NULL;
    begin(w, next, s, frame);
    return next;
}

/** Smoothed, so that one slow inference does not change the rhythm. */
static void note_service(SsWorker *w, int64_t took)
{
    w->service = w->service == 0 ? took : w->service + (took - w->service) / 8;
}

/** This frame, and as long as there is always one waiting, those that come. */
static void serve(SsWorker *w, SsStream *s, SsFrame *frame)
{
    SsFlight *f = &w->flight[0], *next;
    int64_t start = ss_now_ns(), now;

    for (begin(w, f, s, frame); f; f = next, start = now) {
        next = begin_next(w, f);
        end(w, f);
        now = ss_now_ns();
        note_service(w, now - start);
    }
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
    const int64_t period = atomic_load(&(*s)->period), now = ss_now_ns();
    SsStream *of = NULL;

    if (e->params.workers > 1 || !ss_engine_has_one_stream(e))
        return frame;
    const int64_t wait = ss_patience(&w->patience, (SsAlign)atomic_load(&(*s)->align), period, w->service,
                                     now - frame->offered_ns);
    if (wait == 0)
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
        serve(w, s, frame);
    }

    close_requests(w);
    if (stands_in(w))
        ss_model_close(&w->network->model);
    return NULL;
}
