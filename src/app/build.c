/* SPDX-License-Identifier: Apache-2.0 */
/** `sidestream build MODEL`: lets a device compile a model ahead of time, into the cache that `run` looks in.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app.h"
#include "core/model.h"
#include "io/stats.h"
#include "options.h"

enum { TICK = 100000, BAR = 24, BLOCK = 6 }; /* us between two looks of the bar; its characters */

/* One start: until the network has answered once. */
typedef struct Start {
    const SsBackend *backend;
    SsModelParams params;
    GMutex lock;
    GCond changed;
    gboolean done; /* guarded by lock, as is all that follows */
    int result;
    gint64 took; /* ns */
    char *error; /* the last */
    GString *log;
} Start;

static void keep_line(void *cookie, SsLogLevel level, const char *message)
{
    Start *s = cookie;
    g_mutex_lock(&s->lock);
    if (level == SS_LOG_ERROR) {
        g_free(s->error);
        s->error = g_strdup(message);
    } else {
        g_string_append_printf(s->log, "  %s\n", message);
    }
    g_mutex_unlock(&s->lock);
}

static int open_and_infer(const Start *s, const SsLogger *log)
{
    SsModel m;
    SsRequest r;
    int ret = ss_model_open(&m, s->backend, &s->params, log);
    if (ret < 0)
        return ret;
    if ((ret = ss_request_open(&r, &m)) == 0) {
        memset(r.input.data, 0, r.input.size);
        ret = ss_request_infer(&r);
        ss_request_close(&r);
    }
    ss_model_close(&m);
    return ret;
}

static gpointer run_start(gpointer data)
{
    Start *s = data;
    const SsLogger log = { .level = SS_LOG_INFO, .write = keep_line, .cookie = s };
    const gint64 began = ss_now();
    const int result = open_and_infer(s, &log);
    g_mutex_lock(&s->lock);
    s->result = result;
    s->took = ss_now() - began;
    s->done = TRUE;
    g_cond_signal(&s->changed);
    g_mutex_unlock(&s->lock);
    return NULL;
}

/* No runtime tells how far it is, so the bar says only that it goes on, and for how long. */
static void draw_bar(const char *what, int tick)
{
    const int room = BAR - BLOCK, at = tick % (2 * room) < room ? tick % room : room - tick % room;
    char bar[BAR + 1];
    for (int i = 0; i < BAR; i++)
        bar[i] = i >= at && i < at + BLOCK ? '=' : ' ';
    bar[BAR] = '\0';
    fprintf(stderr, "\r%s [%s] %.0f s ", what, bar, (double)tick * TICK / 1e6);
}

static void wait_with_bar(Start *s, const char *what)
{
    const gboolean bar = isatty(STDERR_FILENO);
    if (!bar)
        fprintf(stderr, "%s ...\n", what);
    g_mutex_lock(&s->lock);
    for (int tick = 0; !s->done; tick++) {
        const gint64 until = g_get_monotonic_time() + TICK;
        while (!s->done && g_cond_wait_until(&s->changed, &s->lock, until))
            ;
        if (bar && !s->done)
            draw_bar(what, tick);
    }
    g_mutex_unlock(&s->lock);
    if (bar)
        fputs("\r\033[K", stderr);
}

/* Returns ns; -1: it failed, and that has been said. */
static gint64 start(const SsOptions *o, const SsBackend *backend, const SsModelParams *params,
                    const char *what)
{
    Start s = { .backend = backend, .params = *params, .log = g_string_new(NULL) };
    g_mutex_init(&s.lock);
    g_cond_init(&s.changed);
    GThread *thread = g_thread_new("build", run_start, &s);
    wait_with_bar(&s, what);
    g_thread_join(thread);
    if (s.result < 0)
        ss_say("%s", s.error ? s.error : "the model cannot be loaded");
    else if (o->verbose)
        fputs(s.log->str, stderr);
    const gint64 took = s.result < 0 ? -1 : s.took;
    g_mutex_clear(&s.lock);
    g_cond_clear(&s.changed);
    g_string_free(s.log, TRUE);
    g_free(s.error);
    return took;
}

static int build(const SsOptions *o, const SsBackend *backend, const SsModelParams *params)
{
    const char *device = params->device ? params->device : "its default device";
    g_autofree char *building = g_strdup_printf("building %s for %s", params->path, device);
    const gint64 first = start(o, backend, params, building);
    if (first < 0)
        return SS_EXIT_MODEL;
    const gint64 second = start(o, backend, params, "trying it");
    if (second < 0)
        return SS_EXIT_MODEL;
    printf("%s: built for %s in %.1f s; the next start takes %.1f s\n", params->path, device,
           (double)first / 1e9, (double)second / 1e9);
    return SS_EXIT_OK;
}

int ss_command_build(int argc, char **argv)
{
    SsOptions o;
    g_autoptr(GError) error = NULL;
    int code;
    if (!ss_options_parse(&o, SS_FOR_BUILD, argc, argv, &error)) {
        code = ss_say_error(error);
    } else {
        SsEngineParams params;
        const SsBackend *backend = ss_options_to_model(&o, &params);
        code = build(&o, backend, &params.model);
    }
    ss_options_clear(&o);
    return code;
}
