/* SPDX-License-Identifier: Apache-2.0 */
/** align=delay: pictures wait for the network, but not for ever. The network is slow on purpose (its gate),
 * and the clock stands still where it is not told to move.
 */
#include "fake_clock.h"
#include "rig.h"
#include "sidestream/dummy.h"

#define DELAYED "ssinfer backend=dummy model-options=gate=0,boxes=1 align=delay "

enum { HELD = 2 }; /* so many frames last longer than DELAY */

static const gint64 DELAY = 50 * (gint64)GST_MSECOND;

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

/** The delay is known, and told with the next frame. */
static Rig delayed_rig(const char *launch)
{
    fake_clock_set(0);
    ss_dummy_gate_shut(GATE);
    Rig rig = rig_new(launch);

    put(&rig, 0);
    ss_dummy_gate_wait(GATE, 1);
    take(&rig, 0, 0, NULL); /* nothing is known of the network yet: it does not wait */
    put(&rig, 1);
    take(&rig, 1, 0, NULL);
    fake_clock_set(DELAY);
    answer(1);
    return rig;
}

/** Ours, as the element states it; 0 before anything is known. */
static GstClockTime latency_of(const Rig *rig)
{
    return gst_harness_query_latency(rig->h);
}

GST_START_TEST(delay_holds_pictures_back)
{
    Rig rig = delayed_rig(DELAYED "max-delay=60000");
    gboolean live;
    gint64 delay;

    fail_if(delay_told(rig.bus, &live, &delay));
    fail_unless_equals_uint64(latency_of(&rig), 0);
    put(&rig, 2); /* the frame that was taken in at the start has been answered meanwhile */
    none_comes(&rig);
    fail_unless(delay_told(rig.bus, &live, &delay) && !live);
    fail_unless_equals_int64(delay, DELAY);

    /* In frames, rounded up; and so many wait, then one leaves for each that comes. */
    fail_unless_equals_uint64(latency_of(&rig), HELD * PERIOD);
    for (guint i = 3; i < 2 + HELD; i++) {
        put(&rig, i);
        none_comes(&rig);
    }
    for (guint i = 2; i < 10; i++) {
        put(&rig, i + HELD);
        take(&rig, i, 1, "predicted"); /* the picture is the same all over: velocity carries */
        none_comes(&rig);
    }
    fail_unless(gst_harness_push_event(rig.h, gst_event_new_eos()));
    for (guint i = 10; i < 10 + HELD; i++)
        take(&rig, i, 1, "predicted");
    none_comes(&rig);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

/** What the network saw while they waited is what they get; what is between is worked out. */
GST_START_TEST(delayed_pictures_have_their_own_boxes)
{
    Rig rig = delayed_rig(DELAYED "max-delay=60000");

    put(&rig, 2);
    fake_clock_set(3 * PERIOD);
    answer(2); /* frame 1, which left already without; now 2 is in the network, and three are held back */
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
    fail_unless(delay_told(rig.bus, &live, &delay) && !live);
    fail_unless(delay_told(rig.bus, &live, &delay) && live && delay == 0);
    fail_if(delay_told(rig.bus, &live, &delay));
    fail_unless_equals_uint64(latency_of(&rig), 0);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

/** As in check_life.c: a picture that leaves late while the network's side has it leaves as a copy, and the
 * decoder's pool has its own back all the same. */
GST_START_TEST(a_delayed_buffer_goes_back_to_its_pool)
{
    fake_clock_set(0);
    ss_dummy_gate_shut(GATE);
    Rig rig = rig_new(DELAYED);
    Decoder d = decoder_new(PERIOD);
    put(&rig, 0);
    ss_dummy_gate_wait(GATE, 1); /* so that the next one waits in the slot */
    take(&rig, 0, 0, NULL);
    fail_unless_equals_int(gst_harness_push(rig.h, d.decoded), GST_FLOW_OK);
    GstBuffer *shown = gst_harness_pull(rig.h);
    fail_if(shown == d.decoded);
    answer(1); /* the network's side needs it no more */
    fail_if(*d.gone);
    gst_buffer_unref(shown);
    put(&rig, 2);
    decoder_has_it_back(&d);
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
    for (guint i = 0; i < HELD; i++) {
        put(&rig, i);
        none_comes(&rig);
    }
    put(&rig, HELD);
    take(&rig, 0, 0, NULL); /* nothing of before is known */
    none_comes(&rig);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

/** A camera whose clock is set back: nothing waits until it is where it was. */
GST_START_TEST(times_that_do_not_rise_hold_nothing_back)
{
    Rig rig = delayed_rig(DELAYED "max-delay=60000");

    put(&rig, 2);
    put(&rig, 3);
    none_comes(&rig);
    put(&rig, 0);
    take(&rig, 2, 1, "predicted");
    take(&rig, 3, 1, "predicted");
    take(&rig, 0, 1, "predicted");
    none_comes(&rig);
    put(&rig, 4);
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

int main(int argc, char **argv)
{
    TCase *tc = tcase_create("delay");

    tcase_add_test(tc, delay_holds_pictures_back);
    tcase_add_test(tc, delayed_pictures_have_their_own_boxes);
    tcase_add_test(tc, a_network_that_hangs_holds_no_picture);
    tcase_add_test(tc, a_delayed_buffer_goes_back_to_its_pool);
    tcase_add_test(tc, a_flush_drops_what_waits);
    tcase_add_test(tc, times_that_do_not_rise_hold_nothing_back);
    tcase_add_test(tc, others_do_not_overtake);
    add_slow_tests(tc);
    add_sync_tests(tc);
    return run_tests(tc, argc, argv);
}
