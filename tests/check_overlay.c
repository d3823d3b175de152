/* SPDX-License-Identifier: Apache-2.0 */
/* ssoverlay, and the drawing, text and colours below it. */
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#include "gst/colour.h"
#include "gst/draw.h"
#include "gst/overlay.h"
#include "gst/text.h"
#include "pixels.h"
#include "test.h"

static void add_region(GstBuffer *buffer, const char *name, int class_id, double confidence, SsRect r)
{
    GstVideoRegionOfInterestMeta *roi = gst_buffer_add_video_region_of_interest_meta(
        buffer, name, (guint)r.x, (guint)r.y, (guint)r.w, (guint)r.h);

    if (class_id >= 0)
        gst_video_region_of_interest_meta_add_param(
            roi, gst_structure_new("detection", "label_id", G_TYPE_INT, class_id, "confidence", G_TYPE_DOUBLE,
                                   confidence, "label", G_TYPE_STRING, name, NULL));
}

static GstHarness *overlay_new(const char *properties, const GstVideoInfo *info)
{
    g_autofree char *launch = g_strdup_printf("ssoverlay %s", properties);
    GstHarness *h = gst_harness_new_parse(launch);

    gst_harness_set_src_caps(h, gst_video_info_to_caps(info));
    return h;
}

static guint64 checksum(GstBuffer *buffer)
{
    GstMapInfo map;
    guint64 sum = 14695981039346656037u;

    REQUIRE(gst_buffer_map(buffer, &map, GST_MAP_READ));
    for (gsize i = 0; i < map.size; i++)
        sum = (sum ^ map.data[i]) * 1099511628211u;
    gst_buffer_unmap(buffer, &map);
    return sum;
}

static void test_box_in_every_format(void)
{
    static const int ground[3] = { GREY, GREY, GREY };

    for (guint i = 0; i < n_formats; i++) {
        GstVideoInfo info = info_of(formats[i], 320, 240);
        GstHarness *h = overlay_new("thickness=4", &info);
        GstBuffer *in = picture_new(&info), *out;
        GstVideoFrame frame;
        int colour[3];

        expected_colour(&info, ss_colour_of_class(1), colour);
        add_region(in, "person", 1, 0.875, (SsRect) { 100, 80, 60, 90 });
        out = gst_harness_push_and_pull(h, in);
        REQUIRE(gst_video_frame_map(&frame, &info, out, GST_MAP_READ));
        REQUIRE(pixel_is(&frame, 101, 120, colour, 1)); /* left, right, bottom bar */
        REQUIRE(pixel_is(&frame, 158, 120, colour, 1));
        REQUIRE(pixel_is(&frame, 130, 168, colour, 1));
        REQUIRE(pixel_is(&frame, 130, 130, ground, 0)); /* inside and around */
        REQUIRE(pixel_is(&frame, 96, 120, ground, 0));
        REQUIRE(pixel_is(&frame, 164, 120, ground, 0));
        REQUIRE(pixel_is(&frame, 130, 174, ground, 0));
        REQUIRE(pixel_is(&frame, 97, 120, ground, 0));
        REQUIRE(!pixel_is(&frame, 99, 120, ground, 5)); /* the dark edge */
        REQUIRE(!pixel_is(&frame, 104, 72, ground, 5)); /* the tag */
        gst_video_frame_unmap(&frame);
        gst_buffer_unref(out);
        gst_harness_teardown(h);
    }
}

