/* SPDX-License-Identifier: Apache-2.0 */
/* The lines in the picture's corner: what they say, when they change, where they are drawn. */
#include <gst/check/gstharness.h>

#include "gst/hud.h"
#include "gst/overlay.h"
#include "pixels.h"
#include "test.h"

static const gint64 PERIOD = GST_SECOND / 25;

static const SsStatus well = { .state = "running",
                               .align = "live",
                               .silent = 200 * GST_MSECOND,
                               .age = 200 * GST_MSECOND,
                               .objects = 3,
                               .interval = 120 * GST_MSECOND,
                               .inference = 100 * GST_MSECOND };

/* One frame; `status` NULL: it has none. */
static void frame(SsHud *hud, const SsStatus *status, gint64 time, gint64 clock)
{
    g_autoptr(GstBuffer) buffer = gst_buffer_new();

    if (status)
        ss_status_add(buffer, status);
    ss_hud_frame(hud, buffer, time, clock);
}

static void test_without_network(void)
{
    SsHud hud = { 0 };

    frame(&hud, NULL, 0, 0);
    REQUIRE_CMP(hud.lines, ==, 1);
    REQUIRE_STR(hud.line[0], "... fps");
    for (int i = 1; i < 30; i++)
        frame(&hud, NULL, i * PERIOD, i * PERIOD / 2); /* faster than live */
    REQUIRE_STR(hud.line[0], "50.0 fps");
    ss_hud_reset(&hud);
}

/* 25 frames a second come in, every second one leaves, and of five one is looked at. */
static void test_rates(void)
{
    SsHud hud = { 0 };
    SsStatus s = well;

    for (int i = 0; i < 500; i += 2) {
        s.frames = (guint64)i;
        s.inferences = (guint64)i / 5;
        frame(&hud, &s, i * PERIOD, i * PERIOD);
    }
    REQUIRE_CMP(hud.lines, ==, 3);
    REQUIRE_STR(hud.line[0], "25.0 fps in, 12.5 out");
    REQUIRE(g_str_has_prefix(hud.line[1], "inference 100 ms, 5.")); /* 10 or 11 in two seconds */
    REQUIRE_STR(hud.line[2], "boxes 200 ms old, live");

    s.frames = 1; /* the network has started over: no rate is negative */
    s.inferences = 0;
    frame(&hud, &s, 510 * PERIOD, 510 * PERIOD);
    REQUIRE_STR(hud.line[0], "... fps");
    ss_hud_reset(&hud);
}

/* Whatever happens in each frame, it can be read. */
static void test_calm(void)
{
    SsHud hud = { 0 };
    SsStatus s = well;
    char before[SS_HUD_LINE] = "";
    int changes = 0;

    for (int i = 0; i < 10 * 25; i++) {
        s.age = (guint64)i * GST_MSECOND;
        frame(&hud, &s, i * PERIOD, i * PERIOD);
        changes += strcmp(before, hud.line[hud.lines - 1]) != 0;
        g_strlcpy(before, hud.line[hud.lines - 1], sizeof before);
    }
    REQUIRE_CMP(changes, <=, 40);
    REQUIRE_CMP(changes, >=, 30);
    frame(&hud, &s, 0, 0); /* a jump back */
    REQUIRE(strcmp(before, hud.line[hud.lines - 1]) != 0 || s.age == 249 * GST_MSECOND);
    REQUIRE_CMP(hud.changed, ==, 0);
    ss_hud_reset(&hud);
}

/* What is wrong is the last line; nothing is where nothing is. */
static void test_trouble(void)
{
    const struct {
        SsStatus status;
        const char *last;
    } cases[] = {
        { { .state = "loading", .align = "hold", .silent = G_MAXUINT64 }, "loading" },
        { { .state = "failed", .error = "no such file", .align = "hold", .silent = G_MAXUINT64 },
          "failed: no such file" },
        { { .state = "stopped", .align = "hold" }, "stopped" },
        { { .state = "running", .align = "hold", .silent = G_MAXUINT64 }, "no result yet" },
        { { .state = "running", .align = "live", .silent = GST_SECOND }, "no boxes, live" },
        { { .state = "running", .align = "live", .silent = 2100 * GST_MSECOND }, "stalled 2.1 s" },
        /* as slow as always */
        { { .state = "running", .align = "hold", .silent = 3 * GST_SECOND, .interval = GST_SECOND },
          "no boxes, hold" },
        { { .state = "running", .align = "hold", .silent = 3 * GST_SECOND, .inference = GST_SECOND },
          "no boxes, hold" },
        { { .state = "running", .align = "hold", .silent = 5 * GST_SECOND, .interval = GST_SECOND },
          "stalled 5.0 s" },
        { { .state = "running", .align = "delay", .delay = 367 * GST_MSECOND }, "no boxes, 367 ms delay" },
        { { .state = "running", .align = "delay", .live = TRUE }, "no boxes, live instead of delay" },
        { { .state = "running", .align = "hold", .preparing = 12 * GST_SECOND },
          "device not ready after 12 s, a stand-in answers" },
        { { .state = "running", .align = "hold", .preparing = GST_SECOND, .silent = 5 * GST_SECOND },
          "stalled 5.0 s" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        SsHud hud = { 0 };

        frame(&hud, &cases[i].status, 0, 0);
        REQUIRE_STR(hud.line[hud.lines - 1], cases[i].last);
        ss_hud_reset(&hud);
    }
}

/* Of two networks, the one in trouble speaks. */
static void test_two_networks(void)
{
    SsStatus silent = well, loading = well;
    const SsStatus *const order[][3] = { { &well, &silent, &loading }, { &loading, &silent, &well } };
    SsHud hud = { 0 };

    silent.silent = 9 * GST_SECOND;
    loading.state = "loading";
    for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
        g_autoptr(GstBuffer) buffer = gst_buffer_new();
        for (guint k = 0; k < 3; k++)
            ss_status_add(buffer, order[i][k]);
        ss_hud_reset(&hud);
        ss_hud_frame(&hud, buffer, 0, 0);
        REQUIRE_STR(hud.line[hud.lines - 1], "loading");
    }
    g_autoptr(GstBuffer) buffer = gst_buffer_new();
    ss_status_add(buffer, &well);
    ss_status_add(buffer, &silent);
    ss_hud_reset(&hud);
    ss_hud_frame(&hud, buffer, 0, 0);
    REQUIRE_STR(hud.line[hud.lines - 1], "stalled 9.0 s");
    ss_hud_reset(&hud);
}

