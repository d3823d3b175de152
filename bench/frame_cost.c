/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one frame pays on the stream's thread, ten boxes with labels, while the slot holds a
 * reference to the newest frame: the ways to draw although somebody may still read the picture.
 *
 *   frame_cost [--json] [--frames N]
 *
 * Frames come from a pool as a decoder's do: written anew right before, eight in turn.
 */
#include <gst/video/video.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/image.h"
#include "gst/colour.h"
#include "gst/loan.h"
#include "gst/register.h"
#include "gst/text.h"

enum { N_BOXES = 10, N_BUFFERS = 8, WARM_UP = 30, LINE = 3 };

typedef struct Bench {
    GstVideoInfo info;
    GstBufferPool *source, *copies;
    guint8 *picture;
    GstBuffer *slot;  /* the newest frame, held as the core's slot does */
    SsLender *lender; /* of the candidate that lends it */
    SsFrame *lent;
    GstElement *element;
    GstPad *out, *in; /* ours, around the element */
    SsImage *image;   /* of the candidate that resizes */
    void *tensor;
    GstVideoOverlayRectangle *rectangles[N_BOXES * 5];
    gint64 began;       /* by the monotonic clock */
    guint regions;      /* on the last buffer that came out */
    gint64 *wall, *cpu; /* ns a frame; of the processor: without what others took meanwhile */
    guint frames;
} Bench;

typedef struct Candidate {
    const char *name;
    const char *element; /* with ssinfer in it, the boxes are its own */
    gboolean (*open)(Bench *b);
    GstFlowReturn (*step)(Bench *b, GstBuffer *frame);
} Candidate;

static gint64 now(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return t.tv_sec * G_GINT64_CONSTANT(1000000000) + t.tv_nsec;
}

static void box(const Bench *b, int i, int r[4])
{
    int width = GST_VIDEO_INFO_WIDTH(&b->info), height = GST_VIDEO_INFO_HEIGHT(&b->info);

    r[0] = 40 + i * (width - 240) / N_BOXES;
    r[1] = 60 + i * height / 20;
    r[2] = 120;
    r[3] = 240;
}

static void add_regions(const Bench *b, GstBuffer *frame)
{
    for (int i = 0; i < N_BOXES; i++) {
        GstVideoRegionOfInterestMeta *roi;
        int r[4];

        box(b, i, r);
        roi = gst_buffer_add_video_region_of_interest_meta(frame, "person", (guint)r[0], (guint)r[1],
                                                           (guint)r[2], (guint)r[3]);
        gst_video_region_of_interest_meta_add_param(
            roi, gst_structure_new("detection", "label_id", G_TYPE_INT, i, "confidence", G_TYPE_DOUBLE,
                                   0.5 + 0.04 * i, "label", G_TYPE_STRING, "person", NULL));
        gst_video_region_of_interest_meta_add_param(
            roi, gst_structure_new("sidestream", "source-pts", G_TYPE_UINT64, (guint64)i, "age",
                                   G_TYPE_UINT64, (guint64)i, "state", G_TYPE_STRING, "held", NULL));
    }
}

static void hold(Bench *b, GstBuffer *frame)
{
    gst_buffer_replace(&b->slot, frame);
}

static gboolean open_lender(Bench *b)
{
    b->lender = ss_lender_new();
    return b->element != NULL;
}

static gboolean nothing_to_open(Bench *b)
{
    return b->element != NULL;
}

/* --- the candidates --- */

/* Whether the C library keeps a frame's memory when it is freed depends on what the program did
 * before. Both ends are measured. */