/** What is but a guess is dashed, and fainter with age; what is known is not. */
static void test_predicted(void)
{
    static const int ground[3] = { GREY, GREY, GREY };
    static const struct {
        const char *state;
        guint64 age;
        gboolean dashed;
    } cases[] = { { "tracked", GST_SECOND, FALSE },
                  { "predicted", 300 * GST_MSECOND, TRUE },
                  { "predicted", 5 * GST_SECOND, TRUE } };
    GstVideoInfo info = info_of("RGB", 320, 240);
    int last = 256;

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        GstHarness *h = overlay_new("thickness=2 labels=false", &info);
        GstBuffer *in = picture_new(&info), *out;
        GstVideoFrame frame;
        int colour[3], drawn = 0, bare = 0;

        expected_colour(&info, ss_colour_of_class(1), colour);
        add_region(in, "person", 1, 0.9, (SsRect) { 100, 80, 80, 60 });
        gpointer state = NULL;
        GstMeta *meta =
            gst_buffer_iterate_meta_filtered(in, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);
        gst_video_region_of_interest_meta_add_param((GstVideoRegionOfInterestMeta *)meta,
                                                    gst_structure_new("sidestream", "age", G_TYPE_UINT64,
                                                                      cases[i].age, "state", G_TYPE_STRING,
                                                                      cases[i].state, NULL));
        out = gst_harness_push_and_pull(h, in);
        REQUIRE(gst_video_frame_map(&frame, &info, out, GST_MAP_READ));
        for (int x = 100; x < 180; x++) {
            bare += pixel_is(&frame, x, 81, ground, 0);
            drawn += !pixel_is(&frame, x, 81, ground, 0);
        }
        REQUIRE((bare > 20) == cases[i].dashed && drawn > 40);
        const guint8 *pixel = GST_VIDEO_FRAME_PLANE_DATA(&frame, 0);
        const int off = abs(pixel[81 * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0) + 3 * 101] - GREY);
        REQUIRE_CMP(off, <, last); /* ever less of the colour */
        last = off;
        gst_video_frame_unmap(&frame);
        gst_buffer_unref(out);
        gst_harness_teardown(h);
    }
}

static void test_styles(void)
{
    GstVideoInfo info = info_of("RGB", 320, 240);
    static const int ground[3] = { GREY, GREY, GREY };
    GstHarness *h = overlay_new("style=fill labels=false", &info);
    GstBuffer *in = picture_new(&info), *out;
    guint32 rgb = ss_colour_of_class(4);
    GstVideoFrame frame;
    int mixed[3];

    for (int c = 0; c < 3; c++)
        mixed[c] = (int)(0.6 * GREY + 0.4 * (rgb >> (16 - 8 * c) & 255));
    add_region(in, "car", 4, 0.5, (SsRect) { 100, 80, 60, 90 });
    out = gst_harness_push_and_pull(h, in);
    REQUIRE(gst_video_frame_map(&frame, &info, out, GST_MAP_READ));
    REQUIRE(pixel_is(&frame, 100, 80, mixed, 2));
    REQUIRE(pixel_is(&frame, 130, 130, mixed, 2));
    REQUIRE(pixel_is(&frame, 159, 169, mixed, 2));
    REQUIRE(pixel_is(&frame, 160, 130, ground, 0));
    for (int x = 90; x < 200; x++)
        REQUIRE(pixel_is(&frame, x, 72, ground, 0)); /* no tag */
    gst_video_frame_unmap(&frame);
    gst_buffer_unref(out);
    gst_harness_teardown(h);
}

/* Two boxes side by side: the second tag would hide the first, so it goes below its box. */
static void test_tags_make_way(void)
{
    GstVideoInfo info = info_of("RGB", 320, 240);
    GstHarness *h = overlay_new("thickness=2", &info);
    GstBuffer *in = picture_new(&info), *out;
    GstVideoFrame frame;
    int colour[2][3];

    for (int i = 0; i < 2; i++) {
        expected_colour(&info, ss_colour_of_class(1 + i), colour[i]);
        add_region(in, "person", 1 + i, 0.875, (SsRect) { 100 + 12 * i, 80, 60, 90 });
    }
    out = gst_harness_push_and_pull(h, in);
    REQUIRE(gst_video_frame_map(&frame, &info, out, GST_MAP_READ));
    /* Both tags are wider than the 12 pixels between the boxes; their outermost rows bear no text. */
    for (int x = 100; x < 150; x++)
        REQUIRE(pixel_is(&frame, x, 79, colour[0], 24));
    for (int x = 112; x < 162; x++)
        REQUIRE(pixel_is(&frame, x, 171, colour[1], 24));
    gst_video_frame_unmap(&frame);
    gst_buffer_unref(out);
    gst_harness_teardown(h);
}

