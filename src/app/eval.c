/* SPDX-License-Identifier: Apache-2.0 */
/**
 * `sidestream eval`: how far boxes are from their objects when they are shown. The network looks at every
 * picture of a clip; what it sees there is the reference. Then the clip is played with a network that takes
 * its time, on a virtual clock (replay.h) or live (realtime.h), and what is shown of each picture is compared
 * with the reference of that very picture (streaming accuracy: M. Li, Y.-X. Wang and D. Ramanan, Towards
 * Streaming Perception, ECCV 2020).
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "boxes.h"
#include "core/follow.h"
#include "film.h"
#include "gst/loan.h"
#include "io/json.h"
#include "io/output.h"
#include "io/source.h"
#include "io/stats.h"
#include "network.h"
#include "plot.h"
#include "precision.h"
#include "realtime.h"
#include "replay.h"

/* What counts as there: the reference's score; and an object is found where it is overlapped by half. */
static const float REFERENCE = 0.5f;
static const double FOUND = 0.5;

enum { MOST_LATENCY_MS = 60000, SLACK = 64 };

/** One way to show the clip. */
typedef struct Variant {
    SsAlign align;
    int latency_ms;    /* from a picture until its boxes are there */
    SsReplay *replay;  /* NULL: it is played live */
    GArray *shown;     /* SsScored */
    guint next;        /* the picture that is shown next */
    GHashTable *known; /* id in the reference -> id that was shown for it last */
    guint64 switches;
    double age_s, iou; /* sums, over shown objects and over those of the reference */
    SsTimes cost;      /* on the stream's thread, a picture */
    SsPrecision precision;
} Variant;

/** What the reference has in one picture. */
typedef struct Reference {
    GstVideoInfo info;
    gint64 pts;
    int n;
    SsObject object[];
} Reference;

typedef struct Eval {
    SsOptions options;
    SsNetwork *network;
    SsTracker *identities; /* of the reference */
    GArray *truth;         /* SsScored */
    GPtrArray *pictures;   /* Reference */
    GPtrArray *variants;
    SsBoxes *boxes; /* NULL: nobody asked for them */
    int frames;
    guint latencies; /* so many variants of each way to align, one after another */
    gint64 network_ns, said;
    gboolean real, failed;
} Eval;

/* --- one picture --- */

/** The part of the box that can be seen. */
static SsScored scored(const GstVideoInfo *info, int frame, int class_id, float score, const SsBox *b)
{
    const double x0 = CLAMP((double)b->x, 0, info->width), y0 = CLAMP((double)b->y, 0, info->height);
    const double x1 = CLAMP((double)b->x + b->w, 0, info->width),
                 y1 = CLAMP((double)b->y + b->h, 0, info->height);
    return (SsScored) { frame, class_id, score, x0, y0, x1 - x0, y1 - y0 };
}

static void write_seen(const Eval *e, const GstVideoInfo *info, gint64 pts, const SsDetection *det, int n)
{
    SsScored seen[SS_MAX_OBJECTS];
    for (int i = 0; i < n; i++)
        seen[i] = scored(info, e->frames, det[i].class_id, det[i].score, &det[i].box);
    ss_boxes_write(e->boxes, &(SsBoxesOf) { pts, NULL, e->frames, 0 }, seen, NULL, n);
}

/** The reference's objects of this picture, with ids; as scored boxes, too, in `truth`. */
static void add_reference(Eval *e, const GstVideoInfo *info, gint64 pts, const SsDetection *det, int n)
{
    SsDetection sure[SS_MAX_OBJECTS];
    SsObject object[SS_MAX_OBJECTS];
    int sures = 0;
    for (int i = 0; i < n; i++) {
        if (det[i].score < REFERENCE)
            continue;
        const SsScored s = scored(info, e->frames, det[i].class_id, det[i].score, &det[i].box);
        sure[sures++] = det[i];
        g_array_append_val(e->truth, s);
    }
    const int m = ss_tracker_update(e->identities, pts, sure, sures, object);
    Reference *r = g_malloc(sizeof *r + (gsize)m * sizeof *object);
    r->info = *info;
    r->pts = pts;
    r->n = m;
    memcpy(r->object, object, (gsize)m * sizeof *object);
    g_ptr_array_add(e->pictures, r);
}

