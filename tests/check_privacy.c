/* SPDX-License-Identifier: Apache-2.0 */
/** ssinfer and ssoverlay together: no frame leaves that the network has not seen to. */
#include "gst/mosaic.h"
#include "pixels.h"
#include "rig.h"
#include "sidestream/dummy.h"

/* Frames so far apart that no clock catches up with them: 40 s. The network may be silent for ten of them. It
 * sees nobody: whom it saw so long ago may be anywhere by now, which would hide all of the picture, too. */
enum { APART = 1000, SILENT_MS = 10 * APART * PERIOD_MS, SILENT = 10 };

static const char overlay[] = "ssoverlay blur=all labels=false min-confidence=1 max-age=400000";
G_STATIC_ASSERT(SILENT_MS == 400000);

typedef struct Scene {
    GstVideoInfo info;
    Rig rig;
} Scene;

static Scene scene_new(const char *format, const char *infer)
{
    Scene s = { .info = info_of(format, WIDTH, HEIGHT) };
    g_autofree char *launch = g_strdup_printf("ssinfer backend=dummy %s ! %s", infer, overlay);
    g_autoptr(GstCaps) caps = gst_video_info_to_caps(&s.info);
    g_autofree char *text = gst_caps_to_string(caps);

    s.rig = rig_caps(launch, text);
    return s;
}

static void put(const Scene *s, guint n)
{
    GstBuffer *in = noise_picture(&s->info);

    GST_BUFFER_PTS(in) = (guint64)n * APART * PERIOD;
    fail_unless_equals_int(gst_harness_push(s->rig.h, in), GST_FLOW_OK);
}

/** The next that has come out is the n-th; is each of its blocks all of one colour? */
static gboolean all_is_hidden(const Scene *s, guint n)
{
    GstBuffer *out = gst_harness_try_pull(s->rig.h);
    GstVideoFrame f;

    fail_unless(out != NULL, "frame %u", n);
    fail_unless_equals_uint64(GST_BUFFER_PTS(out), (guint64)n * APART * PERIOD);
    fail_unless(gst_video_frame_map(&f, &s->info, out, GST_MAP_READ));
    gst_buffer_unref(out);
    const gboolean hidden = pixelated(&f, 0, 0, WIDTH, HEIGHT, ss_mosaic_block(WIDTH, HEIGHT));
    gst_video_frame_unmap(&f);
    return hidden;
}

static gboolean passes_hidden(const Scene *s, guint n)
{
    put(s, n);
    return all_is_hidden(s, n);
}

/** The first inference hangs; then the second: to the frame, from when on all is hidden. And it comes back.
 */
GST_START_TEST(a_network_that_hangs_shows_nothing)
{
    static const char *const ways[] = { "hold", "live" };

    for (guint i = 0; i < n_formats * G_N_ELEMENTS(ways); i++) {
        g_autofree char *infer =
            g_strdup_printf("model-options=gate=0,boxes=0 align=%s", ways[i / n_formats]);
        ss_dummy_gate_shut(GATE);
        Scene s = scene_new(formats[i % n_formats], infer);
        guint n = 0;

        for (; n < 30; n++) {
            fail_unless(passes_hidden(&s, n));
            ss_dummy_gate_wait(GATE, 1);
        }
        put(&s, n); /* the one that the second inference will take */
        fail_unless(all_is_hidden(&s, n++));
        ss_dummy_gate_pass(GATE, 1); /* frame 0, which is too long ago */
        ss_dummy_gate_wait(GATE, 2);
        fail_unless(passes_hidden(&s, n++));
        ss_dummy_gate_pass(GATE, 1); /* frame 30 */
        ss_dummy_gate_wait(GATE, 3);
        for (; n < 60; n++)
            fail_unless_equals_int(passes_hidden(&s, n), n > 30 + SILENT);
        ss_dummy_gate_pass(GATE, 1); /* frame 31: too long ago */
        ss_dummy_gate_wait(GATE, 4);
        fail_unless(passes_hidden(&s, n++));
        ss_dummy_gate_pass(GATE, 1); /* frame 59 */
        ss_dummy_gate_wait(GATE, 5);
        fail_if(passes_hidden(&s, n++));
        fail_unless(gst_harness_push_event(s.rig.h, gst_event_new_flush_start()));
        fail_unless(gst_harness_push_event(s.rig.h, gst_event_new_flush_stop(TRUE)));
        push_segment(&s.rig, 0, 0);
        for (n = 0; n < 5; n++) /* what the network is at is of before */
            fail_unless(passes_hidden(&s, n));
        ss_dummy_gate_open(GATE);
        rig_free(&s.rig);
    }
}
GST_END_TEST;

