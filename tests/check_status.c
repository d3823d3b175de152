/* SPDX-License-Identifier: Apache-2.0 */
/** What a buffer says of its network, and who keeps that. */
#include <glib/gstdio.h>

#include "gst/names.h"
#include "gst/status.h"
#include "rig.h"
#include "sidestream/dummy.h"

/* Frames so far apart that no clock catches up with them. */
enum { APART = 1000 };

static GstBuffer *pass_far(const Rig *rig, guint n)
{
    return pass(rig, make_frame((guint64)n * APART * PERIOD, 100));
}

/** The one status of `buffer`. */
static SsStatus status_of(GstBuffer *buffer)
{
    gpointer iterator = NULL;
    SsStatus status, more;

    fail_unless(ss_status_next(buffer, &iterator, &status));
    fail_if(ss_status_next(buffer, &iterator, &more));
    return status;
}

GST_START_TEST(a_network_that_hangs_is_silent)
{
    ss_dummy_gate_shut(GATE);
    Rig rig = rig_new("ssinfer backend=dummy model-options=gate=0,boxes=3 align=hold");
    await_state(&rig, "running");
    for (guint i = 0; i < 2; i++) { /* the first inference */
        g_autoptr(GstBuffer) out = pass_far(&rig, i);
        const SsStatus s = status_of(out);
        fail_unless_equals_string(s.state, "running");
        fail_unless(s.error == NULL && s.silent == G_MAXUINT64 && s.objects == 0 && s.inferences == 0);
        ss_dummy_gate_wait(GATE, 1);
    }
    ss_dummy_gate_pass(GATE, 1);
    ss_dummy_gate_wait(GATE, 2);
    for (guint i = 2; i < 50; i++) { /* the second */
        g_autoptr(GstBuffer) out = pass_far(&rig, i);
        const SsStatus s = status_of(out);
        fail_unless_equals_uint64(s.silent, i * APART * PERIOD);
        fail_unless_equals_uint64(s.age, s.silent);
        fail_unless_equals_int(s.objects, 3);
        fail_unless_equals_uint64(s.inferences, 1);
        fail_unless_equals_uint64(s.frames, i + 1);
        fail_unless(s.inference > 0);
        fail_unless_equals_string(s.align, "hold");
    }
    push_segment(&rig, 0, 0); /* it starts over */
    g_autoptr(GstBuffer) out = pass_far(&rig, 0);
    fail_unless_equals_uint64(status_of(out).silent, G_MAXUINT64);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

GST_START_TEST(a_load_is_told)
{
    ss_dummy_gate_shut(LOAD_GATE);
    Rig rig = rig_new("ssinfer backend=dummy model-options=load_gate=1,broken=load");
    g_autoptr(GstBuffer) early = pass_far(&rig, 0);
    fail_unless_equals_string(status_of(early).state, "loading");
    ss_dummy_gate_open(LOAD_GATE);
    await_state(&rig, "failed");
    g_autoptr(GstBuffer) later = pass_far(&rig, 1);
    fail_unless_equals_string(status_of(later).state, "failed");
    fail_unless(strstr(status_of(later).error, "broken=load") != NULL);
    rig_free(&rig);
}
GST_END_TEST;

/** Held back, then not any more: what it was when the frame left. */
GST_START_TEST(the_delay_is_told)
{
    ss_dummy_gate_shut(GATE);
    Rig rig = rig_new(
        "ssinfer backend=dummy model-options=gate=0,boxes=1 simulate-latency=50 align=delay max-delay=60000");
    pass_frame(&rig, 0);
    ss_dummy_gate_wait(GATE, 1);
    pass_frame(&rig, 1);
    ss_dummy_gate_pass(GATE, 1);
    ss_dummy_gate_wait(GATE, 2);
    fail_unless_equals_int(gst_harness_push(rig.h, make_frame(2 * PERIOD, 100)), GST_FLOW_OK);
    fail_unless_equals_int(gst_harness_buffers_in_queue(rig.h), 0);
    g_autoptr(GstBuffer) held = pass_far(&rig, 1); /* frame 2 leaves */
    const SsStatus s = status_of(held);
    fail_unless_equals_uint64(GST_BUFFER_PTS(held), 2 * PERIOD);
    fail_unless_equals_string(s.align, "delay");
    fail_unless(!s.live && s.delay >= 50 * GST_MSECOND);
    fail_unless_equals_uint64(s.frames, 4);

    g_autoptr(GstBuffer) late = pass_far(&rig, 3); /* after two minutes of silence nothing is held back */
    g_autoptr(GstBuffer) next = gst_harness_try_pull(rig.h);
    fail_unless(next != NULL && status_of(late).live && status_of(next).live);
    fail_unless_equals_uint64(status_of(next).delay, 0);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

/** Whoever keeps the objects keeps the status, and nobody keeps the one without the other. */
GST_START_TEST(it_goes_where_the_objects_go)
{
    static const struct {
        const char *element;
        gboolean keeps;
    } cases[] = { { "identity", TRUE },
                  { "videoconvert ! capsfilter caps=video/x-raw,format=RGB", TRUE },
                  { "videoscale ! capsfilter caps=video/x-raw,width=128,height=96", TRUE },
                  { "tee ! videoconvert ! capsfilter caps=video/x-raw,format=NV12", TRUE },
                  { "videocrop left=8", FALSE } };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *launch = g_strdup_printf(
            "ssinfer backend=dummy model-options=gate=0,boxes=2 align=hold ! %s", cases[i].element);
        Rig rig = rig_with_result(launch, 0);
        g_autoptr(GstBuffer) out = pass_far(&rig, 2);
        g_autoptr(GstBuffer) copy = gst_buffer_copy(out);
        gpointer iterator = NULL;
        SsStatus status;

        fail_unless_equals_int(count_objects(out), cases[i].keeps ? 2 : 0);
        fail_unless_equals_int(ss_status_next(copy, &iterator, &status), cases[i].keeps);
        if (cases[i].keeps) {
            fail_unless_equals_int(status.objects, 2);
            fail_unless_equals_uint64(status.silent, 2 * APART * PERIOD);
            fail_unless_equals_string(status.state, "running");
        }
        ss_dummy_gate_open(GATE);
        rig_free(&rig);
    }
}
GST_END_TEST;

/** One that somebody else wrote, or that lacks all: it speaks for nothing. */
GST_START_TEST(what_is_not_said_is_not_trusted)
{
    g_autoptr(GstBuffer) buffer = make_frame(0, 0);
    ss_status_register();
    GstCustomMeta *meta = gst_buffer_add_custom_meta(buffer, "sidestream-status");
    fail_unless_equals_string(status_of(buffer).state, "stopped");
    fail_unless_equals_uint64(status_of(buffer).silent, G_MAXUINT64);
    gst_structure_set(gst_custom_meta_get_structure(meta), "state", G_TYPE_INT, 2, "silent", G_TYPE_INT, 0,
                      NULL);
    fail_unless_equals_string(status_of(buffer).state, "stopped");
    fail_unless_equals_uint64(status_of(buffer).silent, G_MAXUINT64);
}
GST_END_TEST;

/** Once, before the first frame that may have objects. */
GST_START_TEST(the_names_are_sent)
{
    g_autofree char *labels = NULL;
    fail_unless(g_close(g_file_open_tmp("labelsXXXXXX", &labels, NULL), NULL));
    fail_unless(g_file_set_contents(labels, "1 person\n3 class 5\n", -1, NULL));
    g_autofree char *launch = g_strdup_printf("ssinfer backend=dummy model-options=gate=0 labels=%s", labels);
    Rig rig = rig_with_result(launch, 0);
    guint sent = 0;

    for (guint i = 2; i < 5; i++)
        pass_frame(&rig, i);
    for (GstEvent *event; (event = gst_harness_try_pull_event(rig.h)); gst_event_unref(event)) {
        if (!gst_event_has_name(event, "sidestream-labels"))
            continue;
        g_auto(GStrv) names = NULL;
        fail_unless(gst_structure_get(gst_event_get_structure(event), "labels", G_TYPE_STRV, &names, NULL));
        const char *const *all = (const char *const *)names;
        fail_unless_equals_int(g_strv_length(names), 4);
        fail_unless(ss_names_know(all, "person") && ss_names_know(all, "class 5"));
        fail_unless(ss_names_know(all, "class 2") && ss_names_know(all, "class 77")); /* without a name */
        fail_if(ss_names_know(all, "class 1") || ss_names_know(all, "class 3") || ss_names_know(all, "face"));
        fail_if(ss_names_know(all, "") || ss_names_know(all, "class") || ss_names_know(all, "class x"));
        sent++;
    }
    fail_unless_equals_int(sent, 1);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
    g_unlink(labels);
}
GST_END_TEST;

void add_status_tests(TCase *tc)
{
    tcase_add_test(tc, a_network_that_hangs_is_silent);
    tcase_add_test(tc, a_load_is_told);
    tcase_add_test(tc, the_delay_is_told);
    tcase_add_test(tc, it_goes_where_the_objects_go);
    tcase_add_test(tc, what_is_not_said_is_not_trusted);
    tcase_add_test(tc, the_names_are_sent);
}