/** An object of the reference, and which of the shown ones overlaps it most. */
static void compare_one(Variant *v, const SsObject *reference, const SsScored *truth, const SsObject *shown,
                        const SsScored *boxes, int n)
{
    double best = 0;
    int at = -1;
    for (int i = 0; i < n; i++) {
        const double iou = boxes[i].class_id == truth->class_id ? ss_scored_iou(truth, &boxes[i]) : 0;
        if (iou > best) {
            best = iou;
            at = i;
        }
    }
    v->iou += best;
    if (best < FOUND)
        return;
    gpointer key = GSIZE_TO_POINTER(reference->id), before = g_hash_table_lookup(v->known, key);
    v->switches += before && before != GSIZE_TO_POINTER(shown[at].id);
    g_hash_table_insert(v->known, key, GSIZE_TO_POINTER(shown[at].id));
}

static void compare(const Eval *e, Variant *v, gint64 pts, const SsObject *shown, int n)
{
    const Reference *r = g_ptr_array_index(e->pictures, v->next);
    const guint first = v->shown->len;
    for (int i = 0; i < n; i++) {
        const SsScored s = scored(&r->info, (int)v->next, shown[i].class_id, shown[i].score, &shown[i].box);
        v->age_s += (double)(pts - shown[i].source_pts) / 1e9;
        g_array_append_val(v->shown, s);
    }
    const SsScored *boxes = (const SsScored *)(gpointer)v->shown->data + first;
    if (e->boxes)
        ss_boxes_write(e->boxes, &(SsBoxesOf) { pts, ss_align_name(v->align), (int)v->next, v->latency_ms },
                       boxes, shown, n);
    for (int i = 0; i < r->n; i++) {
        const SsScored truth = scored(&r->info, (int)v->next, r->object[i].class_id, 1, &r->object[i].box);
        compare_one(v, &r->object[i], &truth, shown, boxes, n);
    }
    v->next++;
}

/** One that was shown live: pictures that were not are passed over. */
static void compare_live(Eval *e, Variant *v, gint64 pts, const SsObject *shown, int n)
{
    const gint64 slack = 1000000; /* timestamps are rounded */
    while (v->next < e->pictures->len &&
           ((const Reference *)g_ptr_array_index(e->pictures, v->next))->pts < pts - slack)
        v->next++;
    if (v->next < e->pictures->len)
        compare(e, v, pts, shown, n);
}

/** What is shown by now. */
static void play(const Eval *e, Variant *v)
{
    SsObject shown[SS_MAX_OBJECTS];
    int64_t pts;
    int n;
    while ((n = ss_replay_show(v->replay, &pts, shown)) >= 0)
        compare(e, v, pts, shown, n);
}

static void say_progress(Eval *e)
{
    const gint64 now = ss_now();
    if (e->options.quiet || now - e->said < G_GINT64_CONSTANT(1000000000))
        return;
    e->said = now;
    fprintf(stderr, "\r%d pictures ", e->frames);
}

static gboolean look(void *cookie, GstBuffer *buffer, const GstVideoInfo *info, gint64 pts)
{
    Eval *e = cookie;
    SsDetection det[SS_MAX_OBJECTS];
    int64_t took;
    SsFrame *frame = ss_loan_wrap(NULL, buffer, info, pts);
    const SsFrameDesc *desc = frame ? ss_frame_desc(frame) : NULL;
    const float faintest = ss_replay_faintest((float)e->options.threshold);
    const int n = desc ? ss_network_look(e->network, desc, MIN(faintest, REFERENCE), det, &took) : -1;
    e->failed = n < 0;
    if (!e->failed) {
        if (e->boxes)
            write_seen(e, info, pts, det, n);
        add_reference(e, info, pts, det, n);
        e->network_ns += took;
        e->frames++;
    }
    for (guint i = 0; i < e->variants->len && !e->failed; i++) {
        Variant *v = g_ptr_array_index(e->variants, i);
        if (!v->replay)
            continue;
        e->failed = !ss_replay_see(v->replay, desc, det, n);
        play(e, v);
    }
    say_progress(e);
    ss_frame_unref(&frame);
    return !e->failed;
}