GST_START_TEST(a_network_that_loads_or_fails_shows_nothing)
{
    for (guint i = 0; i < n_formats; i++) {
        ss_dummy_gate_shut(LOAD_GATE);
        Scene s = scene_new(formats[i], "model-options=load_gate=1,broken=load");
        guint n = 0;

        for (; n < 20; n++)
            fail_unless(passes_hidden(&s, n));
        ss_dummy_gate_open(LOAD_GATE);
        await_state(&s.rig, "failed");
        for (; n < 40; n++)
            fail_unless(passes_hidden(&s, n));
        rig_free(&s.rig);
    }
}
GST_END_TEST;

GST_START_TEST(inferences_that_fail_show_nothing)
{
    for (guint i = 0; i < n_formats; i++) {
        Scene s = scene_new(formats[i], "model-options=broken=infer");

        for (guint n = 0; n < 20; n++) {
            fail_unless(passes_hidden(&s, n));
            while (counter(&s.rig, "failed") <= n && counter(&s.rig, "in-flight") > 0)
                g_thread_yield();
        }
        rig_free(&s.rig);
    }
}
GST_END_TEST;

/** Held back or let go, at the end too: what the network has not come to is hidden. */
GST_START_TEST(delayed_pictures_show_nothing_either)
{
    for (guint i = 0; i < n_formats; i++) {
        ss_dummy_gate_shut(GATE);
        Scene s = scene_new(formats[i], "model-options=gate=0,boxes=0 align=delay max-delay=60000");
        guint out = 0, n = 0;

        for (; n < 40; n++) {
            put(&s, n);
            if (n == 0)
                ss_dummy_gate_wait(GATE, 1);
            if (n == 5) { /* frame 0 is answered, 5 hangs */
                ss_dummy_gate_pass(GATE, 1);
                ss_dummy_gate_wait(GATE, 2);
            }
            for (; gst_harness_buffers_in_queue(s.rig.h) > 0; out++)
                fail_unless_equals_int(all_is_hidden(&s, out), n < 6 || out > SILENT);
        }
        fail_unless(gst_harness_push_event(s.rig.h, gst_event_new_eos()));
        for (; gst_harness_buffers_in_queue(s.rig.h) > 0; out++)
            fail_unless(all_is_hidden(&s, out));
        fail_unless_equals_int(out, n);
        ss_dummy_gate_open(GATE);
        rig_free(&s.rig);
    }
}
GST_END_TEST;

/** Other elements between the two do not matter: a conversion keeps the word of the network, cropping and a
 * change of shape lose it. */
GST_START_TEST(only_with_the_networks_word)
{
    static const struct {
        const char *between;
        gboolean hidden;
    } cases[] = { { "videoconvert ! capsfilter caps=video/x-raw,format=GRAY8", FALSE },
                  { "videoscale ! capsfilter caps=video/x-raw,width=128,height=96", FALSE },
                  { "videoscale ! capsfilter caps=video/x-raw,width=128,height=48,pixel-aspect-ratio=1/1",
                    TRUE }, /* borders, and the regions are not where they were */
                  { "videocrop left=8", TRUE } };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *launch = g_strdup_printf(
            "ssinfer backend=dummy model-options=gate=0,boxes=1 ! %s ! %s", cases[i].between, overlay);
        Rig rig = rig_with_result(launch, 0);
        GstBuffer *out = pass(&rig, make_frame(2 * PERIOD, 100));
        const GstStructure *s =
            gst_custom_meta_get_structure(gst_buffer_get_custom_meta(out, "sidestream-blurred"));

        fail_unless_equals_int(gst_structure_has_field(s, "all"), cases[i].hidden);
        fail_unless_equals_int(gst_structure_has_field(s, "areas"), !cases[i].hidden);
        gst_buffer_unref(out);
        ss_dummy_gate_open(GATE);
        rig_free(&rig);
    }
}
GST_END_TEST;

void add_privacy_tests(TCase *tc)
{
    tcase_add_test(tc, a_network_that_hangs_shows_nothing);
    tcase_add_test(tc, a_network_that_loads_or_fails_shows_nothing);
    tcase_add_test(tc, inferences_that_fail_show_nothing);
    tcase_add_test(tc, delayed_pictures_show_nothing_either);
    tcase_add_test(tc, only_with_the_networks_word);
}
