/* SPDX-License-Identifier: Apache-2.0 */
/** Start, stop, change, share, refuse; what a picture looks like to the network. */
#include "gst/status.h"
#include "rig.h"
#include "sidestream/dummy.h"

/* --- life --- */

GST_START_TEST(the_end_of_the_stream_tells_the_state)
{
    ss_dummy_gate_shut(LOAD_GATE);
    Rig rig = rig_new("ssinfer backend=dummy model-options=load_gate=1");
    pass_frame(&rig, 0);
    assert_next_state(rig.bus, "loading");
    ss_dummy_gate_open(LOAD_GATE);
    await_state(&rig, "running");
    assert_next_state(rig.bus, NULL);
    fail_unless(gst_harness_push_event(rig.h, gst_event_new_eos()));
    assert_next_state(rig.bus, "running");
    GstEvent *event = NULL;
    gboolean ended = FALSE;
    while ((event = gst_harness_try_pull_event(rig.h))) {
        ended = GST_EVENT_TYPE(event) == GST_EVENT_EOS;
        gst_event_unref(event);
    }
    fail_unless(ended);
    rig_free(&rig);
}
GST_END_TEST;

/** For how long another device has answered, as the next frame says. */
static guint64 preparing(const Rig *rig)
{
    static guint n;
    gpointer next = NULL;
    SsStatus status;
    GstBuffer *out = pass(rig, make_frame(PERIOD * ++n, 100));

    fail_unless(ss_status_next(out, &next, &status));
    gst_buffer_unref(out);
    return status.preparing;
}

GST_START_TEST(a_stand_in_is_told)
{
    ss_dummy_gate_shut(LOAD_GATE);
    Rig rig = rig_new("ssinfer backend=dummy model-options=stand_in=4,load_gate=1");
    await_state(&rig, "running");
    fail_unless(preparing(&rig) > 0);
    assert_next_state_but_loading(rig.bus, "running, a stand-in");
    fail_unless(preparing(&rig) > 0);
    assert_next_state(rig.bus, NULL);
    ss_dummy_gate_open(LOAD_GATE);
    while (preparing(&rig) > 0)
        g_thread_yield();
    assert_next_state(rig.bus, "running");
    rig_free(&rig);
}
GST_END_TEST;

