/* SPDX-License-Identifier: Apache-2.0 */
/* What ssoverlay draws with: rectangles, boxes, the copy of a picture. */
#include <gst/video/video.h>

#include "gst/copy.h"
#include "gst/draw.h"
#include "pixels.h"
#include "test.h"

static void test_fill_keeps_to_its_rectangle(void)
{
    for (guint i = 0; i < n_formats; i++) {
        GstVideoInfo info = info_of(formats[i], 37, 29);
        GstBuffer *buffer = picture_new(&info);
        const SsRect r = { 5, 7, 12, 9 };
        GstVideoFrame frame;
        SsPaint paint;
        int colour[3], ground[3] = { GREY, GREY, GREY };

        expected_colour(&info, 0xff8000, colour);
        ss_paint_init(&paint, &info, 0xff8000);
        REQUIRE(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READWRITE));
        ss_draw_fill(&(SsCanvas) { &frame, NULL }, &paint, SS_OPAQUE, r);
        for (int y = 0; y < 29; y++)
            for (int x = 0; x < 37; x++) {
                int got[3];
                gboolean inside = x >= r.x && x < r.x + r.w && y >= r.y && y < r.y + r.h;

                get_pixel(&frame, x, y, got);
                REQUIRE_NEAR(got[0], inside ? colour[0] : ground[0], inside ? 1 : 0);
            }
        if (GST_VIDEO_INFO_IS_YUV(&info)) { /* rows 6 and 7 share chroma, half of it is covered */
            int got[3];

            get_pixel(&frame, 10, 7, got);
            REQUIRE_NEAR(got[1], 0.5 * (colour[1] + GREY), 1.5);
            get_pixel(&frame, 5, 7, got);
            REQUIRE_NEAR(got[1], 0.25 * (colour[1] + 3 * GREY), 1.5);
            get_pixel(&frame, 10, 10, got);
            REQUIRE_NEAR(got[1], colour[1], 1);
        }
        gst_video_frame_unmap(&frame);
        gst_buffer_unref(buffer);
    }
}

/* The plain way: each of the three outlines by four bars. */
static void draw_ring(const SsCanvas *canvas, const SsPaint *paint, guint alpha, SsRect r, int t)
{
    if (2 * t >= r.w || 2 * t >= r.h) {
        ss_draw_fill(canvas, paint, alpha, r);
        return;
    }
    ss_draw_fill(canvas, paint, alpha, (SsRect) { r.x, r.y, r.w, t });
    ss_draw_fill(canvas, paint, alpha, (SsRect) { r.x, r.y + r.h - t, r.w, t });
    ss_draw_fill(canvas, paint, alpha, (SsRect) { r.x, r.y + t, t, r.h - 2 * t });
    ss_draw_fill(canvas, paint, alpha, (SsRect) { r.x + r.w - t, r.y + t, t, r.h - 2 * t });
}

static void draw_plainly(const SsCanvas *canvas, const SsBoxPaint *paint, SsRect r)
{
    const int t = paint->thickness;

    draw_ring(canvas, &paint->edge, paint->edge_alpha, (SsRect) { r.x - 1, r.y - 1, r.w + 2, r.h + 2 }, 1);
    draw_ring(canvas, &paint->line, SS_OPAQUE, r, t);
    if (r.w > 2 * t + 2 && r.h > 2 * t + 2)
        draw_ring(canvas, &paint->edge, paint->edge_alpha,
                  (SsRect) { r.x + t, r.y + t, r.w - 2 * t, r.h - 2 * t }, 1);
}

/* The sides are drawn in one go: not a pixel differs from the plain way by more than rounding. */
static void same_as_plainly(GstVideoInfo *info, SsRect r, int thickness)
{
    GstBuffer *buffer[2] = { picture_new(info), picture_new(info) };
    SsBoxPaint paint = { .edge_alpha = 150, .thickness = thickness };
    GstVideoFrame frame[2];

    ss_paint_init(&paint.line, info, 0xff8000);
    ss_paint_init(&paint.edge, info, 0x101418);
    for (int k = 0; k < 2; k++)
        REQUIRE(gst_video_frame_map(&frame[k], info, buffer[k], GST_MAP_READWRITE));
    ss_draw_box(&(SsCanvas) { &frame[0], NULL }, &paint, r);
    draw_plainly(&(SsCanvas) { &frame[1], NULL }, &paint, r);
    for (int y = 0; y < GST_VIDEO_INFO_HEIGHT(info); y++)
        for (int x = 0; x < GST_VIDEO_INFO_WIDTH(info); x++) {
            int plain[3];

            get_pixel(&frame[1], x, y, plain);
            REQUIRE(pixel_is(&frame[0], x, y, plain, 1));
        }
    for (int k = 0; k < 2; k++) {
        gst_video_frame_unmap(&frame[k]);
        gst_buffer_unref(buffer[k]);
    }
}

static void test_sides_in_one_go(void)
{
    static const SsRect boxes[] = {
        { 8, 8, 40, 30 },  { 9, 7, 41, 31 }, { 0, 0, 77, 61 },  { -3, -5, 30, 90 }, { 50, 3, 40, 9 },
        { 11, 11, 12, 7 }, { 76, 0, 9, 61 }, { 4, 55, 60, 40 }, { 1, 2, 20, 50 },
    };
    /* Rows of few vectors, of none. */
    static const int widths[] = { 77, 24, 23, 19, 11, 2 };

    for (guint i = 0; i < n_formats * G_N_ELEMENTS(boxes); i++)
        for (guint w = 0; w < G_N_ELEMENTS(widths); w++) {
            GstVideoInfo info = info_of(formats[i % n_formats], widths[w], 61);

            for (int thickness = 1; thickness <= 5; thickness++)
                same_as_plainly(&info, boxes[i / n_formats], thickness);
        }
}

