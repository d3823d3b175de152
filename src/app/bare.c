/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "app.h"
#include "core/image.h"
#include "core/model.h"
#include "gst/bridge.h"
#include "gst/settings.h"
#include "io/source.h"
#include "io/stats.h"

enum { PICTURES = 64, FAST_HZ = 1000, YIELD = 10 };

struct SsBare {
    const SsOptions *options;
    GPtrArray *frames; /* SsFrame; constant while the loop runs */
    char *error;       /* the last line of the log; guarded by lock */
    GMutex lock;
    GCond changed;
    gboolean running, failed; /* guarded by lock */
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

static GstPadProbeReturn keep(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    SsBare *b = data;
    g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);
    GstVideoInfo video;
    if (!gst_video_info_from_caps(&video, caps))
        return GST_PAD_PROBE_OK;
    /* A copy: a camera has few buffers of its own, and wants them back. */
    g_autoptr(GstBuffer) copy = gst_buffer_copy_deep(GST_PAD_PROBE_INFO_BUFFER(info));
    SsFrame *frame = ss_bridge_wrap(copy, &video, (gint64)b->frames->len);
    if (frame)
        g_ptr_array_add(b->frames, frame);
    return GST_PAD_PROBE_OK;
}

static gboolean decode_pictures(SsBare *b, const char *source, GError **error)
{
    const SsPaceParams pace = { .rate = FAST_HZ, .end = PICTURES * GST_SECOND / FAST_HZ };
    GstElement *bin = ss_source_new(source, &pace, error);
    if (!bin)
        return FALSE;
    g_autoptr(GstElement) pipeline = gst_pipeline_new(NULL);
    GstElement *sink = gst_element_factory_make("fakesink", NULL);
    g_object_set(sink, "sync", FALSE, "async", FALSE, NULL);
    gst_bin_add_many(GST_BIN(pipeline), bin, sink, NULL);
    gst_element_link(bin, sink);
    g_autoptr(GstPad) pad = gst_element_get_static_pad(sink, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, keep, b, NULL);
    g_autoptr(GstBus) bus = gst_pipeline_get_bus(GST_PIPELINE(pipeline));
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    g_autoptr(GstMessage) message =
        gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    if (b->frames->len > 0)
        return TRUE;
    g_autoptr(GError) why = NULL;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
        gst_message_parse_error(message, &why, NULL);
    g_set_error(error, SS_ERROR, SS_EXIT_SOURCE, "could not open %s %s: %s",
                ss_source_noun(ss_source_kind(source)), source,
                why ? why->message : "there is no picture in it");
    return FALSE;
}

SsBare *ss_bare_new(const SsOptions *o, const char *source, GError **error)
{
    SsBare *b = g_new0(SsBare, 1);
    b->options = o;
    b->frames = g_ptr_array_new_with_free_func(unref_frame);
    g_mutex_init(&b->lock);
    g_cond_init(&b->changed);
    if (decode_pictures(b, source, error))
        return b;
    ss_bare_free(b);
    return NULL;
}

/* --- the loop --- */

static void keep_error(void *cookie, SsLogLevel level, const char *message)
{
    SsBare *b = cookie;
    if (level != SS_LOG_ERROR)
        return;
    g_mutex_lock(&b->lock);
    g_free(b->error);
    b->error = g_strdup(message);
    g_mutex_unlock(&b->lock);
}

static void tell(SsBare *b, gboolean failed)
{
    g_mutex_lock(&b->lock);
    b->running = !failed;
    b->failed = failed;
    g_cond_broadcast(&b->changed);
    g_mutex_unlock(&b->lock);
}

typedef struct Loop {
    SsModel model;
    SsRequest request;
    SsImage *image;
    const SsDecoder *decoder;
    SsDecodeParams decode;
} Loop;

