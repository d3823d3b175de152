/* SPDX-License-Identifier: Apache-2.0 */
#include "realtime.h"

#include "film.h"
#include "gst/engines.h"
#include "gst/region.h"
#include "io/exit.h"
#include "io/stats.h"

typedef struct Viewer {
    SsShownFunc func;
    void *cookie;
} Viewer;

static gboolean view(void *cookie, GstBuffer *picture, const GstVideoInfo *info, gint64 pts)
{
    const Viewer *viewer = cookie;
    SsObject shown[SS_MAX_OBJECTS];
    SsRegion region;
    gpointer state = NULL;
    int n = 0;
    while (n < SS_MAX_OBJECTS && ss_region_next(picture, &state, &region))
        n += ss_region_object(&region, info, pts, &shown[n]);
    viewer->func(viewer->cookie, pts, shown, n);
    return TRUE;
}

static GstElement *make_infer(const SsRealtimeParams *p)
{
    GstElement *infer = gst_element_factory_make("ssinfer", NULL);
    ss_options_to_infer(p->options, infer);
    g_object_set(infer, "engine", "eval", "simulate-latency", p->simulate_latency, NULL);
    gst_util_set_object_arg(G_OBJECT(infer), "align", ss_align_name(p->align));
    return infer;
}

/** The element's engine, running: the first picture is not to wait for the model. NULL: `error` says why. */
static SsSharedEngine *running_engine(GstElement *infer, GError **error)
{
    SsSettings settings;
    char why[512];
    ss_settings_read(&settings, G_OBJECT(infer));
    SsSharedEngine *engine = ss_shared_engine_acquire(&settings, error);
    ss_settings_clear(&settings);
    if (engine && ss_engine_wait_loaded(ss_shared_engine_get(engine)) != SS_RUNNING) {
        ss_engine_error(ss_shared_engine_get(engine), why, sizeof why);
        g_set_error_literal(error, SS_ERROR, SS_EXIT_MODEL, why);
        ss_shared_engine_release(&engine);
    }
    return engine;
}

gboolean ss_realtime_play(const SsRealtimeParams *p, SsShownFunc func, void *cookie, SsTimes *cost,
                          GError **error)
{
    Viewer viewer = { func, cookie };
    SsMeterReading reading;
    GstElement *infer = gst_object_ref_sink(make_infer(p));
    SsSharedEngine *engine = running_engine(infer, error);
    g_autoptr(GstPad) in = gst_element_get_static_pad(infer, "sink"),
                      out = gst_element_get_static_pad(infer, "src");
    SsMeter *meter = ss_meter_new(ss_now());
    ss_meter_watch_work(meter, in, out);
    const SsFilmParams film = {
        .source = p->source, .rate = p->options->rate, .duration = p->options->duration, .through = infer
    };
    const gboolean played = engine && ss_film_read(&film, view, &viewer, error);
    ss_meter_read(meter, &reading);
    *cost = reading.cost;
    gst_object_unref(infer);
    ss_meter_free(meter);
    ss_shared_engine_release(&engine);
    return played;
}
