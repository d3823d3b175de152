/* SPDX-License-Identifier: Apache-2.0 */
#include "io/source.h"

#include <glib/gstdio.h>
#include <gst/base/gstbasesrc.h>

#include "io/exit.h"
#include "test.h"

/* --- what exists --- */

static bool jetson(const char *element)
{
    return !g_str_equal(element, "libcamerasrc");
}

static bool libcamera(const char *element)
{
    return !g_str_equal(element, "nvarguscamerasrc");
}

static bool neither(const char *element)
{
    return !g_str_equal(element, "nvarguscamerasrc") && !g_str_equal(element, "libcamerasrc");
}

static bool nothing(const char *element)
{
    (void)element;
    return false;
}

static void test_texts(void)
{
    static const struct {
        const char *spec;
        bool (*exists)(const char *);
        const char *text;
    } cases[] = {
        { "csi://0?wbmode=1&flip=2", jetson,
          "nvarguscamerasrc sensor-id=0 wbmode=1 ! nvvidconv flip-method=2 ! video/x-raw,format=NV12" },
        { "csi://1?width=1280&height=720&fps=60", jetson,
          "nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM),width=1280,height=720,framerate=60/1 ! "
          "nvvidconv ! video/x-raw,format=NV12" },
        { "csi://", jetson, "nvarguscamerasrc sensor-id=0 ! nvvidconv ! video/x-raw,format=NV12" },
        { "csi://0?flip=3", libcamera, "libcamerasrc ! videoconvert ! videoflip method=clockwise" },
        { "csi://0?width=640&height=480&wbmode=1", libcamera,
          "libcamerasrc ! video/x-raw,width=640,height=480" },
        { "test://ball", nothing,
          "videotestsrc is-live=true pattern=ball ! "
          "video/x-raw,format=I420,width=640,height=480,framerate=30/1" },
        { "test://smpte?width=320&height=200&fps=10&format=NV12", nothing,
          "videotestsrc is-live=true pattern=smpte ! "
          "video/x-raw,format=NV12,width=320,height=200,framerate=10/1" },
        { "rtsp://camera/stream", jetson,
          "rtspsrc location=\"rtsp://camera/stream\" latency=100 drop-on-latency=true ! decodebin" },
        { "HTTP://a/\"x\\y", jetson, "souphttpsrc location=\"HTTP://a/\\\"x\\\\y\" ! decodebin" },
        { "gst: nvarguscamerasrc wbmode=1 ! nvvidconv flip-method=2 ", nothing,
          "nvarguscamerasrc wbmode=1 ! nvvidconv flip-method=2" },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = ss_source_text(cases[i].spec, cases[i].exists, &error);
        REQUIRE(text);
        REQUIRE_STR(text, cases[i].text);
    }
}

