/* SPDX-License-Identifier: Apache-2.0 */
/** align=delay for as long as it lasts: a network whose time varies, that hangs, and comes back. */
#include "rig.h"
#include "slow.h"

#define DELAYED "ssinfer " SLOW_MODEL "align=delay "

static const gint64 MS = GST_MSECOND, FRAME = PERIOD;

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

enum { WARM = 30 };

static gint64 takes_90(guint n)
{
    (void)n;
    return 90 * MS;
}

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
    tcase_add_test(tc, the_latency_query);
    tcase_add_test(tc, frames_at_no_known_rate);
}
