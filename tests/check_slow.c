/* SPDX-License-Identifier: Apache-2.0 */
/** align=delay for as long as it lasts: a network whose time varies, that hangs, and comes back. */
#include "rig.h"
#include "slow.h"

#define DELAYED "ssinfer " SLOW_MODEL "align=delay "

enum { MINUTE = 60 * 1000 / PERIOD_MS };

static const gint64 MS = GST_MSECOND, SLACK = GST_MSECOND, FRAME = PERIOD;

/** A video, a network, and what has come out so far. */
typedef struct Play {
    Rig rig;
    Slow slow;
    guint in, out; /* frames */
} Play;

static Play play_new(const char *launch, SlowTakes takes)
{
    Play p = { .in = 0 };

    slow_init(&p.slow, takes);
    p.rig = rig_new(launch);
    return p;
}

static void play_free(Play *p)
{
    slow_clear(&p->slow);
    rig_free(&p->rig);
}

/** The next frame comes, at its time. */
static void put_next(Play *p)
{
    const guint n = p->in++;

    slow_until(&p->slow, p->rig.infer, n * FRAME);
    fail_unless_equals_int(gst_harness_push(p->rig.h, make_frame(n * PERIOD, 100)), GST_FLOW_OK);
    slow_offered(&p->slow, n);
}

/** NULL: none has come out. Not one is missing, and none overtakes. */
static GstBuffer *take_next(Play *p)
{
    GstBuffer *b = gst_harness_try_pull(p->rig.h);

    if (b)
        fail_unless_equals_uint64(GST_BUFFER_PTS(b), p->out++ * PERIOD);
    return b;
}

static void take_all(Play *p)
{
    for (GstBuffer *b; (b = take_next(p));)
        gst_buffer_unref(b);
}

static guint waiting(const Play *p)
{
    return p->in - p->out;
}

static void play(Play *p, guint frames)
{
    for (guint i = 0; i < frames; i++) {
        put_next(p);
        take_all(p);
    }
}

static gint64 latency_of(const Play *p)
{
    return (gint64)gst_harness_query_latency(p->rig.h);
}

static void set_align(const Play *p, const char *align)
{
    gst_util_set_object_arg(G_OBJECT(p->rig.infer), "align", align);
}

/** The next message says so. */
static void told(const Play *p, gboolean expected_live, gint64 expected)
{
    gboolean live;
    gint64 delay;

    fail_unless(delay_told(p->rig.bus, &live, &delay), "in %u out %u results %u", p->in, p->out,
                p->slow.results);
    fail_unless_equals_int(live, expected_live);
    fail_unless_equals_int64(delay, expected);
}

static void nothing_told(const Play *p)
{
    gboolean live;
    gint64 delay;

    fail_if(delay_told(p->rig.bus, &live, &delay));
}

/* --- ten minutes --- */

static guint32 nth_random(guint n)
{
    return (n + 1) * 2654435761u >> 16;
}

/** 60 to 140 ms, evenly. */
static gint64 varies(guint n)
{
    return (60 + nth_random(n) % 81) * MS;
}

/** One in 40 takes 300 ms: about as many pictures wait long as are left out of account. */
static gint64 stumbles(guint n)
{
    return nth_random(n) % 40 == 0 ? 300 * MS : varies(n);
}

/** What the element has told, against what was measured here. */
typedef struct Told {
    gint64 delay;
    guint changes, changed_at; /* `results` then */
    gint64 p95[2 * SLOW_WAITS];
    guint results;
} Told;

/** The most of the last n that it was after a result. */
static gint64 crest(const Told *t, guint n)
{
    gint64 most = 0;

    for (guint i = 0; i < MIN(n, t->results); i++)
        most = MAX(most, t->p95[(t->results - 1 - i) % G_N_ELEMENTS(t->p95)]);
    return most;
}