static void test_refused(void)
{
    static const struct {
        const char *spec;
        bool (*exists)(const char *);
        int code;
        const char *says;
    } cases[] = {
        { "csi://0?wbmode=10", jetson, SS_EXIT_USAGE,
          "wbmode must be a whole number from 0 to 9, not \"10\"" },
        { "csi://0?flip=-1", jetson, SS_EXIT_USAGE, "flip must be a whole number from 0 to 7" },
        { "csi://0?zoom=2", jetson, SS_EXIT_USAGE, "width, height, fps, wbmode, flip" },
        { "csi://0?wbmode", jetson, SS_EXIT_USAGE, "\"wbmode\" is not a parameter" },
        { "csi://x", jetson, SS_EXIT_USAGE, "whole number from 0 to 63" },
        { "csi://0", neither, SS_EXIT_SOURCE, "could not open camera csi://0" },
        { "csi://2", libcamera, SS_EXIT_SOURCE, "names, not numbers" },
        { "test://", nothing, SS_EXIT_USAGE, "pattern" },
        { "test://ball ! filesink location=x", nothing, SS_EXIT_USAGE, "pattern" },
        { "test://ball?format=I420 ! x", nothing, SS_EXIT_USAGE, "format must be a word" },
        { "test://ball?width=0", nothing, SS_EXIT_USAGE, "width must be" },
        { "gst:", nothing, SS_EXIT_USAGE, "needs a pipeline description" },
        { "/dev/video77", jetson, SS_EXIT_SOURCE,
          "could not open camera /dev/video77: no such device; is it plugged in? (ls /dev/video*)" },
        { "/dev/video77", nothing, SS_EXIT_SOURCE, "v4l2src is missing (apt install" },
        { "rtsp://u:p@host/x", nothing, SS_EXIT_SOURCE,
          "could not open rtsp://***@host/x: GStreamer's rtspsrc" },
        { "/nowhere/clip.avi", nothing, SS_EXIT_SOURCE, "/nowhere/clip.avi: no such file" },
        { "/", nothing, SS_EXIT_SOURCE, "is a folder" },
        { "/dev/null/x", nothing, SS_EXIT_SOURCE, "no such file" },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = ss_source_text(cases[i].spec, cases[i].exists, &error);
        REQUIRE(!text);
        REQUIRE(error && error->domain == SS_ERROR);
        if (error->code != cases[i].code || !strstr(error->message, cases[i].says))
            fprintf(stderr, "%s: %d %s\n", cases[i].spec, error->code, error->message);
        REQUIRE_CMP(error->code, ==, cases[i].code);
        REQUIRE(strstr(error->message, cases[i].says));
    }
}

static void test_file(void)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("a \"b\\XXXXXX", &path, NULL);
    REQUIRE(fd >= 0);
    g_autoptr(GError) error = NULL;
    REQUIRE(!ss_source_text(path, nothing, &error));
    REQUIRE_CMP(error->code, ==, SS_EXIT_SOURCE);
    REQUIRE(strstr(error->message, "the file is empty"));
    REQUIRE(g_file_set_contents(path, "x", 1, NULL));
    g_autofree char *text = ss_source_text(path, nothing, NULL);
    REQUIRE(text && strstr(text, "a \\\"b\\\\"));
    g_unlink(path);
    g_close(fd, NULL);
}

static void test_credentials(void)
{
    static const char *const cases[][2] = {
        { "rtsp://me:secret@host:554/a?b=c", "rtsp://***@host:554/a?b=c" },
        { "rtsp://me:s@cret@host/a", "rtsp://***@host/a" },
        { "rtspsrc location=rtsp://h/x user-id=me user-pw=secret ! fakesink",
          "rtspsrc location=rtsp://h/x user-id=*** user-pw=*** ! fakesink" },
        { "http://h/v?token=abc&x=1", "http://h/v?token=***&x=1" },
        { "rtspsrc user-pw=\"a b\" location=x", "rtspsrc user-pw=*** location=x" },
        { "me@example.org, nothing to hide", "me@example.org, nothing to hide" },
        { "file \xff.avi", "file \xff.avi" },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *masked = ss_mask_credentials(cases[i][0]);
        REQUIRE_STR(masked, cases[i][1]);
    }
}

/* --- playing --- */

typedef struct Seen {
    guint frames;
    GstClockTime last;
    gboolean rising, offsets;
    GstClockTime step; /* 0: any */
    gboolean steps;
} Seen;

static GstPadProbeReturn at_frame(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    (void)pad;
    Seen *seen = data;
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    GstClockTime pts = GST_BUFFER_PTS(buffer);
    if (seen->frames > 0) {
        seen->rising = seen->rising && pts > seen->last;
        seen->steps = seen->steps && (seen->step == 0 || ABS((gint64)(pts - seen->last - seen->step)) <= 1);
    }
    seen->offsets = seen->offsets && GST_BUFFER_OFFSET(buffer) == seen->frames;
    seen->last = pts;
    seen->frames++;
    return GST_PAD_PROBE_OK;
}

