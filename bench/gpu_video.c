/* SPDX-License-Identifier: Apache-2.0 */
/*
 * H.264 decoded by an NVIDIA GPU and looked at by a network there, as live streams that share an engine.
 * Prints JSON.
 *
 *   gpu_video CLIP.mp4 MEMORY STREAMS SECONDS ALIGN MODEL DEVICE OPTIONS BATCH
 *
 * MEMORY: where the decoder leaves its pictures: "gpu" or "host". CLIP is played over and over, at its own
 * pace. ALIGN: hold or live. MODEL, DEVICE, OPTIONS, BATCH: of ssinfer, backend onnxruntime; "" = none. The
 * figures are of SECONDS from when the device asked for answers on. $SIDESTREAM_CACHE: where engines are
 * kept.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <gst/video/video.h>

#include "gpu_common.h"
#include "gst/register.h"
#include "gst/status.h"

enum { MOST_STREAMS = 128, MOST_SIGHTS = 65536, PATIENCE_S = 60 };

/* What the network saw, once. */
typedef struct Sight {
    guint64 pts;
    guint x, y, w, h;
} Sight;

typedef struct Video {
    GstElement *pipeline, *infer;
    guint64 frames; /* that left ssinfer; the stream's thread only, but for a look at it */
    guint64 last_source;
    gboolean ready; /* what was asked for answers */
} Video;

static Video video[MOST_STREAMS];
static int n_videos;
static GMainLoop *loop;
static Sight sights[MOST_SIGHTS]; /* of the first video; its thread's until that ends */
static guint n_sights;

static void note_sights(Video *v, GstBuffer *buffer)
{
    gpointer state = NULL;
    GstMeta *meta;
    guint64 newest = v->last_source;

    while ((meta = gst_buffer_iterate_meta_filtered(buffer, &state,
                                                    GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))) {
        const GstVideoRegionOfInterestMeta *roi = (const GstVideoRegionOfInterestMeta *)meta;
        GstStructure *ours =
            gst_video_region_of_interest_meta_get_param((GstVideoRegionOfInterestMeta *)meta, "sidestream");
        guint64 source = 0;

        if (!ours || !gst_structure_get_uint64(ours, "source-pts", &source) || source <= v->last_source ||
            n_sights == MOST_SIGHTS)
            continue;
        sights[n_sights++] = (Sight) { source, roi->x, roi->y, roi->w, roi->h };
        newest = MAX(newest, source);
    }
    v->last_source = newest;
}

static GstPadProbeReturn count(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    Video *v = data;

    (void)pad;
    v->frames++;
    if (v == video)
        note_sights(v, GST_PAD_PROBE_INFO_BUFFER(info));
    return GST_PAD_PROBE_OK;
}

static gboolean all_ready(void)
{
    for (int i = 0; i < n_videos; i++)
        if (!video[i].ready)
            return FALSE;
    return TRUE;
}

static gboolean on_message(GstBus *bus, GstMessage *m, gpointer data)
{
    Video *v = data;
    const GstStructure *s = gst_message_get_structure(m);
    gboolean stand_in = FALSE;

    (void)bus;
    if (GST_MESSAGE_TYPE(m) == GST_MESSAGE_ERROR) {
        g_autoptr(GError) error = NULL;
        gst_message_parse_error(m, &error, NULL);
        fail(GST_MESSAGE_SRC_NAME(m), error->message);
    }
    if (GST_MESSAGE_TYPE(m) == GST_MESSAGE_EOS)
        (void)gst_element_seek_simple(v->pipeline, GST_FORMAT_TIME,
                                      GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT, 0);
    if (GST_MESSAGE_TYPE(m) != GST_MESSAGE_ELEMENT || !s || !gst_structure_has_name(s, "sidestream-state"))
        return TRUE;
    const char *state = gst_structure_get_string(s, "state");
    if (g_strcmp0(state, "failed") == 0)
        fail("the network", gst_structure_get_string(s, "error"));
    v->ready =
        g_strcmp0(state, "running") == 0 && gst_structure_get_boolean(s, "stand-in", &stand_in) && !stand_in;
    if (all_ready())
        g_main_loop_quit(loop);
    return TRUE;
}

static gboolean give_up(gpointer unused)
{
    (void)unused;
    fail("not all videos had the device's boxes", "in time");
}

static void open_video(Video *v, char **arg)
{
    const char *memory = g_strcmp0(arg[2], "gpu") == 0 ? "(memory:CUDAMemory)" : "";
    const char *cache = g_getenv("SIDESTREAM_CACHE");
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strdup_printf(
        "filesrc location=\"%s\" ! qtdemux ! h264parse ! nvh264dec ! video/x-raw%s ! ssinfer name=infer "
        "backend=onnxruntime engine=shared align=%s model=\"%s\" device=%s batch=%s ! fakesink "
        "sync=true",
        arg[1], memory, arg[5], arg[6], arg[7], arg[9]);

    v->pipeline = gst_parse_launch(text, &error);
    if (!v->pipeline || error)
        fail("the pipeline", error->message);
    v->infer = gst_bin_get_by_name(GST_BIN(v->pipeline), "infer");
    if (arg[8][0])
        g_object_set(v->infer, "model-options", arg[8], NULL);
    if (cache)
        g_object_set(v->infer, "cache-dir", cache, NULL);
    g_autoptr(GstPad) src = gst_element_get_static_pad(v->infer, "src");
    gst_pad_add_probe(src, GST_PAD_PROBE_TYPE_BUFFER, count, v, NULL);
    g_autoptr(GstBus) bus = gst_element_get_bus(v->pipeline);
    gst_bus_add_watch(bus, on_message, v);
    gst_element_set_state(v->pipeline, GST_STATE_PLAYING);
}

