/* SPDX-License-Identifier: Apache-2.0 */
#include "engine_private.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "internal.h"

const char *ss_state_name(SsState state)
{
    static const char *const name[] = { "stopped", "loading", "running", "failed" };

    return (unsigned)state < SS_COUNTOF(name) ? name[state] : "unknown";
}

/**
 * The engine's own logger: keeps the last error for ss_engine_error(), and lets one that
 * repeats itself through only the 1st, 2nd, 4th, 8th ... time.
 */
static void log_write(void *cookie, SsLogLevel level, const char *msg)
{
    SsEngine *e = cookie;
    unsigned repeats = 0;

    if (level == SS_LOG_ERROR) {
        pthread_mutex_lock(&e->lock);
        if (strncmp(e->error, msg, sizeof e->error - 1) == 0)
            repeats = ++e->error_repeats;
        else
            e->error_repeats = 0;
        snprintf(e->error, sizeof e->error, "%s", msg);
        pthread_mutex_unlock(&e->lock);
    }
    if (repeats & (repeats + 1))
        return;
    if (repeats)
        ss_log(&e->params.log, level, "%s (%u times)", msg, repeats + 1);
    else
        ss_log(&e->params.log, level, "%s", msg);
}

/** The stand-in's: whatever goes wrong there, the stream is none the worse for it. */
static void log_aside(void *cookie, SsLogLevel level, const char *msg)
{
    SsEngine *e = cookie;

    ss_log(&e->log, SS_MAX(level, SS_LOG_INFO), "for the meantime: %s", msg);
}

/** A string of the caller's becomes the engine's; "" counts as absent. */
static bool own(const char **s)
{
    if (!*s || !**s) {
        *s = NULL;
        return true;
    }
    *s = strdup(*s);
    return *s;
}

static void free_strings(SsEngineParams *p)
{
    free((char *)p->backend);
    free((char *)p->decoder);
    free((char *)p->model.path);
    free((char *)p->model.device);
    free((char *)p->model.cache_dir);
    free((char *)p->model.options);
    free((char *)p->model.precision);
}

/** On failure what was not copied is NULL, so that free_strings() frees only what is ours. */
static int own_strings(SsEngineParams *p)
{
    const char **const all[] = { &p->backend,         &p->decoder,       &p->model.path,     &p->model.device,
                                 &p->model.cache_dir, &p->model.options, &p->model.precision };

    for (size_t i = 0; i < SS_COUNTOF(all); i++) {
        if (own(all[i]))
            continue;
        for (; i < SS_COUNTOF(all); i++)
            *all[i] = NULL;
        return -ENOMEM;
    }
    return 0;
}

void ss_engine_defaults(SsEngineParams *p)
{
    if (!(p->threshold > 0))
        p->threshold = 0.3f;
    if (!(p->faint > 0))
        p->faint = p->threshold / 3;
    if (!(p->tracker.start_score > 0))
        p->tracker.start_score = p->threshold;
    if (p->tracker.coast == 0)
        p->tracker.coast = 1000000000;
    if (!(p->nms_iou > 0))
        p->nms_iou = 0.45f;
    if (p->nice == 0)
        p->nice = 10;
    p->workers = SS_MIN(SS_MAX(p->workers, 1), SS_MAX_WORKERS);
    p->model.requests = p->workers;
}