/* The three ways of a buffer: untouched, in place, copied because somebody else looks at it. */
static void test_who_holds_the_buffer(void)
{
    GstVideoInfo info = info_of("NV12", 320, 240);
    GstHarness *h = overlay_new("", &info);
    GstBuffer *in, *out;
    guint64 before;

    in = picture_new(&info);
    before = checksum(in);
    gst_buffer_ref(in);
    out = gst_harness_push_and_pull(h, in);
    REQUIRE(out == in && checksum(out) == before);
    gst_buffer_unref(out);
    gst_buffer_unref(in);

    in = picture_new(&info);
    add_region(in, "person", 1, 0.9, (SsRect) { 10, 40, 60, 90 });
    out = gst_harness_push_and_pull(h, in);
    REQUIRE(out == in && checksum(out) != before);
    gst_buffer_unref(out);

    in = picture_new(&info);
    add_region(in, "person", 1, 0.9, (SsRect) { 10, 40, 60, 90 });
    GST_BUFFER_PTS(in) = 123456;
    GST_BUFFER_DURATION(in) = 42;
    GST_BUFFER_OFFSET(in) = 7;
    GST_BUFFER_FLAG_SET(in, GST_BUFFER_FLAG_DISCONT | GST_BUFFER_FLAG_MARKER);
    gst_buffer_ref(in);
    out = gst_harness_push_and_pull(h, in);
    REQUIRE(out != in && checksum(in) == before && checksum(out) != before);
    REQUIRE(GST_BUFFER_PTS(out) == 123456 && GST_BUFFER_DURATION(out) == 42 && GST_BUFFER_OFFSET(out) == 7);
    REQUIRE(GST_BUFFER_FLAG_IS_SET(out, GST_BUFFER_FLAG_DISCONT));
    REQUIRE(GST_BUFFER_FLAG_IS_SET(out, GST_BUFFER_FLAG_MARKER));
    REQUIRE(gst_buffer_get_n_meta(out, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE) == 1);
    REQUIRE(gst_video_region_of_interest_meta_get_param(
        gst_buffer_get_video_region_of_interest_meta_id(out, 0), "detection"));
    gst_buffer_unref(out);
    gst_buffer_unref(in);
    gst_harness_teardown(h);
}

/* A buffer of its own whose memory somebody else shares must not be drawn into either. */
static void test_shared_memory(void)
{
    GstVideoInfo info = info_of("I420", 320, 240);
    GstHarness *h = overlay_new("", &info);
    GstBuffer *original = picture_new(&info), *in = gst_buffer_copy(original), *out;
    guint64 before = checksum(original);

    add_region(in, "person", 1, 0.9, (SsRect) { 10, 40, 60, 90 });
    out = gst_harness_push_and_pull(h, in);
    REQUIRE(checksum(original) == before && checksum(out) != before);
    REQUIRE(out->pool); /* not copied on the way by a mapping */
    gst_buffer_unref(out);
    gst_buffer_unref(original);
    gst_harness_teardown(h);
}

