/* SPDX-License-Identifier: Apache-2.0 */
#include "stats.h"

#include <gst/video/gstvideometa.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "json.h"

/* Every field is written by one streaming thread and read by the main thread. */
typedef struct Rate {
    _Atomic guint64 frames;
    _Atomic gint64 first, last; /* ns, monotonic */
} Rate;

typedef struct OutputCount {
    char *spec;
    GstElement *queue;
    _Atomic guint64 in, out;
} OutputCount;

struct SsMeter {
    gint64 process_start;
    gint64 entered; /* stream's thread only */
    Rate in, out;
    _Atomic gint64 first_objects;
    SsHistogram cost, interval;
    GPtrArray *outputs; /* OutputCount */
};

gint64 ss_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (gint64)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void free_output(gpointer data)
{
    OutputCount *o = data;
    gst_object_unref(o->queue);
    g_free(o->spec);
    g_free(o);
}

SsMeter *ss_meter_new(gint64 process_start)
{
    SsMeter *m = g_new0(SsMeter, 1);
    m->process_start = process_start;
    m->outputs = g_ptr_array_new_with_free_func(free_output);
    return m;
}

void ss_meter_free(SsMeter *m)
{
    g_ptr_array_unref(m->outputs);
    g_free(m);
}

static gint64 count(Rate *r, gint64 now)
{
    gint64 before = r->last;
    if (r->frames == 0)
        r->first = now;
    r->last = now;
    r->frames++;
    return before;
}