/* A field of `stats`, summed over the videos. */
static guint64 total(const char *name)
{
    guint64 sum = 0;

    for (int i = 0; i < n_videos; i++) {
        GstStructure *s;
        guint64 one = 0;

        g_object_get(video[i].infer, "stats", &s, NULL);
        if (!gst_structure_get_uint64(s, name, &one))
            fail("no such statistic", name);
        gst_structure_free(s);
        sum += one;
    }
    return sum;
}

/* Of all frames shown so far, and how many these are. */
static double sum_of_ages_ms(double *count)
{
    double sum = 0;

    *count = 0;
    for (int i = 0; i < n_videos; i++) {
        GstStructure *s;
        gint64 age = 0;
        guint64 n = 0;

        g_object_get(video[i].infer, "stats", &s, NULL);
        (void)gst_structure_get_int64(s, "age-mean", &age);
        (void)gst_structure_get_uint64(s, "age-count", &n);
        gst_structure_free(s);
        sum += (double)age / 1e6 * (double)n;
        *count += (double)n;
    }
    return sum;
}

static gboolean quit(gpointer unused)
{
    (void)unused;
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

static guint64 frames_so_far(guint64 *fewest, const guint64 *before)
{
    guint64 sum = 0;

    *fewest = G_MAXUINT64;
    for (int i = 0; i < n_videos; i++) {
        sum += video[i].frames;
        *fewest = MIN(*fewest, video[i].frames - (before ? before[i] : 0));
    }
    return sum;
}

static void measure(double seconds)
{
    static const char *const names[] = {
        "offered", "inferred", "fetched", "unseen", "failed", "frames-waited"
    };
    guint64 was[G_N_ELEMENTS(names)], frames, fewest, each[MOST_STREAMS];
    gint64 began = g_get_monotonic_time();
    double cpu = own_cpu(RUSAGE_SELF), counted, counted_before, age,
           age_before = sum_of_ages_ms(&counted_before);

    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        was[i] = total(names[i]);
    for (int i = 0; i < n_videos; i++)
        each[i] = video[i].frames;
    frames = frames_so_far(&fewest, NULL);
    g_timeout_add((guint)(seconds * 1000), quit, NULL);
    g_main_loop_run(loop);
    cpu = own_cpu(RUSAGE_SELF) - cpu;
    const double took = (double)(g_get_monotonic_time() - began) / 1e6;
    frames = frames_so_far(&fewest, each) - frames;
    printf("\"seconds\": %.3f, \"frames\": %" G_GUINT64_FORMAT ", \"fps\": %.2f, \"fewest_fps\": %.2f, ",
           took, frames, (double)frames / took / n_videos, (double)fewest / took);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        printf("\"%s\": %" G_GUINT64_FORMAT ", ", names[i], total(names[i]) - was[i]);
    age = sum_of_ages_ms(&counted) - age_before;
    printf("\"age_ms\": %.2f, \"processors_a_stream\": %.4f, ", age / MAX(counted - counted_before, 1),
           cpu / took / n_videos);
}

static void print_sights(void)
{
    printf("\"sights\": [");
    for (guint i = 0; i < n_sights; i++)
        printf("%s[%" G_GUINT64_FORMAT ",%u,%u,%u,%u]", i > 0 ? "," : "", sights[i].pts, sights[i].x,
               sights[i].y, sights[i].w, sights[i].h);
    printf("]");
}

int main(int argc, char **argv)
{
    gst_init(NULL, NULL);
    if (!ss_gst_register(NULL))
        fail("cannot be registered", "the elements");
    if (argc != 10)
        fail("usage", "gpu_video CLIP.mp4 gpu|host STREAMS SECONDS hold|live MODEL DEVICE OPTIONS BATCH");
    n_videos = CLAMP(atoi(argv[3]), 1, MOST_STREAMS);
    loop = g_main_loop_new(NULL, FALSE);
    for (int i = 0; i < n_videos; i++)
        open_video(&video[i], argv);
    const guint patience = g_timeout_add_seconds(PATIENCE_S, give_up, NULL);
    g_main_loop_run(loop); /* until what was asked for answers */
    g_source_remove(patience);
    printf("{\"streams\": %d, \"memory\": \"%s\", \"align\": \"%s\", ", n_videos, argv[2], argv[5]);
    measure(atof(argv[4]));
    for (int i = 0; i < n_videos; i++)
        gst_element_set_state(video[i].pipeline, GST_STATE_NULL);
    print_sights();
    puts("}");
    for (int i = 0; i < n_videos; i++) {
        gst_object_unref(video[i].infer);
        gst_object_unref(video[i].pipeline);
    }
    g_main_loop_unref(loop);
    return 0;
}