/* `padding`: more bytes a row than the picture needs. */
static GstBuffer *noise_new(GstVideoInfo *info, guint padding, guint8 first)
{
    GstVideoAlignment more;
    GstMapInfo map;

    gst_video_alignment_reset(&more);
    more.padding_right = padding;
    REQUIRE(gst_video_info_align(info, &more));
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, info->size, NULL);
    REQUIRE(gst_buffer_map(buffer, &map, GST_MAP_WRITE));
    for (gsize i = 0; i < map.size; i++)
        map.data[i] = (guint8)(first + i * 7 + i / 251);
    gst_buffer_unmap(buffer, &map);
    return buffer;
}

/* Small and large pictures (these go past the caches), rows equally far apart or not. */
static void test_copy(void)
{
    static const int sizes[][2] = { { 1, 1 }, { 33, 17 }, { 1281, 1723 }, { 1920, 1080 } };

    for (guint i = 0; i < n_formats * G_N_ELEMENTS(sizes) * 2; i++) {
        const int *size = sizes[i / n_formats % G_N_ELEMENTS(sizes)];
        GstVideoInfo info[2] = { info_of(formats[i % n_formats], size[0], size[1]) };
        GstVideoFrame frame[2];

        info[1] = info[0];
        GstBuffer *from = noise_new(&info[0], 0, 1);
        GstBuffer *to = noise_new(&info[1], i < n_formats * G_N_ELEMENTS(sizes) ? 0 : 64, 101);
        REQUIRE(gst_video_frame_map(&frame[0], &info[0], from, GST_MAP_READ));
        REQUIRE(gst_video_frame_map(&frame[1], &info[1], to, GST_MAP_WRITE));
        REQUIRE(ss_copy_picture(&frame[1], &frame[0]));
        for (int y = 0; y < size[1]; y += y < size[1] - 9 ? 7 : 1)
            for (int x = 0; x < size[0]; x += x < size[0] - 9 ? 5 : 1) {
                int want[3];

                get_pixel(&frame[0], x, y, want);
                REQUIRE(pixel_is(&frame[1], x, y, want, 0));
            }
        gst_video_frame_unmap(&frame[0]);
        gst_video_frame_unmap(&frame[1]);
        gst_buffer_unref(from);
        gst_buffer_unref(to);
    }
}

static int any(GRand *random, int least, int most)
{
    return g_rand_int_range(random, least, most + 1);
}

static void draw_anything(const SsCanvas *canvas, GRand *random)
{
    static const guint8 mask[32 * 16] = { [5] = 255, [100] = 128, [511] = 255 };
    const SsRect r = { any(random, -20, 90), any(random, -20, 70), any(random, 0, 60), any(random, 0, 60) };
    SsBoxPaint paint = { .edge_alpha = 150, .thickness = any(random, 1, 5) };

    ss_paint_init(&paint.line, &canvas->frame->info, (guint32)any(random, 0, 0xffffff));
    ss_paint_init(&paint.edge, &canvas->frame->info, 0x101418);
    switch (any(random, 0, 3)) {
    case 0:
        ss_draw_fill(canvas, &paint.line, (guint)any(random, 1, SS_OPAQUE), r);
        break;
    case 1:
        ss_draw_box(canvas, &paint, r);
        break;
    case 2:
        ss_draw_dashes(canvas, &paint, (guint)any(random, 1, SS_OPAQUE), r);
        break;
    default:
        ss_draw_mask(canvas, &paint.line, mask, 32, (SsRect) { r.x, r.y, 32, 16 });
    }
}

/* Whatever is drawn, over one another and beyond the edge: not a byte of the picture is lost. */
static void test_ink_is_taken_off(void)
{
    GRand *random = g_rand_new_with_seed(5);
    SsInk *ink = ss_ink_new();
    gsize drawn_bytes = 0;

    for (guint i = 0; i < n_formats * 40; i++) {
        GstVideoInfo info = info_of(formats[i % n_formats], 77, 61);
        GstBuffer *before = noise_new(&info, i % 2 ? 64 : 0, 1);
        GstBuffer *after = gst_buffer_copy_deep(before);
        GstVideoFrame frame[2];

        REQUIRE(gst_video_frame_map(&frame[0], &info, before, GST_MAP_READ));
        REQUIRE(gst_video_frame_map(&frame[1], &info, after, GST_MAP_READWRITE));
        for (int n = any(random, 1, 12); n > 0; n--)
            draw_anything(&(SsCanvas) { &frame[1], ink }, random);
        const guint8 *was = frame[0].map[0].data, *is = frame[1].map[0].data;
        for (gsize b = 0; b < info.size; b++)
            drawn_bytes += was[b] != is[b];
        ss_ink_restore(ink, (guint8 *const *)frame[1].data);
        REQUIRE(memcmp(was, is, info.size) == 0);
        ss_ink_clear(ink);
        REQUIRE(ss_ink_is_empty(ink));
        gst_video_frame_unmap(&frame[0]);
        gst_video_frame_unmap(&frame[1]);
        gst_buffer_unref(before);
        gst_buffer_unref(after);
    }
    REQUIRE_CMP(drawn_bytes, >, n_formats * 40 * 1000); /* there was much to take off */
    ss_ink_free(ink);
    g_rand_free(random);
}

int main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    test_fill_keeps_to_its_rectangle();
    test_sides_in_one_go();
    test_copy();
    test_ink_is_taken_off();
    gst_deinit();
    return 0;
}
