/* SPDX-License-Identifier: Apache-2.0 */
/** `sidestream bench`: the model alone, the stream alone, both side by side, and both joined. */
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "bare.h"
#include "io/json.h"
#include "stream.h"

enum { DEFAULT_S = 10, DEFAULT_HZ = 60 };

typedef struct Figures {
    const char *key, *what;
    double inferences_per_s, fps; /* 0: not part of it */
    SsTimes inference, interval, cost, take, age;
} Figures;

typedef struct Bench {
    SsOptions options;
    const char *source;
    double seconds;
    SsBare *bare;
    GMainLoop *loop;
    SsAppStream *stream;
    gboolean infer, measuring, ended;
    gint64 began;    /* of the measurement */
    guint64 counted; /* inferences before it */
    GError *error;
} Bench;

static void print_row(const Figures *f)
{
    char inferences[32] = "-", fps[32] = "-", interval[32] = "-", take[32] = "-", age[32] = "-";
    if (f->inferences_per_s > 0)
        g_snprintf(inferences, sizeof inferences, "%.1f", f->inferences_per_s);
    if (f->fps > 0) {
        g_snprintf(fps, sizeof fps, "%.2f", f->fps);
        g_snprintf(interval, sizeof interval, "%.2f", (double)f->interval.p99 / 1e6);
    }
    if (f->take.count > 0) {
        g_snprintf(take, sizeof take, "%.3f", (double)f->take.p99 / 1e6);
        g_snprintf(age, sizeof age, "%.1f", (double)f->age.mean / 1e6);
    }
    printf("%-28s %12s %10s %16s %13s %12s\n", f->what, inferences, fps, interval, take, age);
}

/* --- playing --- */

static guint64 inferred(Bench *b)
{
    if (!b->infer)
        return b->bare ? ss_bare_count(b->bare) : 0;
    GstStructure *stats = ss_app_stream_infer_stats(b->stream);
    guint64 n = ss_stats_count(stats, "inferred") + ss_stats_count(stats, "late");
    g_clear_pointer(&stats, gst_structure_free);
    return n;
}

static gboolean measured(gpointer data)
{
    Bench *b = data;
    g_main_loop_quit(b->loop);
    return G_SOURCE_REMOVE;
}

static void measure(Bench *b)
{
    if (b->measuring)
        return;
    b->measuring = TRUE;
    b->began = ss_now();
    b->counted = inferred(b);
    g_timeout_add((guint)(b->seconds * 1000), measured, b);
}

static void at_event(void *cookie, SsAppStream *s, SsStreamEvent event, const GError *error)
{
    Bench *b = cookie;
    (void)s;
    if (event == SS_STREAM_MODEL_RUNNING)
        measure(b);
    if (error && !b->error)
        b->error = g_error_copy(error);
    if (error || event == SS_STREAM_ENDED) {
        b->ended = TRUE;
        g_main_loop_quit(b->loop);
    }
}

static void read_stream(Bench *b, Figures *f)
{
    SsMeterReading reading;
    double seconds = (double)(ss_now() - b->began) / 1e9;
    f->inferences_per_s = (double)(inferred(b) - b->counted) / seconds;
    ss_meter_read(ss_app_stream_meter(b->stream), &reading);
    f->fps = reading.fps_out;
    f->interval = reading.interval;
    f->cost = reading.cost;
    GstStructure *stats = ss_app_stream_infer_stats(b->stream);
    ss_stats_times(stats, "inference", &f->inference);
    ss_stats_times(stats, "take", &f->take);
    ss_stats_times(stats, "age", &f->age);
    g_clear_pointer(&stats, gst_structure_free);
}