/* --- live --- */

typedef struct Showing {
    Eval *eval;
    Variant *variant;
} Showing;

static void at_shown(void *cookie, gint64 pts, const SsObject *shown, int n)
{
    const Showing *s = cookie;
    compare_live(s->eval, s->variant, pts, shown, n);
}

/**
 * An engine needs a millisecond or two beside the network, and what is due with a picture would miss it by a
 * hair. So that a latency means the same on either clock, from a picture until its boxes are there, the
 * network gets an eighth of the time between two pictures less.
 */
static guint network_share(const Eval *e, int latency_ms)
{
    enum { SHARE = 8 };
    const Reference *first = g_ptr_array_index(e->pictures, 0),
                    *last = g_ptr_array_index(e->pictures, e->pictures->len - 1);
    const double period_ms = (double)(last->pts - first->pts) / 1e6 / MAX(e->frames - 1, 1);
    return (guint)MAX(latency_ms - period_ms / SHARE + 0.5, 0);
}

static gboolean play_live(Eval *e, const char *source, GError **error)
{
    for (guint i = 0; i < e->variants->len; i++) {
        Variant *v = g_ptr_array_index(e->variants, i);
        Showing showing = { e, v };
        const SsRealtimeParams p = { &e->options, source, v->align, network_share(e, v->latency_ms) };
        if (!e->options.quiet)
            fprintf(stderr, "\rlive: %u of %u ", i + 1, e->variants->len);
        e->said = ss_now();
        if (!ss_realtime_play(&p, at_shown, &showing, &v->cost, error))
            return FALSE;
    }
    return TRUE;
}

/* --- what came of it --- */

static void finish(Eval *e)
{
    for (guint i = 0; i < e->variants->len; i++) {
        Variant *v = g_ptr_array_index(e->variants, i);
        if (v->replay) {
            ss_replay_end(v->replay);
            play(e, v);
            ss_replay_cost(v->replay, &v->cost);
        }
        v->precision = ss_precision((SsScored *)(gpointer)v->shown->data, v->shown->len,
                                    (SsScored *)(gpointer)e->truth->data, e->truth->len);
        v->age_s /= MAX(v->shown->len, 1);
        v->iou /= MAX(e->truth->len, 1);
    }
}

static void print_table(const Eval *e)
{
    printf("%-6s %8s %6s %6s %9s %12s %12s %12s\n", "align", "network", "AP", "AP50", "mean IoU",
           "mean age ms", "id switches", "us a picture");
    for (guint i = 0; i < e->variants->len; i++) {
        const Variant *v = g_ptr_array_index(e->variants, i);
        printf("%-6s %5d ms ", ss_align_name(v->align), v->latency_ms);
        if (e->truth->len > 0)
            printf("%6.1f %6.1f %9.3f ", v->precision.ap * 100, v->precision.ap50 * 100, v->iou);
        else
            printf("%6s %6s %9s ", "-", "-", "-");
        printf("%12.1f %12" G_GUINT64_FORMAT " %12.0f\n", v->age_s * 1e3, v->switches,
               (double)v->cost.p50 / 1e3);
    }
    printf("\n%d pictures, %u objects in the reference (what the network sees in each, score 0.5 and more);\n"
           "here it takes %.1f ms a picture. us a picture: on the stream's thread, median.\n",
           e->frames, e->truth->len, (double)e->network_ns / 1e6 / e->frames);
}

/** NAN where there is nothing to be found; null in JSON. */
static double known(const Eval *e, double value)
{
    return e->truth->len > 0 ? value : NAN;
}