static gboolean infer_once(SsBare *b, Loop *l, guint64 n)
{
    SsFrame *frame = g_ptr_array_index(b->frames, n % b->frames->len);
    SsDetection found[SS_MAX_OBJECTS];
    SsGeometry geometry;
    if (ss_image_convert(l->image, ss_frame_desc(frame), l->request.input.data, &geometry) < 0)
        return FALSE;
    gint64 began = ss_now();
    if (ss_request_infer(&l->request) < 0)
        return FALSE;
    gint64 rest_us = b->options->simulate_latency * G_GINT64_CONSTANT(1000) - (ss_now() - began) / 1000;
    if (rest_us > 0)
        g_usleep((gulong)rest_us);
    ss_histogram_add(&b->times, ss_now() - began);
    return l->decoder->decode(l->request.output, l->request.model->n_outputs, &l->decode, found,
                              SS_MAX_OBJECTS) >= 0;
}

static gboolean loop_with_model(SsBare *b, Loop *l, const SsInputParams *input, const SsLogger *log)
{
    l->decoder = ss_model_decoder(&l->model, b->options->decoder);
    if (!l->decoder || ss_request_open(&l->request, &l->model) < 0)
        return FALSE;
    SsInputParams resolved = *input;
    resolved.fit = input->fit ? input->fit : l->decoder->input.fit;
    resolved.order = input->order ? input->order : l->decoder->input.order;
    if (input->scale[0] == 0) {
        memcpy(resolved.mean, l->decoder->input.mean, sizeof resolved.mean);
        memcpy(resolved.scale, l->decoder->input.scale, sizeof resolved.scale);
    }
    l->decode = (SsDecodeParams) { .input_width = ss_tensor_width(&l->model.input),
                                   .input_height = ss_tensor_height(&l->model.input),
                                   .threshold = (float)b->options->threshold,
                                   .nms_iou = 0.45f };
    gboolean ok = ss_image_create(&l->image, &l->model.input, &resolved, log) == 0;
    for (guint64 n = 0; ok && !b->stop; n++) {
        ok = infer_once(b, l, n);
        if (ok && n == 0)
            tell(b, FALSE);
        b->count++;
    }
    ss_image_destroy(&l->image);
    ss_request_close(&l->request);
    return ok;
}

static gpointer loop(gpointer data)
{
    SsBare *b = data;
    const SsOptions *o = b->options;
    SsLogger log = { .level = SS_LOG_ERROR, .write = keep_error, .cookie = b };
    Loop l = { .image = NULL };
    SsSettings settings;
    SsEngineParams params;
    ss_settings_init(&settings);
    settings.preprocess = o->preprocess;
    settings.input_size = o->input_size;
    ss_settings_to_params(&settings, &params, NULL); /* checked with the options */
    params.model.path = o->model;
    params.model.device = o->device;
    params.model.options = o->model_options;
    params.model.cache_dir = *o->cache_dir ? o->cache_dir : NULL;
    params.model.threads = o->threads;
    params.model.requests = 1;
    /* As an engine's worker does, before the runtime makes threads of its own. */
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), YIELD);
    gboolean ok = ss_model_open(&l.model, o->backend ? ss_backend_find(o->backend) : ss_backend_nth(0),
                                &params.model, &log) == 0;
    if (ok) {
        ok = loop_with_model(b, &l, &params.input, &log);
        ss_model_close(&l.model);
    }
    if (!ok)
        tell(b, TRUE);
    return NULL;
}

gboolean ss_bare_start(SsBare *b, GError **error)
{
    b->stop = false;
    b->running = b->failed = FALSE;
    b->count = 0;
    memset(&b->times, 0, sizeof b->times);
    b->thread = g_thread_new("bare", loop, b);
    g_mutex_lock(&b->lock);
    while (!b->running && !b->failed)
        g_cond_wait(&b->changed, &b->lock);
    gboolean failed = b->failed;
    if (failed)
        g_set_error(error, SS_ERROR, SS_EXIT_MODEL, "%s", b->error ? b->error : "the network failed");
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
    g_free(b->error);
    g_free(b);
}