static gboolean play(Bench *b, gboolean infer, Figures *f, GError **error)
{
    SsOutput *none = ss_output_new("none", &(SsOutputParams) { .n_streams = 1 }, error);
    if (!none)
        return FALSE;
    g_autoptr(GPtrArray) outputs = g_ptr_array_new_with_free_func((GDestroyNotify)ss_output_free);
    g_ptr_array_add(outputs, none);
    SsStreamSetup setup = { .options = &b->options,
                            .source = b->source,
                            .outputs = outputs,
                            .infer = infer,
                            .event = at_event,
                            .cookie = b };
    b->infer = infer;
    b->measuring = b->ended = FALSE;
    b->stream = ss_app_stream_new(&setup, error);
    if (!b->stream)
        return FALSE;
    if (ss_app_stream_start(b->stream)) {
        if (!infer)
            measure(b);
        g_main_loop_run(b->loop);
        if (!b->error && b->measuring)
            read_stream(b, f);
    }
    if (b->measuring) /* the timer may still be there when the stream ended before it */
        while (g_source_remove_by_user_data(b))
            ;
    ss_app_stream_stop(b->stream);
    ss_app_stream_free(b->stream);
    if (b->error)
        g_propagate_error(error, g_steal_pointer(&b->error));
    return error == NULL || *error == NULL;
}

static gboolean model_alone(Bench *b, Figures *f, GError **error)
{
    if (!ss_bare_start(b->bare, error))
        return FALSE;
    gint64 began = ss_now();
    guint64 before = ss_bare_count(b->bare);
    g_usleep((gulong)(b->seconds * G_USEC_PER_SEC));
    f->inferences_per_s = (double)(ss_bare_count(b->bare) - before) * 1e9 / (double)(ss_now() - began);
    ss_bare_times(b->bare, &f->inference);
    ss_bare_stop(b->bare);
    return TRUE;
}

static gboolean beside(Bench *b, Figures *f, GError **error)
{
    if (!ss_bare_start(b->bare, error))
        return FALSE;
    gboolean ok = play(b, FALSE, f, error);
    ss_bare_times(b->bare, &f->inference);
    ss_bare_stop(b->bare);
    return ok;
}

static gboolean stream_alone(Bench *b, Figures *f, GError **error)
{
    SsBare *bare = g_steal_pointer(&b->bare); /* not looping, so not to be counted */
    gboolean ok = play(b, FALSE, f, error);
    b->bare = bare;
    return ok;
}

static gboolean joined(Bench *b, Figures *f, GError **error)
{
    return play(b, TRUE, f, error);
}

/* --- the command --- */

static const struct Part {
    const char *key, *what;
    gboolean (*run)(Bench *b, Figures *f, GError **error);
} parts[] = {
    { "model_alone", "model alone", model_alone },
    { "stream_alone", "stream alone", stream_alone },
    { "side_by_side", "both, not connected", beside },
    { "together", "sidestream: both together", joined },
};

enum { MODEL_ALONE, STREAM_ALONE, SIDE_BY_SIDE, TOGETHER, ALL_PARTS = (1 << G_N_ELEMENTS(parts)) - 1 };

static gsize part_of(const char *key)
{
    gsize i = 0;
    while (i < G_N_ELEMENTS(parts) && !g_str_equal(parts[i].key, key))
        i++;
    return i;
}

/** Which parts are asked for, a bit each; 0: `error` says what is wrong. */
static guint wanted_parts(const char *list, GError **error)
{
    guint wanted = 0;
    if (!list)
        return ALL_PARTS;
    g_auto(GStrv) names = g_strsplit(*list ? list : ",", ",", -1);
    for (char **name = names; *name; name++) {
        const gsize i = part_of(*name);
        if (i == G_N_ELEMENTS(parts)) {
            g_set_error(
                error, SS_ERROR, SS_EXIT_USAGE,
                "--parts: there is no \"%s\"; there are model_alone, stream_alone, side_by_side, together",
                *name);
            return 0;
        }
        wanted |= 1U << i;
    }
    return wanted;
}

static void json_figures(GString *out, const Figures *f)
{
    ss_json_object(out, f->key);
    ss_json_double(out, "inferences_per_s", f->inferences_per_s, 3);
    ss_json_double(out, "fps", f->fps, 3);
    ss_stats_json_times(out, "inference_ms", &f->inference, 1e6, true);
    ss_stats_json_times(out, "interval_ms", &f->interval, 1e6, true);
    ss_stats_json_times(out, "stream_cost_us", &f->cost, 1e3, true);
    ss_stats_json_times(out, "take_us", &f->take, 1e3, true);
    ss_stats_json_times(out, "age_ms", &f->age, 1e6, true);
    ss_json_end_object(out);
}

