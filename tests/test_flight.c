/* SPDX-License-Identifier: Apache-2.0 */
/** Two inferences in flight at once, several frames in one: none is lost, none is another's. By counters and
 * gates, no clock. */
#include "core/frame_private.h"
#include "engine_rig.h"
#include "internal.h"

enum { STREAMS = 4, ROUNDS = 300 };

static SsObject objects[SS_MAX_OBJECTS];

/** Dark, but for a square that says whose it is, and of which of its frames. */
static SsFrame *marked(int64_t pts, int x, int y)
{
    SsFrame *f = picture(pts, 0);
    uint8_t *pixels = (uint8_t *)f->desc.plane[0];

    for (int k = 0; k < 16; k++)
        pixels[(4 * y + k / 4) * PICTURE_SIDE + 4 * x + k % 4] = 255;
    return f;
}

/** What was seen in this frame is its square; others may be missed ones of frames before. */
static void require_own(SsStream *s, int64_t pts, int x, int y)
{
    int seen = 0;

    for (int i = ss_stream_objects_at(s, pts, objects, SS_MAX_OBJECTS) - 1; i >= 0; i--) {
        if (objects[i].state != SS_MEASURED)
            continue;
        seen++;
        REQUIRE(objects[i].source_pts == pts);
        REQUIRE_NEAR(objects[i].box.x, 4 * x, 1.5);
        REQUIRE_NEAR(objects[i].box.y, 4 * y, 1.5);
    }
    REQUIRE_CMP(seen, ==, 1);
}

/** All streams' frames wait at once; each gets its own answer. Until one worker has had two in flight. */
static void each_gets_its_own(int workers, int batch)
{
    SsEngine *e = engine_of_batch("async=1,follow=1,latency=1", workers, batch);
    SsStream *s[STREAMS];
    int most = 0, i = 0;

    open_streams(e, s, STREAMS);
    REQUIRE(ss_engine_start(e) == 0);
    REQUIRE(ss_engine_wait_loaded(e) == SS_RUNNING);
    for (; i < ROUNDS || (most <= workers && i < 100 * ROUNDS); i++) {
        for (int k = 0; k < STREAMS; k++)
            ss_stream_offer(s[k], marked(i * PERIOD, k, i % 8));
        for (int k = 0; k < STREAMS; k++) {
            settle(s[k], 0);
            require_own(s[k], i * PERIOD, k, i % 8);
        }
        const int now = ss_dummy_most_in_flight();
        most = SS_MAX(most, now);
    }
    REQUIRE(most > workers && most <= 2 * workers);
    for (int k = 0; k < STREAMS; k++) {
        const SsStreamStats st = settle(s[k], 0);
        REQUIRE_CMP(st.inferred, ==, i);
    }
    destroy_all(e, s, STREAMS);
}

/** Those of many workers, of a slow network and of one that cannot are begun one by one. */
static void alone_where_it_does_not_pay(void)
{
    static const struct {
        const char *options;
        int workers;
    } cases[] = { { "async=1", 3 }, { "async=1,latency=5", 1 }, { "async=0", 1 } };

    for (int i = 0; i < (int)SS_COUNTOF(cases); i++) {
        SsEngine *e = engine_with(cases[i].options, cases[i].workers);
        SsStream *s[STREAMS];

        open_streams(e, s, STREAMS);
        REQUIRE(ss_engine_start(e) == 0);
        for (int n = 0; n < 20; n++) {
            for (int k = 0; k < STREAMS; k++)
                offer(s[k], n * PERIOD, objects);
            settle(s[0], 0);
        }
        for (int k = 0; k < STREAMS; k++) {
            const SsStreamStats st = settle(s[k], 0);
            require_sum(&st);
        }
        destroy_all(e, s, STREAMS);
        REQUIRE_CMP(ss_dummy_most_in_flight(), <=, i == 1);
    }
}

static void failures_are_counted(int batch)
{
    SsEngine *e = engine_of_batch("async=1,broken=infer", 1, batch);
    SsStream *s[STREAMS];

    open_streams(e, s, STREAMS);
    REQUIRE(ss_engine_start(e) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        for (int k = 0; k < STREAMS; k++)
            offer(s[k], i * PERIOD, objects);
        for (int k = 0; k < STREAMS; k++)
            settle(s[k], 0);
    }
    for (int k = 0; k < STREAMS; k++) {
        const SsStreamStats st = settle(s[k], 0);
        REQUIRE_CMP(st.failed, ==, ROUNDS);
    }
    destroy_all(e, s, STREAMS);
}

