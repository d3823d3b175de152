/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include <string.h>

#include "app.h"

enum { FIRST_S = 10 }; /* for the first picture; a camera over a slow network needs a few */

struct SsAppStream {
    SsStreamSetup setup;
    char *name, *shown; /* the source, credentials masked */
    SsSourceKind kind;
    GstElement *pipeline, *source, *infer, *overlay;
    SsMeter *meter;
    guint overdue; /* the timeout for the first picture; 0 = none */
    gboolean watched, ended, failed, ending;
};

static void tell(SsAppStream *s, SsStreamEvent event, const GError *error)
{
    s->setup.event(s->setup.cookie, s, event, error);
}

static void tell_ended(SsAppStream *s)
{
    if (s->ended)
        return;
    s->ended = TRUE;
    tell(s, SS_STREAM_ENDED, NULL);
}

static void fail(SsAppStream *s, GError *error)
{
    if (!s->failed && !s->ended) { /* the first error is the cause, others are its echo */
        s->failed = TRUE;
        tell(s, SS_STREAM_FAILED, error);
    }
    g_error_free(error);
}

/* --- GStreamer's errors in the user's words --- */

/* "Internal data stream error." says nothing; the reason is in the debug text. */
static char *reason(const GError *error, const char *debug)
{
    static const struct {
        GstStreamError code;
        const char *text;
    } words[] = {
        { GST_STREAM_ERROR_TYPE_NOT_FOUND, "it is not a video that GStreamer knows" },
        { GST_STREAM_ERROR_WRONG_TYPE, "it is not a video" },
        { GST_STREAM_ERROR_CODEC_NOT_FOUND,
          "GStreamer has no decoder for it (apt install gstreamer1.0-libav gstreamer1.0-plugins-bad)" },
    };
    if (g_error_matches(error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN))
        return g_strdup("GStreamer has nothing that decodes it");
    if (error->domain == GST_STREAM_ERROR)
        for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
            if ((GstStreamError)error->code == words[i].code)
                return g_strdup(words[i].text);
    const char *why = debug ? strstr(debug, "reason ") : NULL;
    if (why && g_error_matches(error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED)) {
        g_autofree char *word = g_strndup(why + strlen("reason "), strcspn(why + strlen("reason "), " \n"));
        return g_str_equal(word, "error") ? g_strdup("no data comes")
                                          : g_strdup_printf("no data comes (%s)", word);
    }
    g_autofree char *text = g_strdup(error->message);
    g_strdelimit(g_strstrip(text), "\n\r", ' ');
    if (g_str_has_suffix(text, "."))
        text[strlen(text) - 1] = '\0';
    return ss_mask_credentials(text);
}

static GError *source_error(SsAppStream *s, const char *why)
{
    SsMeterReading r;
    ss_meter_read(s->meter, &r);
    const char *noun = ss_source_noun(s->kind);
    if (r.frames_in == 0)
        return g_error_new(SS_ERROR, SS_EXIT_SOURCE, "could not open %s %s: %s; %s", noun, s->shown, why,
                           ss_source_hint(s->kind));
    return g_error_new(SS_ERROR, SS_EXIT_SOURCE, "%s %s failed after %" G_GUINT64_FORMAT " pictures: %s",
                       noun, s->shown, r.frames_in, why);
}

static GError *translated(SsAppStream *s, GstMessage *message)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *debug = NULL;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING)
        gst_message_parse_warning(message, &error, &debug);
    else
        gst_message_parse_error(message, &error, &debug);
    g_autofree char *why = reason(error, debug);
    GstObject *from = GST_MESSAGE_SRC(message);
    if (gst_object_has_as_ancestor(from, GST_OBJECT(s->source)))
        return source_error(s, why);
    if (s->infer && from == GST_OBJECT(s->infer))
        return g_error_new(SS_ERROR, SS_EXIT_MODEL, "%s", why);
    for (guint i = 0; i < s->setup.outputs->len; i++) {
        SsOutput *output = g_ptr_array_index(s->setup.outputs, i);
        g_autofree char *name = g_strdup_printf("output%u", i);
        g_autoptr(GstElement) bin = gst_bin_get_by_name(GST_BIN(s->pipeline), name);
        if (bin && gst_object_has_as_ancestor(from, GST_OBJECT(bin)))
            return g_error_new(SS_ERROR, SS_EXIT_USAGE, "--output %s: %s", output->spec, why);
    }
    return g_error_new(SS_ERROR, SS_EXIT_UNFORESEEN, "%s: %s", s->shown, why);
}