/* A copy has its own layout; the sender's padded rows must not leak into it. */
static void test_padded_rows(void)
{
    GstVideoInfo info = info_of("NV12", 322, 242);
    GstHarness *h = overlay_new("", &info);
    gsize offset[GST_VIDEO_MAX_PLANES] = { 64, 64 + 400 * 250 };
    gint stride[GST_VIDEO_MAX_PLANES] = { 400, 400 };
    GstBuffer *plain = picture_new(&info), *in = gst_buffer_new_allocate(NULL, 400 * 400, NULL), *out, *want;
    GstVideoFrame a, b;

    gst_buffer_memset(in, 0, GREY, 400 * 400);
    gst_buffer_add_video_meta_full(in, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_NV12, 322, 242, 2, offset,
                                   stride);
    add_region(in, "person", 1, 0.9, (SsRect) { 11, 41, 61, 91 });
    add_region(plain, "person", 1, 0.9, (SsRect) { 11, 41, 61, 91 });
    gst_buffer_ref(in);
    out = gst_harness_push_and_pull(h, in);
    want = gst_harness_push_and_pull(h, plain);
    REQUIRE(out != in);
    REQUIRE(gst_video_frame_map(&a, &info, out, GST_MAP_READ));
    REQUIRE(gst_video_frame_map(&b, &info, want, GST_MAP_READ));
    for (int y = 0; y < 242; y++)
        for (int x = 0; x < 322; x++) {
            int pixel[3];

            get_pixel(&b, x, y, pixel);
            REQUIRE(pixel_is(&a, x, y, pixel, 0));
        }
    gst_video_frame_unmap(&a);
    gst_video_frame_unmap(&b);
    gst_buffer_unref(in);
    gst_buffer_unref(out);
    gst_buffer_unref(want);
    gst_harness_teardown(h);
}

/* Copies come from the pool again and again, and it never runs dry. */
static void test_pool(void)
{
    enum { N = 40 };
    GstVideoInfo info = info_of("I420", 160, 120);
    GstHarness *h = overlay_new("", &info);
    GstBuffer *held[N], *kept[N];
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    for (int i = 0; i < N; i++) {
        GstBuffer *out;

        held[0] = picture_new(&info);
        add_region(held[0], "person", 1, 0.9, (SsRect) { 10, 40, 60, 60 });
        out = gst_harness_push_and_pull(h, gst_buffer_ref(held[0]));
        g_hash_table_add(seen, gst_buffer_peek_memory(out, 0));
        gst_buffer_unref(out);
        gst_buffer_unref(held[0]);
    }
    REQUIRE_CMP(g_hash_table_size(seen), <=, 6);
    for (int i = 0; i < N; i++) {
        held[i] = picture_new(&info);
        add_region(held[i], "person", 1, 0.9, (SsRect) { 10, 40, 60, 60 });
        kept[i] = gst_harness_push_and_pull(h, gst_buffer_ref(held[i]));
        REQUIRE(kept[i] && kept[i] != held[i]);
    }
    for (int i = 0; i < N; i++) {
        gst_buffer_unref(held[i]);
        gst_buffer_unref(kept[i]);
    }
    gst_harness_teardown(h);
}

/* Every box stays within the picture: the sanitizers watch, and the bytes behind the rows do not change. */
static void test_clipping(void)
{
    static const SsRect boxes[] = { { 0, 0, 0, 0 },           { 0, 0, 1, 1 },     { 0, 0, 5000, 5000 },
                                    { 30, 10, 400, 3 },       { 3, 5, 2, 900 },   { 5000, 5000, 20, 20 },
                                    { 7, 7, 9, 9 },           { -1, -1, -1, -1 }, { 100, 0, 1000000, 4 },
                                    { 2147483647, 0, 10, 10 } };
    static const int sizes[][2] = { { 1, 1 }, { 2, 2 }, { 33, 17 }, { 161, 121 }, { 16, 200 }, { 200, 9 } };
    static const char *const styles[] = { "thickness=1", "thickness=64", "style=fill", "" };

    for (guint i = 0; i < n_formats * G_N_ELEMENTS(sizes); i++) {
        GstVideoInfo info = info_of(formats[i % n_formats], sizes[i / n_formats][0], sizes[i / n_formats][1]);

        for (guint s = 0; s < G_N_ELEMENTS(styles); s++) {
            GstHarness *h = overlay_new(styles[s], &info);
            GstBuffer *in = picture_new(&info), *out;

            for (guint k = 0; k < G_N_ELEMENTS(boxes); k++)
                add_region(in, "a rather long name of a class", (int)k - 1, 2.5, boxes[k]);
            out = gst_harness_push_and_pull(h, in);
            REQUIRE(gst_buffer_get_size(out) == info.size);
            gst_buffer_unref(out);
            gst_harness_teardown(h);
        }
    }
}