/** Frames go on coming while it stops: all end somewhere. */
static void stops_with_two_in_flight(int batch)
{
    for (int round = 0; round < 50; round++) {
        SsEngine *e = engine_of_batch("async=1", 1, batch);
        SsStream *s[STREAMS];

        open_streams(e, s, STREAMS);
        REQUIRE(ss_engine_start(e) == 0);
        REQUIRE(ss_engine_wait_loaded(e) == SS_RUNNING);
        for (int i = 0; i < round; i++)
            for (int k = 0; k < STREAMS; k++)
                offer(s[k], i * PERIOD, objects);
        ss_engine_stop(e);
        for (int k = 0; k < STREAMS; k++) {
            SsStreamStats st;
            ss_stream_stats(s[k], &st);
            require_sum(&st);
            REQUIRE_CMP(st.in_flight, <=, 1); /* in the slot */
        }
        destroy_all(e, s, STREAMS);
    }
}

enum { CROWD = 6, BATCH = 4 };

/** Streams of which the first one's frame is in an inference that hangs, while the others' wait. */
static SsEngine *crowd(SsStream **s, const char *options)
{
    ss_dummy_gate_shut(GATE);
    SsEngine *e = engine_of_batch(options, 1, BATCH);

    open_streams(e, s, CROWD);
    REQUIRE(ss_engine_start(e) == 0);
    REQUIRE(ss_engine_wait_loaded(e) == SS_RUNNING);
    ss_stream_offer(s[0], marked(0, 0, 0));
    ss_dummy_gate_wait(GATE, 1);
    return e;
}

static int inferred_of(SsStream *const *s, int n)
{
    int sum = 0;

    for (int i = 0; i < n; i++) {
        SsStreamStats st;
        ss_stream_stats(s[i], &st);
        sum += (int)st.inferred;
    }
    return sum;
}

/** One goes alone, since it waits for nobody; of five that wait then, four go together. */
static void those_that_wait_go_together(void)
{
    static const int inferred[] = { 1, 5, 6 };
    SsStream *s[CROWD];
    SsEngine *e = crowd(s, "gate=0,follow=1");
    SsModelInfo info;

    REQUIRE(ss_engine_model_info(e, &info) == 0);
    REQUIRE_CMP(info.input.dim[0], ==, BATCH);
    for (int k = 1; k < CROWD; k++)
        ss_stream_offer(s[k], marked(0, k, k));
    for (int call = 1; call <= 3; call++) {
        ss_dummy_gate_wait(GATE, call);
        ss_dummy_gate_pass(GATE, 1);
        while (inferred_of(s, CROWD) < inferred[call - 1])
            sched_yield();
        REQUIRE_CMP(inferred_of(s, CROWD), ==, inferred[call - 1]); /* the next waits at the gate */
    }
    for (int k = 0; k < CROWD; k++) {
        settle(s[k], 0);
        require_own(s[k], 0, k, k);
    }
    REQUIRE_CMP(ss_engine_calls(e), ==, 3);
    ss_dummy_gate_open(GATE);
    destroy_all(e, s, CROWD);
}

/** It has failed by itself, and its seat goes to the next. */
static void one_that_cannot_be_read_is_left_out(void)
{
    SsStream *s[CROWD];
    SsEngine *e = crowd(s, "gate=0,follow=1");
    SsFrame *odd = marked(0, 1, 1);

    odd->desc.width = 0;
    ss_stream_offer(s[1], odd);
    for (int k = 2; k < CROWD; k++)
        ss_stream_offer(s[k], marked(0, k, k));
    ss_dummy_gate_open(GATE);
    for (int k = 0; k < CROWD; k++) {
        const SsStreamStats st = settle(s[k], 0);
        REQUIRE_CMP(st.failed, ==, k == 1);
        REQUIRE_CMP(st.inferred, ==, k != 1);
        if (k != 1)
            require_own(s[k], 0, k, k);
        require_sum(&st);
    }
    REQUIRE_CMP(ss_engine_calls(e), ==, 2);
    destroy_all(e, s, CROWD);
}

int main(void)
{
    alone_where_it_does_not_pay();
    for (int batch = 1; batch <= STREAMS; batch += STREAMS - 1) {
        each_gets_its_own(1, batch);
        failures_are_counted(batch);
        stops_with_two_in_flight(batch);
    }
    each_gets_its_own(2, 1);
    those_that_wait_go_together();
    one_that_cannot_be_read_is_left_out();
    return 0;
}