static Seen play(const char *spec, const SsPaceParams *pace, GstClockTime step)
{
    Seen seen = { .rising = TRUE, .offsets = TRUE, .steps = TRUE, .step = step };
    g_autoptr(GError) error = NULL;
    GstElement *source = ss_source_new(spec, pace, &error);
    if (error)
        fprintf(stderr, "%s\n", error->message);
    REQUIRE(source);
    g_autoptr(GstElement) pipeline = gst_pipeline_new(NULL);
    GstElement *sink = gst_element_factory_make("fakesink", NULL);
    g_object_set(sink, "sync", FALSE, "async", FALSE, NULL);
    gst_bin_add_many(GST_BIN(pipeline), source, sink, NULL);
    REQUIRE(gst_element_link(source, sink));
    g_autoptr(GstPad) pad = gst_element_get_static_pad(sink, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, at_frame, &seen, NULL);
    g_autoptr(GstBus) bus = gst_pipeline_get_bus(GST_PIPELINE(pipeline));
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    g_autoptr(GstMessage) end =
        gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    REQUIRE(GST_MESSAGE_TYPE(end) == GST_MESSAGE_EOS);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    return seen;
}

#define CLIP "gst: videotestsrc num-buffers=20 ! video/x-raw,width=64,height=48,framerate=100/1"

static void test_rate(void)
{
    Seen own = play(CLIP, &(SsPaceParams) { 0 }, 10 * GST_MSECOND);
    REQUIRE_CMP(own.frames, ==, 20);
    REQUIRE(own.rising && own.offsets && own.steps);
    Seen faster = play(CLIP, &(SsPaceParams) { .rate = 500 }, 2 * GST_MSECOND);
    REQUIRE_CMP(faster.frames, ==, 20);
    REQUIRE(faster.rising && faster.offsets && faster.steps);
    REQUIRE_CMP(faster.last, ==, 38 * GST_MSECOND);
}

static void test_end(void)
{
    Seen part = play(CLIP, &(SsPaceParams) { .rate = 500, .end = 20 * GST_MSECOND }, 2 * GST_MSECOND);
    REQUIRE_CMP(part.frames, ==, 10);
    Seen live =
        play("test://ball?fps=100&width=64&height=48", &(SsPaceParams) { .end = 50 * GST_MSECOND }, 0);
    REQUIRE_CMP(live.frames, >=, 4); /* a live source may skip what it was too late for */
    REQUIRE_CMP(live.frames, <=, 5);
    REQUIRE(live.rising && live.offsets);
}

static void test_paced(void)
{
    gint64 began = g_get_monotonic_time();
    play(CLIP, &(SsPaceParams) { .rate = 100 }, 0);
    REQUIRE_CMP(g_get_monotonic_time() - began, >=, 190000); /* never early; late is the machine's affair */
}

static void note_end(gpointer data, GstMiniObject *buffer)
{
    (void)buffer;
    *(gboolean *)data = TRUE;
}

static GstFlowReturn keep_newest(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
    (void)parent;
    GstBuffer **newest = gst_pad_get_element_private(pad);
    gst_clear_buffer(newest);
    *newest = buffer;
    return GST_FLOW_OK;
}

/* A pad that feeds `element`, which plays, and one that keeps the newest buffer which came out. */
static void pads_around(GstElement *element, GstPad **in, GstPad **out, GstBuffer **newest)
{
    g_autoptr(GstPad) sink = gst_element_get_static_pad(element, "sink");
    g_autoptr(GstPad) src = gst_element_get_static_pad(element, "src");
    g_autoptr(GstCaps) caps =
        gst_caps_from_string("video/x-raw,format=GRAY8,width=8,height=8,framerate=25/1");
    GstSegment segment;
    *in = gst_pad_new("in", GST_PAD_SRC);
    *out = gst_pad_new("out", GST_PAD_SINK);
    gst_pad_set_element_private(*out, newest);
    gst_pad_set_chain_function(*out, keep_newest);
    REQUIRE(gst_pad_link(*in, sink) == GST_PAD_LINK_OK && gst_pad_link(src, *out) == GST_PAD_LINK_OK);
    gst_pad_set_active(*in, TRUE);
    gst_pad_set_active(*out, TRUE);
    REQUIRE(gst_element_set_state(element, GST_STATE_PLAYING) == GST_STATE_CHANGE_SUCCESS);
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_push_event(*in, gst_event_new_stream_start("test"));
    gst_pad_push_event(*in, gst_event_new_caps(caps));
    gst_pad_push_event(*in, gst_event_new_segment(&segment));
}