/* A name too long for a tag is cut between two characters: no half of one shows. */
static void test_long_name(void)
{
    static const char pair[] = "\xc3\xa9";
    char name[2][128] = { "a", "a" };
    guint64 sum[2];
    GstVideoInfo info = info_of("GRAY8", 1280, 240);

    for (int i = 0; i < 31; i++)
        strcat(name[0], pair); /* 63 bytes: fits */
    for (int i = 0; i < 40; i++)
        strcat(name[1], pair); /* the 64th byte is half a letter */
    for (int i = 0; i < 2; i++) {
        GstHarness *h = overlay_new("", &info);
        GstBuffer *in = picture_new(&info), *out;

        add_region(in, name[i], 1, 0.5, (SsRect) { 100, 80, 60, 90 });
        out = gst_harness_push_and_pull(h, in);
        sum[i] = checksum(out);
        gst_buffer_unref(out);
        gst_harness_teardown(h);
    }
    REQUIRE(sum[0] == sum[1]);
}

static void test_formats_that_cannot_be_drawn(void)
{
    static const GstVideoFormat no[] = { GST_VIDEO_FORMAT_YUY2, GST_VIDEO_FORMAT_P010_10LE,
                                         GST_VIDEO_FORMAT_RGB16, GST_VIDEO_FORMAT_NV12_64Z32,
                                         GST_VIDEO_FORMAT_Y41B };

    for (guint i = 0; i < G_N_ELEMENTS(no); i++)
        REQUIRE(!ss_draw_supports(gst_video_format_get_info(no[i])));
    for (guint i = 0; i < n_formats; i++)
        REQUIRE(ss_draw_supports(gst_video_format_get_info(gst_video_format_from_string(formats[i]))));
    REQUIRE(ss_draw_supports(gst_video_format_get_info(GST_VIDEO_FORMAT_Y444)));
}

static guint ink_of(const SsTextLine *line)
{
    guint ink = 0;

    for (int y = 0; y < line->height; y++)
        for (int x = 0; x < line->width; x++)
            ink += line->mask[y * line->stride + x] > 127;
    return ink;
}

static void test_text(void)
{
    SsText *text = ss_text_new();
    SsTextLine line;
    guint n;
    int width;

    ss_text_set_size(text, 20);
    n = ss_text_n_rasterised(text);
    line = ss_text_render(text, "person 87%", 1000);
    width = line.width;
    REQUIRE(width > 50 && width < 200 && width % 2 == 0 && line.height >= 20 && line.height % 2 == 0);
    REQUIRE(ink_of(&line) > 100);
    REQUIRE_CMP(ss_text_n_rasterised(text), ==, n); /* ASCII was there already */
    line = ss_text_render(text, "person 87%", width / 2);
    REQUIRE(line.width <= width / 2 && line.width > 0);
    line = ss_text_render(text, "", 1000);
    REQUIRE(line.width == 0);
    line = ss_text_render(text, "x", 0);
    REQUIRE(line.width == 0);

    line = ss_text_render(text, "\xc3\xbc", 1000); /* u with dots: once */
    REQUIRE(ink_of(&line) > 10);
    ss_text_render(text, "\xc3\xbc\xc3\xbc", 1000);
    REQUIRE_CMP(ss_text_n_rasterised(text), ==, n + 1);
    line = ss_text_render(text, "a\xff\xfe\xc3", 1000); /* not UTF-8 */
    REQUIRE(line.width > 0);
    for (gunichar c = 0xa1; c < 0xa1 + 1200; c++) {
        char utf8[7] = "";

        g_unichar_to_utf8(c, utf8);
        ss_text_render(text, utf8, 1000);
    }
    ss_text_set_size(text, 40);
    line = ss_text_render(text, "person 87%", 1000);
    REQUIRE_NEAR(line.width, 2 * width, 0.25 * width);
    ss_text_free(text);
    ss_text_free(NULL);
}