/** It rises to the measured p95 at once, and falls to what that was at most for a memory's length. */
static void check_told(const Play *p, Told *t)
{
    gint64 delay = t->delay;
    gboolean live = FALSE;

    if (p->slow.results > t->results)
        t->p95[t->results++ % G_N_ELEMENTS(t->p95)] = slow_p95(&p->slow);
    const gint64 p95 = crest(t, 1);
    fail_unless_equals_int(t->results, p->slow.results);
    if (delay_told(p->rig.bus, &live, &delay)) {
        fail_unless_equals_int64(delay, delay > t->delay ? p95 : crest(t, SLOW_WAITS));
        fail_unless(!live && (delay > t->delay || delay < t->delay * 7 / 8));
        t->delay = delay;
        t->changes++;
        t->changed_at = t->results;
    }
    nothing_told(p);
    fail_unless(p95 <= t->delay + SLACK);
    fail_unless(crest(t, 2 * SLOW_WAITS) >= t->delay * 7 / 8 || t->results - t->changed_at < 2 * SLOW_WAITS);
}

/** Does the frame that leaves now carry its answer? If the network has seen it, that is what it saw. */
static guint is_answered(const Play *p, GstBuffer *b)
{
    const guint n = (guint)(GST_BUFFER_PTS(b) / PERIOD);

    if (p->slow.results > 0 && n == p->slow.answered)
        fail_unless_equals_string(gst_structure_get_string(param_of(nth_object(b, 0), "sidestream"), "state"),
                                  "measured");
    return p->slow.results > 0 && n <= p->slow.answered;
}

/**
 * The latency is what was told and less than a frame, from the first minute to the last; as many frames wait
 * as it says (where it becomes more, each frame adds one), and nearly all have their answer.
 */
static Told play_minutes(guint minutes, SlowTakes takes)
{
    Play p = play_new(DELAYED, takes);
    Told t = { 0 };
    guint waits = 0, answered = 0;

    while (p.in < minutes * MINUTE) {
        put_next(&p);
        check_told(&p, &t);
        const gint64 latency = latency_of(&p);
        fail_unless(latency >= t.delay - SLACK && latency < t.delay + FRAME);
        for (GstBuffer *b; (b = take_next(&p)); gst_buffer_unref(b))
            answered += is_answered(&p, b);
        waits = MIN(waits + 1, (guint)(latency / FRAME));
        fail_unless_equals_int(waiting(&p), waits);
    }
    fail_unless(answered * 20 >= p.out * 19, "%u of %u", answered, p.out);
    play_free(&p);
    return t;
}

/** Noise moves nothing: the last change was in the first minute, that is, before the 600th result. */
GST_START_TEST(ten_minutes_without_drift)
{
    const Told t = play_minutes(10, varies);

    fail_unless(t.results > 5000 && t.changed_at < 600, "%u of %u", t.changed_at, t.results);
}
GST_END_TEST;

GST_START_TEST(a_network_that_stumbles)
{
    const Told t = play_minutes(3, stumbles);

    fail_unless(t.changes < 40, "%u", t.changes);
}
GST_END_TEST;

/* --- it hangs --- */

enum { WARM = 30, HANGS = 10 /* so many inferences come before it */ };

/** 100 ms, and the one that hangs. */
static gint64 hangs(guint n)
{
    return n == HANGS ? SLOW_HANGS : 100 * MS;
}

/**
 * A picture for each that comes: as late as before until the network has been silent for max-delay, then all
 * that wait, then each at once. And late again when it has answered twice: the first answer is of before.
 */