/* --- in the picture --- */

static guint64 differing(const GstVideoFrame *f, int x0, int y0, int x1, int y1, const int colour[3])
{
    guint64 n = 0;

    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            n += !pixel_is(f, x, y, colour, 0);
    return n;
}

/* Pixels that are rather white: by Y of YUV formats, by R of RGB ones. */
static guint64 bright(const GstVideoFrame *f, int width, int height)
{
    guint64 n = 0;
    int white[3], pixel[3];

    expected_colour(&f->info, 0xffffff, white);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            get_pixel(f, x, y, pixel);
            n += pixel[0] >= white[0] - 60;
        }
    return n;
}

static GstBuffer *with_status(const GstVideoInfo *info, guint64 n)
{
    GstBuffer *buffer = picture_new(info);

    GST_BUFFER_PTS(buffer) = n * (guint64)PERIOD;
    ss_status_add(buffer, &well);
    return buffer;
}

/* White on dark at the top left, and nowhere else; only while it is asked for. */
static void test_drawn(void)
{
    static const int ground[3] = { GREY, GREY, GREY };

    for (guint i = 0; i < n_formats; i++) {
        GstVideoInfo info = info_of(formats[i], 640, 480);
        GstHarness *h = gst_harness_new_parse("ssoverlay");
        GstElement *overlay = gst_harness_find_element(h, "ssoverlay");
        GstVideoFrame f;

        gst_harness_set_src_caps(h, gst_video_info_to_caps(&info));
        for (guint64 n = 0; n < 4; n++) {
            const gboolean on = n % 2 == 1;
            GstBuffer *in = with_status(&info, n), *out;

            g_object_set(overlay, "hud", on, NULL);
            out = gst_harness_push_and_pull(h, gst_buffer_ref(in));
            REQUIRE((out == in) == !on); /* held by us: not drawn into */
            REQUIRE(gst_video_frame_map(&f, &info, out, GST_MAP_READ));
            REQUIRE_CMP(differing(&f, 320, 0, 640, 480, ground) + differing(&f, 0, 120, 640, 480, ground), ==,
                        0);
            const guint64 drawn = differing(&f, 0, 0, 320, 120, ground);
            const guint64 ink = bright(&f, 320, 120);
            REQUIRE(on ? drawn > 3000 && ink > 200 && ink < drawn / 4 : drawn == 0);
            gst_video_frame_unmap(&f);
            REQUIRE(gst_video_frame_map(&f, &info, in, GST_MAP_READ));
            REQUIRE_CMP(differing(&f, 0, 0, 640, 480, ground), ==, 0);
            gst_video_frame_unmap(&f);
            gst_buffer_unref(in);
            gst_buffer_unref(out);
        }
        gst_object_unref(overlay);
        gst_harness_teardown(h);
    }
}

/* However small: the sanitizers watch. And a size that changes takes the letters along. */
static void test_any_size(void)
{
    static const int sizes[][2] = { { 1, 1 }, { 3, 2 }, { 33, 17 }, { 640, 9 }, { 16, 480 }, { 1920, 1080 } };

    for (guint i = 0; i < n_formats; i++) {
        GstHarness *h = gst_harness_new_parse("ssoverlay hud=true");

        for (guint s = 0; s < G_N_ELEMENTS(sizes); s++) {
            GstVideoInfo info = info_of(formats[i], sizes[s][0], sizes[s][1]);

            gst_harness_set_src_caps(h, gst_video_info_to_caps(&info));
            gst_buffer_unref(gst_harness_push_and_pull(h, with_status(&info, s)));
        }
        gst_harness_teardown(h);
    }
}

int main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    REQUIRE(GST_ELEMENT_REGISTER(ssoverlay, NULL));
    ss_status_register();
    test_without_network();
    test_rates();
    test_calm();
    test_trouble();
    test_two_networks();
    test_drawn();
    test_any_size();
    gst_deinit();
    return 0;
}