/** What can be found out without loading anything. */
static int check_params(SsEngine *e)
{
    const SsEngineParams *p = &e->params;

    e->backend = p->backend ? ss_backend_find(p->backend) : ss_backend_nth(0);
    if (!e->backend) {
        char names[128] = "";
        for (int i = 0; ss_backend_nth(i); i++)
            ss_append_word(names, sizeof names, ss_backend_nth(i)->name);
        ss_err(&e->log, "no backend '%s' in this build; there is: %s", p->backend, names);
        return -ENOTSUP;
    }
    if (p->decoder && !ss_decoder_find(p->decoder)) {
        char names[128] = "";
        for (int i = 0; ss_decoder_nth(i); i++)
            ss_append_word(names, sizeof names, ss_decoder_nth(i)->name);
        ss_err(&e->log, "no decoder '%s'; there is: %s", p->decoder, names);
        return -EINVAL;
    }
    if (ss_model_check_params(&p->model, &e->log) < 0)
        return -EINVAL;
    if (!p->model.path && strcmp(e->backend->name, "dummy") != 0) {
        ss_err(&e->log, "no model given");
        return -EINVAL;
    }
    if (p->model.path && access(p->model.path, R_OK) != 0) {
        int ret = -errno;
        ss_err(&e->log, "cannot read the model %s: %s", p->model.path, strerror(-ret));
        return ret == -ENOENT || ret == -ENOTDIR ? -ENOENT : -EINVAL;
    }
    return 0;
}

int ss_engine_create(SsEngine **out, const SsEngineParams *p)
{
    SsEngine *e = calloc(1, sizeof *e);
    int ret;

    if (!e) {
        ss_err(&p->log, "out of memory");
        return -ENOMEM;
    }
    e->params = *p;
    e->log = (SsLogger) { .level = SS_LOG_TRACE, .write = log_write, .cookie = e };
    e->aside = (SsLogger) { .level = SS_LOG_TRACE, .write = log_aside, .cookie = e };
    pthread_mutex_init(&e->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&e->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sem_init(&e->work, 0, 0);

    ss_engine_defaults(&e->params);
    if ((ret = own_strings(&e->params)) < 0) {
        ss_err(&e->log, "out of memory");
        goto fail;
    }
    if ((ret = check_params(e)) < 0)
        goto fail;
    *out = e;
    return 0;

fail:
    ss_engine_destroy(&e);
    return ret;
}

static void set_state(SsEngine *e, SsState state, SsNetwork *answers)
{
    atomic_store(&e->answers, answers);
    atomic_store(&e->state, state);
    pthread_cond_broadcast(&e->changed);
}

bool ss_engine_answers(SsEngine *e, SsNetwork *n)
{
    pthread_mutex_lock(&e->lock);
    const bool counts = n == &e->wanted || !(atomic_load(&e->answers) || atomic_load(&e->relieved));
    if (counts)
        set_state(e, SS_RUNNING, n);
    pthread_mutex_unlock(&e->lock);
    return counts;
}

void ss_engine_relieve(SsEngine *e)
{
    if (!e->stand_in.started || atomic_load(&e->relieved))
        return;
    pthread_mutex_lock(&e->lock);
    const bool already = atomic_exchange(&e->relieved, true);
    pthread_mutex_unlock(&e->lock);
    if (!already)
        sem_post(&e->work); /* whoever wakes passes it on, until the stand-in does */
}

void ss_engine_fail(SsEngine *e)
{
    ss_engine_relieve(e);
    pthread_mutex_lock(&e->lock);
    set_state(e, SS_FAILED, NULL);
    pthread_mutex_unlock(&e->lock);
}

int ss_engine_start_worker(SsEngine *e, SsWorker *w)
{
    sigset_t all, before;

    w->engine = e;
    w->network = w == &e->stand_in ? &e->instead : &e->wanted;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&w->thread, NULL, ss_worker_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err) {
        ss_err(&e->log, "cannot start a worker: %s", strerror(err));
        return -EAGAIN;
    }
    w->started = true;
    return 0;
}

static void join(SsWorker *w)
{
    if (w->started)
        pthread_join(w->thread, NULL);
    w->started = false;
}

int ss_engine_start(SsEngine *e)
{
    if (e->worker[0].started && ss_engine_state(e) != SS_FAILED)
        return 0;
    ss_engine_stop(e); /* a worker that failed to load has ended, but is not joined yet */

    pthread_mutex_lock(&e->lock);
    atomic_store(&e->stopping, false);
    atomic_store(&e->relieved, false);
    set_state(e, SS_LOADING, NULL);
    /* A stop may have swallowed the posts of slots that are still full. */
    for (SsStream *s = e->streams; s; s = s->next)
        sem_post(&e->work);
    pthread_mutex_unlock(&e->lock);

    int ret = ss_engine_start_worker(e, &e->worker[0]);
    if (ret < 0)
        ss_engine_fail(e);
    return ret;
}