static void test_colours(void)
{
    REQUIRE(ss_colour_of_class(1) == 0x3ddc84); /* the same in every version */
    REQUIRE(ss_colour_of_class(-7) <= 0xffffff);
    REQUIRE(ss_colour_of_name("dog") == ss_colour_of_name("dog"));
    REQUIRE(ss_colour_of_text_on(0xffffff) < 0x202020 && ss_colour_of_text_on(0x000000) == 0xffffff);
    for (int i = 0; i < SS_N_COLOURS; i++)
        for (int k = 0; k < i; k++) {
            guint32 a = ss_colour_of_class(i), b = ss_colour_of_class(k);
            int distance = 0;

            for (int c = 0; c < 24; c += 8)
                distance += abs((int)(a >> c & 255) - (int)(b >> c & 255));
            REQUIRE_CMP(distance, >=, 50);
        }
}

static void test_other_elements_regions(void)
{
    GstVideoInfo info = info_of("RGB", 320, 240);
    GstHarness *h = overlay_new("", &info);
    GstBuffer *in = picture_new(&info), *out;
    static const int ground[3] = { GREY, GREY, GREY };
    GstVideoFrame frame;

    add_region(in, "face", -1, 0, (SsRect) { 100, 80, 60, 90 });
    out = gst_harness_push_and_pull(h, in);
    REQUIRE(gst_video_frame_map(&frame, &info, out, GST_MAP_READ));
    REQUIRE(!pixel_is(&frame, 100, 120, ground, 5));
    REQUIRE(!pixel_is(&frame, 103, 74, ground, 5));
    gst_video_frame_unmap(&frame);
    gst_buffer_unref(out);
    gst_harness_teardown(h);
}

static void test_caps_change(void)
{
    GstVideoInfo info = info_of("NV12", 320, 240);
    GstHarness *h = overlay_new("", &info);

    for (guint i = 0; i < 2 * n_formats; i++) {
        GstBuffer *in, *out;

        info = info_of(formats[i % n_formats], 64 + 32 * (int)i, 48 + 40 * (int)i);
        gst_harness_set_src_caps(h, gst_video_info_to_caps(&info));
        in = picture_new(&info);
        add_region(in, "person", 1, 0.9, (SsRect) { 10, 20, 30, 20 });
        out = gst_harness_push_and_pull(h, gst_buffer_ref(in));
        REQUIRE(out != in && gst_buffer_get_size(out) == info.size);
        gst_buffer_unref(in);
        gst_buffer_unref(out);
    }
    gst_harness_teardown(h);
}

static void test_properties(void)
{
    GstElement *element = gst_element_factory_make("ssoverlay", NULL);
    gboolean labels;
    guint thickness;
    int style;

    g_object_get(element, "style", &style, "labels", &labels, "thickness", &thickness, NULL);
    REQUIRE(style == 0 && labels && thickness == 0);
    gst_util_set_object_arg(G_OBJECT(element), "style", "fill");
    g_object_set(element, "labels", FALSE, "thickness", 7, NULL);
    g_object_get(element, "style", &style, "labels", &labels, "thickness", &thickness, NULL);
    REQUIRE(style == 1 && !labels && thickness == 7);
    gst_object_unref(gst_object_ref_sink(element));
}

int main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    REQUIRE(GST_ELEMENT_REGISTER(ssoverlay, NULL));
    test_box_in_every_format();
    test_predicted();
    test_styles();
    test_tags_make_way();
    test_who_holds_the_buffer();
    test_shared_memory();
    test_padded_rows();
    test_pool();
    test_clipping();
    test_long_name();
    test_formats_that_cannot_be_drawn();
    test_text();
    test_colours();
    test_other_elements_regions();
    test_caps_change();
    test_properties();
    gst_deinit();
    return 0;
}