static void state_told(SsAppStream *s, const GstStructure *message)
{
    const char *state = gst_structure_get_string(message, "state");
    gboolean stand_in = FALSE;
    gst_structure_get_boolean(message, "stand-in", &stand_in);
    if (g_strcmp0(state, "running") == 0)
        tell(s, stand_in ? SS_STREAM_STAND_IN_RUNNING : SS_STREAM_MODEL_RUNNING, NULL);
    if (g_strcmp0(state, "failed") != 0)
        return;
    g_autofree char *why = ss_mask_credentials(gst_structure_get_string(message, "error"));
    g_autoptr(GError) error = g_error_new(SS_ERROR, SS_EXIT_MODEL, "%s", why);
    tell(s, SS_STREAM_MODEL_FAILED, error);
}

static void warned(SsAppStream *s, GstMessage *message)
{
    g_autoptr(GError) error = NULL;
    gst_message_parse_warning(message, &error, NULL);
    if (GST_MESSAGE_SRC(message) == GST_OBJECT(s->overlay))
        tell(s, SS_STREAM_WARNED, error);
    /* decodebin says so when a file has no video at all; nothing would follow. */
    if (gst_object_has_as_ancestor(GST_MESSAGE_SRC(message), GST_OBJECT(s->source)) &&
        strstr(error->message, "elayed linking failed"))
        fail(s, source_error(s, "there is no video in it"));
}

static void at_end(SsAppStream *s)
{
    SsMeterReading r;
    ss_meter_read(s->meter, &r);
    g_autofree char *cut = NULL;
    if (r.frames_in == 0)
        fail(s, source_error(s, "it ended before its first picture"));
    else if (!s->ending && s->setup.options->duration <= 0)
        cut = ss_source_cut_short(s->source, s->setup.source);
    if (cut)
        fail(s, source_error(s, cut));
    tell_ended(s);
}

static gboolean at_message(GstBus *bus, GstMessage *message, gpointer data)
{
    (void)bus;
    SsAppStream *s = data;
    switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_EOS:
        at_end(s);
        break;
    case GST_MESSAGE_WARNING:
        warned(s, message);
        break;
    case GST_MESSAGE_ERROR:
        if (!s->failed)
            fail(s, translated(s, message));
        else if (!gst_object_has_as_ancestor(GST_MESSAGE_SRC(message), GST_OBJECT(s->source)))
            tell_ended(s); /* not the source's echo: an output that cannot finish will not send its end */
        break;
    case GST_MESSAGE_ELEMENT:
        if (gst_message_has_name(message, "sidestream-state"))
            state_told(s, gst_message_get_structure(message));
        break;
    case GST_MESSAGE_LATENCY: /* pictures are held back for longer or shorter: sound waits for them */
        gst_bin_recalculate_latency(GST_BIN(s->pipeline));
        break;
    default:
        break;
    }
    return G_SOURCE_CONTINUE;
}

/* --- the pipeline --- */

static gboolean add_outputs(SsAppStream *s, GstElement *tee, GError **error)
{
    for (guint i = 0; i < s->setup.outputs->len; i++) {
        SsOutput *output = g_ptr_array_index(s->setup.outputs, i);
        GstElement *bin = ss_output_stream(output, s->setup.index, s->name, error);
        if (!bin)
            return FALSE;
        g_autofree char *name = g_strdup_printf("output%u", i);
        gst_object_set_name(GST_OBJECT(bin), name);
        gst_bin_add(GST_BIN(s->pipeline), bin);
        gst_element_link(tee, bin);
        ss_meter_watch_output(s->meter, bin, output->spec);
    }
    return TRUE;
}

static GstPad *entry(const SsAppStream *s)
{
    return gst_element_get_static_pad(s->infer ? s->infer : s->overlay, "sink");
}