GST_START_TEST(a_network_that_hangs_and_comes_back)
{
    Play p = play_new(DELAYED "max-delay=1000", hangs);

    while (p.slow.begun <= HANGS)
        play(&p, 1);
    const gint64 latency = latency_of(&p), delay = slow_p95(&p.slow);
    const guint held = waiting(&p), last = p.slow.answered;
    gboolean live = FALSE;
    gint64 d = 0;
    while (delay_told(p.rig.bus, &live, &d))
        fail_unless(!live);
    fail_unless_equals_int64(d, delay);
    fail_unless(held > 0 && held * FRAME == latency);

    while ((p.in - last) * FRAME <= 1000 * MS) {
        play(&p, 1);
        fail_unless_equals_int(waiting(&p), held);
    }
    nothing_told(&p);
    play(&p, 1);
    told(&p, TRUE, 0);
    fail_unless_equals_int64(latency_of(&p), 0);
    for (guint i = 0; i < 50; i++) {
        fail_unless_equals_int(waiting(&p), 0);
        play(&p, 1);
    }

    slow_wakes(&p.slow);
    const guint results = p.slow.results;
    do {
        nothing_told(&p);
        fail_unless_equals_int(waiting(&p), 0);
        play(&p, 1);
    } while (p.slow.results < results + 2);
    told(&p, FALSE, delay);
    fail_unless_equals_int64(latency_of(&p), latency);
    play(&p, WARM);
    fail_unless_equals_int(waiting(&p), held);
    nothing_told(&p);
    play_free(&p);
}
GST_END_TEST;

/**
 * Of so many pictures in a row at most a result can be carried: a chain of 128, and some to spare. A frame
 * that comes as an inference begins waits for that one and the next.
 */
enum { MOST_HELD = 120 };

static gint64 within_a_chain(guint n)
{
    (void)n;
    return (MOST_HELD / 2 - 5) * FRAME;
}

static gint64 beyond_a_chain(guint n)
{
    (void)n;
    return (MOST_HELD / 2 + 5) * FRAME;
}

/** However long it may be: what no result can be carried through does not wait. */
GST_START_TEST(longer_than_a_chain_is_live)
{
    Play p = play_new(DELAYED "max-delay=60000", within_a_chain);
    gboolean live = TRUE;
    gint64 delay = 0;

    play(&p, 5 * MOST_HELD);
    while (delay_told(p.rig.bus, &live, &delay))
        fail_if(live);
    fail_unless(delay >= within_a_chain(0) && delay < MOST_HELD * FRAME);
    fail_unless_equals_int(waiting(&p), (guint)(latency_of(&p) / FRAME));
    play_free(&p);

    p = play_new(DELAYED "max-delay=60000", beyond_a_chain);
    for (guint i = 0; i < 5 * MOST_HELD; i++) {
        play(&p, 1);
        fail_unless(waiting(&p) <= (i < 2 * MOST_HELD ? MOST_HELD : 0), "%u at %u", waiting(&p), i);
    }
    while (delay_told(p.rig.bus, &live, &delay))
        ;
    fail_unless(live && p.slow.results > 0);
    fail_unless_equals_int64(latency_of(&p), 0);
    play_free(&p);
}
GST_END_TEST;

/** It hangs when the video is sought: nothing of the new place is answered, so its start counts. */
GST_START_TEST(a_network_that_hangs_across_a_seek)
{
    Play p = play_new(DELAYED "max-delay=1000", hangs);

    while (p.slow.begun <= HANGS)
        play(&p, 1);
    fail_unless(waiting(&p) > 0);
    fail_unless(gst_harness_push_event(p.rig.h, gst_event_new_flush_start()));
    fail_unless(gst_harness_push_event(p.rig.h, gst_event_new_flush_stop(TRUE)));
    push_segment(&p.rig, 0, 0);
    const guint start = p.out = p.in;
    gboolean live = FALSE;
    gint64 d;
    while (delay_told(p.rig.bus, &live, &d))
        fail_unless(!live);

    while ((p.in - start) * FRAME <= 1000 * MS)
        play(&p, 1);
    nothing_told(&p);
    fail_unless(waiting(&p) > 0);
    play(&p, 1);
    told(&p, TRUE, 0);
    fail_unless_equals_int(waiting(&p), 0);
    play_free(&p);
}
GST_END_TEST;

/* --- it is switched --- */

static gint64 takes_90(guint n)
{
    (void)n;
    return 90 * MS;
}

