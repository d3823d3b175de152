/* SPDX-License-Identifier: Apache-2.0 */
/** Which objects a frame carries, and of which age. */
#include <glib/gstdio.h>

#include "rig.h"
#include "sidestream/dummy.h"

/* --- the newest frame, and what becomes of the results --- */

/*
 * The tutorial's queue: with an inference slower than every x frame period the delay grows without
 * end. Here 10 frames come per inference, 40 times: the age must be the same in each round.
 */
GST_START_TEST(the_delay_does_not_grow)
{
    const guint frames = 10, rounds = 40;
    guint n = 0;

    ss_dummy_gate_shut(GATE);
    Rig rig = rig_new("ssinfer backend=dummy model-options=gate=0 every=3");
    pass_frame(&rig, n++);
    ss_dummy_gate_wait(GATE, 1); /* it has frame 0 */
    guint has = 0;
    for (guint round = 0; round < rounds; round++) {
        guint newest = has;
        for (guint i = 0; i < frames; i++, n++) {
            if (n % 3 == 0)
                newest = n;
            pass_frame(&rig, n);
        }
        ss_dummy_gate_pass(GATE, 1); /* done with `has`, takes the newest */
        ss_dummy_gate_wait(GATE, (int)round + 2);
        GstBuffer *out = pass(&rig, make_frame(n * PERIOD, 0));
        fail_unless_equals_uint64(source_of(out), has * PERIOD);
        fail_unless(n * PERIOD - source_of(out) <= (2 * frames + 3) * PERIOD);
        gst_buffer_unref(out);
        n++;
        has = newest;
    }
    fail_unless_equals_uint64(counter(&rig, "inferred"), rounds);
    fail_unless_equals_uint64(counter(&rig, "late") + counter(&rig, "failed"), 0);
    fail_unless_equals_uint64(counter(&rig, "skipped"), n - (n + 2) / 3);
    assert_every_frame_has_its_fate(&rig);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

GST_START_TEST(objects_are_metas_with_two_structures)
{
    g_autofree char *labels = NULL;
    const int fd = g_file_open_tmp("labelsXXXXXX", &labels, NULL);
    fail_unless(fd >= 0 && g_close(fd, NULL));
    fail_unless(g_file_set_contents(labels, "1 person\n3 dog\n", -1, NULL));
    g_autofree char *launch =
        g_strdup_printf("ssinfer backend=dummy model-options=gate=0,boxes=3 align=hold labels=%s", labels);

    Rig rig = rig_with_result(launch, 2);
    GstBuffer *out = pass(&rig, make_frame(5 * PERIOD, 100));
    fail_unless_equals_int(count_objects(out), 3);

    /* On a grid of 2 x 2 cells, 60 % of a cell. */
    static const struct {
        const char *label;
        guint x, y, w, h;
        double x_min, y_min;
    } expected[] = { { "person", 6, 4, 20, 16, 0.1, 0.1 },
                     { "class 2", 38, 4, 20, 16, 0.6, 0.1 },
                     { "dog", 6, 28, 20, 16, 0.1, 0.6 } };
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        const GstVideoRegionOfInterestMeta *meta = nth_object(out, i);
        fail_unless_equals_string(g_quark_to_string(meta->roi_type), expected[i].label);
        fail_unless_equals_int(meta->id, i + 1);
        fail_unless_equals_int(meta->x, expected[i].x);
        fail_unless_equals_int(meta->y, expected[i].y);
        fail_unless_equals_int(meta->w, expected[i].w);
        fail_unless_equals_int(meta->h, expected[i].h);

        const GstStructure *s = param_of(meta, "detection");
        double x_min, x_max, y_min, y_max, confidence;
        int label_id;
        fail_unless(gst_structure_get(s, "label_id", G_TYPE_INT, &label_id, "confidence", G_TYPE_DOUBLE,
                                      &confidence, "x_min", G_TYPE_DOUBLE, &x_min, "x_max", G_TYPE_DOUBLE,
                                      &x_max, "y_min", G_TYPE_DOUBLE, &y_min, "y_max", G_TYPE_DOUBLE, &y_max,
                                      NULL));
        fail_unless_equals_int(label_id, i + 1);
        fail_unless_equals_string(gst_structure_get_string(s, "label"), expected[i].label);
        fail_unless(ABS(confidence - 0.9) < 1e-6);
        fail_unless(ABS(x_min - expected[i].x_min) < 1e-6 && ABS(x_max - expected[i].x_min - 0.3) < 1e-6);
        fail_unless(ABS(y_min - expected[i].y_min) < 1e-6 && ABS(y_max - expected[i].y_min - 0.3) < 1e-6);

        guint64 source, age;
        s = param_of(meta, "sidestream");
        fail_unless(
            gst_structure_get(s, "source-pts", G_TYPE_UINT64, &source, "age", G_TYPE_UINT64, &age, NULL));
        fail_unless_equals_uint64(source, 2 * PERIOD);
        fail_unless_equals_uint64(age, 3 * PERIOD);
        fail_unless_equals_string(gst_structure_get_string(s, "state"), "held");
    }
    gst_buffer_unref(out);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
    g_unlink(labels);
}
GST_END_TEST;