static gboolean write_json(const Eval *e, const char *source, GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);
    ss_json_object(out, NULL);
    ss_json_string(out, "source", source);
    ss_json_string(out, "model", e->options.model);
    ss_json_string(out, "clock", e->real ? "real" : "virtual");
    ss_json_int(out, "frames", e->frames);
    ss_json_uint(out, "reference_objects", e->truth->len);
    ss_json_double(out, "threshold", e->options.threshold, 3);
    ss_json_array(out, "variants");
    for (guint i = 0; i < e->variants->len; i++) {
        const Variant *v = g_ptr_array_index(e->variants, i);
        ss_json_object(out, NULL);
        ss_json_string(out, "align", ss_align_name(v->align));
        ss_json_int(out, "latency_ms", v->latency_ms);
        ss_json_double(out, "ap", known(e, v->precision.ap), 5);
        ss_json_double(out, "ap50", known(e, v->precision.ap50), 5);
        ss_json_double(out, "mean_iou", known(e, v->iou), 5);
        ss_json_double(out, "mean_age_ms", v->age_s * 1e3, 3);
        ss_json_uint(out, "id_switches", v->switches);
        ss_stats_json_times(out, "stream_cost_us", &v->cost, 1e3, true);
        ss_json_end_object(out);
    }
    ss_json_end_array(out);
    ss_json_end_object(out);
    g_string_append_c(out, '\n');
    return ss_write_report("--json", e->options.json, out, error);
}

static gboolean write_plot(const Eval *e, GError **error)
{
    SsPlot plot = { .title = "Average precision (%) of the boxes shown",
                    .x_label = "what an inference takes, in milliseconds",
                    .y_max = 100 };
    for (guint i = 0; i < e->variants->len; i++) {
        const Variant *v = g_ptr_array_index(e->variants, i);
        if (i % e->latencies == 0) /* the same way may be asked for twice */
            plot.line[plot.n++].name = ss_align_name(v->align);
        SsPlotLine *l = &plot.line[plot.n - 1];
        l->x[l->n] = v->latency_ms;
        l->y[l->n++] = MAX(v->precision.ap, 0) * 100;
    }
    return ss_plot_write(&plot, e->options.plot, error);
}

/* --- set-up --- */

static void free_variant(gpointer data)
{
    Variant *v = data;
    if (v->replay)
        ss_replay_free(v->replay);
    g_array_unref(v->shown);
    g_hash_table_unref(v->known);
    g_free(v);
}

/** Twice what an inference takes: the pictures between two that it sees, and those that come meanwhile. */
static int pictures_in(const Eval *e, guint64 latency_ms)
{
    const double fastest_hz = e->options.rate > 0 ? e->options.rate : 240;
    return (int)(fastest_hz * (double)latency_ms / 500) + SLACK;
}

static gboolean add_variant(Eval *e, const char *align, const char *latency, GError **error)
{
    SsAlign way;
    char *end;
    const guint64 ms = g_ascii_strtoull(latency, &end, 10);
    if (!ss_options_align(align, &way, error))
        return FALSE;
    if (end == latency || *end || ms > MOST_LATENCY_MS) {
        g_set_error(error, SS_ERROR, SS_EXIT_USAGE,
                    "--latency: \"%s\" is no time in whole milliseconds up to 60000; several as 40,100,200",
                    latency);
        return FALSE;
    }
    const int pictures = pictures_in(e, ms);
    Variant *v = g_new0(Variant, 1);
    v->align = way;
    v->latency_ms = (int)ms;
    v->shown = g_array_new(FALSE, FALSE, sizeof(SsScored));
    v->known = g_hash_table_new(NULL, NULL);
    g_ptr_array_add(e->variants, v);
    if (e->real)
        return TRUE;
    v->replay = ss_replay_new(&(SsReplayParams) { (int64_t)ms * 1000000, way, (float)e->options.threshold,
                                                  (int64_t)e->options.max_age * 1000000, pictures });
    if (!v->replay)
        g_set_error(error, SS_ERROR, SS_EXIT_UNFORESEEN, "out of memory");
    return v->replay != NULL;
}

static gboolean add_variants(Eval *e, GError **error)
{
    const SsOptions *o = &e->options;
    g_auto(GStrv) align = g_strsplit(o->align ? o->align : "live,hold", ",", -1);
    g_auto(GStrv) latency = g_strsplit(o->latency ? o->latency : "40,100,200", ",", -1);
    if (g_strv_length(align) > SS_PLOT_LINES || g_strv_length(latency) > SS_PLOT_POINTS) {
        g_set_error(error, SS_ERROR, SS_EXIT_USAGE, "at most %d modes of --align, %d of --latency",
                    SS_PLOT_LINES, SS_PLOT_POINTS);
        return FALSE;
    }
    e->variants = g_ptr_array_new_with_free_func(free_variant);
    e->latencies = g_strv_length(latency);
    for (char **a = align; *a; a++)
        for (char **l = latency; *l; l++)
            if (!add_variant(e, *a, *l, error))
                return FALSE;
    if (ss_tracker_create(&e->identities, &(SsTrackerParams) { 0 }) == 0)
        return TRUE;
    g_set_error(error, SS_ERROR, SS_EXIT_UNFORESEEN, "out of memory");
    return FALSE;
}