GST_START_TEST(the_caps_may_change)
{
    Rig rig = rig_with_result("ssinfer backend=dummy model-options=gate=0", 0);

    /* Another format of the same size: the objects stay. NV12 takes 3/2 of the bytes. */
    gst_harness_set_src_caps_str(rig.h, "video/x-raw,format=NV12,width=64,height=48,framerate=25/1");
    GstBuffer *in = gst_buffer_new_allocate(NULL, WIDTH * HEIGHT * 3 / 2, NULL);
    gst_buffer_memset(in, 0, 128, WIDTH * HEIGHT * 3 / 2);
    GST_BUFFER_PTS(in) = 2 * PERIOD;
    GstBuffer *out = pass(&rig, in);
    fail_unless_equals_int(nth_object(out, 0)->w, 40); /* 0.2 .. 0.8 of 64 */
    gst_buffer_unref(out);
    ss_dummy_gate_pass(GATE, 1);
    ss_dummy_gate_wait(GATE, 3); /* the NV12 frame is in the network */

    /* Another size: boxes found in the old one are none here, late ones neither. */
    gst_harness_set_src_caps_str(rig.h, "video/x-raw,format=RGB,width=128,height=16,framerate=25/1");
    for (guint i = 3; i < 5; i++) {
        in = gst_buffer_new_allocate(NULL, 128 * 16 * 3, NULL);
        gst_buffer_memset(in, 0, 128, 128 * 16 * 3);
        GST_BUFFER_PTS(in) = i * PERIOD;
        out = pass(&rig, in);
        fail_unless_equals_int(count_objects(out), 0);
        gst_buffer_unref(out);
        ss_dummy_gate_pass(GATE, 1);
        ss_dummy_gate_wait(GATE, (int)i + 1);
    }
    in = gst_buffer_new_allocate(NULL, 128 * 16 * 3, NULL);
    GST_BUFFER_PTS(in) = 5 * PERIOD;
    gst_buffer_memset(in, 0, 128, 128 * 16 * 3);
    out = pass(&rig, in);
    fail_unless_equals_uint64(source_of(out), 3 * PERIOD);
    fail_unless_equals_int(nth_object(out, 0)->x, 25); /* 25.6 .. 102.4 of 128 */
    fail_unless_equals_int(nth_object(out, 0)->w, 78);
    gst_buffer_unref(out);
    assert_every_frame_has_its_fate(&rig);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

static gpointer set_to_null(gpointer element)
{
    gst_element_set_state(element, GST_STATE_NULL);
    return NULL;
}

/** The stop waits for the load; while it does, the statistics can be read. */
GST_START_TEST(stop_while_loading)
{
    ss_dummy_gate_shut(LOAD_GATE);
    Rig rig = rig_new("ssinfer backend=dummy model-options=load_gate=1");
    pass_frame(&rig, 0);
    ss_dummy_gate_wait(LOAD_GATE, 1);
    GThread *stopper = g_thread_new("stopper", set_to_null, rig.infer);
    await_state(&rig, "stopped");
    fail_unless_equals_uint64(counter(&rig, "offered"), 1);
    ss_dummy_gate_open(LOAD_GATE);
    g_thread_join(stopper);
    fail_unless_equals_int(GST_STATE(rig.infer), GST_STATE_NULL);
    rig_free(&rig);
}
GST_END_TEST;

GST_START_TEST(restart)
{
    ss_dummy_gate_shut(GATE);
    Rig rig = rig_new("ssinfer backend=dummy model-options=gate=0");
    for (int round = 0; round < 3; round++) {
        pass_frame(&rig, 7);
        ss_dummy_gate_wait(GATE, 1);
        fail_unless_equals_uint64(counter(&rig, "offered"), 1);
        ss_dummy_gate_open(GATE);
        while (counter(&rig, "inferred") == 0)
            g_thread_yield();
        gst_element_set_state(rig.infer, GST_STATE_NULL);
        fail_unless(is_in_state(&rig, "stopped"));
        fail_unless_equals_uint64(counter(&rig, "inferred"), 1); /* kept */
        ss_dummy_gate_shut(GATE);
        gst_harness_play(rig.h);
        push_segment(&rig, 0, 0);
        gst_harness_set_src_caps_str(rig.h, CAPS);
    }
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

/* --- engines shared by name --- */

GST_START_TEST(two_elements_share_an_engine)
{
    const char *launch = "ssinfer engine=one backend=dummy model-options=load_gate=1,gate=0";

    ss_dummy_gate_shut(GATE);
    ss_dummy_gate_shut(LOAD_GATE);
    Rig a = rig_new(launch), b = rig_new(launch);
    ss_dummy_gate_pass(LOAD_GATE, 1); /* there is one load, and it is allowed one */
    await_state(&a, "running");
    await_state(&b, "running");

    pass_frame(&a, 0);
    ss_dummy_gate_wait(GATE, 1); /* the one worker is busy with a's frame */
    pass_frame(&b, 10);
    pass_frame(&b, 11);
    pass_frame(&a, 1);
    ss_dummy_gate_pass(GATE, 2); /* a's, then b's: its turn */
    ss_dummy_gate_wait(GATE, 3);
    GstBuffer *out = pass(&a, make_frame(2 * PERIOD, 0));
    fail_unless_equals_uint64(source_of(out), 0);
    gst_buffer_unref(out);
    out = pass(&b, make_frame(12 * PERIOD, 0));
    fail_unless_equals_uint64(source_of(out), 11 * PERIOD);
    gst_buffer_unref(out);

    ss_dummy_gate_pass(GATE, 1);
    rig_free(&a); /* the first one leaves, the engine stays */
    ss_dummy_gate_wait(GATE, 4);
    fail_unless(is_in_state(&b, "running"));
    ss_dummy_gate_open(GATE);
    rig_free(&b);
    ss_dummy_gate_open(LOAD_GATE);
    Rig c = rig_new(launch); /* everybody left: a new one may be started */
    await_state(&c, "running");
    rig_free(&c);
}
GST_END_TEST;

/** The error with which the element refuses to start. */
static GError *refusal(const char *launch)
{
    GstElement *element = gst_parse_launch(launch, NULL);
    GstBus *bus = watch(gst_object_ref_sink(element));
    g_autoptr(GstMessage) message = NULL;
    GError *error = NULL;

    fail_unless_equals_int(gst_element_set_state(element, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
    message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
    fail_unless(message != NULL);
    gst_message_parse_error(message, &error, NULL);
    gst_element_set_state(element, GST_STATE_NULL);
    gst_element_set_bus(element, NULL);
    gst_object_unref(bus);
    gst_object_unref(element);
    return error;
}

GST_START_TEST(an_engine_with_other_settings_is_refused)
{
    Rig a = rig_new("ssinfer engine=one backend=dummy model-options=boxes=2 every=2");
    g_autoptr(GError) number =
        refusal("ssinfer engine=one backend=dummy model-options=boxes=2 threshold=0.5");
    fail_unless(strstr(number->message, "threshold (0.3, not 0.5)") != NULL, "%s", number->message);
    g_autoptr(GError) text = refusal("ssinfer engine=one backend=dummy");
    fail_unless(strstr(text->message, "model-options (boxes=2, not unset)") != NULL, "%s", text->message);
    fail_unless(g_error_matches(text, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS));

    Rig b = rig_new("ssinfer engine=two backend=dummy");
    Rig c =
        rig_new("ssinfer engine=one backend=dummy model-options=boxes=2 max-rate=5"); /* its own stream's */
    pass_frame(&c, 0);
    fail_unless_equals_uint64(counter(&c, "offered"), 1);
    rig_free(&a);
    rig_free(&b);
    rig_free(&c);
}
GST_END_TEST;

/* --- what can be found out at once --- */

GST_START_TEST(wrong_settings_fail_the_start)
{
    static const struct {
        const char *launch, *says;
        gboolean not_found;
    } cases[] = {
        { "ssinfer backend=dummy model=/nowhere/m.onnx", "/nowhere/m.onnx", TRUE },
        { "ssinfer backend=dummy labels=/nowhere/names.txt", "/nowhere/names.txt", TRUE },
        { "ssinfer backend=nosuch", "no backend 'nosuch'", FALSE },
        { "ssinfer backend=dummy decoder=nosuch", "no decoder 'nosuch'", FALSE },
        { "ssinfer backend=dummy preprocess=fit=tight", "\"fit=tight\"", FALSE },
        { "ssinfer backend=dummy preprocess=mean=1:2", "\"mean=1:2\"", FALSE },
        { "ssinfer backend=dummy preprocess=fit=stretch,scale=0", "\"scale=0\"", FALSE },
        { "ssinfer backend=dummy preprocess=gamma=2", "\"gamma=2\"", FALSE },
        { "ssinfer backend=dummy preprocess=order", "\"order\"", FALSE },
        { "ssinfer backend=dummy input-size=320", "\"320\"", FALSE },
        { "ssinfer backend=dummy input-size=320x99999", "\"320x99999\"", FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = refusal(cases[i].launch);
        fail_unless(strstr(error->message, cases[i].says) != NULL, "%s: %s", cases[i].launch, error->message);
        fail_unless(cases[i].not_found
                        ? g_error_matches(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND)
                        : g_error_matches(error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS),
                    "%s", cases[i].launch);
    }
}
GST_END_TEST;

GST_START_TEST(properties_read_back)
{
    Rig rig = rig_new("ssinfer backend=dummy preprocess=fit=letterbox,order=bgr,mean=1:2:3,scale=127.5 "
                      "input-size=320x240 threshold=0 nice=0 workers=2 model-options=\"\"");
    g_autofree char *preprocess = NULL, *options = NULL;
    double threshold;
    guint workers;
    int nice_value;

    g_object_get(rig.infer, "preprocess", &preprocess, "threshold", &threshold, "workers", &workers, "nice",
                 &nice_value, "model-options", &options, NULL);
    fail_unless_equals_string(preprocess, "fit=letterbox,order=bgr,mean=1:2:3,scale=127.5");
    fail_unless_equals_float(threshold, 0);
    fail_unless_equals_int(workers, 2);
    fail_unless_equals_int(nice_value, 0);
    fail_unless(options == NULL);
    rig_free(&rig);
}
GST_END_TEST;

/* --- pictures --- */

/** What the network sees of one frame of these caps, filled with `pixel` again and again. */
static guint32 seen(const char *caps_text, const guint8 *pixel, gsize pixel_size)
{
    g_autoptr(GstCaps) caps = gst_caps_from_string(caps_text);
    GstVideoInfo info;

    fail_unless(gst_video_info_from_caps(&info, caps));
    ss_dummy_gate_shut(GATE);
    Rig rig = rig_caps("ssinfer backend=dummy model-options=gate=0", caps_text);
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, info.size, NULL);
    for (gsize i = 0; i + pixel_size <= info.size; i += pixel_size)
        gst_buffer_fill(buffer, i, pixel, pixel_size);
    GST_BUFFER_PTS(buffer) = 0;
    gst_buffer_unref(pass(&rig, buffer));
    ss_dummy_gate_wait(GATE, 1);
    const guint32 checksum = ss_dummy_gate_checksum(GATE);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
    return checksum;
}

#define SEEN(caps, ...)                                                                                      \
    seen("video/x-raw,width=64,height=64,framerate=25/1," caps, (const guint8[]) { __VA_ARGS__ },            \
         sizeof((const guint8[]) { __VA_ARGS__ }))

GST_START_TEST(every_format_shows_the_same_picture)
{
    const guint32 orange = SEEN("format=RGB", 240, 120, 30);

    fail_unless_equals_int64(SEEN("format=BGR", 30, 120, 240), orange);
    fail_unless_equals_int64(SEEN("format=RGBx", 240, 120, 30, 0), orange);
    fail_unless_equals_int64(SEEN("format=RGBA", 240, 120, 30, 255), orange);
    fail_unless_equals_int64(SEEN("format=BGRx", 30, 120, 240, 0), orange);
    fail_unless_equals_int64(SEEN("format=BGRA", 30, 120, 240, 255), orange);
    fail_if(SEEN("format=RGB", 30, 120, 240) == orange);

    const guint32 grey = SEEN("format=RGB", 77);
    fail_unless_equals_int64(SEEN("format=GRAY8", 77), grey);

    /* Y = U = V = 77 is one colour, whatever the planes are; another with another matrix or range. */
    const guint32 bt601 = SEEN("format=NV12,colorimetry=(string)bt601", 77);
    fail_unless_equals_int64(SEEN("format=I420,colorimetry=(string)bt601", 77), bt601);
    const guint32 bt709 = SEEN("format=NV12,colorimetry=(string)bt709", 77);
    const guint32 full = SEEN("format=NV12,colorimetry=(string)1:4:0:0", 77); /* 0..255, BT.601: JPEG */
    fail_if(bt709 == bt601 || full == bt601 || full == bt709);
}
GST_END_TEST;

/* --- pools --- */

/* A pool takes no buffer back whose memory is in use, and makes another: a decoder that lets go of its
 * picture while the network still reads it would make its pool allocate for ever. */
GST_START_TEST(a_decoders_buffer_goes_back_to_its_pool)
{
    ss_dummy_gate_shut(GATE);
    Rig rig = rig_new("ssinfer backend=dummy model-options=gate=0");
    Decoder d = decoder_new(0);
    GstBuffer *shown = pass(&rig, gst_buffer_ref(d.decoded));
    fail_if(shown == d.decoded);
    fail_unless(gst_buffer_peek_memory(shown, 0) == gst_buffer_peek_memory(d.decoded, 0));
    ss_dummy_gate_wait(GATE, 1);

    gst_buffer_unref(d.decoded); /* the decoder needs it no more */
    pass_frame(&rig, 1);
    gst_buffer_unref(shown);
    ss_dummy_gate_pass(GATE, 1); /* nor does the network */
    ss_dummy_gate_wait(GATE, 2);
    pass_frame(&rig, 2);
    decoder_has_it_back(&d);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

GST_START_TEST(the_held_buffers_are_announced)
{
    Rig rig = rig_new("ssinfer backend=dummy workers=3");
    const GstAllocationParams params = { .align = 15 };

    gst_harness_set_propose_allocator(rig.h, NULL, &params);
    g_autoptr(GstCaps) caps = gst_caps_from_string(CAPS);
    g_autoptr(GstQuery) query = gst_query_new_allocation(caps, TRUE);
    guint size, min, max;
    fail_unless(gst_pad_peer_query(rig.h->srcpad, query));
    fail_unless_equals_int(gst_query_get_n_allocation_pools(query), 1);
    gst_query_parse_nth_allocation_pool(query, 0, NULL, &size, &min, &max);
    fail_unless_equals_int(size, WIDTH * HEIGHT);
    fail_unless_equals_int(min, 4);
    fail_unless_equals_int(max, 0);
    rig_free(&rig);
}
GST_END_TEST;

static GstPadProbeReturn offer_pool(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    GstQuery *query = GST_PAD_PROBE_INFO_QUERY(info);

    (void)pad, (void)data;
    if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION)
        return GST_PAD_PROBE_OK;
    gst_query_add_allocation_pool(query, NULL, 4096, 2, 5);
    return GST_PAD_PROBE_HANDLED;
}

GST_START_TEST(a_pool_from_downstream_grows)
{
    Rig rig = rig_new("ssinfer backend=dummy workers=3");
    gst_pad_add_probe(rig.h->sinkpad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, offer_pool, NULL, NULL);

    g_autoptr(GstCaps) caps = gst_caps_from_string(CAPS);
    g_autoptr(GstQuery) query = gst_query_new_allocation(caps, TRUE);
    guint size, min, max;
    fail_unless(gst_pad_peer_query(rig.h->srcpad, query));
    fail_unless_equals_int(gst_query_get_n_allocation_pools(query), 1);
    gst_query_parse_nth_allocation_pool(query, 0, NULL, &size, &min, &max);
    fail_unless_equals_int(size, 4096);
    fail_unless_equals_int(min, 2 + 4);
    fail_unless_equals_int(max, 5 + 4);
    rig_free(&rig);
}
GST_END_TEST;

void add_life_tests(TCase *tc)
{
    tcase_add_test(tc, the_end_of_the_stream_tells_the_state);
    tcase_add_test(tc, a_stand_in_is_told);
    tcase_add_test(tc, the_caps_may_change);
    tcase_add_test(tc, stop_while_loading);
    tcase_add_test(tc, restart);
    tcase_add_test(tc, two_elements_share_an_engine);
    tcase_add_test(tc, an_engine_with_other_settings_is_refused);
    tcase_add_test(tc, wrong_settings_fail_the_start);
    tcase_add_test(tc, properties_read_back);
    tcase_add_test(tc, every_format_shows_the_same_picture);
    tcase_add_test(tc, a_decoders_buffer_goes_back_to_its_pool);
    tcase_add_test(tc, the_held_buffers_are_announced);
    tcase_add_test(tc, a_pool_from_downstream_grows);
}