static gboolean open_keeping(Bench *b)
{
    return b->element && mallopt(M_MMAP_THRESHOLD, 32 << 20) && mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

static gboolean open_returning(Bench *b)
{
    return b->element && mallopt(M_MMAP_THRESHOLD, 128 << 10) && mallopt(M_TRIM_THRESHOLD, 128 << 10);
}

static GstFlowReturn step_naive(Bench *b, GstBuffer *frame)
{
    GstMapInfo map;

    hold(b, frame);
    frame = gst_buffer_make_writable(frame);
    if (!gst_buffer_map(frame, &map, GST_MAP_READWRITE)) /* here the memory is copied */
        return GST_FLOW_ERROR;
    gst_buffer_unmap(frame, &map);
    return gst_pad_push(b->out, frame);
}

static GstBuffer *copy_of(Bench *b, GstBuffer *frame)
{
    GstBuffer *copy = NULL;
    GstVideoFrame from, to;

    if (gst_buffer_pool_acquire_buffer(b->copies, &copy, NULL) != GST_FLOW_OK ||
        !gst_video_frame_map(&from, &b->info, frame, GST_MAP_READ))
        abort();
    if (!gst_video_frame_map(&to, &b->info, copy, GST_MAP_WRITE) || !gst_video_frame_copy(&to, &from))
        abort();
    gst_video_frame_unmap(&to);
    gst_video_frame_unmap(&from);
    return copy;
}

static GstFlowReturn step_copy_at_offer(Bench *b, GstBuffer *frame)
{
    GstBuffer *copy = copy_of(b, frame);

    hold(b, copy);
    gst_buffer_unref(copy);
    return gst_pad_push(b->out, frame);
}

static gboolean open_image(Bench *b, int side, gboolean real)
{
    const SsTensor input = { .dtype = real ? SS_F32 : SS_U8,
                             .rank = 4,
                             .dim = { 1, real ? 3 : side, side, real ? side : 3 } };
    const SsInputParams params = { .fit = real ? SS_FIT_LETTERBOX : SS_FIT_STRETCH,
                                   .order = SS_ORDER_RGB,
                                   .scale = { 255, 255, 255 } };
    static const SsLogger log = { .level = SS_LOG_ERROR };

    b->tensor = g_malloc((gsize)side * (gsize)side * 3 * 4);
    return ss_image_create(&b->image, &input, &params, &log) == 0;
}

static gboolean open_300(Bench *b)
{
    return open_image(b, 300, FALSE);
}

static gboolean open_640(Bench *b)
{
    return open_image(b, 640, TRUE);
}

static SsPixelFormat pixel_format(GstVideoFormat format)
{
    return format == GST_VIDEO_FORMAT_NV12   ? SS_PIXEL_NV12
           : format == GST_VIDEO_FORMAT_I420 ? SS_PIXEL_I420
                                             : SS_PIXEL_BGRX;
}

static GstFlowReturn step_resize(Bench *b, GstBuffer *frame)
{
    GstVideoFrame from;
    SsGeometry geometry;
    SsFrameDesc desc = { .format = pixel_format(GST_VIDEO_INFO_FORMAT(&b->info)),
                         .width = GST_VIDEO_INFO_WIDTH(&b->info),
                         .height = GST_VIDEO_INFO_HEIGHT(&b->info) };

    if (!gst_video_frame_map(&from, &b->info, frame, GST_MAP_READ))
        return GST_FLOW_ERROR;
    for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES(&from); i++) {
        desc.plane[i] = GST_VIDEO_FRAME_PLANE_DATA(&from, i);
        desc.stride[i] = GST_VIDEO_FRAME_PLANE_STRIDE(&from, i);
    }
    if (ss_image_convert(b->image, &desc, b->tensor, &geometry) != 0)
        return GST_FLOW_ERROR;
    gst_video_frame_unmap(&from);
    return gst_pad_push(b->out, frame);
}

static GstVideoOverlayRectangle *rectangle(guint32 rgb, const SsTextLine *line, int x, int y, int w, int h)
{
    GstBuffer *pixels = gst_buffer_new_allocate(NULL, (gsize)w * (gsize)h * 4, NULL);
    guint32 ink = ss_colour_of_text_on(rgb);
    GstVideoOverlayRectangle *r;
    GstMapInfo map;

    if (!gst_buffer_map(pixels, &map, GST_MAP_WRITE))
        abort();
    for (int i = 0; i < w * h; i++) {
        guint32 pixel = 0xff000000u | (line && line->mask[i] > 127 ? ink : rgb);

        memcpy(map.data + (gsize)i * 4, &pixel, 4);
    }
    gst_buffer_unmap(pixels, &map);
    gst_buffer_add_video_meta(pixels, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB,
                              (guint)w, (guint)h);
    r = gst_video_overlay_rectangle_new_raw(pixels, x, y, (guint)w, (guint)h,
                                            GST_VIDEO_OVERLAY_FORMAT_FLAG_NONE);
    gst_buffer_unref(pixels);
    return r;
}

