/* SPDX-License-Identifier: Apache-2.0 */
/** align=delay: pictures wait for the network, but not for ever. The network is slow on purpose (its gate).
 */
#include <gst/base/gstbasesink.h>

#include "rig.h"
#include "sidestream/dummy.h"

#define DELAYED "ssinfer backend=dummy model-options=gate=0,boxes=1 simulate-latency=50 align=delay "

/** In; what comes out of it is for take(). */
static void put(const Rig *rig, guint n)
{
    fail_unless_equals_int(gst_harness_push(rig->h, make_frame(n * PERIOD, 100)), GST_FLOW_OK);
}

/** The next that has come out is the n-th frame, with so many objects in that state. */
static void take(const Rig *rig, guint n, guint objects, const char *state)
{
    g_autoptr(GstBuffer) out = gst_harness_try_pull(rig->h);

    fail_unless(out != NULL, "frame %u", n);
    fail_unless_equals_uint64(GST_BUFFER_PTS(out), n * PERIOD);
    fail_unless_equals_int(count_objects(out), objects);
    if (objects > 0)
        fail_unless_equals_string(
            gst_structure_get_string(param_of(nth_object(out, 0), "sidestream"), "state"), state);
}

static void none_comes(const Rig *rig)
{
    fail_unless_equals_int(gst_harness_buffers_in_queue(rig->h), 0);
}

/** The result of the n-th inference is there, another frame is in the network. */
static void answer(guint n)
{
    ss_dummy_gate_pass(GATE, 1);
    ss_dummy_gate_wait(GATE, (int)n + 1);
}

/** Every inference takes 50 ms at least, so the delay is known from below; how much more it is, is not. */
static Rig delayed_rig(const char *launch)
{
    ss_dummy_gate_shut(GATE);
    Rig rig = rig_new(launch);

    put(&rig, 0);
    ss_dummy_gate_wait(GATE, 1);
    take(&rig, 0, 0, NULL); /* nothing is known of the network yet: it does not wait */
    put(&rig, 1);
    take(&rig, 1, 0, NULL);
    answer(1);
    return rig;
}

/** Ours, as the element states it; 0 before anything is known. */
static GstClockTime latency_of(const Rig *rig)
{
    return gst_harness_query_latency(rig->h);
}

/** The next "sidestream-delay" message; the LATENCY message follows it. FALSE: there is none. */
static gboolean delay_told(const Rig *rig, gboolean *live, gint64 *delay)
{
    const GstMessageType types = GST_MESSAGE_ELEMENT | GST_MESSAGE_LATENCY;

    for (GstMessage *m; (m = gst_bus_pop_filtered(rig->bus, types));) {
        const gboolean ours = gst_message_has_name(m, "sidestream-delay");
        if (ours)
            fail_unless(gst_structure_get(gst_message_get_structure(m), "delay", G_TYPE_INT64, delay, "live",
                                          G_TYPE_BOOLEAN, live, NULL));
        gst_message_unref(m);
        if (!ours)
            continue;
        m = gst_bus_pop_filtered(rig->bus, types);
        fail_unless(m != NULL && GST_MESSAGE_TYPE(m) == GST_MESSAGE_LATENCY);
        gst_message_unref(m);
        return TRUE;
    }
    return FALSE;
}