static gboolean build(SsAppStream *s, GError **error)
{
    const SsOptions *o = s->setup.options;
    SsPaceParams pace = { .rate = o->rate,
                          .loop = o->loop,
                          .end = (GstClockTime)(o->duration * GST_SECOND + 0.5) };
    s->source = ss_source_new(s->setup.source, &pace, error);
    if (!s->source)
        return FALSE;
    s->overlay = gst_element_factory_make("ssoverlay", "overlay");
    GstElement *tee = gst_element_factory_make("tee", "tee");
    ss_options_to_overlay(o, s->overlay);
    gst_bin_add_many(GST_BIN(s->pipeline), s->source, s->overlay, tee, NULL);
    if (s->setup.infer) {
        s->infer = gst_element_factory_make("ssinfer", "infer");
        ss_options_to_infer(o, s->infer);
        g_object_set(s->infer, "engine", "sidestream", NULL);
        gst_bin_add(GST_BIN(s->pipeline), s->infer);
        gst_element_link_many(s->source, s->infer, s->overlay, tee, NULL);
    } else {
        gst_element_link_many(s->source, s->overlay, tee, NULL);
    }
    g_autoptr(GstPad) first = entry(s);
    g_autoptr(GstPad) last = gst_element_get_static_pad(s->overlay, "src");
    ss_meter_watch_work(s->meter, first, last);
    return add_outputs(s, tee, error);
}

SsAppStream *ss_app_stream_new(const SsStreamSetup *setup, GError **error)
{
    SsAppStream *s = g_new0(SsAppStream, 1);
    s->setup = *setup;
    s->name = g_strdup_printf("cam%u", setup->index);
    s->shown = ss_mask_credentials(setup->source);
    s->kind = ss_source_kind(setup->source);
    s->meter = ss_meter_new(ss_process_start);
    s->pipeline = gst_pipeline_new(s->name);
    if (build(s, error))
        return s;
    ss_app_stream_free(s);
    return NULL;
}

void ss_app_stream_require_picture(SsAppStream *s)
{
    SsMeterReading r;

    ss_meter_read(s->meter, &r);
    if (r.frames_in == 0)
        fail(s, source_error(s, "no picture came"));
}

/* Not every element that finds nothing to do says so. */
static gboolean at_overdue(gpointer data)
{
    SsAppStream *s = data;

    s->overdue = 0;
    ss_app_stream_require_picture(s);
    return G_SOURCE_REMOVE;
}

gboolean ss_app_stream_start(SsAppStream *s)
{
    g_autoptr(GstBus) bus = gst_pipeline_get_bus(GST_PIPELINE(s->pipeline));
    if (gst_element_set_state(s->pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
        g_autoptr(GstMessage) message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
        fail(s, message ? translated(s, message) : source_error(s, "it does not start"));
        return FALSE;
    }
    gst_bus_add_watch(bus, at_message, s);
    s->watched = TRUE;
    s->overdue = g_timeout_add_seconds(FIRST_S, at_overdue, s);
    return TRUE;
}

void ss_app_stream_end(SsAppStream *s)
{
    SsMeterReading r;
    ss_meter_read(s->meter, &r);
    if (s->ended)
        return;
    s->ending = TRUE;
    g_autoptr(GstPad) pad = entry(s);
    /* Behind the pace, so that neither a stalled camera nor the wait for the clock is asked. */
    bool sent = r.frames_in > 0 && gst_pad_send_event(pad, gst_event_new_eos());
    if (!sent && !GST_PAD_IS_EOS(pad)) /* the source may have been first: then its end is on the way */
        tell_ended(s);
}

gboolean ss_app_stream_ended(const SsAppStream *s)
{
    return s->ended;
}

SsMeter *ss_app_stream_meter(SsAppStream *s)
{
    return s->meter;
}

const char *ss_app_stream_name(const SsAppStream *s)
{
    return s->name;
}

GstStructure *ss_app_stream_infer_stats(SsAppStream *s)
{
    GstStructure *stats = NULL;
    if (s->infer)
        g_object_get(s->infer, "stats", &stats, NULL);
    return stats;
}

void ss_app_stream_json(SsAppStream *s, GString *out)
{
    GstStructure *stats = ss_app_stream_infer_stats(s);
    ss_meter_json(s->meter, out, s->name, s->shown, stats);
    g_clear_pointer(&stats, gst_structure_free);
}

void ss_app_stream_stop(SsAppStream *s)
{
    gst_element_set_state(s->pipeline, GST_STATE_NULL);
}

void ss_app_stream_free(SsAppStream *s)
{
    if (s->overdue)
        g_source_remove(s->overdue);
    if (s->watched) {
        g_autoptr(GstBus) bus = gst_pipeline_get_bus(GST_PIPELINE(s->pipeline));
        gst_bus_remove_watch(bus);
    }
    gst_object_unref(s->pipeline);
    ss_meter_free(s->meter);
    g_free(s->shown);
    g_free(s->name);
    g_free(s);
}