static gboolean write_json(const Bench *b, const Figures *f, double inferences, double fps, GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *source = ss_mask_credentials(b->source);
    if (!b->options.json)
        return TRUE;
    ss_json_object(out, NULL);
    ss_json_string(out, "source", source);
    ss_json_string(out, "model", b->options.model);
    ss_json_double(out, "seconds", b->seconds, 3);
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++)
        if (f[i].key)
            json_figures(out, &f[i]);
    if (inferences > 0)
        ss_json_double(out, "inference_ratio", inferences, 4);
    if (fps > 0)
        ss_json_double(out, "fps_ratio", fps, 4);
    ss_stats_json_process(out);
    ss_json_end_object(out);
    g_string_append_c(out, '\n');
    return ss_write_report("--json", b->options.json, out, error);
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static gboolean run_parts(Bench *b, guint wanted, Figures *f, gboolean table, GError **error)
{
    if (table)
        printf("%-28s %12s %10s %16s %13s %12s\n", "", "inferences/s", "pictures/s", "interval p99 ms",
               "take p99 ms", "mean age ms");
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (!(wanted & 1U << i))
            continue;
        f[i].key = parts[i].key;
        f[i].what = parts[i].what;
        if (!parts[i].run(b, &f[i], error))
            return FALSE;
        if (table)
            print_row(&f[i]);
        fflush(stdout);
    }
    return TRUE;
}

static gboolean bench(Bench *b, GError **error)
{
    Figures f[G_N_ELEMENTS(parts)] = { 0 };
    const gboolean table = !b->options.json || !g_str_equal(b->options.json, "-");
    const guint wanted = wanted_parts(b->options.parts, error);
    if (!wanted || !(b->bare = ss_bare_new(&b->options, b->source, error)) ||
        !run_parts(b, wanted, f, table, error))
        return FALSE;
    /* No picture is looked at twice: a network faster than the video is measured by the video. */
    const double inferences =
        ratio(f[TOGETHER].inferences_per_s, MIN(f[SIDE_BY_SIDE].inferences_per_s, f[TOGETHER].fps));
    const double fps = ratio(f[TOGETHER].fps, f[STREAM_ALONE].fps);
    if (table && inferences > 0 && fps > 0)
        printf(
            "\nJoined, the network keeps %.1f %% of its speed (of the pictures' rate, where that is less),\n"
            "and the stream %.1f %% of its rate.\n",
            inferences * 100, fps * 100);
    return write_json(b, f, inferences, fps, error);
}

int ss_command_bench(int argc, char **argv)
{
    Bench b = { .loop = g_main_loop_new(NULL, FALSE) };
    g_autoptr(GError) error = NULL;
    g_autofree char *clip = ss_data_path("demo/vtest.avi");
    int code = SS_EXIT_OK;
    gboolean ok = ss_options_parse(&b.options, SS_FOR_BENCH, argc, argv, &error) && ss_app_init_gst(&error);
    if (ok) {
        b.source = b.options.rest[0] ? b.options.rest[0] : clip;
        b.seconds = b.options.duration > 0 ? b.options.duration : DEFAULT_S;
        b.options.duration = 0; /* the clock of this command ends a part, not the video's */
        b.options.loop = TRUE;
        if (b.options.rate <= 0) /* more pictures than the network can take, so that none is waited for */
            b.options.rate = DEFAULT_HZ;
        ok = bench(&b, &error);
    }
    if (!ok)
        code = ss_say_error(error);
    if (b.bare)
        ss_bare_free(b.bare);
    ss_options_clear(&b.options);
    g_main_loop_unref(b.loop);
    if (gst_is_initialized())
        gst_deinit();
    return code;
}
