/* SPDX-License-Identifier: Apache-2.0 */
#include "film.h"

#include "io/exit.h"
#include "io/source.h"

typedef struct Film {
    SsFilmFunc func;
    void *cookie;
    GstElement *pipeline;
    guint64 pictures;
    gboolean enough;
} Film;

static GstPadProbeReturn show(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    Film *f = data;
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);
    GstVideoInfo video;
    if (f->enough || !caps || !gst_video_info_from_caps(&video, caps))
        return GST_PAD_PROBE_OK;
    f->pictures++;
    if (f->func(f->cookie, buffer, &video, (gint64)GST_BUFFER_PTS(buffer)))
        return GST_PAD_PROBE_OK;
    f->enough = TRUE;
    gst_element_post_message(f->pipeline, gst_message_new_eos(GST_OBJECT(f->pipeline)));
    return GST_PAD_PROBE_OK;
}

static GError *why_not(GstMessage *message, const char *source)
{
    g_autoptr(GError) why = NULL;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
        gst_message_parse_error(message, &why, NULL);
    return g_error_new(SS_ERROR, SS_EXIT_SOURCE, "could not open %s %s: %s",
                       ss_source_noun(ss_source_kind(source)), source,
                       why ? why->message : "there is no picture in it");
}

gboolean ss_film_read(const SsFilmParams *p, SsFilmFunc func, void *cookie, GError **error)
{
    const SsPaceParams pace = { .rate = p->rate,
                                .unhurried = p->through == NULL,
                                .end = (GstClockTime)(p->duration * GST_SECOND) };
    g_autoptr(GstElement) pipeline = gst_pipeline_new(NULL);
    GstElement *sink = gst_element_factory_make("fakesink", NULL);
    g_object_set(sink, "sync", FALSE, "async", FALSE, NULL);
    gst_bin_add(GST_BIN(pipeline), sink);
    if (p->through)
        gst_bin_add(GST_BIN(pipeline), p->through);
    GstElement *bin = ss_source_new(p->source, &pace, error);
    if (!bin)
        return FALSE;
    gst_bin_add(GST_BIN(pipeline), bin);
    gst_element_link_many(bin, p->through ? p->through : sink, p->through ? sink : NULL, NULL);
    Film film = { .func = func, .cookie = cookie, .pipeline = pipeline };
    g_autoptr(GstPad) pad = gst_element_get_static_pad(sink, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, show, &film, NULL);
    g_autoptr(GstBus) bus = gst_pipeline_get_bus(GST_PIPELINE(pipeline));
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    g_autoptr(GstMessage) message =
        gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    if (film.pictures == 0)
        g_propagate_error(error, why_not(message, p->source));
    return film.pictures > 0;
}
