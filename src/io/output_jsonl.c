/* SPDX-License-Identifier: Apache-2.0 */
/** `jsonl:FILE`: a line of JSON a displayed frame; all streams share the file. */
#include <errno.h>
#include <gst/video/video.h>
#include <stdio.h>

#include "exit.h"
#include "gst/region.h"
#include "json.h"
#include "output.h"

typedef struct Lines {
    FILE *file;
    GMutex lock; /* guards the rest; held while a line is written, by output threads alone */
    bool failed;
} Lines;

typedef struct Writer {
    SsOutput *output;
    char *stream;
    GString *line;
    guint64 frames;
} Writer;

static bool claims(const char *spec)
{
    return g_str_has_prefix(spec, "jsonl:");
}

static bool open_output(SsOutput *o, GError **error)
{
    const char *path = o->spec + strlen("jsonl:");
    bool standard = g_str_equal(path, "-");
    if (!standard && !ss_claim_file(o->params.files, "--output", path, error))
        return false;
    FILE *file = standard ? stdout : *path ? fopen(path, "we") : NULL;
    if (!file) {
        g_set_error(error, SS_ERROR, SS_EXIT_USAGE, "--output %s: %s", o->spec,
                    *path ? g_strerror(errno) : "needs a file name, or - for standard output");
        return false;
    }
    Lines *lines = g_new0(Lines, 1);
    lines->file = file;
    g_mutex_init(&lines->lock);
    o->priv = lines;
    return true;
}

static double seconds(GstClockTime t)
{
    return (double)t / GST_SECOND;
}

static void append_object(GString *line, const SsRegion *region, const SsObject *o)
{
    ss_json_object(line, NULL);
    ss_json_int(line, "id", (gint64)o->id);
    ss_json_int(line, "class", o->class_id);
    ss_json_string(line, "label", region->label);
    ss_json_double(line, "score", (double)o->score, 4);
    ss_json_array(line, "box");
    ss_json_double(line, NULL, (double)o->box.x, 1);
    ss_json_double(line, NULL, (double)o->box.y, 1);
    ss_json_double(line, NULL, (double)o->box.w, 1);
    ss_json_double(line, NULL, (double)o->box.h, 1);
    ss_json_end_array(line);
    ss_json_double(line, "source_pts", seconds((GstClockTime)o->source_pts), 6);
    ss_json_double(line, "age", seconds(region->age), 6);
    ss_json_string(line, "state", region->stated ? ss_object_state_name(o->state) : NULL);
    ss_json_end_object(line);
}

/* What was pixelated; nothing where that is not asked for. */
static void append_blurred(GString *line, GstBuffer *buffer)
{
    GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, "sidestream-blurred");
    const GstStructure *s = meta ? gst_custom_meta_get_structure(meta) : NULL;
    const GValue *areas = s ? gst_structure_get_value(s, "areas") : NULL;
    if (!s)
        return;
    if (!areas) {
        ss_json_string(line, "blurred", "all");
        return;
    }
    ss_json_array(line, "blurred");
    for (guint i = 0; i + 3 < gst_value_array_get_size(areas); i += 4) {
        ss_json_array(line, NULL);
        for (guint k = 0; k < 4; k++)
            ss_json_int(line, NULL, g_value_get_int(gst_value_array_get_value(areas, i + k)));
        ss_json_end_array(line);
    }
    ss_json_end_array(line);
}

static void write_line(SsOutput *o, const GString *line)
{
    Lines *lines = o->priv;
    g_mutex_lock(&lines->lock);
    bool fails =
        !lines->failed && (fwrite(line->str, 1, line->len, lines->file) != line->len || fflush(lines->file));
    int reason = errno;
    lines->failed |= fails;
    g_mutex_unlock(&lines->lock);
    if (!fails)
        return;
    g_autoptr(GError) error = NULL;
    if (reason != EPIPE) /* the reader of a pipe has seen enough: a clean end */
        error = g_error_new(SS_ERROR, SS_EXIT_USAGE, "--output %s: %s", o->spec, g_strerror(reason));
    o->params.quit(o->params.cookie, error);
}

static GstPadProbeReturn at_frame(GstPad *pad, GstPadProbeInfo *probe, gpointer data)
{
    Writer *w = data;
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(probe);
    g_autoptr(GstEvent) event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
    g_autoptr(GstCaps) caps = gst_pad_get_current_caps(pad);
    GstVideoInfo info;
    const GstSegment *segment;
    if (!event || !caps || !gst_video_info_from_caps(&info, caps))
        return GST_PAD_PROBE_OK;
    gst_event_parse_segment(event, &segment);
    GstClockTime pts = gst_segment_to_running_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
    guint64 frame = GST_BUFFER_OFFSET_IS_VALID(buffer) ? GST_BUFFER_OFFSET(buffer) : w->frames;
    w->frames = frame + 1;

    GString *line = w->line;
    g_string_truncate(line, 0);
    ss_json_object(line, NULL);
    ss_json_string(line, "stream", w->stream);
    ss_json_uint(line, "frame", frame);
    ss_json_double(line, "pts", GST_CLOCK_TIME_IS_VALID(pts) ? seconds(pts) : 0, 6);
    ss_json_double(line, "shown", (double)g_get_monotonic_time() / G_USEC_PER_SEC, 6);
    ss_json_array(line, "objects");
    SsRegion region;
    SsObject object;
    for (gpointer state = NULL; ss_region_next(buffer, &state, &region);)
        if (ss_region_object(&region, &info, (int64_t)pts, &object))
            append_object(line, &region, &object);
    ss_json_end_array(line);
    append_blurred(line, buffer);
    ss_json_end_object(line);
    g_string_append_c(line, '\n');
    write_line(w->output, line);
    return GST_PAD_PROBE_OK;
}

static void free_writer(gpointer data)
{
    Writer *w = data;
    g_string_free(w->line, TRUE);
    g_free(w->stream);
    g_free(w);
}

static GstElement *stream(SsOutput *o, guint index, const char *name, GError **error)
{
    (void)index, (void)error;
    GstElement *sink = gst_element_factory_make("fakesink", NULL);
    g_object_set(sink, "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE, NULL);
    g_autoptr(GstPad) pad = gst_element_get_static_pad(sink, "sink");
    Writer *w = g_new0(Writer, 1);
    w->output = o;
    w->stream = g_strdup(name);
    w->line = g_string_sized_new(4096);
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, at_frame, w, free_writer);
    return sink;
}

static void close_output(SsOutput *o)
{
    Lines *lines = o->priv;
    if (lines->file == stdout)
        fflush(stdout);
    else
        fclose(lines->file);
    g_mutex_clear(&lines->lock);
    g_free(lines);
}

const SsOutputClass ss_output_jsonl = {
    .name = "jsonl:FILE",
    .claims = claims,
    .open = open_output,
    .stream = stream,
    .close = close_output,
    .patience = 2 * GST_SECOND,
};
