/* SPDX-License-Identifier: Apache-2.0 */
#include "slow.h"

#include "fake_clock.h"
#include "sidestream/dummy.h"

void slow_init(Slow *s, SlowTakes takes)
{
    *s = (Slow) { .takes = takes };
    fake_clock_set(0);
    ss_dummy_gate_shut(GATE);
    s->other = gst_parse_launch("ssinfer " SLOW_MODEL, NULL);
    gst_object_ref_sink(s->other);
    fail_unless_equals_int(gst_element_set_state(s->other, GST_STATE_PAUSED), GST_STATE_CHANGE_SUCCESS);
}

void slow_clear(Slow *s)
{
    ss_dummy_gate_open(GATE);
    gst_element_set_state(s->other, GST_STATE_NULL);
    gst_object_unref(s->other);
}

static void begin(Slow *s, guint n)
{
    const gint64 takes = s->takes(s->begun);

    ss_dummy_gate_wait(GATE, (int)++s->begun);
    s->busy = TRUE;
    s->looks_at = n;
    s->done = takes == SLOW_HANGS ? SLOW_HANGS : fake_clock_now() + takes;
}

void slow_offered(Slow *s, guint n)
{
    if (!s->busy) {
        begin(s, n);
        return;
    }
    s->has_next = TRUE;
    s->next = n;
}

static void end(Slow *s, GstElement *infer)
{
    const Rig rig = { .infer = infer };
    const guint oldest = s->results > 0 ? s->answered + 1 : s->looks_at;

    s->wait[s->results++ % SLOW_WAITS] = s->done - (gint64)(oldest * PERIOD);
    s->answered = s->looks_at;
    s->busy = FALSE;
    ss_dummy_gate_pass(GATE, 1);
    if (s->has_next) {
        s->has_next = FALSE;
        begin(s, s->next); /* whose arrival says that the result is published */
        return;
    }
    while (counter(&rig, "in-flight") > 0)
        g_thread_yield();
}

void slow_until(Slow *s, GstElement *infer, gint64 now)
{
    while (s->busy && s->done <= now) {
        fake_clock_set(s->done);
        end(s, infer);
    }
    fake_clock_set(now);
}

void slow_wakes(Slow *s)
{
    g_assert(s->busy && s->done == SLOW_HANGS);
    s->done = fake_clock_now();
}

gint64 slow_p95(const Slow *s)
{
    const guint n = MIN(s->results, SLOW_WAITS);
    gint64 best = G_MAXINT64;

    for (guint i = 0; i < n; i++) {
        guint within = 0;
        for (guint k = 0; k < n; k++)
            within += s->wait[k] <= s->wait[i];
        if (within * 20 >= n * 19)
            best = MIN(best, s->wait[i]);
    }
    return best;
}