static GstPadProbeReturn at_work_start(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    (void)pad, (void)info;
    SsMeter *m = data;
    m->entered = ss_now();
    count(&m->in, m->entered);
    return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn at_work_end(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    (void)pad, (void)info;
    SsMeter *m = data;
    ss_histogram_add(&m->cost, ss_now() - m->entered);
    return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn at_first_output(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    (void)pad;
    SsMeter *m = data;
    gint64 now = ss_now();
    gint64 before = count(&m->out, now);
    if (before)
        ss_histogram_add(&m->interval, now - before);
    if (m->first_objects == 0 &&
        gst_buffer_get_meta(GST_PAD_PROBE_INFO_BUFFER(info), GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))
        m->first_objects = now;
    return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn count_buffer(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    (void)pad, (void)info;
    _Atomic guint64 *counter = data;
    (*counter)++;
    return GST_PAD_PROBE_OK;
}

void ss_meter_watch_work(SsMeter *m, GstPad *first_sink, GstPad *last_src)
{
    gst_pad_add_probe(first_sink, GST_PAD_PROBE_TYPE_BUFFER, at_work_start, m, NULL);
    gst_pad_add_probe(last_src, GST_PAD_PROBE_TYPE_BUFFER, at_work_end, m, NULL);
}

void ss_meter_watch_output(SsMeter *m, GstElement *output, const char *spec)
{
    OutputCount *o = g_new0(OutputCount, 1);
    o->spec = g_strdup(spec);
    o->queue = gst_bin_get_by_name(GST_BIN(output), "queue");
    g_autoptr(GstPad) sink = gst_element_get_static_pad(o->queue, "sink");
    g_autoptr(GstPad) src = gst_element_get_static_pad(o->queue, "src");
    if (m->outputs->len == 0)
        gst_pad_add_probe(src, GST_PAD_PROBE_TYPE_BUFFER, at_first_output, m, NULL);
    gst_pad_add_probe(sink, GST_PAD_PROBE_TYPE_BUFFER, count_buffer, (gpointer)&o->in, NULL);
    gst_pad_add_probe(src, GST_PAD_PROBE_TYPE_BUFFER, count_buffer, (gpointer)&o->out, NULL);
    g_ptr_array_add(m->outputs, o);
}

static double fps(Rate *r)
{
    gint64 span = r->last - r->first;
    return span > 0 ? (double)(r->frames - 1) * 1e9 / (double)span : 0;
}

static double since_start(const SsMeter *m, gint64 t)
{
    return t ? (double)(t - m->process_start) / 1e6 : -1;
}

void ss_meter_read(SsMeter *m, SsMeterReading *out)
{
    memset(out, 0, sizeof *out);
    out->frames_in = m->in.frames;
    out->frames_out = m->out.frames;
    out->fps_in = fps(&m->in);
    out->fps_out = fps(&m->out);
    out->first_frame_ms = since_start(m, m->out.first);
    out->first_objects_ms = since_start(m, m->first_objects);
    ss_histogram_times(&m->interval, &out->interval);
    ss_histogram_times(&m->cost, &out->cost);
}

/* --- JSON --- */

guint64 ss_stats_count(const GstStructure *stats, const char *name)
{
    guint64 value = 0;
    if (stats)
        gst_structure_get_uint64(stats, name, &value);
    return value;
}

void ss_stats_times(const GstStructure *stats, const char *name, SsTimes *out)
{
    gint64 *const fields[] = { &out->p50, &out->p95, &out->p99, &out->max, &out->mean };
    static const char *const names[] = { "p50", "p95", "p99", "max", "mean" };
    memset(out, 0, sizeof *out);
    if (!stats)
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *key = g_strdup_printf("%s-%s", name, names[i]);
        gst_structure_get_int64(stats, key, fields[i]);
    }
    g_autofree char *key = g_strdup_printf("%s-count", name);
    out->count = ss_stats_count(stats, key);
}

void ss_stats_json_times(GString *out, const char *key, const SsTimes *t, double unit, bool mean)
{
    ss_json_object(out, key);
    ss_json_double(out, "p50", (double)t->p50 / unit, 3);
    ss_json_double(out, "p95", (double)t->p95 / unit, 3);
    ss_json_double(out, "p99", (double)t->p99 / unit, 3);
    ss_json_double(out, "max", (double)t->max / unit, 3);
    if (mean)
        ss_json_double(out, "mean", (double)t->mean / unit, 3);
    ss_json_end_object(out);
}

static void json_times_of(GString *out, const char *key, const GstStructure *infer, const char *name,
                          double unit)
{
    SsTimes t;
    ss_stats_times(infer, name, &t);
    ss_stats_json_times(out, key, &t, unit, true);
}

static void json_outputs(SsMeter *m, GString *out)
{
    ss_json_array(out, "outputs");
    for (guint i = 0; i < m->outputs->len; i++) {
        OutputCount *o = g_ptr_array_index(m->outputs, i);
        guint waiting = 0;
        g_object_get(o->queue, "current-level-buffers", &waiting, NULL);
        guint64 passed = o->out + waiting;
        ss_json_object(out, NULL);
        ss_json_string(out, "spec", o->spec);
        ss_json_uint(out, "frames", o->out);
        ss_json_uint(out, "dropped", o->in > passed ? o->in - passed : 0);
        ss_json_end_object(out);
    }
    ss_json_end_array(out);
}

void ss_meter_json(SsMeter *m, GString *out, const char *name, const char *source, const GstStructure *infer)
{
    static const char *const fates[] = { "offered", "skipped", "replaced", "inferred",
                                         "late",    "failed",  "in-flight" };
    SsMeterReading r;
    ss_meter_read(m, &r);
    const char *error = infer ? gst_structure_get_string(infer, "error") : NULL;
    ss_json_object(out, NULL);
    ss_json_string(out, "name", name);
    ss_json_string(out, "source", source);
    ss_json_string(out, "state", infer ? gst_structure_get_string(infer, "state") : "none");
    if (error && *error)
        ss_json_string(out, "error", error);
    ss_json_uint(out, "frames_in", r.frames_in);
    ss_json_uint(out, "frames_out", r.frames_out);
    ss_json_uint(out, "frames_waited", ss_stats_count(infer, "frames-waited"));
    for (gsize i = 0; i < G_N_ELEMENTS(fates); i++) {
        g_autofree char *key = g_strdelimit(g_strdup(fates[i]), "-", '_');
        ss_json_uint(out, key, ss_stats_count(infer, fates[i]));
    }
    ss_json_double(out, "fps_in", r.fps_in, 3);
    ss_json_double(out, "fps_out", r.fps_out, 3);
    ss_json_double(out, "first_frame_ms", r.first_frame_ms < 0 ? NAN : r.first_frame_ms, 1);
    ss_json_double(out, "first_objects_ms", r.first_objects_ms < 0 ? NAN : r.first_objects_ms, 1);
    ss_stats_json_times(out, "interval_ms", &r.interval, 1e6, true);
    ss_stats_json_times(out, "stream_cost_us", &r.cost, 1e3, true);
    json_times_of(out, "inference_ms", infer, "inference", 1e6);
    json_times_of(out, "take_us", infer, "take", 1e3);
    json_times_of(out, "age_ms", infer, "age", 1e6);
    json_outputs(m, out);
    ss_json_end_object(out);
}

void ss_stats_json_process(GString *out)
{
    static const struct {
        const char *line, *key;
    } wanted[] = { { "VmRSS:", "rss_kb" }, { "Threads:", "threads" } };
    g_autofree char *text = NULL;
    if (!g_file_get_contents("/proc/self/status", &text, NULL, NULL))
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(wanted); i++) {
        const char *at = strstr(text, wanted[i].line);
        if (at)
            ss_json_uint(out, wanted[i].key, g_ascii_strtoull(at + strlen(wanted[i].line), NULL, 10));
    }
}
