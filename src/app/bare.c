/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

#include <string.h>

#include "app.h"
#include "core/histogram.h"
#include "film.h"
#include "gst/loan.h"
#include "io/stats.h"
#include "network.h"

enum { PICTURES = 64 };

struct SsBare {
    const SsOptions *options;
    GPtrArray *frames; /* SsFrame; constant while the loop runs */
    GMutex lock;
    GCond changed;
    gboolean running; /* guarded by lock */
    GError *error;    /* the same; why it runs no more */
    atomic_bool stop;
    GThread *thread;
    atomic_uint_fast64_t count;
    SsHistogram times;
};

/* --- pictures --- */

static void unref_frame(gpointer data)
{
    SsFrame *frame = data;
    ss_frame_unref(&frame);
}

static gboolean keep(void *cookie, GstBuffer *picture, const GstVideoInfo *info, gint64 pts)
{
    SsBare *b = cookie;
    /* A copy: a camera has few buffers of its own, and wants them back. */
    g_autoptr(GstBuffer) copy = gst_buffer_copy_deep(picture);
    SsFrame *frame = ss_loan_wrap(NULL, copy, info, pts);
    if (frame)
        g_ptr_array_add(b->frames, frame);
    return b->frames->len < PICTURES;
}

SsBare *ss_bare_new(const SsOptions *o, const char *source, GError **error)
{
    SsBare *b = g_new0(SsBare, 1);
    b->options = o;
    b->frames = g_ptr_array_new_with_free_func(unref_frame);
    g_mutex_init(&b->lock);
    g_cond_init(&b->changed);
    if (ss_film_read(&(SsFilmParams) { .source = source }, keep, b, error)) {
        if (b->frames->len > 0)
            return b;
        g_set_error(error, SS_ERROR, SS_EXIT_SOURCE, "%s: its pictures cannot be read", source);
    }
    ss_bare_free(b);
    return NULL;
}

/* --- the loop --- */

/** Takes the error over; NULL: it runs. */
static void tell(SsBare *b, GError *error)
{
    g_mutex_lock(&b->lock);
    b->running = !error;
    g_clear_error(&b->error);
    b->error = error;
    g_cond_broadcast(&b->changed);
    g_mutex_unlock(&b->lock);
}

static gboolean infer_once(SsBare *b, SsNetwork *network, guint64 n)
{
    SsFrame *frame = g_ptr_array_index(b->frames, n % b->frames->len);
    SsDetection found[SS_MAX_OBJECTS];
    int64_t took;
    if (ss_network_look(network, ss_frame_desc(frame), (float)b->options->threshold, found, &took) < 0)
        return FALSE;
    const gint64 rest = b->options->simulate_latency * G_GINT64_CONSTANT(1000000) - took;
    if (rest > 0)
        g_usleep((gulong)(rest / 1000));
    ss_histogram_add(&b->times, took + MAX(rest, 0));
    return TRUE;
}

static gpointer loop(gpointer data)
{
    SsBare *b = data;
    GError *error = NULL;
    SsNetwork *network = ss_network_open(b->options, &error);
    gboolean ok = network != NULL;
    for (guint64 n = 0; ok && !b->stop; n++) {
        ok = infer_once(b, network, n);
        if (ok && n == 0)
            tell(b, NULL);
        b->count++;
    }
    if (network && !ok)
        ss_network_error(network, &error);
    if (network)
        ss_network_close(network);
    if (error)
        tell(b, error);
    return NULL;
}

gboolean ss_bare_start(SsBare *b, GError **error)
{
    b->stop = false;
    b->running = FALSE;
    b->count = 0;
    memset(&b->times, 0, sizeof b->times);
    b->thread = g_thread_new("bare", loop, b);
    g_mutex_lock(&b->lock);
    while (!b->running && !b->error)
        g_cond_wait(&b->changed, &b->lock);
    gboolean failed = b->error != NULL;
    if (failed)
        g_propagate_error(error, g_steal_pointer(&b->error));
    g_mutex_unlock(&b->lock);
    if (failed)
        ss_bare_stop(b);
    return !failed;
}

guint64 ss_bare_count(const SsBare *b)
{
    return b->count;
}

void ss_bare_times(const SsBare *b, SsTimes *out)
{
    ss_histogram_times(&b->times, out);
}

void ss_bare_stop(SsBare *b)
{
    b->stop = true;
    g_clear_pointer(&b->thread, g_thread_join);
}

void ss_bare_free(SsBare *b)
{
    g_ptr_array_unref(b->frames);
    g_mutex_clear(&b->lock);
    g_cond_clear(&b->changed);
    g_clear_error(&b->error);
    g_free(b);
}