/* The pixels are made once: the best case, as if no box changed its size and no number its digits. */
static gboolean open_composition(Bench *b)
{
    SsText *text = ss_text_new();

    for (int i = 0, n = 0; i < N_BOXES; i++) {
        guint32 rgb = ss_colour_of_class(i);
        SsTextLine line = ss_text_render(text, "person 87%", 1000);
        int r[4];

        box(b, i, r);
        b->rectangles[n++] = rectangle(rgb, NULL, r[0], r[1], r[2], LINE);
        b->rectangles[n++] = rectangle(rgb, NULL, r[0], r[1] + r[3] - LINE, r[2], LINE);
        b->rectangles[n++] = rectangle(rgb, NULL, r[0], r[1], LINE, r[3]);
        b->rectangles[n++] = rectangle(rgb, NULL, r[0] + r[2] - LINE, r[1], LINE, r[3]);
        b->rectangles[n++] = rectangle(rgb, &line, r[0], r[1] - line.height, line.width, line.height);
    }
    ss_text_free(text);
    return TRUE;
}

static GstFlowReturn step_composition(Bench *b, GstBuffer *frame)
{
    GstVideoOverlayComposition *all = gst_video_overlay_composition_new(NULL);
    GstBuffer *copy;
    GstVideoFrame to;

    hold(b, frame);
    copy = copy_of(b, frame);
    gst_buffer_unref(frame);
    for (guint i = 0; i < G_N_ELEMENTS(b->rectangles); i++)
        gst_video_overlay_composition_add_rectangle(all, b->rectangles[i]);
    if (!gst_video_frame_map(&to, &b->info, copy, GST_MAP_READWRITE))
        return GST_FLOW_ERROR;
    gst_video_overlay_composition_blend(all, &to);
    gst_video_frame_unmap(&to);
    gst_video_overlay_composition_unref(all);
    gst_buffer_unref(copy);
    return GST_FLOW_OK;
}

static GstFlowReturn step_held(Bench *b, GstBuffer *frame)
{
    hold(b, frame);
    return gst_pad_push(b->out, frame);
}

/* The loan of the last one ends here, as in a slot. */
static GstFlowReturn step_lent(Bench *b, GstBuffer *frame)
{
    SsFrame *before = b->lent;

    b->lent = ss_loan_wrap(b->lender, frame, &b->info, 0);
    ss_frame_unref(&before);
    return b->lent ? gst_pad_push(b->out, frame) : GST_FLOW_ERROR;
}

static GstFlowReturn step_free(Bench *b, GstBuffer *frame)
{
    return gst_pad_push(b->out, frame);
}

/* Its network holds a frame all the time, and its slot the newest. */
#define PAIR(align) "ssinfer align=" align " backend=dummy model-options=boxes=10,latency=40 ! ssoverlay"

static const Candidate candidates[] = {
    { "fresh writable copy (GStreamer's default), memory from the system", "ssoverlay", open_returning,
      step_naive },
    { "fresh writable copy, memory kept by malloc", "ssoverlay", open_keeping, step_naive },
    { "whole frame copied at offer", "ssoverlay", nothing_to_open, step_copy_at_offer },
    { "resized to 300x300 u8 at offer", "ssoverlay", open_300, step_resize },
    { "resized to 640x640 f32 at offer", "ssoverlay", open_640, step_resize },
    { "overlay composition, blended into a pooled copy", "ssoverlay", open_composition, step_composition },
    { "ssoverlay, frame held by others: pooled copy", "ssoverlay", nothing_to_open, step_held },
    { "ssoverlay, frame lent and unread: what is drawn over is kept", "ssoverlay", open_lender, step_lent },
    { "ssoverlay, frame free (after a conversion)", "ssoverlay", nothing_to_open, step_free },
    { "ssinfer ! ssoverlay, boxes unmoved", PAIR("hold"), nothing_to_open, step_free },
    { "ssinfer ! ssoverlay, boxes carried", PAIR("live"), nothing_to_open, step_free },
};

/* With boxes of its own, not the bench's. */
static gboolean is_pair(const Candidate *c)
{
    return g_str_has_prefix(c->element, "ssinfer");
}

/* --- running them --- */

static GstFlowReturn swallow(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
    Bench *b = gst_pad_get_element_private(pad);

    (void)parent;
    b->regions = gst_buffer_get_n_meta(buffer, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);
    gst_buffer_unref(buffer);
    return GST_FLOW_OK;
}

static GstBufferPool *pool_new(GstCaps *caps, const GstVideoInfo *info)
{
    GstBufferPool *pool = gst_video_buffer_pool_new();
    GstStructure *config = gst_buffer_pool_get_config(pool);

    gst_buffer_pool_config_set_params(config, caps, (guint)info->size, N_BUFFERS, 0);
    if (!gst_buffer_pool_set_config(pool, config) || !gst_buffer_pool_set_active(pool, TRUE))
        abort();
    return pool;
}