/* What comes out has other times than what went in, which the decoder may still need: it is another buffer of
 * the same memory, and the first has to find its way back into its pool all the same. */
static void test_pool(void)
{
    g_autoptr(GstElement) pace = gst_object_ref_sink(ss_pace_new(&(SsPaceParams) { .unhurried = true }));
    g_autoptr(GstBufferPool) pool = gst_buffer_pool_new();
    GstStructure *config = gst_buffer_pool_get_config(pool);
    GstBuffer *decoded, *shown = NULL;
    GstPad *in, *out;
    gboolean gone = FALSE;
    gst_buffer_pool_config_set_params(config, NULL, 64, 0, 0);
    REQUIRE(gst_buffer_pool_set_config(pool, config) && gst_buffer_pool_set_active(pool, TRUE));
    REQUIRE(gst_buffer_pool_acquire_buffer(pool, &decoded, NULL) == GST_FLOW_OK);
    gst_mini_object_weak_ref(GST_MINI_OBJECT(decoded), note_end, &gone);
    pads_around(pace, &in, &out, &shown);

    REQUIRE(gst_pad_push(in, gst_buffer_ref(decoded)) == GST_FLOW_OK);
    REQUIRE(shown && shown != decoded);
    REQUIRE(gst_buffer_peek_memory(shown, 0) == gst_buffer_peek_memory(decoded, 0));
    gst_buffer_unref(decoded); /* the decoder needs it no more, the stream still does */
    gst_clear_buffer(&shown);
    REQUIRE(gst_pad_push(in, gst_buffer_new_allocate(NULL, 64, NULL)) == GST_FLOW_OK);
    REQUIRE(!gone);

    GstBuffer *again;
    REQUIRE(gst_buffer_pool_acquire_buffer(pool, &again, NULL) == GST_FLOW_OK);
    REQUIRE(again == decoded);
    gst_mini_object_weak_unref(GST_MINI_OBJECT(again), note_end, &gone);
    gst_buffer_unref(again);
    gst_element_set_state(pace, GST_STATE_NULL);
    gst_buffer_pool_set_active(pool, FALSE);
    gst_clear_buffer(&shown);
    gst_object_unref(in);
    gst_object_unref(out);
}

static char *make_clip(void)
{
    char *path = g_build_filename(g_get_tmp_dir(), "sidestream-test-source.avi", NULL);
    g_autofree char *text =
        g_strdup_printf("videotestsrc num-buffers=20 ! video/x-raw,width=64,height=48,framerate=100/1 "
                        "! jpegenc ! avimux ! filesink location=%s",
                        path);
    g_autoptr(GstElement) pipeline = gst_parse_launch(text, NULL);
    REQUIRE(pipeline);
    g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    g_autoptr(GstMessage) end =
        gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    REQUIRE(GST_MESSAGE_TYPE(end) == GST_MESSAGE_EOS);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    return path;
}

static void test_loop(void)
{
    g_autofree char *path = make_clip();
    Seen seen = play(path, &(SsPaceParams) { .loop = true, .end = 550 * GST_MSECOND }, 10 * GST_MSECOND);
    REQUIRE_CMP(seen.frames, ==, 55); /* 2 rounds of 20 and a part of the third */
    REQUIRE(seen.rising && seen.offsets && seen.steps);
    seen = play(path, &(SsPaceParams) { .loop = true, .rate = 400, .end = 125 * GST_MSECOND },
                2500 * GST_USECOND);
    REQUIRE_CMP(seen.frames, ==, 50);
    REQUIRE(seen.rising && seen.offsets && seen.steps);
    g_unlink(path);
}