/** Every way from each to each other, while the video runs: no frame is lost, overtakes or is left behind. */
GST_START_TEST(switched_at_run_time)
{
    static const char *const ways[] = { "hold", "live", "hold", "delay", "live", "delay" };
    Play p = play_new(DELAYED "max-delay=60000", takes_90);
    gboolean late = TRUE;

    play(&p, WARM);
    const guint held = waiting(&p);
    fail_unless(held > 0);
    for (guint round = 0; round < 3; round++) {
        for (guint i = 0; i < G_N_ELEMENTS(ways); i++) {
            set_align(&p, ways[i]);
            late = g_str_equal(ways[i], "delay");
            play(&p, 1);
            fail_unless_equals_int(waiting(&p), late ? 1 : 0);
            fail_unless_equals_int64(latency_of(&p), late ? held * FRAME : 0);
            play(&p, WARM + round);
            fail_unless_equals_int(waiting(&p), late ? held : 0);
        }
    }
    fail_unless(gst_harness_push_event(p.rig.h, gst_event_new_eos()));
    take_all(&p);
    fail_unless_equals_int(waiting(&p), 0);
    play_free(&p);
}
GST_END_TEST;

/* --- what it says --- */

typedef struct Upstream {
    gboolean live;
    GstClockTime min, max;
} Upstream;

static Upstream upstream;

static gboolean answer_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
    if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
        return gst_pad_query_default(pad, parent, query);
    gst_query_set_latency(query, upstream.live, upstream.min, upstream.max);
    return TRUE;
}

static Upstream asked(const Play *p)
{
    g_autoptr(GstQuery) query = gst_query_new_latency();
    Upstream u;

    fail_unless(gst_pad_peer_query(p->rig.h->sinkpad, query));
    gst_query_parse_latency(query, &u.live, &u.min, &u.max);
    return u;
}

/** Ours comes on top of the least and of the most, whether upstream is live or not. */
GST_START_TEST(the_latency_query)
{
    static const Upstream all[] = {
        { TRUE, 10 * GST_MSECOND, 50 * GST_MSECOND },
        { TRUE, 0, GST_CLOCK_TIME_NONE },
        { FALSE, 0, GST_CLOCK_TIME_NONE },
        { FALSE, 20 * GST_MSECOND, 20 * GST_MSECOND },
    };
    Play p = play_new(DELAYED, takes_90);

    play(&p, WARM);
    const GstClockTime ours = waiting(&p) * PERIOD;
    gst_pad_set_query_function(p.rig.h->srcpad, answer_query);
    for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
        upstream = all[i];
        const Upstream u = asked(&p);
        fail_unless_equals_int(u.live, all[i].live);
        fail_unless_equals_uint64(u.min, all[i].min + ours);
        fail_unless_equals_uint64(u.max,
                                  GST_CLOCK_TIME_IS_VALID(all[i].max) ? all[i].max + ours : all[i].max);
    }
    play_free(&p);
}
GST_END_TEST;

/** A source that doesn't know how often its frames come: as often as they did. */
GST_START_TEST(frames_at_no_known_rate)
{
    Play p = { .in = 0 };

    slow_init(&p.slow, takes_90);
    p.rig = rig_caps(DELAYED, "video/x-raw,format=GRAY8,width=64,height=48,framerate=0/1");
    play(&p, WARM);
    fail_unless(waiting(&p) > 0);
    fail_unless_equals_int64(latency_of(&p), waiting(&p) * FRAME);
    play_free(&p);
}
GST_END_TEST;

void add_slow_tests(TCase *tc)
{
    tcase_add_test(tc, ten_minutes_without_drift);
    tcase_add_test(tc, a_network_that_stumbles);
    tcase_add_test(tc, a_network_that_hangs_and_comes_back);
    tcase_add_test(tc, longer_than_a_chain_is_live);
    tcase_add_test(tc, a_network_that_hangs_across_a_seek);
    tcase_add_test(tc, switched_at_run_time);
    tcase_add_test(tc, the_latency_query);
    tcase_add_test(tc, frames_at_no_known_rate);
}