GST_START_TEST(delay_holds_pictures_back)
{
    Rig rig = delayed_rig(DELAYED "max-delay=60000");
    gboolean live;
    gint64 delay;

    fail_if(delay_told(&rig, &live, &delay));
    fail_unless_equals_uint64(latency_of(&rig), 0);
    put(&rig, 2); /* the frame that was taken in at the start has been answered meanwhile */
    none_comes(&rig);
    fail_unless(delay_told(&rig, &live, &delay) && !live && delay >= 50 * GST_MSECOND);

    /* In frames, rounded up; and so many wait, then one leaves for each that comes. */
    const guint held = (guint)((delay + PERIOD - 1) / PERIOD);
    fail_unless_equals_uint64(latency_of(&rig), held * PERIOD);
    for (guint i = 3; i < 2 + held; i++) {
        put(&rig, i);
        none_comes(&rig);
    }
    for (guint i = 2; i < 10; i++) {
        put(&rig, i + held);
        take(&rig, i, 1, "predicted"); /* the picture is the same all over: velocity carries */
        none_comes(&rig);
    }
    fail_unless(gst_harness_push_event(rig.h, gst_event_new_eos()));
    for (guint i = 10; i < 10 + held; i++)
        take(&rig, i, 1, "predicted");
    none_comes(&rig);
    fail_unless_equals_uint64(counter(&rig, "frames-waited"), 0);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

/** What the network saw while they waited is what they get; what is between is worked out. */
GST_START_TEST(delayed_pictures_have_their_own_boxes)
{
    Rig rig = delayed_rig(DELAYED "max-delay=60000");

    put(&rig, 2);
    answer(2); /* frame 1; 2 is in the network, which left already without */
    put(&rig, 3);
    put(&rig, 4);
    answer(3);
    put(&rig, 5);
    answer(4); /* 4 was the newest when the network came free */
    fail_unless(gst_harness_push_event(rig.h, gst_event_new_eos()));
    take(&rig, 2, 1, "measured");
    take(&rig, 3, 1, "predicted");
    take(&rig, 4, 1, "measured");
    take(&rig, 5, 1, "predicted");
    none_comes(&rig);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

/** The gate stays shut: after max-delay nothing waits, and one message says so. */
GST_START_TEST(a_network_that_hangs_holds_no_picture)
{
    Rig rig = delayed_rig(DELAYED "max-delay=4000 max-age=600000");
    gboolean live;
    gint64 delay;
    guint out = 2;

    for (guint i = 2; i < 120; i++) {
        put(&rig, i);
        for (; gst_harness_buffers_in_queue(rig.h) > 0; out++)
            take(&rig, out, 1, "predicted");
        fail_unless(i + 1 - out < 102);
    }
    fail_unless_equals_int(out, 120);
    fail_unless(delay_told(&rig, &live, &delay) && !live);
    fail_unless(delay_told(&rig, &live, &delay) && live && delay == 0);
    fail_if(delay_told(&rig, &live, &delay));
    fail_unless_equals_uint64(latency_of(&rig), 0);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

GST_START_TEST(a_flush_drops_what_waits)
{
    Rig rig = delayed_rig(DELAYED "max-delay=60000");

    put(&rig, 2);
    none_comes(&rig);
    fail_unless(gst_harness_push_event(rig.h, gst_event_new_flush_start()));
    fail_unless(gst_harness_push_event(rig.h, gst_event_new_flush_stop(TRUE)));
    push_segment(&rig, 0, 0);
    none_comes(&rig);
    put(&rig, 0);
    none_comes(&rig);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

/** To live: what waits leaves first, in its order; a new segment and new caps let go of it, too. */
GST_START_TEST(others_do_not_overtake)
{
    Rig rig = delayed_rig(DELAYED "max-delay=60000");

    put(&rig, 2);
    put(&rig, 3);
    none_comes(&rig);
    gst_util_set_object_arg(G_OBJECT(rig.infer), "align", "live");
    put(&rig, 4);
    for (guint i = 2; i < 5; i++)
        take(&rig, i, 1, "predicted");
    fail_unless_equals_uint64(latency_of(&rig), 0);
    gst_util_set_object_arg(G_OBJECT(rig.infer), "align", "delay");
    put(&rig, 5);
    none_comes(&rig);
    push_segment(&rig, 0, 0);
    take(&rig, 5, 1, "predicted");
    none_comes(&rig);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

/** Ten minutes of it: as many wait as are said to; where that becomes more, each picture adds one. */
GST_START_TEST(the_delay_does_not_drift)
{
    Rig rig = delayed_rig(DELAYED "max-delay=60000");
    guint out = 2, waiting = 0;

    ss_dummy_gate_open(GATE);
    for (guint i = 2; i < 10 * 60 * 1000 / PERIOD_MS; i++) {
        put(&rig, i);
        for (GstBuffer *b; (b = gst_harness_try_pull(rig.h)); gst_buffer_unref(b))
            fail_unless_equals_uint64(GST_BUFFER_PTS(b), out++ * PERIOD);
        waiting = MIN(waiting + 1, (guint)(latency_of(&rig) / PERIOD));
        fail_unless_equals_int(i + 1 - out, waiting);
    }
    rig_free(&rig);
}
GST_END_TEST;

/** What a sink of `pipeline` adds to the time at which it shows a buffer. */
static GstClockTime latency_of_sink(GstElement *pipeline, const char *name)
{
    g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(pipeline), name);

    return gst_base_sink_get_latency(GST_BASE_SINK(sink));
}

/** A live picture and a live tone: when the picture is held back, both sinks show later by as much. */
GST_START_TEST(sound_waits_for_the_picture)
{
    g_autoptr(GError) error = NULL;
    GstElement *pipeline = gst_parse_launch(
        "videotestsrc is-live=true ! video/x-raw,format=GRAY8,width=64,height=48,framerate=25/1 ! ssinfer "
        "backend=dummy simulate-latency=50 max-delay=60000 align=delay ! fakesink sync=true name=picture "
        "audiotestsrc is-live=true ! fakesink sync=true name=sound",
        &error);
    fail_unless(pipeline != NULL, "%s", error ? error->message : "");
    g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
    gint64 delay = 0;

    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    while (delay == 0) {
        g_autoptr(GstMessage) m = gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_ELEMENT);
        if (gst_message_has_name(m, "sidestream-delay"))
            gst_structure_get_int64(gst_message_get_structure(m), "delay", &delay);
    }
    gst_message_unref(gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_LATENCY));
    fail_unless(gst_bin_recalculate_latency(GST_BIN(pipeline)));
    const GstClockTime latency = latency_of_sink(pipeline, "picture");
    fail_unless(delay >= 50 * (gint64)GST_MSECOND && latency >= (GstClockTime)delay);
    fail_unless_equals_uint64(latency_of_sink(pipeline, "sound"), latency);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
}
GST_END_TEST;

void add_delay_tests(TCase *tc)
{
    tcase_add_test(tc, sound_waits_for_the_picture);
    tcase_add_test(tc, delay_holds_pictures_back);
    tcase_add_test(tc, delayed_pictures_have_their_own_boxes);
    tcase_add_test(tc, a_network_that_hangs_holds_no_picture);
    tcase_add_test(tc, a_flush_drops_what_waits);
    tcase_add_test(tc, others_do_not_overtake);
    tcase_add_test(tc, the_delay_does_not_drift);
}