/* --- a Jetson's camera, played by stand-ins of the same names and properties --- */

typedef GstBin StandIn;
typedef GstBinClass StandInClass;
typedef GstBin Converter;
typedef GstBinClass ConverterClass;
static GType stand_in_get_type(void);
static GType converter_get_type(void);
G_DEFINE_TYPE(StandIn, stand_in, GST_TYPE_BIN)
G_DEFINE_TYPE(Converter, converter, GST_TYPE_BIN)

static int given_wbmode, given_sensor, given_flip;

static void set_number(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
    (void)object, (void)spec;
    *(id == 1 ? &given_wbmode : id == 2 ? &given_sensor : &given_flip) = g_value_get_int(value);
}

static void add_number(GObjectClass *klass, guint id, const char *name)
{
    klass->set_property = set_number;
    g_object_class_install_property(klass, id,
                                    g_param_spec_int(name, name, name, -1, 99, -1, G_PARAM_WRITABLE));
}

static void fill(GstBin *bin, const char *element, const char *const *pads)
{
    GstElement *inner = gst_element_factory_make(element, NULL);
    if (g_str_equal(element, "videotestsrc"))
        g_object_set(inner, "is-live", TRUE, "num-buffers", 5, NULL);
    gst_bin_add(bin, inner);
    for (; *pads; pads++) {
        g_autoptr(GstPad) pad = gst_element_get_static_pad(inner, *pads);
        gst_element_add_pad(GST_ELEMENT(bin), gst_ghost_pad_new(*pads, pad));
    }
}

static void stand_in_init(StandIn *bin)
{
    fill(bin, "videotestsrc", (const char *const[]) { "src", NULL });
}

static void converter_init(Converter *bin)
{
    fill(bin, "videoconvert", (const char *const[]) { "sink", "src", NULL });
}

static void stand_in_class_init(StandInClass *klass)
{
    gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Stand-in", "Source", "A camera", "Test");
    add_number(G_OBJECT_CLASS(klass), 1, "wbmode");
    add_number(G_OBJECT_CLASS(klass), 2, "sensor-id");
}

static void converter_class_init(ConverterClass *klass)
{
    gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Stand-in", "Filter", "A converter",
                                          "Test");
    add_number(G_OBJECT_CLASS(klass), 3, "flip-method");
}

static void test_jetson_camera(void)
{
    REQUIRE(gst_element_register(NULL, "nvarguscamerasrc", GST_RANK_NONE, stand_in_get_type()));
    REQUIRE(gst_element_register(NULL, "nvvidconv", GST_RANK_NONE, converter_get_type()));
    Seen seen = play("csi://3?wbmode=1&flip=2", &(SsPaceParams) { 0 }, 0);
    REQUIRE_CMP(seen.frames, ==, 5);
    REQUIRE_CMP(given_sensor, ==, 3);
    REQUIRE_CMP(given_wbmode, ==, 1);
    REQUIRE_CMP(given_flip, ==, 2);
    given_wbmode = given_flip = 0;
    seen = play("gst: nvarguscamerasrc wbmode=1 ! nvvidconv flip-method=2", &(SsPaceParams) { 0 }, 0);
    REQUIRE_CMP(seen.frames, ==, 5);
    REQUIRE_CMP(given_wbmode, ==, 1);
    REQUIRE_CMP(given_flip, ==, 2);
}

int main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    test_texts();
    test_refused();
    test_file();
    test_credentials();
    test_rate();
    test_end();
    test_paced();
    test_pool();
    test_loop();
    test_jetson_camera();
    gst_deinit();
    return 0;
}
