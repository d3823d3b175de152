/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A live picture and a live tone in one pipeline: a flash and its sound leave their sinks at the same time,
 * whatever align=delay holds back. Everything goes by a clock of the test's: nothing happens but at its time.
 */
#include <gst/base/gstbasesink.h>
#include <gst/check/gsttestclock.h>

#include "rig.h"
#include "slow.h"

enum { FRAMES = 500, FLASH_EVERY = 5, SAMPLES = 320 /* in PERIOD */, HANGS = 12 };

#define SOUND_CAPS "audio/x-raw,format=S16LE,rate=8000,channels=1,layout=interleaved"

/* A sink plans to take so long, which is all the time that a buffer has: what comes later is dropped. */
#define DEADLINE GST_MSECOND

/** One sink, and when it showed what. */
typedef struct Track {
    GstClock *clock;
    GstElement *sink;
    GstPad *pad;   /* what is pushed here comes out of `sink` */
    guint arrived; /* at the queue before it, so many buffers */
    /* --- written by the sink's thread, before its statistics count the buffer */
    GstClockTime at[FRAMES];
    gboolean flash[FRAMES];
} Track;

typedef struct Show {
    GstElement *pipeline, *infer;
    GstBus *bus;
    GstClock *clock;
    Slow slow;
    Track picture, sound;
    guint in;             /* frames */
    GstClockTime latency; /* as the pipeline was told last */
    gboolean live;
    guint since; /* the first frame since then */
} Show;

/* --- the pipeline --- */

static gboolean is_live(GstPad *pad, GstObject *parent, GstQuery *query)
{
    if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
        return gst_pad_query_default(pad, parent, query);
    gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
    return TRUE;
}

static void on_shown(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer track)
{
    Track *t = track;
    const guint n = (guint)(GST_BUFFER_PTS(buffer) / PERIOD);
    guint8 value = 0;

    (void)sink;
    (void)pad;
    gst_buffer_extract(buffer, 0, &value, 1);
    t->at[n] = gst_clock_get_time(t->clock);
    t->flash[n] = value > 0;
}

static GstPadProbeReturn on_arrived(GstPad *pad, GstPadProbeInfo *info, gpointer track)
{
    (void)pad;
    (void)info;
    ((Track *)track)->arrived++;
    return GST_PAD_PROBE_OK;
}

/** `sink`, the queue before it, and a live source of the test's before `head`. */
static void track_init(Track *t, Show *s, const char *sink, const char *queue, const char *head)
{
    GstBin *bin = GST_BIN(s->pipeline);
    g_autoptr(GstElement) q = gst_bin_get_by_name(bin, queue), h = gst_bin_get_by_name(bin, head);
    g_autoptr(GstPad) arrives = gst_element_get_static_pad(q, "sink");
    g_autoptr(GstPad) peer = gst_element_get_static_pad(h, "sink");

    t->clock = s->clock;
    t->sink = gst_bin_get_by_name(bin, sink);
    g_object_set(t->sink, "sync", TRUE, "async", FALSE, "signal-handoffs", TRUE, "processing-deadline",
                 DEADLINE, "max-lateness", (gint64)0, NULL);
    g_signal_connect(t->sink, "handoff", G_CALLBACK(on_shown), t);
    gst_pad_add_probe(arrives, GST_PAD_PROBE_TYPE_BUFFER, on_arrived, t, NULL);
    t->pad = gst_pad_new(NULL, GST_PAD_SRC);
    gst_pad_set_query_function(t->pad, is_live);
    fail_unless_equals_int(gst_pad_link(t->pad, peer), GST_PAD_LINK_OK);
    gst_pad_set_active(t->pad, TRUE);
}

static void track_start(Track *t, const char *caps, const char *id)
{
    g_autoptr(GstCaps) c = gst_caps_from_string(caps);

    gst_check_setup_events_with_stream_id(t->pad, NULL, c, GST_FORMAT_TIME, id);
}

static void track_clear(Track *t)
{
    g_autoptr(GstPad) peer = gst_pad_get_peer(t->pad);

    gst_pad_set_active(t->pad, FALSE);
    gst_pad_unlink(t->pad, peer);
    gst_object_unref(t->pad);
    gst_object_unref(t->sink);
}