GST_START_TEST(labels_are_found_next_to_the_model)
{
    g_autofree char *dir = g_dir_make_tmp("modelXXXXXX", NULL);
    g_autofree char *model = g_build_filename(dir, "v1.2.onnx", NULL);
    g_autofree char *labels = g_build_filename(dir, "v1.2.labels", NULL);
    fail_unless(g_file_set_contents(model, "x", -1, NULL));
    fail_unless(g_file_set_contents(labels, "none\ncat\n", -1, NULL)); /* DetectionOutput counts from 0 */
    g_autofree char *launch = g_strdup_printf("ssinfer backend=dummy model=%s model-options=gate=0", model);

    Rig rig = rig_with_result(launch, 0);
    GstBuffer *out = pass(&rig, make_frame(2 * PERIOD, 0));
    fail_unless_equals_string(g_quark_to_string(nth_object(out, 0)->roi_type), "cat");
    gst_buffer_unref(out);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
    g_unlink(labels);
    g_unlink(model);
    g_rmdir(dir);
}
GST_END_TEST;

GST_START_TEST(a_buffer_held_elsewhere_is_not_copied)
{
    Rig rig = rig_with_result("ssinfer backend=dummy model-options=gate=0", 0);
    GstBuffer *in = make_frame(2 * PERIOD, 0);
    GstBuffer *out = pass(&rig, gst_buffer_ref(in));
    fail_unless_equals_int(count_objects(in), 0);
    fail_unless_equals_int(count_objects(out), 1);
    fail_unless(gst_buffer_peek_memory(in, 0) == gst_buffer_peek_memory(out, 0));
    gst_buffer_unref(in);
    gst_buffer_unref(out);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

/* --- time --- */

/** Frame 5 is in the network when `jump` happens; frame 0 follows. */
static void assert_jump_forgets(void (*jump)(const Rig *rig))
{
    Rig rig = rig_with_result("ssinfer backend=dummy model-options=gate=0", 4);
    GstBuffer *out = pass(&rig, make_frame(6 * PERIOD, 0));
    fail_unless_equals_uint64(source_of(out), 4 * PERIOD);
    gst_buffer_unref(out);

    jump(&rig);
    out = pass(&rig, make_frame(0, 0));
    fail_unless_equals_int(count_objects(out), 0); /* forgotten */
    gst_buffer_unref(out);
    ss_dummy_gate_pass(GATE, 1);
    ss_dummy_gate_wait(GATE, 3);
    fail_unless_equals_uint64(counter(&rig, "late"), 1); /* 5 is refused, 6 was replaced */
    fail_unless_equals_uint64(counter(&rig, "replaced"), 1);
    out = pass(&rig, make_frame(PERIOD, 0));
    fail_unless_equals_int(count_objects(out), 0);
    gst_buffer_unref(out);
    ss_dummy_gate_pass(GATE, 1);
    ss_dummy_gate_wait(GATE, 4);
    out = pass(&rig, make_frame(2 * PERIOD, 0));
    fail_unless_equals_uint64(source_of(out), 0); /* and it goes on */
    gst_buffer_unref(out);
    assert_every_frame_has_its_fate(&rig);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}

static void flush(const Rig *rig)
{
    fail_unless(gst_harness_push_event(rig->h, gst_event_new_flush_start()));
    fail_unless(gst_harness_push_event(rig->h, gst_event_new_flush_stop(TRUE)));
    push_segment(rig, 0, 0);
}

GST_START_TEST(a_flush_forgets)
{
    assert_jump_forgets(flush);
}
GST_END_TEST;

static void start_over(const Rig *rig)
{
    push_segment(rig, 0, 0);
}

GST_START_TEST(a_segment_that_starts_over_forgets)
{
    assert_jump_forgets(start_over);
}
GST_END_TEST;

GST_START_TEST(a_segment_that_goes_on_does_not)
{
    Rig rig = rig_with_result("ssinfer backend=dummy model-options=gate=0", 4);
    push_segment(&rig, 0, 6 * PERIOD); /* a loop: pts restart, running time rises */
    GstBuffer *out = pass(&rig, make_frame(0, 0));
    fail_unless_equals_uint64(source_of(out), 4 * PERIOD);
    fail_unless_equals_uint64(GST_BUFFER_PTS(out), 0);
    gst_buffer_unref(out);
    fail_unless_equals_uint64(counter(&rig, "offered"), 3);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

GST_START_TEST(a_frame_that_is_not_newer_is_not_offered)
{
    ss_dummy_gate_shut(GATE);
    Rig rig = rig_new("ssinfer backend=dummy model-options=gate=0");
    pass_frame(&rig, 5);
    pass_frame(&rig, 5);
    pass_frame(&rig, 4);
    fail_unless_equals_uint64(counter(&rig, "offered"), 1);
    pass_frame(&rig, 6);
    fail_unless_equals_uint64(counter(&rig, "offered"), 2);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

GST_START_TEST(frames_without_pts_follow_their_predecessor)
{
    ss_dummy_gate_shut(GATE);
    Rig rig = rig_new("ssinfer backend=dummy model-options=gate=0");
    for (guint i = 0; i < 3; i++) {
        GstBuffer *out = pass(&rig, make_frame(GST_CLOCK_TIME_NONE, 0));
        fail_if(GST_BUFFER_PTS_IS_VALID(out)); /* passed on as it came */
        gst_buffer_unref(out);
        if (i == 0)
            ss_dummy_gate_wait(GATE, 1);
    }
    GstBuffer *in = make_frame(GST_CLOCK_TIME_NONE, 0);
    GST_BUFFER_DURATION(in) = GST_CLOCK_TIME_NONE;
    gst_buffer_unref(pass(&rig, in)); /* the 4th: 3 periods */
    fail_unless_equals_uint64(counter(&rig, "offered"), 4);
    ss_dummy_gate_pass(GATE, 1);
    ss_dummy_gate_wait(GATE, 2);
    gst_buffer_unref(pass(&rig, make_frame(GST_CLOCK_TIME_NONE, 0))); /* and 4, by the caps */
    ss_dummy_gate_pass(GATE, 1);
    ss_dummy_gate_wait(GATE, 3);
    GstBuffer *out = pass(&rig, make_frame(5 * PERIOD, 0));
    fail_unless_equals_uint64(source_of(out), 3 * PERIOD);
    gst_buffer_unref(out);
    ss_dummy_gate_pass(GATE, 1);
    ss_dummy_gate_wait(GATE, 4);
    out = pass(&rig, make_frame(6 * PERIOD, 0));
    fail_unless_equals_uint64(source_of(out), 4 * PERIOD);
    gst_buffer_unref(out);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

/* --- drawing --- */

static guint count_pixels_other_than(GstBuffer *buffer, guint8 brightness)
{
    GstMapInfo map;
    guint n = 0;

    fail_unless(gst_buffer_map(buffer, &map, GST_MAP_READ));
    for (gsize i = 0; i < map.size; i++)
        n += map.data[i] != brightness;
    gst_buffer_unmap(buffer, &map);
    return n;
}

/* Each frame is drawn on while it waits in the slot; only then does the network read it. */
GST_START_TEST(nothing_is_drawn_into_a_picture_still_to_be_read)
{
    Rig rig = rig_with_result("ssinfer backend=dummy model-options=gate=0,boxes=3 ! ssoverlay", 0);
    const guint32 undrawn = ss_dummy_gate_checksum(GATE); /* of frame 1, which carried no objects yet */
    GstBuffer *out = NULL;

    for (guint i = 2; i < 30; i++) {
        gst_clear_buffer(&out);
        out = pass(&rig, make_frame(i * PERIOD, 100));
        fail_unless_equals_int(count_objects(out), 3);
        fail_unless(count_pixels_other_than(out, 100) > 0);
        ss_dummy_gate_pass(GATE, 1);
        ss_dummy_gate_wait(GATE, (int)i + 1);
        fail_unless_equals_int64(ss_dummy_gate_checksum(GATE), undrawn);
    }
    /* And the network would have seen it: the same, had it been given a drawn picture. */
    GstBuffer *drawn = gst_buffer_copy_deep(out);
    GST_BUFFER_PTS(drawn) = 30 * PERIOD;
    gst_buffer_unref(out);
    gst_buffer_unref(pass(&rig, drawn));
    ss_dummy_gate_pass(GATE, 1);
    ss_dummy_gate_wait(GATE, 31);
    fail_if(ss_dummy_gate_checksum(GATE) == undrawn);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

/** While the video runs: boxes held, carried as they are by default, held. The picture is the same all over,
 * so velocity carries. */
GST_START_TEST(align_may_change)
{
    static const char *const align[] = { "hold", "live", "live", "hold" };
    static const char *const state[] = { "held", "predicted", "predicted", "held" };
    Rig rig = rig_with_result("ssinfer backend=dummy model-options=gate=0,boxes=1", 0);

    for (guint i = 0; i < G_N_ELEMENTS(align); i++) {
        gst_util_set_object_arg(G_OBJECT(rig.infer), "align", align[i]);
        GstBuffer *out = pass(&rig, make_frame((2 + i) * PERIOD, 100));
        const GstStructure *s = param_of(nth_object(out, 0), "sidestream");

        fail_unless_equals_int(count_objects(out), 1);
        fail_unless_equals_string(gst_structure_get_string(s, "state"), state[i]);
        gst_buffer_unref(out);
    }
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

void add_object_tests(TCase *tc)
{
    tcase_add_test(tc, align_may_change);
    tcase_add_test(tc, the_delay_does_not_grow);
    tcase_add_test(tc, objects_are_metas_with_two_structures);
    tcase_add_test(tc, labels_are_found_next_to_the_model);
    tcase_add_test(tc, a_buffer_held_elsewhere_is_not_copied);
    tcase_add_test(tc, a_flush_forgets);
    tcase_add_test(tc, a_segment_that_starts_over_forgets);
    tcase_add_test(tc, a_segment_that_goes_on_does_not);
    tcase_add_test(tc, a_frame_that_is_not_newer_is_not_offered);
    tcase_add_test(tc, frames_without_pts_follow_their_predecessor);
    tcase_add_test(tc, nothing_is_drawn_into_a_picture_still_to_be_read);
}