static gboolean bench_open(Bench *b, const Candidate *c, GstVideoFormat format, int width, int height)
{
    g_autoptr(GstCaps) caps = NULL;
    g_autoptr(GError) error = NULL;
    GstSegment segment;

    gst_video_info_set_format(&b->info, format, (guint)width, (guint)height);
    b->info.fps_n = 30;
    caps = gst_video_info_to_caps(&b->info);
    b->source = pool_new(caps, &b->info);
    b->copies = pool_new(caps, &b->info);
    b->picture = g_malloc(b->info.size);
    for (gsize i = 0; i < b->info.size; i++)
        b->picture[i] = (guint8)g_random_int();
    b->element = gst_parse_bin_from_description(c->element, TRUE, &error);
    if (!b->element) {
        fprintf(stderr, "frame_cost: %s\n", error->message);
        return FALSE;
    }
    gst_object_ref_sink(b->element);
    b->out = gst_pad_new("out", GST_PAD_SRC);
    b->in = gst_pad_new("in", GST_PAD_SINK);
    gst_pad_set_chain_function(b->in, swallow);
    gst_pad_set_element_private(b->in, b);
    gst_pad_set_active(b->out, TRUE);
    gst_pad_set_active(b->in, TRUE);
    gst_segment_init(&segment, GST_FORMAT_TIME);
    {
        g_autoptr(GstPad) sink = gst_element_get_static_pad(b->element, "sink");
        g_autoptr(GstPad) src = gst_element_get_static_pad(b->element, "src");

        if (gst_pad_link(b->out, sink) != GST_PAD_LINK_OK || gst_pad_link(src, b->in) != GST_PAD_LINK_OK)
            return FALSE;
    }
    if (gst_element_set_state(b->element, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
        return FALSE;
    gst_pad_push_event(b->out, gst_event_new_stream_start("bench"));
    gst_pad_push_event(b->out, gst_event_new_caps(caps));
    gst_pad_push_event(b->out, gst_event_new_segment(&segment));
    return c->open(b);
}

static void bench_close(Bench *b)
{
    gst_element_set_state(b->element, GST_STATE_NULL);
    gst_buffer_replace(&b->slot, NULL);
    ss_frame_unref(&b->lent);
    ss_lender_unref(b->lender);
    ss_image_destroy(&b->image);
    g_free(b->tensor);
    for (guint i = 0; i < G_N_ELEMENTS(b->rectangles); i++)
        if (b->rectangles[i])
            gst_video_overlay_rectangle_unref(b->rectangles[i]);
    gst_object_unref(b->out);
    gst_object_unref(b->in);
    gst_object_unref(b->element);
    gst_buffer_pool_set_active(b->source, FALSE);
    gst_buffer_pool_set_active(b->copies, FALSE);
    gst_object_unref(b->source);
    gst_object_unref(b->copies);
    g_free(b->picture);
}

/* One frame through the candidate. */
static gboolean one_frame(Bench *b, const Candidate *c, gint64 *wall, gint64 *cpu)
{
    GstBuffer *frame = NULL;
    GstFlowReturn ret;

    if (gst_buffer_pool_acquire_buffer(b->source, &frame, NULL) != GST_FLOW_OK)
        return FALSE;
    gst_buffer_fill(frame, 0, b->picture, b->info.size);
    GST_BUFFER_PTS(frame) = (GstClockTime)(now(CLOCK_MONOTONIC) - b->began); /* boxes grow old by it */
    if (!is_pair(c))
        add_regions(b, frame);
    *cpu = now(CLOCK_THREAD_CPUTIME_ID);
    *wall = now(CLOCK_MONOTONIC);
    ret = c->step(b, frame);
    *wall = now(CLOCK_MONOTONIC) - *wall;
    *cpu = now(CLOCK_THREAD_CPUTIME_ID) - *cpu;
    return ret == GST_FLOW_OK;
}

static gboolean measure(Bench *b, const Candidate *c)
{
    const gint64 deadline = now(CLOCK_MONOTONIC) + 10 * G_GINT64_CONSTANT(1000000000);
    const gboolean pair = is_pair(c);

    b->began = now(CLOCK_MONOTONIC);
    /* The pair has no boxes before its first inference. */
    for (guint i = 0; i < WARM_UP || (pair && b->regions < N_BOXES && now(CLOCK_MONOTONIC) < deadline); i++)
        if (!one_frame(b, c, b->wall, b->cpu))
            return FALSE;
    for (guint n = 0; n < b->frames; n++)
        if (!one_frame(b, c, &b->wall[n], &b->cpu[n]) || (pair && b->regions != N_BOXES))
            return FALSE;
    return TRUE;
}

static int compare_ns(const void *a, const void *b)
{
    gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

    return (x > y) - (x < y);
}

/* Of sorted values. */
static double percentile_us(const gint64 *ns, guint n, guint percent)
{
    return (double)ns[MIN(n - 1, n * percent / 100)] / 1e3;
}

static void print_row(const Bench *b, const Candidate *c, gboolean json)
{
    const char *format = GST_VIDEO_INFO_NAME(&b->info);
    const int width = GST_VIDEO_INFO_WIDTH(&b->info), height = GST_VIDEO_INFO_HEIGHT(&b->info);
    const double p50 = percentile_us(b->wall, b->frames, 50), p99 = percentile_us(b->wall, b->frames, 99);
    const double cpu_p99 = percentile_us(b->cpu, b->frames, 99);

    if (json)
        printf("{\"way\":\"%s\",\"width\":%d,\"height\":%d,\"format\":\"%s\",\"p50_us\":%.1f,\"p99_us\":%.1f,"
               "\"cpu_p99_us\":%.1f}",
               c->name, width, height, format, p50, p99, cpu_p99);
    else
        printf("| %s | %dx%d %s | %.0f | %.0f | %.0f |\n", c->name, width, height, format, p50, p99, cpu_p99);
    fflush(stdout);
}

static gboolean run_one(Bench *b, const Candidate *c, GstVideoFormat format, const int size[2])
{
    gboolean ok = bench_open(b, c, format, size[0], size[1]) && measure(b, c);

    qsort(b->wall, b->frames, sizeof(*b->wall), compare_ns);
    qsort(b->cpu, b->frames, sizeof(*b->cpu), compare_ns);
    bench_close(b);
    if (!ok)
        fprintf(stderr, "frame_cost: %s: failed\n", c->name);
    return ok;
}

static gboolean run_all(guint frames, gboolean json)
{
    static const int sizes[][2] = { { 1280, 720 }, { 1920, 1080 } };
    static const GstVideoFormat formats[] = { GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_I420,
                                              GST_VIDEO_FORMAT_BGRx };
    g_autofree gint64 *wall = g_new0(gint64, frames), *cpu = g_new0(gint64, frames);
    const guint n_rows = G_N_ELEMENTS(sizes) * G_N_ELEMENTS(formats);

    if (json)
        printf("{\"boxes\":%d,\"frames\":%u,\"rows\":[", N_BOXES, frames);
    else
        printf("%d boxes with labels, %u frames, us a frame:\n\n| way | picture | p50 | p99 | p99 of CPU "
               "time |\n"
               "|---|---|---:|---:|---:|\n",
               N_BOXES, frames);
    for (guint i = 0; i < n_rows * G_N_ELEMENTS(candidates); i++) {
        const Candidate *c = &candidates[i % G_N_ELEMENTS(candidates)];
        guint row = i / G_N_ELEMENTS(candidates);
        Bench b = { .frames = frames, .wall = wall, .cpu = cpu };

        if (!run_one(&b, c, formats[row % G_N_ELEMENTS(formats)], sizes[row / G_N_ELEMENTS(formats)]))
            return FALSE;
        if (json && i > 0)
            putchar(',');
        print_row(&b, c, json);
    }
    if (json)
        puts("]}");
    return TRUE;
}

int main(int argc, char **argv)
{
    gboolean json = FALSE, ok;
    int frames = 300;
    const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, &json, "one JSON document", NULL },
                                     { "frames", 0, 0, G_OPTION_ARG_INT, &frames, "frames a row", "N" },
                                     { 0 } };
    GOptionContext *context = g_option_context_new("- what one frame pays");
    g_autoptr(GError) error = NULL;

    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_add_group(context, gst_init_get_option_group());
    ok = g_option_context_parse(context, &argc, &argv, &error);
    g_option_context_free(context);
    if (!ok || frames < 1) {
        fprintf(stderr, "frame_cost: %s\n", ok ? "--frames: at least 1" : error->message);
        return 2;
    }
    if (!ss_gst_register(NULL) || !run_all((guint)frames, json))
        return 1;
    return 0;
}