static Show *show_new(SlowTakes takes)
{
    Show *s = g_new0(Show, 1);

    slow_init(&s->slow, takes);
    s->clock = gst_test_clock_new();
    s->pipeline = gst_parse_launch("ssinfer name=infer " SLOW_MODEL
                                   "align=delay max-delay=1000 ! queue name=pictures ! fakesink name=picture "
                                   "queue name=sounds max-size-time=0 ! fakesink name=sound",
                                   NULL);
    s->infer = gst_bin_get_by_name(GST_BIN(s->pipeline), "infer");
    s->bus = gst_element_get_bus(s->pipeline);
    gst_pipeline_use_clock(GST_PIPELINE(s->pipeline), s->clock);
    gst_element_set_start_time(s->pipeline, GST_CLOCK_TIME_NONE); /* running time is the clock's */
    track_init(&s->picture, s, "picture", "pictures", "infer");
    track_init(&s->sound, s, "sound", "sounds", "sounds");
    fail_unless_equals_int(gst_element_set_state(s->pipeline, GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
    track_start(&s->picture, CAPS, "picture");
    track_start(&s->sound, SOUND_CAPS, "sound");
    return s;
}

static void show_free(Show *s)
{
    slow_clear(&s->slow);
    gst_element_set_state(s->pipeline, GST_STATE_NULL);
    track_clear(&s->picture);
    track_clear(&s->sound);
    gst_object_unref(s->infer);
    gst_object_unref(s->bus);
    gst_object_unref(s->pipeline);
    gst_object_unref(s->clock);
    g_free(s);
}

/* --- time --- */

static guint64 statistic(const Track *t, const char *name)
{
    g_autoptr(GstStructure) stats = NULL;
    guint64 n = 0;

    g_object_get(t->sink, "stats", &stats, NULL);
    fail_unless(gst_structure_get_uint64(stats, name, &n));
    return n;
}

static guint is_waiting(const Track *t)
{
    return statistic(t, "rendered") + statistic(t, "dropped") < t->arrived;
}

/** Who has something to show waits for its time. */
static void settle(const Show *s)
{
    while (gst_test_clock_peek_id_count(GST_TEST_CLOCK(s->clock)) <
           is_waiting(&s->picture) + is_waiting(&s->sound))
        g_thread_yield();
}

/** The next whose time comes until then; NONE: there is none. */
static GstClockTime next_time(const Show *s)
{
    GstClockID id;

    settle(s);
    if (!gst_test_clock_peek_next_pending_id(GST_TEST_CLOCK(s->clock), &id))
        return GST_CLOCK_TIME_NONE;
    const GstClockTime time = gst_clock_id_get_time(id);
    gst_clock_id_unref(id);
    return time;
}

/** What both show until then; and it is then. */
static void run_until(Show *s, GstClockTime then)
{
    GstTestClock *clock = GST_TEST_CLOCK(s->clock);

    for (GstClockTime time; (time = next_time(s)) <= then;) {
        gst_test_clock_set_time(clock, MAX(time, gst_clock_get_time(s->clock)));
        gst_clock_id_unref(gst_test_clock_process_next_clock_id(clock));
    }
    gst_test_clock_set_time(clock, then);
}

/* --- what is played --- */

static void push(const Track *t, GstBuffer *buffer)
{
    GST_BUFFER_DURATION(buffer) = PERIOD;
    fail_unless_equals_int(gst_pad_push(t->pad, buffer), GST_FLOW_OK);
}

static GstBuffer *make_sound(guint n, guint8 loud)
{
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, SAMPLES * 2, NULL);

    gst_buffer_memset(buffer, 0, loud, SAMPLES * 2);
    GST_BUFFER_PTS(buffer) = n * PERIOD;
    return buffer;
}

/** As a program does. */
static void heed_messages(Show *s, guint n)
{
    gint64 delay;

    while (delay_told(s->bus, &s->live, &delay)) {
        g_autoptr(GstQuery) query = gst_query_new_latency();
        fail_unless(gst_bin_recalculate_latency(GST_BIN(s->pipeline)));
        fail_unless(gst_element_query(s->pipeline, query));
        gst_query_parse_latency(query, NULL, &s->latency, NULL);
        s->since = n;
    }
}

static guint8 is_flash(guint n)
{
    return n % FLASH_EVERY == 0;
}

/** Both come at their time. */
static void play(Show *s)
{
    const guint n = s->in++;

    run_until(s, n * PERIOD);
    slow_until(&s->slow, s->infer, (gint64)(n * PERIOD));
    push(&s->picture, make_frame(n * PERIOD, is_flash(n) ? 200 : 0));
    slow_offered(&s->slow, n);
    heed_messages(s, n);
    push(&s->sound, make_sound(n, is_flash(n) ? 100 : 0));
}

/** So many frames; and all since the latency changed have left at their time. */
static void play_in_step(Show *s, guint frames)
{
    for (guint i = 0; i < frames; i++)
        play(s);
    run_until(s, s->in * PERIOD);
    for (guint n = s->since; n * PERIOD + s->latency < s->in * PERIOD; n++) {
        fail_unless_equals_uint64(s->picture.at[n], n * PERIOD + s->latency);
        fail_unless_equals_uint64(s->sound.at[n], n * PERIOD + s->latency);
        fail_unless(s->picture.flash[n] == is_flash(n) && s->sound.flash[n] == is_flash(n));
    }
}

static gint64 hangs(guint n)
{
    return n == HANGS ? SLOW_HANGS : 90 * (gint64)GST_MSECOND;
}

/**
 * Before anything is known both are shown at once; then both late, and nothing is dropped for it: the picture
 * stands still for that long. When the network hangs both are shown at once again, and when it is back, late.
 */
GST_START_TEST(a_flash_and_its_tone)
{
    Show *s = show_new(hangs);

    s->latency = DEADLINE;
    play_in_step(s, 2);
    fail_unless_equals_int(s->since, 0);
    while (s->slow.begun <= HANGS)
        play(s);
    fail_unless(!s->live && s->since > 0 && s->latency > 90 * GST_MSECOND);
    const GstClockTime late = s->latency;
    play_in_step(s, 10);
    fail_unless_equals_uint64(statistic(&s->picture, "dropped"), 0);
    fail_unless_equals_uint64(statistic(&s->sound, "dropped"), 0);

    while (!s->live)
        play(s);
    fail_unless_equals_uint64(s->latency, DEADLINE);
    play_in_step(s, 20);
    slow_wakes(&s->slow);
    while (s->live)
        play(s);
    fail_unless_equals_uint64(s->latency, late);
    play_in_step(s, 50);
    show_free(s);
}
GST_END_TEST;

void add_sync_tests(TCase *tc)
{
    tcase_add_test(tc, a_flash_and_its_tone);
}