static gboolean read_clock(Eval *e, GError **error)
{
    const char *clock = e->options.clock ? e->options.clock : "virtual";
    e->real = g_str_equal(clock, "real");
    if (e->real || g_str_equal(clock, "virtual"))
        return TRUE;
    g_set_error(error, SS_ERROR, SS_EXIT_USAGE, "--clock: \"%s\" is neither virtual nor real", clock);
    return FALSE;
}

static SsBoxes *open_boxes(const SsOptions *o, const char *source, GError **error)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(files, g_strdup(source));
    if (g_strcmp0(o->boxes, "-") == 0 && g_strcmp0(o->json, "-") == 0) {
        g_set_error(error, SS_ERROR, SS_EXIT_USAGE, "only one of --boxes and --json can be standard output");
        return NULL;
    }
    return ss_claim_file(files, "--boxes", o->boxes, error) ? ss_boxes_open(o->boxes, error) : NULL;
}

static gboolean evaluate(Eval *e, const char *source, GError **error)
{
    if (ss_source_kind(source) != SS_SOURCE_FILE) {
        g_set_error(error, SS_ERROR, SS_EXIT_USAGE, "eval: needs a recording, not %s; record one first",
                    source);
        return FALSE;
    }
    if (e->options.plot && !ss_plot_can(e->options.plot)) {
        g_set_error(error, SS_ERROR, SS_EXIT_USAGE, "--plot: %s is neither a .png nor a .svg",
                    e->options.plot);
        return FALSE;
    }
    if (!read_clock(e, error))
        return FALSE;
    if (e->options.boxes && !(e->boxes = open_boxes(&e->options, source, error)))
        return FALSE;
    e->truth = g_array_new(FALSE, FALSE, sizeof(SsScored));
    e->pictures = g_ptr_array_new_with_free_func(g_free);
    if (!add_variants(e, error) || !(e->network = ss_network_open(&e->options, error)))
        return FALSE;
    const SsFilmParams film = { .source = source, .rate = e->options.rate, .duration = e->options.duration };
    gboolean done = ss_film_read(&film, look, e, error);
    if (e->failed)
        ss_network_error(e->network, error);
    done = done && !e->failed && (!e->real || play_live(e, source, error));
    if (!e->options.quiet && e->said)
        fputs("\r                    \r", stderr);
    if (!done)
        return FALSE;
    finish(e);
    if (e->boxes && !ss_boxes_close(g_steal_pointer(&e->boxes), error))
        return FALSE;
    if (g_strcmp0(e->options.json, "-") != 0 && g_strcmp0(e->options.boxes, "-") != 0)
        print_table(e);
    return (!e->options.json || write_json(e, source, error)) && (!e->options.plot || write_plot(e, error));
}

int ss_command_eval(int argc, char **argv)
{
    Eval e = { 0 };
    g_autoptr(GError) error = NULL;
    int code = SS_EXIT_OK;
    if (!ss_options_parse(&e.options, SS_FOR_EVAL, argc, argv, &error) || !ss_app_init_gst(&error) ||
        !evaluate(&e, e.options.rest[0], &error))
        code = ss_say_error(error);
    g_clear_pointer(&e.variants, g_ptr_array_unref);
    g_clear_pointer(&e.truth, g_array_unref);
    g_clear_pointer(&e.pictures, g_ptr_array_unref);
    g_clear_pointer(&e.network, ss_network_close);
    if (e.boxes)
        ss_boxes_close(e.boxes, NULL);
    ss_tracker_destroy(&e.identities);
    ss_options_clear(&e.options);
    if (gst_is_initialized())
        gst_deinit();
    return code;
}