void ss_engine_stop(SsEngine *e)
{
    pthread_mutex_lock(&e->lock);
    atomic_store(&e->stopping, true);
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
    for (int i = 0; i < SS_MAX_WORKERS + 1; i++)
        sem_post(&e->work);

    /* Worker 0 starts the others: once it is joined, `started` is settled for all. */
    for (int i = 0; i < SS_MAX_WORKERS; i++)
        join(&e->worker[i]);
    join(&e->stand_in);
    ss_model_close(&e->wanted.model);
    pthread_mutex_lock(&e->lock);
    set_state(e, SS_STOPPED, NULL);
    pthread_mutex_unlock(&e->lock);
}

void ss_engine_destroy(SsEngine **engine)
{
    if (!engine || !*engine)
        return;
    SsEngine *e = *engine;
    *engine = NULL;
    ss_engine_stop(e);
    sem_destroy(&e->work);
    pthread_cond_destroy(&e->changed);
    pthread_mutex_destroy(&e->lock);
    free_strings(&e->params);
    free(e);
}

SsState ss_engine_state(const SsEngine *e)
{
    return (SsState)atomic_load(&e->state);
}

SsState ss_engine_wait_loaded(SsEngine *e)
{
    pthread_mutex_lock(&e->lock);
    while (atomic_load(&e->state) == SS_LOADING || atomic_load(&e->answers) == &e->instead)
        pthread_cond_wait(&e->changed, &e->lock);
    SsState state = (SsState)atomic_load(&e->state);
    pthread_mutex_unlock(&e->lock);
    return state;
}

void ss_engine_error(SsEngine *e, char *text, size_t size)
{
    pthread_mutex_lock(&e->lock);
    snprintf(text, size, "%s", e->error);
    pthread_mutex_unlock(&e->lock);
}

int64_t ss_engine_standing_in(const SsEngine *e)
{
    return atomic_load(&e->answers) == &e->instead ? ss_now_ns() - atomic_load(&e->began) : -1;
}

uint64_t ss_engine_calls(const SsEngine *e)
{
    return atomic_load(&e->calls);
}

int ss_engine_model_info(SsEngine *e, SsModelInfo *out)
{
    const SsNetwork *n = atomic_load(&e->answers);
    SsTensor one[SS_MAX_OUTPUTS];

    if (!n)
        return -EAGAIN;
    ss_model_outputs(&n->model, one);
    *out = (SsModelInfo) {
        .backend = e->backend->name,
        .decoder = n->decoder->name,
        .input = n->model.input,
        .n_outputs = n->model.n_outputs,
        .n_classes = n->decoder->n_classes(one, n->model.n_outputs),
        .first_class_id = n->decoder->first_class_id,
        .load_ns = n->load_ns,
    };
    memcpy(out->output, n->model.output, sizeof out->output);
    return 0;
}

bool ss_engine_has_one_stream(SsEngine *e)
{
    pthread_mutex_lock(&e->lock);
    bool one = e->streams && !e->streams->next;
    pthread_mutex_unlock(&e->lock);
    return one;
}

SsFrame *ss_engine_take(SsEngine *e, SsStream **stream)
{
    SsStream *turn = NULL;
    SsFrame *frame = NULL;

    pthread_mutex_lock(&e->lock);
    for (SsStream *s = e->streams; s; s = s->next)
        if (atomic_load(&s->slot) && (!turn || s->last_served < turn->last_served))
            turn = s;
    /* The stream may flush meanwhile: then there is nothing, and no harm. */
    if (turn && (frame = atomic_exchange(&turn->slot, NULL))) {
        turn->last_served = ++e->served;
        atomic_fetch_add(&turn->refs, 1);
    }
    pthread_mutex_unlock(&e->lock);
    *stream = turn;
    return frame;
}
