/* SPDX-License-Identifier: Apache-2.0 */
/** The engine carries boxes: a still box of the dummy's, held back by a gate, on a picture that moves. */
#include <sched.h>

#include "core/reach.h"
#include "drawn.h"
#include "sidestream/dummy.h"
#include "sidestream/engine.h"

enum { GATE = 0, STEP = 3, SLOW = 45 };

static const int64_t PERIOD = 1000000000 / 30;

static SsStream *stream;
static SsObject object[SS_MAX_OBJECTS];
static int pixels_a_frame = STEP, entered;

/** The n-th frame. It is offered if `offered`. */
static void see(int n, bool offered)
{
    const Drawn drawn = { .width = 1, .height = 1, .gone = true, .ground = (float)(pixels_a_frame * n) };
    const SsFrameDesc d = draw_frame(&drawn, n * PERIOD);
    SsFrame *f = offered ? ss_frame_wrap(&d, NULL, NULL) : NULL;

    ss_stream_see(stream, &d);
    if (f)
        ss_stream_offer(stream, f); /* the network that reads it does not care what it shows */
}

static int shown(int n)
{
    return ss_stream_objects_at(stream, n * PERIOD, object, SS_MAX_OBJECTS);
}

static int frame(int n, bool offered)
{
    see(n, offered);
    return shown(n);
}

static void settle(void)
{
    SsStreamStats st;

    do {
        sched_yield();
        ss_stream_stats(stream, &st);
    } while (st.in_flight > 0);
}

/** The network looks at the n-th frame, and so many pass meanwhile. Returns the next one's number. */
static int look(int n, int passing)
{
    see(n++, true);
    ss_dummy_gate_wait(GATE, ++entered);
    for (int i = 0; i < passing; i++)
        see(n++, false);
    ss_dummy_gate_pass(GATE, 1);
    settle();
    return n;
}

static void carries(void)
{
    /* Five frames pass while the network looks at the first. */
    REQUIRE_CMP(frame(0, true), ==, 0);
    ss_dummy_gate_wait(GATE, ++entered);
    for (int i = 1; i <= 5; i++)
        REQUIRE_CMP(frame(i, false), ==, 0);
    ss_dummy_gate_pass(GATE, 1);
    settle();

    /* The worker carried the box to the fifth, the stream's thread on from there. */
    const float x = 0.2f * WIDTH;
    for (int i = 6; i <= 12; i++) {
        REQUIRE_CMP(frame(i, false), ==, 1);
        REQUIRE(object[0].state == SS_TRACKED && object[0].source_pts == 0);
        REQUIRE_NEAR(object[0].box.x, x + (float)(STEP * i), 2);
    }
    ss_stream_set_align(stream, SS_ALIGN_HOLD);
    REQUIRE_CMP(frame(13, false), ==, 1);
    REQUIRE(object[0].state == SS_HELD);
    REQUIRE_NEAR(object[0].box.x, x, 0.01);

    /* Back again: there were frames without a picture, which only velocity can bridge; then pixels again. */
    ss_stream_set_align(stream, SS_ALIGN_LIVE);
    REQUIRE_CMP(frame(14, false), ==, 1);
    REQUIRE(object[0].state == SS_PREDICTED);
    REQUIRE_NEAR(object[0].box.x, x + STEP * 14, 3);
    REQUIRE_CMP(frame(15, false), ==, 1);
    REQUIRE(object[0].state == SS_TRACKED);
    REQUIRE_NEAR(object[0].box.x, x + STEP * 15, 3);

    /* Without ss_stream_see(), as before. */
    REQUIRE_CMP(ss_stream_objects_at(stream, 16 * PERIOD, object, 1), ==, 1);
    REQUIRE(object[0].state == SS_HELD);

    ss_stream_flush(stream);
    REQUIRE_CMP(frame(17, false), ==, 0);
}

/** What the first frame after the result of a network is like that so many pass. Returns the next one's. */
static int state_after(int n, int passing, SsObjectState *state)
{
    n = look(n, passing);
    REQUIRE_CMP(frame(n, false), ==, 1);
    *state = object[0].state;
    return n + 1;
}

/** Pictures are kept for what the network usually needs: once late, boxes go by their velocity for two
 * results; always late, they are kept from the fifth result on; delayed, always. */
static void keeps_what_is_usual(void)
{
    SsObjectState state;
    int n = 100;

    pixels_a_frame = 0;
    for (int i = 0; i < 3; i++) {
        n = state_after(n, 5, &state);
        REQUIRE(state == SS_TRACKED);
    }
    for (int late = 0; late < 3; late++) {
        n = state_after(n, SLOW, &state);
        REQUIRE(state == SS_PREDICTED);
        n = look(n, 5); /* what it saw hangs together with nothing: there was no room left */
        for (int i = 0; i < 2 * SS_REACH_FADE; i++) { /* that were two results */
            n = state_after(n, 5, &state);
            REQUIRE(state == SS_TRACKED);
        }
    }
    for (int i = 0; i < SS_REACH_RESULTS; i++) {
        n = state_after(n, SLOW, &state);
        REQUIRE(state == SS_PREDICTED);
    }
    for (int i = 0; i < 3; i++) {
        n = state_after(n, SLOW, &state);
        REQUIRE(state == SS_TRACKED);
    }
}

/** What is delayed waits for its answer, however late that is once. */
static void keeps_all_that_is_delayed(void)
{
    const int first = 2000;
    int n;

    ss_stream_set_align(stream, SS_ALIGN_DELAY);
    n = look(first, 5);
    n = look(n, SLOW);
    n = look(n, 0);
    for (int i = first + 7; i < n; i++) {
        REQUIRE_CMP(shown(i), ==, 1);
        REQUIRE_CMP(object[0].source_pts, >, first * PERIOD);
    }
}

int main(void)
{
    const SsEngineParams p = { .backend = "dummy", .model.options = "gate=0,boxes=1" };
    SsStreamParams live = { .align = SS_ALIGN_LIVE };
    SsEngine *e;

    ss_dummy_gate_shut(GATE);
    REQUIRE(ss_engine_create(&e, &p) == 0);
    REQUIRE(ss_engine_start(e) == 0);
    REQUIRE(ss_stream_create(&stream, e, &live) == 0);
    carries();
    ss_stream_destroy(&stream);
    live.max_age = 10 * INT64_C(1000000000);
    REQUIRE(ss_stream_create(&stream, e, &live) == 0);
    keeps_what_is_usual();
    ss_stream_destroy(&stream);
    REQUIRE(ss_stream_create(&stream, e, &live) == 0);
    keeps_all_that_is_delayed();
    ss_stream_destroy(&stream);
    ss_engine_destroy(&e);
    ss_dummy_gate_open(GATE);
    return 0;
}
